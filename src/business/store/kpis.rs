//! Definitions of KPIs in SQL.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{KpiId, Store};
use crate::platform::db::DbError;

/// KPIs of one server at most.
pub const KPIS_STORED_MAX: i64 = 1_000;

/// A KPI as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKpi {
    /// Names it in the other tables; 0 for one that is new.
    pub id: KpiId,
    /// Its name; no other has it.
    pub name: String,
    /// The KPI in YAML, without its password.
    pub definition: String,
    /// The password of its database; empty for none.
    pub password: String,
    /// The file it comes from; empty for none.
    pub file: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// When it was changed last.
    pub changed_at: i64,
}

/// Why a KPI was not stored.
#[derive(Debug, thiserror::Error)]
pub enum NotStored {
    /// The name is taken.
    #[error("there is a KPI named {0:?} already")]
    Taken(String),
    /// There are as many as may be.
    #[error("there are {KPIS_STORED_MAX} KPIs, which is as many as may be: delete some")]
    Full,
    /// There is no such KPI.
    #[error("there is no such KPI")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

const COLUMNS: &str = "id, name, definition, password, file, made_ms, changed_ms";

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredKpi> {
    Ok(StoredKpi {
        id: row.get(0)?,
        name: row.get(1)?,
        definition: row.get(2)?,
        password: row.get(3)?,
        file: row.get(4)?,
        made_at: row.get(5)?,
        changed_at: row.get(6)?,
    })
}

/// What stands against storing them; none if nothing does.
fn objection(db: &Connection, kpis: &[StoredKpi]) -> rusqlite::Result<Option<NotStored>> {
    let mut by_name = db.prepare_cached("SELECT id FROM business_kpis WHERE name = ?1")?;
    let mut by_id = db.prepare_cached("SELECT 1 FROM business_kpis WHERE id = ?1")?;
    for kpi in kpis {
        let taken: Option<KpiId> = by_name.query_row([&kpi.name], |row| row.get(0)).optional()?;
        // Of those that are stored together, one may take the name that another gives up.
        if taken.is_some_and(|id| id != kpi.id && !kpis.iter().any(|other| other.id == id && !other.name.eq_ignore_ascii_case(&kpi.name))) {
            return Ok(Some(NotStored::Taken(kpi.name.clone())));
        }
        if kpi.id != 0 && !by_id.exists([kpi.id])? {
            return Ok(Some(NotStored::Unknown));
        }
    }
    let stored: i64 = db.query_row("SELECT count(*) FROM business_kpis", [], |row| row.get(0))?;
    let new = i64::try_from(kpis.iter().filter(|kpi| kpi.id == 0).count()).unwrap_or(i64::MAX);
    Ok((new > 0 && stored.saturating_add(new) > KPIS_STORED_MAX).then_some(NotStored::Full))
}

fn put(tx: &Transaction<'_>, kpi: &StoredKpi) -> rusqlite::Result<KpiId> {
    if kpi.id != 0 {
        let sql = "UPDATE business_kpis SET name = ?2, definition = ?3, password = ?4, file = ?5, changed_ms = ?6 WHERE id = ?1";
        tx.prepare_cached(sql)?.execute(params![kpi.id, kpi.name, kpi.definition, kpi.password, kpi.file, kpi.changed_at])?;
        return Ok(kpi.id);
    }
    let sql = "INSERT INTO business_kpis (name, definition, password, file, made_ms, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.prepare_cached(sql)?.execute(params![kpi.name, kpi.definition, kpi.password, kpi.file, kpi.made_at, kpi.changed_at])?;
    Ok(tx.last_insert_rowid())
}

impl Store {
    /// Every KPI, by name. Blocking.
    pub fn kpis(&self) -> Result<Vec<StoredKpi>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM business_kpis ORDER BY name");
        self.db.read(|db| db.prepare_cached(&sql)?.query_map([], from_row)?.collect())
    }

    /// Stores KPIs, all or none; those whose id is 0 are new. Gives their ids in the same order.
    pub async fn put_kpis(&self, kpis: Vec<StoredKpi>) -> Result<Vec<KpiId>, NotStored> {
        let all = move |tx: &Transaction<'_>| match objection(tx, &kpis)? {
            Some(why) => Ok(Err(why)),
            None => kpis.iter().map(|kpi| put(tx, kpi)).collect::<rusqlite::Result<Vec<_>>>().map(Ok),
        };
        self.db.write(all).await?
    }

    /// Deletes a KPI with everything that is known of it. Gives whether there was one.
    pub async fn delete_kpi(&self, id: KpiId) -> Result<bool, DbError> {
        let delete = move |tx: &Transaction<'_>| Ok(tx.execute("DELETE FROM business_kpis WHERE id = ?1", [id])? > 0);
        self.db.write(delete).await
    }
}
