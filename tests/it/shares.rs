//! Dashboards for people without an account, over a server where people sign in: links, snapshots, embedding; and what
//! somebody who has only a link cannot do. Versions and the way home to a file are here too.

use reqwest::blocking::Response;
use serde_json::{Value, json};

use crate::access::House;
use crate::support::{Server, client};

/// Every value of a panel's queries stands in its title or in the name of its series.
fn board() -> Value {
    json!({
        "uid": "u", "title": "Team",
        "templating": {"list": [
            {"type": "custom", "name": "job", "query": "api,web", "current": {"value": "api"}},
            {"type": "custom", "name": "env", "query": "prod,dev", "current": {"value": "dev"}},
            {"type": "textbox", "name": "text", "query": "own"},
        ]},
        "links": [{"type": "link", "title": "Secret", "url": "/d/other/secret"}],
        "panels": [
            {"id": 1, "type": "timeseries", "title": "$job in $env: $text", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
             "targets": [{"refId": "A", "expr": "label_replace(vector(1), \"job\", \"$job\", \"\", \"\")", "legendFormat": "{{job}} of ${env}"}]},
            {"id": 2, "type": "stat", "title": "Broken", "gridPos": {"x": 12, "y": 0, "w": 12, "h": 8}, "targets": [{"refId": "A", "expr": "secret_function(up"}]},
            {"id": 3, "type": "dashlist", "title": "Others", "gridPos": {"x": 0, "y": 8, "w": 12, "h": 8}},
        ],
    })
}

struct Shared {
    house: House,
    cookie: String,
}

impl Shared {
    fn start() -> Self {
        let house = House::start();
        let cookie = house.set_up();
        let shared = Self { house, cookie };
        assert_eq!(shared.push(&board()), 200);
        shared
    }

    fn push(&self, board: &Value) -> u16 {
        let body = json!({ "dashboard": board, "overwrite": true }).to_string();
        let request =
            client().post(self.house.url("/api/dashboards/db")).header("cookie", &self.cookie).header("sec-fetch-site", "same-origin");
        request.header("content-type", "application/json").body(body).send().unwrap().status().as_u16()
    }

    fn page(&self, path: &str) -> String {
        self.house.look(path, ("cookie", &self.cookie)).text().unwrap()
    }

    /// Makes a link or a snapshot; gives its path.
    fn make(&self, fields: &[(&str, &str)]) -> String {
        let answer = self.house.submit("/d/u/team/share", fields, &self.cookie);
        assert_eq!(answer.status(), 303, "{fields:?}");
        let page = self.page("/d/u/team/share");
        let at = page.find("/p/").unwrap_or_else(|| panic!("{page}"));
        page[at..].split(['"', '<', '?']).next().unwrap().to_owned()
    }
}

/// Somebody without an account.
fn stranger(shared: &Shared, path: &str) -> Response {
    client().get(shared.house.url(path)).header("accept", "text/html").send().unwrap()
}

fn panels(shared: &Shared, path: &str, body: &Value) -> (u16, Vec<Value>) {
    let request = client().post(shared.house.url(&format!("{path}/panels"))).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().unwrap();
    let status = answer.status().as_u16();
    (status, answer.text().unwrap().lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn of<'a>(lines: &'a [Value], key: &str) -> &'a Value {
    lines.iter().find(|line| line["key"] == key).unwrap_or_else(|| panic!("no {key} in {lines:?}"))
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

const MAKE: [(&str, &str); 7] = [
    ("do", "make"),
    ("vars", "var-job=api&var-env=prod"),
    ("from", "now-1h"),
    ("to", "now"),
    ("open", "job"),
    ("open", "text"),
    ("days", "7"),
];

#[test]
fn whoever_has_a_link_sees_what_was_shared_and_no_more() {
    let shared = Shared::start();
    let path = shared.make(&MAKE);
    assert!(path.len() > "/p/".len() + 22, "{path}");
    let answer = stranger(&shared, &path);
    assert_eq!(answer.status(), 200);
    assert_eq!((header(&answer, "referrer-policy").as_str(), header(&answer, "cache-control").as_str()), ("no-referrer", "no-store"));
    assert!(header(&answer, "x-robots-tag").contains("noindex"));
    assert!(header(&answer, "content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(header(&answer, "x-frame-options"), "DENY");
    let html = answer.text().unwrap();
    for hidden in
        ["/d/u", "/d/other", "/explore", "/logout", "/settings", "class=\"side\"", "/d/u/-/json", "name=\"var-env\"", "name=\"var-text\""]
    {
        assert!(!html.contains(hidden), "{hidden}: {html}");
    }
    assert!(html.contains("name=\"var-job\"") && html.contains("api in prod: own"), "{html}");
    // The same for somebody who is signed in.
    assert!(!shared.page(&path).contains("class=\"side\""));

    let keys = json!([{"key": "1", "w": 600, "h": 200}, {"key": "2"}, {"key": "3"}]);
    let (status, lines) =
        panels(&shared, &path, &json!({"vars": "var-job=web&var-env=dev&var-text=x", "from": "now-1y", "to": "now", "panels": keys}));
    assert_eq!((status, of(&lines, "1")["title"].as_str()), (200, Some("web in prod: own")));
    let data = &of(&lines, "1")["data"];
    assert_eq!(data["series"][0]["name"], "web of prod");
    assert_eq!(of(&lines, "2")["error"], json!({"text": "This panel could not be made."}));
    assert_eq!(of(&lines, "3")["text"], "Lists of dashboards are not shared.");
    for attack in ["x\"} or up{a=\"", "\", \"\", \"\") or label_replace(vector(2), \"job\", \"evil", ".*", "api|web", "", "$text"] {
        let vars = form_urlencoded::Serializer::new(String::new()).append_pair("var-job", attack).append_pair("var-text", attack).finish();
        let (status, lines) =
            panels(&shared, &path, &json!({"vars": vars, "zone": attack, "refresh": true, "panels": [{"key": "1", "w": 600}]}));
        assert_eq!((status, of(&lines, "1")["title"].as_str()), (200, Some("api in prod: own")), "{attack}");
        assert_eq!(of(&lines, "1")["data"]["series"].as_array().unwrap().len(), 1, "{attack}");
    }
    assert_eq!(panels(&shared, &path, &json!({"draft": {"title": "x", "panels": []}, "panels": []})).0, 400);
    assert_eq!(
        client().post(shared.house.url("/ui/boards/u/panels")).body("{}").send().unwrap().status(),
        401,
        "the door inside stays shut"
    );
}

#[test]
fn links_end_and_say_nothing_of_why() {
    let shared = Shared::start();
    let path = shared.make(&MAKE);
    let token = path.trim_start_matches("/p/").to_owned();
    let lost = |path: &str| {
        let answer = stranger(&shared, path);
        assert_eq!(answer.status(), 404);
        let html = answer.text().unwrap();
        let main = html.find("<main").unwrap();
        html[main..].to_owned()
    };
    let unknown = lost("/p/AAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let off = [("do", "off"), ("token", token.as_str()), ("next", "/d/shares")];
    assert_eq!(shared.house.submit("/d/shares", &off, &shared.cookie).status(), 303);
    assert_eq!(lost(&path), unknown);
    assert_eq!(panels(&shared, &path, &json!({"panels": []})).0, 404);
    let on = [("do", "on"), ("token", token.as_str())];
    assert_eq!(shared.house.submit("/d/shares", &on, &shared.cookie).status(), 303);
    assert_eq!(stranger(&shared, &path).status(), 200);
    assert_eq!(shared.house.submit("/d/shares", &[("do", "delete"), ("token", token.as_str())], &shared.cookie).status(), 303);
    assert_eq!(lost(&path), unknown);

    // Who only reads makes none, and is not shown any.
    let reader = shared.house.token(&shared.cookie, &["read"]);
    let ask = |method: &str, path: &str| {
        let request = client().request(method.parse().unwrap(), shared.house.url(path)).bearer_auth(&reader);
        request.header("content-type", "application/x-www-form-urlencoded").body("do=make&days=7").send().unwrap()
    };
    assert_eq!((ask("POST", "/d/u/team/share").status().as_u16(), ask("GET", "/d/shares").status().as_u16()), (403, 403));
    let page = ask("GET", "/d/u/team/share").text().unwrap();
    assert!(page.contains("For people with an account") && !page.contains("For people without an account"), "{page}");
    let audit = shared.house.api("/api/v1/audit", &shared.house.token(&shared.cookie, &["admin"])).to_string();
    for action in ["dashboard.share", "dashboard.share_off", "dashboard.share_on", "dashboard.share_delete"] {
        assert!(audit.contains(&format!("\"{action}\"")), "{action}: {audit}");
    }
    assert!(!audit.contains(&token), "the address is a secret");
}

#[test]
fn only_pages_that_were_named_embed_it() {
    let shared = Shared::start();
    let mut fields = MAKE.to_vec();
    fields.extend([("embed", "some"), ("origins", "https://intranet.example"), ("free", "yes")]);
    let path = shared.make(&fields);
    let answer = stranger(&shared, &format!("{path}?panel=1&theme=dark&kiosk=1"));
    assert!(header(&answer, "content-security-policy").contains("frame-ancestors https://intranet.example;"));
    assert_eq!(header(&answer, "x-frame-options"), "", "it cannot name anybody, and must not say nobody");
    let html = answer.text().unwrap();
    assert!(
        html.contains("data-theme=\"dark\"") && html.contains("data-kiosk") && html.contains("gp-1") && !html.contains("gp-2"),
        "{html}"
    );
    let (status, _) = panels(&shared, &path, &json!({"from": "now-7d", "to": "now", "panels": [{"key": "1"}]}));
    assert_eq!(status, 200);
    let (status, _) = panels(&shared, &path, &json!({"from": "now-60d", "to": "now", "panels": [{"key": "1"}]}));
    assert_eq!(status, 400, "31 days at most");
    let wrong = [("do", "make"), ("days", "7"), ("embed", "some"), ("origins", "javascript:x; script-src *")];
    let answer = shared.house.submit("/d/u/team/share", &wrong, &shared.cookie);
    assert!(answer.status() == 400 && answer.text().unwrap().contains("is no origin of a page"));
}

#[test]
fn a_snapshot_outlives_its_dashboard() {
    let shared = Shared::start();
    let link = shared.make(&MAKE);
    let snapshot = shared.make(&[
        ("do", "snapshot"),
        ("title", "That day"),
        ("vars", "var-job=web&var-env=prod"),
        ("from", "now-1h"),
        ("to", "now"),
        ("days", ""),
    ]);
    assert_ne!(link, snapshot);
    let request =
        client().delete(shared.house.url("/api/dashboards/uid/u")).header("cookie", &shared.cookie).header("sec-fetch-site", "same-origin");
    assert_eq!(request.send().unwrap().status(), 200);
    assert_eq!(stranger(&shared, &link).status(), 404);
    let answer = stranger(&shared, &snapshot);
    assert_eq!(answer.status(), 200);
    let html = answer.text().unwrap();
    assert!(html.contains("Snapshot of") && html.contains("That day") && html.contains("web in prod: own"), "{html}");
    assert!(!html.contains("label_replace") && !html.contains("name=\"var-job\""));
    let (status, lines) =
        panels(&shared, &snapshot, &json!({"vars": "var-job=api", "from": "now-5m", "panels": [{"key": "1"}, {"key": "2"}]}));
    assert_eq!((status, of(&lines, "1")["title"].as_str(), lines.len()), (200, Some("web in prod: own"), 3));
    assert!(!of(&lines, "1")["data"]["series"].as_array().unwrap().is_empty());
    assert!(shared.page("/d/shares").contains("the dashboard is gone"));
}

#[test]
fn versions_are_compared_and_come_back() {
    let shared = Shared::start();
    let mut next = board();
    next["title"] = "Team B".into();
    next["panels"][0]["targets"][0]["expr"] = "vector(2)".into();
    assert_eq!(shared.push(&next), 200);
    let page = shared.page("/d/u/team-b/versions");
    for words in ["From version 1 to version 2", "Title: from “Team” to “Team B”", "Panel $job in $env: $text", "query", "<ins>+", "<del>-"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let restore =
        |had: &str, version: &str| shared.house.submit("/d/u/team-b/versions", &[("had", had), ("version", version)], &shared.cookie);
    let stale = restore("1", "1");
    assert_eq!(stale.status(), 412);
    assert!(stale.text().unwrap().contains("nothing was restored: version 2 was saved by ann"));
    assert_eq!(restore("2", "99").status(), 404);
    assert_eq!(restore("2", "1").status(), 303);
    let page = shared.page("/d/u/team/versions?from=1&to=3");
    assert!(page.contains("They are the same.") && page.contains("Restored from version 1"), "{page}");
    assert!(shared.page("/d/u/team/json?version=2").contains("Team B"));
}

#[test]
fn one_that_came_with_pharos_is_compared_with_that_and_can_be_it_again() {
    let shared = Shared::start();
    let versions = "/d/pharos-host/x/versions";
    assert!(!shared.page(versions).contains("Came with pharos"), "nothing was changed yet");
    let mut board: Value = serde_json::from_str(&shared.page("/d/pharos-host/x/json")).unwrap();
    board["title"] = "Our hosts".into();
    assert_eq!(shared.push(&board), 200);
    let page = shared.page(&format!("{versions}?from=ready"));
    for words in ["Changed here since it came with pharos", "” to “Our hosts”", "Give up changes made here"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let give_up = |had: &str| shared.house.submit(versions, &[("had", had), ("version", "ready")], &shared.cookie).status().as_u16();
    assert_eq!((give_up("7"), give_up("1")), (412, 303));
    let page = shared.page(versions);
    assert!(page.contains("It is as it comes with pharos.") && page.contains("As it comes with pharos"), "{page}");
    assert!(shared.page(&format!("{versions}?from=1&to=2")).contains("from “Our hosts” to “"), "what it was stays in its history");
    // Others know nothing of it.
    assert_eq!(shared.house.submit("/d/u/team/versions", &[("had", "1"), ("version", "ready")], &shared.cookie).status(), 400);
    assert!(!shared.page("/d/u/team/versions?from=ready").contains("Came with pharos"));
}

#[test]
fn a_query_becomes_a_panel_of_a_dashboard_that_is_chosen() {
    let shared = Shared::start();
    let add = "/d/add?q=up%7Ba%3D%22%3Cb%3E%22%7D&view=stacked&unit=ops&from=now-3h&to=now";
    let page = shared.page(add);
    for wanted in [
        "href=\"/d/u/team?edit=1&#38;from=now-3h&#38;to=now#add=stacked&#38;q=up%7Ba%3D%22%3Cb%3E%22%7D&#38;unit=ops\"",
        "href=\"/d/new?edit=1",
        "href=\"/d/pharos-host/",
        "up{a=&#34;&#60;b&#62;&#34;}",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let found = shared.page(&format!("{add}&query=team"));
    assert!(found.contains("/d/u/team?edit=1") && !found.contains("/d/pharos-host/"), "it is searched");
    assert!(shared.page("/explore?q=up").contains("formaction=\"/d/add\""));
    let reader = shared.house.token(&shared.cookie, &["read"]);
    let ask = |path: &str| client().get(shared.house.url(path)).bearer_auth(&reader).header("accept", "text/html").send().unwrap();
    assert_eq!(ask(add).status(), 403);
    assert!(!ask("/explore?q=up").text().unwrap().contains("/d/add"), "who may not edit is offered nothing");
    let refused = shared.house.look("/d/add", ("cookie", &shared.cookie));
    assert!(refused.status() == 400 && refused.text().unwrap().contains("there is no query to make a panel of"));
    let long = shared.house.look(&format!("/d/add?q={}", "a".repeat(12_001)), ("cookie", &shared.cookie));
    assert_eq!(long.status(), 400);
}

#[test]
fn what_was_changed_here_goes_home_as_a_patch() {
    let folder = tempfile::tempdir().unwrap();
    let boards = folder.path().join("boards");
    std::fs::create_dir(&boards).unwrap();
    let text = "{\n    \"uid\": \"home\",\n    \"title\": \"Home\",\n    \"panels\": [\n        {\"id\": 1, \"type\": \"stat\", \"title\": \"One\"}\n    ]\n}\n";
    std::fs::write(boards.join("home.json"), text).unwrap();
    let server = Server::on(
        &folder.path().join("data"),
        &["--host-metrics=false", "--own-metrics=false", "--boards.folder", boards.to_str().unwrap()],
    );
    let mut kept = Value::Null;
    for _ in 0..1200 {
        let (status, answer) = server.get("/api/dashboards/uid/home");
        if status == 200 {
            kept = serde_json::from_str(&answer).unwrap();
            break;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    let mut board = kept["dashboard"].clone();
    board["panels"][0]["title"] = "Two".into();
    let (status, answer) =
        server.post("/api/dashboards/db", "application/json", json!({"dashboard": board, "overwrite": true}).to_string());
    assert_eq!(status, 200, "{answer}");
    assert!(server.get("/d/home/home").1.contains("Changed here"));
    let page = server.get("/d/home/home/versions?from=file").1;
    assert!(
        page.contains("Changed here since the file") && page.contains("Give up changes made here") && page.contains("home.json"),
        "{page}"
    );
    let answer = client().get(server.url("/d/home/home/versions/home.diff")).send().unwrap();
    assert!(header(&answer, "content-type").starts_with("text/x-diff"));
    let patch = answer.text().unwrap();
    assert!(patch.starts_with("--- home.json\n+++ home.json\n@@ "), "{patch}");
    // Only what was changed is in it, in the file's own way of writing.
    assert!(
        patch.contains("-        {\"id\": 1, \"type\": \"stat\", \"title\": \"One\"}\n") && patch.contains("\"title\": \"Two\""),
        "{patch}"
    );
    assert!(!patch.contains("\"version\"") && !patch.contains("-    \"title\": \"Home\""), "{patch}");
    let (status, _) = server.post("/d/home/home/versions", "application/x-www-form-urlencoded", "had=2&version=file");
    assert!(status == 200 || status == 303, "{status}");
    assert!(!server.get("/d/home/home").1.contains("Changed here"));
    assert_eq!(server.get("/d/home/home/versions/home.diff").1, "");
}
