//! KPIs that are made of others: one by another, one less another, some added up. What has no value has none; nothing is
//! ever divided by nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::value::Segment;

/// How a KPI is made of others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Formula {
    /// The first by the second, times that.
    Ratio {
        /// Times what.
        times: f64,
    },
    /// The first less the second.
    Difference,
    /// All of them.
    Sum,
}

/// Values of one period by segment.
pub type BySegment = BTreeMap<Segment, f64>;

impl Formula {
    /// Its value from those of its parts, of which each has one.
    pub fn apply(self, parts: &[f64]) -> Option<f64> {
        let value = match (self, parts) {
            (Self::Ratio { times }, [of, to]) if *to != 0.0 => of / to * times,
            (Self::Difference, [of, minus]) => of - minus,
            (Self::Sum, [_, ..]) => parts.iter().sum(),
            _ => return None,
        };
        value.is_finite().then_some(value)
    }

    /// Its values of every segment that its parts have. A segment that one part has not counts there as 0 if that part is
    /// split by the same label, except below a fraction.
    pub fn by_segment(self, parts: &[&BySegment]) -> BySegment {
        let labels = |part: &&BySegment| part.keys().map(|segment| segment.label.clone()).collect::<BTreeSet<String>>();
        let mut common = parts.iter().map(labels);
        let Some(first) = common.next() else { return BySegment::new() };
        let common = common.fold(first, |both, labels| &both & &labels);
        let segments: BTreeSet<&Segment> =
            parts.iter().flat_map(|part| part.keys()).filter(|segment| common.contains(&segment.label)).collect();
        let of = |segment: &Segment| {
            let value = |part: &&BySegment| part.get(segment).copied().or((!segment.is_all()).then_some(0.0));
            self.apply(&parts.iter().map(value).collect::<Option<Vec<f64>>>()?)
        };
        segments.into_iter().filter_map(|segment| Some((segment.clone(), of(segment)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, f64)]) -> BySegment {
        let segment = |name: &str| match name.split_once('=') {
            Some((label, value)) => Segment { label: label.to_owned(), value: value.to_owned() },
            None => Segment::all(),
        };
        pairs.iter().map(|(name, value)| (segment(name), *value)).collect()
    }

    #[test]
    fn nothing_by_nothing_is_no_value() {
        let ratio = Formula::Ratio { times: 100.0 };
        assert_eq!((ratio.apply(&[1.0, 4.0]), ratio.apply(&[1.0, 0.0]), ratio.apply(&[0.0, 0.0])), (Some(25.0), None, None));
        assert_eq!((ratio.apply(&[f64::MAX, 0.1]), ratio.apply(&[f64::NAN, 1.0]), ratio.apply(&[1.0])), (None, None, None));
        assert_eq!((Formula::Difference.apply(&[1.0, 4.0]), Formula::Sum.apply(&[1.0, 2.0, 3.0])), (Some(-3.0), Some(6.0)));
        assert_eq!(Formula::Sum.apply(&[]), None);
    }

    #[test]
    fn each_segment_by_itself() {
        let orders = of(&[("", 10.0), ("plan=a", 6.0), ("plan=b", 4.0), ("country=DE", 10.0)]);
        let visits = of(&[("", 40.0), ("plan=a", 12.0), ("plan=c", 28.0)]);
        let rate = Formula::Ratio { times: 1.0 }.by_segment(&[&orders, &visits]);
        assert_eq!(rate, of(&[("", 0.25), ("plan=a", 0.5), ("plan=c", 0.0)]), "b has no visits, countries are not known of visits");
        let left = Formula::Difference.by_segment(&[&orders, &visits]);
        assert_eq!(left, of(&[("", -30.0), ("plan=a", -6.0), ("plan=b", 4.0), ("plan=c", -28.0)]));
        assert_eq!(Formula::Sum.by_segment(&[&orders, &BySegment::new()]), BySegment::new(), "a part without a value makes none");
    }
}
