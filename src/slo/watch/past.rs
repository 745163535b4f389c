//! What spent a budget: stretches of hours in which it burnt faster than it may, and what was marked in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::ports::{Evaluate, EvaluateError, When};
use crate::series::value::Value;
use crate::slo::config::Slo;
use crate::slo::model::figures::Counted;
use crate::slo::model::period::window;
use crate::slo::rules::{BAD, EVENTS};
use crate::slo::watch::standing::{Standing, ask};

/// Stretches that are shown of one objective.
const STRETCHES_MAX: usize = 20;
const HOUR: i64 = 3_600_000;

/// Hours beside each other in which a budget burnt too fast. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// The labels that group.
    pub labels: Labels,
    /// From when.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// What was counted in it.
    pub counted: Counted,
    /// The part of the budget that it spent.
    pub spent: f64,
    /// How fast the budget burnt in the worst of its hours.
    pub worst: f64,
}

/// The hours of a time, of each label set: when each ended, and what was counted in it.
pub type Hours = BTreeMap<Labels, BTreeMap<i64, Counted>>;

/// What was counted in each hour of the period. Blocking.
///
/// # Errors
/// Why it is not known.
pub fn hours(evaluate: &Arc<dyn Evaluate>, slo: &Slo, at: i64) -> Result<Hours, EvaluateError> {
    let span = slo.period().around(at);
    let hour = window(Duration::from_ms(HOUR));
    // Whole hours, so that each is counted once.
    let when = When::Range { start: span.from.div_euclid(HOUR) * HOUR + HOUR, end: at.div_euclid(HOUR) * HOUR, step: HOUR };
    let mut hours = Hours::new();
    for (metric, is_bad) in [(EVENTS, false), (BAD, true)] {
        let query = format!("{metric}{{slo={},window={}}}", quote(&slo.name), quote(&hour));
        let Value::Matrix(series) = ask(evaluate, &query, when)? else { continue };
        for one in series {
            let labels = one.labels.without(|label| matches!(label, METRIC_NAME | "slo" | "window"));
            let known = hours.entry(labels).or_default();
            for (at, value) in one.floats.into_iter().filter(|(_, value)| value.is_finite()) {
                let counted = known.entry(at).or_default();
                if is_bad { counted.bad = value } else { counted.events = value }
            }
        }
    }
    Ok(hours)
}

/// The stretches that spent most, the newest first.
pub fn stretches(hours: &Hours, standings: &[Standing]) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for standing in standings {
        let budget = &standing.budget;
        // What may be bad in all, if as many events come as came so far.
        let allowed = budget.counted.events / budget.elapsed.max(1e-9) * budget.part;
        let Some(hours) = hours.get(&standing.labels).filter(|_| allowed > 0.0) else { continue };
        let mut open: Option<Stretch> = None;
        for (at, counted) in hours {
            let Some(burn) = counted.burn(budget.part).filter(|burn| *burn > 1.0) else {
                all.extend(open.take());
                continue;
            };
            if open.as_ref().is_some_and(|open| open.until + HOUR < *at) {
                all.extend(open.take());
            }
            let labels = || standing.labels.clone();
            let begun = || Stretch { labels: labels(), from: at - HOUR, until: *at, counted: Counted::default(), spent: 0.0, worst: 0.0 };
            let stretch = open.get_or_insert_with(begun);
            stretch.until = *at;
            stretch.counted.events += counted.events;
            stretch.counted.bad += counted.bad;
            stretch.spent = stretch.counted.bad / allowed;
            stretch.worst = stretch.worst.max(burn);
        }
        all.extend(open);
    }
    all.sort_by(|a, b| b.spent.total_cmp(&a.spent));
    all.truncate(STRETCHES_MAX);
    all.sort_by_key(|stretch| std::cmp::Reverse(stretch.from));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::model::burn::State;
    use crate::slo::model::figures::Budget;

    #[test]
    fn hours_that_burn_beside_each_other_are_one_stretch() {
        let counted = |bad: f64| Counted { events: 1_000.0, bad };
        let bad = [0.0, 5.0, 15.0, 0.0, 0.0, 2.0];
        let mut of: BTreeMap<i64, Counted> = bad.iter().enumerate().map(|(at, bad)| ((at as i64 + 1) * HOUR, counted(*bad))).collect();
        // The server was down for some hours.
        of.insert(20 * HOUR, counted(3.0));
        let hours = Hours::from([(Labels::empty(), of)]);
        let budget = Budget { part: 0.001, period: 30 * 24 * HOUR, elapsed: 1.0, counted: Counted { events: 100_000.0, bad: 25.0 } };
        let standing = Standing { labels: Labels::empty(), budget, rates: Vec::new(), events: Vec::new(), state: State::Fine };
        let found = stretches(&hours, &[standing]);
        let said: Vec<(i64, i64, f64, f64)> =
            found.iter().map(|one| (one.from / HOUR, one.until / HOUR, one.counted.bad, one.worst)).collect();
        assert_eq!(said, [(19, 20, 3.0, 3.0), (5, 6, 2.0, 2.0), (1, 3, 20.0, 15.0)]);
        assert!((found[2].spent - 0.2).abs() < 1e-9, "20 of the 100 that may be bad");
    }
}
