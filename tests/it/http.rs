//! What goes for every answer: who may read it, how failures look, odd requests, formats of exposition.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use reqwest::Method;
use reqwest::blocking::Response;
use serde_json::{Value as Json, json};

use crate::peers::Prometheus;
use crate::support::{Server, client, skip};
use crate::wire;

fn ask(method: Method, url: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = client().request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Headers of an answer that say who may read it.
fn cors(answer: &Response) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = answer
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("access-control-") || *name == "vary")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_ascii_lowercase()))
        .filter(|(_, value)| value != "accept-encoding")
        .collect();
    all.sort();
    all
}

#[test]
fn other_pages_read_only_where_they_are_allowed_to() {
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--web.cors.origin=https://grafana\\.example"]);
    let grafana = ("Origin", "https://grafana.example");
    let asked = ask(Method::OPTIONS, &server.url("/api/v1/query"), &[grafana, ("Access-Control-Request-Method", "POST")]);
    assert_eq!(asked.status().as_u16(), 204);
    let read = ask(Method::GET, &server.url("/api/v1/query?query=1"), &[grafana]);
    for answer in [&asked, &read] {
        assert_eq!(header(answer, "access-control-allow-origin"), "https://grafana.example");
        assert_eq!(header(answer, "access-control-allow-credentials"), "");
        assert!(cors(answer).contains(&("vary".to_owned(), "origin".to_owned())));
    }
    // Grafana's direct mode posts its queries from the browser.
    let site = ("Sec-Fetch-Site", "cross-site");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let posted = ask(Method::POST, &server.url("/api/v1/query?query=1"), &[grafana, site, form]);
    assert_eq!(posted.status().as_u16(), 200);
    assert_eq!(header(&posted, "access-control-allow-origin"), "https://grafana.example");
    // What changes something is refused even from there, in a way that the page can read.
    for path in ["/api/v1/write", "/api/v1/admin/tsdb/delete_series?match[]=up", "/-/reload", "/metrics/job/x"] {
        let refused = ask(Method::POST, &server.url(path), &[grafana, site]);
        assert_eq!(refused.status().as_u16(), 403, "{path}");
    }
    let evil = ask(Method::GET, &server.url("/api/v1/query?query=1"), &[("Origin", "https://evil.example")]);
    assert_eq!(header(&evil, "access-control-allow-origin"), "");
    // Errors can be read too.
    let wrong = ask(Method::GET, &server.url("/api/v1/query?query=("), &[grafana]);
    assert_eq!((wrong.status().as_u16(), header(&wrong, "access-control-allow-origin").as_str()), (400, "https://grafana.example"));
    assert_eq!(cors(&ask(Method::GET, &server.url("/metrics"), &[grafana])), []);
    let closed = Server::quiet();
    assert_eq!(header(&ask(Method::GET, &closed.url("/api/v1/query?query=1"), &[grafana]), "access-control-allow-origin"), "");
}

#[test]
fn prometheus_says_the_same_to_other_pages() {
    let Some(prometheus) = Prometheus::start() else { return skip("prometheus is not installed") };
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--web.cors.origin=.*"]);
    // Without an origin the packaged version says nothing; later ones say that it matters.
    let origin = [("Origin", "https://a.example")];
    for (method, path) in
        [(Method::OPTIONS, "/api/v1/query"), (Method::GET, "/api/v1/query?query=1"), (Method::GET, "/api/v1/query?query=(")]
    {
        let theirs = ask(method.clone(), &prometheus.url(path), &origin);
        let ours = ask(method.clone(), &server.url(path), &origin);
        assert_eq!((theirs.status(), cors(&theirs)), (ours.status(), cors(&ours)), "{method} {path}");
    }
    assert_eq!(cors(&ask(Method::GET, &server.url("/api/v1/query?query=1"), &[])), [("vary".to_owned(), "origin".to_owned())]);
}

#[test]
fn failures_look_as_their_reader_expects() {
    let server = Server::quiet();
    let browser = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for (method, path, status, words) in [
        (Method::GET, "/no/such/%3Cimg%20src=x%3E%22page", 404, "There is no such page"),
        (Method::POST, "/-/healthy", 405, "does not take that"),
        (Method::GET, "/federate?match[]=%7B%3Cb%3E", 400, "parse error"),
    ] {
        let page = ask(method.clone(), &server.url(path), &browser);
        assert_eq!((page.status().as_u16(), header(&page, "content-type").as_str()), (status, "text/html; charset=utf-8"), "{path}");
        assert!(header(&page, "content-security-policy").contains("script-src 'self'"), "{path}");
        let html = page.text().unwrap();
        assert!(html.contains(words) && html.contains("</html>"), "{path}: {html}");
        assert!(!html.contains("<img src") && !html.contains("<b>\""), "{path}");
        let plain = ask(method, &server.url(path), &[("Accept", "*/*")]);
        assert_eq!(header(&plain, "content-type"), "text/plain; charset=utf-8", "{path}");
        assert!(!plain.text().unwrap().contains('<') || path.contains("3Cb"), "{path}");
    }
    for accept in ["text/html", "*/*"] {
        let api = ask(Method::GET, &server.url("/api/v1/no/such"), &[("Accept", accept)]);
        assert_eq!((api.status().as_u16(), header(&api, "content-type").as_str()), (404, "application/json"));
        let answer: Json = serde_json::from_str(&api.text().unwrap()).unwrap();
        assert_eq!(answer, json!({ "status": "error", "errorType": "not_found", "error": "404 page not found" }));
        let method = ask(Method::DELETE, &server.url("/api/v1/query"), &[("Accept", accept)]);
        assert_eq!((method.status().as_u16(), header(&method, "content-type").as_str()), (405, "application/json"));
        assert!(header(&method, "allow").contains("GET"), "{}", header(&method, "allow"));
    }
}

fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Two lengths of one body are how a request is smuggled past a server in front (RFC 9112, 6.3): the one in front goes by
/// one, the one behind by the other. The HTTP library goes by Transfer-Encoding and closes the connection after the
/// answer, so nothing behind such a request is ever read as another one.
#[test]
fn two_lengths_of_a_body_smuggle_nothing() {
    let server = Server::quiet();
    let hidden = "GET /api/v1/status/buildinfo HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let body = format!("0\r\n\r\n{hidden}");
    let (length, chunked) = (format!("Content-Length: {}\r\n", body.len()), "Transfer-Encoding: chunked\r\n".to_owned());
    for lengths in [[&length, &chunked], [&chunked, &length]] {
        let answer = raw(&server, &format!("POST /-/healthy HTTP/1.1\r\nHost: localhost\r\n{}{}\r\n{body}", lengths[0], lengths[1]));
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n") && !answer.contains("version"), "{answer}");
    }
    // Lengths that nobody can agree about are refused, and the connection ends as well.
    for odd in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
    ] {
        let answer = raw(&server, &format!("POST /-/healthy HTTP/1.1\r\nHost: localhost\r\n{odd}\r\n{body}"));
        assert!(answer.starts_with("HTTP/1.1 400") && answer.matches("HTTP/1.1 ").count() == 1, "{odd}: {answer}");
    }
}

/// The next answer on a connection that stays open: its status, and its body by the length that it names.
fn next_answer(reader: &mut impl BufRead) -> (u16, String) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {line:?}")).parse().unwrap();
    let mut len = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            len = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    (status, String::from_utf8(body).unwrap())
}

/// A request may be refused at its head; most clients read that only once they have sent all of their body.
#[test]
fn an_early_refusal_can_be_read_after_the_whole_body() {
    let server = Server::quiet();
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for (path, len, status, words) in [("/api/v1/read", 64 << 20, 413, "bytes allowed here"), ("/no/such", 16 << 20, 404, "not found")] {
        let kind = "Accept: application/json\r\nContent-Type: application/x-protobuf";
        write!(stream, "POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\nContent-Length: {len}\r\n\r\n").unwrap();
        let early = next_answer(&mut reader);
        assert!(early.0 == status && early.1.contains(words), "{early:?}");
        let piece = vec![0; 1 << 20];
        (0..len / piece.len()).for_each(|_| stream.write_all(&piece).unwrap());
    }
    // All was taken, so the connection goes on.
    write!(stream, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(next_answer(&mut reader).0, 200);
}

#[test]
fn urls_are_taken_as_people_type_them() {
    let server = Server::quiet();
    let answer =
        raw(&server, "GET /api/v1/query?query=label_replace(vector(2)>1,\"a\",\"<`>\",\"\",\"\") HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"a\":\"<`>\""), "{answer}");
    // The connection is closed, so reading came to an end; others stay open.
    let answer = raw(
        &server,
        "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\nGET /-/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.contains("Healthy") && answer.contains("Ready"), "{answer}");
    assert!(raw(&server, "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 400"));
}

#[test]
fn own_metrics_come_in_the_format_asked_for() {
    let server = Server::quiet();
    let get = |accept: &str| ask(Method::GET, &server.url("/metrics"), &[("Accept", accept)]);
    for (accept, kind) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
        ("text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        (
            "application/openmetrics-text;version=1.0.0;escaping=values;q=0.6,text/plain;version=0.0.4;q=0.3",
            "text/plain; version=0.0.4; charset=utf-8; escaping=values",
        ),
    ] {
        let answer = get(accept);
        assert_eq!(header(&answer, "content-type"), kind);
        assert!(answer.text().unwrap().contains("# TYPE prometheus_http_requests_total counter\n"));
    }
    let proto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let answer = get(proto);
    let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores";
    assert_eq!(header(&answer, "content-type"), kind);
    let body = answer.bytes().unwrap();
    let mut rest = &body[..];
    let mut families = 0;
    while !rest.is_empty() {
        let len = prost::decode_length_delimiter(&mut rest).unwrap();
        rest = &rest[len..];
        families += 1;
    }
    assert!(families > 10, "{families}");
}

/// Native histograms leave by `/federate` as protobuf, and Prometheus' parser and ours read them.
#[test]
fn native_histograms_and_odd_names_are_federated() {
    let source = Server::start(&["--host-metrics=false", "--own-metrics=false"]);
    let now = (source.api("/api/v1/query?query=time()")["result"][1].as_str().unwrap().parse::<f64>().unwrap() * 1000.0) as i64;
    let mut histogram = wire::series(&[("__name__", "h"), ("job", "x")], &[]);
    histogram.histograms = vec![wire::histogram(now, 5)];
    let odd = wire::series(&[("__name__", "odd.name"), ("a.b", "1"), ("job", "x")], &[(now, 7.0)]);
    let (status, text) = wire::send(&source.url("/api/v1/write"), wire::body(vec![histogram, odd]));
    assert_eq!(status, 204, "{text}");
    let federate = source.url("/federate?match[]=%7Bjob%3D%22x%22%7D");
    let text = ask(Method::GET, &federate, &[]).text().unwrap();
    assert_eq!(text, format!("# TYPE odd_name untyped\nodd_name{{a_b=\"1\",job=\"x\",instance=\"\"}} 7 {now}\n"));
    for (escaping, name) in [
        ("allow-utf-8", "{\"odd.name\",\"a.b\"=\"1\""),
        ("values", "U__odd_2e_name{U__a_2e_b=\"1\""),
        ("dots", "odd_dot_name{a_dot_b=\"1\""),
    ] {
        let text = ask(Method::GET, &federate, &[("Accept", &format!("text/plain;version=1.0.0;escaping={escaping}"))]).text().unwrap();
        assert!(text.contains(name), "{escaping}: {text}");
    }
    let refused = ask(Method::GET, &source.url("/federate?match[]=%7B"), &[]);
    assert_eq!(
        (refused.status().as_u16(), refused.text().unwrap().as_str()),
        (400, "1:2: parse error: unexpected end of input inside braces\n")
    );
    let config = |extra: &str| {
        format!(
            "scrape_configs: [{{job_name: f, scrape_interval: 1s, honor_labels: true, metrics_path: /federate, \
             params: {{'match[]': ['{{job=\"x\"}}']}}, static_configs: [{{targets: ['{}']}}]{extra}}}]\n",
            source.address
        )
    };
    let expected = source.query("h", now as f64 / 1000.0)[0]["histogram"][1].clone();
    let ours = Server::with_config(
        &config(", scrape_native_histograms: true, scrape_protocols: [PrometheusProto]"),
        &["--host-metrics=false", "--own-metrics=false"],
    );
    let found = ours.await_query("h", |found| found[0]["histogram"].is_array());
    assert_eq!(found[0]["histogram"][1], expected);
    let Some(prometheus) = Prometheus::with_config(&config("")) else { return skip("prometheus is not installed") };
    for _ in 0..300 {
        let theirs = crate::peers::ask(&prometheus.url(""), "/api/v1/query", &[("query", "h".to_owned())]);
        if theirs["data"]["result"][0]["histogram"][1] == expected {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("prometheus never had the histogram");
}
