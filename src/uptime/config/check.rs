//! A check as people write it: in YAML, in JSON by the API, in a form. One kind of probe, how often, how patiently.

use std::collections::BTreeMap;

use super::Pattern;
use super::services::domain_interval;
pub use super::services::{DockerCheck, DomainCheck, GroupCheck, PostgresCheck, RedisCheck, SmtpCheck, WebsocketCheck};
use crate::base::location::Location;
use crate::base::masked;
use crate::base::quote::quote;
use crate::base::secret::Secret;
use crate::base::time::Duration;
use crate::platform::config::keys::keys;
use crate::platform::config::section::{Section, alternatives};
use crate::platform::config::value::{FilePath, LooseUrl};
use crate::uptime::model::recurrence::Recurrence;

/// Characters of a name at most.
pub const NAME_CHARS_MAX: usize = 200;
/// Characters of any other text at most.
const TEXT_CHARS_MAX: usize = 10_000;
/// Labels of a check at most.
const LABELS_MAX: usize = 20;
/// Conditions of one kind at most.
const CONDITIONS_MAX: usize = 50;
/// Longest that a probe may take.
const TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// How long a probe may take unless it says so; never longer than its interval.
const TIMEOUT_USUAL: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(366 * 86_400);
/// Labels that every series of a check has already.
const LABELS_TAKEN: [&str; 6] = ["check", "kind", "job", "instance", "alertname", "cause"];

keys! {
    /// A check.
    Check, "check", check = vet;
    /// Names it; no other has it.
    name: String,
    /// For people.
    note: String,
    /// How often it is probed.
    interval: Duration = Duration::from_secs(30),
    /// How long a probe may take; 0 for 10 seconds, or the interval where that is shorter.
    timeout: Duration,
    /// Failures after the first until it counts as down.
    retries: u64 = 2_u64,
    /// How long after a failure it is probed again while that is not confirmed; 0 for the interval.
    retry_interval: Duration,
    /// Successes after the first until it counts as up again.
    recoveries: u64 => 0_u64,
    /// Whether an answer is what is wrong.
    upside_down: bool => false,
    /// Whether nobody wants to know.
    paused: bool => false,
    /// The check without which this one cannot be up; nobody is told of this one while that is down.
    parent: String,
    /// Labels of its series and alerts.
    labels: BTreeMap<String, String>,
    /// The label `severity` of its alerts.
    severity: String = "critical",
    /// A page or an API.
    http: Option<Box<HttpCheck>>,
    /// A port.
    tcp: Option<Box<TcpCheck>>,
    /// A name in the DNS.
    dns: Option<Box<DnsCheck>>,
    /// A host that echoes.
    ping: Option<Box<PingCheck>>,
    /// A gRPC server's own word on its health.
    grpc: Option<Box<GrpcCheck>>,
    /// A server that speaks WebSocket.
    websocket: Option<Box<WebsocketCheck>>,
    /// A mail server.
    smtp: Option<Box<SmtpCheck>>,
    /// A database of PostgreSQL.
    postgres: Option<Box<PostgresCheck>>,
    /// A server of Redis.
    redis: Option<Box<RedisCheck>>,
    /// A container.
    docker: Option<Box<DockerCheck>>,
    /// A domain that somebody has to pay for again.
    domain: Option<Box<DomainCheck>>,
    /// A job that says when it ran.
    heartbeat: Option<Box<HeartbeatCheck>>,
    /// A query that finds something as long as all is well.
    query: Option<Box<QueryCheck>>,
    /// A module of `blackbox.yml`.
    module: Option<Box<ModuleCheck>>,
    /// Other checks, of which all or enough must be up.
    group: Option<Box<GroupCheck>>,
}

keys! {
    /// A page or an API.
    HttpCheck, "http", check = vet_http;
    /// Its address.
    url: LooseUrl,
    /// Method of the request.
    method: String = "GET",
    /// Headers to send.
    headers: BTreeMap<String, String>,
    /// Body to send.
    body: String,
    /// Name for basic authentication.
    username: String,
    /// Password for it.
    password: Secret,
    /// Token to send as `Authorization: Bearer`.
    bearer_token: Secret,
    /// Statuses that are right, such as `200`, `301-308`, `4xx`; none for 200 to 299.
    status: Vec<String>,
    /// Texts that must be in the answer.
    contains: Vec<String>,
    /// Texts that must not.
    lacks: Vec<String>,
    /// Regular expressions that must match the answer.
    matches: Vec<String>,
    /// Headers that the answer must have, with what their value must match.
    header_matches: BTreeMap<String, String>,
    /// What must hold of an answer in JSON.
    json: Vec<JsonCondition>,
    /// Longest time that is right; 0 for any.
    latency_max: Duration,
    /// Whether redirects are followed.
    redirects: bool = true => true,
    /// Whether HTTP/2 is offered.
    http2: bool = true => true,
    /// `4` or `6` for only that; empty for either.
    ip_version: String,
    /// Days that the certificate must be valid at least; 0 for any.
    certificate_days: u64 = 0_u64 => 0_u64,
    /// Whether any certificate is taken.
    insecure_skip_verify: bool => false,
    /// Authority in PEM; empty for those of the system.
    ca_file: FilePath,
    /// Certificate to show.
    cert_file: FilePath,
    /// Its key.
    key_file: FilePath,
    /// Name to expect in the certificate; empty for the host.
    server_name: String,
    /// Proxy to go through.
    proxy_url: LooseUrl,
}

keys! {
    /// What must hold of an answer in JSON.
    JsonCondition, "json", check = vet_json;
    /// Where, such as `status` or `items[0].price`.
    path: String,
    /// `equals`, `differs`, `contains`, `above`, `below` or `exists`.
    is: String = "equals",
    /// With what it is compared.
    value: String,
}

keys! {
    /// A port.
    TcpCheck, "tcp", check = vet_tcp;
    /// `host:port`.
    address: String,
    /// What to send when the connection is open.
    send: String,
    /// A regular expression that a line of the answer must match.
    expect: String,
    /// Whether TLS is spoken.
    tls: bool => false,
    /// Days that the certificate must be valid at least; 0 for any.
    certificate_days: u64 = 0_u64 => 0_u64,
    /// Whether any certificate is taken.
    insecure_skip_verify: bool => false,
    /// Name to expect in the certificate; empty for the host.
    server_name: String,
    /// Longest time that is right; 0 for any.
    latency_max: Duration,
}

keys! {
    /// A name in the DNS.
    DnsCheck, "dns", check = vet_dns;
    /// What is asked about.
    name: String,
    /// Type of the record.
    kind as "type": String = "A",
    /// Who is asked, `host` or `host:port`; empty for the name server of this machine.
    server: String,
    /// Regular expressions of which each must match a record.
    matches: Vec<String>,
    /// Longest time that is right; 0 for any.
    latency_max: Duration,
}

keys! {
    /// A host that echoes.
    PingCheck, "ping", check = vet_ping;
    /// Its name or address.
    host: String,
    /// `4` or `6` for only that; empty for either.
    ip_version: String,
    /// Longest time that is right; 0 for any.
    latency_max: Duration,
}

keys! {
    /// A gRPC server's own word on its health.
    GrpcCheck, "grpc", check = vet_grpc;
    /// `host:port`.
    address: String,
    /// The service asked about; empty for the server.
    service: String,
    /// Whether TLS is spoken.
    tls: bool => false,
    /// Whether any certificate is taken.
    insecure_skip_verify: bool => false,
}

keys! {
    /// A job that says when it ran.
    HeartbeatCheck, "heartbeat", check = vet_heartbeat;
    /// How often it runs, where that is all there is to say.
    every: Duration,
    /// When it runs, as a cron expression.
    cron: String,
    /// By whose clock; empty for UTC.
    time_zone: String,
    /// How late it may be.
    grace: Duration = Duration::from_secs(60),
    /// The secret part of the address that it calls; made when it is empty.
    token: Secret,
}

keys! {
    /// A query that finds something as long as all is well.
    QueryCheck, "query", check = vet_query;
    /// `promql` or `logql`.
    language: String = "promql",
    /// The query.
    expr: String,
}

keys! {
    /// A module of `blackbox.yml`.
    ModuleCheck, "module", check = vet_module;
    /// Its name.
    module: String,
    /// What is probed.
    target: String,
}

impl Check {
    /// The word for its kind, as its key in the file.
    pub fn kind(&self) -> &'static str {
        self.kinds().into_iter().find(|(_, is_set)| *is_set).map_or("", |(kind, _)| kind)
    }

    /// Every kind, and whether it is this one's.
    fn kinds(&self) -> [(&'static str, bool); 15] {
        [
            ("http", self.http.is_some()),
            ("tcp", self.tcp.is_some()),
            ("dns", self.dns.is_some()),
            ("ping", self.ping.is_some()),
            ("grpc", self.grpc.is_some()),
            ("websocket", self.websocket.is_some()),
            ("smtp", self.smtp.is_some()),
            ("postgres", self.postgres.is_some()),
            ("redis", self.redis.is_some()),
            ("docker", self.docker.is_some()),
            ("domain", self.domain.is_some()),
            ("heartbeat", self.heartbeat.is_some()),
            ("query", self.query.is_some()),
            ("module", self.module.is_some()),
            ("group", self.group.is_some()),
        ]
    }

    /// Of a group: the names of its members.
    pub fn members(&self) -> &[String] {
        self.group.as_ref().map_or(&[], |group| &group.checks)
    }

    /// What is probed, for people and the label `instance`; no secret in it.
    pub fn target(&self) -> String {
        if let Some(http) = &self.http {
            return masked::url(&http.url.0).into();
        }
        let dns = self.dns.as_ref().map(|dns| format!("{} {}", dns.name, dns.kind));
        let others = [
            self.tcp.as_ref().map(|tcp| tcp.address.clone()),
            dns,
            self.ping.as_ref().map(|ping| ping.host.clone()),
            self.grpc.as_ref().map(|grpc| grpc.address.clone()),
            self.websocket.as_ref().map(|websocket| masked::url(&websocket.url.0).into()),
            self.smtp.as_ref().map(|smtp| smtp.address.clone()),
            self.postgres.as_ref().map(|postgres| postgres_target(postgres)),
            self.redis.as_ref().map(|redis| redis.address.clone()),
            self.docker.as_ref().map(|docker| docker.container.clone()),
            self.domain.as_ref().map(|domain| domain.name.clone()),
            self.group.as_ref().map(|group| group.checks.join(", ").chars().take(NAME_CHARS_MAX).collect()),
            self.query.as_ref().map(|query| query.expr.clone()),
            self.module.as_ref().map(|module| masked::url(&module.target).into()),
        ];
        others.into_iter().flatten().next().unwrap_or_default()
    }

    /// Of a heartbeat: until when the next has to come after one at `at`, with its grace. Milliseconds since the Unix
    /// epoch.
    pub fn deadline_after(&self, at: i64) -> Option<i64> {
        let heartbeat = self.heartbeat.as_ref()?;
        let next = if heartbeat.every.ms() > 0 {
            at.saturating_add(heartbeat.every.ms())
        } else {
            let location = Location::parse(&heartbeat.time_zone).unwrap_or(Location::Utc);
            Recurrence::parse(&heartbeat.cron, location).ok()?.next_after(at)?
        };
        Some(next.saturating_add(heartbeat.grace.ms()))
    }

    /// How long a probe may take.
    pub fn timeout(&self) -> Duration {
        if self.timeout.ms() > 0 { self.timeout } else { TIMEOUT_USUAL.min(self.interval) }
    }

    /// Longest time that is right, if there is one.
    pub fn latency_max(&self) -> Option<Duration> {
        let limits = [
            self.http.as_ref().map(|http| http.latency_max),
            self.tcp.as_ref().map(|tcp| tcp.latency_max),
            self.dns.as_ref().map(|dns| dns.latency_max),
            self.ping.as_ref().map(|ping| ping.latency_max),
            self.websocket.as_ref().map(|websocket| websocket.latency_max),
            self.smtp.as_ref().map(|smtp| smtp.latency_max),
            self.postgres.as_ref().map(|postgres| postgres.latency_max),
            self.redis.as_ref().map(|redis| redis.latency_max),
        ];
        limits.into_iter().flatten().find(|limit| limit.ms() > 0)
    }

    /// Days that a certificate must be valid at least, if that matters.
    pub fn certificate_days(&self) -> Option<u64> {
        let limits = [
            self.http.as_ref().map(|http| http.certificate_days),
            self.tcp.as_ref().map(|tcp| tcp.certificate_days),
            self.websocket.as_ref().map(|websocket| websocket.certificate_days),
            self.smtp.as_ref().map(|smtp| smtp.certificate_days),
        ];
        limits.into_iter().flatten().find(|days| *days > 0)
    }
}

/// A database, for people.
fn postgres_target(postgres: &PostgresCheck) -> String {
    if postgres.database.is_empty() { postgres.address.clone() } else { format!("{}/{}", postgres.address, postgres.database) }
}

fn vet(check: &mut Check, section: &mut Section<'_, '_>) {
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

fn vet_http(http: &mut HttpCheck, section: &mut Section<'_, '_>) {
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

fn vet_json(condition: &mut JsonCondition, section: &mut Section<'_, '_>) {
    const WAYS: [&str; 6] = ["equals", "differs", "contains", "above", "below", "exists"];
    if !WAYS.contains(&condition.is.as_str()) {
        refuse(section, "is", &format!("is: read {}, expected {}", quote(&condition.is), alternatives(&WAYS)));
    }
    if matches!(condition.is.as_str(), "above" | "below") && condition.value.parse::<f64>().is_err() {
        refuse(section, "value", &format!("value: read {}, expected a number", quote(&condition.value)));
    }
    vet_texts(section, &[("path", &condition.path, NAME_CHARS_MAX), ("value", &condition.value, TEXT_CHARS_MAX)]);
}

fn vet_tcp(tcp: &mut TcpCheck, section: &mut Section<'_, '_>) {
    vet_address(section, &tcp.address);
    vet_regexes(section, "expect", [&tcp.expect]);
    vet_texts(section, &[("send", &tcp.send, TEXT_CHARS_MAX)]);
}

fn vet_dns(dns: &mut DnsCheck, section: &mut Section<'_, '_>) {
    if dns.name.is_empty() {
        refuse(section, "name", "name: nothing is asked about");
    }
    dns.kind = dns.kind.to_ascii_uppercase();
    vet_regexes(section, "matches", &dns.matches);
    vet_texts(section, &[("name", &dns.name, 255), ("type", &dns.kind, 10), ("server", &dns.server, 300)]);
}

fn vet_ping(ping: &mut PingCheck, section: &mut Section<'_, '_>) {
    if ping.host.is_empty() || ping.host.contains([' ', '/']) {
        refuse(section, "host", &format!("host: read {}, expected a name or an address", quote(&ping.host)));
    }
    vet_ip_version(section, &ping.ip_version);
}

fn vet_grpc(grpc: &mut GrpcCheck, section: &mut Section<'_, '_>) {
    vet_address(section, &grpc.address);
}

fn vet_heartbeat(heartbeat: &mut HeartbeatCheck, section: &mut Section<'_, '_>) {
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

fn vet_query(query: &mut QueryCheck, section: &mut Section<'_, '_>) {
    if !matches!(query.language.as_str(), "promql" | "logql") {
        refuse(section, "language", &format!("language: read {}, expected promql or logql", quote(&query.language)));
    }
    if query.expr.trim().is_empty() {
        refuse(section, "expr", "expr: there is no query");
    }
}

fn vet_module(module: &mut ModuleCheck, section: &mut Section<'_, '_>) {
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

/// A range of statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statuses {
    /// First.
    pub from: u16,
    /// Last.
    pub to: u16,
}

impl Statuses {
    /// Reads `200`, `200-299`, `2xx`.
    pub fn parse(text: &str) -> Option<Self> {
        let status = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=999).contains(status));
        if let Some(class) = text.trim().to_ascii_lowercase().strip_suffix("xx") {
            let from = class.parse::<u16>().ok().filter(|class| (1..=9).contains(class))? * 100;
            return Some(Self { from, to: from + 99 });
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let found = Self { from: status(from)?, to: status(to)? };
        (found.from <= found.to).then_some(found)
    }
}
