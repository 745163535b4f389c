//! Definitions of checks in SQL.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::Store;
use crate::platform::db::DbError;

/// Checks of one server at most.
pub const CHECKS_MAX: i64 = 10_000;

/// A check as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Names it in the other tables.
    pub id: i64,
    /// Its name; no other has it.
    pub name: String,
    /// The check in YAML, secrets included.
    pub definition: String,
    /// The file it comes from; empty for none.
    pub file: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// When it was changed last.
    pub changed_at: i64,
}

/// Why a check was not stored.
#[derive(Debug, thiserror::Error)]
pub enum NotStored {
    /// The name is taken.
    #[error("there is a check named {0:?} already")]
    Taken(String),
    /// There are as many as may be.
    #[error("there are {CHECKS_MAX} checks, which is as many as may be: delete some")]
    Full,
    /// There is no such check.
    #[error("there is no such check")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

const COLUMNS: &str = "id, name, definition, file, made_ms, changed_ms";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: row.get(0)?,
        name: row.get(1)?,
        definition: row.get(2)?,
        file: row.get(3)?,
        made_at: row.get(4)?,
        changed_at: row.get(5)?,
    })
}

fn by_name(db: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM uptime_checks WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()
}

fn put(tx: &Transaction<'_>, check: &Stored) -> rusqlite::Result<Result<i64, NotStored>> {
    if by_name(tx, &check.name)?.is_some_and(|id| id != check.id) {
        return Ok(Err(NotStored::Taken(check.name.clone())));
    }
    if check.id != 0 {
        let sql = "UPDATE uptime_checks SET name = ?2, definition = ?3, file = ?4, changed_ms = ?5 WHERE id = ?1";
        let changed = tx.prepare_cached(sql)?.execute(params![check.id, check.name, check.definition, check.file, check.changed_at])?;
        return Ok(if changed == 0 { Err(NotStored::Unknown) } else { Ok(check.id) });
    }
    if tx.query_row("SELECT count(*) FROM uptime_checks", [], |row| row.get::<_, i64>(0))? >= CHECKS_MAX {
        return Ok(Err(NotStored::Full));
    }
    let sql = "INSERT INTO uptime_checks (name, definition, file, made_ms, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.prepare_cached(sql)?.execute(params![check.name, check.definition, check.file, check.made_at, check.changed_at])?;
    Ok(Ok(tx.last_insert_rowid()))
}

impl Store {
    /// Every check, by name. Blocking.
    pub fn checks(&self) -> Result<Vec<Stored>, DbError> {
        self.db.read(|db| db.prepare(&format!("SELECT {COLUMNS} FROM uptime_checks ORDER BY name"))?.query_map([], from_row)?.collect())
    }

    /// Stores checks, all or none; those whose id is 0 are new. Gives their ids in the same order.
    pub async fn put_checks(&self, checks: Vec<Stored>) -> Result<Vec<i64>, NotStored> {
        let stored = self.db.write(move |tx| {
            let mut ids = Vec::with_capacity(checks.len());
            for check in &checks {
                match put(tx, check)? {
                    Ok(id) => ids.push(id),
                    Err(why) => {
                        // Only an error rolls back; which one it was is told beside it.
                        return Err(refusal(why));
                    }
                }
            }
            Ok(ids)
        });
        stored.await.map_err(told)
    }

    /// Deletes checks with everything that is known of them. Gives how many there were.
    pub async fn delete_checks(&self, ids: Vec<i64>) -> Result<usize, DbError> {
        let delete = move |tx: &Transaction<'_>| {
            let mut gone = 0;
            for id in &ids {
                for table in ["uptime_spans", "uptime_hours", "uptime_days", "uptime_incidents"] {
                    tx.prepare_cached(&format!("DELETE FROM {table} WHERE check_id = ?1"))?.execute([id])?;
                }
                gone += tx.prepare_cached("DELETE FROM uptime_checks WHERE id = ?1")?.execute([id])?;
            }
            Ok(gone)
        };
        self.db.write(delete).await
    }
}

/// A refusal on its way through an error of SQLite.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(NotStored);

fn refusal(why: NotStored) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(Refused(why)))
}

fn told(error: DbError) -> NotStored {
    match error {
        DbError::Sqlite(rusqlite::Error::ToSqlConversionFailure(inner)) => match inner.downcast::<Refused>() {
            Ok(refused) => refused.0,
            Err(other) => NotStored::Db(DbError::Sqlite(rusqlite::Error::ToSqlConversionFailure(other))),
        },
        other => NotStored::Db(other),
    }
}
