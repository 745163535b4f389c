//! `static_configs` and every `*_sd_configs`.

use super::super::{ConfigUrl, DiscoveryConfigs, DnsRecord, DnsSd, FileSd, HttpClientConfig, HttpSd, OtherSd, StaticConfig};
use super::{label_map, refuse_null};
use crate::base::masked;
use crate::metrics::model::config::NameValidation;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::http_client;
use crate::platform::config::path;
use crate::platform::config::section::{self, Section};
use crate::platform::config::yaml::{Kind, Node};
use crate::series::labels::quote;

/// Discoveries of Prometheus that are read but not acted on yet.
const OTHER: [&str; 34] = [
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "ecs_sd_configs",
    "elasticache_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "msk_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "oci_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "rds_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
    "xds_sd_configs",
];

/// Every discovery of a job or of a group of Alertmanagers.
pub(super) fn read(section: &mut Section<'_, '_>) -> DiscoveryConfigs {
    let mut found = DiscoveryConfigs {
        static_configs: entries(section, "static_configs", static_config),
        file: entries(section, "file_sd_configs", file),
        http: entries(section, "http_sd_configs", http),
        dns: entries(section, "dns_sd_configs", dns),
        other: Vec::new(),
    };
    for key in OTHER {
        let place = section.place(key);
        let others = entries(section, key, |node, _, _| Some(OtherSd { key: key.to_owned(), raw: node.clone() }));
        if !others.is_empty() {
            let name = key.trim_end_matches("_sd_configs");
            section.report.warn(place, format!("{key}: {name} discovery is not supported yet, its targets are not scraped"));
        }
        found.other.extend(others);
    }
    found
}

/// Refuses targets that are URLs, unless relabelling may make addresses of them.
pub(super) fn check_static_targets(section: &mut Section<'_, '_>, relabelled: bool) {
    if relabelled {
        return;
    }
    for group in section.list("static_configs") {
        let targets = group.get("targets").map_or(&[][..], |node| match &node.kind {
            Kind::List(targets) => targets,
            _ => &[],
        });
        for target in targets {
            if let Kind::Scalar { text, .. } = &target.kind
                && text.contains('/')
            {
                section.report.error(target.at, format!("{} is not a valid hostname", quote(&masked::address(text))));
            }
        }
    }
}

fn entries<T>(section: &mut Section<'_, '_>, key: &'static str, read: impl Fn(&Node, &'static str, &mut Report) -> Option<T>) -> Vec<T> {
    let mut found = Vec::new();
    for node in section.list(key) {
        if !refuse_null(node, &format!("empty or null section in {key}"), section.report) {
            found.extend(read(node, key, section.report));
        }
    }
    found
}

fn static_config(node: &Node, key: &'static str, report: &mut Report) -> Option<StaticConfig> {
    let mut section = Section::open(node, key, report)?;
    let targets = section.texts("targets");
    let labels = label_map(&mut section, "labels", NameValidation::Utf8);
    section.finish();
    Some(StaticConfig { targets, labels })
}

fn file(node: &Node, key: &'static str, report: &mut Report) -> Option<FileSd> {
    let mut section = Section::open(node, key, report)?;
    let mut found = FileSd::default();
    for node in section.list("files") {
        let Some(text) = section::text(node, "files", section.report) else { continue };
        if !is_target_file(&text) {
            section.report.error(node.at, format!("path name {} is not valid for file discovery", quote(&text)));
        }
        found.files.push(path::join(section.report.dir(), &text));
    }
    if found.files.is_empty() {
        section.report.error(section.at, "file service discovery config must contain at least one path name");
    }
    if let Some(interval) = section.duration("refresh_interval") {
        found.refresh_interval = interval;
    }
    section.finish();
    Some(found)
}

fn is_target_file(path: &str) -> bool {
    let known = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"];
    path::globs_last_part_only(path) && known.iter().any(|end| path.ends_with(end))
}

fn http(node: &Node, key: &'static str, report: &mut Report) -> Option<HttpSd> {
    let mut section = Section::open(node, key, report)?;
    let url = match section.node("url") {
        None => {
            section.report.error(section.at, "URL is missing");
            None
        }
        Some(node) => url(node, "url", section.report),
    };
    let refresh_interval = section.duration("refresh_interval").unwrap_or(crate::base::time::Duration::from_secs(60));
    let http = http_client::read(&mut section, HttpClientConfig::default());
    section.finish();
    Some(HttpSd { url: url?, refresh_interval, http })
}

/// An `http` or `https` URL.
pub(super) fn url(node: &Node, key: &str, report: &mut Report) -> Option<ConfigUrl> {
    let text = section::text(node, key, report)?;
    // The URL may carry a password, so a message shows it only where it was understood.
    match ConfigUrl::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(url),
        Ok(url) => {
            report.error(node.at, format!("{key}: read scheme {}, expected http or https", quote(url.scheme())));
            None
        }
        Err(error) => {
            report.error(node.at, format!("{key}: expected a URL such as http://host:9090/path, {error}"));
            None
        }
    }
}

fn dns(node: &Node, key: &'static str, report: &mut Report) -> Option<DnsSd> {
    let mut section = Section::open(node, key, report)?;
    let mut found = DnsSd { names: section.texts("names"), ..DnsSd::default() };
    if found.names.is_empty() {
        section.report.error(section.at, "DNS-SD config must contain at least one SRV record name");
    }
    if let Some(interval) = section.duration("refresh_interval") {
        found.refresh_interval = interval;
    }
    if let Some(text) = section.text("type") {
        let records = [DnsRecord::Srv, DnsRecord::A, DnsRecord::Aaaa, DnsRecord::Mx, DnsRecord::Ns];
        let at = section.value_place("type");
        match records.into_iter().find(|record| record.as_str().eq_ignore_ascii_case(&text)) {
            Some(record) => found.record = record,
            None => section.report.error(at, format!("invalid DNS-SD records type {text}, expected SRV, A, AAAA, MX or NS")),
        }
    }
    if let Some(port) = section.count("port") {
        let at = section.value_place("port");
        match u16::try_from(port) {
            Ok(port) => found.port = port,
            Err(_) => section.report.error(at, format!("port: read \"{port}\", expected a port from 1 to 65535")),
        }
    }
    if found.record != DnsRecord::Srv && found.port == 0 {
        section.report.error(section.at, "a port is required in DNS-SD configs for all record types except SRV");
    }
    section.finish();
    Some(found)
}
