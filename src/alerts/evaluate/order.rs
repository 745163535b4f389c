//! Which rules of a group may be evaluated side by side: those of which none reads or writes what another writes.
//!
//! In a group later rules see what earlier ones stored, and earlier ones do not see what later ones store at the same
//! instant. Waves keep to that: a rule stands in a later wave than every rule before it that writes what it reads, that
//! reads what it writes, or that writes the same.

use rustc_hash::FxHashMap;

use crate::series::labels::METRIC_NAME;
use crate::series::matcher::{MatchOp, Matcher};

/// What a rule reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// Series of these metrics.
    Metrics(Vec<String>),
    /// Series that are not known by a name.
    Anything,
}

impl Reads {
    /// What selectors read.
    pub fn of(selectors: &[Vec<Matcher>]) -> Self {
        let name = |selector: &Vec<Matcher>| {
            let exact = selector.iter().find(|matcher| &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal)?;
            (!exact.value.is_empty()).then(|| exact.value.to_string())
        };
        selectors.iter().map(name).collect::<Option<Vec<String>>>().map_or(Self::Anything, Self::Metrics)
    }
}

/// What a rule reads and writes.
#[derive(Debug, Clone, Copy)]
pub struct Touches<'a> {
    /// What it reads.
    pub reads: &'a Reads,
    /// Metrics of the series that it gives.
    pub writes: &'a [&'a str],
    /// Whether others may give other series of the same metrics: those of alerts differ by the name of the alert.
    pub shares: bool,
}

/// Waves by metric, each the number of the last one so far.
#[derive(Default)]
struct Last<'a>(FxHashMap<&'a str, usize>);

impl<'a> Last<'a> {
    /// The first wave after everything that touched a metric.
    fn after(&self, metric: &str) -> usize {
        self.0.get(metric).map_or(0, |wave| wave + 1)
    }

    fn touch(&mut self, metric: &'a str, wave: usize) {
        let last = self.0.entry(metric).or_insert(wave);
        *last = (*last).max(wave);
    }
}

/// The places of rules by wave. Rules of a wave stand in their order, and every rule stands in one.
pub fn waves(rules: &[Touches<'_>]) -> Vec<Vec<usize>> {
    let (mut written, mut read) = (Last::default(), Last::default());
    // First waves after everything that writes, and after everything that reads what is not known by a name.
    let (mut after_writers, mut after_anything) = (0, 0);
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let mut wave = after_anything;
        for metric in rule.writes {
            wave = wave.max(read.after(metric));
            if !rule.shares {
                wave = wave.max(written.after(metric));
            }
        }
        match rule.reads {
            Reads::Anything => wave = wave.max(after_writers),
            Reads::Metrics(metrics) => wave = metrics.iter().fold(wave, |wave, metric| wave.max(written.after(metric))),
        }
        match rule.reads {
            Reads::Anything => after_anything = after_anything.max(wave + 1),
            Reads::Metrics(metrics) => metrics.iter().for_each(|metric| read.touch(metric, wave)),
        }
        rule.writes.iter().for_each(|metric| written.touch(metric, wave));
        after_writers = after_writers.max(wave + 1);
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        waves[wave].push(place);
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(metrics: &[&str]) -> Reads {
        if metrics == ["*"] { Reads::Anything } else { Reads::Metrics(metrics.iter().map(|metric| (*metric).to_owned()).collect()) }
    }

    /// Rules as what they read and write; `ALERTS` may be written by many.
    fn of(rules: &[(&[&str], &str)]) -> Vec<Vec<usize>> {
        let read: Vec<Reads> = rules.iter().map(|(metrics, _)| reads(metrics)).collect();
        let writes: Vec<[&str; 1]> = rules.iter().map(|(_, metric)| [*metric]).collect();
        let touches = read.iter().zip(&writes).map(|(reads, writes)| Touches { reads, writes, shares: writes[0] == "ALERTS" });
        waves(&touches.collect::<Vec<_>>())
    }

    #[test]
    fn what_does_not_touch_stands_together_and_what_does_in_order() {
        assert_eq!(of(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(of(&[(&["up"], "a"), (&["up"], "b"), (&["up"], "ALERTS"), (&["up"], "ALERTS")]), [vec![0, 1, 2, 3]]);
        assert_eq!(of(&[(&["up"], "a"), (&["a"], "b"), (&["b", "up"], "ALERTS"), (&["up"], "c")]), [vec![0, 3], vec![1], vec![2]]);
        assert_eq!(of(&[(&["b"], "a"), (&["up"], "b")]), [vec![0], vec![1]], "the first must not see what the second stores now");
        assert_eq!(of(&[(&["x"], "a"), (&["y"], "a")]), [vec![0], vec![1]], "two that give one metric");
        assert_eq!(of(&[(&["up"], "a"), (&["*"], "b"), (&["up"], "c")]), [vec![0], vec![1], vec![2]], "one that may read anything");
        assert_eq!(of(&[(&["up"], "ALERTS"), (&["ALERTS"], "n"), (&["up"], "ALERTS")]), [vec![0], vec![1], vec![2]]);
        assert_eq!(of(&[(&["a"], "a"), (&["a"], "b")]), [vec![0], vec![1]], "one that reads its own past");
    }

    #[test]
    fn only_exact_names_are_known() {
        let matcher = |name: &str, op, value: &str| Matcher::new(name, op, value).unwrap();
        let up = vec![matcher("job", MatchOp::Equal, "a"), matcher(METRIC_NAME, MatchOp::Equal, "up")];
        assert_eq!(Reads::of(std::slice::from_ref(&up)), reads(&["up"]));
        assert_eq!(Reads::of(&[]), reads(&[]));
        for odd in
            [matcher(METRIC_NAME, MatchOp::Regex, "up"), matcher("job", MatchOp::Equal, "a"), matcher(METRIC_NAME, MatchOp::Equal, "")]
        {
            assert_eq!(Reads::of(&[up.clone(), vec![odd]]), Reads::Anything);
        }
    }

    proptest::proptest! {
        /// Side by side or one after the other: rules see the same.
        #[test]
        fn whatever_touches_keeps_its_order(rules in proptest::collection::vec((proptest::collection::vec(0usize..6, 0..3), 0usize..5), 0..30)) {
            const NAMES: [&str; 6] = ["a", "b", "c", "d", "ALERTS", "*"];
            let read: Vec<Vec<&str>> = rules.iter().map(|(metrics, _)| {
                let metrics: Vec<&str> = metrics.iter().map(|at| NAMES[*at]).collect();
                if metrics.contains(&"*") { vec!["*"] } else { metrics }
            }).collect();
            let given: Vec<(&[&str], &str)> = read.iter().zip(&rules).map(|(metrics, (_, at))| (metrics.as_slice(), NAMES[*at])).collect();
            let found = of(&given);
            let wave_of = |place: usize| found.iter().position(|wave| wave.contains(&place)).unwrap();
            proptest::prop_assert_eq!(found.iter().map(Vec::len).sum::<usize>(), given.len());
            for later in 0..given.len() {
                for earlier in 0..later {
                    let touches = |one: usize, other: usize| given[one].0 == ["*"] || given[one].0.contains(&given[other].1);
                    let same = given[earlier].1 == given[later].1 && given[later].1 != "ALERTS";
                    if touches(later, earlier) || touches(earlier, later) || same {
                        proptest::prop_assert!(wave_of(earlier) < wave_of(later), "{:?}: {:?}", given, found);
                    }
                }
            }
        }
    }
}
