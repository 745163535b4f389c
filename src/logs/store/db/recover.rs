//! From the data directory to a running store: manifest, parts, then the log.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use super::check::Rates;
use super::flush::{Frozen, write_parts};
use super::parts::LivePart;
use super::salvage::set_aside;
use super::{Bell, Core, PARTS_DIR, StoreError, StoreSettings, View, WAL_DIR};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::logs::store::deletes::Compiled;
use crate::logs::store::lines::{Lines, Seed};
use crate::logs::store::manifest::{Found, MANIFEST, Manifest, PartEntry, part_name};
use crate::logs::store::memory::Memory;
use crate::logs::store::part::PartError;
use crate::logs::store::stats::{Counters, SetAside};
use crate::logs::store::wal::{FORMAT, ReplayProgress, SEGMENT_BYTES, Sink, WalPlace, replay};
use crate::platform::disk::log::{Packer, Wal, WalOptions};
use crate::platform::disk::{DirLock, temporary_beside};

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
        let deletes = opened.compile_deletes(&settings);
        let wal_from = opened.manifest.wal;
        let mut recovery = Recovery { settings: &settings, memory: Memory::new(opened.manifest.last_delete), opened, failure: None };
        let replayed = match replay(&wal_dir, wal_from, seed, &mut recovery, progress) {
            Ok(replayed) => replayed,
            Err(error) => return Err(recovery.failure.take().unwrap_or_else(|| StoreError::io("read the log in", &wal_dir)(error))),
        };
        let Recovery { memory, opened: Opened { manifest, parts, set_aside: mut aside, errors }, .. } = recovery;
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
            rates: Rates::default(),
            wal: Wal::open(options, replayed.segments, replayed.next),
            packer: Packer::at_level(settings.wal_level),
            scratch: Mutex::default(),
            counters: Counters::default(),
            view: RwLock::new(Arc::new(View { active: Arc::new(memory), frozen: None, parts, deletes })),
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
            background_errors: Mutex::new(errors),
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
    set_aside: Vec<SetAside>,
    errors: BTreeMap<&'static str, String>,
}

impl Opened {
    /// Reads the manifest. In place of a damaged or missing one, every part that is there counts: rather a line twice than
    /// never.
    fn read(dir: &Path) -> Result<Self, StoreError> {
        let mut opened = Self { manifest: Manifest::default(), parts: Vec::new(), set_aside: Vec::new(), errors: BTreeMap::new() };
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
            self.manifest.parts.push(PartEntry { id, day, deletes_done: 0, dense: false });
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
                    self.manifest.parts.push(entry);
                    self.parts.push(part);
                }
                // The disk may work again later; a part must not be lost to that.
                Err(PartError::Io { source, path, .. }) if is_passing(&source) => {
                    return Err(StoreError::io("open a part in", path)(source));
                }
                Err(error) => self.set_aside.push(set_aside(dir, &entry.path(&folder), error.to_string())),
            }
        }
        if self.manifest.parts.len() < before {
            self.manifest.write(dir).map_err(StoreError::io("write the manifest in", dir))?;
        }
        Ok(())
    }

    fn compile_deletes(&mut self, settings: &StoreSettings) -> Vec<Arc<Compiled>> {
        let mut compiled = Vec::new();
        for deletion in self.manifest.deletes.iter().filter(|deletion| deletion.processed_ms.is_none()) {
            match Compiled::new(deletion.clone(), settings.filters.as_deref()) {
                Ok(delete) => compiled.push(Arc::new(delete)),
                Err(error) => {
                    let what = format!("deletion {} cannot be applied, its lines are visible: {error}", deletion.id);
                    tracing::error!("{what}");
                    self.errors.insert("apply a deletion", what);
                }
            }
        }
        compiled
    }
}

/// Whether an error says nothing about the file itself.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, OutOfMemory, PermissionDenied};
    matches!(error.kind(), Interrupted | OutOfMemory | PermissionDenied)
        || error.raw_os_error().is_some_and(|code| code == 23 || code == 24)
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
    failure: Option<StoreError>,
}

impl Sink for Recovery<'_> {
    fn lines(&mut self, lines: &Lines<'_>, next: WalPlace) -> io::Result<()> {
        self.memory.append(lines, None, Duration::ZERO);
        if self.memory.bytes() < self.settings.memory_bytes {
            return Ok(());
        }
        self.make_room(next).map_err(|error| {
            let text = error.to_string();
            self.failure = Some(error);
            io::Error::other(text)
        })
    }
}

impl Recovery<'_> {
    fn make_room(&mut self, next: WalPlace) -> Result<(), StoreError> {
        let dir = &self.settings.dir;
        let manifest = &mut self.opened.manifest;
        let mut next_id = || {
            manifest.next_part += 1;
            manifest.next_part - 1
        };
        let parts = write_parts(self.settings, &self.memory.sorted(), self.memory.deletes_done, &mut next_id)?;
        super::step(self.settings, "write parts of the log")?;
        manifest.parts.extend(parts.iter().map(|part| part.entry));
        manifest.wal = next;
        manifest.write(dir).map_err(StoreError::io("write the manifest in", dir))?;
        self.opened.parts.extend(parts);
        self.memory = self.memory.successor(self.memory.deletes_done, i64::MIN);
        Ok(())
    }
}
