//! SQLite for what people and the server write down: settings, sessions, definitions. Never samples or lines.
//!
//! One writer thread takes closures from a queue and runs each in its own transaction; readers are a small
//! pool of read-only connections. WAL mode, so reading never waits for writing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use include_dir::{Dir, include_dir};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::Migrations;
use tokio::sync::oneshot;

mod part;
mod upgrade;

pub use part::{DbPart, check};

static STEPS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// Writers waiting in line at most; more wait before the line.
const WRITES_WAITING: usize = 1024;
/// Read-only connections kept open.
const READERS_KEPT: usize = 4;

/// Why the database said no.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// SQLite's own error.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A migration step failed; nothing of it stays.
    #[error("database migration: {0}")]
    Migration(#[from] rusqlite_migration::Error),
    /// A later version of pharos wrote it.
    #[error(
        "the database {} was written by a later version of pharos (it has step {found}, this version knows {known}): start that version \
         or a later one, or restore a backup made before the upgrade", path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Migrations that it has been through.
        found: usize,
        /// Migrations that there are.
        known: usize,
    },
    /// The copy that is made before a migration failed, so nothing was migrated.
    #[error("the database is not upgraded, as it cannot be copied to {} first: {why}", path.display())]
    NoCopy {
        /// Where the copy was to go.
        path: PathBuf,
        /// What was wrong.
        why: String,
    },
    /// The writer has stopped.
    #[error("database is closed")]
    Closed,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The open database.
#[derive(Debug)]
pub struct Db {
    path: PathBuf,
    to_writer: Option<mpsc::SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Mutex<Vec<Connection>>,
    /// The connection that sees whether others change the file; the number is of this connection only.
    watcher: Mutex<Option<Connection>>,
}

impl Db {
    /// Opens or creates the file and brings it to the newest migration.
    pub fn open(path: &Path) -> Result<Self, DbError> {
        let mut connection = Connection::open(path)?;
        // Its log and its index of that take the same permissions. A file system without any is no reason to stop.
        if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
            tracing::warn!(%error, "others on this machine may be able to read the database");
        }
        configure(&connection)?;
        upgrade::prepare(&connection, path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        Migrations::from_directory(&STEPS)?.to_latest(&mut connection)?;
        let (to_writer, jobs) = mpsc::sync_channel::<Job>(WRITES_WAITING);
        let writer = std::thread::Builder::new()
            .name("db-writer".into())
            .spawn(move || {
                for job in jobs {
                    job(&mut connection);
                }
            })
            .map_err(|_| DbError::Closed)?;
        Ok(Self {
            path: path.to_owned(),
            to_writer: Some(to_writer),
            writer: Some(writer),
            readers: Mutex::default(),
            watcher: Mutex::default(),
        })
    }

    /// Runs `change` in a transaction of its own and commits it; an error rolls it back.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, DbError> {
        let (answer, answered) = oneshot::channel();
        self.submit(change, move |result| {
            // The caller may have gone away; the change stands all the same.
            let _nobody_waits = answer.send(result).is_err();
        })?;
        answered.await.map_err(|_| DbError::Closed)?
    }

    /// [`Self::write`] for callers outside of async code.
    pub fn write_blocking<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, DbError> {
        let (answer, answered) = mpsc::channel();
        self.submit(change, move |result| {
            let _nobody_waits = answer.send(result).is_err();
        })?;
        answered.recv().map_err(|_| DbError::Closed)?
    }

    /// Runs `look` on a read-only connection. Blocking; call it off the reactor.
    pub fn read<T>(&self, look: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>) -> Result<T, DbError> {
        let kept = self.readers.lock().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                configure(&connection)?;
                connection
            }
        };
        let result = look(&connection);
        let mut readers = self.readers.lock();
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        Ok(result?)
    }

    /// A number that differs from the last one when anything was changed in between, by this process or another.
    /// Blocking, for microseconds.
    pub fn version(&self) -> Result<i64, DbError> {
        let mut watcher = self.watcher.lock();
        let connection = match &mut *watcher {
            Some(connection) => connection,
            None => {
                let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                configure(&connection)?;
                watcher.insert(connection)
            }
        };
        Ok(connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }

    fn submit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error> + Send + 'static,
        done: impl FnOnce(Result<T, DbError>) + Send + 'static,
    ) -> Result<(), DbError> {
        let job: Job = Box::new(move |connection| done(in_transaction(connection, change)));
        self.to_writer.as_ref().ok_or(DbError::Closed)?.send(job).map_err(|_| DbError::Closed)
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        self.to_writer = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the database writer panicked");
        }
    }
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)
}

fn in_transaction<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
) -> Result<T, DbError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = change(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_valid_and_run_on_an_empty_file() {
        Migrations::from_directory(&STEPS).unwrap().validate().unwrap();
    }

    #[tokio::test]
    async fn writes_are_seen_by_readers_and_survive_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pharos.db");
        let db = Db::open(&path).unwrap();
        db.write(|tx| tx.execute("INSERT INTO instance (name, value) VALUES ('a', '1')", [])).await.unwrap();
        let value = |db: &Db| db.read(|c| c.query_row("SELECT value FROM instance WHERE name = 'a'", [], |row| row.get::<_, String>(0)));
        assert_eq!(value(&db).unwrap(), "1");
        drop(db);
        assert_eq!(value(&Db::open(&path).unwrap()).unwrap(), "1");
    }

    #[tokio::test]
    async fn changes_of_others_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pharos.db");
        let (one, other) = (Db::open(&path).unwrap(), Db::open(&path).unwrap());
        let before = one.version().unwrap();
        assert_eq!(one.version().unwrap(), before);
        other.write(|tx| tx.execute("INSERT INTO instance (name, value) VALUES ('a', '1')", [])).await.unwrap();
        assert_ne!(one.version().unwrap(), before);
    }

    #[tokio::test]
    async fn a_failed_change_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("pharos.db")).unwrap();
        let failed = db
            .write(|tx| {
                tx.execute("INSERT INTO instance (name, value) VALUES ('a', '1')", [])?;
                tx.execute("INSERT INTO nothing VALUES (1)", [])
            })
            .await;
        assert!(failed.is_err());
        let rows: i64 = db.read(|c| c.query_row("SELECT count(*) FROM instance", [], |row| row.get(0))).unwrap();
        assert_eq!(rows, 0);
        assert!(db.read(|c| c.execute("INSERT INTO instance (name, value) VALUES ('b', '1')", [])).is_err(), "readers cannot write");
    }
}
