//! Quantiles of what came in the last minutes, as client libraries' summaries have them.
//!
//! Each quantile is right up to an error of its rank that was asked for: a sorted list of samples of which neighbours are
//! joined as long as no such error grows too large (Cormode, Korn, Muthukrishnan and Srivastava, "Effective computation of
//! biased quantiles over data streams", with targets). Time goes by in parts: every part's list takes what comes, the oldest one
//! answers and is begun anew when its time is over.

use std::time::Duration;

/// Observations that are sorted in at once.
const PENDING_MAX: usize = 500;

/// A quantile that is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Objective {
    /// 0 to 1.
    pub(super) quantile: f64,
    /// By how much the rank of the answer may differ, as a share of all.
    pub(super) error: f64,
}

impl Objective {
    /// Smaller errors would keep nearly everything.
    pub(super) const ERROR_MIN: f64 = 0.000_1;
}

/// What a summary answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SummaryShape {
    /// In order of their quantiles.
    pub(super) objectives: Vec<Objective>,
    /// How far back it looks.
    pub(super) max_age: Duration,
    /// In how many parts that time goes by.
    pub(super) age_buckets: usize,
}

impl Default for SummaryShape {
    fn default() -> Self {
        Self { objectives: Vec::new(), max_age: Duration::from_secs(600), age_buckets: 5 }
    }
}

/// The lists of a summary.
#[derive(Debug)]
pub(super) struct Window {
    pending: Vec<(f64, f64)>,
    /// Of different ages; the one at `head` is the oldest.
    lists: Vec<List>,
    head: usize,
    /// When the oldest one is over, on the monotonic clock.
    until: Duration,
}

#[derive(Debug, Default, Clone)]
struct List {
    samples: Vec<Sample>,
    count: f64,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    value: f64,
    /// How many observations it stands for.
    width: f64,
    /// By how much its rank may be larger.
    delta: f64,
}

impl Window {
    pub(super) fn new(shape: &SummaryShape, now: Duration) -> Self {
        let parts = shape.age_buckets.max(1);
        Self { pending: Vec::new(), lists: vec![List::default(); parts], head: 0, until: now.saturating_add(part(shape)) }
    }

    pub(super) fn observe(&mut self, value: f64, times: u64, shape: &SummaryShape, now: Duration) {
        self.turn(shape, now);
        self.pending.push((value, times as f64));
        if self.pending.len() >= PENDING_MAX {
            self.sort_in(shape);
        }
    }

    /// The value of each quantile; not a number where nothing came lately.
    pub(super) fn answers(&mut self, shape: &SummaryShape, now: Duration) -> Vec<f64> {
        self.turn(shape, now);
        self.sort_in(shape);
        let list = &self.lists[self.head];
        shape.objectives.iter().map(|one| list.quantile(one.quantile, &shape.objectives)).collect()
    }

    /// Memory beside the structure itself, roughly, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.pending.capacity() * size_of::<(f64, f64)>()
            + self.lists.iter().map(|list| size_of::<List>() + list.samples.capacity() * size_of::<Sample>()).sum::<usize>()
    }

    /// Begins lists anew whose time is over.
    fn turn(&mut self, shape: &SummaryShape, now: Duration) {
        if now < self.until {
            return;
        }
        self.sort_in(shape);
        for _ in 0..self.lists.len() {
            if now < self.until {
                return;
            }
            self.lists[self.head] = List::default();
            self.head = (self.head + 1) % self.lists.len();
            self.until = self.until.saturating_add(part(shape));
        }
        // Nothing came for so long that all of them are new.
        self.until = self.until.max(now.saturating_add(part(shape)));
    }

    fn sort_in(&mut self, shape: &SummaryShape) {
        if self.pending.is_empty() {
            return;
        }
        self.pending.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        for list in &mut self.lists {
            list.merge(&self.pending, &shape.objectives);
        }
        self.pending.clear();
    }
}

/// How long one part lasts.
fn part(shape: &SummaryShape) -> Duration {
    (shape.max_age / u32::try_from(shape.age_buckets.max(1)).unwrap_or(1)).max(Duration::from_millis(1))
}

impl List {
    /// How many ranks a sample at this rank may stand for. The smallest and the largest are exact anyway.
    fn room(&self, rank: f64, objectives: &[Objective]) -> f64 {
        let of = |one: &Objective| {
            if one.quantile * self.count <= rank {
                2.0 * one.error * rank / one.quantile
            } else {
                2.0 * one.error * (self.count - rank) / (1.0 - one.quantile)
            }
        };
        objectives.iter().filter(|one| one.quantile > 0.0 && one.quantile < 1.0).map(of).fold(f64::MAX, f64::min)
    }

    fn merge(&mut self, new: &[(f64, f64)], objectives: &[Objective]) {
        let mut merged = Vec::with_capacity(self.samples.len() + new.len());
        let mut old = std::mem::take(&mut self.samples).into_iter().peekable();
        let mut rank = 0.0;
        for (value, width) in new {
            while let Some(sample) = old.next_if(|sample| sample.value <= *value) {
                rank += sample.width;
                merged.push(sample);
            }
            let delta = match old.peek() {
                Some(next) => next.delta.max(self.room(rank, objectives).floor() - 1.0).max(0.0),
                None => 0.0,
            };
            merged.push(Sample { value: *value, width: *width, delta: if merged.is_empty() { 0.0 } else { delta } });
            self.count += width;
            rank += width;
        }
        merged.extend(old);
        self.samples = merged;
        self.join(objectives);
    }

    /// Joins neighbours where no quantile becomes too wrong by it.
    fn join(&mut self, objectives: &[Objective]) {
        let Some(mut right) = self.samples.pop() else { return };
        let mut kept = Vec::with_capacity(self.samples.len() + 1);
        let mut rank = self.count - 1.0 - right.width;
        while let Some(left) = self.samples.pop() {
            // The smallest stays what it is.
            let is_first = self.samples.is_empty();
            if !is_first && left.width + right.width + right.delta <= self.room(rank, objectives) {
                right.width += left.width;
            } else {
                kept.push(right);
                right = left;
            }
            rank -= left.width;
        }
        kept.push(right);
        kept.reverse();
        self.samples = kept;
    }

    fn quantile(&self, quantile: f64, objectives: &[Objective]) -> f64 {
        let (Some(first), Some(last)) = (self.samples.first(), self.samples.last()) else { return f64::NAN };
        if quantile <= 0.0 || quantile >= 1.0 {
            return if quantile <= 0.0 { first.value } else { last.value };
        }
        let wanted = (quantile * self.count).ceil();
        let wanted = wanted + self.room(wanted, objectives) / 2.0;
        let mut before = first;
        let mut rank = 0.0;
        for sample in &self.samples[1..] {
            rank += before.width;
            if rank + sample.width + sample.delta > wanted {
                return before.value;
            }
            before = sample;
        }
        before.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(objectives: &[(f64, f64)]) -> SummaryShape {
        let objectives = objectives.iter().map(|(quantile, error)| Objective { quantile: *quantile, error: *error }).collect();
        SummaryShape { objectives, ..SummaryShape::default() }
    }

    #[test]
    fn ranks_are_as_right_as_asked_for() {
        let shape = shape(&[(0.5, 0.05), (0.9, 0.01), (0.99, 0.001)]);
        let mut window = Window::new(&shape, Duration::ZERO);
        let count = 100_000_u64;
        // All numbers up to there, in a mixed order.
        for at in 0..count {
            window.observe((at * 7_919 % count) as f64, 1, &shape, Duration::ZERO);
        }
        let answers = window.answers(&shape, Duration::ZERO);
        for (answer, one) in answers.iter().zip(&shape.objectives) {
            let off = (answer / count as f64 - one.quantile).abs();
            assert!(off <= one.error, "{one:?}: {answer}");
        }
        assert!(window.bytes() < 200_000, "{}", window.bytes());
    }

    #[test]
    fn few_values_are_exact_and_old_ones_go() {
        let shape = shape(&[(0.0, 0.01), (0.5, 0.01), (1.0, 0.01)]);
        let at = Duration::from_secs;
        let mut window = Window::new(&shape, at(0));
        assert!(window.answers(&shape, at(0))[0].is_nan());
        for value in [3.0, 1.0, 2.0, 5.0, 4.0] {
            window.observe(value, 1, &shape, at(1));
        }
        let answers = window.answers(&shape, at(300));
        assert_eq!((answers[0], answers[2]), (1.0, 5.0), "{answers:?}");
        assert!((2.0..=4.0).contains(&answers[1]), "{answers:?}");
        window.observe(100.0, 1, &shape, at(590));
        assert_eq!(window.answers(&shape, at(700))[0], 100.0, "the others are older than ten minutes");
        assert!(window.answers(&shape, at(10_000))[0].is_nan());
    }
}
