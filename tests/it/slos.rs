//! SLOs: made by the API, evaluated at once, brought in from other programs; their figures beside Debian's Prometheus.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use crate::peers::Prometheus;
use crate::support::{Server, ask, client, page, send_form, skip, until};
use crate::wire;

const SHOP: &str =
    "name: Shop\nobjective: 99.9\nlabels: {team: web}\nratio:\n  bad: http_requests_total{code=~\"5..\"}\n  total: http_requests_total\n";

/// Now, as the server under test sees it.
#[expect(clippy::disallowed_methods, reason = "the server runs on the machine's clock, so its data must end there")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn make(server: &Server, text: &str) {
    let (status, answer) = server.send("POST", "/api/v1/slos", "application/yaml", text);
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn an_slo_is_evaluated_shown_changed_and_forgotten() {
    let mut server = Server::quiet();
    make(&server, SHOP);
    let files = |server: &Server| -> Vec<String> {
        let groups = server.api("/api/v1/rules")["groups"].clone();
        groups.as_array().unwrap().iter().map(|group| group["file"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(files(&server), ["SLO Shop", "SLO Shop"]);
    let slo = server.api("/api/v1/slos/Shop");
    assert_eq!((&slo["state"], &slo["window"], &slo["indicator"]), (&json!("no data"), &json!("30d"), &json!("ratio")));
    // What cannot be evaluated is not kept, and says why.
    let (status, answer) =
        server.send("POST", "/api/v1/slos", "application/yaml", "name: a\nobjective: 99\nratio: {bad: 'a{b=}', total: t}\n");
    assert!(status == 400 && answer.contains("could not parse expression"), "{status} {answer}");
    let (status, answer) = server.send("POST", "/api/v1/slos", "application/yaml", "name: a\nobjective: 100\ncheck: x\n");
    assert!(status == 400 && answer.contains("slo:2:12: objective: read 100"), "{status} {answer}");
    assert_eq!(server.send("POST", "/api/v1/slos", "application/yaml", SHOP).0, 400, "its name is taken");
    // It is there after a crash, and its rules go on.
    server.kill_and_restart();
    assert_eq!(files(&server), ["SLO Shop", "SLO Shop"]);
    let renamed = SHOP.replace("Shop", "Big shop").replace("99.9", "99");
    assert_eq!(server.send("PUT", "/api/v1/slos/Shop", "application/yaml", &renamed).0, 200);
    assert_eq!(files(&server), ["SLO Big shop", "SLO Big shop"]);
    let (status, rules) = server.get("/api/v1/slos/Big%20shop/rules");
    assert!(status == 200 && rules.contains("vector(0.99)"), "{rules}");
    assert!(page(&server, "/slos").contains("Nothing was counted yet"));
    assert!(page(&server, "/slos/Big%20shop").contains("99 % of events are to be good over 30 days."));
    let (status, svg) = server.get("/api/v1/slos/Big%20shop/badge.svg");
    assert!(status == 200 && svg.contains("no data"), "{svg}");
    let (_, export) = server.get("/api/v1/slos/export");
    assert_eq!(server.send("DELETE", "/api/v1/slos/Big%20shop", "text/plain", "").0, 200);
    assert_eq!((files(&server).len(), server.get("/api/v1/slos/Big%20shop").0, server.get("/slos/Big%20shop").0), (0, 404, 404));
    let (status, answer) = server.post("/api/v1/slos/import?dry_run=true", "application/yaml", export.clone());
    assert!(status == 200 && answer.contains("\"slos\":[\"Big shop\"]"), "{answer}");
    assert_eq!(server.api("/api/v1/slos"), json!([]));
    assert_eq!(server.post("/api/v1/slos/import", "application/yaml", export).0, 200);
    assert_eq!(server.api("/api/v1/slos")[0]["name"], "Big shop");
    let audit = server.api("/api/v1/audit");
    assert!(audit.to_string().contains("slos.save") && audit.to_string().contains("slos.import"), "{audit}");
}

#[test]
fn a_file_of_slos_beside_the_configuration_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("prometheus.yml", "scrape_configs: []\n");
    write("slos.yml", "slos:\n- {name: Shop, objective: 99.9, check: Shop}\n- {name: Search, objective: 99, check: Search}\n");
    let config = folder.path().join("prometheus.yml");
    let args = ["--config", config.to_str().unwrap(), "--host-metrics=false", "--own-metrics=false", "--enable-lifecycle"];
    let mut server = Server::on(&folder.path().join("data"), &args);
    let names = |server: &Server| -> Vec<String> {
        server.api("/api/v1/slos").as_array().unwrap().iter().map(|slo| slo["name"].as_str().unwrap().to_owned()).collect()
    };
    until(|| (names(&server) == ["Search", "Shop"]).then_some(()));
    make(&server, "{name: By hand, objective: 99, check: x}");
    // It is changed where it stands.
    let (status, said) = server.send("PUT", "/api/v1/slos/Shop", "application/yaml", "{name: Shop, objective: 90, check: Shop}");
    assert!(status == 400 && said.contains("slos.yml, and is changed there"), "{status} {said}");
    assert_eq!(server.send("DELETE", "/api/v1/slos/Shop", "text/plain", "").0, 400);
    assert!(page(&server, "/slos/Shop").contains("slos.yml, and is changed there"));
    // What is wrong changes nothing, and is said with its place.
    write("slos.yml", "slos:\n- {name: Shop, objective: 120, check: Shop}\n");
    let (status, said) = server.post("/-/reload", "text/plain", "");
    assert!(status == 500 && said.contains("slos.yml:2:"), "{status} {said}");
    assert_eq!(names(&server), ["By hand", "Search", "Shop"]);
    write("slos.yml", "slos:\n- {name: Shop, objective: 99.5, check: Shop}\n");
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    until(|| (names(&server) == ["By hand", "Shop"]).then_some(()));
    until(|| server.get("/api/v1/slos/Shop").1.contains("99.5").then_some(()));
    server.kill_and_restart();
    assert_eq!(names(&server), ["By hand", "Shop"]);
    // A file that is followed no more lets go of what stood in it.
    std::fs::remove_file(folder.path().join("slos.yml")).unwrap();
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    until(|| (server.send("DELETE", "/api/v1/slos/Shop", "text/plain", "").0 == 200).then_some(()));
}

#[test]
fn forms_show_the_past_and_keep_what_they_are_told() {
    let server = Server::quiet();
    let end = now();
    let samples = |per: f64| (0..40).map(|at| (end - (40 - at) * 15_000, 1e4 + at as f64 * per)).collect::<Vec<_>>();
    let series = |code: &str, per: f64| wire::series(&[("__name__", "http_requests_total"), ("code", code)], &samples(per));
    assert_eq!(wire::send(&server.url("/api/v1/write"), wire::body(vec![series("200", 98.0), series("500", 2.0)])).0, 204);
    let fields = [
        ("kind", "ratio"),
        ("name", "Form"),
        ("objective", "99"),
        ("period", "7d"),
        ("bad", "http_requests_total{code=~\"5..\"}"),
        ("total", "http_requests_total"),
        ("labels", "team: web"),
    ];
    let (status, html) = send_form(&server, "/slos/look", &fields);
    assert!(status == 200 && html.contains("98 %") && html.contains("-100 %"), "{html}");
    assert_eq!(server.api("/api/v1/slos"), json!([]), "looking keeps nothing");
    let (status, html) = send_form(&server, "/slos/save", &fields);
    assert!(status == 200 || status == 303, "{status} {html}");
    let slo = server.api("/api/v1/slos/Form");
    assert_eq!((&slo["window"], &slo["labels"]["team"]), (&json!("7d"), &json!("web")));
    assert!(page(&server, "/slos/Form/edit").contains("http_requests_total{code=~&#34;5..&#34;}"));
    let (status, html) =
        send_form(&server, "/slos/save", &[("kind", "ratio"), ("name", "x"), ("objective", "99"), ("bad", "sum(a)"), ("total", "b")]);
    assert!(status == 400 && html.contains("expected a selector of counters"), "{html}");
    let sloth = "version: prometheus/v1\nservice: cart\nslos:\n- {name: ok, objective: 99, sli: {events: {error_query: 'sum(rate(e[{{.window}}]))', total_query: 'sum(rate(t[{{.window}}]))'}}}\n- {name: no, objective: 99, sli: {plugin: {id: p}}}\n";
    let (_, html) = send_form(&server, "/slos/import", &[("text", sloth), ("step", "look")]);
    assert!(html.contains("cart-ok") && html.contains("cart-no: it is left out") && html.contains("Bring in 1 SLO<"), "{html}");
    send_form(&server, "/slos/import", &[("text", sloth), ("step", "save")]);
    assert_eq!(server.api("/api/v1/slos/cart-ok")["objective"], 99.0);
}

/// What a program says of a test file in which nothing is expected: every value there is, as a mistake.
fn told(program: &str, folder: &Path) -> Option<Vec<String>> {
    let output = Command::new(program).args(["test", "rules", "test.yml"]).current_dir(folder).output().ok()?;
    let text = String::from_utf8(output.stderr).unwrap();
    Some(text.lines().filter(|line| !line.starts_with("pharos: ") && !line.trim().is_empty()).map(str::to_owned).collect())
}

/// Hours of a shop: failures for a while, a counter that begins anew, a while without samples; and what its rules come to.
/// Samples seldom lie at the very beginning of a range: whether one there counts changed with version 3.
#[test]
fn promtool_evaluates_the_rules_to_the_same() {
    let server = Server::quiet();
    make(&server, &format!("{SHOP}window: 7d\nmin_events: 50\n"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), server.get("/api/v1/slos/Shop/rules").1).unwrap();
    let mut test = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 53s\n  input_series:\n".to_owned();
    test += "  - {series: 'http_requests_total{code=\"200\"}', values: '1000+87x500 0+87x300 _x40 40000+87x300'}\n";
    test += "  - {series: 'http_requests_total{code=\"500\"}', values: '1000+0x350 1000+2x449 1900+0x40 1900+0x300'}\n";
    test += "  promql_expr_test:\n";
    for minute in [200, 330, 420, 500, 650, 705, 720, 760, 850, 950] {
        for expr in ["round(slo:burn_rate:ratio, 0.1)", "round(slo:budget_left:ratio, 0.1)"] {
            test += &format!("  - {{expr: '{expr}', eval_time: {minute}m}}\n");
        }
    }
    test += "  alert_rule_test:\n";
    for minute in (0..960).step_by(100) {
        test +=
            &format!("  - {{alertname: ErrorBudgetBurn, eval_time: {minute}m}}\n  - {{alertname: ErrorBudgetLow, eval_time: {minute}m}}\n");
    }
    std::fs::write(folder.path().join("test.yml"), test).unwrap();
    let own = told(env!("CARGO_BIN_EXE_pharos"), folder.path()).unwrap();
    let Some(theirs) = told("promtool", folder.path()) else { return skip("promtool is not installed") };
    let text = theirs.join("\n");
    assert!(text.contains("ErrorBudgetBurn") && text.contains("severity=\"critical\"") && text.contains("slo:budget_left:ratio"), "{text}");
    let different: Vec<_> = own.iter().zip(&theirs).filter(|(own, theirs)| own != theirs).collect();
    assert!(own.len() == theirs.len() && different.is_empty(), "{} of {}: {different:#?}", different.len(), theirs.len());
}

/// A shop whose counters go away for an hour and a half, stand still for one after that, and are gone for good in the end.
#[test]
fn promtool_tells_when_nothing_is_counted() {
    let server = Server::quiet();
    let folder = tempfile::tempdir().unwrap();
    for (name, more) in [
        ("Shop", ""),
        ("Night", "exclude: night == 1\n"),
        ("Quiet", "min_events: 5\n"),
        ("Asked", "min_events: 5\nalerts: {absent: {for: 1h, labels: {severity: sms}}}\n"),
    ] {
        make(&server, &format!("{}{more}", SHOP.replace("Shop", name)));
        std::fs::write(folder.path().join(format!("{name}.yml")), server.get(&format!("/api/v1/slos/{name}/rules")).1).unwrap();
    }
    let mut test =
        "rule_files: [Shop.yml, Night.yml, Quiet.yml, Asked.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
            .to_owned();
    test += "  - {series: 'http_requests_total{code=\"200\"}', values: '0+60x59 _x90 3600+0x60'}\n";
    test += "  - {series: 'night', values: '0+0x80 1+0x200'}\n";
    test += "  alert_rule_test:\n";
    let moments = [5, 50, 70, 85, 100, 130, 145, 165, 200, 240, 300, 310];
    for minute in moments {
        test += &format!("  - {{alertname: ErrorBudgetUnknown, eval_time: {minute}m}}\n");
    }
    std::fs::write(folder.path().join("test.yml"), test).unwrap();
    let own = told(env!("CARGO_BIN_EXE_pharos"), folder.path()).unwrap();
    let text = own.join("\n");
    // At night nothing is expected; that is over 5 minutes after 281, and held for 15.
    for (name, times) in [("Shop", 7), ("Night", 1), ("Quiet", 0), ("Asked", 4)] {
        assert_eq!(text.matches(&format!("slo=\"{name}\"")).count(), times, "{name}: {text}");
    }
    let Some(theirs) = told("promtool", folder.path()) else { return skip("promtool is not installed") };
    let different: Vec<_> = own.iter().zip(&theirs).filter(|(own, theirs)| own != theirs).collect();
    assert!(own.len() == theirs.len() && different.is_empty(), "{} of {}: {different:#?}", different.len(), theirs.len());
}

fn number(url: &str, query: &str, at: i64) -> f64 {
    let encoded: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let text = client().get(format!("{url}/api/v1/query?query={encoded}&time={}", at as f64 / 1000.0)).send().unwrap().text().unwrap();
    let answer: Json = serde_json::from_str(&text).unwrap();
    let value = answer["data"]["result"][0]["value"][1].as_str().unwrap_or_else(|| panic!("{query}: {text}"));
    value.parse().unwrap()
}

/// An SLO once all its groups have a budget and it says what is wanted: groups of long windows begin within two minutes.
fn standing(server: &Server, name: &str, is_enough: impl Fn(&Json) -> bool) -> Json {
    let mut slo = Json::Null;
    for _ in 0..600 {
        slo = server.api(&format!("/api/v1/slos/{name}"));
        let groups = slo["groups"].as_array().unwrap();
        if !groups.is_empty() && groups.iter().all(|group| group["budgetLeft"].is_number()) && is_enough(&slo) {
            return slo;
        }
        std::thread::park_timeout(Duration::from_secs(1));
    }
    panic!("{name} never came to what was awaited: {slo}");
}

/// Five days of what the rules record, and half an hour of counters, in both; then figures here and queries there.
#[test]
fn figures_are_those_of_prometheus() {
    const STEPS: i64 = 5 * 288;
    const STEP: i64 = 300_000;
    let Some(prometheus) = Prometheus::start() else { return skip("prometheus is not installed") };
    let server = Server::quiet();
    let end = now();
    let send = |batch: Vec<wire::TimeSeries>| {
        for url in [prometheus.url("/api/v1/write"), server.url("/api/v1/write")] {
            let (status, text) = wire::send(&url, wire::body(batch.clone()));
            assert_eq!(status, 204, "{url}: {text}");
        }
    };
    let at = |step: i64| end.div_euclid(STEP) * STEP - (STEPS - step) * STEP - 1_000;
    // On the third day some of them failed.
    let bad = |step: i64| if (2 * 288..3 * 288).contains(&step) { 0.75 } else { 0.0 };
    let recorded = |metric: &str, steps: std::ops::Range<i64>, value: &dyn Fn(i64) -> f64| {
        let samples: Vec<(i64, f64)> = steps.map(|step| (at(step), value(step))).collect();
        wire::series(&[("__name__", metric), ("slo", "Shop"), ("window", "5m")], &samples)
    };
    // Hour by hour: what is an hour older than the newest sample is not taken there.
    for first in (0..STEPS).step_by(12) {
        let steps = first..first + 12;
        send(vec![recorded("slo:events:count", steps.clone(), &|_| 600.0), recorded("slo:bad_events:count", steps, &bad)]);
    }
    // Long enough ago that every hour from now on holds them all.
    let counter = |code: &str, per: f64| {
        let samples: Vec<(i64, f64)> = (0..120).map(|step| (end - 2_100_000 + step * 15_000, 1e5 + step as f64 * per)).collect();
        wire::series(&[("__name__", "http_requests_total"), ("code", code)], &samples)
    };
    send(vec![counter("200", 97.0), counter("500", 3.0)]);
    make(&server, SHOP);
    let slo = standing(&server, "Shop", |slo| slo["groups"][0]["burnRates"]["1h"].is_number());
    let group = &slo["groups"][0];
    let (left, hour) = (group["budgetLeft"].as_f64().unwrap(), group["burnRates"]["1h"].as_f64().unwrap());
    let at = now();
    let sum = |metric: &str| format!("sum_over_time({metric}{{slo=\"Shop\",window=\"5m\"}}[30d:5m])");
    let theirs = 1.0 - number(&prometheus.url(""), &format!("{} / {} / 0.001", sum("slo:bad_events:count"), sum("slo:events:count")), at);
    assert!((theirs - 0.75).abs() < 1e-3 && (left - theirs).abs() < 1e-2, "{left} here, {theirs} there");
    let burn = "sum(increase(http_requests_total{code=~\"5..\"}[1h])) / sum(increase(http_requests_total[1h])) / 0.001";
    let theirs = number(&prometheus.url(""), burn, at);
    assert!((hour - theirs).abs() < 1e-6 * theirs, "{hour} here, {theirs} there");
    let spent = until(|| server.api("/api/v1/slos")[0]["groups"][0]["badEvents"].as_f64());
    assert!(spent >= 216.0, "{spent}");
    let (status, answer) = ask(&server, "GET", "/api/v1/slos/Shop/history?days=0", None);
    assert!(status == 400 && answer.to_string().contains("days: expected"), "{answer}");
}

/// Lines of two apps, of which one fails now and then, two days of what was recorded of them before, and a crash.
#[test]
fn lines_of_logs_are_counted_by_app() {
    const STEP: i64 = 300_000;
    let mut server = Server::quiet();
    let end = now();
    let before = |metric: &str, app: &str, value: f64| {
        let samples: Vec<(i64, f64)> = (1..=576).rev().map(|back| (end.div_euclid(STEP) * STEP - back * STEP - 1_000, value)).collect();
        wire::series(&[("__name__", metric), ("slo", "Jobs"), ("window", "5m"), ("app", app)], &samples)
    };
    let recorded: Vec<wire::TimeSeries> = [("jobs", 20.0), ("mails", 0.0)]
        .into_iter()
        .flat_map(|(app, bad)| [before("slo:events:count", app, 1_000.0), before("slo:bad_events:count", app, bad)])
        .collect();
    assert_eq!(wire::send(&server.url("/api/v1/write"), wire::body(recorded)).0, 204);
    // 300 jobs were done of which 12 failed, and 40 mails; what began, and what others do, is none of either.
    // All within a moment: five minutes later they count no more, and a busy machine needs its time.
    let line = |at: i64, text: String| json!([((end - 5_000 + at) * 1_000_000).to_string(), text]);
    let lines = |count: i64, text: &dyn Fn(i64) -> String| (0..count).map(|at| line(at * 10, text(at))).collect::<Vec<_>>();
    let job = |at: i64| format!("job {at} done{}", if at % 25 == 0 { ", failed" } else { "" });
    let streams = json!({ "streams": [
        { "stream": { "app": "jobs" }, "values": lines(300, &job) },
        { "stream": { "app": "jobs", "step": "begin" }, "values": lines(300, &|at| format!("job {at} begins")) },
        { "stream": { "app": "mails" }, "values": lines(40, &|at| format!("mail {at} done")) },
        { "stream": { "app": "shop" }, "values": lines(100, &|_| "done, failed".to_owned()) },
    ] });
    let (status, answer) = server.post("/loki/api/v1/push", "application/json", streams.to_string());
    assert_eq!(status, 204, "{answer}");
    let (bad, total) = (r#"{app=~"jobs|mails"} |= "done" |= "failed""#, r#"{app=~"jobs|mails"} |= "done""#);
    let form =
        [("kind", "logs"), ("name", "Jobs"), ("objective", "95"), ("period", "30d"), ("bad", bad), ("total", total), ("group_by", "app")];
    let (status, html) = send_form(&server, "/slos/look", &form);
    assert!(status == 200 && html.contains("96 %") && html.contains("20 %"), "what would have been: {html}");
    let (status, html) = send_form(&server, "/slos/save", &form);
    assert!(status == 200 || status == 303, "{status} {html}");
    let has_rates = |slo: &Json| {
        let groups = slo["groups"].as_array().unwrap();
        groups.len() == 2 && groups.iter().all(|group| group["burnRates"]["5m"].is_number())
    };
    let check = |slo: &Json| {
        for (app, rate, left) in [("jobs", 0.8, 0.6), ("mails", 0.0, 1.0)] {
            let group = slo["groups"].as_array().unwrap().iter().find(|group| group["labels"]["app"] == app).unwrap();
            let (found, budget) = (group["burnRates"]["5m"].as_f64().unwrap(), group["budgetLeft"].as_f64().unwrap());
            assert!((found - rate).abs() < 1e-9, "{app}: {found} and not {rate}");
            assert!((budget - left).abs() < 1e-3, "{app}: {budget} and not {left}");
        }
    };
    check(&standing(&server, "Jobs", has_rates));
    let counted = |of: &str, app: &str| format!("slo:log_lines:count{{slo=\"Jobs\",of=\"{of}\",app=\"{app}\"}}");
    server.await_query(&counted("total", "jobs"), |found| found[0]["value"][1] == "300");
    server.await_query(&counted("bad", "jobs"), |found| found[0]["value"][1] == "12");
    server.await_query(&counted("total", "mails"), |found| found[0]["value"][1] == "40");
    server.kill_and_restart();
    check(&standing(&server, "Jobs", has_rates));
    assert!(page(&server, "/slos/Jobs").contains("95 % of events are to be good over 30 days."));
}

/// When the part of the calendar began that goes on, and when it ends, by another reckoning than the server's.
fn part_of_calendar(unit: &str, zone: Tz, at: i64) -> (i64, i64) {
    let today = DateTime::from_timestamp_millis(at).unwrap().with_timezone(&zone).date_naive();
    let (first, next) = if unit == "week" {
        let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
        (monday, monday + Days::new(7))
    } else {
        let first = today.with_day(1).unwrap();
        (first, first + Months::new(1))
    };
    let midnight = |day: NaiveDate| day.and_hms_opt(0, 0, 0).unwrap().and_local_timezone(zone).earliest().unwrap().timestamp_millis();
    (midnight(first), midnight(next))
}

/// All failed until the week and the month began; since then 4 of 1000 did.
#[test]
fn parts_of_the_calendar_begin_with_a_whole_budget() {
    const STEP: i64 = 300_000;
    const DAY: i64 = 86_400_000;
    let server = Server::quiet();
    let end = now();
    // A part that has just begun has hardly any events, and one that is about to end may be over soon; elsewhere it is not.
    let parts = [("Month", "month"), ("Week", "week")].map(|(name, unit)| {
        let zones = ["Europe/Berlin", "Etc/GMT+12"].map(|zone| zone.parse::<Tz>().unwrap());
        let is_well_within = |zone: &Tz| {
            let (from, until) = part_of_calendar(unit, *zone, end);
            end - from > 3_600_000 && until - end > 3_600_000
        };
        let zone = zones.into_iter().find(is_well_within).unwrap();
        (name, unit, zone, part_of_calendar(unit, zone, end))
    });
    let newest = end.div_euclid(STEP);
    let oldest = parts.iter().map(|(.., (from, _))| from).min().unwrap().div_euclid(STEP) - DAY / STEP;
    let (month, week) = (parts[0].3.0, parts[1].3.0);
    let mut at = oldest;
    // Day by day, as what is much older than the newest sample is not taken.
    while at <= newest {
        let steps = at..(at + DAY / STEP).min(newest + 1);
        at = steps.end;
        let series = |name: &str, from: i64| {
            ["slo:events:count", "slo:bad_events:count"].map(|metric| {
                let value = |step: i64| match (step * STEP > from, metric == "slo:events:count") {
                    (true, true) => 1_000.0,
                    (true, false) => 4.0,
                    (false, _) => 500.0,
                };
                let samples: Vec<(i64, f64)> = steps.clone().map(|step| (step * STEP - 1_000, value(step))).collect();
                wire::series(&[("__name__", metric), ("slo", name), ("window", "5m")], &samples)
            })
        };
        let batch = [series("Month", month), series("Week", week), series("Rolling", month)].concat();
        let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(batch));
        assert_eq!(status, 204, "{text}");
    }
    let declared = |name: &str, over: &str| format!("{{name: {name}, objective: 99, {over}, ratio: {{bad: b_total, total: t_total}}}}");
    make(&server, &declared("Rolling", "window: 40d"));
    for (name, unit, zone, _) in &parts {
        make(&server, &declared(name, &format!("calendar: {unit}, time_zone: {}", zone.name())));
    }
    for (name, unit, zone, (from, until)) in &parts {
        let slo = standing(&server, name, |_| true);
        let group = &slo["groups"][0];
        assert_eq!(
            (&slo["window"], group["events"].as_f64()),
            (&json!(unit), Some((newest - from / STEP) as f64 * 1_000.0)),
            "{zone}: {slo}"
        );
        assert_eq!(group["badEvents"].as_f64(), Some((newest - from / STEP) as f64 * 4.0), "{slo}");
        let elapsed = (now() - from) as f64 / (until - from) as f64;
        let left = group["budgetLeft"].as_f64().unwrap();
        assert!((left - (1.0 - 0.4 * elapsed)).abs() < 2e-3, "{unit} of {zone}: {left} after {elapsed} of it");
        let recorded = server.await_query(&format!("slo:budget_left:ratio{{slo=\"{name}\"}}"), |found| !found[0].is_null());
        let recorded: f64 = recorded[0]["value"][1].as_str().unwrap().parse().unwrap();
        assert!((recorded - left).abs() < 2e-3, "{recorded} is recorded, {left} said");
    }
    let rolling = standing(&server, "Rolling", |_| true);
    assert!(rolling["groups"][0]["budgetLeft"].as_f64().unwrap() < 0.0, "what rolls counts what was before: {rolling}");
}
