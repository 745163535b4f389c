//! Checks of services that speak a protocol of their own: WebSockets, mail, databases, containers, names that end; and
//! groups of other checks.

use std::collections::BTreeMap;

use super::check::NAME_CHARS_MAX;
use super::vet::{refuse, vet_address, vet_count, vet_duration_within_day, vet_regexes, vet_texts};
use crate::base::quote::quote;
use crate::base::secret::Secret;
use crate::base::time::Duration;
use crate::platform::config::keys::keys;
use crate::platform::config::section::{Section, alternatives};
use crate::platform::config::value::LooseUrl;

/// Bytes of a message or a query at most.
const MESSAGE_CHARS_MAX: usize = 10_000;
/// Members of a group at most.
const MEMBERS_MAX: usize = 200;
/// Most days that something may have to hold still.
const DAYS_MAX: u64 = 3_650;
/// Where Docker listens unless somebody moved it.
pub const DOCKER_SOCKET: &str = "unix:///var/run/docker.sock";
/// How often a registry is asked at most, where it is not one's own.
const DOMAIN_INTERVAL_MIN: Duration = Duration::from_secs(600);
/// How often a domain is looked at unless the check says so.
const DOMAIN_INTERVAL_USUAL: Duration = Duration::from_secs(3600);

keys! {
    /// A server that speaks WebSocket.
    WebsocketCheck, "websocket", check = vet_websocket;
    /// Its address, `ws` or `wss`.
    url: LooseUrl,
    /// Headers to send with the request.
    headers: BTreeMap<String, String>,
    /// A message to send when the connection is open.
    send: String,
    /// A regular expression that a message must match.
    expect: String,
    /// Days that the certificate must be valid at least; 0 for any.
    certificate_days: u64 = 0_u64 => 0_u64,
    /// Whether any certificate is taken.
    insecure_skip_verify: bool => false,
    /// Longest time that is right; 0 for any.
    latency_max: Duration,
}

keys! {
    /// A mail server.
    SmtpCheck, "smtp", check = vet_smtp;
    /// `host:port`.
    address: String,
    /// Whether TLS is to begin by STARTTLS.
    starttls: bool => false,
    /// Whether TLS is spoken from the first byte.
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
    /// A database of PostgreSQL.
    PostgresCheck, "postgres", check = vet_postgres;
    /// `host:port`.
    address: String,
    /// Which database; empty for the one named as the user.
    database: String,
    /// Who signs in.
    username: String = "postgres",
    /// With which password.
    password: Secret,
    /// `disable`, `require` (any certificate) or `verify`.
    tls: String = "disable",
    /// What is asked; its first row must begin with something that is neither null, false nor 0.
    query: String,
    /// Longest time that is right; 0 for any.
    latency_max: Duration,
}

keys! {
    /// A server of Redis, or of what speaks as it does.
    RedisCheck, "redis", check = vet_redis;
    /// `host:port`.
    address: String,
    /// Who signs in; empty for the server's usual user.
    username: String,
    /// With which password; empty for nobody signs in.
    password: Secret,
    /// Whether TLS is spoken.
    tls: bool => false,
    /// Longest time that is right; 0 for any.
    latency_max: Duration,
}

keys! {
    /// A container of Docker, or of what answers as it does.
    DockerCheck, "docker", check = vet_docker;
    /// Its name or number.
    container: String,
    /// Where the engine listens: `unix:///path` or `tcp://host:port`.
    host: String = DOCKER_SOCKET,
}

keys! {
    /// A domain that somebody has to pay for again.
    DomainCheck, "domain", check = vet_domain;
    /// The domain, such as `example.org`.
    name: String,
    /// Days that it must be registered for at least.
    days: u64 = 30_u64,
    /// Whom to ask by RDAP; empty for the registry.
    server: LooseUrl,
}

keys! {
    /// Other checks, of which all or enough must be up.
    GroupCheck, "group", check = vet_group;
    /// Their names.
    checks: Vec<String>,
    /// How many must be up; 0 for all.
    up_min: u64 = 0_u64 => 0_u64,
}

/// How often a check of a domain is made: rarely, unless it says so.
pub(super) fn domain_interval(found: Duration, section: &mut Section<'_, '_>, domain: &DomainCheck) -> Duration {
    if !section.pairs().iter().any(|(key, _)| &*key.text == "interval") {
        return DOMAIN_INTERVAL_USUAL;
    }
    if domain.server.0.is_empty() && found < DOMAIN_INTERVAL_MIN {
        let message = format!("interval: read {found}, expected at least {DOMAIN_INTERVAL_MIN}: registries turn away who asks more often");
        refuse(section, "interval", &message);
    }
    found
}

fn vet_websocket(websocket: &mut WebsocketCheck, section: &mut Section<'_, '_>) {
    match url::Url::parse(&websocket.url.0) {
        Ok(url) if matches!(url.scheme(), "ws" | "wss") && url.has_host() => {}
        _ => {
            let read = quote(&websocket.url.0);
            refuse(section, "url", &format!("url: read {read}, expected an address such as wss://example.org/"));
        }
    }
    for (name, value) in &websocket.headers {
        if name.parse::<http::HeaderName>().is_err() || http::HeaderValue::from_str(value).is_err() {
            refuse(section, "headers", &format!("headers: {} or its value cannot stand in a header", quote(name)));
        }
    }
    vet_count(section, "headers", websocket.headers.len());
    vet_texts(section, &[("send", &websocket.send, MESSAGE_CHARS_MAX)]);
    vet_regexes(section, "expect", [&websocket.expect]);
    vet_days(section, "certificate_days", websocket.certificate_days);
    vet_duration_within_day(section, "latency_max", websocket.latency_max);
}

fn vet_smtp(smtp: &mut SmtpCheck, section: &mut Section<'_, '_>) {
    vet_address(section, &smtp.address);
    if smtp.tls && smtp.starttls {
        refuse(section, "starttls", "starttls: either TLS from the first byte (tls) or by STARTTLS");
    }
    vet_texts(section, &[("server_name", &smtp.server_name, NAME_CHARS_MAX)]);
    vet_days(section, "certificate_days", smtp.certificate_days);
    vet_duration_within_day(section, "latency_max", smtp.latency_max);
}

fn vet_postgres(postgres: &mut PostgresCheck, section: &mut Section<'_, '_>) {
    const WAYS: [&str; 3] = ["disable", "require", "verify"];
    vet_address(section, &postgres.address);
    if !WAYS.contains(&postgres.tls.as_str()) {
        refuse(section, "tls", &format!("tls: read {}, expected {}", quote(&postgres.tls), alternatives(&WAYS)));
    }
    if postgres.username.is_empty() {
        refuse(section, "username", "username: nobody is named who signs in");
    }
    for (key, text) in [("username", &postgres.username), ("database", &postgres.database), ("query", &postgres.query)] {
        if text.contains('\0') {
            refuse(section, key, &format!("{key}: it has a byte that PostgreSQL takes for the end"));
        }
    }
    vet_texts(
        section,
        &[
            ("username", &postgres.username, NAME_CHARS_MAX),
            ("database", &postgres.database, NAME_CHARS_MAX),
            ("query", &postgres.query, MESSAGE_CHARS_MAX),
        ],
    );
    vet_duration_within_day(section, "latency_max", postgres.latency_max);
}

fn vet_redis(redis: &mut RedisCheck, section: &mut Section<'_, '_>) {
    vet_address(section, &redis.address);
    if redis.password.is_empty() && !redis.username.is_empty() {
        refuse(section, "password", "password: who signs in has one");
    }
    vet_texts(section, &[("username", &redis.username, NAME_CHARS_MAX)]);
    vet_duration_within_day(section, "latency_max", redis.latency_max);
}

fn vet_docker(docker: &mut DockerCheck, section: &mut Section<'_, '_>) {
    let name = docker.container.strip_prefix('/').unwrap_or(&docker.container).to_owned();
    docker.container = name;
    let is_name = docker.container.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if docker.container.is_empty() || !is_name {
        let read = quote(&docker.container);
        refuse(section, "container", &format!("container: read {read}, expected the name or the number of a container"));
    }
    if DockerHost::parse(&docker.host).is_none() {
        let read = quote(&docker.host);
        refuse(section, "host", &format!("host: read {read}, expected such as {DOCKER_SOCKET} or tcp://host:2375"));
    }
    vet_texts(section, &[("container", &docker.container, NAME_CHARS_MAX), ("host", &docker.host, NAME_CHARS_MAX)]);
}

fn vet_domain(domain: &mut DomainCheck, section: &mut Section<'_, '_>) {
    // As it stands in the DNS: lower case, other alphabets rewritten.
    match url::Host::parse(domain.name.trim().trim_end_matches('.')) {
        Ok(url::Host::Domain(name)) if name.contains('.') && name.len() <= 253 => domain.name = name,
        _ => refuse(section, "name", &format!("name: read {}, expected a domain such as example.org", quote(&domain.name))),
    }
    if domain.days == 0 {
        refuse(section, "days", "days: read 0, expected at least 1");
    }
    vet_days(section, "days", domain.days);
    if !domain.server.0.is_empty() {
        let url = url::Url::parse(&domain.server.0);
        if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            let read = quote(&domain.server.0);
            refuse(section, "server", &format!("server: read {read}, expected an address such as https://rdap.example.org/"));
        }
    }
}

fn vet_group(group: &mut GroupCheck, section: &mut Section<'_, '_>) {
    let count = group.checks.len();
    if count == 0 || count > MEMBERS_MAX {
        refuse(section, "checks", &format!("checks: a group has 1 to {MEMBERS_MAX} checks, this one has {count}"));
    }
    let mut seen = std::collections::HashSet::new();
    for name in &group.checks {
        if !seen.insert(name) {
            refuse(section, "checks", &format!("checks: {} stands here twice", quote(name)));
        }
        vet_texts(section, &[("checks", name, NAME_CHARS_MAX)]);
    }
    if group.up_min > u64::try_from(count).unwrap_or(u64::MAX) {
        refuse(section, "up_min", &format!("up_min: read {}, and the group has {count} checks", group.up_min));
    }
}

fn vet_days(section: &mut Section<'_, '_>, key: &'static str, days: u64) {
    if days > DAYS_MAX {
        refuse(section, key, &format!("{key}: read {days}, expected at most {DAYS_MAX}"));
    }
}

/// Where an engine of containers listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerHost {
    /// A socket on this machine.
    Unix(String),
    /// `host:port`.
    Tcp(String),
}

impl DockerHost {
    /// Reads `unix:///path`, `tcp://host:port` and `http://host:port`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix://") {
            return path.starts_with('/').then(|| Self::Unix(path.to_owned()));
        }
        let address = text.strip_prefix("tcp://").or_else(|| text.strip_prefix("http://"))?.trim_end_matches('/');
        let (host, port) = address.rsplit_once(':')?;
        (!host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()).then(|| Self::Tcp(address.to_owned()))
    }
}
