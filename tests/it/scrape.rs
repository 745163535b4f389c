//! Scraping real targets, among them the server itself and its host.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pharos::base::clock::{Clock, SystemClock};
use serde_json::json;

use crate::connect::{self, Peer, page};
use crate::support::{Server, until};

/// A target that serves these pages one after the other, the last one for ever.
fn target(pages: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _request = stream.read(&mut head);
            let page = pages[counter.fetch_add(1, Ordering::SeqCst).min(pages.len() - 1)];
            let answer = if page.is_empty() {
                "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
            } else {
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                    page.len()
                )
            };
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    (address, served)
}

#[test]
fn a_fresh_server_shows_its_host_and_itself() {
    let server = Server::start(&["--host-interval", "1s"]);
    server.await_query("node_memory_MemTotal_bytes{job=\"node\"}", |found| found[0]["value"].is_array());
    server.await_query("process_resident_memory_bytes{job=\"pharos\"}", |found| found[0]["value"].is_array());
    server.await_query("count(up == 1)", |found| found[0]["value"][1] == "2");
    let targets = server.api("/api/v1/targets");
    assert_eq!(targets["activeTargets"].as_array().unwrap().len(), 2, "{targets}");
}

#[test]
fn targets_are_scraped_relabelled_and_go_stale() {
    let (address, served) = target(&["# TYPE a gauge\na{drop=\"1\",x=\"y\"} 1\nb 2\n", "# TYPE a gauge\na{drop=\"1\",x=\"y\"} 3\n"]);
    let config = format!(
        "scrape_configs:\n- job_name: one\n  scrape_interval: 2s\n  scrape_timeout: 2s\n  static_configs: [{{targets: ['{address}'], labels: {{site: s}}}}]\n  \
         metric_relabel_configs: [{{action: labeldrop, regex: drop}}]\n"
    );
    let server = Server::with_config(&config, &["--host-metrics=false"]);
    server.await_query("a", |found| {
        found[0]["metric"] == json!({ "__name__": "a", "instance": address, "job": "one", "site": "s", "x": "y" })
    });
    server.await_query("a", |found| found[0]["value"][1] == "3");
    assert_eq!(server.await_query("b", |found| found == &json!([])), json!([]), "gone series are stale at once");
    assert!(served.load(Ordering::SeqCst) >= 2);
    server.await_query("scrape_samples_scraped{job=\"one\"}", |found| found[0]["value"][1] == "1");
    let target = until(|| Some(server.api("/api/v1/targets")["activeTargets"][0].clone()).filter(|target| target["health"] == "up"));
    assert_eq!(target["scrapePool"], "one");
    let metadata = server.api("/api/v1/metadata?metric=a");
    assert_eq!(metadata["a"][0]["type"], "gauge");
}

#[test]
fn a_failing_target_is_down_and_says_why() {
    let (address, _) = target(&["a 1\n", ""]);
    let config = format!(
        "scrape_configs:\n- job_name: one\n  scrape_interval: 2s\n  scrape_timeout: 2s\n  static_configs: [{{targets: ['{address}']}}]\n"
    );
    let server = Server::with_config(&config, &["--host-metrics=false"]);
    // Not the first time, which may be too late on a busy machine.
    connect::await_error(&server, "one", "HTTP status 500");
    server.await_query("up{job=\"one\"}", |found| found[0]["value"][1] == "0");
    server.await_query("a", |found| found == &json!([]));
    until(|| (server.api("/api/v1/targets")["activeTargets"][0]["health"] == "down").then_some(()));
    until(|| server.get("/targets").1.contains("(HTTP 500)").then_some(()));
}

#[test]
fn a_target_over_its_sample_limit_fails_whole() {
    let (address, _) = target(&["a 1\nb 2\nc 3\n"]);
    let config = format!(
        "scrape_configs:\n- job_name: one\n  scrape_interval: 2s\n  scrape_timeout: 2s\n  sample_limit: 2\n  static_configs: [{{targets: ['{address}']}}]\n"
    );
    let server = Server::with_config(&config, &["--host-metrics=false"]);
    connect::await_error(&server, "one", "sample limit exceeded");
    server.await_query("up{job=\"one\"}", |found| found[0]["value"][1] == "0");
    assert_eq!(server.api("/api/v1/query?query=a")["result"], json!([]));
}

/// The messages of the protobuf exposition format that these tests need.
mod proto {
    use prost::Message;

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Family {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(int32, tag = "3")]
        pub(super) kind: i32,
        #[prost(message, repeated, tag = "4")]
        pub(super) metric: Vec<Metric>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Metric {
        #[prost(message, optional, tag = "7")]
        pub(super) histogram: Option<Histogram>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Histogram {
        #[prost(uint64, tag = "1")]
        pub(super) count: u64,
        #[prost(double, tag = "2")]
        pub(super) sum: f64,
        #[prost(message, repeated, tag = "3")]
        pub(super) bucket: Vec<Bucket>,
        #[prost(sint32, tag = "5")]
        pub(super) schema: i32,
        #[prost(double, tag = "6")]
        pub(super) zero_threshold: f64,
        #[prost(message, repeated, tag = "12")]
        pub(super) span: Vec<Span>,
        #[prost(sint64, repeated, packed = "false", tag = "13")]
        pub(super) delta: Vec<i64>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Bucket {
        #[prost(uint64, tag = "1")]
        pub(super) count: u64,
        #[prost(double, tag = "2")]
        pub(super) bound: f64,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Span {
        #[prost(sint32, tag = "1")]
        pub(super) offset: i32,
        #[prost(uint32, tag = "2")]
        pub(super) length: u32,
    }
}

/// `h`, native (four buckets of schema 3, one observation each) and classic.
fn native() -> Vec<u8> {
    let histogram = proto::Histogram {
        count: 4,
        sum: 10.0,
        bucket: vec![proto::Bucket { count: 4, bound: 100.0 }],
        schema: 3,
        zero_threshold: 0.001,
        span: vec![proto::Span { offset: 1, length: 4 }],
        delta: vec![1, 0, 0, 0],
    };
    let family = proto::Family { name: "h".into(), kind: 4, metric: vec![proto::Metric { histogram: Some(histogram) }] };
    prost::Message::encode_length_delimited_to_vec(&family)
}

const CLASSIC: &str = "# TYPE c histogram\nc_bucket{le=\"1\"} 2\nc_bucket{le=\"+Inf\"} 3\nc_sum 4\nc_count 3\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A target for many jobs: the path says what it exposes.
fn of_all_kinds() -> Peer {
    Peer::start(None, |head| {
        let path = head.split(' ').nth(1).unwrap_or("").split('?').next().unwrap_or("").to_owned();
        let binary = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        match path.as_str() {
            "/native" if head.contains("vnd.google.protobuf") => connect::answer(binary, &native()),
            "/classic" => page(CLASSIC),
            "/dotted" => page("{\"a.b\"} 1\n"),
            "/untyped" => connect::answer("application/x-nobody-knows", b"a 1\n"),
            "/labels" => page("a{job=\"theirs\",one=\"1\",two=\"2\"} 1 1000\n"),
            "/stamped" => page("a 1 1000\n"),
            "/gzip" if head.to_lowercase().contains("accept-encoding: gzip") => {
                let body = gzip("a 1\n");
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                [head.as_bytes(), &body].concat()
            }
            _ => page("a 1\n"),
        }
    })
}

#[test]
fn keys_of_a_job_decide_what_is_taken() {
    let target = of_all_kinds();
    let log = tempfile::NamedTempFile::new().unwrap();
    let with = |name: &str, path: &str, settings: &[&str]| {
        let mut lines = vec![format!("metrics_path: /{path}")];
        lines.extend(settings.iter().map(|line| (*line).to_owned()));
        connect::slow_job(name, "http", &target.address, &lines)
    };
    let nhcb = "convert_classic_histograms_to_nhcb: true";
    let take_native = "scrape_native_histograms: true";
    let server = connect::start(&[
        with("native", "native", &[take_native]),
        with("both", "native", &[take_native, "always_scrape_classic_histograms: true"]),
        with("off", "native", &["scrape_protocols: [PrometheusProto]"]),
        with("coarse", "native", &[take_native, "native_histogram_bucket_limit: 2"]),
        with("factor", "native", &[take_native, "native_histogram_min_bucket_factor: 1.4"]),
        with("nhcb", "classic", &[nhcb]),
        with("nhcbboth", "classic", &[nhcb, "always_scrape_classic_histograms: true"]),
        with("plain", "classic", &[]),
        with("utf8", "dotted", &[]),
        with("legacy", "dotted", &["metric_name_validation_scheme: legacy"]),
        with("escaped", "x", &["metric_name_escaping_scheme: dots"]),
        with("unknown", "untyped", &[]),
        with("logged", "untyped", &[&format!("scrape_failure_log_file: {}", log.path().display())]),
        with("fallback", "untyped", &["fallback_scrape_protocol: PrometheusText0.0.4"]),
        with("gzip", "gzip", &["params: {module: [x y]}"]),
        with("identity", "gzip", &["enable_compression: false", "extra_scrape_metrics: true"]),
        with("theirs", "labels", &["honor_labels: true", "honor_timestamps: false"]),
        with("ours", "labels", &["honor_timestamps: false"]),
        with("fewlabels", "labels", &["label_limit: 3"]),
        with("shortname", "labels", &["label_name_length_limit: 3"]),
        with("shortvalue", "labels", &["label_value_length_limit: 3"]),
        with("small", "classic", &["body_size_limit: 10B"]),
        with("dropped", "x", &["keep_dropped_targets: 1", "relabel_configs: [{action: drop, regex: '.*'}]"]),
    ]);
    let value = |expr: &str, wanted: &str| {
        server.await_query(expr, |found| found[0]["value"][1] == wanted);
    };
    // Present when that job is, and so many.
    let count = |metric: &str, job: &str, wanted: usize| {
        server.await_query(&format!("up{{job=\"{job}\"}} == 1"), |found| found[0]["value"].is_array());
        server.await_query(&format!("{metric}{{job=\"{job}\"}}"), |found| found.as_array().is_some_and(|all| all.len() == wanted));
    };
    for job in ["native", "both", "coarse", "factor"] {
        value(&format!("histogram_count(h{{job=\"{job}\"}})"), "4");
    }
    for (job, classic) in [("native", 0), ("both", 2), ("off", 2)] {
        count("h_bucket", job, classic);
    }
    count("h", "off", 0);
    let buckets = |job: &str| {
        let found = server.await_query(&format!("h{{job=\"{job}\"}}"), |found| found[0]["histogram"].is_array());
        found[0]["histogram"][1]["buckets"].as_array().unwrap().len()
    };
    assert_eq!((buckets("native"), buckets("coarse"), buckets("factor")), (4, 2, 1));
    for (job, classic) in [("nhcb", 0), ("nhcbboth", 2), ("plain", 2)] {
        count("c_bucket", job, classic);
        count("c", job, usize::from(job != "plain"));
    }
    value("{\"a.b\",job=\"utf8\"}", "1");
    for job in ["legacy", "unknown", "logged", "fewlabels", "shortname", "shortvalue", "small"] {
        connect::await_up(&server, job, false);
    }
    for (job, words) in [("unknown", "fallback_scrape_protocol"), ("fewlabels", "label_limit"), ("small", "body size limit exceeded")] {
        connect::await_error(&server, job, words);
    }
    until(|| std::fs::read_to_string(log.path()).unwrap().contains("\"job_name\":\"logged\"").then_some(()));
    for (job, metric) in
        [("fallback", "a"), ("gzip", "a"), ("identity", "a"), ("identity", "scrape_body_size_bytes"), ("theirs", "scrape_duration_seconds")]
    {
        count(metric, job, 1);
    }
    count("scrape_body_size_bytes", "gzip", 0);
    value("a{job=\"theirs\",one=\"1\"}", "1");
    value("a{job=\"ours\",exported_job=\"theirs\"}", "1");
    let request = |path: &str, what: &str| {
        target.await_request(&format!("{path} with {what}"), |head| {
            head.starts_with(&format!("GET /{path}")) && head.to_lowercase().contains(what)
        });
    };
    request("gzip?module=x+y ", "accept-encoding: gzip");
    request("gzip ", "accept-encoding: identity");
    request("x ", "escaping=dots");
    request("native ", "accept: application/vnd.google.protobuf");
    request("classic ", "x-prometheus-scrape-timeout-seconds: 2\r\n");
    request("classic ", "user-agent: pharos/");
    let targets = server.api("/api/v1/targets?state=dropped");
    assert_eq!((&targets["droppedTargets"].as_array().unwrap().len(), &targets["droppedTargetCounts"]["dropped"]), (&1, &json!(1)));
}

#[test]
fn counters_begin_with_a_zero_where_they_started_when_asked() {
    let now = SystemClock::new().now_ms() / 1000;
    let started = now - 40;
    let body = format!("# TYPE a counter\na_total 5\na_created {started}\n# TYPE g gauge\ng 1\n# EOF\n");
    let target = Peer::start(None, move |_| connect::answer("application/openmetrics-text; version=1.0.0", body.as_bytes()));
    let config = format!("scrape_configs:\n{}", connect::slow_job("j", "http", &target.address, &[]));
    let server = Server::with_config(&config, &["--host-metrics=false", "--enable-feature=created-timestamp-zero-ingestion"]);
    server.await_query("a_total > 0", |found| found[0]["value"].is_array());
    let raw = server.await_query("a_total[10m]", |found| found[0]["values"].as_array().is_some_and(|values| values.len() > 2));
    assert_eq!((&raw[0]["values"][0][0], &raw[0]["values"][0][1]), (&json!(started), &json!("0")), "{raw}");
    let zeros = raw[0]["values"].as_array().unwrap().iter().filter(|sample| sample[1] == "0").count();
    assert_eq!(zeros, 1, "{raw}");
    server.await_query("a_created", |found| found == &json!([]));
    server.await_query("increase(a_total[10m]) > 4", |found| found[0]["value"].is_array());
}

#[test]
fn discovery_and_scraping_show_in_the_servers_own_metrics() {
    let target = Peer::start(None, |_| page("a 1\nb 2\n"));
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.json"), folder.path().join("bad.json"));
    std::fs::write(&good, format!("[{{\"targets\":[\"{}\"]}}]", target.address)).unwrap();
    std::fs::write(&bad, "[{").unwrap();
    let files = |path: &std::path::Path| format!("file_sd_configs: [{{files: ['{}']}}]", path.display());
    let jobs = [
        connect::slow_job("static", "http", &target.address, &["sample_limit: 1".to_owned()]),
        connect::job("files", "http", "127.0.0.1:1", &[files(&good)]),
        connect::job("broken", "http", "127.0.0.1:1", &[files(&bad)]),
        connect::job("web", "http", "127.0.0.1:1", &["http_sd_configs: [{url: 'http://127.0.0.1:1/', refresh_interval: 1s}]".to_owned()]),
        connect::job("names", "http", "127.0.0.1:1", &["dns_sd_configs: [{names: ['no.such.invalid']}]".to_owned()]),
    ];
    let server = Server::with_config(&format!("scrape_configs:\n{}", jobs.concat()), &["--host-metrics=false"]);
    let mut text = String::new();
    let expected = [
        "prometheus_sd_discovered_targets{config=\"static\",name=\"scrape\"} 1\n".to_owned(),
        "prometheus_sd_discovered_targets{config=\"files\",name=\"scrape\"} 2\n".to_owned(),
        "prometheus_target_scrape_pool_targets{scrape_job=\"files\"} 2\n".to_owned(),
        "prometheus_sd_refresh_failures_total{config=\"broken\",mechanism=\"file\"} ".to_owned(),
        "prometheus_sd_refresh_failures_total{config=\"files\",mechanism=\"file\"} 0\n".to_owned(),
        "prometheus_sd_refresh_failures_total{config=\"web\",mechanism=\"http\"} ".to_owned(),
        format!("prometheus_sd_file_mtime_seconds{{filename=\"{}\"}} 1", good.display()),
        "prometheus_sd_dns_lookups_total ".to_owned(),
        "prometheus_target_interval_length_seconds{interval=\"200ms\",quantile=\"0.99\"} ".to_owned(),
        "prometheus_target_interval_length_seconds_count{interval=\"200ms\"} ".to_owned(),
        "prometheus_target_sync_length_seconds_count{scrape_job=\"static\"} 1\n".to_owned(),
        "prometheus_target_scrape_pools_total 5\n".to_owned(),
        "prometheus_target_scrape_pool_sync_total{scrape_job=\"files\"} 2\n".to_owned(),
        "prometheus_config_last_reload_successful 1\n".to_owned(),
        "prometheus_tsdb_head_series_created_total ".to_owned(),
        "prometheus_tsdb_head_max_time_seconds 1".to_owned(),
        "prometheus_tsdb_compactions_total 0\n".to_owned(),
        "prometheus_tsdb_wal_corruptions_total 0\n".to_owned(),
        "prometheus_engine_queries 0\n".to_owned(),
        "prometheus_engine_queries_concurrent_max 20\n".to_owned(),
    ];
    let positive = |text: &str, metric: &str| {
        text.lines().any(|line| line.strip_prefix(metric).is_some_and(|value| value.trim().parse::<f64>().is_ok_and(|value| value > 0.0)))
    };
    let counted = [
        "prometheus_target_scrapes_exceeded_sample_limit_total",
        "prometheus_sd_file_read_errors_total",
        "prometheus_sd_http_failures_total",
    ];
    for _ in 0..1200 {
        text = server.get("/metrics").1;
        if expected.iter().all(|line| text.contains(line)) && counted.iter().all(|metric| positive(&text, metric)) {
            break;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    let missing: Vec<&String> = expected.iter().filter(|line| !text.contains(*line)).collect();
    assert!(missing.is_empty(), "{missing:?} in {text}");
    assert!(counted.iter().all(|metric| positive(&text, metric)), "{text}");
    let mut families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let all = families.len();
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), all, "no family is written twice");
}
