//! How long lines are kept: by time, for some streams another time, and by size. What time it is, for that, is what storage
//! believes: a clock that jumps ahead must not cost every line.

use std::time::Duration;

use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// How long and how much is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// Lines older than this go, in milliseconds; 0 = never.
    pub period_ms: i64,
    /// Streams with a period of their own. Of those that match, the one with the highest priority counts, of equals the first.
    pub streams: Vec<StreamRetention>,
    /// The oldest parts go while everything together is larger than this, but never the newest; 0 = no limit.
    pub bytes: u64,
}

/// A period of its own for some streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRetention {
    /// All of these must match.
    pub matchers: Vec<Matcher>,
    /// Higher ones come first.
    pub priority: i32,
    /// Lines older than this go, in milliseconds; 0 = never.
    pub period_ms: i64,
}

impl Retention {
    /// Whether lines go by time at all.
    pub fn by_time(&self) -> bool {
        self.period_ms > 0 || self.streams.iter().any(|stream| stream.period_ms > 0)
    }

    /// How long lines of a stream are kept, in milliseconds; 0 = for ever.
    pub fn period_of(&self, labels: &Labels) -> i64 {
        let matching = self.streams.iter().filter(|stream| stream.matchers.iter().all(|matcher| matcher.matches_labels(labels)));
        // `max_by_key` answers the last of equals.
        matching.rev().max_by_key(|stream| stream.priority).map_or(self.period_ms, |stream| stream.period_ms)
    }

    /// The oldest time (ns) of which lines with such a period are kept.
    pub fn oldest(period_ms: i64, now_ms: i64) -> i64 {
        if period_ms <= 0 { i64::MIN } else { now_ms.saturating_sub(period_ms).saturating_mul(1_000_000) }
    }
}

/// Places of the parts (newest time and bytes) that have to go so that the rest is not larger than `bytes_max`: the oldest
/// first, one by one, and never the newest.
pub fn surplus(parts: &[(i64, u64)], bytes_max: u64, besides: u64) -> Vec<usize> {
    let mut total = parts.iter().fold(besides, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let mut by_age: Vec<usize> = (0..parts.len()).collect();
    by_age.sort_by_key(|at| parts[*at].0);
    by_age.pop();
    let goes = |at: &usize| {
        let too_much = total > bytes_max;
        total = total.saturating_sub(if too_much { parts[*at].1 } else { 0 });
        too_much
    };
    by_age.into_iter().take_while(goes).collect()
}

const DAY_NS: i64 = 86_400_000_000_000;
/// A clock that is so much further than it should be has jumped.
const JUMP_MS: i64 = 3_600_000;
/// One that jumped ahead is believed when it stood by it for so long: time for whoever looks after it to set it right.
const BELIEVED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// When storage was last used, going by the oldest and newest times (ns) of what it holds. Lines of less than a day behind
/// a gap of more than one prove nothing: a clock that jumped may have stamped them.
pub fn last_use(spans: &[(i64, i64)]) -> Option<i64> {
    let newest = spans.iter().map(|(_, max)| *max).max()?;
    let is_recent = |span: &&(i64, i64)| span.1 > newest.saturating_sub(DAY_NS);
    let recent_from = spans.iter().filter(is_recent).map(|(min, _)| *min).min()?;
    let before = spans.iter().filter(|span| !is_recent(span)).map(|(_, max)| *max).max();
    Some(before.filter(|before| recent_from.saturating_sub(*before) > DAY_NS).unwrap_or(newest))
}

/// The time as storage believes it.
#[derive(Debug, Clone, Copy)]
pub struct BelievedTime {
    /// The time last believed, in milliseconds since the Unix epoch, and when that was by the monotonic clock.
    known_ms: i64,
    at: Duration,
    /// Since when the clock is ahead of what is believed.
    ahead_since: Option<Duration>,
}

impl BelievedTime {
    /// At the start: the newest line says when storage was last used.
    pub fn new(newest_line_ms: Option<i64>, clock_ms: i64, monotonic: Duration) -> Self {
        let known_ms = newest_line_ms.filter(|newest| *newest < clock_ms.saturating_sub(JUMP_MS)).unwrap_or(clock_ms);
        Self { known_ms, at: monotonic, ahead_since: None }
    }

    /// What time it is.
    pub fn now(&mut self, clock_ms: i64, monotonic: Duration) -> i64 {
        let passed = i64::try_from(monotonic.saturating_sub(self.at).as_millis()).unwrap_or(i64::MAX);
        let expected = self.known_ms.saturating_add(passed);
        if clock_ms > expected.saturating_add(JUMP_MS) {
            let since = *self.ahead_since.get_or_insert_with(|| {
                tracing::warn!(
                    clock_ms,
                    expected_ms = expected,
                    "the clock is far ahead of the newest line, or jumped; nothing is removed by it for a day"
                );
                monotonic
            });
            if monotonic.saturating_sub(since) < BELIEVED_AFTER {
                return expected;
            }
        }
        *self = Self { known_ms: clock_ms, at: monotonic, ahead_since: None };
        clock_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_important_rule_counts() {
        let rule = |job: &str, priority, period_ms| StreamRetention { matchers: vec![Matcher::equal("job", job)], priority, period_ms };
        let retention =
            Retention { period_ms: 7, streams: vec![rule("a", 1, 1), rule("a", 5, 2), rule("a", 5, 3), rule("b", 1, 0)], bytes: 0 };
        let period = |job: &str| retention.period_of(&Labels::from_pairs([("job", job)]));
        assert_eq!([period("a"), period("b"), period("c")], [2, 0, 7]);
        assert!(retention.by_time() && !Retention::default().by_time());
        assert_eq!(Retention::oldest(0, 5), i64::MIN);
        assert_eq!(Retention::oldest(2, 5), 3_000_000);
    }

    #[test]
    fn the_oldest_parts_go_first_and_the_newest_never() {
        let parts = [(3, 10), (1, 10), (2, 10)];
        for (bytes_max, besides, gone) in
            [(30, 0, vec![]), (29, 0, vec![1]), (30, 1, vec![1]), (30, 11, vec![1, 2]), (0, 0, vec![1, 2]), (5, u64::MAX, vec![1, 2])]
        {
            assert_eq!(surplus(&parts, bytes_max, besides), gone, "{bytes_max} {besides}");
        }
        assert!(surplus(&[], 0, 9).is_empty());
    }

    #[test]
    fn a_few_lines_far_ahead_are_no_proof() {
        let days = |from: i64, to: i64| (from * DAY_NS, to * DAY_NS);
        for (spans, last) in [
            (vec![], None),
            (vec![days(1, 2)], Some(2)),
            (vec![days(1, 2), days(2, 3), days(3, 4)], Some(4)),
            (vec![days(1, 2), days(400, 400)], Some(2)),
            (vec![days(400, 400), days(399, 399), days(1, 2)], Some(400)),
        ] {
            assert_eq!(last_use(&spans), last.map(|day: i64| day * DAY_NS), "{spans:?}");
        }
    }

    #[test]
    fn a_clock_that_jumps_ahead_is_believed_late() {
        const HOUR: i64 = 3_600_000;
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let mut time = BelievedTime::new(None, 0, hours(0));
        assert_eq!(time.now(HOUR, hours(1)), HOUR, "as it goes");
        let far = 1_000_000 * HOUR;
        assert_eq!(time.now(far, hours(1)), HOUR);
        assert_eq!(time.now(far + 5 * HOUR, hours(6)), 6 * HOUR, "time goes on meanwhile");
        assert_eq!(time.now(7 * HOUR, hours(7)), 7 * HOUR, "it was set right");
        assert_eq!(time.now(far, hours(8)), 8 * HOUR);
        assert_eq!(time.now(far, hours(31)), 31 * HOUR);
        assert_eq!(time.now(far, hours(32)), far, "it stood by it for a day");
        assert_eq!(time.now(5, hours(33)), 5, "back is always believed");
        assert_eq!(time.now(far, hours(33)), 5, "and forward again is not");
        let mut after_a_pause = BelievedTime::new(Some(50 * HOUR), 500 * HOUR, hours(0));
        assert_eq!(after_a_pause.now(501 * HOUR, hours(1)), 51 * HOUR);
        assert_eq!(after_a_pause.now(525 * HOUR, hours(25)), 525 * HOUR);
        assert_eq!(BelievedTime::new(Some(50 * HOUR), 51 * HOUR, hours(0)).now(51 * HOUR, hours(0)), 51 * HOUR);
        assert_eq!(BelievedTime::new(Some(90 * HOUR), 51 * HOUR, hours(0)).now(51 * HOUR, hours(0)), 51 * HOUR, "lines from the future");
    }
}
