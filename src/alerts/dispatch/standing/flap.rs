//! Alerts that come and go: their ends are held back until they are quiet.

use super::{Known, Standing};
use crate::alerts::calm::Flaps;
use crate::alerts::model::State;
use crate::alerts::model::history::AlertChange;
use crate::alerts::model::routed::{RoutedAlert, fingerprint};

impl Standing {
    /// From when on the history is needed for [`Self::recover_flaps`], if at all.
    pub(in crate::alerts::dispatch) fn flaps_from(&self, now: i64) -> Option<i64> {
        self.flaps.looks_back().map(|back| now.saturating_sub(back))
    }

    /// Goes on after a restart: counts anew from the history, oldest line first.
    pub(in crate::alerts::dispatch) fn recover_flaps(&mut self, history: &[AlertChange], now: i64) {
        for line in history {
            let name = fingerprint(&line.labels);
            if line.to == Some(State::Firing) {
                self.flaps.began(name, &line.labels, line.at);
            } else {
                self.flaps.ended(name, line.at);
            }
        }
        for (name, known) in self.known.iter_mut().filter(|(_, known)| !known.is_over) {
            known.held = self.flaps.over_since(*name);
        }
        self.hold_anew(now);
    }

    /// Goes on under other rules: what none of them holds back is over.
    pub(super) fn set_flapping(&mut self, now: i64) {
        let mut rules = self.calm.flapping().peekable();
        if rules.peek().is_some() || self.flaps.is_at_work() {
            self.flaps.set_rules(rules.map(|(_, rule)| rule));
            self.hold_anew(now);
        }
    }

    fn hold_anew(&mut self, now: i64) {
        for (name, known) in self.known.iter_mut().filter(|(_, known)| known.held.is_some()) {
            known.alert.ends_at = Some(self.flaps.holds_until(*name).unwrap_or(now));
            self.groups.insert(&known.alert, now);
        }
    }
}

/// Counts how an alert that came in comes and goes. Gives until when it counts as on though it is over.
pub(super) fn damp(flaps: &mut Flaps, alert: &RoutedAlert, was_on: bool, now: i64) -> Option<i64> {
    if !flaps.is_at_work() {
        return None;
    }
    let name = alert.fingerprint();
    if !alert.is_resolved_at(now) {
        if !was_on {
            flaps.began(name, &alert.labels, now);
        }
        return None;
    }
    if was_on {
        flaps.ended(name, alert.ends_at.unwrap_or(now));
    }
    flaps.holds_until(name).filter(|until| *until > now)
}

impl Known {
    /// Whether it fires, whatever it counts as.
    pub(super) const fn fires(&self) -> bool {
        !self.is_over && self.held.is_none()
    }

    /// Its time is over: either it is, or it counts as on for longer. Gives whether its end is another one now.
    pub(super) fn ends(&mut self, held_until: Option<i64>, now: i64) -> bool {
        let end = self.alert.ends_at;
        let real = self.held.take();
        if let Some(until) = held_until.filter(|until| *until > now) {
            self.held = real.or(end);
            self.alert.ends_at = Some(until);
            self.alert.is_timeout = true;
            self.stored_end = until;
            return true;
        }
        self.is_over = true;
        self.alert.ends_at = real.or(end);
        real.is_some()
    }
}
