//! One rule of `relabel_configs`, `metric_relabel_configs`, `write_relabel_configs` and `alert_relabel_configs`.

use std::fmt;
use std::sync::Arc;

use super::global::NameValidation;

/// A rule. What it does stands in `ingest::relabel`.
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

/// An anchored regular expression in RE2 syntax.
#[derive(Debug, Clone)]
pub struct RelabelRegex {
    text: Arc<str>,
    /// `None` for the default, `(.*)`.
    compiled: Option<regex::Regex>,
}

/// A rule, or its regular expression, that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRelabel(pub String);

impl RelabelRegex {
    /// Compiles a regular expression; it must match the whole value.
    pub fn new(text: &str) -> Result<Self, InvalidRelabel> {
        let compiled = regex::RegexBuilder::new(&format!("^(?s:{text})$"))
            .size_limit(crate::base::limits::REGEX_BYTES_MAX)
            .build()
            .map_err(|error| InvalidRelabel(error.to_string()))?;
        Ok(Self { text: text.into(), compiled: Some(compiled) })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the rule does not set it. An explicit `(.*)` is not the default, as upstream.
    pub fn is_default(&self) -> bool {
        self.compiled.is_none()
    }
}

impl Default for RelabelRegex {
    fn default() -> Self {
        Self { text: "(.*)".into(), compiled: None }
    }
}

impl PartialEq for RelabelRegex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.compiled.is_none() == other.compiled.is_none()
    }
}
