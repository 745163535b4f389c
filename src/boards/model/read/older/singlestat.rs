//! The single number of before Grafana 7 as a stat or a gauge.

use serde_json::json;

use super::{Old, bounds, colours, mappings, number_or_null, part, reducer, steps};
use crate::boards::model::read::json::{flag, flag_or, number, text};
use crate::boards::model::report::Level;

pub(super) fn panel(old: &mut Old<'_>) {
    let gauge = part(old, "gauge");
    let is_gauge = flag(&gauge, "show");
    let value = text(old.panel, "valueName");
    // Without a word it was the average.
    let calc =
        Some(reducer(&value)).filter(|name| !name.is_empty()).unwrap_or(if value.is_empty() { "mean" } else { "lastNotNull" }).to_owned();
    let column = text(old.panel, "tableColumn");
    let fields = if column.is_empty() { String::new() } else { format!("/^{}$/", regex_syntax::escape(&column)) };
    old.set("options.reduceOptions", json!({"calcs": [calc], "fields": fields, "values": false}));
    old.set("options.orientation", "horizontal");
    match value.as_str() {
        "name" => old.set("options.textMode", "name"),
        "last_time" => old.say(Level::Adapted, "valueName", "the time of the last value: the last value is shown"),
        _ => {}
    }
    let unit = unit(old);
    old.default("unit", unit);
    old.default("decimals", number_or_null(old.panel, "decimals"));
    old.default("mappings", mappings(old.panel));
    let nothing = text(old.panel, "nullText");
    if !nothing.is_empty() {
        old.default("noValue", nothing);
    }
    colouring(old, is_gauge);
    if is_gauge {
        old.default("min", number(&gauge, "minValue").unwrap_or(0.0));
        old.default("max", number(&gauge, "maxValue").unwrap_or(100.0));
        old.set("options.showThresholdLabels", flag(&gauge, "thresholdLabels"));
        old.set("options.showThresholdMarkers", flag_or(&gauge, "thresholdMarkers", true));
    } else {
        old.set("options.graphMode", if flag(&part(old, "sparkline"), "show") { "area" } else { "none" });
    }
    old.panel.insert("type".to_owned(), if is_gauge { "gauge" } else { "stat" }.into());
}

/// The unit. Text around a number that has no unit becomes one; around others it is left out.
fn unit(old: &mut Old<'_>) -> String {
    let format = text(old.panel, "format");
    let (before, after) = (text(old.panel, "prefix"), text(old.panel, "postfix"));
    let is_plain = matches!(format.as_str(), "" | "none" | "short");
    match (before.trim().is_empty(), after.trim().is_empty()) {
        (true, true) => format,
        (true, false) if is_plain => format!("suffix:{after}"),
        (false, true) if is_plain => format!("prefix:{before}"),
        (_, has_no_after) => {
            let field = if has_no_after { "prefix" } else { "postfix" };
            old.say(Level::Ignored, field, "text around a number that has a unit is left out");
            format
        }
    }
}

fn colouring(old: &mut Old<'_>, is_gauge: bool) {
    let (of_value, of_background) = (flag(old.panel, "colorValue"), flag(old.panel, "colorBackground"));
    let found = bounds(old.panel.get("thresholds"));
    if of_value || of_background || is_gauge {
        let given = colours(old.panel, "colors");
        old.default("thresholds", steps(&found, &given));
        old.default("color", json!({"mode": "thresholds"}));
    } else {
        // Nothing was coloured: numbers have the colour of text.
        old.default("thresholds", json!({"mode": "absolute", "steps": [{"color": "text", "value": null}]}));
        old.default("color", json!({"mode": "thresholds"}));
    }
    let mode = if of_background {
        "background"
    } else if of_value {
        "value"
    } else {
        "none"
    };
    old.set("options.colorMode", mode);
}
