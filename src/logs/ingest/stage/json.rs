//! `json`: values of a JSON document into the extracted map.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

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
        let Some(document) = self.read(text) else { return !self.drop_malformed };
        for (name, path) in &self.expressions {
            if let Some(value) = path.find(&document).and_then(text_of) {
                entry.extract(name, value);
            }
        }
        true
    }

    /// The document, of an object only those keys that an expression begins with; `None` for what is no object and no list.
    fn read(&self, text: &str) -> Option<Value> {
        if !text.trim_start().starts_with('{') {
            return serde_json::from_str(text).ok().filter(Value::is_array);
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = Keys(&self.expressions).deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(Value::Object(read))
    }
}

plain_stage!(Json);

/// Reads an object for the sake of some of its keys.
struct Keys<'a>(&'a [(String, JsonPath)]);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Map::new();
        while let Some(key) = map.next_key_seed(Key(self.0))? {
            match key {
                Some(key) => {
                    found.insert(key.to_owned(), map.next_value()?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Reads a key without keeping it, unless an expression begins with it.
struct Key<'a>(&'a [(String, JsonPath)]);

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Option<&'a str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = Option<&'a str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().filter_map(|(_, path)| path.first_key()).find(|first| *first == key))
    }
}
