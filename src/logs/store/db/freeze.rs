//! Everything as it is at one moment, under second names: what a start after a crash at this moment would find.

use std::fs;
use std::path::Path;

use super::{Core, PARTS_DIR, Store, StoreError, WAL_DIR};
use crate::logs::store::manifest::MANIFEST;
use crate::platform::disk;
use crate::platform::disk::log::segment_path;

impl Store {
    /// Makes a second name in `target`, which must be on the same file system, for every file that parts and log are made of
    /// now. Every line acknowledged before the call is in it; nothing of it changes any more. Takes no space and hardly any
    /// time, and appends go on meanwhile.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn freeze(&self, target: &Path) -> Result<(), StoreError> {
        let core: &Core = &self.core;
        // Neither parts nor what the log keeps may move from one to the other meanwhile.
        let _no_flush = core.maintenance.lock();
        let (parts, log) = (target.join(PARTS_DIR), target.join(WAL_DIR));
        for folder in [&parts, &log] {
            fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
        }
        // What was acknowledged is in the segments before this one, which are not written to any more.
        let open = core.wal.roll()?;
        // Merges count only when they have this lock; readers' folders stay while the view is held.
        let manifest = core.manifest.lock();
        let _readers_folders_stay = core.view();
        for segment in core.wal.finished().iter().filter(|segment| segment.number < open && segment.number >= manifest.wal.segment) {
            let to = segment_path(&log, segment.number);
            fs::hard_link(segment_path(core.wal.dir(), segment.number), &to).map_err(StoreError::io("link the log to", &to))?;
        }
        // Those that cannot be opened now are among them.
        for entry in &manifest.parts {
            let to = entry.path(&parts);
            link_folder(&entry.path(&core.parts_dir()), &to).map_err(StoreError::io("link a part to", &to))?;
        }
        let to = target.join(MANIFEST);
        let link = |to: &Path| fs::hard_link(core.settings.dir.join(MANIFEST), to);
        if core.settings.dir.join(MANIFEST).exists() {
            link(&to).map_err(StoreError::io("link the manifest to", &to))?;
        }
        disk::sync_dir(target).map_err(StoreError::io("sync", target))
    }
}

fn link_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let below = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_folder(&entry.path(), &below)?;
        } else {
            fs::hard_link(entry.path(), below)?;
        }
    }
    disk::sync_dir(to)
}
