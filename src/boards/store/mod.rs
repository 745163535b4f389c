//! Where dashboards and annotations are kept: the server's database.

mod annotations;
mod boards;
mod folders;
mod library;
mod shares;

use std::sync::Arc;

use crate::boards::model::{Annotation, Wanted};
use crate::platform::db::{Db, DbError};

/// Most annotations; of more the oldest go.
pub const ANNOTATIONS_MAX: i64 = 50_000;
/// Most of one answer.
pub const ANSWER_MAX: usize = 5_000;

/// The tables of the hall. Reading blocks.
#[derive(Debug, Clone)]
pub struct Store {
    db: Arc<Db>,
    /// Most annotations.
    max: i64,
}

impl Store {
    /// On the server's database.
    pub const fn new(db: Arc<Db>) -> Self {
        Self { db, max: ANNOTATIONS_MAX }
    }

    /// Keeps a new one; gives its name.
    ///
    /// # Errors
    /// The database's.
    pub async fn add(&self, annotation: Annotation) -> Result<i64, DbError> {
        let max = self.max;
        self.db.write(move |tx| annotations::add(tx, &annotation, max)).await
    }

    /// Puts one in the place of the one with its name; whether there is such a one.
    ///
    /// # Errors
    /// The database's.
    pub async fn replace(&self, annotation: Annotation) -> Result<bool, DbError> {
        self.db.write(move |tx| annotations::replace(tx, &annotation)).await
    }

    /// Forgets those with these names; gives how many there were.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete(&self, ids: Vec<i64>) -> Result<usize, DbError> {
        self.db.write(move |tx| annotations::delete(tx, &ids)).await
    }

    /// Forgets those of a panel of a dashboard, by its name or its number; gives how many there were.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_of_panel(&self, board_uid: String, board_id: i64, panel_id: i64) -> Result<usize, DbError> {
        self.db.write(move |tx| annotations::delete_of_panel(tx, &board_uid, board_id, panel_id)).await
    }

    /// One by its name. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn one(&self, id: i64) -> Result<Option<Annotation>, DbError> {
        self.db.read(|db| annotations::one(db, id))
    }

    /// Those that are asked for, by their end, the newest first. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn find(&self, wanted: &Wanted) -> Result<Vec<Annotation>, DbError> {
        self.db.read(|db| annotations::find(db, wanted))
    }

    /// Tags that hold a text, with how many annotations have them, in order. Blocking.
    ///
    /// # Errors
    /// The database's.
    pub fn tags(&self, part: &str, limit: usize) -> Result<Vec<(String, i64)>, DbError> {
        self.db.read(|db| annotations::tags(db, part, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::model::Tag;

    fn open(folder: &std::path::Path, max: i64) -> Store {
        Store { max, ..Store::new(Arc::new(Db::open(&folder.join("pharos.db")).unwrap())) }
    }

    fn at(at: i64, until: i64, tags: &[&str]) -> Annotation {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Annotation { at, until, text: format!("at {at}"), tags, data: "{}".into(), made_by: "ann".into(), ..Annotation::default() }
    }

    fn found(store: &Store, wanted: Wanted) -> Vec<i64> {
        store.find(&Wanted { limit: 100, ..wanted }).unwrap().iter().map(|one| one.id).collect()
    }

    #[tokio::test]
    async fn found_by_time_tags_and_place_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), 100);
        let (a, b) = (store.add(at(10, 10, &["deploy", "env:prod"])).await.unwrap(), store.add(at(20, 50, &["env:dev"])).await.unwrap());
        let c = store.add(Annotation { board_uid: "uid".into(), panel_id: 3, user_id: 7, ..at(30, 30, &["100%_"]) }).await.unwrap();
        let tag = |text: &str| Tag::read(text).unwrap();
        for (wanted, expected) in [
            (Wanted::default(), vec![b, c, a]),
            (Wanted { range: Some((15, 25)), ..Wanted::default() }, vec![b]),
            (Wanted { range: Some((0, 10)), ..Wanted::default() }, vec![a]),
            (Wanted { range: Some((51, 60)), ..Wanted::default() }, vec![]),
            (Wanted { tags: vec![tag("env")], ..Wanted::default() }, vec![b, a]),
            (Wanted { tags: vec![tag("env:prod")], ..Wanted::default() }, vec![a]),
            (Wanted { tags: vec![tag("env:dev"), tag("deploy")], ..Wanted::default() }, vec![]),
            (Wanted { tags: vec![tag("env:dev"), tag("deploy")], any_tag: true, ..Wanted::default() }, vec![b, a]),
            (Wanted { board_uid: "uid".into(), panel_id: 3, ..Wanted::default() }, vec![c]),
            (Wanted { board_uid: "uid".into(), panel_id: 4, ..Wanted::default() }, vec![]),
            (Wanted { user_id: 7, ..Wanted::default() }, vec![c]),
        ] {
            assert_eq!(found(&store, wanted.clone()), expected, "{wanted:?}");
        }
        assert_eq!(store.find(&Wanted { limit: 1, ..Wanted::default() }).unwrap().len(), 1);
        let tags = |part: &str| store.tags(part, 100).unwrap();
        assert_eq!(tags("env"), [("env:dev".to_owned(), 1), ("env:prod".to_owned(), 1)]);
        assert_eq!(tags("%"), [("100%_".to_owned(), 1)], "what is looked for is no pattern");
        assert_eq!((tags("").len(), store.tags("", 2).unwrap().len()), (4, 2));
    }

    #[tokio::test]
    async fn changed_deleted_and_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), 20);
        let id = store.add(at(10, 10, &["a"])).await.unwrap();
        let mut one = store.one(id).unwrap().unwrap();
        (one.text, one.tags) = ("other".into(), vec!["b".into()]);
        assert!(store.replace(one.clone()).await.unwrap());
        assert_eq!(store.one(id).unwrap(), Some(one.clone()));
        assert_eq!(store.tags("", 9).unwrap(), [("b".to_owned(), 1)]);
        assert!(!store.replace(Annotation { id: 99, ..one }).await.unwrap());
        assert_eq!(store.delete(vec![id, 99]).await.unwrap(), 1);
        assert!(store.one(id).unwrap().is_none() && store.tags("", 9).unwrap().is_empty());
        for n in 0..60 {
            store.add(at(100 - n, 100 - n, &["t"])).await.unwrap();
        }
        let left = store.find(&Wanted { limit: 1000, ..Wanted::default() }).unwrap();
        assert!(left.len() <= 20 && left[0].at == 100, "the oldest go: {}", left.len());
        assert_eq!(store.tags("", 9).unwrap()[0].1, left.len() as i64);
        store.add(Annotation { board_uid: "u".into(), panel_id: 2, ..at(100, 100, &[]) }).await.unwrap();
        assert_eq!(store.delete_of_panel("u".into(), 0, 2).await.unwrap(), 1);
        assert_eq!(store.delete_of_panel(String::new(), 0, 0).await.unwrap(), 0, "those of no panel stay");
    }
}
