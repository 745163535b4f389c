//! Texts in templates: cutting, aligning, encoding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::OUTPUT_BYTES_MAX;

fn bounded(bytes: usize) -> Result<(), String> {
    if bytes > OUTPUT_BYTES_MAX { Err(format!("the text would have more than {OUTPUT_BYTES_MAX} bytes")) } else { Ok(()) }
}

/// The first `count` characters, or the last ones when it is negative.
pub(super) fn trunc(count: i64, text: &str) -> String {
    let length = text.chars().count() as i64;
    if count < 0 && length + count > 0 {
        return text.chars().skip((length + count) as usize).collect();
    }
    if count >= 0 && length > count { text.chars().take(count as usize).collect() } else { text.to_owned() }
}

/// Characters from `start` to `end`; negative ones are the text's own ends.
pub(super) fn substr(start: i64, end: i64, text: &str) -> String {
    let length = text.chars().count() as i64;
    let start = start.clamp(0, length);
    let end = if end < 0 || end > length { length } else { end };
    text.chars().skip(start as usize).take((end - start).max(0) as usize).collect()
}

/// Exactly `count` characters: cut, or filled up with spaces on the side that is not aligned.
pub(super) fn align(count: i64, text: &str, left: bool) -> Result<String, String> {
    let length = text.chars().count();
    let Ok(count) = usize::try_from(count) else { return Ok(text.to_owned()) };
    bounded(count)?;
    if count > length {
        let spaces = " ".repeat(count - length);
        return Ok(if left { format!("{text}{spaces}") } else { format!("{spaces}{text}") });
    }
    Ok(if left { text.chars().take(count).collect() } else { text.chars().skip(length - count).collect() })
}

/// Spaces in front of every line.
pub(super) fn indent(count: i64, text: &str) -> Result<String, String> {
    let count = usize::try_from(count).map_err(|_| "negative Repeat count".to_owned())?;
    let lines = text.matches('\n').count() + 1;
    bounded(count.saturating_mul(lines).saturating_add(text.len()))?;
    let spaces = " ".repeat(count);
    Ok(format!("{spaces}{}", text.replace('\n', &format!("\n{spaces}"))))
}

/// The text so many times.
pub(super) fn repeat(count: i64, text: &str) -> Result<String, String> {
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
    bounded(count.saturating_mul(text.len()))?;
    Ok(text.repeat(count))
}

/// `limit` occurrences replaced, all when it is negative.
pub(super) fn replace(text: &str, old: &str, new: &str, limit: i64) -> Result<String, String> {
    let found = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    let times = usize::try_from(limit).map_or(found, |limit| limit.min(found));
    bounded(text.len().saturating_add(times.saturating_mul(new.len())))?;
    Ok(text.replacen(old, new, times))
}

/// Undoes what [`crate::base::template::query_text`] does.
pub(super) fn urldecode(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('%') {
        let is_hex = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_hexdigit);
        if !is_hex(at + 1) || !is_hex(at + 2) {
            let shown = String::from_utf8_lossy(bytes.get(at..bytes.len().min(at + 3)).unwrap_or_default()).into_owned();
            return Err(format!("invalid URL escape {shown:?}"));
        }
    }
    Ok(percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// Base64.
pub(super) fn b64enc(text: &str) -> String {
    STANDARD.encode(text)
}

/// Undoes it; missing `=` do not matter, and what is wrong becomes the text.
pub(super) fn b64dec(text: &str) -> String {
    let mut padded = text.to_owned();
    if !matches!(padded.len() % 4, 0 | 1) {
        padded.push_str(&"=".repeat(4 - padded.len() % 4));
    }
    match STANDARD.decode(&padded) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(base64::DecodeError::InvalidByte(at, _)) => format!("illegal base64 data at input byte {at}"),
        Err(_) => format!("illegal base64 data at input byte {}", padded.len() / 4 * 4),
    }
}
