//! Keeps KPIs and their values: asks for what is due, combines longer periods, makes KPIs of others, fills in the past.

pub mod backfill;
mod collector;
mod combine;
mod derive;
pub mod desk;
pub mod plan;
pub mod push;
mod samples;

pub use collector::{Collector, Trouble};

/// Runs what blocks off the reactor.
pub(in crate::business) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, crate::platform::db::DbError> + Send + 'static,
) -> Result<T, crate::platform::db::DbError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(crate::platform::db::DbError::Closed))
}

#[cfg(test)]
mod tests;
