//! Evaluation of LogQL over chunks of lines: lines that match ([`lines`]), and numbers made of them ([`metric`]).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::cancel::{Cancel, Stop};
use crate::logs::model::read::{SelectLines, SelectLinesError};
use crate::logs::query::stage::pipeline::StageError;
use crate::series::ports::EvaluateError;

pub(crate) mod aggregate;
pub(crate) mod binary;
pub(crate) mod extract;
pub(crate) mod keys;
pub(crate) mod lines;
pub(crate) mod matrix;
pub(crate) mod metric;
pub(crate) mod repeats;
pub(crate) mod sample;
pub(crate) mod samples;
pub(crate) mod search;
pub(crate) mod window;

#[cfg(test)]
mod tests;

/// What every part of an evaluation needs.
pub(crate) struct Context<'a> {
    pub(crate) select: &'a dyn SelectLines,
    pub(crate) cancel: &'a Cancel,
    /// Threads that may work at once.
    pub(crate) threads: usize,
    /// The time of the query (ns).
    pub(crate) now: i64,
    pub(crate) budget: Budget,
    pub(crate) work: Work,
}

/// Memory that a query may hold.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicU64,
    max: u64,
    /// Whether it is smaller than usual, because memory is short.
    is_cut: bool,
}

impl Budget {
    /// Of so many bytes; less than usual when `is_cut`.
    pub(crate) const fn new(max: u64, is_cut: bool) -> Self {
        Self { used: AtomicU64::new(0), max, is_cut }
    }

    /// Takes so many bytes, for the rest of the query.
    pub(crate) fn charge(&self, bytes: usize) -> Result<(), EvaluateError> {
        let used = self.used.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if used <= self.max {
            return Ok(());
        }
        if self.is_cut {
            return Err(EvaluateError::Overloaded);
        }
        let max = crate::base::human::bytes(self.max as f64);
        Err(EvaluateError::Execution(format!(
            "the query needs more than {max} of memory; ask for a shorter time, fewer lines, or fewer series (sum by, topk)"
        )))
    }

    /// Gives bytes back.
    pub(crate) fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}

/// What a query looked at.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) chunks: AtomicU64,
    pub(crate) lines: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// Lines that passed all filters.
    pub(crate) passed: AtomicU64,
}

impl Work {
    /// Counts a chunk.
    pub(crate) fn count(&self, lines: u64, bytes: u64) {
        self.chunks.fetch_add(1, Ordering::Relaxed);
        self.lines.fetch_add(lines, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The error for a stage that cannot run.
pub(crate) fn stage_error(error: StageError) -> EvaluateError {
    EvaluateError::Invalid { message: format!("parse error : {}", error.reason), span: Some(error.span) }
}

/// The error for lines that could not be read.
pub(crate) fn select_error(error: SelectLinesError) -> EvaluateError {
    match error {
        SelectLinesError::Stopped(stop) => stopped(stop),
        SelectLinesError::Storage(message) => EvaluateError::Storage(message.to_string()),
        SelectLinesError::Overloaded => EvaluateError::Overloaded,
    }
}

/// The error for a query that was stopped.
pub(crate) const fn stopped(stop: Stop) -> EvaluateError {
    match stop {
        Stop::Cancelled => EvaluateError::Cancelled,
        Stop::TimedOut => EvaluateError::TimedOut,
    }
}

/// Runs `work` on up to `threads` threads, the caller's among them, and answers with what each made, or the first error.
pub(crate) fn together<T: Send>(threads: usize, work: &(dyn Fn() -> Result<T, EvaluateError> + Sync)) -> Result<Vec<T>, EvaluateError> {
    if threads <= 1 {
        return work().map(|one| vec![one]);
    }
    std::thread::scope(|scope| {
        let spawn = |number: usize| std::thread::Builder::new().name(format!("logs-query-{number}")).spawn_scoped(scope, work);
        // Without helpers the query is slower, no more.
        let helpers: Vec<_> = (1..threads).map_while(|number| spawn(number).ok()).collect();
        let mut results = vec![work()];
        for helper in helpers {
            results.push(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results.into_iter().collect()
    })
}
