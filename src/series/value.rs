//! What every query language answers with.

use std::sync::Arc;

use crate::series::histogram::Histogram;
use crate::series::labels::Labels;

/// One value in time: a number or a histogram.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

/// One series of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct InstantSample {
    /// Its labels.
    pub labels: Labels,
    /// Evaluation time (or the sample's own for a bare range result), in milliseconds.
    pub ts: i64,
    /// Its value.
    pub value: Point,
}

/// One series over time. Floats and histograms are apart, each ascending in time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RangeSeries {
    /// Its labels.
    pub labels: Labels,
    /// Times (ms) and numbers.
    pub floats: Vec<(i64, f64)>,
    /// Times (ms) and histograms.
    pub histograms: Vec<(i64, Arc<Histogram>)>,
}

/// The answer of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number at a time (ms).
    Scalar(i64, f64),
    /// A text at a time (ms).
    String(i64, String),
    /// Series with one value each, in the order to show.
    Vector(Vec<InstantSample>),
    /// Series over time, sorted by labels.
    Matrix(Vec<RangeSeries>),
}

impl Value {
    /// The numbers of an instant, by series: histograms are left out, a scalar is a series without labels, and all else has
    /// none.
    pub fn into_numbers(self) -> Vec<(Labels, f64)> {
        match self {
            Self::Vector(samples) => samples
                .into_iter()
                .filter_map(|sample| match sample.value {
                    Point::Float(value) => Some((sample.labels, value)),
                    Point::Histogram(_) => None,
                })
                .collect(),
            Self::Scalar(_, value) => vec![(Labels::empty(), value)],
            Self::String(..) | Self::Matrix(_) => Vec::new(),
        }
    }

    /// The API's `resultType`.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Scalar(..) => "scalar",
            Self::String(..) => "string",
            Self::Vector(_) => "vector",
            Self::Matrix(_) => "matrix",
        }
    }
}
