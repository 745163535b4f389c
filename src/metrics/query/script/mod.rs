//! Upstream's test scripts for PromQL (`promqltest`): series written by hand, queries, and what they must answer.
//!
//! [`series`] reads `name{a="b"} 1+2x3 _ stale {{schema:0 …}}`, [`command`] a whole script with its [`load`]s,
//! [`compare`] holds an answer against what was expected, [`run`] does all of it on a [`run::Bench`], and [`memory`] is the
//! simplest storage. The notation of series is also the one of rule tests (`input_series`).
//! Everything happens at offsets from the Unix epoch.

pub mod command;
pub mod compare;
pub mod load;
pub mod memory;
pub mod run;
pub mod series;

#[cfg(test)]
mod tests;
