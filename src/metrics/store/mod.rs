//! Own time-series storage: a head in memory with a log behind it, and immutable blocks.
//!
//! Reading order: [`db`] (the whole, from outside), [`head`] (the newest samples), [`wal`] (why they survive), [`block`]
//! and [`codec`] (what they become), [`postings`] (which series match), [`select`] (samples out), [`compact`] and
//! [`retention`] (blocks over time), [`stats`] (what storage says about itself).
//!
//! In: [`WriteBatch`](crate::series::batch::WriteBatch) through the port `Append`. Out: the port `Select`.
//!
//! A data directory holds `lock`, `wal/` (segments, a checkpoint, `quarantine/`), `blocks/` (a folder for each block,
//! `quarantine/`). Formats are described in the headers of [`wal`] and [`block`], versioned, and held by the fixtures in
//! `tests/compat/`.
//!
//! Invariants: what `append` acknowledged survives the process; a sample is visible from then on, exactly once, wherever
//! it moves; at one time a series has one sample, the one written last if blocks disagree; nothing depends on the
//! wall clock running forwards; what cannot be read is set aside and named, the rest serves.

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

pub use db::{Analysis, AnalyzeError, AnalyzeOptions, analyze};
pub use db::{ReplayProgress, Store, StoreError, StoreSettings};
pub use head::Cardinality;
pub use stats::{BlockStats, CardinalityStats, Counters, HeadStats, ReplayStatus, SetAside, StoreStatus, WriteState};
pub use wal::{SyncPolicy, WalCounters};
