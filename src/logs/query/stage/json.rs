//! `| json`: every member of the object becomes a label, nested ones joined by `_`, arrays left out.
//!
//! One pass over the bytes that reads only what is wanted and skips the rest. As lenient as upstream: what comes after
//! the object does not matter, numbers are not looked into, and labels found before an error stay.

use std::borrow::Cow;

use super::row::{Row, push_bytes, push_name, push_text};

/// Objects deeper than this are skipped.
const DEPTH_MAX: usize = 64;

/// What is wrong with a line that is no JSON object.
pub(crate) const ERROR: &str = "JSONParserErr";

/// Texts of upstream's reader for what can be wrong.
pub(crate) mod wrong {
    /// Neither a member nor the end of the object where one should be.
    pub(crate) const OBJECT: &str = "Value looks like object, but can't find closing '}' symbol";
    /// An array or a list of members without an end.
    pub(crate) const ARRAY: &str = "Value looks like array, but can't find closing ']' symbol";
    /// A string without an end.
    pub(crate) const STRING: &str = "Value is string, but can't find closing '\"' symbol";
    /// A bare word that means nothing.
    pub(crate) const VALUE: &str = "Unknown value type";
    /// An escape that is none.
    pub(crate) const ESCAPE: &str = "Encountered an invalid escape sequence in a string";
    /// Anything else.
    pub(crate) const JSON: &str = "Malformed JSON error";
}

/// How a value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text; the bytes are between the quotes, escapes as they stand.
    Text,
    /// A number, as it stands.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
    /// An object with its braces.
    Object,
    /// An array with its brackets.
    Array,
}

/// Extracts the labels that `row` wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Json {
    /// Name of the label being made, up to the object at hand.
    prefix: String,
    /// A sanitised name.
    name: String,
    /// First bytes of what is wanted.
    first: Option<Box<First>>,
}

impl Json {
    /// Reads a line.
    pub(crate) fn run(&mut self, line: &[u8], row: &mut Row) {
        if row.is_complete() {
            return;
        }
        self.prefix.clear();
        let first = self.first.take().unwrap_or_else(|| Box::new(First::of(row)));
        let mut at = 0;
        if let Err(details) = self.object(line, &mut at, row, &first, 0) {
            row.set_parser_error(ERROR, details);
        }
        self.first = Some(first);
    }

    /// Reads the object that begins at `at`; true when nothing more is wanted.
    fn object(&mut self, line: &[u8], at: &mut usize, row: &mut Row, first: &First, depth: usize) -> Result<bool, &'static str> {
        let mut members = Members::begin(line, at)?;
        while let Some((key, escaped)) = members.key()? {
            if depth == 0 && !first.may_be(key) {
                members.skip_value()?;
                members.end_of_member()?;
                continue;
            }
            let key = if escaped { Cow::Owned(unescaped(key).ok_or(wrong::ESCAPE)?) } else { text_of(key) };
            let begin = *members.at;
            if line.get(begin) == Some(&b'{') && depth < DEPTH_MAX {
                let length = self.prefix.len();
                self.push_key(&key);
                let done = if row.wants_prefix(&self.prefix) {
                    self.object(line, members.at, row, first, depth + 1)?
                } else {
                    members.skip_value()?;
                    false
                };
                self.prefix.truncate(length);
                if done {
                    return Ok(true);
                }
            } else {
                let (kind, range) = members.value()?;
                if matches!(kind, Kind::Text | Kind::Number | Kind::Bool) {
                    self.offer(&key, kind, line.get(range.0..range.1).unwrap_or_default(), row);
                    if row.is_complete() {
                        return Ok(true);
                    }
                }
            }
            members.end_of_member()?;
        }
        Ok(false)
    }

    /// Appends a key to the prefix.
    fn push_key(&mut self, key: &str) {
        if key.trim().is_empty() {
            return;
        }
        if !self.prefix.is_empty() {
            self.prefix.push('_');
        }
        push_name(&mut self.prefix, key);
    }

    fn offer(&mut self, key: &str, kind: Kind, value: &[u8], row: &mut Row) {
        let take = |out: &mut String| push_value(out, kind, value);
        if self.prefix.is_empty() {
            if is_plain(key) {
                return row.offer(key, take);
            }
            self.name.clear();
            push_name(&mut self.name, key);
            if !self.name.is_empty() {
                row.offer(&self.name, take);
            }
            return;
        }
        let length = self.prefix.len();
        self.push_key(key);
        row.offer(&self.prefix, take);
        self.prefix.truncate(length);
    }
}

/// Whether a key is a label's name as it stands.
#[inline]
fn is_plain(key: &str) -> bool {
    key.as_bytes().first().is_some_and(|byte| !byte.is_ascii_digit())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn text_of(key: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(key)
}

/// Appends a value as a label has it.
pub(crate) fn push_value(out: &mut String, kind: Kind, value: &[u8]) {
    match kind {
        Kind::Text if value.contains(&b'\\') => {
            if let Some(text) = unescaped(value) {
                push_text(out, &text);
            }
        }
        Kind::Null => {}
        _ => push_bytes(out, value),
    }
}

/// First bytes that keys of wanted labels may have, so that most keys need no second look.
#[derive(Debug, Clone)]
struct First {
    bytes: Option<[bool; 256]>,
}

impl First {
    fn of(row: &Row) -> Self {
        let Some(names) = &row.wanted.names else { return Self { bytes: None } };
        let mut bytes = [false; 256];
        // What is sanitised may begin with anything but a letter.
        for (byte, may) in bytes.iter_mut().enumerate() {
            *may = !(byte as u8).is_ascii_alphabetic();
        }
        for first in names.iter().filter_map(|name| name.as_bytes().first()) {
            bytes[usize::from(*first)] = true;
        }
        Self { bytes: Some(bytes) }
    }

    #[inline]
    fn may_be(&self, key: &[u8]) -> bool {
        match (&self.bytes, key.first()) {
            (Some(bytes), Some(first)) => bytes[usize::from(*first)],
            _ => true,
        }
    }
}

/// Walks the members of an object.
pub(crate) struct Members<'a, 'b> {
    line: &'a [u8],
    at: &'b mut usize,
}

impl<'a, 'b> Members<'a, 'b> {
    /// At the first member of the object that begins at `at`, spaces skipped.
    pub(crate) fn begin(line: &'a [u8], at: &'b mut usize) -> Result<Self, &'static str> {
        skip_space(line, at);
        if line.get(*at) != Some(&b'{') {
            return Err(wrong::OBJECT);
        }
        *at += 1;
        skip_space(line, at);
        if *at >= line.len() {
            return Err(wrong::JSON);
        }
        Ok(Self { line, at })
    }

    /// The next key between its quotes and whether it has escapes; the value follows. None at the end.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Option<(&'a [u8], bool)>, &'static str> {
        match self.line.get(*self.at) {
            Some(b'"') => *self.at += 1,
            Some(b'}') => {
                *self.at += 1;
                return Ok(None);
            }
            _ => return Err(wrong::OBJECT),
        }
        let begin = *self.at;
        let (end, escaped) = string_end(self.line, begin).ok_or(wrong::JSON)?;
        *self.at = end + 1;
        skip_space(self.line, self.at);
        if self.line.get(*self.at) != Some(&b':') {
            return Err(wrong::JSON);
        }
        *self.at += 1;
        skip_space(self.line, self.at);
        if *self.at >= self.line.len() {
            return Err(wrong::JSON);
        }
        Ok(Some((self.line.get(begin..end).unwrap_or_default(), escaped)))
    }

    /// The value that begins here: its kind and where it is.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<(Kind, (usize, usize)), &'static str> {
        value(self.line, self.at)
    }

    #[inline]
    fn skip_value(&mut self) -> Result<(), &'static str> {
        match self.line.get(*self.at) {
            Some(b'"') => {
                *self.at = string_end(self.line, *self.at + 1).ok_or(wrong::STRING)?.0 + 1;
                Ok(())
            }
            _ => self.value().map(|_| ()),
        }
    }

    /// Goes over the comma behind a value.
    #[inline]
    pub(crate) fn end_of_member(&mut self) -> Result<(), &'static str> {
        skip_space(self.line, self.at);
        match self.line.get(*self.at) {
            Some(b',') => {
                *self.at += 1;
                skip_space(self.line, self.at);
                if *self.at >= self.line.len() { Err(wrong::ARRAY) } else { Ok(()) }
            }
            Some(b'}') => Ok(()),
            Some(_) => Err(wrong::OBJECT),
            None => Err(wrong::ARRAY),
        }
    }
}

/// The value at `at`, which moves behind it.
pub(crate) fn value(line: &[u8], at: &mut usize) -> Result<(Kind, (usize, usize)), &'static str> {
    let begin = *at;
    match line.get(begin) {
        Some(b'"') => {
            let (end, _) = string_end(line, begin + 1).ok_or(wrong::STRING)?;
            *at = end + 1;
            Ok((Kind::Text, (begin + 1, end)))
        }
        Some(b'{') => {
            *at = block_end(line, begin, b'{', b'}').ok_or(wrong::OBJECT)?;
            Ok((Kind::Object, (begin, *at)))
        }
        Some(b'[') => {
            *at = block_end(line, begin, b'[', b']').ok_or(wrong::ARRAY)?;
            Ok((Kind::Array, (begin, *at)))
        }
        Some(first) => {
            let rest = line.get(begin..).unwrap_or_default();
            let length =
                rest.iter().position(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b'}' | b']')).unwrap_or(rest.len());
            let token = rest.get(..length).unwrap_or_default();
            *at = begin + length;
            let kind = match (first, token) {
                (b'0'..=b'9' | b'-', _) => Kind::Number,
                (_, b"true" | b"false") => Kind::Bool,
                (_, b"null") => Kind::Null,
                _ => return Err(wrong::VALUE),
            };
            Ok((kind, (begin, *at)))
        }
        None => Err(wrong::JSON),
    }
}

#[inline]
pub(crate) fn skip_space(line: &[u8], at: &mut usize) {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = line.get(*at) {
        *at += 1;
    }
}

/// Where the string that begins at `from` (behind its quote) ends, and whether it has escapes.
#[inline]
pub(crate) fn string_end(line: &[u8], from: usize) -> Option<(usize, bool)> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut at = from;
    let mut escaped = false;
    loop {
        // Eight bytes at once: most strings are short, and a call to a vector search costs as much as they do.
        while let Some(eight) = line.get(at..at + 8) {
            let word = u64::from_le_bytes(eight.try_into().unwrap_or_default());
            let quote = word ^ (ONES * b'"' as u64);
            let slash = word ^ (ONES * b'\\' as u64);
            let found = ((quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash)) & HIGH;
            if found != 0 {
                at += (found.trailing_zeros() / 8) as usize;
                break;
            }
            at += 8;
        }
        match *line.get(at)? {
            b'"' => return Some((at, escaped)),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
}

/// One past the end of the object or array that begins at `from`; only its own kind of bracket counts, as upstream.
fn block_end(line: &[u8], from: usize, open: u8, close: u8) -> Option<usize> {
    let (mut at, mut depth) = (from, 0_usize);
    loop {
        let byte = *line.get(at)?;
        if byte == b'"' {
            at = string_end(line, at + 1)?.0;
        } else if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
        at += 1;
    }
}

/// A string without its escapes; none if one of them means nothing.
pub(crate) fn unescaped(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at)?);
        let kind = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        out.push(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = hex(rest)?;
                rest = rest.get(4..)?;
                if (0xd800..0xdc00).contains(&high) {
                    let low = rest.strip_prefix("\\u").and_then(hex).filter(|low| (0xdc00..0xe000).contains(low))?;
                    rest = rest.get(6..)?;
                    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?
                } else {
                    char::from_u32(high).unwrap_or('\u{fffd}')
                }
            }
            _ => return None,
        });
    }
    out.push_str(rest);
    Some(out)
}

fn hex(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::super::row::Wanted;
    use super::*;
    use crate::series::labels::Labels;

    fn run(line: &str, wanted: Option<&[&str]>) -> String {
        let names = wanted.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let mut row = Row::new(Wanted { names, stops_early: true, keeps_errors: false });
        row.set_stream(&Labels::from_pairs([("app", "a")]));
        row.begin(b"");
        Json::default().run(line.as_bytes(), &mut row);
        row.labels_if(|origin, _| origin == super::super::row::Origin::Parsed).to_string()
    }

    #[test]
    fn members_become_labels() {
        for (line, labels) in [
            (r#"{"a":"1","b":2.5,"c":true,"d":null,"e":[1,{"x":"]"}],"f":""}"#, r#"{a="1", b="2.5", c="true", f=""}"#),
            (r#" { "a b" : "x" , "9" : -1e3 } behind"#, r#"{_9="-1e3", a_b="x"}"#),
            (r#"{"r":{"m":"GET","in":{"x":false},"":{"y":1}},"é":"ü"}"#, r#"{_="ü", r_in_x="false", r_m="GET", r_y="1"}"#),
            (r#"{"app":"b","app":"c","n":{"app":1}}"#, r#"{app_extracted="b", n_app="1"}"#),
            (r#"{"q":"a\"b\\\n\u0041\ud83d\ude00","bad":"\x"}"#, "{bad=\"\", q=\"a\\\"b\\\\\\nA😀\"}"),
            (r#"{"\u0061b":"k"}"#, r#"{ab="k"}"#),
            ("{}", "{}"),
            (r#"{"dup":"first","dup":"second"}"#, r#"{dup="first"}"#),
        ] {
            assert_eq!(run(line, None), labels, "{line}");
        }
    }

    #[test]
    fn what_is_no_json_is_an_error_and_keeps_what_was_found() {
        for (line, details, labels) in [
            ("plain", wrong::OBJECT, ""),
            ("", wrong::OBJECT, ""),
            ("{", wrong::JSON, ""),
            (r#"{"a":"1","b":}"#, wrong::VALUE, r#", a="1""#),
            (r#"{"a":"1" "b":2}"#, wrong::OBJECT, r#", a="1""#),
            (r#"{"a":"1","#, wrong::ARRAY, r#", a="1""#),
            (r#"{"a":"1"#, wrong::STRING, ""),
            (r#"{"a":{"b":1"#, wrong::ARRAY, r#", a_b="1""#),
            (r#"{"a":[1"#, wrong::ARRAY, ""),
            (r#"{"a" 1}"#, wrong::JSON, ""),
        ] {
            let shown = format!(r#"{{__error__="JSONParserErr", __error_details__={}{labels}}}"#, crate::series::labels::quote(details));
            assert_eq!(run(line, None), shown, "{line}");
        }
    }

    #[test]
    fn only_what_is_wanted_is_read() {
        let line = r#"{"x":{"y":{"z":1}},"level":"info","r":{"status":500},"a.b":2,"app":"q", broken"#;
        assert_eq!(run(line, Some(&["level"])), r#"{level="info"}"#);
        assert_eq!(run(line, Some(&["r_status", "a_b"])), r#"{a_b="2", r_status="500"}"#);
        assert_eq!(run(line, Some(&["app_extracted"])), r#"{app_extracted="q"}"#);
        assert_eq!(run(line, Some(&[])), "{}");
        assert!(run(line, Some(&["app"])).contains(ERROR));
    }

    #[test]
    fn deep_and_wide_lines_are_read() {
        let deep = r#"{"a":"#.repeat(100_000);
        run(&deep, None);
        let wide: Vec<String> = (0..10_000).map(|n| format!("\"k{n}\":{n}")).collect();
        let labels = run(&format!("{{{}}}", wide.join(",")), None);
        assert_eq!(labels.matches('=').count(), 10_000);
        assert!(labels.contains(r#"k9999="9999""#));
    }
}
