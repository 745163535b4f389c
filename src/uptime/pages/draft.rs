//! A form of a check as it is filled in: from the fields to the text of a check and back, and mistakes to their fields.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::{self, COMMON, Field, Input, KindOf};
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::config::keys::to_node;
use crate::platform::config::yaml::{self, Key, Kind, Node, Position};
use crate::uptime::config::Check;

/// Bytes of a form at most; what is beyond is not read.
const FORM_BYTES_MAX: usize = 256 * 1024;
/// Characters of a name that is made from an address.
const NAME_CHARS: usize = 80;

/// A form that is filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The check that is changed.
    pub id: Option<i64>,
    /// The check that is copied.
    pub from: Option<i64>,
    /// Its kind.
    pub kind: String,
    /// Its name; empty where one is to be made.
    pub name: String,
    /// What stands in each field: keys of every kind by themselves, those of the kind behind its name and a dot.
    values: BTreeMap<String, String>,
}

/// What a field of a form is called.
pub fn field_name(kind: Option<&str>, key: &str) -> String {
    kind.map_or_else(|| key.to_owned(), |kind| format!("{kind}.{key}"))
}

impl Draft {
    /// An empty form of a kind.
    pub fn new(kind: &str) -> Self {
        Self { kind: kinds::of(kind).map_or("http", |kind| kind.key).to_owned(), ..Self::default() }
    }

    /// From the body of a form.
    pub fn from_form(body: &[u8]) -> Self {
        let body = body.get(..FORM_BYTES_MAX).unwrap_or(body);
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            found.entry(name.into_owned()).or_insert_with(|| value.trim().replace("\r\n", "\n"));
        }
        let mut take = |name: &str| found.remove(name).unwrap_or_default();
        let mut draft = Self::new(&take("kind"));
        (draft.id, draft.from, draft.name) = (take("id").parse().ok(), take("from").parse().ok(), take("name"));
        // A short form leaves fields out that have not been seen; a whole one leaves those out that are not ticked.
        let is_whole = !take("whole").is_empty();
        for (within, field) in draft.fields() {
            let name = field_name(within, field.key);
            match (found.remove(&name), field.input) {
                (Some(_), Input::Flag) => draft.values.insert(name, "true".to_owned()),
                (None, Input::Flag) if is_whole => draft.values.insert(name, "false".to_owned()),
                (Some(text), _) => draft.values.insert(name, text),
                (None, _) => None,
            };
        }
        draft.complete_address();
        draft
    }

    /// The form of a check that is there. Secrets are not in it.
    pub fn of(check: &Check) -> Self {
        let mut draft = Self { kind: check.kind().to_owned(), name: check.name.clone(), ..Self::default() };
        let node = to_node(check);
        for (within, field) in draft.fields() {
            let place = within.map_or(Some(&node), |kind| node.get(kind)).and_then(|map| map.get(field.key));
            let text = place.map_or_else(|| field.usual_of(&draft.kind).to_owned(), |node| shown(node, field.input));
            draft.values.insert(field_name(within, field.key), text);
        }
        draft
    }

    /// What stands in a field; what is usual where nobody wrote anything.
    pub fn value(&self, within: Option<&str>, field: &Field) -> &str {
        self.values.get(&field_name(within, field.key)).map_or_else(|| field.usual_of(&self.kind), String::as_str)
    }

    /// Its kind.
    pub fn kind_of(&self) -> Option<&'static KindOf> {
        kinds::of(&self.kind)
    }

    /// Every field, those of its kind first.
    pub fn fields(&self) -> Vec<(Option<&'static str>, &'static Field)> {
        let own = self.kind_of().into_iter().flat_map(|kind| kind.fields.iter().map(|field| (Some(kind.key), field)));
        own.chain(COMMON.iter().map(|field| (None, field))).collect()
    }

    /// Whether there is anything to try: the first field of the kind says something.
    pub fn is_begun(&self) -> bool {
        let Some(kind) = self.kind_of() else { return false };
        kind.fields.iter().filter(|field| !field.is_more).any(|field| {
            let value = self.value(Some(kind.key), field);
            !value.is_empty() && value != field.usual_of(kind.key)
        })
    }

    /// People leave out how a page is asked for.
    fn complete_address(&mut self) {
        if let Some(url) = self.values.get_mut("http.url").filter(|url| !url.is_empty() && !url.contains("://")) {
            url.insert_str(0, "https://");
        }
    }

    /// A name for it, which none of those has that are taken.
    pub fn name_it(&mut self, is_taken: impl Fn(&str) -> bool) {
        if !self.name.is_empty() {
            return;
        }
        let Some(kind) = self.kind_of() else { return };
        let target = kind.fields.iter().map(|field| self.value(Some(kind.key), field)).find(|text| !text.is_empty()).unwrap_or_default();
        let plain = target.split_once("://").map_or(target, |(_, rest)| rest);
        // Neither a password nor a query belongs into a name.
        let plain = plain.split_once('@').map_or(plain, |(_, rest)| rest);
        let plain = plain.split(['?', '#', '\n']).next().unwrap_or_default().trim_end_matches('/');
        let base: String = plain.chars().take(NAME_CHARS).collect();
        let mut numbered = (2_u32..).map(|number| format!("{base} {number}"));
        self.name = if is_taken(&base) { numbered.find(|name| !is_taken(name)).unwrap_or_default() } else { base };
    }

    /// The check as a text. `before` is the check that is changed or copied: what no form shows of it stays.
    pub fn text(&self, before: Option<&Check>) -> Written {
        let mut pairs = vec![pair("name", Node::text(self.name.as_str()))];
        let mut below = Vec::new();
        for (within, field) in self.fields() {
            let value = self.value(within, field);
            if value == field.usual_of(&self.kind) || (value.is_empty() && field.input != Input::Flag) {
                continue;
            }
            let pair = pair(field.key, written(value, field.input));
            if within.is_some() { below.push(pair) } else { pairs.push(pair) }
        }
        let before = before.map(to_node).unwrap_or_else(|| Node::new(Kind::Null));
        self.keep_others(&before, &mut below);
        pairs.push((Key { at: Position::default(), text: self.kind.as_str().into() }, Node::new(Kind::Map(below))));
        Written::new(yaml::print(&Node::new(Kind::Map(pairs))))
    }

    /// Keys of the kind that the form has no field for.
    fn keep_others(&self, before: &Node, below: &mut Vec<(Key, Node)>) {
        let (Some(kind), Some(Node { kind: Kind::Map(pairs), .. })) = (self.kind_of(), before.get(&self.kind)) else { return };
        let fields: BTreeSet<&str> = kind.fields.iter().map(|field| field.key).collect();
        // The secret address of a job is its own: a copy gets another.
        let is_kept = |key: &str| !fields.contains(key) && (self.id.is_some() || key != "token");
        below.extend(pairs.iter().filter(|(key, _)| is_kept(&key.text)).cloned());
    }
}

fn pair(key: &str, node: Node) -> (Key, Node) {
    (Key { at: Position::default(), text: key.into() }, node)
}

/// A value of the check as a field shows it.
fn shown(node: &Node, input: Input) -> String {
    let text = |node: &Node| match &node.kind {
        Kind::Scalar { text, .. } => text.to_string(),
        Kind::Null | Kind::List(_) | Kind::Map(_) => String::new(),
    };
    let found = match &node.kind {
        Kind::Null => String::new(),
        Kind::Scalar { text, .. } => text.to_string(),
        Kind::List(items) if input == Input::Conditions => {
            let word = |item: &Node, key: &str| item.get(key).map(text).unwrap_or_default();
            let line = |item: &Node| format!("{} {} {}", word(item, "path"), word(item, "is"), word(item, "value")).trim_end().to_owned();
            items.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Kind::List(items) => items.iter().map(text).collect::<Vec<_>>().join("\n"),
        Kind::Map(pairs) => pairs.iter().map(|(key, node)| format!("{}: {}", key.text, text(node))).collect::<Vec<_>>().join("\n"),
    };
    // No time at all is how a missing one is printed.
    if input == Input::Code && found == "0s" { String::new() } else { found }
}

/// What stands in a field as a value of the check.
fn written(value: &str, input: Input) -> Node {
    let lines = || value.lines().map(str::trim).filter(|line| !line.is_empty());
    match input {
        Input::Flag => Node::bare(value),
        Input::Number if value.parse::<u64>().is_ok() => Node::bare(value),
        Input::Text | Input::Code | Input::Number | Input::Secret | Input::Area | Input::Check | Input::Choice(_) => Node::text(value),
        Input::Lines => Node::new(Kind::List(lines().map(Node::text).collect())),
        Input::Pairs => {
            // The last of two with the same name counts, as in a map that is written twice.
            let pairs: BTreeMap<&str, &str> =
                lines().map(|line| line.split_once(':').map_or((line, ""), |(name, value)| (name.trim(), value.trim()))).collect();
            Node::new(Kind::Map(pairs.into_iter().map(|(name, value)| pair(name, Node::text(value))).collect()))
        }
        Input::Conditions => Node::new(Kind::List(lines().map(condition).collect())),
    }
}

/// `path way value`; a path alone is one that must be there.
fn condition(line: &str) -> Node {
    let mut words = line.splitn(3, char::is_whitespace).map(str::trim);
    let (path, is, value) = (words.next().unwrap_or_default(), words.next(), words.next().unwrap_or_default());
    let mut pairs = vec![pair("path", Node::text(path)), pair("is", Node::text(is.unwrap_or("exists")))];
    if !value.is_empty() {
        pairs.push(pair("value", Node::text(value)));
    }
    Node::new(Kind::Map(pairs))
}

/// A check as a text, with the place of each key.
#[derive(Debug, Clone)]
pub struct Written {
    /// The text.
    pub text: String,
    /// Where each field stands, ascending.
    places: Vec<((u32, u32), String)>,
}

impl Written {
    fn new(text: String) -> Self {
        let mut places = Vec::new();
        if let Ok(yaml::Document { root: Node { kind: Kind::Map(pairs), .. }, .. }) = yaml::parse(&text) {
            for (key, node) in &pairs {
                places.push(((key.at.line, key.at.column), key.text.to_string()));
                if let Kind::Map(below) = &node.kind {
                    places.extend(
                        below.iter().map(|(inner, _)| ((inner.at.line, inner.at.column), field_name(Some(&key.text), &inner.text))),
                    );
                }
            }
        }
        places.sort();
        Self { text, places }
    }

    /// What is wrong, each with the field that it is about; empty for the whole.
    pub fn mistakes(&self, told: &[Diagnostic], kind: &str) -> Vec<(String, String)> {
        let one = |told: &Diagnostic| {
            let before = self.places.partition_point(|(place, _)| *place <= (told.line, told.column));
            let place = before.checked_sub(1).map_or("", |at| self.places[at].1.as_str());
            (field_of(place, told, kind), sentence(&told.message))
        };
        told.iter().map(one).collect()
    }
}

/// A message often begins with its key, which also says where one is missing.
fn field_of(place: &str, told: &Diagnostic, kind: &str) -> String {
    match named_in(&told.message, kind) {
        Some(field) => field,
        // Of the kind as a whole, or what stands in it.
        None if place == kind || !place.contains('.') && kinds::of(place).is_some() => String::new(),
        None => place.to_owned(),
    }
}

/// The field whose key a message begins with.
fn named_in(message: &str, kind: &str) -> Option<String> {
    let word = message.split(':').next().unwrap_or_default();
    let own = kinds::of(kind).and_then(|kind| kind.fields.iter().find(|field| field.key == word));
    own.map(|field| field_name(Some(kind), field.key)).or_else(|| COMMON.iter().any(|field| field.key == word).then(|| word.to_owned()))
}

/// The field that a message is about (empty for the whole), and the message without its key.
pub fn mistake(message: &str, kind: &str) -> (String, String) {
    (named_in(message, kind).unwrap_or_default(), sentence(message))
}

/// A message without its key, as a sentence.
fn sentence(message: &str) -> String {
    let is_key =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let text = message.split_once(": ").filter(|(word, _)| is_key(word)).map_or(message, |(_, rest)| rest);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::config::file::read_one;

    fn form(pairs: &[(&str, &str)]) -> Draft {
        Draft::from_form(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().as_bytes())
    }

    #[test]
    fn a_form_becomes_a_check_and_a_form_again() {
        let mut draft = form(&[
            ("kind", "http"),
            ("whole", "1"),
            ("http.url", "shop.example/health?x=1"),
            ("http.status", "200\r\n3xx"),
            ("http.headers", "Accept: text/html\nX-A: b: c"),
            ("http.json", "status equals all is well\nitems[0]"),
            ("http.http2", "true"),
            ("interval", "1m"),
            ("retries", "0"),
            ("labels", "team: web"),
        ]);
        draft.name_it(|name| name == "shop.example/health");
        assert_eq!(draft.name, "shop.example/health 2");
        let written = draft.text(None);
        let check = read_one(&written.text, None).unwrap().check;
        let http = check.http.as_ref().unwrap();
        assert_eq!(
            (http.url.0.as_str(), http.status.len(), http.redirects, http.http2),
            ("https://shop.example/health?x=1", 2, false, true)
        );
        assert_eq!((http.json[0].value.as_str(), http.json[1].is.as_str()), ("all is well", "exists"));
        assert_eq!((http.headers["X-A"].as_str(), check.retries, check.labels["team"].as_str()), ("b: c", 0, "web"));
        let again = Draft::of(&check);
        assert_eq!(read_one(&again.text(None).text, None).unwrap().check, check);
    }

    #[test]
    fn every_kind_begins_empty_and_says_what_is_missing() {
        for kind in kinds::KINDS.iter() {
            let draft = Draft::new(kind.key);
            assert!(!draft.is_begun(), "{}", kind.key);
            assert_eq!(form(&[("kind", kind.key)]).kind, kind.key);
        }
        assert_eq!(Draft::new("nobody").kind, "http");
    }

    #[test]
    fn mistakes_stand_beside_their_fields() {
        let draft = form(&[
            ("kind", "http"),
            ("name", "x"),
            ("http.url", "ftp://a"),
            ("http.status", "20"),
            ("http.matches", "(("),
            ("interval", "1"),
            ("retries", "many"),
            ("http.json", "a near 5"),
        ]);
        let written = draft.text(None);
        let told = read_one(&written.text, None).unwrap_err();
        let found = written.mistakes(&told, "http");
        for field in ["http.url", "http.status", "http.matches", "interval", "retries", "http.json"] {
            assert!(found.iter().any(|(name, _)| name == field), "{field}: {found:?}");
        }
        assert!(found.iter().any(|(_, text)| text.starts_with("Read \"ftp://a\", expected")), "{found:?}");
    }

    #[test]
    fn secrets_stay_where_they_are_and_copies_get_their_own_address() {
        let stored = read_one("{name: Job, heartbeat: {every: 1h, token: 0123456789abcdef}}", None).unwrap();
        let mut draft = Draft::of(&stored.check);
        draft.id = Some(1);
        let kept = read_one(&draft.text(Some(&stored.check)).text, Some(&stored)).unwrap();
        assert_eq!(kept.check.heartbeat.unwrap().token.expose(), "0123456789abcdef");
        draft.id = None;
        assert!(!draft.text(Some(&stored.check)).text.contains("token"));
        let page = read_one("{name: A, http: {url: 'https://a.example', username: ann, password: hunter2hunter2}}", None).unwrap();
        let text = Draft::of(&page.check).text(Some(&page.check)).text;
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(read_one(&text, Some(&page)).unwrap().check, page.check);
    }
}
