//! Lines in streams: taking them in, keeping them, LogQL and the Loki HTTP API.
//!
//! Rooms in reading order: [`model`] (words, batches, what the rooms ask of each other), [`store`] (log, memory, parts on
//! disk), [`query`] (LogQL, words), [`ingest`] (pushes, syslog, files, containers), [`api`] (HTTP), [`pages`] (HTML),
//! [`facade`] (the front door). In: lines by every door, queries. Out: routes,
//! [`Evaluate`](crate::series::ports::Evaluate) for metric queries over lines.
//! Invariant: what was acknowledged survives `kill -9`, once. Not here: rules and alerts (a hall), users (`access`).

mod api;
mod facade;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
pub mod ingest;
pub mod model;
pub mod pages;
pub mod query;
pub mod store;

pub use facade::{
    Environment, ImportError, ImportOptions, Imported, Logs, LogsOptions, OpenError, check_restored, import_lines, read_collect,
    stopped_part, take_over_loki_config,
};
pub use ingest::streams::parse_labels;
pub use ingest::when::parse_time;
pub use query::shape::read_query;
