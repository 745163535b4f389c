//! The write-ahead log of lines: what is in memory and in no part yet.
//!
//! Segments, frames and their checksums are those of [`crate::platform::disk::log`]. A segment begins with `PHARLOG` and
//! the version byte 1. There is one kind of record:
//!
//! ```text
//! 1 lines    count of streams, then per stream:
//!              length of labels, labels (packed as in `series::labels`)
//!              count of lines, then per line: time (signed, as difference to the line of the stream before, first to 0),
//!              length of text, length of fields
//!            then the texts of all lines, then their fields, back to back
//! ```
//!
//! Numbers are LEB128 varints, signed ones zigzag. A record needs no other one to be read. Which records are in parts
//! is said by the store's manifest: those before a place, which is a segment and an offset in it.
//! Kinds that are not known are skipped. A line that is there twice counts once.

mod record;
mod replay;

pub use record::{LINES, put_lines, read_lines};
pub use replay::{ReplayProgress, Replayed, Sink, WalPlace, replay};

use crate::platform::disk::log::Format;

/// Version 1.
pub const FORMAT: Format = Format { magic: *b"PHARLOG\x01", oldest: 1 };
/// A segment is finished when it is this large: reading back writes parts from segment to segment.
pub const SEGMENT_BYTES: u64 = 8 << 20;

#[cfg(test)]
mod tests;
