//! The state of storage for pages, probes and telemetry.

use super::{Core, Store};
use crate::metrics::model::storage::Growth;
use crate::metrics::store::stats::{CardinalityStats, Counters, HeadStats, StoreStatus, WriteState};
use crate::metrics::store::wal::WalCounters;
use crate::platform::disk;
use crate::series::sample::Metadata;

/// What is said while the budget of disk is used up.
pub(super) const DISK_FULL: &str = "the disk budget is used up; samples are refused until there is room again";

impl Store {
    /// Counters since the start.
    pub fn counters(&self) -> &Counters {
        &self.core().counters
    }

    /// Counters of the log since the start.
    pub fn wal_counters(&self) -> &WalCounters {
        self.core().wal.counters()
    }

    /// Whether samples are taken now, without looking at anything else. For the readiness probe.
    pub fn write_state(&self) -> WriteState {
        self.core().write_state()
    }

    /// Time of the newest sample.
    pub fn newest(&self) -> Option<i64> {
        let core = self.core();
        core.blocks.current().iter().map(|block| block.meta().max_ts).max().max(core.head.max_ts())
    }

    /// Everything.
    pub fn status(&self) -> StoreStatus {
        let core = self.core();
        let blocks = core.blocks.stats();
        let mut set_aside = core.blocks.set_aside();
        set_aside.extend(core.set_aside.iter().cloned());
        let errors: Vec<String> = core.background_errors.lock().values().cloned().collect();
        StoreStatus {
            writes: core.write_state(),
            set_aside,
            background_error: (!errors.is_empty()).then(|| errors.join("; ")),
            head: core.head_stats(),
            block_bytes: blocks.iter().map(|block| block.bytes).sum(),
            blocks,
            wal_bytes: disk::dir_bytes(core.wal.dir()),
            wal_segments: core.wal.finished().len() as u64 + 1,
            free_bytes: disk::free_bytes(&core.settings.dir).ok(),
            replay: core.replay,
        }
    }

    /// Which series cost most: the `top` largest of each kind. With so many series that counting takes long, as it was up to a
    /// minute ago.
    pub fn cardinality(&self, top: usize) -> CardinalityStats {
        let core = self.core();
        CardinalityStats { top: core.census.cardinality(&core.head, &*core.clock, top), head: core.head_stats() }
    }

    /// The `top` metrics that gained the most series, as far as there is something to compare with.
    pub fn growth(&self, top: usize) -> Option<Growth> {
        let core = self.core();
        core.census.growth(&core.head, core.clock.monotonic(), top)
    }

    /// Series of the head with this metric name.
    pub fn series_of_metric(&self, name: &str) -> usize {
        self.core().head.index().ids(crate::series::labels::METRIC_NAME, name).len()
    }

    /// What a metric family says about itself.
    pub fn metadata(&self, family: &str) -> Option<Metadata> {
        self.core().metadata.read().get(family).cloned()
    }

    /// What all families say about themselves, by name; at most `limit`, 0 = all.
    pub fn all_metadata(&self, limit: usize) -> Vec<(String, Metadata)> {
        let table = self.core().metadata.read();
        let all = table.iter().map(|(name, metadata)| (name.to_owned(), metadata.clone()));
        if limit == 0 { all.collect() } else { all.take(limit).collect() }
    }
}

impl Core {
    pub(super) fn write_state(&self) -> WriteState {
        if self.is_closed() {
            return WriteState::Closed;
        }
        if self.settings.pressure.is_disk_full() {
            return WriteState::Refusing(DISK_FULL.to_owned());
        }
        self.wal.failure().map_or(WriteState::Ok, WriteState::Refusing)
    }

    /// The head in numbers that are kept as it changes.
    pub(super) fn head_stats(&self) -> HeadStats {
        let held = self.head.held();
        HeadStats {
            series: held.series as u64,
            label_pairs: self.head.index().pair_count() as u64,
            chunks: held.chunks as u64,
            sample_bytes: held.sample_bytes as u64,
            min_ts: self.head.min_ts(),
            max_ts: self.head.max_ts(),
        }
    }
}
