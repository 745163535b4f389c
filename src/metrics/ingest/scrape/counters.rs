//! Counts over all targets, for pharos' own metrics.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// Counts since the start.
        #[derive(Debug, Default)]
        pub struct ScrapeCounters {
            $($(#[$doc])* pub(super) $name: AtomicU64,)+
        }

        /// [`ScrapeCounters`] at one moment.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct ScrapeStats {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl ScrapeCounters {
            /// The counts now.
            pub fn snapshot(&self) -> ScrapeStats {
                ScrapeStats { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counters! {
    /// Scrapes made.
    scrapes,
    /// Scrapes that failed.
    scrapes_failed,
    /// Samples stored.
    samples_stored,
    /// `prometheus_target_scrapes_exceeded_sample_limit_total`
    exceeded_sample_limit,
    /// `prometheus_target_scrapes_exceeded_body_size_limit_total`
    exceeded_body_size_limit,
    /// `prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total`
    exceeded_bucket_limit,
    /// `prometheus_target_scrape_pool_exceeded_label_limits_total`
    exceeded_label_limits,
    /// `prometheus_target_scrape_pool_exceeded_target_limit_total`
    exceeded_target_limit,
    /// `prometheus_target_scrapes_sample_out_of_order_total`
    out_of_order,
    /// `prometheus_target_scrapes_sample_duplicate_timestamp_total`
    duplicate_timestamp,
    /// `prometheus_target_scrapes_sample_out_of_bounds_total`
    out_of_bounds,
    /// Series refused for their labels or because of a limit of storage.
    refused,
    /// Scrapes that storage did not take.
    storage_failed,
    /// `prometheus_target_scrape_pools_total`
    pools_created,
    /// `prometheus_target_scrape_pools_failed_total`
    pools_failed,
    /// `prometheus_target_scrape_pool_reloads_total`
    pool_reloads,
    /// `prometheus_target_scrape_pool_reloads_failed_total`
    pool_reloads_failed,
}

/// Adds to a count.
pub(super) fn add(counter: &AtomicU64, count: usize) {
    if count > 0 {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}
