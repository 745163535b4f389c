//! The states of the alerts of one rule: a machine without a clock, moved by each evaluation.
//!
//! As Prometheus documents it: a series that the expression gives is pending until `for` is over, fires while it is
//! given (and for `keep_firing_for` longer), and is kept as inactive for a while, so that its end is told more than once.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::alerts::model::{Alert, Alerting, State};
use crate::base::time::Duration;
use crate::series::labels::Labels;

/// How long an alert that is over is kept and told about.
pub const RESOLVED_KEPT: Duration = Duration::from_secs(15 * 60);
/// An alert that must hold for longer than this gets back, after a restart, the time it has been pending.
pub const GRACE: Duration = Duration::from_secs(10 * 60);

/// What an evaluation gave for one alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// Labels of the alert.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

/// Why an evaluation changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Two series became one alert.
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    SameLabels,
    /// Too many alerts: all of the rule are dropped, as upstream does.
    #[error("exceeded limit of {limit} with {count} alerts")]
    TooMany {
        /// What is allowed.
        limit: u64,
        /// What there would be.
        count: usize,
    },
}

/// A change of state worth telling.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The alert.
    pub labels: Labels,
    /// Its state before; none if it was not there.
    pub from: Option<State>,
    /// Its state now; none if it is gone.
    pub to: Option<State>,
}

/// The alerts of one rule.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    active: BTreeMap<Labels, Alert>,
}

impl Alerts {
    /// Goes on to `now`, at which the expression gave `given`.
    ///
    /// # Errors
    /// Nothing changes when two series have the same labels; all alerts are dropped when there are too many.
    pub fn step(&mut self, now: i64, given: Vec<Given>, rule: &Alerting, limit: u64) -> Result<Vec<Change>, StepError> {
        let mut seen: FxHashMap<Labels, Given> = FxHashMap::default();
        for one in given {
            if seen.insert(one.labels.clone(), one).is_some() {
                return Err(StepError::SameLabels);
            }
        }
        let mut changes = Vec::new();
        self.end_missing(now, &seen, rule, &mut changes);
        for (_, one) in seen {
            self.hold(now, one, rule, &mut changes);
        }
        let count = self.active.values().filter(|alert| alert.state != State::Inactive).count();
        if limit > 0 && count as u64 > limit {
            self.active.clear();
            return Err(StepError::TooMany { limit, count });
        }
        Ok(changes)
    }

    /// Alerts whose condition does not hold any more.
    fn end_missing(&mut self, now: i64, seen: &FxHashMap<Labels, Given>, rule: &Alerting, changes: &mut Vec<Change>) {
        self.active.retain(|labels, alert| {
            if seen.contains_key(labels) {
                return true;
            }
            let before = alert.state;
            if before == State::Firing && rule.keep_firing.ms() > 0 {
                let since = *alert.keep_firing_since.get_or_insert(now);
                if now - since < rule.keep_firing.ms() {
                    return true;
                }
            }
            if before != State::Inactive {
                alert.state = State::Inactive;
                alert.resolved_at = Some(now);
            }
            let is_forgotten = before == State::Pending || alert.resolved_at.is_some_and(|at| now - at > RESOLVED_KEPT.ms());
            if is_forgotten || before != State::Inactive {
                let to = (!is_forgotten).then_some(State::Inactive);
                changes.push(Change { labels: labels.clone(), from: Some(before), to });
            }
            !is_forgotten
        });
    }

    /// An alert whose condition holds.
    fn hold(&mut self, now: i64, given: Given, rule: &Alerting, changes: &mut Vec<Change>) {
        let before = self.active.get(&given.labels).map(|alert| alert.state);
        let alert = self.active.entry(given.labels.clone()).or_insert_with(|| Alert::pending(given.labels.clone(), now));
        if before == Some(State::Inactive) {
            *alert = Alert::pending(given.labels.clone(), now);
        }
        alert.value = given.value;
        alert.annotations = given.annotations;
        alert.keep_firing_since = None;
        if alert.state == State::Pending && now - alert.active_at >= rule.hold.ms() {
            alert.state = State::Firing;
            alert.fired_at = Some(now);
        }
        if before != Some(alert.state) {
            changes.push(Change { labels: given.labels, from: before, to: Some(alert.state) });
        }
    }

    /// All alerts, also those that are over, by labels.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.active.values()
    }

    /// The alert with these labels.
    pub fn get(&self, labels: &Labels) -> Option<&Alert> {
        self.active.get(labels)
    }

    /// The state of the rule: that of its most urgent alert.
    pub fn state(&self) -> State {
        self.active.values().map(|alert| alert.state).max().unwrap_or(State::Inactive)
    }

    /// The alerts to tell routing about now, marked as told.
    ///
    /// An alert that fires is told again every `resend`, one that is over until it is forgotten.
    pub fn take_due(&mut self, now: i64, resend: Duration, interval: Duration) -> Vec<Alert> {
        let mut due = Vec::new();
        for alert in self.active.values_mut() {
            if alert.state == State::Pending {
                continue;
            }
            let ended_since = alert.resolved_at.is_some_and(|at| alert.last_sent_at.is_none_or(|sent| at > sent));
            let is_due = alert.last_sent_at.is_none_or(|sent| sent + resend.ms() < now);
            if ended_since || is_due {
                alert.last_sent_at = Some(now);
                // Allows for two evaluations or sendings that fail.
                alert.valid_until = now + 4 * interval.ms().max(resend.ms());
                due.push(alert.clone());
            }
        }
        due
    }

    /// Gives an alert back the time it had been pending before a restart: `last_seen` is the last evaluation before,
    /// `active_at` what the alert said then.
    ///
    /// An alert that was firing fires again at once; one that has only little time to go waits for [`GRACE`], in which
    /// its condition may turn out to be over.
    pub fn restore(&mut self, labels: &Labels, rule: &Alerting, now: i64, last_seen: i64, active_at: i64) {
        if rule.hold < GRACE {
            return;
        }
        let Some(alert) = self.active.get_mut(labels).filter(|alert| alert.state != State::Inactive) else { return };
        let remaining = rule.hold.ms() - (last_seen - active_at);
        alert.active_at = if remaining <= 0 {
            active_at
        } else if remaining < GRACE.ms() {
            now + GRACE.ms() - rule.hold.ms()
        } else {
            active_at + (now - last_seen)
        };
        alert.state = State::Pending;
        alert.fired_at = None;
    }
}

#[cfg(test)]
mod tests;
