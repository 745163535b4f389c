//! Whole jobs against servers of their own: discovery, schedules, reloads, failures.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::super::target::Health;
use super::*;
use crate::base::clock::{Clock as _, SystemClock};
use crate::metrics::ingest::recorder::Recorder;
use crate::metrics::model::config::{FileSd, HttpHeader, RelabelAction, RelabelConfig, RelabelRegex, StaticConfig};

/// A server that shows metrics.
#[derive(Default)]
struct Exporter {
    body: Mutex<String>,
    status: Mutex<Option<StatusCode>>,
    hang: Mutex<bool>,
    gzip: Mutex<bool>,
    asked: AtomicUsize,
    last: Mutex<Option<(HeaderMap, Uri)>>,
    address: Mutex<String>,
}

impl Exporter {
    async fn start(body: &str) -> Arc<Self> {
        let exporter = Arc::new(Self { body: Mutex::new(body.to_owned()), ..Self::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        *exporter.address.lock() = listener.local_addr().unwrap().to_string();
        let router = Router::new().fallback(answer).with_state(exporter.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        exporter
    }

    fn address(&self) -> String {
        self.address.lock().clone()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn answer(State(exporter): State<Arc<Exporter>>, headers: HeaderMap, uri: Uri) -> Response {
    exporter.asked.fetch_add(1, Ordering::SeqCst);
    *exporter.last.lock() = Some((headers, uri));
    if *exporter.hang.lock() {
        std::future::pending::<()>().await;
    }
    if let Some(status) = *exporter.status.lock() {
        return status.into_response();
    }
    let body = exporter.body.lock().clone();
    let text = ("content-type", "text/plain; version=0.0.4");
    if *exporter.gzip.lock() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(body.as_bytes()).unwrap();
        return ([text, ("content-encoding", "gzip")], gzip.finish().unwrap()).into_response();
    }
    ([text], body).into_response()
}

struct Bench {
    store: Arc<Recorder>,
    manager: ScrapeManager,
}

impl Bench {
    fn new() -> Self {
        let store = Recorder::new();
        let manager = ScrapeManager::new(store.clone(), Arc::new(SystemClock::new()), &ScrapeOptions::default());
        Self { store, manager }
    }

    fn apply(&self, jobs: &[ScrapeConfig]) {
        self.manager.apply(jobs, &GlobalConfig::default()).unwrap();
    }

    fn only(&self) -> ActiveTarget {
        let mut active = self.manager.targets().active;
        assert_eq!(active.len(), 1);
        active.remove(0)
    }

    /// Waits until `done` holds.
    async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let wait = async {
            while !done(self) {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(120), wait).await;
        assert!(waited.is_ok(), "{what} did not happen: {:?} {:?}", self.manager.targets(), self.store.dump("up"));
    }

    /// Waits until the only target is up, and gives it as it was then.
    async fn until_up(&self) -> ActiveTarget {
        let found = Mutex::new(None);
        self.until("health", |bench| {
            let target = Some(bench.only()).filter(|target| target.state.health == Health::Up);
            let is_up = target.is_some();
            *found.lock() = target;
            is_up
        })
        .await;
        found.into_inner().unwrap()
    }

    async fn until_last(&self, metric: &str, value: &str) {
        self.until(&format!("{metric} {value}"), |bench| {
            let dump = bench.store.dump(metric);
            !dump.is_empty() && dump.iter().all(|(_, values)| values.last().is_some_and(|(_, last)| last == value))
        })
        .await;
    }
}

fn job(name: &str, addresses: &[String], interval_ms: i64) -> ScrapeConfig {
    let mut config = ScrapeConfig {
        job_name: name.to_owned(),
        scrape_interval: Duration::from_ms(interval_ms),
        scrape_timeout: Duration::from_ms(interval_ms),
        ..ScrapeConfig::default()
    };
    config.discovery.static_configs = vec![StaticConfig { targets: addresses.to_vec(), ..StaticConfig::default() }];
    config
}

#[tokio::test]
async fn scrapes_and_shows_targets() {
    let exporter = Exporter::start("# HELP a Helps.\n# TYPE a gauge\na 1\n").await;
    let bench = Bench::new();
    let mut config = job("j", &[exporter.address()], 100);
    config.params.insert("x".into(), vec!["y z".into()]);
    config.http.http_headers.insert("X-Tenant".into(), HttpHeader { values: vec!["t".into()], ..HttpHeader::default() });
    bench.apply(&[config]);
    assert_eq!(bench.only().state.health, Health::Unknown);
    bench.until_last("a", "1").await;
    // A scrape of a busy machine may be late, and the next one in time.
    let target = bench.until_up().await;
    assert_eq!(target.scrape_url, format!("http://{}/metrics?x=y+z", exporter.address()));
    assert_eq!(target.labels.to_string(), format!("{{instance=\"{}\", job=\"j\"}}", exporter.address()));
    assert_eq!(target.discovered_labels.get("__param_x"), Some("y z"));
    assert_eq!((target.scrape_pool.as_str(), target.state.last_error.as_str()), ("j", ""));
    let (headers, uri) = exporter.last.lock().clone().unwrap();
    assert_eq!(uri.to_string(), "/metrics?x=y+z");
    assert_eq!(
        (&headers["x-tenant"], &headers["accept-encoding"], &headers["x-prometheus-scrape-timeout-seconds"]),
        (&"t".parse().unwrap(), &"gzip".parse().unwrap(), &"0.1".parse().unwrap())
    );
    assert!(headers["accept"].to_str().unwrap().starts_with("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6"));
    let metadata = bench.manager.target_metadata(Some("a"), |_| true, 0);
    assert_eq!((metadata.len(), metadata[0].metadata.help.as_str()), (1, "Helps."));
    *exporter.gzip.lock() = true;
    *exporter.body.lock() = "a 2\n".to_owned();
    bench.until_last("a", "2").await;
    // Timestamps are those of the grid, or that of a scrape that came late; never two alike.
    let times: Vec<i64> = bench.store.dump("a")[0].1.iter().map(|(ts, _)| *ts).collect();
    assert!(times.windows(2).all(|two| two[0] < two[1]), "{times:?}");
}

#[tokio::test]
async fn failures_show_and_end_series() {
    let exporter = Exporter::start("a 1\n").await;
    let bench = Bench::new();
    bench.apply(&[job("j", &[exporter.address()], 100)]);
    bench.until_last("a", "1").await;
    *exporter.status.lock() = Some(StatusCode::INTERNAL_SERVER_ERROR);
    bench.until_last("a", "stale").await;
    bench.until_last("up", "0").await;
    bench.until("error", |bench| bench.only().state.last_error == "server returned HTTP status 500 Internal Server Error").await;
    *exporter.status.lock() = None;
    *exporter.body.lock() = "broken{\n".to_owned();
    bench.until("parse error", |bench| bench.only().state.last_error.starts_with("line 1")).await;
    *exporter.body.lock() = "a 2\n".to_owned();
    bench.until_last("a", "2").await;
    *exporter.hang.lock() = true;
    bench.until("timeout", |bench| bench.only().state.last_error.ends_with("context deadline exceeded")).await;
    assert_eq!(bench.only().state.health, Health::Down);
}

#[tokio::test]
async fn a_slow_target_delays_none() {
    let (slow, quick) = (Exporter::start("s 1\n").await, Exporter::start("q 1\n").await);
    *slow.hang.lock() = true;
    let bench = Bench::new();
    // Fifty different targets that all hang.
    let mut slow_job = job("slow", &[], 1000);
    let group = |n: u32| StaticConfig { targets: vec![slow.address()], labels: [("n".to_owned(), n.to_string())].into() };
    slow_job.discovery.static_configs = (0..50).map(group).collect();
    bench.apply(&[slow_job, job("quick", &[quick.address()], 100)]);
    bench.until("all hang", |_| slow.asked() >= 50).await;
    let before = quick.asked();
    bench.until("ten more scrapes", |_| quick.asked() >= before + 10).await;
    assert!(bench.store.dump("s").is_empty());
}

#[tokio::test]
async fn removed_targets_go_stale_after_two_intervals() {
    let (one, two) = (Exporter::start("a 1\n").await, Exporter::start("b 1\n").await);
    let bench = Bench::new();
    bench.apply(&[job("j", &[one.address(), two.address()], 100), job("k", &[one.address()], 100)]);
    bench.until("both", |bench| bench.store.dump("a").len() == 2 && bench.store.dump("b").len() == 1).await;
    bench.apply(&[job("j", &[two.address()], 100)]);
    bench.until_last("a", "stale").await;
    bench
        .until("up of the removed", |bench| {
            let stale = |values: &[(i64, String)]| values.last().is_some_and(|(_, value)| value == "stale");
            bench.store.dump("up").iter().filter(|(_, values)| stale(values)).count() == 2
        })
        .await;
    bench.until_last("b", "1").await;
    assert_eq!(bench.manager.pools(), ["j"]);
    // Markers lie at the time of a scrape that did not happen: after the last, and never ahead of the clock.
    let values = &bench.store.dump("a")[0].1;
    let [.., (last, _), (marker, _)] = values.as_slice() else { panic!("too few values") };
    assert!(last < marker && *marker <= SystemClock::new().now_ms(), "{values:?}");
}

#[tokio::test]
async fn reloads_leave_unchanged_jobs_alone_and_changed_ones_without_gap() {
    let exporter = Exporter::start("a 1\nb 1\n").await;
    let bench = Bench::new();
    let config = job("j", &[exporter.address()], 100);
    bench.apply(std::slice::from_ref(&config));
    bench.until_last("a", "1").await;
    let label_sets = bench.store.label_sets_read();
    // Same, then another limit, then another interval: series go on, nothing is expanded again.
    bench.apply(std::slice::from_ref(&config));
    for (interval, limit) in [(100, 50), (120, 50), (120, 60)] {
        let before = exporter.asked();
        let changed = ScrapeConfig { sample_limit: limit, ..job("j", &[exporter.address()], interval) };
        bench.apply(&[changed]);
        bench.until("scrapes go on", |_| exporter.asked() >= before + 4).await;
    }
    assert_eq!(bench.store.label_sets_read(), label_sets);
    // Not doubled: no more scrapes than points of the grid, and one for each change. A busy machine makes fewer.
    let ups = bench.store.dump("up");
    let ([(first, _), .., (last, _)], count) = (ups[0].1.as_slice(), ups[0].1.len()) else { panic!("too few scrapes") };
    assert!(i64::try_from(count).unwrap() <= (last - first) / 100 + 1 + 5, "doubled: {ups:?}");
    // Without a gap: only scrapes that failed, which a busy machine may cause, end series.
    let gaps = bench.store.values("a").iter().filter(|value| *value == "stale").count();
    assert!(gaps <= bench.store.values("up").iter().filter(|up| *up == "0").count(), "{ups:?}");
    assert_eq!(bench.only().scrape_interval, Duration::from_ms(120));
    // Other metric relabelling: what is dropped now goes stale, the rest goes on.
    let drop = RelabelConfig {
        source_labels: vec!["__name__".into()],
        regex: RelabelRegex::new("b").unwrap(),
        action: RelabelAction::Drop,
        ..RelabelConfig::default()
    };
    bench.apply(&[ScrapeConfig { metric_relabel_configs: vec![drop], ..job("j", &[exporter.address()], 100) }]);
    bench.until_last("b", "stale").await;
    bench.until_last("a", "1").await;
}

#[tokio::test]
async fn discovered_files_come_and_go() {
    let exporter = Exporter::start("a 1\n").await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.json");
    std::fs::write(&path, format!(r#"[{{"targets":["{}"],"labels":{{"env":"prod"}}}}]"#, exporter.address())).unwrap();
    let bench = Bench::new();
    let mut config = job("j", &[], 100);
    config.discovery.file = vec![FileSd { files: vec![path.to_str().unwrap().to_owned()], refresh_interval: Duration::from_secs(60) }];
    let keep = RelabelConfig {
        source_labels: vec!["env".into()],
        regex: RelabelRegex::new("prod").unwrap(),
        action: RelabelAction::Keep,
        ..RelabelConfig::default()
    };
    config.relabel_configs = vec![keep];
    bench.apply(&[config.clone()]);
    bench.until_last("a", "1").await;
    assert_eq!(bench.only().discovered_labels.get("__meta_filepath"), path.to_str());
    // A changed job keeps what discovery found.
    config.sample_limit = 10;
    config.discovery.file[0].refresh_interval = Duration::from_secs(61);
    bench.apply(&[config]);
    assert_eq!(bench.manager.targets().active.len(), 1);
    std::fs::write(&path, r#"[{"targets":["x:1", "y:1"],"labels":{"env":"dev"}}]"#).unwrap();
    bench.until("drop", |bench| bench.manager.targets().dropped.len() == 2).await;
    assert_eq!((bench.manager.targets().active.len(), bench.manager.targets().dropped_counts["j"]), (0, 2));
    bench.until_last("a", "stale").await;
}

#[tokio::test]
async fn too_many_targets_fail_all() {
    let exporter = Exporter::start("a 1\n").await;
    let bench = Bench::new();
    let addresses = [exporter.address(), exporter.address().replace("127.0.0.1", "localhost")];
    bench.apply(&[ScrapeConfig { target_limit: 1, ..job("j", &addresses, 100) }]);
    bench.until("two down", |bench| bench.manager.targets().active.iter().all(|target| target.state.health == Health::Down)).await;
    assert_eq!(bench.manager.targets().active[0].state.last_error, "target_limit exceeded (number of targets: 2, limit: 1)");
    assert_eq!(exporter.asked(), 0);
    bench.apply(&[ScrapeConfig { target_limit: 2, ..job("j", &addresses, 100) }]);
    bench.until_last("up", "1").await;
}

#[tokio::test]
async fn in_process_targets_are_targets() {
    let bench = Bench::new();
    let failing = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = failing.clone();
    let collect: Arc<Collect> = Arc::new(move |_now, out: &mut String| {
        if flag.load(Ordering::SeqCst) {
            return Err("no access".to_owned());
        }
        out.push_str("own_things 7\n");
        Ok(())
    });
    let added = InProcessTarget {
        job: "pharos".into(),
        instance: "localhost:9090".into(),
        labels: Labels::empty(),
        interval: Duration::from_ms(100),
        honor_labels: false,
        collect,
    };
    bench.manager.add_in_process(added).unwrap();
    bench.until_last("own_things", "7").await;
    let target = bench.only();
    assert_eq!(target.labels.to_string(), r#"{instance="localhost:9090", job="pharos"}"#);
    failing.store(true, Ordering::SeqCst);
    bench.until_last("own_things", "stale").await;
    bench.until("error", |bench| bench.only().state.last_error == "no access").await;
    bench.until_last("up", "0").await;
}

#[tokio::test]
async fn stopping_ends_series_only_when_told() {
    for (mode, last) in [(StopMode::Keep, "1"), (StopMode::MarkStale, "stale")] {
        let (exporter, hanging) = (Exporter::start("a 1\n").await, Exporter::start("h 1\n").await);
        let bench = Bench::new();
        // Long intervals, so that even on a busy machine the hanging scrape has not timed out by the stop.
        bench.apply(&[job("j", &[exporter.address()], 3000), job("h", &[hanging.address()], 3000)]);
        bench.until("both", |bench| !bench.store.dump("a").is_empty() && !bench.store.dump("h").is_empty()).await;
        *hanging.hang.lock() = true;
        let asked = hanging.asked();
        bench.until("a request hangs", |_| hanging.asked() > asked).await;
        bench.manager.stop(mode).await;
        assert_eq!(bench.store.values("a").last().unwrap(), last);
        assert_eq!(bench.store.values("h").last().unwrap(), last);
        let after = exporter.asked();
        assert!(bench.manager.targets().active.is_empty());
        assert_eq!(exporter.asked(), after);
    }
}

#[tokio::test]
async fn unusable_clients_are_reported_and_shown() {
    let exporter = Exporter::start("a 1\n").await;
    let bench = Bench::new();
    let mut broken = job("j", &[exporter.address()], 100);
    broken.http.tls.ca_file = "/nowhere/ca.pem".into();
    let errors = bench.manager.apply(std::slice::from_ref(&broken), &GlobalConfig::default()).unwrap_err();
    assert!(errors[0].reason.starts_with("unable to read CA file /nowhere/ca.pem"), "{errors:?}");
    bench.until("shown", |bench| bench.only().state.last_error == errors[0].reason).await;
    bench.apply(&[job("j", &[exporter.address()], 100)]);
    bench.until_last("up", "1").await;
    // Once it works, a broken reload changes nothing.
    assert!(bench.manager.apply(&[broken], &GlobalConfig::default()).is_err());
    let asked = exporter.asked();
    bench.until("goes on", |_| exporter.asked() > asked + 2).await;
    bench.until_last("up", "1").await;
}
