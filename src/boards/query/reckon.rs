//! Reckonings with the answers of other queries, which Grafana calls server-side expressions: `reduce`, `threshold`.

use std::sync::Arc;

use super::plan::Query;
use crate::boards::data::{Column, Field, Frame, FrameKind};

/// Does a reckoning.
///
/// # Errors
/// In words, where it cannot be done.
pub(super) fn reckon<'a>(query: &Query, frames: impl Iterator<Item = &'a Frame>) -> Result<Vec<Frame>, String> {
    let text = |name: &str| query.json.get(name).and_then(|text| text.as_str()).unwrap_or_default();
    let of = text("expression").trim().trim_start_matches('$').trim_matches(['{', '}']).to_owned();
    let input: Vec<&Frame> = frames.filter(|frame| frame.ref_id == of && frame.kind == FrameKind::Series).collect();
    match text("type") {
        "reduce" => input.iter().map(|frame| reduced(query, frame, text("reducer"))).collect(),
        "threshold" => {
            let (kind, bounds) = condition(query)?;
            Ok(input.iter().map(|frame| over_bound(query, frame, kind, bounds)).collect())
        }
        kind => Err(format!("a reckoning of the type \"{kind}\" is not done; those with answers of others are reduce and threshold")),
    }
}

fn values(frame: &Frame) -> Vec<f64> {
    let numbers = frame.fields.iter().find_map(|field| match &field.values {
        Column::Number(values) => Some(values),
        _ => None,
    });
    numbers.map_or_else(Vec::new, |values| values.iter().flatten().copied().collect())
}

fn reduced(query: &Query, frame: &Frame, reducer: &str) -> Result<Frame, String> {
    let values = values(frame);
    let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let sum: f64 = known.iter().sum();
    let value = match reducer {
        "last" => known.last().copied(),
        "mean" | "avg" => (!known.is_empty()).then(|| sum / known.len() as f64),
        "sum" => Some(sum),
        "min" => known.iter().copied().min_by(f64::total_cmp),
        "max" => known.iter().copied().max_by(f64::total_cmp),
        "count" => Some(known.len() as f64),
        "median" => median(known),
        other => return Err(format!("\"{other}\" reduces nothing; allowed are last, mean, sum, min, max, count and median")),
    };
    Ok(with_values(query, frame, &[query.at], vec![value]))
}

fn median(mut known: Vec<f64>) -> Option<f64> {
    known.sort_by(f64::total_cmp);
    let middle = known.len() / 2;
    match known.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(known[middle - 1], known[middle])),
        _ => Some(known[middle]),
    }
}

fn with_values(query: &Query, frame: &Frame, times: &[i64], values: Vec<Option<f64>>) -> Frame {
    let labels = frame.fields.iter().map(|field| &field.labels).find(|labels| !labels.is_empty()).cloned().unwrap_or_default();
    let time = Field { name: "Time".to_owned(), values: Column::Time(Arc::from(times)), ..Field::default() };
    let value = Field { name: "Value".to_owned(), labels, values: Column::Number(values), ..Field::default() };
    Frame { name: frame.name.clone(), ref_id: query.ref_id.clone(), kind: FrameKind::Series, fields: vec![time, value] }
}

/// The first condition: its kind and its bounds.
fn condition(query: &Query) -> Result<(&str, (f64, f64)), String> {
    let evaluator = query.json.get("conditions").and_then(|all| all.get(0)).and_then(|one| one.get("evaluator"));
    let evaluator = evaluator.ok_or("a threshold has a condition, this one has none")?;
    let kind = evaluator.get("type").and_then(|kind| kind.as_str()).unwrap_or_default();
    let bound = |at: usize| evaluator.get("params").and_then(|all| all.get(at)).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
    if !["gt", "lt", "within_range", "outside_range"].contains(&kind) {
        return Err(format!("\"{kind}\" compares nothing; allowed are gt, lt, within_range and outside_range"));
    }
    Ok((kind, (bound(0), bound(1))))
}

/// 1 where a value fulfils a condition, else 0.
fn over_bound(query: &Query, frame: &Frame, kind: &str, (low, high): (f64, f64)) -> Frame {
    let holds = |value: f64| match kind {
        "gt" => value > low,
        "lt" => value < low,
        "within_range" => value > low && value < high,
        _ => value < low || value > high,
    };
    let times = frame.fields.iter().find_map(|field| match &field.values {
        Column::Time(times) => Some(Arc::clone(times)),
        _ => None,
    });
    let values = frame.fields.iter().find_map(|field| match &field.values {
        Column::Number(values) => Some(values.iter().map(|value| value.map(|value| f64::from(u8::from(holds(value))))).collect()),
        _ => None,
    });
    with_values(query, frame, &times.unwrap_or_default(), values.unwrap_or_default())
}
