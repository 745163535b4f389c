//! Connecting programs: what the page shows works when it is pasted into a shell, and its light turns green.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::redirect;
use serde_json::Value as Json;

use crate::support::{Server, skip};

/// A server on which an administrator is signed in. Its log is in a file, as the set-up code stands there only.
struct House {
    process: Child,
    address: String,
    cookie: String,
    client: Client,
    folder: tempfile::TempDir,
}

impl Drop for House {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

impl House {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let process = Command::new(env!("CARGO_BIN_EXE_pharos"))
            .args(["serve", "--auth", "on", "--listen", "127.0.0.1:0", "--host-metrics=false", "--data-dir"])
            .arg(folder.path().join("data"))
            .env_clear()
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(Duration::from_secs(60)).build().unwrap();
        let mut house = Self { process, address: String::new(), cookie: String::new(), client, folder };
        let after = |text: &str, sign: &str| -> Option<String> {
            let (_, rest) = text.split_once(sign)?;
            Some(rest.split(|c: char| c.is_whitespace() || c == '"').next()?.to_owned())
        };
        for _ in 0..600 {
            let text = fs::read_to_string(&log).unwrap();
            if let (Some(address), Some(code)) = (after(&text, "listening on http://"), after(&text, "?code=")) {
                house.address = address;
                let fields = [("code", code.as_str()), ("name", "ann"), ("password", "correct horse battery")];
                house.cookie = cookie_of(&house.submit("/setup", &fields, ""));
                return house;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("the server did not start: {}", fs::read_to_string(&log).unwrap());
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn submit(&self, path: &str, fields: &[(&str, &str)], cookie: &str) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(self.url(path)).header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", "same-origin").header("cookie", cookie).body(body).send().unwrap()
    }

    fn look(&self, path: &str, cookie: &str) -> (u16, String) {
        let response = self.client.get(self.url(path)).header("cookie", cookie).send().unwrap();
        (response.status().as_u16(), response.text().unwrap())
    }

    /// Makes somebody with a role; gives their cookie.
    fn person(&self, name: &str, role: &str) -> String {
        let fields = [("name", name), ("email", ""), ("role", role), ("password", "another long password")];
        let made = self.submit("/settings/people", &fields, &self.cookie);
        assert!(made.status().as_u16() < 400, "{}", made.text().unwrap());
        let signed_in = self.submit("/login", &[("name", name), ("password", "another long password")], "");
        cookie_of(&signed_in)
    }

    fn light(&self, page: &str) -> Json {
        let path = between(page, "<ph-light class=\"light\" src=\"", "\"").replace("&amp;", "&");
        serde_json::from_str(&self.look(&path, &self.cookie).1).unwrap()
    }

    /// Asks until the light is green.
    fn await_green(&self, page: &str) -> Json {
        for _ in 0..1200 {
            let light = self.light(page);
            if light["state"] == "green" {
                return light;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("the light never turned green: {}", self.light(page));
    }
}

fn cookie_of(response: &Response) -> String {
    let text = response.headers().get("set-cookie").expect("a cookie").to_str().unwrap();
    text.split(';').next().unwrap().to_owned()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}"));
    rest.split(after).next().unwrap()
}

/// The text to paste, as a browser copies it.
fn snippet(page: &str) -> String {
    let escaped = between(page, "<pre id=\"snippet\" tabindex=\"0\">", "</pre>");
    escaped.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command}\n{said}");
    said
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn what_is_pasted_into_a_shell_turns_the_light_green() {
    if !has("curl") {
        return skip("curl is not installed");
    }
    let house = House::start();
    for client in ["curl", "lines", "pushgateway", "query"] {
        let page = house.submit("/settings/connect", &[("client", client)], &house.cookie).text().unwrap();
        let before = house.light(&page);
        assert_eq!(before["state"], "waiting", "{client}: {before}");
        let said = sh(&snippet(&page));
        let light = house.await_green(&page);
        assert_eq!(light["samples"].as_u64() > Some(0), client != "query", "{client}: {light} {said}");
    }
    let node = house.submit("/settings/connect", &[("client", "node")], &house.cookie).text().unwrap();
    if has("node") {
        let output = Command::new("node").args(["--input-type=module", "-e", &snippet(&node)]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        house.await_green(&node);
    } else {
        skip("Node.js is not installed");
    }
}

#[test]
fn texts_of_other_languages_are_read_by_them() {
    let house = House::start();
    let text = |client: &str| snippet(&house.submit("/settings/connect", &[("client", client)], &house.cookie).text().unwrap());
    if has("python3") {
        let check = Command::new("python3").args(["-c", "import ast, sys; ast.parse(sys.argv[1])", &text("python")]).output().unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    } else {
        skip("Python is not installed");
    }
    if has("promtool") {
        let file = house.folder.path().join("prometheus.yml");
        fs::write(&file, text("prometheus")).unwrap();
        let check = Command::new("promtool").args(["check", "config"]).arg(&file).output().unwrap();
        assert!(check.status.success(), "{}{}", String::from_utf8_lossy(&check.stdout), String::from_utf8_lossy(&check.stderr));
    } else {
        skip("promtool is not installed");
    }
}

#[test]
fn the_light_says_when_what_came_was_refused() {
    let house = House::start();
    let page = house.submit("/settings/connect", &[("client", "prometheus")], &house.cookie).text().unwrap();
    let token = between(&snippet(&page), "credentials: ", "\n").to_owned();
    let answer = house.client.post(house.url("/api/v1/write")).bearer_auth(&token).body("nonsense").send().unwrap();
    assert!(answer.status().is_client_error());
    let light = house.light(&page);
    assert_eq!(light["state"], "refused", "{light}");
    assert_eq!(house.look("/settings/connect/light?token=9999", &house.cookie).0, 404);
    assert_eq!(house.look("/settings/connect/light?token=x", &house.cookie).0, 400);
}

#[test]
fn editors_connect_programs_and_viewers_do_not() {
    let house = House::start();
    let (editor, viewer) = (house.person("eve", "editor"), house.person("vic", "viewer"));
    assert_eq!(house.look("/settings/connect", &viewer).0, 403);
    assert_eq!(house.submit("/settings/connect", &[("client", "curl")], &viewer).status().as_u16(), 403);
    let page = house.submit("/settings/connect", &[("client", "curl")], &editor).text().unwrap();
    let token = between(&snippet(&page), "Bearer ", "'").to_owned();
    assert!(token.starts_with("pht_"), "{token}");
    // Shown once; it may send and nothing else; it makes no further tokens.
    assert!(!house.look("/settings/connect?client=curl", &editor).1.contains("pht_"));
    let as_token = |request: reqwest::blocking::RequestBuilder| request.bearer_auth(&token).send().unwrap().status().as_u16();
    assert_eq!(as_token(house.client.get(house.url("/api/v1/query?query=up"))), 403);
    assert_eq!(as_token(house.client.post(house.url("/settings/connect"))), 403);
    let audit = house.look("/settings/audit", &house.cookie).1;
    assert!(audit.contains("token.create") && audit.contains("curl, one value as JSON") && !audit.contains(&token));
}

#[test]
fn the_address_is_that_of_the_browser_or_the_one_that_is_set() {
    let server = Server::quiet();
    let page = server.get("/settings/connect?client=prometheus").1;
    assert!(snippet(&page).contains(&format!("url: http://{}/api/v1/write", server.address)), "{page}");
    let named = Server::start(&["--host-metrics=false", "--auth", "off", "--external-url", "https://pharos.example/"]);
    let page = named.get("/settings/connect?client=fluent-bit").1;
    let text = snippet(&page);
    assert!(text.contains("host: 'pharos.example'") && text.contains("port: 443") && text.contains("tls: on"), "{text}");
    for client in ["nonsense", "<script>", ""] {
        let (status, page) = server.get(&format!("/settings/connect?client={client}"));
        assert!(status == 200 && !page.contains("<script>"), "{client}");
    }
}

#[test]
fn where_nobody_signs_in_tokens_are_counted_all_the_same() {
    let server = Server::quiet();
    let (status, page) = server.post("/settings/connect", "application/x-www-form-urlencoded", "client=pushgateway");
    assert_eq!(status, 200, "{page}");
    let token = between(&snippet(&page), "token:", "'").to_owned();
    let push =
        crate::support::client().put(server.url("/metrics/job/a")).basic_auth("token", Some(token)).body("a 1\nb 2\n").send().unwrap();
    assert_eq!(push.status().as_u16(), 200);
    let path = between(&page, "<ph-light class=\"light\" src=\"", "\"").replace("&amp;", "&");
    let light: Json = serde_json::from_str(&server.get(&path).1).unwrap();
    assert_eq!((&light["state"], &light["samples"]), (&Json::from("green"), &Json::from(2)), "{light}");
}
