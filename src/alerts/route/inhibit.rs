//! Inhibition: an alert that fires keeps others from being told.

use std::collections::HashMap;

use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::routing::InhibitRule;
use crate::series::labels::{Labels, LabelsBuilder};

/// Who inhibits whom right now.
#[derive(Debug, Default)]
pub struct Inhibitor {
    rules: Vec<Active>,
}

/// A rule and the alerts that may inhibit by it.
#[derive(Debug)]
struct Active {
    rule: InhibitRule,
    /// Alerts by the values of the labels that must be equal, so that finding one does not look at all.
    sources: HashMap<Labels, HashMap<u64, Source>>,
}

#[derive(Debug)]
struct Source {
    ends_at: Option<i64>,
    /// Whether it could be inhibited by this rule as well.
    is_target: bool,
}

/// An alert that is inhibited, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inhibition {
    /// The rule's place in the file.
    pub rule: usize,
    /// The fingerprints of the alerts that inhibit, in order.
    pub by: Vec<u64>,
}

impl Inhibitor {
    /// Without alerts yet.
    pub fn new(rules: &[InhibitRule]) -> Self {
        let active = |rule: &InhibitRule| Active { rule: rule.clone(), sources: HashMap::new() };
        Self { rules: rules.iter().map(active).collect() }
    }

    /// Takes note of an alert, new or changed.
    pub fn observe(&mut self, alert: &RoutedAlert) {
        for active in &mut self.rules {
            if active.rule.source.matches(&alert.labels) {
                let is_target = active.rule.target.matches(&alert.labels);
                let source = Source { ends_at: alert.ends_at, is_target };
                active.sources.entry(values(&active.rule, &alert.labels)).or_default().insert(alert.fingerprint(), source);
            }
        }
    }

    /// Forgets alerts that are over.
    pub fn sweep(&mut self, now: i64) {
        for active in &mut self.rules {
            active.sources.retain(|_, sources| {
                sources.retain(|_, source| is_firing(source, now));
                !sources.is_empty()
            });
        }
    }

    /// What inhibits an alert with these labels at an instant: the first rule of the file that does.
    ///
    /// An alert that is on both sides of a rule is not inhibited by another that is on both sides: not by itself, and
    /// two of them not by each other.
    pub fn inhibits(&self, labels: &Labels, now: i64) -> Option<Inhibition> {
        self.rules.iter().enumerate().find_map(|(place, active)| {
            if !active.rule.target.matches(labels) {
                return None;
            }
            let is_source = active.rule.source.matches(labels);
            let sources = active.sources.get(&values(&active.rule, labels))?;
            let inhibiting = sources.iter().filter(|(_, source)| is_firing(source, now) && !(is_source && source.is_target));
            let mut by: Vec<u64> = inhibiting.map(|(fingerprint, _)| *fingerprint).collect();
            by.sort_unstable();
            (!by.is_empty()).then_some(Inhibition { rule: place, by })
        })
    }
}

fn is_firing(source: &Source, now: i64) -> bool {
    source.ends_at.is_none_or(|end| end > now)
}

/// The values that must be equal; a missing label is an empty one.
fn values(rule: &InhibitRule, labels: &Labels) -> Labels {
    let mut builder = LabelsBuilder::new();
    for name in &rule.equal {
        builder.set(name, labels.get(name).unwrap_or(""));
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::model::matcher::{Matchers, Syntax, parse_matchers};

    fn rule(source: &str, target: &str, equal: &[&str]) -> InhibitRule {
        let matchers = |text: &str| Matchers::new(parse_matchers(text, Syntax::Both).expect("reads").value);
        let equal = equal.iter().map(|name| (*name).to_owned()).collect();
        InhibitRule { source: matchers(source), target: matchers(target), equal, ..InhibitRule::default() }
    }

    fn alert(pairs: &[(&str, &str)], ends_at: Option<i64>) -> RoutedAlert {
        let labels = Labels::from_pairs(pairs.iter().copied());
        RoutedAlert {
            labels,
            annotations: vec![],
            starts_at: 0,
            ends_at,
            updated_at: 0,
            is_timeout: false,
            generator_url: String::new(),
            hush: None,
        }
    }

    #[test]
    fn who_inhibits_whom() {
        let critical = rule("severity=critical", "severity=warning", &["alertname", "cluster"]);
        for (what, rule, source, target, inhibited) in [
            (
                "equal",
                &critical,
                &[("severity", "critical"), ("alertname", "a")][..],
                &[("severity", "warning"), ("alertname", "a")][..],
                true,
            ),
            (
                "another name",
                &critical,
                &[("severity", "critical"), ("alertname", "a")],
                &[("severity", "warning"), ("alertname", "b")],
                false,
            ),
            ("both without the labels", &critical, &[("severity", "critical")], &[("severity", "warning")], true),
            ("one without a label", &critical, &[("severity", "critical"), ("cluster", "x")], &[("severity", "warning")], false),
            ("no target", &critical, &[("severity", "critical")], &[("severity", "info")], false),
            ("no source", &critical, &[("severity", "error")], &[("severity", "warning")], false),
            ("itself", &rule("a=1", "a=1", &[]), &[("a", "1")], &[("a", "1")], false),
            ("both on both sides", &rule("a=1", "b=2", &[]), &[("a", "1"), ("b", "2")], &[("a", "1"), ("b", "2"), ("c", "3")], false),
            ("the source on both sides", &rule("a=1", "b=2", &[]), &[("a", "1"), ("b", "2")], &[("b", "2")], true),
            ("the target on both sides", &rule("a=1", "b=2", &[]), &[("a", "1")], &[("a", "1"), ("b", "2")], true),
            ("nothing must be equal", &rule("a=1", "b=2", &[]), &[("a", "1"), ("x", "1")], &[("b", "2"), ("x", "2")], true),
        ] {
            let mut inhibitor = Inhibitor::new(std::slice::from_ref(rule));
            let source = alert(source, None);
            inhibitor.observe(&source);
            let by = inhibitor.inhibits(&alert(target, None).labels, 10);
            assert_eq!(by, inhibited.then(|| Inhibition { rule: 0, by: vec![source.fingerprint()] }), "{what}");
        }
    }

    #[test]
    fn only_while_the_source_fires() {
        let mut inhibitor = Inhibitor::new(&[rule("a=1", "b=2", &[])]);
        let target = alert(&[("b", "2")], None).labels;
        inhibitor.observe(&alert(&[("a", "1")], Some(10)));
        assert!(inhibitor.inhibits(&target, 9).is_some() && inhibitor.inhibits(&target, 10).is_none());
        inhibitor.observe(&alert(&[("a", "1")], Some(30)));
        assert!(inhibitor.inhibits(&target, 10).is_some());
        // Another one with the same values goes on inhibiting.
        inhibitor.observe(&alert(&[("a", "1"), ("c", "1")], None));
        inhibitor.sweep(40);
        assert!(inhibitor.inhibits(&target, 40).is_some());
    }
}
