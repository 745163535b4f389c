//! Flushing, merging, retention, deletion, snapshots, and readers in the middle of it.

use super::*;
use crate::series::ports::IndexQuery;

#[test]
fn old_samples_go_to_blocks_and_the_log_is_shortened() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let samples = every_quarter_minute(T0, 4 * 60 * 4);
    append(&store, "a", &samples);
    append(&store, "gone", &[(T0 + 3 * HOUR + MINUTE, 1.0)]);
    store.maintain().expect("maintain");
    let status = store.status();
    assert_eq!((status.blocks.len(), status.blocks[0].samples), (1, 480));
    assert_eq!(status.head.min_ts, Some(T0 + 2 * HOUR));
    assert_eq!(floats(&store, "a"), samples);
    append(&store, "a", &[(T0 + 9 * HOUR, 1.0)]);
    store.maintain().expect("maintain");
    assert_eq!(store.status().head.series, 1, "a series without samples leaves the head");
    let segments = std::fs::read_dir(dir.path().join("wal")).expect("list").map(|entry| entry.expect("entry").file_name());
    let mut segments: Vec<String> = segments.map(|name| name.into_string().expect("text")).collect();
    segments.sort();
    assert_eq!(segments, ["00000002", "checkpoint-00000002"], "the first segment is not needed any more");
    let mut expected = samples;
    expected.push((T0 + 9 * HOUR, 1.0));
    assert_eq!(floats(&store, "a"), expected);
    drop(store);
    let store = open(dir.path());
    assert_eq!(floats(&store, "a"), expected);
    assert_eq!(store.status().head.min_ts, Some(T0 + 9 * HOUR));
    assert_eq!(reasons(&append(&store, "a", &[(T0 + 7 * HOUR, 1.0)])), [(RefusedReason::TooOld, 1)]);
}

#[test]
fn a_reader_keeps_seeing_what_moves_to_blocks() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let samples = every_quarter_minute(T0, 1000);
    append(&store, "a", &samples);
    let matchers = everything();
    let selection = Selection { matchers: &matchers, range: TimeRange::ALL, series_max: 10 };
    let before = store.select(&selection, &Cancel::new()).expect("select");
    let read = |series: &dyn crate::series::ports::SelectedSeries| {
        let mut buf = SampleBuf::default();
        series.read(TimeRange::ALL, &mut buf).expect("read");
        buf.float_ts.into_iter().zip(buf.floats).collect::<Vec<_>>()
    };
    store.flush_now().expect("flush");
    assert_eq!(read(&*before[0]), samples);
    let between = store.select(&selection, &Cancel::new()).expect("select");
    store.force_merge(&Cancel::new()).expect("merge");
    assert_eq!((read(&*before[0]), read(&*between[0])), (samples.clone(), samples.clone()));
    drop((before, between));
    let folders = std::fs::read_dir(dir.path().join("blocks")).expect("list").count();
    assert_eq!(folders, 1, "replaced blocks are gone with their readers");
}

#[test]
fn late_samples_reach_blocks_too() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(StoreSettings { out_of_order_ms: 48 * HOUR, ..settings(dir.path()) }, clock()).expect("open");
    append(&store, "a", &[(T0 + 40 * HOUR, 1.0)]);
    for hour in (0..40).rev() {
        assert_eq!(append(&store, "a", &[(T0 + hour * HOUR, hour as f64)]).stored, 1);
    }
    append(&store, "a", &[(T0 + 44 * HOUR, 44.0)]);
    let expected = floats(&store, "a");
    assert_eq!(expected.len(), 42);
    store.maintain().expect("maintain");
    assert_eq!((store.status().head.min_ts, floats(&store, "a")), (Some(T0 + 44 * HOUR), expected.clone()));
    // And once more behind the boundary.
    assert_eq!(append(&store, "a", &[(T0 + 30 * MINUTE, 0.5)]).stored, 1);
    store.flush_now().expect("flush");
    store.maintain().expect("merge what overlaps");
    assert_eq!(floats(&store, "a").len(), 43);
}

#[test]
fn retention_counts_from_samples_and_never_trusts_a_jump() {
    let dir = tempfile::tempdir().expect("dir");
    let clock = ManualClock::at(T0 + 20 * HOUR);
    let settings = StoreSettings { retention_ms: 10 * HOUR, block_range_ms_max: 2 * HOUR, ..settings(dir.path()) };
    let store = Store::open(settings, clock.clone()).expect("open");
    for at in 0..10 {
        append(&store, "a", &every_quarter_minute(T0 + at * 2 * HOUR, 480));
        store.maintain().expect("maintain");
    }
    assert_eq!(store.status().blocks.first().map(|block| block.min_ts), Some(T0 + 8 * HOUR));
    let blocks = store.status().blocks.len();
    clock.jump_to(T0 + 100_000 * HOUR);
    store.maintain().expect("maintain");
    assert_eq!(store.status().blocks.len(), blocks, "a clock far ahead removes nothing");
    // The clock falls back: samples of the right time are still taken.
    clock.jump_to(T0 - 1000 * HOUR);
    assert_eq!(append(&store, "a", &[(T0 + 20 * HOUR + MINUTE, 1.0)]).stored, 1);
}

#[test]
fn retention_by_size() {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(StoreSettings { retention_bytes: 30_000, block_range_ms_max: 2 * HOUR, ..settings(dir.path()) }, clock())
        .expect("open");
    for at in 0..10 {
        append(&store, "a", &every_quarter_minute(T0 + at * 2 * HOUR, 480).iter().map(|(ts, v)| (*ts, v.sqrt())).collect::<Vec<_>>());
        store.maintain().expect("maintain");
    }
    store.maintain().expect("maintain");
    let status = store.status();
    assert!(status.block_bytes + status.wal_bytes <= 30_000 && !status.blocks.is_empty(), "{status:?}");
    assert!(floats(&store, "a").ends_with(&[(T0 + 20 * HOUR - 15_000, 479f64.sqrt())]));
}

#[test]
fn deleted_samples_stay_deleted() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    for hour in 0..4 {
        append(&store, "a", &every_quarter_minute(T0 + hour * HOUR, 240));
        append(&store, "b", &every_quarter_minute(T0 + hour * HOUR, 240));
    }
    store.maintain().expect("flush");
    let a = vec![vec![Matcher::equal("__name__", "a")]];
    store.delete(&a, TimeRange::new(T0 + HOUR, T0 + 3 * HOUR - 1)).expect("delete");
    let expected: Vec<_> = [0, 3].iter().flat_map(|hour| every_quarter_minute(T0 + hour * HOUR, 240)).collect();
    assert_eq!((floats(&store, "a"), floats(&store, "b").len()), (expected.clone(), 960));
    drop(store);
    let store = open(dir.path());
    assert_eq!(floats(&store, "a"), expected);
    store.clean_tombstones(&Cancel::new()).expect("clean");
    assert_eq!((floats(&store, "a"), store.status().blocks[0].samples), (expected, 480 + 240));
    store.delete(&a, TimeRange::ALL).expect("delete");
    let query = IndexQuery { any_of: &a, range: TimeRange::ALL, limit: 0 };
    store.flush_now().expect("flush");
    store.clean_tombstones(&Cancel::new()).expect("clean");
    assert_eq!(store.series(&query, &Cancel::new()).expect("series"), []);
}

#[test]
fn a_snapshot_opens_as_a_data_directory() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let samples = every_quarter_minute(T0, 960);
    append(&store, "a", &samples);
    store.maintain().expect("flush");
    let (with_head, without) = (dir.path().join("snapshots/one"), dir.path().join("snapshots/two"));
    store.snapshot(&with_head, false).expect("snapshot");
    store.snapshot(&without, true).expect("snapshot");
    assert!(store.snapshot(&without, true).is_err(), "never over something that exists");
    store.delete(&[everything()], TimeRange::ALL).expect("delete");
    assert_eq!(floats(&open(&with_head), "a"), samples);
    assert_eq!(floats(&open(&without), "a"), samples[..480]);
}

#[test]
fn labels_and_series_come_sorted_limited_and_within_range() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    append(&store, "old", &[(T0, 1.0)]);
    append(&store, "both", &[(T0, 1.0), (T0 + 4 * HOUR, 1.0)]);
    append(&store, "young", &[(T0 + 4 * HOUR, 1.0)]);
    store.maintain().expect("flush");
    let cancel = Cancel::new();
    let recent = TimeRange::new(T0 + 3 * HOUR, T0 + 5 * HOUR);
    let query = |any_of, range, limit| IndexQuery { any_of, range, limit };
    let values = |query: &IndexQuery<'_>| store.label_values("__name__", query, &cancel).expect("values");
    assert_eq!(values(&query(&[], TimeRange::ALL, 0)), ["both", "old", "young"]);
    assert_eq!(values(&query(&[], recent, 0)), ["both", "young"]);
    assert_eq!(values(&query(&[], TimeRange::ALL, 2)), ["both", "old"]);
    let not_old = [vec![Matcher::new("__name__", MatchOp::NotEqual, "old").expect("valid")]];
    assert_eq!(values(&query(&not_old, TimeRange::ALL, 0)), ["both", "young"]);
    assert_eq!(store.label_names(&query(&not_old, recent, 0), &cancel).expect("names"), ["__name__", "job"]);
    assert_eq!(store.series(&query(&[], TimeRange::ALL, 0), &cancel).expect("series"), [labels("both"), labels("old"), labels("young")]);
    let two = [vec![Matcher::equal("__name__", "young")], vec![Matcher::equal("job", "test")]];
    assert_eq!(store.series(&query(&two, TimeRange::ALL, 2), &cancel).expect("series"), [labels("both"), labels("old")]);
    let matchers = everything();
    let selection = Selection { matchers: &matchers, range: TimeRange::ALL, series_max: 2 };
    assert!(store.select(&selection, &cancel).is_err_and(|error| error.to_string().contains("more than 2 series")));
}

#[test]
fn writers_and_readers_at_once_lose_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let writers = 4;
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let store = &store;
            scope.spawn(move || {
                for at in 0..600 {
                    let report = append(store, &format!("w{writer}"), &[(T0 + at * MINUTE / 2, at as f64)]);
                    // A writer that falls behind by more than the window is told so; here none does for good.
                    assert!(report.stored == 1 || report.refused[0].reason == RefusedReason::TooOld);
                }
            });
        }
        let store = &store;
        scope.spawn(move || {
            for _ in 0..40 {
                store.maintain().expect("maintain");
                for (_, buf) in read_all(store, TimeRange::ALL) {
                    assert!(buf.float_ts.windows(2).all(|pair| pair[0] < pair[1]));
                }
            }
        });
    });
    let stored: usize = read_all(&store, TimeRange::ALL).iter().map(|(_, buf)| buf.len()).sum();
    assert_eq!(stored as u64, store.counters().appended.load(std::sync::atomic::Ordering::Relaxed));
    drop(store);
    let after: usize = read_all(&open(dir.path()), TimeRange::ALL).iter().map(|(_, buf)| buf.len()).sum();
    assert_eq!(after, stored);
}
