//! `regex`: what named groups match goes into the extracted map.

use std::sync::Arc;

use regex::Regex;

use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    /// Has at least one named group.
    pub(super) expression: Arc<Regex>,
    /// What to read; `None` for the line.
    pub(super) source: Option<String>,
    /// Whether groups become labels too.
    pub(super) labels_from_groups: bool,
}

impl Groups {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let Some(text) = entry.source(self.source.as_deref()) else { return true };
        let Some(captures) = self.expression.captures(text) else { return true };
        // As upstream: a group that took no part gives an empty value.
        let found: Vec<(&str, String)> = self
            .expression
            .capture_names()
            .flatten()
            .map(|name| (name, captures.name(name).map_or("", |group| group.as_str()).to_owned()))
            .collect();
        for (name, value) in found {
            if self.labels_from_groups {
                entry.labels.set(name, &value);
            }
            entry.extract(name, value);
        }
        true
    }
}

plain_stage!(Groups);
