//! Budgets: what the settings and the container allow, what follows for queries, and who gives relief.

use std::sync::Arc;

use crate::base::pressure::Level;
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
    /// Gives memory that was freed back to the system.
    pub(super) release: fn(),
}

impl Relief for Everything {
    fn memory(&self, level: Level) {
        tracing::debug!(level = level.as_str(), "giving memory back");
        self.metrics.relieve();
        (self.release)();
    }

    fn disk(&self, used: u64, budget: u64) {
        self.metrics.shrink(used, budget);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
