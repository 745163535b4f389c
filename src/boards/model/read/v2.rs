//! Grafana's second schema (`dashboard.grafana.app/v2…`) as classic JSON, which is the form that is kept.
//!
//! Schema: <https://grafana.com/docs/grafana/latest/as-code/observability-as-code/schema-v2/>.

use serde_json::{Value, json};

use super::json::{flag, list, number, object, text};
use crate::boards::model::board::{GRID_COLUMNS, Object, PANELS_MAX};
use crate::boards::model::report::{Level, Report};

/// Most layouts inside of each other.
const DEPTH_MAX: usize = 6;
/// Height of panels in a grid that places them itself.
const AUTO_HEIGHT: u32 = 9;
/// Panels beside each other there, if it does not say.
const AUTO_COLUMNS: f64 = 3.0;

/// Whether a JSON is of the second schema: a resource, or its `spec` alone.
pub(super) fn is_v2(json: &Object) -> bool {
    let spec = if json.contains_key("spec") { &object(json, "spec") } else { json };
    spec.get("elements").is_some_and(Value::is_object) && spec.get("layout").is_some_and(Value::is_object)
}

/// As classic JSON; what has no place there is reported.
pub(super) fn classic(json: &Object, report: &mut Report) -> Value {
    let resource = object(json, "metadata");
    let spec = if json.contains_key("spec") { object(json, "spec") } else { json.clone() };
    let elements = object(&spec, "elements");
    let mut grid = Grid { elements: &elements, panels: Vec::new(), y: 0, next_row: next_row(&elements), report };
    grid.layout(&object(&spec, "layout"), "spec.layout", DEPTH_MAX);
    let panels = grid.panels;
    let times = object(&spec, "timeSettings");
    let mut board = json!({
        "uid": text(&resource, "name"),
        "title": text(&spec, "title"),
        "description": text(&spec, "description"),
        "tags": list(&spec, "tags"),
        "links": list(&spec, "links"),
        "editable": spec.get("editable").cloned().unwrap_or(Value::Bool(true)),
        "liveNow": flag(&spec, "liveNow"),
        "preload": flag(&spec, "preload"),
        "graphTooltip": match text(&spec, "cursorSync").as_str() { "Crosshair" => 1, "Tooltip" => 2, _ => 0 },
        "time": {"from": text(&times, "from"), "to": text(&times, "to")},
        "refresh": text(&times, "autoRefresh"),
        "timezone": text(&times, "timezone"),
        "fiscalYearStartMonth": number(&times, "fiscalYearStartMonth").unwrap_or(0.0) as i64,
        "weekStart": text(&times, "weekStart"),
        "timepicker": {"hidden": flag(&times, "hideTimepicker"), "refresh_intervals": list(&times, "autoRefreshIntervals")},
        "schemaVersion": 42,
        "panels": panels,
        "templating": {"list": list(&spec, "variables").iter().filter_map(Value::as_object).map(variable).collect::<Vec<_>>()},
        "annotations": {"list": list(&spec, "annotations").iter().filter_map(Value::as_object).map(annotation).collect::<Vec<_>>()},
    });
    if let Some(revision) = spec.get("revision") {
        board["revision"] = revision.clone();
    }
    board
}

/// Numbers of rows follow those of panels.
fn next_row(elements: &Object) -> i64 {
    let ids = elements.values().filter_map(|one| one.pointer("/spec/id").and_then(Value::as_i64));
    ids.max().unwrap_or(0).clamp(0, i64::from(i32::MAX / 2)) + 1
}

struct Grid<'a> {
    elements: &'a Object,
    panels: Vec<Value>,
    /// The first free row of the grid.
    y: u32,
    next_row: i64,
    report: &'a mut Report,
}

impl Grid<'_> {
    fn layout(&mut self, layout: &Object, path: &str, depth: usize) {
        let kind = text(layout, "kind");
        let spec = object(layout, "spec");
        if depth == 0 {
            self.report.add(None, Level::Ignored, path, format!("layouts deeper than {DEPTH_MAX} are left out"));
            return;
        }
        match kind.as_str() {
            "GridLayout" => self.grid(&spec, path),
            "AutoGridLayout" | "ResponsiveGridLayout" => self.auto_grid(&spec, path),
            "RowsLayout" => self.rows(&spec, path, depth),
            "TabsLayout" => self.tabs(&spec, path, depth),
            other => self.report.add(None, Level::Broken, path, format!("the layout \"{other}\" is not known")),
        }
    }

    fn grid(&mut self, spec: &Object, path: &str) {
        let top = self.y;
        for (at, item) in list(spec, "items").iter().enumerate().take(PANELS_MAX) {
            let Some(item) = item.as_object() else { continue };
            let inner = object(item, "spec");
            let path = format!("{path}.spec.items[{at}]");
            if text(item, "kind") == "GridLayoutRow" {
                self.heading(&text(&inner, "title"), flag(&inner, "collapsed"), &object(&inner, "repeat"));
                let children: Object = [("items".to_owned(), Value::from(list(&inner, "elements")))].into_iter().collect();
                let first = self.panels.len();
                self.grid(&children, &path);
                self.close(first, flag(&inner, "collapsed"));
                continue;
            }
            let size = |name: &str, absent: f64| number(&inner, name).unwrap_or(absent).clamp(0.0, 10_000.0) as u32;
            let (x, y, w, h) = (size("x", 0.0), size("y", 0.0), size("width", 12.0), size("height", 8.0));
            // Places in a row are counted from its top, where other rows stand above.
            let y = if top > 0 { top.saturating_add(y) } else { y };
            self.item(&inner, (x, y, w, h), &path);
        }
    }

    fn auto_grid(&mut self, spec: &Object, path: &str) {
        let columns = number(spec, "maxColumnCount").unwrap_or(AUTO_COLUMNS).clamp(1.0, f64::from(GRID_COLUMNS)) as u32;
        let (width, top) = (GRID_COLUMNS / columns, self.y);
        for (at, item) in list(spec, "items").iter().enumerate().take(PANELS_MAX) {
            let inner = item.as_object().map(|item| object(item, "spec")).unwrap_or_default();
            let (column, line) = (at as u32 % columns, at as u32 / columns);
            let place = (column * width, top + line * AUTO_HEIGHT, width, AUTO_HEIGHT);
            self.item(&inner, place, &format!("{path}.spec.items[{at}]"));
        }
    }

    fn rows(&mut self, spec: &Object, path: &str, depth: usize) {
        for (at, row) in list(spec, "rows").iter().enumerate().take(PANELS_MAX) {
            let Some(row) = row.as_object().map(|row| object(row, "spec")) else { continue };
            let path = format!("{path}.spec.rows[{at}]");
            self.without_conditions(&row, &path);
            let is_collapsed = flag(&row, "collapse") || flag(&row, "collapsed");
            if !flag(&row, "hideHeader") {
                self.heading(&text(&row, "title"), is_collapsed, &object(&row, "repeat"));
            }
            let first = self.panels.len();
            self.layout(&object(&row, "layout"), &format!("{path}.spec.layout"), depth - 1);
            self.close(first, is_collapsed && !flag(&row, "hideHeader"));
        }
    }

    /// Tabs become rows, of which the first is open.
    fn tabs(&mut self, spec: &Object, path: &str, depth: usize) {
        self.report.add(None, Level::Adapted, path, "tabs: each is a row, of which the first is open");
        for (at, tab) in list(spec, "tabs").iter().enumerate().take(PANELS_MAX) {
            let Some(tab) = tab.as_object().map(|tab| object(tab, "spec")) else { continue };
            let path = format!("{path}.spec.tabs[{at}]");
            self.without_conditions(&tab, &path);
            self.heading(&text(&tab, "title"), at > 0, &object(&tab, "repeat"));
            let first = self.panels.len();
            self.layout(&object(&tab, "layout"), &format!("{path}.spec.layout"), depth - 1);
            self.close(first, at > 0);
        }
    }

    fn without_conditions(&mut self, spec: &Object, path: &str) {
        if spec.get("conditionalRendering").is_some_and(|rule| !rule.is_null()) {
            self.report.add(
                None,
                Level::Adapted,
                format!("{path}.spec.conditionalRendering"),
                "shown under conditions: it is always shown",
            );
        }
    }

    fn heading(&mut self, title: &str, is_collapsed: bool, repeat: &Object) {
        let place = json!({"x": 0, "y": self.y, "w": GRID_COLUMNS, "h": 1});
        let mut row =
            json!({"id": self.next_row, "type": "row", "title": title, "collapsed": is_collapsed, "gridPos": place, "panels": []});
        let variable = text(repeat, "value");
        if !variable.is_empty() {
            row["repeat"] = variable.into();
        }
        self.next_row += 1;
        self.y += 1;
        self.panels.push(row);
    }

    /// Puts the panels since `first` into the row before them, if that is collapsed.
    fn close(&mut self, first: usize, is_collapsed: bool) {
        if !is_collapsed || first == 0 || self.panels.len() <= first {
            return;
        }
        let all = self.panels.split_off(first);
        // Rows inside of a row are not in the classic schema: their panels stand in the outer one.
        let inside: Vec<Value> = all
            .into_iter()
            .flat_map(|mut one| {
                let inner = one.get_mut("panels").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
                if one["type"] == "row" { inner } else { vec![one] }
            })
            .collect();
        if let Some(row) = self.panels.last_mut() {
            row["panels"] = inside.into();
        }
    }

    fn item(&mut self, item: &Object, (x, y, w, h): (u32, u32, u32, u32), path: &str) {
        let name = text(&object(item, "element"), "name");
        self.without_conditions(item, path);
        let Some(element) = self.elements.get(&name).and_then(Value::as_object) else {
            self.report.add(None, Level::Broken, path, format!("there is no element \"{name}\""));
            return;
        };
        let mut panel = element_panel(element, &name, self.report);
        panel["gridPos"] = json!({"x": x, "y": y, "w": w, "h": h});
        let repeat = object(item, "repeat");
        let variable = text(&repeat, "value");
        if !variable.is_empty() {
            panel["repeat"] = variable.into();
            panel["repeatDirection"] = if text(&repeat, "direction") == "v" { "v" } else { "h" }.into();
            panel["maxPerRow"] = number(&repeat, "maxPerRow").map_or(Value::Null, |most| (most as i64).into());
        }
        self.y = self.y.max(y.saturating_add(h));
        self.panels.push(panel);
    }
}

fn element_panel(element: &Object, name: &str, report: &mut Report) -> Value {
    let spec = object(element, "spec");
    let id = spec.get("id").cloned().unwrap_or(Value::Null);
    let title = text(&spec, "title");
    if text(element, "kind") != "Panel" {
        let said = "panels of a library are not read: paste the panel itself";
        report.add(Some((id.as_i64().unwrap_or(0), &title)), Level::Broken, format!("spec.elements.{name}"), said);
        return json!({"id": id, "type": "library-panel", "title": title, "libraryPanel": object(&spec, "libraryPanel")});
    }
    let data = object(&object(&spec, "data"), "spec");
    let asking = object(&data, "queryOptions");
    let viz = object(&spec, "vizConfig");
    let look = object(&viz, "spec");
    let group = text(&viz, "group");
    let targets: Vec<Value> =
        list(&data, "queries").iter().filter_map(Value::as_object).map(|query| target(&object(query, "spec"))).collect();
    let transformations: Vec<Value> = list(&data, "transformations").iter().filter_map(Value::as_object).map(transformation).collect();
    let mut panel = json!({
        "id": id,
        // The first form of the schema has the type in `kind`, later ones in `group`.
        "type": if group.is_empty() { text(&viz, "kind") } else { group },
        "pluginVersion": text(&viz, "version"),
        "title": title,
        "description": text(&spec, "description"),
        "transparent": flag(&spec, "transparent"),
        "links": list(&spec, "links"),
        "options": object(&look, "options"),
        "fieldConfig": look.get("fieldConfig").cloned().unwrap_or_else(|| json!({"defaults": {}, "overrides": []})),
        "targets": targets,
        "transformations": transformations,
    });
    for (new, old) in [
        ("interval", "interval"),
        ("maxDataPoints", "maxDataPoints"),
        ("timeFrom", "timeFrom"),
        ("timeShift", "timeShift"),
        ("hideTimeOverride", "hideTimeOverride"),
    ] {
        if let Some(value) = asking.get(old).filter(|value| !value.is_null()) {
            panel[new] = value.clone();
        }
    }
    panel
}

/// A query with its source: `{kind, group, datasource: {name}, spec}`, in the first form `{kind: "prometheus", spec}`.
fn data_query(outer: &Object) -> (Object, Option<Value>) {
    let query = object(outer, "query");
    let kind = text(&query, "kind");
    let group = if kind == "DataQuery" { text(&query, "group") } else { kind };
    let named = [&query, outer].iter().find_map(|one| one.get("datasource").and_then(Value::as_object));
    let uid = named.map(|one| ["name", "uid"].iter().map(|key| text(one, key)).find(|name| !name.is_empty()).unwrap_or_default());
    let source = (!group.is_empty() || uid.as_ref().is_some_and(|uid| !uid.is_empty())).then(|| match uid.filter(|uid| !uid.is_empty()) {
        Some(uid) => json!({"type": group, "uid": uid}),
        None => json!({"type": group}),
    });
    (object(&query, "spec"), source)
}

fn target(query: &Object) -> Value {
    let (mut target, source) = data_query(query);
    target.insert("refId".to_owned(), text(query, "refId").into());
    target.insert("hide".to_owned(), flag(query, "hidden").into());
    if let Some(source) = source {
        target.insert("datasource".to_owned(), source);
    }
    target.into()
}

fn transformation(one: &Object) -> Value {
    let spec = object(one, "spec");
    let id = [text(&spec, "id"), text(one, "group"), text(one, "kind")].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    let mut made = json!({"id": id, "options": spec.get("options").cloned().unwrap_or_else(|| json!({}))});
    if flag(&spec, "disabled") {
        made["disabled"] = true.into();
    }
    if let Some(filter) = spec.get("filter").filter(|filter| !filter.is_null()) {
        made["filter"] = filter.clone();
    }
    made
}

fn variable(one: &Object) -> Value {
    let kind = match text(one, "kind").as_str() {
        "QueryVariable" => "query",
        "CustomVariable" => "custom",
        "TextVariable" => "textbox",
        "ConstantVariable" => "constant",
        "IntervalVariable" => "interval",
        "DatasourceVariable" => "datasource",
        "AdhocVariable" => "adhoc",
        "SwitchVariable" => "switch",
        "GroupByVariable" => "groupby",
        _ => "",
    };
    let mut made = object(one, "spec");
    made.insert("type".to_owned(), if kind.is_empty() { text(one, "kind") } else { kind.to_owned() }.into());
    let hide = match text(&made, "hide").as_str() {
        "hideLabel" => 1,
        "hideVariable" => 2,
        _ => 0,
    };
    made.insert("hide".to_owned(), hide.into());
    if kind == "query" {
        let (query, source) = data_query(&made);
        let words = text(&query, "__legacyStringValue");
        made.insert("query".to_owned(), if words.is_empty() { query.into() } else { words.into() });
        made.insert("datasource".to_owned(), source.unwrap_or(Value::Null));
        let refresh = match text(&made, "refresh").as_str() {
            "never" => 0,
            "onTimeRangeChanged" => 2,
            _ => 1,
        };
        made.insert("refresh".to_owned(), refresh.into());
        const SORTS: [&str; 9] = [
            "disabled",
            "alphabeticalAsc",
            "alphabeticalDesc",
            "numericalAsc",
            "numericalDesc",
            "alphabeticalCaseInsensitiveAsc",
            "alphabeticalCaseInsensitiveDesc",
            "naturalAsc",
            "naturalDesc",
        ];
        let sort = text(&made, "sort");
        made.insert("sort".to_owned(), SORTS.iter().position(|name| *name == sort).unwrap_or(0).into());
    }
    if kind == "datasource" {
        let plugin = text(&made, "pluginId");
        made.insert("query".to_owned(), plugin.into());
    }
    if matches!(kind, "adhoc" | "groupby") {
        let group = text(one, "group");
        let name = text(&object(one, "datasource"), "name");
        if !group.is_empty() || !name.is_empty() {
            made.insert("datasource".to_owned(), json!({"type": group, "uid": name}));
        }
    }
    made.into()
}

fn annotation(one: &Object) -> Value {
    let mut made = object(one, "spec");
    let (query, source) = data_query(&made);
    if let Some(source) = source {
        made.insert("datasource".to_owned(), source);
    }
    made.remove("query");
    for (name, value) in object(&made, "legacyOptions") {
        made.entry(name).or_insert(value);
    }
    made.remove("legacyOptions");
    for (name, value) in query {
        made.entry(name).or_insert(value);
    }
    let is_built_in = flag(&made, "builtIn");
    made.insert("builtIn".to_owned(), i32::from(is_built_in).into());
    made.into()
}
