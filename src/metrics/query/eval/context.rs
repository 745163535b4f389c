//! What one evaluation shares: options, the sample limit, cancellation, annotations and statistics.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::base::cancel::{Cancel, Stop};
use crate::base::pressure::{Pressure, Shed};
use crate::metrics::query::annotations::{Annotations, Note};
use crate::metrics::query::ast::Span;
use crate::metrics::query::engine::Options;
use crate::metrics::query::eval::crew::Crew;
use crate::series::ports::{EvaluateError, Select, SelectError};

/// The result of a part of an evaluation.
pub(crate) type Outcome<T> = Result<T, EvaluateError>;

/// Shared by all threads of one evaluation.
pub(crate) struct Context<'q> {
    /// Where the samples come from.
    pub(crate) select: &'q dyn Select,
    /// Raised when the answer is not wanted any more.
    pub(crate) cancel: &'q Cancel,
    /// The engine's settings.
    pub(crate) options: &'q Options,
    /// Who helps with what is large.
    pub(crate) crew: &'q Crew,
    /// The samples alive now.
    pub(crate) live: Arc<Live>,
    /// Series selected so far.
    pub(crate) series: AtomicU64,
    /// Time of the newest sample asked for so far (ms).
    pub(crate) newest_read: AtomicI64,
    /// What was looked at.
    pub(crate) statistics: Statistics,
    annotations: Mutex<Annotations>,
}

/// How samples looked at count in the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// At the step they were looked at for.
    Each,
    /// At every one of so many steps, as the result is the same for all.
    Repeated(usize),
    /// Not at all: what is computed from them counts.
    Never,
}

/// Samples looked at.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    total: AtomicU64,
    per_step: Mutex<Vec<u64>>,
}

impl Statistics {
    /// Adds what one thread looked at, in all and for each step.
    pub(crate) fn add(&self, weight: Weight, total: u64, per_step: &[u64]) {
        let (factor, spread) = match weight {
            Weight::Never => return,
            Weight::Each => (1, None),
            Weight::Repeated(count) => (count as u64, Some(count)),
        };
        self.total.fetch_add(total * factor, Ordering::Relaxed);
        if per_step.is_empty() {
            return;
        }
        let mut steps = self.per_step.lock();
        let len = spread.unwrap_or(per_step.len()).max(steps.len());
        steps.resize(len, 0);
        for (at, slot) in steps.iter_mut().enumerate() {
            *slot += if spread.is_some() { per_step[0] } else { per_step.get(at).copied().unwrap_or(0) };
        }
    }

    /// In all.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// For each step, when it was asked for.
    pub(crate) fn per_step(&self) -> Vec<u64> {
        std::mem::take(&mut *self.per_step.lock())
    }
}

impl<'q> Context<'q> {
    /// A context in which nothing happened yet.
    pub(crate) fn new(select: &'q dyn Select, crew: &'q Crew, cancel: &'q Cancel, options: &'q Options) -> Self {
        let (max, pressure) = (options.max_samples as u64, options.pressure.clone());
        let live = Arc::new(Live { now: AtomicU64::new(0), peak: AtomicU64::new(0), max, pressure });
        Self {
            select,
            crew,
            cancel,
            options,
            live,
            series: AtomicU64::new(0),
            newest_read: AtomicI64::new(i64::MIN),
            statistics: Statistics::default(),
            annotations: Mutex::default(),
        }
    }

    /// `Err` when the work is to stop.
    #[inline]
    pub(crate) fn check(&self) -> Outcome<()> {
        self.cancel.check().map_err(stopped)
    }

    /// Adds an annotation.
    pub(crate) fn note(&self, span: Span, note: &Note<'_>) {
        self.annotations.lock().add(span, note);
    }

    /// Adds a thread's annotations.
    pub(crate) fn merge_notes(&self, notes: Annotations) {
        if !notes.is_empty() {
            self.annotations.lock().merge(notes);
        }
    }

    /// The annotations so far.
    pub(crate) fn take_notes(&self) -> Annotations {
        std::mem::take(&mut *self.annotations.lock())
    }
}

/// Counts samples in memory.
#[derive(Debug)]
pub(crate) struct Live {
    now: AtomicU64,
    peak: AtomicU64,
    max: u64,
    pressure: Pressure,
}

impl Live {
    /// Counts `samples` for as long as the charge lives; `Err` when that is more than allowed.
    pub(crate) fn charge(self: &Arc<Self>, samples: usize) -> Outcome<Charge> {
        let samples = samples as u64;
        let now = self.now.fetch_add(samples, Ordering::Relaxed) + samples;
        self.peak.fetch_max(now, Ordering::Relaxed);
        let charge = Charge { live: Some(Arc::clone(self)), samples };
        self.allows(now).map(|()| charge)
    }

    /// `Err` when `samples` more would be too many. Counts nothing.
    #[inline]
    pub(crate) fn admit(&self, samples: usize) -> Outcome<()> {
        let now = self.now.load(Ordering::Relaxed) + samples as u64;
        if now > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(now, Ordering::Relaxed);
        }
        self.allows(now)
    }

    /// `Err` when so many samples are too many, ever or now.
    #[inline]
    fn allows(&self, samples: u64) -> Outcome<()> {
        if samples > self.max {
            return Err(too_many_samples());
        }
        if samples > self.pressure.share_of(self.max) {
            self.pressure.count(Shed::Query);
            return Err(EvaluateError::Overloaded);
        }
        Ok(())
    }

    /// The most counted at once.
    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

/// Samples counted until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Charge {
    live: Option<Arc<Live>>,
    samples: u64,
}

impl Charge {
    /// Counts another charge's samples with this one's.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        if self.live.is_none() {
            self.live = other.live.take();
            self.samples = other.samples;
        } else {
            self.samples += other.samples;
        }
        other.samples = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            live.now.fetch_sub(self.samples, Ordering::Relaxed);
        }
    }
}

fn too_many_samples() -> EvaluateError {
    EvaluateError::Execution("query processing would load too many samples into memory in query execution".to_owned())
}

/// The error for work that was stopped.
pub(crate) fn stopped(why: Stop) -> EvaluateError {
    match why {
        Stop::Cancelled => EvaluateError::Cancelled,
        Stop::TimedOut => EvaluateError::TimedOut,
    }
}

/// The error for a selection that failed.
pub(crate) fn select_failed(error: SelectError) -> EvaluateError {
    match error {
        SelectError::Stopped(why) => stopped(why),
        SelectError::TooManySeries { .. } => too_many_samples(),
        SelectError::Storage(text) => EvaluateError::Storage(text.to_string()),
    }
}

/// An error of the evaluation itself.
pub(crate) fn failed<T>(text: impl Into<String>) -> Outcome<T> {
    Err(EvaluateError::Execution(text.into()))
}

/// Two series of a result have the same labels at the same time.
pub(crate) fn same_labelset<T>() -> Outcome<T> {
    failed("vector cannot contain metrics with the same labelset")
}
