//! Deleted lines: left out by readers at once, gone from the disk when their part is written anew.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::manifest::Deletion;
use crate::logs::model::read::{LineBuf, Stream};
use crate::series::labels::Labels;
use crate::series::matcher::MatchOp;

/// Says of a stream's line (time in ns, text, packed fields) whether it is meant.
pub type OneStream<'f> = Box<dyn FnMut(i64, &[u8], &[u8]) -> bool + 'f>;

/// Says which lines are meant.
pub trait FilterLines: Send + Sync {
    /// For the lines of one stream.
    fn of_stream(&self, labels: &Labels) -> OneStream<'_>;
}

/// A filter.
pub type LineFilter = Box<dyn FilterLines>;

/// Turns the words of a deletion into a filter; the store itself knows no query language.
pub trait CompileFilter: Send + Sync {
    /// The filter of a query.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the query.
    fn compile(&self, query: &str) -> Result<LineFilter, String>;
}

/// A deletion as it is applied. Its query is compiled when the first line comes that it may mean.
pub struct Compiled {
    /// What was asked for.
    pub deletion: Deletion,
    filters: Option<Arc<dyn CompileFilter>>,
    /// Which lines, if not all.
    filter: OnceLock<Result<LineFilter, String>>,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deletion.fmt(f)
    }
}

impl Compiled {
    /// With what to compile its query, if it has one.
    pub fn new(deletion: Deletion, filters: Option<Arc<dyn CompileFilter>>) -> Self {
        Self { deletion, filters, filter: OnceLock::new() }
    }

    /// Whether its query can be compiled.
    ///
    /// # Errors
    /// A sentence that says why it cannot; no line is deleted then.
    pub fn check(&self) -> Result<(), &str> {
        self.filter().map(|_| ()).map_err(String::as_str)
    }

    fn filter(&self) -> Result<Option<&LineFilter>, &String> {
        let Some(query) = &self.deletion.query else { return Ok(None) };
        let compile = || match &self.filters {
            Some(filters) => filters.compile(query),
            None => Err("lines cannot be deleted by what they contain here".to_owned()),
        };
        self.filter.get_or_init(compile).as_ref().map(Some)
    }

    /// Whether it needs to see the text of lines.
    pub fn looks_at_text(&self) -> bool {
        self.deletion.query.is_some()
    }

    /// Whether a stream is meant.
    pub fn concerns(&self, labels: &Labels) -> bool {
        self.deletion.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }

    /// Which lines of a stream that is meant are meant too.
    pub fn of_stream(&self, labels: &Labels) -> OneStream<'_> {
        let span = self.deletion.span;
        match self.filter() {
            Ok(None) => Box::new(move |ts, _, _| span.contains(ts)),
            Ok(Some(filter)) => {
                let mut filter = filter.of_stream(labels);
                Box::new(move |ts, text, fields| span.contains(ts) && filter(ts, text, fields))
            }
            // It is told elsewhere.
            Err(_) => Box::new(|_, _, _| false),
        }
    }
}

/// Deletions, so that those for a stream are found at once.
#[derive(Debug, Default)]
pub struct DeleteSet {
    /// All, by number.
    all: Vec<Arc<Compiled>>,
    /// Those that ask for a value of a label, by value, then by label.
    by_value: HashMap<Arc<str>, Vec<(Arc<str>, usize)>>,
    /// The others.
    rest: Vec<usize>,
}

impl DeleteSet {
    /// Of deletions, by number.
    pub fn new(all: Vec<Arc<Compiled>>) -> Self {
        let mut set = Self { all, ..Self::default() };
        for (at, delete) in set.all.iter().enumerate() {
            let asked = delete.deletion.matchers.iter().find(|matcher| matcher.op == MatchOp::Equal && !matcher.value.is_empty());
            match asked {
                Some(matcher) => set.by_value.entry(Arc::clone(&matcher.value)).or_default().push((Arc::clone(&matcher.name), at)),
                None => set.rest.push(at),
            }
        }
        set
    }

    /// All, by number.
    pub fn all(&self) -> &[Arc<Compiled>] {
        &self.all
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether one is in it.
    pub fn has(&self, id: u64) -> bool {
        self.all.binary_search_by_key(&id, |delete| delete.deletion.id).is_ok()
    }

    /// Those that mean lines of a stream with times from `min` to `max`.
    pub fn of<'s>(&'s self, labels: &Labels, min: i64, max: i64) -> Vec<&'s Compiled> {
        let asked = labels.iter().flat_map(|(name, value)| {
            let known = self.by_value.get(value).map(Vec::as_slice).unwrap_or_default();
            known.iter().filter(move |(asked, _)| **asked == *name).map(|(_, at)| at)
        });
        let reaches = |delete: &&Compiled| delete.deletion.span.start <= max && min < delete.deletion.span.end && delete.concerns(labels);
        asked.chain(&self.rest).map(|at| &*self.all[*at]).filter(reaches).collect()
    }
}

/// Takes deleted lines, with times from `min` to `max`, out of what was read.
pub fn leave_out(deletes: &DeleteSet, (min, max): (i64, i64), lines: &mut LineBuf) {
    let runs = std::mem::take(&mut lines.runs);
    let mut kept: Vec<(Arc<Stream>, Range<u32>)> = Vec::with_capacity(runs.len());
    for (stream, range) in runs {
        let mut concerned: Vec<OneStream<'_>> =
            deletes.of(&stream.labels, min, max).into_iter().map(|delete| delete.of_stream(&stream.labels)).collect();
        if concerned.is_empty() {
            kept.push((stream, range));
            continue;
        }
        let mut from = range.start;
        for at in range.clone() {
            let index = at as usize;
            let Some(&ts) = lines.times.get(index) else { break };
            let (text, fields) = (lines.line(index), lines.fields_of(index));
            if concerned.iter_mut().any(|deletes| deletes(ts, text, fields)) {
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

    struct Contains(Vec<u8>);

    impl FilterLines for Contains {
        fn of_stream(&self, _: &Labels) -> OneStream<'_> {
            Box::new(|_, text, _| text.windows(self.0.len()).any(|window| window == self.0))
        }
    }

    struct Compiler;

    impl CompileFilter for Compiler {
        fn compile(&self, query: &str) -> Result<LineFilter, String> {
            if query.is_empty() { Err("an empty query".to_owned()) } else { Ok(Box::new(Contains(query.as_bytes().to_vec()))) }
        }
    }

    fn compiled(query: Option<&str>) -> Compiled {
        Compiled::new(deletion(query), Some(Arc::new(Compiler)))
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
        let set = |query| DeleteSet::new(vec![Arc::new(compiled(query))]);
        leave_out(&set(Some("x")), (1, 5), &mut lines);
        let runs: Vec<_> = lines.runs.iter().map(|(stream, range)| (stream.labels.get("job").unwrap(), range.clone())).collect();
        assert_eq!(runs, [("a", 0..1), ("a", 2..3), ("a", 4..5), ("b", 5..6)]);
        lines.runs = before.clone();
        leave_out(&set(Some("x")), (7, 9), &mut lines);
        leave_out(&set(Some("")), (1, 5), &mut lines);
        assert_eq!(lines.runs.len(), before.len(), "another time, and a query that is none");
        leave_out(&set(None), (1, 5), &mut lines);
        let runs: Vec<_> = lines.runs.iter().map(|(stream, range)| (stream.labels.get("job").unwrap(), range.clone())).collect();
        assert_eq!(runs, [("a", 0..1), ("a", 4..5), ("b", 5..6)]);
        assert_eq!(compiled(Some("")).check(), Err("an empty query"));
        assert!(compiled(Some("x")).check().is_ok() && compiled(None).check().is_ok());
        assert!(Compiled::new(deletion(Some("x")), None).check().is_err());
    }

    #[test]
    fn those_for_a_stream_are_found() {
        let of = |id, matchers: Vec<Matcher>| Arc::new(Compiled::new(Deletion { id, matchers, ..deletion(None) }, None));
        let not = |value| Matcher::new("env", MatchOp::NotEqual, value).unwrap();
        let set = DeleteSet::new(vec![
            of(1, vec![Matcher::equal("job", "a")]),
            of(3, vec![Matcher::equal("env", "a")]),
            of(5, vec![not("test")]),
            of(7, vec![Matcher::equal("env", "")]),
            of(9, vec![not("prod"), Matcher::equal("job", "a")]),
        ]);
        let found = |pairs: &[(&str, &str)], min, max| {
            set.of(&Labels::from_pairs(pairs.iter().copied()), min, max).iter().map(|delete| delete.deletion.id).collect::<Vec<_>>()
        };
        assert_eq!(found(&[("job", "a")], 2, 2), [1, 9, 5, 7]);
        assert_eq!(found(&[("job", "b"), ("env", "a")], 2, 2), [3, 5]);
        assert_eq!(found(&[("job", "a"), ("env", "prod")], 0, 2), [1, 5]);
        assert_eq!(found(&[("job", "b"), ("env", "test")], 2, 2), [0; 0]);
        assert_eq!(found(&[("job", "a")], 5, 9), [0; 0], "its span ends before");
        assert!(set.has(5) && !set.has(4));
    }
}
