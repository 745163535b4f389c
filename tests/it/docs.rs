//! The documentation that is built in: every link leads somewhere, and what is generated is that of this server.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Server, client};

/// Values of an attribute, unescaped as far as addresses need it.
fn attributes(html: &str, name: &str) -> BTreeSet<String> {
    let sign = format!(" {name}=\"");
    html.split(&sign)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|value| value.replace("&amp;", "&").replace("&#38;", "&"))
        .collect()
}

/// Every page of the documentation by its address.
fn pages(server: &Server) -> BTreeMap<String, String> {
    let first = server.get("/docs").1;
    let links = attributes(&first, "href").into_iter().filter(|href| href.starts_with("/docs/") && !href.contains('#'));
    links.map(|href| (href.clone(), server.get(&href).1)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let server = Server::quiet();
    let pages = pages(&server);
    assert!(pages.len() >= 11, "{:?}", pages.keys());
    let mut seen = BTreeSet::new();
    for (own, html) in &pages {
        for href in attributes(html, "href") {
            let (path, id) = href.split_once('#').unwrap_or((&href, ""));
            let path = if path.is_empty() { own.as_str() } else { path };
            if !path.starts_with('/') || !seen.insert(format!("{path}#{id}")) {
                continue;
            }
            match pages.get(path) {
                Some(target) => assert!(id.is_empty() || attributes(target, "id").contains(id), "{own}: {href} is no heading"),
                None => assert_eq!(server.get(path).0, 200, "{own}: {href}"),
            }
        }
    }
    assert_eq!(server.get("/docs/no-such-page").0, 404);
    assert_eq!(server.get("/docs/..%2f..%2fCargo.toml").0, 400);
}

#[test]
fn the_reference_is_that_of_this_server() {
    let server = Server::start(&["--host-metrics=false"]);
    let configuration = server.get("/docs/configuration").1;
    for said in ["id=\"storage.retention_time\"", "PHAROS_STORAGE_RETENTION_TIME", "--retention-time", "scrape_interval", "honor_labels"] {
        assert!(configuration.contains(said), "{said}");
    }
    let api = server.get("/docs/http-api").1;
    for said in ["/api/v1/write", "role editor, or a token with metrics:write", "/settings/connect", "/docs/{page}", "/-/ready"] {
        assert!(api.contains(said), "{said}");
    }
    let own = server.get("/docs/own-metrics").1;
    let metrics = server.get("/metrics").1;
    let names: BTreeSet<&str> = metrics.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    assert!(names.len() > 60, "{}", names.len());
    for wing in
        ["pharos_access_tokens", "pharos_ingest_bytes_total", "pharos_work_waiting", "pharos_storage_wal_bytes", "pharos_scrape_targets"]
    {
        assert!(names.contains(wing), "{wing}");
    }
    for name in names {
        assert!(own.contains(&format!("<code>{name}</code>")), "{name}");
    }
    let titles: Vec<serde_json::Value> = serde_json::from_str(&server.get("/docs/titles.json").1).unwrap();
    let setting = titles.iter().find(|title| title["text"] == "storage.retention_time").expect("settings are found by name");
    assert_eq!(setting["href"], "/docs/configuration#storage.retention_time");
}

#[test]
fn pages_are_guarded() {
    let server = Server::quiet();
    let answer = client().get(server.url("/docs/quick-start")).send().unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    let html = answer.text().unwrap();
    assert!(html.contains("data-act=\"copy\"") && !html.contains("<script>") && html.contains("rel=\"next\""));
    assert_eq!(server.post("/docs/quick-start", "text/plain", "x").0, 405);
}

#[test]
fn the_server_shows_itself() {
    let server = Server::start(&["--host-metrics=false", "--host-interval", "1s"]);
    let html = server.get("/status/self").1;
    for tile in ["Memory", "On disk", "Series in memory", "Queries running", "Open files", "Up for"] {
        assert!(html.contains(&format!("<h2>{tile}</h2>")), "{tile}");
    }
    server
        .await_query("rate(process_cpu_seconds_total{job=\"pharos\"}[1m])", |found| found.as_array().is_some_and(|list| !list.is_empty()));
    let charts = attributes(&html, "src").into_iter().filter(|src| src.starts_with("/ui/chart")).collect::<Vec<_>>();
    assert!(charts.len() >= 15, "{charts:?}");
    for chart in charts {
        let (status, text) = server.get(&format!("{chart}&from=now-5m&to=now&width=600"));
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{chart}: {error}: {text}"));
        assert_eq!(status, 200, "{chart}: {text}");
        assert!(answer["error"].is_null() && answer["problems"].as_array().is_none_or(Vec::is_empty), "{chart}: {text}");
    }
    // Every metric that the page asks for is one that the server has; series of remote write come with an endpoint, those
    // of connections with the listener.
    let metrics = server.get("/metrics").1;
    for name in html.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        let is_own = ["pharos_", "prometheus_", "process_"].iter().any(|start| name.starts_with(start));
        let comes_later = ["prometheus_remote_storage_", "pharos_http_"].iter().any(|start| name.starts_with(start));
        if is_own && !comes_later && !name.ends_with('_') {
            assert!(metrics.contains(name), "the page asks for {name}, which the server does not have");
        }
    }
}
