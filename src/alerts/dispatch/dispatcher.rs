//! Routing at work: takes alerts in, wakes when a group is due, and has it told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::journal::Journal;
use super::line::Line;
use super::report::Numbers;
use super::standing::Standing;
use super::{AlertChange, AlertView, Asked, ChannelState, Channels, DispatchError, GroupView, InForce, Routing, Storing, Telling};
use crate::alerts::calm::{Calm, CalmRule, Deed, Handling, Named, Note};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::Silence;
use crate::alerts::store::{Changes, Store};
use crate::base::clock::SharedClock;
use crate::platform::db::{Db, DbError};
use crate::series::labels::quote;

/// How long to sleep at most, so that a clock that is set does not go unseen.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// How often old lines of history are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// How long messages under way may take when the server stops; what is not through by then is told after the restart.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// Receivers that a refusal names at most.
const RECEIVERS_NAMED_MAX: usize = 20;

/// What routing needs of the rest of the server.
pub struct DispatchOptions {
    /// Where everything is kept that must survive a restart.
    pub db: Arc<Db>,
    /// The time.
    pub clock: SharedClock,
    /// The configuration.
    pub in_force: Arc<InForce>,
    /// Its receivers' channels.
    pub channels: Channels,
    /// How long history is kept; 0 for as long as there is room for its lines.
    pub history: crate::base::time::Duration,
}

/// Routing at work.
pub struct Dispatcher {
    pub(super) clock: SharedClock,
    pub(super) journal: Arc<Journal>,
    pub(super) standing: Mutex<Standing>,
    pub(super) numbers: Numbers,
    pub(super) cancel: CancellationToken,
    /// Counts configurations, so that what is on its way sees that there is another.
    pub(super) generation: watch::Sender<u64>,
    in_force: ArcSwap<InForce>,
    changed: Notify,
    tasks: TaskTracker,
    history: crate::base::time::Duration,
}

impl Dispatcher {
    /// Reads back what was stored. Nothing is told yet. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn open(options: DispatchOptions) -> Result<Arc<Self>, DbError> {
        let DispatchOptions { db, clock, in_force, channels, history } = options;
        let store = Store::new(db);
        let kept = store.load()?;
        for odd in &kept.odd {
            tracing::warn!(odd, "something of alerts that was stored is left out");
        }
        warn_of_missing(&kept.calm, &in_force);
        let now = clock.now_ms();
        let mut standing = Standing::new(kept, &in_force.config, Arc::clone(&in_force.tree), channels, now);
        if let Some(from) = standing.flaps_from(now) {
            standing.recover_flaps(&store.recent_turns(from)?, now);
        }
        if let Some(from) = standing.caps_from(now) {
            standing.recover_caps(&store.recently_told(from)?);
        }
        Ok(Arc::new(Self {
            clock,
            journal: Journal::new(store),
            standing: Mutex::new(standing),
            numbers: Numbers::default(),
            cancel: CancellationToken::new(),
            generation: watch::Sender::new(0),
            in_force: ArcSwap::new(in_force),
            changed: Notify::new(),
            tasks: TaskTracker::new(),
            history,
        }))
    }

    /// Goes on under another configuration. What is on its way under the old one and was not taken yet is told anew.
    pub fn apply(&self, in_force: Arc<InForce>, channels: Channels) {
        {
            let mut standing = self.standing.lock();
            standing.apply(&in_force.config, Arc::clone(&in_force.tree), channels, self.clock.now_ms());
            warn_of_missing(&standing.calm().rules, &in_force);
            self.in_force.store(in_force);
        }
        self.generation.send_modify(|count| *count += 1);
        self.changed.notify_one();
    }

    /// Takes alerts of this server's rules, and how they changed; ends when they are stored.
    ///
    /// # Errors
    /// When there are too many or they cannot be stored; they are told all the same, but may be forgotten by a crash.
    pub async fn hear(&self, alerts: Vec<RoutedAlert>, history: Vec<AlertChange>) -> Result<(), DispatchError> {
        self.take(alerts, history, true).await
    }

    async fn take(&self, alerts: Vec<RoutedAlert>, history: Vec<AlertChange>, is_own: bool) -> Result<(), DispatchError> {
        let taken = self.change(|standing, now, changes| {
            changes.history = history;
            standing.take(alerts, is_own, now, changes)
        });
        self.changed.notify_one();
        self.journal.commit().await?;
        taken
    }

    /// Changes how things stand, and notes what is to be stored of it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Standing, i64, &mut Changes) -> T) -> T {
        let mut changes = Changes::default();
        let mut standing = self.standing.lock();
        let value = change(&mut standing, self.clock.now_ms(), &mut changes);
        if !changes.is_empty() {
            self.journal.note(changes);
        }
        value
    }

    /// Tells groups when they are due, until it is stopped.
    pub async fn run(self: Arc<Self>) {
        let mut prune_at = self.clock.monotonic();
        while !self.cancel.is_cancelled() {
            let wait = self.step();
            if self.clock.monotonic() >= prune_at {
                prune_at = self.clock.monotonic() + PRUNE_EVERY;
                self.prune();
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => {}
                () = self.cancel.cancelled() => {}
            }
        }
    }

    /// Begins to tell what is due now; gives how long to wait.
    fn step(self: &Arc<Self>) -> Duration {
        let (jobs, wait, is_changed) = self.change(|standing, now, changes| {
            standing.recur(now, changes);
            let jobs = standing.due(now, changes);
            standing.sweep(now, changes);
            let wait = standing.next_due(now).map_or(SLEEP_MAX, |due| Duration::from_millis(due.saturating_sub(now).max(1).unsigned_abs()));
            (jobs, wait.min(SLEEP_MAX), !changes.is_empty())
        });
        if is_changed {
            self.store_soon();
        }
        for job in jobs {
            let dispatcher = Arc::clone(self);
            self.tasks.spawn(async move {
                let ends = dispatcher.tell_group(&job).await;
                dispatcher.change(|standing, now, _| standing.finish(&job, &ends, now));
                dispatcher.changed.notify_one();
            });
        }
        wait
    }

    /// Stores what was noted, for which nobody waits.
    pub(super) fn store_soon(&self) {
        let journal = Arc::clone(&self.journal);
        self.tasks.spawn(async move {
            if let Err(error) = journal.commit().await {
                tracing::warn!(%error, "what is known of alerts; it is kept in memory and tried again");
            }
        });
    }

    fn prune(&self) {
        let before = if self.history.ms() == 0 { i64::MIN } else { self.clock.now_ms().saturating_sub(self.history.ms()) };
        let store = self.journal.store.clone();
        self.tasks.spawn(async move {
            let pruned = tokio::task::spawn_blocking(move || store.prune(before)).await;
            if let Ok(Err(error)) = pruned {
                tracing::warn!(%error, "old lines of the history of alerts could not be removed");
            }
        });
    }

    /// Ends it; messages under way may come to their end for a moment.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.tasks.close();
        if tokio::time::timeout(STOP_WITHIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("messages about alerts are still on their way; they are told again after the next start");
        }
        if let Err(error) = self.journal.commit().await {
            tracing::warn!(%error, "the last of what is known of alerts");
        }
    }

    fn line(&self, receiver: &str, channel: &str) -> Result<Arc<Line>, String> {
        let standing = self.standing.lock();
        let lines = standing.lines.get(receiver);
        lines.iter().find(|line| &*line.name == channel).cloned().ok_or_else(|| {
            let names: Vec<&str> = lines.iter().map(|line| &*line.name).collect();
            format!(
                "the receiver {receiver:?} has no channel {channel:?}; it has {}",
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            )
        })
    }

    fn read<T: Send + 'static>(&self, look: impl FnOnce(&Store) -> Result<T, DbError> + Send + 'static) -> Storing<'_, T> {
        let journal = Arc::clone(&self.journal);
        Box::pin(async move {
            let failed = |error: &dyn std::fmt::Display| DispatchError::Store(format!("cannot be read: {error}"));
            // What was noted last is part of the answer.
            journal.commit().await?;
            let found = tokio::task::spawn_blocking(move || look(&journal.store)).await;
            found.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
        })
    }
}

/// Refuses a calm rule that names a receiver which the configuration does not have.
fn check_receivers(rule: &CalmRule, in_force: &InForce) -> Result<(), DispatchError> {
    let missing = in_force.missing_receivers(rule);
    let Some(missing) = missing.first() else { return Ok(()) };
    let config = &in_force.config;
    let mut known: Vec<String> = config.receivers.iter().take(RECEIVERS_NAMED_MAX).map(|receiver| quote(&receiver.name)).collect();
    if config.receivers.len() > RECEIVERS_NAMED_MAX {
        known.push(format!("and {} more", config.receivers.len() - RECEIVERS_NAMED_MAX));
    }
    Err(DispatchError::Calm(format!("the routing configuration has no receiver {}; it has {}", quote(missing), known.join(", "))))
}

/// Says which calm rules name receivers that are not there: they stay, and nobody is told in their place.
fn warn_of_missing(rules: &[Named], in_force: &InForce) {
    for named in rules {
        for receiver in in_force.missing_receivers(&named.rule) {
            let (kind, title) = (named.rule.kind().as_str(), named.rule.title());
            tracing::warn!(kind, title, receiver, "a calm rule names a receiver that the routing configuration does not have");
        }
    }
}

impl Routing for Dispatcher {
    fn post<'a>(&'a self, alerts: Vec<RoutedAlert>) -> Storing<'a, ()> {
        Box::pin(self.take(alerts, Vec::new(), false))
    }

    fn alerts(&self) -> Vec<AlertView> {
        self.standing.lock().alerts(self.clock.now_ms())
    }

    fn alert(&self, fingerprint: u64) -> Option<AlertView> {
        self.standing.lock().alert(fingerprint, self.clock.now_ms())
    }

    fn groups(&self) -> Vec<GroupView> {
        self.standing.lock().groups(self.clock.now_ms())
    }

    fn silences(&self) -> Vec<Silence> {
        self.standing.lock().silences().to_vec()
    }

    fn put_silence<'a>(&'a self, silence: Silence) -> Storing<'a, String> {
        Box::pin(async move {
            let id = self.change(|standing, now, changes| standing.put_silence(silence, now, changes))?;
            self.journal.commit().await?;
            Ok(id)
        })
    }

    fn expire_silence<'a>(&'a self, id: &'a str) -> Storing<'a, ()> {
        Box::pin(async move {
            self.change(|standing, now, changes| standing.expire_silence(id, now, changes))?;
            self.journal.commit().await
        })
    }

    fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    fn tellings<'a>(&'a self, limit: usize) -> Storing<'a, Vec<Telling>> {
        self.read(move |store| store.tellings(limit))
    }

    fn changes(&self, asked: Asked) -> Storing<'_, Vec<AlertChange>> {
        self.read(move |store| store.changes(&asked))
    }

    fn calm(&self) -> Arc<Calm> {
        Arc::clone(self.standing.lock().calm())
    }

    fn put_calm<'a>(&'a self, id: Option<&'a str>, rule: CalmRule, by: &'a str) -> Storing<'a, (Named, Option<Named>)> {
        Box::pin(async move {
            let kept = self.change(|standing, now, changes| {
                check_receivers(&rule, &self.in_force.load())?;
                standing.put_calm(id, rule, by, now, changes)
            })?;
            self.changed.notify_one();
            self.journal.commit().await?;
            Ok(kept)
        })
    }

    fn delete_calm<'a>(&'a self, id: &'a str) -> Storing<'a, Named> {
        Box::pin(async move {
            let gone = self.change(|standing, now, changes| standing.delete_calm(id, now, changes))?;
            self.changed.notify_one();
            self.journal.commit().await?;
            Ok(gone)
        })
    }

    fn handle<'a>(&'a self, fingerprint: u64, deed: Deed, by: &'a str) -> Storing<'a, Handling> {
        Box::pin(async move {
            let handling = self.change(|standing, now, changes| standing.handle(fingerprint, deed, by, now, changes))?;
            self.changed.notify_one();
            self.journal.commit().await?;
            Ok(handling)
        })
    }

    fn notes(&self, fingerprints: Vec<u64>, from: i64) -> Storing<'_, Vec<Note>> {
        self.read(move |store| store.notes(&fingerprints, from))
    }

    fn channels(&self) -> BTreeMap<(Arc<str>, String), ChannelState> {
        let standing = self.standing.lock();
        standing.lines.iter().map(|line| ((Arc::clone(&line.receiver), line.name.to_string()), line.state.lock().clone())).collect()
    }

    fn send_test<'a>(&'a self, receiver: &'a str, channel: &'a str) -> Storing<'a, Result<String, String>> {
        Box::pin(async move {
            match self.line(receiver, channel) {
                Ok(line) => Ok(self.try_once(&line).await),
                Err(why) => Ok(Err(why)),
            }
        })
    }
}

#[cfg(test)]
mod tests;
