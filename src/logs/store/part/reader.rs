//! Reads a part: which blocks may hold wanted lines, and what they say.

use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::bits::Bits;
use super::block::{self, damaged, read_runs};
use super::chunk::BlockChunk;
use super::error::PartError;
use super::meta::{self, PartInfo, Seals, names};
use super::pages::Pages;
use super::prune::Pruner;
use super::record::{RECORD_BYTES, Record};
use super::streams::{LabelsCursor, Streams};
use super::volumes::{Sums, Volumes};
use super::words::{WordsReader, guarded};
use crate::base::bytes::has_crc32;
use crate::base::cancel::Cancel;
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineChunk, LineSelection, SelectLinesError, Span, Stream, StreamQuery};
use crate::series::labels::Labels;

/// How often long work looks whether it should stop.
const CHECK_EVERY: usize = 1024;

/// An open part. Next to nothing of it is on the heap until a search needs its index of words.
pub struct Part {
    dir: PathBuf,
    info: PartInfo,
    text: File,
    pub(super) text_path: PathBuf,
    pub(super) heads: Pages,
    blocks: Pages,
    pub(super) runs: Pages,
    streams: Streams,
    bloom: Pages,
    index: Arc<Pages>,
    words: Mutex<Option<Arc<WordsReader>>>,
}

impl Part {
    /// Opens a part. What is read later is checked when it is read.
    pub fn open(dir: &Path) -> Result<Arc<Self>, PartError> {
        let (info, seals) = meta::read(dir)?;
        let Seals { heads, blocks, runs, streams, bloom, index } = seals;
        if blocks.bytes != info.blocks.saturating_mul(RECORD_BYTES as u64) || info.blocks > u64::from(u32::MAX) {
            return Err(PartError::damaged(&dir.join(names::META), "the number of blocks does not fit the file of blocks"));
        }
        let text_path = dir.join(names::TEXT);
        let text = File::open(&text_path).map_err(PartError::io("open", &text_path))?;
        let found = text.metadata().map_err(PartError::io("look at", &text_path))?.len();
        if found != info.files.text {
            return Err(PartError::damaged(&text_path, format!("it has {found} bytes instead of {}", info.files.text)));
        }
        let open = |name, seal| Pages::open(dir.join(name), seal);
        let streams = Streams::open(open(names::STREAMS, streams)?)?;
        if streams.len() as u64 != info.streams {
            return Err(PartError::damaged(streams.pages().path(), "it has not as many streams as the part"));
        }
        Ok(Arc::new(Self {
            dir: dir.to_owned(),
            info,
            text,
            text_path,
            heads: open(names::HEADS, heads)?,
            blocks: open(names::BLOCKS, blocks)?,
            runs: open(names::RUNS, runs)?,
            streams,
            bloom: open(names::BLOOM, bloom)?,
            index: Arc::new(open(names::INDEX, index)?),
            words: Mutex::new(None),
        }))
    }

    /// What it holds and how large it is.
    pub const fn info(&self) -> &PartInfo {
        &self.info
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Gives back the memory that searches took; the next search takes it again.
    pub fn forget(&self) {
        *self.words.lock() = None;
    }

    /// Bytes on the heap, about.
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.words.lock().as_ref().map_or(0, |words| words.heap_bytes())
    }

    /// Whether a line of it may lie in a span.
    pub const fn overlaps(&self, span: Span) -> bool {
        self.info.lines > 0 && self.info.min_ts < span.end && span.start <= self.info.max_ts
    }

    pub(super) const fn block_count(&self) -> usize {
        self.info.blocks as usize
    }

    pub(super) const fn streams_of(&self) -> &Streams {
        &self.streams
    }

    pub(super) const fn index_pages(&self) -> &Arc<Pages> {
        &self.index
    }

    pub(super) fn words(&self) -> Result<Arc<WordsReader>, PartError> {
        let mut words = self.words.lock();
        if let Some(words) = &*words {
            return Ok(Arc::clone(words));
        }
        let opened = Arc::new(WordsReader::open(Arc::clone(&self.index), self.block_count())?);
        *words = Some(Arc::clone(&opened));
        Ok(opened)
    }

    pub(super) fn record(&self, block: usize) -> Result<Record, PartError> {
        let at = block * RECORD_BYTES;
        let wrong = |_| PartError::damaged(self.blocks.path(), "a record is malformed");
        Record::read(self.blocks.get(at..at + RECORD_BYTES)?).map_err(wrong)
    }

    pub(super) fn bloom_of(&self, record: &Record) -> Result<&[u8], PartError> {
        let at = record.bloom_at as usize;
        self.bloom.get(at..at.saturating_add(record.bloom_len as usize))
    }

    pub(super) fn head_of(&self, record: &Record) -> Result<&[u8], PartError> {
        let at = record.head_at as usize;
        self.heads.get(at..at.saturating_add(record.times_len as usize + record.lens_len as usize))
    }

    pub(super) fn runs_of(&self, record: &Record) -> Result<&[u8], PartError> {
        let at = record.runs_at as usize;
        self.runs.get(at..at.saturating_add(record.runs_len as usize))
    }

    /// Bytes of the file `text`.
    pub(super) fn read_text_file(&self, at: u64, len: usize, into: &mut Vec<u8>) -> Result<(), PartError> {
        if at.checked_add(len as u64).is_none_or(|end| end > self.info.files.text) {
            return Err(PartError::damaged(&self.text_path, "something lies outside of it"));
        }
        into.resize(len, 0);
        self.text.read_exact_at(into, at).map_err(PartError::io("read", &self.text_path))
    }

    /// Chunks that may hold wanted lines.
    pub fn select(self: &Arc<Self>, selection: &LineSelection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn LineChunk>>, SelectLinesError> {
        if !self.overlaps(selection.span) || *selection.needs == Needs::Nothing {
            return Ok(Vec::new());
        }
        let wanted = self.streams.matching(selection.matchers)?;
        if wanted.as_ref().is_some_and(Bits::is_empty) {
            return Ok(Vec::new());
        }
        let mut blocks = self.blocks_with(wanted.as_ref(), selection.span, cancel)?;
        let needs = self.settled(selection.needs, wanted.as_ref())?;
        guarded(self.index.path(), || Pruner::new(self, cancel).keep(&needs, &mut blocks))?;
        let wanted = wanted.map(Arc::new);
        let mut chunks: Vec<Box<dyn LineChunk>> = Vec::with_capacity(blocks.count());
        let mut known = KnownStreams::new(self.streams.cursor());
        for block in blocks.iter() {
            if chunks.len() % CHECK_EVERY == CHECK_EVERY - 1 {
                cancel.check()?;
            }
            let record = self.record(block)?;
            let stream = if record.runs == 1 { Some(known.get(record.stream)?) } else { None };
            chunks.push(Box::new(BlockChunk::new(Arc::clone(self), record, wanted.clone(), stream)));
        }
        Ok(chunks)
    }

    /// Needs for the wanted streams as far as they are here: whether some of them have a label is looked up.
    fn settled(&self, needs: &Needs, wanted: Option<&Bits>) -> Result<Needs, PartError> {
        let failed = std::cell::Cell::new(None);
        let has = |label: &str| match self.streams.has_label(label, wanted) {
            Ok(has) => has,
            Err(error) => {
                failed.set(Some(error));
                true
            }
        };
        let settled = needs.settled(&has);
        failed.into_inner().map_or(Ok(settled), Err)
    }

    /// Blocks of the wanted streams that overlap a span.
    fn blocks_with(&self, wanted: Option<&Bits>, span: Span, cancel: &Cancel) -> Result<Bits, PartError> {
        let mut blocks = Bits::none(self.block_count());
        for block in 0..self.block_count() {
            if block % CHECK_EVERY == CHECK_EVERY - 1 {
                cancel.check()?;
            }
            let record = self.record(block)?;
            if record.max_ts < span.start || record.min_ts >= span.end {
                continue;
            }
            let Some(wanted) = wanted else {
                blocks.insert(block);
                continue;
            };
            let (first, last) = (record.stream as usize, record.last_stream as usize);
            if !wanted.any_in(first, last.saturating_sub(first) + 1) {
                continue;
            }
            let mut any = false;
            let runs = self.runs_of(&record)?;
            read_runs(&record, runs, |run, _| any |= wanted.contains(run.stream as usize)).map_err(damaged(self.runs.path()))?;
            if any {
                blocks.insert(block);
            }
        }
        Ok(blocks)
    }

    fn streams_for(&self, query: &StreamQuery<'_>) -> Result<Option<Bits>, PartError> {
        if self.overlaps(query.span) { self.streams.matching_any(query.any_of) } else { Ok(Some(Bits::none(self.streams.len()))) }
    }

    /// Label sets of streams, in the order of their packed form.
    pub fn streams(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<Labels>, SelectLinesError> {
        let wanted = self.streams_for(query)?.unwrap_or_else(|| Bits::all(self.streams.len()));
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let mut cursor = self.streams.cursor();
        let mut found = Vec::new();
        for stream in wanted.iter().take(limit) {
            if found.len() % CHECK_EVERY == CHECK_EVERY - 1 {
                cancel.check()?;
            }
            found.push(cursor.labels(stream)?);
        }
        Ok(found)
    }

    /// Names of labels, sorted.
    pub fn label_names(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        cancel.check()?;
        let wanted = self.streams_for(query)?;
        let mut found = Vec::new();
        if wanted.as_ref().is_some_and(Bits::is_empty) {
            return Ok(found);
        }
        self.streams.names(wanted.as_ref(), |name| found.push(name.to_owned()))?;
        if query.limit > 0 {
            found.truncate(query.limit);
        }
        Ok(found)
    }

    /// Values of a label, sorted.
    pub fn label_values(&self, name: &str, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        cancel.check()?;
        let wanted = self.streams_for(query)?;
        let mut found = Vec::new();
        if wanted.as_ref().is_some_and(Bits::is_empty) {
            return Ok(found);
        }
        self.streams.values(name, wanted.as_ref(), |value| {
            found.push(value.to_owned());
            let full = query.limit > 0 && found.len() >= query.limit;
            if full || (found.len() % CHECK_EVERY == 0 && cancel.check().is_err()) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        cancel.check()?;
        Ok(found)
    }

    /// What lies in a span, stream by stream: exact to a block.
    pub fn volume(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Volumes<'_>, SelectLinesError> {
        let wanted = self.streams_for(query)?;
        let mut sums = Sums::new(wanted.as_ref().map_or(self.streams.len(), Bits::count));
        if wanted.as_ref().is_some_and(Bits::is_empty) {
            return Ok(sums.finish(self.streams.cursor()));
        }
        for block in self.blocks_with(wanted.as_ref(), query.span, cancel)?.iter() {
            let record = self.record(block)?;
            read_runs(&record, self.runs_of(&record)?, |run, _| {
                if wanted.as_ref().is_none_or(|wanted| wanted.contains(run.stream as usize)) {
                    sums.add(run.stream, run.lines, run.bytes);
                }
            })
            .map_err(damaged(self.runs.path()))?;
        }
        Ok(sums.finish(self.streams.cursor()))
    }

    /// Checks the checksums of all files, and that the index of words can be read.
    pub fn check(&self, cancel: &Cancel) -> Result<(), PartError> {
        for pages in [&self.heads, &self.blocks, &self.runs, self.streams.pages(), &self.bloom, &self.index] {
            cancel.check()?;
            pages.check()?;
        }
        // Not with what is kept of it: that may have been read before something happened to the file.
        guarded(self.index.path(), || WordsReader::open(Arc::clone(&self.index), self.block_count())?.check(cancel))?;
        let mut bytes = Vec::new();
        let mut end = 0;
        for block in 0..self.block_count() {
            cancel.check()?;
            let record = self.record(block)?;
            let (text, fields) = (record.text_len as usize, record.fields_len as usize);
            self.read_text_file(record.text_at, text + fields, &mut bytes)?;
            if record.text_at != end {
                return Err(PartError::damaged(&self.text_path, format!("block {block} does not begin where the one before ends")));
            }
            end = record.text_at + (text + fields) as u64;
            if !has_crc32(&bytes[..text], record.text_crc) || (fields > 0 && !has_crc32(&bytes[text..], record.fields_crc)) {
                return Err(PartError::damaged(&self.text_path, format!("the checksum of block {block} does not fit")));
            }
        }
        Ok(())
    }

    /// Reads a block's runs.
    pub(super) fn for_each_run(&self, record: &Record, each: impl FnMut(block::Run, std::ops::Range<u32>)) -> Result<(), PartError> {
        read_runs(record, self.runs_of(record)?, each).map_err(damaged(self.runs.path()))
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("dir", &self.dir).field("info", &self.info).finish_non_exhaustive()
    }
}

/// Streams seen before, so that the chunks of one share it.
struct KnownStreams<'a> {
    cursor: LabelsCursor<'a>,
    known: rustc_hash::FxHashMap<u32, Arc<Stream>>,
}

impl<'a> KnownStreams<'a> {
    fn new(cursor: LabelsCursor<'a>) -> Self {
        Self { cursor, known: rustc_hash::FxHashMap::default() }
    }

    fn get(&mut self, stream: u32) -> Result<Arc<Stream>, PartError> {
        if let Some(known) = self.known.get(&stream) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(Stream { labels: self.cursor.labels(stream as usize)? });
        self.known.insert(stream, Arc::clone(&new));
        Ok(new)
    }
}
