//! Rules: evaluated by the real server over what it scraped, stored, shown, kept over restarts.

use serde_json::{Value as Json, json};

use crate::support::{Server, until};

const RULES: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - record: job:up:count\n    expr: count by (job) (up)\n    labels: {by: rules}\n  \
                     - record: job:up:twice\n    expr: job:up:count * 2\n  - alert: Present\n    expr: job:up:count{job=\"pharos\"} > 0\n    \
                     labels: {severity: page}\n    annotations: {summary: 'there are {{ $value }} of {{ $labels.job }}'}\n  \
                     - alert: Waits\n    expr: up == 1\n    for: 1h\n";

fn with_rules(rules: &str) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
    std::fs::write(&config, "rule_files: ['*rules.yml']\n").unwrap();
    let server = Server::on(&folder.path().join("data"), &["--config", config.to_str().unwrap(), "--host-interval=1s"]);
    (folder, server)
}

fn now(server: &Server, expr: &str) -> Json {
    let encoded: String = form_urlencoded::byte_serialize(expr.as_bytes()).collect();
    server.api(&format!("/api/v1/query?query={encoded}"))["result"].clone()
}

#[test]
fn recorded_series_and_alerts_can_be_asked_for() {
    let (_folder, server) = with_rules(RULES);
    let firing = until(|| {
        let alerts = server.api("/api/v1/alerts")["alerts"].clone();
        alerts.as_array()?.iter().find(|alert| alert["labels"]["alertname"] == "Present").cloned()
    });
    assert_eq!(firing["state"], "firing");
    assert_eq!(firing["labels"], json!({ "alertname": "Present", "by": "rules", "job": "pharos", "severity": "page" }));
    assert_eq!(firing["annotations"], json!({ "summary": "there are 1 of pharos" }));
    assert_eq!(firing["value"], "1e+00");
    let twice = server.await_query("job:up:twice{job=\"pharos\"}", |found| found[0].is_object());
    assert_eq!(twice[0]["metric"], json!({ "__name__": "job:up:twice", "by": "rules", "job": "pharos" }));
    assert_eq!(twice[0]["value"][1], "2");
    // Rules are evaluated one after the other, and alerts are stored from the third time on.
    let states = server.await_query("ALERTS{alertname=\"Present\"}", |found| found[0].is_object());
    assert_eq!((&states[0]["metric"]["alertstate"], &states[0]["value"][1]), (&json!("firing"), &json!("1")));
    server.await_query("ALERTS_FOR_STATE{alertname=\"Waits\"}", |found| found[0].is_object());
}

#[test]
fn the_api_shows_rules_as_upstream_does() {
    let (_folder, server) = with_rules(RULES);
    let groups = until(|| {
        let groups = server.api("/api/v1/rules");
        // The first time there may be nothing yet of what is asked.
        let (present, waits) = (&groups["groups"][0]["rules"][2], &groups["groups"][0]["rules"][3]);
        (present["health"] == "ok" && waits["health"] == "ok" && waits["state"] != "inactive").then_some(groups)
    });
    let group = &groups["groups"][0];
    assert_eq!((&group["name"], &group["interval"], &group["limit"]), (&json!("g"), &json!(1), &json!(0)));
    assert!(group["file"].as_str().unwrap().ends_with("/rules.yml"));
    let recording = &group["rules"][0];
    assert_eq!(recording["query"], "count by (job) (up)");
    assert_eq!((&recording["type"], &recording["labels"]), (&json!("recording"), &json!({ "by": "rules" })));
    let alerting = &group["rules"][3];
    assert_eq!((&alerting["type"], &alerting["duration"], &alerting["keepFiringFor"]), (&json!("alerting"), &json!(3600), &json!(0)));
    assert_eq!(alerting["state"], "pending");
    let names = |path: &str| -> Vec<String> {
        let answer = server.api(path);
        let groups = answer["groups"].as_array().unwrap();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("/api/v1/rules?type=alert"), ["Present", "Waits"]);
    assert_eq!(names("/api/v1/rules?rule_name[]=Waits&rule_name[]=job:up:twice"), ["job:up:twice", "Waits"]);
    assert_eq!(names("/api/v1/rules?match[]=%7Bseverity%3D%22page%22%7D"), ["Present"]);
    assert_eq!(names("/api/v1/rules?rule_group[]=other"), [""; 0]);
    let metrics = server.get("/metrics").1;
    assert!(metrics.contains("prometheus_rule_group_rules{rule_group=\""), "{metrics}");
}

#[test]
fn wrong_rules_are_refused_and_right_ones_taken_over() {
    let (folder, server) = with_rules(RULES);
    // There is one of each job, and one of them may come later.
    let waits = |server: &Server| -> Option<String> {
        let is_it = |alert: &&Json| alert["labels"]["alertname"] == "Waits" && alert["labels"]["job"] == "pharos";
        let found = server.api("/api/v1/alerts")["alerts"].as_array()?.iter().find(is_it).cloned();
        Some(found?["activeAt"].as_str()?.to_owned())
    };
    let since = |server: &Server| waits(server).unwrap();
    let before = until(|| waits(&server));
    until(|| (now(&server, "ALERTS{alertname=\"Present\"}").as_array()?.len() == 1).then_some(()));
    std::fs::write(folder.path().join("rules.yml"), RULES.replace("up == 1", "up ==")).unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert_eq!(status, 500, "{text}");
    assert!(text.contains("rules.yml:15:16") && text.contains("could not parse expression"), "{text}");
    assert_eq!(since(&server), before);
    // Another rule goes, what was pending goes on.
    std::fs::write(folder.path().join("rules.yml"), RULES.replace("alert: Present", "alert: Other")).unwrap();
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    until(|| (now(&server, "ALERTS{alertname=\"Other\"}").as_array()?.len() == 1).then_some(()));
    assert_eq!(since(&server), before);
    until(|| now(&server, "ALERTS{alertname=\"Present\"}").as_array()?.is_empty().then_some(()));
}

#[test]
fn rules_over_logs_are_evaluated() {
    let rules = "groups:\n- name: l\n  type: logs\n  interval: 1s\n  rules:\n  - record: app:errors:count\n    expr: sum by (app) (count_over_time({app=\"shop\"} |= \"error\" [1h]))\n";
    let (_folder, server) = with_rules(rules);
    let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let push = json!({ "streams": [{ "stream": { "app": "shop" }, "values": [[nanos.to_string(), "an error"], [(nanos + 1).to_string(), "fine"], [(nanos + 2).to_string(), "error 2"]] }] });
    assert_eq!(server.post("/loki/api/v1/push", "application/json", push.to_string()).0, 204);
    let found = until(|| {
        let found = now(&server, "app:errors:count");
        (!found.as_array()?.is_empty()).then_some(found)
    });
    assert_eq!((&found[0]["metric"]["app"], &found[0]["value"][1]), (&json!("shop"), &json!("2")));
}

#[test]
fn changed_rule_files_are_followed() {
    let (folder, server) = with_rules(RULES);
    until(|| (now(&server, "ALERTS{alertname=\"Present\"}").as_array()?.len() == 1).then_some(()));
    std::fs::write(folder.path().join("more-rules.yml"), "groups:\n- name: m\n  interval: 1s\n  rules:\n  - {record: seven, expr: 7")
        .unwrap();
    let state = |server: &Server| now(server, "prometheus_config_last_reload_successful")[0]["value"][1].clone();
    until(|| (state(&server) == "0").then_some(()));
    assert_eq!(now(&server, "ALERTS{alertname=\"Present\"}").as_array().unwrap().len(), 1);
    std::fs::write(folder.path().join("more-rules.yml"), "groups:\n- name: m\n  interval: 1s\n  rules:\n  - {record: seven, expr: 7}")
        .unwrap();
    until(|| (now(&server, "seven")[0]["value"][1] == "7").then_some(()));
    until(|| (state(&server) == "1").then_some(()));
}
