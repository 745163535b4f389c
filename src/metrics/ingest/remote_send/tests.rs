//! Remote write, outgoing, against a receiver that answers from a script.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::stats::Kinds;
use super::*;
use crate::base::cancel::Cancel;
use crate::base::clock::{Clock, ManualClock, SystemClock};
use crate::base::time::{Duration as ConfigDuration, TimeRange};
use crate::metrics::ingest::recorder::Recorder;
use crate::metrics::ingest::remote_write::RemoteWrite;
use crate::metrics::model::config::{ConfigUrl, RelabelAction, RelabelConfig, RelabelRegex, WriteMessage};
use crate::metrics::store::{Store, StoreSettings};
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::ports::{IndexQuery, SelectError, SelectedSeries, Selection};
use crate::series::sample::{Exemplar, Metadata, MetricType};

/// A receiver that answers from a script, then stores.
struct Receiver {
    store: Arc<Recorder>,
    remote_write: RemoteWrite,
    script: Mutex<VecDeque<Response>>,
    hang: Mutex<bool>,
    /// Answers that it cannot take anything now.
    busy: Mutex<bool>,
    requests: Mutex<Vec<HeaderMap>>,
    url: String,
}

impl Receiver {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let store = Recorder::new();
        let receiver = Arc::new(Self {
            remote_write: RemoteWrite::new(store.clone(), Arc::new(SystemClock::new()), 1000),
            store,
            script: Mutex::default(),
            hang: Mutex::default(),
            busy: Mutex::default(),
            requests: Mutex::default(),
            url: format!("http://{}/write", listener.local_addr().unwrap()),
        });
        let router = Router::new().route("/write", post(receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    fn next(&self, response: impl IntoResponse) {
        self.script.lock().push_back(response.into_response());
    }

    fn requests(&self) -> usize {
        self.requests.lock().len()
    }
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    receiver.requests.lock().push(headers.clone());
    if *receiver.hang.lock() {
        std::future::pending::<()>().await;
    }
    if *receiver.busy.lock() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if let Some(response) = receiver.script.lock().pop_front() {
        return response;
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or("");
    let answer = receiver.remote_write.write(text("content-type"), text("content-encoding"), "", &body);
    (StatusCode::from_u16(answer.status).unwrap(), answer.body).into_response()
}

fn config(url: &str) -> RemoteWriteConfig {
    let mut config = RemoteWriteConfig::new(ConfigUrl::parse(url).unwrap());
    config.queue_config.batch_send_deadline = ConfigDuration::from_ms(10);
    config.queue_config.min_backoff = ConfigDuration::from_ms(1);
    config.queue_config.max_backoff = ConfigDuration::from_ms(5);
    config.metadata_config.send = false;
    config
}

/// A store that has nothing, and a folder for positions.
struct Nothing(tempfile::TempDir);

impl Nothing {
    fn new() -> Arc<Self> {
        Arc::new(Self(tempfile::tempdir().unwrap()))
    }

    fn replay(self: &Arc<Self>) -> Replay {
        Replay { select: self.clone(), newest: Arc::new(|| None), positions: self.0.path().join("positions") }
    }
}

impl Select for Nothing {
    fn select(&self, _: &Selection<'_>, _: &Cancel) -> Result<Vec<Box<dyn SelectedSeries>>, SelectError> {
        Ok(Vec::new())
    }
    fn series(&self, _: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<Labels>, SelectError> {
        Ok(Vec::new())
    }
    fn label_names(&self, _: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<String>, SelectError> {
        Ok(Vec::new())
    }
    fn label_values(&self, _: &str, _: &IndexQuery<'_>, _: &Cancel) -> Result<Vec<String>, SelectError> {
        Ok(Vec::new())
    }
    fn exemplars(&self, _: &IndexQuery<'_>) -> Result<Vec<(Labels, Vec<Exemplar>)>, SelectError> {
        Ok(Vec::new())
    }
}

struct Bench {
    receiver: Arc<Receiver>,
    remote: RemoteSend,
    local: Arc<Recorder>,
    tap: TappedAppend,
}

impl Bench {
    async fn new(change: impl FnOnce(&mut RemoteWriteConfig)) -> Self {
        let receiver = Receiver::start().await;
        let remote = RemoteSend::new(Arc::new(SystemClock::new()), Nothing::new().replay());
        let mut config = config(&receiver.url);
        change(&mut config);
        remote.apply(&[config], &Labels::from_pairs([("cluster", "c"), ("job", "external")])).unwrap();
        let local = Recorder::new();
        let tap = remote.tap(local.clone());
        Self { receiver, remote, local, tap }
    }

    /// Stores one float, named by labels.
    fn store(&self, labels: &[(&str, &str)], ts: i64, value: f64) -> AppendReport {
        let mut batch = WriteBatch::new();
        batch.open_series(&Labels::from_pairs(labels.iter().copied()));
        batch.push_float(ts, value);
        self.tap.append(&batch, &AppendOptions::default()).unwrap()
    }

    async fn until(&self, what: &str, done: impl Fn(&EndpointStats) -> bool) {
        let wait = async {
            while !done(&self.remote.stats()[0]) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(120), wait).await.is_ok(), "{what}: {:?}", self.remote.stats());
    }

    async fn until_sent(&self, samples: u64) {
        self.until("samples were not sent", |stats| stats.sent.samples == samples).await;
    }
}

const JOB: (&str, &str) = ("job", "j");

#[tokio::test]
async fn forwards_what_storage_takes_with_external_labels_and_relabelling() {
    for message in [WriteMessage::V1, WriteMessage::V2] {
        let drop = RelabelConfig {
            source_labels: vec!["__name__".into()],
            regex: RelabelRegex::new("secret").unwrap(),
            action: RelabelAction::Drop,
            ..RelabelConfig::default()
        };
        let bench = Bench::new(|config| {
            config.protobuf_message = message;
            config.write_relabel_configs = vec![drop];
            config.headers = BTreeMap::from([("X-Scope-OrgID".to_owned(), "tenant".to_owned())]);
        })
        .await;
        bench.store(&[("__name__", "m"), JOB], 1000, 1.5);
        bench.store(&[("__name__", "m"), JOB], 2000, crate::series::sample::stale_nan());
        bench.store(&[("__name__", "secret"), JOB], 1000, 1.0);
        bench.store(&[("__name__", "n")], 1000, -0.0);
        // Refused by storage, so not forwarded.
        bench.store(&[("__name__", "m"), JOB], 500, 9.0);
        bench.until_sent(3).await;
        assert_eq!(
            bench.receiver.store.dump("m"),
            [(r#"{cluster="c", job="j"}"#.to_owned(), vec![(1000, "1.5".to_owned()), (2000, "stale".to_owned())])]
        );
        assert_eq!(bench.receiver.store.dump("n"), [(r#"{cluster="c", job="external"}"#.to_owned(), vec![(1000, "-0".to_owned())])]);
        assert!(bench.receiver.store.dump("secret").is_empty());
        let stats = &bench.remote.stats()[0];
        assert_eq!((stats.dropped_by_relabelling.samples, stats.pending.samples, stats.failed.samples), (1, 0, 0));
        assert!(stats.bytes > 0 && stats.highest_sent_timestamp_secs == 2.0);
        let headers = bench.receiver.requests.lock()[0].clone();
        assert_eq!((&headers["x-scope-orgid"], &headers["content-encoding"]), (&"tenant".parse().unwrap(), &"snappy".parse().unwrap()));
        let version = if message == WriteMessage::V1 { "0.1.0" } else { "2.0.0" };
        assert_eq!(headers["x-prometheus-remote-write-version"], version);
    }
}

#[tokio::test]
async fn forwards_histograms_and_exemplars_when_told() {
    for (message, told) in [(WriteMessage::V1, true), (WriteMessage::V2, true), (WriteMessage::V2, false)] {
        let bench = Bench::new(|config| {
            config.protobuf_message = message;
            config.send_native_histograms = told;
            config.send_exemplars = told;
        })
        .await;
        let whole = Histogram {
            reset_hint: ResetHint::Unknown,
            schema: 3,
            zero_threshold: 0.001,
            zero_count: 2.0,
            count: 9.0,
            sum: 12.5,
            positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 3, length: 1 }],
            positive_buckets: vec![1.0, 3.0, 1.0],
            negative_spans: vec![Span { offset: 0, length: 1 }],
            negative_buckets: vec![2.0],
            custom_bounds: Vec::new(),
        };
        let fraction = Histogram { count: 9.5, zero_count: 2.5, reset_hint: ResetHint::Gauge, ..whole.clone() };
        let mut batch = WriteBatch::new();
        for (name, histogram) in [("whole", &whole), ("fraction", &fraction)] {
            batch.open_series(&Labels::from_pairs([("__name__", name), JOB]));
            batch.push_histogram(1000, Arc::new(histogram.clone()));
        }
        batch.open_series(&Labels::from_pairs([("__name__", "f"), JOB]));
        batch.push_float(1000, 1.0);
        batch.push_exemplar(Exemplar { labels: Labels::from_pairs([("trace_id", "t")]), value: 0.5, ts: 900, is_timed: true });
        bench.tap.append(&batch, &AppendOptions::default()).unwrap();
        bench.until_sent(1).await;
        if !told {
            assert_eq!(bench.remote.stats()[0].pending, Kinds::default());
            assert!(bench.receiver.store.dump("whole").is_empty());
            continue;
        }
        bench.until("histograms", |stats| stats.sent == Kinds { samples: 1, histograms: 2, exemplars: 1 }).await;
        for (name, histogram) in [("whole", &whole), ("fraction", &fraction)] {
            let stored = bench.receiver.store.series(&format!("{{__name__=\"{name}\", cluster=\"c\", job=\"j\"}}")).unwrap();
            assert_eq!(*stored.histograms[0].1, *histogram);
        }
        // The exemplar travels as a series entry of its own, which the receiver may store with the float.
    }
}

#[tokio::test]
async fn retries_what_may_pass_and_drops_what_will_not() {
    let bench = Bench::new(|_| {}).await;
    bench.receiver.next((StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")], "busy"));
    bench.receiver.next(StatusCode::BAD_GATEWAY);
    bench.store(&[("__name__", "m")], 1000, 1.0);
    bench.until_sent(1).await;
    assert_eq!((bench.remote.stats()[0].retried.samples, bench.receiver.requests()), (2, 3));
    assert_eq!(bench.receiver.requests.lock()[2]["retry-attempt"], "2");
    assert_eq!(bench.receiver.store.values("m"), ["1"]);

    bench.receiver.next((StatusCode::BAD_REQUEST, "no"));
    bench.store(&[("__name__", "m")], 2000, 2.0);
    bench.until("refused", |stats| stats.failed.samples == 1).await;
    bench.receiver.next(StatusCode::TOO_MANY_REQUESTS);
    bench.store(&[("__name__", "m")], 3000, 3.0);
    bench.until("refused", |stats| stats.failed.samples == 2).await;
    bench.store(&[("__name__", "m")], 4000, 4.0);
    bench.until_sent(2).await;
    assert_eq!(bench.receiver.store.values("m"), ["1", "4"]);
    assert_eq!(bench.remote.stats()[0].pending.samples, 0);
}

#[tokio::test]
async fn too_many_requests_and_old_samples_as_configured() {
    let clock = SystemClock::new();
    let bench = Bench::new(|config| {
        config.queue_config.retry_on_http_429 = true;
        config.queue_config.sample_age_limit = ConfigDuration::from_secs(3600);
    })
    .await;
    bench.receiver.next(StatusCode::TOO_MANY_REQUESTS);
    bench.store(&[("__name__", "old")], clock.now_ms() - 7_200_000, 1.0);
    bench.store(&[("__name__", "new")], clock.now_ms(), 1.0);
    bench.until_sent(1).await;
    let stats = &bench.remote.stats()[0];
    assert_eq!((stats.retried.samples, stats.too_old.samples, stats.failed.samples), (1, 1, 0));
    assert!(bench.receiver.store.dump("old").is_empty());
}

#[tokio::test]
async fn a_hanging_endpoint_never_holds_up_storing() {
    let bench = Bench::new(|config| {
        config.queue_config.capacity = 10;
        config.queue_config.max_samples_per_send = 10;
        config.remote_timeout = ConfigDuration::from_secs(60);
    })
    .await;
    *bench.receiver.hang.lock() = true;
    for ts in 0..5_000 {
        bench.store(&[("__name__", "m")], ts, 1.0);
    }
    assert_eq!(bench.local.values("m").len(), 5_000);
    let stats = &bench.remote.stats()[0];
    assert_eq!((stats.sent.samples, stats.pending.samples), (0, 5_000));
    // Nobody waits for it for ever, either.
    bench.remote.stop(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn series_numbered_before_are_asked_for_again() {
    let receiver = Receiver::start().await;
    let remote = RemoteSend::new(Arc::new(SystemClock::new()), Nothing::new().replay());
    let local = Recorder::new();
    let tap = remote.tap(local.clone());
    let labels = Labels::from_pairs([("__name__", "m")]);
    let mut batch = WriteBatch::new();
    batch.open_series(&labels);
    batch.push_float(1, 1.0);
    let id = tap.append(&batch, &AppendOptions::default()).unwrap().refs[0];
    // Switched on now; the owner only sends the number.
    remote.apply(&[config(&receiver.url)], &Labels::empty()).unwrap();
    batch.clear();
    batch.open_known(id);
    batch.push_float(2, 2.0);
    let report = tap.append(&batch, &AppendOptions::default()).unwrap();
    assert_eq!((report.refs[0], report.refused[0].reason), (SeriesRef::NONE, RefusedReason::UnknownRef));
    batch.clear();
    batch.open_series(&labels);
    batch.push_float(2, 2.0);
    let report = tap.append(&batch, &AppendOptions::default()).unwrap();
    assert_eq!((report.refs[0], report.repeated, report.refused.len()), (id, 1, 0));
    remote.stop(Duration::from_secs(10)).await;
    assert_eq!(receiver.store.values("m"), ["2"]);
    assert_eq!(local.values("m"), ["1", "2"]);
}

#[tokio::test]
async fn stopping_flushes_and_reloading_keeps_what_did_not_change() {
    let bench = Bench::new(|config| config.queue_config.batch_send_deadline = ConfigDuration::from_secs(3600)).await;
    let external = Labels::from_pairs([("cluster", "c"), ("job", "external")]);
    let mut same = config(&bench.receiver.url);
    same.queue_config.batch_send_deadline = ConfigDuration::from_secs(3600);
    bench.store(&[("__name__", "m")], 1, 1.0);
    bench.remote.apply(std::slice::from_ref(&same), &external).unwrap();
    bench.store(&[("__name__", "m")], 2, 2.0);
    assert_eq!(bench.remote.stats()[0].pending.samples, 2);
    let mut broken = config("http://127.0.0.1:1/");
    broken.http.tls.ca_file = "/nowhere".into();
    let errors = bench.remote.apply(&[same, broken], &external).unwrap_err();
    assert!(errors[0].contains("unable to read CA file /nowhere"), "{errors:?}");
    assert_eq!(bench.remote.stats().len(), 1);
    bench.remote.stop(Duration::from_secs(10)).await;
    assert_eq!(bench.receiver.store.values("m"), ["1", "2"]);
    assert!(bench.remote.stats().is_empty());
}

#[tokio::test]
async fn many_shards_keep_the_order_of_each_series() {
    let bench = Bench::new(|config| {
        config.queue_config.min_shards = 4;
        config.queue_config.max_samples_per_send = 7;
        config.queue_config.capacity = 14;
    })
    .await;
    for round in 0..50 {
        let mut batch = WriteBatch::new();
        for series in 0..20 {
            batch.open_series(&Labels::from_pairs([("__name__", "m"), ("n", &series.to_string())]));
            batch.push_float(round, round as f64);
        }
        bench.tap.append(&batch, &AppendOptions::default()).unwrap();
    }
    bench.until_sent(1000).await;
    let dump = bench.receiver.store.dump("m");
    assert_eq!((dump.len(), bench.remote.stats()[0].failed.samples, bench.remote.stats()[0].shards), (20, 0, 4));
    assert!(dump.iter().all(|(_, values)| values.iter().map(|(ts, _)| *ts).eq(0..50)));
}

#[tokio::test]
async fn metadata_is_sent_now_and_then() {
    for message in [WriteMessage::V1, WriteMessage::V2] {
        let bench = Bench::new(|config| {
            config.protobuf_message = message;
            config.metadata_config.send = true;
            config.metadata_config.send_interval = ConfigDuration::from_ms(100);
        })
        .await;
        let mut batch = WriteBatch::new();
        let metadata = Metadata { kind: MetricType::Counter, help: "Helps.".into(), unit: String::new() };
        batch.metadata.push(("m".into(), metadata.clone()));
        batch.open_series(&Labels::from_pairs([("__name__", "m_total")]));
        batch.push_float(1, 1.0);
        bench.tap.append(&batch, &AppendOptions::default()).unwrap();
        bench.until_sent(1).await;
        if message == WriteMessage::V1 {
            bench.until("metadata", |stats| stats.metadata_sent > 0 && stats.metadata_bytes > 0).await;
        }
        let stored = bench.receiver.store.metadata("m").or_else(|| bench.receiver.store.metadata("m_total"));
        assert_eq!(stored, Some(metadata), "{message:?}");
    }
}

#[test]
fn without_endpoints_nothing_is_kept() {
    let remote = RemoteSend::new(ManualClock::at(0), Nothing::new().replay());
    let tap = remote.tap(Recorder::new());
    let mut batch = WriteBatch::new();
    batch.open_series(&Labels::from_pairs([("__name__", "m")]));
    batch.push_float(1, 1.0);
    tap.append(&batch, &AppendOptions::default()).unwrap();
    assert_eq!(remote.shared.series.len(), 0);
}

/// A store that is read; before each selection somebody may do something with the range asked for.
struct Watched {
    store: Arc<Store>,
    meanwhile: Box<dyn Fn(TimeRange) + Send + Sync>,
}

impl Select for Watched {
    fn select(&self, selection: &Selection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn SelectedSeries>>, SelectError> {
        (self.meanwhile)(selection.range);
        self.store.select(selection, cancel)
    }
    fn series(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<Labels>, SelectError> {
        self.store.series(query, cancel)
    }
    fn label_names(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError> {
        self.store.label_names(query, cancel)
    }
    fn label_values(&self, name: &str, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError> {
        self.store.label_values(name, query, cancel)
    }
    fn exemplars(&self, query: &IndexQuery<'_>) -> Result<Vec<(Labels, Vec<Exemplar>)>, SelectError> {
        self.store.exemplars(query)
    }
}

/// A real store behind the tap, and the samples of `m` that the receiver has.
#[derive(Clone)]
struct Outage {
    receiver: Arc<Receiver>,
    store: Arc<Store>,
    clock: Arc<ManualClock>,
    folder: Arc<tempfile::TempDir>,
}

impl Outage {
    async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clock = ManualClock::at(1_700_000_000_000);
        let settings = StoreSettings { background: false, ..StoreSettings::new(folder.path().join("data")) };
        let store = Arc::new(Store::open(settings, clock.clone()).unwrap());
        Self { receiver: Receiver::start().await, store, clock, folder }
    }

    fn start(&self, change: impl FnOnce(&mut RemoteWriteConfig)) -> (RemoteSend, TappedAppend) {
        self.start_reading(self.store.clone(), change)
    }

    fn start_reading(&self, select: Arc<dyn Select>, change: impl FnOnce(&mut RemoteWriteConfig)) -> (RemoteSend, TappedAppend) {
        let store = self.store.clone();
        let newest = Arc::new(move || store.newest());
        let replay = Replay { select, newest, positions: self.folder.path().join("positions") };
        let remote = RemoteSend::new(self.clock.clone(), replay);
        let mut config = config(&self.receiver.url);
        config.queue_config.max_samples_per_send = 100;
        config.queue_config.capacity = 100;
        config.queue_config.max_shards = 4;
        config.queue_config.min_shards = 2;
        change(&mut config);
        remote.apply(&[config], &Labels::from_pairs([("cluster", "c")])).unwrap();
        let tap = remote.tap(self.store.clone());
        (remote, tap)
    }

    /// Stores one sample of each of ten series at each of these seconds.
    fn store(&self, tap: &TappedAppend, secs: std::ops::Range<i64>) {
        for at in secs {
            self.clock.jump_to(1_700_000_000_000 + at * 1000);
            let mut batch = WriteBatch::new();
            for series in 0..10 {
                batch.open_series(&Labels::from_pairs([("__name__", "m"), ("n", &series.to_string())]));
                batch.push_float(1_700_000_000_000 + at * 1000, at as f64);
            }
            let report = tap.append(&batch, &AppendOptions::default()).unwrap();
            assert_eq!((report.stored, report.refused.len()), (10, 0));
        }
    }

    /// Waits until the receiver has each of these seconds once or more, in order, in every series.
    async fn until_received(&self, secs: i64) {
        let complete = || {
            let dump = self.receiver.store.dump("m");
            dump.len() == 10
                && dump.iter().all(|(labels, values)| {
                    assert!(labels.contains("cluster=\"c\""));
                    let times: Vec<i64> = values.iter().map(|(ts, _)| (*ts - 1_700_000_000_000) / 1000).collect();
                    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
                    times.into_iter().eq(0..secs)
                })
        };
        for _ in 0..6_000 {
            if complete() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let counts: Vec<usize> = self.receiver.store.dump("m").iter().map(|(_, values)| values.len()).collect();
        panic!("{secs} samples of each series were awaited, there are {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_fits_in_memory_is_read_back_from_the_store() {
    let outage = Outage::new().await;
    // Not one that hangs: what comes again after a timeout may have been stored all the same.
    *outage.receiver.busy.lock() = true;
    let (remote, tap) = outage.start(|_| {});
    // The queue holds 10,000; storing goes on all the same.
    outage.store(&tap, 0..3_000);
    assert!(remote.stats()[0].catching_up);
    *outage.receiver.busy.lock() = false;
    outage.until_received(3_000).await;
    // It is live again afterwards.
    outage.store(&tap, 3_000..3_010);
    outage.until_received(3_010).await;
    // The receiver has it a moment before its answer is here.
    for _ in 0..6_000 {
        if remote.stats()[0].pending.samples == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stats = &remote.stats()[0];
    assert_eq!((stats.failed.samples, stats.pending.samples, stats.catching_up), (0, 0, false), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_it_was() {
    let outage = Outage::new().await;
    let (remote, tap) = outage.start(|_| {});
    outage.store(&tap, 0..50);
    outage.until_received(50).await;
    *outage.receiver.hang.lock() = true;
    outage.store(&tap, 50..60);
    // Stopped with samples under way, then away while others store.
    remote.stop(Duration::from_millis(50)).await;
    outage.store(&tap, 60..70);
    *outage.receiver.hang.lock() = false;
    let (remote, tap) = outage.start(|_| {});
    outage.store(&tap, 70..80);
    outage.until_received(80).await;
    assert_eq!(remote.stats()[0].failed.samples, 0);
    // A changed endpoint goes on, one that is not configured any more begins anew when it is back.
    let mut changed = config(&outage.receiver.url);
    changed.queue_config.capacity = 7;
    remote.apply(&[changed], &Labels::from_pairs([("cluster", "c")])).unwrap();
    outage.store(&tap, 80..90);
    outage.until_received(90).await;
    let positions = outage.folder.path().join("positions");
    assert!(std::fs::read_to_string(&positions).unwrap().contains(&outage.receiver.url));
    remote.apply(&[], &Labels::empty()).unwrap();
    assert_eq!(std::fs::read_to_string(&positions).unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_while_the_store_is_read_comes_in_order() {
    const AT: i64 = 1_700_000_000_000;
    type Moment = fn(TimeRange, i64) -> bool;
    // Two more seconds are stored in the moment in which a slice is read: the last one, and one of a time yet to come.
    let moments: [Moment; 2] = [|slice, newest| slice.end >= newest, |slice, newest| slice.start > newest + 1000];
    for moment in moments {
        let outage = Outage::new().await;
        let (remote, tap) = outage.start(|_| {});
        outage.store(&tap, 0..5);
        outage.until_received(5).await;
        remote.stop(Duration::from_secs(10)).await;
        // Less than what is read in small slices, because some of it may have been sent.
        outage.store(&tap, 5..60);
        let (storing, stored) = (Arc::new(std::sync::OnceLock::<TappedAppend>::new()), Arc::new(Mutex::new(60)));
        let meanwhile = {
            let (outage, storing, stored) = (outage.clone(), storing.clone(), stored.clone());
            Box::new(move |slice: TimeRange| {
                let mut stored = stored.lock();
                if *stored < 80 && moment(slice, AT + (*stored - 1) * 1000) {
                    outage.store(storing.wait(), *stored..*stored + 2);
                    *stored += 2;
                }
            })
        };
        let (remote, tap) = outage.start_reading(Arc::new(Watched { store: outage.store.clone(), meanwhile }), |_| {});
        assert!(storing.set(tap).is_ok());
        while remote.stats()[0].catching_up {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let rest = *stored.lock();
        outage.store(storing.wait(), rest..80);
        outage.until_received(80).await;
        assert_eq!(remote.stats()[0].failed.samples, 0);
    }
}
