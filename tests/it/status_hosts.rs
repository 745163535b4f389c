//! Status pages under host names of their own, over the real server: that page and nothing else of it.

use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value as Json, json};

use crate::support::{Server, ask, client, mail_server, page, send_form};

const PATIENCE: Duration = Duration::from_secs(120);

fn plain() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(60)).build().unwrap()
}

/// A request as a browser sends it to a host of this name.
fn visit(server: &Server, method: &str, host: &str, path: &str) -> RequestBuilder {
    let request = plain().request(method.parse().unwrap(), server.url(path)).header("host", host);
    request.header("accept", "text/html,*/*;q=0.8").header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")
}

fn see(server: &Server, host: &str, path: &str) -> (u16, String) {
    let answer = visit(server, "GET", host, path).send().unwrap();
    (answer.status().as_u16(), answer.text().unwrap())
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

fn put(server: &Server, method: &str, path: &str, page: &Json) -> (u16, String) {
    let (code, answer) = ask(server, method, path, Some(page));
    (code, answer["error"].as_str().unwrap_or_default().to_owned())
}

fn publish(server: &Server, page: &Json) {
    assert_eq!(put(server, "POST", "/api/v1/status-pages", page), (200, String::new()));
}

/// What of the server must not be there under the name of a page.
const ELSEWHERE: [&str; 18] = [
    "/login",
    "/setup",
    "/uptime",
    "/uptime/status-pages",
    "/explore",
    "/docs",
    "/metrics",
    "/-/healthy",
    "/-/ready",
    "/api/health",
    "/api/v1/status-pages",
    "/api/v1/query?query=up",
    "/api/v1/openapi.json",
    "/api/v1/status-pages/shop/logo",
    "/status/other",
    "/status/self",
    "/status/shop/nothing",
    "/feed.xml/",
];

#[test]
fn a_name_shows_its_page_and_nothing_else() {
    let server = Server::quiet();
    let written = |more: Json| {
        let mut written = json!({ "title": "Example", "slug": "shop", "hosts": ["Status.Example.com.", "s2.example.com"], "footer": "Ours",
            "links": [{ "name": "Imprint", "url": "https://example.com/imprint" }] });
        written.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        written
    };
    assert_eq!(see(&server, "status.example.com", "/").0, 403, "nobody knows it yet");
    publish(&server, &written(json!({})));
    publish(&server, &json!({ "title": "Second", "slug": "other", "hosts": ["other.example"] }));
    assert_eq!(server.api("/api/v1/status-pages/shop")["hosts"], json!(["status.example.com", "s2.example.com"]));
    for host in ["status.example.com", "STATUS.example.com:8443", "status.example.com.", "s2.example.com"] {
        let (code, html) = see(&server, host, "/");
        assert!(code == 200 && html.contains("Example") && html.contains("Imprint") && !html.contains("<script"), "{host}: {code} {html}");
        assert!(html.contains("\"https://status.example.com/feed.xml\"") && html.contains("https://status.example.com/history"), "{html}");
    }
    let (_, html) = see(&server, "other.example", "/");
    assert!(html.contains("Second") && !html.contains("Imprint"), "{html}");
    let sheet = html.split("href=\"").find(|rest| rest.starts_with("/assets/")).map(|rest| rest.split('"').next().unwrap().to_owned());
    for below in ["/feed.xml", "/rss", "/status.json", "/maintenance.ics", "/badge.svg", "/history", "/subscribe", "/robots.txt"] {
        let (long, short) =
            (see(&server, "status.example.com", &format!("/status/shop{below}")), see(&server, "status.example.com", below));
        assert_eq!((short.0, long.0), (200, 200), "{below}");
    }
    for below in ["/feed.xml", "/rss", "/status.json"] {
        let (_, text) = see(&server, "s2.example.com", below);
        assert!(text.contains("https://status.example.com/") && !text.contains("127.0.0.1"), "{below}: {text}");
    }
    for path in sheet.iter().map(String::as_str).chain(["/status/shop", "/"]) {
        let answer = visit(&server, "GET", "status.example.com", path).header("accept-encoding", "gzip").send().unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(header(&answer, "cross-origin-opener-policy"), "same-origin", "{path}");
    }

    let app = page(&server, "/docs")
        .split("src=\"")
        .find(|rest| rest.starts_with("/assets/"))
        .map(|rest| rest.split('"').next().unwrap().to_owned());
    for path in ELSEWHERE.iter().copied().chain(app.as_deref()) {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let answer = visit(&server, method, "status.example.com", path).send().unwrap();
            let (code, policy) = (answer.status().as_u16(), header(&answer, "content-security-policy"));
            let (kind, cookie) = (header(&answer, "content-type"), header(&answer, "set-cookie"));
            let html = answer.text().unwrap();
            assert!(code == 404 && kind.starts_with("text/html") && cookie.is_empty(), "{method} {path}: {code} {kind} {html}");
            assert!(html.contains("There is no such page") && html.contains("Example") && policy.contains("default-src 'none'"), "{path}");
            assert!(!html.contains("/login") && !html.to_lowercase().contains("pharos") && html.len() < 2_000, "{path}: {html}");
        }
    }
    let program = plain().get(server.url("/api/v1/query?query=up")).header("host", "status.example.com").send().unwrap();
    assert_eq!((program.status().as_u16(), header(&program, "content-type").starts_with("text/plain")), (404, true));
    // A page of another site that has people's browsers ask here is still refused.
    assert_eq!((see(&server, "evil.example", "/").0, see(&server, "sub.status.example.com", "/").0), (403, 403));
    // And the server itself is what it was.
    assert!(page(&server, "/status/other").contains("Second") && server.get("/api/v1/status-pages/shop").0 == 200);

    assert_eq!(see(&server, "status.example.com", "/robots.txt").1, "User-agent: *\nDisallow: /\n");
    let path = "/api/v1/status-pages/shop";
    assert_eq!(put(&server, "PUT", path, &written(json!({ "listed": true }))).0, 200);
    assert_eq!(see(&server, "status.example.com", "/robots.txt").1, "User-agent: *\nAllow: /\n");
    // Not public: nothing is there, not even what it is called.
    assert_eq!(put(&server, "PUT", path, &written(json!({ "published": false }))).0, 200);
    for below in ["/", "/feed.xml", "/robots.txt", "/subscribe", "/login"] {
        let (code, html) = see(&server, "status.example.com", below);
        assert!(code == 404 && !html.contains("Example") && html.contains("There is no such page"), "{below}: {code} {html}");
    }
    // One name is taken away, and then all.
    assert_eq!(put(&server, "PUT", path, &written(json!({ "hosts": ["s2.example.com"] }))).0, 200);
    assert_eq!((see(&server, "status.example.com", "/").0, see(&server, "s2.example.com", "/").0), (403, 200));
    assert_eq!(ask(&server, "DELETE", path, None).0, 200);
    assert_eq!((see(&server, "s2.example.com", "/").0, see(&server, "other.example", "/").0), (403, 200));
}

#[test]
fn a_name_is_of_one_page_and_never_the_server_s() {
    let mut server =
        Server::start(&["--host-metrics=false", "--own-metrics=false", "--external-url=http://pharos.example:9090", "--auth=off"]);
    publish(&server, &json!({ "title": "Example", "slug": "shop", "hosts": ["status.example.com"] }));
    for (host, said) in [
        ("status.example.com", "\"status.example.com\" is a name of the status page \"shop\" already"),
        ("PHAROS.example", "\"pharos.example\" is this server's own name"),
        ("127.0.0.1", "is an address"),
        ("localhost", "this machine itself"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("https://a.example", "a name alone"),
    ] {
        let (code, told) = put(&server, "POST", "/api/v1/status-pages", &json!({ "title": "Second", "slug": "other", "hosts": [host] }));
        assert!(code == 400 && told.contains(said), "{host}: {code} {told}");
    }
    // Whoever would lock themselves out is told so.
    let made =
        plain().post(server.url("/api/v1/status-pages")).header("host", "pharos.lan:9090").header("content-type", "application/json");
    let answer = made.body(json!({ "title": "Second", "hosts": ["pharos.lan"] }).to_string()).send().unwrap();
    let (code, told) = (answer.status().as_u16(), answer.text().unwrap());
    assert!(code == 400 && told.contains("this server's own name") || code == 403, "{code} {told}");

    let fields = [("id", "shop"), ("title", "Example"), ("slug", "shop"), ("published", "1"), ("show_values", "1"), ("footer", "Ours")];
    let with = |more: &[(&str, &str)]| send_form(&server, "/uptime/status-pages/save", &[&fields[..], more].concat());
    let (code, html) = with(&[("hosts", "a.example\nb_c.example")]);
    assert!(code == 400 && html.contains("is no name of a host") && html.contains("b_c.example</textarea>"), "{html}");
    let (code, html) = with(&[("links", "Imprint")]);
    assert!(code == 400 && html.contains("an equals sign and an address"), "{html}");
    assert_eq!(with(&[("hosts", "a.example\n\nB.example "), ("links", "Imprint = https://x.example/i\nMail = mailto:a@x.example")]).0, 200);
    let kept = server.api("/api/v1/status-pages/shop");
    assert_eq!((&kept["hosts"], &kept["footer"], &kept["show_values"]), (&json!(["a.example", "b.example"]), &json!("Ours"), &json!(true)));
    assert_eq!(kept["links"][1], json!({ "name": "Mail", "url": "mailto:a@x.example" }));
    assert!(page(&server, "/uptime/status-pages/edit?id=shop").contains("a.example\nb.example</textarea>"));
    assert_eq!((see(&server, "status.example.com", "/").0, see(&server, "b.example", "/").0), (403, 200));
    server.kill_and_restart();
    crate::support::until(|| {
        Some(see(&server, "a.example", "/")).filter(|(code, html)| *code == 200 && html.contains("http://a.example:9090/feed.xml"))
    });
}

#[test]
fn a_password_opens_the_page_under_its_name() {
    let server = Server::quiet();
    publish(&server, &json!({ "title": "Example", "slug": "shop", "hosts": ["status.example.com"], "password": "correct horse" }));
    for below in ["/", "/feed.xml", "/status.json", "/badge.svg"] {
        assert_eq!(see(&server, "status.example.com", below).0, 401, "{below}");
    }
    assert_eq!(header(&visit(&server, "GET", "status.example.com", "/history").send().unwrap(), "location"), "/");
    let unlock = |password: &str, path: &str, from: &[(&str, &str)]| {
        let request = visit(&server, "POST", "status.example.com", path).form(&[("password", password)]);
        from.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().unwrap()
    };
    for from in [&[("sec-fetch-site", "cross-site")][..], &[("origin", "https://evil.example")], &[("origin", "http://127.0.0.1")]] {
        assert_eq!(unlock("correct horse", "/unlock", from).status(), 403, "{from:?}");
    }
    assert_eq!(unlock("wrong horse", "/unlock", &[]).status(), 401);
    for path in ["/unlock", "/status/shop/unlock"] {
        let opened = unlock("correct horse", path, &[("origin", "http://status.example.com")]);
        let cookie = header(&opened, "set-cookie");
        assert_eq!((opened.status().as_u16(), header(&opened, "location").as_str()), (303, "/"));
        assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        for below in ["/", "/feed.xml", "/history", "/subscribe"] {
            let answer = visit(&server, "GET", "status.example.com", below).header("cookie", &cookie).send().unwrap();
            assert_eq!(answer.status(), 200, "{below}");
        }
    }
}

/// The links of a letter, whose lines may be broken.
fn link(letter: &str, start: &str) -> String {
    let whole = letter.replace("\r\n", "\n").replace("=\n", "").replace("=3D", "=");
    let at = whole.find(start).unwrap_or_else(|| panic!("{start} in {whole}"));
    whole[at..].split(|c: char| c.is_whitespace() || c == '>').next().unwrap().to_owned()
}

#[test]
fn letters_lead_to_the_name_of_the_page() {
    let (port, letters) = mail_server();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routing.yml");
    let routing = format!(
        "global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: pharos@x.example, smtp_require_tls: false}}\nroute: {{receiver: all}}\nreceivers: [{{name: all}}]\n"
    );
    std::fs::write(&path, routing).unwrap();
    // The page's own name is address enough: the server needs none of its own.
    let flag = format!("--alertmanager.config.file={}", path.display());
    let server = Server::on(&folder.path().join("data"), &[flag.as_str(), "--host-metrics=false", "--own-metrics=false", "--auth=off"]);
    publish(&server, &json!({ "title": "Example", "slug": "shop", "hosts": ["status.example.com"] }));
    let send = |path: &str, name: &str, value: &str| {
        let request = visit(&server, "POST", "status.example.com", path).header("origin", "http://status.example.com");
        request.form(&[(name, value)]).send().unwrap().status().as_u16()
    };
    let forged = visit(&server, "POST", "status.example.com", "/subscribe").header("origin", "https://evil.example");
    assert_eq!(forged.form(&[("address", "ann@x.example")]).send().unwrap().status(), 403);
    assert_eq!(send("/subscribe", "address", "ann@x.example"), 200);
    let letter = letters.recv_timeout(PATIENCE).unwrap();
    let confirm = link(&letter, "https://status.example.com/confirm?secret=");
    let (path, secret) = confirm.strip_prefix("https://status.example.com").and_then(|path| path.split_once("?secret=")).unwrap();
    assert!(see(&server, "status.example.com", &format!("{path}?secret={secret}")).1.contains("<form"));
    assert_eq!(send(path, "secret", secret), 200);
    let post = json!({ "title": "Slow", "severity": "degraded", "text": "We look into it." });
    assert_eq!(ask(&server, "POST", "/api/v1/status-pages/shop/posts", Some(&post)).0, 200);
    let letter = letters.recv_timeout(PATIENCE).unwrap();
    let end = link(&letter, "https://status.example.com/unsubscribe?secret=");
    let end = end.strip_prefix("https://status.example.com").unwrap();
    assert!(!letter.contains("127.0.0.1") && see(&server, "status.example.com", end).0 == 200, "{letter}");
    let one_click = client().post(server.url(end)).header("host", "status.example.com").form(&[("List-Unsubscribe", "One-Click")]);
    assert_eq!(one_click.send().unwrap().status(), 200);
    assert_eq!(server.api("/api/v1/status-pages/shop/followers"), json!([]));
}
