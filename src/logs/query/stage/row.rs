//! The labels of the line that goes through a pipeline: the stream's, its own fields, and what the stages made.
//!
//! One row serves all lines: nothing is allocated for a line once the row has grown. Names and values lie in one text.
//! Labels are looked up one after the other while they are few, and by the hash of their name when they are many: a line of
//! many thousand labels takes no longer for each of them.

use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::series::labels::{Labels, put_label};

/// The label that says what went wrong.
pub(crate) const ERROR: &str = "__error__";
/// The label that says more about it.
pub(crate) const ERROR_DETAILS: &str = "__error_details__";
/// Marks a series whose error was asked for.
pub(crate) const PRESERVE_ERROR: &str = "__preserve_error__";
/// What an extracted label is called when the stream or the line's fields have its name already.
pub(crate) const DUPLICATE: &str = "_extracted";
/// What is set when the labels of a line have too much text. Such a line is never left out for a label that it lacks.
pub(crate) const TOO_LARGE: &str = "LabelsTooLargeErr";
/// Most bytes of names and values that the stages of one line make.
const TEXT_BYTES_MAX: usize = 16 << 20;
/// More labels than this are looked up by hash.
const LABELS_IN_A_ROW: usize = 48;

/// Where a label comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The stream.
    Stream,
    /// The line's own fields (structured metadata).
    Field,
    /// A stage.
    Parsed,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    name: (u32, u32),
    value: (u32, u32),
    origin: Origin,
}

/// Which labels parsers need to extract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// These only; none for all.
    pub(crate) names: Option<Vec<String>>,
    /// Parsers may stop as soon as all of them are there.
    pub(crate) stops_early: bool,
    /// Errors were asked for: they do not end the query.
    pub(crate) keeps_errors: bool,
}

/// The labels of a line. See the module.
#[derive(Debug, Default)]
pub(crate) struct Row {
    base: Labels,
    text: String,
    entries: Vec<Entry>,
    /// Positions of all entries by the hash of their name, once they are many; else empty.
    index: HashTable<u32>,
    /// Labels of the stream that a stage took away.
    gone: Vec<(u32, u32)>,
    /// Whether a label had no room.
    is_cut: bool,
    error: &'static str,
    details: String,
    /// What parsers look for.
    pub(crate) wanted: Wanted,
}

impl Row {
    /// For parsers that look for `wanted`.
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Lines of another stream follow.
    pub(crate) fn set_stream(&mut self, labels: &Labels) {
        self.base = labels.clone();
    }

    /// The next line, with its packed fields.
    pub(crate) fn begin(&mut self, fields: &[u8]) {
        self.text.clear();
        self.entries.clear();
        self.index.clear();
        self.gone.clear();
        self.is_cut = false;
        self.error = "";
        self.details.clear();
        if !fields.is_empty() {
            self.add_fields(fields);
        }
    }

    fn add_fields(&mut self, fields: &[u8]) {
        // Fields were checked when they came in.
        for (name, value) in crate::series::labels::LabelsIter::over_checked(fields) {
            match name {
                ERROR_DETAILS => self.set_details(value),
                _ if self.base.contains(name) => {
                    let name = self.put_duplicate(name);
                    self.set_at(Origin::Field, name, value);
                }
                _ => self.set(Origin::Field, name, value),
            }
        }
    }

    fn put(&mut self, text: &str) -> (u32, u32) {
        let start = self.text.len() as u32;
        if self.has_room(text.len()) {
            self.text.push_str(text);
        }
        (start, self.text.len() as u32)
    }

    /// Whether so many bytes more have room. If not, the line says so from now on.
    fn has_room(&mut self, bytes: usize) -> bool {
        let has_room = self.text.len() + bytes <= TEXT_BYTES_MAX;
        if !has_room && !self.is_cut {
            self.is_cut = true;
            self.set_error(TOO_LARGE, "the labels of this line have more than 16 MiB of text; those that had no room are missing");
        }
        has_room
    }

    /// Whether a label may be missing because it had no room.
    pub(crate) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn put_duplicate(&mut self, name: &str) -> (u32, u32) {
        let start = self.put(name).0;
        (start, self.put(DUPLICATE).1)
    }

    #[inline]
    fn at(&self, range: (u32, u32)) -> &str {
        self.text.get(range.0 as usize..range.1 as usize).unwrap_or_default()
    }

    fn position(&self, name: &str) -> Option<usize> {
        // A field is seen before what a parser made of the same name.
        let mut found = None;
        self.each_position(name, |index, entry| {
            if found.is_none() || entry.origin == Origin::Field {
                found = Some(index);
            }
        });
        found
    }

    /// Calls `each` for all entries of a name.
    #[inline]
    fn each_position(&self, name: &str, mut each: impl FnMut(usize, &Entry)) {
        let is_same = |entry: &Entry| (entry.name.1 - entry.name.0) as usize == name.len() && self.at(entry.name) == name;
        if self.index.is_empty() {
            self.entries.iter().enumerate().filter(|(_, entry)| is_same(entry)).for_each(|(index, entry)| each(index, entry));
        } else {
            for &index in self.index.iter_hash(hash_of(name)) {
                if let Some(entry) = self.entries.get(index as usize).filter(|entry| is_same(entry)) {
                    each(index as usize, entry);
                }
            }
        }
    }

    fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        if !self.index.is_empty() {
            self.add_to_index(self.entries.len() - 1);
        } else if self.entries.len() > LABELS_IN_A_ROW {
            self.make_index();
        }
    }

    fn add_to_index(&mut self, position: usize) {
        let (entries, text) = (&self.entries, &self.text);
        let hash = |position: &u32| {
            let name = entries.get(*position as usize).map_or((0, 0), |entry| entry.name);
            hash_of(text.get(name.0 as usize..name.1 as usize).unwrap_or_default())
        };
        let position = position as u32;
        self.index.insert_unique(hash(&position), position, hash);
    }

    fn make_index(&mut self) {
        self.index.clear();
        if self.entries.len() > LABELS_IN_A_ROW {
            (0..self.entries.len()).for_each(|position| self.add_to_index(position));
        }
    }

    /// Takes entries of a name away.
    fn take_away(&mut self, name: &str, goes: impl Fn(Origin) -> bool) {
        let mut positions: SmallVec<[usize; 2]> = SmallVec::new();
        self.each_position(name, |index, entry| {
            if goes(entry.origin) {
                positions.push(index);
            }
        });
        positions.sort_unstable();
        for position in positions.iter().rev() {
            self.entries.remove(*position);
        }
        if !positions.is_empty() && !self.index.is_empty() {
            self.make_index();
        }
    }

    fn is_gone(&self, name: &str) -> bool {
        self.gone.iter().any(|range| self.at(*range) == name)
    }

    /// The value of a label.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        if let Some(index) = self.position(name) {
            return Some(self.at(self.entries[index].value));
        }
        if !self.gone.is_empty() && self.is_gone(name) {
            return None;
        }
        self.base.get(name).filter(|value| !value.is_empty())
    }

    /// The value that a text filter or a grouping sees: the error, a label, or nothing.
    #[inline]
    pub(crate) fn text_of(&self, name: &str) -> &str {
        if name == ERROR { self.error } else { self.get(name).unwrap_or_default() }
    }

    /// Sets a label; what a stage made goes before the line's fields, and those before the stream's labels.
    pub(crate) fn set(&mut self, origin: Origin, name: &str, value: &str) {
        if !self.has_room(name.len() + value.len()) {
            return;
        }
        let name = self.put(name);
        self.set_at(origin, name, value);
    }

    fn set_at(&mut self, origin: Origin, name: (u32, u32), value: &str) {
        let value = self.put(value);
        self.set_ranges(origin, name, value);
    }

    fn set_ranges(&mut self, origin: Origin, name: (u32, u32), value: (u32, u32)) {
        let (mut same, mut other) = (None, None);
        self.each_position(self.at(name), |index, entry| if entry.origin == origin { same = Some(index) } else { other = Some(index) });
        if let Some(entry) = same.and_then(|index| self.entries.get_mut(index)) {
            entry.value = value;
            return;
        }
        if other.is_some() {
            if origin != Origin::Parsed {
                return;
            }
            let text = self.at(name).to_owned();
            self.take_away(&text, |origin| origin == Origin::Field);
        }
        self.push(Entry { name, value, origin });
    }

    /// Takes a label away, wherever it comes from.
    pub(crate) fn remove(&mut self, name: &str) {
        self.take_away(name, |_| true);
        let name = self.put(name);
        self.gone.push(name);
    }

    /// Takes labels away, wherever they come from, all at once.
    pub(crate) fn remove_all(&mut self, names: &hashbrown::HashSet<String>) {
        let text = &self.text;
        self.entries.retain(|entry| !names.contains(text.get(entry.name.0 as usize..entry.name.1 as usize).unwrap_or_default()));
        self.make_index();
        for name in names {
            if self.base.contains(name) {
                let name = self.put(name);
                self.gone.push(name);
            }
        }
    }

    fn has(&self, origin: Origin, name: &str) -> bool {
        let mut has = false;
        self.each_position(name, |_, entry| has |= entry.origin == origin);
        has
    }

    /// Whether the stream or the line's fields have this label, so that an extracted one needs another name.
    #[inline]
    pub(crate) fn clashes(&self, name: &str) -> bool {
        self.base.contains(name) || (!self.entries.is_empty() && self.has(Origin::Field, name))
    }

    /// Offers a label that a parser found: `name` is sanitised already, the value is made only if it is wanted.
    #[inline]
    pub(crate) fn offer(&mut self, name: &str, value: impl FnOnce(&mut String)) {
        if !self.has_room(name.len() + DUPLICATE.len()) {
            return;
        }
        if self.clashes(name) {
            let range = self.put_duplicate(name);
            if !self.wanted.has(self.at(range)) || self.has(Origin::Parsed, self.at(range)) {
                self.text.truncate(range.0 as usize);
                return;
            }
            if self.has(Origin::Field, self.at(range)) {
                let label = self.at(range).to_owned();
                self.take_away(&label, |origin| origin == Origin::Field);
            }
            return self.push_parsed(range, value);
        }
        if self.wanted.has(name) && !self.has(Origin::Parsed, name) {
            let range = self.put(name);
            self.push_parsed(range, value);
        }
    }

    fn push_parsed(&mut self, name: (u32, u32), value: impl FnOnce(&mut String)) {
        let start = self.text.len() as u32;
        value(&mut self.text);
        let value = (start, self.text.len() as u32);
        // Not there yet, and no field of this name: nothing is replaced.
        self.push(Entry { name, value, origin: Origin::Parsed });
    }

    /// Whether nothing is left to extract.
    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        match &self.wanted.names {
            Some(names) if names.is_empty() => true,
            Some(names) if self.wanted.stops_early => names.iter().all(|name| self.has(Origin::Parsed, name)),
            _ => false,
        }
    }

    /// Whether a nested object whose labels begin with `prefix` may hold something that is wanted.
    pub(crate) fn wants_prefix(&self, prefix: &str) -> bool {
        match &self.wanted.names {
            None => true,
            Some(names) => names.iter().any(|name| name.starts_with(prefix)),
        }
    }

    /// What went wrong; empty for nothing.
    pub(crate) const fn error(&self) -> &'static str {
        self.error
    }

    /// More about it.
    pub(crate) fn details(&self) -> &str {
        &self.details
    }

    /// Sets the error.
    pub(crate) fn set_error(&mut self, error: &'static str, details: &str) {
        self.error = error;
        if !details.is_empty() {
            self.set_details(details);
        }
    }

    /// A parser's error, which a query may ask for.
    pub(crate) fn set_parser_error(&mut self, error: &'static str, details: &str) {
        self.set_error(error, details);
        if self.wanted.keeps_errors {
            self.set(Origin::Parsed, PRESERVE_ERROR, "true");
        }
    }

    fn set_details(&mut self, details: &str) {
        self.details.clear();
        self.details.push_str(details);
    }

    /// Forgets the error, not its details.
    pub(crate) const fn clear_error(&mut self) {
        self.error = "";
    }

    /// Forgets the details.
    pub(crate) fn clear_details(&mut self) {
        self.details.clear();
    }

    /// Whether the labels are the stream's, nothing more and nothing less.
    #[inline]
    pub(crate) fn is_untouched(&self) -> bool {
        self.entries.is_empty() && self.gone.is_empty() && self.error.is_empty() && self.details.is_empty()
    }

    /// Every label, in no order, the error among them.
    pub(crate) fn each<'a>(&'a self, mut take: impl FnMut(Origin, &'a str, &'a str)) {
        for (name, value) in self.base.iter() {
            if self.entries.is_empty() && self.gone.is_empty() || (self.position(name).is_none() && !self.is_gone(name)) {
                take(Origin::Stream, name, value);
            }
        }
        for entry in &self.entries {
            take(entry.origin, self.at(entry.name), self.at(entry.value));
        }
        if !self.error.is_empty() {
            take(Origin::Parsed, ERROR, self.error);
        }
        if !self.details.is_empty() {
            take(Origin::Parsed, ERROR_DETAILS, &self.details);
        }
    }

    /// Every label as one set.
    pub(crate) fn labels(&self) -> Labels {
        if self.is_untouched() {
            return self.base.clone();
        }
        self.labels_if(|_, _| true)
    }

    /// The labels for which `keep` holds, as one set.
    pub(crate) fn labels_if(&self, keep: impl Fn(Origin, &str) -> bool) -> Labels {
        Labels::from_ordered(self.ordered(keep))
    }

    /// Packs the labels for which `keep` holds into `out`.
    pub(crate) fn pack_if(&self, keep: impl Fn(Origin, &str) -> bool, out: &mut Vec<u8>) {
        for (name, value) in self.ordered(keep) {
            put_label(out, name, value);
        }
    }

    fn ordered(&self, keep: impl Fn(Origin, &str) -> bool) -> SmallVec<[(&str, &str); 24]> {
        let mut pairs: SmallVec<[(&str, &str); 24]> = SmallVec::new();
        self.each(|origin, name, value| {
            if keep(origin, name) {
                pairs.push((name, value));
            }
        });
        pairs.sort_unstable();
        pairs.dedup_by(|a, b| a.0 == b.0);
        pairs
    }
}

#[inline]
fn hash_of(name: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(name.as_bytes())
}

impl Wanted {
    #[inline]
    fn has(&self, label: &str) -> bool {
        match &self.names {
            None => true,
            Some(names) => names.iter().any(|name| name == label),
        }
    }
}

/// Appends bytes of a line as text; what is no UTF-8 becomes spaces, as upstream.
pub(crate) fn push_bytes(out: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => push_text(out, text),
        Err(_) => push_text(out, &String::from_utf8_lossy(bytes)),
    }
}

/// Appends text with spaces for replacement characters.
pub(crate) fn push_text(out: &mut String, text: &str) {
    if text.is_ascii() || !text.contains('\u{fffd}') {
        out.push_str(text);
    } else {
        out.extend(text.chars().map(|c| if c == '\u{fffd}' { ' ' } else { c }));
    }
}

/// Makes a key a label's name: spaces around go, a digit in front gets `_`, all else that may not be in one becomes `_`.
pub(crate) fn push_name(out: &mut String, key: &str) {
    let key = key.trim();
    if out.is_empty() && key.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('_');
    }
    if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        out.push_str(key);
    } else {
        out.extend(key.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let mut row = Row::default();
        row.set_stream(&Labels::from_pairs([("job", "api"), ("k", "stream")]));
        row
    }

    fn shown(row: &Row) -> String {
        row.labels().to_string()
    }

    #[test]
    fn what_is_extracted_twice_gets_another_name() {
        let mut row = row();
        row.begin(Labels::from_pairs([("k", "field"), ("id", "7")]).packed());
        assert_eq!(shown(&row), r#"{id="7", job="api", k="stream", k_extracted="field"}"#);
        row.offer("k", |out| out.push_str("parsed"));
        row.offer("id", |out| out.push('8'));
        row.offer("id", |out| out.push('9'));
        row.offer("new", |_| {});
        assert_eq!(shown(&row), r#"{id="7", id_extracted="8", job="api", k="stream", k_extracted="parsed", new=""}"#);
        row.begin(b"");
        assert!(row.is_untouched());
    }

    #[test]
    fn labels_can_be_set_and_taken_away() {
        let mut row = row();
        row.begin(b"");
        row.set(Origin::Parsed, "job", "web");
        row.remove("k");
        assert_eq!((row.get("job"), row.get("k"), row.text_of("k")), (Some("web"), None, ""));
        assert_eq!(shown(&row), r#"{job="web"}"#);
        row.set_error("JSONParserErr", "why");
        assert_eq!(shown(&row), r#"{__error__="JSONParserErr", __error_details__="why", job="web"}"#);
        assert_eq!(row.labels_if(|origin, _| origin == Origin::Stream), Labels::empty());
    }

    #[test]
    fn many_labels_are_looked_up_as_few_are() {
        let mut row = row();
        let fields: Vec<(String, &str)> = (0..200).map(|n| (format!("f{n}"), "field")).collect();
        row.begin(Labels::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), *value))).packed());
        for n in 0..500 {
            row.offer(&format!("p{n}"), |out| out.push_str(&n.to_string()));
            row.offer(&format!("p{n}"), |out| out.push_str("again"));
        }
        row.offer("f7", |out| out.push_str("parsed"));
        row.offer("k", |out| out.push_str("parsed"));
        row.set(Origin::Parsed, "f8", "set");
        row.set(Origin::Parsed, "p8", "set");
        row.set(Origin::Field, "p9", "not seen");
        row.remove("f9");
        row.remove("p10");
        for (name, value) in [
            ("f7", Some("field")),
            ("f7_extracted", Some("parsed")),
            ("k", Some("stream")),
            ("k_extracted", Some("parsed")),
            ("f8", Some("set")),
            ("p8", Some("set")),
            ("p9", Some("9")),
            ("f9", None),
            ("p10", None),
            ("p499", Some("499")),
            ("p500", None),
        ] {
            assert_eq!(row.get(name), value, "{name}");
        }
        assert_eq!(row.labels().iter().count(), 200 + 500 + 2 + 2 - 2);
        row.remove_all(&["p1".to_owned(), "k".to_owned()].into_iter().collect());
        assert_eq!((row.get("p1"), row.get("k"), row.get("p2")), (None, None, Some("2")));
        row.begin(b"");
        assert!(row.is_untouched() && row.get("p2").is_none());
    }

    #[test]
    fn labels_without_room_are_no_silence() {
        let mut row = row();
        row.begin(b"");
        let value = "x".repeat(1 << 20);
        for n in 0..20 {
            row.set(Origin::Parsed, &format!("p{n}"), &value);
        }
        assert!(row.is_cut() && row.get("p14").is_some() && row.get("p19").is_none());
        assert_eq!(row.error(), TOO_LARGE);
        row.begin(b"");
        assert!(!row.is_cut() && row.is_untouched());
    }

    #[test]
    fn names_are_made_fit() {
        for (key, name) in [("plain_1", "plain_1"), ("9x", "_9x"), (" a.b ", "a_b"), ("é", "_"), ("  ", "")] {
            let mut out = String::new();
            push_name(&mut out, key);
            assert_eq!(out, name, "{key}");
        }
    }
}
