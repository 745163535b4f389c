//! Arithmetic on native histograms: sums, differences, resets, trimming, quantiles.
//!
//! Semantics as Prometheus' float histograms. Operations that combine two histograms first bring them to a
//! common layout (the coarser schema, the wider zero bucket, the shared custom bounds); see [`wide`].

pub(crate) mod buckets;
pub(crate) mod classic;
pub(crate) mod quantile;
pub(crate) mod reset;
pub(crate) mod text;
pub(crate) mod trim;
pub(crate) mod wide;

#[cfg(test)]
mod tests;

use crate::series::histogram::{Histogram, ResetHint, Span};

use buckets::{indexed, pack};
use wide::Wide;

/// The two histograms have exponential and custom buckets: they cannot be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incompatible;

/// What happened besides the arithmetic when two histograms were combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Combined {
    /// One said there was a counter reset, the other that there was none.
    pub(crate) reset_collision: bool,
    /// Custom bounds differed and were reduced to those in common.
    pub(crate) bounds_reconciled: bool,
}

impl Histogram {
    /// `self + other`.
    pub(crate) fn add(&mut self, other: &Self) -> Result<Combined, Incompatible> {
        self.combine(other, 1.0)
    }

    /// `self - other`.
    pub(crate) fn subtract(&mut self, other: &Self) -> Result<Combined, Incompatible> {
        self.combine(other, -1.0)
    }

    fn combine(&mut self, other: &Self, sign: f64) -> Result<Combined, Incompatible> {
        let mut wide = Wide::new(self);
        let combined = wide.add(other, sign)?;
        *self = wide.finish();
        Ok(combined)
    }

    /// Multiplies all counts and the sum; a negative factor makes a gauge.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.each_count(|count| *count *= factor);
        if factor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    /// Divides all counts and the sum; dividing by zero leaves no buckets, a negative divisor makes a gauge.
    pub(crate) fn divide(&mut self, divisor: f64) {
        if divisor == 0.0 {
            self.positive_spans.clear();
            self.positive_buckets.clear();
            self.negative_spans.clear();
            self.negative_buckets.clear();
        }
        self.each_count(|count| *count /= divisor);
        if divisor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    fn each_count(&mut self, change: impl Fn(&mut f64)) {
        change(&mut self.zero_count);
        change(&mut self.count);
        change(&mut self.sum);
        self.positive_buckets.iter_mut().chain(&mut self.negative_buckets).for_each(change);
    }

    /// Drops empty buckets and joins adjacent spans.
    pub(crate) fn compact(&mut self) {
        compact_side(&mut self.positive_spans, &mut self.positive_buckets);
        compact_side(&mut self.negative_spans, &mut self.negative_buckets);
    }

    /// Whether both hold the same data, bit by bit, whatever their reset hints.
    pub(crate) fn same_data(&self, other: &Self) -> bool {
        let side = |a: &[Span], b: &[Span], x: &[f64], y: &[f64]| {
            x.len() == y.len() && indexed(a, x).map(|(at, v)| (at, v.to_bits())).eq(indexed(b, y).map(|(at, v)| (at, v.to_bits())))
        };
        self.schema == other.schema
            && self.count.to_bits() == other.count.to_bits()
            && self.sum.to_bits() == other.sum.to_bits()
            && (!self.has_custom_buckets() || self.custom_bounds == other.custom_bounds)
            && self.zero_threshold == other.zero_threshold
            && self.zero_count.to_bits() == other.zero_count.to_bits()
            && side(&self.negative_spans, &other.negative_spans, &self.negative_buckets, &other.negative_buckets)
            && side(&self.positive_spans, &other.positive_spans, &self.positive_buckets, &other.positive_buckets)
    }

    /// The same at a coarser schema. Custom buckets and finer targets leave it unchanged.
    pub(crate) fn at_schema(&self, schema: i32) -> Self {
        let mut copy = self.clone();
        if self.has_custom_buckets() || schema >= self.schema {
            return copy;
        }
        let reduce = |spans: &[Span], counts: &[f64]| {
            let merged: Vec<(i32, f64)> = buckets::merged(indexed(spans, counts), self.schema, schema).collect();
            pack(&merged)
        };
        (copy.positive_spans, copy.positive_buckets) = reduce(&self.positive_spans, &self.positive_buckets);
        (copy.negative_spans, copy.negative_buckets) = reduce(&self.negative_spans, &self.negative_buckets);
        copy.schema = schema;
        copy.reset_hint = ResetHint::Unknown;
        copy
    }

    /// Only count, sum, schema and hint, for functions that look at nothing else.
    pub(crate) fn statistics(&self, reset_hint: ResetHint) -> Self {
        Self { reset_hint, schema: self.schema, count: self.count, sum: self.sum, ..Self::default() }
    }
}

fn compact_side(spans: &mut Vec<Span>, counts: &mut Vec<f64>) {
    let tight = !counts.contains(&0.0) && spans.iter().enumerate().all(|(at, span)| span.length > 0 && (at == 0 || span.offset > 0));
    if !tight {
        let kept: Vec<(i32, f64)> = indexed(spans, counts).filter(|&(_, count)| count != 0.0).collect();
        (*spans, *counts) = pack(&kept);
    }
}
