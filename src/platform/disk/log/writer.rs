//! Writing the log: one queue of records, whoever comes first writes for all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::frame::Format;
use super::segments::{SegmentInfo, segment_path};
use crate::base::clock::SharedClock;
use crate::platform::disk::{self, SharedHook};

/// What every segment begins with takes so much.
const MAGIC_BYTES: u64 = 8;
/// After a failure the disk is left alone for so long.
const COOL_DOWN: Duration = Duration::from_secs(1);
/// Free space is looked at again after so long.
const SPACE_CHECK: Duration = Duration::from_secs(1);

/// When records are synced to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before an append is acknowledged, unless it asks not to wait. Nothing acknowledged is lost when power fails.
    EveryCommit,
    /// In the background, so often. A power cut costs at most so much; a crash of the process costs nothing.
    Interval(Duration),
    /// When the kernel likes.
    Never,
}

impl Default for SyncPolicy {
    /// Every second.
    fn default() -> Self {
        Self::Interval(Duration::from_secs(1))
    }
}

/// Where and how to write.
#[derive(Clone)]
pub struct WalOptions {
    /// Folder of the segments; it exists.
    pub dir: PathBuf,
    /// What segments begin with.
    pub format: Format,
    /// What is logged, in the plural, for messages.
    pub what: &'static str,
    /// A segment is finished when it is this large.
    pub segment_bytes: u64,
    /// When to sync.
    pub sync: SyncPolicy,
    /// Writes are refused while less than this is free on the disk, so that compaction and deletion can go on.
    pub reserve_bytes: u64,
    /// Faults, in tests.
    pub hook: SharedHook,
    /// For cool-downs.
    pub clock: SharedClock,
}

/// What the log did so far.
#[derive(Debug, Default)]
pub struct WalCounters {
    /// Bytes written to segments.
    pub bytes_written: AtomicU64,
    /// Times written (groups of appends).
    pub writes: AtomicU64,
    /// Syncs.
    pub syncs: AtomicU64,
    /// Writes and syncs that failed.
    pub failures: AtomicU64,
    /// Appends refused because the disk did not take writes.
    pub refused: AtomicU64,
}

/// Why a record is not safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalError {
    /// The disk is full or failing; in words.
    #[error("{0}")]
    Unavailable(String),
    /// [`Wal::close`] was called.
    #[error("log is closed")]
    Closed,
}

/// The log, open for writing.
pub struct Wal {
    options: WalOptions,
    state: Mutex<State>,
    changed: Condvar,
    counters: WalCounters,
}

#[derive(Default)]
struct State {
    file: Option<File>,
    number: u64,
    /// Length up to which the open segment is good.
    good_len: u64,
    segment_max_ts: i64,
    finished: Vec<SegmentInfo>,
    pending: Vec<u8>,
    pending_max_ts: i64,
    pushed: u64,
    written: u64,
    synced: u64,
    writing: bool,
    failure: Option<Failure>,
    space_checked: Option<Duration>,
    closed: bool,
}

#[derive(Clone)]
struct Failure {
    message: String,
    at: Duration,
}

impl Wal {
    /// Continues after the segments in `finished`; the next segment is created by the first write.
    pub fn open(options: WalOptions, finished: Vec<SegmentInfo>, next: u64) -> Self {
        let state = State { finished, number: next, segment_max_ts: i64::MIN, pending_max_ts: i64::MIN, ..State::default() };
        Self { options, state: Mutex::new(state), changed: Condvar::new(), counters: WalCounters::default() }
    }

    /// Counters.
    pub fn counters(&self) -> &WalCounters {
        &self.counters
    }

    /// Folder of the segments.
    pub fn dir(&self) -> &Path {
        &self.options.dir
    }

    /// Why writes are refused now, if they are.
    pub fn failure(&self) -> Option<String> {
        self.state.lock().failure.as_ref().map(|failure| failure.message.clone())
    }

    /// Whether appends may come. After a failure this tries again what is left to write, but not before the cool-down is over.
    pub fn ready(&self) -> Result<(), WalError> {
        let state = self.state.lock();
        if state.closed {
            return Err(WalError::Closed);
        }
        let Some(failure) = &state.failure else { return Ok(()) };
        let refused = WalError::Unavailable(failure.message.clone());
        if self.options.clock.monotonic() < failure.at + COOL_DOWN || state.writing {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            return Err(refused);
        }
        let state = self.write_pending(state, false);
        match &state.failure {
            None => Ok(()),
            Some(failure) => {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                Err(WalError::Unavailable(failure.message.clone()))
            }
        }
    }

    /// Queues whole frames; `max_ts` is the newest time in them. The answer names them to [`Self::commit`].
    pub fn push(&self, frames: &[u8], max_ts: i64) -> u64 {
        let mut state = self.state.lock();
        if !frames.is_empty() {
            state.pending.extend_from_slice(frames);
            state.pending_max_ts = state.pending_max_ts.max(max_ts);
            state.pushed += 1;
        }
        state.pushed
    }

    /// Waits until everything up to `ticket` is written, and synced where the policy and `durable` ask for it.
    pub fn commit(&self, ticket: u64, durable: bool) -> Result<(), WalError> {
        let sync = durable && self.options.sync == SyncPolicy::EveryCommit;
        let mut state = self.state.lock();
        loop {
            if state.written >= ticket && (!sync || state.synced >= ticket) {
                return Ok(());
            }
            if state.closed {
                return Err(WalError::Closed);
            }
            if let Some(failure) = &state.failure {
                return Err(WalError::Unavailable(failure.message.clone()));
            }
            if state.writing {
                self.changed.wait(&mut state);
            } else {
                state = self.write_pending(state, sync);
            }
        }
    }

    /// Writes everything queued, then starts a new segment. Answers its number: what is pushed from now on is not before it.
    pub fn roll(&self) -> Result<u64, WalError> {
        let mut state = self.state.lock();
        while state.writing {
            self.changed.wait(&mut state);
        }
        let mut state = self.write_pending(state, false);
        if let Some(failure) = &state.failure {
            return Err(WalError::Unavailable(failure.message.clone()));
        }
        // A segment without records would only be a file more.
        if state.file.is_some() && state.good_len > MAGIC_BYTES {
            self.finish_segment(&mut state);
        }
        Ok(state.number)
    }

    /// Syncs what was written since the last sync. Called by the background thread.
    /// A failure makes the next append start a new segment.
    pub fn sync(&self) {
        let state = self.state.lock();
        let (written, number) = (state.written, state.number);
        if state.synced >= written {
            return;
        }
        let Some(file) = state.file.as_ref().and_then(|file| file.try_clone().ok()) else { return };
        drop(state);
        let synced = self.sync_file(&file);
        let mut state = self.state.lock();
        match synced {
            Ok(()) => state.synced = state.synced.max(written),
            Err(error) if state.number == number => self.fail(&mut state, &error, "sync"),
            Err(_) => {}
        }
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        let state = self.state.lock();
        let open = if state.file.is_some() { state.good_len } else { 0 };
        state.finished.iter().map(|segment| segment.bytes).sum::<u64>() + open
    }

    /// Finished segments, ascending.
    pub fn finished(&self) -> Vec<SegmentInfo> {
        self.state.lock().finished.clone()
    }

    /// Forgets finished segments before `number`; whoever calls removes the files.
    pub fn forget_before(&self, number: u64) {
        self.state.lock().finished.retain(|segment| segment.number >= number);
    }

    /// Writes and syncs what is queued and takes nothing more.
    pub fn close(&self) {
        let mut state = self.state.lock();
        while state.writing {
            self.changed.wait(&mut state);
        }
        let mut state = self.write_pending(state, self.options.sync != SyncPolicy::Never);
        state.closed = true;
        state.file = None;
        self.changed.notify_all();
    }

    /// Writes the queue as its leader. Takes and gives back the lock; on failure the queue is as before.
    fn write_pending<'a>(&'a self, mut state: MutexGuard<'a, State>, sync: bool) -> MutexGuard<'a, State> {
        state.writing = true;
        let group = std::mem::take(&mut state.pending);
        let group_max_ts = std::mem::replace(&mut state.pending_max_ts, i64::MIN);
        let ticket = state.pushed;
        let prepared = self.prepare(&mut state, group.len());
        let clone = prepared.and_then(|()| match &state.file {
            Some(file) => file.try_clone(),
            None => Err(io::Error::other("no segment is open")),
        });
        let result = match clone {
            Ok(file) => MutexGuard::unlocked(&mut state, || {
                self.write_all(&file, &group).map_err(|error| ("write", error))?;
                if sync { self.sync_file(&file).map_err(|error| ("sync", error)) } else { Ok(()) }
            }),
            Err(error) => Err(("write", error)),
        };
        state.writing = false;
        match result {
            Ok(()) => {
                state.good_len += group.len() as u64;
                state.segment_max_ts = state.segment_max_ts.max(group_max_ts);
                state.written = ticket;
                if sync {
                    state.synced = ticket;
                }
                if state.failure.take().is_some() {
                    tracing::info!("the log can be written again, {} are taken", self.options.what);
                }
                self.counters.bytes_written.fetch_add(group.len() as u64, Ordering::Relaxed);
                self.counters.writes.fetch_add(1, Ordering::Relaxed);
                if state.pending.is_empty() && state.pending.capacity() == 0 && group.capacity() <= 8 << 20 {
                    // The next group reuses the memory.
                    let mut group = group;
                    group.clear();
                    state.pending = group;
                }
            }
            Err((doing, error)) => {
                let later = std::mem::replace(&mut state.pending, group);
                state.pending.extend_from_slice(&later);
                state.pending_max_ts = state.pending_max_ts.max(group_max_ts);
                self.fail(&mut state, &error, doing);
            }
        }
        self.changed.notify_all();
        state
    }

    fn fail(&self, state: &mut State, error: &io::Error, doing: &str) {
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        // Cut off what a short write left. If that fails too, reading back stops at the good part by checksum.
        let cut = state.file.as_ref().is_some_and(|file| file.set_len(state.good_len).is_ok());
        if doing == "sync" || !cut {
            // After a failed sync the kernel may have dropped the pages: never trust this file again.
            self.abandon_segment(state);
        }
        let message = format!("cannot {doing} the write-ahead log: {error}");
        if state.failure.is_none() {
            let what = self.options.what;
            tracing::error!(error = %message, "the log cannot be written, {what} are refused until it can; reading goes on");
        }
        state.failure = Some(Failure { message, at: self.options.clock.monotonic() });
    }

    fn abandon_segment(&self, state: &mut State) {
        if state.file.take().is_some() {
            let info = SegmentInfo { number: state.number, bytes: state.good_len, max_ts: state.segment_max_ts };
            state.finished.push(info);
            state.number += 1;
            state.segment_max_ts = i64::MIN;
        }
    }

    fn finish_segment(&self, state: &mut State) {
        if self.options.sync != SyncPolicy::Never
            && let Some(file) = &state.file
            && self.sync_file(file).is_ok()
        {
            state.synced = state.written;
        }
        self.abandon_segment(state);
    }

    /// Sees to it that a segment is open and that there is space.
    fn prepare(&self, state: &mut State, incoming: usize) -> io::Result<()> {
        self.check_space(state)?;
        if state.file.is_some() && state.good_len > MAGIC_BYTES && state.good_len + incoming as u64 > self.options.segment_bytes {
            self.finish_segment(state);
        }
        if state.file.is_none() {
            let path = segment_path(&self.options.dir, state.number);
            let file = File::options().append(true).create(true).open(&path)?;
            file.set_len(0)?;
            self.write_all(&file, &self.options.format.magic)?;
            if self.options.sync != SyncPolicy::Never {
                disk::sync_dir(&self.options.dir)?;
            }
            state.good_len = MAGIC_BYTES;
            state.segment_max_ts = i64::MIN;
            state.file = Some(file);
        }
        Ok(())
    }

    fn check_space(&self, state: &mut State) -> io::Result<()> {
        let now = self.options.clock.monotonic();
        if self.options.reserve_bytes == 0 || (state.failure.is_none() && state.space_checked.is_some_and(|at| now < at + SPACE_CHECK)) {
            return Ok(());
        }
        state.space_checked = Some(now);
        let actual = disk::free_bytes(&self.options.dir)?;
        let free = self.options.hook.as_ref().map_or(actual, |hook| hook.free_bytes(actual));
        if free < self.options.reserve_bytes {
            let text = format!("only {free} bytes are free on the disk, {} are kept in reserve", self.options.reserve_bytes);
            return Err(io::Error::new(io::ErrorKind::StorageFull, text));
        }
        Ok(())
    }

    fn write_all(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        let Some(hook) = &self.options.hook else { return file.write_all(bytes) };
        let allowed = hook.write(bytes.len())?.min(bytes.len());
        file.write_all(&bytes[..allowed])?;
        if allowed < bytes.len() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        if let Some(hook) = &self.options.hook {
            hook.sync()?;
        }
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        file.sync_data()
    }
}
