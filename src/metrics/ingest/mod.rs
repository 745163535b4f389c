//! Every way in which samples come in.

pub mod exposition;
pub mod remote_write;
