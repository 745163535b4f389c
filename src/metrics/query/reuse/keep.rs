//! The answers kept, in bounded memory; what was used longest ago goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use super::depend::Newest;
use crate::series::ports::{Answer, When};
use crate::series::value::{Point, Value};

/// Windows kept of one query and step: as many as people look at side by side.
const WINDOWS_MAX: usize = 4;
/// One answer takes at most this part of the memory.
const SHARE_MAX: usize = 4;
/// What an entry takes beside the series of its answer.
const ENTRY_BYTES: usize = 512;

/// What is asked, without the ends of the window.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    query: Box<str>,
    lookback_ms: i64,
    grid: Grid,
}

/// When a query is evaluated: windows on the same grid share steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Grid {
    Instant(i64),
    Range { step: i64, phase: i64 },
}

impl Key {
    /// Of a question.
    pub(crate) fn new(query: &str, when: When, lookback_ms: i64) -> Self {
        let grid = match when {
            When::Instant(at) => Grid::Instant(at),
            When::Range { start, step, .. } => Grid::Range { step, phase: start.rem_euclid(step.max(1)) },
        };
        Self { query: query.into(), lookback_ms, grid }
    }
}

/// An answer and what is needed to know how long it holds.
#[derive(Debug)]
pub(crate) struct Kept {
    /// When it was asked for.
    pub(crate) when: When,
    /// The store's generation before anything was read.
    pub(crate) generation: u64,
    /// Time of the newest sample that could have mattered.
    pub(crate) newest_read: i64,
    /// What its steps look at, if they can be used one by one.
    pub(crate) steps: Option<Newest>,
    /// Whether the statistics are those of the whole window.
    pub(crate) whole: bool,
    /// The answer.
    pub(crate) answer: Answer,
}

impl Kept {
    /// What it takes in memory, about.
    fn bytes(&self) -> usize {
        let point = |point: &Point| match point {
            Point::Float(_) => 0,
            Point::Histogram(histogram) => histogram.size_in_samples() * 16,
        };
        let value = match &self.answer.value {
            Value::Scalar(..) => 0,
            Value::String(_, text) => text.len(),
            Value::Vector(samples) => {
                samples.iter().map(|sample| size_of_val(sample) + sample.labels.packed().len() + 16 + point(&sample.value)).sum()
            }
            Value::Matrix(series) => series
                .iter()
                .map(|one| {
                    let histograms: usize = one.histograms.iter().map(|(_, histogram)| 16 + histogram.size_in_samples() * 16).sum();
                    size_of_val(one) + one.labels.packed().len() + 32 + one.floats.capacity() * 16 + histograms
                })
                .sum(),
        };
        let notes: usize = self.answer.warnings.iter().chain(&self.answer.infos).map(String::len).sum();
        ENTRY_BYTES + value + notes
    }
}

/// Answers by question.
#[derive(Debug)]
pub(crate) struct Keep {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answers: HashMap<Arc<Key>, Vec<Slot>>,
    /// By when they were used last.
    by_use: BTreeMap<u64, Arc<Key>>,
    uses: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Slot {
    kept: Arc<Kept>,
    bytes: usize,
    used: u64,
}

impl Keep {
    /// Of at most so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default() }
    }

    /// Lets everything go.
    pub(crate) fn clear(&self) {
        let mut state = self.state.lock();
        *state = State { uses: state.uses, ..State::default() };
    }

    /// The answer for a key that `judge` finds best; it counts as used.
    pub(crate) fn find<T: Ord>(&self, key: &Key, judge: impl Fn(&Kept) -> Option<T>) -> Option<(Arc<Kept>, T)> {
        let mut guard = self.state.lock();
        let State { answers, by_use, uses, .. } = &mut *guard;
        let slots = answers.get_mut(key)?;
        let judged = slots.iter().filter_map(|slot| Some((Arc::clone(&slot.kept), judge(&slot.kept)?)));
        let chosen = judged.max_by(|(_, a), (_, b)| a.cmp(b))?;
        if let Some(slot) = slots.iter_mut().find(|slot| Arc::ptr_eq(&slot.kept, &chosen.0))
            && let Some(key) = by_use.remove(&slot.used)
        {
            *uses += 1;
            slot.used = *uses;
            by_use.insert(*uses, key);
        }
        Some(chosen)
    }

    /// Keeps an answer; `instead` is the one it was made from, which goes if it says nothing more.
    pub(crate) fn put(&self, key: Key, kept: Arc<Kept>, instead: Option<&Arc<Kept>>) {
        let bytes = kept.bytes() + key.query.len();
        if bytes > self.bytes_max / SHARE_MAX {
            return;
        }
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let key = state.answers.get_key_value(&key).map_or_else(|| Arc::new(key), |(key, _)| Arc::clone(key));
        let slots = state.answers.entry(Arc::clone(&key)).or_default();
        let same = |slot: &Slot| slot.kept.when == kept.when || instead.is_some_and(|old| Arc::ptr_eq(old, &slot.kept));
        let mut gone: Vec<Slot> = slots.extract_if(.., |slot| same(slot)).collect();
        if slots.len() == WINDOWS_MAX {
            gone.push(slots.remove(0));
        }
        state.uses += 1;
        slots.push(Slot { kept, bytes, used: state.uses });
        state.by_use.insert(state.uses, key);
        state.bytes += bytes;
        for slot in gone {
            state.bytes -= slot.bytes;
            state.by_use.remove(&slot.used);
        }
        while state.bytes > self.bytes_max && state.drop_oldest() {}
    }

    /// Bytes and answers held.
    pub(crate) fn size(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.bytes, state.by_use.len())
    }
}

impl State {
    fn drop_oldest(&mut self) -> bool {
        let Some((used, key)) = self.by_use.pop_first() else { return false };
        if let Some(slots) = self.answers.get_mut(&key) {
            if let Some(at) = slots.iter().position(|slot| slot.used == used) {
                self.bytes -= slots.remove(at).bytes;
            }
            if slots.is_empty() {
                self.answers.remove(&key);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::ports::EvalStats;
    use crate::series::value::RangeSeries;

    fn kept(start: i64, points: usize) -> Arc<Kept> {
        let floats = vec![(0, 0.0); points];
        let value = Value::Matrix(vec![RangeSeries { floats, ..RangeSeries::default() }]);
        let when = When::Range { start, end: start + 100, step: 10 };
        let answer = Answer { value, warnings: Vec::new(), infos: Vec::new(), stats: EvalStats::default() };
        Arc::new(Kept { when, generation: 0, newest_read: 0, steps: None, whole: true, answer })
    }

    fn key(query: &str, kept: &Kept) -> Key {
        Key::new(query, kept.when, 5)
    }

    fn has(keep: &Keep, query: &str, kept: &Arc<Kept>) -> bool {
        keep.find(&key(query, kept), |found| std::ptr::eq(found, &**kept).then_some(())).is_some()
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let keep = Keep::new(10_000);
        let all: Vec<_> = (0..5).map(|_| kept(0, 100)).collect();
        for (name, one) in ["a", "b", "c", "d"].iter().zip(&all) {
            keep.put(key(name, one), Arc::clone(one), None);
        }
        assert!(has(&keep, "a", &all[0]));
        let large = kept(0, 140);
        keep.put(key("large", &large), Arc::clone(&large), None);
        assert!(!has(&keep, "large", &large));
        keep.put(key("e", &all[4]), Arc::clone(&all[4]), None);
        let found: Vec<bool> = ["a", "b", "c", "d", "e"].iter().zip(&all).map(|(name, one)| has(&keep, name, one)).collect();
        assert_eq!(found, [true, false, true, true, true]);
        let (bytes, count) = keep.size();
        assert!(bytes <= 10_000 && count == 4, "{bytes} {count}");
    }

    #[test]
    fn a_query_has_few_windows() {
        let keep = Keep::new(1_000_000);
        let all: Vec<_> = (0..6).map(|at| kept(at * 1_000, 10)).collect();
        for one in &all {
            keep.put(key("a", one), Arc::clone(one), None);
        }
        let found: Vec<bool> = all.iter().map(|one| has(&keep, "a", one)).collect();
        assert_eq!(found, [false, false, true, true, true, true]);
        let instead = kept(10_000, 10);
        keep.put(key("a", &instead), Arc::clone(&instead), Some(&all[3]));
        let again = kept(2_000, 11);
        keep.put(key("a", &again), Arc::clone(&again), None);
        let found: Vec<bool> = all.iter().chain([&instead, &again]).map(|one| has(&keep, "a", one)).collect();
        assert_eq!(found, [false, false, false, false, true, true, true, true]);
        let (bytes, count) = keep.size();
        assert_eq!(count, 4);
        assert!(bytes > 4 * ENTRY_BYTES);
    }
}
