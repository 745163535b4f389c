//! Groups at work: what they ask, what they store, and the states of alerts.

mod group;
mod restore;
mod rule;
mod schedule;
mod state;

pub use group::{Health, HealthState, Ports, Running, RunningRule, Setting};
pub use rule::{Failure, Outcome, Prepared, Sample};
pub use schedule::Schedule;
pub use state::{Alerts, Change};
