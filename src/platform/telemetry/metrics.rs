//! The server's own metrics: counters that rooms own, written out as families at `/metrics`.
//!
//! There is no global registry. Whoever has numbers implements [`Report`] and is handed to the [`Registry`];
//! at a scrape each report writes its families. Names under `pharos_`; where a dashboard made for Prometheus
//! asks for `prometheus_*`, the report writes that name too.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::base::float::push_general;

/// A number that only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A histogram of durations in seconds with fixed bounds.
#[derive(Debug)]
pub struct Durations {
    bounds: &'static [f64],
    counts: Vec<AtomicU64>,
    sum_us: AtomicU64,
}

impl Durations {
    /// With these upper bounds (seconds, ascending; `+Inf` comes by itself).
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum_us: AtomicU64::new(0) }
    }

    /// Counts one duration.
    pub fn observe(&self, took: std::time::Duration) {
        let at = self.bounds.partition_point(|bound| *bound < took.as_secs_f64());
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Writes the samples of one label set into an open family.
    pub fn write(&self, page: &mut Page, name: &str, labels: &[(&str, &str)]) {
        let mut total = 0;
        for (at, count) in self.counts.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            let bound = self.bounds.get(at).copied().unwrap_or(f64::INFINITY);
            let mut le = String::new();
            push_general(&mut le, bound);
            let mut with_le = labels.to_vec();
            with_le.push(("le", &le));
            page.sample(&format!("{name}_bucket"), &with_le, total as f64);
        }
        page.sample(&format!("{name}_sum"), labels, self.sum_us.load(Ordering::Relaxed) as f64 / 1e6);
        page.sample(&format!("{name}_count"), labels, total as f64);
    }
}

/// Somebody with numbers to show.
pub trait Report: Send + Sync {
    /// Writes families; must be quick and must not block.
    fn report(&self, page: &mut Page);
}

/// A page in the text exposition format 0.0.4, being written.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// Opens a family.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.put(format_args!("# HELP {name} {}\n# TYPE {name} {kind}\n", help.replace('\\', "\\\\").replace('\n', "\\n")));
    }

    /// A sample of the family opened last.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            self.put(format_args!("{}{label}=\"{escaped}\"", if at == 0 { '{' } else { ',' }));
        }
        self.text.push_str(if labels.is_empty() { " " } else { "} " });
        push_general(&mut self.text, value);
        self.text.push('\n');
    }

    /// A counter family without labels.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help);
        self.sample(name, &[], value as f64);
    }

    /// A gauge family without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    /// Adds another page's families.
    pub fn append(&mut self, other: Self) {
        self.text.push_str(&other.text);
    }

    /// Adds finished lines, which the caller has looked over.
    pub fn raw(&mut self, lines: &str) {
        self.text.push_str(lines);
        if !lines.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// The finished text.
    pub fn finish(self) -> String {
        self.text
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        let written = self.text.write_fmt(what);
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }
}

/// All reports of the server.
#[derive(Default, Clone)]
pub struct Registry {
    reports: Arc<RwLock<Vec<Arc<dyn Report>>>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registry({} reports)", self.reports.read().len())
    }
}

impl Registry {
    /// Without reports.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a report.
    pub fn add(&self, report: Arc<dyn Report>) {
        self.reports.write().push(report);
    }

    /// The page with all families.
    pub fn page(&self) -> String {
        let mut page = Page::default();
        for report in self.reports.read().iter() {
            report.report(&mut page);
        }
        page.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_families() {
        let durations = Durations::new(&[0.1, 1.0]);
        durations.observe(std::time::Duration::from_millis(100));
        durations.observe(std::time::Duration::from_secs(5));
        let mut page = Page::default();
        page.counter("a_total", "Things\nseen.", 3);
        page.family("d_seconds", "histogram", "Took.");
        durations.write(&mut page, "d_seconds", &[("path", "/\"x\"")]);
        assert_eq!(
            page.finish(),
            "# HELP a_total Things\\nseen.\n# TYPE a_total counter\na_total 3\n# HELP d_seconds Took.\n# TYPE d_seconds histogram\n\
             d_seconds_bucket{path=\"/\\\"x\\\"\",le=\"0.1\"} 1\nd_seconds_bucket{path=\"/\\\"x\\\"\",le=\"1\"} 1\n\
             d_seconds_bucket{path=\"/\\\"x\\\"\",le=\"+Inf\"} 2\nd_seconds_sum{path=\"/\\\"x\\\"\"} 5.1\nd_seconds_count{path=\"/\\\"x\\\"\"} 2\n"
        );
    }
}
