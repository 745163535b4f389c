//! Operators, calls, aggregations and what they are made of.

use std::sync::Arc;

use super::super::ast::{Aggregate, AggregateOp, Binary, BinaryOp, Call, Cardinality, Expr, ExprKind, NumberLiteral, Span, VectorMatching};
use super::super::lex::{Keyword, Kind, Op, Token};
use super::super::signature;
use super::{Parsed, Parser, Tree, text};
use crate::base::limits::QUERY_OPERATORS_MAX;
use crate::series::labels::quote;

/// Precedence of `^`; unary signs bind weaker than it and stronger than all others.
const POW: u8 = 6;

/// How strongly an operator binds its sides.
const fn precedence(op: BinaryOp) -> u8 {
    use BinaryOp as B;
    match op {
        B::Or => 1,
        B::And | B::Unless => 2,
        B::Eq | B::Ne | B::Lt | B::Le | B::Gt | B::Ge | B::TrimUpper | B::TrimLower => 3,
        B::Add | B::Sub => 4,
        B::Mul | B::Div | B::Mod | B::Atan2 => 5,
        B::Pow => POW,
    }
}

fn aggregate_op(word: &str) -> Option<AggregateOp> {
    use AggregateOp as A;
    let all = [
        A::Sum,
        A::Avg,
        A::Count,
        A::Min,
        A::Max,
        A::Group,
        A::Stddev,
        A::Stdvar,
        A::Topk,
        A::Bottomk,
        A::CountValues,
        A::Quantile,
        A::Limitk,
        A::LimitRatio,
    ];
    all.into_iter().find(|op| op.as_str().eq_ignore_ascii_case(word))
}

/// Whether a token may stand for a metric's name.
pub(super) fn may_be_metric_name(kind: Kind) -> bool {
    match kind {
        Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate | Kind::Preprocessor(_) => true,
        Kind::Op(op) => matches!(op, Op::And | Op::Or | Op::Unless),
        Kind::Keyword(word) => !matches!(word, Keyword::Bool | Keyword::On | Keyword::Ignoring | Keyword::GroupLeft | Keyword::GroupRight),
        _ => false,
    }
}

/// Whether an expression may begin with a token.
fn may_begin(kind: Kind) -> bool {
    may_be_metric_name(kind)
        || matches!(kind, Kind::Number | Kind::Duration | Kind::String | Kind::LeftParen | Kind::LeftBrace)
        || matches!(kind, Kind::Op(Op::Add | Op::Sub))
}

impl Parser<'_> {
    /// An expression of operators that bind at least as strongly as `min`.
    pub(super) fn expression(&mut self, min: u8) -> Parsed<Tree> {
        self.enter()?;
        let mut left = self.operand()?;
        while let Kind::Op(op) = self.peek()? {
            let precedence = precedence(op);
            if precedence < min {
                break;
            }
            self.next()?;
            left = self.binary(left, op, if op == BinaryOp::Pow { precedence } else { precedence + 1 })?;
        }
        self.leave();
        Ok(left)
    }

    /// Behind an operator.
    fn binary(&mut self, left: Tree, op: BinaryOp, min: u8) -> Parsed<Tree> {
        let (return_bool, matching) = self.binary_modifiers()?;
        let right = self.expression(min)?;
        let span = Span { start: left.expr.span.start, end: right.expr.span.end };
        if !self.options.binop_fill && (matching.fill_left.is_some() || matching.fill_right.is_some()) {
            self.complain(span, "binop fill modifiers are experimental and not enabled".to_owned());
        }
        self.operators += 1;
        if self.operators > QUERY_OPERATORS_MAX {
            return self.fail(span, format!("expression has too many operators, at most {QUERY_OPERATORS_MAX} are allowed"));
        }
        // A longer chain is no deeper.
        let of_left = if matches!(left.expr.kind, ExprKind::Binary(_)) { left.height - 1 } else { left.height };
        let below = of_left.max(right.height);
        let binary = Binary { op, left: left.expr, right: right.expr, return_bool, matching: Some(matching) };
        self.node(ExprKind::Binary(Box::new(binary)), span, below)
    }

    /// `bool on (…) group_left (…) fill (…)`.
    fn binary_modifiers(&mut self) -> Parsed<(bool, VectorMatching)> {
        let mut matching = VectorMatching::default();
        let return_bool = self.accept(Kind::Keyword(Keyword::Bool))?.is_some();
        if let Kind::Keyword(word @ (Keyword::On | Keyword::Ignoring)) = self.peek()? {
            self.next()?;
            matching.on = word == Keyword::On;
            matching.labels = self.grouping_labels()?.0;
            if let Kind::Keyword(side @ (Keyword::GroupLeft | Keyword::GroupRight)) = self.peek()? {
                self.next()?;
                matching.cardinality = if side == Keyword::GroupLeft { Cardinality::ManyToOne } else { Cardinality::OneToMany };
                if self.peek()? == Kind::LeftParen {
                    matching.include = self.grouping_labels()?.0;
                }
            }
        }
        match self.peek()? {
            Kind::Keyword(Keyword::Fill) => {
                let value = self.fill_value()?;
                (matching.fill_left, matching.fill_right) = (Some(value), Some(value));
            }
            Kind::Keyword(Keyword::FillLeft) => {
                matching.fill_left = Some(self.fill_value()?);
                if self.peek()? == Kind::Keyword(Keyword::FillRight) {
                    matching.fill_right = Some(self.fill_value()?);
                }
            }
            Kind::Keyword(Keyword::FillRight) => {
                matching.fill_right = Some(self.fill_value()?);
                if self.peek()? == Kind::Keyword(Keyword::FillLeft) {
                    matching.fill_left = Some(self.fill_value()?);
                }
            }
            _ => {}
        }
        Ok((return_bool, matching))
    }

    /// At `fill`, `fill_left` or `fill_right`.
    fn fill_value(&mut self) -> Parsed<f64> {
        self.next()?;
        if self.accept(Kind::LeftParen)?.is_none() {
            return self.unexpected_in_expression();
        }
        let mut sign = 1.0;
        if let Kind::Op(op @ (Op::Add | Op::Sub)) = self.peek()? {
            self.next()?;
            sign = if op == Op::Sub { -1.0 } else { 1.0 };
        }
        let token = self.ahead()?;
        if !matches!(token.kind, Kind::Number | Kind::Duration) {
            return self.unexpected_in_expression();
        }
        self.next()?;
        let value = self.literal(token).0;
        if self.accept(Kind::RightParen)?.is_none() {
            return self.unexpected_in_expression();
        }
        Ok(sign * value)
    }

    /// Something without operators, with its sign and modifiers.
    fn operand(&mut self) -> Parsed<Tree> {
        let token = self.ahead()?;
        if let Kind::Op(sign @ (Op::Add | Op::Sub)) = token.kind {
            self.next()?;
            let operand = self.expression(POW)?;
            return self.signed_operand(sign == Op::Sub, token, operand);
        }
        let tree = self.primary(token)?;
        self.modifiers(tree)
    }

    fn signed_operand(&mut self, negate: bool, sign: Token, operand: Tree) -> Parsed<Tree> {
        let span = Span { start: sign.span.start, end: operand.expr.span.end };
        match operand.expr.kind {
            ExprKind::Number(number) => {
                let value = if negate { -number.value } else { number.value };
                Ok(Tree { expr: Expr { kind: ExprKind::Number(NumberLiteral { value, ..number }), span }, height: operand.height })
            }
            _ => {
                let height = operand.height;
                self.node(ExprKind::Unary { negate, expr: Box::new(operand.expr) }, span, height)
            }
        }
    }

    fn primary(&mut self, token: Token) -> Parsed<Tree> {
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.next()?;
                let (value, is_duration) = self.literal(token);
                self.node(ExprKind::Number(NumberLiteral { value, is_duration }), token.span, 0)
            }
            Kind::String => {
                self.next()?;
                let value = text::unquote(self.token_text(token));
                self.node(ExprKind::String(value), token.span, 0)
            }
            Kind::LeftParen => {
                self.next()?;
                let inner = self.expression(0)?;
                let Some(close) = self.accept(Kind::RightParen)? else { return self.unexpected_in_expression() };
                let span = Span { start: token.span.start, end: close.span.end };
                self.node(ExprKind::Paren(Box::new(inner.expr)), span, inner.height)
            }
            Kind::LeftBrace => self.braces_only(),
            Kind::Aggregate => {
                self.next()?;
                match self.peek()? {
                    Kind::LeftParen | Kind::Keyword(Keyword::By | Keyword::Without) => self.aggregate(token),
                    _ => self.selector_named(token),
                }
            }
            Kind::Identifier | Kind::Preprocessor(_) => {
                self.next()?;
                if self.peek()? == Kind::LeftParen { self.call(token) } else { self.selector_named(token) }
            }
            kind if may_be_metric_name(kind) => {
                self.next()?;
                self.selector_named(token)
            }
            _ => self.unexpected_in_expression(),
        }
    }

    /// Behind a function's name.
    fn call(&mut self, name: Token) -> Parsed<Tree> {
        let (args, below, end) = self.arguments()?;
        let span = Span { start: name.span.start, end };
        let written = self.token_text(name);
        let Some(function) = signature::find(written) else {
            self.complain(name.span, format!("unknown function with name {}", quote(written)));
            return Ok(nothing(span));
        };
        if function.experimental && !self.options.experimental_functions {
            self.complain(name.span, format!("function {} is not enabled", quote(written)));
        }
        self.node(ExprKind::Call(Box::new(Call { function, args })), span, below)
    }

    /// `(a, b)`: the expressions, the height of the highest, and where the list ends.
    fn arguments(&mut self) -> Parsed<(Vec<Expr>, usize, u32)> {
        let (mut args, mut below) = (Vec::new(), 0);
        self.next()?;
        if let Some(close) = self.accept(Kind::RightParen)? {
            return Ok((args, below, close.span.end));
        }
        let mut wanted = true;
        loop {
            if wanted {
                let tree = self.expression(0)?;
                below = below.max(tree.height);
                args.push(tree.expr);
            }
            match self.peek()? {
                Kind::Comma => {
                    let comma = self.next()?;
                    wanted = may_begin(self.peek()?);
                    if !wanted {
                        self.complain(comma.span, "trailing commas not allowed in function call args".to_owned());
                    }
                }
                Kind::RightParen => return Ok((args, below, self.next()?.span.end)),
                _ => return self.unexpected_in_expression(),
            }
        }
    }

    /// Behind an aggregation operator, at `(`, `by` or `without`.
    fn aggregate(&mut self, name: Token) -> Parsed<Tree> {
        self.aggregations += 1;
        let mut modifier = self.aggregate_modifier()?;
        if self.peek()? != Kind::LeftParen {
            return self.unexpected_in_expression();
        }
        let (mut args, below, mut end) = self.arguments()?;
        self.aggregations -= 1;
        if modifier.is_none() {
            modifier = self.aggregate_modifier()?;
            end = modifier.as_ref().map_or(end, |found| found.end);
        }
        let Grouping { without, labels: grouping, .. } = modifier.unwrap_or_default();
        let span = Span { start: name.span.start, end };
        let Some(op) = aggregate_op(self.token_text(name)) else { return self.unexpected_in_expression() };
        let wanted = if op.has_param() { 2 } else { 1 };
        if args.is_empty() {
            self.complain(span, "no arguments for aggregate expression provided".to_owned());
            return Ok(nothing(span));
        }
        if matches!(op, AggregateOp::Limitk | AggregateOp::LimitRatio) && !self.options.experimental_functions {
            let message = "is experimental and must be enabled with --enable-feature=promql-experimental-functions";
            self.complain(span, format!("{}() {message}", op.as_str()));
            return Ok(nothing(span));
        }
        let got = args.len();
        let (Some(expr), true) = (args.pop(), got == wanted) else {
            self.complain(span, format!("wrong number of arguments for aggregate expression provided, expected {wanted}, got {got}"));
            return Ok(nothing(span));
        };
        let aggregate = Aggregate { op, expr, param: args.pop(), grouping, without };
        self.node(ExprKind::Aggregate(Box::new(aggregate)), span, below)
    }

    /// `by (…)` or `without (…)`, if one stands here.
    fn aggregate_modifier(&mut self) -> Parsed<Option<Grouping>> {
        let Kind::Keyword(word @ (Keyword::By | Keyword::Without)) = self.peek()? else { return Ok(None) };
        self.next()?;
        let (labels, end) = self.grouping_labels()?;
        Ok(Some(Grouping { without: word == Keyword::Without, labels, end }))
    }
}

/// `by (…)` or `without (…)`.
#[derive(Debug, Default)]
struct Grouping {
    without: bool,
    labels: Vec<Arc<str>>,
    end: u32,
}

/// Stands where something wrong stood, so that parsing goes on and finds more.
fn nothing(span: Span) -> Tree {
    Tree { expr: Expr { kind: ExprKind::Number(NumberLiteral { value: 0.0, is_duration: false }), span }, height: 1 }
}
