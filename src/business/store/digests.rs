//! What became of letters, in SQL.

use rusqlite::{Row, Transaction, params};

use super::Store;
use crate::business::model::sending::Sending;
use crate::platform::db::DbError;

fn from_row(row: &Row<'_>) -> rusqlite::Result<Sending> {
    Ok(Sending {
        id: row.get(0)?,
        name: row.get(1)?,
        since: row.get(2)?,
        settled: row.get(3)?,
        sent: row.get(4)?,
        sent_at: row.get(5)?,
        tried_at: row.get(6)?,
        tries: row.get(7)?,
        problem: row.get(8)?,
    })
}

impl Store {
    /// What became of the letters of every digest. Blocking.
    pub fn sendings(&self) -> Result<Vec<Sending>, DbError> {
        let sql = "SELECT id, name, since_ms, settled, sent, sent_ms, tried_ms, tries, problem FROM business_digests ORDER BY name";
        self.db.read(|db| db.prepare_cached(sql)?.query_map([], from_row)?.collect())
    }

    /// From now on these digests go out, each with its schedule; others are forgotten.
    pub async fn follow_digests(&self, all: Vec<(String, String)>, now: i64) -> Result<(), DbError> {
        let follow = move |tx: &Transaction<'_>| {
            let known: Vec<String> =
                tx.prepare_cached("SELECT name FROM business_digests")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for name in known.iter().filter(|name| !all.iter().any(|(wanted, _)| wanted.eq_ignore_ascii_case(name))) {
                tx.execute("DELETE FROM business_digests WHERE name = ?1", [name])?;
            }
            let sql = "INSERT INTO business_digests (name, schedule, since_ms, settled, claimed, sent, sent_ms, tried_ms, tries, problem) \
                       VALUES (?1, ?2, ?3, '', '', '', 0, 0, 0, '') \
                       ON CONFLICT (name) DO UPDATE SET schedule = excluded.schedule, since_ms = excluded.since_ms \
                       WHERE schedule <> excluded.schedule";
            for (name, schedule) in &all {
                tx.prepare_cached(sql)?.execute(params![name, schedule, now])?;
            }
            Ok(())
        };
        self.db.write(follow).await
    }

    /// Takes down that a period is being sent. Gives whether nobody had done so before: only then it may be sent.
    pub async fn claim_digest(&self, id: i64, period: String, at: i64) -> Result<bool, DbError> {
        let sql = "UPDATE business_digests SET claimed = ?2, tried_ms = ?3 WHERE id = ?1 AND claimed = '' AND settled <> ?2";
        self.db.write(move |tx| Ok(tx.execute(sql, params![id, period, at])? > 0)).await
    }

    /// Takes down that a period was sent.
    pub async fn sent_digest(&self, id: i64, period: String, at: i64) -> Result<(), DbError> {
        let sql = "UPDATE business_digests SET settled = ?2, sent = ?2, sent_ms = ?3, claimed = '', tries = 0, problem = '' WHERE id = ?1";
        self.db.write(move |tx| tx.execute(sql, params![id, period, at]).map(drop)).await
    }

    /// Takes down that one was tried in vain.
    pub async fn failed_digest(&self, id: i64, problem: String, at: i64) -> Result<(), DbError> {
        let sql = "UPDATE business_digests SET claimed = '', tried_ms = ?2, tries = tries + 1, problem = ?3 WHERE id = ?1";
        self.db.write(move |tx| tx.execute(sql, params![id, at, problem]).map(drop)).await
    }

    /// Takes down that a period is not sent any more; `problem` says why where nothing else does.
    pub async fn given_up_digest(&self, id: i64, period: String, problem: &'static str) -> Result<(), DbError> {
        let sql = "UPDATE business_digests SET settled = ?2, claimed = '', tries = 0, \
                   problem = CASE WHEN problem = '' THEN ?3 ELSE problem END WHERE id = ?1";
        self.db.write(move |tx| tx.execute(sql, params![id, period, problem]).map(drop)).await
    }

    /// What was being sent when the server ended counts as sent, as nobody knows. Gives how many those were.
    pub async fn unsure_digests(&self, problem: &'static str) -> Result<usize, DbError> {
        let sql = "UPDATE business_digests SET settled = claimed, claimed = '', tries = 0, problem = ?1 WHERE claimed <> ''";
        self.db.write(move |tx| tx.execute(sql, [problem])).await
    }

    /// Has one tried at once, as if nothing had gone wrong.
    pub async fn retry_digest(&self, name: String) -> Result<(), DbError> {
        let sql = "UPDATE business_digests SET tries = 0, problem = '' WHERE name = ?1";
        self.db.write(move |tx| tx.execute(sql, [name]).map(drop)).await
    }
}
