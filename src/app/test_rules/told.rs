//! What came out against what was expected, told in promtool's words.

use super::file::ExpectedAlert;
use crate::base::float;
use crate::metrics::script::compare::{histogram, histograms_equal};
use crate::metrics::script::series::Item;
use crate::series::labels::{Labels, quote};
use crate::series::value::Point;

/// A time as Go prints it: `1h0m0s`, `1.5s`.
pub(super) fn go_duration(ms: i64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms % 60_000);
    let seconds = format!("{}s", float::plain(seconds as f64 / 1000.0));
    match (hours, minutes) {
        (0, 0) if (1..1000).contains(&ms) => format!("{ms}ms"),
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// Whether samples, both sorted, are what was expected.
pub(super) fn fits(expected: &[(Labels, Item)], got: &[(Labels, Point)], is_fuzzy: bool) -> bool {
    let fits = |expected: &Item, got: &Point| match (expected, got) {
        (Item::Float(expected), Point::Float(got)) => is_same(*expected, *got, is_fuzzy),
        (Item::Histogram(expected, hinted), Point::Histogram(got)) => histograms_equal(expected, got, *hinted),
        _ => false,
    };
    expected.len() == got.len() && expected.iter().zip(got).all(|(expected, got)| expected.0 == got.0 && fits(&expected.1, &got.1))
}

/// Whether numbers are equal, or neighbours where that is enough. NaN is NaN.
fn is_same(expected: f64, got: f64, is_fuzzy: bool) -> bool {
    let is_near = || got.is_finite() && (expected.next_up() == got || expected.next_down() == got);
    expected == got || (expected.is_nan() && got.is_nan()) || (is_fuzzy && is_near())
}

/// Says which samples there are instead of those expected.
pub(super) fn samples(what: &str, expected: &[(Labels, Item)], got: &[(Labels, Point)], with_diff: bool) -> String {
    let wanted = |(labels, item): &(Labels, Item)| match item {
        Item::Float(value) => format!("{labels} {}", exponent(*value)),
        Item::Histogram(value, _) => format!("{labels} {}", histogram(value)),
        Item::Omitted => labels.to_string(),
    };
    let had = |(labels, point): &(Labels, Point)| match point {
        Point::Float(value) => format!("{labels} {}", exponent(*value)),
        Point::Histogram(value) => format!("{labels} {}", histogram(value)),
    };
    let (expected, got): (Vec<String>, Vec<String>) = (expected.iter().map(wanted).collect(), got.iter().map(had).collect());
    if with_diff {
        return format!("{what}\n        diff:\n{}", diff(&expected, &got));
    }
    let list = |all: &[String]| if all.is_empty() { "nil".to_owned() } else { all.join(", ") };
    format!("{what}\n        exp: {}\n        got: {}", list(&expected), list(&got))
}

/// As Go's `strconv.FormatFloat(value, 'E', -1, 64)`.
fn exponent(value: f64) -> String {
    if value.is_finite() { float::exponent(value).replace('e', "E") } else { float::sample(value) }
}

/// Says which alerts there are instead of those expected.
pub(super) fn alerts(what: &str, expected: &[ExpectedAlert], got: &[ExpectedAlert], with_diff: bool) -> String {
    if with_diff {
        let line = |alert: &ExpectedAlert| format!("Labels:{} Annotations:{}", alert.labels, annotations(alert));
        let (expected, got): (Vec<String>, Vec<String>) = (expected.iter().map(line).collect(), got.iter().map(line).collect());
        return format!("{what}\n        diff:\n{}", diff(&expected, &got));
    }
    format!("{what}\n        exp:{}, \n        got:{}", listed(expected), listed(got))
}

fn listed(alerts: &[ExpectedAlert]) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let one = |(number, alert): (usize, &ExpectedAlert)| {
        let pad = "            ";
        format!("{pad}{number}:\n{pad}  Labels:{}\n{pad}  Annotations:{}", alert.labels, annotations(alert))
    };
    let all: Vec<String> = alerts.iter().enumerate().map(one).collect();
    format!("[\n{}\n            ]", all.join(",\n"))
}

fn annotations(alert: &ExpectedAlert) -> String {
    let all: Vec<String> = alert.annotations.iter().map(|(name, text)| format!("{name}={}", quote(text))).collect();
    format!("{{{}}}", all.join(", "))
}

/// Lines that are missing (`-`), unexpected (`+`) and right, in order.
fn diff(expected: &[String], got: &[String]) -> String {
    let mut all: Vec<(&str, char)> = Vec::new();
    let mut left: Vec<&String> = got.iter().collect();
    for line in expected {
        match left.iter().position(|other| *other == line) {
            Some(at) => {
                left.remove(at);
                all.push((line, ' '));
            }
            None => all.push((line, '-')),
        }
    }
    all.extend(left.into_iter().map(|line| (line.as_str(), '+')));
    all.sort_by(|a, b| a.0.cmp(b.0));
    all.iter().map(|(line, sign)| format!("        {sign} {line}")).collect::<Vec<_>>().join("\n")
}
