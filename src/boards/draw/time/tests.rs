//! Charts as the browser gets them.

use serde_json::json;

use super::*;
use crate::base::time::TimeRange;
use crate::boards::data::{FrameKind, prepare};
use crate::boards::model::Board;
use crate::series::labels::Labels;
use crate::ui::lang::Lang;

const CANVAS: Canvas = Canvas { width: 600, height: 240, lang: Lang::En, range: TimeRange::new(0, 60_000), step: 15_000, now: 60_000 };

fn frame(name: &str, ref_id: &str, times: &[i64], values: &[f64]) -> Frame {
    let time = Field { name: "Time".into(), values: Column::Time(times.into()), ..Field::default() };
    let labels = Labels::from_pairs([("mode", name)]);
    let value =
        Field { name: "Value".into(), labels, values: Column::Number(values.iter().map(|one| Some(*one)).collect()), ..Field::default() };
    Frame { name: name.into(), ref_id: ref_id.into(), kind: FrameKind::Series, fields: vec![time, value] }
}

fn drawn(panel: Value, frames: Vec<Frame>) -> Value {
    let (board, _) = Board::read(&json!({"title": "t", "panels": [panel]})).unwrap();
    let panel = &board.panels[0];
    let prepared = prepare(panel, frames, &|text, _| text.to_owned()).unwrap();
    match draw(panel, &prepared.frames, &CANVAS).unwrap() {
        Drawn::Time { data } => data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_become_what_the_browser_draws() {
    let data = drawn(
        json!({"type": "timeseries", "id": 1,
            "fieldConfig": {"defaults": {"unit": "bytes", "decimals": 1, "min": 0, "custom": {
                "drawStyle": "line", "lineInterpolation": "stepAfter", "lineWidth": 2, "fillOpacity": 40, "gradientMode": "opacity", "showPoints": "never",
                "spanNulls": false, "stacking": {"group": "A", "mode": "percent"}, "axisLabel": "in", "axisSoftMax": 10,
                "thresholdsStyle": {"mode": "line+area"}},
                "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": null}, {"color": "red", "value": 80}]}},
              "overrides": [{"matcher": {"id": "byName", "options": "out"}, "properties": [
                {"id": "custom.transform", "value": "negative-Y"}, {"id": "unit", "value": "s"}, {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
                {"id": "custom.lineStyle", "value": {"fill": "dash"}}, {"id": "custom.stacking", "value": {"mode": "none"}},
                {"id": "custom.fillBelowTo", "value": "in"}, {"id": "custom.hideFrom", "value": {"legend": true, "viz": false}}]}]},
            "options": {"legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"], "sortBy": "Max", "sortDesc": true}, "tooltip": {"mode": "multi", "sort": "desc"}}}),
        vec![frame("in", "A", &[0, 15_000, 45_000], &[1024.0, 2048.0, 512.0]), frame("out", "B", &[0, 30_000, 60_000], &[1.0, 2.0, 3.0])],
    );
    assert_eq!((&data["start"], &data["step"], &data["n"]), (&json!(0), &json!(15), &json!(5)));
    let first = &data["series"][0];
    for (name, value) in [
        ("name", json!("in")),
        ("labels", json!({"mode": "in"})),
        ("q", json!("A")),
        ("axis", json!(0)),
        ("colour", json!("c1")),
        ("draw", json!("line")),
        ("width", json!(2)),
        ("fill", json!(40)),
        ("gradient", json!(true)),
        ("line", json!("after")),
        ("points", json!("never")),
        ("gaps", json!("cut")),
        ("stack", json!({"group": "A", "mode": "percent"})),
        ("v", json!([1024, 2048, null, 512, null])),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    let second = &data["series"][1];
    for (name, value) in [
        ("axis", json!(1)),
        ("colour", json!("crit")),
        ("flipped", json!(true)),
        ("dash", json!([10, 10])),
        ("band", json!("in")),
        ("hide", json!({"legend": true})),
        ("stack", Value::Null),
        ("gaps", json!(37_500)),
    ] {
        assert_eq!(second[name], value, "{name}");
    }
    assert_eq!(
        (&data["axes"][0]["side"], &data["axes"][1]["side"], &data["axes"][1]["grid"]),
        (&json!("left"), &json!("right"), &json!(false))
    );
    assert_eq!((&data["axes"][0]["softMax"], &data["axes"][0]["label"], &data["axes"][0]["min"]), (&json!(10), &json!("in"), &json!(0)));
    assert_eq!(
        data["thresholds"],
        json!({"style": "line+area", "steps": [{"from": null, "colour": "ok"}, {"from": 80, "colour": "crit"}]})
    );
    assert_eq!(data["legend"]["calcs"], json!(["Last *", "Max"]));
    assert_eq!((&data["legend"]["place"], &data["legend"]["sort"]), (&json!("right"), &json!("Max")));
    let text = data["legend"]["values"][0][1].as_str().unwrap().replace('\u{a0}', " ");
    assert!(text.starts_with("2.0 Ki"), "{text}");
    assert_eq!(data["tooltip"], json!({"mode": "all", "sort": "down"}));
}

#[test]
fn what_has_no_times_or_no_numbers_says_so() {
    let table = Frame {
        kind: FrameKind::Table,
        fields: vec![Field { name: "a".into(), values: Column::Text(vec![Some("x".into())]), ..Field::default() }],
        ..Frame::default()
    };
    let panel = Panel::default();
    assert!(draw(&panel, &[table], &CANVAS).unwrap_err().contains("needs a column of times"));
    assert!(matches!(draw(&panel, &[], &CANVAS), Ok(Drawn::Empty { .. })));
    let many: Vec<Frame> = (0..600).map(|n| frame(&n.to_string(), "A", &[0], &[1.0])).collect();
    let Ok(Drawn::Time { data }) = draw(&panel, &many, &CANVAS) else { panic!() };
    assert_eq!((data["series"].as_array().unwrap().len(), &data["more"]), (500, &json!(100)));
}
