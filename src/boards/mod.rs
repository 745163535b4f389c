//! Dashboards, and the annotations on them: what people and programs marked in time.
//!
//! Rooms, in reading order: `model` (dashboards in Grafana's JSON, annotations), `data` (frames and what is done with
//! them), `ready` (dashboards that are built in), `query` (variables, and what is asked), `draw` (what a panel shows),
//! `serve` (panels as browsers ask for them), `store` (the only place that knows SQL), `ingest` (dashboards from files),
//! `api` (Grafana's HTTP interface), `pages` (HTML), `facade` (the front door).
//!
//! In: annotations over HTTP, as programs send them to Grafana. Out: the same, and what happened in a range of time
//! through [`crate::series::ports::Happenings`], for whoever shows a timeline.
//!
//! Invariants: there are at most so many annotations, each of bounded size; the oldest go first. Time comes from the
//! clock that is handed in.

mod api;
mod data;
mod draw;
mod facade;
mod ingest;
mod model;
mod pages;
mod query;
mod ready;
mod serve;
mod store;

pub use facade::{Asking, Boards, BoardsOptions, check};
pub use ingest::{Provider, providers};
