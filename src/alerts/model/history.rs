//! What happened: who was told what, and how alerts changed.

use std::sync::Arc;

use super::alert::State;
use crate::series::labels::Labels;

/// A try to tell somebody, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Who.
    pub receiver: Arc<str>,
    /// How: the channel's kind and number, as `slack[0]`.
    pub channel: String,
    /// Why, in the words of the notification log.
    pub reason: String,
    /// How many alerts fire in it, and how many are over.
    pub counts: (usize, usize),
    /// The group.
    pub group_key: Arc<str>,
    /// What was wrong; none if it was taken.
    pub error: Option<String>,
    /// How often it was tried.
    pub tries: u32,
}

/// A change of an alert's state, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertChange {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Names the alert, `alertname` included.
    pub labels: Labels,
    /// What it was; none for one that was not known.
    pub from: Option<State>,
    /// What it is; none for one that is forgotten.
    pub to: Option<State>,
    /// The file and group of the rule, as `rules.yml;node`; empty for an alert of others.
    pub source: Arc<str>,
}
