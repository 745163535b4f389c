//! What an endpoint has not sent yet: blocks in memory up to a bound, and beyond that a range to be read from the store.
//!
//! While blocks fit, they are sent as they came. The block that does not fit opens a *missed* range; what comes from then
//! on only makes that range longer, until the dispatcher has read it back from the store, slice by slice, and the
//! endpoint is up to date again. So memory is bounded, storing never waits, and nothing is forgotten.
//!
//! The backlog also knows the *position*: everything up to that time is sent. Of what is under way it keeps the oldest
//! time as a [`Ticket`] until it is done. The position on disk (`floor`) is lowered before a late sample is stored.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::stats::{Counts, Kinds};
use crate::base::time::TimeRange;
use crate::series::batch::{FloatSample, WriteBatch};
use crate::series::histogram::Histogram;
use crate::series::sample::Exemplar;

/// Fewest samples that may wait in memory for one endpoint, however small its queues are.
const SAMPLES_MIN: u64 = 10_000;
/// Most samples that may wait in memory for one endpoint: about 64 MB of floats.
const SAMPLES_MAX: u64 = 2_000_000;
/// How far below a late sample the position goes, in milliseconds: others are often late with it.
const LATE_SPARE_MS: i64 = 30_000;

/// After a restart so much behind the position may have been sent already, in milliseconds.
const REPEATED_MS: i64 = 60_000;
/// Length of a slice there, in milliseconds.
const REPEATED_SLICE_MS: i64 = 1_000;

/// A float of a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub series: u64,
    pub sample: FloatSample,
}

/// What one batch brought.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub floats: Vec<Record>,
    pub histograms: Vec<(u64, i64, Arc<Histogram>)>,
    /// Of `floats`, in their order.
    pub exemplars: Vec<(u64, Exemplar)>,
    /// Of `histograms`, in their order.
    pub histogram_exemplars: Vec<(u64, Exemplar)>,
}

impl Block {
    pub fn with_capacity(batch: &WriteBatch) -> Self {
        Self {
            floats: Vec::with_capacity(batch.floats.len()),
            histograms: Vec::with_capacity(batch.histograms.len()),
            exemplars: Vec::with_capacity(batch.exemplars.len()),
            histogram_exemplars: Vec::new(),
        }
    }

    fn kinds(&self) -> Kinds {
        let exemplars = self.exemplars.len() + self.histogram_exemplars.len();
        Kinds { samples: self.floats.len() as u64, histograms: self.histograms.len() as u64, exemplars: exemplars as u64 }
    }

    /// What it counts for: a histogram takes the room of many floats.
    fn weight(&self) -> usize {
        let exemplars = self.exemplars.len() + self.histogram_exemplars.len();
        self.floats.len() + exemplars * 4 + self.histograms.iter().map(|(_, _, h)| h.size_in_samples()).sum::<usize>()
    }

    /// From the oldest to the newest sample; `None` without samples.
    fn times(&self) -> Option<TimeRange> {
        let times = || self.floats.iter().map(|record| record.sample.ts).chain(self.histograms.iter().map(|(_, ts, _)| *ts));
        Some(TimeRange::new(times().min()?, times().max()?))
    }

    /// Only the samples before `end`; exemplars stay with nothing, the store has them.
    fn before(&self, end: i64) -> Self {
        Self {
            floats: self.floats.iter().filter(|record| record.sample.ts < end).copied().collect(),
            histograms: self.histograms.iter().filter(|(_, ts, _)| *ts < end).cloned().collect(),
            ..Self::default()
        }
    }
}

/// Something under way; the position stays below its oldest sample until all of it is done.
#[derive(Debug)]
pub(super) struct Ticket {
    backlog: Arc<Backlog>,
    key: (i64, u64),
    left: AtomicUsize,
}

impl Ticket {
    /// So many more items belong to it.
    pub fn expect(&self, items: usize) {
        self.left.fetch_add(items, Ordering::Relaxed);
    }

    /// So many of them are sent, or never will be.
    pub fn done(&self, items: usize) {
        if items > 0 && self.left.fetch_sub(items, Ordering::AcqRel) == items {
            self.backlog.state.lock().in_flight.remove(&self.key);
        }
    }
}

/// Keeps the position below a batch while it is being stored.
pub(super) struct Hold(Arc<Ticket>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.done(1);
    }
}

/// What to send next. Its ticket counts one item for whoever takes it.
pub(super) enum Work {
    /// A block from memory.
    Block(Arc<Block>, Arc<Ticket>),
    /// A range of time to be read from the store, and whether some of it may have been sent before.
    Slice(TimeRange, bool, Arc<Ticket>),
}

/// What one endpoint has not sent yet.
#[derive(Debug)]
pub(super) struct Backlog {
    /// Under which the position is kept on disk.
    pub key: String,
    state: Mutex<State>,
    arrived: Notify,
    samples_max: usize,
    /// Whether the endpoint takes histograms, and exemplars.
    wants: (bool, bool),
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct State {
    blocks: VecDeque<(Arc<Block>, usize, Arc<Ticket>)>,
    weight: usize,
    /// What is only in the store; `start` moves up as slices are taken.
    missed: Option<TimeRange>,
    /// What is missed up to here may have been sent all the same.
    repeated_until: i64,
    /// Oldest times of what is under way, made different by a number.
    in_flight: BTreeSet<(i64, u64)>,
    tickets: u64,
    /// Newest sample ever.
    newest: i64,
    /// The position on disk, or about to be.
    floor: i64,
}

impl State {
    /// Everything up to here is done.
    fn position(&self) -> i64 {
        let missed = self.missed.map_or(i64::MAX, |missed| missed.start.saturating_sub(1));
        let under_way = self.in_flight.first().map_or(i64::MAX, |(ts, _)| ts.saturating_sub(1));
        self.newest.min(missed).min(under_way)
    }

    fn miss(&mut self, range: TimeRange) {
        let missed = self.missed.get_or_insert(range);
        missed.start = missed.start.min(range.start);
        missed.end = missed.end.max(range.end);
    }
}

impl Backlog {
    /// Without a position yet: see [`begin`](Self::begin). `capacity` is what all queues of the endpoint hold together.
    pub fn new(key: String, capacity: u64, wants: (bool, bool), counts: Arc<Counts>) -> Self {
        let samples_max = usize::try_from(capacity.clamp(SAMPLES_MIN, SAMPLES_MAX)).unwrap_or(usize::MAX);
        Self { key, state: Mutex::default(), arrived: Notify::new(), samples_max, wants, counts }
    }

    /// Starts at a position; with `until`, what the store has from there to that time is sent first.
    pub fn begin(&self, position: i64, until: Option<i64>) {
        let mut state = self.state.lock();
        (state.newest, state.floor) = (position, position);
        let start = position.saturating_add(1);
        if let Some(end) = until.filter(|&end| end >= start) {
            state.repeated_until = position.saturating_add(REPEATED_MS);
            state.miss(TimeRange::new(start, end));
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// What of a block concerns the endpoint.
    fn kinds(&self, block: &Block) -> Kinds {
        let (histograms, exemplars) = self.wants;
        let all = block.kinds();
        Kinds {
            samples: all.samples,
            histograms: if histograms { all.histograms } else { 0 },
            exemplars: if exemplars { all.exemplars } else { 0 },
        }
    }

    /// Keeps the position below a batch that begins at `oldest`. `true`: the position on disk must be written first.
    pub fn hold(self: &Arc<Self>, oldest: i64) -> (Hold, bool) {
        let mut state = self.state.lock();
        let ticket = self.open(&mut state, oldest);
        let late = oldest <= state.floor;
        if late {
            state.floor = oldest.saturating_sub(1 + LATE_SPARE_MS);
        }
        (Hold(ticket), late)
    }

    /// The position that belongs on disk now.
    pub fn floor(&self) -> i64 {
        self.state.lock().floor
    }

    /// Raises the position on disk as far as everything is sent, but not beyond `limit`: what comes is often a bit late.
    pub fn advance(&self, limit: i64) {
        let mut state = self.state.lock();
        state.floor = state.position().min(limit.max(state.floor));
    }

    /// Everything up to here is sent.
    pub fn position(&self) -> i64 {
        self.state.lock().position()
    }

    /// Whether there is something to be read from the store.
    pub fn is_behind(&self) -> bool {
        self.state.lock().missed.is_some()
    }

    /// Adds a block; never waits for the endpoint.
    pub fn push(self: &Arc<Self>, mut block: Arc<Block>) {
        let Some(mut times) = block.times() else { return };
        self.counts.noticed(times.end);
        let mut state = self.state.lock();
        state.newest = state.newest.max(times.end);
        if let Some(missed) = &mut state.missed {
            missed.end = missed.end.max(times.end);
            if times.start >= missed.start {
                return self.arrived.notify_one();
            }
            // Older than what is being read: nobody would look there again.
            if times.end >= missed.start {
                block = Arc::new(block.before(missed.start));
                times.end = missed.start - 1;
            }
        }
        let weight = block.weight();
        if state.weight + weight > self.samples_max && !state.blocks.is_empty() {
            if state.missed.is_none() {
                // Blocks overlap in time: newer ones than the oldest sample missed wait in memory.
                state.repeated_until = state.newest;
            }
            state.miss(times);
        } else {
            self.counts.arrived(self.kinds(&block));
            state.weight += weight;
            let ticket = self.open(&mut state, times.start);
            state.blocks.push_back((block, weight, ticket));
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// The oldest block, or the next slice of what is only in the store, at most `slice_ms` long (0 = no slice).
    pub fn next(self: &Arc<Self>, slice_ms: i64) -> Option<Work> {
        let mut state = self.state.lock();
        if let Some((block, weight, ticket)) = state.blocks.pop_front() {
            state.weight -= weight;
            return Some(Work::Block(block, ticket));
        }
        let missed = state.missed?;
        if missed.start > missed.end {
            state.missed = None;
            return None;
        }
        if slice_ms <= 0 {
            return None;
        }
        let repeated = missed.start <= state.repeated_until;
        let slice_ms = if repeated { slice_ms.min(REPEATED_SLICE_MS) } else { slice_ms };
        let end = missed.start.saturating_add(slice_ms - 1).min(missed.end);
        state.missed = Some(TimeRange::new(end.saturating_add(1), missed.end));
        let ticket = self.open(&mut state, missed.start);
        Some(Work::Slice(TimeRange::new(missed.start, end), repeated, ticket))
    }

    /// A slice could not be read: it is missed again.
    pub fn give_back(&self, range: TimeRange) {
        self.state.lock().miss(range);
    }

    /// Waits until there is something, or may be.
    pub async fn wait(&self) {
        self.arrived.notified().await;
    }

    fn open(self: &Arc<Self>, state: &mut State, oldest: i64) -> Arc<Ticket> {
        state.tickets += 1;
        let key = (oldest, state.tickets);
        state.in_flight.insert(key);
        Arc::new(Ticket { backlog: Arc::clone(self), key, left: AtomicUsize::new(1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(range: std::ops::Range<i64>) -> Arc<Block> {
        let floats = range.map(|ts| Record { series: 1, sample: FloatSample { ts, value: 0.0, start_ts: 0 } });
        Arc::new(Block { floats: floats.collect(), ..Block::default() })
    }

    fn small(position: i64, until: Option<i64>) -> Arc<Backlog> {
        let mut backlog = Backlog::new("k".into(), 0, (true, true), Arc::default());
        backlog.samples_max = 10;
        let backlog = Arc::new(backlog);
        backlog.begin(position, until);
        backlog
    }

    /// What comes next, in words; it is done at once.
    fn next(backlog: &Arc<Backlog>, slice_ms: i64) -> Option<(char, i64, i64)> {
        match backlog.next(slice_ms)? {
            Work::Block(block, ticket) => {
                ticket.done(1);
                let times = block.times().unwrap();
                Some(('b', times.start, times.end))
            }
            Work::Slice(range, _, ticket) => {
                ticket.done(1);
                Some(('s', range.start, range.end))
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_read_from_the_store_and_then_it_is_live_again() {
        let backlog = small(99, None);
        for start in [100, 104, 108, 112] {
            backlog.push(block(start..start + 4));
        }
        assert!(backlog.is_behind());
        // A late one, older than what is missed, is kept in memory; of a mixed one that part.
        assert_eq!(next(&backlog, 5), Some(('b', 100, 103)));
        backlog.push(block(90..91));
        backlog.push(block(106..120));
        assert_eq!(next(&backlog, 5), Some(('b', 104, 107)));
        assert_eq!(next(&backlog, 5), Some(('b', 90, 90)));
        assert_eq!(next(&backlog, 5), Some(('b', 106, 107)));
        assert_eq!(next(&backlog, 5), Some(('s', 108, 112)));
        assert_eq!((next(&backlog, 0), backlog.is_behind()), (None, true));
        assert_eq!(next(&backlog, 50), Some(('s', 113, 119)));
        assert_eq!(backlog.position(), 119);
        backlog.push(block(120..121));
        assert_eq!(next(&backlog, 50), Some(('s', 120, 120)));
        assert_eq!((next(&backlog, 50), backlog.is_behind()), (None, false));
        backlog.push(block(121..122));
        assert_eq!(next(&backlog, 50), Some(('b', 121, 121)));
        assert_eq!(backlog.position(), 121);
    }

    #[test]
    fn what_may_have_been_sent_before_comes_in_small_slices() {
        let backlog = small(1_000, Some(200_000));
        let mut slices = std::iter::from_fn(|| match backlog.next(50_000)? {
            Work::Slice(range, repeated, _) => Some((range.start, range.end, repeated)),
            Work::Block(..) => panic!("there are no blocks"),
        });
        assert_eq!(slices.next(), Some((1_001, 2_000, true)));
        assert_eq!(slices.find(|(_, _, repeated)| !repeated), Some((61_001, 111_000, false)));
        assert_eq!(slices.last(), Some((161_001, 200_000, false)));
    }

    #[test]
    fn the_position_stays_below_all_that_is_under_way() {
        let backlog = small(1_000, Some(1_100));
        assert_eq!(backlog.position(), 1_000);
        let Some(Work::Slice(range, true, slice)) = backlog.next(1_000) else { panic!() };
        backlog.push(block(1_200..1_201));
        let Some(Work::Slice(_, _, last)) = backlog.next(1_000) else { panic!() };
        slice.expect(3);
        slice.done(1);
        assert_eq!((range, backlog.position()), (TimeRange::new(1_001, 1_100), 1_000));
        slice.done(3);
        assert_eq!(backlog.position(), 1_100);
        backlog.advance(1_050);
        assert_eq!(backlog.floor(), 1_050);
        last.done(1);
        assert!(backlog.next(1_000).is_none());
        backlog.advance(i64::MAX);
        assert_eq!(backlog.floor(), 1_200);
        // A late one lowers the position on disk before it is stored, and keeps it there until it is sent.
        let (hold, late) = backlog.hold(1_150);
        assert!(late && backlog.floor() < 1_150);
        backlog.advance(i64::MAX);
        assert_eq!(backlog.floor(), 1_149);
        backlog.push(block(1_150..1_151));
        drop(hold);
        assert_eq!(backlog.position(), 1_149);
        assert_eq!(next(&backlog, 1), Some(('b', 1_150, 1_150)));
        assert_eq!(backlog.position(), 1_200);
        let (_hold, late) = backlog.hold(1_300);
        assert!(!late);
        // Not read after all.
        backlog.give_back(TimeRange::new(1_160, 1_170));
        assert_eq!((backlog.position(), next(&backlog, 100)), (1_159, Some(('s', 1_160, 1_170))));
    }
}
