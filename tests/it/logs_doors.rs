//! What senders are told when not all they sent can be taken, and what becomes of it when they send it again; with the real
//! binary.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value as Json;

use crate::support::{Server, free_port};

/// A stream may have a thousand bytes at once, and as many a second.
const SLOW_STREAMS: [&str; 6] =
    ["--logs.per-stream-rate-limit", "1000B", "--logs.per-stream-rate-limit-burst", "1000B", "--logs.max-line-size", "1000B"];

/// Texts of the lines of the last hour, with how often each is there.
fn texts(server: &Server, query: &str) -> BTreeMap<String, u32> {
    let params = [("query", query), ("limit", "5000"), ("since", "1h")];
    let encoded: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let (status, text) = server.get(&format!("/loki/api/v1/query_range?{encoded}"));
    assert_eq!(status, 200, "{text}");
    let answer: Json = serde_json::from_str(&text).unwrap();
    let mut found = BTreeMap::new();
    for stream in answer["data"]["result"].as_array().unwrap() {
        for value in stream["values"].as_array().unwrap() {
            *found.entry(value[1].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    found
}

/// Sends until all of it is taken; how often it had to.
fn send_until_taken(send: impl Fn() -> (u16, String)) -> u32 {
    for round in 1..=200 {
        match send() {
            (200 | 204, _) => return round,
            (429, _) => std::thread::park_timeout(Duration::from_millis(200)),
            other => panic!("{other:?}"),
        }
    }
    panic!("it was never taken");
}

#[test]
fn what_a_rate_refuses_comes_again_and_nothing_is_doubled() {
    let server = Server::start(&SLOW_STREAMS);
    let lines = |door: &str| (0..30).map(|at| format!("{door} line {at:03} {}", "x".repeat(80))).collect::<Vec<_>>();
    let plain = lines("plain").join("\n");
    let rounds = send_until_taken(|| server.post("/api/v1/logs?labels={app=\"plain\"}", "text/plain", plain.clone()));
    assert!(rounds > 1, "the rate did not hold anything up");
    let json: String = lines("json").iter().map(|line| format!("{{\"app\":\"json\",\"msg\":\"{line}\"}}\n")).collect();
    send_until_taken(|| server.post("/api/v1/logs", "application/json", json.clone()));
    let records: Vec<Json> = lines("otlp").iter().map(|line| serde_json::json!({ "body": { "stringValue": line } })).collect();
    let otlp = serde_json::json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] }).to_string();
    send_until_taken(|| server.post("/v1/logs", "application/json", otlp.clone()));
    for (query, door) in
        [("{app=\"plain\"}", "plain"), ("{app=\"json\"}", "json"), ("{service_name=\"unknown_service\"} |= \"otlp\"", "otlp")]
    {
        let expected: BTreeMap<String, u32> = lines(door).into_iter().map(|line| (line, 1)).collect();
        assert_eq!(texts(&server, query), expected, "{door}");
    }
}

#[test]
fn a_bulk_request_tells_which_documents_may_come_again() {
    let server = Server::start(&SLOW_STREAMS);
    let mut body = String::new();
    for at in 0..20 {
        body += &format!("{{\"create\":{{}}}}\n{{\"message\":\"document {at:02} {}\"}}\n", "x".repeat(87));
    }
    body += &format!(
        "{{\"create\":{{}}}}\n{{\"@timestamp\":\"2001-01-01T00:00:00Z\",\"message\":\"old\"}}\n{{\"create\":{{}}}}\n{{\"message\":\"{}\"}}\n",
        "y".repeat(2_000)
    );
    let (status, answer) = server.post("/web/_bulk", "application/x-ndjson", body);
    let answer: Json = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["errors"]), (200, &Json::Bool(true)));
    let items: Vec<(u64, &str)> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["create"]["status"].as_u64().unwrap(), item["create"]["error"]["type"].as_str().unwrap_or_default()))
        .collect();
    let stored = items.iter().filter(|(status, _)| *status == 201).count();
    assert!((9..20).contains(&stored), "{items:?}");
    assert!(items[..stored].iter().all(|item| *item == (201, "")), "{items:?}");
    assert!(items[stored..20].iter().all(|item| *item == (429, "es_rejected_execution_exception")), "{items:?}");
    assert!(items[20].0 == 400 && items[21].0 == 400, "{items:?}");
    let found = texts(&server, "{index=\"web\"}");
    assert!(found.len() == stored && found.contains_key(&format!("document 00 {}", "x".repeat(87))), "{found:?}");
}

#[test]
fn a_chunk_of_fluent_sent_again_is_stored_once() {
    let port = free_port();
    let server = Server::start(&["--logs.fluent-listen", &format!("tcp://127.0.0.1:{port}")]);
    let connect = || {
        for _ in 0..1200 {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
                return stream;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        panic!("nobody listens on {port}");
    };
    // ["app", [[0, {"log": "hello"}]], {"chunk": "c1"}]: it gets its time here, so that storage cannot know it again.
    let message = b"\x93\xa3app\x91\x92\x00\x81\xa3log\xa5hello\x81\xa5chunk\xa2c1";
    for _ in 0..3 {
        let mut stream = connect();
        for _ in 0..2 {
            stream.write_all(message).unwrap();
            let mut answer = [0; 8];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"\x81\xa3ack\xa2c1");
        }
    }
    assert_eq!(texts(&server, "{tag=\"app\"}"), BTreeMap::from([("hello".to_owned(), 1)]));
    // What cannot be read ends the connection, not the server.
    for nonsense in [&b"\xc1"[..], b"\x92\xa1t\xc6\xff\xff\xff\xff", b"\x91\x07"] {
        let mut stream = connect();
        stream.write_all(nonsense).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    }
    let mut stream = connect();
    stream.write_all(message).unwrap();
    stream.read_exact(&mut [0; 8]).unwrap();
}
