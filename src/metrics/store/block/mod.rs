//! Blocks: immutable files of samples, read where they lie in the page cache.
//!
//! A block is a folder named by its [`BlockId`] with the file `block` and, once series were deleted from it, the file
//! `tombstones`. It is written under a temporary name ([`BlockWriter`]), synced, and renamed into place: a folder
//! without the suffix `.tmp` is whole. [`Block`] maps the file; nothing that grows with the series is copied to the heap.
//!
//! # Format, version 1
//!
//! Numbers of fixed width are little endian, varints as in [`crate::base::bytes`], CRCs are CRC-32 (IEEE).
//!
//! *File*: magic `PHAROSTS`, version (4 bytes), 4 zero bytes; sections; footer; trailer. Footer: for each section its
//! code (4 bytes), offset in the file (8), length (8), CRC (4). Trailer: footer length (4), footer CRC (4),
//! version (4), magic `STSORAHP`.
//!
//! *Table* (a section of byte strings): the strings one after the other, then the offset of each and of the end
//! (4 bytes each), then their number (4).
//!
//! | code | section | content |
//! |---|---|---|
//! | 1 | data | frames of chunks and columns of timestamps, in the order written |
//! | 2 | frames | for each frame: offset in data (8), stored length (4), length (4), CRC of the stored bytes (4); compressed with zstd when the lengths differ |
//! | 3 | timestamps | for each column: first timestamp (8), offset in data (8), last less first (4), CRC (4), entries (2), length (2) |
//! | 4 | names | table of label names, ascending |
//! | 5 | first values | for each name the index of its first value (4), and at the end the number of values |
//! | 6 | values | table of label values, by name, then ascending |
//! | 7 | postings | table: for each value the series that have it, as a list of ids (`codec/id_list.rs`) |
//! | 8 | shapes | table: sets of label names that series have, as varint indexes of names, ascending |
//! | 9 | series | table: for each series its chunks and labels, ascending by labels; the position is the series id |
//! | 10 | meta | [`BlockMeta`] as JSON |
//!
//! *Series*: length of the chunk list as a varint, chunk list, shape as a varint, for each name of the shape the index
//! of its value among that name's values as a varint. *Chunk list*: for each chunk
//! `column << 3 | 4 if relative | 2 if start times | 1 if histograms` (the column zigzag relative to the chunk before, from
//! 0), frame (signed varint relative to the chunk before), offset in the frame, length; with start times their column; if
//! relative, frame (signed varint relative to the chunk's own), offset and length of a chunk of floats with the same
//! number of entries, which is not relative itself, to whose values those of this chunk are to be added. Float chunks come
//! before histogram chunks, each kind ascending in time.
//!
//! Series whose samples have the same times share columns of timestamps; equal chunks are mostly stored once. Buckets of
//! a classic histogram count together: what they lack to the first one (`+Inf`) mostly takes fewer bits than they do.
//!
//! *Tombstones*: magic `PHAROSTM`, version (4), CRC of the rest (4), then for each series with deleted samples its id
//! relative to the id before, the number of its ranges, and for each its start (signed varint) and length (end less start),
//! both ends included.

mod chunks;
mod copy;
mod data_writer;
mod file;
mod index;
mod index_writer;
mod layout;
mod meta;
mod reader;
mod split;
mod tombstones;
mod writer;

pub use chunks::Scratch;
pub use copy::Copier;
pub use meta::{BlockId, BlockMeta};
pub use reader::Block;
pub use writer::{BlockOptions, BlockWriter};

use std::io;
use std::path::{Path, PathBuf};

use crate::base::cancel::Stop;

/// The newest format this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Name of the file in a block's folder.
pub const BLOCK_FILE: &str = "block";
/// Name of the file of deleted ranges beside it.
pub const TOMBSTONES_FILE: &str = "tombstones";
/// Suffix of folders and files that are still being written; left ones can be removed at start.
pub const TMP_SUFFIX: &str = ".tmp";

/// Why a block could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are not what was written.
    #[error("{} is corrupt, section {section}: {what}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The section of the file.
        section: &'static str,
        /// What does not fit.
        what: &'static str,
    },
    /// Written by a later version of this program.
    #[error("{} has format version {found}, this version of pharos reads versions up to {FORMAT_VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// More data than the format can hold in one block.
    #[error("block {} would be too large: {what}", path.display())]
    TooLarge {
        /// The block.
        path: PathBuf,
        /// What there is too much of.
        what: &'static str,
    },
    /// Series or samples came to the writer in the wrong order.
    #[error("cannot write block {}: {what}", path.display())]
    Unordered {
        /// The block.
        path: PathBuf,
        /// What was wrong.
        what: &'static str,
    },
    /// The work was stopped.
    #[error("stopped")]
    Stopped(Stop),
}

impl BlockError {
    fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

impl From<Stop> for BlockError {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

#[cfg(test)]
mod tests;
