//! The LogQL engine: text in, lines or numbers out.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::ast::{LogExpr, Query};
use super::check::evaluable;
use super::detect::fields::{DetectedField, detected_fields, detected_values};
use super::detect::patterns::FoundPattern;
use super::eval::lines::{self, Wish};
pub use super::eval::lines::{Direction, Entry, LogStream};
use super::eval::matrix::Steps;
pub use super::eval::matrix::Times;
use super::eval::{Budget, Context, Work, metric, sample};
use super::needs::needs;
use super::parse::{Dialect, ParseError, parse};
pub use super::stage::pipeline::{Categories, Passed, Pipeline, StageError};
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::base::pressure::Pressure;
use crate::logs::model::read::{SelectLines, Span};
use crate::series::ports::{Answer, EvalStats, Evaluate, EvaluateError, Question};

/// Settings of an [`Engine`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that one query may use, the caller's among them.
    pub threads: usize,
    /// Memory that one query may hold, in bytes.
    pub memory_bytes_max: u64,
    /// Whose LogQL is taken where a question does not say.
    pub dialect: Dialect,
    /// How short memory is: then a query may hold less.
    pub pressure: Pressure,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
            memory_bytes_max: 192 * 1024 * 1024,
            dialect: Dialect::Loki,
            pressure: Pressure::new(),
        }
    }
}

/// Evaluates LogQL over what [`SelectLines`] finds. Cheap to clone. Blocking and CPU-heavy: call it off the reactor.
#[derive(Clone)]
pub struct Engine {
    select: Arc<dyn SelectLines>,
    clock: SharedClock,
    options: Options,
}

/// A query for lines.
#[derive(Debug, Clone)]
pub struct LogQuestion<'a> {
    /// The expression.
    pub query: &'a LogExpr,
    /// When (ns).
    pub span: Span,
    /// Which lines go first.
    pub direction: Direction,
    /// At most so many lines.
    pub limit: usize,
    /// Least distance between two lines (ns), 0 for none.
    pub interval: i64,
    /// Whether labels are told apart by where they come from (`categorize-labels`).
    pub categorize: bool,
    /// Raised when nobody waits any more or the time is over.
    pub cancel: Cancel,
}

/// Lines that were found.
#[derive(Debug, Clone)]
pub struct LogAnswer {
    /// By labels, sorted.
    pub streams: Vec<LogStream>,
    /// What it cost.
    pub stats: LogStats,
}

/// What a query looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Bytes of text.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
    /// Chunks that were read.
    pub chunks: u64,
    /// Lines, or points of series, in the answer.
    pub entries: u64,
    /// Milliseconds it took.
    pub took_ms: u64,
}

impl Engine {
    /// An engine over `select`.
    pub fn new(select: Arc<dyn SelectLines>, clock: SharedClock, options: Options) -> Self {
        Self { select, clock, options }
    }

    /// What it reads from.
    pub fn select(&self) -> &Arc<dyn SelectLines> {
        &self.select
    }

    /// Reads a query in the engine's dialect.
    pub fn parse(&self, query: &str) -> Result<Query, EvaluateError> {
        let invalid = |error: ParseError| EvaluateError::Invalid {
            span: Some((error.span.start as usize, error.span.end as usize)),
            message: error.to_string(),
        };
        let parsed = parse(query, self.options.dialect).map_err(invalid)?;
        evaluable(&parsed, query).map_err(invalid)?;
        Ok(parsed)
    }

    fn context<'a>(&'a self, cancel: &'a Cancel) -> Context<'a> {
        let max = self.options.memory_bytes_max;
        let share = self.options.pressure.share_of(max);
        Context {
            select: &*self.select,
            cancel,
            threads: self.options.threads.max(1),
            now: self.clock.now_ms().saturating_mul(1_000_000),
            budget: Budget::new(share, share < max),
            work: Work::default(),
        }
    }

    /// Finds lines.
    pub fn lines(&self, question: &LogQuestion<'_>) -> Result<LogAnswer, EvaluateError> {
        self.lines_behind(question, 0)
    }

    /// Finds lines, without so many of the first ones in order: what a reader has seen already who asks page by page.
    pub fn lines_behind(&self, question: &LogQuestion<'_>, skip: usize) -> Result<LogAnswer, EvaluateError> {
        let began = self.clock.monotonic();
        let ctx = self.context(&question.cancel);
        let wish = Wish {
            span: question.span,
            direction: question.direction,
            limit: question.limit,
            skip,
            interval: question.interval,
            categorize: question.categorize,
        };
        let streams = lines::find(&ctx, question.query, &needs(question.query, &|_| true), wish)?;
        let entries = streams.iter().map(|stream| stream.entries.len() as u64).sum();
        Ok(LogAnswer { streams, stats: self.stats(&ctx, entries, began) })
    }

    /// Evaluates a metric query, and tells what it cost.
    pub fn numbers(&self, question: &Question<'_>) -> Result<(Answer, LogStats), EvaluateError> {
        self.numbers_at(question.query, question.when.into(), &question.cancel)
    }

    /// Evaluates a metric query at times that are told to the nanosecond; points have theirs in milliseconds, as upstream.
    pub fn numbers_at(&self, query: &str, times: Times, cancel: &Cancel) -> Result<(Answer, LogStats), EvaluateError> {
        let began = self.clock.monotonic();
        let query = self.parse(query)?;
        let Query::Metric(expr) = &query else {
            return Err(EvaluateError::Invalid {
                message: "log queries are not supported as an instant query type, please change your query to a range query type"
                    .to_owned(),
                span: None,
            });
        };
        let steps = Steps::new(times)?;
        let ctx = self.context(cancel);
        let value = metric::evaluate(&ctx, expr, &steps)?;
        let (entries, series) = count(&value);
        let stats = self.stats(&ctx, entries, began);
        let eval = EvalStats { samples_total: stats.lines, series, ..EvalStats::default() };
        Ok((Answer { value, warnings: Vec::new(), infos: Vec::new(), stats: eval }, stats))
    }

    /// The fields of the newest lines that match, as many as the question's limit says.
    pub fn detected_fields(&self, question: &LogQuestion<'_>, fields_max: usize) -> Result<Vec<DetectedField>, EvaluateError> {
        let answer = self.lines(&LogQuestion { categorize: true, direction: Direction::Backward, ..question.clone() })?;
        Ok(detected_fields(&answer.streams, fields_max))
    }

    /// The values of a field among the newest lines that match, sorted.
    pub fn detected_values(&self, question: &LogQuestion<'_>, field: &str, values_max: usize) -> Result<Vec<String>, EvaluateError> {
        let answer = self.lines(&LogQuestion { categorize: true, direction: Direction::Backward, ..question.clone() })?;
        Ok(detected_values(&answer.streams, field, values_max))
    }

    /// What the lines that match look like, counted in steps of `step` nanoseconds. Of each chunk every n-th line is looked
    /// at, so that about as many as the question's limit are, from all of the time; counts are of all lines.
    pub fn patterns(&self, question: &LogQuestion<'_>, step: i64, patterns_max: usize) -> Result<Vec<FoundPattern>, EvaluateError> {
        let ctx = self.context(&question.cancel);
        sample::patterns(&ctx, question.query, question.span, question.limit, step, patterns_max)
    }

    fn stats(&self, ctx: &Context<'_>, entries: u64, began: std::time::Duration) -> LogStats {
        let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        LogStats {
            bytes: of(&ctx.work.bytes),
            lines: of(&ctx.work.lines),
            chunks: of(&ctx.work.chunks),
            entries,
            took_ms: self.clock.monotonic().saturating_sub(began).as_millis() as u64,
        }
    }
}

fn count(value: &crate::series::value::Value) -> (u64, u64) {
    use crate::series::value::Value;
    match value {
        Value::Scalar(..) | Value::String(..) => (1, 0),
        Value::Vector(samples) => (samples.len() as u64, samples.len() as u64),
        Value::Matrix(series) => (series.iter().map(|series| series.floats.len() as u64).sum(), series.len() as u64),
    }
}

impl Evaluate for Engine {
    fn evaluate(&self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        self.numbers(question).map(|(answer, _)| answer)
    }
}
