//! Lists of relabelling rules.

use super::super::{NameValidation, RelabelAction, RelabelConfig};
use super::{Context, refuse_null};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::section::{self, Section, alternatives};
use crate::platform::config::yaml::{Kind, Node};
use crate::series::labels::quote;

/// What rules are read with.
pub(super) struct Rules<'c, 'g> {
    context: &'c Context<'g>,
    validation: NameValidation,
}

impl<'c, 'g> Rules<'c, 'g> {
    /// Rules that write names valid under `validation`.
    pub(super) fn new(context: &'c Context<'g>, validation: NameValidation) -> Self {
        Self { context, validation }
    }
}

/// The rules below `key`; `null_message` is said of an entry with nothing in it.
pub(super) fn read(section: &mut Section<'_, '_>, key: &'static str, with: &Rules<'_, '_>, null_message: &str) -> Vec<RelabelConfig> {
    let mut rules = Vec::new();
    for node in section.list(key) {
        if refuse_null(node, null_message, section.report) {
            continue;
        }
        rules.extend(rule(node, key, with, section.report));
    }
    rules
}

fn rule(node: &Node, key: &str, with: &Rules<'_, '_>, report: &mut Report) -> Option<RelabelConfig> {
    let errors = report.errors_len();
    let mut section = Section::open(node, key, report)?;
    let mut rule = RelabelConfig { name_validation: with.validation, ..RelabelConfig::default() };
    let at = section.value_place("source_labels");
    rule.source_labels = section.texts("source_labels");
    if let Some(bad) = rule.source_labels.iter().find(|name| name.is_empty()) {
        section.report.error(at, format!("source_labels: {} is not a valid label name", quote(bad)));
    }
    if let Some(separator) = section.text_or_nothing("separator") {
        rule.separator = separator;
    }
    if let Some(node) = section.raw("regex") {
        // `regex:` with nothing behind it matches only nothing, as upstream.
        let text = if node.kind == Kind::Null { Some(String::new()) } else { section::text(node, "regex", section.report) };
        match text.map(|text| with.context.regex(&text)) {
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
    if let Some(node) = section.raw("action") {
        rule.action = action(node, section.report)?;
    }
    let at = section.at;
    section.finish();
    // A rule with a wrong value would only be found wrong once more.
    if report.errors_len() == errors
        && let Err(error) = rule.validate()
    {
        report.error(at, error.0);
    }
    Some(rule)
}

fn action(node: &Node, report: &mut Report) -> Option<RelabelAction> {
    if refuse_null(node, "relabel action cannot be empty", report) {
        return None;
    }
    let text = section::text(node, "action", report)?.to_ascii_lowercase();
    let found = RelabelAction::ALL.into_iter().find(|action| action.as_str() == text);
    if found.is_none() {
        let names = RelabelAction::ALL.map(RelabelAction::as_str);
        report.error(node.at, format!("unknown relabel action {}, expected {}", node.describe(), alternatives(&names)));
    }
    found
}
