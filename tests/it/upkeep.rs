//! Maintenance, incidents and reports over the real server: planned by the API and by forms, nobody told meanwhile, figures
//! without it, letters through a mail server.

use std::time::Duration;

use pharos::base::clock::{Clock, SystemClock};
use serde_json::{Value as Json, json};

use crate::support::{Server, ask, mail_server, page, send_form, until};

/// A check that is down at once: nobody listens there, and no test is given a port so low.
fn down(server: &Server, name: &str) {
    let check = json!({
        "name": name, "interval": "1s", "retries": 0, "labels": { "team": "web" }, "tcp": { "address": "127.0.0.1:1" },
    });
    assert_eq!(ask(server, "POST", "/api/v1/checks", Some(&check)).0, 200);
    until(|| Some(server.api(&format!("/api/v1/checks/{name}"))).filter(|found| found["check"]["state"] == "down"));
}

/// Alerts of which people are told.
fn alerts(server: &Server) -> usize {
    let all = ask(server, "GET", "/api/v2/alerts", None).1;
    all.as_array().map_or(0, |all| all.iter().filter(|alert| alert["status"]["state"] == "active").count())
}

#[test]
fn in_maintenance_nobody_is_told_and_figures_leave_it_out() {
    let mut server = Server::quiet();
    down(&server, "Shop");
    until(|| (alerts(&server) == 1).then_some(()));
    let nightly = json!({ "title": "Night", "checks": ["Shop"], "starts": "0 * * * *", "lasts": "1h" });
    let (code, made) = ask(&server, "POST", "/api/v1/maintenance", Some(&nightly));
    assert_eq!((code, &made["data"]["covers"], &made["data"]["state"]), (200, &json!(1), &json!("now")), "{made}");
    let id = made["data"]["id"].as_i64().unwrap();
    let kept = until(|| Some(ask(&server, "GET", "/api/v2/alerts", None).1).filter(|all| all[0]["status"]["state"] == "suppressed"));
    assert_eq!((&kept[0]["status"]["mutedBy"], alerts(&server)), (&json!(["maintenance: Night"]), 0), "{kept}");

    server.kill_and_restart();
    assert_eq!(server.api(&format!("/api/v1/maintenance/{id}"))["title"], "Night");
    until(|| Some(server.api("/api/v1/checks/Shop")).filter(|found| found["check"]["state"] == "down"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(alerts(&server), 0, "also after a crash nobody is told");
    let figures = server.api("/api/v1/checks/Shop/figures?month=1971");
    assert_eq!(figures["figures"]["availability"], Json::Null, "{figures}");
    let figures = server.api("/api/v1/checks/Shop/figures?time_zone=Asia/Kathmandu");
    assert!(figures["figures"]["maintenanceMs"].as_i64().unwrap() > 1_000, "{figures}");

    // Renamed it is the same check; ended it is told again, as it is still down.
    let export = page(&server, "/api/v1/checks/export");
    assert!(export.contains("maintenance:") && export.contains("0 * * * *"), "{export}");
    assert_eq!(ask(&server, "DELETE", &format!("/api/v1/maintenance/{id}"), None).1["data"]["ended"], true);
    until(|| (alerts(&server) == 1).then_some(()));
    let (code, refused) = ask(&server, "DELETE", &format!("/api/v1/maintenance/{id}"), None);
    assert_eq!(code, 400, "what is over stays as it was: {refused}");
    for (wrong, said) in [
        (json!({ "title": "x", "checks": ["Nobody"], "starts": "@daily", "lasts": "1h" }), "there is no check named"),
        (json!({ "title": "x", "starts": "@daily" }), "between a minute and 31 days"),
        (json!({ "title": "x", "from": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z" }), "in the past already"),
    ] {
        let (code, answer) = ask(&server, "POST", "/api/v1/maintenance", Some(&wrong));
        assert!(code == 400 && answer["error"].as_str().unwrap().contains(said), "{answer}");
    }
    for wrong in ["month=x", "from=1&month=2026", "time_zone=Mars", "from=2&until=1"] {
        assert_eq!(server.get(&format!("/api/v1/checks/Shop/figures?{wrong}")).0, 400, "{wrong}");
    }
}

#[test]
fn maintenance_is_planned_changed_and_taken_back_by_forms() {
    let server = Server::quiet();
    down(&server, "Shop");
    assert!(page(&server, "/uptime/maintenance").contains("No maintenance is planned"));
    // It must not be right now, which would be ended and not taken back. The first day of all was a Thursday.
    let today = (SystemClock::new().now_ms().div_euclid(86_400_000) + 3).rem_euclid(7) + 1;
    let (weekday, said) = if today >= 5 { ("3", "Wednesdays, 22:00 for 2 h") } else { ("6", "Saturdays, 22:00 for 2 h") };
    let form = [
        ("way", "weekly"),
        ("weekday", weekday),
        ("at", "22:00"),
        ("lasts", "2h"),
        ("zone", "Europe/Berlin"),
        ("scope", "some"),
        ("check", "Shop"),
    ];
    let (code, refused) = send_form(&server, "/uptime/maintenance/save", &form);
    assert!(code == 400 && refused.contains("Give it a name") && refused.contains("value=\"Shop\" checked"), "{refused}");
    let whole: Vec<(&str, &str)> = form.into_iter().chain([("title", "<b>Move</b>")]).collect();
    let (code, list) = send_form(&server, "/uptime/maintenance/save", &whole);
    assert!(code == 200 && list.contains("The maintenance is saved.") && list.contains(said), "{list}");
    assert!(!list.contains("<b>Move</b>"), "{list}");
    let id = server.api("/api/v1/maintenance")[0]["id"].as_i64().unwrap().to_string();
    let edit = page(&server, &format!("/uptime/maintenance/edit?id={id}"));
    assert!(edit.contains("1 of 1") && edit.contains("value=\"22:00\""), "{edit}");
    let again: Vec<(&str, &str)> = whole.into_iter().chain([("id", id.as_str()), ("note", "We move.")]).collect();
    assert!(send_form(&server, "/uptime/maintenance/save", &again).1.contains("We move."));
    let (code, list) = send_form(&server, "/uptime/maintenance/end", &[("id", &id)]);
    assert!(code == 200 && list.contains("The maintenance is taken back.") && list.contains("No maintenance is planned"), "{list}");
    assert_eq!(send_form(&server, "/uptime/maintenance/end", &[("id", &id)]).0, 404);
}

#[test]
fn incidents_and_reports_as_pages_and_files() {
    let server = Server::quiet();
    down(&server, "Shop");
    // It is written down beside what is told.
    let incidents = until(|| Some(page(&server, "/uptime/incidents")).filter(|page| page.contains("Shop: down 1 time")));
    assert!(incidents.contains("goes on"), "{incidents}");
    assert!(page(&server, "/uptime/incidents?state=over").contains("No incident matches"));
    // One of them has a page: why, what was marked then, and what it cost.
    let path = incidents.split('"').find(|part| part.starts_with("/uptime/incidents/")).expect("an incident leads to its page");
    assert!(page(&server, path).contains("Nobody counts by the hour"));
    let kpi = "{name: Orders, collected: hourly, pushed: {}}";
    assert_eq!(server.send("POST", "/api/v1/kpis", "application/yaml", kpi).0, 200);
    let mark = "{\"text\": \"v2 goes out\", \"tags\": [\"deploy\"]}";
    assert_eq!(server.post("/api/annotations", "application/json", mark).0, 200);
    let incident = page(&server, path);
    for expected in ["goes on", "v2 goes out", ">Orders</a>", "not known"] {
        assert!(incident.contains(expected), "{expected}: {incident}");
    }
    assert_eq!(server.get("/uptime/incidents/1/1").0, 404);
    let csv = page(&server, "/uptime/incidents?format=csv&label=team%3Dweb");
    assert!(csv.starts_with("check,from,") && csv.lines().count() == 2, "{csv}");
    for query in ["", "?zone=Europe/Berlin&check=Shop", "?label=team%3Dweb&goal=99.9"] {
        let report = page(&server, &format!("/uptime/report{query}"));
        assert!(report.contains(">Shop</a>") && report.contains("It goes on"), "{report}");
    }
    assert!(page(&server, "/uptime/report?label=team%3Ddb").contains("No check matches"));
    assert_eq!(server.get("/uptime/report?month=soon").0, 400);
    assert_eq!(server.get("/uptime/report.csv?zone=Mars").0, 400);
    let table = page(&server, "/uptime/report.csv");
    assert!(table.lines().nth(1).is_some_and(|row| row.starts_with("Shop,") && row.split(',').count() == 20), "{table}");
    let answer = crate::support::client().get(server.url("/uptime/report.pdf")).send().unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, "application/pdf"));
    assert!(answer.bytes().unwrap().starts_with(b"%PDF-"));
}

#[test]
fn reports_go_out_by_mail() {
    let (port, letters) = mail_server();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routing.yml");
    let routing = format!(
        "global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: pharos@x.example, smtp_require_tls: false}}\nroute: {{receiver: all}}\nreceivers: [{{name: all}}]\n"
    );
    std::fs::write(&path, routing).unwrap();
    let flag = format!("--alertmanager.config.file={}", path.display());
    let server = Server::on(&folder.path().join("data"), &[flag.as_str(), "--host-metrics=false", "--own-metrics=false"]);
    down(&server, "Shop");
    let (code, refused) = send_form(&server, "/uptime/report/readers", &[("do", "add"), ("to", "nobody"), ("zone", "UTC")]);
    assert!(code == 400 && refused.contains("is not a list of mail addresses") && refused.contains("value=\"nobody\""), "{refused}");
    let form = [("to", "ann@x.example, bob@x.example"), ("zone", "Europe/Berlin"), ("label", "team=web")];
    let with = |what: &'static str| -> Vec<(&str, &str)> { form.into_iter().chain([("do", what)]).collect() };
    let (code, sent) = send_form(&server, "/uptime/report/readers", &with("send"));
    assert!(code == 200 && sent.contains("The report is on its way."), "{sent}");
    let letter = letters.recv_timeout(Duration::from_secs(120)).unwrap();
    for part in ["ann@x.example", "Subject: Availability", "text/html", "application/pdf", "availability-", "text/csv"] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    let (_, added) = send_form(&server, "/uptime/report/readers", &with("add"));
    assert!(added.contains("Reports go there each month") && added.contains("ann@x.example, bob@x.example"), "{added}");
    let (_, removed) = send_form(&server, "/uptime/report/readers", &[("do", "remove"), ("id", "1")]);
    assert!(removed.contains("Nobody gets reports yet."), "{removed}");
    // What was over before anybody wanted it is not sent.
    assert!(letters.try_recv().is_err());
}
