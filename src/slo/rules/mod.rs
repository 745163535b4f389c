//! The rules of an objective, made of its declaration: what they record is all that figures, pages and alerts are computed
//! from, and a plain Prometheus that evaluates them comes to the same.
//!
//! Two numbers are recorded for each of some windows: `slo:events:count` and `slo:bad_events:count`, by the labels `slo`,
//! `window` and those that group. `slo:burn_rate:ratio` is their ratio by the budget, `slo:budget_left:ratio` what is left
//! of that over the period.
//!
//! Windows up to 6 hours are counted from the counters themselves. Longer ones are sums of the counts of 5 minutes, 5
//! minutes apart, so that each event counts once; so are short ones where something is not counted (maintenance) or where
//! counting is dear (logs), a minute apart and by a fifth.

mod alerting;
mod counting;
mod print;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use counting::{BAD, BUDGET_LEFT, BURN, EVENTS, OBJECTIVE, counts_good, lines_question, question};
pub use print::print;

use crate::base::float;
use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::slo::config::{Indicator, Slo};
use crate::slo::model::burn::WINDOWS;
use crate::slo::model::period::window;

/// How often what burns fast is looked at.
const OFTEN: Duration = Duration::from_secs(30);
/// How often what needs more work is.
const SELDOM: Duration = Duration::from_secs(60);
/// How often long windows are; series are looked for in the last 5 minutes, so it has to be less.
const LONG: Duration = Duration::from_secs(120);
/// The longest window that is counted often.
const SHORT_MAX: Duration = Duration::from_secs(6 * 3600);

/// Rules that are evaluated one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How often it is evaluated.
    pub interval: Duration,
    /// Whether its queries are of logs.
    pub is_logs: bool,
    /// In order.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The metric or the alert.
    pub name: String,
    /// What is asked.
    pub expr: String,
    /// Labels to set.
    pub labels: BTreeMap<String, String>,
    /// What an alert has besides; none for a rule that records.
    pub alert: Option<Alert>,
}

/// What only alerts have.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// For how long before anybody is told.
    pub hold: Duration,
    /// Texts for people.
    pub annotations: BTreeMap<String, String>,
}

/// The windows of an objective but its period, ascending: those that are always recorded and those of its alerts.
pub fn windows(slo: &Slo) -> Vec<Duration> {
    let mut all: Vec<Duration> = WINDOWS.into_iter().chain(slo.pairs().iter().flat_map(|pair| [pair.short, pair.long])).collect();
    all.sort_unstable_by_key(|window| window.ms());
    all.dedup();
    all
}

/// The groups of an objective as they are right at an instant: a part of the calendar begins somewhere.
pub fn groups(slo: &Slo, at: i64) -> Vec<Group> {
    let (short, long): (Vec<Duration>, Vec<Duration>) = windows(slo).into_iter().partition(|window| *window <= SHORT_MAX);
    let mut groups = Vec::new();
    if let Some(Indicator::Logs(_)) = slo.indicator() {
        groups.push(Group { name: format!("{} lines", slo.name), interval: SELDOM, is_logs: true, rules: counting::lines(slo) });
    }
    let mut rules: Vec<Rule> = short.iter().flat_map(|length| counting::window(slo, *length)).collect();
    rules.extend(alerting::burning(slo));
    rules.extend(alerting::absent(slo));
    let often = if slo.is_direct() { OFTEN } else { SELDOM };
    groups.push(Group { name: slo.name.clone(), interval: often, is_logs: false, rules });
    let mut rules: Vec<Rule> = long.iter().flat_map(|length| counting::window(slo, *length)).collect();
    rules.extend(counting::period(slo, at));
    rules.extend(alerting::low(slo));
    groups.push(Group { name: format!("{} period", slo.name), interval: LONG, is_logs: false, rules });
    groups
}

/// The matchers of what is recorded of an objective and a window.
fn matchers(slo: &Slo, length: &str) -> String {
    format!("slo={},window={}", quote(&slo.name), quote(length))
}

fn recorded(slo: &Slo, metric: &str, length: Duration) -> String {
    format!("{metric}{{{}}}", matchers(slo, &window(length)))
}

fn number(value: f64) -> String {
    float::plain(value)
}
