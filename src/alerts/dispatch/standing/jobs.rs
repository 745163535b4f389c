//! What is to be told now, and what becomes of it.

use std::sync::Arc;

use super::{Standing, TRY_AT_LEAST};
use crate::alerts::dispatch::line::Line;
use crate::alerts::model::message::Message;
use crate::alerts::route::{Flush, RouteTree};
use crate::alerts::store::{Changes, LogKey, Logged};

/// Something that is to be told: a group, or what was held back of several.
pub(in crate::alerts::dispatch) struct Job {
    /// The routes that it was found by.
    pub(super) tree: Arc<RouteTree>,
    /// The receiver and the state of each group.
    pub(super) parts: Vec<(Arc<str>, Flush)>,
    /// What each channel is told.
    pub(in crate::alerts::dispatch) orders: Vec<Order>,
    /// When it was found, in milliseconds since the Unix epoch.
    pub(super) at: i64,
    /// When it is given up for this time.
    pub(in crate::alerts::dispatch) deadline: i64,
    /// The receiver whose cap held it back until now, if one did.
    pub(super) held_for: Option<Arc<str>>,
    /// Whether caps hold back a part of it still.
    pub(super) is_partly_held: bool,
}

/// What a channel is told.
pub(in crate::alerts::dispatch) struct Order {
    pub(in crate::alerts::dispatch) line: Arc<Line>,
    pub(in crate::alerts::dispatch) message: Message,
    /// What the notification log holds once the message is through.
    pub(in crate::alerts::dispatch) logged: Vec<(LogKey, Logged)>,
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::alerts::dispatch) enum End {
    /// It was taken.
    Taken,
    /// It was not; the group's next time is soon enough.
    Failed,
    /// The configuration changed meanwhile: whatever is told is told anew.
    Overtaken,
}

impl Standing {
    /// The groups that are due and not being told already. They are, until [`Self::finish`].
    pub(in crate::alerts::dispatch) fn due(&mut self, now: i64, changes: &mut Changes) -> Vec<Job> {
        self.note_ends(now, changes);
        self.escalate(now);
        let mut jobs = self.held_jobs(now, changes);
        let busy = &mut self.busy;
        let flushes = self.groups.due_of(now, &mut |receiver, key| busy.insert((Arc::clone(receiver), Arc::clone(key))));
        let tree = Arc::clone(self.groups.tree());
        for flush in flushes {
            let Some(route) = tree.get(flush.id.route) else { continue };
            let mut orders = self.orders(route, &flush, None, now, changes);
            let name = (Arc::clone(&route.receiver), Arc::clone(&flush.key));
            let is_partly_held = self.hold_back(&mut orders, &name, now);
            if orders.is_empty() {
                if !is_partly_held && !self.is_catching_up(&name) {
                    self.groups.settle(&flush);
                }
                self.busy.remove(&name);
                continue;
            }
            let deadline = now.saturating_add(route.group_interval.ms().max(TRY_AT_LEAST));
            let parts = vec![(name.0, flush)];
            jobs.push(Job { tree: Arc::clone(&tree), parts, orders, at: now, deadline, held_for: None, is_partly_held });
        }
        jobs
    }

    /// A channel took a message.
    pub(in crate::alerts::dispatch) fn was_told(&mut self, key: LogKey, logged: Logged, changes: &mut Changes) {
        changes.log.insert(key.clone(), Some(logged.clone()));
        self.log.insert(key, logged);
    }

    /// Every channel is through, or was given up for now.
    pub(in crate::alerts::dispatch) fn finish(&mut self, job: &Job, ends: &[End], now: i64) {
        self.count_ends(job, ends, now);
        let is_overtaken = ends.contains(&End::Overtaken);
        if let Some(receiver) = &job.held_for {
            return self.finish_held(receiver, job, is_overtaken, now);
        }
        for (receiver, flush) in &job.parts {
            let name = (Arc::clone(receiver), Arc::clone(&flush.key));
            self.busy.remove(&name);
            if is_overtaken {
                self.groups.hurry(receiver, &flush.key, now);
            }
            // Under other routes the alerts stand in other groups, which find out by themselves that there is nothing to tell.
            let is_told = ends.iter().all(|end| *end == End::Taken) && !job.is_partly_held && !self.is_catching_up(&name);
            if is_told && Arc::ptr_eq(&job.tree, self.groups.tree()) {
                self.groups.settle(flush);
            }
        }
    }

    /// When the next group is due that is not being told.
    pub(in crate::alerts::dispatch) fn next_due(&self, now: i64) -> Option<i64> {
        let group = self.groups.next_due_of(&|receiver, key| !self.busy.contains(&(Arc::clone(receiver), Arc::clone(key))));
        group.into_iter().chain(self.next_room(now)).chain(self.next_look()).min()
    }
}
