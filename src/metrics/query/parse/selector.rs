//! Names, `{…}` and lists of labels.

use std::sync::Arc;

use super::super::ast::{ExprKind, Extension, Modifiers, Span, VectorSelector};
use super::super::lex::{Kind, Op, Token};
use super::{Parsed, Parser, Tree, text};
use crate::series::go_regex;
use crate::series::labels::{METRIC_NAME, quote};
use crate::series::matcher::{MatchOp, Matcher};

const IN_MATCHERS: &str = "label matching";
const IN_GROUPING: &str = "grouping opts";

impl Parser<'_> {
    /// Behind a metric's name.
    pub(super) fn selector_named(&mut self, name: Token) -> Parsed<Tree> {
        let written: Arc<str> = self.token_text(name).into();
        let (mut matchers, end) = match self.peek()? {
            Kind::LeftBrace => self.matchers()?,
            _ => (Vec::new(), name.span.end),
        };
        matchers.push(Matcher::equal(METRIC_NAME, &written));
        self.selector(Some(written), matchers, Span { start: name.span.start, end })
    }

    /// At `{`, without a name before it.
    pub(super) fn braces_only(&mut self) -> Parsed<Tree> {
        let start = self.ahead()?.span.start;
        let (matchers, end) = self.matchers()?;
        self.selector(None, matchers, Span { start, end })
    }

    fn selector(&mut self, name: Option<Arc<str>>, matchers: Vec<Matcher>, span: Span) -> Parsed<Tree> {
        let selector = VectorSelector { name, matchers, modifiers: Modifiers::default(), extension: Extension::None };
        self.node(ExprKind::Selector(Box::new(selector)), span, 0)
    }

    /// `{…}` with its end.
    fn matchers(&mut self) -> Parsed<(Vec<Matcher>, u32)> {
        self.next()?;
        let mut matchers = Vec::new();
        if let Some(close) = self.accept(Kind::RightBrace)? {
            return Ok((matchers, close.span.end));
        }
        loop {
            self.matcher(&mut matchers)?;
            match self.peek()? {
                Kind::Comma => {
                    self.next()?;
                    if let Some(close) = self.accept(Kind::RightBrace)? {
                        return Ok((matchers, close.span.end));
                    }
                }
                Kind::RightBrace => return Ok((matchers, self.next()?.span.end)),
                _ => return self.unexpected(IN_MATCHERS, Some("\",\" or \"}\"")),
            }
        }
    }

    fn matcher(&mut self, matchers: &mut Vec<Matcher>) -> Parsed<()> {
        let token = self.ahead()?;
        let name = match token.kind {
            Kind::Identifier => self.token_text(token).to_owned(),
            Kind::String => text::unquote(self.token_text(token)),
            _ => return self.unexpected(IN_MATCHERS, Some("identifier or \"}\"")),
        };
        self.next()?;
        let op = match self.peek()? {
            Kind::Equal => MatchOp::Equal,
            Kind::Op(Op::Ne) => MatchOp::NotEqual,
            Kind::EqualRegex => MatchOp::Regex,
            Kind::NotEqualRegex => MatchOp::NotRegex,
            _ if token.kind == Kind::String => {
                matchers.push(Matcher::equal(METRIC_NAME, &name));
                return Ok(());
            }
            _ => return self.unexpected(IN_MATCHERS, Some("label matching operator")),
        };
        self.next()?;
        if self.peek()? != Kind::String {
            return self.unexpected(IN_MATCHERS, Some("string"));
        }
        let value = self.next()?;
        match Matcher::new(&name, op, &text::unquote(self.token_text(value))) {
            Ok(matcher) => matchers.push(matcher),
            Err(error) => {
                self.complain(Span { start: token.span.start, end: value.span.end }, go_regex::message(&error.pattern, &error.reason))
            }
        }
        Ok(())
    }

    /// `(a, "b.c", by)`.
    pub(super) fn grouping_labels(&mut self) -> Parsed<(Vec<Arc<str>>, u32)> {
        if self.accept(Kind::LeftParen)?.is_none() {
            return self.unexpected(IN_GROUPING, Some("\"(\""));
        }
        let mut labels = Vec::new();
        if let Some(close) = self.accept(Kind::RightParen)? {
            return Ok((labels, close.span.end));
        }
        loop {
            labels.push(self.grouping_label()?);
            match self.peek()? {
                Kind::Comma => {
                    self.next()?;
                    if let Some(close) = self.accept(Kind::RightParen)? {
                        return Ok((labels, close.span.end));
                    }
                }
                Kind::RightParen => return Ok((labels, self.next()?.span.end)),
                _ => return self.unexpected(IN_GROUPING, Some("\",\" or \")\"")),
            }
        }
    }

    fn grouping_label(&mut self) -> Parsed<Arc<str>> {
        let token = self.ahead()?;
        let label = match token.kind {
            Kind::String => text::unquote(self.token_text(token)),
            Kind::Identifier
            | Kind::MetricIdentifier
            | Kind::Aggregate
            | Kind::Keyword(_)
            | Kind::Preprocessor(_)
            | Kind::Op(Op::And | Op::Or | Op::Unless | Op::Atan2) => self.token_text(token).to_owned(),
            _ => return self.unexpected(IN_GROUPING, Some("label")),
        };
        self.next()?;
        if label.is_empty() {
            self.complain(token.span, format!("invalid label name for grouping: {}", quote(&label)));
        }
        Ok(label.into())
    }
}
