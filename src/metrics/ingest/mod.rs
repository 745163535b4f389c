//! Every way in which samples come in.

pub mod host;
pub mod relabel;
pub mod exposition;
