//! Scraping real targets, among them the server itself and its host.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::Server;

/// A target that serves these pages one after the other, the last one for ever.
fn target(pages: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _request = stream.read(&mut head);
            let page = pages[counter.fetch_add(1, Ordering::SeqCst).min(pages.len() - 1)];
            let answer = if page.is_empty() {
                "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
            } else {
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                    page.len()
                )
            };
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    (address, served)
}

#[test]
fn a_fresh_server_shows_its_host_and_itself() {
    let server = Server::start(&["--host-interval", "1s"]);
    server.await_query("node_memory_MemTotal_bytes{job=\"node\"}", |found| found[0]["value"].is_array());
    server.await_query("process_resident_memory_bytes{job=\"pharos\"}", |found| found[0]["value"].is_array());
    server.await_query("count(up == 1)", |found| found[0]["value"][1] == "2");
    let targets = server.api("/api/v1/targets");
    assert_eq!(targets["activeTargets"].as_array().unwrap().len(), 2, "{targets}");
}

#[test]
fn targets_are_scraped_relabelled_and_go_stale() {
    let (address, served) = target(&["# TYPE a gauge\na{drop=\"1\",x=\"y\"} 1\nb 2\n", "# TYPE a gauge\na{drop=\"1\",x=\"y\"} 3\n"]);
    let config = format!(
        "scrape_configs:\n- job_name: one\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs: [{{targets: ['{address}'], labels: {{site: s}}}}]\n  \
         metric_relabel_configs: [{{action: labeldrop, regex: drop}}]\n"
    );
    let server = Server::with_config(&config, &["--host-metrics=false"]);
    server.await_query("a", |found| {
        found[0]["metric"] == json!({ "__name__": "a", "instance": address, "job": "one", "site": "s", "x": "y" })
    });
    server.await_query("a", |found| found[0]["value"][1] == "3");
    assert_eq!(server.await_query("b", |found| found == &json!([])), json!([]), "gone series are stale at once");
    assert!(served.load(Ordering::SeqCst) >= 2);
    server.await_query("scrape_samples_scraped{job=\"one\"}", |found| found[0]["value"][1] == "1");
    let target = &server.api("/api/v1/targets")["activeTargets"][0].clone();
    assert_eq!((&target["health"], &target["scrapePool"]), (&json!("up"), &json!("one")));
    let metadata = server.api("/api/v1/metadata?metric=a");
    assert_eq!(metadata["a"][0]["type"], "gauge");
}

#[test]
fn a_failing_target_is_down_and_says_why() {
    let (address, _) = target(&["a 1\n", ""]);
    let config = format!(
        "scrape_configs:\n- job_name: one\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs: [{{targets: ['{address}']}}]\n"
    );
    let server = Server::with_config(&config, &["--host-metrics=false"]);
    server.await_query("up{job=\"one\"}", |found| found[0]["value"][1] == "0");
    server.await_query("a", |found| found == &json!([]));
    let target = &server.api("/api/v1/targets")["activeTargets"][0].clone();
    assert_eq!(target["health"], "down");
    assert!(target["lastError"].as_str().unwrap().contains("500"), "{target}");
    assert!(server.get("/targets").1.contains("500"));
}

#[test]
fn a_target_over_its_sample_limit_fails_whole() {
    let (address, _) = target(&["a 1\nb 2\nc 3\n"]);
    let config = format!(
        "scrape_configs:\n- job_name: one\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  sample_limit: 2\n  static_configs: [{{targets: ['{address}']}}]\n"
    );
    let server = Server::with_config(&config, &["--host-metrics=false"]);
    server.await_query("up{job=\"one\"}", |found| found[0]["value"][1] == "0");
    assert_eq!(server.api("/api/v1/query?query=a")["result"], json!([]));
    let target = &server.api("/api/v1/targets")["activeTargets"][0].clone();
    assert!(target["lastError"].as_str().unwrap().contains("sample limit exceeded"), "{target}");
}
