//! Trees back to text: on one line (`Display`) as upstream's `Expr.String`, or over several as its `Prettify`.
//! Both parse to the same tree again.

use std::fmt::{self, Write};
use std::sync::Arc;

use super::ast::{
    Aggregate, At, Binary, Cardinality, Chain, DurationExpr, Expr, ExprKind, Extension, Modifiers, NumberLiteral, RangeSelector, Span,
    Subquery, VectorSelector,
};
use super::parse::text::quote_literal;
use crate::base::float::{general, plain};
use crate::base::time::Duration;
use crate::series::labels::{METRIC_NAME, is_legacy_label_name};
use crate::series::matcher::{MatchOp, Matcher};

/// Longer expressions are split when printed pretty.
const LINE_MAX: usize = 100;

/// Over several lines where one would be longer than 100 bytes, indented by two blanks a level.
pub fn pretty(expr: &Expr) -> String {
    pretty_within(expr, LINE_MAX)
}

/// [`pretty`] with another longest line.
pub(super) fn pretty_within(expr: &Expr, line_max: usize) -> String {
    pretty_at(expr, 0, line_max)
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(number) => number.fmt(f),
            ExprKind::String(text) => f.write_str(&quote_literal(text)),
            ExprKind::Selector(selector) => selector.fmt(f),
            ExprKind::Range(range) => range.fmt(f),
            ExprKind::Subquery(subquery) => {
                subquery.expr.fmt(f)?;
                subquery_suffix(f, subquery)
            }
            ExprKind::Unary { negate, expr } => {
                f.write_char(if *negate { '-' } else { '+' })?;
                expr.fmt(f)
            }
            ExprKind::Binary(_) => {
                let Chain { first, links } = self.chain();
                first.fmt(f)?;
                links.iter().try_for_each(|(_, link)| {
                    f.write_char(' ')?;
                    operator(f, link)?;
                    f.write_char(' ')?;
                    link.right.fmt(f)
                })
            }
            ExprKind::Paren(inner) => write!(f, "({inner})"),
            ExprKind::Aggregate(aggregate) => {
                aggregation(f, aggregate)?;
                f.write_char('(')?;
                if let Some(param) = &aggregate.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", aggregate.expr)
            }
            ExprKind::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                for (index, arg) in call.args.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    arg.fmt(f)?;
                }
                f.write_char(')')
            }
        }
    }
}

impl fmt::Display for NumberLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_duration {
            return f.write_str(&plain(self.value));
        }
        Duration::from_ms((self.value * 1000.0).round() as i64).fmt(f)
    }
}

impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name_and_matchers(f)?;
        at(f, &self.modifiers)?;
        f.write_str(self.extension.suffix())?;
        offset(f, &self.modifiers)
    }
}

impl VectorSelector {
    fn name_and_matchers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("");
        f.write_str(name)?;
        let written_before = |matcher: &&Matcher| {
            &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal && &*matcher.value == name && !name.is_empty()
        };
        let mut matchers: Vec<String> = self.matchers.iter().filter(|matcher| !written_before(matcher)).map(matcher_text).collect();
        if matchers.is_empty() {
            // Only `info` takes a selector without a name and without matchers; braces make it one.
            return if name.is_empty() { f.write_str("{}") } else { Ok(()) };
        }
        matchers.sort_unstable();
        write!(f, "{{{}}}", matchers.join(","))
    }
}

fn matcher_text(matcher: &Matcher) -> String {
    let name = if is_legacy_label_name(&matcher.name) { matcher.name.to_string() } else { quote_literal(&matcher.name) };
    format!("{name}{}{}", matcher.op.as_str(), quote_literal(&matcher.value))
}

impl Extension {
    /// As written behind a selector.
    const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Anchored => " anchored",
            Self::Smoothed => " smoothed",
        }
    }
}

impl fmt::Display for RangeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.name_and_matchers(f)?;
        write!(f, "[{}]{}", self.range, self.selector.extension.suffix())?;
        at(f, &self.selector.modifiers)?;
        offset(f, &self.selector.modifiers)
    }
}

fn subquery_suffix(f: &mut impl Write, subquery: &Subquery) -> fmt::Result {
    write!(f, "[{}:", subquery.range)?;
    if let Some(step) = &subquery.step {
        write!(f, "{step}")?;
    }
    f.write_char(']')?;
    at(f, &subquery.modifiers)?;
    offset(f, &subquery.modifiers)
}

fn at(f: &mut impl Write, modifiers: &Modifiers) -> fmt::Result {
    match modifiers.at {
        None => Ok(()),
        Some(At::Time(ms)) => write!(f, " @ {:.3}", ms as f64 / 1000.0),
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
    }
}

fn offset(f: &mut impl Write, modifiers: &Modifiers) -> fmt::Result {
    match &modifiers.offset {
        None | Some(DurationExpr::Fixed(0)) => Ok(()),
        Some(offset) => write!(f, " offset {offset}"),
    }
}

impl fmt::Display for DurationExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(ms) => Duration::from_ms(*ms).fmt(f),
            Self::Number { secs, is_duration } => NumberLiteral { value: *secs, is_duration: *is_duration }.fmt(f),
            Self::Step => f.write_str("step()"),
            Self::QueryRange => f.write_str("range()"),
            Self::Min(left, right) => write!(f, "min_of({left}, {right})"),
            Self::Max(left, right) => write!(f, "max_of({left}, {right})"),
            // Upstream does not print a plus sign, and the parser keeps none.
            Self::Unary { negate, expr } => write!(f, "{}{expr}", if *negate { "-" } else { "" }),
            Self::Binary(op, left, right) => write!(f, "{left} {} {right}", op.as_str()),
            Self::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

/// The operator with `bool` and its matching.
fn operator(f: &mut impl Write, binary: &Binary) -> fmt::Result {
    f.write_str(binary.op.as_str())?;
    if binary.return_bool {
        f.write_str(" bool")?;
    }
    let Some(matching) = &binary.matching else { return Ok(()) };
    let group = match matching.cardinality {
        Cardinality::ManyToOne => Some("group_left"),
        Cardinality::OneToMany => Some("group_right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if !matching.labels.is_empty() || matching.on || group.is_some() {
        f.write_str(if matching.on { " on " } else { " ignoring " })?;
        label_list(f, &matching.labels)?;
    }
    if let Some(group) = group {
        write!(f, " {group} ")?;
        label_list(f, &matching.include)?;
    }
    match (matching.fill_left, matching.fill_right) {
        (Some(left), Some(right)) if left == right => write!(f, " fill ({})", general(left)),
        (left, right) => {
            if let Some(left) = left {
                write!(f, " fill_left ({})", general(left))?;
            }
            if let Some(right) = right {
                write!(f, " fill_right ({})", general(right))?;
            }
            Ok(())
        }
    }
}

/// The operator with `by` or `without`.
fn aggregation(f: &mut impl Write, aggregate: &Aggregate) -> fmt::Result {
    f.write_str(aggregate.op.as_str())?;
    if aggregate.without || !aggregate.grouping.is_empty() {
        f.write_str(if aggregate.without { " without " } else { " by " })?;
        label_list(f, &aggregate.grouping)?;
        f.write_char(' ')?;
    }
    Ok(())
}

fn label_list(f: &mut impl Write, labels: &[Arc<str>]) -> fmt::Result {
    f.write_char('(')?;
    for (index, label) in labels.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        if is_legacy_label_name(label) { f.write_str(label)? } else { f.write_str(&quote_literal(label))? }
    }
    f.write_char(')')
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

/// What one of the functions above writes.
fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut out = String::new();
    let done = write(&mut out);
    debug_assert!(done.is_ok(), "writing to a String cannot fail");
    out
}

fn pretty_at(expr: &Expr, level: usize, line_max: usize) -> String {
    let margin = indent(level);
    // A unary expression is never split by itself, and a subquery that fits is not indented: both as upstream.
    if let ExprKind::Unary { negate, expr } = &expr.kind {
        return format!("{margin}{}{}", if *negate { '-' } else { '+' }, pretty_at(expr, level, line_max).trim());
    }
    let line = expr.to_string();
    if line.len() <= line_max {
        return if matches!(expr.kind, ExprKind::Subquery(_)) { line } else { margin + &line };
    }
    match &expr.kind {
        ExprKind::Aggregate(aggregate) => {
            let param = aggregate.param.as_ref().map(|param| pretty_at(param, level + 1, line_max) + ",\n").unwrap_or_default();
            let head = written(|f| aggregation(f, aggregate));
            format!("{margin}{head}(\n{param}{}\n{margin})", pretty_at(&aggregate.expr, level + 1, line_max))
        }
        ExprKind::Binary(_) => pretty_chain(expr, level, line_max),
        ExprKind::Call(call) => {
            let args: Vec<String> = call.args.iter().map(|arg| pretty_at(arg, level + 1, line_max)).collect();
            format!("{margin}{}(\n{}\n{margin})", call.function.name, args.join(",\n"))
        }
        ExprKind::Paren(inner) => format!("{margin}(\n{}\n{margin})", pretty_at(inner, level + 1, line_max)),
        ExprKind::Subquery(subquery) => pretty_at(&subquery.expr, level, line_max) + &written(|f| subquery_suffix(f, subquery)),
        _ => margin + &line,
    }
}

/// A chain that does not fit a line: each operator on a line, its left side one level further in, until that fits.
fn pretty_chain(expr: &Expr, level: usize, line_max: usize) -> String {
    let Chain { first, links } = expr.chain();
    // What each operator and all to its left take on one line.
    let mut length = first.to_string().len();
    let lengths: Vec<usize> = links
        .iter()
        .map(|(_, link)| {
            length += written(|f| operator(f, link)).len() + link.right.to_string().len() + 2;
            length
        })
        .collect();
    let fitting = lengths.iter().take_while(|&&length| length <= line_max).count();
    // The innermost operator that is split stands deepest.
    let level_of = |link: usize| level + links.len() - 1 - link;
    let mut text = if fitting > 0 {
        indent(level_of(fitting) + 1) + &written(|f| chain_start(f, first, &links[..fitting]))
    } else {
        pretty_at(first, level_of(0) + 1, line_max)
    };
    for (at, (_, link)) in links.iter().enumerate().skip(fitting) {
        text.push('\n');
        text.push_str(&indent(level_of(at)));
        text.push_str(&written(|f| operator(f, link)));
        text.push('\n');
        text.push_str(&pretty_at(&link.right, level_of(at) + 1, line_max));
    }
    text
}

/// The first operators of a chain on one line.
fn chain_start(out: &mut String, first: &Expr, links: &[(Span, &Binary)]) -> fmt::Result {
    write!(out, "{first}")?;
    links.iter().try_for_each(|(_, link)| {
        out.push(' ');
        operator(out, link)?;
        write!(out, " {}", link.right)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::query::parse::{ParseOptions, parse};

    #[test]
    fn what_fits_a_line_stays_on_it() {
        let short = "sum by (job) (rate(http_requests_total{code=~\"5..\"}[5m])) / on (job) group_left () sum(up) > 0.05";
        assert!(short.len() <= LINE_MAX);
        assert_eq!(pretty(&parse(short, &ParseOptions::ALL).unwrap()), short);
    }

    #[test]
    fn what_is_longer_is_split() {
        for (text, lines) in [
            ("sum(rate(foo[1m])) + bool_metric", &["  sum(", "    rate(", "      foo[1m]", "    )", "  )", "+", "  bool_metric"][..]),
            ("topk without (a) (3, -(metric_name))", &["topk without (a) (", "  3,", "  -(", "    metric_name", "  )", ")"]),
            (
                "first_name > bool on(a) group_left(b) fill(1) second",
                &["  first_name", "> bool on (a) group_left (b) fill (1)", "  second"],
            ),
            (
                "label_replace(metric, \"a\", \"$1\", \"b\", \"(.*)\")",
                &["label_replace(", "  metric,", "  \"a\",", "  \"$1\",", "  \"b\",", "  \"(.*)\"", ")"],
            ),
            ("(a_metric + b)[1h:5m] @ end() offset 1m", &["(", "    a_metric", "  +", "    b", ")[1h:5m] @ end() offset 1m"]),
            ("a + b - c_longer", &["  a + b", "-", "  c_longer"]),
        ] {
            let expr = parse(text, &ParseOptions::ALL).unwrap();
            assert_eq!(pretty_within(&expr, 10).lines().collect::<Vec<_>>(), lines, "{text}");
        }
    }
}
