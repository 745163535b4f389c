//! Status pages as customers see them over the real server: the page, its feeds and badges, and how people follow it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::{Server, ask, client, mail_server, page, send_form, until};

const PATIENCE: Duration = Duration::from_secs(120);

/// A port at which something listens, and answers nothing.
fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A port that is open as long as the test runs: whoever connects is taken, so that no queue is full one day.
fn open() -> u16 {
    let (listener, port) = listener();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    port
}

/// A port at which nobody listens; no test is given one so low.
const SHUT: u16 = 1;

/// A check that is in this state.
fn check(server: &Server, name: &str, port: u16, state: &str) {
    let check = json!({ "name": name, "interval": "1s", "retries": 0, "tcp": { "address": format!("127.0.0.1:{port}") } });
    assert_eq!(ask(server, "POST", "/api/v1/checks", Some(&check)).0, 200);
    until(|| Some(server.api(&format!("/api/v1/checks/{name}"))).filter(|found| found["check"]["state"] == state));
}

fn publish(server: &Server, page: &Json) {
    let (code, made) = ask(server, "POST", "/api/v1/status-pages", Some(page));
    assert_eq!(code, 200, "{made}");
}

fn tell(server: &Server, slug: &str, title: &str) -> i64 {
    let post = json!({ "title": title, "severity": "degraded", "text": "We look into it. <b>Now</b>" });
    let (code, made) = ask(server, "POST", &format!("/api/v1/status-pages/{slug}/posts"), Some(&post));
    assert_eq!(code, 200, "{made}");
    made["data"]["id"].as_i64().unwrap()
}

#[test]
fn customers_see_what_is_true_without_script_or_account() {
    let server = Server::quiet();
    check(&server, "web-1", open(), "up");
    check(&server, "pay-1", SHUT, "down");
    let sections = json!([{ "title": "Shop", "checks": ["web-1", "pay-1"], "components": [
        { "check": "web-1", "name": "<img src=x onerror=alert(1)>" }, { "check": "pay-1", "name": "Checkout", "description": "Cards" },
    ] }]);
    publish(&server, &json!({ "title": "Example", "slug": "shop", "sections": sections }));
    let html = until(|| Some(page(&server, "/status/shop")).filter(|html| html.contains("Checkout is down")));
    assert!(
        html.len() < 30_000 && !html.contains("<script") && !html.contains("<img") && html.contains("&#60;img") | html.contains("&lt;img"),
        "{html}"
    );
    assert!(html.contains("Everything else works.") && html.contains("<h1") && !html.contains("pay-1"), "{html}");
    tell(&server, "shop", "Cards are slow");
    let html = page(&server, "/status/shop");
    assert!(html.contains("Cards are slow") && html.contains("We look into it.") && !html.contains("<b>Now</b>"), "{html}");

    for (path, kind, part) in [
        ("/status/shop/feed.xml", "application/atom+xml", "<title>Cards are slow</title>"),
        ("/status/shop/rss", "application/rss+xml", "Cards are slow"),
        ("/status/shop/status.json", "application/json", "\"Cards are slow\""),
        ("/status/shop/maintenance.ics", "text/calendar", "BEGIN:VCALENDAR"),
        ("/status/shop/badge.svg", "image/svg+xml", "<svg"),
        ("/api/v1/checks/pay-1/badge/status.svg", "image/svg+xml", "Checkout: Down"),
        ("/api/v1/checks/web-1/badge/uptime.svg?days=7", "image/svg+xml", "&lt;img"),
    ] {
        let answer = client().get(server.url(path)).send().unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let found = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let (headers, text) = (answer.headers().clone(), answer.text().unwrap());
        assert!(found.starts_with(kind) && text.contains(part), "{path}: {found}: {text}");
        assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"), "{path}");
        // It may be drawn anew in between, which happens once a minute.
        until(|| {
            let now = client().get(server.url(path)).send().unwrap().headers()["etag"].clone();
            let again = client().get(server.url(path)).header("if-none-match", now).send().unwrap();
            (again.status() == 304).then_some(())
        });
    }
    for (path, code) in [
        ("/status/other", 404),
        ("/status/other/history", 404),
        ("/status/other/feed.xml", 404),
        ("/status/other/subscribe", 404),
        ("/api/v1/checks/nobody/badge/status.svg", 404),
        ("/api/v1/checks/web-1/badge/other.svg", 404),
        ("/api/v1/checks/web-1/badge/uptime.svg?days=900", 400),
    ] {
        assert_eq!(server.get(path).0, code, "{path}");
    }
    // Whoever mistypes the address of a page learns nothing about the server.
    let (_, nowhere) = server.get("/status/other");
    assert!(nowhere.contains("There is no such page") && !nowhere.contains("<nav"), "{nowhere}");
    let json: Json = serde_json::from_str(&page(&server, "/status/shop/status.json")).unwrap();
    assert_eq!(
        (&json["sections"][0]["components"][1]["status"], &json["incidents"][0]["stage"]),
        (&json!("outage"), &json!("investigating"))
    );
}

#[test]
fn what_is_not_public_is_not_there() {
    let server = Server::quiet();
    check(&server, "web-1", open(), "up");
    publish(&server, &json!({ "title": "Draft", "slug": "draft", "published": false, "sections": [{ "checks": ["web-1"] }] }));
    for path in ["/status/draft", "/status/draft/feed.xml", "/status/draft/subscribe", "/api/v1/checks/web-1/badge/status.svg"] {
        assert_eq!(server.get(path).0, 404, "{path}");
    }
    publish(&server, &json!({ "title": "حالة", "slug": "ar", "language": "ar", "sections": [{ "checks": ["web-1"] }] }));
    let html = page(&server, "/status/ar");
    assert!(html.contains("dir=\"rtl\"") && html.contains("كل شيء يعمل"), "{html}");
    assert!(page(&server, "/status/ar/subscribe").contains("dir=\"rtl\""));
}

/// The secret of a link in a letter, whose lines may be broken.
fn secret(letter: &str) -> String {
    let whole = letter.replace("=\n", "").replace("=3D", "=");
    let rest = whole.split("secret=").nth(1).unwrap();
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

#[test]
fn who_says_yes_is_told_once_until_they_end_it() {
    let (port, letters) = mail_server();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routing.yml");
    let routing = format!(
        "global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: pharos@x.example, smtp_require_tls: false}}\nroute: {{receiver: all}}\nreceivers: [{{name: all}}]\n"
    );
    std::fs::write(&path, routing).unwrap();
    let flag = format!("--alertmanager.config.file={}", path.display());
    let args = [flag.as_str(), "--external-url=http://status.example", "--host-metrics=false", "--own-metrics=false", "--auth=off"];
    let mut server = Server::on(&folder.path().join("data"), &args);
    publish(&server, &json!({ "title": "Example", "slug": "shop" }));
    assert!(page(&server, "/status/shop/subscribe").contains("type=\"email\""));
    assert_eq!(send_form(&server, "/status/shop/subscribe", &[("address", "nobody")]).0, 400);
    let (code, said) = send_form(&server, "/status/shop/subscribe", &[("address", "bot@x.example"), ("website", "spam")]);
    assert!(code == 200 && said.contains("a letter is on its way"), "{said}");
    let (code, again) = send_form(&server, "/status/shop/subscribe", &[("address", "ann@x.example")]);
    // All but the nonce of each.
    let plain = |text: &str| text.split_once("nonce=\"").map(|(head, rest)| format!("{head}{}", &rest[32..]));
    assert_eq!((code, plain(&again)), (200, plain(&said)), "whoever asks is answered alike");
    let letter = letters.recv_timeout(PATIENCE).unwrap();
    assert!(
        letter.contains("Subject: Confirm updates of Example")
            && letter.contains("ann@x.example")
            && letter.contains("http://status.example"),
        "{letter}"
    );
    let secret = secret(&letter);

    tell(&server, "shop", "Before");
    assert!(page(&server, &format!("/status/shop/confirm?secret={secret}")).contains("<form"), "a link that is opened changes nothing");
    assert_eq!(send_form(&server, "/status/shop/confirm", &[("secret", "other")]).0, 404);
    assert_eq!(send_form(&server, "/status/shop/confirm", &[("secret", &secret)]).0, 200);
    tell(&server, "shop", "After");
    let letter = letters.recv_timeout(PATIENCE).unwrap();
    assert!(
        letter.contains("After") && !letter.contains("Before") && letter.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        "{letter}"
    );
    server.kill_and_restart();
    assert!(letters.recv_timeout(Duration::from_secs(6)).is_err(), "nobody is told twice");

    let (code, _) = server.post(
        &format!("/status/shop/unsubscribe?secret={secret}"),
        "application/x-www-form-urlencoded",
        "List-Unsubscribe=One-Click",
    );
    assert_eq!(code, 200);
    assert_eq!(server.api("/api/v1/status-pages/shop/followers"), json!([]));
    tell(&server, "shop", "Later");
    assert!(letters.recv_timeout(Duration::from_secs(5)).is_err());
    let asked = (0..4).map(|_| send_form(&server, "/status/shop/subscribe", &[("address", "ann@x.example")]).0).collect::<Vec<_>>();
    assert!(asked.contains(&429), "{asked:?}");
}

/// Takes one call of a webhook: what it is known by, what it says, and where the answer goes.
fn called(hook: &TcpListener) -> (String, Json, TcpStream) {
    let (stream, _) = hook.accept().unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let (mut length, mut id, mut line) = (0, String::new(), String::new());
    while lines.read_line(&mut line).unwrap() > 2 {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "idempotency-key" => id = value.trim().to_owned(),
            _ => {}
        }
        line.clear();
    }
    let mut body = vec![0; length];
    std::io::Read::read_exact(&mut lines, &mut body).unwrap();
    (id, serde_json::from_slice(&body).unwrap(), stream)
}

const TAKEN: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[test]
fn a_webhook_is_called_again_after_a_crash_and_knows_it() {
    let (hook, port) = listener();
    let mut server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--server.fetch-allow=loopback"]);
    publish(&server, &json!({ "title": "Example", "slug": "shop" }));
    let hooked = json!({ "webhook": format!("http://127.0.0.1:{port}/hook") });
    assert_eq!(ask(&server, "POST", "/api/v1/status-pages/shop/followers", Some(&hooked)).0, 200);
    tell(&server, "shop", "Slow");
    // It was called, and the server is killed before it knows what became of that.
    let (first, said, stream) = called(&hook);
    server.kill_and_restart();
    drop(stream);
    let (second, again, mut stream) = called(&hook);
    assert!(first.len() == 32 && said["id"] == first.as_str(), "{first} {said}");
    assert_eq!((&second, &again), (&first, &said), "the same call, and known as that");
    stream.write_all(TAKEN).unwrap();
    tell(&server, "shop", "Slower");
    let (third, told, mut stream) = called(&hook);
    assert!(third != first && told["post"]["title"] == "Slower", "what was taken does not come again: {told}");
    stream.write_all(TAKEN).unwrap();
}

#[test]
fn a_webhook_leads_only_where_the_server_may_call() {
    let server = Server::quiet();
    let (hook, port) = listener();
    publish(&server, &json!({ "title": "Example", "slug": "shop" }));
    let add = |address: &str| ask(&server, "POST", "/api/v1/status-pages/shop/followers", Some(&json!({ "webhook": address })));
    for address in [format!("http://127.0.0.1:{port}/hook"), format!("http://[::1]:{port}/"), "http://169.254.169.254/latest".to_owned()] {
        let (code, answer) = add(&address);
        assert!(code == 400 && answer["error"].as_str().unwrap().contains("server.fetch_allow"), "{address}: {answer}");
    }
    // A name says nothing until it is called.
    assert_eq!(add(&format!("http://localhost:{port}/hook")).0, 200);
    tell(&server, "shop", "Slow");
    hook.set_nonblocking(true).unwrap();
    for _ in 0..50 {
        assert!(hook.accept().is_err(), "it was called");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn programs_are_told_by_webhook() {
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--server.fetch-allow=loopback"]);
    let (hook, port) = listener();
    publish(&server, &json!({ "title": "Example", "slug": "shop" }));
    let add = |address: &str| ask(&server, "POST", "/api/v1/status-pages/shop/followers", Some(&json!({ "webhook": address }))).0;
    assert_eq!((add("ftp://x"), add(""), add(&format!("http://127.0.0.1:{port}/hook"))), (400, 400, 200));
    tell(&server, "shop", "Slow");
    let (_, told, mut stream) = called(&hook);
    stream.write_all(TAKEN).unwrap();
    assert!(told["text"].as_str().unwrap().starts_with("Example: Slow") && told["update"]["stage"] == "investigating", "{told}");
    let id = server.api("/api/v1/status-pages/shop/followers")[0]["id"].as_i64().unwrap();
    assert_eq!(ask(&server, "DELETE", &format!("/api/v1/status-pages/shop/followers/{id}"), None).0, 200);
}

#[test]
fn past_months_can_be_looked_at() {
    let server = Server::quiet();
    publish(&server, &json!({ "title": "Example", "slug": "shop" }));
    tell(&server, "shop", "Cards are slow");
    assert!(page(&server, "/status/shop").contains("/status/shop/history"));
    let html = page(&server, "/status/shop/history");
    assert!(html.contains("Cards are slow") && !html.contains("<script") && !html.contains("rel=\"prev\""), "{html}");
    tell(&server, "shop", "Cards are slower");
    let answer = client().get(server.url("/status/shop/history")).send().unwrap();
    let headers = answer.headers().clone();
    assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert!(answer.text().unwrap().contains("Cards are slower"), "what is told is there at once");
    for (query, code) in [("1999-12", 404), ("9990-01", 404), ("2026-13", 400), ("2026", 400), ("x", 400), ("2026-Q4", 400)] {
        assert_eq!(server.get(&format!("/status/shop/history?month={query}")).0, code, "{query}");
    }
    assert_eq!(server.get("/status/other/history").0, 404);
}

#[test]
fn editors_see_who_follows() {
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--server.fetch-allow=127.0.0.1"]);
    publish(&server, &json!({ "title": "Example", "slug": "shop" }));
    assert!(page(&server, "/uptime/status-pages").contains("/uptime/status-pages/followers?slug=shop"));
    let html = page(&server, "/uptime/status-pages/followers?slug=shop");
    assert!(html.contains("Nobody follows this page yet") && html.contains("smtp_smarthost") && html.contains("external_url"), "{html}");
    assert!(page(&server, "/uptime/status-pages/edit?id=shop").contains("smtp_smarthost"));
    let path = "/uptime/status-pages/followers";
    let send = |fields: &[(&str, &str)]| send_form(&server, path, &[fields, &[("slug", "shop")]].concat());
    let (code, html) = send(&[("do", "add"), ("webhook", "ftp://<x>")]);
    assert!(code == 400 && html.contains("begins with https://") && html.contains("ftp://&#60;x&#62;"), "{html}");
    assert_eq!(send(&[("do", "add"), ("webhook", "http://127.0.0.1:1/hook")]).0, 200);
    assert_eq!(send(&[("do", "add"), ("webhook", "http://127.0.0.1:1/hook")]).0, 400);
    assert!(page(&server, "/uptime/status-pages/followers?slug=shop").contains("http://127.0.0.1:1/hook"));
    let id = server.api("/api/v1/status-pages/shop/followers")[0]["id"].to_string();
    assert_eq!(send(&[("do", "remove"), ("follower", "999")]).0, 404);
    assert_eq!(send(&[("do", "remove"), ("follower", &id)]).0, 200);
    assert_eq!(server.api("/api/v1/status-pages/shop/followers"), json!([]));
    assert_eq!(server.get("/uptime/status-pages/followers?slug=other").0, 404);
}

#[test]
fn a_logo_is_a_picture_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::on(folder.path(), &["--host-metrics=false", "--own-metrics=false"]);
    publish(&server, &json!({ "title": "Example", "slug": "shop" }));
    let api = "/api/v1/status-pages/shop/logo";
    let put = |server: &Server, body: Vec<u8>| client().put(server.url(api)).body(body).send().unwrap().status().as_u16();
    assert_eq!((server.get("/status/shop/logo").0, put(&server, b"<html>".to_vec()), put(&server, vec![b'x'; 200_000])), (404, 400, 413));
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    assert_eq!(put(&server, svg.into()), 200);
    assert!(page(&server, "/status/shop").contains("<img class=\"logo\" src=\"/status/shop/logo?v="));
    server.kill_and_restart();
    let answer = client().get(server.url("/status/shop/logo")).send().unwrap();
    let headers = answer.headers().clone();
    assert_eq!(
        (headers["content-type"].to_str().unwrap(), headers["x-content-type-options"].to_str().unwrap()),
        ("image/svg+xml", "nosniff")
    );
    assert!(headers["content-security-policy"].to_str().unwrap().ends_with("sandbox"));
    assert_eq!(answer.text().unwrap(), svg);
    let again = client().get(server.url("/status/shop/logo")).header("if-none-match", &headers["etag"]).send().unwrap();
    assert_eq!(again.status(), 304);

    let sent = |content: &[u8]| {
        let head = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"l\"\r\n\r\n";
        let body = [&head[..], content, b"\r\n--x--\r\n"].concat();
        let request = client().post(server.url("/uptime/status-pages/logo?id=shop"));
        request.header("content-type", "multipart/form-data; boundary=x").body(body).send().unwrap().status().as_u16()
    };
    assert_eq!((sent(b"GIF89a"), sent(b""), sent(b"\x89PNG\r\n\x1a\n")), (400, 400, 200));
    assert_eq!(client().get(server.url("/status/shop/logo")).send().unwrap().headers()["content-type"], "image/png");
    assert_eq!(send_form(&server, "/uptime/status-pages/logo?id=shop", &[]).0, 200);
    assert_eq!((server.get("/status/shop/logo").0, ask(&server, "DELETE", api, None).0), (404, 404));
}

#[test]
fn a_page_with_a_password_is_shown_to_who_knows_it() {
    let server = Server::quiet();
    check(&server, "web-1", open(), "up");
    let written = |more: Json| {
        let mut written = json!({ "title": "Example", "slug": "shop", "sections": [{ "checks": ["web-1"] }] });
        written.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        written
    };
    let path = "/api/v1/status-pages/shop";
    assert_eq!(ask(&server, "POST", "/api/v1/status-pages", Some(&written(json!({ "protected": true })))).0, 400);
    assert_eq!(ask(&server, "POST", "/api/v1/status-pages", Some(&written(json!({ "password": "short" })))).0, 400);
    let hash = json!({ "password": "correct horse", "password_hash": "$argon2id$v=19$m=4194304,t=9,p=1$c2FsdHNhbHQ$aGFzaGhhc2g" });
    publish(&server, &written(hash));
    let told = server.api(path).to_string() + &server.api("/api/v1/audit").to_string();
    assert!(told.contains("\"protected\":true") && !told.contains("argon2") && !told.contains("correct horse"), "{told}");
    tell(&server, "shop", "Cards are slow");
    let all = ["", "/feed.xml", "/rss", "/status.json", "/maintenance.ics", "/badge.svg", "/history", "/subscribe", "/logo"];
    for below in all {
        let (code, text) = server.get(&format!("/status/shop{below}"));
        assert!(code == 401 && !text.contains("Cards") && !text.contains("web-1"), "{below}: {code} {text}");
    }
    assert_eq!(server.get("/api/v1/checks/web-1/badge/status.svg").0, 404);
    assert_eq!(ask(&server, "PUT", path, Some(&written(json!({ "protected": true })))).0, 200, "it keeps its password");

    let plain = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let unlock = |password: &str| plain.post(server.url("/status/shop/unlock")).form(&[("password", password)]).send().unwrap();
    assert_eq!(unlock("wrong horse").status(), 401);
    let opened = unlock("correct horse");
    assert_eq!(opened.status(), 303);
    let cookie = opened.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; Path=/status/shop; HttpOnly; SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let see = |path: &str, cookie: &str| plain.get(server.url(path)).header("cookie", cookie).send().unwrap();
    for below in &all[..8] {
        let answer = see(&format!("/status/shop{below}"), cookie);
        let kept = answer.headers()["cache-control"].to_str().unwrap();
        assert!(answer.status() == 200 && kept.contains("no-store"), "{below}: {} {kept}", answer.status());
    }
    assert_eq!(see("/status/shop", "pharos-page=00").status(), 401);
    assert_eq!(ask(&server, "PUT", path, Some(&written(json!({ "password": "another horse" })))).0, 200);
    assert_eq!(see("/status/shop", cookie).status(), 401, "another password ends what the first opened");
    let codes: Vec<u16> = (0..12).map(|_| unlock("wrong horse").status().as_u16()).collect();
    assert!(codes.contains(&401) && codes.last() == Some(&429), "{codes:?}");
    assert_eq!(ask(&server, "PUT", path, Some(&written(json!({})))).0, 200);
    assert_eq!(server.get("/status/shop").0, 200, "without a password everybody sees it");
}
