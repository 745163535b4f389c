//! What is different between two versions of a dashboard, in things that people know: settings, variables, panels.

use serde_json::Value;

use super::board::PANELS_MAX;

/// Most differences that are told.
pub const DIFFERENCES_MAX: usize = 500;
/// Longest name of a thing, in characters.
const NAME_CHARS_MAX: usize = 200;
/// What is not the author's, or is told otherwise.
const SKIPPED: [&str; 10] = ["id", "uid", "version", "panels", "rows", "templating", "title", "description", "tags", "iteration"];

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub thing: Thing,
    /// What happened to it.
    pub how: How,
}

/// What may be different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// The title, with what it was and is.
    Title(String, String),
    /// What the dashboard says of itself.
    Description,
    /// Its tags.
    Tags,
    /// The range that it opens with.
    Range,
    /// How often it refreshes.
    Refresh,
    /// Its links.
    Links,
    /// What is marked on its charts.
    Marks,
    /// Anything else of the whole, by its name in the JSON.
    Setting(String),
    /// A variable, by its name.
    Variable(String),
    /// A row, by its title.
    Row(String),
    /// A panel, by its title, or its number where it has none.
    Panel(String),
}

/// What happened to a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is other than it was, in these parts; none where it is one.
    Changed(Vec<Part>),
}

/// A part of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its title.
    Title,
    /// What it says of itself.
    Description,
    /// How it is drawn.
    Kind,
    /// What it asks.
    Query,
    /// What is done with the answer.
    Transformations,
    /// Thresholds.
    Thresholds,
    /// Unit and decimals.
    Unit,
    /// What values are shown as.
    Mappings,
    /// What holds for single fields.
    Overrides,
    /// How it looks.
    Look,
    /// Its links.
    Links,
    /// What it is repeated for.
    Repeat,
    /// Its size.
    Size,
    /// Where it stands.
    Place,
    /// Anything else.
    Rest,
}

/// A panel or row of one version.
struct Found<'a> {
    /// Tells it from others, in both versions alike.
    key: String,
    panel: &'a Value,
    /// The row it is folded into.
    row: i64,
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(json: &'a Value, name: &str) -> &'a [Value] {
    json.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_row(panel: &Value) -> bool {
    text(panel, "type") == "row"
}

fn cut(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

/// The differences between two versions, the whole first, then variables, then panels in reading order.
pub fn compare(before: &Value, after: &Value) -> Vec<Difference> {
    let mut out = whole(before, after);
    out.extend(variables(before, after));
    out.extend(panels(before, after));
    out.truncate(DIFFERENCES_MAX + 1);
    out
}

fn whole(before: &Value, after: &Value) -> Vec<Difference> {
    let changed = |thing| Difference { thing, how: How::Changed(Vec::new()) };
    let mut out = Vec::new();
    if text(before, "title") != text(after, "title") {
        out.push(changed(Thing::Title(cut(text(before, "title")), cut(text(after, "title")))));
    }
    if text(before, "description") != text(after, "description") {
        out.push(changed(Thing::Description));
    }
    if list(before, "tags") != list(after, "tags") {
        out.push(changed(Thing::Tags));
    }
    let empty = serde_json::Map::new();
    let (old, new) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let mut names: Vec<&String> = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))).collect();
    names.retain(|name| !SKIPPED.contains(&name.as_str()) && old.get(*name) != new.get(*name));
    names.sort();
    for name in names {
        out.push(changed(match name.as_str() {
            "time" => Thing::Range,
            "refresh" => Thing::Refresh,
            "links" => Thing::Links,
            "annotations" => Thing::Marks,
            _ => Thing::Setting(cut(name)),
        }));
    }
    out
}

fn variables(before: &Value, after: &Value) -> Vec<Difference> {
    let of = |json: &'_ Value| json.get("templating").map(|one| list(one, "list").to_vec()).unwrap_or_default();
    let (old, new) = (of(before), of(after));
    let named = |all: &[Value], name: &str| all.iter().find(|one| text(one, "name") == name).cloned();
    let difference = |one: &Value, how| Difference { thing: Thing::Variable(cut(text(one, "name"))), how };
    let mut out = Vec::new();
    for one in &new {
        match named(&old, text(one, "name")) {
            None => out.push(difference(one, How::Added)),
            Some(was) if was != *one => out.push(difference(one, How::Changed(Vec::new()))),
            Some(_) => {}
        }
    }
    out.extend(old.iter().filter(|one| named(&new, text(one, "name")).is_none()).map(|one| difference(one, How::Removed)));
    out
}

/// Panels and rows, those in collapsed rows and in the rows of old schemas included.
fn found(json: &Value) -> Vec<Found<'_>> {
    let mut all: Vec<(&Value, i64)> = Vec::new();
    for panel in list(json, "panels") {
        all.push((panel, 0));
        let row = panel.get("id").and_then(Value::as_i64).unwrap_or(-1);
        all.extend(list(panel, "panels").iter().map(|inner| (inner, row)));
    }
    all.extend(list(json, "rows").iter().flat_map(|row| list(row, "panels")).map(|panel| (panel, 0)));
    all.truncate(PANELS_MAX * 2);
    let mut seen = std::collections::HashMap::<String, usize>::new();
    let keyed = all.into_iter().map(|(panel, row)| {
        let name = match panel.get("id").and_then(Value::as_i64) {
            Some(id) => format!("#{id}"),
            None => format!("{} {}", text(panel, "type"), text(panel, "title")),
        };
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        Found { key: format!("{name} {count}"), panel, row }
    });
    keyed.collect()
}

fn thing(panel: &Value) -> Thing {
    let title = match text(panel, "title").trim() {
        "" => panel.get("id").map(|id| format!("#{id}")).unwrap_or_default(),
        title => cut(title),
    };
    if is_row(panel) { Thing::Row(title) } else { Thing::Panel(title) }
}

fn panels(before: &Value, after: &Value) -> Vec<Difference> {
    let (old, new) = (found(before), found(after));
    let by_key =
        |all: &[Found<'_>]| all.iter().enumerate().map(|(at, one)| (one.key.clone(), at)).collect::<std::collections::HashMap<_, _>>();
    let (known, kept) = (by_key(&old), by_key(&new));
    let mut out = Vec::new();
    for one in &new {
        let how = match known.get(&one.key).and_then(|at| old.get(*at)) {
            None => How::Added,
            Some(was) => match parts(was, one) {
                parts if parts.is_empty() => continue,
                parts => How::Changed(parts),
            },
        };
        out.push(Difference { thing: thing(one.panel), how });
    }
    let gone = old.iter().filter(|one| !kept.contains_key(&one.key));
    out.extend(gone.map(|one| Difference { thing: thing(one.panel), how: How::Removed }));
    out
}

/// In what a panel is other than it was.
fn parts(before: &Found<'_>, after: &Found<'_>) -> Vec<Part> {
    let empty = serde_json::Map::new();
    let (old, new) = (before.panel.as_object().unwrap_or(&empty), after.panel.as_object().unwrap_or(&empty));
    let mut out: Vec<Part> = Vec::new();
    for name in old.keys().chain(new.keys()) {
        let (was, is) = (old.get(name), new.get(name));
        if was == is {
            continue;
        }
        match name.as_str() {
            // What a collapsed row holds is told for itself; whether it is collapsed is not worth a word.
            "panels" | "collapsed" | "collapse" | "id" | "pluginVersion" => {}
            "gridPos" => out.extend(placed(was, is)),
            "fieldConfig" => out.extend(fields(was, is)),
            name => out.push(part(name)),
        }
    }
    if before.row != after.row {
        out.push(Part::Place);
    }
    out.sort_unstable();
    out.dedup();
    out
}

fn part(name: &str) -> Part {
    match name {
        "title" => Part::Title,
        "description" => Part::Description,
        "type" | "libraryPanel" => Part::Kind,
        "targets" | "datasource" | "interval" | "maxDataPoints" | "timeFrom" | "timeShift" | "hideTimeOverride" | "scopedVars" => {
            Part::Query
        }
        "transformations" => Part::Transformations,
        "thresholds" | "colors" => Part::Thresholds,
        "format" | "unit" | "decimals" | "yaxes" => Part::Unit,
        "valueMaps" | "rangeMaps" | "mappingType" => Part::Mappings,
        "seriesOverrides" | "styles" => Part::Overrides,
        "links" => Part::Links,
        "repeat" | "repeatDirection" | "maxPerRow" => Part::Repeat,
        "options" | "transparent" | "legend" | "lines" | "linewidth" | "fill" | "stack" | "bars" | "points" | "tooltip" => Part::Look,
        "span" | "height" => Part::Size,
        _ => Part::Rest,
    }
}

fn placed(was: Option<&Value>, is: Option<&Value>) -> Vec<Part> {
    let differs = |names: [&str; 2]| names.iter().any(|name| was.and_then(|one| one.get(name)) != is.and_then(|one| one.get(name)));
    let mut out = Vec::new();
    if differs(["x", "y"]) {
        out.push(Part::Place);
    }
    if differs(["w", "h"]) {
        out.push(Part::Size);
    }
    out
}

/// In what the options of fields are other than they were.
fn fields(was: Option<&Value>, is: Option<&Value>) -> Vec<Part> {
    let mut out = Vec::new();
    if was.and_then(|one| one.get("overrides")) != is.and_then(|one| one.get("overrides")) {
        out.push(Part::Overrides);
    }
    let empty = serde_json::Map::new();
    let (old, new) = (was.and_then(|one| one.get("defaults")), is.and_then(|one| one.get("defaults")));
    let (old, new) = (old.and_then(Value::as_object).unwrap_or(&empty), new.and_then(Value::as_object).unwrap_or(&empty));
    for name in old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)) {
        out.push(match name.as_str() {
            "thresholds" => Part::Thresholds,
            "unit" | "decimals" => Part::Unit,
            "mappings" | "noValue" => Part::Mappings,
            "links" => Part::Links,
            _ => Part::Look,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn panel(id: i64, title: &str) -> Value {
        json!({"id": id, "type": "timeseries", "title": title, "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
            "targets": [{"refId": "A", "expr": "up"}],
            "fieldConfig": {"defaults": {"unit": "s", "thresholds": {"steps": [{"value": 1}]}, "custom": {"lineWidth": 1}}, "overrides": []}})
    }

    #[test]
    fn each_thing_is_named_with_what_happened_to_it() {
        let before = json!({"id": 1, "version": 3, "title": "Old", "tags": ["a"], "time": {"from": "now-6h"}, "timezone": "utc",
            "templating": {"list": [{"name": "job", "query": "x"}, {"name": "gone"}]},
            "panels": [panel(1, "One"), panel(2, "Two"), panel(3, ""), {"id": 9, "type": "row", "title": "Row", "panels": [panel(4, "Four")]}]});
        let mut after = before.clone();
        (after["id"], after["version"], after["title"], after["tags"]) = (8.into(), 4.into(), "New".into(), json!(["a", "b"]));
        (after["time"]["from"], after["timezone"]) = ("now-1h".into(), "browser".into());
        after["templating"]["list"] = json!([{"name": "job", "query": "y"}, {"name": "new"}]);
        let mut one = panel(1, "One");
        one["targets"][0]["expr"] = "down".into();
        one["gridPos"]["x"] = 12.into();
        one["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] = 2.into();
        one["fieldConfig"]["defaults"]["custom"]["lineWidth"] = 2.into();
        after["panels"] =
            json!([one, panel(2, "Two"), panel(4, "Four"), {"id": 9, "type": "row", "title": "Row", "panels": []}, panel(5, "Five")]);
        let found = compare(&before, &after);
        let told: Vec<String> = found.iter().map(|one| format!("{:?} {:?}", one.thing, one.how)).collect();
        assert_eq!(
            told,
            [
                "Title(\"Old\", \"New\") Changed([])",
                "Tags Changed([])",
                "Range Changed([])",
                "Setting(\"timezone\") Changed([])",
                "Variable(\"job\") Changed([])",
                "Variable(\"new\") Added",
                "Variable(\"gone\") Removed",
                "Panel(\"One\") Changed([Query, Thresholds, Look, Place])",
                "Panel(\"Four\") Changed([Place])",
                "Panel(\"Five\") Added",
                "Panel(\"#3\") Removed",
            ]
        );
        assert!(compare(&before, &before).is_empty());
    }

    #[test]
    fn panels_without_numbers_are_known_by_their_titles_and_what_is_no_dashboard_hurts_nobody() {
        let board = |expr: &str| json!({"rows": [{"panels": [{"type": "graph", "title": "A", "targets": [{"expr": expr}]}, {"type": "graph", "title": "A"}]}]});
        let found = compare(&board("x"), &board("y"));
        assert_eq!(found, [Difference { thing: Thing::Panel("A".into()), how: How::Changed(vec![Part::Query]) }]);
        assert!(compare(&json!([]), &json!(7)).is_empty());
        assert_eq!(compare(&json!({"panels": [1, null]}), &json!({"panels": "x"})).len(), 2);
    }
}
