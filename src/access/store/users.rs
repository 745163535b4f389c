//! Table `users`.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::access::policy::Role;

/// A person who may sign in. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Key.
    pub id: i64,
    /// The name they sign in with, unique without regard to case.
    pub name: String,
    /// Where mail reaches them; may be empty.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in with a password.
    pub has_password: bool,
    /// The identity provider they come from, if any; `proxy` for trusted proxies.
    pub issuer: Option<String>,
    /// What they are called there, for programs.
    pub subject: Option<String>,
    /// Whether a second factor is asked for.
    pub has_totp: bool,
    /// Whether they are kept out.
    pub disabled: bool,
    /// When they were made.
    pub created_ms: i64,
    /// When they last signed in.
    pub signed_in_ms: Option<i64>,
}

/// What only signing in may see.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// PHC string.
    pub password_hash: Option<String>,
    /// Base32 secret of the second factor.
    pub totp_secret: Option<String>,
}

const COLUMNS: &str =
    "id, name, email, role, password_hash IS NOT NULL, issuer, totp_secret IS NOT NULL, disabled, created_ms, signed_in_ms, subject";

fn from_row(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(3)?;
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        // The table's own check lets nothing else in; should it, the least is right.
        role: Role::parse(&role).unwrap_or(Role::Viewer),
        has_password: row.get(4)?,
        issuer: row.get(5)?,
        has_totp: row.get(6)?,
        disabled: row.get(7)?,
        created_ms: row.get(8)?,
        signed_in_ms: row.get(9)?,
        subject: row.get(10)?,
    })
}

/// Everyone, by name.
pub fn all(db: &Connection) -> rusqlite::Result<Vec<User>> {
    db.prepare(&format!("SELECT {COLUMNS} FROM users ORDER BY name"))?.query_map([], from_row)?.collect()
}

/// One, by key.
pub fn by_id(db: &Connection, id: i64) -> rusqlite::Result<Option<User>> {
    db.query_row(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"), [id], from_row).optional()
}

/// One who comes from an identity provider.
pub fn by_identity(db: &Connection, issuer: &str, subject: &str) -> rusqlite::Result<Option<User>> {
    db.query_row(&format!("SELECT {COLUMNS} FROM users WHERE issuer = ?1 AND subject = ?2"), [issuer, subject], from_row).optional()
}

/// Every name.
pub fn names(db: &Connection) -> rusqlite::Result<Vec<String>> {
    db.prepare("SELECT name FROM users")?.query_map([], |row| row.get(0))?.collect()
}

/// Secrets of one.
pub fn credentials(db: &Connection, id: i64) -> rusqlite::Result<Option<Credentials>> {
    let read = |row: &Row<'_>| Ok(Credentials { password_hash: row.get(0)?, totp_secret: row.get(1)? });
    db.query_row("SELECT password_hash, totp_secret FROM users WHERE id = ?1", [id], read).optional()
}

/// What a new user consists of.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Name.
    pub name: String,
    /// Mail address or nothing.
    pub email: String,
    /// Role.
    pub role: Role,
    /// PHC string; `None` for people who come from elsewhere.
    pub password_hash: Option<String>,
    /// Issuer and subject of an identity provider.
    pub identity: Option<(String, String)>,
}

/// Adds a user and returns the key. A name that exists is a constraint violation.
pub fn insert(tx: &Transaction<'_>, user: &NewUser, now_ms: i64) -> rusqlite::Result<i64> {
    let (issuer, subject) = user.identity.as_ref().map_or((None, None), |(issuer, subject)| (Some(issuer), Some(subject)));
    tx.execute(
        "INSERT INTO users (name, email, role, password_hash, issuer, subject, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![user.name, user.email, user.role.as_str(), user.password_hash, issuer, subject, now_ms],
    )?;
    Ok(tx.last_insert_rowid())
}

/// Changes mail address, role and whether they are kept out.
pub fn update(tx: &Transaction<'_>, user: &User) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE users SET name = ?2, email = ?3, role = ?4, disabled = ?5 WHERE id = ?1",
        params![user.id, user.name, user.email, user.role.as_str(), user.disabled],
    )?;
    Ok(())
}

/// Sets or takes away the password.
pub fn set_password(tx: &Transaction<'_>, id: i64, hash: Option<&str>) -> rusqlite::Result<()> {
    tx.execute("UPDATE users SET password_hash = ?2 WHERE id = ?1", params![id, hash])?;
    Ok(())
}

/// Sets or takes away the second factor and its recovery codes.
pub fn set_totp(tx: &Transaction<'_>, id: i64, secret: Option<&str>, step: i64, recovery: &[[u8; 32]]) -> rusqlite::Result<()> {
    tx.execute("UPDATE users SET totp_secret = ?2, totp_step = ?3 WHERE id = ?1", params![id, secret, step])?;
    tx.execute("DELETE FROM recovery_codes WHERE user_id = ?1", [id])?;
    for hash in recovery {
        tx.execute("INSERT INTO recovery_codes (user_id, hash) VALUES (?1, ?2)", params![id, hash])?;
    }
    Ok(())
}

/// Uses up a step of the second factor. `false` when it, or a later one, was used before.
pub fn use_totp_step(tx: &Transaction<'_>, id: i64, step: i64) -> rusqlite::Result<bool> {
    Ok(tx.execute("UPDATE users SET totp_step = ?2 WHERE id = ?1 AND totp_step < ?2", params![id, step])? == 1)
}

/// Uses up a recovery code. `false` when there is no such code.
pub fn use_recovery_code(tx: &Transaction<'_>, id: i64, hash: &[u8; 32]) -> rusqlite::Result<bool> {
    Ok(tx.execute("DELETE FROM recovery_codes WHERE user_id = ?1 AND hash = ?2", params![id, hash])? == 1)
}

/// Notes that somebody signed in.
pub fn signed_in(tx: &Transaction<'_>, id: i64, now_ms: i64) -> rusqlite::Result<()> {
    tx.execute("UPDATE users SET signed_in_ms = ?2 WHERE id = ?1", params![id, now_ms])?;
    Ok(())
}

/// Removes a user with sessions and recovery codes.
pub fn delete(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM users WHERE id = ?1", [id])?;
    Ok(())
}

/// Keys of those who may change the server and can sign in.
pub fn admins(db: &Connection) -> rusqlite::Result<Vec<i64>> {
    db.prepare("SELECT id FROM users WHERE role = 'admin' AND disabled = 0 AND (password_hash IS NOT NULL OR issuer IS NOT NULL)")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Whether nobody could change the server without this one. Ask inside the transaction that takes them away.
pub fn is_last_admin(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<bool> {
    Ok(admins(tx)? == [id])
}

/// How many recovery codes somebody has left.
pub fn recovery_codes(db: &Connection, id: i64) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM recovery_codes WHERE user_id = ?1", [id], |row| row.get(0))
}
