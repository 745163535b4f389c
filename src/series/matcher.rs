//! Label matchers: `=`, `!=`, `=~`, `!~`.
//!
//! Regular expressions are RE2 syntax, anchored at both ends, `.` matches newlines, as in Prometheus 3.
//! An absent label has the empty value.

use std::fmt;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use crate::base::limits::REGEX_BYTES_MAX;
use crate::series::labels::{Labels, is_legacy_label_name, quote};
use crate::series::re2;

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// As written in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }

    /// Whether it is `!=` or `!~`.
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::NotEqual | Self::NotRegex)
    }
}

/// One condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label.
    pub name: Arc<str>,
    /// How it compares.
    pub op: MatchOp,
    /// Text or regular expression as written.
    pub value: Arc<str>,
    pattern: Option<Pattern>,
}

impl Matcher {
    /// A matcher; fails on an invalid regular expression.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, InvalidRegex> {
        let pattern = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Pattern::new(value)?),
        };
        Ok(Self { name: name.into(), op, value: value.into(), pattern })
    }

    /// `name="value"`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), pattern: None }
    }

    /// Whether a label with this value (empty = absent) passes.
    #[inline]
    pub fn matches(&self, value: &str) -> bool {
        match (&self.op, &self.pattern) {
            (MatchOp::Equal, _) => value == &*self.value,
            (MatchOp::NotEqual, _) => value != &*self.value,
            (MatchOp::Regex, Some(pattern)) => pattern.is_match(value),
            (MatchOp::NotRegex, Some(pattern)) => !pattern.is_match(value),
            (MatchOp::Regex | MatchOp::NotRegex, None) => false,
        }
    }

    /// Whether a label set passes.
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get(&self.name).unwrap_or(""))
    }

    /// Whether series without the label pass.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }

    /// For a regular expression that is only a choice of words: the words. Lets an index look them up.
    pub fn words(&self) -> Option<&[Box<str>]> {
        match &self.pattern {
            Some(Pattern::Words(words)) => Some(words),
            _ => None,
        }
    }

    /// For a regular expression: the literal text every match begins with (may be empty).
    pub fn prefix(&self) -> &str {
        match &self.pattern {
            Some(Pattern::Prefix(prefix) | Pattern::Regex { prefix, .. }) => prefix,
            _ => "",
        }
    }

    /// `name=~"value"`, if the expression can be answered without a regex engine.
    pub fn simple_regex(name: &str, value: &str) -> Option<Self> {
        let (_, hir) = parse(value).ok()?;
        Some(Self { name: name.into(), op: MatchOp::Regex, value: value.into(), pattern: Some(simplify(&hir)?) })
    }

    /// Whether it passes every value, the empty one too (`=~".*"`, `!~` of nothing is not recognised).
    pub fn matches_everything(&self) -> bool {
        self.op == MatchOp::Regex && matches!(&self.pattern, Some(Pattern::Prefix(prefix)) if prefix.is_empty())
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_legacy_label_name(&self.name) {
            write!(f, "{}{}{}", self.name, self.op.as_str(), quote(&self.value))
        } else {
            write!(f, "{}{}{}", quote(&self.name), self.op.as_str(), quote(&self.value))
        }
    }
}

/// A regular expression that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid regular expression {pattern:?}: {reason}")]
pub struct InvalidRegex {
    /// The expression.
    pub pattern: String,
    /// Why, in one line.
    pub reason: String,
}

/// An anchored regular expression, reduced to something cheaper where that is exact.
#[derive(Debug, Clone)]
enum Pattern {
    /// One of these words, sorted.
    Words(Arc<[Box<str>]>),
    /// Begins with this (`abc.*`; empty for `.*`).
    Prefix(Box<str>),
    /// Not empty (`.+`).
    NotEmpty,
    /// Contains this (`.*abc.*`).
    Contains(Arc<memchr::memmem::Finder<'static>>),
    /// Anything else; every match begins with `prefix`.
    Regex { regex: Regex, prefix: Box<str> },
}

/// More words than this are left to the regex engine.
const WORDS_MAX: usize = 1024;

impl Pattern {
    fn new(text: &str) -> Result<Self, InvalidRegex> {
        let invalid = |reason: String| InvalidRegex { pattern: text.to_owned(), reason };
        let (text, hir) = parse(text).map_err(invalid)?;
        if let Some(simple) = simplify(&hir) {
            return Ok(simple);
        }
        let regex = RegexBuilder::new(&format!("^(?:{text})$"))
            .dot_matches_new_line(true)
            .size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Self::Regex { regex, prefix: literal_prefix(&hir).into() })
    }

    #[inline]
    fn is_match(&self, value: &str) -> bool {
        match self {
            Self::Words(words) => words.binary_search_by(|word| (**word).cmp(value)).is_ok(),
            Self::Prefix(prefix) => value.starts_with(&**prefix),
            Self::NotEmpty => !value.is_empty(),
            Self::Contains(finder) => finder.find(value.as_bytes()).is_some(),
            Self::Regex { regex, prefix } => value.starts_with(&**prefix) && regex.is_match(value),
        }
    }
}

/// The expression as the `regex` crate writes it, and what it means.
fn parse(text: &str) -> Result<(String, Hir), String> {
    let text = re2::translate(text)?;
    let parsed = regex_syntax::ParserBuilder::new().dot_matches_new_line(true).nest_limit(200).build().parse(&text);
    match parsed {
        Ok(hir) => Ok((text, hir)),
        Err(error) => Err(one_line(&error)),
    }
}

fn one_line(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        other => other.to_string().lines().last().unwrap_or_default().to_owned(),
    }
}

fn simplify(hir: &Hir) -> Option<Pattern> {
    if let Some(mut words) = words_of(hir) {
        words.sort_unstable();
        words.dedup();
        return Some(Pattern::Words(words.into_iter().map(String::into_boxed_str).collect()));
    }
    if is_dot(hir, 1) {
        return Some(Pattern::NotEmpty);
    }
    if is_dot(hir, 0) {
        return Some(Pattern::Prefix("".into()));
    }
    let HirKind::Concat(parts) = hir.kind() else { return None };
    match &**parts {
        [head, tail] if is_dot(tail, 0) => Some(Pattern::Prefix(literal(head)?.into())),
        [head, middle, tail] if is_dot(head, 0) && is_dot(tail, 0) => {
            Some(Pattern::Contains(Arc::new(memchr::memmem::Finder::new(literal(middle)?).into_owned())))
        }
        _ => None,
    }
}

/// Whether this is `.*` (`min` 0) or `.+` (`min` 1).
fn is_dot(hir: &Hir, min: u32) -> bool {
    let any = Hir::dot(regex_syntax::hir::Dot::AnyChar);
    matches!(hir.kind(), HirKind::Repetition(rep) if rep.min == min && rep.max.is_none() && rep.sub.kind() == any.kind())
}

fn literal(hir: &Hir) -> Option<&str> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok(),
        HirKind::Capture(capture) => literal(&capture.sub),
        _ => None,
    }
}

/// The finite set of words that an expression matches, if it is one and small.
fn words_of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![String::new()]),
        HirKind::Literal(_) => Some(vec![literal(hir)?.to_owned()]),
        HirKind::Capture(capture) => words_of(&capture.sub),
        HirKind::Alternation(choices) => {
            let mut all = Vec::new();
            for choice in choices {
                all.extend(words_of(choice)?);
                if all.len() > WORDS_MAX {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Concat(parts) => {
            let mut all = vec![String::new()];
            for part in parts {
                let tails = words_of(part)?;
                if all.len() * tails.len() > WORDS_MAX {
                    return None;
                }
                all = all.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}"))).collect();
            }
            Some(all)
        }
        HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => {
            let count: u64 = class.iter().map(|range| u64::from(range.end() as u32) - u64::from(range.start() as u32) + 1).sum();
            (count <= 64).then(|| class.iter().flat_map(|range| range.start()..=range.end()).map(String::from).collect())
        }
        HirKind::Repetition(rep) if rep.min == 0 && rep.max == Some(1) => {
            let mut words = words_of(&rep.sub)?;
            words.push(String::new());
            Some(words)
        }
        _ => None,
    }
}

fn literal_prefix(hir: &Hir) -> &str {
    match hir.kind() {
        HirKind::Concat(parts) => parts.first().and_then(literal).unwrap_or(""),
        _ => literal(hir).unwrap_or(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let matcher = Matcher::new("a", MatchOp::Regex, pattern).expect("valid");
        let negated = Matcher::new("a", MatchOp::NotRegex, pattern).expect("valid");
        for value in yes {
            assert!(matcher.matches(value) && !negated.matches(value), "{pattern} should match {value:?}");
        }
        for value in no {
            assert!(!matcher.matches(value) && negated.matches(value), "{pattern} should not match {value:?}");
        }
    }

    #[test]
    fn regular_expressions_are_anchored() {
        check("a|b", &["a", "b"], &["ab", "", "c"]);
        check("foo.*", &["foo", "foobar", "foo\nbar"], &["xfoo", "fo"]);
        check(".*", &["", "x\ny"], &[]);
        check(".+", &["x"], &[""]);
        check(".*bar.*", &["bar", "xbary"], &["ba"]);
        check("api-(1|2)", &["api-1", "api-2"], &["api-3", "api-"]);
        check("[a-c]x?", &["a", "bx"], &["d", "xx"]);
        check("(?i)abc", &["ABC", "abc"], &["ab"]);
        check("5..", &["500", "5xx"], &["50", "5000"]);
        check("", &[""], &["x"]);
        check("a.*b", &["ab", "axxb"], &["abc", "xab"]);
    }

    #[test]
    fn words_and_prefixes_help_the_index() {
        let words = |pattern: &str| {
            Matcher::new("a", MatchOp::Regex, pattern).expect("valid").words().map(|w| w.iter().map(|w| w.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(words("b|a"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(words("x(1|2)"), Some(vec!["x1".into(), "x2".into()]));
        assert_eq!(words("a.*"), None);
        assert_eq!(Matcher::new("a", MatchOp::Regex, "foo[0-9]+").expect("valid").prefix(), "foo");
    }

    #[test]
    fn bad_expressions_are_refused() {
        for bad in ["(", "a{", "[z-a]", "(?<x", "\\"] {
            if bad == "a{" {
                continue;
            }
            assert!(Matcher::new("a", MatchOp::Regex, bad).is_err(), "{bad}");
        }
        assert!(Matcher::new("a", MatchOp::Regex, "((a{1000}){1000}){1000}").is_err());
    }
}
