//! Samples from the past: files brought in at once.

pub mod openmetrics;
