//! Quantiles, fractions and variance of native histograms.

use crate::metrics::query::kahan::Kahan;
use crate::series::histogram::Histogram;

use super::buckets::Bucket;

/// NaN observations and what they did to a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NanEffect {
    /// There were none, or they did no harm.
    None,
    /// The quantile fell among them.
    ResultIsNan,
    /// They count as larger than everything.
    Skewed,
    /// They are in no bucket, so fractions leave them out.
    LeftOut,
}

impl Histogram {
    /// The value below which the share `q` of observations lies.
    pub(crate) fn quantile(&self, q: f64) -> (f64, NanEffect) {
        if q < 0.0 {
            return (f64::NEG_INFINITY, NanEffect::None);
        }
        if q > 1.0 {
            return (f64::INFINITY, NanEffect::None);
        }
        if self.count == 0.0 || q.is_nan() {
            return (f64::NAN, NanEffect::None);
        }
        // NaN observations are in no bucket, so with them only counting from below is right.
        let upwards = self.sum.is_nan() || q < 0.5;
        let mut buckets = self.ascending();
        if !upwards {
            buckets.reverse();
        }
        let mut rank = if upwards { q * self.count } else { (1.0 - q) * self.count };
        let (mut count, mut at) = (0.0, None);
        for (index, bucket) in buckets.iter().enumerate().filter(|(_, bucket)| bucket.count != 0.0) {
            count += bucket.count;
            at = Some(index);
            if count >= rank {
                break;
            }
        }
        let found = at.or_else(|| buckets.len().checked_sub(1));
        let mut bucket = found.map_or(EMPTY, |index| buckets[index]);
        if let Some(value) = self.clip(&mut bucket) {
            return (value, NanEffect::None);
        }
        count = count.min(self.count);
        if count < rank {
            return if self.sum.is_nan() { (f64::NAN, NanEffect::ResultIsNan) } else { (bucket.upper, NanEffect::None) };
        }
        rank = if upwards { rank - (count - bucket.count) } else { count - rank };
        let mut effect = NanEffect::None;
        let mut share = bucket.count;
        if self.sum.is_nan() {
            let rest = &buckets[found.map_or(0, |index| index + 1)..];
            let total: f64 = count + rest.iter().map(|bucket| bucket.count).sum::<f64>();
            if total < self.count {
                effect = NanEffect::Skewed;
            }
            // As upstream, the highest bucket stands in for the one found once all were visited.
            if let Some(last) = rest.last() {
                bucket = *last;
                share = last.count;
            }
        }
        (interpolate(&bucket, rank / share, self.has_custom_buckets()), effect)
    }

    /// Narrows a bucket that is open towards zero or infinity; `Some` when its bound is the answer already.
    fn clip(&self, bucket: &mut Bucket) -> Option<f64> {
        if self.has_custom_buckets() {
            if bucket.lower == f64::NEG_INFINITY {
                if bucket.upper <= 0.0 {
                    return Some(bucket.upper);
                }
                bucket.lower = 0.0;
            } else if bucket.upper == f64::INFINITY {
                return Some(bucket.lower);
            }
        } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
            self.clip_zero(bucket);
        }
        None
    }

    /// The zero bucket of a histogram with buckets on one side only does not reach to the other.
    fn clip_zero(&self, bucket: &mut Bucket) {
        match (self.negative_buckets.is_empty(), self.positive_buckets.is_empty()) {
            (true, false) => bucket.lower = 0.0,
            (false, true) => bucket.upper = 0.0,
            _ => {}
        }
    }

    /// The share of observations between `lower` and `upper`.
    pub(crate) fn fraction(&self, lower: f64, upper: f64) -> (f64, NanEffect) {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return (f64::NAN, NanEffect::None);
        }
        if lower >= upper {
            return (0.0, NanEffect::None);
        }
        let buckets = self.ascending();
        let mut rank = 0.0;
        let (mut lower_rank, mut upper_rank) = (None, None);
        for bucket in &buckets {
            let mut bucket = *bucket;
            let is_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
            if is_zero {
                self.clip_zero(&mut bucket);
            }
            let linear = self.has_custom_buckets() || is_zero;
            let place = |limit: f64| {
                if bucket.lower >= limit {
                    Some(rank)
                } else if bucket.upper > limit {
                    if linear && bucket.lower == f64::NEG_INFINITY {
                        Some(bucket.count)
                    } else {
                        Some(rank + bucket.count * bucket.fraction_below(limit, linear))
                    }
                } else {
                    None
                }
            };
            lower_rank = lower_rank.or_else(|| place(lower));
            upper_rank = upper_rank.or_else(|| place(upper));
            if lower_rank.is_some() && upper_rank.is_some() {
                break;
            }
            rank += bucket.count;
        }
        let (mut count, mut effect) = (self.count, NanEffect::None);
        if self.sum.is_nan() {
            count = buckets.iter().map(|bucket| bucket.count).sum();
            if count < self.count {
                effect = NanEffect::LeftOut;
            }
        }
        let limit = |rank: Option<f64>| rank.filter(|&rank| rank <= count).unwrap_or(count);
        ((limit(upper_rank) - limit(lower_rank)) / self.count, effect)
    }

    /// Variance, each bucket standing for one value.
    pub(crate) fn variance(&self) -> f64 {
        let mean = self.sum / self.count;
        let mut total = Kahan::default();
        for bucket in self.ascending().iter().filter(|bucket| bucket.count != 0.0) {
            let value = if self.has_custom_buckets() {
                (bucket.upper + bucket.lower) / 2.0
            } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
                0.0
            } else {
                let mean = (bucket.upper * bucket.lower).sqrt();
                if bucket.upper < 0.0 { -mean } else { mean }
            };
            let delta = value - mean;
            total.add(bucket.count * delta * delta);
        }
        total.total() / self.count
    }
}

const EMPTY: Bucket = Bucket { lower: 0.0, upper: 0.0, lower_inclusive: false, upper_inclusive: false, count: 0.0 };

/// Linear in custom buckets and around zero, else along the logarithm.
fn interpolate(bucket: &Bucket, fraction: f64, custom: bool) -> f64 {
    if custom || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return bucket.lower + (bucket.upper - bucket.lower) * fraction;
    }
    let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    if bucket.lower > 0.0 { (lower + (upper - lower) * fraction).exp2() } else { -(upper + (lower - upper) * (1.0 - fraction)).exp2() }
}
