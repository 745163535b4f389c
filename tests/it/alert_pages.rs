//! Pages of alerts over the real server: what fires, silences made by forms, where alerts go, tests of channels.

use crate::support::{Server, client, send_form};

const RULES: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: Present\n    expr: vector(7) > 1\n    labels: {severity: critical, job: shop}\n    \
                     annotations: {summary: 'it is {{ $value }}', runbook_url: 'javascript:alert(1)'}\n  \
                     - alert: '<img src=x onerror=alert(1)>'\n    expr: vector(1)\n    labels: {note: '\"><script>alert(2)</script>'}\n  \
                     - alert: Waits\n    expr: vector(1)\n    for: 1h\n  - record: a:b\n    expr: vector(1)\n";
const ROUTING: &str = "route:\n  receiver: all\n  group_by: [alertname]\n  group_wait: 1s\n  routes:\n  - matchers: [severity=\"critical\"]\n    \
                       receiver: pager\nreceivers:\n- name: all\n- name: pager\n  webhook_configs: [{ url: 'http://127.0.0.1:1/s3cret' }]\n";

fn with_alerts() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("rules.yml"), RULES).unwrap();
    std::fs::write(path("routing.yml"), ROUTING).unwrap();
    std::fs::write(path("prometheus.yml"), "rule_files: ['rules.yml']\n").unwrap();
    let routing = format!("--alertmanager.config.file={}", path("routing.yml"));
    let config = path("prometheus.yml");
    let args = ["--config", config.as_str(), routing.as_str(), "--host-metrics=false", "--own-metrics=false"];
    let server = Server::on(&folder.path().join("data"), &args);
    (folder, server)
}

/// Asks for a page until it holds a text; gives the page.
fn until(server: &Server, path: &str, part: &str) -> String {
    for _ in 0..1200 {
        let (status, text) = server.get(path);
        assert_eq!(status, 200, "{path}: {text}");
        if text.contains(part) {
            return text;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("{path} never says {part}");
}

/// The first address in a page that begins so.
fn address(text: &str, begin: &str) -> String {
    let from = text.find(begin).unwrap_or_else(|| panic!("no {begin} in {text}"));
    text[from..].split('"').next().unwrap().replace("&#38;", "&")
}

#[test]
fn what_fires_leads_to_everything_about_it() {
    let (_folder, server) = with_alerts();
    let now = until(&server, "/alerts", "/alerts/group?key=");
    for part in ["it is 7", "severity=</i>critical", "/explore?q=vector%287%29", "/logs?f=job%3Ashop", "/alerts/silences/edit?matchers="] {
        assert!(now.contains(part), "{part}: {now}");
    }
    assert!(!now.contains("javascript:") && !now.contains("<img src=x") && !now.contains("<script>alert"), "{now}");
    // Matchers run from left to right, wherever the page does.
    let arabic = client().get(server.url("/alerts?by=group")).header("Cookie", "lang=ar").send().unwrap().text().unwrap();
    assert!(arabic.contains("\u{2066}{alertname=&#34;Present&#34;} → pager\u{2069}"), "{arabic}");
    let group = until(&server, &address(&now, "/alerts/group?key="), "class=\"f\"");
    assert!(group.contains("pager") && group.contains("/ui/chart?q="), "{group}");
    let (status, spark) = server.get(&address(&now, "/ui/alerts/spark?rule="));
    assert!(status == 200 && spark.starts_with("<svg") && !spark.contains("script"), "{spark}");
    let rules = until(&server, "/alerts/rules?state=firing", "Present");
    assert!(!rules.contains(">Waits<") && !rules.contains("<img src=x"), "{rules}");
    let listed = rules.split("id=\"group-").nth(1).unwrap();
    let rule = until(&server, &address(listed, "/alerts/rules/"), "class=\"f\"");
    assert!(!rule.contains("<img src=x"), "{rule}");
    assert_eq!(server.get("/alerts/rules/0000000000000000").0, 404);
    assert_eq!(server.get("/alerts/group").0, 400);
    assert_eq!(server.get("/alerts/history?from=abc").0, 400);
}

#[test]
fn an_alert_that_is_routed_under_other_labels_is_one_alert() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rules = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: Once\n    expr: vector(1)\n    labels: {replica: a, job: shop}\n";
    std::fs::write(path("rules.yml"), rules).unwrap();
    std::fs::write(path("routing.yml"), ROUTING).unwrap();
    let config = "rule_files: ['rules.yml']\nalerting:\n  alert_relabel_configs:\n  - {action: labeldrop, regex: replica}\n";
    std::fs::write(path("prometheus.yml"), config).unwrap();
    let routing = format!("--alertmanager.config.file={}", path("routing.yml"));
    let config = path("prometheus.yml");
    let args = ["--config", config.as_str(), routing.as_str(), "--host-metrics=false", "--own-metrics=false"];
    let server = Server::on(&folder.path().join("data"), &args);
    let now = until(&server, "/alerts", "/alerts/group?key=");
    assert_eq!(now.matches("<li class=\"al ").count(), 1, "{now}");
    assert!(server.get("/api/v2/alerts").1.contains("Once") && !server.get("/api/v2/alerts").1.contains("replica"));
}

#[test]
fn silences_are_made_changed_and_ended_by_forms() {
    let (_folder, server) = with_alerts();
    until(&server, "/alerts?state=firing", "it is 7");
    let preview = until(&server, "/alerts/silences/edit?matchers=job%3D%22shop%22", "1 of ");
    assert!(preview.contains("Present"), "{preview}");
    let (status, refused) = send_form(&server, "/alerts/silences/save", &[("matchers", "(("), ("for", "2h"), ("comment", "x")]);
    assert!(status == 400 && refused.contains("Line 1 of the matchers"), "{status} {refused}");
    let form = [("matchers", "job=\"shop\"\r\nseverity=~\"crit.*\""), ("for", "2h"), ("comment", "<b>rack</b>")];
    assert_eq!(send_form(&server, "/alerts/silences/save", &form).0, 200, "a browser follows to the list");
    let list = until(&server, "/alerts/silences", "&#60;b&#62;rack");
    let edit = address(&list, "/alerts/silences/edit?id=");
    let held = until(&server, "/alerts?state=held", "silenced by");
    assert!(held.contains("it is 7"), "{held}");
    assert!(until(&server, &edit, "Edit silence").contains("severity=~"));
    let id = edit.split("id=").nth(1).unwrap();
    assert_eq!(send_form(&server, "/alerts/silences/expire", &[("id", id)]).0, 200);
    assert!(until(&server, "/alerts/silences?state=expired", "rack").contains("Recreate"));
    assert_eq!(send_form(&server, "/alerts/silences/expire", &[("id", "nobody")]).0, 404);
}

#[test]
fn routes_are_tried_and_channels_tested() {
    let (_folder, server) = with_alerts();
    let routing = until(&server, "/alerts/routing?labels=alertname%3DX%2Cseverity%3Dcritical", "rt hit");
    assert!(routing.contains("pager") && !routing.contains("s3cret"), "{routing}");
    let channels = until(&server, "/alerts/channels", "webhook[0]");
    assert!(!channels.contains("s3cret"), "{channels}");
    let (status, tested) = send_form(&server, "/alerts/channels/test", &[("receiver", "pager"), ("channel", "webhook[0]")]);
    assert!(status < 600 && tested.contains("class=\"notice crit\"") && !tested.contains("s3cret"), "{status} {tested}");
    assert_eq!(send_form(&server, "/alerts/channels/test", &[("receiver", "pager"), ("channel", "slack[9]")]).0, 404);
    until(&server, "/alerts/history", "began to fire");
    let plain = client().get(server.url("/alerts")).header("accept", "text/html").send().unwrap().text().unwrap();
    assert!(plain.contains("firing\">"), "the navigation counts: {plain}");
}

/// The name of an alert in forms: what stands behind a word of `do`.
fn named(text: &str, word: &str) -> String {
    let begin = format!("value=\"{word}:");
    let from = text.find(&begin).unwrap_or_else(|| panic!("no {begin} in {text}")) + begin.len();
    text[from..].split('"').next().unwrap().to_owned()
}

#[test]
fn alerts_are_taken_assigned_commented_and_put_off_by_forms() {
    let (_folder, server) = with_alerts();
    let now = until(&server, "/alerts?f=job%3D%22shop%22", "value=\"acknowledge:");
    let id = named(&now, "acknowledge");
    let care = |form: &[(&str, &str)]| send_form(&server, "/alerts/care", form);
    let (status, page) = care(&[("do", &format!("acknowledge:{id}")), ("back", "/alerts?f=job%3D%22shop%22")]);
    assert!(status == 200 && page.contains("Acknowledged:") && page.contains("acknowledged, "), "{status} {page}");
    assert!(!until(&server, "/alerts?care=open", "id=\"alerts\"").contains("it is 7"), "it is acknowledged");
    assert_eq!(care(&[("do", "assign"), ("person", "lena"), ("alert", &id)]).0, 200);
    until(&server, "/alerts?f=job%3D%22shop%22", "assigned to lena");
    let group = address(&now, "/alerts/group?key=");
    let field = |name: &str| {
        let query = group.split('?').nth(1).unwrap();
        form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).unwrap().1.into_owned()
    };
    let (key, receiver) = (field("key"), field("receiver"));
    let whole = [("do", "comment"), ("key", key.as_str()), ("receiver", receiver.as_str()), ("text", "it is the <disk>"), ("back", &group)];
    let (status, page) = care(&whole);
    assert!(status == 200 && page.contains("The comment is kept.") && page.contains("it is the &#60;disk&#62;"), "{status} {page}");
    let (status, page) = care(&[("do", &format!("release:{id}"))]);
    assert!(status == 200 && page.contains("Released"), "{status} {page}");
    let (status, page) = care(&[("do", "tomorrow"), ("alert", &id), ("tz", "Europe/Berlin")]);
    assert!(status == 200 && page.contains("Snoozed"), "{status} {page}");
    until(&server, "/alerts?state=held", "it is 7");
    let silences = until(&server, "/alerts/silences", "snoozed: Present");
    assert!(silences.contains("job=&#34;shop&#34;") && silences.contains("alertname=&#34;Present&#34;"), "{silences}");
    for (form, status, words) in [
        (vec![("do", "acknowledge")], 400, "Choose at least one alert."),
        (vec![("do", "acknowledge:0")], 404, "None of these alerts fires any more."),
        (vec![("do", "assign"), ("alert", id.as_str())], 400, "Write whose"),
        (
            vec![("do", "comment"), ("key", key.as_str()), ("receiver", receiver.as_str()), ("back", group.as_str())],
            400,
            "Write the comment",
        ),
    ] {
        let (got, page) = care(&form);
        assert!(got == status && page.contains(words), "{form:?}: {got} {page}");
    }
    let said = client()
        .post(server.url("/alerts/care"))
        .header("x-requested-with", "test")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("do=nobodys&alert={id}"))
        .send()
        .unwrap();
    assert_eq!((said.status().as_u16(), said.text().unwrap().as_str()), (200, "It is nobody's now."));
    let (status, wrong) = server.get("/alerts?f=((");
    assert!(status == 400 && wrong.contains("cannot be read"), "{status} {wrong}");
}

fn now_ns() -> i64 {
    pharos::base::clock::Clock::now_ms(&pharos::base::clock::SystemClock::new()) * 1_000_000
}

#[test]
fn the_page_of_a_group_has_what_happened_around_it() {
    let (_folder, server) = with_alerts();
    let now = until(&server, "/alerts", "/alerts/group?key=");
    let begin = now.find("it is 7").unwrap();
    let group = address(&now[now[..begin].rfind("<li").unwrap()..], "/alerts/group?key=");
    let nanos = now_ns();
    let lines = format!(r#"{{"streams":[{{"stream":{{"job":"shop"}},"values":[["{nanos}","level=error msg=\"no <b>disk</b>\""]]}}]}}"#);
    assert_eq!(server.post("/loki/api/v1/push", "application/json", lines).0, 204);
    let mark = r#"{"text":"shop 1.4.2","tags":["deploy"]}"#;
    assert_eq!(server.post("/api/annotations", "application/json", mark).0, 200);
    let page = until(&server, &group, "no &#60;b&#62;disk");
    for part in ["class=\"ln error\"", "shop 1.4.2", "class=\"d\"", "/logs/line?s=", ">deploy<", "name=\"text\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
}
