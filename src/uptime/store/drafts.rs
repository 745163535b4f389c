//! Drafts of posts on status pages, and texts to choose from, in SQL.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::Store;
use super::pages::{joined, numbers};
use crate::platform::db::DbError;

/// A draft of a post as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredDraft {
    /// Names it; 0 for one that is not stored yet.
    pub id: i64,
    /// The page that it is for.
    pub page: i64,
    /// In a few words.
    pub title: String,
    /// How bad it is.
    pub severity: String,
    /// Numbers of the checks that it is about.
    pub checks: Vec<i64>,
    /// How far they are.
    pub stage: String,
    /// In words.
    pub text: String,
    /// When it was changed last, in milliseconds since the Unix epoch.
    pub changed_at: i64,
    /// By whom.
    pub changed_by: String,
}

/// A text to choose from as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredTemplate {
    /// Names it; 0 for one that is not stored yet.
    pub id: i64,
    /// Of pages in this language.
    pub language: String,
    /// The built-in text that it stands in place of; none for one more.
    pub ready: Option<String>,
    /// What people choose it by.
    pub name: String,
    /// How far they are who tell it; empty where it fits any.
    pub stage: String,
    /// In words.
    pub text: String,
}

fn draft(row: &Row<'_>) -> rusqlite::Result<StoredDraft> {
    let checks: String = row.get(4)?;
    Ok(StoredDraft {
        id: row.get(0)?,
        page: row.get(1)?,
        title: row.get(2)?,
        severity: row.get(3)?,
        checks: numbers(&checks),
        stage: row.get(5)?,
        text: row.get(6)?,
        changed_at: row.get(7)?,
        changed_by: row.get(8)?,
    })
}

fn template(row: &Row<'_>) -> rusqlite::Result<StoredTemplate> {
    Ok(StoredTemplate {
        id: row.get(0)?,
        language: row.get(1)?,
        ready: row.get(2)?,
        name: row.get(3)?,
        stage: row.get(4)?,
        text: row.get(5)?,
    })
}

impl Store {
    /// Every draft of a post, in order of making. Blocking.
    pub fn drafts(&self) -> Result<Vec<StoredDraft>, DbError> {
        let sql = "SELECT id, page_id, title, severity, checks, stage, text, changed_ms, changed_by FROM uptime_post_drafts ORDER BY id";
        self.db.read(|db| db.prepare(sql)?.query_map([], draft)?.collect())
    }

    /// Stores a draft, a new one or instead of the one of its number. Gives its number.
    pub async fn put_draft(&self, draft: StoredDraft) -> Result<i64, DbError> {
        let put = move |tx: &Transaction<'_>| {
            let StoredDraft { id, page, title, severity, checks, stage, text, changed_at, changed_by } = &draft;
            let checks = joined(checks);
            if *id == 0 {
                let sql = "INSERT INTO uptime_post_drafts (page_id, title, severity, checks, stage, text, changed_ms, changed_by) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
                tx.prepare_cached(sql)?.execute(params![page, title, severity, checks, stage, text, changed_at, changed_by])?;
                return Ok(tx.last_insert_rowid());
            }
            let sql = "UPDATE uptime_post_drafts SET title = ?2, severity = ?3, checks = ?4, stage = ?5, text = ?6, changed_ms = ?7, \
                       changed_by = ?8 WHERE id = ?1";
            tx.prepare_cached(sql)?.execute(params![id, title, severity, checks, stage, text, changed_at, changed_by])?;
            Ok(*id)
        };
        self.db.write(put).await
    }

    /// Forgets a draft.
    pub async fn delete_draft(&self, id: i64) -> Result<(), DbError> {
        self.db.write(move |tx| tx.execute("DELETE FROM uptime_post_drafts WHERE id = ?1", [id]).map(drop)).await
    }

    /// Every text to choose from, in order of making. Blocking.
    pub fn templates(&self) -> Result<Vec<StoredTemplate>, DbError> {
        let sql = "SELECT id, language, ready, name, stage, text FROM uptime_post_templates ORDER BY id";
        self.db.read(|db| db.prepare(sql)?.query_map([], template)?.collect())
    }

    /// Stores a text, a new one or instead of the one of its number. Gives its number; none where another of its language
    /// has its name, or stands for the same built-in one.
    pub async fn put_template(&self, template: StoredTemplate) -> Result<Option<i64>, DbError> {
        let put = move |tx: &Transaction<'_>| {
            let StoredTemplate { id, language, ready, name, stage, text } = &template;
            let sql = "SELECT id FROM uptime_post_templates WHERE language = ?1 AND (name = ?2 OR ready = ?3) AND id <> ?4";
            let other: Option<i64> = tx.query_row(sql, params![language, name, ready, id], |row| row.get(0)).optional()?;
            if other.is_some() {
                return Ok(None);
            }
            if *id == 0 {
                let sql = "INSERT INTO uptime_post_templates (language, ready, name, stage, text) VALUES (?1, ?2, ?3, ?4, ?5)";
                tx.prepare_cached(sql)?.execute(params![language, ready, name, stage, text])?;
                return Ok(Some(tx.last_insert_rowid()));
            }
            let sql = "UPDATE uptime_post_templates SET name = ?2, stage = ?3, text = ?4 WHERE id = ?1";
            tx.prepare_cached(sql)?.execute(params![id, name, stage, text])?;
            Ok(Some(*id))
        };
        self.db.write(put).await
    }

    /// Forgets a text.
    pub async fn delete_template(&self, id: i64) -> Result<(), DbError> {
        self.db.write(move |tx| tx.execute("DELETE FROM uptime_post_templates WHERE id = ?1", [id]).map(drop)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::platform::db::Db;
    use crate::uptime::store::{StoredPage, StoredPost, StoredUpdate};

    fn open() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(Db::open(&folder.path().join("db")).unwrap()));
        (folder, store)
    }

    #[tokio::test]
    async fn a_draft_becomes_a_post_and_goes_with_its_page() {
        let (_folder, store) = open();
        let page = StoredPage { slug: "shop".to_owned(), ..StoredPage::default() };
        let page = store.put_page(page).await.unwrap().unwrap();
        let draft = StoredDraft { page, title: "T".to_owned(), checks: vec![1, 2], ..StoredDraft::default() };
        let first = store.put_draft(draft.clone()).await.unwrap();
        let second = store.put_draft(draft.clone()).await.unwrap();
        let changed = StoredDraft { id: second, text: "x".to_owned(), ..draft.clone() };
        assert_eq!(store.put_draft(changed.clone()).await.unwrap(), second);
        assert_eq!(store.drafts().unwrap(), [StoredDraft { id: first, ..draft }, changed]);
        let update = StoredUpdate { at: 5, stage: "resolved".to_owned(), text: "Over".to_owned(), ..StoredUpdate::default() };
        let post = StoredPost { page, updates: vec![update.clone()], ..StoredPost::default() };
        let (_, updates) = store.add_post(post, Some(first)).await.unwrap();
        assert_eq!(store.drafts().unwrap().len(), 1);
        let edited = StoredUpdate { id: updates[0], text: "All over".to_owned(), edited_at: Some(9), ..update };
        store.edit_update(edited.clone()).await.unwrap();
        assert_eq!(store.posts().unwrap()[0].updates, [edited]);
        store.delete_update(updates[0]).await.unwrap();
        assert_eq!(store.posts().unwrap()[0].updates, []);
        store.delete_page(page).await.unwrap();
        assert_eq!(store.drafts().unwrap(), []);
    }

    #[tokio::test]
    async fn a_text_has_its_name_alone() {
        let (_folder, store) = open();
        let text = |name: &str, ready: Option<&str>| StoredTemplate {
            language: "en".to_owned(),
            name: name.to_owned(),
            ready: ready.map(str::to_owned),
            ..StoredTemplate::default()
        };
        let id = store.put_template(text("Slow", None)).await.unwrap().unwrap();
        assert_eq!(store.put_template(text("Slow", None)).await.unwrap(), None);
        assert!(store.put_template(StoredTemplate { language: "ar".to_owned(), ..text("Slow", None) }).await.unwrap().is_some());
        assert!(store.put_template(text("Repaired", Some("monitoring"))).await.unwrap().is_some());
        assert_eq!(store.put_template(text("Mended", Some("monitoring"))).await.unwrap(), None);
        assert_eq!(store.put_template(StoredTemplate { id, text: "x".to_owned(), ..text("Slow", None) }).await.unwrap(), Some(id));
        store.delete_template(id).await.unwrap();
        assert_eq!(store.templates().unwrap().len(), 2);
    }
}
