//! Remote write requests in Protocol Buffers, versions 1.0 and 2.0, compressed with Snappy.

use rustc_hash::FxHashMap;

use super::shard::{Item, Payload};
use crate::base::bytes::put_uvarint;
use crate::metrics::model::config::WriteMessage;
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::labels::Labels;
use crate::series::sample::{Metadata, MetricType};

/// Largest count that a float holds exactly.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Encodes samples; `metadata` finds what a metric's family says (2.0 only).
pub(super) fn encode(message: WriteMessage, items: &[Item], metadata: impl Fn(&str) -> Option<Metadata>) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(items.len() * 64);
    match message {
        WriteMessage::V1 => by_series(items).for_each(|group| v1_series(group, &mut out)),
        WriteMessage::V2 => v2(items, metadata, &mut out),
    }
    compress(&out)
}

/// Encodes metadata on its own, as 1.0 does.
pub(super) fn encode_metadata(entries: &[(Box<str>, Metadata)]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut one = Vec::new();
    for (family, metadata) in entries {
        one.clear();
        put_int(&mut one, 1, kind_number(metadata.kind));
        put_bytes(&mut one, 2, family.as_bytes());
        put_bytes(&mut one, 4, metadata.help.as_bytes());
        put_bytes(&mut one, 5, metadata.unit.as_bytes());
        put_message(&mut out, 3, &one);
    }
    compress(&out)
}

fn compress(raw: &[u8]) -> Result<Vec<u8>, String> {
    snap::raw::Encoder::new().compress_vec(raw).map_err(|error| error.to_string())
}

/// Items of one series that follow each other become one entry: an exemplar travels with its sample, without
/// which receivers of 2.0 refuse it.
fn by_series(items: &[Item]) -> impl Iterator<Item = &[Item]> {
    items.chunk_by(|a, b| a.labels == b.labels)
}

fn v1_series(group: &[Item], out: &mut Vec<u8>) {
    let Some(first) = group.first() else { return };
    let mut series = Vec::with_capacity(first.labels.packed().len() + 64);
    let (mut part, mut label) = (Vec::with_capacity(64), Vec::new());
    v1_labels(&first.labels, &mut series, &mut part);
    for item in group {
        part.clear();
        match &item.payload {
            Payload::Float(sample) => {
                put_double(&mut part, 1, sample.value);
                put_int(&mut part, 2, sample.ts.cast_unsigned());
                put_message(&mut series, 2, &part);
            }
            Payload::Exemplar(exemplar) => {
                v1_labels(&exemplar.labels, &mut part, &mut label);
                put_double(&mut part, 2, exemplar.value);
                put_int(&mut part, 3, exemplar.ts.cast_unsigned());
                put_message(&mut series, 3, &part);
            }
            Payload::Histogram(ts, histogram) => {
                put_histogram(histogram, *ts, &mut part);
                put_message(&mut series, 4, &part);
            }
        }
    }
    put_message(out, 1, &series);
}

fn v1_labels(labels: &Labels, out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
    for (name, value) in labels {
        scratch.clear();
        put_bytes(scratch, 1, name.as_bytes());
        put_bytes(scratch, 2, value.as_bytes());
        put_message(out, 1, scratch);
    }
}

/// Texts numbered in order of first use; the empty one is number 0.
#[derive(Default)]
struct Symbols<'a> {
    numbers: FxHashMap<std::borrow::Cow<'a, str>, u64>,
    encoded: Vec<u8>,
}

impl<'a> Symbols<'a> {
    fn new() -> Self {
        let mut symbols = Self::default();
        symbols.number(std::borrow::Cow::Borrowed(""));
        symbols
    }

    fn number(&mut self, text: std::borrow::Cow<'a, str>) -> u64 {
        if let Some(&number) = self.numbers.get(&text) {
            return number;
        }
        let number = self.numbers.len() as u64;
        // The empty text must be written too, so the shared helper that leaves it out does not fit.
        put_tag(&mut self.encoded, 4, 2);
        put_uvarint(&mut self.encoded, text.len() as u64);
        self.encoded.extend_from_slice(text.as_bytes());
        self.numbers.insert(text, number);
        number
    }

    fn put_labels(&mut self, out: &mut Vec<u8>, labels: &'a Labels) {
        let mut numbers = Vec::with_capacity(16);
        for (name, value) in labels {
            put_uvarint(&mut numbers, self.number(name.into()));
            put_uvarint(&mut numbers, self.number(value.into()));
        }
        put_message(out, 1, &numbers);
    }
}

fn v2(items: &[Item], metadata: impl Fn(&str) -> Option<Metadata>, out: &mut Vec<u8>) {
    let mut symbols = Symbols::new();
    let mut all = Vec::with_capacity(items.len() * 32);
    let (mut series, mut part) = (Vec::new(), Vec::new());
    for group in by_series(items) {
        let Some(first) = group.first() else { continue };
        series.clear();
        symbols.put_labels(&mut series, &first.labels);
        for item in group {
            part.clear();
            match &item.payload {
                Payload::Float(sample) => {
                    put_double(&mut part, 1, sample.value);
                    put_int(&mut part, 2, sample.ts.cast_unsigned());
                    put_int(&mut part, 3, sample.start_ts.cast_unsigned());
                    put_message(&mut series, 2, &part);
                }
                Payload::Histogram(ts, histogram) => {
                    put_histogram(histogram, *ts, &mut part);
                    put_message(&mut series, 3, &part);
                }
                Payload::Exemplar(exemplar) => {
                    symbols.put_labels(&mut part, &exemplar.labels);
                    put_double(&mut part, 2, exemplar.value);
                    put_int(&mut part, 3, exemplar.ts.cast_unsigned());
                    put_message(&mut series, 4, &part);
                }
            }
        }
        if let Some(metadata) = metadata(first.labels.metric_name()) {
            part.clear();
            put_int(&mut part, 1, kind_number(metadata.kind));
            put_int(&mut part, 3, symbols.number(metadata.help.into()));
            put_int(&mut part, 4, symbols.number(metadata.unit.into()));
            put_message(&mut series, 5, &part);
        }
        put_message(&mut all, 5, &series);
    }
    out.extend_from_slice(&symbols.encoded);
    out.extend_from_slice(&all);
}

/// The same in both versions. Whole counts go as integers, which every receiver understands.
pub fn put_histogram(histogram: &Histogram, ts: i64, out: &mut Vec<u8>) {
    let whole = |count: f64| (0.0..=EXACT_MAX).contains(&count) && count.fract() == 0.0;
    let buckets = || histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    let integer = whole(histogram.count) && whole(histogram.zero_count) && buckets().all(|&count| whole(count));
    if integer {
        put_always_int(out, 1, histogram.count as u64);
    } else {
        put_always_double(out, 2, histogram.count);
    }
    put_double(out, 3, histogram.sum);
    put_int(out, 4, crate::base::bytes::zigzag(i64::from(histogram.schema)));
    put_double(out, 5, histogram.zero_threshold);
    if integer {
        put_always_int(out, 6, histogram.zero_count as u64);
    } else {
        put_always_double(out, 7, histogram.zero_count);
    }
    put_spans(out, 8, &histogram.negative_spans);
    put_buckets(out, if integer { 9 } else { 10 }, integer, &histogram.negative_buckets);
    put_spans(out, 11, &histogram.positive_spans);
    put_buckets(out, if integer { 12 } else { 13 }, integer, &histogram.positive_buckets);
    let hint = match histogram.reset_hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    };
    put_int(out, 14, hint);
    put_int(out, 15, ts.cast_unsigned());
    put_buckets(out, 16, false, &histogram.custom_bounds);
}

fn put_spans(out: &mut Vec<u8>, field: u32, spans: &[Span]) {
    let mut one = Vec::with_capacity(12);
    for span in spans {
        one.clear();
        put_int(&mut one, 1, crate::base::bytes::zigzag(i64::from(span.offset)));
        put_int(&mut one, 2, u64::from(span.length));
        put_message(out, field, &one);
    }
}

/// Packed doubles, or packed differences of integers.
fn put_buckets(out: &mut Vec<u8>, field: u32, integer: bool, values: &[f64]) {
    if values.is_empty() {
        return;
    }
    let mut packed = Vec::with_capacity(values.len() * 8);
    let mut last = 0i64;
    for &value in values {
        if integer {
            crate::base::bytes::put_varint(&mut packed, value as i64 - last);
            last = value as i64;
        } else {
            packed.extend_from_slice(&value.to_bits().to_le_bytes());
        }
    }
    put_message(out, field, &packed);
}

const fn kind_number(kind: MetricType) -> u64 {
    match kind {
        MetricType::Unknown => 0,
        MetricType::Counter => 1,
        MetricType::Gauge => 2,
        MetricType::Histogram => 3,
        MetricType::GaugeHistogram => 4,
        MetricType::Summary => 5,
        MetricType::Info => 6,
        MetricType::StateSet => 7,
    }
}

fn put_tag(out: &mut Vec<u8>, field: u32, wire: u32) {
    put_uvarint(out, u64::from(field << 3 | wire));
}

/// A field with a message or other bytes.
pub fn put_message(out: &mut Vec<u8>, field: u32, message: &[u8]) {
    put_tag(out, field, 2);
    put_uvarint(out, message.len() as u64);
    out.extend_from_slice(message);
}

/// A field with text or bytes; left out when empty.
pub fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_message(out, field, bytes);
    }
}

/// A field with an integer; left out when zero.
pub fn put_int(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        put_always_int(out, field, value);
    }
}

fn put_always_int(out: &mut Vec<u8>, field: u32, value: u64) {
    put_tag(out, field, 0);
    put_uvarint(out, value);
}

/// A field with a double; left out when zero (but not minus zero).
pub fn put_double(out: &mut Vec<u8>, field: u32, value: f64) {
    if value.to_bits() != 0 {
        put_always_double(out, field, value);
    }
}

fn put_always_double(out: &mut Vec<u8>, field: u32, value: f64) {
    put_tag(out, field, 1);
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}
