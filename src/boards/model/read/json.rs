//! Reading JSON that people and several generations of programs wrote: what is not as expected counts as absent.

use serde_json::Value;

use crate::boards::model::Object;

/// A text; numbers and truth values as texts.
pub(super) fn text(object: &Object, name: &str) -> String {
    match object.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

/// A number; texts that are one count.
pub(super) fn number(object: &Object, name: &str) -> Option<f64> {
    number_of(object.get(name)?)
}

/// A number; texts that are one count.
pub(super) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// A whole number, at least 0 and at most `max`.
pub(super) fn count(object: &Object, name: &str, max: u32) -> Option<u32> {
    number(object, name).map(|number| number.clamp(0.0, f64::from(max)) as u32)
}

/// Whether something is set.
pub(super) fn flag(object: &Object, name: &str) -> bool {
    flag_or(object, name, false)
}

/// Whether something is set, where it may be absent.
pub(super) fn flag_or(object: &Object, name: &str, absent: bool) -> bool {
    match object.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => absent,
    }
}

/// The elements of a list; none where there is no list.
pub(super) fn list<'a>(object: &'a Object, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The objects in a list, with their places.
pub(super) fn objects<'a>(object: &'a Object, name: &str) -> impl Iterator<Item = (usize, &'a Object)> {
    list(object, name).iter().enumerate().filter_map(|(at, value)| value.as_object().map(|object| (at, object)))
}

/// The texts in a list.
pub(super) fn texts(object: &Object, name: &str) -> Vec<String> {
    list(object, name).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// An object; an empty one where there is none.
pub(super) fn object(parent: &Object, name: &str) -> Object {
    parent.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// An object that is only looked at.
pub(super) fn child<'a>(parent: &'a Object, name: &str) -> Option<&'a Object> {
    parent.get(name).and_then(Value::as_object)
}
