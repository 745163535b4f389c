//! Walks a metric expression.

use std::sync::Arc;

use regex::Regex;

use super::aggregate::aggregate;
use super::binary;
use super::extract::Extract;
use super::keys::Kept;
use super::matrix::{Matrix, Series, Steps, absent, is_absent};
use super::samples::{each_window, over_time};
use super::window::Windows;
use super::{Context, stopped};
use crate::logs::model::needs::Needs;
use crate::logs::query::ast::{
    Binary, Grouping, LabelReplace, LogExpr, MatchOp, MetricExpr, MetricKind, RangeAggregate, RangeOp, VectorAggregate, VectorOp,
};
use crate::logs::query::needs::needs;
use crate::series::labels::Labels;
use crate::series::ports::EvaluateError;
use crate::series::re2;
use crate::series::value::{RangeSeries, Value};

/// Evaluates an expression at all steps.
pub(crate) fn evaluate(ctx: &Context<'_>, expr: &MetricExpr, steps: &Steps) -> Result<Value, EvaluateError> {
    if let MetricKind::Literal(value) = expr.kind {
        if steps.is_instant {
            return Ok(Value::Scalar(steps.ms(0), value));
        }
        let floats = (0..steps.count).map(|step| (steps.ms(step), value)).collect();
        return Ok(Value::Matrix(vec![RangeSeries { labels: Labels::empty(), floats, histograms: Vec::new() }]));
    }
    matrix(ctx, expr, steps).map(|matrix| matrix.into_value(steps))
}

fn matrix(ctx: &Context<'_>, expr: &MetricExpr, steps: &Steps) -> Result<Matrix, EvaluateError> {
    ctx.cancel.check().map_err(stopped)?;
    match &expr.kind {
        MetricKind::Range(range) => range_aggregate(ctx, range, None, steps),
        MetricKind::Vector(vector) => vector_aggregate(ctx, vector, steps),
        MetricKind::Binary(binary) => binary_expr(ctx, binary, steps),
        MetricKind::LabelReplace(replace) => label_replace(ctx, replace, steps),
        MetricKind::Literal(value) | MetricKind::Constant(value) => {
            Ok(Matrix { series: vec![Series { labels: Labels::empty(), values: vec![*value; steps.count] }], is_sorted: false })
        }
    }
}

fn vector_aggregate(ctx: &Context<'_>, vector: &VectorAggregate, steps: &Steps) -> Result<Matrix, EvaluateError> {
    if vector.op == VectorOp::ApproxTopk && !steps.is_instant {
        return Err(EvaluateError::Invalid { message: "approx_topk is only supported on instant queries".to_owned(), span: None });
    }
    let input = match &vector.expr.kind {
        // Lines are summed into their groups at once.
        MetricKind::Range(range) if vector.op == VectorOp::Sum && range.grouping.is_none() && sums_up(range.op) => {
            let together = Grouping::default();
            range_aggregate(ctx, range, Some(vector.grouping.as_ref().unwrap_or(&together)), steps)?
        }
        _ => matrix(ctx, &vector.expr, steps)?,
    };
    Ok(aggregate(vector.op, vector.count.unwrap_or(0), vector.grouping.as_ref(), input, steps.count))
}

/// Whether the sum over series is what comes out when their lines are one series.
const fn sums_up(op: RangeOp) -> bool {
    matches!(op, RangeOp::Rate | RangeOp::CountOverTime | RangeOp::BytesRate | RangeOp::BytesOverTime | RangeOp::SumOverTime)
}

fn binary_expr(ctx: &Context<'_>, binary: &Binary, steps: &Steps) -> Result<Matrix, EvaluateError> {
    let (op, as_bool) = (binary.op, binary.return_bool);
    match (&binary.left.kind, &binary.right.kind) {
        (MetricKind::Literal(left), _) => Ok(binary::with_literal(op, as_bool, *left, true, matrix(ctx, &binary.right, steps)?)),
        (_, MetricKind::Literal(right)) => Ok(binary::with_literal(op, as_bool, *right, false, matrix(ctx, &binary.left, steps)?)),
        _ => {
            let left = matrix(ctx, &binary.left, steps)?;
            let right = matrix(ctx, &binary.right, steps)?;
            binary::between(op, as_bool, &binary.matching, left, right, steps.count)
        }
    }
}

fn label_replace(ctx: &Context<'_>, replace: &LabelReplace, steps: &Steps) -> Result<Matrix, EvaluateError> {
    let invalid =
        |reason: String| EvaluateError::Invalid { message: format!("parse error : invalid regex in label_replace: {reason}"), span: None };
    let pattern = re2::translate(&replace.regex).map_err(invalid)?;
    let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|error| invalid(error.to_string()))?;
    let mut input = matrix(ctx, &replace.expr, steps)?;
    for series in &mut input.series {
        let Some(captures) = regex.captures(series.labels.get(&replace.from).unwrap_or_default()) else { continue };
        let mut value = String::new();
        captures.expand(&replace.replacement, &mut value);
        series.labels = series.labels.to_builder().set(&replace.to, &value).build();
    }
    Ok(input)
}

fn range_aggregate(ctx: &Context<'_>, range: &RangeAggregate, pushed: Option<&Grouping>, steps: &Steps) -> Result<Matrix, EvaluateError> {
    let windows = Windows::new(steps, range.range.interval_ns, range.range.offset_ns);
    let unwrap = range.range.unwrap.as_ref();
    let is_absent_op = range.op == RangeOp::AbsentOverTime;
    let kept = if is_absent_op { Kept::Nothing } else { Kept::new(pushed.or(range.grouping.as_ref())) };
    let kept = match unwrap {
        Some(unwrap) => kept.without(&unwrap.label),
        None => kept,
    };
    let needs: Needs = needs(&range.range.log, &|_| true);
    let extract = Extract { log: &range.range.log, needs: &needs, unwrap, windows, kept, counts_only: is_absent_op };
    let found = extract.run(ctx)?;
    ctx.budget.charge(found.labels.len().saturating_mul(steps.count).saturating_mul(size_of::<f64>()))?;
    let seconds = range.range.interval_ns as f64 / 1e9;
    let mut series: Vec<Series> = found.labels.into_iter().map(|labels| Series { labels, values: vec![absent(); steps.count] }).collect();
    for (counter, into) in found.counters.iter().zip(&mut series) {
        counter.each(|step, lines, bytes| {
            into.values[step] = match range.op {
                RangeOp::Rate => lines as f64 / seconds,
                RangeOp::BytesOverTime => bytes as f64,
                RangeOp::BytesRate => bytes as f64 / seconds,
                _ => lines as f64,
            };
        });
    }
    let mut scratch = Vec::new();
    for samples in found.samples.chunk_by(|a, b| a.series == b.series) {
        let Some(into) = samples.first().and_then(|sample| series.get_mut(sample.series as usize)) else { continue };
        let mut looked = Ok(());
        each_window(samples, &windows, |step, samples| {
            // Windows may share many samples: once nobody waits, what is left is not computed.
            looked = looked.and_then(|()| ctx.cancel.check());
            if looked.is_ok() {
                let value = over_time(range.op, range.param.unwrap_or_default(), samples, seconds, windows.end(step), &mut scratch);
                into.values[step] = value;
            }
        });
        looked.map_err(stopped)?;
    }
    series.retain(Series::has_any);
    if is_absent_op {
        return Ok(where_absent(&range.range.log, &series, steps.count));
    }
    Ok(Matrix { series, is_sorted: false })
}

/// 1 wherever no series has a value, with the labels that the selector names exactly.
fn where_absent(log: &LogExpr, series: &[Series], steps: usize) -> Matrix {
    let value = |step: usize| if series.iter().any(|series| !is_absent(series.values[step])) { absent() } else { 1.0 };
    let mut labels: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    let mut unclear: Vec<&str> = Vec::new();
    for matcher in &log.selector.matchers {
        if matcher.op == MatchOp::Equal && !labels.iter().any(|(name, _)| *name == matcher.name) {
            labels.push((Arc::clone(&matcher.name), Arc::clone(&matcher.value)));
        } else {
            unclear.push(&matcher.name);
        }
    }
    labels.retain(|(name, _)| !unclear.contains(&&**name));
    let series = Series {
        labels: Labels::from_pairs(labels.iter().map(|(name, value)| (&**name, &**value))),
        values: (0..steps).map(value).collect(),
    };
    Matrix { series: vec![series], is_sorted: false }
}
