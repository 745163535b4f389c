//! The graph of before Grafana 8 as a time series, bar chart or histogram.

use serde_json::{Value, json};

use super::{Old, matcher, number_or_null, part, reducer};
use crate::boards::model::board::Object;
use crate::boards::model::read::json::{flag, flag_or, list, number, object, objects, text};
use crate::boards::model::report::Level;

pub(super) fn panel(old: &mut Old<'_>) {
    let kind = match text(&part(old, "xaxis"), "mode").as_str() {
        "series" => "barchart",
        "histogram" => "histogram",
        _ => "timeseries",
    };
    let axes = axes(old.panel);
    for (name, value) in axis_properties(&axes[0]) {
        old.default(name, value);
    }
    if !flag_or(&axes[0], "show", true) {
        old.default("custom.axisPlacement", "hidden");
    }
    old.default("decimals", number_or_null(old.panel, "decimals"));
    old.default("color.mode", "palette-classic");
    drawing(old);
    stacking(old);
    thresholds(old);
    alias_colours(old);
    series_overrides(old, &axes);
    old.set("options.legend", legend(&part(old, "legend")));
    old.set("options.tooltip", tooltip(&part(old, "tooltip")));
    if kind == "barchart" {
        old.set("transformations", json!([{"id": "reduce", "options": {"reducers": series_values(old.panel)}}]));
    }
    if kind == "histogram"
        && let Some(buckets) = number(&part(old, "xaxis"), "buckets")
    {
        old.set("options.bucketCount", buckets);
    }
    if !list(old.panel, "timeRegions").is_empty() {
        old.say(Level::Ignored, "timeRegions", "shaded times of the day are not drawn");
    }
    old.panel.insert("type".to_owned(), kind.into());
}

/// What the x axis shows of each series where it is no time.
fn series_values(panel: &Object) -> Vec<String> {
    let values = super::super::json::texts(&object(panel, "xaxis"), "values");
    let reducers: Vec<String> = values.iter().map(|value| reducer(value).to_owned()).filter(|name| !name.is_empty()).collect();
    if reducers.is_empty() { vec!["sum".to_owned()] } else { reducers }
}

/// The left and the right axis. Before Grafana 3 they stood in `grid` and `y_formats`.
fn axes(panel: &Object) -> [Object; 2] {
    if let [left, right, ..] = list(panel, "yaxes") {
        return [left, right].map(|axis| axis.as_object().cloned().unwrap_or_default());
    }
    let grid = object(panel, "grid");
    let formats = list(panel, "y_formats");
    [("left", 0), ("right", 1)].map(|(side, at)| {
        let mut axis = Object::new();
        axis.insert("format".to_owned(), formats.get(at).cloned().unwrap_or_else(|| json!("short")));
        for (name, old) in [("min", "Min"), ("max", "Max"), ("logBase", "LogBase")] {
            axis.insert(name.to_owned(), grid.get(&format!("{side}{old}")).cloned().unwrap_or(Value::Null));
        }
        axis.insert("label".to_owned(), text(panel, &format!("{side}YAxisLabel")).into());
        axis.insert("show".to_owned(), flag_or(panel, "y-axis", true).into());
        axis
    })
}

/// What an axis says of the fields on it.
fn axis_properties(axis: &Object) -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    let unit = text(axis, "format");
    if !unit.is_empty() {
        found.push(("unit", Value::from(unit)));
    }
    for name in ["min", "max", "decimals"] {
        if let Some(value) = number(axis, name) {
            found.push((name, value.into()));
        }
    }
    let label = text(axis, "label");
    if !label.is_empty() {
        found.push(("custom.axisLabel", label.into()));
    }
    if let Some(base) = number(axis, "logBase").filter(|base| *base > 1.0) {
        found.push(("custom.scaleDistribution", json!({"type": "log", "log": if base == 2.0 { 2 } else { 10 }})));
    }
    found
}

/// What the right axis has; what only the left one has is taken back.
fn of_right_axis([left, right]: &[Object; 2]) -> Vec<(&'static str, Value)> {
    let (of_left, mut found) = (axis_properties(left), axis_properties(right));
    for (name, none) in [("custom.axisLabel", json!("")), ("custom.scaleDistribution", json!({"type": "linear"}))] {
        let has = |all: &[(&str, Value)]| all.iter().any(|(known, _)| *known == name);
        if has(&of_left) && !has(&found) {
            found.push((name, none));
        }
    }
    found
}

/// Lines, bars and points.
fn drawing(old: &mut Old<'_>) {
    let (bars, lines, points) = (flag(old.panel, "bars"), flag_or(old.panel, "lines", true), flag(old.panel, "points"));
    let style = if bars {
        "bars"
    } else if lines {
        "line"
    } else {
        "points"
    };
    old.default("custom.drawStyle", style);
    old.default("custom.showPoints", if points { "always" } else { "never" });
    if let Some(radius) = number(old.panel, "pointradius") {
        old.default("custom.pointSize", 2.0 + radius.clamp(0.0, 20.0) * 2.0);
    }
    if bars {
        old.default("custom.fillOpacity", 100);
        old.default("custom.lineWidth", 0);
        if lines {
            old.say(Level::Adapted, "lines", "bars and lines at once: bars are drawn");
        }
        return;
    }
    let gradient = number(old.panel, "fillGradient").filter(|tenths| *tenths > 0.0);
    let fill = gradient.or(number(old.panel, "fill")).unwrap_or(1.0);
    old.default("custom.fillOpacity", fill.clamp(0.0, 10.0) * 10.0);
    if gradient.is_some() {
        old.default("custom.gradientMode", "opacity");
    }
    old.default("custom.lineWidth", number(old.panel, "linewidth").unwrap_or(1.0).clamp(0.0, 20.0));
    if flag(old.panel, "steppedLine") {
        old.default("custom.lineInterpolation", "stepAfter");
    }
    if flag(old.panel, "dashes") {
        old.default("custom.lineStyle", dashes(old.panel));
    }
    match text(old.panel, "nullPointMode").as_str() {
        "connected" => old.default("custom.spanNulls", true),
        "null as zero" => old.default("nullValueMode", "null as zero"),
        _ => {}
    }
}

fn dashes(json: &Object) -> Value {
    let length = |name| number(json, name).unwrap_or(10.0).clamp(0.0, 200.0);
    json!({"fill": "dash", "dash": [length("dashLength"), length("spaceLength")]})
}

fn stacking(old: &mut Old<'_>) {
    let mode = match (flag(old.panel, "stack"), flag(old.panel, "percentage")) {
        (false, _) => return,
        (true, true) => "percent",
        (true, false) => "normal",
    };
    old.default("custom.stacking", json!({"mode": mode, "group": "A"}));
}

/// Thresholds: areas and lines where colours of values changed.
fn thresholds(old: &mut Old<'_>) {
    let grid = part(old, "grid");
    let mut found: Vec<(f64, String, bool, bool, bool)> = Vec::new();
    for (_, one) in objects(old.panel, "thresholds") {
        let Some(value) = number(one, "value") else { continue };
        let colour = match text(one, "colorMode").as_str() {
            "warning" => "orange".to_owned(),
            "ok" => "green".to_owned(),
            "custom" => ["fillColor", "lineColor"].iter().map(|name| text(one, name)).find(|text| !text.is_empty()).unwrap_or_default(),
            _ => "red".to_owned(),
        };
        found.push((value, colour, text(one, "op") == "lt", flag(one, "fill"), flag(one, "line")));
    }
    let is_line = flag(&grid, "thresholdLine");
    for (value, colour) in [("threshold1", "threshold1Color"), ("threshold2", "threshold2Color")] {
        if let Some(value) = number(&grid, value) {
            found.push((value, text(&grid, colour), false, !is_line, is_line));
        }
    }
    if found.is_empty() {
        return;
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let style = match (found.iter().any(|one| one.3), found.iter().any(|one| one.4)) {
        (true, true) => "line+area",
        (true, false) => "area",
        (false, true) => "line",
        (false, false) => "off",
    };
    // What is below the first one is coloured only where it is about less.
    let mut steps: Vec<Value> = Vec::new();
    let first = &found[0];
    steps.push(json!({"color": if first.2 { first.1.as_str() } else { "transparent" }, "value": null}));
    for (at, (value, colour, is_below, ..)) in found.iter().enumerate() {
        let above = match found.get(at + 1) {
            Some(next) if next.2 => next.1.as_str(),
            _ if *is_below => "transparent",
            _ => colour.as_str(),
        };
        steps.push(json!({"color": above, "value": value}));
    }
    old.default("thresholds", json!({"mode": "absolute", "steps": steps}));
    old.default("custom.thresholdsStyle", json!({"mode": style}));
}

fn alias_colours(old: &mut Old<'_>) {
    for (alias, colour) in part(old, "aliasColors") {
        if let Value::String(colour) = colour {
            old.add_override(&json!({"id": "byName", "options": alias}), vec![("color", json!({"mode": "fixed", "fixedColor": colour}))]);
        }
    }
}

fn series_overrides(old: &mut Old<'_>, axes: &[Object; 2]) {
    let all: Vec<(usize, Object)> = objects(old.panel, "seriesOverrides").map(|(at, one)| (at, one.clone())).collect();
    for (at, one) in all {
        let alias = text(&one, "alias");
        if alias.is_empty() {
            continue;
        }
        let mut unknown = Vec::new();
        let properties = series_properties(&one, axes, &mut unknown);
        if !unknown.is_empty() {
            old.say(Level::Ignored, &format!("seriesOverrides[{at}]"), format!("{} is left out", unknown.join(", ")));
        }
        old.add_override(&matcher(&alias), properties);
    }
}

fn series_properties(one: &Object, axes: &[Object; 2], unknown: &mut Vec<String>) -> Vec<(&'static str, Value)> {
    let mut found: Vec<(&'static str, Value)> = Vec::new();
    for (name, value) in one {
        let number = super::super::json::number_of(value);
        let is = value.as_bool();
        match name.as_str() {
            "alias" | "$$hashKey" | "zindex" | "dashLength" | "spaceLength" => {}
            "color" => found.push(("color", json!({"mode": "fixed", "fixedColor": value}))),
            "yaxis" if number == Some(2.0) => {
                found.push(("custom.axisPlacement", if flag_or(&axes[1], "show", true) { "right" } else { "hidden" }.into()));
                found.extend(of_right_axis(axes));
            }
            "yaxis" => {}
            "fill" => found.push(("custom.fillOpacity", (number.unwrap_or(0.0).clamp(0.0, 10.0) * 10.0).into())),
            "fillBelowTo" => found.push(("custom.fillBelowTo", value.clone())),
            "linewidth" => found.push(("custom.lineWidth", number.unwrap_or(1.0).clamp(0.0, 20.0).into())),
            "pointradius" => found.push(("custom.pointSize", (2.0 + number.unwrap_or(0.0).clamp(0.0, 20.0) * 2.0).into())),
            "points" => found.push(("custom.showPoints", if is == Some(true) { "always" } else { "never" }.into())),
            "bars" if is == Some(true) => found.extend([("custom.drawStyle", json!("bars")), ("custom.fillOpacity", json!(100))]),
            "bars" => found.push(("custom.drawStyle", "line".into())),
            "lines" if is == Some(true) => found.push(("custom.drawStyle", "line".into())),
            "lines" => found.push(("custom.lineWidth", 0.into())),
            "steppedLine" if is == Some(true) => found.push(("custom.lineInterpolation", "stepAfter".into())),
            "dashes" if is == Some(true) => found.push(("custom.lineStyle", dashes(one))),
            "steppedLine" | "dashes" => {}
            "stack" => found.push(("custom.stacking", stack_of(value))),
            "transform" if value == "negative-Y" => found.push(("custom.transform", value.clone())),
            "nullPointMode" => {
                found.extend([("custom.spanNulls", (value == "connected").into()), ("nullValueMode", value.clone())]);
            }
            "legend" if is == Some(false) => found.push(("custom.hideFrom", json!({"legend": true, "tooltip": false, "viz": false}))),
            "legend" | "hideTooltip" => {}
            "fillGradient" => found.push(("custom.gradientMode", "opacity".into())),
            other => unknown.push(other.to_owned()),
        }
    }
    found
}

/// `true`, `false`, or the letter of a group.
fn stack_of(value: &Value) -> Value {
    match value {
        Value::Bool(false) => json!({"mode": "none", "group": "A"}),
        Value::String(group) => json!({"mode": "normal", "group": group}),
        _ => json!({"mode": "normal", "group": "A"}),
    }
}

fn legend(old: &Object) -> Value {
    let mut calcs: Vec<&str> = Vec::new();
    if flag(old, "values") {
        calcs.extend(["min", "max", "avg", "current", "total"].iter().filter(|name| flag(old, name)).map(|name| reducer(name)));
    }
    json!({
        "showLegend": flag_or(old, "show", true),
        "displayMode": if flag(old, "alignAsTable") { "table" } else { "list" },
        "placement": if flag(old, "rightSide") { "right" } else { "bottom" },
        "calcs": calcs,
    })
}

fn tooltip(old: &Object) -> Value {
    let sort = match number(old, "sort").map_or(0, |sort| sort as i64) {
        1 => "asc",
        2 => "desc",
        _ => "none",
    };
    json!({"mode": if flag_or(old, "shared", true) { "multi" } else { "single" }, "sort": sort})
}
