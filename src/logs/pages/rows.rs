//! Lines as rows of a list: time, level, columns, and the first line of the text; the rest opens on click or on a page of
//! its own.

use std::collections::HashMap;
use std::fmt::Write;

use super::facets::LEVEL;
use super::{fields, levels};
use crate::base::time::civil_from_days;
use crate::logs::query::words::{Chosen, Vocabulary, compile_chosen};
use crate::series::labels::{Labels, quote};
use crate::ui::links;

/// Bytes of a text that stand in the list; the line's own page has all of it.
const TEXT_BYTES_MAX: usize = 4096;
/// Characters that a column is wide at most.
const COLUMN_CHARS_MAX: usize = 22;
/// Labels that say best where a line comes from, the best first.
const SOURCES: [&str; 8] = ["service_name", "app", "job", "container", "unit", "filename", "host", "source"];

/// A line as queries give it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShownLine {
    /// Nanoseconds since the Unix epoch.
    pub ts_ns: i64,
    /// The text.
    pub text: String,
    /// The stream's labels.
    pub stream: Labels,
    /// What it was sent with beside its text, and what parsers of the query found.
    pub fields: Labels,
}

impl ShownLine {
    /// How severe it is, in the word that the line or its sender used; empty if nobody knows.
    pub fn level(&self) -> &str {
        self.fields.get(LEVEL).or_else(|| self.stream.get(LEVEL)).unwrap_or("")
    }

    /// A label, a field, or a part of the text.
    pub fn value(&self, name: &str) -> String {
        if name == LEVEL {
            return self.level().to_owned();
        }
        let known = self.stream.get(name).or_else(|| self.fields.get(name));
        known.map(str::to_owned).unwrap_or_else(|| {
            fields::of_line(&self.text).into_iter().find(|(found, _)| found == name).map(|(_, value)| value).unwrap_or_default()
        })
    }
}

/// A row.
pub(super) struct Row {
    pub(super) ts_ns: i64,
    pub(super) time: String,
    pub(super) exact: String,
    pub(super) level: String,
    pub(super) class: &'static str,
    pub(super) cells: Vec<String>,
    pub(super) text: String,
    /// Lines of the text that are folded.
    pub(super) folded: usize,
    /// The whole text where it is not what is shown.
    pub(super) raw: String,
    pub(super) set: usize,
    /// Fields as JSON, for scripts.
    pub(super) extra: String,
    pub(super) href: String,
    pub(super) is_marked: bool,
}

/// Rows with what they share.
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// Label sets of the streams as JSON, for scripts.
    pub(super) sets: String,
    /// Widths of the columns as CSS.
    pub(super) widths: String,
    pub(super) columns: Vec<String>,
}

/// The column that suits when nobody chose any: what says best where lines come from.
pub(super) fn usual_columns(lines: &[ShownLine]) -> Vec<String> {
    let best = SOURCES.iter().find(|name| lines.iter().any(|line| line.stream.contains(name)));
    best.map(|name| vec![(*name).to_owned()]).unwrap_or_default()
}

/// Makes rows. `is_dated` adds the day to times; `mark_ns` marks the lines of one moment.
pub(super) fn rows(lines: &[ShownLine], columns: Vec<String>, is_dated: bool, mark_ns: Option<i64>) -> Rows {
    let mut sets: Vec<&Labels> = Vec::new();
    let mut known: HashMap<&Labels, usize> = HashMap::new();
    let mut widths = vec![4usize; columns.len()];
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        let set = *known.entry(&line.stream).or_insert_with(|| {
            sets.push(&line.stream);
            sets.len() - 1
        });
        let cells: Vec<String> = columns.iter().map(|name| line.value(name)).collect();
        for (width, cell) in widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.chars().take(COLUMN_CHARS_MAX).count());
        }
        rows.push(row(line, cells, set, is_dated, mark_ns));
    }
    let mut css = String::new();
    for width in &widths {
        // Writing to a String cannot fail.
        let _infallible = write!(css, " {width}ch");
    }
    Rows { rows, sets: json_of(&sets), widths: css, columns }
}

fn row(line: &ShownLine, cells: Vec<String>, set: usize, is_dated: bool, mark_ns: Option<i64>) -> Row {
    let cut = floor(&line.text, TEXT_BYTES_MAX);
    let plain = without_colours(cut);
    let mut parts = plain.trim_end().split('\n');
    let text = parts.next().unwrap_or("").trim_end_matches('\r').to_owned();
    let folded = parts.count();
    let at_ms = line.ts_ns.div_euclid(1_000_000);
    let level = line.level();
    let extra: Vec<(&str, &str)> = line.fields.iter().filter(|(name, _)| *name != LEVEL).collect();
    Row {
        ts_ns: line.ts_ns,
        time: time(at_ms, is_dated),
        exact: exact(line.ts_ns),
        class: if level.is_empty() { "unknown" } else { levels::class(level) },
        level: level.to_owned(),
        cells,
        raw: if text == line.text { String::new() } else { cut.to_owned() },
        folded,
        text,
        set,
        extra: if extra.is_empty() { String::new() } else { object(extra.into_iter()).to_string() },
        href: href_of(line),
        is_marked: mark_ns == Some(line.ts_ns),
    }
}

/// The page of a line.
pub(super) fn href_of(line: &ShownLine) -> String {
    links::with(links::LOGS_LINE, &[("s", &stream_query(line.stream.iter())), ("t", &line.ts_ns.to_string())])
}

/// The selector of exactly this label set.
pub fn selector(labels: &Labels) -> String {
    let matchers: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
    format!("{{{}}}", matchers.join(", "))
}

/// The LogQL that finds the streams with these labels. Names that LogQL has for itself (`by`, `json`) cannot stand in a
/// selector: they are compared behind it.
pub fn stream_query<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let chosen: Vec<Chosen<'_>> = labels.map(|(field, value)| Chosen { field, only: vec![value], not: Vec::new() }).collect();
    let vocabulary = Vocabulary { is_on_every_stream: &|_| true, level: None };
    compile_chosen(&chosen, &vocabulary).map(|found| found.logql).unwrap_or_default()
}

/// `15:59:59.428` in UTC, with month and day before it where they matter.
fn time(at_ms: i64, is_dated: bool) -> String {
    let ms = at_ms.rem_euclid(86_400_000);
    let clock = format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    if !is_dated {
        return clock;
    }
    let (_, month, day) = civil_from_days(at_ms.div_euclid(86_400_000));
    format!("{month:02}-{day:02} {clock}")
}

/// RFC 3339 with all nine digits.
pub fn exact(ts_ns: i64) -> String {
    let whole = crate::base::time::format_rfc3339(ts_ns.div_euclid(1_000_000_000).saturating_mul(1000));
    let text = whole.trim_end_matches('Z');
    let text = text.split_once('.').map_or(text, |(seconds, _)| seconds);
    format!("{text}.{:09}Z", ts_ns.rem_euclid(1_000_000_000))
}

/// A text without the sequences by which terminals are told colours.
pub(super) fn without_colours(text: &str) -> String {
    if !text.contains('\u{1b}') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = match after.strip_prefix('[') {
            // A sequence ends with its first letter or sign of that range.
            Some(inner) => inner.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)).map_or("", |end| &inner[end + 1..]),
            None => after,
        };
    }
    out.push_str(rest);
    out
}

/// The longest beginning of a text of at most so many bytes.
fn floor(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn object<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> serde_json::Value {
    pairs.map(|(name, value)| (name.to_owned(), serde_json::Value::from(value))).collect::<serde_json::Map<_, _>>().into()
}

fn json_of(sets: &[&Labels]) -> String {
    serde_json::Value::Array(sets.iter().map(|labels| object(labels.iter())).collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> ShownLine {
        ShownLine {
            ts_ns: 1_763_714_000_123_456_789,
            text: text.to_owned(),
            stream: Labels::from_pairs([("app", "a\"b"), ("host", "h")]),
            fields: Labels::from_pairs([(LEVEL, "warn"), ("trace", "7")]),
        }
    }

    #[test]
    fn a_row_folds_and_keeps_what_it_does_not_show() {
        let lines = [line("\u{1b}[31mfirst\u{1b}[0m\n  at x\n  at y"), line("plain status=200")];
        let made = rows(&lines, vec!["app".into(), "status".into()], true, Some(1_763_714_000_123_456_789));
        assert_eq!((made.rows[0].text.as_str(), made.rows[0].folded, made.rows[0].class), ("first", 2, "warn"));
        assert!(made.rows[0].raw.contains("[31m") && made.rows[1].raw.is_empty() && made.rows[0].is_marked);
        assert_eq!(made.rows[1].cells, ["a\"b", "200"]);
        assert_eq!((made.widths.as_str(), made.sets.as_str()), (" 4ch 4ch", r#"[{"app":"a\"b","host":"h"}]"#));
        assert_eq!(made.rows[0].time, "11-21 08:33:20.123");
        assert_eq!(made.rows[0].exact, "2025-11-21T08:33:20.123456789Z");
        assert_eq!(made.rows[0].extra, r#"{"trace":"7"}"#);
        assert!(made.rows[0].href.starts_with("/logs/line?s=%7Bapp%3D%22a%5C%22b%22"), "{}", made.rows[0].href);
        assert_eq!(usual_columns(&lines), ["app"]);
    }

    #[test]
    fn a_stream_is_found_whatever_its_labels_are_called() {
        for (labels, query) in [
            (Labels::from_pairs([("app", "a\"b"), ("host", "h.1")]), r#"{app="a\"b", host="h.1"}"#),
            (Labels::from_pairs([("app", "x"), ("By", "y")]), r#"{app="x"} | label_format By_="{{.By}}" | By_="y" | drop By_"#),
            (Labels::empty(), "{}"),
        ] {
            assert_eq!(stream_query(labels.iter()), query);
        }
    }

    #[test]
    fn colours_and_long_texts() {
        assert_eq!(without_colours("a\u{1b}[1;32mb\u{1b}[K\u{1b}c\u{1b}[12"), "abc");
        let long = line(&"é".repeat(5000));
        let made = rows(std::slice::from_ref(&long), vec![], false, None);
        assert!(made.rows[0].text.len() <= TEXT_BYTES_MAX && !made.rows[0].raw.is_empty());
    }
}
