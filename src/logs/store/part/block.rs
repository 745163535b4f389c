//! A block: lines of one stream, or of several that have few, packed together.
//!
//! - *Times* and *lengths*: a timestamp column and an integer column of [`crate::base::pack`]; in a block of several runs
//!   the times are an integer column too.
//! - *Text*: the lines' texts, each followed by a line break, in form 0 as one zstd frame, in form 1 as
//!   [`super::columns`].
//! - *Fields*: if any line has some, one zstd frame of: number of distinct sets (varint), (length, packed set)*, then for
//!   each line the number of its set plus 1, or 0, as an integer column.
//! - *Runs*: in a block of several streams, for each: distance of its number from the one before, or for the first from
//!   the record's; number of lines; bytes of their text; varints all.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::columns;
use super::error::PartError;
use super::frames::{Packer, UNPACKED_MAX, unpack, with_unpacked};
use super::record::Record;
use crate::base::bytes::{Cursor, has_crc32, put_uvarint};
use crate::base::pack::ints::{decode_ints, encode_ints};
use crate::base::pack::timestamps::{decode_timestamps, encode_timestamps};
use crate::logs::model::read::{LineBuf, NO_FIELDS};
use crate::series::labels::{LabelsIter, check_packed};

/// Text as one zstd frame.
pub(super) const PLAIN: u32 = 0;
/// Text as [`super::columns`].
pub(super) const COLUMNS: u32 = 1;
/// Lines of a block, at most.
pub(super) const LINES_MAX: usize = 1 << 16;

/// Lines of one stream in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) stream: u32,
    pub(super) lines: u32,
    pub(super) bytes: u32,
}

/// A block being filled.
#[derive(Default)]
pub(super) struct OpenBlock {
    /// Texts, each with a line break behind it.
    pub(super) text: Vec<u8>,
    pub(super) times: Vec<i64>,
    lens: Vec<i64>,
    pub(super) runs: Vec<Run>,
    /// Distinct field sets, one after the other.
    sets: Vec<u8>,
    set_ends: Vec<u32>,
    /// Hash of a set to its number; sets that share a hash are found by going on to the next.
    by_hash: FxHashMap<u64, u32>,
    /// Number of each line's set plus 1, or 0.
    fields: Vec<i64>,
    scratch: Vec<u8>,
}

/// A packed block, but for where it will lie.
#[derive(Default)]
pub(super) struct PackedBlock {
    pub(super) head: Vec<u8>,
    /// Text, then fields.
    pub(super) text: Vec<u8>,
    pub(super) runs: Vec<u8>,
}

impl OpenBlock {
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.times.clear();
        self.lens.clear();
        self.runs.clear();
        self.sets.clear();
        self.set_ends.clear();
        self.by_hash.clear();
        self.fields.clear();
    }

    pub(super) fn push(&mut self, stream: u32, ts: i64, text: &[u8], fields: &[u8]) {
        self.text.extend_from_slice(text);
        self.text.push(b'\n');
        self.times.push(ts);
        self.lens.push(text.len() as i64);
        match self.runs.last_mut() {
            Some(run) if run.stream == stream => {
                run.lines += 1;
                run.bytes += text.len() as u32;
            }
            _ => self.runs.push(Run { stream, lines: 1, bytes: text.len() as u32 }),
        }
        let number = if fields.is_empty() { 0 } else { self.set_number(fields) + 1 };
        self.fields.push(i64::from(number));
    }

    fn set(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).and_then(|before| self.set_ends.get(before)).copied().unwrap_or(0);
        let end = self.set_ends.get(number).copied().unwrap_or(start);
        self.sets.get(start as usize..end as usize).unwrap_or_default()
    }

    fn set_number(&mut self, fields: &[u8]) -> u32 {
        let mut hash = xxhash_rust::xxh3::xxh3_64(fields);
        loop {
            match self.by_hash.get(&hash) {
                Some(&known) if self.set(known) == fields => return known,
                Some(_) => hash = hash.wrapping_add(1),
                None => break,
            }
        }
        let number = self.set_ends.len() as u32;
        self.sets.extend_from_slice(fields);
        self.set_ends.push(self.sets.len() as u32);
        self.by_hash.insert(hash, number);
        number
    }

    /// Bytes of the distinct field sets.
    pub(super) fn fields_bytes(&self) -> usize {
        self.sets.len()
    }

    /// The text with the values of the fields behind it, for `look`.
    pub(super) fn with_field_values<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> T {
        let len = self.text.len();
        for number in 0..self.set_ends.len() as u32 {
            let set = std::mem::take(&mut self.sets);
            let start = (number as usize).checked_sub(1).map_or(0, |before| self.set_ends[before] as usize);
            for (_, value) in LabelsIter::over_checked(&set[start..self.set_ends[number as usize] as usize]) {
                self.text.extend_from_slice(value.as_bytes());
                self.text.push(b'\n');
            }
            self.sets = set;
        }
        let seen = look(&self.text);
        self.text.truncate(len);
        seen
    }

    /// Packs everything; returns the record without places.
    pub(super) fn pack(
        &mut self,
        packer: &mut Packer,
        transform: Option<&mut columns::Encoder>,
        out: &mut PackedBlock,
    ) -> std::io::Result<Record> {
        out.head.clear();
        out.text.clear();
        out.runs.clear();
        if self.runs.len() == 1 {
            encode_timestamps(&self.times, &mut out.head);
        } else {
            encode_ints(&self.times, &mut out.head);
        }
        let times_len = out.head.len();
        encode_ints(&self.lens, &mut out.head);
        let (mut form, mut frame_bytes) = (PLAIN, self.text.len());
        match transform.and_then(|encoder| encoder.encode(&self.text)) {
            Some((frame, columns)) => {
                (form, frame_bytes) = (COLUMNS, frame.len());
                packer.pack(frame, &mut out.text)?;
                out.text.extend_from_slice(columns);
            }
            None => packer.pack(&self.text, &mut out.text)?,
        }
        let text_len = out.text.len();
        let fields_bytes = if self.set_ends.is_empty() { 0 } else { self.pack_fields(packer, &mut out.text)? };
        if self.runs.len() > 1 {
            let mut before = self.runs[0].stream;
            for run in &self.runs {
                put_uvarint(&mut out.runs, u64::from(run.stream - before));
                put_uvarint(&mut out.runs, u64::from(run.lines));
                put_uvarint(&mut out.runs, u64::from(run.bytes));
                before = run.stream;
            }
        }
        Ok(Record {
            min_ts: self.times.iter().copied().min().unwrap_or(0),
            max_ts: self.times.iter().copied().max().unwrap_or(0),
            text_len: text_len as u32,
            text_crc: crc32fast::hash(&out.text[..text_len]),
            fields_len: (out.text.len() - text_len) as u32,
            fields_crc: crc32fast::hash(&out.text[text_len..]),
            times_len: times_len as u32,
            lens_len: (out.head.len() - times_len) as u32,
            runs_len: out.runs.len() as u32,
            runs: self.runs.len() as u32,
            stream: self.runs.first().map_or(0, |run| run.stream),
            last_stream: self.runs.last().map_or(0, |run| run.stream),
            lines: self.times.len() as u32,
            text_bytes: (self.text.len() - self.times.len()) as u32,
            fields_bytes: fields_bytes as u32,
            form,
            frame_bytes: frame_bytes as u32,
            ..Record::default()
        })
    }

    fn pack_fields(&mut self, packer: &mut Packer, out: &mut Vec<u8>) -> std::io::Result<usize> {
        self.scratch.clear();
        put_uvarint(&mut self.scratch, self.set_ends.len() as u64);
        let mut start = 0;
        for end in &self.set_ends {
            put_uvarint(&mut self.scratch, u64::from(end - start));
            self.scratch.extend_from_slice(&self.sets[start as usize..*end as usize]);
            start = *end;
        }
        encode_ints(&self.fields, &mut self.scratch);
        packer.pack(&self.scratch, out)?;
        Ok(self.scratch.len())
    }
}

/// A block that cannot be: what does not fit.
pub(super) type Wrong = &'static str;

/// Reads times and lengths into a cleared buffer.
pub(super) fn read_head(record: &Record, head: &[u8], into: &mut LineBuf) -> Result<(), Wrong> {
    let lines = record.lines as usize;
    if lines == 0 || lines > LINES_MAX {
        return Err("a block has no lines or too many");
    }
    let (times, lens) = head.split_at_checked(record.times_len as usize).ok_or("times and lengths do not fit")?;
    if record.runs == 1 {
        decode_timestamps(times, lines, &mut into.times).map_err(|error| error.what)?;
    } else {
        let mut cursor = Cursor::new(times);
        into.times.reserve(lines);
        decode_ints(&mut cursor, lines, |some| into.times.extend_from_slice(some)).map_err(|error| error.what)?;
        if !cursor.is_empty() {
            return Err("bytes left behind the times");
        }
    }
    into.starts.reserve(lines + 1);
    into.starts.push(0);
    let mut at = 0i64;
    let mut negative = 0i64;
    let mut cursor = Cursor::new(lens);
    decode_ints(&mut cursor, lines, |some| {
        for len in some {
            negative |= len | i64::from(u32::MAX).wrapping_sub(*len);
            at = at.wrapping_add(len.wrapping_add(1));
            into.starts.push(at as u32);
        }
    })
    .map_err(|error| error.what)?;
    if !cursor.is_empty() || negative < 0 || at != record.unpacked_text() as i64 {
        return Err("the lengths do not fit the text");
    }
    Ok(())
}

/// Reads the text; `bytes` are those of the record, of which the checksum is looked at.
pub(super) fn read_text(record: &Record, bytes: &[u8], text: &mut Vec<u8>) -> Result<(), Wrong> {
    if !has_crc32(bytes, record.text_crc) {
        return Err("the checksum of a block's text does not fit");
    }
    let len = record.unpacked_text();
    match record.form {
        PLAIN => unpack(bytes, len, text).then_some(()).ok_or("the text of a block cannot be unpacked"),
        COLUMNS if len > UNPACKED_MAX => Err("the text of a block is too long"),
        COLUMNS => {
            let (frame, columns) = split_columns(bytes).ok_or("the text of a block is cut off")?;
            with_unpacked(frame, record.frame_bytes as usize, |frame| columns::decode(frame, columns, len, text))
                .unwrap_or(Err("the text of a block cannot be unpacked"))
        }
        _ => Err("the text of a block has a form of a later version"),
    }
}

/// The frame, and the columns with their length behind them.
fn split_columns(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, len) = bytes.split_last_chunk::<4>()?;
    let start = before.len().checked_sub(u32::from_le_bytes(*len) as usize)?;
    Some(bytes.split_at(start))
}

/// Reads the fields into a buffer whose fields are empty.
pub(super) fn read_fields(record: &Record, bytes: &[u8], into: &mut LineBuf) -> Result<(), Wrong> {
    const WRONG: Wrong = "the fields of a block are malformed";
    if record.fields_len == 0 {
        return Ok(());
    }
    if !has_crc32(bytes, record.fields_crc) {
        return Err("the checksum of a block's fields does not fit");
    }
    if !unpack(bytes, record.fields_bytes as usize, &mut into.field_bytes) {
        return Err(WRONG);
    }
    let mut cursor = Cursor::new(&into.field_bytes);
    let sets = cursor.uvarint().map_err(|_| WRONG)?;
    if sets > u64::from(record.lines) {
        return Err(WRONG);
    }
    for _ in 0..sets {
        let len = cursor.len().map_err(|_| WRONG)?;
        let start = cursor.offset();
        check_packed(cursor.take(len).map_err(|_| WRONG)?).map_err(|_| WRONG)?;
        into.field_sets.push(start as u32..(start + len) as u32);
    }
    let mut wrong = false;
    into.fields.reserve(record.lines as usize);
    decode_ints(&mut cursor, record.lines as usize, |some| {
        for number in some {
            wrong |= *number < 0 || *number as u64 > sets;
            into.fields.push(if *number == 0 { NO_FIELDS } else { (*number - 1) as u32 });
        }
    })
    .map_err(|_| WRONG)?;
    if wrong || !cursor.is_empty() { Err(WRONG) } else { Ok(()) }
}

/// The runs of a block of several streams, ascending; all lines are theirs.
pub(super) fn read_runs(record: &Record, bytes: &[u8], mut each: impl FnMut(Run, Range<u32>)) -> Result<(), Wrong> {
    const WRONG: Wrong = "the runs of a block are malformed";
    if record.runs_len == 0 {
        if record.runs != 1 {
            return Err(WRONG);
        }
        each(Run { stream: record.stream, lines: record.lines, bytes: record.text_bytes }, 0..record.lines);
        return Ok(());
    }
    let mut cursor = Cursor::new(bytes);
    let (mut stream, mut line, mut runs) = (u64::from(record.stream), 0u64, 0);
    while !cursor.is_empty() {
        stream = stream.checked_add(cursor.uvarint().map_err(|_| WRONG)?).filter(|stream| *stream <= u64::from(u32::MAX)).ok_or(WRONG)?;
        let lines = cursor.uvarint().map_err(|_| WRONG)?;
        let bytes = cursor.uvarint().map_err(|_| WRONG)?;
        let end = line.checked_add(lines).filter(|end| *end <= u64::from(record.lines)).ok_or(WRONG)?;
        let bytes = u32::try_from(bytes).map_err(|_| WRONG)?;
        each(Run { stream: stream as u32, lines: lines as u32, bytes }, line as u32..end as u32);
        line = end;
        runs += 1;
    }
    if line == u64::from(record.lines) && runs == record.runs && stream == u64::from(record.last_stream) { Ok(()) } else { Err(WRONG) }
}

/// For `map_err`: says in which file.
pub(super) fn damaged(path: &std::path::Path) -> impl Fn(Wrong) -> PartError + '_ {
    move |what| PartError::damaged(path, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        for len in [i64::MAX, i64::MIN, -1, i64::from(u32::MAX) + 1] {
            let mut head = Vec::new();
            encode_timestamps(&[5], &mut head);
            let times_len = head.len() as u32;
            encode_ints(&[len], &mut head);
            let record = Record { lines: 1, runs: 1, times_len, text_bytes: 3, ..Record::default() };
            assert!(read_head(&record, &head, &mut LineBuf::default()).is_err(), "{len}");
        }
    }

    #[test]
    fn no_memory_is_taken_for_a_text_that_is_too_long() {
        let bytes = [0u8; 8];
        let record = Record { form: COLUMNS, lines: 1, text_bytes: u32::MAX - 1, text_crc: crc32fast::hash(&bytes), ..Record::default() };
        let mut text = Vec::new();
        assert_eq!(read_text(&record, &bytes, &mut text), Err("the text of a block is too long"));
        assert_eq!(text.capacity(), 0);
    }
}
