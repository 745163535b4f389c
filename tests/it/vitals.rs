//! Web vitals as browsers send them: the documents' script word for word, beacons from pages elsewhere, abuse.

use serde_json::json;

use crate::support::{Server, client, page, until};

const PATH: &str = "/api/metrics/web-vitals";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36";

fn send(server: &Server, kind: &str, body: String) -> reqwest::blocking::Response {
    send_by(&client(), server, kind, body)
}

fn send_by(client: &reqwest::blocking::Client, server: &Server, kind: &str, body: String) -> reqwest::blocking::Response {
    client
        .post(server.url(PATH))
        .header("content-type", kind)
        .header("origin", "https://shop.example")
        .header("referer", "https://shop.example/orders/4711?x=y")
        .header("user-agent", AGENT)
        .header("sec-fetch-site", "cross-site")
        .body(body)
        .send()
        .unwrap()
}

#[test]
fn what_the_documents_script_sends_is_gauge_histogram_and_page() {
    let server = Server::quiet();
    assert!(page(&server, "/web-vitals").contains("Nothing was measured yet"));
    // As a beacon, which is text, and as the fallback of the script, which is JSON.
    for (at, kind) in [(1, "text/plain;charset=UTF-8"), (2, "application/json"), (3, "text/plain;charset=UTF-8")] {
        let answer = send(&server, kind, json!({ "name": "LCP", "value": 1000.0 * f64::from(at), "id": format!("v3-{at}") }).to_string());
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["access-control-allow-origin"].to_str().unwrap()),
            (200, "https://shop.example")
        );
        assert_eq!(answer.text().unwrap(), r#"{"status":"success"}"#);
    }
    for (name, value) in [("CLS", 0.31), ("FID", 40.0)] {
        assert_eq!(send(&server, "text/plain", json!({ "name": name, "value": value, "id": "x" }).to_string()).status().as_u16(), 200);
    }
    let newest = |query: &str| {
        let found = server.await_query(query, |found| found.as_array().is_some_and(|list| !list.is_empty()));
        found[0]["value"][1].as_str().unwrap().to_owned()
    };
    assert_eq!((newest("web_vitals_lcp"), newest("web_vitals_cls"), newest("web_vitals_fid")), ("3000".into(), "0.31".into(), "40".into()));
    let labels = r#"{site="shop.example", page="/orders/:id", device="desktop", le=~"2.5"}"#;
    assert_eq!(newest(&format!("web_vitals_lcp_seconds_bucket{labels}")), "2");
    // Two of three were good; the page says so.
    let html = until(|| Some(page(&server, "/web-vitals?days=1")).filter(|html| html.contains("/orders/:id")));
    for said in ["needs work", "67 % good", "poor", "shop.example"] {
        assert!(html.contains(said), "{said}: {html}");
    }
    assert!(page(&server, "/web-vitals?days=1&device=mobile").contains("Nothing was measured in this time"));
}

#[test]
fn pages_elsewhere_may_ask_and_load_the_script() {
    let server = Server::quiet();
    let asked = client()
        .request(reqwest::Method::OPTIONS, server.url(PATH))
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .send()
        .unwrap();
    let header = |name: &str| asked.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    assert_eq!(asked.status().as_u16(), 204);
    assert_eq!((header("access-control-allow-origin"), header("access-control-allow-headers")), ("https://shop.example", "Content-Type"));
    let script = client().get(server.url("/vitals.js")).send().unwrap();
    assert_eq!(
        (
            script.headers()["access-control-allow-origin"].to_str().unwrap(),
            script.headers()["cross-origin-resource-policy"].to_str().unwrap()
        ),
        ("*", "cross-origin")
    );
    assert!(script.text().unwrap().contains("/api/metrics/web-vitals"));
}

#[test]
fn abuse_is_refused_in_words_and_makes_no_series() {
    let server =
        Server::with_config("pharos: {server: {vitals_sites: [shop.example]}}\n", &["--host-metrics=false", "--own-metrics=false"]);
    for (body, code, said) in [
        (r#"{"name":"DROP","value":1}"#.to_owned(), 400, "expected CLS, FCP, FID, INP, LCP or TTFB"),
        (r#"{"name":"LCP","value":1e300}"#.to_owned(), 400, "expected 0 to 600000"),
        ("x".repeat(20_000), 413, ""),
        ("<script>".to_owned(), 400, "cannot read the request"),
    ] {
        let answer = send(&server, "text/plain", body);
        assert_eq!(answer.status().as_u16(), code);
        let text = answer.text().unwrap();
        assert!(text.contains(said), "{text}");
    }
    let stranger =
        client().post(server.url(PATH)).header("origin", "https://evil.example").body(r#"{"name":"LCP","value":1}"#).send().unwrap();
    assert_eq!(stranger.status().as_u16(), 403);
    // Those of one network that send without end are told to wait, however slowly this machine sends.
    // By a connection that is kept, what is counted already: nothing is faster.
    let one = || r#"{"name":"INP","value":1,"id":"one"}"#.to_owned();
    assert_eq!(send(&server, "text/plain", one()).status().as_u16(), 200);
    let is_told = || {
        let client = client();
        (0..20_000).any(|_| {
            let answer = send_by(&client, &server, "text/plain", one());
            let is_so = answer.status().as_u16() == 429;
            let _read = answer.bytes();
            is_so
        })
    };
    let is_stopped = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8).map(|_| scope.spawn(is_told)).collect();
        senders.into_iter().any(|sender| sender.join().unwrap())
    });
    assert!(is_stopped, "nobody was told to wait");
    let off = Server::with_config("pharos: {server: {vitals: false}}\n", &["--host-metrics=false", "--own-metrics=false"]);
    assert_eq!(send(&off, "text/plain", r#"{"name":"LCP","value":1}"#.to_owned()).status().as_u16(), 404);
}
