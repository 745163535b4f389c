//! What is left of a budget, and for how long.
//!
//! Everything is weighted by events: an hour with a million requests counts a million times as much as one with a single
//! request. The mean of the ratios of hours would let the failure of that single request spend as much as an hour in which
//! everything failed.

use crate::base::time::Duration;

/// What was counted within a time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counted {
    /// All events.
    pub events: f64,
    /// Those that were bad.
    pub bad: f64,
}

impl Counted {
    /// The part that was good; none without events.
    pub fn good_ratio(self) -> Option<f64> {
        (self.events > 0.0).then(|| 1.0 - self.bad / self.events)
    }

    /// How fast it burns a budget (a part of 1); none without events.
    pub fn burn(self, budget: f64) -> Option<f64> {
        (self.events > 0.0).then(|| self.bad / self.events / budget)
    }
}

/// A budget over its period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// The part of all events that may be bad.
    pub part: f64,
    /// How long the period is, in milliseconds.
    pub period: i64,
    /// Which part of the period is over, 0 to 1.
    pub elapsed: f64,
    /// What was counted within it so far.
    pub counted: Counted,
}

impl Budget {
    /// The part of the budget that is left, below zero where more is spent; none without events.
    pub fn left(&self) -> Option<f64> {
        self.counted.burn(self.part).map(|burn| 1.0 - burn * self.elapsed)
    }

    /// How many more events may be bad, if as many come as came so far.
    pub fn events_left(&self) -> Option<f64> {
        let all = if self.elapsed > 0.0 { self.counted.events / self.elapsed } else { 0.0 };
        self.left().map(|left| left * all * self.part)
    }

    /// For how long everything may fail before it is spent; nothing where it is spent.
    pub fn time_left(&self) -> Option<Duration> {
        self.left().map(|left| Duration::from_ms((left.max(0.0) * self.part * self.period as f64) as i64))
    }

    /// How long what is left lasts at a pace; none where that pace does not spend it within the period.
    pub fn lasts(&self, rate: f64) -> Option<Duration> {
        let left = self.left()?;
        if left <= 0.0 {
            return Some(Duration::default());
        }
        if rate <= 0.0 {
            return None;
        }
        let lasts = left * self.period as f64 / rate;
        // Until the end of the period the rest of a calendar's is still to come; a rolling one forgets what is old.
        let ahead = if self.elapsed < 1.0 { (1.0 - self.elapsed) * self.period as f64 } else { self.period as f64 };
        (lasts < ahead).then(|| Duration::from_ms(lasts as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::model::period::DAY;

    fn budget(events: f64, bad: f64, elapsed: f64) -> Budget {
        Budget { part: 0.001, period: 30 * DAY, elapsed, counted: Counted { events, bad } }
    }

    fn near(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 1e-9)
    }

    #[test]
    fn a_budget_is_spent_by_events() {
        let half = budget(1_000_000.0, 500.0, 1.0);
        assert!(near(half.left(), 0.5) && near(half.events_left(), 500.0));
        // 0.1 % of 30 days are 43.2 minutes.
        assert_eq!(half.time_left().unwrap().ms(), (43.2 * 60_000.0 / 2.0) as i64);
        assert!(near(budget(1_000_000.0, 2_000.0, 1.0).left(), -1.0));
        assert_eq!(budget(0.0, 0.0, 1.0).left(), None, "nothing was counted");
        assert!(near(budget(100.0, 0.0, 1.0).left(), 1.0));
    }

    #[test]
    fn a_month_that_is_young_has_its_whole_budget() {
        // Everything failed for an hour on the second day of a month that may fail for 43.2 minutes.
        let young = budget(48.0, 1.0, 2.0 / 30.0);
        assert!(near(young.left(), 1.0 - 1.0 / (48.0 * 15.0 * 0.001)));
        // Half of what may fail has failed, whenever it was in the month.
        let first = budget(1_000.0, 15.0, 1.0 / 30.0);
        assert!(near(first.left(), 0.5), "{:?}", first.left());
        assert!(near(first.events_left(), 15.0));
    }

    #[test]
    fn a_pace_says_when_it_is_gone() {
        let half = budget(1_000_000.0, 500.0, 1.0);
        assert_eq!(half.lasts(5.0).unwrap().ms(), 3 * DAY);
        assert_eq!(half.lasts(0.4), None, "it lasts longer than the period");
        assert_eq!(half.lasts(0.0), None);
        assert_eq!(budget(1_000.0, 2.0, 1.0).lasts(0.0), Some(Duration::default()), "it is gone");
    }
}
