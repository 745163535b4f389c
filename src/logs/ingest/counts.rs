//! What the own doors count, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::model::write::{LineReport, RefusedLine};
use crate::platform::telemetry::metrics::{Counter, Page};

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
}

impl DoorCounts {
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
