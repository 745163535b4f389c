//! The inner loops: from the samples of one series to a row of numbers, all steps in one pass.
//!
//! Windows only move forward, so their ends are found by walking, and what neighbouring windows share is
//! computed once. Results equal those of [`crate::metrics::query::functions::window`], which the tests compare.

use crate::metrics::query::functions::Function;
use crate::metrics::query::functions::over_time::{average, larger, smaller, sum};
use crate::metrics::query::functions::rate::Sampled;
use crate::metrics::query::kahan::Kahan;

use super::matrix::{is_absent, present};

/// The times that the steps of an expression look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Of the first step (ms).
    pub(crate) start: i64,
    /// Distance (ms); 0 when all look at the same time.
    pub(crate) interval: i64,
    /// How many.
    pub(crate) count: usize,
}

impl Times {
    /// The time of a step.
    #[inline]
    pub(crate) fn at(&self, step: usize) -> i64 {
        self.start.saturating_add(self.interval.saturating_mul(step as i64))
    }

    /// The last time.
    pub(crate) fn end(&self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }
}

/// Calls `each(step, from, to, time)` with the indices of the samples in `(time - range, time]`. Returns how many
/// samples all windows hold together.
#[inline]
pub(crate) fn each_window(ts: &[i64], times: &Times, range: i64, mut each: impl FnMut(usize, usize, usize, i64)) -> u64 {
    let (mut from, mut to) = (0, 0);
    let mut visited = 0;
    for step in 0..times.count {
        let end = times.at(step);
        let start = end.saturating_sub(range);
        to = advance(ts, to, end);
        from = advance(ts, from, start).min(to);
        visited += (to - from) as u64;
        each(step, from, to, end);
    }
    visited
}

/// The first index from `at` on whose time is after `limit`: walks near, leaps far.
#[inline]
pub(crate) fn advance(ts: &[i64], mut at: usize, limit: i64) -> usize {
    for _ in 0..8 {
        match ts.get(at) {
            Some(&time) if time <= limit => at += 1,
            _ => return at,
        }
    }
    let mut leap = 16;
    while ts.get(at + leap).is_some_and(|&time| time <= limit) {
        at += leap;
        leap *= 2;
    }
    let end = (at + leap).min(ts.len());
    at + ts[at..end].partition_point(|&time| time <= limit)
}

/// The newest sample not older than `lookback` at each step; staleness markers read as absence. Returns how many there are.
pub(crate) fn newest(ts: &[i64], floats: &[f64], times: &Times, lookback: i64, out: &mut [f64]) -> u64 {
    let mut to = 0;
    let mut found = 0;
    for (step, slot) in out.iter_mut().enumerate().take(times.count) {
        let end = times.at(step);
        to = advance(ts, to, end);
        if to > 0 && ts[to - 1] > end.saturating_sub(lookback) {
            let value = floats[to - 1];
            *slot = value;
            found += u64::from(!is_absent(value));
        }
    }
    found
}

/// Computes `function` over every window of a series of floats, without staleness markers and start
/// timestamps, and returns how many samples the windows hold. `None` when there is no faster way than window
/// by window.
pub(crate) fn windows(function: Function, ts: &[i64], floats: &[f64], times: &Times, range: i64, out: &mut [f64]) -> Option<u64> {
    use Function as F;
    Some(match function {
        F::Rate | F::Increase | F::Delta => rate(function, ts, floats, times, range, out),
        F::Irate | F::Idelta => instant_rate(function == F::Irate, ts, floats, times, range, out),
        F::CountOverTime => simple(ts, times, range, out, |from, to| (to - from) as f64),
        F::PresentOverTime | F::AbsentOverTime => simple(ts, times, range, out, |_, _| 1.0),
        F::FirstOverTime => simple(ts, times, range, out, |from, _| floats[from]),
        F::LastOverTime => simple(ts, times, range, out, |_, to| floats[to - 1]),
        F::Changes => count_events(ts, floats, times, range, out, |before, now| now != before && !(now.is_nan() && before.is_nan())),
        F::Resets => count_events(ts, floats, times, range, out, |before, now| now < before),
        F::MaxOverTime => sliding::<Largest>(ts, floats, times, range, out, |fold, _| fold.0),
        F::MinOverTime => sliding::<Smallest>(ts, floats, times, range, out, |fold, _| fold.0),
        F::SumOverTime if all_finite(floats) => {
            sliding::<Total>(
                ts,
                floats,
                times,
                range,
                out,
                |fold, values| {
                    if fold.0.sum.is_finite() { fold.0.total() } else { sum(values) }
                },
            )
        }
        F::AvgOverTime if all_finite(floats) => sliding::<Total>(ts, floats, times, range, out, |fold, values| {
            let count = values.len() as f64;
            if fold.0.sum.is_finite() { fold.0.sum / count + fold.0.compensation / count } else { average(values) }
        }),
        _ => return None,
    })
}

fn all_finite(floats: &[f64]) -> bool {
    floats.iter().fold(true, |all, value| all & value.is_finite())
}

fn simple(ts: &[i64], times: &Times, range: i64, out: &mut [f64], value: impl Fn(usize, usize) -> f64) -> u64 {
    each_window(ts, times, range, |step, from, to, _| {
        if to > from {
            out[step] = present(value(from, to));
        }
    })
}

fn rate(function: Function, ts: &[i64], floats: &[f64], times: &Times, range: i64, out: &mut [f64]) -> u64 {
    let is_counter = function != Function::Delta;
    let range_secs = range as f64 / 1000.0;
    // Positions of samples below the one before them.
    let mut resets: Vec<usize> = Vec::new();
    if is_counter {
        resets.extend(floats.windows(2).enumerate().filter(|(_, pair)| pair[1] < pair[0]).map(|(at, _)| at + 1));
    }
    let mut next_reset = 0;
    each_window(ts, times, range, |step, from, to, end| {
        if to < from + 2 {
            return;
        }
        let first = floats[from];
        let mut increase = floats[to - 1] - first;
        while resets.get(next_reset).is_some_and(|&at| at <= from) {
            next_reset += 1;
        }
        for &at in resets[next_reset.min(resets.len())..].iter().take_while(|&&at| at < to) {
            increase += floats[at - 1];
        }
        let sampled = Sampled { first_ts: ts[from], last_ts: ts[to - 1], intervals: to - from - 1, first };
        let mut factor = sampled.factor(end.saturating_sub(range), end, increase, is_counter);
        if function == Function::Rate {
            factor /= range_secs;
        }
        out[step] = present(increase * factor);
    })
}

fn instant_rate(is_rate: bool, ts: &[i64], floats: &[f64], times: &Times, range: i64, out: &mut [f64]) -> u64 {
    each_window(ts, times, range, |step, from, to, _| {
        if to < from + 2 {
            return;
        }
        let (before, now) = (floats[to - 2], floats[to - 1]);
        let secs = (ts[to - 1] - ts[to - 2]) as f64 / 1000.0;
        let increase = if is_rate && now < before { now } else { now - before };
        out[step] = present(if is_rate { increase / secs } else { increase });
    })
}

fn count_events(ts: &[i64], floats: &[f64], times: &Times, range: i64, out: &mut [f64], event: impl Fn(f64, f64) -> bool) -> u64 {
    let events: Vec<usize> = floats.windows(2).enumerate().filter(|(_, pair)| event(pair[0], pair[1])).map(|(at, _)| at + 1).collect();
    let (mut first, mut last) = (0, 0);
    each_window(ts, times, range, |step, from, to, _| {
        if to == from {
            return;
        }
        while events.get(first).is_some_and(|&at| at <= from) {
            first += 1;
        }
        while events.get(last).is_some_and(|&at| at < to) {
            last += 1;
        }
        out[step] = last.saturating_sub(first) as f64;
    })
}

/// What a window is folded into; joining two neighbours gives the fold of both.
trait Fold: Copy {
    /// Of no value.
    const EMPTY: Self;
    /// Of some values.
    fn of(values: &[f64]) -> Self;
    /// With what comes later.
    fn join(self, later: Self) -> Self;
}

#[derive(Clone, Copy)]
struct Largest(f64);

impl Fold for Largest {
    const EMPTY: Self = Self(f64::NAN);

    fn of(values: &[f64]) -> Self {
        Self(values.iter().copied().fold(f64::NAN, larger))
    }

    fn join(self, later: Self) -> Self {
        Self(larger(self.0, later.0))
    }
}

#[derive(Clone, Copy)]
struct Smallest(f64);

impl Fold for Smallest {
    const EMPTY: Self = Self(f64::NAN);

    fn of(values: &[f64]) -> Self {
        Self(values.iter().copied().fold(f64::NAN, smaller))
    }

    fn join(self, later: Self) -> Self {
        Self(smaller(self.0, later.0))
    }
}

#[derive(Clone, Copy)]
struct Total(Kahan);

impl Fold for Total {
    const EMPTY: Self = Self(Kahan::new(0.0));

    fn of(values: &[f64]) -> Self {
        if values.len() < LONG {
            let mut total = Kahan::default();
            values.iter().for_each(|&value| total.add(value));
            return Self(total);
        }
        // Four sums side by side keep the processor busy; compensation keeps them exact.
        let mut lanes = [Kahan::default(); 4];
        let chunks = values.chunks_exact(4);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                two_sum(lane, value);
            }
        }
        let mut total = lanes[0];
        lanes[1..].iter().for_each(|&lane| total.add_all(lane, 1.0));
        rest.iter().for_each(|&value| total.add(value));
        Self(total)
    }

    fn join(mut self, later: Self) -> Self {
        self.0.add_all(later.0, 1.0);
        self
    }
}

/// Adds without a branch (Knuth); finite values only.
#[inline]
fn two_sum(lane: &mut Kahan, value: f64) {
    let total = lane.sum + value;
    let of_value = total - lane.sum;
    lane.compensation += (lane.sum - (total - of_value)) + (value - of_value);
    lane.sum = total;
}

/// From here on, windows are summed in parts.
const LONG: usize = 32;

fn sliding<F: Fold>(ts: &[i64], floats: &[f64], times: &Times, range: i64, out: &mut [f64], value: impl Fn(F, &[f64]) -> f64) -> u64 {
    let mut bounds: Vec<(usize, usize)> = Vec::with_capacity(times.count);
    let visited = each_window(ts, times, range, |_, from, to, _| bounds.push((from, to)));
    // Short windows, or windows that share little: each by itself, in the order of time.
    if visited <= (LONG * times.count) as u64 || visited <= (floats.len() + floats.len() / 2) as u64 {
        for (step, &(from, to)) in bounds.iter().enumerate().filter(|(_, (from, to))| to > from) {
            out[step] = present(value(F::of(&floats[from..to]), &floats[from..to]));
        }
        return visited;
    }
    let mut queue = Queue::<F>::new(floats, &bounds);
    for (step, &(from, to)) in bounds.iter().enumerate().filter(|(_, (from, to))| to > from) {
        out[step] = present(value(queue.fold(from, to), &floats[from..to]));
    }
    visited
}

/// A sliding fold: values are cut where windows begin or end, each piece is folded once, and pieces are
/// joined by the two-stack method, so that nothing is ever subtracted.
struct Queue<'a, F> {
    floats: &'a [f64],
    /// Where pieces begin; the last one ends at the last entry.
    cuts: Vec<usize>,
    pieces: Vec<F>,
    /// Folds from a piece to the end of the older pieces; the top is the one that starts first.
    older: Vec<F>,
    newer: F,
    /// The first piece in the queue, the first that is not.
    head: usize,
    tail: usize,
}

impl<'a, F: Fold> Queue<'a, F> {
    fn new(floats: &'a [f64], bounds: &[(usize, usize)]) -> Self {
        let mut cuts: Vec<usize> = bounds.iter().flat_map(|&(from, to)| [from, to]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let pieces = cuts.windows(2).map(|pair| F::of(&floats[pair[0]..pair[1]])).collect();
        Self { floats, cuts, pieces, older: Vec::new(), newer: F::EMPTY, head: 0, tail: 0 }
    }

    fn fold(&mut self, from: usize, to: usize) -> F {
        while self.tail < self.pieces.len() && self.cuts[self.tail + 1] <= to {
            self.newer = self.newer.join(self.pieces[self.tail]);
            self.tail += 1;
        }
        while self.head < self.tail && self.cuts[self.head] < from {
            if self.older.is_empty() {
                self.refill();
            }
            self.older.pop();
            self.head += 1;
        }
        debug_assert!(self.head == self.tail || self.cuts[self.head] == from, "windows only move forward");
        debug_assert!(to <= self.floats.len());
        self.older.last().copied().unwrap_or(F::EMPTY).join(self.newer)
    }

    fn refill(&mut self) {
        let mut fold = F::EMPTY;
        for &piece in self.pieces[self.head..self.tail].iter().rev() {
            fold = piece.join(fold);
            self.older.push(fold);
        }
        self.newer = F::EMPTY;
    }
}
