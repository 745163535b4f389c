//! Types of single values: how each is read from a key and printed back, secrets hidden.

mod go_duration;
mod host_port;
mod url;

use std::collections::BTreeMap;

pub use self::go_duration::GoDuration;
pub use self::host_port::HostPort;
pub use self::url::{HttpUrl, LooseUrl, SecretUrl, TemplateUrl};
use crate::base::secret::Secret;
use crate::base::time::Duration;
use crate::platform::config::section::{self, Section};
use crate::platform::config::shape::Shape;
use crate::platform::config::yaml::{Kind, MapWriter, Node, without_secrets};

/// What a secret is printed as, and what is read back as "there is one".
const SECRET: &str = "<secret>";

/// A type of values.
pub trait Value: Sized {
    /// Reads a key; none if it is not set, or not readable, which is then reported.
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self>;

    /// Prints it, unless it says nothing.
    fn write(&self, key: &str, out: &mut MapWriter);

    /// What it looks like.
    fn shape() -> Shape {
        Shape::Text
    }
}

impl Value for String {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.text_or_nothing(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.text_if(key, self);
    }
}

impl Value for bool {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.truth(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.bare(key, self);
    }

    fn shape() -> Shape {
        Shape::Truth
    }
}

impl Value for Option<bool> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.truth(key).map(Some)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if let Some(value) = self {
            out.bare(key, value);
        }
    }

    fn shape() -> Shape {
        Shape::Truth
    }
}

impl Value for u64 {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.count(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.bare(key, self);
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

impl Value for i64 {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.integer(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.bare_unless(key, *self, 0);
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

impl Value for Option<f64> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let read = section.float(key)?;
        if !read.is_finite() {
            section.report.error(section.value_place(key), format!("{key}: expected a number"));
            return None;
        }
        Some(Some(read))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if let Some(value) = self {
            out.bare(key, value);
        }
    }

    fn shape() -> Shape {
        Shape::Decimal
    }
}

impl Value for Secret {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        Some(section.secret(key)).filter(|secret| !secret.is_empty())
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.secret_if(key, self);
    }

    fn shape() -> Shape {
        Shape::Secret
    }
}

/// Secrets in a list.
impl Value for Vec<Secret> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let nodes = section.list(key);
        Some(nodes.iter().map(|node| section::secret(node, key, section.report)).collect())
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.list_if(key, self.iter().map(|secret| Node::text(secret.to_string())).collect());
    }

    fn shape() -> Shape {
        Shape::List(Box::new(Shape::Secret))
    }
}

impl Value for Vec<String> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        Some(section.texts(key))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.texts_if(key, self);
    }

    fn shape() -> Shape {
        Shape::List(Box::new(Shape::Text))
    }
}

impl Value for BTreeMap<String, String> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        Some(section.text_map(key))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.masked_map_if(key, self);
    }

    fn shape() -> Shape {
        Shape::Names(Box::new(Shape::Text))
    }
}

/// Secrets by name, several each.
pub type SecretLists = BTreeMap<String, Vec<Secret>>;

impl Value for SecretLists {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let below = section.open_below(key)?;
        let mut lists = Self::new();
        for (name, node) in below.pairs() {
            let items = section::list(node, &name.text, below.report);
            lists.insert(name.text.to_string(), items.iter().map(|item| section::secret(item, &name.text, below.report)).collect());
        }
        Some(lists)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        let mut below = MapWriter::default();
        for (name, secrets) in self {
            secrets.write(name, &mut below);
        }
        out.map_if(key, below);
    }

    fn shape() -> Shape {
        Shape::Names(Box::new(Shape::List(Box::new(Shape::Secret))))
    }
}

/// A length of time as Prometheus writes it.
impl Value for Duration {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.duration(key)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.bare_unless(key, *self, Self::default());
    }

    fn shape() -> Shape {
        Shape::Duration
    }
}

/// Whatever stands there, for templates in nested values.
impl Value for Option<Node> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.node(key).cloned().map(Some)
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        if let Some(node) = self {
            out.put(key, without_secrets(node));
        }
    }

    fn shape() -> Shape {
        Shape::Any
    }
}

/// Whatever stands there, by name.
impl Value for BTreeMap<String, Node> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        let below = section.open_below(key)?;
        Some(below.pairs().iter().map(|(name, node)| (name.text.to_string(), node.clone())).collect())
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        let mut below = MapWriter::default();
        for (name, node) in self {
            below.put(name, node.clone());
        }
        if let Kind::Map(pairs) = below.finish().kind
            && !pairs.is_empty()
        {
            out.put(key, without_secrets(&Node::new(Kind::Map(pairs))));
        }
    }

    fn shape() -> Shape {
        Shape::Names(Box::new(Shape::Any))
    }
}

/// The path of a file; a relative one stands below the configuration's folder. Empty if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePath(pub String);

impl FilePath {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value for FilePath {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Option<Self> {
        section.node(key)?;
        Some(Self(section.path(key)))
    }

    fn write(&self, key: &str, out: &mut MapWriter) {
        out.text_if(key, &self.0);
    }
}
