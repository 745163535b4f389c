//! Who comes back: those who came in one period, and how many of them were there so many periods later.

use std::collections::BTreeMap;

use crate::base::period::Period;

/// Cohorts of one table at most, the newest.
pub const COHORTS_MAX: usize = 60;
/// Periods for which one is followed at most.
pub const AGES_MAX: usize = 60;

/// Those who came in one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    /// When they came.
    pub period: Period,
    /// How many were there after so many periods, from 0; none where nobody knows.
    pub values: Vec<Option<f64>>,
}

impl Cohort {
    /// How many came.
    pub fn size(&self) -> Option<f64> {
        self.values.first().copied().flatten()
    }

    /// Those that were there after so many periods, as a share of those who came.
    pub fn share(&self, age: usize) -> Option<f64> {
        let (size, value) = (self.size()?, self.values.get(age).copied().flatten()?);
        (size > 0.0).then(|| value / size)
    }
}

/// A table of cohorts, the oldest first, out of numbers in any order. What is too old, or not of the grain of the newest
/// cohort, is left out.
pub fn table(numbers: impl IntoIterator<Item = (Period, u32, f64)>) -> Vec<Cohort> {
    let mut by_period: BTreeMap<Period, BTreeMap<usize, f64>> = BTreeMap::new();
    for (period, age, value) in numbers {
        let age = usize::try_from(age).unwrap_or(usize::MAX);
        if age < AGES_MAX && value.is_finite() {
            by_period.entry(period).or_default().insert(age, value);
        }
    }
    let Some(grain) = by_period.keys().next_back().map(|period| period.grain()) else { return Vec::new() };
    let rows = by_period.into_iter().filter(|(period, _)| period.grain() == grain).map(|(period, ages)| {
        let length = ages.keys().next_back().map_or(0, |last| last + 1);
        Cohort { period, values: (0..length).map(|age| ages.get(&age).copied()).collect() }
    });
    let rows: Vec<Cohort> = rows.collect();
    rows[rows.len().saturating_sub(COHORTS_MAX)..].to_vec()
}

/// The share that is there after each number of periods, over all cohorts that are that old, by their size.
pub fn mean(table: &[Cohort]) -> Vec<Option<f64>> {
    let length = table.iter().map(|cohort| cohort.values.len()).max().unwrap_or(0);
    let at = |age: usize| {
        let known = table.iter().filter_map(|cohort| Some((cohort.size()?, cohort.values.get(age).copied().flatten()?)));
        let (size, there) = known.fold((0.0, 0.0), |(sizes, values), (size, value)| (sizes + size, values + value));
        (size > 0.0).then(|| there / size)
    };
    (0..length).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order_become_a_table() {
        let month = |text: &str| Period::parse(text).unwrap();
        let numbers = [
            (month("2026-02"), 1, 30.0),
            (month("2026-01"), 0, 100.0),
            (month("2026-01"), 2, 20.0),
            (month("2026-02"), 0, 50.0),
            (month("2026-01"), 1, 60.0),
            (month("2026-03"), 0, 0.0),
            (month("2026-03"), 999, 1.0),
            (month("2026-03"), 1, f64::NAN),
        ];
        let table = table(numbers);
        assert_eq!(table.iter().map(|cohort| cohort.period.to_string()).collect::<Vec<_>>(), ["2026-01", "2026-02", "2026-03"]);
        assert_eq!((table[0].share(2), table[1].share(1), table[2].share(0)), (Some(0.2), Some(0.6), None));
        assert_eq!(mean(&table), [Some(1.0), Some(0.6), Some(0.2)]);
        assert!(super::table([]).is_empty());
    }
}
