//! Discovery in numbers, under upstream's names.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::platform::telemetry::metrics::Page;

/// Counts of all providers.
#[derive(Debug, Default)]
pub struct DiscoveryStats {
    /// Failed attempts by mechanism and job.
    failures: Mutex<BTreeMap<(&'static str, String), u64>>,
    /// Files by path: when they were last written, in seconds since 1970.
    file_mtimes: Mutex<BTreeMap<String, f64>>,
    updates: AtomicU64,
    file_read_errors: AtomicU64,
    dns_lookups: AtomicU64,
    dns_failures: AtomicU64,
    http_failures: AtomicU64,
}

impl DiscoveryStats {
    /// A provider began.
    pub(super) fn begins(&self, mechanism: &'static str, job: &str) {
        self.failures.lock().entry((mechanism, job.to_owned())).or_default();
    }

    /// An attempt failed.
    pub(super) fn failed(&self, mechanism: &'static str, job: &str) {
        *self.failures.lock().entry((mechanism, job.to_owned())).or_default() += 1;
        if mechanism == "http" {
            self.http_failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A provider sent what it knows.
    pub(super) fn updated(&self) {
        self.updates.fetch_add(1, Ordering::Relaxed);
    }

    /// A file could not be read.
    pub(super) fn file_failed(&self) {
        self.file_read_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// When a file was last written; `None` when it is gone.
    pub(super) fn file_seen(&self, path: &str, modified_secs: Option<f64>) {
        let mut files = self.file_mtimes.lock();
        match modified_secs {
            Some(secs) => files.insert(path.to_owned(), secs),
            None => files.remove(path),
        };
    }

    /// A name was looked up.
    pub(super) fn looked_up(&self, failed: bool) {
        self.dns_lookups.fetch_add(1, Ordering::Relaxed);
        self.dns_failures.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    /// Writes all families.
    pub fn report(&self, page: &mut Page) {
        let name = "prometheus_sd_refresh_failures_total";
        page.family(name, "counter", "Attempts of discovery that failed.");
        for ((mechanism, job), count) in &*self.failures.lock() {
            page.sample(name, &[("config", job), ("mechanism", mechanism)], *count as f64);
        }
        let name = "prometheus_sd_file_mtime_seconds";
        page.family(name, "gauge", "When a file of targets was last written.");
        for (path, secs) in &*self.file_mtimes.lock() {
            page.sample(name, &[("filename", path)], *secs);
        }
        for (name, help, count) in [
            ("prometheus_sd_file_read_errors_total", "Files of targets that could not be read.", &self.file_read_errors),
            ("prometheus_sd_dns_lookups_total", "Names looked up for discovery.", &self.dns_lookups),
            ("prometheus_sd_dns_lookup_failures_total", "Names that could not be looked up.", &self.dns_failures),
            ("prometheus_sd_http_failures_total", "Answers over HTTP that named no targets.", &self.http_failures),
        ] {
            page.counter(name, help, count.load(Ordering::Relaxed));
        }
        for (name, help) in [
            ("prometheus_sd_updates_total", "Lists of targets that discovery sent."),
            ("prometheus_sd_received_updates_total", "Lists of targets that discovery made."),
        ] {
            page.family(name, "counter", help);
            page.sample(name, &[("name", "scrape")], self.updates.load(Ordering::Relaxed) as f64);
        }
    }
}
