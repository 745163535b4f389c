//! From what stands in the bar and the values that were chosen to one LogQL query.

use super::asked::{Asked, Filter};
use super::facets::LEVEL;
use super::search::QueryProblem;
use crate::logs::query::ast::{LogExpr, MetricExpr, MetricKind, Query, Stage, StageKind};
use crate::logs::query::parse::{Dialect, ParseError, parse};
use crate::logs::query::words::{Vocabulary, compile, recognise};
use crate::series::labels::{is_legacy_label_name, quote};

/// A query that was understood.
#[derive(Debug, Clone)]
pub struct Composed {
    /// What it asks for.
    pub query: Query,
    /// The bar's text alone as LogQL.
    pub text: String,
}

impl Composed {
    /// All of it as LogQL.
    pub fn logql(&self) -> String {
        self.query.to_string()
    }
}

fn problem(error: &ParseError) -> QueryProblem {
    QueryProblem { message: error.to_string(), span: Some((error.span.start as usize, error.span.end as usize)) }
}

/// Reads the bar and adds the filters. Labels for which `is_stream_label` holds choose streams, others filter lines.
pub fn compose(asked: &Asked, is_stream_label: &dyn Fn(&str) -> bool) -> Result<Composed, QueryProblem> {
    let vocabulary = Vocabulary { is_stream_label, level: Some(LEVEL) };
    if asked.text.len() > crate::base::limits::QUERY_BYTES_MAX {
        let message = format!("the query is longer than {} bytes", crate::base::limits::QUERY_BYTES_MAX);
        return Err(QueryProblem { message, span: None });
    }
    let mut found = if asked.is_logql && !asked.text.is_empty() {
        let query = parse(&asked.text, Dialect::Pharos).map_err(|error| problem(&error))?;
        Composed { query, text: asked.text.clone() }
    } else {
        let read = if asked.text.is_empty() { compile("", &vocabulary) } else { recognise(&asked.text, &vocabulary) };
        let read = read.map_err(|error| problem(&error))?;
        Composed { query: read.query, text: read.logql }
    };
    if asked.filters.is_empty() {
        return Ok(found);
    }
    let filters = filter_text(&asked.filters, is_stream_label)?;
    let parsed = parse(&filters, Dialect::Pharos).map_err(|error| QueryProblem { message: error.to_string(), span: None })?;
    let Query::Log(filters) = parsed else {
        return Err(QueryProblem { message: "the filters are no query for lines".to_owned(), span: None });
    };
    match &mut found.query {
        Query::Log(log) => narrow(log, &filters),
        Query::Metric(metric) => narrow_all(metric, &filters),
    }
    Ok(found)
}

/// Adds conditions to a query for lines.
fn narrow(log: &mut LogExpr, filters: &LogExpr) {
    log.selector.matchers.extend(filters.selector.matchers.iter().cloned());
    let is_parsed = |stage: &Stage| matches!(stage.kind, StageKind::Auto | StageKind::Json { .. } | StageKind::Logfmt { .. });
    let has_parser = log.stages.iter().any(is_parsed);
    // Fields that were read once would get other names when they are read again.
    let kept = filters.stages.iter().filter(|stage| !(has_parser && is_parsed(stage)));
    log.stages.extend(kept.cloned());
}

fn narrow_all(metric: &mut MetricExpr, filters: &LogExpr) {
    match &mut metric.kind {
        MetricKind::Range(range) => narrow(&mut range.range.log, filters),
        MetricKind::Vector(vector) => narrow_all(&mut vector.expr, filters),
        MetricKind::LabelReplace(replace) => narrow_all(&mut replace.expr, filters),
        MetricKind::Binary(binary) => {
            narrow_all(&mut binary.left, filters);
            narrow_all(&mut binary.right, filters);
        }
        MetricKind::Literal(_) | MetricKind::Constant(_) => {}
    }
}

/// The filters as a query for lines: any of the wanted values of each label, none of the unwanted ones.
fn filter_text(filters: &[Filter], is_stream_label: &dyn Fn(&str) -> bool) -> Result<String, QueryProblem> {
    let mut labels: Vec<&str> = filters.iter().map(|filter| filter.label.as_str()).collect();
    labels.dedup();
    let (mut matchers, mut sent, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for label in labels.into_iter().collect::<std::collections::BTreeSet<_>>() {
        if !is_legacy_label_name(label) {
            let message = format!("{label:?} is no name that a filter can have; letters, digits and _ are allowed");
            return Err(QueryProblem { message, span: None });
        }
        let of = |is_excluded: bool| {
            filters
                .iter()
                .filter(move |filter| filter.label == label && filter.is_excluded == is_excluded)
                .map(|filter| filter.value.as_str())
        };
        let (only, not): (Vec<&str>, Vec<&str>) = (of(false).collect(), of(true).collect());
        if is_stream_label(label) {
            match only.as_slice() {
                [] => {}
                [one] => matchers.push(format!("{label}={}", quote(one))),
                many => {
                    let pattern: Vec<String> = many.iter().map(|value| regex::escape(value)).collect();
                    matchers.push(format!("{label}=~{}", quote(&pattern.join("|"))));
                }
            }
            matchers.extend(not.iter().map(|value| format!("{label}!={}", quote(value))));
            continue;
        }
        let into = if label == LEVEL { &mut sent } else { &mut read };
        if !only.is_empty() {
            into.push(only.iter().map(|value| format!("{label}={}", quote(value))).collect::<Vec<_>>().join(" or "));
        }
        into.extend(not.iter().map(|value| format!("{label}!={}", quote(value))));
    }
    let mut text = format!("{{{}}}", matchers.join(", "));
    let mut pipe = |stage: &str| {
        text.push_str(" | ");
        text.push_str(stage);
    };
    sent.iter().for_each(|stage| pipe(stage));
    if !read.is_empty() {
        pipe("auto");
        read.iter().for_each(|stage| pipe(stage));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logql(query: &str) -> String {
        let is_label = |name: &str| matches!(name, "host" | "env");
        match compose(&Asked::from_query(query), &is_label) {
            Ok(composed) => composed.logql(),
            Err(problem) => format!("{} {:?}", problem.message, problem.span),
        }
    }

    #[test]
    fn words_logql_and_filters_become_one_query() {
        for (query, wanted) in [
            ("", "{}"),
            ("f=host:a", r#"{host="a"}"#),
            ("f=host:a&f=host:b.c&f=-env:dev", r#"{env!="dev", host=~"a|b\\.c"}"#),
            ("f=detected_level:error&f=detected_level:fatal", r#"{} | (detected_level="error" or detected_level="fatal")"#),
            ("f=-status:200", r#"{} | auto | status!="200""#),
            ("lang=logql&q=%7Benv%3D%22x%22%7D+%7C+json&f=status:5%2200", r#"{env="x"} | json | status="5\"00""#),
            ("q=%7Benv%3D%22x%22%7D&f=host:a", r#"{env="x", host="a"}"#),
            ("lang=logql&q=rate(%7Ba%3D%22b%22%7D%5B1m%5D)&f=host:a", r#"rate({a="b", host="a"}[1m])"#),
        ] {
            assert_eq!(logql(query).replace("( ", "(").replace(" )", ")"), wanted, "{query}");
        }
        assert!(logql("q=refused&f=host:a").starts_with(r#"{host="a"} |~ "#), "{}", logql("q=refused&f=host:a"));
    }

    #[test]
    fn problems_have_a_place() {
        assert!(logql("lang=logql&q=%7Ba%3D%7D").contains("Some((3, "), "{}", logql("lang=logql&q=%7Ba%3D%7D"));
        assert!(logql("f=a-b:c").contains("\"a-b\" is no name"));
        assert!(logql(&format!("q={}", "a".repeat(2_000_000))).contains("longer than"));
    }
}
