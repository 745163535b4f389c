//! Lines within a range: `{…} … [5m] offset 1h`, where the range may stand before or behind the pipeline, in
//! parentheses or not.

use super::{Parsed, Parser};
use crate::logs::query::ast::{BinaryOp, LogExpr, LogRange, MatchOp, Matcher, Selector, Stage, Unwrap};
use crate::logs::query::lex::{Keyword, Kind};
use crate::series::go_regex;

/// A selector and its pipeline, whose range may still come.
struct Part {
    log: LogExpr,
    unwrap: Option<Unwrap>,
    /// Length and offset.
    range: Option<(i64, i64)>,
}

impl Parser<'_> {
    /// A selector with its pipeline.
    pub(super) fn log(&mut self) -> Parsed<LogExpr> {
        let selector = self.selector()?;
        let stages = self.stages()?;
        Ok(self.log_of(selector, stages))
    }

    const fn log_of(&self, selector: Selector, stages: Vec<Stage>) -> LogExpr {
        let span = self.since(selector.span.start);
        LogExpr { selector, stages, span }
    }

    /// `{name="value", …}`.
    pub(super) fn selector(&mut self) -> Parsed<Selector> {
        let start = self.expect(Kind::LeftBrace, &["{"])?.span.start;
        let mut matchers = Vec::new();
        if !self.accept(Kind::RightBrace)? {
            loop {
                matchers.push(self.matcher(if matchers.is_empty() { &["IDENTIFIER", "}"] } else { &["IDENTIFIER"] })?);
                if self.accept(Kind::RightBrace)? {
                    break;
                }
                self.expect(Kind::Comma, &["}", ","])?;
            }
        }
        Ok(Selector { matchers, span: self.since(start) })
    }

    /// `name="value"` and the like.
    pub(super) fn matcher(&mut self, expected: &[&str]) -> Parsed<Matcher> {
        let name = self.identifier(expected)?;
        match self.peek().map(match_op)? {
            Some(op) => self.matcher_on(&name, op),
            None => self.unexpected(&["=", "=~", "!~", "!="]),
        }
    }

    /// The rest of a matcher from its operator on.
    pub(super) fn matcher_on(&mut self, name: &str, op: MatchOp) -> Parsed<Matcher> {
        self.next()?;
        let (value, span) = self.string(&["STRING"])?;
        match Matcher::new(name, op, &value) {
            Ok(matcher) => Ok(matcher),
            Err(error) => self.fail(span, go_regex::message(&value, &error.reason)),
        }
    }

    /// What a range aggregation is about.
    pub(super) fn log_range(&mut self) -> Parsed<LogRange> {
        let start = self.ahead()?.span.start;
        let part = self.part()?;
        match part.range {
            Some((interval_ns, offset_ns)) => {
                Ok(LogRange { log: part.log, unwrap: part.unwrap, interval_ns, offset_ns, span: self.since(start) })
            }
            None => self.unexpected(&[]),
        }
    }

    fn part(&mut self) -> Parsed<Part> {
        if !self.accept(Kind::LeftParen)? {
            return self.bare_part();
        }
        self.enter()?;
        let mut part = self.part()?;
        self.leave();
        self.expect(Kind::RightParen, &[])?;
        if part.range.is_none() {
            part.range = Some(self.range_and_offset()?);
            // Behind the range of a lone selector there may be an unwrap, but no pipeline.
            if part.log.stages.is_empty() && part.unwrap.is_none() && self.at_unwrap()? {
                part.unwrap = Some(self.unwrap()?);
            }
        }
        Ok(part)
    }

    /// A part that begins with its selector.
    fn bare_part(&mut self) -> Parsed<Part> {
        let selector = self.selector()?;
        if matches!(self.peek()?, Kind::Range(_)) {
            let range = Some(self.range_and_offset()?);
            let selector_span = selector.span;
            let stages = self.stages()?;
            let mut log = self.log_of(selector, stages);
            if log.stages.is_empty() {
                log.span = selector_span;
            }
            let unwrap = if self.at_unwrap()? { Some(self.unwrap()?) } else { None };
            return Ok(Part { log, unwrap, range });
        }
        let stages = self.stages()?;
        let log = self.log_of(selector, stages);
        let unwrap = if self.at_unwrap()? { Some(self.unwrap()?) } else { None };
        let range = if matches!(self.peek()?, Kind::Range(_)) { Some(self.range_and_offset()?) } else { None };
        Ok(Part { log, unwrap, range })
    }

    fn range_and_offset(&mut self) -> Parsed<(i64, i64)> {
        let Kind::Range(interval) = self.peek()? else { return self.unexpected(&["RANGE"]) };
        self.next()?;
        if !self.accept(Kind::Keyword(Keyword::Offset))? {
            return Ok((interval, 0));
        }
        let Kind::Duration(offset) = self.peek()? else { return self.unexpected(&["DURATION"]) };
        self.next()?;
        Ok((interval, offset))
    }

    fn at_unwrap(&mut self) -> Parsed<bool> {
        Ok(self.peek()? == Kind::Pipe && self.peek_second()? == Kind::Keyword(Keyword::Unwrap))
    }

    /// `| unwrap label`, `| unwrap bytes(label)`, and the filters behind.
    fn unwrap(&mut self) -> Parsed<Unwrap> {
        let start = self.next()?.span.start;
        self.next()?;
        let (conversion, label) = match self.peek()? {
            Kind::Conversion(conversion) => {
                self.next()?;
                self.expect(Kind::LeftParen, &["("])?;
                let label = self.identifier(&["IDENTIFIER"])?;
                self.expect(Kind::RightParen, &[")"])?;
                (Some(conversion), label)
            }
            _ => (None, self.identifier(&["IDENTIFIER", "BYTES_CONV", "DURATION_CONV", "DURATION_SECONDS_CONV"])?),
        };
        let mut filters = Vec::new();
        while self.accept(Kind::Pipe)? {
            filters.push(self.condition(0)?);
            self.check_count(filters.len())?;
        }
        Ok(Unwrap { label, conversion, filters, span: self.since(start) })
    }
}

/// The operators of matchers.
pub(super) fn match_op(kind: Kind) -> Option<MatchOp> {
    Some(match kind {
        Kind::Equal => MatchOp::Equal,
        Kind::Op(BinaryOp::Ne) => MatchOp::NotEqual,
        Kind::RegexEqual => MatchOp::Regex,
        Kind::NotRegex => MatchOp::NotRegex,
        _ => return None,
    })
}
