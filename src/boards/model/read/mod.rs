//! From Grafana's classic JSON to [`Board`], and what could not be understood of it.
//!
//! Reading changes nothing in the JSON: it is kept as it came, so that what pharos does not use survives.
//! Schema: <https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>.

mod field_config;
mod json;
mod library;
mod numbers;
mod older;
mod panel;
mod sources;
mod v2;
mod variable;

use serde_json::Value;

pub use field_config::look;
use json::{flag, flag_or, list, object, objects, text, texts};
pub use older::modern;
#[cfg(test)]
pub use panel::TRANSFORMATIONS;
use sources::source_uid;
pub use sources::{LOGS_UID, METRICS_UID};
pub use variable::options;

use super::board::{AnnotationQuery, Board, Input, Link, MarkedPanels, Object, PANELS_MAX, SharedCursor, Source, VARIABLES_MAX};
use super::report::{Level, Report};

impl Board {
    /// Reads a dashboard, and says what of it pharos does not do as it was meant.
    ///
    /// # Errors
    /// In words, where the JSON is no dashboard at all.
    pub fn read(json: &Value) -> Result<(Self, Report), String> {
        let json = json.as_object().ok_or("a dashboard is a JSON object; this is none")?;
        // What `GET /api/dashboards/uid/…` answers holds the dashboard.
        let json = match json.get("dashboard").and_then(Value::as_object) {
            Some(inner) if !json.contains_key("panels") => inner,
            _ => json,
        };
        if v2::is_v2(json) {
            let mut said = Report::default();
            let classic = v2::classic(json, &mut said);
            let (board, mut report) = Self::read(&classic)?;
            report.findings.splice(0..0, said.findings);
            return Ok((board, report));
        }
        if !["panels", "title", "rows", "templating", "schemaVersion"].iter().any(|key| json.contains_key(*key)) {
            return Err("this JSON object is no dashboard: it has neither title nor panels".to_owned());
        }
        let mut report = Report::default();
        let mut json = json.clone();
        library::fill(&mut json);
        let paths = older::modernise(&mut json);
        numbers::unique(&mut json);
        let mut board = head(&json);
        board.panels = panel::panels(&json, &|at| paths.get(at).cloned().unwrap_or_else(|| format!("panels[{at}]")), &mut report);
        let json = &json;
        board.variables = objects(&object(json, "templating"), "list")
            .take(VARIABLES_MAX)
            .map(|(at, one)| variable::read(one, &format!("templating.list[{at}]"), &mut report))
            .collect();
        board.annotations = objects(&object(json, "annotations"), "list").map(|(_, one)| annotation(one)).collect();
        report.panels = board.every_panel().count();
        if report.panels > PANELS_MAX {
            report.add(None, Level::Broken, "panels", format!("more than {PANELS_MAX} panels: the first {PANELS_MAX} are shown"));
        }
        let touched = |id: i64| report.findings.iter().any(|one| one.panel.as_ref().is_some_and(|(panel, _)| *panel == id));
        report.whole = board.every_panel().filter(|panel| !touched(panel.id)).count();
        Ok((board, report))
    }
}

/// The form of a dashboard that is kept: what lies in the answer of `GET /api/dashboards/uid/…`, and classic JSON
/// instead of the second schema. What is classic already stays as it is.
///
/// # Errors
/// In words, where the JSON is no dashboard at all.
pub fn classic(json: Value) -> Result<Value, String> {
    Board::read(&json)?;
    let Value::Object(mut json) = json else { return Ok(json) };
    let is_answer = json.get("dashboard").is_some_and(Value::is_object) && !json.contains_key("panels");
    if is_answer && let Some(Value::Object(inner)) = json.remove("dashboard") {
        json = inner;
    }
    Ok(if v2::is_v2(&json) { v2::classic(&json, &mut Report::default()) } else { Value::Object(json) })
}

/// Puts values for what `__inputs` names, where it is named, and takes `__inputs` and the like away, as Grafana does at
/// an import. Sources that are not given are the built-in ones; constants have their own value.
pub fn with_inputs(json: &mut Value, given: &[(String, String)]) {
    let Some(board) = json.as_object_mut() else { return };
    library::fill(board);
    let own = board.get("__inputs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).map(input);
    let mut known: Vec<(String, String)> = given.iter().map(|(name, value)| (format!("${{{name}}}"), value.clone())).collect();
    known.extend(own.map(|input| (format!("${{{}}}", input.name), input.value)));
    for name in ["__inputs", "__requires", "__elements"] {
        board.remove(name);
    }
    older::fill(json, &known);
}

/// All but panels, variables and annotations.
fn head(json: &Object) -> Board {
    let time = object(json, "time");
    let or = |text: String, absent: &str| if text.is_empty() { absent.to_owned() } else { text };
    Board {
        uid: text(json, "uid"),
        title: text(json, "title"),
        description: text(json, "description"),
        tags: texts(json, "tags"),
        schema_version: json.get("schemaVersion").and_then(Value::as_i64).unwrap_or(0),
        version: json.get("version").and_then(Value::as_i64).unwrap_or(0),
        links: objects(json, "links").map(|(_, one)| link(one)).collect(),
        from: or(text(&time, "from"), "now-6h"),
        to: or(text(&time, "to"), "now"),
        // Old ones say `false` for not at all.
        refresh: Some(text(json, "refresh")).filter(|text| text != "false").unwrap_or_default(),
        timezone: text(json, "timezone"),
        cursor: match json.get("graphTooltip").and_then(Value::as_i64) {
            Some(1) => SharedCursor::Crosshair,
            Some(2) => SharedCursor::Tooltip,
            _ if flag(json, "sharedCrosshair") => SharedCursor::Crosshair,
            _ => SharedCursor::Off,
        },
        is_editable: flag_or(json, "editable", true),
        inputs: objects(json, "__inputs").map(|(_, one)| input(one)).collect(),
        ..Board::default()
    }
}

fn input(json: &Object) -> Input {
    let (kind, plugin) = (text(json, "type"), text(json, "pluginId"));
    let value = if kind == "datasource" { source_uid(&plugin).to_owned() } else { text(json, "value") };
    Input { name: text(json, "name"), label: text(json, "label"), kind, plugin, value }
}

fn annotation(json: &Object) -> AnnotationQuery {
    let target = object(json, "target");
    let asked = [text(&target, "expr"), text(json, "expr"), text(json, "query")];
    AnnotationQuery {
        name: text(json, "name"),
        is_enabled: flag_or(json, "enable", true),
        is_hidden: flag(json, "hide"),
        colour: text(json, "iconColor"),
        source: source(json.get("datasource")),
        expr: asked.into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
        panels: marked_panels(&object(json, "filter")),
        json: json.clone(),
    }
}

/// `{"exclude": false, "ids": [1, 2]}`.
fn marked_panels(filter: &Object) -> MarkedPanels {
    let ids: Vec<i64> = list(filter, "ids").iter().filter_map(Value::as_i64).take(PANELS_MAX).collect();
    match (flag(filter, "exclude"), ids.is_empty()) {
        (true, true) => MarkedPanels::All,
        (true, false) => MarkedPanels::AllBut(ids),
        // Without any, Grafana shows it on none; where nothing is said at all, on every one.
        (false, true) if !filter.contains_key("ids") => MarkedPanels::All,
        (false, _) => MarkedPanels::Only(ids),
    }
}

/// A link beside the variables, on a title or on values.
pub(super) fn link(json: &Object) -> Link {
    Link {
        title: text(json, "title"),
        url: ["url", "dashUri"].iter().map(|name| text(json, name)).find(|text| !text.is_empty()).unwrap_or_default(),
        tags: texts(json, "tags"),
        is_menu: flag(json, "asDropdown"),
        opens_window: flag(json, "targetBlank"),
        keeps_time: flag(json, "keepTime"),
        keeps_variables: flag(json, "includeVars"),
        tooltip: text(json, "tooltip"),
    }
}

/// Where queries go: nothing, a name, or a reference.
pub(super) fn source(value: Option<&Value>) -> Source {
    match value {
        Some(Value::String(name)) => Source { kind: String::new(), name: name.clone() },
        Some(Value::Object(reference)) => Source { kind: text(reference, "type"), name: text(reference, "uid") },
        _ => Source::default(),
    }
}

/// Values of a list of texts, or a single one.
pub(super) fn one_or_more(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) if !one.is_empty() => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Some(Value::Number(one)) => vec![one.to_string()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
