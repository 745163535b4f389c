//! HTTPS with real clients: certificates that change, plain HTTP that is led on, certificates of clients, and
//! Prometheus' web config file.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use reqwest::blocking::{Client, ClientBuilder, Response};
use rustls::pki_types::ServerName;

use crate::peers::Prometheus;
use crate::support::{Server, free_port, skip};
use crate::wire;

/// An authority and files that it signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes `stem.pem` and `stem.key` for a name, the certificate last, as renewing programs do.
    fn sign(&self, stem: &str, common_name: &str, usage: ExtendedKeyUsagePurpose) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost", "127.0.0.1", "status.example"].map(str::to_owned).to_vec()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.insert_extended_key_usage(usage);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.path(&format!("{stem}.key")), key.serialize_pem()).unwrap();
        fs::write(self.path(&format!("{stem}.pem")), certificate.pem()).unwrap();
    }

    fn server(&self) {
        self.sign("server", "server", ExtendedKeyUsagePurpose::ServerAuth);
    }

    fn builder(&self) -> ClientBuilder {
        let ca = reqwest::Certificate::from_pem(self.issuer.pem().as_bytes()).unwrap();
        Client::builder().tls_certs_only([ca]).redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(60))
    }

    fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// A client that shows the certificate of another file pair.
    fn showing(&self, stem: &str, from: &Self) -> Client {
        let pem =
            [from.path(&format!("{stem}.pem")), from.path(&format!("{stem}.key"))].map(|path| fs::read_to_string(path).unwrap()).concat();
        self.builder().identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap()).build().unwrap()
    }

    /// A server with TLS from files of this authority.
    fn serve(&self, more: &[&str]) -> Server {
        self.server();
        let files =
            [format!("--server.tls-cert-file={}", self.path("server.pem")), format!("--server.tls-key-file={}", self.path("server.key"))];
        let mut args = vec!["--host-metrics=false", "--own-metrics=false", files[0].as_str(), files[1].as_str()];
        args.extend(more);
        Server::start(&args)
    }
}

fn https(server: &Server, path: &str) -> String {
    format!("https://{}{path}", server.address)
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// The fingerprint-like first bytes of the certificate that the server shows, and the protocol agreed on.
fn shown(server: &Server, asked: Option<&[u8]>) -> (Vec<u8>, String) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    // What it shows is what is looked at; whether to trust it is asked elsewhere.
    let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate)).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(session, TcpStream::connect(&server.address).unwrap());
    stream.write_all(asked.unwrap_or(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).unwrap();
    let mut answer = Vec::new();
    // The end may come without goodbye.
    let _end = stream.read_to_end(&mut answer);
    let certificate = stream.conn.peer_certificates().unwrap()[0].to_vec();
    (certificate, String::from_utf8_lossy(&answer).into_owned())
}

#[derive(Debug)]
struct AnyCertificate;

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Asks again for two minutes.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1200 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("never came to pass: {what}");
}

#[test]
fn https_is_spoken_and_plain_http_is_led_there() {
    let authority = Authority::new();
    let port = free_port();
    let redirect = format!("--server.redirect-http-listen=127.0.0.1:{port}");
    let server = authority.serve(&[&redirect]);
    let client = authority.client();
    let page = client.get(https(&server, "/")).send().unwrap();
    assert_eq!((page.status().as_u16(), page.version()), (200, reqwest::Version::HTTP_2));
    assert_eq!(header(&page, "strict-transport-security"), "max-age=31536000");
    let look = client
        .post(https(&server, "/ui/look"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("theme=dark")
        .send()
        .unwrap();
    assert!(header(&look, "set-cookie").ends_with("; Secure"), "{look:?}");
    // The same port, by plain HTTP.
    let plain = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let led = plain.get(server.url("/explore?q=up")).send().unwrap();
    assert_eq!((led.status().as_u16(), header(&led, "location")), (308, https(&server, "/explore?q=up")));
    assert_eq!(header(&led, "strict-transport-security"), "", "never over plain HTTP");
    let posted = plain.post(server.url("/api/v1/write")).body("x").send().unwrap();
    assert_eq!(posted.status().as_u16(), 308, "and nothing is taken");
    // The other one.
    let led = plain.get(format!("http://127.0.0.1:{port}//evil.example/?a=b")).send().unwrap();
    assert_eq!((led.status().as_u16(), header(&led, "location")), (308, https(&server, "//evil.example/?a=b")));
    // Only to itself, on both.
    for to in [server.url("/x"), format!("http://127.0.0.1:{port}/x")] {
        for host in ["evil.example", "198.51.100.7:80", "localhost.evil.example"] {
            let refused = plain.get(&to).header("host", host).send().unwrap();
            assert_eq!((refused.status().as_u16(), header(&refused, "location").as_str()), (421, ""), "{host}");
        }
        let led = plain.get(&to).header("host", "localhost").send().unwrap();
        assert_eq!(led.status().as_u16(), 308);
    }
    // The name of a status page is its own: nobody is led from it to the server.
    let made = client.post(https(&server, "/api/v1/status-pages")).header("content-type", "application/json");
    let made = made.body(r#"{"title": "Example", "slug": "shop", "hosts": ["status.example"]}"#).send().unwrap();
    assert_eq!(made.status().as_u16(), 200, "{}", made.text().unwrap());
    let own = server.address.rsplit_once(':').unwrap().1;
    for (to, host) in [
        (server.url("/history?month=2026-01"), format!("status.example:{own}")),
        (format!("http://127.0.0.1:{port}/history?month=2026-01"), "status.example".to_owned()),
    ] {
        let led = plain.get(&to).header("host", &host).send().unwrap();
        assert_eq!((led.status().as_u16(), header(&led, "location")), (308, format!("https://status.example:{own}/history?month=2026-01")));
    }
    let visitor = authority.builder().resolve("status.example", server.address.parse().unwrap()).build().unwrap();
    let page = visitor.get(format!("https://status.example:{own}/")).send().unwrap();
    assert_eq!((page.status().as_u16(), page.version()), (200, reqwest::Version::HTTP_2));
    assert!(page.text().unwrap().contains("Example"));
    assert_eq!(visitor.get(format!("https://status.example:{own}/metrics")).send().unwrap().status().as_u16(), 404);
    // What people type is understood behind encryption too.
    let typed = b"GET /api/v1/query?query=label_replace(vector(1),\"a\",\"<`>\",\"\",\"\") HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (_, answer) = shown(&server, Some(typed));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"a\":\"<`>\""), "{answer}");
    let metrics = client.get(https(&server, "/metrics")).send().unwrap().text().unwrap();
    assert!(metrics.contains("pharos_http_tls_handshake_failures_total{reason=\"plain_http\"} 7\n"), "{metrics}");
    assert!(metrics.contains("pharos_http_connections "));
}

#[test]
fn certificates_are_exchanged_while_the_server_runs() {
    let authority = Authority::new();
    let server = authority.serve(&[]);
    let client = authority.client();
    let metric = |name: &str| {
        let text = client.get(https(&server, "/metrics")).send().unwrap().text().unwrap();
        text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap().parse::<f64>().unwrap()
    };
    let first = shown(&server, None).0;
    assert!(metric("pharos_tls_certificate_expiry_timestamp_seconds") > 1.7e9);
    // A key that does not fit: the old pair stays.
    fs::write(authority.path("server.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    eventually("the broken pair is noticed", || metric("pharos_tls_last_reload_successful") == 0.0);
    assert_eq!(shown(&server, None).0, first);
    // A whole new pair is taken without anything being said.
    authority.server();
    eventually("the new pair is shown", || shown(&server, None).0 != first);
    assert_eq!(metric("pharos_tls_last_reload_successful"), 1.0);
    assert!(metric("pharos_tls_reload_failures_total") >= 1.0);
    // SIGHUP reads again as well.
    let before = metric("pharos_tls_reloads_total");
    let hangup = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    rustix::process::kill_process(hangup, rustix::process::Signal::HUP).unwrap();
    eventually("read again", || metric("pharos_tls_reloads_total") > before);
}

#[test]
fn a_self_signed_certificate_is_kept_and_can_be_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let args = ["--tls-self-signed", "--host-metrics=false", "--own-metrics=false", "--external-url=https://metrics.example"];
    let mut server = Server::on(&data, &args);
    let pem = fs::read(data.join("tls/self-signed.crt")).unwrap();
    let trusting = Client::builder().tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()]).build().unwrap();
    let answer = trusting.get(https(&server, "/-/healthy")).send().unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(header(&answer, "strict-transport-security"), "", "or nobody could get past a browser's warning");
    assert_eq!(fs::metadata(data.join("tls/self-signed.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    let first = shown(&server, None).0;
    server.kill_and_restart();
    assert_eq!(shown(&server, None).0, first);
    let led = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let to = led.get(server.url("/x")).send().unwrap();
    assert_eq!(header(&to, "location"), "https://metrics.example/x");
}

#[test]
fn the_command_line_asks_a_server_with_a_certificate_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::on(&data, &["--tls-self-signed", "--host-metrics=false", "--own-metrics=false", "--auth=off"]);
    let (url, ca) = (https(&server, ""), data.join("tls/self-signed.crt").display().to_string());
    let pharos = |line: &[&str], env: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pharos")).args(line).envs(env.iter().copied()).output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let backup = folder.path().join("b.tar.zst").display().to_string();
    let commands: [&[&str]; 3] = [&["query", "instant", "vector(7)"], &["tsdb", "analyze"], &["backup", &backup]];
    for line in commands {
        let refused = pharos(&[line, &["--url", &url]].concat(), &[]);
        assert!(!refused.0 && refused.2.contains("--ca-file") && refused.2.contains("certificate"), "{line:?}: {refused:?}");
        let asked = pharos(&[line, &["--url", &url, "--ca-file", &ca]].concat(), &[]);
        assert!(asked.0, "{line:?}: {asked:?}");
    }
    let from_variables = pharos(&["query", "labels"], &[("PHAROS_URL", &url), ("PHAROS_CA_FILE", &ca)]);
    assert!(from_variables.0, "{from_variables:?}");
    let wrong = pharos(&["query", "labels", "--url", &url, "--ca-file", "/nowhere"], &[]);
    assert!(!wrong.0 && wrong.2.contains("/nowhere"), "{wrong:?}");
    // As a container asks about itself: with nothing, and with its address.
    for env in [("PHAROS_SERVER_LISTEN", server.address.as_str()), ("PHAROS_URL", &url)] {
        let healthy = pharos(&["check", "healthy"], &[env]);
        assert!(healthy.0, "{env:?}: {healthy:?}");
    }
    assert!(pharos(&["check", "ready", "--url", &url, "--ca-file", &ca], &[]).0);
    let stranger = Authority::new().path("ca.pem");
    assert!(!pharos(&["check", "healthy", "--url", &url, "--ca-file", &stranger], &[]).0);
}

#[test]
fn a_client_with_a_certificate_sends_without_a_token() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    authority.sign("agent", "agent-7", ExtendedKeyUsagePurpose::ClientAuth);
    stranger.sign("agent", "agent-7", ExtendedKeyUsagePurpose::ClientAuth);
    let ca = format!("--server.client-ca-file={}", authority.path("ca.pem"));
    let server = authority.serve(&["--auth", "on", &ca]);
    let write = |client: &Client| {
        let request = client.post(https(&server, "/api/v1/write")).header("content-type", "application/x-protobuf");
        let request = request.header("content-encoding", "snappy").header("x-prometheus-remote-write-version", "0.1.0");
        let body = wire::body(vec![wire::series(&[("__name__", "sent"), ("job", "x")], &[(1_700_000_000_000, 1.0)])]);
        request.body(body).send().map(|answer| answer.status().as_u16()).ok()
    };
    let agent = authority.showing("agent", &authority);
    assert_eq!(write(&agent), Some(204));
    assert_eq!(agent.put(https(&server, "/metrics/job/x")).body("a 1\n").send().unwrap().status().as_u16(), 200);
    let refused = agent.get(https(&server, "/api/v1/query?query=sent")).send().unwrap();
    assert_eq!(refused.status().as_u16(), 403);
    let words = refused.text().unwrap();
    assert!(words.contains("certificate of agent-7") && words.contains("needs the scope read"), "{words}");
    assert_eq!(agent.get(https(&server, "/api/v1/query?query=sent")).bearer_auth("pht_guess").send().unwrap().status().as_u16(), 401);
    assert_eq!(write(&authority.client()), Some(401), "none at all");
    assert_eq!(write(&authority.showing("agent", &stranger)), None, "somebody else's is not let in");
    let strict = authority.serve(&[&ca, "--server.client-auth=RequireAndVerifyClientCert"]);
    assert!(authority.client().get(https(&strict, "/-/healthy")).send().is_err());
    assert_eq!(agent.get(https(&strict, "/-/healthy")).send().unwrap().status().as_u16(), 200);
}

/// A web config file beside the files of an authority.
fn web_config(authority: &Authority, text: &str) -> PathBuf {
    let path = authority.folder.path().join("web.yml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_web_config_file_of_prometheus_is_taken() {
    let authority = Authority::new();
    authority.server();
    let hash = |password: &str| bcrypt::hash(password, 5).unwrap();
    let text = |users: &str| {
        format!(
            "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  min_version: TLS12\n\
             http_server_config:\n  http2: false\n  headers:\n    Strict-Transport-Security: max-age=60\n    X-Frame-Options: sameorigin\n{users}"
        )
    };
    let path = web_config(&authority, &text(&format!("basic_auth_users:\n  ann: {}\n", hash("right"))));
    let flag = format!("--web.config.file={}", path.display());
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", &flag]);
    let client = authority.client();
    let ask =
        |name: &str, password: &str| client.get(https(&server, "/api/v1/query?query=1")).basic_auth(name, Some(password)).send().unwrap();
    let answer = ask("ann", "right");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_11));
    assert_eq!(
        (header(&answer, "strict-transport-security"), header(&answer, "x-frame-options")),
        ("max-age=60".into(), "sameorigin".into())
    );
    for (name, password) in [("ann", "wrong"), ("eve", "right"), ("", "")] {
        let refused = ask(name, password);
        assert_eq!(refused.status().as_u16(), 401, "{name}");
        assert!(header(&refused, "www-authenticate").starts_with("Basic"));
    }
    let browser = client.get(https(&server, "/")).header("accept", "text/html").send().unwrap();
    assert_eq!(
        (browser.status().as_u16(), header(&browser, "www-authenticate").is_empty()),
        (401, false),
        "a browser asks for the password"
    );
    assert_eq!(client.get(https(&server, "/-/healthy")).send().unwrap().status().as_u16(), 200);
    // Changes count at once; mistakes change nothing.
    fs::write(&path, text("basic_auth_users:\n  bob: plain\n")).unwrap();
    let is_good = || {
        let metrics = client.get(https(&server, "/metrics")).basic_auth("ann", Some("right")).send().unwrap().text().unwrap();
        metrics.contains("pharos_tls_last_reload_successful 1\n")
    };
    eventually("the mistake is noticed", || !is_good());
    assert_eq!(ask("ann", "right").status().as_u16(), 200);
    fs::write(&path, text(&format!("basic_auth_users:\n  bob: {}\n", hash("new")))).unwrap();
    eventually("bob is let in", || ask("bob", "new").status().as_u16() == 200);
    assert_eq!(ask("ann", "right").status().as_u16(), 401);
    let Ok(checked) = Command::new("promtool").args(["check", "web-config"]).arg(&path).output() else {
        return skip("promtool is not installed");
    };
    assert!(checked.status.success(), "upstream takes the same file: {checked:?}");
    // Prometheus scrapes and forwards through all of it.
    let config = format!(
        "scrape_configs: [{{job_name: p, scrape_interval: 1s, scheme: https, tls_config: {{ca_file: '{}'}}, \
         basic_auth: {{username: bob, password: new}}, static_configs: [{{targets: ['{}']}}]}}]\n",
        authority.path("ca.pem"),
        server.address
    );
    let Some(prometheus) = Prometheus::with_config(&config) else { return skip("prometheus is not installed") };
    eventually("prometheus scrapes it", || {
        let found = crate::peers::ask(&prometheus.url(""), "/api/v1/query", &[("query", "up".to_owned())]);
        found["data"]["result"][0]["value"][1] == "1"
    });
}

/// What the server says when it does not start.
fn fails(args: &[&str], folder: &Path) -> String {
    let mut process = Command::new(env!("CARGO_BIN_EXE_pharos"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.join("data"))
        .args(args)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for _ in 0..1200 {
        if process.try_wait().unwrap().is_some() {
            process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            return said;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    panic!("it started with {args:?}");
}

#[test]
fn mistakes_are_named_at_the_start() {
    let authority = Authority::new();
    authority.server();
    let folder = authority.folder.path();
    let path = web_config(&authority, "tls_server_config:\n  cert_file: server.pem\n");
    let web = format!("--web.config.file={}", path.display());
    assert!(fails(&[&web], folder).contains("web.yml:2:3: missing one of key or key_file"));
    let cert = format!("--server.tls-cert-file={}", authority.path("server.pem"));
    assert!(fails(&[&cert], folder).contains("go together"));
    let missing = format!("--server.tls-key-file={}", authority.path("none.key"));
    assert!(fails(&[&cert, &missing], folder).contains("none.key: No such file"));
    assert!(fails(&["--server.redirect-http-listen=127.0.0.1:0"], folder).contains("which is not set up"));
    assert!(fails(&["--limits.rate-exempt=nowhere"], folder).contains("\"nowhere\""));
    assert!(fails(&["--server.fetch-deny=nowhere"], folder).contains("\"nowhere\""));
}
