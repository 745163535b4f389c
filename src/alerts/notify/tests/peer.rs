//! The same messages as Debian's Alertmanager: one configuration and the same alerts in both, bodies compared to the byte.
//! Skipped where it is not installed.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::recorder::{Recorder, Sent};
use super::*;
use crate::base::clock::Clock;

/// Debian's Alertmanager; killed when dropped.
struct Alertmanager {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    async fn start(config: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, config).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address={address}"))
            .arg(format!("--web.external-url={EXTERNAL_URL}"))
            .args(["--cluster.listen-address=", "--web.route-prefix=/"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            assert!(std::env::var_os("CI").is_none(), "prometheus-alertmanager is not installed");
            return None;
        };
        let server = Self { process, url: format!("http://{address}"), _folder: folder };
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("alertmanager did not start");
    }

    async fn post(&self, alerts: &[RoutedAlert]) {
        let body = alerts.iter().map(|alert| {
            let labels: BTreeMap<&str, &str> = alert.labels.iter().collect();
            let annotations: BTreeMap<&String, &String> = alert.annotations.iter().map(|(name, value)| (name, value)).collect();
            let mut json = json!({
                "labels": labels, "annotations": annotations, "generatorURL": alert.generator_url, "startsAt": time_text(alert.starts_at),
            });
            if let Some(end) = alert.ends_at {
                json["endsAt"] = time_text(end).into();
            }
            json
        });
        let body = serde_json::Value::Array(body.collect()).to_string();
        let client = crate::platform::http::client::HttpClient::new(Default::default(), Arc::new(SystemClock::new())).unwrap();
        let url = format!("{}/api/v2/alerts", self.url).parse().unwrap();
        let mut request = crate::platform::http::client::Request::post(url, body.into(), Duration::from_secs(30));
        request.headers.insert("content-type", "application/json".parse().unwrap());
        let status = client.send(request).await.unwrap().status();
        assert!(status.is_success(), "{status}");
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _gone = self.process.kill().is_err();
        let _gone = self.process.wait().is_err();
    }
}

fn time_text(at: i64) -> String {
    chrono::DateTime::from_timestamp_millis(at).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The next message; tokens are fetched whenever there is none.
async fn next(recorder: &Recorder) -> Sent {
    loop {
        let sent = tokio::time::timeout(Duration::from_secs(120), recorder.next()).await.expect("a message of alertmanager");
        if !is_token(&sent) {
            return sent;
        }
    }
}

fn is_token(sent: &Sent) -> bool {
    sent.path.contains("/gettoken?")
}

/// One message of ours beside one of theirs.
async fn compare(recorder: &Recorder, theirs: &[Sent], channels: &[Arc<dyn Channel>], message: &Message) {
    for channel in channels {
        channel.tell(message).await.unwrap();
        let ours = recorder.take_all().into_iter().find(|sent| !is_token(sent)).unwrap();
        let same = theirs.iter().find(|theirs| theirs.path == ours.path).unwrap_or_else(|| panic!("nothing for {}", ours.path));
        assert_eq!(ours.body, same.body, "{}", ours.path);
        assert_eq!((&ours.method, ours.header("content-type")), (&same.method, same.header("content-type")), "{}", ours.path);
    }
}

/// An alert that begins now, so that Alertmanager waits for the others of its group.
fn alert_at(now: i64, labels: &[(&str, &str)], annotations: &[(&str, &str)], is_over: bool) -> RoutedAlert {
    RoutedAlert { starts_at: now, ends_at: is_over.then_some(now + 500), ..alert(labels, annotations, None) }
}

fn with_quick_times(text: &str) -> String {
    text.replace("group_wait: 30s", "group_wait: 1s").replace("group_interval: 5m", "group_interval: 1s")
}

/// The user's own file, with the address of Slack and the waiting times changed.
#[tokio::test]
async fn slack_messages_of_the_users_file_are_those_of_alertmanager() {
    let Some(shared) = std::env::var_os("PHAROS_TEST_SHARED") else { return };
    let recorder = Recorder::start().await;
    let text = std::fs::read_to_string(Path::new(&shared).join("mission/fixtures/alertmanager.yml")).unwrap();
    let text = with_quick_times(&text).replace("https://hooks.slack.com", &recorder.url(""));
    let Some(peer) = Alertmanager::start(&text).await else { return };
    let opened = open(&read(&text), &around()).unwrap();
    let labels = [("alertname", "HighCPU"), ("instance", "web-1:9100"), ("job", "node"), ("severity", "critical")];
    let annotations = [("description", "5 > 3 & \"more\" <b> 'é' \u{2028}"), ("summary", "CPU *high*")];
    let other = [("alertname", "HighCPU"), ("instance", "web-2:9100"), ("job", "node"), ("severity", "critical")];
    let group = [("alertname", "HighCPU"), ("job", "node")];
    let now = SystemClock::new().now_ms();
    for alerts in [
        vec![alert_at(now, &labels, &annotations, false), alert_at(now, &other, &[], false)],
        vec![alert_at(now, &labels, &annotations, true), alert_at(now, &other, &[], false)],
        vec![alert_at(now, &other, &[], true)],
    ] {
        peer.post(&alerts).await;
        let theirs = [next(&recorder).await];
        let message = message("slack-critical", "{}/{severity=\"critical\"}:{alertname=\"HighCPU\", job=\"node\"}", &group, alerts);
        let message = Message { at: now + 60_000, ..message };
        compare(&recorder, &theirs, &opened["slack-critical"], &message).await;
    }
}

/// All kinds of texts, and all kinds of channels that Debian's version has and whose address can be set.
#[tokio::test]
async fn messages_are_those_of_alertmanager() {
    let recorder = Recorder::start().await;
    let text = format!(
        "global: {{resolve_timeout: 5m}}\nroute: {{receiver: team.x, group_by: [alertname], group_wait: 1s, group_interval: 1s}}\nreceivers:\n- name: team.x\n{}",
        include_str!("peer.yml").replace("BASE", &recorder.url(""))
    );
    let Some(peer) = Alertmanager::start(&text).await else { return };
    let channels = &open(&read(&text), &around()).unwrap()["team.x"];
    let labels = [("alertname", "HighCPU"), ("instance", "web-1:9100"), ("job", "node"), ("severity", "critical"), ("z", "<a&b>")];
    let annotations = [("description", "5 > 3 & \"more\" <b> 'é' \u{2028}\n\ttab"), ("summary", "CPU *high*")];
    let other = [("alertname", "HighCPU"), ("instance", "web-2:9100"), ("job", "node"), ("severity", "warning")];
    let now = SystemClock::new().now_ms();
    for alerts in [
        vec![alert_at(now, &labels, &annotations, false), alert_at(now, &other, &[("summary", "CPU *high*")], false)],
        vec![alert_at(now, &labels, &annotations, true), alert_at(now, &other, &[("summary", "CPU *high*")], false)],
        vec![alert_at(now, &other, &[], true)],
    ] {
        peer.post(&alerts).await;
        let mut theirs = Vec::new();
        for _ in channels {
            theirs.push(next(&recorder).await);
        }
        let message = message("team.x", "{}:{alertname=\"HighCPU\"}", &[("alertname", "HighCPU")], alerts);
        let message = Message { at: now + 60_000, ..message };
        compare(&recorder, &theirs, channels, &message).await;
    }
}
