//! The index of a block, read where it lies: names, values, postings, and what each series has.

use std::ops::Range;

use super::layout::{Places, Section, Table};
use crate::base::bytes::{Cursor, put_uvarint};
use crate::metrics::store::codec::{Corrupt, IdList};
use crate::metrics::store::postings::Postings;

/// A place in the file that does not hold what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) section: Section,
    pub(super) what: &'static str,
}

impl Damage {
    pub(super) const fn new(section: Section, what: &'static str) -> Self {
        Self { section, what }
    }
}

/// Views into a mapped block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index<'a> {
    names: Table<'a>,
    first_values: &'a [[u8; 4]],
    values: Table<'a>,
    postings: Table<'a>,
    shapes: Table<'a>,
    series: Table<'a>,
}

impl<'a> Index<'a> {
    /// Finds the tables; their content is checked when used.
    pub(super) fn open(file: &'a [u8], places: &Places) -> Result<Self, Damage> {
        let section = |section: Section| {
            file.get(places[section as usize - 1].bytes.clone()).ok_or(Damage::new(section, "section lies outside of the file"))
        };
        let table = |wanted: Section| Table::open(section(wanted)?).ok_or(Damage::new(wanted, "offsets of the table do not fit in"));
        Ok(Self {
            names: table(Section::Names)?,
            first_values: section(Section::FirstValues)?.as_chunks().0,
            values: table(Section::Values)?,
            postings: table(Section::Postings)?,
            shapes: table(Section::Shapes)?,
            series: table(Section::Series)?,
        })
    }

    /// Checks that the tables belong together.
    pub(super) fn check(&self) -> Result<(), Damage> {
        if self.first_values.len() != self.names.len() + 1 {
            return Err(Damage::new(Section::FirstValues, "does not fit the names"));
        }
        if self.postings.len() != self.values.len() {
            return Err(Damage::new(Section::Postings, "does not fit the values"));
        }
        Ok(())
    }

    /// Number of series; fits `u32`.
    pub(super) const fn series_count(&self) -> u32 {
        self.series.len() as u32
    }

    /// Number of label names.
    pub(super) const fn name_count(&self) -> usize {
        self.names.len()
    }

    /// A label name.
    pub(super) fn name(&self, index: usize) -> Result<&'a [u8], Damage> {
        self.names.get(index).ok_or(Damage::new(Section::Names, "no such name"))
    }

    /// The index of a label name.
    pub(super) fn find_name(&self, name: &str) -> Option<usize> {
        find(0..self.names.len(), |at| self.names.get(at), name.as_bytes())
    }

    /// The values of a name, as indexes.
    pub(super) fn values_of(&self, name: usize) -> Range<usize> {
        let first = |at: usize| self.first_values.get(at).map_or(0, |first| u32::from_le_bytes(*first) as usize);
        let end = first(name + 1).min(self.values.len());
        first(name).min(end)..end
    }

    /// A label value.
    pub(super) fn value(&self, index: usize) -> Result<&'a [u8], Damage> {
        self.values.get(index).ok_or(Damage::new(Section::Values, "no such value"))
    }

    /// The index of a value of a name.
    pub(super) fn find_value(&self, name: usize, value: &str) -> Option<usize> {
        find(self.values_of(name), |at| self.values.get(at), value.as_bytes())
    }

    /// The values of a name that begin with `prefix`, as indexes.
    pub(super) fn values_with_prefix(&self, name: usize, prefix: &str) -> Range<usize> {
        let all = self.values_of(name);
        if prefix.is_empty() {
            return all;
        }
        let start = lower_bound(all.clone(), |at| self.values.get(at).is_some_and(|value| value < prefix.as_bytes()));
        let end = lower_bound(start..all.end, |at| self.values.get(at).is_some_and(|value| value.starts_with(prefix.as_bytes())));
        start..end
    }

    /// The series that have a value.
    pub(super) fn postings(&self, value: usize) -> Result<Postings<'a>, Corrupt> {
        let bytes = self.postings.get(value).ok_or(Corrupt { what: "no postings for a label value" })?;
        Ok(Postings::Packed(IdList::open(bytes, self.series_count())?))
    }

    /// The chunk list of a series.
    pub(super) fn chunk_list(&self, id: u32) -> Result<&'a [u8], Damage> {
        self.record(id).map(|(chunks, _)| chunks)
    }

    /// Appends the packed labels of a series.
    pub(super) fn labels_into(&self, id: u32, packed: &mut Vec<u8>) -> Result<(), Damage> {
        self.each_label(id, |name, value| {
            for text in [self.name(name)?, self.value(value)?] {
                put_uvarint(packed, text.len() as u64);
                packed.extend_from_slice(text);
            }
            Ok(true)
        })
    }

    /// The value a series has for a name, if any.
    pub(super) fn value_of(&self, id: u32, wanted: usize) -> Result<Option<&'a [u8]>, Damage> {
        let mut found = None;
        self.each_label(id, |name, value| {
            if name == wanted {
                found = Some(self.value(value)?);
            }
            Ok(name < wanted)
        })?;
        Ok(found)
    }

    fn record(&self, id: u32) -> Result<(&'a [u8], Cursor<'a>), Damage> {
        let damage = |_| Damage::new(Section::Series, "a series ends early");
        let record = self.series.get(id as usize).ok_or(Damage::new(Section::Series, "no such series"))?;
        let mut cursor = Cursor::new(record);
        let len = cursor.len().map_err(damage)?;
        let chunks = cursor.take(len).map_err(damage)?;
        Ok((chunks, cursor))
    }

    /// Hands on the indexes of name and value of each label, until `each` says false.
    #[inline]
    fn each_label(&self, id: u32, mut each: impl FnMut(usize, usize) -> Result<bool, Damage>) -> Result<(), Damage> {
        let damage = |_| Damage::new(Section::Series, "a series ends early");
        let (_, mut labels) = self.record(id)?;
        let shape = usize::try_from(labels.uvarint().map_err(damage)?).unwrap_or(usize::MAX);
        let shape = self.shapes.get(shape).ok_or(Damage::new(Section::Shapes, "no such shape"))?;
        let mut names = Cursor::new(shape);
        while !names.is_empty() {
            let name = names.uvarint().map_err(|_| Damage::new(Section::Shapes, "a shape ends early"))?;
            let name = usize::try_from(name).ok().filter(|name| *name < self.names.len());
            let name = name.ok_or(Damage::new(Section::Shapes, "no such name"))?;
            let values = self.values_of(name);
            let value = usize::try_from(labels.uvarint().map_err(damage)?).unwrap_or(usize::MAX);
            if value >= values.len() {
                return Err(Damage::new(Section::Series, "no such value"));
            }
            if !each(name, values.start + value)? {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn lower_bound(range: Range<usize>, is_before: impl Fn(usize) -> bool) -> usize {
    let Range { start: mut low, end: mut high } = range;
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn find<'a>(range: Range<usize>, get: impl Fn(usize) -> Option<&'a [u8]>, wanted: &[u8]) -> Option<usize> {
    let at = lower_bound(range.clone(), |at| get(at).is_some_and(|found| found < wanted));
    (at < range.end && get(at) == Some(wanted)).then_some(at)
}
