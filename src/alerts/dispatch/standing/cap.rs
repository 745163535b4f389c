//! Receivers that are told so many messages in a time and no more: what is more waits, and is told as one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::jobs::{End, Job, Order};
use super::{Standing, TRY_AT_LEAST};
use crate::alerts::calm::{Cap, Window};
use crate::alerts::model::message::Message;
use crate::alerts::route::{Flush, Route, groups};
use crate::alerts::store::Changes;
use crate::series::labels::Labels;

/// The receiver of a group's route, and the group's key.
type GroupName = (Arc<str>, Arc<str>);

/// All caps at work.
#[derive(Default)]
pub(super) struct Caps {
    receivers: BTreeMap<Arc<str>, Capped>,
    /// Digests that were told or tried.
    pub(super) digests: u64,
}

/// A receiver with a cap.
struct Capped {
    /// None if there is none any more, as long as something that was held back is being told.
    cap: Option<Cap>,
    window: Window,
    /// Groups that wait to be told.
    held: BTreeSet<GroupName>,
    /// Groups that waited and are being told.
    telling: BTreeSet<GroupName>,
}

impl Capped {
    fn has_room(&self, now: i64) -> bool {
        self.cap.as_ref().is_none_or(|cap| self.window.room_at(cap, now) <= now)
    }

    fn count(&mut self, now: i64) {
        if let Some(cap) = &self.cap {
            self.window.count(cap, now);
        }
    }
}

impl Standing {
    /// Goes on under other caps. What none holds back any more is told.
    pub(super) fn set_caps(&mut self, now: i64) {
        for capped in self.caps.receivers.values_mut() {
            capped.cap = None;
        }
        for (_, cap) in self.calm.caps() {
            let new = || Capped { cap: None, window: Window::default(), held: BTreeSet::new(), telling: BTreeSet::new() };
            let capped = self.caps.receivers.entry(cap.receiver.as_str().into()).or_insert_with(new);
            capped.cap.get_or_insert_with(|| cap.clone());
        }
        let free: Vec<Arc<str>> =
            self.caps.receivers.iter().filter(|(_, capped)| capped.cap.is_none()).map(|(name, _)| Arc::clone(name)).collect();
        for receiver in free {
            self.let_go(&receiver, now);
        }
    }

    /// A receiver has no cap any more.
    fn let_go(&mut self, receiver: &Arc<str>, now: i64) {
        let Some(capped) = self.caps.receivers.get(receiver).filter(|capped| capped.telling.is_empty()) else { return };
        for (receiver, key) in &capped.held {
            self.groups.hurry(receiver, key, now);
        }
        self.caps.receivers.remove(receiver);
    }

    /// From when on tellings are needed for [`Self::recover_caps`], if at all.
    pub(in crate::alerts::dispatch) fn caps_from(&self, now: i64) -> Option<i64> {
        self.calm.caps().map(|(_, cap)| now.saturating_sub(cap.within.ms())).min()
    }

    /// Goes on after a restart: counts what each receiver was told. When, to whom, how; oldest first.
    pub(in crate::alerts::dispatch) fn recover_caps(&mut self, told: &[(i64, String, String)]) {
        for (receiver, capped) in &mut self.caps.receivers {
            let Some(cap) = &capped.cap else { continue };
            // A message goes to every channel: that with the most counts.
            let mut by_channel: HashMap<&str, Vec<i64>> = HashMap::new();
            for (at, _, channel) in told.iter().filter(|(_, who, _)| **who == **receiver) {
                by_channel.entry(channel).or_default().push(*at);
            }
            for at in by_channel.into_values().max_by_key(Vec::len).into_iter().flatten() {
                capped.window.count(cap, at);
            }
        }
    }

    /// A message goes to a receiver past groups.
    pub(in crate::alerts::dispatch) fn count_message(&mut self, receiver: &str, now: i64) {
        if let Some(capped) = self.caps.receivers.get_mut(receiver) {
            capped.count(now);
        }
    }

    /// Takes away what there is no room for; gives whether there was any.
    pub(super) fn hold_back(&mut self, orders: &mut Vec<Order>, group: &GroupName, now: i64) -> bool {
        let mut is_held = false;
        if self.caps.receivers.is_empty() {
            return is_held;
        }
        let receivers: BTreeSet<Arc<str>> = orders.iter().map(|order| Arc::clone(&order.line.receiver)).collect();
        for (receiver, capped) in &mut self.caps.receivers {
            // What was to be told of it is over meanwhile, or kept back.
            if !receivers.contains(receiver) {
                capped.held.remove(group);
            }
        }
        for receiver in receivers {
            let Some(capped) = self.caps.receivers.get_mut(&receiver) else { continue };
            // Who comes later does not go past those who wait.
            if capped.telling.is_empty() && capped.held.is_empty() && capped.has_room(now) {
                capped.count(now);
                continue;
            }
            capped.held.insert(group.clone());
            orders.retain(|order| order.line.receiver != receiver);
            is_held = true;
        }
        is_held
    }

    /// Whether a group that waited is being told. What of it is over must not be forgotten before that has ended.
    pub(super) fn is_catching_up(&self, group: &GroupName) -> bool {
        self.caps.receivers.values().any(|capped| capped.telling.contains(group))
    }

    /// What was held back and has room now.
    pub(super) fn held_jobs(&mut self, now: i64, changes: &mut Changes) -> Vec<Job> {
        let ready =
            self.caps.receivers.iter().filter(|(_, capped)| capped.telling.is_empty() && !capped.held.is_empty() && capped.has_room(now));
        let ready: Vec<Arc<str>> = ready.map(|(receiver, _)| Arc::clone(receiver)).collect();
        ready.iter().filter_map(|receiver| self.held_job(receiver, now, changes)).collect()
    }

    fn held_job(&mut self, receiver: &Arc<str>, now: i64, changes: &mut Changes) -> Option<Job> {
        let held = std::mem::take(&mut self.caps.receivers.get_mut(receiver)?.held);
        let tree = Arc::clone(self.groups.tree());
        let mut parts = Vec::new();
        let mut orders: Vec<Vec<Order>> = Vec::new();
        let mut deadline = i64::MAX;
        for flush in self.held_groups(&held, now) {
            let Some(route) = tree.get(flush.id.route) else { continue };
            let of_group = self.orders(route, &flush, Some(receiver), now, changes);
            if of_group.is_empty() {
                continue;
            }
            deadline = deadline.min(now.saturating_add(route.group_interval.ms().max(TRY_AT_LEAST)));
            orders.push(of_group);
            parts.push((Arc::clone(&route.receiver), flush));
        }
        if parts.is_empty() {
            // What was held back is over or kept back meanwhile.
            return None;
        }
        let is_digest = orders.len() > 1;
        let orders = orders.into_iter().flatten().collect();
        let orders = if is_digest { digest(receiver, orders, tree.routes().first(), now) } else { orders };
        self.caps.digests += u64::from(is_digest);
        let capped = self.caps.receivers.get_mut(receiver)?;
        capped.telling = names(&parts).collect();
        capped.count(now);
        Some(Job { tree, parts, orders, at: now, deadline, held_for: Some(Arc::clone(receiver)), is_partly_held: false })
    }

    /// Groups of these names as they are now, in order.
    fn held_groups(&self, held: &BTreeSet<GroupName>, now: i64) -> Vec<Flush> {
        let tree = self.groups.tree();
        let is_held = |route: &Route, key: &Arc<str>| held.contains(&(Arc::clone(&route.receiver), Arc::clone(key)));
        let of_name = self.groups.iter().filter(|(id, group)| tree.get(id.route).is_some_and(|route| is_held(route, &group.key)));
        let mut flushes: Vec<Flush> = of_name.map(|(id, group)| group.flush(*id, now)).collect();
        flushes.sort_by(|a, b| groups::order(&a.labels, &b.labels).then_with(|| a.id.cmp(&b.id)));
        flushes
    }

    /// What was held back is through, or was given up for now. Its groups are settled when they are due.
    pub(super) fn finish_held(&mut self, receiver: &Arc<str>, job: &Job, is_overtaken: bool, now: i64) {
        let Some(capped) = self.caps.receivers.get_mut(receiver) else { return };
        capped.telling.clear();
        if is_overtaken {
            capped.held.extend(names(&job.parts));
        }
        if capped.cap.is_none() {
            self.let_go(receiver, now);
        }
    }

    /// A message counts from when it was taken; what no channel of a receiver took does not count.
    pub(super) fn count_ends(&mut self, job: &Job, ends: &[End], now: i64) {
        if self.caps.receivers.is_empty() {
            return;
        }
        let of_orders = || job.orders.iter().zip(ends).map(|(order, end)| (&order.line.receiver, *end == End::Taken));
        let taken: HashSet<&Arc<str>> = of_orders().filter(|(_, is_taken)| *is_taken).map(|(receiver, _)| receiver).collect();
        let told: HashSet<&Arc<str>> = of_orders().map(|(receiver, _)| receiver).collect();
        for receiver in told {
            let Some(capped) = self.caps.receivers.get_mut(receiver) else { continue };
            capped.window.take_back(job.at);
            if taken.contains(receiver) {
                capped.count(now);
            }
        }
    }

    /// When there is room for something that is held back.
    pub(super) fn next_room(&self, now: i64) -> Option<i64> {
        let waiting = self.caps.receivers.values().filter(|capped| capped.telling.is_empty() && !capped.held.is_empty());
        waiting.map(|capped| capped.cap.as_ref().map_or(now, |cap| capped.window.room_at(cap, now))).min()
    }
}

fn names(parts: &[(Arc<str>, Flush)]) -> impl Iterator<Item = GroupName> {
    parts.iter().map(|(receiver, flush)| (Arc::clone(receiver), Arc::clone(&flush.key)))
}

/// One message for each channel, of all groups.
fn digest(receiver: &Arc<str>, orders: Vec<Order>, root: Option<&Route>, now: i64) -> Vec<Order> {
    let mut digests: Vec<(Order, HashSet<u64>)> = Vec::new();
    for order in orders {
        let place = digests.iter().position(|(digest, _)| Arc::ptr_eq(&digest.line, &order.line)).unwrap_or(digests.len());
        if place == digests.len() {
            let message = Message {
                receiver: Arc::clone(receiver),
                group_key: format!("digest:{receiver}").into(),
                group_labels: Labels::empty(),
                route_labels: BTreeMap::new(),
                alerts: Vec::new(),
                at: now,
                reason: "digest",
                group_interval: root.map_or(order.message.group_interval, |root| root.group_interval),
                repeat_interval: root.map_or(order.message.repeat_interval, |root| root.repeat_interval),
            };
            digests.push((Order { line: Arc::clone(&order.line), message, logged: Vec::new() }, HashSet::new()));
        }
        let Some((digest, known)) = digests.get_mut(place) else { continue };
        digest.logged.extend(order.logged);
        // An alert may stand in several groups.
        digest.message.alerts.extend(order.message.alerts.into_iter().filter(|alert| known.insert(alert.fingerprint())));
    }
    digests.into_iter().map(|(digest, _)| digest).collect()
}
