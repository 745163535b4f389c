//! The write-ahead log: what the head holds, so that it survives the process.
//!
//! An append is acknowledged when its records went through `write(2)`: they survive `kill -9`. How soon they
//! survive a power cut is the [`SyncPolicy`]'s business; the default syncs every second in the background.
//! Appenders that come together are written together (group commit).
//!
//! # Format, version 1
//!
//! The folder holds segments (`00000001`, `00000002`, ...; a new one at every start and every 32 MiB) and at most one
//! `checkpoint-N`, which replaces all segments before N. Both begin with `PHARWAL` and the version byte 1, then
//! frames to the end of the file:
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
//! 8 flushed     (segment, boundary (signed))*: samples before the boundary in segments before this one are in blocks
//! ```
//!
//! Kinds that a version does not know are skipped. Records stand alone: a damaged one costs nothing but itself.
//! Reading back applies the rules of the head, so a record that is there twice does no harm.

mod checkpoint;
mod frame;
mod record;
mod replay;
mod segments;
mod writer;

pub use checkpoint::{Checkpoint, install as install_checkpoint};
pub use frame::Packer;
pub use record::{Flushed, Kind, SamplesWriter, put_exemplar, put_metadata, put_series, put_times};
pub use record::{read_floats, read_histograms};
pub use replay::{Progress, Sink, replay};
pub use writer::{SyncPolicy, Wal, WalCounters, WalError, WalOptions};

#[cfg(test)]
mod tests;
