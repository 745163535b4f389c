//! Which series a line belongs to: its labels, grouped, as a number.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::base::bytes::put_uvarint;
use crate::logs::query::ast::Grouping;
use crate::logs::query::stage::row::Row;
use crate::series::labels::{Labels, LabelsIter};

/// Which labels a series keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All.
    All,
    /// None.
    Nothing,
    /// These.
    By(Vec<Arc<str>>),
    /// All but these.
    Without(Vec<Arc<str>>),
}

impl Kept {
    /// As a grouping says; without one all.
    pub(crate) fn new(grouping: Option<&Grouping>) -> Self {
        match grouping {
            None => Self::All,
            Some(Grouping { labels, without: true }) if labels.is_empty() => Self::All,
            Some(Grouping { labels, .. }) if labels.is_empty() => Self::Nothing,
            Some(Grouping { labels, without: true }) => Self::Without(labels.clone()),
            Some(Grouping { labels, .. }) => Self::By(labels.clone()),
        }
    }

    /// The same without a label whose value became the number.
    pub(crate) fn without(self, label: &Arc<str>) -> Self {
        match self {
            Self::All => Self::Without(vec![Arc::clone(label)]),
            Self::Without(mut labels) => {
                labels.push(Arc::clone(label));
                Self::Without(labels)
            }
            kept => kept,
        }
    }

    /// The labels, if only some are kept.
    pub(crate) fn names(&self) -> Option<&[Arc<str>]> {
        match self {
            Self::Nothing => Some(&[]),
            Self::By(names) => Some(names),
            Self::All | Self::Without(_) => None,
        }
    }

    /// The labels that a set keeps.
    pub(crate) fn of(&self, labels: &Labels) -> Labels {
        match self {
            Self::All => labels.clone(),
            Self::Nothing => Labels::empty(),
            Self::By(names) => labels.without(|name| !names.iter().any(|kept| **kept == *name)),
            Self::Without(names) => labels.without(|name| names.iter().any(|gone| **gone == *name)),
        }
    }

    /// Whether the fields of lines of a stream make no difference.
    pub(crate) fn ignores_fields(&self, stream: &Labels) -> bool {
        match self {
            Self::Nothing => true,
            // A field of a name that the stream has gets another name.
            Self::By(names) => names.iter().all(|name| stream.contains(name)),
            Self::All | Self::Without(_) => false,
        }
    }
}

/// The series that a thread met.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: HashMap<Box<[u8]>, u32, rustc_hash::FxBuildHasher>,
    /// Labels of each series. Two may have the same ones, where lines were told apart by more: they are put together in the end.
    pub(crate) labels: Vec<Labels>,
    key: Vec<u8>,
    /// The series of the last line, which is often that of the next one.
    last: Option<u32>,
    last_key: Vec<u8>,
}

impl Keys {
    /// The series of the line at hand.
    pub(crate) fn of_row(&mut self, row: &Row, kept: &Kept) -> u32 {
        match kept {
            Kept::Nothing => self.of_labels(Labels::empty()),
            Kept::By(names) => {
                self.key.clear();
                for name in names {
                    put_value(&mut self.key, value_of(row, name));
                }
                if self.last.is_some() && self.key == self.last_key {
                    return self.last.unwrap_or_default();
                }
                let found = self.known.get(self.key.as_slice()).copied();
                let series = found.unwrap_or_else(|| {
                    let mut pairs: Vec<(&str, &str)> = names.iter().filter_map(|name| Some((&**name, value_of(row, name)?))).collect();
                    pairs.sort_unstable();
                    pairs.dedup();
                    let series = self.labels.len() as u32;
                    self.labels.push(Labels::from_ordered(pairs));
                    self.known.insert(self.key.as_slice().into(), series);
                    series
                });
                std::mem::swap(&mut self.key, &mut self.last_key);
                self.last = Some(series);
                series
            }
            Kept::All => self.of_set(row, |_| true),
            Kept::Without(names) => self.of_set(row, |name| !names.iter().any(|gone| **gone == *name)),
        }
    }

    fn of_set(&mut self, row: &Row, keep: impl Fn(&str) -> bool) -> u32 {
        self.key.clear();
        row.pack_if(|_, name| keep(name), &mut self.key);
        if let Some(series) = self.known.get(self.key.as_slice()) {
            return *series;
        }
        let labels = Labels::from_ordered(LabelsIter::over_checked(&self.key));
        self.of_labels(labels)
    }

    /// The series with these labels.
    pub(crate) fn of_labels(&mut self, labels: Labels) -> u32 {
        self.canonical(labels)
    }

    fn canonical(&mut self, labels: Labels) -> u32 {
        // Packed labels begin with a length, values of a grouping with a mark that no length is.
        if let Some(series) = self.known.get(labels.packed()) {
            return *series;
        }
        let series = self.labels.len() as u32;
        self.known.insert(labels.packed().into(), series);
        self.labels.push(labels);
        series
    }
}

fn value_of<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    match name {
        crate::logs::query::stage::row::ERROR => Some(row.error()).filter(|error| !error.is_empty()),
        crate::logs::query::stage::row::ERROR_DETAILS => Some(row.details()).filter(|details| !details.is_empty()),
        name => row.get(name),
    }
}

fn put_value(key: &mut Vec<u8>, value: Option<&str>) {
    // Longer than any packed name begins: labels are at least one byte long, so 0 marks a grouping's value.
    key.push(0);
    match value {
        None => key.push(0),
        Some(value) => {
            put_uvarint(key, value.len() as u64 + 1);
            key.extend_from_slice(value.as_bytes());
        }
    }
}
