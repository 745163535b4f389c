//! What must survive a restart: KPIs and their values, funnels, retentions, digests, the calendar. The only place of the wing that
//! knows SQL.

mod backfills;
mod calendar;
mod digests;
mod kpis;
mod others;
mod pushes;
mod shares;
mod values;
mod write;

use std::sync::Arc;

use crate::platform::db::Db;

pub use backfills::Unfinished;
pub use kpis::{KPIS_STORED_MAX, NotStored, StoredKpi};
pub use others::{Kind, Other};
pub use pushes::{KEYS_KEPT_MS, KEYS_MAX, Once, Repeated};
pub use values::{Lasting, Tile, TileWanted};
pub use write::{Found, Push, Pushed, Pushes, Writing};

/// Names a KPI in the other tables.
pub type KpiId = i64;

/// Days for which values of hours are kept.
pub const HOURS_KEPT_DAYS: i64 = 90;
/// Days for which values of days are kept; those of longer periods stay.
pub const DAYS_KEPT: i64 = 5 * 366;
/// Segments of one label that are ever known of one KPI.
pub const SEGMENTS_EVER_MAX: i64 = 2_000;

/// The tables of the wing.
#[derive(Debug, Clone)]
pub struct Store {
    db: Arc<Db>,
}

impl Store {
    /// In the server's database.
    pub const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }
}

#[cfg(test)]
mod tests;
