//! What changed in a store, and how far back: the little that has to be known to keep answers of queries.
//!
//! Every change is one number, the time of the oldest sample that came, went or became another. Whoever read samples
//! after generation N may keep what came out for as long as [`ChangeLog::oldest_since`] N lies after everything read.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// Changes so near to each other (ms) are remembered as one.
const GRAIN_MS: i64 = 1_000;
/// Changes remembered; beyond, neighbours among the older ones are joined.
const MARKS_MAX: usize = 1_024;

/// Remembers changes in bounded memory: what it says is never later than the truth.
#[derive(Debug, Default)]
pub struct ChangeLog {
    marks: Mutex<Marks>,
}

#[derive(Debug, Default)]
struct Marks {
    generation: u64,
    /// Generation of a change and its time. Both ascend: an older change that reaches less far back than a later
    /// one says nothing that the later one does not.
    marks: VecDeque<(u64, i64)>,
}

impl ChangeLog {
    /// Without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that samples at `oldest` (ms) or later changed. To be called after readers can see the change, and
    /// before whoever made it is told that it is done.
    pub fn note(&self, oldest: i64) {
        let mut state = self.marks.lock();
        state.generation += 1;
        let generation = state.generation;
        while state.marks.pop_back_if(|(_, time)| *time >= oldest).is_some() {}
        match state.marks.back_mut() {
            Some((at, time)) if oldest.saturating_sub(*time) < GRAIN_MS => *at = generation,
            _ => state.marks.push_back((generation, oldest)),
        }
        if state.marks.len() > MARKS_MAX {
            thin_out(&mut state.marks);
        }
    }

    /// The generation now: to be asked for before anything is read.
    pub fn generation(&self) -> u64 {
        self.marks.lock().generation
    }

    /// The time of the oldest sample (ms) that changed after a generation; `i64::MAX` if none did.
    pub fn oldest_since(&self, generation: u64) -> i64 {
        let state = self.marks.lock();
        let first = state.marks.partition_point(|(at, _)| *at <= generation);
        state.marks.get(first).map_or(i64::MAX, |(_, time)| *time)
    }
}

/// Joins neighbours in the older half: the older a change, the less exactly it has to be known.
fn thin_out(marks: &mut VecDeque<(u64, i64)>) {
    let half = marks.len() / 2;
    let mut thin = VecDeque::with_capacity(marks.len());
    let mut older = marks.drain(..).enumerate().peekable();
    while let Some((at, mark)) = older.next() {
        let joined = if at < half { older.next() } else { None };
        thin.push_back((joined.map_or(mark.0, |(_, (generation, _))| generation), mark.1));
    }
    drop(older);
    *marks = thin;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn later_changes_hide_what_they_cover() {
        let log = ChangeLog::new();
        assert_eq!(log.oldest_since(0), i64::MAX);
        for time in [10_000, 20_000, 30_000] {
            log.note(time);
        }
        assert_eq!((0..4).map(|since| log.oldest_since(since)).collect::<Vec<_>>(), [10_000, 20_000, 30_000, i64::MAX]);
        log.note(15_000);
        assert_eq!((0..5).map(|since| log.oldest_since(since)).collect::<Vec<_>>(), [10_000, 15_000, 15_000, 15_000, i64::MAX]);
        assert_eq!(log.generation(), 4);
    }

    #[test]
    fn memory_is_bounded() {
        let log = ChangeLog::new();
        for time in 0..100_000 {
            log.note(time * 15_000);
        }
        assert!(log.marks.lock().marks.len() <= MARKS_MAX);
        assert_eq!(log.oldest_since(0), 0);
        // What came last is known exactly.
        assert_eq!(log.oldest_since(99_900), 99_900 * 15_000);
    }

    proptest! {
        #[test]
        fn never_later_than_the_truth(times in prop::collection::vec(0..5_000_i64, 0..3_000)) {
            let log = ChangeLog::new();
            let mut all = Vec::new();
            for time in times {
                // Ascending with late ones in between, so that many marks stay.
                let time = all.len() as i64 * 1_500 - if time < 50 { time * 20_000 } else { time };
                log.note(time);
                all.push(time);
            }
            let mut truth = i64::MAX;
            prop_assert_eq!(log.oldest_since(all.len() as u64), i64::MAX);
            for since in (0..all.len()).rev() {
                truth = truth.min(all[since]);
                prop_assert!(log.oldest_since(since as u64) <= truth);
            }
        }
    }
}
