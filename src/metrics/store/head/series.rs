//! One series in the head: closed chunks, the open chunk, and what is seldom there.
//!
//! In order is what comes after the newest sample of the series. Everything else that the out-of-order window
//! lets in is [late](super::late) and kept apart, sorted, until it is flushed. Chunks never cross a boundary of the block
//! range, so a flush takes whole chunks. Rules of acceptance as upstream's head appender.

use std::sync::Arc;

use crate::base::bytes::Malformed;
use crate::base::time::TimeRange;
use crate::metrics::store::samples::{self, Mark};
use crate::series::batch::FloatSample;
use crate::series::histogram::Histogram;
use crate::series::labels::Labels;
use crate::series::ports::RefusedReason;
use crate::series::sample::{SampleBuf, is_stale};

use super::chunk::{Chunk, Kind, PACK_BYTES_MIN, PackScratch, decode};
use super::histograms::put_hinted;
use super::late::{Flushed, Late, Value, same_histogram};
use super::resets::hint_after;
use super::tail::{TailState, put_sample};

mod restore;

/// Samples of a chunk: enough to make its header not matter, few enough that a short query reads little.
const CHUNK_SAMPLES: u16 = 120;

/// What a sample's time is held against. Taken once a batch.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// Samples before this are late even for a series that has none.
    pub min_valid: i64,
    /// Late samples before this are refused; `i64::MAX` takes none.
    pub late_from: i64,
    /// Samples after this are refused.
    pub future_max: i64,
    /// Refuse late samples that the window would take.
    pub in_order_only: bool,
    /// Length of a block in milliseconds.
    pub block_range: i64,
    /// What late samples are held against besides the head.
    pub flushed: &'a dyn Flushed,
}

/// Closed chunks looked at for one that is not packed yet.
const UNPACKED_LOOK: usize = 4;

/// Times beyond this many milliseconds around the epoch (about 285,000 years) are refused.
const TIME_MAX: i64 = 1 << 53;

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored, newest of its series.
    Stored,
    /// Stored, out of order.
    StoredLate,
    /// The same is there already.
    Repeated,
    /// Not stored.
    Refused(RefusedReason),
}

/// What few series need, kept out of the way of the many.
#[derive(Debug, Default)]
struct More {
    last_histogram: Option<Arc<Histogram>>,
    /// From which sample on which start timestamp holds.
    starts: Vec<(i64, i64)>,
    late: Late,
}

/// A series and its samples.
#[derive(Debug)]
pub struct Series {
    labels: Labels,
    /// Place in the order of labels; set now and then, a hint only.
    pub rank: u32,
    kind: Kind,
    /// Whether `state` holds a sample (it outlives the chunks).
    started: bool,
    open_count: u16,
    open_first: i64,
    /// The newest sample in order.
    state: TailState,
    open: Vec<u8>,
    chunks: Vec<Chunk>,
    /// What `chunks` take, headers included.
    chunk_bytes: usize,
    more: Option<Box<More>>,
}

enum Place {
    InOrder,
    SameAsNewest,
    Late,
    Refuse(RefusedReason),
}

impl Series {
    /// Without samples.
    pub fn new(labels: Labels) -> Self {
        Self {
            labels,
            rank: u32::MAX,
            kind: Kind::Float,
            started: false,
            open_count: 0,
            open_first: 0,
            state: TailState::default(),
            open: Vec::new(),
            chunks: Vec::new(),
            chunk_bytes: 0,
            more: None,
        }
    }

    /// What names it.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Closed chunks and the open one.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len() + usize::from(self.open_count > 0)
    }

    /// Samples held.
    pub fn sample_count(&self) -> u64 {
        let closed: u64 = self.chunks.iter().map(|chunk| u64::from(chunk.count)).sum();
        closed + u64::from(self.open_count) + self.late().map_or(0, |late| late.times().count() as u64)
    }

    /// Bytes of samples held, without fixed costs.
    #[inline]
    pub fn sample_bytes(&self) -> usize {
        self.chunk_bytes + self.open.capacity() + self.more.as_ref().map_or(0, |more| more.late.bytes())
    }

    /// What [`Self::sample_bytes`] has to be.
    #[cfg(test)]
    pub fn recounted_bytes(&self) -> usize {
        self.sample_bytes() - self.chunk_bytes + self.chunks.iter().map(Chunk::memory).sum::<usize>()
    }

    fn late(&self) -> Option<&Late> {
        self.more.as_ref().map(|more| &more.late).filter(|late| !late.is_empty())
    }

    /// Whether no sample is left.
    pub fn is_empty(&self) -> bool {
        self.open_count == 0 && self.chunks.is_empty() && self.late().is_none()
    }

    /// Times of the oldest and newest sample.
    pub fn time_range(&self) -> Option<TimeRange> {
        let closed = self.chunks.first().zip(self.chunks.last()).map(|(first, last)| TimeRange::new(first.min, last.max));
        let open = (self.open_count > 0).then(|| TimeRange::new(self.open_first, self.state.ts));
        let late = self.late().and_then(Late::time_range);
        let all = [closed, open, late].into_iter().flatten();
        all.reduce(|a, b| TimeRange::new(a.start.min(b.start), a.end.max(b.end)))
    }

    /// Why [`Self::append_float`] would refuse this, if it would.
    pub fn float_refusal(&self, sample: &FloatSample, bounds: &Bounds<'_>) -> Option<RefusedReason> {
        if self.kind == Kind::Histogram && is_stale(sample.value) && self.started {
            return self.histogram_refusal(sample.ts, &Arc::new(Histogram::stale()), bounds);
        }
        self.refusal(sample.ts, bounds, &Value::Float(sample.value))
    }

    /// Why [`Self::append_histogram`] would refuse this, if it would.
    pub fn histogram_refusal(&self, ts: i64, histogram: &Arc<Histogram>, bounds: &Bounds<'_>) -> Option<RefusedReason> {
        self.refusal(ts, bounds, &Value::Histogram(Arc::clone(histogram)))
    }

    fn refusal(&self, ts: i64, bounds: &Bounds<'_>, value: &Value) -> Option<RefusedReason> {
        match self.place(ts, bounds) {
            Place::InOrder => None,
            Place::Refuse(reason) => Some(reason),
            Place::SameAsNewest | Place::Late => {
                self.find(ts, bounds).is_some_and(|there| !there.is_same(value)).then_some(RefusedReason::DuplicateTimestamp)
            }
        }
    }

    /// The start timestamp that holds for a sample at `ts`, 0 = unknown.
    pub fn start_at(&self, ts: i64) -> i64 {
        let Some(more) = &self.more else { return 0 };
        let at = more.starts.partition_point(|(from, _)| *from <= ts);
        at.checked_sub(1).map_or(0, |before| more.starts[before].1)
    }

    /// From which samples on which start timestamps hold.
    pub fn starts(&self) -> &[(i64, i64)] {
        self.more.as_ref().map_or(&[], |more| &more.starts)
    }

    /// Adds to `ranges` the numbers of the block ranges before `boundary` in which there are samples.
    pub fn ranges_before(&self, boundary: i64, block_range: i64, ranges: &mut std::collections::BTreeSet<i64>) {
        let mut note = |ts: i64| {
            if ts < boundary {
                ranges.insert(ts.div_euclid(block_range));
            }
        };
        self.chunks.iter().for_each(|chunk| note(chunk.min));
        if self.open_count > 0 {
            note(self.open_first);
        }
        self.late().into_iter().flat_map(Late::times).for_each(note);
    }

    /// Takes a float, without its start timestamp: see [`Self::start_changes`].
    #[inline]
    pub fn append_float(&mut self, sample: &FloatSample, bounds: &Bounds<'_>) -> Outcome {
        let &FloatSample { ts, value, .. } = sample;
        if self.kind == Kind::Histogram && is_stale(value) && self.started {
            // Whoever ends a series need not know its kind.
            return self.append_histogram(ts, &Arc::new(Histogram::stale()), bounds);
        }
        match self.place(ts, bounds) {
            Place::InOrder => {
                self.push_float(ts, value, bounds.block_range);
                Outcome::Stored
            }
            Place::SameAsNewest if self.kind == Kind::Float && self.state.bits == value.to_bits() => Outcome::Repeated,
            Place::SameAsNewest => Outcome::Refused(RefusedReason::DuplicateTimestamp),
            Place::Late => self.insert_late(ts, Value::Float(value), bounds),
            Place::Refuse(reason) => Outcome::Refused(reason),
        }
    }

    /// Takes a histogram that was checked to be valid, without its start timestamp.
    pub fn append_histogram(&mut self, ts: i64, histogram: &Arc<Histogram>, bounds: &Bounds<'_>) -> Outcome {
        match self.place(ts, bounds) {
            Place::InOrder => {
                self.push_histogram(ts, histogram, bounds.block_range);
                Outcome::Stored
            }
            Place::SameAsNewest => {
                let last = self.more.as_ref().and_then(|more| more.last_histogram.as_ref());
                match last {
                    Some(last) if self.kind == Kind::Histogram && same_histogram(last, histogram) => Outcome::Repeated,
                    _ => Outcome::Refused(RefusedReason::DuplicateTimestamp),
                }
            }
            Place::Late => self.insert_late(ts, Value::Histogram(Arc::clone(histogram)), bounds),
            Place::Refuse(reason) => Outcome::Refused(reason),
        }
    }

    #[inline]
    fn place(&self, ts: i64, bounds: &Bounds<'_>) -> Place {
        if ts > bounds.future_max || ts.unsigned_abs() > TIME_MAX as u64 {
            return Place::Refuse(RefusedReason::OutOfBounds);
        }
        if ts >= bounds.min_valid {
            let is_newest = !self.started || ts > self.state.ts;
            if is_newest && !self.has_late_at_or_after(ts) {
                return Place::InOrder;
            }
            if self.started && ts == self.state.ts {
                return Place::SameAsNewest;
            }
        }
        if bounds.late_from == i64::MAX {
            let out_of_bounds = ts < bounds.min_valid;
            return Place::Refuse(if out_of_bounds { RefusedReason::OutOfBounds } else { RefusedReason::OutOfOrder });
        }
        if ts < bounds.late_from {
            return Place::Refuse(RefusedReason::TooOld);
        }
        if bounds.in_order_only { Place::Refuse(RefusedReason::OutOfOrder) } else { Place::Late }
    }

    /// Whether a late sample is as new as `ts`: so it can be when the newer ones in order were deleted.
    #[inline]
    fn has_late_at_or_after(&self, ts: i64) -> bool {
        self.late().is_some_and(|late| late.newest() >= Some(ts))
    }

    #[inline]
    fn push_float(&mut self, ts: i64, value: f64, block_range: i64) {
        self.make_room(ts, Kind::Float, block_range);
        if self.open.capacity() - self.open.len() < super::tail::SAMPLE_BYTES_MAX {
            // Growth in small steps: a million half-used buffers cost more than a few copies.
            self.open.reserve_exact(32.max(self.open.capacity() / 4));
        }
        put_sample(&mut self.state, &mut self.open, ts, value);
    }

    fn push_histogram(&mut self, ts: i64, histogram: &Arc<Histogram>, block_range: i64) {
        let follows = self.started && self.kind == Kind::Histogram;
        self.make_room(ts, Kind::Histogram, block_range);
        let more = self.more.get_or_insert_default();
        let last = more.last_histogram.as_deref();
        let hint = hint_after(last.filter(|_| follows), histogram);
        let before = last.filter(|_| self.open_count > 1).map(|before| (self.state.ts, before));
        put_hinted(before, &mut self.open, ts, histogram, hint);
        more.last_histogram = Some(Arc::clone(histogram));
        self.state = TailState { ts, ..TailState::default() };
    }

    /// Opens a chunk that can take a sample, and counts that sample.
    #[inline]
    fn make_room(&mut self, ts: i64, kind: Kind, block_range: i64) {
        let full = self.open_count >= CHUNK_SAMPLES
            || self.kind != kind
            || (self.open_count > 0 && ts.div_euclid(block_range) != self.open_first.div_euclid(block_range));
        if full {
            self.close_chunk();
        }
        if self.open_count == 0 {
            self.open_first = ts;
            self.state = TailState::default();
            self.kind = kind;
        }
        self.started = true;
        self.open_count += 1;
    }

    fn close_chunk(&mut self) {
        if self.open_count > 0 {
            let bytes: Box<[u8]> = Box::from(self.open.as_slice());
            let settled = self.kind != Kind::Float || bytes.len() <= PACK_BYTES_MIN;
            let (min, max, count) = (self.open_first, self.state.ts, self.open_count);
            self.push_chunk(Chunk { min, max, count, kind: self.kind, settled, saved: false, bytes });
            self.open.clear();
            self.open_count = 0;
        }
    }

    fn push_chunk(&mut self, chunk: Chunk) {
        if self.chunks.len() == self.chunks.capacity() {
            self.chunks.reserve_exact(2 + self.chunks.len() / 4);
        }
        self.chunk_bytes += chunk.memory();
        self.chunks.push(chunk);
    }

    /// What [`Self::note_start`] has to be told when a sample with this start timestamp (0 = unknown) was stored: nothing
    /// when it holds already; for a late sample also that what held before holds again after it.
    pub fn start_changes(&self, ts: i64, start: i64, is_late: bool) -> impl Iterator<Item = (i64, i64)> + use<> {
        let held = self.start_at(ts);
        let changes = held != start;
        let again = is_late && !self.starts().iter().any(|(from, _)| *from == ts + 1);
        let (first, second) = (changes.then_some((ts, start)), (changes && again).then_some((ts + 1, held)));
        first.into_iter().chain(second)
    }

    /// Notes which start timestamp holds from the sample at `ts` on.
    pub fn note_start(&mut self, ts: i64, start: i64) {
        let starts = &mut self.more.get_or_insert_default().starts;
        match starts.binary_search_by_key(&ts, |(from, _)| *from) {
            Ok(at) => starts[at].1 = start,
            Err(at) => starts.insert(at, (ts, start)),
        }
    }

    /// Whether [`Self::pack`] has something to do.
    pub fn wants_packing(&self) -> bool {
        // Chunks are closed one after the other and packed all at once.
        self.chunks.iter().rev().take(UNPACKED_LOOK).any(|chunk| !chunk.settled)
    }

    /// Packs the closed chunks but the last, if that one was closed since there were `chunks_before`: for whoever appends so fast
    /// that the background does not get to it.
    #[inline]
    pub fn pack_behind(&mut self, chunks_before: usize, scratch: &mut PackScratch) {
        if self.chunk_count() > chunks_before.max(2) {
            self.pack_all_but_last(scratch);
        }
    }

    #[cold]
    fn pack_all_but_last(&mut self, scratch: &mut PackScratch) {
        let last = self.chunks.len().saturating_sub(1);
        for chunk in self.chunks[..last].iter_mut().rev().take_while(|chunk| !chunk.settled) {
            self.chunk_bytes -= chunk.memory();
            chunk.pack(scratch);
            self.chunk_bytes += chunk.memory();
        }
    }

    /// Turns closed float chunks into the form that blocks use: slower to make, smaller to keep, quicker to read.
    pub fn pack(&mut self, scratch: &mut PackScratch) {
        self.chunks.iter_mut().for_each(|chunk| chunk.pack(scratch));
        self.chunk_bytes = self.chunks.iter().map(Chunk::memory).sum();
    }

    fn insert_late(&mut self, ts: i64, value: Value, bounds: &Bounds<'_>) -> Outcome {
        match self.find(ts, bounds) {
            Some(there) if there.is_same(&value) => Outcome::Repeated,
            Some(_) => Outcome::Refused(RefusedReason::DuplicateTimestamp),
            None => {
                self.more.get_or_insert_default().late.insert(ts, value);
                Outcome::StoredLate
            }
        }
    }

    /// The sample at exactly this time, here or among those flushed.
    fn find(&self, ts: i64, bounds: &Bounds<'_>) -> Option<Value> {
        if let Some(value) = self.late().and_then(|late| late.find(ts)) {
            return Some(value.clone());
        }
        let mut buf = SampleBuf::default();
        self.read_in_order(TimeRange::new(ts, ts), &mut buf).ok()?;
        // Memory first: what leaves it is in a block before.
        Value::at(ts, &buf).or_else(|| bounds.flushed.find(&self.labels, ts))
    }

    /// Appends the samples within `range` to `out`, in order of time.
    pub fn read(&self, range: TimeRange, out: &mut SampleBuf) -> Result<(), Malformed> {
        let mark = Mark::end_of(out);
        self.read_in_order(range, out)?;
        let Some(more) = &self.more else { return Ok(()) };
        more.late.read(range, mark, out);
        if !more.starts.is_empty() {
            samples::pad_starts(out);
            let floats = out.float_ts.iter().zip(&mut out.float_start_ts).skip(mark.first_float());
            let histograms = out.histogram_ts.iter().zip(&mut out.histogram_start_ts).skip(mark.first_histogram());
            for (ts, start) in floats.chain(histograms) {
                *start = self.start_at(*ts);
            }
        } else {
            samples::pad_known_starts(out);
        }
        Ok(())
    }

    fn read_in_order(&self, range: TimeRange, out: &mut SampleBuf) -> Result<(), Malformed> {
        let from = self.chunks.partition_point(|chunk| chunk.max < range.start);
        for chunk in self.chunks[from..].iter().take_while(|chunk| chunk.min <= range.end) {
            let within = range.start <= chunk.min && chunk.max <= range.end;
            decode(chunk.kind, &chunk.bytes, chunk.count, (!within).then_some(range), out)?;
        }
        if self.open_count > 0 && self.open_first <= range.end && range.start <= self.state.ts {
            let within = range.start <= self.open_first && self.state.ts <= range.end;
            decode(self.kind, &self.open, self.open_count, (!within).then_some(range), out)?;
        }
        Ok(())
    }

    /// Sets late samples before `boundary` apart, so that [`Self::truncate`] drops them and not those that come after.
    pub fn begin_flush(&mut self, boundary: i64) {
        if let Some(more) = &mut self.more {
            more.late.begin_flush(boundary);
        }
    }

    /// Drops what a flush has written: chunks before `boundary`, and the late samples set apart.
    pub fn truncate(&mut self, boundary: i64) {
        let end = self.chunks.partition_point(|chunk| chunk.max < boundary);
        self.chunk_bytes -= self.chunks.drain(..end).map(|chunk| chunk.memory()).sum::<usize>();
        if self.chunks.is_empty() {
            self.chunks.shrink_to(2);
        }
        if self.open_count > 0 && self.state.ts < boundary {
            self.open.clear();
            self.open.shrink_to(64);
            self.open_count = 0;
        }
        if let Some(more) = &mut self.more {
            more.late.end_flush();
            // The newest start before the boundary still holds for samples after it.
            let keep = more.starts.partition_point(|(from, _)| *from < boundary).saturating_sub(1);
            more.starts.drain(..keep);
            if more.late.is_empty() && more.starts.is_empty() && more.last_histogram.is_none() {
                self.more = None;
            }
        }
    }

    /// Removes the samples within `range`; returns how many.
    pub fn delete(&mut self, range: TimeRange, block_range: i64) -> Result<usize, Malformed> {
        if !self.time_range().is_some_and(|held| held.overlaps(&range)) {
            return Ok(0);
        }
        let mut buf = SampleBuf::default();
        self.read_in_order(TimeRange::ALL, &mut buf)?;
        let before = buf.len();
        samples::drop_ranges(&mut buf, Mark::end_of(&SampleBuf::default()), &[range]);
        let mut removed = before - buf.len();
        if removed > 0 {
            self.chunks.clear();
            self.chunk_bytes = 0;
            self.open.clear();
            (self.open_count, self.started, self.state) = (0, false, TailState::default());
            self.refill(&buf, block_range);
        }
        if let Some(more) = &mut self.more {
            removed += more.late.delete(range);
        }
        Ok(removed)
    }

    fn refill(&mut self, buf: &SampleBuf, block_range: i64) {
        let (mut float, mut histogram) = (0, 0);
        loop {
            match (buf.float_ts.get(float), buf.histogram_ts.get(histogram)) {
                (Some(&ts), other) if other.is_none_or(|&other| ts < other) => {
                    self.push_float(ts, buf.floats[float], block_range);
                    float += 1;
                }
                (_, Some(&ts)) => {
                    self.push_histogram(ts, &buf.histograms[histogram], block_range);
                    histogram += 1;
                }
                _ => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = 15_000;

    fn bounds() -> Bounds<'static> {
        Bounds {
            min_valid: i64::MIN,
            late_from: i64::MIN,
            future_max: i64::MAX,
            in_order_only: false,
            block_range: 7_200_000,
            flushed: &(),
        }
    }

    fn filled(value: impl Fn(i64) -> f64) -> Series {
        let mut series = Series::new(Labels::from_pairs([("a", "1")]));
        for at in 0..400 {
            let sample = FloatSample { ts: at * STEP + at % 7, value: value(at), start_ts: 0 };
            assert_eq!(series.append_float(&sample, &bounds()), Outcome::Stored);
        }
        series
    }

    #[test]
    fn packing_changes_the_size_and_nothing_else() {
        let values: [fn(i64) -> f64; 4] =
            [|at| (at * 31 % 97) as f64 / 10.0, |at| (at as f64).sqrt(), |_| 1.0, |at| if at % 50 == 3 { f64::NAN } else { at as f64 }];
        for value in values {
            let mut series = filled(value);
            let (mut before, mut after) = (SampleBuf::default(), SampleBuf::default());
            series.read(TimeRange::ALL, &mut before).expect("read");
            let bytes = series.sample_bytes();
            series.pack(&mut PackScratch::default());
            assert!(!series.wants_packing());
            series.read(TimeRange::ALL, &mut after).expect("read");
            let bits = |buf: &SampleBuf| buf.floats.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!((&before.float_ts, bits(&before)), (&after.float_ts, bits(&after)));
            assert!(series.sample_bytes() < bytes);
            // A part, across chunks.
            let range = TimeRange::new(100 * STEP, 300 * STEP);
            after.clear();
            after.push_float(7, 7.0);
            series.read(range, &mut after).expect("read");
            let expected: Vec<i64> = before.float_ts.iter().copied().filter(|ts| range.contains(*ts)).collect();
            assert_eq!(after.float_ts[1..], expected);
            // Deleting takes packed chunks apart.
            let removed = series.delete(range, bounds().block_range).expect("delete");
            assert_eq!(removed, expected.len());
        }
    }

    #[test]
    fn chunks_end_at_the_block_range_and_truncation_drops_whole_ones() {
        let mut series = filled(|at| at as f64);
        let late = FloatSample { ts: 5, value: 0.5, start_ts: 0 };
        assert_eq!(series.append_float(&late, &bounds()), Outcome::StoredLate);
        let mut ranges = std::collections::BTreeSet::new();
        series.ranges_before(3_600_000, 7_200_000, &mut ranges);
        assert_eq!(ranges.into_iter().collect::<Vec<_>>(), [0]);
        series.begin_flush(120 * STEP);
        let later = FloatSample { ts: 6, value: 0.5, start_ts: 0 };
        assert_eq!(series.append_float(&later, &bounds()), Outcome::StoredLate);
        series.truncate(120 * STEP);
        let mut buf = SampleBuf::default();
        series.read(TimeRange::ALL, &mut buf).expect("read");
        // What came late after the flush began is still there.
        assert_eq!((buf.float_ts[0], buf.float_ts[1], buf.len()), (6, 120 * STEP + 1, 281));
    }

    #[test]
    fn a_closed_chunk_read_twice_leaves_those_behind_it_in_place() {
        let saved = filled(|at| at as f64);
        let mut series = Series::new(saved.labels().clone());
        let mut scratch = SampleBuf::default();
        let first_and_open = || {
            let all = saved.chunks_to_save(true).enumerate();
            all.filter(|(at, chunk)| *at == 0 || chunk.open).map(|(_, chunk)| chunk)
        };
        assert_eq!((saved.chunks_to_save(true).count(), first_and_open().count()), (4, 2));
        for chunk in saved.chunks_to_save(true).chain(first_and_open()) {
            series.restore_chunk(&chunk, bounds().block_range, &mut scratch).expect("restore");
        }
        let (mut before, mut after) = (SampleBuf::default(), SampleBuf::default());
        saved.read(TimeRange::ALL, &mut before).expect("read");
        series.read(TimeRange::ALL, &mut after).expect("read");
        assert!(before.float_ts == after.float_ts && before.floats == after.floats);
        assert_eq!((series.chunks_to_save(false).count(), series.sample_bytes() > 0), (1, true));
    }
}
