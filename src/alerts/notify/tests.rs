//! Channels against a server that records what it is sent and answers as it is told.

mod mail;
mod own;
mod peer;
mod recorder;
mod services;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::alerts::config::{self, RoutingConfig};
use crate::alerts::model::routed::RoutedAlert;
use crate::base::clock::SystemClock;
use crate::platform::config::diagnostic::Report;
use crate::series::labels::Labels;
use recorder::Recorder;

pub(super) const STARTED: i64 = 1_767_323_045_678;
pub(super) const EXTERNAL_URL: &str = "http://am.example:9093/x";

pub(super) fn alert(labels: &[(&str, &str)], annotations: &[(&str, &str)], ends_at: Option<i64>) -> RoutedAlert {
    RoutedAlert {
        labels: Labels::from_pairs(labels.iter().copied()),
        annotations: annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        starts_at: STARTED,
        ends_at,
        updated_at: STARTED,
        is_timeout: false,
        generator_url: "http://p/graph?g0.expr=a+%3E+1&g0.tab=1".to_owned(),
        hush: None,
    }
}

pub(super) fn message(receiver: &str, group_key: &str, group: &[(&str, &str)], alerts: Vec<RoutedAlert>) -> Message {
    Message {
        receiver: receiver.into(),
        group_key: group_key.into(),
        group_labels: Labels::from_pairs(group.iter().copied()),
        route_labels: BTreeMap::new(),
        alerts,
        at: STARTED + 60_000,
        reason: "new",
        group_interval: crate::base::time::Duration::from_secs(300),
        repeat_interval: crate::base::time::Duration::from_secs(4 * 3600),
    }
}

/// A group in which one alert fires and, if wanted, all are over.
pub(super) fn sample(over: bool) -> Message {
    let end = |ends: bool| ends.then_some(STARTED + 30_000);
    message(
        "team",
        "{}:{alertname=\"HighCPU\"}",
        &[("alertname", "HighCPU"), ("job", "node")],
        vec![
            alert(
                &[("alertname", "HighCPU"), ("instance", "web-1:9100"), ("job", "node"), ("severity", "critical")],
                &[("description", "5 > 3 & \"more\""), ("summary", "CPU <high>")],
                end(over),
            ),
            alert(
                &[("alertname", "HighCPU"), ("instance", "web-2:9100"), ("job", "node"), ("severity", "warning")],
                &[("summary", "CPU <high>")],
                end(true),
            ),
        ],
    )
}

pub(super) fn read(text: &str) -> RoutingConfig {
    let mut report = Report::new(Path::new("alertmanager.yml"));
    let config = config::read(text, &mut report);
    assert!(!report.has_errors(), "{report:?}");
    config
}

pub(super) fn around() -> Around {
    Around { file: "alertmanager.yml".into(), external_url: EXTERNAL_URL.into(), clock: Arc::new(SystemClock::new()) }
}

/// The channels of a receiver with these keys.
pub(super) fn channels(receiver: &str) -> Vec<Arc<dyn Channel>> {
    let text = format!("route: {{receiver: team}}\nreceivers:\n- name: team\n{receiver}");
    open(&read(&text), &around()).unwrap().remove("team").unwrap()
}

/// The only channel of a receiver with these keys.
pub(super) fn channel_of(receiver: &str) -> Arc<dyn Channel> {
    let mut all = channels(receiver);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// What must hold for every channel over HTTP, once its good answers are known.
///
/// `good` is how often it is asked until the message is taken, with the answers for it.
pub(super) async fn holds_everywhere(recorder: &Recorder, channel: &dyn Channel, good: &[&str], secrets: &[&str]) {
    let message = sample(false);
    for (status, headers, may_retry, after) in [
        (500, &[][..], true, None),
        (503, &[("retry-after", "7")][..], true, Some(7)),
        (429, &[("retry-after", "120")][..], true, Some(120)),
        (429, &[("retry-after", "99999999")][..], true, Some(3600)),
        (503, &[("retry-after", "Fri, 31 Dec 2100 23:59:59 GMT")][..], true, Some(3600)),
        (503, &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")][..], true, None),
        (400, &[("retry-after", "7")][..], false, None),
        (404, &[][..], false, None),
    ] {
        let echo = format!("no, not {}", secrets.join(" and "));
        recorder.answer(status, headers, &echo);
        let refusal = channel.tell(&message).await.unwrap_err();
        assert_eq!((refusal.may_retry, refusal.after.map(|after| after.as_secs())), (may_retry, after), "{status}: {refusal}");
        for secret in secrets {
            assert!(!refusal.reason.contains(secret), "{refusal}");
        }
        recorder.forget();
    }
    for body in good {
        recorder.answer(200, &[("content-type", "application/json")], body);
    }
    let receipt = channel.tell(&message).await.unwrap();
    for secret in secrets {
        assert!(!receipt.answer.contains(secret), "{}", receipt.answer);
    }
    recorder.forget();
}

#[tokio::test]
async fn slack_webhook_and_app() {
    let recorder = Recorder::start().await;
    let url = recorder.url("/services/T0/B0/sEcrEt");
    let slack = channel_of(&format!("  slack_configs: [{{api_url: '{url}', channel: '#a'}}]"));
    holds_everywhere(&recorder, &*slack, &[r#"{"ok":true}"#], &["sEcrEt", &url]).await;
    slack.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/services/T0/B0/sEcrEt"));
    assert_eq!(sent.header("content-type"), "application/json");
    assert_eq!(sent.header("user-agent"), crate::platform::http::client::USER_AGENT);
    assert_eq!(
        sent.body,
        "{\"channel\":\"#a\",\"username\":\"Alertmanager\",\"attachments\":[{\"title\":\"[FIRING:1] HighCPU node \",\"title_link\":\
         \"http://am.example:9093/x/#/alerts?receiver=team\",\"text\":\"\",\"fallback\":\"[FIRING:1] HighCPU node  | http://am.example:9093/x/\
         #/alerts?receiver=team\",\"callback_id\":\"\",\"footer\":\"\",\"color\":\"danger\",\"mrkdwn_in\":[\"fallback\",\"pretext\",\"text\"]}]}\n"
    );

    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "xoxb-first\n").unwrap();
    let app = channel_of(&format!(
        "  slack_configs: [{{app_token_file: {}, app_url: '{}', channel: c, title: '{}', fields: [{{title: a, value: '{{{{ .Status }}}}'}}], \
         actions: [{{type: button, text: t, url: u}}], short_fields: true}}]",
        token.display(),
        recorder.url("/api/chat.postMessage"),
        "x".repeat(1100),
    ));
    app.tell(&sample(true)).await.unwrap();
    let sent = recorder.take();
    assert_eq!(sent.header("authorization"), "Bearer xoxb-first");
    let json = sent.json();
    assert_eq!(json["attachments"][0]["title"].as_str().unwrap().chars().count(), 1024);
    assert_eq!(json["attachments"][0]["color"], "good");
    assert!(
        sent.body
            .contains(r#""fields":[{"title":"a","value":"resolved","short":true}],"actions":[{"type":"button","text":"t","url":"u"}],"#)
    );
    std::fs::write(&token, "xoxb-second").unwrap();
    recorder.answer(200, &[("content-type", "application/json; charset=utf-8")], r#"{"ok":false,"error":"channel_not_found"}"#);
    let refusal = app.tell(&sample(true)).await.unwrap_err();
    assert_eq!(refusal, Refusal::for_good("channel \"c\": error response from Slack: channel_not_found"));
    assert_eq!(recorder.take().header("authorization"), "Bearer xoxb-second");
    std::fs::remove_file(&token).unwrap();
    let refusal = app.tell(&sample(true)).await.unwrap_err();
    assert!(refusal.may_retry && refusal.reason.contains("token"), "{refusal}");
}

#[tokio::test]
async fn slack_changes_the_message_it_sent() {
    let recorder = Recorder::start().await;
    let text = format!(
        "global: {{slack_api_url: 'https://slack.com/api/chat.postMessage', http_config: {{authorization: {{credentials: t0ken}}, proxy_url: '{}'}}}}\n\
         route: {{receiver: team}}\nreceivers: [{{name: team, slack_configs: [{{channel: c, update_message: true, api_url: 'https://slack.com/api/chat.postMessage'}}]}}]",
        recorder.url("")
    );
    let mut config = read(&text);
    // The address is fixed by the check of the configuration; the test's server speaks no TLS.
    let slack = &mut config.receivers[0].slack[0];
    slack.api_url.0 = crate::base::secret::Secret::new(recorder.url("/api/chat.postMessage"));
    slack.http_config.as_mut().unwrap().proxy_url.0.clear();
    let slack = open(&config, &around()).unwrap().remove("team").unwrap().remove(0);
    recorder.answer(200, &[("content-type", "application/json")], r#"{"ok":true,"channel":"C1","ts":"12.5"}"#);
    slack.tell(&sample(false)).await.unwrap();
    assert_eq!(recorder.take().path, "/api/chat.postMessage");
    slack.tell(&sample(true)).await.unwrap();
    let sent = recorder.take();
    assert_eq!(sent.path, "/api/chat.update");
    assert!(sent.body.starts_with("{\"channel\":\"C1\",\"ts\":\"12.5\","), "{}", sent.body);
}

#[tokio::test]
async fn webhooks() {
    let recorder = Recorder::start().await;
    let url = recorder.url("/hook?token=sEcrEt");
    let hook = channel_of(&format!(
        "  webhook_configs: [{{url: '{url}', max_alerts: 1, http_config: {{basic_auth: {{username: u, password: pa55}}}}}}]"
    ));
    holds_everywhere(&recorder, &*hook, &[""], &["sEcrEt", "pa55"]).await;
    hook.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!((sent.path.as_str(), sent.header("authorization")), ("/hook?token=sEcrEt", "Basic dTpwYTU1"));
    assert!(
        sent.body.starts_with("{\"receiver\":\"team\",\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\"")
    );
    assert!(
        sent.body.contains(r#""annotations":{"description":"5 \u003e 3 \u0026 \"more\"","summary":"CPU \u003chigh\u003e"}"#),
        "{}",
        sent.body
    );
    let end = "\"externalURL\":\"http://am.example:9093/x\",\"version\":\"4\",\"groupKey\":\"{}:{alertname=\\\"HighCPU\\\"}\",\"truncatedAlerts\":1}\n";
    assert!(sent.body.ends_with(end), "{}", sent.body);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, format!("{}\n", recorder.url("/file"))).unwrap();
    let hook = channel_of(&format!(
        "  webhook_configs:\n  - url_file: {}\n    payload: {{text: '{{{{ .Status }}}} x', count: '{{{{ len .Alerts }}}}', list: [1, true, '{{{{ toJson .GroupLabels }}}}']}}",
        file.display()
    ));
    hook.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!(sent.path, "/file");
    assert_eq!(sent.body, "{\"count\":2,\"list\":[1,true,{\"alertname\":\"HighCPU\",\"job\":\"node\"}],\"text\":\"firing x\"}\n");

    let hook = channel_of(&format!("  webhook_configs: [{{url: '{}/{{{{ .GroupLabels.job }}}}'}}]", recorder.url("")));
    hook.tell(&sample(false)).await.unwrap();
    assert_eq!(recorder.take().path, "/node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn long_messages_leave_the_thread_to_others() {
    let recorder = Recorder::start().await;
    let slack = channel_of(&format!(
        "  slack_configs: [{{api_url: '{}', text: '{{{{ range .Alerts }}}}{{{{ range .Labels.SortedPairs }}}}{{{{ .Name }}}}={{{{ .Value }}}} {{{{ end }}}}{{{{ end }}}}'}}]",
        recorder.url("/long")
    ));
    let one = |number: usize| alert(&[("alertname", "A"), ("instance", &format!("web-{number}"))], &[], None);
    let long = message("team", "{}:{}", &[("alertname", "A")], (0..3000).map(one).collect());
    // Told from a task, as the dispatcher does.
    let told = tokio::spawn(async move { slack.tell(&long).await });
    told.await.unwrap().unwrap();
    let text = recorder.take().json()["attachments"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("alertname=A instance=web-0 ") && text.ends_with("alertname=A instance=web-2999 "));
}

#[tokio::test]
async fn a_try_ends() {
    let recorder = Recorder::start().await;
    let url = recorder.url("/never");
    let hook = channel_of(&format!("  webhook_configs: [{{url: '{url}', timeout: 200ms}}]"));
    let refusal = tokio::time::timeout(Duration::from_secs(120), hook.tell(&sample(false))).await.unwrap().unwrap_err();
    assert_eq!(refusal, Refusal::for_now("Post \"<redacted>\": context deadline exceeded"));
    let closed = channel_of("  webhook_configs: [{url: 'http://127.0.0.1:1/sEcrEt'}]");
    let refusal = closed.tell(&sample(false)).await.unwrap_err();
    assert!(refusal.may_retry && refusal.reason.starts_with("Post \"<redacted>\": ") && !refusal.reason.contains("sEcrEt"), "{refusal}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.tmpl"), "{{ define \"x\" }}\n{{ nope }}{{ end }}").unwrap();
    std::fs::write(folder.path().join("b.tmpl"), "{{ define \"own\" }}of b{{ end }}").unwrap();
    let config = |pattern: &str, title: &str| {
        read(&format!(
            "templates: ['{}/{pattern}']\nroute: {{receiver: team}}\nreceivers: [{{name: team, slack_configs: [{{api_url: 'http://x', title: '{title}'}}]}}]",
            folder.path().display()
        ))
    };
    let told = |config: &RoutingConfig| match open(config, &around()) {
        Ok(_) => panic!("opened"),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let file = folder.path().join("a.tmpl").display().to_string();
    assert_eq!(told(&config("*.tmpl", "x")), [format!("{file}:2:1: template: a.tmpl:2: function \"nope\" not defined")]);
    assert!(open(&config("b*", "{{ template \"own\" }}"), &around()).is_ok());
    assert_eq!(
        told(&config("b*", "{{ .X ")),
        ["alertmanager.yml: receiver \"team\": slack_configs[0].title: template: slack_configs[0].title:1: unclosed action"]
    );
}

#[test]
fn examples_of_the_documentation_open() {
    let page = include_str!("../../../templates/docs/channels.md");
    let mut kinds = std::collections::BTreeSet::new();
    for block in page.split("```").skip(1).step_by(2).filter(|block| block.contains("_configs:")) {
        // Files with secrets are read only when something is sent; there are none of templates.
        let text =
            if block.contains("receivers:") { block.to_owned() } else { format!("route: {{receiver: x}}\nreceivers:\n- name: x\n{block}") };
        let config = read(&text);
        open(&config, &around()).unwrap_or_else(|problems| panic!("{block}\n{problems:?}"));
        kinds.extend(config.receivers.iter().flat_map(|receiver| receiver.integrations()).map(|integration| integration.kind));
    }
    assert_eq!(kinds.len(), 24, "every kind has its example: {kinds:?}");
}

/// Files that upstream takes are taken here too, channels included.
#[test]
fn good_files_of_upstream_open() {
    let Some(shared) = std::env::var_os("PHAROS_TEST_SHARED") else { return };
    let mut opened = 0;
    for folder in ["conformance/alertmanager/examples", "conformance/alertmanager/config", "mission/fixtures"] {
        for entry in std::fs::read_dir(Path::new(&shared).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let mut report = Report::new(&path);
            let config = config::read(&text, &mut report);
            if report.has_errors() {
                continue;
            }
            let around = Around { file: path.display().to_string().into(), ..around() };
            opened += 1;
            if let Err(problems) = open(&config, &around) {
                panic!("{}: {problems:?}", path.display());
            }
        }
    }
    assert!(opened > 10, "{opened}");
}
