//! What may stand in a section, for programs: the keys of [`super::keys::Keys`] as JSON Schema (draft 2020-12).

use serde_json::{Map, Value as Json, json};

/// What a value looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// Yes or no.
    Truth,
    /// A whole number.
    Number,
    /// Any number.
    Decimal,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A length of time, such as `30s` or `1h30m`.
    Duration,
    /// A text that is never shown again.
    Secret,
    /// A list.
    List(Box<Shape>),
    /// A map of names that the writer chooses.
    Names(Box<Shape>),
    /// A map of these keys.
    Keys(Vec<KeyShape>),
    /// Anything.
    Any,
}

/// A key and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyShape {
    /// Its name.
    pub key: &'static str,
    /// What it is for.
    pub about: String,
    /// What its value looks like.
    pub shape: Shape,
}

impl KeyShape {
    /// A key with the lines of its description as they stand in the code.
    pub fn new(key: &'static str, lines: &[&str], shape: Shape) -> Self {
        let about: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        Self { key, about: about.join(" "), shape }
    }
}

impl Shape {
    /// The same as JSON Schema.
    pub fn schema(&self) -> Json {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Truth => json!({ "type": "boolean" }),
            Self::Number => json!({ "type": "integer" }),
            Self::Decimal => json!({ "type": "number" }),
            Self::Choice(words) => json!({ "type": "string", "enum": words }),
            Self::Duration => json!({ "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d|w|y))+$|^0$", "examples": ["30s"] }),
            Self::Secret => json!({ "type": "string", "format": "password" }),
            Self::List(of) => json!({ "type": "array", "items": of.schema() }),
            Self::Names(of) => json!({ "type": "object", "additionalProperties": of.schema() }),
            Self::Keys(keys) => {
                let properties: Map<String, Json> = keys.iter().map(|key| (key.key.to_owned(), key.schema())).collect();
                json!({ "type": "object", "properties": properties, "additionalProperties": false })
            }
            Self::Any => json!({}),
        }
    }
}

impl KeyShape {
    fn schema(&self) -> Json {
        let mut schema = self.shape.schema();
        schema["description"] = json!(self.about);
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::base::time::Duration;
    use crate::platform::config::keys::{Keys as _, keys};

    keys! {
        /// One.
        One, "one";
        /// How often it
        /// comes.
        every: Duration,
        /// Its key.
        token: Secret,
        /// Others.
        others as "more": Vec<Two>,
    }

    keys! {
        /// Two.
        Two, "two";
        /// Whether it is.
        is_on as "on": bool,
        /// Names.
        names: Vec<String>,
    }

    #[test]
    fn keys_have_a_schema_with_what_they_are_for() {
        let schema = Shape::Keys(One::shape()).schema();
        assert_eq!(schema["properties"]["every"]["description"], "How often it comes.");
        assert_eq!(schema["properties"]["token"]["format"], "password");
        let below = &schema["properties"]["more"]["items"]["properties"];
        assert_eq!((&below["on"]["type"], &below["names"]["items"]["type"]), (&json!("boolean"), &json!("string")));
    }
}
