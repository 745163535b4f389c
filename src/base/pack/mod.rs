//! Columns of numbers as bytes: blocks of packed bits, integers, timestamps. Shared by what the stores keep on disk.
//!
//! A column knows neither its length in bytes nor its number of entries; whoever stores it keeps both. Encoding is
//! exact for every bit pattern. Decoding refuses everything that is not exactly one column with [`Corrupt`]; it never
//! allocates more than the entries asked for, of which there are at most [`ENTRIES_MAX`].
//!
//! # Format, version 1
//!
//! Varints are LEB128, signed ones zigzag ([`crate::base::bytes`]). The highest bit of the first byte of each
//! column is 0; a later version sets it. A column without entries has no bytes. All integer arithmetic wraps.
//!
//! *Block of up to 64 numbers* ([`bitpack`]): `width | 0x80 if patched`, the low `width` bits of each number packed
//! little endian, then if patched: count of exceptions, one byte, their positions, one byte each, and what lies
//! above `width` bits of each as a varint.
//!
//! *Integers* ([`ints`]): `variant | 8 if scaled`, the scale as a varint if scaled, the first value as a signed
//! varint, for differences of differences also the first difference, then blocks. Differences and values are
//! divided by the scale, values are taken relative to the first. Variants: 0 values, 1 differences,
//! 2 differences of differences, each zigzag except 0; 3 and 4 as 1 and 2 but relative to a base for each block,
//! as is 0. A base stands before its block as a signed varint relative to the base before.
//!
//! *Timestamps* ([`timestamps`]): first byte `kind | 4 if gaps`. Kinds 0 and 1 lie on the grid
//! `start + (i + skipped) * step`: with gaps a length-prefixed list of (entries since the gap before, steps skipped),
//! then start as a signed varint, step as a varint; kind 1 adds blocks of distances from the grid, each with a base as
//! above. Kind 2 is an integer column.

pub mod bitpack;
pub mod ints;
pub mod timestamps;

use crate::base::bytes::Malformed;

/// Most entries of one column; callers split longer ones.
pub const ENTRIES_MAX: usize = 1 << 20;

/// The first byte of a column says that it was written by a later version.
pub const LATER_VERSION: u8 = 0x80;

/// Bytes that are not a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("corrupt samples: {what}")]
pub struct Corrupt {
    /// What does not fit.
    pub what: &'static str,
}

impl Corrupt {
    /// With what does not fit.
    pub const fn new(what: &'static str) -> Self {
        Self { what }
    }
}

impl From<Malformed> for Corrupt {
    fn from(_: Malformed) -> Self {
        Self::new("bytes end early or a number is malformed")
    }
}

/// Refuses columns that nobody writes before anything is allocated for them.
pub fn check_count(bytes: &[u8], count: usize) -> Result<(), Corrupt> {
    if count > ENTRIES_MAX {
        return Err(Corrupt::new("too many entries"));
    }
    if bytes.is_empty() != (count == 0) {
        return Err(Corrupt::new("number of entries does not fit the bytes"));
    }
    Ok(())
}
