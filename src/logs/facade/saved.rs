//! Searches saved under a name: everybody's, and each person's own. Kept in the database, so backups have them.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::access::{Caller, Role};
use crate::base::clock::SharedClock;
use crate::logs::pages::asked::Asked;
use crate::logs::pages::saved::{NAME_CHARS_MAX, SavedSearch};
use crate::platform::db::{Db, DbError};

/// Bytes of what is saved.
const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Searches of one person, and searches that everybody sees.
const SEARCHES_MAX: i64 = 500;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SavedError {
    /// What was asked for is wrong.
    #[error("{0}")]
    Wrong(String),
    /// Whoever asks may not.
    #[error("only editors and administrators change searches that everybody sees")]
    Forbidden,
    /// It is not there, or somebody else's.
    #[error("there is no such saved search, or it is somebody else's")]
    Missing,
    /// Another one has the name.
    #[error("there is a saved search named {0:?} already: choose another name, or rename or delete that one first")]
    Taken(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Who saves.
#[derive(Debug, Clone)]
pub(super) struct Saver {
    /// Key of the person; nothing where nobody signs in: then everybody sees everything.
    user_id: Option<i64>,
    name: String,
    /// Whether they may change what everybody sees.
    may_share: bool,
}

impl Saver {
    /// From whoever asks.
    pub(super) fn of(caller: &Caller) -> Self {
        let may_share = match caller {
            Caller::Open | Caller::Local => true,
            Caller::Person(person) => person.role >= Role::Editor,
            Caller::Nobody(_) | Caller::Token(_) => false,
        };
        Self { user_id: caller.person().map(|person| person.user_id), name: caller.actor(), may_share }
    }

    /// Whether they have searches of their own besides everybody's.
    pub(super) const fn has_own(&self) -> bool {
        self.user_id.is_some()
    }

    /// Whether they may change what everybody sees.
    pub(super) const fn may_share(&self) -> bool {
        self.may_share
    }

    /// The owner of what they save, if they may.
    fn owner(&self, is_shared: bool) -> Result<Option<i64>, SavedError> {
        match self.user_id {
            Some(id) if !is_shared => Ok(Some(id)),
            _ if self.may_share => Ok(None),
            _ => Err(SavedError::Forbidden),
        }
    }
}

/// The saved searches.
pub(super) struct SavedSearches {
    pub(super) db: Arc<Db>,
    pub(super) clock: SharedClock,
}

/// What happens to one within a transaction: done, or refused.
type Done<T> = Result<Result<T, SavedError>, rusqlite::Error>;

impl SavedSearches {
    /// Those that somebody sees, by name. Blocking.
    pub(super) fn seen_by(&self, who: &Saver) -> Result<Vec<SavedSearch>, DbError> {
        let (user_id, may_share) = (who.user_id, who.may_share);
        self.db.read(move |db| all(db, user_id, may_share))
    }

    /// Saves one; gives it back.
    pub(super) async fn save(&self, who: &Saver, name: &str, query: &str, is_shared: bool) -> Result<SavedSearch, SavedError> {
        let (name, owner) = (checked(name)?, who.owner(is_shared)?);
        let query = Asked::from_query(query).to_query();
        if query.len() > QUERY_BYTES_MAX {
            return Err(SavedError::Wrong(format!("the search is too long to be saved: {} bytes, at most {QUERY_BYTES_MAX}", query.len())));
        }
        let one = SavedSearch {
            id: 0,
            name,
            query,
            is_shared: owner.is_none(),
            made_by: who.name.clone(),
            changed_ms: self.clock.now_ms(),
            may_change: true,
        };
        self.db.write(move |tx| insert(tx, one, owner)).await?
    }

    /// Gives one another name, and shares it or not; gives back what it was and what it is.
    pub(super) async fn change(&self, who: &Saver, id: i64, name: &str, is_shared: bool) -> Result<(SavedSearch, SavedSearch), SavedError> {
        let (name, owner, now_ms, who) = (checked(name)?, who.owner(is_shared)?, self.clock.now_ms(), who.clone());
        self.db
            .write(move |tx| {
                let Some(before) = one(tx, &who, id)? else { return Ok(Err(SavedError::Missing)) };
                if !before.may_change {
                    return Ok(Err(SavedError::Forbidden));
                }
                let sql = "UPDATE saved_searches SET name = ?2, user_id = ?3, changed_ms = ?4 WHERE id = ?1";
                if let Err(error) = tx.execute(sql, params![id, name, owner, now_ms]) {
                    return taken(error, name);
                }
                let after = SavedSearch { name, is_shared: owner.is_none(), changed_ms: now_ms, ..before.clone() };
                Ok(Ok((before, after)))
            })
            .await?
    }

    /// Deletes one; gives back what it was.
    pub(super) async fn delete(&self, who: &Saver, id: i64) -> Result<SavedSearch, SavedError> {
        let who = who.clone();
        self.db
            .write(move |tx| {
                let Some(before) = one(tx, &who, id)? else { return Ok(Err(SavedError::Missing)) };
                if !before.may_change {
                    return Ok(Err(SavedError::Forbidden));
                }
                tx.execute("DELETE FROM saved_searches WHERE id = ?1", [id])?;
                Ok(Ok(before))
            })
            .await?
    }
}

/// A name as it is kept.
fn checked(name: &str) -> Result<String, SavedError> {
    let name = name.trim();
    let chars = name.chars().count();
    if chars == 0 {
        return Err(SavedError::Wrong("a saved search needs a name".to_owned()));
    }
    if chars > NAME_CHARS_MAX {
        return Err(SavedError::Wrong(format!("the name is too long: {chars} characters, at most {NAME_CHARS_MAX} are allowed")));
    }
    if name.chars().any(char::is_control) {
        return Err(SavedError::Wrong("a name is one line of text".to_owned()));
    }
    Ok(name.to_owned())
}

const COLUMNS: &str = "id, name, query, user_id IS NULL, made_by, changed_ms";

fn from_row(row: &Row<'_>, may_share: bool) -> rusqlite::Result<SavedSearch> {
    let is_shared: bool = row.get(3)?;
    Ok(SavedSearch {
        id: row.get(0)?,
        name: row.get(1)?,
        query: row.get(2)?,
        is_shared,
        made_by: row.get(4)?,
        changed_ms: row.get(5)?,
        may_change: !is_shared || may_share,
    })
}

fn all(db: &Connection, user_id: Option<i64>, may_share: bool) -> rusqlite::Result<Vec<SavedSearch>> {
    let sql = format!("SELECT {COLUMNS} FROM saved_searches WHERE user_id IS NULL OR user_id = ?1 ORDER BY name COLLATE NOCASE, id");
    db.prepare(&sql)?.query_map([user_id], |row| from_row(row, may_share))?.collect()
}

fn one(tx: &Transaction<'_>, who: &Saver, id: i64) -> rusqlite::Result<Option<SavedSearch>> {
    let sql = format!("SELECT {COLUMNS} FROM saved_searches WHERE id = ?1 AND (user_id IS NULL OR user_id = ?2)");
    tx.query_row(&sql, params![id, who.user_id], |row| from_row(row, who.may_share)).optional()
}

fn insert(tx: &Transaction<'_>, mut one: SavedSearch, owner: Option<i64>) -> Done<SavedSearch> {
    let count: i64 =
        tx.query_row("SELECT count(*) FROM saved_searches WHERE COALESCE(user_id, 0) = ?1", [owner.unwrap_or(0)], |row| row.get(0))?;
    if count >= SEARCHES_MAX {
        return Ok(Err(SavedError::Wrong(format!("there are {SEARCHES_MAX} saved searches already: delete some first"))));
    }
    let sql = "INSERT INTO saved_searches (user_id, name, query, made_by, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    if let Err(error) = tx.execute(sql, params![owner, one.name, one.query, one.made_by, one.changed_ms]) {
        return taken(error, one.name);
    }
    one.id = tx.last_insert_rowid();
    Ok(Ok(one))
}

/// That a name is taken is an answer, other errors are errors.
fn taken<T>(error: rusqlite::Error, name: String) -> Done<T> {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => Ok(Err(SavedError::Taken(name))),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Person;
    use crate::base::clock::ManualClock;

    async fn open(folder: &std::path::Path) -> SavedSearches {
        let db = Arc::new(Db::open(&folder.join("pharos.db")).unwrap());
        db.write(|tx| {
            for (id, name) in [(1, "ann"), (2, "bob")] {
                tx.execute("INSERT INTO users (id, name, role, created_ms) VALUES (?1, ?2, 'viewer', 0)", params![id, name])?;
            }
            Ok(())
        })
        .await
        .unwrap();
        SavedSearches { db, clock: ManualClock::at(5) }
    }

    fn saver(user_id: i64, name: &str, role: Role) -> Saver {
        Saver::of(&Caller::Person(Arc::new(Person { user_id, session_id: 1, name: name.to_owned(), role })))
    }

    fn names(found: &SavedSearches, who: &Saver) -> Vec<String> {
        found.seen_by(who).unwrap().iter().map(|one| format!("{}{}", one.name, if one.is_shared { "*" } else { "" })).collect()
    }

    #[tokio::test]
    async fn own_ones_are_one_s_own_and_shared_ones_are_editors() {
        let folder = tempfile::tempdir().unwrap();
        let saved = open(folder.path()).await;
        let (ann, bob) = (saver(1, "ann", Role::Viewer), saver(2, "bob", Role::Editor));
        let own = saved.save(&ann, " Slow ", "q=took>1s&from=now-1h&f=env:prod&odd=1", false).await.unwrap();
        assert_eq!((own.name.as_str(), own.query.as_str(), own.made_by.as_str()), ("Slow", "q=took%3E1s&f=env%3Aprod", "ann"));
        assert!(matches!(saved.save(&ann, "x", "q=1", true).await, Err(SavedError::Forbidden)));
        let shared = saved.save(&bob, "slow", "q=2", true).await.unwrap();
        assert_eq!((names(&saved, &ann), names(&saved, &bob)), (vec!["Slow".into(), "slow*".into()], vec!["slow*".to_owned()]));
        assert!(matches!(saved.save(&ann, "SLOW", "q=1", false).await, Err(SavedError::Taken(_))));
        // Somebody else's is not there; everybody's is there, and not to be changed.
        assert!(matches!(saved.delete(&bob, own.id).await, Err(SavedError::Missing)));
        assert!(matches!(saved.delete(&ann, shared.id).await, Err(SavedError::Forbidden)));
        assert!(matches!(saved.change(&ann, shared.id, "mine", false).await, Err(SavedError::Forbidden)));
        let (before, after) = saved.change(&bob, shared.id, "Slower", true).await.unwrap();
        assert_eq!((before.name.as_str(), after.name.as_str()), ("slow", "Slower"));
        saved.delete(&bob, shared.id).await.unwrap();
        assert_eq!(names(&saved, &ann), ["Slow"]);
        // They go with the person.
        saved.db.write(|tx| tx.execute("DELETE FROM users WHERE id = 1", [])).await.unwrap();
        assert_eq!(names(&saved, &ann), [] as [&str; 0]);
    }

    #[tokio::test]
    async fn where_nobody_signs_in_everybody_sees_all_and_limits_hold() {
        let folder = tempfile::tempdir().unwrap();
        let saved = open(folder.path()).await;
        let anyone = Saver::of(&Caller::Open);
        assert!(saved.save(&anyone, "a", "q=1", false).await.unwrap().is_shared);
        for (name, query, words) in [
            ("", "q=1", "needs a name"),
            ("x\ny", "q=1", "one line"),
            (&*"x".repeat(101), "q=1", "at most 100"),
            ("long", &*format!("q={}", "x".repeat(20_000)), "too long"),
        ] {
            let error = saved.save(&anyone, name, query, true).await.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        for at in 1..SEARCHES_MAX {
            saved.save(&anyone, &format!("n{at}"), "q=1", true).await.unwrap();
        }
        assert!(saved.save(&anyone, "one more", "q=1", true).await.unwrap_err().to_string().contains("delete some"));
        let token = Saver { user_id: None, name: "token".into(), may_share: false };
        assert!(matches!(saved.save(&token, "t", "q=1", true).await, Err(SavedError::Forbidden)));
        assert_eq!(saved.seen_by(&token).unwrap().len(), 500);
    }
}
