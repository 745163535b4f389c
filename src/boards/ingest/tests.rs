//! Folders of dashboards that are read, changed, and read again.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Follower, Provider, providers};
use crate::base::clock::ManualClock;
use crate::boards::model::{About, Library, Saving, Search};
use crate::boards::store::Store;
use crate::platform::db::Db;

struct Place {
    folder: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("boards")).unwrap();
        let store = Store::new(Arc::new(Db::open(&folder.path().join("pharos.db")).unwrap()));
        Self { folder, store }
    }

    fn write(&self, name: &str, json: &Value) {
        let path = self.folder.path().join("boards").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, json.to_string()).unwrap();
    }

    fn follower(&self) -> Follower {
        let path = self.folder.path().join("boards");
        let followed = providers(path.to_str().unwrap(), "").unwrap();
        Follower::new(Arc::new(self.store.clone()), ManualClock::at(1_000), followed)
    }

    async fn read(&self) -> Vec<String> {
        self.follower().read_once().await;
        let shown =
            |one: About| format!("{} {} v{}{}", one.uid, one.title, one.version, if one.is_changed_here() { " changed" } else { "" });
        self.store.find_boards(Search::default()).await.unwrap().into_iter().map(shown).collect()
    }

    async fn edit(&self, uid: &str, title: &str) {
        let mut json = self.store.board(uid.to_owned()).await.unwrap().unwrap().json;
        json["title"] = title.into();
        self.store.save(Saving { json, by: "ann".into(), ..Saving::default() }).await.unwrap().unwrap();
    }
}

fn board(uid: &str, title: &str) -> Value {
    json!({"uid": uid, "title": title, "panels": [{"id": 1, "type": "stat", "title": "p"}]})
}

#[tokio::test]
async fn files_become_dashboards_in_folders_and_follow_their_files() {
    let place = Place::new();
    place.write("a.json", &board("a", "A"));
    place.write("team/web/b.json", &json!({"title": "B", "panels": []}));
    place.write("broken.json", &json!([]));
    place.write("twin.json", &board("a", "Twin"));
    place.write("notes.txt", &json!("no dashboard"));
    let found = place.read().await;
    let b = place.store.find_boards(Search { query: "B".into(), ..Search::default() }).await.unwrap().remove(0);
    assert_eq!(found, ["a A v1".to_owned(), format!("{} B v1", b.uid)]);
    assert!(b.uid.starts_with("file-"), "a file without a uid has one by its path: {}", b.uid);
    let folders = place.store.folders().await.unwrap();
    let names: Vec<&str> = folders.iter().map(|folder| folder.title.as_str()).collect();
    assert_eq!((names, &b.folder_uid), (vec!["team", "web"], &folders[1].uid));
    assert_eq!(folders[1].parent_uid, folders[0].uid);

    assert_eq!(place.read().await, found, "what did not change gives no version");
    place.write("a.json", &board("a", "A2"));
    std::fs::remove_file(place.folder.path().join("boards/team/web/b.json")).unwrap();
    assert_eq!(place.read().await, ["a A2 v2"]);
}

#[tokio::test]
async fn what_was_changed_here_stays_and_the_file_is_a_version() {
    let place = Place::new();
    place.write("a.json", &board("a", "A"));
    place.read().await;
    place.edit("a", "Mine").await;
    assert_eq!(place.read().await, ["a Mine v2 changed"], "the file did not change");
    place.write("a.json", &board("a", "Theirs"));
    assert_eq!(place.read().await, ["a Mine v4 changed"]);
    let (version, json) = place.store.version("a".into(), 3).await.unwrap().unwrap();
    assert_eq!((json["title"].as_str(), version.made_by.as_str()), (Some("Theirs"), "file"));
    assert_eq!(place.read().await, ["a Mine v4 changed"]);

    // Taken home to the file, both are one again.
    let mut json = place.store.board("a".into()).await.unwrap().unwrap().json;
    json["id"] = Value::Null;
    place.write("a.json", &json);
    assert_eq!(place.read().await, ["a Mine v5"]);
    place.edit("a", "Once more").await;
    std::fs::remove_file(place.folder.path().join("boards/a.json")).unwrap();
    assert_eq!(place.read().await, ["a Once more v6 changed"], "it stays when its file goes");
}

#[test]
fn grafanas_provisioning_files_name_folders() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = at(
        "a.yaml",
        "apiVersion: 1\nproviders:\n  - name: x\n    orgId: 1\n    folder: Team\n    folderUid: team\n    type: file\n    disableDeletion: true\n    \
         updateIntervalSeconds: 10\n    allowUiUpdates: true\n    options:\n      path: boards\n      foldersFromFilesStructure: true\n",
    );
    let expected = Provider {
        path: folder.path().join("boards"),
        folder: "Team".into(),
        folder_uid: "team".into(),
        has_folders: true,
        keeps_gone: true,
    };
    assert_eq!(providers("", &good).unwrap(), std::slice::from_ref(&expected));
    assert_eq!(providers("", folder.path().to_str().unwrap()).unwrap(), [expected]);
    for (text, words) in [
        ("apiVersion: 2", "apiVersion is 2, only 1 is known"),
        ("apiVersion: 1\nproviders: [{name: x, type: git, options: {path: a}}]", "the type \"git\" is not known"),
        ("apiVersion: 1\nproviders: [{name: x}]", "options.path is missing"),
        ("providers: [", "bad.yml"),
    ] {
        let error = providers("", &at("bad.yml", text)).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    assert!(providers("/nowhere/at/all", "").unwrap_err().contains("is no folder"));
    assert!(providers("", "").unwrap().is_empty() && Path::new(&good).is_file());
}
