//! Functions from number to number, and from histogram to number.

use crate::metrics::query::eval::plan::{go_max, go_min};
use crate::series::histogram::Histogram;

use super::Function;

/// The function from float to float of that name, if it is one.
pub(crate) fn float_function(function: Function) -> Option<fn(f64) -> f64> {
    use Function as F;
    Some(match function {
        F::Abs => f64::abs,
        F::Ceil => f64::ceil,
        F::Floor => f64::floor,
        F::Exp => f64::exp,
        F::Sqrt => f64::sqrt,
        F::Ln => f64::ln,
        F::Log2 => f64::log2,
        F::Log10 => f64::log10,
        F::Sin => f64::sin,
        F::Cos => f64::cos,
        F::Tan => f64::tan,
        F::Asin => f64::asin,
        F::Acos => f64::acos,
        F::Atan => f64::atan,
        F::Sinh => f64::sinh,
        F::Cosh => f64::cosh,
        F::Tanh => f64::tanh,
        F::Asinh => f64::asinh,
        F::Acosh => f64::acosh,
        F::Atanh => f64::atanh,
        F::Rad => |degrees| degrees * std::f64::consts::PI / 180.0,
        F::Deg => |radians| radians * 180.0 / std::f64::consts::PI,
        F::Sgn => |value| {
            if value < 0.0 {
                -1.0
            } else if value > 0.0 {
                1.0
            } else {
                value
            }
        },
        _ => return None,
    })
}

/// `clamp`; nothing when the limits exclude everything.
#[inline]
pub(crate) fn clamp(value: f64, min: f64, max: f64) -> Option<f64> {
    if max < min { None } else { Some(go_max(min, go_min(max, value))) }
}

/// `round`: to the nearest multiple, halves upwards.
#[inline]
pub(crate) fn round(value: f64, to: f64) -> f64 {
    let inverse = 1.0 / to;
    (value * inverse + 0.5).floor() / inverse
}

/// `histogram_count` and its like.
pub(crate) fn histogram_statistic(function: Function, histogram: &Histogram) -> f64 {
    match function {
        Function::HistogramCount => histogram.count,
        Function::HistogramSum => histogram.sum,
        Function::HistogramAvg => histogram.sum / histogram.count,
        Function::HistogramStdvar => histogram.variance(),
        Function::HistogramStddev => histogram.variance().sqrt(),
        _ => f64::NAN,
    }
}
