//! What a query is without asking it: its text in one line, and what its selectors choose.

use super::ast::{Expr, ExprKind};
use super::engine::{Options, parse_query};
use crate::series::matcher::Matcher;
use crate::series::ports::{EvaluateError, Shape};

/// Reads a query, or says what is wrong with it.
pub fn read_query(query: &str) -> Result<Shape, EvaluateError> {
    let expr = parse_query(query, &Options::default())?;
    let mut selectors = Vec::new();
    collect_selectors(&expr, &mut selectors);
    Ok(Shape { text: expr.to_string(), selectors })
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
