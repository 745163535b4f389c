//! Work in the background that panics: nothing is lost or doubled, and the work goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parking_lot::Mutex;

use super::*;
use crate::platform::disk::DiskHook;

/// Panics once after a step was taken.
#[derive(Default)]
struct Bomb(Mutex<Option<&'static str>>);

impl DiskHook for Bomb {
    fn step(&self, taken: &'static str) -> io::Result<()> {
        let is_it = self.0.lock().take_if(|at| *at == taken).is_some();
        assert!(!is_it, "told to, after {taken}");
        Ok(())
    }
}

#[test]
fn a_panic_at_any_step_costs_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bomb = Arc::new(Bomb::default());
    let store = Store::open(StoreSettings { hook: Some(bomb.clone()), ..settings(dir.path()) }, clock()).unwrap();
    let steps = ["freeze", "write a part", "write the manifest in", "publish", "write a merged part", "publish a merged part"];
    for (round, step) in (0..).zip(steps.iter().chain(&steps)) {
        // The day before is packed as soon as it can be.
        put(&store, "a", &[(T0 + round, &format!("today {round}")), (T0 - DAY_NS + round, &format!("yesterday {round}"))]);
        let expected = lines(&store);
        assert_eq!(expected.len(), (round as usize + 1) * 2);
        *bomb.0.lock() = Some(step);
        let work = || {
            store.flush().unwrap();
            store.maintain().unwrap();
        };
        assert!(catch_unwind(AssertUnwindSafe(work)).is_err(), "{step} was never taken");
        assert_eq!(lines(&store), expected, "after {step}");
        assert_eq!(lines(&open(copy(dir.path()).path())), expected, "started again after {step}");
        put(&store, "b", &[(T0, "goes on")]);
        work();
        store.delete(vec![Matcher::equal("job", "b")], Span::ALL, None).unwrap();
        assert_eq!(lines(&store), expected, "and on after {step}");
        let crashed = copy(dir.path());
        let after = open(crashed.path());
        assert_eq!(lines(&after), expected);
        let folders = std::fs::read_dir(crashed.path().join("parts")).unwrap().count() as u64;
        assert_eq!(folders, after.status().days.iter().map(|day| day.parts).sum::<u64>());
    }
}

#[test]
fn threads_live_on() {
    let dir = tempfile::tempdir().unwrap();
    let bomb = Arc::new(Bomb(Mutex::new(Some("write a part"))));
    let settings = StoreSettings { background: true, hook: Some(bomb), memory_bytes: 50 << 10, ..settings(dir.path()) };
    let store = Store::open(settings, Arc::new(crate::base::clock::SystemClock::new())).unwrap();
    let now = crate::base::clock::Clock::now_ms(&crate::base::clock::SystemClock::new()) * 1_000_000;
    let text = "x".repeat(1000);
    for at in 0..300 {
        let batch = batch("a", &[(now + at, &text)]);
        // Refused for a moment when memory is full, as by a disk that does not answer.
        while store.append(&batch).is_err() {}
    }
    assert_eq!(lines(&store).len(), 300);
    assert_eq!(store.counters().panics.load(Ordering::Relaxed), 1);
    store.close();
    assert_eq!(store.status().background_error, None, "it went well since");
    drop(store);
    assert_eq!(lines(&open(dir.path())).len(), 300);
}
