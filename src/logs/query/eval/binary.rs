//! Operators between two expressions.

use hashbrown::{HashMap, HashSet};

use super::matrix::{Matrix, Series, absent, is_absent};
use crate::logs::query::ast::{BinaryOp, Cardinality, Matching};
use crate::series::labels::Labels;
use crate::series::ports::EvaluateError;

/// What an operator makes of two numbers; none where a comparison does not hold.
pub(crate) fn apply(op: BinaryOp, left: f64, right: f64) -> Option<f64> {
    let holds = |holds: bool| holds.then_some(1.0);
    match op {
        BinaryOp::Add => Some(left + right),
        BinaryOp::Sub => Some(left - right),
        BinaryOp::Mul => Some(left * right),
        // Upstream makes no infinity of a division by zero.
        BinaryOp::Div | BinaryOp::Mod if right == 0.0 => Some(f64::NAN),
        BinaryOp::Div => Some(left / right),
        BinaryOp::Mod => Some(left % right),
        BinaryOp::Pow => Some(left.powf(right)),
        BinaryOp::Eq => holds(left == right),
        BinaryOp::Ne => holds(left != right),
        BinaryOp::Lt => holds(left < right),
        BinaryOp::Le => holds(left <= right),
        BinaryOp::Gt => holds(left > right),
        BinaryOp::Ge => holds(left >= right),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => None,
    }
}

/// The value at a step: of a comparison the compared value, or 0 and 1 with `bool`.
fn result(op: BinaryOp, left: f64, right: f64, kept: f64, as_bool: bool) -> f64 {
    match apply(op, left, right) {
        Some(value) if op.is_comparison() && !as_bool => {
            if value == 1.0 {
                kept
            } else {
                absent()
            }
        }
        Some(value) => value,
        None if as_bool => 0.0,
        None => absent(),
    }
}

/// A number on one side.
pub(crate) fn with_literal(op: BinaryOp, as_bool: bool, literal: f64, literal_is_left: bool, mut matrix: Matrix) -> Matrix {
    for value in matrix.series.iter_mut().flat_map(|series| &mut series.values).filter(|value| !is_absent(**value)) {
        let (left, right) = if literal_is_left { (literal, *value) } else { (*value, literal) };
        *value = result(op, left, right, *value, as_bool);
    }
    matrix.series.retain(Series::has_any);
    matrix
}

/// Series on both sides.
pub(crate) fn between(
    op: BinaryOp,
    as_bool: bool,
    matching: &Matching,
    left: Matrix,
    right: Matrix,
    steps: usize,
) -> Result<Matrix, EvaluateError> {
    if op.is_set() {
        return Ok(set(op, matching, left, right, steps));
    }
    let swapped = matching.cardinality == Cardinality::OneToMany;
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let mut ids = Ids::default();
    let one_ids: Vec<usize> = one.series.iter().map(|series| ids.of(matching, &series.labels)).collect();
    let many_ids: Vec<usize> = many.series.iter().map(|series| ids.of(matching, &series.labels)).collect();
    let mut partners: Vec<Vec<usize>> = vec![Vec::new(); ids.0.len()];
    for (index, id) in one_ids.iter().enumerate() {
        partners[*id].push(index);
    }
    check_one_side(&partners, &one, steps, swapped)?;
    let mut made: Vec<Series> = Vec::new();
    // Which result each pair of a series and its labels goes to.
    let mut places: HashMap<(usize, usize), usize> = HashMap::new();
    let mut taken: HashSet<(usize, Labels)> = HashSet::new();
    for step in 0..steps {
        taken.clear();
        for (index, series) in many.series.iter().enumerate() {
            let value = series.values[step];
            let id = many_ids[index];
            let partner = partners[id].iter().copied().find(|partner| !is_absent(one.series[*partner].values[step]));
            let Some(partner) = partner.filter(|_| !is_absent(value)) else { continue };
            let place = *places.entry((index, partner)).or_insert_with(|| {
                let labels = result_labels(matching, &series.labels, &one.series[partner].labels);
                made.push(Series { labels, values: vec![absent(); steps] });
                made.len() - 1
            });
            check_many_side(matching, &mut taken, id, &made[place].labels)?;
            let other = one.series[partner].values[step];
            let (left, right) = if swapped { (other, value) } else { (value, other) };
            made[place].values[step] = result(op, left, right, left, as_bool);
        }
    }
    made.retain(Series::has_any);
    Ok(Matrix { series: made, is_sorted: false })
}

fn check_one_side(partners: &[Vec<usize>], one: &Matrix, steps: usize, swapped: bool) -> Result<(), EvaluateError> {
    for group in partners.iter().filter(|group| group.len() > 1) {
        for step in 0..steps {
            if group.iter().filter(|index| !is_absent(one.series[**index].values[step])).count() > 1 {
                let side = if swapped { "left" } else { "right" };
                return Err(EvaluateError::Execution(format!(
                    "found duplicate series on the {side} hand-side;many-to-many matching not allowed: matching labels must be unique on one side"
                )));
            }
        }
    }
    Ok(())
}

fn check_many_side(matching: &Matching, taken: &mut HashSet<(usize, Labels)>, id: usize, labels: &Labels) -> Result<(), EvaluateError> {
    let one_to_one = matching.cardinality == Cardinality::OneToOne;
    let key = (id, if one_to_one { Labels::empty() } else { labels.clone() });
    if taken.insert(key) {
        return Ok(());
    }
    Err(EvaluateError::Execution(
        if one_to_one {
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        } else {
            "multiple matches for labels: grouping labels must ensure unique matches"
        }
        .to_owned(),
    ))
}

fn set(op: BinaryOp, matching: &Matching, left: Matrix, right: Matrix, steps: usize) -> Matrix {
    let mut ids = Ids::default();
    let left_ids: Vec<usize> = left.series.iter().map(|series| ids.of(matching, &series.labels)).collect();
    let right_ids: Vec<usize> = right.series.iter().map(|series| ids.of(matching, &series.labels)).collect();
    let presence = |matrix: &Matrix, of: &[usize]| {
        let mut present = vec![false; ids.0.len() * steps];
        for (series, id) in matrix.series.iter().zip(of) {
            for (step, _) in series.values.iter().enumerate().filter(|(_, value)| !is_absent(**value)) {
                present[id * steps + step] = true;
            }
        }
        present
    };
    let keep = |matrix: &mut Matrix, of: &[usize], other: &[bool], if_there: bool| {
        for (series, id) in matrix.series.iter_mut().zip(of) {
            for (step, value) in series.values.iter_mut().enumerate() {
                if other[id * steps + step] != if_there {
                    *value = absent();
                }
            }
        }
        matrix.series.retain(Series::has_any);
    };
    let (mut left, mut right) = (left, right);
    match op {
        BinaryOp::And => keep(&mut left, &left_ids, &presence(&right, &right_ids), true),
        BinaryOp::Unless => keep(&mut left, &left_ids, &presence(&right, &right_ids), false),
        _ => {
            keep(&mut right, &right_ids, &presence(&left, &left_ids), false);
            left.series.append(&mut right.series);
        }
    }
    left
}

/// Numbers for what series match by.
#[derive(Default)]
struct Ids(HashMap<Labels, usize>);

impl Ids {
    fn of(&mut self, matching: &Matching, labels: &Labels) -> usize {
        let named = |name: &str| matching.labels.iter().any(|label| **label == *name);
        let signature = labels.without(|name| named(name) != matching.on);
        let next = self.0.len();
        *self.0.entry(signature).or_insert(next)
    }
}

fn result_labels(matching: &Matching, many: &Labels, one: &Labels) -> Labels {
    let named = |name: &str| matching.labels.iter().any(|label| **label == *name);
    let labels = if matching.cardinality == Cardinality::OneToOne { many.without(|name| named(name) != matching.on) } else { many.clone() };
    let Some(include) = matching.include.as_ref().filter(|include| !include.is_empty()) else { return labels };
    let mut builder = labels.to_builder();
    for name in include {
        builder.set(name, one.get(name).unwrap_or_default());
    }
    builder.build()
}
