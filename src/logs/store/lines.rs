//! Lines that were let in, on their way to the log and to memory: references into whatever they came in.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::series::labels::Labels;

/// A line.
#[derive(Debug, Clone, Copy)]
pub struct LineRef<'a> {
    /// Nanoseconds since the Unix epoch.
    pub ts: i64,
    /// Its text.
    pub text: &'a [u8],
    /// Its packed fields; empty for none.
    pub fields: &'a [u8],
    /// Hash of all that, by [`Seed::line`].
    pub hash: u64,
}

/// A stream's part of some lines.
#[derive(Debug, Clone)]
pub struct StreamLines {
    /// Its labels.
    pub labels: Labels,
    /// Hash of the labels, by [`Seed::stream`].
    pub hash: u64,
    /// Its lines in [`Lines::lines`], in the order in which they came.
    pub lines: Range<usize>,
    /// Place of the stream in the batch that it came in.
    pub place: usize,
}

/// Lines of some streams.
#[derive(Debug, Default)]
pub struct Lines<'a> {
    /// The streams; one may be there more than once.
    pub streams: Vec<StreamLines>,
    /// The lines of all.
    pub lines: Vec<LineRef<'a>>,
}

impl<'a> Lines<'a> {
    /// The lines of a stream of this.
    pub fn of(&self, stream: &StreamLines) -> &[LineRef<'a>] {
        self.lines.get(stream.lines.clone()).unwrap_or_default()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Makes hashes that nobody outside can foresee, so that nobody can make them collide.
#[derive(Debug, Clone, Copy)]
pub struct Seed(u64);

impl Seed {
    /// A new one, different in every process.
    pub fn random() -> Self {
        Self(RandomState::new().hash_one(0))
    }

    /// Of a stream.
    pub fn stream(self, labels: &Labels) -> u64 {
        xxh3_64_with_seed(labels.packed(), self.0)
    }

    /// A line of a stream with its hash.
    pub fn line<'a>(self, stream: u64, ts: i64, text: &'a [u8], fields: &'a [u8]) -> LineRef<'a> {
        let mut hash = xxh3_64_with_seed(text, self.0 ^ stream ^ (ts as u64));
        if !fields.is_empty() {
            hash ^= xxh3_64(fields).rotate_left(17);
        }
        LineRef { ts, text, fields, hash }
    }
}
