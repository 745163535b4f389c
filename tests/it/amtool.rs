//! Alertmanager's own tool, and a Prometheus outside, against our API; side by side with Alertmanager itself.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use regex::Regex;
use serde_json::Value as Json;

use crate::peers::Prometheus;
use crate::support::{Server, client, free_port, skip};

const ROUTING: &str = "route:
  receiver: default
  group_by: [alertname]
  routes:
  - matchers: ['test=~\"[12]\"']
    receiver: first
    continue: true
  - matchers: ['test=\"2\"']
    receiver: second
receivers:
- name: default
- name: first
- name: second
inhibit_rules:
- source_matchers: ['severity=\"critical\"']
  target_matchers: ['severity=\"warning\"']
  equal: [job]
";

/// Debian's Alertmanager; killed when dropped.
struct Alertmanager {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("alertmanager.yml");
        fs::write(&config, ROUTING).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let server = Self { process, address, _folder: folder };
        for _ in 0..1200 {
            if client().get(format!("http://{}/-/ready", server.address)).send().is_ok_and(|answer| answer.status().is_success()) {
                return Some(server);
            }
            std::thread::park_timeout(std::time::Duration::from_millis(100));
        }
        panic!("alertmanager did not start");
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

/// Every channel that the tool knows, each as short as it may be.
const CHANNELS: &str =
    "global: {slack_api_url: 'https://hooks.example/x', smtp_smarthost: 'localhost:25', smtp_from: a@b.c, opsgenie_api_key: k,
  victorops_api_key: k, wechat_api_corp_id: c, wechat_api_secret: s}
route: {receiver: team}
receivers:
- name: team
  webhook_configs: [{url: 'http://hook.example:8080/secret?token=secret'}]
  email_configs: [{to: a@b.c}]
  pagerduty_configs: [{routing_key: k}, {service_key: k}]
  pushover_configs: [{user_key: u, token: t}]
  slack_configs: [{channel: c}]
  opsgenie_configs: [{}]
  victorops_configs: [{routing_key: r}]
  wechat_configs: [{}]
  sns_configs: [{topic_arn: 'arn:aws:sns:us-east-2:123456789012:My-Topic', sigv4: {region: us-east-2, access_key: a, secret_key: b}}]
  telegram_configs: [{bot_token: t, chat_id: 1}]
  discord_configs: [{webhook_url: 'https://d.example/x'}]
  webex_configs: [{room_id: r, http_config: {authorization: {credentials: x}}}]
time_intervals: [{name: t, time_intervals: [{weekdays: [monday], location: Europe/Berlin}]}]
";

fn pharos(folder: &Path, routing: &str) -> Server {
    let config = folder.join("routing.yml");
    fs::write(&config, routing).unwrap();
    let file = format!("--alertmanager.config.file={}", config.display());
    Server::on(&folder.join("data"), &["--host-metrics=false", "--own-metrics=false", &file])
}

/// What the tool says and how it ends. `ID` in its arguments is the silence that is there.
fn amtool(url: &str, silence: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let args: Vec<String> = args.iter().map(|arg| arg.replace("ID", silence)).collect();
    let output = Command::new("amtool").arg("--no-version-check").arg(format!("--alertmanager.url={url}")).args(&args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Names of silences, times and our own address, which differ, as words.
fn plain(text: &str) -> String {
    let rules = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)", "TIME"),
        (r"127\.0\.0\.1:\d+(/alertmanager)?", "ADDRESS"),
    ];
    rules.iter().fold(text.to_owned(), |text, (rule, word)| Regex::new(rule).unwrap().replace_all(&text, *word).into_owned())
}

/// Everyday commands, in an order in which each finds what those before left.
const COMMANDS: &[&[&str]] = &[
    &["alert", "query"],
    &[
        "alert",
        "add",
        "alertname=Down",
        "test=1",
        "job=a",
        "severity=critical",
        "--annotation=summary=x & <y>",
        "--generator-url=http://x.example/y?a=b",
    ],
    &["alert", "add", "alertname=Slow", "job=a", "severity=warning", "--annotation=summary=slow"],
    &["alert", "add", "alertname=Other", "test=2", "--end=2099-01-01T00:00:00Z"],
    &["alert", "query"],
    &["alert", "query", "-o", "extended"],
    &["alert", "query", "-o", "json"],
    &["alert", "query", "test=~[12]", "job=a"],
    &["alert", "query", "--receiver=second"],
    &["alert", "query", "-i"],
    &["alert", "query", "job=~("],
    &["silence", "query"],
    &["silence", "add", "alertname=~D.*", "test=1", "-a", "me", "-c", "why", "-d", "1h"],
    &["silence", "query"],
    &["silence", "query", "-o", "extended"],
    &["silence", "query", "-o", "json"],
    &["silence", "query", "-q", "test=1"],
    &["silence", "query", "test=9"],
    &["alert", "query"],
    &["alert", "query", "-s"],
    &["alert", "query", "-s", "-o", "json"],
    &["silence", "update", "ID", "-c", "longer", "-d", "2h"],
    &["silence", "query"],
    &["silence", "add", "test=1"],
    &["silence", "add", "-a", "me", "-c", "why", "test=~("],
    &["silence", "add", "-a", "me", "-c", "why", "test=~.*"],
    &["silence", "add", "-a", "me", "-c", "later", "--start=2099-01-01T00:00:00Z", "--end=2099-02-01T00:00:00Z", "job!=b"],
    &["silence", "query", "-o", "extended"],
    &["silence", "expire", "ID"],
    &["silence", "query"],
    &["silence", "query", "--expired"],
    &["alert", "query"],
    &["silence", "expire", "4d1a5c5f-0a5f-4a0f-9b36-aaaaaaaaaaaa"],
    &["cluster", "show"],
];

/// The tool reads the configuration that the server prints, which must hold no key that it does not know.
#[test]
fn amtool_reads_the_configuration_of_every_channel() {
    if Command::new("amtool").arg("--version").output().is_err() {
        return skip("amtool is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let own = pharos(folder.path(), CHANNELS);
    let (code, out, err) = amtool(&own.url(""), "", &["config", "routes", "test", "severity=critical"]);
    assert_eq!((code, out.trim(), err.trim()), (Some(0), "team", ""));
    let (_, out, _) = amtool(&own.url(""), "", &["config", "show"]);
    assert!(out.contains("http://hook.example:8080/<secret>") && !out.contains("token=secret"), "{out}");
}

#[test]
fn amtool_says_the_same_as_of_alertmanager() {
    let Some(peer) = Alertmanager::start() else { return skip("Debian's Alertmanager is not installed") };
    let folder = tempfile::tempdir().unwrap();
    let own = pharos(folder.path(), ROUTING);
    let urls = [format!("http://{}", peer.address), own.url("/alertmanager")];
    let mut silences = [String::new(), String::new()];
    let mut wrong = Vec::new();
    for command in COMMANDS {
        let mut said = Vec::new();
        for (url, silence) in urls.iter().zip(&mut silences) {
            let (code, out, err) = amtool(url, silence, command);
            if code == Some(0) && command.ends_with(&["why", "-d", "1h"]) {
                *silence = out.trim().to_owned();
            }
            said.push((code, plain(&out), plain(&err)));
        }
        // What is wrong with an expression, and which silence is not there, later versions say in other words.
        let is_refused = said[0].0 != Some(0) && said[1].0 == said[0].0;
        if said[0] != said[1] && !is_refused {
            wrong.push(format!("amtool {}\n-- Alertmanager: {:#?}\n-- pharos: {:#?}", command.join(" "), said[0], said[1]));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), COMMANDS.len(), wrong.join("\n"));
    // Without the prefix, too, and what only we print: our own configuration.
    let (code, out, _) = amtool(&own.url(""), "", &["config", "show"]);
    assert!(code == Some(0) && out.contains("receiver: default") && out.starts_with("global:"), "{out}");
    let groups = |address: &str| {
        let text = client().get(format!("http://{address}/api/v2/alerts/groups")).send().unwrap().text().unwrap();
        let mut groups: Json = serde_json::from_str(&plain(&text)).unwrap();
        for alert in groups.as_array_mut().unwrap().iter_mut().flat_map(|group| group["alerts"].as_array_mut().unwrap()) {
            alert["status"].as_object_mut().unwrap().remove("mutedBy");
        }
        groups
    };
    assert_eq!(groups(&own.address), groups(&peer.address));
    assert_eq!(groups(&own.address).as_array().unwrap().len(), 4);
}

#[test]
fn a_prometheus_outside_hands_its_alerts_over() {
    let folder = tempfile::tempdir().unwrap();
    let own = pharos(folder.path(), ROUTING);
    let rules = folder.path().join("rules.yml");
    // Prometheus finds out about us some seconds after its start, and repeats only every minute what it has told nobody.
    fs::write(&rules, "groups:\n- name: g\n  interval: 1s\n  rules:\n  - {alert: FromOutside, expr: vector(7), for: 10s, labels: {test: '2'}, annotations: {summary: 'is {{ $value }}'}}\n").unwrap();
    let config = format!(
        "global: {{scrape_interval: 15s}}\nrule_files: ['{}']\nalerting:\n  alertmanagers:\n  - path_prefix: /alertmanager\n    static_configs: [{{targets: ['{}']}}]\n",
        rules.display(),
        own.address
    );
    let Some(_outside) = Prometheus::with_config(&config) else { return skip("Debian's Prometheus is not installed") };
    // Three minutes: should it find out too late, it is told at the second time.
    for _ in 0..1800 {
        let (status, text) = own.get("/api/v2/alerts?filter=alertname%3DFromOutside");
        assert_eq!(status, 200, "{text}");
        let alerts: Json = serde_json::from_str(&text).unwrap();
        if let Some(alert) = alerts.get(0) {
            assert_eq!(alert["annotations"]["summary"], "is 7");
            assert_eq!(alert["receivers"], serde_json::json!([{ "name": "first" }, { "name": "second" }]));
            assert!(alert["generatorURL"].as_str().unwrap().contains("/graph?g0.expr=vector%287%29"), "{alert}");
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("no alert came from the Prometheus outside");
}
