//! The server's own log and metrics.

pub mod log;
pub mod metrics;
pub mod process;
pub mod seldom;
