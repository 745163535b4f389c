//! How everything stands: what is known of each alert, its groups, what keeps them back, who was told what. No clock, no
//! disk, no network: every call is told the time, and what is to be stored or told comes back as a value.

mod cap;
mod escalation;
mod flap;
mod handling;
mod jobs;
mod orders;
mod recurring;
mod silences;
mod views;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::line::Lines;
use super::{Channels, DispatchError};
use crate::alerts::calm::{Calm, Flaps, Handling};
use crate::alerts::config::RoutingConfig;
use crate::alerts::model::State;
use crate::alerts::model::history::AlertChange;
use crate::alerts::model::interval::NamedIntervals;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::routing::InhibitRule;
use crate::alerts::model::silence::Silence;
use crate::alerts::route::{Groups, Inhibitor, RouteTree};
use crate::alerts::store::{Changes, Kept, LogKey, Logged};
use crate::base::time::Duration;

pub(super) use jobs::{End, Job, Order};

/// Most alerts that are known at a time.
const ALERTS_MAX: usize = 200_000;
/// How long after a restart an alert counts as on at most, unless it is heard of again. While the server was down nobody
/// could be heard.
const GRACE: i64 = 10 * 60_000;
/// How long at least a message may be tried, however short the group's interval is.
const TRY_AT_LEAST: i64 = 10_000;
/// How often what is over is cleared away.
const SWEEP_EVERY: i64 = 15_000;

/// What is known of an alert.
struct Known {
    alert: RoutedAlert,
    /// Its end as it was stored.
    stored_end: i64,
    /// Whether it is stored that it is over.
    is_over: bool,
    /// When it ended, if it counts as on because it comes and goes.
    held: Option<i64>,
}

/// How everything stands.
pub(super) struct Standing {
    known: BTreeMap<u64, Known>,
    groups: Groups,
    /// Of the configuration, without those of calm rules.
    inhibit_rules: Vec<InhibitRule>,
    inhibitor: Inhibitor,
    silences: Vec<Silence>,
    calm: Arc<Calm>,
    /// Who takes care of alerts that fire, by fingerprint.
    handlings: BTreeMap<u64, Handling>,
    flaps: Flaps,
    caps: cap::Caps,
    escalating: escalation::Escalating,
    looks: recurring::Looks,
    log: HashMap<LogKey, Logged>,
    /// Receivers and keys of groups that are being told.
    busy: HashSet<(Arc<str>, Arc<str>)>,
    intervals: BTreeMap<String, NamedIntervals>,
    resolve_timeout: Duration,
    pub(super) lines: Lines,
    next_sweep: i64,
    /// Alerts that came, firing and over.
    pub(super) received: (u64, u64),
}

impl Standing {
    /// What was stored, under a configuration.
    pub(super) fn new(kept: Kept, config: &RoutingConfig, tree: Arc<RouteTree>, channels: Channels, now: i64) -> Self {
        let mut standing = Self {
            known: BTreeMap::new(),
            groups: Groups::new(tree),
            inhibit_rules: Vec::new(),
            inhibitor: Inhibitor::default(),
            silences: kept.silences,
            calm: Arc::new(Calm::new(kept.calm)),
            handlings: kept.handlings,
            flaps: Flaps::default(),
            caps: cap::Caps::default(),
            escalating: escalation::Escalating::default(),
            looks: recurring::Looks::default(),
            log: kept.log.into_iter().collect(),
            busy: HashSet::new(),
            intervals: BTreeMap::new(),
            resolve_timeout: config.global.resolve_timeout,
            lines: Lines::default(),
            next_sweep: now,
            received: (0, 0),
        };
        for mut alert in kept.alerts {
            let end = alert.ends_at.unwrap_or(alert.updated_at);
            let is_over = end <= alert.updated_at;
            if !is_over {
                alert.ends_at = Some(end.max(now.saturating_add(end.saturating_sub(alert.updated_at).min(GRACE))));
            }
            standing.groups.insert(&alert, now);
            standing.known.insert(alert.fingerprint(), Known { alert, stored_end: end, is_over, held: None });
        }
        standing.configure(config, channels);
        standing.set_flapping(now);
        standing.set_caps(now);
        let tree = Arc::clone(standing.groups.tree());
        standing.set_escalations(&tree, now);
        standing
    }

    /// Goes on under another configuration.
    pub(super) fn apply(&mut self, config: &RoutingConfig, tree: Arc<RouteTree>, channels: Channels, now: i64) {
        self.configure(config, channels);
        self.set_escalations(&tree, now);
    }

    fn configure(&mut self, config: &RoutingConfig, channels: Channels) {
        self.inhibit_rules.clone_from(&config.inhibit_rules);
        self.set_inhibitor();
        self.intervals = config.intervals().map(|named| (named.name.clone(), named.clone())).collect();
        self.resolve_timeout = config.global.resolve_timeout;
        self.lines = Lines::new(channels, &self.lines);
    }

    /// Goes on under other calm rules.
    pub(super) fn set_calm(&mut self, calm: Calm, now: i64) {
        let before = std::mem::replace(&mut self.calm, Arc::new(calm));
        if !before.dependencies().map(|(_, rule)| rule).eq(self.calm.dependencies().map(|(_, rule)| rule)) {
            self.set_inhibitor();
        }
        self.set_flapping(now);
        self.set_caps(now);
        let tree = Arc::clone(self.groups.tree());
        self.set_escalations(&tree, now);
    }

    /// Takes alerts that came, own ones with their history known elsewhere. Those there is no room for are left out, and the answer says so.
    pub(super) fn take(&mut self, alerts: Vec<RoutedAlert>, is_own: bool, now: i64, changes: &mut Changes) -> Result<(), DispatchError> {
        let mut refused = 0;
        for mut alert in alerts {
            alert.updated_at = now;
            if alert.ends_at.is_none() {
                alert.ends_at = Some(now.saturating_add(self.resolve_timeout.ms()));
                alert.is_timeout = true;
            }
            refused += usize::from(!self.take_one(alert, is_own, now, changes));
        }
        if refused == 0 {
            return Ok(());
        }
        Err(DispatchError::TooMany(format!("{refused} alerts are not taken: {ALERTS_MAX} alerts are known already, which is the limit")))
    }

    /// Gives whether there was room for it.
    fn take_one(&mut self, alert: RoutedAlert, is_own: bool, now: i64, changes: &mut Changes) -> bool {
        let name = alert.fingerprint();
        let old = self.known.get(&name);
        let mut alert = match old {
            Some(old) => old.alert.updated_by(alert, now),
            None => alert,
        };
        let fires = !alert.is_resolved_at(now);
        if old.is_none() && fires && self.known.len() >= ALERTS_MAX {
            return false;
        }
        if fires {
            self.received.0 += 1
        } else {
            self.received.1 += 1
        }
        let was_on = old.is_some_and(Known::fires);
        let mut held = None;
        if let Some(until) = flap::damp(&mut self.flaps, &alert, was_on, now) {
            held = alert.ends_at;
            (alert.ends_at, alert.is_timeout) = (Some(until), true);
        }
        let is_over = alert.is_resolved_at(now);
        self.groups.insert(&alert, now);
        if alert.hush.is_none() && old.is_some_and(|old| old.alert.hush.is_some()) {
            self.groups.look_soon(&alert, now);
        }
        self.inhibitor.observe(&alert);
        if fires && !was_on {
            self.escalating.begins(name, alert.starts_at);
        }
        if old.is_none() && is_over {
            // Nobody knows of it, so there is nothing that must not be forgotten.
            return true;
        }
        if is_over {
            handling::end(&mut self.handlings, name, changes);
        }
        if !is_own && was_on != fires {
            let from = old.map(|_| if was_on { State::Firing } else { State::Inactive });
            let to = Some(if fires { State::Firing } else { State::Inactive });
            changes.history.push(AlertChange { at: now, labels: alert.labels.clone(), from, to, source: "".into() });
        }
        let end = alert.ends_at.unwrap_or(i64::MAX);
        let is_stored = old.is_some_and(|old| old.is_over == is_over && is_same(&old.alert, &alert) && old.end_is_good(end, is_over, now));
        let stored_end = old.filter(|_| is_stored).map_or(end, |old| old.stored_end);
        if !is_stored {
            changes.alerts.insert(name, Some(alert.clone()));
        }
        self.known.insert(name, Known { alert, stored_end, is_over, held });
        true
    }

    /// Takes down which alerts are over because nobody spoke of them any more: after a restart they must not be on again.
    fn note_ends(&mut self, now: i64, changes: &mut Changes) {
        for (name, known) in &mut self.known {
            if known.is_over || !known.alert.is_resolved_at(now) {
                continue;
            }
            if known.held.is_none() {
                let (from, to) = (Some(State::Firing), Some(State::Inactive));
                let at = known.alert.ends_at.unwrap_or(now);
                changes.history.push(AlertChange { at, labels: known.alert.labels.clone(), from, to, source: "".into() });
                self.flaps.ended(*name, at);
            }
            if known.ends(self.flaps.holds_until(*name), now) {
                self.groups.insert(&known.alert, now);
                self.inhibitor.observe(&known.alert);
            }
            if known.is_over {
                handling::end(&mut self.handlings, *name, changes);
            }
            changes.alerts.insert(*name, Some(RoutedAlert { updated_at: now, ..known.alert.clone() }));
        }
    }

    /// Forgets what nobody needs any more, every now and then.
    pub(super) fn sweep(&mut self, now: i64, changes: &mut Changes) {
        if now < self.next_sweep && self.next_sweep - now <= SWEEP_EVERY {
            return;
        }
        self.next_sweep = now.saturating_add(SWEEP_EVERY);
        self.note_ends(now, changes);
        self.groups.keep_up(now);
        self.inhibitor.sweep(now);
        self.flaps.sweep(now);
        if self.known.values().any(|known| known.is_over) {
            let grouped = self.groups.fingerprints();
            self.known.retain(|name, known| {
                let stays = !known.is_over || grouped.contains(name);
                if !stays {
                    changes.alerts.insert(*name, None);
                }
                stays
            });
        }
        let not_reminded = self.not_reminded();
        self.log.retain(|key, logged| {
            let stays = logged.expires_at > now || !not_reminded.is_disjoint(&logged.entry.firing);
            if !stays {
                changes.log.insert(key.clone(), None);
            }
            stays
        });
        self.sweep_handlings(changes);
        self.sweep_silences(now, changes);
    }
}

impl Known {
    /// Whether the stored end is good enough for an alert that ends at `end` now.
    ///
    /// Senders move the end forward each minute or so. That is not worth a write each time: after a restart the alert
    /// counts as on for as long as it would have, but for no longer than [`GRACE`].
    fn end_is_good(&self, end: i64, is_over: bool, now: i64) -> bool {
        let lease = end.saturating_sub(now);
        is_over || (end >= self.stored_end && (lease <= GRACE || self.stored_end.saturating_sub(now) >= lease / 2))
    }
}

/// Whether two reports of an alert say the same, but for its end.
fn is_same(one: &RoutedAlert, other: &RoutedAlert) -> bool {
    one.annotations == other.annotations
        && one.starts_at == other.starts_at
        && one.is_timeout == other.is_timeout
        && one.generator_url == other.generator_url
        && one.hush == other.hush
}
