//! From a YAML tree to modules: every key, upstream's defaults, upstream's checks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::dns_words::{class, record_type};
use super::module::{
    DnsModule, DnsRecords, GrpcModule, HeaderMatch, HttpModule, IcmpModule, Module, Preference, Step, TcpModule, UnixModule, Way,
    WebsocketModule,
};
use super::{Modules, Pattern};
use crate::base::go_duration;
use crate::base::quote::quote;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::http_client::{self, HttpClientConfig, TlsConfig};
use crate::platform::config::section::{self, Section};
use crate::platform::config::yaml::{Node, parse};

/// Largest payload of an echo request: what fits into a packet.
const PAYLOAD_BYTES_MAX: u64 = 65_507;
/// Probers, as the file calls them.
const PROBERS: [&str; 7] = ["http", "tcp", "icmp", "dns", "grpc", "unix", "websocket"];
/// How an answer may be packed.
const COMPRESSIONS: [&str; 4] = ["br", "deflate", "gzip", "identity"];

/// Reads the whole file.
pub(super) fn read(text: &str, report: &mut Report) -> Modules {
    let mut modules = Modules::default();
    let document = match parse(text) {
        Ok(document) => document,
        Err(error) => {
            report.error(error.at, error.message);
            return modules;
        }
    };
    let Some(mut file) = Section::open(&document.root, "configuration", report) else { return modules };
    if let Some(all) = file.open_below("modules") {
        for (name, node) in all.pairs() {
            if let Some(module) = module(&name.text, node, all.report) {
                modules.0.insert(name.text.to_string(), Arc::new(module));
            }
        }
    }
    file.finish_exactly();
    modules
}

fn module(name: &str, node: &Node, report: &mut Report) -> Option<Module> {
    let mut section = Section::open(node, name, report)?;
    let prober = section.text_or_empty("prober");
    let timeout = duration(&mut section, "timeout");
    // What is said of other protocols has to be right too.
    let http = section.open_below("http").map(http);
    let tcp = section.open_below("tcp").map(tcp);
    let dns = section.open_below("dns").map(dns);
    let icmp = section.open_below("icmp").map(icmp);
    let grpc = section.open_below("grpc").map(grpc);
    let unix = section.open_below("unix").map(unix);
    let websocket = section.open_below("websocket").map(websocket);
    let way = match prober.as_str() {
        "http" => Way::Http(Box::new(http.unwrap_or_default())),
        "tcp" => Way::Tcp(Box::new(tcp.unwrap_or_default())),
        "dns" => Way::Dns(Box::new(dns.unwrap_or_default())),
        "icmp" => Way::Icmp(icmp.unwrap_or(IcmpModule { ttl: TTL_USUAL, ..IcmpModule::default() })),
        "grpc" => Way::Grpc(Box::new(grpc.unwrap_or_default())),
        "unix" => Way::Unix(Box::new(unix.unwrap_or_default())),
        "websocket" => Way::Websocket(Box::new(websocket.unwrap_or_default())),
        other => {
            let at = section.value_place("prober");
            let near = section::nearest(other, &PROBERS).map_or_else(String::new, |near| format!(", did you mean {near}?"));
            section.report.error(at, format!("prober {} is not valid{near}", quote(other)));
            return None;
        }
    };
    section.finish_exactly();
    Some(Module { name: name.to_owned(), timeout, way })
}

/// How many routers an echo request may pass unless the file says otherwise.
const TTL_USUAL: u8 = 64;

/// A duration as Go writes it. None, too, when it is nothing.
fn duration(section: &mut Section<'_, '_>, key: &'static str) -> Option<Duration> {
    let text = section.text(key)?;
    match go_duration::parse(&text, &quote) {
        Ok(nanos) => u64::try_from(nanos).ok().filter(|nanos| *nanos > 0).map(Duration::from_nanos),
        Err(_) => {
            let at = section.value_place(key);
            section.report.error(at, format!("{key}: read {}, expected a duration such as 5s or 1m30s", quote(&text)));
            None
        }
    }
}

fn preference(section: &mut Section<'_, '_>) -> Preference {
    let word = section.text_or_empty("preferred_ip_protocol");
    if !matches!(&*word, "" | "ip4" | "ip6") {
        section.warn_if_set("preferred_ip_protocol", "neither ip4 nor ip6, which counts as ip4");
    }
    Preference { ip4: !matches!(&*word, "" | "ip6"), fallback: section.truth_or("ip_protocol_fallback", true) }
}

fn source(section: &mut Section<'_, '_>) -> Option<IpAddr> {
    let text = section.text("source_ip_address").filter(|text| !text.is_empty())?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let at = section.value_place("source_ip_address");
        section.report.error(at, format!("source_ip_address: read {}, expected an address", quote(&text)));
    }
    parsed
}

fn pattern(node: &Node, key: &str, report: &mut Report) -> Option<Pattern> {
    let text = section::text(node, key, report)?;
    match Pattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            report.error(node.at, format!("{key}: {} is no regular expression: {why}", quote(&text)));
            None
        }
    }
}

fn patterns(section: &mut Section<'_, '_>, key: &'static str) -> Vec<Pattern> {
    let nodes = section.list(key);
    nodes.iter().filter_map(|node| pattern(node, key, section.report)).collect()
}

fn http(mut section: Section<'_, '_>) -> HttpModule {
    let valid_status_codes = statuses(&mut section);
    let module = HttpModule {
        valid_status_codes,
        valid_http_versions: section.texts("valid_http_versions"),
        address: preference(&mut section),
        skip_resolve_phase_with_proxy: section.truth_or("skip_resolve_phase_with_proxy", false),
        fail_if_ssl: section.truth_or("fail_if_ssl", false),
        fail_if_not_ssl: section.truth_or("fail_if_not_ssl", false),
        method: section.text_or_empty("method"),
        headers: section.text_map("headers"),
        fail_if_body_matches: patterns(&mut section, "fail_if_body_matches_regexp"),
        fail_if_body_not_matches: patterns(&mut section, "fail_if_body_not_matches_regexp"),
        fail_if_header_matches: header_matches(&mut section, "fail_if_header_matches"),
        fail_if_header_not_matches: header_matches(&mut section, "fail_if_header_not_matches"),
        body: section.text_or_empty("body"),
        body_file: section.path("body_file"),
        compression: section.text_or_empty("compression").to_ascii_lowercase(),
        json: Vec::new(),
        body_size_limit: section.size("body_size_limit").unwrap_or(0),
        client: client(&mut section),
    };
    check_http(&mut section, &module);
    section.finish_exactly();
    module
}

fn statuses(section: &mut Section<'_, '_>) -> Vec<i64> {
    let key = "valid_status_codes";
    let mut found = Vec::new();
    for node in section.list(key) {
        let text = section::text(node, key, section.report).unwrap_or_default();
        match text.trim().parse::<i64>() {
            Ok(status) => found.push(status),
            Err(_) => section.report.error(node.at, format!("{key}: read {}, expected a status such as 200", node.describe())),
        }
    }
    found
}

fn client(section: &mut Section<'_, '_>) -> HttpClientConfig {
    let mut client = http_client::read(section, HttpClientConfig::default());
    if let Some(no_follow) = section.truth("no_follow_redirects") {
        section.warn_if_set("no_follow_redirects", "is deprecated, say follow_redirects with the opposite");
        client.follow_redirects = !no_follow;
    }
    client
}

fn check_http(section: &mut Section<'_, '_>, module: &HttpModule) {
    if !module.body.is_empty() && !module.body_file.is_empty() {
        let at = section.place("body_file");
        section.report.error(at, "setting body and body_file both are not allowed");
    }
    if !module.method.is_empty() && module.method.parse::<http::Method>().is_err() {
        let at = section.value_place("method");
        section.report.error(at, format!("method: {} is no method", quote(&module.method)));
    }
    for (name, value) in &module.headers {
        if name.parse::<http::HeaderName>().is_err() || http::HeaderValue::from_str(value).is_err() {
            let at = section.place("headers");
            section.report.error(at, format!("headers: {} or its value cannot stand in a header", quote(name)));
        }
        if name.eq_ignore_ascii_case("accept-encoding") && !asks_for(&module.compression, value) {
            let at = section.place("compression");
            let message =
                format!("compression {} is not among what the header {name} asks for: {}", quote(&module.compression), quote(value));
            section.report.error(at, message);
        }
    }
    if !module.compression.is_empty() && !COMPRESSIONS.contains(&module.compression.as_str()) {
        section.warn_if_set("compression", "is none of br, deflate, gzip and identity, so that probes fail");
    }
    if section.truth_or("enable_http3", false) {
        let at = section.place("enable_http3");
        section.report.error(at, "enable_http3: HTTP/3 is not spoken here yet; HTTP/2 and HTTP/1.1 are");
    } else if module.valid_http_versions.iter().any(|version| version == "HTTP/3.0") {
        let at = section.place("valid_http_versions");
        section.report.error(at, "valid_http_versions: HTTP/3.0 is right only with enable_http3, which is not spoken here yet");
    }
    for key in ["fail_if_body_json_matches_cel", "fail_if_body_json_not_matches_cel"] {
        if section.node(key).is_some() {
            let at = section.place(key);
            section
                .report
                .error(at, format!("{key}: conditions in CEL are not evaluated here; fail_if_body_matches_regexp and its like are"));
        }
    }
}

/// Whether `Accept-Encoding` has `encoding` with a weight above 0, as upstream reads it.
fn asks_for(encoding: &str, accepted: &str) -> bool {
    if encoding.is_empty() || accepted.is_empty() {
        return true;
    }
    let mut all: Vec<(&str, f64)> = accepted
        .split(',')
        .map(|part| match part.rsplit_once(';') {
            None => (part.trim(), 1.0),
            Some((name, weight)) => {
                let weight = weight.trim();
                let weight: f64 = weight.strip_prefix("q=").unwrap_or(weight).parse().unwrap_or(0.0);
                (name.trim(), (weight * 1000.0).round() / 1000.0)
            }
        })
        .collect();
    all.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    all.iter().find(|(name, _)| *name == encoding || *name == "*").is_some_and(|(_, weight)| *weight > 0.0)
}

fn header_matches(section: &mut Section<'_, '_>, key: &'static str) -> Vec<HeaderMatch> {
    let nodes = section.list(key);
    let one = |node: &Node, report: &mut Report| {
        let mut below = Section::open(node, key, report)?;
        let header = below.text_or_empty("header");
        if header.is_empty() {
            below.report.error(below.at, format!("{key}: header name must be set for HTTP header matchers"));
        }
        let regexp = match below.node("regexp") {
            Some(node) => pattern(node, "regexp", below.report).filter(|found| {
                if found.as_str().is_empty() {
                    below.report.error(node.at, format!("{key}: regexp must be set for HTTP header matchers"));
                }
                !found.as_str().is_empty()
            }),
            None => {
                below.report.error(below.at, format!("{key}: regexp must be set for HTTP header matchers"));
                None
            }
        };
        let allow_missing = below.truth_or("allow_missing", false);
        below.finish_exactly();
        Some(HeaderMatch { header, regexp: regexp?, allow_missing })
    };
    nodes.iter().filter_map(|node| one(node, section.report)).collect()
}

fn steps(section: &mut Section<'_, '_>) -> Vec<Step> {
    let nodes = section.list("query_response");
    let one = |node: &Node, report: &mut Report| {
        let mut below = Section::open(node, "query_response", report)?;
        let expect = match below.node("expect") {
            Some(node) => pattern(node, "expect", below.report),
            None => None,
        };
        let step = Step {
            expect,
            expect_bytes: below.text_or_empty("expect_bytes"),
            labels: labels(&mut below),
            send: below.text_or_empty("send"),
            starttls: below.truth_or("starttls", false),
        };
        if step.expect.is_some() && !step.expect_bytes.is_empty() {
            let at = below.place("expect_bytes");
            below.report.error(at, "expect and expect_bytes are mutually exclusive");
        }
        below.finish_exactly();
        Some(step)
    };
    nodes.iter().filter_map(|node| one(node, section.report)).collect()
}

fn labels(section: &mut Section<'_, '_>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for node in section.list("labels") {
        let Some(mut below) = Section::open(node, "labels", section.report) else { continue };
        let (name, value) = (below.text_or_empty("name"), below.text_or_empty("value"));
        if !crate::series::labels::is_legacy_label_name(&name) || found.iter().any(|(other, _)| *other == name) {
            let at = below.value_place("name");
            below.report.error(at, format!("labels: {} is no name of a label, or stands here twice", quote(&name)));
        }
        below.finish_exactly();
        found.push((name, value));
    }
    found
}

fn tls(section: &mut Section<'_, '_>) -> TlsConfig {
    http_client::tls(section)
}

fn tcp(mut section: Section<'_, '_>) -> TcpModule {
    let module = TcpModule {
        address: preference(&mut section),
        source: source(&mut section),
        steps: steps(&mut section),
        is_tls: section.truth_or("tls", false),
        tls: tls(&mut section),
    };
    section.finish_exactly();
    module
}

fn unix(mut section: Section<'_, '_>) -> UnixModule {
    let module = UnixModule { steps: steps(&mut section), is_tls: section.truth_or("tls", false), tls: tls(&mut section) };
    section.finish_exactly();
    module
}

fn websocket(mut section: Section<'_, '_>) -> WebsocketModule {
    let mut client = section.open_below("http_config").map(|mut below| {
        let read = http_client::read(&mut below, HttpClientConfig::default());
        below.finish_exactly();
        read
    });
    let headers = http_client::header_map(&mut section, "headers", &[]);
    client.get_or_insert_default().http_headers.extend(headers);
    let module = WebsocketModule {
        headers: std::collections::BTreeMap::new(),
        address: preference(&mut section),
        steps: steps(&mut section),
        is_patient: false,
        client: client.unwrap_or_default(),
    };
    section.finish_exactly();
    module
}

fn icmp(mut section: Section<'_, '_>) -> IcmpModule {
    let payload = section.count("payload_size").unwrap_or(0);
    if payload > PAYLOAD_BYTES_MAX {
        let at = section.value_place("payload_size");
        section.report.error(at, format!("payload_size: a packet holds {PAYLOAD_BYTES_MAX} bytes at most"));
    }
    let ttl = section.integer("ttl").unwrap_or(i64::from(TTL_USUAL));
    if ttl < 0 {
        let at = section.value_place("ttl");
        section.report.error(at, "\"ttl\" cannot be negative");
    } else if ttl > 255 {
        let at = section.value_place("ttl");
        section.report.error(at, "\"ttl\" cannot exceed 255");
    }
    let module = IcmpModule {
        address: preference(&mut section),
        source: source(&mut section),
        payload_size: usize::try_from(payload.min(PAYLOAD_BYTES_MAX)).unwrap_or(0),
        dont_fragment: section.truth_or("dont_fragment", false),
        ttl: u8::try_from(ttl).unwrap_or(TTL_USUAL),
    };
    section.finish_exactly();
    module
}

fn dns(mut section: Section<'_, '_>) -> DnsModule {
    let module = DnsModule {
        address: preference(&mut section),
        source: source(&mut section),
        is_tls: section.truth_or("dns_over_tls", false),
        tls: tls(&mut section),
        transport: section.text_or_empty("transport_protocol"),
        query_class: section.text_or_empty("query_class"),
        query_name: section.text_or_empty("query_name"),
        query_type: section.text_or_empty("query_type"),
        recursion: section.truth_or("recursion_desired", true),
        valid_rcodes: section.node("valid_rcodes").is_some().then(|| section.texts("valid_rcodes")),
        answer: records(&mut section, "validate_answer_rrs"),
        authority: records(&mut section, "validate_authority_rrs"),
        additional: records(&mut section, "validate_additional_rrs"),
    };
    if module.query_name.is_empty() {
        let at = section.at;
        section.report.error(at, "query name must be set for DNS module");
    }
    if class(&module.query_class).is_none() {
        let at = section.value_place("query_class");
        section.report.error(at, format!("query class {} is not valid", quote(&module.query_class)));
    }
    if record_type(&module.query_type).is_none() {
        let at = section.value_place("query_type");
        section.report.error(at, format!("query type {} is not valid", quote(&module.query_type)));
    }
    section.finish_exactly();
    module
}

fn records(section: &mut Section<'_, '_>, key: &'static str) -> DnsRecords {
    let Some(mut below) = section.open_below(key) else { return DnsRecords::default() };
    let records = DnsRecords {
        fail_if_matches: patterns(&mut below, "fail_if_matches_regexp"),
        fail_if_all_match: patterns(&mut below, "fail_if_all_match_regexp"),
        fail_if_not_matches: patterns(&mut below, "fail_if_not_matches_regexp"),
        fail_if_none_matches: patterns(&mut below, "fail_if_none_matches_regexp"),
    };
    below.finish_exactly();
    records
}

fn grpc(mut section: Section<'_, '_>) -> GrpcModule {
    let mut module = GrpcModule {
        service: section.text_or_empty("service"),
        is_tls: section.truth_or("tls", false),
        tls: tls(&mut section),
        address: preference(&mut section),
        ..GrpcModule::default()
    };
    if let Some(metadata) = section.open_below("metadata") {
        for (name, node) in metadata.pairs() {
            if name.text.parse::<http::HeaderName>().is_err() {
                metadata.report.error(name.at, format!("metadata: {} is no name of a header", quote(&name.text)));
            }
            let items = section::list(node, &name.text, metadata.report);
            let values = items.iter().filter_map(|item| section::text(item, &name.text, metadata.report)).collect();
            module.metadata.insert(name.text.to_string(), values);
        }
    }
    section.finish_exactly();
    module
}
