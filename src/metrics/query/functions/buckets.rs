//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`, on classic and native histograms alike.

use std::collections::HashMap;

use crate::metrics::query::annotations::{Annotations, Note, go_float};
use crate::metrics::query::ast::Span;
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::collect::merge_same_labels;
use crate::metrics::query::eval::context::Outcome;
use crate::metrics::query::eval::matrix::{Cell, Matrix, RowBuf, Scalar, Series, is_absent, present, without_metadata};
use crate::metrics::query::eval::plan::Node;
use crate::metrics::query::histogram::classic::{self, Cumulative};
use crate::metrics::query::histogram::quantile::NanEffect;
use crate::series::histogram::Histogram;
use crate::series::labels::{BUCKET, Labels};

use super::Function;
use super::label::text;

/// What is asked of each histogram.
enum Question {
    Quantile(Scalar),
    Fraction { lower: Scalar, upper: Scalar },
}

/// A histogram as it appears in a vector.
struct Group {
    labels: Labels,
    /// Series of classic buckets with their bounds, ascending.
    classic: Vec<(f64, usize)>,
    /// Series without a bound.
    plain: Vec<usize>,
}

/// Evaluates one of the functions.
pub(crate) fn evaluate(evaluator: &Evaluator<'_, '_>, function: Function, args: &[Node]) -> Outcome<Matrix> {
    let mut questions: Vec<(Question, Option<String>)> = Vec::new();
    let vector_at = match function {
        Function::HistogramQuantile => {
            questions.push((Question::Quantile(quantile_argument(evaluator, &args[0])?), None));
            1
        }
        Function::HistogramFraction => {
            let (lower, upper) = (evaluator.scalar(&args[0])?, evaluator.scalar(&args[1])?);
            questions.push((Question::Fraction { lower, upper }, None));
            2
        }
        _ => {
            for arg in &args[2..] {
                let q = quantile_argument(evaluator, arg)?;
                let shown = open_metrics_float(q.at(0));
                questions.push((Question::Quantile(q), Some(shown)));
            }
            0
        }
    };
    let label = if function == Function::HistogramQuantiles { text(args, 1)? } else { "" };
    let vector = &args[vector_at];
    let matrix = evaluator.vector(vector)?;
    let mut notes = Annotations::default();
    let groups = groups(evaluator, &matrix, vector.span, &mut notes);
    let delayed = evaluator.ctx.options.delayed_name_removal;
    let mut result = Matrix::default();
    for (question, shown) in &questions {
        for group in &groups {
            evaluator.ctx.check()?;
            let asked = Asked { evaluator, matrix: &matrix, question, span: vector.span, delayed };
            for row in asked.rows(group, &mut notes) {
                let mut labels = group.labels.clone();
                if let Some(shown) = shown {
                    labels = labels.to_builder().set(label, shown).build();
                }
                let labels = if delayed { labels } else { without_metadata(&labels) };
                let row = row.to_row();
                result.charge.absorb(evaluator.ctx.live.charge(row.size())?);
                result.series.push(Series { labels, drop_name: true, row });
            }
        }
    }
    evaluator.ctx.merge_notes(notes);
    if delayed && evaluator.is_instant() { Ok(result) } else { merge_same_labels(result, evaluator.steps.count) }
}

fn quantile_argument(evaluator: &Evaluator<'_, '_>, arg: &Node) -> Outcome<Scalar> {
    let q = evaluator.scalar(arg)?;
    let steps = if matches!(q, Scalar::Constant(_)) { 1 } else { evaluator.steps.count };
    for value in (0..steps).map(|step| q.at(step)).filter(|value| !(0.0..=1.0).contains(value)) {
        evaluator.ctx.note(arg.span, &Note::InvalidQuantile(value));
    }
    Ok(q)
}

/// As OpenMetrics writes numbers: `1.0`, `0.99`, `1e+06`.
fn open_metrics_float(value: f64) -> String {
    let mut text = go_float(value);
    if value.is_finite() && !text.contains(['e', '.']) {
        text.push_str(".0");
    }
    text
}

/// Reads a bound as Go does.
fn parse_bound(text: &str) -> Option<f64> {
    if let Ok(value) = text.parse::<f64>() {
        return Some(value);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"))?;
    let value = u64::from_str_radix(hex.split_once(['p', 'P'])?.0, 16).ok()? as f64;
    let exponent: i32 = hex.split_once(['p', 'P'])?.1.parse().ok()?;
    Some(value * 2f64.powi(exponent) * if negative { -1.0 } else { 1.0 })
}

/// Series by their labels without the bound.
fn groups(evaluator: &Evaluator<'_, '_>, matrix: &Matrix, span: Span, notes: &mut Annotations) -> Vec<Group> {
    let mut at: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let delayed = evaluator.ctx.options.delayed_name_removal;
    let mut slot = |labels: Labels, groups: &mut Vec<Group>| {
        *at.entry(labels.clone()).or_insert_with(|| {
            groups.push(Group { labels, classic: Vec::new(), plain: Vec::new() });
            groups.len() - 1
        })
    };
    for (index, series) in matrix.series.iter().enumerate() {
        if !series.row.histograms().is_empty() {
            let group = slot(series.labels.clone(), &mut groups);
            groups[group].plain.push(index);
        }
        if series.row.span().1.is_empty() {
            continue;
        }
        let text = series.labels.get(BUCKET).unwrap_or("");
        match parse_bound(text) {
            Some(bound) => {
                let group = slot(series.labels.without(|name| name == BUCKET), &mut groups);
                groups[group].classic.push((bound, index));
            }
            None => notes.add(span, &Note::BadBucketLabel { name: if delayed { series.name() } else { "" }, value: text }),
        }
    }
    for group in &mut groups {
        group.classic.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
    }
    groups
}

/// A question to all histograms of a vector.
struct Asked<'a, 'q> {
    evaluator: &'a Evaluator<'a, 'q>,
    matrix: &'a Matrix,
    question: &'a Question,
    span: Span,
    delayed: bool,
}

impl Asked<'_, '_> {
    /// The answers for a group: usually one row.
    fn rows(&self, group: &Group, notes: &mut Annotations) -> Vec<RowBuf> {
        let steps = self.evaluator.steps.count;
        let mut row = RowBuf::default();
        row.reset(steps);
        let mut buckets: Vec<Cumulative> = Vec::with_capacity(group.classic.len());
        let name = if self.delayed { group.labels.metric_name() } else { "" };
        for step in 0..steps {
            buckets.clear();
            for &(upper, index) in &group.classic {
                let count = self.matrix.series[index].row.float(step);
                if !is_absent(count) {
                    buckets.push(Cumulative { upper, count });
                }
            }
            let native = group.plain.iter().find_map(|&index| match self.matrix.series[index].row.cell(step) {
                Some(Cell::Histogram(histogram)) => Some(histogram),
                _ => None,
            });
            match native {
                Some(_) if !buckets.is_empty() => notes.add(self.span, &Note::MixedClassicNative(name)),
                Some(histogram) => row.values[step] = present(self.native(histogram, group.labels.metric_name(), step, notes)),
                None if buckets.is_empty() => {}
                None => row.values[step] = present(self.classic(&mut buckets, name, step, notes)),
            }
        }
        if row.is_empty() { Vec::new() } else { vec![row] }
    }

    fn native(&self, histogram: &Histogram, name: &str, step: usize, notes: &mut Annotations) -> f64 {
        let name = if self.delayed { name } else { "" };
        let (value, effect) = match self.question {
            Question::Quantile(q) => histogram.quantile(q.at(step)),
            Question::Fraction { lower, upper } => histogram.fraction(lower.at(step), upper.at(step)),
        };
        match effect {
            NanEffect::None => {}
            NanEffect::ResultIsNan => notes.add(self.span, &Note::QuantileNan(name)),
            NanEffect::Skewed => notes.add(self.span, &Note::QuantileSkewed(name)),
            NanEffect::LeftOut => notes.add(self.span, &Note::FractionNan(name)),
        }
        value
    }

    fn classic(&self, buckets: &mut Vec<Cumulative>, name: &str, step: usize, notes: &mut Annotations) -> f64 {
        match self.question {
            Question::Fraction { lower, upper } => classic::fraction(lower.at(step), upper.at(step), buckets),
            Question::Quantile(q) => {
                let (value, repair) = classic::quantile(q.at(step), buckets);
                if let Some(classic::Repair { lowest, highest, max_diff }) = repair {
                    let at = self.evaluator.steps.at(step);
                    notes.add(self.span, &Note::ForcedMonotonicity { name, at, lowest, highest, max_diff });
                }
                value
            }
        }
    }
}
