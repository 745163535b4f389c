//! What a scanner would try on every page: headers, cookies, methods, paths, hosts, forms of other sites.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};

use crate::support::Server;

/// A server whose only user comes from a web config file, so that a test needs no set-up.
struct Target {
    server: Server,
    client: Client,
    _folder: tempfile::TempDir,
}

impl Target {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let web = folder.path().join("web.yml");
        std::fs::write(&web, format!("basic_auth_users: {{ann: '{}'}}\n", bcrypt::hash("right", 4).unwrap())).unwrap();
        let server = Server::start(&["--host-metrics=false", "--auth", "on", &format!("--web.config.file={}", web.display())]);
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(60)).build().unwrap();
        Self { server, client, _folder: folder }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.server.url(path)).header("accept", "text/html")
    }

    fn see(&self, path: &str) -> Response {
        self.get(path).basic_auth("ann", Some("right")).send().unwrap()
    }

    /// The addresses that a page leads to.
    fn links(&self, path: &str) -> BTreeSet<String> {
        let html = self.see(path).text().unwrap();
        let after = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        after
            .filter(|link| link.starts_with('/') && !link.starts_with("//"))
            .map(|link| link.replace("&amp;", "&").replace("&#38;", "&"))
            .collect()
    }
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// What every answer must say, page or not.
fn check_headers(answer: &Response, what: &str) {
    let csp = header(answer, "content-security-policy");
    assert!(
        csp.contains("default-src 'none'") && csp.contains("frame-ancestors 'none'") && csp.contains("base-uri 'none'"),
        "{what}: {csp}"
    );
    let scripts = csp.split(';').find(|part| part.trim().starts_with("script-src")).unwrap_or("");
    assert!(!scripts.contains("unsafe") && !scripts.contains('*'), "{what}: {csp}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(header(answer, name), value, "{what}: {name}");
    }
    assert!(header(answer, "permissions-policy").contains("camera=()"), "{what}");
    for name in ["server", "x-powered-by", "via", "access-control-allow-origin", "access-control-allow-credentials"] {
        assert_eq!(header(answer, name), "", "{what}: {name}");
    }
    for cookie in answer.headers().get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("SameSite=Lax") || cookie.contains("SameSite=Strict"), "{what}: {cookie}");
    }
}

#[test]
fn every_page_and_every_failure_carries_its_headers() {
    let target = Target::start();
    let mut pages = target.links("/");
    for page in pages.clone() {
        pages.extend(target.links(&page));
    }
    pages.extend(
        ["/", "/login", "/setup", "/settings/profile", "/settings/tokens", "/settings/people", "/settings/audit"].map(str::to_owned),
    );
    let mut seen = 0;
    for page in pages.iter().take(300) {
        let answer = target.see(page);
        check_headers(&answer, page);
        assert!(answer.status().as_u16() < 500, "{page}: {}", answer.status());
        let is_page = answer.status().as_u16() == 200 && header(&answer, "content-type").starts_with("text/html");
        if is_page {
            seen += 1;
            assert_eq!(header(&answer, "cache-control"), "no-store", "{page} belongs to somebody");
            let html = answer.text().unwrap();
            let lower = html.to_ascii_lowercase();
            assert!(!lower.contains("<script>") && !lower.contains(" onclick=") && !lower.contains("javascript:"), "{page}: inline script");
            assert!(!lower.contains("src=\"http") && !lower.contains("href=\"http://"), "{page}: something from elsewhere");
            for form in html.split("<form").skip(1) {
                let method = form.split('>').next().unwrap().to_ascii_lowercase();
                assert!(!form.split("</form").next().unwrap().contains("type=\"password\"") || method.contains("post"), "{page}: {method}");
            }
        }
    }
    assert!(seen >= 8, "{seen} pages of {pages:?}");
    // Nobody's answers, and failures of each kind.
    for (path, status) in [("/", 303), ("/login", 200), ("/no/such", 404), ("/api/v1/query?query=1", 303), ("/-/healthy", 200)] {
        let answer = target.get(path).send().unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        check_headers(&answer, path);
    }
    let api = target.client.get(target.server.url("/api/v1/query?query=1")).send().unwrap();
    assert_eq!(api.status().as_u16(), 401);
    check_headers(&api, "API");
    let hosts = target.get("/").header("host", "evil.example").send().unwrap();
    assert_eq!(hosts.status().as_u16(), 403);
    check_headers(&hosts, "strange host");
}

fn raw(target: &Target, request: &str) -> String {
    let mut stream = TcpStream::connect(&target.server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn odd_methods_paths_and_heads_come_to_nothing() {
    let target = Target::start();
    for method in ["TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND"] {
        let answer = raw(&target, &format!("{method} / HTTP/1.1\r\nHost: localhost\r\nX-Secret: told\r\nConnection: close\r\n\r\n"));
        let status = answer.split(' ').nth(1).unwrap_or("").to_owned();
        assert!(["400", "401", "405", "404", "501"].contains(&status.as_str()), "{method}: {answer}");
        assert!(!answer.contains("told"), "{method} repeats what it was sent");
    }
    for path in [
        "//evil.example/",
        "//evil.example/..;/",
        "/\\evil.example",
        "/..",
        "/../../etc/passwd",
        "/assets/../../etc/passwd",
        "/assets/..%2f..%2fetc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/%252e%252e/etc/passwd",
        "/assets/%c0%ae%c0%ae/etc/passwd",
        "/assets/.%00./x",
        "/%0d%0aSet-Cookie:%20a=b",
        "/login%2f..%2fsettings",
        "/.git/config",
        "/.env",
        "/web.config",
    ] {
        let answer = raw(&target, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n"));
        let status = answer.split(' ').nth(1).unwrap_or("").to_owned();
        assert!(["400", "401", "404", "303"].contains(&status.as_str()), "{path}: {answer}");
        let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or("/");
        assert!(location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\"), "{path} leads to {location}");
        assert!(!answer.contains("root:") && !answer.to_ascii_lowercase().contains("\r\nset-cookie: a=b"), "{path}");
    }
    for (head, what) in [
        ("Host: localhost\r\nHost: evil.example\r\n", "two hosts"),
        ("Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "two lengths"),
        ("Host: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "two lengths"),
        ("Host: localhost\r\nTransfer-Encoding: xchunked\r\n", "an unknown coding"),
        ("Host: localhost\r\nX : y\r\n", "a blank in a name"),
        ("Host: localhost\r\n X: folded\r\n", "a folded line"),
    ] {
        let answer = raw(
            &target,
            &format!("POST /ui/look HTTP/1.1\r\n{head}Connection: close\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        );
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{what}: answered twice: {answer}");
        assert!(!answer.contains("smuggled"), "{what}: {answer}");
    }
}

#[test]
fn forms_of_other_sites_and_open_redirects_are_refused() {
    let target = Target::start();
    for path in ["/login", "/logout", "/ui/look", "/settings/tokens", "/settings/people", "/pushed/delete", "/-/quit", "/api/v1/write"] {
        for (name, value) in
            [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example"), ("origin", "null")]
        {
            let request = target.client.post(target.server.url(path)).basic_auth("ann", Some("right")).header(name, value);
            let answer = request.header("content-type", "application/x-www-form-urlencoded").body("name=x").send().unwrap();
            assert_eq!(answer.status().as_u16(), 403, "{path} {name}: {value}");
            check_headers(&answer, path);
        }
    }
    for next in
        ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "%2f%2fevil.example", "\\/evil.example"]
    {
        let form: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).append_pair("theme", "dark").finish();
        let request = target.client.post(target.server.url("/ui/look")).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.header("referer", next).body(form).send().unwrap();
        let to = header(&answer, "location");
        assert!(to.is_empty() || (to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\")), "{next} leads to {to}");
        let login = target.get("/login").query(&[("next", next)]).send().unwrap().text().unwrap();
        assert!(!login.contains("href=\"javascript:") && !login.contains("href=\"//evil") && !login.contains("action=\"//evil"), "{next}");
    }
}

#[test]
fn markup_in_addresses_and_names_never_becomes_markup() {
    let target = Target::start();
    let evil = "\"><img src=x onerror=alert(1)><script>alert(2)</script>'";
    let encoded: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
    for path in [
        "/explore?q=",
        "/targets?q=",
        "/catalogue?q=",
        "/cardinality?by=",
        "/status?x=",
        "/login?next=",
        "/setup?code=",
        "/settings/audit?actor=",
        "/pushed?x=",
        "/no/such/",
    ] {
        let answer = target.see(&format!("{path}{encoded}"));
        assert!(answer.status().as_u16() < 500, "{path}");
        let html = answer.text().unwrap();
        assert!(!html.contains("<img src=x") && !html.contains("<script>alert"), "{path}: {html}");
    }
}
