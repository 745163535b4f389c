//! `template`: a value made from other values by a Go template.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use gotmpl::{Template, Value};

use super::functions::functions;
use super::{Entry, Moment, plain_stage};

/// Most bytes that one template may write.
pub(super) const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Most rounds of `range` in one template.
const ROUNDS_MAX: u64 = 10_000;

/// The stage.
#[derive(Clone)]
pub(super) struct Make {
    /// The value that is made; in the template it is `.Value`.
    source: String,
    template: Template,
}

impl fmt::Debug for Make {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Make({})", self.source)
    }
}

impl Make {
    /// The stage; fails on a template that is none.
    pub(super) fn new(source: String, template: &str) -> Result<Self, String> {
        let template = Template::new("pipeline_template").max_range_iters(ROUNDS_MAX).funcs(functions()).parse(template);
        Ok(Self { source, template: template.map_err(|error| error.to_string())? })
    }

    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let mut data = data_of(entry);
        let own = entry.value(&self.source).unwrap_or_default();
        data.insert("Value".into(), Value::String(own.into()));
        data.insert("Entry".into(), Value::String(entry.text.as_str().into()));
        match render(&self.template, &Value::Map(Arc::new(data))) {
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

/// Everything that a template may name: labels, and what was found before.
pub(super) fn data_of(entry: &Entry) -> BTreeMap<Arc<str>, Value> {
    let labels = entry.labels.iter();
    let found = entry.extracted.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    labels.chain(found).map(|(name, value)| (name.into(), Value::String(value.into()))).collect()
}

/// Runs a template, as far as its output stays within bounds. A value that is not there writes nothing.
pub(super) fn render(template: &Template, data: &Value) -> Result<String, String> {
    let mut out = Bounded(String::new());
    template.execute_fmt(&mut out, data).map_err(|error| error.to_string())?;
    Ok(if out.0.contains("<no value>") { out.0.replace("<no value>", "") } else { out.0 })
}

struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > OUTPUT_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
