//! What storage says about itself: counters for telemetry, and the state for status pages.

use std::sync::atomic::{AtomicU64, Ordering};

use super::head::Cardinality;
pub use crate::platform::disk::{SetAside, WriteState};

/// Counts since the start of the process. Read with [`Counters::snapshot`].
#[derive(Debug, Default)]
pub struct Counters {
    /// Samples stored.
    pub appended: AtomicU64,
    /// Samples among them that came out of order.
    pub out_of_order: AtomicU64,
    /// Exact repetitions taken as success.
    pub repeated: AtomicU64,
    /// Refused: out of order without window.
    pub refused_out_of_order: AtomicU64,
    /// Refused: older than the window.
    pub refused_too_old: AtomicU64,
    /// Refused: another value at the same time.
    pub refused_duplicate: AtomicU64,
    /// Refused: too far in the past or future.
    pub refused_out_of_bounds: AtomicU64,
    /// Refused: series limits.
    pub refused_series_limit: AtomicU64,
    /// Refused: anything else (labels, histograms, references).
    pub refused_invalid: AtomicU64,
    /// Whole batches refused because the disk did not take them.
    pub refused_unavailable: AtomicU64,
    /// Series created.
    pub series_created: AtomicU64,
    /// Series removed from the head.
    pub series_removed: AtomicU64,
    /// Exemplars stored.
    pub exemplars: AtomicU64,
    /// Blocks written from the head.
    pub flushes: AtomicU64,
    /// Flushes that failed.
    pub flush_failures: AtomicU64,
    /// Merges of blocks.
    pub compactions: AtomicU64,
    /// Merges that failed.
    pub compaction_failures: AtomicU64,
    /// Work in the background that ended in a panic; it was tried again.
    pub panics: AtomicU64,
    /// Blocks removed by retention.
    pub blocks_retired: AtomicU64,
    /// Checkpoints written.
    pub checkpoints: AtomicU64,
    /// Bytes written to blocks and checkpoints.
    pub block_bytes_written: AtomicU64,
}

impl Counters {
    /// Names (for metrics, without prefix and `_total`) and values.
    pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        vec![
            ("appended_samples", read(&self.appended)),
            ("out_of_order_samples", read(&self.out_of_order)),
            ("repeated_samples", read(&self.repeated)),
            ("refused_out_of_order_samples", read(&self.refused_out_of_order)),
            ("refused_too_old_samples", read(&self.refused_too_old)),
            ("refused_duplicate_samples", read(&self.refused_duplicate)),
            ("refused_out_of_bounds_samples", read(&self.refused_out_of_bounds)),
            ("refused_series_limit_samples", read(&self.refused_series_limit)),
            ("refused_invalid_samples", read(&self.refused_invalid)),
            ("refused_unavailable_batches", read(&self.refused_unavailable)),
            ("created_series", read(&self.series_created)),
            ("removed_series", read(&self.series_removed)),
            ("appended_exemplars", read(&self.exemplars)),
            ("flushes", read(&self.flushes)),
            ("flush_failures", read(&self.flush_failures)),
            ("compactions", read(&self.compactions)),
            ("compaction_failures", read(&self.compaction_failures)),
            ("background_panics", read(&self.panics)),
            ("retired_blocks", read(&self.blocks_retired)),
            ("checkpoints", read(&self.checkpoints)),
            ("block_written_bytes", read(&self.block_bytes_written)),
        ]
    }
}

/// The head in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadStats {
    /// Series.
    pub series: u64,
    /// Distinct pairs of label name and value.
    pub label_pairs: u64,
    /// Chunks, open ones included.
    pub chunks: u64,
    /// Bytes of samples.
    pub sample_bytes: u64,
    /// Oldest sample (ms).
    pub min_ts: Option<i64>,
    /// Newest sample (ms).
    pub max_ts: Option<i64>,
}

/// How far reading back the log is, as `/api/v1/status/walreplay` shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayStatus {
    /// First segment.
    pub min: u64,
    /// Last segment.
    pub max: u64,
    /// Where it is, `max` when done.
    pub current: u64,
    /// Whether it is done.
    pub done: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// A block in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockStats {
    /// Its name.
    pub id: String,
    /// First sample (ms).
    pub min_ts: i64,
    /// Last sample (ms).
    pub max_ts: i64,
    /// Series.
    pub series: u64,
    /// Samples.
    pub samples: u64,
    /// How often its samples were compacted.
    pub level: u32,
    /// Size on disk.
    pub bytes: u64,
}

/// The state of storage, for pages and probes. Cheap: counts that are kept anyway.
#[derive(Debug, Clone)]
pub struct StoreStatus {
    /// Whether it takes samples.
    pub writes: WriteState,
    /// What could not be read.
    pub set_aside: Vec<SetAside>,
    /// The last thing that failed in the background, in words; cleared by success.
    pub background_error: Option<String>,
    /// The head.
    pub head: HeadStats,
    /// The blocks, oldest first.
    pub blocks: Vec<BlockStats>,
    /// Bytes of all blocks.
    pub block_bytes: u64,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// Finished segments of the log and the open one.
    pub wal_segments: u64,
    /// Free space on the disk, if known.
    pub free_bytes: Option<u64>,
    /// How reading back went.
    pub replay: ReplayStatus,
}

/// Which series cost most, for `/api/v1/status/tsdb` and the cardinality page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardinalityStats {
    /// The head in numbers.
    pub head: HeadStats,
    /// The largest contributors.
    pub top: Cardinality,
}
