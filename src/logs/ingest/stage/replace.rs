//! `replace`: writes something else in place of what an expression's groups matched.

use std::collections::HashMap;
use std::sync::Arc;

use regex::Regex;

use super::template::Text;
use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Clone)]
pub(super) struct Replace {
    /// What to look for; groups are what is replaced, or all of it where there are none.
    pub(super) expression: Arc<Regex>,
    /// What to read and write; `None` for the line.
    pub(super) source: Option<String>,
    /// A Go template; `.Value` is what was matched, and everything found before has its name.
    pub(super) template: Text,
}

impl std::fmt::Debug for Replace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replace({})", self.expression)
    }
}

impl Replace {
    /// The stage; fails on a template that is none.
    pub(super) fn new(expression: Arc<Regex>, source: Option<String>, replace: &str) -> Result<Self, String> {
        let template = Text::read("replace", replace)?;
        Ok(Self { expression, source, template })
    }

    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let Some(text) = entry.source(self.source.as_deref()) else { return true };
        if !self.expression.is_match(text) {
            return true;
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        // What was written for each text that was matched.
        let mut written: HashMap<&str, String> = HashMap::new();
        for captures in self.expression.captures_iter(text) {
            let groups: Vec<_> = match captures.len() {
                1 => captures.get(0).into_iter().collect(),
                _ => captures.iter().skip(1).flatten().collect(),
            };
            for group in groups {
                let new = self.template.render(entry, group.as_str());
                let Ok(new) = new else { continue };
                // A group within one that was replaced is gone.
                if group.start() >= copied {
                    out.push_str(&text[copied..group.start()]);
                    out.push_str(&new);
                    copied = group.end();
                }
                written.insert(group.as_str(), new);
            }
        }
        out.push_str(&text[copied..]);
        // As upstream: named groups of the first match stand for what was written in their place.
        let first = self.expression.captures(text);
        let named = |name: &str| Some((name.to_owned(), written.get(first.as_ref()?.name(name)?.as_str())?.clone()));
        let found: Vec<(String, String)> = self.expression.capture_names().flatten().filter_map(named).collect();
        match &self.source {
            None => entry.text = out,
            Some(name) => entry.extract(&name.clone(), out),
        }
        for (name, value) in found {
            entry.extract(&name, value);
        }
        true
    }
}

plain_stage!(Replace);
