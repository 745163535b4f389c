//! The newest lines: searchable as soon as they are there, kept by the log until they are in parts.
//!
//! All lines lie in [`pages`] in the order in which they came; each knows the line of its stream before it. A stream costs
//! some hundred bytes, a line 40 and its text, so neither many streams nor streams of one line need more than the budget.
//! An exact repetition is found by hash and taken once.

mod chunk;
mod pages;
mod prune;
mod sorted;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hashbrown::{HashMap, HashTable};
use parking_lot::RwLock;

use super::lines::{LineRef, Lines, StreamLines};
use crate::base::cancel::{Cancel, Stop};
use crate::logs::model::read::{LineChunk, LineSelection, Span, Stream};
use crate::series::labels::Labels;

use chunk::ChunkBuilder;
use pages::{MemLine, NONE, Pages};
use prune::WantedPages;

pub use sorted::{SortedLines, SortedRun};

/// What a stream costs besides its labels: its entry, the shared stream, its place in the table.
const STREAM_BYTES: usize = size_of::<MemStream>() + 64;
/// An entry of a table of numbers: the number, a control byte, and what is free.
const ENTRY_BYTES: usize = 8;
/// So many streams at most are remembered beyond the memory they were in.
const REMEMBERED_MAX: usize = 50_000;

/// Lines of a while.
pub struct Memory {
    /// Deletions up to this number do not concern these lines, which came later.
    pub deletes_done: u64,
    /// Newest time of streams before this memory was begun, by hash.
    before: HashMap<u64, i64>,
    inner: RwLock<Inner>,
    bytes: AtomicUsize,
}

#[derive(Default)]
struct Inner {
    streams: Vec<MemStream>,
    /// Numbers of streams, by hash of their labels.
    by_labels: HashTable<u32>,
    pages: Pages,
    /// Numbers of lines, by hash.
    seen: HashTable<u32>,
    held: Held,
}

struct MemStream {
    stream: Arc<Stream>,
    hash: u64,
    /// Its newest line by arrival.
    last: u32,
    lines: u32,
    bytes: u64,
    min: i64,
    max: i64,
    /// Newest time of the stream ever known.
    newest: i64,
}

/// What a memory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Lines.
    pub lines: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Streams.
    pub streams: u64,
    /// Oldest and newest time, if there are lines.
    pub span: Option<(i64, i64)>,
    /// When the first line came, by the monotonic clock.
    pub since: Option<Duration>,
}

/// What became of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Added {
    /// Lines that are there now and were not before.
    pub lines: u64,
    /// Bytes of their text.
    pub bytes: u64,
    /// Lines that were there already.
    pub repeated: u64,
}

/// A stream of a memory and what it has in a span.
#[derive(Debug, Clone)]
pub struct MemVolume {
    /// The stream.
    pub stream: Arc<Stream>,
    /// Its lines.
    pub lines: u64,
    /// Bytes of their text.
    pub bytes: u64,
}

impl Memory {
    /// An empty one.
    pub fn new(deletes_done: u64) -> Self {
        Self { deletes_done, before: HashMap::new(), inner: RwLock::default(), bytes: AtomicUsize::new(0) }
    }

    /// The empty one that follows this, which knows the newest time of streams that are not far behind `recent_from` (ns).
    pub fn successor(&self, deletes_done: u64, recent_from: i64) -> Self {
        let inner = self.inner.read();
        let of_streams = inner.streams.iter().map(|stream| (stream.hash, stream.newest));
        let older = self.before.iter().map(|(hash, newest)| (*hash, *newest));
        let mut before = HashMap::new();
        for (hash, newest) in of_streams.chain(older).filter(|(_, newest)| *newest >= recent_from).take(REMEMBERED_MAX) {
            let known = before.entry(hash).or_insert(newest);
            *known = newest.max(*known);
        }
        let bytes = AtomicUsize::new(before.capacity() * 2 * ENTRY_BYTES);
        Self { deletes_done, before, inner: RwLock::default(), bytes }
    }

    /// What it takes, in bytes, text and everything else.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What it holds.
    pub fn held(&self) -> Held {
        let inner = self.inner.read();
        Held { streams: inner.streams.len() as u64, ..inner.held }
    }

    /// The newest time of each of these streams; `i64::MIN` for one that is not known.
    pub fn newest_of(&self, streams: &[StreamLines]) -> Vec<i64> {
        let inner = self.inner.read();
        let newest = |stream: &StreamLines| match inner.find(stream.hash, &stream.labels) {
            Some(at) => inner.streams[at as usize].newest,
            None => self.before.get(&stream.hash).copied().unwrap_or(i64::MIN),
        };
        streams.iter().map(newest).collect()
    }

    /// Adds lines, apart from those that are there already, here or in `older`.
    pub fn append(&self, lines: &Lines<'_>, older: Option<&Self>, now: Duration) -> Added {
        let older = older.map(|older| older.inner.read());
        let mut inner = self.inner.write();
        let (mut added, mut grown) = (Added::default(), 0);
        for stream in &lines.streams {
            let of_stream = lines.of(stream);
            if of_stream.is_empty() {
                continue;
            }
            let older = older.as_ref().and_then(|older| Some((older, older.find(stream.hash, &stream.labels)?)));
            let (place, grew) = inner.stream(stream, &self.before);
            grown += grew;
            for line in of_stream {
                if older.as_ref().is_some_and(|(older, place)| older.has(*place, line)) || inner.has(place, line) {
                    added.repeated += 1;
                    continue;
                }
                grown += inner.put(place, line);
                added.lines += 1;
                added.bytes += line.text.len() as u64;
            }
        }
        inner.held.lines += added.lines;
        inner.held.text_bytes += added.bytes;
        inner.held.since.get_or_insert(now);
        drop(inner);
        self.bytes.fetch_add(grown, Ordering::Relaxed);
        added
    }

    /// Chunks with the lines of wanted streams that lie in a span and may meet the needs. No lock is held while labels and
    /// texts are looked at.
    pub fn select(&self, selection: &LineSelection<'_>, cancel: &Cancel, out: &mut Vec<Box<dyn LineChunk>>) -> Result<(), Stop> {
        let (pages, streams) = self.snapshot(selection.span);
        let is_wanted = |stream: &Stream| selection.matchers.iter().all(|matcher| matcher.matches_labels(&stream.labels));
        let has = |label: &str| streams.iter().any(|(stream, _)| stream.labels.contains(label) && is_wanted(stream));
        let wanted_pages = WantedPages::find(&pages, &selection.needs.settled(&has), cancel)?;
        if wanted_pages.is_none() {
            return Ok(());
        }
        let mut builder = ChunkBuilder::new(pages, out);
        for (at, (stream, last)) in streams.into_iter().enumerate() {
            if at % 256 == 0 {
                cancel.check()?;
            }
            if is_wanted(&stream) {
                let lines = lines_of(&builder.pages, last, |line| selection.span.contains(line.ts) && wanted_pages.has(line.page));
                builder.put(&stream, &lines);
            }
        }
        builder.finish();
        Ok(())
    }

    /// What wanted streams have in a span; streams without lines there are left out.
    pub fn volumes(&self, span: Span, wanted: &dyn Fn(&Labels) -> bool, cancel: &Cancel) -> Result<Vec<MemVolume>, Stop> {
        let (pages, streams) = self.snapshot(span);
        let mut volumes = Vec::new();
        for (at, (stream, last)) in streams.into_iter().enumerate() {
            if at % 256 == 0 {
                cancel.check()?;
            }
            if !wanted(&stream.labels) {
                continue;
            }
            let (mut lines, mut bytes) = (0, 0);
            each_line(&pages, last, |_, line| {
                if span.contains(line.ts) {
                    lines += 1;
                    bytes += u64::from(line.len);
                }
            });
            if lines > 0 {
                volumes.push(MemVolume { stream, lines, bytes });
            }
        }
        Ok(volumes)
    }

    /// Streams that have lines about a span.
    pub fn streams(&self, span: Span) -> Vec<Arc<Stream>> {
        let inner = self.inner.read();
        inner.streams.iter().filter(|stream| stream.overlaps(span)).map(|stream| Arc::clone(&stream.stream)).collect()
    }

    /// Everything, in order.
    pub fn sorted(&self) -> SortedLines {
        let (pages, streams) = self.snapshot(Span::ALL);
        let mut streams: Vec<(Arc<Stream>, Vec<u32>)> =
            streams.into_iter().map(|(stream, last)| (stream, lines_of(&pages, last, |_| true))).collect();
        streams.sort_by(|(a, _), (b, _)| a.labels.packed().cmp(b.labels.packed()));
        SortedLines { pages, streams }
    }

    /// Pages and streams as they are now.
    fn snapshot(&self, span: Span) -> (Arc<Pages>, Vec<(Arc<Stream>, u32)>) {
        let inner = self.inner.read();
        let streams = inner.streams.iter().filter(|stream| stream.overlaps(span));
        let streams = streams.map(|stream| (Arc::clone(&stream.stream), stream.last)).collect();
        (Arc::new(inner.pages.clone()), streams)
    }
}

impl MemStream {
    fn overlaps(&self, span: Span) -> bool {
        self.lines > 0 && self.min < span.end && self.max >= span.start
    }
}

impl Inner {
    fn find(&self, hash: u64, labels: &Labels) -> Option<u32> {
        let same = |at: &u32| {
            let stream = &self.streams[*at as usize];
            stream.hash == hash && stream.stream.labels == *labels
        };
        self.by_labels.find(hash, same).copied()
    }

    /// The number of a stream, made if needed, and by how many bytes that grew the memory.
    fn stream(&mut self, wanted: &StreamLines, before: &HashMap<u64, i64>) -> (u32, usize) {
        if let Some(at) = self.find(wanted.hash, &wanted.labels) {
            return (at, 0);
        }
        let at = self.streams.len() as u32;
        let newest = before.get(&wanted.hash).copied().unwrap_or(i64::MIN);
        let stream = Arc::new(Stream { labels: wanted.labels.clone() });
        self.streams.push(MemStream { stream, hash: wanted.hash, last: NONE, lines: 0, bytes: 0, min: i64::MAX, max: i64::MIN, newest });
        let streams = &self.streams;
        self.by_labels.insert_unique(wanted.hash, at, |at| streams[*at as usize].hash);
        (at, STREAM_BYTES + ENTRY_BYTES + wanted.labels.packed().len())
    }

    fn has(&self, stream: u32, wanted: &LineRef<'_>) -> bool {
        let same = |id: &u32| {
            self.pages.line(*id).is_some_and(|line| {
                line.hash == wanted.hash
                    && line.stream == stream
                    && line.ts == wanted.ts
                    && self.pages.text(line) == wanted.text
                    && self.pages.fields(line) == wanted.fields
            })
        };
        self.seen.find(wanted.hash, same).is_some()
    }

    /// Adds a line. Answers by how many bytes the memory grew.
    fn put(&mut self, place: u32, line: &LineRef<'_>) -> usize {
        let (page, at, text_grew) = self.pages.put_text(line.text, line.fields);
        let stream = &mut self.streams[place as usize];
        let (id, lines_grew) = self.pages.put_line(MemLine {
            ts: line.ts,
            hash: line.hash,
            page,
            at,
            len: line.text.len() as u32,
            fields_len: line.fields.len() as u32,
            prev: stream.last,
            stream: place,
        });
        stream.last = id;
        stream.lines += 1;
        stream.bytes += line.text.len() as u64;
        (stream.min, stream.max) = (stream.min.min(line.ts), stream.max.max(line.ts));
        stream.newest = stream.newest.max(line.ts);
        let (min, max) = self.held.span.unwrap_or((line.ts, line.ts));
        self.held.span = Some((min.min(line.ts), max.max(line.ts)));
        let pages = &self.pages;
        self.seen.insert_unique(line.hash, id, |id| pages.line(*id).map_or(0, |line| line.hash));
        text_grew + lines_grew + ENTRY_BYTES
    }
}

/// Goes through a stream's lines, the last one to come first.
fn each_line(pages: &Pages, last: u32, mut see: impl FnMut(u32, &MemLine)) {
    let mut id = last;
    while let Some(line) = pages.line(id) {
        see(id, line);
        id = line.prev;
    }
}

/// Those of a stream's lines that are wanted, by time, then by arrival.
fn lines_of(pages: &Pages, last: u32, wanted: impl Fn(&MemLine) -> bool) -> Vec<u32> {
    let (mut ids, mut after, mut sorted) = (Vec::new(), i64::MAX, true);
    each_line(pages, last, |id, line| {
        if wanted(line) {
            ids.push(id);
            sorted &= line.ts <= after;
            after = line.ts;
        }
    });
    ids.reverse();
    if !sorted {
        // Stable: what came first stays first.
        ids.sort_by_key(|id| pages.line(*id).map_or(0, |line| line.ts));
    }
    ids
}

#[cfg(test)]
mod tests;
