//! How an objective stands: its figures, read from what its rules recorded, so that pages, alerts and history never differ.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::cancel::Cancel;
use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::ports::{Evaluate, EvaluateError, Question, When};
use crate::series::value::Value;
use crate::slo::config::Slo;
use crate::slo::model::burn::{State, WINDOWS, state};
use crate::slo::model::figures::{Budget, Counted};
use crate::slo::model::period::window;
use crate::slo::rules::{BAD, BURN, EVENTS};

/// Label sets of one objective that are shown.
pub const GROUPS_MAX: usize = 200;

/// How one label set of an objective stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The labels that group.
    pub labels: Labels,
    /// Its budget over the period.
    pub budget: Budget,
    /// Burn rates by window; those of which nothing is known are missing.
    pub rates: Vec<(Duration, f64)>,
    /// Events by window.
    pub events: Vec<(Duration, f64)>,
    /// Where it stands, in a word.
    pub state: State,
}

impl Standing {
    /// The burn rate of a window.
    pub fn rate(&self, of: Duration) -> Option<f64> {
        self.rates.iter().find(|(known, _)| *known == of).map(|(_, rate)| *rate)
    }

    /// The pace at which it burns: that of the last 6 hours, or of an hour where that is all there is.
    pub fn pace(&self) -> Option<f64> {
        let [.., hour, _, six, _, _] = WINDOWS;
        self.rate(six).or_else(|| self.rate(hour))
    }
}

/// What was recorded, by the objective's name.
pub type Recorded = BTreeMap<String, Vec<(Labels, f64)>>;

/// Asks a question of an instant. Blocking.
///
/// # Errors
/// Why there is no answer.
pub fn ask(evaluate: &Arc<dyn Evaluate>, query: &str, when: When) -> Result<Value, EvaluateError> {
    evaluate.evaluate(&Question { query, when, cancel: Cancel::new() }).map(|answer| answer.value)
}

/// Everything that was recorded, of one objective or of all. Blocking.
///
/// # Errors
/// Why it is not known.
pub fn recorded(evaluate: &Arc<dyn Evaluate>, name: Option<&str>, at: i64) -> Result<Recorded, EvaluateError> {
    let of = name.map(|name| format!(",slo={}", quote(name))).unwrap_or_default();
    let query = format!("{{__name__=~\"{EVENTS}|{BAD}|{BURN}\"{of}}}");
    let mut all = Recorded::new();
    for (labels, value) in ask(evaluate, &query, When::Instant(at))?.into_numbers() {
        let slo = labels.get("slo").unwrap_or_default().to_owned();
        all.entry(slo).or_default().push((labels, value));
    }
    Ok(all)
}

/// The label sets of an objective, the worst first.
pub fn standings(slo: &Slo, recorded: &[(Labels, f64)], at: i64) -> Vec<Standing> {
    let period = slo.period();
    let name = period.to_string();
    let windows = crate::slo::rules::windows(slo);
    let pairs = slo.pairs();
    let mut groups: BTreeMap<Labels, BTreeMap<(&str, &str), f64>> = BTreeMap::new();
    for (labels, value) in recorded {
        let key = labels.without(|label| matches!(label, METRIC_NAME | "slo" | "window"));
        let entry = (labels.metric_name(), labels.get("window").unwrap_or_default());
        groups.entry(key).or_default().insert(entry, *value);
    }
    let one = |(labels, values): (Labels, BTreeMap<(&str, &str), f64>)| {
        let of = |metric: &str, window: &str| values.get(&(metric, window)).copied().filter(|value| value.is_finite());
        let by_window = |metric: &str| windows.iter().filter_map(|length| Some((*length, of(metric, &window(*length))?))).collect();
        let counted = Counted { events: of(EVENTS, &name).unwrap_or(0.0), bad: of(BAD, &name).unwrap_or(0.0) };
        let budget = Budget { part: slo.budget(), period: period.length(at), elapsed: period.elapsed(at), counted };
        let rates: Vec<(Duration, f64)> = by_window(BURN);
        let rate = |length: Duration| rates.iter().find(|(known, _)| *known == length).map(|(_, rate)| *rate);
        let state = state(&pairs, rate, budget.left());
        Standing { labels, budget, state, events: by_window(EVENTS), rates }
    };
    let mut all: Vec<Standing> = groups.into_iter().map(one).collect();
    let left = |standing: &Standing| standing.budget.left().unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| a.state.cmp(&b.state).then(left(a).total_cmp(&left(b))));
    all.truncate(GROUPS_MAX);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::config::read_one;

    fn labels(metric: &str, window: &str, zone: &str) -> Labels {
        Labels::from_pairs([(METRIC_NAME, metric), ("slo", "Shop"), ("window", window), ("zone", zone)])
    }

    #[test]
    fn what_was_recorded_says_how_it_stands() {
        let slo = read_one("{name: Shop, objective: 99.9, group_by: [zone], ratio: {bad: b, total: t}}").unwrap();
        let recorded = [
            (labels(EVENTS, "30d", "a"), 1_000_000.0),
            (labels(BAD, "30d", "a"), 100.0),
            (labels(BURN, "5m", "a"), 0.0),
            (labels(EVENTS, "30d", "b"), 1_000_000.0),
            (labels(BAD, "30d", "b"), 900.0),
            (labels(BURN, "5m", "b"), 20.0),
            (labels(BURN, "1h", "b"), 20.0),
            (labels(BURN, "6h", "b"), f64::NAN),
        ];
        let all = standings(&slo, &recorded, 0);
        let said: Vec<(&str, State)> = all.iter().map(|one| (one.labels.get("zone").unwrap(), one.state)).collect();
        assert_eq!(said, [("b", State::Critical), ("a", State::Fine)]);
        assert!((all[0].budget.left().unwrap() - 0.1).abs() < 1e-9);
        assert_eq!((all[0].pace(), all[0].rates.len()), (Some(20.0), 2), "what is no number is not known");
        assert!(standings(&slo, &[], 0).is_empty());
    }
}
