//! Lines by every door of HTTP, and back out of Loki's API.

use std::io::Write;

use serde_json::{Value as Json, json};

use crate::logs_wire::{KEEPING, SECOND, Socket, T0, lines, loki, packed, push, stream};
use crate::support::{Server, client};

fn line(ts: i64, text: &str) -> (i64, String) {
    (ts, text.to_owned())
}

fn range() -> [(&'static str, String); 2] {
    [("start", (T0 - 3600 * SECOND).to_string()), ("end", (T0 + 3600 * SECOND).to_string())]
}

fn asked(server: &Server, path: &str, more: &[(&str, &str)]) -> Json {
    let [start, end] = range();
    let mut params = vec![(start.0, start.1.as_str()), (end.0, end.1.as_str())];
    params.extend_from_slice(more);
    loki(server, path, &params)
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

fn encoded(server: &Server, path: &str, kind: &str, encoding: &str, body: Vec<u8>) -> (u16, String) {
    let sent = client().post(server.url(path)).header("Content-Type", kind).header("Content-Encoding", encoding).body(body).send().unwrap();
    (sent.status().as_u16(), sent.text().unwrap())
}

#[test]
fn what_is_pushed_comes_back() {
    let mut server = Server::start(&KEEPING);
    let first = stream("{app=\"shop\", env=\"prod\"}", &[(T0, "level=info one", &[("trace", "7")]), (T0 + 1, "level=error <two>", &[])]);
    assert_eq!(push(&server, vec![first]), (204, String::new()));
    let body = json!({"streams": [{"stream": {"app": "web"}, "values": [[(T0 + 2).to_string(), "three"]]}]}).to_string();
    assert_eq!(server.post("/loki/api/v1/push", "application/json", body).0, 204);
    let body = json!({"streams": [{"stream": {"app": "web"}, "values": [[(T0 + 3).to_string(), "four", {"k": "v"}]]}]}).to_string();
    assert_eq!(encoded(&server, "/loki/api/v1/push", "application/json", "gzip", gzipped(body.as_bytes())).0, 204);
    let fifth = packed(vec![stream("{app=\"old\"}", &[(T0 + 4, "five", &[])])]);
    assert_eq!(encoded(&server, "/api/prom/push", "application/x-protobuf", "gzip", gzipped(&fifth)).0, 204);
    assert_eq!(encoded(&server, "/api/prom/push", "application/x-protobuf", "snappy", fifth).0, 204, "a repetition");
    let all =
        [line(T0, "level=info one"), line(T0 + 1, "level=error <two>"), line(T0 + 2, "three"), line(T0 + 3, "four"), line(T0 + 4, "five")];
    for _ in 0..2 {
        assert_eq!(lines(&server, "{app=~\".+\"}"), all);
        assert_eq!(lines(&server, "{app=\"shop\"} |= \"two\""), all[1..2]);
        assert_eq!(asked(&server, "labels", &[])["data"], json!(["app", "env", "service_name"]));
        assert_eq!(asked(&server, "label/app/values", &[])["data"], json!(["old", "shop", "web"]));
        assert_eq!(asked(&server, "label/nope/values", &[]), json!({"status": "success"}));
        assert_eq!(
            asked(&server, "series", &[("match[]", "{app=\"shop\"}")])["data"],
            json!([{"app": "shop", "env": "prod", "service_name": "shop"}])
        );
        let stats = asked(&server, "index/stats", &[("query", "{app=~\".+\"}")]);
        assert_eq!((&stats["streams"], &stats["entries"]), (&json!(3), &json!(5)));
        // What was acknowledged is there after a crash, once.
        server.kill_and_restart();
    }
}

#[test]
fn queries_answer_as_loki_does() {
    let server = Server::start(&KEEPING);
    let shop = stream("{app=\"shop\"}", &[(T0, "level=info <a>", &[("trace", "7")]), (T0 + SECOND, "level=error b", &[])]);
    assert_eq!(push(&server, vec![shop]).0, 204);
    let [start, end] = range();
    let params = [(start.0, start.1.as_str()), (end.0, end.1.as_str()), ("query", "{app=\"shop\"} | logfmt")];
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let answer = client()
        .get(server.url(&format!("/loki/api/v1/query_range?{query}")))
        .header("X-Loki-Response-Encoding-Flags", "categorize-labels")
        .send()
        .unwrap()
        .text()
        .unwrap();
    let wanted = "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"encodingFlags\":[\"categorize-labels\"],\"result\":[\
                  {\"stream\":{\"app\":\"shop\",\"service_name\":\"shop\"},\"values\":[[\"1700000001000000000\",\"level=error b\",\
                  {\"structuredMetadata\":{\"detected_level\":\"error\"},\"parsed\":{\"level\":\"error\"}}],[\"1700000000000000000\",\
                  \"level=info \\u003ca\\u003e\",{\"structuredMetadata\":{\"detected_level\":\"info\",\"trace\":\"7\"},\
                  \"parsed\":{\"level\":\"info\"}}]]}],\"stats\":{\"summary\":{";
    assert!(answer.starts_with(wanted), "{answer}");
    let plain = asked(&server, "query_range", &[("query", "{app=\"shop\"} |= \"level=info\"")]);
    let labels = &plain["data"]["result"][0]["stream"];
    assert_eq!(*labels, json!({"app": "shop", "service_name": "shop", "detected_level": "info", "trace": "7"}));
    assert_eq!(plain["data"]["stats"]["summary"]["totalEntriesReturned"], 1);
    let at = (T0 + 60 * SECOND).to_string();
    let counted = loki(&server, "query", &[("query", "sum by (app) (count_over_time({app=\"shop\"}[5m]))"), ("time", &at)]);
    assert_eq!(counted["data"]["resultType"], "vector");
    assert_eq!(counted["data"]["result"], json!([{"metric": {"app": "shop"}, "value": [1_700_000_060, "2"]}]));
    let volume = asked(&server, "index/volume", &[("query", "{app=~\".+\"}")]);
    assert_eq!(volume["data"]["result"][0]["metric"], json!({"app": "shop"}));
    assert_eq!(volume["data"]["result"][0]["value"][1], "27");
    let over_time = asked(&server, "index/volume_range", &[("query", "{app=~\".+\"}"), ("step", "3600"), ("aggregateBy", "labels")]);
    let named: Vec<&Json> = over_time["data"]["result"].as_array().unwrap().iter().map(|series| &series["metric"]).collect();
    assert_eq!(named, [&json!({"app": ""}), &json!({"service_name": ""})], "{over_time}");
    let fields = asked(&server, "detected_fields", &[("query", "{app=\"shop\"}")]);
    let level = fields["fields"].as_array().unwrap().iter().find(|field| field["label"] == "level").unwrap();
    assert_eq!((&level["type"], &level["parsers"]), (&json!("string"), &json!(["logfmt"])), "{fields}");
    let values = asked(&server, "detected_field/level/values", &[("query", "{app=\"shop\"}")]);
    assert_eq!(values["values"], json!(["error", "info"]), "{values}");
    let labels = asked(&server, "detected_labels", &[]);
    assert_eq!(labels["detectedLabels"][0], json!({"label": "app", "cardinality": 1}), "{labels}");
    let patterns = asked(&server, "patterns", &[("query", "{app=\"shop\"}")]);
    let counted: i64 = patterns["data"].as_array().unwrap().iter().map(|one| one["samples"][0][1].as_i64().unwrap()).sum();
    assert_eq!(counted, 2, "{patterns}");
    for (path, status, said) in [
        ("query_range?query={app=", 400, "parse error at line 1, col"),
        (
            "query_range?query={app%3D\"a\"}&limit=9999",
            400,
            "max entries limit per query exceeded, limit > max_entries_limit_per_query (9999 > 5000)",
        ),
        ("query_range?query={app%3D\"a\"}&limit=0", 400, "limit must be a positive value"),
        ("query_range?query={app%3D\"a\"}&start=x", 400, "could not parse 'start' parameter"),
        ("query_range?query={app%3D\"a\"}&direction=up", 400, "invalid direction 'up'"),
        ("query_range?query={app%3D\"a\"}&start=2&end=1", 400, "end timestamp must not be before or equal to start time"),
        ("query?query={app%3D\"a\"}", 400, "log queries are not supported as an instant query type"),
        ("tail?query=rate({app%3D\"a\"}[1m])", 400, ""),
        ("tail?query={app%3D\"a\"}&delay_for=6", 400, "delay_for can't be greater than 5"),
        ("tail?query={app%3D\"a\"}", 400, "a tail is a WebSocket"),
        ("series?match[]=x", 400, "parse error"),
        ("format_query?query={app=", 400, "{\"status\":\"invalid-query\""),
    ] {
        let (got, text) = server.get(&format!("/loki/api/v1/{path}"));
        assert!(got == status && text.contains(said), "{path}: {got} {text}");
    }
    assert_eq!(asked(&server, "format_query", &[("query", "{app=\"a\"}|=\"x\"")])["data"], "{app=\"a\"} |= \"x\"");
    assert!(asked(&server, "status/buildinfo", &[])["version"].as_str().unwrap().starts_with("3."));
    assert_eq!(server.get("/ready"), (200, "ready\n".to_owned()));
}

#[test]
fn what_cannot_be_stored_is_told_and_the_rest_is_stored() {
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", "--logs.max-line-size=20B", "--logs.retention-time=0s"]);
    let (status, said) = push(&server, vec![stream("{app=\"a\"}", &[(T0, "old", &[])])]);
    assert_eq!(status, 400, "{said}");
    assert!(
        said.starts_with("entry for stream '{app=\"a\", service_name=\"a\"}' has timestamp too old: 2023-11-14T22:13:20Z, oldest"),
        "{said}"
    );
    let server = Server::start(&[&KEEPING[..], &["--logs.max-line-size=20B"]].concat());
    let long = "x".repeat(21);
    let streams = vec![stream("{app=\"a\"}", &[(T0, &long, &[]), (T0, "good", &[])]), stream("{bad", &[(T0, "lost", &[])])];
    let (status, said) = push(&server, streams);
    assert_eq!(status, 400);
    for part in ["Max entry size '20' bytes exceeded for stream '{app=\"a\"", "Error parsing labels '{bad' with error: 1:5: parse error"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(lines(&server, "{app=\"a\"}"), [line(T0, "good")]);
    for (kind, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "{\"streams\":[]}", 422),
        ("application/x-protobuf", "nonsense", 400),
        ("application/json", "{\"streams\":[{\"stream\":{},\"values\":[[\"1\",\"x\"]]}]}", 400),
    ] {
        assert_eq!(server.post("/loki/api/v1/push", kind, body).0, status, "{body}");
    }
    assert_eq!(encoded(&server, "/loki/api/v1/push", "application/json", "br", b"{}".to_vec()).0, 400);
    let bomb = gzipped(&vec![b' '; 120 << 20]);
    assert_eq!(encoded(&server, "/loki/api/v1/push", "application/json", "gzip", bomb).0, 413);
}

#[test]
fn rates_are_held_by_429() {
    let server = Server::start(&[&KEEPING[..], &["--logs.ingestion-rate=1KB", "--logs.ingestion-burst-size=2KB"]].concat());
    let text = "x".repeat(1500);
    assert_eq!(push(&server, vec![stream("{app=\"a\"}", &[(T0, &text, &[])])]).0, 204);
    // The next one, unless this machine takes a second for it.
    let one = client();
    let send = |at: i64| {
        let request = one.post(server.url("/loki/api/v1/push")).header("Content-Type", "application/x-protobuf");
        request.body(packed(vec![stream("{app=\"a\"}", &[(T0 + at, &text, &[])])])).send().unwrap()
    };
    let refused = (1..100).map(send).find(|answer| answer.status().as_u16() != 204).expect("a thousand bytes a second");
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    assert!(refused.text().unwrap().starts_with("Ingestion rate limit exceeded for user fake (limit: 1024 bytes/sec)"));
}

#[test]
fn json_lines_and_text_are_taken() {
    let server = Server::start(&KEEPING);
    let body = format!(
        "{{\"time\":{T0},\"app\":\"a\",\"msg\":\"one\",\"user\":{{\"id\":7}}}}\n{{\"time\":\"2023-11-14T22:13:21Z\",\"app\":\"a\",\"msg\":\"two\"}}\n"
    );
    assert_eq!(server.post("/api/v1/logs", "application/x-ndjson", body).0, 204);
    assert_eq!(lines(&server, "{app=\"a\"}"), [line(T0, "one"), line(T0 + SECOND, "two")]);
    assert_eq!(lines(&server, "{app=\"a\"} | user_id=\"7\""), [line(T0, "one")]);
    let (status, said) = server.post("/api/v1/logs", "application/json", "{\"msg\":\"good\",\"time\":1700000002}\nbad\n");
    assert!(status == 400 && said.contains("not a JSON object"), "{status} {said}");
    assert_eq!(lines(&server, "{source=\"http\"}"), [line(T0 + 2 * SECOND, "good")]);
    assert_eq!(server.post("/api/v1/logs?labels=%7Bjob%3D%22cron%22%7D", "text/plain", "same\nsame\n").0, 204);
    let found = loki(&server, "query_range", &[("query", "{job=\"cron\"}")]);
    assert_eq!(found["data"]["result"][0]["values"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(server.post("/api/v1/logs?labels=x", "text/plain", "y").0, 400);
    assert_eq!(server.post("/api/v1/logs?format=xml", "text/plain", "y").0, 400);
}

#[test]
fn bulk_requests_are_taken() {
    let server = Server::start(&KEEPING);
    let response = client().get(server.url("/elasticsearch/")).send().unwrap();
    assert_eq!(response.headers()["x-elastic-product"], "Elasticsearch");
    assert!(response.json_text()["version"]["number"].as_str().unwrap().starts_with("8."));
    let body = "{\"create\":{\"_index\":\"web\"}}\n{\"@timestamp\":\"2023-11-14T22:13:20Z\",\"message\":\"one\",\"host\":{\"name\":\"h\"}}\n\
                {\"delete\":{\"_id\":\"1\",\"_index\":\"web\"}}\n";
    for (path, encoding) in
        [("/elasticsearch/_bulk", "gzip"), ("/_bulk?filter_path=x", ""), ("/web/_bulk", ""), ("/elasticsearch/web/_bulk", "gzip")]
    {
        let sent = if encoding.is_empty() { body.as_bytes().to_vec() } else { gzipped(body.as_bytes()) };
        let (status, text) = encoded(&server, path, "application/x-ndjson", if encoding.is_empty() { "identity" } else { encoding }, sent);
        let answer: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (status, &answer["errors"], &answer["items"][0]["create"]["status"]),
            (200, &json!(true), &json!(201)),
            "{path}: {text}"
        );
        assert_eq!(answer["items"][1]["delete"]["status"], 400);
    }
    assert_eq!(lines(&server, "{index=\"web\", host_name=\"h\"}"), [line(T0, "one")], "the same document is one line");
    let (status, text) = server.post("/_bulk", "application/json", "nonsense\n");
    assert!(status == 400 && text.contains("Malformed action/metadata line [1]"), "{text}");
    assert_eq!(server.get("/elasticsearch/_license").0, 200);
}

/// JSON of an answer.
trait JsonText {
    fn json_text(self) -> Json;
}

impl JsonText for reqwest::blocking::Response {
    fn json_text(self) -> Json {
        serde_json::from_str(&self.text().unwrap()).unwrap()
    }
}

#[test]
fn tails_show_what_was_there_and_what_comes() {
    let server = Server::start(&KEEPING);
    let at = |ts: i64, text: &str| push(&server, vec![stream("{app=\"a\"}", &[(ts, text, &[])])]).0;
    assert_eq!(at(T0, "before"), 204);
    let start = T0 - SECOND;
    let mut tail = Socket::open(&server, &format!("/loki/api/v1/tail?query=%7Bapp%3D%22a%22%7D%20!%3D%20%22secret%22&start={start}"));
    let texts = |frame: &Json| -> Vec<String> {
        let lines = frame["streams"].as_array().unwrap().iter().flat_map(|stream| stream["values"].as_array().unwrap());
        lines.map(|line| line[1].as_str().unwrap().to_owned()).collect()
    };
    let first = tail.next().unwrap();
    assert_eq!(texts(&first), ["before"], "{first}");
    assert_eq!((at(T0 + 1, "a secret"), at(T0 + 2, "after")), (204, 204));
    let second = tail.next().unwrap();
    assert_eq!(texts(&second), ["after"]);
    assert_eq!(second["streams"][0]["stream"]["app"], "a");
}

#[test]
fn lines_are_deleted_by_query() {
    let server = Server::start(&KEEPING);
    let two = [(T0, "keep", &[][..]), (T0 + 1, "secret", &[])];
    assert_eq!(push(&server, vec![stream("{app=\"a\"}", &two)]).0, 204);
    let ask = |query: &str| {
        let params = [("query", query), ("start", "1600000000"), ("end", "1750000000")];
        let text: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        server.post(&format!("/loki/api/v1/delete?{text}"), "text/plain", "").0
    };
    assert_eq!((ask("{app=\"a\"} |= \"secret\""), ask("x"), ask("{}")), (204, 400, 400));
    assert_eq!(lines(&server, "{app=\"a\"}"), [line(T0, "keep")]);
    let (_, text) = server.get("/loki/api/v1/delete");
    let list: Json = serde_json::from_str(&text).unwrap();
    assert_eq!((&list[0]["status"], &list[0]["query"]), (&json!("received"), &json!("{app=\"a\"} |= \"secret\"")), "{text}");
    let id = list[0]["request_id"].as_str().unwrap();
    assert_eq!(client().delete(server.url(&format!("/loki/api/v1/delete?request_id={id}"))).send().unwrap().status().as_u16(), 204);
    assert_eq!(lines(&server, "{app=\"a\"}").len(), 2, "taken back");
}

#[test]
fn lokis_configuration_is_taken_over() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config/loki-config.yaml");
    let server = Server::start(&["--host-metrics=false", "--loki.config.file", file.to_str().unwrap()]);
    let flags = server.api("/api/v1/status/flags");
    assert_eq!(flags["loki.config.file"].as_str().unwrap(), file.to_str().unwrap());
    let runtime = server.get("/config").1;
    assert!(!runtime.is_empty());
    // 168h of the file are a week.
    assert_eq!(flags["logs.reject-old-samples-max-age"], "1w");
}
