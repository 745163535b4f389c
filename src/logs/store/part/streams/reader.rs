//! Finds streams by their labels.

use std::ops::{ControlFlow, Range};

use super::{GROUP_STREAMS, TRAILER_BYTES};
use crate::base::bytes::{Cursor, Malformed};
use crate::logs::store::part::bits::Bits;
use crate::logs::store::part::error::PartError;
use crate::logs::store::part::frames::unpack;
use crate::logs::store::part::pages::Pages;
use crate::series::labels::Labels;
use crate::series::matcher::{MatchOp, Matcher};

/// The streams of a part.
#[derive(Debug)]
pub(in super::super) struct Streams {
    pages: Pages,
    streams: usize,
    stream_groups: usize,
    value_groups: usize,
    places_at: usize,
    names: Range<usize>,
}

/// A name and the groups that hold its values.
struct Name<'a> {
    name: &'a str,
    groups: Range<usize>,
}

/// What to do after a value was seen.
type Next = Result<ControlFlow<()>, PartError>;

impl Streams {
    pub(in super::super) fn open(pages: Pages) -> Result<Self, PartError> {
        let wrong = || PartError::damaged(pages.path(), "its trailer is malformed");
        let start = pages.len().checked_sub(TRAILER_BYTES).ok_or_else(wrong)?;
        let mut cursor = Cursor::new(pages.get(start..pages.len())?);
        let malformed = |_: Malformed| wrong();
        let streams = cursor.u32_le().map_err(malformed)? as usize;
        let value_groups = cursor.u32_le().map_err(malformed)? as usize;
        let places_at = cursor.u64_le().map_err(malformed)? as usize;
        let names_at = cursor.u64_le().map_err(malformed)? as usize;
        let stream_groups = streams.div_ceil(GROUP_STREAMS);
        let places_bytes = (stream_groups + value_groups + 1) * 8;
        if names_at > start || places_at.checked_add(places_bytes) != Some(names_at) {
            return Err(wrong());
        }
        Ok(Self { streams, stream_groups, value_groups, places_at, names: names_at..start, pages })
    }

    /// How many there are.
    pub(in super::super) const fn len(&self) -> usize {
        self.streams
    }

    pub(in super::super) const fn pages(&self) -> &Pages {
        &self.pages
    }

    fn malformed(&self) -> PartError {
        PartError::damaged(self.pages.path(), "a list in it is malformed")
    }

    /// Unpacks a group; groups of values are behind those of streams.
    fn unpack_group(&self, group: usize, out: &mut Vec<u8>) -> Result<(), PartError> {
        let at = self.places_at + 8 * group;
        let mut places = Cursor::new(self.pages.get(at..at + 16)?);
        let (start, end) = (places.u64_le().map_err(|_| self.malformed())?, places.u64_le().map_err(|_| self.malformed())?);
        let mut cursor = Cursor::new(self.pages.get(start as usize..end as usize)?);
        let len = cursor.uvarint().map_err(|_| self.malformed())?;
        if unpack(cursor.rest(), usize::try_from(len).unwrap_or(usize::MAX), out) { Ok(()) } else { Err(self.malformed()) }
    }

    /// To look at label sets, best in ascending order.
    pub(in super::super) fn cursor(&self) -> LabelsCursor<'_> {
        LabelsCursor { streams: self, group: usize::MAX, bytes: Vec::new(), at: 0, next: 0 }
    }

    fn for_each_name(&self, mut each: impl FnMut(Name<'_>) -> Next) -> Result<(), PartError> {
        let mut cursor = Cursor::new(self.pages.get(self.names.clone())?);
        let mut from = self.stream_groups;
        while !cursor.is_empty() {
            let len = cursor.len().map_err(|_| self.malformed())?;
            let name = cursor.take(len).ok().and_then(|name| std::str::from_utf8(name).ok()).ok_or_else(|| self.malformed())?;
            let groups = cursor.uvarint().map_err(|_| self.malformed())? as usize;
            let end = from.checked_add(groups).filter(|end| *end <= self.stream_groups + self.value_groups);
            let end = end.ok_or_else(|| self.malformed())?;
            if each(Name { name, groups: from..end })?.is_break() {
                break;
            }
            from = end;
        }
        Ok(())
    }

    fn groups_of(&self, wanted: &str) -> Result<Option<Range<usize>>, PartError> {
        let mut found = None;
        self.for_each_name(|name| {
            if name.name == wanted {
                found = Some(name.groups);
            }
            Ok(if name.name < wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }

    /// Values in groups, ascending, with the runs of their streams.
    fn for_each_value(&self, groups: Range<usize>, mut each: impl FnMut(&str, Runs<'_>) -> Next) -> Result<(), PartError> {
        let mut bytes = Vec::new();
        for group in groups {
            self.unpack_group(group, &mut bytes)?;
            let mut cursor = Cursor::new(&bytes);
            while !cursor.is_empty() {
                let (value, runs) = next_value(&mut cursor).ok_or_else(|| self.malformed())?;
                if each(value, runs)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Adds the streams that have exactly this value.
    fn add_value(&self, groups: Range<usize>, wanted: &str, streams: &mut Bits) -> Result<(), PartError> {
        let mut bytes = Vec::new();
        let (mut low, mut high) = (groups.start, groups.end);
        // The last group whose first value is not above the wanted one.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            self.unpack_group(middle, &mut bytes)?;
            let (first, _) = next_value(&mut Cursor::new(&bytes)).ok_or_else(|| self.malformed())?;
            if first <= wanted {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.for_each_value(low..high, |value, runs| {
            if value == wanted {
                self.add_runs(runs, streams)?;
            }
            Ok(if value < wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
    }

    fn add_runs(&self, runs: Runs<'_>, streams: &mut Bits) -> Result<(), PartError> {
        for run in runs {
            let (first, count) = run.ok_or_else(|| self.malformed())?;
            streams.insert_run(first, count);
        }
        Ok(())
    }

    /// The streams that all matchers let through; nothing if that is every stream.
    pub(in super::super) fn matching(&self, matchers: &[Matcher]) -> Result<Option<Bits>, PartError> {
        let mut all: Option<Bits> = None;
        for matcher in matchers.iter().filter(|matcher| !matcher.matches_everything()) {
            let found = self.matching_one(matcher)?;
            match &mut all {
                Some(all) => all.and(&found),
                none => *none = Some(found),
            }
            if all.as_ref().is_some_and(Bits::is_empty) {
                break;
            }
        }
        Ok(all.filter(|all| all.count() < self.streams))
    }

    fn matching_one(&self, matcher: &Matcher) -> Result<Bits, PartError> {
        let absent_too = matcher.matches_empty();
        let Some(groups) = self.groups_of(&matcher.name)? else {
            return Ok(if absent_too { Bits::all(self.streams) } else { Bits::none(self.streams) });
        };
        let mut found = Bits::none(self.streams);
        match (matcher.op, matcher.words()) {
            (MatchOp::Equal | MatchOp::NotEqual, _) if !matcher.value.is_empty() => {
                self.add_value(groups, &matcher.value, &mut found)?;
            }
            // With words that are few the value groups are looked up, with the empty word absent labels match too.
            (MatchOp::Regex | MatchOp::NotRegex, Some(words)) if !words.iter().any(|word| word.is_empty()) => {
                words.iter().try_for_each(|word| self.add_value(groups.clone(), word, &mut found))?;
            }
            _ => {
                // What is found is what passes, or what does not if absent labels pass.
                self.for_each_value(groups, |value, runs| {
                    if matcher.matches(value) != absent_too {
                        self.add_runs(runs, &mut found)?;
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
            }
        }
        if absent_too {
            found.invert();
        }
        Ok(found)
    }

    /// The streams that any of some lists of matchers lets through; nothing if that is every stream.
    pub(in super::super) fn matching_any(&self, any_of: &[Vec<Matcher>]) -> Result<Option<Bits>, PartError> {
        let mut any = Bits::none(self.streams);
        if any_of.is_empty() {
            return Ok(None);
        }
        for matchers in any_of {
            match self.matching(matchers)? {
                Some(found) => any.or(&found),
                None => return Ok(None),
            }
        }
        Ok(Some(any))
    }

    /// Names of labels that some of these streams have.
    pub(in super::super) fn names(&self, of: Option<&Bits>, mut each: impl FnMut(&str)) -> Result<(), PartError> {
        self.for_each_name(|name| {
            let mut has = of.is_none();
            if let Some(of) = of {
                self.for_each_value(name.groups, |_, runs| {
                    has = self.any_of_runs(runs, of)?;
                    Ok(if has { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                })?;
            }
            if has {
                each(name.name);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Whether some of these streams have a label.
    pub(in super::super) fn has_label(&self, name: &str, of: Option<&Bits>) -> Result<bool, PartError> {
        let mut has = false;
        self.values(name, of, |_| {
            has = true;
            ControlFlow::Break(())
        })?;
        Ok(has)
    }

    /// Values of a label that some of these streams have, ascending, until `each` says stop.
    pub(in super::super) fn values(
        &self,
        name: &str,
        of: Option<&Bits>,
        mut each: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        let Some(groups) = self.groups_of(name)? else { return Ok(()) };
        self.for_each_value(groups, |value, runs| {
            let has = match of {
                None => true,
                Some(of) => self.any_of_runs(runs, of)?,
            };
            Ok(if has { each(value) } else { ControlFlow::Continue(()) })
        })
    }

    fn any_of_runs(&self, runs: Runs<'_>, of: &Bits) -> Result<bool, PartError> {
        for run in runs {
            let (first, count) = run.ok_or_else(|| self.malformed())?;
            if of.any_in(first, count) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn next_value<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a str, Runs<'a>)> {
    let len = cursor.len().ok()?;
    let value = std::str::from_utf8(cursor.take(len).ok()?).ok()?;
    let len = cursor.len().ok()?;
    Some((value, Runs { cursor: Cursor::new(cursor.take(len).ok()?), end: 0 }))
}

/// Runs of streams: first and count; `None` inside for malformed bytes.
struct Runs<'a> {
    cursor: Cursor<'a>,
    end: usize,
}

impl Iterator for Runs<'_> {
    type Item = Option<(usize, usize)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_empty() {
            return None;
        }
        Some((|| {
            let first = self.end.checked_add(usize::try_from(self.cursor.uvarint().ok()?).ok()?)?;
            let count = usize::try_from(self.cursor.uvarint().ok()?).ok()?.checked_add(1)?;
            self.end = first.checked_add(count)?;
            Some((first, count))
        })())
    }
}

/// Reads label sets; the group looked at last stays unpacked.
pub(in super::super) struct LabelsCursor<'a> {
    streams: &'a Streams,
    group: usize,
    bytes: Vec<u8>,
    /// Where in the group the stream `next` begins.
    at: usize,
    next: usize,
}

impl LabelsCursor<'_> {
    /// The label set of a stream.
    pub(in super::super) fn labels(&mut self, stream: usize) -> Result<Labels, PartError> {
        let malformed = || self.streams.malformed();
        let group = stream / GROUP_STREAMS;
        if stream >= self.streams.streams {
            return Err(malformed());
        }
        if group != self.group {
            self.group = usize::MAX;
            self.streams.unpack_group(group, &mut self.bytes)?;
            self.group = group;
            (self.at, self.next) = (0, group * GROUP_STREAMS);
        } else if stream < self.next {
            (self.at, self.next) = (0, group * GROUP_STREAMS);
        }
        loop {
            let mut cursor = Cursor::new(self.bytes.get(self.at..).unwrap_or_default());
            let len = cursor.len().map_err(|_| malformed())?;
            let packed = cursor.take(len).map_err(|_| malformed())?;
            self.at += cursor.offset();
            self.next += 1;
            if self.next > stream {
                return Labels::from_packed(packed).map_err(|_| malformed());
            }
        }
    }
}
