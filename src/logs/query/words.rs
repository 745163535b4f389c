//! Words: what people type into one bar, compiled to LogQL, which is shown to them.
//!
//! | typed | finds lines |
//! |---|---|
//! | `refused` | with this text anywhere, also within a word, upper or lower case |
//! | `"two words"` | with this phrase, upper or lower case |
//! | `conn* *ed a*z` | with a word that begins so, that ends so, that has something in between |
//! | `-debug`, `NOT debug` | without it |
//! | `a b`, `a AND b`, `a OR b`, `( )` | with both, with one of them |
//! | `status:500`, `user:"a b"`, `path:/api/*` | whose field is that, upper or lower case, `*` for anything |
//! | `level:(error OR warn)`, `user:*` | whose field is one of these; is there |
//! | `user=Ann`, `user!=Ann`, `user=~"A.*"` | whose field is exactly that, is not, matches |
//! | `took>1s`, `status>=500`, `size<5MB` | whose field is a larger number, duration, size |
//!
//! A field is one of the JSON object or the logfmt pairs that the line is, a label of its stream, or a field sent with it.
//! Labels that every stream has choose streams, others filter lines. Both are LogQL, with two extensions:
//! `{}` selects every stream, and `| auto` reads JSON or logfmt, whichever a line is ([`Dialect::Pharos`]).
//!
//! Read in this order: [`read`] (text to a tree), [`condition`] (one field of it as LogQL), [`write`] (all of it).

mod condition;
mod read;
mod write;

use super::ast::Query;
use super::lex::{Kind, Lexer};
use super::parse::{Dialect, ParseError, parse};

/// What is known about the lines there are.
#[derive(Clone, Copy)]
pub struct Vocabulary<'a> {
    /// Whether every stream has a label of this name. A condition on it then chooses streams. Where only some streams have
    /// it, lines of the others may have a field of that name, and every line must be looked at.
    pub is_on_every_stream: &'a dyn Fn(&str) -> bool,
    /// The label that has a line's level, if one is set on all lines when they come in; `level` stands for it.
    pub level: Option<&'a str>,
}

impl Default for Vocabulary<'_> {
    fn default() -> Self {
        Self { is_on_every_stream: &|_| false, level: None }
    }
}

impl std::fmt::Debug for Vocabulary<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocabulary").field("level", &self.level).finish_non_exhaustive()
    }
}

/// The language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// LogQL.
    Logql,
    /// Words.
    Words,
}

/// A text that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognised {
    /// What it was written in.
    pub language: Language,
    /// What it asks for.
    pub query: Query,
    /// The same as LogQL: the text itself, or what words were compiled to.
    pub logql: String,
}

/// Reads LogQL or words, whichever a text is. Positions of errors are those in the text.
pub fn recognise(text: &str, vocabulary: &Vocabulary<'_>) -> Result<Recognised, ParseError> {
    match language(text) {
        Language::Logql => Ok(Recognised { language: Language::Logql, query: parse(text, Dialect::Pharos)?, logql: text.to_owned() }),
        Language::Words => compile(text, vocabulary),
    }
}

/// Whether a text is LogQL: it begins, parentheses aside, with a brace, or with a function that has a selector somewhere
/// behind it.
pub fn language(text: &str) -> Language {
    let is_logql = match first(text) {
        Some(Kind::LeftBrace | Kind::Vector) => true,
        Some(kind) if is_function(kind) => text.contains('{') || text.contains("vector"),
        _ => false,
    };
    if is_logql { Language::Logql } else { Language::Words }
}

/// Whether a text may become LogQL: a function that nothing stands behind yet will do.
pub(super) fn may_be_logql(text: &str) -> bool {
    first(text).is_some_and(|kind| is_function(kind) || matches!(kind, Kind::LeftBrace | Kind::Vector))
}

/// What a text begins with, parentheses aside.
fn first(text: &str) -> Option<Kind> {
    let mut lexer = Lexer::new(text);
    loop {
        let kind = lexer.next_token().ok()?.kind;
        if kind != Kind::LeftParen {
            return Some(kind);
        }
    }
}

const fn is_function(kind: Kind) -> bool {
    matches!(kind, Kind::RangeOp(_) | Kind::VectorOp(_) | Kind::LabelReplace)
}

/// Compiles words. Nothing at all finds every line.
pub fn compile(text: &str, vocabulary: &Vocabulary<'_>) -> Result<Recognised, ParseError> {
    let tree = read::read(text)?;
    parsed(text, write::logql(&tree, vocabulary))
}

/// Values of one field that were chosen among those there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// The field's name, in the characters of the line or as a label.
    pub field: &'a str,
    /// Lines must have one of these, if there is any.
    pub only: Vec<&'a str>,
    /// Lines must have none of these.
    pub not: Vec<&'a str>,
}

/// Compiles values that were chosen. Unlike with words, `level` is only a field of that name.
pub fn compile_chosen(chosen: &[Chosen<'_>], vocabulary: &Vocabulary<'_>) -> Result<Recognised, ParseError> {
    let tree = read::chosen(chosen);
    parsed("", write::logql_of_names(&tree, vocabulary))
}

fn parsed(text: &str, logql: String) -> Result<Recognised, ParseError> {
    let whole = || super::ast::Span { start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) };
    match parse(&logql, Dialect::Pharos) {
        Ok(query) => Ok(Recognised { language: Language::Words, query, logql }),
        Err(error) => Err(ParseError::new(text, whole(), format!("this cannot be searched for: {}", error.message))),
    }
}

#[cfg(test)]
mod tests;
