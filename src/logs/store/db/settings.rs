//! What an operator or a test can set.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::check::LineLimits;
use crate::base::pressure::Pressure;
use crate::logs::store::deletes::CompileFilter;
use crate::logs::store::part::{MergeOptions, PartOptions};
use crate::logs::store::retention::Retention;
use crate::platform::disk::SharedHook;
use crate::platform::disk::log::SyncPolicy;

/// Settings of a [`Store`](super::Store).
#[derive(Clone)]
pub struct StoreSettings {
    /// The data directory; created if needed, used by one process at a time.
    pub dir: PathBuf,
    /// Lines go from memory to parts when memory takes so many bytes. While that is done, as much again is filled.
    pub memory_bytes: usize,
    /// Or when the oldest line waited so long.
    pub flush_after: Duration,
    /// How long an append waits for room in memory before it is refused.
    pub wait_for_room: Duration,
    /// What a line must be like.
    pub limits: LineLimits,
    /// How long lines are kept.
    pub retention: Retention,
    /// A deletion can be cancelled for so long; until then the lines are left out by readers only.
    pub delete_after: Duration,
    /// Turns the words of a deletion into a filter; without one, only whole streams can be deleted.
    pub filters: Option<Arc<dyn CompileFilter>>,
    /// When the log is synced to the device.
    pub sync: SyncPolicy,
    /// Level of zstd for the log.
    pub wal_level: i32,
    /// Writes are refused while less than this is free on the disk.
    pub reserve_bytes: u64,
    /// How parts are written from memory.
    pub parts: PartOptions,
    /// How parts are merged while lines still come.
    pub merge: MergeOptions,
    /// How parts of days that are over are packed.
    pub dense: MergeOptions,
    /// A merged part is not larger than this.
    pub merged_bytes_max: u64,
    /// When there are more parts, small ones are merged whatever their days. Each takes a file and seven pieces of address space.
    pub parts_max: usize,
    /// A day is packed for good when it is over for so long.
    pub dense_after: Duration,
    /// And when no lines of it came to parts for so long: days that are brought in late are packed once, not while they come.
    pub dense_quiet: Duration,
    /// Whether to flush, merge and retire parts in the background. Without, call [`Store::maintain`](super::Store::maintain).
    pub background: bool,
    /// Faults, in tests.
    pub hook: SharedHook,
    /// How short memory and disk are.
    pub pressure: Pressure,
}

impl StoreSettings {
    /// The defaults: 32 MiB in memory, lines kept for ever.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            memory_bytes: 32 << 20,
            flush_after: Duration::from_secs(30 * 60),
            wait_for_room: Duration::from_secs(2),
            limits: LineLimits::default(),
            retention: Retention::default(),
            delete_after: Duration::from_secs(24 * 3600),
            filters: None,
            sync: SyncPolicy::default(),
            wal_level: 1,
            reserve_bytes: 64 << 20,
            parts: PartOptions::FRESH,
            merge: MergeOptions::FAST,
            dense: MergeOptions::DENSE,
            merged_bytes_max: 4 << 30,
            parts_max: 800,
            dense_after: Duration::from_secs(3600),
            dense_quiet: Duration::from_secs(60),
            background: true,
            hook: None,
            pressure: Pressure::new(),
        }
    }
}
