//! `json`: values of a JSON document into the extracted map.

use super::extracted::text_of;
use super::jsonpath::JsonPath;
use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Json {
    /// What to look for, by the name under which it is remembered.
    pub(super) expressions: Vec<(String, JsonPath)>,
    /// What to read; `None` for the line.
    pub(super) source: Option<String>,
    /// Whether a line that is no JSON is dropped.
    pub(super) drop_malformed: bool,
}

impl Json {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let Some(text) = entry.source(self.source.as_deref()) else { return true };
        let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else { return !self.drop_malformed };
        if !document.is_object() && !document.is_array() {
            return !self.drop_malformed;
        }
        for (name, path) in &self.expressions {
            if let Some(value) = path.find(&document).and_then(text_of) {
                entry.extract(name, value);
            }
        }
        true
    }
}

plain_stage!(Json);
