//! `sum by (a) (…)` and its like: one series of several, at each step.

use std::collections::BTreeMap;

use super::matrix::{Matrix, Series, absent, is_absent};
use crate::logs::query::ast::{Grouping, VectorOp};
use crate::series::labels::Labels;

/// Aggregates series. `count` is k, where the operation has one.
pub(crate) fn aggregate(op: VectorOp, count: u64, grouping: Option<&Grouping>, mut input: Matrix, steps: usize) -> Matrix {
    // The order of the sums is that of the labels, whatever order the series were found in.
    input.series.sort_by(|a, b| a.labels.cmp(&b.labels));
    let mut groups: BTreeMap<Labels, Vec<usize>> = BTreeMap::new();
    for (index, series) in input.series.iter().enumerate() {
        groups.entry(group_of(grouping, &series.labels)).or_default().push(index);
    }
    match op {
        VectorOp::Topk | VectorOp::Bottomk | VectorOp::ApproxTopk => select(op == VectorOp::Bottomk, count, &groups, &input, steps),
        VectorOp::Sort | VectorOp::SortDesc => sort(op == VectorOp::SortDesc, input),
        _ => fold(op, groups, &input, steps),
    }
}

fn group_of(grouping: Option<&Grouping>, labels: &Labels) -> Labels {
    match grouping {
        None => Labels::empty(),
        Some(Grouping { without: true, labels: names }) => {
            labels.without(|name| names.iter().any(|gone| **gone == *name) || name == "__name__")
        }
        Some(Grouping { labels: names, .. }) => labels.without(|name| !names.iter().any(|kept| **kept == *name)),
    }
}

fn fold(op: VectorOp, groups: BTreeMap<Labels, Vec<usize>>, input: &Matrix, steps: usize) -> Matrix {
    let mut matrix = Matrix::default();
    let mut present = Vec::new();
    for (labels, members) in groups {
        let mut values = vec![absent(); steps];
        for (step, slot) in values.iter_mut().enumerate() {
            present.clear();
            present.extend(members.iter().map(|member| input.series[*member].values[step]).filter(|value| !is_absent(*value)));
            if !present.is_empty() {
                *slot = of_values(op, &present);
            }
        }
        matrix.series.push(Series { labels, values });
    }
    matrix
}

fn of_values(op: VectorOp, values: &[f64]) -> f64 {
    let all = values.iter().copied();
    match op {
        VectorOp::Sum => all.sum(),
        VectorOp::Max => all.fold(f64::NAN, |max, value| if max < value || max.is_nan() { value } else { max }),
        VectorOp::Min => all.fold(f64::NAN, |min, value| if min > value || min.is_nan() { value } else { min }),
        VectorOp::Avg => mean(values),
        VectorOp::Stddev => variance(values).sqrt(),
        VectorOp::Stdvar => variance(values),
        _ => values.len() as f64,
    }
}

fn mean(values: &[f64]) -> f64 {
    let mut mean = values.first().copied().unwrap_or(f64::NAN);
    for (index, value) in values.iter().enumerate().skip(1) {
        if mean.is_infinite() {
            let is_same = value.is_infinite() && (mean > 0.0) == (*value > 0.0);
            if is_same || value.is_finite() {
                continue;
            }
        }
        mean += (value - mean) / (index + 1) as f64;
    }
    mean
}

fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (values.first().copied().unwrap_or(f64::NAN), 0.0);
    for (index, value) in values.iter().enumerate().skip(1) {
        let delta = value - mean;
        mean += delta / (index + 1) as f64;
        squares += delta * (value - mean);
    }
    squares / values.len() as f64
}

/// The k largest (or smallest) of each group, at each step for itself.
fn select(smallest: bool, count: u64, groups: &BTreeMap<Labels, Vec<usize>>, input: &Matrix, steps: usize) -> Matrix {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut chosen = vec![Vec::new(); input.series.len()];
    let mut ranked: Vec<(f64, usize)> = Vec::new();
    for members in groups.values() {
        for step in 0..steps {
            ranked.clear();
            let present = members.iter().map(|member| (input.series[*member].values[step], *member));
            ranked.extend(present.filter(|(value, _)| !is_absent(*value)));
            // What is no number comes last, whichever end is asked for.
            ranked.sort_by(|a, b| {
                let by_value = if smallest { a.0.total_cmp(&b.0) } else { b.0.total_cmp(&a.0) };
                a.0.is_nan().cmp(&b.0.is_nan()).then(by_value)
            });
            for (value, member) in ranked.iter().take(count) {
                chosen[*member].push((step, *value));
            }
        }
    }
    let mut matrix = Matrix::default();
    for (series, points) in input.series.iter().zip(chosen).filter(|(_, points)| !points.is_empty()) {
        let mut values = vec![absent(); steps];
        for (step, value) in points {
            values[step] = value;
        }
        matrix.series.push(Series { labels: series.labels.clone(), values });
    }
    matrix
}

fn sort(descending: bool, mut input: Matrix) -> Matrix {
    input.series.sort_by(|a, b| {
        let (a, b) = (a.values.first().copied().unwrap_or(f64::NAN), b.values.first().copied().unwrap_or(f64::NAN));
        let by_value = if descending { b.total_cmp(&a) } else { a.total_cmp(&b) };
        a.is_nan().cmp(&b.is_nan()).then(by_value)
    });
    input.is_sorted = true;
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Matrix {
        let series = |app: &str, pod: &str, values: &[f64]| Series {
            labels: Labels::from_pairs([("app", app), ("pod", pod)]),
            values: values.to_vec(),
        };
        Matrix {
            series: vec![series("a", "1", &[1.0, absent()]), series("a", "2", &[3.0, 5.0]), series("b", "1", &[2.0, f64::NAN])],
            is_sorted: false,
        }
    }

    fn shown(matrix: &Matrix) -> Vec<String> {
        let value = |value: &f64| if is_absent(*value) { "_".to_owned() } else { value.to_string() };
        matrix
            .series
            .iter()
            .map(|series| format!("{} {}", series.labels, series.values.iter().map(value).collect::<Vec<_>>().join(" ")))
            .collect()
    }

    #[test]
    fn operations() {
        let by = |labels: &[&str], without: bool| Some(Grouping { without, labels: labels.iter().map(|label| (*label).into()).collect() });
        for (op, count, grouping, expected) in [
            (VectorOp::Sum, 0, by(&["app"], false), vec![r#"{app="a"} 4 5"#, r#"{app="b"} 2 NaN"#]),
            (VectorOp::Sum, 0, None, vec!["{} 6 NaN"]),
            (VectorOp::Count, 0, None, vec!["{} 3 2"]),
            (VectorOp::Max, 0, by(&["app"], true), vec![r#"{pod="1"} 2 NaN"#, r#"{pod="2"} 3 5"#]),
            (VectorOp::Min, 0, None, vec!["{} 1 5"]),
            (VectorOp::Avg, 0, by(&["app"], false), vec![r#"{app="a"} 2 5"#, r#"{app="b"} 2 NaN"#]),
            (VectorOp::Stdvar, 0, by(&["app"], false), vec![r#"{app="a"} 1 0"#, r#"{app="b"} 0 0"#]),
            (VectorOp::Topk, 1, None, vec![r#"{app="a", pod="2"} 3 5"#]),
            (VectorOp::Bottomk, 1, None, vec![r#"{app="a", pod="1"} 1 _"#, r#"{app="a", pod="2"} _ 5"#]),
            (VectorOp::SortDesc, 0, None, vec![r#"{app="a", pod="2"} 3 5"#, r#"{app="b", pod="1"} 2 NaN"#, r#"{app="a", pod="1"} 1 _"#]),
        ] {
            assert_eq!(shown(&aggregate(op, count, grouping.as_ref(), input(), 2)), expected, "{op:?}");
        }
    }
}
