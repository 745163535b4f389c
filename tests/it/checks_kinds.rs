//! Kinds of checks against what they are of, groups of checks, and checks that come from other programs.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};

use crate::support::{Server, ask, until};

fn check(server: &Server, name: &str) -> Json {
    ask(server, "GET", &format!("/api/v1/checks/{name}"), None).1["data"]["check"].clone()
}

fn await_state(server: &Server, name: &str, state: &str) -> Json {
    until(|| Some(check(server, name)).filter(|found| found["state"] == state))
}

fn make(server: &Server, check: &Json) {
    let (status, made) = ask(server, "POST", "/api/v1/checks", Some(check));
    assert_eq!(status, 200, "{made}");
}

/// What a server says on every line it hears, and first of all; it hangs up while it is not to be there.
fn server_of(greeting: &'static str, answer: fn(&str) -> String) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let is_there = Arc::new(AtomicBool::new(true));
    let chosen = Arc::clone(&is_there);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            if !chosen.load(Ordering::SeqCst) {
                continue;
            }
            std::thread::spawn(move || {
                let _greeted = stream.write_all(greeting.as_bytes());
                let mut line = Vec::new();
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() {
                    line.push(byte[0]);
                    if byte[0] == b'\n' {
                        let text = String::from_utf8_lossy(&line).into_owned();
                        line.clear();
                        let _answered = stream.write_all(answer(text.trim()).as_bytes());
                    }
                }
            });
        }
    });
    (address, is_there)
}

fn redis() -> (String, Arc<AtomicBool>) {
    server_of("", |line| if line == "PING" { "+PONG\r\n".to_owned() } else { String::new() })
}

#[test]
fn a_group_is_down_when_too_many_of_its_checks_are() {
    let server = Server::quiet();
    let (one, one_is_there) = redis();
    let (two, two_is_there) = redis();
    let (mail, _) = server_of("220 ready\r\n", |line| if line.starts_with("EHLO") { "250 mx\r\n".to_owned() } else { String::new() });
    for (name, address) in [("One", &one), ("Two", &two)] {
        make(&server, &json!({ "name": name, "interval": "1s", "timeout": "10s", "retries": 0, "redis": { "address": address } }));
    }
    make(&server, &json!({ "name": "Mail", "interval": "1s", "timeout": "10s", "smtp": { "address": mail } }));
    let wrong = json!({ "name": "Both", "group": { "checks": ["One", "Three"] } });
    let (status, told) = ask(&server, "POST", "/api/v1/checks", Some(&wrong));
    assert!(status == 400 && told["error"].as_str().unwrap().contains("Three"), "{told}");
    make(&server, &json!({ "name": "Both", "interval": "1s", "group": { "checks": ["One", "Two"] } }));
    make(&server, &json!({ "name": "Any", "interval": "1s", "group": { "checks": ["Both", "One", "Two"], "up_min": 1 } }));
    for name in ["One", "Two", "Mail", "Both", "Any"] {
        await_state(&server, name, "up");
    }
    one_is_there.store(false, Ordering::SeqCst);
    let down = await_state(&server, "Both", "down");
    let cause = down["incident"]["cause"].as_str().unwrap();
    assert!(cause.starts_with("1 of 2 checks are up, 2 must be; down: One (the "), "{cause}");
    assert_eq!(check(&server, "Any")["state"], "up");
    two_is_there.store(false, Ordering::SeqCst);
    await_state(&server, "Any", "down");
    let paused = json!({ "name": "One", "interval": "1s", "retries": 0, "paused": true, "redis": { "address": one } });
    assert_eq!(ask(&server, "PUT", "/api/v1/checks/One", Some(&paused)).0, 200);
    two_is_there.store(true, Ordering::SeqCst);
    await_state(&server, "Both", "up");
    let round = json!({ "name": "Both", "interval": "1s", "group": { "checks": ["One", "Any"] } });
    assert_eq!(ask(&server, "PUT", "/api/v1/checks/Both", Some(&round)).0, 400);
}

const BACKUP: &str = r#"{"version": "1.23.11", "monitorList": [
    {"id": 1, "name": "Jobs", "type": "group", "interval": 60},
    {"id": 2, "name": "Backup", "type": "push", "interval": 3600, "pushToken": "AbCdEfGhIjKlMnOpQrSt", "parent": 1, "active": true},
    {"id": 3, "name": "Queue", "type": "mqtt", "hostname": "q", "interval": 60}
]}"#;

#[test]
fn jobs_of_uptime_kuma_go_on_calling() {
    let server = Server::quiet();
    let import = |query: &str| {
        let (status, text) = server.post(&format!("/api/v1/checks/import{query}"), "application/json", BACKUP);
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Json>(&text).unwrap()["data"].clone()
    };
    let dry = import("?dry_run=true");
    assert_eq!((&dry["source"], &dry["checks"]), (&json!("Uptime Kuma"), &json!(["Backup", "Jobs"])), "{dry}");
    assert_eq!(dry["notes"], json!(["Queue: is left out: there is no kind of check for \"mqtt\""]));
    assert_eq!(server.api("/api/v1/checks"), json!([]), "nothing was made");
    assert_eq!(import("")["checks"], json!(["Backup", "Jobs"]));
    let again = import("");
    assert_eq!((&again["checks"], again["leftOut"].as_array().unwrap().len()), (&json!([]), 2), "{again}");

    let push = "/api/push/AbCdEfGhIjKlMnOpQrSt";
    assert_eq!(server.get(&format!("{push}?status=up&msg=OK&ping=1500")), (200, "{\"ok\":true}".to_owned()));
    assert_eq!(await_state(&server, "Backup", "up")["lastDurationSeconds"], 1.5);
    assert_eq!(server.get(&format!("{push}?status=down&msg=disk%20full")).0, 200);
    let down = await_state(&server, "Backup", "down");
    assert_eq!(down["incident"]["cause"], "the job says that it failed: disk full");
    let (status, text) = server.get("/api/push/nobodyknowsthis");
    assert!(status == 404 && text.contains("\"ok\":false"), "{status} {text}");
    let (status, text) = server.post("/api/v1/checks/import", "application/json", "{\"a\": 1}");
    assert!(status == 400 && text.contains("neither a backup of Uptime Kuma"), "{status} {text}");
}
