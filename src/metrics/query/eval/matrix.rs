//! What expressions evaluate to: rows of numbers over all steps, one row a series.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::series::histogram::Histogram;
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::sample::{STALE_NAN_BITS, is_stale, stale_nan};

use super::context::Charge;

/// Marks a step without a number. The staleness marker is free for this: it is never a value.
#[inline]
pub(crate) fn absent() -> f64 {
    stale_nan()
}

/// Whether there is no number.
#[inline]
pub(crate) fn is_absent(value: f64) -> bool {
    is_stale(value)
}

/// Guards results against the one bit pattern that means "absent".
#[inline]
pub(crate) fn present(value: f64) -> f64 {
    if value.to_bits() == STALE_NAN_BITS { f64::NAN } else { value }
}

/// The times at which an expression is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    /// First time (ms).
    pub(crate) start: i64,
    /// Distance (ms), above zero.
    pub(crate) interval: i64,
    /// How many.
    pub(crate) count: usize,
}

impl Steps {
    /// From `start` to at most `end`.
    pub(crate) fn new(start: i64, end: i64, interval: i64) -> Self {
        let interval = interval.max(1);
        let span = end.checked_sub(start).filter(|&span| span >= 0);
        let count = span.and_then(|span| usize::try_from(span / interval).ok()).map_or(0, |count| count.saturating_add(1));
        Self { start, interval, count }
    }

    /// The time of a step.
    #[inline]
    pub(crate) fn at(&self, step: usize) -> i64 {
        self.start.saturating_add(self.interval.saturating_mul(step as i64))
    }

    /// Only the first step.
    pub(crate) const fn first_only(&self) -> Self {
        Self { start: self.start, interval: self.interval, count: 1 }
    }
}

/// A value at a step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// A number.
    Float(f64),
    /// A histogram.
    Histogram(&'a Arc<Histogram>),
}

/// The values of one series: numbers from the first present step to the last, histograms apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    first: u32,
    values: SmallVec<[f64; 2]>,
    histograms: Vec<(u32, Arc<Histogram>)>,
}

impl Row {
    /// The number at a step, or the mark of absence.
    #[inline]
    pub(crate) fn float(&self, step: usize) -> f64 {
        step.checked_sub(self.first as usize).and_then(|at| self.values.get(at)).copied().unwrap_or_else(absent)
    }

    /// The value at a step.
    pub(crate) fn cell(&self, step: usize) -> Option<Cell<'_>> {
        let value = self.float(step);
        if !is_absent(value) {
            return Some(Cell::Float(value));
        }
        if self.histograms.is_empty() {
            return None;
        }
        let at = self.histograms.binary_search_by_key(&(step as u32), |(step, _)| *step).ok()?;
        Some(Cell::Histogram(&self.histograms[at].1))
    }

    /// Whether there is a value at a step.
    pub(crate) fn has(&self, step: usize) -> bool {
        self.cell(step).is_some()
    }

    /// Steps and numbers that are present.
    pub(crate) fn floats(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let first = self.first as usize;
        self.values.iter().enumerate().filter(|(_, value)| !is_absent(**value)).map(move |(at, &value)| (first + at, value))
    }

    /// Steps and histograms.
    pub(crate) fn histograms(&self) -> &[(u32, Arc<Histogram>)] {
        &self.histograms
    }

    /// First step and the values from there on, absent ones among them.
    pub(crate) fn span(&self) -> (usize, &[f64]) {
        (self.first as usize, &self.values)
    }

    /// Whether there is no value at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.histograms.is_empty()
    }

    /// Steps with a value.
    pub(crate) fn present_count(&self) -> usize {
        self.floats().count() + self.histograms.len()
    }

    /// Size in samples, as limits count it.
    pub(crate) fn size(&self) -> usize {
        self.values.len() + self.histograms.iter().map(|(_, histogram)| histogram.size_in_samples()).sum::<usize>()
    }

    /// The value of the first step at all `count` steps.
    pub(crate) fn repeat(&self, count: usize) -> Self {
        let histogram = self.histograms.first().filter(|(step, _)| *step == 0);
        let value = self.float(0);
        Self {
            first: 0,
            values: if is_absent(value) { SmallVec::new() } else { SmallVec::from_elem(value, count) },
            histograms: histogram.map_or_else(Vec::new, |(_, one)| (0..count as u32).map(|step| (step, Arc::clone(one))).collect()),
        }
    }

    /// One number at the first step.
    pub(crate) fn single(value: f64) -> Self {
        Self { first: 0, values: SmallVec::from_slice(&[value]), histograms: Vec::new() }
    }
}

/// A row being worked on: one number (or absence) for every step.
#[derive(Debug, Default)]
pub(crate) struct RowBuf {
    /// As many as there are steps.
    pub(crate) values: Vec<f64>,
    /// Histograms by step, ascending. A step has a number or a histogram, never both.
    pub(crate) histograms: Vec<(u32, Arc<Histogram>)>,
}

impl RowBuf {
    /// All steps absent.
    pub(crate) fn reset(&mut self, count: usize) {
        self.values.clear();
        self.values.resize(count, absent());
        self.histograms.clear();
    }

    /// Copies a row.
    pub(crate) fn load(&mut self, row: &Row, count: usize) {
        self.reset(count);
        let first = (row.first as usize).min(count);
        let len = row.values.len().min(count - first);
        self.values[first..first + len].copy_from_slice(&row.values[..len]);
        self.histograms.extend_from_slice(&row.histograms);
    }

    /// Sets a value.
    pub(crate) fn set(&mut self, step: usize, cell: Option<Cell<'_>>) {
        match cell {
            Some(Cell::Float(value)) => self.values[step] = present(value),
            Some(Cell::Histogram(histogram)) => self.histograms.push((step as u32, Arc::clone(histogram))),
            None => {}
        }
    }

    /// The row without absent numbers at its ends.
    pub(crate) fn to_row(&self) -> Row {
        let first = self.values.iter().position(|&value| !is_absent(value));
        let (first, values) = first.map_or((0, &[][..]), |first| {
            let last = self.values.iter().rposition(|&value| !is_absent(value)).unwrap_or(first);
            (first, &self.values[first..=last])
        });
        Row { first: first as u32, values: SmallVec::from_slice(values), histograms: self.histograms.clone() }
    }

    /// Whether no step has a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.histograms.is_empty() && self.values.iter().all(|&value| is_absent(value))
    }
}

/// One series of a result.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Its labels.
    pub(crate) labels: Labels,
    /// Whether the metric's name is to be removed at the end of the evaluation.
    pub(crate) drop_name: bool,
    /// Its values.
    pub(crate) row: Row,
}

impl Series {
    /// The metric's name as annotations show it.
    pub(crate) fn name(&self) -> &str {
        self.labels.metric_name()
    }
}

/// The value of a vector expression over all steps. Its samples are counted against the limit while it lives.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    /// The series in order of appearance; none is empty.
    pub(crate) series: Vec<Series>,
    /// What it holds of the sample limit.
    pub(crate) charge: Charge,
}

/// A scalar over all steps.
#[derive(Debug, Clone)]
pub(crate) enum Scalar {
    /// The same at every step.
    Constant(f64),
    /// One a step.
    Steps(Vec<f64>),
}

impl Scalar {
    /// The number at a step.
    #[inline]
    pub(crate) fn at(&self, step: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Steps(values) => values.get(step).copied().unwrap_or(f64::NAN),
        }
    }
}

/// `__name__`, `__type__`, `__unit__`: labels that say what the numbers are, and that most functions change.
pub(crate) fn is_metadata_label(name: &str) -> bool {
    matches!(name, METRIC_NAME | "__type__" | "__unit__")
}

/// The labels without those that say what the numbers are.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    labels.without(is_metadata_label)
}
