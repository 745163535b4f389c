//! The threads that help with large evaluations: one crew for all queries of an engine, so that many queries at once
//! share the processors rather than start threads for each.
//!
//! Whoever needs help goes on working and never waits for a helper to come, only for those who came to be done.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex};

/// Threads that help whoever asks. They start when first needed and end with the crew.
#[derive(Debug)]
pub(crate) struct Crew {
    waiting: Arc<Waiting>,
    size: usize,
    /// How many there are, once they were needed.
    started: OnceLock<usize>,
}

/// Errands that want helpers.
#[derive(Debug, Default)]
struct Waiting {
    errands: Mutex<Errands>,
    called: Condvar,
}

#[derive(Default)]
struct Errands {
    /// Oldest first.
    open: VecDeque<Arc<Errand>>,
    /// The crew is gone.
    is_over: bool,
}

impl fmt::Debug for Errands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errands").field("open", &self.open.len()).field("is_over", &self.is_over).finish()
    }
}

/// Work that helpers may take part in.
struct Errand {
    work: &'static (dyn Fn() + Sync),
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// Helpers that may still begin.
    wanted: usize,
    /// Helpers at work.
    busy: usize,
    /// What the first of them to panic had to say.
    panic: Option<Box<dyn Any + Send>>,
}

/// Ends an errand: nobody begins any more, and who began has ended.
struct Recall<'a>(&'a Crew, &'a Arc<Errand>);

impl Drop for Recall<'_> {
    fn drop(&mut self) {
        let mut state = self.1.state.lock();
        let unanswered = std::mem::take(&mut state.wanted) > 0;
        while state.busy > 0 {
            self.1.ended.wait(&mut state);
        }
        drop(state);
        if unanswered {
            self.0.waiting.errands.lock().open.retain(|errand| !Arc::ptr_eq(errand, self.1));
        }
    }
}

impl Errand {
    /// Whether a helper may begin, and whether another one may after it.
    fn begin(&self) -> (bool, bool) {
        let mut state = self.state.lock();
        let begins = state.wanted > 0;
        if begins {
            state.wanted -= 1;
            state.busy += 1;
        }
        (begins, state.wanted > 0)
    }

    fn end(&self, panic: Option<Box<dyn Any + Send>>) {
        let mut state = self.state.lock();
        state.busy -= 1;
        if state.panic.is_none() {
            state.panic = panic;
        }
        if state.busy == 0 {
            self.ended.notify_all();
        }
    }
}

impl Crew {
    /// Of so many threads.
    pub(crate) fn new(size: usize) -> Self {
        Self { waiting: Arc::default(), size, started: OnceLock::new() }
    }

    /// Does `work` on the caller's thread, and at the same time on up to `helpers` others as they come free. Each of
    /// them has to end by itself when nothing is left to do. A panic of a helper becomes the caller's.
    pub(crate) fn together(&self, helpers: usize, work: &(dyn Fn() + Sync)) {
        if helpers == 0 || self.size == 0 {
            return work();
        }
        // SAFETY: the reference is used by helpers only, between `Errand::begin` and `Errand::end`. `Recall`, which is
        // dropped before this function returns or unwinds, lets none begin any more and waits until all have ended.
        #[expect(
            unsafe_code,
            reason = "helpers outlive a query and work with what it borrows; a thread for each scan costs as much as a small scan"
        )]
        let lent = unsafe { std::mem::transmute::<&(dyn Fn() + Sync), &'static (dyn Fn() + Sync)>(work) };
        let state = Mutex::new(State { wanted: helpers, ..State::default() });
        let errand = Arc::new(Errand { work: lent, state, ended: Condvar::new() });
        let recall = Recall(self, &errand);
        self.call(&errand, helpers);
        work();
        drop(recall);
        let panic = errand.state.lock().panic.take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn call(&self, errand: &Arc<Errand>, helpers: usize) {
        let size = *self.started.get_or_init(|| self.start());
        if size == 0 {
            return;
        }
        self.waiting.errands.lock().open.push_back(Arc::clone(errand));
        for _ in 0..helpers.min(size) {
            self.waiting.called.notify_one();
        }
    }

    fn start(&self) -> usize {
        let started = (0..self.size).filter(|number| {
            let waiting = Arc::clone(&self.waiting);
            let thread = std::thread::Builder::new().name(format!("query-{number}"));
            // Without helpers queries are slower, no more.
            thread.spawn(move || waiting.help()).is_ok()
        });
        started.count()
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.waiting.errands.lock().is_over = true;
        self.waiting.called.notify_all();
    }
}

impl Waiting {
    /// What a helper does all its life.
    fn help(&self) {
        while let Some(errand) = self.next() {
            let work = errand.work;
            let done = catch_unwind(AssertUnwindSafe(work));
            errand.end(done.err());
        }
    }

    fn next(&self) -> Option<Arc<Errand>> {
        let mut errands = self.errands.lock();
        while !errands.is_over {
            while let Some(errand) = errands.open.front().cloned() {
                let (begins, more) = errand.begin();
                if !more {
                    errands.open.pop_front();
                }
                if begins {
                    return Some(errand);
                }
            }
            self.called.wait(&mut errands);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn all_is_done_once_it_returns() {
        let crew = &Crew::new(3);
        std::thread::scope(|scope| {
            for helpers in [0, 1, 2, 7, 7, 7] {
                scope.spawn(move || {
                    for size in 0..200 {
                        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
                        crew.together(helpers, &|| {
                            while next.fetch_add(1, Ordering::Relaxed) < size {
                                done.fetch_add(1, Ordering::Relaxed);
                            }
                        });
                        assert_eq!(done.into_inner(), size);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_ends_nothing_else() {
        let crew = AssertUnwindSafe(Crew::new(1));
        for _ in 0..20 {
            let caught = catch_unwind(|| {
                let mine = std::thread::current().id();
                let helped = AtomicUsize::new(0);
                crew.together(1, &|| {
                    if std::thread::current().id() != mine {
                        helped.fetch_add(1, Ordering::Relaxed);
                        panic!("told to");
                    }
                    while helped.load(Ordering::Relaxed) == 0 {
                        std::thread::yield_now();
                    }
                });
            });
            assert!(caught.is_err());
            assert!(catch_unwind(|| crew.together(1, &|| panic!("told to"))).is_err());
        }
    }
}
