//! Snapshots and freezes: copies that can be opened as a data directory, made without copying blocks.
//!
//! A snapshot has samples only, all of them in blocks, for other programs and machines. A freeze is what a start after a
//! crash at this moment would find: the log too, and with it exemplars, metadata and everything else.

use std::fs;
use std::path::Path;

use super::{BLOCKS_DIR, Store, StoreError, WAL_DIR};
use crate::metrics::store::wal;
use crate::platform::disk;

impl Store {
    /// Makes a snapshot in `target`, which must not exist and must be on the same file system: blocks as hard links,
    /// and the head (unless `skip_head`) written to blocks there.
    pub fn snapshot(&self, target: &Path, skip_head: bool) -> Result<(), StoreError> {
        let core = self.core();
        let _no_flush = core.maintenance.lock();
        let _no_merge = core.compaction.lock();
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(StoreError::io("create", parent))?;
        }
        fs::create_dir(target).map_err(StoreError::io("create", target))?;
        let blocks = target.join(BLOCKS_DIR);
        fs::create_dir(&blocks).map_err(StoreError::io("create", &blocks))?;
        for block in core.blocks.current().iter() {
            let folder = blocks.join(block.meta().id.to_string());
            link_folder(block.dir(), &folder).map_err(StoreError::io("link a block to", &folder))?;
        }
        if let (false, Some(newest)) = (skip_head, core.head.max_ts()) {
            let order = core.head.rank();
            core.write_ranges(&blocks, &order, newest.saturating_add(1))?;
        }
        disk::sync_dir(&blocks).and_then(|()| disk::sync_dir(target)).map_err(StoreError::io("sync", target))
    }
}

impl Store {
    /// Makes a second name in `target`, which must not exist and be on the same file system, for every file that blocks and
    /// log are made of now. Every sample acknowledged before the call is in it; nothing of it changes any more. Takes no
    /// space and hardly any time, and appends go on meanwhile.
    pub fn freeze(&self, target: &Path) -> Result<(), StoreError> {
        let core = self.core();
        // Neither blocks nor what the log keeps may move from one to the other meanwhile.
        let _no_flush = core.maintenance.lock();
        let _no_merge = core.compaction.lock();
        let (blocks, log) = (target.join(BLOCKS_DIR), target.join(WAL_DIR));
        for folder in [&blocks, &log] {
            fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
        }
        // What was acknowledged is in the segments before this one, which are not written to any more.
        let open = core.wal.roll()?;
        for path in wal::files_before(core.wal.dir(), open).map_err(StoreError::io("list", core.wal.dir()))? {
            let to = log.join(path.file_name().unwrap_or_default());
            fs::hard_link(&path, &to).map_err(StoreError::io("link the log to", &to))?;
        }
        for block in core.blocks.current().iter() {
            let folder = blocks.join(block.meta().id.to_string());
            link_folder(block.dir(), &folder).map_err(StoreError::io("link a block to", &folder))?;
        }
        Ok(())
    }
}

fn link_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::hard_link(entry.path(), to.join(entry.file_name()))?;
    }
    disk::sync_dir(to)
}
