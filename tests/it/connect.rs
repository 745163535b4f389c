//! How targets are reached: TLS in all its settings, proxies, credentials from files, redirects.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::support::Server;

/// A server of one thread per connection; remembers the head (and form) of every request.
pub(crate) struct Peer {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Answers with what `answer` makes of the request; over TLS when given a configuration.
    pub(crate) fn start(tls: Option<ServerConfig>, answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let (tls, answer) = (tls.map(Arc::new), Arc::new(answer));
        Self::listen(move |stream, seen| {
            let (answer, tls) = (Arc::clone(&answer), tls.clone());
            match tls {
                None => converse(stream, seen, &*answer),
                Some(tls) => converse(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), seen, &*answer),
            }
        })
    }

    /// A proxy that tunnels to this address, whatever host it is asked for.
    fn tunnel(to: &str) -> Self {
        let to = to.to_owned();
        Self::listen(move |mut stream, seen| {
            let head = read_request(&mut stream);
            let is_connect = head.starts_with("CONNECT ");
            seen.lock().unwrap().push(head);
            if !is_connect {
                let _gone = stream.write_all(b"HTTP/1.1 405 Only CONNECT\r\nContent-Length: 0\r\n\r\n");
                return;
            }
            let upstream = TcpStream::connect(&to).unwrap();
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            let (mut from, mut back) = (stream.try_clone().unwrap(), upstream.try_clone().unwrap());
            let mut upstream = upstream;
            std::thread::spawn(move || std::io::copy(&mut from, &mut upstream));
            let _gone = std::io::copy(&mut back, &mut stream);
        })
    }

    fn listen(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (seen, serve) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(serve));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, serve, log) = (stream.unwrap(), Arc::clone(&serve), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &log));
            }
        });
        Self { address, seen }
    }

    /// Waits for a request for which this holds.
    pub(crate) fn await_request(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        for _ in 0..1200 {
            if let Some(found) = self.seen.lock().unwrap().iter().find(|head| fits(head)) {
                return found.clone();
            }
            std::thread::park_timeout(std::time::Duration::from_millis(100));
        }
        panic!("no request {what}: {:?}", self.seen.lock().unwrap().last());
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn converse(mut stream: impl Read + Write, seen: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Vec<u8>) {
    let head = read_request(&mut stream);
    // Nothing: the handshake failed, or the client went away.
    if !head.is_empty() {
        let reply = answer(&head);
        seen.lock().unwrap().push(head);
        let _gone = stream.write_all(&reply);
        let _gone = stream.flush();
    }
}

/// Head and body of a request.
fn read_request(stream: &mut impl Read) -> String {
    let (mut text, mut chunk) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return String::new(),
            Ok(count) => text.push_str(&String::from_utf8_lossy(&chunk[..count])),
        }
    }
}

/// A body of the text format.
pub(crate) fn page(body: &str) -> Vec<u8> {
    answer("text/plain; version=0.0.4", body.as_bytes())
}

/// Any body.
pub(crate) fn answer(content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn status(line: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}

pub(crate) fn has_header(head: &str, name: &str, value: &str) -> bool {
    head.lines().any(|line| line.split_once(':').is_some_and(|(key, text)| key.eq_ignore_ascii_case(name) && text.trim() == value))
}

/// A certificate authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certificate and key in PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// A server's TLS: its certificate, whose clients it takes (none = all), and the versions it speaks.
fn tls(own: (String, String), clients: Option<&Authority>, versions: &[&'static rustls::SupportedProtocolVersion]) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let certificate = CertificateDer::from_pem_slice(own.0.as_bytes()).unwrap();
    builder.with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(own.1.as_bytes()).unwrap()).unwrap()
}

/// A job with further settings, each a line of YAML.
pub(crate) fn job(name: &str, scheme: &str, address: &str, settings: &[String]) -> String {
    let mut text = format!(
        "- job_name: {name}\n  scheme: {scheme}\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs: [{{targets: ['{address}']}}]\n"
    );
    settings.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    text
}

/// The same at a pace that leaves a busy machine time for a handshake.
pub(crate) fn slow_job(name: &str, scheme: &str, address: &str, settings: &[String]) -> String {
    job(name, scheme, address, settings).replace("200ms", "2s")
}

pub(crate) fn start(jobs: &[String]) -> Server {
    Server::with_config(&format!("scrape_configs:\n{}", jobs.concat()), &["--host-metrics=false"])
}

/// Waits until the job is up, or down.
pub(crate) fn await_up(server: &Server, job: &str, up: bool) {
    server.await_query(&format!("up{{job=\"{job}\"}}"), |found| found[0]["value"][1] == if up { "1" } else { "0" });
}

/// What the target of a job failed with.
fn last_error(server: &Server, job: &str) -> String {
    let targets = server.api("/api/v1/targets");
    let found = targets["activeTargets"].as_array().unwrap().iter().find(|target| target["scrapePool"] == job).unwrap();
    found["lastError"].as_str().unwrap().to_owned()
}

/// Waits until the target of a job fails with these words.
pub(crate) fn await_error(server: &Server, job: &str, words: &str) {
    let mut last = String::new();
    for _ in 0..1200 {
        last = last_error(server, job);
        if last.to_lowercase().contains(&words.to_lowercase()) {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("{job} never failed with {words:?}, but with {last:?}");
}

const BOTH: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

#[test]
fn tls_settings_decide_which_servers_are_trusted() {
    let authority = Authority::new("servers");
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let serve = |name: &str, versions| Peer::start(Some(tls(authority.issue(name), None, versions)), |_| page("a 1\n"));
    let (here, named) = (serve("127.0.0.1", BOTH), serve("metrics.internal", BOTH));
    let (old, new) = (serve("127.0.0.1", &[&rustls::version::TLS12]), serve("127.0.0.1", &[&rustls::version::TLS13]));
    let by_file = format!("ca_file: {}", ca_file.display());
    let inline = serde_json::to_string(&authority.pem()).unwrap();
    let with = |what: &str| vec![format!("tls_config: {{{what}}}")];
    let cases = [
        ("file", &here, with(&by_file), true),
        ("inline", &here, with(&format!("ca: {inline}")), true),
        ("unknown", &here, vec![], false),
        ("skip", &here, with("insecure_skip_verify: true"), true),
        ("othername", &named, with(&by_file), false),
        ("servername", &named, with(&format!("{by_file}, server_name: metrics.internal")), true),
        ("wrongname", &named, with(&format!("{by_file}, server_name: other.internal")), false),
        ("tooold", &old, with(&format!("{by_file}, min_version: TLS13")), false),
        ("oldtaken", &old, with(&format!("{by_file}, min_version: TLS12")), true),
        ("toonew", &new, with(&format!("{by_file}, max_version: TLS12")), false),
        ("newtaken", &new, with(&format!("{by_file}, min_version: TLS13")), true),
    ];
    let jobs: Vec<String> = cases.iter().map(|(name, peer, settings, _)| slow_job(name, "https", &peer.address, settings)).collect();
    let server = start(&jobs);
    for (name, _, _, up) in &cases {
        await_up(&server, name, *up);
    }
    await_error(&server, "unknown", "UnknownIssuer");
    await_error(&server, "othername", "not valid for name");
    // The name expected in the certificate changes nothing about the host asked for.
    let head = named.await_request("by address", |head| has_header(head, "host", &named.address));
    assert!(head.starts_with("GET /metrics HTTP/1.1"), "{head}");
}

#[test]
fn client_certificates_are_shown_and_files_are_read_again_when_they_change() {
    let (servers, clients, strangers) = (Authority::new("servers"), Authority::new("clients"), Authority::new("strangers"));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let put = |name: &str, text: &str| std::fs::write(file(name), text).unwrap();
    let (own, key) = clients.issue("pharos");
    put("ca.pem", &strangers.pem());
    let (stranger, stranger_key) = strangers.issue("pharos");
    put("cert.pem", &stranger);
    put("key.pem", &stranger_key);
    let peer = Peer::start(Some(tls(servers.issue("127.0.0.1"), Some(&clients), BOTH)), |_| page("a 1\n"));
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let ca = format!("ca: {}", quoted(&servers.pem()));
    let inline = format!("tls_config: {{{ca}, cert: {}, key: {}}}", quoted(&own), quoted(&key));
    let none = format!("tls_config: {{{ca}}}");
    let files = |ca: &str| {
        let (cert, key) = (file("cert.pem"), file("key.pem"));
        format!("tls_config: {{{ca}, cert_file: {}, key_file: {}}}", cert.display(), key.display())
    };
    let server = start(&[
        slow_job("inline", "https", &peer.address, &[inline]),
        slow_job("none", "https", &peer.address, &[none]),
        slow_job("rotated", "https", &peer.address, &[files(&ca)]),
        slow_job("authority", "https", &peer.address, &[files(&format!("ca_file: {}", file("ca.pem").display()))]),
    ]);
    await_up(&server, "inline", true);
    for name in ["none", "rotated", "authority"] {
        await_up(&server, name, false);
    }
    // Half of a new pair must not spoil anything; the second half makes it good.
    put("cert.pem", &own);
    put("key.pem", &key);
    await_up(&server, "rotated", true);
    await_up(&server, "authority", false);
    put("ca.pem", &servers.pem());
    await_up(&server, "authority", true);
    await_up(&server, "none", false);
    let yaml = server.api("/api/v1/status/config")["yaml"].as_str().unwrap().to_owned();
    assert!(!yaml.contains("PRIVATE KEY"), "keys are never shown");
}

#[test]
fn plain_requests_go_through_the_proxy_unless_excepted() {
    let target = Peer::start(None, |_| page("direct 1\n"));
    let proxy = Peer::start(None, |_| page("proxied 1\n"));
    let through = |extra: &str| vec![format!("proxy_url: http://user:pass@{}", proxy.address), extra.to_owned()];
    let port = target.address.rsplit_once(':').unwrap().1;
    let server = start(&[
        slow_job("all", "http", "somewhere.example:80", &through("proxy_connect_header: {X-Tunnel: [\"only\"]}")),
        slow_job("loopback", "http", &target.address, &[format!("proxy_url: http://{}", proxy.address)]),
        slow_job("excepted", "http", &target.address, &through("no_proxy: '10.0.0.0/8'")),
        slow_job("listed", "http", "somewhere.example:80", &through(&format!("no_proxy: 'other.example:{port},.example.com'"))),
        slow_job("direct", "http", &target.address, &[]),
    ]);
    for (job, metric) in [("all", "proxied"), ("loopback", "proxied"), ("excepted", "direct"), ("listed", "proxied"), ("direct", "direct")]
    {
        server.await_query(&format!("{metric}{{job=\"{job}\"}}"), |found| found[0]["value"][1] == "1");
    }
    let head = proxy.await_request("for the name", |head| head.starts_with("GET http://somewhere.example/metrics HTTP/1.1"));
    assert!(has_header(&head, "proxy-authorization", "Basic dXNlcjpwYXNz"), "{head}");
    assert!(!proxy.requests().iter().any(|head| head.to_lowercase().contains("x-tunnel")), "only CONNECT carries these headers");
    assert!(!target.requests().iter().any(|head| head.to_lowercase().contains("proxy-authorization")));
}

#[test]
fn encrypted_requests_are_tunnelled() {
    let authority = Authority::new("servers");
    let target = Peer::start(Some(tls(authority.issue("secure.example"), None, BOTH)), |_| page("a 1\n"));
    let proxy = Peer::tunnel(&target.address);
    let ca = format!("tls_config: {{ca: {}}}", serde_json::to_string(&authority.pem()).unwrap());
    let settings =
        [ca, format!("proxy_url: http://user:pass@{}", proxy.address), "proxy_connect_header: {X-Tunnel: [\"one\", \"two\"]}".to_owned()];
    let authorization = "authorization: {credentials: s3cret}".to_owned();
    let server = start(&[slow_job("tunnel", "https", "secure.example:8443", &[&settings[..], &[authorization]].concat())]);
    await_up(&server, "tunnel", true);
    let head = proxy.await_request("to connect", |head| head.starts_with("CONNECT secure.example:8443 HTTP/1.1"));
    assert!(has_header(&head, "proxy-authorization", "Basic dXNlcjpwYXNz"), "{head}");
    assert!(has_header(&head, "x-tunnel", "one") && has_header(&head, "x-tunnel", "two"), "{head}");
    assert!(!proxy.requests().iter().any(|head| head.contains("s3cret")), "the proxy learns no credentials of the target");
    target.await_request("with credentials", |head| has_header(head, "authorization", "Bearer s3cret"));
    assert!(!target.requests().iter().any(|head| head.to_lowercase().contains("proxy-authorization")));
}

#[test]
fn the_environment_names_proxies_when_told() {
    let proxy = Peer::start(None, |_| page("proxied 1\n"));
    let target = Peer::start(None, |_| page("direct 1\n"));
    let jobs = [
        slow_job("told", "http", "somewhere.example", &["proxy_from_environment: true".to_owned()]),
        slow_job("excepted", "http", &target.address, &["proxy_from_environment: true".to_owned()]),
        slow_job("untold", "http", &target.address, &[]),
    ];
    let config = format!("scrape_configs:\n{}", jobs.concat());
    let env = [("HTTP_PROXY", format!("http://{}", proxy.address))];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::with_environment(&config, &["--host-metrics=false"], &env);
    for (job, metric) in [("told", "proxied"), ("excepted", "direct"), ("untold", "direct")] {
        server.await_query(&format!("{metric}{{job=\"{job}\"}}"), |found| found[0]["value"][1] == "1");
    }
}

#[test]
fn credentials_come_from_files_as_they_are_now() {
    let target = Peer::start(None, |_| page("a 1\n"));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(file("token"), "first\n").unwrap();
    std::fs::write(file("password"), "one").unwrap();
    std::fs::write(file("tenant"), "blue").unwrap();
    let at = |job: &str| format!("metrics_path: /{job}");
    let server = start(&[
        slow_job("bearer", "http", &target.address, &[at("bearer"), format!("authorization: {{credentials_file: {}}}", file("token"))]),
        slow_job("old", "http", &target.address, &[at("old"), format!("bearer_token_file: {}", file("token"))]),
        slow_job("scheme", "http", &target.address, &[at("scheme"), "authorization: {type: Token, credentials: abc}".to_owned()]),
        slow_job(
            "basic",
            "http",
            &target.address,
            &[at("basic"), format!("basic_auth: {{username: me, password_file: {}}}", file("password"))],
        ),
        slow_job(
            "headers",
            "http",
            &target.address,
            &[at("headers"), format!("http_headers: {{X-Tenant: {{values: [red], secrets: [green], files: [{}]}}}}", file("tenant"))],
        ),
    ]);
    let seen = |path: &'static str, name: &'static str, value: &'static str| {
        target.await_request(&format!("{path} with {value}"), |head| {
            head.starts_with(&format!("GET /{path} ")) && has_header(head, name, value)
        })
    };
    seen("bearer", "authorization", "Bearer first");
    seen("old", "authorization", "Bearer first");
    seen("scheme", "authorization", "Token abc");
    seen("basic", "authorization", "Basic bWU6b25l");
    let head = seen("headers", "x-tenant", "blue");
    assert!(has_header(&head, "x-tenant", "red") && has_header(&head, "x-tenant", "green"), "{head}");
    std::fs::write(file("token"), "second\n").unwrap();
    std::fs::write(file("password"), "two").unwrap();
    seen("bearer", "authorization", "Bearer second");
    seen("old", "authorization", "Bearer second");
    seen("basic", "authorization", "Basic bWU6dHdv");
    let yaml = server.api("/api/v1/status/config")["yaml"].as_str().unwrap().to_owned();
    assert!(!yaml.contains("green") && !yaml.contains("abc"), "secrets are never shown: {yaml}");
    std::fs::remove_file(file("token")).unwrap();
    await_up(&server, "bearer", false);
    await_error(&server, "bearer", "token");
}

#[test]
fn tokens_are_fetched_with_client_credentials() {
    let target =
        Peer::start(None, |head| if has_header(head, "authorization", "Bearer tok") { page("a 1\n") } else { status("401 No", "") });
    let issuer = Peer::start(None, |head| {
        let body = r#"{"access_token":"tok","token_type":"bearer","expires_in":3600}"#;
        if head.contains("client_secret=s3cret") {
            answer("application/json", body.as_bytes())
        } else {
            status("401 In the form, please", "")
        }
    });
    let settings = format!(
        "oauth2: {{client_id: me, client_secret: s3cret, token_url: 'http://{}/token', scopes: [a, b], endpoint_params: {{audience: x}}}}",
        issuer.address
    );
    let server = start(&[slow_job("oauth2", "http", &target.address, &[settings])]);
    await_up(&server, "oauth2", true);
    let asked = issuer.await_request("in the form", |head| head.contains("client_id=me"));
    assert!(asked.contains("grant_type=client_credentials") && asked.contains("scope=a+b") && asked.contains("audience=x"), "{asked}");
    // A scrape that took too long may have asked for it as well.
    let asked = issuer.requests().len();
    server.await_query("sum_over_time(up{job=\"oauth2\"}[1m]) > 4", |found| found[0]["value"].is_array());
    assert_eq!(issuer.requests().len(), asked, "one token serves many scrapes: {:?}", issuer.requests());
}

#[test]
fn redirects_are_followed_when_told_and_leak_nothing() {
    let elsewhere = Peer::start(None, |_| page("elsewhere 1\n"));
    let away = format!("http://{}/metrics", elsewhere.address);
    let target = Peer::start(None, move |head| match head.split(' ').nth(1) {
        Some("/near") => status("302 Found", "Location: /metrics\r\n"),
        Some("/away") => status("307 Temporary Redirect", &format!("Location: {away}\r\n")),
        Some("/loop") => status("302 Found", "Location: /loop\r\n"),
        _ => page("near 1\n"),
    });
    let settings = |path: &str, more: &[&str]| {
        let own =
            [&format!("metrics_path: {path}"), "basic_auth: {username: me, password: s3cret}", "http_headers: {X-Key: {secrets: [k3y]}}"];
        own.iter().chain(more).map(|line| (*line).to_owned()).collect::<Vec<_>>()
    };
    let server = start(&[
        slow_job("near", "http", &target.address, &settings("/near", &[])),
        slow_job("away", "http", &target.address, &settings("/away", &[])),
        slow_job("loop", "http", &target.address, &settings("/loop", &[])),
        slow_job("stay", "http", &target.address, &settings("/near", &["follow_redirects: false"])),
    ]);
    server.await_query("near{job=\"near\"}", |found| found[0]["value"][1] == "1");
    server.await_query("elsewhere{job=\"away\"}", |found| found[0]["value"][1] == "1");
    await_up(&server, "stay", false);
    await_up(&server, "loop", false);
    await_error(&server, "stay", "302 Found");
    await_error(&server, "loop", "stopped after 10 redirects");
    let same = target.await_request("after the redirect", |head| head.starts_with("GET /metrics "));
    assert!(has_header(&same, "authorization", "Basic bWU6czNjcmV0") && has_header(&same, "x-key", "k3y"), "{same}");
    for head in elsewhere.requests() {
        let lower = head.to_lowercase();
        assert!(!lower.contains("authorization") && !lower.contains("k3y"), "{head}");
        assert!(lower.contains("accept:") && lower.contains("x-prometheus-scrape-timeout-seconds:"), "{head}");
    }
}

#[test]
fn what_contradicts_itself_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    for (settings, words) in [
        ("basic_auth: {username: a}\n  authorization: {credentials: b}", "at most one of"),
        ("no_proxy: x", "proxy_url must also be configured"),
        ("proxy_from_environment: true\n  proxy_url: 'http://x'", "proxy_from_environment"),
        ("tls_config: {cert_file: /x}", "key"),
    ] {
        std::fs::write(&path, format!("scrape_configs:\n- job_name: a\n  {settings}\n")).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pharos"))
            .args(["check", "config", path.to_str().unwrap()])
            .env_clear()
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && text.contains("prometheus.yml:") && text.contains(words), "{settings}: {text}");
    }
}
