//! The protobuf format: length-delimited `io.prometheus.client.MetricFamily` messages, native histograms included.

pub mod message;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use prost::Message;

use super::nhcb::custom_buckets;
use super::series::{Series, SeriesForm};
use super::write::push_openmetrics_float;
use super::{Event, HistogramSample, ParseError, ParseOptions, ParsedExemplar, Sample};
use crate::base::bytes::Cursor;
use crate::base::limits::HISTOGRAM_BUCKETS_MAX;
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::labels::{BUCKET, Labels, METRIC_NAME, QUANTILE, put_label};
use crate::series::sample::{MetricType, NORMAL_NAN_BITS};

/// Bytes of one metric. Two bytes of it can become a hundred, so that decoding a whole body at once could take any memory.
const METRIC_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of the labels of all series of one metric: a histogram has its labels once for every bucket.
const METRIC_LABEL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Number of `MetricFamily.metric`.
const METRIC_FIELD: u32 = 4;

/// Walks a body of delimited metric families, metric by metric.
#[derive(Debug)]
pub struct ProtobufParser<'a> {
    input: Cursor<'a>,
    options: ParseOptions,
    /// The family at hand, without its metrics.
    family: message::MetricFamily,
    /// What is left of the family at hand.
    rest: Cursor<'a>,
    kind: MetricType,
    /// Families begun so far, for error messages.
    families: usize,
    items: Vec<Item>,
    next_item: usize,
    labels: Vec<u8>,
}

#[derive(Debug)]
enum Item {
    Type,
    Help,
    Unit,
    Sample { labels: Range<usize>, value: f64, ts: Option<i64>, start_ts: i64, exemplar: Option<ParsedExemplar> },
    Histogram { labels: Range<usize>, histogram: Arc<Histogram>, ts: Option<i64>, start_ts: i64, exemplars: Vec<ParsedExemplar> },
}

impl<'a> ProtobufParser<'a> {
    /// At the start of `body`.
    pub fn new(body: &'a [u8], options: ParseOptions) -> Self {
        Self {
            input: Cursor::new(body),
            options,
            family: message::MetricFamily::default(),
            rest: Cursor::new(&[]),
            kind: MetricType::Unknown,
            families: 0,
            items: Vec::new(),
            next_item: 0,
            labels: Vec::new(),
        }
    }

    /// The next event, or none at the end.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, ParseError> {
        while self.next_item >= self.items.len() {
            if self.rest.is_empty() && self.input.is_empty() {
                return Ok(None);
            }
            self.items.clear();
            self.labels.clear();
            self.next_item = 0;
            let more = if self.rest.is_empty() { self.next_family() } else { self.next_metric() };
            more.map_err(|message| ParseError { line: self.families, message })?;
        }
        let at = self.next_item;
        self.next_item += 1;
        let name = || Cow::Borrowed(self.family.name.as_str());
        let series =
            |labels: &Range<usize>| Series { raw: &self.labels[labels.clone()], form: SeriesForm::Packed, kind: self.kind, body: &[] };
        Ok(Some(match &mut self.items[at] {
            Item::Type => Event::Type { family: name(), kind: self.kind },
            Item::Help => Event::Help { family: name(), text: Cow::Borrowed(&self.family.help) },
            Item::Unit => Event::Unit { family: name(), unit: Cow::Borrowed(&self.family.unit) },
            Item::Sample { labels, value, ts, start_ts, exemplar } => {
                Event::Sample(Sample { series: series(labels), value: *value, ts: *ts, start_ts: *start_ts, exemplar: exemplar.take() })
            }
            Item::Histogram { labels, histogram, ts, start_ts, exemplars } => Event::Histogram(HistogramSample {
                series: series(labels),
                histogram: Arc::clone(histogram),
                ts: *ts,
                start_ts: *start_ts,
                exemplars: std::mem::take(exemplars),
            }),
        }))
    }

    /// Reads what the next family says about itself, wherever it stands among its metrics.
    fn next_family(&mut self) -> Result<(), String> {
        self.families += 1;
        let len = self.input.len().map_err(|_| "metric family is longer than the body".to_owned())?;
        self.rest = Cursor::new(self.input.take(len).map_err(|error| error.to_string())?);
        self.family = message::MetricFamily::default();
        let mut fields = self.rest.clone();
        while let Some(field) = next_field(&mut fields)? {
            if let Field::Other(mut bytes) = field {
                self.family.merge(&mut bytes).map_err(undecodable)?;
            }
        }
        if self.family.name.is_empty() {
            return Err("metric family has no name".to_owned());
        }
        self.kind = kind_of(self.family.r#type)?;
        if !self.family.help.is_empty() {
            self.items.push(Item::Help);
        }
        self.items.push(Item::Type);
        if !self.family.unit.is_empty() {
            self.items.push(Item::Unit);
        }
        Ok(())
    }

    /// Unfolds the next metric of the family at hand, if any is left.
    fn next_metric(&mut self) -> Result<(), String> {
        while let Some(field) = next_field(&mut self.rest)? {
            let Field::Metric(bytes) = field else { continue };
            if bytes.len() > METRIC_BYTES_MAX {
                return Err(format!("metric of {:?} is larger than {METRIC_BYTES_MAX} bytes", self.family.name));
            }
            let metric = message::Metric::decode(bytes).map_err(undecodable)?;
            let family = std::mem::take(&mut self.family);
            let result = self.unfold(&family, &metric);
            self.family = family;
            return result;
        }
        Ok(())
    }

    fn unfold(&mut self, family: &message::MetricFamily, metric: &message::Metric) -> Result<(), String> {
        let ts = metric.timestamp_ms.filter(|ts| *ts != 0);
        let (value, start, exemplar) = if let Some(counter) = &metric.counter {
            (counter.value, millis(counter.created_timestamp.as_ref()), counter.exemplar.as_ref())
        } else if let Some(gauge) = &metric.gauge {
            (gauge.value, 0, None)
        } else if let Some(untyped) = &metric.untyped {
            (untyped.value, 0, None)
        } else if let Some(summary) = &metric.summary {
            return self.summary(family, metric, summary, ts);
        } else if let Some(histogram) = &metric.histogram {
            return self.histogram(family, metric, histogram, ts);
        } else {
            return Err(format!("metric of {:?} has no value", family.name));
        };
        let exemplar = exemplar.map(exemplar_of).transpose()?;
        let labels = self.pack(&family.name, "", &metric.label, None)?;
        self.items.push(Item::Sample { labels, value: ordinary(value), ts, start_ts: start, exemplar });
        Ok(())
    }

    fn plain(&mut self, labels: Range<usize>, value: f64, ts: Option<i64>, start_ts: i64) {
        self.items.push(Item::Sample { labels, value: ordinary(value), ts, start_ts, exemplar: None });
    }

    fn summary(
        &mut self,
        family: &message::MetricFamily,
        metric: &message::Metric,
        summary: &message::Summary,
        ts: Option<i64>,
    ) -> Result<(), String> {
        let start = millis(summary.created_timestamp.as_ref());
        let labels = self.pack(&family.name, "_count", &metric.label, None)?;
        self.plain(labels, summary.sample_count as f64, ts, start);
        let labels = self.pack(&family.name, "_sum", &metric.label, None)?;
        self.plain(labels, summary.sample_sum, ts, start);
        for quantile in &summary.quantile {
            let labels = self.pack(&family.name, "", &metric.label, Some((QUANTILE, quantile.quantile)))?;
            self.plain(labels, quantile.value, ts, start);
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        family: &message::MetricFamily,
        metric: &message::Metric,
        from: &message::Histogram,
        ts: Option<i64>,
    ) -> Result<(), String> {
        let start_ts = millis(from.created_timestamp.as_ref());
        let count = from.sample_count_float.filter(|count| *count > 0.0).unwrap_or(from.sample_count as f64);
        let native = !self.options.ignore_native && is_native(from);
        let convert = self.options.classic_to_nhcb && !native && !from.bucket.is_empty();
        if native || convert {
            let histogram = if native {
                native_histogram(from, count, self.kind)?
            } else {
                let buckets = from.bucket.iter().map(|bucket| (bucket.upper_bound, bucket.count())).collect();
                custom_buckets(buckets, count, ordinary(from.sample_sum))
            };
            let from_buckets = from.bucket.iter().filter_map(|bucket| bucket.exemplar.as_ref());
            let exemplars = from.exemplars.iter().chain(from_buckets.filter(|_| from.exemplars.is_empty()));
            let exemplars = exemplars.map(exemplar_of).collect::<Result<Vec<_>, _>>()?;
            let labels = self.pack(&family.name, "", &metric.label, None)?;
            self.items.push(Item::Histogram { labels, histogram: Arc::new(histogram), ts, start_ts, exemplars });
            if !self.options.keep_classic || from.bucket.is_empty() {
                return Ok(());
            }
        }
        let labels = self.pack(&family.name, "_count", &metric.label, None)?;
        self.plain(labels, count, ts, start_ts);
        let labels = self.pack(&family.name, "_sum", &metric.label, None)?;
        self.plain(labels, from.sample_sum, ts, start_ts);
        let mut has_infinity = false;
        for bucket in &from.bucket {
            has_infinity |= bucket.upper_bound == f64::INFINITY;
            let labels = self.pack(&family.name, "_bucket", &metric.label, Some((BUCKET, bucket.upper_bound)))?;
            let exemplar = bucket.exemplar.as_ref().map(exemplar_of).transpose()?;
            self.items.push(Item::Sample { labels, value: ordinary(bucket.count()), ts, start_ts, exemplar });
        }
        if !has_infinity {
            let labels = self.pack(&family.name, "_bucket", &metric.label, Some((BUCKET, f64::INFINITY)))?;
            self.plain(labels, count, ts, start_ts);
        }
        Ok(())
    }

    /// Appends the packed labels of a series and says where they are.
    fn pack(
        &mut self,
        name: &str,
        suffix: &str,
        pairs: &[message::LabelPair],
        number: Option<(&str, f64)>,
    ) -> Result<Range<usize>, String> {
        let full = if suffix.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("{name}{suffix}")) };
        let number = number.map(|(label, value)| {
            let mut text = String::new();
            push_openmetrics_float(&mut text, value);
            (label, text)
        });
        let mut all: Vec<(&str, &str)> = Vec::with_capacity(pairs.len() + 2);
        all.push((METRIC_NAME, &full));
        all.extend(number.as_ref().map(|(label, text)| (*label, text.as_str())));
        all.extend(pairs.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())));
        all.sort_unstable();
        if let Some(twice) = all.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(format!("label name {:?} is not unique: invalid sample", twice[0].0));
        }
        if all.first().is_some_and(|(label, _)| label.is_empty()) {
            return Err(format!("metric of {name:?} has an empty label name"));
        }
        let start = self.labels.len();
        if start > METRIC_LABEL_BYTES_MAX {
            return Err(format!("labels of all series of a metric of {name:?} are larger than {METRIC_LABEL_BYTES_MAX} bytes"));
        }
        for (label, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
            put_label(&mut self.labels, label, value);
        }
        Ok(start..self.labels.len())
    }
}

/// A field of a metric family.
enum Field<'a> {
    /// A metric, not decoded yet.
    Metric(&'a [u8]),
    /// Anything else, with its tag.
    Other(&'a [u8]),
}

/// The next field of a metric family, or none at the end.
fn next_field<'a>(from: &mut Cursor<'a>) -> Result<Option<Field<'a>>, String> {
    let malformed = |_| "cannot decode metric family: it ends within a field".to_owned();
    if from.is_empty() {
        return Ok(None);
    }
    let (all, start) = (from.rest(), from.offset());
    let tag = from.uvarint().map_err(malformed)?;
    match tag & 7 {
        0 => from.uvarint().map(drop).map_err(malformed)?,
        1 => from.take(8).map(drop).map_err(malformed)?,
        2 => {
            let len = from.len().map_err(malformed)?;
            let bytes = from.take(len).map_err(malformed)?;
            if tag >> 3 == u64::from(METRIC_FIELD) {
                return Ok(Some(Field::Metric(bytes)));
            }
        }
        5 => from.take(4).map(drop).map_err(malformed)?,
        other => return Err(format!("cannot decode metric family: wire type {other}")),
    }
    Ok(Some(Field::Other(&all[..from.offset() - start])))
}

fn undecodable(error: prost::DecodeError) -> String {
    format!("cannot decode metric family: {error}")
}

fn kind_of(number: i32) -> Result<MetricType, String> {
    Ok(match number {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        3 => MetricType::Unknown,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        other => return Err(format!("unknown metric type for metric: {other}")),
    })
}

fn is_native(from: &message::Histogram) -> bool {
    !from.positive_span.is_empty()
        || !from.negative_span.is_empty()
        || from.zero_threshold > 0.0
        || from.zero_count > 0
        || from.zero_count_float.is_some_and(|count| count > 0.0)
}

fn native_histogram(from: &message::Histogram, count: f64, kind: MetricType) -> Result<Histogram, String> {
    let is_float = from.sample_count_float.is_some_and(|count| count > 0.0) || from.zero_count_float.is_some_and(|count| count > 0.0);
    let zero_count = if is_float { from.zero_count_float.unwrap_or_default() } else { from.zero_count as f64 };
    Ok(Histogram {
        reset_hint: if kind == MetricType::GaugeHistogram { ResetHint::Gauge } else { ResetHint::Unknown },
        schema: from.schema,
        zero_threshold: from.zero_threshold,
        zero_count,
        count,
        sum: ordinary(from.sample_sum),
        positive_spans: spans(&from.positive_span),
        positive_buckets: buckets(is_float, &from.positive_delta, &from.positive_count, &from.positive_span)?,
        negative_spans: spans(&from.negative_span),
        negative_buckets: buckets(is_float, &from.negative_delta, &from.negative_count, &from.negative_span)?,
        custom_bounds: Vec::new(),
    })
}

/// An empty span only marks a histogram as native.
fn spans(from: &[message::BucketSpan]) -> Vec<Span> {
    match from {
        [only] if only.length == 0 => Vec::new(),
        _ => from.iter().map(|span| Span { offset: span.offset, length: span.length }).collect(),
    }
}

fn buckets(is_float: bool, deltas: &[i64], counts: &[f64], spans: &[message::BucketSpan]) -> Result<Vec<f64>, String> {
    let len = if is_float { counts.len() } else { deltas.len() };
    let expected: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if len as u64 != expected || len > HISTOGRAM_BUCKETS_MAX {
        return Err(format!("native histogram has {len} buckets, its spans say {expected}"));
    }
    if is_float {
        return Ok(counts.to_vec());
    }
    let mut value = 0i64;
    Ok(deltas
        .iter()
        .map(|delta| {
            value = value.saturating_add(*delta);
            value as f64
        })
        .collect())
}

fn exemplar_of(from: &message::Exemplar) -> Result<ParsedExemplar, String> {
    if from.label.iter().any(|pair| pair.name.is_empty()) {
        return Err("exemplar has an empty label name".to_owned());
    }
    let labels = Labels::from_pairs(from.label.iter().map(|pair| (&pair.name, &pair.value)));
    Ok(ParsedExemplar { labels, value: from.value, ts: from.timestamp.as_ref().map(|time| millis(Some(time))) })
}

fn millis(time: Option<&message::Timestamp>) -> i64 {
    time.map_or(0, |time| time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos) / 1_000_000))
}

/// Any NaN as the ordinary one, so that no target can send a staleness marker.
fn ordinary(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(NORMAL_NAN_BITS) } else { value }
}
