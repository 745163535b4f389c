//! Work in the background: flushing, merging blocks, retiring old ones. Each step can fail and is tried again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Core, LiveBlock, Store, StoreError};
use crate::base::cancel::Cancel;
use crate::metrics::store::block::{Block, BlockError, BlockId, BlockMeta, BlockOptions};
use crate::metrics::store::compact::{self, PlanSettings};
use crate::metrics::store::retention::{self, Candidate, Keep};
use crate::platform::disk;

/// Merged blocks stay below this: a merge must not need half of the disk.
const MERGED_BYTES_MAX: u64 = 64 << 30;
/// After a failed merge the next attempt waits so long: it would write as much again.
const MERGE_COOL_DOWN: Duration = Duration::from_secs(60);
/// After a failed flush.
const FLUSH_COOL_DOWN: Duration = Duration::from_secs(5);

impl Store {
    /// Does what the background does, now: flushes what is due, retires, merges until nothing is left to merge.
    pub fn maintain(&self) -> Result<(), StoreError> {
        self.core().flush_due_now()?;
        self.core().head.pack();
        self.core().census.remember(&self.core().head, self.core().clock.monotonic());
        self.core().save_if_due()?;
        self.core().retire();
        self.core().compact_due(&Cancel::new())
    }

    /// Writes the whole head to blocks, whatever its age. For tests and administration.
    pub fn flush_now(&self) -> Result<(), StoreError> {
        let core = self.core();
        let mut state = core.maintenance.lock();
        match core.head.max_ts() {
            Some(newest) => core.flush(&mut state, newest.saturating_add(1)).map(drop),
            None => Ok(()),
        }
    }

    /// Gives memory back: buffers of appends, and the head, which is written to blocks. Series that go on come back with
    /// their next sample.
    pub fn relieve(&self) -> Result<(), StoreError> {
        let core = self.core();
        core.scratch.lock().clear();
        if core.head.held().series == 0 {
            return Ok(());
        }
        self.flush_now()
    }

    /// Removes the oldest blocks while blocks and log take more than so many bytes, now and from now on; 0 for any.
    pub fn shrink_to(&self, bytes: u64) {
        let before = self.core().bytes_max.swap(bytes, Ordering::Relaxed);
        if bytes > 0 && (before == 0 || self.bytes() > bytes) {
            self.core().retire();
        }
    }

    /// Bytes of blocks and log.
    pub fn bytes(&self) -> u64 {
        let core = self.core();
        let blocks: u64 = core.blocks.current().iter().map(|block| block.meta().bytes).sum();
        blocks.saturating_add(disk::dir_bytes(core.wal.dir()))
    }

    /// Flushes the head and merges all blocks into one, deleted samples left out.
    pub fn force_merge(&self, cancel: &Cancel) -> Result<(), StoreError> {
        self.flush_now()?;
        let core = self.core();
        let _one_at_a_time = core.compaction.lock();
        let blocks = core.blocks.current();
        if blocks.len() < 2 && blocks.iter().all(|block| block.tombstones().is_empty() && block.meta().level > 0) {
            return Ok(());
        }
        core.merge(&blocks, cancel)
    }

    /// Rewrites the blocks that samples were deleted from.
    pub fn clean_tombstones(&self, cancel: &Cancel) -> Result<(), StoreError> {
        let core = self.core();
        let _one_at_a_time = core.compaction.lock();
        for block in core.blocks.current().iter().filter(|block| !block.tombstones().is_empty()) {
            core.merge(std::slice::from_ref(block), cancel)?;
        }
        Ok(())
    }
}

impl Core {
    /// One round of the flushing thread. Errors are kept for the status. Answers how long to leave the disk alone.
    pub(super) fn flush_round(&self) -> Option<Duration> {
        let result = self.flush_due_now();
        self.head.rank_if_stale();
        self.head.pack();
        self.census.remember(&self.head, self.clock.monotonic());
        self.retire();
        self.note_background("flush blocks", &result);
        result.is_err().then_some(FLUSH_COOL_DOWN)
    }

    /// One round of the saving thread.
    pub(super) fn save_round(&self) -> Option<Duration> {
        let result = self.save_if_due();
        self.note_background("save the head", &result);
        result.is_err().then_some(FLUSH_COOL_DOWN)
    }

    /// One round of the merging thread.
    pub(super) fn compact_round(&self) -> Option<Duration> {
        let result = self.compact_due(&self.stop);
        self.note_background("merge blocks", &result);
        result.is_err().then_some(MERGE_COOL_DOWN)
    }

    fn note_background(&self, doing: &'static str, result: &Result<(), StoreError>) {
        let mut errors = self.background_errors.lock();
        match result {
            Ok(()) => {
                errors.remove(doing);
            }
            Err(StoreError::Block(BlockError::Stopped(_))) => {}
            Err(error) => {
                errors.insert(doing, format!("cannot {doing}: {error}"));
            }
        }
    }

    pub(super) fn flush_due_now(&self) -> Result<(), StoreError> {
        let mut state = self.maintenance.lock();
        let written = self.flush_all_due(&mut state)?;
        drop(state);
        if written > 0 {
            self.compact_wake.ring();
        }
        Ok(())
    }

    /// Removes blocks that have served their time.
    fn retire(&self) {
        let blocks = self.blocks.current();
        let candidates: Vec<Candidate> =
            blocks.iter().map(|block| Candidate { max_ts: block.meta().max_ts, bytes: block.meta().bytes }).collect();
        let bytes = [self.settings.retention_bytes, self.bytes_max.load(Ordering::Relaxed)];
        let bytes = bytes.into_iter().filter(|bytes| *bytes > 0).min().unwrap_or(0);
        let keep = Keep { age_ms: self.settings.retention_ms, bytes };
        if keep.age_ms <= 0 && keep.bytes == 0 {
            return;
        }
        let log_bytes = if keep.bytes > 0 { disk::dir_bytes(self.wal.dir()) } else { 0 };
        let gone = retention::expired(&candidates, keep, self.clock.now_ms(), self.head.max_ts(), log_bytes);
        if gone.is_empty() {
            return;
        }
        let ids: Vec<BlockId> = gone.iter().map(|at| blocks[*at].meta().id).collect();
        let oldest = gone.iter().map(|at| blocks[*at].meta().min_ts).min();
        self.blocks.replace(Vec::new(), &ids);
        oldest.into_iter().for_each(|oldest| self.changes.note(oldest));
        self.counters.blocks_retired.fetch_add(ids.len() as u64, Ordering::Relaxed);
    }

    /// Merges what is due, most urgent first, until nothing is.
    fn compact_due(&self, cancel: &Cancel) -> Result<(), StoreError> {
        let settings = PlanSettings::up_to(self.settings.block_range_ms, self.settings.block_range_ms_max, MERGED_BYTES_MAX);
        loop {
            let _one_at_a_time = self.compaction.lock();
            let blocks = self.blocks.current();
            let metas: Vec<BlockMeta> = blocks.iter().map(|block| block.meta().clone()).collect();
            let groups = compact::plan(&metas, &settings);
            let Some(group) = groups.first() else { return Ok(()) };
            let inputs: Vec<Arc<LiveBlock>> = group.iter().map(|at| Arc::clone(&blocks[*at])).collect();
            self.merge(&inputs, cancel)?;
        }
    }

    /// Merges some blocks into one. The caller holds the compaction lock.
    fn merge(&self, inputs: &[Arc<LiveBlock>], cancel: &Cancel) -> Result<(), StoreError> {
        let result = self.try_merge(inputs, cancel);
        if let Err(error) = &result {
            if !matches!(error, StoreError::Block(BlockError::Stopped(_))) {
                self.counters.compaction_failures.fetch_add(1, Ordering::Relaxed);
            }
            if matches!(error, StoreError::Block(BlockError::Corrupt { .. })) {
                // A block that cannot be merged would stop all merging: the damaged one goes aside, the rest serves on.
                for input in inputs {
                    if let Err(damage) = input.verify() {
                        let moved = self.blocks.set_block_aside(input.meta().id, damage.to_string());
                        self.changes.note(input.meta().min_ts);
                        moved.map_err(StoreError::io("set aside", input.dir()))?;
                    }
                }
            }
        }
        result
    }

    fn try_merge(&self, inputs: &[Arc<LiveBlock>], cancel: &Cancel) -> Result<(), StoreError> {
        let dir = self.blocks.dir();
        self.check_space(inputs.iter().map(|input| input.meta().bytes).sum())?;
        let shared: Vec<Arc<Block>> = inputs.iter().map(|input| input.shared()).collect();
        // Later in the list wins; written later must be later.
        let id = self.blocks.next_id(&*self.clock);
        let merged = compact::merge(&shared, dir, BlockOptions::compacted(id, 0, Vec::new()), cancel)?;
        let mut added = Vec::new();
        if let Some(meta) = &merged.meta {
            self.counters.block_bytes_written.fetch_add(meta.bytes, Ordering::Relaxed);
            added.push(Block::open(&dir.join(meta.id.to_string()))?);
        }
        let gone: Vec<BlockId> = inputs.iter().map(|input| input.meta().id).collect();
        if merged.damaged_series > 0 {
            // What could be read is in the new block; the damaged file is kept for whoever wants to look.
            let reason = merged.first_damage.map_or_else(|| "damaged".to_owned(), |damage| damage.to_string());
            let damaged: Vec<BlockId> = inputs.iter().filter(|input| input.verify().is_err()).map(|input| input.meta().id).collect();
            let rest: Vec<BlockId> = gone.iter().copied().filter(|id| !damaged.contains(id)).collect();
            self.blocks.replace(added, &rest);
            for id in damaged {
                self.blocks.set_block_aside(id, reason.clone()).map_err(StoreError::io("set aside a block in", dir))?;
            }
            inputs.iter().for_each(|input| self.changes.note(input.meta().min_ts));
        } else {
            self.blocks.replace(added, &gone);
        }
        self.counters.compactions.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn check_space(&self, needed: u64) -> Result<(), StoreError> {
        let dir = self.blocks.dir();
        let actual = disk::free_bytes(dir).map_err(StoreError::io("look for free space in", dir))?;
        let free = self.settings.hook.as_ref().map_or(actual, |hook| hook.free_bytes(actual));
        if free < needed.saturating_add(self.settings.reserve_bytes) {
            let source = std::io::Error::new(std::io::ErrorKind::StorageFull, format!("{needed} bytes needed, {free} are free"));
            return Err(StoreError::io("merge blocks in", dir)(source));
        }
        Ok(())
    }
}
