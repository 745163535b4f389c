//! Work in the background: retiring, deleting for good, merging. Each step can fail and is tried again.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::parts::LivePart;
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

    /// Removes the oldest days while parts and log take more than so many bytes, now and from now on; 0 for any.
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

    fn maintain_once(&self) -> [(&'static str, Result<(), StoreError>); 3] {
        let looked = self.look_at_suspects();
        let retired = self.retire();
        let deleted = self.delete_due();
        let merged = looked.and_then(|()| self.merge_due()).and_then(|()| self.retire_streams()).and_then(|()| self.pack_due());
        [(RETIRING, retired), (DELETING, deleted), (MERGING, merged)]
    }

    fn retention(&self) -> Arc<Retention> {
        Arc::clone(&self.retention.read())
    }

    /// Removes whole parts that have served their time, and the oldest days while there is too much.
    fn retire(&self) -> Result<(), StoreError> {
        let (retention, view) = (self.retention(), self.view());
        let now_ms = self.clock.now_ms();
        let mut gone: Vec<u64> = Vec::new();
        if retention.by_time() {
            for part in view.parts.iter() {
                let periods = part.periods(&retention, &self.stop)?;
                let all_over = periods.iter().all(|period| part.part.info().max_ts < Retention::oldest(*period, now_ms));
                if all_over && !periods.is_empty() {
                    gone.push(part.entry.id);
                }
            }
        }
        let limits = [retention.bytes, self.bytes_max.load(Ordering::Relaxed)];
        if let Some(bytes_max) = limits.into_iter().filter(|bytes| *bytes > 0).min() {
            let kept = view.parts.iter().filter(|part| !gone.contains(&part.entry.id));
            let mut days: Vec<(i64, u64)> = Vec::new();
            for part in kept {
                let bytes = part.part.info().disk_bytes;
                match days.last_mut() {
                    Some((day, total)) if *day == part.entry.day => *total += bytes,
                    _ => days.push((part.entry.day, bytes)),
                }
            }
            if let Some(through) = retention::too_much(&days, bytes_max, self.wal.bytes()) {
                gone.extend(view.parts.iter().filter(|part| part.entry.day <= through).map(|part| part.entry.id));
                gone.sort_unstable();
                gone.dedup();
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        let count = gone.len() as u64;
        self.publish(Change { gone, ..Change::default() }, |_| {})?;
        self.counters.parts_retired.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    /// Writes parts anew without streams whose time is over, when other streams of the part stay.
    fn retire_streams(&self) -> Result<(), StoreError> {
        let retention = self.retention();
        if retention.streams.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.compaction.lock();
        for part in self.view().parts.iter() {
            let (max_ts, now_ms) = (part.part.info().max_ts, self.clock.now_ms());
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
        let now_ms = self.clock.now_ms();
        let is_due = |delete: &Compiled| delete.deletion.created_ms.saturating_add(after_ms) <= now_ms;
        let _one_at_a_time = self.compaction.lock();
        let view = self.view();
        if !view.deletes.iter().any(|delete| is_due(delete)) {
            return Ok(());
        }
        // Numbers go up with time, so deletions up to the last one that is due are due.
        let up_to = view.deletes.iter().filter(|delete| is_due(delete)).map(|delete| delete.deletion.id).max().unwrap_or(0);
        for part in view.parts.iter() {
            let due: Vec<Arc<Compiled>> = part.pending.iter().filter(|delete| delete.deletion.id <= up_to).cloned().collect();
            if due.is_empty() {
                continue;
            }
            let rewrite = Rewrite {
                deletes_done: up_to.max(part.entry.deletes_done),
                applied: due.iter().map(|delete| delete.deletion.id).collect(),
                ..Rewrite::of(std::slice::from_ref(part), self.options_of(&part.entry))
            };
            self.rewrite(&rewrite, &|labels| {
                let concerned: Vec<Arc<Compiled>> = due.iter().filter(|delete| delete.concerns(labels)).cloned().collect();
                if concerned.is_empty() {
                    return Keep::All;
                }
                let labels = labels.clone();
                Keep::Lines(Box::new(move |ts, text: &[u8], fields: &[u8]| {
                    !concerned.iter().any(|delete| delete.deletes(&labels, ts, text, fields))
                }))
            })?;
        }
        if self.view().parts.iter().any(|part| part.pending.iter().any(|delete| delete.deletion.id <= up_to)) {
            // Something came between; the next round does it.
            return Ok(());
        }
        let left = |before: &[Arc<Compiled>]| before.iter().filter(|delete| delete.deletion.id > up_to).cloned().collect();
        self.publish(Change { deletes: Some(Box::new(left)), ..Change::default() }, |manifest| {
            let done = manifest.deletes.iter_mut().filter(|delete| delete.id <= up_to && delete.processed_ms.is_none());
            done.for_each(|delete| delete.processed_ms = Some(now_ms.max(1)));
        })
    }

    /// Merges parts while lines come, until nothing is left to merge.
    fn merge_due(&self) -> Result<(), StoreError> {
        loop {
            let _one_at_a_time = self.compaction.lock();
            let (candidates, parts) = self.candidates();
            let Some(group) = plan::next_merge(&candidates, self.settings.merged_bytes_max) else { return Ok(()) };
            self.merge(&parts, &group, &self.settings.merge, false)?;
        }
    }

    /// Packs days that are over for good, one after the other, while there is no need of memory for anything else.
    fn pack_due(&self) -> Result<(), StoreError> {
        while self.settings.pressure.memory() == Level::Normal {
            self.stop.check().map_err(PartError::Stopped)?;
            let over_ms = self.clock.now_ms().saturating_sub(i64::try_from(self.settings.dense_after.as_millis()).unwrap_or(i64::MAX));
            let day = over_ms.saturating_mul(1_000_000).div_euclid(DAY_NS);
            let _one_at_a_time = self.compaction.lock();
            let (candidates, parts) = self.candidates();
            let Some(group) = plan::next_dense(&candidates, day, self.settings.merged_bytes_max) else { return Ok(()) };
            self.merge(&parts, &group, &self.settings.dense, true)?;
        }
        Ok(())
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
            Err(_) => {
                self.counters.merge_failures.fetch_add(1, Ordering::Relaxed);
                // One that cannot be merged would stop all merging: the damaged one goes aside, the rest serves on.
                if let Err(aside) = self.set_damaged_aside(rewrite.inputs) {
                    tracing::warn!(error = %aside, "damaged parts cannot be set aside");
                }
            }
        }
        result
    }

    fn try_rewrite<'k>(&self, rewrite: &Rewrite<'_>, keep: &dyn Fn(&Labels) -> Keep<'k>) -> Result<(), StoreError> {
        let Some(first) = rewrite.inputs.first() else { return Ok(()) };
        let needed: u64 = rewrite.inputs.iter().map(|input| input.part.info().disk_bytes).sum();
        self.check_space(needed.saturating_add(self.settings.reserve_bytes), MERGING)?;
        let entry = PartEntry { id: self.next_part(), day: first.entry.day, deletes_done: rewrite.deletes_done, dense: rewrite.dense };
        let folder = self.parts_dir();
        let path = entry.path(&folder);
        let inputs: Vec<Arc<Part>> = rewrite.inputs.iter().map(|input| Arc::clone(&input.part)).collect();
        fs::create_dir_all(&path).map_err(StoreError::io("create", &path))?;
        let written = part::merge(&inputs, &path, rewrite.options, keep, &self.stop).map_err(StoreError::from).and_then(|info| {
            self.step("write a merged part")?;
            if info.lines == 0 {
                return Ok(None);
            }
            disk::sync_dir(&folder).map_err(StoreError::io("sync", &folder))?;
            Ok(Some(LivePart::open(&folder, entry)?))
        });
        let added = match written {
            Ok(Some(part)) => vec![part],
            Ok(None) => {
                drop(fs::remove_dir_all(&path));
                Vec::new()
            }
            Err(error) => {
                drop(fs::remove_dir_all(&path));
                return Err(error);
            }
        };
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
