//! Collects the labels and chunk lists of a block's series and writes its index.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::BlockError;
use super::layout::{FileWriter, Section};
use crate::base::bytes::put_uvarint;
use crate::metrics::store::codec::encode_ids;
use crate::series::labels::Labels;

/// A label value as it came first.
struct Value {
    name: u32,
    text: Box<str>,
}

/// The index of a block being written. Takes about `40 + 4 * labels` bytes a series, and every distinct string once.
#[derive(Default)]
pub(super) struct IndexWriter {
    names: Distinct<Box<str>>,
    values: Distinct<Value>,
    shapes: Distinct<Box<[u32]>>,
    /// For each series its shape and its values.
    series_labels: Vec<u32>,
    chunk_lists: Vec<u8>,
    chunk_list_ends: Vec<usize>,
    shape: Vec<u32>,
}

/// Numbers things in the order in which they are first seen.
struct Distinct<T> {
    items: Vec<T>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { items: Vec::new(), table: HashTable::new(), hasher: RandomState::new() }
    }
}

impl<T> Distinct<T> {
    fn number(
        &mut self,
        hash: impl Fn(&RandomState) -> u64,
        hash_of: impl Fn(&RandomState, &T) -> u64,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> u32 {
        let Self { items, table, hasher } = self;
        let hash = hash(hasher);
        if let Some(found) = table.find(hash, |index| is_it(&items[*index as usize])) {
            return *found;
        }
        let index = items.len() as u32;
        items.push(make());
        table.insert_unique(hash, index, |index| hash_of(hasher, &items[*index as usize]));
        index
    }
}

impl IndexWriter {
    /// Takes a series; they come in ascending order of labels.
    pub(super) fn add(&mut self, labels: &Labels, chunk_list: &[u8]) {
        let at = self.series_labels.len();
        self.series_labels.push(0);
        self.shape.clear();
        for (name, value) in labels {
            let name = self.names.number(
                |hasher| hasher.hash_one(name),
                |hasher, text| hasher.hash_one(&**text),
                |text| **text == *name,
                || name.into(),
            );
            let value = self.values.number(
                |hasher| hasher.hash_one((name, value)),
                |hasher, item| hasher.hash_one((item.name, &*item.text)),
                |item| item.name == name && *item.text == *value,
                || Value { name, text: value.into() },
            );
            self.shape.push(name);
            self.series_labels.push(value);
        }
        let shape = &self.shape[..];
        self.series_labels[at] = self.shapes.number(
            |hasher| hasher.hash_one(shape),
            |hasher, item| hasher.hash_one(&**item),
            |item| **item == *shape,
            || shape.into(),
        );
        self.chunk_lists.extend_from_slice(chunk_list);
        self.chunk_list_ends.push(self.chunk_lists.len());
    }

    /// Number of series so far.
    pub(super) fn len(&self) -> usize {
        self.chunk_list_ends.len()
    }

    /// Writes the sections from names to series.
    pub(super) fn finish(self, file: &mut FileWriter) -> Result<(), BlockError> {
        let Self { names, values, shapes, series_labels, chunk_lists, chunk_list_ends, .. } = self;
        let (names, values, shapes) = (names.items, values.items, shapes.items);
        let (names_by_text, name_rank) = ranks(names.len(), |left, right| names[left].cmp(&names[right]));
        let (values_by_text, value_rank) = ranks(values.len(), |left, right| {
            let key = |index: usize| (name_rank[values[index].name as usize], &values[index].text);
            key(left).cmp(&key(right))
        });
        let mut first_values = vec![0u32; names.len() + 1];
        for value in &values {
            first_values[name_rank[value.name as usize] as usize + 1] += 1;
        }
        accumulate(&mut first_values);

        file.write_table(Section::Names, names.len(), |at, out| out.extend_from_slice(names[names_by_text[at] as usize].as_bytes()))?;
        for first in &first_values {
            file.write(&first.to_le_bytes())?;
        }
        file.end_section(Section::FirstValues);
        file.write_table(Section::Values, values.len(), |at, out| {
            out.extend_from_slice(values[values_by_text[at] as usize].text.as_bytes())
        })?;

        write_postings(file, &shapes, &series_labels, &value_rank)?;

        let sorted_names = |shape: &[u32]| {
            let mut ranks: Vec<u32> = shape.iter().map(|name| name_rank[*name as usize]).collect();
            // Labels are sorted by name, and so are the ranks.
            debug_assert!(ranks.is_sorted());
            ranks.sort_unstable();
            ranks
        };
        file.write_table(Section::Shapes, shapes.len(), |at, out| {
            sorted_names(&shapes[at]).iter().for_each(|name| put_uvarint(out, u64::from(*name)));
        })?;
        let mut at = 0;
        let mut list_start = 0;
        file.write_table(Section::Series, chunk_list_ends.len(), |id, out| {
            let list = &chunk_lists[list_start..chunk_list_ends[id]];
            put_uvarint(out, list.len() as u64);
            out.extend_from_slice(list);
            list_start = chunk_list_ends[id];
            let shape = series_labels[at];
            put_uvarint(out, u64::from(shape));
            let len = shapes[shape as usize].len();
            for value in &series_labels[at + 1..][..len] {
                let first = first_values[name_rank[values[*value as usize].name as usize] as usize];
                put_uvarint(out, u64::from(value_rank[*value as usize] - first));
            }
            at += 1 + len;
        })
    }
}

/// For each value the ids of the series that have it: counted, then filled in, so that memory is exact.
fn write_postings(file: &mut FileWriter, shapes: &[Box<[u32]>], series_labels: &[u32], value_rank: &[u32]) -> Result<(), BlockError> {
    let each_label = |each: &mut dyn FnMut(u32, usize)| {
        let (mut at, mut id) = (0, 0);
        while let Some(&shape) = series_labels.get(at) {
            let len = shapes[shape as usize].len();
            for value in &series_labels[at + 1..][..len] {
                each(id, value_rank[*value as usize] as usize);
            }
            at += 1 + len;
            id += 1;
        }
    };
    let mut ends = vec![0usize; value_rank.len() + 1];
    each_label(&mut |_, value| ends[value + 1] += 1);
    for at in 1..ends.len() {
        ends[at] += ends[at - 1];
    }
    let mut next = ends.clone();
    let mut ids = vec![0u32; ends.last().copied().unwrap_or(0)];
    each_label(&mut |id, value| {
        ids[next[value]] = id;
        next[value] += 1;
    });
    file.write_table(Section::Postings, value_rank.len(), |value, out| encode_ids(&ids[ends[value]..ends[value + 1]], out))
}

/// The order of `0..len`, and the place of each in it.
fn ranks(len: usize, compare: impl Fn(usize, usize) -> std::cmp::Ordering) -> (Vec<u32>, Vec<u32>) {
    let mut order: Vec<u32> = (0..len as u32).collect();
    order.sort_unstable_by(|left, right| compare(*left as usize, *right as usize));
    let mut rank = vec![0; len];
    for (place, index) in order.iter().enumerate() {
        rank[*index as usize] = place as u32;
    }
    (order, rank)
}

fn accumulate(counts: &mut [u32]) {
    for at in 1..counts.len() {
        counts[at] += counts[at - 1];
    }
}
