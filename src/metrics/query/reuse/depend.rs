//! What the value of an expression at a step depends on: how far ahead it looks, and whether the steps of a range
//! query could as well be asked for one by one.
//!
//! Left out, so that their answers are kept for the same window only: whatever knows the ends of the query (`@
//! start()`, `@ end()`, `start()`, `end()`, `range()`, `step()`, computed durations); `info`, which looks up labels for
//! the whole range at once; functions of ranges that may find two series of the same labels but for the name, an error
//! even when they are never there together; `stddev` and `stdvar` over series, whose rounding shows where series come
//! and go; `topk`, `bottomk` and `limitk` of what has no order of its own, as the window decides between equals.

use crate::metrics::query::ast::{
    AggregateOp, At, DurationExpr, Expr, ExprKind, Extension, Modifiers, RangeSelector, Subquery, VectorSelector,
};
use crate::series::labels::METRIC_NAME;
use crate::series::matcher::MatchOp;

/// The newest samples that steps look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Newest {
    /// Those that move with the step: so many milliseconds after it (before, if negative). `i64::MIN` without.
    pub(crate) ahead: i64,
    /// Those that stay (`@`), as a time. `i64::MIN` without.
    pub(crate) fixed: i64,
}

impl Newest {
    const NOTHING: Self = Self { ahead: i64::MIN, fixed: i64::MIN };

    fn with(self, other: Self) -> Self {
        Self { ahead: self.ahead.max(other.ahead), fixed: self.fixed.max(other.fixed) }
    }

    /// The newest sample that a step at `time` looks at.
    pub(crate) fn of_step(&self, time: i64) -> i64 {
        self.fixed.max(if self.ahead == i64::MIN { i64::MIN } else { time.saturating_add(self.ahead) })
    }
}

/// What each step of a range query looks at, if every step can be computed without the others.
pub(crate) fn newest(expr: &Expr, lookback_ms: i64) -> Option<Newest> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => Some(Newest::NOTHING),
        ExprKind::Selector(selector) => of_selector(selector, lookback_ms),
        ExprKind::Range(range) => of_range(range, lookback_ms),
        ExprKind::Subquery(subquery) => of_subquery(subquery, lookback_ms),
        ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => newest(expr, lookback_ms),
        ExprKind::Binary(_) => {
            let chain = expr.chain();
            let first = newest(chain.first, lookback_ms)?;
            chain.links.iter().try_fold(first, |found, (_, link)| Some(found.with(newest(&link.right, lookback_ms)?)))
        }
        ExprKind::Aggregate(aggregate) => {
            match aggregate.op {
                AggregateOp::Stddev | AggregateOp::Stdvar => return None,
                AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk if !has_own_order(&aggregate.expr) => return None,
                _ => {}
            }
            let param = aggregate.param.as_ref().map_or(Some(Newest::NOTHING), |param| newest(param, lookback_ms))?;
            Some(newest(&aggregate.expr, lookback_ms)?.with(param))
        }
        ExprKind::Call(call) => {
            if matches!(call.function.name, "start" | "end" | "range" | "step" | "info") {
                return None;
            }
            call.args.iter().try_fold(Newest::NOTHING, |found, arg| Some(found.with(newest(arg, lookback_ms)?)))
        }
    }
}

fn of_selector(selector: &VectorSelector, lookback_ms: i64) -> Option<Newest> {
    let after = if selector.extension == Extension::Smoothed { lookback_ms } else { 0 };
    moved(&selector.modifiers, Newest { ahead: after, fixed: i64::MIN })
}

fn of_range(range: &RangeSelector, lookback_ms: i64) -> Option<Newest> {
    fixed_duration(&range.range)?;
    let one_name = |matcher: &crate::series::matcher::Matcher| &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal;
    range.selector.matchers.iter().any(one_name).then_some(())?;
    of_selector(&range.selector, lookback_ms)
}

fn of_subquery(subquery: &Subquery, lookback_ms: i64) -> Option<Newest> {
    fixed_duration(&subquery.range)?;
    subquery.step.as_ref().map_or(Some(0), fixed_duration)?;
    if !has_distinct_labels(&subquery.expr) {
        return None;
    }
    let inner = newest(&subquery.expr, lookback_ms)?;
    // Its steps stand at multiples of its interval, whatever the query's are, and never after what is asked for.
    moved(&subquery.modifiers, inner)
}

/// Whether the series of an expression differ in more than the name: groups do, and what a range of one metric gives.
fn has_distinct_labels(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => has_distinct_labels(inner),
        ExprKind::Aggregate(aggregate) => {
            use AggregateOp as Op;
            matches!(aggregate.op, Op::Sum | Op::Avg | Op::Count | Op::Min | Op::Max | Op::Group | Op::Quantile)
                && !aggregate.grouping.iter().any(|label| &**label == METRIC_NAME)
        }
        ExprKind::Call(call) => matches!(call.args.as_slice(), [arg] if matches!(arg.kind, ExprKind::Range(_))),
        ExprKind::Selector(selector) => {
            selector.matchers.iter().any(|matcher| &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal)
        }
        _ => false,
    }
}

/// Whether the series of an expression stand in the order of their labels, whatever the window.
fn has_own_order(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => has_own_order(inner),
        ExprKind::Selector(_) => true,
        ExprKind::Call(call) => matches!(call.args.as_slice(), [arg] if matches!(arg.kind, ExprKind::Range(_))),
        _ => false,
    }
}

/// What is looked at when everything that moves is moved by `offset`, or stands still because of `@`.
fn moved(modifiers: &Modifiers, inner: Newest) -> Option<Newest> {
    let offset = modifiers.offset.as_ref().map_or(Some(0), fixed_duration)?;
    match modifiers.at {
        None if inner.ahead == i64::MIN => Some(inner),
        None => Some(Newest { ahead: inner.ahead.saturating_sub(offset), ..inner }),
        Some(At::Time(time)) => {
            if inner.ahead == i64::MIN {
                return Some(inner);
            }
            // `timestamp` leaves the offset out where there is an `@`.
            let fixed = time.saturating_sub(offset.min(0)).saturating_add(inner.ahead.max(0));
            Some(Newest { ahead: i64::MIN, fixed: fixed.max(inner.fixed) })
        }
        Some(At::Start | At::End) => None,
    }
}

fn fixed_duration(duration: &DurationExpr) -> Option<i64> {
    match duration {
        DurationExpr::Fixed(ms) => Some(*ms),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::query::parse::{ParseOptions, parse};

    fn of(query: &str) -> Option<(i64, i64)> {
        newest(&parse(query, &ParseOptions::ALL).unwrap(), 300_000).map(|newest| (newest.ahead, newest.fixed))
    }

    #[test]
    fn what_steps_look_at() {
        const NONE: i64 = i64::MIN;
        for (query, found) in [
            ("1", Some((NONE, NONE))),
            ("up", Some((0, NONE))),
            ("up offset 5m", Some((-300_000, NONE))),
            ("up offset -5m", Some((300_000, NONE))),
            ("up smoothed", Some((300_000, NONE))),
            ("up @ 100", Some((NONE, 100_000))),
            ("up @ 100 offset -1m", Some((NONE, 160_000))),
            ("up - (up @ 100) + up offset 1m", Some((0, 100_000))),
            ("sum by (job) (rate(x[5m] offset 1m))", Some((-60_000, NONE))),
            ("topk(scalar(k offset -1m), x)", Some((60_000, NONE))),
            ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", Some((0, NONE))),
            ("max_over_time(rate(x[5m])[1h:] offset 1m)", Some((-60_000, NONE))),
            ("max_over_time(rate(x[5m] offset 1m)[1h:] offset 1m)", Some((-120_000, NONE))),
            ("max_over_time(sum(x)[1h:1m] @ 100)", Some((NONE, 100_000))),
            ("max_over_time(sum(x @ 7)[1h:1m] offset 1m)", Some((NONE, 7_000))),
            // Only for the same window.
            ("up @ start()", None),
            ("sum(rate(x[5m] @ end()))", None),
            ("time() - start()", None),
            ("rate(x[step()])", None),
            ("x offset (step() * 2)", None),
            ("rate({__name__=~\"a|b\"}[5m])", None),
            ("max_over_time((a or b)[1h:1m])", None),
            ("stddev(x)", None),
            ("topk(2, rate(x[5m]))", Some((0, NONE))),
            ("topk(2, sum by (job) (x))", None),
            ("info(x)", None),
        ] {
            assert_eq!(of(query), found, "{query}");
        }
    }
}
