//! The totals as everybody sees them.

use std::collections::HashMap;

use super::journal::Record;
use super::series::Family;
use crate::series::batch::WriteBatch;

/// All totals.
#[derive(Default)]
pub(super) struct Totals {
    /// By name.
    pub(super) families: HashMap<String, Family>,
    /// Series of all families.
    pub(super) series: usize,
    /// [`SeriesState::bytes`](super::series::SeriesState::bytes) of all series.
    pub(super) bytes: usize,
    /// Metrics taken and refused since start, and when the last request came (ms).
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) last_ms: i64,
}

impl Totals {
    /// Takes a record of the journal; the last one of a series counts.
    pub(super) fn restore(&mut self, record: Record) {
        let Some((name, family_of_record, labels, series)) = record.into_parts() else { return };
        let bytes = series.bytes(&name, &labels);
        let family = self.families.entry(name.clone()).or_insert_with(|| Family::new(family_of_record.kind, family_of_record.bounds));
        (family.help, family.unit) = (family_of_record.help, family_of_record.unit);
        let before = family.series.insert(labels.clone(), series);
        self.series += usize::from(before.is_none());
        self.bytes = self.bytes.saturating_sub(before.map_or(0, |before| before.bytes(&name, &labels))) + bytes;
    }

    /// All of them for the journal.
    pub(super) fn records(&self) -> Vec<Record> {
        let all = self
            .families
            .iter()
            .flat_map(|(name, family)| family.series.iter().map(move |(labels, series)| Record::of(name, family, labels, series)));
        all.collect()
    }

    /// All of them as samples at `ts` (ms).
    pub(super) fn write(&self, ts: i64, batch: &mut WriteBatch) {
        for (name, family) in &self.families {
            for (labels, series) in &family.series {
                family.write(name, labels, series, None, ts, batch);
            }
        }
    }

    /// Families by name.
    pub(super) fn sorted(&self) -> impl Iterator<Item = (&String, &Family)> {
        let mut all: Vec<_> = self.families.iter().collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all.into_iter()
    }
}
