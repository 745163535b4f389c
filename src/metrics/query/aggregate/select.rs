//! `topk`, `bottomk`, `limitk`, `limit_ratio`: some of the series, as they are.

use std::collections::HashMap;

use crate::metrics::query::annotations::Note;
use crate::metrics::query::ast::AggregateOp;
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::context::Outcome;
use crate::metrics::query::eval::matrix::{Cell, Matrix, Row, RowBuf, Scalar, Series, is_absent};
use crate::metrics::query::eval::plan::Aggregate;
use crate::series::labels::Labels;

use super::group::Grouping;

/// Evaluates the aggregation over a vector.
pub(super) fn evaluate(evaluator: &Evaluator<'_, '_>, aggregate: &Aggregate, param: &Scalar, matrix: Matrix) -> Outcome<Matrix> {
    let steps = evaluator.steps.count;
    let groups = groups(aggregate, &matrix);
    let mut kept: Vec<RowBuf> = Vec::new();
    kept.resize_with(matrix.series.len(), RowBuf::default);
    let mut order: Vec<usize> = Vec::new();
    let offsets: Vec<f64> = match aggregate.op {
        AggregateOp::LimitRatio => matrix.series.iter().map(|series| ratio_offset(&series.labels)).collect(),
        _ => Vec::new(),
    };
    for step in 0..steps {
        if step % 64 == 0 {
            evaluator.ctx.check()?;
        }
        let param = param.at(step);
        for group in &groups {
            let chosen = match aggregate.op {
                AggregateOp::LimitRatio => {
                    let ratio = param.clamp(-1.0, 1.0);
                    let inside = |offset: f64| if ratio >= 0.0 { offset < ratio } else { offset >= 1.0 + ratio };
                    group.iter().copied().filter(|&at| ratio != 0.0 && matrix.series[at].row.has(step) && inside(offsets[at])).collect()
                }
                AggregateOp::Limitk => {
                    let there = group.iter().copied().filter(|&at| matrix.series[at].row.has(step));
                    there.take(param.max(0.0) as usize).collect()
                }
                _ => extremes(evaluator, aggregate, &matrix, group, step, param),
            };
            for at in chosen {
                let row = &mut kept[at];
                if row.values.is_empty() {
                    row.reset(steps);
                    order.push(at);
                }
                row.set(step, matrix.series[at].row.cell(step));
            }
        }
    }
    let Matrix { series, charge } = matrix;
    let mut series: Vec<Option<Series>> = series.into_iter().map(Some).collect();
    let finished = order.into_iter().filter_map(|at| {
        let row: Row = kept[at].to_row();
        series[at].take().map(|series| Series { row, ..series })
    });
    Ok(Matrix { series: finished.collect(), charge })
}

/// Series by group, groups in order of appearance.
fn groups(aggregate: &Aggregate, matrix: &Matrix) -> Vec<Vec<usize>> {
    let grouping = Grouping::new(aggregate, false);
    let (mut at, mut groups, mut packed) = (HashMap::new(), Vec::<Vec<usize>>::new(), Vec::new());
    for (index, series) in matrix.series.iter().enumerate() {
        let slot = *at.entry(grouping.key(&series.labels, &mut packed)).or_insert(groups.len());
        if slot == groups.len() {
            groups.push(Vec::new());
        }
        groups[slot].push(index);
    }
    groups
}

/// The `k` largest (smallest) of a group, most extreme first; NaN is the least of all.
fn extremes(evaluator: &Evaluator<'_, '_>, aggregate: &Aggregate, matrix: &Matrix, group: &[usize], step: usize, k: f64) -> Vec<usize> {
    let k = k.max(0.0) as usize;
    if k == 0 {
        return Vec::new();
    }
    let mut values: Vec<(f64, usize)> = Vec::new();
    for &at in group {
        let row = &matrix.series[at].row;
        let value = row.float(step);
        if !is_absent(value) {
            values.push((value, at));
        } else if let Some(Cell::Histogram(_)) = row.cell(step) {
            evaluator.ctx.note(aggregate.span, &Note::HistogramIgnored(aggregate.op.as_str()));
        }
    }
    let is_top = aggregate.op == AggregateOp::Topk;
    let order = |a: &(f64, usize), b: &(f64, usize)| {
        let by_value = match (a.0.is_nan(), b.0.is_nan()) {
            (true, true) => std::cmp::Ordering::Equal,
            (true, false) => std::cmp::Ordering::Greater,
            (false, true) => std::cmp::Ordering::Less,
            (false, false) if is_top => b.0.partial_cmp(&a.0).unwrap_or(std::cmp::Ordering::Equal),
            (false, false) => a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal),
        };
        by_value.then(a.1.cmp(&b.1))
    };
    if k < values.len() {
        values.select_nth_unstable_by(k - 1, order);
        values.truncate(k);
    }
    values.sort_unstable_by(order);
    values.into_iter().map(|(_, at)| at).collect()
}

/// Where a label set falls between 0 and 1: upstream's hash of it (XXH64 of its packed labels) over the largest hash.
fn ratio_offset(labels: &Labels) -> f64 {
    let mut packed = Vec::new();
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        match u8::try_from(text.len()) {
            Ok(len) if len < 255 => packed.push(len),
            _ => {
                packed.push(255);
                packed.extend_from_slice(&(text.len() as u32).to_le_bytes()[..3]);
            }
        }
        packed.extend_from_slice(text.as_bytes());
    }
    xxhash_rust::xxh64::xxh64(&packed, 0) as f64 / u64::MAX as f64
}
