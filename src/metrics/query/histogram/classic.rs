//! Quantiles and fractions of classic histograms: cumulated counts by upper bound (`le`).

/// A bucket of a classic histogram: observations up to a bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cumulative {
    /// Upper bound.
    pub(crate) upper: f64,
    /// Observations up to it.
    pub(crate) count: f64,
}

/// Differences between neighbouring counts below this are taken for rounding errors.
const SMALL_DELTA: f64 = 1e-12;

/// What had to be repaired because counts went down with rising bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Repair {
    /// Lowest bound repaired.
    pub(crate) lowest: f64,
    /// Highest bound repaired.
    pub(crate) highest: f64,
    /// Largest difference between neighbours.
    pub(crate) max_diff: f64,
}

/// The value below which the share `q` lies. Sorts and changes `buckets`, of which there is at least one.
pub(crate) fn quantile(q: f64, buckets: &mut Vec<Cumulative>) -> (f64, Option<Repair>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if !sort_and_join(buckets) {
        return (f64::NAN, None);
    }
    let repair = force_monotonic(buckets);
    let last = buckets.len() - 1;
    if last == 0 || buckets[last].count == 0.0 {
        return (f64::NAN, repair);
    }
    let mut rank = q * buckets[last].count;
    let at = buckets[..last].partition_point(|bucket| {
        // The order of comparison matters when counts are NaN.
        !matches!(bucket.count.partial_cmp(&rank), Some(std::cmp::Ordering::Greater | std::cmp::Ordering::Equal))
    });
    let value = if at == last {
        buckets[last - 1].upper
    } else if at == 0 && buckets[0].upper <= 0.0 {
        buckets[0].upper
    } else {
        let (mut start, mut count) = (0.0, buckets[at].count);
        if at > 0 {
            start = buckets[at - 1].upper;
            count -= buckets[at - 1].count;
            rank -= buckets[at - 1].count;
        }
        start + (buckets[at].upper - start) * (rank / count)
    };
    (value, repair)
}

/// The share of observations between `lower` and `upper`. Sorts and changes `buckets`, of which there is at least one.
pub(crate) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Cumulative>) -> f64 {
    if !sort_and_join(buckets) {
        return f64::NAN;
    }
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let mut start = if buckets[0].upper <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let mut rank = 0.0;
    let (mut lower_rank, mut upper_rank) = (None, None);
    for bucket in buckets.iter() {
        let place = |limit: f64| {
            if start >= limit {
                Some(rank)
            } else if bucket.upper > limit {
                let inside = rank + (bucket.count - rank) * (limit - start) / (bucket.upper - start);
                Some(if start == f64::NEG_INFINITY { bucket.count } else { inside })
            } else {
                None
            }
        };
        lower_rank = lower_rank.or_else(|| place(lower));
        upper_rank = upper_rank.or_else(|| place(upper));
        if lower_rank.is_some() && upper_rank.is_some() {
            break;
        }
        rank = bucket.count;
        start = bucket.upper;
    }
    let limit = |rank: Option<f64>| rank.filter(|&rank| rank <= count).unwrap_or(count);
    (limit(upper_rank) - limit(lower_rank)) / count
}

/// Orders by bound and adds up equal bounds; `false` when the highest is not infinite.
fn sort_and_join(buckets: &mut Vec<Cumulative>) -> bool {
    let ascending = |pair: &[Cumulative]| pair[0].upper < pair[1].upper;
    if !buckets.windows(2).all(ascending) {
        buckets.sort_by(|a, b| a.upper.partial_cmp(&b.upper).unwrap_or(std::cmp::Ordering::Equal));
        buckets.dedup_by(|next, kept| {
            let same = next.upper == kept.upper;
            if same {
                kept.count += next.count;
            }
            same
        });
    }
    buckets.last().is_some_and(|last| last.upper == f64::INFINITY)
}

fn force_monotonic(buckets: &mut [Cumulative]) -> Option<Repair> {
    let mut repair: Option<Repair> = None;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let now = bucket.count;
        if now == before {
            continue;
        }
        if almost_equal(before, now, SMALL_DELTA) {
            bucket.count = before;
        } else if now < before {
            bucket.count = before;
            let repair = repair.get_or_insert(Repair { lowest: f64::INFINITY, highest: f64::NEG_INFINITY, max_diff: 0.0 });
            repair.lowest = repair.lowest.min(bucket.upper);
            repair.highest = repair.highest.max(bucket.upper);
            repair.max_diff = repair.max_diff.max(before - now);
        } else {
            before = now;
        }
    }
    repair
}

fn almost_equal(a: f64, b: f64, epsilon: f64) -> bool {
    if a.is_nan() && b.is_nan() {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < epsilon * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < epsilon
}
