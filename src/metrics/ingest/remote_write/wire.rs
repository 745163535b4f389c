//! Reading protobuf fields in place.

use crate::base::bytes::{Cursor, Malformed};

/// A field's value as it stands on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    /// Integers and enumerations.
    Varint(u64),
    /// Doubles.
    Fixed64(u64),
    /// Strings, bytes, messages and packed lists.
    Bytes(&'a [u8]),
    /// Floats; nothing here uses them.
    Fixed32,
}

impl<'a> Value<'a> {
    /// A double; anything else is malformed.
    pub(super) fn double(self) -> Result<f64, Malformed> {
        match self {
            Self::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(Malformed { offset: 0 }),
        }
    }

    /// An unsigned integer; anything else is malformed.
    pub(super) fn varint(self) -> Result<u64, Malformed> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(Malformed { offset: 0 }),
        }
    }

    /// Length-delimited bytes; anything else is malformed.
    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed { offset: 0 }),
        }
    }
}

/// The next field's number and value, or none at the end.
#[inline]
pub(super) fn next_field<'a>(from: &mut Cursor<'a>) -> Result<Option<(u32, Value<'a>)>, Malformed> {
    if from.is_empty() {
        return Ok(None);
    }
    let malformed = Malformed { offset: from.offset() };
    let tag = from.uvarint()?;
    let field = u32::try_from(tag >> 3).ok().filter(|field| *field > 0).ok_or(malformed)?;
    let value = match tag & 7 {
        0 => Value::Varint(from.uvarint()?),
        1 => Value::Fixed64(from.u64_le()?),
        2 => {
            let len = from.len()?;
            Value::Bytes(from.take(len)?)
        }
        5 => {
            from.u32_le()?;
            Value::Fixed32
        }
        _ => return Err(malformed),
    };
    Ok(Some((field, value)))
}

/// Calls `each` for every unsigned integer of a field that may be packed or not.
pub(super) fn each_varint(value: Value<'_>, mut each: impl FnMut(u64)) -> Result<(), Malformed> {
    match value {
        Value::Varint(number) => each(number),
        Value::Bytes(packed) => {
            let mut from = Cursor::new(packed);
            while !from.is_empty() {
                each(from.uvarint()?);
            }
        }
        Value::Fixed64(_) | Value::Fixed32 => return Err(Malformed { offset: 0 }),
    }
    Ok(())
}

/// Calls `each` for every double of a field that may be packed or not.
pub(super) fn each_double(value: Value<'_>, mut each: impl FnMut(f64)) -> Result<(), Malformed> {
    match value {
        Value::Fixed64(bits) => each(f64::from_bits(bits)),
        Value::Bytes(packed) => {
            let mut from = Cursor::new(packed);
            while !from.is_empty() {
                each(from.f64_le()?);
            }
        }
        Value::Varint(_) | Value::Fixed32 => return Err(Malformed { offset: 0 }),
    }
    Ok(())
}

/// A sample: value, time in milliseconds, start time in milliseconds (2.0 only, 0 = unknown).
#[inline]
pub(super) fn sample(message: &[u8]) -> Result<(f64, i64, i64), Malformed> {
    // Nearly every sample is `value` then `timestamp` of six bytes.
    if let [0x09, rest @ ..] = message
        && let Some((bits, [0x10, time @ ..])) = rest.split_first_chunk::<8>()
        && let [a, b, c, d, e, f] = *time
        && a & b & c & d & e & 0x80 != 0
        && f < 0x80
    {
        let low = |byte: u8, shift: u32| u64::from(byte & 0x7f) << shift;
        let ts = low(a, 0) | low(b, 7) | low(c, 14) | low(d, 21) | low(e, 28) | low(f, 35);
        return Ok((f64::from_le_bytes(*bits), ts as i64, 0));
    }
    let (mut value, mut ts, mut start) = (0.0, 0, 0);
    let mut from = Cursor::new(message);
    while let Some((field, found)) = next_field(&mut from)? {
        match field {
            1 => value = found.double()?,
            2 => ts = found.varint()? as i64,
            3 => start = found.varint()? as i64,
            _ => {}
        }
    }
    Ok((value, ts, start))
}
