//! What alerts are made of: plain values, no reading and no writing of files.

mod alert;
pub mod history;
pub mod interval;
pub mod matcher;
pub mod message;
pub mod routed;
pub mod routing;
mod rule;
pub mod silence;

pub use alert::{Alert, State};
pub use rule::{Alerting, Group, Kind, Language, Place, Rule};
