//! Groups of rules as rule files declare them.

use std::sync::Arc;

use crate::base::time::Duration;

/// A group of rules, which are evaluated one after the other at the same instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The file it stands in, as it was named.
    pub file: Arc<str>,
    /// Its name, once a file.
    pub name: String,
    /// The distance between evaluations; none is the server's.
    pub interval: Option<Duration>,
    /// How far behind now it is evaluated; none is the server's.
    pub query_offset: Option<Duration>,
    /// Most series or alerts that one rule may give; 0 is no limit.
    pub limit: u64,
    /// Which language its expressions are in.
    pub language: Language,
    /// Labels for what each rule gives; a rule's own come first.
    pub labels: Vec<(String, String)>,
    /// In order of evaluation.
    pub rules: Vec<Rule>,
}

/// The language of expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Over metrics.
    #[default]
    PromQl,
    /// Over logs (`type: logs`).
    LogQl,
}

impl Language {
    /// As `type` writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PromQl => "metrics",
            Self::LogQl => "logs",
        }
    }
}

/// A place in a rule file; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column in characters.
    pub column: u32,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The metric it records, or the alert's name.
    pub name: String,
    /// The expression as it was written.
    pub expr: String,
    /// Labels to set, the group's included, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Where it stands.
    pub place: Place,
    /// What it does with the answer.
    pub kind: Kind,
}

/// What a rule does with what its expression gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Stores it as a metric.
    Recording,
    /// Makes an alert of each series.
    Alerting(Alerting),
}

/// What only alerting rules have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alerting {
    /// How long the expression must give the series before the alert fires (`for`).
    pub hold: Duration,
    /// How long the alert goes on after the last time (`keep_firing_for`).
    pub keep_firing: Duration,
    /// Texts for people, sorted by name.
    pub annotations: Vec<(String, String)>,
}

impl Rule {
    /// Whether it is the same rule, wherever it stands in its file: alerts of one go on as alerts of the other.
    pub fn same_as(&self, other: &Self) -> bool {
        self.name == other.name && self.labels == other.labels && std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind)
    }
}
