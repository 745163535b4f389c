//! Answers used again: for the same window as long as nothing it read changed, and step by step for windows that
//! overlap one asked for before, so that a dashboard that follows the clock computes only what is new.
//!
//! Right by construction, not by expiry: the store tells how far back it changed ([`ChangeLog`]), whether by samples
//! (late ones too), deletions or retention, and an answer (or the part of it) that looked at anything that new is
//! computed again. Kept is what [`keep`] has room for; of many who ask the same at the same time one computes
//! ([`flight`]). Which queries can be had step by step says [`depend`]; those that give annotations or histograms are
//! left out too. Steps used again are equal to computed ones up to the rounding of sums, which depends on
//! the window anyhow.

pub(crate) mod depend;
mod flight;
mod keep;
mod stitch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::depend::Newest;
use self::flight::{Flights, Lead, Turn};
use self::keep::{Keep, Kept, Key};
use super::ast::Expr;
use super::engine::{Engine, Options, parse_query};
use super::eval::context::{Outcome, stopped};
use crate::series::changes::ChangeLog;
use crate::series::ports::{Answer, EvalStats, EvaluateError, Question, When};
use crate::series::value::Value;

/// What may be taken from answers that were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// Nothing, and nothing is kept.
    #[default]
    Nothing,
    /// Answers for the same window, statistics and all.
    Windows,
    /// Steps of other windows too; statistics then tell what was computed.
    Steps,
}

/// What reuse did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReuseCounts {
    /// Questions answered without computing anything.
    pub whole: u64,
    /// Questions of which some steps were computed.
    pub partial: u64,
    /// Questions computed from the beginning.
    pub missed: u64,
    /// Bytes held.
    pub bytes: usize,
    /// Answers held.
    pub answers: usize,
}

/// The answers kept by an engine.
#[derive(Debug)]
pub(crate) struct Answers {
    keep: Keep,
    flights: Flights,
    whole: AtomicU64,
    partial: AtomicU64,
    missed: AtomicU64,
}

/// One question on its way.
struct Ask<'a, 'q> {
    answers: &'a Answers,
    engine: &'a Engine,
    changes: &'a ChangeLog,
    question: &'a Question<'q>,
    options: &'a Options,
    key: Key,
}

/// The steps of a kept answer that can be used; the more, the better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Overlap {
    count: i64,
    /// The first one.
    from: i64,
    /// The last one.
    to: i64,
}

impl Answers {
    /// Of at most so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { keep: Keep::new(bytes_max), flights: Flights::default(), whole: 0.into(), partial: 0.into(), missed: 0.into() }
    }

    /// Keeps nothing of what was kept.
    pub(crate) fn forget(&self) {
        self.keep.clear();
    }

    /// What was done so far.
    pub(crate) fn counts(&self) -> ReuseCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (bytes, answers) = self.keep.size();
        ReuseCounts { whole: count(&self.whole), partial: count(&self.partial), missed: count(&self.missed), bytes, answers }
    }

    /// Answers a question, with what was kept where it still holds.
    pub(crate) fn answer(&self, engine: &Engine, changes: &ChangeLog, question: &Question<'_>, options: &Options) -> Outcome<Answer> {
        let key = Key::new(question.query, question.when, options.lookback_ms);
        let ask = Ask { answers: self, engine, changes, question, options, key };
        if let Some(kept) = ask.same_window() {
            self.whole.fetch_add(1, Ordering::Relaxed);
            return Ok(kept.answer.clone());
        }
        match self.flights.board(&ask.key, question.when) {
            Turn::Own(lead) => ask.lead(&lead),
            Turn::Others(flight) => {
                let kept = flight.wait(&question.cancel).map_err(stopped)?;
                // Begun before this question: it may have missed what was written in between.
                match kept.filter(|kept| ask.holds(kept)) {
                    Some(kept) => {
                        self.whole.fetch_add(1, Ordering::Relaxed);
                        Ok(kept.answer.clone())
                    }
                    None => ask.fresh().map(|kept| kept.answer.clone()),
                }
            }
        }
    }
}

impl Ask<'_, '_> {
    /// Whether an answer for the same window is still right.
    fn holds(&self, kept: &Kept) -> bool {
        kept.when == self.question.when
            && (kept.whole || self.options.reuse == Reuse::Steps)
            && self.changes.oldest_since(kept.generation) > kept.newest_read
    }

    fn same_window(&self) -> Option<Arc<Kept>> {
        self.answers.keep.find(&self.key, |kept| self.holds(kept).then_some(())).map(|(kept, ())| kept)
    }

    /// Computes for all who wait.
    fn lead(&self, lead: &Lead<'_>) -> Outcome<Answer> {
        let kept = match self.by_parts()? {
            Some(kept) => kept,
            None => self.fresh()?,
        };
        lead.share(&kept);
        Ok(kept.answer.clone())
    }

    /// Computes everything.
    fn fresh(&self) -> Outcome<Arc<Kept>> {
        self.answers.missed.fetch_add(1, Ordering::Relaxed);
        let generation = self.changes.generation();
        let expr = parse_query(self.question.query, self.options)?;
        let computed = self.engine.compute(&expr, self.question, self.options)?;
        let steps = self.usable_steps(&expr, &computed.answer, computed.newest_read);
        let newest_read = computed.newest_read;
        let kept = Arc::new(Kept { when: self.question.when, generation, newest_read, steps, whole: true, answer: computed.answer });
        self.answers.keep.put(self.key.clone(), Arc::clone(&kept), None);
        Ok(kept)
    }

    /// What the steps of an answer look at, if they may be used one by one.
    fn usable_steps(&self, expr: &Expr, answer: &Answer, newest_read: i64) -> Option<Newest> {
        let When::Range { end, .. } = self.question.when else { return None };
        let Value::Matrix(series) = &answer.value else { return None };
        let plain = series.iter().all(|one| one.histograms.is_empty()) && answer.warnings.is_empty() && answer.infos.is_empty();
        if !plain || self.options.delayed_name_removal {
            return None;
        }
        let newest = depend::newest(expr, self.options.lookback_ms)?;
        debug_assert!(newest_read <= newest.of_step(end), "{} looks further ahead than thought", self.question.query);
        (newest_read <= newest.of_step(end)).then_some(newest)
    }

    /// Uses the steps of a kept answer and computes those before and after; none if there is too little to use.
    fn by_parts(&self) -> Outcome<Option<Arc<Kept>>> {
        let (When::Range { start, end, step }, Reuse::Steps) = (self.question.when, self.options.reuse) else { return Ok(None) };
        if step <= 0 {
            return Ok(None);
        }
        let generation = self.changes.generation();
        let found = self.answers.keep.find(&self.key, |kept| self.overlap(kept));
        let Some((base, Overlap { from, to, .. })) = found else { return Ok(None) };
        let (Some(steps), Value::Matrix(there)) = (base.steps, &base.answer.value) else { return Ok(None) };
        let mut stats = EvalStats::default();
        let mut newest_read = steps.of_step(to);
        let mut compute = |expr: &Expr, part: When| -> Outcome<Option<Vec<_>>> {
            let computed = match self.engine.compute(expr, &Question { when: part, ..self.question.clone() }, self.options) {
                Ok(computed) => computed,
                Err(stop @ (EvaluateError::Cancelled | EvaluateError::TimedOut)) => return Err(stop),
                // Let the whole window say what is wrong.
                Err(_) => return Ok(None),
            };
            newest_read = newest_read.max(computed.newest_read);
            let Answer { value, warnings, infos, stats: of_part } = computed.answer;
            stats.samples_total += of_part.samples_total;
            stats.samples_peak = stats.samples_peak.max(of_part.samples_peak);
            stats.series = stats.series.max(of_part.series);
            Ok(match value {
                Value::Matrix(series) if warnings.is_empty() && infos.is_empty() => Some(series),
                _ => None,
            })
        };
        let mut parts = vec![stitch::cut(there, from, to)];
        let (before, after) = (from.saturating_sub(step), to.saturating_add(step));
        if before >= start || after <= end {
            let expr = parse_query(self.question.query, self.options)?;
            if before >= start {
                let Some(part) = compute(&expr, When::Range { start, end: before, step })? else { return Ok(None) };
                parts.insert(0, part);
            }
            if after <= end {
                let Some(part) = compute(&expr, When::Range { start: after, end, step })? else { return Ok(None) };
                parts.push(part);
            }
        }
        let (counter, is_new) = if parts.len() > 1 { (&self.answers.partial, true) } else { (&self.answers.whole, false) };
        counter.fetch_add(1, Ordering::Relaxed);
        let series = stitch::join(parts);
        let steps = series.iter().all(|one| one.histograms.is_empty()).then_some(steps);
        let answer = Answer { value: Value::Matrix(series), warnings: Vec::new(), infos: Vec::new(), stats };
        let kept = Arc::new(Kept { when: self.question.when, generation, newest_read, steps, whole: false, answer });
        if is_new {
            let covers = span(kept.when) >= span(base.when);
            self.answers.keep.put(self.key.clone(), Arc::clone(&kept), covers.then_some(&base));
        }
        Ok(Some(kept))
    }

    /// The steps of the window that a kept answer has and that still hold, if they are at least half of it.
    fn overlap(&self, kept: &Kept) -> Option<Overlap> {
        let (When::Range { start, end, step }, When::Range { start: first, end: last, .. }) = (self.question.when, kept.when) else {
            return None;
        };
        let steps = kept.steps?;
        let changed = self.changes.oldest_since(kept.generation);
        if steps.fixed >= changed {
            return None;
        }
        let holds_to =
            if steps.ahead == i64::MIN || changed == i64::MAX { i64::MAX } else { changed.saturating_sub(steps.ahead).saturating_sub(1) };
        let from = start.max(first);
        let span = end.min(last).min(holds_to).checked_sub(from).filter(|span| *span >= 0)?;
        let (count, wanted) = (span / step + 1, end.saturating_sub(start) / step + 1);
        (count.saturating_mul(2) >= wanted).then(|| Overlap { count, from, to: from + span / step * step })
    }
}

fn span(when: When) -> i64 {
    match when {
        When::Instant(_) => 0,
        When::Range { start, end, .. } => end.saturating_sub(start),
    }
}
