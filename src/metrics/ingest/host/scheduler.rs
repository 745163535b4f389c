//! Collectors `loadavg`, `stat`, `schedstat`, `entropy` and `filefd`.

use super::files::{number, read, read_if_there, unexpected};
use super::{Collected, Host, Outcome};
use crate::platform::telemetry::metrics::Page;

pub(super) fn loadavg(host: &Host, page: &mut Page) -> Collected {
    let path = host.settings.roots.proc.join("loadavg");
    let text = read(&path)?;
    let loads: Vec<f64> = text.split_ascii_whitespace().take(3).filter_map(|field| field.parse().ok()).collect();
    let [one, five, fifteen] = loads[..] else { return Err(unexpected(&path, text)) };
    page.gauge("node_load1", "Load average over 1 minute.", one);
    page.gauge("node_load5", "Load average over 5 minutes.", five);
    page.gauge("node_load15", "Load average over 15 minutes.", fifteen);
    Ok(Outcome::Written)
}

pub(super) fn stat(host: &Host, page: &mut Page) -> Collected {
    const LINES: [(&str, &str, &str, &str); 6] = [
        ("btime", "node_boot_time_seconds", "gauge", "When the machine started, in seconds since 1970."),
        ("ctxt", "node_context_switches_total", "counter", "Switches between tasks."),
        ("processes", "node_forks_total", "counter", "Processes started."),
        ("intr", "node_intr_total", "counter", "Interrupts served."),
        ("procs_blocked", "node_procs_blocked", "gauge", "Processes waiting for input or output."),
        ("procs_running", "node_procs_running", "gauge", "Processes ready to run."),
    ];
    let path = host.settings.roots.proc.join("stat");
    let text = read(&path)?;
    for (key, metric, kind, help) in LINES {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.split(' ').next()?.parse().ok());
        page.family(metric, kind, help);
        page.sample(metric, &[], value.ok_or_else(|| unexpected(&path, format!("no {key}")))?);
    }
    Ok(Outcome::Written)
}

pub(super) fn schedstat(host: &Host, page: &mut Page) -> Collected {
    let Some(text) = read_if_there(&host.settings.roots.proc.join("schedstat"))? else { return Ok(Outcome::NoData) };
    // Column after the processor's name, metric, factor to seconds, help.
    const COLUMNS: [(usize, &str, f64, &str); 3] = [
        (6, "node_schedstat_running_seconds_total", 1e9, "Time that tasks ran."),
        (7, "node_schedstat_waiting_seconds_total", 1e9, "Time that tasks waited for the processor."),
        (8, "node_schedstat_timeslices_total", 1.0, "Time slices given."),
    ];
    let cpus: Vec<(&str, Vec<f64>)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("cpu")?.split_once(' '))
        .map(|(cpu, counts)| (cpu, counts.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect()))
        .collect();
    for (column, metric, divisor, help) in COLUMNS {
        page.family(metric, "counter", help);
        for (cpu, counts) in &cpus {
            page.sample(metric, &[("cpu", cpu)], counts.get(column).copied().unwrap_or(0.0) / divisor);
        }
    }
    Ok(Outcome::Written)
}

pub(super) fn entropy(host: &Host, page: &mut Page) -> Collected {
    let random = host.settings.roots.proc.join("sys/kernel/random");
    let (available, pool) = (number(&random.join("entropy_avail")), number(&random.join("poolsize")));
    let (Some(available), Some(pool)) = (available, pool) else { return Ok(Outcome::NoData) };
    page.gauge("node_entropy_available_bits", "Randomness at hand.", available);
    page.gauge("node_entropy_pool_size_bits", "Randomness that can be kept.", pool);
    Ok(Outcome::Written)
}

pub(super) fn filefd(host: &Host, page: &mut Page) -> Collected {
    let path = host.settings.roots.proc.join("sys/fs/file-nr");
    let text = read(&path)?;
    let numbers: Vec<f64> = text.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect();
    let [allocated, _, maximum] = numbers[..] else { return Err(unexpected(&path, text)) };
    page.gauge("node_filefd_allocated", "File handles in use.", allocated);
    page.gauge("node_filefd_maximum", "File handles that can be in use.", maximum);
    Ok(Outcome::Written)
}
