//! One map of a file, read key by key: typed values, a message for each wrong one, and at the end a word about
//! every key that nobody asked for.

use std::collections::BTreeMap;

use super::diagnostic::Report;
use super::yaml::{Key, Kind, Node, Position};
use super::{path, scalar};
use crate::base::secret::Secret;
use crate::base::time::Duration;

/// A map being read. `'n` is the tree, `'r` the report.
#[derive(Debug)]
pub struct Section<'n, 'r> {
    /// Where the map begins.
    pub at: Position,
    /// Where messages go.
    pub report: &'r mut Report,
    pairs: &'n [(Key, Node)],
    /// Keys that were asked for, so that the rest can be told from them.
    known: Vec<&'static str>,
    /// Its name, where the report remembers what is asked for.
    recorded_as: Option<Box<str>>,
}

impl<'n, 'r> Section<'n, 'r> {
    /// Opens `node`, called `name` in messages. Nothing counts as an empty map; anything but a map is an error.
    pub fn open(node: &'n Node, name: &str, report: &'r mut Report) -> Option<Self> {
        let pairs: &[(Key, Node)] = match &node.kind {
            Kind::Map(pairs) => pairs,
            Kind::Null => &[],
            _ => {
                report.error(node.at, format!("{name}: read {}, expected keys and values", node.describe()));
                return None;
            }
        };
        let recorded_as = report.is_recording().then(|| name.into());
        Some(Self { at: node.at, report, pairs, known: Vec::new(), recorded_as })
    }

    /// The value of a key, whatever it is; also `Some` for `key:` with nothing behind it.
    pub fn raw(&mut self, key: &'static str) -> Option<&'n Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// The value of a key and the place of the key itself.
    pub fn entry(&mut self, key: &'static str) -> Option<(&'n Key, &'n Node)> {
        self.known.push(key);
        if let Some(name) = &self.recorded_as {
            self.report.record(name, key);
        }
        self.pairs.iter().find(|(found, _)| &*found.text == key).map(|(key, node)| (key, node))
    }

    /// The value of a key unless nothing stands behind it.
    pub fn node(&mut self, key: &'static str) -> Option<&'n Node> {
        self.raw(key).filter(|node| node.kind != Kind::Null)
    }

    /// Where a key stands, or the map if it does not have the key.
    pub fn place(&self, key: &str) -> Position {
        self.pairs.iter().find(|(found, _)| &*found.text == key).map_or(self.at, |(found, _)| found.at)
    }

    /// Where the value of a key stands, or the map if it does not have the key.
    pub fn value_place(&self, key: &str) -> Position {
        self.pairs.iter().find(|(found, _)| &*found.text == key).map_or(self.at, |(_, node)| node.at)
    }

    /// Every pair, for maps whose keys are not known in advance.
    pub fn pairs(&self) -> &'n [(Key, Node)] {
        self.pairs
    }

    /// Text; a number or truth value counts as its text.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let node = self.node(key)?;
        text(node, key, self.report)
    }

    /// Text, or an empty one.
    pub fn text_or_empty(&mut self, key: &'static str) -> String {
        self.text(key).unwrap_or_default()
    }

    /// Text; as for Prometheus, a key with nothing behind it is an empty text and not the default.
    pub fn text_or_nothing(&mut self, key: &'static str) -> Option<String> {
        match self.raw(key) {
            Some(Node { kind: Kind::Null, .. }) => Some(String::new()),
            _ => self.text(key),
        }
    }

    /// Text that messages never show.
    pub fn secret(&mut self, key: &'static str) -> Secret {
        let Some(node) = self.node(key) else { return Secret::default() };
        secret(node, key, self.report)
    }

    /// A path; a relative one stands below the file's folder. Empty if not set.
    pub fn path(&mut self, key: &'static str) -> String {
        let text = self.text_or_empty(key);
        path::join(self.report.dir(), &text)
    }

    /// `true`, `yes`, `on` or their opposites.
    pub fn truth(&mut self, key: &'static str) -> Option<bool> {
        self.plain(key, scalar::truth, "true or false")
    }

    /// A truth value, or `default`.
    pub fn truth_or(&mut self, key: &'static str, default: bool) -> bool {
        self.truth(key).unwrap_or(default)
    }

    /// A truth value that is on unless the file says otherwise. As for Prometheus, a key with nothing behind it
    /// turns it off, which deserves a word.
    pub fn on_unless(&mut self, key: &'static str) -> bool {
        match self.entry(key) {
            Some((found, Node { kind: Kind::Null, .. })) => {
                self.report.warn(found.at, format!("{key}: read nothing, which means false"));
                false
            }
            _ => self.truth_or(key, true),
        }
    }

    /// A length of time such as `15s`.
    pub fn duration(&mut self, key: &'static str) -> Option<Duration> {
        self.scalar(key, |text| Duration::parse(text).ok(), "a duration such as 15s or 1m30s")
    }

    /// A whole number of at least 0.
    pub fn count(&mut self, key: &'static str) -> Option<u64> {
        self.plain(key, |text| scalar::integer(text).and_then(|n| u64::try_from(n).ok()), "a whole number, 0 or more")
    }

    /// A whole number.
    pub fn integer(&mut self, key: &'static str) -> Option<i64> {
        self.plain(key, |text| scalar::integer(text).and_then(|n| i64::try_from(n).ok()), "a whole number")
    }

    /// A number.
    pub fn float(&mut self, key: &'static str) -> Option<f64> {
        self.plain(key, scalar::float, "a number")
    }

    /// Bytes such as `10MB`.
    pub fn size(&mut self, key: &'static str) -> Option<u64> {
        self.scalar(key, scalar::size, "a size such as 512KiB, 10MB or 1GB")
    }

    /// One of some words.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let node = self.node(key)?;
        choice(node, key, choices, self.report)
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        let mut texts = Vec::new();
        for node in self.list(key) {
            if node.kind == Kind::Null {
                texts.push(String::new());
            } else {
                texts.extend(text(node, key, self.report));
            }
        }
        texts
    }

    /// A map of texts.
    pub fn text_map(&mut self, key: &'static str) -> BTreeMap<String, String> {
        let Some(node) = self.node(key) else { return BTreeMap::new() };
        let Some(section) = Section::open(node, key, self.report) else { return BTreeMap::new() };
        let mut map = BTreeMap::new();
        for (name, value) in section.pairs {
            let text = if value.kind == Kind::Null { Some(String::new()) } else { text(value, &name.text, section.report) };
            map.extend(text.map(|text| (name.text.to_string(), text)));
        }
        map
    }

    /// The items of a list; nothing counts as an empty one.
    pub fn list(&mut self, key: &'static str) -> &'n [Node] {
        let Some(node) = self.node(key) else { return &[] };
        list(node, key, self.report)
    }

    /// Opens the map below a key.
    pub fn open_below(&mut self, key: &'static str) -> Option<Section<'n, '_>> {
        let node = self.node(key)?;
        Section::open(node, key, self.report)
    }

    /// Marks keys as known without reading them.
    pub fn knows(&mut self, keys: &[&'static str]) {
        self.known.extend_from_slice(keys);
    }

    /// Warns about a key that is read but changes nothing here.
    pub fn warn_if_set(&mut self, key: &'static str, why: &str) {
        if let Some((found, _)) = self.pairs.iter().find(|(found, node)| &*found.text == key && node.kind != Kind::Null) {
            self.report.warn(found.at, format!("{key}: {why}"));
        }
    }

    /// Warns about every key that was not asked for.
    pub fn finish(self) {
        for (key, _) in self.unknown() {
            let hint = nearest(&key.text, &self.known).map_or_else(String::new, |near| format!(", did you mean {near}?"));
            self.report.warn(key.at, format!("{}: unknown key, ignored{hint}", key.text));
        }
    }

    /// The same, but a key that resembles a known one is an error: it would silently do nothing.
    pub fn finish_strictly(self) {
        for (key, _) in self.unknown() {
            match nearest(&key.text, &self.known) {
                Some(near) => self.report.error(key.at, format!("{}: unknown key, did you mean {near}?", key.text)),
                None => self.report.warn(key.at, format!("{}: unknown key, ignored", key.text)),
            }
        }
    }

    /// The same, but every key that was not asked for is an error.
    pub fn finish_closed(self) {
        for (key, _) in self.unknown() {
            let hint = nearest(&key.text, &self.known).map_or_else(String::new, |near| format!(", did you mean {near}?"));
            self.report.error(key.at, format!("{}: unknown key{hint}", key.text));
        }
    }

    fn unknown(&self) -> Vec<&'n (Key, Node)> {
        self.pairs.iter().filter(|(key, _)| !self.known.iter().any(|known| **known == *key.text)).collect()
    }

    /// A value that may stand with or without quotes.
    fn scalar<T>(&mut self, key: &'static str, read: impl FnOnce(&str) -> Option<T>, allowed: &str) -> Option<T> {
        let node = self.node(key)?;
        scalar_value(node, key, false, read, allowed, self.report)
    }

    /// A value that must stand without quotes, as numbers and truth values.
    fn plain<T>(&mut self, key: &'static str, read: impl FnOnce(&str) -> Option<T>, allowed: &str) -> Option<T> {
        let node = self.node(key)?;
        scalar_value(node, key, true, read, allowed, self.report)
    }
}

fn scalar_value<T>(
    node: &Node,
    key: &str,
    plain_only: bool,
    read: impl FnOnce(&str) -> Option<T>,
    allowed: &str,
    report: &mut Report,
) -> Option<T> {
    let value = match &node.kind {
        Kind::Scalar { text, plain } if *plain || !plain_only => read(text),
        _ => None,
    };
    if value.is_none() {
        let quotes = if matches!(node.kind, Kind::Scalar { plain: false, .. }) && plain_only { " in quotes" } else { "" };
        report.error(node.at, format!("{key}: read {}{quotes}, expected {allowed}", node.describe()));
    }
    value
}

/// The text of a node.
pub fn text(node: &Node, key: &str, report: &mut Report) -> Option<String> {
    match &node.kind {
        Kind::Scalar { text, .. } => Some(text.to_string()),
        _ => {
            report.error(node.at, format!("{key}: read {}, expected text", node.describe()));
            None
        }
    }
}

/// The text of a node, kept from view.
pub fn secret(node: &Node, key: &str, report: &mut Report) -> Secret {
    match &node.kind {
        Kind::Scalar { text, .. } => Secret::new(&**text),
        Kind::Null => Secret::default(),
        _ => {
            report.error(node.at, format!("{key}: read {}, expected text", node.describe()));
            Secret::default()
        }
    }
}

/// The items of a node that is a list.
pub fn list<'n>(node: &'n Node, key: &str, report: &mut Report) -> &'n [Node] {
    match &node.kind {
        Kind::List(items) => items,
        Kind::Null => &[],
        _ => {
            report.error(node.at, format!("{key}: read {}, expected a list", node.describe()));
            &[]
        }
    }
}

/// One of some words.
pub fn choice<T: Copy>(node: &Node, key: &str, choices: &[(&str, T)], report: &mut Report) -> Option<T> {
    let found = match &node.kind {
        Kind::Scalar { text, .. } => choices.iter().find(|(word, _)| *word == &**text).map(|(_, value)| *value),
        _ => None,
    };
    if found.is_none() {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).filter(|word| !word.is_empty()).collect();
        report.error(node.at, format!("{key}: read {}, expected {}", node.describe(), alternatives(&words)));
    }
    found
}

/// `a`, `a or b`, `a, b or c`.
pub fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

/// The known word that `word` is most likely a slip of the pen for.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // A long word may differ in more places; a short one must be very close.
    let allowed = (word.chars().count() / 4).clamp(1, 3);
    known.iter().map(|known| (distance(word, known), *known)).filter(|(distance, _)| *distance <= allowed).min().map(|(_, known)| known)
}

/// Letters to add, drop, change or swap with a neighbour to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found() {
        let known = ["scrape_interval", "scrape_timeout", "job_name", "path"];
        for (word, near) in [
            ("scrape_intervall", Some("scrape_interval")),
            ("scarpe_timeout", Some("scrape_timeout")),
            ("jobname", Some("job_name")),
            ("pth", Some("path")),
            ("color", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, &known), near, "{word}");
        }
    }
}
