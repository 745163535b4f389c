//! Collectors `cpu` (time by mode) and `cpufreq` (clock rates).

use super::files::{entries, number, read, unexpected, word};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

/// The kernel counts in ticks of 1/100 s on every architecture that Linux still runs on for user space.
const TICKS_PER_SECOND: f64 = 100.0;
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

pub(super) fn cpu(host: &Host, page: &mut Page) -> Collected {
    let path = host.settings.roots.proc.join("stat");
    let text = read(&path)?;
    let mut cpus: Vec<(&str, Vec<f64>)> = Vec::new();
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let Some(id) = fields.next().and_then(|name| name.strip_prefix("cpu")).filter(|id| !id.is_empty()) else { continue };
        let ticks: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
        if ticks.len() < 4 {
            return Err(unexpected(&path, line));
        }
        cpus.push((id, ticks));
    }
    let seconds = |ticks: &[f64], at: usize| ticks.get(at).copied().unwrap_or(0.0) / TICKS_PER_SECOND;
    page.family("node_cpu_guest_seconds_total", "counter", "Time that processors spent running virtual machines.");
    for (id, ticks) in &cpus {
        page.sample("node_cpu_guest_seconds_total", &[("cpu", id), ("mode", "user")], seconds(ticks, 8));
        page.sample("node_cpu_guest_seconds_total", &[("cpu", id), ("mode", "nice")], seconds(ticks, 9));
    }
    page.family("node_cpu_seconds_total", "counter", "Time that processors spent in each mode.");
    for (id, ticks) in &cpus {
        for (at, mode) in MODES.iter().enumerate() {
            page.sample("node_cpu_seconds_total", &[("cpu", id), ("mode", mode)], seconds(ticks, at));
        }
    }
    throttles(host, page);
    Ok(Outcome::Written)
}

/// Thermal throttling, where the processor counts it.
fn throttles(host: &Host, page: &mut Page) {
    let mut rows = Vec::new();
    for (name, path) in entries(&host.settings.roots.sys.join("devices/system/cpu")) {
        if !name.strip_prefix("cpu").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())) {
            continue;
        }
        let (Some(package), Some(core)) = (word(&path.join("topology/physical_package_id")), word(&path.join("topology/core_id"))) else {
            continue;
        };
        let counts =
            (number(&path.join("thermal_throttle/core_throttle_count")), number(&path.join("thermal_throttle/package_throttle_count")));
        rows.push((package, core, counts));
    }
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    rows.dedup_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1));
    if rows.iter().any(|row| row.2.0.is_some()) {
        page.family("node_cpu_core_throttles_total", "counter", "How often a core was slowed down because it was hot.");
        for (package, core, (count, _)) in &rows {
            if let Some(count) = count {
                page.sample("node_cpu_core_throttles_total", &[("core", core), ("package", package)], *count);
            }
        }
    }
    rows.dedup_by(|a, b| a.0 == b.0);
    if rows.iter().any(|row| row.2.1.is_some()) {
        page.family("node_cpu_package_throttles_total", "counter", "How often a processor was slowed down because it was hot.");
        for (package, _, (_, count)) in &rows {
            if let Some(count) = count {
                page.sample("node_cpu_package_throttles_total", &[("package", package)], *count);
            }
        }
    }
}

pub(super) fn cpufreq(host: &Host, page: &mut Page) -> Collected {
    // Kernel file, metric, help. The kernel counts in kHz.
    const FILES: [(&str, &str, &str); 6] = [
        ("cpuinfo_cur_freq", "node_cpu_frequency_hertz", "Clock rate now, as the processor says."),
        ("cpuinfo_min_freq", "node_cpu_frequency_min_hertz", "Lowest clock rate of the processor."),
        ("cpuinfo_max_freq", "node_cpu_frequency_max_hertz", "Highest clock rate of the processor."),
        ("scaling_cur_freq", "node_cpu_scaling_frequency_hertz", "Clock rate now, as the kernel set it."),
        ("scaling_min_freq", "node_cpu_scaling_frequency_min_hertz", "Lowest clock rate that the kernel may set."),
        ("scaling_max_freq", "node_cpu_scaling_frequency_max_hertz", "Highest clock rate that the kernel may set."),
    ];
    let cpus: Vec<(String, std::path::PathBuf)> = entries(&host.settings.roots.sys.join("devices/system/cpu"))
        .into_iter()
        .filter_map(|(name, path)| Some((name.strip_prefix("cpu")?.to_owned(), path.join("cpufreq"))))
        .filter(|(id, path)| id.bytes().all(|b| b.is_ascii_digit()) && path.is_dir())
        .collect();
    for (file, metric, help) in FILES {
        let values: Vec<(&str, f64)> =
            cpus.iter().filter_map(|(id, path)| Some((id.as_str(), number(&path.join(file))? * 1000.0))).collect();
        if !values.is_empty() {
            page.family(metric, "gauge", help);
            for (id, value) in values {
                page.sample(metric, &[("cpu", id)], value);
            }
        }
    }
    governors(&cpus, page);
    Ok(Outcome::Written)
}

fn governors(cpus: &[(String, std::path::PathBuf)], page: &mut Page) {
    let known: Vec<(&str, String, String)> = cpus
        .iter()
        .filter_map(|(id, path)| {
            Some((id.as_str(), word(&path.join("scaling_governor"))?, word(&path.join("scaling_available_governors"))?))
        })
        .collect();
    if known.is_empty() {
        return;
    }
    page.family("node_cpu_scaling_governor", "gauge", "Which frequency governor is in force.");
    for (id, current, available) in &known {
        for governor in available.split_ascii_whitespace() {
            let on = f64::from(u8::from(governor == current));
            page.sample("node_cpu_scaling_governor", &[("cpu", id), ("governor", governor)], on);
        }
    }
}
