//! Building maps to print.

use std::collections::BTreeMap;

use super::{Key, Kind, Node, Position};
use crate::base::masked;
use crate::base::secret::Secret;

/// A map under construction; keys stay in the order they were put.
#[derive(Debug, Default)]
pub struct MapWriter(Vec<(Key, Node)>);

impl MapWriter {
    /// A key and its value.
    pub fn put(&mut self, key: &str, node: Node) -> &mut Self {
        self.0.push((Key { at: Position::default(), text: key.into() }, node));
        self
    }

    /// A number, truth value, duration or size.
    pub fn bare(&mut self, key: &str, value: impl ToString) -> &mut Self {
        self.put(key, Node::bare(value))
    }

    /// The same, unless it is what a missing key means.
    pub fn bare_unless<T: PartialEq + ToString>(&mut self, key: &str, value: T, default: T) -> &mut Self {
        if value == default { self } else { self.bare(key, value) }
    }

    /// A text, empty or not.
    pub fn text(&mut self, key: &str, text: &str) -> &mut Self {
        self.put(key, Node::text(text))
    }

    /// A text unless it is empty.
    pub fn text_if(&mut self, key: &str, text: &str) -> &mut Self {
        if text.is_empty() { self } else { self.text(key, text) }
    }

    /// `<secret>` unless there is none.
    pub fn secret_if(&mut self, key: &str, secret: &Secret) -> &mut Self {
        if secret.is_empty() { self } else { self.text(key, &secret.to_string()) }
    }

    /// A list of texts unless it is empty.
    pub fn texts_if<T: AsRef<str>>(&mut self, key: &str, texts: &[T]) -> &mut Self {
        self.list_if(key, texts.iter().map(|text| Node::text(text.as_ref())).collect())
    }

    /// A list unless it is empty.
    pub fn list_if(&mut self, key: &str, nodes: Vec<Node>) -> &mut Self {
        if nodes.is_empty() { self } else { self.put(key, Node::new(Kind::List(nodes))) }
    }

    /// A map of texts unless it is empty, with those masked that are secrets by their name.
    pub fn masked_map_if(&mut self, key: &str, map: &BTreeMap<String, String>) -> &mut Self {
        let mut below = Self::default();
        for (name, value) in map {
            below.text(name, &masked::value(name, value));
        }
        self.map_if(key, below)
    }

    /// A map of texts unless it is empty.
    pub fn text_map_if(&mut self, key: &str, map: &BTreeMap<String, String>) -> &mut Self {
        let mut below = Self::default();
        for (name, value) in map {
            below.text(name, value);
        }
        self.map_if(key, below)
    }

    /// A map unless it is empty.
    pub fn map_if(&mut self, key: &str, map: Self) -> &mut Self {
        if map.0.is_empty() { self } else { self.put(key, map.finish()) }
    }

    /// The finished map.
    pub fn finish(self) -> Node {
        Node::new(Kind::Map(self.0))
    }
}

/// Words in a key that say its value is a secret.
const SECRET_WORDS: [&str; 11] = [
    "password",
    "consumer_key",
    "account_key",
    "access_token",
    "secret",
    "token",
    "credentials",
    "api_key",
    "application_key",
    "private_key",
    "passphrase",
];

/// The tree with `<secret>` in place of whatever its key says is secret, and without secrets in URLs.
/// For parts of a file that nobody understands in detail.
pub fn without_secrets(node: &Node) -> Node {
    let kind = match &node.kind {
        Kind::Map(pairs) => Kind::Map(pairs.iter().map(|(key, value)| (key.clone(), hide(&key.text, value))).collect()),
        Kind::List(items) => Kind::List(items.iter().map(without_secrets).collect()),
        Kind::Scalar { text, plain } => Kind::Scalar { text: without_url_secrets(text), plain: *plain },
        Kind::Null => Kind::Null,
    };
    Node { at: node.at, kind }
}

fn hide(key: &str, value: &Node) -> Node {
    let lower = key.to_ascii_lowercase();
    let names_secret = SECRET_WORDS.iter().any(|word| lower.contains(word)) || lower == "key";
    let is_reference = ["_file", "_ref", "_url", "_id", "token_uri", "_login"].iter().any(|end| lower.ends_with(end));
    match &value.kind {
        Kind::Scalar { text, .. } if names_secret && !is_reference && !text.is_empty() => Node::text("<secret>"),
        Kind::List(items) if names_secret && !is_reference => Node::new(Kind::List(items.iter().map(|_| Node::text("<secret>")).collect())),
        _ => without_secrets(value),
    }
}

fn without_url_secrets(text: &str) -> Box<str> {
    let has_password = |url: &url::Url| url.password().is_some();
    match url::Url::parse(text).ok().filter(has_password) {
        Some(url) => masked::url(url.as_str()).into(),
        None => masked::url(text).into(),
    }
}
