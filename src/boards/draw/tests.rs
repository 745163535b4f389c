//! Every kind over every sort of frame: what is shown is escaped, whole, and says what it should.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::boards::data::{Column, Field, FrameKind, prepare};
use crate::boards::model::{FieldConfig, FieldMatcher, Override};
use crate::series::labels::Labels;

const NOW: i64 = 1_763_714_000_000;
const HOSTILE: &str = "\"><img src=x onerror=alert(1)>'</svg><script>";
const KINDS: [&str; 10] =
    ["stat", "gauge", "bargauge", "table", "piechart", "barchart", "histogram", "state-timeline", "status-history", "text"];

fn canvas(width: u32, height: u32) -> Canvas {
    Canvas { width, height, lang: Lang::En, range: TimeRange { start: NOW - 600_000, end: NOW }, step: 60_000, now: NOW }
}

fn series(name: &str, values: &[Option<f64>]) -> Frame {
    let times: Vec<i64> = (0..values.len() as i64).map(|at| NOW - 600_000 + at * 60_000).collect();
    let time = Field { name: "Time".into(), values: Column::Time(times.into()), ..Field::default() };
    let labels = Labels::from_pairs([("job", name)]);
    let value = Field { name: "Value".into(), labels, values: Column::Number(values.to_vec()), ..Field::default() };
    Frame { name: name.into(), ref_id: "A".into(), kind: FrameKind::Series, fields: vec![time, value] }
}

fn table() -> Frame {
    let text = |name: &str, values: &[&str]| Field {
        name: name.into(),
        values: Column::Text(values.iter().map(|value| Some((*value).to_owned())).collect()),
        ..Field::default()
    };
    let number = |name: &str, values: &[f64]| Field {
        name: name.into(),
        values: Column::Number(values.iter().map(|value| Some(*value)).collect()),
        ..Field::default()
    };
    Frame { kind: FrameKind::Table, fields: vec![text("host", &["a", HOSTILE]), number("used", &[0.4, 0.9])], ..Frame::default() }
}

/// A panel of a kind with the JSON of its field config and options.
fn panel(kind: &str, json: &Value) -> Panel {
    let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let overrides = json["overrides"].as_array().into_iter().flatten().map(|one| Override {
        matcher: FieldMatcher::Name(one["name"].as_str().unwrap_or_default().to_owned()),
        properties: object(&one["properties"]).into_iter().collect(),
    });
    let fields = FieldConfig { defaults: object(&json["defaults"]), overrides: overrides.collect() };
    Panel { kind: PanelKind::from_name(kind), given_kind: kind.into(), fields, options: object(&json["options"]), ..Panel::default() }
}

fn drawn(kind: &str, json: &Value, frames: Vec<Frame>, canvas: &Canvas) -> Result<Drawn, String> {
    let panel = panel(kind, json);
    let prepared = prepare(&panel, frames, &|text, _| text.to_owned())?;
    draw(&panel, &prepared.frames, canvas)
}

fn html(kind: &str, json: &Value, frames: Vec<Frame>) -> String {
    match drawn(kind, json, frames, &canvas(600, 300)) {
        Ok(Drawn::Html { html }) => html,
        other => panic!("{kind}: {other:?}"),
    }
}

/// That tags are closed in their order and that nothing hostile stands among them.
fn assert_whole(html: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').map_or_else(|| panic!("a tag without an end in {html}"), |end| at + end);
        let tag = &rest[at + 1..end];
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(!matches!(name.as_str(), "img" | "script" | "iframe" | ""), "{html}");
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "{html}");
        } else if !tag.ends_with('/') && !matches!(name.as_str(), "br" | "hr" | "input") {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?} in {html}");
    for attribute in [" x=\"", " y=\"", " width=\"", " height=\"", " d=\"", "--p:", "--x:", "--w:", "font-size=\""] {
        for found in html.match_indices(attribute).map(|(at, _)| html[at + attribute.len()..].split(['"', ';']).next().unwrap_or_default())
        {
            assert!(!found.contains("NaN") && !found.contains("inf"), "{attribute}{found} in {html}");
        }
    }
}

#[test]
fn values_say_what_they_are() {
    let up = || vec![series("api", &[Some(1.0), Some(3.0), Some(2.5)])];
    let percent = json!({"defaults":{"unit":"percent","min":0,"max":10},"options":{"reduceOptions":{"calcs":["lastNotNull"]}}});
    assert!(html("gauge", &percent, up()).contains("aria-label=\"api: 2.5%, 0% – 10%\""));
    let stat = html("stat", &percent, up());
    assert!(stat.contains(">2.5<small class=\"p-unit\">%</small>"), "{stat}");
    assert!(stat.contains("class=\"spark\""), "{stat}");
    let calm = json!({"defaults":{"thresholds":{"steps":[{"color":"green"},{"color":"red","value":2}]}},"options":{"graphMode":"none","reduceOptions":{"calcs":["max"]}}});
    assert!(html("stat", &calm, up()).contains("style=\"color:var(--crit-t)\">3"));
    assert!(!html("stat", &calm, vec![series("api", &[Some(1.0)])]).contains("color:var"));
    let mapped = json!({"defaults":{"mappings":[{"type":"value","options":{"3":{"text":"<Up>","color":"green"}}}]},"options":{"reduceOptions":{"calcs":["max"]}}});
    assert!(html("stat", &mapped, up()).contains("&lt;Up&gt;"));
    let bars = html("bargauge", &percent, up());
    assert!(bars.contains("--p:25%") && bars.contains("aria-label=\"api: 2.5%\""), "{bars}");
    let upright = |many: usize| {
        let frames = (0..many).map(|_| series("api", &[Some(0.012_345)])).collect();
        html("bargauge", &json!({"options": {"orientation": "vertical"}}), frames)
    };
    assert!(upright(3).contains(";--f:13px;--col:0px") && !upright(3).contains("tabindex"), "{}", upright(3));
    assert!(upright(40).contains(";--f:9.5px") && upright(40).contains("tabindex"), "numbers that find no room scroll: {}", upright(40));
}

#[test]
fn tables_have_heads_cells_links_and_an_end() {
    let json = json!({
        "defaults": {"links":[{"title":"look","url":"/d/host?var-host=${__data.fields.host}&v=${__value.raw}","targetBlank":true}]},
        "overrides": [{"name":"used","properties":{"unit":"percentunit","custom.cellOptions":{"type":"gauge"},"custom.width":120}}],
        "options": {"sortBy":[{"displayName":"used","desc":true}],"footer":{"show":true,"reducer":["mean"]}}
    });
    let found = html("table", &json, vec![table()]);
    assert_whole(&found);
    assert!(found.contains("<th scope=\"col\" class=\"num\" aria-sort=\"descending\""), "{found}");
    assert!(found.find("90%").unwrap() < found.find("40%").unwrap());
    assert!(found.contains("href=\"/d/host?var-host=a&amp;v=0%2E4\""), "{found}");
    assert!(found.contains("<tfoot>") && found.contains("65%"), "{found}");
    let long = Frame {
        fields: vec![Field { name: "n".into(), values: Column::Number(vec![Some(1.0); 700]), ..Field::default() }],
        kind: FrameKind::Table,
        ..Frame::default()
    };
    let found = html("table", &json!({}), vec![long]);
    assert_eq!(found.matches("<tr>").count(), 501);
    assert!(found.contains("200 more rows"), "{found}");
}

#[test]
fn states_are_merged_and_labelled() {
    let json =
        json!({"defaults":{"mappings":[{"type":"value","options":{"0":{"text":"Down","color":"red"},"1":{"text":"Up","color":"green"}}}]}});
    let frames = || vec![series("api", &[1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0].map(Some))];
    let found = html("state-timeline", &json, frames());
    assert_whole(&found);
    assert_eq!(found.matches("--w:").count(), 3, "{found}");
    assert!(found.contains("--x:20%;--w:30%;--c:var(--crit)\" title=\"Down, 3 min, 2025-11-21 08:25:20\">Down</span>"), "{found}");
    assert_eq!(html("status-history", &json, frames()).matches("--w:").count(), 10);
}

#[test]
fn nothing_is_said_in_words() {
    for kind in KINDS {
        for frames in [vec![], vec![Frame::default()], vec![series("a", &[])], vec![series("a", &[None])]] {
            match drawn(kind, &json!({}), frames, &canvas(300, 200)) {
                Ok(Drawn::Empty { text }) => assert_eq!(text, "No data", "{kind}"),
                Ok(Drawn::Html { html }) if kind == "table" => assert_whole(&html),
                other => panic!("{kind}: {other:?}"),
            }
        }
    }
    let spoken = json!({"defaults":{"noValue":"idle"},"options":{"reduceOptions":{"calcs":["last"]}}});
    assert!(html("stat", &spoken, vec![series("a", &[None])]).contains("idle"));
}

#[test]
fn hostile_names_and_values_stay_texts() {
    let json = json!({
        "defaults": {"displayName": HOSTILE, "unit": HOSTILE, "description": HOSTILE, "noValue": HOSTILE, "color":{"mode":"fixed","fixedColor":HOSTILE},
            "thresholds":{"steps":[{"color":HOSTILE},{"color":HOSTILE,"value":1}]}, "links":[{"title":HOSTILE,"url":HOSTILE}],
            "mappings":[{"type":"range","options":{"from":5,"to":9,"result":{"text":HOSTILE,"color":HOSTILE}}}],
            "custom":{"cellOptions":{"type":"markdown"},"align":HOSTILE,"width":HOSTILE}},
        "options": {"content": HOSTILE, "orientation": HOSTILE, "xField": HOSTILE, "legend":{"displayMode":"table","values":["value", HOSTILE]}, "displayLabels":["name", HOSTILE], "pieType": HOSTILE}
    });
    for kind in KINDS {
        for frames in [vec![series(HOSTILE, &[Some(1.0), Some(7.0)])], vec![table()]] {
            if let Ok(Drawn::Html { html }) = drawn(kind, &json, frames, &canvas(500, 260)) {
                assert_whole(&html);
            }
        }
    }
}

#[test]
fn time_bounds_and_sizes_at_the_edge_do_not_panic() {
    let odd = [Some(f64::NAN), Some(f64::INFINITY), Some(-1e308), Some(1e308), None, Some(0.0)];
    for kind in KINDS {
        for (width, height) in [(0, 0), (1, 1), (40, 4000), (4000, 40)] {
            for range in
                [TimeRange { start: 0, end: 0 }, TimeRange { start: i64::MIN / 2, end: i64::MAX / 2 }, TimeRange { start: 10, end: 5 }]
            {
                let canvas = Canvas { range, ..canvas(width, height) };
                for frames in [vec![series("a", &odd), series("b", &odd)], vec![table()]] {
                    if let Ok(Drawn::Html { html }) =
                        drawn(kind, &json!({"options":{"reduceOptions":{"calcs":["max","min","last"]},"content":"x"}}), frames, &canvas)
                    {
                        assert_whole(&html);
                    }
                }
            }
        }
    }
}

/// Panels that people use, as type, field config and options.
fn real() -> Vec<(String, Value)> {
    fn collect(json: &Value, found: &mut Vec<(String, Value)>) {
        for panel in json["panels"].as_array().into_iter().flatten() {
            let mut one = json!({"defaults": panel["fieldConfig"]["defaults"], "options": panel["options"], "overrides": []});
            for over in panel["fieldConfig"]["overrides"].as_array().into_iter().flatten() {
                let properties: serde_json::Map<String, Value> = over["properties"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|property| Some((property["id"].as_str()?.to_owned(), property["value"].clone())))
                    .collect();
                one["overrides"].as_array_mut().unwrap().push(json!({"name":"Value","properties":properties}));
            }
            found.push((panel["type"].as_str().unwrap_or_default().to_owned(), one));
            collect(panel, found);
        }
    }
    let mut found = Vec::new();
    let folder = format!("{}/conformance/grafana", std::env::var("PHAROS_TEST_SHARED").unwrap_or_default());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if let Some(json) = std::fs::read_to_string(entry.path()).ok().and_then(|text| serde_json::from_str(&text).ok()) {
            collect(&json, &mut found);
        }
    }
    found.push(("table".into(), json!({"defaults":{"unit":"s","custom":{"cellOptions":{"type":"gauge"}}},"options":{"footer":{"show":true,"reducer":["sum"]},"sortBy":[{"displayName":"x"}]}})));
    found
}

/// Puts an odd value at some place of a JSON.
fn mutate(json: &mut Value, seed: u64, odd: &Value) {
    let pick = (seed >> 8) as usize;
    match json {
        Value::Object(object) if !object.is_empty() => {
            let at = seed as usize % object.len();
            if let Some((_, inner)) = object.iter_mut().nth(at) {
                mutate(inner, seed / 7 + 1, odd);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = pick % list.len();
            mutate(&mut list[at], seed / 11 + 1, odd);
        }
        other => *other = odd.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_json_in_options_is_drawn_or_refused(at in any::<usize>(), seeds in prop::collection::vec((any::<u64>(), 0usize..12), 0..4), kind in 0usize..10, own in any::<bool>()) {
        use std::sync::OnceLock;
        static REAL: OnceLock<Vec<(String, Value)>> = OnceLock::new();
        let real = REAL.get_or_init(real);
        let odd = [json!(null), json!(-1), json!(1e308), json!("x"), json!([]), json!({}), json!(true), json!("/(/"), json!([{}]), json!(0.1), json!(HOSTILE), json!({"a":{"b":[1]}})];
        let (given, mut json) = real[at % real.len()].clone();
        for (seed, value) in seeds {
            mutate(&mut json, seed, &odd[value]);
        }
        let kind = if own { given.as_str() } else { KINDS[kind] };
        for frames in [vec![series("a", &[Some(1.0), None, Some(70.0)]), series("b", &[Some(5.0)])], vec![table()]] {
            if let Ok(Drawn::Html { html }) = drawn(kind, &json, frames, &canvas(480, 240)) {
                assert_whole(&html);
            }
        }
    }
}

#[test]
fn columns_that_may_be_filtered_have_a_funnel() {
    let json = json!({"overrides": [{"name": "host", "properties": {"custom.filterable": true}}]});
    let html = html("table", &json, vec![table()]);
    assert_whole(&html);
    assert_eq!(html.matches("data-filter=").count(), 1, "{html}");
    assert!(html.contains("data-filter=\"0\" aria-pressed=\"false\" aria-haspopup=\"dialog\" aria-label=\"Filter by host\""), "{html}");
}

#[test]
fn states_fill_their_panel() {
    let of = |height: u32, json: &Value| match drawn(
        "state-timeline",
        json,
        vec![series("a", &[Some(1.0)]), series("b", &[Some(2.0)])],
        &canvas(600, height),
    ) {
        Ok(Drawn::Html { html }) => html,
        other => panic!("{other:?}"),
    };
    let bare = json!({"options": {"legend": {"showLegend": false}}});
    assert!(of(422, &bare).contains("--row:200px;--h:180px"), "{}", of(422, &bare));
    // Rows that find no room are scrolled, and reached by keyboard.
    assert!(of(40, &bare).contains("tabindex=\"0\" style=\"--name:40px;--row:18px"), "{}", of(40, &bare));
    let low = json!({"options": {"rowHeight": 0.5, "legend": {"showLegend": false}}});
    assert!(of(422, &low).contains("--row:200px;--h:100px"));
}
