//! The streams of a part, and which of them have which labels. Nothing of it is on the heap.
//!
//! The file `streams` holds, in this order:
//!
//! ```text
//! groups of streams  for 128 streams each: unpacked length (varint), zstd frame of (length, packed labels)*
//! groups of values   of one name each: unpacked length (varint), zstd frame of (length, value, length of what follows,
//!                    streams)*; values ascend from group to group; streams are runs: (distance from the end of the run
//!                    before, length less one)*
//! places             of all groups of streams, then of all groups of values, then of their end: 8 bytes each
//! names              ascending: (length, name, number of groups of values)*
//! trailer            number of streams (4), of groups of values (4), place of places (8), of names (8)
//! ```
//!
//! Numbers without a size are varints; others are little endian. Streams are numbered in ascending order of their
//! packed labels. A reader for one query keeps the group looked at last.

mod reader;
mod writer;

pub(super) use reader::{LabelsCursor, Streams};
pub(super) use writer::StreamsWriter;

/// Streams of a group.
const GROUP_STREAMS: usize = 128;
/// Values of a group, at most.
const GROUP_VALUES: usize = 256;
/// Bytes of a group of values, but for the last value.
const GROUP_BYTES: usize = 16 * 1024;
/// Bytes of the trailer.
const TRAILER_BYTES: usize = 24;

#[cfg(test)]
mod tests;
