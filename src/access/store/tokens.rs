//! Table `tokens`.

use rusqlite::{Connection, Row, Transaction, params};

use crate::access::key::KeyHash;
use crate::access::policy::Scope;

/// A key of a program. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Key.
    pub id: i64,
    /// SHA-256 of the token.
    pub hash: KeyHash,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_ms: i64,
    /// When it ends; `None` for never.
    pub expires_ms: Option<i64>,
    /// Requests a second, where it has a limit of its own.
    pub rate_max: Option<f64>,
    /// When it was last used.
    pub used_ms: Option<i64>,
    /// From where.
    pub used_from: Option<String>,
}

const COLUMNS: &str = "id, hash, name, scopes, created_by, created_ms, expires_ms, rate_max, used_ms, used_from";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Token> {
    let scopes: String = row.get(3)?;
    Ok(Token {
        id: row.get(0)?,
        hash: row.get(1)?,
        name: row.get(2)?,
        scopes: scopes.split(' ').filter_map(Scope::parse).collect(),
        created_by: row.get(4)?,
        created_ms: row.get(5)?,
        expires_ms: row.get(6)?,
        rate_max: row.get(7)?,
        used_ms: row.get(8)?,
        used_from: row.get(9)?,
    })
}

/// All, newest first.
pub fn all(db: &Connection) -> rusqlite::Result<Vec<Token>> {
    db.prepare(&format!("SELECT {COLUMNS} FROM tokens ORDER BY id DESC"))?.query_map([], from_row)?.collect()
}

/// Adds one and returns its key; `id` is not read.
pub fn insert(tx: &Transaction<'_>, token: &Token) -> rusqlite::Result<i64> {
    let scopes = token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    tx.execute(
        "INSERT INTO tokens (hash, name, scopes, created_by, created_ms, expires_ms, rate_max) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![token.hash, token.name, scopes, token.created_by, token.created_ms, token.expires_ms, token.rate_max],
    )?;
    Ok(tx.last_insert_rowid())
}

/// Notes the last use.
pub fn touch(tx: &Transaction<'_>, id: i64, used_ms: i64, from: &str) -> rusqlite::Result<()> {
    tx.execute("UPDATE tokens SET used_ms = ?2, used_from = ?3 WHERE id = ?1", params![id, used_ms, from])?;
    Ok(())
}

/// Ends those that a user made, and gives their keys and names.
pub fn delete_made_by(tx: &Transaction<'_>, name: &str) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement = tx.prepare("DELETE FROM tokens WHERE created_by = ?1 RETURNING id, name")?;
    statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Ends one.
pub fn delete(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM tokens WHERE id = ?1", [id])?;
    Ok(())
}
