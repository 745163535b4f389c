//! What this log's files begin with; the frames in them are those of every log.

use crate::platform::disk::log::Format;

/// Version 2; version 1 can be read.
pub const FORMAT: Format = Format { magic: MAGIC, oldest: 1 };
/// First bytes of every file: a name and the version of the format.
pub const MAGIC: [u8; 8] = *b"PHARWAL\x02";
