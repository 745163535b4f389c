//! Announced maintenance: once, or again and again. Nobody is told of what falls in it, and it is neither up nor down.

use super::recurrence::Recurrence;
use super::window::{Window, joined};

/// Longest single maintenance, in milliseconds.
pub const LENGTH_MAX: i64 = 31 * 86_400_000;
/// Windows that one maintenance may have within what is asked about; recurring ones come once an hour at most.
pub const WINDOWS_MAX: usize = 100_000;

/// When there is maintenance.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// Once.
    Once(Window),
    /// Each time the recurrence comes, for so many milliseconds.
    Again {
        /// When it begins.
        starts: Box<Recurrence>,
        /// How long it lasts.
        lasts: i64,
    },
}

/// Maintenance of some checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Maintenance {
    /// When.
    pub when: When,
    /// In force within this: what is changed or ended leaves the past as it was.
    pub in_force: Window,
}

impl Maintenance {
    /// The windows that touch a range, ascending and joined; whole, not cut at its ends.
    pub fn windows(&self, range: Window) -> Vec<Window> {
        let all = match &self.when {
            When::Once(window) => vec![*window],
            When::Again { starts, lasts } => {
                let lasts = (*lasts).clamp(0, LENGTH_MAX);
                let from = range.from.max(self.in_force.from).saturating_sub(lasts).saturating_sub(1);
                let until = range.until.min(self.in_force.until);
                let begins = std::iter::successors(starts.next_after(from), |at| starts.next_after(*at)).take_while(|at| *at < until);
                begins.take(WINDOWS_MAX).map(|at| Window::new(at, at + lasts)).collect()
            }
        };
        let within = |window: Window| window.common(self.in_force);
        joined(all.into_iter().map(within).filter(|window| window.common(range).length() > 0).collect())
    }

    /// The window that holds at an instant.
    pub fn at(&self, now: i64) -> Option<Window> {
        self.windows(Window::new(now, now + 1)).into_iter().find(|window| window.contains(now))
    }

    /// The next window that begins after an instant.
    pub fn next_after(&self, now: i64) -> Option<Window> {
        let next = match &self.when {
            When::Once(window) => *window,
            When::Again { starts, lasts } => {
                let at = starts.next_after(now)?;
                Window::new(at, at + (*lasts).clamp(0, LENGTH_MAX))
            }
        };
        let next = next.common(self.in_force);
        (next.length() > 0 && next.from > now).then_some(next)
    }
}

/// Why a recurring maintenance was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMaintenance {
    /// It would have no length or too much of it.
    #[error("maintenance lasts between a minute and 31 days")]
    Length,
    /// It would come too often.
    #[error("maintenance comes once an hour at most")]
    TooOften,
}

/// Instants after one another that are looked at to find out how often a recurrence comes.
const LOOKED_AT: usize = 200;

/// Says whether it lasts and comes within reason.
pub fn check(when: &When) -> Result<(), InvalidMaintenance> {
    const HOUR: i64 = 3_600_000;
    let lasts = match when {
        When::Once(window) => window.length(),
        When::Again { lasts, .. } => *lasts,
    };
    if !(60_000..=LENGTH_MAX).contains(&lasts) {
        return Err(InvalidMaintenance::Length);
    }
    let When::Again { starts, .. } = when else { return Ok(()) };
    let instants: Vec<i64> = std::iter::successors(starts.next_after(0), |at| starts.next_after(*at)).take(LOOKED_AT).collect();
    if instants.windows(2).any(|pair| pair[1] - pair[0] < HOUR) { Err(InvalidMaintenance::TooOften) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::location::Location;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn nightly(in_force: Window) -> Maintenance {
        let starts = Box::new(Recurrence::parse("0 23 * * *", Location::Utc).unwrap());
        Maintenance { when: When::Again { starts, lasts: 2 * HOUR }, in_force }
    }

    #[test]
    fn windows_that_touch_a_range_are_whole() {
        let always = nightly(Window::new(0, i64::MAX));
        let all = always.windows(Window::new(DAY, 3 * DAY));
        let expected: Vec<Window> = (0..3).map(|day| Window::new(day * DAY + 23 * HOUR, day * DAY + 25 * HOUR)).collect();
        assert_eq!(all, expected);
        assert_eq!(always.at(DAY), Some(expected[0]));
        assert_eq!(always.at(DAY + HOUR), None);
        assert_eq!(always.next_after(DAY), Some(expected[1]));
    }

    #[test]
    fn what_was_ended_stays_as_it_was_until_then() {
        let ended = nightly(Window::new(23 * HOUR, DAY + 24 * HOUR));
        let expected = [Window::new(23 * HOUR, 25 * HOUR), Window::new(DAY + 23 * HOUR, DAY + 24 * HOUR)];
        assert_eq!(ended.windows(Window::new(0, 9 * DAY)), expected);
        assert_eq!(ended.next_after(2 * DAY), None);
    }

    #[test]
    fn limits_are_said() {
        let again = |text: &str, lasts| When::Again { starts: Box::new(Recurrence::parse(text, Location::Utc).unwrap()), lasts };
        assert_eq!(check(&again("0 * * * *", HOUR / 2)), Ok(()));
        assert_eq!(check(&again("0,30 9 * * *", HOUR / 2)), Err(InvalidMaintenance::TooOften));
        assert_eq!(check(&again("0 * * * *", 1)), Err(InvalidMaintenance::Length));
        assert_eq!(check(&When::Once(Window::new(0, 40 * DAY))), Err(InvalidMaintenance::Length));
    }
}
