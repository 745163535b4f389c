//! What a module says, as plain values with upstream's defaults.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::services::DockerHost;
use super::{JsonCondition, Pattern};
use crate::base::secret::Secret;
use crate::platform::config::http_client::{HttpClientConfig, TlsConfig};

/// How to probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// How long it may take; none for as long as whoever asks waits.
    pub timeout: Option<Duration>,
    /// By which protocol.
    pub way: Way,
}

/// A protocol, with what is to hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// HTTP and HTTPS.
    Http(Box<HttpModule>),
    /// A TCP connection, and what is said on it.
    Tcp(Box<TcpModule>),
    /// A question to a name server.
    Dns(Box<DnsModule>),
    /// An echo request.
    Icmp(IcmpModule),
    /// A health check of gRPC.
    Grpc(Box<GrpcModule>),
    /// A Unix socket, and what is said on it.
    Unix(Box<UnixModule>),
    /// A WebSocket, and what is said on it.
    Websocket(Box<WebsocketModule>),
    /// A mail server. This and those below stand in no file of modules: checks alone say so.
    Smtp(Box<SmtpModule>),
    /// A database of PostgreSQL.
    Postgres(Box<PostgresModule>),
    /// A server of Redis.
    Redis(Box<RedisModule>),
    /// A container.
    Docker(Box<DockerModule>),
    /// A domain that somebody has to pay for again.
    Domain(Box<DomainModule>),
}

impl Way {
    /// The word for it in the file.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
            Self::Dns(_) => "dns",
            Self::Icmp(_) => "icmp",
            Self::Grpc(_) => "grpc",
            Self::Unix(_) => "unix",
            Self::Websocket(_) => "websocket",
            Self::Smtp(_) => "smtp",
            Self::Postgres(_) => "postgres",
            Self::Redis(_) => "redis",
            Self::Docker(_) => "docker",
            Self::Domain(_) => "domain",
        }
    }
}

/// Which kind of address is taken when a name has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preference {
    /// IPv4 rather than IPv6.
    pub ip4: bool,
    /// Whether the other kind will do.
    pub fallback: bool,
}

impl Default for Preference {
    fn default() -> Self {
        Self { ip4: false, fallback: true }
    }
}

/// HTTP and HTTPS.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HttpModule {
    /// Statuses that are right; empty for 200 to 299.
    pub valid_status_codes: Vec<i64>,
    /// Versions that are right, such as `HTTP/1.1`; empty for any.
    pub valid_http_versions: Vec<String>,
    /// Which address is taken.
    pub address: Preference,
    /// Whether a proxy, if there is one, finds the address.
    pub skip_resolve_phase_with_proxy: bool,
    /// Whether TLS is wrong.
    pub fail_if_ssl: bool,
    /// Whether no TLS is wrong.
    pub fail_if_not_ssl: bool,
    /// Empty for GET.
    pub method: String,
    /// Headers to send.
    pub headers: BTreeMap<String, String>,
    /// Must not be found in the body.
    pub fail_if_body_matches: Vec<Pattern>,
    /// Must be found in the body.
    pub fail_if_body_not_matches: Vec<Pattern>,
    /// Must not be found in headers.
    pub fail_if_header_matches: Vec<HeaderMatch>,
    /// Must be found in headers.
    pub fail_if_header_not_matches: Vec<HeaderMatch>,
    /// The body to send.
    pub body: String,
    /// A file that holds it.
    pub body_file: String,
    /// How the answer is packed, in lower case; empty when it is not to be unpacked.
    pub compression: String,
    /// What must hold of an answer in JSON. Only checks say so, no file of modules.
    pub json: Vec<JsonCondition>,
    /// Most bytes of an answer; 0 for any.
    pub body_size_limit: u64,
    /// Authentication, TLS, proxy.
    pub client: HttpClientConfig,
}

/// A header and what is looked for in it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeaderMatch {
    /// Its name.
    pub header: String,
    /// What is looked for.
    pub regexp: Pattern,
    /// Whether an answer without it will do.
    pub allow_missing: bool,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// A line that has to come.
    pub expect: Option<Pattern>,
    /// Bytes that have to come.
    pub expect_bytes: String,
    /// Labels made of what was found, with their templates.
    pub labels: Vec<(String, String)>,
    /// A line to send.
    pub send: String,
    /// Whether TLS begins now.
    pub starttls: bool,
}

/// A TCP connection, and what is said on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TcpModule {
    /// Which address is taken.
    pub address: Preference,
    /// From which address to connect.
    pub source: Option<IpAddr>,
    /// The conversation.
    pub steps: Vec<Step>,
    /// Whether TLS begins at once.
    pub is_tls: bool,
    /// Certificates and versions.
    pub tls: TlsConfig,
}

/// A Unix socket, and what is said on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnixModule {
    /// The conversation.
    pub steps: Vec<Step>,
    /// Whether TLS begins at once.
    pub is_tls: bool,
    /// Certificates and versions.
    pub tls: TlsConfig,
}

/// An echo request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IcmpModule {
    /// Which address is taken.
    pub address: Preference,
    /// From which address to ask.
    pub source: Option<IpAddr>,
    /// Bytes of the payload; 0 for the usual ones.
    pub payload_size: usize,
    /// Whether routers may not split the packet.
    pub dont_fragment: bool,
    /// How many routers it may pass; 0 for the system's number.
    pub ttl: u8,
}

/// A question to a name server.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsModule {
    /// Which address is taken.
    pub address: Preference,
    /// From which address to ask.
    pub source: Option<IpAddr>,
    /// Whether TLS is spoken.
    pub is_tls: bool,
    /// Certificates and versions.
    pub tls: TlsConfig,
    /// Whether TCP rather than UDP; other words are kept and refused when probing, as upstream.
    pub transport: String,
    /// Name of the class; empty for IN.
    pub query_class: String,
    /// What is asked about.
    pub query_name: String,
    /// Name of the type; empty for ANY.
    pub query_type: String,
    /// Whether the server is to ask others.
    pub recursion: bool,
    /// Codes that are right; none for NOERROR.
    pub valid_rcodes: Option<Vec<String>>,
    /// What is to hold of the answers.
    pub answer: DnsRecords,
    /// What is to hold of the authorities.
    pub authority: DnsRecords,
    /// What is to hold of the additional records.
    pub additional: DnsRecords,
}

impl Default for DnsModule {
    fn default() -> Self {
        Self {
            address: Preference::default(),
            source: None,
            is_tls: false,
            tls: TlsConfig::default(),
            transport: String::new(),
            query_class: String::new(),
            query_name: String::new(),
            query_type: String::new(),
            recursion: true,
            valid_rcodes: None,
            answer: DnsRecords::default(),
            authority: DnsRecords::default(),
            additional: DnsRecords::default(),
        }
    }
}

/// What is to hold of the records of one section.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DnsRecords {
    /// None may match any of these.
    pub fail_if_matches: Vec<Pattern>,
    /// Not all may match all of these.
    pub fail_if_all_match: Vec<Pattern>,
    /// All must match all of these.
    pub fail_if_not_matches: Vec<Pattern>,
    /// One must match one of these.
    pub fail_if_none_matches: Vec<Pattern>,
}

/// A health check of gRPC.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GrpcModule {
    /// The service asked about; empty for the server.
    pub service: String,
    /// Whether TLS is spoken.
    pub is_tls: bool,
    /// Certificates and versions.
    pub tls: TlsConfig,
    /// Which address is taken.
    pub address: Preference,
    /// Headers to send.
    pub metadata: BTreeMap<String, Vec<String>>,
}

/// A WebSocket, and what is said on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WebsocketModule {
    /// Headers to send with the request.
    pub headers: BTreeMap<String, String>,
    /// Which address is taken.
    pub address: Preference,
    /// The conversation; each turn is a message.
    pub steps: Vec<Step>,
    /// Whether messages that do not match are passed over. In a file of modules the next one has to match.
    pub is_patient: bool,
    /// Authentication and TLS.
    pub client: HttpClientConfig,
}

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsUse {
    /// Never.
    #[default]
    None,
    /// At once.
    AtOnce,
    /// When both sides said so.
    Later,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SmtpModule {
    /// When TLS begins.
    pub begins_tls: TlsUse,
    /// Certificates and versions.
    pub tls: TlsConfig,
}

/// A database of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PostgresModule {
    /// Empty for the one named as the user.
    pub database: String,
    /// Who signs in.
    pub username: String,
    /// With which password.
    pub password: Secret,
    /// Whether TLS is spoken.
    pub is_tls: bool,
    /// Certificates and versions.
    pub tls: TlsConfig,
    /// What is asked; empty for nothing but an answer.
    pub query: String,
}

/// A server of Redis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RedisModule {
    /// Who signs in; empty for the usual user.
    pub username: String,
    /// With which password; empty for nobody signs in.
    pub password: Secret,
    /// Whether TLS is spoken.
    pub is_tls: bool,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerModule {
    /// Where the engine listens.
    pub host: DockerHost,
}

/// A domain that somebody has to pay for again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DomainModule {
    /// Days that it must be registered for at least.
    pub days: u64,
    /// Whom to ask; empty for the registry.
    pub server: String,
}
