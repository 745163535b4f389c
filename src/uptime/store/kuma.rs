//! Uptime Kuma's own database, read as plain values. It comes from elsewhere: nothing in it is believed, it is read from
//! memory, and only as far as a few tables of a few rows go.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, Row};
use serde_json::{Map, Value};

/// Largest database that is read.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Rows of one table at most.
const ROWS_MAX: usize = 10_000;
/// Longest text of a cell; a longer one is left out.
const CELL_BYTES_MAX: usize = 256 * 1024;
/// Bytes of all rows of a table at most.
const TABLE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How every database of SQLite begins.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Bytes of its header that say whether changes stand in a file beside it, which is not there.
const JOURNAL_BYTES: std::ops::Range<usize> = 18..20;
/// What they say where no file stands beside it.
const NO_JOURNAL: u8 = 1;

/// Whether these bytes are a database of SQLite.
pub fn is_database(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && bytes.len() >= 100
}

/// Monitors, their tags, and what they refer to, each as a list of objects with the columns as keys. Blocking.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn read(bytes: &[u8]) -> Result<Value, String> {
    if !is_database(bytes) {
        return Err("this is no database of SQLite".to_owned());
    }
    if bytes.len() > FILE_BYTES_MAX {
        let most = FILE_BYTES_MAX / 1024 / 1024;
        return Err(format!(
            "the database is larger than {most} MiB: delete its heartbeats (DELETE FROM heartbeat; VACUUM) in a copy of it"
        ));
    }
    let failed = |error: rusqlite::Error| format!("the database cannot be read: {error}");
    let mut copy = bytes.to_vec();
    copy[JOURNAL_BYTES].fill(NO_JOURNAL);
    let mut db = Connection::open_in_memory().map_err(failed)?;
    db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;").map_err(failed)?;
    db.deserialize_read_exact(MAIN_DB, copy.as_slice(), copy.len(), true).map_err(failed)?;
    if !has_table(&db, "monitor").map_err(failed)? {
        return Err("the database has no table named monitor: it is not Uptime Kuma's".to_owned());
    }
    let mut found = Map::new();
    for (key, table, sql) in [
        ("monitorList", "monitor", "SELECT * FROM monitor ORDER BY id"),
        ("proxyList", "proxy", "SELECT * FROM proxy ORDER BY id"),
        ("dockerHostList", "docker_host", "SELECT * FROM docker_host ORDER BY id"),
        ("tagList", "tag", "SELECT * FROM tag ORDER BY id"),
        ("monitorTagList", "monitor_tag", "SELECT * FROM monitor_tag ORDER BY id"),
    ] {
        if has_table(&db, table).map_err(failed)? {
            found.insert(key.to_owned(), Value::Array(rows(&db, sql).map_err(failed)?));
        }
    }
    Ok(Value::Object(found))
}

/// Whether there is such a table: a plain one, as views and virtual ones may compute anything.
fn has_table(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND sql NOT LIKE 'CREATE VIRTUAL%'";
    db.query_row(sql, [name], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}

fn rows(db: &Connection, sql: &str) -> rusqlite::Result<Vec<Value>> {
    let mut statement = db.prepare(sql)?;
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut all = Vec::new();
    let mut bytes = 0;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        all.push(object(row, &names, &mut bytes)?);
        if all.len() >= ROWS_MAX || bytes > TABLE_BYTES_MAX {
            break;
        }
    }
    Ok(all)
}

fn object(row: &Row<'_>, names: &[String], bytes: &mut usize) -> rusqlite::Result<Value> {
    let mut object = Map::new();
    for (at, name) in names.iter().enumerate() {
        let value = match row.get_ref(at)? {
            ValueRef::Integer(number) => Value::from(number),
            ValueRef::Real(number) => Value::from(number),
            ValueRef::Text(text) if text.len() <= CELL_BYTES_MAX => {
                *bytes += text.len();
                Value::from(String::from_utf8_lossy(text).into_owned())
            }
            _ => continue,
        };
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database as Uptime Kuma has it, as far as it matters here, in the bytes of its file.
    fn database(sql: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kuma.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA journal_mode = WAL; {sql}")).unwrap();
        db.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
        db.close().unwrap();
        std::fs::read(&path).unwrap()
    }

    #[test]
    fn rows_are_read_as_plain_values() {
        let bytes = database(
            "CREATE TABLE monitor (id INTEGER PRIMARY KEY, name TEXT, active BOOLEAN, timeout DOUBLE, blob BLOB); \
             INSERT INTO monitor VALUES (1, 'Shop', 1, 48.5, x'00'), (2, NULL, 0, NULL, NULL); CREATE VIEW proxy AS SELECT 1 AS id;",
        );
        assert!(is_database(&bytes));
        let found = read(&bytes).unwrap();
        let wanted = serde_json::json!({ "monitorList": [
            { "id": 1, "name": "Shop", "active": 1, "timeout": 48.5 },
            { "id": 2, "active": 0 },
        ] });
        assert_eq!(found, wanted, "no view is read");
    }

    #[test]
    fn what_is_no_database_of_uptime_kuma_is_said() {
        assert_eq!(read(b"{}").unwrap_err(), "this is no database of SQLite");
        assert!(read(&database("CREATE TABLE other (id)")).unwrap_err().contains("it is not Uptime Kuma's"));
        let mut broken = database("CREATE TABLE monitor (id)");
        broken[100..].fill(0xff);
        assert!(read(&broken).unwrap_err().starts_with("the database cannot be read"));
    }
}
