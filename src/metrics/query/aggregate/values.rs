//! `quantile` and `count_values`: they need all values of a group at a step.

use std::collections::HashMap;

use crate::base::float::plain;
use crate::metrics::query::annotations::Note;
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::collect::merge_same_labels;
use crate::metrics::query::eval::context::Outcome;
use crate::metrics::query::eval::matrix::{Cell, Matrix, RowBuf, Scalar, Series, is_absent, present};
use crate::metrics::query::eval::plan::Aggregate;
use crate::metrics::query::functions::over_time;
use crate::series::labels::{Labels, METRIC_NAME};

use super::group::Grouping;

/// `quantile`.
pub(super) fn quantile(evaluator: &Evaluator<'_, '_>, aggregate: &Aggregate, q: &Scalar) -> Outcome<Matrix> {
    let matrix = evaluator.vector(&aggregate.expr)?;
    let grouping = Grouping::new(aggregate, false);
    let (mut at, mut groups, mut packed) = (HashMap::new(), Vec::<(Labels, bool, Vec<usize>)>::new(), Vec::new());
    for (index, series) in matrix.series.iter().enumerate() {
        let slot = *at.entry(grouping.key(&series.labels, &mut packed)).or_insert(groups.len());
        if slot == groups.len() {
            groups.push((grouping.labels(&series.labels), false, Vec::new()));
        }
        groups[slot].1 |= series.drop_name;
        groups[slot].2.push(index);
        if !series.row.histograms().is_empty() {
            evaluator.ctx.note(aggregate.expr.span, &Note::HistogramIgnored("quantile"));
        }
    }
    let mut result = Matrix::default();
    let mut values = Vec::new();
    for (labels, drop_name, members) in groups {
        let mut row = RowBuf::default();
        row.reset(evaluator.steps.count);
        for step in 0..evaluator.steps.count {
            if step % 64 == 0 {
                evaluator.ctx.check()?;
            }
            values.clear();
            values.extend(members.iter().map(|&member| matrix.series[member].row.float(step)).filter(|&value| !is_absent(value)));
            if !values.is_empty() {
                row.values[step] = present(over_time::quantile(q.at(step), &mut values));
            }
        }
        if !row.is_empty() {
            let row = row.to_row();
            result.charge.absorb(evaluator.ctx.live.charge(row.size())?);
            result.series.push(Series { labels, drop_name, row });
        }
    }
    Ok(result)
}

/// `count_values`: one series for every value there is.
pub(super) fn count_values(evaluator: &Evaluator<'_, '_>, aggregate: &Aggregate, label: &str) -> Outcome<Matrix> {
    let matrix = evaluator.vector(&aggregate.expr)?;
    let listed = |name: &str| aggregate.grouping.iter().any(|grouped| &**grouped == name);
    let mut at: HashMap<Labels, usize> = HashMap::new();
    let mut counted: Vec<(Labels, RowBuf)> = Vec::new();
    let mut result = Matrix::default();
    for series in &matrix.series {
        evaluator.ctx.check()?;
        let kept = series.labels.without(|name| if aggregate.without { listed(name) || name == METRIC_NAME } else { !listed(name) });
        for step in 0..evaluator.steps.count {
            let text = match series.row.cell(step) {
                None => continue,
                Some(Cell::Float(value)) => plain(value),
                Some(Cell::Histogram(histogram)) => histogram.describe(),
            };
            let labels = if aggregate.without && (listed(label) || label == METRIC_NAME) {
                kept.clone()
            } else {
                kept.to_builder().set(label, &text).build()
            };
            let slot = match at.get(&labels) {
                Some(&slot) => slot,
                None => {
                    result.charge.absorb(evaluator.ctx.live.charge(evaluator.steps.count)?);
                    let mut row = RowBuf::default();
                    row.reset(evaluator.steps.count);
                    at.insert(labels.clone(), counted.len());
                    counted.push((labels, row));
                    counted.len() - 1
                }
            };
            let count = &mut counted[slot].1.values[step];
            *count = if is_absent(*count) { 1.0 } else { *count + 1.0 };
        }
    }
    result.series = counted.into_iter().map(|(labels, row)| Series { labels, drop_name: false, row: row.to_row() }).collect();
    merge_same_labels(result, evaluator.steps.count)
}
