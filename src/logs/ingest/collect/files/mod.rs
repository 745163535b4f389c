//! Lines from files: found by patterns, followed through rotation by renaming and by copying, each line exactly once.
//!
//! One thread does it. It looks at every file, cuts what is new into slices of whole lines ([`tail`]), writes into the journal
//! which bytes these are ([`positions`]), stores them, and notes that it did. When the store is busy the thread waits, and
//! the lines wait in their files. What a file is called does not matter: it is known by its inode and its content ([`source`]).

mod carry;
mod copies;
mod finder;
pub(crate) mod glob;
mod positions;
mod source;
mod tail;
#[cfg(test)]
mod tests;
pub(crate) mod thread;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use encoding_rs::Encoding;
use parking_lot::Mutex;

use finder::{Dormant, siblings};
use glob::Pattern;
use positions::{Positions, Record, Slice};
use source::{Inode, Source};
use tail::{Looked, Tail};
use watch::Watch;

use super::docker_files;
use crate::base::clock::SharedClock;
use crate::logs::ingest::counts::DoorCounts;
use crate::logs::ingest::rated;
use crate::logs::ingest::stage::Pipeline;
use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{AppendLines, AppendLinesError};
use crate::series::labels::Labels;

/// Bytes of lines that are stored at once.
const BATCH_BYTES: usize = 1 << 20;
/// Most bytes of one slice.
const SLICE_BYTES_MAX: usize = 32 << 20;
/// How often patterns are matched anew without notice of a change, in milliseconds.
const SCAN_MS: i64 = 1_000;
/// How long a file that no pattern finds any more is followed after its last line, in milliseconds: programs write on into a
/// renamed file until they are told to open a new one.
const ROTATED_QUIET_MS: i64 = 10 * 60_000;
/// The same for a file that was deleted.
const DELETED_QUIET_MS: i64 = 5_000;
/// How long the thread sleeps without notice of a change.
const NAP: Duration = Duration::from_millis(250);
/// How long it sleeps while lines come, so that they come in larger slices.
const SHORT_NAP: Duration = Duration::from_millis(20);
/// First and longest time between attempts to store.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// Bytes that must have been read of a file before another with the same beginning counts as its copy.
const KNOWN_BYTES_MIN: u64 = 128;
/// Most files followed at once; fewer where the system allows few open files.
const TAILS_MAX: usize = 10_000;
/// Files that cannot be read of which is told.
const UNREADABLE_MAX: usize = 100;
/// How far the clock may be set back without times of lines standing still, in nanoseconds.
const SET_BACK_NS: i64 = 5_000_000_000;
/// Longest time between two matchings of patterns, in milliseconds.
const SCAN_MS_MAX: i64 = 60_000;
/// How long a file that could not be read is left alone, in milliseconds.
const FAILED_MS: i64 = 10_000;

/// Files to read, with the labels of their lines.
#[derive(Debug, Clone)]
pub(crate) struct FileTarget {
    pub(crate) pattern: Pattern,
    pub(crate) exclude: Option<Pattern>,
    pub(crate) labels: Labels,
    /// Whether they lie beside Docker's files about their containers.
    pub(crate) is_docker: bool,
}

/// A job that reads files.
#[derive(Debug, Clone)]
pub(crate) struct FileJob {
    pub(crate) name: String,
    pub(crate) targets: Vec<FileTarget>,
    pub(crate) pipeline: Pipeline,
    /// How their texts are written.
    pub(crate) encoding: &'static Encoding,
}

/// What the thread shows to others.
#[derive(Debug, Default)]
pub(crate) struct FileStats {
    pub(crate) followed: AtomicU64,
    pub(crate) behind_bytes: AtomicU64,
    pub(crate) rotations: AtomicU64,
    pub(crate) cut_off: AtomicU64,
    pub(crate) errors: AtomicU64,
    /// Files that cannot be read now, folders that cannot be listed, and why.
    unreadable: Mutex<BTreeMap<PathBuf, String>>,
    folders: Mutex<BTreeMap<PathBuf, String>>,
}

impl FileStats {
    /// Files and folders that cannot be read now, and why.
    pub(crate) fn unreadable(&self) -> Vec<(String, String)> {
        let shown = |(path, why): (&PathBuf, &String)| (path.display().to_string(), why.clone());
        self.unreadable.lock().iter().chain(self.folders.lock().iter()).map(shown).collect()
    }

    /// Notes why a file is not read. Whether that is new.
    fn deny(&self, path: &Path, why: &str) -> bool {
        let mut all = self.unreadable.lock();
        if all.len() >= UNREADABLE_MAX && !all.contains_key(path) {
            return false;
        }
        all.insert(path.to_owned(), why.to_owned()).is_none_or(|before| before != why)
    }

    fn allow(&self, path: &Path) {
        self.unreadable.lock().remove(path);
    }

    fn deny_folders(&self, now: BTreeMap<PathBuf, String>) {
        let mut before = self.folders.lock();
        for (folder, why) in now.iter().filter(|(folder, _)| !before.contains_key(*folder)) {
            tracing::warn!(folder = %folder.display(), %why, "log files may not be found");
        }
        *before = now;
        // A file that is gone, or in a folder that is, is nobody's trouble any more.
        self.unreadable.lock().retain(|path, _| path.symlink_metadata().is_ok());
    }
}

/// From what the collector is made.
#[derive(Clone)]
pub(crate) struct FilesSetup {
    pub(crate) jobs: Vec<FileJob>,
    /// Where the journal of positions stands.
    pub(crate) positions: PathBuf,
    pub(crate) append: Arc<dyn AppendLines>,
    pub(crate) clock: SharedClock,
    pub(crate) counts: Arc<DoorCounts>,
    pub(crate) stats: Arc<FileStats>,
    pub(crate) stop: Arc<AtomicBool>,
}

/// The collector of files.
pub(crate) struct Files {
    jobs: Vec<FileJob>,
    positions: Positions,
    append: Arc<dyn AppendLines>,
    clock: SharedClock,
    counts: Arc<DoorCounts>,
    stats: Arc<FileStats>,
    stop: Arc<AtomicBool>,
    tails: Vec<Followed>,
    dormant: HashMap<(usize, Inode), Dormant>,
    /// The first time that no line without one of its own has.
    next_ns: i64,
    first_scan: bool,
    /// Whether very many files came to be known at once.
    many_are_new: bool,
    tails_max: usize,
    /// Whether files may have come to be known anew.
    scans_now: bool,
    /// Whether it is known of each file which one is to be read before it.
    is_lined_up: bool,
    /// With which file the next round begins.
    turn: usize,
    batch: LineBatch,
}

struct Followed {
    job: usize,
    tail: Tail,
    inode: Inode,
}

/// A quarter of the open files that the system allows, since connections and storage need some too.
fn tails_max() -> usize {
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(allowed / 4).unwrap_or(usize::MAX).clamp(16, TAILS_MAX)
}

/// The thread ends: the server stops, or the store is closed.
struct Stopped;

impl Files {
    /// Reads the journal, and stores what was begun and may not have been stored.
    pub(crate) fn open(setup: FilesSetup) -> io::Result<Self> {
        let FilesSetup { jobs, positions, append, clock, counts, stats, stop } = setup;
        Ok(Self {
            jobs,
            positions: Positions::open(&positions)?,
            append,
            clock,
            counts,
            stats,
            stop,
            tails: Vec::new(),
            dormant: HashMap::new(),
            next_ns: i64::MIN,
            first_scan: true,
            many_are_new: false,
            tails_max: tails_max(),
            scans_now: false,
            is_lined_up: true,
            turn: 0,
            batch: LineBatch::new(),
        })
    }

    /// Reads until it is told to stop. Blocking.
    pub(crate) fn run(mut self) {
        let mut watch = Watch::new();
        if self.replay().is_err() {
            return;
        }
        let mut scanned_ms = i64::MIN;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let now = self.monotonic_ms();
            let since_ms = now.saturating_sub(scanned_ms);
            self.scans_now |= watch.take_changed_names();
            if since_ms >= SCAN_MS || (self.scans_now && since_ms >= 0) {
                self.scans_now = false;
                let folders = self.scan();
                watch.follow(folders);
                // Matching patterns takes a twentieth of the time at most.
                let took = self.monotonic_ms().saturating_sub(now);
                scanned_ms = now.saturating_add(took.saturating_mul(20).min(SCAN_MS_MAX));
            }
            match self.round() {
                Ok(true) => watch.nap(SHORT_NAP),
                Ok(false) => watch.wait(NAP),
                Err(Stopped) => return,
            }
        }
    }

    fn monotonic_ms(&self) -> i64 {
        i64::try_from(self.clock.monotonic().as_millis()).unwrap_or(i64::MAX)
    }

    fn now_ns(&self) -> i64 {
        self.clock.now_ms().saturating_mul(1_000_000)
    }

    /// The time that the next line without one of its own gets: now, and later than any before, unless the clock was far ahead.
    const fn base(&self, now_ns: i64) -> i64 {
        if self.next_ns > now_ns && self.next_ns.saturating_sub(now_ns) <= SET_BACK_NS { self.next_ns } else { now_ns }
    }

    /// Looks at every file and stores what is new. Whether anything was.
    fn round(&mut self) -> Result<bool, Stopped> {
        self.hand_over()?;
        let now_ns = self.now_ns();
        let mut base = self.base(now_ns);
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        let (mut slices, mut replaced, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        let mut any = false;
        let count = self.tails.len();
        for step in 0..count {
            let at = (self.turn + step) % count;
            let tail = &mut self.tails[at].tail;
            if tail.after.is_some() || tail.waits(now_ns) {
                continue;
            }
            match tail.look(now_ns) {
                Ok(Looked::Read) => {
                    any = true;
                    tail.quiet_since_ms = None;
                }
                Ok(Looked::Idle) => {}
                Ok(Looked::Replaced) => {
                    replaced.push(tail.id);
                    continue;
                }
                Err(error) => {
                    failed.push((tail.id, error));
                    continue;
                }
            }
            slices.extend(tail.take_slice(&mut batch, &mut base));
            if batch.text.len() >= BATCH_BYTES {
                self.turn = (at + 1) % count;
                break;
            }
        }
        self.next_ns = base;
        any |= !slices.is_empty();
        let stored = self.store(slices, &batch);
        self.batch = batch;
        stored?;
        self.scans_now |= !replaced.is_empty();
        for id in replaced {
            self.replaced(id)?;
        }
        self.drop_failed(&failed);
        self.finish();
        let behind = self.tails.iter().fold(0_u64, |sum, followed| sum.saturating_add(followed.tail.behind()));
        self.stats.behind_bytes.store(behind, Ordering::Relaxed);
        self.stats.followed.store(self.tails.len() as u64, Ordering::Relaxed);
        Ok(any)
    }

    /// Stores a batch, with the journal written before and after.
    fn store(&mut self, slices: Vec<Slice>, batch: &LineBatch) -> Result<(), Stopped> {
        if slices.is_empty() {
            return Ok(());
        }
        self.insist(|files| files.positions.begin(slices.clone()))?;
        self.append(batch)?;
        self.insist(|files| files.positions.done())
    }

    /// Does something with the journal until it works: without the journal lines could be stored twice.
    fn insist(&mut self, mut work: impl FnMut(&mut Self) -> io::Result<()>) -> Result<(), Stopped> {
        let mut wait = RETRY.0;
        while let Err(error) = work(self) {
            self.stats.errors.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "the positions of log files cannot be written; files are read on when they can");
            self.pause(&mut wait)?;
        }
        Ok(())
    }

    fn append(&mut self, batch: &LineBatch) -> Result<(), Stopped> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut wait = RETRY.0;
        let mut left: Option<LineBatch> = None;
        loop {
            match self.append.append(left.as_ref().unwrap_or(batch)) {
                Ok(report) => {
                    let later = rated::later(left.as_ref().unwrap_or(batch), &report);
                    self.counts.refused(&rated::without_rates(report));
                    if let Some(later) = later {
                        left = Some(later);
                        self.counts.waits.inc();
                        self.pause(&mut wait)?;
                        continue;
                    }
                    self.counts.lines.add(batch.lines.len() as u64);
                    self.counts.bytes.add(batch.text.len() as u64);
                    return Ok(());
                }
                Err(AppendLinesError::Closed) => return Err(Stopped),
                Err(AppendLinesError::Busy | AppendLinesError::Unavailable(_)) => {
                    self.counts.waits.inc();
                    self.pause(&mut wait)?;
                }
            }
        }
    }

    fn pause(&self, wait: &mut Duration) -> Result<(), Stopped> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        std::thread::sleep(*wait);
        *wait = (*wait * 2).min(RETRY.1);
        Ok(())
    }

    /// A file was cut off or written over: goes on in the copy that was made before, if there is one.
    fn replaced(&mut self, id: u64) -> Result<(), Stopped> {
        let Some(at) = self.tails.iter().position(|followed| followed.tail.id == id) else { return Ok(()) };
        let path = self.tails[at].tail.path.clone();
        let taken: Vec<Inode> = self.tails.iter().map(|followed| followed.inode).collect();
        let tail = &self.tails[at].tail;
        let copy = if tail.is_known_well() {
            siblings(&path).into_iter().find_map(|path| {
                let (mut source, stat) = Source::open(&path).ok()?;
                (!taken.contains(&stat.inode) && tail.is_continued_by(&mut source)).then_some((path, source, stat))
            })
        } else {
            None
        };
        if let Some((copy, source, stat)) = copy {
            tracing::debug!(file = %path.display(), copy = %copy.display(), "a log file was copied and cut off; reading the rest of the copy");
            self.stats.rotations.fetch_add(1, Ordering::Relaxed);
            if let Some(record) = self.positions.get(self.tails[at].tail.id).cloned() {
                self.insist(|files| files.positions.put(Record { inode: stat.inode, ..record.clone() }))?;
            }
            let followed = &mut self.tails[at];
            followed.tail.is_ending = source.is_packed();
            followed.tail.move_to(source, stat);
            followed.inode = stat.inode;
            let job = followed.job;
            self.take_place(job, &path);
            self.follow_missed(job, &path, stat);
            self.line_up();
            return Ok(());
        }
        self.stats.cut_off.fetch_add(1, Ordering::Relaxed);
        tracing::info!(file = %path.display(), "a log file was cut off or written over, reading it from its beginning");
        let mut followed = self.tails.remove(at);
        if let Some(record) = self.positions.get(id).filter(|record| record.print.at == 0).cloned() {
            // Anything would be taken for its continuation.
            self.insist(|files| files.positions.put(Record { inode: Inode::NOWHERE, ..record.clone() }))?;
        }
        self.take_place(followed.job, &path);
        // What was read and not stored yet is nowhere else.
        let now_ns = self.now_ns();
        followed.tail.end_lines(now_ns);
        if self.carry_to_name(followed.job, &mut followed.tail)? {
            return Ok(());
        }
        let mut batch = LineBatch::new();
        let mut base = self.base(now_ns);
        followed.tail.let_go(base);
        let slice = followed.tail.take_slice(&mut batch, &mut base);
        self.next_ns = base;
        self.store(slice.into_iter().collect(), &batch)
    }

    /// Files that cannot be read now are opened again later.
    fn drop_failed(&mut self, failed: &[(u64, io::Error)]) {
        for (id, error) in failed {
            let Some(at) = self.tails.iter().position(|followed| followed.tail.id == *id) else { continue };
            let followed = self.tails.remove(at);
            self.stats.errors.fetch_add(1, Ordering::Relaxed);
            if self.stats.deny(&followed.tail.path, &error.to_string()) {
                tracing::warn!(file = %followed.tail.path.display(), %error, "a log file cannot be read now");
            }
            let until_ms = self.monotonic_ms().saturating_add(FAILED_MS);
            self.dormant.insert((followed.job, followed.inode), Dormant { stat: None, until_ms });
        }
    }

    /// Lets go of files that have come to their end.
    fn finish(&mut self) {
        let now = self.monotonic_ms();
        for followed in &mut self.tails {
            let tail = &mut followed.tail;
            let Some(since) = tail.quiet_since_ms else { continue };
            let quiet = now.saturating_sub(since);
            if quiet >= ROTATED_QUIET_MS || (quiet >= DELETED_QUIET_MS && tail.source.is_deleted()) {
                tail.is_ending = true;
            }
        }
        let dormant = &mut self.dormant;
        self.tails.retain(|Followed { job, tail, inode }| {
            let is_over = tail.is_ending && tail.has_looked() && tail.is_done();
            if is_over {
                dormant.insert((*job, *inode), Dormant { stat: Some(tail.stat), until_ms: i64::MAX });
            }
            !is_over
        });
    }

    /// Reads again what was about to be stored when the server was killed, with the same times.
    fn replay(&mut self) -> Result<(), Stopped> {
        let begun = self.positions.begun().to_vec();
        if begun.is_empty() {
            return Ok(());
        }
        let mut batch = LineBatch::new();
        for slice in &begun {
            self.next_ns = self.next_ns.max(slice.base);
            let Some(record) = self.positions.get(slice.id).cloned() else { continue };
            let Some((job, labels)) = self.target_of(&record) else { continue };
            let Some((source, stat)) = finder::locate(&record, &slice.to).or_else(|| carry::rest_of(&record)) else {
                tracing::warn!(file = %record.path.display(), "a log file is gone of which some lines may not have been stored");
                continue;
            };
            let replayed = Tail::new(&record, source, stat, &labels, &self.jobs[job]).and_then(|mut tail| tail.replay(slice, &mut batch));
            if let Err(error) = replayed {
                tracing::warn!(file = %record.path.display(), %error, "a log file cannot be read again");
            }
        }
        // No other line may have one of these times.
        self.next_ns = self.next_ns.saturating_add(batch.lines.len() as i64);
        self.append(&batch)?;
        self.insist(|files| files.positions.done())
    }

    /// The job and the labels of a file that was read before.
    fn target_of(&self, record: &Record) -> Option<(usize, Labels)> {
        let at = self.jobs.iter().position(|job| job.name == record.job)?;
        let target = self.jobs[at].targets.iter().find(|target| target.finds(&record.path))?;
        Some((at, target.labels_of(&record.path)))
    }
}

impl FileTarget {
    fn finds(&self, path: &Path) -> bool {
        self.pattern.matches(path) && !self.exclude.as_ref().is_some_and(|exclude| exclude.matches(path))
    }

    /// Labels of the lines of one of its files, with the file's name as Promtail sets it.
    fn labels_of(&self, path: &Path) -> Labels {
        let mut builder = self.labels.to_builder();
        if self.is_docker {
            docker_files::label(path, &mut builder);
        } else if builder.get("filename").is_none() {
            builder.set("filename", &path.display().to_string());
        }
        builder.build()
    }
}
