//! Answering queries.

use crate::base::cancel::Cancel;
use crate::series::matcher::Matcher;
use crate::series::value::Value;

/// When to evaluate a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Once, at this time (ms).
    Instant(i64),
    /// At `start`, `start + step`, ... up to `end` (ms).
    Range {
        /// First evaluation.
        start: i64,
        /// Last evaluation at most.
        end: i64,
        /// Distance, above zero.
        step: i64,
    },
}

/// A query for [`Evaluate`].
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The expression.
    pub query: &'a str,
    /// When.
    pub when: When,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// A query's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// Things that make the result doubtful, in words, with position.
    pub warnings: Vec<String>,
    /// Things worth knowing.
    pub infos: Vec<String>,
    /// Samples read and peak held, for `stats`.
    pub stats: EvalStats,
}

/// What an evaluation cost.
#[derive(Debug, Clone, Default)]
pub struct EvalStats {
    /// Samples looked at, summed over the steps as upstream counts them.
    pub samples_total: u64,
    /// Most samples held at once.
    pub samples_peak: u64,
    /// The same per step (time ms, samples), when asked for.
    pub samples_per_step: Vec<(i64, u64)>,
    /// Series selected.
    pub series: u64,
}

/// What a query is, without asking it.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The query as its language writes it, in one line.
    pub text: String,
    /// The matchers of each of its selectors.
    pub selectors: Vec<Vec<Matcher>>,
    /// What is compared with what, where the whole query is `left op number`.
    pub compared: Option<Compared>,
}

/// A query that keeps those series of another that are on one side of a bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The query whose series are compared.
    pub left: String,
    /// `==`, `!=`, `<`, `<=`, `>` or `>=`.
    pub operator: &'static str,
    /// What they are compared with.
    pub bound: f64,
}

/// Answers queries. Blocking and CPU-heavy: call it off the reactor.
pub trait Evaluate: Send + Sync {
    /// Evaluates one question.
    fn evaluate(&self, question: &Question<'_>) -> Result<Answer, EvaluateError>;
}

/// Why a query has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EvaluateError {
    /// The text is not a valid query.
    #[error("{message}")]
    Invalid {
        /// In words, with `line:column` in front as upstream.
        message: String,
        /// Where in the text, bytes from and to.
        span: Option<(usize, usize)>,
    },
    /// The data do not fit the query, or a limit was hit.
    #[error("{0}")]
    Execution(String),
    /// The time was over.
    #[error("query timed out")]
    TimedOut,
    /// Nobody waited any more.
    #[error("query was canceled")]
    Cancelled,
    /// Storage failed.
    #[error("{0}")]
    Storage(String),
    /// Memory is nearly used up: later it may have one.
    #[error("memory is nearly used up, and this query needs more than there is for it now; try again later, or ask for less")]
    Overloaded,
}
