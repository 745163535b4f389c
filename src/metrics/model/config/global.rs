//! The `global` section and the enumerations that jobs share with it.

use crate::base::time::Duration;
use crate::series::labels::Labels;
use crate::series::names::NameValidation;

/// Defaults of every job, and labels of everything that leaves this server.
#[derive(Debug, Clone, PartialEq)]
pub struct GlobalConfig {
    /// How often targets are scraped.
    pub scrape_interval: Duration,
    /// How long one scrape may take; never more than the interval.
    pub scrape_timeout: Duration,
    /// What to ask for, most wanted first. `None`: depends on native histograms, job by job.
    pub scrape_protocols: Option<Vec<ScrapeProtocol>>,
    /// How often rules are evaluated.
    pub evaluation_interval: Duration,
    /// How far in the past rules look, so that late samples are there.
    pub rule_query_offset: Duration,
    /// Where queries are logged; empty for nowhere.
    pub query_log_file: String,
    /// Where failed scrapes are logged; empty for nowhere.
    pub scrape_failure_log_file: String,
    /// Labels of everything sent to other systems. Environment variables are already replaced.
    pub external_labels: Labels,
    /// Most bytes of an uncompressed body; 0 for no limit. The same for the limits below.
    pub body_size_limit: u64,
    /// Most samples of one scrape.
    pub sample_limit: u64,
    /// Most targets of one job.
    pub target_limit: u64,
    /// Most labels of one sample.
    pub label_limit: u64,
    /// Most bytes of a label's name.
    pub label_name_length_limit: u64,
    /// Most bytes of a label's value.
    pub label_value_length_limit: u64,
    /// Most dropped targets remembered per job.
    pub keep_dropped_targets: u64,
    /// Which names are valid.
    pub metric_name_validation_scheme: NameValidation,
    /// How targets are asked to escape names. `None`: follows the validation.
    pub metric_name_escaping_scheme: Option<NameEscaping>,
    /// Whether native histograms are scraped.
    pub scrape_native_histograms: bool,
    /// Whether classic histograms become native ones with custom buckets.
    pub convert_classic_histograms_to_nhcb: bool,
    /// Whether the classic form is kept beside the native one.
    pub always_scrape_classic_histograms: bool,
    /// Whether `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` are stored.
    pub extra_scrape_metrics: bool,
}

impl Default for GlobalConfig {
    fn default() -> Self {
        Self {
            scrape_interval: Duration::from_secs(60),
            scrape_timeout: Duration::from_secs(10),
            scrape_protocols: None,
            evaluation_interval: Duration::from_secs(60),
            rule_query_offset: Duration::from_ms(0),
            query_log_file: String::new(),
            scrape_failure_log_file: String::new(),
            external_labels: Labels::empty(),
            body_size_limit: 0,
            sample_limit: 0,
            target_limit: 0,
            label_limit: 0,
            label_name_length_limit: 0,
            label_value_length_limit: 0,
            keep_dropped_targets: 0,
            metric_name_validation_scheme: NameValidation::Utf8,
            metric_name_escaping_scheme: Some(NameEscaping::AllowUtf8),
            scrape_native_histograms: false,
            convert_classic_histograms_to_nhcb: false,
            always_scrape_classic_histograms: false,
            extra_scrape_metrics: false,
        }
    }
}

/// How a target is asked to write names that are not valid the old way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameEscaping {
    /// As they are.
    AllowUtf8,
    /// `_` in place of what is not valid.
    Underscores,
    /// `_dot_` for dots, `__` for underscores.
    Dots,
    /// `U__` and code points.
    Values,
}

impl NameEscaping {
    /// Every scheme, in upstream's order.
    pub const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// As written in the file and in `Accept` headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }
}

/// A format in which targets show their metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScrapeProtocol {
    /// Delimited Protocol Buffers.
    PrometheusProto,
    /// `text/plain;version=0.0.4`
    PrometheusText0_0_4,
    /// `text/plain;version=1.0.0`
    PrometheusText1_0_0,
    /// `application/openmetrics-text;version=0.0.1`
    OpenMetricsText0_0_1,
    /// `application/openmetrics-text;version=1.0.0`
    OpenMetricsText1_0_0,
}

impl ScrapeProtocol {
    /// Every protocol, sorted by its name in the file.
    pub const ALL: [Self; 5] = [
        Self::OpenMetricsText0_0_1,
        Self::OpenMetricsText1_0_0,
        Self::PrometheusProto,
        Self::PrometheusText0_0_4,
        Self::PrometheusText1_0_0,
    ];
    /// What is asked for by default, most wanted first.
    pub const DEFAULT: [Self; 4] =
        [Self::OpenMetricsText1_0_0, Self::OpenMetricsText0_0_1, Self::PrometheusText1_0_0, Self::PrometheusText0_0_4];
    /// The same when native histograms are wanted.
    pub const DEFAULT_PROTO_FIRST: [Self; 5] = [
        Self::PrometheusProto,
        Self::OpenMetricsText1_0_0,
        Self::OpenMetricsText0_0_1,
        Self::PrometheusText1_0_0,
        Self::PrometheusText0_0_4,
    ];

    /// As written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::PrometheusText0_0_4 => "PrometheusText0.0.4",
            Self::PrometheusText1_0_0 => "PrometheusText1.0.0",
            Self::OpenMetricsText0_0_1 => "OpenMetricsText0.0.1",
            Self::OpenMetricsText1_0_0 => "OpenMetricsText1.0.0",
        }
    }

    /// Its media type with parameters, for the `Accept` header.
    pub const fn accept(self) -> &'static str {
        match self {
            Self::PrometheusProto => "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            Self::PrometheusText0_0_4 => "text/plain;version=0.0.4",
            Self::PrometheusText1_0_0 => "text/plain;version=1.0.0",
            Self::OpenMetricsText0_0_1 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetricsText1_0_0 => "application/openmetrics-text;version=1.0.0",
        }
    }
}

impl GlobalConfig {
    /// The escaping of jobs that set neither validation nor escaping.
    pub fn escaping(&self) -> NameEscaping {
        self.metric_name_escaping_scheme.unwrap_or_else(|| NameEscaping::of(self.metric_name_validation_scheme))
    }
}

impl NameEscaping {
    /// The escaping that goes with a validation.
    pub const fn of(validation: NameValidation) -> Self {
        match validation {
            NameValidation::Utf8 => Self::AllowUtf8,
            NameValidation::Legacy => Self::Underscores,
        }
    }
}
