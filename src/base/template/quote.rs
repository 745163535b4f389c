//! Texts in quotes as Go writes them in constants.

/// What `"..."`, `'.'` or `` `...` `` stands for; none if it is malformed. Bytes that are no UTF-8 become U+FFFD.
pub(super) fn unquote(written: &str) -> Option<String> {
    let quote = written.chars().next()?;
    let inner = written.strip_prefix(quote)?.strip_suffix(quote)?;
    if quote == '`' {
        return Some(inner.replace('\r', ""));
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..)?;
        if c == '\\' {
            rest = escape(rest, quote, &mut bytes)?;
        } else if c == '\n' || c == quote {
            return None;
        } else {
            push(c, &mut bytes);
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (quote != '\'' || text.chars().count() == 1).then_some(text)
}

fn push(c: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Reads what follows a backslash, and gives what follows that.
fn escape<'a>(rest: &'a str, quote: char, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let c = rest.chars().next()?;
    let behind = rest.get(c.len_utf8()..)?;
    let simple = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '\\' => b'\\',
        '\'' | '"' if c == quote => c as u8,
        'x' => return code(behind, 2, 16, |value| u8::try_from(value).ok().map(|byte| bytes.push(byte))),
        'u' => return code(behind, 4, 16, |value| char::from_u32(value).map(|c| push(c, bytes))),
        'U' => return code(behind, 8, 16, |value| char::from_u32(value).map(|c| push(c, bytes))),
        '0'..='7' => return code(rest, 3, 8, |value| u8::try_from(value).ok().map(|byte| bytes.push(byte))),
        _ => return None,
    };
    bytes.push(simple);
    Some(behind)
}

fn code(rest: &str, digits: usize, radix: u32, take: impl FnOnce(u32) -> Option<()>) -> Option<&str> {
    let text = rest.get(..digits).filter(|text| text.chars().all(|digit| digit.is_digit(radix)))?;
    take(u32::from_str_radix(text, radix).ok()?)?;
    rest.get(digits..)
}
