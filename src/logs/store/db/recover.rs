//! From the data directory to a running store: manifest, parts, then the log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use super::check::Rates;
use super::flush::{Frozen, write_parts};
use super::parts::{Absent, LivePart, is_damage};
use super::salvage::set_aside;
use super::{Core, PARTS_DIR, StoreError, StoreSettings, View, WAL_DIR};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::logs::store::deletes::Compiled;
use crate::logs::store::lines::{Lines, Seed};
use crate::logs::store::manifest::{Found, MANIFEST, Manifest, PartEntry, part_name};
use crate::logs::store::memory::Memory;
use crate::logs::store::retention::{BelievedTime, last_use};
use crate::logs::store::stats::{Counters, SetAside};
use crate::logs::store::wal::{FORMAT, ReplayProgress, SEGMENT_BYTES, Sink, WalPlace, replay};
use crate::platform::disk::log::{Packer, Wal, WalOptions};
use crate::platform::disk::rounds::Bell;
use crate::platform::disk::{DirLock, temporary_beside};

/// While parts cannot be written, the log may fill memory so many times over: more than two memories were never in it, unless
/// memory was larger then.
const STUCK_SHARES: usize = 8;

impl Core {
    pub(super) fn recover(settings: StoreSettings, clock: SharedClock, progress: &ReplayProgress) -> Result<Self, StoreError> {
        let lock = DirLock::take(&settings.dir)?;
        let (parts_dir, wal_dir) = (settings.dir.join(PARTS_DIR), settings.dir.join(WAL_DIR));
        for dir in [&parts_dir, &wal_dir] {
            fs::create_dir_all(dir).map_err(StoreError::io("create", dir))?;
        }
        let started = clock.monotonic();
        let seed = Seed::random();
        let mut opened = Opened::read(&settings.dir)?;
        opened.open_parts(&settings.dir)?;
        let deletes = opened.deletes(&settings);
        let wal_from = opened.manifest.wal;
        let mut recovery =
            Recovery { settings: &settings, memory: Memory::new(opened.manifest.last_delete), opened, is_stuck: false, failure: None };
        let replayed = match replay(&wal_dir, wal_from, seed, &mut recovery, progress) {
            Ok(replayed) => replayed,
            Err(error) => return Err(recovery.failure.take().unwrap_or_else(|| StoreError::io("read the log in", &wal_dir)(error))),
        };
        let Recovery { memory, opened: Opened { manifest, parts, absent, set_aside: mut aside }, .. } = recovery;
        aside.extend(replayed.damage.into_iter().map(|damage| {
            let reason = format!("at byte {}: {}", damage.offset, damage.what);
            SetAside { path: damage.file, reason }
        }));
        for one in &aside {
            tracing::error!(path = %one.path.display(), reason = %one.reason, "something of log storage cannot be read and was set aside");
        }
        let stop = Cancel::new();
        let deletes: Arc<[Arc<Compiled>]> = Arc::from(deletes);
        let parts: Arc<[Arc<LivePart>]> = parts.iter().map(|part| Arc::new(part.with_deletes(&deletes, &stop))).collect();
        let spans: Vec<(i64, i64)> =
            parts.iter().map(|part| (part.part.info().min_ts, part.part.info().max_ts)).chain(memory.held().span).collect();
        let time = BelievedTime::new(last_use(&spans).map(|ns| ns / 1_000_000), clock.now_ms(), clock.monotonic());
        let options = WalOptions {
            dir: wal_dir,
            format: FORMAT,
            what: "lines",
            segment_bytes: SEGMENT_BYTES,
            sync: settings.sync,
            reserve_bytes: settings.reserve_bytes,
            hook: settings.hook.clone(),
            clock: clock.clone(),
        };
        // Lines that were read back wait from now on.
        Ok(Self {
            seed,
            limits: RwLock::new(Arc::new(settings.limits.clone())),
            retention: RwLock::new(Arc::new(settings.retention.clone())),
            time: Mutex::new(time),
            rates: Rates::default(),
            wal: Wal::open(options, replayed.segments, replayed.next),
            packer: Packer::at_level(settings.wal_level),
            scratch: Mutex::default(),
            counters: Counters::default(),
            view: RwLock::new(Arc::new(View { active: Arc::new(memory), frozen: None, parts, absent: Arc::from(absent), deletes })),
            manifest: Mutex::new(manifest),
            inflight: RwLock::new(()),
            maintenance: Mutex::new(Frozen::default()),
            compaction: Mutex::new(()),
            roomy: Condvar::new(),
            room_lock: Mutex::new(()),
            flush_wake: Bell::default(),
            merge_wake: Bell::default(),
            sync_wake: Bell::default(),
            closed: AtomicBool::new(false),
            bytes_max: AtomicU64::new(0),
            stop,
            days_flushed: Mutex::default(),
            background_errors: Mutex::default(),
            set_aside: Mutex::new(aside),
            replay_ms: u64::try_from(clock.monotonic().saturating_sub(started).as_millis()).unwrap_or(u64::MAX),
            settings,
            clock,
            _lock: lock,
        })
    }
}

/// What is known of a data directory before its log is read.
struct Opened {
    manifest: Manifest,
    parts: Vec<LivePart>,
    absent: Vec<Absent>,
    set_aside: Vec<SetAside>,
}

impl Opened {
    /// Reads the manifest. In place of a damaged or missing one, every part that is there counts: rather a line twice than
    /// never.
    fn read(dir: &Path) -> Result<Self, StoreError> {
        let mut opened = Self { manifest: Manifest::default(), parts: Vec::new(), absent: Vec::new(), set_aside: Vec::new() };
        match Manifest::read(dir).map_err(StoreError::io("read the manifest in", dir))? {
            Found::Manifest(manifest) => opened.manifest = manifest,
            Found::Nothing => {
                // Written at the first start, so that parts without one are never taken for the rest of a crash.
                if opened.count_every_part(dir)? {
                    opened.tell_of_manifest(dir.join(MANIFEST), "there is none");
                }
                opened.manifest.write(dir).map_err(StoreError::io("write the manifest in", dir))?;
            }
            Found::Damaged(reason) => {
                opened.count_every_part(dir)?;
                let (path, copy) = (dir.join(MANIFEST), dir.join("MANIFEST.damaged"));
                let is_copied = fs::copy(&path, &copy).is_ok();
                opened.tell_of_manifest(if is_copied { copy } else { path }, &reason);
                opened.manifest.write(dir).map_err(StoreError::io("write the manifest in", dir))?;
            }
        }
        Ok(opened)
    }

    /// Counts every part that is there, and tells whether there is any.
    fn count_every_part(&mut self, dir: &Path) -> Result<bool, StoreError> {
        for (id, day) in folders(dir)?.into_iter().filter_map(|name| part_name(&name)) {
            self.manifest.next_part = self.manifest.next_part.max(id + 1);
            // Its name does not say how old its oldest lines are; opening it does.
            self.manifest.parts.push(PartEntry { id, day, oldest_day: i64::MIN, deletes_done: 0, dense: false });
        }
        Ok(!self.manifest.parts.is_empty())
    }

    fn tell_of_manifest(&mut self, path: PathBuf, reason: &str) {
        let reason = format!("{reason}; all parts that are there are used, deletions are forgotten");
        tracing::error!(path = %path.display(), reason, "the manifest of log storage cannot be used");
        self.set_aside.push(SetAside { path, reason });
    }

    /// Opens the parts that count, removes those that do not, and sets damaged ones aside.
    fn open_parts(&mut self, dir: &Path) -> Result<(), StoreError> {
        let folder = dir.join(PARTS_DIR);
        let named: Vec<String> = self.manifest.parts.iter().map(|entry| name_of(&entry.path(&folder))).collect();
        for name in folders(dir)? {
            let path = folder.join(&name);
            if named.contains(&name) || part_name(&name).is_none() {
                continue;
            }
            // Left by a crash: never counted, or not any more.
            fs::remove_dir_all(&path).map_err(StoreError::io("remove", &path))?;
        }
        drop(fs::remove_file(temporary_beside(&dir.join(MANIFEST))));
        let before = self.manifest.parts.len();
        for entry in std::mem::take(&mut self.manifest.parts) {
            match LivePart::open(&folder, entry) {
                Ok(part) => {
                    self.manifest.parts.push(part.entry);
                    self.parts.push(part);
                }
                Err(error) if is_damage(&error) => self.set_aside.push(set_aside(dir, &entry.path(&folder), error.to_string())),
                // It may be opened later; a part must not be lost to that.
                Err(error) => {
                    tracing::error!(part = %entry.path(&folder).display(), %error, "a part cannot be opened now; it is tried again");
                    self.manifest.parts.push(entry);
                    self.absent.push(Absent { entry, reason: error.to_string() });
                }
            }
        }
        if self.manifest.parts.len() < before {
            // On a full disk the old one stays, which names what is not there; the next change replaces it.
            if let Err(error) = self.manifest.write(dir) {
                tracing::warn!(%error, "the manifest of log storage cannot be written now");
            }
        }
        Ok(())
    }

    /// Deletions that are not done, by number.
    fn deletes(&self, settings: &StoreSettings) -> Vec<Arc<Compiled>> {
        let waiting = self.manifest.deletes.iter().filter(|deletion| deletion.processed_ms.is_none());
        let mut deletes: Vec<Arc<Compiled>> =
            waiting.map(|deletion| Arc::new(Compiled::new(deletion.clone(), settings.filters.clone()))).collect();
        deletes.sort_by_key(|delete| delete.deletion.id);
        deletes
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Names in the folder of parts.
fn folders(dir: &Path) -> Result<Vec<String>, StoreError> {
    let folder = dir.join(PARTS_DIR);
    let entries = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(StoreError::io("list", &folder))?;
    Ok(entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Puts what the log holds into a memory that nobody else sees yet, and into parts when that is full.
struct Recovery<'s> {
    settings: &'s StoreSettings,
    memory: Memory,
    opened: Opened,
    /// Whether parts cannot be written now.
    is_stuck: bool,
    failure: Option<StoreError>,
}

impl Sink for Recovery<'_> {
    fn lines(&mut self, lines: &Lines<'_>, next: WalPlace) -> io::Result<()> {
        self.memory.append(lines, None, Duration::ZERO);
        let (bytes, share) = (self.memory.bytes(), self.settings.memory_bytes);
        if bytes < share || (self.is_stuck && bytes < share.saturating_mul(STUCK_SHARES)) {
            return Ok(());
        }
        match self.make_room(next) {
            Ok(()) => {
                self.is_stuck = false;
                Ok(())
            }
            Err(error) if !self.is_stuck && !error.is_stop() => {
                // What is in the log was in memory before: reads go on from there, writes when there is room on the disk.
                tracing::error!(%error, "lines of the log cannot be written to parts now; they stay in memory, and no line is taken until they are");
                self.is_stuck = true;
                Ok(())
            }
            Err(error) => {
                let text = error.to_string();
                self.failure = Some(error);
                Err(io::Error::other(text))
            }
        }
    }
}

impl Recovery<'_> {
    fn make_room(&mut self, next: WalPlace) -> Result<(), StoreError> {
        let dir = &self.settings.dir;
        let mut manifest = self.opened.manifest.clone();
        let mut next_id = || {
            manifest.next_part += 1;
            manifest.next_part - 1
        };
        let parts = write_parts(self.settings, &self.memory.sorted(), self.memory.deletes_done, &mut next_id)?;
        manifest.parts.extend(parts.iter().map(|part| part.entry));
        manifest.wal = next;
        let written = super::step(self.settings, "write parts of the log")
            .and_then(|()| manifest.write(dir).map_err(StoreError::io("write the manifest in", dir)));
        if let Err(error) = written {
            // Those that a manifest names after all stay: lines are there twice then, which readers leave out.
            if matches!(Manifest::read(dir), Ok(Found::Manifest(found)) if found == self.opened.manifest) {
                parts.iter().for_each(|part| drop(fs::remove_dir_all(part.path())));
            }
            return Err(error);
        }
        self.opened.manifest = manifest;
        self.opened.parts.extend(parts);
        self.memory = self.memory.successor(self.memory.deletes_done, i64::MIN);
        Ok(())
    }
}
