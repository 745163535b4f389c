//! The write-ahead log: what the head holds, so that it survives the process.
//!
//! An append is acknowledged when its records went through `write(2)`: they survive `kill -9`. How soon they
//! survive a power cut is the [`SyncPolicy`]'s business; the default syncs every second in the background.
//! Appenders that come together are written together (group commit).
//!
//! # Format, version 2
//!
//! The folder holds segments (`00000001`, `00000002`, ...; a new one at every start and every 32 MiB), at most one
//! `checkpoint-N`, which replaces all segments before N, and the chunk files (`chunks-M`, M up to N) that it names.
//! They are read in that order: checkpoint, chunk files, segments. All begin with `PHARWAL` and the version byte, then
//! come frames to the end of the file:
//!
//! ```text
//! length of what follows the checksum (u32) | CRC-32 of it (u32) | kind (1 byte) | compression (1 byte) | content
//! compression 0: plain; 1: unpacked length (varint), then one zstd frame
//! ```
//!
//! Numbers are little endian, varints LEB128, signed ones zigzag; labels are packed as in [`crate::series::labels`].
//!
//! ```text
//! 1 series      (id, length, labels)*
//! 2 floats      groups: rest of id / 16 (1 byte), length (u32), then per series: change of id / 16 (signed),
//!               count, samples as in `head::tail`, starting from time = first time of the series before minus its
//!               last distance, delta = that distance (0 if it had one sample), value 0
//! 3 histograms  groups as above; samples as in `head::histograms`
//! 4 exemplars   (id, time (signed), value (8 bytes), length, labels)*
//! 5 deleted     (id, first time (signed), last time as difference (signed))*
//! 6 metadata    (name, type, help, unit)*, each a length and text
//! 7 starts      (id, time of sample (signed), start timestamp as difference (signed))*
//! 8 flushed     (segment, boundary (signed))*: samples before the boundary are in blocks, as far as they are in
//!               segments before this one or in chunk files up to this number
//! 9 chunks      groups as above; after the count of chunks, per chunk: form (0 floats, 1 histograms, 2 packed, as in
//!               `head::chunk`; 8 more for the open chunk of its series), samples, first time (signed, relative to the
//!               last time of the chunk before, for the first one to the first time of the series before), last
//!               time relative to the first (signed), length, bytes
//! 10 files      number of a chunk file*
//! 11 columns    floats of a large batch, see `columns`
//! ```
//!
//! A chunk file has what the head held when segment M was begun: the chunks closed since the chunk file before, the open
//! ones as they were, and as records of kind 2 and 3 the samples that came out of order. A chunk stands in place of
//! everything that was read of its series from its first time on. A checkpoint that does not name the older chunk
//! files does without them.
//!
//! Version 1 had neither chunk files nor the kinds 9 to 11; it is read as ever, and never written.
//!
//! Kinds that a version does not know are skipped. Records stand alone: a damaged one costs nothing but itself.
//! Reading back applies the rules of the head, so a record that is there twice does no harm.

mod checkpoint;
mod columns;
mod floats;
mod frame;
mod record;
mod replay;
mod segments;

pub use checkpoint::{Checkpoint, ChunkFile, install as install_checkpoint};
pub use columns::{ColumnsScratch, read_columns};
pub use floats::FloatsWriter;
pub use frame::FORMAT;
pub use record::{Flushed, Kind, SamplesWriter, put_exemplar, put_metadata, put_series, put_times};
pub use record::{read_chunks, read_floats, read_histograms};
pub use replay::{Progress, Recovered, Sink, Taken, replay};
pub use segments::files_before;

pub use crate::platform::disk::log::{Damaged, Packer, SegmentInfo, SyncPolicy, Wal, WalCounters, WalError, WalOptions};

/// A segment is finished when it is this large.
pub const SEGMENT_BYTES: u64 = 32 << 20;

#[cfg(test)]
mod tests;
