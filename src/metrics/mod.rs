//! Numbers over time: scraping, storage, PromQL and the Prometheus HTTP API.

mod ingest;
mod model;
mod pages;
mod query;
mod store;

pub use query::script;
pub use store::{Store, StoreError, StoreSettings, SyncPolicy};
pub use query::parse::ParseOptions;
pub use query::{engine, script};
