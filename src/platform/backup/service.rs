//! Making backups: one at a time, streamed to whoever asks or into the server's folder, where the newest are kept.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use parking_lot::Mutex;

use super::archive;
use super::manifest::Manifest;
use super::part::Part;
use super::partial::Partial;
use crate::base::clock::SharedClock;
use crate::base::human;
use crate::base::time::format_rfc3339;
use crate::platform::disk;
use crate::platform::telemetry::metrics::{Page, Report};

/// How the names of backups begin.
pub(super) const FILE_BEGINNING: &str = "pharos-";
/// And end.
pub const FILE_END: &str = ".tar.zst";
/// Where parts put their files, below the data folder.
const STAGING: &str = "backup-staging";
/// A backup stops when less than this is left on the disk: what storage needs itself goes first.
const SPARE_BYTES: u64 = 128 << 20;
/// Free space is looked at after so many bytes.
const SPACE_EVERY: u64 = 4 << 20;

/// What backups are made of, and where they go.
pub struct BackupsOptions {
    /// The data folder.
    pub data: PathBuf,
    /// The server's folder for backups.
    pub folder: PathBuf,
    /// How many are kept there; 0 for all.
    pub keep: usize,
    /// The time.
    pub clock: SharedClock,
    /// What takes part, in the order in which it is staged.
    pub parts: Vec<Arc<dyn Part>>,
}

/// Why there is no backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// Another one is being made.
    #[error("another backup is being made; try again when it is done")]
    Busy,
    /// Something failed; in words.
    #[error("{0}")]
    Failed(String),
}

/// A backup in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFile {
    /// Name of the file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was finished (ms).
    pub made_ms: i64,
}

/// How a backup went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// When it was begun (ms): everything acknowledged before is in it.
    pub created_ms: i64,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Bytes of the files in it.
    pub content_bytes: u64,
    /// How long it took.
    pub took: Duration,
}

/// Makes backups. All calls block.
pub struct Backups {
    options: BackupsOptions,
    running: Mutex<()>,
    last: Mutex<Last>,
    successes: AtomicU64,
    failures: AtomicU64,
    /// When the schedule comes next (ms); `i64::MIN` without one.
    next_ms: AtomicI64,
}

/// The last ones.
#[derive(Debug, Clone, Default)]
struct Last {
    success: Option<Made>,
    /// When it succeeded (ms), also before the start of this process.
    success_ms: Option<i64>,
    /// Why the last one failed, if it did.
    failure: Option<(i64, String)>,
}

impl Backups {
    /// Removes what a crash left of backups under way, and looks what there is.
    pub fn new(options: BackupsOptions) -> Arc<Self> {
        let backups = Self {
            options,
            running: Mutex::default(),
            last: Mutex::default(),
            successes: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            next_ms: AtomicI64::new(i64::MIN),
        };
        backups.tidy();
        let newest = backups.list().ok().and_then(|files| files.first().map(|file| file.made_ms));
        backups.last.lock().success_ms = newest;
        Arc::new(backups)
    }

    /// The server's folder for backups.
    pub fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// How many are kept; 0 for all.
    pub fn keep(&self) -> usize {
        self.options.keep
    }

    /// Whether one is being made.
    pub fn is_running(&self) -> bool {
        self.running.is_locked()
    }

    /// When the last one failed (ms) and why, if none succeeded since.
    pub fn failure(&self) -> Option<(i64, String)> {
        self.last.lock().failure.clone()
    }

    /// When the schedule comes next (ms).
    pub fn next_ms(&self) -> Option<i64> {
        Some(self.next_ms.load(Ordering::Relaxed)).filter(|next| *next != i64::MIN)
    }

    /// Told by whoever runs the schedule.
    pub fn set_next_ms(&self, next: Option<i64>) {
        self.next_ms.store(next.unwrap_or(i64::MIN), Ordering::Relaxed);
    }

    /// The backups in the folder, newest first.
    pub fn list(&self) -> io::Result<Vec<BackupFile>> {
        let entries = match fs::read_dir(&self.options.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // It may go while we look.
            let Ok(meta) = fs::symlink_metadata(entry.path()) else { continue };
            if meta.is_file() && name.starts_with(FILE_BEGINNING) && name.ends_with(FILE_END) {
                let since = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
                files.push(BackupFile { name, bytes: meta.len(), made_ms: i64::try_from(since.as_millis()).unwrap_or(i64::MAX) });
            }
        }
        files.sort_by(|a, b| (b.made_ms, &b.name).cmp(&(a.made_ms, &a.name)));
        Ok(files)
    }

    /// Opens one of them by its name; none if there is no such backup.
    pub fn open(&self, name: &str) -> io::Result<Option<(File, BackupFile)>> {
        // Only names that the folder has: a name cannot lead elsewhere.
        let Some(found) = self.list()?.into_iter().find(|file| file.name == name) else { return Ok(None) };
        Ok(Some((File::open(self.options.folder.join(&found.name))?, found)))
    }

    /// Makes one in the server's folder, and removes the oldest beyond those that are kept.
    pub fn to_folder(&self) -> Result<(BackupFile, Made), BackupError> {
        let _one_at_a_time = self.running.try_lock().ok_or(BackupError::Busy)?;
        // A command line that was killed may have left one here too.
        Partial::clear_away(&self.options.folder);
        let result = self.write_to_folder().map_err(BackupError::Failed);
        self.note(result.as_ref().map(|(_, made)| made));
        let (file, made) = result?;
        self.remove_old();
        Ok((file, made))
    }

    /// Makes one and writes it to `out`.
    pub fn to_writer<W: Write>(&self, out: W) -> Result<(W, Made), BackupError> {
        let _one_at_a_time = self.running.try_lock().ok_or(BackupError::Busy)?;
        let result = self.make(out).map_err(BackupError::Failed);
        self.note(result.as_ref().map(|(_, made)| made));
        result
    }

    fn note(&self, result: Result<&Made, &BackupError>) {
        let now = self.options.clock.now_ms();
        let mut last = self.last.lock();
        match result {
            Ok(made) => {
                self.successes.fetch_add(1, Ordering::Relaxed);
                *last = Last { success: Some(made.clone()), success_ms: Some(now), failure: None };
                tracing::info!(bytes = made.bytes, took_ms = made.took.as_millis(), "a backup was made");
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                last.failure = Some((now, error.to_string()));
                tracing::error!(%error, "a backup failed");
            }
        }
    }

    fn make<W: Write>(&self, out: W) -> Result<(W, Made), String> {
        let (clock, began) = (&self.options.clock, self.options.clock.monotonic());
        let staging = Staging::create(self.options.data.join(STAGING)).map_err(|error| format!("cannot prepare the backup: {error}"))?;
        let created_ms = clock.now_ms();
        let manifest = stage(&self.options.parts, &staging.0, created_ms)?;
        let counted = Counted { inner: out, bytes: 0 };
        let counted = archive::write(&staging.0, &manifest, counted).map_err(|error| format!("cannot write the backup: {error}"))?;
        let took = clock.monotonic().saturating_sub(began);
        Ok((counted.inner, Made { created_ms, bytes: counted.bytes, content_bytes: manifest.bytes(), took }))
    }

    fn write_to_folder(&self) -> Result<(BackupFile, Made), String> {
        let folder = &self.options.folder;
        let in_folder = |error: io::Error| format!("cannot write to {}: {error}", folder.display());
        private_folder(folder).map_err(in_folder)?;
        let name = self.free_name();
        let partial = Partial::create(&folder.join(&name)).map_err(in_folder)?;
        let file = partial.file().try_clone().map_err(in_folder)?;
        let (guarded, made) = self.make(Spared { file, folder: folder.clone(), since: SPACE_EVERY })?;
        guarded.file.sync_all().map_err(in_folder)?;
        partial.finish(&folder.join(&name)).and_then(|()| disk::sync_dir(folder)).map_err(in_folder)?;
        Ok((BackupFile { name, bytes: made.bytes, made_ms: self.options.clock.now_ms() }, made))
    }

    /// A name with the time that no file has.
    fn free_name(&self) -> String {
        let mut name = file_name(self.options.clock.now_ms());
        let stem = name.trim_end_matches(FILE_END).to_owned();
        let mut number = 1;
        while self.options.folder.join(&name).exists() {
            number += 1;
            name = format!("{stem}-{number}{FILE_END}");
        }
        name
    }

    fn remove_old(&self) {
        if self.options.keep == 0 {
            return;
        }
        for old in self.list().unwrap_or_default().into_iter().skip(self.options.keep) {
            match fs::remove_file(self.options.folder.join(&old.name)) {
                Ok(()) => tracing::info!(name = old.name, "an old backup was removed"),
                Err(error) => tracing::warn!(%error, name = old.name, "an old backup cannot be removed"),
            }
        }
    }

    /// Removes what a crash left.
    fn tidy(&self) {
        let staging = self.options.data.join(STAGING);
        if staging.exists()
            && let Err(error) = fs::remove_dir_all(&staging)
        {
            tracing::warn!(%error, "what is left of an unfinished backup cannot be removed");
        }
        let removed = Partial::clear_away(&self.options.folder);
        if removed > 0 {
            tracing::info!(removed, "what killed backups left was removed");
        }
    }
}

/// The name of a backup made at a time, as `pharos-20261121T133000Z.tar.zst`.
pub fn file_name(at_ms: i64) -> String {
    let whole_seconds = at_ms.div_euclid(1000).saturating_mul(1000);
    let time: String = format_rfc3339(whole_seconds).chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let time = time.split('.').next().unwrap_or("").trim_end_matches('Z');
    format!("{FILE_BEGINNING}{time}Z{FILE_END}")
}

/// Lets every part put its files into `folder`, and lists them.
pub(super) fn stage(parts: &[Arc<dyn Part>], folder: &Path, created_ms: i64) -> Result<Manifest, String> {
    for part in parts {
        part.stage(folder).map_err(|why| format!("cannot take {} into the backup: {why}", part.name()))?;
    }
    let files = archive::list(folder).map_err(|error| format!("cannot list the files of the backup: {error}"))?;
    Ok(archive::manifest(created_ms, parts.iter().map(|part| part.name().to_owned()).collect(), files))
}

fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The folder of parts; it goes when the backup is made, or is not.
struct Staging(PathBuf);

impl Staging {
    fn create(path: PathBuf) -> io::Result<Self> {
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        private_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the folder of a finished backup cannot be removed");
        }
    }
}

struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes as long as the disk has something to spare.
struct Spared {
    file: File,
    folder: PathBuf,
    /// Bytes since the space was looked at.
    since: u64,
}

impl Write for Spared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.since >= SPACE_EVERY {
            self.since = 0;
            let free = disk::free_bytes(&self.folder)?;
            if free < SPARE_BYTES {
                let (free, kept) = (human::bytes(free as f64), human::bytes(SPARE_BYTES as f64));
                let why = format!("only {free} are free on the disk, {kept} are left to storage");
                return Err(io::Error::new(io::ErrorKind::StorageFull, why));
            }
        }
        let written = self.file.write(bytes)?;
        self.since += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Report for Backups {
    fn report(&self, page: &mut Page) {
        let last = self.last.lock().clone();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        page.family("pharos_backups_total", "counter", "Backups since the start, by result.");
        page.sample("pharos_backups_total", &[("result", "success")], count(&self.successes));
        page.sample("pharos_backups_total", &[("result", "failure")], count(&self.failures));
        page.gauge("pharos_backup_running", "Whether a backup is being made.", f64::from(u8::from(self.is_running())));
        if let Some(at) = last.success_ms {
            page.gauge("pharos_backup_last_success_timestamp_seconds", "When the last backup was made.", at as f64 / 1e3);
        }
        if let Some(made) = last.success {
            page.gauge("pharos_backup_last_duration_seconds", "Time that the last backup took.", made.took.as_secs_f64());
            page.gauge("pharos_backup_last_bytes", "Bytes of the last backup.", made.bytes as f64);
        }
        if let Some(next) = self.next_ms() {
            page.gauge("pharos_backup_next_timestamp_seconds", "When the next backup is due.", next as f64 / 1e3);
        }
    }
}
