//! Numbers over time: scraping, storage, PromQL and the Prometheus HTTP API.

mod ingest;
mod model;
mod query;
mod store;

pub use store::{ReplayProgress, Store, StoreError, StoreSettings, SyncPolicy};
