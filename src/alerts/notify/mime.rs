//! Letters as mail programs read them: encoded words (RFC 2047), quoted-printable (RFC 2045), alternatives (RFC 2046) and
//! lists of addresses (RFC 5322).

/// Longest line of a body.
const LINE_BYTES_MAX: usize = 76;
/// Most bytes of text in one encoded word.
const WORD_BYTES_MAX: usize = 75 - "=?utf-8?q??=".len();
/// Most addresses of a list.
const ADDRESSES_MAX: usize = 1000;

/// One form of a letter's text.
pub(super) struct Part {
    /// `Content-Type`.
    pub kind: &'static str,
    /// The text.
    pub body: String,
}

/// 30 random digits.
pub(super) fn random_hex() -> Result<String, String> {
    let mut bytes = [0_u8; 15];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether a header may be called so.
pub(super) fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// Appends a header; what is not plain is written as encoded words, so that a value never begins another header.
pub(super) fn push_header(name: &str, value: &str, out: &mut String) {
    out.push_str(name);
    out.push_str(": ");
    if value.chars().all(|c| c == '\t' || (' '..='~').contains(&c)) {
        out.push_str(value);
    } else {
        push_words(value, out);
    }
    out.push_str("\r\n");
}

fn push_words(value: &str, out: &mut String) {
    out.push_str("=?utf-8?q?");
    let mut length = 0;
    for c in value.chars() {
        let mut written = String::new();
        match c {
            ' ' => written.push('_'),
            '!'..='~' if !matches!(c, '=' | '?' | '_') => written.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| written.push_str(&format!("={byte:02X}"))),
        }
        if length + written.len() > WORD_BYTES_MAX {
            out.push_str("?= =?utf-8?q?");
            length = 0;
        }
        length += written.len();
        out.push_str(&written);
    }
    out.push_str("?=");
}

/// Appends the end of the headers and the parts, of which one is shown.
pub(super) fn push_alternatives(parts: &[Part], boundary: &str, out: &mut String) {
    out.push_str(&format!("Content-Type: multipart/alternative;  boundary={boundary}\r\nMIME-Version: 1.0\r\n\r\n"));
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str("\r\n");
        }
        out.push_str(&format!("--{boundary}\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: {}\r\n\r\n", part.kind));
        push_quoted(&part.body, out);
    }
    out.push_str(&format!("\r\n--{boundary}--\r\n"));
}

/// Appends a text as quoted-printable.
fn push_quoted(text: &str, out: &mut String) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push_str("\r\n");
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut length = 0;
        for (at, byte) in line.bytes().enumerate() {
            let is_last = at + 1 == line.len();
            let is_plain = match byte {
                b' ' | b'\t' => !is_last,
                b'=' => false,
                byte => byte.is_ascii_graphic(),
            };
            let needed = if is_plain { 1 } else { 3 };
            if length + needed > LINE_BYTES_MAX - 1 {
                out.push_str("=\r\n");
                length = 0;
            }
            length += needed;
            if is_plain { out.push(char::from(byte)) } else { out.push_str(&format!("={byte:02X}")) }
        }
    }
}

/// The addresses of a list: `a@x, "B, C" <b@x>`.
///
/// # Errors
/// What stands there and is none.
pub(super) fn addresses(list: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for item in split(list)? {
        let item = item.trim();
        let address = match item.rsplit_once('<') {
            Some((_, rest)) => rest.strip_suffix('>').ok_or_else(|| format!("unclosed angle-addr in {item:?}"))?,
            None => item,
        };
        let is_bad = address.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'));
        let has_both = address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if is_bad || !has_both {
            return Err(format!("{item:?} is no address"));
        }
        found.push(address.to_owned());
        if found.len() > ADDRESSES_MAX {
            return Err(format!("more than {ADDRESSES_MAX} addresses"));
        }
    }
    if found.is_empty() { Err("no address".to_owned()) } else { Ok(found) }
}

/// Parts between commas outside of quotes and angles; empty ones are left out.
fn split(list: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in list.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(list.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Err("unclosed quoted-string".to_owned());
    }
    parts.push(list.get(start..).unwrap_or_default());
    parts.retain(|part| !part.trim().is_empty());
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_hold_one_value_each() {
        for (value, expected) in [
            ("[FIRING:1] A", "[FIRING:1] A"),
            ("é b=c?_", "=?utf-8?q?=C3=A9_b=3Dc=3F=5F?="),
            ("a\r\nBcc: x@y", "=?utf-8?q?a=0D=0ABcc:_x@y?="),
        ] {
            let mut out = String::new();
            push_header("X", value, &mut out);
            assert_eq!(out, format!("X: {expected}\r\n"));
        }
        let mut out = String::new();
        push_header("X", &"é".repeat(20), &mut out);
        assert!(out.trim_end().split(' ').skip(1).all(|word| word.len() <= 75 && word.ends_with("?=")), "{out}");
    }

    #[test]
    fn bodies_have_short_plain_lines() {
        let mut out = String::new();
        push_quoted("a = é \nb\t\r\n.", &mut out);
        assert_eq!(out, "a =3D =C3=A9=20\r\nb=09\r\n.");
        let mut out = String::new();
        push_quoted(&"x".repeat(200), &mut out);
        assert!(out.split("\r\n").all(|line| line.len() <= 76) && out.replace("=\r\n", "").len() == 200, "{out}");
    }

    #[test]
    fn lists_of_addresses() {
        for (list, expected) in [
            ("a@x", Ok(vec!["a@x"])),
            (" a@x , \"B, C\" <b@y> ,", Ok(vec!["a@x", "b@y"])),
            ("Team <t@x>", Ok(vec!["t@x"])),
            ("a@x b@y", Err("\"a@x b@y\" is no address")),
            ("a", Err("\"a\" is no address")),
            ("@x", Err("\"@x\" is no address")),
            ("<a@x", Err("unclosed angle-addr in \"<a@x\"")),
            ("\"a", Err("unclosed quoted-string")),
            ("", Err("no address")),
        ] {
            let read = addresses(list);
            assert_eq!(read.as_ref().map(|all| all.iter().map(String::as_str).collect()).map_err(String::as_str), expected, "{list}");
        }
    }
}
