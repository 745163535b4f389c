//! The classic syntax of matchers: names as Prometheus had them, values with or without quotes.

use super::{MatchOp, Matcher, MatcherError};
use crate::series::labels::is_legacy_metric_name;

/// `a=b, c=~"d"`, with or without braces around.
pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let mut parts = Vec::new();
    let mut part = String::new();
    let (mut in_quotes, mut is_escaped) = (false, false);
    for c in text.chars() {
        match c {
            ',' if !in_quotes => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            // A comma between quotes leaves the mark as it is.
            ',' => {}
            '"' if is_escaped => is_escaped = false,
            '"' => in_quotes = !in_quotes,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
        part.push(c);
    }
    let last = part.trim();
    if !last.is_empty() {
        parts.push(last.to_owned());
    }
    parts.iter().map(|part| matcher(part)).collect()
}

/// One matcher.
pub(super) fn matcher(text: &str) -> Result<Matcher, MatcherError> {
    let bad = || MatcherError(format!("bad matcher format: {text}"));
    let trimmed = text.trim_matches(is_space);
    let at = trimmed.find(['=', '!']).ok_or_else(bad)?;
    let (name, rest) = trimmed.split_at(at);
    let name = name.trim_end_matches(is_space);
    if !is_legacy_metric_name(name) {
        return Err(bad());
    }
    let ops = [("=~", MatchOp::Regex), ("!=", MatchOp::NotEqual), ("!~", MatchOp::NotRegex), ("=", MatchOp::Equal)];
    let (sign, op) = ops.into_iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(bad)?;
    let raw = rest.get(sign.len()..).unwrap_or("").trim_start_matches(is_space);
    Matcher::new(name, op, &value(raw)?)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// What a value means: quotes around it go, and `\n`, `\"` and `\\` are read.
fn value(raw: &str) -> Result<String, MatcherError> {
    let unescaped = || MatcherError(format!("matcher value contains unescaped double quote: {raw}"));
    let (body, mut is_open) = raw.strip_prefix('"').map_or((raw, false), |body| (body, true));
    let mut value = String::new();
    let mut is_escaped = false;
    let last = body.len().saturating_sub(1);
    for (at, c) in body.char_indices() {
        if is_escaped {
            is_escaped = false;
            match c {
                'n' => value.push('\n'),
                '"' | '\\' => value.push(c),
                _ => value.extend(['\\', c]),
            }
            continue;
        }
        match c {
            '\\' if at < last => is_escaped = true,
            '"' if !is_open || at < last => return Err(unescaped()),
            '"' => is_open = false,
            c => value.push(c),
        }
    }
    if is_open { Err(unescaped()) } else { Ok(value) }
}
