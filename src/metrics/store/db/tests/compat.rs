//! Logs written by earlier versions must stay readable.

use super::*;
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::ports::IndexQuery;
use crate::series::sample::{Exemplar, Metadata, MetricType, is_stale, stale_nan};

fn fixture(version: u8) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/compat/wal-v{version}"))
}

fn histogram(count: f64) -> Arc<Histogram> {
    Arc::new(Histogram {
        reset_hint: ResetHint::NotReset,
        schema: 2,
        zero_threshold: 0.001,
        zero_count: 1.0,
        count,
        sum: count * 0.75,
        positive_spans: vec![Span { offset: -3, length: 2 }, Span { offset: 4, length: 1 }],
        positive_buckets: vec![1.0, count / 2.0, 3.0],
        ..Histogram::default()
    })
}

fn about() -> Metadata {
    Metadata { kind: MetricType::Counter, help: "Requests served.".into(), unit: "requests".into() }
}

fn exemplar() -> Exemplar {
    Exemplar { labels: Labels::from_pairs([("trace_id", "4bf92f3577b34da6")]), value: 0.25, ts: T0 + 4 * HOUR, is_timed: true }
}

/// Writes the fixture: run it with `--ignored` once for a new version of the format, and never for an old one.
#[test]
#[ignore = "writes the fixture"]
fn write_the_fixture() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    append(&store, "requests_total", &every_quarter_minute(T0, 960));
    store.maintain().expect("flush and save");
    let mut batch = WriteBatch::new();
    batch.open_series(&labels("requests_total"));
    batch.push_float_started(T0 + 4 * HOUR, 1e6, T0 + HOUR);
    batch.push_float(T0 + 4 * HOUR + 15_001, 0.1 + 0.2);
    batch.push_float(T0 + 4 * HOUR + 30_000, -12.345);
    batch.push_float(T0 + 4 * HOUR + 45_000, stale_nan());
    batch.push_exemplar(exemplar());
    batch.open_series(&labels("latency"));
    batch.push_histogram(T0 + 4 * HOUR, histogram(10.0));
    batch.push_histogram(T0 + 4 * HOUR + 15_000, histogram(12.5));
    batch.push_histogram(T0 + 4 * HOUR + 30_000, Arc::new(Histogram::stale()));
    batch.metadata.push(("requests_total".into(), about()));
    store.append(&batch, &AppendOptions::default()).expect("append");
    store.delete(&[vec![Matcher::equal("__name__", "requests_total")]], TimeRange::new(T0 + 3 * HOUR, T0 + 4 * HOUR - 1)).expect("delete");
    // A batch large enough for columns.
    append(&store, "many_total", &every_quarter_minute(T0 + 4 * HOUR, 300));
    drop(store);
    std::fs::remove_dir_all(fixture(2)).ok();
    copy_dir(&dir.path().join("wal"), &fixture(2));
}

#[test]
fn logs_of_all_versions_can_be_read() {
    for version in 1..=2 {
        can_be_read(version);
    }
}

fn can_be_read(version: u8) {
    let dir = tempfile::tempdir().expect("dir");
    copy_dir(&fixture(version), &dir.path().join("wal"));
    let store = open(dir.path());
    assert_eq!(store.status().set_aside, []);
    // What went to a block is not in the log any more; the rest is.
    let mut expected: Vec<(i64, f64)> = every_quarter_minute(T0, 960)[480..720].to_vec();
    let at = T0 + 4 * HOUR;
    expected.extend([(at, 1e6), (at + 15_001, 0.1 + 0.2), (at + 30_000, -12.345)]);
    let mut got = floats(&store, "requests_total");
    assert!(got.pop().is_some_and(|(ts, value)| ts == at + 45_000 && is_stale(value)));
    assert_eq!(got, expected);
    let mut all = read_all(&store, TimeRange::ALL);
    if version >= 2 {
        assert_eq!(floats(&store, "many_total"), every_quarter_minute(T0 + 4 * HOUR, 300));
        all.retain(|(found, _)| *found != labels("many_total"));
    }
    let (latency, requests) = (&all[0].1, &all[1].1);
    assert_eq!(latency.histogram_ts, [at, at + 15_000, at + 30_000]);
    // Nothing came before the first one, so that storage does not repeat what its sender said of a reset.
    let first = Histogram { reset_hint: ResetHint::Unknown, ..Histogram::clone(&histogram(10.0)) };
    assert_eq!((&*latency.histograms[0], &*latency.histograms[1]), (&first, &*histogram(12.5)));
    assert!(latency.histograms[2].is_stale());
    // A sample that came without a start timestamp after one that had one has none since version 2 wrote the fixture.
    assert_eq!(requests.float_start_ts[239..242], [0, T0 + HOUR, if version == 1 { T0 + HOUR } else { 0 }]);
    assert_eq!(store.metadata("requests_total"), Some(about()));
    let query = IndexQuery { any_of: &[], range: TimeRange::ALL, limit: 0 };
    assert_eq!(store.exemplars(&query).expect("exemplars"), [(labels("requests_total"), vec![exemplar()])]);
}
