//! A series of a chart: how it is drawn, and its values.

use serde_json::{Map, Value, json};

use super::put;
use crate::boards::data::{Column, Field, Frame, Options};
use crate::boards::draw::grid::{self, Grid};
use crate::boards::draw::of_look;

/// The values of a field on the grid.
pub(super) fn values(field: &Field, times: &[i64], grid: &Grid) -> Vec<Option<f64>> {
    let own: Vec<Option<f64>> = match &field.values {
        Column::Number(values) => values.clone(),
        Column::Bool(values) => values.iter().map(|value| value.map(|yes| f64::from(u8::from(yes)))).collect(),
        _ => Vec::new(),
    };
    let mut out = grid.values(times, &own);
    if Options::new(&field.look.custom).word("transform") == "constant" {
        let first = own.iter().flatten().next().copied();
        out.fill(first);
    }
    out
}

/// A series for the browser. `apart` is the distance of its values where that is more than the grid's.
pub(super) fn series(frame: &Frame, field: &Field, (at, axis): (usize, usize), apart: Option<i64>, values: &[Option<f64>]) -> Value {
    let look = &*field.look;
    let custom = Options::new(&look.custom);
    let draw = match custom.word("drawStyle") {
        "bars" => "bars",
        "points" => "points",
        _ => "line",
    };
    let last = values.iter().rev().flatten().next().copied();
    let bounds = (look.min.unwrap_or(0.0), look.max.unwrap_or(100.0));
    let colour = of_look(look, last, bounds, at, &field.title);
    let mut line = Map::new();
    let labels: Map<String, Value> = field.labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    for (name, value) in [
        ("name", json!(field.title)),
        ("labels", Value::Object(labels)),
        ("q", json!(frame.ref_id)),
        ("axis", json!(axis)),
        ("colour", json!(colour)),
        ("draw", json!(draw)),
        ("width", grid::number(custom.number("lineWidth").unwrap_or(1.0).clamp(0.0, 10.0))),
        ("fill", json!(custom.count("fillOpacity", 0, 100).unwrap_or(0))),
        ("gradient", json!(matches!(custom.word("gradientMode"), "opacity" | "hue" | "scheme"))),
        ("line", json!(interpolation(custom.word("lineInterpolation")))),
        ("points", json!(points(custom.word("showPoints")))),
        ("size", grid::number(custom.number("pointSize").unwrap_or(5.0).clamp(1.0, 40.0))),
        ("gaps", gaps(custom, apart)),
        ("v", grid::numbers(values)),
    ] {
        line.insert(name.to_owned(), value);
    }
    put(&mut line, "dash", dash(custom.child("lineStyle")));
    put(&mut line, "stack", stack(custom.child("stacking")));
    put(&mut line, "band", custom.text("fillBelowTo").filter(|name| !name.is_empty()).map(|name| json!(name)));
    put(&mut line, "flipped", (custom.word("transform") == "negative-Y").then_some(Value::Bool(true)));
    put(&mut line, "hide", hidden(custom.child("hideFrom")));
    Value::Object(line)
}

fn interpolation(name: &str) -> &'static str {
    match name {
        "smooth" => "smooth",
        // Grafana's names say on which side of a value the step is.
        "stepBefore" => "before",
        "stepAfter" => "after",
        _ => "linear",
    }
}

fn points(name: &str) -> &'static str {
    match name {
        "always" | "true" => "always",
        "never" | "false" => "never",
        _ => "auto",
    }
}

/// What is done over gaps. A series whose values lie farther apart than the grid's has no gaps between neighbours.
fn gaps(custom: Options<'_>, apart: Option<i64>) -> Value {
    match custom.get("spanNulls") {
        Some(Value::Bool(true)) => json!("join"),
        Some(Value::Number(longest)) => {
            let longest = longest.as_f64().unwrap_or(0.0).max(0.0);
            grid::number(longest.max(apart.unwrap_or(0) as f64))
        }
        _ => match apart {
            Some(apart) => json!(apart.saturating_add(apart / 4)),
            None => json!("cut"),
        },
    }
}

fn dash(style: Options<'_>) -> Option<Value> {
    let given: Vec<Value> =
        style.list("dash").iter().filter_map(Value::as_f64).take(8).map(|part| grid::number(part.clamp(0.0, 100.0))).collect();
    match style.word("fill") {
        "dash" if given.is_empty() => Some(json!([10, 10])),
        "dot" if given.is_empty() => Some(json!([0, 10])),
        "dash" | "dot" => Some(Value::Array(given)),
        _ => None,
    }
}

fn stack(stacking: Options<'_>) -> Option<Value> {
    let mode = stacking.text("mode").filter(|mode| matches!(*mode, "normal" | "percent"))?;
    let group = match stacking.get("group") {
        Some(Value::String(group)) => group.clone(),
        _ => "A".to_owned(),
    };
    Some(json!({ "group": group, "mode": mode }))
}

fn hidden(from: Options<'_>) -> Option<Value> {
    let parts: Map<String, Value> =
        ["legend", "tooltip", "viz"].into_iter().filter(|name| from.flag(name)).map(|name| (name.to_owned(), Value::Bool(true))).collect();
    (!parts.is_empty()).then_some(Value::Object(parts))
}
