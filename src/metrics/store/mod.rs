//! Own time-series storage.

pub mod block;
pub mod codec;
pub mod compact;
pub mod db;
pub mod exemplars;
pub mod head;
pub mod metadata;
pub mod postings;
pub mod retention;
pub mod samples;
pub mod select;
pub mod stats;
pub mod wal;

pub use db::{Store, StoreError, StoreSettings};
pub use head::Counted;
pub use stats::WriteState;
pub use wal::SyncPolicy;
