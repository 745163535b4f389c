//! Fields of what another program wrote, whichever of their names they have there, and whichever way a number is written.

use serde_json::Value;

/// Longest text that is taken.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// An object of another program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'v>(pub(super) &'v Value);

impl<'v> Fields<'v> {
    /// The first of these that is there and not null.
    pub(super) fn any(self, names: &[&str]) -> Option<&'v Value> {
        names.iter().find_map(|name| self.0.get(name)).filter(|value| !value.is_null())
    }

    /// As text; empty where there is none.
    pub(super) fn text(self, names: &[&str]) -> String {
        match self.any(names) {
            Some(Value::String(text)) if text.len() <= TEXT_BYTES_MAX => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(truth)) => truth.to_string(),
            _ => String::new(),
        }
    }

    /// As a number that is not negative.
    pub(super) fn number(self, names: &[&str]) -> Option<f64> {
        let found = match self.any(names)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        found.filter(|number: &f64| number.is_finite() && (0.0..1e15).contains(number))
    }

    /// As a whole number that is not negative.
    pub(super) fn count(self, names: &[&str]) -> Option<u64> {
        self.number(names).map(|number| number as u64)
    }

    /// As a truth; 1 counts as one.
    pub(super) fn truth(self, names: &[&str]) -> Option<bool> {
        match self.any(names)? {
            Value::Bool(truth) => Some(*truth),
            Value::Number(number) => number.as_f64().map(|number| number != 0.0),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is set to something true.
    pub(super) fn is(self, names: &[&str]) -> bool {
        self.truth(names).unwrap_or(false)
    }

    /// Its items; a text may hold a list in JSON. Objects count by their values.
    pub(super) fn list(self, names: &[&str]) -> Vec<Value> {
        match self.any(names) {
            Some(Value::Array(items)) => items.clone(),
            Some(Value::Object(items)) => items.values().cloned().collect(),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(Value::Array(items)) => items,
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Names and values; a text may hold an object in JSON.
    pub(super) fn pairs(self, names: &[&str]) -> Vec<(String, String)> {
        let parsed;
        let object = match self.any(names) {
            Some(Value::Object(object)) => object,
            Some(Value::String(text)) => {
                parsed = serde_json::from_str::<Value>(text).unwrap_or_default();
                match &parsed {
                    Value::Object(object) => object,
                    _ => return Vec::new(),
                }
            }
            _ => return Vec::new(),
        };
        object.iter().map(|(name, value)| (name.clone(), text_of(value))).collect()
    }

    /// Another object below it.
    pub(super) fn below(self, name: &str) -> Fields<'v> {
        Fields(self.0.get(name).unwrap_or(&Value::Null))
    }
}

/// A value as text.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
