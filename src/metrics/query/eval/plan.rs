//! From the tree as written to the tree as evaluated: durations computed, `@` resolved, parentheses gone, and
//! everything that gives the same value at every step marked to be evaluated once.

use std::sync::Arc;

use crate::metrics::query::ast::{
    AggregateOp, At, BinaryOp, Chain, DurationExpr, Expr, ExprKind, Extension, Modifiers, Span, ValueType, VectorMatching, VectorSelector,
};
use crate::metrics::query::functions::Function;
use crate::series::labels::METRIC_NAME;
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::ports::EvaluateError;

use super::context::{Outcome, failed};

/// An expression ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) kind: Kind,
    /// Where it stands in the text.
    pub(crate) span: Span,
    /// What it evaluates to.
    pub(crate) returns: ValueType,
}

/// The kinds of nodes.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// An instant selector.
    Selector(Selector),
    /// A range selector.
    Range(Selector, i64),
    /// An expression over a range.
    Subquery(Subquery),
    /// `-expr`.
    Negate(Box<Node>),
    /// `left op right`.
    Binary(Box<Binary>),
    /// An aggregation.
    Aggregate(Box<Aggregate>),
    /// A function.
    Call(Call),
    /// Evaluated at the first step, valid for all.
    Once(Box<Node>),
}

/// What series to read, and when relative to a step.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    /// All must match.
    pub(crate) matchers: Vec<Matcher>,
    /// Milliseconds back.
    pub(crate) offset: i64,
    /// Instead of the step's time.
    pub(crate) at: Option<i64>,
    /// `anchored`, `smoothed`.
    pub(crate) extension: Extension,
    /// Only count and sum of histograms are looked at.
    pub(crate) statistics_only: bool,
    /// Whether all series have the same metric name.
    pub(crate) one_name: bool,
}

/// `expr[range:step]`.
#[derive(Debug)]
pub(crate) struct Subquery {
    /// Evaluated at every step of its own.
    pub(crate) expr: Box<Node>,
    /// Milliseconds back.
    pub(crate) range: i64,
    /// Distance of its steps (ms).
    pub(crate) interval: i64,
    /// Milliseconds back.
    pub(crate) offset: i64,
    /// Instead of the step's time.
    pub(crate) at: Option<i64>,
}

/// `left op right`.
#[derive(Debug)]
pub(crate) struct Binary {
    /// The operator.
    pub(crate) op: BinaryOp,
    /// Left side.
    pub(crate) left: Node,
    /// Right side.
    pub(crate) right: Node,
    /// `bool`.
    pub(crate) return_bool: bool,
    /// How vectors are matched.
    pub(crate) matching: VectorMatching,
}

impl Drop for Binary {
    /// Chains are taken apart one by one, as those of the tree.
    fn drop(&mut self) {
        let nothing = || Node { kind: Kind::Number(0.0), span: Span::default(), returns: ValueType::Scalar };
        let mut left = std::mem::replace(&mut self.left, nothing());
        while let Kind::Binary(mut binary) = left.kind {
            left = std::mem::replace(&mut binary.left, nothing());
        }
    }
}

impl Node {
    /// An operator's left side, and that one's, and so on while they return `returns`: what comes first, and the
    /// operators from there outwards with the nodes they are.
    pub(crate) fn chain(&self, returns: ValueType) -> (&Self, Vec<(&Self, &Binary)>) {
        let (mut first, mut links) = (self, Vec::new());
        while let Kind::Binary(binary) = &first.kind
            && first.returns == returns
        {
            links.push((first, &**binary));
            first = &binary.left;
        }
        links.reverse();
        (first, links)
    }
}

/// `op by (labels) (param, expr)`.
#[derive(Debug)]
pub(crate) struct Aggregate {
    /// The operator.
    pub(crate) op: AggregateOp,
    /// What is aggregated.
    pub(crate) expr: Node,
    /// The parameter.
    pub(crate) param: Option<Node>,
    /// Labels of `by` or `without`, sorted.
    pub(crate) grouping: Vec<Arc<str>>,
    /// Whether they are those of `without`.
    pub(crate) without: bool,
    /// Where the aggregation stands.
    pub(crate) span: Span,
}

/// `name(args…)`.
#[derive(Debug)]
pub(crate) struct Call {
    /// The function.
    pub(crate) function: Function,
    /// The arguments.
    pub(crate) args: Vec<Node>,
}

/// What the query as a whole says about time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// First step (ms).
    pub(crate) start: i64,
    /// End of the query (ms).
    pub(crate) end: i64,
    /// Distance of steps (ms), 0 for an instant query.
    pub(crate) interval: i64,
    /// Distance of the steps of subqueries that name none (ms).
    pub(crate) subquery_interval: i64,
}

/// How a node depends on the step.
struct Built {
    node: Node,
    /// The same at every step.
    invariant: bool,
    /// Worth marking.
    wrap: bool,
}

/// What stands above a selector, as far as it matters for how histograms are read.
#[derive(Debug, Clone, Copy, Default)]
struct Above {
    /// A function that looks at count and sum only.
    statistics: bool,
    /// Something that needs the buckets.
    buckets: bool,
}

/// Makes the plan of an expression.
pub(crate) fn plan(expr: &Expr, frame: &Frame) -> Outcome<Node> {
    let built = build(expr, frame, Above::default())?;
    Ok(if built.wrap { once(built.node) } else { built.node })
}

fn once(node: Node) -> Node {
    if matches!(node.kind, Kind::Number(_) | Kind::Once(_)) {
        return node;
    }
    Node { span: node.span, returns: node.returns, kind: Kind::Once(Box::new(node)) }
}

fn wrapped(built: Built) -> Node {
    if built.wrap { once(built.node) } else { built.node }
}

fn build(expr: &Expr, frame: &Frame, above: Above) -> Outcome<Built> {
    let span = expr.span;
    let node = |kind, returns| Node { kind, span, returns };
    Ok(match &expr.kind {
        ExprKind::Number(number) => Built { node: node(Kind::Number(number.value), ValueType::Scalar), invariant: true, wrap: false },
        ExprKind::String(text) => Built { node: node(Kind::Text(text.clone()), ValueType::String), invariant: true, wrap: false },
        ExprKind::Paren(inner) => build(inner, frame, above)?,
        ExprKind::Selector(selector) => {
            let selector = build_selector(selector, span, frame, above)?;
            let invariant = selector.at.is_some();
            Built { node: node(Kind::Selector(selector), ValueType::Vector), invariant, wrap: invariant }
        }
        ExprKind::Range(range) => {
            let selector = build_selector(&range.selector, range.selector_span, frame, above)?;
            let invariant = selector.at.is_some();
            let range = resolve(&range.range, frame, span, false)?;
            Built { node: node(Kind::Range(selector, range), ValueType::Matrix), invariant, wrap: false }
        }
        ExprKind::Subquery(subquery) => {
            let inner = build(&subquery.expr, frame, Above { buckets: true, ..above })?;
            let range = resolve(&subquery.range, frame, span, false)?;
            let interval = match &subquery.step {
                Some(step) => resolve(step, frame, span, false)?,
                None => 0,
            };
            let (offset, at) = resolve_modifiers(&subquery.modifiers, span, frame)?;
            let kind = Kind::Subquery(Subquery {
                expr: Box::new(if inner.invariant { once(inner.node) } else { inner.node }),
                range,
                interval: if interval == 0 { frame.subquery_interval.max(1) } else { interval },
                offset,
                at,
            });
            Built { node: node(kind, ValueType::Matrix), invariant: at.is_some(), wrap: false }
        }
        ExprKind::Unary { negate, expr } => {
            let inner = build(expr, frame, above)?;
            if !negate {
                return Ok(inner);
            }
            let returns = inner.node.returns;
            Built { node: node(Kind::Negate(Box::new(inner.node)), returns), invariant: inner.invariant, wrap: inner.wrap }
        }
        ExprKind::Binary(_) => build_chain(expr, frame, above)?,
        ExprKind::Aggregate(aggregate) => {
            let inner = build(&aggregate.expr, frame, above)?;
            let param = aggregate.param.as_ref().map(|param| build(param, frame, above)).transpose()?;
            let mut grouping = aggregate.grouping.clone();
            grouping.sort();
            let (invariant, wrap) = (inner.invariant, inner.wrap);
            let kind = Kind::Aggregate(Box::new(Aggregate {
                op: aggregate.op,
                expr: inner.node,
                param: param.map(|param| param.node),
                grouping,
                without: aggregate.without,
                span,
            }));
            Built { node: node(kind, ValueType::Vector), invariant, wrap }
        }
        ExprKind::Call(call) => build_call(call, span, frame, above)?,
    })
}

fn build_chain(expr: &Expr, frame: &Frame, above: Above) -> Outcome<Built> {
    let Chain { first, links } = expr.chain();
    // What trims needs the buckets of everything to its left, too.
    let trims = |link: &crate::metrics::query::ast::Binary| matches!(link.op, BinaryOp::TrimLower | BinaryOp::TrimUpper);
    let mut still = links.iter().filter(|(_, link)| trims(link)).count();
    let under = |still: usize| Above { buckets: above.buckets || still > 0, ..above };
    let mut left = build(first, frame, under(still))?;
    for (span, link) in links {
        let right = build(&link.right, frame, under(still))?;
        left = join(link, span, left, right);
        still -= usize::from(trims(link));
    }
    Ok(left)
}

fn join(binary: &crate::metrics::query::ast::Binary, span: Span, left: Built, right: Built) -> Built {
    let scalar = left.node.returns == ValueType::Scalar && right.node.returns == ValueType::Scalar;
    let returns = if scalar { ValueType::Scalar } else { ValueType::Vector };
    let invariant = left.invariant && right.invariant;
    let (left, right) = if invariant { (left.node, right.node) } else { (wrapped(left), wrapped(right)) };
    let matching = binary.matching.clone().unwrap_or_default();
    let kind = Kind::Binary(Box::new(Binary { op: binary.op, left, right, return_bool: binary.return_bool, matching }));
    Built { node: Node { kind, span, returns }, invariant, wrap: invariant }
}

fn build_call(call: &crate::metrics::query::ast::Call, span: Span, frame: &Frame, above: Above) -> Outcome<Built> {
    let Some(function) = Function::named(call.function.name) else {
        return failed(format!("unknown function with name {:?}", call.function.name));
    };
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let constant = match function {
        Function::Start => Some(seconds(frame.start)),
        Function::End => Some(seconds(frame.end)),
        Function::Range => Some(seconds(frame.end.saturating_sub(frame.start))),
        Function::Step => Some(if frame.start == frame.end { 0.0 } else { seconds(frame.interval) }),
        _ => None,
    };
    if let Some(value) = constant {
        return Ok(Built { node: Node { kind: Kind::Number(value), span, returns: ValueType::Scalar }, invariant: true, wrap: false });
    }
    let above = Above {
        statistics: above.statistics || matches!(function, Function::HistogramCount | Function::HistogramSum | Function::HistogramAvg),
        buckets: above.buckets
            || matches!(function, Function::HistogramQuantile | Function::HistogramQuantiles | Function::HistogramFraction),
    };
    let args = call.args.iter().map(|arg| build(arg, frame, above)).collect::<Outcome<Vec<Built>>>()?;
    let all = args.iter().all(|arg| arg.invariant);
    let timestamp_of_fixed =
        function == Function::Timestamp && args.iter().all(|arg| arg.invariant && matches!(arg.node.kind, Kind::Selector(_)));
    let invariant = (all && !function.depends_on_time()) || timestamp_of_fixed;
    let args = args.into_iter().map(|arg| if invariant { arg.node } else { wrapped(arg) }).collect();
    let node = Node { kind: Kind::Call(Call { function, args }), span, returns: call.function.returns };
    Ok(Built { node, invariant, wrap: invariant })
}

fn build_selector(selector: &VectorSelector, span: Span, frame: &Frame, above: Above) -> Outcome<Selector> {
    let (offset, at) = resolve_modifiers(&selector.modifiers, span, frame)?;
    Ok(Selector {
        one_name: selector.matchers.iter().any(|matcher| &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal),
        matchers: selector.matchers.clone(),
        offset,
        at,
        extension: selector.extension,
        statistics_only: above.statistics && !above.buckets,
    })
}

fn resolve_modifiers(modifiers: &Modifiers, span: Span, frame: &Frame) -> Outcome<(i64, Option<i64>)> {
    let offset = modifiers.offset.as_ref().map_or(Ok(0), |offset| resolve(offset, frame, span, true))?;
    let at = modifiers.at.map(|at| match at {
        At::Time(time) => time,
        At::Start => frame.start,
        At::End => frame.end,
    });
    Ok((offset, at))
}

/// A duration in milliseconds.
fn resolve(duration: &DurationExpr, frame: &Frame, span: Span, may_be_negative: bool) -> Outcome<i64> {
    if let DurationExpr::Fixed(ms) = duration {
        return Ok(*ms);
    }
    let invalid = |text: &str| {
        Err(EvaluateError::Invalid {
            message: format!("{}:{}: {text}", span.start, span.end),
            span: Some((span.start as usize, span.end as usize)),
        })
    };
    let secs = match seconds(duration, frame) {
        Ok(secs) => secs,
        Err(text) => return invalid(text),
    };
    if !secs.is_finite() {
        return invalid("duration is NaN or infinite");
    }
    if secs <= 0.0 && !may_be_negative {
        return invalid("duration must be greater than 0");
    }
    if secs.abs() > 9_223_372_036.0 {
        return invalid("duration is out of range");
    }
    Ok((secs * 1000.0) as i64)
}

fn seconds(duration: &DurationExpr, frame: &Frame) -> Result<f64, &'static str> {
    Ok(match duration {
        DurationExpr::Fixed(ms) => *ms as f64 / 1000.0,
        DurationExpr::Number { secs, .. } => *secs,
        DurationExpr::Step => frame.interval as f64 / 1000.0,
        DurationExpr::QueryRange => frame.end.saturating_sub(frame.start) as f64 / 1000.0,
        DurationExpr::Min(a, b) => go_min(seconds(a, frame)?, seconds(b, frame)?),
        DurationExpr::Max(a, b) => go_max(seconds(a, frame)?, seconds(b, frame)?),
        DurationExpr::Unary { negate, expr } => seconds(expr, frame)? * if *negate { -1.0 } else { 1.0 },
        DurationExpr::Paren(inner) => seconds(inner, frame)?,
        DurationExpr::Binary(op, a, b) => {
            let (a, b) = (seconds(a, frame)?, seconds(b, frame)?);
            match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div if b == 0.0 => return Err("division by zero"),
                BinaryOp::Div => a / b,
                BinaryOp::Mod if b == 0.0 => return Err("modulo by zero"),
                BinaryOp::Mod => a % b,
                BinaryOp::Pow => a.powf(b),
                _ => return Err("unexpected duration expression operator"),
            }
        }
    })
}

/// The larger one; NaN if either is.
pub(crate) fn go_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == b {
        // Positive zero is larger than negative zero.
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

/// The smaller one; NaN if either is.
pub(crate) fn go_min(a: f64, b: f64) -> f64 {
    -go_max(-a, -b)
}
