//! Threads in the background of a storage engine. They work in rounds until storage is closed; a round that panics is told
//! and tried again later.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// After a round that panicked the next one waits so long, twice as long after each one more, but not longer than the second.
const REST: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(60);

/// Wakes a thread that waits for work.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// There may be something to do, or it is over.
    pub fn ring(&self) {
        *self.rung.lock() = true;
        self.changed.notify_all();
    }

    /// Waits until it rings, or so long.
    fn wait(&self, at_most: Duration, is_over: &dyn Fn() -> bool) {
        let mut rung = self.rung.lock();
        if !*rung && !is_over() {
            self.changed.wait_for(&mut rung, at_most);
        }
        *rung = false;
    }

    /// Waits so long, however often it rings, unless it is over.
    fn rest(&self, time: Duration, is_over: &dyn Fn() -> bool) {
        self.changed.wait_while_for(&mut self.rung.lock(), |_| !is_over(), time);
    }
}

/// Storage that has threads in the background.
pub trait Background: Send + Sync + 'static {
    /// Whether it is closed. Bells are rung when that becomes true.
    fn is_over(&self) -> bool;

    /// A round of a thread panicked, with these words; it is tried again.
    fn panicked(&self, thread: &'static str, message: &str);

    /// After rounds that panicked one did not.
    fn went_well(&self, thread: &'static str);
}

/// What a thread does.
pub struct Rounds<S> {
    /// Its name.
    pub name: &'static str,
    /// What wakes it.
    pub bell: fn(&S) -> &Bell,
    /// The next round comes after so long if nothing wakes it.
    pub every: Duration,
    /// By how much it is nicer than the others. On Linux this goes for the thread; where it is refused, all are equal.
    pub niceness: i32,
    /// One round. Answers for how long the next one must not come, whatever wakes the thread.
    pub round: fn(&S) -> Option<Duration>,
}

/// The threads of one engine.
#[derive(Debug, Default)]
pub struct Threads(Mutex<Vec<JoinHandle<()>>>);

impl Threads {
    /// Starts one.
    ///
    /// # Errors
    /// When the system has none to give.
    pub fn start<S: Background>(&self, storage: &Arc<S>, rounds: Rounds<S>) -> io::Result<()> {
        let storage = Arc::clone(storage);
        let spawned = std::thread::Builder::new().name(rounds.name.to_owned()).spawn(move || rounds.run(&*storage))?;
        self.0.lock().push(spawned);
        Ok(())
    }

    /// Waits for all. Storage is over, and bells were rung.
    pub fn join(&self) {
        for thread in self.0.lock().drain(..) {
            // It has told before why it ended, if it did not end by itself.
            drop(thread.join());
        }
    }
}

impl<S: Background> Rounds<S> {
    fn run(&self, storage: &S) {
        if self.niceness != 0 {
            let _all_are_equal = rustix::process::setpriority_process(None, self.niceness);
        }
        let (bell, is_over) = ((self.bell)(storage), || storage.is_over());
        let (mut rest, mut panics) = (None, 0u32);
        loop {
            match rest {
                Some(time) => bell.rest(time, &is_over),
                None => bell.wait(self.every, &is_over),
            }
            if is_over() {
                return;
            }
            // Locks are let go of as the round unwinds; what they guard is changed last, and as a whole.
            rest = match catch_unwind(AssertUnwindSafe(|| (self.round)(storage))) {
                Ok(rest) => {
                    if panics > 0 {
                        storage.went_well(self.name);
                    }
                    panics = 0;
                    rest
                }
                Err(panic) => {
                    panics = panics.saturating_add(1);
                    storage.panicked(self.name, words_of(&*panic));
                    Some(REST.saturating_mul(1 << (panics - 1).min(16)).min(REST_MAX))
                }
            };
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Storage {
        bell: Bell,
        over: AtomicBool,
        rounds: AtomicU32,
        told: Mutex<Vec<String>>,
        changed: Condvar,
    }

    impl Storage {
        fn tell(&self, what: String) {
            self.told.lock().push(what);
            self.changed.notify_all();
        }
    }

    impl Background for Storage {
        fn is_over(&self) -> bool {
            self.over.load(Ordering::Acquire)
        }

        fn panicked(&self, thread: &'static str, message: &str) {
            self.tell(format!("{thread}: {message}"));
        }

        fn went_well(&self, thread: &'static str) {
            self.tell(format!("{thread} goes on"));
        }
    }

    #[test]
    fn a_round_that_panics_is_told_and_the_next_one_comes() {
        let storage = Arc::new(Storage::default());
        let threads = Threads::default();
        let round: fn(&Storage) -> Option<Duration> = |storage| {
            assert!(storage.rounds.fetch_add(1, Ordering::AcqRel) > 0, "the first round");
            Some(Duration::from_secs(3600))
        };
        let every = Duration::from_secs(3600);
        threads.start(&storage, Rounds { name: "test", bell: |storage| &storage.bell, every, niceness: 1, round }).expect("a thread");
        storage.bell.ring();
        let mut told = storage.told.lock();
        while told.len() < 2 {
            storage.changed.wait(&mut told);
        }
        assert_eq!(*told, ["test: the first round", "test goes on"]);
        drop(told);
        // It rests for an hour now, however often it is woken, but not when it is over.
        storage.bell.ring();
        storage.over.store(true, Ordering::Release);
        storage.bell.ring();
        threads.join();
        assert_eq!(storage.rounds.load(Ordering::Acquire), 2);
    }
}
