//! Expressions over the answers of other queries, as Grafana does them in its server: `math`, `reduce`,
//! `resample`, `threshold`. Each takes sets of numbers over time by their labels, and gives such a set.

mod math;
mod reduce;
mod resample;
mod threshold;

use std::sync::Arc;

use super::plan::{Failure, Query};
use crate::boards::data::{Column, Field, Frame, FrameKind};
use crate::series::labels::Labels;

/// Most points of a reckoning's result.
const POINTS_MAX: usize = 2_000_000;

/// Numbers over time, or one number, with labels.
#[derive(Debug, Clone, PartialEq, Default)]
struct Numbers {
    name: String,
    labels: Labels,
    times: Arc<[i64]>,
    values: Vec<Option<f64>>,
}

/// Does the reckonings of a plan, each after those that it takes the answers of.
pub(super) fn all(wanted: &[&Query], frames: &mut Vec<Frame>, hidden: &mut Vec<Frame>) -> Vec<Failure> {
    let (mut left, mut failures): (Vec<&Query>, Vec<Failure>) = (wanted.to_vec(), Vec::new());
    while !left.is_empty() {
        let is_ready = |query: &&Query| !named(query).iter().any(|name| left.iter().any(|other| other.ref_id == *name));
        let Some(at) = left.iter().position(is_ready) else {
            let round: Vec<&str> = left.iter().map(|query| query.ref_id.as_str()).collect();
            let text = format!("the expressions {} take each other's answers in a circle", round.join(", "));
            failures.extend(left.iter().map(|query| Failure { ref_id: query.ref_id.clone(), text: text.clone(), span: None }));
            return failures;
        };
        let query = left.remove(at);
        let of = |letter: &str| numbers(frames.iter().chain(hidden.iter()).filter(|frame| frame.ref_id == letter));
        match reckon(query, &of) {
            Ok(found) => {
                let into = if query.is_hidden { &mut *hidden } else { &mut *frames };
                into.extend(found.into_iter().map(|one| frame(query, one)));
            }
            Err(text) => failures.push(Failure { ref_id: query.ref_id.clone(), text, span: None }),
        }
    }
    failures
}

fn text<'a>(query: &'a Query, name: &str) -> &'a str {
    query.json.get(name).and_then(|text| text.as_str()).unwrap_or_default()
}

/// The letter that a reckoning of one input takes.
fn input(query: &Query) -> &str {
    query.expr.trim().trim_start_matches('$').trim_matches(['{', '}'])
}

/// The letters whose answers a reckoning takes.
fn named(query: &Query) -> Vec<String> {
    match text(query, "type") {
        "math" => math::letters(&query.expr),
        _ => vec![input(query).to_owned()],
    }
}

fn reckon(query: &Query, of: &dyn Fn(&str) -> Vec<Numbers>) -> Result<Vec<Numbers>, String> {
    match text(query, "type") {
        "math" => math::reckon(&query.expr, query.at, of),
        "reduce" => reduce::reckon(query, of(input(query))),
        "resample" => resample::reckon(query, of(input(query))),
        "threshold" => threshold::reckon(query, of(input(query))),
        kind => Err(format!("an expression of the type \"{kind}\" is not done; those that are: math, reduce, resample and threshold")),
    }
}

/// The columns of numbers of series.
fn numbers<'a>(frames: impl Iterator<Item = &'a Frame>) -> Vec<Numbers> {
    let mut found = Vec::new();
    for frame in frames.filter(|frame| frame.kind == FrameKind::Series) {
        let times = frame.fields.iter().find_map(|field| match &field.values {
            Column::Time(times) => Some(times),
            _ => None,
        });
        let Some(times) = times else { continue };
        for field in &frame.fields {
            if let Column::Number(values) = &field.values {
                let (name, labels) = (frame.name.clone(), field.labels.clone());
                found.push(Numbers { name, labels, times: Arc::clone(times), values: values.clone() });
            }
        }
    }
    found
}

fn frame(query: &Query, one: Numbers) -> Frame {
    let name = if one.labels.is_empty() || one.name.is_empty() { query.ref_id.clone() } else { one.name };
    let time = Field { name: "Time".to_owned(), values: Column::Time(one.times), ..Field::default() };
    let value = Field { name: "Value".to_owned(), labels: one.labels, values: Column::Number(one.values), ..Field::default() };
    Frame { name, ref_id: query.ref_id.clone(), kind: FrameKind::Series, fields: vec![time, value] }
}
