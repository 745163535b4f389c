//! YAML as a tree of nodes that know where they stand.
//!
//! Anchors, merge keys and tags are resolved here; whether `yes` is a truth value is for the reader of a key to
//! say ([`super::scalar`]). Only the first document counts, as for Prometheus. Input is bounded in bytes, depth
//! and nodes, aliases included.

mod build;
mod print;
mod write;

pub use build::parse;
pub use print::{flow_list, is_mark, print, quoted};
pub use write::{MapWriter, without_secrets};

/// Largest file read, in bytes.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Deepest nesting; keeps recursion over the tree far from the stack's end.
pub const DEPTH_MAX: usize = 64;
/// Most nodes of a tree after aliases are followed.
pub const NODES_MAX: usize = 500_000;

/// Where a node begins; both count from 1. Zero: nowhere in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// A value of a document.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it begins.
    pub at: Position,
    /// What it is.
    pub kind: Kind,
}

/// Nodes are equal when they mean the same, wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing, `null` or `~`.
    Null,
    /// Text; `plain` if it stands without quotes.
    Scalar {
        /// The text, quotes and escapes resolved.
        text: Box<str>,
        /// Whether it stands without quotes, so that it may be read as a number or a truth value.
        plain: bool,
    },
    /// `[a, b]` or lines with `-`.
    List(Vec<Node>),
    /// Keys and values in order of the file; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// Quotes make a difference only around what would be a number or the like without them.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Scalar { text, plain }, Self::Scalar { text: other, plain: other_plain }) => {
                text == other && (plain == other_plain || !print::means_something_else(text))
            }
            (Self::List(items), Self::List(others)) => items == others,
            (Self::Map(pairs), Self::Map(others)) => pairs == others,
            _ => false,
        }
    }
}

/// The key of a pair.
#[derive(Debug, Clone)]
pub struct Key {
    /// Where it stands.
    pub at: Position,
    /// Its text.
    pub text: Box<str>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A file that is no YAML, or too much of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {message}", at.line, at.column)]
pub struct YamlError {
    /// Where reading stopped.
    pub at: Position,
    /// Why.
    pub message: String,
}

/// What [`parse`] gives.
#[derive(Debug, Clone)]
pub struct Document {
    /// The first document; null if there is none.
    pub root: Node,
    /// Where a second document begins, which nobody reads.
    pub second: Option<Position>,
}

impl Node {
    /// A node that stands nowhere, for printing.
    pub fn new(kind: Kind) -> Self {
        Self { at: Position::default(), kind }
    }

    /// A text that is printed with quotes where it could be taken for something else.
    pub fn text(text: impl Into<Box<str>>) -> Self {
        Self::new(Kind::Scalar { text: text.into(), plain: false })
    }

    /// A number, truth value or the like, printed as it is.
    pub fn bare(value: impl ToString) -> Self {
        Self::new(Kind::Scalar { text: value.to_string().into(), plain: true })
    }

    /// What it is, for messages: `a map`, `a list`, `nothing`, or the text in quotes.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Scalar { text, .. } => quoted_short(text),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// The value of a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(pairs) => pairs.iter().find(|(found, _)| &*found.text == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// A text in quotes, cut where it is too long for a message.
pub fn quoted_short(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

#[cfg(test)]
mod tests;
