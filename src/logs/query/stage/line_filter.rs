//! `|= != |~ !~ |> !>`: which lines pass, told from their text.

use memchr::memmem::Finder;
use regex::bytes::Regex;
use regex_syntax::hir::{Dot, Hir, HirKind};

use super::ip::has_address;
use super::pattern::PatternFilter;
use super::regexp::line_regex;
use crate::logs::query::ast::{IpPattern, LineFilter, LineMatch, LineOp};
use crate::series::re2;

/// A line filter, ready to run.
#[derive(Debug, Clone)]
pub(crate) struct LineTest {
    negative: bool,
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
enum Term {
    Everything,
    Text(Box<Finder<'static>>),
    Regex(Regex),
    Pattern(PatternFilter),
    Ip(IpPattern),
}

impl LineTest {
    /// Prepares a filter; fails on what the parser should have refused.
    pub(crate) fn new(filter: &LineFilter) -> Result<Self, String> {
        let terms = filter.terms.iter().map(|term| Term::new(filter.op, term)).collect::<Result<_, _>>()?;
        Ok(Self { negative: filter.op.is_negative(), terms })
    }

    /// Whether a line passes.
    #[inline]
    pub(crate) fn passes(&self, line: &[u8]) -> bool {
        self.terms.iter().any(|term| term.matches(line)) != self.negative
    }
}

impl Term {
    fn new(op: LineOp, term: &LineMatch) -> Result<Self, String> {
        let text = match term {
            LineMatch::Ip(pattern) => return Ok(Self::Ip(pattern.clone())),
            LineMatch::Pattern(pattern) => return Ok(Self::Pattern(PatternFilter::new(pattern))),
            LineMatch::Text(text) => text,
        };
        Ok(match op {
            LineOp::Regex | LineOp::NotRegex => Self::regex(text)?,
            _ => Self::literal(text),
        })
    }

    fn literal(text: &str) -> Self {
        if text.is_empty() { Self::Everything } else { Self::Text(Box::new(Finder::new(text.as_bytes()).into_owned())) }
    }

    /// What `.*` at the ends of an expression matches does not matter; what is left may be a plain text.
    fn regex(pattern: &str) -> Result<Self, String> {
        let Some(hir) =
            re2::translate(pattern).ok().and_then(|text| regex_syntax::ParserBuilder::new().nest_limit(200).build().parse(&text).ok())
        else {
            return line_regex(pattern).map(Self::Regex);
        };
        let core = without_ends(hir);
        match core.kind() {
            HirKind::Empty => Ok(Self::Everything),
            HirKind::Literal(literal) => Ok(std::str::from_utf8(&literal.0).map_or(Self::Everything, Self::literal)),
            _ => match regex::bytes::RegexBuilder::new(&core.to_string()).size_limit(crate::base::limits::REGEX_BYTES_MAX).build() {
                Ok(regex) => Ok(Self::Regex(regex)),
                Err(_) => line_regex(pattern).map(Self::Regex),
            },
        }
    }

    #[inline]
    fn matches(&self, line: &[u8]) -> bool {
        match self {
            Self::Everything => true,
            Self::Text(finder) => finder.find(line).is_some(),
            Self::Regex(regex) => regex.is_match(line),
            Self::Pattern(pattern) => pattern.matches(line),
            Self::Ip(pattern) => has_address(line, pattern),
        }
    }
}

/// An expression without the `.*` at its ends, which an unanchored search does not need.
fn without_ends(hir: Hir) -> Hir {
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        HirKind::Capture(capture) => return without_ends((*capture.sub).clone()),
        _ => return hir,
    };
    let first = parts.iter().take_while(|part| is_anything(part)).count();
    let last = parts.iter().rev().take_while(|part| is_anything(part)).count();
    if first == 0 && last == 0 {
        return hir;
    }
    let rest = parts.get(first..parts.len().saturating_sub(last)).unwrap_or_default();
    without_ends(Hir::concat(rest.to_vec()))
}

/// Whether this is `.*`, greedy or not.
fn is_anything(hir: &Hir) -> bool {
    let dot = Hir::dot(Dot::AnyCharExceptLF);
    let any = Hir::dot(Dot::AnyChar);
    matches!(hir.kind(), HirKind::Repetition(rep) if rep.min == 0 && rep.max.is_none() && (rep.sub.kind() == dot.kind() || rep.sub.kind() == any.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(op: LineOp, terms: &[&str]) -> LineTest {
        let terms = terms.iter().map(|term| LineMatch::Text((*term).into())).collect();
        LineTest::new(&LineFilter { op, terms }).unwrap()
    }

    fn check(filter: &LineTest, yes: &[&str], no: &[&str]) {
        for line in yes {
            assert!(filter.passes(line.as_bytes()), "{filter:?} should pass {line}");
        }
        for line in no {
            assert!(!filter.passes(line.as_bytes()), "{filter:?} should not pass {line}");
        }
    }

    #[test]
    fn texts() {
        check(&test(LineOp::Contains, &["err"]), &["an error"], &["ok", "ERR", ""]);
        check(&test(LineOp::Contains, &["err", "warn"]), &["an error", "a warning"], &["ok"]);
        check(&test(LineOp::Contains, &[""]), &["", "x"], &[]);
        check(&test(LineOp::NotContains, &["err"]), &["ok"], &["an error"]);
    }

    #[test]
    fn regular_expressions() {
        check(&test(LineOp::Regex, &["code=5.."]), &["x code=503 y"], &["code=50", "CODE=500"]);
        check(&test(LineOp::Regex, &["(?i)code=5"]), &["CODE=5"], &["code=4"]);
        check(&test(LineOp::Regex, &[".*(error|warn).*"]), &["a warn", "error"], &["info"]);
        check(&test(LineOp::Regex, &[".+bar"]), &["xbar"], &["bar"]);
        check(&test(LineOp::Regex, &["^a.*b$"]), &["ab", "axb"], &["xab", "abx"]);
        check(&test(LineOp::Regex, &[""]), &["", "x"], &[]);
        check(&test(LineOp::Regex, &[".*plain.*"]), &["so plain it is"], &["other"]);
        check(&test(LineOp::NotRegex, &["a|b"]), &["c"], &["xa", "b"]);
        assert!(matches!(Term::regex(".*plain.*").unwrap(), Term::Text(_)));
    }
}
