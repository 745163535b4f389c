//! Expressions: operators with their modifiers, aggregations, literals.

use super::{Parsed, Parser};
use crate::base::limits::LOGQL_DEPTH_MAX;
use crate::logs::query::ast::{
    Binary, BinaryOp, Cardinality, Grouping, LabelReplace, Matching, MetricExpr, MetricKind, Query, RangeAggregate, RangeOp, Span,
    VectorAggregate, VectorOp,
};
use crate::logs::query::check;
use crate::logs::query::lex::{Keyword, Kind};

/// An expression and how high its tree is.
pub(super) struct Node {
    pub(super) query: Query,
    height: usize,
}

/// A [`Node`] that yields numbers.
struct Metric {
    expr: MetricExpr,
    height: usize,
}

/// What may follow the parenthesis of a list of labels.
const LABELS: [&str; 2] = ["IDENTIFIER", ")"];

impl Parser<'_> {
    /// An expression of operators that bind at least so strongly.
    pub(super) fn expression(&mut self, min: u8) -> Parsed<Node> {
        self.enter()?;
        let mut left = self.operand()?;
        while let Kind::Op(op) = self.peek()?
            && op.precedence() >= min
        {
            self.next()?;
            let (return_bool, matching) = self.operator_modifiers()?;
            let right = self.expression(if op == BinaryOp::Pow { op.precedence() } else { op.precedence() + 1 })?;
            left = self.binary(op, left, right, return_bool, matching)?;
        }
        self.leave();
        Ok(left)
    }

    /// An expression that must yield numbers.
    fn metric(&mut self) -> Parsed<Metric> {
        let Node { query, height } = self.expression(0)?;
        match query {
            Query::Metric(expr) => Ok(Metric { expr, height }),
            Query::Log(_) => self.unexpected(&[]),
        }
    }

    fn operand(&mut self) -> Parsed<Node> {
        let token = self.ahead()?;
        match token.kind {
            Kind::LeftParen => {
                self.next()?;
                let inside = self.expression(0)?;
                self.expect(Kind::RightParen, &[])?;
                Ok(inside)
            }
            Kind::LeftBrace => {
                let log = self.log()?;
                Ok(Node { query: Query::Log(log), height: 1 })
            }
            Kind::Number | Kind::Op(BinaryOp::Add | BinaryOp::Sub) => {
                let value = self.signed_number()?;
                self.node(MetricKind::Literal(value), token.span.start, 0)
            }
            Kind::RangeOp(op) => self.range_aggregate(op),
            Kind::VectorOp(op) => self.vector_aggregate(op),
            Kind::LabelReplace => self.label_replace(),
            Kind::Vector => {
                self.next()?;
                self.expect(Kind::LeftParen, &["("])?;
                let number = self.expect(Kind::Number, &["NUMBER"])?;
                let value = self.number_value(number, "vectorExpr")?;
                self.expect(Kind::RightParen, &[")"])?;
                self.node(MetricKind::Constant(value), token.span.start, 0)
            }
            _ => self.unexpected(&[]),
        }
    }

    /// A node above nodes of these heights, from `start` to here.
    fn node(&mut self, kind: MetricKind, start: u32, below: usize) -> Parsed<Node> {
        let span = self.since(start);
        let height = below + 1;
        if height > LOGQL_DEPTH_MAX {
            return self.too_deep();
        }
        Ok(Node { query: Query::Metric(MetricExpr { kind, span }), height })
    }

    fn binary(&mut self, op: BinaryOp, left: Node, right: Node, return_bool: bool, matching: Matching) -> Parsed<Node> {
        let height = left.height.max(right.height);
        let start = left.query.span().start;
        let side = |name: &str| format!("unexpected type for {name} leg of binary operation ({}): a log query", op.as_str());
        let (left, right) = match (left.query, right.query) {
            (Query::Metric(left), Query::Metric(right)) => (left, right),
            (Query::Log(left), _) => return self.fail(left.span, side("left")),
            (_, Query::Log(right)) => return self.fail(right.span, side("right")),
        };
        if op.is_set() {
            for (name, side) in [("left", &left), ("right", &right)] {
                if let MetricKind::Literal(value) = side.kind {
                    let message =
                        format!("unexpected literal for {name} leg of logical/set binary operation ({}): {value:.6}", op.as_str());
                    return self.fail(side.span, message);
                }
            }
        }
        if let (&MetricKind::Literal(left), &MetricKind::Literal(right)) = (&left.kind, &right.kind) {
            return self.node(MetricKind::Literal(check::compute(op, left, right)), start, 0);
        }
        self.node(MetricKind::Binary(Box::new(Binary { op, left, right, return_bool, matching })), start, height)
    }

    /// `bool`, `on (…)` or `ignoring (…)`, and then `group_left (…)` or `group_right (…)`.
    fn operator_modifiers(&mut self) -> Parsed<(bool, Matching)> {
        let return_bool = self.accept(Kind::Keyword(Keyword::Bool))?;
        let mut matching = Matching::default();
        matching.on = match self.peek()? {
            Kind::Keyword(Keyword::On) => true,
            Kind::Keyword(Keyword::Ignoring) => false,
            _ => return Ok((return_bool, matching)),
        };
        self.next()?;
        matching.labels = self.label_list()?;
        matching.cardinality = match self.peek()? {
            Kind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            Kind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok((return_bool, matching)),
        };
        self.next()?;
        // A parenthesis here is always a list of labels, never the right side's.
        if self.peek()? == Kind::LeftParen {
            matching.include = Some(self.label_list()?).filter(|labels| !labels.is_empty());
        }
        Ok((return_bool, matching))
    }

    /// `(a, b)`, or `()`.
    fn label_list(&mut self) -> Parsed<Vec<std::sync::Arc<str>>> {
        self.expect(Kind::LeftParen, &["("])?;
        let mut labels = Vec::new();
        if self.accept(Kind::RightParen)? {
            return Ok(labels);
        }
        loop {
            labels.push(self.identifier(if labels.is_empty() { &LABELS } else { &["IDENTIFIER"] })?);
            if self.accept(Kind::RightParen)? {
                return Ok(labels);
            }
            self.expect(Kind::Comma, &[",", ")"])?;
        }
    }

    fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let without = match self.peek()? {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.next()?;
        Ok(Some(Grouping { without, labels: self.label_list()? }))
    }

    /// A number and a comma before the rest, as in `topk(5, …)`.
    fn parameter(&mut self) -> Parsed<Option<super::Token>> {
        if self.peek()? != Kind::Number || self.peek_second()? != Kind::Comma {
            return Ok(None);
        }
        let number = self.next()?;
        self.next()?;
        Ok(Some(number))
    }

    fn range_aggregate(&mut self, op: RangeOp) -> Parsed<Node> {
        let start = self.next()?.span;
        self.expect(Kind::LeftParen, &["("])?;
        let param = self.parameter()?;
        let range = self.log_range()?;
        self.expect(Kind::RightParen, &[])?;
        let grouping = self.grouping()?;
        let param = match (param, op) {
            (Some(token), RangeOp::QuantileOverTime) => Some(self.number_value(token, "parameter")?),
            (Some(token), _) => {
                let message = format!("parameter {} not supported for operation {}", self.written(token), op.as_str());
                return self.fail(token.span, message);
            }
            (None, RangeOp::QuantileOverTime) => return self.fail(start, "parameter required for operation quantile_over_time"),
            (None, _) => None,
        };
        let aggregate = RangeAggregate { op, param, range, grouping };
        if let Err(message) = check::range_aggregate(&aggregate) {
            return self.fail(start, message);
        }
        self.node(MetricKind::Range(Box::new(aggregate)), start.start, 1)
    }

    fn vector_aggregate(&mut self, op: VectorOp) -> Parsed<Node> {
        let start = self.next()?.span;
        let before = self.grouping()?;
        self.expect(Kind::LeftParen, &["("])?;
        let param = self.parameter()?;
        let Metric { expr, height } = self.metric()?;
        self.expect(Kind::RightParen, &[])?;
        let grouping = if before.is_some() { before } else { self.grouping()? };
        let count = match (param, op.takes_count()) {
            (Some(token), true) => Some(self.count(token, op)?),
            (Some(token), false) => {
                let message = format!("unsupported parameter for operation {}({},", op.as_str(), self.written(token));
                return self.fail(token.span, message);
            }
            (None, true) => return self.fail(start, format!("parameter required for operation {}", op.as_str())),
            (None, false) => None,
        };
        let mut aggregate = VectorAggregate { op, count, expr, grouping };
        if let Err(message) = check::vector_aggregate(&aggregate) {
            return self.fail(start, message);
        }
        // `by ()` is what no grouping means.
        aggregate.grouping = aggregate.grouping.filter(|grouping| grouping.without || !grouping.labels.is_empty());
        self.node(MetricKind::Vector(Box::new(aggregate)), start.start, height)
    }

    /// k of `topk`: a whole number above zero.
    fn count(&self, token: super::Token, op: VectorOp) -> Parsed<u64> {
        let written = self.written(token);
        match written.parse::<i64>() {
            Ok(count) if count > 0 => Ok(count.unsigned_abs()),
            Ok(_) => self.fail(token.span, format!("invalid parameter (must be greater than 0) {}({written}", op.as_str())),
            Err(_) => self.fail(token.span, format!("invalid parameter {}({written},", op.as_str())),
        }
    }

    fn label_replace(&mut self) -> Parsed<Node> {
        let start = self.next()?.span.start;
        self.expect(Kind::LeftParen, &["("])?;
        let Metric { expr, height } = self.metric()?;
        let mut text = || -> Parsed<(String, Span)> {
            self.expect(Kind::Comma, &[","])?;
            self.string(&["STRING"])
        };
        let ((to, _), (replacement, _), (from, _), (regex, at)) = (text()?, text()?, text()?, text()?);
        self.expect(Kind::RightParen, &[")"])?;
        if let Err(reason) = check::regex(&format!("^(?:{regex})$")) {
            return self.fail(at, format!("invalid regex in label_replace: {reason}"));
        }
        let replace = LabelReplace { expr, to: to.into(), replacement: replacement.into(), from: from.into(), regex: regex.into() };
        self.node(MetricKind::LabelReplace(Box::new(replace)), start, height)
    }
}
