//! What own collectors are to collect: a file of Promtail's shape.
//!
//! `scrape_configs` are read whole; `clients`, `positions` and `server` belong to Promtail and are only warned of, since
//! lines go into this server's own store.

use std::path::Path;

use super::docker::DockerJob;
use super::files::glob::Pattern;
use super::files::{FileJob, FileTarget};
use super::journal::JournalJob;
use super::relabel;
use crate::logs::ingest::listen::{Address, Transport};
use crate::logs::ingest::stage::{Pipeline, read_pipeline};
use crate::logs::ingest::syslog::message::{Naming, Zone};
use crate::logs::ingest::syslog::serve::SyslogSource;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::expand::expand;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Node, Position};
use crate::series::labels::{Labels, LabelsBuilder};
use crate::series::relabel::{RelabelConfig, process};

/// Most jobs of a file.
const JOBS_MAX: usize = 1_000;
/// The default socket of Docker.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// Ways to find logs that Promtail has and we do not.
const UNSUPPORTED: [&str; 18] = [
    "file_sd_configs",
    "kubernetes_sd_configs",
    "consul_sd_configs",
    "consulagent_sd_configs",
    "dns_sd_configs",
    "ec2_sd_configs",
    "gce_sd_configs",
    "azure_sd_configs",
    "loki_push_api",
    "windows_events",
    "gcplog",
    "azure_event_hub",
    "kafka",
    "gelf",
    "cloudflare",
    "heroku_drain",
    "openstack_sd_configs",
    "digitalocean_sd_configs",
];

/// Everything that is collected.
#[derive(Debug, Clone, Default)]
pub struct CollectConfig {
    pub(crate) files: Vec<FileJob>,
    pub(crate) docker: Vec<DockerJob>,
    pub(crate) journals: Vec<JournalJob>,
    pub(crate) syslog: Vec<SyslogSource>,
    /// By what a changed one is known.
    pub(crate) hash: u64,
}

impl CollectConfig {
    /// How many jobs of each kind there are, for messages.
    pub fn summary(&self) -> String {
        let Self { files, docker, journals, syslog, .. } = self;
        format!("{} jobs of files, {} of containers, {} of journals, {} of syslog", files.len(), docker.len(), journals.len(), syslog.len())
    }
}

/// Reads a configuration. `${NAME}` in it is taken from the environment.
///
/// # Errors
/// Every mistake, with its place.
pub fn read(text: &str, path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<(CollectConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Report::new(path);
    let mut config = CollectConfig { hash: xxhash_rust::xxh3::xxh3_64(text.as_bytes()), ..CollectConfig::default() };
    // As Promtail with -config.expand-env; a name that is not set stays, since regular expressions have dollar signs too.
    let text = expand_set(text, env);
    match yaml::parse(&text) {
        Ok(document) => root(&document.root, &mut config, &mut report),
        Err(error) => report.error(error.at, error.message),
    }
    report.finish().map(|warnings| (config, warnings))
}

/// Replaces `${NAME}` where there is such a variable.
fn expand_set(text: &str, env: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let name = rest[at + 2..].split_once('}').map(|(inside, _)| inside).unwrap_or_default();
        let plain = name.split_once(":-").map_or(name, |(name, _)| name);
        let is_name = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        let default = name.split_once(":-").map(|(_, default)| default.to_owned());
        match if is_name { env(plain).or(default) } else { None } {
            Some(_) if name == plain => {
                out.push_str(&expand(&format!("${{{plain}}}"), |name| env(name).unwrap_or_default()));
                rest = &rest[at + 3 + name.len()..];
            }
            Some(value) => {
                out.push_str(&value);
                rest = &rest[at + 3 + name.len()..];
            }
            None => {
                out.push_str("${");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn root(node: &Node, config: &mut CollectConfig, report: &mut Report) {
    let Some(mut section) = Section::open(node, "configuration", report) else { return };
    for key in ["clients", "client", "server", "positions", "target_config", "limits_config", "tracing", "options", "global", "wal"] {
        section.knows(&[key]);
        section.warn_if_set(key, "belongs to Promtail and does nothing here: lines go into this server's own store");
    }
    let jobs = section.list("scrape_configs");
    if jobs.len() > JOBS_MAX {
        let at = section.place("scrape_configs");
        section.report.error(at, format!("scrape_configs: more than {JOBS_MAX} jobs"));
        return;
    }
    let mut names = std::collections::BTreeSet::new();
    for (number, node) in jobs.iter().enumerate() {
        let Some(mut job) = Section::open(node, "scrape_configs", section.report) else { continue };
        let name = job.text("job_name").filter(|name| !name.is_empty()).unwrap_or_else(|| format!("job{number}"));
        if !names.insert(name.clone()) {
            let at = job.place("job_name");
            job.report.error(at, format!("job_name: {name:?} is there twice"));
        }
        read_job(name, &mut job, config);
        job.finish();
    }
    section.finish();
}

fn read_job(name: String, job: &mut Section<'_, '_>, config: &mut CollectConfig) {
    for key in UNSUPPORTED {
        job.knows(&[key]);
        job.warn_if_set(key, "is not supported here; nothing is collected by it");
    }
    job.knows(&["decompression"]);
    if let Some(encoding) = job.text("encoding").filter(|encoding| !matches!(encoding.to_ascii_lowercase().as_str(), "" | "utf-8" | "utf8"))
    {
        let at = job.value_place("encoding");
        job.report.error(at, format!("encoding: {encoding:?} is not supported, expected utf-8"));
    }
    let stages = job.list("pipeline_stages");
    let pipeline = read_pipeline(stages, job.report);
    let rules = relabel::read(job, "relabel_configs");
    let targets = static_configs(job, &rules);
    let docker_files = docker_files(job, &name);
    if !targets.is_empty() {
        config.files.push(FileJob { name: name.clone(), targets, pipeline: pipeline.clone() });
    }
    if let Some((target, at)) = docker_files {
        let pipeline = pipeline.clone();
        match target {
            Ok(target) => config.files.push(FileJob {
                name: format!("{name}/docker_files"),
                targets: vec![target],
                pipeline: pipeline.after_docker(),
            }),
            Err(why) => job.report.error(at, format!("docker_files: {why}")),
        }
    }
    for node in job.list("docker_sd_configs") {
        let Some(mut section) = Section::open(node, "docker_sd_configs", job.report) else { continue };
        section.knows(&["port", "host_networking_host", "match_first_network", "tls_config"]);
        let host = section.text("host").unwrap_or_else(|| format!("unix://{DOCKER_SOCKET}"));
        let refresh = section.duration("refresh_interval").map_or(std::time::Duration::from_secs(60), |every| every.to_std());
        section.warn_if_set("filters", "is not supported, every running container is found; keep some with relabel_configs");
        section.knows(&["filters"]);
        match host.strip_prefix("unix://") {
            Some(socket) => config.docker.push(DockerJob {
                name: name.clone(),
                socket: socket.into(),
                refresh: refresh.clamp(std::time::Duration::from_secs(1), std::time::Duration::from_secs(3600)),
                rules: rules.clone(),
                pipeline: pipeline.clone(),
            }),
            None => {
                let at = section.value_place("host");
                section
                    .report
                    .error(at, format!("host: {host:?} is not supported, expected the path of a socket as in unix://{DOCKER_SOCKET}"));
            }
        }
        section.finish();
    }
    journal(job, &name, &pipeline, &rules, config);
    syslog(job, &name, &pipeline, &rules, config);
}

fn static_configs(job: &mut Section<'_, '_>, rules: &[RelabelConfig]) -> Vec<FileTarget> {
    let mut targets = Vec::new();
    for node in job.list("static_configs") {
        let Some(mut section) = Section::open(node, "static_configs", job.report) else { continue };
        let addresses = section.texts("targets");
        let labels = section.text_map("labels");
        let at = section.place("labels");
        let mut builder = LabelsBuilder::new();
        builder.set("__address__", addresses.first().map_or("", String::as_str));
        for (name, value) in &labels {
            builder.set(name, value);
        }
        section.finish();
        if !process(&mut builder, rules) {
            continue;
        }
        let Some(path) = builder.get("__path__").map(str::to_owned) else {
            job.report.warn(at, "labels: there is no __path__, so that no file is found");
            continue;
        };
        let pattern = |text: &str, report: &mut Report| match Pattern::new(text) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                report.error(at, format!("__path__: {why}"));
                None
            }
        };
        let exclude = builder.get("__path_exclude__").map(str::to_owned);
        let exclude = exclude.and_then(|text| pattern(&text, job.report));
        let Some(pattern) = pattern(&path, job.report) else { continue };
        targets.push(FileTarget { pattern, exclude, labels: without_hidden(&builder), is_docker: false });
    }
    targets
}

/// Our own: Docker's files, with the labels of their containers.
fn docker_files(job: &mut Section<'_, '_>, name: &str) -> Option<(Result<FileTarget, String>, Position)> {
    let at = job.place("docker_files");
    let mut section = job.open_below("docker_files")?;
    let folder = section.text("path").unwrap_or_else(|| "/var/lib/docker/containers".to_owned());
    let mut labels = LabelsBuilder::new();
    labels.set("job", name);
    for (name, value) in section.text_map("labels") {
        labels.set(&name, &value);
    }
    section.finish();
    let pattern = Pattern::new(&format!("{}/*/*-json.log*", folder.trim_end_matches('/')));
    Some((pattern.map(|pattern| FileTarget { pattern, exclude: None, labels: labels.build(), is_docker: true }), at))
}

fn journal(job: &mut Section<'_, '_>, name: &str, pipeline: &Pipeline, rules: &[RelabelConfig], config: &mut CollectConfig) {
    let Some(mut section) = job.open_below("journal") else { return };
    let labels = labels_or_job(section.text_map("labels"), name);
    let max_age = section.duration("max_age").map_or(std::time::Duration::from_secs(7 * 3600), |age| age.to_std());
    let matches: Vec<String> = section.text_or_empty("matches").split_whitespace().map(str::to_owned).collect();
    if let Some(bad) = matches.iter().find(|one| *one != "+" && !one.contains('=') || one.starts_with('-')) {
        let at = section.value_place("matches");
        section.report.error(at, format!("matches: {bad:?} is no match, expected FIELD=value or +"));
        return;
    }
    let job = JournalJob {
        name: name.to_owned(),
        whole: section.truth_or("json", false),
        max_age,
        folder: section.text("path").filter(|path| !path.is_empty()),
        matches,
        labels,
        rules: rules.to_vec(),
        pipeline: pipeline.clone(),
    };
    section.finish();
    config.journals.push(job);
}

fn syslog(job: &mut Section<'_, '_>, name: &str, pipeline: &Pipeline, rules: &[RelabelConfig], config: &mut CollectConfig) {
    let Some(mut section) = job.open_below("syslog") else { return };
    section.knows(&["idle_timeout", "label_structured_data", "max_message_length", "syslog_format"]);
    section.warn_if_set("tls_config", "is not read; with listen_protocol: tls connections get the server's own certificate");
    section.knows(&["tls_config"]);
    let transport = section.choice("listen_protocol", &[("tcp", Transport::Tcp), ("udp", Transport::Udp), ("tls", Transport::Tls)]);
    let address = section.text("listen_address").unwrap_or_default();
    let naming = Naming {
        labels: labels_or_job(section.text_map("labels"), name),
        relabel: rules.to_vec(),
        keeps_time: section.truth_or("use_incoming_timestamp", false),
        keeps_whole: section.truth_or("use_rfc5424_message", false),
        zone: Zone::Local,
    };
    let at = section.value_place("listen_address");
    match Address::parse(&address, transport.unwrap_or(Transport::Tcp)) {
        Ok(address) => config.syslog.push(SyslogSource { address, naming, pipeline: pipeline.clone() }),
        Err(why) => section.report.error(at, format!("listen_address: {why}")),
    }
    section.finish();
}

fn labels_or_job(labels: std::collections::BTreeMap<String, String>, job: &str) -> Labels {
    let mut builder = LabelsBuilder::new();
    builder.set("job", job);
    for (name, value) in labels {
        builder.set(&name, &value);
    }
    without_hidden(&builder)
}

/// Labels without those that begin with two underscores.
pub(super) fn without_hidden(builder: &LabelsBuilder) -> Labels {
    let mut builder = builder.clone();
    builder.retain(|name, _| !name.starts_with("__"));
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMTAIL: &str = r"
server: {http_listen_port: 9080}
positions: {filename: /tmp/positions.yaml}
clients: [{url: 'http://loki:3100/loki/api/v1/push'}]
scrape_configs:
  - job_name: system
    static_configs:
      - targets: [localhost]
        labels: {job: varlogs, __path__: '/var/log/*log', __path_exclude__: '/var/log/x*', env: '${ENVIRONMENT}'}
    pipeline_stages:
      - regex: {expression: '^(?P<level>\w+)$'}
      - labels: {level: }
  - job_name: docker
    docker_sd_configs: [{host: 'unix:///run/docker.sock', refresh_interval: 5s}]
    relabel_configs: [{source_labels: ['__meta_docker_container_name'], regex: '/(.*)', target_label: container}]
  - job_name: journal
    journal: {max_age: 12h, labels: {job: systemd-journal}}
    relabel_configs: [{source_labels: ['__journal__systemd_unit'], target_label: unit}]
  - job_name: syslog
    syslog: {listen_address: '0.0.0.0:1514', labels: {job: syslog}, use_incoming_timestamp: yes}
    relabel_configs: [{source_labels: ['__syslog_message_hostname'], target_label: host}]
  - job_name: containers
    docker_files: {}
";

    fn load(text: &str) -> Result<(CollectConfig, Vec<String>), Vec<String>> {
        let env = |name: &str| (name == "ENVIRONMENT").then(|| "prod".to_owned());
        let texts = |all: Vec<Diagnostic>| all.iter().map(ToString::to_string).collect();
        read(text, Path::new("promtail.yml"), &env).map(|(config, warnings)| (config, texts(warnings))).map_err(texts)
    }

    #[test]
    fn a_promtail_file_is_taken_as_it_is() {
        let (config, warnings) = load(PROMTAIL).unwrap();
        assert_eq!(config.summary(), "2 jobs of files, 1 of containers, 1 of journals, 1 of syslog");
        assert_eq!(config.files[0].targets[0].labels.to_string(), "{env=\"prod\", job=\"varlogs\"}");
        assert!(config.files[0].targets[0].pattern.matches(Path::new("/var/log/syslog")));
        assert!(config.files[0].targets[0].exclude.as_ref().unwrap().matches(Path::new("/var/log/xlog")));
        assert_eq!(config.syslog[0].address.to_string(), "tcp://0.0.0.0:1514");
        assert!(warnings.len() == 3 && warnings.iter().all(|one| one.contains("belongs to Promtail")), "{warnings:?}");
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, said) in [
            ("scrape_configs: [{job_name: a, static_configs: [{labels: {__path__: 'x/*.log'}}]}]", "the whole path is needed"),
            ("scrape_configs: [{job_name: a}, {job_name: a}]", "is there twice"),
            ("scrape_configs: [{job_name: a, encoding: utf-16le}]", "expected utf-8"),
            ("scrape_configs: [{job_name: a, docker_sd_configs: [{host: 'tcp://x:1'}]}]", "the path of a socket"),
            ("scrape_configs: [{job_name: a, journal: {matches: '--root=/'}}]", "is no match"),
            ("scrape_configs: [{job_name: a, syslog: {}}]", "has no port"),
            ("scrape_configs: [{job_name: a, relabel_configs: [{action: hashmod}]}]", "non-zero modulus"),
            ("scrape_configs: [{job_name: a, relabel_configs: [{regex: '('}]}]", "invalid regular expression"),
            ("scrape_configs: 7", "expected a list"),
            ("scrape_configs: [unclosed", "promtail.yml:"),
        ] {
            let errors = load(text).err().unwrap_or_default();
            assert!(errors.iter().any(|one| one.contains(said)), "{text}: {errors:?}");
        }
        let (_, warnings) =
            load("scrape_configs: [{job_name: a, kafka: {x: 1}, colour: red, static_configs: [{labels: {a: b}}]}]").unwrap();
        for said in ["kafka: is not supported", "colour: unknown key", "no __path__"] {
            assert!(warnings.iter().any(|one| one.contains(said)), "{said}: {warnings:?}");
        }
    }

    #[test]
    fn variables_are_put_in_where_they_are_set() {
        let env = |name: &str| (name == "A").then(|| "x".to_owned());
        assert_eq!(expand_set("${A} ${B} ${B:-y} ${1} $A ${", &env), "x ${B} y ${1} $A ${");
    }
}
