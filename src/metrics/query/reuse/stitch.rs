//! Parts of range queries put together: what was there before, and what was computed for the steps beside it.

use crate::series::labels::Labels;
use crate::series::value::RangeSeries;

/// The points of `series` from `from` to `to`, both included; series without any fall away.
pub(crate) fn cut(series: &[RangeSeries], from: i64, to: i64) -> Vec<RangeSeries> {
    fn within<T: Clone>(points: &[(i64, T)], from: i64, to: i64) -> Vec<(i64, T)> {
        let start = points.partition_point(|(time, _)| *time < from);
        let end = points.partition_point(|(time, _)| *time <= to);
        points[start..end.max(start)].to_vec()
    }
    let cut = series.iter().map(|one| RangeSeries {
        labels: one.labels.clone(),
        floats: within(&one.floats, from, to),
        histograms: within(&one.histograms, from, to),
    });
    cut.filter(|one| !one.floats.is_empty() || !one.histograms.is_empty()).collect()
}

/// Joins parts that follow each other in time, each sorted by labels.
pub(crate) fn join(parts: Vec<Vec<RangeSeries>>) -> Vec<RangeSeries> {
    let mut joined: Vec<RangeSeries> = Vec::new();
    for part in parts {
        joined = if joined.is_empty() { part } else { join_two(joined, part) };
    }
    joined
}

fn join_two(earlier: Vec<RangeSeries>, later: Vec<RangeSeries>) -> Vec<RangeSeries> {
    let mut joined = Vec::with_capacity(earlier.len().max(later.len()));
    let mut earlier = earlier.into_iter().peekable();
    for mut one in later {
        let before = |labels: &Labels| *labels < one.labels;
        while let Some(next) = earlier.next_if(|next| before(&next.labels)) {
            joined.push(next);
        }
        match earlier.next_if(|next| next.labels == one.labels) {
            Some(mut whole) => {
                whole.floats.append(&mut one.floats);
                whole.histograms.append(&mut one.histograms);
                joined.push(whole);
            }
            None => joined.push(one),
        }
    }
    joined.extend(earlier);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, times: &[i64]) -> RangeSeries {
        RangeSeries {
            labels: Labels::from_pairs([("a", name)]),
            floats: times.iter().map(|&time| (time, time as f64)).collect(),
            ..RangeSeries::default()
        }
    }

    #[test]
    fn what_is_cut_can_be_joined() {
        let whole = vec![series("a", &[1, 2, 3, 4]), series("b", &[1]), series("c", &[4]), series("d", &[2, 3])];
        for at in 0..5 {
            let parts = vec![cut(&whole, i64::MIN, at), cut(&whole, at + 1, i64::MAX)];
            assert_eq!(join(parts), whole, "{at}");
        }
        assert_eq!(cut(&whole, 2, 3), [series("a", &[2, 3]), series("d", &[2, 3])]);
        assert!(cut(&whole, 3, 2).is_empty());
        let parts = vec![cut(&whole, 1, 1), cut(&whole, 2, 2), Vec::new(), cut(&whole, 3, 4)];
        assert_eq!(join(parts), whole);
    }
}
