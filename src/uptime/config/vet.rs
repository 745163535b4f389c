//! What must hold of a check as people write it, beyond what each key takes by itself.

use super::Pattern;
use super::check::{
    Check, DnsCheck, GrpcCheck, HeartbeatCheck, HttpCheck, JsonCondition, ModuleCheck, NAME_CHARS_MAX, PingCheck, QueryCheck, Statuses,
    TcpCheck,
};
use super::services::domain_interval;
use crate::base::location::Location;
use crate::base::quote::quote;
use crate::base::time::Duration;
use crate::platform::config::section::{Section, alternatives};
use crate::uptime::model::recurrence::Recurrence;

/// Characters of any other text at most.
const TEXT_CHARS_MAX: usize = 10_000;
/// Labels of a check at most.
const LABELS_MAX: usize = 20;
/// Conditions of one kind at most.
const CONDITIONS_MAX: usize = 50;
/// Longest that a probe may take.
const TIMEOUT_MAX: Duration = Duration::from_secs(300);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(366 * 86_400);
/// Labels that every series of a check has already.
const LABELS_TAKEN: [&str; 6] = ["check", "kind", "job", "instance", "alertname", "cause"];

pub(super) fn vet(check: &mut Check, section: &mut Section<'_, '_>) {
    check.name = check.name.trim().to_owned();
    vet_texts(section, &[("name", &check.name, NAME_CHARS_MAX), ("note", &check.note, TEXT_CHARS_MAX)]);
    if check.name.is_empty() {
        refuse(section, "name", "a check has a name");
    }
    if check.name == check.parent {
        refuse(section, "parent", "a check is not its own parent");
    }
    if let Some(domain) = &check.domain {
        check.interval = domain_interval(check.interval, section, domain);
    }
    if check.group.is_some() && !section.pairs().iter().any(|(key, _)| &*key.text == "retries") {
        // Its members were asked again already.
        check.retries = 0;
    }
    if check.group.as_ref().is_some_and(|group| group.checks.contains(&check.name)) {
        refuse(section, "group", "checks: a group does not hold itself");
    }
    let (shortest, longest) = if check.heartbeat.is_some() { (SECOND, YEAR) } else { (SECOND, DAY) };
    vet_duration(section, "interval", check.interval, shortest, longest);
    if check.timeout.ms() > 0 {
        vet_duration(section, "timeout", check.timeout, Duration::from_ms(1), TIMEOUT_MAX);
    }
    if check.retry_interval.ms() > 0 {
        vet_duration(section, "retry_interval", check.retry_interval, SECOND, DAY);
    }
    for (key, count) in [("retries", check.retries), ("recoveries", check.recoveries)] {
        if count > 100 {
            refuse(section, key, &format!("{key}: read {count}, expected 0 to 100"));
        }
    }
    vet_labels(check, section);
    let kinds = check.kinds();
    match kinds.iter().filter(|(_, is_set)| *is_set).count() {
        1 => {}
        0 => {
            let at = section.at;
            let words: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
            section.report.error(at, format!("a check says what it probes: {}", alternatives(&words)));
        }
        _ => {
            let at = section.at;
            let set: Vec<&str> = kinds.iter().filter(|(_, is_set)| *is_set).map(|(kind, _)| *kind).collect();
            section.report.error(at, format!("a check has one kind, this one has {}", set.join(" and ")));
        }
    }
}

fn vet_labels(check: &Check, section: &mut Section<'_, '_>) {
    if check.labels.len() > LABELS_MAX {
        refuse(section, "labels", &format!("labels: {} are too many, {LABELS_MAX} may be", check.labels.len()));
    }
    for (name, value) in &check.labels {
        let is_name = name.chars().enumerate().all(|(at, c)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit()));
        if name.is_empty() || !is_name || name.starts_with("__") {
            refuse(section, "labels", &format!("labels: {} is no name of a label", quote(name)));
        } else if LABELS_TAKEN.contains(&name.as_str()) {
            refuse(section, "labels", &format!("labels: {name} is a label that every check has already"));
        }
        vet_texts(section, &[("labels", value, NAME_CHARS_MAX)]);
    }
}

pub(super) fn vet_http(http: &mut HttpCheck, section: &mut Section<'_, '_>) {
    let url = url::Url::parse(&http.url.0);
    match &url {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {}
        _ => refuse(section, "url", &format!("url: read {}, expected an address such as https://example.org/", quote(&http.url.0))),
    }
    if http.method.parse::<::http::Method>().is_err() || http.method.is_empty() {
        refuse(section, "method", &format!("method: {} is no method", quote(&http.method)));
    }
    for name in http.headers.keys().chain(http.header_matches.keys()) {
        if name.parse::<::http::HeaderName>().is_err() {
            refuse(section, "headers", &format!("{} is no name of a header", quote(name)));
        }
    }
    for text in &http.status {
        if Statuses::parse(text).is_none() {
            refuse(section, "status", &format!("status: read {}, expected such as 200, 200-299 or 2xx", quote(text)));
        }
    }
    if !http.bearer_token.is_empty() && (!http.username.is_empty() || !http.password.is_empty()) {
        refuse(section, "bearer_token", "either a bearer token or a name and a password");
    }
    vet_regexes(section, "matches", &http.matches);
    vet_regexes(section, "header_matches", http.header_matches.values());
    for (key, count) in [("contains", http.contains.len()), ("lacks", http.lacks.len()), ("json", http.json.len())] {
        vet_count(section, key, count);
    }
    vet_texts(section, &[("body", &http.body, 100_000)]);
    vet_ip_version(section, &http.ip_version);
}

pub(super) fn vet_json(condition: &mut JsonCondition, section: &mut Section<'_, '_>) {
    const WAYS: [&str; 6] = ["equals", "differs", "contains", "above", "below", "exists"];
    if !WAYS.contains(&condition.is.as_str()) {
        refuse(section, "is", &format!("is: read {}, expected {}", quote(&condition.is), alternatives(&WAYS)));
    }
    if matches!(condition.is.as_str(), "above" | "below") && condition.value.parse::<f64>().is_err() {
        refuse(section, "value", &format!("value: read {}, expected a number", quote(&condition.value)));
    }
    vet_texts(section, &[("path", &condition.path, NAME_CHARS_MAX), ("value", &condition.value, TEXT_CHARS_MAX)]);
}

pub(super) fn vet_tcp(tcp: &mut TcpCheck, section: &mut Section<'_, '_>) {
    vet_address(section, &tcp.address);
    vet_regexes(section, "expect", [&tcp.expect]);
    vet_texts(section, &[("send", &tcp.send, TEXT_CHARS_MAX)]);
}

pub(super) fn vet_dns(dns: &mut DnsCheck, section: &mut Section<'_, '_>) {
    if dns.name.is_empty() {
        refuse(section, "name", "name: nothing is asked about");
    }
    dns.kind = dns.kind.to_ascii_uppercase();
    vet_regexes(section, "matches", &dns.matches);
    vet_texts(section, &[("name", &dns.name, 255), ("type", &dns.kind, 10), ("server", &dns.server, 300)]);
}

pub(super) fn vet_ping(ping: &mut PingCheck, section: &mut Section<'_, '_>) {
    if ping.host.is_empty() || ping.host.contains([' ', '/']) {
        refuse(section, "host", &format!("host: read {}, expected a name or an address", quote(&ping.host)));
    }
    vet_ip_version(section, &ping.ip_version);
}

pub(super) fn vet_grpc(grpc: &mut GrpcCheck, section: &mut Section<'_, '_>) {
    vet_address(section, &grpc.address);
}

pub(super) fn vet_heartbeat(heartbeat: &mut HeartbeatCheck, section: &mut Section<'_, '_>) {
    let location = Location::parse(&heartbeat.time_zone);
    if location.is_none() {
        refuse(section, "time_zone", &format!("time_zone: there is no place {}", quote(&heartbeat.time_zone)));
    }
    match (heartbeat.every.ms() > 0, heartbeat.cron.is_empty()) {
        (true, true) => vet_duration(section, "every", heartbeat.every, SECOND, YEAR),
        (false, false) => {
            if let Err(why) = Recurrence::parse(&heartbeat.cron, location.unwrap_or(Location::Utc)) {
                refuse(section, "cron", &format!("cron: {why}"));
            }
        }
        _ => {
            let at = section.at;
            section.report.error(at, "a heartbeat comes either every so often or by a cron expression");
        }
    }
    vet_duration(section, "grace", heartbeat.grace, SECOND, YEAR);
    if !heartbeat.token.is_empty() && (heartbeat.token.expose().len() < 16 || !heartbeat.token.expose().bytes().all(is_token_byte)) {
        refuse(section, "token", "token: at least 16 letters, digits, - and _, so that nobody guesses it; leave it out and one is made");
    }
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

pub(super) fn vet_query(query: &mut QueryCheck, section: &mut Section<'_, '_>) {
    if !matches!(query.language.as_str(), "promql" | "logql") {
        refuse(section, "language", &format!("language: read {}, expected promql or logql", quote(&query.language)));
    }
    if query.expr.trim().is_empty() {
        refuse(section, "expr", "expr: there is no query");
    }
}

pub(super) fn vet_module(module: &mut ModuleCheck, section: &mut Section<'_, '_>) {
    for (key, text) in [("module", &module.module), ("target", &module.target)] {
        if text.is_empty() {
            refuse(section, key, &format!("{key}: nothing is set"));
        }
    }
}

pub(super) fn vet_address(section: &mut Section<'_, '_>, address: &str) {
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        refuse(section, "address", &format!("address: read {}, expected host:port", quote(address)));
    }
}

fn vet_ip_version(section: &mut Section<'_, '_>, version: &str) {
    if !matches!(version, "" | "4" | "6") {
        refuse(section, "ip_version", &format!("ip_version: read {}, expected 4 or 6", quote(version)));
    }
}

pub(super) fn vet_regexes<'t>(section: &mut Section<'_, '_>, key: &'static str, texts: impl IntoIterator<Item = &'t String>) {
    let mut count = 0;
    for text in texts {
        count += 1;
        if text.len() > TEXT_CHARS_MAX {
            refuse(section, key, &format!("{key}: longer than {TEXT_CHARS_MAX} characters"));
        } else if let Err(why) = Pattern::new(text) {
            refuse(section, key, &format!("{key}: {why}"));
        }
    }
    vet_count(section, key, count);
}

pub(super) fn vet_count(section: &mut Section<'_, '_>, key: &'static str, count: usize) {
    if count > CONDITIONS_MAX {
        refuse(section, key, &format!("{key}: {count} are too many, {CONDITIONS_MAX} may be"));
    }
}

pub(super) fn vet_texts(section: &mut Section<'_, '_>, texts: &[(&'static str, &String, usize)]) {
    for (key, text, most) in texts {
        if text.chars().count() > *most {
            refuse(section, key, &format!("{key}: longer than {most} characters"));
        }
    }
}

fn vet_duration(section: &mut Section<'_, '_>, key: &'static str, found: Duration, least: Duration, most: Duration) {
    if found < least || found > most {
        refuse(section, key, &format!("{key}: read {found}, expected {least} to {most}"));
    }
}

/// A length of time that need not be set.
pub(super) fn vet_duration_within_day(section: &mut Section<'_, '_>, key: &'static str, found: Duration) {
    if found > DAY {
        refuse(section, key, &format!("{key}: read {found}, expected at most {DAY}"));
    }
}

pub(super) fn refuse(section: &mut Section<'_, '_>, key: &str, message: &str) {
    let at = section.value_place(key);
    section.report.error(at, message.to_owned());
}
