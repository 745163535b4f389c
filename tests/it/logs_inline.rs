//! What the configuration file itself says about collecting, and mappings of StatsD, put in force by a reload.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use crate::support::{Server, free_port};

fn configuration(log: &Path, level: &str) -> String {
    format!(
        "pharos:
  logs:
    collect:
      clients: [{{url: 'http://loki:3100/loki/api/v1/push', external_labels: {{site: one}}}}]
      scrape_configs:
        - job_name: app
          static_configs: [{{labels: {{job: app, __path__: '{}'}}}}]
          pipeline_stages:
            - metrics: {{lines_total: {{type: Counter, config: {{match_all: true, action: inc}}}}}}
            - static_labels: {{level: {level}}}
",
        log.display()
    )
}

/// Asks until the number of streams that match is at least this.
fn await_streams(server: &Server, selector: &str, count: usize) {
    let encoded: String = form_urlencoded::byte_serialize(selector.as_bytes()).collect();
    let mut last = String::new();
    for _ in 0..1200 {
        let (_, text) = server.get(&format!("/loki/api/v1/series?match[]={encoded}&since=1h"));
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        if answer["data"].as_array().is_some_and(|all| all.len() >= count) {
            return;
        }
        last = text;
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("{selector}: {last}");
}

#[test]
fn the_configuration_file_says_what_is_collected() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("app.log");
    std::fs::write(&log, "one\ntwo\n").unwrap();
    let server = Server::with_config(&configuration(&log, "first"), &["--host-metrics=false", "--own-metrics=false"]);
    await_streams(&server, "{job=\"app\", site=\"one\", level=\"first\"}", 1);
    let (_, own) = server.get("/metrics");
    assert!(own.contains("promtail_custom_lines_total{"), "{own}");
    let file = server.folder().join("prometheus.yml");
    std::fs::write(&file, configuration(&log, "first").replace("metrics:", "metrcs:")).unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert!(status == 500 && text.contains("prometheus.yml:9:15: pipeline_stages: there is no stage \"metrcs\""), "{status} {text}");
    std::fs::write(&file, configuration(&log, "second")).unwrap();
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    // What was read before does not come again; what comes now is treated as the file says now.
    for round in 0..600 {
        std::fs::OpenOptions::new()
            .append(true)
            .open(&log)
            .map(|mut file| std::io::Write::write_all(&mut file, format!("{round}\n").as_bytes()))
            .unwrap()
            .unwrap();
        std::thread::park_timeout(Duration::from_millis(100));
        let (_, text) = server.get("/loki/api/v1/series?match[]=%7Blevel%3D%22second%22%7D&since=1h");
        if text.contains("second") {
            return;
        }
    }
    panic!("the new configuration never came into force");
}

#[test]
fn a_mapping_of_statsd_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("mapping.yml");
    std::fs::write(&mapping, "mappings: [{match: 'shop.*.hits', name: hits_total, labels: {shop: $1}}]\n").unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let server = Server::start(&[
        "--host-metrics=false",
        "--own-metrics=false",
        "--statsd.listen",
        &listen,
        "--statsd.flush-interval",
        "1s",
        "--statsd.mapping-config",
        mapping.to_str().unwrap(),
    ]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"shop.north.hits:3|c", &listen).unwrap();
    server.await_query("hits_total{shop=\"north\"}", |found| found[0]["value"][1] == "3");
    std::fs::write(&mapping, "mappings: [{match: 'shop.*.hits', nme: x}]\n").unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert!(status == 500 && text.contains("mapping.yml:1:35: nme: unknown key, did you mean name?"), "{status} {text}");
    std::fs::write(&mapping, "mappings: [{match: 'shop.*.hits', name: shop_hits_total, labels: {shop: $1}}]\n").unwrap();
    assert_eq!(server.post("/-/reload", "text/plain", "").0, 200);
    socket.send_to(b"shop.north.hits:4|c", &listen).unwrap();
    server.await_query("shop_hits_total{shop=\"north\"}", |found| found[0]["value"][1] == "4");
}
