//! The store as a whole: head, log and blocks behind one door.
//!
//! Reading order: [`settings`], `append` (samples in), `flush` (head to blocks), [`crate::metrics::store::select`]
//! (samples out), `maintain` (compaction, retention), `delete`, `recover` (start), `status`.

mod append;
mod blocks;
mod delete;
mod flush;
mod maintain;
mod recover;
mod settings;
mod snapshot;
mod status;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use super::block::BlockError;
use super::exemplars::Exemplars;
use super::head::Head;
use super::metadata::MetadataTable;
use super::stats::{Counters, ReplayStatus, SetAside};
use super::wal::{self, Flushed, Packer, SyncPolicy, Wal, WalOptions};
use crate::base::clock::SharedClock;
use crate::platform::disk::{DirLock, LockError};

pub use blocks::{BlockList, BlockSet, LiveBlock};
pub use recover::ReplayProgress;
pub use settings::StoreSettings;

/// Folder of the log in the data directory.
const WAL_DIR: &str = "wal";
/// Folder of the blocks.
const BLOCKS_DIR: &str = "blocks";
/// How often the background thread looks whether there is something to do.
const MAINTENANCE_EVERY: Duration = Duration::from_secs(2);

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
    threads: Mutex<Vec<JoinHandle<()>>>,
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
    packer: Packer,
    scratch: Mutex<Vec<append::Scratch>>,
    /// Held for reading from the first change in memory until the records are queued.
    inflight: RwLock<()>,
    /// One flush, compaction, deletion or snapshot at a time.
    maintenance: Mutex<MaintenanceState>,
    /// Told after every flush, for appenders that wait.
    flushed: Condvar,
    flush_lock: Mutex<()>,
    /// Latest time that the clock ever showed.
    latest_now: AtomicI64,
    closed: AtomicBool,
    wake: Condvar,
    wake_lock: Mutex<bool>,
    background_error: Mutex<Option<String>>,
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
        let store = Self { core: Arc::clone(&core), threads: Mutex::default() };
        if core.settings.background {
            store.start(&core)?;
        }
        Ok(store)
    }

    fn start(&self, core: &Arc<Core>) -> Result<(), StoreError> {
        let failed = || StoreError::io("start a thread for", core.settings.dir.clone());
        let mut threads = self.threads.lock();
        let maintainer = Arc::clone(core);
        let spawned = std::thread::Builder::new().name("metrics-maintain".to_owned()).spawn(move || {
            while maintainer.sleep(MAINTENANCE_EVERY) {
                maintainer.maintain_logged();
            }
        });
        threads.push(spawned.map_err(failed())?);
        if let SyncPolicy::Interval(every) = core.settings.sync {
            let syncer = Arc::clone(core);
            let spawned = std::thread::Builder::new().name("metrics-sync".to_owned()).spawn(move || {
                while syncer.pause(every) {
                    syncer.sync_logged();
                }
            });
            threads.push(spawned.map_err(failed())?);
        }
        Ok(())
    }

    /// Stops background work, writes and syncs the log. Appends after it are refused; reads go on. Quick.
    pub fn close(&self) {
        self.core.closed.store(true, Ordering::Release);
        self.core.wake();
        for thread in self.threads.lock().drain(..) {
            // A thread that panicked has nothing more to say here.
            drop(thread.join());
        }
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

    /// Waits until there may be something to do; false when closed.
    fn sleep(&self, at_most: Duration) -> bool {
        let mut woken = self.wake_lock.lock();
        if !*woken && !self.is_closed() {
            self.wake.wait_for(&mut woken, at_most);
        }
        *woken = false;
        !self.is_closed()
    }

    /// Waits without being woken but by closing; false when closed.
    fn pause(&self, at_most: Duration) -> bool {
        let mut woken = self.wake_lock.lock();
        if !self.is_closed() {
            self.wake.wait_for(&mut woken, at_most);
        }
        !self.is_closed()
    }

    fn wake(&self) {
        *self.wake_lock.lock() = true;
        self.wake.notify_all();
    }

    fn sync_logged(&self) {
        // The failure is kept by the log, counted, and shown in the status; the next append repairs it.
        drop(self.wal.sync());
    }
}

#[cfg(test)]
mod tests;
