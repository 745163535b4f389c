//! The lines that match, the newest or the oldest first, up to a limit.
//!
//! Threads take chunks in order of time and share what they found. Once the limit is reached, what cannot be among the
//! first any more is not even read. Lines of one stream and time come in the order in which they arrived, or in exactly
//! the reverse of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Slot;
use parking_lot::Mutex;

use super::extract::within;
use super::repeats::identity;
use super::search::Searches;
use super::{Context, select_error, stage_error, stopped, together};
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineBuf, LineChunk, LineSelection, Span, Stream, Want};
use crate::logs::query::ast::LogExpr;
use crate::logs::query::stage::pipeline::{Categories, Pipeline};
use crate::series::labels::Labels;
use crate::series::ports::EvaluateError;

/// Which lines go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The newest.
    #[default]
    Backward,
    /// The oldest.
    Forward,
}

/// A line of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When (ns).
    pub ts: i64,
    /// Its text, as the stages left it.
    pub line: String,
    /// Its labels by where they come from, if they are to be told apart; else nothing.
    pub categories: Categories,
}

/// Lines with the same labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    /// The labels: all that the lines have, or the stream's alone if they are told apart by where they come from.
    pub labels: Labels,
    /// In the order asked for.
    pub entries: Vec<Entry>,
}

/// Which lines are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) span: Span,
    pub(crate) direction: Direction,
    pub(crate) limit: usize,
    /// So many lines of the first ones in order are left out; they do not count for the limit.
    pub(crate) skip: usize,
    /// Least distance between two lines (ns), 0 for none.
    pub(crate) interval: i64,
    /// Whether labels are told apart by where they come from.
    pub(crate) categorize: bool,
}

/// Where a line lies: chunks are in the order of arrival, and so are lines of one time in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    chunk: u32,
    line: u32,
}

/// A line that was found.
struct Hit {
    ts: i64,
    /// Hash of its stream.
    stream: u64,
    place: Place,
    /// What tells it from every other line.
    identity: u128,
    line: Box<[u8]>,
    labels: Labels,
    categories: Categories,
}

impl Hit {
    fn weight(&self) -> usize {
        let of = |labels: &Labels| labels.packed().len() + 16;
        self.line.len() + of(&self.labels) + of(&self.categories.fields) + of(&self.categories.parsed) + 96
    }
}

/// Finds lines.
pub(crate) fn find(ctx: &Context<'_>, log: &LogExpr, needs: &Needs, wish: Wish) -> Result<Vec<LogStream>, EvaluateError> {
    let (skip, mut hits) = (wish.skip, Vec::new());
    let wish = Wish { limit: wish.limit.saturating_add(skip), skip: 0, ..wish };
    if wish.interval <= 0 {
        hits = collect(ctx, log, needs, wish)?;
    } else {
        // Lines that come too soon after another one are left out, so more may have to be read to reach the limit.
        let mut rest = wish;
        let mut last: Option<i64> = None;
        while hits.len() < wish.limit {
            rest.limit = (wish.limit - hits.len()).saturating_mul(4).max(1_000);
            let batch = collect(ctx, log, needs, rest)?;
            let Some(end) = batch.last().map(|hit| hit.ts) else { break };
            let is_all = batch.len() < rest.limit;
            for hit in batch {
                let is_far = last.is_none_or(|last| hit.ts.abs_diff(last) >= wish.interval.unsigned_abs());
                if is_far && hits.len() < wish.limit {
                    last = Some(hit.ts);
                    hits.push(hit);
                }
            }
            match wish.direction {
                Direction::Backward => rest.span.end = end,
                Direction::Forward => rest.span.start = end.saturating_add(1),
            }
            if is_all {
                break;
            }
        }
    }
    hits.drain(..skip.min(hits.len()));
    Ok(into_streams(hits, wish.categorize))
}

fn into_streams(hits: Vec<Hit>, categorize: bool) -> Vec<LogStream> {
    let mut streams: BTreeMap<Labels, Vec<Entry>> = BTreeMap::new();
    for hit in hits {
        let labels = if categorize { hit.categories.stream.clone() } else { hit.labels };
        let line = match String::from_utf8(hit.line.into_vec()) {
            Ok(line) => line,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        streams.entry(labels).or_default().push(Entry { ts: hit.ts, line, categories: hit.categories });
    }
    streams.into_iter().map(|(labels, entries)| LogStream { labels, entries }).collect()
}

/// The first lines in order.
fn collect(ctx: &Context<'_>, log: &LogExpr, needs: &Needs, wish: Wish) -> Result<Vec<Hit>, EvaluateError> {
    Pipeline::new(&log.stages, ctx.now).map_err(stage_error)?;
    if wish.limit == 0 {
        return Ok(Vec::new());
    }
    let selection = LineSelection { matchers: &log.selector.matchers, span: wish.span, needs };
    let chunks = ctx.select.select(&selection, ctx.cancel).map_err(select_error)?;
    let mut chunks: Vec<(u32, Box<dyn LineChunk>)> = (0..).zip(chunks).collect();
    match wish.direction {
        Direction::Backward => chunks.sort_by_key(|(_, chunk)| std::cmp::Reverse(chunk.bounds().1)),
        Direction::Forward => chunks.sort_by_key(|(_, chunk)| chunk.bounds().0),
    }
    let shared = Shared { ctx, wish, found: Mutex::default() };
    let search = Searches::new(log);
    let next = AtomicUsize::new(0);
    let work = || {
        let pipeline = Pipeline::new(&log.stages, ctx.now).map_err(stage_error)?.stopped_by(ctx.cancel);
        let mut worker = Worker { shared: &shared, pipeline, search: &search, by_fields: false, found: Vec::new() };
        let mut buf = LineBuf::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((number, chunk)) = chunks.get(index) else { break };
            if shared.is_beyond(&**chunk) {
                break;
            }
            worker.chunk(*number, &**chunk, &mut buf)?;
        }
        Ok(())
    };
    together(ctx.threads.min(chunks.len()), &work)?;
    let mut found = shared.found.into_inner();
    found.shrink(wish);
    ctx.budget.release(found.weight);
    ctx.work.passed.fetch_add(found.hits.len() as u64, Ordering::Relaxed);
    Ok(found.hits)
}

/// What all threads found.
#[derive(Default)]
struct Found {
    hits: Vec<Hit>,
    /// Where each of them, repeated or not, came first.
    known: HashMap<u128, Place>,
    /// Whether a line turned out to have come before the one that was found.
    has_moved: bool,
    weight: usize,
    /// Time of the last line that counts, once the limit is reached.
    edge: Option<i64>,
}

impl Found {
    /// Keeps what is within the limit, in order.
    fn shrink(&mut self, wish: Wish) {
        if std::mem::take(&mut self.has_moved) {
            for hit in &mut self.hits {
                hit.place = self.known.get(&hit.identity).copied().unwrap_or(hit.place);
            }
        }
        let key = |hit: &Hit| (hit.ts, hit.stream, hit.place);
        match wish.direction {
            Direction::Backward => self.hits.sort_unstable_by_key(|hit| std::cmp::Reverse(key(hit))),
            Direction::Forward => self.hits.sort_unstable_by_key(key),
        }
        for hit in self.hits.drain(wish.limit.min(self.hits.len())..) {
            self.known.remove(&hit.identity);
            self.weight -= hit.weight();
        }
        self.edge = self.hits.get(wish.limit - 1).map(|hit| hit.ts);
    }
}

struct Shared<'a> {
    ctx: &'a Context<'a>,
    wish: Wish,
    found: Mutex<Found>,
}

impl Shared<'_> {
    /// Whether no line of a chunk, nor of those after it, can count any more.
    fn is_beyond(&self, chunk: &dyn LineChunk) -> bool {
        let (oldest, newest) = chunk.bounds();
        self.found.lock().edge.is_some_and(|edge| match self.wish.direction {
            Direction::Backward => newest < edge,
            Direction::Forward => oldest > edge,
        })
    }

    /// Times that may still count.
    fn open(&self) -> Span {
        let mut span = self.wish.span;
        if let Some(edge) = self.found.lock().edge {
            match self.wish.direction {
                Direction::Backward => span.start = span.start.max(edge),
                Direction::Forward => span.end = span.end.min(edge.saturating_add(1)),
            }
        }
        span
    }

    fn add(&self, hits: &mut Vec<Hit>) -> Result<(), EvaluateError> {
        let mut found = self.found.lock();
        let before = found.weight;
        for hit in hits.drain(..) {
            let found = &mut *found;
            match found.known.entry(hit.identity) {
                Slot::Vacant(slot) => {
                    slot.insert(hit.place);
                    found.weight += hit.weight();
                    found.hits.push(hit);
                }
                Slot::Occupied(mut first) if hit.place < *first.get() => {
                    first.insert(hit.place);
                    found.has_moved = true;
                }
                Slot::Occupied(_) => {}
            }
        }
        self.ctx.budget.charge(found.weight - before)?;
        // Sorting now and then is cheaper than keeping order all the time.
        if found.hits.len() >= self.wish.limit {
            let before = found.weight;
            found.shrink(self.wish);
            self.ctx.budget.release(before - found.weight);
        }
        Ok(())
    }
}

/// Lines searched at once, so that the search ends early when the limit is reached.
const LINES_AT_ONCE: usize = 2_048;

struct Worker<'a> {
    shared: &'a Shared<'a>,
    pipeline: Pipeline,
    search: &'a Searches,
    /// Whether lines of the chunk at hand have fields that filters look at.
    by_fields: bool,
    found: Vec<u32>,
}

impl Worker<'_> {
    fn chunk(&mut self, number: u32, chunk: &dyn LineChunk, buf: &mut LineBuf) -> Result<(), EvaluateError> {
        self.shared.ctx.cancel.check().map_err(stopped)?;
        chunk.read(Want::Text, buf).map_err(select_error)?;
        self.by_fields = self.search.looks_at_fields(buf);
        let runs = std::mem::take(&mut buf.runs);
        let mut read = (0, 0);
        for (stream, lines) in &runs {
            let lines = within(buf, lines, self.shared.wish.span);
            if lines.is_empty() {
                continue;
            }
            self.pipeline.set_stream(&stream.labels);
            self.run(number, stream, lines, buf, &mut read)?;
        }
        self.shared.ctx.work.count(read.0, read.1);
        buf.runs = runs;
        Ok(())
    }

    fn run(
        &mut self,
        chunk: u32,
        stream: &Stream,
        mut lines: Range<usize>,
        buf: &LineBuf,
        read: &mut (u64, u64),
    ) -> Result<(), EvaluateError> {
        let backward = self.shared.wish.direction == Direction::Backward;
        let hash = stream.labels.stable_hash();
        let mut hits = Vec::new();
        let mut found = std::mem::take(&mut self.found);
        while !lines.is_empty() {
            let open = within(buf, &(lines.start as u32..lines.end as u32), self.shared.open());
            let block = if backward {
                let block = open.end.saturating_sub(LINES_AT_ONCE).max(open.start)..open.end;
                lines = open.start..block.start;
                block
            } else {
                let block = open.start..(open.start + LINES_AT_ONCE).min(open.end);
                lines = block.end..open.end;
                block
            };
            read.0 += block.len() as u64;
            read.1 += bytes_of(buf, &block);
            self.search.run(&stream.labels, self.by_fields, buf, block, &mut found);
            if backward {
                found.reverse();
            }
            let mut taken = 0;
            for &line in &found {
                taken += usize::from(self.line((hash, Place { chunk, line }), buf, &mut hits));
                // A look costs nothing next to what a line may cost.
                self.shared.ctx.cancel.check().map_err(stopped)?;
                // One stream alone reaches the limit: its other lines lie beyond.
                if taken >= self.shared.wish.limit {
                    break;
                }
            }
            if !hits.is_empty() {
                self.shared.add(&mut hits)?;
            }
            self.shared.ctx.cancel.check().map_err(stopped)?;
        }
        self.found = found;
        Ok(())
    }

    fn line(&mut self, (stream, place): (u64, Place), buf: &LineBuf, hits: &mut Vec<Hit>) -> bool {
        let line = place.line as usize;
        let Some(&ts) = buf.times.get(line) else { return false };
        let Some(passed) = self.pipeline.process(ts, buf.line(line), buf.fields_of(line)) else { return false };
        let categorize = self.shared.wish.categorize;
        let hit = Hit {
            ts,
            stream,
            place,
            identity: identity(stream, buf, line),
            line: passed.line.into(),
            labels: if categorize { Labels::empty() } else { passed.labels() },
            categories: if categorize { passed.categories() } else { Categories::default() },
        };
        hits.push(hit);
        true
    }
}

fn bytes_of(buf: &LineBuf, lines: &Range<usize>) -> u64 {
    match (buf.starts.get(lines.start), buf.starts.get(lines.end)) {
        (Some(start), Some(end)) => u64::from(end - start),
        _ => 0,
    }
}
