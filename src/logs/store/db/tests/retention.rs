//! Lines go when their time is over, and when there are too many.

use super::*;
use crate::logs::store::retention::{Retention, StreamRetention};

const DAY_MS: i64 = DAY_NS / 1_000_000;

fn filled(dir: &Path, retention: Retention) -> (Store, Arc<ManualClock>) {
    let clock = clock();
    let limits = LineLimits { too_old: None, too_far_behind: None, ..LineLimits::default() };
    let store = Store::open(StoreSettings { retention, limits, ..settings(dir) }, clock.clone()).unwrap();
    for day in 0..5 {
        for stream in ["a", "b"] {
            put(&store, stream, &[(T0 - day * DAY_NS, &format!("{stream}{day}"))]);
        }
    }
    store.flush().unwrap();
    (store, clock)
}

#[test]
fn old_days_go() {
    let dir = tempfile::tempdir().unwrap();
    let (store, clock) = filled(dir.path(), Retention { period_ms: 2 * DAY_MS + 1, ..Retention::default() });
    store.maintain().unwrap();
    assert_eq!(texts(&store), ["a2", "a1", "a0", "b2", "b1", "b0"]);
    clock.advance(Duration::from_secs(86_400));
    store.maintain().unwrap();
    assert_eq!(texts(&store), ["a1", "a0", "b1", "b0"]);
    assert_eq!(texts(&open(copy(dir.path()).path())).len(), 4);
    store.set_retention(Retention::default());
    clock.advance(Duration::from_secs(10 * 86_400));
    store.maintain().unwrap();
    assert_eq!(texts(&store).len(), 4);
}

#[test]
fn streams_have_periods_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let rule = |job: &str, priority, days: i64| StreamRetention {
        matchers: vec![Matcher::equal("job", job)],
        priority,
        period_ms: days * DAY_MS + i64::from(days > 0),
    };
    let streams = vec![rule("a", 1, 3), rule("a", 2, 1), rule("b", 1, 0)];
    let (store, clock) = filled(dir.path(), Retention { period_ms: 4 * DAY_MS, streams, bytes: 0 });
    store.maintain().unwrap();
    assert_eq!(texts(&store), ["a1", "a0", "b4", "b3", "b2", "b1", "b0"]);
    let merges = store.counters().merges.load(Ordering::Relaxed);
    store.maintain().unwrap();
    assert_eq!(store.counters().merges.load(Ordering::Relaxed), merges, "nothing is written anew for nothing");
    clock.advance(Duration::from_secs(30 * 86_400));
    store.maintain().unwrap();
    assert_eq!(texts(&store), ["b4", "b3", "b2", "b1", "b0"]);
}

#[test]
fn the_oldest_days_go_when_there_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = filled(dir.path(), Retention::default());
    let days: Vec<u64> = store.status().days.iter().map(|day| day.disk_bytes).collect();
    store.shrink_to(u64::MAX);
    assert_eq!(texts(&store).len(), 10);
    store.shrink_to(days[2..].iter().sum::<u64>() + store.status().wal_bytes);
    assert_eq!(texts(&store), ["a2", "a1", "a0", "b2", "b1", "b0"]);
    store.shrink_to(1);
    assert_eq!(texts(&store), ["a0", "b0"], "never the newest");
    assert_eq!(store.counters().parts_retired.load(Ordering::Relaxed), 4);
    assert_eq!(std::fs::read_dir(dir.path().join("parts")).unwrap().count(), 1);
}

#[test]
fn today_goes_part_by_part() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for at in 0..6 {
        put(&store, "a", &[(T0 + at * S, &at.to_string())]);
        store.flush().unwrap();
    }
    store.shrink_to(store.bytes() - 1);
    assert_eq!(texts(&store), ["1", "2", "3", "4", "5"]);
    put(&store, "a", &[(T0 + 6 * S, "6")]);
    store.shrink_to(0);
    store.shrink_to(1);
    assert_eq!(texts(&store), ["5", "6"]);
    store.set_retention(Retention { bytes: 1, ..Retention::default() });
    store.flush().unwrap();
    store.maintain().unwrap();
    assert_eq!(texts(&store), ["6"]);
}

#[test]
fn a_clock_that_jumps_ahead_costs_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { period_ms: 10 * DAY_MS, ..Retention::default() };
    let (store, clock) = filled(dir.path(), retention.clone());
    clock.jump_to(T0 / 1_000_000 + 400 * DAY_MS);
    store.maintain().unwrap();
    // A line stamped by that clock is no proof.
    put(&store, "a", &[(T0 + 400 * DAY_NS, "of then")]);
    store.flush().unwrap();
    clock.advance(Duration::from_secs(20 * 3600));
    store.maintain().unwrap();
    assert_eq!(texts(&store).len(), 11);
    let crashed = copy(dir.path());
    let restarted = Store::open(StoreSettings { retention, ..settings(crashed.path()) }, clock.clone()).unwrap();
    restarted.maintain().unwrap();
    assert_eq!(texts(&restarted).len(), 11, "nor after a start");
    clock.advance(Duration::from_secs(5 * 3600));
    store.maintain().unwrap();
    assert_eq!(texts(&store), ["of then"], "it stood by it for a day");
}
