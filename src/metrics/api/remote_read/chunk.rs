//! Samples as the chunks in which Prometheus keeps them, for readers of streamed answers.
//!
//! Floats become XOR chunks, histograms become chunks of float histograms (whole counts are exact in them up to
//! 2^53). A chunk of histograms has one layout of buckets and no counter reset inside: readers take every sample
//! behind the first one as "no reset".

use super::bits::{BitWriter, XorWindow};
use crate::series::histogram::{Histogram, ResetHint, Span};
use crate::series::sample::SampleBuf;

/// Samples of one chunk, as upstream cuts them.
const SAMPLES_MAX: u16 = 120;
/// A chunk of wide histograms ends early, in bytes.
const BYTES_MAX: usize = 64 * 1024;

/// How a chunk is encoded, by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Floats.
    Xor = 1,
    /// Histograms with counts as floats.
    FloatHistogram = 3,
}

/// A finished chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Time of the first sample (ms).
    pub(super) min_ts: i64,
    /// Time of the last sample (ms).
    pub(super) max_ts: i64,
    /// What `data` is.
    pub(super) encoding: Encoding,
    /// Its bytes.
    pub(super) data: Vec<u8>,
}

/// Cuts samples into chunks in order of time and hands each to `take`, until that fails.
pub(super) fn each_chunk<E>(samples: &SampleBuf, mut take: impl FnMut(Chunk) -> Result<(), E>) -> Result<(), E> {
    let (mut float, mut histogram) = (0, 0);
    loop {
        // Floats up to the next histogram, then histograms up to the next float.
        let next_histogram = samples.histogram_ts.get(histogram).copied().unwrap_or(i64::MAX);
        let floats = &samples.float_ts[float..];
        let run = if histogram < samples.histogram_ts.len() { floats.partition_point(|ts| *ts < next_histogram) } else { floats.len() };
        for at in (float..float + run).step_by(usize::from(SAMPLES_MAX)) {
            let end = (at + usize::from(SAMPLES_MAX)).min(float + run);
            take(xor_chunk(&samples.float_ts[at..end], &samples.floats[at..end]))?;
        }
        float += run;
        let next_float = samples.float_ts.get(float).copied();
        let rest = &samples.histogram_ts[histogram..];
        let run = next_float.map_or(rest.len(), |next| rest.partition_point(|ts| *ts < next));
        // A time that both have would stop the walk; storage never gives one.
        if run == 0 {
            return Ok(());
        }
        let mut open: Option<HistogramChunk<'_>> = None;
        for at in histogram..histogram + run {
            let (ts, one) = (samples.histogram_ts[at], &*samples.histograms[at]);
            match &mut open {
                Some(chunk) if chunk.takes(one) => chunk.push(ts, one),
                other => {
                    if let Some(full) = other.replace(HistogramChunk::new(ts, one)) {
                        take(full.finish())?;
                    }
                }
            }
        }
        if let Some(full) = open {
            take(full.finish())?;
        }
        histogram += run;
    }
}

/// At most [`SAMPLES_MAX`] floats; at least one.
fn xor_chunk(times: &[i64], values: &[f64]) -> Chunk {
    let count = u16::try_from(times.len()).unwrap_or(u16::MAX);
    let mut out = BitWriter::after(count.to_be_bytes().to_vec());
    let (mut last_ts, mut last_delta, mut last) = (0i64, 0i64, 0.0f64);
    let mut window = XorWindow::default();
    for (at, (&ts, &value)) in times.iter().zip(values).enumerate() {
        let delta = ts.wrapping_sub(last_ts);
        match at {
            0 => {
                out.varint(ts);
                out.bits(value.to_bits(), 64);
            }
            1 => {
                out.uvarint(delta.cast_unsigned());
                out.xor(value, last, &mut window);
            }
            _ => {
                out.delta_of_delta(delta.wrapping_sub(last_delta));
                out.xor(value, last, &mut window);
            }
        }
        (last_ts, last_delta, last) = (ts, delta, value);
    }
    let (min_ts, max_ts) = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
    Chunk { min_ts, max_ts, encoding: Encoding::Xor, data: out.finish() }
}

/// A chunk of histograms being written.
struct HistogramChunk<'a> {
    out: BitWriter,
    count: u16,
    min_ts: i64,
    last_ts: i64,
    last_delta: i64,
    last: &'a Histogram,
    /// For count, zero count, sum, then every bucket.
    windows: Vec<XorWindow>,
}

impl<'a> HistogramChunk<'a> {
    /// Begins with a sample, which sets the layout.
    fn new(ts: i64, first: &'a Histogram) -> Self {
        let header = match first.reset_hint {
            ResetHint::Unknown => 0,
            ResetHint::NotReset => 0b0100_0000,
            ResetHint::Reset => 0b1000_0000,
            ResetHint::Gauge => 0b1100_0000,
        };
        // The number of samples is filled in at the end.
        let mut out = BitWriter::after(vec![0, 0, header]);
        zero_threshold(&mut out, first.zero_threshold);
        out.varbit_int(i64::from(first.schema));
        for spans in [&first.positive_spans, &first.negative_spans] {
            out.varbit_uint(spans.len() as u64);
            for span in spans {
                out.varbit_uint(u64::from(span.length));
                out.varbit_int(i64::from(span.offset));
            }
        }
        if first.has_custom_buckets() {
            out.varbit_uint(first.custom_bounds.len() as u64);
            first.custom_bounds.iter().for_each(|bound| custom_bound(&mut out, *bound));
        }
        out.varbit_int(ts);
        let mut windows = Vec::new();
        for value in values(first) {
            out.bits(value.to_bits(), 64);
            windows.push(XorWindow::default());
        }
        Self { out, count: 1, min_ts: ts, last_ts: ts, last_delta: 0, last: first, windows }
    }

    /// Whether `next` has the same layout, is no counter reset, and there is room.
    fn takes(&self, next: &Histogram) -> bool {
        let last = self.last;
        let is_gauge = next.reset_hint == ResetHint::Gauge;
        let goes_on = match next.reset_hint {
            ResetHint::Reset => false,
            ResetHint::NotReset | ResetHint::Gauge => true,
            ResetHint::Unknown => values(last).zip(values(next)).enumerate().all(|(at, (before, now))| at == SUM || before <= now),
        };
        self.count < SAMPLES_MAX
            && self.out.len() < BYTES_MAX
            && goes_on
            && !next.is_stale()
            && !last.is_stale()
            && is_gauge == (last.reset_hint == ResetHint::Gauge)
            && last.schema == next.schema
            && last.zero_threshold.to_bits() == next.zero_threshold.to_bits()
            && last.positive_spans == next.positive_spans
            && last.negative_spans == next.negative_spans
            && last.custom_bounds == next.custom_bounds
    }

    /// Adds a sample that [`Self::takes`] has let through.
    fn push(&mut self, ts: i64, next: &'a Histogram) {
        let delta = ts.wrapping_sub(self.last_ts);
        self.out.varbit_int(delta.wrapping_sub(self.last_delta));
        for ((before, now), window) in values(self.last).zip(values(next)).zip(&mut self.windows) {
            self.out.xor(now, before, window);
        }
        (self.last_ts, self.last_delta, self.last) = (ts, delta, next);
        self.count += 1;
    }

    fn finish(self) -> Chunk {
        let mut data = self.out.finish();
        data[..2].copy_from_slice(&self.count.to_be_bytes());
        Chunk { min_ts: self.min_ts, max_ts: self.last_ts, encoding: Encoding::FloatHistogram, data }
    }
}

/// Where the sum stands in [`values`].
const SUM: usize = 2;

/// The numbers of a histogram in the order of a chunk; as many buckets as the spans say, whatever is there.
fn values(histogram: &Histogram) -> impl Iterator<Item = f64> {
    let buckets = |spans: &[Span], counts: &'_ [f64]| {
        let wanted = spans.iter().map(|span| span.length as usize).sum::<usize>();
        debug_assert_eq!(wanted, counts.len(), "storage checks histograms");
        wanted.min(counts.len())
    };
    let positive = buckets(&histogram.positive_spans, &histogram.positive_buckets);
    let negative = buckets(&histogram.negative_spans, &histogram.negative_buckets);
    [histogram.count, histogram.zero_count, histogram.sum]
        .into_iter()
        .chain(histogram.positive_buckets[..positive].iter().copied())
        .chain(histogram.negative_buckets[..negative].iter().copied())
}

/// Zero and powers of two take one byte.
fn zero_threshold(out: &mut BitWriter, threshold: f64) {
    const MANTISSA_BITS: u32 = 52;
    let bits = threshold.to_bits();
    let biased = (bits >> MANTISSA_BITS) as i64;
    let is_power = bits & ((1 << MANTISSA_BITS) - 1) == 0 && (1..2047).contains(&biased);
    // 2^e is 0.5 * 2^(e+1), and the byte is that exponent plus 243.
    let code = biased - 1023 + 1 + 243;
    match u8::try_from(code) {
        _ if bits == 0 => out.byte(0),
        Ok(code) if is_power && (1..255).contains(&code) => out.byte(code),
        _ => {
            out.byte(255);
            out.bits(bits, 64);
        }
    }
}

/// Thousandths up to 33554.430 are short, everything else is whole.
fn custom_bound(out: &mut BitWriter, bound: f64) {
    const THOUSANDTHS_MAX: f64 = 33_554_430.0;
    let thousandths = bound * 1000.0;
    let rounded = thousandths.round();
    if (0.0..=THOUSANDTHS_MAX).contains(&thousandths) && rounded / 1000.0 == bound {
        out.varbit_uint(rounded as u64 + 1);
    } else {
        out.bits(0, 1);
        out.bits(bound.to_bits(), 64);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn chunks(samples: &SampleBuf) -> Vec<Chunk> {
        let mut all = Vec::new();
        each_chunk(samples, |chunk| {
            all.push(chunk);
            Ok::<(), ()>(())
        })
        .unwrap();
        all
    }

    fn counts(chunks: &[Chunk]) -> Vec<(Encoding, u16, i64, i64)> {
        chunks.iter().map(|one| (one.encoding, u16::from_be_bytes([one.data[0], one.data[1]]), one.min_ts, one.max_ts)).collect()
    }

    #[test]
    fn floats_are_written_as_upstream_writes_them() {
        let mut samples = SampleBuf::default();
        for (ts, value) in [(1_700_000_000_000, 1.0), (1_700_000_015_000, 1.0), (1_700_000_030_000, 2.0), (1_700_000_045_001, 2.5)] {
            samples.push_float(ts, value);
        }
        let found = chunks(&samples);
        assert_eq!(counts(&found), [(Encoding::Xor, 4, 1_700_000_000_000, 1_700_000_045_001)]);
        // Count, zigzag time, eight bytes of value, first difference, then: same value; dod 0 and new window; dod 1.
        let head = [0, 4, 0x80, 0xa0, 0xab, 0xfe, 0xf9, 0x62, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x98, 0x75];
        assert_eq!(found[0].data[..head.len()], head);
    }

    #[test]
    fn chunks_end_at_120_samples_and_where_the_kind_changes() {
        let mut samples = SampleBuf::default();
        (0..250).for_each(|at| samples.push_float(at, at as f64));
        let histogram = |count: f64, hint| {
            Arc::new(Histogram {
                count,
                reset_hint: hint,
                positive_spans: vec![Span { offset: 0, length: 1 }],
                positive_buckets: vec![count],
                ..Histogram::default()
            })
        };
        for (ts, count, hint) in [
            (300, 1.0, ResetHint::Unknown),
            (301, 2.0, ResetHint::Unknown),
            // A reset nobody marked, and one that is marked.
            (302, 1.0, ResetHint::Unknown),
            (303, 5.0, ResetHint::Reset),
            (304, 1.0, ResetHint::NotReset),
            (305, 0.0, ResetHint::Gauge),
            (306, 1.0, ResetHint::Gauge),
        ] {
            samples.push_histogram(ts, histogram(count, hint));
        }
        samples.push_histogram(307, Arc::new(Histogram::stale()));
        samples.push_float(400, 1.0);
        use Encoding::{FloatHistogram, Xor};
        assert_eq!(
            counts(&chunks(&samples)),
            [
                (Xor, 120, 0, 119),
                (Xor, 120, 120, 239),
                (Xor, 10, 240, 249),
                (FloatHistogram, 2, 300, 301),
                (FloatHistogram, 1, 302, 302),
                (FloatHistogram, 2, 303, 304),
                (FloatHistogram, 2, 305, 306),
                (FloatHistogram, 1, 307, 307),
                (Xor, 1, 400, 400),
            ]
        );
        assert_eq!(chunks(&SampleBuf::default()), []);
    }

    #[test]
    fn thresholds_and_bounds_are_short_where_they_can_be() {
        let bits = |write: &dyn Fn(&mut BitWriter)| {
            let mut out = BitWriter::default();
            write(&mut out);
            out.finish()
        };
        assert_eq!(bits(&|out| zero_threshold(out, 0.0)), [0]);
        // 2^-128, which clients use, as upstream documents it.
        assert_eq!(bits(&|out| zero_threshold(out, 2f64.powi(-128))), [116]);
        assert_eq!(bits(&|out| zero_threshold(out, 0.001)).len(), 9);
        assert_eq!(bits(&|out| zero_threshold(out, -1.0)).len(), 9);
        assert_eq!(bits(&|out| zero_threshold(out, f64::MIN_POSITIVE / 2.0)).len(), 9);
        assert_eq!(bits(&|out| custom_bound(out, 0.005)).len(), 1);
        assert_eq!(bits(&|out| custom_bound(out, 1.0 / 3.0)).len(), 9);
        assert_eq!(bits(&|out| custom_bound(out, -1.0)).len(), 9);
        assert_eq!(bits(&|out| custom_bound(out, f64::NAN)).len(), 9);
    }
}
