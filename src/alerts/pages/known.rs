//! Alerts with everything that is known of them: what the rule says, and what routing says.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::ways;
use crate::alerts::calm::Handling;
use crate::alerts::dispatch::{AlertView, Marks};
use crate::alerts::evaluate::{Groups, Running, RunningRule};
use crate::alerts::model::routed::fingerprint;
use crate::alerts::model::{Alert, Kind, Language, State};
use crate::series::labels::Labels;
use crate::ui::shell::{Counts, FiringAlert, Severity};

/// Alerts that are told by name on other pages.
const WORST_MAX: usize = 6;

/// A rule as an alert names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOf {
    /// Its id in links.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// The expression.
    pub expr: String,
    /// In which language.
    pub language: Language,
}

/// An alert that fires or is about to.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its labels as they are routed.
    pub labels: Labels,
    /// Texts for people, sorted by name.
    pub annotations: Vec<(String, String)>,
    /// Whether it waits for its time to fire.
    pub is_pending: bool,
    /// Since when the condition holds, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// What the expression gave last; not known of alerts that others sent.
    pub value: Option<f64>,
    /// The rule that made it; none if another program did.
    pub rule: Option<Arc<RuleOf>>,
    /// Why it is not told, if it is not.
    pub marks: Marks,
    /// Who is told.
    pub receivers: Vec<Arc<str>>,
    /// Where to look at what caused it, as its sender says.
    pub source_url: String,
    /// Who takes care.
    pub handling: Handling,
    /// Whether routing knows it, so that people can take care of it.
    pub is_routed: bool,
}

impl Known {
    /// Its name, or nothing.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").unwrap_or("")
    }

    /// Its name among all alerts.
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.labels)
    }

    /// An annotation, or nothing.
    pub fn annotation(&self, name: &str) -> &str {
        annotation(&self.annotations, name)
    }

    /// Whether something keeps it from being told.
    pub fn is_held(&self) -> bool {
        is_held(&self.marks)
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        severity(&self.labels)
    }
}

/// Whether something keeps an alert from being told.
pub fn is_held(marks: &Marks) -> bool {
    !(marks.silenced_by.is_empty() && marks.inhibited_by.is_empty() && marks.muted_by.is_empty()) || marks.hush.is_some()
}

/// An annotation, or nothing.
pub fn annotation<'a>(annotations: &'a [(String, String)], name: &str) -> &'a str {
    annotations.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text.as_str())
}

/// How bad an alert is, by the words that people use for it.
pub fn severity(labels: &Labels) -> Severity {
    match labels.get("severity").unwrap_or("").to_ascii_lowercase().as_str() {
        "critical" | "crit" | "page" | "emergency" | "fatal" | "error" | "high" | "p1" | "p0" | "disaster" => Severity::Critical,
        "info" | "information" | "informational" | "none" | "low" | "notice" | "debug" => Severity::Info,
        _ => Severity::Warning,
    }
}

/// How many alerts are told, and the worst of them, the newest first among those that are as bad.
pub fn counts(routed: &[AlertView]) -> Counts {
    let mut told: Vec<&AlertView> = routed.iter().filter(|view| !is_held(&view.marks)).collect();
    let firing = told.len();
    told.sort_by_key(|view| (severity(&view.alert.labels), Reverse(view.alert.starts_at)));
    let line = |view: &&AlertView| FiringAlert {
        severity: severity(&view.alert.labels),
        name: view.alert.name().to_owned(),
        summary: summary(&view.alert.annotations).to_owned(),
        since_ms: view.alert.starts_at,
        href: ways::with_label("alertname", view.alert.name()),
    };
    Counts { firing, worst: told.iter().take(WORST_MAX).map(line).collect() }
}

/// What an alert says of itself, or nothing.
pub fn summary(annotations: &[(String, String)]) -> &str {
    let texts = ["summary", "message", "title", "description"].map(|name| annotation(annotations, name).trim());
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or("")
}

/// The ids of a group's rules, in order. They stay the same over reloads as long as the rule does.
pub fn rule_ids(group: &Running) -> Vec<String> {
    let mut seen: HashMap<u64, usize> = HashMap::new();
    let id = |rule: &RunningRule| {
        let declared = &rule.prepared.rule;
        let mut text =
            format!("{}\0{}\0{}\0{}", group.group.file, group.group.name, declared.name, matches!(declared.kind, Kind::Recording));
        for (name, value) in &declared.labels {
            text.push('\0');
            text.push_str(name);
            text.push('\0');
            text.push_str(value);
        }
        let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
        let place = seen.entry(hash).or_insert(0);
        *place += 1;
        if *place == 1 { format!("{hash:016x}") } else { format!("{hash:016x}-{place}") }
    };
    group.rules.iter().map(id).collect()
}

/// A rule by its id, with its group and its place in it.
pub fn find_rule(groups: &[Arc<Running>], id: &str) -> Option<(Arc<Running>, usize)> {
    groups.iter().find_map(|group| {
        let place = rule_ids(group).iter().position(|known| known == id)?;
        Some((Arc::clone(group), place))
    })
}

/// Labels as routing sees them: those of the server are added where the alert has none of that name.
pub fn routed_labels(labels: &Labels, external: &Labels) -> Labels {
    if external.iter().all(|(name, _)| labels.contains(name)) {
        return labels.clone();
    }
    let mut builder = labels.to_builder();
    for (name, value) in external.iter().filter(|(name, _)| !labels.contains(name)) {
        builder.set(name, value);
    }
    builder.build()
}

/// The labels of an own alert as they are routed, after the rules for labels; none if those drop it.
pub type AsRouted<'a> = &'a dyn Fn(&Labels) -> Option<Labels>;

/// Every alert that fires or is about to: of own rules, and those that others sent.
pub fn all(groups: &dyn Groups, routed: Vec<AlertView>, as_routed: AsRouted<'_>) -> Vec<Known> {
    let external = groups.setting().external_labels.clone();
    let routed: BTreeMap<u64, AlertView> = routed.into_iter().map(|view| (view.alert.fingerprint(), view)).collect();
    // Rules for labels can make one alert of several.
    let mut own: BTreeSet<u64> = BTreeSet::new();
    let mut found = Vec::new();
    for group in groups.groups().iter() {
        for (rule, id) in group.rules.iter().zip(rule_ids(group)) {
            let alerts: Vec<Alert> = rule.alerts.lock().iter().filter(|alert| alert.state != State::Inactive).cloned().collect();
            if alerts.is_empty() {
                continue;
            }
            let of = Arc::new(RuleOf {
                id,
                name: rule.prepared.rule.name.clone(),
                group: group.group.name.clone(),
                expr: rule.prepared.rule.expr.clone(),
                language: group.group.language,
            });
            for alert in alerts {
                let labels = as_routed(&alert.labels).unwrap_or_else(|| routed_labels(&alert.labels, &external));
                let name = fingerprint(&labels);
                let view = routed.get(&name).cloned();
                own.extend(view.is_some().then_some(name));
                let is_routed = view.is_some();
                let (marks, receivers, source_url, handling) =
                    view.map_or_else(Default::default, |view| (view.marks, view.receivers, view.alert.generator_url, view.handling));
                found.push(Known {
                    labels,
                    annotations: alert.annotations,
                    is_pending: alert.state == State::Pending,
                    since_ms: alert.active_at,
                    value: Some(alert.value),
                    rule: Some(Arc::clone(&of)),
                    marks,
                    receivers,
                    source_url,
                    handling,
                    is_routed,
                });
            }
        }
    }
    let others = routed.into_iter().filter(|(name, _)| !own.contains(name)).map(|(_, view)| view);
    found.extend(others.map(|view| Known {
        labels: view.alert.labels,
        annotations: view.alert.annotations,
        is_pending: false,
        since_ms: view.alert.starts_at,
        value: None,
        rule: None,
        marks: view.marks,
        receivers: view.receivers,
        source_url: view.alert.generator_url,
        handling: view.handling,
        is_routed: true,
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_how_bad_it_is() {
        for (word, severity) in [
            ("critical", Severity::Critical),
            ("PAGE", Severity::Critical),
            ("warning", Severity::Warning),
            ("", Severity::Warning),
            ("whatever", Severity::Warning),
            ("info", Severity::Info),
        ] {
            assert_eq!(super::severity(&Labels::from_pairs([("severity", word)])), severity, "{word}");
        }
    }

    #[test]
    fn the_servers_labels_do_not_replace_the_alerts() {
        let labels = Labels::from_pairs([("alertname", "Down"), ("zone", "a")]);
        let routed = routed_labels(&labels, &Labels::from_pairs([("zone", "b"), ("site", "x")]));
        assert_eq!(routed, Labels::from_pairs([("alertname", "Down"), ("site", "x"), ("zone", "a")]));
        assert_eq!(routed_labels(&labels, &Labels::empty()), labels);
    }
}
