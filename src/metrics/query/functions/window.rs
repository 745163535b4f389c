//! Functions over a range of samples, one window at a time.
//!
//! This is the whole meaning of these functions, for floats, histograms and mixtures. Series of floats alone
//! mostly take the faster way through [`crate::metrics::query::eval::kernel`], which must give the same.

use std::sync::Arc;

use crate::metrics::query::annotations::{Annotations, Note};
use crate::metrics::query::ast::{Extension, Span};
use crate::metrics::query::eval::context::Outcome;
use crate::series::histogram::Histogram;
use crate::series::value::Point;

use super::Function;
use super::{extended, over_time, rate};

/// The samples of one series in one window, without staleness markers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// Times of the floats (ms).
    pub(crate) ts: &'a [i64],
    /// The floats.
    pub(crate) floats: &'a [f64],
    /// Start timestamps of the floats, 0 = unknown; empty when not to be used.
    pub(crate) starts: &'a [i64],
    /// Times of the histograms (ms).
    pub(crate) histogram_ts: &'a [i64],
    /// The histograms.
    pub(crate) histograms: &'a [Arc<Histogram>],
    /// Start timestamps of the histograms.
    pub(crate) histogram_starts: &'a [i64],
    /// Where the window begins (ms), itself excluded.
    pub(crate) start: i64,
    /// Where it ends (ms), included.
    pub(crate) end: i64,
    /// The time of the evaluation (ms).
    pub(crate) at: i64,
}

/// What to compute over the windows of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task<'a> {
    /// The function.
    pub(crate) function: Function,
    /// Length of the range (ms).
    pub(crate) range: i64,
    /// `anchored`, `smoothed`.
    pub(crate) extension: Extension,
    /// The metric's name, for annotations.
    pub(crate) name: &'a str,
    /// Where the first argument stands.
    pub(crate) span: Span,
    /// Scalar arguments at this step.
    pub(crate) params: [f64; 2],
}

impl Task<'_> {
    /// Length of the range in seconds.
    pub(crate) fn range_secs(&self) -> f64 {
        self.range as f64 / 1000.0
    }

    /// Adds an annotation about the first argument.
    pub(crate) fn note(&self, notes: &mut Annotations, note: &Note<'_>) {
        notes.add(self.span, note);
    }
}

/// Evaluates a window that holds at least one sample.
pub(crate) fn evaluate(task: &Task<'_>, window: &Window<'_>, notes: &mut Annotations) -> Outcome<Option<Point>> {
    use Function as F;
    let floats = window.floats;
    let float = |value: f64| Ok(Some(Point::Float(value)));
    match task.function {
        F::Rate | F::Increase | F::Delta if task.extension != Extension::None => Ok(extended::rate(task, window, notes)),
        F::Rate | F::Increase | F::Delta => Ok(rate::extrapolated(task, window, notes)),
        F::Irate | F::Idelta => Ok(rate::instant(task, window, notes)),
        F::Resets => Ok(over_time::resets(task, window).map(Point::Float)),
        F::Changes => Ok(over_time::changes(task, window).map(Point::Float)),
        F::CountOverTime => float((floats.len() + window.histograms.len()) as f64),
        F::PresentOverTime | F::AbsentOverTime => float(1.0),
        F::SumOverTime | F::AvgOverTime => Ok(over_time::sum_or_average(task, window, notes)),
        F::FirstOverTime => Ok(over_time::first(window)),
        F::LastOverTime => Ok(over_time::last(window)),
        F::TsOfFirstOverTime => {
            let first = |ts: &[i64]| ts.first().copied().unwrap_or(i64::MAX);
            float(first(window.ts).min(first(window.histogram_ts)) as f64 / 1000.0)
        }
        F::TsOfLastOverTime => {
            let last = |ts: &[i64]| ts.last().copied().unwrap_or(0);
            float(last(window.ts).max(last(window.histogram_ts)) as f64 / 1000.0)
        }
        F::Deriv | F::PredictLinear | F::DoubleExponentialSmoothing => {
            if task.function == F::DoubleExponentialSmoothing {
                over_time::check_smoothing_factors(task.params)?;
            }
            if !floats.is_empty() && !window.histograms.is_empty() {
                task.note(notes, &Note::HistogramIgnoredInRange(task.name));
            }
            if floats.len() < 2 {
                return Ok(None);
            }
            float(over_time::float_function(task, window))
        }
        _ => {
            if floats.is_empty() {
                return Ok(None);
            }
            if task.function == F::QuantileOverTime && !(0.0..=1.0).contains(&task.params[0]) {
                task.note(notes, &Note::InvalidQuantile(task.params[0]));
            }
            if !window.histograms.is_empty() {
                task.note(notes, &Note::HistogramIgnoredInRange(task.name));
            }
            float(over_time::float_function(task, window))
        }
    }
}
