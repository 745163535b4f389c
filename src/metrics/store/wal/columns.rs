//! Floats of a large batch, their bytes sorted by what they are: like beside like packs better and quicker.
//!
//! ```text
//! number of groups (1 byte), then per group: rest of id / 16 (1 byte), and lengths of its part of each stream:
//!     heads (bytes), controls, times (bytes), values of 1, 2, ... 7 bytes (values), rest (bytes)
//! then the streams one after the other, each with its groups one after the other
//! ```
//!
//! Heads are change of id and count as in the other records of samples; controls, times and values are the parts of a
//! sample as in `head::tail`. Values of one length stand as planes: the first byte of all (of the group), then the
//! second of all, and so on. The rest are values of code 15.

use super::record::{GroupReader, put_head, start_state};
use crate::base::bytes::{Cursor, Malformed, put_uvarint};
use crate::metrics::store::head::{Apart, ApartReader, VALUE_STREAMS, put_apart};

/// Streams of a record: heads, controls, times, and those of values.
const STREAMS: usize = 3 + VALUE_STREAMS;
/// The stream of values of one byte; those of more follow, and then the rest.
const VALUES: usize = 3;

type Lengths = [usize; STREAMS];

/// Writes a record group by group.
#[derive(Debug, Default)]
pub struct ColumnsWriter {
    heads: Vec<u8>,
    parts: Apart,
    groups: Vec<(usize, Lengths)>,
    /// Where the open group begins in each stream.
    start: Lengths,
    group: usize,
    last_id: u32,
    carry: (i64, i64),
}

impl ColumnsWriter {
    /// Forgets what was written, keeps the memory.
    pub fn clear(&mut self) {
        self.heads.clear();
        self.parts.clear();
        self.groups.clear();
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Starts the group of the ids with this rest.
    pub fn begin_group(&mut self, group: usize) {
        self.start = self.lengths();
        (self.group, self.last_id, self.carry) = (group, 0, (0, 0));
    }

    /// Ends the group; an empty one leaves nothing.
    pub fn end_group(&mut self) {
        let end = self.lengths();
        if end != self.start {
            self.groups.push((self.group, std::array::from_fn(|at| end[at] - self.start[at])));
        }
    }

    fn lengths(&self) -> Lengths {
        std::array::from_fn(|stream| match stream {
            0 => self.heads.len(),
            1 => self.parts.controls.len(),
            2 => self.parts.times.len(),
            _ => self.parts.values[stream - VALUES].len(),
        })
    }

    /// Adds floats of one series, at least one.
    #[inline]
    pub fn put_floats(&mut self, id: u32, count: usize, samples: impl Iterator<Item = (i64, f64)>) {
        put_head(&mut self.heads, self.last_id, id, count);
        self.last_id = id;
        let mut state = start_state(self.carry);
        let mut first = None;
        for (ts, value) in samples {
            first.get_or_insert(ts);
            put_apart(&mut state, &mut self.parts, ts, value);
        }
        self.carry = (first.unwrap_or(0), if count > 1 { state.delta } else { 0 });
    }

    /// Appends the record's content.
    pub fn finish(&self, out: &mut Vec<u8>) {
        out.push(self.groups.len() as u8);
        for (group, lengths) in &self.groups {
            out.push(*group as u8);
            for (stream, len) in lengths.iter().enumerate() {
                put_uvarint(out, (len / value_width(stream)) as u64);
            }
        }
        out.extend_from_slice(&self.heads);
        out.extend_from_slice(&self.parts.controls);
        out.extend_from_slice(&self.parts.times);
        for (at, values) in self.parts.values.iter().enumerate() {
            let width = value_width(VALUES + at);
            let mut rest = &values[..];
            for (_, lengths) in &self.groups {
                let (part, after) = rest.split_at(lengths[VALUES + at]);
                rest = after;
                let count = part.len() / width;
                let start = out.len();
                out.resize(start + part.len(), 0);
                for plane in 0..width {
                    let to = &mut out[start + plane * count..][..count];
                    to.iter_mut().zip(part.iter().skip(plane).step_by(width)).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}

/// Bytes of what a stream's lengths count.
const fn value_width(stream: usize) -> usize {
    if stream >= VALUES && stream + 1 < STREAMS { stream - VALUES + 1 } else { 1 }
}

/// Groups of a record, each as often as it is there, and the lengths of their parts in bytes.
fn read_groups(cursor: &mut Cursor<'_>) -> Result<Vec<(usize, Lengths)>, Malformed> {
    let count = cursor.u8()?;
    let mut groups = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let malformed = Malformed { offset: cursor.offset() };
        let group = usize::from(cursor.u8()?);
        let mut lengths = Lengths::default();
        for (stream, len) in lengths.iter_mut().enumerate() {
            *len = cursor.len()?.checked_mul(value_width(stream)).ok_or(malformed)?;
        }
        groups.push((group, lengths));
    }
    Ok(groups)
}

/// Numbers of the groups that a record has.
pub fn column_groups(content: &[u8]) -> Result<Vec<usize>, Malformed> {
    let mut groups: Vec<usize> = read_groups(&mut Cursor::new(content))?.into_iter().map(|(group, _)| group).collect();
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

/// Memory for reading.
#[derive(Debug, Default)]
pub struct ColumnsScratch {
    values: [Vec<u8>; VALUE_STREAMS],
    samples: Vec<(i64, f64)>,
}

/// Reads what a record has of a group: per series its id and its samples.
pub fn read_columns(
    group: usize,
    content: &[u8],
    scratch: &mut ColumnsScratch,
    mut each: impl FnMut(u32, &[(i64, f64)]),
) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(content);
    let groups = read_groups(&mut cursor)?;
    // Streams are cut into the parts of groups from the front on.
    let streams = cursor.rest();
    let mut starts = Lengths::default();
    let mut at = 0usize;
    for (stream, start) in starts.iter_mut().enumerate() {
        *start = at;
        at = groups.iter().fold(at, |at, (_, lengths)| at.saturating_add(lengths[stream]));
    }
    let malformed = Malformed { offset: cursor.offset() };
    if at != streams.len() {
        return Err(malformed);
    }
    for (number, lengths) in &groups {
        if *number == group {
            let parts = std::array::from_fn(|stream| &streams[starts[stream]..starts[stream] + lengths[stream]]);
            read_group(group, parts, scratch, &mut each)?;
        }
        for (start, len) in starts.iter_mut().zip(lengths) {
            *start += len;
        }
    }
    Ok(())
}

fn read_group(
    group: usize,
    parts: [&[u8]; STREAMS],
    scratch: &mut ColumnsScratch,
    each: &mut impl FnMut(u32, &[(i64, f64)]),
) -> Result<(), Malformed> {
    let ColumnsScratch { values, samples } = scratch;
    for (at, values) in values.iter_mut().enumerate() {
        let (planes, width) = (parts[VALUES + at], value_width(VALUES + at));
        values.clear();
        values.resize(planes.len(), 0);
        let count = planes.len() / width;
        for (plane, bytes) in planes.chunks_exact(count.max(1)).enumerate() {
            values.iter_mut().skip(plane).step_by(width).zip(bytes).for_each(|(to, from)| *to = *from);
        }
    }
    let mut heads = GroupReader::new(group, parts[0]);
    let mut reader = ApartReader::new(parts[1], parts[2], values.each_ref().map(|values| &values[..]));
    let mut carry = (0, 0);
    while let Some((id, count)) = heads.next_counted()? {
        // Every sample has a control byte.
        if count > reader.samples_left() {
            return Err(Malformed { offset: 0 });
        }
        samples.clear();
        reader.restart(start_state(carry));
        for _ in 0..count {
            samples.push(reader.next_sample()?);
        }
        carry = (samples.first().map_or(0, |(ts, _)| *ts), if count > 1 { reader.state().delta } else { 0 });
        each(id, samples);
    }
    Ok(())
}
