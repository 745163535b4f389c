//! The newest samples, in memory: a table of series, the index over their labels, and their chunks.
//!
//! Locks, in the order in which they may be taken together: index, then table of names, then shard. A series
//! lives in the shard of its id, so a batch takes each shard's lock once; readers decode under the same lock.

mod chunk;
mod histograms;
mod index;
mod late;
mod lookup;
mod resets;
mod series;
mod shard;
mod tail;
mod validate;

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::series::batch::SeriesRef;
use crate::series::labels::Labels;

pub use chunk::{Kind as ChunkKind, PackScratch, SavedChunk};
pub use histograms::{HistogramReader, put_histogram};
pub use index::{Cardinality, Index, Top};
pub use late::{Flushed, Value};
pub use lookup::HeadIndex;
pub use series::{Bounds, Outcome, Series};
pub use shard::{Held, SHARDS, Shard, shard_of};
pub use tail::{Apart, ApartReader, TailReader, TailState, VALUE_STREAMS, put_apart, put_sample};
pub use validate::is_valid;

use lookup::Names;

/// All series with samples that no block has yet.
#[derive(Debug)]
pub struct Head {
    index: RwLock<Index>,
    names: Names,
    shards: [RwLock<Shard>; SHARDS],
    next_id: AtomicU32,
    /// Newest sample ever seen; `i64::MIN` without.
    max_ts: AtomicI64,
    /// Lower bound of the samples held; `i64::MAX` without.
    min_ts: AtomicI64,
    /// Oldest sample that came since the last truncation began.
    min_since_truncation: AtomicI64,
    /// Everything before is in blocks or about to be: a sample before is late.
    boundary: AtomicI64,
    /// The next id when series were ranked last.
    ranked_to: AtomicU32,
    /// Counts truncations, so that a reader notices that samples went to a block meanwhile.
    epoch: AtomicU64,
}

/// The id within a reference, if it can be one of the head's.
#[inline]
pub fn id_of(series: SeriesRef) -> Option<u32> {
    u32::try_from(series.0).ok().filter(|id| *id != 0)
}

/// What creating series did.
#[derive(Debug)]
pub struct Created {
    /// Id of the series, new or found.
    pub id: u32,
    /// Whether it is new.
    pub is_new: bool,
}

impl Head {
    /// Without series; what comes before `boundary` is late from the start.
    pub fn new(boundary: i64, max_ts: i64) -> Self {
        Self {
            index: RwLock::default(),
            names: Names::default(),
            shards: std::array::from_fn(|_| RwLock::default()),
            next_id: AtomicU32::new(1),
            max_ts: AtomicI64::new(max_ts),
            min_ts: AtomicI64::new(i64::MAX),
            min_since_truncation: AtomicI64::new(i64::MAX),
            boundary: AtomicI64::new(boundary),
            ranked_to: AtomicU32::new(0),
            epoch: AtomicU64::new(0),
        }
    }

    /// Locks a shard for reading.
    #[inline]
    pub fn shard(&self, shard: usize) -> RwLockReadGuard<'_, Shard> {
        self.shards[shard].read()
    }

    /// Locks a shard for writing.
    #[inline]
    pub fn shard_mut(&self, shard: usize) -> RwLockWriteGuard<'_, Shard> {
        self.shards[shard].write()
    }

    /// The index, locked for reading.
    pub fn index(&self) -> HeadIndex<'_> {
        HeadIndex::new(self, self.index.read())
    }

    /// The series with these packed labels.
    pub fn find(&self, packed: &[u8]) -> Option<u32> {
        self.names.find(packed)
    }

    /// Creates the series in `wanted` that do not exist yet, one after the other under one lock of the index.
    ///
    /// `admit` decides with the index as it is; what it returns for a refusal stands in the answer. `log` is called
    /// with the new series before anyone else can find them, so that a log has them before their samples.
    pub fn create<R>(
        &self,
        wanted: &[Labels],
        admit: impl Fn(&Index, &Labels) -> Result<(), R>,
        log: impl FnOnce(&[(u32, Labels)]),
    ) -> Vec<Result<Created, R>> {
        let mut index = self.index.write();
        let mut answers = Vec::with_capacity(wanted.len());
        let mut fresh: Vec<(u32, Labels)> = Vec::new();
        let mut fresh_ids: hashbrown::HashMap<Labels, u32, rustc_hash::FxBuildHasher> = hashbrown::HashMap::default();
        for labels in wanted {
            let known = fresh_ids.get(labels).copied().or_else(|| self.names.find(labels.packed()));
            answers.push(match known {
                Some(id) => Ok(Created { id, is_new: false }),
                None => admit(&index, labels).map(|()| {
                    let id = self.next_id.fetch_add(1, Ordering::Relaxed);
                    self.enter(&mut index, id, labels.clone());
                    fresh.push((id, labels.clone()));
                    fresh_ids.insert(labels.clone(), id);
                    Created { id, is_new: true }
                }),
            });
        }
        log(&fresh);
        for (id, labels) in fresh {
            self.names.insert(id, labels);
        }
        drop(index);
        answers
    }

    /// Enters series read back from the log under their old ids.
    ///
    /// Labels that come again under a higher id were removed and created again in between. A series is removed only when
    /// all its samples are in blocks or deleted, so what the log still has of the older id is not needed.
    pub fn restore(&self, series: Vec<(u32, Labels)>) {
        let mut index = self.index.write();
        let mut wanted: hashbrown::HashMap<Labels, u32, rustc_hash::FxBuildHasher> = hashbrown::HashMap::default();
        for (id, labels) in series {
            self.reserve_ids(id);
            wanted.entry(labels).and_modify(|known| *known = (*known).max(id)).or_insert(id);
        }
        let mut gone = Vec::new();
        wanted.retain(|labels, id| match self.names.find(labels.packed()) {
            Some(known) if known < *id => {
                gone.push((known, labels.clone()));
                true
            }
            Some(_) => false,
            None => true,
        });
        gone.sort_unstable_by_key(|(id, _)| *id);
        for (id, labels) in &gone {
            self.names.remove(labels);
            self.shard_mut(shard_of(*id)).remove(*id);
        }
        if !gone.is_empty() {
            index.remove(&gone);
        }
        let mut wanted: Vec<(u32, Labels)> = wanted.into_iter().map(|(labels, id)| (id, labels)).collect();
        wanted.sort_unstable_by_key(|(id, _)| *id);
        for (id, labels) in wanted {
            self.enter(&mut index, id, labels.clone());
            self.names.insert(id, labels);
        }
    }

    /// Sees to it that no new series gets this id or a lower one.
    pub fn reserve_ids(&self, to: u32) {
        self.next_id.fetch_max(to.saturating_add(1), Ordering::Relaxed);
    }

    fn enter(&self, index: &mut Index, id: u32, labels: Labels) {
        index.insert(id, &labels);
        self.shard_mut(shard_of(id)).insert(id, Series::new(labels));
    }

    /// Removes the series that hold no samples; returns how many.
    ///
    /// `keep_from`: series created with this id or later stay, their samples may be on the way.
    pub fn collect_garbage(&self, keep_from: u32) -> usize {
        let mut index = self.index.write();
        let mut gone = Vec::new();
        for number in 0..SHARDS {
            let mut shard = self.shard_mut(number);
            let empty: Vec<u32> =
                shard.iter(number).filter(|(id, series)| *id < keep_from && series.is_empty()).map(|(id, _)| id).collect();
            for id in empty {
                if let Some(series) = shard.remove(id) {
                    self.names.remove(series.labels());
                    gone.push((id, series.labels().clone()));
                }
            }
        }
        gone.sort_unstable_by_key(|(id, _)| *id);
        index.remove(&gone);
        gone.len()
    }

    /// What all series hold, counted as they change.
    pub fn held(&self) -> Held {
        self.shards.iter().fold(Held::default(), |sum, shard| sum.plus(shard.read().held()))
    }

    /// What [`Self::held`] has to be.
    #[cfg(test)]
    pub fn recount(&self) -> Held {
        self.shards.iter().fold(Held::default(), |sum, shard| sum.plus(shard.read().recount()))
    }

    /// What the index has to be.
    #[cfg(test)]
    pub fn reindex(&self) -> Index {
        let mut index = Index::default();
        for number in 0..SHARDS {
            self.shard(number).iter(number).for_each(|(id, series)| index.insert(id, series.labels()));
        }
        index
    }

    /// Number of series.
    pub fn series_count(&self) -> usize {
        self.held().series
    }

    /// The id that the next new series gets.
    pub fn next_id(&self) -> u32 {
        self.next_id.load(Ordering::Relaxed)
    }

    /// Newest sample ever seen.
    pub fn max_ts(&self) -> Option<i64> {
        Some(self.max_ts.load(Ordering::Acquire)).filter(|ts| *ts != i64::MIN)
    }

    /// A lower bound of the samples held.
    pub fn min_ts(&self) -> Option<i64> {
        Some(self.min_ts.load(Ordering::Acquire)).filter(|ts| *ts != i64::MAX)
    }

    /// Notes that samples of these times were stored.
    pub fn saw(&self, min: i64, max: i64) {
        // Loads first: almost every batch leaves the minimum alone.
        for bound in [&self.min_ts, &self.min_since_truncation] {
            if min < bound.load(Ordering::Relaxed) {
                bound.fetch_min(min, Ordering::AcqRel);
            }
        }
        if max > self.max_ts.load(Ordering::Relaxed) {
            self.max_ts.fetch_max(max, Ordering::AcqRel);
        }
    }

    /// Everything before is late.
    pub fn boundary(&self) -> i64 {
        self.boundary.load(Ordering::Acquire)
    }

    /// Raises the boundary.
    pub fn raise_boundary(&self, to: i64) {
        self.boundary.fetch_max(to, Ordering::AcqRel);
    }

    /// Counts truncations; see [`Head::truncate`].
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Announces a truncation. Call it after the block with the samples became visible and before [`Head::truncate`].
    pub fn advance_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Drops what a flush up to `boundary` has written. Answers the oldest time left, for [`Head::set_min_ts`].
    pub fn truncate(&self, boundary: i64) -> i64 {
        self.min_since_truncation.store(i64::MAX, Ordering::Release);
        let mut min = i64::MAX;
        for number in 0..SHARDS {
            self.shard_mut(number).change_all(|series| {
                series.truncate(boundary);
                min = min.min(series.time_range().map_or(i64::MAX, |range| range.start));
            });
        }
        min
    }

    /// Raises the lower bound after a truncation. No append may be under way.
    pub fn set_min_ts(&self, min: i64) {
        self.min_ts.store(min.min(self.min_since_truncation.load(Ordering::Acquire)), Ordering::Release);
    }

    /// Ranks again when many series came since the last time.
    pub fn rank_if_stale(&self) {
        let fresh = self.next_id().saturating_sub(self.ranked_to.load(Ordering::Relaxed)) as usize;
        if fresh > 1000 && fresh > self.series_count() / 8 {
            self.rank();
        }
    }

    /// Packs closed chunks, a page of series at a time so that appends hardly wait.
    pub fn pack(&self) {
        let mut scratch = PackScratch::default();
        for number in 0..SHARDS {
            let pages = self.shard(number).page_count();
            for page in 0..pages {
                if self.shard(number).page_wants_packing(page) {
                    self.shard_mut(number).pack_page(page, &mut scratch);
                }
            }
        }
    }

    /// Ids of all series in order of labels; remembers the order in the series as a hint for selections.
    pub fn rank(&self) -> Vec<u32> {
        self.ranked_to.store(self.next_id(), Ordering::Relaxed);
        let mut all: Vec<(Labels, u32, u32)> = Vec::with_capacity(self.series_count());
        for number in 0..SHARDS {
            let shard = self.shard(number);
            all.extend(shard.iter(number).map(|(id, series)| (series.labels().clone(), series.rank, id)));
        }
        // By the old order first: then the second sort finds long sorted runs.
        all.sort_unstable_by_key(|(_, rank, id)| (*rank, *id));
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let ids: Vec<u32> = all.into_iter().map(|(_, _, id)| id).collect();
        let mut by_shard: [Vec<(u32, u32)>; SHARDS] = std::array::from_fn(|_| Vec::new());
        for (rank, id) in ids.iter().enumerate() {
            by_shard[shard_of(*id)].push((*id, rank as u32));
        }
        for (number, ranks) in by_shard.into_iter().enumerate() {
            let mut shard = self.shard_mut(number);
            for (id, rank) in ranks {
                if let Some(mut series) = shard.get_mut(id) {
                    series.rank = rank;
                }
            }
        }
        ids
    }
}
