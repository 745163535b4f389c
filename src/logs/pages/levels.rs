//! Lines by level over time: counts in buckets, drawn as bars that need no script.

use std::fmt::Write;

use crate::ui::format::count;

/// Levels from the bottom of a bar to its top: the class of its colour, and the words of `detected_level` in it.
pub const LEVELS: [(&str, &[&str]); 5] = [
    ("error", &["error", "critical", "fatal"]),
    ("warn", &["warn"]),
    ("info", &["info"]),
    ("debug", &["debug", "trace"]),
    ("unknown", &[]),
];

/// Bars of a histogram, at most.
pub const BARS_MAX: i64 = 96;

/// Lengths of buckets, in seconds.
const STEPS_S: [i64; 22] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000];

/// Divides and rounds up.
const fn up(value: i64, by: i64) -> i64 {
    value / by + (value % by > 0) as i64
}

/// Which of [`LEVELS`] a word belongs to.
pub fn slot(level: &str) -> usize {
    LEVELS.iter().position(|(_, words)| words.contains(&level)).unwrap_or(LEVELS.len() - 1)
}

/// The class of a level's colour.
pub fn class(level: &str) -> &'static str {
    LEVELS[slot(level)].0
}

/// The length of a bucket for a range, in milliseconds: round, and such that there are at most [`BARS_MAX`].
pub fn step_ms(range_ms: i64) -> i64 {
    let least = up(range_ms.max(1), BARS_MAX * 1000);
    STEPS_S.into_iter().find(|step| *step >= least).unwrap_or_else(|| up(least, 2_592_000) * 2_592_000).saturating_mul(1000)
}

/// Counts of lines by level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    /// Start of the first bucket, in milliseconds.
    pub start_ms: i64,
    /// Length of a bucket, in milliseconds.
    pub step_ms: i64,
    /// For each of [`LEVELS`] the lines in each bucket.
    pub counts: [Vec<u64>; LEVELS.len()],
}

impl Levels {
    /// Empty buckets over a range; the first and the last may reach beyond it.
    pub fn over(start_ms: i64, end_ms: i64) -> Self {
        let step_ms = step_ms(end_ms.saturating_sub(start_ms));
        let first = start_ms.div_euclid(step_ms) * step_ms;
        let bars = usize::try_from(up(end_ms.saturating_sub(first), step_ms)).unwrap_or(0).max(1);
        Self { start_ms: first, step_ms, counts: std::array::from_fn(|_| vec![0; bars]) }
    }

    /// Adds lines of a level in the bucket that begins at `at_ms`.
    pub fn add(&mut self, level: &str, at_ms: i64, lines: u64) {
        let at = at_ms.saturating_sub(self.start_ms).div_euclid(self.step_ms.max(1));
        let slot = slot(level);
        if let Some(count) = usize::try_from(at).ok().and_then(|at| self.counts[slot].get_mut(at)) {
            *count = count.saturating_add(lines);
        }
    }

    /// How many buckets.
    pub fn bars(&self) -> usize {
        self.counts[0].len()
    }

    /// End of the last bucket, in milliseconds.
    pub fn end_ms(&self) -> i64 {
        self.start_ms.saturating_add(self.step_ms.saturating_mul(i64::try_from(self.bars()).unwrap_or(i64::MAX)))
    }

    /// All lines of a bucket.
    pub fn height(&self, bar: usize) -> u64 {
        self.counts.iter().filter_map(|counts| counts.get(bar)).sum()
    }

    /// All lines.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Lines of the highest bucket.
    pub fn highest(&self) -> u64 {
        (0..self.bars()).map(|bar| self.height(bar)).max().unwrap_or(0)
    }

    /// Where the scale ends: a round number not below the highest bucket.
    pub fn top(&self) -> u64 {
        let highest = self.highest().max(4);
        let ten = 10u64.saturating_pow(highest.ilog10());
        [1, 2, 4, 6, 8, 10].into_iter().map(|by| ten.saturating_mul(by)).find(|top| *top >= highest).unwrap_or(highest)
    }

    /// The bars of each level as the path of an SVG that is as wide as there are buckets and 100 high.
    pub fn paths(&self) -> Vec<(&'static str, String)> {
        let top = self.top() as f64;
        let mut below = vec![0u64; self.bars()];
        let mut paths = Vec::with_capacity(LEVELS.len());
        for ((class, _), counts) in LEVELS.iter().zip(&self.counts) {
            let mut path = String::new();
            for (bar, (count, below)) in counts.iter().zip(&mut below).enumerate() {
                if *count == 0 {
                    continue;
                }
                let (low, high) = (*below as f64 / top * 100.0, (*below + count) as f64 / top * 100.0);
                *below += count;
                // A bar of few lines under many others must be seen still.
                let tall = (high - low).max(0.8);
                // Writing to a String cannot fail.
                let _infallible = write!(path, "M{bar}.08 {:.1}h.84v-{tall:.1}h-.84z", 100.0 - low);
            }
            if !path.is_empty() {
                paths.push((*class, path));
            }
        }
        paths
    }

    /// For scripts: `level:1,0,2;level:…`.
    pub fn data(&self) -> String {
        let mut out = String::new();
        for ((class, _), counts) in LEVELS.iter().zip(&self.counts) {
            if counts.iter().all(|count| *count == 0) {
                continue;
            }
            let texts: Vec<String> = counts.iter().map(u64::to_string).collect();
            out.push_str(class);
            out.push(':');
            out.push_str(&texts.join(","));
            out.push(';');
        }
        out
    }

    /// Times below the bars: milliseconds, and where, in hundredths of the width.
    pub fn ticks(&self, wanted: i64) -> Vec<(i64, f64)> {
        let range = self.end_ms().saturating_sub(self.start_ms).max(1);
        let step = STEPS_S.into_iter().map(|step| step * 1000).find(|step| range / step <= wanted).unwrap_or(range);
        let first = self.start_ms.div_euclid(step).saturating_add(1).saturating_mul(step);
        let ends = (0..).map(|at| first.saturating_add(step.saturating_mul(at))).take_while(|at| *at < self.end_ms());
        ends.take(64).map(|at| (at, (at - self.start_ms) as f64 / range as f64 * 100.0)).collect()
    }

    /// Marks of the scale: none, half, all.
    pub fn marks(&self) -> [String; 3] {
        let short = |value: u64| {
            if value < 10_000 { count(value) } else { crate::ui::format::number(value as f64, crate::ui::format::Unit::Short) }
        };
        [short(self.top()), short(self.top() / 2), "0".to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_round_and_few() {
        for (range, step) in [(60_000, 1_000), (900_000, 10_000), (3_600_000, 60_000), (86_400_000, 900_000), (1, 1_000)] {
            assert_eq!(step_ms(range), step, "{range}");
        }
        assert!(Levels::over(0, i64::MAX).bars() <= 98);
        assert!(Levels::over(5, 4).bars() == 1);
    }

    #[test]
    fn lines_fall_into_their_bucket() {
        let mut levels = Levels::over(61_500, 121_500);
        assert_eq!((levels.start_ms, levels.step_ms, levels.bars()), (61_000, 1_000, 61));
        for (level, at, lines) in [("error", 61_000, 2), ("fatal", 61_999, 1), ("info", 121_000, 5), ("info", 0, 9), ("odd", 999_000, 9)] {
            levels.add(level, at, lines);
        }
        assert_eq!((levels.total(), levels.highest(), levels.height(0), levels.top()), (8, 5, 3, 6));
        assert_eq!(levels.paths().iter().map(|(class, _)| *class).collect::<Vec<_>>(), ["error", "info"]);
        assert_eq!(levels.paths()[0].1, "M0.08 100.0h.84v-50.0h-.84z");
        assert!(levels.data().starts_with("error:3,0,"), "{}", levels.data());
        assert!(levels.ticks(6).iter().all(|(_, at)| (0.0..=100.0).contains(at)) && !levels.ticks(6).is_empty());
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (highest, top) in [(0, 4), (3, 4), (5, 6), (350, 400), (1000, 1000), (1001, 2000), (9_999, 10_000)] {
            let mut levels = Levels::over(0, 1_000);
            levels.add("info", 0, highest);
            assert_eq!(levels.top(), top, "{highest}");
        }
    }
}
