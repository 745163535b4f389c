//! When a silence that comes again is on: parts of the calendar as windows with a beginning and an end.

use crate::alerts::model::interval::Interval;

const MINUTE: i64 = 60_000;
/// Longest window. What lasts longer comes as several, cut where a count of such lengths since 1970 cuts it.
pub const WINDOW_MAX: i64 = 31 * 86_400_000;
/// How far is looked at first.
const SHORT: i64 = 2 * 86_400_000;
/// How far ahead a window is looked for, in milliseconds.
pub const LOOK_AHEAD: i64 = 24 * 60 * MINUTE;

/// A time in which it is on. Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// First instant.
    pub starts_at: i64,
    /// The instant after the last.
    pub ends_at: i64,
}

impl Window {
    /// The window that holds at an instant, or else the next that begins within [`LOOK_AHEAD`]. It is the same one from
    /// wherever inside it is asked for.
    pub fn at(intervals: &[Interval], at: i64) -> Option<Self> {
        // Most windows are short. The second time it is far enough to see both ends of every window that is not too long.
        let (mut whole, mut is_seen) = Self::seen_from(intervals, at, SHORT)?;
        if !is_seen {
            (whole, is_seen) = Self::seen_from(intervals, at, WINDOW_MAX)?;
        }
        if is_seen && whole.ends_at - whole.starts_at <= WINDOW_MAX {
            return Some(whole);
        }
        let cut = at.max(whole.starts_at).div_euclid(WINDOW_MAX) * WINDOW_MAX;
        Some(Self { starts_at: whole.starts_at.max(cut), ends_at: whole.ends_at.min(cut + WINDOW_MAX) })
    }

    /// The window that holds or is next, as far as it is seen by looking so far back and on; and whether all of it is.
    fn seen_from(intervals: &[Interval], at: i64, reach: i64) -> Option<(Self, bool)> {
        let (from, to) = (at.checked_sub(reach)?, at.checked_add(LOOK_AHEAD + reach + MINUTE)?);
        let mut joined = joined(intervals, from, to).into_iter();
        let seen = joined.find(|window| window.ends_at > at).filter(|window| window.starts_at <= at + LOOK_AHEAD)?;
        Some((seen, seen.starts_at > from && seen.ends_at < to))
    }

    /// Whether an instant is inside.
    pub const fn contains(&self, at: i64) -> bool {
        self.starts_at <= at && at < self.ends_at
    }
}

/// The times inside any of them between two instants, those that touch joined.
fn joined(intervals: &[Interval], from: i64, to: i64) -> Vec<Window> {
    let mut all: Vec<Window> = intervals.iter().flat_map(|interval| runs(interval, from, to)).collect();
    all.sort_unstable();
    let mut joined: Vec<Window> = Vec::new();
    for window in all {
        match joined.last_mut() {
            Some(last) if window.starts_at <= last.ends_at => last.ends_at = last.ends_at.max(window.ends_at),
            _ => joined.push(window),
        }
    }
    joined
}

/// The times inside one, in order.
fn runs(interval: &Interval, from: i64, to: i64) -> Vec<Window> {
    let mut runs: Vec<Window> = Vec::new();
    let mut at = from;
    while at < to {
        // Where the calendar ends, nothing changes any more.
        let until = interval.steady_until(at).unwrap_or(to).clamp(at + 1, to);
        if interval.contains(at) {
            match runs.last_mut() {
                Some(last) if last.ends_at == at => last.ends_at = until,
                _ => runs.push(Window { starts_at: at, ends_at: until }),
            }
        }
        at = until;
    }
    runs
}

#[cfg(test)]
mod tests;
