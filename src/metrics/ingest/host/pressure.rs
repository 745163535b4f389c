//! Collector `pressure`: time lost waiting for processor, memory, disk and interrupts.

use super::files::{read_if_there, unexpected};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

/// File, line, metric, help.
const LINES: [(&str, &str, &str, &str); 6] = [
    ("cpu", "some", "node_pressure_cpu_waiting_seconds_total", "Time in which some task waited for a processor."),
    ("io", "some", "node_pressure_io_waiting_seconds_total", "Time in which some task waited for input or output."),
    ("io", "full", "node_pressure_io_stalled_seconds_total", "Time in which all tasks waited for input or output."),
    ("memory", "some", "node_pressure_memory_waiting_seconds_total", "Time in which some task waited for memory."),
    ("memory", "full", "node_pressure_memory_stalled_seconds_total", "Time in which all tasks waited for memory."),
    ("irq", "full", "node_pressure_irq_stalled_seconds_total", "Time in which all tasks waited for interrupts to be served."),
];

pub(super) fn pressure(host: &Host, page: &mut Page) -> Collected {
    let folder = host.settings.roots.proc.join("pressure");
    let mut outcome = Outcome::NoData;
    for (file, line, metric, help) in LINES {
        let path = folder.join(file);
        // Kernels before 4.20, or started without `psi=1`, have no such files, or refuse reading.
        let Ok(Some(text)) = read_if_there(&path) else { continue };
        let Some(found) = text.lines().find_map(|text| text.strip_prefix(line)) else { continue };
        let micros: Option<f64> = found.rsplit_once("total=").and_then(|(_, total)| total.trim().parse().ok());
        page.family(metric, "counter", help);
        page.sample(metric, &[], micros.ok_or_else(|| unexpected(&path, found))? / 1e6);
        outcome = Outcome::Written;
    }
    Ok(outcome)
}
