//! The `probe_*` gauges of one probe, with upstream's names and helps.

use std::collections::BTreeMap;

use crate::platform::telemetry::metrics::Page;

/// Names with their helps.
const HELPS: [(&str, &str); 38] = [
    ("probe_dns_additional_rrs", "Returns number of entries in the additional resource record list"),
    ("probe_dns_answer_rrs", "Returns number of entries in the answer resource record list"),
    ("probe_dns_authority_rrs", "Returns number of entries in the authority resource record list"),
    ("probe_dns_duration_seconds", "Duration of DNS request by phase"),
    ("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds"),
    ("probe_dns_query_succeeded", "Displays whether or not the query was executed successfully"),
    ("probe_dns_serial", "Returns the serial number of the zone"),
    ("probe_duration_seconds", "Returns how long the probe took to complete in seconds"),
    ("probe_expect_info", "Explicit content matched"),
    ("probe_failed_due_to_bytes", "Indicates if probe failed due to bytes"),
    ("probe_failed_due_to_regex", "Indicates if probe failed due to regex"),
    ("probe_grpc_duration_seconds", "Duration of gRPC request by phase"),
    ("probe_grpc_healthcheck_response", "Response HealthCheck response"),
    ("probe_grpc_ssl", "Indicates if SSL was used for the connection"),
    ("probe_grpc_status_code", "Response gRPC status code"),
    ("probe_http_content_length", "Length of http content response"),
    ("probe_http_duration_seconds", "Duration of http request by phase, summed over all redirects"),
    ("probe_http_last_modified_timestamp_seconds", "Returns the Last-Modified HTTP response header in unixtime"),
    ("probe_http_redirects", "The number of redirects"),
    ("probe_http_ssl", "Indicates if SSL was used for the final redirect"),
    ("probe_http_status_code", "Response HTTP status code"),
    ("probe_http_uncompressed_body_length", "Length of uncompressed response body"),
    ("probe_http_version", "Returns the version of HTTP of the probe response"),
    ("probe_icmp_duration_seconds", "Duration of icmp request by phase"),
    ("probe_icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)"),
    ("probe_ip_addr_hash", "Specifies the hash of IP address. It's useful to detect if the IP address changes."),
    ("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6"),
    ("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime"),
    ("probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp"),
    ("probe_ssl_last_chain_info", "Contains SSL leaf certificate information"),
    ("probe_success", "Displays whether or not the probe was a success"),
    ("probe_timeout_seconds", "Returns how long the probe timeout is in seconds"),
    ("probe_tls_cipher_info", "Returns the TLS cipher negotiated during handshake"),
    ("probe_tls_version_info", "Returns the TLS version used or NaN when unknown"),
    ("probe_websocket_connection_upgraded", "Indicates if the websocket connection was successfully upgraded"),
    ("probe_websocket_duration_seconds", "Duration of websocket request by phase"),
    ("probe_websocket_failed_due_to_regex", "Indicates if probe failed due to regex"),
    ("probe_websocket_status_code", "Response HTTP status code"),
];

type Samples = BTreeMap<Vec<(String, String)>, f64>;

/// Gauges of one probe.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gauges(BTreeMap<&'static str, Samples>);

impl Gauges {
    /// Shows a gauge from now on; 0 until it is set.
    pub(super) fn show(&mut self, name: &'static str) {
        self.0.entry(name).or_default().entry(Vec::new()).or_insert(0.0);
    }

    /// Sets one without labels.
    pub(super) fn set(&mut self, name: &'static str, value: f64) {
        self.0.entry(name).or_default().insert(Vec::new(), value);
    }

    /// Sets one with labels.
    pub(super) fn set_with(&mut self, name: &'static str, labels: &[(&str, &str)], value: f64) {
        self.0.entry(name).or_default().insert(key(labels), value);
    }

    /// Adds to one with labels.
    pub(super) fn add_with(&mut self, name: &'static str, labels: &[(&str, &str)], value: f64) {
        *self.0.entry(name).or_default().entry(key(labels)).or_insert(0.0) += value;
    }

    /// The value of one without labels.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.get(&Vec::new()).copied()
    }

    /// All of them in the text exposition format.
    pub fn text(&self) -> String {
        let mut page = Page::default();
        for (name, samples) in &self.0 {
            let help = HELPS.iter().find(|(known, _)| known == name).map_or("", |(_, help)| help);
            page.family(name, "gauge", help);
            for (labels, value) in samples {
                let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                page.sample(name, &labels, *value);
            }
        }
        page.finish()
    }
}

fn key(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut key: Vec<(String, String)> = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    key.sort();
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_in_order_and_every_name_has_a_help() {
        let mut gauges = Gauges::default();
        gauges.set("probe_success", 1.0);
        gauges.show("probe_http_ssl");
        gauges.add_with("probe_http_duration_seconds", &[("phase", "tls")], 0.5);
        gauges.add_with("probe_http_duration_seconds", &[("phase", "tls")], 0.25);
        let text = gauges.text();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples, ["probe_http_duration_seconds{phase=\"tls\"} 0.75", "probe_http_ssl 0", "probe_success 1"]);
        assert!(text.contains("# HELP probe_success Displays whether or not the probe was a success\n# TYPE probe_success gauge\n"));
        assert_eq!(gauges.get("probe_success"), Some(1.0));
    }
}
