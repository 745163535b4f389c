//! The state of storage for pages, probes and telemetry.

use super::append::DISK_FULL;
use super::{Core, Store};
use crate::logs::store::stats::{Counters, DayStatus, StoreStatus, WriteState};
use crate::platform::disk;
use crate::platform::disk::log::WalCounters;

impl Store {
    /// Counters since the start.
    pub fn counters(&self) -> &Counters {
        &self.core.counters
    }

    /// Counters of the log since the start.
    pub fn wal_counters(&self) -> &WalCounters {
        self.core.wal.counters()
    }

    /// Whether lines are taken now, without looking at anything else. For the readiness probe.
    pub fn write_state(&self) -> WriteState {
        self.core.write_state()
    }

    /// Everything.
    pub fn status(&self) -> StoreStatus {
        let core = &self.core;
        let view = core.view();
        let mut days: Vec<DayStatus> = Vec::new();
        let mut span: Option<(i64, i64)> = None;
        let mut widen = |min: i64, max: i64| span = Some(span.map_or((min, max), |(from, to)| (from.min(min), to.max(max))));
        for part in view.parts.iter() {
            let info = part.part.info();
            if info.lines > 0 {
                widen(info.min_ts, info.max_ts);
            }
            if days.last().is_none_or(|day| day.day != part.entry.day) {
                days.push(DayStatus { day: part.entry.day, ..DayStatus::default() });
            }
            if let Some(day) = days.last_mut() {
                day.parts += 1;
                day.lines += info.lines;
                day.text_bytes += info.text_bytes;
                day.disk_bytes += info.disk_bytes;
            }
        }
        let (mut memory_lines, mut memory_streams, mut memory_bytes) = (0, 0, 0);
        for memory in view.memories() {
            let held = memory.held();
            memory_lines += held.lines;
            memory_streams += held.streams;
            memory_bytes += memory.bytes() as u64;
            held.span.into_iter().for_each(|(min, max)| widen(min, max));
        }
        let mut errors: Vec<String> = core.background_errors.lock().values().cloned().collect();
        errors.extend(view.absent.iter().map(|absent| format!("a part cannot be opened now, it is tried again: {}", absent.reason)));
        StoreStatus {
            writes: core.write_state(),
            set_aside: core.set_aside.lock().clone(),
            background_error: (!errors.is_empty()).then(|| errors.join("; ")),
            part_bytes: days.iter().map(|day| day.disk_bytes).sum(),
            days,
            wal_bytes: core.wal.bytes(),
            memory_lines,
            memory_streams,
            memory_bytes,
            span,
            free_bytes: disk::free_bytes(&core.settings.dir).ok(),
            replay_ms: core.replay_ms,
        }
    }
}

impl Core {
    fn write_state(&self) -> WriteState {
        if self.is_closed() {
            return WriteState::Closed;
        }
        if self.settings.pressure.is_disk_full() {
            return WriteState::Refusing(DISK_FULL.to_owned());
        }
        self.wal.failure().map_or(WriteState::Ok, WriteState::Refusing)
    }
}
