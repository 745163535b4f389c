//! Storage as the API and the pages see it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::base::time::{TimeRange, format_rfc3339};
use crate::metrics::model::storage::{BlockStatus, Cardinality, Growth, Storage, StorageError, StorageStatus};
use crate::metrics::store::{Store, StoreSettings, WriteState};
use crate::platform::disk;
use crate::platform::telemetry::metrics::{Page, Report};
use crate::series::matcher::Matcher;
use crate::series::sample::Metadata;

/// Percent of a disk budget that storage fills at most before the oldest blocks go.
const DISK_FULL_PERCENT: u64 = 90;

/// What a disk budget leaves to storage when the data folder takes `used` bytes, of which `stored` are storage's; 0 for any.
///
/// Whatever else is in the folder (backups, copies of the database), a quarter stays storage's: history must not be lost
/// to files that somebody can remove.
pub(super) fn share_of_disk(used: u64, stored: u64, budget: u64) -> u64 {
    if budget == 0 {
        return 0;
    }
    let others = used.saturating_sub(stored);
    (budget / 100 * DISK_FULL_PERCENT).saturating_sub(others).max(budget / 4).max(1)
}

/// Where snapshots go, below the data folder.
const SNAPSHOTS_DIR: &str = "snapshots";

/// The store and the settings it was opened with.
pub(super) struct StoreAdmin {
    pub(super) store: Arc<Store>,
    pub(super) settings: StoreSettings,
    pub(super) clock: SharedClock,
}

fn failed(error: impl std::fmt::Display) -> StorageError {
    StorageError(error.to_string())
}

fn refusal_of(writes: WriteState) -> Option<String> {
    match writes {
        WriteState::Ok => None,
        WriteState::Refusing(why) => Some(why),
        WriteState::Closed => Some("storage is closed".to_owned()),
    }
}

impl Storage for StoreAdmin {
    fn cardinality(&self, top: usize) -> Cardinality {
        let stats = self.store.cardinality(top);
        Cardinality {
            series: stats.head.series,
            label_pairs: stats.head.label_pairs,
            chunks: stats.head.chunks,
            range: stats.head.min_ts.zip(stats.head.max_ts).map(|(min, max)| TimeRange::new(min, max)),
            series_by_metric: stats.top.series_by_metric,
            values_by_label: stats.top.values_by_label,
            bytes_by_label: stats.top.bytes_by_label,
            series_by_pair: stats.top.series_by_pair,
        }
    }

    fn growth(&self, top: usize) -> Option<Growth> {
        self.store.growth(top)
    }

    fn status(&self) -> StorageStatus {
        let status = self.store.status();
        let name = |path: &std::path::Path| {
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
        };
        StorageStatus {
            blocks: status
                .blocks
                .iter()
                .map(|block| BlockStatus {
                    id: block.id.clone(),
                    range: TimeRange::new(block.min_ts, block.max_ts),
                    series: block.series,
                    samples: block.samples,
                    bytes: block.bytes,
                    level: block.level,
                })
                .collect(),
            quarantined: status.set_aside.iter().map(|aside| (name(&aside.path), aside.reason.clone())).collect(),
            wal_bytes: status.wal_bytes,
            wal_segments: (status.replay.min, status.replay.max.max(status.wal_segments)),
            write_refusal: refusal_of(status.writes),
            background_error: status.background_error,
            retention_ms: (self.settings.retention_ms > 0).then_some(self.settings.retention_ms),
            retention_bytes: (self.settings.retention_bytes > 0).then_some(self.settings.retention_bytes),
            out_of_order_ms: self.settings.out_of_order_ms,
            series_max: (self.settings.series_max > 0).then_some(self.settings.series_max as u64),
            series_per_job_max: (self.settings.series_per_job_max > 0).then_some(self.settings.series_per_job_max as u64),
            refused_series_limit: self.store.counters().refused_series_limit.load(std::sync::atomic::Ordering::Relaxed),
            disk_free_bytes: status.free_bytes,
            disk_bytes: disk::total_bytes(&self.settings.dir).ok(),
        }
    }

    fn write_refusal(&self) -> Option<String> {
        refusal_of(self.store.write_state())
    }

    fn metadata(&self, metric: Option<&str>, limit: usize) -> Vec<(String, Vec<Metadata>)> {
        match metric {
            Some(metric) => self.store.metadata(metric).into_iter().map(|one| (metric.to_owned(), vec![one])).collect(),
            None => self.store.all_metadata(limit).into_iter().map(|(name, one)| (name, vec![one])).collect(),
        }
    }

    fn series_of_metric(&self, name: &str) -> u64 {
        self.store.series_of_metric(name) as u64
    }

    fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<usize, StorageError> {
        self.store.delete(&[matchers.to_vec()], range).map_err(failed)
    }

    fn clean_tombstones(&self) -> Result<(), StorageError> {
        self.store.clean_tombstones(&Cancel::new()).map_err(failed)
    }

    fn compact(&self) -> Result<(), StorageError> {
        self.store.flush_now().map_err(failed)?;
        self.store.force_merge(&Cancel::new()).map_err(failed)
    }

    fn snapshot(&self, with_head: bool) -> Result<String, StorageError> {
        let now = self.clock.now_ms();
        let name = format!("{}-{:08x}", format_rfc3339(now).replace([':', '-', '.'], "").trim_end_matches('Z'), now as u32);
        let target: PathBuf = self.settings.dir.join(SNAPSHOTS_DIR).join(&name);
        self.store.snapshot(&target, !with_head).map_err(failed)?;
        Ok(name)
    }
}

impl Report for StoreAdmin {
    fn report(&self, page: &mut Page) {
        for (name, value) in self.store.counters().snapshot() {
            let (metric, help) = (format!("pharos_storage_{name}_total"), format!("Storage: {}.", name.replace('_', " ")));
            page.counter(&metric, &help, value);
        }
        let status = self.store.status();
        let refusing = f64::from(u8::from(status.writes != WriteState::Ok));
        page.gauge("pharos_storage_writes_refused", "Whether samples are refused now, as on a full disk.", refusing);
        page.gauge("prometheus_tsdb_head_series", "Series in the head.", status.head.series as f64);
        page.gauge("prometheus_tsdb_head_chunks", "Chunks in the head.", status.head.chunks as f64);
        page.gauge("pharos_storage_head_sample_bytes", "Bytes of samples in the head.", status.head.sample_bytes as f64);
        page.gauge("prometheus_tsdb_blocks_loaded", "Blocks on disk.", status.blocks.len() as f64);
        page.gauge("prometheus_tsdb_storage_blocks_bytes", "Bytes of the blocks.", status.block_bytes as f64);
        page.gauge("pharos_storage_wal_bytes", "Bytes of the log.", status.wal_bytes as f64);
        page.gauge("pharos_storage_set_aside", "Files that could not be read and were set aside.", status.set_aside.len() as f64);
        page.gauge("pharos_storage_replay_duration_seconds", "Time that reading the log back took.", status.replay.took_ms as f64 / 1e3);
        let appended = self.store.counters().appended.load(std::sync::atomic::Ordering::Relaxed);
        page.counter("prometheus_tsdb_head_samples_appended_total", "Samples taken.", appended);
    }
}

#[cfg(test)]
mod tests {
    use super::share_of_disk;

    #[test]
    fn storage_gets_what_others_leave_but_never_nothing() {
        for (used, stored, budget, share) in
            [(500, 400, 0, 0), (500, 500, 1000, 900), (500, 400, 1000, 800), (2000, 400, 1000, 250), (0, 500, 1000, 900), (10, 10, 1, 1)]
        {
            assert_eq!(share_of_disk(used, stored, budget), share, "{used} {stored} {budget}");
        }
    }
}
