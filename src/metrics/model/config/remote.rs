//! `remote_write` and `remote_read`.

use std::collections::BTreeMap;

use crate::base::time::Duration;
use crate::platform::config::http_client::{ConfigUrl, HttpClientConfig};
use crate::platform::config::yaml::Node;
use crate::series::relabel::RelabelConfig;

/// One place to which samples are forwarded.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteWriteConfig {
    /// Where.
    pub url: ConfigUrl,
    /// How long one request may take.
    pub remote_timeout: Duration,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// What to do with labels before sending.
    pub write_relabel_configs: Vec<RelabelConfig>,
    /// Name in logs and metrics; empty for a hash of the configuration.
    pub name: String,
    /// Whether exemplars are sent.
    pub send_exemplars: bool,
    /// Whether native histograms are sent.
    pub send_native_histograms: bool,
    /// Whether addresses of the host are used in turn.
    pub round_robin_dns: bool,
    /// Version of the protocol.
    pub protobuf_message: WriteMessage,
    /// Whether refused requests are logged.
    pub failed_request_logging: bool,
    /// How to connect; HTTP/2 is off unless set.
    pub http: HttpClientConfig,
    /// How much to send at once and to keep waiting.
    pub queue_config: QueueConfig,
    /// Whether and how often metadata is sent.
    pub metadata_config: MetadataConfig,
    /// Signing for Amazon; not acted on yet.
    pub sigv4: Option<Node>,
    /// Tokens of Azure; not acted on yet.
    pub azuread: Option<Node>,
    /// Tokens of Google; not acted on yet.
    pub google_iam: Option<Node>,
}

impl RemoteWriteConfig {
    /// Upstream's defaults towards `url`.
    pub fn new(url: ConfigUrl) -> Self {
        Self {
            url,
            remote_timeout: Duration::from_secs(30),
            headers: BTreeMap::new(),
            write_relabel_configs: Vec::new(),
            name: String::new(),
            send_exemplars: false,
            send_native_histograms: false,
            round_robin_dns: false,
            protobuf_message: WriteMessage::V1,
            failed_request_logging: false,
            http: HttpClientConfig { enable_http2: false, ..HttpClientConfig::default() },
            queue_config: QueueConfig::default(),
            metadata_config: MetadataConfig::default(),
            sigv4: None,
            azuread: None,
            google_iam: None,
        }
    }
}

/// Version of the remote write protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMessage {
    /// `prometheus.WriteRequest`
    V1,
    /// `io.prometheus.write.v2.Request`
    V2,
}

impl WriteMessage {
    /// As written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "prometheus.WriteRequest",
            Self::V2 => "io.prometheus.write.v2.Request",
        }
    }
}

/// The queue in front of one remote write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    /// Samples waiting per shard.
    pub capacity: u64,
    /// Most shards (requests at once).
    pub max_shards: u64,
    /// Fewest shards.
    pub min_shards: u64,
    /// Most samples per request.
    pub max_samples_per_send: u64,
    /// Longest wait of a sample before a request goes out unfilled.
    pub batch_send_deadline: Duration,
    /// First pause after a failure.
    pub min_backoff: Duration,
    /// Longest pause.
    pub max_backoff: Duration,
    /// Whether status 429 is tried again.
    pub retry_on_http_429: bool,
    /// Older samples are dropped; 0 for none.
    pub sample_age_limit: Duration,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            capacity: 10_000,
            max_shards: 50,
            min_shards: 1,
            max_samples_per_send: 2_000,
            batch_send_deadline: Duration::from_secs(5),
            min_backoff: Duration::from_ms(30),
            max_backoff: Duration::from_secs(5),
            retry_on_http_429: false,
            sample_age_limit: Duration::from_ms(0),
        }
    }
}

/// Metadata of one remote write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataConfig {
    /// Whether it is sent.
    pub send: bool,
    /// How often.
    pub send_interval: Duration,
    /// Most entries per request.
    pub max_samples_per_send: u64,
}

impl Default for MetadataConfig {
    fn default() -> Self {
        Self { send: true, send_interval: Duration::from_secs(60), max_samples_per_send: 2_000 }
    }
}

/// Another database to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteReadConfig {
    /// Where.
    pub url: ConfigUrl,
    /// How long one request may take.
    pub remote_timeout: Duration,
    /// Most bytes of one frame of an answer.
    pub chunked_read_limit: u64,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Whether it is asked for times that the own database covers.
    pub read_recent: bool,
    /// Name in logs and metrics; empty for a hash of the configuration.
    pub name: String,
    /// How to connect.
    pub http: HttpClientConfig,
    /// Matchers that a selector must have for it to be asked.
    pub required_matchers: BTreeMap<String, String>,
    /// Whether external labels are part of the question.
    pub filter_external_labels: bool,
}

impl RemoteReadConfig {
    /// Upstream's defaults towards `url`.
    pub fn new(url: ConfigUrl) -> Self {
        Self {
            url,
            remote_timeout: Duration::from_secs(60),
            chunked_read_limit: 50_000_000,
            headers: BTreeMap::new(),
            read_recent: false,
            name: String::new(),
            http: HttpClientConfig::default(),
            required_matchers: BTreeMap::new(),
            filter_external_labels: true,
        }
    }
}
