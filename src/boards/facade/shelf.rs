//! Dashboards that are kept, with the ready-made ones behind them: one that is changed is kept from then on, and
//! deleting that brings the ready-made one back.

use std::sync::Arc;

use serde_json::Value;

use crate::boards::model::{About, Folder, FolderSaving, Keeping, Library, NotSaved, Saving, Search, Stored, Version};
use crate::boards::ready::{self, FOLDER_TITLE, FOLDER_UID, Ready};

/// The keeper's dashboards and the ready-made ones.
pub(super) struct Shelf(pub(super) Arc<dyn Library>);

fn about(ready: &Ready) -> About {
    let board = &ready.board;
    About {
        uid: board.uid.clone(),
        title: board.title.clone(),
        description: board.description.clone(),
        folder_uid: FOLDER_UID.to_owned(),
        tags: board.tags.clone(),
        // One that is kept begins with 1.
        version: 0,
        ..About::default()
    }
}

fn folder() -> Folder {
    Folder { uid: FOLDER_UID.to_owned(), title: FOLDER_TITLE.to_owned(), version: 1, ..Folder::default() }
}

/// Whether a ready-made dashboard is looked for; `stars` are those of whoever's are.
fn is_wanted(about: &About, search: &Search, stars: &[String]) -> bool {
    let has = |all: &[String], one: &str| all.is_empty() || all.iter().any(|known| known == one);
    (search.starred_by.is_none() || stars.contains(&about.uid))
        && about.title.to_lowercase().contains(&search.query.to_lowercase())
        && search.tags.iter().all(|tag| about.tags.contains(tag))
        && has(&search.folder_uids, FOLDER_UID)
        && has(&search.uids, &about.uid)
}

impl Shelf {
    /// Ready-made dashboards that are not kept changed.
    async fn untouched(&self) -> Result<Vec<&'static Ready>, String> {
        let uids: Vec<String> = ready::all().iter().map(|ready| ready.board.uid.clone()).collect();
        let kept = self.0.find_boards(Search { uids, ..Search::default() }).await?;
        Ok(ready::all().iter().filter(|ready| !kept.iter().any(|about| about.uid == ready.board.uid)).collect())
    }

    /// Whether a uid is that of a ready-made dashboard which is not kept.
    async fn is_untouched(&self, uid: &str) -> Result<bool, String> {
        Ok(ready::named(uid).is_some() && self.0.board(uid.to_owned()).await?.is_none())
    }
}

impl Library for Shelf {
    fn save(&self, mut saving: Saving) -> Keeping<'_, Result<About, NotSaved>> {
        Box::pin(async move {
            let uid = saving.json.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned();
            if self.is_untouched(&uid).await? {
                // It is new to the keeper, whatever version of the ready-made one was changed.
                saving.overwrite = true;
                saving.folder_uid.get_or_insert_default();
            }
            if saving.folder_uid.as_deref() == Some(FOLDER_UID) {
                saving.folder_uid = Some(String::new());
            }
            self.0.save(saving).await
        })
    }

    fn board(&self, uid: String) -> Keeping<'_, Option<Stored>> {
        Box::pin(async move {
            let ready = ready::named(&uid);
            let kept = self.0.board(uid).await?;
            Ok(kept.or_else(|| ready.map(|ready| Stored { about: about(ready), json: (*ready.json).clone() })))
        })
    }

    fn delete_board(&self, uid: String) -> Keeping<'_, Option<About>> {
        self.0.delete_board(uid)
    }

    fn find_boards(&self, search: Search) -> Keeping<'_, Vec<About>> {
        Box::pin(async move {
            let mut found = self.0.find_boards(search.clone()).await?;
            let stars = match search.starred_by {
                Some(user) => self.0.stars(user).await?,
                None => Vec::new(),
            };
            found.extend(self.untouched().await?.into_iter().map(about).filter(|about| is_wanted(about, &search, &stars)));
            found.sort_by_key(|about| about.title.to_lowercase());
            Ok(found)
        })
    }

    fn board_tags(&self) -> Keeping<'_, Vec<(String, i64)>> {
        Box::pin(async move {
            let mut tags = self.0.board_tags().await?;
            for tag in self.untouched().await?.iter().flat_map(|ready| &ready.board.tags) {
                match tags.iter_mut().find(|(known, _)| known == tag) {
                    Some((_, count)) => *count += 1,
                    None => tags.push((tag.clone(), 1)),
                }
            }
            tags.sort();
            Ok(tags)
        })
    }

    fn versions(&self, uid: String, before: i64, limit: usize) -> Keeping<'_, Vec<Version>> {
        self.0.versions(uid, before, limit)
    }

    fn version(&self, uid: String, version: i64) -> Keeping<'_, Option<(Version, Value)>> {
        self.0.version(uid, version)
    }

    fn folders(&self) -> Keeping<'_, Vec<Folder>> {
        Box::pin(async move {
            let mut folders = self.0.folders().await?;
            folders.push(folder());
            folders.sort_by_key(|folder| folder.title.to_lowercase());
            Ok(folders)
        })
    }

    fn save_folder(&self, saving: FolderSaving) -> Keeping<'_, Result<Folder, NotSaved>> {
        if saving.uid == FOLDER_UID {
            return Box::pin(async { Ok(Err(NotSaved::Taken(FOLDER_UID.to_owned()))) });
        }
        self.0.save_folder(saving)
    }

    fn delete_folder(&self, uid: String, with_all: bool) -> Keeping<'_, Result<Folder, NotSaved>> {
        if uid == FOLDER_UID {
            return Box::pin(async { Ok(Err(NotSaved::Wrong("the folder of ready-made dashboards is built in".to_owned()))) });
        }
        self.0.delete_folder(uid, with_all)
    }

    fn star(&self, user_id: i64, uid: String, is_on: bool) -> Keeping<'_, bool> {
        Box::pin(async move {
            let is_there = ready::named(&uid).is_some();
            let is_kept = self.0.star(user_id, uid.clone(), is_on).await?;
            if is_on && !is_kept && !is_there {
                self.0.star(user_id, uid, false).await?;
            }
            Ok(is_kept || is_there)
        })
    }

    fn stars(&self, user_id: i64) -> Keeping<'_, Vec<String>> {
        self.0.stars(user_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::store::Store;
    use crate::platform::db::Db;

    fn open() -> (tempfile::TempDir, Shelf) {
        let folder = tempfile::tempdir().unwrap();
        let db = Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap());
        (folder, Shelf(Arc::new(Store::new(db))))
    }

    fn saving(json: Value) -> Saving {
        Saving { json, by: "ann".to_owned(), at: 5, ..Saving::default() }
    }

    #[tokio::test]
    async fn ready_made_ones_are_there_until_they_are_changed_and_come_back() {
        let (_folder, shelf) = open();
        let all = ready::all().len();
        let find = async |search: Search| shelf.find_boards(search).await.unwrap();
        assert_eq!(find(Search::default()).await.len(), all);
        let mut json = shelf.board("pharos-host".to_owned()).await.unwrap().unwrap().json;
        json["title"] = "Our hosts".into();
        let kept = shelf.save(saving(json)).await.unwrap().unwrap();
        assert_eq!((kept.uid.as_str(), kept.folder_uid.as_str()), ("pharos-host", ""));
        assert_eq!(shelf.board("pharos-host".to_owned()).await.unwrap().unwrap().about.title, "Our hosts");
        assert_eq!(find(Search::default()).await.len(), all, "it is there once");
        let in_folder = find(Search { folder_uids: vec![FOLDER_UID.to_owned()], ..Search::default() }).await;
        assert_eq!(in_folder.len(), all - 1);
        assert!(shelf.delete_board("pharos-host".to_owned()).await.unwrap().is_some());
        assert_eq!(shelf.board("pharos-host".to_owned()).await.unwrap().unwrap().about.folder_uid, FOLDER_UID);
    }

    #[tokio::test]
    async fn ready_made_ones_can_be_marked() {
        let (_folder, shelf) = open();
        assert!(shelf.star(7, "pharos-host".to_owned(), true).await.unwrap());
        assert!(!shelf.star(7, "nothing".to_owned(), true).await.unwrap());
        assert_eq!(shelf.stars(7).await.unwrap(), ["pharos-host"]);
        let found = shelf.find_boards(Search { starred_by: Some(7), ..Search::default() }).await.unwrap();
        assert_eq!(found.iter().map(|about| about.uid.as_str()).collect::<Vec<_>>(), ["pharos-host"]);
        shelf.star(7, "pharos-host".to_owned(), false).await.unwrap();
        assert!(shelf.stars(7).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn both_are_found_and_the_built_in_folder_stays() {
        let (_folder, shelf) = open();
        shelf.save(saving(serde_json::json!({"title": "System of ours", "tags": ["host"]}))).await.unwrap().unwrap();
        let found = shelf.find_boards(Search { query: "SYSTEM".to_owned(), ..Search::default() }).await.unwrap();
        assert!(found.iter().any(|about| about.title == "System of ours") && found.iter().any(|about| about.uid == "pharos-host"));
        assert!(found.is_sorted_by_key(|about| about.title.to_lowercase()));
        let tags = shelf.board_tags().await.unwrap();
        let of_ready = ready::all().iter().filter(|ready| ready.board.tags.contains(&"host".to_owned())).count();
        assert!(tags.contains(&("host".to_owned(), of_ready as i64 + 1)), "{tags:?}");
        assert!(shelf.folders().await.unwrap().iter().any(|folder| folder.uid == FOLDER_UID));
        assert!(shelf.delete_folder(FOLDER_UID.to_owned(), true).await.unwrap().is_err());
        let own = FolderSaving { uid: FOLDER_UID.to_owned(), title: Some("x".to_owned()), ..FolderSaving::default() };
        assert!(shelf.save_folder(own).await.unwrap().is_err());
    }
}
