//! The process itself: processor time, memory, files, start time; under the names that every client library uses.

use std::fs;

use super::metrics::{Page, Report};

/// Kernel ticks per second in `/proc/self/stat`.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads `/proc/self`; on systems without it only the start time is reported.
#[derive(Debug)]
pub struct Process {
    started_ms: i64,
}

impl Process {
    /// `started_ms`: when the process started.
    pub fn new(started_ms: i64) -> Self {
        Self { started_ms }
    }
}

/// Resident memory of this process in bytes, where the system tells.
pub fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = status.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

impl Report for Process {
    fn report(&self, page: &mut Page) {
        page.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", self.started_ms as f64 / 1e3);
        if let Ok(stat) = fs::read_to_string("/proc/self/stat") {
            // The second field is the name in brackets, which may hold blanks.
            let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
            let number = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
            page.family("process_cpu_seconds_total", "counter", "Processor time used.");
            page.sample("process_cpu_seconds_total", &[], (number(11) + number(12)) / TICKS_PER_SECOND);
            page.gauge("process_virtual_memory_bytes", "Address space in use.", number(20));
            page.gauge("process_threads", "Threads.", number(17));
        }
        if let Some(bytes) = resident_bytes() {
            page.gauge("process_resident_memory_bytes", "Memory in use.", bytes as f64);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            page.gauge("process_open_fds", "Open files.", open.count() as f64);
        }
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        page.gauge("process_max_fds", "Files that may be open.", limit.map_or(f64::INFINITY, |limit| limit as f64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_itself() {
        let mut page = Page::default();
        Process::new(1_700_000_000_500).report(&mut page);
        let text = page.finish();
        assert!(text.contains("process_start_time_seconds 1.7000000005e+09\n"));
        let resident: f64 = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap().parse().unwrap();
        assert!(resident > 1e6, "{resident}");
    }
}
