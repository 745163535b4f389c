//! Clients that ask too much, too often or too slowly are told so, and everybody else is served on.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::blocking::{Body, Response};
use serde_json::Value as Json;

use crate::support::{Server, client};
use crate::wire;

/// Without metrics of the machine, with these limits, and with none that spares this machine.
fn limited(args: &[&str]) -> Server {
    let mut all = vec!["--host-metrics=false", "--own-metrics=false", "--limits.rate-exempt="];
    all.extend(args);
    Server::start(&all)
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Sends these bytes; gives what comes back until the connection ends.
fn raw(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // The server may answer and close before it has read everything.
    let _refused_early = stream.write_all(request);
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let server = limited(&["--limits.query-rate=1", "--limits.page-rate=0"]);
    // By one client: to make one takes longer than to ask.
    let one = client();
    let asked: Vec<Response> = (0..40).map(|_| one.get(server.url("/api/v1/query?query=1")).send().unwrap()).collect();
    assert_eq!(asked.iter().filter(|answer| answer.status().as_u16() == 200).take(10).count(), 10, "ten at once are fine");
    let refused = asked.into_iter().find(|answer| answer.status().as_u16() == 429).expect("one a second, and ten at once");
    assert_eq!((header(&refused, "retry-after"), header(&refused, "content-type")), ("1".to_owned(), "application/json".to_owned()));
    assert_eq!(header(&refused, "x-content-type-options"), "nosniff");
    let answer: Json = serde_json::from_str(&refused.text().unwrap()).unwrap();
    assert_eq!(answer["errorType"], "too_many_requests");
    assert_eq!(answer["error"], "too many queries from this address: 1 a second are allowed; try again in 1 s");
    assert_eq!(server.get("/").0, 200, "pages have a limit of their own");
    for at in 0..30 {
        let series = wire::series(&[("__name__", "sent")], &[(1_700_000_000_000 + at, 1.0)]);
        let (status, text) = wire::send(&server.url("/api/v1/write"), wire::body(vec![series]));
        assert_eq!(status, 204, "what honest clients send is not limited: {text}");
    }
    let browser = client().get(server.url("/explore")).header("accept", "text/html").send().unwrap();
    assert_eq!(browser.status().as_u16(), 200);
    // Counted as a query itself, the metrics page is asked until its second has come.
    let metrics = (0..100).find_map(|_| {
        let answer = client().get(server.url("/metrics")).send().unwrap();
        if answer.status().as_u16() == 200 {
            return answer.text().ok();
        }
        std::thread::park_timeout(Duration::from_millis(200));
        None
    });
    let metrics = metrics.expect("served again after a while");
    let line = metrics.lines().find(|line| line.starts_with("pharos_http_limited_requests_total{by=\"address\",class=\"query\"}")).unwrap();
    assert!(!line.ends_with(" 0"), "{line}");
}

#[test]
fn a_token_has_its_own_rate() {
    let folder = tempfile::tempdir().unwrap();
    let web = folder.path().join("web.yml");
    std::fs::write(&web, format!("basic_auth_users: {{ann: '{}'}}\n", bcrypt::hash("right", 4).unwrap())).unwrap();
    let server = Server::start(&["--host-metrics=false", "--auth", "on", &format!("--web.config.file={}", web.display())]);
    let form = "name=slow&days=&rate=0.5&scope=read";
    let page = client().post(server.url("/settings/tokens")).basic_auth("ann", Some("right"));
    let page = page.header("content-type", "application/x-www-form-urlencoded").body(form).send().unwrap().text().unwrap();
    let at = page.find("pht_").unwrap_or_else(|| panic!("no token: {page}"));
    let token = page[at..].split('<').next().unwrap().trim().to_owned();
    let one = client();
    let ask = || one.get(server.url("/api/v1/query?query=1")).bearer_auth(&token).send().unwrap();
    assert_eq!(ask().status().as_u16(), 200);
    // The next one, unless this machine takes two seconds for it.
    let refused = (0..100).map(|_| ask()).find(|answer| answer.status().as_u16() == 429).expect("one in two seconds");
    assert!(["1", "2"].contains(&header(&refused, "retry-after").as_str()), "two seconds, of which some are over");
    assert!(refused.text().unwrap().contains("too many requests with this token: 0.5 a second are allowed"));
    let other = client().get(server.url("/api/v1/query?query=1")).basic_auth("ann", Some("right")).send().unwrap();
    assert_eq!(other.status().as_u16(), 200, "others are served");
}

#[test]
fn large_bodies_are_refused_in_words() {
    let server = limited(&["--limits.body-size-max=64KB"]);
    let big = vec![b'x'; 65_537];
    // With its length, before a byte of it is read; and without.
    let cases = [(Body::from(big.clone()), "65536 bytes allowed here"), (Body::new(std::io::Cursor::new(big)), "limits.body_size_max")];
    for (body, words) in cases {
        let answer = client().put(server.url("/metrics/job/x")).body(body).send().unwrap();
        assert_eq!(answer.status().as_u16(), 413);
        let said = answer.text().unwrap();
        assert!(said.contains(words), "{said}");
    }
    let query = format!("query={}", "1%2B".repeat(20_000));
    let (status, text) = server.post("/api/v1/query", "application/x-www-form-urlencoded", query);
    assert_eq!(status, 413);
    assert!(text.contains("\"status\":\"error\"") && text.contains("65536 bytes"), "{text}");
}

/// A hundred megabytes of nothing, packed.
fn bomb(encoding: &str) -> Vec<u8> {
    let zeros = vec![b' '; 100_000_000];
    match encoding {
        "gzip" => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packed.write_all(&zeros).unwrap();
            packed.finish().unwrap()
        }
        "deflate" => {
            let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            packed.write_all(&zeros).unwrap();
            packed.finish().unwrap()
        }
        "zstd" => zstd::encode_all(&zeros[..], 3).unwrap(),
        "snappy" => snap::raw::Encoder::new().compress_vec(&zeros).unwrap(),
        _ => zeros[..100].to_vec(),
    }
}

#[test]
fn bombs_are_refused_whatever_they_are_packed_in() {
    let server = limited(&[]);
    let post = |path: &str, encoding: &str, kind: &str, body: Vec<u8>| {
        let request = client().post(server.url(path)).header("content-encoding", encoding).header("content-type", kind);
        request.body(body).send().unwrap().status().as_u16()
    };
    for (encoding, custom) in [("gzip", 413), ("deflate", 413), ("zstd", 413), ("snappy", 413), ("br", 400)] {
        let packed = bomb(encoding);
        assert!(packed.len() < 8_000_000, "{encoding}");
        assert_eq!(post("/api/v1/query", encoding, "application/x-www-form-urlencoded", packed.clone()), custom, "{encoding}");
        let pushed = post("/metrics/job/x", encoding, "text/plain", packed);
        assert!([413, 415, 400].contains(&pushed), "{encoding}: {pushed}");
    }
    // A head of Snappy that announces four gigabytes.
    assert!([400, 413].contains(&post("/api/v1/write", "snappy", "application/x-protobuf", vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0])));
    assert!([400, 413].contains(&post("/api/v1/read", "snappy", "application/x-protobuf", vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0])));
    assert_eq!(server.get("/-/healthy").0, 200);
}

#[test]
fn large_heads_are_refused() {
    let server = limited(&["--limits.header-bytes-max=16KB"]);
    let many: String = (0..200).map(|at| format!("x-{at}: y\r\n")).collect();
    let large = format!("x: {}\r\n", "y".repeat(20_000));
    for headers in [&many, &large] {
        let answer = raw(&server, format!("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let answer = raw(&server, format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000)).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 414") || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let fine = format!("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx: {}\r\n\r\n", "y".repeat(10_000));
    assert!(raw(&server, fine.as_bytes()).starts_with("HTTP/1.1 200"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn slow_clients_lose_their_connection() {
    let server = limited(&["--limits.header-timeout=1s"]);
    for begun in ["", "GET /-/healthy HTTP/1.1\r\nHost: local"] {
        let began = Instant::now();
        let answer = raw(&server, begun.as_bytes());
        assert!(began.elapsed() < Duration::from_secs(55), "{begun:?}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert_eq!(server.get("/-/healthy").0, 200);
}

#[test]
fn one_client_cannot_take_every_connection() {
    let server = limited(&["--limits.connections-max=6", "--limits.connections-per-client-max=3"]);
    // Each has had an answer, so it has its place.
    let hold = |_| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        stream
    };
    let held: Vec<TcpStream> = (0..3).map(hold).collect();
    let is_closed = || {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let _reset = stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => answer.is_empty(),
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    };
    assert!((0..5).all(|_| is_closed()));
    drop(held);
    assert!((0..600).any(|_| {
        std::thread::park_timeout(Duration::from_millis(50));
        !is_closed()
    }));
}
