//! Table `audit`.

use rusqlite::{Connection, Row, Transaction, params};

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Key; grows with time.
    pub id: i64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who: a user's name, or `token "name"`.
    pub actor: String,
    /// From where.
    pub address: String,
    /// What, as `user.create`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// How it was before, as JSON without secrets.
    pub before: Option<String>,
    /// How it is now.
    pub after: Option<String>,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only lines of this actor.
    pub actor: Option<String>,
    /// Only actions that begin with this.
    pub action: Option<String>,
    /// Only lines from this moment on, in milliseconds since the Unix epoch.
    pub since_ms: Option<i64>,
    /// Only lines before this moment.
    pub until_ms: Option<i64>,
    /// Only lines before this key.
    pub before_id: Option<i64>,
    /// At most this many.
    pub limit: u32,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<AuditLine> {
    Ok(AuditLine {
        id: row.get(0)?,
        at_ms: row.get(1)?,
        actor: row.get(2)?,
        address: row.get(3)?,
        action: row.get(4)?,
        subject: row.get(5)?,
        before: row.get(6)?,
        after: row.get(7)?,
    })
}

/// Adds a line; `id` is not read.
pub fn insert(tx: &Transaction<'_>, line: &AuditLine) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO audit (at_ms, actor, address, action, subject, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![line.at_ms, line.actor, line.address, line.action, line.subject, line.before, line.after],
    )?;
    Ok(())
}

/// Lines, newest first.
pub fn list(db: &Connection, filter: &AuditFilter) -> rusqlite::Result<Vec<AuditLine>> {
    db.prepare(
        "SELECT id, at_ms, actor, address, action, subject, before, after FROM audit
         WHERE (?1 IS NULL OR actor = ?1) AND (?2 IS NULL OR substr(action, 1, length(?2)) = ?2) AND (?3 IS NULL OR id < ?3)
         AND (?4 IS NULL OR at_ms >= ?4) AND (?5 IS NULL OR at_ms < ?5)
         ORDER BY id DESC LIMIT ?6",
    )?
    .query_map(params![filter.actor, filter.action, filter.before_id, filter.since_ms, filter.until_ms, filter.limit], from_row)?
    .collect()
}

/// Removes lines older than this.
pub fn prune(tx: &Transaction<'_>, before_ms: i64) -> rusqlite::Result<usize> {
    tx.execute("DELETE FROM audit WHERE at_ms < ?1", [before_ms])
}
