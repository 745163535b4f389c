//! Storage and queries in numbers under the names of Prometheus' own, for dashboards and alerts made for it.
//!
//! Only what means the same here: pharos writes the head out where Prometheus truncates it, and merges blocks where it
//! compacts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::storage::StoreAdmin;
use crate::platform::telemetry::metrics::{Page, Report};
use crate::platform::work::WorkPool;

/// Queries at work, in upstream's words.
pub(super) struct QueriesReport(pub(super) WorkPool);

impl Report for QueriesReport {
    fn report(&self, page: &mut Page) {
        page.gauge("prometheus_engine_queries", "Queries that run now.", self.0.busy() as f64);
        page.gauge("prometheus_engine_queries_concurrent_max", "Queries that may run at once.", self.0.size() as f64);
    }
}

/// What storage counts, in upstream's words.
pub(super) struct TsdbReport(pub(super) Arc<StoreAdmin>);

impl Report for TsdbReport {
    fn report(&self, page: &mut Page) {
        let (status, counters) = (self.0.store.status(), self.0.store.counters());
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let in_log = |aside: &&crate::metrics::store::SetAside| aside.path.components().any(|part| part.as_os_str() == "wal");
        for (name, help, value) in [
            ("head_series_created_total", "Series created in the head.", read(&counters.series_created)),
            ("head_series_removed_total", "Series removed from the head.", read(&counters.series_removed)),
            ("head_out_of_order_samples_appended_total", "Samples taken out of order.", read(&counters.out_of_order)),
            ("out_of_order_samples_total", "Samples refused: out of order.", read(&counters.refused_out_of_order)),
            ("too_old_samples_total", "Samples refused: older than the window.", read(&counters.refused_too_old)),
            ("out_of_bound_samples_total", "Samples refused: far past or future.", read(&counters.refused_out_of_bounds)),
            ("exemplar_exemplars_appended_total", "Exemplars taken.", read(&counters.exemplars)),
            ("head_truncations_total", "Times the head was written out.", read(&counters.flushes)),
            ("head_truncations_failed_total", "Times that failed.", read(&counters.flush_failures)),
            ("compactions_total", "Blocks written or merged.", read(&counters.flushes) + read(&counters.compactions)),
            ("compactions_failed_total", "Times that failed.", read(&counters.flush_failures) + read(&counters.compaction_failures)),
            ("checkpoint_creations_total", "Checkpoints of the log.", read(&counters.checkpoints)),
            ("wal_corruptions_total", "Parts of the log that could not be read.", status.set_aside.iter().filter(in_log).count() as u64),
        ] {
            page.counter(&format!("prometheus_tsdb_{name}"), help, value);
        }
        let mut gauge = |name: &str, help: &str, value: f64| page.gauge(&format!("prometheus_tsdb_{name}"), help, value);
        if let Some((oldest, newest)) = status.head.min_ts.zip(status.head.max_ts) {
            gauge("head_min_time", "Oldest sample of the head, in milliseconds.", oldest as f64);
            gauge("head_min_time_seconds", "Oldest sample of the head.", oldest as f64 / 1e3);
            gauge("head_max_time", "Newest sample of the head, in milliseconds.", newest as f64);
            gauge("head_max_time_seconds", "Newest sample of the head.", newest as f64 / 1e3);
        }
        if let Some(lowest) = status.blocks.iter().map(|block| block.min_ts).chain(status.head.min_ts).min() {
            gauge("lowest_timestamp", "Oldest sample, in milliseconds.", lowest as f64);
            gauge("lowest_timestamp_seconds", "Oldest sample.", lowest as f64 / 1e3);
        }
        gauge("wal_storage_size_bytes", "Bytes of the log.", status.wal_bytes as f64);
        gauge("data_replay_duration_seconds", "Time that reading the log back took.", status.replay.took_ms as f64 / 1e3);
        let settings = &self.0.settings;
        gauge("retention_limit_bytes", "Blocks and log may take this many bytes, 0 = any.", settings.retention_bytes as f64);
        gauge("retention_limit_seconds", "Samples are kept this long, 0 = for ever.", settings.retention_ms.max(0) as f64 / 1e3);
    }
}
