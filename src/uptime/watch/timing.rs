//! When which check is due: each at its own place within its interval, so that a thousand of them do not knock at once,
//! and always at that place, so that lateness does not add up.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

/// Names a check.
pub type CheckId = i64;

/// Who is due when, in time that never runs backwards.
#[derive(Debug, Default)]
pub struct Timing {
    queue: BinaryHeap<Reverse<(Duration, CheckId)>>,
    /// What holds of each; what the queue says otherwise is old.
    due: HashMap<CheckId, Duration>,
}

impl Timing {
    /// A new check: due at its place within the interval, the first time at once if it never ran.
    pub fn add(&mut self, check: CheckId, interval: Duration, now: Duration, is_new: bool) {
        let at = if is_new { now } else { place_after(check, interval, now) };
        self.set(check, at);
    }

    /// A check is not wanted any more.
    pub fn remove(&mut self, check: CheckId) {
        self.due.remove(&check);
        // What was removed leaves the queue when its time comes; unless most of it is such.
        if self.queue.len() > 2 * self.due.len() + 64 {
            self.queue = self.due.iter().map(|(check, at)| Reverse((*at, *check))).collect();
        }
    }

    /// The check is to run at this time, whatever was said before.
    pub fn set(&mut self, check: CheckId, at: Duration) {
        self.due.insert(check, at);
        self.queue.push(Reverse((at, check)));
    }

    /// The check ran when it was due: the next time at its place within the interval, leaving out those that have passed.
    pub fn ran(&mut self, check: CheckId, interval: Duration, now: Duration) {
        self.set(check, place_after(check, interval, now));
    }

    /// When somebody is due next.
    pub fn next_due(&mut self) -> Option<Duration> {
        self.forget_old();
        self.queue.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one who is due, and since when. It is not due again until [`Self::ran`] or [`Self::set`] says when.
    pub fn take(&mut self, now: Duration) -> Option<(CheckId, Duration)> {
        self.forget_old();
        let Reverse((at, check)) = *self.queue.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.queue.pop();
        self.due.remove(&check);
        Some((check, at))
    }

    fn forget_old(&mut self) {
        while let Some(Reverse((at, check))) = self.queue.peek() {
            if self.due.get(check) == Some(at) {
                return;
            }
            self.queue.pop();
        }
    }
}

/// The first time after `now` at the place that a check has within its interval.
fn place_after(check: CheckId, interval: Duration, now: Duration) -> Duration {
    let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1);
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let place = xxh3_64(&check.to_le_bytes()) % interval;
    let into = (now % interval + interval - place) % interval;
    Duration::from_nanos(now.saturating_add(interval - into))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_comes_at_its_place_and_lateness_does_not_add_up() {
        let mut timing = Timing::default();
        timing.add(1, 30 * SECOND, Duration::ZERO, false);
        let first = timing.next_due().unwrap();
        assert!(first > Duration::ZERO && first <= 30 * SECOND, "{first:?}");
        for round in 0..5 {
            let due = first + 30 * SECOND * round;
            let late = due + SECOND * round;
            assert_eq!((timing.take(due - SECOND), timing.take(late)), (None, Some((1, due))));
            assert_eq!(timing.take(late), None, "not twice");
            timing.ran(1, 30 * SECOND, late);
        }
        // What took too long leaves out a time.
        let due = timing.next_due().unwrap();
        assert_eq!(timing.take(due), Some((1, due)));
        timing.ran(1, 30 * SECOND, due + 70 * SECOND);
        assert_eq!(timing.next_due(), Some(due + 90 * SECOND));
    }

    #[test]
    fn a_thousand_are_spread() {
        let mut timing = Timing::default();
        (0..1000).for_each(|check| timing.add(check, 30 * SECOND, Duration::ZERO, false));
        for second in 1..=30 {
            let due = std::iter::from_fn(|| timing.take(SECOND * second)).count();
            assert!((10..70).contains(&due), "{due} in second {second}");
        }
        assert_eq!(timing.next_due(), None);
    }

    #[test]
    fn the_last_word_counts() {
        let mut timing = Timing::default();
        timing.add(1, SECOND, 5 * SECOND, true);
        assert_eq!(timing.next_due(), Some(5 * SECOND), "a new one at once");
        timing.set(1, 9 * SECOND);
        timing.set(1, 7 * SECOND);
        assert_eq!(timing.take(8 * SECOND), Some((1, 7 * SECOND)));
        assert_eq!(timing.take(100 * SECOND), None);
        timing.set(1, SECOND);
        timing.remove(1);
        assert_eq!(timing.next_due(), None);
    }

    #[test]
    fn changing_for_ever_keeps_nothing() {
        let mut timing = Timing::default();
        for round in 0..10_000 {
            timing.set(round, SECOND);
            timing.remove(round);
        }
        assert!(timing.queue.len() < 200, "{}", timing.queue.len());
    }
}
