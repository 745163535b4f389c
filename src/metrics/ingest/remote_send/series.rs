//! Labels of the series that storage numbered, and metadata of their families, for all endpoints together.

use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};
use rustc_hash::FxHashMap;

use super::{SERIES_IDLE_MS, SWEEP_EVERY_MS};
use crate::series::batch::{SeriesRef, WriteBatch};
use crate::series::labels::Labels;
use crate::series::sample::Metadata;

/// Most families remembered.
const FAMILIES_MAX: usize = 100_000;

/// The table. Readers do not wait for each other; writing happens only when series are new.
#[derive(Debug, Default)]
pub(super) struct SeriesTable {
    known: RwLock<Known>,
    metadata: RwLock<FxHashMap<Box<str>, Metadata>>,
    swept_ms: AtomicI64,
}

/// What is known of series.
#[derive(Debug, Default)]
pub(super) struct Known(FxHashMap<u64, Slot>);

#[derive(Debug)]
struct Slot {
    labels: Labels,
    seen_ms: AtomicI64,
}

impl Known {
    /// Notes that a series is in use. `false`: its labels are not known.
    pub fn touch(&self, series: SeriesRef, now_ms: i64) -> bool {
        match self.0.get(&series.0) {
            Some(slot) => {
                slot.seen_ms.store(now_ms, Ordering::Relaxed);
                true
            }
            None => false,
        }
    }
}

impl SeriesTable {
    /// Takes in labels and metadata that came along with a batch.
    pub fn learn(&self, batch: &WriteBatch, refs: &[SeriesRef], now_ms: i64) {
        let new = |(series, id): (&crate::series::batch::BatchSeries, &SeriesRef)| {
            (!series.labels.is_empty() && id.is_some()).then(|| (id.0, batch.labels_of(series)))
        };
        let mut labelled = batch.series.iter().zip(refs).filter_map(new).peekable();
        if labelled.peek().is_some() {
            let mut known = self.known.write();
            for (id, packed) in labelled {
                if let std::collections::hash_map::Entry::Vacant(vacant) = known.0.entry(id)
                    && let Ok(labels) = Labels::from_packed(packed)
                {
                    vacant.insert(Slot { labels, seen_ms: AtomicI64::new(now_ms) });
                }
            }
        }
        if !batch.metadata.is_empty() {
            let mut metadata = self.metadata.write();
            for (family, entry) in &batch.metadata {
                if metadata.len() < FAMILIES_MAX || metadata.contains_key(family) {
                    metadata.insert(family.clone(), entry.clone());
                }
            }
        }
        self.sweep(now_ms);
    }

    /// Forgets series that were idle for long.
    fn sweep(&self, now_ms: i64) {
        let swept = self.swept_ms.load(Ordering::Relaxed);
        if now_ms - swept < SWEEP_EVERY_MS || self.swept_ms.compare_exchange(swept, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        self.known.write().0.retain(|_, slot| now_ms - slot.seen_ms.load(Ordering::Relaxed) < SERIES_IDLE_MS);
    }

    /// For looking at many series at once.
    pub fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read()
    }

    /// The labels of a series.
    pub fn labels(&self, series: u64) -> Option<Labels> {
        self.known.read().0.get(&series).map(|slot| slot.labels.clone())
    }

    /// How many series are known.
    pub fn len(&self) -> usize {
        self.known.read().0.len()
    }

    /// Metadata of the family that a metric belongs to.
    pub fn metadata_of(&self, metric: &str) -> Option<Metadata> {
        let metadata = self.metadata.read();
        let stems = ["_total", "_bucket", "_count", "_sum", "_info", "_created"].iter().filter_map(|suffix| metric.strip_suffix(suffix));
        std::iter::once(metric).chain(stems).find_map(|family| metadata.get(family).cloned())
    }

    /// Metadata of every family.
    pub fn all_metadata(&self) -> Vec<(Box<str>, Metadata)> {
        let mut all: Vec<_> = self.metadata.read().iter().map(|(family, metadata)| (family.clone(), metadata.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.known.write() = Known::default();
        self.metadata.write().clear();
    }
}
