//! `relabel_configs` of a job of logs.

use crate::platform::config::section::{self, Section, alternatives};
use crate::platform::config::yaml::{Kind, Node};
use crate::series::names::NameValidation;
use crate::series::relabel::{RelabelAction, RelabelConfig, RelabelRegex};

/// Most rules of one job.
const RULES_MAX: usize = 1_000;

/// The rules below `key`.
pub(super) fn read(section: &mut Section<'_, '_>, key: &'static str) -> Vec<RelabelConfig> {
    let nodes = section.list(key);
    let mut rules = Vec::new();
    for node in nodes.iter().take(RULES_MAX) {
        rules.extend(rule(node, key, section));
    }
    rules
}

fn rule(node: &Node, key: &'static str, job: &mut Section<'_, '_>) -> Option<RelabelConfig> {
    let errors = job.report.errors_len();
    let mut section = Section::open(node, key, job.report)?;
    // Labels of streams are named as Loki's are.
    let mut rule = RelabelConfig { name_validation: NameValidation::Legacy, ..RelabelConfig::default() };
    rule.source_labels = section.texts("source_labels");
    if let Some(separator) = section.text_or_nothing("separator") {
        rule.separator = separator;
    }
    if let Some(node) = section.raw("regex") {
        let text = if node.kind == Kind::Null { Some(String::new()) } else { section::text(node, "regex", section.report) };
        match text.map(|text| RelabelRegex::new(&text)) {
            Some(Ok(regex)) => rule.regex = regex,
            Some(Err(error)) => section.report.error(node.at, format!("regex: {error}")),
            None => {}
        }
    }
    rule.modulus = section.count("modulus").unwrap_or(0);
    rule.target_label = section.text_or_empty("target_label");
    if let Some(replacement) = section.text_or_nothing("replacement") {
        rule.replacement = replacement;
    }
    if let Some(text) = section.text("action") {
        match RelabelAction::ALL.into_iter().find(|action| action.as_str() == text.to_ascii_lowercase()) {
            Some(action) => rule.action = action,
            None => {
                let names = RelabelAction::ALL.map(RelabelAction::as_str);
                let at = section.value_place("action");
                section.report.error(at, format!("unknown relabel action {text:?}, expected {}", alternatives(&names)));
            }
        }
    }
    let at = section.at;
    section.finish();
    // A rule with a wrong value would only be found wrong once more.
    if job.report.errors_len() == errors
        && let Err(error) = rule.validate()
    {
        job.report.error(at, error.0);
    }
    Some(rule)
}
