//! Lines in streams: taking them in, keeping them, LogQL and the Loki HTTP API.
//!
//! Rooms in reading order: [`model`] (words, batches, what the rooms ask of each other), [`store`] (log, memory, parts on
//! disk), [`query`] (LogQL, words), [`ingest`] (pushes, syslog, files, containers), [`api`] (HTTP), [`pages`] (HTML),
//! [`facade`] (the front door). In: lines by every door, queries. Out: routes,
//! [`Evaluate`](crate::series::ports::Evaluate) for metric queries over lines.
//! Invariant: what was acknowledged survives `kill -9`, once. Not here: rules and alerts (a hall), users (`access`).

pub mod ingest;
pub mod model;
