//! Runs that fill in the past and are not over, in SQL.

use rusqlite::params;

use super::{KpiId, Store};
use crate::platform::db::DbError;

/// A run that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// Of which KPI.
    pub kpi: KpiId,
    /// From when, in milliseconds since the Unix epoch...
    pub from: i64,
    /// ...until when.
    pub until: i64,
    /// Whether what is settled is asked for again.
    pub again: bool,
}

impl Store {
    /// Runs that are not over. Blocking.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>, DbError> {
        self.db.read(|db| {
            let mut found = db.prepare("SELECT kpi_id, from_ms, until_ms, again FROM business_backfills ORDER BY kpi_id")?;
            let row =
                |row: &rusqlite::Row<'_>| Ok(Unfinished { kpi: row.get(0)?, from: row.get(1)?, until: row.get(2)?, again: row.get(3)? });
            found.query_map([], row)?.collect()
        })
    }

    /// Remembers that a run began.
    pub async fn begin_backfill(&self, run: Unfinished) -> Result<(), DbError> {
        let sql = "INSERT OR REPLACE INTO business_backfills (kpi_id, from_ms, until_ms, again) \
                   SELECT id, ?2, ?3, ?4 FROM business_kpis WHERE id = ?1";
        self.db.write(move |tx| tx.execute(sql, params![run.kpi, run.from, run.until, run.again]).map(drop)).await
    }

    /// Remembers that it is over.
    pub async fn end_backfill(&self, kpi: KpiId) -> Result<(), DbError> {
        self.db.write(move |tx| tx.execute("DELETE FROM business_backfills WHERE kpi_id = ?1", [kpi]).map(drop)).await
    }
}
