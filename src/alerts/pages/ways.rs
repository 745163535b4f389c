//! Ways from an alert to other pages: its graph, its lines, a silence for it, its rule.

use super::known::{Known, RuleOf};
use crate::alerts::model::Language;
use crate::alerts::model::routed::label_text;
use crate::series::labels::{Labels, is_legacy_label_name, quote};
use crate::ui::links;

const MINUTE_MS: i64 = 60_000;
/// What is shown before an alert began.
const BEFORE_MS: i64 = 30 * MINUTE_MS;
/// An alert that began before this is looked at from here on.
const BACK_MS: i64 = 7 * 24 * 60 * MINUTE_MS;
/// Labels that say where something runs; all that an alert has narrow its lines down.
const PLACES: [&str; 4] = ["cluster", "env", "environment", "namespace"];
/// Labels that say what something is, the nearest first; one of them is enough.
const THINGS: [&str; 8] = ["pod", "container", "service_name", "service", "app", "host", "job", "instance"];

/// Values of a label by which lines of several alerts are looked for.
const VALUES_MAX: usize = 10;

/// A matcher for exactly this label.
pub fn equal(name: &str, value: &str) -> String {
    let name = if is_legacy_label_name(name) { name.to_owned() } else { quote(name) };
    format!("{name}={}", quote(value))
}

/// Matchers for exactly these labels, a line each.
pub fn matchers(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| equal(name, value)).collect::<Vec<_>>().join("\n")
}

/// The form of a new silence for alerts with these labels.
pub fn silence(labels: &Labels) -> String {
    links::with(links::ALERTS_SILENCE, &[("matchers", &matchers(labels))])
}

/// The alerts of now that have a label.
pub fn with_label(name: &str, value: &str) -> String {
    links::with(links::ALERTS, &[("f", &equal(name, value))])
}

/// The range that shows how something that began at an instant came about, as the URL writes it.
pub fn range_around(since_ms: i64, now_ms: i64) -> (String, &'static str) {
    let from = since_ms.saturating_sub(BEFORE_MS).max(now_ms.saturating_sub(BACK_MS));
    (from.div_euclid(1000).to_string(), "now")
}

/// An expression over a range, where its language is explored.
pub fn graph(expr: &str, language: Language, from: &str, to: &str) -> String {
    match language {
        Language::PromQl => links::with(links::EXPLORE, &[("q", expr), ("from", from), ("to", to)]),
        Language::LogQl => links::with(links::LOGS, &[("q", expr), ("lang", "logql"), ("from", from), ("to", to)]),
    }
}

/// The graph of a rule around an alert of it.
pub fn graph_of(rule: &RuleOf, since_ms: i64, now_ms: i64) -> String {
    let (from, to) = range_around(since_ms, now_ms);
    graph(&rule.expr, rule.language, &from, to)
}

/// The labels of an alert that its lines have as well, most likely. Those of the alert itself (its name, how bad it is)
/// are of no use, and all others together would find nothing.
pub fn line_labels(labels: &Labels) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = PLACES.iter().filter_map(|name| labels.get(name).map(|value| (*name, value))).collect();
    found.extend(THINGS.iter().find_map(|name| labels.get(name).map(|value| (*name, value))));
    found
}

/// The same of several alerts, each label with its values: those that all have, or else the nearest that each has.
pub fn line_labels_of(common: &Labels, alerts: &[&Labels]) -> Vec<(String, Vec<String>)> {
    let own = |(name, value): (&str, &str)| (name.to_owned(), vec![value.to_owned()]);
    let shared: Vec<(String, Vec<String>)> = line_labels(common).into_iter().map(own).collect();
    if shared.iter().any(|(name, _)| THINGS.contains(&name.as_str())) || alerts.is_empty() {
        return shared;
    }
    let thing = THINGS.iter().find(|name| alerts.iter().all(|labels| labels.contains(name)));
    let values = |name: &str| {
        let mut values: Vec<String> = alerts.iter().filter_map(|labels| labels.get(name)).map(str::to_owned).collect();
        values.sort_unstable();
        values.dedup();
        values.truncate(VALUES_MAX);
        values
    };
    shared.into_iter().chain(thing.map(|name| ((*name).to_owned(), values(name)))).collect()
}

/// The lines of what alerts are about, over a range. None if no label says what that is.
pub fn lines_of(labels: &[(String, Vec<String>)], from: &str, to: &str) -> Option<String> {
    let filters: Vec<String> = labels.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{name}:{value}"))).collect();
    let mut params: Vec<(&str, &str)> = filters.iter().map(|filter| ("f", filter.as_str())).collect();
    params.extend([("from", from), ("to", to)]);
    (!filters.is_empty()).then(|| links::with(links::LOGS, &params))
}

/// The lines of what an alert is about, over a range. None if no label of it says what that is.
pub fn lines(labels: &Labels, from: &str, to: &str) -> Option<String> {
    let filters: Vec<String> = line_labels(labels).iter().map(|(name, value)| format!("{name}:{value}")).collect();
    let mut params: Vec<(&str, &str)> = filters.iter().map(|filter| ("f", filter.as_str())).collect();
    params.extend([("from", from), ("to", to)]);
    (!filters.is_empty()).then(|| links::with(links::LOGS, &params))
}

/// The picture of an alert's value over the last hour; a new address every minute, so that browsers ask again.
pub fn spark(alert: &Known, now_ms: i64) -> Option<String> {
    let rule = alert.rule.as_ref()?;
    let (id, minute) = (format!("{:016x}", alert.fingerprint()), now_ms.div_euclid(MINUTE_MS).to_string());
    Some(links::with(links::ALERTS_SPARK, &[("rule", &rule.id), ("alert", &id), ("t", &minute)]))
}

/// A label as it stands in the tree and in keys.
pub fn label_words(labels: &Labels) -> String {
    if labels.is_empty() { String::new() } else { label_text(labels) }
}

/// A link that an annotation holds, if it is one that may be followed.
pub fn outside(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    (is_web && !text.contains(|c: char| c.is_whitespace() || c.is_control())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_keep_what_they_are_about() {
        let labels = Labels::from_pairs([("alertname", "Down"), ("instance", "a:9100"), ("job", "node"), ("namespace", "shop")]);
        assert_eq!(lines(&labels, "1", "now").as_deref(), Some("/logs?f=namespace%3Ashop&f=job%3Anode&from=1&to=now"));
        assert_eq!(lines(&Labels::from_pairs([("alertname", "Down")]), "1", "now"), None);
        let (a, b) = (Labels::from_pairs([("job", "db"), ("env", "x")]), Labels::from_pairs([("job", "web"), ("env", "x"), ("pod", "p")]));
        let of_both = line_labels_of(&Labels::from_pairs([("env", "x")]), &[&a, &b]);
        assert_eq!(lines_of(&of_both, "1", "now").as_deref(), Some("/logs?f=env%3Ax&f=job%3Adb&f=job%3Aweb&from=1&to=now"));
        assert!(line_labels_of(&Labels::empty(), &[&a, &Labels::empty()]).is_empty());
        assert_eq!(matchers(&Labels::from_pairs([("a", "x\"y"), ("b.c", "")])), "a=\"x\\\"y\"");
        assert_eq!(equal("b.c", "1"), "\"b.c\"=\"1\"");
        assert_eq!(range_around(10_000_000, 12_000_000), ("8200".to_owned(), "now"));
    }

    #[test]
    fn only_addresses_of_the_web_are_followed() {
        for (text, is_followed) in [
            ("https://a.b/c", true),
            (" http://a ", true),
            ("javascript:alert(1)", false),
            ("https://a b", false),
            ("", false),
            ("//a", false),
        ] {
            assert_eq!(outside(text).is_some(), is_followed, "{text}");
        }
    }
}
