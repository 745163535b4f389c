//! How the head and the log write down native histograms: a byte stream, each relative to the one before.
//!
//! ```text
//! sample: time change (zigzag varint), flags, [layout], zero count, count, sum (8 bytes),
//!         positive buckets, negative buckets
//! flags:  bits 0-1 reset hint, bit 2 layout as before, bit 3 staleness marker (nothing follows)
//! layout: schema (zigzag varint), zero threshold (8 bytes), positive spans, negative spans, custom bounds;
//!         a list is its length and its items, a span is offset (zigzag varint) and length (varint)
//! number: varint; even = twice the zigzag difference of whole numbers, 1 = 8 bytes follow.
//!         Differences are to the number in the same place before, when the layout is as before, else to 0
//! ```
//!
//! Version 1; part of the log's format (see `wal`).

use std::sync::Arc;

use crate::base::bytes::{Cursor, Malformed, put_uvarint, put_varint, unzigzag, zigzag};
use crate::base::limits::HISTOGRAM_BUCKETS_MAX;
use crate::series::histogram::{Histogram, ResetHint, Span};

const SAME_LAYOUT: u8 = 4;
const STALE: u8 = 8;
/// Whole numbers up to here are written as differences.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends one histogram; `before` is what stands before it in the same stream.
pub fn put_histogram(before: Option<(i64, &Histogram)>, out: &mut Vec<u8>, ts: i64, histogram: &Histogram) {
    put_hinted(before, out, ts, histogram, histogram.reset_hint);
}

/// The same, with a hint of the caller's.
pub fn put_hinted(before: Option<(i64, &Histogram)>, out: &mut Vec<u8>, ts: i64, histogram: &Histogram, hint: ResetHint) {
    put_varint(out, ts.wrapping_sub(before.map_or(0, |(ts, _)| ts)));
    let hint = match hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    };
    if histogram.is_stale() {
        out.push(hint | STALE);
        return;
    }
    let same = before.map(|(_, before)| before).filter(|before| same_layout(before, histogram));
    out.push(hint | if same.is_some() { SAME_LAYOUT } else { 0 });
    if same.is_none() {
        put_varint(out, i64::from(histogram.schema));
        out.extend_from_slice(&histogram.zero_threshold.to_le_bytes());
        put_spans(out, &histogram.positive_spans);
        put_spans(out, &histogram.negative_spans);
        put_uvarint(out, histogram.custom_bounds.len() as u64);
        for bound in &histogram.custom_bounds {
            out.extend_from_slice(&bound.to_le_bytes());
        }
        put_uvarint(out, histogram.positive_buckets.len() as u64);
        put_uvarint(out, histogram.negative_buckets.len() as u64);
    }
    put_number(out, same.map_or(0.0, |same| same.zero_count), histogram.zero_count);
    put_number(out, same.map_or(0.0, |same| same.count), histogram.count);
    out.extend_from_slice(&histogram.sum.to_le_bytes());
    let none: &[f64] = &[];
    put_numbers(out, same.map_or(none, |same| &same.positive_buckets), &histogram.positive_buckets);
    put_numbers(out, same.map_or(none, |same| &same.negative_buckets), &histogram.negative_buckets);
}

/// Reads histograms of one stream.
#[derive(Debug, Clone)]
pub struct HistogramReader<'a> {
    cursor: Cursor<'a>,
    ts: i64,
    before: Option<Arc<Histogram>>,
}

impl<'a> HistogramReader<'a> {
    /// At the start of a stream.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(bytes), ts: 0, before: None }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.cursor.offset()
    }

    /// The next histogram; fails at the end and on bytes that cannot be.
    pub fn next_sample(&mut self) -> Result<(i64, Arc<Histogram>), Malformed> {
        let cursor = &mut self.cursor;
        self.ts = self.ts.wrapping_add(cursor.varint()?);
        let malformed = Malformed { offset: cursor.offset() };
        let flags = cursor.u8()?;
        let reset_hint = [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge][usize::from(flags & 3)];
        let histogram = if flags & STALE != 0 {
            Histogram { reset_hint, ..Histogram::stale() }
        } else if flags & SAME_LAYOUT != 0 {
            let mut histogram = Histogram::clone(self.before.as_deref().ok_or(malformed)?);
            histogram.reset_hint = reset_hint;
            read_numbers(cursor, &mut histogram)?;
            histogram
        } else {
            let mut histogram = read_layout(cursor)?;
            histogram.reset_hint = reset_hint;
            read_numbers(cursor, &mut histogram)?;
            histogram
        };
        let histogram = Arc::new(histogram);
        self.before = Some(Arc::clone(&histogram));
        Ok((self.ts, histogram))
    }
}

fn same_layout(a: &Histogram, b: &Histogram) -> bool {
    let bits = |bounds: &[f64]| -> Vec<u64> { bounds.iter().map(|bound| bound.to_bits()).collect() };
    a.schema == b.schema
        && a.zero_threshold.to_bits() == b.zero_threshold.to_bits()
        && a.positive_spans == b.positive_spans
        && a.negative_spans == b.negative_spans
        && a.positive_buckets.len() == b.positive_buckets.len()
        && a.negative_buckets.len() == b.negative_buckets.len()
        && a.custom_bounds.len() == b.custom_bounds.len()
        && (a.custom_bounds.is_empty() || bits(&a.custom_bounds) == bits(&b.custom_bounds))
        && !a.is_stale()
}

fn put_spans(out: &mut Vec<u8>, spans: &[Span]) {
    put_uvarint(out, spans.len() as u64);
    for span in spans {
        put_varint(out, i64::from(span.offset));
        put_uvarint(out, u64::from(span.length));
    }
}

fn put_numbers(out: &mut Vec<u8>, before: &[f64], now: &[f64]) {
    for (index, &number) in now.iter().enumerate() {
        put_number(out, before.get(index).copied().unwrap_or(0.0), number);
    }
}

fn put_number(out: &mut Vec<u8>, before: f64, now: f64) {
    match (whole(before), whole(now)) {
        (Some(before), Some(now)) => put_uvarint(out, zigzag(now - before) << 1),
        _ => {
            out.push(1);
            out.extend_from_slice(&now.to_le_bytes());
        }
    }
}

fn number(cursor: &mut Cursor<'_>, before: f64) -> Result<f64, Malformed> {
    let code = cursor.uvarint()?;
    if code & 1 == 1 {
        return cursor.f64_le();
    }
    Ok((before as i64).wrapping_add(unzigzag(code >> 1)) as f64)
}

fn whole(value: f64) -> Option<i64> {
    let number = value as i64;
    ((number as f64).to_bits() == value.to_bits() && value.abs() <= WHOLE_MAX).then_some(number)
}

fn read_layout(cursor: &mut Cursor<'_>) -> Result<Histogram, Malformed> {
    let malformed = Malformed { offset: cursor.offset() };
    let schema = i32::try_from(cursor.varint()?).map_err(|_| malformed)?;
    let zero_threshold = cursor.f64_le()?;
    let positive_spans = read_spans(cursor)?;
    let negative_spans = read_spans(cursor)?;
    let bounds = cursor.len()?;
    let mut custom_bounds = Vec::with_capacity(bounds.min(HISTOGRAM_BUCKETS_MAX));
    for _ in 0..bounds {
        custom_bounds.push(cursor.f64_le()?);
    }
    // Every bucket takes a byte at least, so a length beyond what is left cannot be.
    let (positive, negative) = (cursor.len()?, cursor.len()?);
    Ok(Histogram {
        schema,
        zero_threshold,
        positive_spans,
        negative_spans,
        custom_bounds,
        positive_buckets: vec![0.0; positive],
        negative_buckets: vec![0.0; negative],
        ..Histogram::default()
    })
}

fn read_spans(cursor: &mut Cursor<'_>) -> Result<Vec<Span>, Malformed> {
    let count = cursor.len()?;
    let mut spans = Vec::with_capacity(count.min(HISTOGRAM_BUCKETS_MAX));
    for _ in 0..count {
        let malformed = Malformed { offset: cursor.offset() };
        let offset = i32::try_from(cursor.varint()?).map_err(|_| malformed)?;
        let length = u32::try_from(cursor.uvarint()?).map_err(|_| malformed)?;
        spans.push(Span { offset, length });
    }
    Ok(spans)
}

fn read_numbers(cursor: &mut Cursor<'_>, histogram: &mut Histogram) -> Result<(), Malformed> {
    histogram.zero_count = number(cursor, histogram.zero_count)?;
    histogram.count = number(cursor, histogram.count)?;
    histogram.sum = cursor.f64_le()?;
    for bucket in histogram.positive_buckets.iter_mut().chain(&mut histogram.negative_buckets) {
        *bucket = number(cursor, *bucket)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(count: f64, buckets: &[f64]) -> Histogram {
        Histogram {
            schema: 3,
            zero_threshold: 0.001,
            count,
            sum: count * 1.5,
            positive_spans: vec![Span { offset: -2, length: buckets.len() as u32 }],
            positive_buckets: buckets.to_vec(),
            ..Histogram::default()
        }
    }

    #[test]
    fn histograms_round_trip() {
        let mut gauge = sample(7.5, &[1.5, 2.0, 4.0]);
        gauge.reset_hint = ResetHint::Gauge;
        let custom = Histogram {
            schema: crate::series::histogram::CUSTOM_BUCKETS_SCHEMA,
            custom_bounds: vec![0.1, 1.0, f64::MAX],
            negative_buckets: vec![3.0],
            negative_spans: vec![Span { offset: 0, length: 1 }],
            ..sample(3.0, &[1.0])
        };
        let all = [
            sample(6.0, &[1.0, 2.0, 3.0]),
            sample(9.0, &[2.0, 3.0, 4.0]),
            gauge,
            Histogram::stale(),
            custom.clone(),
            custom,
            sample(0.0, &[]),
        ];
        let mut bytes = Vec::new();
        for (index, histogram) in all.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| (before as i64 * 15_000, &all[before]));
            put_histogram(before, &mut bytes, index as i64 * 15_000, histogram);
        }
        let mut reader = HistogramReader::new(&bytes);
        for (index, histogram) in all.iter().enumerate() {
            let (ts, got) = reader.next_sample().expect("a histogram");
            assert_eq!(ts, index as i64 * 15_000);
            assert!(*got == *histogram || (got.is_stale() && histogram.is_stale()), "{got:?} {histogram:?}");
        }
        assert_eq!(reader.offset(), bytes.len());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = HistogramReader::new(&bytes);
            while reader.next_sample().is_ok() {}
        }
    }
}
