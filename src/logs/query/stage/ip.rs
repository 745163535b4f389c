//! `ip("10.0.0.0/8")`: finds addresses in texts.

use std::net::IpAddr;

use crate::logs::query::ast::IpPattern;

/// Whether some address in `text` is one of the pattern's.
pub(crate) fn has_address(text: &[u8], pattern: &IpPattern) -> bool {
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let length = if looks_like_v4(rest) {
            span(rest, |byte| byte.is_ascii_digit() || byte == b'.')
        } else if looks_like_v6(rest) {
            span(rest, |byte| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.')
        } else {
            at += 1;
            continue;
        };
        let address = rest.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|text| text.parse::<IpAddr>().ok());
        if address.is_some_and(|address| pattern.contains(address)) {
            return true;
        }
        at += length + 1;
    }
    false
}

fn span(text: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| is_part(**byte)).count()
}

/// A digit, and a dot among the next three bytes.
fn looks_like_v4(text: &[u8]) -> bool {
    text.len() > 3 && text[0].is_ascii_digit() && text[1..4].contains(&b'.')
}

/// `::` and a digit, or a colon behind one to four digits.
fn looks_like_v6(text: &[u8]) -> bool {
    if let [b':', b':', third, ..] = text {
        return third.is_ascii_hexdigit();
    }
    let digits = text.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
    digits > 0 && text.get(digits) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found() {
        let pattern = |text: &str, first: &str, last: &str| IpPattern {
            text: text.into(),
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
        };
        let four = pattern("192.168.0.0/16", "192.168.0.0", "192.168.255.255");
        let six = pattern("::1", "::1", "::1");
        for (line, in_four, in_six) in [
            ("src 192.168.1.10 ok", true, false),
            ("src=192.168.1.10:80", true, false),
            ("10.0.0.1, 192.168.0.1", true, false),
            ("1.2.3 192.168.1", false, false),
            ("from [::1]:80", false, true),
            ("fe80::1 0:0:0:0:0:0:0:1", false, true),
            ("", false, false),
            ("12:30:45 192.168.1.1", true, false),
        ] {
            assert_eq!((has_address(line.as_bytes(), &four), has_address(line.as_bytes(), &six)), (in_four, in_six), "{line}");
        }
    }
}
