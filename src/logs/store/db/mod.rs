//! The store as a whole: memory, log and parts behind one door.
//!
//! Reading order: [`settings`], `check` and `append` (lines in), `flush` (memory to parts), `select` and `volumes` (lines out), `parts`
//! (live parts), `publish` (what counts from now on), `maintain` (merges, retention), `delete`, `recover` (start),
//! `freeze` (backups), `status`.
//!
//! Locks, in the order in which they are taken: `maintenance` (one flush or deletion at a time), `compaction` (one rewriting
//! of parts), `inflight` (appends against the cut between two memories), `manifest`, `view`.

mod append;
mod check;
mod delete;
mod flush;
mod freeze;
mod maintain;
mod parts;
mod publish;
mod recover;
mod salvage;
mod select;
mod settings;
mod status;
mod volumes;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use super::deletes::Compiled;
use super::lines::Seed;
use super::manifest::Manifest;
use super::memory::Memory;
use super::part::PartError;
use super::retention::{BelievedTime, Retention};
use super::stats::{Counters, SetAside};
use super::wal::ReplayProgress;
use crate::base::cancel::{Cancel, Stop};
use crate::base::clock::SharedClock;
use crate::logs::model::read::SelectLinesError;
use crate::platform::disk::log::{Packer, SyncPolicy, Wal, WalError};
use crate::platform::disk::rounds::{Background, Bell, Rounds, Threads};
use crate::platform::disk::{DirLock, LockError};

use check::Rates;
use parts::{Absent, LivePart};

pub use check::LineLimits;
pub use delete::DeleteError;
pub use settings::StoreSettings;

/// Folder of the log in the data directory.
const WAL_DIR: &str = "wal";
/// Folder of the parts.
const PARTS_DIR: &str = "parts";
/// Folder of what cannot be read.
const QUARANTINE_DIR: &str = "quarantine";
/// Length of a day, in nanoseconds: a part holds lines of one.
const DAY_NS: i64 = 86_400_000_000_000;
/// By how much the merging thread is nicer than the others.
const MERGE_NICENESS: i32 = 10;
/// The thread that writes memory to parts.
const FLUSHING: &str = "logs-flush";
/// How often it looks whether there is something to do.
const FLUSH_CHECK_EVERY: Duration = Duration::from_secs(1);
/// And the one that merges and retires.
const MAINTENANCE_EVERY: Duration = Duration::from_secs(5);

/// Why the store cannot be opened, or something in the background failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else works on the data directory, or it cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A part cannot be written or read.
    #[error(transparent)]
    Part(#[from] PartError),
    /// Lines cannot be read.
    #[error(transparent)]
    Read(#[from] SelectLinesError),
    /// The log does not take writes.
    #[error(transparent)]
    Log(#[from] WalError),
}

impl StoreError {
    fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }

    fn is_stop(&self) -> bool {
        matches!(self, Self::Part(PartError::Stopped(_)) | Self::Read(SelectLinesError::Stopped(_)))
    }
}

/// Storage of lines. Cheap to share behind an `Arc`; all methods take `&self`.
pub struct Store {
    core: Arc<Core>,
    threads: Threads,
}

/// Everything that is visible at one moment. Lines only ever move from left to right, and a reader holds all three.
#[derive(Clone)]
struct View {
    active: Arc<Memory>,
    /// On its way to parts.
    frozen: Option<Arc<Memory>>,
    /// By day and number.
    parts: Arc<[Arc<LivePart>]>,
    /// Parts that count and cannot be opened now.
    absent: Arc<[Absent]>,
    /// Deletions that are not done, by number.
    deletes: Arc<[Arc<Compiled>]>,
}

/// What the threads share.
struct Core {
    settings: StoreSettings,
    clock: SharedClock,
    seed: Seed,
    limits: RwLock<Arc<LineLimits>>,
    retention: RwLock<Arc<Retention>>,
    /// What time it is for whatever removes lines.
    time: Mutex<BelievedTime>,
    rates: Rates,
    wal: Wal,
    packer: Packer,
    scratch: Mutex<Vec<append::Scratch>>,
    counters: Counters,
    view: RwLock<Arc<View>>,
    manifest: Mutex<Manifest>,
    /// Held for reading while lines go to the log's queue and to memory.
    inflight: RwLock<()>,
    maintenance: Mutex<flush::Frozen>,
    compaction: Mutex<()>,
    /// When lines came to parts of a day last, for days that are packed soon.
    days_flushed: Mutex<BTreeMap<i64, Duration>>,
    /// Told when memory was frozen or written, for appenders that wait for room.
    roomy: Condvar,
    room_lock: Mutex<()>,
    flush_wake: Bell,
    merge_wake: Bell,
    sync_wake: Bell,
    closed: AtomicBool,
    /// Bytes that parts and log may take besides what the settings say, 0 = any.
    bytes_max: AtomicU64,
    /// Raised by [`Store::close`].
    stop: Cancel,
    /// What failed last, by what was done; removed by success.
    background_errors: Mutex<BTreeMap<&'static str, String>>,
    set_aside: Mutex<Vec<SetAside>>,
    replay_ms: u64,
    _lock: DirLock,
}

impl Store {
    /// Opens or creates the store in the data directory and reads the log back.
    ///
    /// # Errors
    /// When another process has it, or the disk refuses.
    pub fn open(settings: StoreSettings, clock: SharedClock) -> Result<Self, StoreError> {
        Self::open_watched(settings, clock, &ReplayProgress::default())
    }

    /// [`Self::open`], while others watch how far it is.
    ///
    /// # Errors
    /// As there.
    pub fn open_watched(settings: StoreSettings, clock: SharedClock, progress: &ReplayProgress) -> Result<Self, StoreError> {
        let core = Arc::new(Core::recover(settings, clock, progress)?);
        let store = Self { core: Arc::clone(&core), threads: Threads::default() };
        if core.settings.background {
            store.start(&core)?;
        }
        Ok(store)
    }

    fn start(&self, core: &Arc<Core>) -> Result<(), StoreError> {
        let failed = || StoreError::io("start a thread for", &core.settings.dir);
        let flush = Rounds::<Core> {
            name: FLUSHING,
            bell: |core| &core.flush_wake,
            every: FLUSH_CHECK_EVERY,
            niceness: 0,
            round: Core::flush_round,
        };
        // Lines and queries come before merging.
        let merge = Rounds::<Core> {
            name: "logs-merge",
            bell: |core| &core.merge_wake,
            every: MAINTENANCE_EVERY,
            niceness: MERGE_NICENESS,
            round: Core::merge_round,
        };
        self.threads.start(core, flush).map_err(failed())?;
        self.threads.start(core, merge).map_err(failed())?;
        if let SyncPolicy::Interval(every) = core.settings.sync {
            let round: fn(&Core) -> Option<Duration> = |core| {
                // A failure is kept by the log, counted and shown in the status; the next append repairs it.
                core.wal.sync();
                None
            };
            let sync = Rounds::<Core> { name: "logs-sync", bell: |core| &core.sync_wake, every, niceness: 0, round };
            self.threads.start(core, sync).map_err(failed())?;
        }
        Ok(())
    }

    /// Stops background work, writes and syncs the log. Appends after it are refused; reads go on. Quick: what is in memory
    /// is read back from the log by the next start.
    pub fn close(&self) {
        let core = &self.core;
        core.closed.store(true, Ordering::Release);
        core.stop.raise(Stop::Cancelled);
        for bell in [&core.flush_wake, &core.merge_wake, &core.sync_wake] {
            bell.ring();
        }
        core.notify_room();
        self.threads.join();
        // Whoever is in the middle of an append comes to its end first.
        drop(core.inflight.write());
        core.wal.close();
    }

    /// Other limits from now on.
    pub fn set_limits(&self, limits: LineLimits) {
        *self.core.limits.write() = Arc::new(limits);
    }

    /// Another retention from now on.
    pub fn set_retention(&self, retention: Retention) {
        *self.core.retention.write() = Arc::new(retention);
        self.core.merge_wake.ring();
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
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read())
    }

    /// The time by which lines go, in milliseconds since the Unix epoch.
    fn believed_now_ms(&self) -> i64 {
        self.time.lock().now(self.clock.now_ms(), self.clock.monotonic())
    }

    fn parts_dir(&self) -> PathBuf {
        self.settings.dir.join(PARTS_DIR)
    }

    fn notify_room(&self) {
        drop(self.room_lock.lock());
        self.roomy.notify_all();
    }

    /// A step of work was taken; tests stop here.
    fn step(&self, taken: &'static str) -> Result<(), StoreError> {
        step(&self.settings, taken)
    }

    /// Whether there is room on the disk for so many bytes more.
    fn check_space(&self, needed: u64, doing: &'static str) -> Result<(), StoreError> {
        let dir = &self.settings.dir;
        let actual = crate::platform::disk::free_bytes(dir).map_err(StoreError::io("look for free space in", dir))?;
        let free = self.settings.hook.as_ref().map_or(actual, |hook| hook.free_bytes(actual));
        if free < needed {
            let source = io::Error::new(io::ErrorKind::StorageFull, format!("{needed} bytes are needed, {free} are free"));
            return Err(StoreError::Io { doing, path: dir.clone(), source });
        }
        Ok(())
    }

    fn note_background(&self, doing: &'static str, result: &Result<(), StoreError>) {
        let mut errors = self.background_errors.lock();
        match result {
            Ok(()) => {
                errors.remove(doing);
            }
            Err(error) if error.is_stop() => {}
            Err(error) => {
                if errors.insert(doing, format!("cannot {doing}: {error}")).is_none() {
                    tracing::error!(error = %error, "log storage cannot {doing}; it is tried again");
                }
            }
        }
    }
}

fn step(settings: &StoreSettings, taken: &'static str) -> Result<(), StoreError> {
    match &settings.hook {
        Some(hook) => hook.step(taken).map_err(StoreError::io(taken, &settings.dir)),
        None => Ok(()),
    }
}

/// Where parts of a data directory are.
fn parts_dir(dir: &Path) -> PathBuf {
    dir.join(PARTS_DIR)
}

impl Background for Core {
    fn is_over(&self) -> bool {
        self.is_closed()
    }

    fn panicked(&self, thread: &'static str, message: &str) {
        self.counters.panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(thread, message, "work on log storage failed unexpectedly; it is tried again");
        self.background_errors.lock().insert(thread, format!("{thread} failed unexpectedly: {message}"));
    }

    fn went_well(&self, thread: &'static str) {
        tracing::info!(thread, "work on log storage goes on");
        self.background_errors.lock().remove(thread);
    }
}

#[cfg(test)]
mod tests;
