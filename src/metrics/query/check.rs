//! Whether the parts of an expression fit together: types, arities, matching. Also settles what only types can tell.

use std::collections::HashSet;

use super::ast::{Aggregate, AggregateOp, Binary, Call, Cardinality, Chain, Expr, ExprKind, Span, ValueType, VectorSelector};
use super::parse::{ParseError, add_error};
use crate::series::labels::{METRIC_NAME, quote};

/// What an expression evaluates to.
pub fn value_type(expr: &Expr) -> ValueType {
    let mut expr = expr;
    loop {
        return match &expr.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Selector(_) | ExprKind::Aggregate(_) => ValueType::Vector,
            ExprKind::Range(_) | ExprKind::Subquery(_) => ValueType::Matrix,
            ExprKind::Call(call) => call.function.returns,
            ExprKind::Binary(_) => {
                let Chain { first, links } = expr.chain();
                links.iter().fold(value_type(first), |left, (_, link)| binary_type(left, value_type(&link.right)))
            }
            ExprKind::Unary { expr: inner, .. } | ExprKind::Paren(inner) => {
                expr = inner;
                continue;
            }
        };
    }
}

fn binary_type(left: ValueType, right: ValueType) -> ValueType {
    if left == ValueType::Scalar && right == ValueType::Scalar { ValueType::Scalar } else { ValueType::Vector }
}

/// Adds to `errors` all that does not fit. Set operators become many-to-many, and operators with a scalar lose their matching.
pub fn check(expr: &mut Expr, text: &str, errors: &mut Vec<ParseError>) {
    Checker { text, errors }.expr(expr);
}

struct Checker<'a> {
    text: &'a str,
    errors: &'a mut Vec<ParseError>,
}

impl Checker<'_> {
    fn complain(&mut self, span: Span, message: String) {
        add_error(self.errors, self.text, span, message);
    }

    /// Checks `expr` and what is below, and tells its type.
    fn expr(&mut self, expr: &mut Expr) -> ValueType {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Selector(selector) => {
                self.selector(selector, span);
                ValueType::Vector
            }
            ExprKind::Range(range) => {
                self.selector(&range.selector, range.selector_span);
                ValueType::Matrix
            }
            ExprKind::Subquery(subquery) => {
                let inner = self.expr(&mut subquery.expr);
                if inner != ValueType::Vector {
                    self.complain(span, format!("subquery is only allowed on instant vector, got {} instead", bare_name(inner)));
                }
                ValueType::Matrix
            }
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Unary { expr: inner, .. } => {
                let inner = self.expr(inner);
                if !matches!(inner, ValueType::Scalar | ValueType::Vector) {
                    let message = "unary expression only allowed on expressions of type scalar or instant vector, got";
                    self.complain(span, format!("{message} {}", quote(inner.as_str())));
                }
                inner
            }
            ExprKind::Binary(_) => self.chain(expr),
            ExprKind::Aggregate(aggregate) => {
                self.aggregate(aggregate);
                ValueType::Vector
            }
            ExprKind::Call(call) => {
                self.call(call, span);
                call.function.returns
            }
        }
    }

    fn expect(&mut self, expr: &mut Expr, wanted: ValueType, context: &str) {
        let got = self.expr(expr);
        if got != wanted {
            self.complain(expr.span, format!("expected type {} in {context}, got {}", wanted.as_str(), got.as_str()));
        }
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate) {
        self.expect(&mut aggregate.expr, ValueType::Vector, "aggregation expression");
        if let Some(param) = &mut aggregate.param {
            let wanted = if aggregate.op == AggregateOp::CountValues { ValueType::String } else { ValueType::Scalar };
            self.expect(param, wanted, "aggregation parameter");
        }
    }

    /// Checks the operators of a chain from the inside out, without going down for each of them.
    fn chain(&mut self, expr: &mut Expr) -> ValueType {
        let mut links = Vec::new();
        let mut first = std::mem::replace(expr, Expr::nothing());
        while let ExprKind::Binary(mut binary) = first.kind {
            let left = std::mem::replace(&mut binary.left, Expr::nothing());
            links.push((binary, first.span));
            first = left;
        }
        let mut left = self.expr(&mut first);
        let mut whole = first;
        while let Some((mut binary, span)) = links.pop() {
            binary.left = whole;
            left = self.binary(&mut binary, span, left);
            whole = Expr { kind: ExprKind::Binary(binary), span };
        }
        *expr = whole;
        left
    }

    /// Checks an operator whose left side was checked.
    fn binary(&mut self, binary: &mut Binary, span: Span, left: ValueType) -> ValueType {
        let right = self.expr(&mut binary.right);
        let op = binary.op;
        if binary.return_bool && !op.is_comparison() {
            self.complain(self.operator_span(binary), "bool modifier can only be used on comparison operators".to_owned());
        }
        if op.is_comparison() && !binary.return_bool && left == ValueType::Scalar && right == ValueType::Scalar {
            self.complain(self.operator_span(binary), "comparisons between scalars must use BOOL modifier".to_owned());
        }
        for (side, found) in [(&binary.left, left), (&binary.right, right)] {
            if !matches!(found, ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                self.complain(side.span, message.to_owned());
            }
        }
        self.matching(binary, span, left == ValueType::Vector && right == ValueType::Vector);
        if op.is_set() && (left == ValueType::Scalar || right == ValueType::Scalar) {
            self.complain(span, format!("set operator {} not allowed in binary scalar expression", quote(op.as_str())));
        }
        binary_type(left, right)
    }

    fn matching(&mut self, binary: &mut Binary, span: Span, vectors: bool) {
        let op = binary.op;
        let operator = self.operator_span(binary);
        let Some(matching) = &mut binary.matching else { return };
        if op.is_set() && matching.cardinality == Cardinality::OneToOne {
            matching.cardinality = Cardinality::ManyToMany;
        }
        if matching.on {
            let included: HashSet<&str> = matching.include.iter().map(|label| &**label).collect();
            for label in matching.labels.iter().filter(|label| included.contains(&***label)) {
                self.complain(operator, format!("label {} must not occur in ON and GROUP clause at once", quote(label)));
            }
        }
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if !vectors {
            if !matching.labels.is_empty() {
                self.complain(span, "vector matching only allowed between instant vectors".to_owned());
            }
            if fills {
                self.complain(span, "filling in missing series only allowed between instant vectors".to_owned());
            }
            binary.matching = None;
        } else if op.is_set() {
            if matching.cardinality != Cardinality::ManyToMany {
                self.complain(span, format!("no grouping allowed for {} operation", quote(op.as_str())));
                self.complain(span, "set operations must always be many-to-many".to_owned());
            }
            if fills {
                self.complain(span, "filling in missing series not allowed for set operators".to_owned());
            }
        }
    }

    /// Where the operator and its modifiers stand.
    fn operator_span(&self, binary: &Binary) -> Span {
        let (start, end) = (binary.left.span.end as usize, binary.right.span.start as usize);
        let between = self.text.get(start..end).unwrap_or("");
        let trimmed = between.trim();
        let start = start + (between.len() - between.trim_start().len());
        Span { start: start as u32, end: (start + trimmed.len()) as u32 }
    }

    fn call(&mut self, call: &mut Call, span: Span) {
        let function = call.function;
        let (name, wanted, got) = (quote(function.name), function.args.len(), call.args.len());
        if function.variadic == 0 {
            if wanted != got {
                self.complain(span, format!("expected {wanted} argument(s) in call to {name}, got {got}"));
            }
        } else {
            let least = wanted.saturating_sub(1);
            let most = usize::try_from(function.variadic).ok().map(|extra| least + extra);
            if got < least {
                self.complain(span, format!("expected at least {least} argument(s) in call to {name}, got {got}"));
            } else if let Some(most) = most.filter(|&most| most < got) {
                self.complain(span, format!("expected at most {most} argument(s) in call to {name}, got {got}"));
            }
        }
        let bare_second = function.name == "info" && self.info_selector(call, span);
        for (index, arg) in call.args.iter_mut().enumerate() {
            let wanted = match function.args.get(index) {
                Some(&wanted) => wanted,
                // What is too much was refused above.
                None if function.variadic == 0 => break,
                None => match function.args.last() {
                    Some(&last) => last,
                    None => break,
                },
            };
            // The selector of `info` may match everything.
            let got = if index == 1 && bare_second { ValueType::Vector } else { self.expr(arg) };
            if got != wanted {
                let message = format!("expected type {} in call to function {name}, got {}", wanted.as_str(), got.as_str());
                self.complain(arg.span, message);
            }
        }
    }

    /// The second argument of `info` holds matchers only; whether it does.
    fn info_selector(&mut self, call: &Call, span: Span) -> bool {
        let Some(arg) = call.args.get(1) else { return false };
        let found = value_type(arg);
        if found != ValueType::Vector {
            let message = format!("expected type instant vector in call to function \"info\", got {}", found.as_str());
            self.complain(span, message);
        }
        match &arg.kind {
            ExprKind::Selector(selector) if selector.name.is_some() => {
                self.complain(arg.span, "expected label selectors only, got vector selector instead".to_owned());
                false
            }
            ExprKind::Selector(_) => true,
            _ => {
                self.complain(arg.span, "expected label selectors only".to_owned());
                false
            }
        }
    }

    fn selector(&mut self, selector: &VectorSelector, span: Span) {
        if let Some(name) = &selector.name {
            // The last matcher is the one of the name before the braces.
            let inside = selector.matchers.len().saturating_sub(1);
            for matcher in selector.matchers.iter().take(inside).filter(|matcher| &*matcher.name == METRIC_NAME) {
                self.complain(span, format!("metric name must not be set twice: {} or {}", quote(name), quote(&matcher.value)));
            }
        } else if selector.matchers.iter().all(|matcher| matcher.matches_empty()) {
            self.complain(span, "vector selector must contain at least one non-empty matcher".to_owned());
        }
    }
}

/// The name of a type that only this one message uses.
const fn bare_name(found: ValueType) -> &'static str {
    match found {
        ValueType::Scalar => "scalar",
        ValueType::Vector => "vector",
        ValueType::Matrix => "matrix",
        ValueType::String => "string",
    }
}
