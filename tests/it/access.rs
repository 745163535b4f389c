//! Signing in through the real server: set-up, sessions, tokens, and who may use which route.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::redirect;

/// A server where people must sign in; its log is in a file, as the set-up code stands there and nowhere else.
struct House {
    process: Child,
    address: String,
    code: String,
    client: Client,
    _folder: tempfile::TempDir,
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
        let after = |text: &str, sign: &str| -> Option<String> {
            let (_, rest) = text.split_once(sign)?;
            Some(rest.split(|c: char| c.is_whitespace() || c == '"').next()?.to_owned())
        };
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(Duration::from_secs(60)).build().unwrap();
        for _ in 0..600 {
            let text = fs::read_to_string(&log).unwrap();
            if let (Some(address), Some(code)) = (after(&text, "listening on http://"), after(&text, "?code=")) {
                return Self { process, address, code, client, _folder: folder };
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("the server did not start: {}", fs::read_to_string(&log).unwrap());
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a form as a browser does; the cookie is none when empty.
    fn submit(&self, path: &str, fields: &[(&str, &str)], cookie: &str) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(self.url(path)).header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", "same-origin").header("cookie", cookie).body(body).send().unwrap()
    }

    fn look(&self, path: &str, header: (&str, &str)) -> Response {
        self.client.get(self.url(path)).header("accept", "text/html").header(header.0, header.1).send().unwrap()
    }

    /// Makes the first administrator; gives the cookie.
    fn set_up(&self) -> String {
        let fields = [("code", self.code.as_str()), ("name", "ann"), ("password", "correct horse battery")];
        cookie_of(&self.submit("/setup", &fields, ""))
    }

    /// A token with these scopes.
    fn token(&self, cookie: &str, scopes: &[&str]) -> String {
        let mut fields = vec![("name", "test"), ("days", ""), ("rate", "")];
        fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
        let page = self.submit("/settings/tokens", &fields, cookie).text().unwrap();
        let at = page.find("pht_").expect("the token is shown");
        page[at..].split('<').next().unwrap().trim().to_owned()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

fn cookie_of(response: &Response) -> String {
    let text = response.headers().get("set-cookie").expect("a cookie").to_str().unwrap();
    assert!(text.contains("HttpOnly") && text.contains("SameSite=Lax"), "{text}");
    text.split(';').next().unwrap().to_owned()
}

#[test]
fn a_stranger_gets_nothing_and_the_set_up_code_opens_the_door() {
    let house = House::start();
    let page = house.look("/explore?q=up", ("accept-language", "en"));
    let to = page.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!((page.status().as_u16(), to.as_str()), (303, "/login?next=%2Fexplore%3Fq%3Dup"));
    let api = house.client.get(house.url("/api/v1/query?query=up")).send().unwrap();
    assert_eq!(api.status(), 401);
    assert!(api.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    assert_eq!(house.client.get(house.url("/-/healthy")).send().unwrap().status(), 200);
    let wrong = house.submit("/setup", &[("code", "2222-2222-2222-2222"), ("name", "eve"), ("password", "correct horse battery")], "");
    assert_eq!(wrong.status(), 400);
    let cookie = house.set_up();
    assert_eq!(house.look("/", ("cookie", &cookie)).status(), 200);
    assert_eq!(house.look("/settings/people", ("cookie", &cookie)).status(), 200);
    let out = house.submit("/logout", &[], &cookie);
    assert_eq!(out.status(), 303);
    assert_eq!(house.look("/", ("cookie", &cookie)).status(), 303, "the session has ended");
    let bad = house.submit("/login", &[("name", "ann"), ("password", "not this one here")], "");
    assert_eq!(bad.status(), 401);
    let again = house.submit("/login", &[("name", "ann"), ("password", "correct horse battery"), ("next", "//evil")], "");
    assert_eq!((again.status().as_u16(), again.headers()["location"].to_str().unwrap()), (303, "/"));
    let forged = house.client.post(house.url("/logout")).header("cookie", cookie_of(&again)).header("sec-fetch-site", "cross-site");
    assert_eq!(forged.send().unwrap().status(), 403);
}

#[test]
fn tokens_do_what_their_scopes_say() {
    let house = House::start();
    let cookie = house.set_up();
    let (read, write) = (house.token(&cookie, &["read"]), house.token(&cookie, &["metrics:write"]));
    let get = |token: &str| house.client.get(house.url("/api/v1/query?query=1")).bearer_auth(token).send().unwrap().status().as_u16();
    assert_eq!((get(&read), get(&write), get("pht_guess")), (200, 403, 401));
    let put = |token: &str| {
        let request = house.client.post(house.url("/metrics/job/test")).basic_auth("anything", Some(token));
        request.body("a 1\n").send().unwrap().status().as_u16()
    };
    assert_eq!((put(&read), put(&write)), (403, 200));
    let page = house.look("/settings/tokens", ("cookie", &cookie)).text().unwrap();
    assert!(!page.contains(&read) && page.contains("metrics:write"), "shown once");
    assert_eq!(house.client.get(house.url("/settings/tokens")).bearer_auth(&read).send().unwrap().status(), 403);
    let audit = house.look("/settings/audit", ("cookie", &cookie)).text().unwrap();
    assert!(audit.contains("token.create") && audit.contains("setup") && !audit.contains(&write));
}
