//! How long lines are kept: by time, for some streams another time, and by size.

use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// How long and how much is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// Lines older than this go, in milliseconds; 0 = never.
    pub period_ms: i64,
    /// Streams with a period of their own. Of those that match, the one with the highest priority counts, of equals the first.
    pub streams: Vec<StreamRetention>,
    /// The oldest days go while everything together is larger than this; 0 = no limit.
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

/// The parts (by newest time and bytes, in order of age, oldest first) that have to go so that the rest is not larger than
/// `bytes_max`; whole days go together.
pub fn too_much(days: &[(i64, u64)], bytes_max: u64, besides: u64) -> Option<i64> {
    let mut total: u64 = days.iter().fold(besides, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let mut through = None;
    for (day, bytes) in days {
        if total <= bytes_max {
            break;
        }
        total -= bytes;
        through = Some(*day);
    }
    through
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
    fn the_oldest_days_go_first() {
        let days = [(1, 10), (2, 10), (3, 10)];
        assert_eq!(too_much(&days, 30, 0), None);
        assert_eq!(too_much(&days, 29, 0), Some(1));
        assert_eq!(too_much(&days, 30, 11), Some(2));
        assert_eq!(too_much(&days, 0, 0), Some(3));
    }
}
