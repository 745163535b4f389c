//! `| pattern "<ip> - <_> <status>"` makes labels of what lies between literals; `|> "<_> error <_>"` filters lines by it.

use std::sync::Arc;

use memchr::memmem::Finder;

use super::row::{Row, push_bytes};
use crate::logs::query::ast::{Pattern, PatternPart};

/// Extracts what the captures of a pattern hold.
#[derive(Debug, Clone)]
pub(crate) struct PatternParser {
    /// What the line must begin with.
    head: Arc<str>,
    /// Captures (none for `<_>`), each with the literal behind it (none for the rest of the line).
    parts: Vec<(Option<Arc<str>>, Option<Finder<'static>>)>,
}

impl PatternParser {
    /// For a pattern that was checked: literals and captures in turns.
    pub(crate) fn new(pattern: &Pattern) -> Self {
        let mut parser = Self { head: Arc::from(""), parts: Vec::new() };
        for part in &pattern.parts {
            match part {
                PatternPart::Capture(name) => parser.parts.push((Some(Arc::clone(name)), None)),
                PatternPart::Skip => parser.parts.push((None, None)),
                PatternPart::Literal(text) => match parser.parts.last_mut() {
                    None => parser.head = Arc::clone(text),
                    Some((_, behind)) => *behind = Some(Finder::new(text.as_bytes()).into_owned()),
                },
            }
        }
        parser
    }

    /// Reads a line.
    pub(crate) fn run(&self, line: &[u8], row: &mut Row) {
        if line.is_empty() || row.is_complete() {
            return;
        }
        let Some(mut rest) = line.strip_prefix(self.head.as_bytes()) else { return };
        for (name, literal) in &self.parts {
            let found = literal.as_ref().and_then(|literal| Some((literal.find(rest)?, literal.needle().len())));
            let (end, next) = found.map_or((rest.len(), None), |(at, length)| (at, Some(at + length)));
            if let Some(name) = name {
                let value = rest.get(..end).unwrap_or_default();
                row.offer(name, |out| push_bytes(out, value));
            }
            match next {
                Some(next) => rest = rest.get(next..).unwrap_or_default(),
                // What is missing takes the rest of the line, and nothing follows.
                None => return,
            }
        }
    }
}

/// Tells whether a line looks like a pattern of literals and `<_>`.
#[derive(Debug, Clone)]
pub(crate) struct PatternFilter {
    literals: Vec<Finder<'static>>,
    /// Whether something must stand before the first literal.
    begins_open: bool,
    /// Whether something must stand behind the last literal.
    ends_open: bool,
}

impl PatternFilter {
    /// For a pattern without names.
    pub(crate) fn new(pattern: &Pattern) -> Self {
        let literal = |part: &PatternPart| match part {
            PatternPart::Literal(text) => Some(Finder::new(text.as_bytes()).into_owned()),
            PatternPart::Capture(_) | PatternPart::Skip => None,
        };
        let is_open = |part: Option<&PatternPart>| part.is_some_and(|part| !matches!(part, PatternPart::Literal(_)));
        Self {
            literals: pattern.parts.iter().filter_map(literal).collect(),
            begins_open: is_open(pattern.parts.first()),
            ends_open: is_open(pattern.parts.last()),
        }
    }

    /// Whether a line looks like it; no capture is empty.
    pub(crate) fn matches(&self, line: &[u8]) -> bool {
        if line.is_empty() || (self.literals.is_empty() && !self.ends_open) {
            return line.is_empty() && self.literals.is_empty() && !self.ends_open;
        }
        let mut at = 0;
        for (index, literal) in self.literals.iter().enumerate() {
            let Some(found) = literal.find(line.get(at..).unwrap_or_default()) else { return false };
            if found == 0 && (index > 0 || self.begins_open) {
                return false;
            }
            at += found + literal.needle().len();
        }
        self.ends_open == (at < line.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    fn run(parts: Vec<PatternPart>, line: &str) -> String {
        let stage = PatternParser::new(&Pattern { text: "".into(), parts });
        let mut row = Row::default();
        row.set_stream(&Labels::from_pairs([("app", "a")]));
        row.begin(b"");
        stage.run(line.as_bytes(), &mut row);
        row.labels().to_string()
    }

    #[test]
    fn captures_become_labels() {
        let capture = |name: &str| PatternPart::Capture(name.into());
        let literal = |text: &str| PatternPart::Literal(text.into());
        let access = || vec![capture("ip"), literal(" - "), PatternPart::Skip, literal(" ["), capture("at"), literal("] "), capture("app")];
        assert_eq!(run(access(), "1.2.3.4 - x [now] rest of it"), r#"{app="a", app_extracted="rest of it", at="now", ip="1.2.3.4"}"#);
        assert_eq!(run(access(), "1.2.3.4 - x"), r#"{app="a", ip="1.2.3.4"}"#);
        assert_eq!(run(access(), "short"), r#"{app="a", ip="short"}"#);
        assert_eq!(run(access(), ""), r#"{app="a"}"#);
        assert_eq!(run(vec![literal("GET "), capture("path")], "GET /x"), r#"{app="a", path="/x"}"#);
        assert_eq!(run(vec![literal("GET "), capture("path")], "PUT /x"), r#"{app="a"}"#);
    }

    #[test]
    fn filters_by_shape() {
        for (pattern, yes, no) in [
            ("GET <_> 200", &["GET /api 200"][..], &["GET /api 2000", "GET  200x", "", "GET 200"][..]),
            ("GET /api", &["GET /api"], &["GET /api 200"]),
            ("foo <_>", &["foo bar"], &["foo ", "bar"]),
            ("<_> foo", &["a foo"], &[" foo", "a foo b"]),
            ("<_>", &["x"], &[""]),
            ("", &[""], &["x"]),
            ("<_>bar<_>", &[" bar "], &["bar ", " bar"]),
        ] {
            let mut parts = Vec::new();
            for (index, piece) in pattern.split("<_>").enumerate() {
                if index > 0 {
                    parts.push(PatternPart::Skip);
                }
                if !piece.is_empty() {
                    parts.push(PatternPart::Literal(piece.into()));
                }
            }
            let filter = PatternFilter::new(&Pattern { text: pattern.into(), parts });
            for line in yes {
                assert!(filter.matches(line.as_bytes()), "{pattern} should match {line}");
            }
            for line in no {
                assert!(!filter.matches(line.as_bytes()), "{pattern} should not match {line}");
            }
        }
    }
}
