//! Announced maintenance in SQL.

use rusqlite::{Row, Transaction, params};

use super::Store;
use crate::platform::db::DbError;
use crate::uptime::model::window::Window;

/// Maintenance that is kept at most, that which is over included.
pub const MAINTENANCE_MAX: usize = 10_000;

/// Maintenance as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMaintenance {
    /// Names it; 0 for one that is not stored yet.
    pub id: i64,
    /// For people.
    pub title: String,
    /// When and of which checks, in YAML.
    pub definition: String,
    /// It counts within this.
    pub in_force: Window,
    /// Who announced it.
    pub made_by: String,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredMaintenance> {
    Ok(StoredMaintenance {
        id: row.get(0)?,
        title: row.get(1)?,
        definition: row.get(2)?,
        in_force: Window::new(row.get(3)?, row.get(4)?),
        made_by: row.get(5)?,
    })
}

fn put(tx: &Transaction<'_>, one: &StoredMaintenance) -> rusqlite::Result<i64> {
    let StoredMaintenance { id, title, definition, in_force, made_by } = one;
    if *id == 0 {
        let sql =
            "INSERT INTO uptime_maintenance (title, definition, in_force_from_ms, in_force_until_ms, made_by) VALUES (?1, ?2, ?3, ?4, ?5)";
        tx.prepare_cached(sql)?.execute(params![title, definition, in_force.from, in_force.until, made_by])?;
        return Ok(tx.last_insert_rowid());
    }
    let sql = "UPDATE uptime_maintenance SET title = ?2, definition = ?3, in_force_from_ms = ?4, in_force_until_ms = ?5, made_by = ?6 WHERE id = ?1";
    tx.prepare_cached(sql)?.execute(params![id, title, definition, in_force.from, in_force.until, made_by])?;
    Ok(*id)
}

impl Store {
    /// All maintenance that is kept, in order of its making. Blocking.
    pub fn maintenance(&self) -> Result<Vec<StoredMaintenance>, DbError> {
        let sql = "SELECT id, title, definition, in_force_from_ms, in_force_until_ms, made_by FROM uptime_maintenance ORDER BY id";
        self.db.read(|db| db.prepare(sql)?.query_map([], from_row)?.collect())
    }

    /// Stores some and forgets others, all or nothing. Gives the ids of those that are stored, in the same order.
    pub async fn change_maintenance(&self, stored: Vec<StoredMaintenance>, gone: Vec<i64>) -> Result<Vec<i64>, DbError> {
        let change = move |tx: &Transaction<'_>| {
            for id in &gone {
                tx.prepare_cached("DELETE FROM uptime_maintenance WHERE id = ?1")?.execute([id])?;
            }
            stored.iter().map(|one| put(tx, one)).collect()
        };
        self.db.write(change).await
    }
}
