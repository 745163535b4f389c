//! The header `Forwarded` of RFC 7239: a list of elements, one added by each proxy.
//!
//! Each line is read by itself. A client's line cannot swallow what a proxy adds in a line of its own, and a line
//! that cannot be read whole counts as one element that says nothing.

use std::net::IpAddr;

use http::{HeaderMap, header};

use super::{node, scheme};

/// What one proxy said of the request it got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// From where it came; `None` when that is hidden or missing.
    pub(super) client: Option<IpAddr>,
    /// Whether it came over HTTPS.
    pub(super) is_https: Option<bool>,
}

/// All elements, the farthest first.
pub(super) fn elements(headers: &HeaderMap) -> Vec<Element> {
    let lines = headers.get_all(header::FORWARDED).iter().map(|line| line.to_str().unwrap_or("\""));
    lines.flat_map(|line| parse(line).unwrap_or_else(|| vec![Element::default()])).collect()
}

/// One line; `None` when it does not follow the grammar.
pub(super) fn parse(line: &str) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    let mut rest = line.trim_matches(BLANKS);
    loop {
        let (element, after) = element(rest)?;
        // Empty elements are allowed in lists and say nothing.
        elements.extend(element);
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches(BLANKS),
            None if after.is_empty() => return Some(elements),
            None => return None,
        }
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Pairs up to the next comma; `None` inside when there are none.
fn element(text: &str) -> Option<(Option<Element>, &str)> {
    let (mut found, mut said) = (Element::default(), false);
    let (mut has_client, mut has_scheme) = (false, false);
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(BLANKS);
        if !rest.is_empty() && !rest.starts_with([',', ';']) {
            let (name, value, after) = pair(rest)?;
            said = true;
            rest = after.trim_start_matches(BLANKS);
            match name.to_ascii_lowercase().as_str() {
                // Each may stand once in an element.
                "for" if has_client => return None,
                "proto" if has_scheme => return None,
                "for" => (found.client, has_client) = (node(&value), true),
                "proto" => (found.is_https, has_scheme) = (scheme(&value), true),
                _ => {}
            }
        }
        match rest.strip_prefix(';') {
            Some(next) => rest = next,
            None => return Some((said.then_some(found), rest)),
        }
    }
}

/// `name=value`, and what follows.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = token(text)?;
    let rest = rest.strip_prefix('=')?;
    match rest.strip_prefix('"') {
        Some(rest) => {
            let (value, rest) = quoted(rest)?;
            Some((name, value, rest))
        }
        None => {
            let (value, rest) = token(rest)?;
            Some((name, value.to_owned(), rest))
        }
    }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_in = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    // Some proxies leave out the quotes around an address with a port; a colon cannot be mistaken for anything else.
    let end = text.bytes().position(|byte| !is_in(byte) && byte != b':').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The rest of a quoted string, after its first quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            other => value.push(other),
        }
    }
    None
}
