//! From a batch to the head and the log.
//!
//! The samples go to memory first, shard by shard, then the ones taken go to the log as one group; the answer comes
//! when the log has them. If the log fails, they stay queued there and in memory: the client is told to come again,
//! and its repetition is recognised.
//!
//! So readers may see the batches that were under way when the log failed before anyone was told that they are safe; the
//! ones after them are refused at the door. Taking them back would not help: what a failed write left on the disk
//! comes back with the next start, as far as it is whole. What holds is this: acknowledged is what the log has.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use parking_lot::RwLockWriteGuard;

use super::Core;
use super::flushed::FlushedSamples;
use super::status::DISK_FULL;
use super::take::{Scratch, Tally, by_shard, check_series, refuse_series, take_series};
use crate::base::limits::{LABEL_NAME_BYTES_MAX, LABEL_SET_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_PER_SERIES_MAX};
use crate::base::pressure::{Level, Shed};
use crate::metrics::store::head::{Bounds, Index, SHARDS, Shard, id_of, shard_of};
use crate::metrics::store::wal::{self, Kind, WalError};
use crate::series::batch::{SeriesRef, WriteBatch};
use crate::series::labels::Labels;
use crate::series::ports::{AppendError, AppendOptions, AppendReport, RefusedReason};

/// Label that limits count by.
const JOB: &str = "job";
/// So many series there may be however short memory is: those of this machine and of the server itself.
const SERIES_ALWAYS: usize = 5_000;
/// Rounds of looking up series that vanished between lookup and use; one is the rule, two a rarity.
const ROUNDS_MAX: usize = 3;

/// Series that will be created before another, and those of them with its job.
#[derive(Debug, Clone, Copy, Default)]
struct Ahead {
    series: usize,
    of_job: usize,
}

impl Core {
    /// See [`Append::append`](crate::series::ports::Append::append).
    pub fn append(&self, batch: &WriteBatch, options: &AppendOptions) -> Result<AppendReport, AppendError> {
        self.admit_batch()?;
        let mut scratch = self.scratch.lock().pop().unwrap_or_default();
        let result = self.append_with(batch, options, &mut scratch);
        let mut idle = self.scratch.lock();
        if idle.len() < 16 {
            idle.push(scratch);
        }
        result
    }

    fn admit_batch(&self) -> Result<(), AppendError> {
        if self.is_closed() {
            return Err(AppendError::Closed);
        }
        if self.settings.pressure.is_disk_full() {
            self.settings.pressure.count(Shed::Disk);
            self.counters.refused_unavailable.fetch_add(1, Ordering::Relaxed);
            return Err(AppendError::Unavailable(DISK_FULL.to_owned()));
        }
        let ready = self.wal.ready().map_err(refused_by_log).and_then(|()| self.wait_for_flush());
        ready.inspect_err(|_| {
            self.counters.refused_unavailable.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn append_with(&self, batch: &WriteBatch, options: &AppendOptions, scratch: &mut Scratch) -> Result<AppendReport, AppendError> {
        let mut tally = Tally { report: AppendReport::default(), out_of_order: 0, min: i64::MAX, max: i64::MIN };
        let inflight = self.inflight.read();
        // Not before: a flush that raises the boundary waits for those who may not have seen it.
        let flushed = FlushedSamples::new(self);
        let bounds = self.bounds(options, &flushed);
        scratch.floats.restart(batch.floats.len());
        scratch.histograms.clear();
        scratch.starts.clear();
        scratch.frames.clear();
        self.resolve(batch, options.all_or_nothing, scratch, &mut tally);
        if options.all_or_nothing && tally.report.refused.is_empty() {
            self.apply_whole(batch, &bounds, scratch, &mut tally);
        } else if !options.all_or_nothing {
            self.apply(batch, &bounds, scratch, &mut tally);
        }
        if options.all_or_nothing && !tally.report.refused.is_empty() {
            self.count(&tally);
            return Err(AppendError::Refused(tally.report));
        }
        tally.report.refs.extend(scratch.ids.iter().map(|id| SeriesRef(u64::from(*id))));
        if tally.report.stored > 0 {
            self.head.saw(tally.min, tally.max);
            // Readers see them already; whoever waits for this batch is not told yet.
            self.changes.note(tally.min);
        }
        let (floats, histograms) = (scratch.floats.finish(), (Kind::Histograms, scratch.histograms.bytes()));
        for (kind, content) in [floats, histograms, (Kind::Starts, &scratch.starts)] {
            if !content.is_empty() {
                self.packer.put_frame(&mut scratch.frames, kind, content);
            }
        }
        self.take_exemplars(batch, scratch, &mut tally);
        self.take_metadata(batch, scratch);
        let ticket = self.wal.push(&scratch.frames, tally.max);
        drop(inflight);
        let ticket = if tally.report.repeated > 0 {
            // The first copy may still be on its way to the log in another batch: wait until it is queued, then for all of it.
            drop(self.inflight.write());
            self.wal.push(&[], i64::MIN)
        } else {
            ticket
        };
        self.count(&tally);
        self.wal.commit(ticket, !options.no_sync).map_err(|error| AppendError::InDoubt(error.to_string())).inspect_err(|_| {
            self.counters.refused_unavailable.fetch_add(1, Ordering::Relaxed);
        })?;
        Ok(tally.report)
    }

    /// What times are held against, for one batch.
    fn bounds<'f>(&self, options: &AppendOptions, flushed: &'f FlushedSamples<'_>) -> Bounds<'f> {
        let settings = &self.settings;
        let newest = self.head.max_ts();
        let half_range = newest.map_or(i64::MIN, |newest| newest.saturating_sub(settings.block_range_ms / 2));
        let late_from = match newest {
            _ if settings.out_of_order_ms <= 0 => i64::MAX,
            Some(newest) => newest.saturating_sub(settings.out_of_order_ms),
            None => i64::MIN,
        };
        Bounds {
            min_valid: self.head.boundary().max(half_range),
            late_from,
            future_max: self.latest_now().saturating_add(settings.future_ms),
            in_order_only: options.in_order_only,
            block_range: settings.block_range_ms,
            flushed,
        }
    }

    /// Finds or creates the series of the batch; of a `whole` one of which some are refused, it creates none.
    fn resolve(&self, batch: &WriteBatch, whole: bool, scratch: &mut Scratch, tally: &mut Tally) {
        scratch.ids.clear();
        scratch.ids.resize(batch.series.len(), 0);
        let mut missing = Vec::new();
        for (index, series) in batch.series.iter().enumerate() {
            if series.series.is_some() {
                match id_of(series.series) {
                    Some(id) => scratch.ids[index] = id,
                    None => missing.push(index),
                }
            } else {
                match self.head.find(batch.labels_of(series)) {
                    Some(id) => scratch.ids[index] = id,
                    None => missing.push(index),
                }
            }
        }
        if !missing.is_empty() {
            self.create(batch, missing, whole, &mut scratch.ids, tally);
        }
    }

    fn create(&self, batch: &WriteBatch, missing: Vec<usize>, whole: bool, ids: &mut [u32], tally: &mut Tally) {
        let mut wanted = Vec::with_capacity(missing.len());
        let mut positions = Vec::with_capacity(missing.len());
        for index in missing {
            let series = &batch.series[index];
            let packed = batch.labels_of(series);
            ids[index] = 0;
            match checked_labels(packed) {
                Some(labels) => {
                    wanted.push(labels);
                    positions.push(index);
                }
                None if packed.is_empty() && series.series.is_some() => refuse_series(batch, index, RefusedReason::UnknownRef, tally),
                None => refuse_series(batch, index, RefusedReason::InvalidLabels, tally),
            }
        }
        if whole {
            self.refuse_ahead(batch, &wanted, &positions, tally);
        }
        if wanted.is_empty() || (whole && !tally.report.refused.is_empty()) {
            return;
        }
        let log = |fresh: &[(u32, Labels)]| {
            let (mut content, mut frame) = (Vec::new(), Vec::new());
            for (id, labels) in fresh {
                wal::put_series(&mut content, *id, labels);
            }
            if !fresh.is_empty() {
                self.packer.put_frame(&mut frame, Kind::Series, &content);
                self.wal.push(&frame, i64::MIN);
            }
        };
        let answers = self.head.create(&wanted, |index, labels| self.admit_series(index, labels, Ahead::default()), log);
        for (index, answer) in positions.into_iter().zip(answers) {
            match answer {
                Ok(created) => {
                    ids[index] = created.id;
                    tally.report.series_created += usize::from(created.is_new);
                }
                Err(reason) => refuse_series(batch, index, reason, tally),
            }
        }
    }

    /// Refuses the series that would not be admitted after the others of the batch. Otherwise these would be there without
    /// samples, and count against the limits that refused the batch.
    fn refuse_ahead(&self, batch: &WriteBatch, wanted: &[Labels], positions: &[usize], tally: &mut Tally) {
        let index = self.head.index();
        let (mut seen, mut of_job, mut series) = (HashSet::new(), HashMap::<&str, usize>::new(), 0);
        for (labels, position) in wanted.iter().zip(positions) {
            if !seen.insert(labels) {
                continue;
            }
            let of_job = of_job.entry(labels.get(JOB).unwrap_or("")).or_default();
            match self.admit_series(&index, labels, Ahead { series, of_job: *of_job }) {
                Ok(()) => (series, *of_job) = (series + 1, *of_job + 1),
                Err(reason) => refuse_series(batch, *position, reason, tally),
            }
        }
    }

    fn admit_series(&self, index: &Index, labels: &Labels, ahead: Ahead) -> Result<(), RefusedReason> {
        let settings = &self.settings;
        let all = index.all().len() + ahead.series;
        let full = (settings.series_max > 0 && all >= settings.series_max)
            || self.head.next_id() == u32::MAX
            || (settings.series_per_job_max > 0
                && labels.get(JOB).is_some_and(|job| index.ids(JOB, job).len() + ahead.of_job >= settings.series_per_job_max));
        if full {
            return Err(RefusedReason::SeriesLimit);
        }
        if settings.pressure.memory() >= Level::Scarce && all >= SERIES_ALWAYS {
            settings.pressure.count(Shed::Series);
            return Err(RefusedReason::ShortOfMemory);
        }
        Ok(())
    }

    fn apply(&self, batch: &WriteBatch, bounds: &Bounds<'_>, scratch: &mut Scratch, tally: &mut Tally) {
        let mut pending: Vec<u32> = (0..batch.series.len() as u32).filter(|index| scratch.ids[*index as usize] != 0).collect();
        for round in 0..ROUNDS_MAX {
            let starts = by_shard(&pending, &scratch.ids, &mut scratch.order);
            let mut vanished = Vec::new();
            for shard in 0..SHARDS {
                let (from, to) = (starts[shard], starts[shard + 1]);
                if from == to {
                    continue;
                }
                let mut table = self.head.shard_mut(shard);
                scratch.floats.begin_group(shard);
                scratch.histograms.begin_group(shard);
                for at in from..to {
                    let index = scratch.order[at] as usize;
                    match table.get_mut(scratch.ids[index]) {
                        Some(mut series) => take_series(&mut series, batch, index, bounds, scratch, tally),
                        None => vanished.push(index),
                    }
                }
                scratch.floats.end_group();
                scratch.histograms.end_group();
            }
            if vanished.is_empty() {
                return;
            }
            if round + 1 == ROUNDS_MAX {
                for index in vanished {
                    scratch.ids[index] = 0;
                    refuse_series(batch, index, RefusedReason::UnknownRef, tally);
                }
                return;
            }
            pending = vanished.iter().map(|index| *index as u32).collect();
            self.create(batch, vanished, false, &mut scratch.ids, tally);
            pending.retain(|index| scratch.ids[*index as usize] != 0);
        }
    }

    /// Takes all samples or none: all shards of the batch stay locked from the check to the end.
    fn apply_whole(&self, batch: &WriteBatch, bounds: &Bounds<'_>, scratch: &mut Scratch, tally: &mut Tally) {
        let pending: Vec<u32> = (0..batch.series.len() as u32).collect();
        let starts = by_shard(&pending, &scratch.ids, &mut scratch.order);
        let mut tables: [Option<RwLockWriteGuard<'_, Shard>>; SHARDS] =
            std::array::from_fn(|shard| (starts[shard] < starts[shard + 1]).then(|| self.head.shard_mut(shard)));
        for at in 0..scratch.order.len() {
            let index = scratch.order[at] as usize;
            let id = scratch.ids[index];
            match tables[shard_of(id)].as_ref().and_then(|table| table.get(id)) {
                Some(series) => check_series(series, batch, index, bounds, tally),
                None => refuse_series(batch, index, RefusedReason::UnknownRef, tally),
            }
        }
        if !tally.report.refused.is_empty() {
            return;
        }
        for shard in 0..SHARDS {
            let Some(table) = tables[shard].as_mut() else { continue };
            scratch.floats.begin_group(shard);
            scratch.histograms.begin_group(shard);
            for at in starts[shard]..starts[shard + 1] {
                let index = scratch.order[at] as usize;
                if let Some(mut series) = table.get_mut(scratch.ids[index]) {
                    take_series(&mut series, batch, index, bounds, scratch, tally);
                }
            }
            scratch.floats.end_group();
            scratch.histograms.end_group();
        }
    }

    fn take_exemplars(&self, batch: &WriteBatch, scratch: &mut Scratch, tally: &mut Tally) {
        if batch.exemplars.is_empty() {
            return;
        }
        let mut content = Vec::new();
        let mut exemplars = self.exemplars.lock();
        for (series, id) in batch.series.iter().zip(&scratch.ids).filter(|(series, id)| !series.exemplars.is_empty() && **id != 0) {
            for exemplar in &batch.exemplars[series.exemplars.start as usize..series.exemplars.end as usize] {
                let labels = || self.head.shard(shard_of(*id)).get(*id).map(|series| series.labels().clone());
                if exemplars.add(*id, labels, exemplar) {
                    wal::put_exemplar(&mut content, *id, exemplar);
                    tally.report.exemplars_stored += 1;
                }
            }
        }
        drop(exemplars);
        if !content.is_empty() {
            self.packer.put_frame(&mut scratch.frames, Kind::Exemplars, &content);
        }
    }

    fn take_metadata(&self, batch: &WriteBatch, scratch: &mut Scratch) {
        if batch.metadata.is_empty() {
            return;
        }
        // Most of what comes is known: look before locking for all.
        let known = self.metadata.read();
        let news: Vec<_> = batch.metadata.iter().filter(|(name, metadata)| known.get(name) != Some(metadata)).collect();
        drop(known);
        if news.is_empty() {
            return;
        }
        let mut content = Vec::new();
        let mut table = self.metadata.write();
        for (name, metadata) in news {
            if table.set(name, metadata) {
                wal::put_metadata(&mut content, name, metadata);
            }
        }
        drop(table);
        if !content.is_empty() {
            self.packer.put_frame(&mut scratch.frames, Kind::Metadata, &content);
        }
    }

    fn count(&self, tally: &Tally) {
        let add = |counter: &std::sync::atomic::AtomicU64, count: usize| {
            if count > 0 {
                counter.fetch_add(count as u64, Ordering::Relaxed);
            }
        };
        let counters = &self.counters;
        add(&counters.appended, tally.report.stored);
        add(&counters.out_of_order, tally.out_of_order);
        add(&counters.repeated, tally.report.repeated);
        add(&counters.series_created, tally.report.series_created);
        add(&counters.exemplars, tally.report.exemplars_stored);
        for refused in &tally.report.refused {
            let counter = match refused.reason {
                RefusedReason::OutOfOrder => &counters.refused_out_of_order,
                RefusedReason::TooOld => &counters.refused_too_old,
                RefusedReason::DuplicateTimestamp => &counters.refused_duplicate,
                RefusedReason::OutOfBounds => &counters.refused_out_of_bounds,
                RefusedReason::SeriesLimit | RefusedReason::ShortOfMemory => &counters.refused_series_limit,
                RefusedReason::UnknownRef | RefusedReason::InvalidLabels | RefusedReason::InvalidHistogram => &counters.refused_invalid,
            };
            add(counter, refused.samples);
        }
    }
}

fn refused_by_log(error: WalError) -> AppendError {
    match error {
        WalError::Unavailable(why) => AppendError::Unavailable(why),
        WalError::Closed => AppendError::Closed,
    }
}

fn checked_labels(packed: &[u8]) -> Option<Labels> {
    if packed.is_empty() || packed.len() > LABEL_SET_BYTES_MAX {
        return None;
    }
    let labels = Labels::from_packed(packed).ok()?;
    let mut count = 0;
    for (name, value) in &labels {
        count += 1;
        if name.len() > LABEL_NAME_BYTES_MAX || value.len() > LABEL_VALUE_BYTES_MAX {
            return None;
        }
    }
    (count <= LABELS_PER_SERIES_MAX).then_some(labels)
}
