//! What an incident cost: a check falls while orders stay away, and the pages of the business and of the incident say so.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use crate::checks;
use crate::support::{Server, ask, page, until};

const HOUR_MS: i64 = 3_600_000;
const QUIET: [&str; 2] = ["--host-metrics=false", "--own-metrics=false"];

/// Now, as the server under test sees it.
#[expect(clippy::disallowed_methods, reason = "the server runs on the machine's clock, so its data must end there")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn state_of(server: &Server) -> Json {
    ask(server, "GET", "/api/v1/checks/Shop", None).1["data"]["check"].clone()
}

fn until_state(server: &Server, state: &str) -> Json {
    until(|| Some(state_of(server)).filter(|check| check["state"] == state))
}

/// What stands on the page of the business about what was down; empty where nothing does.
fn banner(server: &Server) -> String {
    let html = page(server, "/business");
    html.split_once("bz-down").and_then(|(_, rest)| rest.split_once("</section>")).map(|(banner, _)| banner.to_owned()).unwrap_or_default()
}

#[test]
fn an_incident_says_what_it_cost() {
    let (url, status) = checks::site();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::on(&data, &QUIET);
    // Orders are counted by the hour, and there are 100 in every hour of ten weeks; but 10 in the last that is over.
    let orders = json!({ "name": "Orders", "collected": "hourly", "pushed": {} });
    let (code, made) = ask(&server, "POST", "/api/v1/kpis", Some(&orders));
    assert_eq!(code, 200, "{made}");
    let hour = now().div_euclid(HOUR_MS);
    let past: Vec<Json> =
        (1..=70 * 24).map(|back| json!({ "at": ((hour - back) * 3_600).to_string(), "value": if back == 1 { 10 } else { 100 } })).collect();
    let (code, sent) = ask(&server, "POST", "/api/v1/kpis/Orders/values", Some(&json!(past)));
    assert_eq!((code, &sent["data"]["taken"]), (200, &json!(past.len())), "{sent}");

    let shop = json!({ "name": "Shop", "interval": "1s", "timeout": "10s", "retries": 0, "http": { "url": url } });
    let (code, made) = ask(&server, "POST", "/api/v1/checks", Some(&shop));
    assert_eq!(code, 200, "{made}");
    until_state(&server, "up");
    assert_eq!(banner(&server), "", "nothing was down");
    status.store(503, Ordering::SeqCst);
    until_state(&server, "down");
    // It is written down beside what is watched.
    until(|| Some(()).filter(|()| banner(&server).contains("down for")));
    drop(server);

    // As if it had gone on for two hours, and a little.
    let database = rusqlite::Connection::open(data.join("pharos.db")).unwrap();
    let earlier = 2 * HOUR_MS + 60_000;
    let moved = database.execute("UPDATE uptime_incidents SET from_ms = from_ms - ?1, confirmed_ms = confirmed_ms - ?1", [earlier]);
    assert_eq!(moved.unwrap(), 1);
    drop(database);
    let server = Server::on(&data, &QUIET);
    until_state(&server, "down");
    let html = banner(&server);
    for expected in [">Shop</a>", "down for 2 h", "answered 503", ">Orders</a>", "−90<", "below what is usual"] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    // The same stands where the incident is read about.
    let path = html.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(path.starts_with("/uptime/incidents/"), "{html}");
    let incident = page(&server, &path);
    assert!(incident.contains(">Orders</a>") && incident.contains("−90<"), "{incident}");

    status.store(200, Ordering::SeqCst);
    until_state(&server, "up");
    let html = until(|| Some(banner(&server)).filter(|html| html.contains("was down for 2 h")));
    assert!(html.contains("−90<"), "what it cost stays: {html}");
}
