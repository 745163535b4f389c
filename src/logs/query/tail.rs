//! Follows lines as they come in: the streams that a query wants, and its pipeline for each line.

use hashbrown::HashMap;

use super::ast::LogExpr;
use super::stage::pipeline::{Categories, Pipeline, StageError};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// Streams whose verdict is kept.
const STREAMS_MAX: usize = 10_000;

/// A query for lines, applied to one line after the other. One for each who follows.
#[derive(Debug)]
pub struct Tail {
    matchers: Vec<Matcher>,
    pipeline: Pipeline,
    /// Whether a stream is wanted.
    wanted: HashMap<Labels, bool>,
    /// The stream that the pipeline is set to.
    current: Option<Labels>,
}

/// A line that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailLine {
    /// Its text, as the stages left it.
    pub line: String,
    /// All its labels.
    pub labels: Labels,
    /// The same by where they come from.
    pub categories: Categories,
}

impl Tail {
    /// Follows a query from `now` (ns) on; says which stage cannot run, if one cannot.
    pub fn new(query: &LogExpr, now: i64) -> Result<Self, StageError> {
        let pipeline = Pipeline::new(&query.stages, now)?;
        Ok(Self { matchers: query.selector.matchers.clone(), pipeline, wanted: HashMap::new(), current: None })
    }

    /// Whether lines of this stream may be wanted.
    pub fn wants(&mut self, stream: &Labels) -> bool {
        if let Some(wanted) = self.wanted.get(stream) {
            return *wanted;
        }
        let wanted = self.matchers.iter().all(|matcher| matcher.matches_labels(stream));
        if self.wanted.len() >= STREAMS_MAX {
            self.wanted.clear();
        }
        self.wanted.insert(stream.clone(), wanted);
        wanted
    }

    /// What becomes of a line, if it is wanted. `fields` are packed and checked.
    pub fn process(&mut self, stream: &Labels, ts: i64, line: &[u8], fields: &[u8]) -> Option<TailLine> {
        if !self.wants(stream) {
            return None;
        }
        if self.current.as_ref() != Some(stream) {
            self.pipeline.set_stream(stream);
            self.current = Some(stream.clone());
        }
        let passed = self.pipeline.process(ts, line, fields)?;
        Some(TailLine { line: String::from_utf8_lossy(passed.line).into_owned(), labels: passed.labels(), categories: passed.categories() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::query::ast::Query;
    use crate::logs::query::parse::{Dialect, parse};

    #[test]
    fn wanted_lines_come_through() {
        let Ok(Query::Log(query)) = parse(r#"{app="a"} |= "x" | logfmt | n > 1 | line_format "{{.n}}""#, Dialect::Loki) else {
            panic!("no query")
        };
        let mut tail = Tail::new(&query, 0).unwrap();
        let (a, b) = (Labels::from_pairs([("app", "a")]), Labels::from_pairs([("app", "b")]));
        let mut seen = Vec::new();
        for (stream, line) in [(&a, "x n=1"), (&a, "x n=2"), (&b, "x n=3"), (&a, "n=4"), (&a, "n=5 x")] {
            seen.extend(tail.process(stream, 1, line.as_bytes(), b"").map(|line| (line.line, line.labels.to_string())));
        }
        let of = |n: &str| (n.to_owned(), format!(r#"{{app="a", n="{n}"}}"#));
        assert_eq!(seen, [of("2"), (String::from("5"), r#"{app="a", n="5"}"#.to_owned())]);
        assert!(tail.wants(&a) && !tail.wants(&b));
    }
}
