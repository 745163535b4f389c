//! Panels and layouts of older Grafanas, brought to the form of today. Works on a copy for reading: what is kept stays
//! as it came.

mod graph;
mod grid;
mod heatmap;
mod lists;
mod rows;
mod singlestat;
mod stats;
mod table;

use serde_json::{Value, json};

use super::json::{list, number, object, text};
use crate::boards::model::board::Object;
use crate::boards::model::report::{Level, Report};

/// A panel that is brought to the form of today.
struct Old<'a> {
    panel: &'a mut Object,
    /// Number and title, for the report.
    name: (i64, String),
    path: String,
    report: &'a mut Report,
}

impl Old<'_> {
    fn say(&mut self, level: Level, field: &str, words: impl Into<String>) {
        self.report.add(Some((self.name.0, &self.name.1)), level, format!("{}.{field}", self.path), words);
    }

    /// Sets something in the defaults of fields, if it is something.
    fn default(&mut self, path: &str, value: impl Into<Value>) {
        self.set(&format!("fieldConfig.defaults.{path}"), value);
    }

    /// Sets something that may lie deep, if it is something.
    fn set(&mut self, path: &str, value: impl Into<Value>) {
        let value = value.into();
        if !value.is_null() {
            put(self.panel, path, &value);
        }
    }

    /// Adds an override, if it has properties.
    fn add_override(&mut self, matcher: &Value, properties: Vec<(&str, Value)>) {
        if properties.is_empty() {
            return;
        }
        let properties: Vec<Value> = properties.into_iter().map(|(id, value)| json!({"id": id, "value": value})).collect();
        self.push("fieldConfig", "overrides", json!({"matcher": matcher, "properties": properties}));
    }

    /// Adds to a list in an object of the panel.
    fn push(&mut self, parent: &str, name: &str, value: Value) {
        let parent = self.panel.entry(parent.to_owned()).or_insert_with(|| json!({}));
        if !parent.is_object() {
            *parent = json!({});
        }
        if let Some(parent) = parent.as_object_mut() {
            push(parent, name, value);
        }
    }
}

/// Adds to a list, which is made if it is not there.
fn push(parent: &mut Object, name: &str, value: Value) {
    let all = parent.entry(name.to_owned()).or_insert_with(|| json!([]));
    if !all.is_array() {
        *all = json!([]);
    }
    if let Some(all) = all.as_array_mut() {
        all.push(value);
    }
}

/// Puts a value at a path with points; objects on the way are made.
pub(super) fn put(json: &mut Object, path: &str, value: &Value) {
    match path.split_once('.') {
        None => {
            json.insert(path.to_owned(), value.clone());
        }
        Some((first, rest)) => {
            let inner = json.entry(first.to_owned()).or_insert_with(|| Value::Object(Object::new()));
            if !inner.is_object() {
                *inner = Value::Object(Object::new());
            }
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

/// A number as JSON, or null.
fn number_or_null(object: &Object, name: &str) -> Value {
    number(object, name).map_or(Value::Null, Value::from)
}

/// Which fields a name means: `/…/` is a regular expression.
fn matcher(name: &str) -> Value {
    let is_regex = name.len() > 1 && name.starts_with('/') && name.rfind('/').is_some_and(|end| end > 0);
    json!({"id": if is_regex { "byRegexp" } else { "byName" }, "options": name})
}

/// Grafana's reducer of today for one of before; empty for none.
fn reducer(old: &str) -> &str {
    match old {
        "avg" => "mean",
        "current" => "lastNotNull",
        "total" => "sum",
        "min" | "max" | "first" | "delta" | "diff" | "range" | "count" | "mean" | "sum" | "last" | "lastNotNull" => old,
        _ => "",
    }
}

/// Thresholds and the colours between them: `colours` has one more than `bounds`.
fn steps(bounds: &[f64], colours: &[String]) -> Value {
    let colour = |at: usize| colours.get(at).or(colours.last()).map_or("green", String::as_str);
    let mut steps = vec![json!({"color": colour(0), "value": null})];
    steps.extend(bounds.iter().enumerate().map(|(at, bound)| json!({"color": colour(at + 1), "value": bound})));
    json!({"mode": "absolute", "steps": steps})
}

/// Mappings of values and of ranges, as they were before Grafana 8.
fn mappings(json: &Object) -> Value {
    let kind = number(json, "mappingType").map_or(0, |kind| kind as i64);
    let mut found = Vec::new();
    if kind != 2 {
        for one in list(json, "valueMaps").iter().filter_map(Value::as_object) {
            let (value, shown) = (text(one, "value"), text(one, "text"));
            found.push(if value == "null" { special(&shown) } else { json!({"type": "value", "options": {value: {"text": shown}}}) });
        }
    }
    if kind != 1 {
        for one in list(json, "rangeMaps").iter().filter_map(Value::as_object) {
            let shown = text(one, "text");
            found.push(if text(one, "from") == "null" {
                special(&shown)
            } else {
                json!({"type": "range", "options": {"from": number(one, "from"), "to": number(one, "to"), "result": {"text": shown}}})
            });
        }
    }
    if found.is_empty() { Value::Null } else { found.into() }
}

fn special(shown: &str) -> Value {
    json!({"type": "special", "options": {"match": "null", "result": {"text": shown}}})
}

/// Brings a whole dashboard to the form of today. Gives the paths of its panels in the JSON as it came, where those are
/// others than their places say.
pub(super) fn modernise(board: &mut Object) -> Vec<String> {
    inputs(board);
    if list(board, "rows").is_empty() || !list(board, "panels").is_empty() {
        return Vec::new();
    }
    rows::flatten(board)
}

/// A panel in the form of today.
pub(super) fn panel(panel: &mut Object, name: (i64, String), path: &str, report: &mut Report) {
    let kind = text(panel, "type");
    let mut old = Old { panel, name, path: path.to_owned(), report };
    grid::place(&mut old);
    match kind.as_str() {
        "graph" => graph::panel(&mut old),
        "singlestat" | "grafana-singlestat-panel" => singlestat::panel(&mut old),
        "table" | "table-old" => table::panel(&mut old),
        "heatmap" => heatmap::panel(&mut old),
        "text" => lists::text_panel(&mut old),
        "alertlist" => lists::alerts(&mut old),
        "dashlist" => lists::boards(&mut old),
        "stat" | "gauge" | "bargauge" => stats::panel(&mut old),
        "piechart" | "grafana-piechart-panel" => stats::pie(&mut old),
        _ => {}
    }
}

/// What panels of today have; all else of an older panel says what its options say now.
const TODAY: [&str; 24] = [
    "id",
    "type",
    "title",
    "description",
    "gridPos",
    "targets",
    "options",
    "fieldConfig",
    "datasource",
    "transformations",
    "links",
    "repeat",
    "repeatDirection",
    "maxPerRow",
    "interval",
    "maxDataPoints",
    "timeFrom",
    "timeShift",
    "hideTimeOverride",
    "transparent",
    "libraryPanel",
    "alert",
    "cacheTimeout",
    "queryCachingTTL",
];

/// A panel of an older form in that of today, without what only the older one has. None for one of today, and for what
/// is no panel.
pub fn modern(panel: &Value) -> Option<Value> {
    let given = panel.as_object()?;
    let mut now = given.clone();
    self::panel(&mut now, (0, String::new()), "", &mut Report::default());
    if now == *given {
        return None;
    }
    now.retain(|name, _| TODAY.contains(&name.as_str()));
    Some(Value::Object(now))
}

/// Puts what `__inputs` names where it is named: our own source for a source, and the value of a constant. Whoever
/// imports it chooses otherwise; this is for a JSON that was not imported.
fn inputs(board: &mut Object) {
    let mut known: Vec<(String, String)> = Vec::new();
    for input in list(board, "__inputs").iter().filter_map(Value::as_object) {
        let value = match text(input, "type").as_str() {
            "datasource" => super::source_uid(&text(input, "pluginId")).to_owned(),
            _ => text(input, "value"),
        };
        known.push((format!("${{{}}}", text(input, "name")), value));
    }
    if !known.is_empty() {
        for (name, part) in board.iter_mut() {
            if name != "__inputs" {
                fill(part, &known);
            }
        }
    }
}

/// Replaces names of inputs in every text of a JSON.
pub(super) fn fill(json: &mut Value, known: &[(String, String)]) {
    match json {
        Value::String(text) => {
            for (name, value) in known.iter().filter(|(name, _)| name.len() > 3) {
                if text.contains(name.as_str()) {
                    *text = text.replace(name.as_str(), value);
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| fill(one, known)),
        Value::Object(all) => all.values_mut().for_each(|one| fill(one, known)),
        _ => {}
    }
}

/// The colours of a list.
fn colours(json: &Object, name: &str) -> Vec<String> {
    super::json::texts(json, name)
}

/// Numbers in a text with commas, or in a list of texts or numbers.
fn bounds(value: Option<&Value>) -> Vec<f64> {
    match value {
        Some(Value::String(text)) => text.split(',').filter_map(|part| part.trim().parse().ok()).filter(|n: &f64| n.is_finite()).collect(),
        Some(Value::Array(all)) => all.iter().filter_map(super::json::number_of).collect(),
        _ => Vec::new(),
    }
}

/// An object of the panel as it is, for reading while the panel changes.
fn part(old: &Old<'_>, name: &str) -> Object {
    object(old.panel, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_panels_become_panels_of_today_once() {
        let graph = json!({
            "id": 3, "type": "graph", "title": "g", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "targets": [{"refId": "A", "expr": "up"}],
            "lines": true, "linewidth": 2, "fill": 3, "stack": true, "yaxes": [{"format": "bytes", "min": 0, "label": "sent"}, {"format": "short"}],
            "seriesOverrides": [{"alias": "x", "yaxis": 2}], "pluginVersion": "7.0.0",
        });
        let now = modern(&graph).unwrap();
        assert_eq!((&now["type"], &now["fieldConfig"]["defaults"]["unit"]), (&json!("timeseries"), &json!("bytes")));
        assert_eq!((&now["targets"], &now["gridPos"], &now["id"]), (&graph["targets"], &graph["gridPos"], &json!(3)));
        let of_right = &now["fieldConfig"]["overrides"][0]["properties"];
        let label = of_right.as_array().unwrap().iter().find(|one| one["id"] == "custom.axisLabel");
        assert_eq!(label.map(|one| &one["value"]), Some(&json!("")), "the label of the left axis is not that of the right one: {of_right}");
        for name in ["lines", "linewidth", "yaxes", "stack", "seriesOverrides", "pluginVersion"] {
            assert!(now.get(name).is_none(), "{name}: {now}");
        }
        assert_eq!(modern(&now), None, "it is one of today: {now}");
        let single = json!({"id": 1, "type": "singlestat", "format": "s", "valueName": "current", "thresholds": "1,5", "colorValue": true});
        let table =
            json!({"id": 1, "type": "table-old", "styles": [{"pattern": "Time", "type": "date"}], "columns": [], "transform": "table"});
        let heat = json!({"id": 1, "type": "heatmap", "dataFormat": "tsbuckets", "color": {"mode": "opacity", "cardColor": "#b4ff00"}, "yAxis": {"format": "s"}});
        for (older, kind) in [(single, "stat"), (table, "table"), (heat, "heatmap")] {
            let now = modern(&older).unwrap();
            assert_eq!(now["type"], kind);
            assert_eq!(modern(&now), None, "{now}");
        }
        let today = json!({"id": 1, "type": "timeseries", "options": {}, "fieldConfig": {"defaults": {}, "overrides": []}, "pluginVersion": "11.0.0"});
        assert_eq!([modern(&today), modern(&json!([])), modern(&json!({}))], [None, None, None]);
    }
}
