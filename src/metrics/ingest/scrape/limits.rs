//! Per-job limits of what a scrape may bring.

use std::sync::Arc;

use crate::metrics::model::config::ScrapeConfig;
use crate::series::histogram::{Histogram, Span};
use crate::series::labels::{LabelsIter, METRIC_NAME, quote};

/// Finest and coarsest resolution of exponential buckets.
const SCHEMA_MAX: i32 = 8;
const SCHEMA_MIN: i32 = -4;
/// Samples further ahead of now than this are refused, as upstream, in milliseconds.
pub(super) const AHEAD_MS_MAX: i64 = 10 * 60 * 1000;

/// Limits of one job; 0 = none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limits {
    pub samples: u64,
    pub labels: u64,
    pub name_bytes: u64,
    pub value_bytes: u64,
    pub buckets: u64,
    pub schema_max: i32,
    pub body_bytes: usize,
}

impl Limits {
    /// Those of a job.
    pub fn of(config: &ScrapeConfig) -> Self {
        let body = match config.body_size_limit {
            0 => crate::base::limits::SCRAPE_BODY_BYTES_MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX).min(crate::base::limits::SCRAPE_BODY_BYTES_MAX),
        };
        Self {
            samples: config.sample_limit,
            labels: config.label_limit,
            name_bytes: config.label_name_length_limit,
            value_bytes: config.label_value_length_limit,
            buckets: config.native_histogram_bucket_limit,
            schema_max: schema_for(config.native_histogram_min_bucket_factor),
            body_bytes: body,
        }
    }

    /// Checks the labels of a new series.
    pub fn check_labels(&self, packed: &[u8]) -> Result<(), String> {
        if self.labels == 0 && self.name_bytes == 0 && self.value_bytes == 0 {
            return Ok(());
        }
        let labels = || LabelsIter::over_checked(packed);
        let metric = labels().find(|(name, _)| *name == METRIC_NAME).map_or("", |(_, value)| value);
        let metric = first_50(metric);
        let count = labels().count() as u64;
        if self.labels > 0 && count > self.labels {
            return Err(format!("label_limit exceeded (metric: {metric}, number of labels: {count}, limit: {})", self.labels));
        }
        for (name, value) in labels() {
            let (length, limit) = (name.len() as u64, self.name_bytes);
            let shown = first_50(name);
            if limit > 0 && length > limit {
                return Err(format!(
                    "label_name_length_limit exceeded (metric: {metric}, label name: {shown}, length: {length}, limit: {limit})"
                ));
            }
            let (length, limit) = (value.len() as u64, self.value_bytes);
            if limit > 0 && length > limit {
                let value = quote(first_50(value));
                return Err(format!(
                    "label_value_length_limit exceeded (metric: {metric}, label name: {shown}, value: {value}, length: {length}, limit: {limit})"
                ));
            }
        }
        Ok(())
    }

    /// Makes a histogram coarse enough. `Err`: not possible.
    pub fn fit_histogram(&self, histogram: Arc<Histogram>) -> Result<Arc<Histogram>, ()> {
        let buckets = |h: &Histogram| (h.positive_buckets.len() + h.negative_buckets.len()) as u64;
        let too_fine = !histogram.has_custom_buckets() && histogram.schema > self.schema_max;
        let too_many = self.buckets > 0 && buckets(&histogram) > self.buckets;
        if !too_fine && !too_many {
            return Ok(histogram);
        }
        if histogram.has_custom_buckets() {
            return Err(());
        }
        let mut fitted = Arc::unwrap_or_clone(histogram);
        if too_fine {
            reduce(&mut fitted, self.schema_max);
        }
        while self.buckets > 0 && buckets(&fitted) > self.buckets {
            if fitted.schema <= SCHEMA_MIN {
                return Err(());
            }
            let coarser = fitted.schema - 1;
            reduce(&mut fitted, coarser);
        }
        Ok(Arc::new(fitted))
    }
}

/// At most 50 characters, as upstream's `%.50s`.
fn first_50(text: &str) -> &str {
    text.char_indices().nth(50).map_or(text, |(end, _)| &text[..end])
}

/// The finest schema whose buckets grow by at least `factor`.
fn schema_for(factor: f64) -> i32 {
    let factor = if factor <= 1.0 { 1.00271 } else { factor };
    let schema = (-factor.log2().log2()).floor();
    (schema as i32).clamp(SCHEMA_MIN, SCHEMA_MAX)
}

/// Merges buckets until the schema is `schema`.
fn reduce(histogram: &mut Histogram, schema: i32) {
    let shift = histogram.schema.saturating_sub(schema).clamp(0, 31) as u32;
    (histogram.positive_spans, histogram.positive_buckets) = merge(&histogram.positive_spans, &histogram.positive_buckets, shift);
    (histogram.negative_spans, histogram.negative_buckets) = merge(&histogram.negative_spans, &histogram.negative_buckets, shift);
    histogram.schema = schema;
}

/// Bucket `i` ends up in bucket `ceil(i / 2^shift)`.
fn merge(spans: &[Span], buckets: &[f64], shift: u32) -> (Vec<Span>, Vec<f64>) {
    let mut out_spans: Vec<Span> = Vec::with_capacity(spans.len());
    let mut out: Vec<f64> = Vec::with_capacity(buckets.len());
    let mut counts = buckets.iter();
    let mut index: i64 = 0;
    let mut last: Option<i64> = None;
    for span in spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            let target = ((index - 1) >> shift) + 1;
            index += 1;
            match (last, out.last_mut(), out_spans.last_mut()) {
                (Some(at), Some(sum), _) if at == target => {
                    *sum += count;
                    continue;
                }
                (Some(at), _, Some(open)) if at + 1 == target => open.length += 1,
                _ => {
                    let from = last.map_or(0, |at| at + 1);
                    out_spans.push(Span { offset: i32::try_from(target - from).unwrap_or(i32::MAX), length: 1 });
                }
            }
            out.push(*count);
            last = Some(target);
        }
    }
    (out_spans, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    fn limits(labels: u64, name: u64, value: u64) -> Limits {
        Limits { labels, name_bytes: name, value_bytes: value, ..Limits::of(&ScrapeConfig::default()) }
    }

    #[test]
    fn label_limits_speak_as_upstream() {
        let labels = Labels::from_pairs([("__name__", "metric"), ("job", "some-job"), ("x", "y")]);
        for (limits, error) in [
            (limits(3, 0, 0), None),
            (limits(2, 0, 0), Some("label_limit exceeded (metric: metric, number of labels: 3, limit: 2)")),
            (limits(0, 8, 8), None),
            (limits(0, 7, 0), Some("label_name_length_limit exceeded (metric: metric, label name: __name__, length: 8, limit: 7)")),
            (
                limits(0, 0, 7),
                Some("label_value_length_limit exceeded (metric: metric, label name: job, value: \"some-job\", length: 8, limit: 7)"),
            ),
        ] {
            assert_eq!(limits.check_labels(labels.packed()).err().as_deref(), error);
        }
    }

    #[test]
    fn factors_choose_schemas() {
        for (factor, schema) in [(0.0, 8), (1.0, 8), (1.00271, 8), (1.1, 2), (1.5, 0), (2.0, 0), (4.0, -1), (1e9, -4)] {
            assert_eq!(schema_for(factor), schema, "{factor}");
        }
    }

    fn histogram(schema: i32, spans: &[(i32, u32)], buckets: &[f64]) -> Arc<Histogram> {
        let positive_spans = spans.iter().map(|&(offset, length)| Span { offset, length }).collect();
        Arc::new(Histogram { schema, positive_spans, positive_buckets: buckets.to_vec(), ..Histogram::default() })
    }

    #[test]
    fn histograms_are_made_coarser_or_refused() {
        let mut limits = limits(0, 0, 0);
        limits.buckets = 4;
        let fits = histogram(0, &[(0, 4)], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(limits.fit_histogram(fits.clone()), Ok(fits));
        // Buckets 0..=4 of schema 0 are buckets 0, 1, 1, 2, 2 of schema -1.
        let fitted = limits.fit_histogram(histogram(0, &[(0, 3), (0, 2)], &[1.0, 2.0, 3.0, 4.0, 5.0])).unwrap();
        assert_eq!(fitted, histogram(-1, &[(0, 3)], &[1.0, 5.0, 9.0]));
        let far = histogram(-4, &[(0, 1), (9, 4)], &[1.0; 5]);
        assert_eq!(limits.fit_histogram(far), Err(()));
        let custom = Histogram { schema: crate::series::histogram::CUSTOM_BUCKETS_SCHEMA, ..(*histogram(0, &[(0, 5)], &[1.0; 5])).clone() };
        assert_eq!(limits.fit_histogram(Arc::new(custom)), Err(()));
        limits.buckets = 0;
        limits.schema_max = 0;
        assert_eq!(limits.fit_histogram(histogram(2, &[(1, 8)], &[1.0; 8])).unwrap(), histogram(0, &[(1, 2)], &[4.0, 4.0]));
    }
}
