//! `drop`: leaves lines out by what they say, how old or how long they are; all conditions given must hold.

use regex::Regex;

use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone, Default)]
pub(super) struct Drop {
    /// Values found before that are looked at, joined; empty for the line, unless `value` or `expression` is missing.
    pub(super) source: Vec<String>,
    pub(super) separator: String,
    /// The value it must have.
    pub(super) value: Option<String>,
    /// What it must match somewhere.
    pub(super) expression: Option<Regex>,
    /// How old it must be, in nanoseconds.
    pub(super) older_than_ns: Option<i64>,
    /// More than so many bytes.
    pub(super) longer_than: Option<usize>,
}

impl Drop {
    fn apply(&mut self, entry: &mut Entry, moment: &Moment) -> bool {
        !self.is_met(entry, moment)
    }

    fn is_met(&self, entry: &Entry, moment: &Moment) -> bool {
        if self.longer_than.is_some_and(|max| entry.text.len() <= max) {
            return false;
        }
        if let Some(age) = self.older_than_ns
            && entry.ts.unwrap_or(moment.now_ns) >= moment.now_ns.saturating_sub(age)
        {
            return false;
        }
        let joined;
        let looked_at = match self.source.as_slice() {
            [] => &entry.text,
            names => {
                let values: Option<Vec<&str>> = names.iter().map(|name| entry.extracted.get(name).map(String::as_str)).collect();
                let Some(values) = values else { return false };
                joined = values.join(&self.separator);
                &joined
            }
        };
        self.value.as_ref().is_none_or(|value| value == looked_at)
            && self.expression.as_ref().is_none_or(|expression| expression.is_match(looked_at))
    }
}

plain_stage!(Drop);
