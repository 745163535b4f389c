//! YAML as a tree of nodes that know where they stand.

/// Where a node begins; both count from 1.
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
#[derive(Debug, Clone, PartialEq)]
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
