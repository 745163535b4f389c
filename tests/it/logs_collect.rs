//! Syslog, Fluent and files, with the real binary.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;

use crate::support::{Server, client, free_port};

/// Texts of the lines of the last hour that a query gives, with how often each is there.
pub(crate) fn texts(server: &Server, query: &str) -> BTreeMap<String, u32> {
    let params = [("query", query), ("limit", "5000"), ("since", "1h")];
    let encoded: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let response = client().get(server.url(&format!("/loki/api/v1/query_range?{encoded}"))).send().unwrap();
    let text = response.text().unwrap();
    let answer: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut found = BTreeMap::new();
    for stream in answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{text}")) {
        for value in stream["values"].as_array().unwrap() {
            *found.entry(value[1].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    found
}

pub(crate) fn wait_for(server: &Server, query: &str, count: usize) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for _ in 0..1200 {
        found = texts(server, query);
        if found.len() >= count {
            return found;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("{query}: {count} lines were awaited, these came: {found:?}");
}

fn connect(port: u16) -> TcpStream {
    for _ in 0..1200 {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            return stream;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("nobody listens on {port}");
}

#[test]
fn syslog_comes_by_udp_and_tcp() {
    let (udp, tcp) = (free_port(), free_port());
    let listen = format!("udp://127.0.0.1:{udp},tcp://127.0.0.1:{tcp}");
    let server = Server::start(&["--logs.syslog-listen", &listen]);
    let mut stream = connect(tcp);
    stream
        .write_all(b"<11>1 - web-1 shop 7 ID1 [a@1 k=\"v\"] by tcp one\n28 <12>1 - web-1 shop - - - two<13>1 - web-1 shop - - - three\n")
        .unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"<30>1 - web-2 cron - - - by udp", ("127.0.0.1", udp)).unwrap();
    let found = wait_for(&server, "{job=\"syslog\"}", 4);
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), ["by tcp one", "by udp", "three", "two"]);
    assert_eq!(texts(&server, "{host=\"web-1\", app=\"shop\", level=\"error\"} | sd_a_1_k=\"v\" | proc_id=\"7\"").len(), 1);
    assert_eq!(texts(&server, "{host=\"web-2\", app=\"cron\", level=\"info\"} | facility=\"daemon\"").len(), 1);
    let (_, metrics) = server.get("/metrics");
    assert!(metrics.contains("pharos_logs_door_lines_total{door=\"syslog\"} 4"), "{metrics}");
}

#[test]
fn fluent_is_acknowledged_when_it_is_stored() {
    let port = free_port();
    let mut server = Server::start(&["--logs.fluent-listen", &format!("tcp://127.0.0.1:{port}")]);
    let mut stream = connect(port);
    // ["app", [[0, {"log": "hello"}]], {"chunk": "c1"}]
    let message = b"\x93\xa3app\x91\x92\x00\x81\xa3log\xa5hello\x81\xa5chunk\xa2c1";
    stream.write_all(message).unwrap();
    let mut answer = [0; 8];
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\x81\xa3ack\xa2c1");
    server.kill_and_restart();
    assert_eq!(texts(&server, "{tag=\"app\"}"), BTreeMap::from([("hello".to_owned(), 1)]));
}

fn append(path: &Path, text: &str) {
    std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn files_are_followed_through_rotation_and_kills() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("app.log");
    let config = folder.path().join("promtail.yml");
    let text = format!(
        "clients: [{{url: 'http://loki:3100/loki/api/v1/push'}}]
positions: {{filename: /tmp/positions.yaml}}
scrape_configs:
  - job_name: app
    static_configs:
      - targets: [localhost]
        labels: {{job: app, __path__: '{}'}}
    pipeline_stages:
      - regex: {{expression: '^(?P<level>\\w+)'}}
      - labels: {{level: }}
      - mask: {{}}
",
        log.display()
    );
    std::fs::write(&config, text).unwrap();
    append(&log, "info line 0 password=hunter2\n");
    let mut server = Server::start(&["--promtail.config.file", config.to_str().unwrap()]);
    wait_for(&server, "{job=\"app\"}", 1);
    let mut count = 1;
    for round in 1..=4 {
        for at in 0..200 {
            append(&log, &format!("warn line {count}\n"));
            count += 1;
            // By a few lines that were read a file is known again in its copy; of one whose only line was read it is not.
            if round == 2 && at == 20 {
                wait_for(&server, "{job=\"app\"}", count);
            }
        }
        match round {
            1 => std::fs::rename(&log, folder.path().join("app.log.1")).unwrap(),
            2 => {
                std::fs::copy(&log, folder.path().join("app.log.2")).unwrap();
                std::fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(0).unwrap();
            }
            _ => {}
        }
        append(&log, &format!("warn line {count}\n"));
        count += 1;
        server.kill_and_restart();
    }
    let found = wait_for(&server, "{job=\"app\"}", count);
    let doubled: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
    assert!(found.len() == count && doubled.is_empty(), "{} of {count}, doubled {doubled:?}", found.len());
    assert_eq!(texts(&server, "{level=\"info\"}").into_keys().collect::<Vec<_>>(), ["info line 0 password=<masked>"]);
}

#[test]
fn a_wrong_file_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("promtail.yml");
    std::fs::write(&config, "scrape_configs:\n  - job_name: a\n    static_configs: [{labels: {__path__: 'no/root'}}]\n").unwrap();
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_pharos"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("data"))
        .arg("--promtail.config.file")
        .arg(&config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("promtail.yml:3:") && said.contains("the whole path is needed"), "{said}");
}
