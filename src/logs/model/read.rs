//! The port by which lines are found and read: candidates first, then one chunk after the other, on any thread.

use std::ops::Range;
use std::sync::Arc;

use super::needs::Needs;
use crate::base::cancel::{Cancel, Stop};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// From `start` (included) to `end` (excluded), nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First time that is in.
    pub start: i64,
    /// First time that is out.
    pub end: i64,
}

impl Span {
    /// Every time.
    pub const ALL: Self = Self { start: i64::MIN, end: i64::MAX };

    /// Whether a time is in.
    pub const fn contains(&self, ts: i64) -> bool {
        self.start <= ts && ts < self.end
    }
}

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub struct LineSelection<'a> {
    /// All of these must match the stream's labels; none means every stream.
    pub matchers: &'a [Matcher],
    /// When.
    pub span: Span,
    /// What every wanted line contains.
    pub needs: &'a Needs,
}

/// Which streams, labels or values are wanted.
#[derive(Debug, Clone)]
pub struct StreamQuery<'a> {
    /// Any of these lists must match; no list means every stream.
    pub any_of: &'a [Vec<Matcher>],
    /// Only streams with lines in here, to the precision of a part.
    pub span: Span,
    /// At most so many answers, 0 = all.
    pub limit: usize,
}

/// Finds lines and reads them.
pub trait SelectLines: Send + Sync {
    /// Chunks that may hold wanted lines; together they hold each line once, apart from exact repetitions. Lines of one stream
    /// and time came in the order of their chunks, and within a chunk in the order in which they are read.
    fn select(&self, selection: &LineSelection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn LineChunk>>, SelectLinesError>;
    /// Label sets of streams, sorted.
    fn streams(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<Labels>, SelectLinesError>;
    /// Names of labels, sorted.
    fn label_names(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectLinesError>;
    /// Values of a label, sorted.
    fn label_values(&self, name: &str, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectLinesError>;
    /// Shows what lies in a span, stream by stream: exact to the precision of a chunk. There may be millions of them.
    fn each_volume(&self, query: &StreamQuery<'_>, cancel: &Cancel, see: &mut dyn FnMut(StreamVolume)) -> Result<(), SelectLinesError>;
    /// [`Self::each_volume`], all at once.
    fn volume(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<StreamVolume>, SelectLinesError> {
        let mut all = Vec::new();
        self.each_volume(query, cancel, &mut |volume| all.push(volume))?;
        Ok(all)
    }
}

/// How much of a stream there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamVolume {
    /// Its labels.
    pub labels: Labels,
    /// Chunks that hold lines of it.
    pub chunks: u64,
    /// Lines.
    pub lines: u64,
    /// Bytes of their text.
    pub bytes: u64,
}

/// How much of a chunk is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Times and lengths only: enough to count lines and bytes.
    Times,
    /// Times, lengths and fields.
    Fields,
    /// Everything.
    Text,
}

/// Lines that lie together on disk or in memory. Reads itself as often as asked, from any thread.
pub trait LineChunk: Send + Sync {
    /// Time of the oldest and of the newest line (ns), both included.
    fn bounds(&self) -> (i64, i64);
    /// How many lines it has, of streams that are not wanted too.
    fn lines(&self) -> usize;
    /// Bytes of text it has, of streams that are not wanted too.
    fn bytes(&self) -> usize;
    /// The stream, when all lines of the chunk are of one.
    fn stream(&self) -> Option<&Arc<Stream>>;
    /// Reads the wanted streams' lines, in place of what `into` held.
    fn read(&self, want: Want, into: &mut LineBuf) -> Result<(), SelectLinesError>;
}

/// A stream, shared by the chunks that hold its lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its labels.
    pub labels: Labels,
}

/// The lines of one chunk, unpacked. Reused from chunk to chunk.
#[derive(Debug, Default)]
pub struct LineBuf {
    /// Texts, one after the other; each is followed by one byte that is no part of it (a line break). Empty unless wanted.
    pub text: Vec<u8>,
    /// Where each text begins, one more than there are lines: the text of line `i` is `text[starts[i]..starts[i + 1] - 1]`.
    pub starts: Vec<u32>,
    /// The time of each line (ns).
    pub times: Vec<i64>,
    /// The distinct packed field sets of the chunk, one after the other. Empty if no line has fields.
    pub field_bytes: Vec<u8>,
    /// Each distinct field set in [`Self::field_bytes`].
    pub field_sets: Vec<Range<u32>>,
    /// Which field set each line has, by its position, or [`NO_FIELDS`]. Empty if no line has fields.
    pub fields: Vec<u32>,
    /// The streams wanted, each with its lines, which are in order of time. What lies between is not wanted.
    pub runs: Vec<(Arc<Stream>, Range<u32>)>,
    /// Memory for unpacking.
    pub scratch: Vec<u8>,
}

/// A line without fields.
pub const NO_FIELDS: u32 = u32::MAX;

impl LineBuf {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.starts.clear();
        self.times.clear();
        self.field_bytes.clear();
        self.field_sets.clear();
        self.fields.clear();
        self.runs.clear();
    }

    /// The text of a line.
    pub fn line(&self, index: usize) -> &[u8] {
        match (self.starts.get(index), self.starts.get(index + 1)) {
            (Some(&start), Some(&next)) => self.text.get(start as usize..(next as usize).saturating_sub(1)).unwrap_or_default(),
            _ => &[],
        }
    }

    /// How long the text of a line is, in bytes, whether it was read or not.
    pub fn line_bytes(&self, index: usize) -> usize {
        match (self.starts.get(index), self.starts.get(index + 1)) {
            (Some(&start), Some(&next)) => (next.saturating_sub(start) as usize).saturating_sub(1),
            _ => 0,
        }
    }

    /// The packed fields of a line; empty for none.
    pub fn fields_of(&self, index: usize) -> &[u8] {
        let set = self.fields.get(index).copied().unwrap_or(NO_FIELDS);
        let Some(range) = self.field_sets.get(set as usize) else { return &[] };
        self.field_bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// Why lines could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SelectLinesError {
    /// The work was stopped.
    #[error("stopped")]
    Stopped(Stop),
    /// A part could not be read.
    #[error("{0}")]
    Storage(Arc<str>),
    /// Memory is nearly used up.
    #[error("memory is nearly used up, and this query needs more than there is for it now; try again later, or ask for less")]
    Overloaded,
}

impl From<Stop> for SelectLinesError {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}
