//! Who gets reports by mail, in SQL.

use rusqlite::{Row, Transaction, params};

use super::Store;
use crate::platform::db::DbError;
use crate::uptime::model::readers::Readers;

/// Reports by mail at most.
pub const READERS_MAX: usize = 200;

fn from_row(row: &Row<'_>) -> rusqlite::Result<Readers> {
    Ok(Readers {
        id: row.get(0)?,
        to: row.get(1)?,
        labels: row.get(2)?,
        zone: row.get(3)?,
        lang: row.get(4)?,
        made_at: row.get(5)?,
        sent: row.get(6)?,
        tried_at: row.get(7)?,
        tries: row.get(8)?,
        problem: row.get(9)?,
    })
}

impl Store {
    /// Everyone who gets reports, in order of making. Blocking.
    pub fn readers(&self) -> Result<Vec<Readers>, DbError> {
        let sql = "SELECT id, recipients, labels, zone, lang, made_ms, sent, tried_ms, tries, problem FROM uptime_readers ORDER BY id";
        self.db.read(|db| db.prepare(sql)?.query_map([], from_row)?.collect())
    }

    /// Adds some, or none where there are as many as may be. Gives its number.
    pub async fn add_readers(&self, readers: Readers) -> Result<Option<i64>, DbError> {
        let add = move |tx: &Transaction<'_>| {
            let count: i64 = tx.query_row("SELECT count(*) FROM uptime_readers", [], |row| row.get(0))?;
            if count >= READERS_MAX as i64 {
                return Ok(None);
            }
            let sql = "INSERT INTO uptime_readers (recipients, labels, zone, lang, made_ms, sent, tried_ms, tries, problem) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, '')";
            let Readers { to, labels, zone, lang, made_at, sent, .. } = readers;
            tx.prepare_cached(sql)?.execute(params![to, labels, zone, lang, made_at, sent])?;
            Ok(Some(tx.last_insert_rowid()))
        };
        self.db.write(add).await
    }

    /// Forgets some. Says whether there were any.
    pub async fn delete_readers(&self, id: i64) -> Result<bool, DbError> {
        self.db.write(move |tx| Ok(tx.execute("DELETE FROM uptime_readers WHERE id = ?1", [id])? > 0)).await
    }

    /// Takes down that a month was sent.
    pub async fn sent_to_readers(&self, id: i64, month: String, at: i64) -> Result<(), DbError> {
        let sql = "UPDATE uptime_readers SET sent = ?2, tried_ms = ?3, tries = 0, problem = '' WHERE id = ?1";
        self.db.write(move |tx| tx.execute(sql, params![id, month, at]).map(drop)).await
    }

    /// Takes down that one was tried in vain.
    pub async fn failed_readers(&self, id: i64, problem: String, at: i64) -> Result<(), DbError> {
        let sql = "UPDATE uptime_readers SET tried_ms = ?2, tries = tries + 1, problem = ?3 WHERE id = ?1";
        self.db.write(move |tx| tx.execute(sql, params![id, at, problem]).map(drop)).await
    }
}
