//! What the loops of one job must know, worked out of its configuration once.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::limits::Limits;
use super::target::{Target, parse_bool};
use crate::metrics::ingest::exposition::ParseOptions;
use crate::metrics::ingest::exposition::content_type::{Escaping, ScrapeProtocol, accept_header};
use crate::metrics::model::config::{NameEscaping, NameValidation, RelabelConfig, ScrapeConfig, ScrapeProtocol as ConfigProtocol};

/// Settings of a job's loops.
#[derive(Debug, Clone)]
pub(super) struct JobSettings {
    pub honor_labels: bool,
    pub honor_timestamps: bool,
    pub track_timestamps_staleness: bool,
    pub metric_relabel: Vec<RelabelConfig>,
    pub validation: NameValidation,
    pub fallback: Option<ScrapeProtocol>,
    pub limits: Limits,
    pub extra_metrics: bool,
    pub failure_log: String,
    accept: String,
    compression: bool,
    config_native: bool,
    config_keep_classic: bool,
    config_nhcb: bool,
    created_as_start: bool,
}

impl JobSettings {
    /// Those of a job.
    pub fn of(config: &ScrapeConfig, created_as_start: bool) -> Self {
        let protocols: Vec<ScrapeProtocol> = config.scrape_protocols.iter().map(|&protocol| convert(protocol)).collect();
        let escaping = match config.metric_name_escaping_scheme {
            NameEscaping::AllowUtf8 => Escaping::AllowUtf8,
            NameEscaping::Underscores => Escaping::Underscores,
            NameEscaping::Dots => Escaping::Dots,
            NameEscaping::Values => Escaping::Values,
        };
        Self {
            honor_labels: config.honor_labels,
            honor_timestamps: config.honor_timestamps,
            track_timestamps_staleness: config.track_timestamps_staleness,
            metric_relabel: config.metric_relabel_configs.clone(),
            validation: config.metric_name_validation_scheme,
            fallback: config.fallback_scrape_protocol.map(convert),
            limits: Limits::of(config),
            extra_metrics: config.extra_scrape_metrics,
            failure_log: config.scrape_failure_log_file.clone(),
            accept: accept_header(&protocols, escaping),
            compression: config.enable_compression,
            config_native: config.scrape_native_histograms,
            config_keep_classic: config.always_scrape_classic_histograms,
            config_nhcb: config.convert_classic_histograms_to_nhcb,
            created_as_start,
        }
    }

    /// How to read bodies of a target, whose labels may differ from the job.
    pub fn parse_options(&self, target: &Target) -> ParseOptions {
        let flag = |name: &str, default: bool| target.all_labels.get(name).and_then(parse_bool).unwrap_or(default);
        ParseOptions {
            created_as_start: self.created_as_start,
            classic_to_nhcb: flag("__convert_classic_histograms_to_nhcb__", self.config_nhcb),
            keep_classic: flag("__always_scrape_classic_histograms__", self.config_keep_classic),
            ignore_native: !flag("__scrape_native_histograms__", self.config_native),
        }
    }

    /// Headers of every scrape.
    pub fn headers(&self, timeout: Duration) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(http::header::ACCEPT, accept);
        }
        let encoding = if self.compression { "gzip" } else { "identity" };
        headers.insert(http::header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        if let Ok(secs) = HeaderValue::from_str(&crate::base::float::plain(timeout.as_secs_f64())) {
            headers.insert("x-prometheus-scrape-timeout-seconds", secs);
        }
        headers
    }
}

fn convert(protocol: ConfigProtocol) -> ScrapeProtocol {
    match protocol {
        ConfigProtocol::PrometheusProto => ScrapeProtocol::PrometheusProto,
        ConfigProtocol::PrometheusText0_0_4 => ScrapeProtocol::PrometheusText004,
        ConfigProtocol::PrometheusText1_0_0 => ScrapeProtocol::PrometheusText100,
        ConfigProtocol::OpenMetricsText0_0_1 => ScrapeProtocol::OpenMetricsText001,
        ConfigProtocol::OpenMetricsText1_0_0 => ScrapeProtocol::OpenMetricsText100,
    }
}
