//! A Prometheus 3 configuration file as plain values: one struct per section, with upstream's keys and defaults.
//!
//! What the structs hold is *effective*: job settings that a file leaves out are already filled from `global`,
//! relative paths already stand below the file's folder, and `${ENV}` in external labels is already replaced.
//! Secrets are [`Secret`](crate::base::secret::Secret)s; `*_file` keys keep the path, the content is read at use.

mod alerting;
mod discovery;
mod global;
mod keys;
mod load;
mod print;
mod read;
mod remote;
mod scrape;
mod storage;
mod support;

pub use crate::platform::config::http_client::{
    Authorization, BasicAuth, ConfigUrl, HttpClientConfig, HttpHeader, InvalidUrl, OAuth2, ProxyConfig, TlsConfig, TlsVersion,
};
pub use alerting::{AlertingConfig, AlertmanagerConfig};
pub use discovery::{DiscoveryConfigs, DnsRecord, DnsSd, FileSd, HttpSd, OtherSd, StaticConfig};
pub use global::{GlobalConfig, NameEscaping, ScrapeProtocol};
pub use keys::{SectionKeys, keys};
pub use load::{CheckReport, LoadedConfig, check, load, read_text};
pub use read::Environment;
pub use remote::{MetadataConfig, QueueConfig, RemoteReadConfig, RemoteWriteConfig, WriteMessage};
pub use scrape::ScrapeConfig;
pub use storage::{OtlpConfig, OtlpTranslation, RetentionConfig, RuntimeConfig, StorageConfig, TracingConfig, TsdbConfig};

pub use crate::series::names::NameValidation;
pub use crate::series::relabel::{InvalidRelabel, RelabelAction, RelabelConfig, RelabelRegex};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// `global`: defaults of every job.
    pub global: GlobalConfig,
    /// `runtime`: read and kept, without effect here.
    pub runtime: RuntimeConfig,
    /// `alerting`: where alerts go.
    pub alerting: AlertingConfig,
    /// `rule_files`: paths and globs, absolute once loaded from a file.
    pub rule_files: Vec<String>,
    /// `scrape_config_files`: paths and globs; what they hold is found in `scrape_configs` too, after the file's own.
    pub scrape_config_files: Vec<String>,
    /// `scrape_configs`, then those of `scrape_config_files`. Job names are unique.
    pub scrape_configs: Vec<ScrapeConfig>,
    /// How many of `scrape_configs` stand in the main file itself; the rest came from `scrape_config_files`.
    pub scrape_configs_inline: usize,
    /// `storage`: settings of the database that may change while it runs.
    pub storage: StorageConfig,
    /// `tracing`, if set.
    pub tracing: Option<TracingConfig>,
    /// `remote_write`: where samples are forwarded.
    pub remote_write: Vec<RemoteWriteConfig>,
    /// `remote_read`: other databases to ask.
    pub remote_read: Vec<RemoteReadConfig>,
    /// `otlp`: how OpenTelemetry names become metric and label names.
    pub otlp: OtlpConfig,
}
