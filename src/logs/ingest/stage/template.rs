//! `template`: a value made from other values by a Go template.

use std::fmt;

use super::functions::{self, Own};
use super::{Entry, Moment, plain_stage};
use crate::base::template::{Entries, Limits, Object, Set, Value};

/// Most bytes that one template may write.
pub(super) const OUTPUT_BYTES_MAX: usize = 1 << 20;
const LIMITS: Limits = Limits { steps: 100_000, made_bytes: 8 << 20, output_bytes: OUTPUT_BYTES_MAX };

/// The stage.
#[derive(Clone)]
pub(super) struct Make {
    /// The value that is made; in the template it is `.Value`.
    source: String,
    text: Text,
}

impl fmt::Debug for Make {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Make({})", self.source)
    }
}

impl Make {
    /// The stage; fails on a template that is none.
    pub(super) fn new(source: String, template: &str) -> Result<Self, String> {
        Ok(Self { source, text: Text::read("pipeline_template", template)? })
    }

    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let own = entry.value(&self.source).unwrap_or_default();
        match self.text.render(entry, own) {
            // As upstream: nothing made is nothing found.
            Ok(text) if text.is_empty() => {
                entry.extracted.remove(&self.source);
            }
            Ok(text) => entry.extract(&self.source.clone(), text),
            Err(error) => tracing::debug!(%error, "a template stage failed"),
        }
        true
    }
}

plain_stage!(Make);

/// A template over an entry, ready to run.
#[derive(Debug, Clone)]
pub(super) struct Text {
    set: Set,
    name: &'static str,
}

impl Text {
    /// Reads a template; the error is as Go words it.
    pub(super) fn read(name: &'static str, text: &str) -> Result<Self, String> {
        let mut set = Set::default();
        set.add(name, text, &functions::exists)?;
        Ok(Self { set, name })
    }

    /// Runs it, as far as its output stays within bounds. A value that is not there writes nothing.
    pub(super) fn render(&self, entry: &Entry, value: &str) -> Result<String, String> {
        let mut out = String::new();
        let dot = Value::object(Facts { entry, value });
        self.set.text(self.name, &dot, &Own, LIMITS, &mut out).map_err(|error| error.to_string())?;
        Ok(if out.contains("<no value>") { out.replace("<no value>", "") } else { out })
    }
}

/// Everything that a template may name: labels, what was found before, the value in question, and the line.
#[derive(Debug)]
struct Facts<'a> {
    entry: &'a Entry,
    value: &'a str,
}

impl<'a> Object<'a> for Facts<'a> {
    fn type_name(&self) -> &'static str {
        "map[string]interface {}"
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        Some(match name {
            "Value" => Value::borrowed(self.value),
            "Entry" => Value::borrowed(&self.entry.text),
            name => self.entry.value(name).map_or(Value::Nil, Value::borrowed),
        })
    }

    fn entries(&self) -> Option<Entries<'a>> {
        let labels = self.entry.labels.iter();
        let found = self.entry.extracted.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: std::collections::BTreeMap<&str, &str> =
            labels.chain(found).chain([("Entry", self.entry.text.as_str()), ("Value", self.value)]).collect();
        Some(all.into_iter().map(|(name, value)| (Value::text(name.to_owned()), Value::text(value.to_owned()))).collect())
    }
}
