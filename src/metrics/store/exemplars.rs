//! Exemplars: the newest ones of all series, bounded, in memory and in the log.

use std::collections::VecDeque;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::base::time::TimeRange;
use crate::series::labels::Labels;
use crate::series::sample::Exemplar;

/// Characters of all label names and values of one exemplar, as upstream (and OpenMetrics) has it.
const LABEL_CHARS_MAX: usize = 128;

/// A ring over all series: when it is full, the oldest arrival goes.
#[derive(Debug)]
pub struct Exemplars {
    max: usize,
    by_series: HashMap<u32, OfSeries, FxBuildHasher>,
    arrivals: VecDeque<u32>,
}

#[derive(Debug)]
struct OfSeries {
    labels: Labels,
    /// Ascending in time.
    exemplars: VecDeque<Exemplar>,
}

impl Exemplars {
    /// Keeps at most `max`; 0 keeps none.
    pub fn new(max: usize) -> Self {
        Self { max, by_series: HashMap::default(), arrivals: VecDeque::new() }
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// Takes one in; answers whether it was stored. Repetitions, older ones than the series' newest, and oversized ones are not.
    pub fn add(&mut self, id: u32, labels: impl FnOnce() -> Option<Labels>, exemplar: &Exemplar) -> bool {
        let chars: usize = exemplar.labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
        if self.max == 0 || chars > LABEL_CHARS_MAX {
            return false;
        }
        let series = match self.by_series.entry(id) {
            hashbrown::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            hashbrown::hash_map::Entry::Vacant(entry) => {
                let Some(labels) = labels() else { return false };
                entry.insert(OfSeries { labels, exemplars: VecDeque::with_capacity(1) })
            }
        };
        let newest = series.exemplars.back();
        if newest.is_some_and(|newest| newest.ts > exemplar.ts || same(newest, exemplar)) {
            return false;
        }
        series.exemplars.push_back(exemplar.clone());
        self.arrivals.push_back(id);
        while self.arrivals.len() > self.max {
            self.drop_oldest();
        }
        true
    }

    fn drop_oldest(&mut self) {
        let Some(id) = self.arrivals.pop_front() else { return };
        if let Some(series) = self.by_series.get_mut(&id) {
            series.exemplars.pop_front();
            if series.exemplars.is_empty() {
                self.by_series.remove(&id);
            }
        }
    }

    /// Exemplars within `range` of the series that `matches` accepts, by labels.
    pub fn find(&self, range: TimeRange, matches: impl Fn(&Labels) -> bool) -> Vec<(Labels, Vec<Exemplar>)> {
        let mut found: Vec<(Labels, Vec<Exemplar>)> = self
            .by_series
            .values()
            .filter(|series| matches(&series.labels))
            .map(|series| (series.labels.clone(), series.exemplars.iter().filter(|one| range.contains(one.ts)).cloned().collect()))
            .filter(|(_, exemplars): &(Labels, Vec<Exemplar>)| !exemplars.is_empty())
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        // A series that came back under a new id stands here twice.
        found.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1.append(&mut later.1);
                earlier.1.sort_by_key(|exemplar| exemplar.ts);
            }
            same
        });
        found
    }

    /// All of them by series id, oldest first within a series.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Labels, &Exemplar)> {
        self.by_series.iter().flat_map(|(id, series)| series.exemplars.iter().map(|exemplar| (*id, &series.labels, exemplar)))
    }
}

/// Whether `new` repeats `newest`. One without a time of its own repeats it whenever it comes.
fn same(newest: &Exemplar, new: &Exemplar) -> bool {
    (newest.ts == new.ts || !new.is_timed) && newest.value.to_bits() == new.value.to_bits() && newest.labels == new.labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_without_a_time_is_stored_once_however_often_it_is_scraped() {
        let mut all = Exemplars::new(9);
        let labels = || Some(Labels::from_pairs([("a", "b")]));
        let scraped = |ts: i64, value: f64| Exemplar { labels: Labels::from_pairs([("trace_id", "x")]), value, ts, is_timed: false };
        let stored: Vec<bool> =
            [(10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0)].map(|(ts, value)| all.add(1, labels, &scraped(ts, value))).into();
        assert_eq!(stored, [true, false, true, false]);
        assert!(all.add(1, labels, &Exemplar { is_timed: true, ..scraped(50, 2.0) }), "a time of its own makes it another");
    }

    #[test]
    fn the_oldest_arrival_goes_first() {
        let mut all = Exemplars::new(3);
        let labels = |id: u32| Labels::from_pairs([("a", id.to_string())]);
        let one = |ts: i64| Exemplar { labels: Labels::from_pairs([("trace_id", "x")]), value: 1.0, ts, is_timed: true };
        assert!(all.add(1, || Some(labels(1)), &one(10)));
        assert!(!all.add(1, || Some(labels(1)), &one(10)), "repeated");
        assert!(!all.add(1, || Some(labels(1)), &one(9)), "older");
        for (id, ts) in [(2, 11), (1, 12), (3, 13)] {
            assert!(all.add(id, || Some(labels(id)), &one(ts)));
        }
        let found = all.find(TimeRange::new(0, 12), |_| true);
        assert_eq!(found.iter().map(|(_, all)| all.iter().map(|e| e.ts).collect::<Vec<_>>()).collect::<Vec<_>>(), [vec![12], vec![11]]);
        assert_eq!((all.len(), all.iter().count()), (3, 3));
        let long = Exemplar { labels: Labels::from_pairs([("trace_id", "x".repeat(200))]), ..one(99) };
        assert!(!all.add(1, || Some(labels(1)), &long));
    }
}
