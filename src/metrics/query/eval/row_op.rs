//! Operations on one row at a time: they run on every series right after it was read, without a matrix between.

use std::sync::Arc;

use crate::metrics::query::annotations::Annotations;
use crate::metrics::query::ast::{BinaryOp, Span};
use crate::metrics::query::binary::element::{self, Operand, Verdict};
use crate::metrics::query::functions::Function;
use crate::metrics::query::functions::math;
use crate::metrics::query::functions::time;
use crate::series::histogram::Histogram;
use crate::series::value::Point;

use super::matrix::{RowBuf, Scalar, absent, is_absent, present};

/// One operation.
#[derive(Debug)]
pub(crate) enum RowOp {
    /// Floats through a function; histograms fall away.
    Map(fn(f64) -> f64),
    /// Floats limited; histograms fall away.
    Clamp { min: Scalar, max: Scalar },
    /// Floats rounded to a multiple; histograms fall away.
    Round(Scalar),
    /// Everything negated.
    Negate,
    /// Histograms to a number; floats fall away.
    Statistic(Function),
    /// With a scalar on one side.
    WithScalar { op: BinaryOp, scalar: Scalar, scalar_left: bool, return_bool: bool, span: Span },
}

impl RowOp {
    /// The operation of a function of a vector and scalars, if it is one of these.
    pub(crate) fn of_function(function: Function, params: &mut dyn Iterator<Item = Scalar>) -> Option<Self> {
        use Function as F;
        if let Some(map) = math::float_function(function).or_else(|| time::date_function(function)) {
            return Some(Self::Map(map));
        }
        let mut param = |default: f64| params.next().unwrap_or(Scalar::Constant(default));
        Some(match function {
            F::Clamp => Self::Clamp { min: param(f64::NEG_INFINITY), max: param(f64::INFINITY) },
            F::ClampMin => Self::Clamp { min: param(f64::NEG_INFINITY), max: Scalar::Constant(f64::INFINITY) },
            F::ClampMax => Self::Clamp { min: Scalar::Constant(f64::NEG_INFINITY), max: param(f64::INFINITY) },
            F::Round => Self::Round(param(1.0)),
            F::HistogramAvg | F::HistogramCount | F::HistogramSum | F::HistogramStddev | F::HistogramStdvar => Self::Statistic(function),
            _ => return None,
        })
    }

    /// Whether the result is another metric than the input.
    pub(crate) const fn drops_name(&self) -> bool {
        match self {
            Self::WithScalar { op, return_bool, .. } => element::changes_metric(*op) || *return_bool,
            _ => true,
        }
    }

    /// Changes a row.
    pub(crate) fn apply(&self, row: &mut RowBuf, notes: &mut Annotations) {
        match self {
            Self::Map(map) => {
                row.histograms.clear();
                each_float(row, |_, value| map(value));
            }
            Self::Clamp { min, max } => {
                row.histograms.clear();
                each_float(row, |step, value| math::clamp(value, min.at(step), max.at(step)).unwrap_or_else(absent));
            }
            Self::Round(to) => {
                row.histograms.clear();
                each_float(row, |step, value| math::round(value, to.at(step)));
            }
            Self::Negate => {
                each_float(row, |_, value| -value);
                for (_, histogram) in &mut row.histograms {
                    let mut negated = Histogram::clone(histogram);
                    negated.scale(-1.0);
                    *histogram = Arc::new(negated);
                }
            }
            Self::Statistic(function) => {
                row.values.fill(absent());
                for (step, histogram) in std::mem::take(&mut row.histograms) {
                    row.values[step as usize] = present(math::histogram_statistic(*function, &histogram));
                }
            }
            Self::WithScalar { op, scalar, scalar_left, return_bool, span } => {
                with_scalar(row, *op, scalar, *scalar_left, *return_bool, *span, notes);
            }
        }
    }
}

/// Changes every number that is present; results are guarded unless they are meant to be absent.
fn each_float(row: &mut RowBuf, change: impl Fn(usize, f64) -> f64) {
    for (step, value) in row.values.iter_mut().enumerate() {
        if !is_absent(*value) {
            *value = change(step, *value);
        }
    }
}

fn with_scalar(row: &mut RowBuf, op: BinaryOp, scalar: &Scalar, scalar_left: bool, return_bool: bool, span: Span, notes: &mut Annotations) {
    let is_trim = matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper);
    if op.is_comparison() {
        each_float(row, |step, value| {
            let scalar = scalar.at(step);
            let keep = if scalar_left { element::compare(op, scalar, value) } else { element::compare(op, value, scalar) };
            if return_bool {
                f64::from(u8::from(keep))
            } else if keep {
                value
            } else {
                absent()
            }
        });
    } else if !is_trim {
        each_float(row, |step, value| {
            let scalar = scalar.at(step);
            if scalar_left { element::arithmetic(op, scalar, value) } else { element::arithmetic(op, value, scalar) }
        });
    } else if row.values.iter().any(|&value| !is_absent(value)) {
        element::note_types(op, "float", "float", span, notes);
        row.values.fill(absent());
    }
    for (step, histogram) in std::mem::take(&mut row.histograms) {
        let number = Operand::Float(scalar.at(step as usize));
        let (left, right) = if scalar_left { (number, Operand::Histogram(&histogram)) } else { (Operand::Histogram(&histogram), number) };
        match element::combine(op, left, right, span, notes) {
            Some(Verdict { value: Point::Histogram(result), .. }) => row.histograms.push((step, result)),
            Some(Verdict { value: Point::Float(result), .. }) => row.values[step as usize] = present(result),
            None => {}
        }
    }
}
