//! What an operator or a test can set.

use std::path::PathBuf;

use crate::base::limits::EXEMPLARS_MAX;
use crate::base::pressure::Pressure;
use crate::metrics::store::wal::SyncPolicy;
use crate::platform::disk::SharedHook;

const HOUR_MS: i64 = 3_600_000;

/// Settings of a [`Store`](super::Store).
#[derive(Clone)]
pub struct StoreSettings {
    /// The data directory; created if needed, used by one process at a time.
    pub dir: PathBuf,
    /// Blocks older than this are removed, in milliseconds; 0 = never.
    pub retention_ms: i64,
    /// Oldest blocks are removed while everything together is larger than this; 0 = no limit.
    pub retention_bytes: u64,
    /// How far behind the newest sample of the whole head a sample may be, in milliseconds; 0 = every series strictly in order.
    pub out_of_order_ms: i64,
    /// How far ahead of the clock a sample may be, in milliseconds.
    pub future_ms: i64,
    /// When the log is synced to the device.
    pub sync: SyncPolicy,
    /// The head is saved, and the log behind it dropped, when the log is so long; longer for very many series.
    pub save_log_bytes: u64,
    /// Length of the blocks written from the head, in milliseconds.
    pub block_range_ms: i64,
    /// Length that compaction makes blocks at most, in milliseconds.
    pub block_range_ms_max: i64,
    /// Series in the head at most; 0 = no limit.
    pub series_max: usize,
    /// Series of one value of the label `job` at most; 0 = no limit.
    pub series_per_job_max: usize,
    /// Exemplars kept; 0 = none.
    pub exemplars_max: usize,
    /// Writes are refused while less than this is free on the disk.
    pub reserve_bytes: u64,
    /// Whether to flush, compact and retire blocks in the background. Without, call [`Store::maintain`](super::Store::maintain).
    pub background: bool,
    /// Faults, in tests.
    pub hook: SharedHook,
    /// How short memory and disk are.
    pub pressure: Pressure,
}

impl StoreSettings {
    /// The defaults: 15 days, an out-of-order window of one hour, blocks of two hours.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let retention_ms = 15 * 24 * HOUR_MS;
        Self {
            dir: dir.into(),
            retention_ms,
            retention_bytes: 0,
            out_of_order_ms: HOUR_MS,
            future_ms: 10 * 60_000,
            sync: SyncPolicy::default(),
            save_log_bytes: 24 << 20,
            block_range_ms: 2 * HOUR_MS,
            // A tenth of the retention, as upstream, so that retention by whole blocks keeps little too much.
            block_range_ms_max: retention_ms / 10,
            series_max: 0,
            series_per_job_max: 0,
            exemplars_max: EXEMPLARS_MAX,
            reserve_bytes: 64 << 20,
            background: true,
            hook: None,
            pressure: Pressure::new(),
        }
    }
}
