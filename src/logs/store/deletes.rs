//! Deleted lines: left out by readers at once, gone from the disk when their part is written anew.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::manifest::Deletion;
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineBuf, Stream};
use crate::series::labels::Labels;
use crate::series::matcher::MatchOp;

/// Says of a stream's line (time in ns, text, packed fields) whether it is meant.
pub type OneStream<'f> = Box<dyn FnMut(i64, &[u8], &[u8]) -> bool + 'f>;

/// Says which lines are meant.
pub trait FilterLines: Send + Sync {
    /// What every line that is meant contains.
    fn needs(&self) -> Needs {
        Needs::Anything
    }
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

    /// What every line that is meant contains.
    pub fn needs(&self) -> Needs {
        match self.filter() {
            Ok(filter) => filter.map_or(Needs::Anything, |filter| filter.needs()),
            Err(_) => Needs::Nothing,
        }
    }

    /// Whether a stream is meant.
    pub fn concerns(&self, labels: &Labels) -> bool {
        self.deletion.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }

    /// Whether lines from `min` to `max` lie in its span.
    fn reaches(&self, min: i64, max: i64) -> bool {
        self.deletion.span.start <= max && min < self.deletion.span.end
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

/// Where lines lie that a deletion may mean, as far as is known.
pub type Reach = Box<[Place]>;

/// Lines of a stream, or of any, and from when to when (ns), both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Hash of the stream's labels; nothing for lines of several streams.
    pub stream: Option<u64>,
    /// The oldest line.
    pub from: i64,
    /// The newest one.
    pub to: i64,
}

impl Place {
    /// Anywhere.
    pub const ALL: Self = Self { stream: None, from: i64::MIN, to: i64::MAX };

    /// Whether it may have lines of a stream with times from `min` to `max`; of any stream without one.
    fn meets(&self, stream: Option<u64>, min: i64, max: i64) -> bool {
        self.from <= max && min <= self.to && (self.stream.is_none() || stream.is_none() || self.stream == stream)
    }
}

/// Most places of one deletion.
const REACH_MAX: usize = 16;

/// The places of some blocks: those of one stream that overlap as one, and if there are many of them only when they are, with
/// the smallest gaps between them closed.
pub fn reach_of(mut places: Vec<Place>) -> Reach {
    join(&mut places);
    if places.len() > REACH_MAX {
        places.iter_mut().for_each(|place| place.stream = None);
        join(&mut places);
    }
    if places.len() > REACH_MAX {
        let gap = |at: usize| places[at].from.saturating_sub(places[at - 1].to);
        let mut widest: Vec<usize> = (1..places.len()).collect();
        widest.sort_by_key(|at| std::cmp::Reverse(gap(*at)));
        widest.truncate(REACH_MAX - 1);
        widest.sort_unstable();
        let begins = std::iter::once(0).chain(widest.iter().copied());
        let ends = widest.iter().copied().chain(std::iter::once(places.len()));
        places = begins.zip(ends).map(|(begin, end)| Place { to: places[end - 1].to, ..places[begin] }).collect();
    }
    places.into()
}

/// Puts places of one stream that overlap together; all are then in order.
fn join(places: &mut Vec<Place>) {
    places.sort_unstable();
    places.dedup_by(|next, kept| {
        let overlaps = next.stream == kept.stream && next.from <= kept.to;
        if overlaps {
            kept.to = kept.to.max(next.to);
        }
        overlaps
    });
}

/// Deletions that concern a part, so that those for a stream are found at once. Where lines lie that one means by what they
/// contain is looked up once, when it is asked for first: a thousand of them, each for a few lines, cost readers little then.
#[derive(Debug, Default)]
pub struct DeleteSet {
    /// All, by number.
    all: Vec<Arc<Compiled>>,
    /// Where the lines are that each may mean.
    reaches: Vec<Arc<OnceLock<Reach>>>,
    /// Those that ask for a value of a label, by value, then by label.
    by_value: HashMap<Arc<str>, Vec<(Arc<str>, usize)>>,
    /// The others.
    rest: Vec<usize>,
}

impl DeleteSet {
    /// Of deletions, by number.
    pub fn new(all: Vec<Arc<Compiled>>) -> Self {
        Self::default().with(all)
    }

    /// Of other deletions, for the same part: what is known of where their lines are stays known.
    #[must_use]
    pub fn with(&self, all: Vec<Arc<Compiled>>) -> Self {
        let known = |delete: &Arc<Compiled>| self.place(delete.deletion.id).map(|at| Arc::clone(&self.reaches[at])).unwrap_or_default();
        let reaches = all.iter().map(known).collect();
        let mut set = Self { all, reaches, ..Self::default() };
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
        self.place(id).is_some()
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.all.binary_search_by_key(&id, |delete| delete.deletion.id).ok()
    }

    /// Whether lines from `min` to `max` may be meant by one of these, and if so whether their texts tell. `labels` are those of
    /// their stream, if it is one. `find` says where the lines are that a deletion may mean.
    pub fn wants_text(&self, labels: Option<&Labels>, (min, max): (i64, i64), find: &dyn Fn(&Compiled) -> Reach) -> Option<bool> {
        let wants = |at: usize, meets: bool| if self.all[at].looks_at_text() { meets.then_some(true) } else { Some(false) };
        let most = |a: Option<bool>, b: Option<bool>| a.max(b);
        match labels {
            Some(labels) => {
                let stream = labels.stable_hash();
                let places = self.places(labels, min, max).into_iter();
                places.map(|at| wants(at, self.meets(at, stream, (min, max), find))).fold(None, most)
            }
            // Of many streams, few may be asked for: nothing is looked up for the others.
            None => {
                let meets = |at: usize| self.reaches[at].get().is_none_or(|reach| reach.iter().any(|place| place.meets(None, min, max)));
                let places = (0..self.all.len()).filter(|at| self.all[*at].reaches(min, max));
                places.map(|at| wants(at, meets(at))).fold(None, most)
            }
        }
    }

    /// Which lines of a stream are meant that have times from `min` to `max`.
    pub fn filters<'s>(&'s self, labels: &Labels, (min, max): (i64, i64), find: &dyn Fn(&Compiled) -> Reach) -> Vec<OneStream<'s>> {
        let stream = labels.stable_hash();
        let places = self.places(labels, min, max).into_iter();
        let met = places.filter(|at| self.meets(*at, stream, (min, max), find));
        met.map(|at| self.filter(at, labels, stream, (min, max))).collect()
    }

    fn filter<'s>(&'s self, at: usize, labels: &Labels, stream: u64, (min, max): (i64, i64)) -> OneStream<'s> {
        let mut filter = self.all[at].of_stream(labels);
        match self.reaches[at].get() {
            Some(reach) if self.all[at].looks_at_text() => {
                let times: Vec<(i64, i64)> =
                    reach.iter().filter(|place| place.meets(Some(stream), min, max)).map(|place| (place.from, place.to)).collect();
                Box::new(move |ts, text, fields| times.iter().any(|(from, to)| *from <= ts && ts <= *to) && filter(ts, text, fields))
            }
            _ => filter,
        }
    }

    /// Whether a deletion may mean lines of a stream from `min` to `max`.
    fn meets(&self, at: usize, stream: u64, (min, max): (i64, i64), find: &dyn Fn(&Compiled) -> Reach) -> bool {
        let delete = &self.all[at];
        if !delete.looks_at_text() {
            return true;
        }
        self.reaches[at].get_or_init(|| find(delete)).iter().any(|place| place.meets(Some(stream), min, max))
    }

    /// Those that mean lines of a stream with times from `min` to `max`, by place.
    fn places(&self, labels: &Labels, min: i64, max: i64) -> Vec<usize> {
        let asked = labels.iter().flat_map(|(name, value)| {
            let known = self.by_value.get(value).map(Vec::as_slice).unwrap_or_default();
            known.iter().filter(move |(asked, _)| **asked == *name).map(|(_, at)| at)
        });
        asked.chain(&self.rest).copied().filter(|at| self.all[*at].reaches(min, max) && self.all[*at].concerns(labels)).collect()
    }
}

/// Takes deleted lines, with times from `min` to `max`, out of what was read. `find` says where the lines are that a deletion
/// may mean.
pub fn leave_out(deletes: &DeleteSet, bounds: (i64, i64), lines: &mut LineBuf, find: &dyn Fn(&Compiled) -> Reach) {
    let runs = std::mem::take(&mut lines.runs);
    let mut kept: Vec<(Arc<Stream>, Range<u32>)> = Vec::with_capacity(runs.len());
    for (stream, range) in runs {
        let mut concerned = deletes.filters(&stream.labels, bounds, find);
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

    fn everywhere(_: &Compiled) -> Reach {
        [Place::ALL].into()
    }

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
        leave_out(&set(Some("x")), (1, 5), &mut lines, &everywhere);
        let runs: Vec<_> = lines.runs.iter().map(|(stream, range)| (stream.labels.get("job").unwrap(), range.clone())).collect();
        assert_eq!(runs, [("a", 0..1), ("a", 2..3), ("a", 4..5), ("b", 5..6)]);
        lines.runs = before.clone();
        leave_out(&set(Some("x")), (7, 9), &mut lines, &everywhere);
        leave_out(&set(Some("")), (1, 5), &mut lines, &everywhere);
        assert_eq!(lines.runs.len(), before.len(), "another time, and a query that is none");
        leave_out(&set(None), (1, 5), &mut lines, &everywhere);
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
            let places = set.places(&Labels::from_pairs(pairs.iter().copied()), min, max);
            places.into_iter().map(|at| set.all[at].deletion.id).collect::<Vec<_>>()
        };
        assert_eq!(found(&[("job", "a")], 2, 2), [1, 9, 5, 7]);
        assert_eq!(found(&[("job", "b"), ("env", "a")], 2, 2), [3, 5]);
        assert_eq!(found(&[("job", "a"), ("env", "prod")], 0, 2), [1, 5]);
        assert_eq!(found(&[("job", "b"), ("env", "test")], 2, 2), [0; 0]);
        assert_eq!(found(&[("job", "a")], 5, 9), [0; 0], "its span ends before");
        assert!(set.has(5) && !set.has(4));
    }

    #[test]
    fn a_deletion_by_text_looks_only_where_its_lines_may_be() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let labels = Labels::from_pairs([("job", "a")]);
        let compiled = |id: u64, query: Option<&str>| {
            let span = Span { start: 0, end: 100 };
            Arc::new(Compiled::new(Deletion { id, span, ..deletion(query) }, Some(Arc::new(Compiler))))
        };
        let (by_text, whole) = (compiled(1, Some("x")), compiled(2, None));
        let set = DeleteSet::new(vec![Arc::clone(&by_text)]);
        let found = AtomicUsize::new(0);
        let find = |_: &Compiled| -> Reach {
            found.fetch_add(1, Ordering::Relaxed);
            let other = Labels::from_pairs([("job", "b")]).stable_hash();
            [(None, 10, 12), (Some(labels.stable_hash()), 20, 20), (Some(other), 5, 6)]
                .map(|(stream, from, to)| Place { stream, from, to })
                .into()
        };
        assert_eq!(set.wants_text(Some(&labels), (0, 9), &find), None, "what lies there is of another stream");
        assert_eq!(set.wants_text(None, (0, 10), &find), Some(true));
        assert_eq!(set.wants_text(None, (0, 4), &find), None);
        assert_eq!(set.wants_text(None, (0, 5), &find), Some(true));
        assert!(set.filters(&labels, (13, 19), &find).is_empty());
        let meant = |set: &DeleteSet, ts: i64| set.filters(&labels, (0, 30), &find).iter_mut().any(|meant| meant(ts, b"x", b""));
        assert_eq!([5, 9, 10, 12, 13, 20].map(|ts| meant(&set, ts)), [false, false, true, true, false, true]);
        let set = set.with(vec![by_text, whole]);
        assert_eq!(set.wants_text(Some(&labels), (0, 9), &find), Some(false));
        assert!(meant(&set, 13), "the other one means every line");
        assert_eq!(found.load(Ordering::Relaxed), 1, "it is looked up once");
    }

    #[test]
    fn a_reach_has_few_spans_and_leaves_nothing_out() {
        let at = |stream: Option<u64>, from, to| Place { stream, from, to };
        let (a, b) = (Some(1), Some(2));
        assert_eq!(*reach_of(vec![at(None, 5, 9), at(None, 1, 3), at(None, 2, 4), at(None, 9, 9)]), [at(None, 1, 4), at(None, 5, 9)]);
        assert_eq!(*reach_of(vec![at(b, 1, 3), at(a, 2, 4), at(b, 3, 5)]), [at(a, 2, 4), at(b, 1, 5)]);
        assert!(reach_of(Vec::new()).is_empty());
        let covers = |reach: &[Place], blocks: &[Place]| {
            blocks.iter().all(|block| {
                reach
                    .iter()
                    .any(|place| place.meets(block.stream, block.from, block.to) && place.from <= block.from && block.to <= place.to)
            })
        };
        let blocks: Vec<Place> = (0..100).map(|n| at(Some(n as u64 % 3), n * n * 10, n * n * 10 + 5)).collect();
        let reach = reach_of(blocks.clone());
        assert!(reach.len() == REACH_MAX && covers(&reach, &blocks));
        assert_eq!(reach.last(), Some(&Place { stream: None, ..blocks[99] }), "the widest gaps stay");
        let one_time: Vec<Place> = (0..100).map(|n| at(Some(n), 7, 9)).collect();
        assert_eq!(*reach_of(one_time), [at(None, 7, 9)], "many streams at one time");
    }
}
