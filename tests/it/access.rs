//! Signing in through the real server: set-up, sessions, tokens, and who may use which route.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::redirect;
use serde_json::{Value as Json, json};

/// A server of which the log is in a file, as the set-up code stands there and nowhere else.
pub(crate) struct House {
    process: Child,
    address: String,
    code: String,
    client: Client,
    folder: tempfile::TempDir,
}

const PASSWORD: &str = "correct horse battery";

impl House {
    /// Where people must sign in.
    pub(crate) fn start() -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), &["--auth", "on"], &[])
    }

    fn start_with(folder: tempfile::TempDir, args: &[&str], env: &[(&str, &str)]) -> Self {
        let log = folder.path().join("log");
        let process = Command::new(env!("CARGO_BIN_EXE_pharos"))
            .args(["serve", "--listen", "127.0.0.1:0", "--host-metrics=false", "--data-dir"])
            .arg(folder.path().join("data"))
            .args(args)
            .env_clear()
            .envs(env.iter().copied())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let after = |text: &str, sign: &str| -> Option<String> {
            let (_, rest) = text.split_once(sign)?;
            Some(rest.split(|c: char| c.is_whitespace() || c == '"').next()?.to_owned())
        };
        let mut house = Self { process, address: String::new(), code: String::new(), client: client_from(None), folder };
        for _ in 0..600 {
            let log = house.log();
            // The last line may be half written.
            let text = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
            // Both lines are written at the same time; where nobody is to be set up there is only the first.
            if let Some(address) = after(text, "listening on http://") {
                house.address = address;
                house.code = after(text, "?code=").unwrap_or_default();
                if !house.code.is_empty() || !env.is_empty() || args.contains(&"off") {
                    return house;
                }
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("the server did not start: {}", house.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Runs `pharos user …` on the data folder, with this on its standard input. Whether it was good, and what it said.
    fn user(&self, args: &[&str], input: &str) -> (bool, String) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_pharos"))
            .arg("user")
            .args(args)
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), said)
    }

    /// Signs in; the status, and the cookie where it worked.
    fn sign_in(&self, name: &str, password: &str) -> (u16, String) {
        let answer = self.submit("/login", &[("name", name), ("password", password)], "");
        let status = answer.status().as_u16();
        (status, if status == 303 { cookie_of(&answer) } else { String::new() })
    }

    /// An answer of the API that must be a success.
    pub(crate) fn api(&self, path: &str, token: &str) -> Json {
        let answer = self.client.get(self.url(path)).bearer_auth(token).send().unwrap();
        let (status, text) = (answer.status(), answer.text().unwrap());
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str::<Json>(&text).unwrap()["data"].clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a form as a browser does; the cookie is none when empty.
    pub(crate) fn submit(&self, path: &str, fields: &[(&str, &str)], cookie: &str) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(self.url(path)).header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", "same-origin").header("cookie", cookie).body(body).send().unwrap()
    }

    pub(crate) fn look(&self, path: &str, header: (&str, &str)) -> Response {
        self.client.get(self.url(path)).header("accept", "text/html").header(header.0, header.1).send().unwrap()
    }

    /// Makes the first administrator; gives the cookie.
    pub(crate) fn set_up(&self) -> String {
        let fields = [("code", self.code.as_str()), ("name", "ann"), ("password", PASSWORD)];
        cookie_of(&self.submit("/setup", &fields, ""))
    }

    /// A token with these scopes.
    pub(crate) fn token(&self, cookie: &str, scopes: &[&str]) -> String {
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

/// A client that follows no redirect, and asks from an address of its own where one is named.
fn client_from(address: Option<&str>) -> Client {
    let address: Option<IpAddr> = address.map(|address| address.parse().unwrap());
    Client::builder().redirect(redirect::Policy::none()).timeout(Duration::from_secs(60)).local_address(address).build().unwrap()
}

/// Asks until it is so; two minutes at most.
fn await_that(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{what} never came to be");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    begun.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "what another process takes is measured")]
fn now() -> Instant {
    Instant::now()
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
    let query = |token: Option<&str>| {
        let mut process = Command::new(env!("CARGO_BIN_EXE_pharos"));
        process.args(["query", "instant", "--url", &house.url(""), "1+1"]).env_clear().envs(token.map(|token| ("PHAROS_TOKEN", token)));
        let output = process.output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    assert!(query(Some(&read)).contains("scalar: 2"), "{}", query(Some(&read)));
    assert!(query(None).contains("PHAROS_TOKEN"));
    let refused = query(Some(&write));
    assert!(refused.contains("pharos: forbidden: this needs the scope read"), "{refused}");
    let page = house.look("/settings/tokens", ("cookie", &cookie)).text().unwrap();
    assert!(!page.contains(&read) && page.contains("metrics:write"), "shown once");
    assert_eq!(house.client.get(house.url("/settings/tokens")).bearer_auth(&read).send().unwrap().status(), 403);
    let audit = house.look("/settings/audit", ("cookie", &cookie)).text().unwrap();
    assert!(audit.contains("token.create") && audit.contains("setup") && !audit.contains(&write));
}

#[test]
fn cookies_end_with_their_sessions() {
    let house = House::start();
    let first = house.set_up();
    let is_in = |cookie: &str| house.look("/settings/profile", ("cookie", cookie)).status() == 200;
    let credentials = [("name", "ann"), ("password", PASSWORD)];
    // Signing in with a session under way ends that one.
    let answer = house.submit("/login", &credentials, &first);
    let raw = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    let seconds: u32 = raw.split("; Max-Age=").nth(1).and_then(|rest| rest.split(';').next()).and_then(|text| text.parse().ok()).unwrap();
    assert!((2_591_900..=2_592_000).contains(&seconds), "thirty days: {raw}");
    let second = cookie_of(&answer);
    assert!(!is_in(&first) && is_in(&second));
    let elsewhere = cookie_of(&house.submit("/login", &credentials, ""));
    assert!(is_in(&second) && is_in(&elsewhere));
    // A new password gives this browser another cookie, and signs out all others.
    let answer = house.submit("/settings/profile/password", &[("old", PASSWORD), ("new", "another horse entirely")], &second);
    assert_eq!(answer.status(), 303);
    let third = cookie_of(&answer);
    assert!(third != second && is_in(&third) && !is_in(&second) && !is_in(&elsewhere));
}

#[test]
fn a_fresh_server_is_open_to_its_own_machine_and_to_nobody_else() {
    let house = House::start_with(tempfile::tempdir().unwrap(), &[], &[]);
    let status = |path: &str, headers: &[(&str, &str)]| {
        let mut request = house.client.get(house.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().unwrap().status().as_u16()
    };
    let query = "/api/v1/query?query=1";
    assert_eq!(status(query, &[]), 200, "at once, without any configuration");
    for proxied in ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"] {
        assert_eq!(status(query, &[(proxied, "127.0.0.1")]), 401, "{proxied}");
    }
    assert_eq!(status(query, &[("Host", "pharos:9090")]), 401, "a name that is not this machine's own");
    assert_eq!(status("/", &[("X-Forwarded-For", "10.0.0.1"), ("Accept", "text/html")]), 303);
    for path in [
        "/",
        "/explore",
        "/logs",
        "/logs/streams",
        "/targets",
        "/catalogue",
        "/cardinality",
        "/pushed",
        "/status",
        "/settings/people",
        "/nowhere",
    ] {
        let page = house.look(path, ("accept-language", "en")).text().unwrap();
        assert!(page.contains("Nobody has to sign in yet on this machine") && page.contains("href=\"/setup\""), "{path}");
    }
    let page = house.look("/setup", ("accept-language", "en")).text().unwrap();
    assert!(!page.contains("name=\"code\""), "this machine needs no code");
    let wrong =
        house.client.post(house.url("/setup")).header("x-forwarded-for", "10.0.0.1").body("name=eve&password=correct+horse+battery");
    let wrong = wrong.header("content-type", "application/x-www-form-urlencoded").send().unwrap();
    assert_eq!(wrong.status(), 400, "others need it");
    let done = house.submit("/setup", &[("name", "ann"), ("password", PASSWORD)], "");
    assert_eq!(done.status(), 303, "{}", done.text().unwrap());
    let cookie = cookie_of(&done);
    assert_eq!(status(query, &[]), 401, "from now on people sign in");
    let page = house.look("/", ("cookie", &cookie));
    assert_eq!(page.status(), 200);
    assert!(!page.text().unwrap().contains("Nobody has to sign in"));
}

#[test]
fn off_is_said_on_every_page() {
    let house = House::start_with(tempfile::tempdir().unwrap(), &["--auth", "off"], &[]);
    for path in ["/", "/explore", "/status", "/settings/tokens", "/settings/profile", "/nowhere"] {
        let page = house.look(path, ("x-forwarded-for", "10.0.0.1")).text().unwrap();
        assert!(page.contains("notice warn") && page.contains("Start it without --auth off"), "{path}");
    }
    assert!(!house.log().contains("?code="));
}

#[test]
fn the_environment_makes_the_first_administrator() {
    let secret = "hunter2hunter2hunter2";
    let env = [("PHAROS_ADMIN_NAME", "root"), ("PHAROS_ADMIN_PASSWORD", secret)];
    let house = House::start_with(tempfile::tempdir().unwrap(), &[], &env);
    assert_eq!(house.client.get(house.url("/api/v1/query?query=1")).send().unwrap().status(), 401);
    let (status, cookie) = house.sign_in("root", secret);
    assert_eq!(status, 303);
    for path in ["/api/v1/status/flags", "/status", "/api/v1/status/config", "/settings/audit", "/metrics"] {
        let answer = house.look(path, ("cookie", &cookie));
        assert_eq!(answer.status(), 200, "{path}");
        assert!(!answer.text().unwrap().contains("hunter2"), "{path}");
    }
    let log = house.log();
    assert!(!log.contains("hunter2") && !log.contains("PHAROS_ADMIN") && !log.contains("?code="), "{log}");
    let bad = [("PHAROS_ADMIN_PASSWORD", "short")];
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pharos"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", folder.path().to_str().unwrap()])
        .env_clear()
        .envs(bad)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("at least 10 characters") && !said.contains("\"short\""), "{said}");
}

#[test]
fn the_command_line_manages_people_while_the_server_runs() {
    let house = House::start();
    let good = |args: &[&str], input: &str| {
        let (good, said) = house.user(args, input);
        assert!(good, "{args:?}: {said}");
        said
    };
    let (refused, said) = house.user(&["add", "bob"], &format!("{PASSWORD}\n"));
    assert!(!refused && said.contains("administrator"), "{said}");
    good(&["add", "ann", "--role", "admin"], &format!("{PASSWORD}\n"));
    let mut cookie = String::new();
    let took = await_that("ann can sign in", || {
        let (status, fresh) = house.sign_in("ann", PASSWORD);
        cookie = fresh;
        status == 303
    });
    println!("the server took the user over after {} ms", took.as_millis());
    // It looks every second; who tried too early and too often has to wait for some more.
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(house.submit("/setup", &[("code", &house.code), ("name", "eve"), ("password", PASSWORD)], "").status(), 400, "too late");
    good(&["add", "bob", "--email", "bob@example.org"], &format!("{PASSWORD}\n"));
    assert!(good(&["list"], "").contains("bob") && good(&["list", "--format", "json"], "").contains("bob@example.org"));
    let (refused, said) = house.user(&["delete", "ann"], "");
    assert!(!refused && said.contains("last administrator"), "{said}");
    good(&["role", "bob", "admin"], "");
    good(&["set-password", "ann"], "another horse entirely\n");
    let signed_in = || house.look("/", ("cookie", &cookie)).status() == 200;
    await_that("the session ends with the password", || !signed_in());
    await_that("the new password works", || house.sign_in("ann", "another horse entirely").0 == 303);
    good(&["disable", "ann"], "");
    await_that("ann is kept out", || house.sign_in("ann", "another horse entirely").0 != 303);
    good(&["enable", "ann"], "");
    good(&["sign-out", "ann"], "");
    let (refused, said) = house.user(&["reset-totp", "ann"], "");
    assert!(!refused && said.contains("no second factor"), "{said}");
    let (refused, said) = house.user(&["set-password", "ann"], "short\n");
    assert!(!refused && said.contains("too short") && !said.contains("short\n\n"), "{said}");
    assert!(!house.user(&["add", "eve", "--password", "x"], "").0, "never on the command line");
    let cookie = house.sign_in("bob", PASSWORD).1;
    let audit = house.look("/settings/audit?actor=command+line", ("cookie", &cookie)).text().unwrap();
    for action in ["user.create", "user.change", "password.set", "session.end"] {
        assert!(audit.contains(action), "{action}: {audit}");
    }
    good(&["delete", "ann"], "");
}

#[test]
fn every_change_stands_in_the_audit_log() {
    let house = House::start_with(tempfile::tempdir().unwrap(), &["--auth", "on", "--enable-admin-api", "--enable-lifecycle"], &[]);
    let cookie = house.set_up();
    let admin = house.token(&cookie, &["admin"]);
    let send = |method: &str, path: &str, body: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = house.client.request(method, house.url(path)).bearer_auth(&admin).body(body.to_owned()).send().unwrap();
        let (status, text) = (answer.status(), answer.text().unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    };
    send("PUT", "/metrics/job/backup/instance/db-1", "size 1\nage 2\n");
    send("DELETE", "/metrics/job/backup/instance/db-1", "");
    send("PUT", "/metrics/job/batch", "size 1\n");
    let gone = house.submit("/pushed/delete", &[("group", "{job=\"batch\"}")], &cookie);
    assert_eq!(gone.status(), 303, "{}", gone.text().unwrap());
    send("PUT", "/api/v1/admin/wipe", "");
    send("POST", "/api/v1/admin/tsdb/delete_series?match[]=size&start=1", "");
    send("POST", "/api/v1/admin/tsdb/clean_tombstones", "");
    send("POST", "/api/v1/admin/tsdb/snapshot", "");
    send("POST", "/-/reload", "");
    let made: Json = serde_json::from_str(&send("POST", "/api/v1/tokens", r#"{"name":"ci","scopes":["read"],"expires_in":"1d"}"#)).unwrap();
    let (id, secret) = (made["data"]["id"].clone(), made["data"]["token"].as_str().unwrap().to_owned());
    assert_eq!(house.client.get(house.url("/api/v1/query?query=1")).bearer_auth(&secret).send().unwrap().status(), 200);
    let listed = house.api("/api/v1/tokens", &admin);
    assert!(listed[0]["name"] == "ci" && !listed.to_string().contains(&secret), "{listed}");
    send("DELETE", &format!("/api/v1/tokens/{id}"), "");
    assert_eq!(house.client.get(house.url("/api/v1/query?query=1")).bearer_auth(&secret).send().unwrap().status(), 401);
    assert_eq!(house.api("/api/v1/users", &admin)[0]["name"], "ann");
    let lines = house.api("/api/v1/audit?limit=1000", &admin)["lines"].clone();
    let said: Vec<(&str, &str, &str)> = lines
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|line| (line["actor"].as_str().unwrap(), line["action"].as_str().unwrap(), line["subject"].as_str().unwrap()))
        .collect();
    let token = "token \"test\"";
    let snapshot = said.iter().find(|(_, action, _)| *action == "tsdb.snapshot").expect("a snapshot").2;
    assert_eq!(
        said,
        [
            ("ann", "setup", "ann"),
            ("ann", "token.create", "test"),
            (token, "push.delete", "{instance=\"db-1\", job=\"backup\"}"),
            ("ann", "push.delete", "{job=\"batch\"}"),
            (token, "push.wipe", "all groups"),
            (token, "tsdb.delete_series", "size"),
            (token, "tsdb.clean_tombstones", "storage"),
            (token, "tsdb.snapshot", snapshot),
            (token, "config.reload", "configuration"),
            (token, "token.create", "ci"),
            (token, "token.revoke", "ci"),
        ]
    );
    let deleted = lines.as_array().unwrap().iter().find(|line| line["action"] == "push.delete" && line["actor"] == token).unwrap();
    assert_eq!((&deleted["before"]["series"], &deleted["address"]), (&json!(2), &json!("127.0.0.1")), "{deleted}");
    // Page by page, and only what is asked for.
    let first = house.api("/api/v1/audit?limit=4", &admin);
    let next = house.api(&format!("/api/v1/audit?limit=4&cursor={}", first["next_cursor"].as_str().unwrap()), &admin);
    assert_eq!((&first["lines"][3], &next["lines"][0]), (&lines[3], &lines[4]));
    assert_eq!(house.api("/api/v1/audit?action=token.&actor=ann", &admin)["lines"].as_array().unwrap().len(), 1);
    assert_eq!(house.api("/api/v1/audit?until=2020-01-01T00:00:00Z", &admin)["lines"], json!([]));
    send("POST", "/-/quit", "");
}

/// Guessing from one address slows down nobody but the guesser.
#[test]
fn ten_thousand_wrong_logins_slow_down_nobody_else() {
    const GUESSES: usize = 10_000;
    let house = House::start();
    let cookie = house.set_up();
    let read = house.token(&cookie, &["read"]);
    let ask = |client: &Client| {
        let begun = now();
        let answer = client.get(house.url("/api/v1/query?query=1")).bearer_auth(&read).send().unwrap();
        assert_eq!(answer.status(), 200);
        begun.elapsed()
    };
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        (times[times.len() / 2], times[times.len() * 99 / 100])
    };
    let before = median((0..200).map(|_| ask(&house.client)).collect());
    let is_over = AtomicBool::new(false);
    let begun = now();
    let (mut wrong, mut throttled) = (0, 0);
    let during = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let (client, mut times) = (client_from(Some("127.0.0.1")), Vec::new());
            while !is_over.load(Ordering::Relaxed) {
                times.push(ask(&client));
                std::thread::park_timeout(Duration::from_millis(5));
            }
            times
        });
        let evil = client_from(Some("127.0.0.66"));
        for guess in 0..GUESSES {
            let request = evil.post(house.url("/login")).header("content-type", "application/x-www-form-urlencoded");
            let answer = request.body(format!("name=ann&password=guess+number+{guess}")).send().unwrap();
            match answer.status().as_u16() {
                401 => wrong += 1,
                429 => {
                    throttled += 1;
                    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                    assert!((1..=900).contains(&wait), "{wait}");
                }
                other => panic!("{other}"),
            }
        }
        is_over.store(true, Ordering::Relaxed);
        median(asking.join().unwrap())
    });
    let took = begun.elapsed();
    println!(
        "{GUESSES} guesses in {took:?}: {wrong} tried, {throttled} throttled; a query beside it took (p50, p99) {before:?} before and {during:?} meanwhile"
    );
    // A hash takes tens of milliseconds: only a few were computed.
    assert!(wrong <= 6 + 12 && wrong + throttled == GUESSES, "{wrong} {throttled}");
    // Other tests may have begun meanwhile: what guesses may not do is to hold everybody up.
    assert!(during.0 < before.0 * 10 + Duration::from_secs(1), "{before:?} {during:?}");
    // What the guesser still has to wait must not run out before the right password comes from there.
    let evil = client_from(Some("127.0.0.66"));
    await_that("the guesser has long to wait", || {
        let request = evil.post(house.url("/login")).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body("name=ann&password=one+more+guess").send().unwrap();
        let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
        wait.is_some_and(|wait| wait >= 10)
    });
    let right = |from: &str| {
        let request = client_from(Some(from)).post(house.url("/login")).header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("name=ann&password={}", PASSWORD.replace(' ', "+"))).send().unwrap().status().as_u16()
    };
    assert_eq!((right("127.0.0.66"), right("127.0.0.3")), (429, 303), "the owner comes in from elsewhere");
}
