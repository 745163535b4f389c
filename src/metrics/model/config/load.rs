//! Reading a configuration from disk, all of it or not at all.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::read::{self, Context, Environment};
use super::{Config, ScrapeConfig};
use crate::platform::config::diagnostic::{Diagnostic, Report};
use crate::platform::config::path;
use crate::platform::config::settings::{FileSettings, read_file};
use crate::platform::config::text_file;
use crate::platform::config::yaml::{self, FILE_BYTES_MAX, Key, Kind, Node, Position, without_secrets};
use crate::series::labels::quote;

/// The key of our own settings.
const OWN_SECTION: &str = "pharos";
/// Most files that `scrape_config_files` may name.
const SCRAPE_FILES_MAX: usize = 10_000;

/// A configuration that was read and found right.
#[derive(Debug, Clone, Default)]
pub struct LoadedConfig {
    /// What Prometheus' sections say.
    pub config: Config,
    /// What our own section says.
    pub settings: FileSettings,
    /// What is odd about the files.
    pub warnings: Vec<Diagnostic>,
    /// XXH3 over the texts of all files: equal hashes, nothing changed.
    pub hash: u64,
    /// The main file; `None` for the default configuration.
    pub loaded_from: Option<PathBuf>,
    /// Our own section as it stands in the file, secrets hidden.
    own: Option<Node>,
}

impl LoadedConfig {
    /// The effective configuration as text, for `/api/v1/status/config`.
    pub fn to_yaml(&self) -> String {
        let mut root = self.config.to_node();
        if let (Kind::Map(pairs), Some(own)) = (&mut root.kind, &self.own) {
            pairs.push((Key { at: Position::default(), text: OWN_SECTION.into() }, own.clone()));
        }
        yaml::print(&root)
    }
}

/// Reads the file at `path` and the files of its `scrape_config_files`.
///
/// # Errors
/// Every mistake found, in order of the files. Nothing is kept of a configuration with a mistake.
pub fn load(path: &Path, env: &Environment<'_>) -> Result<LoadedConfig, Vec<Diagnostic>> {
    let mut report = Report::new(path);
    match text_file::read(path, FILE_BYTES_MAX) {
        Ok(text) => finish(&text, path, env, report),
        Err(message) => {
            report.error(Position::default(), message);
            Err(report.finish().err().unwrap_or_default())
        }
    }
}

/// Reads `text` as if it stood in the file at `path`.
///
/// # Errors
/// As [`load`].
pub fn read_text(text: &str, path: &Path, env: &Environment<'_>) -> Result<LoadedConfig, Vec<Diagnostic>> {
    finish(text, path, env, Report::new(path))
}

fn finish(text: &str, path: &Path, env: &Environment<'_>, mut report: Report) -> Result<LoadedConfig, Vec<Diagnostic>> {
    let mut hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
    let root = parse(text, &mut report);
    let mut loaded = LoadedConfig { loaded_from: Some(path.to_owned()), ..LoadedConfig::default() };
    if let Some(root) = root {
        if let Some(own) = root.get(OWN_SECTION) {
            loaded.settings = read_file(own, env, &mut report);
            loaded.own = Some(without_secrets(own));
        }
        loaded.config = read::config(&root, &[OWN_SECTION], env, &mut report);
        add_storage_settings(&mut loaded, &root, &report);
        scrape_files(&mut loaded.config, path, &mut hash, &mut report);
    }
    loaded.hash = hash;
    loaded.warnings = report.finish()?;
    Ok(loaded)
}

fn parse(text: &str, report: &mut Report) -> Option<Node> {
    match yaml::parse(text) {
        Ok(document) => {
            if let Some(at) = document.second {
                report.warn(at, "a second document begins here; only the first one is read");
            }
            Some(document.root)
        }
        Err(error) => {
            report.error(error.at, error.message);
            None
        }
    }
}

/// Retention and the like may stand in Prometheus' section or in ours; ours wins.
fn add_storage_settings(loaded: &mut LoadedConfig, root: &Node, report: &Report) {
    let at = root.get("storage").map_or(Position::default(), |node| node.at);
    let tsdb = &loaded.config.storage.tsdb;
    let values = [
        ("storage.retention_time", (tsdb.retention.time.ms() != 0).then(|| tsdb.retention.time.to_string())),
        ("storage.retention_size", (tsdb.retention.size != 0).then(|| crate::platform::config::scalar::print_size(tsdb.retention.size))),
        ("storage.out_of_order_window", (tsdb.out_of_order_time_window.ms() != 0).then(|| tsdb.out_of_order_time_window.to_string())),
        ("storage.exemplars_max", loaded.config.storage.max_exemplars.map(|max| max.max(0).to_string())),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            loaded.settings.add(name, value, report.file(), at);
        }
    }
}

/// Adds the jobs of `scrape_config_files`; their names must be new.
fn scrape_files(config: &mut Config, main: &Path, hash: &mut u64, report: &mut Report) {
    let mut names: HashMap<String, String> =
        config.scrape_configs.iter().map(|job| (job.job_name.clone(), "the main file".to_owned())).collect();
    let mut files = 0;
    let global = config.global.clone();
    let context = Context::new(&global);
    for pattern in config.scrape_config_files.clone() {
        report.enter(main);
        let found = match path::glob(&pattern) {
            Ok(found) => found,
            Err(error) => {
                report.error(Position::default(), format!("scrape_config_files: {}: {error}", quote(&pattern)));
                continue;
            }
        };
        files += found.len();
        if files > SCRAPE_FILES_MAX {
            report.error(Position::default(), format!("scrape_config_files: more than {SCRAPE_FILES_MAX} files"));
            return;
        }
        for file in found {
            report.enter(Path::new(&file));
            let jobs = scrape_file(&file, &context, hash, report);
            for job in jobs {
                if let Some(first) = names.insert(job.job_name.clone(), file.clone()) {
                    let message = format!("found multiple scrape configs with job name {}, first found in {first}", quote(&job.job_name));
                    report.error(Position::default(), message);
                }
                config.scrape_configs.push(job);
            }
        }
    }
}

fn scrape_file(file: &str, context: &Context<'_>, hash: &mut u64, report: &mut Report) -> Vec<ScrapeConfig> {
    match text_file::read(Path::new(file), FILE_BYTES_MAX) {
        Ok(text) => {
            *hash = xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), *hash);
            parse(&text, report).map(|root| read::scrape_file(&root, context, report)).unwrap_or_default()
        }
        Err(message) => {
            report.error(Position::default(), message);
            Vec::new()
        }
    }
}

/// What `pharos check config` prints, and whether all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Lines to print.
    pub text: String,
    /// `false`: the exit code should say so.
    pub ok: bool,
}

/// Checks the file at `path` and the files it names. `strict`: warnings, such as unknown keys, count as errors. `vet`
/// says what else makes it one that no server can be started with.
pub fn check(path: &Path, strict: bool, env: &Environment<'_>, vet: &dyn Fn(&LoadedConfig) -> Vec<Diagnostic>) -> CheckReport {
    let mut lines = vec![format!("Checking {}", path.display())];
    let ok = match load(path, env) {
        Err(errors) => {
            lines.extend(errors.iter().map(|error| format!("  FAILED: {error}")));
            false
        }
        Ok(loaded) => {
            let word = if strict { "FAILED" } else { "WARNING" };
            lines.extend(loaded.warnings.iter().map(|warning| format!("  {word}: {warning}")));
            let mut missing = missing_files(&loaded.config, path);
            missing.extend(vet(&loaded));
            let ok = missing.is_empty() && (!strict || loaded.warnings.is_empty());
            lines.extend(missing.iter().map(|missing| format!("  FAILED: {missing}")));
            let rules: usize =
                loaded.config.rule_files.iter().filter_map(|pattern| path::glob(pattern).ok()).map(|found| found.len()).sum();
            if ok && rules > 0 {
                lines.push(format!("  SUCCESS: {rules} rule files found"));
            }
            if ok {
                lines.push(format!(" SUCCESS: {} is valid prometheus config file syntax", path.display()));
            }
            ok
        }
    };
    lines.push(String::new());
    CheckReport { text: lines.join("\n"), ok }
}

/// Files that the configuration names and that are not there, each place once. Globs may match nothing.
fn missing_files(config: &Config, main: &Path) -> Vec<Diagnostic> {
    let http = config.scrape_configs.iter().map(|job| &job.http).chain(config.remote_write.iter().map(|write| &write.http));
    let named = config.rule_files.iter().map(String::as_str).chain(http.flat_map(|http| http.files()));
    let missing: HashSet<&str> =
        named.filter(|file| !file.is_empty() && !file.contains(['*', '?', '[']) && !Path::new(file).exists()).collect();
    let mut report = Report::new(main);
    if missing.is_empty() {
        return Vec::new();
    }
    let more = config.scrape_config_files.iter().filter_map(|pattern| path::glob(pattern).ok()).flatten();
    for file in std::iter::once(main.to_owned()).chain(more.map(PathBuf::from)) {
        report.enter(&file);
        let root = text_file::read(&file, FILE_BYTES_MAX).ok().and_then(|text| yaml::parse(&text).ok());
        if let Some(document) = root {
            name_missing(&document.root, "", &missing, &mut report);
        }
    }
    report.finish().err().unwrap_or_default()
}

/// An error for each place below `node` that names one of the missing files.
fn name_missing(node: &Node, key: &str, missing: &HashSet<&str>, report: &mut Report) {
    match &node.kind {
        Kind::Null => {}
        Kind::Scalar { text, .. } => {
            let file = path::join(report.dir(), text);
            if missing.contains(file.as_str()) {
                report.error(node.at, format!("{key}: {} does not exist", quote(&file)));
            }
        }
        Kind::List(items) => items.iter().for_each(|item| name_missing(item, key, missing, report)),
        Kind::Map(pairs) => pairs.iter().for_each(|(key, value)| name_missing(value, &key.text, missing, report)),
    }
}

#[cfg(test)]
mod tests;
