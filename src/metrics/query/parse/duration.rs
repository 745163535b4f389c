//! Durations and, where allowed, arithmetic on them.
//!
//! While they are read, literals are [`DurationExpr::Number`]s in seconds. A literal that stands alone becomes
//! [`DurationExpr::Fixed`] in the end.

use super::super::ast::{BinaryOp, DurationExpr, Span};
use super::super::lex::{Kind, Op, Preprocessor};
use super::{Parsed, Parser, text};
use crate::base::limits::QUERY_DEPTH_MAX;

/// What messages say about a place where a duration should stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// In what.
    pub(super) context: &'static str,
    /// What could stand there.
    pub(super) expected: &'static str,
}

/// A duration with its place and the height of its tree.
#[derive(Debug)]
pub(super) struct Length {
    pub(super) expr: DurationExpr,
    pub(super) span: Span,
    height: usize,
}

const ZERO: DurationExpr = DurationExpr::Number { secs: 0.0, is_duration: false };
/// Seconds beyond this do not fit 64 bits of nanoseconds.
const SECS_MAX: f64 = 9_223_372_036.854_776;

/// Precedence of `^`; unary signs bind weaker than it and stronger than all others.
const POW: u8 = 3;

fn binary(kind: Kind) -> Option<(BinaryOp, u8)> {
    Some(match kind {
        Kind::Op(Op::Add) => (BinaryOp::Add, 1),
        Kind::Op(Op::Sub) => (BinaryOp::Sub, 1),
        Kind::Op(Op::Mul) => (BinaryOp::Mul, 2),
        Kind::Op(Op::Div) => (BinaryOp::Div, 2),
        Kind::Op(Op::Mod) => (BinaryOp::Mod, 2),
        Kind::Op(Op::Pow) => (BinaryOp::Pow, POW),
        _ => return None,
    })
}

/// Whole milliseconds of a literal in seconds, cut as upstream cuts its nanoseconds.
fn to_ms(secs: f64) -> i64 {
    (secs * 1e9).round() as i64 / 1_000_000
}

impl Length {
    /// The finished form.
    pub(super) fn finish(self) -> DurationExpr {
        match self.expr {
            DurationExpr::Number { secs, .. } => DurationExpr::Fixed(to_ms(secs)),
            computed => computed,
        }
    }
}

impl Parser<'_> {
    /// A range or a step: above zero when it is a literal.
    pub(super) fn positive_duration(&mut self, place: Place) -> Parsed<Length> {
        let length = self.duration(place, 0)?;
        if let DurationExpr::Number { secs, .. } = length.expr
            && secs <= 0.0
        {
            self.complain(length.span, "duration must be greater than 0".to_owned());
        }
        Ok(length)
    }

    /// What may follow `offset`. Arithmetic must stand in parentheses: `foo offset -2^2` is `(foo offset -2)^2`.
    pub(super) fn offset_duration(&mut self, place: Place) -> Parsed<Length> {
        match self.peek()? {
            Kind::LeftParen => self.duration(place, 0),
            Kind::Op(Op::Add | Op::Sub) => {
                let sign = self.next()?;
                let negate = sign.kind == Kind::Op(Op::Sub);
                match self.peek()? {
                    Kind::LeftParen => {
                        let inner = self.parenthesised(place, false)?;
                        self.signed(negate, sign.span, inner)
                    }
                    Kind::Op(Op::Add | Op::Sub) => {
                        let operand = self.duration(place, POW)?;
                        let left = self.signed(negate, sign.span, operand)?;
                        self.duration_from(left, place, 0)
                    }
                    _ => {
                        let operand = self.duration_operand(place)?;
                        self.signed(negate, sign.span, operand)
                    }
                }
            }
            _ => self.duration_operand(place),
        }
    }

    fn duration(&mut self, place: Place, min: u8) -> Parsed<Length> {
        self.enter()?;
        let left = match self.peek()? {
            Kind::Op(Op::Add | Op::Sub) => {
                let sign = self.next()?;
                let operand = self.duration(place, POW)?;
                self.signed(sign.kind == Kind::Op(Op::Sub), sign.span, operand)?
            }
            _ => self.duration_operand(place)?,
        };
        let length = self.duration_from(left, place, min)?;
        self.leave();
        Ok(length)
    }

    fn duration_from(&mut self, mut left: Length, place: Place, min: u8) -> Parsed<Length> {
        while let Some((op, precedence)) = binary(self.peek()?).filter(|&(_, precedence)| precedence >= min) {
            let sign = self.next()?;
            let right = self.duration(place, if op == BinaryOp::Pow { precedence } else { precedence + 1 })?;
            self.check_enabled(left.span);
            let span = Span { start: left.span.start, end: right.span.end };
            if matches!(right.expr, DurationExpr::Number { secs: 0.0, .. }) && matches!(op, BinaryOp::Div | BinaryOp::Mod) {
                let message = if op == BinaryOp::Div { "division by zero" } else { "modulo by zero" };
                self.complain(sign.span, message.to_owned());
                left = Length { expr: ZERO, span, height: 1 };
                continue;
            }
            let below = left.height.max(right.height);
            left = self.length(DurationExpr::Binary(op, Box::new(left.expr), Box::new(right.expr)), span, below)?;
        }
        Ok(left)
    }

    /// A literal, `step()`, `range()`, `min_of(…)`, `max_of(…)` or something in parentheses.
    fn duration_operand(&mut self, place: Place) -> Parsed<Length> {
        let token = self.ahead()?;
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.next()?;
                let (secs, is_duration) = self.literal(token);
                if secs.abs() > SECS_MAX || secs.is_nan() {
                    self.complain(token.span, "duration out of range".to_owned());
                    return self.length(ZERO, token.span, 0);
                }
                self.length(DurationExpr::Number { secs, is_duration }, token.span, 0)
            }
            Kind::LeftParen => self.parenthesised(place, true),
            Kind::Preprocessor(word @ (Preprocessor::Step | Preprocessor::Range)) => {
                self.next()?;
                self.expect_in_duration(Kind::LeftParen, place)?;
                let end = self.expect_in_duration(Kind::RightParen, place)?;
                let span = Span { start: token.span.start, end };
                self.check_enabled(span);
                self.length(if word == Preprocessor::Step { DurationExpr::Step } else { DurationExpr::QueryRange }, span, 0)
            }
            Kind::Preprocessor(word @ (Preprocessor::MaxOf | Preprocessor::MinOf)) => {
                self.next()?;
                self.expect_in_duration(Kind::LeftParen, place)?;
                let left = self.duration(place, 0)?;
                self.expect_in_duration(Kind::Comma, place)?;
                let right = self.duration(place, 0)?;
                let span = Span { start: token.span.start, end: self.expect_in_duration(Kind::RightParen, place)? };
                self.check_enabled(span);
                let (below, left, right) = (left.height.max(right.height), Box::new(left.expr), Box::new(right.expr));
                let expr = if word == Preprocessor::MaxOf { DurationExpr::Max(left, right) } else { DurationExpr::Min(left, right) };
                self.length(expr, span, below)
            }
            _ => self.unexpected(place.context, Some(place.expected)),
        }
    }

    fn parenthesised(&mut self, place: Place, check: bool) -> Parsed<Length> {
        let open = self.next()?;
        let inner = self.duration(place, 0)?;
        let span = Span { start: open.span.start, end: self.expect_in_duration(Kind::RightParen, place)? };
        if check {
            self.check_enabled(inner.span);
        }
        match inner.expr {
            // Upstream remembers only that there are parentheses, not how many.
            DurationExpr::Paren(_) => Ok(Length { span, ..inner }),
            expr => self.length(DurationExpr::Paren(Box::new(expr)), span, inner.height),
        }
    }

    fn signed(&mut self, negate: bool, sign: Span, operand: Length) -> Parsed<Length> {
        let span = Span { start: sign.start, end: operand.span.end };
        match operand.expr {
            DurationExpr::Number { secs, is_duration } => {
                self.length(DurationExpr::Number { secs: if negate { -secs } else { secs }, is_duration }, span, 0)
            }
            expr if negate => self.length(DurationExpr::Unary { negate, expr: Box::new(expr) }, span, operand.height),
            expr => Ok(Length { expr, span, height: operand.height }),
        }
    }

    fn length(&mut self, expr: DurationExpr, span: Span, below: usize) -> Parsed<Length> {
        let height = below + 1;
        if height > QUERY_DEPTH_MAX { self.too_deep() } else { Ok(Length { expr, span, height }) }
    }

    fn expect_in_duration(&mut self, kind: Kind, place: Place) -> Parsed<u32> {
        match self.accept(kind)? {
            Some(token) => Ok(token.span.end),
            None => self.unexpected(place.context, Some(place.expected)),
        }
    }

    fn check_enabled(&mut self, span: Span) {
        if !self.options.duration_expressions {
            self.complain(span, "experimental duration expression is not enabled".to_owned());
        }
    }

    /// The value of a number or duration token in seconds, and whether it is a duration; 0 after a complaint.
    pub(super) fn literal(&mut self, token: super::Token) -> (f64, bool) {
        let is_duration = token.kind == Kind::Duration;
        let written = self.token_text(token);
        let value = if is_duration { text::duration(written) } else { text::number(written) };
        let value = value.unwrap_or_else(|message| {
            self.complain(token.span, message);
            0.0
        });
        (value, is_duration)
    }
}
