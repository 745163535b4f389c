//! The port by which lines are deleted.

use super::read::Span;
use crate::series::matcher::Matcher;

/// A deletion that was asked for.
#[derive(Debug, Clone)]
pub struct DeletedLines {
    /// Its number.
    pub id: u64,
    /// When it was asked for, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// All of these must match the stream.
    pub matchers: Vec<Matcher>,
    /// When.
    pub span: Span,
    /// The query that says which lines, if not all of the streams.
    pub query: Option<String>,
    /// Whether the lines are gone from the disk; until then readers leave them out.
    pub is_done: bool,
}

/// Why lines were not deleted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeleteLinesError {
    /// What was asked for cannot be done; in words.
    #[error("{0}")]
    Refused(String),
    /// There is no such deletion, or its lines are gone already.
    #[error("there is no deletion {0} that could be cancelled")]
    Unknown(u64),
    /// The disk refused.
    #[error("{0}")]
    Storage(String),
}

/// Deletes lines. Blocks on disk.
pub trait DeleteLines: Send + Sync {
    /// Deletes what is there now; the answer is the deletion's number.
    fn delete(&self, matchers: Vec<Matcher>, span: Span, query: Option<String>) -> Result<u64, DeleteLinesError>;
    /// Takes a deletion back that is not done.
    fn cancel(&self, id: u64) -> Result<(), DeleteLinesError>;
    /// Deletions that wait, and some that are done, oldest first.
    fn list(&self) -> Vec<DeletedLines>;
}
