//! Writes the data of a block: frames of chunks, columns of timestamps, each distinct one once.

use std::hash::{BuildHasher, RandomState};

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::BlockError;
use super::layout::{FileWriter, Section};
use crate::metrics::store::codec::encode_timestamps;

/// Columns remembered at once; past this many, later repetitions are written again.
const COLUMNS_REMEMBERED: usize = 1 << 20;
/// Chunks remembered at least: when so many are new, those before them are forgotten.
/// As many as fill a hash table of 2^17 places.
const CHUNKS_REMEMBERED: usize = 7 << 14;
/// Chunks below this size are not worth a reference elsewhere: they cost what the reference costs.
const DEDUPLICATED_BYTES_MIN: usize = 8;

/// Where a chunk lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ChunkPlace {
    pub(super) frame: u32,
    pub(super) offset: u32,
    pub(super) len: u32,
}

pub(super) struct DataWriter {
    frame_bytes: usize,
    compressor: Option<zstd::bulk::Compressor<'static>>,
    frame: Vec<u8>,
    frame_count: u32,
    frames: Vec<u8>,
    columns: Vec<u8>,
    column_count: u32,
    columns_seen: FxHashMap<u128, u32>,
    chunks_seen: FxHashMap<u128, ChunkPlace>,
    chunks_seen_before: FxHashMap<u128, ChunkPlace>,
    /// Keyed, so that nobody can send samples that collide.
    seed: u64,
    scratch: Vec<u8>,
}

impl DataWriter {
    pub(super) fn new(frame_bytes: usize, compression: Option<i32>) -> std::io::Result<Self> {
        Ok(Self {
            frame_bytes,
            compressor: compression.map(zstd::bulk::Compressor::new).transpose()?,
            frame: Vec::new(),
            frame_count: 0,
            frames: Vec::new(),
            columns: Vec::new(),
            column_count: 0,
            columns_seen: FxHashMap::default(),
            chunks_seen: FxHashMap::default(),
            chunks_seen_before: FxHashMap::default(),
            seed: RandomState::new().hash_one(()),
            scratch: Vec::new(),
        })
    }

    /// Writes a column of timestamps unless it was written before; returns its number.
    ///
    /// `first` and `last` tell readers whether to look at all; start times have no use for them.
    pub(super) fn put_column(&mut self, file: &mut FileWriter, ts: &[i64], first: i64, last: i64) -> Result<u32, BlockError> {
        self.scratch.clear();
        self.scratch.extend(ts.iter().flat_map(|ts| ts.to_le_bytes()));
        let hash = with_range(xxh3_128_with_seed(&self.scratch, self.seed), first, last);
        if let Some(number) = self.columns_seen.get(&hash) {
            return Ok(*number);
        }
        self.scratch.clear();
        encode_timestamps(ts, &mut self.scratch);
        let encoded = std::mem::take(&mut self.scratch);
        let number = self.write_column(file, &encoded, ts.len(), first, last);
        self.scratch = encoded;
        let number = number?;
        self.remember_column(hash, number);
        Ok(number)
    }

    /// The same for a column that is encoded already.
    pub(super) fn put_encoded_column(
        &mut self,
        file: &mut FileWriter,
        encoded: &[u8],
        count: usize,
        (first, last): (i64, i64),
    ) -> Result<u32, BlockError> {
        // The bytes do not say how many entries they stand for.
        let hash = with_range(xxh3_128_with_seed(encoded, self.seed ^ !(count as u64)), first, last);
        if let Some(number) = self.columns_seen.get(&hash) {
            return Ok(*number);
        }
        let number = self.write_column(file, encoded, count, first, last)?;
        self.remember_column(hash, number);
        Ok(number)
    }

    fn remember_column(&mut self, hash: u128, number: u32) {
        if self.columns_seen.len() >= COLUMNS_REMEMBERED {
            self.columns_seen.clear();
        }
        self.columns_seen.insert(hash, number);
    }

    fn write_column(&mut self, file: &mut FileWriter, encoded: &[u8], count: usize, first: i64, last: i64) -> Result<u32, BlockError> {
        let too_large = |what| BlockError::TooLarge { path: file.path().to_owned(), what };
        let span = u32::try_from(last.abs_diff(first)).map_err(|_| too_large("time range of a chunk"))?;
        let count = u16::try_from(count).map_err(|_| too_large("samples of a chunk"))?;
        let len = u16::try_from(encoded.len()).map_err(|_| too_large("timestamps of a chunk"))?;
        let number = self.column_count;
        self.column_count = number.checked_add(1).ok_or_else(|| too_large("columns of timestamps"))?;
        self.columns.extend_from_slice(&first.to_le_bytes());
        self.columns.extend_from_slice(&file.position().to_le_bytes());
        self.columns.extend_from_slice(&span.to_le_bytes());
        self.columns.extend_from_slice(&crc32fast::hash(encoded).to_le_bytes());
        self.columns.extend_from_slice(&count.to_le_bytes());
        self.columns.extend_from_slice(&len.to_le_bytes());
        file.write(encoded)?;
        Ok(number)
    }

    /// Puts a chunk into a frame unless an equal one is remembered; returns where it is.
    ///
    /// What is relative to another chunk hardly ever equals anything, and need not be remembered.
    pub(super) fn put_chunk(&mut self, file: &mut FileWriter, bytes: &[u8], is_relative: bool) -> Result<ChunkPlace, BlockError> {
        if is_relative || bytes.len() < DEDUPLICATED_BYTES_MIN {
            return self.write_chunk(file, bytes);
        }
        let hash = xxh3_128_with_seed(bytes, self.seed);
        if let Some(place) = self.chunks_seen.get(&hash) {
            return Ok(*place);
        }
        // What is met again is remembered on: constant series all over the block share their chunks.
        let place = match self.chunks_seen_before.get(&hash) {
            Some(place) => *place,
            None => self.write_chunk(file, bytes)?,
        };
        if self.chunks_seen.len() >= CHUNKS_REMEMBERED {
            self.chunks_seen_before = std::mem::take(&mut self.chunks_seen);
        }
        self.chunks_seen.insert(hash, place);
        Ok(place)
    }

    fn write_chunk(&mut self, file: &mut FileWriter, bytes: &[u8]) -> Result<ChunkPlace, BlockError> {
        if !self.frame.is_empty() && self.frame.len() + bytes.len() > self.frame_bytes {
            self.end_frame(file)?;
        }
        let len = u32::try_from(bytes.len()).map_err(|_| BlockError::TooLarge { path: file.path().to_owned(), what: "chunk" })?;
        let place = ChunkPlace { frame: self.frame_count, offset: self.frame.len() as u32, len };
        self.frame.extend_from_slice(bytes);
        Ok(place)
    }

    fn end_frame(&mut self, file: &mut FileWriter) -> Result<(), BlockError> {
        let mut packed = None;
        if let Some(compressor) = &mut self.compressor {
            let attempt = compressor.compress(&self.frame).map_err(BlockError::io("compress", file.path()))?;
            // What gains less than a twentieth is not worth unpacking.
            packed = Some(attempt).filter(|attempt| attempt.len() * 20 < self.frame.len() * 19);
        }
        let stored = packed.as_ref().unwrap_or(&self.frame);
        self.frames.extend_from_slice(&file.position().to_le_bytes());
        self.frames.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        self.frames.extend_from_slice(&(self.frame.len() as u32).to_le_bytes());
        self.frames.extend_from_slice(&crc32fast::hash(stored).to_le_bytes());
        file.write(stored)?;
        self.frame_count += 1;
        self.frame.clear();
        Ok(())
    }

    /// Writes what is left, and the sections that say where everything is.
    pub(super) fn finish(mut self, file: &mut FileWriter) -> Result<(), BlockError> {
        if !self.frame.is_empty() {
            self.end_frame(file)?;
        }
        file.end_section(Section::Data);
        file.write(&self.frames)?;
        file.end_section(Section::Frames);
        file.write(&self.columns)?;
        file.end_section(Section::Timestamps);
        Ok(())
    }
}

/// Start times may equal the times of other samples, but a column of them has no range.
const fn with_range(hash: u128, first: i64, last: i64) -> u128 {
    hash.wrapping_add((first.cast_unsigned() as u128) << 64 | last.cast_unsigned() as u128)
}
