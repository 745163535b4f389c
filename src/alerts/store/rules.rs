//! Rule files that people wrote in the web pages or sent to the API.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::platform::db::{Db, DbError};

/// Files at most.
pub const FILES_MAX: i64 = 1_000;
/// Bytes of a file's text at most.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// A rule file as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Names it.
    pub name: String,
    /// In the format of rule files.
    pub text: String,
    /// Who changed it last.
    pub changed_by: String,
    /// When, in milliseconds since the Unix epoch.
    pub changed_at: i64,
}

/// The kept rule files.
#[derive(Debug, Clone)]
pub struct RuleFiles {
    db: Arc<Db>,
}

impl RuleFiles {
    /// Those of a database.
    pub const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// Every file, by name. Blocking.
    pub fn all(&self) -> Result<Vec<RuleFile>, DbError> {
        self.db.read(|db| {
            let mut all = db.prepare_cached("SELECT name, text, changed_by, changed_ms FROM rule_files ORDER BY name")?;
            all.query_map([], read)?.collect()
        })
    }

    /// Keeps a file, in place of one of the same name; gives back that one. False if there is no room for another.
    pub async fn put(&self, file: RuleFile) -> Result<Result<Option<RuleFile>, Full>, DbError> {
        self.db
            .write(move |tx| {
                let before = one(tx, &file.name)?;
                let count: i64 = tx.query_row("SELECT count(*) FROM rule_files", [], |row| row.get(0))?;
                if before.is_none() && count >= FILES_MAX {
                    return Ok(Err(Full));
                }
                tx.execute(
                    "INSERT INTO rule_files (name, text, changed_by, changed_ms) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (name) DO UPDATE SET text = ?2, changed_by = ?3, changed_ms = ?4",
                    params![file.name, file.text, file.changed_by, file.changed_at],
                )?;
                Ok(Ok(before))
            })
            .await
    }

    /// Forgets a file; gives it back.
    pub async fn delete(&self, name: &str) -> Result<Option<RuleFile>, DbError> {
        let name = name.to_owned();
        self.db
            .write(move |tx| {
                let before = one(tx, &name)?;
                tx.execute("DELETE FROM rule_files WHERE name = ?1", [name])?;
                Ok(before)
            })
            .await
    }
}

/// There are as many files as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {FILES_MAX} rule files already: delete some first")]
pub struct Full;

fn one(db: &Connection, name: &str) -> Result<Option<RuleFile>, rusqlite::Error> {
    db.query_row("SELECT name, text, changed_by, changed_ms FROM rule_files WHERE name = ?1", [name], read).optional()
}

fn read(row: &Row<'_>) -> Result<RuleFile, rusqlite::Error> {
    Ok(RuleFile { name: row.get(0)?, text: row.get(1)?, changed_by: row.get(2)?, changed_at: row.get(3)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_are_kept_replaced_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pharos.db");
        let files = RuleFiles::new(Arc::new(Db::open(&path).unwrap()));
        let file = |name: &str, text: &str, at: i64| RuleFile {
            name: name.to_owned(),
            text: text.to_owned(),
            changed_by: "ann".to_owned(),
            changed_at: at,
        };
        assert_eq!(files.put(file("disk", "groups: []", 1)).await.unwrap(), Ok(None));
        assert_eq!(files.put(file("Disk", "groups:", 2)).await.unwrap(), Ok(Some(file("disk", "groups: []", 1))));
        assert_eq!(files.put(file("api", "groups: []", 3)).await.unwrap(), Ok(None));
        drop(files);
        let files = RuleFiles::new(Arc::new(Db::open(&path).unwrap()));
        assert_eq!(files.all().unwrap(), [file("api", "groups: []", 3), file("disk", "groups:", 2)]);
        assert_eq!(files.delete("DISK").await.unwrap(), Some(file("disk", "groups:", 2)));
        assert_eq!(files.delete("disk").await.unwrap(), None);
        assert_eq!(files.all().unwrap().len(), 1);
    }
}
