//! What is wrong, in words: one constructor for each kind.

use super::input::{CPU_BUSY, CPU_BUSY_MINUTES, DISK_CRITICAL, DISK_WARNING, Disk, Host, MEMORY_CRITICAL, MEMORY_WARNING};
use crate::base::pressure::Level;
use crate::metrics::pages::words;
use crate::ui::format::{self, Unit};
use crate::ui::lang::{Words, key};
use crate::ui::links;
use crate::ui::shell::{FiringAlert, Severity};

/// Something to see to.
#[derive(Debug, Clone)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// What, in a few words.
    pub title: Words,
    /// Where or why.
    pub detail: Words,
    /// The number at stake, or nothing.
    pub value: String,
    /// Since when, in milliseconds.
    pub since_ms: Option<i64>,
    /// Where to see more.
    pub href: String,
}

impl Problem {
    /// An alert that fires.
    pub fn alert_fires(alert: &FiringAlert) -> Self {
        Self {
            severity: alert.severity,
            title: Words::plain(&alert.name),
            detail: if alert.summary.is_empty() { key("An alert fires").into() } else { Words::plain(&alert.summary) },
            value: String::new(),
            since_ms: Some(alert.since_ms),
            href: alert.href.clone(),
        }
    }

    /// A target that does not answer.
    pub fn target_down(job: &str, instance: &str, error: &str, since_ms: Option<i64>) -> Self {
        let href = links::with(links::TARGETS, &[("job", job), ("state", "down")]);
        Self {
            severity: Severity::Critical,
            title: Words::new("{} is down", [instance.to_owned()]),
            detail: words::scrape_error(error).of(job),
            value: String::new(),
            since_ms,
            href,
        }
    }

    /// Many targets of one job that do not answer, as one line.
    pub fn targets_down(job: &str, down: usize, total: usize, since_ms: Option<i64>) -> Self {
        let href = links::with(links::TARGETS, &[("job", job), ("state", "down")]);
        Self {
            severity: Severity::Critical,
            title: Words::new("{} targets of {} are down", [down.to_string(), job.to_owned()]),
            detail: Words::new("of {}", [total.to_string()]),
            value: String::new(),
            since_ms,
            href,
        }
    }

    /// The configuration file cannot be used.
    pub fn reload_failed(error: &str, since_ms: i64) -> Self {
        let href = format!("{}#configuration", links::STATUS);
        Self {
            severity: Severity::Critical,
            title: key("Configuration reload failed").into(),
            detail: Words::plain(error),
            value: String::new(),
            since_ms: Some(since_ms),
            href,
        }
    }

    /// Processors that have had no rest for minutes, if they had none.
    pub fn cpu_busy(host: &Host) -> Option<Self> {
        let lately = host.cpu_minutes.last_chunk::<CPU_BUSY_MINUTES>()?;
        lately.iter().all(|share| *share >= CPU_BUSY).then(|| Self {
            severity: Severity::Warning,
            title: key("Processors fully busy").into(),
            detail: Words::new("{} for more than {} minutes", [host.name.clone(), CPU_BUSY_MINUTES.to_string()]),
            value: format::number(lately[CPU_BUSY_MINUTES - 1].min(1.0), Unit::Ratio),
            since_ms: None,
            href: links::explore(&format!("sum by (mode) (rate(node_cpu_seconds_total{{{}}}[1m]))", host.selector)),
        })
    }

    /// Memory that is nearly full, if it is.
    pub fn memory_nearly_full(host: &Host) -> Option<Self> {
        let used = host.memory_used.filter(|_| host.memory_total > 0.0)?;
        let share = (used / host.memory_total).clamp(0.0, 1.0);
        (share >= MEMORY_WARNING).then(|| Self {
            severity: if share >= MEMORY_CRITICAL { Severity::Critical } else { Severity::Warning },
            title: key("Memory nearly full").into(),
            detail: Words::new("{}, {} left", [host.name.clone(), format::number(host.memory_total - used, Unit::Bytes)]),
            value: format::number(share, Unit::Ratio),
            since_ms: None,
            href: links::explore(&format!("node_memory_MemAvailable_bytes{{{}}}", host.selector)),
        })
    }

    /// A filesystem that is nearly full, if it is.
    pub fn disk_nearly_full(disk: &Disk) -> Option<Self> {
        let share = disk.share();
        (share >= DISK_WARNING).then(|| Self {
            severity: if share >= DISK_CRITICAL { Severity::Critical } else { Severity::Warning },
            title: key("Disk nearly full").into(),
            detail: Words::new("{}, {} left", [disk.mount.clone(), format::number(disk.size - disk.used, Unit::Bytes)]),
            value: format::number(share, Unit::Ratio),
            since_ms: None,
            href: links::explore("1 - node_filesystem_avail_bytes / node_filesystem_size_bytes"),
        })
    }

    /// The memory budget that is nearly used up, if it is.
    pub fn memory_short(level: Level, budget: u64) -> Option<Self> {
        let (severity, detail) = match level {
            Level::Normal => return None,
            Level::Tight => (Severity::Warning, key("Queries get less memory until there is enough again.")),
            Level::Scarce | Level::Critical => {
                (Severity::Critical, key("New series, large writes and large queries are refused until there is enough again."))
            }
        };
        Some(Self {
            severity,
            title: key("Memory is nearly used up").into(),
            detail: detail.into(),
            value: format::number(budget as f64, Unit::Bytes),
            since_ms: None,
            href: links::explore("pharos_memory_used_bytes / pharos_memory_budget_bytes"),
        })
    }

    /// Blocks that could not be read and were put aside.
    pub fn corrupt_blocks(blocks: usize) -> Self {
        Self {
            severity: Severity::Critical,
            title: Words::new("Damaged blocks put aside: {}", [blocks.to_string()]),
            detail: key("Queries answer without them.").into(),
            value: String::new(),
            since_ms: None,
            href: format!("{}#blocks", links::STATUS),
        }
    }

    /// A metric with too many series.
    pub fn high_cardinality(metric: &str, series: u64, growth: &str) -> Self {
        Self {
            severity: Severity::Warning,
            title: key("Many series from one metric").into(),
            detail: Words::plain(if growth.is_empty() { metric.to_owned() } else { format!("{metric}, {growth}") }),
            value: format::number(series as f64, Unit::Short),
            since_ms: None,
            href: links::CARDINALITY.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_a_problem_only_when_busy_for_minutes() {
        for (recent, found) in [
            (vec![1.0; 5], true),
            (vec![0.1, 0.96, 0.97, 1.0, 0.99, 1.0], true),
            (vec![1.0, 1.0, 1.0, 1.0, 0.5, 1.0], false),
            (vec![1.0; 4], false),
            (vec![f64::NAN; 6], false),
            (Vec::new(), false),
        ] {
            let host = Host { cpu_minutes: recent.clone(), ..Host::default() };
            assert_eq!(Problem::cpu_busy(&host).is_some(), found, "{recent:?}");
        }
    }

    #[test]
    fn memory_is_a_problem_when_little_is_left() {
        for (used, total, severity) in [
            (Some(89.0), 100.0, None),
            (Some(90.0), 100.0, Some(Severity::Warning)),
            (Some(98.0), 100.0, Some(Severity::Critical)),
            (Some(120.0), 100.0, Some(Severity::Critical)),
            (Some(5.0), 0.0, None),
            (None, 100.0, None),
        ] {
            let host = Host { memory_used: used, memory_total: total, ..Host::default() };
            assert_eq!(Problem::memory_nearly_full(&host).map(|problem| problem.severity), severity, "{used:?} of {total}");
        }
    }
}
