//! Remote write, outgoing, in numbers; under upstream's names, which dashboards and alerts ask for.

use super::RemoteSend;
use super::stats::{EndpointStats, Kinds};
use crate::platform::telemetry::metrics::{Page, Report};

/// What all families begin with.
const PREFIX: &str = "prometheus_remote_storage_";

/// Name without prefix, kind, help, and where the value is.
type Family = (&'static str, &'static str, &'static str, fn(&EndpointStats) -> f64);

/// Families with a value for each endpoint.
const FAMILIES: [Family; 15] = [
    ("metadata_total", "counter", "Metadata entries sent.", |one| one.metadata_sent as f64),
    ("metadata_failed_total", "counter", "Metadata entries refused for good.", |one| one.metadata_failed as f64),
    ("metadata_retried_total", "counter", "Metadata entries sent again.", |one| one.metadata_retried as f64),
    ("bytes_total", "counter", "Bytes of samples sent, compressed.", |one| one.bytes as f64),
    ("metadata_bytes_total", "counter", "Bytes of metadata sent, compressed.", |one| one.metadata_bytes as f64),
    ("enqueue_retries_total", "counter", "How often a full shard was waited for.", |one| one.enqueue_retries as f64),
    ("queue_highest_timestamp_seconds", "gauge", "Newest sample to be sent.", |one| one.highest_timestamp_secs),
    ("queue_highest_sent_timestamp_seconds", "gauge", "Newest sample sent.", |one| one.highest_sent_timestamp_secs),
    ("shard_capacity", "gauge", "Samples that may wait in a shard.", |one| one.shard_capacity as f64),
    ("shards", "gauge", "Requests that may be under way at once.", |one| one.shards as f64),
    ("shards_min", "gauge", "Fewest shards.", |one| one.shards_min as f64),
    ("shards_max", "gauge", "Most shards.", |one| one.shards_max as f64),
    ("shards_desired", "gauge", "Shards that the present rates ask for.", |one| one.shards_desired),
    ("max_samples_per_send", "gauge", "Most samples of one request.", |one| one.max_samples_per_send as f64),
    ("catching_up", "gauge", "Whether missed samples are still to be read back from storage.", |one| f64::from(u8::from(one.catching_up))),
];

/// What a name ends with, kind, help, and where the values are.
type ByKind = (&'static str, &'static str, &'static str, fn(&EndpointStats) -> Kinds);

/// Families for each kind of sample.
const BY_KIND: [ByKind; 4] = [
    ("total", "counter", "sent", |one| one.sent),
    ("failed_total", "counter", "refused for good", |one| one.failed),
    ("retried_total", "counter", "sent again", |one| one.retried),
    ("pending", "gauge", "waiting in memory", |one| one.pending),
];

impl Report for RemoteSend {
    fn report(&self, page: &mut Page) {
        let endpoints = self.stats();
        if endpoints.is_empty() {
            return;
        }
        // One value for all endpoints, as upstream: queries join it with each of them.
        let newest = endpoints.iter().map(|one| one.highest_timestamp_secs).fold(0.0, f64::max);
        page.gauge(&format!("{PREFIX}highest_timestamp_in_seconds"), "Newest sample stored.", newest);
        for (name, kind, help, value) in FAMILIES {
            let name = format!("{}{name}", if name == "catching_up" { "pharos_remote_storage_" } else { PREFIX });
            page.family(&name, kind, help);
            for one in &endpoints {
                page.sample(&name, &[("remote_name", &one.name), ("url", &one.url)], value(one));
            }
        }
        for (end, kind, what, value) in BY_KIND {
            for (at, word) in KINDS.iter().enumerate() {
                let name = format!("{PREFIX}{word}_{end}");
                page.family(&name, kind, &format!("{word} {what}."));
                for one in &endpoints {
                    page.sample(&name, &[("remote_name", &one.name), ("url", &one.url)], kinds(value(one))[at] as f64);
                }
            }
        }
        for (at, word) in KINDS.iter().enumerate() {
            let name = format!("{PREFIX}{word}_dropped_total");
            page.family(&name, "counter", &format!("{word} that are not to be sent."));
            for one in &endpoints {
                for (reason, count) in [("dropped_series", one.dropped_by_relabelling), ("too_old", one.too_old)] {
                    let labels = [("remote_name", one.name.as_str()), ("url", one.url.as_str()), ("reason", reason)];
                    page.sample(&name, &labels, kinds(count)[at] as f64);
                }
            }
        }
        let name = format!("{PREFIX}sent_batch_duration_seconds");
        page.family(&name, "histogram", "How long requests took.");
        self.each_duration(|one, durations| durations.write(page, &name, &[("remote_name", &one.name), ("url", &one.url)]));
    }
}

/// Names of the kinds, in the order of [`kinds`].
const KINDS: [&str; 3] = ["samples", "histograms", "exemplars"];

fn kinds(kinds: Kinds) -> [u64; 3] {
    [kinds.samples, kinds.histograms, kinds.exemplars]
}
