//! Columns of samples as bytes: timestamps, floats, native histograms.
//!
//! A column knows neither its length in bytes nor its number of entries; whoever stores it keeps both (the block's
//! directory, the log's record). Encoding is exact for every bit pattern. Decoding appends to the output, takes
//! only bytes that are exactly one column, and refuses everything else with [`Corrupt`]; it never allocates more
//! than the entries asked for, of which there are at most [`crate::base::pack::ENTRIES_MAX`].
//!
//! # Format, version 1
//!
//! Varints are LEB128, signed ones zigzag ([`crate::base::bytes`]). The highest bit of the first byte of each
//! column is 0; a later version sets it. A column without entries has no bytes. All integer arithmetic wraps.
//!
//! Blocks of packed bits, integer columns and timestamps are those of [`crate::base::pack`].
//!
//! *Floats*: first byte `exponent | kind << 4 | 64 if special values`. With special values (NaN, infinities,
//! -0, and above all staleness markers) a length-prefixed list of runs follows: entries since the end of
//! the run before, length, code, and eight bytes of bits for code 5. In the rest of the column they have any value.
//! Kind 0: one mantissa for all. Kind 1: integers, to be divided by `10^exponent`. Kind 2: the same, then
//! length-prefixed, and an integer column of corrections in units in the last place. Kind 3: exponent 0, integers
//! that order as the floats do; exponent 1, one value for all as eight bytes.
//!
//! *Histograms*: first byte 0, then runs of histograms of one layout until all entries are there: number of
//! histograms; schema, zero threshold, spans, bucket counts, bounds; reset hints as runs; float columns for
//! count, zero count, sum and each bucket, length-prefixed.

mod floats;
mod histograms;
mod id_list;

pub use floats::{decode_floats, encode_floats};
pub use histograms::{decode_histograms, encode_histograms};
pub use id_list::{IdList, encode_ids};

pub use crate::base::pack::Corrupt;
pub use crate::base::pack::timestamps::{decode_timestamps, encode_timestamps};
use crate::base::pack::{LATER_VERSION, check_count};

/// Most bucket values of all histograms of one column (128 MiB); callers split larger ones.
pub const BUCKET_VALUES_MAX: usize = 1 << 24;

#[cfg(test)]
mod tests;
