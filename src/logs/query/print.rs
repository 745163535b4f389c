//! Trees back to text: on one line (`Display`) as upstream's `Expr.String`, or over several ([`pretty()`]) as its
//! `format_query`. Both parse to the same tree again, which upstream's do not always: where its form would lose something
//! (sizes rounded to two digits, `or` in long line filters, parentheses of long operations), ours keeps it.

mod pretty;
mod quantity;

use std::fmt::{self, Display, Write};
use std::sync::Arc;

use super::ast::{
    Binary, Cardinality, Extraction, Grouping, LabelChoice, LabelFilter, LabelFilterKind, LabelFormatValue, LineFilter, LineMatch, LogExpr,
    LogRange, MetricExpr, MetricKind, Query, Selector, Stage, StageKind, Unwrap,
};
use crate::base::float::plain;
use crate::base::time::Duration;
use crate::series::labels::quote;
use crate::series::matcher::{MatchOp, Matcher};

pub use pretty::pretty;
#[cfg(test)]
pub(super) use pretty::pretty_within;

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(log) => log.fmt(f),
            Self::Metric(metric) => metric.fmt(f),
        }
    }
}

impl Display for LogExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.fmt(f)?;
        self.stages.iter().try_for_each(|stage| write!(f, " {stage}"))
    }
}

impl Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        list(f, &self.matchers, ", ", |f, matcher| matcher.fmt(f))?;
        f.write_char('}')
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    between: &str,
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(index, item)| {
        if index > 0 {
            f.write_str(between)?;
        }
        write(f, item)
    })
}

impl Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StageKind::LineFilter(filter) => filter.fmt(f),
            StageKind::Json { expressions } => {
                f.write_str("| json")?;
                extractions(f, expressions)
            }
            StageKind::Logfmt { strict, keep_empty, expressions } => {
                f.write_str("| logfmt")?;
                f.write_str(if *strict { " --strict" } else { "" })?;
                f.write_str(if *keep_empty { " --keep-empty" } else { "" })?;
                extractions(f, expressions)
            }
            StageKind::Regexp(pattern) => write!(f, "| regexp {}", quote(pattern)),
            StageKind::Pattern(pattern) => write!(f, "| pattern {}", quote(&pattern.text)),
            StageKind::Unpack => f.write_str("| unpack"),
            StageKind::Auto => f.write_str("| auto"),
            StageKind::LabelFilter(filter) => write!(f, "| {filter}"),
            StageKind::LineFormat(template) => write!(f, "| line_format {}", quote(template)),
            StageKind::LabelFormat(formats) => {
                f.write_str("| label_format ")?;
                list(f, formats, ",", |f, format| match &format.value {
                    LabelFormatValue::Rename(from) => write!(f, "{}={from}", format.label),
                    LabelFormatValue::Template(template) => write!(f, "{}={}", format.label, quote(template)),
                })
            }
            StageKind::Decolorize => f.write_str("| decolorize"),
            StageKind::Drop(choices) => {
                f.write_str("| drop ")?;
                choices_list(f, choices)
            }
            StageKind::Keep(choices) => {
                f.write_str("| keep ")?;
                choices_list(f, choices)
            }
        }
    }
}

fn extractions(f: &mut fmt::Formatter<'_>, expressions: &[Extraction]) -> fmt::Result {
    f.write_str(if expressions.is_empty() { "" } else { " " })?;
    list(f, expressions, ",", |f, one| write!(f, "{}={}", one.label, quote(&one.expression)))
}

fn choices_list(f: &mut fmt::Formatter<'_>, choices: &[LabelChoice]) -> fmt::Result {
    list(f, choices, ",", |f, choice| match choice {
        LabelChoice::Name(name) => f.write_str(name),
        LabelChoice::Match(matcher) => matcher.fmt(f),
    })
}

impl Display for LineFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.op.as_str())?;
        list(f, &self.terms, " or ", |f, term| match term {
            LineMatch::Text(text) => f.write_str(&quote(text)),
            LineMatch::Pattern(pattern) => f.write_str(&quote(&pattern.text)),
            LineMatch::Ip(pattern) => write!(f, "ip({})", quote(&pattern.text)),
        })
    }
}

/// Longer lists of conditions print without parentheses for each of their operators.
const NESTED_MAX: usize = 64;

impl Display for LabelFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            LabelFilterKind::Text(matcher) => text_filter(f, matcher),
            LabelFilterKind::Number { label, op, value } => write!(f, "{label}{}{}", op.as_str(), signed(*value, &plain(*value))),
            LabelFilterKind::Duration { label, op, nanos } => {
                write!(f, "{label}{}{}", op.as_str(), quantity::go_duration(*nanos))
            }
            LabelFilterKind::Bytes { label, op, bytes } => write!(f, "{label}{}{}", op.as_str(), quantity::bytes(*bytes)),
            LabelFilterKind::Ip { label, negative, pattern } => {
                write!(f, "{label}{}ip({})", if *negative { "!=" } else { "=" }, quote(&pattern.text))
            }
            LabelFilterKind::All(parts) => nested(f, parts, " , ", " and "),
            LabelFilterKind::Any(parts) => nested(f, parts, " or ", " or "),
        }
    }
}

/// `( ( a , b ) , c )`, or where that would be too deep, `( a and b and c … )`.
fn nested(f: &mut fmt::Formatter<'_>, parts: &[LabelFilter], between: &str, flat: &str) -> fmt::Result {
    if parts.len() > NESTED_MAX {
        f.write_str("( ")?;
        list(f, parts, flat, |f, part| part.fmt(f))?;
        return f.write_str(" )");
    }
    (1..parts.len()).try_for_each(|_| f.write_str("( "))?;
    parts.iter().enumerate().try_for_each(|(index, part)| match index {
        0 => part.fmt(f),
        _ => write!(f, "{between}{part} )"),
    })
}

/// Upstream shows regular expressions in backquotes, unless it made something simpler of them.
fn text_filter(f: &mut fmt::Formatter<'_>, matcher: &Matcher) -> fmt::Result {
    if matcher.op == MatchOp::Regex && !is_simple(&matcher.value) && !matcher.value.contains('`') {
        return write!(f, "{}=~`{}`", matcher.name, matcher.value);
    }
    write!(f, "{}{}{}", matcher.name, matcher.op.as_str(), quote(&matcher.value))
}

/// Whether upstream answers an expression with comparisons of texts: alternatives of literals, `.*` before or behind.
fn is_simple(pattern: &str) -> bool {
    let inside = pattern.strip_prefix("(?i)").unwrap_or(pattern);
    let inside = inside.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')).unwrap_or(inside);
    let words: Vec<&str> = inside.split('|').collect();
    let is_literal = |word: &str| !word.contains(|c: char| "\\.+*?()[]{}^$|".contains(c));
    let is_word = |word: &&str| {
        matches!(*word, ".*" | ".+")
            || is_literal(word.strip_prefix(".*").unwrap_or(word).strip_suffix(".*").unwrap_or(word))
            || is_literal(word)
    };
    // Go makes a class of alternatives that differ in their last character only, and upstream gives up on classes.
    let stem = |word: &str| word.char_indices().next_back().map(|(at, _)| word[..at].to_owned());
    let differ = |at: usize| words.iter().skip(at + 1).all(|other| stem(other) != stem(words[at]));
    words.iter().all(is_word) && (0..words.len()).all(differ)
}

/// A number that is not taken for a duration when it is read again.
fn signed(value: f64, printed: &str) -> String {
    if value == 0.0 && value.is_sign_negative() { "- 0".to_owned() } else { printed.to_owned() }
}

impl Display for Unwrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unwrap_head(f, self)?;
        self.filters.iter().try_for_each(|filter| write!(f, " | {filter}"))
    }
}

fn unwrap_head(f: &mut impl Write, unwrap: &Unwrap) -> fmt::Result {
    match unwrap.conversion {
        Some(conversion) => write!(f, "| unwrap {}({})", conversion.as_str(), unwrap.label),
        None => write!(f, "| unwrap {}", unwrap.label),
    }
}

impl Display for LogRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.fmt(f)?;
        if let Some(unwrap) = &self.unwrap {
            write!(f, " {unwrap}")?;
        }
        write!(f, "[{}]", range_length(self.interval_ns))?;
        if self.offset_ns != 0 {
            write!(f, " offset {}", quantity::go_duration(self.offset_ns))?;
        }
        Ok(())
    }
}

/// A length of whole milliseconds as Prometheus writes it.
const fn range_length(nanos: i64) -> Duration {
    Duration::from_ms(nanos / 1_000_000)
}

fn names(labels: &[Arc<str>], between: &str) -> String {
    labels.iter().map(|label| &**label).collect::<Vec<_>>().join(between)
}

impl Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {} ({})", if self.without { "without" } else { "by" }, names(&self.labels, ","))
    }
}

impl Display for MetricExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            MetricKind::Range(aggregate) => {
                write!(f, "{}(", aggregate.op.as_str())?;
                if let Some(param) = aggregate.param {
                    write!(f, "{},", plain(param))?;
                }
                write!(f, "{})", aggregate.range)?;
                aggregate.grouping.as_ref().map_or(Ok(()), |grouping| grouping.fmt(f))
            }
            MetricKind::Vector(aggregate) => {
                f.write_str(aggregate.op.as_str())?;
                if let Some(grouping) = &aggregate.grouping {
                    grouping.fmt(f)?;
                }
                f.write_char('(')?;
                if let Some(count) = aggregate.count {
                    write!(f, "{count},")?;
                }
                write!(f, "{})", aggregate.expr)
            }
            // Upstream leaves a blank more behind `on (…)`.
            MetricKind::Binary(binary) => write!(f, "({} {} {})", binary.left, operator(binary, ","), binary.right),
            MetricKind::LabelReplace(replace) => {
                let (to, replacement) = (quote(&replace.to), quote(&replace.replacement));
                let (from, regex) = (quote(&replace.from), quote(&replace.regex));
                write!(f, "label_replace({},{to},{replacement},{from},{regex})", replace.expr)
            }
            MetricKind::Literal(value) => f.write_str(&literal(*value)),
            MetricKind::Constant(value) => write!(f, "vector({})", constant(*value)),
        }
    }
}

/// The operator with what stands between it and its right side, names separated as told.
fn operator(binary: &Binary, between: &str) -> String {
    let mut text = binary.op.as_str().to_owned();
    let matching = &binary.matching;
    if binary.return_bool {
        text.push_str(" bool");
    }
    let group = match matching.cardinality {
        Cardinality::OneToOne => "",
        Cardinality::ManyToOne => "group_left",
        Cardinality::OneToMany => "group_right",
    };
    if matching.on || !matching.labels.is_empty() || !group.is_empty() {
        let word = if matching.on { "on" } else { "ignoring" };
        text.push_str(&format!(" {word} ({}) {group}", names(&matching.labels, between)));
        if let Some(include) = &matching.include {
            text.push_str(&format!(" ({})", names(include, between)));
        }
    }
    text
}

/// As Go prints a number by itself: shortest, with an exponent from 1e21 on and below 1e-4.
fn literal(value: f64) -> String {
    if value.is_nan() {
        // No number reads so, but an operation that yields it does.
        return "(0 / 0)".to_owned();
    }
    if value.is_infinite() {
        return format!("({}1e308 * 10)", if value < 0.0 { "-" } else { "" });
    }
    let magnitude = value.abs();
    if value != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        return crate::base::float::general(value);
    }
    signed(value, &plain(value))
}

/// With six digits behind the point as upstream, or more where they count.
fn constant(value: f64) -> String {
    let six = format!("{value:.6}");
    if six.parse() == Ok(value) { six } else { plain(value) }
}
