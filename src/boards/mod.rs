//! Dashboards, and the annotations on them: what people and programs marked in time.
//!
//! Rooms, in reading order: `model` (annotations, and what is asked of them), `store` (the only place that knows SQL),
//! `api` (Grafana's HTTP interface), `facade` (the front door).
//!
//! In: annotations over HTTP, as programs send them to Grafana. Out: the same, and what happened in a range of time
//! through [`crate::series::ports::Happenings`], for whoever shows a timeline.
//!
//! Invariants: there are at most so many annotations, each of bounded size; the oldest go first. Time comes from the
//! clock that is handed in.

mod api;
mod facade;
mod model;
mod store;

pub use facade::{Boards, BoardsOptions};
