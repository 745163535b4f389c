//! `sort` and its like: the order of the result of an instant query.

use std::cmp::Ordering;

use crate::metrics::query::eval::Evaluator;
use crate::metrics::query::eval::context::Outcome;
use crate::metrics::query::eval::matrix::{Matrix, RowBuf, Series};
use crate::metrics::query::eval::plan::{Kind, Node};

use super::Function;

/// Sorts a vector; the functions by value drop histograms.
pub(crate) fn sort(evaluator: &Evaluator<'_, '_>, function: Function, vector: &Node, labels: &[Node]) -> Outcome<Matrix> {
    let mut matrix = evaluator.vector(vector)?;
    if matches!(function, Function::Sort | Function::SortDesc) {
        for series in matrix.series.iter_mut().filter(|series| !series.row.histograms().is_empty()) {
            let mut row = RowBuf::default();
            row.load(&series.row, evaluator.steps.count);
            row.histograms.clear();
            series.row = row.to_row();
        }
        matrix.series.retain(|series| !series.row.is_empty());
    }
    if !evaluator.is_instant() {
        return Ok(matrix);
    }
    let names: Vec<&str> =
        labels.iter().filter_map(|label| if let Kind::Text(text) = &label.kind { Some(text.as_str()) } else { None }).collect();
    match function {
        Function::Sort => matrix.series.sort_by(|a, b| by_value(a, b, false)),
        Function::SortDesc => matrix.series.sort_by(|a, b| by_value(a, b, true)),
        Function::SortByLabelDesc => matrix.series.sort_by(|a, b| by_labels(b, a, &names)),
        _ => matrix.series.sort_by(|a, b| by_labels(a, b, &names)),
    }
    Ok(matrix)
}

/// NaN comes last either way.
fn by_value(a: &Series, b: &Series, descending: bool) -> Ordering {
    let (x, y) = (a.row.float(0), b.row.float(0));
    match (x.is_nan(), y.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let order = x.partial_cmp(&y).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        }
    }
}

fn by_labels(a: &Series, b: &Series, names: &[&str]) -> Ordering {
    for name in names {
        let (x, y) = (a.labels.get(name).unwrap_or(""), b.labels.get(name).unwrap_or(""));
        if x != y {
            return natural(x, y);
        }
    }
    a.labels.cmp(&b.labels)
}

/// Compares with numbers inside the texts taken as numbers: `cpu2` before `cpu10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (Parts(a), Parts(b));
    loop {
        match (x.next(), y.next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(p), Some(q)) => {
                let order = match (p.parse::<u64>(), q.parse::<u64>()) {
                    (Ok(m), Ok(n)) => m.cmp(&n),
                    _ => p.cmp(q),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
    }
}

/// Runs of digits and of anything else, in turn.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let is_digit = self.0.bytes().next()?.is_ascii_digit();
        let end = self.0.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(part)
    }
}
