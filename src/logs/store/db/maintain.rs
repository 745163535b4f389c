//! Work in the background: retiring, deleting for good, merging. Each step can fail and is tried again.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::flush::Unfinished;
use super::parts::{LivePart, is_damage};
use super::publish::Change;
use super::{Core, DAY_NS, Store, StoreError};
use crate::base::pressure::Level;
use crate::logs::store::deletes::Compiled;
use crate::logs::store::manifest::PartEntry;
use crate::logs::store::part::{self, Keep, MergeOptions, Part, PartError};
use crate::logs::store::plan::{self, Candidate};
use crate::logs::store::retention::{self, Retention};
use crate::platform::disk;
use crate::series::labels::Labels;

/// After something failed the next attempt waits so long: it would write as much again.
const COOL_DOWN: Duration = Duration::from_secs(60);
/// What may be kept is at least so many parts of the largest size, and merging goes on up to a size in any case.
const SHARES: u64 = 8;
const MERGED_BYTES_MIN: u64 = 1 << 20;
const OPENING: &str = "open parts";
const LOOKING: &str = "look at parts that could not be read";
const APPLYING: &str = "apply a deletion";
const MERGING: &str = "merge parts";
const RETIRING: &str = "remove old lines";
const DELETING: &str = "delete lines";

/// Parts written anew as one.
struct Rewrite<'r> {
    inputs: &'r [Arc<LivePart>],
    options: &'r MergeOptions,
    /// Deletions up to this number are in the new part's files, or do not concern it.
    deletes_done: u64,
    /// Those that are in its files.
    applied: Vec<u64>,
    dense: bool,
}

impl Store {
    /// Does what the background does, now: flushes what is due, retires, deletes, merges until nothing is left to merge.
    ///
    /// # Errors
    /// The first failure; the rest was done all the same.
    pub fn maintain(&self) -> Result<(), StoreError> {
        let flushed = self.core.flush_due(false);
        let results = self.core.maintain_once();
        results.into_iter().fold(flushed, |first, (_, result)| first.and(result))
    }

    /// Removes the oldest parts while parts and log take more than so many bytes, now and from now on; 0 for any.
    pub fn shrink_to(&self, bytes: u64) {
        let before = self.core.bytes_max.swap(bytes, Ordering::Relaxed);
        if bytes > 0 && (before == 0 || self.bytes() > bytes) {
            let result = self.core.retire();
            self.core.note_background(RETIRING, &result);
        }
    }

    /// Bytes of parts and log.
    pub fn bytes(&self) -> u64 {
        let parts: u64 = self.core.view().parts.iter().map(|part| part.part.info().disk_bytes).sum();
        parts.saturating_add(self.core.wal.bytes())
    }
}

impl Core {
    /// One round of the merging thread. Answers how long to leave the disk alone.
    pub(super) fn merge_round(&self) -> Option<Duration> {
        let results = self.maintain_once();
        results.iter().for_each(|(doing, result)| self.note_background(doing, result));
        results.iter().any(|(_, result)| result.is_err()).then_some(COOL_DOWN)
    }

    fn maintain_once(&self) -> [(&'static str, Result<(), StoreError>); 5] {
        let opened = self.open_absent();
        let looked = self.look_at_suspects();
        let retired = self.retire();
        let deleted = self.delete_due();
        let merged = self.merge_due().and_then(|()| self.retire_streams()).and_then(|()| self.pack_due());
        [(OPENING, opened), (LOOKING, looked), (RETIRING, retired), (DELETING, deleted), (MERGING, merged)]
    }

    /// Bytes that parts and log may take, if that is limited.
    fn bytes_allowed(&self) -> Option<u64> {
        [self.retention().bytes, self.bytes_max.load(Ordering::Relaxed)].into_iter().filter(|bytes| *bytes > 0).min()
    }

    /// How large a merged part may be: a small piece of what may be kept, which goes part by part.
    fn merged_bytes_max(&self) -> u64 {
        let share = self.bytes_allowed().map_or(u64::MAX, |bytes| (bytes / SHARES).max(MERGED_BYTES_MIN));
        self.settings.merged_bytes_max.min(share)
    }

    fn retention(&self) -> Arc<Retention> {
        Arc::clone(&self.retention.read())
    }

    /// Removes whole parts that have served their time, and the oldest while there is too much.
    fn retire(&self) -> Result<(), StoreError> {
        let (retention, view) = (self.retention(), self.view());
        let now_ms = self.believed_now_ms();
        let (mut gone, mut failed) = (Vec::new(), Ok(()));
        if retention.by_time() {
            for part in view.parts.iter() {
                let is_over = |period: &i64| part.part.info().max_ts < Retention::oldest(*period, now_ms);
                match part.periods(&retention, &self.stop) {
                    Ok(periods) if !periods.is_empty() && periods.iter().all(is_over) => gone.push(part.entry.id),
                    Ok(_) => {}
                    // One that cannot be read now keeps no other.
                    Err(error) => failed = failed.and(Err(error.into())),
                }
            }
        }
        if let Some(bytes_max) = self.bytes_allowed() {
            let kept: Vec<&Arc<LivePart>> = view.parts.iter().filter(|part| !gone.contains(&part.entry.id)).collect();
            let sizes: Vec<(i64, u64)> = kept.iter().map(|part| (part.part.info().max_ts, part.part.info().disk_bytes)).collect();
            let surplus = retention::surplus(&sizes, bytes_max, self.wal.bytes());
            if !surplus.is_empty() {
                tracing::info!(parts = surplus.len(), bytes_max, "the oldest parts are removed, lines take more space than they may");
            }
            gone.extend(surplus.into_iter().map(|at| kept[at].entry.id));
        }
        if !gone.is_empty() {
            let count = gone.len() as u64;
            self.publish(Change { gone, ..Change::default() }, |_| {})?;
            self.counters.parts_retired.fetch_add(count, Ordering::Relaxed);
        }
        failed
    }

    /// Writes parts anew without streams whose time is over, when other streams of the part stay.
    fn retire_streams(&self) -> Result<(), StoreError> {
        let retention = self.retention();
        if retention.streams.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.compaction.lock();
        for part in self.view().parts.iter() {
            let (max_ts, now_ms) = (part.part.info().max_ts, self.believed_now_ms());
            let is_over = |period: i64| max_ts < Retention::oldest(period, now_ms);
            let periods = part.periods(&retention, &self.stop)?;
            if periods.first().is_some_and(|period| is_over(*period)) {
                let rewrite = Rewrite::of(std::slice::from_ref(part), self.options_of(&part.entry));
                self.rewrite(&rewrite, &|labels| if is_over(retention.period_of(labels)) { Keep::Nothing } else { Keep::All })?;
            }
        }
        Ok(())
    }

    /// Writes parts anew without lines whose deletion can not be cancelled any more, and notes deletions that are done.
    fn delete_due(&self) -> Result<(), StoreError> {
        let after_ms = i64::try_from(self.settings.delete_after.as_millis()).unwrap_or(i64::MAX);
        let now_ms = self.believed_now_ms();
        let is_due = |delete: &Compiled| delete.deletion.created_ms.saturating_add(after_ms) <= now_ms;
        let _one_at_a_time = self.compaction.lock();
        let view = self.view();
        self.tell_of_broken(&view.deletes);
        // Numbers go up with time, so deletions up to the last one that is due are due.
        let Some(up_to) = view.deletes.iter().filter(|delete| is_due(delete)).map(|delete| delete.deletion.id).max() else {
            return Ok(());
        };
        let mut failed = Ok(());
        for part in view.parts.iter() {
            // A part knows up to which number it is done. What comes after a deletion that cannot be applied waits for it.
            let broken = part.pending.all().iter().find(|delete| delete.check().is_err()).map_or(u64::MAX, |delete| delete.deletion.id);
            let up_to = up_to.min(broken - 1);
            let due: Vec<Arc<Compiled>> = part.pending.all().iter().filter(|delete| delete.deletion.id <= up_to).cloned().collect();
            if !due.is_empty() {
                failed = failed.and(self.delete_from(part, due, up_to));
            }
        }
        let view = self.view();
        if view.absent.iter().any(|absent| absent.entry.deletes_done < up_to) {
            return failed;
        }
        let waits = |id: u64| view.parts.iter().any(|part| part.pending.has(id));
        let is_done = |delete: &&Arc<Compiled>| delete.deletion.id <= up_to && delete.check().is_ok() && !waits(delete.deletion.id);
        let done: Vec<u64> = view.deletes.iter().filter(is_done).map(|delete| delete.deletion.id).collect();
        if done.is_empty() {
            return failed;
        }
        let left = |before: &[Arc<Compiled>]| before.iter().filter(|delete| !done.contains(&delete.deletion.id)).cloned().collect();
        self.publish(Change { deletes: Some(Box::new(left)), ..Change::default() }, |manifest| {
            let processed = manifest.deletes.iter_mut().filter(|delete| done.contains(&delete.id));
            processed.for_each(|delete| delete.processed_ms = Some(now_ms.max(1)));
        })?;
        failed
    }

    /// Writes a part anew without the lines of some deletions, the last ones up to a number that it waits for.
    fn delete_from(&self, part: &Arc<LivePart>, due: Vec<Arc<Compiled>>, up_to: u64) -> Result<(), StoreError> {
        let rewrite = Rewrite {
            deletes_done: up_to.max(part.entry.deletes_done),
            applied: due.iter().map(|delete| delete.deletion.id).collect(),
            ..Rewrite::of(std::slice::from_ref(part), self.options_of(&part.entry))
        };
        let due = part.pending.with(due);
        let find = |delete: &Compiled| part.reach(delete);
        let info = part.part.info();
        self.rewrite(&rewrite, &|labels| {
            let concerned = due.filters(labels, (info.min_ts, info.max_ts), &find);
            if concerned.is_empty() {
                return Keep::All;
            }
            let concerned = RefCell::new(concerned);
            Keep::Lines(Box::new(move |ts, text: &[u8], fields: &[u8]| {
                !concerned.borrow_mut().iter_mut().any(|deletes| deletes(ts, text, fields))
            }))
        })
    }

    /// Tells of deletions that cannot be applied: their lines are visible, and stay.
    fn tell_of_broken(&self, deletes: &[Arc<Compiled>]) {
        let broken = deletes.iter().find_map(|delete| Some((delete.deletion.id, delete.check().err()?)));
        let mut errors = self.background_errors.lock();
        let Some((id, error)) = broken else {
            errors.remove(APPLYING);
            return;
        };
        let what = format!("deletion {id} cannot be applied, its lines are visible until it is cancelled and asked for again: {error}");
        if errors.insert(APPLYING, what.clone()).is_none() {
            tracing::error!("{what}");
        }
    }

    /// Merges parts while lines come, until nothing is left to merge.
    fn merge_due(&self) -> Result<(), StoreError> {
        loop {
            let _one_at_a_time = self.compaction.lock();
            let (candidates, parts) = self.candidates();
            let bytes_max = self.merged_bytes_max();
            if let Some(group) = plan::next_merge(&candidates, bytes_max) {
                self.merge(&parts, &group, &self.settings.merge, false)?;
            } else if let Some(group) = plan::next_gather(&candidates, self.settings.parts_max, bytes_max) {
                self.merge(&parts, &group, &self.settings.dense, true)?;
            } else {
                return Ok(());
            }
        }
    }

    /// Packs days that are over for good, one after the other, while there is no need of memory for anything else.
    fn pack_due(&self) -> Result<(), StoreError> {
        while self.settings.pressure.memory() == Level::Normal {
            self.stop.check().map_err(PartError::Stopped)?;
            let over_ms = self.clock.now_ms().saturating_sub(i64::try_from(self.settings.dense_after.as_millis()).unwrap_or(i64::MAX));
            let day = over_ms.saturating_mul(1_000_000).div_euclid(DAY_NS);
            let _one_at_a_time = self.compaction.lock();
            let (mut candidates, parts) = self.candidates();
            let busy = self.busy_days();
            candidates.retain(|candidate| !busy.contains(&candidate.day));
            let Some(group) = plan::next_dense(&candidates, day, self.merged_bytes_max()) else { return Ok(()) };
            self.merge(&parts, &group, &self.settings.dense, true)?;
        }
        Ok(())
    }

    /// Days that lines came to lately.
    fn busy_days(&self) -> Vec<i64> {
        let (now, quiet) = (self.clock.monotonic(), self.settings.dense_quiet);
        let mut flushed = self.days_flushed.lock();
        flushed.retain(|_, at| now.saturating_sub(*at) < quiet);
        flushed.keys().copied().collect()
    }

    /// Parts that may be merged with others: those without deletions that wait.
    fn candidates(&self) -> (Vec<Candidate>, Vec<Arc<LivePart>>) {
        let parts: Vec<Arc<LivePart>> =
            self.view().parts.iter().filter(|part| part.pending.is_empty() && !part.is_suspect()).cloned().collect();
        let candidate = |part: &Arc<LivePart>| {
            let PartEntry { id, day, dense, .. } = part.entry;
            Candidate { id, day, bytes: part.part.info().disk_bytes, dense }
        };
        (parts.iter().map(candidate).collect(), parts)
    }

    fn options_of(&self, entry: &PartEntry) -> &MergeOptions {
        if entry.dense { &self.settings.dense } else { &self.settings.merge }
    }

    fn merge(&self, parts: &[Arc<LivePart>], group: &[u64], options: &MergeOptions, dense: bool) -> Result<(), StoreError> {
        let inputs: Vec<Arc<LivePart>> = parts.iter().filter(|part| group.contains(&part.entry.id)).cloned().collect();
        // None of the deletions known now concerns the inputs, apart from those that came since they were listed.
        let listed = inputs.iter().map(|input| input.entry.deletes_done).min().unwrap_or(0);
        let clean = self.view().deletes.iter().map(|delete| delete.deletion.id).max().unwrap_or(0);
        let now_concerned = self.view().parts.iter().any(|part| group.contains(&part.entry.id) && !part.pending.is_empty());
        if now_concerned {
            return Ok(());
        }
        let rewrite = Rewrite { inputs: &inputs, options, deletes_done: clean.max(listed), applied: Vec::new(), dense };
        self.rewrite(&rewrite, &|_| Keep::All)
    }

    /// Writes parts anew as one. The caller holds the compaction lock.
    fn rewrite<'k>(&self, rewrite: &Rewrite<'_>, keep: &dyn Fn(&Labels) -> Keep<'k>) -> Result<(), StoreError> {
        let started = self.clock.monotonic();
        let result = self.try_rewrite(rewrite, keep);
        match &result {
            Ok(()) => {
                let took = self.clock.monotonic().saturating_sub(started);
                self.counters.merges.fetch_add(1, Ordering::Relaxed);
                self.counters.merge_ms.fetch_add(u64::try_from(took.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
            Err(error) if error.is_stop() => {}
            Err(error) => {
                self.counters.merge_failures.fetch_add(1, Ordering::Relaxed);
                self.note_failed_inputs(rewrite.inputs, error);
            }
        }
        result
    }

    /// One part that cannot be merged would stop all merging: a damaged one goes aside, one that cannot be read now is left
    /// alone until it can, and the rest serves on.
    fn note_failed_inputs(&self, inputs: &[Arc<LivePart>], error: &StoreError) {
        match error {
            StoreError::Part(error) if is_damage(error) => {
                if let Err(aside) = self.set_damaged_aside(inputs) {
                    tracing::warn!(error = %aside, "damaged parts cannot be set aside");
                }
            }
            StoreError::Part(PartError::Io { path, .. }) => {
                inputs.iter().filter(|input| path.starts_with(input.path())).for_each(|input| input.suspect());
            }
            _ => {}
        }
    }

    fn try_rewrite<'k>(&self, rewrite: &Rewrite<'_>, keep: &dyn Fn(&Labels) -> Keep<'k>) -> Result<(), StoreError> {
        let Some(day) = rewrite.inputs.iter().map(|input| input.entry.day).max() else { return Ok(()) };
        let oldest_day = rewrite.inputs.iter().map(|input| input.entry.oldest_day).fold(day, i64::min);
        let needed: u64 = rewrite.inputs.iter().map(|input| input.part.info().disk_bytes).sum();
        self.check_space(needed.saturating_add(self.settings.reserve_bytes), MERGING)?;
        let entry = PartEntry { id: self.next_part(), day, oldest_day, deletes_done: rewrite.deletes_done, dense: rewrite.dense };
        let folder = self.parts_dir();
        let inputs: Vec<Arc<Part>> = rewrite.inputs.iter().map(|input| Arc::clone(&input.part)).collect();
        let unfinished = Unfinished::create(entry.path(&folder))?;
        let info = part::merge(&inputs, &entry.path(&folder), rewrite.options, keep, &self.stop)?;
        self.step("write a merged part")?;
        let mut added = Vec::new();
        if info.lines > 0 {
            disk::sync_dir(&folder).map_err(StoreError::io("sync", &folder))?;
            added.push(LivePart::open(&folder, entry)?);
            unfinished.keep();
        }
        let bytes: u64 = added.iter().map(|part| part.part.info().disk_bytes).sum();
        let gone = rewrite.inputs.iter().map(|input| input.entry.id).collect();
        self.publish(Change { added, gone, applied: rewrite.applied.clone(), ..Change::default() }, |_| {})?;
        self.counters.part_bytes_written.fetch_add(bytes, Ordering::Relaxed);
        self.step("publish a merged part")
    }
}

impl<'r> Rewrite<'r> {
    /// One part as it is.
    fn of(inputs: &'r [Arc<LivePart>], options: &'r MergeOptions) -> Self {
        let (deletes_done, dense) = inputs.first().map_or((0, false), |part| (part.entry.deletes_done, part.entry.dense));
        Self { inputs, options, deletes_done, applied: Vec::new(), dense }
    }
}
