//! Options of panels and transformations, which people and several generations of programs wrote: what is not as
//! expected counts as absent.

use serde_json::Value;

use crate::boards::model::Object;

/// An object of options that is only looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a>(Option<&'a Object>);

impl<'a> Options<'a> {
    /// Looks at an object.
    pub const fn new(object: &'a Object) -> Self {
        Self(Some(object))
    }

    /// What has a name.
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0?.get(name)
    }

    /// An object; an empty one where there is none.
    pub fn child(self, name: &str) -> Self {
        Self(self.get(name).and_then(Value::as_object))
    }

    /// A text, none where there is no text.
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    /// A text; empty where there is none.
    pub fn word(self, name: &str) -> &'a str {
        self.text(name).unwrap_or_default()
    }

    /// A finite number; texts that are one count.
    pub fn number(self, name: &str) -> Option<f64> {
        match self.get(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// A whole number between bounds; what lies outside is moved to them.
    pub fn count(self, name: &str, min: u32, max: u32) -> Option<u32> {
        self.number(name).map(|number| number.clamp(f64::from(min), f64::from(max)) as u32)
    }

    /// Whether something is set.
    pub fn flag(self, name: &str) -> bool {
        self.flag_or(name, false)
    }

    /// Whether something is set, where it may be absent.
    pub fn flag_or(self, name: &str, absent: bool) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true",
            _ => absent,
        }
    }

    /// The elements of a list; none where there is no list.
    pub fn list(self, name: &str) -> &'a [Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The texts of a list.
    pub fn words(self, name: &str) -> Vec<&'a str> {
        self.list(name).iter().filter_map(Value::as_str).collect()
    }

    /// The objects of a list.
    pub fn children(self, name: &str) -> impl Iterator<Item = Self> + 'a {
        self.list(name).iter().filter_map(Value::as_object).map(Self::new)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.0.is_none_or(|object| object.is_empty())
    }
}
