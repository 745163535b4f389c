//! Native histograms of both protocol versions; their fields are the same.

use super::wire::{Value, each_double, each_varint, next_field};
use crate::base::bytes::{Cursor, Malformed, unzigzag};
use crate::base::limits::HISTOGRAM_BUCKETS_MAX;
use crate::series::histogram::{Histogram, ResetHint, Span};

/// A histogram as received.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) ts: i64,
    /// Start timestamp, 0 = unknown.
    pub(super) start_ts: i64,
    pub(super) histogram: Histogram,
    /// What contradicts itself.
    pub(super) invalid: Option<&'static str>,
}

#[derive(Default)]
struct Side {
    spans: Vec<Span>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

/// Reads one histogram message.
pub(super) fn read(message: &[u8]) -> Result<Received, Malformed> {
    let mut h = Histogram::default();
    let (mut ts, mut start_ts, mut is_float) = (0, 0, false);
    let (mut positive, mut negative) = (Side::default(), Side::default());
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        match field {
            1 => h.count = value.varint()? as f64,
            2 => (h.count, is_float) = (value.double()?, true),
            3 => h.sum = value.double()?,
            4 => h.schema = signed32(value)?,
            5 => h.zero_threshold = value.double()?,
            6 => h.zero_count = value.varint()? as f64,
            7 => h.zero_count = value.double()?,
            8 => push(&mut negative.spans, span(value.bytes()?)?),
            9 => each_varint(value, |delta| push(&mut negative.deltas, unzigzag(delta)))?,
            10 => each_double(value, |count| push(&mut negative.counts, count))?,
            11 => push(&mut positive.spans, span(value.bytes()?)?),
            12 => each_varint(value, |delta| push(&mut positive.deltas, unzigzag(delta)))?,
            13 => each_double(value, |count| push(&mut positive.counts, count))?,
            14 => {
                h.reset_hint = match value.varint()? {
                    1 => ResetHint::Reset,
                    2 => ResetHint::NotReset,
                    3 => ResetHint::Gauge,
                    _ => ResetHint::Unknown,
                }
            }
            15 => ts = value.varint()? as i64,
            16 => each_double(value, |bound| push(&mut h.custom_bounds, bound))?,
            17 => start_ts = value.varint()? as i64,
            _ => {}
        }
    }
    let mut invalid = None;
    for (side, spans, buckets) in
        [(positive, &mut h.positive_spans, &mut h.positive_buckets), (negative, &mut h.negative_spans, &mut h.negative_buckets)]
    {
        *spans = side.spans;
        *buckets = if is_float { side.counts } else { absolute(&side.deltas) };
        let expected: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
        if buckets.len() > HISTOGRAM_BUCKETS_MAX || spans.len() > HISTOGRAM_BUCKETS_MAX {
            invalid = Some("histogram has too many buckets");
        } else if expected != buckets.len() as u64 {
            invalid = Some("histogram spans do not match the number of buckets");
        } else if buckets.iter().any(|count| *count < 0.0) {
            invalid = Some("histogram has a negative bucket");
        }
    }
    if h.custom_bounds.len() > HISTOGRAM_BUCKETS_MAX {
        invalid = Some("histogram has too many custom bounds");
    }
    Ok(Received { ts, start_ts, histogram: h, invalid })
}

/// Adds one more; of too many, one more than allowed.
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() <= HISTOGRAM_BUCKETS_MAX {
        list.push(item);
    }
}

fn absolute(deltas: &[i64]) -> Vec<f64> {
    let mut value = 0i64;
    let mut next = |delta: &i64| {
        value = value.saturating_add(*delta);
        value as f64
    };
    deltas.iter().map(&mut next).collect()
}

fn span(message: &[u8]) -> Result<Span, Malformed> {
    let mut span = Span { offset: 0, length: 0 };
    let mut from = Cursor::new(message);
    while let Some((field, value)) = next_field(&mut from)? {
        match field {
            1 => span.offset = signed32(value)?,
            2 => span.length = u32::try_from(value.varint()?).map_err(|_| Malformed { offset: 0 })?,
            _ => {}
        }
    }
    Ok(span)
}

fn signed32(value: Value<'_>) -> Result<i32, Malformed> {
    i32::try_from(unzigzag(value.varint()?)).map_err(|_| Malformed { offset: 0 })
}
