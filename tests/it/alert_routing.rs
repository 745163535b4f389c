//! Alerts of rules by the real server: routed by the user's file, remembered over `kill -9`, sent to Alertmanagers outside.

use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};

use crate::support::{Server, client, free_port, skip};

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
        std::fs::write(&config, "route: {receiver: r}\nreceivers: [{name: r}]\n").unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--web.route-prefix=/am", "--cluster.listen-address="])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let server = Self { process, address, _folder: folder };
        until("Alertmanager is ready", || {
            client().get(format!("http://{}/am/-/ready", server.address)).send().ok().filter(|answer| answer.status().is_success())
        });
        Some(server)
    }

    fn alerts(&self) -> Vec<Json> {
        client().get(format!("http://{}/am/api/v2/alerts", self.address)).send().unwrap().json::<Vec<Json>>().unwrap()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

/// Asks until there is an answer; fails after two minutes.
fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(found) = ask() {
            return found;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("never: {what}");
}

const RULES: &str = "groups: [{name: g, interval: 1s, rules: [{alert: Always, expr: vector(1) > 0, labels: {severity: page}, annotations: {summary: 'it is {{ $value }}'}}]}]\n";

/// A folder with rules, a configuration and perhaps a routing file beside it.
fn folder(config: &str, routing: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    std::fs::write(folder.path().join("prometheus.yml"), format!("rule_files: [rules.yml]\n{config}")).unwrap();
    if let Some(routing) = routing {
        std::fs::write(folder.path().join("alertmanager.yml"), routing).unwrap();
    }
    folder
}

fn serve(folder: &tempfile::TempDir, more: &[&str]) -> Server {
    let config = folder.path().join("prometheus.yml");
    let mut args = vec!["--config", config.to_str().unwrap(), "--host-metrics=false", "--own-metrics=false", "--enable-lifecycle"];
    args.extend(more);
    Server::on(&folder.path().join("data"), &args)
}

/// A number of `/metrics`.
fn number(server: &Server, name: &str) -> Option<f64> {
    let (_, page) = server.get("/metrics");
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// Alerts that are known, whether a group looked at them already or not: both of one page, as one becomes the other.
fn known(server: &Server) -> f64 {
    let (_, page) = server.get("/metrics");
    let count = |line: &str| -> Option<f64> {
        let (state, count) = line.strip_prefix("alertmanager_alerts{state=\"")?.split_once("\"} ")?;
        if state == "suppressed" { None } else { count.parse().ok() }
    };
    page.lines().filter_map(count).sum()
}

#[test]
fn alerts_are_remembered_over_a_kill() {
    let folder = folder("", Some("route: {receiver: r}\nreceivers: [{name: r}]\n"));
    let mut server = serve(&folder, &[]);
    until("the alert fires", || Some(()).filter(|()| known(&server) == 1.0));
    // The history holds what was noted before it was asked for, so the alert is stored by then.
    assert_eq!(server.get("/alerts/history").0, 200);
    // Nobody makes the alert any more after this, and still it is known: its end has to be told.
    std::fs::write(folder.path().join("rules.yml"), "groups: []\n").unwrap();
    server.kill_and_restart();
    assert_eq!(known(&server), 1.0);
    assert_eq!(server.api("/api/v1/alerts"), json!({ "alerts": [] }));
}

#[test]
fn a_routing_file_is_taken_as_a_whole_or_refused_with_its_place() {
    let folder = folder("", Some("route: {receiver: r}\nreceivers: [{name: r}]\n"));
    let server = serve(&folder, &[]);
    let routing = folder.path().join("alertmanager.yml");
    std::fs::write(&routing, "route: {receiver: s}\nreceivers: [{name: r}]\n").unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert_eq!(status, 500, "{text}");
    assert!(text.contains("alertmanager.yml:1:19: undefined receiver \"s\" used in route"), "{text}");
    std::fs::write(&routing, "route: {receiver: s}\nreceivers: [{name: s}]\n").unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert_eq!(status, 200, "{text}");
    std::fs::write(&routing, "route: [").unwrap();
    let config = folder.path().join("prometheus.yml");
    let check = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pharos")).args(args).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let (is_good, said) = check(&["check", "config", config.to_str().unwrap()]);
    assert!(!is_good && said.contains("alertmanager.yml:1:"), "{said}");
    let data = folder.path().join("elsewhere");
    let flag = format!("--alertmanager.config.file={}", routing.display());
    let (is_good, said) = check(&["serve", "--listen=127.0.0.1:0", "--data-dir", data.to_str().unwrap(), &flag]);
    assert!(!is_good && said.contains("alertmanager.yml:1:"), "{said}");
}

#[test]
fn alertmanager_outside_hears_what_prometheus_would_tell_it() {
    let Some(alertmanager) = Alertmanager::start() else { return skip("prometheus-alertmanager is not installed") };
    let address = &alertmanager.address;
    let folder = folder(
        &format!(
            "global: {{external_labels: {{dc: here, replica: a}}}}\n\
             alerting:\n  alert_relabel_configs: [{{regex: replica, action: labeldrop}}]\n  \
             alertmanagers: [{{path_prefix: /am, static_configs: [{{targets: ['{address}']}}]}}]\n"
        ),
        None,
    );
    let server = serve(&folder, &["--external-url=http://pharos.example/", "--auth=off"]);
    let alerts = until("the alert arrives", || Some(alertmanager.alerts()).filter(|alerts| !alerts.is_empty()));
    let alert = &alerts[0];
    assert_eq!(alert["labels"], json!({ "alertname": "Always", "dc": "here", "severity": "page" }));
    assert_eq!(alert["annotations"], json!({ "summary": "it is 1" }));
    assert_eq!(alert["generatorURL"], "http://pharos.example/graph?g0.expr=vector%281%29+%3E+0&g0.tab=1");
    let url = format!("http://{address}/am/api/v2/alerts");
    assert_eq!(server.api("/api/v1/alertmanagers"), json!({ "activeAlertmanagers": [{ "url": url }], "droppedAlertmanagers": [] }));
    assert_eq!(number(&server, &format!("prometheus_notifications_errors_total{{alertmanager=\"{url}\"}}")), Some(0.0));
    // The end is told too: it is over when Alertmanager lists it no more.
    std::fs::write(folder.path().join("rules.yml"), RULES.replace("vector(1) > 0", "vector(1) > 1")).unwrap();
    let (status, text) = server.post("/-/reload", "text/plain", "");
    assert_eq!(status, 200, "{text}");
    until("the alert ends", || Some(alertmanager.alerts()).filter(Vec::is_empty));
}
