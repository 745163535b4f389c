//! The threads that look what is used, say how short it is, and give relief.
//!
//! Looking and relieving are apart: writing the head to blocks takes a while, and in that while memory must be looked at
//! all the more often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::readings::{Readings, own_memory};
use super::stages;
use crate::base::clock::SharedClock;
use crate::base::human;
use crate::base::pressure::{Level, Pressure, Shed};
use crate::platform::telemetry::metrics::{Page, Report};

/// How often memory is looked at when there is enough.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// And from half of the budget on: a quick sender takes tens of megabytes in a second.
const LOOK_CLOSELY: Duration = Duration::from_millis(20);
/// How often the disk is.
const DISK_EVERY: Duration = Duration::from_secs(2);
/// Between two reliefs at least; twice as long each time as long as they do not help.
const RELIEF_PAUSE: Duration = Duration::from_secs(2);
/// And at most.
const RELIEF_PAUSE_MAX: Duration = Duration::from_secs(300);

/// The budgets; 0 is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of the data folder.
    pub disk: u64,
}

/// Somebody who can use less. Blocking.
pub trait Relief: Send + Sync + 'static {
    /// Memory is short: give back what can be given back.
    fn memory(&self, level: Level);
    /// Keep what is stored below so many bytes; 0 for any. `used` is what the data folder takes.
    fn disk(&self, used: u64, budget: u64);
}

/// What is used, and of how much.
#[derive(Debug)]
pub struct Budgets {
    limits: Limits,
    pressure: Pressure,
    memory: AtomicU64,
    disk: AtomicU64,
}

impl Budgets {
    /// Nothing was looked at yet.
    pub fn new(limits: Limits, pressure: Pressure) -> Arc<Self> {
        Arc::new(Self { limits, pressure, memory: AtomicU64::new(0), disk: AtomicU64::new(0) })
    }

    /// Takes a reading of memory; gives the level.
    pub(super) fn saw_memory(&self, used: u64) -> Level {
        self.memory.store(used, Ordering::Relaxed);
        let before = self.pressure.memory();
        let level = stages::next(before, used, self.limits.memory);
        if level != before {
            self.pressure.set_memory(level);
            let (used, budget) = (human::bytes(used as f64), human::bytes(self.limits.memory as f64));
            if level > before {
                tracing::warn!(level = level.as_str(), used, budget, "memory is short, load is shed");
            } else {
                tracing::info!(level = level.as_str(), used, budget, "memory is less short");
            }
        }
        level
    }

    /// Takes a reading of the disk.
    pub(super) fn saw_disk(&self, used: u64) {
        self.disk.store(used, Ordering::Relaxed);
        let before = self.pressure.is_disk_full();
        let full = stages::is_full(before, used, self.limits.disk);
        if full != before {
            self.pressure.set_disk_full(full);
            let (used, budget) = (human::bytes(used as f64), human::bytes(self.limits.disk as f64));
            if full {
                tracing::error!(used, budget, "the disk budget is used up, samples are refused; reading goes on");
            } else {
                tracing::info!(used, budget, "there is room on the disk again, samples are taken");
            }
        }
    }

    /// Whether memory should be looked at closely.
    fn is_close(&self, used: u64) -> bool {
        self.limits.memory > 0 && used >= self.limits.memory / 2
    }
}

impl Report for Budgets {
    fn report(&self, page: &mut Page) {
        let disk = self.disk.load(Ordering::Relaxed);
        // Without a budget nobody watches.
        let memory = if self.limits.memory > 0 { self.memory.load(Ordering::Relaxed) } else { own_memory().unwrap_or(0) };
        page.gauge("pharos_memory_budget_bytes", "Memory that the server may use; 0 for any.", self.limits.memory as f64);
        page.gauge("pharos_memory_used_bytes", "Memory that counts against the budget, also where there is none.", memory as f64);
        page.gauge("pharos_disk_budget_bytes", "Disk that the data folder may use; 0 for any.", self.limits.disk as f64);
        page.gauge("pharos_disk_used_bytes", "Disk that the data folder uses; 0 without a budget.", disk as f64);
        page.family("pharos_pressure_state", "gauge", "Whether memory or disk is so short: 1 for the state that holds.");
        let now = self.pressure.memory();
        for level in Level::ALL {
            let holds = f64::from(u8::from(level == now));
            page.sample("pharos_pressure_state", &[("resource", "memory"), ("state", level.as_str())], holds);
        }
        let full = self.pressure.is_disk_full();
        for (state, holds) in [("normal", !full), ("critical", full)] {
            page.sample("pharos_pressure_state", &[("resource", "disk"), ("state", state)], f64::from(u8::from(holds)));
        }
        page.family("pharos_shed_total", "counter", "What was refused because memory or disk was short.");
        for what in Shed::ALL {
            page.sample("pharos_shed_total", &[("what", what.as_str())], self.pressure.counted(what) as f64);
        }
    }
}

/// The running threads; they end when this is dropped, which does not wait for them: relief may take a while.
pub struct Watch {
    shared: Arc<Shared>,
}

struct Shared {
    budgets: Arc<Budgets>,
    readings: Box<dyn Readings>,
    relief: Box<dyn Relief>,
    clock: SharedClock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    /// What relief is wanted for.
    wanted: Option<Level>,
}

impl Watch {
    /// Starts to look. Without budgets nothing is started.
    pub fn start(budgets: Arc<Budgets>, readings: impl Readings, relief: impl Relief, clock: SharedClock) -> std::io::Result<Self> {
        let limits = budgets.limits;
        let (readings, relief) = (Box::new(readings), Box::new(relief));
        let shared = Shared { budgets, readings, relief, clock, state: Mutex::default(), changed: Condvar::new() };
        let watch = Self { shared: Arc::new(shared) };
        if limits.memory > 0 {
            watch.spawn("budget-memory", Shared::look_at_memory)?;
            watch.spawn("budget-relief", Shared::give_relief)?;
        }
        if limits.disk > 0 {
            watch.spawn("budget-disk", Shared::look_at_disk)?;
        }
        Ok(watch)
    }

    fn spawn(&self, name: &str, work: fn(&Shared)) -> std::io::Result<()> {
        let shared = Arc::clone(&self.shared);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&shared)).map(drop)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state.lock().stopped = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// Waits; false when it is over.
    fn pause(&self, how_long: Duration) -> bool {
        let mut state = self.state.lock();
        let until = self.clock.monotonic() + how_long;
        while !state.stopped {
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return true;
            }
            self.changed.wait_for(&mut state, left);
        }
        false
    }

    fn look_at_memory(&self) {
        loop {
            // A system that does not tell is never short.
            let used = self.readings.memory().unwrap_or(0);
            let level = self.budgets.saw_memory(used);
            if level > Level::Normal {
                let mut state = self.state.lock();
                if state.wanted < Some(level) {
                    state.wanted = Some(level);
                    self.changed.notify_all();
                }
            }
            if !self.pause(if self.budgets.is_close(used) { LOOK_CLOSELY } else { LOOK_EVERY }) {
                return;
            }
        }
    }

    fn give_relief(&self) {
        let mut pause = RELIEF_PAUSE;
        loop {
            let level = {
                let mut state = self.state.lock();
                while state.wanted.is_none() && !state.stopped {
                    self.changed.wait(&mut state);
                }
                if state.stopped {
                    return;
                }
                state.wanted.take().unwrap_or_default()
            };
            self.relief.memory(level);
            let began = self.clock.monotonic();
            if !self.pause(RELIEF_PAUSE) {
                return;
            }
            // Where it did not help, doing it again at once would not either.
            pause = if self.budgets.pressure.memory() == Level::Normal { RELIEF_PAUSE } else { (pause * 2).min(RELIEF_PAUSE_MAX) };
            let left = pause.saturating_sub(self.clock.monotonic().saturating_sub(began));
            if !left.is_zero() && !self.pause(left) {
                return;
            }
        }
    }

    fn look_at_disk(&self) {
        loop {
            let used = self.readings.disk();
            self.relief.disk(used, self.budgets.limits.disk);
            self.budgets.saw_disk(used);
            if !self.pause(DISK_EVERY) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::base::clock::SystemClock;

    /// Memory as the test says; what relief was asked for goes to the test.
    struct Said(Arc<AtomicU64>);

    struct Given(mpsc::Sender<Level>, mpsc::Sender<(u64, u64)>);

    impl Readings for Said {
        fn memory(&self) -> Option<u64> {
            Some(self.0.load(Ordering::Relaxed))
        }

        fn disk(&self) -> u64 {
            95
        }
    }

    impl Relief for Given {
        fn memory(&self, level: Level) {
            let _test_is_over = self.0.send(level).is_err();
        }

        fn disk(&self, used: u64, budget: u64) {
            let _test_is_over = self.1.send((used, budget)).is_err();
        }
    }

    #[test]
    fn pressure_follows_what_is_used_and_relief_is_asked_for() {
        let (used, pressure) = (Arc::new(AtomicU64::new(60)), Pressure::new());
        let (asked, relief) = mpsc::channel();
        let (shrunk, shrinks) = mpsc::channel();
        let budgets = Budgets::new(Limits { memory: 100, disk: 100 }, pressure.clone());
        let readings = Said(Arc::clone(&used));
        let watch = Watch::start(Arc::clone(&budgets), readings, Given(asked, shrunk), Arc::new(SystemClock::new())).expect("started");
        assert_eq!(shrinks.recv_timeout(Duration::from_secs(120)), Ok((95, 100)));
        used.store(92, Ordering::Relaxed);
        assert_eq!(relief.recv_timeout(Duration::from_secs(120)), Ok(Level::Scarce));
        assert_eq!(pressure.memory(), Level::Scarce);
        used.store(10, Ordering::Relaxed);
        while pressure.memory() != Level::Normal {
            std::thread::yield_now();
        }
        let mut page = Page::default();
        budgets.report(&mut page);
        let text = page.finish();
        assert!(text.contains("pharos_memory_budget_bytes 100\n") && text.contains("pharos_memory_used_bytes 10\n"), "{text}");
        assert!(text.contains("pharos_pressure_state{resource=\"memory\",state=\"normal\"} 1\n"), "{text}");
        // It ends at once.
        drop(watch);
    }

    #[test]
    fn a_used_up_disk_budget_is_told() {
        let pressure = Pressure::new();
        let budgets = Budgets::new(Limits { memory: 0, disk: 100 }, pressure.clone());
        for (used, full) in [(99, false), (100, true), (98, true), (96, false)] {
            budgets.saw_disk(used);
            assert_eq!(pressure.is_disk_full(), full, "{used}");
        }
        assert_eq!(budgets.saw_memory(u64::MAX), Level::Normal, "without a budget there is no pressure");
    }

    #[test]
    fn memory_is_told_without_a_budget_too() {
        let mut page = Page::default();
        Budgets::new(Limits::default(), Pressure::new()).report(&mut page);
        let text = page.finish();
        let used = text.lines().find_map(|line| line.strip_prefix("pharos_memory_used_bytes ")).expect("told");
        assert!(used.parse::<f64>().expect("a number") > f64::from(1 << 20), "{used}");
    }
}
