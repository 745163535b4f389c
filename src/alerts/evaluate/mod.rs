//! Groups at work: what they ask, what they store, and the states of alerts.

mod group;
mod order;
mod restore;
mod rule;
mod schedule;
mod state;

pub use group::{HealthState, Ports, Running, RunningRule, Setting, Spare, Told};
pub use rule::{Around, Prepared};
#[cfg(test)]
pub use state::Given;
pub use state::{Alerts, Change, StepError};

/// The groups of the server as they run.
pub trait Groups: Send + Sync {
    /// All groups, by file and name.
    fn groups(&self) -> std::sync::Arc<Vec<std::sync::Arc<Running>>>;

    /// What all groups share.
    fn setting(&self) -> std::sync::Arc<Setting>;
}
