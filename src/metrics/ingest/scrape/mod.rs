//! Scraping: asks targets for their metrics, each on its own schedule, and takes what they say into storage.
//!
//! Reading order: [`manager`] (all jobs) · `pool` (one job) · [`target`] · `schedule`, `loop_` (one target over
//! time) · `fetch` (one request) · `intake`, `scratch` (one body) · `cache`, `mutate`, `limits`, `report`, `metadata`.
//! A loop waits and fetches on the reactor; parsing and storing happen on the blocking pool, a few at a time, so
//! a slow or huge target delays no other.

mod cache;
mod counters;
mod fetch;
mod intake;
mod job;
mod limits;
mod loop_;
mod manager;
mod metadata;
mod metrics;
mod mutate;
mod pool;
mod refusals;
mod report;
mod schedule;
mod scratch;
mod summary;
pub mod target;

pub use manager::{ActiveTarget, DroppedTarget, InProcessTarget, ScrapeManager, ScrapeOptions, StopMode};
