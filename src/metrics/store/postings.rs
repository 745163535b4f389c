//! Which series a list of matchers selects: set algebra over sorted series ids.
//!
//! The index behind it may be the head's or a block's ([`PostingsSource`]). As upstream, an absent label has the empty
//! value: a matcher that passes the empty value also selects series without the label. Work grows with the series
//! that the most selective matcher touches: cheap lists are taken first, long ones are only probed, and when few
//! candidates are left, their labels are looked at instead of every value of a label.

use std::ops::Range;

use super::codec::{Corrupt, IdList};
use crate::series::matcher::{MatchOp, Matcher};

/// Ascending series ids, in the form the index has them.
#[derive(Debug, Clone)]
pub enum Postings<'a> {
    /// Consecutive ids.
    Range(Range<u32>),
    /// Borrowed from the index.
    Slice(&'a [u32]),
    /// Made for the caller.
    Owned(Vec<u32>),
    /// Packed in a block.
    Packed(IdList<'a>),
}

impl Postings<'_> {
    /// No series.
    pub const EMPTY: Self = Self::Range(0..0);

    /// Number of series.
    pub fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Packed(list) => list.len(),
            other => other.as_slice().len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends all ids to `out`.
    pub fn append_to(&self, out: &mut Vec<u32>) -> Result<(), Corrupt> {
        match self {
            Self::Range(range) => out.extend(range.clone()),
            Self::Packed(list) => list.append_to(out)?,
            other => out.extend_from_slice(other.as_slice()),
        }
        Ok(())
    }

    /// Keeps of `ids` (ascending) those that are in here.
    pub fn retain_in(&self, ids: &mut Vec<u32>) -> Result<(), Corrupt> {
        self.filter(ids, true)
    }

    /// Removes from `ids` (ascending) those that are in here.
    pub fn remove_from(&self, ids: &mut Vec<u32>) -> Result<(), Corrupt> {
        self.filter(ids, false)
    }

    fn filter(&self, ids: &mut Vec<u32>, keep: bool) -> Result<(), Corrupt> {
        match self {
            Self::Range(range) => ids.retain(|id| range.contains(id) == keep),
            Self::Packed(list) => {
                let mut kept = Vec::with_capacity(if keep { ids.len().min(list.len()) } else { ids.len() });
                list.look_up(ids, |id, is_in| {
                    if is_in == keep {
                        kept.push(id);
                    }
                })?;
                *ids = kept;
            }
            other => {
                let mut rest = other.as_slice();
                ids.retain(|id| {
                    rest = &rest[gallop(rest, *id)..];
                    (rest.first() == Some(id)) == keep
                });
            }
        }
        Ok(())
    }

    fn as_slice(&self) -> &[u32] {
        match self {
            Self::Slice(ids) => ids,
            Self::Owned(ids) => ids,
            Self::Range(_) | Self::Packed(_) => &[],
        }
    }
}

/// Position of the first entry that is not below `id`, found in steps that double.
fn gallop(sorted: &[u32], id: u32) -> usize {
    let mut end = 1;
    while sorted.get(end - 1).is_some_and(|found| *found < id) {
        end *= 2;
    }
    let start = end / 2;
    let end = end.min(sorted.len());
    start.min(end) + sorted[start.min(end)..end].partition_point(|found| *found < id)
}

/// An index from labels to series.
pub trait PostingsSource {
    /// Every series.
    fn all(&self) -> Result<Postings<'_>, Corrupt>;
    /// Series that have a label with this value; the value is not empty.
    fn postings(&self, name: &str, value: &str) -> Result<Postings<'_>, Corrupt>;
    /// How many values a label has; may be an estimate.
    fn value_count(&self, name: &str) -> usize;
    /// Appends to `lists` the postings of each value of a label that begins with `prefix` and that `keep` accepts.
    fn postings_where<'a>(
        &'a self,
        name: &str,
        prefix: &str,
        keep: &mut dyn FnMut(&str) -> bool,
        lists: &mut Vec<Postings<'a>>,
    ) -> Result<(), Corrupt>;
    /// What `test` says to a series' value of a label, empty if the series lacks it.
    fn test_label(&self, id: u32, name: &str, test: &mut dyn FnMut(&str) -> bool) -> Result<bool, Corrupt>;
}

/// The series that pass all matchers, ascending. Without matchers all.
pub fn matching(source: &impl PostingsSource, matchers: &[Matcher]) -> Result<Vec<u32>, Corrupt> {
    let mut within = Vec::new();
    let mut without = Vec::new();
    let mut scans = Vec::new();
    for matcher in matchers {
        match condition(source, matcher)? {
            Condition::Nothing => {}
            Condition::Within(lists) => within.push((total(&lists), lists)),
            Condition::Without(lists) => without.extend(lists),
            Condition::Scan(scan) => scans.push(scan),
        }
    }
    within.sort_by_key(|(len, _)| *len);
    scans.sort_by_key(|scan| (!scan.selects, source.value_count(&scan.matcher.name)));

    let mut scans = scans.into_iter().peekable();
    let mut within = within.into_iter();
    let mut ids = if let Some((_, lists)) = within.next() {
        union(&lists)?
    } else if let Some(scan) = scans.next_if(|scan| scan.selects) {
        union(&scan.lists(source)?)?
    } else {
        union(&[source.all()?])?
    };
    for (_, lists) in within {
        intersect(&mut ids, &lists)?;
    }
    for list in &without {
        if ids.is_empty() {
            break;
        }
        list.remove_from(&mut ids)?;
    }
    for scan in scans {
        if ids.is_empty() {
            break;
        }
        scan.apply(source, &mut ids)?;
    }
    Ok(ids)
}

/// What a matcher asks of the index.
enum Condition<'a> {
    /// It passes everything.
    Nothing,
    /// Series in any of these lists.
    Within(Vec<Postings<'a>>),
    /// Series in none of these lists.
    Without(Vec<Postings<'a>>),
    /// The values have to be looked through.
    Scan(Scan<'a>),
}

/// A matcher for which values have to be looked through.
struct Scan<'a> {
    matcher: &'a Matcher,
    /// Whether series without the label fail, so that the values that pass select; else those that fail remove.
    selects: bool,
}

fn condition<'a>(source: &'a impl PostingsSource, matcher: &'a Matcher) -> Result<Condition<'a>, Corrupt> {
    let passes_empty = matcher.matches_empty();
    let lists = |values: &mut dyn Iterator<Item = &str>| -> Result<Vec<Postings<'a>>, Corrupt> {
        values.map(|value| source.postings(&matcher.name, value)).filter(|list| !matches!(list, Ok(list) if list.is_empty())).collect()
    };
    Ok(match (matcher.op, matcher.words()) {
        _ if matcher.matches_everything() => Condition::Nothing,
        (MatchOp::Equal, _) if !passes_empty => Condition::Within(lists(&mut std::iter::once(&*matcher.value))?),
        (MatchOp::NotEqual, _) if passes_empty => Condition::Without(lists(&mut std::iter::once(&*matcher.value))?),
        (MatchOp::Regex, Some(words)) if !passes_empty => Condition::Within(lists(&mut words.iter().map(|word| &**word))?),
        (MatchOp::NotRegex, Some(words)) if passes_empty => Condition::Without(lists(&mut words.iter().map(|word| &**word))?),
        _ => Condition::Scan(Scan { matcher, selects: !passes_empty }),
    })
}

impl Scan<'_> {
    /// The lists of the values that select, or that remove.
    fn lists<'s>(&self, source: &'s impl PostingsSource) -> Result<Vec<Postings<'s>>, Corrupt> {
        // The prefix belongs to what the expression matches: to what passes with `=~`, to what fails with `!~`.
        let prefix = match (self.matcher.op, self.selects) {
            (MatchOp::Regex, true) | (MatchOp::NotRegex, false) => self.matcher.prefix(),
            _ => "",
        };
        let mut lists = Vec::new();
        source.postings_where(&self.matcher.name, prefix, &mut |value| self.matcher.matches(value) == self.selects, &mut lists)?;
        Ok(lists)
    }

    fn apply(&self, source: &impl PostingsSource, ids: &mut Vec<u32>) -> Result<(), Corrupt> {
        if ids.len() < source.value_count(&self.matcher.name) {
            let mut failed = None;
            ids.retain(|id| match source.test_label(*id, &self.matcher.name, &mut |value| self.matcher.matches(value)) {
                Ok(passes) => passes,
                Err(error) => {
                    failed = Some(error);
                    false
                }
            });
            return failed.map_or(Ok(()), Err);
        }
        let lists = self.lists(source)?;
        if self.selects {
            return intersect(ids, &lists);
        }
        if let [only] = &lists[..] {
            return only.remove_from(ids);
        }
        Postings::Owned(union(&lists)?).remove_from(ids)
    }
}

fn total(lists: &[Postings<'_>]) -> usize {
    lists.iter().map(Postings::len).sum()
}

/// Keeps the ids that are in any of the lists.
fn intersect(ids: &mut Vec<u32>, lists: &[Postings<'_>]) -> Result<(), Corrupt> {
    if let [only] = lists {
        return only.retain_in(ids);
    }
    if ids.len().saturating_mul(lists.len()) < total(lists) {
        // The lists belong to values of one label, so that no series is found twice.
        let mut found = Vec::new();
        for list in lists {
            let mut part = ids.clone();
            list.retain_in(&mut part)?;
            found.append(&mut part);
        }
        found.sort_unstable();
        *ids = found;
        return Ok(());
    }
    Postings::Owned(union(lists)?).retain_in(ids)
}

/// All ids of the lists, ascending.
fn union(lists: &[Postings<'_>]) -> Result<Vec<u32>, Corrupt> {
    let mut ids = Vec::with_capacity(total(lists));
    for list in lists {
        list.append_to(&mut ids)?;
    }
    if lists.len() < 2 || ids.is_sorted() {
        return Ok(ids);
    }
    let (min, max) = ids.iter().fold((u32::MAX, 0), |(min, max), id| (min.min(*id), max.max(*id)));
    let span = (max - min) as usize + 1;
    if span / 64 > ids.len() {
        ids.sort_unstable();
        ids.dedup();
        return Ok(ids);
    }
    // Dense enough that a bitmap sorts faster.
    let mut bitmap = vec![0u64; span.div_ceil(64)];
    for id in &ids {
        let at = (id - min) as usize;
        bitmap[at / 64] |= 1 << (at % 64);
    }
    ids.clear();
    for (index, &word) in bitmap.iter().enumerate() {
        let mut word = word;
        while word != 0 {
            ids.push(min + index as u32 * 64 + word.trailing_zeros());
            word &= word - 1;
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::codec::encode_ids;
    use super::*;
    use crate::series::labels::Labels;

    /// An index in memory; lists are handed out in every form in turn.
    struct Index {
        series: Vec<Labels>,
        lists: BTreeMap<(String, String), Vec<u32>>,
        packed: BTreeMap<(String, String), Vec<u8>>,
    }

    impl Index {
        fn new(series: Vec<Labels>) -> Self {
            let mut lists: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
            for (id, labels) in series.iter().enumerate() {
                for (name, value) in labels.iter() {
                    lists.entry((name.to_owned(), value.to_owned())).or_default().push(id as u32);
                }
            }
            let packed = lists
                .iter()
                .map(|(key, ids)| {
                    let mut bytes = Vec::new();
                    encode_ids(ids, &mut bytes);
                    (key.clone(), bytes)
                })
                .collect();
            Self { series, lists, packed }
        }

        fn list(&self, key: &(String, String)) -> Result<Postings<'_>, Corrupt> {
            let Some(ids) = self.lists.get(key) else { return Ok(Postings::EMPTY) };
            Ok(match key.1.len() % 3 {
                0 => Postings::Slice(ids),
                1 => Postings::Packed(IdList::open(&self.packed[key], self.series.len() as u32)?),
                _ => Postings::Owned(ids.clone()),
            })
        }
    }

    impl PostingsSource for Index {
        fn all(&self) -> Result<Postings<'_>, Corrupt> {
            Ok(Postings::Range(0..self.series.len() as u32))
        }

        fn postings(&self, name: &str, value: &str) -> Result<Postings<'_>, Corrupt> {
            assert!(!value.is_empty(), "the empty value is not looked up");
            self.list(&(name.to_owned(), value.to_owned()))
        }

        fn value_count(&self, name: &str) -> usize {
            self.lists.keys().filter(|key| key.0 == name).count()
        }

        fn postings_where<'a>(
            &'a self,
            name: &str,
            prefix: &str,
            keep: &mut dyn FnMut(&str) -> bool,
            lists: &mut Vec<Postings<'a>>,
        ) -> Result<(), Corrupt> {
            for key in self.lists.keys().filter(|key| key.0 == name && key.1.starts_with(prefix)) {
                if keep(&key.1) {
                    lists.push(self.list(key)?);
                }
            }
            Ok(())
        }

        fn test_label(&self, id: u32, name: &str, test: &mut dyn FnMut(&str) -> bool) -> Result<bool, Corrupt> {
            Ok(test(self.series[id as usize].get(name).unwrap_or("")))
        }
    }

    fn check(index: &Index, matchers: &[Matcher]) {
        let expected: Vec<u32> = (0..index.series.len() as u32)
            .filter(|id| matchers.iter().all(|matcher| matcher.matches_labels(&index.series[*id as usize])))
            .collect();
        assert_eq!(matching(index, matchers), Ok(expected), "{matchers:?}");
    }

    const PATTERNS: [&str; 16] =
        ["", "a", "bb", "ccc", "a|bb", "a|", "|bb|dddd", ".*", ".+", "a.*", "b.+", "[a-c]+", ".*c.*", "dddd|ccc", "(a|b).*|", "x"];

    fn any_matcher() -> impl Strategy<Value = Matcher> {
        (0usize..3, 0usize..4, 0..PATTERNS.len()).prop_map(|(name, op, pattern)| {
            let op = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex][op];
            Matcher::new(["n", "m", "absent"][name], op, PATTERNS[pattern]).expect("valid")
        })
    }

    #[test]
    fn every_kind_of_matcher_alone_and_in_pairs() {
        let values = ["", "a", "bb", "ccc", "dddd", "abc"];
        let series =
            (0..72).map(|i| Labels::from_pairs([("n", values[i % 6]), ("m", values[i / 6 % 6]), ("id", &i.to_string())])).collect();
        let index = Index::new(series);
        check(&index, &[]);
        let mut all = Vec::new();
        for name in ["n", "m", "id", "absent"] {
            for op in [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex] {
                for pattern in PATTERNS {
                    all.push(Matcher::new(name, op, pattern).expect("valid"));
                }
            }
        }
        for (at, one) in all.iter().enumerate() {
            check(&index, std::slice::from_ref(one));
            for other in all[at..].iter().step_by(7) {
                check(&index, &[one.clone(), other.clone()]);
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_looking_at_every_series(
            series in prop::collection::vec((0usize..6, 0usize..6), 0..200),
            matchers in prop::collection::vec(any_matcher(), 0..4),
        ) {
            let values = ["", "a", "bb", "ccc", "dddd", "abc"];
            let series = series.iter().map(|(n, m)| Labels::from_pairs([("n", values[*n]), ("m", values[*m])])).collect();
            check(&Index::new(series), &matchers);
        }
    }
}
