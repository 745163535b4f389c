//! Which steps a line counts for, and counters for each of them.

use super::matrix::Steps;
use crate::logs::model::read::Span;

/// The windows of a range aggregation: one for each step, from after `end - range` up to `end`, nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    /// End of the first window, included.
    first: i128,
    step: i128,
    range: i128,
    /// How many.
    pub(crate) count: usize,
}

impl Windows {
    /// For the steps of a query; `range` and `offset` in nanoseconds.
    pub(crate) fn new(steps: &Steps, range: i64, offset: i64) -> Self {
        Self {
            first: i128::from(steps.start) - i128::from(offset),
            step: i128::from(steps.step),
            range: i128::from(range),
            count: steps.count,
        }
    }

    /// End of a window, included.
    pub(crate) fn end(&self, step: usize) -> i64 {
        clamped(self.first + self.step * step as i128)
    }

    /// Start of a window, not included.
    pub(crate) fn start(&self, step: usize) -> i64 {
        clamped(self.first + self.step * step as i128 - self.range)
    }

    /// Times of lines that count for some window.
    pub(crate) fn span(&self) -> Span {
        let last = self.first + self.step * (self.count.max(1) - 1) as i128;
        Span { start: clamped(self.first - self.range + 1), end: clamped(last + 1) }
    }

    /// The steps whose windows hold a time: the first, and one past the last.
    #[inline]
    pub(crate) fn steps_of(&self, ts: i64) -> (usize, usize) {
        let ts = i128::from(ts);
        let (from, upto) = (ts - self.first, ts - self.first + self.range);
        // Within 64 bits division is many times cheaper.
        let up = |value: i128| match (i64::try_from(value), i64::try_from(self.step)) {
            (Ok(value), Ok(step)) => i128::from(value.div_euclid(step) + i64::from(value.rem_euclid(step) != 0)),
            _ => value.div_euclid(self.step) + i128::from(value.rem_euclid(self.step) != 0),
        };
        let first = up(from).max(0);
        let end = up(upto).min(self.count as i128);
        if first >= end { (0, 0) } else { (first as usize, end as usize) }
    }

    /// Steps whose windows may hold something from `oldest` to `newest`.
    pub(crate) fn steps_between(&self, oldest: i64, newest: i64) -> (usize, usize) {
        let first = (i128::from(oldest) - self.first).div_euclid(self.step).max(0);
        let end = ((i128::from(newest) - self.first + self.range).div_euclid(self.step) + 1).min(self.count as i128);
        if first >= end { (0, 0) } else { (first as usize, end as usize) }
    }
}

fn clamped(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Lines and bytes of a series at each step. Kept as differences between steps, so that a line costs the same however
/// many windows it is in; memory is taken only from the first to the last step that has something.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter {
    first: usize,
    /// Change of lines and bytes at each step, from `first` on.
    changes: Vec<(i64, i64)>,
}

impl Counter {
    /// Counts for the steps from `from` to before `upto`. Says how many bytes of memory were taken for it.
    pub(crate) fn add(&mut self, from: usize, upto: usize, lines: i64, bytes: i64) -> usize {
        if from >= upto {
            return 0;
        }
        let before = self.changes.capacity();
        if self.changes.is_empty() {
            self.first = from;
            // There may be very many series, most of them with lines at a few steps only.
            self.changes.reserve_exact(upto - from + 1);
        } else if from < self.first {
            let missing = self.first - from;
            self.changes.splice(0..0, std::iter::repeat_n((0, 0), missing));
            self.first = from;
        }
        let end = upto - self.first;
        if self.changes.len() <= end {
            self.changes.resize(end + 1, (0, 0));
        }
        for (at, sign) in [(from - self.first, 1), (end, -1)] {
            self.changes[at].0 += sign * lines;
            self.changes[at].1 += sign * bytes;
        }
        (self.changes.capacity() - before) * size_of::<(i64, i64)>()
    }

    /// Adds another's counts.
    pub(crate) fn merge(&mut self, other: Self) {
        if self.changes.is_empty() {
            *self = other;
            return;
        }
        if other.first < self.first {
            self.changes.splice(0..0, std::iter::repeat_n((0, 0), self.first - other.first));
            self.first = other.first;
        }
        let from = other.first - self.first;
        let end = from + other.changes.len();
        if self.changes.len() < end {
            self.changes.resize(end, (0, 0));
        }
        for (slot, change) in self.changes.iter_mut().skip(from).zip(other.changes) {
            slot.0 += change.0;
            slot.1 += change.1;
        }
    }

    /// Calls `each` with the step, the lines and the bytes wherever there are lines.
    pub(crate) fn each(&self, mut each: impl FnMut(usize, i64, i64)) {
        let (mut lines, mut bytes) = (0, 0);
        for (at, change) in self.changes.iter().enumerate() {
            lines += change.0;
            bytes += change.1;
            if lines > 0 {
                each(self.first + at, lines, bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn windows(start: i64, step: i64, count: usize, range: i64, offset: i64) -> Windows {
        Windows::new(&Steps { start: start * S, step: step * S, count, is_instant: false }, range * S, offset * S)
    }

    #[test]
    fn a_window_has_its_end_and_not_its_start() {
        let overlapping = windows(60, 15, 5, 30, 0);
        for (ts, expected) in
            [(30, (0, 0)), (31, (0, 1)), (45, (0, 1)), (46, (0, 2)), (60, (0, 2)), (61, (1, 3)), (120, (4, 5)), (121, (0, 0))]
        {
            assert_eq!(overlapping.steps_of(ts * S), expected, "{ts}");
        }
        assert_eq!(overlapping.span(), Span { start: 30 * S + 1, end: 120 * S + 1 });
        let gaps = windows(60, 60, 3, 10, 0);
        for (ts, expected) in [(50, (0, 0)), (51, (0, 1)), (60, (0, 1)), (61, (0, 0)), (115, (1, 2)), (180, (2, 3))] {
            assert_eq!(gaps.steps_of(ts * S), expected, "{ts}");
        }
        let offset = windows(60, 60, 2, 60, 30);
        assert_eq!((offset.steps_of(30 * S), offset.steps_of(31 * S), offset.end(1), offset.start(0)), ((0, 1), (1, 2), 90 * S, -30 * S));
        assert_eq!(windows(0, 1, 1, i64::MAX / S, 0).steps_of(i64::MIN / 2), (0, 1));
        assert_eq!(windows(60, 60, 1, 0, 0).steps_of(60 * S), (0, 0));
    }

    #[test]
    fn counters_are_sums_over_windows() {
        let windows = windows(60, 15, 5, 30, 0);
        let mut counter = Counter::default();
        let mut later = Counter::default();
        for (index, ts) in (0..130).step_by(7).enumerate() {
            let (from, upto) = windows.steps_of(ts * S);
            if index % 2 == 0 {
                counter.add(from, upto, 1, ts)
            } else {
                later.add(from, upto, 1, ts)
            };
        }
        later.merge(counter);
        let mut found = [(0, 0); 5];
        later.each(|step, lines, bytes| found[step] = (lines, bytes));
        for (step, counted) in found.iter().enumerate() {
            let inside: Vec<i64> = (0..130).step_by(7).filter(|ts| windows.start(step) < ts * S && ts * S <= windows.end(step)).collect();
            assert_eq!(*counted, (inside.len() as i64, inside.iter().sum::<i64>()), "{step}");
        }
    }
}
