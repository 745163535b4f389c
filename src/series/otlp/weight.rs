//! How much memory a message will take, told before any is taken: two bytes on the wire can name what takes hundreds.

use super::ReadError;
use super::metrics::Metric;
use super::value::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, Resource};
use crate::base::bytes::{Cursor, Malformed};

/// Messages inside of each other, at most; protobuf's own limit.
const DEPTH_MAX: usize = 100;
/// What a number takes in a list.
const NUMBER_BYTES: usize = 8;

/// What a message takes, and which of its fields are messages.
#[derive(Debug)]
pub struct Shape {
    bytes: usize,
    children: &'static [(u32, &'static Self)],
    /// A field of numbers that are shorter on the wire.
    varints: u32,
}

impl Shape {
    /// Of a message with these fields that are messages too.
    pub const fn of<T>(children: &'static [(u32, &'static Self)]) -> Self {
        Self { bytes: size_of::<T>(), children, varints: 0 }
    }

    /// With a field that is a list of integers.
    pub const fn with_varints(mut self, field: u32) -> Self {
        self.varints = field;
        self
    }
}

pub(super) static ANY_VALUE: Shape = Shape::of::<AnyValue>(&[(5, &ARRAY), (6, &MAP)]);
static ARRAY: Shape = Shape::of::<ArrayValue>(&[(1, &ANY_VALUE)]);
static MAP: Shape = Shape::of::<KeyValueList>(&[(1, &ATTRIBUTE)]);
pub(super) static ATTRIBUTE: Shape = Shape::of::<KeyValue>(&[(2, &ANY_VALUE)]);
pub(super) static SCOPE: Shape = Shape::of::<InstrumentationScope>(&[(3, &ATTRIBUTE)]);
pub(super) static RESOURCE: Shape = Shape::of::<Resource>(&[(1, &ATTRIBUTE)]);

/// Refuses a message in protobuf that would take more than `max` bytes.
pub(super) fn check_protobuf(bytes: &[u8], shape: &Shape, max: usize) -> Result<(), ReadError> {
    let mut left = max;
    match walk(bytes, shape, DEPTH_MAX, &mut left) {
        Ok(true) => Ok(()),
        Ok(false) => Err(ReadError::TooLarge(max)),
        Err(malformed) => Err(ReadError::Malformed("protobuf", malformed.to_string())),
    }
}

/// Takes what a message needs from `left`; false when that is not enough.
fn walk(bytes: &[u8], shape: &Shape, depth: usize, left: &mut usize) -> Result<bool, Malformed> {
    let mut take = |wanted: usize| {
        let enough = *left >= wanted;
        *left = left.saturating_sub(wanted);
        enough
    };
    if !take(shape.bytes) {
        return Ok(false);
    }
    let mut from = Cursor::new(bytes);
    while !from.is_empty() {
        let malformed = Malformed { offset: from.offset() };
        let tag = from.uvarint()?;
        let field = u32::try_from(tag >> 3).ok().filter(|field| *field > 0).ok_or(malformed)?;
        let wanted = match tag & 7 {
            0 => from.uvarint().map(|_| NUMBER_BYTES)?,
            1 => from.u64_le().map(|_| NUMBER_BYTES)?,
            5 => from.u32_le().map(|_| NUMBER_BYTES)?,
            2 => {
                let len = from.len()?;
                let inner = from.take(len)?;
                if let Some((_, child)) = shape.children.iter().find(|(known, _)| *known == field) {
                    if depth == 0 {
                        return Err(malformed);
                    }
                    if !walk(inner, child, depth - 1, left)? {
                        return Ok(false);
                    }
                    continue;
                }
                if field == shape.varints { len.saturating_mul(NUMBER_BYTES) } else { len }
            }
            _ => return Err(malformed),
        };
        let enough = *left >= wanted;
        *left = left.saturating_sub(wanted);
        if !enough {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Refuses a message in JSON that could take more than `max` bytes.
pub(super) fn check_json(bytes: &[u8], max: usize) -> Result<(), ReadError> {
    // The largest message there is, whatever the object turns out to be; a list may stand for one too.
    const OBJECT_BYTES: usize = size_of::<Metric>();
    let mut weight = bytes.len();
    for byte in bytes {
        weight += match byte {
            b'{' | b'[' => OBJECT_BYTES,
            b',' => NUMBER_BYTES,
            _ => 0,
        };
    }
    if weight > max { Err(ReadError::TooLarge(max)) } else { Ok(()) }
}
