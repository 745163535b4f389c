//! Finding series and reading their samples.

use std::sync::Arc;

use crate::base::cancel::{Cancel, Stop};
use crate::base::time::TimeRange;
use crate::series::changes::ChangeLog;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::sample::{Exemplar, SampleBuf};

/// What to select: a disjunction of matcher lists within a range of time.
#[derive(Debug, Clone)]
pub struct Selection<'a> {
    /// All of these must match.
    pub matchers: &'a [Matcher],
    /// Samples wanted.
    pub range: TimeRange,
    /// Refuse, rather than collect, more series than this.
    pub series_max: usize,
}

/// Which labels or series exist.
#[derive(Debug, Clone)]
pub struct IndexQuery<'a> {
    /// Any of these lists must match; no list means everything.
    pub any_of: &'a [Vec<Matcher>],
    /// Only series with samples (to the precision of a block) in here.
    pub range: TimeRange,
    /// At most so many answers, 0 = all.
    pub limit: usize,
}

/// Finds series and reads their samples.
pub trait Select: Send + Sync {
    /// The series that match, sorted by labels. Reading their samples is up to the caller.
    fn select(&self, selection: &Selection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn SelectedSeries>>, SelectError>;
    /// Label sets that match, sorted.
    fn series(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<Labels>, SelectError>;
    /// Names of labels, sorted.
    fn label_names(&self, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError>;
    /// Values of a label, sorted.
    fn label_values(&self, name: &str, query: &IndexQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectError>;
    /// Exemplars of the series that match, by series, ascending in time.
    fn exemplars(&self, query: &IndexQuery<'_>) -> Result<Vec<(Labels, Vec<Exemplar>)>, SelectError>;
    /// What changed when, so that answers can be kept; none if that is not known.
    fn changes(&self) -> Option<&ChangeLog> {
        None
    }
}

/// One series found by [`Select`]; reads its samples as often as asked, from any thread.
pub trait SelectedSeries: Send + Sync {
    /// Its labels.
    fn labels(&self) -> &Labels;
    /// Appends its samples within `range` (both ends included, deleted ones left out) to `out`.
    fn read(&self, range: TimeRange, out: &mut SampleBuf) -> Result<(), SelectError>;
}

/// Why a selection failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SelectError {
    /// More series than allowed.
    #[error("the selection matches more than {max} series")]
    TooManySeries {
        /// What was allowed.
        max: usize,
    },
    /// The work was stopped.
    #[error("stopped")]
    Stopped(Stop),
    /// A block could not be read.
    #[error("{0}")]
    Storage(Arc<str>),
}

impl From<Stop> for SelectError {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}
