//! `pack`: labels and values go into the line, as JSON with the line under `_entry`, so that `unpack` can take them out.

use std::collections::BTreeMap;

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
        let mut packed = BTreeMap::new();
        for name in &self.labels {
            if let Some(value) = entry.value(name) {
                packed.insert(name.as_str(), value.to_owned());
            }
        }
        entry.labels.retain(|name, _| !self.labels.iter().any(|packed| packed == name));
        // As upstream: names in order, the line behind them.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut text = String::from("{");
        for (name, value) in &packed {
            text.push_str(&format!("{}:{},", quoted(name), quoted(value)));
        }
        text.push_str(&format!("\"_entry\":{}}}", quoted(&entry.text)));
        entry.text = text;
        if self.ingest_timestamp {
            entry.ts = None;
        }
        true
    }
}

plain_stage!(Pack);
