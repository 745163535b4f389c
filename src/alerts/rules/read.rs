//! Reads a rule file: every key, upstream's checks, all mistakes at once with their places.
//!
//! The format is Prometheus' (its documentation, "Defining recording rules"); `type: logs` in a group takes LogQL, and is
//! ours.

use std::collections::HashMap;
use std::sync::Arc;

use crate::alerts::model::{Alerting, Group, Kind, Language, Place, Rule};
use crate::alerts::template;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::section::Section;
use crate::platform::config::yaml::{self, Kind as NodeKind, Node, Position};
use crate::series::labels::{METRIC_NAME, quote};
use crate::series::ports::EvaluateError;

/// Most rules of a file, so that a mistake does not fill memory.
const RULES_MAX: usize = 100_000;

/// How a file is read.
pub struct Options<'o> {
    /// What is wrong with an expression, if anything is.
    pub check: &'o dyn Fn(Language, &str) -> Option<EvaluateError>,
    /// The language of groups that do not name one.
    pub language: Language,
    /// Whether keys that nobody knows are passed over with a warning.
    pub ignore_unknown: bool,
}

/// Reads the text of a file, named in the report. What is wrong goes there; the groups are then not to be used.
pub fn read(file: &str, text: &str, options: &Options<'_>, report: &mut Report) -> Vec<Group> {
    let document = match yaml::parse(text) {
        Ok(document) => document,
        Err(error) => {
            report.error(error.at, error.message);
            return Vec::new();
        }
    };
    if let Some(at) = document.second {
        report.warn(at, "a second document begins here, which is not read");
    }
    let Some(mut section) = Section::open(&document.root, "rule file", report) else { return Vec::new() };
    let mut names: HashMap<String, u32> = HashMap::new();
    let mut groups = Vec::new();
    let mut count = 0;
    for node in section.list("groups") {
        let Some(group) = group(node, file, options, section.report) else { continue };
        let at = node.get("name").map_or(node.at, |name| name.at);
        if group.name.is_empty() {
            section.report.error(node.at, "Groupname must not be empty");
        } else if let Some(line) = names.insert(group.name.clone(), at.line) {
            section.report.error(at, format!("groupname: {} is repeated in the same file, first in line {line}", quote(&group.name)));
        }
        count += group.rules.len();
        groups.push(group);
    }
    if count > RULES_MAX {
        section.report.error(Position::default(), format!("the file has {count} rules, more than {RULES_MAX}"));
    }
    finish(section, options);
    groups
}

fn finish(section: Section<'_, '_>, options: &Options<'_>) {
    if options.ignore_unknown { section.finish() } else { section.finish_exactly() }
}

fn group(node: &Node, file: &str, options: &Options<'_>, report: &mut Report) -> Option<Group> {
    let mut section = Section::open(node, "groups", report)?;
    let mut group = Group {
        file: Arc::from(file),
        name: section.text_or_empty("name"),
        interval: section.duration("interval").filter(|interval| interval.ms() > 0),
        query_offset: section.duration("query_offset"),
        limit: limit(&mut section),
        language: section.choice("type", &[("metrics", Language::PromQl), ("logs", Language::LogQl)]).unwrap_or(options.language),
        labels: section.text_map("labels").into_iter().collect(),
        rules: Vec::new(),
    };
    // Options of other servers that take the same format; none changes what the rules give here.
    section.knows(&["partial_response_strategy", "align_evaluation_time_on_interval", "source_tenants", "remote_write"]);
    for (name, value) in &group.labels {
        check_label(name, value, node.at, "", section.report);
    }
    for (index, node) in section.list("rules").iter().enumerate() {
        let Some(mut rule) = rule(node, &group, index + 1, options, section.report) else { continue };
        for (name, value) in &group.labels {
            if !rule.labels.iter().any(|(known, _)| known == name) {
                rule.labels.push((name.clone(), value.clone()));
            }
        }
        rule.labels.sort();
        group.rules.push(rule);
    }
    finish(section, options);
    Some(group)
}

/// No limit below zero, as upstream.
fn limit(section: &mut Section<'_, '_>) -> u64 {
    section.integer("limit").map_or(0, |limit| u64::try_from(limit).unwrap_or(0))
}

fn rule(node: &Node, group: &Group, number: usize, options: &Options<'_>, report: &mut Report) -> Option<Rule> {
    let mut section = Section::open(node, "rules", report)?;
    let record = section.text_or_empty("record");
    let alert = section.text_or_empty("alert");
    let expr = section.text_or_empty("expr");
    let hold = section.duration("for").unwrap_or_default();
    let keep_firing = section.duration("keep_firing_for").unwrap_or_default();
    let labels: Vec<(String, String)> = section.text_map("labels").into_iter().collect();
    let annotations: Vec<(String, String)> = section.text_map("annotations").into_iter().collect();
    let is_recording = !record.is_empty();
    let name = if is_recording { record } else { alert.clone() };
    let who = format!("group {}, rule {number}, {}: ", quote(&group.name), quote(&name));
    let fault = |section: &mut Section<'_, '_>, key: &str, what: String| {
        let at = section.value_place(key);
        section.report.error(at, format!("{who}{what}"));
    };
    match (is_recording, alert.is_empty()) {
        (true, false) => fault(&mut section, "alert", "only one of 'record' and 'alert' must be set".to_owned()),
        (false, true) => fault(&mut section, "", "one of 'record' or 'alert' must be set".to_owned()),
        _ => {}
    }
    if expr.is_empty() {
        fault(&mut section, "", "field 'expr' must be set in rule".to_owned());
    } else if let Some(error) = (options.check)(group.language, &expr) {
        let at = place_in(&section, &error);
        section.report.error(at, format!("{who}could not parse expression: {error}"));
    }
    if is_recording {
        let set = [("annotations", !annotations.is_empty()), ("for", hold.ms() != 0), ("keep_firing_for", keep_firing.ms() != 0)];
        for (key, _) in set.into_iter().filter(|(_, set)| *set) {
            fault(&mut section, key, format!("invalid field '{key}' in recording rule"));
        }
        if name.contains(['{', '}']) {
            fault(&mut section, "record", format!("braces present in the recording rule name; should it be in expr?: {name}"));
        }
    }
    check_texts(&mut section, &who, &alert, is_recording, &labels, &annotations);
    let place = Place { line: node.at.line, column: node.at.column };
    let kind = if is_recording { Kind::Recording } else { Kind::Alerting(Alerting { hold, keep_firing, annotations }) };
    finish(section, options);
    Some(Rule { name, expr, labels, place, kind })
}

/// Labels and annotations: their names, and the templates in their values.
fn check_texts(
    section: &mut Section<'_, '_>,
    who: &str,
    alert: &str,
    is_recording: bool,
    labels: &[(String, String)],
    annotations: &[(String, String)],
) {
    let place_of = |section: &mut Section<'_, '_>, key: &'static str, name: &str| {
        section.raw(key).and_then(|node| node.get(name)).map_or_else(|| section.value_place(key), |node| node.at)
    };
    for (name, value) in labels {
        let at = place_of(section, "labels", name);
        check_label(name, value, at, who, section.report);
        if !is_recording && let Err(error) = template::check(alert, value) {
            section.report.error(at, format!("{who}label {}: {error}", quote(name)));
        }
    }
    for (name, value) in annotations {
        let at = place_of(section, "annotations", name);
        if name.is_empty() {
            section.report.error(at, format!("{who}invalid annotation name: {name}"));
        }
        if let Err(error) = template::check(alert, value) {
            section.report.error(at, format!("{who}annotation {}: {error}", quote(name)));
        }
    }
}

fn check_label(name: &str, value: &str, at: Position, who: &str, report: &mut Report) {
    if name.is_empty() || name == METRIC_NAME {
        report.error(at, format!("{who}invalid label name: {name}"));
    }
    // YAML gives valid UTF-8 only; NUL is what upstream's storage refuses nowhere, but people never mean.
    if value.contains('\0') {
        report.error(at, format!("{who}invalid label value: {}", quote(value)));
    }
}

/// Where an expression is wrong: in a text of one line, the very column.
fn place_in(section: &Section<'_, '_>, error: &EvaluateError) -> Position {
    let at = section.value_place("expr");
    let node = section.pairs().iter().find(|(key, _)| &*key.text == "expr").map(|(_, node)| node);
    match (error, node.map(|node| &node.kind)) {
        (EvaluateError::Invalid { span: Some((start, _)), .. }, Some(NodeKind::Scalar { text, plain: true })) if !text.contains('\n') => {
            let characters = text.get(..*start).map_or(0, |before| before.chars().count());
            Position { line: at.line, column: at.column + u32::try_from(characters).unwrap_or(0) }
        }
        _ => at,
    }
}

#[cfg(test)]
mod tests;
