//! What an endpoint has not sent yet: blocks in memory up to a bound, and beyond that a range to be read from the store.
//!
//! While blocks fit, they are sent as they came. The block that does not fit opens a *missed* range; what comes from then
//! on only makes that range longer. When it is its turn the range is closed and read back from the store, slice by slice,
//! while what arrives waits in memory again, behind it. So memory is bounded, storing never waits, nothing is forgotten,
//! and the samples of a series leave in their order: no slice holds anything newer than the oldest block behind it.
//!
//! Only a sample that is late and stored in the very moment in which a slice over its time is read may be in that slice
//! or not. Its block is marked as *repeated* and goes out on its own.
//!
//! The backlog also knows the *position*: everything up to that time is sent. Of what is under way it keeps the oldest
//! time as a [`Ticket`] until it is done. The position on disk (`floor`) is lowered before a late sample is stored.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
        Some(TimeRange::new(self.all_times().min()?, self.all_times().max()?))
    }

    fn all_times(&self) -> impl Iterator<Item = i64> {
        self.floats.iter().map(|record| record.sample.ts).chain(self.histograms.iter().map(|(_, ts, _)| *ts))
    }

    /// Only the samples at the times wanted; exemplars stay with nothing, the store has them.
    fn only(&self, wanted: impl Fn(i64) -> bool) -> Self {
        Self {
            floats: self.floats.iter().filter(|record| wanted(record.sample.ts)).copied().collect(),
            histograms: self.histograms.iter().filter(|(_, ts, _)| wanted(*ts)).cloned().collect(),
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
#[derive(Debug)]
pub(super) struct Hold {
    backlog: Arc<Backlog>,
    ticket: Arc<Ticket>,
}

impl Hold {
    fn number(&self) -> u64 {
        self.ticket.key.1
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.backlog.state.lock().held.remove(&self.number());
        self.ticket.done(1);
    }
}

/// A batch that is being stored.
#[derive(Debug)]
struct Held {
    times: TimeRange,
    /// A slice is read meanwhile that may have its samples up to here.
    read_until: i64,
}

/// What to send next. Its ticket counts one item for whoever takes it; `repeated` says that some of it may have been
/// sent before.
pub(super) enum Work {
    /// A block from memory.
    Block { block: Arc<Block>, repeated: bool, ticket: Arc<Ticket> },
    /// A range of time to be read from the store.
    Slice { range: TimeRange, repeated: bool, ticket: Arc<Ticket> },
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
    /// What is read from the store now, closed; `start` moves up as slices are taken. It goes before the blocks.
    reading: Option<Missed>,
    blocks: VecDeque<Waiting>,
    weight: usize,
    /// What is only in the store; it goes after the blocks and grows with all that comes.
    missed: Option<Missed>,
    /// The slice taken last, until something else is taken.
    slice: Option<TimeRange>,
    /// Batches that are being stored, by the number of their ticket.
    held: BTreeMap<u64, Held>,
    /// Oldest times of what is under way, made different by a number.
    in_flight: BTreeSet<(i64, u64)>,
    tickets: u64,
    /// Newest sample ever.
    newest: i64,
    /// The position on disk, or about to be.
    floor: i64,
}

/// A block in memory.
#[derive(Debug)]
struct Waiting {
    block: Arc<Block>,
    weight: usize,
    repeated: bool,
    ticket: Arc<Ticket>,
}

/// A range of time that is only in the store.
#[derive(Debug, Clone, Copy)]
struct Missed {
    range: TimeRange,
    /// Up to here some of it may have been sent all the same.
    repeated_until: i64,
}

impl State {
    /// Everything up to here is done.
    fn position(&self) -> i64 {
        let before = |missed: &Option<Missed>| missed.map_or(i64::MAX, |missed| missed.range.start.saturating_sub(1));
        let under_way = self.in_flight.first().map_or(i64::MAX, |(ts, _)| ts.saturating_sub(1));
        self.newest.min(before(&self.reading)).min(before(&self.missed)).min(under_way)
    }

    /// Leaves these times to the store; `sent_until` is how far others were given out before.
    fn miss(&mut self, times: TimeRange, sent_until: i64) {
        match &mut self.missed {
            Some(missed) => {
                if times.start < missed.range.start {
                    // Between the two lies what was not missed.
                    missed.repeated_until = missed.repeated_until.max(missed.range.start - 1);
                    missed.range.start = times.start;
                }
                missed.range.end = missed.range.end.max(times.end);
            }
            None => self.missed = Some(Missed { range: times, repeated_until: sent_until }),
        }
    }

    fn is_behind(&self) -> bool {
        self.reading.is_some() || self.missed.is_some()
    }

    /// Whether a sample of this time is read from the store later anyway.
    fn will_read(&self, ts: i64) -> bool {
        self.reading.is_some_and(|reading| reading.range.contains(ts)) || self.missed.is_some_and(|missed| ts >= missed.range.start)
    }
}

impl Backlog {
    /// Without a position yet: see [`begin`](Self::begin). `capacity` is what all queues of the endpoint hold together.
    pub fn new(key: String, capacity: u64, wants: (bool, bool), counts: Arc<Counts>) -> Self {
        let samples_max = usize::try_from(capacity.clamp(SAMPLES_MIN, SAMPLES_MAX)).unwrap_or(usize::MAX);
        Self { key, state: Mutex::default(), arrived: Notify::new(), samples_max, wants, counts }
    }

    /// Starts at a position; what the store has beyond it, up to `stored_until`, is sent first. Nothing may be stored
    /// meanwhile.
    pub fn begin(&self, position: i64, stored_until: Option<i64>) {
        let mut state = self.state.lock();
        (state.newest, state.floor) = (position, position);
        if let Some(end) = stored_until.filter(|&end| end > position) {
            state.newest = end;
            let range = TimeRange::new(position.saturating_add(1), end);
            state.reading = Some(Missed { range, repeated_until: position.saturating_add(REPEATED_MS) });
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

    /// Keeps the position below a batch of these times. `true`: the position on disk must be written first.
    pub fn hold(self: &Arc<Self>, times: TimeRange) -> (Hold, bool) {
        let mut state = self.state.lock();
        let ticket = self.open(&mut state, times.start);
        let read_until = state.slice.filter(|slice| slice.overlaps(&times)).map_or(i64::MIN, |slice| slice.end);
        state.held.insert(ticket.key.1, Held { times, read_until });
        let late = times.start <= state.floor;
        if late {
            state.floor = times.start.saturating_sub(1 + LATE_SPARE_MS);
        }
        (Hold { backlog: Arc::clone(self), ticket }, late)
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
        self.state.lock().is_behind()
    }

    /// Adds what was stored under a hold; never waits for the endpoint.
    pub fn push(self: &Arc<Self>, mut block: Arc<Block>, hold: &Hold) {
        let Some(mut times) = block.times() else { return };
        self.counts.noticed(times.end);
        let mut state = self.state.lock();
        let sent_until = state.newest;
        state.newest = state.newest.max(times.end);
        if state.is_behind() && block.all_times().any(|ts| state.will_read(ts)) {
            let rest = block.only(|ts| !state.will_read(ts));
            if let Some(missed) = &mut state.missed {
                missed.range.end = missed.range.end.max(times.end);
            }
            let Some(rest_times) = rest.times() else { return self.arrived.notify_one() };
            (block, times) = (Arc::new(rest), rest_times);
        }
        let weight = block.weight();
        if state.weight + weight > self.samples_max && !state.blocks.is_empty() {
            state.miss(times, sent_until);
        } else {
            self.counts.arrived(self.kinds(&block));
            state.weight += weight;
            let repeated = state.held.get(&hold.number()).is_some_and(|held| held.read_until >= times.start);
            let ticket = self.open(&mut state, times.start);
            state.blocks.push_back(Waiting { block, weight, repeated, ticket });
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// The oldest block, or the next slice of what is only in the store, at most `slice_ms` long (0 = no slice, and no
    /// block that would overtake one).
    pub fn next(self: &Arc<Self>, slice_ms: i64) -> Option<Work> {
        let mut state = self.state.lock();
        state.slice = None;
        loop {
            match state.reading {
                Some(missed) if missed.range.start <= missed.range.end => return self.slice(&mut state, missed, slice_ms),
                _ => state.reading = None,
            }
            if let Some(Waiting { block, weight, repeated, ticket }) = state.blocks.pop_front() {
                state.weight -= weight;
                return Some(Work::Block { block, repeated, ticket });
            }
            state.reading = Some(state.missed.take()?);
        }
    }

    fn slice(self: &Arc<Self>, state: &mut State, missed: Missed, slice_ms: i64) -> Option<Work> {
        if slice_ms <= 0 {
            return None;
        }
        let Missed { range, repeated_until } = missed;
        let repeated = range.start <= repeated_until;
        let slice_ms = if repeated { slice_ms.min(REPEATED_SLICE_MS) } else { slice_ms };
        let slice = TimeRange::new(range.start, range.start.saturating_add(slice_ms - 1).min(range.end));
        // The start may pass the end, which ends it.
        state.reading = Some(Missed { range: TimeRange { start: slice.end.saturating_add(1), ..range }, repeated_until });
        state.slice = Some(slice);
        for held in state.held.values_mut().filter(|held| held.times.overlaps(&slice)) {
            held.read_until = held.read_until.max(slice.end);
        }
        let ticket = self.open(state, slice.start);
        Some(Work::Slice { range: slice, repeated, ticket })
    }

    /// A slice could not be read: it is read again.
    pub fn give_back(&self, range: TimeRange) {
        let mut state = self.state.lock();
        match &mut state.reading {
            Some(reading) => reading.range.start = reading.range.start.min(range.start),
            None => state.reading = Some(Missed { range, repeated_until: i64::MIN }),
        }
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

    /// Stores samples at these times.
    fn push(backlog: &Arc<Backlog>, times: std::ops::Range<i64>) {
        let (hold, _) = backlog.hold(TimeRange::new(times.start, times.end - 1));
        backlog.push(block(times), &hold);
    }

    /// What comes next, in words (`!` = some of it may have been sent before); it is done at once.
    fn next(backlog: &Arc<Backlog>, slice_ms: i64) -> Option<(&'static str, i64, i64)> {
        match backlog.next(slice_ms)? {
            Work::Block { block, repeated, ticket } => {
                ticket.done(1);
                let times = block.times().unwrap();
                Some((if repeated { "block!" } else { "block" }, times.start, times.end))
            }
            Work::Slice { range, repeated, ticket } => {
                ticket.done(1);
                Some((if repeated { "slice!" } else { "slice" }, range.start, range.end))
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_read_from_the_store_and_then_it_is_live_again() {
        let backlog = small(99, None);
        for start in [100, 104, 108, 112] {
            push(&backlog, start..start + 4);
        }
        assert!(backlog.is_behind());
        // A late one, older than what is missed, is kept in memory; of a mixed one that part.
        assert_eq!(next(&backlog, 5), Some(("block", 100, 103)));
        push(&backlog, 90..91);
        push(&backlog, 106..120);
        assert_eq!(next(&backlog, 5), Some(("block", 104, 107)));
        assert_eq!(next(&backlog, 5), Some(("block", 90, 90)));
        assert_eq!(next(&backlog, 5), Some(("block", 106, 107)));
        // What is missed is closed with the first slice: what comes now waits behind it, what is late before it too.
        assert_eq!(next(&backlog, 5), Some(("slice", 108, 112)));
        push(&backlog, 118..122);
        assert_eq!((next(&backlog, 0), backlog.is_behind()), (None, true));
        assert_eq!(next(&backlog, 50), Some(("slice", 113, 119)));
        assert_eq!(backlog.position(), 119);
        push(&backlog, 122..123);
        assert_eq!(next(&backlog, 50), Some(("block", 120, 121)));
        assert!(!backlog.is_behind());
        assert_eq!(next(&backlog, 50), Some(("block", 122, 122)));
        assert_eq!((next(&backlog, 50), backlog.position()), (None, 122));
    }

    #[test]
    fn while_it_is_read_more_may_be_missed() {
        let backlog = small(0, Some(70_000));
        let mut slices = Vec::new();
        for second in 0..5 {
            slices.extend(next(&backlog, 30_000));
            push(&backlog, 70_001 + second * 4..70_005 + second * 4);
        }
        assert_eq!((slices[0], slices[4]), (("slice!", 1, 1_000), ("slice!", 4_001, 5_000)));
        let rest: Vec<_> = std::iter::from_fn(|| next(&backlog, 30_000)).skip(55).collect();
        // Two blocks fit, the third and those after it did not.
        assert_eq!(rest, [("slice", 60_001, 70_000), ("block", 70_001, 70_004), ("block", 70_005, 70_008), ("slice", 70_009, 70_020)]);
        assert!(!backlog.is_behind());
    }

    #[test]
    fn no_slice_overtakes_a_block() {
        // The end of what is missed is known when it is begun: a slice never reaches into what is stored meanwhile.
        let backlog = small(69, Some(70));
        assert_eq!(next(&backlog, 1_000), Some(("slice!", 70, 70)));
        push(&backlog, 71..72);
        push(&backlog, 72..73);
        assert_eq!(next(&backlog, 1_000), Some(("block", 71, 71)));
        assert_eq!(next(&backlog, 1_000), Some(("block", 72, 72)));
        // Nothing goes out at the end that would have to come after what is still in the store.
        let backlog = small(69, Some(70));
        push(&backlog, 71..72);
        assert_eq!(next(&backlog, 0), None);
        assert_eq!(backlog.position(), 69);
    }

    #[test]
    fn what_is_stored_while_its_slice_is_read_goes_out_on_its_own() {
        // Storing began before the slice was taken, or while it is read, and ends when it was read, or later.
        let backlog = small(0, Some(100_000));
        let (early, _) = backlog.hold(TimeRange::new(500, 500));
        let (unread, _) = backlog.hold(TimeRange::new(90_000, 90_000));
        assert_eq!(next(&backlog, 1_000), Some(("slice!", 1, 1_000)));
        let (meanwhile, _) = backlog.hold(TimeRange::new(600, 600));
        assert_eq!(next(&backlog, 1_000), Some(("slice!", 1_001, 2_000)));
        let (late, _) = backlog.hold(TimeRange::new(700, 700));
        for (hold, at) in [(early, 500), (meanwhile, 600), (late, 700), (unread, 90_000)] {
            backlog.push(block(at..at + 1), &hold);
        }
        let blocks: Vec<_> = std::iter::from_fn(|| next(&backlog, 100_000)).filter(|(what, ..)| what.starts_with("block")).collect();
        // What lies in a part that is not read yet is left to its slice.
        assert_eq!(blocks, [("block!", 500, 500), ("block!", 600, 600), ("block", 700, 700)]);
        assert!(backlog.state.lock().held.is_empty());
    }

    #[test]
    fn what_may_have_been_sent_before_comes_in_small_slices() {
        let backlog = small(1_000, Some(200_000));
        let mut slices = std::iter::from_fn(|| next(&backlog, 50_000));
        assert_eq!(slices.next(), Some(("slice!", 1_001, 2_000)));
        assert_eq!(slices.find(|(what, ..)| *what == "slice"), Some(("slice", 61_001, 111_000)));
        assert_eq!(slices.last(), Some(("slice", 161_001, 200_000)));
    }

    #[test]
    fn the_position_stays_below_all_that_is_under_way() {
        let backlog = small(1_000, Some(1_100));
        assert_eq!(backlog.position(), 1_000);
        let Some(Work::Slice { range, repeated: true, ticket: slice }) = backlog.next(1_000) else { panic!() };
        push(&backlog, 1_200..1_201);
        let Some(Work::Block { ticket: last, .. }) = backlog.next(1_000) else { panic!() };
        slice.expect(3);
        slice.done(1);
        assert_eq!((range, backlog.position()), (TimeRange::new(1_001, 1_100), 1_000));
        slice.done(3);
        assert_eq!(backlog.position(), 1_199);
        backlog.advance(1_050);
        assert_eq!(backlog.floor(), 1_050);
        last.done(1);
        assert!(backlog.next(1_000).is_none());
        backlog.advance(i64::MAX);
        assert_eq!(backlog.floor(), 1_200);
        // A late one lowers the position on disk before it is stored, and keeps it there until it is sent.
        let (hold, late) = backlog.hold(TimeRange::new(1_150, 1_150));
        assert!(late && backlog.floor() < 1_150);
        backlog.advance(i64::MAX);
        assert_eq!(backlog.floor(), 1_149);
        backlog.push(block(1_150..1_151), &hold);
        drop(hold);
        assert_eq!(backlog.position(), 1_149);
        assert_eq!(next(&backlog, 1), Some(("block", 1_150, 1_150)));
        assert_eq!(backlog.position(), 1_200);
        let (_hold, late) = backlog.hold(TimeRange::new(1_300, 1_310));
        assert!(!late);
        // Not read after all.
        backlog.give_back(TimeRange::new(1_160, 1_170));
        assert_eq!((backlog.position(), next(&backlog, 100)), (1_159, Some(("slice", 1_160, 1_170))));
    }
}
