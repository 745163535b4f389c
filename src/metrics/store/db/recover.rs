//! From the data directory to a running store: blocks, then the log.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};

use super::{Bell, BlockSet, Census, Core, MaintenanceState, StoreError, StoreSettings};
use crate::base::bytes::Malformed;
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::base::time::TimeRange;
use crate::metrics::store::exemplars::Exemplars;
use crate::metrics::store::head::{Bounds, Head, Outcome, shard_of};
use crate::metrics::store::metadata::MetadataTable;
use crate::metrics::store::stats::{Counters, ReplayStatus, SetAside};
use crate::metrics::store::wal::{self, Packer, Progress, Sink, Wal, WalOptions, read_floats, read_histograms};
use crate::platform::disk::DirLock;
use crate::series::batch::FloatSample;
use crate::series::changes::ChangeLog;
use crate::series::labels::Labels;
use crate::series::sample::{Exemplar, Metadata};

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
        let recovery = Recovery {
            head,
            exemplars: Mutex::new(Exemplars::new(settings.exemplars_max)),
            metadata: RwLock::default(),
            block_range: settings.block_range_ms,
        };
        let recovered =
            wal::replay(&wal_dir, &recovery, &progress.segments).map_err(StoreError::io("read the write-ahead log in", &wal_dir))?;
        progress.done.store(true, Ordering::Relaxed);
        let Recovery { head, exemplars, metadata, .. } = recovery;
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
            maintenance: Mutex::new(MaintenanceState { unfinished: None, marks: recovered.flushed }),
            flushed: Condvar::new(),
            flush_lock: Mutex::new(()),
            latest_now: AtomicI64::new(latest_now),
            closed: AtomicBool::new(false),
            compaction: Mutex::new(()),
            flush_wake: Bell::default(),
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

/// Puts what the log holds into a head that nobody else sees yet.
struct Recovery {
    head: Head,
    exemplars: Mutex<Exemplars>,
    metadata: RwLock<MetadataTable>,
    block_range: i64,
}

impl Recovery {
    /// Everything in the log was accepted once.
    fn bounds(&self) -> Bounds<'_> {
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

    fn floats(&self, group: usize, content: &[u8], from: i64) -> Result<i64, Malformed> {
        let bounds = self.bounds();
        let (mut min, mut max) = (i64::MAX, i64::MIN);
        let mut newest = i64::MIN;
        let mut shard = self.head.shard_mut(group);
        let mut ids_to = 0;
        let result = read_floats(group, content, |id, samples| {
            ids_to = ids_to.max(id);
            newest = samples.iter().fold(newest, |newest, (ts, _)| newest.max(*ts));
            let Some(mut series) = shard.get_mut(id) else { return };
            for &(ts, value) in samples.iter().filter(|(ts, _)| *ts >= from) {
                if matches!(series.append_float(&FloatSample { ts, value, start_ts: 0 }, &bounds), Outcome::Stored | Outcome::StoredLate) {
                    (min, max) = (min.min(ts), max.max(ts));
                }
            }
        });
        drop(shard);
        self.head.saw(min, max);
        self.head.reserve_ids(ids_to);
        result.map(|()| newest)
    }

    fn histograms(&self, group: usize, content: &[u8], from: i64) -> Result<i64, Malformed> {
        let bounds = self.bounds();
        let (mut min, mut max) = (i64::MAX, i64::MIN);
        let mut newest = i64::MIN;
        let mut shard = self.head.shard_mut(group);
        let mut ids_to = 0;
        let result = read_histograms(group, content, |id, ts, histogram| {
            ids_to = ids_to.max(id);
            newest = newest.max(ts);
            let Some(mut series) = shard.get_mut(id).filter(|_| ts >= from) else { return };
            if matches!(series.append_histogram(ts, histogram, &bounds), Outcome::Stored | Outcome::StoredLate) {
                (min, max) = (min.min(ts), max.max(ts));
            }
        });
        drop(shard);
        self.head.saw(min, max);
        self.head.reserve_ids(ids_to);
        result.map(|()| newest)
    }

    fn exemplar(&self, id: u32, exemplar: Exemplar) {
        let labels = || self.head.shard(shard_of(id)).get(id).map(|series| series.labels().clone());
        self.exemplars.lock().add(id, labels, &exemplar);
    }

    fn deleted(&self, id: u32, range: TimeRange) {
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
