//! `logproto.PushRequest`, read in place.
//!
//! The messages: a request has streams (1); a stream has labels as text (1) and entries (2); an entry has a time (1: seconds
//! 1, nanoseconds 2), a line (2) and pairs of structured metadata (3: name 1, value 2).

use super::super::gather::Gather;
use super::super::receive::Receiver;
use super::PushError;
use crate::base::bytes::{Cursor, Malformed};

/// Reads a request; gives the number of streams in it.
pub(super) fn decode(body: &[u8], receiver: &Receiver, gather: &mut Gather) -> Result<usize, PushError> {
    let mut from = Cursor::new(body);
    let mut streams = 0;
    while let Some((field, value)) = next_field(&mut from)? {
        if field == 1
            && let Some(stream) = value
        {
            streams += 1;
            decode_stream(stream, receiver, gather)?;
        }
    }
    Ok(streams)
}

fn decode_stream(stream: &[u8], receiver: &Receiver, gather: &mut Gather) -> Result<(), PushError> {
    let labels = labels_of(stream)?;
    if !gather.begin_text(labels, 0, &receiver.streams, &receiver.limits)? {
        return Ok(());
    }
    let mut from = Cursor::new(stream);
    while let Some((field, value)) = next_field(&mut from)? {
        if field == 2
            && let Some(entry) = value
        {
            decode_entry(entry, receiver, gather)?;
        }
    }
    Ok(())
}

/// The labels usually stand first; then the entries are not walked through.
fn labels_of(stream: &[u8]) -> Result<&[u8], Malformed> {
    let mut from = Cursor::new(stream);
    while let Some((field, value)) = next_field(&mut from)? {
        if field == 1
            && let Some(labels) = value
        {
            return Ok(labels);
        }
    }
    Ok(&[])
}

fn decode_entry(entry: &[u8], receiver: &Receiver, gather: &mut Gather) -> Result<(), PushError> {
    let (mut ts, mut line) = (0, &[][..]);
    let mut from = Cursor::new(entry);
    while let Some((field, value)) = next_field(&mut from)? {
        let Some(bytes) = value else { continue };
        match field {
            1 => ts = time(bytes)?,
            2 => line = bytes,
            3 => pair(bytes, gather)?,
            _ => {}
        }
    }
    gather.line(ts, line, &receiver.limits)?;
    Ok(())
}

fn time(message: &[u8]) -> Result<i64, Malformed> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    let mut from = Cursor::new(message);
    while !from.is_empty() {
        match from.u8()? {
            0x08 => seconds = from.uvarint()? as i64,
            0x10 => nanos = from.uvarint()? as i64,
            _ => return Err(Malformed { offset: from.offset() }),
        }
    }
    Ok(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

fn pair(message: &[u8], gather: &mut Gather) -> Result<(), Malformed> {
    let (mut name, mut value) = (&[][..], &[][..]);
    let mut from = Cursor::new(message);
    while let Some((field, found)) = next_field(&mut from)? {
        match (field, found) {
            (1, Some(bytes)) => name = bytes,
            (2, Some(bytes)) => value = bytes,
            _ => {}
        }
    }
    match (std::str::from_utf8(name), std::str::from_utf8(value)) {
        (Ok(name), Ok(value)) => gather.field(name, value),
        _ => gather.field(&String::from_utf8_lossy(name), &String::from_utf8_lossy(value)),
    }
    Ok(())
}

/// A field's number and, if it has a length, its bytes.
type Field<'a> = (u64, Option<&'a [u8]>);

/// The next field; none at the end.
#[inline]
fn next_field<'a>(from: &mut Cursor<'a>) -> Result<Option<Field<'a>>, Malformed> {
    if from.is_empty() {
        return Ok(None);
    }
    let malformed = Malformed { offset: from.offset() };
    let tag = from.uvarint()?;
    let value = match tag & 7 {
        0 => {
            from.uvarint()?;
            None
        }
        1 => {
            from.take(8)?;
            None
        }
        2 => {
            let len = from.len()?;
            Some(from.take(len)?)
        }
        5 => {
            from.take(4)?;
            None
        }
        _ => return Err(malformed),
    };
    if tag >> 3 == 0 { Err(malformed) } else { Ok(Some((tag >> 3, value))) }
}
