//! Fills the Home page: this host by its `node_*` series, what is scraped, what is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Metrics;
use super::look::{Look, usual_span};
use crate::metrics::ingest::scrape::ActiveTarget;
use crate::metrics::ingest::scrape::target::Health;
use crate::metrics::model::storage::{Cardinality, Growth, Storage, StorageStatus};
use crate::metrics::pages::home::{CHECKS_SHOWN, CPU_BUSY_MINUTES, Disk, HomeInput, Host, Ingest, Job, Problem};
use crate::series::labels::quote;
use crate::ui::lang::{Words, key};
use crate::ui::links;
use crate::ui::shell::{Counts, Severity};

/// A metric with more series than this deserves a look.
const SERIES_PER_METRIC_MANY: u64 = 100_000;

/// So many of the metrics that grew are looked at for how one of them did.
const GROWTH_LOOK: usize = 100;

/// Everything the page shows. Blocking: runs some twenty small queries.
pub(super) fn input(metrics: &Metrics, alerts: Counts) -> HomeInput {
    let now_ms = metrics.clock.now_ms();
    let (_, span_ms) = usual_span(metrics.storage.as_ref(), now_ms);
    let look = Look::new(Arc::clone(&metrics.evaluate), now_ms).over(span_ms);
    let targets = metrics.scrape.targets().active;
    let (status, series) = (metrics.storage.status(), metrics.storage.cardinality(1));
    let host = metrics.host_instance.as_deref().and_then(|instance| host(&look, instance));
    let problems = problems(metrics, &targets, (&status, &series), host.as_ref());
    HomeInput {
        host_metrics: metrics.host_instance.is_some(),
        ingest: ingest(&look, &status, series.series),
        jobs: jobs(&targets),
        problems,
        host,
        alerts,
        checks: metrics.checks.get().map(|checks| checks.checks(CHECKS_SHOWN)).unwrap_or_default(),
    }
}

fn host(look: &Look, instance: &str) -> Option<Host> {
    let selector = format!("job=\"node\",instance={}", quote(instance));
    let memory_total = look.number(&format!("node_memory_MemTotal_bytes{{{selector}}}"))?;
    // Of the time of all modes, not of the clock: where counters are younger than the window, both are counted too low.
    let time = |modes: &str| format!("sum(rate(node_cpu_seconds_total{{{selector}{modes}}}[1m]))");
    let cpu = format!("1 - {} / {}", time(",mode=\"idle\""), time(""));
    let memory = format!("node_memory_MemTotal_bytes{{{selector}}} - node_memory_MemAvailable_bytes{{{selector}}}");
    // Loopback and virtual devices would count traffic twice.
    let devices = "device!~\"lo|veth.*|docker.*|br-.*|virbr.*|cni.*|flannel.*|cali.*|tap.*\"";
    let network = |way: &str| format!("sum(rate(node_network_{way}_bytes_total{{{selector},{devices}}}[1m]))");
    let loads: Vec<Option<f64>> =
        ["node_load1", "node_load5", "node_load15"].iter().map(|name| look.number(&format!("{name}{{{selector}}}"))).collect();
    Some(Host {
        name: instance.to_owned(),
        cpu: look.number(&cpu),
        cpu_recent: look.recent(&cpu),
        cpu_minutes: look.minutes(&cpu, CPU_BUSY_MINUTES),
        cores: look.number(&format!("count(count by (cpu) (node_cpu_seconds_total{{{selector}}}))")).unwrap_or(0.0) as u32,
        memory_used: look.number(&memory),
        memory_total,
        memory_recent: look.recent(&memory),
        disks: disks(look, &selector),
        net_in: look.number(&network("receive")),
        net_out: look.number(&network("transmit")),
        net_recent: look.recent(&network("receive")),
        load: match loads[..] {
            [Some(one), Some(five), Some(fifteen)] => Some([one, five, fifteen]),
            _ => None,
        },
        load_recent: look.recent(&format!("node_load1{{{selector}}}")),
        uptime_s: look.number(&format!("node_time_seconds{{{selector}}} - node_boot_time_seconds{{{selector}}}")),
        selector,
    })
}

/// As `df` counts: what is used, of what is used or can still be filled by ordinary users.
fn disks(look: &Look, selector: &str) -> Vec<Disk> {
    let by_mount = |metric: &str| -> BTreeMap<String, f64> {
        look.vector(&format!("{metric}{{{selector},fstype!~\"tmpfs|ramfs\"}}"))
            .into_iter()
            .filter_map(|(labels, value)| Some((labels.get("mountpoint")?.to_owned(), value)))
            .collect()
    };
    let (free, available) = (by_mount("node_filesystem_free_bytes"), by_mount("node_filesystem_avail_bytes"));
    by_mount("node_filesystem_size_bytes")
        .into_iter()
        .filter_map(|(mount, size)| {
            let used = size - free.get(&mount)?;
            Some(Disk { used, size: used + available.get(&mount)?, mount })
        })
        .filter(|disk| disk.size > 0.0)
        .collect()
}

fn ingest(look: &Look, status: &StorageStatus, series: u64) -> Ingest {
    let rate = "rate(pharos_storage_appended_samples_total{job=\"pharos\"}[1m])";
    Ingest {
        samples_per_second: look.number(rate).unwrap_or(0.0),
        recent: look.recent(rate),
        series,
        stored_bytes: status.blocks.iter().map(|block| block.bytes).sum::<u64>() + status.wal_bytes,
    }
}

fn jobs(targets: &[ActiveTarget]) -> Vec<Job> {
    let mut jobs: BTreeMap<&str, Job> = BTreeMap::new();
    for target in targets {
        let job = jobs.entry(&target.scrape_pool).or_insert_with(|| Job { name: target.scrape_pool.clone(), ..Job::default() });
        match target.state.health {
            Health::Up => job.up += 1,
            Health::Down => job.down += 1,
            Health::Unknown => job.unknown += 1,
        }
    }
    jobs.into_values().collect()
}

fn problems(
    metrics: &Metrics,
    targets: &[ActiveTarget],
    (status, series): (&StorageStatus, &Cardinality),
    host: Option<&Host>,
) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut down: BTreeMap<&str, Vec<&ActiveTarget>> = BTreeMap::new();
    for target in targets.iter().filter(|target| target.state.health == Health::Down) {
        down.entry(&target.scrape_pool).or_default().push(target);
    }
    for (job, down) in down {
        match down[..] {
            [one] => {
                let instance = one.labels.get("instance").unwrap_or("");
                found.push(Problem::target_down(job, instance, &one.state.last_error, one.state.last_scrape));
            }
            _ => {
                let total = targets.iter().filter(|target| target.scrape_pool == job).count();
                found.push(Problem::targets_down(job, down.len(), total, None));
            }
        }
    }
    let reload = metrics.server.runtime().reload;
    found.extend(reload.error.map(|error| Problem::reload_failed(&error, reload.loaded_ms)));
    found.extend(host.and_then(Problem::cpu_busy));
    found.extend(host.and_then(Problem::memory_nearly_full));
    found.extend(host.iter().flat_map(|host| &host.disks).filter_map(Problem::disk_nearly_full));
    if let Some(why) = status.write_refusal.as_ref().or(status.background_error.as_ref()) {
        found.push(Problem {
            severity: Severity::Critical,
            title: if status.write_refusal.is_some() { key("Samples are being refused") } else { key("Storage cannot tidy up") }.into(),
            detail: Words::plain(why.clone()),
            value: String::new(),
            since_ms: None,
            href: links::STATUS.to_owned(),
        });
    }
    found.extend(Problem::memory_short(metrics.pressure.memory(), metrics.settings.limits.memory_budget.0));
    if !status.quarantined.is_empty() {
        found.push(Problem::corrupt_blocks(status.quarantined.len()));
    }
    let many: Vec<_> = series.series_by_metric.iter().filter(|counted| counted.count > SERIES_PER_METRIC_MANY).collect();
    // Asked once for all of them, and only if there are some: it walks every metric's name.
    let growth = if many.is_empty() { None } else { metrics.storage.growth(GROWTH_LOOK) };
    for counted in many {
        found.push(Problem::high_cardinality(&counted.name, counted.count, &growth_of(growth.as_ref(), &counted.name)));
    }
    found
}

/// How a metric grew, in words; empty if it did not, or nobody knows.
fn growth_of(growth: Option<&Growth>, metric: &str) -> String {
    let Some(growth) = growth else { return String::new() };
    match growth.metrics.iter().find(|grown| grown.metric == metric && grown.before > 0) {
        Some(grown) => {
            let more = (grown.now as f64 / grown.before as f64 - 1.0) * 100.0;
            format!("{more:.0}% more than {} h ago", growth.over_ms / 3_600_000)
        }
        None => String::new(),
    }
}
