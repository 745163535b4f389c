//! Which segments explain a change.

use super::formula::BySegment;
use super::value::Segment;

/// What one segment gave to a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// Which.
    pub segment: Segment,
    /// What it was.
    pub from: f64,
    /// What it is.
    pub to: f64,
    /// By how much it changed.
    pub by: f64,
    /// That as a share of the whole change; above 1 where others went the other way.
    pub share: Option<f64>,
}

/// What every segment gave to the change of values that are added up, the greatest first, whatever its direction.
pub fn contributions(before: &BySegment, after: &BySegment) -> Vec<Contribution> {
    let of = |values: &BySegment, segment: &Segment| values.get(segment).copied().unwrap_or(0.0);
    let whole = of(after, &Segment::all()) - of(before, &Segment::all());
    let new = after.keys().filter(|segment| !before.contains_key(*segment));
    let mut all: Vec<Contribution> = before
        .keys()
        .chain(new)
        .filter(|segment| !segment.is_all())
        .map(|segment| {
            let (from, to) = (of(before, segment), of(after, segment));
            let share = (whole != 0.0).then(|| (to - from) / whole);
            Contribution { segment: segment.clone(), from, to, by: to - from, share }
        })
        .filter(|found| found.by != 0.0)
        .collect();
    all.sort_by(|one, other| other.by.abs().total_cmp(&one.by.abs()).then_with(|| one.segment.cmp(&other.segment)));
    all
}

/// The segment that explains most of a change: the one that went furthest in its direction. None where the whole did not
/// change, or where all went against it.
pub fn greatest(before: &BySegment, after: &BySegment) -> Option<Contribution> {
    contributions(before, after).into_iter().find(|found| found.share.is_some_and(|share| share > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, f64)]) -> BySegment {
        let segment = |value: &str| match value {
            "" => Segment::all(),
            value => Segment { label: "plan".to_owned(), value: value.to_owned() },
        };
        pairs.iter().map(|(value, number)| (segment(value), *number)).collect()
    }

    #[test]
    fn the_greatest_is_found_with_its_numbers() {
        let before = of(&[("", 100.0), ("a", 50.0), ("b", 30.0), ("gone", 20.0)]);
        let after = of(&[("", 110.0), ("a", 90.0), ("b", 15.0), ("new", 5.0)]);
        let most = greatest(&before, &after).unwrap();
        assert_eq!((most.segment.value.as_str(), most.from, most.to, most.share), ("a", 50.0, 90.0, Some(4.0)));
        let order: Vec<String> = contributions(&before, &after).into_iter().map(|found| found.segment.value).collect();
        assert_eq!(order, ["a", "gone", "b", "new"]);
        assert_eq!(greatest(&after, &before).unwrap().segment.value, "a", "and of a fall the one that fell most");
        assert_eq!(greatest(&before, &before), None);
    }
}
