//! Sums, extremes, deviations, trends and other figures of the samples in a window.

use std::sync::Arc;

use crate::metrics::query::annotations::{Annotations, Note, Operation};
use crate::metrics::query::ast::Extension;
use crate::metrics::query::eval::context::{Outcome, failed};
use crate::metrics::query::histogram::wide::Wide;
use crate::metrics::query::histogram::{Combined, Incompatible};
use crate::metrics::query::kahan::Kahan;
use crate::series::histogram::{Histogram, ResetHint};
use crate::series::value::Point;

use super::Function;
use super::rate::is_start_reset;
use super::window::{Task, Window};

/// Functions that look at floats alone, of which there is at least one (two for trends).
pub(crate) fn float_function(task: &Task<'_>, window: &Window<'_>) -> f64 {
    use Function as F;
    let floats = window.floats;
    match task.function {
        F::MaxOverTime => floats.iter().copied().reduce(larger).unwrap_or(f64::NAN),
        F::MinOverTime => floats.iter().copied().reduce(smaller).unwrap_or(f64::NAN),
        F::TsOfMaxOverTime => last_extreme(window, |now, best| now >= best),
        F::TsOfMinOverTime => last_extreme(window, |now, best| now <= best),
        F::QuantileOverTime => quantile(task.params[0], &mut floats.to_vec()),
        F::MadOverTime => median_deviation(floats),
        F::StdvarOverTime => variance(floats),
        F::StddevOverTime => variance(floats).sqrt(),
        F::Deriv => linear_regression(window.ts, floats, window.ts[0]).0,
        F::PredictLinear => {
            let (slope, intercept) = linear_regression(window.ts, floats, window.at);
            slope * task.params[0] + intercept
        }
        F::DoubleExponentialSmoothing => smooth(floats, task.params[0], task.params[1]),
        F::SumOverTime => sum(floats),
        F::AvgOverTime => average(floats),
        _ => f64::NAN,
    }
}

/// The larger of two; a number wins over NaN, the first of equals stays.
#[inline]
pub(crate) fn larger(best: f64, now: f64) -> f64 {
    if now > best || best.is_nan() { now } else { best }
}

/// The smaller of two; a number wins over NaN, the first of equals stays.
#[inline]
pub(crate) fn smaller(best: f64, now: f64) -> f64 {
    if now < best || best.is_nan() { now } else { best }
}

/// Compensated sum.
pub(crate) fn sum(floats: &[f64]) -> f64 {
    let mut total = Kahan::default();
    floats.iter().for_each(|&value| total.add(value));
    if total.sum.is_infinite() { total.sum } else { total.total() }
}

/// Mean; computed step by step once the sum would overflow.
pub(crate) fn average(floats: &[f64]) -> f64 {
    let Some((&first, rest)) = floats.split_first() else { return f64::NAN };
    let mut total = Kahan::new(first);
    let mut incremental = false;
    let mut count = 1.0;
    for &value in rest {
        count += 1.0;
        if !incremental {
            let mut next = total;
            next.add(value);
            if !next.sum.is_infinite() {
                total = next;
                continue;
            }
            incremental = true;
            total = total.divided(count - 1.0);
        }
        total = total.scaled((count - 1.0) / count);
        total.add(value / count);
    }
    if incremental { total.total() } else { total.sum / count + total.compensation / count }
}

fn last_extreme(window: &Window<'_>, better: impl Fn(f64, f64) -> bool) -> f64 {
    let (mut best, mut at) = (window.floats[0], window.ts[0]);
    for (&value, &ts) in window.floats.iter().zip(window.ts) {
        if better(value, best) || best.is_nan() {
            (best, at) = (value, ts);
        }
    }
    at as f64 / 1000.0
}

/// The value at share `q` of the sorted values, between neighbours in proportion. NaN sorts first.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    let order = |a: &f64, b: &f64| match (a.is_nan(), b.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal),
    };
    let (_, &mut low, above) = values.select_nth_unstable_by(lower, order);
    let high = if upper == lower { low } else { above.iter().copied().min_by(order).unwrap_or(low) };
    low * (1.0 - weight) + high * weight
}

fn median_deviation(floats: &[f64]) -> f64 {
    if floats.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let mut values = floats.to_vec();
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|value| *value = (*value - median).abs());
    quantile(0.5, &mut values)
}

/// Population variance, by Welford's method with compensation.
pub(crate) fn variance(floats: &[f64]) -> f64 {
    let (mut mean, mut squares) = (Kahan::default(), Kahan::default());
    let mut count = 0.0;
    for &value in floats {
        count += 1.0;
        let delta = value - mean.total();
        mean.add(delta / count);
        squares.add(delta * (value - mean.total()));
    }
    squares.total() / count
}

/// Slope per second, and value at `intercept_at` (ms), of the least-squares line.
pub(crate) fn linear_regression(ts: &[i64], floats: &[f64], intercept_at: i64) -> (f64, f64) {
    let first = floats[0];
    if floats[1..].iter().all(|&value| value == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let [mut sum_x, mut sum_y, mut sum_xy, mut sum_xx] = [Kahan::default(); 4];
    for (&at, &y) in ts.iter().zip(floats) {
        let x = (at - intercept_at) as f64 / 1e3;
        sum_x.add(x);
        sum_y.add(y);
        sum_xy.add(x * y);
        sum_xx.add(x * x);
    }
    let n = floats.len() as f64;
    let [x, y, xy, xx] = [sum_x.total(), sum_y.total(), sum_xy.total(), sum_xx.total()];
    let slope = (xy - x * y / n) / (xx - x * x / n);
    (slope, y / n - slope * x / n)
}

/// Refuses factors of `double_exponential_smoothing` outside of 0 to 1.
pub(crate) fn check_smoothing_factors([smoothing, trend]: [f64; 2]) -> Outcome<()> {
    let inside = |factor: f64| !(factor <= 0.0 || factor >= 1.0);
    if !inside(smoothing) {
        return failed(format!("invalid smoothing factor. Expected: 0 < sf < 1, got: {smoothing:.6}"));
    }
    if !inside(trend) {
        return failed(format!("invalid trend factor. Expected: 0 < tf < 1, got: {trend:.6}"));
    }
    Ok(())
}

/// Holt's double exponential smoothing.
fn smooth(floats: &[f64], factor: f64, trend_factor: f64) -> f64 {
    let (mut before, mut now) = (0.0, floats[0]);
    let mut trend = floats[1] - floats[0];
    for (at, &value) in floats.iter().enumerate().skip(1) {
        if at > 1 {
            trend = trend_factor * (now - before) + (1.0 - trend_factor) * trend;
        }
        let next = factor * value + (1.0 - factor) * (now + trend);
        (before, now) = (now, next);
    }
    now
}

/// The oldest sample.
pub(crate) fn first(window: &Window<'_>) -> Option<Point> {
    let float_first = match (window.ts.first(), window.histogram_ts.first()) {
        (Some(float), Some(histogram)) => float < histogram,
        (float, _) => float.is_some(),
    };
    if float_first {
        window.floats.first().map(|&value| Point::Float(value))
    } else {
        window.histograms.first().cloned().map(Point::Histogram)
    }
}

/// The newest sample.
pub(crate) fn last(window: &Window<'_>) -> Option<Point> {
    let float_last = match (window.ts.last(), window.histogram_ts.last()) {
        (Some(float), Some(histogram)) => histogram < float,
        (float, _) => float.is_some(),
    };
    if float_last {
        window.floats.last().map(|&value| Point::Float(value))
    } else {
        window.histograms.last().cloned().map(Point::Histogram)
    }
}

/// `sum_over_time` and `avg_over_time`.
pub(crate) fn sum_or_average(task: &Task<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Point> {
    if window.histograms.is_empty() {
        return Some(Point::Float(float_function(task, window)));
    }
    if !window.floats.is_empty() {
        task.note(notes, &Note::MixedFloatsHistograms(task.name));
        return None;
    }
    let is_average = task.function == Function::AvgOverTime;
    let mut total = HistogramTotal::new(&window.histograms[0], is_average);
    let added = window.histograms[1..].iter().try_for_each(|histogram| total.add(histogram));
    if total.reset_collision() {
        task.note(notes, &Note::ResetCollision(Operation::Aggregate));
    }
    if total.bounds_reconciled {
        task.note(notes, &Note::BoundsReconciled(Operation::Aggregate));
    }
    if added.is_err() {
        task.note(notes, &Note::MixedSchemas(task.name));
        return None;
    }
    Some(Point::Histogram(Arc::new(total.finish())))
}

/// A compensated sum or mean of histograms, over time or over series.
#[derive(Debug, Clone)]
pub(crate) struct HistogramTotal {
    sum: Wide,
    count: f64,
    is_average: bool,
    incremental: bool,
    saw_reset: bool,
    saw_no_reset: bool,
    /// Whether custom bounds had to be reduced to those in common.
    pub(crate) bounds_reconciled: bool,
}

impl HistogramTotal {
    /// Starts with one histogram.
    pub(crate) fn new(first: &Histogram, is_average: bool) -> Self {
        let mut total = Self {
            sum: Wide::new(first),
            count: 1.0,
            is_average,
            incremental: false,
            saw_reset: false,
            saw_no_reset: false,
            bounds_reconciled: false,
        };
        total.track(first);
        total
    }

    /// Adds one more.
    pub(crate) fn add(&mut self, histogram: &Histogram) -> Result<(), Incompatible> {
        self.track(histogram);
        self.count += 1.0;
        if self.is_average {
            if !self.incremental {
                let mut next = self.sum.clone();
                let combined = next.add(histogram, 1.0)?;
                self.remember(combined);
                if !next.has_overflow() {
                    self.sum = next;
                    return Ok(());
                }
                self.incremental = true;
                self.sum.divide(self.count - 1.0);
            }
            self.sum.scale((self.count - 1.0) / self.count);
            let mut share = histogram.clone();
            share.divide(self.count);
            let combined = self.sum.add(&share, 1.0)?;
            self.remember(combined);
        } else {
            let combined = self.sum.add(histogram, 1.0)?;
            self.remember(combined);
        }
        Ok(())
    }

    /// Adds another total of the same kind.
    pub(crate) fn merge(&mut self, mut other: Self) -> Result<(), Incompatible> {
        self.saw_reset |= other.saw_reset;
        self.saw_no_reset |= other.saw_no_reset;
        self.bounds_reconciled |= other.bounds_reconciled;
        let count = self.count + other.count;
        if self.incremental || other.incremental {
            for (total, share) in [(&mut self.sum, self.count), (&mut other.sum, other.count)] {
                total.scale(share / count);
            }
            if !self.incremental {
                self.sum.divide(self.count);
            }
            if !other.incremental {
                other.sum.divide(other.count);
            }
            self.incremental = true;
        }
        self.count = count;
        let combined = self.sum.merge(other.sum, 1.0)?;
        self.remember(combined);
        Ok(())
    }

    /// Whether some said there was a counter reset and others that there was none.
    pub(crate) const fn reset_collision(&self) -> bool {
        self.saw_reset && self.saw_no_reset
    }

    /// The sum or mean.
    pub(crate) fn finish(mut self) -> Histogram {
        if self.is_average && !self.incremental {
            self.sum.divide(self.count);
        }
        self.sum.finish()
    }

    fn track(&mut self, histogram: &Histogram) {
        self.saw_reset |= histogram.reset_hint == ResetHint::Reset;
        self.saw_no_reset |= histogram.reset_hint == ResetHint::NotReset;
    }

    const fn remember(&mut self, combined: Combined) {
        self.bounds_reconciled |= combined.bounds_reconciled;
    }
}

/// One sample of either kind on its way through a window.
#[derive(Clone, Copy)]
struct Sample<'a> {
    ts: i64,
    start: i64,
    float: f64,
    histogram: Option<&'a Histogram>,
}

/// The samples of a window in order of time, from the anchor on when there is one.
fn in_order<'a>(task: &Task<'_>, window: &Window<'a>) -> Option<Vec<Sample<'a>>> {
    let at = |list: &[i64], index: usize| list.get(index).copied().unwrap_or(0);
    let floats = window.floats.iter().enumerate().map(|(index, &float)| Sample {
        ts: window.ts[index],
        start: at(window.starts, index),
        float,
        histogram: None,
    });
    let histograms = window.histograms.iter().enumerate().map(|(index, histogram)| Sample {
        ts: window.histogram_ts[index],
        start: at(window.histogram_starts, index),
        float: 0.0,
        histogram: Some(histogram),
    });
    let mut samples: Vec<Sample<'a>> = floats.chain(histograms).collect();
    if !window.floats.is_empty() && !window.histograms.is_empty() {
        samples.sort_by_key(|sample| sample.ts);
    }
    if task.extension == Extension::Anchored {
        let inside = samples.partition_point(|sample| sample.ts <= window.start);
        if inside == samples.len() {
            return None;
        }
        samples.drain(..inside.saturating_sub(1));
    }
    Some(samples)
}

fn count_between<'a>(samples: &[Sample<'a>], event: impl Fn(&Sample<'a>, &Sample<'a>) -> bool) -> f64 {
    samples.windows(2).filter(|pair| event(&pair[0], &pair[1])).count() as f64
}

/// How often the counter restarted.
pub(crate) fn resets(task: &Task<'_>, window: &Window<'_>) -> Option<f64> {
    let samples = in_order(task, window)?;
    Some(count_between(&samples, |before, now| {
        let restarted = || is_start_reset(before.start, before.ts, now.start, now.ts);
        match (before.histogram, now.histogram) {
            (None, None) => now.float < before.float || restarted(),
            (Some(previous), Some(histogram)) => restarted() || histogram.is_reset_after(previous),
            _ => true,
        }
    }))
}

/// How often the value changed.
pub(crate) fn changes(task: &Task<'_>, window: &Window<'_>) -> Option<f64> {
    let samples = in_order(task, window)?;
    Some(count_between(&samples, |before, now| match (before.histogram, now.histogram) {
        (None, None) => now.float != before.float && !(now.float.is_nan() && before.float.is_nan()),
        (Some(previous), Some(histogram)) => !histogram.same_data(previous),
        _ => true,
    }))
}
