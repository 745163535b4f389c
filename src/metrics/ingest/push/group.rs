//! A group: all that was pushed under one grouping key, and its form on disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;
use xxhash_rust::xxh3::xxh3_128;

use crate::base::bytes::has_crc32;
use crate::series::batch::WriteBatch;
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::ports::RefusedReason;
use crate::series::sample::{Metadata, MetricType};

/// Refused series that are named, and characters of each, at most.
const NAMED_MAX: usize = 5;
const NAMED_CHARS_MAX: usize = 300;

/// Gauge added to every group: when a push last succeeded, Unix seconds.
pub const PUSH_TIME: &str = "push_time_seconds";
/// Gauge added to every group: when a push last failed, Unix seconds, 0 = never.
pub const PUSH_FAILURE_TIME: &str = "push_failure_time_seconds";

/// What was pushed under one grouping key.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The grouping key, `job` included.
    pub labels: Labels,
    /// Families by name.
    pub families: BTreeMap<String, Family>,
    /// Last successful push, ms, 0 = never.
    pub push_time_ms: i64,
    /// Last failed push, ms, 0 = never.
    pub push_failure_ms: i64,
    /// How long the group stays after a push, ms, 0 = for ever.
    pub ttl_ms: i64,
}

/// A pushed metric family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Family {
    /// Its kind.
    pub kind: MetricType,
    /// What it measures.
    pub help: String,
    /// Its unit.
    pub unit: String,
    /// When it was pushed, ms.
    pub time_ms: i64,
    /// Its series with full labels.
    pub series: Vec<(Labels, Value)>,
}

/// The value of a pushed series.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

impl Group {
    /// Without metrics yet.
    pub fn new(labels: Labels) -> Self {
        Self { labels, families: BTreeMap::new(), push_time_ms: 0, push_failure_ms: 0, ttl_ms: 0 }
    }

    /// Every pushed series.
    pub fn series(&self) -> impl Iterator<Item = &(Labels, Value)> {
        self.families.values().flat_map(|family| &family.series)
    }

    /// The series that say when pushes came.
    pub fn own_series(&self) -> [(Labels, f64); 2] {
        let of = |name: &str, ms: i64| (self.labels.to_builder().set(METRIC_NAME, name).build(), ms as f64 / 1000.0);
        [of(PUSH_TIME, self.push_time_ms), of(PUSH_FAILURE_TIME, self.push_failure_ms)]
    }

    /// Labels of all of these.
    pub fn all_labels(&self) -> impl Iterator<Item = Labels> {
        self.series().map(|(labels, _)| labels.clone()).chain(self.own_series().map(|(labels, _)| labels))
    }

    /// Writes all of these at `ts` (ms).
    pub fn write(&self, ts: i64, batch: &mut WriteBatch) {
        for (labels, value) in self.series() {
            batch.open_series(labels);
            match value {
                Value::Float(value) => batch.push_float(ts, *value),
                Value::Histogram(histogram) => batch.push_histogram(ts, histogram.clone()),
            }
        }
        for (labels, value) in self.own_series() {
            batch.open_series(&labels);
            batch.push_float(ts, value);
        }
    }

    /// Says what the families measure.
    pub fn describe(&self, batch: &mut WriteBatch) {
        for (name, family) in &self.families {
            let metadata = Metadata { kind: family.kind, help: family.help.clone(), unit: family.unit.clone() };
            batch.metadata.push((name.as_str().into(), metadata));
        }
    }

    /// What cannot be stored of [`Self::write`], by position, for people.
    pub fn name_refused(&self, refused: &[(usize, RefusedReason)]) -> String {
        let mut text = String::new();
        for (position, reason) in refused.iter().take(NAMED_MAX) {
            let labels = self.all_labels().nth(*position).unwrap_or_default().to_string();
            // Labels may be what is too long.
            let labels: String = if labels.chars().nth(NAMED_CHARS_MAX).is_some() {
                labels.chars().take(NAMED_CHARS_MAX).chain("…".chars()).collect()
            } else {
                labels
            };
            let gap = if text.is_empty() { "" } else { "; " };
            text.push_str(&format!("{gap}{labels}: {reason}"));
        }
        if refused.len() > NAMED_MAX {
            text.push_str(&format!("; and {} more", refused.len() - NAMED_MAX));
        }
        text
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: i64) -> bool {
        self.ttl_ms > 0 && now.saturating_sub(self.push_time_ms.max(self.push_failure_ms)) > self.ttl_ms
    }

    /// The form on disk: a protobuf message behind its CRC-32.
    pub fn encode(&self) -> Vec<u8> {
        let message = stored::Group {
            labels: self.labels.packed().to_vec(),
            push_time_ms: self.push_time_ms,
            push_failure_ms: self.push_failure_ms,
            ttl_ms: self.ttl_ms,
            families: self.families.iter().map(|(name, family)| store_family(name, family)).collect(),
        };
        let body = message.encode_to_vec();
        [&crc32fast::hash(&body).to_le_bytes()[..], &body].concat()
    }

    /// Reads the form on disk; none when it is damaged.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (crc, body) = bytes.split_first_chunk::<4>()?;
        if !has_crc32(body, u32::from_le_bytes(*crc)) {
            return None;
        }
        let message = stored::Group::decode(body).ok()?;
        let families = message.families.into_iter().map(load_family).collect::<Option<_>>()?;
        Some(Self {
            labels: Labels::from_packed(&message.labels).ok()?,
            families,
            push_time_ms: message.push_time_ms,
            push_failure_ms: message.push_failure_ms,
            ttl_ms: message.ttl_ms,
        })
    }
}

/// The name of a group's file.
pub fn file_key(grouping: &Labels) -> String {
    format!("{:032x}", xxh3_128(grouping.packed()))
}

fn store_family(name: &str, family: &Family) -> stored::Family {
    let series = family.series.iter().map(|(labels, value)| {
        let (value, histogram) = match value {
            Value::Float(value) => (*value, None),
            Value::Histogram(histogram) => (0.0, Some(store_histogram(histogram))),
        };
        stored::Series { labels: labels.packed().to_vec(), value, histogram }
    });
    stored::Family {
        name: name.to_owned(),
        kind: family.kind.as_str().to_owned(),
        help: family.help.clone(),
        unit: family.unit.clone(),
        time_ms: family.time_ms,
        series: series.collect(),
    }
}

fn load_family(message: stored::Family) -> Option<(String, Family)> {
    let series = message.series.into_iter().map(|series| {
        let value = series.histogram.map_or(Value::Float(series.value), |histogram| Value::Histogram(Arc::new(load_histogram(histogram))));
        Some((Labels::from_packed(&series.labels).ok()?, value))
    });
    let series = series.collect::<Option<_>>()?;
    let kind = MetricType::parse(&message.kind)?;
    Some((message.name, Family { kind, help: message.help, unit: message.unit, time_ms: message.time_ms, series }))
}

fn store_histogram(h: &Histogram) -> stored::Histogram {
    let spans = |spans: &[Span]| spans.iter().flat_map(|span| [i64::from(span.offset), i64::from(span.length)]).collect();
    stored::Histogram {
        is_gauge: h.reset_hint == ResetHint::Gauge,
        schema: h.schema,
        zero_threshold: h.zero_threshold,
        zero_count: h.zero_count,
        count: h.count,
        sum: h.sum,
        positive_spans: spans(&h.positive_spans),
        positive_buckets: h.positive_buckets.clone(),
        negative_spans: spans(&h.negative_spans),
        negative_buckets: h.negative_buckets.clone(),
        custom_bounds: h.custom_bounds.clone(),
    }
}

fn load_histogram(m: stored::Histogram) -> Histogram {
    let spans = |flat: &[i64]| {
        let (pairs, _) = flat.as_chunks::<2>();
        pairs.iter().map(|[offset, length]| Span { offset: *offset as i32, length: *length as u32 }).collect()
    };
    Histogram {
        reset_hint: if m.is_gauge { ResetHint::Gauge } else { ResetHint::Unknown },
        schema: m.schema,
        zero_threshold: m.zero_threshold,
        zero_count: m.zero_count,
        count: m.count,
        sum: m.sum,
        positive_spans: spans(&m.positive_spans),
        positive_buckets: m.positive_buckets,
        negative_spans: spans(&m.negative_spans),
        negative_buckets: m.negative_buckets,
        custom_bounds: m.custom_bounds,
    }
}

/// The messages on disk.
mod stored {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Group {
        #[prost(bytes = "vec", tag = "1")]
        pub(super) labels: Vec<u8>,
        #[prost(int64, tag = "2")]
        pub(super) push_time_ms: i64,
        #[prost(int64, tag = "3")]
        pub(super) push_failure_ms: i64,
        #[prost(int64, tag = "4")]
        pub(super) ttl_ms: i64,
        #[prost(message, repeated, tag = "5")]
        pub(super) families: Vec<Family>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Family {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) kind: String,
        #[prost(string, tag = "3")]
        pub(super) help: String,
        #[prost(string, tag = "4")]
        pub(super) unit: String,
        #[prost(int64, tag = "5")]
        pub(super) time_ms: i64,
        #[prost(message, repeated, tag = "6")]
        pub(super) series: Vec<Series>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Series {
        #[prost(bytes = "vec", tag = "1")]
        pub(super) labels: Vec<u8>,
        #[prost(double, tag = "2")]
        pub(super) value: f64,
        #[prost(message, optional, tag = "3")]
        pub(super) histogram: Option<Histogram>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Histogram {
        #[prost(bool, tag = "1")]
        pub(super) is_gauge: bool,
        #[prost(sint32, tag = "2")]
        pub(super) schema: i32,
        #[prost(double, tag = "3")]
        pub(super) zero_threshold: f64,
        #[prost(double, tag = "4")]
        pub(super) zero_count: f64,
        #[prost(double, tag = "5")]
        pub(super) count: f64,
        #[prost(double, tag = "6")]
        pub(super) sum: f64,
        #[prost(sint64, repeated, tag = "7")]
        pub(super) positive_spans: Vec<i64>,
        #[prost(double, repeated, tag = "8")]
        pub(super) positive_buckets: Vec<f64>,
        #[prost(sint64, repeated, tag = "9")]
        pub(super) negative_spans: Vec<i64>,
        #[prost(double, repeated, tag = "10")]
        pub(super) negative_buckets: Vec<f64>,
        #[prost(double, repeated, tag = "11")]
        pub(super) custom_bounds: Vec<f64>,
    }
}
