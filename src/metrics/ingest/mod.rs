//! Every way in which samples come in.

pub mod backfill;
pub mod custom;
pub mod exposition;
pub mod push;
pub mod remote_write;
