//! A write-ahead log of records, whatever they hold: what was committed survives the process.
//!
//! A folder holds segments (`00000001`, `00000002`, ...; a new one at every start and whenever one is large). Each begins
//! with seven bytes that name the log and one for the version; then come frames to the end of the file:
//!
//! ```text
//! length of what follows the checksum (u32) | CRC-32 of it (u32) | kind (1 byte) | compression (1 byte) | content
//! compression 0: plain; 1: unpacked length (varint), then one zstd frame
//! ```
//!
//! Whoever keeps a log says what the kinds are. Records stand alone: a damaged one costs nothing but itself.
//! [`writer`] queues frames and writes those that come together in one go (group commit); [`frame`] packs and finds them, `sums`
//! telling quickly what is one; [`reader`] reads files back past damage.

pub mod frame;
pub mod reader;
pub mod segments;
mod sums;
pub mod writer;

pub use frame::{Format, Found, Frame, Frames, Packer, Unpacker};
pub use reader::{Damage, Damaged, LogReader, Record};
pub use segments::{SegmentInfo, segment_path};
pub use writer::{SyncPolicy, Wal, WalCounters, WalError, WalOptions};
