//! Lines that are there more than once: a client sent them again, and they lie in two chunks.
//!
//! Counting goes over all chunks first, as if there were none. Where runs of one stream overlap in time, the times and
//! lengths of their lines are then compared, where these are the same the lines, and what was counted twice is taken back.

use std::collections::BTreeSet;
use std::ops::Range;

use hashbrown::{HashMap, HashSet};

use crate::logs::model::read::{LineBuf, Stream};

/// From when to when a chunk has lines of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Hash of the stream's labels.
    pub(crate) stream: u64,
    /// The chunk's position.
    pub(crate) chunk: u32,
    /// Its oldest line (ns).
    pub(crate) first: i64,
    /// Its newest line (ns).
    pub(crate) last: i64,
}

/// Where lines may be there more than once.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// Times (both ends included) at which more than one chunk has lines of a stream.
    shared: HashMap<u64, Vec<(i64, i64)>>,
    chunks: BTreeSet<u32>,
    /// Lines met by stream, time and length, and the chunk of the first one.
    lengths: HashMap<(u64, i64, usize), u32>,
    /// Chunks that have lines of the same stream, time and length.
    suspects: BTreeSet<u32>,
    seen: HashSet<u128>,
}

impl Repeats {
    /// None if no stream has lines of the same time in two chunks.
    pub(crate) fn among(mut extents: Vec<Extent>) -> Option<Self> {
        extents.sort_unstable_by_key(|extent| (extent.stream, extent.first, extent.chunk));
        let mut repeats = Self::default();
        let mut furthest: Option<Extent> = None;
        for extent in extents {
            match &mut furthest {
                Some(before) if before.stream == extent.stream => {
                    if extent.first <= before.last && extent.chunk != before.chunk {
                        repeats.add(extent.stream, extent.first, extent.last.min(before.last));
                        repeats.chunks.extend([extent.chunk, before.chunk]);
                    }
                    if extent.last > before.last {
                        *before = extent;
                    }
                }
                _ => furthest = Some(extent),
            }
        }
        (!repeats.chunks.is_empty()).then_some(repeats)
    }

    fn add(&mut self, stream: u64, first: i64, last: i64) {
        let shared = self.shared.entry(stream).or_default();
        match shared.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => shared.push((first, last)),
        }
    }

    /// The chunks to look at, for times and lengths only.
    pub(crate) fn chunks(&self) -> Vec<usize> {
        self.chunks.iter().map(|chunk| *chunk as usize).collect()
    }

    /// Looks at the times and lengths of the lines of a stream in a chunk. Says how many lines it keeps in mind.
    pub(crate) fn suspect(&mut self, chunk: usize, stream: &Stream, buf: &LineBuf, lines: Range<u32>) -> usize {
        let hash = stream.labels.stable_hash();
        let Some(shared) = self.shared.get(&hash) else { return 0 };
        let before = self.lengths.len();
        for line in lines.map(|line| line as usize) {
            let Some(ts) = buf.times.get(line).copied().filter(|ts| is_within(shared, *ts)) else { continue };
            let first = *self.lengths.entry((hash, ts, buf.line_bytes(line))).or_insert(chunk as u32);
            if first != chunk as u32 {
                self.suspects.extend([first, chunk as u32]);
            }
        }
        self.lengths.len() - before
    }

    /// The chunks whose text has to be compared.
    pub(crate) fn suspects(&self) -> Vec<usize> {
        self.suspects.iter().map(|chunk| *chunk as usize).collect()
    }

    /// Puts the lines that were met before into `again`.
    pub(crate) fn find(&mut self, stream: &Stream, buf: &LineBuf, lines: Range<u32>, again: &mut Vec<u32>) {
        let hash = stream.labels.stable_hash();
        let Some(shared) = self.shared.get(&hash) else { return };
        for line in lines {
            let is_shared = buf.times.get(line as usize).is_some_and(|ts| is_within(shared, *ts));
            if is_shared && !self.seen.insert(identity(hash, buf, line as usize)) {
                again.push(line);
            }
        }
    }
}

/// Whether a time is in one of the spans, which are in order.
fn is_within(spans: &[(i64, i64)], ts: i64) -> bool {
    let before = spans.partition_point(|(_, last)| *last < ts);
    spans.get(before).is_some_and(|(first, _)| *first <= ts)
}

/// What tells a line from every other one.
pub(crate) fn identity(stream: u64, buf: &LineBuf, line: usize) -> u128 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    hasher.update(&stream.to_le_bytes());
    hasher.update(&buf.times.get(line).copied().unwrap_or_default().to_le_bytes());
    let text = buf.line(line);
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text);
    hasher.update(buf.fields_of(line));
    hasher.digest128()
}
