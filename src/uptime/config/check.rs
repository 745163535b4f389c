//! A check as people write it: in YAML, in JSON by the API, in a form. One kind of probe, how often, how patiently.

use std::collections::BTreeMap;

use super::goal::Goal;
pub use super::services::{DockerCheck, DomainCheck, GroupCheck, PostgresCheck, RedisCheck, SmtpCheck, WebsocketCheck};
use super::vet;
use crate::base::location::Location;
use crate::base::masked;
use crate::base::secret::Secret;
use crate::base::time::Duration;
use crate::platform::config::keys::keys;
use crate::platform::config::value::{FilePath, LooseUrl};
use crate::uptime::model::recurrence::Recurrence;

/// Characters of a name at most.
pub const NAME_CHARS_MAX: usize = 200;
/// How long a probe may take unless it says so; never longer than its interval.
const TIMEOUT_USUAL: Duration = Duration::from_secs(10);

keys! {
    /// A check.
    Check, "check", check = vet::vet;
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
    /// The share of a month in which it is to be up, in percent, such as 99.9; none for no goal.
    goal: Goal,
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
    HttpCheck, "http", check = vet::vet_http;
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
    JsonCondition, "json", check = vet::vet_json;
    /// Where, such as `status` or `items[0].price`.
    path: String,
    /// `equals`, `differs`, `contains`, `above`, `below` or `exists`.
    is: String = "equals",
    /// With what it is compared.
    value: String,
}

keys! {
    /// A port.
    TcpCheck, "tcp", check = vet::vet_tcp;
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
    DnsCheck, "dns", check = vet::vet_dns;
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
    PingCheck, "ping", check = vet::vet_ping;
    /// Its name or address.
    host: String,
    /// `4` or `6` for only that; empty for either.
    ip_version: String,
    /// Longest time that is right; 0 for any.
    latency_max: Duration,
}

keys! {
    /// A gRPC server's own word on its health.
    GrpcCheck, "grpc", check = vet::vet_grpc;
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
    HeartbeatCheck, "heartbeat", check = vet::vet_heartbeat;
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
    QueryCheck, "query", check = vet::vet_query;
    /// `promql` or `logql`.
    language: String = "promql",
    /// The query.
    expr: String,
}

keys! {
    /// A module of `blackbox.yml`.
    ModuleCheck, "module", check = vet::vet_module;
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
    pub(super) fn kinds(&self) -> [(&'static str, bool); 15] {
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
