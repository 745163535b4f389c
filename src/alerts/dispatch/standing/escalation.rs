//! Alerts that nobody takes care of: others are told, step by step. Each step is a route beside the tree, whose groups are
//! told as all others are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Standing;
use crate::alerts::calm::{Escalation, Named};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::route::{Entry, Route, RouteTree, SideRoute, log};
use crate::base::time::Duration;

/// How often alerts are looked at at least, and how soon a group tells of changes.
const LOOK_EVERY: i64 = 30_000;
/// How often they are looked at at most.
const LOOK_PAUSE: i64 = 1_000;

/// Escalations at work.
#[derive(Default)]
pub(super) struct Escalating {
    /// Each rule, and the place of the route of its first step; those of the others follow.
    rules: Vec<(Escalation, usize)>,
    /// How long an alert has to fire at least, in milliseconds.
    first_after: i64,
    /// When alerts are looked at next, in milliseconds since the Unix epoch.
    next_look: i64,
    /// Steps that alerts reached.
    pub(super) steps: u64,
}

impl Standing {
    /// Goes on under other escalations, or other routes.
    pub(super) fn set_escalations(&mut self, plain: &Arc<RouteTree>, now: i64) {
        let calm = Arc::clone(&self.calm);
        let with_steps = || calm.escalations().filter(|(_, rule)| !rule.steps.is_empty());
        let mut place = plain.routes().len() - plain.side_routes().len();
        self.escalating.rules.clear();
        for (_, rule) in with_steps() {
            self.escalating.rules.push((rule.clone(), place));
            place += rule.steps.len();
        }
        self.escalating.first_after = with_steps().filter_map(|(_, rule)| rule.first_after()).min().unwrap_or(i64::MAX);
        self.escalating.next_look = now;
        let tree = if self.escalating.rules.is_empty() && plain.side_routes().is_empty() {
            Arc::clone(plain)
        } else {
            Arc::new(plain.with_side_routes(with_steps().flat_map(|(named, rule)| side_routes(named, rule))))
        };
        if *tree == **self.groups.tree() {
            return;
        }
        let times = self.groups.retarget(tree, now);
        self.escalate_as_before(now);
        self.groups.keep_times(&times, now);
    }

    /// Puts alerts where they were told of already: they hear of the end.
    pub(super) fn escalate_as_before(&mut self, now: i64) {
        let tree = Arc::clone(self.groups.tree());
        if tree.side_routes().is_empty() {
            return;
        }
        let keys: HashSet<&str> = tree.side_routes().iter().map(|route| &*route.key).collect();
        let of_step = |key: &str| key.split_once(":{").is_some_and(|(key, _)| keys.contains(key));
        let mut told: HashMap<&str, Vec<&Entry>> = HashMap::new();
        for (key, logged) in self.log.iter().filter(|(key, logged)| logged.expires_at > now && of_step(&key.group_key)) {
            told.entry(&key.group_key).or_default().push(&logged.entry);
        }
        if told.is_empty() {
            return;
        }
        for known in self.known.values() {
            for route in tree.side_routes().iter().filter(|route| route.matchers.matches(&known.alert.labels)) {
                let key = route.group_key(&route.group_labels(&known.alert.labels));
                let Some(entries) = told.get(key.as_str()) else { continue };
                let hash = log::hash(&known.alert.labels);
                if entries.iter().any(|entry| entry.firing.contains(&hash)) {
                    self.groups.insert_beside(route.index, &known.alert, now);
                }
            }
        }
    }

    /// Puts alerts that reached a step where they are told, if it is time to look.
    pub(super) fn escalate(&mut self, now: i64) {
        let next_look = self.escalating.next_look;
        // A clock that was set back by far must not keep alerts from being looked at.
        if self.escalating.rules.is_empty() || (now < next_look && next_look - now <= LOOK_EVERY) {
            return;
        }
        let mut next_look = now.saturating_add(LOOK_EVERY);
        for (name, known) in self.known.iter().filter(|(_, known)| !known.is_over) {
            let alert = &known.alert;
            if alert.starts_at.saturating_add(self.escalating.first_after) > now {
                next_look = next_look.min(alert.starts_at.saturating_add(self.escalating.first_after));
                continue;
            }
            if self.handlings.get(name).is_some_and(|handling| handling.acknowledged.is_some()) {
                continue;
            }
            for (rule, first_route) in self.escalating.rules.iter().filter(|(rule, _)| rule.matchers.matches(&alert.labels)) {
                for step in rule.reached(alert.starts_at, now) {
                    self.escalating.steps += u64::from(self.groups.insert_beside(first_route + step, alert, now));
                }
                next_look = rule.next_at(alert.starts_at, now).map_or(next_look, |next| next.min(next_look));
            }
        }
        self.escalating.next_look = next_look.max(now.saturating_add(LOOK_PAUSE));
    }

    /// When alerts are looked at next, if there are escalations.
    pub(super) fn next_look(&self) -> Option<i64> {
        (!self.escalating.rules.is_empty()).then_some(self.escalating.next_look)
    }

    /// Leaves out of a step what the calendar keeps back wherever it goes: nobody was to be told, so nobody has failed to
    /// take care.
    pub(super) fn sift_step(&self, alerts: &mut Vec<RoutedAlert>, now: i64) {
        let tree = self.groups.tree();
        let muting = self.muting();
        let is_muted = |route: &&Route| !muting.muted_by(&route.mute_time_intervals, &route.active_time_intervals, now).is_empty();
        alerts.retain(|alert| alert.is_resolved_at(now) || !tree.matching(&alert.labels).iter().all(is_muted));
    }

    /// Leaves out what somebody takes care of now, as far as the channel was not told of it.
    pub(super) fn escalates(&self, alert: &RoutedAlert, told: Option<&Entry>, now: i64) -> bool {
        let is_taken_care_of = || self.handlings.get(&alert.fingerprint()).is_some_and(|handling| handling.acknowledged.is_some());
        let was_told = || told.is_some_and(|entry| entry.firing.contains(&log::hash(&alert.labels)));
        alert.is_resolved_at(now) || !is_taken_care_of() || was_told()
    }
}

impl Escalating {
    /// An alert begins to fire, and may reach a step before the next look.
    pub(super) fn look_in_time(&mut self, starts_at: i64) {
        if !self.rules.is_empty() {
            self.next_look = self.next_look.min(starts_at.saturating_add(self.first_after));
        }
    }
}

fn side_routes(named: &Named, rule: &Escalation) -> impl Iterator<Item = SideRoute> {
    rule.steps.iter().enumerate().map(|(place, step)| SideRoute {
        key: format!("escalation:{}/{place}", named.id).into(),
        receiver: step.receiver.as_str().into(),
        matchers: rule.matchers.clone(),
        group_interval: Duration::from_ms(LOOK_EVERY),
    })
}
