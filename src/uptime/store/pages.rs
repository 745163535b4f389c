//! Status pages and what is told on them, in SQL.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::Store;
use crate::platform::db::DbError;

/// A status page as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredPage {
    /// Names it; 0 for one that is not stored yet.
    pub id: i64,
    /// Its place in the address.
    pub slug: String,
    /// The page in YAML, checks by number.
    pub definition: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_at: i64,
    /// When it was changed last.
    pub changed_at: i64,
}

/// A post as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredPost {
    /// Names it; 0 for one that is not stored yet.
    pub id: i64,
    /// The page that it is on.
    pub page: i64,
    /// In a few words; empty where the server made it.
    pub title: String,
    /// How bad it is.
    pub severity: String,
    /// Numbers of the checks that it is about.
    pub checks: Vec<i64>,
    /// When the incident began that the server made it of.
    pub of: Option<i64>,
    /// When it was made.
    pub made_at: i64,
    /// By whom.
    pub made_by: String,
    /// What was told, the oldest first.
    pub updates: Vec<StoredUpdate>,
}

/// An update of a post as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredUpdate {
    /// Names it; 0 for one that is not stored yet.
    pub id: i64,
    /// When.
    pub at: i64,
    /// How far they are.
    pub stage: String,
    /// In words; empty where the server made it.
    pub text: String,
    /// By whom.
    pub made_by: String,
    /// When it was put in other words.
    pub edited_at: Option<i64>,
}

fn page(row: &Row<'_>) -> rusqlite::Result<StoredPage> {
    Ok(StoredPage { id: row.get(0)?, slug: row.get(1)?, definition: row.get(2)?, made_at: row.get(3)?, changed_at: row.get(4)? })
}

fn post(row: &Row<'_>) -> rusqlite::Result<StoredPost> {
    let checks: String = row.get(4)?;
    Ok(StoredPost {
        id: row.get(0)?,
        page: row.get(1)?,
        title: row.get(2)?,
        severity: row.get(3)?,
        checks: numbers(&checks),
        of: row.get(5)?,
        made_at: row.get(6)?,
        made_by: row.get(7)?,
        updates: Vec::new(),
    })
}

/// Numbers with commas between.
pub(super) fn numbers(text: &str) -> Vec<i64> {
    text.split(',').filter_map(|number| number.parse().ok()).collect()
}

/// The same as they are stored.
pub(super) fn joined(numbers: &[i64]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn add_update(tx: &Transaction<'_>, post: i64, update: &StoredUpdate) -> rusqlite::Result<i64> {
    let StoredUpdate { at, stage, text, made_by, .. } = update;
    let sql = "INSERT INTO uptime_post_updates (post_id, at_ms, stage, text, made_by) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.prepare_cached(sql)?.execute(params![post, at, stage, text, made_by])?;
    Ok(tx.last_insert_rowid())
}

impl Store {
    /// Every status page, in order of making. Blocking.
    pub fn pages(&self) -> Result<Vec<StoredPage>, DbError> {
        let sql = "SELECT id, slug, definition, made_ms, changed_ms FROM uptime_pages ORDER BY id";
        self.db.read(|db| db.prepare(sql)?.query_map([], page)?.collect())
    }

    /// Every post with its updates, in order of making. Blocking.
    pub fn posts(&self) -> Result<Vec<StoredPost>, DbError> {
        self.db.read(|db| {
            let sql = "SELECT id, page_id, title, severity, checks, of_ms, made_ms, made_by FROM uptime_posts ORDER BY id";
            let mut posts: Vec<StoredPost> = db.prepare(sql)?.query_map([], post)?.collect::<Result<_, _>>()?;
            let mut updates =
                db.prepare("SELECT post_id, id, at_ms, stage, text, made_by, edited_ms FROM uptime_post_updates ORDER BY post_id, id")?;
            let mut rows = updates.query([])?;
            while let Some(row) = rows.next()? {
                let of: i64 = row.get(0)?;
                let Ok(place) = posts.binary_search_by_key(&of, |post| post.id) else { continue };
                let update = StoredUpdate {
                    id: row.get(1)?,
                    at: row.get(2)?,
                    stage: row.get(3)?,
                    text: row.get(4)?,
                    made_by: row.get(5)?,
                    edited_at: row.get(6)?,
                };
                posts[place].updates.push(update);
            }
            Ok(posts)
        })
    }

    /// Stores a page, a new one or instead of the one of its number. Gives its number; none where the slug is another's.
    pub async fn put_page(&self, page: StoredPage) -> Result<Option<i64>, DbError> {
        let put = move |tx: &Transaction<'_>| {
            let StoredPage { id, slug, definition, made_at, changed_at } = page;
            let other: Option<i64> =
                tx.query_row("SELECT id FROM uptime_pages WHERE slug = ?1 AND id <> ?2", params![slug, id], |row| row.get(0)).optional()?;
            if other.is_some() {
                return Ok(None);
            }
            if id == 0 {
                let sql = "INSERT INTO uptime_pages (slug, definition, made_ms, changed_ms) VALUES (?1, ?2, ?3, ?4)";
                tx.prepare_cached(sql)?.execute(params![slug, definition, made_at, changed_at])?;
                return Ok(Some(tx.last_insert_rowid()));
            }
            let sql = "UPDATE uptime_pages SET slug = ?2, definition = ?3, changed_ms = ?4 WHERE id = ?1";
            tx.prepare_cached(sql)?.execute(params![id, slug, definition, changed_at])?;
            Ok(Some(id))
        };
        self.db.write(put).await
    }

    /// The logo of every page that has one, by its page. Blocking.
    pub fn logos(&self) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
        self.db.read(|db| {
            db.prepare("SELECT page_id, bytes FROM uptime_logos")?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// Stores the logo of a page, or forgets it.
    pub async fn put_logo(&self, page: i64, bytes: Option<Vec<u8>>) -> Result<(), DbError> {
        let put = move |tx: &Transaction<'_>| match &bytes {
            Some(bytes) => {
                let sql = "INSERT INTO uptime_logos (page_id, bytes) VALUES (?1, ?2) ON CONFLICT (page_id) DO UPDATE SET bytes = ?2";
                tx.execute(sql, params![page, bytes]).map(drop)
            }
            None => tx.execute("DELETE FROM uptime_logos WHERE page_id = ?1", [page]).map(drop),
        };
        self.db.write(put).await
    }

    /// Forgets a page and everything on it.
    pub async fn delete_page(&self, id: i64) -> Result<(), DbError> {
        self.db.write(move |tx| tx.execute("DELETE FROM uptime_pages WHERE id = ?1", [id]).map(drop)).await
    }

    /// Stores a new post with its updates, in place of a draft if it was one; gives its number and theirs.
    pub async fn add_post(&self, post: StoredPost, draft: Option<i64>) -> Result<(i64, Vec<i64>), DbError> {
        let add = move |tx: &Transaction<'_>| {
            let StoredPost { page, title, severity, checks, of, made_at, made_by, updates, .. } = post;
            let checks = joined(&checks);
            let sql =
                "INSERT INTO uptime_posts (page_id, title, severity, checks, of_ms, made_ms, made_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            tx.prepare_cached(sql)?.execute(params![page, title, severity, checks, of, made_at, made_by])?;
            let id = tx.last_insert_rowid();
            if let Some(draft) = draft {
                tx.prepare_cached("DELETE FROM uptime_post_drafts WHERE id = ?1")?.execute([draft])?;
            }
            Ok((id, updates.iter().map(|update| add_update(tx, id, update)).collect::<Result<_, _>>()?))
        };
        self.db.write(add).await
    }

    /// Stores an update of a post; gives its number.
    pub async fn add_update(&self, post: i64, update: StoredUpdate) -> Result<i64, DbError> {
        self.db.write(move |tx| add_update(tx, post, &update)).await
    }

    /// Puts an update in other words. It keeps its number: who was told of it is not told again.
    pub async fn edit_update(&self, update: StoredUpdate) -> Result<(), DbError> {
        let edit = move |tx: &Transaction<'_>| {
            let StoredUpdate { id, stage, text, edited_at, .. } = &update;
            let sql = "UPDATE uptime_post_updates SET stage = ?2, text = ?3, edited_ms = ?4 WHERE id = ?1";
            tx.prepare_cached(sql)?.execute(params![id, stage, text, edited_at]).map(drop)
        };
        self.db.write(edit).await
    }

    /// Forgets an update.
    pub async fn delete_update(&self, id: i64) -> Result<(), DbError> {
        self.db.write(move |tx| tx.execute("DELETE FROM uptime_post_updates WHERE id = ?1", [id]).map(drop)).await
    }

    /// Forgets posts and their updates.
    pub async fn delete_posts(&self, ids: Vec<i64>) -> Result<(), DbError> {
        let delete = move |tx: &Transaction<'_>| {
            ids.iter().try_for_each(|id| tx.prepare_cached("DELETE FROM uptime_posts WHERE id = ?1")?.execute([id]).map(drop))
        };
        self.db.write(delete).await
    }
}
