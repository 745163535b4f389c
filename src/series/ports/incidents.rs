//! What was down when, and what that cost.

use crate::base::time::TimeRange;

/// A time in which something that is watched was down. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncidentThen {
    /// What was down.
    pub of: String,
    /// From when.
    pub from: i64,
    /// Until when; none while it goes on.
    pub until: Option<i64>,
    /// Why, in words.
    pub cause: String,
    /// Where it is read about, as a path on this server.
    pub path: String,
}

/// Says what was down. Blocking.
pub trait Incidents: Send + Sync {
    /// What touches a range, the newest first, at most so much; or why that is not known.
    fn within(&self, range: TimeRange, limit: usize) -> Result<Vec<IncidentThen>, String>;
}

/// What the business missed of one of its numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Missed {
    /// The number, such as `Orders`.
    pub name: String,
    /// How much is missing below what is usual, as it is written; empty where nothing is.
    pub lost: String,
    /// What was to be expected.
    pub expected: String,
    /// What there was.
    pub actual: String,
    /// Hours of which nobody knows what is usual, or what there was.
    pub unknown_hours: u64,
    /// Where it is read about, as a path on this server.
    pub path: String,
}

/// Says what a range of time cost. Blocking.
pub trait Costs: Send + Sync {
    /// What was missed, the numbers with a loss first; or why that is not known.
    fn within(&self, range: TimeRange) -> Result<Vec<Missed>, String>;
}
