//! The table of before Grafana 7 (`styles`, `transform`), and cells as Grafana 7 to 9 named them.

use serde_json::{Value, json};

use super::{Old, bounds, colours, mappings, matcher, reducer, steps};
use crate::boards::model::board::Object;
use crate::boards::model::read::json::{flag, list, number, object, objects, text};
use crate::boards::model::report::Level;

pub(super) fn panel(old: &mut Old<'_>) {
    let is_old = text(old.panel, "type") == "table-old" || old.panel.contains_key("styles") || old.panel.contains_key("transform");
    if is_old {
        transform(old);
        styles(old);
        old.panel.insert("type".to_owned(), "table".into());
    }
    cells(old);
}

/// How answers became a table, as transformations.
fn transform(old: &mut Old<'_>) {
    let how = text(old.panel, "transform");
    let step = match how.as_str() {
        "timeseries_to_rows" => json!({"id": "seriesToRows", "options": {}}),
        "timeseries_to_columns" => json!({"id": "joinByField", "options": {"byField": "Time", "mode": "outer"}}),
        "timeseries_aggregations" => {
            let wanted: Vec<String> = objects(old.panel, "columns")
                .map(|(_, column)| reducer(&text(column, "value")).to_owned())
                .filter(|name| !name.is_empty())
                .collect();
            json!({"id": "reduce", "options": {"reducers": if wanted.is_empty() { vec!["mean".to_owned()] } else { wanted }, "includeTimeField": false}})
        }
        "table" => json!({"id": "merge", "options": {}}),
        "" => return,
        _ => {
            old.say(Level::Ignored, "transform", format!("the way \"{how}\" of making a table is not known"));
            return;
        }
    };
    super::push(old.panel, "transformations", step);
}

fn styles(old: &mut Old<'_>) {
    let all: Vec<(usize, Object)> = objects(old.panel, "styles").map(|(at, style)| (at, style.clone())).collect();
    for (at, style) in all {
        let pattern = text(&style, "pattern");
        // The style of what has no other.
        if pattern == "/.*/" {
            for (name, value) in properties(&style) {
                old.default(name, value);
            }
            continue;
        }
        if pattern.is_empty() {
            old.say(Level::Ignored, &format!("styles[{at}]"), "a style without a pattern fits nothing");
            continue;
        }
        old.add_override(&matcher(&pattern), properties(&style));
    }
}

fn properties(style: &Object) -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    let alias = text(style, "alias");
    if !alias.is_empty() {
        found.push(("displayName", Value::from(alias)));
    }
    match text(style, "type").as_str() {
        "hidden" => found.push(("custom.hidden", true.into())),
        "date" => {
            let format = text(style, "dateFormat");
            found.push(("unit", format!("time: {}", if format.is_empty() { "YYYY-MM-DD HH:mm:ss" } else { &format }).into()));
        }
        "number" => {
            let unit = text(style, "unit");
            if !unit.is_empty() {
                found.push(("unit", unit.into()));
            }
            if let Some(decimals) = number(style, "decimals") {
                found.push(("decimals", decimals.into()));
            }
        }
        _ => {}
    }
    let mapped = mappings(style);
    if !mapped.is_null() {
        found.push(("mappings", mapped));
    }
    let align = text(style, "align");
    if !align.is_empty() {
        found.push(("custom.align", align.into()));
    }
    let cell = match text(style, "colorMode").as_str() {
        "cell" | "row" => "color-background",
        "value" => "color-text",
        _ => "",
    };
    if !cell.is_empty() {
        found.push(("custom.cellOptions", json!({"type": cell})));
        found.push(("thresholds", steps(&bounds(style.get("thresholds")), &colours(style, "colors"))));
        found.push(("color", json!({"mode": "thresholds"})));
    }
    if flag(style, "link") {
        let link =
            json!({"title": text(style, "linkTooltip"), "url": text(style, "linkUrl"), "targetBlank": flag(style, "linkTargetBlank")});
        found.push(("links", json!([link])));
    }
    found
}

/// `displayMode` became `cellOptions`.
fn cells(old: &mut Old<'_>) {
    let mut fields = object(old.panel, "fieldConfig");
    let mode = text(&object(&object(&fields, "defaults"), "custom"), "displayMode");
    let mut is_changed = !mode.is_empty();
    if is_changed {
        super::put(&mut fields, "defaults.custom.cellOptions", &cell(&mode));
    }
    let mut overrides = list(&fields, "overrides").to_vec();
    for property in overrides.iter_mut().filter_map(|one| one.get_mut("properties").and_then(Value::as_array_mut)).flatten() {
        if property.get("id").is_some_and(|id| id == "custom.displayMode") {
            let mode = property.get("value").and_then(Value::as_str).unwrap_or_default().to_owned();
            *property = json!({"id": "custom.cellOptions", "value": cell(&mode)});
            is_changed = true;
        }
    }
    if is_changed {
        fields.insert("overrides".to_owned(), overrides.into());
        old.panel.insert("fieldConfig".to_owned(), fields.into());
    }
}

fn cell(mode: &str) -> Value {
    match mode {
        "basic" | "gradient-gauge" | "lcd-gauge" => {
            json!({"type": "gauge", "mode": match mode { "basic" => "basic", "lcd-gauge" => "lcd", _ => "gradient" }})
        }
        "color-background-solid" => json!({"type": "color-background", "mode": "basic"}),
        "color-background" => json!({"type": "color-background", "mode": "gradient"}),
        other => json!({"type": other}),
    }
}
