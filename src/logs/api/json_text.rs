//! JSON written by hand: answers with thousands of lines leave as fast as they are copied.
//!
//! Lines have `<`, `>`, `&` and Unicode's line separators as escapes, as upstream writes them; labels are plain. Bytes that
//! are no UTF-8 become replacement characters.

use crate::series::labels::LabelsIter;

/// What each byte of ASCII needs: 0 nothing, 1 an escape, 2 an escape in lines only.
const NEEDS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = 1;
        byte += 1;
    }
    table[b'"' as usize] = 1;
    table[b'\\' as usize] = 1;
    table[b'<' as usize] = 2;
    table[b'>' as usize] = 2;
    table[b'&' as usize] = 2;
    // The first byte of the line separators U+2028 and U+2029.
    table[0xe2] = 2;
    table
};

/// Writes the text of a line, in quotes.
pub(super) fn put_line(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        put_escaped::<1>(out, chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}

/// Writes a name or a value of a label, in quotes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    put_escaped::<2>(out, text.as_bytes());
    out.push(b'"');
}

/// Escapes each byte whose need is less than or equal to `LEAST` apart from none: 1 for lines (both kinds), 2 for labels.
fn put_escaped<const KIND: u8>(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    loop {
        let at = rest.iter().position(|byte| {
            let need = NEEDS[usize::from(*byte)];
            if KIND == 1 { need != 0 } else { need == 1 }
        });
        let Some(at) = at else { break };
        out.extend_from_slice(&rest[..at]);
        let byte = rest[at];
        rest = &rest[at + 1..];
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0xe2 => match rest {
                [0x80, last @ (0xa8 | 0xa9), ..] => {
                    out.extend_from_slice(if *last == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                    rest = &rest[2..];
                }
                _ => out.push(byte),
            },
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
            }
        }
    }
    out.extend_from_slice(rest);
}

/// Writes pairs as an object.
pub(super) fn put_pairs<'a>(out: &mut Vec<u8>, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push(b'{');
    for (at, (name, value)) in pairs.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put_text(out, name);
        out.push(b':');
        put_text(out, value);
    }
    out.push(b'}');
}

/// Writes packed labels as an object.
pub(super) fn put_packed(out: &mut Vec<u8>, packed: &[u8]) {
    put_pairs(out, LabelsIter::over_checked(packed));
}

/// Writes a list of texts.
pub(super) fn put_texts<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'a str>) {
    out.push(b'[');
    for (at, text) in texts.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put_text(out, text);
    }
    out.push(b']');
}

/// Writes a whole number.
pub(super) fn put_int(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a number as Go prints floats.
pub(super) fn put_float(out: &mut Vec<u8>, number: f64) {
    out.extend_from_slice(crate::base::float::plain(number).as_bytes());
}

/// Writes milliseconds as seconds.
pub(super) fn put_seconds(out: &mut Vec<u8>, ms: i64) {
    put_float(out, ms as f64 / 1e3);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_upstream_escapes_it() {
        let text = "a<b>&\"\\\u{2028}\u{2029}\u{2027}é\u{8}\u{1f}\u{7f}\t\r\n";
        let (mut line, mut label) = (Vec::new(), Vec::new());
        put_line(&mut line, text.as_bytes());
        put_text(&mut label, text);
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "\"a\\u003cb\\u003e\\u0026\\\"\\\\\\u2028\\u2029\u{2027}é\\u0008\\u001f\u{7f}\\t\\r\\n\""
        );
        assert_eq!(String::from_utf8(label).unwrap(), "\"a<b>&\\\"\\\\\u{2028}\u{2029}\u{2027}é\\u0008\\u001f\u{7f}\\t\\r\\n\"");
        let mut line = Vec::new();
        put_line(&mut line, b"a\xff\xe2\x80b\xe2");
        assert_eq!(line, br#""a\ufffd\ufffdb\ufffd""#);
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(text in "\\PC*|.*", bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100)) {
            let (mut line, mut label) = (Vec::new(), Vec::new());
            put_line(&mut line, text.as_bytes());
            put_text(&mut label, &text);
            proptest::prop_assert_eq!(&serde_json::from_slice::<String>(&line).unwrap(), &text);
            proptest::prop_assert_eq!(&serde_json::from_slice::<String>(&label).unwrap(), &text);
            let mut line = Vec::new();
            put_line(&mut line, &bytes);
            proptest::prop_assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}
