//! Dashboards in the store, for whoever must not block.

use serde_json::Value;

use super::boards::Ready;
use super::{Store, boards, folders};
use crate::boards::model::{
    About, Folder, FolderSaving, Keeping, Library, MESSAGE_BYTES_MAX, NotSaved, Saving, Search, Stored, TITLE_BYTES_MAX, Version, is_uid,
};
use crate::platform::db::DbError;

/// Letters of uids that are made up.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Length of uids that are made up.
const MADE_UID_BYTES: usize = 14;

fn text(error: &DbError) -> String {
    error.to_string()
}

impl Store {
    pub(super) fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Keeping<'_, T> {
        let db = self.db.clone();
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || db.read(look)).await;
            found.map_err(|error| error.to_string())?.map_err(|error| text(&error))
        })
    }
}

/// A uid that nobody chose.
fn made_uid() -> Result<String, String> {
    let mut bytes = [0_u8; MADE_UID_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| format!("there is no randomness for a uid: {error}"))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte % 32)])).collect())
}

/// The uid that is given, or one that is made up.
fn uid_or_made(given: &str) -> Result<Result<String, NotSaved>, String> {
    Ok(match given {
        "" => Ok(made_uid()?),
        given if is_uid(given) => Ok(given.to_owned()),
        given if given.len() > crate::boards::model::UID_BYTES_MAX => Err(NotSaved::Wrong("uid too long, max 40 characters".to_owned())),
        _ => Err(NotSaved::Wrong("uid contains illegal characters".to_owned())),
    })
}

/// What of a dashboard is looked at before it is kept.
fn checked(saving: &mut Saving) -> Result<String, NotSaved> {
    let wrong = |text: String| Err(NotSaved::Wrong(text));
    let Some(json) = saving.json.as_object_mut() else { return wrong("a dashboard is a JSON object; this is none".to_owned()) };
    let title = json.get("title").and_then(Value::as_str).unwrap_or_default();
    if title.trim().is_empty() {
        return wrong("Dashboard title cannot be empty".to_owned());
    }
    if title.len() > TITLE_BYTES_MAX {
        return wrong(format!("the title has {} bytes, at most {TITLE_BYTES_MAX} are allowed", title.len()));
    }
    if saving.message.len() > MESSAGE_BYTES_MAX {
        return wrong(format!("the message has {} bytes, at most {MESSAGE_BYTES_MAX} are allowed", saving.message.len()));
    }
    Ok(json.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned())
}

impl Library for Store {
    fn save(&self, mut saving: Saving) -> Keeping<'_, Result<About, NotSaved>> {
        Box::pin(async move {
            let given = match checked(&mut saving) {
                Ok(given) => given,
                Err(wrong) => return Ok(Err(wrong)),
            };
            let uid = match uid_or_made(&given)? {
                Ok(uid) => uid,
                Err(wrong) => return Ok(Err(wrong)),
            };
            let ready = tokio::task::spawn_blocking(move || Ready::of(saving, uid)).await.map_err(|error| error.to_string())?;
            match ready {
                Ok(ready) => self.db.write(move |tx| boards::save(tx, &ready)).await.map_err(|error| text(&error)),
                Err(wrong) => Ok(Err(wrong)),
            }
        })
    }

    fn board(&self, uid: String) -> Keeping<'_, Option<Stored>> {
        self.look(move |db| boards::stored(db, &uid))
    }

    fn delete_board(&self, uid: String) -> Keeping<'_, Option<About>> {
        Box::pin(async move { self.db.write(move |tx| boards::delete(tx, &uid)).await.map_err(|error| text(&error)) })
    }

    fn find_boards(&self, search: Search) -> Keeping<'_, Vec<About>> {
        self.look(move |db| boards::find(db, &search))
    }

    fn board_tags(&self) -> Keeping<'_, Vec<(String, i64)>> {
        self.look(boards::tags)
    }

    fn versions(&self, uid: String, before: i64, limit: usize) -> Keeping<'_, Vec<Version>> {
        self.look(move |db| boards::versions(db, &uid, before, limit))
    }

    fn version(&self, uid: String, version: i64) -> Keeping<'_, Option<(Version, Value)>> {
        self.look(move |db| boards::version(db, &uid, version))
    }

    fn folders(&self) -> Keeping<'_, Vec<Folder>> {
        self.look(folders::all)
    }

    fn save_folder(&self, mut saving: FolderSaving) -> Keeping<'_, Result<Folder, NotSaved>> {
        Box::pin(async move {
            if saving.is_new {
                match uid_or_made(&saving.uid)? {
                    Ok(uid) => saving.uid = uid,
                    Err(wrong) => return Ok(Err(wrong)),
                }
            }
            self.db.write(move |tx| folders::save(tx, &saving)).await.map_err(|error| text(&error))
        })
    }

    fn delete_folder(&self, uid: String, with_all: bool) -> Keeping<'_, Result<Folder, NotSaved>> {
        Box::pin(async move { self.db.write(move |tx| folders::delete(tx, &uid, with_all)).await.map_err(|error| text(&error)) })
    }

    fn star(&self, user_id: i64, uid: String, is_on: bool) -> Keeping<'_, bool> {
        Box::pin(async move { self.db.write(move |tx| boards::star(tx, user_id, &uid, is_on)).await.map_err(|error| text(&error)) })
    }

    fn stars(&self, user_id: i64) -> Keeping<'_, Vec<String>> {
        self.look(move |db| boards::stars(db, user_id))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::platform::db::Db;

    fn open(folder: &std::path::Path) -> Store {
        Store::new(Arc::new(Db::open(&folder.join("pharos.db")).unwrap()))
    }

    fn saving(json: Value) -> Saving {
        Saving { json, by: "ann".into(), at: 5, ..Saving::default() }
    }

    #[tokio::test]
    async fn a_stale_version_is_refused_and_what_was_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let json = json!({"id": 99, "title": "One", "tags": ["a", "b"], "panels": [], "unknown": {"x": 1.5}, "version": 77});
        let made = store.save(saving(json.clone())).await.unwrap().unwrap();
        assert_eq!((made.version, made.uid.len(), made.slug().as_str()), (1, MADE_UID_BYTES, "one"));
        let kept = store.board(made.uid.clone()).await.unwrap().unwrap();
        let mut expected = json;
        (expected["id"], expected["uid"], expected["version"]) = (made.id.into(), made.uid.clone().into(), 1.into());
        assert_eq!(kept.json, expected, "nothing but id, uid and version is other than it came");

        let next = json!({"uid": made.uid, "title": "Two", "version": 1});
        let second = store.save(Saving { message: "renamed".into(), ..saving(next.clone()) }).await.unwrap().unwrap();
        assert_eq!((second.version, second.title.as_str(), second.id), (2, "Two", made.id));
        let stale = store.save(saving(next.clone())).await.unwrap().unwrap_err();
        assert_eq!(stale, NotSaved::Newer { is: 2, by: "ann".into(), had: 1 });
        let over = store.save(Saving { overwrite: true, ..saving(next) }).await.unwrap().unwrap();
        assert_eq!(over.version, 3);
        let versions = store.versions(made.uid.clone(), 0, 10).await.unwrap();
        let told: Vec<_> = versions.iter().map(|one| (one.version, one.parent, one.message.as_str())).collect();
        assert_eq!(told, [(3, 2, ""), (2, 1, "renamed"), (1, 0, "")]);
        assert_eq!(store.version(made.uid.clone(), 1).await.unwrap().unwrap().1["title"], "One");
        assert_eq!(store.delete_board(made.uid.clone()).await.unwrap().map(|gone| gone.version), Some(3));
        assert!(store.board(made.uid.clone()).await.unwrap().is_none() && store.versions(made.uid, 0, 10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn only_so_many_versions_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        for version in 0..105 {
            store.save(saving(json!({"uid": "u", "title": "t", "version": version}))).await.unwrap().unwrap();
        }
        let versions = store.versions("u".into(), 0, 1000).await.unwrap();
        assert_eq!((versions.len(), versions[0].version, versions[99].version), (100, 105, 6));
        assert_eq!(store.versions("u".into(), 50, 2).await.unwrap()[0].version, 49);
    }

    #[tokio::test]
    async fn wrong_ones_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        for (json, folder, words) in [
            (json!([]), None, "a dashboard is a JSON object"),
            (json!({"title": " "}), None, "Dashboard title cannot be empty"),
            (json!({"title": "x".repeat(6000)}), None, "the title has 6000 bytes"),
            (json!({"title": "t", "uid": "a b"}), None, "uid contains illegal characters"),
            (json!({"title": "t", "uid": "x".repeat(41)}), None, "uid too long"),
            (json!({"title": "t"}), Some("nowhere"), "there is no folder with the uid"),
            (json!({"title": "t", "x": "y".repeat(5 << 20)}), None, "the dashboard has"),
        ] {
            let refused = store.save(Saving { folder_uid: folder.map(str::to_owned), ..saving(json) }).await.unwrap().unwrap_err();
            assert!(refused.to_string().starts_with(words), "{refused}");
        }
    }

    #[tokio::test]
    async fn folders_search_and_stars() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let new = |uid: &str, parent: &str| FolderSaving {
            uid: uid.into(),
            title: Some(uid.to_uppercase()),
            parent_uid: Some(parent.into()),
            is_new: true,
            ..FolderSaving::default()
        };
        store.save_folder(new("top", "")).await.unwrap().unwrap();
        store.save_folder(new("sub", "top")).await.unwrap().unwrap();
        assert_eq!(store.save_folder(new("sub", "")).await.unwrap().unwrap_err(), NotSaved::Taken("sub".into()));
        let moved = FolderSaving { uid: "top".into(), parent_uid: Some("sub".into()), ..FolderSaving::default() };
        assert!(store.save_folder(moved.clone()).await.unwrap().unwrap_err().to_string().contains("in itself"));
        let stale = FolderSaving { version: Some(7), ..moved };
        assert!(matches!(store.save_folder(stale).await.unwrap(), Err(NotSaved::Newer { is: 1, had: 7, .. })));
        for (uid, title, tags, folder) in
            [("a", "Über Node", vec!["x"], "sub"), ("b", "node b", vec!["x", "y"], ""), ("c", "Other", vec![], "")]
        {
            let json = json!({"uid": uid, "title": title, "tags": tags});
            store.save(Saving { folder_uid: Some(folder.into()), ..saving(json) }).await.unwrap().unwrap();
        }
        assert!(store.star(7, "c".into(), true).await.unwrap() && !store.star(7, "none".into(), true).await.unwrap());
        assert_eq!(store.stars(7).await.unwrap(), ["c", "none"]);
        let texts = |given: &[&str]| given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (search, expected) in [
            (Search::default(), "b c a"),
            (Search { query: "NODE".into(), ..Search::default() }, "b a"),
            (Search { query: "über no".into(), ..Search::default() }, "a"),
            (Search { tags: texts(&["x", "y"]), ..Search::default() }, "b"),
            (Search { folder_uids: texts(&["sub"]), ..Search::default() }, "a"),
            (Search { folder_uids: texts(&["general"]), ..Search::default() }, "b c"),
            (Search { uids: texts(&["a", "c"]), ..Search::default() }, "c a"),
            (Search { starred_by: Some(7), ..Search::default() }, "c"),
        ] {
            let found: Vec<String> = store.find_boards(search.clone()).await.unwrap().into_iter().map(|one| one.uid).collect();
            assert_eq!(found.join(" "), expected, "{search:?}");
        }
        assert_eq!(store.board_tags().await.unwrap(), [("x".to_owned(), 2), ("y".to_owned(), 1)]);
        let full = store.delete_folder("top".into(), false).await.unwrap().unwrap_err();
        assert_eq!(full, NotSaved::NotEmpty { boards: 0, folders: 1 });
        store.delete_folder("top".into(), true).await.unwrap().unwrap();
        assert!(store.folders().await.unwrap().is_empty() && store.board("a".into()).await.unwrap().is_none());
    }
}
