//! Templates of messages against what Debian's `amtool template render` (0.25) printed for them, recorded.

use std::sync::Arc;

use serde_json::Value as Json;

use super::*;
use crate::alerts::model::routed::RoutedAlert;
use crate::base::template::Moment;
use crate::base::time::Duration;
use crate::series::labels::Labels;

fn map(json: &Json) -> BTreeMap<String, String> {
    json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn word(json: &Json) -> &'static str {
    if json == "firing" { "firing" } else { "resolved" }
}

fn data(json: &Json) -> MessageData {
    let text = |json: &Json, key: &str| json[key].as_str().unwrap().to_owned();
    let time = |json: &Json| {
        let at = Moment::parse("2006-01-02T15:04:05Z07:00", json.as_str().unwrap()).unwrap();
        (at != Moment::zero()).then_some((at.nanos / 1_000_000) as i64)
    };
    let alert = |json: &Json| AlertData {
        status: word(&json["status"]),
        labels: map(&json["labels"]),
        annotations: map(&json["annotations"]),
        starts_at: time(&json["startsAt"]),
        ends_at: time(&json["endsAt"]),
        generator_url: text(json, "generatorURL"),
        fingerprint: text(json, "fingerprint"),
    };
    MessageData {
        receiver: text(json, "receiver"),
        status: word(&json["status"]),
        alerts: json["alerts"].as_array().unwrap().iter().map(alert).collect(),
        reason: "",
        group_labels: map(&json["groupLabels"]),
        common_labels: map(&json["commonLabels"]),
        common_annotations: map(&json["commonAnnotations"]),
        route_labels: BTreeMap::new(),
        external_url: text(json, "externalURL"),
        at: 1_767_323_105_678,
    }
}

fn golden() -> Json {
    serde_json::from_str(include_str!("golden.json")).unwrap()
}

fn render(written: &str, html: bool, data: &MessageData) -> String {
    let made = Templates::new().unwrap().text("", written).and_then(|text| if html { text.make_html(data) } else { text.make(data) });
    made.unwrap_or_else(|error| format!("ERROR amtool: error: {error}"))
}

#[test]
fn give_what_amtool_gives() {
    let golden = golden();
    let mut wrong = Vec::new();
    for case in golden["cases"].as_array().unwrap() {
        let [written, kind, name, expected] = [0, 1, 2, 3].map(|at| case[at].as_str().unwrap());
        let got = render(written, kind == "html", &data(&golden["data"][name]));
        if got != expected {
            wrong.push(format!("{kind} {name} {written}\n  amtool {expected:?}\n  here   {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn functions_of_later_versions() {
    let golden = golden();
    let data = data(&golden["data"]["mixed"]);
    for (written, expected) in [
        ("{{ trimSpace \" x \" }}|{{ base64encode \"a?b>\" }}|{{ base64decode \"YT9iPg==\" }}", "x|YT9iPg==|a?b>"),
        ("{{ urlUnescape \"a%20b+c\" }} {{ toDate \"2006-01-02\" \"2026-01-02\" | date \"Jan 2\" }}", "a b c Jan 2"),
        (
            "{{ (index .Alerts 0).StartsAt | tz \"Europe/Berlin\" | date \"15:04:05 MST -0700\" }} {{ since (index .Alerts 0).StartsAt | humanizeDuration }}",
            "04:04:05 CET +0100 1m 0s",
        ),
        ("{{ now.Format \"15:04\" }} {{ humanizeDuration 3661 }} {{ humanizeDuration \"90\" }}", "03:05 1h 1m 1s 1m 30s"),
        (
            "{{ $d := dict \"a\" 1 \"b\" (list 1 \"x<\") }}{{ toJson $d }} {{ $d.a }} {{ len (append (list 1) 2 3) }}",
            r#"{"a":1,"b":[1,"x\u003c"]} 1 3"#,
        ),
        ("{{ .CommonLabels }} {{ .GroupLabels.SortedPairs }}", "alertname=HighCPU, job=node alertname=HighCPU, job=node"),
        ("{{ toJson .GroupLabels }} {{ toJson .GroupLabels.Names }}", r#"{"alertname":"HighCPU","job":"node"} ["alertname","job"]"#),
        (
            "{{ .GroupLabels.Values.Join \"/\" }} {{ toJson 1.5 }} {{ toJson (index .Alerts 0).StartsAt }}",
            "HighCPU/node 1.5 \"2026-01-02T03:04:05.678Z\"",
        ),
        ("{{ template \"__subject\" . }}{{ routeLabels \"x\" }}", "[FIRING:1] HighCPU node "),
    ] {
        assert_eq!(render(written, false, &data), expected, "{written}");
    }
    assert_eq!(render("{{ range .Alerts.Firing }}{{ toJson . }}{{ end }}", false, &data), {
        let mut out = Vec::new();
        crate::platform::http::go_json::write_json(&mut out, &data.alerts[0]).unwrap();
        String::from_utf8(out).unwrap()
    });
}

#[test]
fn errors_name_the_key_the_place_and_the_field() {
    let golden = golden();
    let data = data(&golden["data"]["mixed"]);
    let mut templates = Templates::new().unwrap();
    assert_eq!(templates.add("own.tmpl", "a\n{{ nope }}").unwrap_err(), "template: own.tmpl:2: function \"nope\" not defined");
    templates.add("own.tmpl", "{{ define \"own\" }}\n  {{ .Labels.a.b }}{{ end }}").unwrap();
    for (written, expected) in [
        (
            "x\n {{ .Nope }}",
            "template: slack_configs.title:2:4: executing \"slack_configs.title\" at <.Nope>: can't evaluate field Nope in type *template.Data",
        ),
        (
            "{{ template \"own\" index .Alerts 0 }}",
            "template: own.tmpl:2:12: executing \"own\" at <.Labels.a.b>: can't evaluate field b in type string",
        ),
        (
            "{{ .StartsAt | tz \"Moon\" }}",
            "template: slack_configs.title:1:3: executing \"slack_configs.title\" at <.StartsAt>: can't evaluate field StartsAt in type *template.Data",
        ),
        (
            "{{ now | tz \"Moon\" }}",
            "template: slack_configs.title:1:9: executing \"slack_configs.title\" at <tz>: error calling tz: unknown time zone Moon",
        ),
    ] {
        let error = templates.text("slack_configs.title", written).unwrap().make(&data).unwrap_err();
        assert_eq!(error, expected, "{written}");
    }
}

#[test]
fn a_text_can_neither_run_for_ever_nor_fill_memory() {
    let golden = golden();
    let data = data(&golden["data"]["mixed"]);
    for (written, says) in [
        ("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}", "deep"),
        ("{{ range 3000000 }}{{ end }}", "steps"),
        ("{{ range 2000 }}{{ printf \"%9999d\" 1 }}{{ end }}", "bytes"),
    ] {
        let made = Templates::new().unwrap().text("t", written).unwrap().make(&data);
        assert!(made.as_ref().is_err_and(|error| error.contains(says)), "{written}");
    }
}

fn message() -> Message {
    let alert = |instance: &str, annotations: &[(&str, &str)], ends_at: Option<i64>| RoutedAlert {
        labels: Labels::from_pairs([("alertname", "A"), ("job", "x"), ("instance", instance)]),
        annotations: annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        starts_at: 1_000,
        ends_at,
        updated_at: 1_000,
        is_timeout: false,
        generator_url: "http://p".to_owned(),
        hush: None,
    };
    Message {
        receiver: Arc::from("team-x.y"),
        group_key: Arc::from("{}:{}"),
        group_labels: Labels::from_pairs([("alertname", "A")]),
        route_labels: BTreeMap::new(),
        alerts: vec![alert("a", &[("s", "same"), ("t", "1")], None), alert("b", &[("s", "same")], Some(1_500))],
        at: 2_000,
        reason: "new",
        group_interval: Duration::from_secs(300),
        repeat_interval: Duration::from_secs(300),
    }
}

#[test]
fn data_of_a_message() {
    let templates = Templates::new().unwrap();
    let data = templates.data(&message(), usize::MAX, "http://x").unwrap();
    let mut out = Vec::new();
    crate::platform::http::go_json::write_json(&mut out, &data).unwrap();
    let fingerprints = message().alerts.iter().map(|alert| format!("{:016x}", alert.fingerprint())).collect::<Vec<_>>();
    let [first, second] = fingerprints.as_slice() else { panic!() };
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!(
            "{{\"receiver\":\"team-x\\\\.y\",\"status\":\"firing\",\"alerts\":[{{\"status\":\"firing\",\"labels\":{{\"alertname\":\"A\",\"instance\":\"a\",\
             \"job\":\"x\"}},\"annotations\":{{\"s\":\"same\",\"t\":\"1\"}},\"startsAt\":\"1970-01-01T00:00:01Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\
             \"generatorURL\":\"http://p\",\"fingerprint\":\"{first}\"}},{{\"status\":\"resolved\",\"labels\":{{\"alertname\":\"A\",\"instance\":\"b\",\
             \"job\":\"x\"}},\"annotations\":{{\"s\":\"same\"}},\"startsAt\":\"1970-01-01T00:00:01Z\",\"endsAt\":\"1970-01-01T00:00:01.5Z\",\
             \"generatorURL\":\"http://p\",\"fingerprint\":\"{second}\"}}],\"groupLabels\":{{\"alertname\":\"A\"}},\"commonLabels\":\
             {{\"alertname\":\"A\",\"job\":\"x\"}},\"commonAnnotations\":{{\"s\":\"same\"}},\"externalURL\":\"http://x\"}}"
        )
    );
    assert_eq!(templates.data(&message(), 1, "").unwrap().common_labels.len(), 3);
}

#[test]
fn texts_of_the_route_may_name_each_other_but_not_in_a_circle() {
    let templates = Templates::new().unwrap();
    let mut message = message();
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    message.route_labels =
        pairs(&[("who", "{{ .GroupLabels.alertname }}"), ("text", "for {{ routeLabels \"who\" }}{{ routeLabels \"no\" }}")]);
    let data = templates.data(&message, usize::MAX, "").unwrap();
    assert_eq!(templates.text("t", "{{ .RouteLabels.text }} {{ routeLabels \"who\" }}").unwrap().make(&data).unwrap(), "for A A");
    message.route_labels = pairs(&[("a", "{{ routeLabels \"b\" }}"), ("b", "{{ routeLabels \"a\" }}")]);
    let error = templates.data(&message, usize::MAX, "").unwrap_err();
    assert!(error.contains("route label cycle detected: a"), "{error}");
}
