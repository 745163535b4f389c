//! KPIs that are shown to people without an account, in SQL.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::values::{grain_number, grain_of};
use super::{KpiId, Store};
use crate::base::period::Grain;
use crate::business::model::share::Share;
use crate::platform::db::DbError;

/// Shares of one KPI at most.
pub(super) const SHARES_OF_KPI_MAX: i64 = 50;
/// Shares in all at most.
const SHARES_MAX: i64 = 1_000;

const COLUMNS: &str = "id, kpi_id, token, title, grain, label, made_ms, made_by, expires_ms, is_on";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Share> {
    Ok(Share {
        id: row.get(0)?,
        kpi: row.get(1)?,
        token: row.get(2)?,
        title: row.get(3)?,
        grain: grain_of(row.get(4)?).unwrap_or(Grain::Day),
        label: row.get(5)?,
        made_at: row.get(6)?,
        made_by: row.get(7)?,
        expires_at: row.get(8)?,
        is_on: row.get(9)?,
    })
}

fn one(db: &Connection, kpi: KpiId, id: i64) -> rusqlite::Result<Option<Share>> {
    let sql = format!("SELECT {COLUMNS} FROM business_shares WHERE id = ?1 AND kpi_id = ?2");
    db.prepare_cached(&sql)?.query_row([id, kpi], from_row).optional()
}

fn add(tx: &Transaction<'_>, share: &Share) -> rusqlite::Result<bool> {
    // Those that ended show nothing to anybody.
    tx.execute("DELETE FROM business_shares WHERE expires_ms > 0 AND expires_ms <= ?1", [share.made_at])?;
    let of_kpi = "SELECT count(*) FROM business_shares WHERE kpi_id = ?1";
    let of_kpi: i64 = tx.query_row(of_kpi, [share.kpi], |row| row.get(0))?;
    let all: i64 = tx.query_row("SELECT count(*) FROM business_shares", [], |row| row.get(0))?;
    if of_kpi >= SHARES_OF_KPI_MAX || all >= SHARES_MAX {
        return Ok(false);
    }
    let sql = "INSERT INTO business_shares (kpi_id, token, title, grain, label, made_ms, made_by, expires_ms, is_on) \
               SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM business_kpis WHERE id = ?1";
    let grain = grain_number(share.grain);
    let values =
        params![share.kpi, share.token, share.title, grain, share.label, share.made_at, share.made_by, share.expires_at, share.is_on];
    Ok(tx.execute(sql, values)? > 0)
}

impl Store {
    /// Keeps a share. Gives whether there was room for it, and its KPI.
    pub async fn add_share(&self, share: Share) -> Result<bool, DbError> {
        self.db.write(move |tx| add(tx, &share)).await
    }

    /// A share by its token. Blocking.
    pub fn share(&self, token: &str) -> Result<Option<Share>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM business_shares WHERE token = ?1");
        self.db.read(|db| db.prepare_cached(&sql)?.query_row([token], from_row).optional())
    }

    /// Shares of a KPI, the newest first. Blocking.
    pub fn shares(&self, kpi: KpiId) -> Result<Vec<Share>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM business_shares WHERE kpi_id = ?1 ORDER BY id DESC");
        self.db.read(|db| db.prepare_cached(&sql)?.query_map([kpi], from_row)?.collect())
    }

    /// Switches a share of a KPI on or off; gives what it was, none if it is not there.
    pub async fn switch_share(&self, kpi: KpiId, id: i64, is_on: bool) -> Result<Option<Share>, DbError> {
        let switch = move |tx: &Transaction<'_>| {
            let was = one(tx, kpi, id)?;
            tx.execute("UPDATE business_shares SET is_on = ?3 WHERE id = ?1 AND kpi_id = ?2", params![id, kpi, is_on])?;
            Ok(was)
        };
        self.db.write(switch).await
    }

    /// Deletes a share of a KPI; gives what it was, none if it is not there.
    pub async fn delete_share(&self, kpi: KpiId, id: i64) -> Result<Option<Share>, DbError> {
        let delete = move |tx: &Transaction<'_>| {
            let was = one(tx, kpi, id)?;
            tx.execute("DELETE FROM business_shares WHERE id = ?1 AND kpi_id = ?2", [id, kpi])?;
            Ok(was)
        };
        self.db.write(delete).await
    }
}
