//! Columns of native histograms: runs of one layout, in which every bucket is a column of floats.

use std::sync::Arc;

use super::{BUCKET_VALUES_MAX, Corrupt, LATER_VERSION, check_count, decode_floats, encode_floats};
use crate::base::bytes::{Cursor, put_uvarint, put_varint};
use crate::series::histogram::{Histogram, ResetHint, Span};

/// Appends histograms as a column; comes back exactly, spans and buckets that contradict each other included.
pub fn encode_histograms(hs: &[Arc<Histogram>], out: &mut Vec<u8>) {
    if hs.is_empty() {
        return;
    }
    out.push(0);
    let mut column = Vec::new();
    let mut bytes = Vec::new();
    for run in hs.chunk_by(|left, right| same_layout(left, right)) {
        put_uvarint(out, run.len() as u64);
        put_layout(&run[0], out);
        for hints in run.chunk_by(|left, right| left.reset_hint == right.reset_hint) {
            out.push(hint_code(hints[0].reset_hint));
            put_uvarint(out, hints.len() as u64);
        }
        let mut put_column = |value_of: &dyn Fn(&Histogram) -> f64| {
            column.clear();
            column.extend(run.iter().map(|histogram| value_of(histogram)));
            bytes.clear();
            encode_floats(&column, &mut bytes);
            put_uvarint(out, bytes.len() as u64);
            out.extend_from_slice(&bytes);
        };
        put_column(&|histogram| histogram.count);
        put_column(&|histogram| histogram.zero_count);
        put_column(&|histogram| histogram.sum);
        for bucket in 0..run[0].positive_buckets.len() {
            put_column(&|histogram| histogram.positive_buckets[bucket]);
        }
        for bucket in 0..run[0].negative_buckets.len() {
            put_column(&|histogram| histogram.negative_buckets[bucket]);
        }
    }
}

/// Appends the `count` histograms of a column to `out`. On an error `out` may hold some of them.
pub fn decode_histograms(bytes: &[u8], count: usize, out: &mut Vec<Arc<Histogram>>) -> Result<(), Corrupt> {
    check_count(bytes, count)?;
    if count == 0 {
        return Ok(());
    }
    let mut cursor = Cursor::new(bytes);
    match cursor.u8()? {
        0 => {}
        head if head & LATER_VERSION != 0 => return Err(Corrupt::new("histograms of a later version")),
        _ => return Err(Corrupt::new("unknown kind of histograms")),
    }
    // Every value of a run is accounted for before memory is taken for it.
    let mut budget = BUCKET_VALUES_MAX;
    let mut left = count;
    while left > 0 {
        let len = usize::try_from(cursor.uvarint()?).unwrap_or(usize::MAX);
        if len == 0 || len > left {
            return Err(Corrupt::new("runs of histograms do not add up"));
        }
        decode_run(&mut cursor, len, &mut budget, out)?;
        left -= len;
    }
    if cursor.is_empty() { Ok(()) } else { Err(Corrupt::new("bytes left behind histograms")) }
}

fn decode_run(cursor: &mut Cursor<'_>, len: usize, budget: &mut usize, out: &mut Vec<Arc<Histogram>>) -> Result<(), Corrupt> {
    let (layout, positive, negative) = read_layout(cursor)?;
    let spans = layout.positive_spans.len() + layout.negative_spans.len() + layout.custom_bounds.len();
    let values = len.saturating_mul(positive.saturating_add(negative).saturating_add(spans).saturating_add(3));
    *budget = budget.checked_sub(values).ok_or(Corrupt::new("too many buckets"))?;

    let mut hints = Vec::new();
    while hints.len() < len {
        let hint = hint_of(cursor.u8()?).ok_or(Corrupt::new("unknown reset hint"))?;
        let times = usize::try_from(cursor.uvarint()?).unwrap_or(usize::MAX);
        if times == 0 || times > len - hints.len() {
            return Err(Corrupt::new("reset hints do not add up"));
        }
        hints.resize(hints.len() + times, hint);
    }
    let mut column = Vec::with_capacity(len);
    let mut read_column = |column: &mut Vec<f64>| {
        column.clear();
        let bytes = cursor.len()?;
        decode_floats(cursor.take(bytes)?, len, column)
    };
    let mut run: Vec<Histogram> = Vec::with_capacity(len);
    read_column(&mut column)?;
    for (&reset_hint, &count) in hints.iter().zip(&column) {
        run.push(Histogram {
            reset_hint,
            count,
            positive_buckets: Vec::with_capacity(positive),
            negative_buckets: Vec::with_capacity(negative),
            ..layout.clone()
        });
    }
    read_column(&mut column)?;
    run.iter_mut().zip(&column).for_each(|(histogram, value)| histogram.zero_count = *value);
    read_column(&mut column)?;
    run.iter_mut().zip(&column).for_each(|(histogram, value)| histogram.sum = *value);
    for _ in 0..positive {
        read_column(&mut column)?;
        run.iter_mut().zip(&column).for_each(|(histogram, value)| histogram.positive_buckets.push(*value));
    }
    for _ in 0..negative {
        read_column(&mut column)?;
        run.iter_mut().zip(&column).for_each(|(histogram, value)| histogram.negative_buckets.push(*value));
    }
    out.extend(run.into_iter().map(Arc::new));
    Ok(())
}

fn put_layout(histogram: &Histogram, out: &mut Vec<u8>) {
    put_varint(out, i64::from(histogram.schema));
    out.extend_from_slice(&histogram.zero_threshold.to_le_bytes());
    for (spans, buckets) in
        [(&histogram.positive_spans, &histogram.positive_buckets), (&histogram.negative_spans, &histogram.negative_buckets)]
    {
        put_uvarint(out, spans.len() as u64);
        for span in spans {
            put_varint(out, i64::from(span.offset));
            put_uvarint(out, u64::from(span.length));
        }
        put_uvarint(out, buckets.len() as u64);
    }
    put_uvarint(out, histogram.custom_bounds.len() as u64);
    for bound in &histogram.custom_bounds {
        out.extend_from_slice(&bound.to_le_bytes());
    }
}

/// A histogram with only the layout filled in, and how many positive and negative buckets it has.
fn read_layout(cursor: &mut Cursor<'_>) -> Result<(Histogram, usize, usize), Corrupt> {
    let mut layout = Histogram::default();
    let out_of_range = |_| Corrupt::new("number of a histogram's layout out of range");
    layout.schema = i32::try_from(cursor.varint()?).map_err(out_of_range)?;
    layout.zero_threshold = cursor.f64_le()?;
    let mut sides = [(Vec::new(), 0), (Vec::new(), 0)];
    for (spans, buckets) in &mut sides {
        // Each entry takes at least a byte, so that `len` bounds the allocation.
        for _ in 0..cursor.len()? {
            let offset = i32::try_from(cursor.varint()?).map_err(out_of_range)?;
            let length = u32::try_from(cursor.uvarint()?).map_err(out_of_range)?;
            spans.push(Span { offset, length });
        }
        *buckets = cursor.len()?;
    }
    for _ in 0..cursor.len()? {
        layout.custom_bounds.push(cursor.f64_le()?);
    }
    let [(positive_spans, positive), (negative_spans, negative)] = sides;
    Ok((Histogram { positive_spans, negative_spans, ..layout }, positive, negative))
}

fn same_layout(left: &Histogram, right: &Histogram) -> bool {
    left.schema == right.schema
        && left.zero_threshold.to_bits() == right.zero_threshold.to_bits()
        && left.positive_buckets.len() == right.positive_buckets.len()
        && left.negative_buckets.len() == right.negative_buckets.len()
        && left.positive_spans == right.positive_spans
        && left.negative_spans == right.negative_spans
        && left.custom_bounds.len() == right.custom_bounds.len()
        && left.custom_bounds.iter().zip(&right.custom_bounds).all(|(left, right)| left.to_bits() == right.to_bits())
}

const fn hint_code(hint: ResetHint) -> u8 {
    match hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    }
}

const fn hint_of(code: u8) -> Option<ResetHint> {
    Some(match code {
        0 => ResetHint::Unknown,
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => return None,
    })
}
