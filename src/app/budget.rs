//! Budgets: what the settings and the container allow, what follows for queries, and who gives relief.

use std::sync::Arc;

use crate::base::pressure::Level;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::platform::budget::{Limits, Relief, container_limit};
use crate::platform::config::settings::{ByteSize, Settings};

/// One query may hold samples for this part of the memory budget: each takes up to 16 bytes, and there are other queries.
const BYTES_PER_QUERY_SAMPLE: u64 = 64;
/// But always so many: a dashboard must work in the smallest container.
const QUERY_SAMPLES_MIN: u64 = 500_000;
/// Memory for each query at once.
const BYTES_PER_QUERY: u64 = 64 << 20;
/// The part of the memory budget that answers given before may take.
const ANSWERS_PART: u64 = 16;

/// Of a budget of disk, stored data take what this leaves, in percent.
const DISK_FULL_PERCENT: u64 = 90;

/// The budgets in force. Without one in the settings, a container's limit of memory is one.
pub(super) fn limits(settings: &Settings) -> Limits {
    let memory = match settings.limits.memory_budget.0 {
        0 => container_limit().unwrap_or(0),
        set => set,
    };
    Limits { memory, disk: settings.limits.disk_budget.0 }
}

/// The settings, with limits that a small budget can bear.
pub(super) fn fitted(mut settings: Settings, limits: Limits) -> Settings {
    let own = &mut settings.limits;
    own.memory_budget = ByteSize(limits.memory);
    if limits.memory > 0 {
        own.query_samples_max = own.query_samples_max.min((limits.memory / BYTES_PER_QUERY_SAMPLE).max(QUERY_SAMPLES_MIN));
        own.query_concurrency_max = own.query_concurrency_max.min((limits.memory / BYTES_PER_QUERY).max(2));
        own.query_cache_size = ByteSize(own.query_cache_size.0.min(limits.memory / ANSWERS_PART));
    }
    settings
}

/// Everything of the server that can use less.
pub(super) struct Everything {
    pub(super) metrics: Arc<Metrics>,
    pub(super) logs: Arc<Logs>,
    /// Gives memory that was freed back to the system.
    pub(super) release: fn(),
}

impl Relief for Everything {
    fn memory(&self, level: Level) {
        tracing::debug!(level = level.as_str(), "giving memory back");
        self.metrics.relieve();
        self.logs.relieve();
        (self.release)();
    }

    fn disk(&self, used: u64, budget: u64) {
        // Each gives way by its share of what is there, so that neither eats the other's history.
        let (metrics, logs) = (self.metrics.stored_bytes(), self.logs.stored_bytes());
        let [of_metrics, of_logs] = shares([metrics, logs], used, budget);
        self.metrics.shrink(used.saturating_sub(of_logs), budget);
        self.logs.shrink(used.saturating_sub(of_metrics), budget);
    }
}

/// Bytes that each of two gives up, by what it holds, when `used` is over what a budget leaves.
fn shares(held: [u64; 2], used: u64, budget: u64) -> [u64; 2] {
    let over = if budget == 0 { 0 } else { used.saturating_sub(budget / 100 * DISK_FULL_PERCENT) };
    let all = held[0].saturating_add(held[1]).max(1);
    held.map(|one| (u128::from(over) * u128::from(one) / u128::from(all)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_more_gives_more() {
        assert_eq!(shares([300, 100], 1000, 1000), [75, 25]);
        assert_eq!(shares([300, 100], 900, 1000), [0, 0]);
        assert_eq!(shares([0, 0], 2000, 1000), [0, 0]);
        assert_eq!(shares([300, 100], 2000, 0), [0, 0]);
    }

    #[test]
    fn a_small_budget_lowers_limits_and_none_leaves_them() {
        let with = |memory| fitted(Settings::default(), Limits { memory, disk: 0 }).limits;
        let defaults = Settings::default().limits;
        assert_eq!(with(0), defaults);
        let small = with(150 << 20);
        assert_eq!((small.query_samples_max, small.query_concurrency_max, small.query_cache_size.0), (2_457_600, 2, 9_830_400));
        assert_eq!(with(1 << 20).query_samples_max, QUERY_SAMPLES_MIN);
        let large = with(64 << 30);
        assert_eq!((large.query_samples_max, large.query_concurrency_max), (defaults.query_samples_max, defaults.query_concurrency_max));
        let mut set = Settings::default();
        set.limits.memory_budget = ByteSize(5);
        set.limits.disk_budget = ByteSize(7);
        assert_eq!(limits(&set), Limits { memory: 5, disk: 7 });
    }
}
