//! Writes the protobuf format, for `/metrics` and `/federate` when the client prefers it.

use prost::Message;

use super::message;
use crate::series::histogram::{Histogram, Span};

/// Families as a body of delimited messages.
pub fn encode_families(families: &[message::MetricFamily]) -> Vec<u8> {
    let mut body = Vec::with_capacity(families.iter().map(|family| family.encoded_len() + 5).sum());
    for family in families {
        body.extend_from_slice(&family.encode_length_delimited_to_vec());
    }
    body
}

/// A histogram as a message: exponential buckets as a native float histogram, custom buckets as a classic one, since
/// the format has no custom bounds.
pub fn histogram_message(from: &Histogram) -> message::Histogram {
    let mut to = message::Histogram {
        sample_count: from.count as u64,
        sample_count_float: Some(from.count),
        sample_sum: from.sum,
        ..Default::default()
    };
    if from.has_custom_buckets() {
        to.bucket = classic_buckets(from);
        return to;
    }
    let spans = |spans: &[Span]| spans.iter().map(|span| message::BucketSpan { offset: span.offset, length: span.length }).collect();
    to.schema = from.schema;
    to.zero_threshold = from.zero_threshold;
    to.zero_count = from.zero_count as u64;
    to.zero_count_float = Some(from.zero_count);
    to.positive_span = spans(&from.positive_spans);
    to.positive_count = from.positive_buckets.clone();
    to.negative_span = spans(&from.negative_spans);
    to.negative_count = from.negative_buckets.clone();
    if to.positive_span.is_empty() && to.negative_span.is_empty() && to.zero_threshold == 0.0 && from.zero_count == 0.0 {
        // An empty span marks a histogram without observations as native.
        to.positive_span.push(message::BucketSpan { offset: 0, length: 0 });
    }
    to
}

fn classic_buckets(from: &Histogram) -> Vec<message::Bucket> {
    let mut counts = vec![0.0; from.custom_bounds.len() + 1];
    let mut index = 0i64;
    let mut values = from.positive_buckets.iter();
    for span in &from.positive_spans {
        index += i64::from(span.offset);
        for (_, value) in (0..span.length).zip(values.by_ref()) {
            if let Some(count) = usize::try_from(index).ok().and_then(|at| counts.get_mut(at)) {
                *count = *value;
            }
            index += 1;
        }
    }
    let bounds = from.custom_bounds.iter().copied().chain([f64::INFINITY]);
    let mut below = 0.0;
    let bucket = |(upper_bound, count): (f64, f64)| {
        below += count;
        message::Bucket { cumulative_count: below as u64, cumulative_count_float: Some(below), upper_bound, exemplar: None }
    };
    bounds.zip(counts).map(bucket).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::ingest::exposition::content_type::Format;
    use crate::metrics::ingest::exposition::{Event, ParseOptions, Parser};
    use crate::series::histogram::CUSTOM_BUCKETS_SCHEMA;

    fn round_trip(histogram: &Histogram) -> Option<Arc<Histogram>> {
        let metric = message::Metric { histogram: Some(histogram_message(histogram)), ..Default::default() };
        let family = message::MetricFamily { name: "h".into(), r#type: 4, metric: vec![metric], ..Default::default() };
        let body = encode_families(&[family]);
        let mut parser = Parser::new(Format::Protobuf, &body, ParseOptions { classic_to_nhcb: true, ..ParseOptions::default() });
        while let Some(event) = parser.next_event().expect("parses") {
            if let Event::Histogram(sample) = event {
                return Some(sample.histogram);
            }
        }
        None
    }

    #[test]
    fn histograms_read_back() {
        let native = Histogram {
            schema: 2,
            zero_threshold: 0.5,
            zero_count: 1.5,
            count: 6.5,
            sum: 9.0,
            positive_spans: vec![Span { offset: -1, length: 2 }],
            positive_buckets: vec![2.0, 1.0],
            negative_spans: vec![Span { offset: 0, length: 1 }],
            negative_buckets: vec![2.0],
            ..Histogram::default()
        };
        assert_eq!(round_trip(&native).as_deref(), Some(&native));
        let custom = Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: 4.0,
            sum: 3.0,
            positive_spans: vec![Span { offset: 0, length: 3 }],
            positive_buckets: vec![1.0, 0.0, 3.0],
            custom_bounds: vec![0.5, 1.0],
            ..Histogram::default()
        };
        assert_eq!(round_trip(&custom).as_deref(), Some(&custom));
        let empty = Histogram { schema: 1, ..Histogram::default() };
        assert_eq!(round_trip(&empty).as_deref(), Some(&empty));
    }
}
