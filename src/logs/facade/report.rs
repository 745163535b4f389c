//! Numbers of log storage for telemetry.

use std::sync::Arc;

use crate::logs::store::{Store, WriteState};
use crate::platform::telemetry::metrics::{Page, Report};

/// Reports on a store.
pub(super) struct StoreReport(pub(super) Arc<Store>);

impl Report for StoreReport {
    fn report(&self, page: &mut Page) {
        for (name, value) in self.0.counters().snapshot() {
            page.counter(&format!("pharos_logs_store_{name}_total"), &format!("Log storage: {}.", name.replace('_', " ")), value);
        }
        let status = self.0.status();
        let sum = |read: fn(&crate::logs::store::DayStatus) -> u64| status.days.iter().map(read).sum::<u64>() as f64;
        for (name, help, value) in [
            ("parts", "Parts on disk.", sum(|day| day.parts)),
            ("part_lines", "Lines in parts.", sum(|day| day.lines)),
            ("part_text_bytes", "Bytes of text in parts, unpacked.", sum(|day| day.text_bytes)),
            ("part_bytes", "Bytes that parts take on disk.", status.part_bytes as f64),
            ("wal_bytes", "Bytes that the log takes on disk.", status.wal_bytes as f64),
            ("memory_lines", "Lines in memory.", status.memory_lines as f64),
            ("memory_streams", "Streams with lines in memory.", status.memory_streams as f64),
            ("memory_bytes", "What lines in memory take.", status.memory_bytes as f64),
            ("set_aside", "Files that could not be read and were set aside.", status.set_aside.len() as f64),
            ("takes_lines", "Whether log storage takes lines.", f64::from(u8::from(status.writes == WriteState::Ok))),
        ] {
            page.gauge(&format!("pharos_logs_store_{name}"), help, value);
        }
    }
}
