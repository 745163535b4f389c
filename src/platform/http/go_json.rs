//! Text in JSON to the byte as upstream writes it.
//!
//! Label sets are written plainly. All other text has `<`, `>`, `&` and the line separators of Unicode as escapes, as
//! Go's standard library writes it; controls that have short escapes elsewhere (`\b`, `\f`) have none there.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Writes a value with Go's escapes.
pub fn write_json<T: Serialize + ?Sized>(out: impl Write, value: &T) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, GoText)).map_err(io::Error::from)
}

/// Writes text of a label set, in quotes.
pub fn write_plain(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.write_all(&rest.as_bytes()[..at])?;
        match rest.as_bytes()[at] {
            b'"' => out.write_all(b"\\\"")?,
            b'\\' => out.write_all(b"\\\\")?,
            b'\n' => out.write_all(b"\\n")?,
            b'\r' => out.write_all(b"\\r")?,
            b'\t' => out.write_all(b"\\t")?,
            control => write!(out, "\\u{control:04x}")?,
        }
        rest = &rest[at + 1..];
    }
    out.write_all(rest.as_bytes())?;
    out.write_all(b"\"")
}

/// Escapes as Go's.
struct GoText;

impl Formatter for GoText {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, found)) = rest.char_indices().find(|(_, c)| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')) {
            out.write_all(&rest.as_bytes()[..at])?;
            write!(out, "\\u{:04x}", found as u32)?;
            rest = &rest[at + found.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: Write + ?Sized>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote => out.write_all(b"\\\""),
            CharEscape::ReverseSolidus => out.write_all(b"\\\\"),
            CharEscape::Solidus => out.write_all(b"/"),
            CharEscape::LineFeed => out.write_all(b"\\n"),
            CharEscape::CarriageReturn => out.write_all(b"\\r"),
            CharEscape::Tab => out.write_all(b"\\t"),
            CharEscape::Backspace => out.write_all(b"\\u0008"),
            CharEscape::FormFeed => out.write_all(b"\\u000c"),
            CharEscape::AsciiControl(byte) => write!(out, "\\u{byte:04x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_upstream_escapes_it() {
        let text = "a<b>&\"\\\u{2028}é\u{8}\u{c}\u{1}\u{7f}\t\r\n";
        let (mut plain, mut go) = (Vec::new(), Vec::new());
        write_plain(&mut plain, text).unwrap();
        write_json(&mut go, text).unwrap();
        assert_eq!(String::from_utf8(plain).unwrap(), "\"a<b>&\\\"\\\\\u{2028}é\\u0008\\u000c\\u0001\u{7f}\\t\\r\\n\"");
        assert_eq!(String::from_utf8(go).unwrap(), "\"a\\u003cb\\u003e\\u0026\\\"\\\\\\u2028é\\u0008\\u000c\\u0001\u{7f}\\t\\r\\n\"");
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(text in ".*") {
            let (mut plain, mut go) = (Vec::new(), Vec::new());
            write_plain(&mut plain, &text).unwrap();
            write_json(&mut go, &text).unwrap();
            proptest::prop_assert_eq!(&serde_json::from_slice::<String>(&plain).unwrap(), &text);
            proptest::prop_assert_eq!(&serde_json::from_slice::<String>(&go).unwrap(), &text);
        }
    }
}
