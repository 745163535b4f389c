//! Saving the head: closed chunks once, open ones as they are, into a file of the log. What the segments before say is
//! not needed then, so a start reads chunks, which is quick, and little of the log, which is not.
//!
//! Appends go on meanwhile. What they add is in the segments from the new one on, and perhaps in the chunk file as well:
//! reading back takes it once.

use std::sync::atomic::Ordering;

use super::{Core, MaintenanceState, StoreError};
use crate::metrics::store::head::SHARDS;
use crate::metrics::store::wal::{ChunkFile, Kind, SamplesWriter, SegmentInfo};

/// A log that is shorter than this for each series is not worth the writing: what is written each time are the open
/// chunks, the labels, and what else a checkpoint has.
const LOG_BYTES_PER_SERIES: u64 = 200;

/// Content of one record.
const RECORD_BYTES: usize = 1 << 20;

impl Core {
    /// Saves the head if the log has become long.
    pub(super) fn save_if_due(&self) -> Result<(), StoreError> {
        if !self.log_is_long() {
            return Ok(());
        }
        let mut state = self.maintenance.lock();
        // A flush may have shortened the log while this waited for it. One that is due does so in a moment, and would
        // write the same samples again. One that has failed before may fail for long.
        if !self.log_is_long() || (state.unfinished.is_none() && self.flush_due(&state).is_some()) {
            return Ok(());
        }
        self.save(&mut state).map(drop)
    }

    fn log_is_long(&self) -> bool {
        let (at_least, per_series) = match self.settings.save_log_bytes {
            0 => return false,
            bytes => (bytes, LOG_BYTES_PER_SERIES.min(bytes)),
        };
        self.wal.bytes() >= at_least.max(self.head.series_count() as u64 * per_series)
    }

    /// Saves the head. Answers whether there was something to save.
    pub(super) fn save(&self, state: &mut MaintenanceState) -> Result<bool, StoreError> {
        let number = self.wal.roll()?;
        if state.chunk_files.last().is_some_and(|file| file.number >= number) {
            return Ok(false);
        }
        let all = self.save_all.swap(false, Ordering::AcqRel) || state.chunk_files.is_empty();
        let saved = self.write_chunk_file(number, all).map_err(StoreError::io("save the head in", self.wal.dir())).and_then(|file| {
            let before = std::mem::take(&mut state.chunk_files);
            let kept = if all { &[] } else { &before[..] };
            state.chunk_files = kept.iter().copied().chain([file]).collect();
            self.write_checkpoint(state, number).inspect_err(|_| state.chunk_files = before)
        });
        // Chunks are marked as saved that no checkpoint knows of.
        saved.inspect_err(|_| self.save_all.store(true, Ordering::Release))?;
        Ok(true)
    }

    fn write_chunk_file(&self, number: u64, all: bool) -> std::io::Result<SegmentInfo> {
        let mut file = ChunkFile::create(self.wal.dir(), number)?;
        let mut max_ts = i64::MIN;
        for shard in 0..SHARDS {
            // Copied under the lock and written after it: no append waits for the disk.
            let (records, newest) = self.copy_chunks(shard, all);
            max_ts = max_ts.max(newest);
            for (kind, content) in records {
                file.put(kind, &content)?;
            }
        }
        let bytes = file.finish()?;
        self.counters.block_bytes_written.fetch_add(bytes, Ordering::Relaxed);
        Ok(SegmentInfo { number, bytes, max_ts })
    }

    /// Records with what is to be saved of a shard, and the newest time in them.
    fn copy_chunks(&self, number: usize, all: bool) -> (Vec<(Kind, Vec<u8>)>, i64) {
        let mut writers = [Kind::Chunks, Kind::Floats, Kind::Histograms].map(|kind| (kind, SamplesWriter::default()));
        writers.iter_mut().for_each(|(_, writer)| writer.begin_group(number));
        let (mut records, mut max_ts) = (Vec::new(), i64::MIN);
        self.head.shard_mut(number).change_each(number, |id, series| {
            let [(_, chunks), (_, floats), (_, histograms)] = &mut writers;
            let count = series.chunks_to_save(all).count();
            if count > 0 {
                chunks.put_chunks(id, count, series.chunks_to_save(all));
                max_ts = series.chunks_to_save(all).fold(max_ts, |max, chunk| max.max(chunk.max));
            }
            let count = series.late_floats().count();
            if count > 0 {
                floats.put_floats(id, count, series.late_floats());
                max_ts = series.late_floats().fold(max_ts, |max, (ts, _)| max.max(ts));
            }
            let count = series.late_histograms().count();
            if count > 0 {
                histograms.put_histograms(id, count, series.late_histograms());
                max_ts = series.late_histograms().fold(max_ts, |max, (ts, _)| max.max(ts));
            }
            series.mark_saved();
            for (kind, writer) in &mut writers {
                if writer.bytes().len() > RECORD_BYTES {
                    writer.end_group();
                    records.push((*kind, writer.take()));
                    writer.begin_group(number);
                }
            }
        });
        for (kind, mut writer) in writers {
            writer.end_group();
            records.push((kind, writer.take()));
        }
        // Chunks first: samples that came late are late only beside them.
        records.sort_by_key(|(kind, _)| *kind != Kind::Chunks);
        (records, max_ts)
    }
}
