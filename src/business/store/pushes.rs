//! Requests that may come twice, in SQL: what was taken under the key of each.
//!
//! A key stands in the same transaction as the values that came with it, so that there is never one without the other.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{KpiId, Store};
use crate::platform::db::DbError;

/// For how long keys are remembered at least.
pub const KEYS_KEPT_MS: i64 = 24 * 3_600_000;
/// Keys that are remembered at most, of all KPIs together. None is forgotten early: where there are as many, no other is taken.
pub const KEYS_MAX: i64 = 500_000;
/// Keys that are forgotten for each new one at most, so that no request pays for those of a day.
const FORGOTTEN_AT_ONCE: i64 = 16;

/// What makes a request one that may come twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// What the program calls it; of each KPI for itself.
    pub key: String,
    /// SHA-256 of what it says.
    pub digest: [u8; 32],
}

/// What is known of a request that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// It said the same.
    Same {
        /// How many numbers were taken.
        taken: usize,
        /// When, in milliseconds since the Unix epoch.
        at: i64,
    },
    /// It said something else under this key.
    Different,
}

/// What is known of a request; none for one that is new.
pub(super) fn repeated(db: &Connection, kpi: KpiId, once: &Once) -> rusqlite::Result<Option<Repeated>> {
    let mut known = db.prepare_cached("SELECT digest, taken, at_ms FROM business_pushes WHERE kpi_id = ?1 AND key = ?2")?;
    let row = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get(2)?));
    let known = known.query_row(params![kpi, once.key], row).optional()?;
    Ok(known.map(|(digest, taken, at)| match digest == once.digest {
        true => Repeated::Same { taken: usize::try_from(taken).unwrap_or_default(), at },
        false => Repeated::Different,
    }))
}

/// Remembers a request, and forgets some that are old. Gives whether there was room for it.
pub(super) fn remember(tx: &Transaction<'_>, kpi: KpiId, once: &Once, taken: usize, at: i64) -> rusqlite::Result<bool> {
    let old = "DELETE FROM business_pushes WHERE at_ms < ?1 AND id IN (SELECT id FROM business_pushes ORDER BY id LIMIT ?2)";
    tx.prepare_cached(old)?.execute(params![at - KEYS_KEPT_MS, FORGOTTEN_AT_ONCE])?;
    // The oldest go first, so they stand beside each other and need not be counted.
    let there = "SELECT coalesce((SELECT max(id) FROM business_pushes) - (SELECT min(id) FROM business_pushes) + 1, 0)";
    let there: i64 = tx.prepare_cached(there)?.query_row([], |row| row.get(0))?;
    if there >= KEYS_MAX {
        return Ok(false);
    }
    let new = "INSERT INTO business_pushes (kpi_id, key, digest, taken, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    let taken = i64::try_from(taken).unwrap_or(i64::MAX);
    tx.prepare_cached(new)?.execute(params![kpi, once.key, once.digest.as_slice(), taken, at])?;
    Ok(true)
}

/// Forgets all that are old.
pub(super) fn forget(tx: &Transaction<'_>, now: i64) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM business_pushes WHERE at_ms < ?1", [now - KEYS_KEPT_MS]).map(drop)
}

impl Store {
    /// What is known of a request; none for one that is new. Blocking.
    pub fn repeated(&self, kpi: KpiId, once: &Once) -> Result<Option<Repeated>, DbError> {
        self.db.read(|db| repeated(db, kpi, once))
    }
}
