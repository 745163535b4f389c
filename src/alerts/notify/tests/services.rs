//! Channels over HTTP one by one: bodies, addresses, who we are, limits, and what holds for all of them.

use super::*;

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn discord() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let url = file(&folder, "url", &format!("{}\n", recorder.url("/api/webhooks/1/sEcrEt")));
    let channel = channel_of(&format!(
        "  discord_configs: [{{webhook_url_file: {url}, title: '{}', message: m, content: c, username: u}}]",
        "t".repeat(300)
    ));
    holds_everywhere(&recorder, &*channel, &[""], &["sEcrEt"]).await;
    channel.tell(&sample(true)).await.unwrap();
    let sent = recorder.take();
    assert_eq!(sent.path, "/api/webhooks/1/sEcrEt");
    let title = format!("{}…", "t".repeat(255));
    let expected = format!(
        "{{\"content\":\"c\",\"embeds\":[{{\"title\":\"{title}\",\"description\":\"m\",\"color\":3066993}}],\"username\":\"u\"}}\n"
    );
    assert_eq!(sent.body, expected);
}

#[tokio::test]
async fn teams() {
    let recorder = Recorder::start().await;
    let url = recorder.url("/hook/sEcrEt");
    let channel = channel_of(&format!("  msteams_configs: [{{webhook_url: '{url}', text: 'a & b'}}]"));
    holds_everywhere(&recorder, &*channel, &["1"], &["sEcrEt"]).await;
    channel.tell(&sample(false)).await.unwrap();
    assert_eq!(
        recorder.take().body,
        "{\"@context\":\"http://schema.org/extensions\",\"type\":\"MessageCard\",\"title\":\"[FIRING:1] HighCPU node \",\"summary\":\
         \"[FIRING:1] HighCPU node \",\"text\":\"a \\u0026 b\",\"themeColor\":\"8C1A1A\"}\n"
    );
    let channel = channel_of(&format!("  msteamsv2_configs: [{{webhook_url: '{url}', text: b}}]"));
    holds_everywhere(&recorder, &*channel, &["1"], &["sEcrEt"]).await;
    channel.tell(&sample(true)).await.unwrap();
    assert_eq!(
        recorder.take().body,
        "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,\"content\":\
         {\"$schema\":\"http://adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\"version\":\"1.2\",\"body\":[{\"type\":\
         \"TextBlock\",\"text\":\"[RESOLVED] HighCPU node \",\"weight\":\"Bolder\",\"size\":\"Medium\",\"wrap\":true,\"style\":\"heading\",\
         \"color\":\"Good\"},{\"type\":\"TextBlock\",\"text\":\"b\",\"wrap\":true}],\"msteams\":{\"width\":\"full\"}}}]}\n"
    );
}

#[tokio::test]
async fn mattermost() {
    let recorder = Recorder::start().await;
    let url = recorder.url("/hooks/sEcrEt");
    let channel = channel_of(&format!(
        "  mattermost_configs: [{{webhook_url: '{url}', channel: c, text: t, fields: [{{title: a, value: b, short: true}}], \
         props: {{card: '{{{{ .Status }}}}'}}, priority: {{priority: Important, requested_ack: true, persistent_notifications: true}}}}]"
    ));
    holds_everywhere(&recorder, &*channel, &["ok"], &["sEcrEt"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let link = "http://am.example:9093/x/#/alerts?receiver=team";
    assert_eq!(
        recorder.take().body,
        format!(
            "{{\"channel\":\"c\",\"username\":\"Alertmanager\",\"attachments\":[{{\"fallback\":\"[FIRING:1] HighCPU node  | {link}\",\"color\":\
             \"danger\",\"text\":\"t\",\"title\":\"[FIRING:1] HighCPU node \",\"title_link\":\"{link}\",\"fields\":[{{\"title\":\"a\",\"value\":\"b\",\
             \"short\":true}}]}}],\"props\":{{\"card\":\"firing\"}},\"priority\":{{\"priority\":\"important\",\"requested_ack\":true}}}}\n"
        )
    );
    let channel =
        channel_of(&format!("  mattermost_configs: [{{webhook_url: '{url}', text: above, attachments: [{{text: in, footer: f}}]}}]"));
    channel.tell(&sample(false)).await.unwrap();
    let json = recorder.take().json();
    assert_eq!((json["text"].as_str(), json["attachments"].to_string()), (Some("above"), r#"[{"footer":"f","text":"in"}]"#.to_owned()));
}

#[tokio::test]
async fn rocketchat() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let token = file(&folder, "token", "sEcrEt\n");
    let channel = channel_of(&format!(
        "  rocketchat_configs: [{{api_url: '{}', token_file: {token}, token_id: us3r, channel: '#c', emoji: ':x:', fields: [{{title: a, value: b}}], \
         actions: [{{type: button, text: t, url: u, msg: m}}]}}]",
        recorder.url("")
    ));
    holds_everywhere(&recorder, &*channel, &[r#"{"success":true}"#], &["sEcrEt", "us3r"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!((sent.path.as_str(), sent.header("x-auth-token"), sent.header("x-user-id")), ("/api/v1/chat.postMessage", "sEcrEt", "us3r"));
    assert_eq!(
        sent.body,
        "{\"channel\":\"#c\",\"emoji\":\":x:\",\"attachments\":[{\"title\":\"[FIRING:1] HighCPU node \",\"title_link\":\
         \"http://am.example:9093/x/#/alerts?receiver=team\",\"color\":\"red\",\"fields\":[{\"short\":false,\"title\":\"a\",\"value\":\"b\"}],\"actions\":\
         [{\"type\":\"button\",\"text\":\"t\",\"url\":\"u\",\"is_webview\":false,\"msg\":\"m\",\"msg_in_chat_window\":false}]}]}\n"
    );
    recorder.answer(200, &[("content-type", "application/json")], r#"{"success":false,"error":"no channel"}"#);
    let refusal = channel.tell(&sample(false)).await.unwrap_err();
    assert_eq!(refusal, Refusal::for_good("channel \"#c\": error response from Rocketchat: no channel"));
}

#[tokio::test]
async fn webex_and_telegram() {
    let recorder = Recorder::start().await;
    let channel = channel_of(&format!(
        "  webex_configs: [{{api_url: '{}', room_id: r, message: '{}', http_config: {{authorization: {{credentials: sEcrEt}}}}}}]",
        recorder.url("/v1/messages"),
        "é".repeat(4000)
    ));
    holds_everywhere(&recorder, &*channel, &["{}"], &["sEcrEt"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!((sent.header("authorization"), sent.json()["roomId"].as_str()), ("Bearer sEcrEt", Some("r")));
    assert!(sent.json()["markdown"].as_str().unwrap().len() <= 7439);

    let folder = tempfile::tempdir().unwrap();
    let token = file(&folder, "token", "12:sEcrEt\n");
    let chat = file(&folder, "chat", " -77 \n");
    let telegram = |more: &str| {
        channel_of(&format!(
            "  telegram_configs: [{{api_url: '{}', bot_token_file: {token}, chat_id_file: {chat}{more}}}]",
            recorder.url("")
        ))
    };
    let channel = telegram(", message: '<i>{{ .CommonAnnotations.summary }}</i>', message_thread_id: 3");
    holds_everywhere(&recorder, &*channel, &[r#"{"ok":true}"#], &["sEcrEt"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!(sent.path, "/bot12:sEcrEt/sendMessage");
    assert_eq!(
        sent.body,
        "{\"chat_id\":\"-77\",\"disable_web_page_preview\":\"true\",\"message_thread_id\":\"3\",\"parse_mode\":\"HTML\",\"text\":\
         \"\\u003ci\\u003eCPU \\u0026lt;high\\u0026gt;\\u003c/i\\u003e\"}\n"
    );
    recorder.answer(
        429,
        &[("content-type", "application/json")],
        r#"{"ok":false,"description":"Too Many Requests: retry after 9","parameters":{"retry_after":9}}"#,
    );
    let refusal = channel.tell(&sample(false)).await.unwrap_err();
    assert_eq!((refusal.may_retry, refusal.after), (true, Some(Duration::from_secs(9))), "{refusal}");
    recorder.forget();
    telegram(&format!(", parse_mode: '', message: '{}'", "x".repeat(5000))).tell(&sample(false)).await.unwrap();
    assert_eq!(recorder.take().json()["text"].as_str().unwrap().chars().count(), 4096);
    telegram(&format!(", message: '{}'", "x".repeat(5000))).tell(&sample(false)).await.unwrap();
    assert!(recorder.take().body.contains("exceeds Telegram limits"));
}

#[tokio::test]
async fn wechat_fetches_a_token_and_a_new_one_when_it_is_over() {
    let recorder = Recorder::start().await;
    let channel = channel_of(&format!(
        "  wechat_configs: [{{api_url: '{}', api_secret: sEcrEt, corp_id: corp, to_user: '@all', agent_id: '7', message: m, message_type: markdown}}]",
        recorder.url("/cgi-bin")
    ));
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take_all();
    assert_eq!(sent[0].path, "/cgi-bin/gettoken?corpid=corp&corpsecret=sEcrEt");
    assert_eq!(sent[1].path, "/cgi-bin/message/send?access_token=t0kent0ken");
    assert_eq!(
        sent[1].body,
        "{\"text\":{\"content\":\"\"},\"touser\":\"@all\",\"agentid\":\"7\",\"safe\":\"0\",\"msgtype\":\"markdown\",\"markdown\":{\"content\":\"m\"}}\n"
    );
    holds_everywhere(&recorder, &*channel, &[r#"{"errcode":0}"#], &["t0kent0ken"]).await;
    recorder.answer(200, &[], r#"{"errcode":42001,"errmsg":"access_token expired"}"#);
    let refusal = channel.tell(&sample(false)).await.unwrap_err();
    assert_eq!(refusal, Refusal::for_now("wechat: access_token expired (42001)"));
    recorder.forget();
    channel.tell(&sample(false)).await.unwrap();
    assert_eq!(recorder.take_all().len(), 2);
    recorder.answer(200, &[], r#"{"errcode":40003,"errmsg":"invalid user"}"#);
    assert_eq!(channel.tell(&sample(false)).await.unwrap_err(), Refusal::for_good("wechat: invalid user (40003)"));
}

#[tokio::test]
async fn pagerduty() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let key = file(&folder, "key", "sEcrEt\n");
    let channel = channel_of(&format!(
        "  pagerduty_configs: [{{routing_key_file: {key}, url: '{}', description: d, client: c, client_url: u, details: {{list: [a, '{{{{ .Status }}}}'], firing: f}}}}]",
        recorder.url("/v2/enqueue")
    ));
    holds_everywhere(&recorder, &*channel, &["{}"], &["sEcrEt"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let hash = key_hash(&sample(false));
    assert_eq!(
        recorder.take().body,
        format!(
            "{{\"routing_key\":\"sEcrEt\",\"dedup_key\":\"{hash}\",\"event_action\":\"trigger\",\"payload\":{{\"summary\":\"d\",\"source\":\"c\",\
             \"severity\":\"error\",\"custom_details\":{{\"firing\":\"f\",\"list\":[\"a\",\"firing\"],\"num_firing\":\"1\",\"num_resolved\":\"1\",\
             \"resolved\":\"Labels:\\n - alertname = HighCPU\\n - instance = web-2:9100\\n - job = node\\n - severity = warning\\nAnnotations:\\n - summary = \
             CPU \\u003chigh\\u003e\\nSource: http://p/graph?g0.expr=a+%3E+1\\u0026g0.tab=1\\n\"}}}},\"client\":\"c\",\"client_url\":\"u\"}}\n"
        )
    );
    recorder.answer(400, &[], r#"{"status":"invalid event","message":"Event object is invalid","errors":["a","b"]}"#);
    let refusal = channel.tell(&sample(false)).await.unwrap_err();
    assert_eq!(refusal, Refusal::for_good("unexpected status code 400: Event object is invalid: a,b"));
    recorder.forget();
    let long = channel_of(&format!(
        "  pagerduty_configs: [{{routing_key: k, url: '{}', description: '{}', details: {{x: '{{{{ range 600000 }}}}x{{{{ end }}}}'}}}}]",
        recorder.url("/"),
        "d".repeat(1100)
    ));
    long.tell(&sample(true)).await.unwrap();
    let json = recorder.take().json();
    assert_eq!(json["event_action"], "resolve");
    assert_eq!(json["payload"]["summary"].as_str().unwrap().chars().count(), 1024);
    let cut = "Custom details have been removed because the original event exceeds the maximum size of 512KB";
    assert_eq!(json["payload"]["custom_details"]["error"], cut);
}

#[tokio::test]
async fn opsgenie_and_victorops() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let key = file(&folder, "key", "sEcrEt\n");
    let channel = channel_of(&format!(
        "  opsgenie_configs: [{{api_key_file: {key}, api_url: '{}', message: '{}', description: d, update_alerts: true, responders: [{{name: 'a,b', type: teams}}]}}]",
        recorder.url("/og"),
        "m".repeat(200)
    ));
    holds_everywhere(&recorder, &*channel, &["{}", "{}", "{}"], &["sEcrEt"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take_all();
    let hash = key_hash(&sample(false));
    let paths: Vec<String> = sent.iter().map(|sent| format!("{} {}", sent.method, sent.path)).collect();
    let changed = |what: &str| format!("PUT /og/v2/alerts/{hash}/{what}?identifierType=alias");
    assert_eq!(paths, ["POST /og/v2/alerts".to_owned(), changed("message"), changed("description")]);
    assert_eq!(sent[0].header("authorization"), "GenieKey sEcrEt");
    assert_eq!(
        sent[0].body,
        format!(
            "{{\"alias\":\"{hash}\",\"message\":\"{}…\",\"description\":\"d\",\"details\":{{\"alertname\":\"HighCPU\",\"job\":\"node\"}},\"source\":\
             \"http://am.example:9093/x/#/alerts?receiver=team\",\"responders\":[{{\"name\":\"a\",\"type\":\"team\"}},{{\"name\":\"b\",\"type\":\"team\"}}]}}\n",
            "m".repeat(129)
        )
    );
    assert_eq!(sent[2].body, "{\"description\":\"d\"}\n");
    channel.tell(&sample(true)).await.unwrap();
    let sent = recorder.take();
    assert_eq!(sent.path, format!("/og/v2/alerts/{hash}/close?identifierType=alias"));
    assert_eq!(sent.body, "{\"source\":\"http://am.example:9093/x/#/alerts?receiver=team\"}\n");

    let channel = channel_of(&format!(
        "  victorops_configs: [{{api_key_file: {key}, api_url: '{}', routing_key: r, message_type: INFO, state_message: s, custom_fields: {{own: '{{{{ .Status }}}}'}}}}]",
        recorder.url("/vo")
    ));
    holds_everywhere(&recorder, &*channel, &["{}"], &["sEcrEt"]).await;
    for (over, kind, status) in [(false, "INFO", "firing"), (true, "RECOVERY", "resolved")] {
        channel.tell(&sample(over)).await.unwrap();
        let sent = recorder.take();
        assert_eq!(sent.path, "/vo/sEcrEt/r");
        let name = if over { "[RESOLVED] HighCPU node " } else { "[FIRING:1] HighCPU node " };
        assert_eq!(
            sent.body,
            format!(
                "{{\"entity_display_name\":\"{name}\",\"entity_id\":\"{hash}\",\"message_type\":\"{kind}\",\"monitoring_tool\":\"Alertmanager\",\
                 \"own\":\"{status}\",\"state_message\":\"s\"}}\n"
            )
        );
    }
}

#[tokio::test]
async fn incidentio() {
    let recorder = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let token = file(&folder, "token", "sEcrEt\n");
    let channel = channel_of(&format!(
        "  incidentio_configs: [{{url: '{}', alert_source_token_file: {token}}}]",
        recorder.url("/v2/alert_events/alertmanager/1")
    ));
    holds_everywhere(&recorder, &*channel, &["{}"], &["sEcrEt"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    assert_eq!(sent.header("authorization"), "Bearer sEcrEt");
    assert!(sent.body.contains("\"version\":\"1\",\"groupKey\":"), "{}", sent.body);
    recorder.answer(422, &[], r#"{"message":"bad","errors":["x"]}"#);
    assert_eq!(channel.tell(&sample(false)).await.unwrap_err(), Refusal::for_good("unexpected status code 422: bad: x"));
}

#[tokio::test]
async fn jira_makes_changes_reopens_and_closes_one_ticket() {
    let recorder = Recorder::start().await;
    let channel = channel_of(&format!(
        "  jira_configs: [{{api_url: '{}', project: OPS, issue_type: Bug, labels: ['{{{{ .Status }}}}'], summary: {{template: s, enable_update: false}}, description: d, \
         reopen_transition: Again, resolve_transition: Done, reopen_duration: 1h, wont_fix_resolution: \"Won't\", fields: {{customfield_1: {{value: '{{{{ len .Alerts }}}}'}}}}, \
         http_config: {{basic_auth: {{username: u, password: sEcrEt}}}}}}]",
        recorder.url("/rest/api/2")
    ));
    let json = [("content-type", "application/json")];
    holds_everywhere(&recorder, &*channel, &[r#"{"issues":[]}"#, r#"{"key":"OPS-1"}"#], &["sEcrEt"]).await;
    recorder.answer(200, &json, r#"{"issues":[]}"#);
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take_all();
    let hash = key_hash(&sample(false));
    let paths: Vec<String> = sent.iter().map(|sent| format!("{} {}", sent.method, sent.path)).collect();
    assert_eq!(paths, ["POST /rest/api/2/search", "POST /rest/api/2/issue"]);
    assert_eq!(
        sent[0].json()["jql"],
        format!(
            "(resolution is EMPTY or resolution != \"Won't\") and (resolutiondate is EMPTY OR resolutiondate >= -60m) and project=\"OPS\" and labels=\"ALERT{{{hash}}}\" \
             order by status ASC,resolutiondate DESC"
        )
    );
    assert_eq!(
        sent[1].body,
        format!(
            "{{\"fields\":{{\"customfield_1\":{{\"value\":2}},\"description\":\"d\",\"issuetype\":{{\"name\":\"Bug\"}},\"labels\":[\"ALERT{{{hash}}}\",\"firing\"],\
             \"priority\":{{\"name\":\"High\"}},\"project\":{{\"key\":\"OPS\"}},\"summary\":\"s\"}}}}\n"
        )
    );
    for (over, category, transition) in [(false, "done", Some("4")), (true, "indeterminate", Some("5")), (false, "new", None)] {
        recorder.answer(
            200,
            &json,
            &format!(r#"{{"issues":[{{"key":"OPS-7","fields":{{"status":{{"name":"x","statusCategory":{{"key":"{category}"}}}}}}}}]}}"#),
        );
        recorder.answer(204, &[], "");
        recorder.answer(200, &json, r#"{"transitions":[{"id":"4","name":"Again"},{"id":"5","name":"Done"}]}"#);
        channel.tell(&sample(over)).await.unwrap();
        let sent = recorder.take_all();
        recorder.forget();
        assert_eq!((sent[1].method.as_str(), sent[1].path.as_str()), ("PUT", "/rest/api/2/issue/OPS-7"));
        assert!(sent[1].json()["fields"].get("summary").is_none());
        match transition {
            None => assert_eq!(sent.len(), 2),
            Some(id) => {
                assert_eq!(sent[3].path, "/rest/api/2/issue/OPS-7/transitions");
                assert_eq!(sent[3].body, format!("{{\"transition\":{{\"id\":\"{id}\"}}}}\n"));
            }
        }
    }
    recorder.answer(200, &json, r#"{"issues":[]}"#);
    channel.tell(&sample(true)).await.unwrap();
    assert_eq!(recorder.take_all().len(), 1, "nothing is made for what is over");
}

#[tokio::test]
async fn sns() {
    let recorder = Recorder::start().await;
    let channel = channel_of(&format!(
        "  sns_configs: [{{api_url: '{}', topic_arn: 'arn:aws:sns:eu-central-1:1:a.fifo', message: m, subject: s, attributes: {{k: v}}, sigv4: {{region: eu-central-1, access_key: AK, secret_key: sEcrEt}}}}]",
        recorder.url("/sns")
    ));
    holds_everywhere(&recorder, &*channel, &["<x/>"], &["sEcrEt"]).await;
    channel.tell(&sample(false)).await.unwrap();
    let sent = recorder.take();
    let hash = key_hash(&sample(false));
    assert_eq!(
        sent.body,
        format!(
            "Action=Publish&Message=m&MessageAttributes.entry.1.Name=k&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=v&\
             MessageDeduplicationId={hash}&MessageGroupId={hash}&Subject=s&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A1%3Aa.fifo&Version=2010-03-31"
        )
    );
    assert!(sent.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AK/"), "{}", sent.header("authorization"));
    recorder.answer(403, &[], "<ErrorResponse><Error><Code>X</Code><Message>not you</Message></Error></ErrorResponse>");
    assert_eq!(channel.tell(&sample(false)).await.unwrap_err(), Refusal::for_good("unexpected status code 403: not you"));
}
