//! Buckets one by one: their index, bounds and order.

use crate::series::histogram::{CUSTOM_BUCKETS_SCHEMA, Histogram, Span};

/// A bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bucket {
    /// Lower bound.
    pub(crate) lower: f64,
    /// Upper bound.
    pub(crate) upper: f64,
    /// Whether the lower bound belongs to it.
    pub(crate) lower_inclusive: bool,
    /// Whether the upper bound belongs to it.
    pub(crate) upper_inclusive: bool,
    /// Observations.
    pub(crate) count: f64,
}

impl Bucket {
    /// The part (0 to 1) of the width at or below `value`, which lies inside the finite bounds.
    pub(crate) fn fraction_below(&self, value: f64, linear: bool) -> f64 {
        if linear {
            return (value - self.lower) / (self.upper - self.lower);
        }
        let (lower, upper, at) = (self.lower.abs().log2(), self.upper.abs().log2(), value.abs().log2());
        if value > 0.0 { (at - lower) / (upper - lower) } else { 1.0 - (at - upper) / (lower - upper) }
    }
}

/// Index and count of each bucket of one side, away from zero.
pub(crate) fn indexed<'a>(spans: &'a [Span], counts: &'a [f64]) -> impl Iterator<Item = (i32, f64)> + Clone + 'a {
    let mut next = 0i32;
    let indices = spans.iter().flat_map(move |span| {
        let start = next.wrapping_add(span.offset);
        next = start.wrapping_add(span.length as i32);
        (0..span.length).map(move |at| start.wrapping_add(at as i32))
    });
    indices.zip(counts.iter().copied())
}

/// Spans and counts of buckets in ascending order of index.
pub(crate) fn pack(buckets: &[(i32, f64)]) -> (Vec<Span>, Vec<f64>) {
    let mut spans: Vec<Span> = Vec::new();
    let mut next = 0i32;
    for &(index, _) in buckets {
        match spans.last_mut() {
            Some(last) if index == next => last.length += 1,
            _ => spans.push(Span { offset: index.wrapping_sub(next), length: 1 }),
        }
        next = index.wrapping_add(1);
    }
    (spans, buckets.iter().map(|&(_, count)| count).collect())
}

/// Buckets at a coarser schema; those that fall together are added up.
pub(crate) fn merged(buckets: impl Iterator<Item = (i32, f64)>, from: i32, to: i32) -> impl Iterator<Item = (i32, f64)> {
    let mut buckets = buckets.map(move |(index, count)| (coarser_index(index, from, to), count)).peekable();
    std::iter::from_fn(move || {
        let (index, mut count) = buckets.next()?;
        while let Some((_, more)) = buckets.next_if(|&(next, _)| next == index) {
            count += more;
        }
        Some((index, count))
    })
}

/// Where a bucket of schema `from` lies in the coarser schema `to`.
pub(crate) fn coarser_index(index: i32, from: i32, to: i32) -> i32 {
    let by = from.wrapping_sub(to).clamp(0, 31);
    (index.wrapping_sub(1) >> by).wrapping_add(1)
}

/// The upper bound (in absolute value) of a bucket.
pub(crate) fn bound(index: i32, schema: i32, custom: &[f64]) -> f64 {
    if schema != CUSTOM_BUCKETS_SCHEMA {
        return exponential_bound(index, schema);
    }
    match usize::try_from(index) {
        Ok(at) => custom.get(at).copied().unwrap_or(f64::INFINITY),
        Err(_) => f64::NEG_INFINITY,
    }
}

fn exponential_bound(index: i32, schema: i32) -> f64 {
    let (fraction, exponent) = if schema < 0 {
        (1.0, i64::from(index) << schema.unsigned_abs().min(20))
    } else {
        let schema = schema.min(30);
        let within = index & ((1i32 << schema) - 1);
        (fraction_of(within, schema), i64::from(index >> schema))
    };
    // The last regular bucket would end one step above the largest float; infinities have a bucket of their own.
    if fraction == 1.0 && exponent == 1024 {
        return f64::MAX;
    }
    scale_by_power_of_two(fraction, exponent)
}

/// `2^(within / 2^schema)`. Up to schema 8 to the last bit what upstream has in a table, so that bounds print the same:
/// its numbers are products of the roots of two that the bits of the index stand for, larger roots first, and its root
/// of order two is the float below the nearest one.
fn fraction_of(within: i32, schema: i32) -> f64 {
    const ROOTS: [f64; 8] = [
        f64::from_bits(std::f64::consts::SQRT_2.to_bits() - 1),
        1.189_207_115_002_721,
        1.090_507_732_665_257_7,
        1.044_273_782_427_413_8,
        1.021_897_148_654_116_6,
        1.010_889_286_051_700_5,
        1.005_429_901_112_802_7,
        1.002_711_275_050_202_5,
    ];
    if schema > 8 {
        return 2f64.powf(f64::from(within) / f64::from(1i32 << schema));
    }
    let bits = within << (8 - schema);
    ROOTS.iter().enumerate().filter(|(at, _)| bits >> (7 - at) & 1 == 1).fold(1.0, |product, (_, root)| product * root)
}

fn scale_by_power_of_two(value: f64, exponent: i64) -> f64 {
    let exponent = exponent.clamp(-2200, 2200) as i32;
    let half = exponent / 2;
    value * 2f64.powi(half) * 2f64.powi(exponent - half)
}

impl Histogram {
    /// The positive buckets, upwards.
    pub(crate) fn positive(&self) -> impl Iterator<Item = Bucket> + '_ {
        indexed(&self.positive_spans, &self.positive_buckets).map(|(index, count)| {
            let upper = bound(index, self.schema, &self.custom_bounds);
            let lower = bound(index.wrapping_sub(1), self.schema, &self.custom_bounds);
            let custom = self.has_custom_buckets();
            Bucket {
                lower,
                upper,
                lower_inclusive: if custom { index == 0 } else { lower < 0.0 },
                upper_inclusive: custom || upper > 0.0,
                count,
            }
        })
    }

    /// The negative buckets, downwards from zero.
    pub(crate) fn negative(&self) -> impl Iterator<Item = Bucket> + '_ {
        indexed(&self.negative_spans, &self.negative_buckets).map(|(index, count)| {
            let lower = -bound(index, self.schema, &[]);
            let upper = -bound(index.wrapping_sub(1), self.schema, &[]);
            Bucket { lower, upper, lower_inclusive: lower < 0.0, upper_inclusive: upper > 0.0, count }
        })
    }

    /// The zero bucket.
    pub(crate) fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
        }
    }

    /// All buckets from the lowest to the highest; those beside the zero bucket do not reach into it.
    pub(crate) fn ascending(&self) -> Vec<Bucket> {
        let mut all: Vec<Bucket> = self.negative().collect();
        all.reverse();
        for bucket in &mut all {
            if bucket.upper < 0.0 && bucket.upper > -self.zero_threshold {
                bucket.upper = -self.zero_threshold;
            }
        }
        if self.zero_count > 0.0 {
            all.push(self.zero_bucket());
        }
        all.extend(self.positive().map(|mut bucket| {
            if bucket.lower > 0.0 && bucket.lower < self.zero_threshold {
                bucket.lower = self.zero_threshold;
            }
            bucket
        }));
        all
    }
}
