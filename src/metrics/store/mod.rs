//! Own time-series storage.

pub mod codec;
