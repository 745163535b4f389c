//! OpenTelemetry's metrics and logs by every way, and StatsD.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};

use http_body_util::BodyExt;
use pharos::base::clock::{Clock, SystemClock};
use prost::Message;
use serde_json::{Value as Json, json};

use crate::support::{Server, client, free_port};

const SERVICE: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const LOGS_SERVICE: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Messages declared here on their own, so that a mistake in the server's reading shows.
mod wire {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Request {
        #[prost(message, repeated, tag = "1")]
        pub(super) resources: Vec<ResourceMetrics>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ResourceMetrics {
        #[prost(message, optional, tag = "1")]
        pub(super) resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")]
        pub(super) scopes: Vec<ScopeMetrics>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "1")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct KeyValue {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(message, optional, tag = "2")]
        pub(super) value: Option<AnyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct AnyValue {
        #[prost(string, tag = "1")]
        pub(super) text: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ScopeMetrics {
        #[prost(message, repeated, tag = "2")]
        pub(super) metrics: Vec<Metric>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Metric {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) description: String,
        #[prost(string, tag = "3")]
        pub(super) unit: String,
        #[prost(message, optional, tag = "7")]
        pub(super) sum: Option<Sum>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Sum {
        #[prost(message, repeated, tag = "1")]
        pub(super) points: Vec<Point>,
        #[prost(int32, tag = "2")]
        pub(super) temporality: i32,
        #[prost(bool, tag = "3")]
        pub(super) is_monotonic: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Point {
        #[prost(fixed64, tag = "2")]
        pub(super) start: u64,
        #[prost(fixed64, tag = "3")]
        pub(super) time: u64,
        #[prost(sfixed64, tag = "6")]
        pub(super) value: i64,
        #[prost(message, repeated, tag = "7")]
        pub(super) attributes: Vec<KeyValue>,
    }
}

fn now_ns() -> u64 {
    SystemClock::new().now_ms() as u64 * 1_000_000
}

fn pair(key: &str, text: &str) -> wire::KeyValue {
    wire::KeyValue { key: key.to_owned(), value: Some(wire::AnyValue { text: text.to_owned() }) }
}

/// A counter of a service, in protobuf.
fn counter(name: &str, value: i64) -> Vec<u8> {
    let time = now_ns();
    let point = wire::Point { start: time - 1_000_000_000, time, value, attributes: vec![pair("http.method", "GET")] };
    let sum = wire::Sum { points: vec![point], temporality: 2, is_monotonic: true };
    let metric = wire::Metric { name: name.to_owned(), description: "Bytes sent.".to_owned(), unit: "By".to_owned(), sum: Some(sum) };
    let resource = wire::Resource { attributes: vec![pair("service.name", "shop"), pair("host.name", "h1")] };
    let scopes = vec![wire::ScopeMetrics { metrics: vec![metric] }];
    wire::Request { resources: vec![wire::ResourceMetrics { resource: Some(resource), scopes }] }.encode_to_vec()
}

fn gauge(name: &str, value: &Json) -> String {
    let point = json!({ "timeUnixNano": now_ns().to_string(), "asDouble": value });
    json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{ "name": name, "gauge": { "dataPoints": [point] } }] }] }] }).to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn metrics_come_over_http_in_protobuf_and_json() {
    let server = Server::quiet();
    for (path, name) in [("/api/v1/otlp/v1/metrics", "a"), ("/v1/metrics", "b")] {
        let sent = client().post(server.url(path)).header("content-type", "application/x-protobuf").header("content-encoding", "gzip");
        let answer = sent.body(gzip(&counter(name, 7))).send().unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, "application/x-protobuf"));
        assert!(answer.bytes().unwrap().is_empty());
        let found = server.await_query(&format!("{name}_bytes_total"), |found| found[0]["value"][1] == "7");
        assert_eq!(found[0]["metric"], json!({ "__name__": format!("{name}_bytes_total"), "http_method": "GET", "job": "shop" }));
        let (status, text) = server.post(path, "application/json", gauge(&format!("{name}.temperature"), &json!("21.5")));
        assert_eq!((status, text.as_str()), (200, "{}"));
        server.await_query(&format!("{name}_temperature"), |found| found[0]["value"][1] == "21.5");
    }
    let info = server.await_query("target_info", |found| found[0]["value"][1] == "1");
    assert_eq!(info[0]["metric"], json!({ "__name__": "target_info", "host_name": "h1", "job": "shop" }));
    let metadata = server.api("/api/v1/metadata?metric=a_bytes_total");
    assert_eq!(metadata["a_bytes_total"][0], json!({ "type": "counter", "help": "Bytes sent.", "unit": "bytes" }));
    let (_, own) = server.get("/metrics");
    assert!(own.contains("pharos_ingest_requests_total{door=\"otlp\"} 4"), "{own}");
}

#[test]
fn what_is_wrong_is_told_in_the_form_of_the_request() {
    let server = Server::quiet();
    let (status, text) = server.post("/v1/metrics", "application/json", "{");
    let told: Json = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &told["code"]), (400, &json!(3)));
    assert!(told["message"].as_str().unwrap().starts_with("cannot read the request as JSON"), "{told}");
    assert_eq!(server.post("/v1/metrics", "text/plain", "x").0, 415);
    let answer = client().post(server.url("/v1/metrics")).header("content-type", "application/x-protobuf").body("\u{7}x").send().unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (400, "application/x-protobuf"));
    let mut mixed: Json = serde_json::from_str(&gauge("good", &json!(1))).unwrap();
    mixed["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "@", "gauge": { "dataPoints": [{ "asInt": 1 }] } }));
    let (status, text) = server.post("/v1/metrics", "application/json", mixed.to_string());
    let told: Json = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &told["partialSuccess"]["rejectedDataPoints"]), (200, &json!("1")), "{text}");
    server.await_query("good", |found| found[0]["value"][1] == "1");
    assert_eq!(server.post("/v1/traces", "application/json", "{}").0, 404);
}

/// Calls the service; gives HTTP's status, the trailers or headers with gRPC's status, and the body.
fn call(server: &Server, service: &str, kind: &str, encoding: &str, body: Vec<u8>) -> (u16, http::HeaderMap, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        let request =
            client.post(server.url(service)).header("content-type", kind).header("te", "trailers").header("grpc-encoding", encoding);
        let response = http::Response::<reqwest::Body>::from(request.body(body).send().await.unwrap());
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let mut headers = head.headers;
        headers.extend(body.trailers().cloned().unwrap_or_default());
        (head.status.as_u16(), headers, body.to_bytes().to_vec())
    })
}

fn framed(packed: u8, message: &[u8]) -> Vec<u8> {
    [&[packed][..], &(message.len() as u32).to_be_bytes(), message].concat()
}

#[test]
fn metrics_come_over_grpc_without_tls() {
    let server = Server::quiet();
    for (name, packed, encoding) in [("plain", 0, "identity"), ("packed", 1, "gzip")] {
        let message = counter(name, 9);
        let message = if packed == 1 { gzip(&message) } else { message };
        let (status, headers, body) = call(&server, SERVICE, "application/grpc", encoding, framed(packed, &message));
        assert_eq!((status, &headers["grpc-status"], body), (200, &"0".parse().unwrap(), vec![0; 5]), "{headers:?}");
        assert_eq!(headers["content-type"], "application/grpc");
        server.await_query(&format!("{name}_bytes_total"), |found| found[0]["value"][1] == "9");
    }
    let (status, headers, _) = call(&server, SERVICE, "application/grpc+proto", "identity", framed(0, b"\xff\xff"));
    assert_eq!((status, &headers["grpc-status"]), (200, &"3".parse().unwrap()));
    assert!(headers["grpc-message"].to_str().unwrap().contains("protobuf"), "{headers:?}");
    let (_, headers, _) = call(&server, SERVICE, "application/grpc", "br", framed(1, b"x"));
    assert_eq!(headers["grpc-status"], "12");
    assert_eq!(server.post(SERVICE, "application/json", "{}").0, 415);
}

#[test]
fn deltas_become_counters() {
    let server = Server::quiet();
    for value in [5, 2] {
        let start = now_ns();
        let point = json!({ "timeUnixNano": start.to_string(), "startTimeUnixNano": (start - 1000).to_string(), "asInt": value });
        let sum = json!({ "aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [point] });
        let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{ "name": "jobs", "sum": sum }] }] }] });
        assert_eq!(server.post("/v1/metrics", "application/json", request.to_string()).0, 200);
        server.await_query("jobs_total", |found| found[0]["value"][1] == if value == 5 { "5" } else { "7" });
    }
}

#[test]
fn names_follow_the_configuration() {
    let config = "otlp: {translation_strategy: NoTranslation, promote_resource_attributes: [host.name]}\n";
    let server = Server::with_config(config, &["--host-metrics=false", "--own-metrics=false"]);
    let sent = client().post(server.url("/v1/metrics")).header("content-type", "application/x-protobuf").body(counter("sent.data", 1));
    assert_eq!(sent.send().unwrap().status().as_u16(), 200);
    let found = server.await_query("{\"sent.data\"}", |found| found[0]["value"][1] == "1");
    assert_eq!(found[0]["metric"], json!({ "__name__": "sent.data", "host.name": "h1", "http.method": "GET", "job": "shop" }));
}

#[test]
fn statsd_comes_over_udp_and_tcp() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let server =
        Server::start(&["--host-metrics=false", "--own-metrics=false", "--statsd.listen", &listen, "--statsd.flush-interval", "1s"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"web.requests:3|c|#path:/a\nweb.latency:250|ms|#path:/a", &listen).unwrap();
    TcpStream::connect(&listen).unwrap().write_all(b"web.open:5|g\nweb.open:+2|g\nnonsense\n").unwrap();
    server.await_query("web_requests{path=\"/a\",job=\"statsd\"}", |found| found[0]["value"][1] == "3");
    server.await_query("web_open", |found| found[0]["value"][1] == "7");
    server.await_query("web_latency_bucket{le=\"0.25\"}", |found| found[0]["value"][1] == "1");
    server.await_query("histogram_quantile(1, web_latency)", |found| {
        found[0]["value"][1].as_str().is_some_and(|value| (0.2499..0.2507).contains(&value.parse().unwrap()))
    });
    let (_, own) = server.get("/metrics");
    assert!(own.contains("pharos_statsd_errors_total{reason=\"malformed_line\"} 1"), "{own}");
    let taken = std::process::Command::new(env!("CARGO_BIN_EXE_pharos"))
        .args(["serve", "--listen", "127.0.0.1:0", "--statsd.listen", &listen, "--data-dir"])
        .arg(server.folder().join("other"))
        .output()
        .unwrap();
    assert!(!taken.status.success() && String::from_utf8_lossy(&taken.stderr).contains("statsd.listen"), "{taken:?}");
}

/// Records of a service, in protobuf: an attribute list of the resource, then one scope with a record of this text.
fn record(text: &str) -> Vec<u8> {
    fn nested(field: u8, inner: &[u8]) -> Vec<u8> {
        let mut out = vec![field << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut out);
        out.extend_from_slice(inner);
        out
    }
    let attribute = |key: &str, value: &str| [nested(1, key.as_bytes()), nested(2, &nested(1, value.as_bytes()))].concat();
    let time = [&[1 << 3 | 1][..], &now_ns().to_le_bytes()].concat();
    let severity = [2 << 3, 17].to_vec();
    let record = [time, severity, nested(5, &nested(1, text.as_bytes())), nested(6, &attribute("http.route", "/pay"))].concat();
    let resource = nested(1, &[nested(1, &attribute("service.name", "till")), nested(1, &attribute("host.name", "h1"))].concat());
    nested(1, &[resource, nested(2, &nested(2, &record))].concat())
}

#[test]
fn logs_come_over_http_and_grpc() {
    let server = Server::quiet();
    let log = |text: &str| {
        json!({ "resourceLogs": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "till" } }] },
        "scopeLogs": [{ "logRecords": [{ "timeUnixNano": now_ns().to_string(), "body": { "stringValue": text }, "severityText": "WARN" }] }] }] })
    };
    for path in ["/v1/logs", "/otlp/v1/logs"] {
        let (status, text) = server.post(path, "application/json", log(&format!("json at {path}")).to_string());
        assert_eq!((status, text.as_str()), (200, "{}"));
    }
    let sent = client().post(server.url("/v1/logs")).header("content-type", "application/x-protobuf").header("content-encoding", "gzip");
    assert_eq!(sent.body(gzip(&record("packed"))).send().unwrap().status().as_u16(), 200);
    let (status, headers, body) = call(&server, LOGS_SERVICE, "application/grpc", "identity", framed(0, &record("called")));
    assert_eq!((status, &headers["grpc-status"], body), (200, &"0".parse().unwrap(), vec![0; 5]), "{headers:?}");
    let (status, text) = server.post("/v1/logs", "application/json", r#"{"resourceLogs":5}"#);
    assert_eq!(status, 400, "{text}");
    let query = |expr: &str| -> Json {
        let encoded: String = form_urlencoded::byte_serialize(expr.as_bytes()).collect();
        let (_, text) = server.get(&format!("/loki/api/v1/query_range?query={encoded}"));
        serde_json::from_str::<Json>(&text).unwrap_or_else(|error| panic!("{error}: {text}"))["data"]["result"].clone()
    };
    let lines = |found: &Json| -> Vec<String> {
        let values = found.as_array().unwrap().iter().flat_map(|stream| stream["values"].as_array().unwrap());
        values.map(|value| value[1].as_str().unwrap().to_owned()).collect()
    };
    let mut all = lines(&query("{service_name=\"till\"}"));
    all.sort();
    assert_eq!(all, ["called", "json at /otlp/v1/logs", "json at /v1/logs", "packed"]);
    let mut errors = lines(&query("{service_name=\"till\"} | detected_level=\"error\" | http_route=\"/pay\" | host_name=\"h1\""));
    errors.sort();
    assert_eq!(errors, ["called", "packed"]);
    assert_eq!(
        lines(&query("{service_name=\"till\"} | severity_text=\"WARN\" | detected_level=\"warn\" |= \"at /v1\"")),
        ["json at /v1/logs"]
    );
    let (_, own) = server.get("/metrics");
    assert!(own.contains("pharos_logs_lines_total{door=\"otlp\"} 4"), "{own}");
}
