//! Memory for lines: an id in every line, as a label or beside the text, and small requests that say very much.

use std::io::Write;
use std::time::Duration;

use crate::budget::{BUDGET, MIB, memory};
use crate::logs_wire::{KEEPING, SECOND, StreamAdapter, T0, loki, packed, stream};
use crate::support::{Server, client};

/// Requests, each with an id of its own.
const IDS: usize = 60_000;
/// Lines of one push.
const AT_ONCE: usize = 5_000;

fn id(at: usize) -> String {
    format!("{:016x}-{at:08}", (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Pushes until it is taken; told to come again, it comes again, as every sender does.
fn push(server: &Server, streams: Vec<StreamAdapter>) {
    let body = packed(streams);
    for _ in 0..1200 {
        let sent =
            client().post(server.url("/loki/api/v1/push")).header("Content-Type", "application/x-protobuf").body(body.clone()).send();
        match sent.map(|answer| answer.status().as_u16()) {
            Ok(204) => return,
            // A server that reads no bodies now may end the connection while one is sent.
            Ok(429 | 503) | Err(_) => std::thread::park_timeout(Duration::from_millis(100)),
            Ok(other) => panic!("{other}"),
        }
    }
    panic!("the server takes no lines for two minutes");
}

fn asked(server: &Server, path: &str, more: &[(&str, &str)]) -> serde_json::Value {
    let (start, end) = (T0.to_string(), (T0 + 3600 * SECOND).to_string());
    let mut params = vec![("start", start.as_str()), ("end", end.as_str()), ("time", end.as_str())];
    params.extend_from_slice(more);
    loki(server, path, &params)
}

fn numbers(answer: &serde_json::Value) -> Vec<String> {
    let series = answer["data"]["result"].as_array().unwrap();
    let mut found: Vec<String> = series.iter().map(|one| one["value"][1].as_str().unwrap().to_owned()).collect();
    found.sort();
    found
}

/// Writes lines with ids, and asks for them; gives the most memory that was used.
fn ids_fit(server: &Server, as_label: bool) -> u64 {
    let mut most = 0;
    for from in (0..IDS).step_by(AT_ONCE) {
        let ids: Vec<(usize, String)> = (from..from + AT_ONCE).map(|at| (at, id(at))).collect();
        let ts = |at: usize| T0 + SECOND + at as i64 * 1_000_000;
        let text = |at: usize| format!("level=info path=/items/{} status={}", at % 97, if at.is_multiple_of(50) { 500 } else { 200 });
        let streams = if as_label {
            let one = |(at, id): &(usize, String)| {
                stream(&format!("{{app=\"a{}\", request_id=\"{id}\"}}", at % 4), &[(ts(*at), &text(*at), &[])])
            };
            ids.iter().map(one).collect()
        } else {
            let lines = |app: usize| {
                let own = ids.iter().filter(|(at, _)| at % 4 == app);
                let mut all = stream(&format!("{{app=\"b{app}\"}}"), &[]);
                all.entries.extend(own.flat_map(|(at, id)| stream("", &[(ts(*at), &text(*at), &[("request_id", id)])]).entries));
                all
            };
            (0..4).map(lines).collect()
        };
        push(server, streams);
        most = most.max(memory(server));
    }
    let (apps, wanted) = (if as_label { "{app=~\"a.\"}" } else { "{app=~\"b.\"}" }, id(IDS / 3));
    let all = format!("sum by (app) (count_over_time({apps}[1h]))");
    assert_eq!(numbers(&asked(server, "query", &[("query", &all)])), vec![(IDS / 4).to_string(); 4]);
    let errors = format!("sum(count_over_time({apps} |= \"status=500\" [1h]))");
    assert_eq!(numbers(&asked(server, "query", &[("query", &errors)])), [(IDS / 50).to_string()]);
    let count = format!("count(sum by (request_id) (count_over_time({apps}[1h])))");
    assert_eq!(numbers(&asked(server, "query", &[("query", &count)])), [IDS.to_string()], "no number of series is too large");
    let one = format!("{apps} | request_id=\"{wanted}\"");
    let found = asked(server, "query_range", &[("query", &one)]);
    assert_eq!(found["data"]["result"][0]["stream"]["request_id"], wanted.as_str());
    most = most.max(memory(server));
    let stats = asked(server, "index/stats", &[("query", apps)]);
    assert_eq!((stats["streams"].as_u64(), stats["entries"].as_u64()), (Some(if as_label { IDS as u64 } else { 4 }), Some(IDS as u64)));
    most.max(memory(server))
}

#[test]
fn an_id_in_every_line_fits_a_budget_of_memory() {
    let server = Server::start(&[&KEEPING[..], &["--memory-budget", "150MB"]].concat());
    for as_label in [false, true] {
        let most = ids_fit(&server, as_label);
        println!("{IDS} ids, as labels {as_label}: {} MiB at most", most / MIB);
        assert!(most < BUDGET, "{} MiB", most / MIB);
    }
    let values = asked(&server, "label/request_id/values", &[]);
    assert_eq!(values["data"].as_array().unwrap().len(), IDS);
}

/// A piece, over and over, with something before and behind it, packed.
fn repeated(before: &str, piece: &str, behind: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(before.as_bytes()).unwrap();
    let block = piece.repeat((1 << 20) / piece.len());
    (0..20).for_each(|_| out.write_all(block.as_bytes()).unwrap());
    out.write_all(behind.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[test]
fn small_requests_that_say_very_much_take_little_memory() {
    let server = Server::start(&KEEPING);
    let stream = "{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[";
    for (what, path, status, before, piece, behind) in [
        ("labels", "/loki/api/v1/push", 400, "{\"streams\":[{\"stream\":{", "\"a\":\"\",", "\"b\":\"\"},\"values\":[[\"1\",\"\"]]}]}"),
        ("fields", "/loki/api/v1/push", 400, &format!("{stream}[\"1\",\"\",{{"), "\"a\":\"b\",", "\"b\":\"\"}]]}]}"),
        ("lines", "/loki/api/v1/push", 413, stream, "[\"1\",\"\"],", "[\"1\",\"\"]]}]}"),
        ("streams", "/loki/api/v1/push", 413, "{\"streams\":[", "{\"stream\":{\"a\":\"b\"}},{\"stream\":{\"a\":\"c\"}},", "{}]}"),
        ("items", "/elasticsearch/_bulk", 413, "", "{\"delete\":{\"_id\":\"\"}}\n", ""),
    ] {
        let body = repeated(before, piece, behind);
        assert!(body.len() < 120_000, "{what}: {}", body.len());
        let sent = client().post(server.url(path)).header("Content-Type", "application/json").header("Content-Encoding", "gzip").body(body);
        let answer = sent.send().unwrap();
        let (told, said) = (answer.status().as_u16(), answer.text().unwrap());
        let peak = server.peak_memory();
        println!("{what}: {} MiB at most so far", peak / MIB);
        assert_eq!(told, status, "{what}: {}", said.chars().take(300).collect::<String>());
        assert!(peak < 300 * MIB, "{what}: {} MiB", peak / MIB);
    }
}
