//! What must survive a restart: objectives, and their days. The only place of the wing that knows SQL.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::platform::db::{Db, DbError};

/// Objectives that are kept at most: each has some sixty rules.
pub const SLOS_MAX: i64 = 2_000;
/// Days that are kept.
pub const DAYS_KEPT: i64 = 5 * 366;

/// An objective as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// In YAML.
    pub definition: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// When it was changed last.
    pub changed_at: i64,
    /// By whom.
    pub changed_by: String,
    /// The file in which it stands; empty for none.
    pub file: String,
}

/// What was left of a budget at the end of a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// The labels that group, as text.
    pub labels: String,
    /// Days since 1970-01-01.
    pub day: i64,
    /// The part that was left.
    pub left: f64,
    /// Events over the period until then.
    pub events: f64,
    /// The bad ones.
    pub bad: f64,
}

/// Why an objective was not stored.
#[derive(Debug, thiserror::Error)]
pub enum NotStored {
    /// Another has the name.
    #[error("there is an SLO named {0:?} already")]
    Taken(String),
    /// It is gone.
    #[error("there is no SLO {0:?}")]
    Missing(String),
    /// There is no room.
    #[error("there are {SLOS_MAX} SLOs, and no more may be")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The tables of the wing.
#[derive(Debug, Clone)]
pub struct Store {
    db: Arc<Db>,
}

fn stored(row: &Row<'_>) -> Result<Stored, rusqlite::Error> {
    Ok(Stored {
        name: row.get(0)?,
        definition: row.get(1)?,
        made_at: row.get(2)?,
        changed_at: row.get(3)?,
        changed_by: row.get(4)?,
        file: row.get(5)?,
    })
}

fn exists(db: &Connection, name: &str) -> Result<bool, rusqlite::Error> {
    Ok(db.query_row("SELECT 1 FROM slos WHERE name = ?1", [name], |_| Ok(())).optional()?.is_some())
}

impl Store {
    /// In the server's database.
    pub const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// Every objective, by name. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn all(&self) -> Result<Vec<Stored>, DbError> {
        let sql = "SELECT name, definition, made_ms, changed_ms, changed_by, file FROM slos ORDER BY name";
        self.db.read(|db| db.prepare_cached(sql)?.query_map([], stored)?.collect())
    }

    /// Stores an objective, in place of the one named `before` if that is given; its days stay.
    ///
    /// # Errors
    /// Why not.
    pub async fn put(&self, before: Option<String>, new: Stored) -> Result<(), NotStored> {
        let put = move |tx: &rusqlite::Transaction<'_>| {
            if before.as_ref() != Some(&new.name) && exists(tx, &new.name)? {
                return Ok(Err(NotStored::Taken(new.name)));
            }
            let Some(before) = before else {
                let count: i64 = tx.query_row("SELECT count(*) FROM slos", [], |row| row.get(0))?;
                if count >= SLOS_MAX {
                    return Ok(Err(NotStored::Full));
                }
                let sql = "INSERT INTO slos (name, definition, made_ms, changed_ms, changed_by, file) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                tx.execute(sql, params![new.name, new.definition, new.made_at, new.changed_at, new.changed_by, new.file])?;
                return Ok(Ok(()));
            };
            let sql = "UPDATE slos SET name = ?2, definition = ?3, changed_ms = ?4, changed_by = ?5, file = ?6 WHERE name = ?1";
            let changed = tx.execute(sql, params![before, new.name, new.definition, new.changed_at, new.changed_by, new.file])?;
            Ok(if changed == 0 { Err(NotStored::Missing(before)) } else { Ok(()) })
        };
        self.db.write(put).await?
    }

    /// Forgets an objective and its days.
    ///
    /// # Errors
    /// Why not.
    pub async fn delete(&self, name: String) -> Result<(), NotStored> {
        let gone = name.clone();
        let deleted = self.db.write(move |tx| tx.execute("DELETE FROM slos WHERE name = ?1", [gone])).await?;
        if deleted == 0 { Err(NotStored::Missing(name)) } else { Ok(()) }
    }

    /// Writes days of objectives (their names in front), in place of what was known of them, and forgets old ones.
    ///
    /// # Errors
    /// The database's.
    pub async fn write_days(&self, days: Vec<(String, Day)>, today: i64) -> Result<(), DbError> {
        self.db
            .write(move |tx| {
                // An objective may have been deleted in the meantime.
                let sql = "INSERT INTO slo_days (slo, labels, day, budget_left, events, bad) \
                           SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM slos WHERE name = ?1) \
                           ON CONFLICT (slo, labels, day) DO UPDATE SET budget_left = ?4, events = ?5, bad = ?6";
                let mut put = tx.prepare_cached(sql)?;
                for (slo, day) in &days {
                    put.execute(params![slo, day.labels, day.day, day.left, day.events, day.bad])?;
                }
                tx.execute("DELETE FROM slo_days WHERE day < ?1", [today - DAYS_KEPT])
            })
            .await
            .map(|_| ())
    }

    /// Days of an objective since one of them (days since 1970-01-01), by labels and ascending. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn days(&self, name: &str, since: i64) -> Result<Vec<Day>, DbError> {
        let sql = "SELECT labels, day, budget_left, events, bad FROM slo_days WHERE slo = ?1 AND day >= ?2 ORDER BY labels, day";
        let one =
            |row: &Row<'_>| Ok(Day { labels: row.get(0)?, day: row.get(1)?, left: row.get(2)?, events: row.get(3)?, bad: row.get(4)? });
        self.db.read(|db| db.prepare_cached(sql)?.query_map(params![name, since], one)?.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str) -> Stored {
        Stored { name: name.into(), definition: "x".into(), made_at: 1, changed_at: 1, changed_by: "ann".into(), file: String::new() }
    }

    #[tokio::test]
    async fn objectives_keep_their_days_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap()));
        store.put(None, stored("a")).await.unwrap();
        assert!(matches!(store.put(None, stored("a")).await, Err(NotStored::Taken(_))));
        let day = |day, left| Day { labels: String::new(), day, left, events: 10.0, bad: 1.0 };
        let days = vec![("a".to_owned(), day(1, 0.5)), ("a".to_owned(), day(2, 0.4)), ("gone".to_owned(), day(2, 0.4))];
        store.write_days(days, 2).await.unwrap();
        store.write_days(vec![("a".to_owned(), day(2, 0.3))], 2).await.unwrap();
        store.put(Some("a".to_owned()), stored("b")).await.unwrap();
        assert_eq!(store.days("b", 0).unwrap(), [day(1, 0.5), day(2, 0.3)]);
        assert_eq!(store.days("a", 0).unwrap(), []);
        assert!(matches!(store.put(Some("a".to_owned()), stored("c")).await, Err(NotStored::Missing(_))));
        store.write_days(Vec::new(), DAYS_KEPT + 2).await.unwrap();
        assert_eq!(store.days("b", 0).unwrap().len(), 1, "old days are forgotten");
        store.delete("b".to_owned()).await.unwrap();
        assert!(store.days("b", 0).unwrap().is_empty() && store.all().unwrap().is_empty());
        assert!(matches!(store.delete("b".to_owned()).await, Err(NotStored::Missing(_))));
    }
}
