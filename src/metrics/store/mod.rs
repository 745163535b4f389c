//! Own time-series storage.

pub mod block;
pub mod codec;
pub mod head;
pub mod compact;
pub mod postings;
pub mod samples;
pub mod wal;
