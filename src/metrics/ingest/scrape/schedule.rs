//! When a target is due, and which timestamp its samples get.

use std::time::Duration;

/// How late a scrape may be and still get the timestamp it was due at, in milliseconds. Even distances compress best.
const TOLERANCE_MS: i64 = 2;

/// Milliseconds from `now_ms` until the next point of a target's grid.
///
/// The grid is pinned to absolute time: restarts and reloads do not move it. `hash` spreads targets over the interval.
pub fn until_next(now_ms: i64, interval_ms: i64, hash: u64) -> i64 {
    let interval_ms = interval_ms.max(1);
    let offset = (hash % interval_ms.unsigned_abs()) as i64;
    (offset - now_ms).rem_euclid(interval_ms)
}

/// The points in time of one loop.
#[derive(Debug, Clone)]
pub struct Schedule {
    interval_ms: i64,
    /// The next scrape on the wall clock (ms) and on the monotonic one.
    due_wall: i64,
    due: Duration,
    /// Whether one scrape comes before the grid begins.
    early: bool,
}

impl Schedule {
    /// Starts on the grid. After a restart `last` is the point scraped before: the one after it is not left out.
    pub fn start(interval_ms: i64, hash: u64, now_ms: i64, monotonic: Duration, last: Option<i64>) -> Self {
        let interval_ms = interval_ms.max(1);
        let mut wait = until_next(now_ms, interval_ms, hash);
        if let Some(last) = last {
            let grid = now_ms + wait - interval_ms;
            // A point has just gone by while nobody looked.
            if last < grid && now_ms - grid < interval_ms / 2 && grid - last <= 2 * interval_ms {
                wait -= interval_ms;
            } else if now_ms + wait <= last {
                wait += interval_ms;
            }
        }
        let due = if wait >= 0 { monotonic + ms(wait) } else { monotonic.saturating_sub(ms(-wait)) };
        Self { interval_ms, due_wall: now_ms + wait, due, early: false }
    }

    /// With one scrape at once, before the grid begins: for what costs nothing to ask and should be there when the first
    /// page is looked at.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { early: true, ..self }
    }

    /// Whether the next scrape is the one before the grid.
    pub fn is_early(&self) -> bool {
        self.early
    }

    /// How long to sleep.
    pub fn wait(&self, monotonic: Duration) -> Duration {
        if self.early {
            return Duration::ZERO;
        }
        self.due.saturating_sub(monotonic)
    }

    /// The timestamp of the scrape that begins now: the point it was due at, unless that is too far off.
    pub fn timestamp(&mut self, now_ms: i64) -> i64 {
        if self.early {
            return now_ms;
        }
        let late = now_ms - self.due_wall;
        let tolerance = TOLERANCE_MS.min(self.interval_ms / 100);
        if (-tolerance..=tolerance).contains(&late) {
            return self.due_wall;
        }
        // The wall clock was set: the grid moves with it, or timestamps would stay uneven for ever.
        if late < -tolerance || late >= self.interval_ms {
            self.due_wall = now_ms;
        }
        now_ms
    }

    /// Moves on after a scrape. Points that went by meanwhile are left out, but for the last one.
    pub fn advance(&mut self, monotonic: Duration) {
        if std::mem::take(&mut self.early) {
            return;
        }
        let behind = monotonic.saturating_sub(self.due).as_millis();
        let steps = i64::try_from(behind).unwrap_or(i64::MAX / 2) / self.interval_ms;
        let steps = steps.max(1);
        self.due_wall += steps * self.interval_ms;
        self.due += ms(steps * self.interval_ms);
    }
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_absolute_and_spread() {
        for (now, interval, hash, wait) in [(0, 1000, 0, 0), (1, 1000, 0, 999), (1_700_000_000_250, 1000, 300, 50), (700, 1000, 300, 600)] {
            assert_eq!(until_next(now, interval, hash), wait);
        }
        let mut tenths = [0; 10];
        for n in 0..1000u64 {
            tenths[(until_next(0, 1000, xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes())) / 100) as usize] += 1;
        }
        assert!(tenths.iter().all(|&count| (60..160).contains(&count)), "{tenths:?}");
    }

    #[test]
    fn timestamps_are_aligned_within_the_tolerance() {
        let mut schedule = Schedule::start(1000, 0, 500, Duration::ZERO, None);
        assert_eq!(schedule.wait(Duration::ZERO), ms(500));
        for (now, ts) in [(1000, 1000), (1002, 1000), (1003, 1003), (999, 1000)] {
            assert_eq!(schedule.clone().timestamp(now), ts);
        }
        schedule.advance(ms(510));
        assert_eq!((schedule.wait(ms(510)), schedule.timestamp(2001)), (ms(990), 2000));
        // With short intervals the tolerance is one percent of them.
        assert_eq!(Schedule::start(50, 0, 100, Duration::ZERO, None).timestamp(101), 101);
    }

    #[test]
    fn one_scrape_may_come_before_the_grid() {
        let mut schedule = Schedule::start(15_000, 0, 7_000, Duration::ZERO, None).at_once();
        assert_eq!((schedule.wait(Duration::ZERO), schedule.timestamp(7_003)), (Duration::ZERO, 7_003));
        schedule.advance(ms(10));
        assert!(!schedule.is_early());
        assert_eq!((schedule.wait(ms(10)), schedule.timestamp(15_000)), (ms(7_990), 15_000), "the grid stays where it is");
    }

    #[test]
    fn missed_points_are_left_out_but_the_last() {
        let mut schedule = Schedule::start(1000, 0, 0, Duration::ZERO, None);
        schedule.advance(ms(3_500));
        assert_eq!((schedule.wait(ms(3_500)), schedule.due_wall), (Duration::ZERO, 3_000));
        schedule.advance(ms(3_600));
        assert_eq!(schedule.wait(ms(3_600)), ms(400));
    }

    #[test]
    fn a_set_clock_moves_the_grid() {
        let mut schedule = Schedule::start(1000, 0, 10_000, Duration::ZERO, None);
        assert_eq!(schedule.timestamp(5_000), 5_000);
        schedule.advance(ms(1));
        assert_eq!(schedule.timestamp(6_001), 6_000);
        assert_eq!(schedule.timestamp(3_600_000), 3_600_000);
    }

    #[test]
    fn restarts_neither_skip_nor_repeat_a_point() {
        let start = |now, last| Schedule::start(1000, 0, now, ms(now), Some(last)).due_wall;
        assert_eq!(start(5_300, 5_000), 6_000);
        assert_eq!(start(5_003, 4_000), 5_000);
        assert_eq!(start(4_999, 4_000), 5_000);
        assert_eq!(start(4_999, 5_000), 6_000);
        assert_eq!(start(50_300, 5_000), 51_000);
    }
}
