//! A JSON object, field by field: each is bounded, and what is wrong says where and what is allowed.

use serde_json::{Map, Value as Json};

use crate::base::time::{Duration, format_rfc3339, parse_rfc3339};
use crate::series::labels::quote;

/// Something that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct WireError {
    /// Where: `steps[1].after`; empty for the whole.
    pub path: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl WireError {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// Last instant that can be written, in milliseconds since the Unix epoch.
const LAST_INSTANT: i64 = 253_402_300_799_999;

/// A JSON object.
pub(super) struct Fields<'j> {
    map: &'j Map<String, Json>,
    path: String,
}

/// A value with its place.
pub(super) struct Placed<'j> {
    pub(super) value: &'j Json,
    pub(super) path: String,
}

impl<'j> Fields<'j> {
    /// An object that has no fields but these.
    pub(super) fn open(value: &'j Json, path: String, allowed: &[&str]) -> Result<Self, WireError> {
        let Json::Object(map) = value else {
            return Err(WireError::new(path, format!("must be an object with the fields {}", allowed.join(", "))));
        };
        let fields = Self { map, path };
        match map.keys().find(|key| !allowed.contains(&key.as_str())) {
            Some(key) => {
                let shown: String = key.chars().take(60).collect();
                Err(WireError::new(fields.at(&shown), format!("is not a field here; allowed are {}", allowed.join(", "))))
            }
            None => Ok(fields),
        }
    }

    /// The place of a field.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What is wrong with a field.
    pub(super) fn wrong<T>(&self, key: &str, message: impl Into<String>) -> Result<T, WireError> {
        Err(WireError::new(self.at(key), message))
    }

    pub(super) fn get(&self, key: &str) -> Option<&'j Json> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// A line of text that is there, with at most so many characters.
    pub(super) fn text(&self, key: &str, max: usize) -> Result<&'j str, WireError> {
        let Some(value) = self.get(key) else { return self.wrong(key, format!("is missing; it must be a text of 1 to {max} characters")) };
        Placed { value, path: self.at(key) }.text(max)
    }

    /// A list, with its items' places; none if it may be left out and is.
    pub(super) fn list(&self, key: &str, min: usize, max: usize) -> Result<Vec<Placed<'j>>, WireError> {
        let items = match self.get(key) {
            None if min == 0 => return Ok(Vec::new()),
            None => return self.wrong(key, format!("is missing; it must be a list of {min} to {max}")),
            Some(Json::Array(items)) => items,
            Some(_) => return self.wrong(key, format!("must be a list of {min} to {max}")),
        };
        if items.len() < min || items.len() > max {
            return self.wrong(key, format!("has {} items, allowed are {min} to {max}", items.len()));
        }
        let path = self.at(key);
        Ok(items.iter().enumerate().map(|(at, value)| Placed { value, path: format!("{path}[{at}]") }).collect())
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, key: &str, min: u32, max: u32) -> Result<u32, WireError> {
        let number = self.get(key).and_then(Json::as_u64).and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) if (min..=max).contains(&number) => Ok(number),
            _ => self.wrong(key, format!("{} must be a whole number from {min} to {max}", self.shown(key))),
        }
    }

    /// A length of time within bounds.
    pub(super) fn duration(&self, key: &str, min: Duration, max: Duration) -> Result<Duration, WireError> {
        let text = self.get(key).and_then(Json::as_str);
        match text.and_then(|text| Duration::parse(text).ok()) {
            Some(length) if (min..=max).contains(&length) => Ok(length),
            Some(_) => self.wrong(key, format!("{} is out of range, allowed is {min} to {max}", self.shown(key))),
            None => {
                self.wrong(key, format!("{} is not a duration; write it as a text such as \"30s\", \"15m\" or \"2h\"", self.shown(key)))
            }
        }
    }

    /// An instant, in milliseconds since the Unix epoch.
    pub(super) fn instant(&self, key: &str) -> Result<i64, WireError> {
        let read = self.get(key).and_then(Json::as_str).and_then(parse_rfc3339).filter(|at| (0..=LAST_INSTANT).contains(at));
        match read {
            Some(at) => Ok(at),
            None => self.wrong(key, format!("{} is not a time such as \"{}\"", self.shown(key), format_rfc3339(1_795_597_200_000))),
        }
    }

    /// A field's value for messages.
    pub(super) fn shown(&self, key: &str) -> String {
        match self.get(key) {
            None => "nothing".to_owned(),
            Some(Json::String(text)) => quote(&text.chars().take(60).collect::<String>()).clone(),
            Some(Json::Array(_)) => "a list".to_owned(),
            Some(Json::Object(_)) => "an object".to_owned(),
            Some(other) => other.to_string(),
        }
    }
}

impl<'j> Placed<'j> {
    /// A line of text that is not empty.
    pub(super) fn text(&self, max: usize) -> Result<&'j str, WireError> {
        let allowed = format!("a text of 1 to {max} characters");
        let Some(text) = self.value.as_str() else { return Err(WireError::new(&self.path, format!("must be {allowed}"))) };
        if text.trim().is_empty() {
            return Err(WireError::new(&self.path, format!("is empty; it must be {allowed}")));
        }
        // Bytes first: a text is never shorter in bytes than in characters.
        if text.len() > max && text.chars().count() > max {
            return Err(WireError::new(&self.path, format!("is longer than {max} characters")));
        }
        if text.chars().any(char::is_control) {
            return Err(WireError::new(&self.path, "must not hold line breaks or other control characters"));
        }
        Ok(text)
    }
}
