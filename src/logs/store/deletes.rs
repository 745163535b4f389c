//! Deleted lines: left out by readers at once, gone from the disk when their part is written anew.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::manifest::Deletion;
use crate::logs::model::read::{LineBuf, Stream};
use crate::series::labels::Labels;

/// Says of a line (labels, time in ns, text, packed fields) whether it is meant.
pub type LineFilter = Box<dyn Fn(&Labels, i64, &[u8], &[u8]) -> bool + Send + Sync>;

/// Turns the words of a deletion into a filter; the store itself knows no query language.
pub trait CompileFilter: Send + Sync {
    /// The filter of a query.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the query.
    fn compile(&self, query: &str) -> Result<LineFilter, String>;
}

/// A deletion that can be applied.
pub struct Compiled {
    /// What was asked for.
    pub deletion: Deletion,
    /// Which lines, if not all.
    filter: Option<LineFilter>,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deletion.fmt(f)
    }
}

impl Compiled {
    /// Compiles the query, if there is one.
    ///
    /// # Errors
    /// A sentence that says why it cannot be applied.
    pub fn new(deletion: Deletion, filters: Option<&dyn CompileFilter>) -> Result<Self, String> {
        let filter = match (&deletion.query, filters) {
            (None, _) => None,
            (Some(query), Some(filters)) => Some(filters.compile(query)?),
            (Some(_), None) => return Err("lines cannot be deleted by what they contain here".to_owned()),
        };
        Ok(Self { deletion, filter })
    }

    /// Whether it needs to see the text of lines.
    pub fn looks_at_text(&self) -> bool {
        self.filter.is_some()
    }

    /// Whether a stream is meant.
    pub fn concerns(&self, labels: &Labels) -> bool {
        self.deletion.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }

    /// Whether a line of a stream that is meant is meant too.
    pub fn deletes(&self, labels: &Labels, ts: i64, text: &[u8], fields: &[u8]) -> bool {
        self.deletion.span.contains(ts) && self.filter.as_ref().is_none_or(|filter| filter(labels, ts, text, fields))
    }
}

/// Takes deleted lines out of what was read.
pub fn leave_out(deletes: &[Arc<Compiled>], lines: &mut LineBuf) {
    let runs = std::mem::take(&mut lines.runs);
    let mut kept: Vec<(Arc<Stream>, Range<u32>)> = Vec::with_capacity(runs.len());
    for (stream, range) in runs {
        let concerned: Vec<&Compiled> = deletes.iter().map(|delete| &**delete).filter(|delete| delete.concerns(&stream.labels)).collect();
        if concerned.is_empty() {
            kept.push((stream, range));
            continue;
        }
        let mut from = range.start;
        for at in range.clone() {
            let index = at as usize;
            let Some(&ts) = lines.times.get(index) else { break };
            let (text, fields) = (lines.line(index), lines.fields_of(index));
            if concerned.iter().any(|delete| delete.deletes(&stream.labels, ts, text, fields)) {
                if at > from {
                    kept.push((Arc::clone(&stream), from..at));
                }
                from = at + 1;
            }
        }
        if range.end > from {
            kept.push((stream, from..range.end));
        }
    }
    lines.runs = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::model::read::Span;
    use crate::series::matcher::Matcher;

    struct Contains;

    impl CompileFilter for Contains {
        fn compile(&self, query: &str) -> Result<LineFilter, String> {
            if query.is_empty() {
                return Err("an empty query".to_owned());
            }
            let query = query.as_bytes().to_vec();
            Ok(Box::new(move |_, _, text, _| text.windows(query.len()).any(|window| window == query)))
        }
    }

    fn deletion(query: Option<&str>) -> Deletion {
        let matchers = vec![Matcher::equal("job", "a")];
        let span = Span { start: 2, end: 5 };
        Deletion { id: 1, created_ms: 0, matchers, span, query: query.map(str::to_owned), processed_ms: None }
    }

    #[test]
    fn only_what_is_meant_goes() {
        let stream = |job: &str| Arc::new(Stream { labels: Labels::from_pairs([("job", job)]) });
        let mut lines = LineBuf { starts: vec![0], ..LineBuf::default() };
        for (ts, text) in [(1, "x"), (2, "x"), (3, "y"), (4, "x"), (5, "x"), (2, "x")] {
            lines.times.push(ts);
            lines.text.extend_from_slice(text.as_bytes());
            lines.text.push(b'\n');
            lines.starts.push(lines.text.len() as u32);
        }
        lines.runs = vec![(stream("a"), 0..5), (stream("b"), 5..6)];
        let before = lines.runs.clone();
        let compiled = |query| vec![Arc::new(Compiled::new(deletion(query), Some(&Contains)).unwrap())];
        leave_out(&compiled(Some("x")), &mut lines);
        let runs: Vec<_> = lines.runs.iter().map(|(stream, range)| (stream.labels.get("job").unwrap(), range.clone())).collect();
        assert_eq!(runs, [("a", 0..1), ("a", 2..3), ("a", 4..5), ("b", 5..6)]);
        lines.runs = before;
        leave_out(&compiled(None), &mut lines);
        let runs: Vec<_> = lines.runs.iter().map(|(stream, range)| (stream.labels.get("job").unwrap(), range.clone())).collect();
        assert_eq!(runs, [("a", 0..1), ("a", 4..5), ("b", 5..6)]);
        assert!(Compiled::new(deletion(Some("")), Some(&Contains)).is_err());
        assert!(Compiled::new(deletion(Some("x")), None).is_err());
    }
}
