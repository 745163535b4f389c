//! Closed chunks of a series in the head: as they were appended, or packed as blocks have them.

use crate::base::bytes::Malformed;
use crate::base::time::TimeRange;
use crate::metrics::store::codec::{decode_floats, decode_timestamps, encode_floats, encode_timestamps};
use crate::metrics::store::samples::{self, Mark};
use crate::series::sample::SampleBuf;

use super::histograms::HistogramReader;
use super::tail::TailReader;

/// How the bytes of a chunk are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As in [`super::tail`].
    Float,
    /// As in [`super::histograms`].
    Histogram,
    /// Length of the column of times (2 bytes, little endian), that column, then the column of values.
    Packed,
}

/// Chunks up to this size are left as they are: constant series, and short ones.
pub const PACK_BYTES_MIN: usize = 160;

/// Memory reused while packing.
#[derive(Debug, Default)]
pub struct PackScratch {
    samples: SampleBuf,
    bytes: Vec<u8>,
}

/// A run of samples of one kind that takes no more.
#[derive(Debug)]
pub struct Chunk {
    /// Time of its first sample.
    pub min: i64,
    /// Time of its last sample.
    pub max: i64,
    /// Number of samples.
    pub count: u16,
    /// How to read it.
    pub kind: Kind,
    /// Packed, or found not to get smaller by it.
    pub settled: bool,
    /// Whether a chunk file of the log has it.
    pub saved: bool,
    /// The samples.
    pub bytes: Box<[u8]>,
}

/// A chunk as the log's chunk files have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedChunk<'a> {
    /// How to read it.
    pub kind: Kind,
    /// Whether its series goes on with it.
    pub open: bool,
    /// Time of its first sample.
    pub min: i64,
    /// Time of its last sample.
    pub max: i64,
    /// Number of samples.
    pub count: u16,
    /// The samples.
    pub bytes: &'a [u8],
}

impl Chunk {
    /// Bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.bytes.len() + size_of::<Self>()
    }

    /// Turns floats into the form that blocks use, once, if that is smaller.
    pub fn pack(&mut self, scratch: &mut PackScratch) {
        if self.settled {
            return;
        }
        self.settled = true;
        scratch.samples.clear();
        if decode(Kind::Float, &self.bytes, self.count, None, &mut scratch.samples).is_err() {
            return;
        }
        scratch.bytes.clear();
        scratch.bytes.extend_from_slice(&[0; 2]);
        encode_timestamps(&scratch.samples.float_ts, &mut scratch.bytes);
        let Ok(times) = u16::try_from(scratch.bytes.len() - 2) else { return };
        scratch.bytes[..2].copy_from_slice(&times.to_le_bytes());
        encode_floats(&scratch.samples.floats, &mut scratch.bytes);
        if scratch.bytes.len() < self.bytes.len() {
            self.bytes = Box::from(scratch.bytes.as_slice());
            self.kind = Kind::Packed;
        }
    }
}

/// Appends the samples of a chunk to `out`, those outside `within` left out.
pub fn decode(kind: Kind, bytes: &[u8], count: u16, within: Option<TimeRange>, out: &mut SampleBuf) -> Result<(), Malformed> {
    match (kind, within) {
        (Kind::Float, None) => {
            out.float_ts.reserve(usize::from(count));
            out.floats.reserve(usize::from(count));
            let mut reader = TailReader::new(bytes);
            for _ in 0..count {
                let (ts, value) = reader.next_sample()?;
                out.push_float(ts, value);
            }
        }
        (Kind::Float, Some(range)) => {
            let mut reader = TailReader::new(bytes);
            for _ in 0..count {
                let (ts, value) = reader.next_sample()?;
                if ts > range.end {
                    break;
                }
                if ts >= range.start {
                    out.push_float(ts, value);
                }
            }
        }
        (Kind::Packed, within) => {
            let malformed = Malformed { offset: 0 };
            let (len, rest) = bytes.split_first_chunk::<2>().ok_or(malformed)?;
            let (times, values) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len))).ok_or(malformed)?;
            let mark = Mark::end_of(out);
            decode_timestamps(times, usize::from(count), &mut out.float_ts).map_err(|_| malformed)?;
            decode_floats(values, usize::from(count), &mut out.floats).map_err(|_| malformed)?;
            if let Some(range) = within {
                samples::keep_float_range(out, mark, range);
            }
        }
        (Kind::Histogram, within) => {
            let range = within.unwrap_or(TimeRange::ALL);
            let mut reader = HistogramReader::new(bytes);
            for _ in 0..count {
                let (ts, histogram) = reader.next_sample()?;
                if range.contains(ts) {
                    out.push_histogram(ts, histogram);
                }
            }
        }
    }
    Ok(())
}
