//! What stands in the log's records. The format is described in the header of [`super`].

use std::sync::Arc;

use crate::base::bytes::{Cursor, Malformed, put_uvarint, put_varint};
use crate::metrics::store::head::{ChunkKind, HistogramReader, SavedChunk, TailReader, TailState, put_histogram, put_sample};
use crate::series::histogram::Histogram;
use crate::series::labels::Labels;
use crate::series::sample::{Exemplar, Metadata, MetricType};

/// Groups of a samples record hold the series whose id leaves the same rest. Part of the format.
pub const GROUPS: u32 = 16;

/// Kinds of records. Part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// New series: id and labels.
    Series = 1,
    /// Floats.
    Floats = 2,
    /// Native histograms.
    Histograms = 3,
    /// Exemplars.
    Exemplars = 4,
    /// Deleted ranges of series.
    Deleted = 5,
    /// Metadata of metric families.
    Metadata = 6,
    /// Start timestamps of floats.
    Starts = 7,
    /// Which samples are in blocks.
    Flushed = 8,
    /// Chunks of the head.
    Chunks = 9,
    /// Which chunk files count.
    Files = 10,
    /// Floats of a large batch.
    Columns = 11,
}

impl Kind {
    /// From the byte in a record.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Series,
            2 => Self::Floats,
            3 => Self::Histograms,
            4 => Self::Exemplars,
            5 => Self::Deleted,
            6 => Self::Metadata,
            7 => Self::Starts,
            8 => Self::Flushed,
            9 => Self::Chunks,
            10 => Self::Files,
            11 => Self::Columns,
            _ => return None,
        })
    }
}

impl From<Kind> for u8 {
    fn from(kind: Kind) -> Self {
        kind as Self
    }
}

/// Appends a series to a [`Kind::Series`] record.
pub fn put_series(out: &mut Vec<u8>, id: u32, labels: &Labels) {
    put_uvarint(out, u64::from(id));
    put_uvarint(out, labels.packed().len() as u64);
    out.extend_from_slice(labels.packed());
}

/// Reads a [`Kind::Series`] record.
pub fn read_series(bytes: &[u8], mut each: impl FnMut(u32, Labels)) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let id = read_id(&mut cursor)?;
        let len = cursor.len()?;
        each(id, Labels::from_packed(cursor.take(len)?)?);
    }
    Ok(())
}

fn read_id(cursor: &mut Cursor<'_>) -> Result<u32, Malformed> {
    let malformed = Malformed { offset: cursor.offset() };
    u32::try_from(cursor.uvarint()?).ok().filter(|id| *id != 0).ok_or(malformed)
}

/// Writes a [`Kind::Floats`], [`Kind::Histograms`] or [`Kind::Chunks`] record group by group.
#[derive(Debug, Default)]
pub struct SamplesWriter {
    out: Vec<u8>,
    group_at: usize,
    last_id: u32,
    /// First time and last distance of the series before.
    carry: (i64, i64),
}

impl SamplesWriter {
    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// Hands out what was written, for a writer that goes on with another record.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Forgets what was written, keeps the memory.
    pub fn clear(&mut self) {
        self.out.clear();
    }

    /// Starts the group of the ids with this rest.
    pub fn begin_group(&mut self, group: usize) {
        self.group_at = self.out.len();
        self.out.extend_from_slice(&[group as u8, 0, 0, 0, 0]);
        self.last_id = 0;
        self.carry = (0, 0);
    }

    /// Ends the group; an empty one leaves nothing.
    pub fn end_group(&mut self) {
        let start = self.group_at + 5;
        let len = (self.out.len() - start) as u32;
        if len == 0 {
            self.out.truncate(self.group_at);
        } else {
            self.out[self.group_at + 1..start].copy_from_slice(&len.to_le_bytes());
        }
    }

    fn put_head(&mut self, id: u32, count: usize) {
        put_head(&mut self.out, self.last_id, id, count);
        self.last_id = id;
    }

    /// Adds floats of one series, at least one.
    #[inline]
    pub fn put_floats(&mut self, id: u32, count: usize, samples: impl Iterator<Item = (i64, f64)>) {
        self.put_head(id, count);
        let mut state = start_state(self.carry);
        let mut first = None;
        for (ts, value) in samples {
            first.get_or_insert(ts);
            put_sample(&mut state, &mut self.out, ts, value);
        }
        self.carry = (first.unwrap_or(0), if count > 1 { state.delta } else { 0 });
    }

    /// Adds chunks of one series, at least one, oldest first.
    pub fn put_chunks<'a>(&mut self, id: u32, count: usize, chunks: impl Iterator<Item = SavedChunk<'a>>) {
        self.put_head(id, count);
        let mut after = self.carry.0;
        for (index, chunk) in chunks.enumerate() {
            if index == 0 {
                self.carry = (chunk.min, 0);
            }
            put_chunk(&mut self.out, after, &chunk);
            after = chunk.max;
        }
    }

    /// Adds histograms of one series, at least one.
    pub fn put_histograms<'a>(&mut self, id: u32, count: usize, samples: impl Iterator<Item = (i64, &'a Histogram)>) {
        self.put_head(id, count);
        let mut before = None;
        for (ts, histogram) in samples {
            put_histogram(before, &mut self.out, ts, histogram);
            before = Some((ts, histogram));
        }
    }
}

/// Beside the form of a chunk: its series goes on with it.
const OPEN: u8 = 8;

fn put_chunk(out: &mut Vec<u8>, after: i64, chunk: &SavedChunk<'_>) {
    let form = match chunk.kind {
        ChunkKind::Float => 0,
        ChunkKind::Histogram => 1,
        ChunkKind::Packed => 2,
    };
    out.push(form | if chunk.open { OPEN } else { 0 });
    put_uvarint(out, u64::from(chunk.count));
    put_varint(out, chunk.min.wrapping_sub(after));
    put_varint(out, chunk.max.wrapping_sub(chunk.min));
    put_uvarint(out, chunk.bytes.len() as u64);
    out.extend_from_slice(chunk.bytes);
}

fn read_chunk<'a>(cursor: &mut Cursor<'a>, after: i64) -> Result<SavedChunk<'a>, Malformed> {
    let malformed = Malformed { offset: cursor.offset() };
    let form = cursor.u8()?;
    let kind = match form & !OPEN {
        0 => ChunkKind::Float,
        1 => ChunkKind::Histogram,
        2 => ChunkKind::Packed,
        _ => return Err(malformed),
    };
    let count = u16::try_from(cursor.uvarint()?).map_err(|_| malformed)?;
    let min = after.wrapping_add(cursor.varint()?);
    let max = min.wrapping_add(cursor.varint()?);
    let len = cursor.len()?;
    Ok(SavedChunk { kind, open: form & OPEN != 0, min, max, count, bytes: cursor.take(len)? })
}

/// Reads a group of chunks.
pub fn read_chunks(group: usize, bytes: &[u8], mut each: impl FnMut(u32, &SavedChunk<'_>)) -> Result<(), Malformed> {
    let mut reader = GroupReader::new(group, bytes);
    let mut carry = 0;
    while let Some((id, count)) = reader.next_head()? {
        let mut cursor = Cursor::new(&bytes[reader.at..]);
        let mut after = carry;
        for index in 0..count {
            let chunk = read_chunk(&mut cursor, after)?;
            if index == 0 {
                carry = chunk.min;
            }
            after = chunk.max;
            each(id, &chunk);
        }
        reader.at += cursor.offset();
    }
    Ok(())
}

/// What stands before the samples of a series.
#[inline]
pub(super) fn put_head(out: &mut Vec<u8>, last_id: u32, id: u32, count: usize) {
    put_varint(out, i64::from(id / GROUPS) - i64::from(last_id / GROUPS));
    put_uvarint(out, count as u64);
}

/// Series of a batch mostly share their times: what one series had is the guess for the next.
pub(super) fn start_state((first, delta): (i64, i64)) -> TailState {
    TailState { ts: first.wrapping_sub(delta), delta, bits: 0 }
}

/// Groups of a samples record: number and content.
pub fn groups(bytes: &[u8]) -> impl Iterator<Item = Result<(usize, &[u8]), Malformed>> {
    let mut cursor = Cursor::new(bytes);
    std::iter::from_fn(move || {
        if cursor.is_empty() {
            return None;
        }
        let mut next = || {
            let malformed = Malformed { offset: cursor.offset() };
            let group = cursor.u8()?;
            let len = cursor.u32_le()? as usize;
            let content = cursor.take(len)?;
            if u32::from(group) < GROUPS { Ok((usize::from(group), content)) } else { Err(malformed) }
        };
        let found = next();
        if found.is_err() {
            cursor = Cursor::new(&[]);
        }
        Some(found)
    })
}

/// Walks the series of one group.
pub(super) struct GroupReader<'a> {
    bytes: &'a [u8],
    at: usize,
    group: u32,
    last_slot: i64,
}

impl<'a> GroupReader<'a> {
    pub(super) fn new(group: usize, bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, group: group as u32, last_slot: 0 }
    }

    /// Id and number of samples of the next series; their bytes follow.
    fn next_head(&mut self) -> Result<Option<(u32, usize)>, Malformed> {
        let found = self.next_counted()?;
        // Every sample takes a byte at least.
        match found {
            Some((_, count)) if count > self.bytes.len() - self.at => Err(Malformed { offset: self.at }),
            found => Ok(found),
        }
    }

    /// Id and number of samples of the next series; their bytes are elsewhere.
    pub(super) fn next_counted(&mut self) -> Result<Option<(u32, usize)>, Malformed> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        if rest.is_empty() {
            return Ok(None);
        }
        let mut cursor = Cursor::new(rest);
        self.last_slot = self.last_slot.wrapping_add(cursor.varint()?);
        let malformed = Malformed { offset: self.at };
        let slot = u32::try_from(self.last_slot).map_err(|_| malformed)?;
        let id = slot.checked_mul(GROUPS).and_then(|id| id.checked_add(self.group)).filter(|id| *id != 0).ok_or(malformed)?;
        let count = usize::try_from(cursor.uvarint()?).map_err(|_| malformed)?;
        self.at += cursor.offset();
        Ok(Some((id, count)))
    }
}

/// Reads a group of floats: per series its id and a reader to be asked `count` times by the callee.
pub fn read_floats(group: usize, bytes: &[u8], mut each: impl FnMut(u32, &[(i64, f64)])) -> Result<(), Malformed> {
    let mut reader = GroupReader::new(group, bytes);
    let mut carry = (0, 0);
    let mut samples = Vec::new();
    while let Some((id, count)) = reader.next_head()? {
        samples.clear();
        let mut tail = TailReader::resume(bytes, reader.at, start_state(carry));
        for _ in 0..count {
            samples.push(tail.next_sample()?);
        }
        reader.at = tail.offset();
        carry = (samples.first().map_or(0, |(ts, _)| *ts), if count > 1 { tail.state().delta } else { 0 });
        each(id, &samples);
    }
    Ok(())
}

/// Reads a group of histograms.
pub fn read_histograms(group: usize, bytes: &[u8], mut each: impl FnMut(u32, i64, &Arc<Histogram>)) -> Result<(), Malformed> {
    let mut reader = GroupReader::new(group, bytes);
    while let Some((id, count)) = reader.next_head()? {
        let mut stream = HistogramReader::new(&bytes[reader.at..]);
        for _ in 0..count {
            let (ts, histogram) = stream.next_sample()?;
            each(id, ts, &histogram);
        }
        reader.at += stream.offset();
    }
    Ok(())
}

/// Appends an exemplar to a [`Kind::Exemplars`] record.
pub fn put_exemplar(out: &mut Vec<u8>, id: u32, exemplar: &Exemplar) {
    put_uvarint(out, u64::from(id));
    put_varint(out, exemplar.ts);
    out.extend_from_slice(&exemplar.value.to_le_bytes());
    put_uvarint(out, exemplar.labels.packed().len() as u64);
    out.extend_from_slice(exemplar.labels.packed());
}

/// Reads a [`Kind::Exemplars`] record.
pub fn read_exemplars(bytes: &[u8], mut each: impl FnMut(u32, Exemplar)) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let id = read_id(&mut cursor)?;
        let (ts, value) = (cursor.varint()?, cursor.f64_le()?);
        let len = cursor.len()?;
        each(id, Exemplar { labels: Labels::from_packed(cursor.take(len)?)?, value, ts, is_timed: true });
    }
    Ok(())
}

/// Appends a deleted range (or, for [`Kind::Starts`], a time and the start from then on).
pub fn put_times(out: &mut Vec<u8>, id: u32, first: i64, second: i64) {
    put_uvarint(out, u64::from(id));
    put_varint(out, first);
    put_varint(out, second.wrapping_sub(first));
}

/// Reads a [`Kind::Deleted`] or [`Kind::Starts`] record.
pub fn read_times(bytes: &[u8], mut each: impl FnMut(u32, i64, i64)) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let id = read_id(&mut cursor)?;
        let first = cursor.varint()?;
        each(id, first, first.wrapping_add(cursor.varint()?));
    }
    Ok(())
}

/// Appends metadata of a family.
pub fn put_metadata(out: &mut Vec<u8>, name: &str, metadata: &Metadata) {
    for text in [name, metadata.kind.as_str(), &metadata.help, &metadata.unit] {
        put_uvarint(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Reads a [`Kind::Metadata`] record.
pub fn read_metadata(bytes: &[u8], mut each: impl FnMut(&str, Metadata)) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let mut text = || {
            let malformed = Malformed { offset: cursor.offset() };
            let len = cursor.len()?;
            std::str::from_utf8(cursor.take(len)?).map_err(|_| malformed)
        };
        let (name, kind, help, unit) = (text()?, text()?, text()?, text()?);
        each(name, Metadata { kind: MetricType::parse(kind).unwrap_or_default(), help: help.to_owned(), unit: unit.to_owned() });
    }
    Ok(())
}

/// Samples before `boundary` that stand in segments before `segment` are in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// First segment that it does not speak of.
    pub segment: u64,
    /// In milliseconds.
    pub boundary: i64,
}

/// Appends to a [`Kind::Flushed`] record.
pub fn put_flushed(out: &mut Vec<u8>, flushed: Flushed) {
    put_uvarint(out, flushed.segment);
    put_varint(out, flushed.boundary);
}

/// Reads a [`Kind::Flushed`] record.
pub fn read_flushed(bytes: &[u8], mut each: impl FnMut(Flushed)) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        each(Flushed { segment: cursor.uvarint()?, boundary: cursor.varint()? });
    }
    Ok(())
}

/// Reads a [`Kind::Files`] record.
pub fn read_files(bytes: &[u8], mut each: impl FnMut(u64)) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        each(cursor.uvarint()?);
    }
    Ok(())
}
