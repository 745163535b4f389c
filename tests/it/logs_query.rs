//! Questions about lines: their order, times to the nanosecond, the old API, and `pharos logs` asking page by page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::logs_wire::{KEEPING, SECOND, SentLine, T0, loki, push, stream};
use crate::support::{Server, client, until};

/// Texts of an answer's lines, stream by stream.
fn texts(server: &Server, query: &str, direction: &str, limit: &str) -> Vec<String> {
    let (start, end) = ((T0 - SECOND).to_string(), (T0 + SECOND).to_string());
    let params = [("query", query), ("start", &start), ("end", &end), ("direction", direction), ("limit", limit)];
    let answer = loki(server, "query_range", &params);
    let streams = answer["data"]["result"].as_array().unwrap().iter();
    let lines = streams.flat_map(|stream| stream["values"].as_array().unwrap());
    lines.map(|line| line[1].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lines_of_one_time_come_in_the_order_in_which_they_were_sent() {
    let mut server = Server::start(&KEEPING);
    let first: Vec<SentLine<'_>> = ["zeta", "alpha", "mid", "beta"].iter().map(|text| (T0, *text, &[][..])).collect();
    assert_eq!(push(&server, vec![stream("{app=\"a\"}", &first)]).0, 204);
    assert_eq!(push(&server, vec![stream("{app=\"a\"}", &[(T0, "and then", &[]), (T0, "alpha", &[])])]).0, 204);
    for _ in 0..2 {
        let mut all = vec!["zeta", "alpha", "mid", "beta", "and then"];
        assert_eq!(texts(&server, "{app=\"a\"}", "forward", "100"), all);
        assert_eq!(texts(&server, "{app=\"a\"}", "forward", "2"), all[..2]);
        all.reverse();
        assert_eq!(texts(&server, "{app=\"a\"}", "backward", "100"), all);
        assert_eq!(texts(&server, "{app=\"a\"}", "backward", "2"), all[..2]);
        server.kill_and_restart();
    }
}

#[test]
fn numbers_are_of_the_nanoseconds_that_were_asked_for() {
    let server = Server::start(&KEEPING);
    let lines = [(T0 + 400_000, "one", &[][..]), (T0 + 600_000, "two", &[]), (T0 + 1_600_000, "three", &[])];
    assert_eq!(push(&server, vec![stream("{app=\"a\"}", &lines)]).0, 204);
    let query = "sum(count_over_time({app=\"a\"}[1ms]))";
    for (at, counted) in [(500_000, Some("1")), (600_000, Some("2")), (399_999, None), (1_500_000, Some("1")), (1_600_000, Some("1"))] {
        let answer = loki(&server, "query", &[("query", query), ("time", &(T0 + at).to_string())]);
        assert_eq!(answer["data"]["result"][0]["value"][1].as_str(), counted, "{at}: {answer}");
    }
    let (start, end) = ((T0 + 500_000).to_string(), (T0 + 2_500_000).to_string());
    let answer = loki(&server, "query_range", &[("query", query), ("start", &start), ("end", &end), ("step", "1ms")]);
    let points: Vec<&Json> = answer["data"]["result"][0]["values"].as_array().unwrap().iter().map(|point| &point[1]).collect();
    assert_eq!(points, ["1", "1", "1"], "{answer}");
}

#[test]
fn the_old_api_answers_too() {
    let server = Server::start(&KEEPING);
    let lines = [(T0, "one <a>", &[][..]), (T0 + 500_000_000, "two", &[])];
    assert_eq!(push(&server, vec![stream("{app=\"a\", service_name=\"s\"}", &lines)]).0, 204);
    let ask = |path: &str, params: &[(&str, &str)]| {
        let mut url = reqwest::Url::parse(&server.url(path)).unwrap();
        url.query_pairs_mut().extend_pairs(params).append_pair("start", &(T0 - SECOND).to_string());
        let answer = client().get(url).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    let (status, text) = ask("/api/prom/query", &[("query", "{app=\"a\"} | keep app"), ("direction", "forward")]);
    let wanted = "{\"streams\":[{\"labels\":\"{app=\\\"a\\\"}\",\"entries\":[{\"ts\":\"2023-11-14T22:13:20Z\",\"line\":\"one \\u003ca\\u003e\"},\
                  {\"ts\":\"2023-11-14T22:13:20.5Z\",\"line\":\"two\"}]}],\"stats\":{\"summary\":{";
    assert!(status == 200 && text.starts_with(wanted), "{status} {text}");
    let (_, text) = ask("/api/prom/query", &[("query", "{app=\"a\"}"), ("regexp", "^t.o$")]);
    let found: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(found["streams"][0]["entries"], json!([{"ts": "2023-11-14T22:13:20.5Z", "line": "two"}]), "{text}");
    assert_eq!(ask("/api/prom/label", &[]), (200, "{\"values\":[\"app\",\"service_name\"]}\n".to_owned()));
    assert_eq!(ask("/api/prom/label/app/values", &[]), (200, "{\"values\":[\"a\"]}\n".to_owned()));
    assert_eq!(ask("/api/prom/label/none/values", &[]), (200, "{}\n".to_owned()));
    for (path, params, said) in [
        ("/api/prom/query", [("query", "rate({app=\"a\"}[1m])")], "legacy endpoints only support streams result type"),
        ("/api/prom/query", [("query", "{app=~\"(\"}")], "error parsing regexp: missing closing ): `(`"),
        ("/loki/api/v1/series", [("match[]", "{app=\"a\"} |= \"x\"")], "only label matchers is supported"),
        (
            "/loki/api/v1/query_range",
            [("query", "{app=\"a\"} |~ \"a**\"")],
            "error parsing regexp: invalid nested repetition operator: `**`",
        ),
    ] {
        let (status, text) = ask(path, &params);
        assert!(status == 400 && text.contains(said), "{path} {params:?}: {status} {text}");
    }
}

fn ask_logs(args: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pharos")).arg("logs").args(args).env_clear().output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_crowded_moment_does_not_stop_who_wants_all_lines() {
    let server = Server::start(&KEEPING);
    let all: Vec<String> = (0..9_000).map(|number| format!("line {number:05}")).collect();
    for (piece, lines) in all.chunks(3_000).enumerate() {
        let lines: Vec<SentLine<'_>> = lines.iter().map(|text| (T0 + i64::from(text.ends_with("8999")), text.as_str(), &[][..])).collect();
        assert_eq!(push(&server, vec![stream(&format!("{{app=\"a\", piece=\"{}\"}}", piece % 2), &lines)]).0, 204);
    }
    let url = server.url("");
    for more in [&["--forward"][..], &[]] {
        let args = ["query", "--url", &url, "--from", "1699999000", "--to", "1700001000", "--limit", "0", "-o", "raw", "{app=\"a\"}"];
        let (is_well, printed, said) = ask_logs(&[&args[..], more].concat());
        assert!(is_well, "{said}");
        let mut lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines.len(), 9_000, "{said}");
        lines.sort_unstable();
        assert!(lines.iter().zip(&all).all(|(found, sent)| found == sent), "a line is missing or doubled");
    }
}

/// Passes connections on to a server that may come back at another address.
fn relay(address: &Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let address = Arc::clone(address);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let to = address.lock().unwrap().clone();
            // Without a server behind it, a connection is closed at once.
            let Ok(server) = TcpStream::connect(to) else { continue };
            for (mut from, mut into) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
                std::thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = from.read(&mut buffer) {
                        if into.write_all(&buffer[..length]).is_err() {
                            break;
                        }
                    }
                    let _already_closed = into.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    own
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the tail follows the machine's clock, so its lines must come then")]
fn a_tail_goes_on_when_the_server_is_there_again() {
    let mut server = Server::start(&["--host-metrics=false", "--own-metrics=false"]);
    let address = Arc::new(Mutex::new(server.address.clone()));
    let url = format!("http://{}", relay(&address));
    let send = |server: &Server, text: &str| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as i64;
        assert_eq!(push(server, vec![stream("{app=\"a\"}", &[(now, text, &[])])]).0, 204);
    };
    send(&server, "before");
    let mut tail = Command::new(env!("CARGO_BIN_EXE_pharos"))
        .args(["logs", "tail", "--url", &url, "--since", "1m", "-o", "raw", "{app=\"a\"}"])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (tell, told) = mpsc::channel();
    let stdout = tail.stdout.take().unwrap();
    std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    let next = || told.recv_timeout(Duration::from_secs(120)).unwrap_or_else(|error| format!("nothing came: {error}"));
    assert_eq!(next(), "before");
    for round in 0..2 {
        // Nobody listens there any more; what is sent meanwhile comes afterwards, once.
        "127.0.0.1:1".clone_into(&mut address.lock().unwrap());
        server.kill_and_restart();
        send(&server, &format!("meanwhile {round}"));
        std::thread::park_timeout(Duration::from_millis(2_500));
        server.address.clone_into(&mut address.lock().unwrap());
        assert_eq!(next(), format!("meanwhile {round}"));
        send(&server, &format!("after {round}"));
        assert_eq!(next(), format!("after {round}"));
    }
    tail.kill().unwrap();
    tail.wait().unwrap();
    assert!(told.try_recv().is_err(), "a line came twice");
    // A query that makes no sense, or a server that was never there, is said at once.
    for (url, query, said) in [(url.as_str(), "{app=", "answered 400"), ("http://127.0.0.1:1", "{app=\"a\"}", "cannot reach")] {
        let (is_well, _, text) = ask_logs(&["tail", "--url", url, query]);
        assert!(!is_well && text.contains(said), "{text}");
    }
}

/// Grafana asks a Loki data source for them; those over metrics are not Loki's.
#[test]
fn rules_over_logs_are_told_as_by_lokis_ruler() {
    let server = Server::start(&[]);
    assert_eq!(server.get("/loki/api/v1/rules"), (200, "{}\n".to_owned()));
    let file = "groups:\n- name: lines\n  type: logs\n  interval: 1m\n  rules:\n  - alert: Errors\n    expr: sum(rate({app=\"a\"} |= \"bad\" [5m])) > 0\n    for: 5m\n- name: numbers\n  rules:\n  - record: one\n    expr: vector(1)\n";
    let (status, answer) = server.send("PUT", "/api/v1/rules/files/mine", "application/yaml", file);
    assert_eq!(status, 200, "{answer}");
    let groups = until(|| {
        let groups = server.api("/prometheus/api/v1/rules")["groups"].clone();
        groups.get(0).is_some().then_some(groups)
    });
    assert_eq!((groups.as_array().map(Vec::len), &groups[0]["name"]), (Some(1), &json!("lines")));
    assert_eq!(groups[0]["rules"][0]["query"], json!("(sum(rate({app=\"a\"} |= \"bad\"[5m])) > 0)"));
    assert_eq!(server.api("/prometheus/api/v1/alerts"), json!({ "alerts": [] }));
    let (_, declared) = server.get("/loki/api/v1/rules");
    let declared: Json = serde_json::from_str(&declared).unwrap();
    let group = &declared["pharos:mine"][0];
    assert_eq!(
        (&group["name"], &group["interval"], &group["rules"][0]["alert"], &group["rules"][0]["for"]),
        (&json!("lines"), &json!("1m"), &json!("Errors"), &json!("5m"))
    );
    assert_eq!(declared["pharos:mine"].as_array().map(Vec::len), Some(1), "the other one is over metrics");
}
