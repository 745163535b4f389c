//! Records of lines, to bytes and back.

use crate::base::bytes::{Cursor, Malformed, put_uvarint, put_varint};
use crate::logs::store::lines::{Lines, Seed, StreamLines};
use crate::series::labels::{Labels, check_packed};

/// The kind of a record of lines.
pub const LINES: u8 = 1;

/// Appends the content of a record with these streams of some lines.
pub fn put_lines(out: &mut Vec<u8>, lines: &Lines<'_>, streams: &[StreamLines]) {
    put_uvarint(out, streams.len() as u64);
    for stream in streams {
        let packed = stream.labels.packed();
        put_uvarint(out, packed.len() as u64);
        out.extend_from_slice(packed);
        let of_stream = lines.of(stream);
        put_uvarint(out, of_stream.len() as u64);
        let mut before = 0i64;
        for line in of_stream {
            put_varint(out, line.ts.wrapping_sub(before));
            put_uvarint(out, line.text.len() as u64);
            put_uvarint(out, line.fields.len() as u64);
            before = line.ts;
        }
    }
    for stream in streams {
        lines.of(stream).iter().for_each(|line| out.extend_from_slice(line.text));
    }
    for stream in streams {
        lines.of(stream).iter().for_each(|line| out.extend_from_slice(line.fields));
    }
}

/// The lines of a record.
///
/// # Errors
/// When the bytes are no such record.
pub fn read_lines(content: &[u8], seed: Seed) -> Result<Lines<'_>, Malformed> {
    let mut cursor = Cursor::new(content);
    let mut lines = Lines::default();
    // (time, length of text, length of fields); each took three bytes at least, so this is bounded by the content.
    let mut heads: Vec<(i64, usize, usize)> = Vec::new();
    let streams = cursor.len()?;
    for place in 0..streams {
        let len = cursor.len()?;
        let labels = Labels::from_packed(cursor.take(len)?)?;
        let count = cursor.len()?;
        let from = heads.len();
        let mut ts = 0i64;
        for _ in 0..count {
            ts = ts.wrapping_add(cursor.varint()?);
            heads.push((ts, cursor.len()?, cursor.len()?));
        }
        let hash = seed.stream(&labels);
        lines.streams.push(StreamLines { labels, hash, lines: from..heads.len(), place });
    }
    let mut texts = Vec::with_capacity(heads.len());
    for (_, len, _) in &heads {
        texts.push(cursor.take(*len)?);
    }
    let mut of_stream = lines.streams.iter().flat_map(|stream| stream.lines.clone().map(|_| stream.hash));
    for ((ts, _, fields_len), text) in heads.iter().zip(texts) {
        let fields = cursor.take(*fields_len)?;
        check_packed(fields)?;
        lines.lines.push(seed.line(of_stream.next().unwrap_or_default(), *ts, text, fields));
    }
    if cursor.is_empty() { Ok(lines) } else { Err(Malformed { offset: cursor.offset() }) }
}
