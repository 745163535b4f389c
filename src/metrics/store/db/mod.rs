//! The store as a whole: head, log and blocks behind one door.
//!
//! Reading order: [`settings`], `append` (samples in), `flush` (head to blocks), [`crate::metrics::store::select`]
//! (samples out), `maintain` (compaction, retention), `delete`, `save` (keeps the log short), `recover` (start), `status`,
//! `analyze` (a folder from outside).

mod analyze;
mod append;
mod blocks;
mod census;
mod delete;
mod flush;
mod flushed;
mod maintain;
mod recover;
mod save;
mod settings;
mod snapshot;
mod status;
mod take;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use super::block::BlockError;
use super::exemplars::Exemplars;
use super::head::Head;
use super::metadata::MetadataTable;
use super::stats::{Counters, ReplayStatus, SetAside};
use super::wal::{self, Flushed, Packer, SegmentInfo, SyncPolicy, Wal};
use crate::base::cancel::{Cancel, Stop};
use crate::base::clock::SharedClock;
use crate::platform::disk::rounds::{Background, Bell, Rounds, Threads};
use crate::platform::disk::{DirLock, LockError};
use crate::series::changes::ChangeLog;

use census::Census;

pub use analyze::{Analysis, AnalyzeError, AnalyzeOptions, analyze};
pub use blocks::{BlockSet, LiveBlock};
pub use recover::ReplayProgress;
pub use settings::StoreSettings;

/// Folder of the log in the data directory.
const WAL_DIR: &str = "wal";
/// Folder of the blocks.
const BLOCKS_DIR: &str = "blocks";
/// How often the background thread looks whether there is something to do.
const MAINTENANCE_EVERY: Duration = Duration::from_secs(2);
/// How often the log's length is looked at: a quick client fills tens of megabytes in a second, and all of them are
/// read at the next start.
const SAVE_CHECK_EVERY: Duration = Duration::from_millis(250);

/// Why the store cannot be opened, or an administrative action failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else works on the data directory, or it cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The operating system refused.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A block cannot be written or read.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The log does not take writes.
    #[error(transparent)]
    Log(#[from] wal::WalError),
    /// A series in memory cannot be decoded.
    #[error("series {series} is damaged in memory")]
    Damaged {
        /// Its labels.
        series: String,
    },
}

impl StoreError {
    fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}

/// Storage of series. Cheap to share behind an `Arc`; all methods take `&self`.
pub struct Store {
    core: Arc<Core>,
    threads: Threads,
}

/// What readers keep alive while they read.
pub struct Core {
    pub(super) settings: StoreSettings,
    pub(super) clock: SharedClock,
    pub(super) head: Head,
    pub(super) blocks: BlockSet,
    pub(super) wal: Wal,
    pub(super) exemplars: Mutex<Exemplars>,
    pub(super) metadata: RwLock<MetadataTable>,
    pub(super) counters: Counters,
    census: Census,
    /// What changed for readers, so that they can keep what they computed.
    pub(super) changes: ChangeLog,
    packer: Packer,
    scratch: Mutex<Vec<take::Scratch>>,
    /// Held for reading from the first change in memory until the records are queued.
    inflight: RwLock<()>,
    /// One flush at a time; taken before `compaction`.
    maintenance: Mutex<MaintenanceState>,
    /// Whether the next chunk file has to have all chunks, because those before have some that are not to come back.
    save_all: AtomicBool,
    /// One merge of blocks at a time.
    compaction: Mutex<()>,
    /// Told after every flush, for appenders that wait.
    flushed: Condvar,
    flush_lock: Mutex<()>,
    /// Latest time that the clock ever showed.
    latest_now: AtomicI64,
    closed: AtomicBool,
    /// Bytes that blocks and log may take besides what the settings say, 0 = any.
    bytes_max: AtomicU64,
    /// Tell the threads in the background that there may be something to do.
    flush_wake: Bell,
    save_wake: Bell,
    compact_wake: Bell,
    sync_wake: Bell,
    /// Raised by [`Store::close`]: a long merge stops.
    stop: Cancel,
    /// What failed last, by what was done; removed by success.
    background_errors: Mutex<BTreeMap<&'static str, String>>,
    set_aside: Vec<SetAside>,
    replay: ReplayStatus,
    _lock: DirLock,
}

/// What maintenance remembers.
#[derive(Debug, Default)]
struct MaintenanceState {
    /// A boundary whose flush failed and has to be done again.
    unfinished: Option<i64>,
    /// Marks for the next checkpoint.
    marks: Vec<Flushed>,
    /// Chunk files in use.
    chunk_files: Vec<SegmentInfo>,
}

impl Store {
    /// Opens or creates the store in the data directory and reads the log back.
    pub fn open(settings: StoreSettings, clock: SharedClock) -> Result<Self, StoreError> {
        Self::open_watched(settings, clock, &ReplayProgress::default())
    }

    /// [`Self::open`], while others watch how far it is.
    pub fn open_watched(settings: StoreSettings, clock: SharedClock, progress: &ReplayProgress) -> Result<Self, StoreError> {
        let lock = DirLock::take(&settings.dir)?;
        let (blocks_dir, wal_dir) = (settings.dir.join(BLOCKS_DIR), settings.dir.join(WAL_DIR));
        let blocks = BlockSet::open(&blocks_dir).map_err(StoreError::io("open blocks in", &blocks_dir))?;
        fs::create_dir_all(&wal_dir).map_err(StoreError::io("create", &wal_dir))?;
        let core = Core::recover(settings, clock, lock, blocks, wal_dir, progress)?;
        let core = Arc::new(core);
        let store = Self { core: Arc::clone(&core), threads: Threads::default() };
        if core.settings.background {
            store.start(&core)?;
        }
        Ok(store)
    }

    fn start(&self, core: &Arc<Core>) -> Result<(), StoreError> {
        let failed = || StoreError::io("start a thread for", &core.settings.dir);
        let (every, niceness) = (MAINTENANCE_EVERY, 0);
        let all = [
            Rounds::<Core> { name: "metrics-flush", bell: |core| &core.flush_wake, every, niceness, round: Core::flush_round },
            Rounds::<Core> {
                name: "metrics-save",
                bell: |core| &core.save_wake,
                every: SAVE_CHECK_EVERY,
                niceness,
                round: Core::save_round,
            },
            Rounds::<Core> { name: "metrics-merge", bell: |core| &core.compact_wake, every, niceness, round: Core::compact_round },
        ];
        for rounds in all {
            self.threads.start(core, rounds).map_err(failed())?;
        }
        if let SyncPolicy::Interval(every) = core.settings.sync {
            let round: fn(&Core) -> Option<Duration> = |core| {
                // A failure is kept by the log, counted and shown in the status; the next append repairs it.
                core.wal.sync();
                None
            };
            let sync = Rounds::<Core> { name: "metrics-sync", bell: |core| &core.sync_wake, every, niceness, round };
            self.threads.start(core, sync).map_err(failed())?;
        }
        Ok(())
    }

    /// Stops background work, writes and syncs the log. Appends after it are refused; reads go on. Quick.
    pub fn close(&self) {
        self.core.closed.store(true, Ordering::Release);
        self.core.stop.raise(Stop::Cancelled);
        for bell in [&self.core.flush_wake, &self.core.save_wake, &self.core.compact_wake, &self.core.sync_wake] {
            bell.ring();
        }
        self.threads.join();
        // Whoever is in the middle of an append comes to its end first.
        drop(self.core.inflight.write());
        self.core.wal.close();
    }

    /// The shared part, for the ports.
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !self.core.is_closed() {
            self.close();
        }
    }
}

impl Core {
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The latest time that the clock ever showed: a clock that jumps back makes no sample come from the future.
    pub(super) fn latest_now(&self) -> i64 {
        let now = self.clock.now_ms();
        self.latest_now.fetch_max(now, Ordering::AcqRel).max(now)
    }
}

impl Background for Core {
    fn is_over(&self) -> bool {
        self.is_closed()
    }

    fn panicked(&self, thread: &'static str, message: &str) {
        self.counters.panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(thread, message, "work on metric storage failed unexpectedly; it is tried again");
        self.background_errors.lock().insert(thread, format!("{thread} failed unexpectedly: {message}"));
    }

    fn went_well(&self, thread: &'static str) {
        tracing::info!(thread, "work on metric storage goes on");
        self.background_errors.lock().remove(thread);
    }
}

#[cfg(test)]
mod tests;
