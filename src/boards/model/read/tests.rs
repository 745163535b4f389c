//! Dashboards of every generation.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::board::{Board, Panel, PanelKind, Place, TargetFormat};
use super::super::report::{Level, Report};
use super::look;

fn read(json: &Value) -> (Board, Report) {
    Board::read(json).unwrap()
}

/// A panel alone on a dashboard.
fn one(panel: &Value) -> (Panel, Report) {
    let (mut board, report) = read(&json!({"title": "t", "schemaVersion": 16, "panels": [panel]}));
    (board.panels.remove(0), report)
}

fn options(panel: &Panel) -> Value {
    Value::Object(panel.options.clone())
}

/// Overrides as `matcher: property=value …`.
fn overrides(panel: &Panel) -> Vec<String> {
    let shown = |one: &super::super::field_config::Override| {
        let properties: Vec<String> = one.properties.iter().map(|(id, value)| format!("{id}={value}")).collect();
        format!("{:?}: {}", one.matcher, properties.join(" "))
    };
    panel.fields.overrides.iter().map(shown).collect()
}

#[test]
fn a_graph_becomes_a_time_series() {
    let (panel, report) = one(&json!({
        "id": 4, "type": "graph", "title": "g", "fill": 3, "linewidth": 2, "points": true, "pointradius": 1, "stack": true, "percentage": true,
        "steppedLine": true, "nullPointMode": "connected", "decimals": 2,
        "aliasColors": {"up": "#7EB26D"},
        "seriesOverrides": [
            {"alias": "/out.*/", "transform": "negative-Y", "yaxis": 2, "fill": 0, "moon": 1},
            {"alias": "limit", "dashes": true, "lines": true, "stack": false, "legend": false},
        ],
        "yaxes": [{"format": "bytes", "logBase": 2, "min": "0", "max": null, "label": "size", "show": true},
                  {"format": "percent", "max": 100, "show": true}],
        "xaxis": {"mode": "time"},
        "thresholds": [{"value": 80, "op": "gt", "colorMode": "critical", "fill": true, "line": true}],
        "legend": {"show": true, "values": true, "current": true, "avg": true, "alignAsTable": true, "rightSide": true},
        "tooltip": {"shared": false, "sort": 2},
        "targets": [{"expr": "up", "format": "time_series", "intervalFactor": 2}],
    }));
    assert_eq!((panel.kind, panel.given_kind.as_str()), (PanelKind::TimeSeries, "graph"));
    let found = look(&panel.fields.defaults, [].iter());
    assert_eq!((found.unit.as_str(), found.decimals, found.min, found.max), ("bytes", Some(2), Some(0.0), None));
    let custom = Value::Object(found.custom);
    assert_eq!(
        custom,
        json!({"axisLabel": "size", "drawStyle": "line", "fillOpacity": 30.0, "lineInterpolation": "stepAfter", "lineWidth": 2.0,
            "pointSize": 4.0, "scaleDistribution": {"type": "log", "log": 2}, "showPoints": "always", "spanNulls": true,
            "stacking": {"mode": "percent", "group": "A"}, "thresholdsStyle": {"mode": "line+area"}})
    );
    assert_eq!(found.thresholds.steps, [(f64::NEG_INFINITY, "transparent".to_owned()), (80.0, "red".to_owned())]);
    assert_eq!(
        overrides(&panel),
        [
            r##"Name("up"): color={"fixedColor":"#7EB26D","mode":"fixed"}"##,
            // What only the left axis has, words and a logarithmic scale, is taken back.
            concat!(
                r#"Regex("/out.*/"): custom.fillOpacity=0.0 custom.transform="negative-Y" custom.axisPlacement="right" unit="percent" "#,
                r#"max=100.0 custom.axisLabel="" custom.scaleDistribution={"type":"linear"}"#
            ),
            r#"Name("limit"): custom.lineStyle={"dash":[10.0,10.0],"fill":"dash"} custom.hideFrom={"legend":true,"tooltip":false,"viz":false} custom.drawStyle="line" custom.stacking={"group":"A","mode":"none"}"#,
        ]
    );
    assert_eq!(
        options(&panel),
        json!({"legend": {"showLegend": true, "displayMode": "table", "placement": "right", "calcs": ["mean", "lastNotNull"]},
            "tooltip": {"mode": "single", "sort": "desc"}})
    );
    assert_eq!((panel.targets[0].ref_id.as_str(), panel.targets[0].interval_factor), ("A", 2));
    let told: Vec<_> = report.findings.iter().map(|one| (one.path.as_str(), one.text.as_str())).collect();
    assert_eq!(told, [("panels[0].seriesOverrides[0]", "moon is left out")]);
}

#[test]
fn the_oldest_graphs_have_axes_in_their_grid() {
    let (panel, _) =
        one(&json!({"id": 1, "type": "graph", "y_formats": ["s", "short"], "leftYAxisLabel": "time", "bars": true, "lines": false,
        "grid": {"leftMin": 0, "leftMax": 5, "leftLogBase": 10, "threshold1": 3, "threshold1Color": "#aaaaaa", "threshold2": null}}));
    let found = look(&panel.fields.defaults, [].iter());
    assert_eq!((found.unit.as_str(), found.min, found.max), ("s", Some(0.0), Some(5.0)));
    assert_eq!(found.custom["drawStyle"], "bars");
    assert_eq!(found.custom["scaleDistribution"], json!({"type": "log", "log": 10}));
    assert_eq!(found.thresholds.steps[1], (3.0, "#aaaaaa".to_owned()));
    let (panel, _) = one(&json!({"id": 1, "type": "graph", "xaxis": {"mode": "series", "values": ["total"]}}));
    assert_eq!((panel.kind, panel.transformations[0].id.as_str()), (PanelKind::BarChart, "reduce"));
    let (panel, _) = one(&json!({"id": 1, "type": "graph", "xaxis": {"mode": "histogram", "buckets": 12}}));
    assert_eq!((panel.kind, &panel.options["bucketCount"]), (PanelKind::Histogram, &json!(12.0)));
}

#[test]
fn a_single_number_becomes_a_stat_or_a_gauge() {
    let single = json!({"id": 2, "type": "singlestat", "format": "none", "postfix": " pods", "valueName": "current", "thresholds": "1,5",
        "colors": ["green", "orange", "red"], "colorBackground": true, "sparkline": {"show": true}, "nullText": "n/a", "tableColumn": "a.b",
        "mappingType": 1, "valueMaps": [{"op": "=", "value": "null", "text": "N/A"}, {"op": "=", "value": "0", "text": "down"}],
        "rangeMaps": [{"from": "null", "to": "null", "text": "N/A"}]});
    let (panel, report) = one(&single);
    let found = look(&panel.fields.defaults, [].iter());
    assert_eq!((panel.kind, found.unit.as_str(), found.no_value.as_str()), (PanelKind::Stat, "suffix: pods", "n/a"));
    assert_eq!(found.thresholds.colour(3.0, 0.0, 1.0), Some("orange"));
    let maps: Vec<String> = found.mappings.iter().map(|one| format!("{:?} {}", one.fits, one.text)).collect();
    assert_eq!(maps, ["Null N/A", "Value(\"0\") down"]);
    assert_eq!(
        options(&panel),
        json!({"colorMode": "background", "graphMode": "area", "orientation": "horizontal",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "/^a\\.b$/", "values": false}})
    );
    assert!(report.findings.is_empty());
    let mut gauge = single;
    gauge["gauge"] = json!({"show": true, "minValue": 0, "maxValue": 50, "thresholdMarkers": true});
    gauge["format"] = json!("bytes");
    let (panel, report) = one(&gauge);
    let found = look(&panel.fields.defaults, [].iter());
    assert_eq!((panel.kind, found.unit.as_str(), found.max), (PanelKind::Gauge, "bytes", Some(50.0)));
    assert_eq!(report.findings[0].path, "panels[0].postfix");
}

#[test]
fn old_tables_heatmaps_texts_and_lists() {
    let (panel, _) =
        one(&json!({"id": 3, "type": "table", "transform": "timeseries_aggregations", "columns": [{"text": "Avg", "value": "avg"}],
        "styles": [{"pattern": "Time", "type": "hidden"},
            {"pattern": "/.*/", "type": "number", "unit": "short", "decimals": 1},
            {"pattern": "Value", "alias": "CPU", "type": "number", "unit": "percent", "colorMode": "cell", "thresholds": ["50", "80"],
                "colors": ["a", "b", "c"], "link": true, "linkUrl": "/d/x"}]}));
    assert_eq!((panel.kind, &panel.transformations[0].options["reducers"]), (PanelKind::Table, &json!(["mean"])));
    assert_eq!(panel.fields.defaults["unit"], "short");
    assert_eq!(overrides(&panel)[0], "Name(\"Time\"): custom.hidden=true");
    assert!(
        overrides(&panel)[1]
            .starts_with(r#"Name("Value"): displayName="CPU" unit="percent" custom.cellOptions={"type":"color-background"}"#)
    );

    let (panel, _) =
        one(&json!({"id": 3, "type": "table", "fieldConfig": {"defaults": {"custom": {"displayMode": "color-text"}}, "overrides": [
        {"matcher": {"id": "byName", "options": "a"}, "properties": [{"id": "custom.displayMode", "value": "lcd-gauge"}]}]}}));
    assert_eq!(panel.fields.defaults["custom"]["cellOptions"], json!({"type": "color-text"}));
    assert_eq!(overrides(&panel), [r#"Name("a"): custom.cellOptions={"mode":"lcd","type":"gauge"}"#]);

    let (panel, _) = one(
        &json!({"id": 3, "type": "heatmap", "dataFormat": "tsbuckets", "color": {"mode": "spectrum", "colorScheme": "interpolateBlues"},
        "yAxis": {"format": "s", "logBase": 1}, "hideZeroBuckets": true, "yBucketBound": "upper", "legend": {"show": true}}),
    );
    assert_eq!(panel.options["calculate"], false);
    assert_eq!((&panel.options["color"]["scheme"], &panel.options["yAxis"]["unit"]), (&json!("Blues"), &json!("s")));
    assert_eq!(panel.options["rowsFrame"], json!({"layout": "le"}));

    let (panel, _) = one(&json!({"id": 3, "type": "text", "mode": "markdown", "content": "# hi"}));
    assert_eq!(options(&panel), json!({"mode": "markdown", "content": "# hi"}));
    let (panel, report) = one(&json!({"id": 3, "type": "dashlist", "starred": true, "limit": 5, "tags": ["a"], "folderId": 3}));
    assert_eq!((&panel.options["showStarred"], &panel.options["maxItems"], report.findings.len()), (&json!(true), &json!(5.0), 1));
    let (panel, _) = one(&json!({"id": 3, "type": "alertlist", "limit": 5, "stateFilter": ["alerting"], "show": "current"}));
    assert_eq!(panel.options["stateFilter"]["firing"], true);
    let (panel, _) =
        one(&json!({"id": 3, "type": "gauge", "options": {"fieldOptions": {"calcs": ["last"], "defaults": {"unit": "s", "max": 9},
        "thresholds": [{"color": "green", "value": null}, {"color": "red", "value": 5}]}}}));
    assert_eq!((&panel.fields.defaults["unit"], &panel.options["reduceOptions"]["calcs"]), (&json!("s"), &json!(["last"])));
}

#[test]
fn rows_of_before_grafana_5_and_inputs() {
    let (board, report) = read(&json!({"title": "t", "schemaVersion": 12,
        "__inputs": [{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"}, {"name": "VAR_X", "type": "constant", "value": "7"}],
        "rows": [{"title": "a", "showTitle": true, "height": "200px", "panels": [
            {"type": "graph", "span": 6, "datasource": "${DS_PROM}", "targets": [{"expr": "up{x=\"${VAR_X}\"}"}]}, {"type": "moon", "span": 6}]}]}));
    let told: Vec<_> = board.panels.iter().map(|panel| (panel.id, panel.kind, panel.place)).collect();
    assert_eq!(
        told,
        [
            (1, PanelKind::Row, Place { x: 0, y: 0, w: 24, h: 1 }),
            (2, PanelKind::TimeSeries, Place { x: 0, y: 1, w: 12, h: 6 }),
            (3, PanelKind::Unknown, Place { x: 12, y: 1, w: 12, h: 6 }),
        ]
    );
    assert_eq!((board.panels[1].source.name.as_str(), board.panels[1].targets[0].expr.as_str()), ("metrics", "up{x=\"7\"}"));
    assert_eq!((report.findings[0].path.as_str(), report.findings[0].level), ("rows[0].panels[1].type", Level::Broken));
    assert_eq!((report.panels, report.whole), (2, 1));
}

#[test]
fn what_is_not_understood_is_told() {
    let (_, report) = read(&json!({"title": "t", "panels": [
        {"id": 1, "type": "timeseries", "title": "db", "datasource": {"type": "mysql", "uid": "x"}, "targets": [{"refId": "Q", "rawSql": "select 1"}]},
        {"id": 2, "type": "stat", "datasource": "AWS", "targets": [{"namespace": "AWS/EC2", "metricName": "CPU"}]},
        {"id": 3, "type": "stat", "datasource": {"type": "marcus-json", "uid": "x"}, "targets": [{}]},
        {"id": 4, "type": "stat", "datasource": {"type": "${kind}", "uid": "x"}, "targets": [{"expr": "up"}], "transformations": [{"id": "spin"}]},
        {"id": 5, "type": "geomap"},
    ], "templating": {"list": [{"name": "v", "type": "moon"}]}}));
    let told: Vec<String> = report.findings.iter().map(|one| format!("{:?} {}: {}", one.level, one.path, one.text)).collect();
    assert_eq!(
        told,
        [
            "Broken panels[0].targets[0]: query Q goes to MySQL, which pharos does not ask",
            "Broken panels[1].targets[0]: query A goes to CloudWatch, which pharos does not ask",
            "Broken panels[2].targets[0]: query A goes to a source of the type \"marcus-json\", which pharos does not ask",
            "Ignored panels[3].transformations[0]: the transformation \"spin\" is not known and is left out",
            "Broken panels[4].type: panels of the type \"geomap\" are not drawn",
            "Ignored templating.list[0].type: the variable v is of the type \"moon\", which is not known",
        ]
    );
    assert_eq!((report.panels, report.whole), (5, 0));
}

#[test]
fn the_second_schema_becomes_classic() {
    let v2: Value = serde_json::from_str(
        r#"{"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": {"name": "abc"}, "spec": {
        "title": "Two", "tags": ["x"], "cursorSync": "Tooltip", "timeSettings": {"from": "now-1h", "to": "now", "autoRefresh": "30s", "timezone": "utc"},
        "annotations": [{"kind": "AnnotationQuery", "spec": {"name": "Deploys", "enable": true, "iconColor": "red",
            "query": {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "m"}, "spec": {"expr": "changes(x[1m])"}}}}],
        "variables": [
            {"kind": "QueryVariable", "spec": {"name": "job", "hide": "hideLabel", "refresh": "onTimeRangeChanged", "sort": "numericalDesc", "multi": true,
                "current": {"text": ["a"], "value": ["a"]}, "query": {"kind": "DataQuery", "group": "prometheus", "spec": {"query": "label_values(up, job)", "refId": "A"}}}},
            {"kind": "DatasourceVariable", "spec": {"name": "ds", "pluginId": "loki"}}],
        "elements": {
            "panel-1": {"kind": "Panel", "spec": {"id": 1, "title": "A", "links": [], "vizConfig": {"kind": "VizConfig", "group": "timeseries", "version": "12",
                    "spec": {"options": {"legend": {}}, "fieldConfig": {"defaults": {"unit": "s"}, "overrides": []}}},
                "data": {"kind": "QueryGroup", "spec": {"queries": [{"kind": "PanelQuery", "spec": {"refId": "B", "hidden": true,
                    "query": {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "m"}, "spec": {"expr": "up"}}}}],
                    "transformations": [{"kind": "limit", "spec": {"id": "limit", "options": {"limitField": 3}}}], "queryOptions": {"interval": "1m"}}}}},
            "panel-2": {"kind": "Panel", "spec": {"id": 2, "title": "B", "vizConfig": {"kind": "stat", "spec": {}}, "data": {"spec": {"queries": [
                {"kind": "PanelQuery", "spec": {"refId": "A", "datasource": {"type": "loki", "uid": "l"}, "query": {"kind": "loki", "spec": {"expr": "{a=\"b\"}"}}}}]}}}},
            "panel-3": {"kind": "LibraryPanel", "spec": {"id": 3, "title": "L"}}},
        "layout": {"kind": "TabsLayout", "spec": {"tabs": [
            {"kind": "TabsLayoutTab", "spec": {"title": "first", "layout": {"kind": "GridLayout", "spec": {"items": [
                {"kind": "GridLayoutItem", "spec": {"x": 12, "y": 0, "width": 12, "height": 6, "element": {"kind": "ElementReference", "name": "panel-1"},
                    "repeat": {"mode": "variable", "value": "job", "direction": "v"}}}]}}}},
            {"kind": "TabsLayoutTab", "spec": {"title": "second", "layout": {"kind": "RowsLayout", "spec": {"rows": [
                {"kind": "RowsLayoutRow", "spec": {"title": "r", "layout": {"kind": "AutoGridLayout", "spec": {"maxColumnCount": 2, "items": [
                    {"kind": "AutoGridLayoutItem", "spec": {"element": {"name": "panel-2"}}}, {"kind": "AutoGridLayoutItem", "spec": {"element": {"name": "panel-3"}}},
                    {"kind": "AutoGridLayoutItem", "spec": {"element": {"name": "none"}}}]}}}}]}}}}]}}}}"#,
    )
    .unwrap();
    let (board, report) = read(&v2);
    assert_eq!((board.uid.as_str(), board.title.as_str(), board.refresh.as_str(), board.from.as_str()), ("abc", "Two", "30s", "now-1h"));
    let placed: Vec<_> =
        board.layout(&|_| Vec::new(), &|_| None).into_iter().map(|one| (one.panel.title.clone(), one.place, one.is_hidden)).collect();
    let at = |x, y, w, h| Place { x, y, w, h };
    assert_eq!(
        placed,
        [
            ("first".to_owned(), at(0, 0, 24, 1), false),
            ("A".to_owned(), at(12, 1, 12, 6), false),
            ("second".to_owned(), at(0, 7, 24, 1), false),
            ("B".to_owned(), at(0, 8, 12, 9), true),
            ("L".to_owned(), at(12, 8, 12, 9), true),
        ]
    );
    let a = board.panel(1).unwrap();
    assert_eq!(
        (a.kind, a.targets[0].expr.as_str(), a.targets[0].is_hidden, a.targets[0].source.name.as_str()),
        (PanelKind::TimeSeries, "up", true, "m")
    );
    assert_eq!(
        (a.asking.interval_min.as_str(), a.transformations[0].id.as_str(), a.repeat.as_ref().unwrap().is_vertical),
        ("1m", "limit", true)
    );
    let b = board.panel(2).unwrap();
    assert_eq!((b.kind, b.targets[0].source.kind.as_str(), b.targets[0].source.name.as_str()), (PanelKind::Stat, "loki", "l"));
    let job = &board.variables[0];
    assert_eq!(
        (job.query.as_str(), job.sort, job.current.as_slice()),
        ("label_values(up, job)", super::super::variable::Sort::NumberDown, &["a".to_owned()][..])
    );
    assert_eq!(board.variables[1].query, "loki");
    assert_eq!((board.annotations[0].expr.as_str(), board.annotations[0].source.name.as_str()), ("changes(x[1m])", "m"));
    let told: Vec<&str> = report.findings.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        told,
        [
            "tabs: each is a row, of which the first is open",
            "panels of a library are not read: paste the panel itself",
            "there is no element \"none\"",
            "panels of the type \"library-panel\" are not drawn",
        ]
    );
    // What is kept is the classic form, which reads the same.
    assert_eq!(read(&super::classic(v2).unwrap()).0, board);
}

#[test]
fn at_an_import_inputs_are_put_in() {
    let mut json = json!({"__inputs": [{"name": "DS_A", "type": "datasource", "pluginId": "loki"}, {"name": "DS_B", "type": "datasource", "pluginId": "prometheus"}],
        "__requires": [], "title": "t", "panels": [{"datasource": "${DS_A}", "targets": [{"datasource": {"uid": "${DS_B}"}, "expr": "up{a=\"${other}\"}"}]}]});
    super::with_inputs(&mut json, &[("DS_B".to_owned(), "mine".to_owned())]);
    assert_eq!(
        json,
        json!({"title": "t", "panels": [{"datasource": "logs", "targets": [{"datasource": {"uid": "mine"}, "expr": "up{a=\"${other}\"}"}]}]})
    );
    let answer = json!({"meta": {}, "dashboard": {"title": "t", "panels": []}});
    assert_eq!(super::classic(answer).unwrap(), json!({"title": "t", "panels": []}));
    assert!(super::classic(json!({"a": 1})).is_err());
}

#[test]
fn library_panels_come_from_the_file_or_are_missed() {
    let board = json!({"title": "t", "panels": [
        {"id": 1, "gridPos": {"x": 6, "y": 0, "w": 6, "h": 4}, "libraryPanel": {"uid": "u", "name": "Shared"}},
        {"id": 2, "type": "row", "collapsed": true, "panels": [{"id": 3, "libraryPanel": {"uid": "gone", "name": "Gone"}}]},
    ], "__elements": {"u": {"name": "Shared", "uid": "u", "kind": 1, "model": {"id": 9, "type": "stat", "title": "Up", "targets": [{"expr": "up"}]}}}});
    let (found, report) = Board::read(&board).unwrap();
    assert_eq!((found.panels[0].id, found.panels[0].place.x, found.panels[0].title.as_str()), (1, 6, "Up"));
    assert_eq!(found.panels[0].targets[0].expr, "up");
    let [missed] = report.findings.as_slice() else { panic!("{report:?}") };
    assert!(missed.text.contains("library panel \"Gone\"") && missed.level == Level::Broken, "{missed:?}");
    let mut kept = board;
    super::with_inputs(&mut kept, &[]);
    assert_eq!((&kept["panels"][0]["type"], kept.get("__elements")), (&json!("stat"), None));
}

#[test]
fn missing_values_count_as_zero_where_old_panels_say_so() {
    let (board, report) = Board::read(&json!({"panels": [
        {"id": 1, "type": "graph", "nullPointMode": "null as zero", "seriesOverrides": [{"alias": "x", "nullPointMode": "connected"}]},
    ]}))
    .unwrap();
    let fields = &board.panels[0].fields;
    assert!(look(&fields.defaults, std::iter::empty()).is_zero_where_nothing, "{fields:?}");
    let over = look(&fields.defaults, fields.overrides[0].properties.iter());
    assert!(!over.is_zero_where_nothing && over.custom["spanNulls"] == true, "{over:?}");
    let newer = json!({"nullValueMode": "connected"});
    assert_eq!(look(newer.as_object().unwrap(), std::iter::empty()).custom["spanNulls"], true);
    assert_eq!(report.findings, []);
}

/// Dashboards that people use: panels by kind, targets, variables, findings. From the files beside the tests.
#[test]
fn dashboards_that_people_use_are_read() {
    let folder = std::env::var("PHAROS_TEST_SHARED").unwrap_or_else(|_| format!("{}/../shared", env!("CARGO_MANIFEST_DIR")));
    let folder = std::path::Path::new(&folder).join("conformance/grafana");
    if !folder.is_dir() {
        return;
    }
    for (name, expected) in [
        ("blackbox-exporter", "18 panels, 18 whole: Stat 16, TimeSeries 2; 20 targets, 4 variables"),
        (
            "docker-host",
            "15 panels, 14 whole: Stat 6, TimeSeries 9; 24 targets, 0 variables; rows[0].panels[0].postfix: text around a number that has a unit is left out",
        ),
        ("fastapi", "9 panels, 9 whole: TimeSeries 9; 9 targets, 0 variables"),
        ("k8s-resources-pod", "16 panels, 16 whole: Table 3, TimeSeries 13; 38 targets, 4 variables"),
        ("loki-logs", "10 panels, 10 whole: Logs 1, TimeSeries 9; 10 targets, 7 variables"),
        ("nginx", "4 panels, 4 whole: Stat 1, TimeSeries 3; 8 targets, 2 variables"),
        ("node-exporter-full", "125 panels, 125 whole: BarGauge 4, Gauge 5, Stat 5, TimeSeries 111; 286 targets, 4 variables"),
        ("postgres-overview", "6 panels, 6 whole: Stat 1, TimeSeries 5; 15 targets, 4 variables"),
        ("redis-exporter-0.3x", "12 panels, 12 whole: Gauge 1, Stat 2, TimeSeries 9; 17 targets, 1 variables"),
    ] {
        let json: Value = serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
        let (board, report) = read(&json);
        assert_eq!(summary(&board, &report), expected, "{name}");
        let all_open = board.layout(&|_| Vec::new(), &|_| Some(true));
        assert_eq!(all_open.iter().filter(|one| one.row.is_some() || one.panel.kind != PanelKind::Row).count(), report.panels, "{name}");
        assert!(all_open.iter().all(|one| !one.is_hidden), "{name}");
    }
}

fn summary(board: &Board, report: &Report) -> String {
    let mut kinds = std::collections::BTreeMap::new();
    for panel in board.every_panel() {
        *kinds.entry(format!("{:?}", panel.kind)).or_insert(0) += 1;
        assert!(panel.targets.iter().all(|target| !target.expr.is_empty() || target.is_hidden), "{}", panel.title);
        assert!(panel.targets.iter().all(|target| target.format != TargetFormat::Heatmap || panel.kind == PanelKind::Heatmap));
    }
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let targets: usize = board.every_panel().map(|panel| panel.targets.len()).sum();
    let told: String = report.findings.iter().map(|one| format!("; {}: {}", one.path, one.text)).collect();
    let (panels, whole) = (report.panels, report.whole);
    format!("{panels} panels, {whole} whole: {}; {targets} targets, {} variables{told}", kinds.join(", "), board.variables.len())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "graph",
            "singlestat",
            "table",
            "heatmap",
            "row",
            "text",
            "-Y",
            "/",
            "//",
            "250px",
            "${DS}",
            "avg",
            "null",
            ""
        ])
        .prop_map(Value::from),
    ];
    let names = vec![
        "panels",
        "rows",
        "type",
        "gridPos",
        "x",
        "y",
        "w",
        "h",
        "id",
        "title",
        "targets",
        "datasource",
        "fieldConfig",
        "defaults",
        "overrides",
        "matcher",
        "properties",
        "options",
        "yaxes",
        "seriesOverrides",
        "alias",
        "thresholds",
        "styles",
        "pattern",
        "legend",
        "span",
        "height",
        "templating",
        "list",
        "annotations",
        "__inputs",
        "name",
        "gauge",
        "show",
        "transformations",
        "repeat",
        "current",
        "value",
        "spec",
        "elements",
        "layout",
        "kind",
        "items",
        "aliasColors",
        "fieldOptions",
        "valueMaps",
        "color",
        "mappings",
    ];
    leaf.prop_recursive(7, 96, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((prop::sample::select(names.clone()), inner), 0..7)
                .prop_map(|all| Value::Object(all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_panics(json in any_json(), kind in prop::sample::select(vec!["graph", "singlestat", "table", "heatmap", "text", "alertlist", "dashlist", "stat", "grafana-piechart-panel", "row"])) {
        let _any = Board::read(&json);
        let second = json!({"spec": {"elements": {"name": {"kind": "Panel", "spec": json}}, "layout": {"kind": "GridLayout", "spec": json}, "variables": [json], "annotations": json}});
        let _second = super::classic(second);
        let mut board = json!({"title": "t", "panels": [json.clone()], "rows": json.get("rows")});
        if let Some(panel) = board["panels"][0].as_object_mut() {
            panel.insert("type".to_owned(), kind.into());
        }
        let (read, _) = Board::read(&board).unwrap();
        for panel in read.every_panel() {
            let _look = look(&panel.fields.defaults, panel.fields.overrides.iter().flat_map(|one| &one.properties));
        }
        let _placed = read.layout(&|_| Vec::new(), &|_| None);
    }
}
