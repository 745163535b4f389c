//! What own collectors are to collect: a file of Promtail's shape.
//!
//! `scrape_configs` are read whole; of `clients` only the labels that they add count, and `positions`, `server` and the like are
//! Promtail's own affair, which is said. Lines go into this server's own store.

#[cfg(test)]
mod corpus;
mod file_sd;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};

use super::docker::DockerJob;
use super::files::glob::Pattern;
use super::files::{FileJob, FileTarget};
use super::journal::JournalJob;
use super::relabel;
use crate::logs::ingest::listen::{Address, Transport};
use crate::logs::ingest::stage::{Family, Pipeline, read_pipeline};
use crate::logs::ingest::syslog::message::{Naming, Zone};
use crate::logs::ingest::syslog::serve::SyslogSource;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::expand::expand;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Kind, Node, Position};
use crate::series::labels::{Labels, LabelsBuilder, is_legacy_label_name};
use crate::series::relabel::{RelabelConfig, process};

/// Most jobs of a file.
const JOBS_MAX: usize = 1_000;
/// The default socket of Docker.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// Ways to find logs that Promtail has and we do not, and what to do instead.
const UNSUPPORTED: [(&str, &str); 18] = [
    (
        "kubernetes_sd_configs",
        "is not supported here, nothing is collected by it; name the files, as __path__: /var/log/pods/*/*/*.log with the stage cri",
    ),
    ("loki_push_api", "is not supported here; senders push to the server's own /loki/api/v1/push"),
    ("consul_sd_configs", NOTHING),
    ("consulagent_sd_configs", NOTHING),
    ("dns_sd_configs", NOTHING),
    ("ec2_sd_configs", NOTHING),
    ("gce_sd_configs", NOTHING),
    ("azure_sd_configs", NOTHING),
    ("openstack_sd_configs", NOTHING),
    ("digitalocean_sd_configs", NOTHING),
    ("windows_events", NOTHING),
    ("gcplog", NOTHING),
    ("azure_event_hub", NOTHING),
    ("azure_event_hubs", NOTHING),
    ("kafka", NOTHING),
    ("gelf", NOTHING),
    ("cloudflare", NOTHING),
    ("heroku_drain", NOTHING),
];
const NOTHING: &str = "is not supported here; nothing is collected by it";
/// Sections of the file that are Promtail's own affair, and why nothing of them counts here.
const THEIRS: [(&str, &str); 9] = [
    ("server", "is not read; this server's own address is server.listen"),
    ("positions", "is not read; how far each file was read is kept in the data folder"),
    ("target_config", "is not read; files are looked for every second"),
    ("limits_config", "is not read; the server's own limits are those below logs of its settings"),
    ("tracing", "is not read"),
    ("options", "is not read"),
    ("global", "is not read"),
    ("wal", "is not read; what is collected goes into the server's own log first"),
    ("integrations", "is not read"),
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
    /// What pipelines count.
    pub(crate) families: Vec<Arc<Family>>,
    /// Whether files say what is collected, which may change at any time.
    pub(crate) has_lists: bool,
    /// Every job, with the place of its name.
    names: Vec<(String, Diagnostic)>,
}

impl CollectConfig {
    /// All jobs of both.
    ///
    /// # Errors
    /// Names that both have.
    pub fn join(mut self, other: Self) -> Result<Self, Vec<Diagnostic>> {
        let is_known = |name: &str| self.names.iter().any(|(known, _)| known == name);
        let twice: Vec<Diagnostic> = other.names.iter().filter(|(name, _)| is_known(name)).map(|(_, said)| said.clone()).collect();
        if !twice.is_empty() {
            return Err(twice);
        }
        self.files.extend(other.files);
        self.docker.extend(other.docker);
        self.journals.extend(other.journals);
        self.syslog.extend(other.syslog);
        self.names.extend(other.names);
        self.families.extend(other.families);
        self.has_lists |= other.has_lists;
        self.hash = self.hash.rotate_left(1) ^ other.hash;
        Ok(self)
    }

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
        Ok(document) => root(&document.root, "configuration", &mut config, &mut report),
        Err(error) => report.error(error.at, error.message),
    }
    report.finish().map(|warnings| (config, warnings))
}

/// Reads a configuration that stands in the file at `path`, among other things, as `collect`. Otherwise as [`read`].
///
/// # Errors
/// Every mistake, with its place.
pub fn read_node(
    node: &Node,
    path: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(CollectConfig, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Report::new(path);
    let hash = xxhash_rust::xxh3::xxh3_64(yaml::print(node).as_bytes());
    let mut config = CollectConfig { hash, ..CollectConfig::default() };
    let mut node = node.clone();
    expand_node(&mut node, env);
    root(&node, "collect", &mut config, &mut report);
    report.finish().map(|warnings| (config, warnings))
}

/// Replaces `${NAME}` in every value. How deep a tree is was bounded when it was read.
fn expand_node(node: &mut Node, env: &dyn Fn(&str) -> Option<String>) {
    match &mut node.kind {
        Kind::Null => {}
        Kind::Scalar { text, .. } if text.contains("${") => *text = expand_set(text, env).into(),
        Kind::Scalar { .. } => {}
        Kind::List(items) => items.iter_mut().for_each(|item| expand_node(item, env)),
        Kind::Map(pairs) => pairs.iter_mut().for_each(|(_, value)| expand_node(value, env)),
    }
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

fn root(node: &Node, name: &str, config: &mut CollectConfig, report: &mut Report) {
    let Some(mut section) = Section::open(node, name, report) else { return };
    for (key, why) in THEIRS {
        section.knows(&[key]);
        section.warn_if_set(key, &format!("belongs to Promtail and {why}"));
    }
    let external = clients(&mut section);
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
        let at = job.place("job_name");
        let message = format!("job_name: {name:?} is there twice");
        if !names.insert(name.clone()) {
            job.report.error(at, message.clone());
        }
        let file = Arc::clone(job.report.file());
        config.names.push((name.clone(), Diagnostic { file, line: at.line, column: at.column, message }));
        read_job(name, &external, &mut job, config);
        job.finish();
    }
    section.finish();
}

/// Where Promtail would send lines counts for nothing here, but the labels that it would add are added.
fn clients(section: &mut Section<'_, '_>) -> Vec<(String, String)> {
    let mut labels = BTreeMap::new();
    let mut client = |node: &Node, report: &mut Report| {
        if let Some(mut client) = Section::open(node, "clients", report) {
            for (name, value) in client.text_map("external_labels") {
                if is_legacy_label_name(&name) {
                    labels.entry(name).or_insert(value);
                } else {
                    let at = client.value_place("external_labels");
                    client.report.error(at, format!("external_labels: {name:?} is no name of a label"));
                }
            }
        }
    };
    for node in section.list("clients") {
        client(node, section.report);
    }
    if let Some(node) = section.node("client") {
        client(node, section.report);
    }
    for key in ["clients", "client"] {
        section.warn_if_set(key, "belongs to Promtail: lines go into this server's own store; of it only external_labels are read");
    }
    labels.into_iter().collect()
}

fn read_job(name: String, external: &[(String, String)], job: &mut Section<'_, '_>, config: &mut CollectConfig) {
    for (key, why) in UNSUPPORTED {
        job.knows(&[key]);
        job.warn_if_set(key, why);
    }
    decompression(job);
    let encoding = encoding(job);
    let stages = job.list("pipeline_stages");
    let pipeline = read_pipeline(stages, job.report).with_labels(external);
    config.families.extend(pipeline.families());
    let rules = relabel::read(job, "relabel_configs");
    let mut targets = static_configs(job, &rules);
    targets.extend(file_sd::read(job, &rules, config));
    let docker_files = docker_files(job, &name);
    if !targets.is_empty() {
        config.files.push(FileJob { name: name.clone(), targets, pipeline: pipeline.clone(), encoding });
    }
    if let Some((target, at)) = docker_files {
        let pipeline = pipeline.clone();
        match target {
            Ok(target) => config.files.push(FileJob {
                name: format!("{name}/docker_files"),
                targets: vec![target],
                pipeline: pipeline.after_docker(),
                encoding: UTF_8,
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
        let at = section.place("labels");
        let addresses = section.texts("targets");
        let labels = section.text_map("labels");
        section.finish();
        targets.extend(target(&addresses, &labels, "", rules, at, job.report));
    }
    targets
}

/// Files of one group of targets; `None` where rules leave it out, or it names no file. `found_in` is the file that says it.
fn target(
    addresses: &[String],
    labels: &BTreeMap<String, String>,
    found_in: &str,
    rules: &[RelabelConfig],
    at: Position,
    report: &mut Report,
) -> Option<FileTarget> {
    let mut builder = LabelsBuilder::new();
    builder.set("__address__", addresses.first().map_or("", String::as_str));
    if !found_in.is_empty() {
        builder.set("__meta_filepath", found_in);
    }
    for (name, value) in labels {
        builder.set(name, value);
    }
    if !process(&mut builder, rules) {
        return None;
    }
    if builder.get("__path__").is_none_or(str::is_empty) {
        report.warn(at, "labels: there is no __path__, so that no file is found");
        return None;
    }
    let mut pattern = |name: &str| {
        let text = builder.get(name).filter(|text| !text.is_empty())?;
        match Pattern::new(text) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                report.error(at, format!("{name}: {why}"));
                None
            }
        }
    };
    let exclude = pattern("__path_exclude__");
    let pattern = pattern("__path__")?;
    Some(FileTarget { pattern, exclude, labels: without_hidden(&builder), is_docker: false })
}

/// How texts of files are written.
fn encoding(job: &mut Section<'_, '_>) -> &'static Encoding {
    let Some(label) = job.text("encoding").filter(|label| !label.is_empty()) else { return UTF_8 };
    Encoding::for_label(label.as_bytes()).unwrap_or_else(|| {
        let at = job.value_place("encoding");
        job.report
            .error(at, format!("encoding: there is no encoding {label:?}, expected one such as utf-8, utf-16le, iso-8859-1 or shift_jis"));
        UTF_8
    })
}

/// How files are packed is seen by their names.
fn decompression(job: &mut Section<'_, '_>) {
    let at = job.place("decompression");
    let Some(mut section) = job.open_below("decompression") else { return };
    let is_on = section.truth_or("enabled", false);
    section.knows(&["initial_delay"]);
    let format = section.text_or_empty("format");
    section.finish();
    if is_on && !matches!(format.as_str(), "" | "gz") {
        job.report.warn(at, format!("decompression: {format} is not unpacked, only gz is; such files come as they are"));
    }
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
    // Structured data is always kept, as fields; what a message looks like is seen from itself.
    section.knows(&["idle_timeout", "label_structured_data", "max_message_length", "syslog_format", "use_rfc5424_message"]);
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

fn labels_or_job(labels: BTreeMap<String, String>, job: &str) -> Labels {
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
clients: [{url: 'http://loki:3100/loki/api/v1/push', external_labels: {cluster: c1, job: weak}}]
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
            ("scrape_configs: [{job_name: a, encoding: utf-99}]", "there is no encoding \"utf-99\", expected one such as utf-8"),
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
        for said in ["kafka: is not supported here", "colour: unknown key", "no __path__"] {
            assert!(warnings.iter().any(|one| one.contains(said)), "{said}: {warnings:?}");
        }
    }

    #[test]
    fn labels_of_clients_are_added_at_the_end() {
        let (config, _) = load(PROMTAIL).unwrap();
        let mut pipeline = config.files[0].pipeline.clone();
        let mut out = Vec::new();
        let mut entry = crate::logs::ingest::stage::Entry { text: "INFO".to_owned(), ..Default::default() };
        entry.labels.set("job", "varlogs");
        pipeline.push(entry, &crate::logs::ingest::stage::Moment { now_ns: 1, last_ts: i64::MIN }, &mut out);
        assert_eq!(out[0].labels.build().to_string(), "{cluster=\"c1\", job=\"varlogs\", level=\"INFO\"}");
    }

    #[test]
    fn lists_in_files_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("a.yml"),
            "- targets: [h1]\n  labels: {__path__: /var/log/a.log, team: t1}\n- labels: {team: none}\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("b.json"), r#"[{"targets": ["h2"], "labels": {"__path__": "/var/log/b.log"}}]"#).unwrap();
        let at = folder.path().join("promtail.yml");
        let text = "scrape_configs:\n  - job_name: a\n    file_sd_configs: [{files: ['*.yml', b.json, none.yml], refresh_interval: 1m}]\n    \
                    relabel_configs: [{source_labels: [__address__], target_label: host}, {source_labels: [__meta_filepath], regex: '.*/(.).[a-z]+', target_label: list}]\n";
        let (config, warnings) = read(text, &at, &|_| None).unwrap();
        let labels: Vec<String> = config.files[0].targets.iter().map(|target| target.labels.to_string()).collect();
        assert_eq!(labels, [r#"{host="h1", list="a", team="t1"}"#, r#"{host="h2", list="b"}"#]);
        assert!(config.has_lists && warnings.iter().any(|one| one.to_string().contains("there is no __path__")), "{warnings:?}");
        std::fs::write(folder.path().join("b.json"), "[]").unwrap();
        assert_ne!(read(text, &at, &|_| None).unwrap().0.hash, config.hash);
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        let errors = read(text, &at, &|_| None).unwrap_err();
        assert!(errors[0].to_string().contains("b.json:1:1: file_sd_configs: read"), "{errors:?}");
    }

    #[test]
    fn the_configuration_file_may_say_it_itself() {
        let env = |name: &str| (name == "ENVIRONMENT").then(|| "prod".to_owned());
        let whole = format!("pharos:\n  logs:\n    collect:{}", PROMTAIL.replace('\n', "\n      "));
        let document = yaml::parse(&whole).unwrap();
        let node = document.root.get("pharos").and_then(|own| own.get("logs")).and_then(|logs| logs.get("collect")).unwrap();
        let (inline, warnings) = read_node(node, Path::new("prometheus.yml"), &env).unwrap();
        let (file, _) = load(PROMTAIL).unwrap();
        assert_eq!(inline.summary(), file.summary());
        assert_eq!(inline.files[0].targets[0].labels, file.files[0].targets[0].labels);
        assert_eq!(warnings[0].to_string().split(": ").next(), Some("prometheus.yml:4:7"));
        let (other, _) = load("scrape_configs: [{job_name: other, journal: {}}]").unwrap();
        let joined = other.clone().join(inline.clone()).unwrap();
        assert_eq!(joined.summary(), "2 jobs of files, 1 of containers, 2 of journals, 1 of syslog");
        assert_ne!(joined.hash, inline.hash);
        let twice = file.join(inline).unwrap_err();
        assert_eq!((twice.len(), twice[0].to_string()), (5, "prometheus.yml:8:11: job_name: \"system\" is there twice".to_owned()));
    }

    #[test]
    fn variables_are_put_in_where_they_are_set() {
        let env = |name: &str| (name == "A").then(|| "x".to_owned());
        assert_eq!(expand_set("${A} ${B} ${B:-y} ${1} $A ${", &env), "x ${B} y ${1} $A ${");
    }
}
