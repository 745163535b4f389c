//! The port by which lines come into the store.

use super::batch::LineBatch;

/// Takes lines in.
///
/// When `append` returns `Ok`, every line that the report does not name as refused is safe: it survives `kill -9` and is
/// visible to queries that start afterwards. An exact repetition (stream, time, text, fields) counts as taken and is there once.
/// The call may block on disk; call it off the reactor.
pub trait AppendLines: Send + Sync {
    /// Stores a batch, or says why nothing of it was stored.
    fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError>;
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineReport {
    /// Lines taken, repetitions included.
    pub taken: usize,
    /// What was refused. At most one entry a stream of the batch and reason.
    pub refused: Vec<RefusedLines>,
}

/// Lines of one stream that were not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLines {
    /// Position of the stream in the batch.
    pub stream: usize,
    /// How many lines.
    pub lines: usize,
    /// Which: their positions in the batch's lines, ascending.
    pub at: Vec<u32>,
    /// Bytes of their text.
    pub bytes: usize,
    /// Why.
    pub reason: RefusedLine,
    /// Time of the first such line (ns).
    pub first_ts: i64,
}

/// Why a line was not stored. The words for clients are the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefusedLine {
    /// Older than the limit, which is the oldest time (ns) taken.
    TooOld {
        /// Lines before this time are refused.
        oldest: i64,
    },
    /// Further in the future than the grace period.
    TooNew {
        /// Lines after this time are refused.
        newest: i64,
    },
    /// Further behind the newest line of its stream than the out-of-order window.
    TooFarBehind {
        /// Lines of this stream before this time are refused.
        oldest: i64,
    },
    /// Longer than a line may be, in bytes.
    TooLong {
        /// What is allowed.
        max: usize,
    },
    /// A label set that is empty or goes beyond a limit.
    InvalidLabels,
    /// Fields that are too many or too large.
    InvalidFields,
    /// The stream's own rate is used up.
    StreamRate {
        /// Bytes a second that one stream may have.
        bytes_per_s: u64,
    },
}

/// Why nothing of a batch was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendLinesError {
    /// The disk is full or failing, or memory is nearly used up: try again later. Reads go on.
    #[error("log storage does not take writes now: {0}")]
    Unavailable(String),
    /// Lines come faster than they can be written: try again in a moment.
    #[error("lines come faster than they can be written")]
    Busy,
    /// Shutting down.
    #[error("log storage is closed")]
    Closed,
}
