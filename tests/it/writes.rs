//! Every door for samples, and the one they leave by.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use pharos::base::clock::{Clock, SystemClock};
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

#[test]
fn the_first_events_of_a_counter_are_an_increase() {
    let server = Server::quiet();
    for body in
        [json!({ "name": "orders_total", "type": "counter", "value": 7 }), json!({ "name": "own_total", "type": "counter", "total": 7 })]
    {
        assert_eq!(server.post("/api/v1/metrics/custom", "application/json", body.to_string()).0, 200);
    }
    let rise = |name: &str| format!("max_over_time({name}[5m]) - min_over_time({name}[5m])");
    server.await_query(&rise("orders_total"), |found| found[0]["value"][1] == "7");
    server.await_query("increase(orders_total[5m]) >= 7", |found| !found[0].is_null());
    server.await_query(&rise("own_total"), |found| found[0]["value"][1] == "0");
}

#[test]
fn what_storage_refuses_is_neither_kept_nor_acknowledged() {
    let server = Server::start(&["--limits.series-per-job-max", "4", "--host-metrics=false", "--own-metrics=false"]);
    let push = |body: &'static str| {
        let answer = crate::support::client().put(server.url("/metrics/job/few")).body(body).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    // With the two series about pushes these are more than the job may have.
    let (status, said) = push("a 1\nb 1\nc 1\n");
    assert_eq!((status, said.contains("series limit reached")), (400, true), "{said}");
    assert_eq!(server.api("/api/v1/metrics"), json!([]), "a group that is refused is not kept");
    assert_eq!(push("a 1\nb 1\n").0, 200);
    server.await_query("a{job=\"few\"} + on() b", |found| found[0]["value"][1] == "2");
    assert_eq!(push("a 2\nb 2\nc 2\n").0, 400);
    assert_eq!(server.api("/api/v1/metrics")[0]["a"]["metrics"][0]["value"], "1", "what was pushed before stays");
    let add = |shop: usize| {
        let body = json!({ "name": "orders_total", "type": "counter", "value": 1, "labels": { "job": "shops", "shop": shop } });
        server.post("/api/v1/metrics/custom", "application/json", body.to_string())
    };
    for shop in 0..4 {
        assert_eq!(add(shop).0, 200);
    }
    let (status, said) = add(4);
    assert_eq!((status, said.contains("series limit reached")), (400, true), "{said}");
    let (_, health) = server.get("/api/v1/metrics/health");
    assert!(health.contains("\"series\":4,"), "what is refused does not count: {health}");
}

/// Times of the samples by series, in the order in which they came.
type Received = Arc<Mutex<BTreeMap<String, Vec<i64>>>>;

/// A port at which nobody answers yet, and which nobody else is given meanwhile.
fn closed_port() -> (socket2::Socket, u16) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

/// A receiver of remote write on a port that was closed until now.
fn receive(socket: socket2::Socket) -> Received {
    let received = Received::default();
    socket.listen(128).unwrap();
    let (log, listener) = (Arc::clone(&received), TcpListener::from(socket));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, log) = (stream.unwrap(), Arc::clone(&log));
            std::thread::spawn(move || {
                let (mut bytes, mut chunk) = (Vec::new(), vec![0; 65536]);
                let (head, length) = loop {
                    let read = stream.read(&mut chunk).unwrap();
                    assert!(read > 0);
                    bytes.extend_from_slice(&chunk[..read]);
                    if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
                        break (end + 4, length);
                    }
                };
                while bytes.len() < head + length {
                    let read = stream.read(&mut chunk).unwrap();
                    bytes.extend_from_slice(&chunk[..read]);
                }
                let raw = snap::raw::Decoder::new().decompress_vec(&bytes[head..]).unwrap();
                let request = <wire::WriteRequest as prost::Message>::decode(raw.as_slice()).unwrap();
                let mut log = log.lock().unwrap();
                for series in request.timeseries {
                    let labels: Vec<String> = series.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
                    log.entry(labels.join(",")).or_default().extend(series.samples.iter().map(|sample| sample.timestamp));
                }
                drop(log);
                let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            });
        }
    });
    received
}

/// Waits until each of 30 series has so many samples, first arrivals in order; gives how many came twice.
fn await_received(received: &Received, start: i64, samples: i64) -> usize {
    let mut last = Vec::new();
    for _ in 0..3000 {
        let all = received.lock().unwrap().clone();
        last = all.values().map(Vec::len).collect();
        let mut repeated = 0;
        let complete = all.iter().all(|(labels, times)| {
            assert!(labels.contains("site=here"), "{labels}");
            let mut newest = i64::MIN;
            let mut firsts = 0;
            let mut seen = std::collections::BTreeSet::new();
            for &time in times {
                if seen.insert(time) {
                    assert!(time > newest, "{labels}: {time} came after {newest}");
                    (newest, firsts) = (time, firsts + 1);
                } else {
                    repeated += 1;
                }
            }
            firsts == samples && seen.into_iter().eq((0..samples).map(|n| start + n * 1000))
        });
        if all.len() == 30 && complete {
            return repeated;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("{samples} samples of 30 series were awaited, there are {last:?}");
}

#[test]
fn an_outage_of_a_remote_loses_nothing_even_with_a_crash_in_it() {
    let (socket, port) = closed_port();
    let config = format!(
        "global: {{external_labels: {{site: here}}}}\nremote_write:\n- url: http://127.0.0.1:{port}/write\n  \
         write_relabel_configs: [{{source_labels: [__name__], regex: 'hidden', action: drop}}]\n  queue_config: {{capacity: 200, \
         min_shards: 2, max_shards: 2, max_samples_per_send: 100, batch_send_deadline: 100ms, min_backoff: 10ms, max_backoff: 100ms}}\n"
    );
    let mut server = Server::with_config(&config, &["--host-metrics=false", "--own-metrics=false"]);
    let now = SystemClock::new().now_ms();
    let start = now - 2_000_000;
    let send = |server: &Server, samples: std::ops::Range<i64>| {
        for first in samples.clone().step_by(50) {
            let part: Vec<(i64, f64)> = (first..(first + 50).min(samples.end)).map(|n| (start + n * 1000, n as f64)).collect();
            let named = |name: &str, n: i32| wire::series(&[("__name__", name), ("n", &n.to_string())], &part);
            let series = (0..30).map(|n| named("kept", n)).chain([named("hidden", 0)]).collect();
            assert_eq!(wire::send(&server.url("/api/v1/write"), wire::body(series)).0, 204);
        }
    };
    // 31,000 samples; 10,000 fit in memory.
    send(&server, 0..1000);
    let behind = |server: &Server| {
        server.get("/metrics").1.lines().any(|line| line.starts_with("pharos_remote_storage_catching_up{") && line.ends_with(" 1"))
    };
    assert!(behind(&server), "{}", server.get("/metrics").1);
    server.kill_and_restart();
    send(&server, 1000..1100);
    let received = receive(socket);
    assert_eq!(await_received(&received, start, 1100), 0, "nothing was sent before, so nothing comes twice");
    // Up to date again, and live; another crash repeats little and loses nothing.
    send(&server, 1100..1110);
    await_received(&received, start, 1110);
    for _ in 0..1200 {
        if !behind(&server) {
            break;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    assert!(!behind(&server), "it is up to date");
    server.kill_and_restart();
    send(&server, 1110..1120);
    await_received(&received, start, 1120);
    let text = server.get("/metrics").1;
    for name in [
        "highest_timestamp_in_seconds ",
        "samples_pending{",
        "samples_retried_total{",
        "shards{",
        "samples_dropped_total{",
        "sent_batch_duration_seconds_count{",
    ] {
        assert!(text.contains(&format!("\nprometheus_remote_storage_{name}")), "{name}: {text}");
    }
}
