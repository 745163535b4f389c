//! Own storage of lines: a log and memory for the newest, immutable parts by day for the rest.
//!
//! Reading order: [`db`] (the whole, from outside), [`lines`] (lines on their way), [`wal`] (why they survive), [`memory`]
//! (the newest lines), [`part`] (what they become), [`manifest`] (what counts), [`deletes`] and [`retention`] (what goes),
//! [`plan`] (which parts are merged), [`stats`] (what storage says about itself).
//!
//! In: [`LineBatch`](crate::logs::model::batch::LineBatch) through the port `AppendLines`. Out: the port `SelectLines`.
//!
//! A data directory holds `lock`, `MANIFEST`, `wal/` (segments, `quarantine/`), `parts/` (a folder for each part, named
//! by day and number) and `quarantine/` (parts that cannot be read). Formats are described in the headers of [`wal`],
//! [`manifest`] and [`part`].
//!
//! Invariants: what `append` acknowledged survives the process and is there once, wherever it moves: the manifest, which is
//! replaced as a whole, says what is in parts and what is in the log. A line is visible from then on. Nothing depends on the
//! clock running forwards. What cannot be read is set aside and named; the rest serves.

pub mod db;
pub mod deletes;
pub mod lines;
pub mod manifest;
pub mod memory;
pub mod part;
pub mod plan;
pub mod retention;
pub mod stats;
pub mod wal;

pub use db::{DeleteError, LineLimits, Store, StoreError, StoreSettings};
pub use deletes::{CompileFilter, FilterLines, LineFilter, OneStream};
pub use manifest::Deletion;
pub use retention::{Retention, StreamRetention};
pub use stats::{Counters, DayStatus, SetAside, StoreStatus, WriteState};
pub use wal::ReplayProgress;
