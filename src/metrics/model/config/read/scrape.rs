//! One entry of `scrape_configs`.

use super::super::{GlobalConfig, NameEscaping, NameValidation, ScrapeConfig, support};
use super::Context;
use super::global::{escaping, protocol, protocols, validation};
use super::relabel::Rules;
use super::{discovery, refuse_null, relabel};
use crate::base::time::Duration;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::http_client;
use crate::platform::config::section::{self, Section};
use crate::platform::config::yaml::Node;
use crate::series::labels::quote;

pub(super) fn read(node: &Node, context: &Context<'_>, report: &mut Report) -> Option<ScrapeConfig> {
    if refuse_null(node, "empty or null scrape config section", report) {
        return None;
    }
    let mut section = Section::open(node, "scrape_configs", report)?;
    let global = context.global;
    let name = section.text_or_empty("job_name");
    if name.is_empty() {
        section.report.error(section.at, "job_name is empty");
    }
    let mut job = ScrapeConfig::new(name, global);
    times(&mut section, &mut job, global);
    naming(&mut section, &mut job, global);
    request(&mut section, &mut job);
    limits(&mut section, &mut job);
    formats(&mut section, &mut job, global);
    job.http = http_client::read(&mut section, job.http);
    job.discovery = discovery::read(&mut section);
    let rules = Rules::new(context, job.metric_name_validation_scheme);
    job.relabel_configs = relabel::read(&mut section, "relabel_configs", &rules, "empty or null target relabeling rule in scrape config");
    job.metric_relabel_configs =
        relabel::read(&mut section, "metric_relabel_configs", &rules, "empty or null metric relabeling rule in scrape config");
    discovery::check_static_targets(&mut section, !job.relabel_configs.is_empty());
    support::warn(&mut section, "scrape_config");
    section.finish();
    Some(job)
}

fn times(section: &mut Section<'_, '_>, job: &mut ScrapeConfig, global: &GlobalConfig) {
    let set = |read: Option<Duration>| read.filter(|read| read.ms() != 0);
    job.scrape_interval = set(section.duration("scrape_interval")).unwrap_or(global.scrape_interval);
    let timeout = set(section.duration("scrape_timeout"));
    if timeout.is_some_and(|timeout| timeout > job.scrape_interval) {
        let at = section.value_place("scrape_timeout");
        let message = format!("scrape timeout greater than scrape interval for scrape config with job name {}", quote(&job.job_name));
        section.report.error(at, message);
    }
    job.scrape_timeout = timeout.unwrap_or(global.scrape_timeout.min(job.scrape_interval));
}

/// Validation and escaping of names, which follow each other and `global` in upstream's roundabout way.
fn naming(section: &mut Section<'_, '_>, job: &mut ScrapeConfig, global: &GlobalConfig) {
    let own_validation = validation(section);
    job.metric_name_validation_scheme = own_validation.unwrap_or(global.metric_name_validation_scheme);
    let at = section.place("metric_name_escaping_scheme");
    job.metric_name_escaping_scheme = escaping(section).unwrap_or_else(|| match own_validation {
        None => global.escaping(),
        Some(validation) => NameEscaping::of(validation),
    });
    if job.metric_name_escaping_scheme == NameEscaping::AllowUtf8 && job.metric_name_validation_scheme == NameValidation::Legacy {
        section.report.error(at, "utf8 metric names requested but validation scheme is not set to UTF8");
    }
}

fn request(section: &mut Section<'_, '_>, job: &mut ScrapeConfig) {
    job.honor_labels = section.truth_or("honor_labels", false);
    job.honor_timestamps = section.on_unless("honor_timestamps");
    job.track_timestamps_staleness = section.truth_or("track_timestamps_staleness", false);
    if let Some(params) = section.open_below("params") {
        for (name, value) in params.pairs() {
            let items = section::list(value, &name.text, params.report);
            let texts = items.iter().filter_map(|item| section::text(item, &name.text, params.report)).collect();
            job.params.insert(name.text.to_string(), texts);
        }
    }
    if let Some(path) = section.text_or_nothing("metrics_path") {
        job.metrics_path = path;
    }
    if let Some(scheme) = section.choice("scheme", &[("http", "http"), ("https", "https")]) {
        job.scheme = scheme.to_owned();
    }
    job.enable_compression = section.on_unless("enable_compression");
    let log = section.path("scrape_failure_log_file");
    if !log.is_empty() {
        job.scrape_failure_log_file = log;
    }
}

fn limits(section: &mut Section<'_, '_>, job: &mut ScrapeConfig) {
    let or = |read: Option<u64>, global: u64| read.filter(|read| *read != 0).unwrap_or(global);
    job.body_size_limit = or(section.size("body_size_limit"), job.body_size_limit);
    job.sample_limit = or(section.count("sample_limit"), job.sample_limit);
    job.target_limit = or(section.count("target_limit"), job.target_limit);
    job.label_limit = or(section.count("label_limit"), job.label_limit);
    job.label_name_length_limit = or(section.count("label_name_length_limit"), job.label_name_length_limit);
    job.label_value_length_limit = or(section.count("label_value_length_limit"), job.label_value_length_limit);
    job.keep_dropped_targets = or(section.count("keep_dropped_targets"), job.keep_dropped_targets);
    job.native_histogram_bucket_limit = section.count("native_histogram_bucket_limit").unwrap_or(0);
    job.native_histogram_min_bucket_factor = section.float("native_histogram_min_bucket_factor").unwrap_or(0.0);
}

fn formats(section: &mut Section<'_, '_>, job: &mut ScrapeConfig, global: &GlobalConfig) {
    job.scrape_native_histograms = section.truth_or("scrape_native_histograms", global.scrape_native_histograms);
    job.always_scrape_classic_histograms = section.truth_or("always_scrape_classic_histograms", global.always_scrape_classic_histograms);
    job.convert_classic_histograms_to_nhcb =
        section.truth_or("convert_classic_histograms_to_nhcb", global.convert_classic_histograms_to_nhcb);
    job.extra_scrape_metrics = section.truth_or("extra_scrape_metrics", global.extra_scrape_metrics);
    job.scrape_protocols = protocols(section).unwrap_or_else(|| job.default_protocols(global));
    if let Some(node) = section.node("fallback_scrape_protocol") {
        job.fallback_scrape_protocol = protocol(node, "fallback_scrape_protocol", section.report);
    }
}
