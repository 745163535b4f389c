//! PromQL text to a checked tree, as of Prometheus 3.14.
//!
//! A hand-written operator-precedence parser: linear in the length of the text, bounded in length, recursion
//! and height of the tree (so nothing that walks or drops a tree can overflow the stack). Errors carry their
//! place and upstream's words; the first one is what the API shows.
//!
//! Read in this order: [`expr`] (operators, calls, aggregations), [`modifier`] (`[…]`, `offset`, `@`),
//! [`duration`] (computed durations), [`selector`] (`{…}`, `by (…)`), [`text`] (numbers, strings, words for tokens).

mod duration;
mod expr;
mod modifier;
mod selector;
pub mod text;

use std::fmt;

use super::ast::{Expr, ExprKind, Span};
use super::lex::{Kind, Lexer, Token};
use crate::base::limits::{QUERY_BYTES_MAX, QUERY_DEPTH_MAX};
use crate::series::matcher::Matcher;

/// Which experimental parts of the language are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParseOptions {
    /// Experimental functions and aggregations (`promql-experimental-functions`).
    pub experimental_functions: bool,
    /// Arithmetic in durations (`promql-duration-expr`).
    pub duration_expressions: bool,
    /// `anchored` and `smoothed` (`promql-extended-range-selectors`).
    pub extended_range_selectors: bool,
    /// `fill`, `fill_left`, `fill_right` (`promql-binop-fill-modifiers`).
    pub binop_fill: bool,
}

impl ParseOptions {
    /// Everything.
    pub const ALL: Self =
        Self { experimental_functions: true, duration_expressions: true, extended_range_selectors: true, binop_fill: true };
}

/// What is wrong at one place of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The bytes it is about.
    pub span: Span,
    /// Line and column (in bytes) of the first of them, from 1; none where the query is empty.
    pub position: Option<(usize, usize)>,
    /// In words.
    pub message: String,
    /// What could stand there, where that is a short list.
    pub expected: Option<&'static str>,
}

impl ParseError {
    /// Complains about `span` of `query`.
    pub fn new(query: &str, span: Span, message: String) -> Self {
        let position = (!query.is_empty()).then(|| {
            let before = query.as_bytes().get(..span.start as usize).unwrap_or(query.as_bytes());
            let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
            (line, column)
        });
        Self { span, position, message, expected: None }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{line}:{column}: parse error: {}", self.message),
            None => write!(f, "unknown position: parse error: {}", self.message),
        }
    }
}

/// All that is wrong with a query; never empty. Shows as the first error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseErrors(Vec<ParseError>);

impl ParseErrors {
    /// The first error.
    pub fn first(&self) -> &ParseError {
        &self.0[0]
    }

    /// All errors in the order they were found.
    #[cfg(test)]
    pub fn all(&self) -> &[ParseError] {
        &self.0
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.first(), f)
    }
}

impl std::error::Error for ParseErrors {}

/// More errors of one query are not collected.
const ERRORS_MAX: usize = 100;

/// Notes an error, unless there are too many.
pub(super) fn add_error(errors: &mut Vec<ParseError>, text: &str, span: Span, message: String) {
    if errors.len() < ERRORS_MAX {
        errors.push(ParseError::new(text, span, message));
    }
}

/// Reads and checks a query.
pub fn parse(text: &str, options: &ParseOptions) -> Result<Expr, ParseErrors> {
    let mut parser = Parser::new(text, *options)?;
    let parsed = parser.whole_query();
    let mut errors = parser.errors;
    let Ok(mut expr) = parsed else { return Err(ParseErrors(errors)) };
    if errors.is_empty() {
        super::check::check(&mut expr, text, &mut errors);
    }
    if errors.is_empty() { Ok(expr) } else { Err(ParseErrors(errors)) }
}

/// Reads a series selector without modifiers, such as the API's `match[]`; whether it selects everything is the caller's concern.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseErrors> {
    let mut parser = Parser::new(text, ParseOptions::default())?;
    let parsed = parser.whole_selector();
    match parsed {
        Ok(matchers) if parser.errors.is_empty() => Ok(matchers),
        _ => Err(ParseErrors(parser.errors)),
    }
}

/// Parsing cannot go on; why stands in [`Parser::errors`].
#[derive(Debug)]
struct Halt;

type Parsed<T> = Result<T, Halt>;

/// An expression and how high its tree is.
#[derive(Debug)]
struct Tree {
    expr: Expr,
    height: usize,
}

struct Parser<'a> {
    text: &'a str,
    options: ParseOptions,
    lexer: Lexer<'a>,
    ahead: Option<Token>,
    errors: Vec<ParseError>,
    /// Calls of this parser's functions within each other.
    depth: usize,
    /// Aggregations whose parentheses are open: upstream names them in messages.
    aggregations: usize,
    /// Operators between two sides so far.
    operators: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, options: ParseOptions) -> Result<Self, ParseErrors> {
        if text.len() > QUERY_BYTES_MAX {
            let message = format!("query is too long: {} bytes, at most {QUERY_BYTES_MAX} are allowed", text.len());
            return Err(ParseErrors(vec![ParseError::new(text, Span { start: 0, end: 0 }, message)]));
        }
        Ok(Self { text, options, lexer: Lexer::new(text), ahead: None, errors: Vec::new(), depth: 0, aggregations: 0, operators: 0 })
    }

    fn whole_query(&mut self) -> Parsed<Expr> {
        if self.peek()? == Kind::Eof {
            return self.fail(Span::default(), "no expression found in input".to_owned());
        }
        let tree = self.expression(0)?;
        if self.peek()? != Kind::Eof {
            return self.unexpected("", None);
        }
        Ok(tree.expr)
    }

    fn whole_selector(&mut self) -> Parsed<Vec<Matcher>> {
        let token = self.ahead()?;
        let selector = match token.kind {
            Kind::LeftBrace => self.braces_only()?,
            kind if expr::may_be_metric_name(kind) => {
                self.next()?;
                self.selector_named(token)?
            }
            _ => return self.unexpected("", None),
        };
        if self.peek()? != Kind::Eof {
            return self.unexpected("", None);
        }
        match selector.expr.kind {
            ExprKind::Selector(selector) => Ok(selector.matchers),
            _ => Ok(Vec::new()),
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
            Err(error) => self.fail(error.span, error.message),
        }
    }

    /// The kind of the token that comes next.
    fn peek(&mut self) -> Parsed<Kind> {
        self.ahead().map(|token| token.kind)
    }

    /// Takes the next token.
    fn next(&mut self) -> Parsed<Token> {
        let token = self.ahead()?;
        self.ahead = None;
        Ok(token)
    }

    /// Takes the next token if it is of this kind.
    fn accept(&mut self, kind: Kind) -> Parsed<Option<Token>> {
        if self.peek()? == kind { self.next().map(Some) } else { Ok(None) }
    }

    fn token_text(&self, token: Token) -> &'a str {
        self.text.get(token.span.start as usize..token.span.end as usize).unwrap_or("")
    }

    /// Notes an error and goes on.
    fn complain(&mut self, span: Span, message: String) {
        add_error(&mut self.errors, self.text, span, message);
    }

    /// Notes an error and stops.
    fn fail<T>(&mut self, span: Span, message: String) -> Parsed<T> {
        self.complain(span, message);
        Err(Halt)
    }

    /// Stops at the next token, which fits nothing.
    fn unexpected<T>(&mut self, context: &str, expected: Option<&'static str>) -> Parsed<T> {
        let token = self.ahead()?;
        let mut message = format!("unexpected {}", text::describe(token.kind, self.token_text(token)));
        if !context.is_empty() {
            message.push_str(" in ");
            message.push_str(context);
        }
        if let Some(expected) = expected {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        let mut error = ParseError::new(self.text, token.span, message);
        error.expected = expected;
        self.errors.push(error);
        Err(Halt)
    }

    /// [`Self::unexpected`] where an expression or its continuation should stand.
    fn unexpected_in_expression<T>(&mut self) -> Parsed<T> {
        self.unexpected(if self.aggregations > 0 { "aggregation" } else { "" }, None)
    }

    /// Goes one level down, within the limit.
    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > QUERY_DEPTH_MAX { self.too_deep() } else { Ok(()) }
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn too_deep<T>(&mut self) -> Parsed<T> {
        let span = self.ahead()?.span;
        self.fail(span, format!("expression is nested too deeply, at most {QUERY_DEPTH_MAX} levels are allowed"))
    }

    /// A node above nodes of these heights.
    fn node(&mut self, kind: ExprKind, span: Span, below: usize) -> Parsed<Tree> {
        let height = below + 1;
        if height > QUERY_DEPTH_MAX {
            return self.too_deep();
        }
        Ok(Tree { expr: Expr { kind, span }, height })
    }
}

#[cfg(test)]
mod tests;
