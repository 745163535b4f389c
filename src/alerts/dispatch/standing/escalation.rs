//! Alerts that nobody takes care of: others are told, step by step. Each step is a route beside the tree, whose groups are
//! told as all others are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::{Known, Standing};
use crate::alerts::calm::{Escalation, Handling, Named};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::route::{Entry, Groups, Route, RouteTree, SideRoute, log};
use crate::base::time::Duration;

/// How often all alerts are looked at, and how soon a group tells of changes.
const LOOK_EVERY: i64 = 30_000;
/// How often those are looked at at most that reach a step meanwhile.
const LOOK_PAUSE: i64 = 1_000;

/// Escalations at work.
#[derive(Default)]
pub(super) struct Escalating {
    /// Each rule, and the place of the route of its first step; those of the others follow.
    rules: Vec<(Escalation, usize)>,
    /// How long an alert has to fire at least, in milliseconds.
    first_after: i64,
    /// When all alerts are looked at next, in milliseconds since the Unix epoch.
    next_look: i64,
    /// When alerts may reach a step before that, and which.
    reaching: BTreeSet<(i64, u64)>,
    /// When those are looked at that reached one meanwhile, at the earliest.
    not_before: i64,
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
        self.escalating.look_anew(now);
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
        let escalating = &mut self.escalating;
        if escalating.rules.is_empty() {
            return;
        }
        // A clock that was set back by far must not keep alerts from being looked at.
        if now >= escalating.next_look || escalating.next_look - now > LOOK_EVERY {
            escalating.look_anew(now.saturating_add(LOOK_EVERY));
            for (name, known) in &self.known {
                escalating.look_at(*name, known, &self.handlings, &mut self.groups, now);
            }
        } else if now >= escalating.not_before && escalating.reaching.first().is_some_and(|(at, _)| *at <= now) {
            let later = escalating.reaching.split_off(&(now.saturating_add(1), 0));
            for (_, name) in std::mem::replace(&mut escalating.reaching, later) {
                if let Some(known) = self.known.get(&name) {
                    escalating.look_at(name, known, &self.handlings, &mut self.groups, now);
                }
            }
            escalating.not_before = now.saturating_add(LOOK_PAUSE);
        }
    }

    /// When alerts are looked at next, if there are escalations.
    pub(super) fn next_look(&self) -> Option<i64> {
        let escalating = &self.escalating;
        let reached = escalating.reaching.first().map(|(at, _)| (*at).max(escalating.not_before));
        let next = reached.map_or(escalating.next_look, |at| at.min(escalating.next_look));
        (!escalating.rules.is_empty()).then_some(next)
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
        let is_taken_care_of = || self.handlings.get(&alert.fingerprint()).is_some_and(Handling::is_acknowledged);
        let was_told = || told.is_some_and(|entry| entry.firing.contains(&log::hash(&alert.labels)));
        alert.is_resolved_at(now) || !is_taken_care_of() || was_told()
    }
}

impl Escalating {
    /// All alerts are looked at at this instant.
    fn look_anew(&mut self, next_look: i64) {
        self.next_look = next_look;
        self.not_before = i64::MIN;
        self.reaching.clear();
    }

    /// An alert may reach a step at this instant.
    fn look_at_later(&mut self, name: u64, at: i64) {
        if at < self.next_look {
            self.reaching.insert((at, name));
        }
    }

    /// An alert begins to fire.
    pub(super) fn begins(&mut self, name: u64, starts_at: i64) {
        if !self.rules.is_empty() {
            self.look_at_later(name, starts_at.saturating_add(self.first_after));
        }
    }

    /// Puts an alert where it is told, if it reached a step.
    fn look_at(&mut self, name: u64, known: &Known, handlings: &BTreeMap<u64, Handling>, groups: &mut Groups, now: i64) {
        let alert = &known.alert;
        let first_at = alert.starts_at.saturating_add(self.first_after);
        if known.is_over || handlings.get(&name).is_some_and(Handling::is_acknowledged) {
            return;
        }
        if first_at > now {
            return self.look_at_later(name, first_at);
        }
        let mut next = None;
        for (rule, first_route) in self.rules.iter().filter(|(rule, _)| rule.matchers.matches(&alert.labels)) {
            for step in rule.reached(alert.starts_at, now) {
                self.steps += u64::from(groups.insert_beside(first_route + step, alert, now));
            }
            next = next.into_iter().chain(rule.next_at(alert.starts_at, now)).min();
        }
        if let Some(next) = next {
            self.look_at_later(name, next);
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
