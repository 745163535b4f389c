//! From the head to blocks: the oldest block range is written, made visible, and only then dropped from memory.
//!
//! Order of steps, and what a crash after each leaves: raise the boundary (nothing); wait for appends under way; roll
//! the log (nothing); write blocks (folders ending in `.tmp`, or a block whose samples the log has too: reading
//! knows one sample once); make visible; truncate memory; checkpoint (atomic).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Core, MaintenanceState, StoreError};
use crate::base::time::TimeRange;
use crate::metrics::store::block::{Block, BlockMeta, BlockOptions, BlockWriter};
use crate::metrics::store::head::{SHARDS, shard_of};
use crate::metrics::store::wal::{self, Checkpoint, Flushed, Kind};
use crate::series::ports::AppendError;
use crate::series::sample::SampleBuf;

/// An appender waits so long for a flush that lags behind.
const FLUSH_WAIT: Duration = Duration::from_secs(30);

impl Core {
    /// Oldest sample in order and newest sample of the head.
    fn span(&self) -> Option<(i64, i64)> {
        let oldest = self.head.min_ts()?.max(self.head.boundary());
        Some((oldest, self.head.max_ts()?))
    }

    /// Up to where the head has to be flushed now, if it has.
    pub(super) fn flush_due(&self, state: &MaintenanceState) -> Option<i64> {
        if let Some(boundary) = state.unfinished {
            return Some(boundary);
        }
        let (oldest, newest) = self.span()?;
        let range = self.settings.block_range_ms;
        (newest.saturating_sub(oldest) > range + range / 4).then(|| oldest.div_euclid(range).saturating_add(1).saturating_mul(range))
    }

    /// Whether the head holds so much more than a flush leaves that appends should wait.
    fn flush_lags(&self) -> bool {
        let range = self.settings.block_range_ms;
        self.span().is_some_and(|(oldest, newest)| newest.saturating_sub(oldest) > range.saturating_add(range / 8 * 3))
    }

    /// Lets an append pass, or makes it wait for a flush that lags: memory stays bounded however fast a backfill is.
    pub(super) fn wait_for_flush(&self) -> Result<(), AppendError> {
        let Some((oldest, newest)) = self.span() else { return Ok(()) };
        let range = self.settings.block_range_ms;
        if newest.saturating_sub(oldest) <= range + range / 4 || !self.settings.background {
            return Ok(());
        }
        self.flush_wake.ring();
        if !self.flush_lags() {
            return Ok(());
        }
        let mut waiting = self.flush_lock.lock();
        if self.flush_lags() && self.flushed.wait_for(&mut waiting, FLUSH_WAIT).timed_out() && self.flush_lags() {
            let why =
                self.background_errors.lock().get("flush blocks").cloned().unwrap_or_else(|| "writing blocks does not keep up".to_owned());
            return Err(AppendError::Unavailable(why));
        }
        Ok(())
    }

    /// Flushes while something is due. Answers how many blocks were written.
    pub(super) fn flush_all_due(&self, state: &mut MaintenanceState) -> Result<usize, StoreError> {
        let mut written = 0;
        while let Some(boundary) = self.flush_due(state) {
            written += self.flush(state, boundary)?;
            if self.is_closed() {
                break;
            }
        }
        Ok(written)
    }

    /// Writes everything before `boundary` to blocks.
    pub(super) fn flush(&self, state: &mut MaintenanceState, boundary: i64) -> Result<usize, StoreError> {
        state.unfinished = Some(boundary);
        self.head.raise_boundary(boundary);
        drop(self.inflight.write());
        let segment = self.wal.roll()?;
        let keep_from = self.head.next_id();
        // Once for all series: what comes late from now on stays in memory when the rest is dropped.
        for number in 0..SHARDS {
            self.head.shard_mut(number).change_all(|series| series.begin_flush(boundary));
        }
        // After that, so that every series with samples set apart is in it.
        let order = self.head.rank();
        let result = self.write_ranges(self.blocks.dir(), &order, boundary);
        let blocks = result.inspect_err(|_| {
            self.counters.flush_failures.fetch_add(1, Ordering::Relaxed);
        })?;
        let written = blocks.len();
        self.counters.flushes.fetch_add(written as u64, Ordering::Relaxed);
        self.blocks.replace(blocks, &[]);
        self.head.advance_epoch();
        let oldest = self.head.truncate(boundary);
        {
            let _nothing_under_way = self.inflight.write();
            self.head.set_min_ts(oldest);
        }
        let removed = self.head.collect_garbage(keep_from);
        self.counters.series_removed.fetch_add(removed as u64, Ordering::Relaxed);
        state.unfinished = None;
        state.marks.push(Flushed { segment, boundary });
        drop(self.flush_lock.lock());
        self.flushed.notify_all();
        self.checkpoint(state, segment, boundary)?;
        Ok(written)
    }

    /// Writes what the head has before `boundary` to blocks in `dir`, one for each block range.
    pub(super) fn write_ranges(&self, dir: &Path, order: &[u32], boundary: i64) -> Result<Vec<Block>, StoreError> {
        let range = self.settings.block_range_ms;
        let mut ranges = BTreeSet::new();
        for number in 0..SHARDS {
            let shard = self.head.shard(number);
            for (_, series) in shard.iter(number) {
                series.ranges_before(boundary, range, &mut ranges);
            }
        }
        let mut blocks = Vec::new();
        for number in ranges {
            let start = number.saturating_mul(range);
            let end = start.saturating_add(range).min(boundary).saturating_sub(1);
            if let Some(meta) = self.write_range(dir, order, TimeRange::new(start, end))? {
                self.counters.block_bytes_written.fetch_add(meta.bytes, Ordering::Relaxed);
                blocks.push(Block::open(&dir.join(meta.id.to_string()))?);
            }
        }
        Ok(blocks)
    }

    /// Writes one block; none if there is nothing to write.
    fn write_range(&self, dir: &Path, order: &[u32], range: TimeRange) -> Result<Option<BlockMeta>, StoreError> {
        let id = self.blocks.next_id(&*self.clock);
        let mut writer = BlockWriter::create(dir, BlockOptions::fresh(id))?;
        let mut samples = SampleBuf::default();
        let mut any = false;
        for &id in order {
            samples.clear();
            let shard = self.head.shard(shard_of(id));
            let Some(series) = shard.get(id) else { continue };
            let labels = series.labels().clone();
            let read = series.read(range, &mut samples);
            drop(shard);
            read.map_err(|_| StoreError::Damaged { series: labels.to_string() })?;
            if !samples.is_empty() {
                any = true;
                writer.add_series(&labels, &samples)?;
            }
        }
        if any { Ok(Some(writer.finish()?)) } else { Ok(None) }
    }

    /// Shortens the log after a flush.
    fn checkpoint(&self, state: &mut MaintenanceState, segment: u64, boundary: i64) -> Result<(), StoreError> {
        state.chunk_files.retain(|file| file.max_ts >= boundary);
        // A record that deletes must not go before the chunk files that it is about.
        if self.save_all.load(Ordering::Acquire) && !state.chunk_files.is_empty() && self.save(state)? {
            return Ok(());
        }
        let finished = self.wal.finished();
        let needed = finished.iter().find(|info| info.number >= segment || info.max_ts >= boundary);
        let first = needed.map_or(segment, |info| info.number.min(segment));
        self.write_checkpoint(state, first)
    }

    /// Writes down what the log has to say beyond the segments before `first` and beyond chunk files, and removes those
    /// segments.
    pub(super) fn write_checkpoint(&self, state: &mut MaintenanceState, first: u64) -> Result<(), StoreError> {
        let chunk_files: Vec<u64> = state.chunk_files.iter().map(|file| file.number).collect();
        let oldest = chunk_files.first().copied().unwrap_or(u64::MAX);
        state.marks.retain(|mark| mark.segment > first || mark.segment >= oldest);
        // Of several marks for one segment the latest says all.
        state.marks.dedup_by(|later, earlier| {
            let same = later.segment == earlier.segment;
            if same {
                earlier.boundary = earlier.boundary.max(later.boundary);
            }
            same
        });
        let mut marks = state.marks.clone();
        if marks.is_empty() && self.head.boundary() > i64::MIN {
            // About no file any more, but about what is late.
            marks.push(Flushed { segment: 0, boundary: self.head.boundary() });
        }
        let failed = || StoreError::io("write a checkpoint in", self.wal.dir());
        let mut checkpoint = Checkpoint::create(self.wal.dir(), first, &marks, &chunk_files).map_err(failed())?;
        self.fill_checkpoint(&mut checkpoint).map_err(failed())?;
        let bytes = wal::install_checkpoint(checkpoint, self.wal.dir()).map_err(failed())?;
        self.wal.forget_before(first);
        self.counters.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.counters.block_bytes_written.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn fill_checkpoint(&self, checkpoint: &mut Checkpoint) -> std::io::Result<()> {
        for number in 0..SHARDS {
            // Labels are cloned (a count each) so that no append waits for the disk.
            let mut starts = Vec::new();
            let series: Vec<_> = {
                let shard = self.head.shard(number);
                let series = shard.iter(number).map(|(id, series)| {
                    starts.extend(series.starts().iter().map(|(ts, start)| (id, *ts, *start)));
                    (id, series.labels().clone())
                });
                series.collect()
            };
            for (id, labels) in series {
                checkpoint.put(Kind::Series, |out| wal::put_series(out, id, &labels))?;
            }
            for (id, ts, start) in starts {
                checkpoint.put(Kind::Starts, |out| wal::put_times(out, id, ts, start))?;
            }
        }
        let metadata: Vec<_> = self.metadata.read().iter().map(|(name, metadata)| (name.to_owned(), metadata.clone())).collect();
        for (name, metadata) in metadata {
            checkpoint.put(Kind::Metadata, |out| wal::put_metadata(out, &name, &metadata))?;
        }
        let exemplars: Vec<_> = self.exemplars.lock().iter().map(|(id, _, exemplar)| (id, exemplar.clone())).collect();
        for (id, exemplar) in exemplars {
            checkpoint.put(Kind::Exemplars, |out| wal::put_exemplar(out, id, &exemplar))?;
        }
        Ok(())
    }
}
