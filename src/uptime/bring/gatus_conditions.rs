//! Conditions of Gatus, such as `[STATUS] == 200` and `[BODY].name == pat(john*)`, as conditions of ours.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::text_of;
use super::gatus::secs;
use crate::platform::config::yaml::{MapWriter, Node};

/// Conditions of one endpoint at most.
const CONDITIONS_MAX: usize = 100;
/// Longest condition.
const CONDITION_BYTES_MAX: usize = 10_000;
/// How comparisons are written; those that hold another come first.
const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];
const DAY_S: f64 = 86_400.0;

/// Conditions, sorted by what they are about.
#[derive(Default)]
pub(super) struct Conditions {
    /// Statuses that are right; none where nothing is said of them.
    statuses: Option<BTreeSet<u16>>,
    /// Expressions that the answer has to match.
    pub(super) matches: Vec<String>,
    /// Path, way and value of conditions on JSON.
    json: Vec<(String, &'static str, String)>,
    /// Longest time, in milliseconds.
    pub(super) latency_ms: Option<f64>,
    /// Days that the certificate has to hold.
    pub(super) certificate_days: Option<u64>,
    /// Days that the domain has to be registered for.
    pub(super) domain_days: Option<u64>,
}

impl Conditions {
    /// Ranges of statuses that are right. Where nothing is said of them, any is.
    pub(super) fn statuses(&self) -> Vec<String> {
        let Some(right) = &self.statuses else { return vec!["100-599".to_owned()] };
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for status in right {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == *status => *last = *status,
                _ => ranges.push((*status, *status)),
            }
        }
        ranges.into_iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect()
    }

    /// Conditions on JSON as they are written.
    pub(super) fn json_nodes(&self) -> Vec<Node> {
        let one = |(path, is, value): &(String, &'static str, String)| {
            let mut out = MapWriter::default();
            out.text("path", path).text("is", is).text_if("value", value);
            out.finish()
        };
        self.json.iter().map(one).collect()
    }

    /// Narrows the statuses that are right.
    fn status(&mut self, operator: &str, value: &str) -> bool {
        let wanted = Wanted::read(value);
        let holds = |status: u16| match (operator, value.parse::<u16>()) {
            ("==", _) => Some(wanted.holds(&status.to_string())),
            ("!=", _) => Some(!wanted.holds(&status.to_string())),
            ("<", Ok(bound)) => Some(status < bound),
            ("<=", Ok(bound)) => Some(status <= bound),
            (">", Ok(bound)) => Some(status > bound),
            (">=", Ok(bound)) => Some(status >= bound),
            _ => None,
        };
        if holds(200).is_none() {
            return false;
        }
        let before = self.statuses.take().unwrap_or_else(|| (100..=599).collect());
        self.statuses = Some(before.into_iter().filter(|status| holds(*status) == Some(true)).collect());
        true
    }

    fn body(&mut self, path: &str, operator: &str, value: &str) -> bool {
        let wanted = Wanted::read(value);
        if path.is_empty() {
            let Some(expression) = wanted.expression().filter(|_| operator == "==") else { return false };
            self.matches.push(expression);
            return true;
        }
        let (is, value) = match (operator, &wanted) {
            ("==", Wanted::One(value)) => ("equals", value.clone()),
            ("!=", Wanted::One(value)) => ("differs", value.clone()),
            (">", Wanted::One(value)) if value.parse::<f64>().is_ok() => ("above", value.clone()),
            ("<", Wanted::One(value)) if value.parse::<f64>().is_ok() => ("below", value.clone()),
            ("==", Wanted::Like(pattern)) => match pattern.strip_prefix('*').and_then(|rest| rest.strip_suffix('*')) {
                Some(inner) if !inner.contains('*') && !inner.is_empty() => ("contains", inner.to_owned()),
                _ => return false,
            },
            _ => return false,
        };
        self.json.push((path.to_owned(), is, value));
        true
    }

    /// Takes a condition; says whether it could.
    fn take(&mut self, left: &str, operator: &str, right: &str) -> bool {
        let days = |text: &str| secs(text).map(|secs| (secs / DAY_S).ceil() as u64);
        let is_more = matches!(operator, ">" | ">=");
        match left {
            "[STATUS]" => self.status(operator, right),
            // What cannot be connected to, or has no answer, is down anyway.
            "[CONNECTED]" => operator == "==" && right == "true",
            "[DNS_RCODE]" => operator == "==" && right == "NOERROR",
            "[RESPONSE_TIME]" if matches!(operator, "<" | "<=") => {
                let Ok(ms) = right.trim_end_matches("ms").parse::<f64>() else { return false };
                let is_right = (1.0..=8.64e7).contains(&ms);
                self.latency_ms = is_right.then_some(ms).or(self.latency_ms);
                is_right
            }
            "[CERTIFICATE_EXPIRATION]" if is_more => {
                self.certificate_days = days(right).or(self.certificate_days);
                days(right).is_some()
            }
            "[DOMAIN_EXPIRATION]" if is_more => {
                self.domain_days = days(right).or(self.domain_days);
                days(right).is_some()
            }
            _ => {
                if let Some(path) = left.strip_prefix("has([BODY].").and_then(|rest| rest.strip_suffix(')')) {
                    let is_wanted = operator == "==" && right == "true";
                    if is_wanted {
                        self.json.push((path.to_owned(), "exists", String::new()));
                    }
                    return is_wanted;
                }
                match left.strip_prefix("[BODY]") {
                    Some(path) => self.body(path.trim_start_matches('.'), operator, right),
                    None => false,
                }
            }
        }
    }
}

/// Reads conditions; those that cannot be taken over are said.
pub(super) fn read(conditions: &[Value], notes: &mut Vec<String>) -> Conditions {
    let mut found = Conditions::default();
    for condition in conditions.iter().take(CONDITIONS_MAX) {
        let text = text_of(condition);
        let is_taken =
            text.len() <= CONDITION_BYTES_MAX && split(&text).is_some_and(|(left, operator, right)| found.take(left, operator, right));
        if !is_taken {
            notes.push(format!("the condition {text:?} is not taken over"));
        }
    }
    if conditions.len() > CONDITIONS_MAX {
        notes.push(format!("only the first {CONDITIONS_MAX} of its conditions are taken over"));
    }
    found
}

/// Left side, comparison, right side.
fn split(text: &str) -> Option<(&str, &'static str, &str)> {
    OPERATORS.iter().find_map(|operator| {
        let (left, right) = text.split_once(&format!(" {operator} "))?;
        Some((left.trim(), *operator, right.trim()))
    })
}

/// The right side of a comparison.
enum Wanted {
    One(String),
    Any(Vec<String>),
    /// A pattern with `*` for anything.
    Like(String),
}

impl Wanted {
    fn read(text: &str) -> Self {
        let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(all) = inner("any") {
            return Self::Any(all.split(',').map(|one| one.trim().to_owned()).collect());
        }
        inner("pat").map_or_else(|| Self::One(text.to_owned()), |pattern| Self::Like(pattern.to_owned()))
    }

    fn holds(&self, found: &str) -> bool {
        match self {
            Self::One(value) => value == found,
            Self::Any(all) => all.iter().any(|value| value == found),
            Self::Like(pattern) => {
                crate::uptime::config::Pattern::new(&expression(pattern)).is_ok_and(|like| like.is_match(found.as_bytes()))
            }
        }
    }

    /// As a regular expression.
    fn expression(&self) -> Option<String> {
        match self {
            Self::One(value) => Some(format!("^{}$", regex::escape(value))),
            Self::Any(all) => {
                let all: Vec<String> = all.iter().map(|value| regex::escape(value)).collect();
                Some(format!("^({})$", all.join("|")))
            }
            Self::Like(pattern) => Some(expression(pattern)),
        }
    }
}

/// A pattern with `*` for anything as a regular expression.
fn expression(pattern: &str) -> String {
    let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
    let whole = format!("(?s)^{}$", parts.join(".*"));
    // What may begin or end with anything need not be held at that end.
    let whole = whole.replacen("(?s)^.*", "(?s)", 1);
    whole.strip_suffix(".*$").map_or(whole.clone(), str::to_owned)
}
