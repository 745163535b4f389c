//! What a request would change, worked out beside the totals: they change when its samples are stored, or not at all.

use std::collections::{BTreeMap, HashMap};

use super::SERIES_MAX;
use super::item::Item;
use super::journal::Record;
use super::series::{Family, SeriesState};
use super::totals::Totals;
use crate::metrics::ingest::restated::ROUND_EVERY;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::sample::Metadata;

/// Bytes of all series as they are written at every tick.
const WRITTEN_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Changes of one request.
pub(super) struct Draft {
    families: BTreeMap<String, FamilyDraft>,
    /// How many series and bytes there will be.
    series: usize,
    bytes: usize,
    /// Whether series that begin are written as zeros first.
    with_zeros: bool,
}

struct FamilyDraft {
    /// As it will be, with the series that change.
    family: Family,
    /// Which items of the request change a series, and what it takes more than before.
    parts: HashMap<Labels, Part>,
}

struct Part {
    items: Vec<usize>,
    is_new: bool,
    /// Whether it is known to have been at zero before: all that came of it is added here.
    from_zero: bool,
    bytes_before: usize,
}

impl Draft {
    /// Without changes yet.
    pub(super) fn new(totals: &Totals) -> Self {
        Self { families: BTreeMap::new(), series: totals.series, bytes: totals.bytes, with_zeros: true }
    }

    /// Applies one metric of the request, or says why it changes nothing. `totals` must be those of [`Self::new`].
    pub(super) fn take(&mut self, totals: &Totals, index: usize, item: Item) -> Result<(), String> {
        let kind = item.kind()?;
        let labels = item.labels(kind)?;
        let drafted = self.families.get(&item.name);
        let kept = totals.families.get(&item.name);
        let known = drafted.map(|draft| &draft.family).or(kept);
        if let Some(family) = known.filter(|family| family.kind != kind) {
            return Err(format!("{} is a {}, not a {}", item.name, family.kind.as_str(), kind.as_str()));
        }
        let kept_series = kept.and_then(|family| family.series.get(&labels));
        let before = drafted.and_then(|draft| draft.family.series.get(&labels)).or(kept_series);
        if before.is_none() && self.series >= SERIES_MAX {
            return Err(format!("more than {SERIES_MAX} series"));
        }
        let bounds = match known {
            Some(family) => family.bounds.clone(),
            None => item.bounds()?,
        };
        // Worked out on a copy: a metric that is refused leaves no trace.
        let mut series = before.cloned().unwrap_or_else(|| SeriesState::new(kind, bounds.len()));
        item.apply_to(&mut series, &bounds)?;
        let adds = item.adds(kind);
        let bytes_before = before.map_or(0, |before| before.bytes(&item.name, &labels));
        let bytes = self.bytes.saturating_sub(bytes_before) + series.bytes(&item.name, &labels);
        if bytes > WRITTEN_BYTES_MAX {
            return Err(format!("labels of all series would take more than {WRITTEN_BYTES_MAX} bytes"));
        }
        let (is_first, is_new) = (before.is_none(), kept_series.is_none());
        let kept_bytes = kept_series.map_or(0, |kept| kept.bytes(&item.name, &labels));
        self.bytes = bytes;
        self.series += usize::from(is_first);
        let draft = self.families.entry(item.name).or_insert_with(|| FamilyDraft::of(kept, kind, bounds));
        if !item.help.is_empty() {
            draft.family.help = item.help;
        }
        if !item.unit.is_empty() {
            draft.family.unit = item.unit;
        }
        draft.family.series.insert(labels.clone(), series);
        let new_part = || Part { items: Vec::new(), is_new, from_zero: is_new, bytes_before: kept_bytes };
        let part = draft.parts.entry(labels).or_insert_with(new_part);
        part.from_zero &= adds;
        part.items.push(index);
        Ok(())
    }

    /// Takes the change of a series out again; gives the items that asked for it.
    pub(super) fn take_back(&mut self, name: &str, labels: &Labels) -> Vec<usize> {
        let Some(draft) = self.families.get_mut(name) else { return Vec::new() };
        let (Some(series), Some(part)) = (draft.family.series.remove(labels), draft.parts.remove(labels)) else { return Vec::new() };
        self.series -= usize::from(part.is_new);
        self.bytes = self.bytes.saturating_sub(series.bytes(name, labels)) + part.bytes_before;
        if draft.parts.is_empty() {
            self.families.remove(name);
        }
        part.items
    }

    /// Whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// The changes for the journal.
    pub(super) fn records(&self) -> Vec<Record> {
        let of = |(name, draft): (&String, &FamilyDraft)| -> Vec<Record> {
            draft.family.series.iter().map(|(labels, series)| Record::of(name, &draft.family, labels, series)).collect()
        };
        self.families.iter().flat_map(of).collect()
    }

    /// Whether any series is written as zeros first.
    pub(super) fn has_zeros(&self) -> bool {
        self.with_zeros && self.families.values().flat_map(|draft| draft.parts.values()).any(|part| part.from_zero)
    }

    /// Writes no zeros any more.
    pub(super) fn leave_out_zeros(&mut self) {
        self.with_zeros = false;
    }

    /// The changed series as samples at `ts` (ms). Those that begin were at zero a round before, so that what they begin
    /// with is an increase.
    pub(super) fn write(&self, ts: i64) -> WriteBatch {
        let mut batch = WriteBatch::new();
        let before = ts.saturating_sub(i64::try_from(ROUND_EVERY.as_millis()).unwrap_or(i64::MAX));
        for (name, FamilyDraft { family, parts }) in &self.families {
            for (labels, series) in &family.series {
                let begins = self.with_zeros && parts.get(labels).is_some_and(|part| part.from_zero);
                family.write(name, labels, series, begins.then_some(before), ts, &mut batch);
            }
            let metadata = Metadata { kind: family.kind, help: family.help.clone(), unit: family.unit.clone() };
            batch.metadata.push((name.as_str().into(), metadata));
        }
        batch
    }

    /// Which series [`Self::write`] wrote at these positions of the batch, each with what is said of the first of them.
    pub(super) fn written_at<T>(&self, mut positions: Vec<(usize, T)>) -> Vec<(String, Labels, T)> {
        positions.sort_unstable_by_key(|(position, _)| *position);
        let (mut positions, mut end, mut found) = (positions.into_iter().peekable(), 0, Vec::new());
        for (name, draft) in &self.families {
            for (labels, series) in &draft.family.series {
                end += series.rows();
                if let Some((_, said)) = positions.next_if(|(position, _)| *position < end) {
                    found.push((name.clone(), labels.clone(), said));
                }
                while positions.next_if(|(position, _)| *position < end).is_some() {}
            }
        }
        found
    }

    /// Makes the changes.
    pub(super) fn settle(self, totals: &mut Totals) {
        (totals.series, totals.bytes) = (self.series, self.bytes);
        for (name, FamilyDraft { family: changed, .. }) in self.families {
            match totals.families.get_mut(&name) {
                Some(family) => {
                    (family.help, family.unit) = (changed.help, changed.unit);
                    family.series.extend(changed.series);
                }
                None => drop(totals.families.insert(name, changed)),
            }
        }
    }
}

impl FamilyDraft {
    fn of(kept: Option<&Family>, kind: crate::series::sample::MetricType, bounds: Vec<f64>) -> Self {
        let mut family = Family::new(kind, bounds);
        if let Some(kept) = kept {
            (family.help, family.unit) = (kept.help.clone(), kept.unit.clone());
        }
        Self { family, parts: HashMap::new() }
    }
}
