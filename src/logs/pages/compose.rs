//! From what stands in the bar and the values that were chosen to one LogQL query.

use std::collections::BTreeMap;

use super::asked::{Asked, Filter};
use super::facets::LEVEL;
use super::search::QueryProblem;
use crate::logs::query::ast::{LogExpr, MetricExpr, MetricKind, Query, Stage, StageKind};
use crate::logs::query::parse::{Dialect, ParseError, parse};
use crate::logs::query::words::{Chosen, Vocabulary, compile, compile_chosen, recognise};

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

/// Reads the bar and adds the filters. Labels that every stream has choose streams, others filter lines.
pub fn compose(asked: &Asked, is_on_every_stream: &dyn Fn(&str) -> bool) -> Result<Composed, QueryProblem> {
    let vocabulary = Vocabulary { is_on_every_stream, level: Some(LEVEL) };
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
    let chosen = compile_chosen(&chosen(&asked.filters), &vocabulary);
    let chosen = chosen.map_err(|error| QueryProblem { message: error.to_string(), span: None })?;
    let Query::Log(filters) = chosen.query else {
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

/// The filters by label: any of the wanted values of each, none of the unwanted ones.
fn chosen(filters: &[Filter]) -> Vec<Chosen<'_>> {
    let mut by_label: BTreeMap<&str, Chosen<'_>> = BTreeMap::new();
    for Filter { label, value, is_excluded } in filters {
        let one = by_label.entry(label).or_insert_with(|| Chosen { field: label, only: Vec::new(), not: Vec::new() });
        if *is_excluded { one.not.push(value) } else { one.only.push(value) }
    }
    by_label.into_values().collect()
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
            // Levels need nothing to be read out of the line: they go first.
            ("f=-status:200&f=detected_level:error", r#"{} | detected_level="error" | auto | status!="200""#),
            // Names of fields as parsers write them, and names that LogQL has for itself.
            ("f=http.status-code:404", r#"{} | auto | http_status_code="404""#),
            ("f=by:a&f=by:b", r#"{} | auto | label_format by_="{{.by}}" | (by_="a" or by_="b") | drop by_"#),
            // A label of the sender's own is not the level that every line has.
            ("f=level:ERROR", r#"{} | auto | level="ERROR""#),
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
        assert!(logql(&format!("q={}", "a".repeat(2_000_000))).contains("longer than"));
    }
}
