//! From a rule that fires to the message that arrives: the real server, the users' own kind of file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value as Json;

use crate::support::Server;

/// A server that takes every message; gives its base address, and path and body of each.
pub(crate) fn recorder() -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let (mut first, mut length) = (String::new(), 0);
            if reader.read_line(&mut first).is_err() {
                continue;
            }
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            let read = reader.read_exact(&mut body);
            let answered = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            // A server may be killed in the middle of a message; the next one comes again.
            if read.is_err() || answered.is_err() {
                continue;
            }
            if send.send((path, String::from_utf8_lossy(&body).into_owned())).is_err() {
                return;
            }
        }
    });
    (base, receive)
}

const RULES: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: HighCPU\n    expr: up{job=\"pharos\"} > 0\n    \
                     labels: {severity: critical}\n    annotations: {summary: 'CPU <high>', description: '5 > 3'}\n";

#[test]
fn alerts_of_rules_arrive_at_their_channels() {
    let (base, received) = recorder();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("rules.yml", RULES);
    write("prometheus.yml", "rule_files: ['*rules.yml']\n");
    write("own.tmpl", "{{ define \"own.title\" }}{{ .GroupLabels.alertname }} of {{ .CommonLabels.job }}{{ end }}");
    write("secret", &format!("{base}/slack/file\n"));
    write(
        "alertmanager.yml",
        &format!(
            "global: {{slack_api_url_file: secret}}\ntemplates: ['*.tmpl']\n\
             route:\n  group_by: [alertname, job]\n  group_wait: 1s\n  receiver: nobody\n  routes:\n  - match: {{severity: critical}}\n    receiver: slack-critical\n\
             receivers:\n- name: nobody\n- name: slack-critical\n  slack_configs:\n  - channel: '#alerts-critical'\n    send_resolved: true\n    \
             title: '{{{{ template \"own.title\" . }}}}'\n    text: >-\n      {{{{ range .Alerts }}}}\n      *Alert:* {{{{ .Annotations.summary }}}}\n      {{{{ end }}}}\n  \
             webhook_configs: [{{url: '{base}/hook'}}]\n  ntfy_configs: [{{url: '{base}/ntfy', topic: t}}]\n"
        ),
    );
    let config = folder.path().join("prometheus.yml");
    let arguments = ["--config", config.to_str().unwrap(), "--host-interval=1s", "--external-url=https://mon.example.org/x"];
    let _server = Server::on(&folder.path().join("data"), &arguments);
    let mut messages = std::collections::BTreeMap::new();
    while messages.len() < 3 {
        let (path, body) = received.recv_timeout(Duration::from_secs(90)).expect("a message");
        messages.insert(path, body);
    }
    let link = "https://mon.example.org/x/#/alerts?receiver=slack-critical";
    let slack: Json = serde_json::from_str(&messages["/slack/file"]).unwrap();
    assert_eq!(slack["channel"], "#alerts-critical");
    assert_eq!(slack["attachments"][0]["title"], "HighCPU of pharos");
    assert_eq!(slack["attachments"][0]["title_link"], link);
    assert_eq!(slack["attachments"][0]["text"], " *Alert:* CPU <high> ");
    assert!(messages["/slack/file"].contains("CPU \\u003chigh\\u003e") && messages["/slack/file"].ends_with("}\n"));
    let hook: Json = serde_json::from_str(&messages["/hook"]).unwrap();
    assert_eq!((&hook["version"], &hook["status"], &hook["receiver"]), (&"4".into(), &"firing".into(), &"slack-critical".into()));
    assert_eq!(hook["groupKey"], "{}/{severity=\"critical\"}:{alertname=\"HighCPU\", job=\"pharos\"}");
    assert_eq!(hook["alerts"][0]["annotations"]["description"], "5 > 3");
    assert_eq!(hook["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    let ntfy: Json = serde_json::from_str(&messages["/ntfy"]).unwrap();
    assert_eq!((&ntfy["topic"], &ntfy["click"]), (&"t".into(), &link.into()));
}
