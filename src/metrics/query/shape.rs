//! What a query is without asking it: its text in one line, and what its selectors choose.

use super::ast::{Expr, ExprKind};
use super::engine::{Options, parse_query};
use super::parse::ParseOptions;
use crate::series::matcher::Matcher;
use crate::series::ports::{Compared, EvaluateError, Shape};

/// Reads a query, with the experimental parts of the language that are allowed, or says what is wrong with it.
pub fn read_query(query: &str, parse: ParseOptions) -> Result<Shape, EvaluateError> {
    let expr = parse_query(query, &Options { parse, ..Options::default() })?;
    let mut selectors = Vec::new();
    collect_selectors(&expr, &mut selectors);
    Ok(Shape { text: expr.to_string(), selectors, compared: compared(&expr) })
}

/// What is compared with a number, if that is all the query does. A chain of operators leans left, so that its last one is
/// on top.
fn compared(expr: &Expr) -> Option<Compared> {
    match &expr.kind {
        ExprKind::Paren(inner) => compared(inner),
        ExprKind::Binary(binary) if binary.op.is_comparison() && !binary.return_bool => {
            let bound = number(&binary.right)?;
            Some(Compared { left: binary.left.to_string(), operator: binary.op.as_str(), bound })
        }
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(literal) => Some(literal.value),
        ExprKind::Unary { negate, expr } => number(expr).map(|value| if *negate { -value } else { value }),
        ExprKind::Paren(inner) => number(inner),
        _ => None,
    }
}

/// Conditions of every selector in a query.
pub fn collect_selectors(expr: &Expr, found: &mut Vec<Vec<Matcher>>) {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => {}
        ExprKind::Selector(selector) => found.push(selector.matchers.clone()),
        ExprKind::Range(range) => found.push(range.selector.matchers.clone()),
        ExprKind::Subquery(subquery) => collect_selectors(&subquery.expr, found),
        ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => collect_selectors(expr, found),
        ExprKind::Binary(_) => {
            let chain = expr.chain();
            collect_selectors(chain.first, found);
            chain.links.iter().for_each(|(_, link)| collect_selectors(&link.right, found));
        }
        ExprKind::Aggregate(aggregate) => {
            aggregate.param.iter().for_each(|param| collect_selectors(param, found));
            collect_selectors(&aggregate.expr, found);
        }
        ExprKind::Call(call) => call.args.iter().for_each(|arg| collect_selectors(arg, found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_found_where_they_are_all_there_is() {
        for (query, expected) in [
            ("up == 0", Some(("up", "==", 0.0))),
            ("(rate(a[5m]) / b > -0.5)", Some(("rate(a[5m]) / b", ">", -0.5))),
            ("a + b >= 1e3", Some(("a + b", ">=", 1000.0))),
            ("a > 1 < 5", Some(("a > 1", "<", 5.0))),
            ("a > bool 1", None),
            ("a > b", None),
            ("1 < a", None),
            ("a > 1 and b > 2", None),
            ("absent(a)", None),
        ] {
            let shape = read_query(query, ParseOptions::default()).unwrap();
            let found = shape.compared.as_ref().map(|compared| (compared.left.as_str(), compared.operator, compared.bound));
            assert_eq!(found, expected, "{query}");
        }
    }
}
