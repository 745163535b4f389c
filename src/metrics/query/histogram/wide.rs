//! A histogram under construction: every count carries a compensation term, so long sums stay exact.

use crate::series::histogram::{Histogram, ResetHint};

use super::buckets::{bound, coarser_index, indexed, pack};
use super::{Combined, Incompatible};
use crate::metrics::query::kahan::Kahan;

/// Buckets by index, ascending.
type Side = Vec<(i32, Kahan)>;

/// A histogram whose counts are compensated sums.
#[derive(Debug, Clone)]
pub(crate) struct Wide {
    hint: ResetHint,
    schema: i32,
    zero_threshold: f64,
    zero: Kahan,
    count: Kahan,
    sum: Kahan,
    positive: Side,
    negative: Side,
    bounds: Vec<f64>,
}

impl Wide {
    /// Starts from a histogram.
    pub(crate) fn new(from: &Histogram) -> Self {
        let side = |spans, counts| indexed(spans, counts).map(|(index, count)| (index, Kahan::new(count))).collect();
        Self {
            hint: from.reset_hint,
            schema: from.schema,
            zero_threshold: from.zero_threshold,
            zero: Kahan::new(from.zero_count),
            count: Kahan::new(from.count),
            sum: Kahan::new(from.sum),
            positive: side(&from.positive_spans, &from.positive_buckets),
            negative: side(&from.negative_spans, &from.negative_buckets),
            bounds: from.custom_bounds.clone(),
        }
    }

    /// Adds `sign * other`.
    pub(crate) fn add(&mut self, other: &Histogram, sign: f64) -> Result<Combined, Incompatible> {
        self.merge(Self::new(other), sign)
    }

    /// Adds `sign * other`, which may itself be a sum.
    pub(crate) fn merge(&mut self, mut other: Self, sign: f64) -> Result<Combined, Incompatible> {
        let custom = self.is_custom();
        if custom != other.is_custom() {
            return Err(Incompatible);
        }
        let mut combined = Combined { reset_collision: self.adjust_hint(other.hint), bounds_reconciled: false };
        if custom {
            if self.bounds != other.bounds {
                combined.bounds_reconciled = true;
                let common = common_bounds(&self.bounds, &other.bounds);
                self.map_to_bounds(&common);
                other.map_to_bounds(&common);
            }
        } else {
            self.reconcile_zero(&mut other);
            let schema = self.schema.min(other.schema);
            self.coarsen(schema);
            other.coarsen(schema);
            self.zero.add_all(other.zero, sign);
            let (threshold, schema) = (self.zero_threshold, self.schema);
            for side in [&mut other.positive, &mut other.negative] {
                let inside = side.iter().take_while(|&&(index, _)| bound(index, schema, &[]) <= threshold).count();
                side.drain(..inside);
            }
        }
        self.count.add_all(other.count, sign);
        self.sum.add_all(other.sum, sign);
        add_side(&mut self.positive, &other.positive, sign);
        add_side(&mut self.negative, &other.negative, sign);
        Ok(combined)
    }

    /// Multiplies everything.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.each(|value| *value = value.scaled(factor));
    }

    /// Divides everything.
    pub(crate) fn divide(&mut self, divisor: f64) {
        self.each(|value| *value = value.divided(divisor));
    }

    /// Whether a count or the sum left the range of floats.
    pub(crate) fn has_overflow(&self) -> bool {
        let sides = self.positive.iter().chain(&self.negative).map(|(_, value)| value);
        sides.chain([&self.zero, &self.count, &self.sum]).any(|value| value.sum.is_infinite())
            || self.bounds.iter().any(|bound| bound.is_infinite())
    }

    /// The result, with compensation applied.
    pub(crate) fn finish(&self) -> Histogram {
        let side = |side: &Side| {
            let plain: Vec<(i32, f64)> = side.iter().map(|&(index, value)| (index, value.total())).collect();
            pack(&plain)
        };
        let (positive_spans, positive_buckets) = side(&self.positive);
        let (negative_spans, negative_buckets) = side(&self.negative);
        Histogram {
            reset_hint: self.hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            custom_bounds: self.bounds.clone(),
        }
    }

    fn is_custom(&self) -> bool {
        self.schema == crate::series::histogram::CUSTOM_BUCKETS_SCHEMA
    }

    fn each(&mut self, change: impl Fn(&mut Kahan)) {
        change(&mut self.zero);
        change(&mut self.count);
        change(&mut self.sum);
        self.positive.iter_mut().chain(&mut self.negative).for_each(|(_, value)| change(value));
    }

    /// Takes the other's hint into account; `true` when the two contradict each other.
    fn adjust_hint(&mut self, other: ResetHint) -> bool {
        use ResetHint::{Gauge, Unknown};
        match (self.hint, other) {
            (mine, theirs) if mine == theirs => false,
            (Gauge, _) | (Unknown, ResetHint::Reset | ResetHint::NotReset) => false,
            (_, Gauge) => {
                self.hint = Gauge;
                false
            }
            (_, Unknown) => {
                self.hint = Unknown;
                false
            }
            _ => {
                self.hint = Unknown;
                true
            }
        }
    }

    /// Widens both zero buckets until they agree and end outside of populated buckets.
    fn reconcile_zero(&mut self, other: &mut Self) {
        while self.zero_threshold != other.zero_threshold {
            // NaN thresholds would never agree.
            if self.zero_threshold.is_nan() || other.zero_threshold.is_nan() {
                return;
            }
            if self.zero_threshold > other.zero_threshold {
                other.widen_zero(self.zero_threshold);
            } else {
                self.widen_zero(other.zero_threshold);
            }
        }
    }

    /// Moves the buckets below `threshold` into the zero bucket; ends above it if it lies in a populated bucket.
    fn widen_zero(&mut self, mut threshold: f64) {
        let schema = self.schema;
        let lower = |index: i32| bound(index.wrapping_sub(1), schema, &[]);
        // Each round may only raise the threshold to the end of one more bucket.
        loop {
            let before = threshold;
            for side in [&self.positive, &self.negative] {
                for &(index, value) in side {
                    if lower(index) >= threshold {
                        break;
                    }
                    let upper = bound(index, schema, &[]);
                    if upper > threshold && value.sum != 0.0 {
                        threshold = upper;
                    }
                }
            }
            if before == threshold {
                break;
            }
        }
        for side in [&mut self.positive, &mut self.negative] {
            let inside = side.iter().take_while(|&&(index, _)| lower(index) < threshold).count();
            for (_, value) in side.drain(..inside) {
                self.zero.add_all(value, 1.0);
            }
        }
        self.zero_threshold = threshold;
    }

    fn coarsen(&mut self, schema: i32) {
        if schema >= self.schema {
            return;
        }
        for side in [&mut self.positive, &mut self.negative] {
            let mut merged: Side = Vec::with_capacity(side.len());
            for &(index, value) in side.iter() {
                let index = coarser_index(index, self.schema, schema);
                match merged.last_mut() {
                    Some((last, sum)) if *last == index => sum.add_all(value, 1.0),
                    _ => merged.push((index, value)),
                }
            }
            *side = merged;
        }
        self.schema = schema;
    }

    fn map_to_bounds(&mut self, common: &[f64]) {
        let mut mapped: Side = Vec::new();
        for &(index, value) in &self.positive {
            let old = bound(index, self.schema, &self.bounds);
            let index = common.partition_point(|&bound| bound < old) as i32;
            match mapped.last_mut() {
                Some((last, sum)) if *last == index => sum.add_all(value, 1.0),
                _ => mapped.push((index, value)),
            }
        }
        mapped.retain(|(_, value)| value.sum != 0.0 || value.compensation != 0.0);
        self.positive = mapped;
        self.bounds = common.to_vec();
    }
}

fn common_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().copied().filter(|bound| b.binary_search_by(|other| other.total_cmp(bound)).is_ok()).collect()
}

fn add_side(into: &mut Side, other: &Side, sign: f64) {
    if into.len() == other.len() && into.iter().zip(other).all(|(a, b)| a.0 == b.0) {
        for ((_, sum), &(_, value)) in into.iter_mut().zip(other) {
            sum.add_all(value, sign);
        }
        return;
    }
    let mut merged: Side = Vec::with_capacity(into.len().max(other.len()));
    let (mut a, mut b) = (into.iter().copied().peekable(), other.iter().copied().peekable());
    loop {
        let take_b = match (a.peek(), b.peek()) {
            (None, None) => break,
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (Some(x), Some(y)) => y.0 < x.0,
        };
        if take_b {
            merged.extend(b.next().map(|(index, value)| (index, value.scaled(sign))));
        } else if let Some((index, mut sum)) = a.next() {
            if let Some((_, value)) = b.next_if(|&(other, _)| other == index) {
                sum.add_all(value, sign);
            }
            merged.push((index, sum));
        }
    }
    *into = merged;
}
