//! Taking samples in.

use crate::series::batch::{SeriesRef, WriteBatch};

/// Takes samples in.
///
/// When `append` returns `Ok`, every sample that the report does not name as refused is safe: it survives
/// `kill -9`, and is visible to queries that start afterwards. The call may block on disk; call it off the reactor.
pub trait Append: Send + Sync {
    /// Stores a batch, or says why nothing of it was stored.
    fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError>;
}

/// How a batch is to be taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct AppendOptions {
    /// Do not wait until the log is on disk (scrapes: the next one repairs a loss). The kernel has it, a crash of pharos loses nothing.
    pub no_sync: bool,
    /// Refuse samples older than the newest of their series, whatever the out-of-order window says.
    pub in_order_only: bool,
    /// Take all samples or none, for clients that retry whole batches: the first refusal refuses the batch.
    pub all_or_nothing: bool,
}

/// What became of a batch.
#[derive(Debug, Clone, Default)]
pub struct AppendReport {
    /// Samples stored (floats and histograms).
    pub stored: usize,
    /// Exact repetitions of stored samples, taken as success.
    pub repeated: usize,
    /// Series created by this batch.
    pub series_created: usize,
    /// Exemplars stored.
    pub exemplars_stored: usize,
    /// The reference of each series of the batch, in its order; NONE where the series was refused.
    pub refs: Vec<SeriesRef>,
    /// What was refused, by position of the series in the batch. At most one entry a series and reason.
    pub refused: Vec<Refused>,
}

/// Samples of one series that were not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Position of the series in the batch.
    pub series_index: usize,
    /// How many samples.
    pub samples: usize,
    /// Why.
    pub reason: RefusedReason,
    /// Time of the first such sample, in milliseconds.
    pub first_ts: i64,
}

/// Why samples of a series were not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RefusedReason {
    /// The reference is not known (any more): send the labels.
    #[error("unknown series reference")]
    UnknownRef,
    /// Older than the newest sample, and the out-of-order window is off or `in_order_only` is set.
    #[error("out of order sample")]
    OutOfOrder,
    /// Older than the out-of-order window.
    #[error("too old sample")]
    TooOld,
    /// Another value at the same time is stored already.
    #[error("duplicate sample for timestamp")]
    DuplicateTimestamp,
    /// Outside of what can be stored (years before or after now).
    #[error("out of bounds")]
    OutOfBounds,
    /// Label set empty, malformed, or beyond a limit.
    #[error("invalid labels")]
    InvalidLabels,
    /// The histogram contradicts itself.
    #[error("invalid native histogram")]
    InvalidHistogram,
    /// One more series would pass the limit.
    #[error("series limit reached")]
    SeriesLimit,
    /// Memory is nearly used up: no new series for now.
    #[error("memory is nearly used up, new series are refused for now")]
    ShortOfMemory,
}

/// Why a batch is not safe in storage; but for [`Self::InDoubt`], nothing of it was taken.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk is full or failing: try again later. Reads go on.
    #[error("storage does not take writes now: {0}")]
    Unavailable(String),
    /// The log failed while the batch was on its way: readers see it, and it may survive or not. A repetition is recognised.
    #[error("storage does not take writes now: {0}")]
    InDoubt(String),
    /// `all_or_nothing` and something was refused.
    #[error("batch refused")]
    Refused(AppendReport),
    /// Shutting down.
    #[error("storage is closed")]
    Closed,
}
