//! From a YAML tree to [`Config`]: every key, upstream's defaults, upstream's checks.

mod alerting;
mod discovery;
mod global;
mod relabel;
mod remote;
mod scrape;
mod storage;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::{Config, GlobalConfig, InvalidRelabel, NameValidation, OtlpTranslation, RelabelRegex, ScrapeConfig, support};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::path;
use crate::platform::config::section::{self, Section};
use crate::platform::config::yaml::{Kind, Node};
use crate::series::labels::quote;

/// Where variables of the environment come from.
pub type Environment<'e> = dyn Fn(&str) -> Option<String> + 'e;

/// What jobs, remote writes and Alertmanagers are read with.
pub(super) struct Context<'g> {
    global: &'g GlobalConfig,
    /// Expressions compiled so far: generated files repeat the same few in every job.
    regexes: RefCell<HashMap<String, RelabelRegex>>,
}

impl<'g> Context<'g> {
    /// Defaults of `global`.
    pub(super) fn new(global: &'g GlobalConfig) -> Self {
        Self { global, regexes: RefCell::default() }
    }

    fn regex(&self, text: &str) -> Result<RelabelRegex, InvalidRelabel> {
        if let Some(found) = self.regexes.borrow().get(text) {
            return Ok(found.clone());
        }
        let regex = RelabelRegex::new(text)?;
        self.regexes.borrow_mut().insert(text.to_owned(), regex.clone());
        Ok(regex)
    }
}

/// Reads the whole main file. What is wrong goes to the report; the value is then not to be used.
/// Keys in `foreign` belong to others.
pub(super) fn config(root: &Node, foreign: &[&'static str], env: &Environment<'_>, report: &mut Report) -> Config {
    let mut config = Config::default();
    let Some(mut section) = Section::open(root, "configuration", report) else { return config };
    section.knows(foreign);
    if let Some(node) = section.node("global") {
        config.global = global::read(node, env, section.report);
    }
    let global = config.global.clone();
    let context = Context::new(&global);
    if let Some(node) = section.node("runtime") {
        config.runtime = storage::runtime(node, section.report);
    }
    if let Some(node) = section.node("alerting") {
        config.alerting = alerting::read(node, &context, section.report);
    }
    config.rule_files = globs(&mut section, "rule_files", "rule");
    config.scrape_config_files = globs(&mut section, "scrape_config_files", "scrape config");
    let nodes = section.list("scrape_configs");
    config.scrape_configs = scrape_configs(nodes, &context, section.report);
    config.scrape_configs_inline = config.scrape_configs.len();
    if let Some(node) = section.node("storage") {
        config.storage = storage::storage(node, section.report);
    }
    if let Some(node) = section.node("tracing") {
        config.tracing = storage::tracing(node, section.report);
    }
    let nodes = section.list("remote_write");
    config.remote_write = remote::writes(nodes, &context, section.report);
    let nodes = section.list("remote_read");
    config.remote_read = remote::reads(nodes, section.report);
    if let Some(node) = section.node("otlp") {
        config.otlp = storage::otlp(node, section.report);
        let strategy = config.otlp.translation_strategy;
        let keeps_utf8 = matches!(strategy, OtlpTranslation::NoTranslation | OtlpTranslation::NoUtf8EscapingWithSuffixes);
        if keeps_utf8 && config.global.metric_name_validation_scheme == NameValidation::Legacy {
            let message = format!("OTLP translation strategy {} is not allowed when UTF8 is disabled", quote(strategy.as_str()));
            section.report.error(node.at, message);
        }
    }
    support::warn(&mut section, "file");
    section.finish();
    config
}

/// Reads a file of `scrape_config_files`.
pub(super) fn scrape_file(root: &Node, context: &Context<'_>, report: &mut Report) -> Vec<ScrapeConfig> {
    let Some(mut section) = Section::open(root, "scrape config file", report) else { return Vec::new() };
    let nodes = section.list("scrape_configs");
    let jobs = scrape_configs(nodes, context, section.report);
    section.finish();
    jobs
}

fn scrape_configs(nodes: &[Node], context: &Context<'_>, report: &mut Report) -> Vec<ScrapeConfig> {
    let mut names: HashMap<String, u32> = HashMap::new();
    let mut jobs = Vec::new();
    for node in nodes {
        let Some(job) = scrape::read(node, context, report) else { continue };
        if !job.job_name.is_empty()
            && let Some(line) = names.insert(job.job_name.clone(), node.at.line)
        {
            let at = node.get("job_name").map_or(node.at, |name| name.at);
            let message = format!("found multiple scrape configs with job name {}, first in line {line}", quote(&job.job_name));
            report.error(at, message);
        }
        jobs.push(job);
    }
    jobs
}

/// Paths of which only the last part may be a glob.
fn globs(section: &mut Section<'_, '_>, key: &'static str, what: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for node in section.list(key) {
        let Some(text) = section::text(node, key, section.report) else { continue };
        if !path::globs_last_part_only(&text) {
            section.report.error(node.at, format!("invalid {what} file path {}: a glob may only be in the last part", quote(&text)));
        }
        paths.push(path::join(section.report.dir(), &text));
    }
    paths
}

/// A map of labels; names must be valid.
fn label_map(section: &mut Section<'_, '_>, key: &'static str, validation: NameValidation) -> BTreeMap<String, String> {
    let labels = section.text_map(key);
    let Some(Node { kind: Kind::Map(pairs), .. }) = section.node(key) else { return labels };
    for (name, _) in pairs.iter().filter(|(name, _)| !validation.is_valid_label_name(&name.text)) {
        section.report.error(name.at, format!("{key}: {} is not a valid label name", quote(&name.text)));
    }
    labels
}

/// Refuses an entry with nothing in it; whether it was one.
fn refuse_null(node: &Node, message: &str, report: &mut Report) -> bool {
    let is_null = node.kind == Kind::Null;
    if is_null {
        report.error(node.at, message);
    }
    is_null
}
