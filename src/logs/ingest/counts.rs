//! What doors count: for `/metrics`, for the page on ingestion, and in the log where senders are told nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use super::super::model::write::{LineReport, RefusedLine};
use super::refusal::shortened;
use crate::platform::telemetry::metrics::{Counter, Page};
use crate::platform::telemetry::seldom::Seldom;

/// The words of the last refusal are not made anew more often than this.
const WORDS_APART_MS: i64 = 1_000;
/// Stands for no line at all.
const NO_LAG: i64 = i64::MIN;

/// What came by one door since the start, and what of it was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoorReport {
    /// The door's word.
    pub door: &'static str,
    /// Lines stored.
    pub lines: u64,
    /// Bytes of their text.
    pub bytes: u64,
    /// What was refused, by the word for the reason: lines, and where those were not known, requests and connections.
    pub refused: Vec<(&'static str, u64)>,
    /// When something was refused last (ms since the Unix epoch), and why, in words.
    pub last_refusal: Option<(i64, String)>,
    /// How long after its own time the newest line of the last batch came, in milliseconds; less than zero for a line from
    /// the future.
    pub newest_lag_ms: Option<i64>,
}

impl DoorReport {
    /// Adds what was refused before it came to storage.
    fn add(&mut self, refused: &Refused) {
        let state = refused.0.lock();
        for (reason, count) in &state.counts {
            match self.refused.iter_mut().find(|(known, _)| known == reason) {
                Some((_, known)) => *known += count,
                None => self.refused.push((*reason, *count)),
            }
        }
        let is_later = |(at, _): &(i64, String)| self.last_refusal.as_ref().is_none_or(|(known, _)| at > known);
        if let Some(last) = state.last.as_ref().filter(|last| is_later(last)) {
            self.last_refusal = Some(last.clone());
        }
    }
}

/// What a door refused: how much for which reason, and the last time in words.
#[derive(Debug, Default)]
pub struct Refused(Mutex<RefusedState>);

#[derive(Debug, Default)]
struct RefusedState {
    counts: BTreeMap<&'static str, u64>,
    last: Option<(i64, String)>,
    /// For what and when the words were made.
    words: Option<(&'static str, i64)>,
}

impl Refused {
    /// Notes that so much was refused at `now_ms`. The words are made only if they are needed.
    pub fn note(&self, now_ms: i64, reason: &'static str, count: u64, why: impl FnOnce() -> String) {
        let mut state = self.0.lock();
        *state.counts.entry(reason).or_default() += count;
        let has_words = state.words.is_some_and(|(of, at)| of == reason && (at..at.saturating_add(WORDS_APART_MS)).contains(&now_ms));
        if !has_words {
            state.words = Some((reason, now_ms));
            state.last = Some((now_ms, shortened(&why())));
        }
    }
}

/// What one door of the receiver took and refused.
#[derive(Debug)]
pub struct Ledger {
    /// Requests with lines.
    pub requests: Counter,
    /// Lines stored.
    pub lines: Counter,
    /// Bytes of their text.
    pub bytes: Counter,
    /// What was refused.
    pub refused: Refused,
    /// When that was said in the log.
    pub said: Seldom,
    lag_ms: AtomicI64,
}

impl Default for Ledger {
    fn default() -> Self {
        let (requests, lines, bytes) = Default::default();
        Self { requests, lines, bytes, refused: Refused::default(), said: Seldom::default(), lag_ms: AtomicI64::new(NO_LAG) }
    }
}

impl Ledger {
    /// Notes the newest time of lines that came at `now_ms`.
    pub fn newest(&self, now_ms: i64, newest_ns: i64) {
        self.lag_ms.store(now_ms.saturating_sub(newest_ns.div_euclid(1_000_000)), Ordering::Relaxed);
    }

    /// All of it.
    pub fn report(&self, door: &'static str) -> DoorReport {
        let lag = self.lag_ms.load(Ordering::Relaxed);
        let mut report = DoorReport {
            door,
            lines: self.lines.get(),
            bytes: self.bytes.get(),
            newest_lag_ms: (lag != NO_LAG).then_some(lag),
            ..DoorReport::default()
        };
        report.add(&self.refused);
        report
    }
}

/// Counts of one door: syslog, fluent, file, docker, journal.
#[derive(Debug, Default)]
pub struct DoorCounts {
    /// Lines that came in.
    pub lines: Counter,
    /// Bytes of their text.
    pub bytes: Counter,
    /// Messages that could not be read as what they claim to be.
    pub malformed: Counter,
    /// Messages dropped because the store could not keep up and the sender cannot wait.
    pub dropped: Counter,
    /// Connections taken.
    pub connections: Counter,
    /// Connections refused because there were too many.
    pub connections_refused: Counter,
    /// Times the store could not take lines, so that the door had to wait.
    pub waits: Counter,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    /// What was refused before it came to storage.
    turned_away: Refused,
    said: Seldom,
    odd_said: Seldom,
}

impl DoorCounts {
    /// Notes what was refused before it came to storage, where the sender is told nothing: the log is.
    pub fn turn_away(&self, now_ms: i64, reason: &'static str, count: u64, peer: &str, why: &str) {
        self.turned_away.note(now_ms, reason, count, || if peer.is_empty() { why.to_owned() } else { format!("{peer}: {why}") });
        if let Some(before) = self.said.may_say(now_ms, count) {
            tracing::warn!(reason, count, before, peer, "input of a log door was refused: {why}");
        }
    }

    /// Counts a message that is not what it claims to be, but is kept, and says so in the log.
    pub fn odd(&self, now_ms: i64, peer: &str, why: &str) {
        self.malformed.inc();
        if let Some(before) = self.odd_said.may_say(now_ms, 1) {
            tracing::warn!(peer, before, "{why}");
        }
    }

    /// Counts what the store refused.
    pub fn refused(&self, report: &LineReport) {
        if report.refused.is_empty() {
            return;
        }
        let mut refused = self.refused.lock();
        for lines in &report.refused {
            *refused.entry(reason(&lines.reason)).or_default() += lines.lines as u64;
        }
    }

    /// Counts lines that the store refused, and that do not come again.
    pub fn refuse(&self, reason: &'static str, lines: u64) {
        *self.refused.lock().entry(reason).or_default() += lines;
    }

    /// Lines that the store refused so far.
    pub fn refused_lines(&self) -> u64 {
        self.refused.lock().values().sum()
    }
}

/// A word for why a line was refused, as Loki's metrics have it where it has one.
pub const fn reason(reason: &RefusedLine) -> &'static str {
    match reason {
        RefusedLine::TooOld { .. } => "greater_than_max_sample_age",
        RefusedLine::TooNew { .. } => "too_far_in_future",
        RefusedLine::TooFarBehind { .. } => "too_far_behind",
        RefusedLine::TooLong { .. } => "line_too_long",
        RefusedLine::InvalidLabels => "invalid_labels",
        RefusedLine::InvalidFields => "structured_metadata_too_large",
        RefusedLine::StreamRate { .. } => "per_stream_rate_limit",
    }
}

/// One of a door's numbers.
type Read = fn(&DoorCounts) -> u64;

/// Counts by door.
#[derive(Debug, Default)]
pub struct Counts(Mutex<BTreeMap<&'static str, Arc<DoorCounts>>>);

impl Counts {
    /// Those of a door.
    pub fn door(&self, name: &'static str) -> Arc<DoorCounts> {
        Arc::clone(self.0.lock().entry(name).or_default())
    }

    /// Takes those of a door that has them already.
    #[cfg(test)]
    pub fn put(&self, name: &'static str, door: &Arc<DoorCounts>) {
        self.0.lock().insert(name, Arc::clone(door));
    }

    /// Adds to the reports of doors what was refused on the way to them: what files, containers and journals count is the
    /// collector's.
    pub fn add_to(&self, reports: &mut [DoorReport]) {
        for (name, counts) in self.0.lock().iter() {
            let door = if matches!(*name, "file" | "docker" | "journal") { "collector" } else { *name };
            if let Some(report) = reports.iter_mut().find(|report| report.door == door) {
                report.add(&counts.turned_away);
            }
        }
    }

    /// Writes them.
    pub fn report(&self, page: &mut Page) {
        let doors: Vec<(&'static str, Arc<DoorCounts>)> = self.0.lock().iter().map(|(name, door)| (*name, Arc::clone(door))).collect();
        if doors.is_empty() {
            return;
        }
        let families: [(&str, &str, Read); 7] = [
            ("pharos_logs_door_lines_total", "Lines that came in by syslog, Fluent, files, containers and journals.", |door| {
                door.lines.get()
            }),
            ("pharos_logs_door_bytes_total", "Bytes of their text.", |door| door.bytes.get()),
            ("pharos_logs_door_malformed_total", "Messages that could not be read.", |door| door.malformed.get()),
            (
                "pharos_logs_door_dropped_total",
                "Messages of senders that cannot wait, dropped because storage could not keep up.",
                |door| door.dropped.get(),
            ),
            ("pharos_logs_door_connections_total", "Connections taken.", |door| door.connections.get()),
            ("pharos_logs_door_connections_refused_total", "Connections refused because there were too many.", |door| {
                door.connections_refused.get()
            }),
            ("pharos_logs_door_waits_total", "Times a door had to wait because storage did not take lines.", |door| door.waits.get()),
        ];
        for (name, help, value) in families {
            page.family(name, "counter", help);
            for (door, counts) in &doors {
                page.sample(name, &[("door", door)], value(counts) as f64);
            }
        }
        let name = "pharos_logs_door_refused_lines_total";
        page.family(name, "counter", "Lines that storage refused, by reason.");
        for (door, counts) in &doors {
            for (reason, lines) in counts.refused.lock().iter() {
                page.sample(name, &[("door", door), ("reason", reason)], *lines as f64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_tells_what_was_refused_and_how_far_behind_it_is() {
        let ledger = Ledger::default();
        assert_eq!(ledger.report("syslog"), DoorReport { door: "syslog", ..DoorReport::default() });
        ledger.lines.add(3);
        ledger.bytes.add(30);
        ledger.newest(10_000, 9_500_000_000);
        ledger.refused.note(1_000, "line_too_long", 2, || "first".to_owned());
        ledger.refused.note(1_999, "line_too_long", 1, || unreachable!("the words are still new"));
        ledger.refused.note(2_000, "line_too_long", 1, || "second".to_owned());
        let mut reports = vec![ledger.report("syslog"), DoorReport { door: "collector", ..DoorReport::default() }];
        let counts = Counts::default();
        counts.door("syslog").turn_away(3_000, "connections", 4, "10.0.0.1", "there are too many");
        counts.door("syslog").turn_away(1_000, "line_too_long", 1, "", "earlier");
        counts.door("docker").turn_away(5, "malformed", 1, "", "no line");
        counts.add_to(&mut reports);
        let expected = DoorReport {
            door: "syslog",
            lines: 3,
            bytes: 30,
            refused: vec![("line_too_long", 5), ("connections", 4)],
            last_refusal: Some((2_000, "second".to_owned())),
            newest_lag_ms: Some(500),
        };
        assert_eq!(reports[0], expected);
        assert_eq!((&reports[1].refused[..], &reports[1].last_refusal), (&[("malformed", 1)][..], &Some((5, "no line".to_owned()))));
    }
}
