//! What the page on ingestion shows; remembers counts, to tell rates.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::PageState;
use crate::logs::Logs;
use crate::logs::ingest::counts::DoorReport;
use crate::logs::ingest::receive::DoorTally;
use crate::logs::pages::doors::{Day, Door, DoorsInput};
use crate::logs::store::WriteState;

/// Rates are over the last so much time, as far as someone looked.
const OVER: Duration = Duration::from_mins(1);
/// Counts are remembered no oftener than this.
const APART: Duration = Duration::from_secs(4);
const DAY_MS: i64 = 86_400_000;

/// Counts of doors at moments.
pub(super) struct Watched {
    seen: Mutex<VecDeque<(Duration, Vec<DoorTally>)>>,
}

impl Watched {
    /// Begins with the counts of now.
    pub(super) fn since(logs: &Arc<Logs>) -> Self {
        Self { seen: Mutex::new(VecDeque::from([(logs.api.monotonic(), logs.receiver.doors())])) }
    }

    /// The counts that rates are told against, and how long ago that was. Remembers those of now.
    fn before(&self, now: Duration, tallies: &[DoorTally]) -> (Duration, Vec<DoorTally>) {
        let mut seen = self.seen.lock();
        while seen.len() > 1 && seen.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= OVER) {
            seen.pop_front();
        }
        let before = seen.front().cloned().unwrap_or_else(|| (now, tallies.to_vec()));
        if seen.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= APART) {
            seen.push_back((now, tallies.to_vec()));
        }
        (now.saturating_sub(before.0), before.1)
    }
}

/// What a door refused, and how far behind it is.
fn told(report: &DoorReport) -> Door {
    Door {
        refused: report.refused.iter().filter(|(_, count)| *count > 0).map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        last_refusal: report.last_refusal.clone(),
        lag_ms: report.newest_lag_ms,
        ..Door::default()
    }
}

/// Everything on the page.
pub(super) fn input(state: &PageState) -> DoorsInput {
    let logs = &state.logs;
    let tallies = logs.receiver.doors();
    let (passed, before) = state.watched.before(logs.api.monotonic(), &tallies);
    let reports = logs.door_reports();
    let status = logs.store.status();
    let day = |one: &crate::logs::store::DayStatus| Day {
        start_ms: one.day.saturating_mul(DAY_MS),
        parts: one.parts,
        lines: one.lines,
        text_bytes: one.text_bytes,
        disk_bytes: one.disk_bytes,
    };
    let rate = |now: u64, then: u64| (passed >= Duration::from_secs(1)).then(|| now.saturating_sub(then) as f64 / passed.as_secs_f64());
    let door = |(now, then): (&DoorTally, &DoorTally)| Door {
        name: now.name.to_owned(),
        requests: now.requests,
        lines: now.lines,
        bytes: now.bytes,
        lines_per_s: rate(now.lines, then.lines),
        bytes_per_s: rate(now.bytes, then.bytes),
        ..reports.iter().find(|report| report.door == now.name).map(told).unwrap_or_default()
    };
    DoorsInput {
        doors: tallies.iter().zip(&before).map(door).filter(|door| door.requests > 0 || !door.refused.is_empty()).collect(),
        days: status.days.iter().map(day).collect(),
        wal_bytes: status.wal_bytes,
        memory_lines: status.memory_lines,
        memory_streams: status.memory_streams,
        memory_bytes: status.memory_bytes,
        span_ms: status.span.map(|(from, to)| (from.div_euclid(1_000_000), to.div_euclid(1_000_000))),
        free_bytes: status.free_bytes,
        retention: logs.settings.logs.retention_time.to_string(),
        unready: match status.writes {
            WriteState::Ok => None,
            WriteState::Refusing(why) => Some(why),
            WriteState::Closed => Some("log storage is closed".to_owned()),
        },
        background_error: status.background_error,
        set_aside: status.set_aside.iter().map(|one| (one.path.display().to_string(), one.reason.clone())).collect(),
        unreadable: logs.unreadable_files(),
        tail_dropped: logs.receiver.taps.dropped(),
    }
}
