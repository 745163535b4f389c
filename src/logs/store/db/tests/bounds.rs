//! Memory that is full or short, disks that are, and limits.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::*;
use crate::base::pressure::Level;
use crate::logs::store::stats::WriteState;
use crate::platform::disk::DiskHook;

#[test]
fn memory_goes_to_parts_when_it_is_full_or_old() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = Store::open(StoreSettings { memory_bytes: 400 << 10, ..settings(dir.path()) }, clock.clone()).unwrap();
    let text = "x".repeat(1000);
    for at in 0..1000 {
        put(&store, &at.to_string(), &[(T0, &text)]);
        assert!(store.status().memory_bytes < 1 << 20);
    }
    assert!(store.status().days[0].parts >= 2);
    store.flush().unwrap();
    put(&store, "a", &[(T0, "young")]);
    store.maintain().unwrap();
    assert_eq!(store.status().memory_lines, 1);
    clock.advance(Duration::from_secs(30 * 60));
    store.maintain().unwrap();
    assert_eq!(store.status().memory_lines, 0);
    assert_eq!(lines(&store).len(), 1001);
    put(&store, "a", &[(T0, "more")]);
    store.relieve().unwrap();
    assert_eq!((store.status().memory_lines, lines(&store).len()), (0, 1002));
}

#[test]
fn a_log_that_is_larger_than_memory_is_read_back_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let text = "x".repeat(1000);
    {
        let store = open(dir.path());
        for at in 0..1000 {
            put(&store, &(at % 7).to_string(), &[(T0 + at, &text)]);
        }
    }
    let small = StoreSettings { memory_bytes: 200 << 10, ..settings(dir.path()) };
    let store = Store::open(small.clone(), clock()).unwrap();
    assert_eq!(lines(&store).len(), 1000);
    assert!(store.status().memory_bytes < 300 << 10 && store.status().days[0].parts >= 4);
    drop(store);
    assert_eq!(lines(&Store::open(small, clock()).unwrap()).len(), 1000, "and again from the middle of a segment");
}

#[test]
fn lines_of_very_many_days_are_few_parts() {
    let dir = tempfile::tempdir().unwrap();
    let limits = LineLimits { too_old: None, too_far_behind: None, ..LineLimits::default() };
    let store = Store::open(StoreSettings { limits, parts_max: 20, ..settings(dir.path()) }, clock()).unwrap();
    for round in 0..6 {
        for day in 0..60 {
            let text = format!("{round} {day}");
            put(&store, if day % 3 == 0 { "a" } else { "b" }, &[(T0 - (day * 6 + round) * DAY_NS, &text)]);
        }
        let before = store.status().days.iter().map(|day| day.parts).sum::<u64>();
        store.flush().unwrap();
        let after = store.status().days.iter().map(|day| day.parts).sum::<u64>();
        assert!(after - before <= 8, "{} parts of one flush", after - before);
        assert_eq!(lines(&store).len() as i64, (round + 1) * 60);
    }
    assert_eq!(lines_in(&store, Span { start: T0 - 300 * DAY_NS, end: T0 - 299 * DAY_NS }).len(), 1);
    store.maintain().unwrap();
    let status = store.status();
    assert!(status.days.iter().map(|day| day.parts).sum::<u64>() <= 20, "{:?}", status.days);
    assert_eq!(lines(&store).len(), 360);
    assert_eq!(lines(&open(copy(dir.path()).path())).len(), 360);
}

#[test]
fn refusals_are_counted_by_reason() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.set_limits(LineLimits::default());
    let report = put(&store, "a", &[(T0, "a"), (T0 - 8 * DAY_NS, "old"), (T0 - 2 * HOUR, "behind"), (T0 + HOUR, "new")]);
    assert_eq!((report.taken, report.refused.len()), (1, 3));
    store.flush().unwrap();
    // Known beyond the memory that the stream was in.
    assert!(matches!(put(&store, "a", &[(T0 - 2 * HOUR, "behind")]).refused[0].reason, RefusedLine::TooFarBehind { .. }));
    store.set_limits(LineLimits { line_bytes: 3, ..LineLimits::default() });
    put(&store, "a", &[(T0, "long"), (T0, "fit")]);
    let refused: Vec<_> = store.counters().refused().filter(|(_, lines, _)| *lines > 0).collect();
    assert_eq!(
        refused,
        [("greater_than_max_sample_age", 1, 3), ("too_far_in_future", 1, 3), ("too_far_behind", 2, 12), ("line_too_long", 1, 4)]
    );
    assert_eq!(texts(&store), ["a", "fit"]);
}

#[test]
fn pressure_refuses_writes_and_queries() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let pressure = settings.pressure.clone();
    let store = Store::open(settings, clock()).unwrap();
    pressure.set_memory(Level::Critical);
    assert!(matches!(store.append(&batch("a", &[(T0, "x")])), Err(AppendLinesError::Unavailable(_))));
    let selection = LineSelection { matchers: &[], span: Span::ALL, needs: &Needs::Anything };
    assert!(matches!(store.select(&selection, &Cancel::new()), Err(SelectLinesError::Overloaded)));
    pressure.set_memory(Level::Scarce);
    put(&store, "a", &[(T0, "x")]);
    pressure.set_disk_full(true);
    assert!(matches!(store.append(&batch("a", &[(T0, "x")])), Err(AppendLinesError::Unavailable(_))));
    assert!(matches!(store.write_state(), WriteState::Refusing(_)));
    pressure.set_disk_full(false);
    assert_eq!(texts(&store), ["x"]);
}

/// A disk of limited size.
#[derive(Default)]
struct SmallDisk {
    left: AtomicI64,
    parts_fail: AtomicBool,
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

    fn step(&self, taken: &'static str) -> io::Result<()> {
        let fails = taken == "write a part" && self.parts_fail.load(Ordering::SeqCst);
        if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

#[test]
fn a_full_disk_refuses_lines_until_there_is_room_and_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(SmallDisk::default());
    disk.left.store(5000, Ordering::SeqCst);
    let clock = clock();
    let store = Store::open(StoreSettings { hook: Some(disk.clone()), ..settings(dir.path()) }, clock.clone()).unwrap();
    let mut taken = Vec::new();
    let mut refused = Vec::new();
    for at in 0..200 {
        let text = format!("line {at:04} {:x}", (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        match store.append(&batch("a", &[(T0 + at, &text)])) {
            Ok(_) => taken.push(text),
            Err(AppendLinesError::Unavailable(why)) => {
                assert!(why.contains("write-ahead log"), "{why}");
                refused.push((at, text));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(taken.len() > 10 && refused.len() > 10, "{} taken", taken.len());
    assert!(texts(&store).len() >= taken.len(), "reads go on");
    let crashed = open(copy(dir.path()).path());
    assert!(taken.iter().all(|text| texts(&crashed).contains(text)));
    disk.left.store(i64::MAX, Ordering::SeqCst);
    clock.advance(Duration::from_secs(2));
    for (at, text) in &refused {
        put(&store, "a", &[(T0 + at, text)]);
    }
    taken.extend(refused.into_iter().map(|(_, text)| text));
    taken.sort();
    assert_eq!(texts(&store), taken, "sent again, each is there once");
    assert_eq!(texts(&open(copy(dir.path()).path())), taken);
}

#[test]
fn parts_that_cannot_be_written_are_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(SmallDisk::default());
    disk.left.store(i64::MAX, Ordering::SeqCst);
    disk.parts_fail.store(true, Ordering::SeqCst);
    let store = Store::open(StoreSettings { hook: Some(disk.clone()), memory_bytes: 100 << 10, ..settings(dir.path()) }, clock()).unwrap();
    let text = "x".repeat(1000);
    let mut taken = 0;
    for at in 0..200 {
        match store.append(&batch("a", &[(T0 + at, &text)])) {
            Ok(_) => taken += 1,
            Err(AppendLinesError::Unavailable(why)) => assert!(why.contains("part"), "{why}"),
            Err(error) => panic!("{error}"),
        }
    }
    assert!((100..190).contains(&taken), "{taken} taken: two memories full at most");
    assert_eq!(lines(&store).len(), taken);
    assert_eq!(lines(&open(copy(dir.path()).path())).len(), taken);
    assert_eq!(std::fs::read_dir(dir.path().join("parts")).unwrap().count(), 0, "nothing half-written stays");
    disk.parts_fail.store(false, Ordering::SeqCst);
    put(&store, "a", &[(T0, "goes again")]);
    store.flush().unwrap();
    assert_eq!((lines(&store).len(), store.status().memory_lines), (taken + 1, 0));
}

#[test]
fn a_full_disk_keeps_no_store_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let text = "x".repeat(1000);
    {
        let store = open(dir.path());
        for at in 0..1000 {
            put(&store, &(at % 7).to_string(), &[(T0 + at, &text)]);
        }
    }
    let disk = Arc::new(SmallDisk::default());
    disk.left.store(i64::MAX, Ordering::SeqCst);
    disk.parts_fail.store(true, Ordering::SeqCst);
    let settings = StoreSettings { hook: Some(disk.clone()), memory_bytes: 200 << 10, ..settings(dir.path()) };
    let store = Store::open(settings.clone(), clock()).unwrap();
    assert_eq!(lines(&store).len(), 1000, "reads go on");
    assert!(matches!(store.append(&batch("a", &[(T0, "new")])), Err(AppendLinesError::Unavailable(_))));
    assert_eq!(lines(&open(copy(dir.path()).path())).len(), 1000, "nothing is lost by that");
    disk.parts_fail.store(false, Ordering::SeqCst);
    put(&store, "a", &[(T0, "new")]);
    store.flush().unwrap();
    assert_eq!((lines(&store).len(), store.status().memory_lines), (1001, 0));
    drop(store);
    assert_eq!(lines(&Store::open(settings, clock()).unwrap()).len(), 1001);
}

#[test]
fn back_pressure_is_an_answer_and_never_a_hang() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(SmallDisk::default());
    disk.left.store(i64::MAX, Ordering::SeqCst);
    disk.parts_fail.store(true, Ordering::SeqCst);
    let settings = StoreSettings {
        hook: Some(disk),
        memory_bytes: 50 << 10,
        background: true,
        wait_for_room: Duration::from_millis(1),
        ..settings(dir.path())
    };
    let store = Store::open(settings, clock()).unwrap();
    let text = "x".repeat(1000);
    let refused = (0..200).filter(|at| store.append(&batch("a", &[(T0 + at, &text)])).is_err()).count();
    assert!(refused > 20, "{refused} refused");
    assert!(store.counters().busy.load(Ordering::Relaxed) + store.counters().unavailable.load(Ordering::Relaxed) > 0);
}
