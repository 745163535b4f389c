//! How everything looks from outside: alerts and groups with what keeps them back now.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Standing;
use crate::alerts::dispatch::{AlertView, GroupView, Marks};
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::{SilenceState, silenced_by};
use crate::alerts::route::groups;
use crate::alerts::route::mute::Muting;

/// Alerts that fire, alerts that are kept back, alerts that no group looked at yet.
pub(in crate::alerts::dispatch) struct Counts {
    pub(in crate::alerts::dispatch) active: usize,
    pub(in crate::alerts::dispatch) suppressed: usize,
    pub(in crate::alerts::dispatch) unprocessed: usize,
    /// Silences that are active, pending, over.
    pub(in crate::alerts::dispatch) silences: [usize; 3],
    /// Alerts that come and go.
    pub(in crate::alerts::dispatch) flapping: usize,
    /// Digests that were told or tried.
    pub(in crate::alerts::dispatch) digests: u64,
    /// Steps of escalations that alerts reached.
    pub(in crate::alerts::dispatch) escalations: u64,
    /// Groups.
    pub(in crate::alerts::dispatch) groups: usize,
    /// Alerts that found no group.
    pub(in crate::alerts::dispatch) refused: u64,
}

impl Standing {
    /// Every alert that is not over.
    pub(in crate::alerts::dispatch) fn alerts(&self, now: i64) -> Vec<AlertView> {
        let looked_at = self.looked_at();
        let muted = self.muted(now);
        let on = self.known.iter().filter(|(_, known)| !known.alert.is_resolved_at(now));
        on.map(|(name, known)| {
            let mut view = self.view(&known.alert, now);
            view.marks.is_processed = looked_at.contains(name);
            view.marks.muted_by = muted.get(name).cloned().unwrap_or_default();
            view
        })
        .collect()
    }

    /// The alert of this name, if it is not over.
    pub(in crate::alerts::dispatch) fn alert(&self, name: u64, now: i64) -> Option<AlertView> {
        let known = self.known.get(&name).filter(|known| !known.alert.is_resolved_at(now))?;
        let mut view = self.view(&known.alert, now);
        view.marks.is_processed = self.groups.iter().any(|(_, group)| group.has_flushed && group.fingerprints().any(|other| other == name));
        view.marks.muted_by = self.muted(now).remove(&name).unwrap_or_default();
        Some(view)
    }

    /// Every group.
    pub(in crate::alerts::dispatch) fn groups(&self, now: i64) -> Vec<GroupView> {
        let tree = self.groups.tree();
        let mut views: Vec<GroupView> = Vec::new();
        for (id, group) in self.groups.iter() {
            let Some(route) = tree.get(id.route) else { continue };
            let muted_by = self.muting().muted_by(&route.mute_time_intervals, &route.active_time_intervals, now);
            let view = |alert: &RoutedAlert| {
                let mut view = self.view(alert, now);
                view.marks.is_processed = group.has_flushed;
                view.marks.muted_by.clone_from(&muted_by);
                view
            };
            views.push(GroupView {
                labels: group.labels.clone(),
                receiver: Arc::clone(&route.receiver),
                key: Arc::clone(&group.key),
                route: id.route,
                due_at: group.due_at,
                alerts: group.alerts().iter().map(view).collect(),
                muted_by,
            });
        }
        // Those of escalations come last, so that the first of an alert is where it belongs.
        let is_beside = |view: &GroupView| tree.is_beside(view.route);
        views.sort_by(|a, b| {
            is_beside(a)
                .cmp(&is_beside(b))
                .then_with(|| groups::order(&a.labels, &b.labels))
                .then_with(|| a.receiver.cmp(&b.receiver))
                .then_with(|| a.route.cmp(&b.route))
        });
        views
    }

    /// Numbers for telemetry.
    pub(in crate::alerts::dispatch) fn counts(&self, now: i64) -> Counts {
        let looked_at = self.looked_at();
        let mut counts = Counts {
            active: 0,
            suppressed: 0,
            unprocessed: 0,
            silences: [0; 3],
            flapping: self.flaps.count(),
            digests: self.caps.digests,
            escalations: self.escalating.steps,
            groups: self.groups.iter().count(),
            refused: self.groups.refused(),
        };
        for (name, known) in self.known.iter().filter(|(_, known)| !known.alert.is_resolved_at(now)) {
            if !looked_at.contains(name) {
                counts.unprocessed += 1;
                continue;
            }
            let labels = &known.alert.labels;
            let is_silenced = || self.silences.iter().any(|silence| silence.silences(labels, now));
            let is_kept = known.alert.hush.is_some() || self.inhibitor.inhibits(labels, now).is_some() || is_silenced();
            if is_kept { counts.suppressed += 1 } else { counts.active += 1 }
        }
        for silence in &self.silences {
            let at = match silence.state(now) {
                SilenceState::Active => 0,
                SilenceState::Pending => 1,
                SilenceState::Expired => 2,
            };
            counts.silences[at] += 1;
        }
        counts
    }

    pub(super) fn muting(&self) -> Muting<'_> {
        Muting { inhibitor: &self.inhibitor, silences: &self.silences, intervals: &self.intervals }
    }

    fn view(&self, alert: &RoutedAlert, now: i64) -> AlertView {
        let receivers = self.groups.tree().matching(&alert.labels).iter().map(|route| Arc::clone(&route.receiver)).collect();
        let marks = Marks {
            is_processed: false,
            inhibited_by: self.inhibitor.inhibits(&alert.labels, now).map(|inhibition| inhibition.by).unwrap_or_default(),
            silenced_by: silenced_by(&self.silences, &alert.labels, now),
            muted_by: Vec::new(),
            hush: alert.hush.clone(),
            is_flapping: self.flaps.is_flapping(alert.fingerprint()),
        };
        let handling = self.handlings.get(&alert.fingerprint()).cloned().unwrap_or_default();
        AlertView { alert: alert.clone(), marks, receivers, handling }
    }

    /// Alerts of groups that were due before.
    fn looked_at(&self) -> HashSet<u64> {
        self.groups.iter().filter(|(_, group)| group.has_flushed).flat_map(|(_, group)| group.fingerprints()).collect()
    }

    /// Alerts all of whose groups are kept back by the calendar, and by which names.
    fn muted(&self, now: i64) -> HashMap<u64, Vec<String>> {
        let tree = self.groups.tree();
        let mut muted: HashMap<u64, Vec<String>> = HashMap::new();
        let mut free: HashSet<u64> = HashSet::new();
        for (id, group) in self.groups.iter().filter(|(id, _)| !tree.is_beside(id.route)) {
            let Some(route) = tree.get(id.route) else { continue };
            let names = self.muting().muted_by(&route.mute_time_intervals, &route.active_time_intervals, now);
            for alert in group.fingerprints() {
                if names.is_empty() {
                    free.insert(alert);
                } else {
                    muted.entry(alert).or_default().extend(names.iter().cloned());
                }
            }
        }
        muted.retain(|alert, names| {
            names.sort();
            names.dedup();
            !free.contains(alert)
        });
        muted
    }
}
