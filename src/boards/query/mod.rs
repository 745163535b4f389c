//! From a dashboard's queries to frames: variables and what stands for them in texts, where queries go, what is asked.

mod ask;
mod choices;
mod dates;
mod exemplars;
#[cfg(test)]
pub mod fakes;
mod formats;
mod frames;
mod interpolate;
mod legend;
mod narrow;
mod offered;
mod plan;
mod reckon;
mod source;
mod switches;
mod times;
mod variables;
mod wanted;

pub use ask::{Answers, Engines, ask};
pub use choices::{AdHoc, Choice, Choices};
pub use exemplars::exemplars;
pub use interpolate::Usage;
pub use plan::{Failure, Plan, Scene, plan};
pub use source::{Lead, lead};
pub use switches::Switches;
pub use times::{Pace, interval, length};
pub use variables::{ALL, Offered, Ports, Resolved, resolve};
pub use wanted::promql_in;
