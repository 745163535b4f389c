//! Writes a block, series by series.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chunks::Column;
use super::data_writer::{ChunkPlace, DataWriter};
use super::file::{sync_dir, tmp_path};
use super::index_writer::IndexWriter;
use super::layout::{FileWriter, Section};
use super::split::split;
use super::{BLOCK_FILE, BlockError, BlockId, BlockMeta, FORMAT_VERSION};
use crate::base::bytes::{put_uvarint, put_varint, zigzag};
use crate::metrics::store::codec::{encode_floats, encode_histograms};
use crate::series::histogram::ResetHint;
use crate::series::labels::{BUCKET, Labels};
use crate::series::sample::SampleBuf;

/// Bucket values one chunk of histograms should hold, so that reading one stays quick.
const CHUNK_BUCKETS: usize = 1 << 16;

/// How a block is written.
#[derive(Debug, Clone)]
pub struct BlockOptions {
    /// Its name.
    pub id: BlockId,
    /// See [`BlockMeta::level`].
    pub level: u32,
    /// See [`BlockMeta::sources`]; empty means the block itself.
    pub sources: Vec<BlockId>,
    /// Samples a chunk should have.
    pub chunk_samples: usize,
    /// Chunks begin at multiples of this many milliseconds where that leaves them near `chunk_samples`, so that
    /// series scraped together keep sharing timestamps even when one of them misses a sample.
    pub chunk_range_ms: i64,
    /// Bytes of a frame before compression.
    pub frame_bytes: usize,
    /// Level of zstd, or none to leave frames as they are.
    pub compression: Option<i32>,
    /// Whether to wait for the disk. Only tests and measurements do without.
    pub sync: bool,
}

impl BlockOptions {
    /// For a block from the head: not compressed, because it is read and compacted soon.
    pub fn fresh(id: BlockId) -> Self {
        Self {
            id,
            level: 0,
            sources: Vec::new(),
            chunk_samples: 480,
            chunk_range_ms: 2 * 3_600_000,
            frame_bytes: 16 * 1024,
            compression: None,
            sync: true,
        }
    }

    /// For a block made of others.
    pub fn compacted(id: BlockId, level: u32, sources: Vec<BlockId>) -> Self {
        Self { level, sources, compression: Some(1), ..Self::fresh(id) }
    }
}

/// A block being written. Dropped before [`BlockWriter::finish`], it leaves nothing behind.
pub struct BlockWriter {
    options: BlockOptions,
    parent: PathBuf,
    tmp: TmpDir,
    file: FileWriter,
    data: DataWriter,
    index: IndexWriter,
    meta: BlockMeta,
    last: Option<Labels>,
    chunk_list: Vec<u8>,
    /// Chunks in the list.
    listed: u64,
    bytes: Vec<u8>,
    base: Base,
}

/// The first bucket of the classic histogram that is being written; the others may be stored relative to it.
#[derive(Default)]
struct Base {
    /// Its labels without the bound.
    labels: Option<Labels>,
    values: Vec<f64>,
    /// Its chunks: column of timestamps, entries, place.
    chunks: Vec<(u32, Range<usize>, ChunkPlace)>,
}

/// Where the chunk before lies, which the next one of the list is relative to.
#[derive(Default)]
pub(super) struct Before {
    column: i64,
    frame: i64,
}

impl BlockWriter {
    /// Begins a block in the folder `parent`, which exists.
    pub fn create(parent: &Path, options: BlockOptions) -> Result<Self, BlockError> {
        let tmp = tmp_path(&parent.join(options.id.to_string()));
        match fs::remove_dir_all(&tmp) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(BlockError::io("remove", &tmp)(error)),
            _ => {}
        }
        fs::create_dir(&tmp).map_err(BlockError::io("create", &tmp))?;
        let tmp = TmpDir(tmp);
        let file = FileWriter::create(tmp.0.join(BLOCK_FILE))?;
        let data = DataWriter::new(options.frame_bytes, options.compression).map_err(BlockError::io("set up compression for", &tmp.0))?;
        let sources = if options.sources.is_empty() { vec![options.id] } else { options.sources.clone() };
        let meta = BlockMeta {
            id: options.id,
            version: FORMAT_VERSION,
            min_ts: i64::MAX,
            max_ts: i64::MIN,
            series: 0,
            samples: 0,
            histograms: 0,
            chunks: 0,
            level: options.level,
            sources,
            bytes: 0,
        };
        Ok(Self {
            options,
            parent: parent.to_owned(),
            tmp,
            file,
            data,
            index: IndexWriter::default(),
            meta,
            last: None,
            chunk_list: Vec::new(),
            listed: 0,
            bytes: Vec::new(),
            base: Base::default(),
        })
    }

    /// Adds a series. Labels ascend strictly from call to call, timestamps within each kind of sample.
    /// A series without samples is left out.
    pub fn add_series(&mut self, labels: &Labels, samples: &SampleBuf) -> Result<(), BlockError> {
        if samples.is_empty() {
            return Ok(());
        }
        self.check_labels(labels)?;
        self.check_samples(samples)?;
        self.chunk_list.clear();
        self.listed = 0;
        let mut before = Before::default();
        let bucket_of = labels.contains(BUCKET).then(|| labels.without(|name| name == BUCKET));
        let is_relative = bucket_of.is_some() && bucket_of == self.base.labels;
        if !is_relative {
            self.base.labels = bucket_of;
            self.base.values.clone_from(&samples.floats);
            self.base.chunks.clear();
        }
        for chunk in split(&samples.float_ts, self.options.chunk_samples, self.options.chunk_range_ms) {
            let ts = &samples.float_ts[chunk.clone()];
            let column = self.put_column(ts, ts[0], ts[ts.len() - 1])?;
            let start_column = self.put_starts(&samples.float_start_ts, &chunk)?;
            self.bytes.clear();
            encode_floats(&samples.floats[chunk.clone()], &mut self.bytes);
            let base = if is_relative { self.encode_relative(column, &samples.floats[chunk.clone()]) } else { None };
            let place = self.put_chunk(false, column, start_column, base, &mut before)?;
            if !is_relative {
                self.base.chunks.push((column, chunk, place));
            }
        }
        let buckets = samples.histograms.iter().map(|h| h.positive_buckets.len() + h.negative_buckets.len()).max().unwrap_or(0);
        let chunk_histograms = (CHUNK_BUCKETS / (buckets + 8)).clamp(1, self.options.chunk_samples.max(1));
        for chunk in split(&samples.histogram_ts, chunk_histograms, self.options.chunk_range_ms) {
            self.bytes.clear();
            if chunk.start == 0 && samples.histograms[0].reset_hint == ResetHint::NotReset {
                // What this is relative to lies in another block, with who knows what between.
                let mut first = samples.histograms[chunk.clone()].to_vec();
                Arc::make_mut(&mut first[0]).reset_hint = ResetHint::Unknown;
                encode_histograms(&first, &mut self.bytes);
            } else {
                encode_histograms(&samples.histograms[chunk.clone()], &mut self.bytes);
            }
            let ts = &samples.histogram_ts[chunk.clone()];
            let column = self.put_column(ts, ts[0], ts[ts.len() - 1])?;
            let start_column = self.put_starts(&samples.histogram_start_ts, &chunk)?;
            self.put_chunk(true, column, start_column, None, &mut before)?;
        }
        for ts in [&samples.float_ts, &samples.histogram_ts] {
            if let (Some(first), Some(last)) = (ts.first(), ts.last()) {
                self.meta.min_ts = self.meta.min_ts.min(*first);
                self.meta.max_ts = self.meta.max_ts.max(*last);
            }
        }
        self.end_series(labels, samples.len() as u64, samples.histogram_ts.len() as u64);
        Ok(())
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.file.written()
    }

    fn end_series(&mut self, labels: &Labels, samples: u64, histograms: u64) {
        self.meta.series += 1;
        self.meta.chunks += std::mem::take(&mut self.listed);
        self.meta.samples += samples;
        self.meta.histograms += histograms;
        self.index.add(labels, &self.chunk_list);
        self.last = Some(labels.clone());
    }

    fn unordered(&self, what: &'static str) -> BlockError {
        BlockError::Unordered { path: self.parent.join(self.options.id.to_string()), what }
    }

    pub(super) fn check_labels(&self, labels: &Labels) -> Result<(), BlockError> {
        if self.last.as_ref().is_some_and(|last| last >= labels) {
            return Err(self.unordered("series are not in ascending order of labels"));
        }
        if self.index.len() >= u32::MAX as usize {
            return Err(BlockError::TooLarge { path: self.tmp.0.clone(), what: "series" });
        }
        Ok(())
    }

    fn check_samples(&self, samples: &SampleBuf) -> Result<(), BlockError> {
        if samples.float_ts.len() != samples.floats.len()
            || samples.histogram_ts.len() != samples.histograms.len()
            || !(samples.float_start_ts.is_empty() || samples.float_start_ts.len() == samples.float_ts.len())
            || !(samples.histogram_start_ts.is_empty() || samples.histogram_start_ts.len() == samples.histogram_ts.len())
        {
            return Err(self.unordered("columns of samples differ in length"));
        }
        let ascends = |ts: &[i64]| ts.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascends(&samples.float_ts) || !ascends(&samples.histogram_ts) {
            return Err(self.unordered("samples are not in ascending order of time"));
        }
        Ok(())
    }

    /// Chunks of floats with fewer samples should be joined rather than copied.
    pub(super) const fn chunk_samples_min(&self) -> usize {
        self.options.chunk_samples / 2
    }

    /// Begins a series that is copied chunk by chunk.
    pub(super) fn begin_list(&mut self) {
        self.chunk_list.clear();
        self.listed = 0;
    }

    /// Writes a column that another block has.
    pub(super) fn put_copied_column(&mut self, column: &Column<'_>, encoded: &[u8]) -> Result<u32, BlockError> {
        self.data.put_encoded_column(&mut self.file, encoded, column.count, (column.range.start, column.range.end))
    }

    /// Writes a chunk that another block has, and lists it.
    pub(super) fn put_copied_chunk(
        &mut self,
        bytes: &[u8],
        histograms: bool,
        column: u32,
        start_column: Option<u32>,
        base: Option<ChunkPlace>,
        before: &mut Before,
    ) -> Result<ChunkPlace, BlockError> {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.put_chunk(histograms, column, start_column, base, before)
    }

    /// Ends a series that was copied chunk by chunk.
    pub(super) fn end_copied_series(&mut self, labels: &Labels, samples: u64, histograms: u64, (min_ts, max_ts): (i64, i64)) {
        // Its values are not known, so that nothing can be relative to them.
        self.base.labels = None;
        self.meta.min_ts = self.meta.min_ts.min(min_ts);
        self.meta.max_ts = self.meta.max_ts.max(max_ts);
        self.end_series(labels, samples, histograms);
    }

    /// Replaces the chunk in `self.bytes` by one relative to the base's with the same times, if that is clearly smaller.
    fn encode_relative(&mut self, column: u32, values: &[f64]) -> Option<ChunkPlace> {
        let (_, range, place) = self.base.chunks.iter().find(|(of, _, _)| *of == column)?;
        let base = &self.base.values[range.clone()];
        let differences: Vec<f64> = values.iter().zip(base).map(|(value, base)| value - base).collect();
        let is_exact =
            differences.iter().zip(base).zip(values).all(|((difference, base), value)| (difference + base).to_bits() == value.to_bits());
        if !is_exact {
            return None;
        }
        let mut relative = Vec::with_capacity(self.bytes.len());
        encode_floats(&differences, &mut relative);
        // The reference takes some bytes, and following it some time.
        if relative.len() + 16 > self.bytes.len() - self.bytes.len() / 8 {
            return None;
        }
        self.bytes = relative;
        Some(*place)
    }

    fn put_column(&mut self, ts: &[i64], first: i64, last: i64) -> Result<u32, BlockError> {
        self.data.put_column(&mut self.file, ts, first, last)
    }

    /// Writes the start timestamps of a chunk, if any is known.
    fn put_starts(&mut self, starts: &[i64], chunk: &Range<usize>) -> Result<Option<u32>, BlockError> {
        let known = starts.get(chunk.clone()).filter(|starts| starts.iter().any(|start| *start != 0));
        known.map(|starts| self.put_column(starts, 0, 0)).transpose()
    }

    /// Writes the chunk in `self.bytes` and lists it.
    fn put_chunk(
        &mut self,
        histograms: bool,
        column: u32,
        start_column: Option<u32>,
        base: Option<ChunkPlace>,
        before: &mut Before,
    ) -> Result<ChunkPlace, BlockError> {
        let place = self.data.put_chunk(&mut self.file, &self.bytes, base.is_some())?;
        let list = &mut self.chunk_list;
        let column_step = zigzag(i64::from(column) - before.column);
        let flags = u64::from(base.is_some()) << 2 | u64::from(start_column.is_some()) << 1 | u64::from(histograms);
        put_uvarint(list, column_step << 3 | flags);
        put_place(list, before.frame, place);
        if let Some(start_column) = start_column {
            put_uvarint(list, u64::from(start_column));
        }
        if let Some(base) = base {
            put_place(list, i64::from(place.frame), base);
        }
        self.listed += 1;
        *before = Before { column: i64::from(column), frame: i64::from(place.frame) };
        Ok(place)
    }

    /// Writes the index, waits for the disk, and puts the block in its place. A block without series is an error of
    /// the caller's, but harmless: its range is empty.
    pub fn finish(self) -> Result<BlockMeta, BlockError> {
        let Self { options, parent, tmp, mut file, data, index, mut meta, .. } = self;
        data.finish(&mut file)?;
        index.finish(&mut file)?;
        let json = serde_json::to_vec(&meta).map_err(|error| BlockError::io("describe", &tmp.0)(error.into()))?;
        file.write(&json)?;
        file.end_section(Section::Meta);
        meta.bytes = file.finish(options.sync)?;
        if options.sync {
            sync_dir(&tmp.0)?;
        }
        fs::rename(&tmp.0, parent.join(options.id.to_string())).map_err(BlockError::io("rename", &tmp.0))?;
        if options.sync {
            sync_dir(&parent)?;
        }
        Ok(meta)
    }
}

/// A folder that goes away unless it was renamed.
struct TmpDir(PathBuf);

impl Drop for TmpDir {
    fn drop(&mut self) {
        // Left behind it is removed at the next start; there is no one to tell.
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

fn put_place(list: &mut Vec<u8>, near_frame: i64, place: ChunkPlace) {
    put_varint(list, i64::from(place.frame) - near_frame);
    put_uvarint(list, u64::from(place.offset));
    put_uvarint(list, u64::from(place.len));
}
