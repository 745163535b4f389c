//! Which series cost most and which metrics grew: counted when asked, at a bounded price, and remembered for a day.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::base::clock::Clock;
use crate::metrics::model::storage::{Grown, Growth};
use crate::metrics::store::head::{Cardinality, Head};
use crate::series::labels::METRIC_NAME;

/// Counting takes at most this share of time, one part in so many.
const SHARE: u32 = 100;
/// Counts that were made quicker than this are made again whenever something changed.
const QUICK: Duration = Duration::from_millis(5);
/// So many of each kind are counted at least: one count then serves all pages.
const COUNTED_MIN: usize = 20;
/// Counts older than this are made again, however long that takes.
const STALE_AFTER: Duration = Duration::from_secs(60);

/// Numbers of series are remembered so often,
const REMEMBER_EVERY: Duration = Duration::from_secs(30 * 60);
/// of so many metrics, those with the most,
const METRICS_REMEMBERED: usize = 1000;
/// and compared over these times, the longest that is known.
const OVER: [Duration; 2] = [Duration::from_secs(24 * 3600), Duration::from_secs(3600)];

/// What is remembered of earlier counts.
#[derive(Debug, Default)]
pub struct Census {
    last: Mutex<Option<Count>>,
    memories: Mutex<Vec<Memory>>,
}

/// The last count of the largest contributors.
#[derive(Debug)]
struct Count {
    version: u64,
    top: usize,
    at: Duration,
    took: Duration,
    found: Cardinality,
}

impl Count {
    /// Whether it can be answered again.
    fn serves(&self, version: u64, top: usize, now: Duration) -> bool {
        let keep = if self.took < QUICK { Duration::ZERO } else { (self.took * SHARE).min(STALE_AFTER) };
        self.top >= top && (self.version == version || now.saturating_sub(self.at) < keep)
    }
}

/// Series by metric as they were once.
#[derive(Debug)]
struct Memory {
    at: Duration,
    series: HashMap<Arc<str>, u64>,
    /// Metrics that are not remembered had at most so many.
    others_max: u64,
}

impl Census {
    /// The `top` largest contributors of each kind: as they are, or, where counting takes long, as they were at most a minute ago.
    pub fn cardinality(&self, head: &Head, clock: &dyn Clock, top: usize) -> Cardinality {
        if top == 0 {
            return Cardinality::default();
        }
        // Who comes while another counts waits and takes that count.
        let mut last = self.last.lock();
        let (version, started) = (head.index().version(), clock.monotonic());
        if let Some(count) = last.as_ref().filter(|count| count.serves(version, top, started)) {
            return count.found.cut(top);
        }
        let counted = top.max(COUNTED_MIN);
        let index = head.index();
        let (version, found) = (index.version(), index.cardinality(counted));
        drop(index);
        let (at, answer) = (clock.monotonic(), found.cut(top));
        *last = Some(Count { version, top: counted, at, took: at.saturating_sub(started), found });
        answer
    }

    /// Remembers how many series each metric has, if it is time to.
    pub fn remember(&self, head: &Head, now: Duration) {
        let mut memories = self.memories.lock();
        if memories.last().is_some_and(|last| now.saturating_sub(last.at) < REMEMBER_EVERY) {
            return;
        }
        let index = head.index();
        let mut counts: Vec<(&str, u64)> = index.values(METRIC_NAME).map(|(name, ids)| (name, ids.len() as u64)).collect();
        if counts.is_empty() {
            return;
        }
        let mut others_max = 0;
        if counts.len() > METRICS_REMEMBERED {
            counts.select_nth_unstable_by(METRICS_REMEMBERED, |a, b| b.1.cmp(&a.1));
            others_max = counts[METRICS_REMEMBERED].1;
            counts.truncate(METRICS_REMEMBERED);
        }
        let before = memories.last();
        let name = |name: &str| {
            before.and_then(|before| before.series.get_key_value(name)).map_or_else(|| name.into(), |(name, _)| Arc::clone(name))
        };
        let series = counts.into_iter().map(|(metric, count)| (name(metric), count)).collect();
        memories.push(Memory { at: now, series, others_max });
        // One that is as old as the longest comparison is needed, older ones are not.
        let old = memories.iter().filter(|memory| now.saturating_sub(memory.at) >= OVER[0]).count();
        memories.drain(..old.saturating_sub(1));
    }

    /// The `top` metrics that gained the most series, over a day or, without so old a memory, over an hour.
    pub fn growth(&self, head: &Head, now: Duration, top: usize) -> Option<Growth> {
        let memories = self.memories.lock();
        let newest_before = |over: Duration| memories.iter().rev().find(|memory| now.saturating_sub(memory.at) >= over);
        let (over, memory) = OVER.into_iter().find_map(|over| Some((over, newest_before(over)?)))?;
        let index = head.index();
        let grown = index.values(METRIC_NAME).filter_map(|(name, ids)| {
            let (before, now) = (memory.series.get(name).copied().unwrap_or(memory.others_max), ids.len() as u64);
            (now > before).then(|| (now - before, name, before, now))
        });
        let mut grown: Vec<_> = grown.collect();
        grown.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let metrics = grown.into_iter().take(top).map(|(_, name, before, now)| Grown { metric: name.to_owned(), before, now }).collect();
        Some(Growth { over_ms: i64::try_from(over.as_millis()).unwrap_or(i64::MAX), metrics })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;
    use crate::metrics::store::head::Index;
    use crate::series::labels::Labels;

    const HOUR: Duration = Duration::from_secs(3600);

    fn grow(head: &Head, metric: &str, to: usize) {
        let labels = |at: usize| Labels::from_pairs([(METRIC_NAME, metric), ("n", &at.to_string())]);
        let wanted: Vec<Labels> = (0..to).map(labels).collect();
        head.create(&wanted, |_: &Index, _| Ok::<(), ()>(()), |_| {});
    }

    fn metrics(growth: Option<Growth>) -> Vec<(String, u64, u64)> {
        growth.map_or_else(Vec::new, |growth| growth.metrics.into_iter().map(|grown| (grown.metric, grown.before, grown.now)).collect())
    }

    #[test]
    fn growth_is_over_a_day_if_known_else_over_an_hour() {
        let (head, census) = (Head::new(0, 0), Census::default());
        census.remember(&head, Duration::ZERO);
        assert_eq!(census.growth(&head, 2 * HOUR, 9), None, "an empty store is nothing to compare with");
        grow(&head, "a", 3);
        let start = 5 * HOUR;
        census.remember(&head, start);
        grow(&head, "a", 5);
        grow(&head, "b", 9);
        assert_eq!(census.growth(&head, start + HOUR - Duration::from_secs(1), 9), None);
        let growth = census.growth(&head, start + HOUR, 9);
        assert_eq!(growth.as_ref().map(|growth| growth.over_ms), Some(3_600_000));
        assert_eq!(metrics(growth), [("b".to_owned(), 0, 9), ("a".to_owned(), 3, 5)]);
        for half_hours in 1..=48 {
            census.remember(&head, start + HOUR / 2 * half_hours);
        }
        grow(&head, "b", 10);
        let growth = census.growth(&head, start + 24 * HOUR, 1);
        assert_eq!(growth.as_ref().map(|growth| growth.over_ms), Some(24 * 3_600_000));
        assert_eq!(metrics(growth), [("b".to_owned(), 0, 10)]);
        // A day later the first memory has gone.
        for half_hours in 49..=200 {
            census.remember(&head, start + HOUR / 2 * half_hours);
        }
        assert_eq!(census.memories.lock().len(), 49);
        assert_eq!(metrics(census.growth(&head, start + 100 * HOUR, 9)), []);
    }

    #[test]
    fn only_the_largest_metrics_are_remembered() {
        let (head, census) = (Head::new(0, 0), Census::default());
        for at in 0..METRICS_REMEMBERED + 5 {
            grow(&head, &format!("m{at}"), if at < METRICS_REMEMBERED { 3 } else { 2 });
        }
        census.remember(&head, Duration::ZERO);
        assert_eq!(census.memories.lock()[0].series.len(), METRICS_REMEMBERED);
        grow(&head, "m1002", 7);
        grow(&head, "new", 2);
        // What was not remembered had at most two.
        assert_eq!(metrics(census.growth(&head, HOUR, 9)), [("m1002".to_owned(), 2, 7)]);
    }

    #[test]
    fn a_count_serves_while_nothing_changes_and_a_slow_one_a_while_longer() {
        let slow = Count { version: 7, top: 10, at: HOUR, took: QUICK * 2, found: Cardinality::default() };
        let quick = Count { took: QUICK / 2, found: Cardinality::default(), ..slow };
        let slow = Count { found: Cardinality::default(), took: QUICK * 2, ..quick };
        let very_slow = Count { found: Cardinality::default(), took: HOUR, ..slow };
        for (count, version, top, later, serves) in [
            (&quick, 7, 10, HOUR, true),
            (&quick, 7, 11, Duration::ZERO, false),
            (&quick, 8, 10, Duration::ZERO, false),
            (&slow, 8, 10, QUICK * 199, true),
            (&slow, 8, 10, QUICK * 200, false),
            (&very_slow, 8, 1, STALE_AFTER - QUICK, true),
            (&very_slow, 8, 1, STALE_AFTER, false),
        ] {
            assert_eq!(count.serves(version, top, HOUR + later), serves, "{count:?} {version} {top} {later:?}");
        }
    }

    #[test]
    fn the_largest_of_the_largest_are_the_largest() {
        let (head, census, clock) = (Head::new(0, 0), Census::default(), ManualClock::at(0));
        for at in 1..20 {
            grow(&head, &format!("m{at}"), at);
        }
        for top in [3, 0, 30, 2] {
            assert_eq!(census.cardinality(&head, &*clock, top), head.index().cardinality(top), "{top}");
        }
        grow(&head, "m1", 40);
        assert_eq!(census.cardinality(&head, &*clock, 5), head.index().cardinality(5));
    }
}
