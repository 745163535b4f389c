//! Reading and finding lines of logs, and naming labels of their streams.

use super::EvaluateError;
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// Which lines of a log are wanted: the newest that match.
#[derive(Debug, Clone)]
pub struct LinesWanted<'a> {
    /// Labels of their streams: all of these must match, and at least one must not match the empty string.
    pub matchers: &'a [Matcher],
    /// Their time, in milliseconds since the Unix epoch.
    pub range: TimeRange,
    /// At most so many.
    pub limit: usize,
    /// Most bytes of one line's text; the rest is cut off.
    pub text_bytes_max: usize,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When, in nanoseconds since the Unix epoch.
    pub at_ns: i64,
    /// The text, or its beginning.
    pub text: String,
    /// How severe it is, in the word of who wrote or took it; empty if nobody knows.
    pub level: String,
    /// Labels of its stream.
    pub labels: Labels,
}

/// Reads lines of logs. Blocking and CPU-heavy: call it off the reactor.
pub trait Lines: Send + Sync {
    /// The newest lines that match, the newest first.
    fn newest(&self, wanted: &LinesWanted<'_>) -> Result<Vec<Line>, EvaluateError>;
}

/// Lines of logs that a query finds.
#[derive(Debug, Clone)]
pub struct SearchWanted<'a> {
    /// A query of lines, in LogQL.
    pub query: &'a str,
    /// Their time, in milliseconds since the Unix epoch.
    pub range: TimeRange,
    /// At most so many.
    pub limit: usize,
    /// Whether the oldest are wanted, not the newest.
    pub is_forward: bool,
    /// Most bytes of one line's text; the rest is cut off.
    pub text_bytes_max: usize,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// Finds lines of logs by queries. Blocking and CPU-heavy: call it off the reactor.
pub trait Search: Send + Sync {
    /// The lines that a query finds, in the order that is asked for.
    fn search(&self, wanted: &SearchWanted<'_>) -> Result<Vec<Line>, EvaluateError>;

    /// Whether a query gives numbers, not lines.
    fn is_metric(&self, query: &str) -> bool;
}

/// Which labels of streams are asked for.
#[derive(Debug, Clone)]
pub struct LogLabelsWanted<'a> {
    /// Labels of the streams: all of these must match; none for every stream.
    pub matchers: &'a [Matcher],
    /// Streams with lines in here, in milliseconds since the Unix epoch.
    pub range: TimeRange,
    /// The label whose values are wanted; none for the names of labels.
    pub label: Option<&'a str>,
    /// At most so many.
    pub limit: usize,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// Names labels of streams of logs. Blocking.
pub trait LogLabels: Send + Sync {
    /// Names or values, sorted.
    fn log_labels(&self, wanted: &LogLabelsWanted<'_>) -> Result<Vec<String>, EvaluateError>;
}
