//! Records as they come, and the lines that they become.

use serde_json::{Value as Json, json};

use super::*;
use crate::series::otlp::{Encoding, read};

const NOW: i64 = 1_700_000_000_000_000_000;
const PLENTY: usize = 64 << 20;

fn options() -> Options<'static> {
    Options { next_ns: &|| NOW, memory_max: PLENTY, level_of: Some(|line| if line.starts_with(b"oops") { "error" } else { "unknown" }) }
}

fn request(json: &Json) -> ExportLogsRequest {
    read(Encoding::Json, json.to_string().as_bytes(), PLENTY).unwrap()
}

fn attributes(pairs: &[(&str, &str)]) -> Json {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}

/// Stream, time since now, text, fields.
fn lines(decoded: &Decoded) -> Vec<(String, i64, String, String)> {
    let batch = &decoded.batch;
    let of_stream = |stream| {
        let lines: &[BatchLine] = batch.lines_of(stream);
        lines.iter().map(|line| {
            let fields = Labels::from_packed(batch.fields_of(line)).unwrap().to_string();
            (stream.labels.to_string(), line.ts - NOW, String::from_utf8(batch.text_of(line).to_vec()).unwrap(), fields)
        })
    };
    batch.streams.iter().flat_map(of_stream).collect()
}

fn one(resource: &[(&str, &str)], record: Json) -> (String, i64, String, String) {
    let sent =
        json!({ "resourceLogs": [{ "resource": { "attributes": attributes(resource) }, "scopeLogs": [{ "logRecords": [record] }] }] });
    let decoded = decode(&request(&sent), &options()).unwrap();
    assert!(decoded.problems.is_empty(), "{:?}", decoded.problems);
    lines(&decoded).remove(0)
}

#[test]
fn records_become_lines_as_in_loki() {
    let sent = json!({ "resourceLogs": [{
        "resource": { "attributes": attributes(&[("service.name", "shop"), ("service.namespace", "eu"), ("host.name", "h1"), ("k8s.pod.name", "p")]) },
        "scopeLogs": [{
            "scope": { "name": "lib", "version": "2", "attributes": attributes(&[("scope.key", "s")]), "droppedAttributesCount": 1 },
            "logRecords": [
                { "timeUnixNano": (NOW + 5).to_string(), "observedTimeUnixNano": (NOW + 9).to_string(), "severityNumber": 17, "severityText": "ERROR",
                  "body": { "stringValue": "it broke" }, "attributes": attributes(&[("http.method", "GET"), ("host.name", "mine")]), "flags": 1,
                  "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "eventName": "broken", "droppedAttributesCount": 2 },
                { "observedTimeUnixNano": (NOW + 7).to_string(), "body": { "stringValue": "second" } },
            ] }] }] });
    let decoded = decode(&request(&sent), &options()).unwrap();
    let found = lines(&decoded);
    let stream = r#"{k8s_pod_name="p", service_name="shop", service_namespace="eu"}"#;
    assert_eq!(
        found[0],
        (
            stream.to_owned(),
            5,
            "it broke".to_owned(),
            r#"{detected_level="error", dropped_attributes_count="2", event_name="broken", flags="1", host_name="mine", http_method="GET", observed_timestamp="1700000000000000009", scope_dropped_attributes_count="1", scope_key="s", scope_name="lib", scope_version="2", severity_number="17", severity_text="ERROR", span_id="b7ad6b7169203331", trace_id="0af7651916cd43dd8448eb211c80319c"}"#.to_owned()
        )
    );
    let second = r#"{detected_level="unknown", host_name="h1", scope_dropped_attributes_count="1", scope_key="s", scope_name="lib", scope_version="2"}"#;
    assert_eq!(found[1], (stream.to_owned(), 7, "second".to_owned(), second.to_owned()));
}

#[test]
fn a_service_has_a_name() {
    for (resource, stream) in [
        (&[("service.name", "a")][..], r#"{service_name="a"}"#),
        (&[("container.name", "c"), ("host.name", "h")], r#"{container_name="c", service_name="c"}"#),
        (&[("k8s.job.name", "j"), ("service.name", "")], r#"{k8s_job_name="j", service_name="j"}"#),
        (&[], r#"{service_name="unknown_service"}"#),
    ] {
        assert_eq!(one(resource, json!({ "body": { "stringValue": "x" } })).0, stream);
    }
}

#[test]
fn bodies_and_maps_are_written_out() {
    let map = json!({ "kvlistValue": { "values": [{ "key": "b", "value": { "intValue": 2 } }, { "key": "a", "value": { "kvlistValue": { "values": [{ "key": "x.y", "value": { "boolValue": true } }] } } }] } });
    let (_, ts, text, fields) = one(
        &[],
        json!({ "body": map, "attributes": [{ "key": "m.n", "value": map }, { "key": "list", "value": { "arrayValue": { "values": [{ "doubleValue": 1.5 }] } } }] }),
    );
    assert_eq!((ts, text.as_str()), (0, r#"{"a":{"x.y":true},"b":2}"#));
    assert_eq!(fields, r#"{detected_level="unknown", list="[1.5]", m_n_a_x_y="true", m_n_b="2"}"#);
    for (body, text) in [(json!({ "intValue": "7" }), "7"), (json!({ "bytesValue": "aGk=" }), "aGk="), (json!({}), ""), (json!(null), "")] {
        assert_eq!(one(&[], json!({ "body": body })).2, text);
    }
}

#[test]
fn levels_are_found() {
    let body = json!({ "stringValue": "oops" });
    for (record, level) in [
        (json!({ "body": body, "severityNumber": 9 }), "info"),
        (json!({ "body": body, "severityNumber": 9, "severityText": "Warning" }), "warn"),
        (json!({ "body": body, "severityNumber": 24, "severityText": "Doom" }), "fatal"),
        (json!({ "body": body, "attributes": attributes(&[("level", "DEBUG")]) }), "debug"),
        (json!({ "body": body }), "error"),
        (json!({ "body": body, "severityNumber": 99 }), "error"),
    ] {
        let fields = one(&[], record.clone()).3;
        assert!(fields.contains(&format!("detected_level=\"{level}\"")), "{record}: {fields}");
    }
    let own = one(&[], json!({ "body": body, "attributes": attributes(&[("detected_level", "mine")]) })).3;
    assert_eq!(own, r#"{detected_level="mine"}"#);
}

#[test]
fn lines_survive_attributes_without_a_name() {
    let sent = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "x" }, "attributes": attributes(&[("", "a"), ("...", "b"), ("ok", "c")]) }] }] }] });
    let decoded = decode(&request(&sent), &options()).unwrap();
    assert_eq!(lines(&decoded)[0].3, r#"{detected_level="unknown", ok="c"}"#);
    assert_eq!(decoded.problems, ["an attribute has an empty name"]);
}

#[test]
fn a_resource_repeated_on_each_line_is_bounded() {
    let records = vec![json!({ "body": { "stringValue": "x" } }); 2_000];
    let sent = json!({ "resourceLogs": [{ "resource": { "attributes": attributes(&[("long", &"x".repeat(60_000))]) }, "scopeLogs": [{ "logRecords": records }] }] });
    assert_eq!(decode(&request(&sent), &options()).unwrap_err(), TooLarge(PLENTY));
}

#[test]
fn maps_do_not_become_endless_fields() {
    let many: Json = (0..5_000).map(|at| json!({ "key": at.to_string(), "value": { "boolValue": true } })).collect();
    let map = json!({ "key": "m", "value": { "kvlistValue": { "values": many } } });
    let long = json!({ "key": "x".repeat(5_000), "value": { "boolValue": true } });
    let record = json!({ "body": { "stringValue": "x" }, "attributes": [long, map], "severityNumber": 9 });
    let sent = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record] }] }] });
    let decoded = decode(&request(&sent), &options()).unwrap();
    let fields = &lines(&decoded)[0].3;
    assert!(fields.contains("severity_number=\"9\"") && fields.contains("m_1000=\"true\"") && !fields.contains("m_2000"));
    assert_eq!(decoded.problems.len(), 1, "{:?}", decoded.problems);
}

proptest::proptest! {
    #[test]
    fn damaged_requests_are_survived(
        changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 1..6),
    ) {
        let sent = json!({ "resourceLogs": [{ "resource": { "attributes": attributes(&[("service.name", "a"), ("h.n", "b")]) }, "scopeLogs": [{
            "scope": { "name": "s", "attributes": attributes(&[("k", "v")]) },
            "logRecords": [{ "timeUnixNano": 5, "severityNumber": 9, "traceId": "0a0b", "attributes": attributes(&[("x", "y")]),
                "body": { "kvlistValue": { "values": [{ "key": "k", "value": { "arrayValue": { "values": [{ "doubleValue": 1 }] } } }] } } }] }] }] });
        let mut bytes = prost::Message::encode_to_vec(&request(&sent));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(request) = read::<ExportLogsRequest>(Encoding::Protobuf, &bytes, PLENTY)
            && let Ok(decoded) = decode(&request, &options())
        {
            for line in &decoded.batch.lines {
                crate::series::labels::check_packed(decoded.batch.fields_of(line)).unwrap();
            }
        }
    }
}
