//! Chunks of a block: the list of a series, columns of timestamps, frames, and decoding into a [`SampleBuf`].

use std::sync::atomic::{AtomicU64, Ordering};

use super::data_writer::ChunkPlace;
use super::index::Damage;
use super::layout::{Places, Section};
use crate::base::bytes::{Cursor, Malformed, has_crc32, unzigzag};
use crate::base::time::TimeRange;
use crate::metrics::store::codec::{Corrupt, decode_floats, decode_histograms, decode_timestamps};
use crate::series::sample::SampleBuf;

pub(super) const FRAME_ENTRY_BYTES: usize = 20;
pub(super) const COLUMN_ENTRY_BYTES: usize = 28;
/// Unpacked frames are refused beyond this; the writer stays far below.
const FRAME_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Unpacked frames a reader keeps: enough for series that lie side by side in several runs.
const FRAMES_HELD: usize = 8;

/// Memory that reading reuses. Give each thread its own and hand it to every read.
#[derive(Default)]
pub struct Scratch {
    frames: Vec<HeldFrame>,
    turn: u64,
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
    base: HeldBase,
}

/// The values that relative chunks were last read with: they follow each other.
#[derive(Default)]
struct HeldBase {
    /// Process-wide number of the block, place, and number of entries.
    key: Option<(u64, ChunkPlace, usize)>,
    values: Vec<f64>,
}

struct HeldFrame {
    /// Process-wide number of the block, and the frame.
    key: (u64, u32),
    bytes: Vec<u8>,
    last_used: u64,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("frames", &self.frames.len()).finish_non_exhaustive()
    }
}

impl Scratch {
    /// Nothing held yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The unpacked bytes of a frame; unpacks them unless held. `stored` gives the packed bytes.
    fn frame<'a>(&mut self, key: (u64, u32), len: usize, stored: impl FnOnce() -> Result<&'a [u8], Damage>) -> Result<&[u8], Damage> {
        self.turn += 1;
        if let Some(at) = self.frames.iter().position(|frame| frame.key == key) {
            self.frames[at].last_used = self.turn;
            return Ok(&self.frames[at].bytes);
        }
        let stored = stored()?;
        let failed = |_| Damage::new(Section::Data, "a frame does not unpack");
        if self.decompressor.is_none() {
            self.decompressor = Some(zstd::bulk::Decompressor::new().map_err(failed)?);
        }
        let Some(decompressor) = &mut self.decompressor else { return Err(Damage::new(Section::Data, "a frame does not unpack")) };
        let mut bytes = if self.frames.len() < FRAMES_HELD {
            Vec::new()
        } else {
            let oldest = (0..self.frames.len()).min_by_key(|at| self.frames[*at].last_used).unwrap_or(0);
            self.frames.swap_remove(oldest).bytes
        };
        bytes.clear();
        bytes.reserve(len);
        let unpacked = decompressor.decompress_to_buffer(stored, &mut bytes).map_err(failed)?;
        if unpacked != len {
            return Err(Damage::new(Section::Data, "a frame does not have its length"));
        }
        self.frames.push(HeldFrame { key, bytes, last_used: self.turn });
        Ok(self.frames.last().map_or(&[], |frame| &frame.bytes))
    }
}

/// One entry of a series' chunk list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkEntry {
    pub(super) histograms: bool,
    pub(super) column: u32,
    pub(super) start_column: Option<u32>,
    pub(super) place: ChunkPlace,
    /// The chunk whose values are to be added.
    pub(super) base: Option<ChunkPlace>,
}

/// Walks a chunk list.
pub(super) struct ChunkList<'a> {
    cursor: Cursor<'a>,
    column: i64,
    frame: i64,
}

impl<'a> ChunkList<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(bytes), column: 0, frame: 0 }
    }

    fn entry(&mut self) -> Result<ChunkEntry, Malformed> {
        let malformed = Malformed { offset: self.cursor.offset() };
        let number = |value: u64| u32::try_from(value).map_err(|_| malformed);
        let head = self.cursor.uvarint()?;
        self.column = self.column.wrapping_add(unzigzag(head >> 3));
        let place = self.place(self.frame)?;
        self.frame = i64::from(place.frame);
        let start_column = if head & 2 != 0 { Some(number(self.cursor.uvarint()?)?) } else { None };
        let base = if head & 4 != 0 { Some(self.place(self.frame)?) } else { None };
        let column = u32::try_from(self.column).map_err(|_| malformed)?;
        Ok(ChunkEntry { histograms: head & 1 != 0, column, start_column, place, base })
    }

    fn place(&mut self, near: i64) -> Result<ChunkPlace, Malformed> {
        let malformed = Malformed { offset: self.cursor.offset() };
        let frame = u32::try_from(near.wrapping_add(self.cursor.varint()?)).map_err(|_| malformed)?;
        let offset = u32::try_from(self.cursor.uvarint()?).map_err(|_| malformed)?;
        let len = u32::try_from(self.cursor.uvarint()?).map_err(|_| malformed)?;
        Ok(ChunkPlace { frame, offset, len })
    }
}

impl Iterator for ChunkList<'_> {
    type Item = Result<ChunkEntry, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_empty() {
            return None;
        }
        let entry = self.entry();
        if entry.is_err() {
            self.cursor = Cursor::new(&[]);
        }
        Some(entry.map_err(|_| Damage::new(Section::Series, "a chunk list is malformed")))
    }
}

/// A column of timestamps, not decoded yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a> {
    pub(super) range: TimeRange,
    pub(super) count: usize,
    bytes: &'a [u8],
    crc: u32,
}

impl<'a> Column<'a> {
    /// The encoded timestamps, unless they are damaged.
    pub(super) fn checked_bytes(&self) -> Option<&'a [u8]> {
        has_crc32(self.bytes, self.crc).then_some(self.bytes)
    }

    fn decode(&self, out: &mut Vec<i64>) -> Result<(), Damage> {
        if self.checked_bytes().is_none() {
            return Err(Damage::new(Section::Data, "checksum of timestamps does not match"));
        }
        decode_timestamps(self.bytes, self.count, out).map_err(|Corrupt { what }| Damage::new(Section::Data, what))
    }
}

/// Where samples of one kind go: side by side.
struct Samples<'o, V> {
    ts: &'o mut Vec<i64>,
    values: &'o mut Vec<V>,
    starts: &'o mut Vec<i64>,
}

/// The parts of a mapped block that hold samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunks<'a> {
    /// Process-wide number of the block.
    key: u64,
    data: &'a [u8],
    frames: &'a [[u8; FRAME_ENTRY_BYTES]],
    columns: &'a [[u8; COLUMN_ENTRY_BYTES]],
    verified: &'a [AtomicU64],
}

impl<'a> Chunks<'a> {
    /// `verified` has a bit for each frame.
    pub(super) fn open(file: &'a [u8], places: &Places, key: u64, verified: &'a [AtomicU64]) -> Self {
        let section = |section: Section| file.get(places[section as usize - 1].bytes.clone()).unwrap_or(&[]);
        Self {
            key,
            data: section(Section::Data),
            frames: section(Section::Frames).as_chunks().0,
            columns: section(Section::Timestamps).as_chunks().0,
            verified,
        }
    }

    /// Finds a column.
    pub(super) fn column(&self, number: u32) -> Result<Column<'a>, Damage> {
        let damage = |what| Damage::new(Section::Timestamps, what);
        let entry = self.columns.get(number as usize).ok_or(damage("no such column"))?;
        let mut cursor = Cursor::new(entry);
        let mut read = || -> Result<_, Malformed> {
            let first = cursor.u64_le()?.cast_signed();
            let offset = cursor.u64_le()?;
            let span = cursor.u32_le()?;
            let crc = cursor.u32_le()?;
            let lengths = cursor.u32_le()?;
            Ok((first, offset, span, crc, lengths))
        };
        let (first, offset, span, crc, lengths) = read().map_err(|_| damage("a column ends early"))?;
        let (count, len) = ((lengths & 0xffff) as usize, (lengths >> 16) as usize);
        let bytes = slice(self.data, offset, len).ok_or(damage("a column lies outside of the data"))?;
        Ok(Column { range: TimeRange::new(first, first.saturating_add(i64::from(span))), count, bytes, crc })
    }

    /// Appends the samples of a chunk within `range`. On an error `out` is as before.
    pub(super) fn read(
        &self,
        entry: &ChunkEntry,
        column: &Column<'_>,
        range: TimeRange,
        scratch: &mut Scratch,
        out: &mut SampleBuf,
    ) -> Result<(), Damage> {
        if entry.histograms {
            let out = Samples { ts: &mut out.histogram_ts, values: &mut out.histograms, starts: &mut out.histogram_start_ts };
            self.read_into(out, entry, column, range, |values| {
                decode_histograms(self.chunk(entry.place, scratch)?, column.count, values).map_err(damaged)
            })
        } else {
            let from = out.floats.len();
            let out = Samples { ts: &mut out.float_ts, values: &mut out.floats, starts: &mut out.float_start_ts };
            self.read_into(out, entry, column, range, |values| {
                decode_floats(self.chunk(entry.place, scratch)?, column.count, values).map_err(damaged)?;
                if let Some(base) = entry.base {
                    let base = self.base(base, column.count, scratch)?;
                    values[from..].iter_mut().zip(base).for_each(|(value, base)| *value += base);
                }
                Ok(())
            })
        }
    }

    /// Appends times, the values that `decode` appends, and start times; leaves what they were on an error.
    fn read_into<V>(
        &self,
        out: Samples<'_, V>,
        entry: &ChunkEntry,
        column: &Column<'_>,
        range: TimeRange,
        decode: impl FnOnce(&mut Vec<V>) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let Samples { ts, values, starts } = out;
        let (from, starts_before) = (ts.len(), starts.len());
        let result = column.decode(ts).and_then(|()| decode(values)).and_then(|()| self.read_starts(entry, column.count, from, starts));
        if result.is_err() {
            ts.truncate(from);
            values.truncate(from);
            starts.truncate(starts_before);
        } else if let Some(kept) = trim(&ts[from..], column.range, range) {
            cut(ts, from, kept);
            cut(values, from, kept);
            if !starts.is_empty() {
                cut(starts, from, kept);
            }
        }
        result
    }

    /// Appends the start timestamps of `count` samples behind `from` others, zeros if only others have them.
    fn read_starts(&self, entry: &ChunkEntry, count: usize, from: usize, out: &mut Vec<i64>) -> Result<(), Damage> {
        if let Some(start_column) = entry.start_column {
            let start_column = self.column(start_column)?;
            if start_column.count != count {
                return Err(Damage::new(Section::Timestamps, "start times do not fit their samples"));
            }
            out.resize(from, 0);
            start_column.decode(out)?;
        } else if !out.is_empty() {
            out.resize(from + count, 0);
        }
        Ok(())
    }

    /// The values of a chunk that others are relative to.
    fn base<'s>(&self, place: ChunkPlace, count: usize, scratch: &'s mut Scratch) -> Result<&'s [f64], Damage> {
        let key = Some((self.key, place, count));
        if scratch.base.key != key {
            let mut values = std::mem::take(&mut scratch.base.values);
            scratch.base.key = None;
            values.clear();
            decode_floats(self.chunk(place, scratch)?, count, &mut values).map_err(damaged)?;
            scratch.base = HeldBase { key, values };
        }
        Ok(&scratch.base.values)
    }

    /// The bytes of a chunk's values.
    pub(super) fn chunk<'s>(&self, place: ChunkPlace, scratch: &'s mut Scratch) -> Result<&'s [u8], Damage>
    where
        'a: 's,
    {
        let damage = |what| Damage::new(Section::Frames, what);
        let record = self.frames.get(place.frame as usize).ok_or(damage("no such frame"))?;
        let mut cursor = Cursor::new(record);
        let mut read =
            || -> Result<_, Malformed> { Ok((cursor.u64_le()?, cursor.u32_le()? as usize, cursor.u32_le()? as usize, cursor.u32_le()?)) };
        let (offset, stored_len, len, crc) = read().map_err(|_| damage("a frame ends early"))?;
        if len > FRAME_BYTES_MAX {
            return Err(damage("a frame is absurdly long"));
        }
        let stored = slice(self.data, offset, stored_len).ok_or(damage("a frame lies outside of the data"))?;
        let frame = if stored_len == len {
            self.verify(place.frame, stored, crc)?;
            stored
        } else {
            scratch.frame((self.key, place.frame), len, || self.verify(place.frame, stored, crc).map(|()| stored))?
        };
        slice(frame, u64::from(place.offset), place.len as usize).ok_or(Damage::new(Section::Series, "a chunk lies outside of its frame"))
    }

    /// Compares the checksum of a frame the first time it is read.
    fn verify(&self, frame: u32, stored: &[u8], crc: u32) -> Result<(), Damage> {
        let (word, bit) = (self.verified.get(frame as usize / 64), 1u64 << (frame % 64));
        if word.is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0) {
            return Ok(());
        }
        if !has_crc32(stored, crc) {
            return Err(Damage::new(Section::Data, "checksum of a frame does not match"));
        }
        if let Some(word) = word {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }
}

const fn damaged(corrupt: Corrupt) -> Damage {
    Damage::new(Section::Data, corrupt.what)
}

fn slice(bytes: &[u8], offset: u64, len: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(len)?)
}

/// Which of a chunk's samples to keep, first and end, unless all.
fn trim(ts: &[i64], has: TimeRange, wanted: TimeRange) -> Option<(usize, usize)> {
    if wanted.start <= has.start && has.end <= wanted.end {
        return None;
    }
    let end = ts.partition_point(|ts| *ts <= wanted.end);
    let first = ts[..end].partition_point(|ts| *ts < wanted.start);
    Some((first, end))
}

/// Keeps `first..end` of what lies behind `from`.
fn cut<T>(column: &mut Vec<T>, from: usize, (first, end): (usize, usize)) {
    column.truncate(from + end);
    column.drain(from..from + first);
}
