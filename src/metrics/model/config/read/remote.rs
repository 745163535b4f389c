//! `remote_write` and `remote_read`.

use std::collections::{BTreeMap, HashSet};

use super::super::{MetadataConfig, QueueConfig, RemoteReadConfig, RemoteWriteConfig, WriteMessage, support};
use super::Context;
use super::relabel::Rules;
use super::{discovery, label_map, refuse_null, relabel};
use crate::metrics::model::config::NameValidation;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::http_client;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{Kind, Node};
use crate::series::labels::quote;

pub(super) fn writes(nodes: &[Node], context: &Context<'_>, report: &mut Report) -> Vec<RemoteWriteConfig> {
    let mut names = HashSet::new();
    let mut found = Vec::new();
    for node in nodes {
        if refuse_null(node, "empty or null remote write config section", report) {
            continue;
        }
        let Some(write) = write(node, context, report) else { continue };
        if !write.name.is_empty() && !names.insert(write.name.clone()) {
            let message = format!("found multiple remote write configs with job name {}", quote(&write.name));
            report.error(name_place(node), message);
        }
        found.push(write);
    }
    found
}

pub(super) fn reads(nodes: &[Node], report: &mut Report) -> Vec<RemoteReadConfig> {
    let mut names = HashSet::new();
    let mut found = Vec::new();
    for node in nodes {
        if refuse_null(node, "empty or null remote read config section", report) {
            continue;
        }
        let Some(read) = read(node, report) else { continue };
        if !read.name.is_empty() && !names.insert(read.name.clone()) {
            let message = format!("found multiple remote read configs with job name {}", quote(&read.name));
            report.error(name_place(node), message);
        }
        found.push(read);
    }
    found
}

fn name_place(node: &Node) -> crate::platform::config::yaml::Position {
    node.get("name").map_or(node.at, |name| name.at)
}

fn write(node: &Node, context: &Context<'_>, report: &mut Report) -> Option<RemoteWriteConfig> {
    let mut section = Section::open(node, "remote_write", report)?;
    let Some(url) = section.node("url") else {
        section.report.error(section.at, "url for remote_write is empty");
        return None;
    };
    let mut write = RemoteWriteConfig::new(discovery::url(url, "url", section.report)?);
    if let Some(timeout) = section.duration("remote_timeout") {
        write.remote_timeout = timeout;
    }
    write.headers = headers(&mut section, AUTHORIZATION_ELSEWHERE);
    write.write_relabel_configs = relabel::read(
        &mut section,
        "write_relabel_configs",
        &Rules::new(context, context.global.metric_name_validation_scheme),
        "empty or null relabeling rule in remote write config",
    );
    write.name = section.text_or_empty("name");
    write.send_exemplars = section.truth_or("send_exemplars", false);
    write.send_native_histograms = section.truth_or("send_native_histograms", false);
    write.round_robin_dns = section.truth_or("round_robin_dns", false);
    let messages = [WriteMessage::V1, WriteMessage::V2].map(|message| (message.as_str(), message));
    write.protobuf_message = section.choice("protobuf_message", &messages).unwrap_or(write.protobuf_message);
    write.failed_request_logging = section.truth_or("failed_request_logging", false);
    write.http = http_client::read(&mut section, write.http);
    write.queue_config = queue(&mut section);
    write.metadata_config = metadata(&mut section);
    write.sigv4 = section.raw("sigv4").filter(|node| node.kind != Kind::Null).cloned();
    write.azuread = section.node("azuread").cloned();
    write.google_iam = section.node("google_iam").cloned();
    check_auth(&mut section, &write);
    support::warn(&mut section, "remote_write");
    section.finish();
    Some(write)
}

fn check_auth(section: &mut Section<'_, '_>, write: &RemoteWriteConfig) {
    let ways = [
        ("basic_auth", write.http.basic_auth.is_some()),
        ("authorization", write.http.authorization.is_some()),
        ("oauth2", write.http.oauth2.is_some()),
        ("sigv4", write.sigv4.is_some()),
        ("azuread", write.azuread.is_some()),
        ("google_iam", write.google_iam.is_some()),
    ];
    let set: Vec<&str> = ways.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    if set.len() > 1 {
        let message = format!(
            "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: [{}]",
            set.join(" ")
        );
        section.report.error(section.at, message);
    }
}

fn queue(section: &mut Section<'_, '_>) -> QueueConfig {
    let mut queue = QueueConfig::default();
    let Some(mut read) = section.open_below("queue_config") else { return queue };
    let counts = [
        ("capacity", &mut queue.capacity),
        ("max_shards", &mut queue.max_shards),
        ("min_shards", &mut queue.min_shards),
        ("max_samples_per_send", &mut queue.max_samples_per_send),
    ];
    for (key, value) in counts {
        *value = read.count(key).unwrap_or(*value);
    }
    let durations = [
        ("batch_send_deadline", &mut queue.batch_send_deadline),
        ("min_backoff", &mut queue.min_backoff),
        ("max_backoff", &mut queue.max_backoff),
        ("sample_age_limit", &mut queue.sample_age_limit),
    ];
    for (key, value) in durations {
        *value = read.duration(key).unwrap_or(*value);
    }
    queue.retry_on_http_429 = read.truth_or("retry_on_http_429", false);
    let checks = [
        ("max_shards", queue.max_shards == 0, "remote write queue max_shards must be positive"),
        ("min_shards", queue.min_shards == 0, "remote write queue min_shards must be positive"),
        (
            "min_shards",
            queue.max_shards > 0 && queue.min_shards > queue.max_shards,
            "remote write queue min_shards must not be greater than max_shards",
        ),
        ("max_samples_per_send", queue.max_samples_per_send == 0, "remote write queue max_samples_per_send must be positive"),
        ("capacity", queue.capacity == 0, "remote write queue capacity must be positive"),
        ("max_backoff", queue.max_backoff < queue.min_backoff, "remote write queue max_backoff must not be less than min_backoff"),
    ];
    for (key, wrong, message) in checks {
        if wrong {
            let at = read.value_place(key);
            read.report.error(at, message);
        }
    }
    read.finish();
    queue
}

fn metadata(section: &mut Section<'_, '_>) -> MetadataConfig {
    let mut metadata = MetadataConfig::default();
    let Some(mut read) = section.open_below("metadata_config") else { return metadata };
    metadata.send = read.on_unless("send");
    metadata.send_interval = read.duration("send_interval").unwrap_or(metadata.send_interval);
    metadata.max_samples_per_send = read.count("max_samples_per_send").unwrap_or(metadata.max_samples_per_send);
    read.finish();
    metadata
}

fn read(node: &Node, report: &mut Report) -> Option<RemoteReadConfig> {
    let mut section = Section::open(node, "remote_read", report)?;
    let Some(url) = section.node("url") else {
        section.report.error(section.at, "url for remote_read is empty");
        return None;
    };
    let mut read = RemoteReadConfig::new(discovery::url(url, "url", section.report)?);
    if let Some(timeout) = section.duration("remote_timeout") {
        read.remote_timeout = timeout;
    }
    read.chunked_read_limit = section.count("chunked_read_limit").unwrap_or(read.chunked_read_limit);
    read.headers = headers(&mut section, AUTHORIZATION_ELSEWHERE);
    read.read_recent = section.truth_or("read_recent", false);
    read.name = section.text_or_empty("name");
    read.http = http_client::read(&mut section, read.http);
    read.required_matchers = label_map(&mut section, "required_matchers", NameValidation::Utf8);
    read.filter_external_labels = section.on_unless("filter_external_labels");
    section.finish();
    Some(read)
}

const AUTHORIZATION_ELSEWHERE: &str =
    "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter";

/// Headers that a sender sets itself.
const RESERVED: [&str; 17] = [
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
    "transfer-encoding",
];

/// `headers`, without those that are not the user's to set.
pub(super) fn headers(section: &mut Section<'_, '_>, authorization: &str) -> BTreeMap<String, String> {
    let place = section.value_place("headers");
    let headers = section.text_map("headers");
    for (name, value) in &headers {
        let lower = name.to_ascii_lowercase();
        if lower == "authorization" {
            section.report.error(place, authorization);
        } else if RESERVED.contains(&&*lower) {
            section.report.error(place, format!("{name} is a reserved header. It must not be changed"));
        } else if name.parse::<http::HeaderName>().is_err() || http::HeaderValue::from_str(value).is_err() {
            section.report.error(place, format!("headers: {} or its value is not valid in a header", quote(name)));
        }
    }
    headers
}
