//! The operators `</` and `>/`: what a histogram would be, had larger (smaller) values not been observed.

use crate::series::histogram::Histogram;

use super::buckets::Bucket;

/// Which observations stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Those below the limit.
    Below,
    /// Those above the limit.
    Above,
}

/// What is left of a bucket.
struct Rest {
    count: f64,
    /// The value that stands for all of them in the sum.
    midpoint: f64,
}

impl Histogram {
    /// Keeps the observations on one side of `limit`; buckets that contain it are interpolated.
    pub(crate) fn trim(&mut self, limit: f64, keep: Keep) {
        let custom = self.has_custom_buckets();
        let (mut count, mut sum, mut trimmed) = (0.0, 0.0, false);
        let mut populated = [false, false];
        for (side, is_positive) in [(0, true), (1, false)] {
            let buckets: Vec<Bucket> = if is_positive { self.positive().collect() } else { self.negative().collect() };
            let counts = if is_positive { &mut self.positive_buckets } else { &mut self.negative_buckets };
            for (bucket, stored) in buckets.iter().zip(counts) {
                if bucket.count == 0.0 {
                    continue;
                }
                populated[side] = true;
                let rest = trim_bucket(bucket, limit, keep, is_positive, custom);
                count += rest.count;
                sum += rest.midpoint * rest.count;
                if *stored != rest.count {
                    *stored = rest.count;
                    trimmed = true;
                }
            }
        }
        if self.zero_count > 0.0 {
            let rest = trim_zero(&self.zero_bucket(), limit, keep, populated[0], populated[1]);
            if self.zero_count != rest.count {
                self.zero_count = rest.count;
                trimmed = true;
            }
            count += rest.count;
            sum += rest.midpoint * rest.count;
        }
        if trimmed {
            self.count = count;
            self.sum = sum;
            self.compact();
        }
    }
}

fn trim_bucket(bucket: &Bucket, limit: f64, keep: Keep, is_positive: bool, custom: bool) -> Rest {
    let (whole, cut) = match keep {
        Keep::Below => (bucket.upper <= limit, bucket.lower < limit),
        Keep::Above => (bucket.lower >= limit, bucket.upper > limit),
    };
    if whole {
        return Rest { count: bucket.count, midpoint: midpoint(bucket.lower, bucket.upper, is_positive, custom) };
    }
    if !cut {
        return Rest { count: 0.0, midpoint: 0.0 };
    }
    if bucket.lower == f64::NEG_INFINITY || bucket.upper == f64::INFINITY {
        return trim_endless(bucket, limit, keep);
    }
    let below = if limit <= bucket.lower {
        0.0
    } else if limit >= bucket.upper {
        bucket.count
    } else {
        bucket.count * bucket.fraction_below(limit, custom)
    };
    match keep {
        Keep::Below => Rest { count: below, midpoint: midpoint(bucket.lower, limit, is_positive, custom) },
        Keep::Above => Rest { count: bucket.count - below, midpoint: midpoint(limit, bucket.upper, is_positive, custom) },
    }
}

/// Buckets with an infinite bound: nothing is known about how values spread in them.
fn trim_endless(bucket: &Bucket, limit: f64, keep: Keep) -> Rest {
    let finite = |value: f64| if value.is_infinite() { 0.0 } else { value };
    let rest = |count, midpoint| Rest { count, midpoint };
    let upper_is_finite_positive = bucket.upper > 0.0 && bucket.upper != f64::INFINITY;
    match (bucket.lower == f64::NEG_INFINITY, keep) {
        (true, Keep::Below) if limit >= bucket.upper => rest(bucket.count, 0.0),
        // The lowest custom bucket is taken to start at zero when it ends above.
        (true, Keep::Below) if limit > 0.0 && upper_is_finite_positive => rest(bucket.count * limit / bucket.upper, limit / 2.0),
        (true, Keep::Below) if bucket.upper <= 0.0 => rest(bucket.count, limit),
        (true, Keep::Above) if limit <= bucket.lower => rest(bucket.count, 0.0),
        (true, Keep::Above) if limit >= 0.0 && bucket.upper > limit && upper_is_finite_positive => {
            rest(bucket.count * (1.0 - limit / bucket.upper), f64::midpoint(limit, bucket.upper))
        }
        (true, _) => rest(0.0, finite(bucket.upper)),
        (false, Keep::Above) if limit >= bucket.lower => rest(bucket.count, limit),
        (false, _) => rest(0.0, finite(bucket.lower)),
    }
}

fn trim_zero(zero: &Bucket, limit: f64, keep: Keep, has_positive: bool, has_negative: bool) -> Rest {
    let lower = if has_positive && !has_negative { 0.0 } else { zero.lower };
    let upper = if has_negative && !has_positive { 0.0 } else { zero.upper };
    let all = Rest { count: zero.count, midpoint: f64::midpoint(lower, upper) };
    let none = Rest { count: 0.0, midpoint: 0.0 };
    let part = |from: f64, to: f64| Rest { count: zero.count * ((to - from) / (upper - lower)), midpoint: f64::midpoint(from, to) };
    match keep {
        Keep::Below if limit <= lower => none,
        Keep::Below if limit >= upper => all,
        Keep::Below => part(lower, limit),
        Keep::Above if limit <= lower => all,
        Keep::Above if limit >= upper => none,
        Keep::Above => part(limit, upper),
    }
}

/// The value that stands for all observations between two bounds.
fn midpoint(lower: f64, upper: f64, is_positive: bool, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) => {
            if upper > 0.0 {
                upper / 2.0
            } else {
                upper
            }
        }
        (false, true) => lower,
        (false, false) if linear => f64::midpoint(lower, upper),
        (false, false) => {
            let mean = (lower * upper).abs().sqrt();
            if is_positive { mean } else { -mean }
        }
    }
}
