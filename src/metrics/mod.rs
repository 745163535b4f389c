//! Numbers over time: scraping, storage, PromQL and the Prometheus HTTP API.

mod ingest;
mod model;
mod query;
mod store;

pub use query::parse::ParseOptions;
pub use query::{engine, script};
