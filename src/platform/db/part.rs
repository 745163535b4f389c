//! The database in a backup: a copy of one moment, made while it is written to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{configure, upgrade};
use crate::platform::backup::Part;

/// How often a locked database is tried again, and how long between.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// Takes a database file into backups, whether a server has it open or not.
#[derive(Debug)]
pub struct DbPart {
    path: PathBuf,
}

impl DbPart {
    /// The file need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Part for DbPart {
    fn name(&self) -> &'static str {
        "database"
    }

    fn stage(&self, folder: &Path) -> Result<(), String> {
        let Some(name) = self.path.file_name().filter(|_| self.path.exists()) else { return Ok(()) };
        // A connection of its own: the writer goes on meanwhile.
        let source = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| error.to_string())?;
        configure(&source).map_err(|error| error.to_string())?;
        copy(&source, &folder.join(name))
    }
}

/// Copies a database as it is now into a file, which is whole or not there.
pub(super) fn copy(source: &Connection, target: &Path) -> Result<(), String> {
    let mut name = target.as_os_str().to_owned();
    name.push(".tmp");
    let beside = PathBuf::from(name);
    if beside.exists() {
        fs::remove_file(&beside).map_err(|error| error.to_string())?;
    }
    let copied = copy_pages(source, &beside).and_then(|()| fs::rename(&beside, target).map_err(|error| error.to_string()));
    if copied.is_err() {
        // The first error is the one to report; a leftover is removed by the next attempt.
        drop(fs::remove_file(&beside));
    }
    copied
}

fn copy_pages(source: &Connection, target: &Path) -> Result<(), String> {
    let failed = |error: rusqlite::Error| error.to_string();
    let mut to = Connection::open(target).map_err(failed)?;
    {
        let backup = Backup::new(source, &mut to).map_err(failed)?;
        // All pages in one step: between steps somebody could write, and it would begin anew.
        for _ in 0..TRIES {
            match backup.step(-1).map_err(failed)? {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::park_timeout(PAUSE),
            }
        }
        if backup.progress().remaining > 0 {
            return Err("it stays locked by somebody else".to_owned());
        }
    }
    to.close().map_err(|(_, error)| failed(error))?;
    fs::File::open(target).and_then(|file| file.sync_all()).map_err(|error| error.to_string())
}

/// Looks whether a restored database is whole and of a version that this one can use.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(path: &Path) -> Result<(), String> {
    if !path.exists() {
        return Ok(());
    }
    let connection = Connection::open(path).map_err(|error| error.to_string())?;
    upgrade::admit(&connection, path).map_err(|error| error.to_string())?;
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(|error| error.to_string())?;
    if verdict == "ok" { Ok(()) } else { Err(format!("the database is damaged: {verdict}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::db::Db;

    #[tokio::test]
    async fn a_copy_is_made_while_the_database_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pharos.db");
        let db = Db::open(&path).unwrap();
        db.write(|tx| tx.execute("INSERT INTO instance (name, value) VALUES ('a', '1')", [])).await.unwrap();
        let staged = folder.path().join("staged");
        fs::create_dir(&staged).unwrap();
        DbPart::new(path).stage(&staged).unwrap();
        db.write(|tx| tx.execute("INSERT INTO instance (name, value) VALUES ('b', '1')", [])).await.unwrap();
        assert_eq!(fs::read_dir(&staged).unwrap().count(), 1, "no log, no lock beside it");
        check(&staged.join("pharos.db")).unwrap();
        let copy = Db::open(&staged.join("pharos.db")).unwrap();
        let rows: i64 = copy.read(|c| c.query_row("SELECT count(*) FROM instance", [], |row| row.get(0))).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_damaged_database_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pharos.db");
        check(&path).unwrap();
        drop(Db::open(&path).unwrap());
        check(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[4096..4200].fill(0xff);
        fs::write(&path, bytes).unwrap();
        assert!(check(&path).is_err());
        assert!(DbPart::new(folder.path().join("absent")).stage(folder.path()).is_ok());
    }
}
