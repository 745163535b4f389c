//! From the samples of one series to its row.

use std::sync::Arc;

use crate::metrics::query::annotations::{Annotations, Note};
use crate::metrics::query::ast::{Extension, Span};
use crate::metrics::query::functions::Function;
use crate::metrics::query::functions::extended::{interpolate, interpolate_histograms};
use crate::metrics::query::functions::window::{Task, Window, evaluate};
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::sample::{SampleBuf, is_stale};
use crate::series::value::Point;

use super::context::{Context, Outcome, failed};
use super::kernel::{self, Times, advance};
use super::matrix::{Matrix, RowBuf, Steps, absent, is_absent, present};
use super::scan::{Leaf, Program, Scratch, Source, Tell, Windows, read};

/// Makes rows.
pub(crate) struct Reader<'a, 'q> {
    /// Shared by the evaluation.
    pub(crate) ctx: &'a Context<'q>,
    /// What to make.
    pub(crate) program: &'a Program,
}

impl Reader<'_, '_> {
    /// Makes the row of a series in `scratch.row`.
    pub(crate) fn row(&self, index: usize, scratch: &mut Scratch) -> Outcome<()> {
        let count = self.program.steps.count;
        if let (Source::Computed(matrix, _), Leaf::Row) = (&self.program.source, &self.program.leaf) {
            scratch.row.load(&matrix.series[index].row, count);
            return Ok(());
        }
        match &self.program.source {
            Source::Stored { series, range } => {
                read(&*series[index], *range, &mut scratch.samples)?;
                self.ctx.live.admit(scratch.samples.len() + count)?;
            }
            Source::Computed(matrix, steps) => to_samples(matrix, index, steps, &mut scratch.samples),
        }
        scratch.row.reset(count);
        if scratch.samples.is_empty() {
            return Ok(());
        }
        match &self.program.leaf {
            Leaf::Newest { times, tell, statistics_only } => {
                if *statistics_only {
                    keep_statistics(&mut scratch.samples);
                }
                self.newest(index, times, *tell, scratch)?;
            }
            Leaf::Smoothed { times, span } => {
                remove_stale(&mut scratch.samples);
                self.smoothed(index, times, *span, scratch);
            }
            Leaf::Windows(windows) => {
                if windows.statistics_only {
                    keep_statistics(&mut scratch.samples);
                }
                remove_stale(&mut scratch.samples);
                self.windows(index, windows, scratch)?;
            }
            Leaf::Row => {}
        }
        Ok(())
    }

    fn newest(&self, index: usize, times: &Times, tell: Tell, scratch: &mut Scratch) -> Outcome<()> {
        let Scratch { samples, row, samples_total, per_step, .. } = scratch;
        let lookback = self.ctx.options.lookback_ms;
        if samples.histogram_ts.is_empty() && tell == Tell::Value {
            let found = kernel::newest(&samples.float_ts, &samples.floats, times, lookback, &mut row.values);
            *samples_total += found;
            self.count_present(row, per_step);
            return Ok(());
        }
        let (mut float_to, mut histogram_to) = (0, 0);
        for step in 0..times.count {
            let end = times.at(step);
            float_to = advance(&samples.float_ts, float_to, end);
            histogram_to = advance(&samples.histogram_ts, histogram_to, end);
            let float = float_to.checked_sub(1).map(|at| (samples.float_ts[at], at));
            let histogram = histogram_to.checked_sub(1).map(|at| (samples.histogram_ts[at], at));
            let is_float = match (float, histogram) {
                (Some((a, _)), Some((b, _))) => a > b,
                (float, _) => float.is_some(),
            };
            let Some((ts, at)) = (if is_float { float } else { histogram }) else { continue };
            let stale = if is_float { is_stale(samples.floats[at]) } else { samples.histograms[at].is_stale() };
            if ts <= end.saturating_sub(lookback) || stale {
                continue;
            }
            let starts = if is_float { &samples.float_start_ts } else { &samples.histogram_start_ts };
            match tell {
                Tell::Timestamp => row.values[step] = ts as f64 / 1000.0,
                Tell::TimestampMs if !is_float => {
                    let labels = self.program.source.labels(index);
                    return failed(format!("this should be an info metric, with float samples: {labels}"));
                }
                Tell::TimestampMs => row.values[step] = ts as f64,
                Tell::StartTimestamp => row.values[step] = starts.get(at).copied().unwrap_or(0) as f64 / 1000.0,
                Tell::Value if is_float => row.values[step] = samples.floats[at],
                Tell::Value => row.histograms.push((step as u32, Arc::clone(&samples.histograms[at]))),
            }
            *samples_total += if is_float { 1 } else { samples.histograms[at].size_in_samples() as u64 };
        }
        self.count_present(row, per_step);
        Ok(())
    }

    fn count_present(&self, row: &RowBuf, per_step: &mut Vec<u64>) {
        if self.ctx.options.per_step_stats {
            per_step.resize(row.values.len(), 0);
            for (count, _) in per_step.iter_mut().zip(&row.values).filter(|(_, value)| !is_absent(**value)) {
                *count += 1;
            }
            for (step, histogram) in &row.histograms {
                per_step[*step as usize] += histogram.size_in_samples() as u64;
            }
        }
    }

    fn smoothed(&self, index: usize, times: &Times, span: Span, scratch: &mut Scratch) {
        let Scratch { samples, row, notes, .. } = scratch;
        let name = self.program.source.labels(index).metric_name();
        let lookback = self.ctx.options.lookback_ms;
        for step in 0..times.count {
            let at = times.at(step);
            let inside = |ts: &[i64]| {
                let from = ts.partition_point(|&ts| ts <= at.saturating_sub(lookback));
                from..ts.partition_point(|&ts| ts <= at.saturating_add(lookback)).max(from)
            };
            let (floats, histograms) = (inside(&samples.float_ts), inside(&samples.histogram_ts));
            if !floats.is_empty() && !histograms.is_empty() {
                notes.add(span, &Note::MixedFloatsHistograms(name));
            } else if !floats.is_empty() {
                let value = smoothed_float(&samples.float_ts[floats.clone()], &samples.floats[floats], at);
                row.values[step] = value.map_or_else(absent, present);
            } else if !histograms.is_empty() {
                let (ts, list) = (&samples.histogram_ts[histograms.clone()], &samples.histograms[histograms]);
                row.histograms.extend(smoothed_histogram(ts, list, at, name, span, notes).map(|value| (step as u32, value)));
            }
        }
    }

    fn windows(&self, index: usize, windows: &Windows, scratch: &mut Scratch) -> Outcome<()> {
        let Scratch { samples, row, notes, samples_total, per_step } = scratch;
        let name = self.program.source.labels(index).metric_name();
        let (before, after) = margins(windows.extension, self.ctx.options.lookback_ms);
        let plain = windows.extension == Extension::None
            && samples.histogram_ts.is_empty()
            && (samples.float_start_ts.is_empty() || !windows.use_starts);
        let Windows { function, times, range, .. } = windows;
        let fast = plain.then(|| kernel::windows(*function, &samples.float_ts, &samples.floats, times, *range, &mut row.values)).flatten();
        if let Some(visited) = fast
            && !self.ctx.options.per_step_stats
        {
            *samples_total += visited;
            self.after_windows(index, windows, row, notes);
            return Ok(());
        }
        let mut task =
            Task { function: *function, range: *range, extension: windows.extension, name, span: windows.span, params: [0.0; 2] };
        let length = range.saturating_add(before).saturating_add(after);
        if self.ctx.options.per_step_stats {
            per_step.resize(times.count, 0);
        }
        let starts = |list, range| if windows.use_starts { part(list, range) } else { &[] };
        let (mut from, mut to, mut histogram_from, mut histogram_to) = (0, 0, 0, 0);
        let mut work = 0;
        for step in 0..times.count {
            let end = times.at(step);
            let (last, first) = (end.saturating_add(after), end.saturating_add(after).saturating_sub(length));
            to = advance(&samples.float_ts, to, last);
            from = advance(&samples.float_ts, from, first).min(to);
            histogram_to = advance(&samples.histogram_ts, histogram_to, last);
            histogram_from = advance(&samples.histogram_ts, histogram_from, first).min(histogram_to);
            let mut size = (to - from) as u64;
            let histograms = &samples.histograms[histogram_from..histogram_to];
            if size == 0 && histograms.is_empty() {
                continue;
            }
            size += histograms.iter().map(|histogram| histogram.size_in_samples() as u64).sum::<u64>();
            *samples_total += size;
            if let Some(slot) = per_step.get_mut(step) {
                *slot += size;
            }
            if fast.is_some() {
                continue;
            }
            work += size;
            if work > 100_000 {
                work = 0;
                self.ctx.check()?;
            }
            for (slot, param) in task.params.iter_mut().zip(&windows.params) {
                *slot = param.at(step);
            }
            let window = Window {
                ts: &samples.float_ts[from..to],
                floats: &samples.floats[from..to],
                starts: starts(&samples.float_start_ts, from..to),
                histogram_ts: &samples.histogram_ts[histogram_from..histogram_to],
                histograms,
                histogram_starts: starts(&samples.histogram_start_ts, histogram_from..histogram_to),
                start: end.saturating_sub(*range),
                end,
                at: self.program.steps.at(step),
            };
            match evaluate(&task, &window, notes)? {
                Some(Point::Float(value)) => row.values[step] = present(value),
                Some(Point::Histogram(histogram)) => row.histograms.push((step as u32, histogram)),
                None => {}
            }
        }
        self.after_windows(index, windows, row, notes);
        Ok(())
    }

    /// Says so when a rate was taken of what is no counter by name or type.
    fn after_windows(&self, index: usize, windows: &Windows, row: &RowBuf, notes: &mut Annotations) {
        if !matches!(windows.function, Function::Rate | Function::Increase) || row.values.iter().all(|&value| is_absent(value)) {
            return;
        }
        let span = windows.span;
        let labels = self.program.source.labels(index);
        let name = labels.metric_name();
        if name.is_empty() {
            return;
        }
        if self.ctx.options.type_and_unit_labels {
            let kind = labels.get("__type__").unwrap_or("");
            if kind != "counter" && kind != "histogram" {
                notes.add(span, &Note::PossibleNonCounterType { name, kind });
            }
        } else if !["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix)) {
            notes.add(span, &Note::PossibleNonCounter(name));
        }
    }
}

/// A part of a list that may be empty though its partner is not.
fn part(list: &[i64], range: std::ops::Range<usize>) -> &[i64] {
    list.get(range).unwrap_or(&[])
}

/// How far an extended range reaches beyond its ends (ms).
pub(crate) const fn margins(extension: Extension, lookback: i64) -> (i64, i64) {
    match extension {
        Extension::None => (0, 0),
        Extension::Anchored => (lookback, 0),
        Extension::Smoothed => (lookback, lookback),
    }
}

/// A computed series as samples. Reset hints say nothing any more, as samples may be missing or repeated.
fn to_samples(matrix: &Matrix, index: usize, steps: &Steps, samples: &mut SampleBuf) {
    samples.clear();
    let row = &matrix.series[index].row;
    for (step, value) in row.floats() {
        samples.push_float(steps.at(step), value);
    }
    for (step, histogram) in row.histograms() {
        let mut histogram = Arc::clone(histogram);
        if matches!(histogram.reset_hint, ResetHint::Reset | ResetHint::NotReset) {
            histogram = Arc::new(Histogram { reset_hint: ResetHint::Unknown, ..Histogram::clone(&histogram) });
        }
        samples.push_histogram(steps.at(*step as usize), histogram);
    }
}

/// Drops buckets; whether the counter was reset is found out first.
fn keep_statistics(samples: &mut SampleBuf) {
    let mut before: Option<Arc<Histogram>> = None;
    for slot in &mut samples.histograms {
        if slot.is_stale() {
            continue;
        }
        let mut hint = slot.reset_hint;
        if let (ResetHint::Unknown, Some(before)) = (hint, &before) {
            hint = if slot.is_reset_after(before) { ResetHint::Reset } else { ResetHint::NotReset };
        }
        let statistics = Arc::new(slot.statistics(hint));
        before = Some(std::mem::replace(slot, statistics));
    }
}

fn remove_stale(samples: &mut SampleBuf) {
    if samples.floats.iter().any(|&value| is_stale(value)) {
        let keep: Vec<bool> = samples.floats.iter().map(|&value| !is_stale(value)).collect();
        retain(&mut samples.float_ts, &keep);
        retain(&mut samples.float_start_ts, &keep);
        retain(&mut samples.floats, &keep);
    }
    if samples.histograms.iter().any(|histogram| histogram.is_stale()) {
        let keep: Vec<bool> = samples.histograms.iter().map(|histogram| !histogram.is_stale()).collect();
        retain(&mut samples.histogram_ts, &keep);
        retain(&mut samples.histogram_start_ts, &keep);
        retain(&mut samples.histograms, &keep);
    }
}

fn retain<T>(list: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    list.retain(|_| keep.next().copied().unwrap_or(true));
}

fn smoothed_float(ts: &[i64], floats: &[f64], at: i64) -> Option<f64> {
    let next = ts.partition_point(|&ts| ts < at);
    if ts.get(next) == Some(&at) {
        return Some(floats[next]);
    }
    let before = next.checked_sub(1)?;
    if next == ts.len() {
        return Some(floats[before]);
    }
    Some(interpolate((ts[before], floats[before]), (ts[next], floats[next]), at, false))
}

fn smoothed_histogram(
    ts: &[i64],
    list: &[Arc<Histogram>],
    at: i64,
    name: &str,
    span: Span,
    notes: &mut Annotations,
) -> Option<Arc<Histogram>> {
    let next = ts.partition_point(|&ts| ts < at);
    if ts.get(next) == Some(&at) {
        return Some(Arc::clone(&list[next]));
    }
    let before = next.checked_sub(1)?;
    if next == ts.len() {
        // The hint is about the sample's place among others, which the value carried forward does not have.
        return Some(Arc::new(Histogram { reset_hint: ResetHint::Unknown, ..Histogram::clone(&list[before]) }));
    }
    let (from, to) = (&*list[before], &*list[next]);
    let is_counter = from.reset_hint != ResetHint::Gauge || to.reset_hint != ResetHint::Gauge;
    match interpolate_histograms((ts[before], from), (ts[next], to), at, is_counter, notes, span) {
        Ok(histogram) if from.has_custom_buckets() == to.has_custom_buckets() => Some(Arc::new(histogram)),
        _ => {
            notes.add(span, &Note::MixedSchemas(name));
            None
        }
    }
}
