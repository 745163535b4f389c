//! Groups of alerts that are told together, and when: after `group_wait` first, every `group_interval` from then on.
//!
//! What a channel hears of a due group is for [`super::log`] to decide; groups only say when they are due.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::tree::{Route, RouteTree};
use crate::alerts::model::routed::{RoutedAlert, fingerprint};
use crate::series::labels::Labels;

/// Most groups at a time, so that a label that is never the same twice does not fill memory.
pub const GROUPS_MAX: usize = 100_000;

/// Where a group stands: its route, and the fingerprint of its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    /// The route's place in the tree.
    pub route: usize,
    /// The fingerprint of the labels that name the group.
    pub labels: u64,
}

/// Alerts that are told together.
#[derive(Debug, Clone)]
pub struct Group {
    /// The labels that name it.
    pub labels: Labels,
    /// Its name everywhere, as upstream makes it.
    pub key: Arc<str>,
    /// When it is due, in milliseconds since the Unix epoch.
    pub due_at: i64,
    /// Whether it was due before.
    pub has_flushed: bool,
    alerts: HashMap<u64, RoutedAlert>,
}

impl Group {
    /// Its alerts in the order of messages.
    pub fn alerts(&self) -> Vec<RoutedAlert> {
        let mut alerts: Vec<RoutedAlert> = self.alerts.values().cloned().collect();
        sort(&mut alerts);
        alerts
    }

    /// Everything that is needed to tell it now, whether it is due or not.
    pub fn flush(&self, id: GroupId, now: i64) -> Flush {
        let mut alerts = self.alerts();
        let mut resolved = Vec::new();
        for alert in &mut alerts {
            if alert.is_resolved_at(now) {
                resolved.push((alert.fingerprint(), alert.updated_at));
            } else {
                // One that fires has no end, whatever its sender said for the case that it is not heard of again.
                alert.ends_at = None;
            }
        }
        Flush { id, labels: self.labels.clone(), key: Arc::clone(&self.key), at: now, alerts, resolved }
    }

    /// The fingerprints of its alerts.
    pub fn fingerprints(&self) -> impl Iterator<Item = u64> {
        self.alerts.keys().copied()
    }
}

/// A group as it is at an instant: everything that is needed to tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct Flush {
    /// Which group.
    pub id: GroupId,
    /// The labels that name it.
    pub labels: Labels,
    /// Its name everywhere.
    pub key: Arc<str>,
    /// When it is told, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Its alerts in the order of messages; those that fire have no end.
    pub alerts: Vec<RoutedAlert>,
    /// When each alert that is over here was heard of last, by its fingerprint.
    resolved: Vec<(u64, i64)>,
}

/// When groups were due, and whether they were due before.
#[derive(Debug, Default)]
pub struct Times(HashMap<Arc<str>, (i64, bool)>);

/// All groups.
#[derive(Debug)]
pub struct Groups {
    tree: Arc<RouteTree>,
    groups: BTreeMap<GroupId, Group>,
    groups_max: usize,
    refused: u64,
}

impl Groups {
    /// Without alerts yet.
    pub fn new(tree: Arc<RouteTree>) -> Self {
        Self { tree, groups: BTreeMap::new(), groups_max: GROUPS_MAX, refused: 0 }
    }

    /// The routes.
    pub fn tree(&self) -> &Arc<RouteTree> {
        &self.tree
    }

    /// Every group, in order of its route.
    pub fn iter(&self) -> impl Iterator<Item = (&GroupId, &Group)> {
        self.groups.iter()
    }

    /// How many alerts found no group because there were too many.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Puts an alert, new or changed, into its group on each route that takes it. Beside the tree it only changes where it
    /// is already.
    pub fn insert(&mut self, alert: &RoutedAlert, now: i64) {
        let tree = self.tree.clone();
        for route in tree.matching(&alert.labels) {
            self.insert_on(route, alert, now);
        }
        let mut name = None;
        for route in tree.side_routes() {
            let labels = *name.get_or_insert_with(|| fingerprint(&route.group_labels(&alert.labels)));
            if let Some(group) = self.groups.get_mut(&GroupId { route: route.index, labels })
                && let Some(known) = group.alerts.get_mut(&alert.fingerprint())
            {
                *known = alert.clone();
            }
        }
    }

    /// Puts an alert into its group on a route beside the tree; gives whether it was not there before.
    pub fn insert_beside(&mut self, route: usize, alert: &RoutedAlert, now: i64) -> bool {
        let tree = self.tree.clone();
        let Some(route) = tree.get(route).filter(|route| tree.is_beside(route.index)) else { return false };
        let id = GroupId { route: route.index, labels: fingerprint(&route.group_labels(&alert.labels)) };
        if self.groups.get(&id).is_some_and(|group| group.alerts.contains_key(&alert.fingerprint())) {
            return false;
        }
        self.insert_on(route, alert, now)
    }

    /// Gives whether there was room.
    fn insert_on(&mut self, route: &Route, alert: &RoutedAlert, now: i64) -> bool {
        let labels = route.group_labels(&alert.labels);
        let id = GroupId { route: route.index, labels: fingerprint(&labels) };
        if let Some(group) = self.groups.get_mut(&id) {
            group.alerts.insert(alert.fingerprint(), alert.clone());
            return true;
        }
        if self.groups.len() >= self.groups_max {
            self.refused += 1;
            return false;
        }
        // An alert that fires for longer than the wait already, as after a restart, need not wait once more.
        let is_old = alert.starts_at.saturating_add(route.group_wait.ms()) < now;
        let due_at = if is_old { now } else { now.saturating_add(route.group_wait.ms()) };
        let key = route.group_key(&labels).into();
        let alerts = HashMap::from([(alert.fingerprint(), alert.clone())]);
        self.groups.insert(id, Group { labels, key, due_at, has_flushed: false, alerts });
        true
    }

    /// When the next group is due, in milliseconds since the Unix epoch.
    pub fn next_due(&self) -> Option<i64> {
        self.next_due_of(&|_, _| true)
    }

    /// When the next of the groups is due that `is_free` says, asked with receiver and key.
    pub fn next_due_of(&self, is_free: &dyn Fn(&Arc<str>, &Arc<str>) -> bool) -> Option<i64> {
        let tree = &self.tree;
        let is_free = |id: &GroupId, group: &Group| tree.get(id.route).is_some_and(|route| is_free(&route.receiver, &group.key));
        self.groups.iter().filter(|(id, group)| is_free(id, group)).map(|(_, group)| group.due_at).min()
    }

    /// The groups that are due by `now`, the longest due first; each is due again after its interval.
    pub fn due(&mut self, now: i64) -> Vec<Flush> {
        self.due_of(now, &mut |_, _| true)
    }

    /// The same of those groups that `takes` says, asked with receiver and key; the others stay due.
    pub fn due_of(&mut self, now: i64, takes: &mut dyn FnMut(&Arc<str>, &Arc<str>) -> bool) -> Vec<Flush> {
        let mut due: Vec<(i64, Flush)> = Vec::new();
        let tree = Arc::clone(&self.tree);
        for (id, group) in self.groups.iter_mut().filter(|(_, group)| group.due_at <= now) {
            if !tree.get(id.route).is_some_and(|route| takes(&route.receiver, &group.key)) {
                continue;
            }
            let was_due = group.due_at;
            let interval = tree.get(id.route).map_or(1, |route| route.group_interval.ms().max(1));
            // Missed times are not made up for.
            group.due_at = if was_due.saturating_add(interval) > now { was_due + interval } else { now.saturating_add(interval) };
            group.has_flushed = true;
            due.push((was_due, group.flush(*id, now)));
        }
        due.sort_by(|(at, flush), (other_at, other)| (at, &flush.id).cmp(&(other_at, &other.id)));
        due.into_iter().map(|(_, flush)| flush).collect()
    }

    /// Forgets the alerts of a flush that are over, once every channel knows; a group without alerts is gone.
    /// An alert that was heard of since stays.
    pub fn settle(&mut self, flush: &Flush) {
        let Some(group) = self.groups.get_mut(&flush.id) else { return };
        for (name, updated_at) in &flush.resolved {
            if group.alerts.get(name).is_some_and(|alert| alert.updated_at == *updated_at && alert.is_resolved_at(flush.at)) {
                group.alerts.remove(name);
            }
        }
        if group.alerts.is_empty() {
            self.groups.remove(&flush.id);
        }
    }

    /// Lets the groups of this name be due now.
    pub fn hurry(&mut self, receiver: &str, key: &str, now: i64) {
        let tree = &self.tree;
        for (id, group) in &mut self.groups {
            if &*group.key == key && tree.get(id.route).is_some_and(|route| &*route.receiver == receiver) {
                group.due_at = group.due_at.min(now);
            }
        }
    }

    /// An alert that was hushed is not any more: its groups are due as soon as if it had come now.
    pub fn look_soon(&mut self, alert: &RoutedAlert, now: i64) {
        let tree = Arc::clone(&self.tree);
        for route in tree.matching(&alert.labels) {
            let id = GroupId { route: route.index, labels: fingerprint(&route.group_labels(&alert.labels)) };
            if let Some(group) = self.groups.get_mut(&id) {
                group.due_at = group.due_at.min(now.saturating_add(route.group_wait.ms()));
            }
        }
    }

    /// After the clock was set back by far: a group that would be silent until the clock has caught up is due after its
    /// interval.
    pub fn keep_up(&mut self, now: i64) {
        for (id, group) in &mut self.groups {
            let Some(route) = self.tree.get(id.route) else { continue };
            let longest = route.group_interval.ms().max(route.group_wait.ms());
            if group.due_at > now.saturating_add(longest.saturating_mul(2)) {
                group.due_at = now.saturating_add(route.group_interval.ms());
            }
        }
    }

    /// The fingerprints of all alerts that are in a group.
    pub fn fingerprints(&self) -> HashSet<u64> {
        self.groups.values().flat_map(Group::fingerprints).collect()
    }

    /// Goes on with other routes: alerts are grouped anew, and groups that stay the same keep their times. Beside the tree
    /// there is nothing at first; call [`Self::keep_times`] with what this gives when there is again.
    pub fn retarget(&mut self, tree: Arc<RouteTree>, now: i64) -> Times {
        let mut alerts: BTreeMap<u64, RoutedAlert> = BTreeMap::new();
        let mut times = Times::default();
        for (id, group) in std::mem::take(&mut self.groups) {
            let receiver = self.tree.get(id.route).map_or_else(|| Arc::from(""), |route| route.receiver.clone());
            times.0.insert(name(&receiver, &group.key), (group.due_at, group.has_flushed));
            if !self.tree.is_beside(id.route) {
                alerts.extend(group.alerts);
            }
        }
        self.tree = tree;
        for alert in alerts.values() {
            self.insert(alert, now);
        }
        self.keep_times(&times, now);
        times
    }

    /// Gives groups that were there before the times that they had.
    pub fn keep_times(&mut self, times: &Times, now: i64) {
        for (id, group) in &mut self.groups {
            let receiver = self.tree.get(id.route).map_or_else(|| Arc::from(""), |route| route.receiver.clone());
            if let Some((due_at, has_flushed)) = times.0.get(&name(&receiver, &group.key)) {
                let interval = self.tree.get(id.route).map_or(0, |route| route.group_interval.ms());
                group.due_at = (*due_at).min(now.saturating_add(interval));
                group.has_flushed = *has_flushed;
            }
        }
    }
}

/// A group and where it goes, as one text.
fn name(receiver: &str, key: &str) -> Arc<str> {
    format!("{receiver}\0{key}").into()
}

/// Puts alerts in the order of messages.
pub fn sort(alerts: &mut [RoutedAlert]) {
    alerts.sort_by(alert_order);
}

/// The order of messages: by `job`, then `instance`, then the rest, as upstream.
pub fn alert_order(a: &RoutedAlert, b: &RoutedAlert) -> Ordering {
    for name in ["job", "instance"] {
        let by_name = match (a.labels.get(name), b.labels.get(name)) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if by_name.is_ne() {
            return by_name;
        }
    }
    order(&a.labels, &b.labels)
}

/// The order of label sets: fewer labels first; then the pairs in order of names, where a set that has the earlier name
/// comes later.
pub fn order(a: &Labels, b: &Labels) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        let differs = a.iter().zip(b.iter()).find(|(a, b)| a != b);
        differs.map_or(Ordering::Equal, |((name, value), (other, other_value))| other.cmp(name).then_with(|| value.cmp(other_value)))
    })
}

#[cfg(test)]
mod tests;
