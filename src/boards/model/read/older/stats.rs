//! Stats, gauges and bar gauges of Grafana 6, whose looks stood in their options; and the pie of a plugin.

use serde_json::{Value, json};

use super::{Old, part, reducer};
use crate::boards::model::board::Object;
use crate::boards::model::read::json::{list, number, object, text};

pub(super) fn panel(old: &mut Old<'_>) {
    let options = part(old, "options");
    let fields = object(&options, "fieldOptions");
    if !fields.is_empty() {
        let calcs = list(&fields, "calcs").to_vec();
        let values = fields.get("values").cloned().unwrap_or(Value::Bool(false));
        old.set("options.reduceOptions", json!({"calcs": calcs, "values": values, "fields": ""}));
        for (name, value) in object(&fields, "defaults") {
            old.default(&name, value);
        }
        for one in list(&fields, "overrides") {
            old.push("fieldConfig", "overrides", one.clone());
        }
        old_thresholds(old, &fields);
        old.default("mappings", fields.get("mappings").cloned().unwrap_or(Value::Null));
    }
    let values = object(&options, "valueOptions");
    if !values.is_empty() {
        let stat = reducer(&text(&values, "stat")).to_owned();
        old.set("options.reduceOptions", json!({"calcs": [if stat.is_empty() { "mean" } else { &stat }], "values": false, "fields": ""}));
        let unit = text(&values, "unit");
        if !unit.is_empty() {
            old.default("unit", unit);
        }
        if let Some(decimals) = number(&values, "decimals") {
            old.default("decimals", decimals);
        }
        for (name, from) in [("min", "minValue"), ("max", "maxValue")] {
            if let Some(bound) = number(&options, from) {
                old.default(name, bound);
            }
        }
        old_thresholds(old, &options);
        let mapped = ["valueMappings", "mappings"].iter().find_map(|name| options.get(*name)).cloned();
        old.default("mappings", mapped.unwrap_or(Value::Null));
    }
}

/// Thresholds as a list of steps in the options.
fn old_thresholds(old: &mut Old<'_>, parent: &Object) {
    let steps = list(parent, "thresholds");
    if !steps.is_empty() {
        old.default("thresholds", json!({"mode": "absolute", "steps": steps}));
        if !object(&part(old, "fieldConfig"), "defaults").contains_key("color") {
            old.default("color", json!({"mode": "thresholds"}));
        }
    }
}

pub(super) fn pie(old: &mut Old<'_>) {
    if text(old.panel, "type") == "piechart" {
        return;
    }
    let calc = reducer(&text(old.panel, "valueName")).to_owned();
    old.set(
        "options.reduceOptions",
        json!({"calcs": [if calc.is_empty() { "lastNotNull" } else { &calc }], "values": false, "fields": ""}),
    );
    old.set("options.pieType", if text(old.panel, "pieType") == "donut" { "donut" } else { "pie" });
    let unit = text(old.panel, "format");
    if !unit.is_empty() {
        old.default("unit", unit);
    }
    let place = if text(old.panel, "legendType") == "Right side" { "right" } else { "bottom" };
    old.set("options.legend", json!({"showLegend": true, "displayMode": "list", "placement": place, "values": ["value"]}));
    for (alias, colour) in part(old, "aliasColors") {
        old.add_override(&json!({"id": "byName", "options": alias}), vec![("color", json!({"mode": "fixed", "fixedColor": colour}))]);
    }
    old.panel.insert("type".to_owned(), "piechart".into());
}
