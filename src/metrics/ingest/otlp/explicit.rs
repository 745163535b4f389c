//! Histograms with given bounds: as classic series, or as native histograms with custom buckets.

use super::attributes::Label;
use super::exemplar;
use super::exponential::spans_of;
use super::translate::{Stop, Translator};
use crate::base::float::plain;
use crate::series::histogram::{CUSTOM_BUCKETS_SCHEMA, Histogram};
use crate::series::labels::BUCKET;
use crate::series::otlp::metrics::HistogramPoint;
use crate::series::sample::stale_nan;

/// When a point is, and whether it ends its series.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) ts: i64,
    /// 0 = unknown.
    pub(super) start: i64,
    pub(super) is_stale: bool,
}

/// Writes `_sum`, `_count` and a `_bucket` for each bound. Exemplars go to the first bucket that holds their value.
pub(super) fn classic(
    to: &mut Translator<'_, '_>,
    labels: &[Label<'_>],
    name: &str,
    point: &HistogramPoint,
    When { ts, start, is_stale }: When,
) -> Result<(), Stop> {
    let shown = |value: f64| if is_stale { stale_nan() } else { value };
    if let Some(sum) = point.sum {
        to.open(labels, &format!("{name}_sum"), None)?;
        to.float(ts, shown(sum), start)?;
    }
    to.open(labels, &format!("{name}_count"), None)?;
    to.float(ts, shown(point.count as f64), start)?;
    let bucket = format!("{name}_bucket");
    let mut exemplars: Vec<_> = point.exemplars.iter().filter_map(|exemplar| exemplar::made(exemplar, ts)).collect();
    exemplars.sort_by(|a, b| a.value.total_cmp(&b.value));
    let mut exemplars = exemplars.into_iter().peekable();
    let mut below = 0u64;
    let finite = point.explicit_bounds.iter().zip(&point.bucket_counts).take_while(|(bound, _)| **bound != f64::INFINITY);
    for (bound, count) in finite {
        below = below.saturating_add(*count);
        to.open(labels, &bucket, Some((BUCKET, &plain(*bound))))?;
        to.float(ts, shown(below as f64), start)?;
        while let Some(exemplar) = exemplars.next_if(|exemplar| exemplar.value <= *bound) {
            to.push_exemplar(exemplar)?;
        }
    }
    to.open(labels, &bucket, Some((BUCKET, "+Inf")))?;
    to.float(ts, shown(point.count as f64), start)?;
    exemplars.try_for_each(|exemplar| to.push_exemplar(exemplar))
}

/// A native histogram whose bounds are the point's. A point without buckets has one that holds all.
pub(super) fn custom_buckets(point: &HistogramPoint) -> Histogram {
    let is_finite = |bound: &&f64| **bound != f64::INFINITY;
    let custom_bounds: Vec<f64> = point.explicit_bounds.iter().take_while(is_finite).copied().collect();
    let counts = if point.bucket_counts.is_empty() { std::slice::from_ref(&point.count) } else { point.bucket_counts.as_slice() };
    let filled = counts.iter().zip(0i64..).filter(|(count, _)| **count > 0).map(|(count, index)| (index, *count));
    let (positive_spans, positive_buckets) = spans_of(filled);
    Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: point.count as f64,
        sum: point.sum.unwrap_or_default(),
        positive_spans,
        positive_buckets,
        custom_bounds,
        ..Histogram::default()
    }
}
