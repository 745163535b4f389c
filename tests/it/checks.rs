//! Checks: made by the API, watched, down and up again, told as alerts, kept over a crash; heartbeats of jobs.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value as Json, json};

use crate::support::{Server, ask, page, until};

/// A site whose status can be chosen; what it answers is JSON.
pub(crate) fn site() -> (String, Arc<AtomicU16>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/health", listener.local_addr().unwrap());
    let status = Arc::new(AtomicU16::new(200));
    let chosen = Arc::clone(&status);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _asked = stream.read(&mut [0; 4096]);
            let body = r#"{"status": "ok", "queue": 3}"#;
            let status = chosen.load(Ordering::SeqCst);
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _sent = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (url, status)
}

fn check(server: &Server, name: &str) -> Json {
    ask(server, "GET", &format!("/api/v1/checks/{name}"), None).1["data"].clone()
}

fn alerts(server: &Server) -> Json {
    ask(server, "GET", "/api/v2/alerts", None).1
}

fn await_state(server: &Server, name: &str, state: &str) -> Json {
    until(|| Some(check(server, name)).filter(|found| found["check"]["state"] == state))
}

#[test]
fn a_check_falls_is_told_and_comes_back_over_a_crash() {
    let (url, status) = site();
    let mut server = Server::quiet();
    let shop = json!({
        "name": "Shop", "interval": "1s", "timeout": "10s", "retries": 1, "labels": { "team": "web" },
        "http": { "url": url, "json": [{ "path": "queue", "is": "below", "value": "10" }] },
    });
    let (code, made) = ask(&server, "POST", "/api/v1/checks", Some(&shop));
    assert_eq!((code, &made["data"]["name"]), (200, &json!("Shop")), "{made}");
    await_state(&server, "Shop", "up");
    server.await_query("pharos_check_up{check='Shop',kind='http',team='web'}", |found| found[0]["value"][1] == "1");
    server.await_query("pharos_check_duration_seconds{check='Shop',phase='processing'}", |found| {
        found.as_array().is_some_and(|all| all.len() == 1)
    });

    status.store(503, Ordering::SeqCst);
    let down = await_state(&server, "Shop", "down");
    let cause = down["check"]["incident"]["cause"].as_str().unwrap().to_owned();
    assert!(cause.starts_with("answered 503"), "{cause}");
    let fires = |server: &Server| until(|| alerts(server).as_array().and_then(|all| all.first().cloned()));
    let alert = fires(&server);
    assert_eq!(
        (&alert["labels"]["alertname"], &alert["labels"]["check"], &alert["labels"]["severity"]),
        (&json!("CheckDown"), &json!("Shop"), &json!("critical"))
    );
    assert_eq!(alert["annotations"]["summary"], format!("Shop is down: {cause}"));

    // It is written down beside what is told: a crash before that would make another one.
    until(|| server.api("/api/v1/incidents")[0].is_object().then_some(()));
    server.kill_and_restart();
    let after = await_state(&server, "Shop", "down");
    assert_eq!(after["check"]["incident"]["from"], down["check"]["incident"]["from"], "the same incident");
    status.store(200, Ordering::SeqCst);
    let up = await_state(&server, "Shop", "up");
    assert!(up["figures"]["24h"]["downMs"].as_i64().unwrap() > 0, "{up}");
    assert!(up["figures"]["24h"]["p95Seconds"].as_f64().unwrap() < 10.0, "{up}");
    let incidents = until(|| Some(server.api("/api/v1/incidents")).filter(|all| all[0]["until"].is_string()));
    assert_eq!(incidents.as_array().unwrap().len(), 1, "{incidents}");
    server.await_query("pharos_check_up{check='Shop'}", |found| found[0]["value"][1] == "1");
    until(|| alerts(&server).as_array().filter(|all| all.is_empty()).map(|_| ()));
    let history = page(&server, "/alerts/history?range=now-1h");
    for expected in ["CheckDown · Shop", "began to fire", "was over", "fired 1 time", "class=\"f\""] {
        assert!(history.contains(expected), "the history of alerts says {expected}: {history}");
    }
}

/// In planned maintenance an alert goes on and is kept back, over a crash too; afterwards it is as it was.
#[test]
fn in_maintenance_an_alert_goes_on_and_is_kept_back() {
    let (url, status) = site();
    let mut server = Server::quiet();
    status.store(503, Ordering::SeqCst);
    let shop = json!({ "name": "Shop", "interval": "1s", "timeout": "10s", "retries": 0, "goal": 99.9, "http": { "url": url } });
    assert_eq!(ask(&server, "POST", "/api/v1/checks", Some(&shop)).0, 200);
    assert_eq!(await_state(&server, "Shop", "down")["check"]["goal"], 99.9);
    let alert = |state: &str| until(|| alerts(&server).as_array()?.first().filter(|alert| alert["status"]["state"] == state).cloned());
    let before = alert("active");
    let hour = |offset: i64| chrono::DateTime::from_timestamp(chrono::Utc::now().timestamp() + offset, 0).unwrap().to_rfc3339();
    let plan = json!({ "title": "Move", "checks": ["Shop"], "from": hour(-3600), "until": hour(3600) });
    let (code, planned) = ask(&server, "POST", "/api/v1/maintenance", Some(&plan));
    assert_eq!(code, 200, "{planned}");
    let kept = alert("suppressed");
    assert_eq!(kept["status"]["mutedBy"], json!(["maintenance: Move"]));
    assert_eq!((&kept["startsAt"], &kept["fingerprint"]), (&before["startsAt"], &before["fingerprint"]), "the same alert");
    // What was before the plan was made is not in it.
    until(|| (server.api("/api/v1/incidents")[0]["maintenance"] == "part").then_some(()));
    server.await_query("pharos_check_maintenance{check='Shop'}", |found| found[0]["value"][1] == "1");
    assert!(server.get("/alerts").1.contains("muted by the maintenance"), "the page says why");

    server.kill_and_restart();
    let alert = |state: &str| until(|| alerts(&server).as_array()?.first().filter(|alert| alert["status"]["state"] == state).cloned());
    assert_eq!(alert("suppressed")["startsAt"], before["startsAt"]);
    let id = planned["data"]["id"].as_i64().unwrap();
    assert_eq!(ask(&server, "DELETE", &format!("/api/v1/maintenance/{id}"), None).0, 200);
    assert_eq!(alert("active")["startsAt"], before["startsAt"]);
    server.await_query("pharos_check_maintenance{check='Shop'}", |found| found[0]["value"][1] == "0");
}

#[test]
fn checks_are_written_changed_exported_and_forgotten() {
    let (url, _) = site();
    let server = Server::quiet();
    let yaml = format!("name: Api\ninterval: 1h\nhttp:\n  url: {url}\n  username: ann\n  password: hunter2hunter2\n");
    assert_eq!(server.send("POST", "/api/v1/checks", "application/yaml", &yaml).0, 200);
    let (code, text) = server.send("POST", "/api/v1/checks", "application/yaml", &yaml);
    assert!(code == 400 && text.contains("there is a check named"), "{code} {text}");
    for (wrong, said) in [
        ("name: X\nhttp:\n  url: nowhere\n", "check:3:8: url: read"),
        ("name: X\nping: {host: a}\nparent: Nobody\n", "there is no check named"),
        ("name: Api2\nping: {hots: a}\n", "did you mean host?"),
        ("{", "check:"),
    ] {
        let (code, text) = server.send("POST", "/api/v1/checks", "application/yaml", wrong);
        assert!(code == 400 && text.contains(said), "{wrong}: {code} {text}");
    }
    let (_, exported) = server.get("/api/v1/checks/export");
    assert!(exported.contains("<secret>") && !exported.contains("hunter2"), "{exported}");
    let changed = yaml.replace("hunter2hunter2", "<secret>").replace("1h", "2h");
    assert_eq!(server.send("PUT", "/api/v1/checks/Api", "application/yaml", &changed).0, 200);
    assert_eq!(check(&server, "Api")["check"]["interval"], "2h");
    let elsewhere = changed.replace("127.0.0.1", "localhost");
    let (code, text) = server.send("PUT", "/api/v1/checks/Api", "application/yaml", &elsewhere);
    assert!(code == 400 && text.contains("type the password again: the address changed"), "{code} {text}");
    assert_eq!(ask(&server, "DELETE", "/api/v1/checks/Api", None).0, 200);
    assert_eq!(ask(&server, "DELETE", "/api/v1/checks/Api", None).0, 404);
    assert_eq!(server.api("/api/v1/checks"), json!([]));
}

#[test]
fn jobs_beat_and_say_when_they_failed() {
    let server = Server::quiet();
    let job = json!({ "name": "Backup", "heartbeat": { "every": "1h", "grace": "5m" } });
    let (_, made) = ask(&server, "POST", "/api/v1/checks", Some(&job));
    let path = made["data"]["heartbeatPath"].as_str().unwrap().to_owned();
    assert_eq!(check(&server, "Backup")["check"]["state"], "unknown");
    assert_eq!(server.get(&path), (200, "OK\n".to_owned()));
    await_state(&server, "Backup", "up");
    assert_eq!(server.post(&format!("{path}/2"), "text/plain", "disk full").0, 200);
    let down = await_state(&server, "Backup", "down");
    assert_eq!(down["check"]["incident"]["cause"], "the job ended with exit code 2: disk full");
    assert_eq!(server.get(&format!("{path}?took=12.5")).0, 200);
    let up = await_state(&server, "Backup", "up");
    assert_eq!(up["check"]["lastDurationSeconds"], 12.5);
    assert_eq!(server.get(&format!("{path}/x")).0, 400);
    assert_eq!(server.get("/api/v1/heartbeats/nobody-knows-this").0, 404);
    let (_, exported) = server.get("/api/v1/checks/export");
    assert!(!exported.contains(path.rsplit('/').next().unwrap()), "{exported}");
}

#[test]
fn names_of_others_go_along() {
    let server = Server::quiet();
    let make = |check: &Json| ask(&server, "POST", "/api/v1/checks", Some(check));
    let ping = json!({ "host": "127.0.0.1" });
    assert_eq!(make(&json!({ "name": "Host", "ping": ping })).0, 200);
    assert_eq!(make(&json!({ "name": "Shop", "parent": "Host", "ping": ping })).0, 200);
    assert_eq!(make(&json!({ "name": "All", "group": { "checks": ["Host", "Shop"] } })).0, 200);
    let (status, renamed) = ask(&server, "PUT", "/api/v1/checks/Host", Some(&json!({ "name": "Rack 1", "ping": ping })));
    assert_eq!(status, 200, "{renamed}");
    let export = || server.get("/api/v1/checks/export").1;
    let written = export();
    assert!(written.contains("parent: Rack 1") && !written.contains("Host"), "{written}");
    assert_eq!(ask(&server, "DELETE", "/api/v1/checks/Rack%201", None).0, 200);
    let written = export();
    assert!(!written.contains("Rack 1") && written.contains("- Shop"), "{written}");
}
