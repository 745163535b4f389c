//! From the data directory to a running store: blocks, then the log.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};

use super::{BlockSet, Census, Core, MaintenanceState, StoreError, StoreSettings};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::base::time::TimeRange;
use crate::metrics::store::exemplars::Exemplars;
use crate::metrics::store::head::{Bounds, Head, Outcome, SHARDS, Shard, shard_of};
use crate::metrics::store::metadata::MetadataTable;
use crate::metrics::store::stats::{Counters, ReplayStatus, SetAside};
use crate::metrics::store::wal::{
    self, ColumnsScratch, Damaged, Kind, Packer, Progress, Recovered, Sink, Taken, Wal, WalOptions, read_chunks, read_columns, read_floats,
    read_histograms,
};
use crate::platform::disk::DirLock;
use crate::platform::disk::rounds::Bell;
use crate::series::changes::ChangeLog;
use crate::series::labels::Labels;
use crate::series::sample::{Exemplar, Metadata, SampleBuf};

/// Lists of samples made together.
const LISTS: usize = 256;

/// How far opening is, for whoever watches from another thread.
#[derive(Debug, Default)]
pub struct ReplayProgress {
    segments: Progress,
    done: AtomicBool,
}

impl ReplayProgress {
    /// As it is now.
    pub fn status(&self) -> ReplayStatus {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        ReplayStatus {
            min: read(&self.segments.first),
            max: read(&self.segments.last),
            current: read(&self.segments.current),
            done: self.done.load(Ordering::Relaxed),
            took_ms: 0,
        }
    }
}

impl Core {
    /// Reads the log in `wal_dir` back on top of the blocks.
    pub(super) fn recover(
        settings: StoreSettings,
        clock: SharedClock,
        lock: DirLock,
        blocks: BlockSet,
        wal_dir: PathBuf,
        progress: &ReplayProgress,
    ) -> Result<Self, StoreError> {
        let started = clock.monotonic();
        let newest_in_blocks = blocks.current().iter().map(|block| block.meta().max_ts).max();
        let head = Head::new(i64::MIN, newest_in_blocks.unwrap_or(i64::MIN));
        let recovery = Recovery::new(head, settings.exemplars_max, settings.block_range_ms);
        let recovered = wal::replay(&wal_dir, &recovery, &progress.segments, Damaged::Mend)
            .map_err(StoreError::io("read the write-ahead log in", &wal_dir))?;
        progress.done.store(true, Ordering::Relaxed);
        let Recovery { head, exemplars, metadata, deleted, .. } = recovery;
        // What is in blocks for good is behind the boundary; without marks (new log) what the blocks have.
        let boundary = recovered.flushed.iter().map(|mark| mark.boundary).max();
        let from_blocks = newest_in_blocks.filter(|_| head.min_ts().is_none()).map(|newest| newest.saturating_add(1));
        head.raise_boundary(boundary.or(from_blocks).unwrap_or(i64::MIN));
        // Series without samples are kept: their writers come back in a moment. The next flush removes those that did not.
        let latest_now = clock.now_ms().max(head.max_ts().unwrap_or(i64::MIN));
        let set_aside = recovered
            .damage
            .iter()
            .map(|damage| SetAside { path: damage.file.clone(), reason: format!("at byte {}: {}", damage.offset, damage.what) });
        let set_aside = set_aside.collect();
        let replay = ReplayStatus {
            took_ms: u64::try_from((clock.monotonic() - started).as_millis()).unwrap_or(u64::MAX),
            current: progress.status().max,
            ..progress.status()
        };
        let options = WalOptions {
            dir: wal_dir,
            format: wal::FORMAT,
            what: "samples",
            segment_bytes: wal::SEGMENT_BYTES,
            sync: settings.sync,
            reserve_bytes: settings.reserve_bytes,
            hook: settings.hook.clone(),
            clock: clock.clone(),
        };
        Ok(Self {
            settings,
            clock,
            head,
            blocks,
            wal: Wal::open(options, recovered.segments, recovered.next),
            exemplars,
            metadata,
            counters: Counters::default(),
            census: Census::default(),
            changes: ChangeLog::new(),
            packer: Packer::default(),
            scratch: Mutex::default(),
            inflight: RwLock::new(()),
            maintenance: Mutex::new(MaintenanceState { unfinished: None, marks: recovered.flushed, chunk_files: recovered.chunk_files }),
            save_all: deleted,
            flushed: Condvar::new(),
            flush_lock: Mutex::new(()),
            latest_now: AtomicI64::new(latest_now),
            closed: AtomicBool::new(false),
            bytes_max: AtomicU64::new(0),
            compaction: Mutex::new(()),
            flush_wake: Bell::default(),
            save_wake: Bell::default(),
            compact_wake: Bell::default(),
            sync_wake: Bell::default(),
            stop: Cancel::new(),
            background_errors: Mutex::default(),
            set_aside,
            replay,
            _lock: lock,
        })
    }
}

/// The head that the log in `wal_dir` holds, and what reading it brought, without a store.
pub(super) fn read_log(wal_dir: &Path, block_range: i64, damaged: Damaged) -> io::Result<(Head, Recovered)> {
    let recovery = Recovery::new(Head::new(i64::MIN, i64::MIN), 0, block_range);
    let recovered = wal::replay(wal_dir, &recovery, &Progress::default(), damaged)?;
    Ok((recovery.head, recovered))
}

/// Puts what the log holds into a head that nobody else sees yet.
struct Recovery {
    head: Head,
    exemplars: Mutex<Exemplars>,
    metadata: RwLock<MetadataTable>,
    block_range: i64,
    /// Memory of the threads that read.
    pending: Mutex<Vec<Pending>>,
    /// Whether samples were deleted.
    deleted: AtomicBool,
}

type Floats = Vec<(i64, f64)>;

/// Floats of many records, by series. Handing over a series' samples together is several times quicker than one by
/// one: the series and its open chunk come into the processor's caches once.
#[derive(Default)]
struct Pending {
    /// By place in the shard.
    lists: Vec<Option<Box<[Floats]>>>,
    /// Ids of the series that have some.
    waiting: Vec<u32>,
    /// For looking into chunks.
    samples: SampleBuf,
    columns: ColumnsScratch,
}

/// What one call brought.
struct Tally {
    bounds: Bounds<'static>,
    /// Oldest and newest sample stored.
    min: i64,
    max: i64,
    /// Newest sample seen.
    newest: i64,
    /// Highest id seen.
    ids_to: u32,
    /// Chunks that are none.
    bad_chunks: u64,
}

impl Tally {
    fn saw(&mut self, id: u32, ts: i64) {
        self.ids_to = self.ids_to.max(id);
        self.newest = self.newest.max(ts);
    }

    fn stored(&mut self, range: TimeRange) {
        (self.min, self.max) = (self.min.min(range.start), self.max.max(range.end));
    }
}

impl Pending {
    fn list(&mut self, id: u32) -> &mut Floats {
        let slot = id as usize / SHARDS;
        let page = slot / LISTS;
        if self.lists.len() <= page {
            self.lists.resize_with(page + 1, || None);
        }
        &mut self.lists[page].get_or_insert_with(|| vec![Vec::new(); LISTS].into())[slot % LISTS]
    }

    /// Keeps the floats of a series that are not in blocks.
    fn take(&mut self, shard: &Shard, id: u32, samples: &[(i64, f64)], from: i64, tally: &mut Tally) {
        samples.iter().for_each(|(ts, _)| tally.saw(id, *ts));
        if shard.get(id).is_none() {
            return;
        }
        let list = self.list(id);
        let was_empty = list.is_empty();
        list.extend(samples.iter().filter(|(ts, _)| *ts >= from));
        if was_empty && !list.is_empty() {
            self.waiting.push(id);
        }
    }

    /// Hands over the samples of one series, if it has some.
    fn hand_over_one(&mut self, shard: &mut Shard, id: u32, tally: &mut Tally) {
        let list = self.list(id);
        if let Some(stored) = shard.get_mut(id).and_then(|mut series| series.restore_floats(list, &tally.bounds)) {
            tally.stored(stored);
        }
        list.clear();
    }

    /// Hands over everything.
    fn hand_over(&mut self, shard: &mut Shard, tally: &mut Tally) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_unstable();
        for id in waiting.drain(..) {
            self.hand_over_one(shard, id, tally);
        }
        self.waiting = waiting;
    }
}

impl Recovery {
    fn new(head: Head, exemplars_max: usize, block_range: i64) -> Self {
        Self {
            head,
            exemplars: Mutex::new(Exemplars::new(exemplars_max)),
            metadata: RwLock::default(),
            block_range,
            pending: Mutex::default(),
            deleted: AtomicBool::new(false),
        }
    }

    /// Everything in the log was accepted once.
    fn bounds(&self) -> Bounds<'static> {
        Bounds {
            min_valid: i64::MIN,
            late_from: i64::MIN,
            future_max: i64::MAX,
            in_order_only: false,
            block_range: self.block_range,
            flushed: &(),
        }
    }
}

impl Sink for Recovery {
    fn series(&self, series: Vec<(u32, Labels)>) {
        self.head.restore(series);
    }

    fn samples(&self, group: usize, records: &[(Kind, &[u8])], from: i64) -> Taken {
        let mut pending = self.pending.lock().pop().unwrap_or_default();
        let mut shard = self.head.shard_mut(group);
        let mut tally = Tally { bounds: self.bounds(), min: i64::MAX, max: i64::MIN, newest: i64::MIN, ids_to: 0, bad_chunks: 0 };
        let mut failed = 0;
        for &(kind, content) in records {
            let result = match kind {
                Kind::Histograms => read_histograms(group, content, |id, ts, histogram| {
                    tally.saw(id, ts);
                    if ts < from || shard.get(id).is_none() {
                        return;
                    }
                    pending.hand_over_one(&mut shard, id, &mut tally);
                    let Some(mut series) = shard.get_mut(id) else { return };
                    if matches!(series.append_histogram(ts, histogram, &tally.bounds), Outcome::Stored | Outcome::StoredLate) {
                        tally.stored(TimeRange::new(ts, ts));
                    }
                }),
                Kind::Chunks => read_chunks(group, content, |id, chunk| {
                    tally.saw(id, chunk.max);
                    let Some(mut series) = shard.get_mut(id).filter(|_| chunk.max >= from) else { return };
                    match series.restore_chunk(chunk, self.block_range, &mut pending.samples) {
                        Ok(()) => tally.stored(TimeRange::new(chunk.min, chunk.max)),
                        Err(_) => tally.bad_chunks += 1,
                    }
                }),
                Kind::Columns => {
                    let mut scratch = std::mem::take(&mut pending.columns);
                    let result =
                        read_columns(group, content, &mut scratch, |id, samples| pending.take(&shard, id, samples, from, &mut tally));
                    pending.columns = scratch;
                    result
                }
                _ => read_floats(group, content, |id, samples| pending.take(&shard, id, samples, from, &mut tally)),
            };
            failed += u64::from(result.is_err()) + std::mem::take(&mut tally.bad_chunks);
        }
        pending.hand_over(&mut shard, &mut tally);
        drop(shard);
        self.head.saw(tally.min, tally.max);
        self.head.reserve_ids(tally.ids_to);
        self.pending.lock().push(pending);
        Taken { newest: tally.newest, failed }
    }

    fn exemplar(&self, id: u32, exemplar: Exemplar) {
        let labels = || self.head.shard(shard_of(id)).get(id).map(|series| series.labels().clone());
        self.exemplars.lock().add(id, labels, &exemplar);
    }

    fn deleted(&self, id: u32, range: TimeRange) {
        self.deleted.store(true, Ordering::Relaxed);
        if let Some(mut series) = self.head.shard_mut(shard_of(id)).get_mut(id) {
            // Its samples came out of the log a moment ago; they decode.
            let _removed = series.delete(range, self.block_range);
        }
    }

    fn metadata(&self, name: &str, metadata: Metadata) {
        self.metadata.write().set(name, &metadata);
    }

    fn start(&self, id: u32, ts: i64, start: i64) {
        if let Some(mut series) = self.head.shard_mut(shard_of(id)).get_mut(id) {
            series.note_start(ts, start);
        }
    }
}
