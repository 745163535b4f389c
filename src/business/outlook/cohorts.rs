//! Cohorts beside a KPI: its page must not wait for queries of a database, so their last answers are kept for a while.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::people::retention;
use crate::base::clock::SharedClock;
use crate::business::ask::{Ask, AskError};
use crate::business::collect::desk::Desk;
use crate::business::config::file::Retention;
use crate::business::model::cohort::Cohort;

/// How long an answer is good for, in milliseconds: cohorts are of days at least.
const FRESH_MS: i64 = 15 * 60_000;
/// How long after a failure it is asked again, in milliseconds.
const AGAIN_MS: i64 = 60_000;
/// Answers that are kept.
const KEPT_MAX: usize = 200;
/// How long the query of a retention may take.
const WITHIN: Duration = Duration::from_secs(30);

/// A table of cohorts, the oldest first; or why there is none.
pub type Table = Result<Arc<Vec<Cohort>>, String>;

/// Asks a retention, within the time that its query may take.
///
/// # Errors
/// What is wrong with its query or its answer.
pub async fn cohorts(desk: &Desk, ask: &dyn Ask, wanted: &Retention, now: i64) -> Result<Vec<Cohort>, AskError> {
    let found = tokio::time::timeout(WITHIN, retention(desk, ask, wanted, now)).await;
    found.unwrap_or_else(|_| Err(AskError::Failed(format!("its query gave no answer within {} seconds", WITHIN.as_secs()))))
}

/// The last answer of a retention.
struct Kept {
    /// What was asked.
    of: Retention,
    /// What came; none before the first answer.
    table: Option<Table>,
    /// When it came, in milliseconds since the Unix epoch.
    at: i64,
    /// Whether it is being asked for.
    is_asked: bool,
}

impl Kept {
    fn is_due(&self, now: i64) -> bool {
        let good_for = match self.table {
            None => 0,
            Some(Ok(_)) => FRESH_MS,
            Some(Err(_)) => AGAIN_MS,
        };
        // A clock that jumped back makes nothing fresh for ever.
        !self.is_asked && !(0..good_for).contains(&(now - self.at))
    }
}

/// Asks retentions, and keeps what they answered last.
pub struct CohortShelf {
    desk: Arc<Desk>,
    ask: Arc<dyn Ask>,
    clock: SharedClock,
    kept: Mutex<HashMap<String, Kept>>,
}

impl fmt::Debug for CohortShelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CohortShelf").finish_non_exhaustive()
    }
}

impl CohortShelf {
    /// An empty one.
    pub fn new(desk: Arc<Desk>, ask: Arc<dyn Ask>, clock: SharedClock) -> Arc<Self> {
        Arc::new(Self { desk, ask, clock, kept: Mutex::default() })
    }

    /// What is known of a retention at once; none before its first answer. What is old is asked for meanwhile. Call it
    /// inside the runtime.
    pub fn look(self: &Arc<Self>, wanted: &Retention) -> Option<Table> {
        let now = self.clock.now_ms();
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT_MAX && !kept.contains_key(&wanted.name) {
            // Those that are asked for come back by themselves; of the others some were deleted.
            kept.retain(|_, one| one.is_asked);
        }
        let one = kept.entry(wanted.name.clone()).or_insert_with(|| Kept { of: wanted.clone(), table: None, at: 0, is_asked: false });
        if one.of != *wanted && !one.is_asked {
            *one = Kept { of: wanted.clone(), table: None, at: 0, is_asked: false };
        }
        if one.is_due(now) {
            one.is_asked = true;
            tokio::spawn(Arc::clone(self).ask(wanted.clone()));
        }
        one.table.clone().filter(|_| one.of == *wanted)
    }

    async fn ask(self: Arc<Self>, wanted: Retention) {
        let found = cohorts(&self.desk, self.ask.as_ref(), &wanted, self.clock.now_ms()).await;
        let table = found.map(Arc::new).map_err(|error| error.to_string());
        if let Some(one) = self.kept.lock().get_mut(&wanted.name) {
            (one.table, one.at, one.is_asked) = (Some(table), self.clock.now_ms(), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;

    use tokio::sync::Notify;

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::business::ask::{AskError, Asked, CohortRows, Cohorts, Numbers};
    use crate::business::store::Store;
    use crate::platform::db::Db;

    /// Answers how often it was asked, when it is told to; or fails.
    #[derive(Default)]
    struct Slow {
        asked: Mutex<u32>,
        fails: Mutex<bool>,
        goes_on: Notify,
        answered: Notify,
    }

    impl Ask for Slow {
        fn ask<'a>(&'a self, _: Asked<'a>) -> Pin<Box<dyn Future<Output = Result<Numbers, AskError>> + Send + 'a>> {
            Box::pin(async { Ok(Numbers::new()) })
        }

        fn cohorts<'a>(&'a self, _: Cohorts<'a>, _: i64) -> Pin<Box<dyn Future<Output = Result<CohortRows, AskError>> + Send + 'a>> {
            *self.asked.lock() += 1;
            Box::pin(async {
                self.goes_on.notified().await;
                self.answered.notify_one();
                if *self.fails.lock() {
                    Err(AskError::Failed("it is away".into()))
                } else {
                    Ok(vec![("2026-10".into(), 0, f64::from(*self.asked.lock()))])
                }
            })
        }
    }

    impl Slow {
        async fn answer(&self) {
            self.goes_on.notify_one();
            self.answered.notified().await;
            tokio::task::yield_now().await;
        }
    }

    fn size(found: Option<Table>) -> Option<Result<f64, String>> {
        found.map(|table| table.map(|table| table[0].size().unwrap()))
    }

    #[tokio::test]
    async fn pages_never_wait_and_nobody_is_asked_twice_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, slow) = (ManualClock::at(1_000_000), Arc::<Slow>::default());
        let store = Store::new(Arc::new(Db::open(&folder.path().join("test.db")).unwrap()));
        let desk = Desk::open(store, Arc::clone(&clock) as _).unwrap();
        let shelf = CohortShelf::new(desk, Arc::clone(&slow) as _, Arc::clone(&clock) as _);
        let stay = Retention { name: "Stay".into(), promql: "a".into(), ..Retention::default() };
        assert_eq!((size(shelf.look(&stay)), size(shelf.look(&stay))), (None, None), "it is on its way");
        slow.answer().await;
        assert_eq!((size(shelf.look(&stay)), *slow.asked.lock()), (Some(Ok(1.0)), 1));
        clock.jump_to(1_000_000 + FRESH_MS);
        assert_eq!(size(shelf.look(&stay)), Some(Ok(1.0)), "what was is shown while it is asked again");
        slow.answer().await;
        *slow.fails.lock() = true;
        assert_eq!(size(shelf.look(&stay)), Some(Ok(2.0)));
        clock.jump_to(1_000_000 + 2 * FRESH_MS);
        shelf.look(&stay);
        slow.answer().await;
        assert_eq!(size(shelf.look(&stay)), Some(Err("it is away".into())));
        *slow.fails.lock() = false;
        clock.jump_to(1_000_000 + 2 * FRESH_MS + AGAIN_MS);
        shelf.look(&stay);
        slow.answer().await;
        assert_eq!((size(shelf.look(&stay)), *slow.asked.lock()), (Some(Ok(4.0)), 4));
        let other = Retention { promql: "b".into(), ..stay };
        assert_eq!(size(shelf.look(&other)), None, "another query has another answer");
        slow.answer().await;
        assert_eq!(size(shelf.look(&other)), Some(Ok(5.0)));
    }
}
