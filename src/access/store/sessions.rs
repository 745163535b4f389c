//! Table `sessions`.

use rusqlite::{Connection, Row, Transaction, params};

use crate::access::key::KeyHash;

/// A browser that is signed in. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Key.
    pub id: i64,
    /// SHA-256 of the cookie.
    pub hash: KeyHash,
    /// Whose it is.
    pub user_id: i64,
    /// When they signed in.
    pub created_ms: i64,
    /// When they last asked for something.
    pub seen_ms: i64,
    /// When the cookie was last exchanged.
    pub rotated_ms: i64,
    /// From where, last.
    pub address: String,
    /// With what, at most 200 characters of it.
    pub agent: String,
}

const COLUMNS: &str = "id, hash, user_id, created_ms, seen_ms, rotated_ms, address, agent";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        hash: row.get(1)?,
        user_id: row.get(2)?,
        created_ms: row.get(3)?,
        seen_ms: row.get(4)?,
        rotated_ms: row.get(5)?,
        address: row.get(6)?,
        agent: row.get(7)?,
    })
}

/// All, newest use first.
pub fn all(db: &Connection) -> rusqlite::Result<Vec<Session>> {
    db.prepare(&format!("SELECT {COLUMNS} FROM sessions ORDER BY seen_ms DESC"))?.query_map([], from_row)?.collect()
}

/// Adds one and returns its key; `id` is not read.
pub fn insert(tx: &Transaction<'_>, session: &Session) -> rusqlite::Result<i64> {
    tx.execute(
        "INSERT INTO sessions (hash, user_id, created_ms, seen_ms, rotated_ms, address, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![session.hash, session.user_id, session.created_ms, session.seen_ms, session.rotated_ms, session.address, session.agent],
    )?;
    Ok(tx.last_insert_rowid())
}

/// Exchanges the cookie. `false` when another request has done so meanwhile.
pub fn rotate(tx: &Transaction<'_>, id: i64, old: &KeyHash, new: &KeyHash, now_ms: i64) -> rusqlite::Result<bool> {
    Ok(tx.execute("UPDATE sessions SET hash = ?3, rotated_ms = ?4 WHERE id = ?1 AND hash = ?2", params![id, old, new, now_ms])? == 1)
}

/// Gives a session of a user another cookie, whatever it had. `false` when there is no such session.
pub fn renew(tx: &Transaction<'_>, id: i64, user_id: i64, new: &KeyHash, now_ms: i64) -> rusqlite::Result<bool> {
    Ok(tx.execute("UPDATE sessions SET hash = ?3, rotated_ms = ?4 WHERE id = ?1 AND user_id = ?2", params![id, user_id, new, now_ms])? == 1)
}

/// Ends all of one user but the newest.
pub fn keep_newest(tx: &Transaction<'_>, user_id: i64, kept: u32) -> rusqlite::Result<usize> {
    tx.execute(
        "DELETE FROM sessions WHERE user_id = ?1 AND id NOT IN (SELECT id FROM sessions WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2)",
        params![user_id, kept],
    )
}

/// Notes the last use.
pub fn touch(tx: &Transaction<'_>, id: i64, seen_ms: i64, address: &str) -> rusqlite::Result<()> {
    tx.execute("UPDATE sessions SET seen_ms = ?2, address = ?3 WHERE id = ?1", params![id, seen_ms, address])?;
    Ok(())
}

/// Ends one.
pub fn delete(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM sessions WHERE id = ?1", [id])?;
    Ok(())
}

/// Ends all of one user, but for `except`.
pub fn delete_of_user(tx: &Transaction<'_>, user_id: i64, except: Option<i64>) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM sessions WHERE user_id = ?1 AND id IS NOT ?2", params![user_id, except])?;
    Ok(())
}

/// Removes all.
pub fn delete_all(tx: &Transaction<'_>) -> rusqlite::Result<usize> {
    tx.execute("DELETE FROM sessions", [])
}

/// Removes those not seen since, or older than, these times; `outside_before_ms` is for people who come from elsewhere.
pub fn prune(tx: &Transaction<'_>, seen_before_ms: i64, created_before_ms: i64, outside_before_ms: i64) -> rusqlite::Result<usize> {
    tx.execute(
        "DELETE FROM sessions WHERE seen_ms < ?1 OR created_ms < ?2
            OR (created_ms < ?3 AND user_id IN (SELECT id FROM users WHERE issuer IS NOT NULL))",
        [seen_before_ms, created_before_ms, outside_before_ms],
    )
}
