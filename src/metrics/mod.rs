//! Numbers over time: scraping, storage, PromQL and the Prometheus HTTP API.

mod ingest;
mod model;
mod query;
mod store;

pub use store::{
    BlockStats, Cardinality, CardinalityStats, Counted, Counters, HeadStats, ReplayProgress, ReplayStatus, SetAside, Store, StoreError,
    StoreSettings, StoreStatus, SyncPolicy, WalCounters, WriteState,
};
