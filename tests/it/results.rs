//! Answers to the byte as Prometheus gives them: numbers, histograms, exemplars, lists, failures; and compressed.

use std::io::Read;

use serde_json::{Value as Json, json};

use crate::peers::Prometheus;
use crate::support::{Server, client, skip};
use crate::wire::{self, Exemplar, Histogram, Label, Span, TimeSeries};

/// In the middle of a block of two hours.
const START: i64 = 1_700_002_000_000;

fn wide_histogram(timestamp: i64) -> Histogram {
    Histogram {
        count_int: Some(9 * 40 + 3),
        sum: -1e-7,
        schema: 8,
        zero_threshold: 0.0,
        zero_count_int: Some(3),
        positive_spans: vec![Span { offset: -700, length: 40 }],
        positive_deltas: std::iter::once(9).chain(std::iter::repeat_n(0, 39)).collect(),
        timestamp,
        ..Histogram::default()
    }
}

fn data() -> Vec<TimeSeries> {
    let times = |count: i64| (0..count).map(|at| START + at * 15_000);
    let mut histograms = wire::series(&[("__name__", "h"), ("job", "x")], &[]);
    histograms.histograms = times(10).map(|ts| wire::histogram(ts, 3 + (ts - START) / 15_000)).collect();
    let mut floats = wire::series(&[("__name__", "hf"), ("job", "x")], &[]);
    floats.histograms = times(10).map(|ts| wire::float_histogram(ts, 0.13 + (ts - START) as f64 / 1e6)).collect();
    let mut wide = wire::series(&[("__name__", "wide")], &[]);
    wide.histograms = times(1).map(wide_histogram).collect();
    let mut counter = wire::series(
        &[("__name__", "c_total"), ("job", "x")],
        &times(10).map(|ts| (ts, 1e6 + 0.1 * (ts - START) as f64)).collect::<Vec<_>>(),
    );
    let label = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
    counter.exemplars = vec![
        Exemplar { labels: vec![label("trace_id", "a\"é")], value: 1e-7, timestamp: START + 1 },
        Exemplar { labels: vec![label("span_id", "s"), label("trace_id", "2")], value: 21.0, timestamp: START + 15_500 },
    ];
    // Newer versions write label sets without escapes for HTML; what is compared has none of its characters there.
    let odd = wire::series(
        &[("__name__", "odd"), ("l", "a\"\\é\u{1}\u{8}\u{7f}\t\n")],
        &[(START, f64::INFINITY), (START + 15_000, -0.0), (START + 30_000, 1e21), (START + 45_000, 123_456.789)],
    );
    vec![histograms, floats, wide, counter, odd]
}

fn fill(url: &str) {
    let (status, text) = wire::send(&format!("{url}/api/v1/write"), wire::body(data()));
    assert_eq!(status, 204, "{text}");
}

fn get(url: &str) -> (u16, String) {
    let answer = client().get(url).send().unwrap();
    (answer.status().as_u16(), answer.text().unwrap())
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn answers_are_the_same_to_the_byte() {
    let Some(prometheus) = Prometheus::start() else { return skip("prometheus is not installed") };
    let server = Server::quiet();
    fill(&prometheus.url(""));
    fill(&server.url(""));
    let mut paths = Vec::new();
    for expr in [
        "h",
        "hf",
        "wide",
        "h + h",
        "sum(h)",
        "rate(h[1m])",
        "increase(hf[1m])",
        "c_total",
        "odd",
        "odd * 0",
        "scalar(c_total)",
        "1e-7",
        "\"a<b>&é\u{2028}\"",
        "count_values(\"v\", odd)",
        "histogram_count(h)",
        "{__name__=~\".+\"}[30s]",
        "wide[1s]",
    ] {
        paths.push(format!("/api/v1/query?query={}&time=1700002061.5", encoded(expr)));
        // What the packaged version says of strings and ranges over time was worded anew later.
        if !expr.starts_with('"') && (!expr.contains("s]") || expr.contains('(')) {
            paths.push(format!("/api/v1/query_range?query={}&start=1700002000.25&end=1700002100.25&step=7.5", encoded(expr)));
        }
    }
    let (from, to) = ("start=1700001000", "end=1700009000");
    paths.extend([
        format!("/api/v1/query_exemplars?query=rate(c_total[1m])&{from}&{to}"),
        format!("/api/v1/query_exemplars?query=h&{from}&{to}"),
        format!("/api/v1/query_exemplars?query=c_total&start=1700002002&{to}"),
        format!("/api/v1/labels?{from}&{to}"),
        format!("/api/v1/label/l/values?{from}&{to}"),
        format!("/api/v1/label/__name__/values?match[]=%7Bjob%3D%22x%22%7D&{from}&{to}"),
        format!("/api/v1/series?match[]=odd&match[]=h&{from}&{to}"),
        "/api/v1/series?match[]=odd&start=5&end=1".to_owned(),
        format!("/api/v1/format_query?query={}", encoded("sum by(job)(rate(h[5m]))/2")),
        "/api/v1/alerts".to_owned(),
        "/api/v1/rules".to_owned(),
        "/api/v1/alertmanagers".to_owned(),
        "/api/v1/metadata".to_owned(),
        "/api/v1/targets/metadata".to_owned(),
        "/api/v1/query_exemplars?query=1".to_owned(),
    ]);
    let different = differences(&prometheus, &server, &paths);
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), paths.len(), different.join("\n"));
}

fn differences(prometheus: &Prometheus, server: &Server, paths: &[String]) -> Vec<String> {
    let mut different = Vec::new();
    for path in paths {
        let (theirs, ours) = (get(&prometheus.url(path)), get(&server.url(path)));
        if theirs != ours {
            let short = |answer: &(u16, String)| format!("{} {}", answer.0, answer.1.chars().take(1500).collect::<String>());
            different.push(format!("{path}\n  prometheus: {}\n  pharos:     {}", short(&theirs), short(&ours)));
        }
    }
    different
}

#[test]
fn failures_have_the_same_words() {
    let Some(prometheus) = Prometheus::start() else { return skip("prometheus is not installed") };
    let server = Server::quiet();
    let paths: Vec<String> = [
        "query?query=up&time=x",
        "query?query=up&timeout=x",
        "query?query=up&timeout=0",
        "query_range?query=up&start=0&end=10&step=5&timeout=0",
        "query_range?query=up&start=0&end=10",
        "query_range?query=up&start=0&end=10&step=0",
        "query_range?query=up&start=0&end=10&step=1e30",
        "query_range?query=up&start=x&end=10&step=1",
        "query_range?query=up&start=10&end=0&step=1",
        "query_range?query=up&start=0&end=20000&step=1",
        "labels?match[]=%7B",
        "labels?match[]=%7B%7D",
        "label/a/values?match[]=%7B",
        "label/a/values?start=x",
        "series",
        "series?match[]=%7B",
        "series?match[]=%7B%7D",
        "series?match[]=up&end=x",
        "query_exemplars?query=%28",
        "query_exemplars?query=up&start=5&end=1",
        "query_exemplars?query=up&start=x",
        "rules?type=x",
        "metadata?limit=x",
        "targets/metadata?limit=x",
        "targets/metadata?match_target=x%7B",
        "format_query?query=%28",
        "query?query=up%3C%3E1",
    ]
    .iter()
    .map(|path| format!("/api/v1/{path}"))
    .collect();
    // We say where in the query the mistake is, too.
    let without_position = |text: String| match text.find(",\"position\"") {
        Some(at) => format!("{}}}", &text[..at]),
        None => text,
    };
    for path in &paths {
        let (theirs, ours) = (get(&prometheus.url(path)), get(&server.url(path)));
        // Where a query with no time at all is found out is a matter of luck there.
        let theirs =
            (theirs.0, theirs.1.replace("Invalid time value", "invalid time value").replace("in query queue", "in query execution"));
        assert_eq!(theirs, (ours.0, without_position(ours.1)), "{path}");
    }
    for path in ["/federate?match[]=%7B", "/federate?match[]=up%7B"] {
        assert_eq!(get(&prometheus.url(path)), get(&server.url(path)), "{path}");
    }
}

#[test]
fn stats_limits_and_warnings_have_their_shapes() {
    let server = Server::quiet();
    fill(&server.url(""));
    let answer = |path: &str| -> Json { serde_json::from_str(&server.get(path).1).unwrap() };
    let all = answer("/api/v1/query_range?query=c_total&start=1700002000&end=1700002030&step=15&stats=all");
    let stats = &all["data"]["stats"];
    assert_eq!(stats["samples"]["totalQueryableSamplesPerStep"], json!([[1_700_002_000, 1], [1_700_002_015, 1], [1_700_002_030, 1]]));
    assert_eq!((&stats["samples"]["totalQueryableSamples"], &all["warnings"]), (&json!(3), &Json::Null));
    for timing in ["evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime", "execQueueTime", "execTotalTime"] {
        assert!(stats["timings"][timing].is_number(), "{timing}: {stats}");
    }
    let some = answer("/api/v1/query?query=1&stats=true");
    assert!(some["data"]["stats"]["samples"]["totalQueryableSamplesPerStep"].is_null());
    let odd = answer("/api/v1/query?query=1&stats=yes");
    assert!(odd["data"]["stats"].is_object() && odd["warnings"][0].as_str().unwrap().contains("deprecated"), "{odd}");
    let limited = answer("/api/v1/query?query=%7B__name__%3D~%22h%7Chf%22%7D&time=1700002000&limit=1");
    assert_eq!(
        (limited["data"]["result"].as_array().unwrap().len(), &limited["warnings"]),
        (1, &json!(["results truncated due to limit"]))
    );
    let series = answer("/api/v1/series?match[]=%7B__name__%3D~%22.%2B%22%7D&limit=2");
    assert_eq!((series["data"].as_array().unwrap().len(), &series["warnings"]), (2, &json!(["results truncated due to limit"])));
    let whole = answer("/api/v1/labels?limit=3");
    assert_eq!((&whole["data"], &whole["warnings"]), (&json!(["__name__", "job", "l"]), &Json::Null));
}

#[test]
fn answers_are_compressed_as_asked() {
    let server = Server::quiet();
    fill(&server.url(""));
    let patience = std::time::Duration::from_secs(120);
    let client = reqwest::blocking::Client::builder().no_gzip().no_zstd().timeout(patience).build().unwrap();
    let url = server.url("/api/v1/query_range?query=h&start=1700002000&end=1700002100&step=0.05");
    let get = |encoding: &str| {
        let answer = client.get(&url).header("Accept-Encoding", encoding).send().unwrap();
        let used = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        (used, answer.bytes().unwrap().to_vec())
    };
    let (used, plain) = get("identity");
    assert_eq!(used, "");
    assert!(plain.len() > 400_000, "{}", plain.len());
    let (used, packed) = get("gzip");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
    assert_eq!((used.as_str(), unpacked == plain), ("gzip", true));
    let (used, packed) = get("zstd, gzip;q=0.5");
    assert_eq!((used.as_str(), zstd::decode_all(&*packed).unwrap() == plain), ("zstd", true));
    assert!(packed.len() < plain.len() / 5, "{} of {}", packed.len(), plain.len());
    // A client that leaves in the middle is no trouble.
    for _ in 0..20 {
        drop(client.get(&url).send().unwrap());
    }
    assert_eq!(server.get("/-/healthy").0, 200);
}
