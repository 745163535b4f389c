//! Torn logs, damaged records, full disks: nothing acknowledged is lost, nothing comes twice, reads go on.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::*;
use crate::metrics::store::stats::WriteState;
use crate::platform::disk::DiskHook;

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir.join("wal")).expect("list").map(|entry| entry.expect("entry").path()).collect();
    all.retain(|path| path.is_file());
    all.sort();
    all
}

#[test]
fn a_torn_end_costs_only_what_was_not_acknowledged() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    // Length of the log after each acknowledgement.
    let mut lengths = Vec::new();
    for at in 0..40 {
        append(&store, "a", &[(T0 + at * MINUTE, at as f64)]);
        append(&store, "b", &[(T0 + at * MINUTE, -at as f64)]);
        lengths.push(std::fs::metadata(&segments(dir.path())[0]).expect("log").len());
    }
    let whole = std::fs::read(&segments(dir.path())[0]).expect("log");
    for cut in (0..=whole.len()).step_by(37).chain(lengths.iter().map(|len| *len as usize)) {
        let copy = tempfile::tempdir().expect("dir");
        std::fs::create_dir_all(copy.path().join("wal")).expect("create");
        let mut torn = whole[..cut].to_vec();
        if cut % 2 == 0 && cut > 8 {
            // A power cut may leave rubbish behind the good part.
            torn.extend_from_slice(&[0; 100]);
        }
        std::fs::write(copy.path().join("wal/00000001"), torn).expect("write");
        let acknowledged = lengths.iter().filter(|len| **len as usize <= cut).count();
        for _ in 0..2 {
            let store = open(copy.path());
            for name in ["a", "b"] {
                let got = floats(&store, name);
                assert!(got.len() >= acknowledged && got.len() <= acknowledged + 1, "{} of {acknowledged} at {cut}", got.len());
                assert!(got.iter().enumerate().all(|(at, (ts, _))| *ts == T0 + at as i64 * MINUTE));
            }
            assert!(store.status().set_aside.is_empty(), "a torn end is no damage");
            append(&store, "c", &[(T0 + 39 * MINUTE, 1.0)]);
        }
    }
}

#[test]
fn a_damaged_record_costs_nothing_but_itself() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let mut lengths = Vec::new();
    for at in 0..10 {
        append(&store, "a", &[(T0 + at * MINUTE, at as f64)]);
        lengths.push(std::fs::metadata(&segments(dir.path())[0]).expect("log").len() as usize);
    }
    drop(store);
    let path = segments(dir.path()).remove(0);
    let mut bytes = std::fs::read(&path).expect("log");
    bytes[lengths[4] - 1] ^= 0xff;
    std::fs::write(&path, bytes).expect("write");
    let store = open(dir.path());
    let left: Vec<f64> = floats(&store, "a").into_iter().map(|(_, value)| value).collect();
    assert_eq!(left, [0.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    assert_eq!(store.status().set_aside.len(), 1);
    assert!(dir.path().join("wal/quarantine").read_dir().expect("folder").next().is_some());
    // What was lost can be sent again.
    assert_eq!(append(&store, "a", &[(T0 + 4 * MINUTE, 4.0)]).stored, 1);
}

#[test]
fn a_damaged_block_is_set_aside_and_the_rest_serves() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    for at in 0..2 {
        append(&store, "a", &every_quarter_minute(T0 + at * 2 * HOUR, 100));
        store.flush_now().expect("flush");
    }
    let first = store.status().blocks[0].id.clone();
    drop(store);
    let file = dir.path().join("blocks").join(&first).join("block");
    let bytes = std::fs::read(&file).expect("block");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("write");
    std::fs::create_dir(dir.path().join("blocks/01ARZ3NDEKTSV4RRFFQ69G5FAV.tmp")).expect("leftover");
    let store = open(dir.path());
    let status = store.status();
    assert_eq!((status.blocks.len(), status.set_aside.len()), (1, 1));
    assert!(status.set_aside[0].path.ends_with(&first), "{:?}", status.set_aside);
    assert!(status.set_aside[0].path.exists() && !dir.path().join("blocks/01ARZ3NDEKTSV4RRFFQ69G5FAV.tmp").exists());
    assert_eq!(floats(&store, "a").len(), 100);
}

/// A disk of limited size.
#[derive(Default)]
struct SmallDisk {
    left: AtomicI64,
    free: AtomicU64,
    syncs_fail: std::sync::atomic::AtomicBool,
}

impl DiskHook for SmallDisk {
    fn write(&self, wanted: usize) -> io::Result<usize> {
        let left = self.left.fetch_sub(wanted as i64, Ordering::SeqCst).max(0) as usize;
        if left >= wanted {
            return Ok(wanted);
        }
        self.left.store(0, Ordering::SeqCst);
        if left == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(left) }
    }

    fn sync(&self) -> io::Result<()> {
        if self.syncs_fail.load(Ordering::SeqCst) { Err(io::Error::other("device is gone")) } else { Ok(()) }
    }

    fn free_bytes(&self, _: u64) -> u64 {
        self.free.load(Ordering::SeqCst)
    }
}

#[test]
fn a_full_disk_refuses_writes_serves_reads_and_recovers() {
    let dir = tempfile::tempdir().expect("dir");
    let disk = Arc::new(SmallDisk::default());
    disk.left.store(500, Ordering::SeqCst);
    disk.free.store(u64::MAX, Ordering::SeqCst);
    let clock = clock();
    let settings = StoreSettings { hook: Some(disk.clone()), reserve_bytes: 1000, ..settings(dir.path()) };
    let store = Store::open(settings, clock.clone()).expect("open");
    let options = AppendOptions::default();
    let mut acknowledged = Vec::new();
    let failed = loop {
        let sample = (T0 + acknowledged.len() as i64 * MINUTE, acknowledged.len() as f64);
        match try_append(&store, "a", &[sample], &options) {
            Ok(_) => acknowledged.push(sample),
            Err(AppendError::InDoubt(_)) => break sample,
            Err(other) => panic!("{other}"),
        }
        assert!(acknowledged.len() < 1000, "the disk never filled up");
    };
    assert!(matches!(store.write_state(), WriteState::Refusing(_)));
    assert!(floats(&store, "a").starts_with(&acknowledged), "reads go on");
    // The batch that met the full disk is in memory already; none after it gets there.
    let seen = floats(&store, "a");
    assert_eq!(seen, [&acknowledged[..], &[failed]].concat());
    // Within the cool-down and while it is full nothing changes.
    assert!(matches!(try_append(&store, "a", &[failed], &options), Err(AppendError::Unavailable(_))));
    clock.advance(2 * SECOND);
    assert!(matches!(try_append(&store, "a", &[failed], &options), Err(AppendError::Unavailable(_))));
    let next = (failed.0 + MINUTE, 7.0);
    assert!(matches!(try_append(&store, "a", &[next], &options), Err(AppendError::Unavailable(_))));
    assert_eq!(floats(&store, "a"), seen);
    // A crash now loses nothing acknowledged.
    let copy = tempfile::tempdir().expect("dir");
    copy_dir(dir.path(), copy.path());
    assert_eq!(floats(&open(copy.path()), "a"), acknowledged, "acknowledged is what the log has");
    // Space again: the repetition is recognised, and after it everything is on disk once.
    disk.left.store(1 << 40, Ordering::SeqCst);
    clock.advance(2 * SECOND);
    let report = try_append(&store, "a", &[failed], &options).expect("recovered");
    assert_eq!(report.stored + report.repeated, 1);
    acknowledged.push(failed);
    assert_eq!(store.write_state(), WriteState::Ok);
    // The reserve is kept.
    disk.free.store(10, Ordering::SeqCst);
    clock.advance(2 * SECOND);
    let error = try_append(&store, "b", &[failed], &options).expect_err("refused");
    assert!(error.to_string().contains("reserve"), "{error}");
    drop(store);
    assert_eq!(floats(&open(dir.path()), "a"), acknowledged);
}

#[test]
fn a_failed_sync_is_not_acknowledged_and_is_written_anew() {
    use crate::metrics::store::wal::SyncPolicy;
    let dir = tempfile::tempdir().expect("dir");
    let disk = Arc::new(SmallDisk::default());
    disk.left.store(1 << 40, Ordering::SeqCst);
    disk.free.store(u64::MAX, Ordering::SeqCst);
    let clock = clock();
    let settings = StoreSettings { hook: Some(disk.clone()), sync: SyncPolicy::EveryCommit, ..settings(dir.path()) };
    let store = Store::open(settings, clock.clone()).expect("open");
    append(&store, "a", &[(T0, 1.0)]);
    disk.syncs_fail.store(true, Ordering::SeqCst);
    assert!(matches!(try_append(&store, "a", &[(T0 + 1, 2.0)], &AppendOptions::default()), Err(AppendError::InDoubt(_))));
    disk.syncs_fail.store(false, Ordering::SeqCst);
    clock.advance(2 * SECOND);
    append(&store, "a", &[(T0 + 1, 2.0), (T0 + 2, 3.0)]);
    let copy = tempfile::tempdir().expect("dir");
    copy_dir(dir.path(), copy.path());
    assert_eq!(floats(&open(copy.path()), "a"), [(T0, 1.0), (T0 + 1, 2.0), (T0 + 2, 3.0)]);
    assert!(segments(dir.path()).len() > 1, "the doubtful segment is not written to any more");
}
