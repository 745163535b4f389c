//! Late samples of a series: what came out of order and waits, sorted, for the next flush.

use std::sync::Arc;

use crate::base::time::TimeRange;
use crate::metrics::store::samples::{self, Mark};
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::labels::Labels;
use crate::series::sample::{SampleBuf, is_stale};

/// What a sample says, whatever its kind.
#[derive(Debug, Clone)]
pub enum Value {
    /// A float, or a marker of staleness.
    Float(f64),
    /// A native histogram, or a marker of staleness.
    Histogram(Arc<Histogram>),
}

impl Value {
    /// The value at exactly this time, if `buf` has one.
    pub fn at(ts: i64, buf: &SampleBuf) -> Option<Self> {
        if let Ok(at) = buf.float_ts.binary_search(&ts) {
            return Some(Self::Float(buf.floats[at]));
        }
        let at = buf.histogram_ts.binary_search(&ts).ok()?;
        Some(Self::Histogram(Arc::clone(&buf.histograms[at])))
    }

    /// Equal bit for bit; markers of staleness are equal whatever their kind.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) if a.to_bits() == b.to_bits() => true,
            (Self::Histogram(a), Self::Histogram(b)) if same_histogram(a, b) => true,
            _ => self.is_stale() && other.is_stale(),
        }
    }

    fn is_stale(&self) -> bool {
        match self {
            Self::Float(value) => is_stale(*value),
            Self::Histogram(histogram) => histogram.is_stale(),
        }
    }
}

/// Equal with sums compared by bits, so that NaN equals itself. Hints on resets do not count: storage changes them.
pub fn same_histogram(a: &Histogram, b: &Histogram) -> bool {
    let bare = |histogram: &Histogram| Histogram {
        sum: 0.0,
        reset_hint: if histogram.reset_hint == ResetHint::Gauge { ResetHint::Gauge } else { ResetHint::Unknown },
        ..histogram.clone()
    };
    a.sum.to_bits() == b.sum.to_bits() && a.count.to_bits() == b.count.to_bits() && bare(a) == bare(b)
}

/// Samples that have left the head. Asked about late samples only: those in order are newer than all that was flushed.
pub trait Flushed {
    /// What the series with these labels has at exactly this time, if it can be read.
    fn find(&self, labels: &Labels, ts: i64) -> Option<Value>;
}

/// Where nothing was flushed, or what was does not matter.
impl Flushed for () {
    fn find(&self, _: &Labels, _: i64) -> Option<Value> {
        None
    }
}

type Run = Vec<(i64, Value)>;

/// The late samples of one series, each time once.
#[derive(Debug, Default)]
pub struct Late {
    waiting: Run,
    /// Those that a running flush writes.
    flushing: Run,
}

impl Late {
    fn runs(&self) -> [&Run; 2] {
        [&self.flushing, &self.waiting]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.flushing.is_empty()
    }

    /// Bytes of memory they take, without those of histograms.
    pub fn bytes(&self) -> usize {
        (self.waiting.len() + self.flushing.len()) * size_of::<(i64, Value)>()
    }

    /// Time of the newest.
    #[inline]
    pub fn newest(&self) -> Option<i64> {
        self.runs().into_iter().filter_map(|run| Some(run.last()?.0)).max()
    }

    /// All, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &(i64, Value)> + Clone {
        self.flushing.iter().chain(&self.waiting)
    }

    /// Times of all, in no order.
    pub fn times(&self) -> impl Iterator<Item = i64> {
        self.iter().map(|(ts, _)| *ts)
    }

    /// Times of the oldest and newest.
    pub fn time_range(&self) -> Option<TimeRange> {
        let oldest = self.runs().into_iter().filter_map(|run| Some(run.first()?.0)).min()?;
        Some(TimeRange::new(oldest, self.newest()?))
    }

    /// The value at exactly this time.
    pub fn find(&self, ts: i64) -> Option<&Value> {
        self.runs().into_iter().find_map(|run| Some(&run[position(run, ts).ok()?].1))
    }

    /// Takes a sample at a time that has none yet.
    pub fn insert(&mut self, ts: i64, value: Value) {
        let at = position(&self.waiting, ts).unwrap_or_else(|at| at);
        self.waiting.insert(at, (ts, value));
    }

    /// Merges the samples within `range` into what `out` holds from `mark` on.
    pub fn read(&self, range: TimeRange, mark: Mark, out: &mut SampleBuf) {
        for run in self.runs() {
            let from = run.partition_point(|(ts, _)| *ts < range.start);
            let mut within = run[from..].iter().take_while(|(ts, _)| *ts <= range.end).peekable();
            if within.peek().is_none() {
                continue;
            }
            let mut buf = SampleBuf::default();
            for (ts, value) in within {
                match value {
                    Value::Float(value) => buf.push_float(*ts, *value),
                    Value::Histogram(histogram) => buf.push_histogram(*ts, Arc::clone(histogram)),
                }
            }
            samples::merge_newer(out, mark, &buf);
        }
    }

    /// Sets those before `boundary` apart, so that [`Self::end_flush`] drops them and not those that come after.
    pub fn begin_flush(&mut self, boundary: i64) {
        let end = self.waiting.partition_point(|(ts, _)| *ts < boundary);
        // What a failed flush left behind is taken up again.
        self.flushing.extend(self.waiting.drain(..end));
        self.flushing.sort_by_key(|(ts, _)| *ts);
    }

    /// Drops what was set apart.
    pub fn end_flush(&mut self) {
        self.flushing = Vec::new();
        self.waiting.shrink_to_fit();
    }

    /// Removes those within `range`; returns how many.
    pub fn delete(&mut self, range: TimeRange) -> usize {
        let before = self.waiting.len() + self.flushing.len();
        self.waiting.retain(|(ts, _)| !range.contains(*ts));
        self.flushing.retain(|(ts, _)| !range.contains(*ts));
        before - self.waiting.len() - self.flushing.len()
    }
}

fn position(run: &Run, ts: i64) -> Result<usize, usize> {
    run.binary_search_by_key(&ts, |(ts, _)| *ts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::sample::stale_nan;

    #[test]
    fn a_flush_takes_what_was_there_when_it_began() {
        let mut late = Late::default();
        for ts in [30, 10, 20] {
            late.insert(ts, Value::Float(ts as f64));
        }
        late.begin_flush(25);
        late.insert(15, Value::Float(1.5));
        assert_eq!((late.time_range(), late.newest()), (Some(TimeRange::new(10, 30)), Some(30)));
        let mut out = SampleBuf::default();
        late.read(TimeRange::new(10, 29), Mark::end_of(&out), &mut out);
        assert_eq!((&out.float_ts[..], &out.floats[..]), (&[10, 15, 20][..], &[10.0, 1.5, 20.0][..]));
        assert_eq!(late.delete(TimeRange::new(20, 20)), 1);
        // A flush that failed is followed by another one.
        late.begin_flush(16);
        late.end_flush();
        assert_eq!(late.times().collect::<Vec<_>>(), [30]);
        assert_eq!(late.delete(TimeRange::ALL), 1);
        assert!(late.is_empty() && late.bytes() == 0 && late.time_range().is_none());
    }

    #[test]
    fn values_are_the_same_bit_for_bit() {
        let histogram = |histogram: Histogram| Value::Histogram(Arc::new(histogram));
        let not_reset = histogram(Histogram { reset_hint: ResetHint::NotReset, ..Histogram::default() });
        let gauge = histogram(Histogram { reset_hint: ResetHint::Gauge, ..Histogram::default() });
        let (plain, stale) = (histogram(Histogram::default()), histogram(Histogram::stale()));
        for (a, b, same) in [
            (&Value::Float(0.0), &Value::Float(-0.0), false),
            (&Value::Float(f64::NAN), &Value::Float(f64::NAN), true),
            (&Value::Float(0.0), &plain, false),
            (&Value::Float(stale_nan()), &stale, true),
            (&plain, &not_reset, true),
            (&plain, &gauge, false),
        ] {
            assert_eq!((a.is_same(b), b.is_same(a)), (same, same), "{a:?} {b:?}");
        }
    }
}
