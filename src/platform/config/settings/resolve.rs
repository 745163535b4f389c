//! From flags, variables, file and defaults to one value each, and where it came from.

use std::sync::Arc;

use super::{Mistake, SPECS, Settings, Spec, words};
use crate::base::masked;
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::expand::expand;
use crate::platform::config::flags::ServeFlags;
use crate::platform::config::path;
use crate::platform::config::section::{self, Section};
use crate::platform::config::yaml::{Kind, Node, Position};

/// Settings that are paths: in a file a relative one stands below the file's folder.
const PATHS: [&str; 14] = [
    "storage.path",
    "alerts.routing_file",
    "uptime.modules_file",
    "logs.collect_file",
    "logs.loki_config",
    "host.textfile_dir",
    "statsd.mapping_config",
    "backup.folder",
    "auth.oidc_client_secret_file",
    "auth.oidc_ca_file",
    "server.tls_cert_file",
    "server.tls_key_file",
    "server.client_ca_file",
    "server.web_config_file",
];

/// What own collectors are to collect, as it stands below `pharos.logs` in the configuration file. Whoever collects reads it.
const COLLECT: &str = "collect";

/// Settings that a file sets, checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileSettings(Vec<FileSetting>, Option<Inline>);

/// A part of the configuration file that somebody else reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Inline {
    /// The file as it was named.
    pub file: Arc<str>,
    /// What stands there, with its places.
    pub node: Node,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileSetting {
    name: &'static str,
    text: String,
    file: Arc<str>,
    at: Position,
    /// Of another program's file than the configuration file.
    is_other: bool,
}

impl FileSettings {
    /// What stands below `pharos.logs.collect`, if anything does.
    pub const fn collect(&self) -> Option<&Inline> {
        self.1.as_ref()
    }

    /// Adds a value that the file sets elsewhere, as Prometheus' own `storage.tsdb.retention.time`. What stands
    /// under `pharos` wins. Unknown names and wrong values are left out.
    pub fn add(&mut self, name: &str, text: String, file: &Arc<str>, at: Position) {
        let Some(spec) = SPECS.iter().find(|spec| spec.name == name) else { return };
        if !self.0.iter().any(|setting| setting.name == name) && Settings::default().set(name, &text) == Ok(true) {
            self.0.push(FileSetting { name: spec.name, text, file: Arc::clone(file), at, is_other: false });
        }
    }

    /// Adds a value that another program's file sets. What the configuration file sets wins. Gives whether the value is
    /// one.
    pub fn add_from(&mut self, file: &Arc<str>, name: &str, text: String, line: u32) -> bool {
        let Some(spec) = SPECS.iter().find(|spec| spec.name == name) else { return false };
        let is_one = set(&mut Settings::default(), spec, &text).is_ok();
        if is_one && !self.0.iter().any(|setting| setting.name == name) {
            self.0.push(FileSetting { name: spec.name, text, file: Arc::clone(file), at: Position { line, column: 1 }, is_other: true });
        }
        is_one
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The configuration file, with the place.
    File {
        /// The file as it was named.
        file: Arc<str>,
        /// Where in it.
        at: Position,
    },
    /// Another program's file, with the line.
    Other {
        /// The file as it was named.
        file: Arc<str>,
        /// From 1.
        line: u32,
    },
    /// An environment variable, with its name.
    Environment(String),
    /// A flag of the command line, as it was written.
    Flag(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { at, .. } => write!(f, "configuration file, line {}", at.line),
            Self::Other { file, line } => write!(f, "{file}, line {line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// One setting, its value and where it came from.
#[derive(Debug, Clone)]
pub struct SettingValue {
    /// The row of the table.
    pub spec: &'static Spec,
    /// The value as text.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

/// Every setting with its value.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The values.
    pub settings: Settings,
    /// The same as texts, in order of the table.
    pub values: Vec<SettingValue>,
    /// What is odd about them, one sentence each.
    pub warnings: Vec<String>,
    /// What stands below `pharos.logs.collect` in the configuration file.
    pub collect: Option<Inline>,
}

impl Resolved {
    /// Takes each setting from the first of flags, variables, file and default that has it.
    ///
    /// # Errors
    /// One message per wrong flag and variable.
    pub fn resolve(flags: &ServeFlags, env: &dyn Fn(&str) -> Option<String>, file: &FileSettings) -> Result<Self, Vec<Diagnostic>> {
        let mut settings = Settings::default();
        let mut sources = Vec::with_capacity(SPECS.len());
        let mut errors = Vec::new();
        let mut warnings = Vec::new();
        for spec in SPECS {
            let (text, source) = find(spec, flags, env, file);
            if let Some(text) = text {
                match set(&mut settings, spec, &text) {
                    Ok(()) => {
                        warnings.extend(words::oddities(spec.name, &text).into_iter().map(|odd| format!("{}: {odd}", place(spec, &source))))
                    }
                    Err(message) => errors.push(placed(spec, &source, message)),
                }
            }
            sources.push(source);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let values = SPECS
            .iter()
            .zip(sources)
            .map(|(spec, source)| SettingValue { spec, value: settings.get(spec.name).unwrap_or_default(), source })
            .collect();
        Ok(Self { settings, values, warnings, collect: file.1.clone() })
    }

    /// A mistake with the place where its setting was set: file, line and column, or the flag or variable.
    pub fn placed(&self, mistake: &Mistake) -> Diagnostic {
        let Mistake { setting, message } = mistake;
        match self.values.iter().find(|value| value.spec.name == *setting) {
            Some(value) if message.contains(setting) || value.source == Source::Default => {
                placed(value.spec, &value.source, message.clone())
            }
            Some(value) => placed(value.spec, &value.source, format!("{setting}: {message}")),
            None => Diagnostic { file: (*setting).into(), line: 0, column: 0, message: message.clone() },
        }
    }

    /// Flag names of Prometheus and their values, for tools that ask `/api/v1/status/flags`; our own names for
    /// settings that Prometheus does not have.
    pub fn flags(&self) -> Vec<(String, String)> {
        let mut flags: Vec<(String, String)> = self
            .values
            .iter()
            .map(|value| (value.spec.aliases.first().map_or_else(|| value.spec.flag(), |alias| (*alias).to_owned()), value.value.clone()))
            .collect();
        flags.sort();
        flags
    }
}

fn find(spec: &Spec, flags: &ServeFlags, env: &dyn Fn(&str) -> Option<String>, file: &FileSettings) -> (Option<String>, Source) {
    if let Some((flag, text)) = flags.get(spec.name) {
        return (Some(text.to_owned()), Source::Flag(flag.to_owned()));
    }
    let variable = spec.variable();
    if let Some(text) = env(&variable) {
        return (Some(text), Source::Environment(variable));
    }
    match file.0.iter().find(|setting| setting.name == spec.name) {
        Some(setting) => {
            let (file, at) = (Arc::clone(&setting.file), setting.at);
            let source = if setting.is_other { Source::Other { file, line: at.line } } else { Source::File { file, at } };
            (Some(setting.text.clone()), source)
        }
        None => (None, Source::Default),
    }
}

/// Sets one, or says what is wrong with the text.
fn set(settings: &mut Settings, spec: &Spec, text: &str) -> Result<(), String> {
    let expected = || format!("read {:?}, expected {}", masked::url(text), words::expected(spec));
    if !settings.set(spec.name, text).map_err(|_| expected())? {
        return Err(expected());
    }
    words::mistake(spec.name, text).map_or(Ok(()), Err)
}

fn placed(spec: &Spec, source: &Source, message: String) -> Diagnostic {
    match source {
        Source::File { file, at } => Diagnostic { file: Arc::clone(file), line: at.line, column: at.column, message },
        _ => Diagnostic { file: place(spec, source).into(), line: 0, column: 0, message },
    }
}

/// Where a value was set, as people wrote it.
fn place(spec: &Spec, source: &Source) -> String {
    match source {
        Source::Flag(flag) => format!("--{flag}"),
        Source::Environment(variable) => variable.clone(),
        Source::File { at, .. } => format!("configuration file, line {}, {}", at.line, spec.name),
        Source::Other { file, line } => format!("{file}, line {line}, {}", spec.name),
        Source::Default => spec.name.to_owned(),
    }
}

/// Reads the section `pharos` of a file. `${NAME}` in values is taken from the environment.
pub fn read_file(node: &Node, env: &dyn Fn(&str) -> Option<String>, report: &mut Report) -> FileSettings {
    let mut found = FileSettings::default();
    let Some(mut section) = Section::open(node, "pharos", report) else { return found };
    let mut groups: Vec<&'static str> = SPECS.iter().map(|spec| spec.group).collect();
    groups.dedup();
    for group in groups {
        let Some(mut below) = section.open_below(group) else { continue };
        for spec in SPECS.iter().filter(|spec| spec.group == group) {
            if let Some(node) = below.node(spec.key) {
                found.0.extend(setting(spec, node, env, below.report));
            }
        }
        if group == "logs"
            && let Some(node) = below.node(COLLECT)
        {
            found.1 = Some(Inline { file: Arc::clone(below.report.file()), node: node.clone() });
        }
        below.finish_strictly();
    }
    section.finish_strictly();
    found
}

fn setting(spec: &Spec, node: &Node, env: &dyn Fn(&str) -> Option<String>, report: &mut Report) -> Option<FileSetting> {
    let raw = match &node.kind {
        Kind::List(items) if spec.is_list => {
            let texts = items.iter().filter_map(|item| section::text(item, spec.key, report));
            texts.map(|item| super::value::quoted(&item)).collect::<Vec<_>>().join(",")
        }
        Kind::Scalar { text, .. } => text.to_string(),
        _ => {
            report.error(node.at, format!("{}: read {}, expected {}", spec.key, node.describe(), spec.allowed));
            return None;
        }
    };
    let text = expand(&raw, |name| {
        let value = if name == "$" { Some("$".to_owned()) } else { env(name) };
        value.unwrap_or_else(|| {
            report.error(node.at, format!("{}: environment variable {name} is not set", spec.key));
            String::new()
        })
    });
    let text = if PATHS.contains(&spec.name) { path::join(report.dir(), &text) } else { text };
    match set(&mut Settings::default(), spec, &text) {
        Ok(()) => Some(FileSetting { name: spec.name, text, file: Arc::clone(report.file()), at: node.at, is_other: false }),
        Err(_) if raw != text => {
            // What a variable holds may be a secret that was put in the wrong place.
            report.error(node.at, format!("{}: read {raw:?}, expected {}", spec.key, words::expected(spec)));
            None
        }
        Err(message) => {
            report.error(node.at, format!("{}: {message}", spec.key));
            None
        }
    }
}
