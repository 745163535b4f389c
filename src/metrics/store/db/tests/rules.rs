//! Which samples are taken and which refused.

use super::*;
use crate::series::batch::SeriesRef;
use crate::series::histogram::Histogram;
use crate::series::sample::{STALE_NAN_BITS, is_stale, stale_nan};

#[test]
fn order_window_and_duplicates() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    assert_eq!(append(&store, "a", &[(T0, 1.0), (T0 + MINUTE, 2.0), (T0 + 2 * MINUTE, 3.0)]).stored, 3);
    let report = append(&store, "a", &[(T0, 1.0), (T0 + MINUTE, 2.0), (T0 + 2 * MINUTE, 3.0)]);
    assert_eq!((report.stored, report.repeated, report.refused.len()), (0, 3, 0));
    let report = append(&store, "a", &[(T0, 9.0), (T0 + 2 * MINUTE, 9.0)]);
    assert_eq!(reasons(&report), [(RefusedReason::DuplicateTimestamp, 2)]);
    assert_eq!(append(&store, "a", &[(T0 + 30_000, 1.5)]).stored, 1);
    assert_eq!(append(&store, "a", &[(T0 + 30_000, 1.5)]).repeated, 1);
    assert_eq!(floats(&store, "a"), [(T0, 1.0), (T0 + 30_000, 1.5), (T0 + MINUTE, 2.0), (T0 + 2 * MINUTE, 3.0)]);

    append(&store, "b", &[(T0 + 3 * HOUR, 1.0)]);
    assert_eq!(reasons(&append(&store, "a", &[(T0 + 2 * HOUR - 1, 1.0)])), [(RefusedReason::TooOld, 1)]);
    assert_eq!(append(&store, "a", &[(T0 + 2 * HOUR, 1.0)]).stored, 1);
    assert_eq!(reasons(&append(&store, "new", &[(T0, 1.0), (T0 + 1, 2.0)])), [(RefusedReason::TooOld, 2)]);
    let far = T0 + 20_000 * HOUR;
    assert_eq!(reasons(&append(&store, "a", &[(far, 1.0), (i64::MAX, 1.0), (i64::MIN, 1.0)])), [(RefusedReason::OutOfBounds, 3)]);
    let options = AppendOptions { in_order_only: true, ..AppendOptions::default() };
    let report = try_append(&store, "a", &[(T0 + 2 * HOUR - MINUTE / 2, 1.0)], &options).expect("report");
    assert_eq!(reasons(&report), [(RefusedReason::TooOld, 1)]);
    append(&store, "a", &[(T0 + 3 * HOUR, 1.0)]);
    let report = try_append(&store, "a", &[(T0 + 3 * HOUR - 1, 1.0)], &options).expect("report");
    assert_eq!(reasons(&report), [(RefusedReason::OutOfOrder, 1)]);
}

#[test]
fn late_samples_are_held_against_blocks_too() {
    let dir = tempfile::tempdir().expect("dir");
    let mut store = open(dir.path());
    let samples = every_quarter_minute(T0, 240);
    append(&store, "a", &samples);
    append(&store, "b", &samples[..1]);
    store.flush_now().expect("flush");
    for _ in 0..3 {
        // A client that did not get its answer sends all of it again.
        let report = append(&store, "a", &samples);
        assert_eq!((report.stored, report.repeated, report.refused.len()), (0, 240, 0));
        let wrong: Vec<_> = samples.iter().map(|(ts, value)| (*ts, value + 1.0)).collect();
        assert_eq!(reasons(&append(&store, "a", &wrong)), [(RefusedReason::DuplicateTimestamp, 240)]);
        // Descending, and between what is there.
        let report = append(&store, "a", &[(T0 + MINUTE, 4.0), (T0 + MINUTE / 2, 9.0), (T0, 0.0)]);
        assert_eq!((report.stored, report.repeated, reasons(&report)), (0, 2, vec![(RefusedReason::DuplicateTimestamp, 1)]));
        let all = AppendOptions { all_or_nothing: true, ..AppendOptions::default() };
        let Err(AppendError::Refused(report)) = try_append(&store, "a", &wrong[7..8], &all) else { panic!("taken") };
        assert_eq!(reasons(&report), [(RefusedReason::DuplicateTimestamp, 1)]);
        assert_eq!(try_append(&store, "a", &samples[7..8], &all).expect("taken").repeated, 1);
        assert_eq!(floats(&store, "a"), samples);
        drop(store);
        store = open(dir.path());
    }
    // What is not there is taken: another time, another series, a time whose sample was deleted.
    assert_eq!(append(&store, "a", &[(T0 + 1, 7.0)]).stored, 1);
    assert_eq!(append(&store, "b", &[(T0 + MINUTE, 7.0)]).stored, 1);
    store.delete(&[everything()], TimeRange::new(T0 + MINUTE, T0 + MINUTE)).expect("delete");
    assert_eq!(append(&store, "a", &[(T0 + MINUTE, 7.0)]).stored, 1);
    // The late ones in a block of their own beside the first one.
    store.flush_now().expect("flush");
    let report = append(&store, "a", &[(T0, 0.0), (T0 + 1, 7.0), (T0 + 1, 8.0), (T0 + MINUTE, 7.0)]);
    assert_eq!((report.stored, report.repeated, reasons(&report)), (0, 3, vec![(RefusedReason::DuplicateTimestamp, 1)]));
    store.force_merge(&Cancel::new()).expect("merge");
    assert_eq!(append(&store, "a", &[(T0 + 1, 7.0)]).repeated, 1);
    assert_eq!(store.status().blocks.iter().map(|block| block.samples).sum::<u64>(), 240 + 1 + 1);
}

#[test]
fn late_histograms_and_markers_are_held_against_blocks_too() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let histogram = |count: f64| Arc::new(Histogram { count, zero_count: count, sum: count, ..Histogram::default() });
    let put = |ts: i64, count: f64| {
        let mut batch = WriteBatch::new();
        batch.open_series(&labels("h"));
        batch.push_histogram(ts, histogram(count));
        store.append(&batch, &AppendOptions::default()).expect("report")
    };
    put(T0, 1.0);
    put(T0 + MINUTE, 2.0);
    append(&store, "h", &[(T0 + 2 * MINUTE, stale_nan())]);
    append(&store, "f", &[(T0 + 2 * MINUTE, stale_nan())]);
    store.flush_now().expect("flush");
    assert_eq!((put(T0, 1.0).repeated, put(T0 + MINUTE, 2.0).repeated), (1, 1));
    for report in [
        put(T0 + MINUTE, 3.0),
        put(T0 + 2 * MINUTE, 3.0),
        append(&store, "h", &[(T0, 1.0)]),
        append(&store, "f", &[(T0 + 2 * MINUTE, 1.0)]),
    ] {
        assert_eq!((report.stored, reasons(&report)), (0, vec![(RefusedReason::DuplicateTimestamp, 1)]));
    }
    for name in ["h", "f"] {
        assert_eq!(append(&store, name, &[(T0 + 2 * MINUTE, stale_nan())]).repeated, 1);
    }
}

#[test]
fn without_window_everything_is_in_order() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(StoreSettings { out_of_order_ms: 0, ..settings(dir.path()) }, clock()).expect("open");
    append(&store, "a", &[(T0 + 2 * HOUR, 1.0)]);
    assert_eq!(reasons(&append(&store, "a", &[(T0 + 2 * HOUR - 1, 1.0)])), [(RefusedReason::OutOfOrder, 1)]);
    assert_eq!(reasons(&append(&store, "b", &[(T0, 1.0)])), [(RefusedReason::OutOfBounds, 1)]);
    assert_eq!(append(&store, "b", &[(T0 + HOUR, 1.0)]).stored, 1);
    assert_eq!(append(&store, "a", &[(T0 + 2 * HOUR, 1.0)]).repeated, 1);
}

#[test]
fn all_or_nothing_takes_nothing_when_something_is_wrong() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    append(&store, "a", &[(T0, 1.0)]);
    let options = AppendOptions { all_or_nothing: true, ..AppendOptions::default() };
    for bad in [&[(T0 + 1, 1.0), (T0, 2.0)][..], &[(T0 + 1, 1.0), (T0 + 1, 2.0)], &[(T0 + 1, 1.0), (i64::MAX, 1.0)]] {
        let Err(AppendError::Refused(report)) = try_append(&store, "a", bad, &options) else { panic!("{bad:?} was taken") };
        assert_eq!(report.refused.len(), 1);
        assert_eq!(floats(&store, "a"), [(T0, 1.0)]);
    }
    let report = try_append(&store, "a", &[(T0, 1.0), (T0 + 1, 1.0), (T0 + 3, 3.0), (T0 + 2, 2.0)], &options).expect("taken");
    assert_eq!((report.stored, report.repeated), (3, 1));
}

#[test]
fn references_and_labels() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let known = append(&store, "a", &[(T0, 1.0)]).refs[0];
    let mut batch = WriteBatch::new();
    batch.open_known(known);
    batch.push_float(T0 + 1, 2.0);
    batch.open_known(SeriesRef(4711));
    batch.push_float(T0 + 1, 2.0);
    batch.open_known(SeriesRef(u64::MAX));
    batch.push_float(T0 + 1, 2.0);
    batch.open_series_sorted([("b", "1"), ("a", "2")]);
    batch.push_float(T0 + 1, 2.0);
    batch.open_series(&Labels::empty());
    batch.push_float(T0 + 1, 2.0);
    let report = store.append(&batch, &AppendOptions::default()).expect("report");
    let refused: Vec<_> = report.refused.iter().map(|refused| (refused.series_index, refused.reason)).collect();
    let mut sorted = refused.clone();
    sorted.sort_by_key(|(index, _)| *index);
    use RefusedReason::{InvalidLabels, UnknownRef};
    assert_eq!(sorted, [(1, UnknownRef), (2, UnknownRef), (3, InvalidLabels), (4, InvalidLabels)]);
    assert_eq!((report.stored, report.refs[0], report.refs[1]), (1, known, SeriesRef::NONE));
    assert_eq!(floats(&store, "a"), [(T0, 1.0), (T0 + 1, 2.0)]);
}

#[test]
fn series_limits_refuse_new_series_only() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(StoreSettings { series_max: 3, series_per_job_max: 2, ..settings(dir.path()) }, clock()).expect("open");
    append(&store, "a", &[(T0, 1.0)]);
    append(&store, "b", &[(T0, 1.0)]);
    assert_eq!(reasons(&append(&store, "c", &[(T0, 1.0)])), [(RefusedReason::SeriesLimit, 1)]);
    let mut batch = WriteBatch::new();
    for name in ["x", "y"] {
        batch.open_series(&Labels::from_pairs([("__name__", name)]));
        batch.push_float(T0, 1.0);
    }
    let report = store.append(&batch, &AppendOptions::default()).expect("report");
    assert_eq!((report.stored, reasons(&report)), (1, vec![(RefusedReason::SeriesLimit, 1)]));
    assert_eq!(append(&store, "a", &[(T0 + 1, 1.0)]).stored, 1);
    assert_eq!(store.cardinality(10).top.series_by_pair[0].count, 2);
}

#[test]
fn a_whole_batch_that_is_refused_creates_no_series() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(StoreSettings { series_max: 5, series_per_job_max: 2, ..settings(dir.path()) }, clock()).expect("open");
    let all = AppendOptions { all_or_nothing: true, ..AppendOptions::default() };
    let offer = |series: &[(&str, &str)]| {
        let mut batch = WriteBatch::new();
        for (name, job) in series {
            batch.open_series(&Labels::from_pairs([("__name__", *name), ("job", *job)]));
            batch.push_float(T0, 1.0);
        }
        match store.append(&batch, &all) {
            Ok(report) => Ok(report.series_created),
            Err(AppendError::Refused(report)) => Err(report.refused.iter().map(|refused| refused.series_index).collect::<Vec<_>>()),
            Err(other) => panic!("{other}"),
        }
    };
    let long = "x".repeat(1 << 20);
    assert_eq!(offer(&[("a", "1"), ("b", "1"), ("c", "1"), ("a", "2"), ("d", "1")]), Err(vec![2, 4]));
    assert_eq!(offer(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("d", "4"), ("e", "5"), ("f", "6")]), Err(vec![6]));
    assert_eq!(offer(&[("a", "1"), (&long, "2")]), Err(vec![1]));
    assert_eq!(store.cardinality(10).head.series, 0);
    assert_eq!(offer(&[("a", "1"), ("b", "1"), ("c", "2")]), Ok(3));
}

#[test]
fn histograms_and_stale_markers() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let histogram = |count: f64| Arc::new(Histogram { count, zero_count: count, sum: count, ..Histogram::default() });
    let mut batch = WriteBatch::new();
    batch.open_series(&labels("h"));
    batch.push_histogram(T0, histogram(1.0));
    batch.push_histogram(T0 + MINUTE, histogram(2.0));
    batch.push_histogram(T0 + 2 * MINUTE, Arc::new(Histogram { count: -1.0, ..Histogram::default() }));
    let report = store.append(&batch, &AppendOptions::default()).expect("report");
    assert_eq!((report.stored, reasons(&report)), (2, vec![(RefusedReason::InvalidHistogram, 1)]));
    // A float marker ends a histogram series as a histogram; another kind at the same time is a duplicate.
    assert_eq!(append(&store, "h", &[(T0 + 3 * MINUTE, stale_nan())]).stored, 1);
    assert_eq!(append(&store, "h", &[(T0 + 3 * MINUTE, stale_nan())]).repeated, 1);
    assert_eq!(reasons(&append(&store, "h", &[(T0 + MINUTE, 1.0)])), [(RefusedReason::DuplicateTimestamp, 1)]);
    assert_eq!(append(&store, "h", &[(T0 + 4 * MINUTE, 5.0)]).stored, 1);
    append(&store, "f", &[(T0, 1.0), (T0 + MINUTE, stale_nan())]);
    for _ in 0..2 {
        let all = read_all(&store, TimeRange::ALL);
        assert_eq!(all[0].1.floats[1].to_bits(), STALE_NAN_BITS);
        let h = &all[1].1;
        assert_eq!((h.histogram_ts.as_slice(), h.float_ts.as_slice()), (&[T0, T0 + MINUTE, T0 + 3 * MINUTE][..], &[T0 + 4 * MINUTE][..]));
        assert_eq!((h.histograms[1].count, is_stale(h.histograms[2].sum)), (2.0, true));
        store.flush_now().expect("flush");
    }
}

#[test]
fn histograms_say_what_came_before_them() {
    use crate::series::histogram::ResetHint::{NotReset, Unknown};
    let dir = tempfile::tempdir().expect("dir");
    let histogram = |count: f64| Arc::new(Histogram { count, zero_count: count, sum: count, ..Histogram::default() });
    let put = |store: &Store, samples: &[(i64, f64, i64)]| {
        let mut batch = WriteBatch::new();
        batch.open_series(&labels("h"));
        for &(ts, count, start) in samples {
            batch.push_histogram_started(ts, histogram(count), start);
        }
        store.append(&batch, &AppendOptions::default()).expect("report")
    };
    let check = |store: &Store, hints: &[_], starts: &[i64]| {
        let found = read_all(store, TimeRange::ALL).remove(0).1;
        assert_eq!(found.histograms.iter().map(|histogram| histogram.reset_hint).collect::<Vec<_>>(), hints);
        assert_eq!(found.histogram_start_ts, starts);
    };
    let mut store = open(dir.path());
    put(&store, &[(T0, 1.0, 0), (T0 + 2 * MINUTE, 3.0, T0 - 1), (T0 + 4 * MINUTE, 4.0, T0 - 1), (T0 + 6 * MINUTE, 2.0, 0)]);
    check(&store, &[Unknown, NotReset, NotReset, Unknown], &[0, T0 - 1, T0 - 1, 0]);
    // One that comes late makes what was noted on the next one void, and has a start of its own only.
    put(&store, &[(T0 + 3 * MINUTE, 9.0, T0 + 1)]);
    for _ in 0..2 {
        check(&store, &[Unknown, NotReset, Unknown, Unknown, Unknown], &[0, T0 - 1, T0 + 1, T0 - 1, 0]);
        drop(store);
        store = open(dir.path());
        check(&store, &[Unknown, NotReset, Unknown, Unknown, Unknown], &[0, T0 - 1, T0 + 1, T0 - 1, 0]);
        store.flush_now().expect("flush");
    }
    // What was noted stays right when what it was noted against is deleted, in memory and in blocks.
    put(&store, &[(T0 + 7 * MINUTE, 3.0, 0), (T0 + 8 * MINUTE, 4.0, 0)]);
    assert_eq!(put(&store, &[(T0 + 8 * MINUTE, 4.0, 0)]).repeated, 1);
    store.force_merge(&Cancel::new()).expect("merge");
    check(&store, &[Unknown, NotReset, Unknown, Unknown, Unknown, Unknown, NotReset], &[0, T0 - 1, T0 + 1, T0 - 1, 0, 0, 0]);
    store.delete(&[everything()], TimeRange::new(T0 + MINUTE, T0 + 7 * MINUTE)).expect("delete");
    check(&store, &[Unknown, Unknown], &[0, 0]);
}

#[test]
fn start_timestamps_exemplars_and_metadata_survive() {
    use crate::series::ports::IndexQuery;
    use crate::series::sample::{Exemplar, Metadata, MetricType};
    let dir = tempfile::tempdir().expect("dir");
    let about = Metadata { kind: MetricType::Counter, help: "Requests.".into(), unit: String::new() };
    let exemplar = Exemplar { labels: Labels::from_pairs([("trace_id", "abc")]), value: 0.5, ts: T0, is_timed: true };
    {
        let store = open(dir.path());
        let mut batch = WriteBatch::new();
        batch.open_series(&labels("a"));
        batch.push_float(T0, 1.0);
        batch.push_float_started(T0 + MINUTE, 2.0, T0 + 1);
        batch.push_float_started(T0 + 2 * MINUTE, 3.0, T0 + 1);
        batch.push_float_started(T0 + 3 * MINUTE, 3.0, T0 + 2 * MINUTE + 1);
        batch.push_exemplar(exemplar.clone());
        batch.metadata.push(("a".into(), about.clone()));
        let report = store.append(&batch, &AppendOptions::default()).expect("report");
        assert_eq!((report.stored, report.exemplars_stored), (4, 1));
    }
    let check = |store: &Store| {
        assert_eq!(read_all(store, TimeRange::ALL)[0].1.float_start_ts, [0, T0 + 1, T0 + 1, T0 + 2 * MINUTE + 1]);
        let query = IndexQuery { any_of: &[everything()], range: TimeRange::ALL, limit: 0 };
        assert_eq!(store.exemplars(&query).expect("exemplars"), [(labels("a"), vec![exemplar.clone()])]);
        assert_eq!(store.metadata("a"), Some(about.clone()));
    };
    let store = open(dir.path());
    check(&store);
    append(&store, "a", &[(T0 + 4 * HOUR, 1.0)]);
    store.maintain().expect("maintain");
    assert_eq!(store.status().blocks.len(), 1);
    drop(store);
    let store = open(dir.path());
    store.delete(&[everything()], TimeRange::new(T0 + 4 * HOUR, T0 + 4 * HOUR)).expect("delete");
    check(&store);
}
