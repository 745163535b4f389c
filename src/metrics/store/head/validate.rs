//! What a native histogram must fulfil before it is stored (as upstream's `FloatHistogram.Validate`).

use crate::base::limits::HISTOGRAM_BUCKETS_MAX;
use crate::series::histogram::{Histogram, Span};

/// Whether the histogram does not contradict itself. The staleness marker always passes.
pub fn is_valid(histogram: &Histogram) -> bool {
    if histogram.is_stale() {
        return true;
    }
    let layout = if histogram.has_custom_buckets() {
        let ascending = histogram.custom_bounds.windows(2).all(|pair| pair[0] < pair[1]);
        let finite = histogram.custom_bounds.iter().all(|bound| !bound.is_nan() && *bound != f64::INFINITY);
        // With bounds for n buckets there are n + 1: the last one is open.
        let fits = span_end(&histogram.positive_spans).is_some_and(|end| (0..=histogram.custom_bounds.len() as i64 + 1).contains(&end));
        ascending
            && finite
            && fits
            && histogram.zero_count == 0.0
            && histogram.zero_threshold == 0.0
            && histogram.negative_spans.is_empty()
            && histogram.negative_buckets.is_empty()
    } else {
        (-4..=8).contains(&histogram.schema) && histogram.custom_bounds.is_empty()
    };
    layout
        && histogram.positive_buckets.len() + histogram.negative_buckets.len() <= HISTOGRAM_BUCKETS_MAX
        && spans_cover(&histogram.positive_spans, histogram.positive_buckets.len())
        && spans_cover(&histogram.negative_spans, histogram.negative_buckets.len())
        && !is_negative(histogram.zero_count)
        && !is_negative(histogram.count)
        && !histogram.positive_buckets.iter().chain(&histogram.negative_buckets).any(|&bucket| is_negative(bucket))
}

fn is_negative(count: f64) -> bool {
    count < 0.0
}

/// Whether the spans name exactly so many buckets, without going backwards.
fn spans_cover(spans: &[Span], buckets: usize) -> bool {
    let named: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    named == buckets as u64 && spans.iter().skip(1).all(|span| span.offset >= 0)
}

/// One past the index of the last bucket.
fn span_end(spans: &[Span]) -> Option<i64> {
    if spans.first().is_some_and(|span| span.offset < 0) {
        return None;
    }
    Some(spans.iter().map(|span| i64::from(span.offset) + i64::from(span.length)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_found() {
        let good = Histogram {
            schema: 0,
            count: 3.0,
            positive_spans: vec![Span { offset: 1, length: 2 }],
            positive_buckets: vec![1.0, 2.0],
            ..Histogram::default()
        };
        assert!(is_valid(&good) && is_valid(&Histogram::stale()) && is_valid(&Histogram::default()));
        let spoil: [fn(&mut Histogram); 5] = [
            |h| h.schema = 9,
            |h| h.positive_buckets.push(1.0),
            |h| h.positive_buckets[0] = -1.0,
            |h| h.custom_bounds = vec![1.0],
            |h| h.count = -1.0,
        ];
        for spoil in spoil {
            let mut bad = good.clone();
            spoil(&mut bad);
            assert!(!is_valid(&bad), "{bad:?}");
        }
        let mut custom = Histogram { schema: -53, custom_bounds: vec![1.0], ..good };
        custom.positive_spans[0].offset = 0;
        assert!(is_valid(&custom));
        custom.custom_bounds = vec![2.0, 1.0];
        assert!(!is_valid(&custom));
    }
}
