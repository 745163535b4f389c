//! Metric families on their way out, in the format that a scraper asked for: text or delimited protobuf.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use prost::Message;
use serde_json::{Map, Value as Json, json};

use crate::metrics::ingest::exposition::content_type::{Escaping, Format, ScrapeProtocol, negotiate};
use crate::metrics::ingest::exposition::protobuf::message::{
    Bucket, BucketSpan, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, Quantile, Summary, Untyped,
};
use crate::metrics::ingest::exposition::series::family_of;
use crate::metrics::ingest::exposition::write::{TextWriter, escape_name};
use crate::metrics::ingest::exposition::{Event, ParseError, ParseOptions, Parser};
use crate::series::histogram as native;
use crate::series::labels::{BUCKET, Labels, METRIC_NAME, QUANTILE};
use crate::series::sample::MetricType;

/// What a reader asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    protocol: ScrapeProtocol,
    escaping: Escaping,
}

impl Wanted {
    /// From the `Accept` header.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let (protocol, escaping) = negotiate(accept);
        Self { protocol, escaping }
    }

    /// Whether native histograms can be said in the format.
    pub(super) fn is_protobuf(self) -> bool {
        self.protocol == ScrapeProtocol::PrometheusProto
    }

    /// An answer with its content type.
    pub(super) fn answer(self, body: impl IntoResponse) -> Response {
        let kind = format!("{}; escaping={}", self.protocol.content_type(), self.escaping.as_str());
        ([(header::CONTENT_TYPE, kind)], body).into_response()
    }

    /// Writes families.
    pub(super) fn write(self, families: Vec<MetricFamily>) -> Vec<u8> {
        if self.is_protobuf() {
            let mut out = Vec::new();
            families.into_iter().for_each(|family| self.write_delimited(family, &mut out));
            return out;
        }
        let mut writer = TextWriter::escaping(self.protocol, self.escaping);
        families.iter().for_each(|family| write_text(family, &mut writer));
        writer.finish().into_bytes()
    }

    fn write_delimited(self, mut family: MetricFamily, out: &mut Vec<u8>) {
        family.name = escape_name(&family.name, self.escaping);
        for label in family.metric.iter_mut().flat_map(|metric| &mut metric.label) {
            label.name = escape_name(&label.name, self.escaping);
        }
        out.reserve(family.encoded_len() + 5);
        // A Vec grows as needed, so there is always room.
        let encoded = family.encode_length_delimited(out);
        debug_assert!(encoded.is_ok());
    }
}

/// The number of a kind in protobuf.
pub(super) const fn kind_number(kind: MetricType) -> i32 {
    match kind {
        MetricType::Counter => 0,
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => 1,
        MetricType::Summary => 2,
        MetricType::Unknown => 3,
        MetricType::Histogram => 4,
        MetricType::GaugeHistogram => 5,
    }
}

const fn kind_of(number: i32) -> MetricType {
    match number {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        _ => MetricType::Unknown,
    }
}

/// Labels but some, as pairs.
pub(super) fn pairs(labels: &Labels, but: &[&str]) -> Vec<LabelPair> {
    let kept = labels.iter().filter(|(name, _)| *name != METRIC_NAME && !but.contains(name));
    kept.map(|(name, value)| LabelPair { name: name.to_owned(), value: value.to_owned() }).collect()
}

/// A native histogram as it is; one with custom buckets as a classic one, which it was made of.
pub(super) fn histogram(from: &native::Histogram) -> Histogram {
    let counts = Histogram { sample_count_float: Some(from.count), sample_sum: from.sum, ..Histogram::default() };
    if from.has_custom_buckets() {
        let mut filled = filled_buckets(&from.positive_spans, &from.positive_buckets).peekable();
        let mut total = 0.0;
        let bucket = from.custom_bounds.iter().enumerate().map(|(at, bound)| {
            while let Some((_, count)) = filled.next_if(|(index, _)| *index <= at as i64) {
                total += count;
            }
            Bucket { upper_bound: *bound, cumulative_count_float: Some(total), ..Bucket::default() }
        });
        return Histogram { bucket: bucket.collect(), ..counts };
    }
    let spans = |spans: &[native::Span]| spans.iter().map(|span| BucketSpan { offset: span.offset, length: span.length }).collect();
    Histogram {
        schema: from.schema,
        zero_threshold: from.zero_threshold,
        zero_count_float: Some(from.zero_count),
        negative_span: spans(&from.negative_spans),
        negative_count: from.negative_buckets.clone(),
        positive_span: spans(&from.positive_spans),
        positive_count: from.positive_buckets.clone(),
        ..counts
    }
}

/// Buckets with their index.
fn filled_buckets<'a>(spans: &'a [native::Span], counts: &'a [f64]) -> impl Iterator<Item = (i64, f64)> + 'a {
    let mut next = 0i64;
    let indexes = spans.iter().flat_map(move |span| {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        first..next
    });
    indexes.zip(counts.iter().copied())
}

/// One family as text. Histograms without classic buckets cannot be said in it and must not be among them.
fn write_text(family: &MetricFamily, writer: &mut TextWriter) {
    writer.family(&family.name, kind_of(family.r#type), &family.help, &family.unit);
    let named = |suffix: &str| format!("{}{suffix}", family.name);
    let mut one = |name: &str, metric: &Metric, edge: Option<(&str, f64)>, value: f64| {
        let bound = edge.map(|(label, bound)| (label, number(bound)));
        let labels = metric.label.iter().map(|label| (label.name.as_str(), label.value.as_str()));
        let edge = bound.as_ref().map(|(label, bound)| (*label, bound.as_str()));
        writer.sample(name, labels.chain(edge), value, metric.timestamp_ms, None);
    };
    for metric in &family.metric {
        let plain = metric.untyped.as_ref().map(|one| one.value).or(metric.gauge.as_ref().map(|one| one.value));
        if let Some(value) = plain.or(metric.counter.as_ref().map(|one| one.value)) {
            one(&family.name, metric, None, value);
        }
        if let Some(histogram) = &metric.histogram {
            let total = histogram.sample_count_float.unwrap_or(histogram.sample_count as f64);
            let has_inf = histogram.bucket.last().is_some_and(|last| last.upper_bound == f64::INFINITY);
            let buckets = histogram.bucket.iter().map(|bucket| (bucket.upper_bound, bucket.count()));
            for (bound, count) in buckets.chain((!has_inf).then_some((f64::INFINITY, total))) {
                one(&named("_bucket"), metric, Some((BUCKET, bound)), count);
            }
            one(&named("_sum"), metric, None, histogram.sample_sum);
            one(&named("_count"), metric, None, total);
        }
        if let Some(summary) = &metric.summary {
            for quantile in &summary.quantile {
                one(&family.name, metric, Some((QUANTILE, quantile.quantile)), quantile.value);
            }
            one(&named("_sum"), metric, None, summary.sample_sum);
            one(&named("_count"), metric, None, summary.sample_count as f64);
        }
    }
}

fn number(value: f64) -> String {
    let mut text = String::new();
    crate::base::float::push_general(&mut text, value);
    text
}

/// The families of a page in the text format.
pub(super) fn families(page: &str) -> Result<Vec<MetricFamily>, ParseError> {
    let mut all: Vec<MetricFamily> = Vec::new();
    let mut parser = Parser::new(Format::Text, page.as_bytes(), ParseOptions::default());
    while let Some(event) = parser.next_event()? {
        match event {
            Event::Type { family, kind } => open(&mut all, &family).r#type = kind_number(kind),
            Event::Help { family, text } => open(&mut all, &family).help = text.into_owned(),
            Event::Unit { family, unit } => open(&mut all, &family).unit = unit.into_owned(),
            Event::Sample(sample) => {
                let labels = sample.series.labels()?;
                let known = all.last().map(|family| (family.name.clone(), kind_of(family.r#type)));
                let name = family_of(labels.metric_name(), |name| known.as_ref().filter(|(known, _)| known == name).map(|(_, kind)| *kind));
                put(open(&mut all, name), &labels, sample.value, sample.ts);
            }
            // The text format has none.
            Event::Histogram(_) => {}
        }
    }
    Ok(all)
}

/// The family of this name if it is the last one, or a new one.
fn open<'a>(all: &'a mut Vec<MetricFamily>, name: &str) -> &'a mut MetricFamily {
    if all.last().is_none_or(|last| last.name != name) {
        all.push(MetricFamily { name: name.to_owned(), r#type: kind_number(MetricType::Unknown), ..MetricFamily::default() });
    }
    let last = all.len() - 1;
    &mut all[last]
}

/// Adds a sample to its family; parts of one histogram or summary follow each other.
fn put(family: &mut MetricFamily, labels: &Labels, value: f64, ts: Option<i64>) {
    let kind = kind_of(family.r#type);
    let is_composed = matches!(kind, MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary);
    let own = pairs(labels, if is_composed { &[BUCKET, QUANTILE] } else { &[] });
    if !is_composed || family.metric.last().is_none_or(|last| last.label != own || last.timestamp_ms != ts) {
        family.metric.push(Metric { label: own, timestamp_ms: ts, ..Metric::default() });
    }
    let part = labels.metric_name().strip_prefix(family.name.as_str()).unwrap_or_default();
    let Some(metric) = family.metric.last_mut() else { return };
    match kind {
        MetricType::Counter => metric.counter = Some(Counter { value, ..Counter::default() }),
        MetricType::Gauge => metric.gauge = Some(Gauge { value }),
        MetricType::Histogram | MetricType::GaugeHistogram => {
            let histogram = metric.histogram.get_or_insert_default();
            match (part, labels.get(BUCKET).and_then(|bound| bound.parse().ok())) {
                ("_bucket", Some(upper_bound)) => {
                    histogram.bucket.push(Bucket { upper_bound, cumulative_count: value as u64, ..Bucket::default() });
                }
                ("_sum", _) => histogram.sample_sum = value,
                ("_count", _) => histogram.sample_count = value as u64,
                _ => {}
            }
        }
        MetricType::Summary => {
            let summary = metric.summary.get_or_insert_with(Summary::default);
            match (part, labels.get(QUANTILE).and_then(|quantile| quantile.parse().ok())) {
                ("", Some(quantile)) => summary.quantile.push(Quantile { quantile, value }),
                ("_sum", _) => summary.sample_sum = value,
                ("_count", _) => summary.sample_count = value as u64,
                _ => {}
            }
        }
        _ => metric.untyped = Some(Untyped { value }),
    }
}

/// A family in protobuf's JSON form: names in camel case, 64-bit integers and odd floats as text.
pub(super) fn family_json(family: &MetricFamily) -> Json {
    let count = |number: u64| Json::from(number.to_string());
    let metric: Vec<Json> = family
        .metric
        .iter()
        .map(|one| {
            let label: Vec<Json> = one.label.iter().map(|label| json!({ "name": label.name, "value": label.value })).collect();
            let mut object = Map::new();
            if !label.is_empty() {
                object.insert("label".to_owned(), Json::Array(label));
            }
            let plain = [
                ("counter", one.counter.as_ref().map(|one| one.value)),
                ("gauge", one.gauge.as_ref().map(|one| one.value)),
                ("untyped", one.untyped.as_ref().map(|one| one.value)),
            ];
            for (name, value) in plain {
                if let Some(value) = value {
                    object.insert(name.to_owned(), json!({ "value": float_json(value) }));
                }
            }
            if let Some(histogram) = &one.histogram {
                let bucket = histogram
                    .bucket
                    .iter()
                    .map(|one| json!({ "cumulativeCount": count(one.cumulative_count), "upperBound": float_json(one.upper_bound) }));
                let bucket: Vec<Json> = bucket.collect();
                let sum = float_json(histogram.sample_sum);
                object.insert(
                    "histogram".to_owned(),
                    json!({ "sampleCount": count(histogram.sample_count), "sampleSum": sum, "bucket": bucket }),
                );
            }
            if let Some(summary) = &one.summary {
                let quantile =
                    summary.quantile.iter().map(|one| json!({ "quantile": float_json(one.quantile), "value": float_json(one.value) }));
                let quantile: Vec<Json> = quantile.collect();
                let sum = float_json(summary.sample_sum);
                object.insert(
                    "summary".to_owned(),
                    json!({ "sampleCount": count(summary.sample_count), "sampleSum": sum, "quantile": quantile }),
                );
            }
            Json::Object(object)
        })
        .collect();
    let kind = match kind_of(family.r#type) {
        MetricType::Counter => "COUNTER",
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => "GAUGE",
        MetricType::Summary => "SUMMARY",
        MetricType::Histogram => "HISTOGRAM",
        MetricType::GaugeHistogram => "GAUGE_HISTOGRAM",
        MetricType::Unknown => "UNTYPED",
    };
    json!({ "name": family.name, "help": family.help, "type": kind, "metric": metric })
}

fn float_json(value: f64) -> Json {
    match value {
        value if value.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        value => json!(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP a Counts.\n# TYPE a counter\na{x=\"1\"} 2\na{x=\"2\"} 3.5\n\
        # HELP h Takes.\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n\
        # HELP s Spread.\n# TYPE s summary\ns{quantile=\"0.9\"} 7\ns_sum 8\ns_count 9\n# HELP u Odd.\n# TYPE u untyped\nu -1 5\n";

    #[test]
    fn a_page_comes_back_from_its_families() {
        let found = families(PAGE).unwrap();
        assert_eq!(
            found.iter().map(|family| (family.name.as_str(), family.r#type)).collect::<Vec<_>>(),
            [("a", 0), ("h", 4), ("s", 2), ("u", 3)]
        );
        let text = Wanted { protocol: ScrapeProtocol::PrometheusText004, escaping: Escaping::Underscores };
        assert_eq!(String::from_utf8(text.write(found)).unwrap(), PAGE);
    }

    #[test]
    fn protobuf_is_read_as_it_was_meant() {
        let delimited = Wanted { protocol: ScrapeProtocol::PrometheusProto, escaping: Escaping::Underscores };
        let body = delimited.write(families(PAGE).unwrap());
        let mut rest = body.as_slice();
        let mut found = Vec::new();
        while !rest.is_empty() {
            found.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
        }
        assert_eq!(found, families(PAGE).unwrap());
    }

    #[test]
    fn custom_buckets_become_classic_ones() {
        let from = native::Histogram {
            schema: native::CUSTOM_BUCKETS_SCHEMA,
            count: 10.0,
            sum: 5.0,
            positive_spans: vec![native::Span { offset: 1, length: 1 }, native::Span { offset: 1, length: 1 }],
            positive_buckets: vec![3.0, 4.0],
            custom_bounds: vec![0.1, 0.5, 1.0],
            ..native::Histogram::default()
        };
        let found: Vec<(f64, f64)> = histogram(&from).bucket.iter().map(|bucket| (bucket.upper_bound, bucket.count())).collect();
        assert_eq!(found, [(0.1, 0.0), (0.5, 3.0), (1.0, 3.0)]);
    }
}
