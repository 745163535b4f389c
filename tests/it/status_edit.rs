//! Status pages over the real server: made by the API and by forms, told on, and what customers see of it at once.

use serde_json::{Value as Json, json};

use crate::support::{Server, ask, page, send_form, until};

/// A check that is down at once: nobody listens there, and no test is given a port so low.
fn down(server: &Server, name: &str) {
    let check = json!({ "name": name, "interval": "1s", "retries": 0, "tcp": { "address": "127.0.0.1:1" } });
    assert_eq!(ask(server, "POST", "/api/v1/checks", Some(&check)).0, 200);
    until(|| Some(server.api(&format!("/api/v1/checks/{name}"))).filter(|found| found["check"]["state"] == "down"));
}

#[test]
fn a_page_is_made_told_on_and_deleted_by_programs() {
    let server = Server::quiet();
    down(&server, "web-1");
    let written = json!({ "title": "Example <b>", "slug": "example", "sections": [{
        "title": "Shop", "checks": ["web-1"], "components": [{ "check": "web-1", "name": "Website" }] }] });
    let (code, made) = ask(&server, "POST", "/api/v1/status-pages", Some(&written));
    assert_eq!((code, &made["data"]["slug"]), (200, &json!("example")), "{made}");
    let shown = page(&server, "/status/example");
    assert!(shown.contains("Everything is down") && shown.contains("Website") && shown.contains("Example &#60;b&#62;"), "{shown}");
    assert!(!shown.contains("<script") && !shown.contains("web-1") && shown.len() < 30_000, "{}", shown.len());

    let told = json!({ "title": "We repair it", "severity": "outage", "checks": ["web-1"], "text": "The disk is full." });
    let (code, post) = ask(&server, "POST", "/api/v1/status-pages/example/posts", Some(&told));
    assert_eq!((code, &post["data"]["stage"], &post["data"]["checks"]), (200, &json!("investigating"), &json!(["web-1"])), "{post}");
    let id = post["data"]["id"].as_i64().unwrap();
    assert!(page(&server, "/status/example").contains("The disk is full."));
    let more = json!({ "stage": "resolved", "text": "There is a bigger one." });
    let (code, post) = ask(&server, "POST", &format!("/api/v1/status-pages/example/posts/{id}/updates"), Some(&more));
    assert_eq!((code, &post["data"]["stage"], post["data"]["updates"].as_array().map(Vec::len)), (200, &json!("resolved"), Some(2)));

    // A page keeps its checks where they are renamed.
    let check = server.api("/api/v1/checks/web-1");
    let renamed = json!({ "name": "web-2", "interval": "1s", "tcp": { "address": check["check"]["target"] } });
    assert_eq!(ask(&server, "PUT", "/api/v1/checks/web-1", Some(&renamed)).0, 200);
    assert_eq!(server.api("/api/v1/status-pages/example")["sections"][0]["checks"], json!(["web-2"]));

    for (wrong, said) in [
        (json!({ "title": "x", "slug": "example" }), "already"),
        (json!({ "title": "x", "slug": "self" }), "for itself"),
        (json!({ "title": "x", "sections": [{ "checks": ["Nobody"] }] }), "there is no check"),
        (json!({ "slug": "x" }), "has a title"),
    ] {
        let (code, answer) = ask(&server, "POST", "/api/v1/status-pages", Some(&wrong));
        assert!(code == 400 && answer["error"].as_str().unwrap().contains(said), "{answer}");
    }
    assert_eq!(ask(&server, "DELETE", "/api/v1/status-pages/example", None).0, 200);
    assert_eq!((server.get("/status/example").0, server.get("/api/v1/status-pages/example").0), (404, 404));
}

#[test]
fn a_page_is_made_and_told_on_by_forms_and_survives_a_crash() {
    let mut server = Server::quiet();
    down(&server, "db");
    assert!(page(&server, "/uptime/status-pages").contains("No status page yet"));
    assert!(page(&server, "/uptime/status-pages/edit").contains("db</textarea>"));
    let fields = [
        ("title", "Forms"),
        ("part0.title", "All"),
        ("part0.checks", "db = Database | Orders are in it"),
        ("published", "1"),
        ("zone", "Europe/Berlin"),
    ];
    let (code, preview) = send_form(&server, "/uptime/status-pages/preview", &fields);
    assert!(
        code == 200 && preview.contains("Everything is down") && preview.contains("Database") && preview.contains("Orders are in it"),
        "{preview}"
    );
    assert_eq!(server.get("/status/forms").0, 404, "a preview keeps nothing");
    assert_eq!(send_form(&server, "/uptime/status-pages/save", &fields).0, 200);
    assert!(page(&server, "/status/forms").contains("Database"));
    assert!(page(&server, "/uptime/status-pages/edit?id=forms").contains("db = Database | Orders are in it"));
    let (code, wrong) = send_form(&server, "/uptime/status-pages/save", &[("title", "x"), ("part0.checks", "Nobody")]);
    assert!(code == 400 && wrong.contains("there is no check") && wrong.contains("Nobody</textarea>"), "{wrong}");

    let tell = [("slug", "forms"), ("do", "tell"), ("title", "Slow"), ("severity", "degraded"), ("stage", "identified"), ("check", "db")];
    assert_eq!(send_form(&server, "/uptime/status-pages/posts", &tell).0, 200);
    assert!(page(&server, "/status/forms").contains("We found the cause"), "the usual words stand for none");
    assert!(page(&server, "/uptime/status-pages/posts?slug=forms").contains("Slow"));
    server.kill_and_restart();
    let shown = until(|| Some(server.get("/status/forms")).filter(|(code, _)| *code == 200).map(|(_, text)| text));
    assert!(shown.contains("Slow"), "{shown}");
    let id = server.api("/api/v1/status-pages/forms/posts")[0]["id"].to_string();
    let more = [("slug", "forms"), ("do", "more"), ("post", id.as_str()), ("stage", "resolved"), ("text", "Done & dusted")];
    assert_eq!(send_form(&server, "/uptime/status-pages/posts", &more).0, 200);
    assert!(page(&server, "/status/forms").contains("Done &#38; dusted"));
    let forget = [("slug", "forms"), ("do", "forget"), ("post", id.as_str())];
    assert_eq!(send_form(&server, "/uptime/status-pages/posts", &forget).0, 200);
    assert_eq!(server.api("/api/v1/status-pages/forms/posts"), json!([]));
    assert_eq!(send_form(&server, "/uptime/status-pages/delete", &[("id", "forms")]).0, 200);
    assert_eq!(server.api("/api/v1/status-pages"), Json::Array(Vec::new()));
}

#[test]
fn a_page_tells_by_itself_of_what_is_down_for_long() {
    let server = Server::quiet();
    down(&server, "api");
    let written = json!({ "title": "Auto", "auto_after": "1s", "sections": [{ "checks": ["api"] }] });
    assert_eq!(ask(&server, "POST", "/api/v1/status-pages", Some(&written)).0, 200);
    let posts =
        until(|| Some(server.api("/api/v1/status-pages/auto/posts")).filter(|posts| posts.as_array().is_some_and(|all| !all.is_empty())));
    assert_eq!((&posts[0]["automatic"], &posts[0]["severity"], posts.as_array().map(Vec::len)), (&json!(true), &json!("outage"), Some(1)));
    // Whoever pauses the check has seen it.
    let check = server.api("/api/v1/checks/api");
    let paused = json!({ "name": "api", "interval": "1s", "paused": true, "tcp": { "address": check["check"]["target"] } });
    assert_eq!(ask(&server, "PUT", "/api/v1/checks/api", Some(&paused)).0, 200);
    until(|| Some(server.api("/api/v1/status-pages/auto/posts")).filter(|posts| posts[0]["stage"] == "resolved"));
}
