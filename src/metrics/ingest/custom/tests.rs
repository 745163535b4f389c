//! Payloads good and bad, and totals that survive.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;
use crate::base::clock::ManualClock;
use crate::metrics::ingest::recorder::Recorder;

fn open_with(folder: &Path, store: &Arc<Recorder>, at: i64) -> CustomMetrics {
    CustomMetrics::open(&folder.join("custom.journal"), Arc::clone(store) as Arc<dyn Append>, ManualClock::at(at)).expect("opens")
}

fn open(folder: &Path) -> (CustomMetrics, Arc<Recorder>) {
    let store = Recorder::new();
    (open_with(folder, &store, 1_000), store)
}

#[test]
fn what_a_small_body_unfolds_to_is_bounded() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, _store) = open(folder.path());
    // The help text would be written with each series.
    let long = format!(r#"[{{"name": "a", "value": 1, "help": "{}"}}]"#, "x".repeat(5_000));
    let outcome = custom.record_batch(long.as_bytes()).expect("read");
    assert_eq!(outcome.errors[0].reason, "help and unit must have at most 4096 bytes");
    // The label once for each of 500 buckets.
    let bounds: Vec<String> = (0..500).map(|bound| bound.to_string()).collect();
    let item = |at: usize| {
        let labels = format!(r#"{{"at": "{at}", "long": "{}"}}"#, "x".repeat(60_000));
        format!(r#"{{"name": "h", "type": "histogram", "bounds": [{}], "value": 1, "labels": {labels}}}"#, bounds.join(","))
    };
    let many: Vec<String> = (0..12).map(item).collect();
    let outcome = custom.record_batch(format!("[{}]", many.join(",")).as_bytes()).expect("read");
    assert_eq!(outcome.errors.len(), 4);
    assert_eq!(outcome.errors[0].reason, "labels of all series would take more than 268435456 bytes");
}

#[test]
fn what_cannot_be_read_is_said_in_plain_words() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, _store) = open(folder.path());
    for (body, said) in [
        ("[[\"a\"], {\"value\": 1}]", "a metric must be an object, not a list; name is missing"),
        ("[{\"name\": \"h\", \"buckets\": [1]}]", "buckets must be an object of numbers, not a list"),
        ("{\"name\": \"a\"}", "cannot read the request: the key metrics is missing"),
        ("{\"metrics\": {}}", "cannot read the request: metrics must be a list"),
        (" 5", "cannot read the request: a batch is a list, or an object with the key metrics"),
        (" { \"metrics\" : [ ] } ", ""),
    ] {
        let reasons = |outcome: Outcome| outcome.errors.into_iter().map(|error| error.reason).collect::<Vec<_>>().join("; ");
        let found = custom.record_batch(body.as_bytes()).map_or_else(|error| error.to_string(), reasons);
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
        let outcome = custom.record_one(body.as_bytes()).expect("read");
        assert_eq!(outcome.errors.is_empty(), good, "{timestamp}: {:?}", outcome.errors);
    }
    let outcome = custom.record_one(b"[]").expect("read");
    assert_eq!(outcome.errors[0].reason, "a metric must be an object, not a list");
}

#[test]
fn each_type_does_what_its_name_says() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, store) = open(folder.path());
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
    let outcome = custom.record_batch(body.as_bytes()).expect("taken");
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
    assert_eq!(store.newest(), expected);
    // All of it after a restart, with more on top.
    drop(custom);
    let (custom, store) = open(folder.path());
    custom.restate();
    assert_eq!(store.newest(), expected);
    custom.record_one(br#"{"name": "latency_seconds", "type": "histogram", "value": 0.7}"#).expect("taken");
    custom.record_one(br#"{"name": "leads_total", "type": "counter", "total": 100, "labels": {"source": "mail"}}"#).expect("taken");
    assert_eq!(store.newest()[2..4], ["{__name__=\"latency_seconds_bucket\", le=\"1.0\"} 4", "{__name__=\"latency_seconds_count\"} 5"]);
    assert_eq!((custom.health().metrics, custom.health().series), (6, 7));
    assert_eq!(custom.summary().counters, 1);
    assert_eq!(custom.dashboard().families[1].series[0].value, 100.0);
    assert_eq!(custom.summary().families[1].help, "Leads.");
}

#[test]
fn what_is_added_begins_at_zero() {
    let folder = tempfile::tempdir().expect("folder");
    let store = Recorder::new();
    let custom = open_with(folder.path(), &store, 100_000);
    let body = r#"[
        {"name": "added_total", "type": "counter", "value": 2},
        {"name": "added_total", "type": "counter", "value": 1},
        {"name": "own_total", "type": "counter", "total": 40},
        {"name": "mixed_total", "type": "counter", "total": 40},
        {"name": "mixed_total", "type": "counter", "value": 1},
        {"name": "level", "value": 5},
        {"name": "h", "type": "histogram", "bounds": [1], "value": 3},
        {"name": "own_h", "type": "histogram", "buckets": {"1": 1}, "sum": 1, "count": 2},
        {"name": "s", "type": "summary", "value": 3},
        {"name": "own_s", "type": "summary", "sum": 1, "count": 2}
    ]"#;
    assert_eq!(custom.record_batch(body.as_bytes()).expect("taken").accepted, 10);
    let (before, now) = (85_000, 100_000);
    let samples = |name: &str| store.dump(name).pop().expect("a series").1;
    for (name, value) in [("added_total", "3"), ("h_count", "1"), ("h_sum", "3"), ("s_count", "1"), ("s_sum", "3")] {
        assert_eq!(samples(name), [(before, "0".to_owned()), (now, value.to_owned())], "{name}");
    }
    let buckets = [("{le=\"+Inf\"}", "1"), ("{le=\"1.0\"}", "0")];
    let expected = buckets.map(|(labels, value)| (labels.to_owned(), vec![(before, "0".to_owned()), (now, value.to_owned())]));
    assert_eq!(store.dump("h_bucket"), expected);
    for (name, value) in [("own_total", "40"), ("mixed_total", "41"), ("level", "5"), ("own_h_count", "2"), ("own_s_count", "2")] {
        assert_eq!(samples(name), [(now, value.to_owned())], "{name}: nobody knows what it was before");
    }
    // It begins once.
    assert_eq!(custom.record_one(br#"{"name": "added_total", "type": "counter"}"#).expect("taken").accepted, 1);
    drop(custom);
    let custom = open_with(folder.path(), &store, 200_000);
    assert_eq!(custom.record_one(br#"{"name": "added_total", "type": "counter"}"#).expect("taken").accepted, 1);
    assert_eq!(store.values("added_total"), ["0", "3", "4", "5"]);
}

#[test]
fn zeros_do_not_come_between_samples_of_others() {
    let folder = tempfile::tempdir().expect("folder");
    let store = Recorder::new();
    let mut batch = WriteBatch::new();
    for (name, ts) in [("late_total", 99_000), ("old_total", 50_000)] {
        batch.open_series(&Labels::from_pairs([("__name__", name)]));
        batch.push_float(ts, 40.0);
    }
    store.append(&batch, &ROUND).expect("taken");
    let custom = open_with(folder.path(), &store, 100_000);
    let add = |name: &str| custom.record_one(format!(r#"{{"name": "{name}", "type": "counter", "value": 1}}"#).as_bytes());
    assert_eq!(add("late_total").expect("taken").accepted, 1);
    assert_eq!(store.values("late_total"), ["40", "1"]);
    assert_eq!(add("old_total").expect("taken").accepted, 1);
    assert_eq!(store.values("old_total"), ["40", "0", "1"]);
}

#[test]
fn bad_metrics_are_named_by_position() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, store) = open(folder.path());
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
    let outcome = custom.record_batch(body.as_bytes()).expect("taken");
    assert_eq!((outcome.accepted, outcome.rejected, outcome.status()), (1, 11, 207));
    assert_eq!(outcome.errors.iter().map(|error| error.index).collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(outcome.errors[0].reason, "value must be a number not below zero");
    assert_eq!(outcome.errors[1].reason, "ok is a gauge, not a counter");
    assert_eq!(store.newest(), ["{__name__=\"ok\"} 1"]);
    assert_eq!(custom.health().metrics, 1);
    assert!(matches!(custom.record_batch(b"{"), Err(CustomError::Malformed(_))));
    let many = format!("[{}]", vec!["1"; CUSTOM_BATCH_MAX + 1].join(","));
    assert_eq!(custom.record_batch(many.as_bytes()).expect_err("too many").status(), 413);
    assert_eq!(custom.record_one(br#"{"name": "x"}"#).expect("answers").status(), 400);
}

#[test]
fn a_full_batch_is_taken() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, store) = open(folder.path());
    let items: Vec<_> =
        (0..CUSTOM_BATCH_MAX).map(|at| format!(r#"{{"name":"m{}","labels":{{"i":"{at}"}},"value":{at}}}"#, at % 7)).collect();
    let outcome = custom.record_batch(format!("[{}]", items.join(",")).as_bytes()).expect("taken");
    assert_eq!((outcome.accepted, store.newest().len()), (CUSTOM_BATCH_MAX, CUSTOM_BATCH_MAX));
}

#[test]
fn what_storage_does_not_take_is_not_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, store) = open(folder.path());
    let add = |name: &str| custom.record_one(format!(r#"{{"name": "{name}", "type": "counter", "value": 1}}"#).as_bytes());
    assert_eq!(add("a_total").expect("taken").accepted, 1);
    store.unavailable.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = add("a_total").expect_err("refused");
        assert_eq!(
            (error.status(), error.to_string().as_str()),
            (503, "storage does not take writes now: no space left; nothing was counted")
        );
        assert_eq!(add("b_total").expect_err("refused").status(), 503);
    }
    assert_eq!((custom.health().series, custom.health().accepted_total), (1, 1));
    assert_eq!(custom.dashboard().families[0].series[0].value, 1.0);
    // Neither does a crash bring it back.
    let again = open_with(folder.path(), &Recorder::new(), 2_000);
    assert_eq!((again.health().series, again.dashboard().families[0].series[0].value), (1, 1.0));
    drop(again);
    store.unavailable.store(false, Ordering::SeqCst);
    assert_eq!(add("a_total").expect("taken").accepted, 1);
    assert_eq!(store.newest(), ["{__name__=\"a_total\"} 2"]);
    let again = open_with(folder.path(), &Recorder::new(), 2_000);
    assert_eq!(again.dashboard().families[0].series[0].value, 2.0);
}

#[test]
fn what_is_in_doubt_is_counted_once_and_stated_again() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, store) = open(folder.path());
    store.log_fails.store(true, Ordering::SeqCst);
    let body = br#"{"name": "a_total", "type": "counter", "value": 5}"#;
    assert_eq!(custom.record_one(body).expect("counted").accepted, 1);
    store.log_fails.store(false, Ordering::SeqCst);
    // A crash loses what storage had; the total comes from the journal.
    drop(custom);
    let store = Recorder::new();
    let custom = open_with(folder.path(), &store, 2_000);
    custom.restate();
    assert_eq!(store.newest(), ["{__name__=\"a_total\"} 5"]);
}

#[test]
fn series_that_storage_refuses_are_named_and_the_others_counted() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, store) = open(folder.path());
    store.refuse("h_sum", Some(RefusedReason::SeriesLimit));
    let body = br#"[
        {"name": "a", "type": "counter", "value": 2},
        {"name": "h", "type": "histogram", "bounds": [1, 2], "value": 1, "labels": {"l": "1"}},
        {"name": "", "value": 1},
        {"name": "h", "type": "histogram", "value": 1, "labels": {"l": "1"}},
        {"name": "a", "type": "counter", "value": 3}
    ]"#;
    let outcome = custom.record_batch(body).expect("read");
    assert_eq!((outcome.accepted, outcome.rejected, outcome.status()), (2, 3, 207));
    let reasons: Vec<_> = outcome.errors.iter().map(|error| (error.index, error.name.as_str(), error.reason.as_str())).collect();
    assert_eq!(reasons[0], (1, "h", "storage refuses it: series limit reached"));
    assert_eq!((reasons[1].0, reasons[2]), (2, (3, "h", "storage refuses it: series limit reached")));
    assert_eq!(store.newest(), ["{__name__=\"a\"} 5"], "no bucket of a histogram that is refused");
    let health = custom.health();
    assert_eq!((health.metrics, health.series, health.accepted_total, health.rejected_total), (1, 1, 2, 3));
    // When memory is short, all is to come again.
    store.refuse("b", Some(RefusedReason::ShortOfMemory));
    let error = custom.record_batch(br#"[{"name": "a", "type": "counter"}, {"name": "b", "value": 1}]"#).expect_err("refused");
    assert_eq!(error.status(), 503);
    store.refuse("h_sum", None);
    store.refuse("b", None);
    assert_eq!(custom.record_batch(body).expect("read").accepted, 4);
    assert_eq!(store.values("a"), ["0", "5", "10"]);
    assert_eq!(store.values("h_count"), ["0", "2"]);
    let again = open_with(folder.path(), &Recorder::new(), 2_000);
    assert_eq!((again.health().metrics, again.health().series), (2, 2));
    assert_eq!(again.dashboard().families[0].series[0].value, 10.0);
}

#[test]
fn requests_at_once_all_count() {
    let folder = tempfile::tempdir().expect("folder");
    let (custom, store) = open(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (custom, store) = (&custom, &store);
            scope.spawn(move || {
                let (mut taken, mut tries) = (0, 0);
                while taken < 25 {
                    // Now and then storage takes nothing, and the client comes again.
                    tries += 1;
                    store.unavailable.store(thread == 0 && tries % 3 == 0, Ordering::SeqCst);
                    taken += u32::from(custom.record_one(br#"{"name": "a_total", "type": "counter", "value": 1}"#).is_ok());
                    custom.restate();
                    store.unavailable.store(false, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(custom.dashboard().families[0].series[0].value, 100.0);
    let values: Vec<f64> = store.values("a_total").iter().map(|value| value.parse().expect("a number")).collect();
    assert!(values.is_sorted() && values.last() == Some(&100.0), "it never goes back: {values:?}");
}

proptest! {
    #[test]
    fn bodies_never_panic(body in "[\\[\\]{}:,\"a-z0-9. -]{0,120}") {
        let folder = tempfile::tempdir().expect("folder");
        let (custom, _store) = open(folder.path());
            let _one = custom.record_one(body.as_bytes());
        let _many = custom.record_batch(body.as_bytes());
    }
}
