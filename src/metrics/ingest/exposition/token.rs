//! The smallest parts of the text formats: names, quoted strings, numbers, line numbers.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2};

use super::ParseError;
use crate::series::sample::NORMAL_NAN_BITS;

const LABEL: u8 = 1;
const METRIC: u8 = 2;
const DIGIT: u8 = 4;

/// What a byte may be part of.
const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphabetic() || b == b'_' {
            table[byte] = LABEL | METRIC;
        } else if b == b':' {
            table[byte] = METRIC;
        } else if b.is_ascii_digit() {
            table[byte] = DIGIT;
        }
        byte += 1;
    }
    table
}

/// Whether a metric name may begin with `byte`.
#[inline]
pub(super) fn starts_metric_name(byte: u8) -> bool {
    CLASS[usize::from(byte)] & METRIC != 0
}

/// Where the metric name ends that begins at `at` (equal to `at` when there is none).
#[inline]
pub(super) fn metric_name_end(body: &[u8], at: usize) -> usize {
    name_end(body, at, METRIC)
}

/// Where the label name ends that begins at `at` (equal to `at` when there is none).
#[inline]
pub(super) fn label_name_end(body: &[u8], at: usize) -> usize {
    name_end(body, at, LABEL)
}

#[inline]
fn name_end(body: &[u8], at: usize, first: u8) -> usize {
    let mut end = at;
    let mut allowed = first;
    while let Some(&byte) = body.get(end) {
        if CLASS[usize::from(byte)] & allowed == 0 {
            break;
        }
        allowed = first | DIGIT;
        end += 1;
    }
    end
}

/// Skips spaces and tabs.
#[inline]
pub(super) fn skip_blanks(body: &[u8], mut at: usize) -> usize {
    while matches!(body.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// One past the closing quote of the string whose opening quote stands at `at`.
#[inline]
pub(super) fn quoted_end(body: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + memchr2(b'"', b'\\', body.get(from..)?)?;
        if body[found] == b'"' {
            return Some(found + 1);
        }
        from = found + 2;
    }
}

/// One past the brace that closes the label set whose opening brace stands at `at`, quotes minded.
#[inline]
pub(super) fn braces_end(body: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + memchr2(b'"', b'}', body.get(from..)?)?;
        if body[found] == b'}' {
            return Some(found + 1);
        }
        from = quoted_end(body, found)?;
    }
}

/// Resolves `\\`, `\"` and `\n`; every other backslash stays.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    unescape_with(text, true)
}

/// Resolves `\\` and `\n` only, as help texts of the text format have it.
pub(super) fn unescape_help(text: &str) -> Cow<'_, str> {
    unescape_with(text, false)
}

fn unescape_with(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    push_unescaped(text, quotes, &mut out);
    Cow::Owned(out)
}

/// [`unescape`] to the end of `out`.
pub(super) fn push_unescaped(text: &str, quotes: bool, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let resolved = match rest.as_bytes().get(at + 1) {
            Some(b'\\') => Some('\\'),
            Some(b'n') => Some('\n'),
            Some(b'"') if quotes => Some('"'),
            _ => None,
        };
        match resolved {
            Some(c) => {
                out.push(c);
                rest = &rest[at + 2..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
}

/// Reads a number as Go's `strconv.ParseFloat` does, without hexadecimal and underscores.
#[inline]
pub(super) fn parse_float(text: &[u8]) -> Option<f64> {
    if text.len() <= 15
        && let Some(whole) = small_integer(text)
    {
        return Some(whole as f64);
    }
    let value = fast_float2::parse::<f64, _>(text).ok()?;
    if value.is_finite() {
        return Some(value);
    }
    if value.is_nan() {
        // Go takes no sign before NaN. The ordinary NaN keeps staleness markers out.
        return text[0].is_ascii_alphabetic().then_some(f64::from_bits(NORMAL_NAN_BITS));
    }
    // An infinity that was not spelled out is a number out of range.
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    unsigned.first().is_some_and(u8::is_ascii_alphabetic).then_some(value)
}

#[inline]
fn small_integer(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

/// Reads a whole number of 64 bits.
#[inline]
pub(super) fn parse_integer(text: &[u8]) -> Option<i64> {
    if text.len() <= 15
        && let Some(value) = small_integer(text)
    {
        return i64::try_from(value).ok();
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a time in seconds with fraction. Milliseconds out; what is out of range becomes the furthest time there
/// is, for storage to refuse.
pub(super) fn parse_seconds(text: &[u8]) -> Option<i64> {
    let secs = parse_float(text)?;
    secs.is_finite().then_some((secs * 1000.0) as i64)
}

/// An error at a byte of a body.
#[cold]
pub(super) fn error_at(body: &[u8], at: usize, message: String) -> ParseError {
    let before = &body[..at.min(body.len())];
    ParseError { line: 1 + memchr_iter(b'\n', before).count(), message }
}

/// What stands at a place, shortened, for messages.
#[cold]
pub(super) fn found_at(body: &[u8], at: usize) -> String {
    let rest = body.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return "the end".to_owned();
    }
    let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| at.max(1));
    quote_bytes(&rest[..end.min(40)])
}

/// Bytes in quotes, for messages.
#[cold]
pub(super) fn quote_bytes(bytes: &[u8]) -> String {
    crate::series::labels::quote(&String::from_utf8_lossy(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_go_does() {
        for (text, value) in [
            ("0", 0.0),
            ("+1", 1.0),
            ("-1", -1.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e5", 1e5),
            ("1E-5", 1e-5),
            ("00012", 12.0),
            ("123456789012345678", 123_456_789_012_345_680.0),
            ("Inf", f64::INFINITY),
            ("+inf", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
            ("1e-400", 0.0),
        ] {
            assert_eq!(parse_float(text.as_bytes()), Some(value), "{text}");
        }
        assert_eq!(parse_float(b"NaN").map(f64::to_bits), Some(NORMAL_NAN_BITS));
        for bad in ["", "+", "-", ".", "e5", "1e", "1e400", "0x1p3", "1_000", "+NaN", "nanx", "1 ", "--1", "+-1"] {
            assert_eq!(parse_float(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn escapes_resolve() {
        assert_eq!(unescape(r#"a\\b\"c\nd\te\"#), "a\\b\"c\nd\\te\\");
        assert_eq!(unescape_help(r#"a\\b\"c\nd"#), "a\\b\\\"c\nd");
    }
}
