//! Aggregations that fold one row after the other: nothing but one row a group is ever held.

use std::collections::HashMap;

use crate::metrics::query::annotations::{Annotations, Note, Operation};
use crate::metrics::query::ast::{AggregateOp, Span};
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::context::{Charge, Context, Outcome};
use crate::metrics::query::eval::matrix::{Matrix, RowBuf, Series, absent, is_absent, present};
use crate::metrics::query::eval::plan::Aggregate;
use crate::metrics::query::eval::scan::{Program, Sink, scan};
use crate::metrics::query::functions::over_time::{HistogramTotal, larger, smaller};
use crate::metrics::query::kahan::Kahan;
use crate::series::labels::Labels;

use super::group::Grouping;

/// Evaluates the aggregation.
pub(super) fn evaluate(evaluator: &Evaluator<'_, '_>, aggregate: &Aggregate) -> Outcome<Matrix> {
    let ctx = evaluator.ctx;
    let program = evaluator.program(&aggregate.expr)?;
    let delayed = ctx.options.delayed_name_removal;
    if program.drops_name && !delayed && !program.one_name && has_other_names(&program) {
        // Series could fall together without their names, which is an error that only the whole vector shows.
        let matrix = crate::metrics::query::eval::collect::collect(ctx, program)?;
        return run(evaluator, aggregate, &evaluator.over(matrix));
    }
    run(evaluator, aggregate, &program)
}

fn has_other_names(program: &Program) -> bool {
    let name = |index| program.source.labels(index).metric_name();
    (1..program.source.len()).any(|index| name(index) != name(0))
}

fn run(evaluator: &Evaluator<'_, '_>, aggregate: &Aggregate, program: &Program) -> Outcome<Matrix> {
    let ctx = evaluator.ctx;
    let nameless = program.drops_name && !ctx.options.delayed_name_removal;
    let sink = Groups {
        ctx,
        op: aggregate.op,
        grouping: Grouping::new(aggregate, nameless),
        span: aggregate.expr.span,
        steps: evaluator.steps.count,
    };
    let mut total = sink.part();
    let mut notes = Annotations::default();
    scan(ctx, program, &sink, |part| sink.merge(&mut total, part, &mut notes))?;
    let mut buf = RowBuf::default();
    let mut matrix = Matrix { series: Vec::with_capacity(total.groups.len()), charge: Charge::default() };
    for group in total.groups {
        buf.reset(sink.steps);
        sink.finish(group.state, &mut buf, &mut notes);
        if !buf.is_empty() {
            let row = buf.to_row();
            matrix.charge.absorb(ctx.live.charge(row.size())?);
            matrix.series.push(Series { labels: group.labels, drop_name: group.drop_name, row });
        }
    }
    ctx.merge_notes(notes);
    Ok(matrix)
}

struct Groups<'a, 'q> {
    ctx: &'a Context<'q>,
    op: AggregateOp,
    grouping: Grouping<'a>,
    /// Where the aggregated expression stands.
    span: Span,
    steps: usize,
}

/// The groups of some series.
#[derive(Default)]
struct Part {
    at: HashMap<u128, usize, rustc_hash::FxBuildHasher>,
    groups: Vec<Group>,
    charge: Charge,
    packed: Vec<u8>,
}

struct Group {
    key: u128,
    labels: Labels,
    drop_name: bool,
    state: State,
}

/// What a group has so far, a number or two for every step.
#[derive(Default)]
struct State {
    /// Sum, mean or extreme; absent where there was nothing yet.
    main: Vec<f64>,
    /// Compensation of the sum, or sum of squares.
    extra: Vec<f64>,
    /// How many values.
    count: Vec<f64>,
    /// Steps at which a mean could not be computed from the sum.
    incremental: Vec<bool>,
    /// Sums of histograms, where there are any.
    histograms: Vec<Option<Box<OfHistograms>>>,
}

struct OfHistograms {
    total: HistogramTotal,
    /// Exponential and custom buckets met: there is no result.
    incompatible: bool,
}

impl Sink for Groups<'_, '_> {
    type Part = Part;

    fn part(&self) -> Part {
        Part::default()
    }

    fn take(&self, part: &mut Part, program: &Program, index: usize, row: &mut RowBuf, notes: &mut Annotations) -> Outcome<()> {
        let labels = program.source.labels(index);
        let mut packed = std::mem::take(&mut part.packed);
        let key = self.grouping.key(labels, &mut packed);
        part.packed = packed;
        let at = match part.at.get(&key) {
            Some(&at) => at,
            None => {
                part.charge.absorb(self.ctx.live.charge(self.steps * self.width())?);
                part.at.insert(key, part.groups.len());
                part.groups.push(Group { key, labels: self.grouping.labels(labels), drop_name: false, state: self.state() });
                part.groups.len() - 1
            }
        };
        let group = &mut part.groups[at];
        group.drop_name |= program.drops_name || program.source.drop_name(index);
        self.add_floats(&mut group.state, &row.values);
        if !row.histograms.is_empty() {
            self.add_histograms(&mut group.state, row, labels, notes);
        }
        Ok(())
    }
}

impl Groups<'_, '_> {
    /// Numbers held for each step.
    fn width(&self) -> usize {
        match self.op {
            AggregateOp::Sum => 2,
            AggregateOp::Avg | AggregateOp::Stddev | AggregateOp::Stdvar => 3,
            _ => 1,
        }
    }

    fn state(&self) -> State {
        let width = self.width();
        State {
            main: vec![absent(); self.steps],
            extra: if width > 1 { vec![0.0; self.steps] } else { Vec::new() },
            count: if width > 2 { vec![0.0; self.steps] } else { Vec::new() },
            ..State::default()
        }
    }

    fn add_floats(&self, state: &mut State, values: &[f64]) {
        let main = &mut state.main;
        match self.op {
            AggregateOp::Sum => {
                for ((sum, lost), &value) in main.iter_mut().zip(&mut state.extra).zip(values) {
                    if !is_absent(value) {
                        add_to_sum(sum, lost, value);
                    }
                }
            }
            AggregateOp::Avg => {
                for (step, &value) in values.iter().enumerate().filter(|(_, value)| !is_absent(**value)) {
                    add_to_mean(state, step, value);
                }
            }
            AggregateOp::Count => each(main, values, |count, _| if is_absent(count) { 1.0 } else { count + 1.0 }),
            AggregateOp::Min => each(main, values, |best, value| if is_absent(best) { value } else { smaller(best, value) }),
            AggregateOp::Max => each(main, values, |best, value| if is_absent(best) { value } else { larger(best, value) }),
            AggregateOp::Stddev | AggregateOp::Stdvar => {
                for (step, &value) in values.iter().enumerate().filter(|(_, value)| !is_absent(**value)) {
                    let (mean, squares, count) = (&mut state.main[step], &mut state.extra[step], &mut state.count[step]);
                    *count += 1.0;
                    if is_absent(*mean) {
                        *mean = value;
                        *squares = if value.is_finite() { 0.0 } else { f64::NAN };
                    } else {
                        let delta = value - *mean;
                        *mean += delta / *count;
                        *squares += delta * (value - *mean);
                    }
                }
            }
            _ => each(main, values, |_, _| 1.0),
        }
    }

    fn add_histograms(&self, state: &mut State, row: &RowBuf, labels: &Labels, notes: &mut Annotations) {
        for (step, histogram) in &row.histograms {
            let step = *step as usize;
            match self.op {
                AggregateOp::Count => {
                    let count = &mut state.main[step];
                    *count = if is_absent(*count) { 1.0 } else { *count + 1.0 };
                }
                AggregateOp::Group => state.main[step] = 1.0,
                AggregateOp::Sum | AggregateOp::Avg => {
                    state.histograms.resize_with(self.steps, || None);
                    match &mut state.histograms[step] {
                        slot @ None => {
                            let total = HistogramTotal::new(histogram, self.op == AggregateOp::Avg);
                            *slot = Some(Box::new(OfHistograms { total, incompatible: false }));
                        }
                        Some(there) => {
                            if !there.incompatible && there.total.add(histogram).is_err() {
                                there.incompatible = true;
                                notes.add(self.span, &Note::MixedSchemas(labels.metric_name()));
                            }
                        }
                    }
                }
                _ => notes.add(self.span, &Note::HistogramIgnored(self.op.as_str())),
            }
        }
    }

    /// Merges the groups of later series.
    fn merge(&self, total: &mut Part, part: Part, notes: &mut Annotations) -> Outcome<()> {
        if total.groups.is_empty() {
            *total = part;
            return Ok(());
        }
        let merged = part.charge;
        let mut fresh = 0;
        for group in part.groups {
            match total.at.get(&group.key) {
                Some(&at) => {
                    let into = &mut total.groups[at];
                    into.drop_name |= group.drop_name;
                    self.merge_state(&mut into.state, group.state, &group.labels, notes);
                }
                None => {
                    fresh += 1;
                    total.at.insert(group.key, total.groups.len());
                    total.groups.push(group);
                }
            }
        }
        // The memory of merged groups is free again.
        drop(merged);
        total.charge.absorb(self.ctx.live.charge(fresh * self.steps * self.width())?);
        Ok(())
    }

    fn merge_state(&self, into: &mut State, from: State, labels: &Labels, notes: &mut Annotations) {
        for step in (0..self.steps).filter(|&step| !is_absent(from.main[step])) {
            if is_absent(into.main[step]) {
                into.main[step] = from.main[step];
                for (a, b) in [(&mut into.extra, &from.extra), (&mut into.count, &from.count)] {
                    if let (Some(a), Some(&b)) = (a.get_mut(step), b.get(step)) {
                        *a = b;
                    }
                }
                if from.incremental.get(step).copied().unwrap_or(false) {
                    into.incremental.resize(self.steps, false);
                    into.incremental[step] = true;
                }
                continue;
            }
            let (a, b) = (into.main[step], from.main[step]);
            match self.op {
                AggregateOp::Sum => {
                    let mut sum = Kahan { sum: a, compensation: into.extra[step] };
                    sum.add_all(Kahan { sum: b, compensation: from.extra[step] }, 1.0);
                    (into.main[step], into.extra[step]) = (sum.sum, sum.compensation);
                }
                AggregateOp::Avg => merge_means(into, &from, step, self.steps),
                AggregateOp::Count => into.main[step] = a + b,
                AggregateOp::Min => into.main[step] = smaller(a, b),
                AggregateOp::Max => into.main[step] = larger(a, b),
                AggregateOp::Stddev | AggregateOp::Stdvar => {
                    let (n, m) = (into.count[step], from.count[step]);
                    let (count, delta) = (n + m, b - a);
                    into.main[step] = a + delta * (m / count);
                    into.extra[step] += from.extra[step] + delta * delta * (n * m / count);
                    into.count[step] = count;
                }
                _ => {}
            }
        }
        for (step, theirs) in from.histograms.into_iter().enumerate() {
            let Some(theirs) = theirs else { continue };
            into.histograms.resize_with(self.steps, || None);
            match &mut into.histograms[step] {
                slot @ None => *slot = Some(theirs),
                Some(mine) => {
                    let OfHistograms { total, incompatible } = *theirs;
                    mine.incompatible |= incompatible;
                    if !mine.incompatible && mine.total.merge(total).is_err() {
                        mine.incompatible = true;
                        notes.add(self.span, &Note::MixedSchemas(labels.metric_name()));
                    }
                }
            }
        }
    }

    fn finish(&self, state: State, row: &mut RowBuf, notes: &mut Annotations) {
        for (step, &main) in state.main.iter().enumerate().filter(|(_, main)| !is_absent(**main)) {
            row.values[step] = present(match self.op {
                AggregateOp::Sum => main + state.extra[step],
                AggregateOp::Avg if state.incremental.get(step).copied().unwrap_or(false) => main + state.extra[step],
                AggregateOp::Avg => main / state.count[step] + state.extra[step] / state.count[step],
                AggregateOp::Stdvar => state.extra[step] / state.count[step],
                AggregateOp::Stddev => (state.extra[step] / state.count[step]).sqrt(),
                _ => main,
            });
        }
        for (step, of_histograms) in state.histograms.into_iter().enumerate() {
            let Some(of_histograms) = of_histograms else { continue };
            let OfHistograms { total, incompatible } = *of_histograms;
            if total.bounds_reconciled {
                notes.add(self.span, &Note::BoundsReconciled(Operation::Aggregate));
            }
            if !is_absent(row.values[step]) {
                notes.add(self.span, &Note::MixedInAggregation);
                row.values[step] = absent();
                continue;
            }
            if incompatible {
                continue;
            }
            if total.reset_collision() {
                notes.add(self.span, &Note::ResetCollision(Operation::Aggregate));
            }
            let mut histogram = total.finish();
            histogram.compact();
            row.histograms.push((step as u32, std::sync::Arc::new(histogram)));
        }
    }
}

fn each(main: &mut [f64], values: &[f64], change: impl Fn(f64, f64) -> f64) {
    for (slot, &value) in main.iter_mut().zip(values) {
        if !is_absent(value) {
            *slot = change(*slot, value);
        }
    }
}

#[inline]
fn add_to_sum(sum: &mut f64, lost: &mut f64, value: f64) {
    if is_absent(*sum) {
        *sum = value;
        return;
    }
    let mut total = Kahan { sum: *sum, compensation: *lost };
    total.add(value);
    (*sum, *lost) = (total.sum, total.compensation);
}

fn add_to_mean(state: &mut State, step: usize, value: f64) {
    state.count[step] += 1.0;
    let count = state.count[step];
    if is_absent(state.main[step]) {
        state.main[step] = value;
        return;
    }
    let mut total = Kahan { sum: state.main[step], compensation: state.extra[step] };
    let incremental = state.incremental.get(step).copied().unwrap_or(false);
    if !incremental {
        let mut next = total;
        next.add(value);
        if !next.sum.is_infinite() {
            (state.main[step], state.extra[step]) = (next.sum, next.compensation);
            return;
        }
        // The sum overflows: go on with the mean.
        state.incremental.resize(state.main.len(), false);
        state.incremental[step] = true;
        total = total.divided(count - 1.0);
    }
    total = total.scaled((count - 1.0) / count);
    total.add(value / count);
    (state.main[step], state.extra[step]) = (total.sum, total.compensation);
}

fn merge_means(into: &mut State, from: &State, step: usize, steps: usize) {
    let of = |state: &State| {
        let incremental = state.incremental.get(step).copied().unwrap_or(false);
        (Kahan { sum: state.main[step], compensation: state.extra[step] }, state.count[step], incremental)
    };
    let ((a, n, a_is_mean), (b, m, b_is_mean)) = (of(into), of(from));
    let count = n + m;
    into.count[step] = count;
    if !a_is_mean && !b_is_mean {
        let mut sum = a;
        sum.add_all(b, 1.0);
        if !sum.sum.is_infinite() {
            (into.main[step], into.extra[step]) = (sum.sum, sum.compensation);
            return;
        }
    }
    let share = |total: Kahan, own: f64, is_mean: bool| if is_mean { total.scaled(own / count) } else { total.divided(count) };
    let mut mean = share(a, n, a_is_mean);
    mean.add_all(share(b, m, b_is_mean), 1.0);
    into.incremental.resize(steps, false);
    into.incremental[step] = true;
    (into.main[step], into.extra[step]) = (mean.sum, mean.compensation);
}
