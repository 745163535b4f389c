//! `absent` and `absent_over_time`.

use crate::metrics::query::annotations::Annotations;
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::context::Outcome;
use crate::metrics::query::eval::matrix::{Matrix, RowBuf, Series, is_absent};
use crate::metrics::query::eval::plan::{Kind, Node};
use crate::metrics::query::eval::scan::{Program, Sink, scan};
use crate::series::labels::{Labels, LabelsBuilder, METRIC_NAME};
use crate::series::matcher::{MatchOp, Matcher};

/// 1 at the steps at which a vector is empty.
pub(crate) fn absent(evaluator: &Evaluator<'_, '_>, vector: &Node) -> Outcome<Matrix> {
    let program = evaluator.program(vector)?;
    missing(evaluator, vector, &program, false)
}

/// 1 at the steps at which a range holds no sample at all.
pub(crate) fn absent_over_time(evaluator: &Evaluator<'_, '_>, range: &Node, program: Program) -> Outcome<Matrix> {
    missing(evaluator, range, &program, true)
}

fn missing(evaluator: &Evaluator<'_, '_>, arg: &Node, program: &Program, drop_name: bool) -> Outcome<Matrix> {
    let steps = evaluator.steps.count;
    let mut there = vec![false; steps];
    scan(evaluator.ctx, program, &Presence { steps }, |part: Vec<bool>| {
        there.iter_mut().zip(part).for_each(|(there, found)| *there |= found);
        Ok(())
    })?;
    let mut row = RowBuf::default();
    row.reset(steps);
    for (value, _) in row.values.iter_mut().zip(&there).filter(|(_, there)| !**there) {
        *value = 1.0;
    }
    let mut matrix = Matrix { series: Vec::new(), charge: evaluator.ctx.live.charge(steps)? };
    if !row.is_empty() {
        matrix.series.push(Series { labels: labels_of(arg), drop_name, row: row.to_row() });
    }
    Ok(matrix)
}

/// Notes at which steps there is something.
struct Presence {
    steps: usize,
}

impl Sink for Presence {
    type Part = Vec<bool>;

    fn part(&self) -> Vec<bool> {
        vec![false; self.steps]
    }

    fn take(&self, part: &mut Vec<bool>, _: &Program, _: usize, row: &mut RowBuf, _: &mut Annotations) -> Outcome<()> {
        part.iter_mut().zip(&row.values).for_each(|(there, value)| *there |= !is_absent(*value));
        row.histograms.iter().for_each(|(step, _)| part[*step as usize] = true);
        Ok(())
    }
}

/// The labels that a selector asks for by equality, each once.
fn labels_of(arg: &Node) -> Labels {
    match &arg.kind {
        Kind::Once(inner) => labels_of(inner),
        Kind::Selector(selector) | Kind::Range(selector, _) => equalities(&selector.matchers),
        _ => Labels::empty(),
    }
}

fn equalities(matchers: &[Matcher]) -> Labels {
    let mut builder = LabelsBuilder::new();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in matchers.iter().filter(|matcher| &*matcher.name != METRIC_NAME) {
        if matcher.op == MatchOp::Equal && !seen.contains(&&*matcher.name) {
            builder.set(&matcher.name, &matcher.value);
            seen.push(&matcher.name);
        } else {
            builder.remove(&matcher.name);
        }
    }
    builder.build()
}
