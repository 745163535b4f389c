//! What is remembered of single results: the newest ones whole, older ones added up by the hour.

use std::collections::VecDeque;
use std::time::Duration;

use super::latency::Latencies;
use super::outcome::Outcome;

/// Newest results that are remembered one by one.
pub const BEATS_MAX: usize = 100;

/// An hour, in milliseconds.
pub const HOUR: i64 = 3_600_000;

/// One result, as a bar of a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// When the probe began, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Whether it counted for up.
    pub is_up: bool,
    /// How long it took.
    pub took: Duration,
    /// Why it failed; empty when it did not.
    pub why: String,
}

/// Results of one hour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hour {
    /// Hours since the Unix epoch.
    pub hour: i64,
    /// Results that counted against up.
    pub failed: u32,
    /// How long the others took.
    pub latencies: Latencies,
}

impl Hour {
    /// Results in all.
    pub const fn count(&self) -> u64 {
        self.latencies.count() + self.failed as u64
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.failed = self.failed.saturating_add(other.failed);
        self.latencies.merge(&other.latencies);
    }
}

/// What is remembered of one check's results.
#[derive(Debug, Clone, Default)]
pub struct Beats {
    newest: VecDeque<Beat>,
    /// Hours that changed and were not taken yet, ascending; the last may go on.
    hours: Vec<Hour>,
    is_changed: bool,
}

impl Beats {
    /// Goes on from the hour that was kept last.
    pub fn resumed(hour: Option<Hour>) -> Self {
        Self { hours: hour.into_iter().collect(), ..Self::default() }
    }

    /// Takes in a result that began at `at` (milliseconds since the Unix epoch).
    pub fn add(&mut self, at: i64, is_up: bool, outcome: &Outcome) {
        if self.newest.len() == BEATS_MAX {
            self.newest.pop_front();
        }
        let why = outcome.failure.as_ref().map_or_else(String::new, |failure| failure.text.clone());
        self.newest.push_back(Beat { at, is_up, took: outcome.took, why });
        let hour = self.hour_at(at.div_euclid(HOUR));
        if is_up {
            hour.latencies.add(outcome.took);
        } else {
            hour.failed = hour.failed.saturating_add(1);
        }
        self.is_changed = true;
    }

    /// The newest results, ascending.
    pub fn newest(&self) -> impl DoubleEndedIterator<Item = &Beat> + ExactSizeIterator {
        self.newest.iter()
    }

    /// The hours that changed since the last time. The last of them stays, as it may go on.
    pub fn take_hours(&mut self) -> Vec<Hour> {
        if !std::mem::take(&mut self.is_changed) {
            return Vec::new();
        }
        let changed = self.hours.clone();
        self.hours.drain(..self.hours.len().saturating_sub(1));
        changed
    }

    /// Of a clock that went back the newest hour takes what comes late.
    fn hour_at(&mut self, hour: i64) -> &mut Hour {
        if self.hours.last().is_none_or(|last| last.hour < hour) {
            self.hours.push(Hour { hour, ..Hour::default() });
        }
        let last = self.hours.len() - 1;
        &mut self.hours[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::model::outcome::{Failure, FailureKind};

    fn outcome(ms: u64) -> Outcome {
        Outcome { took: Duration::from_millis(ms), ..Outcome::default() }
    }

    #[test]
    fn hours_are_taken_once_and_the_last_goes_on() {
        let mut beats = Beats::default();
        beats.add(HOUR - 1, true, &outcome(10));
        beats.add(HOUR, true, &outcome(20));
        let first: Vec<(i64, u64)> = beats.take_hours().iter().map(|hour| (hour.hour, hour.count())).collect();
        assert_eq!(first, [(0, 1), (1, 1)]);
        assert_eq!(beats.take_hours(), []);
        let failure = Failure { kind: FailureKind::Status, text: "503".to_owned() };
        beats.add(HOUR + 5, false, &Outcome { failure: Some(failure), ..outcome(30) });
        let hours = beats.take_hours();
        assert_eq!((hours.len(), hours[0].hour, hours[0].count(), hours[0].failed), (1, 1, 2, 1));
        assert_eq!(hours[0].latencies.mean(), Some(Duration::from_millis(20)));
        assert_eq!(beats.newest().last().unwrap().why, "503");
    }

    #[test]
    fn a_restart_goes_on_in_the_same_hour() {
        let mut beats = Beats::default();
        beats.add(5, true, &outcome(10));
        let mut again = Beats::resumed(beats.take_hours().pop());
        assert_eq!(again.take_hours(), [], "nothing changed yet");
        again.add(6, true, &outcome(10));
        assert_eq!(again.take_hours()[0].count(), 2);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut beats = Beats::default();
        (0..BEATS_MAX as i64 + 5).for_each(|at| beats.add(at, true, &outcome(1)));
        assert_eq!((beats.newest().len(), beats.newest().next().unwrap().at), (BEATS_MAX, 5));
    }
}
