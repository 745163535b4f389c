//! A tree as text, laid out as Go's `yaml.v2` does: block style, lists level with their key, quotes where needed.

use super::build::is_null;
use super::{Kind, Node};
use crate::platform::config::scalar;

/// The tree as YAML. A map or list on top ends with a line break; an empty map is `{}`.
pub fn print(root: &Node) -> String {
    let mut out = String::new();
    block(&mut out, root, 0);
    out
}

/// Writes a node as lines that begin at `indent`; the cursor stands at the start of a line.
fn block(out: &mut String, node: &Node, indent: usize) {
    match &node.kind {
        Kind::Map(pairs) if !pairs.is_empty() => {
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 || out.ends_with('\n') || out.is_empty() {
                    pad(out, indent);
                }
                out.push_str(&quoted(&key.text));
                out.push(':');
                // Lists stand level with their key, maps one step in.
                let inner = if matches!(value.kind, Kind::List(_)) { indent } else { indent + 2 };
                after_key(out, value, inner);
            }
        }
        Kind::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 || out.ends_with('\n') || out.is_empty() {
                    pad(out, indent);
                }
                out.push('-');
                match &item.kind {
                    Kind::Map(pairs) if !pairs.is_empty() => {
                        out.push(' ');
                        block(out, item, indent + 2);
                    }
                    Kind::List(items) if !items.is_empty() => {
                        out.push(' ');
                        block(out, item, indent + 2);
                    }
                    _ => inline(out, item, indent),
                }
            }
        }
        _ => {
            inline(out, node, indent);
            if out.starts_with(' ') {
                out.remove(0);
            }
        }
    }
}

fn after_key(out: &mut String, value: &Node, indent: usize) {
    match &value.kind {
        Kind::Map(pairs) if !pairs.is_empty() => {
            out.push('\n');
            block(out, value, indent);
        }
        Kind::List(items) if !items.is_empty() => {
            out.push('\n');
            block(out, value, indent);
        }
        _ => inline(out, value, indent.saturating_sub(2)),
    }
}

/// Writes a value behind `key:` or `-`, with its line break.
fn inline(out: &mut String, node: &Node, indent: usize) {
    match &node.kind {
        Kind::Null => out.push_str(" null"),
        Kind::List(_) => out.push_str(" []"),
        Kind::Map(_) => out.push_str(" {}"),
        // One over several lines was folded when it was read: written as it is, it would be folded once more.
        Kind::Scalar { text, plain: true } if !text.contains('\n') && !is_mark(text) => {
            out.push(' ');
            out.push_str(text);
        }
        Kind::Scalar { text, .. } if is_literal(text) => {
            literal(out, text, indent + 2);
            return;
        }
        Kind::Scalar { text, .. } => {
            out.push(' ');
            out.push_str(&quoted(text));
        }
    }
    out.push('\n');
}

/// Whether a text means something else where a block's value stands: the sign of a key or an item, the end of a
/// document. Between brackets, or folded from several lines, it can be read as a plain text all the same.
pub fn is_mark(text: &str) -> bool {
    matches!(text.split([' ', '\t']).next(), Some("?" | "-" | ":" | "..." | "---"))
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a text of several lines can stand behind `|`.
fn is_literal(text: &str) -> bool {
    let printable = |c: char| c == '\n' || !c.is_control();
    text.contains('\n')
        && text.chars().all(printable)
        && !text.contains(" \n")
        && !text.ends_with(' ')
        && !text.starts_with([' ', '\n'])
        && !text.contains(['\u{feff}', '\u{2028}', '\u{2029}', '\u{85}'])
}

fn literal(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
        out.push('\n');
    }
    for _ in 1..text.len() - body.len() {
        out.push('\n');
    }
}

/// A text as a scalar: plain where that reads back as the same text, otherwise in single or double quotes.
pub fn quoted(text: &str) -> String {
    let special = |c: char| c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}');
    if text.contains(special) || means_something_else(text) {
        return double_quoted(text);
    }
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Whether the text without quotes would be a number, a truth value, a date, nothing or a merge key.
pub(super) fn means_something_else(text: &str) -> bool {
    is_null(text)
        || text == "<<"
        || scalar::truth(text).is_some()
        || scalar::integer(text).is_some()
        || scalar::float(text).is_some()
        || is_sexagesimal(text)
        || is_date(text)
}

/// `12:30` or `1:59:59.5`, numbers to the base of 60 for YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
    let mut parts = whole.split(':');
    let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit()) && part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let is_sixty = |part: &str| part.len() <= 2 && part.parse::<u8>().is_ok_and(|number| number < 60);
    whole.contains(':') && parts.next().is_some_and(is_number) && parts.all(is_sixty)
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 8
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes.iter().all(|b| b.is_ascii_digit() || b"-:.TtZz +".contains(b))
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let starts_as_indicator = matches!(first, '-' | '?' | ':') && text.chars().nth(1).is_none_or(|c| c == ' ');
    !starts_as_indicator
        && !" #,[]{}&*!|>'\"%@`".contains(first)
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
}

/// Texts as a list in one line: `[a, 'b, c']`.
pub fn flow_list<'a>(items: impl IntoIterator<Item = &'a str>) -> Node {
    let items: Vec<String> = items
        .into_iter()
        .map(|text| match quoted(text) {
            plain if plain == text && text.contains([',', '[', ']', '{', '}', '?', ':', '#']) => format!("'{}'", text.replace('\'', "''")),
            other => other,
        })
        .collect();
    Node::bare(format!("[{}]", items.join(", ")))
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
