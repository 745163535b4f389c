//! Numbers over time: scraping, storage, PromQL and the Prometheus HTTP API.
//!
//! Rooms in reading order: [`model`] (words and configuration), [`store`] (head, log, blocks), [`query`] (PromQL),
//! [`ingest`] (scraping, remote write, pushes, the host), [`api`] (HTTP), [`pages`] (HTML), [`facade`] (the front door).
//! In: samples by every door, queries. Out: routes, [`Append`](crate::series::ports::Append),
//! [`Select`](crate::series::ports::Select), [`Evaluate`](crate::series::ports::Evaluate).
//! Invariant: what was acknowledged survives `kill -9`, once. Not here: rules and alerts (a hall), users (`access`).

mod api;
mod facade;
#[cfg(fuzzing)]
pub mod fuzzing;
mod ingest;
mod model;
mod pages;
mod query;
mod store;

pub use facade::{Metrics, MetricsOptions, OpenError, check_restored, parse_options, stopped_part};
pub use ingest::backfill::openmetrics::import as import_openmetrics;
pub use ingest::changes::refused as refused_changes;
pub use ingest::exposition::lint::lint;
pub use ingest::statsd::mapping::read as read_statsd_mapping;
pub use model::{config, server};
pub use query::parse::{ParseOptions, parse_selector};
pub use query::shape::read_query;
pub use query::{engine, script};
pub use store::analyze as analyze_folder;
pub use store::{
    Analysis, AnalyzeError, AnalyzeOptions, BlockStats, Cardinality, CardinalityStats, Counters, HeadStats, ReplayProgress, ReplayStatus,
    SetAside, Store, StoreError, StoreSettings, StoreStatus, SyncPolicy, WalCounters, WriteState,
};
