//! What panels show, over the real server: lines of JSON as browsers get them.

use serde_json::{Value, json};

use crate::support::Server;
use crate::wire;

fn server() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::on(folder.path(), &["--host-metrics=false", "--own-metrics=false"]);
    (folder, server)
}

fn lines(server: &Server, uid: &str, body: &Value) -> Vec<Value> {
    let (status, text) = server.post(&format!("/ui/boards/{uid}/panels"), "application/json", body.to_string());
    assert_eq!(status, 200, "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    assert_eq!(lines.last(), Some(&json!({"done": true})), "{text}");
    lines
}

fn of<'a>(lines: &'a [Value], key: &str) -> &'a Value {
    lines.iter().find(|line| line["key"] == key).unwrap_or_else(|| panic!("no {key} in {lines:?}"))
}

#[test]
fn a_draft_is_drawn_panel_by_panel() {
    let (_folder, server) = server();
    let draft = json!({
        "title": "Draft",
        "templating": {"list": [{"type": "custom", "name": "n", "query": "1,2", "multi": true, "current": {"value": ["1", "2"]}}]},
        "panels": [
            {"id": 1, "type": "timeseries", "title": "Numbers $n", "targets": [{"refId": "A", "expr": "vector(${n:csv} > bool 0)"}, {"refId": "B", "expr": "vector(2)"}]},
            {"id": 2, "type": "stat", "title": "Stat", "targets": [{"refId": "A", "expr": "vector(42)", "instant": true}]},
            {"id": 3, "type": "timeseries", "title": "Gone", "targets": [{"refId": "A", "expr": "rate(nobody_sends_this_total[$__rate_interval])"}]},
            {"id": 4, "type": "timeseries", "title": "Wrong", "targets": [{"refId": "A", "expr": "sum(up"}]},
            {"id": 5, "type": "alertlist", "title": "Alerts"},
            {"id": 6, "type": "logs", "title": "Lines", "datasource": {"type": "loki", "uid": "x"}, "targets": [{"refId": "A", "expr": "{job=\"x\"}"}]},
            {"id": 7, "type": "timeseries", "title": "Copies of $n", "repeat": "n", "targets": [{"refId": "A", "expr": "vector($n)"}]},
        ],
    });
    let panels: Vec<Value> =
        ["1", "2", "3", "4", "5", "6", "7", "7.1", "99"].iter().map(|key| json!({"key": key, "w": 600, "h": 240})).collect();
    let found = lines(&server, "draft", &json!({"from": "now-1h", "to": "now", "draft": draft, "panels": panels}));
    let numbers = of(&found, "1");
    assert_eq!((&numbers["kind"], &numbers["title"]), (&json!("time"), &json!("Numbers 1 + 2")), "{numbers}");
    assert!(numbers["notes"][0].as_str().unwrap().starts_with("A: "), "one query of two fails: {numbers}");
    assert!(numbers["data"]["series"][0]["v"].as_array().unwrap().iter().all(|value| *value == 2 || value.is_null()), "{numbers}");
    let stat = of(&found, "2");
    assert!(stat["html"].as_str().unwrap().contains("42"), "{stat}");
    assert!(of(&found, "3")["text"].as_str().unwrap().contains("nobody_sends_this_total"));
    let wrong = &of(&found, "4")["error"];
    assert!(wrong["ref"] == "A" && wrong["start"].is_u64() && wrong["text"].as_str().unwrap().contains("1:"), "{wrong}");
    assert_eq!(of(&found, "5")["text"], "No alert is on.");
    assert_eq!(of(&found, "6")["kind"], "empty");
    assert_eq!((&of(&found, "7")["title"], &of(&found, "7.1")["title"]), (&json!("Copies of 1"), &json!("Copies of 2")));
    assert_eq!(of(&found, "99")["error"]["text"], "this panel is not in the dashboard");
}

#[test]
fn exemplars_come_with_the_chart_that_asks_for_them() {
    let (_folder, server) = server();
    let (start, step) = (1_763_710_400_000, 15_000);
    let mut series = wire::series(
        &[("__name__", "took_seconds_sum"), ("job", "api")],
        &(0..60).map(|n| (start + n * step, n as f64)).collect::<Vec<_>>(),
    );
    let label = |name: &str, value: &str| wire::Label { name: name.into(), value: value.into() };
    series.exemplars = (0..3)
        .map(|n| wire::Exemplar { labels: vec![label("trace_id", &format!("4bf9{n}"))], value: 0.25, timestamp: start + n * 60_000 + 500 })
        .collect();
    let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(vec![series]));
    assert_eq!(status, 204, "{text}");
    let target = |asks: bool| json!({"refId": "B", "expr": "rate(took_seconds_sum[1m])", "exemplar": asks});
    let links = json!({"defaults": {"links": [{"title": "Trace", "url": "https://t.example/${__data.fields.trace_id}"}]}});
    let draft = json!({"title": "Draft", "panels": [
        {"id": 1, "type": "timeseries", "targets": [target(true)], "fieldConfig": links},
        {"id": 2, "type": "timeseries", "targets": [target(false)]},
        {"id": 3, "type": "stat", "targets": [target(true)]},
    ]});
    let panels: Vec<Value> = ["1", "2", "3"].iter().map(|key| json!({"key": key, "w": 600, "h": 240})).collect();
    let (from, to) = (start.to_string(), (start + 100_000).to_string());
    let found = lines(&server, "draft", &json!({"from": from, "to": to, "draft": draft, "panels": panels}));
    let shown = &of(&found, "1")["data"]["exemplars"];
    assert_eq!(shown[0]["at"], json!([1_763_710_400.5, 1_763_710_460.5]), "those in the range: {shown}");
    assert_eq!((&shown[0]["q"], &shown[0]["v"]), (&json!("B"), &json!([0.25, 0.25])));
    assert_eq!((&shown[0]["names"][0], &shown[0]["labels"][0]), (&json!("trace_id"), &json!(["4bf90", "took_seconds_sum", "api"])));
    assert_eq!(shown[0]["links"][1][0], json!(["Trace", "https://t.example/4bf91"]));
    assert!(shown[0]["links"][1][1][1].as_str().unwrap().starts_with("/logs?q=%224bf91%22&from="), "{shown}");
    assert!(of(&found, "2")["data"].get("exemplars").is_none());
    assert_eq!(of(&found, "3")["kind"], "html");
}

#[test]
fn the_variables_of_a_draft_say_what_they_offer() {
    let (_folder, server) = server();
    let draft = json!({"title": "Draft", "templating": {"list": [
        {"type": "custom", "name": "n", "query": "One : 1,2", "multi": true, "includeAll": true, "current": {"value": ["1"]}},
        {"type": "query", "name": "bad", "query": "label_values(up{, job)"},
        {"type": "custom", "name": "many", "query": (0..300).map(|n| n.to_string()).collect::<Vec<_>>().join(",")},
    ]}});
    let ask = |query: &str, body: String| server.post(&format!("/ui/boards/new/variables{query}"), "application/json", body);
    let (status, text) = ask("", draft.to_string());
    assert_eq!(status, 200, "{text}");
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        found[0],
        json!({"name": "n", "choices": [["One", "1"], ["2", "2"]], "more": 0, "chosen": ["One"], "all": false, "error": null})
    );
    assert!(found[1]["error"].as_str().is_some_and(|error| !error.is_empty()), "{text}");
    assert_eq!((found[2]["choices"].as_array().map(Vec::len), &found[2]["more"]), (Some(200), &json!(100)));
    let (_, turned) = ask("?var-n=$__all", draft.to_string());
    assert_eq!(serde_json::from_str::<Value>(&turned).unwrap()[0]["all"], true);
    let (status, why) = ask("", "{".to_owned());
    assert!(status == 400 && why.contains("no JSON"), "{why}");
}

#[test]
fn ready_made_dashboards_answer_and_what_is_unchanged_costs_a_line() {
    let (_folder, server) = server();
    let body = |have: &str| json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z", "panels": [{"key": "2", "w": 400, "h": 200, "have": have}]});
    let first = lines(&server, "pharos-host", &body(""));
    let etag = of(&first, "2")["etag"].as_str().unwrap().to_owned();
    let again = lines(&server, "pharos-host", &body(&etag));
    assert_eq!(of(&again, "2"), &json!({"key": "2", "etag": etag, "same": true}));
    for (uid, body, words) in [
        ("nobody", json!({"panels": []}), "there is no dashboard \"nobody\""),
        ("pharos-host", json!({"panels": [], "from": "soon"}), "is not a time"),
        ("pharos-host", json!({"draft": 5, "panels": []}), "a dashboard is a JSON object"),
        ("pharos-host", json!({}), "no batch of panels"),
    ] {
        let (status, text) = server.post(&format!("/ui/boards/{uid}/panels"), "application/json", body.to_string());
        assert!(status == 400 && text.contains(words), "{uid}: {status} {text}");
    }
}
