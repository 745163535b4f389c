//! Objectives as people write them: in YAML, in JSON by the API, in a form.

mod declaration;
pub mod file;
mod number;
pub mod query;

pub use declaration::{Absent, Alerts, Burn, Events, Indicator, Latency, Slo, Told};
pub use file::{print, read, read_one};
pub use number::{Number, Percent};
