//! `and`, `or`, `unless`.

use std::collections::HashMap;

use crate::metrics::query::ast::BinaryOp;
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::collect::has_same_labels;
use crate::metrics::query::eval::collect::merge_same_labels;
use crate::metrics::query::eval::context::{Outcome, same_labelset};
use crate::metrics::query::eval::matrix::{Matrix, Row, RowBuf, Series};
use crate::metrics::query::eval::plan::Binary;

use super::matching::Signature;

/// Steps at which some series of a signature is there.
type Presence = HashMap<u128, Vec<bool>>;

/// Evaluates a set operator.
pub(crate) fn evaluate(evaluator: &Evaluator<'_, '_>, binary: &Binary, left: Matrix, right: Matrix) -> Outcome<Matrix> {
    let steps = evaluator.steps.count;
    let signature = Signature::new(&binary.matching);
    // What masks, what is masked, and whether presence keeps or removes.
    let (mut kept, masked, by, keep_present) = match binary.op {
        BinaryOp::And => (Vec::new(), left, presence(&signature, &right, steps), true),
        BinaryOp::Unless => (Vec::new(), left, presence(&signature, &right, steps), false),
        _ => {
            let by = presence(&signature, &left, steps);
            let Matrix { series, mut charge } = left;
            let mut right = right;
            charge.absorb(std::mem::take(&mut right.charge));
            right.charge = charge;
            (series, right, by, false)
        }
    };
    let Matrix { series, charge } = masked;
    for series in series {
        evaluator.ctx.check()?;
        let mask = by.get(&signature.of(&series.labels));
        let row = match mask {
            None if keep_present => continue,
            None => series.row,
            Some(mask) => masked_row(&series.row, mask, keep_present, steps),
        };
        if !row.is_empty() {
            kept.push(Series { row, ..series });
        }
    }
    let matrix = Matrix { series: kept, charge };
    if evaluator.is_instant() {
        return if !evaluator.ctx.options.delayed_name_removal && has_same_labels(&matrix.series) { same_labelset() } else { Ok(matrix) };
    }
    merge_same_labels(matrix, steps)
}

fn presence(signature: &Signature<'_>, matrix: &Matrix, steps: usize) -> Presence {
    let mut found = Presence::new();
    for series in &matrix.series {
        let present = found.entry(signature.of(&series.labels)).or_insert_with(|| vec![false; steps]);
        series.row.floats().for_each(|(step, _)| present[step] = true);
        series.row.histograms().iter().for_each(|(step, _)| present[*step as usize] = true);
    }
    found
}

fn masked_row(row: &Row, mask: &[bool], keep_present: bool, steps: usize) -> Row {
    let mut masked = RowBuf::default();
    masked.reset(steps);
    for step in (0..steps).filter(|&step| mask[step] == keep_present) {
        masked.set(step, row.cell(step));
    }
    masked.to_row()
}
