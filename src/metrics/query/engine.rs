//! The PromQL engine: text in, value out.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::limits::QUERY_SAMPLES_MAX;
use crate::base::pressure::Pressure;
use crate::metrics::query::ast::{Expr, ValueType};
use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::collect::{has_same_labels, merge_same_labels};
use crate::metrics::query::eval::context::{Context, Outcome, Weight, same_labelset};
use crate::metrics::query::eval::crew::Crew;
use crate::metrics::query::eval::matrix::{Cell, Matrix, Steps, without_metadata};
use crate::metrics::query::eval::plan::{Frame, Kind, Node, plan};
use crate::metrics::query::eval::raw;
use crate::metrics::query::parse::{ParseOptions, parse};
use crate::metrics::query::reuse::Answers;
pub use crate::metrics::query::reuse::{Reuse, ReuseCounts};
use crate::series::ports::{Answer, EvalStats, Evaluate, EvaluateError, Question, Select, When};
use crate::series::value::{InstantSample, Point, RangeSeries, Value};

/// Settings of an [`Engine`].
#[derive(Debug, Clone)]
pub struct Options {
    /// How old the sample of an instant vector may be, in milliseconds (`--query.lookback-delta`).
    pub lookback_ms: i64,
    /// Samples that one query may hold at once (`--query.max-samples`).
    pub max_samples: usize,
    /// Distance of the steps of subqueries that name none, in milliseconds (`global.evaluation_interval`).
    pub subquery_interval_ms: i64,
    /// Threads that one query may use: the caller's and helpers, which all queries of an engine share.
    pub threads: usize,
    /// Which experimental parts of the language are allowed.
    pub parse: ParseOptions,
    /// Names go at the end of the evaluation (`promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
    /// Start timestamps tell about counter resets (`use-start-timestamps`).
    pub use_start_timestamps: bool,
    /// Types come from the label `__type__` (`type-and-unit-labels`).
    pub type_and_unit_labels: bool,
    /// Whether to count samples for each step.
    pub per_step_stats: bool,
    /// What may be taken from answers given before. Of the other settings only the look-back may then differ from the
    /// engine's own.
    pub reuse: Reuse,
    /// Memory for answers given before, in bytes; 0 for none. What counts is the engine's own.
    pub answers_bytes_max: usize,
    /// How short memory is: then a query may hold less.
    pub pressure: Pressure,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lookback_ms: 300_000,
            max_samples: QUERY_SAMPLES_MAX,
            subquery_interval_ms: 60_000,
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
            parse: ParseOptions::default(),
            delayed_name_removal: false,
            use_start_timestamps: false,
            type_and_unit_labels: false,
            per_step_stats: false,
            reuse: Reuse::Nothing,
            answers_bytes_max: 0,
            pressure: Pressure::new(),
        }
    }
}

/// Evaluates PromQL over what [`Select`] finds. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    select: Arc<dyn Select>,
    options: Options,
    answers: Option<Arc<Answers>>,
    crew: Arc<Crew>,
}

/// What came out of an evaluation.
pub(crate) struct Computed {
    /// The answer.
    pub(crate) answer: Answer,
    /// Time of the newest sample that could have mattered (ms); `i64::MIN` if none could.
    pub(crate) newest_read: i64,
}

impl Engine {
    /// An engine over `select`.
    pub fn new(select: Arc<dyn Select>, options: Options) -> Self {
        let answers = (options.answers_bytes_max > 0).then(|| Arc::new(Answers::new(options.answers_bytes_max)));
        // Whoever asks works too.
        let crew = Arc::new(Crew::new(options.threads.saturating_sub(1)));
        Self { select, options, answers, crew }
    }

    /// The settings.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Forgets answers given before, to give memory back.
    pub fn forget_answers(&self) {
        if let Some(answers) = &self.answers {
            answers.forget();
        }
    }

    /// What was taken from answers given before.
    pub fn reuse_counts(&self) -> ReuseCounts {
        self.answers.as_ref().map_or_else(ReuseCounts::default, |answers| answers.counts())
    }

    /// Evaluates with other settings than the engine's own, such as a look-back asked for by a client.
    pub fn evaluate_with(&self, question: &Question<'_>, options: &Options) -> Result<Answer, EvaluateError> {
        if let (Some(answers), Some(changes)) = (&self.answers, self.select.changes())
            && options.reuse != Reuse::Nothing
            && !options.per_step_stats
        {
            return answers.answer(self, changes, question, options);
        }
        let expr = parse_query(question.query, options)?;
        self.compute(&expr, question, options).map(|computed| computed.answer)
    }

    /// Evaluates an expression, whatever was kept.
    pub(crate) fn compute(&self, expr: &Expr, question: &Question<'_>, options: &Options) -> Outcome<Computed> {
        let ctx = Context::new(&*self.select, &self.crew, &question.cancel, options);
        let value = evaluate(&ctx, question.when, expr)?;
        let (warnings, infos) = ctx.take_notes().into_texts(question.query);
        let steps = steps_of(question.when)?;
        let per_step = ctx.statistics.per_step();
        let stats = EvalStats {
            samples_total: ctx.statistics.total(),
            samples_peak: ctx.live.peak(),
            samples_per_step: per_step.into_iter().enumerate().map(|(step, samples)| (steps.at(step), samples)).collect(),
            series: ctx.series.load(Ordering::Relaxed),
        };
        let newest_read = ctx.newest_read.load(Ordering::Relaxed);
        Ok(Computed { answer: Answer { value, warnings, infos, stats }, newest_read })
    }
}

impl Evaluate for Engine {
    fn evaluate(&self, question: &Question<'_>) -> Result<Answer, EvaluateError> {
        self.evaluate_with(question, &self.options)
    }
}

fn steps_of(when: When) -> Outcome<Steps> {
    match when {
        When::Instant(at) => Ok(Steps::new(at, at, 1)),
        When::Range { step, .. } if step <= 0 => {
            Err(EvaluateError::Invalid { message: "zero or negative query resolution step widths are not accepted".to_owned(), span: None })
        }
        When::Range { start, end, step } => Ok(Steps::new(start, end, step)),
    }
}

/// Higher trees are evaluated on a stack of their own: the walk takes up to 30 KB a level in builds without optimisation.
const ORDINARY_HEIGHT: usize = 48;
/// Enough for the highest tree that the parser lets through.
const HIGH_STACK_BYTES: usize = 16 * 1024 * 1024;

/// Reads a query.
pub(crate) fn parse_query(query: &str, options: &Options) -> Outcome<Expr> {
    parse(query, &options.parse).map_err(|errors| {
        let first = errors.first();
        EvaluateError::Invalid { message: errors.to_string(), span: Some((first.span.start as usize, first.span.end as usize)) }
    })
}

fn evaluate(ctx: &Context<'_>, when: When, expr: &Expr) -> Outcome<Value> {
    if expr.height() <= ORDINARY_HEIGHT {
        return evaluate_tree(ctx, when, expr);
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(HIGH_STACK_BYTES);
        match thread.spawn_scoped(scope, || evaluate_tree(ctx, when, expr)) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(EvaluateError::Execution(format!("no thread for a deeply nested query: {error}"))),
        }
    })
}

fn evaluate_tree(ctx: &Context<'_>, when: When, expr: &Expr) -> Outcome<Value> {
    let (start, end, interval) = match when {
        When::Instant(at) => (at, at, 0),
        When::Range { start, end, step } => (start, end, step),
    };
    let steps = steps_of(when)?;
    // Every row has a place for every step.
    ctx.live.admit(steps.count)?;
    let node = plan(expr, &Frame { start, end, interval, subquery_interval: ctx.options.subquery_interval_ms })?;
    let is_range = matches!(when, When::Range { .. });
    if is_range && !matches!(node.returns, ValueType::Vector | ValueType::Scalar) {
        let message = format!("invalid expression type {:?} for range query, must be Scalar or instant Vector", node.returns.as_str());
        return Err(EvaluateError::Invalid { message, span: None });
    }
    let evaluator = Evaluator { ctx, steps, weight: Weight::Each };
    match node.returns {
        ValueType::Scalar => {
            let scalar = evaluator.scalar(&node)?;
            if !is_range {
                return Ok(Value::Scalar(start, scalar.at(0)));
            }
            let floats: Vec<(i64, f64)> = (0..steps.count).map(|step| (steps.at(step), scalar.at(step))).collect();
            let series = RangeSeries { floats, ..RangeSeries::default() };
            Ok(Value::Matrix(if steps.count == 0 { Vec::new() } else { vec![series] }))
        }
        ValueType::String => Ok(Value::String(start, text_of(&node))),
        ValueType::Matrix => {
            let mut series = raw::evaluate(&evaluator, &node)?;
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            Ok(Value::Matrix(series))
        }
        ValueType::Vector => {
            let matrix = finish_names(ctx, evaluator.vector(&node)?, steps.count)?;
            if is_range {
                let mut series = raw::to_range_series(&matrix, &steps);
                series.sort_by(|a, b| a.labels.cmp(&b.labels));
                return Ok(Value::Matrix(series));
            }
            if has_same_labels(&matrix.series) {
                return same_labelset();
            }
            Ok(Value::Vector(to_vector(matrix, start)))
        }
    }
}

fn text_of(node: &Node) -> String {
    match &node.kind {
        Kind::Text(text) => text.clone(),
        Kind::Once(inner) => text_of(inner),
        _ => String::new(),
    }
}

/// Removes the names that were to be removed.
fn finish_names(ctx: &Context<'_>, mut matrix: Matrix, steps: usize) -> Outcome<Matrix> {
    if !ctx.options.delayed_name_removal {
        return Ok(matrix);
    }
    for series in matrix.series.iter_mut().filter(|series| series.drop_name) {
        series.labels = without_metadata(&series.labels);
    }
    merge_same_labels(matrix, steps)
}

fn to_vector(matrix: Matrix, ts: i64) -> Vec<InstantSample> {
    let sample = |series: crate::metrics::query::eval::matrix::Series| {
        let value = match series.row.cell(0)? {
            Cell::Float(value) => Point::Float(value),
            Cell::Histogram(histogram) => Point::Histogram(Arc::clone(histogram)),
        };
        Some(InstantSample { labels: series.labels, ts, value })
    };
    matrix.series.into_iter().filter_map(sample).collect()
}
