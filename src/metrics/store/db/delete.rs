//! Deleting samples: at once in memory, as tombstones in blocks, and in the log so that they do not come back.

use std::sync::atomic::Ordering;

use super::{Store, StoreError};
use crate::base::time::TimeRange;
use crate::metrics::store::head::shard_of;
use crate::metrics::store::postings::matching;
use crate::metrics::store::wal::{self, Kind};
use crate::series::matcher::Matcher;

impl Store {
    /// Deletes the samples within `range` of all series that match any of the lists. Answers how many series of head
    /// and blocks were touched (a series in two blocks counts twice). When it returns, queries no longer see them.
    pub fn delete(&self, any_of: &[Vec<Matcher>], range: TimeRange) -> Result<usize, StoreError> {
        let touched = self.delete_everywhere(any_of, range);
        // Even if it failed half-way: what was done before is visible.
        self.core().changes.note(range.start);
        touched
    }

    fn delete_everywhere(&self, any_of: &[Vec<Matcher>], range: TimeRange) -> Result<usize, StoreError> {
        let core = self.core();
        let _no_flush = core.maintenance.lock();
        let _no_merge = core.compaction.lock();
        let mut touched = self.delete_in_head(any_of, range)?;
        for block in core.blocks.within(range) {
            for matchers in any_of {
                let ids = block.matching(matchers)?;
                if !ids.is_empty() {
                    block.add_tombstones(&ids, range)?;
                    touched += ids.len();
                }
            }
        }
        Ok(touched)
    }

    fn delete_in_head(&self, any_of: &[Vec<Matcher>], range: TimeRange) -> Result<usize, StoreError> {
        let core = self.core();
        core.wal.ready()?;
        let barrier = core.inflight.write();
        // Before the first sample goes: chunk files written so far still have it.
        core.save_all.store(true, Ordering::Release);
        let mut ids = Vec::new();
        let index = core.head.index();
        for matchers in any_of {
            let found = matching(&index, matchers).map_err(|_| StoreError::Damaged { series: "index".to_owned() })?;
            ids.extend(found);
        }
        drop(index);
        ids.sort_unstable();
        ids.dedup();
        let mut content = Vec::new();
        let mut touched = 0;
        for id in ids {
            let mut shard = core.head.shard_mut(shard_of(id));
            let Some(mut series) = shard.get_mut(id) else { continue };
            let removed = series
                .delete(range, core.settings.block_range_ms)
                .map_err(|_| StoreError::Damaged { series: series.labels().to_string() })?;
            if removed > 0 {
                touched += 1;
                wal::put_times(&mut content, id, range.start, range.end);
            }
        }
        let mut frame = Vec::new();
        if !content.is_empty() {
            core.packer.put_frame(&mut frame, Kind::Deleted, &content);
        }
        let ticket = core.wal.push(&frame, i64::MIN);
        drop(barrier);
        core.wal.commit(ticket, true)?;
        Ok(touched)
    }
}
