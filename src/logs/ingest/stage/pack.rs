//! `pack`: labels and values go into the line, as JSON with the line under `_entry`, so that `unpack` can take them out.

use serde_json::{Map, Value};

use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Pack {
    /// Labels and values found before.
    pub(super) labels: Vec<String>,
    /// Whether the line's time becomes the time of reading.
    pub(super) ingest_timestamp: bool,
}

impl Pack {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let mut packed = Map::new();
        for name in &self.labels {
            let value = entry.labels.get(name).or_else(|| entry.extracted.get(name).map(String::as_str));
            if let Some(value) = value {
                packed.insert(name.clone(), Value::String(value.to_owned()));
            }
        }
        entry.labels.retain(|name, _| !self.labels.iter().any(|packed| packed == name));
        packed.insert("_entry".to_owned(), Value::String(std::mem::take(&mut entry.text)));
        entry.text = Value::Object(packed).to_string();
        if self.ingest_timestamp {
            entry.ts = None;
        }
        true
    }
}

plain_stage!(Pack);
