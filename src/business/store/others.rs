//! Funnels, retentions and digests in SQL.

use rusqlite::{Transaction, params};

use super::Store;
use crate::platform::db::DbError;

/// Of each kind at most.
const OTHERS_MAX: i64 = 100;

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A funnel.
    Funnel,
    /// A retention.
    Retention,
    /// A digest.
    Digest,
}

impl Kind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Funnel => "funnel",
            Self::Retention => "retention",
            Self::Digest => "digest",
        }
    }
}

/// A funnel, a retention or a digest as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its name; no other of its kind has it.
    pub name: String,
    /// It in YAML.
    pub definition: String,
    /// The file it comes from; empty for none.
    pub file: String,
}

impl Store {
    /// All of a kind, by name. Blocking.
    pub fn others(&self, kind: Kind) -> Result<Vec<Other>, DbError> {
        self.db.read(|db| {
            let mut found = db.prepare_cached("SELECT name, definition, file FROM business_others WHERE kind = ?1 ORDER BY name")?;
            let found =
                found.query_map([kind.as_str()], |row| Ok(Other { name: row.get(0)?, definition: row.get(1)?, file: row.get(2)? }))?;
            found.collect()
        })
    }

    /// Stores one, instead of the one of its name. Gives whether there was room for it.
    pub async fn put_other(&self, kind: Kind, other: Other) -> Result<bool, DbError> {
        let put = move |tx: &Transaction<'_>| {
            let count = "SELECT count(*) FROM business_others WHERE kind = ?1 AND name <> ?2";
            if tx.query_row(count, params![kind.as_str(), other.name], |row| row.get::<_, i64>(0))? >= OTHERS_MAX {
                return Ok(false);
            }
            let sql = "INSERT OR REPLACE INTO business_others (kind, name, definition, file) VALUES (?1, ?2, ?3, ?4)";
            tx.execute(sql, params![kind.as_str(), other.name, other.definition, other.file])?;
            Ok(true)
        };
        self.db.write(put).await
    }

    /// Deletes one. Gives whether there was one.
    pub async fn delete_other(&self, kind: Kind, name: String) -> Result<bool, DbError> {
        let delete = move |tx: &Transaction<'_>| {
            Ok(tx.execute("DELETE FROM business_others WHERE kind = ?1 AND name = ?2", params![kind.as_str(), name])? > 0)
        };
        self.db.write(delete).await
    }

    /// What stands in files is exactly that from now on.
    pub async fn follow_others(&self, all: Vec<(Kind, Other)>) -> Result<(), DbError> {
        let follow = move |tx: &Transaction<'_>| {
            tx.execute("DELETE FROM business_others WHERE file <> ''", [])?;
            for (kind, other) in &all {
                let sql = "INSERT OR REPLACE INTO business_others (kind, name, definition, file) VALUES (?1, ?2, ?3, ?4)";
                tx.execute(sql, params![kind.as_str(), other.name, other.definition, other.file])?;
            }
            Ok(())
        };
        self.db.write(follow).await
    }
}
