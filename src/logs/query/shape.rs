//! What a metric query is without asking it: its text in one line, and what its selectors choose.

use super::ast::{MetricExpr, MetricKind, Query};
use super::check::evaluable;
use super::parse::{Dialect, ParseError, parse};
use crate::series::matcher::Matcher;
use crate::series::ports::{Compared, EvaluateError, Shape};

/// Reads a query that gives numbers, or says what is wrong with it.
pub fn read_query(query: &str) -> Result<Shape, EvaluateError> {
    let invalid = |error: ParseError| EvaluateError::Invalid {
        span: Some((error.span.start as usize, error.span.end as usize)),
        message: error.to_string(),
    };
    let parsed = parse(query, Dialect::Pharos).map_err(invalid)?;
    evaluable(&parsed, query).map_err(invalid)?;
    let Query::Metric(metric) = &parsed else {
        let message = "a rule needs numbers: put the query into a function such as count_over_time({...}[5m])".to_owned();
        return Err(EvaluateError::Invalid { message, span: Some((0, query.len())) });
    };
    let mut selectors = Vec::new();
    collect(metric, &mut selectors);
    Ok(Shape { text: parsed.to_string(), selectors, compared: compared(metric) })
}

/// What is compared with a number, if that is all the query does.
fn compared(metric: &MetricExpr) -> Option<Compared> {
    let MetricKind::Binary(binary) = &metric.kind else { return None };
    let MetricKind::Literal(bound) = binary.right.kind else { return None };
    let is_filter = binary.op.is_comparison() && !binary.return_bool;
    is_filter.then(|| Compared { left: binary.left.to_string(), operator: binary.op.as_str(), bound })
}

fn collect(metric: &MetricExpr, found: &mut Vec<Vec<Matcher>>) {
    match &metric.kind {
        MetricKind::Range(range) => found.push(range.range.log.selector.matchers.clone()),
        MetricKind::Vector(vector) => collect(&vector.expr, found),
        MetricKind::Binary(binary) => {
            collect(&binary.left, found);
            collect(&binary.right, found);
        }
        MetricKind::LabelReplace(replace) => collect(&replace.expr, found),
        MetricKind::Literal(_) | MetricKind::Constant(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_found_where_they_are_all_there_is() {
        for (query, expected) in [
            (r#"sum(rate({app="a"} |= "error" [5m])) > 0.5"#, Some((r#"sum(rate({app="a"} |= "error"[5m]))"#, ">", 0.5))),
            (r#"count_over_time({app="a"}[5m]) > bool 1"#, None),
            (r#"count_over_time({app="a"}[5m])"#, None),
        ] {
            let shape = read_query(query).unwrap();
            let found = shape.compared.as_ref().map(|compared| (compared.left.as_str(), compared.operator, compared.bound));
            assert_eq!(found, expected, "{query}");
        }
    }
}
