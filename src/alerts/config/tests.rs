//! The corpus of upstream's configurations, what is said of wrong ones, defaults, and printing back.

use std::path::{Path, PathBuf};

use super::*;
use crate::platform::config::value;

/// Reads a text as `c.yml`; what is wrong as texts.
fn load(text: &str) -> (RoutingConfig, Vec<String>) {
    load_as(Path::new("c.yml"), text)
}

fn load_as(path: &Path, text: &str) -> (RoutingConfig, Vec<String>) {
    let mut report = Report::new(path);
    let config = read(text, &mut report);
    let errors = report.finish().map_or_else(|errors| errors.iter().map(ToString::to_string).collect(), |_| Vec::new());
    (config, errors)
}

/// The folder of the shared corpora, if this machine has it.
fn shared() -> Option<PathBuf> {
    std::env::var_os("PHAROS_TEST_SHARED").map(PathBuf::from).filter(|dir| dir.is_dir())
}

fn receiver(channels: &str) -> String {
    format!("route: {{receiver: r}}\nreceivers:\n- name: r\n{channels}")
}

#[test]
fn upstreams_files_load_or_are_refused_for_upstreams_reason() {
    let Some(shared) = shared() else { return };
    let dir = shared.join("conformance/alertmanager");
    let sources = std::fs::read_to_string(dir.join("SOURCES.json")).expect("sources");
    let sources: serde_json::Value = serde_json::from_str(&sources).expect("JSON");
    let mut seen = 0;
    for file in sources["files"].as_array().expect("files") {
        let name = file["file"].as_str().expect("a name");
        let path = dir.join(name);
        let text = std::fs::read_to_string(&path).expect(name);
        let (config, errors) = load_as(&path, &text);
        if file["expect"] == "ok" {
            assert_eq!(errors, [""; 0], "{name}");
            let printed = config.to_yaml();
            assert!(!printed.contains("mysecret"), "{name}: {printed}");
        } else {
            let reason = file["message"].as_str().unwrap_or("");
            let place = format!("{}:", path.display());
            assert!(errors.iter().any(|error| error.contains(reason) && error.starts_with(&place)), "{name}: {errors:#?}");
        }
        seen += 1;
    }
    assert!(seen > 45, "{seen}");
    let fixture = shared.join("mission/fixtures/alertmanager.yml");
    assert_eq!(load_as(&fixture, &std::fs::read_to_string(&fixture).expect("fixture")).1, [""; 0]);
}

#[test]
fn upstreams_cases_in_line() {
    let Some(shared) = shared() else { return };
    let text = std::fs::read_to_string(shared.join("conformance/alertmanager/inline-config-cases.json")).expect("cases");
    let cases: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for case in cases["cases"].as_array().expect("cases") {
        let (name, config) = (case["name"].as_str().expect("a name"), case["config"].as_str().expect("a text"));
        let errors = load(config).1;
        match case["error"].as_str() {
            None => assert_eq!(errors, [""; 0], "{name}"),
            Some(reason) => assert!(errors.iter().any(|error| error.contains(reason)), "{name}: {errors:#?}"),
        }
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    for (text, expected) in [
        ("route: {receiver: r}\nreceivers: [{name: r}]\nreciever: 1\n", "c.yml:3:1: reciever: unknown key, did you mean receivers?"),
        ("route: {receiver: r, group_wat: 1s}\nreceivers: [{name: r}]\n", "c.yml:1:22: group_wat: unknown key, did you mean group_wait?"),
        (
            "route:\n  receiver: r\n  routes:\n  - matchers: ['a=~\"(\"']\nreceivers: [{name: r}]\n",
            "c.yml:4:16: matchers: invalid regular expression \"(\"",
        ),
        ("route:\n  receiver: r\n  routes:\n  - match: {'a-b': x}\nreceivers: [{name: r}]\n", "c.yml:4:13: invalid label name \"a-b\""),
        (
            "route:\n  receiver: r\n  routes:\n  - receiver: x\nreceivers: [{name: r}]\n",
            "c.yml:4:15: undefined receiver \"x\" used in route",
        ),
        (&receiver("  slack_configs:\n  - api_url: ftp://x\n"), "c.yml:5:14: api_url: unsupported scheme \"ftp\""),
        (&receiver("  webhook_configs:\n  - url: 'http://a/{{'\n"), "c.yml:5:10: url: invalid template syntax: "),
        (&receiver("  webhook_configs:\n  - {}\n"), "c.yml:5:5: one of url or url_file must be configured"),
        (&receiver("  email_configs:\n  - to: a\n"), "c.yml:5:5: no global SMTP smarthost set"),
        (&receiver("  telegram_configs:\n  - {chat_id: 1, bot_token: x, parse_mode: text}\n"), "c.yml:5:44: unknown parse_mode"),
        (&receiver("  pushover_configs:\n  - {token: t, user_key: u, retry: 1d}\n"), "c.yml:5:36: retry: read \"1d\", expected a duration"),
        (&receiver("  jira_configs:\n  - {project: p, issue_type: Bug}\n"), "c.yml:5:5: no global Jira Cloud URL set"),
        (&receiver("  webex_configs:\n  - {room_id: x}\n"), "c.yml:5:5: missing webex_configs.http_config.authorization"),
        (&receiver("  webhook_configs:\n  - url: http://a\n    http_config: {basic_auth: {user: x}}\n"), "c.yml:6:32: user: unknown key"),
        (
            &receiver("time_intervals: [{name: t, time_intervals: [{weekdays: ['friday:monday']}]}]\n"),
            "c.yml:4:57: weekdays: start day cannot be before end day",
        ),
        (
            &receiver("time_intervals: [{name: t, time_intervals: [{times: [{start_time: '9:00', end_time: '10:00'}]}]}]\n"),
            "couldn't parse timestamp 9:00",
        ),
        (&receiver("time_intervals: [{name: t, time_intervals: [{location: Mars/Olympus}]}]\n"), "unknown time zone Mars/Olympus"),
        (
            &receiver("time_intervals: [{name: t, time_intervals: [{days_of_month: ['-1:3']}]}]\n"),
            "end day must be negative if start day is negative",
        ),
        ("a: [", "c.yml:"),
        ("", "no routes provided"),
    ] {
        let errors = load(text).1;
        assert!(errors.iter().any(|error| error.contains(expected)), "{text}\nexpected {expected}\n{errors:#?}");
    }
}

#[test]
fn channels_take_what_they_miss_from_global() {
    let text = concat!(
        "global:\n  smtp_smarthost: 'mail:25'\n  smtp_from: me@x\n  smtp_auth_password: hidden\n  opsgenie_api_key: hidden2\n",
        "  http_config: {proxy_url: 'http://u:hidden3@proxy:1'}\n",
        "route: {receiver: r}\nreceivers:\n- name: r\n  email_configs:\n  - {to: you@x, headers: {subject: s}}\n",
        "  opsgenie_configs: [{api_url: 'https://o/x'}]\n  webhook_configs: [{url: 'http://h/hidden4', url_file: ''}]\n",
        "  msteamsv2_configs: [{webhook_url: 'http://t/hidden5', http_config: {follow_redirects: false}}]\n",
        "  pagerduty_configs: [{routing_key: hidden6, details: {a: {b: c}}}]\n",
    );
    let (config, errors) = load(text);
    assert_eq!(errors, [""; 0]);
    let receiver = config.receiver("r").expect("r");
    let email = &receiver.email[0];
    assert_eq!((email.smarthost.to_string(), &*email.from, email.require_tls), ("mail:25".to_owned(), "me@x", Some(true)));
    assert_eq!((email.auth_password.expose(), email.headers.contains_key("Subject"), email.send_resolved), ("hidden", true, false));
    assert_eq!(receiver.opsgenie[0].api_url.as_ref().map(value::HttpUrl::expose), Some("https://o/x/"));
    let teams = receiver.msteamsv2[0].http_config.as_ref().expect("http");
    assert_eq!((teams.proxy_url.0.as_str(), teams.follow_redirects), ("http://u:hidden3@proxy:1", false));
    assert_eq!(receiver.pagerduty[0].details.len(), 5);
    assert_eq!(receiver.pagerduty[0].url.as_ref().map(value::HttpUrl::expose), Some("https://events.pagerduty.com/v2/enqueue"));
    let kinds: Vec<&str> = receiver.integrations().iter().map(|integration| integration.kind).collect();
    assert_eq!(kinds, ["email", "pagerduty", "webhook", "opsgenie", "msteamsv2"]);
    let printed = config.to_yaml();
    assert!(!printed.contains("hidden") && printed.contains("<secret>"), "{printed}");
    assert!(!format!("{config:?}").contains("hidden"), "{config:?}");
}

#[test]
fn what_is_printed_reads_as_the_same() {
    let text = concat!(
        "global: {slack_api_url: 'https://hooks/x', resolve_timeout: 1m}\ntemplates: ['/t/*.tmpl']\n",
        "route:\n  receiver: r\n  group_by: ['...']\n  routes:\n",
        "  - {match: {a: '1'}, match_re: {b: 'x|y'}, matchers: ['c!=\"d,e\"'], group_by: [], continue: true, group_wait: 10s}\n",
        "  - {active_time_intervals: [t], mute_time_intervals: [m], labels: {team: '{{ .GroupLabels.x }}'}}\n",
        "inhibit_rules:\n- {name: n, source_matchers: [s=1], target_match: {t: '2'}, equal: [x, y]}\n",
        "receivers:\n- name: r\n  slack_configs: [{channel: '#a', fields: [{title: t, value: v, short: true}]}]\n",
        "mute_time_intervals: [{name: m, time_intervals: [{months: ['may:august', '12']}]}]\n",
        "time_intervals:\n- name: t\n  time_intervals:\n  - times: [{start_time: '09:00', end_time: '24:00'}]\n    weekdays: ['monday:friday', Sunday]\n",
        "    days_of_month: ['1:5', '-3:-1']\n    years: ['2020:2022', '2030']\n    location: Europe/Berlin\n",
    );
    let (config, errors) = load(text);
    assert_eq!(errors, [""; 0]);
    let printed = config.to_yaml();
    let (again, errors) = load(&printed);
    assert_eq!(errors, [""; 0], "{printed}");
    assert_eq!(again.to_yaml(), printed);
    assert_eq!((&again.route, &again.inhibit_rules, &again.time_intervals), (&config.route, &config.inhibit_rules, &config.time_intervals));
    assert!(printed.contains("weekdays:") && printed.contains("monday:friday") && printed.contains("may:august"), "{printed}");
}

#[test]
fn keys_of_routes_are_bounded() {
    let long = "x".repeat(60_000);
    let children = "    - {}\n".repeat(400);
    let text = format!("route:\n  receiver: r\n  routes:\n  - match: {{a: {long}}}\n    routes:\n{children}receivers: [{{name: r}}]\n");
    let errors = load(&text).1;
    assert!(errors.len() == 1 && errors[0].contains("take 24062406 bytes, more than"), "{errors:?}");
}

/// Broken files are refused or read, whatever is missing in them.
#[test]
fn no_line_that_is_missing_brings_it_down() {
    let Some(shared) = shared() else { return };
    for dir in ["config", "cli", "examples"] {
        for entry in std::fs::read_dir(shared.join("conformance/alertmanager").join(dir)).expect("a folder") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a text");
            let lines: Vec<&str> = text.lines().collect();
            for gap in (0..lines.len()).step_by(4) {
                let mut rest = lines.clone();
                rest.remove(gap);
                let (config, errors) = load(&rest.join("\n"));
                // A channel with an app's token is printed with what the token became, as upstream, and cannot be read again.
                if errors.is_empty() && !text.contains("app_token") {
                    let printed = config.to_yaml();
                    assert_eq!(load(&printed).1, [""; 0], "{printed}");
                }
                // The same cut off in the middle of a line.
                let half: String = lines[..=gap].join("\n").chars().rev().skip(lines[gap].chars().count() / 2).collect();
                load(&half.chars().rev().collect::<String>());
            }
        }
    }
}
