//! What alerts are made of: plain values, no reading and no writing.

mod alert;
mod rule;

pub use alert::{Alert, State};
pub use rule::{Alerting, Group, Kind, Language, Place, Rule};
