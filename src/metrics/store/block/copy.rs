//! Copying series from other blocks without decoding their samples: what compaction mostly does.

use rustc_hash::FxHashMap;

use super::chunks::{ChunkEntry, Chunks, Column};
use super::data_writer::ChunkPlace;
use super::index::Damage;
use super::writer::Before;
use super::{Block, BlockError, BlockWriter, Scratch};
use crate::series::labels::{BUCKET, Labels};

/// Columns of one input remembered at once.
const COLUMNS_REMEMBERED: usize = 1 << 20;

/// What went where so far. One for each merge.
#[derive(Default)]
pub struct Copier {
    /// For each input the columns of timestamps copied, by their number there.
    columns: Vec<FxHashMap<u32, u32>>,
    /// Labels of the classic histogram whose buckets are being copied, without the bound.
    histogram: Option<Labels>,
    /// Its chunks that others may be relative to: input, place there, place here.
    bases: Vec<(usize, ChunkPlace, ChunkPlace)>,
    chunks: Vec<(usize, ChunkEntry)>,
}

/// A series of an input: which input, its block, and the id there.
pub type Source<'a> = (usize, &'a Block, u32);

impl BlockWriter {
    /// Adds the samples that several blocks, ascending in time, have for a series, if that can be done chunk by chunk.
    ///
    /// Says no, and adds nothing, if samples were deleted or overlap, if chunks are so short that they should be joined, or if
    /// anything is damaged: decode such series and add their samples.
    pub fn copy_series(
        &mut self,
        labels: &Labels,
        sources: &[Source<'_>],
        copier: &mut Copier,
        scratch: &mut Scratch,
    ) -> Result<bool, BlockError> {
        self.check_labels(labels)?;
        if !copier.collect(sources, self.chunk_samples_min()).unwrap_or(false) {
            return Ok(false);
        }
        let histogram = labels.contains(BUCKET).then(|| labels.without(|name| name == BUCKET));
        if histogram != copier.histogram {
            copier.bases.clear();
            copier.histogram = histogram;
        }
        let inputs = sources.iter().map(|(input, _, _)| input + 1).max().unwrap_or(0);
        copier.columns.resize_with(inputs.max(copier.columns.len()), FxHashMap::default);
        self.begin_list();
        let mut before = Before::default();
        let mut histograms = 0;
        let mut samples = 0;
        let (mut min_ts, mut max_ts) = (i64::MAX, i64::MIN);
        // Chunk lists have floats first.
        for kind in [false, true] {
            for &(input, ref entry) in copier.chunks.iter().filter(|(_, entry)| entry.histograms == kind) {
                let Some((_, block, _)) = sources.iter().find(|source| source.0 == input) else { return Ok(false) };
                let chunks = block.chunks();
                let (Ok(bytes), Ok(column)) = (chunks.chunk(entry.place, scratch), chunks.column(entry.column)) else { return Ok(false) };
                let base = match entry.base {
                    None => None,
                    Some(base) => match copier.bases.iter().rev().find(|(of, old, _)| (*of, *old) == (input, base)) {
                        Some((_, _, new)) => Some(*new),
                        None => return Ok(false),
                    },
                };
                let map = &mut copier.columns[input];
                let Some(number) = self.copy_column(map, &chunks, entry.column)? else { return Ok(false) };
                let start_number = match entry.start_column {
                    None => None,
                    Some(start) => match self.copy_column(map, &chunks, start)? {
                        Some(number) => Some(number),
                        None => return Ok(false),
                    },
                };
                let place = self.put_copied_chunk(bytes, entry.histograms, number, start_number, base, &mut before)?;
                if copier.histogram.is_some() && entry.base.is_none() {
                    copier.bases.push((input, entry.place, place));
                }
                samples += column.count as u64;
                histograms += if kind { column.count as u64 } else { 0 };
                min_ts = min_ts.min(column.range.start);
                max_ts = max_ts.max(column.range.end);
            }
        }
        self.end_copied_series(labels, samples, histograms, (min_ts, max_ts));
        Ok(true)
    }

    fn copy_column(&mut self, map: &mut FxHashMap<u32, u32>, chunks: &Chunks<'_>, number: u32) -> Result<Option<u32>, BlockError> {
        if let Some(known) = map.get(&number) {
            return Ok(Some(*known));
        }
        let Ok(column) = chunks.column(number) else { return Ok(None) };
        let Some(bytes) = column.checked_bytes() else { return Ok(None) };
        let copied = self.put_copied_column(&column, bytes)?;
        if map.len() >= COLUMNS_REMEMBERED {
            map.clear();
        }
        map.insert(number, copied);
        Ok(Some(copied))
    }
}

impl Copier {
    /// Lists the chunks of all sources; false if they cannot be copied as they are.
    fn collect(&mut self, sources: &[Source<'_>], samples_min: usize) -> Result<bool, Damage> {
        self.chunks.clear();
        let mut end_of_last = None;
        for &(input, block, id) in sources {
            if !block.tombstones().of(id).is_empty() {
                return Ok(false);
            }
            let mut end = None;
            for entry in block.chunk_entries(id)? {
                let entry = entry?;
                let Column { range, count, .. } = block.chunks().column(entry.column)?;
                if end_of_last >= Some(range.start) || (count < samples_min && !entry.histograms) {
                    return Ok(false);
                }
                end = end.max(Some(range.end));
                self.chunks.push((input, entry));
            }
            end_of_last = end_of_last.max(end);
        }
        Ok(!self.chunks.is_empty())
    }
}
