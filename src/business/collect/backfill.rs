//! Fills in the past on demand: with progress, and until somebody has enough of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::blocking;
use super::collector::Collector;
use super::desk::{Followed, Known, PutError};
use super::plan::{asked, due_now, grains, is_derived};
use crate::base::period::{Grain, Period};
use crate::business::ask::AskError;
use crate::business::config::file::KeptBusiness;
use crate::business::model::value::{Origin, Standing};
use crate::business::store::{HOURS_KEPT_DAYS, KpiId, Unfinished};
use crate::platform::db::DbError;

/// Periods that one run fills in at most.
pub const PERIODS_MAX: usize = 20_000;
/// Runs beside each other at most; others wait until one of them ends.
pub(super) const RUNS_MAX: usize = 4;
/// After so many periods the longer ones are made.
const CHUNK: usize = 50;
const DAY_MS: i64 = 86_400_000;
/// For so long back a KPI that is made of others is filled in by itself.
const DERIVED_MS: i64 = 400 * DAY_MS;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Everything is filled in.
    Whole,
    /// Somebody had enough.
    Cancelled,
    /// With this.
    Failed(String),
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Periods in all.
    pub all: usize,
    /// Of those, done or there already.
    pub done: usize,
    /// Of those, written.
    pub written: usize,
    /// When it began, in milliseconds since the Unix epoch.
    pub began: i64,
    /// Whether it waits until others have ended.
    pub is_waiting: bool,
    /// How it ended; none while it runs.
    pub ended: Option<Ended>,
}

/// Periods of one grain, one after the other: those who wait for their turn hold no list of them.
#[derive(Debug)]
struct Span {
    last: Period,
    count: usize,
}

impl Span {
    /// Each of them, the newest first.
    fn periods(&self) -> impl Iterator<Item = Period> {
        let last = self.last;
        (0..self.count).map(move |back| last.shifted(-i64::try_from(back).unwrap_or(0)))
    }
}

#[derive(Debug)]
struct Job {
    progress: Progress,
    cancel: CancellationToken,
}

/// The newest run of each KPI.
#[derive(Debug)]
pub(super) struct Jobs {
    by_kpi: Mutex<HashMap<KpiId, Job>>,
    pub(super) room: Arc<Semaphore>,
    is_stopping: AtomicBool,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { by_kpi: Mutex::default(), room: Arc::new(Semaphore::new(RUNS_MAX)), is_stopping: AtomicBool::new(false) }
    }
}

impl Jobs {
    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }
}

/// Why nothing is filled in.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// It runs already.
    #[error("the past of this KPI is being filled in already")]
    Runs,
    /// There is nothing to ask.
    #[error("programs send the numbers of this KPI: send those of the past, with their time")]
    Pushed,
    /// Too much.
    #[error("{0} periods are too many at once, {PERIODS_MAX} may be: begin later")]
    TooMany(usize),
    /// Nothing.
    #[error("there is nothing to fill in between these times")]
    Nothing,
}

impl Collector {
    /// Fills in the past of a KPI from an instant until another, the newest first, as soon as there is room. What is there
    /// and settled stays, unless it is to be asked for `again`. Once this is answered, a crash does not forget it.
    ///
    /// # Errors
    /// Why not.
    pub async fn backfill(self: &Arc<Self>, known: &Arc<Known>, from: i64, until: i64, again: bool) -> Result<Progress, BackfillError> {
        let (progress, stored) = self.begin(known, from, until, again)?;
        // What could not be stored is in the log, and the run goes on all the same.
        let _run_ended = stored.await.is_err();
        Ok(progress)
    }

    /// Begins a run, which goes on whether its asker waits or not; tells when it is stored.
    pub(super) fn begin(
        self: &Arc<Self>,
        known: &Arc<Known>,
        from: i64,
        until: i64,
        again: bool,
    ) -> Result<(Progress, oneshot::Receiver<()>), BackfillError> {
        let now = self.clock.now_ms();
        let spans = self.spans_between(known, from, until.min(now), now)?;
        let all = spans.iter().map(|span| span.count).sum();
        let mut jobs = self.jobs.by_kpi.lock();
        if jobs.get(&known.id).is_some_and(|job| job.progress.ended.is_none()) {
            return Err(BackfillError::Runs);
        }
        let room = Arc::clone(&self.jobs.room).try_acquire_owned().ok();
        let progress = Progress { all, done: 0, written: 0, began: now, is_waiting: room.is_none(), ended: None };
        let cancel = CancellationToken::new();
        jobs.insert(known.id, Job { progress: progress.clone(), cancel: cancel.clone() });
        drop(jobs);
        let (collector, known) = (Arc::clone(self), Arc::clone(known));
        let run = Unfinished { kpi: known.id, from, until, again };
        let (tell, stored) = oneshot::channel();
        tokio::spawn(async move {
            collector.remember(collector.store.begin_backfill(run).await);
            let _asker_left = tell.send(()).is_err();
            let ended = collector.fill_in_turn(&known, &spans, again, room, &cancel).await;
            // A server that stops goes on with it after its next start.
            if !(ended == Ended::Cancelled && collector.jobs.is_stopping()) {
                collector.remember(collector.store.end_backfill(known.id).await);
            }
            collector.advance(known.id, |progress| progress.ended = Some(ended));
        });
        Ok((progress, stored))
    }

    /// Begins again what a stop of the server ended. What is filled in and settled is not asked for a second time, unless
    /// that is what the run was for.
    ///
    /// # Errors
    /// The database's.
    pub async fn resume(self: &Arc<Self>) -> Result<(), DbError> {
        let store = self.store.clone();
        for run in blocking(move || store.unfinished()).await? {
            let Some(known) = self.desk.get(run.kpi) else { continue };
            match self.backfill(&known, run.from, run.until, run.again).await {
                Ok(progress) => tracing::info!(kpi = known.kpi.name, periods = progress.all, "the past of a KPI is filled in further"),
                // Somebody was quicker than this start.
                Err(BackfillError::Runs) => {}
                Err(error) => {
                    tracing::warn!(kpi = known.kpi.name, %error, "the past of a KPI is not filled in further");
                    self.store.end_backfill(run.kpi).await?;
                }
            }
        }
        Ok(())
    }

    /// Keeps a KPI as the desk does, and fills in its past if it is made of others: those have one.
    ///
    /// # Errors
    /// The desk's.
    pub async fn put(self: &Arc<Self>, id: Option<KpiId>, text: &str) -> Result<KpiId, PutError> {
        let id = self.desk.put(id, text).await?;
        self.fill_in_derived(id).await;
        Ok(id)
    }

    /// Does what a file says as the desk does, and fills in the past of what is made of others.
    ///
    /// # Errors
    /// The desk's.
    pub async fn follow(self: &Arc<Self>, kept: Option<&KeptBusiness>) -> Result<Followed, PutError> {
        let followed = self.desk.follow(kept).await?;
        for id in &followed.changed {
            self.fill_in_derived(*id).await;
        }
        Ok(followed)
    }

    async fn fill_in_derived(self: &Arc<Self>, id: KpiId) {
        let now = self.clock.now_ms();
        if let Some(known) = self.desk.get(id).filter(|known| is_derived(&known.kpi)) {
            // One that runs already does the same.
            let _runs_already = self.backfill(&known, now - DERIVED_MS, now, true).await.is_err();
        }
    }

    fn remember(&self, done: Result<(), DbError>) {
        if let Err(error) = done {
            tracing::warn!(%error, "whether the past of a KPI is being filled in is not stored, so a restart may forget it");
        }
    }

    /// How far the newest run of a KPI is.
    pub fn backfilled(&self, id: KpiId) -> Option<Progress> {
        self.jobs.by_kpi.lock().get(&id).map(|job| job.progress.clone())
    }

    /// Ends the run of a KPI; gives whether there was one. What is filled in stays.
    pub fn cancel_backfill(&self, id: KpiId) -> bool {
        let jobs = self.jobs.by_kpi.lock();
        let job = jobs.get(&id).filter(|job| job.progress.ended.is_none());
        job.inspect(|job| job.cancel.cancel()).is_some()
    }

    /// Ends all runs until the server starts again.
    pub fn cancel_all(&self) {
        self.jobs.is_stopping.store(true, Ordering::Release);
        self.jobs.by_kpi.lock().values().for_each(|job| job.cancel.cancel());
    }

    fn advance(&self, id: KpiId, change: impl FnOnce(&mut Progress)) {
        if let Some(job) = self.jobs.by_kpi.lock().get_mut(&id) {
            change(&mut job.progress);
        }
    }

    /// Every period that is asked for (or made of others), of each grain.
    fn spans_between(&self, known: &Known, from: i64, until: i64, now: i64) -> Result<Vec<Span>, BackfillError> {
        let kpi = &known.kpi;
        let grains = if is_derived(kpi) { grains(kpi) } else { asked(kpi) };
        if grains.is_empty() {
            return Err(BackfillError::Pushed);
        }
        let calendar = self.desk.calendar_of(kpi);
        let (mut spans, mut all) = (Vec::new(), 0);
        for grain in grains {
            let from = if grain == Grain::Hour { from.max(now - (HOURS_KEPT_DAYS - 1) * DAY_MS) } else { from };
            let (Some(first), Some(last)) = (calendar.period(grain, from), calendar.period(grain, until - 1)) else { continue };
            let count = usize::try_from(last.number() - first.number() + 1).unwrap_or(0);
            all += count;
            if all > PERIODS_MAX {
                return Err(BackfillError::TooMany(all));
            }
            spans.push(Span { last, count });
        }
        if from >= until || all == 0 { Err(BackfillError::Nothing) } else { Ok(spans) }
    }

    /// Fills in when there is room.
    async fn fill_in_turn(
        &self,
        known: &Arc<Known>,
        spans: &[Span],
        again: bool,
        room: Option<OwnedSemaphorePermit>,
        cancel: &CancellationToken,
    ) -> Ended {
        let room = match room {
            Some(room) => Some(room),
            None => cancel.run_until_cancelled(Arc::clone(&self.jobs.room).acquire_owned()).await.and_then(Result::ok),
        };
        let Some(_room) = room else { return Ended::Cancelled };
        self.advance(known.id, |progress| progress.is_waiting = false);
        let periods: Vec<Period> = spans.iter().flat_map(Span::periods).collect();
        self.fill(known, &periods, again, cancel).await
    }

    async fn fill(&self, known: &Arc<Known>, periods: &[Period], again: bool, cancel: &CancellationToken) -> Ended {
        for chunk in periods.chunks(CHUNK) {
            match self.fill_some(known, chunk, again, cancel).await {
                Ok(None) => {}
                Ok(Some(ended)) => return ended,
                Err(error) => return Ended::Failed(error.to_string()),
            }
        }
        Ended::Whole
    }

    async fn fill_some(
        &self,
        known: &Arc<Known>,
        periods: &[Period],
        again: bool,
        cancel: &CancellationToken,
    ) -> Result<Option<Ended>, DbError> {
        let (calendar, now) = (self.desk.calendar_of(&known.kpi), self.clock.now_ms());
        let (mut written, mut ended) = (BTreeSet::new(), None);
        for period in periods {
            if cancel.is_cancelled() || self.desk.get(known.id).is_none() {
                ended = Some(Ended::Cancelled);
                break;
            }
            let store = self.store.clone();
            let (id, wanted) = (known.id, *period);
            let there = blocking(move || store.lasting(id, wanted)).await?;
            let is_settled = there.get(&period.number()).is_some_and(|there| there.standing == Standing::Settled);
            if let Some(due) = due_now(calendar, *period, known.kpi.settles.ms(), now).filter(|_| again || !is_settled) {
                if !is_derived(&known.kpi) {
                    match self.one(known, calendar, &due, Origin::Backfilled, now).await {
                        Ok(writing) => self.store.write(vec![writing]).await?,
                        Err(AskError::Wrong(why) | AskError::Failed(why)) => {
                            ended = Some(Ended::Failed(format!("{period}: {why}")));
                            break;
                        }
                    }
                }
                written.insert(*period);
            }
            self.advance(known.id, |progress| progress.done += 1);
        }
        self.advance(known.id, |progress| progress.written += written.len());
        self.follow_up(Self::changed_of(known.id, written), now).await?;
        Ok(ended)
    }
}
