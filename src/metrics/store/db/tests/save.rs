//! The head saved into chunk files: it comes back whole, whatever was saved, flushed, deleted or lost.

use std::path::PathBuf;

use super::*;
use crate::series::histogram::Histogram;

fn files(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("wal")).expect("list").map(|entry| entry.expect("entry").path());
    let wanted = |path: &PathBuf| path.is_file() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    let mut found: Vec<PathBuf> = entries.filter(wanted).collect();
    found.sort();
    found
}

fn crash(store: Store, dir: tempfile::TempDir) -> (Store, tempfile::TempDir) {
    let copy = tempfile::tempdir().expect("dir");
    copy_dir(dir.path(), copy.path());
    drop(store);
    (open_saving(copy.path()), copy)
}

fn histogram(count: f64) -> Arc<Histogram> {
    Arc::new(Histogram { count, zero_count: count, sum: count / 4.0, ..Histogram::default() })
}

#[test]
fn what_is_saved_is_not_in_segments_and_comes_back() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    let all: Vec<(i64, f64)> = (0..300).map(|at| (T0 + at * 15_000, (at * at % 71) as f64 / 8.0)).collect();
    append(&store, "a", &all[..200]);
    let mut batch = WriteBatch::new();
    batch.open_series(&labels("h"));
    for at in 0..150 {
        batch.push_histogram(T0 + at * 15_000, histogram(at as f64));
    }
    store.append(&batch, &AppendOptions::default()).expect("append");
    // One that comes late.
    let late = (all[150].0 + 7, 0.5);
    append(&store, "a", &[late]);
    store.maintain().expect("save");
    assert_eq!((files(dir.path(), "chunks-").len(), files(dir.path(), "0").len()), (1, 0), "segments are gone");
    append(&store, "a", &all[200..250]);
    store.maintain().expect("save");
    assert_eq!(files(dir.path(), "chunks-").len(), 2);
    append(&store, "a", &all[250..]);
    let expected = read_all(&store, TimeRange::ALL);
    let (store, dir) = crash(store, dir);
    assert_eq!(store.status().set_aside, []);
    let same = |store: &Store| {
        let found = read_all(store, TimeRange::ALL);
        assert_eq!(found.len(), expected.len());
        for ((labels, expected), (found_labels, found)) in expected.iter().zip(&found) {
            assert_eq!((labels, &expected.float_ts, &expected.floats), (found_labels, &found.float_ts, &found.floats));
            assert_eq!((&expected.histogram_ts, &expected.histograms), (&found.histogram_ts, &found.histograms));
        }
    };
    same(&store);
    // Repetitions are recognised, and the series go on.
    let report = append(&store, "a", &[all[299], (T0 + 300 * 15_000, 1.0)]);
    assert_eq!((report.repeated, report.stored, report.refused.len()), (1, 1, 0));
    assert_eq!(append(&store, "a", &[all[151], late]).repeated, 2);
    let mut batch = WriteBatch::new();
    batch.open_series(&labels("h"));
    batch.push_histogram(T0 + 149 * 15_000, histogram(149.0));
    assert_eq!(store.append(&batch, &AppendOptions::default()).expect("append").repeated, 1);
    store.delete(&[vec![Matcher::equal("__name__", "a")]], TimeRange::new(T0 + 300 * 15_000, i64::MAX)).expect("delete");
    store.flush_now().expect("flush");
    same(&store);
    assert_eq!(files(dir.path(), "chunks-").len(), 0, "what is in blocks is not kept twice");
    let (store, _dir) = crash(store, dir);
    same(&store);
}

#[test]
fn saving_goes_on_after_a_start_and_writes_chunks_once() {
    let dir = tempfile::tempdir().expect("dir");
    let mut at = 0;
    let mut sizes = Vec::new();
    for _ in 0..5 {
        let store = open_saving(dir.path());
        let samples: Vec<(i64, f64)> = (at..at + 90).map(|at| (T0 + at * 15_000, (at as f64).sqrt())).collect();
        append(&store, "a", &samples);
        at += 90;
        store.maintain().expect("save");
        sizes.push(std::fs::metadata(files(dir.path(), "chunks-").last().expect("a file")).expect("file").len());
    }
    assert_eq!(files(dir.path(), "chunks-").len(), 5);
    assert!(sizes.iter().max() < sizes.iter().min().map(|min| min * 4).as_ref(), "{sizes:?}");
    let store = open_saving(dir.path());
    assert_eq!(floats(&store, "a").len(), at as usize);
    assert_eq!(store.status().head.chunks, 4);
}

#[test]
fn deleted_samples_do_not_come_back_from_chunk_files() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    let mut batch = WriteBatch::new();
    for name in ["a", "b"] {
        batch.open_series(&labels(name));
        every_quarter_minute(T0, 400).into_iter().for_each(|(ts, value)| batch.push_float(ts, value));
    }
    assert_eq!(store.append(&batch, &AppendOptions::default()).expect("append").stored, 800);
    store.maintain().expect("save");
    let range = TimeRange::new(T0 + 100 * 15_000, T0 + 299 * 15_000);
    store.delete(&[vec![Matcher::equal("__name__", "a")]], range).expect("delete");
    store.delete(&[vec![Matcher::equal("__name__", "b")]], TimeRange::ALL).expect("delete");
    let (mut store, mut dir) = crash(store, dir);
    for round in 1..=3 {
        assert_eq!((floats(&store, "a").len(), floats(&store, "b").len()), (200, 0));
        // Saved after the start, when only the log knew of the deletion; then beside the new file.
        append(&store, "c", &[(T0 + 400 * 15_000 + round as i64, 1.0)]);
        store.maintain().expect("save");
        assert_eq!(files(dir.path(), "chunks-").len(), round, "the file before the deletion is not needed");
        (store, dir) = crash(store, dir);
    }
    // A deletion whose record would go with the segments that a flush has no more need of.
    append(&store, "a", &every_quarter_minute(T0 + 2 * HOUR, 480));
    append(&store, "e", &every_quarter_minute(T0 + 4 * HOUR, 100));
    store.maintain().expect("save");
    store.delete(&[vec![Matcher::equal("__name__", "e")]], TimeRange::new(T0 + 4 * HOUR + 50 * 15_000, i64::MAX)).expect("delete");
    append(&store, "d", &[(T0 + 5 * HOUR, 1.0)]);
    let chunk_files = files(dir.path(), "chunks-");
    store.core().flush_due_now().expect("flush");
    assert_ne!(files(dir.path(), "chunks-"), chunk_files, "a flush writes them anew");
    let (store, _dir) = crash(store, dir);
    assert_eq!((floats(&store, "a").len(), floats(&store, "e").len()), (200 + 480, 50));
}

#[test]
fn a_crash_while_saving_costs_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    append(&store, "a", &every_quarter_minute(T0, 300));
    let before = tempfile::tempdir().expect("dir");
    copy_dir(dir.path(), before.path());
    store.maintain().expect("save");
    drop(store);
    // The file is there, but no checkpoint that names it; and one that was not finished.
    let chunks = files(dir.path(), "chunks-").remove(0);
    std::fs::copy(&chunks, before.path().join("wal").join(chunks.file_name().expect("name"))).expect("copy");
    std::fs::copy(&chunks, before.path().join("wal/chunks-00000009.tmp")).expect("copy");
    let store = open_saving(before.path());
    assert_eq!((floats(&store, "a").len(), files(before.path(), "chunks-").len()), (300, 0));
    assert_eq!(store.status().set_aside, []);
}

#[test]
fn a_damaged_chunk_file_costs_only_what_is_damaged() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    for at in 0..20 {
        append(&store, &format!("s{at}"), &every_quarter_minute(T0, 200));
    }
    store.maintain().expect("save");
    drop(store);
    let path = files(dir.path(), "chunks-").remove(0);
    let mut bytes = std::fs::read(&path).expect("file");
    // The last byte of the second record.
    let len = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
    let second = 8 + 8 + len(8);
    let last = second + 8 + len(second) - 1;
    bytes[last] ^= 0xff;
    std::fs::write(&path, &bytes).expect("write");
    let store = open_saving(dir.path());
    let whole = (0..20).filter(|at| floats(&store, &format!("s{at}")).len() == 200).count();
    assert!((15..20).contains(&whole), "{whole}");
    assert!(store.status().set_aside.iter().any(|aside| aside.path == path));
    drop(store);
    std::fs::remove_file(&path).expect("remove");
    let store = open_saving(dir.path());
    assert!(store.status().set_aside.iter().any(|aside| aside.reason.contains("missing")), "{:?}", store.status().set_aside);
}

#[test]
fn late_samples_before_the_flushed_boundary_are_saved() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    append(&store, "a", &every_quarter_minute(T0, 480 + 150));
    store.maintain().expect("flush and save");
    assert_eq!(store.status().blocks.len(), 1);
    // Within the window, before the boundary of what is in blocks.
    append(&store, "late", &[(T0 + 2 * HOUR - MINUTE, 1.0)]);
    store.maintain().expect("save");
    assert!(files(dir.path(), "0").is_empty());
    let (store, _dir) = crash(store, dir);
    assert_eq!(floats(&store, "late"), [(T0 + 2 * HOUR - MINUTE, 1.0)]);
    assert_eq!(floats(&store, "a").len(), 630);
}

#[test]
fn what_goes_to_a_block_in_a_moment_is_not_saved_before() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    append(&store, "a", &every_quarter_minute(T0, 4 * 60 * 4));
    // A flush is due, the log is long; what it leaves is saved after it.
    store.core().save_if_due().expect("save");
    assert_eq!(files(dir.path(), "chunks-").len(), 0);
    store.maintain().expect("maintain");
    assert_eq!((store.status().blocks.len(), files(dir.path(), "chunks-").len()), (1, 1));
    let (store, _dir) = crash(store, dir);
    assert_eq!(floats(&store, "a"), every_quarter_minute(T0, 4 * 60 * 4));
}

#[test]
fn late_floats_saved_before_the_first_chunk_of_their_series_survive_two_restarts() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    append(&store, "other", &[(T0, 1.0)]);
    store.flush_now().expect("flush");
    append(&store, "a", &[(T0 - MINUTE, 0.5)]);
    append(&store, "other", &[(T0 + MINUTE, 1.0)]);
    store.maintain().expect("save");
    let in_order = every_quarter_minute(T0 + MINUTE, 130);
    append(&store, "a", &in_order);
    store.maintain().expect("save");
    assert_eq!(files(dir.path(), "chunks-").len(), 2, "what the first file has is not written again");
    let (mut store, mut dir) = crash(store, dir);
    for at in 0..3 {
        append(&store, "other", &[(T0 + (50 + at) * MINUTE, 1.0)]);
        store.maintain().expect("save");
        (store, dir) = crash(store, dir);
        let expected: Vec<_> = std::iter::once((T0 - MINUTE, 0.5)).chain(in_order.iter().copied()).collect();
        assert!(floats(&store, "a") == expected, "start {at}");
    }
}

#[test]
fn chunks_cut_anew_for_another_block_length_do_not_push_out_those_behind_them() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open_saving(dir.path());
    // Ten minutes a chunk; the fifth one crosses the hour.
    let samples: Vec<(i64, f64)> = (0..780).map(|at| (T0 + 15 * MINUTE + at * 5_000, at as f64)).collect();
    append(&store, "a", &samples);
    store.maintain().expect("save");
    drop(store);
    for at in 0..3 {
        let settings = StoreSettings { save_log_bytes: 1, block_range_ms: HOUR, ..settings(dir.path()) };
        let store = Store::open(settings, clock()).expect("open");
        assert!(floats(&store, "a") == samples, "start {at}");
        append(&store, "other", &[(T0 + 80 * MINUTE + at, 1.0)]);
        store.maintain().expect("save");
        assert_eq!(store.status().blocks.len(), 0, "nothing was due");
    }
}
