//! Compaction: which blocks to merge ([`plan`]), and merging them ([`merge`]).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::sync::Arc;

use super::block::{Block, BlockError, BlockId, BlockMeta, BlockOptions, BlockWriter, Copier, Scratch};
use super::samples::forget_hint;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::series::labels::Labels;
use crate::series::sample::SampleBuf;

/// Bytes written between two times that the pages of the inputs are let go of.
const RELEASE_EVERY: u64 = 2 * 1024 * 1024;

/// What came of merging blocks.
#[derive(Debug)]
pub struct Merged {
    /// The new block; none if every sample of the inputs was deleted.
    pub meta: Option<BlockMeta>,
    /// Series of which an input could not give all samples. What could be read is in the new block.
    pub damaged_series: u64,
    /// The first damage found.
    pub first_damage: Option<BlockError>,
}

/// Merges blocks into a new one in `out_dir`, which is on disk when this returns. The inputs stay.
///
/// Samples of one series at the same time: that of the block later in the list stays. Deleted ranges are left out.
/// Level and sources of `options` are set from the inputs. Memory holds one series at a time, a few MiB of each input, and the
/// new index.
pub fn merge(inputs: &[Arc<Block>], out_dir: &Path, options: BlockOptions, cancel: &Cancel) -> Result<Merged, BlockError> {
    let level = inputs.iter().map(|block| block.meta().level.saturating_add(1)).max().unwrap_or(0);
    let mut sources: Vec<BlockId> = inputs.iter().flat_map(|block| block.meta().sources.iter().copied()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut writer = BlockWriter::create(out_dir, BlockOptions { level, sources, ..options })?;
    let mut merge = Merge { inputs, heap: BinaryHeap::new(), scratch: Scratch::new(), damaged_series: 0, first_damage: None };
    for input in 0..inputs.len() {
        merge.advance(input, 0);
    }
    let (mut samples, mut more, mut joined) = (SampleBuf::default(), SampleBuf::default(), SampleBuf::default());
    let mut copier = Copier::default();
    let mut found = Vec::new();
    let mut series = 0u64;
    let mut released_at = 0;
    while let Some(Reverse((labels, input, id))) = merge.heap.pop() {
        cancel.check()?;
        if writer.written() - released_at >= RELEASE_EVERY {
            // Series lie in the inputs in the order in which they are merged: what was read is not needed again.
            inputs.iter().for_each(|input| input.release_pages());
            released_at = writer.written();
        }
        let damaged_before = merge.damaged_series;
        found.clear();
        found.push((input, &*inputs[input], id));
        merge.advance(input, id + 1);
        while let Some(Reverse((_, input, id))) = merge.pop_same(&labels) {
            found.push((input, &*inputs[input], id));
            merge.advance(input, id + 1);
        }
        // Copied are disjoint blocks, in order of time; joined are all, in the order given.
        found.sort_by_key(|(_, block, _)| block.meta().min_ts);
        match writer.copy_series(&labels, &found, &mut copier, &mut merge.scratch) {
            Ok(true) => {
                series += 1;
                continue;
            }
            Ok(false) => {}
            // Inputs are in order unless they are damaged in a way that no checksum shows.
            Err(error @ BlockError::Unordered { .. }) => {
                merge.note(error);
                continue;
            }
            Err(error) => return Err(error),
        }
        found.sort_by_key(|(input, _, _)| *input);
        samples.clear();
        for (_, block, id) in &found {
            more.clear();
            merge.read(block, *id, &mut more);
            join(&mut samples, &more, &mut joined);
        }
        match writer.add_series(&labels, &samples) {
            Ok(()) => series += u64::from(!samples.is_empty()),
            Err(error @ BlockError::Unordered { .. }) => merge.note(error),
            Err(error) => return Err(error),
        }
        // Several inputs may be damaged at the same series.
        merge.damaged_series = merge.damaged_series.min(damaged_before + 1);
    }
    let Merge { damaged_series, first_damage, .. } = merge;
    let meta = if series > 0 { Some(writer.finish()?) } else { None };
    Ok(Merged { meta, damaged_series, first_damage })
}

/// The next series of an input: labels, input, id.
type Next = Reverse<(Labels, usize, u32)>;

/// Walks the series of all inputs in order of labels, and for equal labels in order of the inputs.
struct Merge<'a> {
    inputs: &'a [Arc<Block>],
    heap: BinaryHeap<Next>,
    scratch: Scratch,
    damaged_series: u64,
    first_damage: Option<BlockError>,
}

impl Merge<'_> {
    fn note(&mut self, damage: BlockError) {
        self.damaged_series += 1;
        self.first_damage.get_or_insert(damage);
    }

    /// Lines up series `from` of an input, or the next one whose labels can be read.
    fn advance(&mut self, input: usize, from: u32) {
        for id in from..self.inputs[input].series_count() {
            match self.inputs[input].labels(id) {
                Ok(labels) => {
                    self.heap.push(Reverse((labels, input, id)));
                    return;
                }
                Err(damage) => self.note(damage),
            }
        }
    }

    fn pop_same(&mut self, labels: &Labels) -> Option<Next> {
        let Reverse((next, _, _)) = self.heap.peek()?;
        if next == labels { self.heap.pop() } else { None }
    }

    /// Reads a series whole, as far as it can be read.
    fn read(&mut self, block: &Block, id: u32, out: &mut SampleBuf) {
        if let Err(damage) = block.read(id, TimeRange::ALL, &mut self.scratch, out) {
            self.note(damage);
        }
    }
}

/// Adds `later` to `samples`; of samples at the same time those of `later` stay, whatever their kind.
pub fn join(samples: &mut SampleBuf, later: &SampleBuf, scratch: &mut SampleBuf) {
    let ends = |buf: &SampleBuf| buf.float_ts.last().copied().max(buf.histogram_ts.last().copied());
    let starts = |buf: &SampleBuf| buf.float_ts.first().copied().into_iter().chain(buf.histogram_ts.first().copied()).min();
    let has_starts = !samples.float_start_ts.is_empty() || !later.float_start_ts.is_empty();
    let has_histogram_starts = !samples.histogram_start_ts.is_empty() || !later.histogram_start_ts.is_empty();
    if has_starts {
        samples.float_start_ts.resize(samples.float_ts.len(), 0);
    }
    if has_histogram_starts {
        samples.histogram_start_ts.resize(samples.histogram_ts.len(), 0);
    }
    match (ends(samples), starts(later)) {
        (_, None) => return,
        (Some(end), Some(start)) if end >= start => {}
        _ => {
            samples.float_ts.extend_from_slice(&later.float_ts);
            samples.floats.extend_from_slice(&later.floats);
            samples.float_start_ts.extend_from_slice(&later.float_start_ts);
            if has_starts {
                samples.float_start_ts.resize(samples.float_ts.len(), 0);
            }
            let first = samples.histograms.len();
            samples.histogram_ts.extend_from_slice(&later.histogram_ts);
            samples.histograms.extend(later.histograms.iter().cloned());
            samples.histogram_start_ts.extend_from_slice(&later.histogram_start_ts);
            if has_histogram_starts {
                samples.histogram_start_ts.resize(samples.histogram_ts.len(), 0);
            }
            if let Some(first) = samples.histograms.get_mut(first).filter(|_| first > 0) {
                forget_hint(first);
            }
            return;
        }
    }
    scratch.clear();
    let is_in = |sorted: &[i64], ts: i64| sorted.binary_search(&ts).is_ok();
    let (mut left, mut right) = (0, 0);
    while left < samples.float_ts.len() || right < later.float_ts.len() {
        let (old, new) = (samples.float_ts.get(left).copied(), later.float_ts.get(right).copied());
        let take_new = new.is_some_and(|new| old.is_none_or(|old| new <= old));
        let (from, at) = if take_new { (later, right) } else { (&*samples, left) };
        let ts = from.float_ts[at];
        if take_new || !is_in(&later.histogram_ts, ts) {
            scratch.push_float(ts, from.floats[at]);
            if has_starts {
                scratch.float_start_ts.push(from.float_start_ts.get(at).copied().unwrap_or(0));
            }
        }
        left += usize::from(!take_new || old == new);
        right += usize::from(take_new);
    }
    let (mut left, mut right) = (0, 0);
    let mut new_before = None;
    while left < samples.histogram_ts.len() || right < later.histogram_ts.len() {
        let (old, new) = (samples.histogram_ts.get(left).copied(), later.histogram_ts.get(right).copied());
        let take_new = new.is_some_and(|new| old.is_none_or(|old| new <= old));
        let (from, at) = if take_new { (later, right) } else { (&*samples, left) };
        let ts = from.histogram_ts[at];
        if take_new || !is_in(&later.float_ts, ts) {
            let mut histogram = Arc::clone(&from.histograms[at]);
            // What is noted on a histogram is relative to the one before it in its own block.
            if new_before.is_some_and(|before| before != take_new) {
                forget_hint(&mut histogram);
            }
            new_before = Some(take_new);
            scratch.push_histogram(ts, histogram);
            if has_histogram_starts {
                scratch.histogram_start_ts.push(from.histogram_start_ts.get(at).copied().unwrap_or(0));
            }
        }
        left += usize::from(!take_new || old == new);
        right += usize::from(take_new);
    }
    std::mem::swap(samples, scratch);
}

/// How large blocks may become.
#[derive(Debug, Clone)]
pub struct PlanSettings {
    /// Lengths of time in milliseconds, ascending, each a multiple of the one before. Blocks that lie within the same
    /// multiple of a length are merged once it is over.
    pub ranges_ms: Vec<i64>,
    /// Blocks that would together be larger than this are left alone.
    pub bytes_max: u64,
}

impl PlanSettings {
    /// From `first_ms` (what the head writes) on in steps of four, then three, as long as `max_ms` is not passed.
    pub fn up_to(first_ms: i64, max_ms: i64, bytes_max: u64) -> Self {
        let mut ranges_ms = vec![first_ms.max(1)];
        let mut next = first_ms.max(1).saturating_mul(4);
        while next <= max_ms {
            ranges_ms.push(next);
            next = next.saturating_mul(3);
        }
        Self { ranges_ms, bytes_max }
    }
}

/// Which blocks to merge, as positions in `blocks`: each group into one block, ascending in time and, where blocks overlap,
/// in the order of `blocks`, so that the later written wins. Groups do not share blocks; the most urgent come first.
pub fn plan(blocks: &[BlockMeta], settings: &PlanSettings) -> Vec<Vec<usize>> {
    let mut by_time: Vec<usize> = (0..blocks.len()).filter(|at| blocks[*at].min_ts <= blocks[*at].max_ts).collect();
    by_time.sort_by_key(|at| (blocks[*at].min_ts, blocks[*at].max_ts));
    let mut groups = overlapping(blocks, &by_time, settings);
    let mut taken = vec![false; blocks.len()];
    groups.iter().flatten().for_each(|at| taken[*at] = true);

    let newest = blocks.iter().map(|block| block.max_ts).max().unwrap_or(i64::MIN);
    for &range in &settings.ranges_ms {
        for window in by_time.chunk_by(|left, right| blocks[*left].min_ts.div_euclid(range) == blocks[*right].min_ts.div_euclid(range)) {
            let end = blocks[window[0]].min_ts.div_euclid(range).saturating_add(1).saturating_mul(range);
            let is_over = newest >= end.saturating_sub(1);
            let fits = window.iter().all(|at| blocks[*at].max_ts < end && !taken[*at]);
            let bytes = window.iter().fold(0u64, |sum, at| sum.saturating_add(blocks[*at].bytes));
            if window.len() > 1 && is_over && fits && bytes <= settings.bytes_max {
                window.iter().for_each(|at| taken[*at] = true);
                groups.push(window.to_vec());
            }
        }
    }
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups
}

/// Groups of blocks that share time, none longer than the longest range unless one block alone is.
fn overlapping(blocks: &[BlockMeta], by_time: &[usize], settings: &PlanSettings) -> Vec<Vec<usize>> {
    let longest = settings.ranges_ms.last().copied().unwrap_or(0).cast_unsigned();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let (mut start, mut end, mut bytes) = (i64::MIN, i64::MIN, 0u64);
    for &at in by_time {
        let block = &blocks[at];
        let joined_end = end.max(block.max_ts);
        let joined_bytes = bytes.saturating_add(block.bytes);
        let joins = block.min_ts <= end && joined_end.abs_diff(start) < longest && joined_bytes <= settings.bytes_max;
        match groups.last_mut() {
            Some(group) if joins => {
                group.push(at);
                (end, bytes) = (joined_end, joined_bytes);
            }
            _ => {
                groups.push(vec![at]);
                (start, end, bytes) = (block.min_ts, block.max_ts, block.bytes);
            }
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

#[cfg(test)]
mod tests;
