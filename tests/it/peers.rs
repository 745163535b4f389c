//! The same answers as Prometheus itself: one data set in both, every compliance query asked of both.

use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use crate::support::{Server, client, free_port, shared, skip, until};
use crate::wire;

/// Debian's Prometheus with an open remote-write door; killed when dropped.
pub(crate) struct Prometheus {
    process: Child,
    pub(crate) address: String,
    folder: tempfile::TempDir,
}

impl Prometheus {
    pub(crate) fn start() -> Option<Self> {
        Self::with_config("global: {scrape_interval: 15s}\n")
    }

    pub(crate) fn with_config(text: &str) -> Option<Self> {
        for _ in 0..3 {
            let mut server = Self::spawn(text)?;
            for _ in 0..1200 {
                // Somebody else may have taken the port that was free, and answers there.
                if server.process.try_wait().unwrap().is_some() {
                    break;
                }
                let listens = fs::read_to_string(server.folder.path().join("log")).unwrap().contains("Listening on");
                if listens && client().get(server.url("/-/ready")).send().is_ok_and(|answer| answer.status().is_success()) {
                    return Some(server);
                }
                std::thread::park_timeout(std::time::Duration::from_millis(100));
            }
        }
        panic!("prometheus did not start");
    }

    fn spawn(text: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, text).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args([
                "--web.enable-remote-write-receiver",
                "--storage.tsdb.retention.time=100y",
                "--enable-feature=promql-negative-offset,promql-at-modifier,native-histograms,exemplar-storage",
            ])
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .ok()?;
        Some(Self { process, address, folder })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

const END: i64 = 1_700_003_600_000;

/// The metrics that the compliance queries ask for: an hour of `demo_*` at 5 s over three instances.
///
/// Samples lie between full seconds, because versions before 3.0 take a sample on the early edge of a range, and later
/// ones do not; queries are asked at odd seconds for the same reason, so that no step of a subquery lies on its edge.
fn demo() -> Vec<wire::TimeSeries> {
    let mut all = Vec::new();
    let times: Vec<i64> = (0..=720).map(|at| END - 2_500 - (720 - at) * 5_000).collect();
    let mut seed = 42u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as f64 / (1u64 << 31) as f64
    };
    for instance in ["demo.promlabs.com:10000", "demo.promlabs.com:10001", "demo.promlabs.com:10002"] {
        let base = [("instance", instance), ("job", "demo")];
        let mut add = |labels: &[(&str, &str)], value: &mut dyn FnMut(usize) -> f64| {
            let labels: Vec<(&str, &str)> = labels.iter().chain(&base).copied().collect();
            let samples: Vec<(i64, f64)> = times.iter().enumerate().map(|(at, ts)| (*ts, value(at))).collect();
            all.push(wire::series(&labels, &samples));
        };
        for (mode, speed) in [("idle", 0.7), ("system", 0.1), ("user", 0.2)] {
            // Far from zero: how `rate` extrapolates to the zero of a young counter changed with 3.0.
            let mut total = 1e4;
            add(&[("__name__", "demo_cpu_usage_seconds_total"), ("mode", mode)], &mut |_| {
                total += speed * 5.0 * (0.5 + random());
                total
            });
        }
        for (kind, size) in [("buffers", 1e8), ("cached", 4e8), ("free", 9e8), ("used", 2e9)] {
            add(&[("__name__", "demo_memory_usage_bytes"), ("type", kind)], &mut |at| {
                (size * (1.0 + (at as f64 / 90.0).sin() / 4.0)).round()
            });
        }
        for (path, status, method) in [("/api/foo", "200", "GET"), ("/api/foo", "500", "GET"), ("/api/bar", "200", "POST")] {
            for le in ["0.0001", "0.001", "0.01", "0.1", "1", "+Inf"] {
                let weight = le.parse::<f64>().map_or(2.0, |bound| 1.0 + bound);
                let mut total = 0.0;
                let labels = [
                    ("__name__", "demo_api_request_duration_seconds_bucket"),
                    ("le", le),
                    ("path", path),
                    ("status", status),
                    ("method", method),
                ];
                add(&labels, &mut |_| {
                    total += (weight * 10.0).round();
                    total
                });
            }
            let mut total = 0.0;
            add(
                &[("__name__", "demo_api_request_duration_seconds_count"), ("path", path), ("status", status), ("method", method)],
                &mut |at| {
                    // A restart in the middle.
                    total = if at == 400 { 0.0 } else { total + 20.0 };
                    total
                },
            );
        }
        add(&[("__name__", "demo_num_cpus")], &mut |_| 4.0);
        add(&[("__name__", "demo_disk_total_bytes")], &mut |_| 2.6e11);
        add(&[("__name__", "demo_disk_usage_bytes")], &mut |at| 1e11 + at as f64 * 1e6);
        add(&[("__name__", "demo_intermittent_metric")], &mut |at| {
            if at % 100 < 50 { at as f64 } else { f64::from_bits(0x7ff0_0000_0000_0002) }
        });
        add(&[("__name__", "demo_is_holiday")], &mut |_| 1.0);
        add(&[("__name__", "demo_batch_last_success_timestamp_seconds")], &mut |at| (times[at] / 1000 - (at as i64 % 60) * 5) as f64);
        add(&[("__name__", "demo_batch_last_run_duration_seconds")], &mut |at| 10.0 + (at % 7) as f64);
        add(&[("__name__", "demo_items_shipped_total")], &mut |at| (at * 3) as f64);
        add(&[("__name__", "up")], &mut |_| 1.0);
    }
    all
}

pub(crate) fn ask(base: &str, path: &str, params: &[(&str, String)]) -> Json {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let answer =
        client().post(format!("{base}{path}")).header("Content-Type", "application/x-www-form-urlencoded").body(form).send().unwrap();
    serde_json::from_str(&answer.text().unwrap()).unwrap()
}

/// Queries that the packaged version answers differently on purpose of later ones, by what they contain, and why.
const DIFFERENT: [(&str, &str); 1] = [("~invalid", "since 3.0 any UTF-8 text is the name of a label")];

/// Equal within 1e-9 relative, label sets and times exactly.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (Json::String(a), Json::String(b)) if a != b => match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(x), Ok(y)) => (x - y).abs() <= 1e-9 * x.abs().max(y.abs()).max(1e-9),
            _ => false,
        },
        (a, b) => a == b,
    }
}

fn sorted(result: &Json) -> Json {
    match result.as_array() {
        Some(list) if list.iter().all(Json::is_object) => {
            let mut list = list.clone();
            list.sort_by_key(|series| series["metric"].to_string());
            Json::Array(list)
        }
        _ => result.clone(),
    }
}

#[test]
fn compliance_queries_answer_as_prometheus_does() {
    let Some(path) = shared("conformance/promql-compliance/queries.json") else { return skip("../shared is absent") };
    let Some(prometheus) = Prometheus::start() else { return skip("prometheus is not installed") };
    let pharos = Server::quiet();
    for batch in demo().chunks(20) {
        for url in [prometheus.url("/api/v1/write"), pharos.url("/api/v1/write")] {
            let (status, text) = wire::send(&url, wire::body(batch.to_vec()));
            assert_eq!(status, 204, "{url}: {text}");
        }
    }
    let queries: Json = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let queries = expressions(&queries);
    assert!(queries.len() > 400, "{}", queries.len());
    let (mut compared, mut unsupported, mut different) = (0, Vec::new(), Vec::new());
    for query in queries.iter().filter(|query| !DIFFERENT.iter().any(|(part, _)| query.contains(part))) {
        for (path, params) in [
            ("/api/v1/query", vec![("query", query.clone()), ("time", (END / 1000 - 7).to_string())]),
            (
                "/api/v1/query_range",
                vec![
                    ("query", query.clone()),
                    ("start", (END / 1000 - 1807).to_string()),
                    ("end", (END / 1000 - 7).to_string()),
                    ("step", "30".into()),
                ],
            ),
        ] {
            let theirs = ask(&prometheus.url(""), path, &params);
            let ours = ask(&pharos.url(""), path, &params);
            // Functions that came after the packaged version.
            if theirs["errorType"] == "bad_data" && ours["errorType"] != "bad_data" {
                unsupported.push(query);
                continue;
            }
            compared += 1;
            let is_sorted = path == "/api/v1/query" && query.starts_with("sort");
            let in_order = |answer: &Json| if is_sorted { answer["data"]["result"].clone() } else { sorted(&answer["data"]["result"]) };
            let equal = theirs["status"] == ours["status"]
                && theirs["errorType"] == ours["errorType"]
                && (theirs["status"] == "error" || same(&in_order(&theirs), &in_order(&ours)));
            if !equal {
                let short = |json: &Json| json.to_string().chars().take(400).collect::<String>();
                different.push(format!("{path} {query}\n  prometheus: {}\n  pharos:     {}", short(&theirs), short(&ours)));
            }
        }
    }
    println!("compared {compared}, different {}, not known to the packaged version: {unsupported:?}", different.len());
    assert!(unsupported.len() <= 20, "{unsupported:?}");
    assert!(different.is_empty(), "{} of {compared} differ:\n{}", different.len(), different.join("\n"));
    assert!(compared > 800, "{compared}");
}

/// All strings under a key `query` or `expr`, wherever they stand.
fn expressions(json: &Json) -> Vec<String> {
    match json {
        Json::Array(list) => list.iter().flat_map(expressions).collect(),
        Json::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value {
                Json::String(text) if key == "query" || key == "expr" => vec![text.clone()],
                other => expressions(other),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Prometheus scrapes and federates from here, and forwards what it has to here.
#[test]
fn prometheus_scrapes_federates_and_forwards() {
    let server = Server::start(&["--host-metrics=false", "--host-interval=1s"]);
    let address = &server.address;
    let config = format!(
        "global: {{scrape_interval: 3s, external_labels: {{site: other}}}}
scrape_configs:
- job_name: own
  static_configs: [{{targets: ['{address}']}}]
- job_name: federate
  metrics_path: /federate
  honor_labels: true
  params: {{'match[]': ['{{job=\"pharos\",site=\"\"}}']}}
  static_configs: [{{targets: ['{address}']}}]
  metric_relabel_configs: [{{target_label: way, replacement: federated}}]
remote_write:
- url: http://{address}/api/v1/write
  metadata_config: {{send_interval: 1s}}
"
    );
    let Some(prometheus) = Prometheus::with_config(&config) else { return skip("prometheus is not installed") };
    let arrived = |found: &Json| found[0]["value"][1] == "1";
    server.await_query("up{job=\"own\",site=\"other\"}", arrived);
    server.await_query("up{job=\"federate\",site=\"other\"}", arrived);
    server.await_query("up{job=\"pharos\",site=\"other\",way=\"federated\"}", arrived);
    // On a busy machine one may come too late now and then.
    until(|| {
        let targets = ask(&prometheus.url(""), "/api/v1/query", &[("query", "count(up == 0)".to_owned())]);
        (targets["data"]["result"] == serde_json::json!([])).then_some(())
    });
    // What it says of forwarding itself: samples and metadata sent, none refused, nothing to come again.
    let told = |name: &str| -> f64 {
        let page = client().get(prometheus.url("/metrics")).send().unwrap().text().unwrap();
        let lines = page.lines().filter(|line| line.starts_with(&format!("prometheus_remote_storage_{name}{{")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    for _ in 0..1200 {
        if told("samples_total") > 0.0 && told("metadata_total") > 0.0 {
            break;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    assert!(told("samples_total") > 0.0 && told("metadata_total") > 0.0);
    for name in ["samples_failed_total", "samples_retried_total", "metadata_failed_total", "metadata_retried_total"] {
        assert_eq!(told(name), 0.0, "{name}");
    }
}

#[test]
fn promtool_asks_and_pushes() {
    let server = Server::quiet();
    let promtool = |args: &[&str]| Command::new("promtool").args(args).output();
    let (status, _) = wire::send(
        &server.url("/api/v1/write"),
        wire::body(vec![wire::series(&[("__name__", "x"), ("a", "1")], &[(1_700_000_000_000, 5.0)])]),
    );
    assert_eq!(status, 204);
    let Ok(asked) = promtool(&["query", "instant", "--time=1700000000", &server.url(""), "x"]) else {
        return skip("promtool is not installed");
    };
    let text = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(text.contains("x{a=\"1\"} => 5 @[1700000000]"), "{text} {}", String::from_utf8_lossy(&asked.stderr));
    let labels = promtool(&["query", "labels", "--start=1699990000", "--end=1700000100", &server.url(""), "a"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&labels.stdout).trim(), "1");
    let series = promtool(&["query", "series", "--match=x", "--start=1699990000", "--end=1700000100", &server.url("")]).unwrap();
    assert!(String::from_utf8_lossy(&series.stdout).contains("__name__=\"x\""));
    let metrics = server.get("/metrics").1;
    let mut lint = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut lint.stdin.take().unwrap(), metrics.as_bytes()).unwrap();
    let lint = lint.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&lint.stderr).contains("error while"), "{}", String::from_utf8_lossy(&lint.stderr));
}
