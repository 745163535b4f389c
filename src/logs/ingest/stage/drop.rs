//! `drop`: leaves lines out by what they say, how old or how long they are; all conditions given must hold.

use std::sync::Arc;

use regex::Regex;

use super::metrics::{Dropped, Family};
use super::{Entry, Moment, Stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Drop {
    /// Values found before that are looked at, joined; empty for the line, unless `value` or `expression` is missing.
    pub(super) source: Vec<String>,
    pub(super) separator: String,
    /// The value it must have.
    pub(super) value: Option<String>,
    /// What it must match somewhere.
    pub(super) expression: Option<Arc<Regex>>,
    /// How old it must be, in nanoseconds.
    pub(super) older_than_ns: Option<i64>,
    /// More than so many bytes.
    pub(super) longer_than: Option<usize>,
    pub(super) dropped: Dropped,
}

impl Drop {
    fn apply(&mut self, entry: &mut Entry, moment: &Moment) -> bool {
        let is_met = self.is_met(entry, moment);
        if is_met {
            self.dropped.inc();
        }
        !is_met
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
                let values: Option<Vec<&str>> = names.iter().map(|name| entry.value(name)).collect();
                let Some(values) = values else { return false };
                joined = values.join(&self.separator);
                &joined
            }
        };
        self.value.as_ref().is_none_or(|value| value == looked_at)
            && self.expression.as_ref().is_none_or(|expression| expression.is_match(looked_at))
    }
}

impl Stage for Drop {
    fn run(&mut self, mut entry: Entry, moment: &Moment) -> Option<Entry> {
        self.apply(&mut entry, moment).then_some(entry)
    }

    fn families(&self, out: &mut Vec<Arc<Family>>) {
        out.push(Arc::clone(&self.dropped.family));
    }

    fn fresh(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}
