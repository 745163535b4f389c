//! A module as it is shown: every key that says something, secrets hidden.

use super::module::{
    DnsModule, DnsRecords, GrpcModule, HeaderMatch, HttpModule, IcmpModule, Preference, Step, TcpModule, UnixModule, WebsocketModule,
};
use super::{Module, Pattern, Way};
use crate::base::masked;
use crate::platform::config::http_client;
use crate::platform::config::scalar::print_size;
use crate::platform::config::yaml::{self, Kind, MapWriter, Node};

/// The YAML of a module.
pub fn print(module: &Module) -> String {
    let mut out = MapWriter::default();
    out.text("prober", module.way.as_str());
    if let Some(timeout) = module.timeout {
        out.bare("timeout", format!("{}s", timeout.as_secs_f64()));
    }
    let below = match &module.way {
        Way::Http(module) => http(module),
        Way::Tcp(module) => tcp(module),
        Way::Dns(module) => dns(module),
        Way::Icmp(module) => icmp(module),
        Way::Grpc(module) => grpc(module),
        Way::Unix(module) => unix(module),
        Way::Websocket(module) => websocket(module),
        // No file of modules has them.
        Way::Smtp(_) | Way::Postgres(_) | Way::Redis(_) | Way::Docker(_) | Way::Domain(_) => MapWriter::default(),
    };
    out.map_if(module.way.as_str(), below);
    yaml::print(&out.finish())
}

fn address(out: &mut MapWriter, address: Preference) {
    out.text_if("preferred_ip_protocol", if address.ip4 { "ip4" } else { "" }).bare("ip_protocol_fallback", address.fallback);
}

fn patterns(out: &mut MapWriter, key: &str, patterns: &[Pattern]) {
    out.list_if(key, patterns.iter().map(|pattern| Node::text(pattern.as_str())).collect());
}

fn http(module: &HttpModule) -> MapWriter {
    let mut out = MapWriter::default();
    out.list_if("valid_status_codes", module.valid_status_codes.iter().map(Node::bare).collect());
    out.texts_if("valid_http_versions", &module.valid_http_versions);
    address(&mut out, module.address);
    out.bare_unless("skip_resolve_phase_with_proxy", module.skip_resolve_phase_with_proxy, false);
    out.bare_unless("fail_if_ssl", module.fail_if_ssl, false).bare_unless("fail_if_not_ssl", module.fail_if_not_ssl, false);
    out.text_if("method", &module.method).masked_map_if("headers", &module.headers);
    patterns(&mut out, "fail_if_body_matches_regexp", &module.fail_if_body_matches);
    patterns(&mut out, "fail_if_body_not_matches_regexp", &module.fail_if_body_not_matches);
    let headers = |matches: &[HeaderMatch]| {
        let one = |found: &HeaderMatch| {
            let mut out = MapWriter::default();
            out.text("header", &found.header).text("regexp", found.regexp.as_str());
            out.bare_unless("allow_missing", found.allow_missing, false);
            out.finish()
        };
        matches.iter().map(one).collect::<Vec<_>>()
    };
    out.list_if("fail_if_header_matches", headers(&module.fail_if_header_matches));
    out.list_if("fail_if_header_not_matches", headers(&module.fail_if_header_not_matches));
    // What is sent may well be how somebody signs in.
    out.text_if("body", if module.body.is_empty() { "" } else { "<secret>" }).text_if("body_file", &module.body_file);
    out.text_if("compression", &module.compression);
    if module.body_size_limit > 0 {
        out.bare("body_size_limit", print_size(module.body_size_limit));
    }
    http_client::print(&mut out, &module.client);
    out
}

fn steps(out: &mut MapWriter, steps: &[Step]) {
    let one = |step: &Step| {
        let mut out = MapWriter::default();
        out.text_if("expect", step.expect.as_ref().map_or("", Pattern::as_str)).text_if("expect_bytes", &step.expect_bytes);
        let labels = step.labels.iter().map(|(name, value)| {
            let mut out = MapWriter::default();
            out.text("name", name).text("value", value);
            out.finish()
        });
        out.list_if("labels", labels.collect());
        // Also passwords are sent so.
        out.text_if("send", if step.send.is_empty() { "" } else { "<secret>" });
        out.bare_unless("starttls", step.starttls, false);
        out.finish()
    };
    out.list_if("query_response", steps.iter().map(one).collect());
}

fn tcp(module: &TcpModule) -> MapWriter {
    let mut out = MapWriter::default();
    address(&mut out, module.address);
    out.text_if("source_ip_address", &module.source.map(|source| source.to_string()).unwrap_or_default());
    steps(&mut out, &module.steps);
    out.bare_unless("tls", module.is_tls, false);
    http_client::print_tls(&mut out, &module.tls);
    out
}

fn unix(module: &UnixModule) -> MapWriter {
    let mut out = MapWriter::default();
    steps(&mut out, &module.steps);
    out.bare_unless("tls", module.is_tls, false);
    http_client::print_tls(&mut out, &module.tls);
    out
}

fn icmp(module: &IcmpModule) -> MapWriter {
    let mut out = MapWriter::default();
    address(&mut out, module.address);
    out.text_if("source_ip_address", &module.source.map(|source| source.to_string()).unwrap_or_default());
    out.bare_unless("payload_size", module.payload_size, 0).bare_unless("dont_fragment", module.dont_fragment, false);
    out.bare_unless("ttl", module.ttl, 0);
    out
}

fn dns(module: &DnsModule) -> MapWriter {
    let mut out = MapWriter::default();
    address(&mut out, module.address);
    out.bare_unless("dns_over_tls", module.is_tls, false);
    http_client::print_tls(&mut out, &module.tls);
    out.text_if("source_ip_address", &module.source.map(|source| source.to_string()).unwrap_or_default());
    out.text_if("transport_protocol", &module.transport).text_if("query_class", &module.query_class);
    out.text_if("query_name", &module.query_name).text_if("query_type", &module.query_type);
    out.bare("recursion_desired", module.recursion);
    out.texts_if("valid_rcodes", module.valid_rcodes.as_deref().unwrap_or_default());
    for (key, records) in [
        ("validate_answer_rrs", &module.answer),
        ("validate_authority_rrs", &module.authority),
        ("validate_additional_rrs", &module.additional),
    ] {
        let mut below = MapWriter::default();
        let DnsRecords { fail_if_matches, fail_if_all_match, fail_if_not_matches, fail_if_none_matches } = records;
        patterns(&mut below, "fail_if_matches_regexp", fail_if_matches);
        patterns(&mut below, "fail_if_all_match_regexp", fail_if_all_match);
        patterns(&mut below, "fail_if_not_matches_regexp", fail_if_not_matches);
        patterns(&mut below, "fail_if_none_matches_regexp", fail_if_none_matches);
        out.map_if(key, below);
    }
    out
}

fn grpc(module: &GrpcModule) -> MapWriter {
    let mut out = MapWriter::default();
    out.text_if("service", &module.service).bare_unless("tls", module.is_tls, false);
    http_client::print_tls(&mut out, &module.tls);
    address(&mut out, module.address);
    let mut metadata = MapWriter::default();
    for (name, values) in &module.metadata {
        let values = values.iter().map(|value| Node::text(&*masked::value(name, value))).collect();
        metadata.put(name, Node::new(Kind::List(values)));
    }
    out.map_if("metadata", metadata);
    out
}

fn websocket(module: &WebsocketModule) -> MapWriter {
    let mut out = MapWriter::default();
    let mut client = MapWriter::default();
    http_client::print(&mut client, &module.client);
    out.map_if("http_config", client);
    address(&mut out, module.address);
    steps(&mut out, &module.steps);
    out
}
