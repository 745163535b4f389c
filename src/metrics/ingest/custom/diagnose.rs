//! What is wrong with a custom metric that cannot be read, in the words of who sent it.
//!
//! Only metrics that were refused come here, so it may look at every key.

use serde_json::{Map, Value};

use crate::platform::config::section::{alternatives, nearest};
use crate::platform::config::yaml::quoted_short;

/// What a key holds.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Number,
    Numbers,
    NumbersByName,
    Labels,
}

impl Holds {
    const fn expected(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Numbers => "a list of numbers",
            Self::NumbersByName => "an object of numbers",
            Self::Labels => "an object of texts, numbers and truth values",
        }
    }

    fn takes(self, value: &Value) -> bool {
        let is_number = |value: &Value| matches!(value, Value::Number(_) | Value::String(_));
        match (self, value) {
            (Self::Text, value) => value.is_string(),
            (Self::Number, value) => value.is_null() || is_number(value),
            (Self::Numbers, Value::Array(items)) => items.iter().all(is_number),
            (Self::NumbersByName, Value::Object(pairs)) => pairs.values().all(is_number),
            (Self::Labels, Value::Object(pairs)) => pairs.values().all(|value| is_number(value) || value.is_boolean()),
            _ => false,
        }
    }
}

/// Keys with their other names.
const KEYS: [(&[&str], Holds); 14] = [
    (&["name", "metric", "metric_name"], Holds::Text),
    (&["type", "metric_type"], Holds::Text),
    (&["labels"], Holds::Labels),
    (&["help", "description"], Holds::Text),
    (&["unit"], Holds::Text),
    (&["operation"], Holds::Text),
    (&["value"], Holds::Number),
    (&["values", "observations"], Holds::Numbers),
    (&["total"], Holds::Number),
    (&["bounds"], Holds::Numbers),
    (&["buckets"], Holds::NumbersByName),
    (&["quantiles"], Holds::NumbersByName),
    (&["sum", "count"], Holds::Number),
    (&["timestamp"], Holds::Number),
];

/// The name, as far as it can be read, and what is wrong. `error` is what the reader said.
pub(super) fn diagnose(text: &str, error: &serde_json::Error) -> (String, String) {
    let object = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => object,
        Ok(other) => return (String::new(), format!("a metric must be an object, not {}", describe(&other))),
        Err(_) => return (String::new(), error.to_string()),
    };
    let name = KEYS[0].0.iter().find_map(|key| object.get(*key)?.as_str()).unwrap_or_default().to_owned();
    (name, wrong_key(&object).unwrap_or_else(|| error.to_string()))
}

fn wrong_key(object: &Map<String, Value>) -> Option<String> {
    for (keys, holds) in KEYS {
        let given: Vec<&&str> = keys.iter().filter(|key| object.contains_key(**key)).collect();
        for key in &given {
            let value = &object[**key];
            if !holds.takes(value) {
                return Some(format!("{key} must be {}, not {}", holds.expected(), describe_within(holds, value)));
            }
        }
        if let [first, second, ..] = given[..]
            && **first != *"sum"
        {
            return Some(format!("{first} and {second} mean the same, give one of them"));
        }
    }
    let known: Vec<&str> = KEYS.iter().flat_map(|(keys, _)| keys.iter().copied()).collect();
    if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
        let key = quoted_short(key);
        let near = nearest(key.trim_matches('"'), &known)
            .map_or_else(|| format!("expected {}", alternatives(&known)), |near| format!("did you mean {near}?"));
        return Some(format!("unknown key {key}, {near}"));
    }
    KEYS[0].0.iter().all(|key| !object.contains_key(*key)).then(|| "name is missing".to_owned())
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The value, or the first thing in it that does not belong there.
fn describe_within(holds: Holds, value: &Value) -> String {
    let bad = |value: &&Value| !Holds::Number.takes(value) || value.is_null();
    match (holds, value) {
        (Holds::Numbers, Value::Array(items)) => {
            items.iter().find(bad).map_or_else(String::new, |item| format!("one with {}", describe(item)))
        }
        (Holds::NumbersByName | Holds::Labels, Value::Object(pairs)) => {
            let found = pairs.iter().find(|(_, value)| bad(value) && !(matches!(holds, Holds::Labels) && value.is_boolean()));
            found.map_or_else(String::new, |(name, value)| format!("{} under {name:?}", describe(value)))
        }
        _ => describe(value).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::Item;
    use super::*;

    #[test]
    fn mistakes_are_named_by_their_key() {
        for (text, name, reason) in [
            ("{\"value\": 1}", "", "name is missing"),
            ("{}", "", "name is missing"),
            ("[]", "", "a metric must be an object, not a list"),
            ("\"up\"", "", "a metric must be an object, not text"),
            ("{\"name\": 5}", "", "name must be text, not a number"),
            ("{\"name\": \"a\", \"metric\": \"b\"}", "a", "name and metric mean the same, give one of them"),
            ("{\"name\": \"a\", \"value\": [1]}", "a", "value must be a number, not a list"),
            ("{\"name\": \"a\", \"values\": [1, null]}", "a", "values must be a list of numbers, not one with null"),
            ("{\"name\": \"a\", \"bounds\": 1}", "a", "bounds must be a list of numbers, not a number"),
            ("{\"metric\": \"h\", \"buckets\": [1, 2]}", "h", "buckets must be an object of numbers, not a list"),
            ("{\"name\": \"h\", \"buckets\": {\"1\": {}}}", "h", "buckets must be an object of numbers, not an object under \"1\""),
            (
                "{\"name\": \"a\", \"labels\": {\"x\": true, \"y\": null}}",
                "a",
                "labels must be an object of texts, numbers and truth values, not null under \"y\"",
            ),
            ("{\"name\": \"a\", \"type\": null}", "a", "type must be text, not null"),
            ("{\"name\": \"a\", \"lables\": {}}", "a", "unknown key \"lables\", did you mean labels?"),
            ("{\"name\": \"a\", \"count\": {}}", "a", "count must be a number, not an object"),
        ] {
            let error = match serde_json::from_str::<Item>(text) {
                Err(error) => error,
                Ok(_) => serde_json::from_str::<u8>("{}").expect_err("no number"),
            };
            assert_eq!(diagnose(text, &error), (name.to_owned(), reason.to_owned()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_reason_speaks_of_the_reader(
            key in "name|type|labels|help|unit|operation|value|values|total|bounds|buckets|quantiles|sum|count",
            value in "null|true|1|\"x\"|\\[\\]|\\[1\\]|\\[null\\]|\\{\\}|\\{\"a\": 1\\}|\\{\"a\": \\[\\]\\}",
        ) {
            let text = format!("{{\"metric_name\": \"m\", \"{key}\": {value}}}");
            if let Err(error) = serde_json::from_str::<Item>(&text) {
                let (_, reason) = diagnose(&text, &error);
                for word in ["expected", "variant", "struct", "sequence", "map", "field", "line"] {
                    proptest::prop_assert!(!reason.contains(word), "{}: {}", text, reason);
                }
            }
        }
    }
}
