//! Own time-series storage.

pub mod block;
pub mod codec;
pub mod compact;
pub mod postings;
