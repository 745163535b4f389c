//! What storage says about itself: counters for telemetry, and the state for status pages.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::logs::model::write::RefusedLine;
pub use crate::platform::disk::{SetAside, WriteState};

/// Counts since the start of the process. Read with [`Counters::snapshot`].
#[derive(Debug, Default)]
pub struct Counters {
    /// Lines stored.
    pub lines: AtomicU64,
    /// Bytes of their text.
    pub text_bytes: AtomicU64,
    /// Exact repetitions taken as success.
    pub repeated: AtomicU64,
    /// Lines refused, by [`refused_slot`].
    pub refused: [AtomicU64; REFUSED.len()],
    /// Bytes of their text.
    pub refused_bytes: [AtomicU64; REFUSED.len()],
    /// Whole batches refused because the disk or memory did not allow them.
    pub unavailable: AtomicU64,
    /// Whole batches refused because lines came too fast.
    pub busy: AtomicU64,
    /// Memories written to parts.
    pub flushes: AtomicU64,
    /// Milliseconds that took.
    pub flush_ms: AtomicU64,
    /// Flushes that failed.
    pub flush_failures: AtomicU64,
    /// Merges of parts.
    pub merges: AtomicU64,
    /// Milliseconds they took.
    pub merge_ms: AtomicU64,
    /// Merges that failed.
    pub merge_failures: AtomicU64,
    /// Parts removed by retention.
    pub parts_retired: AtomicU64,
    /// Work in the background that ended in a panic; it was tried again.
    pub panics: AtomicU64,
    /// Bytes written to parts.
    pub part_bytes_written: AtomicU64,
}

/// Words for reasons of refusal, as Loki's `reason` label has them where it has the reason.
pub const REFUSED: [&str; 7] = [
    "greater_than_max_sample_age",
    "too_far_in_future",
    "too_far_behind",
    "line_too_long",
    "invalid_labels",
    "structured_metadata_invalid",
    "per_stream_rate_limit",
];

/// Which word of [`REFUSED`] is for a reason.
pub const fn refused_slot(reason: RefusedLine) -> usize {
    match reason {
        RefusedLine::TooOld { .. } => 0,
        RefusedLine::TooNew { .. } => 1,
        RefusedLine::TooFarBehind { .. } => 2,
        RefusedLine::TooLong { .. } => 3,
        RefusedLine::InvalidLabels => 4,
        RefusedLine::InvalidFields => 5,
        RefusedLine::StreamRate { .. } => 6,
    }
}

impl Counters {
    /// Names (for metrics, without prefix and `_total`) and values; refusals are in [`Self::refused`].
    pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        vec![
            ("appended_lines", read(&self.lines)),
            ("appended_bytes", read(&self.text_bytes)),
            ("repeated_lines", read(&self.repeated)),
            ("refused_unavailable_batches", read(&self.unavailable)),
            ("refused_busy_batches", read(&self.busy)),
            ("flushes", read(&self.flushes)),
            ("flush_milliseconds", read(&self.flush_ms)),
            ("flush_failures", read(&self.flush_failures)),
            ("merges", read(&self.merges)),
            ("merge_milliseconds", read(&self.merge_ms)),
            ("merge_failures", read(&self.merge_failures)),
            ("background_panics", read(&self.panics)),
            ("retired_parts", read(&self.parts_retired)),
            ("part_written_bytes", read(&self.part_bytes_written)),
        ]
    }

    /// Reason, lines and bytes refused for it.
    pub fn refused(&self) -> impl Iterator<Item = (&'static str, u64, u64)> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        REFUSED.iter().zip(&self.refused).zip(&self.refused_bytes).map(move |((word, lines), bytes)| (*word, read(lines), read(bytes)))
    }
}

/// The parts of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayStatus {
    /// Days since the Unix epoch (UTC).
    pub day: i64,
    /// How many parts.
    pub parts: u64,
    /// Lines in them.
    pub lines: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

/// The state of storage.
#[derive(Debug, Clone)]
pub struct StoreStatus {
    /// Whether lines are taken.
    pub writes: WriteState,
    /// What could not be read.
    pub set_aside: Vec<SetAside>,
    /// What failed last in the background, if it did not succeed since.
    pub background_error: Option<String>,
    /// Days, oldest first.
    pub days: Vec<DayStatus>,
    /// Bytes of all parts on disk.
    pub part_bytes: u64,
    /// Bytes of the log on disk.
    pub wal_bytes: u64,
    /// Lines in memory.
    pub memory_lines: u64,
    /// Streams in memory.
    pub memory_streams: u64,
    /// What memory takes, in bytes.
    pub memory_bytes: u64,
    /// Oldest and newest time of all lines (ns).
    pub span: Option<(i64, i64)>,
    /// Bytes free on the disk.
    pub free_bytes: Option<u64>,
    /// Milliseconds that reading the log back took.
    pub replay_ms: u64,
}
