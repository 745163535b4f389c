//! Signing in with OpenID Connect: the whole way through a certified provider, as a browser goes it, and what a
//! provider that lies achieves.
//!
//! The provider is the package oidc-provider (`npm ci` in `web/`), run by Node.js; where one of them is missing these
//! tests are skipped with a line, except under `PHAROS_TEST_FULL`.

mod liar;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::redirect;
use url::Url;

use crate::support::{Server, skip};

const CALLBACK: &str = "/login/oidc/callback";
/// The same as in provider.mjs.
const SECRET: &str = "a secret: with & odd letters";

/// A browser: keeps cookies by host, follows redirects one by one.
pub(super) struct Browser {
    client: Client,
    cookies: RefCell<BTreeMap<(String, String), String>>,
}

/// Where a browser ended up.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) url: Url,
    pub(super) status: u16,
    pub(super) text: String,
}

impl Browser {
    pub(super) fn new() -> Self {
        // No connection is kept: Node.js closes one after five quiet seconds, which may be the very moment of the next request.
        let builder = Client::builder().redirect(redirect::Policy::none()).no_proxy().pool_max_idle_per_host(0);
        let client = builder.timeout(Duration::from_secs(120)).build().unwrap();
        Self { client, cookies: RefCell::default() }
    }

    /// One request, no redirects followed.
    fn ask(&self, url: &Url, form: Option<&[(&str, &str)]>) -> Response {
        let place = url.authority().to_owned();
        let jar = self.cookies.borrow();
        let cookies: Vec<String> =
            jar.iter().filter(|((at, _), _)| *at == place).map(|((_, name), value)| format!("{name}={value}")).collect();
        drop(jar);
        let request = match form {
            Some(fields) => {
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                self.client.post(url.clone()).header("content-type", "application/x-www-form-urlencoded").body(body)
            }
            None => self.client.get(url.clone()),
        };
        let request = request.header("accept", "text/html").header("accept-language", "en").header("sec-fetch-site", "same-origin");
        let response = request.header("cookie", cookies.join("; ")).send().unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let key = (place.clone(), name.to_owned());
            match rest.split(';').next().unwrap() {
                "" => self.cookies.borrow_mut().remove(&key),
                value => self.cookies.borrow_mut().insert(key, value.to_owned()),
            };
        }
        response
    }

    /// Follows redirects; stops before it would go to this path.
    fn follow(&self, from: Url, form: Option<&[(&str, &str)]>, stop: &str) -> Result<Landed, Url> {
        let (mut url, mut form) = (from, form);
        for _ in 0..20 {
            let response = self.ask(&url, form.take());
            let Some(to) = response.headers().get("location") else {
                return Ok(Landed { url, status: response.status().as_u16(), text: response.text().unwrap() });
            };
            url = url.join(to.to_str().unwrap()).unwrap();
            if url.path() == stop {
                return Err(url);
            }
        }
        panic!("too many redirects, the last to {url}");
    }

    pub(super) fn go(&self, url: &str) -> Landed {
        self.follow(url.parse().unwrap(), None, "").expect("no stop")
    }

    /// Where the server sends the browser to.
    pub(super) fn begin(&self, server: &Server, next: &str) -> Url {
        let response = self.ask(&server.url(&format!("/login/oidc?next={next}")).parse().unwrap(), None);
        assert_eq!(response.status(), 303);
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Max-Age=600"), "{cookie}");
        response.headers()["location"].to_str().unwrap().parse().unwrap()
    }

    /// Signs in at the provider, as far as it asks, up to the address with which the browser would come back.
    fn meet(&self, server: &Server, name: &str) -> Url {
        let login = [("prompt", "login"), ("login", name), ("password", "any")];
        let consent = [("prompt", "consent")];
        let mut landed = self.follow(self.begin(server, "%2Fexplore"), None, CALLBACK);
        for form in [&login[..], &consent[..]] {
            match landed {
                Ok(page) => landed = self.follow(page.action(), Some(form), CALLBACK),
                Err(back) => return back,
            }
        }
        landed.expect_err("back to the server")
    }

    fn sign_in(&self, server: &Server, name: &str) -> Landed {
        self.go(self.meet(server, name).as_str())
    }
}

impl Landed {
    /// Where the page's form goes.
    fn action(&self) -> Url {
        let (_, rest) = self.text.split_once("action=\"").unwrap_or_else(|| panic!("{} {}: no form: {}", self.url, self.status, self.text));
        self.url.join(rest.split('"').next().unwrap()).unwrap()
    }
}

/// The provider; ends when dropped.
struct Provider {
    process: Child,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    issuer: String,
}

impl Provider {
    /// `None` where it cannot be run, which is said.
    fn start() -> Option<Self> {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        if Command::new("node").arg("--version").stdout(Stdio::null()).status().is_err() {
            skip("Node.js is not installed");
            return None;
        }
        if !web.join("node_modules/oidc-provider").exists() {
            skip("the test packages of web/ are not installed (npm ci)");
            return None;
        }
        let mut process = Command::new("node")
            .arg(web.join("test/oidc/provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = said.next().unwrap().unwrap();
        let issuer = first.strip_prefix("listening ").unwrap().to_owned();
        Some(Self { process, orders, said, issuer })
    }

    fn order(&mut self, line: &str) {
        writeln!(self.orders, "{line}").unwrap();
        // The library says things there, too.
        assert!(self.said.by_ref().map_while(Result::ok).any(|said| said == "done"), "the provider has ended");
    }

    /// A server whose users come from here, under one of the names of provider.mjs.
    fn server(&mut self, client: &str) -> Server {
        let args =
            ["--auth=on", "--host-metrics=false", "--own-metrics=false", "--auth.oidc-name=Example", "--auth.oidc-issuer", &self.issuer];
        let groups = ["--auth.oidc-scopes=profile,email,groups", "--auth.oidc-admin-groups=ops", "--auth.oidc-viewer-groups=staff"];
        let client = ["--auth.oidc-client-id", client];
        let secret = ("PHAROS_AUTH_OIDC_CLIENT_SECRET", if client[1] == "public" { "" } else { SECRET });
        let server = Server::with_environment("", &[&args[..], &groups, &client].concat(), &[secret]);
        self.order(&format!("serve {}", server.url(CALLBACK)));
        server
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

#[test]
fn people_come_in_with_the_role_of_their_groups() {
    let Some(mut provider) = Provider::start() else { return };
    let server = provider.server("basic");
    let (ann, bob, eve) = (Browser::new(), Browser::new(), Browser::new());
    let door = ann.go(&server.url("/explore"));
    assert_eq!(door.url.path(), "/login");
    assert!(door.text.contains("Sign in with Example") && door.text.contains("/login/oidc?next=%2Fexplore"), "{}", door.text);

    let landed = ann.sign_in(&server, "ann");
    assert_eq!((landed.url.as_str(), landed.status), (server.url("/explore").as_str(), 200), "{}", landed.text);
    assert_eq!(ann.go(&server.url("/settings/people")).status, 200, "an administrator by group");
    let landed = bob.sign_in(&server, "bob");
    assert_eq!((landed.url.path(), landed.status), ("/explore", 200));
    assert_eq!(bob.go(&server.url("/settings/people")).status, 403, "a viewer by group");
    let refused = eve.sign_in(&server, "eve");
    assert_eq!((refused.url.path(), refused.status), (CALLBACK, 403));
    assert!(refused.text.contains("No group of eve may use this server"), "{}", refused.text);
    assert_eq!(eve.go(&server.url("/explore")).url.path(), "/login");

    let page = ann.go(&server.url("/settings/people")).text;
    let id = page.split("Role of bob").next().unwrap().rsplit("name=\"id\" value=\"").next().unwrap().split('"').next().unwrap();
    let change: Url = server.url("/settings/people/change").parse().unwrap();
    assert_eq!(ann.ask(&change, Some(&[("id", id), ("disabled", "true")])).status(), 303);
    assert_eq!(bob.go(&server.url("/")).url.path(), "/login", "the session has ended");
    let refused = bob.sign_in(&server, "bob");
    assert!(refused.status == 403 && refused.text.contains("bob is kept out"), "{}: {}", refused.status, refused.text);

    let audit = ann.go(&server.url("/settings/audit")).text;
    for sign in ["user.create", "sign-in.failed", "eve", "bob", provider.issuer.as_str()] {
        assert!(audit.contains(sign), "{sign}: {audit}");
    }
    for page in ["/status", "/api/v1/status/flags", "/api/v1/status/config"] {
        assert!(!ann.go(&server.url(page)).text.contains("odd letters"), "{page}");
    }
    let flags: serde_json::Value = serde_json::from_str(&ann.go(&server.url("/api/v1/status/flags")).text).unwrap();
    assert_eq!(flags["data"]["auth.oidc-client-secret"], "<secret>");
}

#[test]
fn a_way_back_is_good_once_for_the_browser_that_began() {
    let Some(mut provider) = Provider::start() else { return };
    let server = provider.server("basic");
    let (ann, eve) = (Browser::new(), Browser::new());
    let back = ann.meet(&server, "ann");
    let stolen = eve.go(back.as_str());
    assert_eq!(stolen.status, 400);
    assert!(stolen.text.contains("did not begin in this browser") && stolen.text.contains("server.external_url"), "{}", stolen.text);
    let other: Vec<(String, String)> = back
        .query_pairs()
        .map(|(name, value)| (name.clone().into_owned(), if name == "state" { "x".repeat(43) } else { value.into_owned() }))
        .collect();
    let mut forged = back.clone();
    forged.query_pairs_mut().clear().extend_pairs(other);
    assert_eq!(ann.go(forged.as_str()).status, 400, "a state that was never given");
    assert_eq!(ann.go(&server.url(CALLBACK)).status, 400, "nothing at all");
    assert_eq!(ann.go(back.as_str()).status, 200, "what others tried has not used it up");
    assert_eq!(ann.go(back.as_str()).status, 400, "a code works once");

    // Somebody who gives up at the provider is told so, and can begin again.
    let login = eve.follow(eve.begin(&server, "%2F%2Fevil.example"), None, "").unwrap();
    let gave_up = eve.go(&format!("{}/abort", login.url));
    assert_eq!((gave_up.url.path(), gave_up.status), (CALLBACK, 403));
    assert!(gave_up.text.contains("access_denied") && gave_up.text.contains("Sign in with Example"), "{}", gave_up.text);
    assert!(!gave_up.text.contains("evil.example"));
}

#[test]
fn new_keys_and_other_kinds_of_clients_work() {
    let Some(mut provider) = Provider::start() else { return };
    for client in ["basic", "post", "public"] {
        let server = provider.server(client);
        assert_eq!(Browser::new().sign_in(&server, "ann").url.path(), "/explore", "{client}");
        provider.order("rotate");
        let landed = Browser::new().sign_in(&server, "bob");
        assert_eq!(landed.url.path(), "/explore", "{client}: {}", landed.text);
    }
}

#[test]
fn who_signs_out_is_signed_out_at_the_provider_too() {
    let Some(mut provider) = Provider::start() else { return };
    let server = provider.server("basic");
    let ann = Browser::new();
    assert_eq!(ann.sign_in(&server, "ann").url.path(), "/explore");
    // With a session there nobody is asked again.
    ann.cookies.borrow_mut().retain(|(_, name), _| name != "pharos");
    let landed = ann.follow(ann.begin(&server, "%2Fexplore"), None, "").unwrap();
    assert_eq!(landed.url.path(), "/explore");
    let out = ann.ask(&server.url("/logout").parse().unwrap(), Some(&[]));
    let refresh = out.headers()["refresh"].to_str().unwrap().to_owned();
    assert_eq!(out.status(), 200);
    let url: Url = refresh.strip_prefix("0; url=").unwrap().parse().unwrap();
    assert!(url.as_str().starts_with(&provider.issuer) && url.as_str().contains("id_token_hint=ey"), "{url}");
    assert!(out.text().unwrap().contains("signing out of Example comes next."));
    assert_eq!(ann.go(&server.url("/explore")).url.path(), "/login", "out here, whatever the provider does");
    let asked = ann.go(url.as_str());
    let (_, xsrf) = asked.text.split_once("name=\"xsrf\" value=\"").unwrap_or_else(|| panic!("{} {}", asked.status, asked.text));
    let form = [("xsrf", xsrf.split('"').next().unwrap()), ("logout", "yes")];
    let back = ann.follow(asked.action(), Some(&form), "").unwrap();
    assert_eq!((back.url.as_str(), back.status), (server.url("/login").as_str(), 200), "{}", back.text);
    let again = ann.follow(ann.begin(&server, "%2Fexplore"), None, "").unwrap();
    assert!(again.url.as_str().starts_with(&provider.issuer), "the provider asks who it is: {}", again.url);
}

#[test]
fn a_provider_that_is_away_is_said_plainly() {
    let args = ["--auth=on", "--auth.password-login=false", "--auth.oidc-client-id=a", "--auth.oidc-default-role=viewer"];
    let server = Server::start(&[&args[..], &["--auth.oidc-issuer=http://127.0.0.1:1"]].concat());
    let browser = Browser::new();
    let door = browser.go(&server.url("/"));
    assert!(door.text.contains("Sign in with single sign-on") && !door.text.contains("type=\"password\""), "{}", door.text);
    let away = browser.go(&server.url("/login/oidc"));
    assert_eq!(away.status, 503);
    assert!(away.text.contains("cannot be reached") && away.text.contains("auth.oidc_issuer"), "{}", away.text);
    let response = browser.ask(&server.url("/login").parse().unwrap(), Some(&[("name", "ann"), ("password", "x")]));
    assert_eq!(response.status(), 400);
    assert!(response.text().unwrap().contains("auth.password_login"));
}
