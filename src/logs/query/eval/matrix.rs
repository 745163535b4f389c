//! Series at the steps of a query.

use std::collections::BTreeMap;

use crate::series::labels::Labels;
use crate::series::ports::{EvaluateError, When};
use crate::series::value::{InstantSample, Point, RangeSeries, Value};

/// Steps that a query may have, as upstream.
const STEPS_MAX: i64 = 11_000;

/// A NaN that no computation makes: there is no value at this step.
const ABSENT: u64 = 0x7ff4_0000_0000_0bad;

/// No value.
pub(crate) const fn absent() -> f64 {
    f64::from_bits(ABSENT)
}

/// Whether there is no value.
#[inline]
pub(crate) const fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT
}

/// Nanoseconds of a millisecond.
const NS_PER_MS: i64 = 1_000_000;

/// When numbers are wanted, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// At one time.
    Instant(i64),
    /// From `start` to `end`, both included, every `step`.
    Range {
        /// The first time.
        start: i64,
        /// No time is after this.
        end: i64,
        /// How far apart; more than zero.
        step: i64,
    },
}

impl From<When> for Times {
    fn from(when: When) -> Self {
        let ns = |ms: i64| ms.saturating_mul(NS_PER_MS);
        match when {
            When::Instant(at) => Self::Instant(ns(at)),
            When::Range { start, end, step } => Self::Range { start: ns(start), end: ns(end), step: ns(step) },
        }
    }
}

/// The steps of a query, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) start: i64,
    pub(crate) step: i64,
    pub(crate) count: usize,
    pub(crate) is_instant: bool,
}

impl Steps {
    /// Those that a question asks for.
    pub(crate) fn new(when: Times) -> Result<Self, EvaluateError> {
        let invalid = |message: String| EvaluateError::Invalid { message, span: None };
        match when {
            Times::Instant(at) => Ok(Self { start: at, step: 1, count: 1, is_instant: true }),
            Times::Range { step, .. } if step <= 0 => {
                Err(invalid("zero or negative query resolution step widths are not accepted. Try a positive integer".to_owned()))
            }
            Times::Range { start, end, .. } if end < start => Err(invalid("end timestamp must not be before start time".to_owned())),
            Times::Range { start, end, step } => {
                let count = end.saturating_sub(start) / step + 1;
                if count > STEPS_MAX {
                    return Err(invalid(
                        "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter"
                            .to_owned(),
                    ));
                }
                Ok(Self { start, step, count: count as usize, is_instant: false })
            }
        }
    }

    /// Time of a step as answers have it (ms).
    pub(crate) const fn ms(&self, step: usize) -> i64 {
        self.start.saturating_add((step as i64).saturating_mul(self.step)).div_euclid(NS_PER_MS)
    }
}

/// A series: one value, or none, for each step.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<f64>,
}

impl Series {
    /// Whether it has a value somewhere.
    pub(crate) fn has_any(&self) -> bool {
        self.values.iter().any(|value| !is_absent(*value))
    }
}

/// Some series.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matrix {
    pub(crate) series: Vec<Series>,
    /// Whether the order is part of the answer (`sort`).
    pub(crate) is_sorted: bool,
}

impl Matrix {
    /// As an answer.
    pub(crate) fn into_value(mut self, steps: &Steps) -> Value {
        if !self.is_sorted || !steps.is_instant {
            self.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        if steps.is_instant {
            let present = self.series.into_iter().filter_map(|series| Some((series.values.first().copied()?, series.labels)));
            let samples = present.filter(|(value, _)| !is_absent(*value));
            let ts = steps.ms(0);
            return Value::Vector(samples.map(|(value, labels)| InstantSample { labels, ts, value: Point::Float(value) }).collect());
        }
        let mut merged: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
        for series in self.series {
            let points =
                series.values.iter().enumerate().filter(|(_, value)| !is_absent(**value)).map(|(step, value)| (steps.ms(step), *value));
            let into = merged.entry(series.labels).or_default();
            let is_first = into.is_empty();
            into.extend(points);
            // Different series that a function gave the same labels.
            if !is_first {
                into.sort_by_key(|(ts, _)| *ts);
                into.dedup_by_key(|(ts, _)| *ts);
            }
        }
        let series = merged.into_iter().filter(|(_, points)| !points.is_empty());
        Value::Matrix(series.map(|(labels, floats)| RangeSeries { labels, floats, histograms: Vec::new() }).collect())
    }
}
