//! Snapshots: a copy that can be opened as a data directory, made without copying blocks.

use std::fs;
use std::path::Path;

use super::{BLOCKS_DIR, Store, StoreError};
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

fn link_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::hard_link(entry.path(), to.join(entry.file_name()))?;
    }
    disk::sync_dir(to)
}
