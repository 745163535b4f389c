//! Conditions on one field, as LogQL writes them.

use std::fmt::Write;

use super::read::{Field, Test, Text};
use crate::logs::query::ast::CompareOp;
use crate::series::labels::quote;

/// With all that means something in a regular expression standing for itself.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `name="value"` and the like.
pub(super) fn condition(name: &str, field: &Field, negative: bool) -> String {
    let mut text = String::new();
    let written = match (&field.test, negative) {
        (Test::Is(value), negative) if value.is_anything() => write!(text, "{name}{}\"\"", if negative { "=" } else { "!=" }),
        (Test::Is(value), negative) => match whole(&field.name, value) {
            Ok(regex) => write!(text, "{name}{}{}", if negative { "!~" } else { "=~" }, quote(&regex)),
            Err(plain) => write!(text, "{name}{}{}", if negative { "!=" } else { "=" }, quote(plain)),
        },
        (Test::Equal(value), false) | (Test::NotEqual(value), true) => write!(text, "{name}={}", quote(value)),
        (Test::Equal(value), true) | (Test::NotEqual(value), false) => write!(text, "{name}!={}", quote(value)),
        (Test::Regex(value), false) | (Test::NotRegex(value), true) => write!(text, "{name}=~{}", quote(value)),
        (Test::Regex(value), true) | (Test::NotRegex(value), false) => write!(text, "{name}!~{}", quote(value)),
        (Test::Compare(op, value), false) => write!(text, "{name}{}{value}", op.as_str()),
        (Test::Compare(op, value), true) => write!(text, "{name}{}{value}", opposite(*op).as_str()),
    };
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
    text
}

/// A comparison that leaves what is no quantity of its kind undecided: it is neither greater nor not greater, as if there
/// were no such field.
pub(super) fn guarded_comparison(name: &str, op: CompareOp, value: &str, negative: bool) -> String {
    let kind = quote(kind_of(value));
    if negative {
        // What has no such field is not greater either.
        return format!("({name}!~{kind} or {name}{}{value})", opposite(op).as_str());
    }
    format!("({name}=~{kind} and {name}{}{value})", op.as_str())
}

/// An expression that matches what can be compared with a quantity.
fn kind_of(value: &str) -> &'static str {
    let value = value.trim_start_matches('-');
    if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?";
    }
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    // Sizes end with a B, durations with one of their letters.
    if unit.ends_with(['b', 'B']) { "[0-9.,]+ ?[a-zA-Z]*" } else { "[-+]?(([0-9.]+(ns|us|µs|μs|ms|s|m|h))+|0)" }
}

/// A value as an expression that matches all of it, or the value itself where no case and no star matters.
pub(super) fn whole<'a>(name: &str, value: &'a Text) -> Result<String, &'a str> {
    if name == "level"
        && let [level] = value.parts.as_slice()
    {
        // Programs do not agree on how to write these.
        match level.to_ascii_lowercase().as_str() {
            "error" | "err" => return Ok("(?i)err(or)?".to_owned()),
            "warn" | "warning" => return Ok("(?i)warn(ing)?".to_owned()),
            "info" | "information" => return Ok("(?i)info(rmation)?".to_owned()),
            "critical" | "crit" => return Ok("(?i)crit(ical)?".to_owned()),
            _ => {}
        }
    }
    let has_letters = value.parts.iter().any(|part| part.chars().any(char::is_alphabetic));
    match value.parts.as_slice() {
        [plain] if !has_letters => Err(plain),
        parts => {
            let inside: Vec<String> = parts.iter().map(|part| escaped(part)).collect();
            Ok(format!("{}{}", if has_letters { "(?i)" } else { "" }, inside.join(".*")))
        }
    }
}

const fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
    }
}
