//! Payloads good and bad, and totals that survive.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base::clock::ManualClock;

fn open(folder: &Path) -> CustomMetrics {
    CustomMetrics::open(&folder.join("custom.journal"), ManualClock::at(1_000) as Arc<ManualClock>).expect("opens")
}

fn lines(batch: &WriteBatch) -> Vec<String> {
    let line = |series: &crate::series::batch::BatchSeries| {
        let labels = Labels::from_packed(batch.labels_of(series)).expect("labels");
        format!("{labels} {}", batch.floats[series.floats.start as usize].value)
    };
    let mut lines: Vec<_> = batch.series.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn what_a_small_body_unfolds_to_is_bounded() {
    let folder = tempfile::tempdir().expect("folder");
    let custom = open(folder.path());
    let mut batch = WriteBatch::new();
    // The help text would be written with each series.
    let long = format!(r#"[{{"name": "a", "value": 1, "help": "{}"}}]"#, "x".repeat(5_000));
    let outcome = custom.record_batch(long.as_bytes(), &mut batch).expect("read");
    assert_eq!(outcome.errors[0].reason, "help and unit must have at most 4096 bytes");
    // The label once for each of 500 buckets.
    let bounds: Vec<String> = (0..500).map(|bound| bound.to_string()).collect();
    let item = |at: usize| {
        let labels = format!(r#"{{"at": "{at}", "long": "{}"}}"#, "x".repeat(60_000));
        format!(r#"{{"name": "h", "type": "histogram", "bounds": [{}], "value": 1, "labels": {labels}}}"#, bounds.join(","))
    };
    let many: Vec<String> = (0..12).map(item).collect();
    let outcome = custom.record_batch(format!("[{}]", many.join(",")).as_bytes(), &mut WriteBatch::new()).expect("read");
    assert_eq!(outcome.errors.len(), 4);
    assert_eq!(outcome.errors[0].reason, "labels of all series would take more than 268435456 bytes");
}

#[test]
fn what_cannot_be_read_is_said_in_plain_words() {
    let folder = tempfile::tempdir().expect("folder");
    let custom = open(folder.path());
    for (body, said) in [
        ("[[\"a\"], {\"value\": 1}]", "a metric must be an object, not a list; name is missing"),
        ("[{\"name\": \"h\", \"buckets\": [1]}]", "buckets must be an object of numbers, not a list"),
        ("{\"name\": \"a\"}", "cannot read the request: the key metrics is missing"),
        ("{\"metrics\": {}}", "cannot read the request: metrics must be a list"),
        (" 5", "cannot read the request: a batch is a list, or an object with the key metrics"),
        (" { \"metrics\" : [ ] } ", ""),
    ] {
        let reasons = |outcome: Outcome| outcome.errors.into_iter().map(|error| error.reason).collect::<Vec<_>>().join("; ");
        let found = custom.record_batch(body.as_bytes(), &mut WriteBatch::new()).map_or_else(|error| error.to_string(), reasons);
        assert_eq!(found, said, "{body}");
    }
    // The clock of the test stands at one second after 1970.
    for (timestamp, good) in [
        ("1", true),
        ("601", true),
        ("602", false),
        ("\"1970-01-01T00:05:00Z\"", true),
        ("1700000000000", false),
        ("\"soon\"", false),
        ("99999999999999999999", false),
        ("null", true),
    ] {
        let body = format!("{{\"name\": \"t\", \"value\": 1, \"timestamp\": {timestamp}}}");
        let outcome = custom.record_one(body.as_bytes(), &mut WriteBatch::new()).expect("read");
        assert_eq!(outcome.errors.is_empty(), good, "{timestamp}: {:?}", outcome.errors);
    }
    let outcome = custom.record_one(b"[]", &mut WriteBatch::new()).expect("read");
    assert_eq!(outcome.errors[0].reason, "a metric must be an object, not a list");
}

#[test]
fn each_type_does_what_its_name_says() {
    let folder = tempfile::tempdir().expect("folder");
    let custom = open(folder.path());
    let mut batch = WriteBatch::new();
    let body = r#"{"metrics": [
        {"name": "leads_total", "type": "counter", "labels": {"source": "web", "code": 200, "vip": true}, "help": "Leads.", "value": 2},
        {"name": "leads_total", "type": "counter", "labels": {"source": "web", "code": 200, "vip": true}},
        {"name": "users", "type": "gauge", "value": 5},
        {"name": "users", "type": "gauge", "value": 2, "operation": "dec"},
        {"name": "latency_seconds", "type": "histogram", "bounds": [0.1, 1], "values": [0.05, 0.1, 0.5, 7], "unit": "seconds"},
        {"name": "size", "type": "summary", "value": 3},
        {"name": "quantiles", "type": "summary", "quantiles": {"0.5": 1, "0.99": "2"}, "sum": 10, "count": 4},
        {"name": "own_seconds", "type": "histogram", "buckets": {"0.5": 1, "+Inf": 3}, "sum": 4, "count": 3}
    ]}"#;
    let outcome = custom.record_batch(body.as_bytes(), &mut batch).expect("taken");
    assert_eq!((outcome.accepted, outcome.errors.clone(), outcome.status()), (8, vec![], 200));
    let expected = [
        "{__name__=\"latency_seconds_bucket\", le=\"+Inf\"} 4",
        "{__name__=\"latency_seconds_bucket\", le=\"0.1\"} 2",
        "{__name__=\"latency_seconds_bucket\", le=\"1.0\"} 3",
        "{__name__=\"latency_seconds_count\"} 4",
        "{__name__=\"latency_seconds_sum\"} 7.65",
        "{__name__=\"leads_total\", code=\"200\", source=\"web\", vip=\"true\"} 3",
        "{__name__=\"own_seconds_bucket\", le=\"+Inf\"} 3",
        "{__name__=\"own_seconds_bucket\", le=\"0.5\"} 1",
        "{__name__=\"own_seconds_count\"} 3",
        "{__name__=\"own_seconds_sum\"} 4",
        "{__name__=\"quantiles\", quantile=\"0.5\"} 1",
        "{__name__=\"quantiles\", quantile=\"0.99\"} 2",
        "{__name__=\"quantiles_count\"} 4",
        "{__name__=\"quantiles_sum\"} 10",
        "{__name__=\"size_count\"} 1",
        "{__name__=\"size_sum\"} 3",
        "{__name__=\"users\"} 3",
    ];
    assert_eq!(lines(&batch), expected);
    // All of it after a restart, with more on top.
    drop(custom);
    let custom = open(folder.path());
    batch.clear();
    custom.collect(2_000, &mut batch);
    assert_eq!(lines(&batch), expected);
    batch.clear();
    custom.record_one(br#"{"name": "latency_seconds", "type": "histogram", "value": 0.7}"#, &mut batch).expect("taken");
    custom
        .record_one(br#"{"name": "leads_total", "type": "counter", "total": 100, "labels": {"source": "mail"}}"#, &mut batch)
        .expect("taken");
    assert_eq!(lines(&batch)[2..4], ["{__name__=\"latency_seconds_bucket\", le=\"1.0\"} 4", "{__name__=\"latency_seconds_count\"} 5"]);
    assert_eq!((custom.health().metrics, custom.health().series), (6, 7));
    assert_eq!(custom.summary().counters, 1);
    assert_eq!(custom.dashboard().families[1].series[0].value, 100.0);
    assert_eq!(custom.summary().families[1].help, "Leads.");
}

#[test]
fn bad_metrics_are_named_by_position() {
    let folder = tempfile::tempdir().expect("folder");
    let custom = open(folder.path());
    let mut batch = WriteBatch::new();
    let body = r#"[
        {"name": "c", "type": "counter", "value": -1},
        {"name": "ok", "value": 1},
        {"name": "ok", "type": "counter"},
        {"value": 1},
        {"name": "", "value": 1},
        {"name": "x", "type": "what", "value": 1},
        {"name": "x", "labels": {"__a": "1"}, "value": 1},
        {"name": "h", "type": "histogram", "labels": {"le": "1"}, "value": 1},
        {"name": "h", "type": "histogram"},
        {"name": "h", "type": "histogram", "buckets": {"2": 1, "1": 5}, "sum": 1, "count": 5},
        {"name": "x", "value": "abc"},
        7
    ]"#;
    let outcome = custom.record_batch(body.as_bytes(), &mut batch).expect("taken");
    assert_eq!((outcome.accepted, outcome.rejected, outcome.status()), (1, 11, 207));
    assert_eq!(outcome.errors.iter().map(|error| error.index).collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(outcome.errors[0].reason, "value must be a number not below zero");
    assert_eq!(outcome.errors[1].reason, "ok is a gauge, not a counter");
    assert_eq!(lines(&batch), ["{__name__=\"ok\"} 1"]);
    assert_eq!(custom.health().metrics, 1);
    assert!(matches!(custom.record_batch(b"{", &mut batch), Err(CustomError::Malformed(_))));
    let many = format!("[{}]", vec!["1"; CUSTOM_BATCH_MAX + 1].join(","));
    assert_eq!(custom.record_batch(many.as_bytes(), &mut batch).expect_err("too many").status(), 413);
    assert_eq!(custom.record_one(br#"{"name": "x"}"#, &mut batch).expect("answers").status(), 400);
}

#[test]
fn a_full_batch_is_taken() {
    let folder = tempfile::tempdir().expect("folder");
    let custom = open(folder.path());
    let items: Vec<_> =
        (0..CUSTOM_BATCH_MAX).map(|at| format!(r#"{{"name":"m{}","labels":{{"i":"{at}"}},"value":{at}}}"#, at % 7)).collect();
    let mut batch = WriteBatch::new();
    let outcome = custom.record_batch(format!("[{}]", items.join(",")).as_bytes(), &mut batch).expect("taken");
    assert_eq!((outcome.accepted, batch.series.len()), (CUSTOM_BATCH_MAX, CUSTOM_BATCH_MAX));
}

proptest! {
    #[test]
    fn bodies_never_panic(body in "[\\[\\]{}:,\"a-z0-9. -]{0,120}") {
        let folder = tempfile::tempdir().expect("folder");
        let custom = open(folder.path());
        let mut batch = WriteBatch::new();
        let _one = custom.record_one(body.as_bytes(), &mut batch);
        let _many = custom.record_batch(body.as_bytes(), &mut batch);
    }
}
