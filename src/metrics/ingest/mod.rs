//! Every way in which samples come in.

pub mod exposition;
pub mod push;
pub mod remote_write;
