//! `storage`, `runtime`, `tracing` and `otlp`.

use std::collections::HashSet;

use super::super::{OtlpConfig, OtlpTranslation, RetentionConfig, RuntimeConfig, StorageConfig, TracingConfig, TsdbConfig, support};
use super::remote;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::http_client;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::Node;
use crate::series::labels::quote;

pub(super) fn runtime(node: &Node, report: &mut Report) -> RuntimeConfig {
    let mut runtime = RuntimeConfig::default();
    let Some(mut section) = Section::open(node, "runtime", report) else { return runtime };
    runtime.gogc = section.integer("gogc").filter(|gogc| *gogc != 0).unwrap_or(runtime.gogc);
    section.finish();
    runtime
}

pub(super) fn storage(node: &Node, report: &mut Report) -> StorageConfig {
    let mut storage = StorageConfig::default();
    let Some(mut section) = Section::open(node, "storage", report) else { return storage };
    if let Some(node) = section.node("tsdb") {
        storage.tsdb = tsdb(node, section.report);
    }
    if let Some(mut exemplars) = section.open_below("exemplars") {
        storage.max_exemplars = Some(exemplars.integer("max_exemplars").unwrap_or(0));
        exemplars.finish();
    }
    section.finish();
    storage
}

fn tsdb(node: &Node, report: &mut Report) -> TsdbConfig {
    let mut tsdb = TsdbConfig::default();
    let Some(mut section) = Section::open(node, "tsdb", report) else { return tsdb };
    tsdb.out_of_order_time_window = section.duration("out_of_order_time_window").unwrap_or_default();
    // Upstream prints its own copy of the window under this name.
    section.knows(&["outofordertimewindow"]);
    tsdb.stale_series_compaction_threshold = section.float("stale_series_compaction_threshold").unwrap_or(0.0);
    if let Some(mut encoding) = section.open_below("chunk_encoding") {
        let choices = [("xor", "xor"), ("xor2", "xor2"), ("", "")];
        tsdb.chunk_encoding_floats = encoding.choice("floats", &choices).unwrap_or("").to_owned();
        encoding.finish();
    }
    if let Some(mut retention) = section.open_below("retention") {
        tsdb.retention = RetentionConfig {
            time: retention.duration("time").unwrap_or_default(),
            size: retention.size("size").unwrap_or(0),
            percentage: retention.float("percentage").unwrap_or(0.0),
        };
        if !(0.0..=100.0).contains(&tsdb.retention.percentage) {
            let at = retention.value_place("percentage");
            let message = format!("'storage.tsdb.retention.percentage' must be in the range [0, 100], got {}", tsdb.retention.percentage);
            retention.report.error(at, message);
        }
        retention.finish();
    }
    support::warn(&mut section, "tsdb");
    section.finish();
    tsdb
}

pub(super) fn tracing(node: &Node, report: &mut Report) -> Option<TracingConfig> {
    let mut section = Section::open(node, "tracing", report)?;
    let tracing = TracingConfig {
        client_type: section.choice("client_type", &[("http", "http"), ("grpc", "grpc")]).unwrap_or("grpc").to_owned(),
        endpoint: section.text_or_empty("endpoint"),
        sampling_fraction: section.float("sampling_fraction").unwrap_or(0.0),
        insecure: section.truth_or("insecure", false),
        tls: http_client::tls(&mut section),
        headers: remote::headers(&mut section, "custom authorization header configuration is not yet supported"),
        compression: section.choice("compression", &[("gzip", "gzip"), ("", "")]).unwrap_or("").to_owned(),
        timeout: section.duration("timeout").unwrap_or_default(),
    };
    if tracing.endpoint.is_empty() {
        section.report.error(section.at, "tracing endpoint must be set");
    }
    section.finish();
    Some(tracing)
}

pub(super) fn otlp(node: &Node, report: &mut Report) -> OtlpConfig {
    let mut otlp = OtlpConfig::default();
    let Some(mut section) = Section::open(node, "otlp", report) else { return otlp };
    otlp.promote_all_resource_attributes = section.truth_or("promote_all_resource_attributes", false);
    otlp.promote_resource_attributes = attributes(&mut section, "promote_resource_attributes", "promoted");
    otlp.ignore_resource_attributes = attributes(&mut section, "ignore_resource_attributes", "ignored");
    let mut strategies = OtlpTranslation::ALL.map(|strategy| (strategy.as_str(), strategy)).to_vec();
    strategies.push(("", OtlpTranslation::default()));
    otlp.translation_strategy = section.choice("translation_strategy", &strategies).unwrap_or_default();
    otlp.keep_identifying_resource_attributes = section.truth_or("keep_identifying_resource_attributes", false);
    otlp.convert_histograms_to_nhcb = section.truth_or("convert_histograms_to_nhcb", false);
    otlp.promote_scope_metadata = section.truth_or("promote_scope_metadata", false);
    otlp.label_name_underscore_sanitization = section.on_unless("label_name_underscore_sanitization");
    otlp.label_name_preserve_multiple_underscores = section.on_unless("label_name_preserve_multiple_underscores");
    if otlp.promote_all_resource_attributes && !otlp.promote_resource_attributes.is_empty() {
        let at = section.place("promote_resource_attributes");
        let message = "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously";
        section.report.error(at, message);
    }
    if !otlp.promote_all_resource_attributes && !otlp.ignore_resource_attributes.is_empty() {
        let at = section.place("ignore_resource_attributes");
        let message = "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true";
        section.report.error(at, message);
    }
    section.finish();
    otlp
}

fn attributes(section: &mut Section<'_, '_>, key: &'static str, what: &str) -> Vec<String> {
    let at = section.value_place(key);
    let attributes: Vec<String> = section.texts(key).iter().map(|attribute| attribute.trim().to_owned()).collect();
    let mut seen = HashSet::new();
    for attribute in &attributes {
        if attribute.is_empty() {
            section.report.error(at, format!("invalid '{key}': empty {what} OTel resource attribute"));
        } else if !seen.insert(attribute) {
            section.report.error(at, format!("invalid '{key}': duplicated {what} OTel resource attribute {}", quote(attribute)));
        }
    }
    attributes
}
