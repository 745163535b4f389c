//! [`Config`] as YAML: keys in upstream's order, defaults left out where upstream leaves them out, secrets hidden.
//!
//! What is printed reads back as the same configuration, secrets aside.

use super::{
    AlertingConfig, AlertmanagerConfig, Config, DiscoveryConfigs, GlobalConfig, OtlpConfig, RelabelConfig, RemoteReadConfig,
    RemoteWriteConfig, ScrapeConfig, StorageConfig, TracingConfig,
};
use crate::base::masked;
use crate::base::time::Duration;
use crate::platform::config::http_client;
use crate::platform::config::scalar::print_size;
use crate::platform::config::yaml::{self, Kind, MapWriter, Node, without_secrets};

impl Config {
    /// The effective configuration as a tree. Jobs of `scrape_config_files` are not part of it, as upstream.
    pub fn to_node(&self) -> Node {
        let mut out = MapWriter::default();
        out.put("global", global(&self.global));
        let mut runtime = MapWriter::default();
        runtime.bare("gogc", self.runtime.gogc);
        out.map_if("runtime", runtime);
        out.map_if("alerting", alerting(&self.alerting));
        out.texts_if("rule_files", &self.rule_files);
        out.texts_if("scrape_config_files", &self.scrape_config_files);
        out.list_if("scrape_configs", self.scrape_configs.iter().take(self.scrape_configs_inline).map(scrape).collect());
        out.map_if("storage", storage(&self.storage));
        if let Some(tracing) = &self.tracing {
            out.put("tracing", tracing_node(tracing));
        }
        out.list_if("remote_write", self.remote_write.iter().map(remote_write).collect());
        out.list_if("remote_read", self.remote_read.iter().map(remote_read).collect());
        out.map_if("otlp", otlp(&self.otlp));
        out.finish()
    }

    /// The effective configuration as text.
    pub fn to_yaml(&self) -> String {
        yaml::print(&self.to_node())
    }
}

impl ScrapeConfig {
    /// The job as it would stand in the file, secrets hidden.
    pub fn to_yaml(&self) -> String {
        yaml::print(&without_secrets(&scrape(self)))
    }
}

/// A duration unless it is zero.
fn duration_if(out: &mut MapWriter, key: &str, duration: Duration) {
    if duration.ms() != 0 {
        out.bare(key, duration);
    }
}

/// A size unless it is zero.
fn size_if(out: &mut MapWriter, key: &str, bytes: u64) {
    if bytes != 0 {
        out.bare(key, print_size(bytes));
    }
}

fn global(global: &GlobalConfig) -> Node {
    let mut out = MapWriter::default();
    out.bare("scrape_interval", global.scrape_interval);
    out.bare("scrape_timeout", global.scrape_timeout);
    if let Some(protocols) = &global.scrape_protocols {
        out.list_if("scrape_protocols", protocols.iter().map(|protocol| Node::text(protocol.as_str())).collect());
    }
    out.bare("evaluation_interval", global.evaluation_interval);
    duration_if(&mut out, "rule_query_offset", global.rule_query_offset);
    out.text_if("query_log_file", &global.query_log_file);
    out.text_if("scrape_failure_log_file", &global.scrape_failure_log_file);
    let mut labels = MapWriter::default();
    for (name, value) in &global.external_labels {
        // A dollar sign would be taken for a variable when this is read again.
        labels.text(name, &value.replace('$', "$$"));
    }
    out.map_if("external_labels", labels);
    size_if(&mut out, "body_size_limit", global.body_size_limit);
    for (key, limit) in [
        ("sample_limit", global.sample_limit),
        ("target_limit", global.target_limit),
        ("label_limit", global.label_limit),
        ("label_name_length_limit", global.label_name_length_limit),
        ("label_value_length_limit", global.label_value_length_limit),
        ("keep_dropped_targets", global.keep_dropped_targets),
    ] {
        out.bare_unless(key, limit, 0);
    }
    out.text("metric_name_validation_scheme", global.metric_name_validation_scheme.as_str());
    out.text_if("metric_name_escaping_scheme", global.metric_name_escaping_scheme.map_or("", |scheme| scheme.as_str()));
    out.bare("scrape_native_histograms", global.scrape_native_histograms);
    out.bare_unless("convert_classic_histograms_to_nhcb", global.convert_classic_histograms_to_nhcb, false);
    out.bare_unless("always_scrape_classic_histograms", global.always_scrape_classic_histograms, false);
    out.bare("extra_scrape_metrics", global.extra_scrape_metrics);
    out.finish()
}

/// A job as it stands in the file's place.
pub(super) fn scrape(job: &ScrapeConfig) -> Node {
    let mut out = MapWriter::default();
    out.text("job_name", &job.job_name);
    out.bare_unless("honor_labels", job.honor_labels, false);
    out.bare("honor_timestamps", job.honor_timestamps);
    out.bare("track_timestamps_staleness", job.track_timestamps_staleness);
    let mut params = MapWriter::default();
    for (name, values) in &job.params {
        params.put(name, Node::new(Kind::List(values.iter().map(|value| Node::text(&*masked::value(name, value))).collect())));
    }
    out.map_if("params", params);
    out.bare("scrape_interval", job.scrape_interval);
    out.bare("scrape_timeout", job.scrape_timeout);
    out.list_if("scrape_protocols", job.scrape_protocols.iter().map(|protocol| Node::text(protocol.as_str())).collect());
    out.text_if("fallback_scrape_protocol", job.fallback_scrape_protocol.map_or("", |protocol| protocol.as_str()));
    out.bare("scrape_native_histograms", job.scrape_native_histograms);
    out.bare("always_scrape_classic_histograms", job.always_scrape_classic_histograms);
    out.bare("convert_classic_histograms_to_nhcb", job.convert_classic_histograms_to_nhcb);
    out.text_if("scrape_failure_log_file", &job.scrape_failure_log_file);
    out.text("metrics_path", &job.metrics_path);
    out.text("scheme", &job.scheme);
    out.bare("enable_compression", job.enable_compression);
    size_if(&mut out, "body_size_limit", job.body_size_limit);
    for (key, limit) in [
        ("sample_limit", job.sample_limit),
        ("target_limit", job.target_limit),
        ("label_limit", job.label_limit),
        ("label_name_length_limit", job.label_name_length_limit),
        ("label_value_length_limit", job.label_value_length_limit),
        ("native_histogram_bucket_limit", job.native_histogram_bucket_limit),
    ] {
        out.bare_unless(key, limit, 0);
    }
    out.bare_unless("native_histogram_min_bucket_factor", job.native_histogram_min_bucket_factor, 0.0);
    out.bare_unless("keep_dropped_targets", job.keep_dropped_targets, 0);
    out.text("metric_name_validation_scheme", job.metric_name_validation_scheme.as_str());
    out.text("metric_name_escaping_scheme", job.metric_name_escaping_scheme.as_str());
    out.bare("extra_scrape_metrics", job.extra_scrape_metrics);
    http_client::print(&mut out, &job.http);
    out.list_if("relabel_configs", job.relabel_configs.iter().map(relabel).collect());
    out.list_if("metric_relabel_configs", job.metric_relabel_configs.iter().map(relabel).collect());
    discovery(&mut out, &job.discovery);
    out.finish()
}

/// A rule as it stands in the file.
pub(super) fn relabel(rule: &RelabelConfig) -> Node {
    let mut out = MapWriter::default();
    if !rule.source_labels.is_empty() {
        out.put("source_labels", yaml::flow_list(rule.source_labels.iter().map(String::as_str)));
    }
    out.text("separator", &rule.separator);
    if !rule.regex.is_default() {
        out.text("regex", rule.regex.as_str());
    }
    out.bare_unless("modulus", rule.modulus, 0);
    out.text_if("target_label", &rule.target_label);
    let target = rule.target_label.strip_prefix("__param_");
    out.text("replacement", &target.map_or_else(|| masked::url(&rule.replacement), |name| masked::value(name, &rule.replacement)));
    out.text("action", rule.action.as_str());
    out.finish()
}

/// Discoveries in order of their key.
fn discovery(out: &mut MapWriter, discovery: &DiscoveryConfigs) {
    let mut entries: Vec<(&str, Node)> = Vec::new();
    for group in &discovery.static_configs {
        let mut below = MapWriter::default();
        below.put("targets", Node::new(Kind::List(group.targets.iter().map(|target| Node::text(&*masked::address(target))).collect())));
        let mut labels = MapWriter::default();
        for (name, value) in &group.labels {
            let parameter = name.strip_prefix("__param_");
            labels.text(name, &parameter.map_or_else(|| masked::url(value), |name| masked::value(name, value)));
        }
        below.map_if("labels", labels);
        entries.push(("static_configs", below.finish()));
    }
    for file in &discovery.file {
        let mut below = MapWriter::default();
        below.texts_if("files", &file.files);
        below.bare("refresh_interval", file.refresh_interval);
        entries.push(("file_sd_configs", below.finish()));
    }
    for http in &discovery.http {
        let mut below = MapWriter::default();
        http_client::print(&mut below, &http.http);
        below.bare("refresh_interval", http.refresh_interval).text("url", &http.url.to_string());
        entries.push(("http_sd_configs", below.finish()));
    }
    for dns in &discovery.dns {
        let mut below = MapWriter::default();
        below.texts_if("names", &dns.names).bare("refresh_interval", dns.refresh_interval);
        below.text("type", dns.record.as_str()).bare("port", dns.port);
        entries.push(("dns_sd_configs", below.finish()));
    }
    entries.extend(discovery.other.iter().map(|other| (other.key.as_str(), without_secrets(&other.raw))));
    entries.sort_by_key(|(key, _)| *key);
    for same in entries.chunk_by(|a, b| a.0 == b.0) {
        let key = same.first().map_or("", |(key, _)| key);
        out.list_if(key, same.iter().map(|(_, node)| node.clone()).collect());
    }
}

fn alerting(alerting: &AlertingConfig) -> MapWriter {
    let mut out = MapWriter::default();
    out.list_if("alert_relabel_configs", alerting.alert_relabel_configs.iter().map(relabel).collect());
    out.list_if("alertmanagers", alerting.alertmanagers.iter().map(alertmanager).collect());
    out
}

fn alertmanager(alertmanager: &AlertmanagerConfig) -> Node {
    let mut out = MapWriter::default();
    http_client::print(&mut out, &alertmanager.http);
    if let Some(sigv4) = &alertmanager.sigv4 {
        out.put("sigv4", without_secrets(sigv4));
    }
    out.text_if("scheme", &alertmanager.scheme).text_if("path_prefix", &alertmanager.path_prefix);
    out.bare("timeout", alertmanager.timeout).text("api_version", &alertmanager.api_version);
    out.list_if("relabel_configs", alertmanager.relabel_configs.iter().map(relabel).collect());
    out.list_if("alert_relabel_configs", alertmanager.alert_relabel_configs.iter().map(relabel).collect());
    discovery(&mut out, &alertmanager.discovery);
    out.finish()
}

fn storage(storage: &StorageConfig) -> MapWriter {
    let mut tsdb = MapWriter::default();
    duration_if(&mut tsdb, "out_of_order_time_window", storage.tsdb.out_of_order_time_window);
    tsdb.bare_unless("stale_series_compaction_threshold", storage.tsdb.stale_series_compaction_threshold, 0.0);
    let mut encoding = MapWriter::default();
    encoding.text_if("floats", &storage.tsdb.chunk_encoding_floats);
    tsdb.map_if("chunk_encoding", encoding);
    let mut retention = MapWriter::default();
    duration_if(&mut retention, "time", storage.tsdb.retention.time);
    size_if(&mut retention, "size", storage.tsdb.retention.size);
    retention.bare_unless("percentage", storage.tsdb.retention.percentage, 0.0);
    tsdb.map_if("retention", retention);
    let mut out = MapWriter::default();
    out.map_if("tsdb", tsdb);
    if let Some(max) = storage.max_exemplars {
        let mut exemplars = MapWriter::default();
        exemplars.bare("max_exemplars", max);
        out.map_if("exemplars", exemplars);
    }
    out
}

fn tracing_node(tracing: &TracingConfig) -> Node {
    let mut out = MapWriter::default();
    out.text_if("client_type", &tracing.client_type).text_if("endpoint", &tracing.endpoint);
    out.bare_unless("sampling_fraction", tracing.sampling_fraction, 0.0).bare_unless("insecure", tracing.insecure, false);
    http_client::print_tls(&mut out, &tracing.tls);
    out.masked_map_if("headers", &tracing.headers).text_if("compression", &tracing.compression);
    duration_if(&mut out, "timeout", tracing.timeout);
    out.finish()
}

fn remote_write(write: &RemoteWriteConfig) -> Node {
    let mut out = MapWriter::default();
    out.text("url", &write.url.to_string()).bare("remote_timeout", write.remote_timeout).masked_map_if("headers", &write.headers);
    out.list_if("write_relabel_configs", write.write_relabel_configs.iter().map(relabel).collect());
    out.text_if("name", &write.name).bare_unless("send_exemplars", write.send_exemplars, false);
    out.bare_unless("send_native_histograms", write.send_native_histograms, false);
    out.bare_unless("round_robin_dns", write.round_robin_dns, false);
    out.text("protobuf_message", write.protobuf_message.as_str());
    out.bare_unless("failed_request_logging", write.failed_request_logging, false);
    http_client::print(&mut out, &write.http);
    let queue = &write.queue_config;
    let mut below = MapWriter::default();
    below.bare("capacity", queue.capacity).bare("max_shards", queue.max_shards).bare("min_shards", queue.min_shards);
    below.bare("max_samples_per_send", queue.max_samples_per_send).bare("batch_send_deadline", queue.batch_send_deadline);
    below.bare("min_backoff", queue.min_backoff).bare("max_backoff", queue.max_backoff);
    below.bare_unless("retry_on_http_429", queue.retry_on_http_429, false);
    duration_if(&mut below, "sample_age_limit", queue.sample_age_limit);
    out.map_if("queue_config", below);
    let mut below = MapWriter::default();
    below.bare("send", write.metadata_config.send).bare("send_interval", write.metadata_config.send_interval);
    below.bare("max_samples_per_send", write.metadata_config.max_samples_per_send);
    out.map_if("metadata_config", below);
    for (key, node) in [("sigv4", &write.sigv4), ("azuread", &write.azuread), ("google_iam", &write.google_iam)] {
        if let Some(node) = node {
            out.put(key, without_secrets(node));
        }
    }
    out.finish()
}

fn remote_read(read: &RemoteReadConfig) -> Node {
    let mut out = MapWriter::default();
    out.text("url", &read.url.to_string()).bare("remote_timeout", read.remote_timeout);
    out.bare("chunked_read_limit", read.chunked_read_limit).masked_map_if("headers", &read.headers);
    out.bare_unless("read_recent", read.read_recent, false).text_if("name", &read.name);
    http_client::print(&mut out, &read.http);
    out.text_map_if("required_matchers", &read.required_matchers);
    // Upstream leaves `false` out, which would read back as `true`.
    out.bare("filter_external_labels", read.filter_external_labels);
    out.finish()
}

fn otlp(otlp: &OtlpConfig) -> MapWriter {
    let mut out = MapWriter::default();
    out.bare_unless("promote_all_resource_attributes", otlp.promote_all_resource_attributes, false);
    out.texts_if("promote_resource_attributes", &otlp.promote_resource_attributes);
    out.texts_if("ignore_resource_attributes", &otlp.ignore_resource_attributes);
    out.text("translation_strategy", otlp.translation_strategy.as_str());
    out.bare_unless("keep_identifying_resource_attributes", otlp.keep_identifying_resource_attributes, false);
    out.bare_unless("convert_histograms_to_nhcb", otlp.convert_histograms_to_nhcb, false);
    out.bare_unless("promote_scope_metadata", otlp.promote_scope_metadata, false);
    out.bare("label_name_underscore_sanitization", otlp.label_name_underscore_sanitization);
    out.bare("label_name_preserve_multiple_underscores", otlp.label_name_preserve_multiple_underscores);
    out
}
