//! Behind a proxy that signs people in, and what strangers get who send the same headers.
//!
//! The server trusts 127.0.0.2; the proxy's requests come from there, a stranger's from 127.0.0.1.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::redirect;

use crate::support::Server;

const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::LOCALHOST;

const ARGS: [&str; 9] = [
    "--auth=on",
    "--host-metrics=false",
    "--own-metrics=false",
    "--auth.proxy-trusted=127.0.0.2,10.0.0.0/8",
    "--auth.proxy-user-header=Remote-User",
    "--auth.proxy-email-header=Remote-Email",
    "--auth.proxy-groups-header=Remote-Groups",
    "--auth.proxy-admin-groups=ops",
    "--auth.proxy-viewer-groups=staff",
];

struct Peer<'a> {
    server: &'a Server,
    client: Client,
}

impl<'a> Peer<'a> {
    fn at(server: &'a Server, address: Ipv4Addr) -> Self {
        let builder = Client::builder().local_address(IpAddr::V4(address)).redirect(redirect::Policy::none()).no_proxy();
        Self { server, client: builder.timeout(Duration::from_secs(60)).build().unwrap() }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = self.client.get(self.server.url(path)).header("accept", "text/html");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().unwrap()
    }

    fn post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(self.server.url(path)).header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("sec-fetch-site", "same-origin").body(body);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().unwrap()
    }
}

#[test]
fn a_proxy_says_who_its_users_are_and_a_stranger_says_nothing() {
    let server = Server::start(&ARGS);
    let (proxy, stranger) = (Peer::at(&server, PROXY), Peer::at(&server, STRANGER));
    let ann =
        [("remote-user", "ann"), ("remote-groups", "staff,ops"), ("remote-email", "ann@example.com"), ("x-forwarded-for", "203.0.113.7")];
    assert_eq!(stranger.get("/settings/people", &ann).status(), 303, "to the sign-in page");
    let api = stranger.client.get(server.url("/api/v1/query?query=1")).header("remote-user", "ann").header("remote-groups", "ops");
    assert_eq!(api.send().unwrap().status(), 401);
    let people = proxy.get("/settings/people", &ann);
    assert_eq!(people.status(), 200);
    let text = people.text().unwrap();
    assert!(text.contains("ann@example.com") && text.contains("proxy"), "{text}");
    let bob = [("remote-user", "bob"), ("remote-groups", "staff")];
    assert_eq!(proxy.get("/", &bob).status(), 200);
    assert_eq!(proxy.get("/settings/people", &bob).status(), 403, "a viewer by group");
    for (headers, why) in [
        (&[("remote-user", "mallory"), ("remote-groups", "guests")][..], "in no group"),
        (&[("remote-user", "ann"), ("remote-user", "eve"), ("remote-groups", "ops")], "came twice"),
        (&[("remote-groups", "ops")], "sign in"),
    ] {
        let refused = proxy.client.get(server.url("/api/v1/query?query=1"));
        let refused = headers.iter().fold(refused, |request, (name, value)| request.header(*name, *value)).send().unwrap();
        assert_eq!(refused.status(), 401, "{why}");
        let said = refused.text().unwrap();
        assert!(said.contains(why), "{why}: {said}");
    }
    let door = proxy.get("/login", &[("remote-user", "mallory"), ("remote-groups", "guests")]).text().unwrap();
    assert!(door.contains("the proxy&#39;s user is in no group"), "who may not come in reads why: {door}");
    let audit = proxy.get("/settings/audit", &ann).text().unwrap();
    for sign in ["user.create", "sign-in", "203.0.113.7", "127.0.0.2"] {
        assert!(audit.contains(sign), "{sign}: {audit}");
    }
    assert!(!audit.contains("mallory"), "who may not come in leaves no user behind");

    // The proxy's word is for each request: groups that are gone are gone at once.
    let less = [("remote-user", "ann"), ("remote-groups", "staff")];
    assert_eq!(proxy.get("/settings/people", &less).status(), 403);
    assert_eq!(proxy.get("/settings/people", &ann).status(), 200);
    // A proxy that asks for a password itself hands it on; tokens of programs count before users.
    let basic = [ann[0], ann[1], ("authorization", "Basic YW5uOnNlY3JldA==")];
    assert_eq!(proxy.get("/settings/people", &basic).status(), 200);
    let page = proxy.post("/settings/tokens", &[("name", "t"), ("scope", "read"), ("days", ""), ("rate", "")], &ann).text().unwrap();
    let token = page[page.find("pht_").expect("a token")..].split('<').next().unwrap().trim().to_owned();
    let bearer = format!("Bearer {token}");
    assert_eq!(proxy.get("/settings/people", &[ann[0], ann[1], ("authorization", &bearer)]).status(), 403);
    let forged = [ann[0], ann[1], ("sec-fetch-site", "cross-site")];
    let request = proxy.client.post(server.url("/settings/tokens"));
    assert_eq!(forged.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().unwrap().status(), 403);
}

/// Guesses until whoever does so has to wait for long enough that the wait is not over when somebody looks.
fn guess_until_told_to_wait(guess: impl Fn(u8) -> Response) {
    for number in (0..250).cycle().take(1_000) {
        let answer = guess(number);
        let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
        if answer.status() == 429 && wait.is_some_and(|wait| wait >= 4) {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
    panic!("nobody was told to wait");
}

#[test]
fn only_a_proxy_says_where_clients_are_and_that_they_came_over_https() {
    let server = Server::start(&ARGS);
    let (proxy, stranger) = (Peer::at(&server, PROXY), Peer::at(&server, STRANGER));
    let wrong = [("name", "ann"), ("password", "not this one here")];
    // Guesses from one address behind the proxy; a client of the proxy puts other addresses in front.
    guess_until_told_to_wait(|number| {
        let chain = format!("198.51.100.{number}, 203.0.113.66");
        proxy.post("/login", &wrong, &[("x-forwarded-for", &chain)])
    });
    assert_eq!(proxy.post("/login", &wrong, &[("forwarded", "for=203.0.113.66")]).status(), 429, "the same by the standard's header");
    assert_eq!(proxy.post("/login", &wrong, &[("x-forwarded-for", "203.0.113.7")]).status(), 401, "others go on");
    // A stranger cannot change address.
    guess_until_told_to_wait(|number| {
        let address = format!("198.51.100.{number}");
        stranger.post("/login", &wrong, &[("x-forwarded-for", &address), ("forwarded", &format!("for={address}"))])
    });

    let ann = [("remote-user", "ann"), ("remote-groups", "ops")];
    let cookie = |peer: &Peer<'_>, scheme: &str| {
        let response = peer.post("/logout", &[], &[ann[0], ann[1], ("x-forwarded-proto", scheme)]);
        response.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned())
    };
    assert!(cookie(&proxy, "https").expect("a cookie").starts_with("__Host-pharos=;"));
    assert!(cookie(&proxy, "http").expect("a cookie").starts_with("pharos=;"));
    assert_eq!(cookie(&stranger, "https"), None, "a stranger is nobody");
}

#[test]
fn a_start_that_would_trust_everybody_or_nobody_is_refused() {
    for (args, said) in [
        (&["--auth.proxy-user-header=Remote-User", "--auth.proxy-default-role=viewer"][..], "auth.proxy_trusted"),
        (&["--auth.proxy-user-header=Remote-User", "--auth.proxy-trusted=10.0.0.1"], "auth.proxy_default_role"),
        (&["--auth.proxy-trusted=10.0.0.1/33"], "--auth.proxy-trusted"),
        (&["--auth.password-login=false"], "auth.password_login"),
        (&["--auth.oidc-issuer=https://id.example", "--auth.oidc-client-id=a"], "auth.oidc_default_role"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_pharos"))
            .args(["serve", "--auth=on", "--listen=127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            .args(args)
            .env_clear()
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(said), "{args:?}: {text}");
    }
}
