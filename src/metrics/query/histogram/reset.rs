//! Whether a counter of histograms restarted between two samples.

use crate::series::histogram::{Histogram, ResetHint, Span};

use super::buckets::{bound, indexed, merged};

impl Histogram {
    /// Whether the counter restarted between `previous` and this sample: the hint says so, or some count went down.
    pub(crate) fn is_reset_after(&self, previous: &Self) -> bool {
        match self.reset_hint {
            ResetHint::Reset => return true,
            ResetHint::NotReset => return false,
            ResetHint::Unknown | ResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.has_custom_buckets() {
            if !previous.has_custom_buckets() {
                return true;
            }
            if self.custom_bounds != previous.custom_bounds {
                return self.shrinks_at_common_bounds(previous);
            }
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        // A custom schema is far below any exponential one, so only the current sample can be the exponential one here.
        if previous.has_custom_buckets() != self.has_custom_buckets() {
            return true;
        }
        match previous.zero_count_within(self.zero_threshold) {
            None => return true,
            Some(zero_count) if self.zero_count < zero_count => return true,
            Some(_) => {}
        }
        self.side_shrinks(previous, true) || self.side_shrinks(previous, false)
    }

    /// The zero count at a wider threshold, `None` when that lies inside of a populated bucket.
    fn zero_count_within(&self, threshold: f64) -> Option<f64> {
        if threshold == self.zero_threshold {
            return Some(self.zero_count);
        }
        let mut zero_count = self.zero_count;
        for (spans, counts) in [(&self.positive_spans, &self.positive_buckets), (&self.negative_spans, &self.negative_buckets)] {
            for (index, count) in indexed(spans, counts) {
                if bound(index.wrapping_sub(1), self.schema, &self.custom_bounds) >= threshold {
                    break;
                }
                zero_count += count;
                if bound(index, self.schema, &self.custom_bounds) > threshold {
                    if count != 0.0 {
                        return None;
                    }
                    break;
                }
            }
        }
        Some(zero_count)
    }

    fn side(&self, positive: bool) -> (&[Span], &[f64]) {
        if positive { (&self.positive_spans, &self.positive_buckets) } else { (&self.negative_spans, &self.negative_buckets) }
    }

    fn side_shrinks(&self, previous: &Self, positive: bool) -> bool {
        let (schema, threshold) = (self.schema, self.zero_threshold);
        let custom = self.has_custom_buckets();
        let outside = move |&(index, _): &(i32, f64)| !custom && threshold != 0.0 && bound(index, schema, &[]) <= threshold;
        let (spans, counts) = self.side(positive);
        let mut current = indexed(spans, counts).skip_while(outside).peekable();
        let (spans, counts) = previous.side(positive);
        for (index, count) in merged(indexed(spans, counts), previous.schema, schema).skip_while(outside) {
            while current.next_if(|&(at, _)| at < index).is_some() {}
            let now = current.peek().filter(|&&(at, _)| at == index).map_or(0.0, |&(_, count)| count);
            if now < count {
                return true;
            }
        }
        false
    }

    /// Compares cumulated counts between the bounds both have.
    fn shrinks_at_common_bounds(&self, previous: &Self) -> bool {
        let between = |histogram: &Self, after: f64, until: f64| -> f64 {
            histogram.positive().filter(|bucket| bucket.upper > after && bucket.upper <= until).map(|bucket| bucket.count).sum()
        };
        let mut after = f64::NEG_INFINITY;
        let common = self.custom_bounds.iter().copied().filter(|bound| previous.custom_bounds.contains(bound));
        for until in common.chain([f64::INFINITY]) {
            if between(self, after, until) < between(previous, after, until) {
                return true;
            }
            after = until;
        }
        false
    }
}
