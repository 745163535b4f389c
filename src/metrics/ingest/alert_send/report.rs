//! Numbers of sending for telemetry, under Prometheus' names.

use std::sync::atomic::{AtomicU64, Ordering};

use super::AlertSend;
use super::destination::QUEUE_MAX;
use crate::platform::telemetry::metrics::{Durations, Page, Report};

/// What is counted of an Alertmanager.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) sent: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) latency: Durations,
}

impl Default for Counts {
    fn default() -> Self {
        const BOUNDS: &[f64] = &[0.01, 0.1, 1.0, 10.0];
        Self { sent: AtomicU64::new(0), errors: AtomicU64::new(0), dropped: AtomicU64::new(0), latency: Durations::new(BOUNDS) }
    }
}

/// Counts so many more.
pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

impl Report for AlertSend {
    fn report(&self, page: &mut Page) {
        let fleets = self.fleets.lock();
        let waiting: Vec<(String, usize)> = fleets.iter().flat_map(super::fleet::Fleet::waiting).collect();
        drop(fleets);
        page.gauge("prometheus_notifications_alertmanagers_discovered", "Alertmanagers that alerts go to.", waiting.len() as f64);
        let counts = self.counts.lock();
        let mut each = |name: &str, help: &str, read: &dyn Fn(&Counts) -> &AtomicU64| {
            page.family(name, "counter", help);
            for (url, counts) in counts.iter() {
                page.sample(name, &[("alertmanager", url)], read(counts).load(Ordering::Relaxed) as f64);
            }
        };
        each("prometheus_notifications_sent_total", "Alerts sent.", &|counts| &counts.sent);
        each("prometheus_notifications_errors_total", "Alerts of requests that failed.", &|counts| &counts.errors);
        each("prometheus_notifications_dropped_total", "Alerts that were dropped.", &|counts| &counts.dropped);
        let name = "prometheus_notifications_queue_length";
        page.family(name, "gauge", "Alerts in line.");
        for (url, count) in &waiting {
            page.sample(name, &[("alertmanager", url)], *count as f64);
        }
        page.gauge("prometheus_notifications_queue_capacity", "Alerts in line of one Alertmanager at most.", QUEUE_MAX as f64);
        let name = "prometheus_notifications_latency_seconds";
        page.family(name, "histogram", "How long a request takes.");
        for (url, counts) in counts.iter() {
            counts.latency.write(page, name, &[("alertmanager", url)]);
        }
    }
}
