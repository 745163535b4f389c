//! Rows collected into a matrix, and series of the same labels merged.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::metrics::query::annotations::Annotations;

use super::context::{Charge, Context, Outcome, same_labelset};
use super::matrix::{Matrix, Row, RowBuf, Series, without_metadata};
use super::scan::{Program, Sink, scan};

/// Runs a program and keeps all of its rows.
pub(crate) fn collect(ctx: &Context<'_>, mut program: Program) -> Outcome<Matrix> {
    if matches!(program.leaf, super::scan::Leaf::Row) && program.ops.is_empty() && !program.drops_name {
        // Nothing to do: hand the matrix on.
        if let super::scan::Source::Computed(matrix, _) = &mut program.source {
            return Ok(std::mem::take(matrix));
        }
    }
    let sink = Rows { ctx };
    let series = Mutex::new(Vec::new());
    let charges = Mutex::new(Charge::default());
    scan(ctx, &program, &sink, |part: Part| {
        series.lock().extend(part.series);
        charges.lock().absorb(ctx.live.charge(part.samples)?);
        Ok(())
    })?;
    let matrix = Matrix { series: series.into_inner(), charge: charges.into_inner() };
    if program.drops_name && !ctx.options.delayed_name_removal && !program.one_name {
        return if program.strict_names { refuse_same_labels(matrix) } else { merge_same_labels(matrix, program.steps.count) };
    }
    Ok(matrix)
}

struct Rows<'a, 'q> {
    ctx: &'a Context<'q>,
}

#[derive(Default)]
struct Part {
    series: Vec<Series>,
    /// Counted against the limit when the part is merged.
    samples: usize,
}

impl Sink for Rows<'_, '_> {
    type Part = Part;

    fn part(&self) -> Part {
        Part::default()
    }

    fn take(&self, part: &mut Part, program: &Program, index: usize, row: &mut RowBuf, _: &mut Annotations) -> Outcome<()> {
        let labels = program.source.labels(index);
        let delayed = self.ctx.options.delayed_name_removal;
        let row = row.to_row();
        part.samples += row.size();
        self.ctx.live.admit(part.samples)?;
        part.series.push(Series {
            labels: if program.drops_name && !delayed { without_metadata(labels) } else { labels.clone() },
            drop_name: program.drops_name || program.source.drop_name(index),
            row,
        });
        Ok(())
    }
}

/// Whether two series have the same labels.
pub(crate) fn has_same_labels(series: &[Series]) -> bool {
    if series.len() < 2 {
        return false;
    }
    let mut seen = std::collections::HashSet::with_capacity(series.len());
    !series.iter().all(|series| seen.insert(series.labels.packed()))
}

fn refuse_same_labels(matrix: Matrix) -> Outcome<Matrix> {
    if has_same_labels(&matrix.series) { same_labelset() } else { Ok(matrix) }
}

/// Joins series of the same labels; an error when two have a value at the same step.
pub(crate) fn merge_same_labels(matrix: Matrix, steps: usize) -> Outcome<Matrix> {
    if !has_same_labels(&matrix.series) {
        return Ok(matrix);
    }
    let mut at: HashMap<crate::series::labels::Labels, usize> = HashMap::new();
    let mut merged: Vec<Series> = Vec::with_capacity(matrix.series.len());
    for series in matrix.series {
        match at.entry(series.labels.clone()) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(merged.len());
                merged.push(series);
            }
            std::collections::hash_map::Entry::Occupied(slot) => {
                let into = &mut merged[*slot.get()];
                into.row = merge_rows(&into.row, &series.row, steps)?;
            }
        }
    }
    Ok(Matrix { series: merged, charge: matrix.charge })
}

fn merge_rows(a: &Row, b: &Row, steps: usize) -> Outcome<Row> {
    let mut row = RowBuf::default();
    row.reset(steps);
    for step in 0..steps {
        match (a.cell(step), b.cell(step)) {
            (Some(_), Some(_)) => return same_labelset(),
            (cell, None) | (None, cell) => row.set(step, cell),
        }
    }
    Ok(row.to_row())
}
