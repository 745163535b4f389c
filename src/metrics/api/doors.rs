//! The doors for samples in numbers: what was sent through each, and where work waits for a place.

use axum::response::Response;
use http::StatusCode;

use super::ApiState;
use crate::access::SamplesTaken;
use crate::platform::telemetry::metrics::{Counter, Page};

/// A way in for samples that others send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Remote write.
    RemoteWrite,
    /// Pushes as to a Pushgateway.
    Push,
    /// Custom metrics as JSON.
    Custom,
    /// OpenTelemetry's protocol.
    Otlp,
    /// Web vitals of browsers.
    Vitals,
}

const DOORS: [(Door, &str); 5] = [
    (Door::RemoteWrite, "remote_write"),
    (Door::Push, "push"),
    (Door::Custom, "custom"),
    (Door::Otlp, "otlp"),
    (Door::Vitals, "web_vitals"),
];

/// Counts of one door.
#[derive(Debug, Default)]
struct Counts {
    requests: Counter,
    refused: Counter,
    bytes: Counter,
    samples: Counter,
}

/// Counts of all doors.
#[derive(Debug, Default)]
pub(in crate::metrics) struct Doors([Counts; DOORS.len()]);

impl Doors {
    fn of(&self, door: Door) -> &Counts {
        &self.0[door as usize]
    }

    fn count(&self, door: Door, bytes: usize, status: StatusCode, samples: u64) {
        let counts = self.of(door);
        counts.requests.inc();
        counts.bytes.add(bytes as u64);
        counts.samples.add(samples);
        if !status.is_success() {
            counts.refused.inc();
        }
    }

    /// Writes the families.
    pub(super) fn report(&self, page: &mut Page) {
        type Read = fn(&Counts) -> &Counter;
        let families: [(&str, &str, Read); 4] = [
            ("requests", "Requests that sent samples, by door.", |counts| &counts.requests),
            ("refused", "Requests that sent samples and were refused, whole or in part, by door.", |counts| &counts.refused),
            ("bytes", "Bytes that were sent, as they came, by door.", |counts| &counts.bytes),
            ("samples", "Samples that were sent and taken, by door.", |counts| &counts.samples),
        ];
        for (name, help, read) in families {
            let metric = format!("pharos_ingest_{name}_total");
            page.family(&metric, "counter", help);
            for (door, word) in DOORS {
                page.sample(&metric, &[("door", word)], read(self.of(door)).get() as f64);
            }
        }
    }
}

/// Counts an answer of a door, and tells the layers around how many samples it took.
pub(super) fn answered(state: &ApiState, door: Door, bytes: usize, samples: u64, mut response: Response) -> Response {
    state.counters.doors.count(door, bytes, response.status(), samples);
    response.extensions_mut().insert(SamplesTaken(samples));
    response
}

/// Work that runs and work that waits for a place, by pool.
pub(super) fn report_work(state: &ApiState, page: &mut Page) {
    let pools = [("queries", &state.work), ("writes", &state.writes)];
    page.family("pharos_work_running", "gauge", "Pieces of work that run now, by pool.");
    for (name, pool) in pools {
        page.sample("pharos_work_running", &[("pool", name)], pool.busy() as f64);
    }
    page.family("pharos_work_waiting", "gauge", "Pieces of work that wait for a place, by pool.");
    for (name, pool) in pools {
        page.sample("pharos_work_waiting", &[("pool", name)], pool.waiting() as f64);
    }
    page.family("pharos_work_places", "gauge", "Pieces of work that may run at once, by pool.");
    for (name, pool) in pools {
        page.sample("pharos_work_places", &[("pool", name)], pool.size() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_counted_apart() {
        let doors = Doors::default();
        doors.count(Door::Push, 10, StatusCode::OK, 2);
        doors.count(Door::Push, 5, StatusCode::BAD_REQUEST, 0);
        let mut page = Page::default();
        doors.report(&mut page);
        let text = page.finish();
        for line in [
            "pharos_ingest_requests_total{door=\"push\"} 2\n",
            "pharos_ingest_refused_total{door=\"push\"} 1\n",
            "pharos_ingest_bytes_total{door=\"push\"} 15\n",
            "pharos_ingest_samples_total{door=\"push\"} 2\n",
            "pharos_ingest_samples_total{door=\"remote_write\"} 0\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        for (at, (door, _)) in DOORS.iter().enumerate() {
            assert_eq!(*door as usize, at, "counts stand in the order of the table");
        }
    }
}
