//! Whether the parts of a query fit together, and what can be computed without data.

use std::collections::HashSet;

use regex_syntax::hir::{Hir, HirKind};

use super::ast::{
    BinaryOp, LabelFormat, LabelFormatValue, LineMatch, LineOp, LogExpr, Query, RangeAggregate, Stage, StageKind, VectorAggregate, VectorOp,
};
use super::parse::{Dialect, ParseError};
use super::template::Template;
use crate::series::{go_regex, re2};

/// Every selector must have a matcher that an absent label does not pass, unless the dialect takes anything.
pub fn selectors(query: &Query, text: &str, dialect: Dialect) -> Result<(), ParseError> {
    let is_open = |log: &&LogExpr| log.selector.matchers.iter().all(|matcher| matcher.matches_empty());
    match query.logs().into_iter().find(is_open) {
        Some(log) if dialect == Dialect::Loki => {
            let message = "queries require at least one regexp or equality matcher that does not have an empty-compatible value. \
                           For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will";
            Err(ParseError::new(text, log.selector.span, message.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Whether grouping and `unwrap` fit the operation.
pub(super) fn range_aggregate(aggregate: &RangeAggregate) -> Result<(), String> {
    let op = aggregate.op;
    if aggregate.grouping.is_some() && !op.takes_grouping() {
        return Err(format!("grouping not allowed for {} aggregation", op.as_str()));
    }
    match aggregate.range.unwrap {
        Some(_) if !op.takes_values() => Err(format!("invalid aggregation {} with unwrap", op.as_str())),
        None if !op.takes_lines() => Err(format!("invalid aggregation {} without unwrap", op.as_str())),
        _ => Ok(()),
    }
}

/// Whether grouping fits the operation.
pub(super) fn vector_aggregate(aggregate: &VectorAggregate) -> Result<(), String> {
    match (aggregate.op, &aggregate.grouping) {
        (VectorOp::ApproxTopk, Some(_)) => Err("grouping not allowed for approx_topk aggregation".to_owned()),
        (VectorOp::Sort | VectorOp::SortDesc, Some(grouping)) if !grouping.labels.is_empty() => {
            Err("sort and sort_desc doesn't allow grouping by ".to_owned())
        }
        _ => Ok(()),
    }
}

/// A stage sets each label once, and leaves the error alone.
pub(super) fn label_formats(formats: &[LabelFormat]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for format in formats {
        if &*format.label == "__error__" {
            return Err("__error__ cannot be formatted".to_owned());
        }
        if !seen.insert(&format.label) {
            return Err(format!("multiple label name '{}' not allowed in a single format operation", format.label));
        }
    }
    Ok(())
}

/// Whether a regular expression compiles.
pub(super) fn regex(pattern: &str) -> Result<(), String> {
    hir(pattern).map(|_| ())
}

/// What a regular expression means, or why it means nothing.
pub(super) fn hir(pattern: &str) -> Result<Hir, String> {
    let translated = re2::translate(pattern).map_err(|reason| go_regex::message(pattern, &reason))?;
    let parsed = regex_syntax::ParserBuilder::new().utf8(false).nest_limit(200).build().parse(&translated);
    parsed.map_err(|error| {
        let reason = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            other => other.to_string(),
        };
        go_regex::message(pattern, &reason)
    })
}

/// Whether a regular expression, if it compiles, has named groups, each name once.
pub(super) fn named_groups(pattern: &str) -> Result<(), String> {
    let Ok(hir) = hir(pattern) else {
        // Names given twice are refused by the engine already.
        return match repeated_name(pattern) {
            Some(name) => Err(format!("duplicate extracted label name '{name}'")),
            None => Ok(()),
        };
    };
    if has_named_group(&hir) { Ok(()) } else { Err("at least one named capture must be supplied".to_owned()) }
}

fn has_named_group(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => capture.name.is_some() || has_named_group(&capture.sub),
        HirKind::Repetition(repetition) => has_named_group(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_named_group),
        _ => false,
    }
}

fn repeated_name(pattern: &str) -> Option<&str> {
    let mut seen = HashSet::new();
    let names = pattern.split("(?P<").skip(1).chain(pattern.split("(?<").skip(1));
    names.filter_map(|rest| rest.split_once('>')).map(|(name, _)| name).find(|name| !seen.insert(*name))
}

/// `left op right` of two literals; comparisons yield 1 or 0.
pub(super) fn compute(op: BinaryOp, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        // Upstream does not divide by zero.
        BinaryOp::Div | BinaryOp::Mod if right == 0.0 => f64::NAN,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Eq => truth(left == right),
        BinaryOp::Ne => truth(left != right),
        BinaryOp::Lt => truth(left < right),
        BinaryOp::Le => truth(left <= right),
        BinaryOp::Gt => truth(left > right),
        BinaryOp::Ge => truth(left >= right),
        // Refused before.
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => f64::NAN,
    }
}

/// What upstream finds out only when it makes a pipeline of a query, not when it reads it: regular expressions of line
/// filters and of `regexp` that do not compile, `ip` with an operator that is not for it, templates that are none. Whoever
/// evaluates asks first.
pub fn evaluable(query: &Query, text: &str) -> Result<(), ParseError> {
    for log in query.logs() {
        for stage in &log.stages {
            stage_evaluable(stage).map_err(|reason| ParseError::new(text, stage.span, reason))?;
        }
    }
    Ok(())
}

fn stage_evaluable(stage: &Stage) -> Result<(), String> {
    let StageKind::LineFilter(filter) = &stage.kind else {
        return match &stage.kind {
            StageKind::Regexp(pattern) => regex(pattern),
            StageKind::LineFormat(text) => template(text),
            StageKind::LabelFormat(formats) => formats.iter().try_for_each(|format| match &format.value {
                LabelFormatValue::Template(text) => template(text),
                LabelFormatValue::Rename(_) => Ok(()),
            }),
            _ => Ok(()),
        };
    };
    filter.terms.iter().try_for_each(|term| match term {
        LineMatch::Ip(_) => ip_operation(filter.op),
        LineMatch::Text(pattern) if matches!(filter.op, LineOp::Regex | LineOp::NotRegex) => regex(pattern),
        _ => Ok(()),
    })
}

fn template(text: &str) -> Result<(), String> {
    Template::new(text).map(drop).map_err(|error| format!("invalid template: {error}"))
}

fn ip_operation(op: LineOp) -> Result<(), String> {
    match op {
        LineOp::Contains | LineOp::NotContains => Ok(()),
        _ => Err("ip: invalid operation".to_owned()),
    }
}

/// In metric queries, upstream looks at the operators of `ip` at once.
pub(super) fn operations(query: &Query, text: &str) -> Result<(), ParseError> {
    let Query::Metric(metric) = query else { return Ok(()) };
    for stage in metric.ranges().into_iter().flat_map(|range| &range.log.stages) {
        if let StageKind::LineFilter(filter) = &stage.kind
            && filter.terms.iter().any(|term| matches!(term, LineMatch::Ip(_)))
        {
            ip_operation(filter.op).map_err(|reason| ParseError::new(text, stage.span, reason))?;
        }
    }
    Ok(())
}
