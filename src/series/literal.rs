//! Literals of query languages as Go and Prometheus write them: quoted strings, characters in messages, durations.

use crate::base::time::{Duration, DurationError};
use crate::series::labels::quote;

/// A character as Go's `%q` shows it.
pub fn go_rune(c: char) -> String {
    match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => {
            let quoted = quote(c.encode_utf8(&mut [0; 4]));
            format!("'{}'", quoted.get(1..quoted.len() - 1).unwrap_or(""))
        }
    }
}

/// A character as Go's `%#U` shows it.
pub fn go_unicode(c: char) -> String {
    if c.is_control() { format!("U+{:04X}", c as u32) } else { format!("U+{:04X} '{c}'", c as u32) }
}

/// A byte that is no UTF-8 stands in a string as this plus the byte, a private code point that no real text uses.
const RAW_BYTE: u32 = 0x0010_ff00;

fn raw_byte(c: char) -> Option<u8> {
    (c as u32).checked_sub(RAW_BYTE).and_then(|byte| u8::try_from(byte).ok())
}

/// Whether a string literal held bytes that are no UTF-8 (`"\xff"`); no label may be named or valued so.
pub fn holds_raw_bytes(text: &str) -> bool {
    text.chars().any(|c| raw_byte(c).is_some())
}

/// The text with U+FFFD for bytes that are no UTF-8, as JSON shows them.
pub fn without_raw_bytes(text: &str) -> std::borrow::Cow<'_, str> {
    if holds_raw_bytes(text) {
        text.chars().map(|c| if raw_byte(c).is_some() { char::REPLACEMENT_CHARACTER } else { c }).collect()
    } else {
        text.into()
    }
}

/// As Go's `strconv.Quote`, bytes that are no UTF-8 as `\xff`; reads back as the same string.
pub fn quote_literal(text: &str) -> String {
    let quoted = quote(text);
    if !quoted.contains(|c| c == char::REPLACEMENT_CHARACTER || raw_byte(c).is_some()) {
        return quoted;
    }
    let mut out = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        match raw_byte(c) {
            Some(byte) => out.push_str(&format!("\\x{byte:02x}")),
            // The lexer takes the bare character for a sign of broken input.
            None if c == char::REPLACEMENT_CHARACTER => out.push_str("\\ufffd"),
            None => out.push(c),
        }
    }
    out
}

fn from_bytes(bytes: Vec<u8>) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().filter_map(|&byte| char::from_u32(RAW_BYTE + u32::from(byte))));
    }
    out
}

/// The content of a quoted string that the lexer has accepted; see [`holds_raw_bytes`] for `"\xff"`.
pub fn unquote(quoted: &str) -> String {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    if quoted.starts_with('`') || !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    let mut buffer = [0; 4];
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        match chars.next() {
            Some('a') => out.push(0x07),
            Some('b') => out.push(0x08),
            Some('f') => out.push(0x0c),
            Some('n') => out.push(b'\n'),
            Some('r') => out.push(b'\r'),
            Some('t') => out.push(b'\t'),
            Some('v') => out.push(0x0b),
            Some('x') => out.push(take_digits(&mut chars, 2, 16, 0) as u8),
            Some(octal @ '0'..='7') => out.push(take_digits(&mut chars, 2, 8, octal as u32 - '0' as u32) as u8),
            Some(wide @ ('u' | 'U')) => {
                let code = take_digits(&mut chars, if wide == 'u' { 4 } else { 8 }, 16, 0);
                let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            }
            Some(itself) => out.extend_from_slice(itself.encode_utf8(&mut buffer).as_bytes()),
            None => {}
        }
    }
    from_bytes(out)
}

fn take_digits(chars: &mut std::str::Chars<'_>, count: usize, base: u32, first: u32) -> u32 {
    (0..count).fold(first, |value, _| value.wrapping_mul(base).wrapping_add(chars.next().and_then(|c| c.to_digit(base)).unwrap_or(0)))
}

/// Reads `1h30m` as `model.ParseDuration`; seconds out, or the message.
pub fn duration(text: &str) -> Result<f64, String> {
    match Duration::parse(text) {
        Ok(duration) => Ok(duration.secs_f64()),
        Err(DurationError::Invalid(_)) => Err(invalid_duration(text)),
        Err(error) => Err(error.to_string()),
    }
}

/// Why [`Duration::parse`] refused, in the words of `model.ParseDuration`.
fn invalid_duration(text: &str) -> String {
    const UNITS: [&str; 7] = ["y", "w", "d", "h", "m", "s", "ms"];
    let mut rest = text;
    let mut next_unit = 0;
    loop {
        let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let next = behind.trim_start_matches(|c: char| !c.is_ascii_digit());
        let unit = behind.get(..behind.len() - next.len()).unwrap_or("");
        if behind.len() == rest.len() || unit.is_empty() {
            break;
        }
        let Some(at) = UNITS.iter().position(|known| *known == unit) else {
            return format!("unknown unit {} in duration {}", quote(unit), quote(text));
        };
        if at < next_unit {
            break;
        }
        next_unit = at + 1;
        rest = next;
    }
    format!("not a valid duration string: {}", quote(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_unquote() {
        for (quoted, plain) in [
            (r#""a""#, "a"),
            (r"'a\'b'", "a'b"),
            (r#""\a\b\f\n\r\t\v\\\"""#, "\x07\x08\x0c\n\r\t\x0b\\\""),
            (r#""\x41\101\u0041\U00000041""#, "AAAA"),
            (r#""\xe2\x82\xac""#, "€"),
            (r#""a\xc5z""#, "a\u{10ffc5}z"),
            (r"`a\n`", r"a\n"),
            ("\"\"", ""),
        ] {
            assert_eq!(unquote(quoted), plain, "{quoted}");
            assert_eq!(unquote(&quote_literal(plain)), plain, "{quoted}");
        }
        let odd = unquote(r#""a\xc5z\ufffd""#);
        assert!(holds_raw_bytes(&odd));
        assert_eq!(quote_literal(&odd), r#""a\xc5z\ufffd""#);
        assert_eq!(without_raw_bytes(&odd), "a\u{fffd}z\u{fffd}");
    }
}
