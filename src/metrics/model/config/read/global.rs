//! `global`.

use super::super::{GlobalConfig, NameEscaping, NameValidation, ScrapeProtocol, support};
use super::{Environment, label_map};
use crate::base::time::Duration;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::expand::expand;
use crate::platform::config::section::{self, Section, alternatives};
use crate::platform::config::yaml::{Kind, Node};
use crate::series::labels::Labels;

pub(super) fn read(node: &Node, env: &Environment<'_>, report: &mut Report) -> GlobalConfig {
    let mut global = GlobalConfig::default();
    let Some(mut section) = Section::open(node, "global", report) else { return global };
    if section.pairs().iter().all(|(_, value)| value.kind == Kind::Null) {
        section.knows(&KEYS);
        section.finish();
        return global;
    }
    let defaults = GlobalConfig::default();
    global.metric_name_validation_scheme = validation(&mut section).unwrap_or_default();
    global.metric_name_escaping_scheme = escaping(&mut section);
    let or = |read: Option<Duration>, default: Duration| read.filter(|read| read.ms() != 0).unwrap_or(default);
    global.scrape_interval = or(section.duration("scrape_interval"), defaults.scrape_interval);
    let timeout = section.duration("scrape_timeout");
    if timeout.is_some_and(|timeout| timeout > global.scrape_interval) {
        let at = section.value_place("scrape_timeout");
        section.report.error(at, "global scrape timeout greater than scrape interval");
    }
    global.scrape_timeout = or(timeout, defaults.scrape_timeout.min(global.scrape_interval));
    global.scrape_protocols = protocols(&mut section);
    global.evaluation_interval = or(section.duration("evaluation_interval"), defaults.evaluation_interval);
    global.rule_query_offset = section.duration("rule_query_offset").unwrap_or_default();
    global.query_log_file = section.path("query_log_file");
    global.scrape_failure_log_file = section.path("scrape_failure_log_file");
    global.external_labels = external_labels(&mut section, global.metric_name_validation_scheme, env);
    global.body_size_limit = section.size("body_size_limit").unwrap_or(0);
    global.sample_limit = section.count("sample_limit").unwrap_or(0);
    global.target_limit = section.count("target_limit").unwrap_or(0);
    global.label_limit = section.count("label_limit").unwrap_or(0);
    global.label_name_length_limit = section.count("label_name_length_limit").unwrap_or(0);
    global.label_value_length_limit = section.count("label_value_length_limit").unwrap_or(0);
    global.keep_dropped_targets = section.count("keep_dropped_targets").unwrap_or(0);
    global.scrape_native_histograms = section.truth_or("scrape_native_histograms", false);
    global.convert_classic_histograms_to_nhcb = section.truth_or("convert_classic_histograms_to_nhcb", false);
    global.always_scrape_classic_histograms = section.truth_or("always_scrape_classic_histograms", false);
    global.extra_scrape_metrics = section.truth_or("extra_scrape_metrics", false);
    support::warn(&mut section, "global");
    section.finish();
    global
}

/// Keys that may stand in a section without a single value.
const KEYS: [&str; 21] = [
    "scrape_interval",
    "scrape_timeout",
    "scrape_protocols",
    "evaluation_interval",
    "rule_query_offset",
    "query_log_file",
    "scrape_failure_log_file",
    "external_labels",
    "body_size_limit",
    "sample_limit",
    "target_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "keep_dropped_targets",
    "metric_name_validation_scheme",
    "metric_name_escaping_scheme",
    "scrape_native_histograms",
    "convert_classic_histograms_to_nhcb",
    "always_scrape_classic_histograms",
    "extra_scrape_metrics",
];

fn external_labels(section: &mut Section<'_, '_>, validation: NameValidation, env: &Environment<'_>) -> Labels {
    let at = section.place("external_labels");
    let labels = label_map(section, "external_labels", validation);
    Labels::from_pairs(labels.into_iter().map(|(name, value)| {
        let value = expand(&value, |variable| {
            let found = if variable == "$" { Some("$".to_owned()) } else { env(variable) };
            found.filter(|found| !found.is_empty()).unwrap_or_else(|| {
                section.report.warn(at, format!("external_labels: environment variable {variable} is empty or not set"));
                String::new()
            })
        });
        (name, value)
    }))
}

/// `metric_name_validation_scheme`; an empty text counts as not set.
pub(super) fn validation(section: &mut Section<'_, '_>) -> Option<NameValidation> {
    let choices = [("utf8", Some(NameValidation::Utf8)), ("legacy", Some(NameValidation::Legacy)), ("", None)];
    section.choice("metric_name_validation_scheme", &choices).flatten()
}

/// `metric_name_escaping_scheme`; an empty text counts as not set.
pub(super) fn escaping(section: &mut Section<'_, '_>) -> Option<NameEscaping> {
    let mut choices: Vec<(&str, Option<NameEscaping>)> = NameEscaping::ALL.iter().map(|scheme| (scheme.as_str(), Some(*scheme))).collect();
    choices.push(("", None));
    section.choice("metric_name_escaping_scheme", &choices).flatten()
}

/// `scrape_protocols`: known ones, each once, at least one.
pub(super) fn protocols(section: &mut Section<'_, '_>) -> Option<Vec<ScrapeProtocol>> {
    let at = section.value_place("scrape_protocols");
    section.node("scrape_protocols")?;
    let nodes = section.list("scrape_protocols");
    if nodes.is_empty() {
        section.report.error(at, "scrape_protocols cannot be empty");
    }
    let mut protocols = Vec::new();
    for node in nodes {
        let Some(protocol) = protocol(node, "scrape_protocols", section.report) else { continue };
        if protocols.contains(&protocol) {
            section.report.error(node.at, format!("duplicated protocol in scrape_protocols, got {} again", protocol.as_str()));
        }
        protocols.push(protocol);
    }
    Some(protocols)
}

/// One protocol by its name.
pub(super) fn protocol(node: &Node, key: &str, report: &mut Report) -> Option<ScrapeProtocol> {
    let text = section::text(node, key, report)?;
    let found = ScrapeProtocol::ALL.into_iter().find(|protocol| protocol.as_str() == text);
    if found.is_none() {
        let names = ScrapeProtocol::ALL.map(ScrapeProtocol::as_str);
        report.error(node.at, format!("{key}: unknown scrape protocol {}, expected {}", node.describe(), alternatives(&names)));
    }
    found
}
