//! `anchored` and `smoothed`: ranges that take the sample before them along, or interpolate at their ends.

use std::sync::Arc;

use crate::metrics::query::annotations::{Annotations, Note, Operation};
use crate::metrics::query::ast::{Extension, Span};
use crate::metrics::query::histogram::Incompatible;
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::value::Point;

use super::Function;
use super::rate::annotate;
use super::window::{Task, Window};

/// The samples of a window that matter: `first` may lie before it, `last` (smoothed) behind it.
struct Reach {
    first: usize,
    last: usize,
}

/// `None` when nothing lies inside of the window.
fn reach(ts: &[i64], start: i64, end: i64, smoothed: bool) -> Option<Reach> {
    let mut last = ts.len().checked_sub(1)?;
    let first = ts[..last].partition_point(|&at| at <= start).saturating_sub(1);
    if smoothed {
        last = ts[..last].partition_point(|&at| at < end);
    }
    if ts[last] <= start || (smoothed && ts[first] > end) {
        return None;
    }
    Some(Reach { first, last })
}

/// The value at `at` on the line between two samples; a counter that restarted comes from zero.
pub(crate) fn interpolate(from: (i64, f64), to: (i64, f64), at: i64, is_counter: bool) -> f64 {
    let start = if is_counter && to.1 < from.1 { 0.0 } else { from.1 };
    start + (to.1 - start) * (at - from.0) as f64 / (to.0 - from.0) as f64
}

fn ends(ts: &[i64], floats: &[f64], reach: &Reach, bounds: (i64, i64), smoothed: bool, is_counter: bool) -> (f64, f64) {
    let point = |at: usize| (ts[at], floats[at]);
    let Reach { first, last } = *reach;
    let left = if smoothed && ts[first] < bounds.0 && first + 1 < ts.len() {
        interpolate(point(first), point(first + 1), bounds.0, is_counter)
    } else {
        floats[first]
    };
    let right = if smoothed && last > 0 && ts[last] > bounds.1 {
        interpolate(point(last - 1), point(last), bounds.1, is_counter)
    } else {
        floats[last]
    };
    (left, right)
}

/// `rate`, `increase` and `delta` of an extended range.
pub(crate) fn rate(task: &Task<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Point> {
    let is_counter = task.function != Function::Delta;
    match (window.floats.is_empty(), window.histograms.is_empty()) {
        (true, true) => None,
        (false, false) => {
            task.note(notes, &Note::MixedFloatsHistograms(task.name));
            None
        }
        (false, true) => {
            let mut increase = float_increase(task, window, is_counter)?;
            if task.function == Function::Rate {
                increase /= task.range_secs();
            }
            Some(Point::Float(increase))
        }
        (true, false) => {
            let mut increase = histogram_increase(task, window, is_counter, notes)?;
            if task.function == Function::Rate {
                increase.divide(task.range_secs());
            }
            increase.reset_hint = ResetHint::Gauge;
            increase.compact();
            Some(Point::Histogram(Arc::new(increase)))
        }
    }
}

fn float_increase(task: &Task<'_>, window: &Window<'_>, is_counter: bool) -> Option<f64> {
    let smoothed = task.extension == Extension::Smoothed;
    let (ts, floats) = (window.ts, window.floats);
    let reach = reach(ts, window.start, window.end, smoothed)?;
    let (left, right) = ends(ts, floats, &reach, (window.start, window.end), smoothed, is_counter);
    let mut increase = right - left;
    if is_counter {
        // Resets at the ends are in the interpolation already.
        let from = reach.first + usize::from(ts[reach.first] <= window.start);
        let to = if ts[reach.last] >= window.end { reach.last } else { reach.last + 1 };
        let mut before = left;
        let mut correction = 0.0;
        for &value in floats.get(from..to).unwrap_or(&[]).iter().chain([&right]) {
            if value < before {
                correction += before;
            }
            before = value;
        }
        increase += correction;
    }
    Some(increase)
}

fn histogram_increase(task: &Task<'_>, window: &Window<'_>, is_counter: bool, notes: &mut Annotations) -> Option<Histogram> {
    let smoothed = task.extension == Extension::Smoothed;
    let (ts, points) = (window.histogram_ts, window.histograms);
    let reach = reach(ts, window.start, window.end, smoothed)?;
    let Reach { first, last } = reach;
    let custom = points[first].has_custom_buckets();
    for point in &points[first..=last.max(first)] {
        if point.has_custom_buckets() != custom {
            task.note(notes, &Note::MixedSchemas(task.name));
            return None;
        }
        if is_counter && point.reset_hint == ResetHint::Gauge {
            task.note(notes, &Note::NotACounter(task.name));
        }
    }
    let mut between = |from: usize, to: usize, at: i64| {
        let result = interpolate_histograms((ts[from], &points[from]), (ts[to], &points[to]), at, is_counter, notes, task.span);
        result.map_err(|_| notes.add(task.span, &Note::MixedSchemas(task.name))).ok()
    };
    let left = if smoothed && ts[first] < window.start && first + 1 < ts.len() {
        between(first, first + 1, window.start)?
    } else {
        Histogram::clone(&points[first])
    };
    let right =
        if smoothed && last > 0 && ts[last] > window.end { between(last - 1, last, window.end)? } else { Histogram::clone(&points[last]) };
    if !is_counter && (left.reset_hint != ResetHint::Gauge || right.reset_hint != ResetHint::Gauge) {
        task.note(notes, &Note::NotAGauge(task.name));
    }
    let mut increase = right.clone();
    let combined = increase.subtract(&left);
    annotate(task, notes, combined.map(|done| done.bounds_reconciled), Operation::Subtract)?;
    if is_counter {
        for lost in lost_in_resets(points, ts, &reach, &left, &right, smoothed.then_some(window.start)) {
            let combined = increase.add(lost);
            annotate(task, notes, combined.map(|done| done.bounds_reconciled), Operation::Add)?;
        }
    }
    Some(increase)
}

/// What the counter had before each restart between the ends.
fn lost_in_resets<'a>(
    points: &'a [Arc<Histogram>],
    ts: &[i64],
    reach: &Reach,
    left: &'a Histogram,
    right: &'a Histogram,
    interpolated_from: Option<i64>,
) -> Vec<&'a Histogram> {
    let mut from = reach.first + 1;
    let mut before = left;
    if let Some(start) = interpolated_from
        && let Some(second) = points.get(from)
        && ts[reach.first] < start
        && second.is_reset_after(&points[reach.first])
    {
        // That restart is in the interpolated left end already.
        before = second;
        from += 1;
    }
    let mut lost = Vec::new();
    // The right end stands for the last sample, whose hint must not count twice.
    if from > reach.last {
        return lost;
    }
    for point in &points[from..reach.last] {
        if point.is_reset_after(before) {
            lost.push(before);
        }
        before = point;
    }
    if right.is_reset_after(before) {
        lost.push(before);
    }
    lost
}

/// The histogram at `at` between two samples.
pub(crate) fn interpolate_histograms(
    from: (i64, &Histogram),
    to: (i64, &Histogram),
    at: i64,
    is_counter: bool,
    notes: &mut Annotations,
    span: Span,
) -> Result<Histogram, Incompatible> {
    if at == from.0 {
        return Ok(from.1.clone());
    }
    let mut result = to.1.clone();
    if at == to.0 {
        return Ok(result);
    }
    let fraction = (at - from.0) as f64 / (to.0 - from.0) as f64;
    if is_counter && to.1.is_reset_after(from.1) {
        result.scale(fraction);
        return Ok(result);
    }
    if result.subtract(from.1)?.bounds_reconciled {
        notes.add(span, &Note::BoundsReconciled(Operation::Subtract));
    }
    result.scale(fraction);
    if result.add(from.1)?.bounds_reconciled {
        notes.add(span, &Note::BoundsReconciled(Operation::Add));
    }
    Ok(result)
}

/// The samples of an anchored or smoothed range with values at both of its ends.
pub(crate) fn with_ends(ts: &[i64], floats: &[f64], start: i64, end: i64, smoothed: bool) -> Vec<(i64, f64)> {
    let Some(mut last) = ts.len().checked_sub(1) else { return Vec::new() };
    let first = ts[..last].partition_point(|&at| at <= start).saturating_sub(1);
    if smoothed {
        last = ts[..last].partition_point(|&at| at < end);
    }
    if ts[last] <= start {
        return Vec::new();
    }
    let (left, right) = ends(ts, floats, &Reach { first, last }, (start, end), smoothed, false);
    let inside = ts.iter().copied().zip(floats.iter().copied()).skip(first).take(last + 1 - first.min(last));
    let inside = inside.filter(|&(at, _)| at > start && at < end);
    [(start, left)].into_iter().chain(inside).chain([(end, right)]).collect()
}
