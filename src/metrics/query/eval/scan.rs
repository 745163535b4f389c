//! Reading series and turning each into a row, on as many threads as there are, in an order that does not
//! depend on how many.
//!
//! Series are handled in chunks of fixed size. Every chunk fills a part of its own; parts are merged into the
//! result in the order of the series, so sums come out the same whatever the number of threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::base::time::TimeRange;
use crate::metrics::query::annotations::Annotations;
use crate::metrics::query::ast::{Extension, Span};
use crate::metrics::query::functions::Function;
use crate::series::labels::Labels;
use crate::series::ports::{EvaluateError, SelectedSeries};
use crate::series::sample::SampleBuf;

use super::context::{Context, Outcome, Weight, select_failed};
use super::kernel::Times;
use super::leaf::Reader;
use super::matrix::{Matrix, RowBuf, Scalar, Steps};
use super::row_op::RowOp;

/// Series handled as one piece of work.
const CHUNK: usize = 128;
/// Below this many series threads cost more than they bring.
const INLINE_MAX: usize = 192;

/// Where rows come from.
pub(crate) enum Source {
    /// Storage.
    Stored {
        /// What was selected.
        series: Vec<Box<dyn SelectedSeries>>,
        /// What to read of each.
        range: TimeRange,
    },
    /// A value that was computed before, at steps of its own.
    Computed(Matrix, Steps),
}

impl Source {
    /// How many series.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Stored { series, .. } => series.len(),
            Self::Computed(matrix, _) => matrix.series.len(),
        }
    }

    /// The labels of a series.
    pub(crate) fn labels(&self, index: usize) -> &Labels {
        match self {
            Self::Stored { series, .. } => series[index].labels(),
            Self::Computed(matrix, _) => &matrix.series[index].labels,
        }
    }

    /// Whether the name of a series is to be removed at the end.
    pub(crate) fn drop_name(&self, index: usize) -> bool {
        match self {
            Self::Stored { .. } => false,
            Self::Computed(matrix, _) => matrix.series[index].drop_name,
        }
    }
}

/// What [`Leaf::Newest`] tells about the sample it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    /// Its value.
    Value,
    /// When it was taken, in seconds.
    Timestamp,
    /// When its counter started, in seconds.
    StartTimestamp,
    /// When it was taken, in milliseconds.
    TimestampMs,
}

/// How samples become a row.
#[derive(Debug)]
pub(crate) enum Leaf {
    /// The newest sample at each step.
    Newest { times: Times, tell: Tell, statistics_only: bool },
    /// The value at each step on the line between the samples around it.
    Smoothed { times: Times, span: Span },
    /// A function over a range.
    Windows(Windows),
    /// The rows are there already.
    Row,
}

/// A function over a range.
#[derive(Debug)]
pub(crate) struct Windows {
    /// The function.
    pub(crate) function: Function,
    /// The ends of the windows.
    pub(crate) times: Times,
    /// Their length (ms).
    pub(crate) range: i64,
    /// `anchored`, `smoothed`.
    pub(crate) extension: Extension,
    /// Scalar arguments.
    pub(crate) params: Vec<Scalar>,
    /// Where the first argument stands.
    pub(crate) span: Span,
    /// Whether start timestamps tell about counter resets.
    pub(crate) use_starts: bool,
    /// Only count and sum of histograms are looked at.
    pub(crate) statistics_only: bool,
}

/// Rows and what happens to each of them.
pub(crate) struct Program {
    /// Where the rows come from.
    pub(crate) source: Source,
    /// How they are made.
    pub(crate) leaf: Leaf,
    /// What is done to them, in order.
    pub(crate) ops: Vec<RowOp>,
    /// The steps of the result.
    pub(crate) steps: Steps,
    /// Whether the result is another metric than the source.
    pub(crate) drops_name: bool,
    /// Whether all series of the source have the same metric name.
    pub(crate) one_name: bool,
    /// How its samples count in the statistics.
    pub(crate) weight: Weight,
    /// Series of the same labels (once names are gone) are an error even when they are never there together.
    pub(crate) strict_names: bool,
}

/// What takes the rows.
pub(crate) trait Sink: Sync {
    /// What a chunk of series becomes.
    type Part: Send;
    /// Nothing yet.
    fn part(&self) -> Self::Part;
    /// Takes one row, which is not empty.
    fn take(&self, part: &mut Self::Part, program: &Program, index: usize, row: &mut RowBuf, notes: &mut Annotations) -> Outcome<()>;
}

/// Memory a thread reuses from series to series.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Samples as read.
    pub(crate) samples: SampleBuf,
    /// The row being made.
    pub(crate) row: RowBuf,
    /// Annotations to be merged at the end.
    pub(crate) notes: Annotations,
    /// Samples looked at.
    pub(crate) samples_total: u64,
    /// The same for each step, when asked for.
    pub(crate) per_step: Vec<u64>,
}

/// Runs `program` into `sink`; `merge` gets the parts in order.
pub(crate) fn scan<S: Sink>(
    ctx: &Context<'_>,
    program: &Program,
    sink: &S,
    merge: impl FnMut(S::Part) -> Outcome<()> + Send,
) -> Outcome<()> {
    let count = program.source.len();
    if program.steps.count == 0 || count == 0 {
        return Ok(());
    }
    let chunks = count.div_ceil(CHUNK);
    let threads = if count <= INLINE_MAX { 1 } else { ctx.options.threads.clamp(1, chunks) };
    let job = Job {
        ctx,
        program,
        sink,
        next: AtomicUsize::new(0),
        abort: AtomicBool::new(false),
        merging: Mutex::new(Merging { merge, expected: 0, early: BTreeMap::new(), failed: None }),
    };
    ctx.crew.together(threads - 1, &|| job.work());
    match job.merging.into_inner().failed {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

struct Merging<P, M> {
    merge: M,
    /// The chunk whose turn it is.
    expected: usize,
    /// Parts whose turn has not come.
    early: BTreeMap<usize, P>,
    /// The error of the earliest chunk.
    failed: Option<(usize, EvaluateError)>,
}

struct Job<'a, 'q, S: Sink, M> {
    ctx: &'a Context<'q>,
    program: &'a Program,
    sink: &'a S,
    next: AtomicUsize,
    abort: AtomicBool,
    merging: Mutex<Merging<S::Part, M>>,
}

impl<S: Sink, M: FnMut(S::Part) -> Outcome<()> + Send> Job<'_, '_, S, M> {
    fn work(&self) {
        let mut scratch = Scratch::default();
        let count = self.program.source.len();
        while !self.abort.load(Ordering::Relaxed) {
            let chunk = self.next.fetch_add(1, Ordering::Relaxed);
            let from = chunk * CHUNK;
            if from >= count {
                break;
            }
            match self.chunk(from, (from + CHUNK).min(count), &mut scratch) {
                Ok(part) => self.merge(chunk, part),
                Err(error) => self.fail(chunk, error),
            }
        }
        self.ctx.merge_notes(scratch.notes);
        self.ctx.statistics.add(self.program.weight, scratch.samples_total, &scratch.per_step);
    }

    fn chunk(&self, from: usize, to: usize, scratch: &mut Scratch) -> Outcome<S::Part> {
        let mut part = self.sink.part();
        let reader = Reader { ctx: self.ctx, program: self.program };
        for index in from..to {
            self.ctx.check()?;
            reader.row(index, scratch)?;
            for op in &self.program.ops {
                op.apply(&mut scratch.row, &mut scratch.notes);
            }
            if !scratch.row.is_empty() {
                self.sink.take(&mut part, self.program, index, &mut scratch.row, &mut scratch.notes)?;
            }
        }
        Ok(part)
    }

    fn merge(&self, chunk: usize, part: S::Part) {
        let mut guard = self.merging.lock();
        let state = &mut *guard;
        state.early.insert(chunk, part);
        while let Some(part) = state.early.remove(&state.expected) {
            if state.failed.is_none()
                && let Err(error) = (state.merge)(part)
            {
                state.failed = Some((state.expected, error));
                self.abort.store(true, Ordering::Relaxed);
            }
            state.expected += 1;
        }
    }

    fn fail(&self, chunk: usize, error: EvaluateError) {
        self.abort.store(true, Ordering::Relaxed);
        let mut state = self.merging.lock();
        if state.failed.as_ref().is_none_or(|(before, _)| chunk < *before) {
            state.failed = Some((chunk, error));
        }
    }
}

/// Reads the samples of a stored series.
pub(crate) fn read(series: &dyn SelectedSeries, range: TimeRange, into: &mut SampleBuf) -> Outcome<()> {
    into.clear();
    series.read(range, into).map_err(select_failed)
}
