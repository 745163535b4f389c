//! `| decolorize`: takes the escape sequences of terminals out of lines.

/// Puts `line` without its escape sequences into `out`; false when there is none.
pub(crate) fn decolorize(line: &[u8], out: &mut Vec<u8>) -> bool {
    // U+009B begins a sequence as ESC [ does; its second byte is searched for.
    let Some(first) = memchr::memchr2(0x1b, 0x9b, line) else { return false };
    out.clear();
    let mut rest = line;
    let mut next = Some(first);
    while let Some(at) = next {
        let introducer = introducer(rest, at);
        let length = introducer.and_then(|(start, parameters)| Some((start, sequence(rest.get(parameters..)?)? + parameters)));
        match length {
            Some((start, end)) => {
                out.extend_from_slice(rest.get(..start).unwrap_or_default());
                rest = rest.get(end..).unwrap_or_default();
            }
            None => {
                out.extend_from_slice(rest.get(..=at).unwrap_or_default());
                rest = rest.get(at + 1..).unwrap_or_default();
            }
        }
        next = memchr::memchr2(0x1b, 0x9b, rest);
    }
    out.extend_from_slice(rest);
    true
}

/// Where the sequence at `at` begins and where its parameters do.
fn introducer(text: &[u8], at: usize) -> Option<(usize, usize)> {
    match text.get(at)? {
        0x1b => Some((at, at + 1)),
        // As UTF-8: C2 9B.
        _ => (at > 0 && text.get(at - 1) == Some(&0xc2)).then(|| (at - 1, at + 1)),
    }
}

/// How long a sequence is, behind what introduces it: marks, then numbers and a letter, or a text that ends with a bell.
fn sequence(text: &[u8]) -> Option<usize> {
    let marks = text.iter().take_while(|byte| matches!(byte, b'[' | b']' | b'(' | b')' | b'#' | b';' | b'?')).count();
    let rest = text.get(marks..)?;
    if text.first() == Some(&b']')
        && let Some(bell) = rest.iter().position(|byte| *byte == 0x07 || *byte == 0x1b)
    {
        // A title or a link; it ends with a bell or with ESC \.
        return match rest.get(bell..bell + 2) {
            Some([0x1b, b'\\']) => Some(marks + bell + 2),
            _ if rest[bell] == 0x07 => Some(marks + bell + 1),
            _ => None,
        };
    }
    let numbers = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    let last = rest.get(numbers)?;
    let ends = last.is_ascii_alphabetic() || matches!(last, b'=' | b'>' | b'<' | b'~' | b'@');
    ends.then_some(marks + numbers + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go() {
        for (line, expected) in [
            ("plain", None),
            ("\u{1b}[31mred\u{1b}[0m", Some("red")),
            ("a\u{1b}[1;38;5;196mb\u{1b}[Kc", Some("abc")),
            ("\u{9b}31mx", Some("x")),
            ("\u{1b}]0;title\u{7}text", Some("text")),
            ("\u{1b}]8;;http://x\u{1b}\\link", Some("link")),
            ("broken \u{1b}", Some("broken \u{1b}")),
            ("\u{1b}(Bok", Some("ok")),
            ("\u{69b}", Some("\u{69b}")),
        ] {
            let mut out = Vec::new();
            let changed = decolorize(line.as_bytes(), &mut out);
            assert_eq!(changed.then(|| String::from_utf8_lossy(&out).into_owned()).as_deref(), expected, "{line:?}");
        }
    }
}
