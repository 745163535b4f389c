//! Parts: immutable folders with the lines of one day (UTC), written once by a flush of memory or by a merge, dropped whole.
//!
//! A part is cut into *blocks* of about 128 KiB of text. A stream with enough lines has blocks of its own, those with few
//! share. What a search looks at first is small: which streams match ([`streams`]), which blocks lie in the span
//! ([`record`]), which of them have the words ([`words`]) and identifiers ([`bloom`]) that are wanted; the rule by which
//! the last two are exact is in [`prune`] and [`tokens`]. Only the blocks that are left are read ([`block`]).
//!
//! # Format, version 1
//!
//! Numbers are little endian; *varints* LEB128, signed ones zigzag ([`crate::base::bytes`]); CRC is CRC-32 (IEEE).
//! All files but `meta` and `text` consist of pages of 32 KiB (the last one shorter), followed by the CRC of each page
//! (4 bytes each); their length without these, and the CRC of these, are in `meta` (a *seal*: 8 + 4 bytes).
//!
//! ```text
//! meta     "PHARPART", version (4), oldest time (8), newest time (8), lines (8), bytes of text (8), bytes of fields (8),
//!          streams (8), blocks (8), length of `text` (8), bytes wanted of a block (4), level of zstd (4), 1 if dense (4),
//!          seals of heads, blocks, runs, streams, bloom, index (12 each), CRC of all before (4)
//! text     for each block its text, then its fields if it has some: see `block`
//! heads    for each block its times, then its lengths: see `block`
//! blocks   for each block 112 bytes: see `record`
//! runs     for each block of several streams how many lines each has: see `block`
//! streams  label sets, ascending, and which have which label: see `streams`
//! bloom    for each block a filter over the hashes of its identifiers: see `bloom`
//! index    the words of each block: see `words`
//! ```
//!
//! `meta` is written last, after everything else is on disk: a folder without it is no part. Blocks of several streams
//! stand in ascending order of their streams; blocks of one stream may stand anywhere.
//!
//! Reading checks what it reads: pages when they are first looked at, text and fields each time. What does not fit is an
//! error with the name of the file, never a wrong line.

mod bits;
mod block;
mod bloom;
mod chunk;
mod columns;
mod error;
mod frames;
mod merge;
mod meta;
mod pages;
mod prune;
mod reader;
mod record;
mod streams;
mod tokens;
mod volumes;
mod words;
mod writer;

pub use error::PartError;
pub use merge::{Keep, KeepLine, MergeOptions, merge};
pub use meta::{FileBytes, PartInfo};
pub use reader::Part;
pub use volumes::Volumes;
pub use writer::{PartLine, PartOptions, PartWriter};

#[cfg(test)]
mod tests;
