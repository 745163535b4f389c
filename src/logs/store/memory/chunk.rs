//! Lines in memory as readers see them: entries chosen at one moment, text where it always was.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::pages::Pages;
use crate::logs::model::read::{LineBuf, LineChunk, NO_FIELDS, SelectLinesError, Stream, Want};

/// What a reader gets in one chunk, in bytes of text.
pub(super) const CHUNK_BYTES: usize = 256 << 10;
/// And in lines.
pub(super) const CHUNK_LINES: usize = 4096;

/// Lines of one or more streams.
pub(super) struct MemoryChunk {
    pub(super) pages: Arc<Pages>,
    /// Numbers of lines, each stream's in order of time.
    pub(super) lines: Vec<u32>,
    /// The streams and their part of `lines`.
    pub(super) runs: Vec<(Arc<Stream>, Range<u32>)>,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) bytes: usize,
}

impl LineChunk for MemoryChunk {
    fn bounds(&self) -> (i64, i64) {
        (self.min, self.max)
    }

    fn lines(&self) -> usize {
        self.lines.len()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn stream(&self) -> Option<&Arc<Stream>> {
        match &self.runs[..] {
            [(stream, _)] => Some(stream),
            _ => None,
        }
    }

    fn read(&self, want: Want, into: &mut LineBuf) -> Result<(), SelectLinesError> {
        into.clear();
        into.starts.reserve(self.lines.len() + 1);
        into.times.reserve(self.lines.len());
        if want == Want::Text {
            into.text.reserve(self.bytes + self.lines.len());
        }
        let mut sets: HashMap<&[u8], u32> = HashMap::new();
        let mut start = 0;
        for (at, id) in self.lines.iter().enumerate() {
            let Some(line) = self.pages.line(*id) else { continue };
            into.times.push(line.ts);
            into.starts.push(start);
            start += line.len + 1;
            if want == Want::Text {
                into.text.extend_from_slice(self.pages.text(line));
                into.text.push(b'\n');
            }
            if want == Want::Times || (line.fields_len == 0 && into.fields.is_empty()) {
                continue;
            }
            // Lines before the first one with fields have none.
            into.fields.resize(at, NO_FIELDS);
            let fields = self.pages.fields(line);
            if fields.is_empty() {
                into.fields.push(NO_FIELDS);
                continue;
            }
            let set = *sets.entry(fields).or_insert_with(|| {
                let from = into.field_bytes.len() as u32;
                into.field_bytes.extend_from_slice(fields);
                into.field_sets.push(from..into.field_bytes.len() as u32);
                (into.field_sets.len() - 1) as u32
            });
            into.fields.push(set);
        }
        into.starts.push(start);
        into.runs.extend(self.runs.iter().cloned());
        Ok(())
    }
}

/// Packs lines of streams into chunks of a good size.
pub(super) struct ChunkBuilder<'o> {
    pub(super) pages: Arc<Pages>,
    out: &'o mut Vec<Box<dyn LineChunk>>,
    open: MemoryChunk,
}

impl<'o> ChunkBuilder<'o> {
    pub(super) fn new(pages: Arc<Pages>, out: &'o mut Vec<Box<dyn LineChunk>>) -> Self {
        let open = MemoryChunk::empty(Arc::clone(&pages));
        Self { pages, out, open }
    }

    pub(super) fn put(&mut self, stream: &Arc<Stream>, ids: &[u32]) {
        let mut from = self.open.lines.len() as u32;
        for id in ids {
            let Some(line) = self.pages.line(*id) else { continue };
            self.open.lines.push(*id);
            self.open.bytes += line.len as usize;
            (self.open.min, self.open.max) = (self.open.min.min(line.ts), self.open.max.max(line.ts));
            if self.open.bytes >= CHUNK_BYTES || self.open.lines.len() >= CHUNK_LINES {
                self.open.runs.push((Arc::clone(stream), from..self.open.lines.len() as u32));
                self.close();
                from = 0;
            }
        }
        let to = self.open.lines.len() as u32;
        if to > from {
            self.open.runs.push((Arc::clone(stream), from..to));
        }
    }

    fn close(&mut self) {
        let chunk = std::mem::replace(&mut self.open, MemoryChunk::empty(Arc::clone(&self.pages)));
        if !chunk.lines.is_empty() {
            self.out.push(Box::new(chunk));
        }
    }

    pub(super) fn finish(mut self) {
        self.close();
    }
}

impl MemoryChunk {
    fn empty(pages: Arc<Pages>) -> Self {
        Self { pages, lines: Vec::new(), runs: Vec::new(), min: i64::MAX, max: i64::MIN, bytes: 0 }
    }
}
