//! One entry of `scrape_configs`: a job.

use std::collections::BTreeMap;

use super::discovery::DiscoveryConfigs;
use super::global::{GlobalConfig, NameEscaping, ScrapeProtocol};
use crate::base::time::Duration;
use crate::platform::config::http_client::HttpClientConfig;
use crate::series::names::NameValidation;
use crate::series::relabel::RelabelConfig;

/// A job: which targets, how to find, ask and relabel them.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeConfig {
    /// Value of the `job` label; unique in the configuration.
    pub job_name: String,
    /// Whether labels of the target win over ours.
    pub honor_labels: bool,
    /// Whether timestamps of the target are taken.
    pub honor_timestamps: bool,
    /// Whether series with timestamps of their own go stale as others do.
    pub track_timestamps_staleness: bool,
    /// Query parameters of the request.
    pub params: BTreeMap<String, Vec<String>>,
    /// How often to scrape.
    pub scrape_interval: Duration,
    /// How long one scrape may take; never more than the interval.
    pub scrape_timeout: Duration,
    /// What to ask for, most wanted first; never empty.
    pub scrape_protocols: Vec<ScrapeProtocol>,
    /// How to read a body whose content type says nothing. `None`: such a scrape fails.
    pub fallback_scrape_protocol: Option<ScrapeProtocol>,
    /// Whether native histograms are taken.
    pub scrape_native_histograms: bool,
    /// Whether the classic form is kept beside the native one.
    pub always_scrape_classic_histograms: bool,
    /// Whether classic histograms become native ones with custom buckets.
    pub convert_classic_histograms_to_nhcb: bool,
    /// Where failed scrapes are logged; empty for nowhere.
    pub scrape_failure_log_file: String,
    /// Path of the request.
    pub metrics_path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Whether to ask for a compressed body.
    pub enable_compression: bool,
    /// Most bytes of an uncompressed body; 0 for no limit. The same for the limits below.
    pub body_size_limit: u64,
    /// Most samples of one scrape after relabelling; more fail the scrape.
    pub sample_limit: u64,
    /// Most targets of the job after relabelling; more fail all of them.
    pub target_limit: u64,
    /// Most labels of one sample.
    pub label_limit: u64,
    /// Most bytes of a label's name.
    pub label_name_length_limit: u64,
    /// Most bytes of a label's value.
    pub label_value_length_limit: u64,
    /// Most buckets of a native histogram; more are merged.
    pub native_histogram_bucket_limit: u64,
    /// Smallest growth factor between buckets of a native histogram; finer ones are merged. 0 for any.
    pub native_histogram_min_bucket_factor: f64,
    /// Most dropped targets remembered; 0 for all.
    pub keep_dropped_targets: u64,
    /// Which names are valid.
    pub metric_name_validation_scheme: NameValidation,
    /// How the target is asked to escape names.
    pub metric_name_escaping_scheme: NameEscaping,
    /// Whether `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` are stored.
    pub extra_scrape_metrics: bool,
    /// How to connect.
    pub http: HttpClientConfig,
    /// Where targets come from.
    pub discovery: DiscoveryConfigs,
    /// What to do with the labels of targets.
    pub relabel_configs: Vec<RelabelConfig>,
    /// What to do with the labels of samples.
    pub metric_relabel_configs: Vec<RelabelConfig>,
}

impl ScrapeConfig {
    /// A job with upstream's defaults and what `global` sets.
    pub fn new(job_name: impl Into<String>, global: &GlobalConfig) -> Self {
        let mut job = Self { job_name: job_name.into(), ..Self::default() };
        job.scrape_interval = global.scrape_interval;
        job.scrape_timeout = global.scrape_timeout.min(global.scrape_interval);
        job.scrape_native_histograms = global.scrape_native_histograms;
        job.always_scrape_classic_histograms = global.always_scrape_classic_histograms;
        job.convert_classic_histograms_to_nhcb = global.convert_classic_histograms_to_nhcb;
        job.extra_scrape_metrics = global.extra_scrape_metrics;
        job.scrape_failure_log_file.clone_from(&global.scrape_failure_log_file);
        job.body_size_limit = global.body_size_limit;
        job.sample_limit = global.sample_limit;
        job.target_limit = global.target_limit;
        job.label_limit = global.label_limit;
        job.label_name_length_limit = global.label_name_length_limit;
        job.label_value_length_limit = global.label_value_length_limit;
        job.keep_dropped_targets = global.keep_dropped_targets;
        job.metric_name_validation_scheme = global.metric_name_validation_scheme;
        job.metric_name_escaping_scheme = global.escaping();
        job.scrape_protocols = job.default_protocols(global);
        job
    }

    /// The protocols to ask for when the job names none.
    pub(super) fn default_protocols(&self, global: &GlobalConfig) -> Vec<ScrapeProtocol> {
        match &global.scrape_protocols {
            Some(protocols) => protocols.clone(),
            None if self.scrape_native_histograms => ScrapeProtocol::DEFAULT_PROTO_FIRST.to_vec(),
            None => ScrapeProtocol::DEFAULT.to_vec(),
        }
    }
}

impl Default for ScrapeConfig {
    fn default() -> Self {
        Self {
            job_name: String::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            params: BTreeMap::new(),
            scrape_interval: Duration::from_secs(60),
            scrape_timeout: Duration::from_secs(10),
            scrape_protocols: ScrapeProtocol::DEFAULT.to_vec(),
            fallback_scrape_protocol: None,
            scrape_native_histograms: false,
            always_scrape_classic_histograms: false,
            convert_classic_histograms_to_nhcb: false,
            scrape_failure_log_file: String::new(),
            metrics_path: "/metrics".to_owned(),
            scheme: "http".to_owned(),
            enable_compression: true,
            body_size_limit: 0,
            sample_limit: 0,
            target_limit: 0,
            label_limit: 0,
            label_name_length_limit: 0,
            label_value_length_limit: 0,
            native_histogram_bucket_limit: 0,
            native_histogram_min_bucket_factor: 0.0,
            keep_dropped_targets: 0,
            metric_name_validation_scheme: NameValidation::Utf8,
            metric_name_escaping_scheme: NameEscaping::AllowUtf8,
            extra_scrape_metrics: false,
            http: HttpClientConfig::default(),
            discovery: DiscoveryConfigs::default(),
            relabel_configs: Vec::new(),
            metric_relabel_configs: Vec::new(),
        }
    }
}
