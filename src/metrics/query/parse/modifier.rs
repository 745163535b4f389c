//! What may stand behind an expression: `[…]`, `offset`, `@`, `anchored`, `smoothed`.

use super::super::ast::{At, DurationExpr, Expr, ExprKind, Extension, Modifiers, RangeSelector, Span, Subquery};
use super::super::lex::{Keyword, Kind, Op, Preprocessor, Token};
use super::duration::Place;
use super::{Parsed, Parser, Tree};

const RANGE: Place = Place { context: "subquery or range selector", expected: "number, duration, step(), or range()" };
const STEP: Place = Place { context: "subquery selector", expected: "number, duration, step(), range(), or \"]\"" };
const OFFSET: Place = Place { context: "offset", expected: "number, duration, step(), or range()" };

/// What modifiers change.
struct Modified<'e> {
    modifiers: &'e mut Modifiers,
    span: &'e mut Span,
}

fn modified(expr: &mut Expr) -> Option<Modified<'_>> {
    let span = &mut expr.span;
    let modifiers = match &mut expr.kind {
        ExprKind::Selector(selector) => &mut selector.modifiers,
        ExprKind::Range(range) => &mut range.selector.modifiers,
        ExprKind::Subquery(subquery) => &mut subquery.modifiers,
        _ => return None,
    };
    Some(Modified { modifiers, span })
}

impl Parser<'_> {
    /// All that stands behind `tree` and binds stronger than any operator.
    pub(super) fn modifiers(&mut self, mut tree: Tree) -> Parsed<Tree> {
        loop {
            let token = self.ahead()?;
            match token.kind {
                Kind::LeftBracket => tree = self.brackets(tree)?,
                Kind::Keyword(Keyword::Offset) => {
                    self.next()?;
                    self.offset(&mut tree.expr)?;
                }
                Kind::At => {
                    self.next()?;
                    self.at(&mut tree.expr)?;
                }
                Kind::Keyword(word @ (Keyword::Anchored | Keyword::Smoothed)) => {
                    self.next()?;
                    self.extend(&mut tree.expr, word == Keyword::Anchored, token);
                }
                _ => return Ok(tree),
            }
        }
    }

    fn brackets(&mut self, tree: Tree) -> Parsed<Tree> {
        let open = self.next()?;
        let range = self.positive_duration(RANGE)?;
        match self.peek()? {
            Kind::RightBracket => {
                let end = self.next()?.span.end;
                self.range_selector(tree, range.finish(), Span { start: open.span.start, end })
            }
            Kind::Colon => {
                self.next()?;
                let step = if self.peek()? == Kind::RightBracket { None } else { Some(self.positive_duration(STEP)?.finish()) };
                let Some(close) = self.accept(Kind::RightBracket)? else {
                    return self.unexpected("subquery selector", Some("\"]\""));
                };
                let span = Span { start: tree.expr.span.start, end: close.span.end };
                let subquery = Subquery { expr: tree.expr, range: range.finish(), step, modifiers: Modifiers::default() };
                self.node(ExprKind::Subquery(Box::new(subquery)), span, tree.height)
            }
            _ => self.unexpected("subquery or range", Some("\":\" or \"]\"")),
        }
    }

    fn range_selector(&mut self, tree: Tree, range: DurationExpr, brackets: Span) -> Parsed<Tree> {
        let span = Span { start: tree.expr.span.start, end: brackets.end };
        let ExprKind::Selector(selector) = tree.expr.kind else {
            self.complain(brackets, "ranges only allowed for vector selectors".to_owned());
            return Ok(tree);
        };
        if selector.modifiers.offset.is_some() {
            self.complain(brackets, "no offset modifiers allowed before range".to_owned());
        } else if selector.modifiers.at.is_some() {
            self.complain(brackets, "no @ modifiers allowed before range".to_owned());
        }
        let range = RangeSelector { selector: *selector, selector_span: tree.expr.span, range };
        self.node(ExprKind::Range(Box::new(range)), span, tree.height)
    }

    fn offset(&mut self, expr: &mut Expr) -> Parsed<()> {
        let length = self.offset_duration(OFFSET)?;
        let (end, offset, before) = (length.span.end, length.finish(), expr.span);
        let Some(modified) = modified(expr) else {
            let message = "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            self.complain(before, message.to_owned());
            return Ok(());
        };
        modified.span.end = end;
        if modified.modifiers.offset.is_some() {
            self.complain(before, "offset may not be set multiple times".to_owned());
        } else if offset != DurationExpr::Fixed(0) {
            modified.modifiers.offset = Some(offset);
        }
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Parsed<()> {
        let token = self.ahead()?;
        let (at, end) = match token.kind {
            Kind::Preprocessor(word @ (Preprocessor::Start | Preprocessor::End)) => {
                self.next()?;
                if self.accept(Kind::LeftParen)?.is_none() {
                    return self.unexpected("@", Some("timestamp"));
                }
                let Some(close) = self.accept(Kind::RightParen)? else {
                    return self.unexpected("@", Some("timestamp"));
                };
                (if word == Preprocessor::Start { At::Start } else { At::End }, close.span.end)
            }
            _ => {
                let (secs, end) = self.signed_literal()?;
                if !secs.is_finite() || secs.abs() >= 9_223_372_036_854_775_808.0 {
                    self.complain(expr.span, format!("timestamp out of bounds for @ modifier: {}", go_fixed(secs)));
                }
                (At::Time((secs * 1000.0).round() as i64), end)
            }
        };
        let before = expr.span;
        let Some(modified) = modified(expr) else {
            let message = "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            self.complain(before, message.to_owned());
            return Ok(());
        };
        modified.span.end = end;
        if modified.modifiers.at.is_some() {
            self.complain(before, "@ <timestamp> may not be set multiple times".to_owned());
        } else {
            modified.modifiers.at = Some(at);
        }
        Ok(())
    }

    fn signed_literal(&mut self) -> Parsed<(f64, u32)> {
        let mut sign = 1.0;
        if let Kind::Op(op @ (Op::Add | Op::Sub)) = self.peek()? {
            self.next()?;
            sign = if op == Op::Sub { -1.0 } else { 1.0 };
        }
        let token = self.ahead()?;
        if !matches!(token.kind, Kind::Number | Kind::Duration) {
            return self.unexpected("@", Some("timestamp"));
        }
        self.next()?;
        Ok((sign * self.literal(token).0, token.span.end))
    }

    fn extend(&mut self, expr: &mut Expr, anchored: bool, token: Token) {
        let word = if anchored { "anchored" } else { "smoothed" };
        let span = expr.span;
        if !self.options.extended_range_selectors {
            return self.complain(span, format!("{word} modifier is experimental and not enabled"));
        }
        let selector = match &mut expr.kind {
            ExprKind::Selector(selector) => &mut **selector,
            ExprKind::Range(range) => &mut range.selector,
            ExprKind::Subquery(_) => return self.complain(span, format!("{word} modifier is not supported for subqueries")),
            _ => return self.complain(span, format!("{word} modifier not implemented")),
        };
        let wanted = if anchored { Extension::Anchored } else { Extension::Smoothed };
        if selector.extension != Extension::None && selector.extension != wanted {
            self.complain(span, "anchored and smoothed modifiers cannot be used together".to_owned());
        } else {
            selector.extension = wanted;
            expr.span.end = token.span.end;
        }
    }
}

/// As Go's `%f`.
fn go_fixed(value: f64) -> String {
    if value.is_finite() { format!("{value:.6}") } else { crate::base::float::plain(value) }
}
