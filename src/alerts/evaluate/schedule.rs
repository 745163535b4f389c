//! When a group is evaluated: at a fixed distance, spread by its name so that not all groups come at once.

use crate::base::time::Duration;

/// The instants of a group. Pure: the time comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    interval: i64,
    offset: i64,
    last: Option<i64>,
}

/// An evaluation that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The instant to evaluate at, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Evaluations that were left out since the last one, as there was no time for them.
    pub missed: u64,
}

impl Schedule {
    /// For the group `name` of `file`.
    pub fn new(file: &str, name: &str, interval: Duration) -> Self {
        let interval = interval.ms().max(1);
        let hash = xxhash_rust::xxh3::xxh3_64(format!("{name}\u{ff}{file}").as_bytes());
        Self { interval, offset: (hash % interval.unsigned_abs()) as i64, last: None }
    }

    /// The instant at or before `now`.
    fn slot(&self, now: i64) -> i64 {
        (now - self.offset).div_euclid(self.interval) * self.interval + self.offset
    }

    /// The next instant after `now`.
    pub fn next(&self, now: i64) -> i64 {
        let next = self.slot(now) + self.interval;
        match self.last {
            // A clock set back does not evaluate an instant twice, and does not wait for ever either.
            Some(last) if next <= last && last - next < 10 * self.interval => last + self.interval,
            _ => next,
        }
    }

    /// The evaluation that is due at `now`, if one is.
    pub fn due(&mut self, now: i64) -> Option<Due> {
        let at = self.slot(now);
        let missed = match self.last {
            Some(last) if at <= last && last - at < 10 * self.interval => return None,
            // Backwards by far: begin anew.
            Some(last) if at <= last => 0,
            Some(last) => ((at - last) / self.interval - 1).unsigned_abs(),
            None => 0,
        };
        self.last = Some(at);
        Some(Due { at, missed })
    }

    /// Takes over what another schedule of the same group did.
    pub fn follow(&mut self, other: &Self) {
        self.last = other.last;
    }

    /// The distance between evaluations, in milliseconds.
    pub const fn interval(&self) -> i64 {
        self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(15);

    #[test]
    fn instants_are_spread_and_stay_where_they_are() {
        let offsets: std::collections::BTreeSet<i64> = (0..50).map(|n| Schedule::new("f", &format!("g{n}"), INTERVAL).offset).collect();
        assert!(offsets.len() > 40);
        let mut schedule = Schedule::new("f", "g", INTERVAL);
        let first = schedule.due(1_000_000_000).map(|due| due.at);
        let again = Schedule::new("f", "g", INTERVAL).due(1_000_000_000).map(|due| due.at);
        assert_eq!(first, again);
    }

    #[test]
    fn each_instant_comes_once_and_missed_ones_are_counted() {
        let mut schedule = Schedule::new("f", "g", INTERVAL);
        let start = schedule.next(1_000_000_000);
        assert_eq!(schedule.due(start), Some(Due { at: start, missed: 0 }));
        assert_eq!(schedule.due(start + 14_999), None);
        assert_eq!(schedule.next(start + 14_999), start + 15_000);
        assert_eq!(schedule.due(start + 15_000), Some(Due { at: start + 15_000, missed: 0 }));
        assert_eq!(schedule.due(start + 75_000), Some(Due { at: start + 75_000, missed: 3 }));
    }

    #[test]
    fn a_clock_set_back_repeats_nothing() {
        let mut schedule = Schedule::new("f", "g", INTERVAL);
        let start = schedule.next(1_000_000_000);
        schedule.due(start);
        assert_eq!(schedule.due(start - 20_000), None);
        assert_eq!(schedule.next(start - 20_000), start + 15_000);
        // By a day: it would be silent for a day, so it begins anew.
        let back = start - 86_400_000;
        assert_eq!(schedule.due(back).map(|due| due.missed), Some(0));
    }
}
