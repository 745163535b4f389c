//! A freeze is what a start after a crash at its moment would find, whatever happens afterwards.

use super::*;
use crate::series::ports::IndexQuery;
use crate::series::sample::{Exemplar, Metadata, MetricType};

fn metadata() -> Metadata {
    Metadata { kind: MetricType::Gauge, help: "What it is.".to_owned(), unit: String::new() }
}

/// Everything a reader can see.
fn seen(store: &Store) -> String {
    let all = IndexQuery { any_of: &[], range: TimeRange::ALL, limit: 0 };
    let samples: Vec<_> = read_all(store, TimeRange::ALL)
        .into_iter()
        .map(|(labels, buf)| format!("{labels} {:?} {:?} {:?}", buf.float_ts, buf.floats, buf.float_start_ts))
        .collect();
    format!("{samples:#?} {:?} {:?}", store.exemplars(&all).expect("exemplars"), store.all_metadata(0))
}

#[test]
fn it_has_everything_up_to_its_moment_and_nothing_after() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(&dir.path().join("live"));
    // In a block, in a chunk file, in the log; late, deleted and described.
    append(&store, "a", &every_quarter_minute(T0, 1000));
    store.flush_now().expect("flush");
    append(&store, "a", &every_quarter_minute(T0 + 1000 * 15_000, 300));
    store.maintain().expect("save");
    append(&store, "a", &[(T0 + 1290 * 15_000 + 1, 0.5), (T0 + 1300 * 15_000, 7.0)]);
    let mut batch = WriteBatch::new();
    batch.open_series(&labels("b"));
    batch.push_float_started(T0 + 1300 * 15_000, 1.0, T0);
    batch.push_exemplar(Exemplar { labels: Labels::from_pairs([("trace_id", "x")]), value: 1.0, ts: T0 + 1300 * 15_000, is_timed: true });
    batch.metadata.push(("b".into(), metadata()));
    store.append(&batch, &AppendOptions::default()).expect("append");
    store.delete(&[everything()], TimeRange::new(T0, T0 + 10 * 15_000)).expect("delete");
    let expected = seen(&store);
    assert!(expected.contains("trace_id") && expected.contains("What it is."), "{expected}");

    let frozen = dir.path().join("frozen");
    store.freeze(&frozen).expect("freeze");
    // Nothing that happens afterwards shows in it.
    append(&store, "a", &every_quarter_minute(T0 + 1301 * 15_000, 1000));
    append(&store, "c", &[(T0 + 2400 * 15_000, 1.0)]);
    store.delete(&[everything()], TimeRange::new(T0, T0 + 500 * 15_000)).expect("delete");
    store.flush_now().expect("flush");
    store.force_merge(&Cancel::new()).expect("merge");
    store.clean_tombstones(&Cancel::new()).expect("clean");
    drop(store);
    let copy = open(&frozen);
    assert_eq!(copy.status().set_aside, []);
    assert_eq!(seen(&copy), expected);
    // And it is a store like any other.
    append(&copy, "a", &[(T0 + 1301 * 15_000, 8.0)]);
    copy.flush_now().expect("flush");
    assert_eq!(floats(&copy, "a").last(), Some(&(T0 + 1301 * 15_000, 8.0)));
}

#[test]
fn an_empty_store_can_be_frozen() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(&dir.path().join("live"));
    store.freeze(&dir.path().join("frozen")).expect("freeze");
    assert_eq!(read_all(&open(&dir.path().join("frozen")), TimeRange::ALL).len(), 0);
}
