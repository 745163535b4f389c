//! Own time-series storage.

pub mod codec;
pub mod postings;
