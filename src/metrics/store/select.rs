//! Samples out: the series that match, from head and blocks, as one sorted list; read when asked.
//!
//! A selection holds the blocks as they were when it was made. Samples that move from the head to a block
//! afterwards are found all the same: a reader looks at the head first, then whether a truncation began meanwhile, and
//! if so, looks its series up in the blocks as they are then.

use std::cell::RefCell;
use std::sync::Arc;

use smallvec::SmallVec;

use super::block::{BlockError, Scratch};
use super::db::{Core, LiveBlock, Store};
use super::head::shard_of;
use super::postings::matching;
use super::samples::{self, Mark};
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::series::batch::WriteBatch;
use crate::series::changes::ChangeLog;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, IndexQuery, Select, SelectError, SelectedSeries, Selection};
use crate::series::sample::{Exemplar, SampleBuf};

/// Series between two looks at the flag that says stop.
const CANCEL_EVERY: usize = 1024;

thread_local! {
    /// Unpacked frames, kept from series to series of the same thread.
    static SCRATCH: RefCell<(Scratch, SampleBuf)> = RefCell::default();
}

impl Append for Store {
    fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError> {
        self.core().append(batch, options)
    }
}

/// What the series of one selection share.
struct Context {
    core: Arc<Core>,
    epoch: u64,
    /// In the order in which they were written: of samples at the same time those of the later block count.
    blocks: Vec<Arc<LiveBlock>>,
}

/// One series and where its samples are.
struct Found {
    labels: Labels,
    context: Arc<Context>,
    /// Id in the head, 0 if it is not there.
    head: u32,
    /// Position of the block in the context, id in the block.
    blocks: SmallVec<[(u32, u32); 2]>,
}

/// The same before the context is known.
struct Entry {
    labels: Labels,
    head: u32,
    blocks: SmallVec<[(u32, u32); 2]>,
}

impl Select for Store {
    fn select(&self, selection: &Selection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn SelectedSeries>>, SelectError> {
        let core = self.core();
        // The epoch first: a flush in between is then noticed, not missed.
        let epoch = core.head.epoch();
        let blocks = core.blocks.within(selection.range);
        let entries = core.entries(&blocks, selection.matchers, selection.range, selection.series_max, cancel)?;
        let context = Arc::new(Context { core: Arc::clone(core), epoch, blocks });
        let found = entries.into_iter().map(|entry| {
            let Entry { labels, head, blocks } = entry;
            Box::new(Found { labels, context: Arc::clone(&context), head, blocks }) as Box<dyn SelectedSeries>
        });
        Ok(found.collect())
    }

    fn series(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<Labels>, SelectError> {
        let core = self.core();
        let blocks = core.blocks.within(query.range);
        let everything = [Vec::new()];
        let lists = if query.any_of.is_empty() { &everything[..] } else { query.any_of };
        let mut all: Vec<Labels> = Vec::new();
        for matchers in lists {
            let entries = core.entries(&blocks, matchers, query.range, usize::MAX, cancel)?;
            all.extend(entries.into_iter().map(|entry| entry.labels));
        }
        if lists.len() > 1 {
            all.sort();
            all.dedup();
        }
        cut(&mut all, query.limit);
        Ok(all)
    }

    fn label_names(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError> {
        let core = self.core();
        let mut names: Vec<String> = Vec::new();
        if selects_everything(query.any_of) {
            if core.head_overlaps(query.range) {
                names.extend(core.head.index().names().map(str::to_owned));
            }
            for block in core.blocks.within(query.range) {
                names.extend(block.label_names().map_err(storage)?);
            }
        } else {
            let mut seen: hashbrown::HashSet<String> = hashbrown::HashSet::new();
            for labels in self.series(&IndexQuery { limit: 0, ..query.clone() }, cancel)? {
                for (name, _) in &labels {
                    if !seen.contains(name) {
                        seen.insert(name.to_owned());
                    }
                }
            }
            names.extend(seen);
        }
        names.sort_unstable();
        names.dedup();
        cut(&mut names, query.limit);
        Ok(names)
    }

    fn label_values(&self, name: &str, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError> {
        let core = self.core();
        let mut values: Vec<String> = Vec::new();
        if selects_everything(query.any_of) {
            if core.head_overlaps(query.range) {
                values.extend(core.head.index().values(name).map(|(value, _)| value.to_owned()));
            }
            for block in core.blocks.within(query.range) {
                values.extend(block.label_values(name).map_err(storage)?);
            }
        } else {
            let mut seen: hashbrown::HashSet<String> = hashbrown::HashSet::new();
            for labels in self.series(&IndexQuery { limit: 0, ..query.clone() }, cancel)? {
                if let Some(value) = labels.get(name).filter(|value| !seen.contains(*value)) {
                    seen.insert(value.to_owned());
                }
            }
            values.extend(seen);
        }
        values.sort_unstable();
        values.dedup();
        cut(&mut values, query.limit);
        Ok(values)
    }

    fn changes(&self) -> Option<&ChangeLog> {
        Some(&self.core().changes)
    }

    fn exemplars(&self, query: &IndexQuery<'_>) -> Result<Vec<(Labels, Vec<Exemplar>)>, SelectError> {
        let matches = |labels: &Labels| {
            query.any_of.is_empty() || query.any_of.iter().any(|list| list.iter().all(|matcher| matcher.matches_labels(labels)))
        };
        let mut found = self.core().exemplars.lock().find(query.range, matches);
        cut(&mut found, query.limit);
        Ok(found)
    }
}

impl SelectedSeries for Found {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, range: TimeRange, out: &mut SampleBuf) -> Result<(), SelectError> {
        let core = &self.context.core;
        let mark = Mark::end_of(out);
        if self.blocks.is_empty() {
            // Most dashboards: everything is in memory, so nothing has to be merged.
            self.read_head(range, out)?;
            if core.head.epoch() == self.context.epoch {
                return Ok(());
            }
            samples::retain_times(out, mark, |_| false);
        }
        SCRATCH.with_borrow_mut(|(scratch, from_head)| {
            from_head.clear();
            self.read_head(range, from_head)?;
            // Looked at after the head was read: whatever was missing there by then is in a block by now.
            if core.head.epoch() == self.context.epoch {
                for &(at, id) in &self.blocks {
                    add_block(&self.context.blocks[at as usize], id, range, mark, scratch, out)?;
                }
            } else {
                let matchers: Vec<Matcher> = self.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
                for block in core.blocks.within(range) {
                    for id in block.matching(&matchers).map_err(storage)? {
                        if block.labels(id).map_err(storage)? == self.labels {
                            add_block(&block, id, range, mark, scratch, out)?;
                        }
                    }
                }
            }
            if !from_head.is_empty() {
                samples::merge_newer(out, mark, from_head);
            }
            Ok(())
        })
    }
}

impl Found {
    fn read_head(&self, range: TimeRange, out: &mut SampleBuf) -> Result<(), SelectError> {
        if self.head != 0 {
            let shard = self.context.core.head.shard(shard_of(self.head));
            if let Some(series) = shard.get(self.head) {
                series.read(range, out).map_err(|_| SelectError::Storage(Arc::from("a series in memory is damaged")))?;
            }
        }
        Ok(())
    }
}

/// Adds the samples of a block to what stands after `mark`.
fn add_block(
    block: &LiveBlock,
    id: u32,
    range: TimeRange,
    mark: Mark,
    scratch: &mut Scratch,
    out: &mut SampleBuf,
) -> Result<(), SelectError> {
    let range = TimeRange::new(range.start.max(block.meta().min_ts), range.end.min(block.meta().max_ts));
    if range.start > range.end {
        return Ok(());
    }
    if mark.newest_in(out).is_none_or(|newest| newest < block.meta().min_ts) {
        // The rule: blocks follow each other in time.
        block.read(id, range, scratch, out).map_err(storage)?;
        samples::pad_known_starts(out);
        return Ok(());
    }
    let mut newer = SampleBuf::default();
    block.read(id, range, scratch, &mut newer).map_err(storage)?;
    samples::merge_newer(out, mark, &newer);
    Ok(())
}

impl Core {
    fn head_overlaps(&self, range: TimeRange) -> bool {
        match (self.head.min_ts(), self.head.max_ts()) {
            (Some(min), Some(max)) => range.overlaps(&TimeRange::new(min, max)),
            _ => false,
        }
    }

    /// Series of head and `blocks` that match, sorted by labels.
    fn entries(
        &self,
        blocks: &[Arc<LiveBlock>],
        matchers: &[Matcher],
        range: TimeRange,
        max: usize,
        cancel: &Cancel,
    ) -> Result<Vec<Entry>, SelectError> {
        let mut entries = if self.head_overlaps(range) { self.head_entries(matchers, range, cancel)? } else { Vec::new() };
        for (at, block) in blocks.iter().enumerate() {
            cancel.check()?;
            let ids = block.matching(matchers).map_err(storage)?;
            if ids.len() > max {
                return Err(SelectError::TooManySeries { max });
            }
            entries = merge_block(entries, block, at as u32, &ids, cancel)?;
        }
        if entries.len() > max {
            return Err(SelectError::TooManySeries { max });
        }
        Ok(entries)
    }

    fn head_entries(&self, matchers: &[Matcher], range: TimeRange, cancel: &Cancel) -> Result<Vec<Entry>, SelectError> {
        let ids = matching(&self.head.index(), matchers).map_err(|corrupt| SelectError::Storage(corrupt.to_string().into()))?;
        let mut found: Vec<(u32, Entry)> = Vec::with_capacity(ids.len());
        for group in ids.chunks(CANCEL_EVERY) {
            cancel.check()?;
            for &id in group {
                let shard = self.head.shard(shard_of(id));
                let Some(series) = shard.get(id) else { continue };
                if series.time_range().is_some_and(|held| held.overlaps(&range)) {
                    found.push((series.rank, Entry { labels: series.labels().clone(), head: id, blocks: SmallVec::new() }));
                }
            }
        }
        // Ranks are hints: they make the real sort find sorted runs.
        found.sort_unstable_by_key(|(rank, _)| *rank);
        found.sort_by(|a, b| a.1.labels.cmp(&b.1.labels));
        Ok(found.into_iter().map(|(_, entry)| entry).collect())
    }
}

/// Merges the series of one block into a sorted list.
fn merge_block(entries: Vec<Entry>, block: &LiveBlock, at: u32, ids: &[u32], cancel: &Cancel) -> Result<Vec<Entry>, SelectError> {
    if ids.is_empty() {
        return Ok(entries);
    }
    let mut merged = Vec::with_capacity(entries.len().max(ids.len()));
    let mut entries = entries.into_iter().peekable();
    for (count, &id) in ids.iter().enumerate() {
        if count % CANCEL_EVERY == 0 {
            cancel.check()?;
        }
        let labels = block.labels(id).map_err(storage)?;
        while let Some(entry) = entries.next_if(|entry| entry.labels < labels) {
            merged.push(entry);
        }
        match entries.next_if(|entry| entry.labels == labels) {
            Some(mut entry) => {
                entry.blocks.push((at, id));
                merged.push(entry);
            }
            None => merged.push(Entry { labels, head: 0, blocks: smallvec::smallvec![(at, id)] }),
        }
    }
    merged.extend(entries);
    Ok(merged)
}

fn selects_everything(any_of: &[Vec<Matcher>]) -> bool {
    any_of.is_empty() || any_of.iter().any(Vec::is_empty)
}

fn cut<T>(list: &mut Vec<T>, limit: usize) {
    if limit > 0 {
        list.truncate(limit);
    }
}

fn storage(error: BlockError) -> SelectError {
    match error {
        BlockError::Stopped(stop) => SelectError::Stopped(stop),
        other => SelectError::Storage(other.to_string().into()),
    }
}
