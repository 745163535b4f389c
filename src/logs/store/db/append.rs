//! Lines in: checked, queued for the log, put into memory, and acknowledged when the log has them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::check::Checker;
use super::{Core, Store, View};
use crate::base::pressure::{Level, Shed};
use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport};
use crate::logs::store::lines::{Lines, StreamLines};
use crate::logs::store::stats::refused_slot;
use crate::logs::store::wal::{LINES, put_lines};
use crate::platform::disk::log::WalError;

/// Content of one record of the log, about.
const RECORD_BYTES: usize = 2 << 20;
/// What a line takes in a record besides text and fields, at most about.
const LINE_HEAD_BYTES: usize = 16;
/// Buffers kept between appends, and up to which size.
const SCRATCH_MAX: usize = 4;
const SCRATCH_BYTES: usize = 4 << 20;
/// What is said while the budget of disk is used up.
pub(super) const DISK_FULL: &str = "the disk budget is used up; lines are refused until there is room again";
/// And while memory is.
const MEMORY_CRITICAL: &str = "memory is nearly used up; lines are refused until there is room again";

/// Memory of one append, used again by the next.
#[derive(Default)]
pub(super) struct Scratch {
    content: Vec<u8>,
    frames: Vec<u8>,
}

impl AppendLines for Store {
    fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
        let result = self.core.append(batch);
        let counters = &self.core.counters;
        match &result {
            Ok(report) => {
                for refused in &report.refused {
                    let slot = refused_slot(refused.reason);
                    counters.refused[slot].fetch_add(refused.lines as u64, Ordering::Relaxed);
                    counters.refused_bytes[slot].fetch_add(refused.bytes as u64, Ordering::Relaxed);
                }
            }
            Err(AppendLinesError::Unavailable(_)) => drop(counters.unavailable.fetch_add(1, Ordering::Relaxed)),
            Err(AppendLinesError::Busy) => drop(counters.busy.fetch_add(1, Ordering::Relaxed)),
            Err(AppendLinesError::Closed) => {}
        }
        result
    }
}

impl Core {
    fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
        self.is_allowed()?;
        self.wait_for_room()?;
        let inflight = self.inflight.read();
        if self.is_closed() {
            return Err(AppendLinesError::Closed);
        }
        let view = self.view();
        let limits = Arc::clone(&self.limits.read());
        let checker = Checker {
            limits: &limits,
            rates: &self.rates,
            seed: self.seed,
            now_ns: self.clock.now_ms().saturating_mul(1_000_000),
            monotonic: self.clock.monotonic(),
        };
        let (lines, report) = checker.check(batch, |streams| view.active.newest_of(streams));
        if lines.is_empty() {
            return Ok(report);
        }
        let ticket = self.log(&lines);
        let added = view.active.append(&lines, view.frozen.as_deref(), checker.monotonic);
        drop(inflight);
        self.counters.lines.fetch_add(added.lines, Ordering::Relaxed);
        self.counters.text_bytes.fetch_add(added.bytes, Ordering::Relaxed);
        self.counters.repeated.fetch_add(added.repeated, Ordering::Relaxed);
        // What the log could not take stays in its queue, and in memory: sent again, it is there once.
        self.wal.commit(ticket, true).map_err(refused_by_log)?;
        if self.settings.background && view.active.bytes() >= self.settings.memory_bytes {
            self.flush_wake.ring();
        }
        Ok(report)
    }

    /// Whether lines may come at all now.
    fn is_allowed(&self) -> Result<(), AppendLinesError> {
        if self.is_closed() {
            return Err(AppendLinesError::Closed);
        }
        let pressure = &self.settings.pressure;
        if pressure.is_disk_full() {
            pressure.count(Shed::Disk);
            return Err(AppendLinesError::Unavailable(DISK_FULL.to_owned()));
        }
        if pressure.memory() == Level::Critical {
            pressure.count(Shed::Write);
            return Err(AppendLinesError::Unavailable(MEMORY_CRITICAL.to_owned()));
        }
        self.wal.ready().map_err(refused_by_log)
    }

    /// Waits a little for room in memory.
    fn wait_for_room(&self) -> Result<(), AppendLinesError> {
        if !self.is_full(&self.view()) {
            return Ok(());
        }
        if !self.settings.background {
            // Nobody else would make room.
            return self.flush_due(true).map_err(|error| AppendLinesError::Unavailable(error.to_string()));
        }
        self.flush_wake.ring();
        let until = self.clock.monotonic() + self.settings.wait_for_room;
        let mut guard = self.room_lock.lock();
        while self.is_full(&self.view()) {
            if self.is_closed() {
                return Err(AppendLinesError::Closed);
            }
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() || self.roomy.wait_for(&mut guard, left).timed_out() {
                let errors = self.background_errors.lock();
                let failed = errors.get(super::flush::DOING).or_else(|| errors.get(super::FLUSHING));
                return Err(failed.cloned().map_or(AppendLinesError::Busy, AppendLinesError::Unavailable));
            }
        }
        Ok(())
    }

    /// Whether memory has no room: a little more than its share is filled while it waits to be frozen.
    fn is_full(&self, view: &View) -> bool {
        let share = self.settings.memory_bytes;
        view.active.bytes() >= share + share / 4
    }

    /// Queues records with these lines. Answers what to wait for.
    fn log(&self, lines: &Lines<'_>) -> u64 {
        let mut scratch = self.scratch.lock().pop().unwrap_or_default();
        for streams in records(lines) {
            scratch.content.clear();
            put_lines(&mut scratch.content, lines, &streams);
            self.packer.put_frame(&mut scratch.frames, LINES, &scratch.content);
        }
        let newest = lines.lines.iter().fold(i64::MIN, |newest, line| newest.max(line.ts));
        let ticket = self.wal.push(&scratch.frames, newest);
        scratch.frames.clear();
        scratch.content.clear();
        if scratch.frames.capacity() + scratch.content.capacity() <= SCRATCH_BYTES {
            let mut pool = self.scratch.lock();
            if pool.len() < SCRATCH_MAX {
                pool.push(scratch);
            }
        }
        ticket
    }
}

/// Streams, or pieces of them, that go into one record each.
fn records(lines: &Lines<'_>) -> Vec<Vec<StreamLines>> {
    let (mut records, mut open, mut bytes) = (Vec::new(), Vec::new(), 0);
    for stream in &lines.streams {
        let mut from = stream.lines.start;
        bytes += stream.labels.packed().len();
        for (at, line) in stream.lines.clone().zip(lines.of(stream)) {
            bytes += line.text.len() + line.fields.len() + LINE_HEAD_BYTES;
            if bytes >= RECORD_BYTES {
                open.push(StreamLines { lines: from..at + 1, ..stream.clone() });
                records.push(std::mem::take(&mut open));
                (from, bytes) = (at + 1, 0);
            }
        }
        if from < stream.lines.end {
            open.push(StreamLines { lines: from..stream.lines.end, ..stream.clone() });
        }
    }
    if !open.is_empty() {
        records.push(open);
    }
    records
}

fn refused_by_log(error: WalError) -> AppendLinesError {
    match error {
        WalError::Unavailable(why) => AppendLinesError::Unavailable(why),
        WalError::Closed => AppendLinesError::Closed,
    }
}
