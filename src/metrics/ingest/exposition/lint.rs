//! Advice on metrics in the text format, as `promtool check metrics` gives it.

use std::collections::{BTreeMap, BTreeSet};

use super::series::family_of;
use super::text::TextParser;
use super::{Event, ParseError};
use crate::series::labels::METRIC_NAME;
use crate::series::sample::MetricType;

/// A piece of advice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Name of the metric family.
    pub metric: String,
    /// What is wrong, in upstream's words.
    pub text: String,
}

/// Units by name, with the base unit to use instead.
const UNITS: [(&str, &str); 25] = [
    ("amperes", "amperes"),
    ("bytes", "bytes"),
    ("celsius", "celsius"),
    ("grams", "grams"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("meters", "meters"),
    ("metres", "metres"),
    ("moles", "moles"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kelvins", "kelvin"),
    ("fahrenheit", "celsius"),
    ("rankine", "celsius"),
    ("inches", "meters"),
    ("yards", "meters"),
    ("miles", "meters"),
    ("bits", "bytes"),
    ("calories", "joules"),
    ("pounds", "grams"),
    ("ounces", "grams"),
];

const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega", "mibi", "giga", "gibi", "tera", "tebi",
    "peta", "pebi",
];

const ABBREVIATIONS: [&str; 14] = ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];

const TYPE_WORDS: [&str; 5] = ["counter", "gauge", "summary", "histogram", "gauge_histogram"];

#[derive(Debug, Default)]
struct Family {
    kind: MetricType,
    help: String,
    labels: BTreeSet<String>,
    has_samples: bool,
}

/// Reads a body in the text format and collects advice, sorted by metric.
pub fn lint(body: &[u8]) -> Result<Vec<Problem>, ParseError> {
    let families = read_families(body)?;
    let mut problems = Vec::new();
    for (name, family) in &families {
        let mut say = |text: String| problems.push(Problem { metric: name.clone(), text });
        check_family(name, family, &mut say);
    }
    problems.sort();
    Ok(problems)
}

fn read_families(body: &[u8]) -> Result<BTreeMap<String, Family>, ParseError> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut parser = TextParser::new(body);
    while let Some(event) = parser.next_event()? {
        match event {
            Event::Type { family, kind } => families.entry(family.into_owned()).or_default().kind = kind,
            Event::Help { family, text } => families.entry(family.into_owned()).or_default().help = text.into_owned(),
            Event::Sample(sample) => {
                let labels = sample.series.labels()?;
                let name = family_of(labels.metric_name(), |stem| families.get(stem).map(|family| family.kind));
                let family = families.entry(name.to_owned()).or_default();
                family.has_samples = true;
                let own = match family.kind {
                    MetricType::Histogram => "le",
                    MetricType::Summary => "quantile",
                    _ => "",
                };
                family
                    .labels
                    .extend(labels.iter().map(|(name, _)| name).filter(|name| *name != METRIC_NAME && *name != own).map(str::to_owned));
            }
            Event::Unit { .. } | Event::Histogram(_) => {}
        }
    }
    // Metadata without samples make no family.
    families.retain(|_, family| family.has_samples);
    Ok(families)
}

fn check_family(name: &str, family: &Family, say: &mut impl FnMut(String)) {
    let kind = family.kind;
    if family.help.is_empty() {
        say("no help text".to_owned());
    }
    if let Some((unit, base)) = unit_of(name).filter(|(unit, base)| unit != base) {
        say(format!("use base unit {base:?} instead of {unit:?}"));
    }
    let is_counter = kind == MetricType::Counter;
    if is_counter && !name.ends_with("_total") {
        say("counter metrics should have \"_total\" suffix".to_owned());
    }
    if !is_counter && kind != MetricType::Unknown && name.ends_with("_total") {
        say("non-counter metrics should not have \"_total\" suffix".to_owned());
    }
    check_reserved(name, family, say);
    let lower = name.to_lowercase();
    let has_part = |part: &str| lower.contains(&format!("_{part}_")) || lower.ends_with(&format!("_{part}"));
    for word in TYPE_WORDS.iter().filter(|word| has_part(word)) {
        say(format!("metric name should not include type '{word}'"));
    }
    if name.contains(':') {
        say("metric names should not contain ':'".to_owned());
    }
    if is_camel_case(name) {
        say("metric names should be written in 'snake_case' not 'camelCase'".to_owned());
    }
    for _label in family.labels.iter().filter(|label| is_camel_case(label)) {
        say("label names should be written in 'snake_case' not 'camelCase'".to_owned());
    }
    if ABBREVIATIONS.iter().any(|part| has_part(part)) {
        say("metric names should not contain abbreviated units".to_owned());
    }
}

/// Suffixes and labels that belong to histograms and summaries. Untyped metrics may use them.
fn check_reserved(name: &str, family: &Family, say: &mut impl FnMut(String)) {
    let kind = family.kind;
    if kind == MetricType::Unknown {
        return;
    }
    let (is_histogram, is_summary) = (kind == MetricType::Histogram, kind == MetricType::Summary);
    if !is_histogram && name.ends_with("_bucket") {
        say("non-histogram metrics should not have \"_bucket\" suffix".to_owned());
    }
    for suffix in ["_count", "_sum"] {
        if !is_histogram && !is_summary && name.ends_with(suffix) {
            say(format!("non-histogram and non-summary metrics should not have {suffix:?} suffix"));
        }
    }
    if !is_histogram && family.labels.contains("le") {
        say("non-histogram metrics should not have \"le\" label".to_owned());
    }
    if !is_summary && family.labels.contains("quantile") {
        say("non-summary metrics should not have \"quantile\" label".to_owned());
    }
}

fn unit_of(name: &str) -> Option<(&str, &'static str)> {
    let base_of = |unit: &str| UNITS.iter().find(|(found, _)| *found == unit).map(|(_, base)| *base);
    name.split('_').find_map(|part| {
        let prefixed = || PREFIXES.iter().find_map(|prefix| part.strip_prefix(prefix).and_then(base_of));
        base_of(part).or_else(prefixed).map(|base| (part, base))
    })
}

/// A small letter right before a capital one.
fn is_camel_case(name: &str) -> bool {
    name.as_bytes().windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_promtool_says() {
        for (body, expected) in [
            ("# HELP x_total Help.\n# TYPE x_total counter\nx_total 1\n", vec![]),
            ("x_total 1\n", vec!["no help text"]),
            ("# HELP x Help.\n# TYPE x counter\nx 1\n", vec!["counter metrics should have \"_total\" suffix"]),
            ("# HELP x_total Help.\n# TYPE x_total gauge\nx_total 1\n", vec!["non-counter metrics should not have \"_total\" suffix"]),
            (
                "# HELP x_milliseconds H\n# TYPE x_milliseconds gauge\nx_milliseconds 1\n",
                vec!["use base unit \"seconds\" instead of \"milliseconds\""],
            ),
            ("# HELP x_ms H\n# TYPE x_ms gauge\nx_ms 1\n", vec!["metric names should not contain abbreviated units"]),
            (
                "# HELP xY H\n# TYPE xY gauge\nxY{aB=\"1\"} 1\n",
                vec![
                    "label names should be written in 'snake_case' not 'camelCase'",
                    "metric names should be written in 'snake_case' not 'camelCase'",
                ],
            ),
            ("# HELP x H\n# TYPE x gauge\nx{le=\"1\"} 1\n", vec!["non-histogram metrics should not have \"le\" label"]),
            ("# HELP x H\n# TYPE x histogram\nx_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\n", vec![]),
            ("# TYPE z_seconds_total_ms histogram\n", vec![]),
            (
                "# HELP y_count c\n# TYPE y_count gauge\ny_count 1\n",
                vec!["non-histogram and non-summary metrics should not have \"_count\" suffix"],
            ),
            ("# HELP a:b H\n# TYPE a:b gauge\na:b 1\n", vec!["metric names should not contain ':'"]),
            ("# HELP x_gauge H\n# TYPE x_gauge gauge\nx_gauge 1\n", vec!["metric name should not include type 'gauge'"]),
        ] {
            let found = lint(body.as_bytes()).expect("parses");
            assert_eq!(found.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>(), expected, "{body}");
        }
        assert!(lint(b"x{ 1\n").is_err());
    }
}
