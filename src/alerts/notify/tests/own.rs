//! Channels that Alertmanager does not have.

use super::*;

const TEXT: &str = "FIRING: CPU <high>\n5 > 3 & \"more\"\nalertname=HighCPU, instance=web-1:9100, job=node, severity=critical\n\n\
    RESOLVED: CPU <high>\nalertname=HighCPU, instance=web-2:9100, job=node, severity=warning";
const LINK: &str = "http://am.example:9093/x/#/alerts?receiver=team";

#[tokio::test]
async fn ntfy_and_gotify() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "tk_sEcrEt\n").unwrap();
    let ntfy = channel_of(&format!(
        "  ntfy_configs: [{{url: '{}', topic: 'ops-{{{{ .GroupLabels.job }}}}', token_file: {}}}]",
        recorder.url("/"),
        token.display()
    ));
    holds_everywhere(&recorder, &*ntfy, &["{}"], &["tk_sEcrEt"]).await;
    ntfy.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!((sent.path.as_str(), sent.header("authorization")), ("/", "Bearer tk_sEcrEt"));
    let json = sent.json();
    assert_eq!((json["topic"].as_str(), json["message"].as_str(), json["click"].as_str()), (Some("ops-node"), Some(TEXT), Some(LINK)));
    assert_eq!(
        (json["title"].as_str(), json["priority"].as_i64(), &json["tags"][0]),
        (Some("[FIRING:1] HighCPU node "), Some(4), &"rotating_light".into())
    );
    let ntfy = channel_of(&format!(
        "  ntfy_configs: [{{url: '{}', topic: t, priority: often, message: '{}'}}]",
        recorder.url("/"),
        "é".repeat(3000)
    ));
    let refusal = ntfy.tell(&sample(false)).await.unwrap_err();
    assert_eq!(refusal, Refusal::for_good("priority \"often\", expected 1 to 5, or min, low, default, high, max"));

    let gotify =
        channel_of(&format!("  gotify_configs: [{{url: '{}', token: sEcrEt, message: m, markdown: true}}]", recorder.url("/push")));
    holds_everywhere(&recorder, &*gotify, &["{}"], &["sEcrEt"]).await;
    gotify.tell(&sample(true)).await.unwrap();
    let sent = recorder.take();
    assert_eq!((sent.path.as_str(), sent.header("x-gotify-key")), ("/push/message", "sEcrEt"));
    assert_eq!(
        sent.json(),
        serde_json::json!({
            "title": "[RESOLVED] HighCPU node ", "message": "m", "priority": 4,
            "extras": {"client::display": {"contentType": "text/markdown"}, "client::notification": {"click": {"url": LINK}}},
        })
    );
}

#[tokio::test]
async fn googlechat() {
    let recorder = Recorder::start().await;
    let channel = channel_of(&format!(
        "  googlechat_configs: [{{webhook_url: '{}', text: '{}'}}]",
        recorder.url("/v1/spaces/A/messages?key=sEcrEt&token=t0kent0ken"),
        "x".repeat(5000)
    ));
    holds_everywhere(&recorder, &*channel, &["{}"], &["sEcrEt", "t0kent0ken"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!(sent.path, "/v1/spaces/A/messages?key=sEcrEt&token=t0kent0ken&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
    assert_eq!(sent.json()["text"].as_str().unwrap().chars().count(), 4096);
    assert_eq!(sent.json()["thread"]["threadKey"], key_hash(&sample(false)));
}

#[tokio::test]
async fn matrix_says_the_same_thing_once() {
    let recorder = Recorder::start().await;
    let matrix = |room: &str| {
        channel_of(&format!("  matrix_configs: [{{homeserver: '{}', access_token: sEcrEt, room: '{room}'}}]", recorder.url("")))
    };
    let channel = matrix("!abc:example.org");
    holds_everywhere(&recorder, &*channel, &[r#"{"event_id":"$1"}"#], &["sEcrEt"]).await;
    recorder.answer(429, &[], r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too Many Requests","retry_after_ms":2000}"#);
    let refusal = channel.tell(&sample(false)).await.unwrap_err();
    let expected = Refusal {
        reason: "unexpected status code 429: Too Many Requests".to_owned(),
        may_retry: true,
        after: Some(Duration::from_secs(2)),
    };
    assert_eq!(refusal, expected);
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take_all();
    assert_eq!((sent[0].path.as_str(), sent[0].method.as_str()), (sent[1].path.as_str(), "PUT"));
    assert!(sent[0].path.starts_with("/_matrix/client/v3/rooms/%21abc%3Aexample%2Eorg/send/m.room.message/"), "{}", sent[0].path);
    assert_eq!(sent[0].header("authorization"), "Bearer sEcrEt");
    let json = sent[0].json();
    assert_eq!((json["msgtype"].as_str(), json["body"].as_str()), (Some("m.text"), Some(&*format!("[FIRING:1] HighCPU node \n{TEXT}"))));
    assert!(json["formatted_body"].as_str().unwrap().contains("CPU &lt;high&gt;"), "{json}");
    channel.tell(&Message { at: STARTED + 90_000, ..sample(false) }).await.unwrap();
    assert_ne!(recorder.take().path, sent[0].path);
    recorder.answer(200, &[], r##"{"room_id":"!xyz:example.org"}"##);
    matrix("#ops:example.org").tell(&sample(false)).await.unwrap();
    let sent = recorder.take_all();
    assert_eq!(sent[0].path, "/_matrix/client/v3/directory/room/%23ops%3Aexample%2Eorg");
    assert!(sent[1].path.starts_with("/_matrix/client/v3/rooms/%21xyz%3Aexample%2Eorg/send/"), "{}", sent[1].path);
}

#[tokio::test]
async fn twilio_writes_and_calls() {
    let recorder = Recorder::start().await;
    let twilio = |more: &str| {
        channel_of(&format!(
            "  twilio_configs: [{{api_url: '{}', account_sid: AC1, auth_token: sEcrEt, from: '+1555'{more}}}]",
            recorder.url("")
        ))
    };
    let sms = twilio(", to: ['+49170']");
    holds_everywhere(&recorder, &*sms, &[r#"{"sid":"SM1"}"#], &["sEcrEt"]).await;
    recorder.answer(201, &[], r#"{"sid":"SM1"}"#);
    let next = |by: i64| Message { at: STARTED + 60_000 + by, ..sample(false) };
    assert_eq!(sms.tell(&next(1)).await.unwrap().answer, "to +49170: SM1");
    let sent = recorder.take();
    assert_eq!((sent.path.as_str(), sent.header("authorization")), ("/2010-04-01/Accounts/AC1/Messages.json", "Basic QUMxOnNFY3JFdA=="));
    assert_eq!(sent.body, "Body=%5BFIRING%3A1%5D+HighCPU+node+%3A+CPU+%3Chigh%3E&From=%2B1555&To=%2B49170");

    let call = twilio(", to: ['+1', '+2'], mode: call, language: en-GB");
    recorder.answer(201, &[], "{}");
    recorder.answer(500, &[], r#"{"message":"later"}"#);
    let refusal = call.tell(&next(2)).await.unwrap_err();
    assert_eq!(refusal, Refusal::for_now("to +2: unexpected status code 500: later"));
    call.tell(&next(2)).await.unwrap();
    let sent = recorder.take_all();
    let to: Vec<&str> = sent.iter().map(|sent| sent.body.rsplit("To=").next().unwrap().split('&').next().unwrap()).collect();
    assert_eq!(to, ["%2B1", "%2B2", "%2B2"], "who was reached is not called again");
    assert_eq!(sent[0].path, "/2010-04-01/Accounts/AC1/Calls.json");
    let said = "%3CSay+language%3D%22en-GB%22%3E1+alert+firing%3A+HighCPU%2C+node.+CPU+%26lt%3Bhigh%26gt%3B%3C%2FSay%3E";
    assert!(
        sent[0].body.contains(&format!("Twiml=%3CResponse%3E{said}%3CPause+length%3D%221%22%2F%3E{said}%3C%2FResponse%3E")),
        "{}",
        sent[0].body
    );
}

#[tokio::test]
async fn requests_of_ones_own() {
    let recorder = Recorder::start().await;
    let own = channel_of(&format!(
        "  http_configs:\n  - url: '{}/{{{{ .Status }}}}?key=sEcrEt'\n    method: PUT\n    headers: {{Content-Type: text/csv, X-Job: '{{{{ .CommonLabels.job }}}}'}}\n    body: '{{{{ range .Alerts }}}}{{{{ .Labels.instance }}}};{{{{ end }}}}'",
        recorder.url("")
    ));
    holds_everywhere(&recorder, &*own, &[""], &["sEcrEt"]).await;
    own.tell(&sample(true)).await.unwrap();
    let sent = recorder.take();
    assert_eq!((sent.method.as_str(), sent.path.as_str(), sent.body.as_str()), ("PUT", "/resolved?key=sEcrEt", "web-1:9100;web-2:9100;"));
    assert_eq!((sent.header("content-type"), sent.header("x-job")), ("text/csv", "node"));
    let own = channel_of(&format!("  http_configs: [{{url: '{}'}}]", recorder.url("/a")));
    own.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!((sent.header("content-type"), sent.json()["groupLabels"]["job"].as_str()), ("application/json", Some("node")));
    let own = channel_of("  http_configs: [{url: 'http://127.0.0.1:1', headers: {X-A: '{{ .CommonAnnotations.summary }}'}, body: x}]");
    let bad = Message { alerts: vec![alert(&[("alertname", "a")], &[("summary", "a\nB: c")], None)], ..sample(false) };
    assert_eq!(own.tell(&bad).await.unwrap_err(), Refusal::for_good("the header x-a cannot have this value"));
}

#[test]
fn what_is_missing_is_told() {
    for (receiver, says) in [
        ("ntfy_configs: [{}]", "missing topic"),
        ("gotify_configs: [{url: 'http://x'}]", "one of token or token_file must be configured"),
        ("googlechat_configs: [{}]", "one of webhook_url or webhook_url_file must be configured"),
        ("matrix_configs: [{homeserver: 'http://x', access_token: t, room: ops}]", "room: read \"ops\", expected an id"),
        ("twilio_configs: [{account_sid: A, auth_token: t, from: f, to: [x], mode: fax}]", "mode: read \"fax\", expected sms or call"),
        ("http_configs: [{url: 'http://x', method: BREW}]", "method: read \"BREW\", expected GET, POST, PUT, PATCH or DELETE"),
    ] {
        let mut report = Report::new(Path::new("a.yml"));
        config::read(&format!("route: {{receiver: team}}\nreceivers:\n- name: team\n  {receiver}"), &mut report);
        assert!(format!("{report:?}").contains(&format!("{says}").replace('"', "\\\"")), "{receiver}: {report:?}");
    }
}
