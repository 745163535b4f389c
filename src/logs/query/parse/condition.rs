//! Label filters: conditions joined by `and`, `or`, commas, or just standing beside each other.
//!
//! `and` and `or` bind from the left, `and` more strongly. A comma, or nothing, joins what stands to its left most
//! strongly with all that follows: `a or b, c or d` is `a or (b, (c or d))`. That is what upstream's grammar does.

use std::sync::Arc;

use super::range::match_op;
use super::{Parsed, Parser};
use crate::logs::query::ast::{BinaryOp, CompareOp, LabelFilter, LabelFilterKind, MatchOp};
use crate::logs::query::lex::Kind;

impl Parser<'_> {
    /// Conditions whose operators bind at least so strongly.
    pub(super) fn condition(&mut self, min: u8) -> Parsed<LabelFilter> {
        self.enter()?;
        let mut left = self.one_condition()?;
        loop {
            left = match self.peek()? {
                Kind::Op(op @ (BinaryOp::And | BinaryOp::Or)) if op.precedence() >= min => {
                    self.next()?;
                    let right = self.condition(op.precedence() + 1)?;
                    self.joined(op == BinaryOp::And, left, right)
                }
                Kind::Comma => {
                    self.next()?;
                    let right = self.condition(0)?;
                    self.joined(true, left, right)
                }
                Kind::Identifier | Kind::LeftParen => {
                    let right = self.condition(0)?;
                    self.joined(true, left, right)
                }
                _ => break,
            };
        }
        self.leave();
        Ok(left)
    }

    fn joined(&self, all: bool, left: LabelFilter, right: LabelFilter) -> LabelFilter {
        let span = self.since(left.span.start);
        let kind = match (left.kind, all) {
            (LabelFilterKind::All(mut parts), true) => {
                parts.push(right);
                LabelFilterKind::All(parts)
            }
            (LabelFilterKind::Any(mut parts), false) => {
                parts.push(right);
                LabelFilterKind::Any(parts)
            }
            (kind, true) => LabelFilterKind::All(vec![LabelFilter { kind, span: left.span }, right]),
            (kind, false) => LabelFilterKind::Any(vec![LabelFilter { kind, span: left.span }, right]),
        };
        LabelFilter { kind, span }
    }

    fn one_condition(&mut self) -> Parsed<LabelFilter> {
        if self.accept(Kind::LeftParen)? {
            let inside = self.condition(0)?;
            self.expect(Kind::RightParen, &[])?;
            return Ok(inside);
        }
        let token = self.expect(Kind::Identifier, &[])?;
        let label: Arc<str> = self.written(token).into();
        let kind = self.comparison(label)?;
        Ok(LabelFilter { kind, span: self.since(token.span.start) })
    }

    /// What stands behind a label.
    fn comparison(&mut self, label: Arc<str>) -> Parsed<LabelFilterKind> {
        let kind = self.peek()?;
        let text = match_op(kind);
        if let Some(op) = text
            && self.peek_second()? == Kind::String
        {
            return self.matcher_on(&label, op).map(LabelFilterKind::Text);
        }
        if matches!(text, Some(MatchOp::Regex | MatchOp::NotRegex)) {
            self.next()?;
            return self.unexpected(&["STRING"]);
        }
        let Some(op) = compare_op(kind) else { return self.unexpected(&[]) };
        self.next()?;
        match self.peek()? {
            Kind::Ip if text.is_some() => {
                self.next()?;
                let (pattern, _) = self.ip_pattern()?;
                Ok(LabelFilterKind::Ip { label, negative: op == CompareOp::Ne, pattern })
            }
            Kind::Duration(nanos) => {
                self.next()?;
                Ok(LabelFilterKind::Duration { label, op, nanos })
            }
            Kind::Bytes(bytes) => {
                self.next()?;
                Ok(LabelFilterKind::Bytes { label, op, bytes })
            }
            Kind::Number | Kind::Op(BinaryOp::Add | BinaryOp::Sub) => {
                let value = self.signed_number()?;
                Ok(LabelFilterKind::Number { label, op, value })
            }
            _ => self.unexpected(&[]),
        }
    }
}

fn compare_op(kind: Kind) -> Option<CompareOp> {
    Some(match kind {
        Kind::Equal | Kind::Op(BinaryOp::Eq) => CompareOp::Eq,
        Kind::Op(BinaryOp::Ne) => CompareOp::Ne,
        Kind::Op(BinaryOp::Gt) => CompareOp::Gt,
        Kind::Op(BinaryOp::Ge) => CompareOp::Ge,
        Kind::Op(BinaryOp::Lt) => CompareOp::Lt,
        Kind::Op(BinaryOp::Le) => CompareOp::Le,
        _ => return None,
    })
}
