//! Pages are complete, safe and say what to do.

use crate::support::{Server, client};
use crate::wire;

const PAGES: [&str; 17] = [
    "/",
    "/explore",
    "/logs",
    "/logs/line",
    "/logs/saved",
    "/logs/streams",
    "/logs/ingestion",
    "/targets",
    "/catalogue",
    "/cardinality",
    "/pushed",
    "/send",
    "/status",
    "/docs",
    "/status/self",
    "/settings/connect",
    "/settings/server",
];

#[test]
fn every_page_is_whole_and_guarded() {
    let server = Server::quiet();
    for path in PAGES {
        let answer = client().get(server.url(path)).send().unwrap();
        let status = answer.status().as_u16();
        let csp = answer.headers().get("content-security-policy").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let sniff = answer.headers().contains_key("x-content-type-options");
        let text = answer.text().unwrap();
        // Which line must be said; the page says so.
        assert_eq!(status, if path == "/logs/line" { 400 } else { 200 }, "{path}");
        assert!(csp.contains("script-src 'self'") && !csp.contains("script-src 'self' 'unsafe-inline'"), "{path}: {csp}");
        assert!(sniff, "{path}");
        assert!(text.contains("</html>") && text.contains("<h1"), "{path}");
        assert!(!text.contains("<script>"), "{path}: inline script");
    }
    assert_eq!(server.get("/no-such-page").0, 404);
}

#[test]
fn hostile_names_are_escaped() {
    let server = Server::quiet();
    let evil = "<img src=x onerror=alert(1)>";
    let (status, text) = wire::send(
        &server.url("/api/v1/write"),
        wire::body(vec![wire::series(&[("__name__", "evil"), ("job", evil), (evil, "1")], &[(1_700_000_000_000, 1.0)])]),
    );
    assert_eq!(status, 204, "{text}");
    for path in [
        "/cardinality",
        "/catalogue",
        "/explore?q=evil&from=1699999000&to=1700000100",
        "/explore?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    ] {
        let (status, text) = server.get(path);
        assert_eq!(status, 200, "{path}");
        assert!(!text.contains("<img src=x"), "{path}");
    }
}

#[test]
fn a_form_from_another_site_changes_nothing() {
    let server = Server::quiet();
    client().put(server.url("/metrics/job/kept")).body("a 1\n").send().unwrap();
    let answer = client()
        .post(server.url("/pushed/delete"))
        .header("Sec-Fetch-Site", "cross-site")
        .header("Origin", "https://evil.example")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("job=kept")
        .send()
        .unwrap();
    assert_eq!(answer.status().as_u16(), 403);
    assert!(server.get("/pushed").1.contains("kept"));
}

#[test]
fn browsers_get_a_page_where_there_is_none() {
    let server = Server::quiet();
    assert_eq!(server.get("/no-such-page"), (404, "404 page not found\n".to_owned()));
    let answer = client().get(server.url("/no-such-page")).header("Accept", "text/html,*/*;q=0.8").send().unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    assert!(answer.headers().contains_key("content-security-policy"));
    assert!(answer.text().unwrap().contains("There is no such page"));
}

#[test]
fn pages_speak_the_readers_language() {
    let server = Server::quiet();
    let page = |path: &str, accepted: &str, cookie: &str| {
        let request = client().get(server.url(path)).header("Accept-Language", accepted).header("Cookie", cookie);
        request.send().unwrap().text().unwrap()
    };
    for path in PAGES {
        assert!(page(path, "ar-EG,ar;q=0.9,en;q=0.8", "").contains("<html lang=\"ar\" dir=\"rtl\""), "{path}");
        assert!(page(path, "ar", "lang=en").contains("<html lang=\"en\" dir=\"ltr\""), "{path}: what is chosen counts more");
    }
    let answer = client().post(server.url("/ui/look")).body("lang=ar&next=/status").send().unwrap();
    assert!(answer.url().path() == "/status" && answer.status().is_success(), "{}", answer.url());
}

#[test]
fn graphs_say_what_cannot_be_read_without_running_anything() {
    let server = Server::quiet();
    let page = server.get("/explore?q=sum(rate(x").1;
    assert!(page.contains("unclosed left parenthesis"), "{page}");
    // Only an evaluation would find that there is no such series or too much of it.
    assert!(!server.get("/explore?q=sum(x)").1.contains("class=\"qerr\""));
}

#[test]
fn values_of_tables_stand_without_spaces_around_them() {
    let server = Server::quiet();
    let page = server.get("/explore?q=1%2B1&view=table").1;
    // Spaces are shown as they stand in these cells.
    assert!(page.contains("style=\"white-space:pre\">2</td>"), "{page}");
}

#[test]
fn charts_of_a_fresh_server_are_filled_and_those_of_an_old_one_show_an_hour() {
    let server = Server::quiet();
    let push = |ago_ms: i64| {
        let now_ms = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
        let series = wire::series(&[("__name__", "aged"), ("job", "a")], &[(now_ms - ago_ms, 1.0)]);
        assert_eq!(wire::send(&server.url("/api/v1/write"), wire::body(vec![series])).0, 204);
    };
    let shows = |words: &str| ["/", "/explore"].iter().all(|page| server.get(page).1.contains(&format!(">{words}<")));
    push(20_000);
    assert!(shows("Last 5 minutes"));
    push(30 * 60_000);
    assert!(shows("Last hour"));
}
