//! `storage`, `runtime`, `tracing` and `otlp`.

use std::collections::BTreeMap;

use crate::base::time::Duration;
use crate::platform::config::http_client::TlsConfig;

/// Settings of the database that may change while it runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StorageConfig {
    /// `tsdb`
    pub tsdb: TsdbConfig,
    /// `exemplars.max_exemplars`: exemplars kept in memory, 0 or less for none. `None` if the file says nothing.
    pub max_exemplars: Option<i64>,
}

/// `storage.tsdb`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TsdbConfig {
    /// How far behind the newest sample of a series another may arrive; 0 for not at all.
    pub out_of_order_time_window: Duration,
    /// Share of stale series (0 to 1) that starts a compaction; 0 for never.
    pub stale_series_compaction_threshold: f64,
    /// `chunk_encoding.floats`: empty, `xor` or `xor2`.
    pub chunk_encoding_floats: String,
    /// How long and how much is kept.
    pub retention: RetentionConfig,
}

/// `storage.tsdb.retention`: what is over any of the limits goes. Zero says nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RetentionConfig {
    /// How long samples are kept.
    pub time: Duration,
    /// Most bytes of blocks.
    pub size: u64,
    /// Most percent of the disk.
    pub percentage: f64,
}

/// `runtime`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Percentage of Go's garbage collector; kept, without effect here.
    pub gogc: i64,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { gogc: 75 }
    }
}

/// `tracing`: where spans go.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TracingConfig {
    /// `grpc` or `http`.
    pub client_type: String,
    /// `host:port`.
    pub endpoint: String,
    /// Share of requests traced, 0 to 1.
    pub sampling_fraction: f64,
    /// Whether the connection is plain.
    pub insecure: bool,
    /// TLS of the connection.
    pub tls: TlsConfig,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Empty or `gzip`.
    pub compression: String,
    /// How long one request may take; 0 for the exporter's default.
    pub timeout: Duration,
}

/// How OpenTelemetry names become ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OtlpTranslation {
    /// Underscores for what is not valid, unit and `_total` appended.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// Underscores, nothing appended.
    UnderscoreEscapingWithoutSuffixes,
    /// UTF-8 kept, unit and `_total` appended.
    NoUtf8EscapingWithSuffixes,
    /// As they are.
    NoTranslation,
}

impl OtlpTranslation {
    /// Every strategy.
    pub const ALL: [Self; 4] = [
        Self::UnderscoreEscapingWithSuffixes,
        Self::UnderscoreEscapingWithoutSuffixes,
        Self::NoUtf8EscapingWithSuffixes,
        Self::NoTranslation,
    ];

    /// As written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnderscoreEscapingWithSuffixes => "UnderscoreEscapingWithSuffixes",
            Self::UnderscoreEscapingWithoutSuffixes => "UnderscoreEscapingWithoutSuffixes",
            Self::NoUtf8EscapingWithSuffixes => "NoUTF8EscapingWithSuffixes",
            Self::NoTranslation => "NoTranslation",
        }
    }
}

/// `otlp`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpConfig {
    /// Whether every resource attribute becomes a label.
    pub promote_all_resource_attributes: bool,
    /// Resource attributes that become labels.
    pub promote_resource_attributes: Vec<String>,
    /// Those that do not although all do.
    pub ignore_resource_attributes: Vec<String>,
    /// How names are changed.
    pub translation_strategy: OtlpTranslation,
    /// Whether `service.name` and the like stay on `target_info`.
    pub keep_identifying_resource_attributes: bool,
    /// Whether explicit histograms become native ones with custom buckets.
    pub convert_histograms_to_nhcb: bool,
    /// Whether scope name, version, schema URL and attributes become labels.
    pub promote_scope_metadata: bool,
    /// Whether `key_` goes before names that begin with one underscore.
    pub label_name_underscore_sanitization: bool,
    /// Whether runs of underscores stay as they are.
    pub label_name_preserve_multiple_underscores: bool,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            promote_all_resource_attributes: false,
            promote_resource_attributes: Vec::new(),
            ignore_resource_attributes: Vec::new(),
            translation_strategy: OtlpTranslation::default(),
            keep_identifying_resource_attributes: false,
            convert_histograms_to_nhcb: false,
            promote_scope_metadata: false,
            label_name_underscore_sanitization: true,
            label_name_preserve_multiple_underscores: true,
        }
    }
}
