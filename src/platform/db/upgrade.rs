//! Before a migration: a later database is left alone, and one with rows is copied first.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{DbError, STEPS, part};

/// Copies from before migrations that are kept.
const COPIES_KEPT: usize = 3;

/// Migrations that this version knows.
fn known() -> usize {
    STEPS.dirs().count()
}

/// Migrations that a database has been through.
pub(super) fn version(connection: &Connection) -> Result<usize, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).map(|version| usize::try_from(version).unwrap_or(0))
}

/// `Err` for a database of a later version.
pub(super) fn admit(connection: &Connection, path: &Path) -> Result<usize, DbError> {
    let (found, known) = (version(connection)?, known());
    if found > known { Err(DbError::TooNew { path: path.to_owned(), found, known }) } else { Ok(found) }
}

/// Refuses a database of a later version; copies one that has rows and is about to change.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<(), DbError> {
    let found = admit(connection, path)?;
    if found == 0 || found == known() || !has_rows(connection)? {
        return Ok(());
    }
    let copy = copy_path(path, known());
    part::copy(connection, &copy).map_err(|why| DbError::NoCopy { path: copy.clone(), why })?;
    tracing::info!(from = found, to = known(), copy = %copy.display(), "the database is upgraded; it was copied before");
    remove_old(path);
    Ok(())
}

/// `pharos.db.before-3`: as it was before step 3 and those between.
fn copy_path(path: &Path, step: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{step}"));
    PathBuf::from(name)
}

fn has_rows(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for name in names {
        let quoted = name.replace('"', "\"\"");
        if connection.query_row(&format!("SELECT EXISTS (SELECT 1 FROM \"{quoted}\")"), [], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn remove_old(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let beginning = format!("{}.before-", name.to_string_lossy());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut copies: Vec<(usize, PathBuf)> =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.strip_prefix(&beginning)?.parse().ok()?, entry.path()))).collect();
    copies.sort_unstable();
    for (_, old) in copies.iter().rev().skip(COPIES_KEPT) {
        if let Err(error) = fs::remove_file(old) {
            tracing::warn!(%error, copy = %old.display(), "an old copy of the database cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite_migration::Migrations;

    use super::*;
    use crate::platform::db::Db;

    /// A database as the first version left it.
    fn old(folder: &Path, step: usize, rows: bool) -> PathBuf {
        let path = folder.join("pharos.db");
        let mut connection = Connection::open(&path).unwrap();
        Migrations::from_directory(&STEPS).unwrap().to_version(&mut connection, step).unwrap();
        if rows {
            connection.execute("INSERT INTO instance (name, value) VALUES ('a', '1')", []).unwrap();
        }
        path
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.contains("before"));
        names.sort();
        names
    }

    fn value(connection: &Connection) -> String {
        connection.query_row("SELECT value FROM instance WHERE name = 'a'", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_old_database_is_copied_and_brought_forward() {
        let folder = tempfile::tempdir().unwrap();
        let path = old(folder.path(), 1, true);
        for step in [2, known() + 1, known() - 1] {
            fs::write(folder.path().join(format!("pharos.db.before-{step}")), "old").unwrap();
        }
        let db = Db::open(&path).unwrap();
        assert_eq!(db.read(|c| Ok(value(c))).unwrap(), "1");
        assert_eq!(db.read(version).unwrap(), known());
        let copy = Connection::open(copy_path(&path, known())).unwrap();
        assert_eq!((version(&copy).unwrap(), value(&copy)), (1, "1".to_owned()));
        let kept = names(folder.path());
        assert_eq!(kept.len(), COPIES_KEPT, "{kept:?}");
        assert!(!kept.contains(&"pharos.db.before-2".to_owned()), "{kept:?}");
        drop(db);
        drop(Db::open(&path).unwrap());
        assert_eq!(names(folder.path()), kept, "nothing to upgrade, nothing to copy");
    }

    #[test]
    fn nothing_is_copied_where_there_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(Db::open(&folder.path().join("pharos.db")).unwrap());
        let empty = tempfile::tempdir().unwrap();
        drop(Db::open(&old(empty.path(), 1, false)).unwrap());
        assert!(names(folder.path()).is_empty() && names(empty.path()).is_empty());
    }

    #[test]
    fn without_a_copy_nothing_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = old(folder.path(), 1, true);
        fs::create_dir_all(copy_path(&path, known()).join("in the way")).unwrap();
        let error = Db::open(&path).unwrap_err().to_string();
        assert!(error.starts_with("the database is not upgraded, as it cannot be copied to "), "{error}");
        assert_eq!(version(&Connection::open(&path).unwrap()).unwrap(), 1);
    }

    #[test]
    fn a_later_database_is_refused_in_plain_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pharos.db");
        drop(Db::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 9999).unwrap();
        let error = Db::open(&path).unwrap_err().to_string();
        assert!(error.contains("was written by a later version of pharos (it has step 9999, this version knows "), "{error}");
        assert_eq!(version(&Connection::open(&path).unwrap()).unwrap(), 9999, "it is left alone");
    }
}
