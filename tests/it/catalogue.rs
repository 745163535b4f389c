//! The catalogue of metrics: who asks for each, what people say of them, the list as a file, and metrics that a form sends.

use serde_json::{Value as Json, json};

use crate::support::{Server, ask, page, send_form, until};

/// Scraped from nowhere: what counts is that the job is configured.
const CONFIG: &str = "scrape_configs:\n- job_name: shop\n  static_configs: [{targets: ['127.0.0.1:1']}]\n";
/// Evaluated at once and often: what is recorded is a metric that nobody uses, and its name is not one of those looked for.
const RULES: &str = "groups:\n- name: mine\n  interval: 1s\n  rules:\n  - alert: Slow\n    expr: sum(rate(by_rule_total[5m])) > 5\n  - record: job:recorded:rate5m\n    expr: sum by (job) (rate(by_rule_total[5m]))\n";

fn send(server: &Server, name: &str, labels: &Json) {
    let body = json!({ "name": name, "type": "counter", "value": 1, "labels": labels, "help": format!("Help of {name}.") });
    let (status, answer) = ask(server, "POST", "/api/v1/metrics/custom", Some(&body));
    assert_eq!(status, 200, "{answer}");
}

/// What asks for a metric, as `kind title`.
fn users(server: &Server, metric: &str) -> Vec<String> {
    let detail = server.api(&format!("/api/v1/catalogue/{metric}"));
    let word = |user: &Json, key: &str| user[key].as_str().unwrap().to_owned();
    let named = |user: &Json| format!("{} {}", word(user, "kind"), word(user, "title"));
    detail["usedBy"].as_array().unwrap().iter().map(named).collect()
}

fn names(server: &Server, query: &str) -> Vec<String> {
    let list = server.api(&format!("/api/v1/catalogue?search=by_&{query}"));
    list.as_array().unwrap().iter().map(|metric| metric["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_is_told_who_asks_for_a_metric_and_for_which_nobody_does() {
    let server = Server::with_config(CONFIG, &["--host-metrics=false", "--own-metrics=false"]);
    for name in ["by_board_total", "by_rule_total", "by_kpi_total", "by_slo_total", "by_nobody_total"] {
        send(&server, name, &json!({ "shop": "a" }));
    }
    send(&server, "by_nobody_total", &json!({ "shop": "b" }));
    assert_eq!(names(&server, "unused=1").len(), 5);
    let board = json!({ "dashboard": {
        "title": "Our shop",
        "templating": { "list": [{ "name": "shop", "type": "query", "query": "label_values(by_board_total, shop)" }] },
        "panels": [{ "id": 1, "type": "timeseries", "targets": [{ "refId": "A", "expr": "sum(rate(by_board_total{shop=~\"$shop\"}[$__rate_interval]))" }] }],
    } });
    assert_eq!(ask(&server, "POST", "/api/dashboards/db", Some(&board)).0, 200);
    assert_eq!(server.send("PUT", "/api/v1/rules/files/mine", "application/yaml", RULES).0, 200);
    let kpi = "name: Orders\npromql: {query: 'sum by ($segment) (increase(by_kpi_total[$period]))'}\nsegments: [shop]\n";
    let (status, answer) = server.send("POST", "/api/v1/kpis", "application/yaml", kpi);
    assert!(status < 300, "{answer}");
    let slo = "name: Shop\nobjective: 99\nratio: {bad: 'by_slo_total{code=\"500\"}', total: by_slo_total}\n";
    assert_eq!(server.send("POST", "/api/v1/slos", "application/yaml", slo).0, 200);
    // What others keep is asked for every few seconds.
    until(|| (names(&server, "unused=1") == ["by_nobody_total"]).then_some(()));
    assert_eq!(users(&server, "by_board_total"), ["dashboard Our shop"]);
    assert_eq!(users(&server, "by_rule_total"), ["rule Slow", "rule job:recorded:rate5m"]);
    assert_eq!(users(&server, "by_kpi_total"), ["kpi Orders"]);
    assert_eq!(users(&server, "by_slo_total"), ["slo Shop"]);
    assert_eq!(server.api("/api/v1/catalogue/job:recorded:rate5m")["recordedBy"][0]["title"], "job:recorded:rate5m");
    let list = page(&server, "/catalogue?unused=1&search=by_");
    assert!(list.contains("Nothing uses 1 metric with 2 series") && !list.contains("by_kpi_total"), "{list}");
    let one = page(&server, "/catalogue/by_board_total");
    assert!(one.contains("Our shop") && one.contains("Help of by_board_total."), "{one}");
    assert_eq!(server.get("/catalogue/no_such_metric").0, 404);
    // A dashboard that is gone asks for nothing.
    let found = ask(&server, "GET", "/api/search?query=Our%20shop", None).1;
    let uid = found[0]["uid"].as_str().unwrap().to_owned();
    assert_eq!(ask(&server, "DELETE", &format!("/api/dashboards/uid/{uid}"), None).0, 200);
    until(|| users(&server, "by_board_total").is_empty().then_some(()));
}

#[test]
fn metrics_are_described_here_and_the_list_is_a_file() {
    let mut server = Server::quiet();
    send(&server, "by_hand_ms", &json!({ "path": "=1+1" }));
    let path = "/api/v1/catalogue/by_hand_ms";
    let told = server.api(path);
    assert_eq!(
        (&told["description"], &told["describedHere"], &told["category"]),
        (&json!("Help of by_hand_ms."), &json!(false), &json!("infrastructure"))
    );
    assert_eq!((&told["betterName"], &told["labels"][0]["values"]), (&json!("by_hand_seconds_total"), &json!(1)));
    assert!(told["odd"].to_string().contains("ms where seconds is usual"), "{told}");
    let own = json!({ "description": "Time spent by hand,\nnot by machine.", "unit": "seconds", "category": "business" });
    let (status, answer) = ask(&server, "PUT", path, Some(&own));
    assert_eq!((status, &answer["data"]["describedHere"]), (200, &json!(true)), "{answer}");
    for wrong in [json!({}), json!({ "description": "x", "category": "none" }), json!({ "words": "x" }), json!({ "unit": "x".repeat(60) })]
    {
        assert_eq!(ask(&server, "PUT", path, Some(&wrong)).0, 400, "{wrong}");
    }
    server.kill_and_restart();
    let told = server.api(path);
    assert_eq!((&told["description"], &told["unit"], &told["category"]), (&own["description"], &own["unit"], &own["category"]));
    // What was scraped stays what it was for programs that ask as they ask Prometheus.
    assert!(!server.api("/api/v1/metadata").to_string().contains("by machine"));
    let shown = page(&server, "/catalogue/by_hand_ms");
    assert!(shown.contains("described here") && shown.contains("not by machine."), "{shown}");
    let (status, csv) = server.get("/api/v1/catalogue.csv?search=by_hand");
    assert!(status == 200 && csv.starts_with("name,type,unit,category,description,series,labels,used_by,users,odd\r\n"), "{csv}");
    assert!(csv.contains("by_hand_ms,counter,seconds,business,\"Time spent by hand,\nnot by machine.\",1,"), "{csv}");
    assert_eq!(names(&server, "about=business"), ["by_hand_ms"]);
    // The same by the form of its page.
    let form = [("description", "Again."), ("unit", ""), ("category", ""), ("from", "by_hand_ms")];
    let (status, html) = send_form(&server, "/catalogue/by_hand_ms/describe", &form);
    assert!(status == 200 || status == 303, "{status} {html}");
    assert_eq!(server.api(path)["description"], "Again.");
    let (status, html) = send_form(&server, "/catalogue/by_hand_ms/describe", &[("description", ""), ("from", "by_hand_ms")]);
    assert!(status == 400 && html.contains("say what it means"), "{status} {html}");
    let (status, _) = send_form(&server, "/catalogue/by_hand_ms/describe", &[("forget", "1"), ("from", "by_hand_ms")]);
    assert!(status == 200 || status == 303, "{status}");
    assert_eq!(server.api(path)["description"], "Help of by_hand_ms.");
    assert_eq!(server.send("DELETE", path, "text/plain", "").0, 404);
    let audit = server.api("/api/v1/audit").to_string();
    assert!(audit.contains("catalogue.describe") && audit.contains("catalogue.forget") && audit.contains("not by machine"), "{audit}");
}

#[test]
fn what_scraping_gives_is_dropped_by_a_rule_that_is_shown() {
    let exporter = Server::quiet();
    let target = exporter.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let config = format!("scrape_configs:\n- job_name: shop\n  scrape_interval: 1s\n  static_configs: [{{targets: ['{target}']}}]\n");
    let server = Server::with_config(&config, &["--host-metrics=false", "--own-metrics=false"]);
    let given = || {
        let (status, text) = server.get("/api/v1/catalogue/pharos_http_connections_max");
        (status == 200 && text.contains("scraped")).then_some(text)
    };
    let told: Json = serde_json::from_str(&until(given)).unwrap();
    let collected = &told["data"]["collected"][0];
    assert_eq!((&collected["job"], &collected["way"], &collected["everySeconds"]), (&json!("shop"), &json!("scraped"), &json!(1.0)));
    let html = page(&server, "/catalogue/pharos_http_connections_max");
    for part in ["every 1s, scraped by job shop", "- job_name: shop", "regex: pharos_http_connections_max", "action: drop"] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert!(page(&server, "/catalogue/up").contains("Scraping itself gives it"));
}

#[test]
fn a_form_sends_a_metric_as_a_program_would() {
    let server = Server::quiet();
    let html = page(&server, "/send");
    let address = server.url("/api/v1/metrics/custom");
    assert!(html.contains(&address) && html.contains("Bearer TOKEN") && html.contains("urllib.request"), "{html}");
    let fields =
        [("name", "form_orders_total"), ("type", "counter"), ("value", "3"), ("labels", "shop=berlin, plan=pro"), ("help", "By form.")];
    let (status, html) = send_form(&server, "/send", &fields);
    assert!(status == 200 && html.contains("POST /api/v1/metrics/custom"), "{status} {html}");
    assert!(html.contains("&#34;accepted&#34;:1") && html.contains("/catalogue/form_orders_total"), "{html}");
    server.await_query("form_orders_total{shop=\"berlin\",plan=\"pro\"}", |found| found[0]["value"][1] == "3");
    let (status, html) = send_form(&server, "/send", &[("name", "form_orders_total"), ("type", "gauge"), ("value", "x"), ("labels", "")]);
    assert!(status >= 400 && html.contains("The answer"), "{status} {html}");
    let (status, html) = send_form(&server, "/send", &[("name", "a"), ("type", "gauge"), ("value", "1"), ("labels", "x")]);
    assert!(status == 400 && html.contains("expected name=value"), "{status} {html}");
}
