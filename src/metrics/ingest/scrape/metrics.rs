//! Scraping and discovery in numbers, under upstream's names, which dashboards and alerts ask for.

use super::manager::ScrapeManager;
use crate::platform::telemetry::metrics::{Page, Report};

/// One job in numbers.
#[derive(Debug, Default)]
pub(super) struct PoolNumbers {
    pub name: String,
    pub targets: usize,
    pub target_limit: u64,
    pub discovered: usize,
    pub syncs: u64,
    pub sync_failed: u64,
    pub metadata_entries: usize,
    pub metadata_bytes: usize,
}

impl Report for ScrapeManager {
    fn report(&self, page: &mut Page) {
        let stats = self.stats();
        for (name, help, value) in [
            ("pharos_scrape_scrapes_total", "Scrapes made.", stats.scrapes),
            ("pharos_scrape_scrapes_failed_total", "Scrapes that failed.", stats.scrapes_failed),
            ("pharos_scrape_samples_stored_total", "Samples of scrapes stored.", stats.samples_stored),
            ("pharos_scrape_refused_total", "Series of scrapes refused by storage.", stats.refused),
            ("pharos_scrape_storage_failed_total", "Scrapes that storage did not take.", stats.storage_failed),
            ("prometheus_target_scrape_pools_total", "Jobs set up.", stats.pools_created),
            ("prometheus_target_scrape_pools_failed_total", "Jobs that could not be set up.", stats.pools_failed),
            ("prometheus_target_scrape_pool_reloads_total", "Jobs set up anew.", stats.pool_reloads),
            ("prometheus_target_scrape_pool_reloads_failed_total", "Jobs that could not be set up anew.", stats.pool_reloads_failed),
            ("prometheus_target_scrape_pool_exceeded_target_limit_total", "Jobs over their target_limit.", stats.exceeded_target_limit),
            ("prometheus_target_scrape_pool_exceeded_label_limits_total", "Scrapes over a limit of labels.", stats.exceeded_label_limits),
            ("prometheus_target_scrapes_exceeded_sample_limit_total", "Scrapes over their sample_limit.", stats.exceeded_sample_limit),
            (
                "prometheus_target_scrapes_exceeded_body_size_limit_total",
                "Scrapes over their body_size_limit.",
                stats.exceeded_body_size_limit,
            ),
            (
                "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
                "Scrapes with a histogram over its bucket limit.",
                stats.exceeded_bucket_limit,
            ),
            ("prometheus_target_scrapes_sample_out_of_order_total", "Samples refused: older than others.", stats.out_of_order),
            (
                "prometheus_target_scrapes_sample_duplicate_timestamp_total",
                "Samples refused: another value at that time.",
                stats.duplicate_timestamp,
            ),
            ("prometheus_target_scrapes_sample_out_of_bounds_total", "Samples refused: far past or future.", stats.out_of_bounds),
        ] {
            page.counter(name, help, value);
        }
        let pools = self.pool_numbers();
        page.gauge("pharos_scrape_targets", "Targets that are scraped.", pools.iter().map(|pool| pool.targets as f64).sum());
        type Value = fn(&PoolNumbers) -> f64;
        let families: [(&str, &str, &str, Value); 6] = [
            ("prometheus_target_scrape_pool_sync_total", "counter", "How often targets were worked out.", |pool| pool.syncs as f64),
            ("prometheus_target_sync_failed_total", "counter", "Targets that could not be made.", |pool| pool.sync_failed as f64),
            ("prometheus_target_scrape_pool_targets", "gauge", "Targets.", |pool| pool.targets as f64),
            ("prometheus_target_scrape_pool_target_limit", "gauge", "Most targets, 0 = any.", |pool| pool.target_limit as f64),
            ("prometheus_target_metadata_cache_entries", "gauge", "Families of all targets.", |pool| pool.metadata_entries as f64),
            ("prometheus_target_metadata_cache_bytes", "gauge", "Bytes of their texts.", |pool| pool.metadata_bytes as f64),
        ];
        for (name, kind, help, value) in families {
            page.family(name, kind, help);
            for pool in &pools {
                page.sample(name, &[("scrape_job", &pool.name)], value(pool));
            }
        }
        let name = "prometheus_sd_discovered_targets";
        page.family(name, "gauge", "Targets before relabelling.");
        for pool in &pools {
            page.sample(name, &[("config", &pool.name), ("name", "scrape")], pool.discovered as f64);
        }
        page.family("prometheus_sd_failed_configs", "gauge", "Jobs whose discovery cannot work.");
        page.sample("prometheus_sd_failed_configs", &[("name", "scrape")], self.unsupported_discoveries() as f64);
        self.report_lengths(page);
        self.discovery_stats().report(page);
    }
}
