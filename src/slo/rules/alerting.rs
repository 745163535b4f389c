//! Rules that tell people: budgets that burn too fast, budgets that are nearly gone, and those of which nothing is known.

use std::collections::BTreeMap;

use super::counting::{BUDGET_LEFT, BURN, EVENTS, nothing};
use super::{Alert, Rule, matchers, number, recorded};
use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::slo::config::{Alerts, Slo, Told};
use crate::slo::model::burn::{Pair, Urgency};
use crate::slo::model::period::window;

/// How long a budget is nearly gone before anybody is told.
const LOW_HOLD: Duration = Duration::from_secs(300);

/// Alerts of pairs of windows; those that tell the same people after the same time are one.
pub fn burning(slo: &Slo) -> Vec<Rule> {
    let alerts = slo.alerts();
    if alerts.off {
        return Vec::new();
    }
    let mut joined: Vec<(Pair, Vec<Pair>)> = Vec::new();
    for pair in slo.pairs() {
        let same = |other: &Pair| other.urgency == pair.urgency && other.hold == pair.hold && other.severity == pair.severity;
        match joined.iter_mut().find(|(first, _)| same(first)) {
            Some((_, pairs)) => pairs.push(pair),
            None => joined.push((pair.clone(), vec![pair])),
        }
    }
    let told = |urgency: Urgency| match urgency {
        Urgency::Page => alerts.page.as_deref(),
        Urgency::Ticket => alerts.ticket.as_deref(),
    };
    let wanted = joined.iter().filter(|(first, _)| !told(first.urgency).is_some_and(|told| told.off));
    wanted.map(|(first, pairs)| burn(slo, &alerts, told(first.urgency), first, pairs)).collect()
}

fn burn(slo: &Slo, alerts: &Alerts, told: Option<&Told>, first: &Pair, pairs: &[Pair]) -> Rule {
    let legs: Vec<String> = pairs.iter().map(|pair| leg(slo, pair)).collect();
    let severity = match (first.severity.as_str(), first.urgency) {
        ("", Urgency::Page) => "critical",
        ("", Urgency::Ticket) => "warning",
        (own, _) => own,
    };
    let long: Vec<String> = pairs.iter().map(|pair| window(pair.long)).collect();
    let summary = format!("The error budget of {} burns {{{{ $value | printf \"%.1f\" }}}} times too fast{}", slo.name, groups(slo));
    let description = format!(
        "{} % of events are to be good over {}. Seen over {}; at a rate of 1 the budget would last exactly as long as it has to.",
        slo.objective,
        slo.period(),
        long.join(" or "),
    );
    let mut rule = alert(slo, alerts, legs.join("\nor\n"), first.hold, severity, (summary, description));
    let more = rule.alert.as_mut().zip(told);
    if let Some((alert, told)) = more {
        alert.annotations.extend(told.annotations.clone());
        rule.labels.extend(told.labels.clone());
    }
    rule
}

/// Both windows burn too fast, and enough happened in the long one.
fn leg(slo: &Slo, pair: &Pair) -> String {
    let over = |length| format!("max without (window) ({} > {})", recorded(slo, BURN, length), number(pair.rate));
    let mut leg = format!("(\n  {}\n  and\n  {}\n", over(pair.short), over(pair.long));
    if slo.min_events > 0 {
        leg.push_str(&format!("  and\n  max without (window) ({} >= {})\n", recorded(slo, EVENTS, pair.long), slo.min_events));
    }
    leg.push(')');
    leg
}

/// The alert of a budget that is nearly gone.
pub fn low(slo: &Slo) -> Option<Rule> {
    let alerts = slo.alerts();
    if alerts.off || alerts.budget_low.0 <= 0.0 {
        return None;
    }
    let mut expr = format!("{BUDGET_LEFT}{{slo={}}} < {}", quote(&slo.name), number(alerts.budget_low.part()));
    if slo.min_events > 0 {
        let period = slo.period().to_string();
        let enough = format!("max without (window) ({EVENTS}{{{}}} >= {})", matchers(slo, &period), slo.min_events);
        expr = format!("{expr}\nand\n{enough}");
    }
    let summary = format!("{{{{ $value | humanizePercentage }}}} of the error budget of {} are left{}", slo.name, groups(slo));
    let description = format!("{} % of events are to be good over {}.", slo.objective, slo.period());
    let mut rule = alert(slo, &alerts, expr, LOW_HOLD, "warning", (summary, description));
    rule.name = "ErrorBudgetLow".to_owned();
    Some(rule)
}

/// The alert of an objective of which nothing is counted: nobody knows how its budget stands, and nothing else would tell.
pub fn absent(slo: &Slo) -> Option<Rule> {
    let absent = slo.absent()?;
    let summary = format!("Nothing is counted for the error budget of {}", slo.name);
    let description = format!(
        "What the SLO counts has been missing for {}, so nobody knows whether {} % are good: see whether it is still sent, and whether \
         the queries of the SLO still find it.",
        window(absent.hold),
        slo.objective,
    );
    let mut rule = alert(slo, &slo.alerts(), nothing(slo), absent.hold, "warning", (summary, description));
    rule.name = absent.name;
    rule.labels.extend(absent.labels);
    if let Some(alert) = rule.alert.as_mut() {
        alert.annotations.extend(absent.annotations);
    }
    Some(rule)
}

/// What tells budgets of one objective apart, for people.
fn groups(slo: &Slo) -> String {
    let each: Vec<String> = slo.group_by.iter().map(|label| format!("{label} {{{{ $labels.{label} }}}}")).collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
}

fn alert(slo: &Slo, alerts: &Alerts, expr: String, hold: Duration, severity: &str, (summary, description): (String, String)) -> Rule {
    let mut labels = slo.labels.clone();
    labels.insert("severity".to_owned(), severity.to_owned());
    labels.extend(alerts.labels.clone());
    let mut annotations = BTreeMap::from([("summary".to_owned(), summary), ("description".to_owned(), description)]);
    annotations.extend(alerts.annotations.clone());
    Rule { name: alerts.name.clone(), expr, labels, alert: Some(Alert { hold, annotations }) }
}
