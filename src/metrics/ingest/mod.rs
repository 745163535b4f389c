//! Every way in which samples come in.

pub mod exposition;
