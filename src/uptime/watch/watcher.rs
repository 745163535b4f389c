//! The watcher: probes every check when it is due, keeps its book, writes down what changed, and says what is down.
//!
//! One task waits for whoever is due next; each probe is a task of its own. Results are taken under one lock that is held
//! for microseconds. What changed is written down every [`WRITTEN_EVERY`], and at once when a state turned: a crash
//! forgets seconds of being up, never that something was down.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::book::{Book, Kept, Policy};
use super::planner::Planner;
use super::samples;
use super::timing::{CheckId, Timing};
use super::unwritten::Unwritten;
use crate::base::clock::SharedClock;
use crate::base::human::took;
use crate::series::batch::WriteBatch;
use crate::series::ports::{Append, AppendOptions};
use crate::uptime::config::check::Check;
use crate::uptime::model::beat::Beat;
use crate::uptime::model::incident::Incident;
use crate::uptime::model::outcome::{Failure, FailureKind, Outcome};
use crate::uptime::model::track::{Patience, Span, State, Turn};
use crate::uptime::store::{Store, Written};

/// How often what changed is written down, unless a state turned.
pub const WRITTEN_EVERY: Duration = Duration::from_secs(5);
/// Probes that run at once; more wait.
const PROBES_MAX: usize = 400;
/// How much longer than a probe may take its result is waited for, before it is missed.
const GRACE: Duration = Duration::from_secs(2);
/// How long nobody being due is taken for granted.
const IDLE: Duration = Duration::from_secs(3600);
/// Within this every check that is overdue at the start is probed.
const STARTED_WITHIN: Duration = Duration::from_secs(5);
/// How often it is said as a series whether there is maintenance of a check, unless that changes, in milliseconds.
const MAINTENANCE_SAID_EVERY: i64 = 60_000;
/// How long after a failure a check that was never up is probed again at most: whoever mistyped an address sees so soon.
const UNPROVEN_RETRY: Duration = Duration::from_secs(20);
/// Samples that wait for storage at most; then new ones are dropped.
const SAMPLES_WAITING_MAX: usize = 200_000;

/// Makes one probe of a check; it ends by itself when the check's time is over.
pub trait Probe: Send + Sync {
    /// What the probe finds.
    fn probe<'a>(&'a self, check: &'a Check) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

    /// Whether anything can be told of a check now. Where not, it becomes unknown rather than down.
    fn can_tell(&self, check: &Check) -> bool {
        let _any = check;
        true
    }
}

/// A check under watch, as others see it.
#[derive(Debug, Clone)]
pub struct View {
    /// The check.
    pub check: Arc<Check>,
    /// Its state, and since when.
    pub span: Span,
    /// Since when something speaks against that.
    pub in_doubt_since: Option<i64>,
    /// The incident that goes on.
    pub incident: Option<Incident>,
    /// What was found last.
    pub newest: Option<Outcome>,
}

/// How punctual probes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Punctuality {
    /// Probes that were begun.
    pub begun: u64,
    /// Of those, more than 100 ms after they were due.
    pub late: u64,
    /// The latest of all.
    pub latest: Duration,
}

struct Watched {
    check: Arc<Check>,
    book: Book,
    /// When it was said last as a series whether there is maintenance of it, and what was said.
    maintained: Option<(i64, bool)>,
}

impl Watched {
    fn say_maintenance(&mut self, is_maintained: bool, now: i64, samples: &mut WriteBatch) {
        let is_said = |(at, said): (i64, bool)| said == is_maintained && (at..at.saturating_add(MAINTENANCE_SAID_EVERY)).contains(&now);
        if self.check.paused || self.maintained.is_some_and(is_said) || samples.sample_count() >= SAMPLES_WAITING_MAX {
            return;
        }
        samples::add_maintenance(samples, &self.check, is_maintained, now);
        self.maintained = Some((now, is_maintained));
    }
}

#[derive(Default)]
struct Inner {
    watched: HashMap<CheckId, Watched>,
    timing: Timing,
    samples: WriteBatch,
    punctuality: Punctuality,
}

/// Watches checks.
pub struct Watcher {
    inner: Mutex<Inner>,
    probe: Arc<dyn Probe>,
    store: Store,
    append: Arc<dyn Append>,
    clock: SharedClock,
    /// Knows of maintenance, once somebody said so.
    planner: OnceLock<Arc<Planner>>,
    /// Somebody may be due earlier than was thought.
    wake: Notify,
    /// A state turned, which is to be written down at once.
    turned: Notify,
    places: Arc<Semaphore>,
    unwritten: tokio::sync::Mutex<Unwritten>,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

impl Watcher {
    /// Watches nothing yet.
    pub fn new(probe: Arc<dyn Probe>, store: Store, append: Arc<dyn Append>, clock: SharedClock) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            probe,
            store,
            append,
            clock,
            planner: OnceLock::new(),
            wake: Notify::new(),
            turned: Notify::new(),
            places: Arc::new(Semaphore::new(PROBES_MAX)),
            unwritten: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// Who knows of maintenance. Only the first call counts.
    pub fn heed(&self, planner: Arc<Planner>) {
        let _known_already = self.planner.set(planner);
    }

    /// Watches a check from now on, going on from what was written down; one that is watched already is watched as it is
    /// now.
    pub fn watch(&self, id: CheckId, check: Check, kept: Written) {
        let now = self.clock.now_ms();
        let mut inner = self.inner.lock();
        let check = Arc::new(check);
        let is_new = kept == Written::default();
        let before = inner.watched.remove(&id);
        if let Some(before) = &before
            && samples::labels(&before.check).build() != samples::labels(&check).build()
        {
            samples::end(&mut inner.samples, &before.check, now);
        }
        let is_known = before.is_some();
        let due = kept.spans.last().map_or(now, |span| span.until);
        let is_elsewhere = before.as_ref().is_some_and(|before| before.check.target() != check.target());
        let mut book = before.map_or_else(|| Book::open(kept_of(kept), now, policy(&check).grace), |before| before.book);
        if is_elsewhere {
            book.target_changed();
        }
        if check.paused {
            book.pause(now);
            samples::end(&mut inner.samples, &check, now);
            inner.timing.remove(id);
            self.turned.notify_one();
        } else {
            book.resume(now);
            let at = self.clock.monotonic();
            let is_heartbeat = check.heartbeat.is_some();
            let soon = Duration::from_millis(u64::try_from(due - now).unwrap_or(0));
            let soon = if is_heartbeat { soon } else { soon.min(interval(&check)) };
            match is_new || is_known || soon.is_zero() {
                // Until the first beat there is nothing to wait for; after an absence one may have been missed.
                true if is_heartbeat && book.state() == State::Unknown => inner.timing.remove(id),
                true if is_heartbeat => inner.timing.set(id, at + until_deadline(&check, now, now)),
                true => inner.timing.add(id, interval(&check).min(STARTED_WITHIN), at, is_new || is_known),
                // Before the restart it was to come then.
                false => inner.timing.set(id, at + soon),
            }
        }
        inner.watched.insert(id, Watched { check, book, maintained: None });
        drop(inner);
        self.wake.notify_one();
    }

    /// Watches a check no longer.
    pub fn forget(&self, id: CheckId) {
        let now = self.clock.now_ms();
        let mut inner = self.inner.lock();
        inner.timing.remove(id);
        if let Some(gone) = inner.watched.remove(&id) {
            samples::end(&mut inner.samples, &gone.check, now);
        }
    }

    /// Probes a check as soon as may be.
    pub fn probe_now(&self, id: CheckId) {
        let now = self.clock.monotonic();
        let mut inner = self.inner.lock();
        if inner.watched.get(&id).is_some_and(|watched| !watched.check.paused) {
            inner.timing.set(id, now);
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// A heartbeat was heard: its job went well, or it says what went wrong.
    pub fn hear(&self, id: CheckId, took: Duration, failure: Option<String>) {
        let check = self.inner.lock().watched.get(&id).map(|watched| Arc::clone(&watched.check));
        let Some(check) = check.filter(|check| check.heartbeat.is_some() && !check.paused) else { return };
        let failure = failure.map(|text| Failure { kind: FailureKind::Status, text });
        self.take(id, &check, self.clock.now_ms(), Outcome { failure, took, ..Outcome::default() });
    }

    /// A check as it is now.
    pub fn view(&self, id: CheckId) -> Option<View> {
        self.inner.lock().watched.get(&id).map(view)
    }

    /// The newest results of a check, ascending.
    pub fn beats(&self, id: CheckId) -> Vec<Beat> {
        self.inner.lock().watched.get(&id).map_or_else(Vec::new, |watched| watched.book.beats().newest().cloned().collect())
    }

    /// Every check as it is now.
    pub fn views(&self) -> BTreeMap<CheckId, View> {
        self.inner.lock().watched.iter().map(|(id, watched)| (*id, view(watched))).collect()
    }

    /// How punctual probes were so far.
    pub fn punctuality(&self) -> Punctuality {
        self.inner.lock().punctuality
    }

    /// Runs until it is told to stop; then waits for probes under way and writes everything down.
    pub async fn run(self: &Arc<Self>, stop: CancellationToken) {
        // Beside it, so that no probe waits for the database.
        let (writer, until) = (Arc::clone(self), stop.clone());
        let writing = tokio::spawn(async move { writer.keep_writing(until).await });
        while !stop.is_cancelled() {
            let now = self.clock.monotonic();
            let next = self.begin_due(now).map(|next| next.saturating_sub(now));
            tokio::select! {
                () = tokio::time::sleep(next.unwrap_or(IDLE)) => {}
                () = self.wake.notified() => {}
                () = stop.cancelled() => {}
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
        if writing.await.is_err() {
            tracing::error!("the writing down of checks panicked");
        }
        self.write().await;
    }

    async fn keep_writing(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(WRITTEN_EVERY) => {}
                () = self.turned.notified() => {}
                () = stop.cancelled() => return,
            }
            self.write().await;
        }
    }

    /// Begins every probe that is due; says when the next will be.
    fn begin_due(self: &Arc<Self>, now: Duration) -> Option<Duration> {
        let mut inner = self.inner.lock();
        while let Some((id, due)) = inner.timing.take(now) {
            let Some(check) = inner.watched.get(&id).map(|watched| Arc::clone(&watched.check)) else { continue };
            let late = now.saturating_sub(due);
            let punctuality = &mut inner.punctuality;
            punctuality.begun += 1;
            punctuality.late += u64::from(late > Duration::from_millis(100));
            punctuality.latest = punctuality.latest.max(late);
            let watcher = Arc::clone(self);
            self.tasks.spawn(async move { watcher.probe_one(id, check).await });
        }
        inner.timing.next_due()
    }

    async fn probe_one(&self, id: CheckId, check: Arc<Check>) {
        let Ok(_place) = self.places.acquire().await else { return };
        let at = self.clock.now_ms();
        if check.heartbeat.is_some() {
            return self.take(id, &check, at, failed(FailureKind::Silence, "nothing was heard in time".to_owned()));
        }
        if !self.probe.can_tell(&check) {
            return self.put_off(id, &check);
        }
        let mut outcome = match tokio::time::timeout(timeout(&check) + GRACE, self.probe.probe(&check)).await {
            Ok(outcome) => outcome,
            Err(_) => failed(FailureKind::Timeout, format!("nothing came of it within {}", took(timeout(&check)))),
        };
        judge(&check, &mut outcome, at);
        self.take(id, &check, at, outcome);
    }

    /// Nothing can be told of a check now; its next turn may bring more.
    fn put_off(&self, id: CheckId, check: &Arc<Check>) {
        let now = self.clock.monotonic();
        let mut inner = self.inner.lock();
        if inner.watched.get(&id).is_some_and(|watched| Arc::ptr_eq(&watched.check, check)) {
            inner.timing.ran(id, interval(check), now);
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Takes a result in, and says when the next probe is due.
    fn take(&self, id: CheckId, check: &Arc<Check>, at: i64, outcome: Outcome) {
        let now = self.clock.monotonic();
        let policy = policy(check);
        let is_up = outcome.failure.is_none() != policy.is_upside_down;
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        // It may have been changed or deleted meanwhile.
        let Some(watched) = inner.watched.get_mut(&id).filter(|watched| Arc::ptr_eq(&watched.check, check)) else { return };
        let usual = interval(check);
        let usual_due = at.saturating_add(i64::try_from(usual.as_millis()).unwrap_or(i64::MAX));
        let due = check.deadline_after(at).filter(|_| is_up).unwrap_or(usual_due);
        let turn = watched.book.record(at, due, outcome.clone(), &policy);
        if let Some(Turn::Into { .. }) = turn {
            self.turned.notify_one();
        }
        if inner.samples.sample_count() < SAMPLES_WAITING_MAX {
            samples::add(&mut inner.samples, check, watched.book.state(), is_up, &outcome, at);
        }
        if check.heartbeat.is_some() {
            inner.timing.set(id, now + if is_up { until_deadline(check, at, self.clock.now_ms()) } else { usual });
        } else if let Some(retry) = retry_after(check, &watched.book) {
            inner.timing.set(id, now + retry);
        } else {
            inner.timing.ran(id, usual, now);
        }
        self.wake.notify_one();
    }

    /// Writes down what changed since the last time. What the database does not take now is written with the next.
    async fn write(&self) {
        let mut unwritten = self.unwritten.lock().await;
        let batch = self.take_changes(&mut unwritten);
        let changes = unwritten.all();
        if batch.sample_count() > 0 {
            let append = Arc::clone(&self.append);
            let options = AppendOptions { no_sync: true, ..AppendOptions::default() };
            let appended = tokio::task::spawn_blocking(move || append.append(&batch, &options)).await;
            if let Ok(Err(error)) = appended {
                tracing::warn!(%error, "series of checks are not stored");
            }
        }
        if changes.is_empty() {
            return;
        }
        match self.store.write(changes).await {
            Ok(()) => unwritten.clear(),
            Err(error) => tracing::warn!(%error, "what became of checks cannot be written down now, and is with the next"),
        }
    }

    fn take_changes(&self, unwritten: &mut Unwritten) -> WriteBatch {
        let now = self.clock.now_ms();
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        for (id, watched) in &mut inner.watched {
            watched.book.miss(now);
            unwritten.add(*id, watched.book.take_changes());
            if let Some(planner) = self.planner.get() {
                let is_maintained = planner.holds(*id, &watched.check.labels, now);
                watched.say_maintenance(is_maintained, now, &mut inner.samples);
            }
        }
        std::mem::take(&mut inner.samples)
    }
}

/// What a check asks for beyond what its probe knows: how fast, and how long the certificate still holds.
pub fn judge(check: &Check, outcome: &mut Outcome, now: i64) {
    if outcome.failure.is_some() {
        return;
    }
    let limit = check.latency_max().map(|limit| Duration::from_millis(u64::try_from(limit.ms()).unwrap_or(0)));
    if let Some(limit) = limit.filter(|limit| outcome.took > *limit) {
        let text = format!("it took {}, and may take {}", took(outcome.took), took(limit));
        outcome.failure = Some(Failure { kind: FailureKind::Slow, text });
        return;
    }
    let ends = outcome.certificates.iter().map(|certificate| certificate.not_after).min();
    if let (Some(days), Some(ends)) = (check.certificate_days(), ends) {
        let left = (ends - now / 1000).div_euclid(86_400);
        if left < i64::try_from(days).unwrap_or(i64::MAX) {
            let text = format!("the certificate ends in {left} days, and must hold for {days}");
            outcome.failure = Some(Failure { kind: FailureKind::Expiry, text });
        }
    }
}

fn failed(kind: FailureKind, text: String) -> Outcome {
    Outcome { failure: Some(Failure { kind, text }), ..Outcome::default() }
}

fn view(watched: &Watched) -> View {
    let book = &watched.book;
    View {
        check: Arc::clone(&watched.check),
        span: Span { from: book.since(), until: book.current().until, state: book.state() },
        in_doubt_since: book.in_doubt_since(),
        incident: book.incident().cloned(),
        newest: book.newest().cloned(),
    }
}

fn kept_of(written: Written) -> Kept {
    let Written { spans, hours, incidents } = written;
    Kept { span: spans.into_iter().next_back(), hour: hours.into_iter().next_back(), incident: incidents.into_iter().next_back() }
}

fn interval(check: &Check) -> Duration {
    Duration::from_millis(u64::try_from(check.interval.ms()).unwrap_or(0).max(1_000))
}

/// How soon a check that is in doubt is probed again; none where it comes at its usual time.
fn retry_after(check: &Check, book: &Book) -> Option<Duration> {
    let retry = Duration::from_millis(u64::try_from(check.retry_interval.ms()).unwrap_or(0));
    let retry = if retry.is_zero() { interval(check) } else { retry };
    let is_soon = check.retry_interval.ms() > 0 || book.is_unproven();
    let retry = if book.is_unproven() { retry.min(UNPROVEN_RETRY) } else { retry };
    (book.in_doubt_since().is_some() && is_soon).then_some(retry)
}

fn timeout(check: &Check) -> Duration {
    Duration::from_millis(u64::try_from(check.timeout().ms()).unwrap_or(0).max(1))
}

/// How long it is until the next heartbeat after one at `at` has to have come.
fn until_deadline(check: &Check, at: i64, now: i64) -> Duration {
    let deadline = check.deadline_after(at).unwrap_or(i64::MAX);
    Duration::from_millis(u64::try_from(deadline.saturating_sub(now)).unwrap_or(0))
}

fn policy(check: &Check) -> Policy {
    if check.heartbeat.is_some() {
        // It waits for its grace already.
        let patience = Patience { retries: 0, recoveries: 0 };
        return Policy { patience, is_upside_down: false, grace: 10_000 };
    }
    let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Policy {
        patience: Patience { retries: count(check.retries), recoveries: count(check.recoveries) },
        is_upside_down: check.upside_down,
        grace: i64::try_from((timeout(check) + 2 * GRACE).as_millis()).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests;
