//! Aggregation over series.
//!
//! `sum`, `avg`, `count`, `min`, `max`, `group`, `stddev` and `stdvar` fold rows into one row a group as they are
//! made ([`fold`]); the others need all values of a group at a step ([`select`], [`values`]).

mod fold;
mod group;
mod select;
mod values;

use crate::metrics::query::annotations::Note;
use crate::metrics::query::ast::{AggregateOp, Span};
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::context::{Outcome, failed};
use crate::metrics::query::eval::matrix::{Matrix, Scalar};
use crate::metrics::query::eval::plan::{Aggregate, Kind, go_max, go_min};
use crate::metrics::query::parse::text::{holds_raw_bytes, quote_literal};

/// Evaluates an aggregation.
pub(crate) fn evaluate(evaluator: &Evaluator<'_, '_>, aggregate: &Aggregate) -> Outcome<Matrix> {
    use AggregateOp as Op;
    match aggregate.op {
        Op::Sum | Op::Avg | Op::Count | Op::Min | Op::Max | Op::Group | Op::Stddev | Op::Stdvar => fold::evaluate(evaluator, aggregate),
        Op::CountValues => {
            let label = match aggregate.param.as_ref().map(|param| &param.kind) {
                Some(Kind::Text(label)) => label,
                _ => return failed("expected a label name"),
            };
            if label.is_empty() || holds_raw_bytes(label) {
                return failed(format!("invalid label name {}", quote_literal(label)));
            }
            values::count_values(evaluator, aggregate, label)
        }
        Op::Quantile => {
            let (q, span) = parameter(evaluator, aggregate)?;
            let range = range_of(&q, evaluator.steps.count);
            let (min, max) = (range.min, range.max);
            for bad in [(range.any_nan, f64::NAN), (max > 1.0, max), (min < 0.0, min)].iter().filter(|(is_bad, _)| *is_bad) {
                evaluator.ctx.note(span, &Note::InvalidQuantile(bad.1));
            }
            values::quantile(evaluator, aggregate, &q)
        }
        Op::Topk | Op::Bottomk | Op::Limitk => {
            let (k, _) = parameter(evaluator, aggregate)?;
            let range = range_of(&k, evaluator.steps.count);
            let matrix = evaluator.vector(&aggregate.expr)?;
            if range.max < 1.0 {
                return Ok(Matrix::default());
            }
            if range.any_nan {
                return failed("Parameter value is NaN");
            }
            let limit = i64::MAX as f64;
            if range.min <= -limit {
                return failed(format!("Scalar value {} underflows int64", crate::metrics::query::annotations::go_float(range.min)));
            }
            if range.max >= limit {
                return failed(format!("Scalar value {} overflows int64", crate::metrics::query::annotations::go_float(range.max)));
            }
            select::evaluate(evaluator, aggregate, &k, matrix)
        }
        Op::LimitRatio => {
            let (ratio, span) = parameter(evaluator, aggregate)?;
            let range = range_of(&ratio, evaluator.steps.count);
            let matrix = evaluator.vector(&aggregate.expr)?;
            if range.max == 0.0 && range.min == 0.0 {
                return Ok(Matrix::default());
            }
            if range.any_nan {
                return failed("Ratio value is NaN");
            }
            if range.max > 1.0 {
                evaluator.ctx.note(span, &Note::InvalidRatio { ratio: range.max, capped: 1.0 });
            }
            if range.min < -1.0 {
                evaluator.ctx.note(span, &Note::InvalidRatio { ratio: range.min, capped: -1.0 });
            }
            select::evaluate(evaluator, aggregate, &ratio, matrix)
        }
    }
}

fn parameter(evaluator: &Evaluator<'_, '_>, aggregate: &Aggregate) -> Outcome<(Scalar, Span)> {
    match &aggregate.param {
        Some(param) => Ok((evaluator.scalar(param)?, param.span)),
        None => failed("parameter expected"),
    }
}

/// The extremes of a parameter over all steps.
struct ParameterRange {
    min: f64,
    max: f64,
    any_nan: bool,
}

fn range_of(parameter: &Scalar, steps: usize) -> ParameterRange {
    let steps = if matches!(parameter, Scalar::Constant(_)) { 1 } else { steps };
    let mut range = ParameterRange { min: f64::INFINITY, max: f64::NEG_INFINITY, any_nan: false };
    for value in (0..steps).map(|step| parameter.at(step)) {
        range.any_nan |= value.is_nan();
        range.min = go_min(range.min, value);
        range.max = go_max(range.max, value);
    }
    range
}
