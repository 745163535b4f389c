//! Every door for samples.

use serde_json::{Value as Json, json};

use crate::support::Server;
use crate::wire;

const NOW: i64 = 1_700_000_000_000;

fn write(server: &Server, name: &str, samples: &[(i64, f64)]) -> (u16, String) {
    wire::send(&server.url("/api/v1/write"), wire::body(vec![wire::series(&[("__name__", name)], samples)]))
}

#[test]
fn remote_write_keeps_the_good_and_names_the_bad() {
    let server = Server::quiet();
    assert_eq!(write(&server, "a", &[(NOW, 1.0)]).0, 204);
    assert_eq!(write(&server, "a", &[(NOW, 1.0)]).0, 204, "an exact repetition is no error");
    let (status, text) = write(&server, "a", &[(NOW, 2.0)]);
    assert_eq!((status, text.contains("duplicate")), (400, true), "{text}");
    let mixed = wire::body(vec![wire::series(&[("__name__", "good")], &[(NOW, 7.0)]), wire::series(&[("__name__", "a")], &[(NOW, 3.0)])]);
    assert_eq!(wire::send(&server.url("/api/v1/write"), mixed).0, 400);
    assert_eq!(server.query("good", NOW as f64 / 1e3)[0]["value"][1], "7");
    assert_eq!(server.query("a", NOW as f64 / 1e3)[0]["value"][1], "1");
}

#[test]
fn remote_write_refuses_nonsense() {
    let server = Server::quiet();
    let url = server.url("/api/v1/write");
    assert_eq!(wire::send(&url, b"not snappy".to_vec()).0, 400);
    assert_eq!(wire::send(&url, snap::raw::Encoder::new().compress_vec(b"\xff\xff\xff").unwrap()).0, 400);
    let nameless = wire::body(vec![wire::series(&[("job", "x")], &[(NOW, 1.0)])]);
    assert_eq!(wire::send(&url, nameless).0, 400);
    // Claims four gigabytes.
    assert!(matches!(wire::send(&url, vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0]).0, 400 | 413));
    assert_eq!(server.get("/-/healthy").0, 200);
}

#[test]
fn late_samples_within_the_window_are_taken() {
    let server = Server::quiet();
    assert_eq!(write(&server, "late", &[(NOW, 2.0)]).0, 204);
    assert_eq!(write(&server, "late", &[(NOW - 60_000, 1.0)]).0, 204);
    assert_eq!(server.query("count_over_time(late[5m])", NOW as f64 / 1e3)[0]["value"][1], "2");
    let (status, text) = write(&server, "late", &[(NOW - 2 * 3_600_000, 0.0)]);
    assert_eq!((status, text.contains("old") || text.contains("order")), (400, true), "{text}");
}

#[test]
fn pushgateway_groups_are_replaced_merged_and_deleted() {
    let server = Server::quiet();
    let push = |method: &str, path: &str, text: &'static str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        crate::support::client().request(method, server.url(path)).body(text).send().unwrap().status().as_u16()
    };
    assert_eq!(push("PUT", "/metrics/job/backup/host/a", "# TYPE done gauge\ndone 1\nsize 5\n"), 200);
    server.await_query("done{job=\"backup\",host=\"a\"}", |found| found[0]["value"][1] == "1");
    assert_eq!(push("POST", "/metrics/job/backup/host/a", "# TYPE done gauge\ndone 2\n"), 200);
    server.await_query("done{job=\"backup\"} + on() size{job=\"backup\"}", |found| found[0]["value"][1] == "7");
    // A Pushgateway's own address and envelope.
    let groups = server.api("/api/v1/metrics");
    assert_eq!(groups[0]["labels"], json!({ "host": "a", "job": "backup" }), "{groups}");
    assert_eq!(push("PUT", "/metrics/job/x", "broken{ 1\n"), 400);
    assert_eq!(push("PUT", "/metrics/job/x", "a 1 1700000000000\n"), 400);
    assert_eq!(push("DELETE", "/metrics/job/backup/host/a", ""), 202);
    server.await_query("done{job=\"backup\"}", |found| found == &json!([]));
}

#[test]
fn pushed_groups_survive_a_crash() {
    let mut server = Server::quiet();
    let status = crate::support::client().put(server.url("/metrics/job/nightly")).body("kept 3\n").send().unwrap().status();
    assert_eq!(status.as_u16(), 200);
    server.kill_and_restart();
    server.await_query("kept{job=\"nightly\"}", |found| found[0]["value"][1] == "3");
}

#[test]
fn custom_metrics_are_taken_one_by_one_and_in_batches() {
    let server = Server::quiet();
    let one = json!({ "name": "orders_open", "type": "gauge", "value": 12, "labels": { "shop": "a" }, "help": "Open orders." });
    let (status, text) = server.post("/api/v1/metrics/custom", "application/json", one.to_string());
    assert!((200..300).contains(&status), "{status} {text}");
    server.await_query("orders_open{shop=\"a\"}", |found| found[0]["value"][1] == "12");
    let batch = json!({ "metrics": [
        { "name": "good_one", "type": "gauge", "value": 1 },
        { "name": "bad name!", "type": "nonsense", "value": 1 },
        { "name": "good_two", "type": "gauge", "value": 2 },
    ] });
    let (_, text) = server.post("/api/v1/metrics/batch", "application/json", batch.to_string());
    let answer: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(text.contains("\"index\":1"), "{answer}");
    server.await_query("good_one + on() good_two", |found| found[0]["value"][1] == "3");
    for path in ["/api/v1/metrics/health", "/api/v1/metrics/summary", "/api/v1/metrics/dashboard"] {
        assert_eq!(server.get(path).0, 200, "{path}");
    }
}
