//! Whether an answer is as it should be.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::super::record::Record;
use super::super::span;
use crate::base::quote::quote;
use crate::uptime::config::{HeaderMatch, HttpModule, Pattern};
use crate::uptime::model::outcome::FailureKind;

/// The status.
pub(super) fn status(status: StatusCode, took: Duration, module: &HttpModule, record: &mut Record) {
    let valid = &module.valid_status_codes;
    let is_right = if valid.is_empty() { status.is_success() } else { valid.contains(&i64::from(status.as_u16())) };
    if is_right {
        return;
    }
    let reason = status.canonical_reason().map_or_else(String::new, |reason| format!(" {reason}"));
    let mut text = format!("answered {}{reason} in {}", status.as_u16(), span(took));
    if !valid.is_empty() {
        let some: Vec<String> = valid.iter().take(10).map(ToString::to_string).collect();
        text.push_str(&format!(", expected {}", some.join(" or ")));
    }
    record.fail(FailureKind::Status, text);
}

/// The headers.
pub(super) fn headers(headers: &HeaderMap, module: &HttpModule, record: &mut Record) {
    if module.fail_if_header_matches.is_empty() && module.fail_if_header_not_matches.is_empty() {
        return;
    }
    let wrong = wrong_header(headers, module);
    record.gauges().set("probe_failed_due_to_regex", f64::from(u8::from(wrong.is_some())));
    if let Some(why) = wrong {
        record.fail(FailureKind::Content, why);
    }
}

fn wrong_header(headers: &HeaderMap, module: &HttpModule) -> Option<String> {
    let found = |wanted: &HeaderMatch| {
        let values: Vec<&[u8]> = headers.get_all(wanted.header.as_str()).iter().map(http::HeaderValue::as_bytes).collect();
        let is_missing = values.is_empty();
        (is_missing, values.iter().any(|value| wanted.regexp.is_match(value)))
    };
    for wanted in &module.fail_if_header_matches {
        match found(wanted) {
            (true, _) if wanted.allow_missing => {}
            (true, _) => return Some(format!("the header {} is missing", wanted.header)),
            (_, true) => return Some(format!("the header {} matches {:?}", wanted.header, wanted.regexp.as_str())),
            _ => {}
        }
    }
    for wanted in &module.fail_if_header_not_matches {
        match found(wanted) {
            (true, _) if wanted.allow_missing => {}
            (true, _) => return Some(format!("the header {} is missing", wanted.header)),
            (_, false) => return Some(format!("the header {} does not match {:?}", wanted.header, wanted.regexp.as_str())),
            _ => {}
        }
    }
    None
}

/// Whether something is looked for in the body.
pub(super) fn searches_body(module: &HttpModule) -> bool {
    !module.fail_if_body_matches.is_empty() || !module.fail_if_body_not_matches.is_empty() || !module.json.is_empty()
}

/// What is looked for, as somebody wrote it: a plain text stands without what makes a pattern of it.
fn written(pattern: &Pattern) -> String {
    let text = pattern.as_str();
    let mut is_after = false;
    let plain: String = text
        .chars()
        .filter(|c| {
            is_after = *c == '\\' && !is_after;
            !is_after
        })
        .collect();
    let is_plain = regex::escape(&plain) == text;
    quote(if is_plain { &plain } else { text })
}

/// The body.
pub(super) fn body(body: &[u8], module: &HttpModule, record: &mut Record) {
    let unwanted = module.fail_if_body_matches.iter().find(|pattern| pattern.is_match(body));
    let missing = module.fail_if_body_not_matches.iter().find(|pattern| !pattern.is_match(body));
    let why = match (unwanted, missing) {
        (Some(pattern), _) => Some(format!("the answer has what it must not have: {}", written(pattern))),
        (_, Some(pattern)) => Some(format!("the answer does not have what it must have: {}", written(pattern))),
        _ => super::json::first_wrong(body, &module.json),
    };
    record.gauges().set("probe_failed_due_to_regex", f64::from(u8::from(why.is_some())));
    if let Some(why) = why {
        record.excerpt(body);
        record.fail(FailureKind::Content, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_said_as_it_was_written() {
        let said = |text: &str| written(&Pattern::new(text).unwrap());
        for plain in ["pharos-nope", "a.b (c) \\d", "100 % [x]", "ok"] {
            assert_eq!(said(&regex::escape(plain)), quote(plain));
        }
        for pattern in ["a|b", "\\d+", "(?i)ok", "a.b"] {
            assert_eq!(said(pattern), quote(pattern));
        }
    }
}
