//! Queries of variables: `label_values(…)`, `label_names(…)`, `metrics(…)`, `query_result(…)`, or a selector of series.

use super::choices::Choice;
use super::interpolate::Usage;
use super::source::{self, Lead};
use super::variables::{CHOICES_MAX, Ports, Resolved};
use crate::base::float::plain;
use crate::base::limits::QUERY_BYTES_MAX;
use crate::boards::model::{Source, Variable};
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::ports::{EvaluateError, IndexQuery, LogLabelsWanted, Question, SelectError, When};
use crate::series::value::{Point, Value};

/// What a variable asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted<'a> {
    LabelNames { selector: &'a str },
    LabelValues { selector: &'a str, label: &'a str },
    Metrics { pattern: &'a str },
    Result { query: &'a str },
    Series { selector: &'a str },
}

/// Takes a query apart, in the forms that Grafana knows.
fn read(query: &str) -> Wanted<'_> {
    let query = query.trim();
    let inside = |name: &str| Some(query.strip_prefix(name)?.trim_start().strip_prefix('(')?.trim_end().strip_suffix(')')?.trim());
    if let Some(selector) = inside("label_names") {
        return Wanted::LabelNames { selector };
    }
    if let Some(inner) = inside("label_values") {
        // The label is what stands behind the last comma outside of braces.
        let comma = inner.rfind(',').filter(|at| !inner[*at..].contains(['}', '"']));
        let (selector, label) = comma.map_or(("", inner), |at| (inner[..at].trim(), inner[at + 1..].trim()));
        return Wanted::LabelValues { selector, label };
    }
    if let Some(pattern) = inside("metrics") {
        return Wanted::Metrics { pattern };
    }
    if let Some(query) = inside("query_result") {
        return Wanted::Result { query };
    }
    Wanted::Series { selector: query }
}

/// The PromQL in the query of a variable; none where there is none in it.
pub fn promql_in(query: &str) -> Option<&str> {
    let text = match read(query) {
        Wanted::LabelNames { selector } | Wanted::LabelValues { selector, .. } | Wanted::Series { selector } => selector,
        Wanted::Result { query } => query,
        Wanted::Metrics { .. } => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// What a variable's query offers, before regular expression and order.
pub(super) fn choices(variable: &Variable, before: &Resolved, ports: &Ports<'_>) -> Result<Vec<Choice>, String> {
    let plain = before.filling(&[], &[], Usage::Plain);
    match source::lead(&variable.source, &Source::default(), &plain)? {
        Lead::Metrics => {
            let query = bounded(before.filling(&[], &[], Usage::PromQl).fill(&variable.query))?;
            metrics(&read(&query), before, ports)
        }
        Lead::Logs => {
            let query = bounded(before.filling(&[], &[], Usage::LogQl).fill(&variable.query))?;
            logs(&read(&query), before, ports)
        }
        _ => Err("only metrics and logs can be asked for choices".to_owned()),
    }
}

/// Names of the labels of a source, for conditions.
pub(super) fn labels(source: &Source, before: &Resolved, ports: &Ports<'_>) -> Result<Vec<Choice>, String> {
    let wanted = Wanted::LabelNames { selector: "" };
    match source::lead(source, &Source::default(), &before.filling(&[], &[], Usage::Plain))? {
        Lead::Metrics => metrics(&wanted, before, ports),
        Lead::Logs => logs(&wanted, before, ports),
        _ => Ok(Vec::new()),
    }
}

fn bounded(query: String) -> Result<String, String> {
    if query.trim().is_empty() {
        return Err("there is no query".to_owned());
    }
    if query.len() > QUERY_BYTES_MAX {
        return Err(format!("the query has {} bytes, at most {QUERY_BYTES_MAX} are allowed", query.len()));
    }
    Ok(query)
}

fn metrics(wanted: &Wanted<'_>, before: &Resolved, ports: &Ports<'_>) -> Result<Vec<Choice>, String> {
    let said = |error: SelectError| error.to_string();
    let selected = |selector: &str| -> Result<Vec<Vec<Matcher>>, String> {
        if selector.is_empty() { Ok(Vec::new()) } else { Ok(vec![(ports.read)(selector)?]) }
    };
    let range = before.pace.range;
    let index = |any_of: &[Vec<Matcher>], ask: &dyn Fn(&IndexQuery<'_>) -> Result<Vec<String>, SelectError>| {
        ask(&IndexQuery { any_of, range, limit: CHOICES_MAX }).map_err(said)
    };
    let names = match *wanted {
        Wanted::LabelNames { selector } => index(&selected(selector)?, &|query| ports.select.label_names(query, ports.cancel))?,
        Wanted::LabelValues { selector, label } => {
            let label = label_name(label)?;
            index(&selected(selector)?, &|query| ports.select.label_values(label, query, ports.cancel))?
        }
        Wanted::Metrics { pattern } => {
            let regex = super::offered::regex(pattern)?;
            let query = IndexQuery { any_of: &[], range, limit: 0 };
            let all = ports.select.label_values(METRIC_NAME, &query, ports.cancel).map_err(said)?;
            all.into_iter().filter(|name| regex.is_match(name)).take(CHOICES_MAX).collect()
        }
        Wanted::Result { query } => results(query, before, ports)?,
        Wanted::Series { selector } => {
            let any_of = selected(selector)?;
            let found = ports.select.series(&IndexQuery { any_of: &any_of, range, limit: CHOICES_MAX }, ports.cancel).map_err(said)?;
            found.iter().map(full).collect()
        }
    };
    Ok(names.into_iter().map(Choice::plain).collect())
}

/// A name of a label, with or without quotes.
fn label_name(label: &str) -> Result<&str, String> {
    let name = label.trim_matches(['"', '\'', ' ']);
    if name.is_empty() || name.contains(['(', ')', '{', '}']) {
        return Err(format!("label_values(…) takes a selector and the name of a label, \"{label}\" is none"));
    }
    Ok(name)
}

/// Each series of an instant answer as `name{labels} value time`.
fn results(query: &str, before: &Resolved, ports: &Ports<'_>) -> Result<Vec<String>, String> {
    let at = before.pace.range.end;
    let question = Question { query, when: When::Instant(at), cancel: ports.cancel.clone() };
    let answer = ports.evaluate.evaluate(&question).map_err(|error: EvaluateError| error.to_string())?;
    Ok(match answer.value {
        Value::Vector(samples) => samples
            .iter()
            .take(CHOICES_MAX)
            .map(|sample| {
                let value = match &sample.value {
                    Point::Float(value) => plain(*value),
                    Point::Histogram(histogram) => plain(histogram.count),
                };
                format!("{} {value} {}", full(&sample.labels), sample.ts)
            })
            .collect(),
        Value::Scalar(_, value) => vec![plain(value)],
        Value::String(_, text) => vec![text],
        Value::Matrix(_) => return Err("query_result(…) takes a query of an instant, this one gives ranges".to_owned()),
    })
}

/// `name{a="x",b="y"}`.
fn full(labels: &Labels) -> String {
    let rest =
        labels.iter().filter(|(name, _)| *name != METRIC_NAME).map(|(name, value)| format!("{name}={}", crate::base::quote::quote(value)));
    format!("{}{{{}}}", labels.metric_name(), rest.collect::<Vec<_>>().join(","))
}

fn logs(wanted: &Wanted<'_>, before: &Resolved, ports: &Ports<'_>) -> Result<Vec<Choice>, String> {
    let (selector, label) = match *wanted {
        Wanted::LabelNames { selector } => (selector, None),
        Wanted::LabelValues { selector, label } => (selector, Some(label_name(label)?)),
        _ => return Err("logs answer label_names() and label_values(…), nothing else".to_owned()),
    };
    // Selectors of logs and of metrics are written alike.
    let matchers: Vec<Matcher> = if selector.is_empty() { Vec::new() } else { (ports.read)(selector)? };
    let matchers: Vec<Matcher> = matchers.into_iter().filter(|one| &*one.name != METRIC_NAME || one.op != MatchOp::Equal).collect();
    let wanted = LogLabelsWanted { matchers: &matchers, range: before.pace.range, label, limit: CHOICES_MAX, cancel: ports.cancel.clone() };
    let found = ports.logs.log_labels(&wanted).map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(Choice::plain).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_taken_apart() {
        for (query, expected) in [
            ("label_names()", Wanted::LabelNames { selector: "" }),
            ("label_names(up) ", Wanted::LabelNames { selector: "up" }),
            ("label_values(job)", Wanted::LabelValues { selector: "", label: "job" }),
            ("label_values(up{a=\"x,y\", b=~\"(c)\"}, job)", Wanted::LabelValues { selector: "up{a=\"x,y\", b=~\"(c)\"}", label: "job" }),
            ("label_values(up{},job)", Wanted::LabelValues { selector: "up{}", label: "job" }),
            ("metrics(node_.*)", Wanted::Metrics { pattern: "node_.*" }),
            ("query_result(topk(5, up))", Wanted::Result { query: "topk(5, up)" }),
            ("up{job=\"a\"}", Wanted::Series { selector: "up{job=\"a\"}" }),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
        assert!(label_name("a{").unwrap_err().contains("is none"));
    }
}
