//! Short of memory or disk: what is refused, what goes on, what is given back.

use super::*;
use crate::base::pressure::{Level, Pressure, Shed};

fn open_with(dir: &Path, pressure: &Pressure) -> Store {
    Store::open(StoreSettings { pressure: pressure.clone(), retention_ms: 0, ..settings(dir) }, clock()).expect("open")
}

/// A sample for each of so many series.
fn batch(prefix: &str, series: usize, ts: i64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for at in 0..series {
        batch.open_series(&labels(&format!("{prefix}{at}")));
        batch.push_float(ts, 1.0);
    }
    batch
}

#[test]
fn new_series_are_refused_and_others_go_on() {
    let dir = tempfile::tempdir().expect("dir");
    let pressure = Pressure::new();
    let store = open_with(dir.path(), &pressure);
    // The first few thousand are taken whatever happens.
    pressure.set_memory(Level::Critical);
    let report = store.append(&batch("a", 5_100, T0), &AppendOptions::default()).expect("append");
    assert_eq!((report.stored, report.refused.len()), (5_000, 100));
    assert!(report.refused.iter().all(|refused| refused.reason == RefusedReason::ShortOfMemory));
    assert_eq!(pressure.counted(Shed::Series), 100);
    let report = store.append(&batch("a", 5_000, T0 + 1000), &AppendOptions::default()).expect("append");
    assert_eq!((report.stored, report.refused.len()), (5_000, 0), "others go on");
    for (level, stored) in [(Level::Scarce, 0), (Level::Tight, 1), (Level::Normal, 1)] {
        pressure.set_memory(level);
        let name = format!("{level:?}");
        assert_eq!(append(&store, &name, &[(T0 + 1000, 1.0)]).stored, stored, "{level:?}");
    }
}

#[test]
fn relief_empties_memory_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_with(dir.path(), &Pressure::new());
    store.relieve().expect("nothing to do");
    store.append(&batch("a", 500, T0), &AppendOptions::default()).expect("append");
    let before = read_all(&store, TimeRange::ALL);
    store.relieve().expect("flush");
    assert_eq!(store.status().head.series, 0);
    let after = read_all(&store, TimeRange::ALL);
    assert_eq!((after.len(), &after[7].0, &after[7].1.floats), (500, &before[7].0, &before[7].1.floats));
    // Series that go on come back, also with a sample that is a little older than what was flushed.
    append(&store, "a7", &[(T0 - 1000, 0.5), (T0 + 1000, 2.0)]);
    assert_eq!(floats(&store, "a7"), [(T0 - 1000, 0.5), (T0, 1.0), (T0 + 1000, 2.0)]);
}

#[test]
fn a_full_disk_budget_refuses_writes_and_the_oldest_blocks_go() {
    let dir = tempfile::tempdir().expect("dir");
    let pressure = Pressure::new();
    let store = open_with(dir.path(), &pressure);
    for at in 0..4 {
        append(&store, "a", &every_quarter_minute(T0 + at * 2 * HOUR, 400));
        store.flush_now().expect("flush");
    }
    let blocks = store.status().blocks.len();
    assert!(blocks >= 4, "{blocks}");
    store.shrink_to(store.bytes());
    assert_eq!(store.status().blocks.len(), blocks, "what fits stays");
    let newest = store.status().blocks.iter().map(|block| block.max_ts).max();
    store.shrink_to(store.bytes() - 1);
    let left = store.status().blocks;
    assert!(left.len() < blocks && left.iter().map(|block| block.max_ts).max() == newest, "the oldest go: {left:?}");

    pressure.set_disk_full(true);
    let refused = try_append(&store, "a", &[(T0 + 9 * HOUR, 1.0)], &AppendOptions::default());
    assert!(matches!(&refused, Err(AppendError::Unavailable(why)) if why.starts_with("the disk budget is used up")), "{refused:?}");
    assert!(!floats(&store, "a").is_empty(), "reading goes on");
    pressure.set_disk_full(false);
    assert_eq!(append(&store, "a", &[(T0 + 9 * HOUR, 1.0)]).stored, 1);
}
