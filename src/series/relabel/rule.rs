//! One rule of `relabel_configs`, `metric_relabel_configs`, `write_relabel_configs` and `alert_relabel_configs`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::base::limits::REGEX_BYTES_MAX;
use crate::series::labels::quote;
use crate::series::matcher::Matcher;
use crate::series::names::NameValidation;
use crate::series::re2;

/// A rule. What it does stands in [`super::process`].
#[derive(Debug, Clone, PartialEq)]
pub struct RelabelConfig {
    /// Labels whose values are joined.
    pub source_labels: Vec<String>,
    /// What stands between them.
    pub separator: String,
    /// What the joined value must match, whole.
    pub regex: RelabelRegex,
    /// Divisor of `hashmod`.
    pub modulus: u64,
    /// Label to write; may hold `$1` for `replace`.
    pub target_label: String,
    /// What to write; `$1`, `${1}` and `${name}` stand for groups.
    pub replacement: String,
    /// What to do.
    pub action: RelabelAction,
    /// Which names are valid.
    pub name_validation: NameValidation,
}

impl Default for RelabelConfig {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: RelabelRegex::default(),
            modulus: 0,
            target_label: String::new(),
            replacement: "$1".to_owned(),
            action: RelabelAction::Replace,
            name_validation: NameValidation::Utf8,
        }
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelabelAction {
    /// Writes the replacement into the target label if the value matches.
    Replace,
    /// Drops what does not match.
    Keep,
    /// Drops what matches.
    Drop,
    /// Drops what differs from the target label.
    KeepEqual,
    /// Drops what equals the target label.
    DropEqual,
    /// Writes the hash of the value modulo `modulus`.
    HashMod,
    /// Copies labels whose name matches to the name that the replacement gives.
    LabelMap,
    /// Removes labels whose name matches.
    LabelDrop,
    /// Removes labels whose name does not match.
    LabelKeep,
    /// Writes the value in lower case.
    Lowercase,
    /// Writes the value in upper case.
    Uppercase,
}

impl RelabelAction {
    /// Every action.
    pub const ALL: [Self; 11] = [
        Self::Replace,
        Self::Keep,
        Self::Drop,
        Self::KeepEqual,
        Self::DropEqual,
        Self::HashMod,
        Self::LabelMap,
        Self::LabelDrop,
        Self::LabelKeep,
        Self::Lowercase,
        Self::Uppercase,
    ];

    /// As written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }
}

impl fmt::Display for RelabelAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rule, or its regular expression, that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRelabel(pub String);

impl RelabelConfig {
    /// Checks what upstream checks: the action has what it needs and nothing that it cannot use.
    pub fn validate(&self) -> Result<(), InvalidRelabel> {
        use RelabelAction::{DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace, Uppercase};
        let Self { action, target_label, replacement, .. } = self;
        let invalid = |text: String| Err(InvalidRelabel(text));
        let default = Self::default();
        if *action == HashMod && self.modulus == 0 {
            return invalid("relabel configuration for hashmod requires non-zero modulus".to_owned());
        }
        let writes_case_or_compares = matches!(action, Lowercase | Uppercase | KeepEqual | DropEqual);
        if (writes_case_or_compares || matches!(action, Replace | HashMod)) && target_label.is_empty() {
            return invalid(format!("relabel configuration for {action} action requires 'target_label' value"));
        }
        let target_is_valid = match action {
            Replace if target_label.contains('$') => self.is_valid_template(target_label),
            Replace | Lowercase | Uppercase | KeepEqual | DropEqual | HashMod => self.name_validation.is_valid_label_name(target_label),
            _ => true,
        };
        if !target_is_valid {
            return invalid(format!("{} is invalid 'target_label' for {action} action", quote(target_label)));
        }
        if writes_case_or_compares && *replacement != default.replacement {
            return invalid(format!("'replacement' can not be set for {action} action"));
        }
        if *action == LabelMap && !self.is_valid_template(replacement) {
            return invalid(format!("{} is invalid 'replacement' for {action} action", quote(replacement)));
        }
        let extras = self.modulus != default.modulus || self.separator != default.separator || *replacement != default.replacement;
        if matches!(action, KeepEqual | DropEqual) && (extras || !self.regex.is_default()) {
            return invalid(format!("{action} action requires only 'source_labels' and `target_label`, and no other fields"));
        }
        if matches!(action, LabelDrop | LabelKeep) && (extras || !self.source_labels.is_empty() || !target_label.is_empty()) {
            return invalid(format!("{action} action requires only 'regex', and no other fields"));
        }
        Ok(())
    }

    /// Whether a name that may hold `$1` can become a valid one.
    fn is_valid_template(&self, text: &str) -> bool {
        match self.name_validation {
            NameValidation::Utf8 => !text.is_empty(),
            NameValidation::Legacy => is_legacy_template(text),
        }
    }
}

/// `[a-zA-Z0-9_]` and `$1`, `$name`, `${1}`, `${name}`, not beginning with a digit.
fn is_legacy_template(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if is_word(c) {
            rest = &rest[1..];
            continue;
        }
        let Some(after) = rest.strip_prefix('$') else { return false };
        let (name, after) = match after.strip_prefix('{') {
            Some(braced) => match braced.split_once('}') {
                Some(split) => split,
                None => return false,
            },
            None => after.split_at(after.find(|c| !is_word(c)).unwrap_or(after.len())),
        };
        if name.is_empty() || !name.chars().all(is_word) {
            return false;
        }
        rest = after;
    }
    true
}

/// A regular expression in RE2 syntax that must match the whole value; `.` matches line breaks too.
#[derive(Debug, Clone)]
pub struct RelabelRegex {
    text: Arc<str>,
    /// `None` for the default, `(.*)`, which needs no engine.
    compiled: Option<Compiled>,
}

#[derive(Debug, Clone)]
struct Compiled {
    regex: regex::Regex,
    /// The same as a choice of words, a prefix or the like, if it is as simple as that.
    quick: Option<Matcher>,
}

impl RelabelRegex {
    /// Compiles a regular expression.
    pub fn new(text: &str) -> Result<Self, InvalidRelabel> {
        let invalid = |reason: String| InvalidRelabel(format!("invalid regular expression {}: {reason}", quote(text)));
        let translated = re2::translate(text).map_err(invalid)?;
        // Checked by itself first, so that a bracket too many cannot close the group that anchors it.
        regex_syntax::ParserBuilder::new().nest_limit(NESTING_MAX).build().parse(&translated).map_err(|error| invalid(reason(&error)))?;
        let regex = regex::RegexBuilder::new(&format!("^(?s:{translated})$"))
            .size_limit(REGEX_BYTES_MAX)
            .nest_limit(NESTING_MAX + 2)
            .build()
            .map_err(|_| invalid("expression is too large".to_owned()))?;
        let quick = Matcher::simple_regex("", text);
        Ok(Self { text: text.into(), compiled: Some(Compiled { regex, quick }) })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the rule does not set it. An explicit `(.*)` is not the default, as upstream.
    pub fn is_default(&self) -> bool {
        self.compiled.is_none()
    }

    /// Whether the whole of `value` matches.
    #[inline]
    pub fn is_match(&self, value: &str) -> bool {
        match &self.compiled {
            None => true,
            Some(Compiled { quick: Some(quick), .. }) => quick.matches(value),
            Some(Compiled { regex, quick: None }) => regex.is_match(value),
        }
    }

    /// What the groups matched, if the whole of `value` matches.
    pub fn captures<'a>(&'a self, value: &'a str) -> Option<Groups<'a>> {
        if !self.is_match(value) {
            return None;
        }
        let groups = match &self.compiled {
            None => None,
            Some(compiled) => Some((&compiled.regex, compiled.regex.captures(value)?)),
        };
        Some(Groups { value, groups })
    }
}

/// Deepest nesting of a regular expression; keeps recursion far from the stack's end.
const NESTING_MAX: u32 = 200;

fn reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string().lines().last().unwrap_or_default().to_owned(),
    }
}

impl Default for RelabelRegex {
    fn default() -> Self {
        Self { text: "(.*)".into(), compiled: None }
    }
}

impl PartialEq for RelabelRegex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.is_default() == other.is_default()
    }
}

/// What the groups of a regular expression matched.
#[derive(Debug)]
pub struct Groups<'a> {
    value: &'a str,
    /// `None` for the default expression, whose groups 0 and 1 are the whole value.
    groups: Option<(&'a regex::Regex, regex::Captures<'a>)>,
}

impl<'a> Groups<'a> {
    /// Replaces `$1`, `${1}`, `$name` and `${name}` in `template` as Go's `Regexp.Expand`; `$$` is a dollar sign.
    ///
    /// `$name` takes the longest run of letters, digits and underscores; unknown groups are empty; a dollar sign
    /// that starts no name stays.
    pub fn template<'t>(&self, template: &'t str) -> Cow<'t, str> {
        let Some(first) = template.find('$') else { return Cow::Borrowed(template) };
        let mut out = template[..first].to_owned();
        let mut rest = &template[first..];
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("$$") {
                out.push('$');
                rest = after;
            } else if let Some((name, after)) = variable(&rest[1..]) {
                out.push_str(self.group(name));
                rest = after;
            } else {
                out.push('$');
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    fn group(&self, name: &str) -> &str {
        let index = if name.bytes().all(|b| b.is_ascii_digit()) {
            // Go takes numbers with leading zeros, or too large, for names; no group has such a name.
            let number = name.parse::<usize>().ok().filter(|_| name == "0" || !name.starts_with('0'));
            number.filter(|number| *number < 100_000_000)
        } else {
            self.groups.as_ref().and_then(|(regex, _)| regex.capture_names().position(|found| found == Some(name)))
        };
        match (&self.groups, index) {
            (_, None) => "",
            (None, Some(0 | 1)) => self.value,
            (None, Some(_)) => "",
            (Some((_, captures)), Some(index)) => captures.get(index).map_or("", |group| group.as_str()),
        }
    }
}

/// The name after a dollar sign, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(braced) = text.strip_prefix('{') {
        let (name, after) = braced.split_once('}')?;
        return (!name.is_empty() && name.chars().all(is_word)).then_some((name, after));
    }
    let (name, after) = text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()));
    (!name.is_empty()).then_some((name, after))
}
