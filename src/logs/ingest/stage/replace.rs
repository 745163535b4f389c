//! `replace`: writes something else in place of what an expression's groups matched.

use gotmpl::{Template, Value};
use regex::Regex;

use super::template::{functions, render};
use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Clone)]
pub(super) struct Replace {
    /// What to look for; groups are what is replaced, or all of it where there are none.
    pub(super) expression: Regex,
    /// What to read and write; `None` for the line.
    pub(super) source: Option<String>,
    /// A Go template; `.Value` is what was matched.
    pub(super) template: Template,
}

impl std::fmt::Debug for Replace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replace({})", self.expression)
    }
}

impl Replace {
    /// The stage; fails on a template that is none.
    pub(super) fn new(expression: Regex, source: Option<String>, replace: &str) -> Result<Self, String> {
        let template = Template::new("replace").funcs(functions()).parse(replace).map_err(|error| error.to_string())?;
        Ok(Self { expression, source, template })
    }

    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let Some(text) = entry.source(self.source.as_deref()) else { return true };
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        let mut found = Vec::new();
        for captures in self.expression.captures_iter(text) {
            let groups: Vec<_> = match captures.len() {
                1 => captures.get(0).into_iter().collect(),
                _ => captures.iter().skip(1).flatten().collect(),
            };
            for group in groups {
                if group.start() < copied {
                    continue;
                }
                let data = Value::from_entries([("Value".to_owned(), Value::String(group.as_str().into()))]);
                let Ok(new) = render(&self.template, &data) else { continue };
                out.push_str(&text[copied..group.start()]);
                out.push_str(&new);
                copied = group.end();
            }
            for name in self.expression.capture_names().flatten() {
                found.extend(captures.name(name).map(|group| (name.to_owned(), group.as_str().to_owned())));
            }
        }
        if copied == 0 && out.is_empty() {
            return true;
        }
        out.push_str(&text[copied..]);
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
