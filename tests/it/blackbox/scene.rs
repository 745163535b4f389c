//! What is probed: web servers with and without TLS, name servers, servers that greet, a service of gRPC.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, MX, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Everything, with where it listens.
pub(super) struct Scene {
    web: SocketAddr,
    good: SocketAddr,
    other_name: SocketAddr,
    ended: SocketAddr,
    stranger: SocketAddr,
    only_12: SocketAddr,
    names: SocketAddr,
    greets: SocketAddr,
    silent: SocketAddr,
    starttls: SocketAddr,
    tls_greets: SocketAddr,
    health: SocketAddr,
    nobody: u16,
    authority: String,
}

/// Answers each connection in a thread of its own.
fn listen(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

/// The prober of a module, by its name.
pub(super) fn prober(module: &str) -> &'static str {
    match module {
        "connect" | "banner" | "impatient_banner" | "wrong_banner" | "starttls" => "tcp",
        name if name.starts_with("tls_") => "tcp",
        name if name.starts_with("dns_") => "dns",
        name if name.starts_with("grpc_") => "grpc",
        "echo" => "icmp",
        _ => "http",
    }
}

/// A web server.
pub(super) fn web() -> SocketAddr {
    listen(|mut stream| serve(&mut stream, false))
}

fn serve(stream: &mut (impl Read + Write), is_tls: bool) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut head) = (String::new(), String::new());
    // What is no HTTP at all hangs up.
    while let Ok(1..) = reader.read_line(&mut line) {
        if line == "\r\n" {
            break;
        }
        head.push_str(&std::mem::take(&mut line));
    }
    let header = |name: &str| {
        head.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()))
    };
    let mut body = vec![0; header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0)];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let stream = reader.into_inner();
    if !head.contains(" HTTP/1.1\r\n") {
        let _gone = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nwhat?").is_err();
        return;
    }
    let mut first = head.split(' ');
    let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let good = |headers: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        [head.as_bytes(), if method == "HEAD" { b"" } else { body }].concat()
    };
    let empty =
        |status: &str, headers: &str| format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes();
    let gz = |text: &[u8]| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text).unwrap();
        gz.finish().unwrap()
    };
    let answer = match path {
        "/" => good("Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\nX-Kind: plain\r\n", b"hello from the scene\n"),
        "/404" => empty("404 Not Found", ""),
        "/503" => empty("503 Service Unavailable", ""),
        "/204" => b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec(),
        "/loop" => empty("302 Found", "Location: /loop\r\n"),
        "/hop/0" => good("", b"arrived"),
        "/bare" => empty("302 Found", ""),
        "/cookie" => empty("302 Found", "Location: /needs-cookie\r\nSet-Cookie: way=known; Path=/\r\n"),
        "/needs-cookie" if header("cookie") == Some("way=known") => good("", b"welcome"),
        "/elsewhere" => empty("301 Moved Permanently", "Location: ftp://127.0.0.1/\r\n"),
        "/slow" => {
            std::thread::park_timeout(Duration::from_secs(30));
            good("", b"late")
        }
        "/slow-body" => {
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin").is_err();
            std::thread::park_timeout(Duration::from_secs(30));
            Vec::new()
        }
        "/cut" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this".to_vec(),
        "/chunked" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_vec(),
        "/endless" => b"HTTP/1.1 200 OK\r\n\r\nuntil the end".to_vec(),
        "/10" => b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold".to_vec(),
        "/gzip" => good("Content-Encoding: gzip\r\n", &gz(b"packed hello from the scene")),
        "/large" => good("", &vec![b'x'; 50_000]),
        "/garbage" => b"SSH-2.0-scene\r\n".to_vec(),
        "/silent" => Vec::new(),
        "/auth" if header("authorization") == Some("Basic YW5uOnMzY3JldA==") => good("", b"in"),
        "/auth" => empty("401 Unauthorized", "WWW-Authenticate: Basic\r\n"),
        "/echo" if method == "POST" => good("", &body),
        "/host" if header("host") == Some("other.example") => good("", b"other"),
        "/tls" if is_tls => good("", b"safe"),
        path => match path.strip_prefix("/hop/").and_then(|count| count.parse::<u32>().ok()) {
            Some(count) => empty("302 Found", &format!("Location: /hop/{}\r\n", count - 1)),
            None => empty("404 Not Found", ""),
        },
    };
    let _gone = stream.write_all(&answer).is_err() || stream.flush().is_err();
}

fn config(chain: (String, String), versions: &[&'static rustls::SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap().with_no_client_auth();
    let certificate = CertificateDer::from_pem_slice(chain.0.as_bytes()).unwrap();
    Arc::new(builder.with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(chain.1.as_bytes()).unwrap()).unwrap())
}

const BOTH: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

fn secure_web(config: Arc<ServerConfig>) -> SocketAddr {
    listen(move |stream| {
        let mut first = [0];
        // As web servers do with requests that come without TLS.
        if matches!(stream.peek(&mut first), Ok(1)) && first[0].is_ascii_uppercase() {
            let mut stream = stream;
            let mut head = [0; 1024];
            let _gone = stream.read(&mut head).is_err();
            let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain").is_err();
            return;
        }
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        serve(&mut stream, true);
        stream.conn.send_close_notify();
        let _gone = stream.flush().is_err();
    })
}

/// Lines that a server says, and what it waits for in between.
fn greets(mut stream: impl Read + Write) {
    let _gone = stream.write_all(b"220 scene ready\r\n").is_err();
    let mut reader = BufReader::new(&mut stream);
    let mut line = String::new();
    while let Ok(1..) = reader.read_line(&mut line) {
        let answer = format!("you said {}", std::mem::take(&mut line));
        let _gone = reader.get_mut().write_all(answer.as_bytes()).is_err();
    }
}

fn starttls(config: &Arc<ServerConfig>, mut stream: TcpStream) {
    let _gone = stream.write_all(b"220 hello\n").is_err();
    let mut byte = [0];
    while matches!(stream.read(&mut byte), Ok(1)) && byte[0] != b'\n' {}
    let _gone = stream.write_all(b"220 go on\n").is_err();
    greets(StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream));
}

fn answer_to(question: &[u8]) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?.clone();
    let mut answer = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
    answer.metadata.recursion_desired = asked.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    let name = query.name().clone();
    let mut put = |data: RData| answer.answers.push(Record::from_rdata(name.clone(), 300, data));
    let host = |text: &str| Name::from_ascii(text).unwrap();
    match (query.name().to_string().as_str(), query.query_type()) {
        ("scene.example.", RecordType::A) => {
            put(RData::A(A::new(192, 0, 2, 1)));
            put(RData::A(A::new(192, 0, 2, 2)));
        }
        ("scene.example.", RecordType::MX) => put(RData::MX(MX::new(10, host("mail.scene.example.")))),
        ("scene.example.", RecordType::TXT) => put(RData::TXT(TXT::new(vec!["v=spf1 -all".to_owned()]))),
        ("scene.example.", RecordType::SOA) => {
            put(RData::SOA(SOA::new(host("ns.scene.example."), host("ann.scene.example."), 2026, 3600, 600, 86_400, 300)));
            answer.authorities.push(Record::from_rdata(name.clone(), 60, RData::A(A::new(192, 0, 2, 9))));
        }
        ("scene.example.", _) => {}
        ("refused.example.", _) => answer.metadata.response_code = ResponseCode::Refused,
        _ => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer.to_vec().ok()
}

fn names() -> SocketAddr {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((count, from)) = udp.recv_from(&mut buffer) {
            if let Some(answer) = answer_to(&buffer[..count]) {
                udp.send_to(&answer, from).unwrap();
            }
        }
    });
    std::thread::spawn(move || {
        for mut stream in tcp.incoming().map_while(Result::ok) {
            let mut len = [0; 2];
            if stream.read_exact(&mut len).is_err() {
                continue;
            }
            let mut question = vec![0; usize::from(u16::from_be_bytes(len))];
            if stream.read_exact(&mut question).is_err() {
                continue;
            }
            let answer = answer_to(&question).unwrap_or_default();
            let len = u16::try_from(answer.len()).unwrap().to_be_bytes();
            let _gone = stream.write_all(&[&len[..], &answer].concat()).is_err();
        }
    });
    address
}

/// A service of gRPC that says how it is.
fn health() -> SocketAddr {
    use axum::body::Body;
    use axum::routing::post;
    use http_body_util::{BodyExt, Full};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let check = |request: axum::extract::Request| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let (status, code) = match body.get(7..).unwrap_or_default() {
            b"" | b"good" => (1, 0),
            b"bad" => (2, 0),
            _ => (0, 5),
        };
        let framed = bytes::Bytes::from(vec![0, 0, 0, 0, 2, 8, status]);
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from(code));
        let body = Full::new(framed).with_trailers(std::future::ready(Some(Ok(trailers))));
        http::Response::builder().header("content-type", "application/grpc").body(Body::new(body)).unwrap()
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let router = axum::Router::new().route("/grpc.health.v1.Health/Check", post(check));
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

/// Makes certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(2090, 1, 1);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key in PEM, valid until this year.
    fn issue(&self, names: &[&str], until: i32) -> (String, String) {
        let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, "Scene, the");
        params.distinguished_name.push(DnType::CountryName, "DE");
        params.not_after = rcgen::date_time_ymd(until, 6, 1);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

impl Scene {
    pub(super) fn open() -> Self {
        let authority = Authority::new("scene authority");
        let here = ["localhost", "127.0.0.1"];
        let good = config(authority.issue(&here, 2080), BOTH);
        let (speaks, upgrades) = (Arc::clone(&good), Arc::clone(&good));
        Self {
            web: web(),
            other_name: secure_web(config(authority.issue(&["other.example"], 2080), BOTH)),
            ended: secure_web(config(authority.issue(&here, 2020), BOTH)),
            stranger: secure_web(config(Authority::new("stranger").issue(&here, 2080), BOTH)),
            only_12: secure_web(config(authority.issue(&here, 2080), &[&rustls::version::TLS12])),
            names: names(),
            greets: listen(greets),
            silent: listen(|stream| {
                std::thread::park_timeout(Duration::from_secs(20));
                drop(stream);
            }),
            starttls: listen(move |stream| starttls(&upgrades, stream)),
            tls_greets: listen(move |stream| greets(StreamOwned::new(ServerConnection::new(Arc::clone(&speaks)).unwrap(), stream))),
            health: health(),
            // No test is given a port so low.
            nobody: 1,
            good: secure_web(good),
            authority: authority.0.pem(),
        }
    }

    /// The modules, in words that both understand. What answers has time to do it on a busy machine; few wait for nothing.
    pub(super) fn modules(&self, folder: &Path) -> String {
        let ca = folder.join("ca.pem");
        std::fs::write(&ca, &self.authority).unwrap();
        let ca = ca.display();
        let http =
            |name: &str, says: &str| format!("  {name}: {{prober: http, timeout: 10s, http: {{preferred_ip_protocol: ip4, {says}}}}}\n");
        let tcp =
            |name: &str, says: &str| format!("  {name}: {{prober: tcp, timeout: 10s, tcp: {{preferred_ip_protocol: ip4, {says}}}}}\n");
        let dns = |name: &str, says: &str| {
            format!("  {name}: {{prober: dns, timeout: 10s, dns: {{preferred_ip_protocol: ip4, query_name: scene.example, {says}}}}}\n")
        };
        let grpc =
            |name: &str, says: &str| format!("  {name}: {{prober: grpc, timeout: 10s, grpc: {{preferred_ip_protocol: ip4, {says}}}}}\n");
        let icmp =
            |name: &str, says: &str| format!("  {name}: {{prober: icmp, timeout: 10s, icmp: {{preferred_ip_protocol: ip4, {says}}}}}\n");
        let impatient = |module: String| module.replace("timeout: 10s", "timeout: 2s");
        let banner = "query_response: [{expect: '^220 (\\w+)'}, {send: 'hello ${1}'}, {expect: '^you said hello'}]";
        let trusted = format!("tls_config: {{ca_file: '{ca}'}}");
        [
            "modules:\n".to_owned(),
            http("plain", "method: GET"),
            impatient(http("impatient", "method: GET")),
            http("ca", &trusted),
            http("any_certificate", "tls_config: {insecure_skip_verify: true}"),
            http("named", &format!("tls_config: {{ca_file: '{ca}', server_name: other.example}}")),
            http("hosted", "headers: {Host: other.example, Accept-Language: de}"),
            http("head", "method: HEAD"),
            http("post", "method: POST, body: 'the text'"),
            http("stay", "follow_redirects: false, valid_status_codes: [302]"),
            http("stay_search", "follow_redirects: false, valid_status_codes: [302], fail_if_body_not_matches_regexp: [x]"),
            http("valid_404", "valid_status_codes: [404, 410]"),
            http("only_11", "valid_http_versions: [HTTP/1.1]"),
            http("only_2", "valid_http_versions: [HTTP/2.0]"),
            http("has_hello", "fail_if_body_not_matches_regexp: ['(?i)HELLO']"),
            http("has_no_hello", "fail_if_body_matches_regexp: [hello]"),
            http("kind", "fail_if_header_not_matches: [{header: x-kind, regexp: '^plain$'}]"),
            http("no_kind", "fail_if_header_matches: [{header: X-Kind, regexp: plain, allow_missing: true}]"),
            http("not_ssl", "fail_if_ssl: true, tls_config: {insecure_skip_verify: true}"),
            http("ssl", "fail_if_not_ssl: true, tls_config: {insecure_skip_verify: true}"),
            http("small", "body_size_limit: 10KB"),
            http("gzip", "compression: gzip, headers: {Accept-Encoding: gzip}, fail_if_body_not_matches_regexp: ['packed hello']"),
            http("basic", "basic_auth: {username: ann, password: s3cret}"),
            http("ip6_only", "method: GET").replace("preferred_ip_protocol: ip4", "preferred_ip_protocol: ip6, ip_protocol_fallback: false"),
            tcp("connect", "source_ip_address: 127.0.0.1"),
            tcp("banner", banner),
            impatient(tcp("impatient_banner", banner)),
            impatient(tcp("wrong_banner", "query_response: [{expect: '^SSH-'}]")),
            tcp("tls_banner", &format!("tls: true, {trusted}, query_response: [{{expect: '^220 '}}]")),
            tcp("tls_untrusted", "tls: true"),
            tcp("starttls", &format!("{trusted}, query_response: [{{expect: '^220 '}}, {{send: STARTTLS}}, {{expect: '^220 '}}, {{starttls: true}}, {{expect: '^220 scene'}}]")),
            dns("dns_a", "query_type: A, validate_answer_rrs: {fail_if_not_matches_regexp: ['scene.example.\\t300\\tIN\\tA\\t192\\.0\\.2\\.[12]']}"),
            dns("dns_bad_a", "query_type: A, validate_answer_rrs: {fail_if_matches_regexp: ['192\\.0\\.2\\.2$']}"),
            dns("dns_none", "query_type: A, validate_answer_rrs: {fail_if_none_matches_regexp: ['10\\.0\\.0\\.1']}"),
            dns("dns_all", "query_type: A, validate_answer_rrs: {fail_if_all_match_regexp: ['192\\.0\\.2\\.1']}"),
            dns("dns_tcp_mx", "transport_protocol: tcp, query_type: MX, validate_answer_rrs: {fail_if_not_matches_regexp: ['MX\\t10 mail\\.scene\\.example\\.$']}"),
            dns("dns_txt", "query_type: TXT, validate_answer_rrs: {fail_if_not_matches_regexp: ['TXT\\t\"v=spf1 -all\"$']}"),
            dns("dns_soa", "query_type: SOA"),
            dns("dns_empty", "query_type: AAAA, validate_answer_rrs: {fail_if_not_matches_regexp: ['.*']}"),
            dns("dns_nx", "query_type: A").replace("scene.example", "gone.example"),
            dns("dns_nx_valid", "query_type: A, valid_rcodes: [NXDOMAIN]").replace("scene.example", "gone.example"),
            dns("dns_refused", "query_type: A").replace("scene.example", "refused.example"),
            icmp("echo", "payload_size: 100"),
            grpc("grpc_good", "service: good"),
            grpc("grpc_bad", "service: bad"),
            grpc("grpc_unknown", "service: nobody"),
        ]
        .concat()
    }

    /// Module, target, and whether all holds.
    pub(super) fn cases(&self) -> Vec<(&'static str, String, bool)> {
        let web = |path: &str| format!("http://{}{path}", self.web);
        let safe = |at: SocketAddr, path: &str| format!("https://localhost:{}{path}", at.port());
        let gone = format!("127.0.0.1:{}", self.nobody);
        vec![
            ("plain", web("/"), true),
            ("plain", format!("{}/", self.web), true),
            ("plain", web("/404"), false),
            ("plain", web("/503"), false),
            ("plain", web("/204"), true),
            ("plain", web("/hop/3"), true),
            ("plain", web("/loop"), false),
            ("plain", web("/bare"), false),
            ("plain", web("/elsewhere"), false),
            ("plain", web("/cookie"), true),
            ("impatient", web("/slow"), false),
            ("impatient", web("/slow-body"), false),
            ("plain", web("/cut"), false),
            ("plain", web("/chunked"), true),
            ("plain", web("/endless"), true),
            ("plain", web("/10"), true),
            ("plain", web("/garbage"), false),
            ("plain", web("/silent"), false),
            ("plain", format!("http://{gone}/"), false),
            ("impatient", "http://name.that.is.none.invalid/".to_owned(), false),
            ("plain", safe(self.good, "/tls"), false),
            ("plain", format!("http://{}/", self.good), false),
            ("plain", format!("https://{}/", self.web), false),
            ("ip6_only", web("/"), false),
            ("ca", safe(self.good, "/tls"), true),
            ("ca", safe(self.only_12, "/tls"), true),
            ("ca", safe(self.other_name, "/tls"), false),
            ("ca", safe(self.ended, "/tls"), false),
            ("ca", safe(self.stranger, "/tls"), false),
            ("any_certificate", safe(self.ended, "/tls"), true),
            ("any_certificate", safe(self.stranger, "/tls"), true),
            ("named", safe(self.other_name, "/tls"), true),
            ("hosted", web("/host"), true),
            ("head", web("/"), true),
            ("post", web("/echo"), true),
            ("stay", web("/hop/3"), true),
            ("stay_search", web("/hop/3"), false),
            ("valid_404", web("/404"), true),
            ("valid_404", web("/"), false),
            ("only_11", web("/"), true),
            ("only_2", web("/"), false),
            ("has_hello", web("/"), true),
            ("has_no_hello", web("/"), false),
            ("kind", web("/"), true),
            ("kind", web("/204"), false),
            ("no_kind", web("/"), false),
            ("no_kind", web("/204"), true),
            ("not_ssl", safe(self.good, "/tls"), false),
            ("ssl", safe(self.good, "/tls"), true),
            ("ssl", web("/"), false),
            ("small", web("/"), true),
            ("small", web("/large"), false),
            ("gzip", web("/gzip"), true),
            ("gzip", web("/"), false),
            ("basic", web("/auth"), true),
            ("plain", web("/auth"), false),
            ("connect", self.web.to_string(), true),
            ("connect", gone.clone(), false),
            ("connect", "127.0.0.1".to_owned(), false),
            ("banner", self.greets.to_string(), true),
            ("impatient_banner", self.silent.to_string(), false),
            ("wrong_banner", self.greets.to_string(), false),
            ("tls_banner", format!("localhost:{}", self.tls_greets.port()), true),
            ("tls_untrusted", format!("localhost:{}", self.tls_greets.port()), false),
            ("starttls", format!("localhost:{}", self.starttls.port()), true),
            ("dns_a", self.names.to_string(), true),
            ("dns_bad_a", self.names.to_string(), false),
            ("dns_none", self.names.to_string(), false),
            ("dns_all", self.names.to_string(), false),
            ("dns_tcp_mx", self.names.to_string(), true),
            ("dns_txt", self.names.to_string(), true),
            ("dns_soa", self.names.to_string(), true),
            ("dns_empty", self.names.to_string(), false),
            ("dns_nx", self.names.to_string(), false),
            ("dns_nx_valid", self.names.to_string(), true),
            ("dns_refused", self.names.to_string(), false),
            ("dns_a", gone.clone(), false),
            ("dns_tcp_mx", gone.clone(), false),
            ("echo", "127.0.0.1".to_owned(), true),
            ("grpc_good", self.health.to_string(), true),
            ("grpc_bad", self.health.to_string(), false),
            ("grpc_unknown", self.health.to_string(), false),
            ("grpc_good", gone, false),
        ]
    }
}
