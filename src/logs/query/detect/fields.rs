//! Which fields lines have: their names, what they hold, how many values there are, and which parser finds them.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashSet;

use crate::logs::query::convert::{parse_bytes, parse_duration, parse_float};
use crate::logs::query::engine::LogStream;
use crate::logs::query::stage::json::{Json, Kind, Members, unescaped};
use crate::logs::query::stage::logfmt::Logfmt;
use crate::logs::query::stage::row::{ERROR, ERROR_DETAILS, Origin, PRESERVE_ERROR, Row, push_name};
use crate::series::labels::Labels;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// `true` and `false`.
    Boolean,
    /// Go durations.
    Duration,
    /// Sizes.
    Bytes,
    /// Anything else.
    String,
}

impl FieldKind {
    /// As the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Bytes => "bytes",
            Self::String => "string",
        }
    }

    /// Of a value.
    pub fn of(value: &str) -> Self {
        let is_bool = matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False");
        if value.parse::<i64>().is_ok() {
            Self::Int
        } else if parse_float(value).is_ok() {
            Self::Float
        } else if is_bool {
            Self::Boolean
        } else if parse_duration(value).is_ok() {
            Self::Duration
        } else if parse_bytes(value).is_ok() {
            Self::Bytes
        } else {
            Self::String
        }
    }
}

/// A field that lines have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedField {
    /// Its name as a label.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// How many values it has among the lines looked at.
    pub cardinality: u64,
    /// `json` or `logfmt`, where a parser has to find it.
    pub parsers: Vec<&'static str>,
    /// Where it is in JSON lines.
    pub json_path: Option<Vec<String>>,
}

#[derive(Default)]
struct Seen {
    kind: Option<FieldKind>,
    values: HashSet<u64>,
    parsers: BTreeSet<&'static str>,
    path: Option<Vec<String>>,
}

/// The fields of lines, by name; `limit` of them at most. The lines' labels are told apart by where they come from.
pub fn detected_fields(streams: &[LogStream], limit: usize) -> Vec<DetectedField> {
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let mut look = Look::default();
    for stream in streams {
        for entry in &stream.entries {
            let parser = look.at(&entry.categories.stream, &entry.categories.fields, entry.line.as_bytes());
            look.row.each(|origin, name, value| {
                if origin != Origin::Stream {
                    add(&mut seen, limit, name, value, (origin == Origin::Parsed).then_some(parser).flatten());
                }
            });
            for (name, value) in entry.categories.parsed.iter() {
                add(&mut seen, limit, name, value, parser);
            }
            if parser == Some("json") {
                paths(entry.line.as_bytes(), &mut seen, &look.row);
            }
        }
    }
    let field = |(label, seen): (String, Seen)| DetectedField {
        label,
        kind: seen.kind.unwrap_or(FieldKind::String),
        cardinality: seen.values.len() as u64,
        parsers: seen.parsers.into_iter().collect(),
        json_path: seen.path,
    };
    seen.into_iter().map(field).collect()
}

fn add(seen: &mut BTreeMap<String, Seen>, limit: usize, name: &str, value: &str, parser: Option<&'static str>) {
    if matches!(name, ERROR | ERROR_DETAILS | PRESERVE_ERROR) {
        return;
    }
    if !seen.contains_key(name) {
        if seen.len() >= limit {
            return;
        }
        seen.insert(name.to_owned(), Seen::default());
    }
    if let Some(field) = seen.get_mut(name) {
        let kind = FieldKind::of(value);
        // A field with numbers and words holds words; one with whole numbers and others, numbers.
        field.kind = Some(match (field.kind, kind) {
            (None, kind) => kind,
            (Some(before), kind) if before == kind => kind,
            (Some(FieldKind::Int | FieldKind::Float), FieldKind::Int | FieldKind::Float) => FieldKind::Float,
            _ => FieldKind::String,
        });
        field.values.insert(xxhash_rust::xxh3::xxh3_64(value.as_bytes()));
        field.parsers.extend(parser);
    }
}

/// The values of a field, sorted; `limit` of them at most.
pub fn detected_values(streams: &[LogStream], name: &str, limit: usize) -> Vec<String> {
    let mut values = BTreeSet::new();
    let mut look = Look::default();
    for entry in streams.iter().flat_map(|stream| &stream.entries) {
        look.at(&entry.categories.stream, &entry.categories.fields, entry.line.as_bytes());
        look.row.each(|origin, found, value| {
            if origin != Origin::Stream && found == name && values.len() < limit {
                values.insert(value.to_owned());
            }
        });
        if let Some(value) = entry.categories.parsed.get(name).filter(|_| values.len() < limit) {
            values.insert(value.to_owned());
        }
    }
    values.into_iter().collect()
}

/// Reads lines as what they look like.
#[derive(Default)]
struct Look {
    row: Row,
    json: Json,
    stream: Labels,
}

impl Look {
    /// Which parser reads the line; its labels are in the row.
    fn at(&mut self, stream: &Labels, fields: &Labels, line: &[u8]) -> Option<&'static str> {
        if self.stream != *stream {
            self.stream = stream.clone();
            self.row.set_stream(stream);
        }
        self.row.begin(fields.packed());
        self.json.run(line, &mut self.row);
        if self.row.error().is_empty() {
            return Some("json");
        }
        self.row.begin(fields.packed());
        memchr::memchr(b'=', line)?;
        Logfmt::new(false, false, &[]).run(line, &mut self.row);
        Some("logfmt")
    }
}

/// Notes where JSON has the fields.
fn paths(line: &[u8], seen: &mut BTreeMap<String, Seen>, row: &Row) {
    fn walk(line: &[u8], path: &mut Vec<String>, seen: &mut BTreeMap<String, Seen>, row: &Row) -> Option<()> {
        let mut at = 0;
        let mut members = Members::begin(line, &mut at).ok()?;
        while let Some((key, _)) = members.key().ok()? {
            let (kind, range) = members.value().ok()?;
            path.push(unescaped(key)?);
            if kind == Kind::Object && path.len() < 16 {
                walk(line.get(range.0..range.1)?, path, seen, row);
            } else if matches!(kind, Kind::Text | Kind::Number | Kind::Bool) {
                let mut label = String::new();
                for part in path.iter().filter(|part| !part.trim().is_empty()) {
                    if !label.is_empty() {
                        label.push('_');
                    }
                    push_name(&mut label, part);
                }
                if row.clashes(&label) {
                    label.push_str("_extracted");
                }
                if let Some(field) = seen.get_mut(&label) {
                    field.path.get_or_insert_with(|| path.clone());
                }
            }
            path.pop();
            members.end_of_member().ok()?;
        }
        Some(())
    }
    walk(line, &mut Vec::new(), seen, row);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::query::engine::{Categories, Entry};

    fn streams(lines: &[&str]) -> Vec<LogStream> {
        let labels = Labels::from_pairs([("app", "a")]);
        let fields = Labels::from_pairs([("trace", "x7")]);
        let categories = Categories { stream: labels.clone(), fields, parsed: Labels::empty() };
        let entries = lines.iter().map(|line| Entry { ts: 1, line: (*line).to_owned(), categories: categories.clone() }).collect();
        vec![LogStream { labels, entries }]
    }

    #[test]
    fn fields_are_found() {
        let json = streams(&[r#"{"status":200,"took":"1.5s","r":{"ok":true},"app":"x"}"#, r#"{"status":404,"took":"2s","size":"5KB"}"#]);
        let shown: Vec<String> = detected_fields(&json, 100)
            .iter()
            .map(|field| {
                format!(
                    "{} {} {} {:?} {}",
                    field.label,
                    field.kind.as_str(),
                    field.cardinality,
                    field.parsers,
                    field.json_path.clone().unwrap_or_default().join("/")
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "app_extracted string 1 [\"json\"] app",
                "r_ok boolean 1 [\"json\"] r/ok",
                "size bytes 1 [\"json\"] size",
                "status int 2 [\"json\"] status",
                "took duration 2 [\"json\"] took",
                "trace string 1 [] ",
            ]
        );
        assert_eq!(detected_fields(&json, 2).len(), 2);
        assert_eq!(detected_values(&json, "status", 10), ["200", "404"]);
        let logfmt = streams(&["level=info n=1", "plain words", "level=warn n=1.5"]);
        let fields = detected_fields(&logfmt, 100);
        assert_eq!(
            fields.iter().map(|field| (&*field.label, field.kind)).collect::<Vec<_>>(),
            [("level", FieldKind::String), ("n", FieldKind::Float), ("trace", FieldKind::String)]
        );
        assert_eq!(detected_values(&logfmt, "level", 1), ["info"]);
    }
}
