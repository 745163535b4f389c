//! From memory to parts: freeze, write, publish, forget the log. A crash between any two of them loses nothing and
//! doubles nothing, because the manifest says at once what is in parts and what is in the log.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::MutexGuard;

use super::parts::LivePart;
use super::publish::Change;
use super::{Core, DAY_NS, Store, StoreError, StoreSettings, View, step};
use crate::logs::store::manifest::PartEntry;
use crate::logs::store::memory::{Memory, SortedLines};
use crate::logs::store::part::{PartLine, PartWriter};
use crate::logs::store::wal::WalPlace;
use crate::platform::disk;
use crate::platform::disk::log::segment_path;
use crate::platform::disk::log::segments::segment_numbers;

/// What flushing is called in messages.
pub(super) const DOING: &str = "write lines to parts";
/// After a failed flush the disk is left alone for so long.
const COOL_DOWN: Duration = Duration::from_secs(5);
/// Parts that one flush writes at most. Lines of more days come from archives; a part of each would be too many.
const DAYS_MAX: usize = 8;
/// Besides what is written, this much may be needed for a part.
const SPACE_MARGIN: u64 = 1 << 20;

/// The memory that is on its way to parts.
#[derive(Default)]
pub(super) struct Frozen {
    /// It, and the first segment of the log that has none of it.
    pub(super) memory: Option<(Arc<Memory>, u64)>,
}

impl Store {
    /// Writes everything in memory to parts, whatever its age.
    ///
    /// # Errors
    /// When the disk refuses; nothing is lost then.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.core.flush_due(true)
    }

    /// Gives memory back: lines go to parts, and what parts keep in memory is dropped.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn relieve(&self) -> Result<(), StoreError> {
        self.core.scratch.lock().clear();
        let flushed = self.core.flush_due(true);
        self.core.view().parts.iter().for_each(|part| part.part.forget());
        flushed
    }
}

impl Core {
    /// One round of the flushing thread. Answers how long to leave the disk alone.
    pub(super) fn flush_round(&self) -> Option<Duration> {
        let result = self.flush_due(false);
        self.note_background(DOING, &result);
        result.is_err().then_some(COOL_DOWN)
    }

    /// Writes memory to parts if it is full or old, or in any case.
    pub(super) fn flush_due(&self, in_any_case: bool) -> Result<(), StoreError> {
        let mut frozen = self.maintenance.lock();
        // What could not be written before comes first.
        self.write_frozen(&mut frozen)?;
        let view = self.view();
        let held = view.active.held();
        let waited = held.since.map(|since| self.clock.monotonic().saturating_sub(since));
        let is_old = waited.is_some_and(|waited| waited >= self.settings.flush_after);
        let is_full = view.active.bytes() >= self.settings.memory_bytes;
        if held.lines == 0 || !(in_any_case || is_old || is_full) {
            return Ok(());
        }
        self.freeze_memory(&mut frozen, None)?;
        self.write_frozen(&mut frozen)
    }

    /// Begins a new memory; what comes from now on is in the new one and in a new segment of the log. With the number of
    /// a deletion, that does not concern the new memory.
    pub(super) fn freeze_memory(&self, frozen: &mut MutexGuard<'_, Frozen>, delete: Option<u64>) -> Result<(), StoreError> {
        // So that little is left to sync while appends wait.
        self.wal.sync();
        let now_ns = self.clock.now_ms().saturating_mul(1_000_000);
        let window = self.limits.read().too_far_behind.map_or(0, |window| i64::try_from(window.as_nanos()).unwrap_or(i64::MAX));
        let appends_wait = self.inflight.write();
        let segment = self.wal.roll()?;
        let before = self.view();
        let deletes_done = delete.unwrap_or(before.active.deletes_done);
        let active = Arc::new(before.active.successor(deletes_done, now_ns.saturating_sub(window)));
        frozen.memory = Some((Arc::clone(&before.active), segment));
        let mut view = self.view.write();
        *view = Arc::new(View { active, frozen: Some(Arc::clone(&before.active)), ..View::clone(&view) });
        drop((view, appends_wait));
        self.notify_room();
        Ok(())
    }

    /// Writes the frozen memory, if there is one, and makes its parts count.
    pub(super) fn write_frozen(&self, frozen: &mut MutexGuard<'_, Frozen>) -> Result<(), StoreError> {
        let Some((memory, segment)) = frozen.memory.clone() else { return Ok(()) };
        if !self.view().frozen.as_ref().is_some_and(|visible| Arc::ptr_eq(visible, &memory)) {
            // Work that ended in a panic came this far: it is in parts already, or it was never frozen.
            frozen.memory = None;
            return Ok(());
        }
        let started = self.clock.monotonic();
        let result = self.try_write(&memory, segment);
        match &result {
            Ok(()) => {
                frozen.memory = None;
                let took = self.clock.monotonic().saturating_sub(started);
                self.counters.flushes.fetch_add(1, Ordering::Relaxed);
                self.counters.flush_ms.fetch_add(u64::try_from(took.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
                self.notify_room();
                self.merge_wake.ring();
            }
            Err(_) => drop(self.counters.flush_failures.fetch_add(1, Ordering::Relaxed)),
        }
        result
    }

    fn try_write(&self, memory: &Arc<Memory>, segment: u64) -> Result<(), StoreError> {
        self.step("freeze")?;
        self.check_space(memory.held().text_bytes / 4 + SPACE_MARGIN, DOING)?;
        let parts = write_parts(&self.settings, &memory.sorted(), memory.deletes_done, &mut || self.next_part())?;
        let bytes: u64 = parts.iter().map(|part| part.part.info().disk_bytes).sum();
        let now = self.clock.monotonic();
        self.days_flushed.lock().extend(parts.iter().map(|part| (part.entry.day, now)));
        self.publish(Change { added: parts, thawed: true, ..Change::default() }, |manifest| {
            manifest.wal = WalPlace { segment, offset: 0 };
        })?;
        self.counters.part_bytes_written.fetch_add(bytes, Ordering::Relaxed);
        // From here on nothing can fail that matters: segments that stay are removed by the next flush or start.
        if self.step("publish").is_ok() {
            self.forget_log(segment);
        }
        Ok(())
    }

    /// Removes segments that are in parts.
    fn forget_log(&self, before: u64) {
        self.wal.forget_before(before);
        let numbers = segment_numbers(self.wal.dir()).unwrap_or_default();
        for number in numbers.into_iter().filter(|number| *number < before) {
            if let Err(error) = fs::remove_file(segment_path(self.wal.dir(), number)) {
                tracing::warn!(error = %error, segment = number, "a segment of the log that is not needed any more cannot be removed");
            }
        }
    }

    /// A number for a part.
    pub(super) fn next_part(&self) -> u64 {
        let mut manifest = self.manifest.lock();
        manifest.next_part += 1;
        manifest.next_part - 1
    }
}

/// A part's folder while it is written: it goes unless it is kept, however the work ends.
pub(super) struct Unfinished(Option<PathBuf>);

impl Unfinished {
    /// Makes the folder.
    pub(super) fn create(path: PathBuf) -> Result<Self, StoreError> {
        fs::create_dir_all(&path).map_err(StoreError::io("create", &path))?;
        Ok(Self(Some(path)))
    }

    /// The part is whole.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What stays all the same is removed by the next start: no manifest names it.
        if let Some(path) = &self.0 {
            drop(fs::remove_dir_all(path));
        }
    }
}

/// Writes lines to parts, one a day; of lines of many days, those before the newest days go to one part together. On failure
/// nothing of them is left.
pub(super) fn write_parts(
    settings: &StoreSettings,
    lines: &SortedLines,
    deletes_done: u64,
    next_id: &mut dyn FnMut() -> u64,
) -> Result<Vec<LivePart>, StoreError> {
    let folder = super::parts_dir(&settings.dir);
    let (mut parts, mut unfinished): (Vec<LivePart>, Vec<Unfinished>) = (Vec::new(), Vec::new());
    let mut runs = lines.runs(DAY_NS);
    let days: Vec<usize> = runs.chunk_by(|a, b| a.piece == b.piece).map(<[_]>::len).collect();
    let mut together: usize = if days.len() > DAYS_MAX { days[..=days.len() - DAYS_MAX].iter().sum() } else { 0 };
    // Runs of the same stream follow each other, the older day first.
    runs[..together].sort_by(|a, b| lines.labels(a).packed().cmp(lines.labels(b).packed()));
    let mut rest = &runs[..];
    while let Some(first) = rest.first() {
        let count = if together > 0 { together } else { rest.iter().take_while(|run| run.piece == first.piece).count() };
        together = 0;
        let (of_part, after) = rest.split_at(count);
        rest = after;
        let day = of_part.iter().fold(first.piece, |newest, run| newest.max(run.piece));
        let oldest_day = of_part.iter().fold(first.piece, |oldest, run| oldest.min(run.piece));
        let entry = PartEntry { id: next_id(), day, oldest_day, deletes_done, dense: false };
        unfinished.push(Unfinished::create(entry.path(&folder))?);
        parts.push(write_part(settings, &folder, entry, |writer| {
            let mut run_lines: Vec<PartLine<'_>> = Vec::new();
            for run in of_part {
                run_lines.clear();
                run_lines.extend(lines.lines(run).map(|(ts, text, fields)| PartLine { ts, text, fields }));
                writer.push_run(lines.labels(run), &run_lines)?;
            }
            Ok(())
        })?);
    }
    disk::sync_dir(&folder).map_err(StoreError::io("sync", &folder))?;
    unfinished.into_iter().for_each(Unfinished::keep);
    Ok(parts)
}

fn write_part(
    settings: &StoreSettings,
    folder: &Path,
    entry: PartEntry,
    fill: impl FnOnce(&mut PartWriter) -> Result<(), StoreError>,
) -> Result<LivePart, StoreError> {
    let mut writer = PartWriter::create(&entry.path(folder), settings.parts)?;
    fill(&mut writer)?;
    writer.finish()?;
    step(settings, "write a part")?;
    Ok(LivePart::open(folder, entry)?)
}
