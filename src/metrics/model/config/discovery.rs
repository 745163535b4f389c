//! Where targets come from: `static_configs` and the `*_sd_configs`.

use std::collections::BTreeMap;

use crate::base::time::Duration;
use crate::platform::config::http_client::{ConfigUrl, HttpClientConfig};
use crate::platform::config::yaml::Node;

/// Every source of targets of one job.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DiscoveryConfigs {
    /// `static_configs`
    pub static_configs: Vec<StaticConfig>,
    /// `file_sd_configs`
    pub file: Vec<FileSd>,
    /// `http_sd_configs`
    pub http: Vec<HttpSd>,
    /// `dns_sd_configs`
    pub dns: Vec<DnsSd>,
    /// All others, kept as read and not acted on yet.
    pub other: Vec<OtherSd>,
}

/// Targets written in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StaticConfig {
    /// `host:port` of each target.
    pub targets: Vec<String>,
    /// Labels of all of them.
    pub labels: BTreeMap<String, String>,
}

/// Targets read from files that others write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSd {
    /// Paths, or globs in the last path segment; `.json`, `.yml` or `.yaml`.
    pub files: Vec<String>,
    /// How often to look again even without a change notice.
    pub refresh_interval: Duration,
}

impl Default for FileSd {
    fn default() -> Self {
        Self { files: Vec::new(), refresh_interval: Duration::from_secs(300) }
    }
}

/// Targets from an HTTP endpoint that answers with JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSd {
    /// Where to ask.
    pub url: ConfigUrl,
    /// How often.
    pub refresh_interval: Duration,
    /// How to connect.
    pub http: HttpClientConfig,
}

/// Targets from names in the DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsSd {
    /// Names to look up.
    pub names: Vec<String>,
    /// How often.
    pub refresh_interval: Duration,
    /// Kind of record.
    pub record: DnsRecord,
    /// Port of the targets; not for SRV, which brings its own.
    pub port: u16,
}

impl Default for DnsSd {
    fn default() -> Self {
        Self { names: Vec::new(), refresh_interval: Duration::from_secs(30), record: DnsRecord::Srv, port: 0 }
    }
}

/// Kind of DNS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsRecord {
    /// Name and port of a service.
    Srv,
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Mail exchanger.
    Mx,
    /// Name server.
    Ns,
}

impl DnsRecord {
    /// As written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Srv => "SRV",
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Mx => "MX",
            Self::Ns => "NS",
        }
    }
}

/// A discovery that is not acted on yet.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherSd {
    /// Its key, such as `ec2_sd_configs`.
    pub key: String,
    /// The entry as read.
    pub raw: Node,
}
