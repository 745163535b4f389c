//! Values as text: as they are where they are text, else as JSON writes them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::value::{AnyValue, Value};
use crate::base::float::push_sample;

/// A value as the text of a label, a field or a line.
pub fn text_of(value: &AnyValue) -> Cow<'_, str> {
    match &value.value {
        None => Cow::Borrowed(""),
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Bool(true)) => Cow::Borrowed("true"),
        Some(Value::Bool(false)) => Cow::Borrowed("false"),
        Some(Value::Int(number)) => Cow::Owned(number.to_string()),
        Some(Value::Double(number)) => Cow::Owned(number_text(*number)),
        Some(Value::Bytes(bytes)) => Cow::Owned(STANDARD.encode(bytes)),
        Some(Value::Array(_) | Value::Map(_)) => {
            let mut out = String::new();
            push_json(&mut out, value);
            Cow::Owned(out)
        }
    }
}

/// The text of an attribute's value; empty for none.
pub fn text_of_option(value: Option<&AnyValue>) -> Cow<'_, str> {
    value.map_or(Cow::Borrowed(""), text_of)
}

/// An id in hexadecimal; empty for one of zeros, which is none.
pub fn hex_id(id: &[u8]) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    if id.iter().any(|byte| *byte != 0) {
        for byte in id {
            let written = write!(out, "{byte:02x}");
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
    }
    out
}

fn number_text(number: f64) -> String {
    let mut out = String::new();
    push_number(&mut out, number);
    out
}

/// As JSON has it, with the exponent from 1e21 on and below 1e-6 as JavaScript writes it.
fn push_number(out: &mut String, number: f64) {
    let start = out.len();
    push_sample(out, number);
    // `1e-07` of Go's plain form is `1e-7` in JSON.
    if let Some(at) = out[start..].find("e-0") {
        out.remove(start + at + 2);
    }
}

/// Maps are written in order of their keys, so that equal values are equal texts. The depth is bounded by the decoders.
fn push_json(out: &mut String, value: &AnyValue) {
    match &value.value {
        None => out.push_str("null"),
        Some(Value::String(text)) => push_string(out, text),
        Some(Value::Bool(is)) => out.push_str(if *is { "true" } else { "false" }),
        Some(Value::Int(number)) => out.push_str(&number.to_string()),
        Some(Value::Double(number)) if number.is_finite() => push_number(out, *number),
        // JSON has no word for it.
        Some(Value::Double(number)) => push_string(out, &number_text(*number)),
        Some(Value::Bytes(bytes)) => push_string(out, &STANDARD.encode(bytes)),
        Some(Value::Array(list)) => {
            out.push('[');
            for (at, item) in list.values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_json(out, item);
            }
            out.push(']');
        }
        Some(Value::Map(map)) => {
            let mut pairs: Vec<_> = map.values.iter().collect();
            pairs.sort_by(|a, b| a.key.cmp(&b.key));
            out.push('{');
            for (at, pair) in pairs.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_string(out, &pair.key);
                out.push(':');
                match &pair.value {
                    Some(value) => push_json(out, value),
                    None => out.push_str("null"),
                }
            }
            out.push('}');
        }
    }
}

fn push_string(out: &mut String, text: &str) {
    // A text is always valid JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}
