//! `threshold`: 1 where a value fulfils a condition, else 0.

use super::Numbers;
use crate::boards::query::plan::Query;

/// The conditions, as Grafana names them.
const KINDS: [&str; 10] =
    ["gt", "lt", "gte", "lte", "eq", "ne", "within_range", "outside_range", "within_range_included", "outside_range_included"];

pub(super) fn reckon(query: &Query, input: Vec<Numbers>) -> Result<Vec<Numbers>, String> {
    let (kind, bounds) = condition(query)?;
    let told = |value: f64| f64::from(u8::from(holds(kind, bounds, value)));
    Ok(input.into_iter().map(|one| Numbers { values: one.values.iter().map(|value| value.map(told)).collect(), ..one }).collect())
}

/// The first condition: its kind and its bounds.
fn condition(query: &Query) -> Result<(&str, (f64, f64)), String> {
    let evaluator = query.json.get("conditions").and_then(|all| all.get(0)).and_then(|one| one.get("evaluator"));
    let evaluator = evaluator.ok_or("a threshold has a condition, this one has none")?;
    let kind = evaluator.get("type").and_then(|kind| kind.as_str()).unwrap_or_default();
    let bound = |at: usize| evaluator.get("params").and_then(|all| all.get(at)).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
    if !KINDS.contains(&kind) {
        return Err(format!("\"{kind}\" compares nothing; allowed are {}", KINDS.join(", ")));
    }
    Ok((kind, (bound(0), bound(1))))
}

#[expect(clippy::float_cmp, reason = "a condition for a value asks for exactly that value")]
fn holds(kind: &str, (low, high): (f64, f64), value: f64) -> bool {
    match kind {
        "gt" => value > low,
        "lt" => value < low,
        "gte" => value >= low,
        "lte" => value <= low,
        "eq" => value == low,
        "ne" => value != low,
        "within_range" => value > low && value < high,
        "within_range_included" => value >= low && value <= high,
        "outside_range" => value < low || value > high,
        _ => value <= low || value >= high,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_or_not() {
        for (kind, values) in [
            ("gt", [false, false, true]),
            ("lt", [true, false, false]),
            ("gte", [false, true, true]),
            ("lte", [true, true, false]),
            ("eq", [false, true, false]),
            ("ne", [true, false, true]),
            ("within_range", [false, false, true]),
            ("within_range_included", [false, true, true]),
            ("outside_range", [true, false, false]),
            ("outside_range_included", [true, true, false]),
        ] {
            assert_eq!([0.0, 1.0, 2.0].map(|value| holds(kind, (1.0, 3.0), value)), values, "{kind}");
        }
    }
}
