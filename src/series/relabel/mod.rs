//! Relabelling: rules that rewrite a label set or drop its owner, exactly as Prometheus applies them.

mod rule;

use md5::{Digest, Md5};

use super::labels::{Labels, LabelsBuilder};

pub use rule::{Groups, InvalidRelabel, RelabelAction, RelabelConfig, RelabelRegex};

/// What a label set is after one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelabelStep {
    /// The labels after the rule.
    pub labels: Labels,
    /// Whether the rule kept it; the last step is the one that says `false`.
    pub keep: bool,
}

/// Applies the rules in order. `false`: a rule dropped the set, whose labels no longer matter.
pub fn process(labels: &mut LabelsBuilder, rules: &[RelabelConfig]) -> bool {
    rules.iter().all(|rule| apply(labels, rule))
}

/// Applies the rules in order and tells what each one did; stops after the one that drops.
pub fn explain(labels: &Labels, rules: &[RelabelConfig]) -> Vec<RelabelStep> {
    let mut builder = labels.to_builder();
    let mut steps = Vec::with_capacity(rules.len());
    for rule in rules {
        let keep = apply(&mut builder, rule);
        steps.push(RelabelStep { labels: builder.build(), keep });
        if !keep {
            break;
        }
    }
    steps
}

/// Applies one rule; `false` drops.
fn apply(labels: &mut LabelsBuilder, rule: &RelabelConfig) -> bool {
    match rule.action {
        RelabelAction::Keep => return with_value(labels, rule, |value| rule.regex.is_match(value)),
        RelabelAction::Drop => return !with_value(labels, rule, |value| rule.regex.is_match(value)),
        RelabelAction::KeepEqual => return equals_target(labels, rule),
        RelabelAction::DropEqual => return !equals_target(labels, rule),
        RelabelAction::Replace => replace(labels, rule),
        RelabelAction::HashMod => {
            let remainder = with_value(labels, rule, |value| hash(value).checked_rem(rule.modulus).unwrap_or(0));
            labels.set(&rule.target_label, itoa::Buffer::new().format(remainder));
        }
        RelabelAction::Lowercase => {
            let lower = with_value(labels, rule, |value| value.chars().map(lower).collect::<String>());
            labels.set(&rule.target_label, &lower);
        }
        RelabelAction::Uppercase => {
            let upper = with_value(labels, rule, |value| value.chars().map(upper).collect::<String>());
            labels.set(&rule.target_label, &upper);
        }
        RelabelAction::LabelMap => map_names(labels, rule),
        RelabelAction::LabelDrop => labels.retain(|name, _| !rule.regex.is_match(name)),
        RelabelAction::LabelKeep => labels.retain(|name, _| rule.regex.is_match(name)),
    }
    true
}

/// Hands the joined value of the source labels over; with up to one source label nothing is copied.
fn with_value<T>(labels: &LabelsBuilder, rule: &RelabelConfig, then: impl FnOnce(&str) -> T) -> T {
    match rule.source_labels.as_slice() {
        [] => then(""),
        [only] => then(labels.get(only).unwrap_or("")),
        [first, others @ ..] => {
            let mut joined = labels.get(first).unwrap_or("").to_owned();
            for name in others {
                joined.push_str(&rule.separator);
                joined.push_str(labels.get(name).unwrap_or(""));
            }
            then(&joined)
        }
    }
}

fn equals_target(labels: &LabelsBuilder, rule: &RelabelConfig) -> bool {
    with_value(labels, rule, |value| labels.get(&rule.target_label).unwrap_or("") == value)
}

fn replace(labels: &mut LabelsBuilder, rule: &RelabelConfig) {
    let fixed = !rule.target_label.contains('$') && !rule.replacement.contains('$');
    if fixed {
        let (empty, matched) = with_value(labels, rule, |value| (value.is_empty(), rule.regex.is_match(value)));
        // Upstream checks the target's name in every case but this one.
        let unchecked = empty && rule.regex.is_default();
        if matched && (unchecked || rule.name_validation.is_valid_label_name(&rule.target_label)) && !rule.target_label.is_empty() {
            labels.set(&rule.target_label, &rule.replacement);
        }
        return;
    }
    let written = with_value(labels, rule, |value| {
        let expand = rule.regex.captures(value)?;
        let target = expand.template(&rule.target_label);
        rule.name_validation.is_valid_label_name(&target).then(|| (target.into_owned(), expand.template(&rule.replacement).into_owned()))
    });
    if let Some((target, replacement)) = written {
        labels.set(&target, &replacement);
    }
}

fn map_names(labels: &mut LabelsBuilder, rule: &RelabelConfig) {
    let mapped: Vec<(String, String)> = labels
        .iter()
        .filter_map(|(name, value)| Some((rule.regex.captures(name)?.template(&rule.replacement).into_owned(), value.to_owned())))
        .collect();
    for (name, value) in mapped.iter().filter(|(name, _)| !name.is_empty()) {
        labels.set(name, value);
    }
}

/// The last eight bytes of the MD5 sum, big endian.
fn hash(value: &str) -> u64 {
    let sum: [u8; 16] = Md5::digest(value.as_bytes()).into();
    sum[8..].iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// One character for one, as Go: where Unicode lowers to several, only the dotted capital I has a simple form.
fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ if c == '\u{130}' => 'i',
        _ => c,
    }
}

/// One character for one, as Go: where Unicode raises to several, only Greek with iota has a simple form.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => only,
        _ => match c {
            '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => char::from_u32(c as u32 + 8).unwrap_or(c),
            '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(c as u32 + 9).unwrap_or(c),
            _ => c,
        },
    }
}

#[cfg(test)]
mod tests;
