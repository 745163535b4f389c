//! Panels, rows, queries and transformations.

use serde_json::Value;

use super::json::{count, flag, flag_or, number, object, objects, text};
use super::{field_config, library, link, older, source, sources};
use crate::boards::model::board::{
    Asking, GRID_COLUMNS, Object, PANELS_MAX, Panel, PanelKind, Place, Repeat, Row, TARGETS_MAX, Target, TargetFormat, Transformation,
};
use crate::boards::model::report::{Level, Report};

/// Rows of the grid that nothing passes.
const GRID_ROWS_MAX: u32 = 10_000;
/// Rows that a panel has at most.
const PANEL_ROWS_MAX: u32 = 200;

/// Steps that change answers, as Grafana names them.
pub const TRANSFORMATIONS: &[&str] = &[
    "joinByField",
    "seriesToColumns",
    "organize",
    "merge",
    "sortBy",
    "limit",
    "filterFieldsByName",
    "filterByRefId",
    "filterByValue",
    "renameByRegex",
    "reduce",
    "calculateField",
    "groupBy",
    "groupingToMatrix",
    "partitionByValues",
    "labelsToFields",
    "joinByLabels",
    "convertFieldType",
    "formatTime",
    "rowsToFields",
    "seriesToRows",
    "prepareTimeSeries",
    "concatenate",
    "extractFields",
    "timeSeriesTable",
    "histogram",
    "configFromData",
    "append",
    "transpose",
    "heatmap",
];

/// Panels of a dashboard or a row; `path` says where each stands.
pub(super) fn panels(json: &Object, path: &dyn Fn(usize) -> String, report: &mut Report) -> Vec<Panel> {
    objects(json, "panels").take(PANELS_MAX).map(|(at, one)| panel(one, &path(at), report)).collect()
}

fn panel(json: &Object, path: &str, report: &mut Report) -> Panel {
    let given_kind = text(json, "type");
    let id = number(json, "id").map_or(0, |id| id as i64);
    let title = text(json, "title");
    let mut json = json.clone();
    older::panel(&mut json, (id, title.clone()), path, report);
    let json = &json;
    let kind = PanelKind::from_name(&text(json, "type"));
    if kind == PanelKind::Unknown {
        let said = library::lost(json).unwrap_or_else(|| format!("panels of the type \"{given_kind}\" are not drawn"));
        report.add(Some((id, &title)), Level::Broken, format!("{path}.type"), said);
    }
    let row = (kind == PanelKind::Row)
        .then(|| Row { is_collapsed: flag(json, "collapsed"), panels: panels(json, &|at| inside(path, at), report) });
    let source = source(json.get("datasource"));
    let targets: Vec<Target> = objects(json, "targets").take(TARGETS_MAX).map(|(at, one)| target(one, at)).collect();
    if kind.asks() {
        sources::check(&targets, &source, (id, &title), path, report);
    }
    let transformations: Vec<Transformation> = objects(json, "transformations").map(|(_, one)| transformation(one)).collect();
    check_transformations(&transformations, (id, &title), path, report);
    Panel {
        id,
        kind,
        is_transparent: flag(json, "transparent"),
        place: place(json),
        row,
        repeat: repeat(json),
        source,
        targets,
        transformations,
        fields: field_config::read(&object(json, "fieldConfig"), (id, &title), path, report),
        options: object(json, "options"),
        links: objects(json, "links").map(|(_, one)| link(one)).collect(),
        asking: Asking {
            interval_min: text(json, "interval"),
            points_max: count(json, "maxDataPoints", 100_000).unwrap_or(0),
            time_from: text(json, "timeFrom"),
            time_shift: text(json, "timeShift"),
            hides_time: flag(json, "hideTimeOverride"),
        },
        description: text(json, "description"),
        given_kind,
        title,
    }
}

/// Where a panel of a row stands in the JSON.
fn inside(row: &str, at: usize) -> String {
    format!("{row}.panels[{at}]")
}

/// Says which steps are left out.
fn check_transformations(all: &[Transformation], panel: (i64, &str), path: &str, report: &mut Report) {
    for (at, one) in all.iter().enumerate().filter(|(_, one)| !one.is_disabled && !TRANSFORMATIONS.contains(&one.id.as_str())) {
        let said = format!("the transformation \"{}\" is not known and is left out", one.id);
        report.add(Some(panel), Level::Ignored, format!("{path}.transformations[{at}]"), said);
    }
}

fn place(json: &Object) -> Place {
    let grid = object(json, "gridPos");
    let at = |name: &str, absent: u32, max: u32| count(&grid, name, max).unwrap_or(absent);
    let w = at("w", GRID_COLUMNS, GRID_COLUMNS).max(1);
    Place { x: at("x", 0, GRID_COLUMNS).min(GRID_COLUMNS - w), y: at("y", 0, GRID_ROWS_MAX), w, h: at("h", 8, PANEL_ROWS_MAX).max(1) }
}

fn repeat(json: &Object) -> Option<Repeat> {
    let variable = text(json, "repeat");
    (!variable.is_empty()).then(|| Repeat {
        variable,
        is_vertical: text(json, "repeatDirection") == "v",
        per_line_max: count(json, "maxPerRow", GRID_COLUMNS).filter(|most| *most > 0).unwrap_or(4),
    })
}

fn target(json: &Object, at: usize) -> Target {
    let ref_id = text(json, "refId");
    let query_type = text(json, "queryType");
    let is_instant = flag(json, "instant") || query_type == "instant";
    let lines = ["maxLines", "limit"].iter().find_map(|name| count(json, name, 5_000));
    Target {
        // Letters are given in order where the JSON has none.
        ref_id: if ref_id.is_empty() { char::from(b'A' + (at % 26) as u8).to_string() } else { ref_id },
        expr: expression(json),
        legend: text(json, "legendFormat"),
        is_hidden: flag(json, "hide"),
        format: match text(json, "format").as_str() {
            "table" => TargetFormat::Table,
            "heatmap" => TargetFormat::Heatmap,
            _ => TargetFormat::TimeSeries,
        },
        is_instant,
        is_range: flag_or(json, "range", !is_instant),
        interval: text(json, "interval"),
        interval_factor: count(json, "intervalFactor", 100).unwrap_or(1).max(1),
        is_exemplar: flag(json, "exemplar"),
        lines_max: lines.unwrap_or(0),
        source: source(json.get("datasource")),
        json: json.clone(),
    }
}

/// The query: Prometheus and Loki have it in `expr`, some clients in `query`.
fn expression(json: &Object) -> String {
    ["expr", "query", "expression"].iter().map(|name| text(json, name)).find(|text| !text.is_empty()).unwrap_or_default()
}

fn transformation(json: &Object) -> Transformation {
    Transformation {
        id: text(json, "id"),
        is_disabled: flag(json, "disabled"),
        options: object(json, "options"),
        filter: json.get("filter").and_then(Value::as_object).cloned(),
    }
}
