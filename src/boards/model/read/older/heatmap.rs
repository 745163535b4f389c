//! The heatmap of before Grafana 9.

use serde_json::{Value, json};

use super::{Old, number_or_null, part};
use crate::boards::model::read::json::{flag, number, text};
use crate::boards::model::report::Level;

pub(super) fn panel(old: &mut Old<'_>) {
    let is_old = ["dataFormat", "heatmap", "yAxis", "cards"].iter().any(|name| old.panel.contains_key(*name));
    if !is_old || part(old, "options").contains_key("calculate") {
        return;
    }
    let is_counted_here = text(old.panel, "dataFormat") != "tsbuckets";
    old.set("options.calculate", is_counted_here);
    if is_counted_here {
        buckets(old, "x");
        buckets(old, "y");
        if flag(old.panel, "reverseYBuckets") {
            old.set("options.yAxis.reverse", true);
        }
    } else if flag(old.panel, "reverseYBuckets") {
        old.set("options.yAxis.reverse", true);
    }
    colouring(old);
    let axis = part(old, "yAxis");
    old.set("options.yAxis.axisPlacement", if axis.get("show") == Some(&Value::Bool(false)) { "hidden" } else { "left" });
    for (name, from) in [("min", "min"), ("max", "max"), ("decimals", "decimals")] {
        old.set(&format!("options.yAxis.{name}"), number_or_null(&axis, from));
    }
    let unit = text(&axis, "format");
    if !unit.is_empty() {
        old.set("options.yAxis.unit", unit);
    }
    if let Some(base) = number(&axis, "logBase").filter(|base| *base > 1.0) {
        old.set("options.calculation.yBuckets.scale", json!({"type": "log", "log": base}));
    }
    let bound = match text(old.panel, "yBucketBound").as_str() {
        "upper" => "le",
        "lower" => "ge",
        "middle" => "unknown",
        _ => "auto",
    };
    old.set("options.rowsFrame", json!({"layout": bound}));
    if flag(old.panel, "hideZeroBuckets") {
        old.set("options.filterValues", json!({"le": 1e-9}));
    }
    old.set("options.legend", json!({"show": flag(&part(old, "legend"), "show")}));
    let tooltip = part(old, "tooltip");
    let is_shown = tooltip.get("show") != Some(&Value::Bool(false));
    old.set("options.tooltip", json!({"mode": if is_shown { "single" } else { "none" }, "yHistogram": flag(&tooltip, "showHistogram")}));
    let cards = part(old, "cards");
    old.set("options.cellGap", number(&cards, "cardPadding").unwrap_or(2.0).clamp(0.0, 25.0));
}

/// How many buckets there are on an axis, or how large they are.
fn buckets(old: &mut Old<'_>, axis: &str) {
    let upper = axis.to_uppercase();
    for (mode, name) in [("count", format!("{axis}BucketNumber")), ("size", format!("{axis}BucketSize"))] {
        let given = text(old.panel, &name);
        if !given.is_empty() {
            old.set(&format!("options.calculation.{axis}Buckets.mode"), mode);
            old.set(&format!("options.calculation.{axis}Buckets.value"), given);
            return;
        }
    }
    let splits = text(old.panel, &format!("{axis}BucketSplitFactor"));
    if !splits.is_empty() {
        old.say(Level::Ignored, &format!("{axis}BucketSplitFactor"), format!("parts of logarithmic buckets on {upper} are left out"));
    }
}

fn colouring(old: &mut Old<'_>) {
    let colour = part(old, "color");
    let scheme = text(&colour, "colorScheme");
    let is_opacity = text(&colour, "mode") == "opacity";
    let mut new = json!({
        "mode": if is_opacity { "opacity" } else { "scheme" },
        "scheme": if scheme.is_empty() { "Oranges" } else { scheme.trim_start_matches("interpolate") },
        "steps": 128,
    });
    let fill = text(&colour, "cardColor");
    if !fill.is_empty() {
        new["fill"] = fill.into();
    }
    for (name, from) in [("exponent", "exponent"), ("min", "min"), ("max", "max")] {
        if let Some(value) = number(&colour, from) {
            new[name] = value.into();
        }
    }
    if is_opacity {
        new["scale"] = if text(&colour, "colorScale") == "linear" { "linear" } else { "exponential" }.into();
    }
    old.set("options.color", new);
}
