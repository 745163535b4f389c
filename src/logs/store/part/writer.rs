//! Writes a part, once, front to back.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::block::{LINES_MAX, OpenBlock, PackedBlock};
use super::bloom;
use super::columns;
use super::error::PartError;
use super::frames::{Packer, UNPACKED_MAX};
use super::meta::{self, PartInfo, Seals, names};
use super::pages::PagesWriter;
use super::record::{RECORD_BYTES, Record};
use super::streams::StreamsWriter;
use super::tokens::Tokenizer;
use super::words::{WordsSource, WordsWriter};
use crate::platform::disk::sync_dir;
use crate::series::labels::{Labels, check_packed};

/// How a part is written.
#[derive(Debug, Clone, Copy)]
pub struct PartOptions {
    /// Bytes of text that a block should have.
    pub block_bytes: usize,
    /// Level of zstd.
    pub zstd_level: i32,
    /// Whether digits are taken out of the text and packed as columns: smaller, but a third slower to read.
    pub columns: bool,
    /// Whether this is the final form of old lines; only noted.
    pub dense: bool,
}

impl PartOptions {
    /// For what comes from memory: quick to write.
    pub const FRESH: Self = Self { block_bytes: 128 * 1024, zstd_level: 1, columns: false, dense: false };
    /// For what stays: as small as can be.
    pub const DENSE: Self = Self { block_bytes: 256 * 1024, zstd_level: 6, columns: true, dense: true };
}

impl Default for PartOptions {
    fn default() -> Self {
        Self::FRESH
    }
}

/// One line on its way into a part.
#[derive(Debug, Clone, Copy)]
pub struct PartLine<'a> {
    /// Nanoseconds since the Unix epoch.
    pub ts: i64,
    /// Its text.
    pub text: &'a [u8],
    /// Its fields, packed as in [`crate::series::labels`]; empty for none.
    pub fields: &'a [u8],
}

/// A block of another part that goes into this one as it is.
pub(super) struct WholeBlock<'a> {
    pub(super) record: Record,
    pub(super) head: &'a [u8],
    pub(super) text: &'a [u8],
    pub(super) bloom: &'a [u8],
}

/// Writes a part. Dropping it leaves files behind, which whoever made the folder removes.
pub struct PartWriter {
    dir: PathBuf,
    options: PartOptions,
    text: BufWriter<File>,
    text_path: PathBuf,
    text_len: u64,
    heads: PagesWriter,
    runs: PagesWriter,
    bloom: PagesWriter,
    streams: StreamsWriter,
    words: WordsWriter,
    records: Vec<Record>,
    open: OpenBlock,
    /// Labels of the stream that lines come for, its number, and the time of its last line.
    labels: Option<Labels>,
    stream: u32,
    last_ts: i64,
    info: PartInfo,
    packer: Packer,
    encoder: Option<columns::Encoder>,
    tokenizer: Tokenizer,
    packed: PackedBlock,
    filter: Vec<u8>,
    filter_words: Vec<u64>,
}

impl PartWriter {
    /// Begins a part in an empty folder.
    pub fn create(dir: &Path, options: PartOptions) -> Result<Self, PartError> {
        let text_path = dir.join(names::TEXT);
        let text = File::create(&text_path).map_err(PartError::io("create", &text_path))?;
        Ok(Self {
            text: BufWriter::with_capacity(256 * 1024, text),
            text_path,
            text_len: 0,
            heads: PagesWriter::create(dir.join(names::HEADS))?,
            runs: PagesWriter::create(dir.join(names::RUNS))?,
            bloom: PagesWriter::create(dir.join(names::BLOOM))?,
            streams: StreamsWriter::create(dir.join(names::STREAMS))?,
            words: WordsWriter::new(dir.join(names::INDEX)),
            records: Vec::new(),
            open: OpenBlock::default(),
            labels: None,
            stream: 0,
            last_ts: i64::MIN,
            info: PartInfo { min_ts: i64::MAX, max_ts: i64::MIN, ..PartInfo::default() },
            packer: Packer::new(options.zstd_level),
            encoder: options.columns.then(columns::Encoder::new),
            tokenizer: Tokenizer::new(),
            packed: PackedBlock::default(),
            filter: Vec::new(),
            filter_words: Vec::new(),
            dir: dir.to_owned(),
            options,
        })
    }

    /// Adds lines of a stream, ascending in time. Streams come in ascending order of their packed labels; lines of one may
    /// come in several calls, one after the other.
    pub fn push_run(&mut self, labels: &Labels, lines: &[PartLine<'_>]) -> Result<(), PartError> {
        if lines.is_empty() {
            return Ok(());
        }
        let bytes: usize = lines.iter().map(|line| line.text.len() + 1).sum();
        let share_below = self.options.block_bytes / 4;
        let number = self.stream_number(labels)?;
        if self.open.runs.last().is_some_and(|run| run.stream != number) {
            // A stream with enough lines has blocks of its own.
            let alone = self.open.runs.len() == 1 && self.open.text.len() >= share_below;
            if !self.open.is_empty() && (alone || bytes >= share_below) {
                self.end_block()?;
            }
        }
        // Blocks of about the same size, rather than full ones and a rest.
        let together = bytes + if self.open.runs.len() <= 1 { self.open.text.len() } else { 0 };
        let blocks = (together + self.options.block_bytes / 2) / self.options.block_bytes;
        let target = if blocks == 0 { self.options.block_bytes } else { together.div_ceil(blocks) };
        for line in lines {
            self.push_line(line, target)?;
        }
        Ok(())
    }

    /// Gives the next stream a number.
    fn begin_stream(&mut self, labels: &Labels) -> Result<u32, PartError> {
        if self.labels.as_ref().is_some_and(|last| last.packed() >= labels.packed()) {
            return Err(PartError::Input("streams are not in ascending order of their packed labels"));
        }
        self.stream = self.streams.add(labels)?;
        self.labels = Some(labels.clone());
        self.last_ts = i64::MIN;
        Ok(self.stream)
    }

    /// The number of a stream, which is begun unless it was the last one.
    pub(super) fn stream_number(&mut self, labels: &Labels) -> Result<u32, PartError> {
        if self.labels.as_ref() == Some(labels) { Ok(self.stream) } else { self.begin_stream(labels) }
    }

    fn push_line(&mut self, line: &PartLine<'_>, target: usize) -> Result<(), PartError> {
        if line.ts < self.last_ts {
            return Err(PartError::Input("lines of a stream are not in order of time"));
        }
        if line.text.len() + line.fields.len() > UNPACKED_MAX / 4 {
            return Err(PartError::Input("a line has more than 256 MiB"));
        }
        if !line.fields.is_empty() && check_packed(line.fields).is_err() {
            return Err(PartError::Input("the fields of a line are malformed"));
        }
        self.last_ts = line.ts;
        let full = self.open.text.len() >= target
            || self.open.text.len() + line.text.len() > target + self.options.block_bytes
            || self.open.times.len() >= LINES_MAX
            || self.open.fields_bytes() >= 2 * self.options.block_bytes;
        if full && !self.open.is_empty() {
            self.end_block()?;
        }
        self.open.push(self.stream, line.ts, line.text, line.fields);
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), PartError> {
        let failed = |what| move |source| PartError::Io { action: what, path: PathBuf::from("a block"), source };
        let tokenizer = &mut self.tokenizer;
        let found = self.open.with_field_values(|text| tokenizer.find(text).map(|_| ()));
        found.map_err(|_| PartError::Input("a block has more than 4 GiB"))?;
        let found = self.tokenizer.found();
        self.words.add(found)?;
        let bits = if self.options.dense { bloom::BITS_DENSE } else { bloom::BITS_FRESH };
        bloom::build(&found.ids, bits, &mut self.filter_words, &mut self.filter);
        let record = self.open.pack(&mut self.packer, self.encoder.as_mut(), &mut self.packed).map_err(failed("pack"))?;
        self.info.fields_bytes += self.open.fields_bytes() as u64;
        self.open.clear();
        let packed = std::mem::take(&mut self.packed);
        let filter = std::mem::take(&mut self.filter);
        let place = self.runs.position();
        self.runs.write(&packed.runs)?;
        let written = self.put(Record { runs_at: place, ..record }, &packed.head, &packed.text, &filter);
        self.packed = packed;
        self.filter = filter;
        written
    }

    /// Appends a block of another part; only before any line is pushed. Its stream is set later.
    pub(super) fn put_whole(&mut self, block: &WholeBlock<'_>) -> Result<usize, PartError> {
        let number = self.records.len();
        self.info.fields_bytes += u64::from(block.record.fields_bytes);
        self.put(Record { runs_at: 0, runs_len: 0, ..block.record }, block.head, block.text, block.bloom)?;
        Ok(number)
    }

    /// Says of which stream a block is that was put whole.
    pub(super) fn set_stream(&mut self, block: usize, stream: u32) {
        if let Some(record) = self.records.get_mut(block) {
            (record.stream, record.last_stream) = (stream, stream);
        }
    }

    fn put(&mut self, record: Record, head: &[u8], text: &[u8], filter: &[u8]) -> Result<(), PartError> {
        let record = Record {
            text_at: self.text_len,
            head_at: self.heads.position(),
            bloom_at: self.bloom.position(),
            bloom_len: filter.len() as u32,
            ..record
        };
        self.text.write_all(text).map_err(PartError::io("write", &self.text_path))?;
        self.text_len += text.len() as u64;
        self.heads.write(head)?;
        self.bloom.write(filter)?;
        self.info.min_ts = self.info.min_ts.min(record.min_ts);
        self.info.max_ts = self.info.max_ts.max(record.max_ts);
        self.info.lines += u64::from(record.lines);
        self.info.text_bytes += u64::from(record.text_bytes);
        self.records.push(record);
        Ok(())
    }

    /// Bytes of text taken so far.
    pub const fn text_bytes(&self) -> u64 {
        self.info.text_bytes
    }

    /// Completes the part; everything is on disk when this returns.
    pub fn finish(self) -> Result<PartInfo, PartError> {
        self.finish_with(Vec::new())
    }

    /// As [`Self::finish`], where the words of the blocks put whole come from other parts, in order.
    pub(super) fn finish_with(mut self, sources: Vec<WordsSource>) -> Result<PartInfo, PartError> {
        if !self.open.is_empty() {
            self.end_block()?;
        }
        let text = self.text.into_inner().map_err(|error| PartError::io("write", &self.text_path)(error.into_error()))?;
        text.sync_all().map_err(PartError::io("sync", &self.text_path))?;
        let mut blocks = PagesWriter::create(self.dir.join(names::BLOCKS))?;
        let mut bytes = Vec::with_capacity(RECORD_BYTES);
        for record in &self.records {
            bytes.clear();
            record.put(&mut bytes);
            blocks.write(&bytes)?;
        }
        let streams = self.streams.len();
        let seals = Seals {
            heads: self.heads.finish()?,
            blocks: blocks.finish()?,
            runs: self.runs.finish()?,
            streams: self.streams.finish()?,
            bloom: self.bloom.finish()?,
            index: self.words.finish(sources)?,
        };
        if self.records.is_empty() {
            (self.info.min_ts, self.info.max_ts) = (0, 0);
        }
        let info = PartInfo {
            streams: u64::from(streams),
            blocks: self.records.len() as u64,
            block_bytes: self.options.block_bytes as u32,
            zstd_level: self.options.zstd_level,
            dense: self.options.dense,
            ..self.info
        };
        let info = meta::with_sizes(info, self.text_len, &seals);
        meta::write(&self.dir, &info, &seals)?;
        sync_dir(&self.dir).map_err(PartError::io("sync", &self.dir))?;
        Ok(info)
    }
}
