//! LogQL text to a checked tree, with the verdicts of Loki as of 2026.
//!
//! A hand-written operator-precedence parser: linear in the length of the text, bounded in length, nesting and number of
//! stages. It stops at the first error, which carries its place and, where clients show it, upstream's words.
//!
//! Read in this order: [`metric`] (operators, aggregations), [`range`] (`{…} … [5m] offset 1h`), [`pipeline`] (stages),
//! [`condition`] (label filters), [`literal`] (strings, numbers, paths, patterns, addresses).

mod condition;
pub mod literal;
mod metric;
mod pipeline;
mod range;

use std::fmt;
use std::sync::Arc;

use super::ast::{Query, Span};
use super::check;
use super::lex::{Kind, Lexer, Token};
use crate::base::limits::{LOGQL_BYTES_MAX, LOGQL_DEPTH_MAX};
use crate::series::matcher::Matcher;

/// Whose LogQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// What Loki takes, and nothing else.
    #[default]
    Loki,
    /// Also: selectors that select everything (`{}`), and the stage `| auto`.
    Pharos,
}

/// What is wrong at one place of a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ParseError {
    /// The bytes it is about.
    pub span: Span,
    /// Line of the first of them, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// In words.
    pub message: String,
}

impl ParseError {
    /// Complains about `span` of `text`.
    pub fn new(text: &str, span: Span, message: String) -> Self {
        let before = text.get(..span.start as usize).unwrap_or(text);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        Self { span, line, column, message }
    }

    /// The line of `text` it is about, and below it a caret at the place.
    pub fn caret(&self, text: &str) -> String {
        let line = text.lines().nth(self.line - 1).unwrap_or("");
        let blank: String = line.chars().take(self.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("{line}\n{blank}^")
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parse error at line {}, col {}: {}", self.line, self.column, self.message)
    }
}

/// Reads and checks a query.
pub fn parse(text: &str, dialect: Dialect) -> Result<Query, ParseError> {
    let mut parser = Parser::new(text, dialect)?;
    let query = parser.whole_query()?;
    check::selectors(&query, text, dialect)?;
    check::operations(&query, text)?;
    Ok(query)
}

/// Reads a selector alone, `{app="api"}`, such as the API's `match[]`. What it may leave open is the caller's concern.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let mut parser = Parser::new(text, Dialect::Pharos)?;
    let selector = parser.selector()?;
    match parser.peek()? {
        Kind::Eof => Ok(selector.matchers),
        _ => parser.unexpected(&[]),
    }
}

type Parsed<T> = Result<T, ParseError>;

struct Parser<'a> {
    text: &'a str,
    dialect: Dialect,
    lexer: Lexer<'a>,
    ahead: Option<Token>,
    /// Where the last token taken ends.
    end: u32,
    /// Parentheses and calls open at the moment.
    depth: usize,
}

/// Parentheses and calls within each other: one for each node of the highest tree as it is printed, and some to spare.
const CALLS_MAX: usize = LOGQL_DEPTH_MAX + 28;

impl<'a> Parser<'a> {
    fn new(text: &'a str, dialect: Dialect) -> Parsed<Self> {
        if text.len() >= LOGQL_BYTES_MAX {
            let message = format!("input size too long ({} > {LOGQL_BYTES_MAX})", text.len());
            return Err(ParseError::new("", Span::default(), message));
        }
        Ok(Self { text, dialect, lexer: Lexer::new(text), ahead: None, end: 0, depth: 0 })
    }

    fn whole_query(&mut self) -> Parsed<Query> {
        let node = self.expression(0)?;
        match self.peek()? {
            Kind::Eof => Ok(node.query),
            _ => self.unexpected(&[]),
        }
    }

    /// The token that comes next, which stays where it is.
    fn ahead(&mut self) -> Parsed<Token> {
        if let Some(token) = self.ahead {
            return Ok(token);
        }
        match self.lexer.next_token() {
            Ok(token) => {
                self.ahead = Some(token);
                Ok(token)
            }
            Err(error) => Err(ParseError::new(self.text, error.span, error.message)),
        }
    }

    /// The kind of the token that comes next.
    fn peek(&mut self) -> Parsed<Kind> {
        self.ahead().map(|token| token.kind)
    }

    /// The kind of the token behind the next; the end where there is none.
    fn peek_second(&mut self) -> Parsed<Kind> {
        self.ahead()?;
        Ok(self.lexer.clone().next_token().map_or(Kind::Eof, |token| token.kind))
    }

    /// Takes the next token.
    fn next(&mut self) -> Parsed<Token> {
        let token = self.ahead()?;
        self.ahead = None;
        self.end = token.span.end;
        Ok(token)
    }

    /// Takes the next token if it is of this kind.
    fn accept(&mut self, kind: Kind) -> Parsed<bool> {
        let found = self.peek()? == kind;
        if found {
            self.next()?;
        }
        Ok(found)
    }

    /// Takes the next token, which must be of this kind; `expected` is for the message.
    fn expect(&mut self, kind: Kind, expected: &[&str]) -> Parsed<Token> {
        if self.peek()? == kind { self.next() } else { self.unexpected(expected) }
    }

    fn written(&self, token: Token) -> &'a str {
        self.text.get(token.span.start as usize..token.span.end as usize).unwrap_or("")
    }

    /// A name.
    fn identifier(&mut self, expected: &[&str]) -> Parsed<Arc<str>> {
        let token = self.expect(Kind::Identifier, expected)?;
        Ok(self.written(token).into())
    }

    /// A quoted string: its content and its place.
    fn string(&mut self, expected: &[&str]) -> Parsed<(String, Span)> {
        let token = self.expect(Kind::String, expected)?;
        let content = crate::series::literal::unquote(self.written(token));
        if crate::series::literal::holds_raw_bytes(&content) {
            return self.fail(token.span, "string is not valid UTF-8");
        }
        Ok((content, token.span))
    }

    /// From there to the end of the last token taken.
    const fn since(&self, start: u32) -> Span {
        Span { start, end: self.end }
    }

    fn fail<T>(&self, span: Span, message: impl Into<String>) -> Parsed<T> {
        Err(ParseError::new(self.text, span, message.into()))
    }

    /// Stops at the next token, which fits nothing; `expected` is told if it is a short list.
    fn unexpected<T>(&mut self, expected: &[&str]) -> Parsed<T> {
        let token = self.ahead()?;
        let mut message = format!("syntax error: unexpected {}", token.kind.describe(self.written(token)));
        if !expected.is_empty() && expected.len() <= 4 {
            message.push_str(", expecting ");
            message.push_str(&expected.join(" or "));
        }
        self.fail(token.span, message)
    }

    /// Goes one level down, within the limit.
    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > CALLS_MAX { self.too_deep() } else { Ok(()) }
    }

    const fn leave(&mut self) {
        self.depth -= 1;
    }

    fn too_deep<T>(&mut self) -> Parsed<T> {
        let span = self.ahead()?.span;
        self.fail(span, format!("expression is nested too deeply, at most {LOGQL_DEPTH_MAX} levels are allowed"))
    }
}

#[cfg(test)]
mod tests;
