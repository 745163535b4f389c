//! Histograms with exponential buckets: native histograms from points of OpenTelemetry, and histograms that add up.

use std::collections::BTreeMap;

use crate::series::histogram::{Histogram, Span};
use crate::series::otlp::metrics::{Buckets, ExponentialPoint};

/// The finest and the coarsest resolution of native histograms.
const SCHEMA_MAX: i32 = 8;
const SCHEMA_MIN: i32 = -4;
/// Width of the zero bucket where a point does not say it, as upstream has it.
const ZERO_THRESHOLD: f64 = 1e-128;
/// Buckets of each side of a histogram that adds up, beyond which it gets coarser; what SDKs allow themselves too.
const BUCKETS_MAX: usize = 160;
/// Empty buckets that are written out rather than left out.
const GAP_MAX: i64 = 2;

/// What is wrong with a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Invalid {
    /// Coarser than native histograms can be.
    #[error("cannot convert exponential to native histogram. Scale must be >= {SCHEMA_MIN}, was {0}")]
    Scale(i32),
    /// Beyond what can be numbered.
    #[error("the buckets of an exponential histogram lie out of range")]
    Range,
}

/// Counts by index; index `i` holds what is above `base^i`, up to and including `base^(i + 1)`.
pub(super) type Counts = BTreeMap<i32, u64>;

/// A native histogram as a point says it. A point without a sum has the sum 0, as upstream.
pub(super) fn native(point: &ExponentialPoint) -> Result<Histogram, Invalid> {
    let (schema, shift) = resolution(point.scale)?;
    let side = |buckets: &Option<Buckets>| -> Result<_, Invalid> {
        let Some(buckets) = buckets else { return Ok((Vec::new(), Vec::new())) };
        check(buckets)?;
        Ok(sparse(coarser(buckets, shift)))
    };
    let (positive_spans, positive_buckets) = side(&point.positive)?;
    let (negative_spans, negative_buckets) = side(&point.negative)?;
    Ok(Histogram {
        schema,
        zero_threshold: threshold(point.zero_threshold),
        zero_count: point.zero_count as f64,
        count: point.count as f64,
        sum: point.sum.unwrap_or_default(),
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        ..Histogram::default()
    })
}

/// The schema of a scale, and by how many powers of two buckets are joined for it.
fn resolution(scale: i32) -> Result<(i32, u32), Invalid> {
    if scale < SCHEMA_MIN {
        return Err(Invalid::Scale(scale));
    }
    // What is finer than by 31 powers falls into two buckets, whatever its index.
    Ok((scale.min(SCHEMA_MAX), (scale.saturating_sub(SCHEMA_MAX)).clamp(0, 31) as u32))
}

fn threshold(of_point: f64) -> f64 {
    if of_point > 0.0 && of_point.is_finite() { of_point } else { ZERO_THRESHOLD }
}

/// Whether all indices have 32 bits, with the one that native histograms add.
fn check(buckets: &Buckets) -> Result<(), Invalid> {
    let last = i64::from(buckets.offset) + buckets.bucket_counts.len() as i64;
    if last >= i64::from(i32::MAX) { Err(Invalid::Range) } else { Ok(()) }
}

/// Index and count of each bucket that is not empty, joined by powers of two.
fn coarser(buckets: &Buckets, shift: u32) -> impl Iterator<Item = (i32, u64)> {
    let mut counts = buckets.bucket_counts.iter().zip(i64::from(buckets.offset)..).filter(|(count, _)| **count > 0).peekable();
    std::iter::from_fn(move || {
        let (first, index) = counts.next()?;
        let (index, mut sum) = (index >> shift, *first);
        while let Some((more, _)) = counts.next_if(|(_, next)| next >> shift == index) {
            sum = sum.saturating_add(*more);
        }
        Some((index as i32, sum))
    })
}

/// Spans and counts of a native histogram, whose index is one more.
fn sparse(counts: impl Iterator<Item = (i32, u64)>) -> (Vec<Span>, Vec<f64>) {
    spans_of(counts.map(|(index, count)| (i64::from(index) + 1, count)))
}

/// Spans and counts of buckets in order of their indices.
pub(super) fn spans_of(counts: impl Iterator<Item = (i64, u64)>) -> (Vec<Span>, Vec<f64>) {
    let (mut spans, mut buckets) = (Vec::<Span>::new(), Vec::new());
    let mut next = 0i64;
    for (index, count) in counts {
        let gap = index - next;
        match spans.last_mut() {
            Some(span) if gap <= GAP_MAX => {
                buckets.extend(std::iter::repeat_n(0.0, gap as usize));
                span.length += gap as u32 + 1;
            }
            _ => spans.push(Span { offset: gap as i32, length: 1 }),
        }
        buckets.push(count as f64);
        next = index + 1;
    }
    (spans, buckets)
}

/// A histogram that adds up: deltas, observations.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::metrics::ingest) struct Exponential {
    scale: i32,
    zero_threshold: f64,
    zero_count: u64,
    count: u64,
    sum: f64,
    positive: Counts,
    negative: Counts,
}

impl Exponential {
    /// Empty, as fine as can be.
    pub(in crate::metrics::ingest) fn new() -> Self {
        Self { scale: SCHEMA_MAX, zero_threshold: ZERO_THRESHOLD, ..Self::default() }
    }

    /// What a point says.
    pub(super) fn of_point(point: &ExponentialPoint) -> Result<Self, Invalid> {
        let (scale, shift) = resolution(point.scale)?;
        let side = |buckets: &Option<Buckets>| -> Result<Counts, Invalid> {
            let Some(buckets) = buckets else { return Ok(Counts::new()) };
            check(buckets)?;
            Ok(coarser(buckets, shift).collect())
        };
        let mut own = Self {
            scale,
            zero_threshold: threshold(point.zero_threshold),
            zero_count: point.zero_count,
            count: point.count,
            sum: point.sum.unwrap_or_default(),
            positive: side(&point.positive)?,
            negative: side(&point.negative)?,
        };
        own.fit();
        Ok(own)
    }

    /// Adds another one; the result is as coarse as the coarser of both.
    pub(super) fn add(&mut self, other: &Self) {
        let scale = self.scale.min(other.scale);
        self.coarsen(scale);
        let shift = (other.scale - scale) as u32;
        for (own, others) in [(&mut self.positive, &other.positive), (&mut self.negative, &other.negative)] {
            for (index, count) in others {
                let into = own.entry(index >> shift).or_default();
                *into = into.saturating_add(*count);
            }
        }
        self.zero_count = self.zero_count.saturating_add(other.zero_count);
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        if other.zero_threshold > self.zero_threshold {
            self.zero_threshold = other.zero_threshold;
        }
        self.swallow();
        self.fit();
    }

    /// Adds so many observations of a value.
    pub(in crate::metrics::ingest) fn observe(&mut self, value: f64, times: u64) {
        self.count = self.count.saturating_add(times);
        self.sum += value * times as f64;
        let magnitude = value.abs();
        if magnitude <= self.zero_threshold {
            self.zero_count = self.zero_count.saturating_add(times);
            return;
        }
        let index = index_of(magnitude, self.scale);
        let side = if value > 0.0 { &mut self.positive } else { &mut self.negative };
        let into = side.entry(index).or_default();
        *into = into.saturating_add(times);
        self.fit();
    }

    /// Memory taken, roughly, in bytes.
    pub(in crate::metrics::ingest) fn bytes(&self) -> usize {
        size_of::<Self>() + 24 * (self.positive.len() + self.negative.len())
    }

    /// As storage has it.
    pub(in crate::metrics::ingest) fn native(&self) -> Histogram {
        let counts = |side: &Counts| sparse(side.iter().map(|(index, count)| (*index, *count)));
        let (positive_spans, positive_buckets) = counts(&self.positive);
        let (negative_spans, negative_buckets) = counts(&self.negative);
        Histogram {
            schema: self.scale,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count as f64,
            count: self.count as f64,
            sum: self.sum,
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            ..Histogram::default()
        }
    }

    /// What the zero bucket covers is counted there.
    fn swallow(&mut self) {
        if self.zero_threshold <= ZERO_THRESHOLD {
            return;
        }
        // A bucket that lies under it only in part stays.
        let last = index_of(self.zero_threshold, self.scale);
        let upper = 2f64.powf(2f64.powi(-self.scale) * (f64::from(last) + 1.0));
        let first = if upper <= self.zero_threshold { last.saturating_add(1) } else { last };
        for side in [&mut self.positive, &mut self.negative] {
            let kept = side.split_off(&first);
            let covered = std::mem::replace(side, kept);
            self.zero_count = covered.values().fold(self.zero_count, |sum, count| sum.saturating_add(*count));
        }
    }

    /// Gets coarser until no side has too many buckets.
    fn fit(&mut self) {
        while self.positive.len().max(self.negative.len()) > BUCKETS_MAX && self.scale > SCHEMA_MIN {
            self.coarsen(self.scale - 1);
        }
    }

    fn coarsen(&mut self, scale: i32) {
        let shift = (self.scale - scale).max(0) as u32;
        if shift == 0 {
            return;
        }
        for side in [&mut self.positive, &mut self.negative] {
            let mut joined = Counts::new();
            for (index, count) in side.iter() {
                let into = joined.entry(index >> shift).or_default();
                *into = into.saturating_add(*count);
            }
            *side = joined;
        }
        self.scale = scale;
    }
}

/// The bucket of a value above zero: the largest `i` with `base^i` below it.
fn index_of(value: f64, scale: i32) -> i32 {
    if value.is_infinite() {
        return index_of(f64::MAX, scale);
    }
    let per_power = 2f64.powi(scale);
    let index = (value.log2() * per_power).ceil() - 1.0;
    // Logarithms are not exact at powers of two, where it shows.
    let exact = value.log2();
    if exact.fract() == 0.0 && 2f64.powf(exact) == value { (exact * per_power).ceil() as i32 - 1 } else { index as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(scale: i32, offset: i32, counts: &[u64]) -> ExponentialPoint {
        let positive = Some(Buckets { offset, bucket_counts: counts.to_vec() });
        ExponentialPoint { scale, count: counts.iter().sum(), positive, ..ExponentialPoint::default() }
    }

    fn layout(point: &ExponentialPoint) -> (i32, Vec<(i32, u32)>, Vec<f64>) {
        let native = native(point).unwrap();
        let spans = native.positive_spans.iter().map(|span| (span.offset, span.length)).collect();
        (native.schema, spans, native.positive_buckets)
    }

    #[test]
    fn buckets_move_by_one_and_gaps_are_left_out() {
        assert_eq!(layout(&point(0, 0, &[1, 2, 3])), (0, vec![(1, 3)], vec![1.0, 2.0, 3.0]));
        assert_eq!(layout(&point(0, -1, &[1, 0, 0, 2])), (0, vec![(0, 4)], vec![1.0, 0.0, 0.0, 2.0]));
        assert_eq!(layout(&point(0, -5, &[0, 0, 1, 0, 0, 0, 2, 0])), (0, vec![(-2, 1), (3, 1)], vec![1.0, 2.0]));
        assert_eq!(layout(&point(0, 7, &[])), (0, vec![], vec![]));
        assert_eq!(layout(&point(3, 7, &[0, 0])), (3, vec![], vec![]));
    }

    #[test]
    fn scales_finer_than_native_are_joined() {
        assert_eq!(layout(&point(9, 0, &[1, 2, 3, 4])), (8, vec![(1, 2)], vec![3.0, 7.0]));
        assert_eq!(layout(&point(9, 1, &[1, 2, 3, 4])), (8, vec![(1, 3)], vec![1.0, 5.0, 4.0]));
        assert_eq!(layout(&point(10, -3, &[1, 1, 1, 1, 1])), (8, vec![(0, 2)], vec![3.0, 2.0]));
        assert_eq!(layout(&point(i32::MAX, -1, &[5, 6])), (8, vec![(0, 2)], vec![5.0, 6.0]));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(native(&point(-5, 0, &[1])), Err(Invalid::Scale(-5)));
        assert_eq!(native(&point(0, i32::MAX, &[1])), Err(Invalid::Range));
        assert!(native(&point(0, i32::MIN, &[1])).is_ok());
    }

    #[test]
    fn zero_and_sum_are_kept() {
        let full = ExponentialPoint { zero_count: 4, sum: Some(2.5), zero_threshold: 0.5, ..point(0, 0, &[1]) };
        let made = native(&full).unwrap();
        assert_eq!((made.zero_count, made.sum, made.zero_threshold), (4.0, 2.5, 0.5));
        assert_eq!(native(&point(0, 0, &[1])).unwrap().zero_threshold, ZERO_THRESHOLD);
    }

    #[test]
    fn observations_fall_where_their_bounds_say() {
        for scale in SCHEMA_MIN..=SCHEMA_MAX {
            for value in [1e-300, 0.001, 0.5, 1.0, 1.1, 2.0, 3.0, 4.0, 1024.0, 1e300, f64::MAX] {
                let (index, base) = (f64::from(index_of(value, scale)), 2f64.powf(2f64.powi(-scale)));
                let tolerance = 1e-9;
                assert!(base.powf(index) < value * (1.0 + tolerance), "{value} {scale} {index}");
                let upper = base.powf(index + 1.0);
                assert!(value <= upper * (1.0 + tolerance), "{value} {scale} {index}");
            }
        }
        // Upper bounds belong to their buckets.
        assert_eq!([index_of(1.0, 0), index_of(2.0, 0), index_of(2.1, 0), index_of(4.0, 3), index_of(0.5, 1)], [-1, 0, 1, 15, -3]);
        assert_eq!(index_of(f64::INFINITY, 0), 1023);
    }

    #[test]
    fn sums_of_histograms_get_coarser_and_stay_whole() {
        let mut own = Exponential::of_point(&point(3, 0, &[1; 100])).unwrap();
        own.add(&Exponential::of_point(&point(1, -10, &[2; 50])).unwrap());
        let made = own.native();
        assert_eq!((made.schema, made.count, made.positive_buckets.iter().sum::<f64>()), (1, 200.0, 200.0));
        let mut wide = Exponential::new();
        for exponent in -1000..1000 {
            wide.observe(2f64.powi(exponent), 1);
        }
        wide.observe(0.0, 3);
        wide.observe(-1.0, 2);
        let made = wide.native();
        let buckets = made.positive_buckets.iter().sum::<f64>() + made.negative_buckets.iter().sum::<f64>();
        assert_eq!((made.count, made.zero_count + buckets), (2005.0, 2005.0));
        assert!(made.positive_buckets.len() <= BUCKETS_MAX && made.schema >= SCHEMA_MIN, "{}", made.schema);
    }

    #[test]
    fn a_wider_zero_bucket_swallows_what_it_covers() {
        let mut own = Exponential::of_point(&point(0, -3, &[1, 1, 1, 1])).unwrap();
        let wider = ExponentialPoint { zero_threshold: 0.5, zero_count: 2, count: 2, ..point(0, 0, &[]) };
        own.add(&Exponential::of_point(&wider).unwrap());
        let made = own.native();
        assert_eq!((made.zero_threshold, made.zero_count, made.count), (0.5, 4.0, 6.0));
        assert_eq!(made.positive_buckets, [1.0, 1.0]);
    }
}
