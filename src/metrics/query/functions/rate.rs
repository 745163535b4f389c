//! `rate`, `increase`, `delta` with extrapolation to the ends of the range, and `irate`, `idelta`.

use std::sync::Arc;

use crate::metrics::query::annotations::{Annotations, Note, Operation};
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::value::Point;

use super::Function;
use super::window::{Task, Window};

/// Whether the start timestamp of the current sample says that the counter restarted after the previous one.
pub(crate) const fn is_start_reset(previous_start: i64, previous_ts: i64, start: i64, ts: i64) -> bool {
    // Unknown (0), invalid (after the sample) or OpenTelemetry's "unknown" (at the sample).
    if start == 0 || start >= ts || start < previous_ts {
        return false;
    }
    if start > previous_ts {
        return true;
    }
    // It points at the previous sample: a delta series, unless the previous start was unknown or invalid.
    previous_start <= previous_ts && previous_start != 0 && previous_start != previous_ts
}

/// Whether the start timestamp lies before the previous sample without being that sample's own.
const fn overlaps(previous_start: i64, previous_ts: i64, start: i64) -> bool {
    start != 0 && start < previous_ts && start != previous_start
}

/// First and last sample of a window and how many there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampled {
    /// Time of the first sample (ms).
    pub(crate) first_ts: i64,
    /// Time of the last sample (ms).
    pub(crate) last_ts: i64,
    /// Samples but one.
    pub(crate) intervals: usize,
    /// The first value (count, for histograms).
    pub(crate) first: f64,
}

impl Sampled {
    /// By what the increase between first and last sample is multiplied to stand for the whole range.
    /// `increase` is that between the samples; `is_counter` keeps the start from going below zero.
    #[inline]
    pub(crate) fn factor(&self, start: i64, end: i64, increase: f64, is_counter: bool) -> f64 {
        let interval = (self.last_ts - self.first_ts) as f64 / 1000.0;
        let mut to_start = (self.first_ts - start) as f64 / 1000.0;
        let mut to_end = (end - self.last_ts) as f64 / 1000.0;
        let average = interval / self.intervals as f64;
        let threshold = average * 1.1;
        if to_start >= threshold {
            to_start = average / 2.0;
        }
        if is_counter && increase > 0.0 && self.first >= 0.0 {
            let to_zero = interval * (self.first / increase);
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        if to_end >= threshold {
            to_end = average / 2.0;
        }
        (interval + to_start + to_end) / interval
    }
}

/// `rate`, `increase`, `delta`.
pub(crate) fn extrapolated(task: &Task<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Point> {
    let is_counter = task.function != Function::Delta;
    if !window.floats.is_empty() && !window.histograms.is_empty() {
        task.note(notes, &Note::MixedFloatsHistograms(task.name));
        return None;
    }
    let of_floats = !window.floats.is_empty();
    let (ts, starts) = if of_floats { (window.ts, window.starts) } else { (window.histogram_ts, window.histogram_starts) };
    let (&first_ts, &last_ts) = (ts.first()?, ts.last()?);
    let mut increase = 0.0;
    let mut histogram = None;
    if of_floats {
        increase = float_increase(task, window, is_counter, notes);
    } else if ts.len() > 1 {
        histogram = Some(histogram_increase(task, window, is_counter, notes)?);
    }
    let first = if of_floats { window.floats[0] } else { window.histograms[0].count };
    let sampled = Sampled { first_ts, last_ts, intervals: ts.len() - 1, first };
    let born_inside = starts.first().copied().filter(|&born| is_counter && born != 0 && born > window.start && born < first_ts);
    let mut factor = if let Some(born) = born_inside {
        // The counter was zero when it was born: no need to guess how far back it goes.
        if of_floats {
            increase += window.floats[0];
        } else if let Some(sum) = &mut histogram {
            let combined = sum.add(&window.histograms[0]);
            annotate(task, notes, combined.map(|done| done.bounds_reconciled), Operation::Add)?;
        } else {
            histogram = Some(Histogram::clone(&window.histograms[0]));
        }
        factor_since_birth(&sampled, born, window.end)
    } else if sampled.intervals == 0 {
        return None;
    } else if sampled.first_ts == sampled.last_ts {
        1.0
    } else {
        sampled.factor(window.start, window.end, histogram.as_ref().map_or(increase, |sum| sum.count), is_counter)
    };
    if task.function == Function::Rate {
        factor /= task.range_secs();
    }
    Some(match histogram {
        None => Point::Float(increase * factor),
        Some(mut sum) => {
            sum.scale(factor);
            Point::Histogram(Arc::new(sum))
        }
    })
}

fn factor_since_birth(sampled: &Sampled, born: i64, end: i64) -> f64 {
    let between = (sampled.last_ts - sampled.first_ts) as f64 / 1000.0;
    let average = if sampled.intervals > 0 { between / sampled.intervals as f64 } else { 0.0 };
    let mut to_end = (end - sampled.last_ts) as f64 / 1000.0;
    if to_end >= average * 1.1 {
        to_end = average / 2.0;
    }
    let interval = (sampled.last_ts - born) as f64 / 1000.0;
    if interval == 0.0 { 1.0 } else { (interval + to_end) / interval }
}

fn float_increase(task: &Task<'_>, window: &Window<'_>, is_counter: bool, notes: &mut Annotations) -> f64 {
    let floats = window.floats;
    let mut increase = floats[floats.len() - 1] - floats[0];
    if !is_counter {
        return increase;
    }
    let mut overlap_seen = false;
    for at in 1..floats.len() {
        let mut restarted = floats[at] < floats[at - 1];
        if let Some(&start) = window.starts.get(at) {
            let (previous_start, previous_ts) = (window.starts[at - 1], window.ts[at - 1]);
            if !overlap_seen && overlaps(previous_start, previous_ts, start) {
                task.note(notes, &Note::StartTimeOverlap(task.name));
                overlap_seen = true;
            }
            restarted = restarted || is_start_reset(previous_start, previous_ts, start, window.ts[at]);
        }
        if restarted {
            increase += floats[at - 1];
        }
    }
    increase
}

/// Notes what combining histograms brought about; `None` when they could not be combined.
pub(crate) fn annotate(
    task: &Task<'_>,
    notes: &mut Annotations,
    reconciled: Result<bool, crate::metrics::query::histogram::Incompatible>,
    operation: Operation,
) -> Option<()> {
    match reconciled {
        Err(_) => {
            task.note(notes, &Note::MixedSchemas(task.name));
            None
        }
        Ok(reconciled) => {
            if reconciled {
                task.note(notes, &Note::BoundsReconciled(operation));
            }
            Some(())
        }
    }
}

fn histogram_increase(task: &Task<'_>, window: &Window<'_>, is_counter: bool, notes: &mut Annotations) -> Option<Histogram> {
    let points = window.histograms;
    let (first, last) = (&*points[0], &*points[points.len() - 1]);
    let restarted = |at: usize, previous: &Histogram| {
        let by_start = window.histogram_starts.get(at).is_some_and(|&start| {
            is_start_reset(window.histogram_starts[at - 1], window.histogram_ts[at - 1], start, window.histogram_ts[at])
        });
        by_start || points[at].is_reset_after(previous)
    };
    if is_counter && (first.reset_hint == ResetHint::Gauge || last.reset_hint == ResetHint::Gauge) {
        task.note(notes, &Note::NotACounter(task.name));
    }
    // After a reset right behind the first sample nothing of it counts, not even its layout.
    let blank;
    let mut previous = first;
    if is_counter && restarted(1, first) {
        blank = Histogram { schema: points[1].schema, custom_bounds: points[1].custom_bounds.clone(), ..Histogram::default() };
        previous = &blank;
    }
    let custom = previous.has_custom_buckets();
    let mut fits = last.has_custom_buckets() == custom;
    let mut schema = last.schema.min(previous.schema);
    if is_counter && fits {
        for middle in &points[1..points.len() - 1] {
            if middle.reset_hint == ResetHint::Gauge {
                task.note(notes, &Note::NotACounter(task.name));
            }
            schema = schema.min(middle.schema);
            fits &= middle.has_custom_buckets() == custom;
        }
    }
    if !fits {
        task.note(notes, &Note::MixedSchemas(task.name));
        return None;
    }
    let mut increase = last.at_schema(schema);
    let combined = increase.subtract(previous);
    annotate(task, notes, combined.map(|done| done.bounds_reconciled), Operation::Subtract)?;
    if is_counter {
        let mut overlap_seen = false;
        for (at, point) in points.iter().enumerate().skip(1) {
            if let Some(&start) = window.histogram_starts.get(at)
                && !overlap_seen
                && overlaps(window.histogram_starts[at - 1], window.histogram_ts[at - 1], start)
            {
                task.note(notes, &Note::StartTimeOverlap(task.name));
                overlap_seen = true;
            }
            if restarted(at, previous) {
                let combined = increase.add(previous);
                annotate(task, notes, combined.map(|done| done.bounds_reconciled), Operation::Add)?;
            }
            previous = point;
        }
    } else if first.reset_hint != ResetHint::Gauge || last.reset_hint != ResetHint::Gauge {
        task.note(notes, &Note::NotAGauge(task.name));
    }
    increase.reset_hint = ResetHint::Gauge;
    increase.compact();
    Some(increase)
}

/// One of the last two samples.
#[derive(Clone, Copy)]
struct Newest<'a> {
    ts: i64,
    start: i64,
    float: f64,
    histogram: Option<&'a Histogram>,
}

/// The last two samples of either kind, older first.
fn newest_two<'a>(window: &Window<'a>) -> Option<[Newest<'a>; 2]> {
    let start = |list: &[i64], at: usize| list.get(at).copied().unwrap_or(0);
    let mut found: Vec<Newest<'a>> = Vec::with_capacity(4);
    for at in window.floats.len().saturating_sub(2)..window.floats.len() {
        found.push(Newest { ts: window.ts[at], start: start(window.starts, at), float: window.floats[at], histogram: None });
    }
    for at in window.histograms.len().saturating_sub(2)..window.histograms.len() {
        let histogram = Some(&*window.histograms[at]);
        found.push(Newest { ts: window.histogram_ts[at], start: start(window.histogram_starts, at), float: 0.0, histogram });
    }
    found.sort_by_key(|sample| sample.ts);
    let len = found.len();
    (len >= 2).then(|| [found[len - 2], found[len - 1]])
}

/// `irate` and `idelta`.
pub(crate) fn instant(task: &Task<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Point> {
    let is_rate = task.function == Function::Irate;
    let [before, now] = newest_two(window)?;
    let interval = now.ts - before.ts;
    if interval == 0 {
        return None;
    }
    let secs = interval as f64 / 1000.0;
    let start_reset = is_start_reset(before.start, before.ts, now.start, now.ts);
    match (before.histogram, now.histogram) {
        (None, None) => {
            let restarted = is_rate && (now.float < before.float || start_reset);
            let increase = if restarted { now.float } else { now.float - before.float };
            Some(Point::Float(if is_rate { increase / secs } else { increase }))
        }
        (Some(previous), Some(current)) => {
            let gauge = |histogram: &Histogram| histogram.reset_hint == ResetHint::Gauge;
            if is_rate && (gauge(current) || gauge(previous)) {
                task.note(notes, &Note::NotACounter(task.name));
            }
            if !is_rate && [current, previous].into_iter().any(|histogram| !gauge(histogram)) {
                task.note(notes, &Note::NotAGauge(task.name));
            }
            let mut increase = current.clone();
            if !is_rate || !(start_reset || current.is_reset_after(previous)) {
                let combined = increase.subtract(previous);
                annotate(task, notes, combined.map(|done| done.bounds_reconciled), Operation::Subtract)?;
            }
            increase.reset_hint = ResetHint::Gauge;
            increase.compact();
            if is_rate {
                increase.divide(secs);
            }
            Some(Point::Histogram(Arc::new(increase)))
        }
        _ => {
            task.note(notes, &Note::MixedFloatsHistograms(task.name));
            None
        }
    }
}
