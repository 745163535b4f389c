//! Transformations over small frames, one from a dashboard that people use.

use super::*;
use crate::boards::data::{Column, FrameKind, prepare};
use crate::boards::model::Panel;
use crate::series::labels::Labels;

fn number(name: &str, values: &[f64]) -> Field {
    Field {
        name: name.into(),
        values: Column::Number(values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect()),
        ..Field::default()
    }
}

fn text(name: &str, values: &[&str]) -> Field {
    Field { name: name.into(), values: Column::Text(values.iter().map(|value| Some((*value).to_owned())).collect()), ..Field::default() }
}

fn time(values: &[i64]) -> Field {
    Field { name: "Time".into(), values: Column::Time(values.into()), ..Field::default() }
}

fn table(ref_id: &str, fields: Vec<Field>) -> Frame {
    Frame { ref_id: ref_id.into(), kind: FrameKind::Table, fields, ..Frame::default() }
}

fn series(name: &str, at: &[i64], values: &[f64]) -> Frame {
    Frame { name: name.into(), fields: vec![time(at), number("Value", values)], ..Frame::default() }
}

/// Titles and values after steps, a line for each column.
fn after(steps: serde_json::Value, frames: Vec<Frame>) -> Vec<String> {
    let (found, notes) = run(steps, frames);
    assert!(notes.is_empty(), "{notes:?}");
    found
}

fn run(steps: serde_json::Value, frames: Vec<Frame>) -> (Vec<String>, Vec<String>) {
    let steps = steps.as_array().unwrap().iter().map(|step| Transformation {
        id: step["id"].as_str().unwrap().to_owned(),
        is_disabled: false,
        options: step["options"].as_object().cloned().unwrap_or_default(),
        filter: step["filter"].as_object().cloned(),
    });
    let panel = Panel { transformations: steps.collect(), ..Panel::default() };
    let found = prepare(&panel, frames, &|text, _| text.to_owned()).unwrap();
    let lines = found.frames.iter().flat_map(|frame| &frame.fields).map(|field| {
        let cells: Vec<String> = field.values.cells().map(|cell| cell.text()).collect();
        format!("{}: {}", field.title, cells.join(" "))
    });
    (lines.collect(), found.notes)
}

#[test]
fn the_quota_table_of_a_pod_is_joined_and_organized() {
    let path = format!("{}/conformance/grafana/k8s-resources-pod.json", std::env::var("PHAROS_TEST_SHARED").unwrap_or_default());
    let Ok(text_of) = std::fs::read_to_string(path) else { return };
    let json: serde_json::Value = serde_json::from_str(&text_of).unwrap();
    let panel = json["panels"].as_array().unwrap().iter().find(|panel| panel["title"] == "CPU Quota").unwrap();
    let one = |ref_id: &str, value: f64| {
        table(ref_id, vec![time(&[1, 1]), text("container", &["app", "side"]), number("Value", &[value, value / 2.0])])
    };
    let frames = [("A", 0.4), ("B", 0.5), ("C", 0.8), ("D", 1.0), ("E", 0.4)].map(|(ref_id, value)| one(ref_id, value)).to_vec();
    assert_eq!(
        after(panel["transformations"].clone(), frames),
        [
            "Container: app side",
            "CPU Usage: 0.4 0.2",
            "CPU Requests: 0.5 0.25",
            "CPU Requests %: 0.8 0.4",
            "CPU Limits: 1 0.5",
            "CPU Limits %: 0.4 0.2"
        ]
    );
}

#[test]
fn series_are_joined_by_time_and_keep_their_legends() {
    let frames = || vec![series("a", &[1, 2], &[10.0, 20.0]), series("b", &[2, 3], &[200.0, 300.0])];
    let steps = |mode: &str| serde_json::json!([{"id":"joinByField","options":{"mode":mode}}]);
    assert_eq!(after(steps("outer"), frames()), ["Time: 1 2 3", "a: 10 20 ", "b:  200 300"]);
    assert_eq!(after(steps("inner"), frames()), ["Time: 2", "a: 20", "b: 200"]);
}

#[test]
fn rows_that_agree_are_merged() {
    let frames = vec![
        table("A", vec![text("job", &["api", "db"]), number("Value", &[1.0, 2.0])]),
        table("B", vec![text("job", &["db", "web"]), number("Value", &[20.0, 30.0])]),
    ];
    assert_eq!(after(serde_json::json!([{"id":"merge"}]), frames), ["job: api db web", "Value #A: 1 2 ", "Value #B:  20 30"]);
}

#[test]
fn rows_and_fields_are_sorted_limited_filtered_and_renamed() {
    let frames = || {
        vec![table("A", vec![text("job", &["b", "a", "c"]), number("Value", &[2.0, 3.0, f64::NAN]), number("load_5", &[1.0, 1.0, 2.0])])]
    };
    let all = |steps| after(steps, frames());
    assert_eq!(all(serde_json::json!([{"id":"sortBy","options":{"sort":[{"field":"job"}]}}]))[0], "job: a b c");
    assert_eq!(all(serde_json::json!([{"id":"sortBy","options":{"sort":[{"field":"Value","desc":true}]}}]))[1], "Value: 3 2 ");
    assert_eq!(all(serde_json::json!([{"id":"limit","options":{"limitField":1}}]))[0], "job: b");
    assert_eq!(
        all(serde_json::json!([{"id":"filterFieldsByName","options":{"include":{"names":["job"],"pattern":"/^load/"}}}])),
        ["job: b a c", "load_5: 1 1 2"]
    );
    assert_eq!(all(serde_json::json!([{"id":"filterByRefId","options":{"include":"B|C"}}])), Vec::<String>::new());
    assert_eq!(
        all(serde_json::json!([{"id":"renameByRegex","options":{"regex":"load_(.*)","renamePattern":"load $1m"}}]))[2],
        "load 5m: 1 1 2"
    );
    let by_value = |kind: &str, config: serde_json::Value| {
        all(serde_json::json!([{"id":"filterByValue","options":{"type":kind,"match":"any","filters":[{"fieldName":"Value","config":config}]}}]))[0].clone()
    };
    assert_eq!(by_value("include", serde_json::json!({"id":"greater","options":{"value":2}})), "job: a");
    assert_eq!(by_value("exclude", serde_json::json!({"id":"isNull"})), "job: b a");
    assert_eq!(by_value("include", serde_json::json!({"id":"between","options":{"from":1,"to":2}})), "job: b");
    assert_eq!(by_value("include", serde_json::json!({"id":"equal","options":{"value":"3"}})), "job: a");
}

#[test]
fn fields_are_reduced_to_rows_or_to_values() {
    let frames = || vec![series("a", &[1, 2], &[10.0, 20.0]), series("b", &[1, 2], &[4.0, 2.0])];
    let rows = serde_json::json!([{"id":"reduce","options":{"reducers":["max","lastNotNull"]}}]);
    assert_eq!(after(rows, frames()), ["Field: a b", "Max: 20 4", "Last *: 20 2"]);
    let fields = serde_json::json!([{"id":"reduce","options":{"mode":"reduceFields","reducers":["mean"]}}]);
    assert_eq!(after(fields, frames()), ["a: 15", "b: 3"]);
}

#[test]
fn fields_are_calculated() {
    let frames = || vec![series("a", &[1, 2], &[10.0, 20.0]), series("b", &[1, 2], &[4.0, 2.0])];
    let last = |options: serde_json::Value| after(serde_json::json!([{"id":"calculateField","options":options}]), frames()).pop().unwrap();
    assert_eq!(last(serde_json::json!({"mode":"binary","binary":{"left":"a","operator":"/","right":"b"}})), "a / b: 2.5 10");
    assert_eq!(last(serde_json::json!({"mode":"binary","alias":"twice","binary":{"left":"a","operator":"*","right":"2"}})), "twice: 20 40");
    assert_eq!(
        last(
            serde_json::json!({"mode":"binary","binary":{"left":{"matcher":{"id":"byName","options":"b"}},"operator":"-","right":{"fixed":"1"}}})
        ),
        "b - 1: 3 1"
    );
    assert_eq!(last(serde_json::json!({"mode":"reduceRow","reduce":{"reducer":"sum"}})), "Total: 14 22");
    assert_eq!(last(serde_json::json!({"mode":"reduceRow","reduce":{"reducer":"max","include":["b"]},"alias":"top"})), "top: 4 2");
    assert_eq!(last(serde_json::json!({"mode":"unary","unary":{"operator":"sqrt","fieldName":"b"}})), "sqrt(b): 2 1.4142135623730951");
    assert_eq!(last(serde_json::json!({"mode":"cumulativeFunctions","cumulative":{"field":"a","reducer":"sum"}})), "a (sum): 10 30");
    assert_eq!(
        last(serde_json::json!({"mode":"windowFunctions","window":{"field":"a","reducer":"mean","windowSize":2,"windowSizeMode":"fixed"}})),
        "a (mean): 10 15"
    );
    assert_eq!(last(serde_json::json!({"mode":"index"})), "Row: 0 1");
    let replaced =
        serde_json::json!([{"id":"calculateField","options":{"mode":"reduceRow","reduce":{"reducer":"sum"},"replaceFields":true}}]);
    assert_eq!(after(replaced, frames()), ["Time: 1 2", "Total: 14 22"]);
}

#[test]
fn rows_are_grouped_and_turned() {
    let frames =
        || vec![table("A", vec![text("job", &["a", "b", "a"]), text("code", &["200", "200", "500"]), number("n", &[1.0, 2.0, 3.0])])];
    let grouped = serde_json::json!([{"id":"groupBy","options":{"fields":{"job":{"operation":"groupby"},"n":{"operation":"aggregate","aggregations":["sum","count"]}}}}]);
    assert_eq!(after(grouped, frames()), ["job: a b", "n (sum): 4 2", "n (count): 2 1"]);
    let matrix = serde_json::json!([{"id":"groupingToMatrix","options":{"columnField":"code","rowField":"job","valueField":"n","emptyValue":"zero"}}]);
    assert_eq!(after(matrix, frames()), ["job\\code: a b", "200: 1 2", "500: 3 0"]);
    let parted = serde_json::json!([{"id":"partitionByValues","options":{"fields":["job"]}}]);
    assert_eq!(after(parted, frames()), ["a code: 200 500", "a n: 1 3", "b code: 200", "b n: 2"]);
    let turned = serde_json::json!([{"id":"limit","options":{"limitField":2}},{"id":"rowsToFields","options":{"mappings":[{"fieldName":"code","handlerKey":"field.label"}]}}]);
    assert_eq!(after(turned, frames()), ["a: 1", "b: 2"]);
}

#[test]
fn labels_become_fields() {
    let mut a = series("a", &[1, 2], &[10.0, 20.0]);
    a.fields[1].labels = Labels::from_pairs([("host", "x"), ("what", "cpu")]);
    let mut b = series("b", &[1, 2], &[4.0, 2.0]);
    b.fields[1].labels = Labels::from_pairs([("host", "y"), ("what", "cpu")]);
    let columns = serde_json::json!([{"id":"labelsToFields","options":{"valueLabel":"what"}}]);
    assert_eq!(after(columns, vec![a.clone(), b.clone()]), ["Time: 1 2 1 2", "host: x x y y", "cpu: 10 20 4 2"]);
    let by_labels = serde_json::json!([{"id":"joinByLabels","options":{"value":"what"}}]);
    assert_eq!(after(by_labels, vec![a.clone(), b]), ["host: x y", "cpu: 20 2"]);
    let rows = serde_json::json!([{"id":"labelsToFields","options":{"mode":"rows"}}]);
    assert_eq!(after(rows, vec![a]), ["a label: host what", "a value: x cpu"].map(|line| line.replacen("a ", "", 1)));
}

#[test]
fn values_change_type_and_texts_are_taken_apart() {
    let frames = || {
        vec![table(
            "A",
            vec![
                text("when", &["2025-11-21T08:33:20Z", "1970-01-01"]),
                text("n", &["1,5", "x"]),
                text("json", &["{\"a\":{\"b\":[7]},\"c\":true}", "c=9 d=e"]),
            ],
        )]
    };
    let convert = |field: &str, to: &str| {
        let steps = serde_json::json!([{"id":"convertFieldType","options":{"conversions":[{"targetField":field,"destinationType":to}]}}]);
        after(steps, frames())
    };
    assert_eq!(convert("when", "time")[0], "when: 1763714000000 0");
    assert_eq!(convert("n", "number")[1], "n: 15 ");
    let formatted = serde_json::json!([{"id":"convertFieldType","options":{"conversions":[{"targetField":"when","destinationType":"time"}]}},{"id":"formatTime","options":{"timeField":"when","outputFormat":"HH:mm"}}]);
    assert_eq!(after(formatted, frames())[0], "when: 08:33 00:00");
    let extracted = serde_json::json!([{"id":"extractFields","options":{"source":"json","format":"auto","replace":true}}]);
    assert_eq!(after(extracted, frames()), ["a: {\"b\":[7]} ", "c: 1 9", "d:  e"]);
    let paths =
        serde_json::json!([{"id":"extractFields","options":{"source":"json","replace":true,"jsonPaths":[{"path":"a.b[0]","alias":"x"}]}}]);
    assert_eq!(after(paths, frames())[0], "x: 7 ");
}

#[test]
fn series_stand_below_and_beside_each_other() {
    let frames = || vec![series("a", &[1, 2], &[10.0, 20.0]), series("b", &[2], &[4.0])];
    assert_eq!(after(serde_json::json!([{"id":"seriesToRows"}]), frames()), ["Time: 2 2 1", "Metric: a b a", "Value: 20 4 10"]);
    assert_eq!(
        after(serde_json::json!([{"id":"prepareTimeSeries","options":{"format":"wide"}}]), frames()),
        ["Time: 1 2", "a: 10 20", "b:  4"]
    );
    let mut labelled = series("a", &[1, 2], &[10.0, 20.0]);
    labelled.ref_id = "A".into();
    labelled.fields[1].labels = Labels::from_pairs([("host", "x")]);
    assert_eq!(after(serde_json::json!([{"id":"timeSeriesTable"}]), vec![labelled]), ["host: x", "Trend #A: 10,20"]);
    assert_eq!(after(serde_json::json!([{"id":"concatenate"}]), frames()), ["Time 1: 1 2", "a: 10 20", "Time 2: 2 ", "b: 4 "]);
    assert_eq!(
        after(serde_json::json!([{"id":"histogram","options":{"bucketSize":10,"combine":true}}]), frames()),
        ["xMin: 0 10 20", "xMax: 10 20 30", "Count: 1 1 1"]
    );
}

#[test]
fn a_query_says_how_others_look() {
    let steps = [Transformation {
        id: "configFromData".into(),
        options: serde_json::json!({"configRefId":"C","mappings":[{"fieldName":"top","handlerKey":"max"},{"fieldName":"warn","handlerKey":"threshold1"}]}).as_object().unwrap().clone(),
        ..Transformation::default()
    }];
    let panel = Panel { transformations: steps.to_vec(), ..Panel::default() };
    let frames = vec![table("A", vec![number("n", &[1.0])]), table("C", vec![number("top", &[50.0]), number("warn", &[40.0])])];
    let found = prepare(&panel, frames, &|text, _| text.to_owned()).unwrap();
    assert_eq!(found.frames.len(), 1);
    assert_eq!((found.frames[0].fields[0].look.max, found.frames[0].fields[0].look.thresholds.steps.len()), (Some(50.0), 2));
}

#[test]
fn a_filter_lets_other_frames_pass_and_the_unknown_is_told() {
    let frames = vec![table("A", vec![number("x", &[1.0, 2.0])]), table("B", vec![number("y", &[1.0, 2.0])])];
    let steps = serde_json::json!([{"id":"limit","options":{"limitField":1},"filter":{"id":"byRefId","options":"A"}},{"id":"moon"}]);
    let (lines, notes) = run(steps, frames);
    assert_eq!(lines, ["x: 1", "y: 1 2"]);
    assert_eq!(notes, ["The transformation \"moon\" is not known and was left out."]);
}

#[test]
fn any_options_do_not_panic() {
    let odd = [
        serde_json::json!({}),
        serde_json::json!({"byField": 5, "sort": "x", "limitField": -3, "include": [], "filters": [1, {}], "regex": "(", "fields": [], "reducers": {}}),
        serde_json::json!({"byField": "nothing", "limitField": 1e99, "include": {"pattern": "("}, "filters": [{"config": {"id": "moon"}}], "indexByName": {"x": "y"}}),
    ];
    for (id, apply) in STEPS {
        for options in &odd {
            for frames in
                [vec![], vec![Frame::default()], vec![series("a", &[1], &[1.0]), table("B", vec![text("x", &["é"]), number("y", &[])])]]
            {
                let _any = apply(Options::new(options.as_object().unwrap()), frames);
            }
        }
        assert!(!id.is_empty());
    }
}

#[test]
fn rows_are_appended_and_turned() {
    let frames = || {
        vec![
            table("A", vec![text("host", &["a", "b"]), number("used", &[1.0, 2.0])]),
            table("B", vec![text("host", &["c"]), number("free", &[3.0])]),
        ]
    };
    assert_eq!(after(serde_json::json!([{"id": "append"}]), frames()), ["host: a b c", "used: 1 2 ", "free:   3"]);
    let turned = serde_json::json!([{"id": "transpose", "options": {"firstFieldName": "what"}}]);
    assert_eq!(after(turned, vec![frames().remove(0)]), ["what: used", "a: 1", "b: 2"]);
    let numbers = vec![table("A", vec![number("x", &[1.0]), number("y", &[2.0])])];
    assert_eq!(after(serde_json::json!([{"id": "transpose", "options": {}}]), numbers), ["Field: x y", "Value: 1 2"]);
}

#[test]
fn the_report_of_an_import_knows_every_step() {
    let steps: Vec<&str> = STEPS.iter().map(|(id, _)| *id).collect();
    assert_eq!(steps, crate::boards::model::TRANSFORMATIONS);
}
