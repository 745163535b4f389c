//! Gatus: endpoints with their conditions, and endpoints that others report.

use serde_json::Value;
use url::Url;

use super::draft::{Draft, Drafts, duration};
use super::fields::Fields;
use super::gatus_conditions::{Conditions, read as read_conditions};
use super::kuma_kinds::address;
use super::{Brought, finish};

/// Endpoints that are read at most.
const ENDPOINTS_MAX: usize = 10_000;
/// How often an endpoint is looked at unless it says so, in seconds.
const INTERVAL_USUAL_S: f64 = 60.0;
/// Failures in a row until somebody is told, unless an alert says so.
const FAILURES_USUAL: u64 = 3;
/// Successes in a row until somebody is told that it is over.
const SUCCESSES_USUAL: u64 = 2;
/// How often a report is expected where nobody says, in seconds.
const REPORTED_USUAL_S: f64 = 86_400.0;

/// Reads a configuration.
pub(super) fn read(root: &Value) -> Brought {
    let root = Fields(root);
    let mut drafts = Drafts::default();
    for endpoint in root.list(&["endpoints"]).iter().take(ENDPOINTS_MAX) {
        one(Fields(endpoint), &mut drafts);
    }
    for endpoint in root.list(&["external-endpoints"]).iter().take(ENDPOINTS_MAX) {
        reported(Fields(endpoint), &mut drafts);
    }
    if !root.list(&["suites"]).is_empty() {
        drafts.say_of_all("suites are left out: a check asks once");
    }
    if root.any(&["maintenance"]).is_some() {
        drafts.say_of_all("maintenance is not taken over: plan it here");
    }
    finish("Gatus", drafts)
}

/// The name, with its group where another endpoint has the same.
fn name(endpoint: Fields<'_>, drafts: &mut Drafts) -> String {
    let (group, name) = (endpoint.text(&["group"]), endpoint.text(&["name"]));
    drafts.name(&if group.is_empty() { name } else { format!("{group} / {name}") })
}

/// What every endpoint has.
fn usual(endpoint: Fields<'_>, draft: &mut Draft, drafts: &mut Drafts) {
    draft.top_flag("paused", endpoint.truth(&["enabled"]) == Some(false));
    let group = endpoint.text(&["group"]);
    let mut labels = endpoint.pairs(&["extra-labels"]);
    if !group.is_empty() {
        labels.push(("group".to_owned(), group));
    }
    for (name, value) in labels {
        if !draft.label(&name, &value) {
            drafts.say(&draft.name, &format!("the label {name:?} is left out"));
        }
    }
    if !endpoint.list(&["maintenance-windows"]).is_empty() {
        drafts.say(&draft.name, "its maintenance is not taken over: plan it here");
    }
}

/// Seconds of a duration as Go writes it.
pub(super) fn secs(text: &str) -> Option<f64> {
    let nanos = crate::base::go_duration::parse(text.trim(), &|text: &str| text.to_owned()).ok()?;
    (nanos > 0).then_some(nanos as f64 / 1e9)
}

fn one(endpoint: Fields<'_>, drafts: &mut Drafts) {
    let name = name(endpoint, drafts);
    let mut notes = Vec::new();
    let conditions = read_conditions(&endpoint.list(&["conditions"]), &mut notes);
    let url = endpoint.text(&["url"]);
    let drafted = draft(endpoint, &name, (&url, &conditions), &mut notes);
    for text in [&url, &endpoint.text(&["body"])] {
        if text.contains("${") || endpoint.pairs(&["headers"]).iter().any(|(_, value)| value.contains("${")) {
            notes.push("it names variables of the environment, which are not filled in here".to_owned());
            break;
        }
    }
    for note in notes {
        drafts.say(&name, &note);
    }
    if let Some(days) = conditions.domain_days {
        domain(&url, &name, days, drafts);
    }
    let Some(mut draft) = drafted else { return };
    usual(endpoint, &mut draft, drafts);
    draft.interval(secs(&endpoint.text(&["interval"])).unwrap_or(INTERVAL_USUAL_S));
    draft.timeout(secs(&endpoint.below("client").text(&["timeout"])).unwrap_or(0.0));
    let alerts = endpoint.list(&["alerts"]);
    let least = |key: &str, usual: u64| alerts.iter().map(|alert| Fields(alert).count(&[key]).unwrap_or(usual)).min().unwrap_or(usual);
    draft.retries(least("failure-threshold", FAILURES_USUAL).saturating_sub(1));
    draft.recoveries(least("success-threshold", SUCCESSES_USUAL).saturating_sub(1));
    drafts.take(draft);
}

/// A domain by itself, where an endpoint looked at it too.
fn domain(url: &str, name: &str, days: u64, drafts: &mut Drafts) {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    if host.split('.').count() != 2 {
        return drafts.say(name, "how long its domain is registered is not taken over: make a check of kind domain for it");
    }
    let named = drafts.name(&format!("{name} (domain)"));
    let mut draft = Draft::new(&named, "domain");
    draft.text("name", &host);
    draft.of_kind().bare("days", days.max(1));
    drafts.take(draft);
}

fn draft(endpoint: Fields<'_>, name: &str, (url, conditions): (&str, &Conditions), notes: &mut Vec<String>) -> Option<Draft> {
    if endpoint.any(&["dns"]).is_some() {
        return Some(dns(endpoint, name, (url, conditions)));
    }
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let bare = rest.split('/').next().unwrap_or_default();
    let body = endpoint.text(&["body"]);
    let client = endpoint.below("client");
    let mut draft = match scheme {
        "http" | "https" => return Some(http(endpoint, name, (url, conditions), notes)),
        "icmp" => {
            let mut draft = Draft::new(name, "ping");
            draft.text("host", bare);
            version(client, &mut draft);
            draft
        }
        "tcp" | "tls" => {
            let mut draft = Draft::new(name, "tcp");
            draft.text("address", bare);
            draft.flag("tls", scheme == "tls");
            draft.text("send", &body);
            draft.text("expect", &conditions.matches.join("|"));
            draft
        }
        "starttls" => {
            let mut draft = Draft::new(name, "smtp");
            draft.text("address", bare);
            draft.flag("starttls", true);
            draft
        }
        "ws" | "wss" => {
            let mut draft = Draft::new(name, "websocket");
            draft.text("url", url);
            draft.pairs("headers", &endpoint.pairs(&["headers"]));
            draft.text("send", &body);
            draft.text("expect", &conditions.matches.join("|"));
            draft
        }
        "grpc" | "grpcs" => {
            let mut draft = Draft::new(name, "grpc");
            draft.text("address", bare);
            draft.flag("tls", scheme == "grpcs");
            draft
        }
        _ => {
            notes.push(format!("is left out: there is no kind of check for {scheme:?}"));
            return None;
        }
    };
    let has_tls = matches!(scheme, "tls" | "starttls" | "wss" | "grpcs");
    draft.flag("insecure_skip_verify", has_tls && client.is(&["insecure"]));
    if has_tls && scheme != "grpcs" {
        days(conditions, &mut draft);
    }
    if !matches!(scheme, "grpc" | "grpcs") {
        latency(conditions, &mut draft);
    }
    Some(draft)
}

fn latency(conditions: &Conditions, draft: &mut Draft) {
    if let Some(ms) = conditions.latency_ms {
        draft.text("latency_max", &duration(ms / 1000.0));
    }
}

fn days(conditions: &Conditions, draft: &mut Draft) {
    if let Some(days) = conditions.certificate_days {
        draft.of_kind().bare("certificate_days", days);
    }
}

fn version(client: Fields<'_>, draft: &mut Draft) {
    match client.text(&["network"]).as_str() {
        "ip4" => draft.text("ip_version", "4"),
        "ip6" => draft.text("ip_version", "6"),
        _ => {}
    }
}

fn http(endpoint: Fields<'_>, name: &str, (url, conditions): (&str, &Conditions), notes: &mut Vec<String>) -> Draft {
    let mut draft = Draft::new(name, "http");
    let client = endpoint.below("client");
    draft.text("url", url);
    draft.text("method", &endpoint.text(&["method"]));
    let mut headers = endpoint.pairs(&["headers"]);
    let mut body = endpoint.text(&["body"]);
    if endpoint.is(&["graphql"]) {
        body = serde_json::json!({ "query": body }).to_string();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
    }
    draft.pairs("headers", &headers);
    draft.text("body", &body);
    draft.texts("status", &conditions.statuses());
    draft.texts("matches", &conditions.matches);
    draft.of_kind().list_if("json", conditions.json_nodes());
    if client.is(&["ignore-redirect"]) {
        draft.of_kind().bare("redirects", false);
    }
    draft.flag("insecure_skip_verify", client.is(&["insecure"]));
    draft.text("proxy_url", &client.text(&["proxy-url"]));
    let tls = client.below("tls");
    draft.text("cert_file", &tls.text(&["certificate-file"]));
    draft.text("key_file", &tls.text(&["private-key-file"]));
    for key in ["oauth2", "identity-aware-proxy", "dns-resolver", "tunnel"] {
        if client.any(&[key]).is_some() {
            notes.push(format!("the setting {key} of its client is not taken over"));
        }
    }
    latency(conditions, &mut draft);
    if url.starts_with("https:") {
        days(conditions, &mut draft);
    }
    draft
}

fn dns(endpoint: Fields<'_>, name: &str, (url, conditions): (&str, &Conditions)) -> Draft {
    let mut draft = Draft::new(name, "dns");
    let question = endpoint.below("dns");
    draft.text("name", &question.text(&["query-name"]));
    draft.text("type", &question.text(&["query-type"]));
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let has_port =
        bare.rsplit_once(':').is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')));
    draft.text("server", &if has_port { bare.to_owned() } else { address(bare, "53") });
    // Our records are whole lines.
    let matches: Vec<String> = conditions.matches.iter().map(|found| found.replacen('^', "\\s", 1)).collect();
    draft.texts("matches", &matches);
    latency(conditions, &mut draft);
    draft
}

fn reported(endpoint: Fields<'_>, drafts: &mut Drafts) {
    let name = name(endpoint, drafts);
    let mut draft = Draft::new(&name, "heartbeat");
    let every = secs(&endpoint.below("heartbeat").text(&["interval"]));
    if every.is_none() {
        drafts.say(&name, "says not how often it is reported: once a day is expected");
    }
    draft.text("every", &duration(every.unwrap_or(REPORTED_USUAL_S)));
    let token = endpoint.text(&["token"]);
    let is_token = token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_token {
        draft.text("token", &token);
        drafts.say(&name, "whoever reports it has to call /api/v1/heartbeats/ and its token");
    } else {
        drafts.say(&name, "its token cannot be kept, so whoever reports it has to call a new address");
    }
    usual(endpoint, &mut draft, drafts);
    drafts.take(draft);
}
