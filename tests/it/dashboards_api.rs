//! Dashboards over Grafana's HTTP interface, in the order in which tools ask: folder, push, stale push, search,
//! versions, restore, import, delete.

use serde_json::{Value, json};

use crate::support::{Server, ask};

fn good(server: &Server, method: &str, path: &str, body: Option<&Value>) -> Value {
    let (status, answer) = ask(server, method, path, body);
    assert_eq!(status, 200, "{method} {path}: {answer}");
    answer
}

#[test]
fn a_tool_pushes_dashboards_as_to_grafana() {
    let server = Server::quiet();
    let folder = good(&server, "POST", "/api/folders", Some(&json!({"uid": "team", "title": "Team A"})));
    assert_eq!((folder["url"].as_str(), folder["version"].as_i64()), (Some("/dashboards/f/team/team-a"), Some(1)));
    assert_eq!(ask(&server, "POST", "/api/folders", Some(&json!({"uid": "team", "title": "B"}))).0, 409);

    // What pharos does not know stays in the JSON.
    let board = json!({"id": null, "uid": "web", "title": "Web Requests", "tags": ["web"], "schemaVersion": 16, "version": 0,
        "panels": [{"id": 1, "type": "graph", "x-own": {"deep": [1, 2.5, null]}, "targets": [{"expr": "up"}]}]});
    let push =
        |board: &Value, overwrite: bool| json!({"dashboard": board, "folderUid": "team", "message": "from CI", "overwrite": overwrite});
    let (status, made) = ask(&server, "POST", "/api/dashboards/db", Some(&push(&board, false)));
    let expected = json!({"folderUid": "team", "id": made["id"], "slug": "web-requests", "status": "success", "uid": "web",
        "url": "/d/web/web-requests", "version": 1});
    assert_eq!((status, &made), (200, &expected));

    let got = good(&server, "GET", "/api/dashboards/uid/web", None);
    let mut same = board.clone();
    (same["id"], same["version"]) = (made["id"].clone(), 1.into());
    assert_eq!(got["dashboard"], same);
    assert_eq!((got["meta"]["folderTitle"].as_str(), got["meta"]["isStarred"].as_bool()), (Some("Team A"), Some(false)));

    let mut next = got["dashboard"].clone();
    next["title"] = "Web".into();
    assert_eq!(good(&server, "POST", "/api/dashboards/db", Some(&push(&next, false)))["version"], 2);
    let (status, refused) = ask(&server, "POST", "/api/dashboards/db", Some(&push(&next, false)));
    assert_eq!((status, refused["status"].as_str()), (412, Some("version-mismatch")));
    assert_eq!(refused["message"], "The dashboard has been changed by someone else");
    assert_eq!(good(&server, "POST", "/api/dashboards/db", Some(&push(&next, true)))["version"], 3);

    let found = good(&server, "GET", "/api/search?query=web&type=dash-db&tag=web", None);
    assert_eq!(found.as_array().unwrap().len(), 1);
    let hit = &found[0];
    assert_eq!(
        (hit["uid"].as_str(), hit["type"].as_str(), hit["url"].as_str(), hit["folderUrl"].as_str()),
        (Some("web"), Some("dash-db"), Some("/d/web/web"), Some("/dashboards/f/team/team-a"))
    );
    assert_eq!(
        good(&server, "GET", "/api/search?folderUIDs=general&query=team", None),
        json!([{
        "id": folder["id"], "orgId": 1, "uid": "team", "title": "Team A", "uri": "db/team-a", "url": "/dashboards/f/team/team-a", "slug": "",
        "type": "dash-folder", "tags": [], "isStarred": false, "sortMeta": 0, "isDeleted": false}])
    );
    assert!(good(&server, "GET", "/api/dashboards/tags", None).as_array().unwrap().iter().any(|tag| tag["term"] == "web"));

    let versions = good(&server, "GET", "/api/dashboards/uid/web/versions?limit=2", None);
    let numbers: Vec<_> =
        versions["versions"].as_array().unwrap().iter().map(|one| (one["version"].clone(), one["message"].clone())).collect();
    assert_eq!(numbers, [(json!(3), json!("from CI")), (json!(2), json!("from CI"))]);
    assert_eq!(good(&server, "GET", "/api/dashboards/uid/web/versions/1", None)["data"]["title"], "Web Requests");
    assert_eq!(good(&server, "POST", "/api/dashboards/uid/web/restore", Some(&json!({"version": 1})))["version"], 4);
    assert_eq!(good(&server, "GET", "/api/dashboards/uid/web", None)["dashboard"]["title"], "Web Requests");
    assert_eq!(ask(&server, "POST", "/api/dashboards/uid/web/restore", Some(&json!({"version": 99}))).0, 404);

    assert_eq!(good(&server, "POST", "/api/user/stars/dashboard/uid/web", None)["message"], "Dashboard starred!");
    assert_eq!(good(&server, "GET", "/api/search?starred=true", None)[0]["isStarred"], true);
    assert_eq!(good(&server, "DELETE", "/api/user/stars/dashboard/uid/web", None)["message"], "Dashboard unstarred");

    let gone = good(&server, "DELETE", "/api/dashboards/uid/web", None);
    assert_eq!(gone["message"], "Dashboard Web Requests deleted");
    assert_eq!(ask(&server, "GET", "/api/dashboards/uid/web", None).0, 404);
}

#[test]
fn what_is_wrong_is_refused_in_words() {
    let server = Server::quiet();
    for (body, status, message) in [
        (json!({}), 400, "bad request data"),
        (json!({"dashboard": {"panels": []}}), 400, "Dashboard title cannot be empty"),
        (json!({"dashboard": {"title": "a", "uid": "a/b"}}), 400, "uid contains illegal characters"),
        (json!({"dashboard": {"title": "a"}, "folderUid": "none"}), 400, "folder not found"),
    ] {
        let (found, answer) = ask(&server, "POST", "/api/dashboards/db", Some(&body));
        assert_eq!((found, answer["message"].as_str()), (status, Some(message)), "{body}: {answer}");
    }
    let (status, refused) = ask(&server, "POST", "/api/datasources", Some(&json!({"name": "x", "type": "prometheus"})));
    assert_eq!(status, 403);
    assert!(refused["error"].as_str().unwrap().contains("sources are neither added"), "{refused}");
    assert_eq!(ask(&server, "GET", "/api/datasources/uid/none", None).0, 404);
}

#[test]
fn an_import_fills_inputs_and_tells_what_was_not_understood() {
    let server = Server::quiet();
    let board = json!({"__inputs": [{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"}], "title": "Imported", "gnetId": 1860,
        "panels": [{"id": 4, "title": "Map", "type": "geomap", "datasource": "${DS_PROM}"}]});
    let inputs = json!([{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus", "value": "metrics"}]);
    let done = good(&server, "POST", "/api/dashboards/import", Some(&json!({"dashboard": board, "inputs": inputs, "overwrite": true})));
    assert_eq!((done["imported"].as_bool(), done["title"].as_str()), (Some(true), Some("Imported")));
    assert_eq!(done["report"]["findings"][0]["text"], "panels of the type \"geomap\" are not drawn");
    let kept = good(&server, "GET", &format!("/api/dashboards/uid/{}", done["uid"].as_str().unwrap()), None);
    assert_eq!((&kept["dashboard"]["panels"][0]["datasource"], &kept["dashboard"]["gnetId"]), (&json!("metrics"), &json!(1860)));
    assert!(kept["dashboard"].get("__inputs").is_none());
}

#[test]
fn folders_lie_in_each_other_and_are_changed_by_version() {
    let server = Server::quiet();
    good(&server, "POST", "/api/folders", Some(&json!({"uid": "a", "title": "A"})));
    let inner = good(&server, "POST", "/api/folders", Some(&json!({"uid": "b", "title": "B", "parentUid": "a"})));
    assert_eq!(inner["parents"][0]["uid"], "a");
    let outer = good(&server, "GET", "/api/folders", None);
    let uids: Vec<_> = outer.as_array().unwrap().iter().map(|one| one["uid"].as_str().unwrap()).collect();
    assert_eq!(uids, ["a", "pharos-ready"], "those that lie in none, the ready-made ones last");
    assert_eq!(good(&server, "GET", "/api/folders?parentUid=a", None)[0]["uid"], "b");
    let (status, refused) = ask(&server, "PUT", "/api/folders/b", Some(&json!({"title": "C", "version": 7})));
    assert_eq!((status, refused["status"].as_str()), (412, Some("version-mismatch")));
    assert_eq!(good(&server, "PUT", "/api/folders/b", Some(&json!({"title": "C", "version": 1})))["title"], "C");
    assert_eq!(good(&server, "GET", "/api/folders/a/counts", None)["folder"], 1);
    assert!(good(&server, "POST", "/api/folders/b/move", Some(&json!({}))).get("parentUid").is_none());
    assert_eq!(good(&server, "DELETE", "/api/folders/a", None)["title"], "A");
    assert_eq!(ask(&server, "GET", "/api/folders/a", None).0, 404);
}

#[test]
fn tools_learn_about_the_server() {
    let server = Server::quiet();
    assert_eq!(good(&server, "GET", "/api/health", None)["database"], "ok");
    let sources = good(&server, "GET", "/api/datasources", None);
    let told: Vec<_> =
        sources.as_array().unwrap().iter().map(|one| (one["uid"].as_str().unwrap(), one["type"].as_str().unwrap())).collect();
    assert_eq!(told, [("alerts", "alertmanager"), ("logs", "loki"), ("metrics", "prometheus")]);
    assert_eq!(good(&server, "GET", "/api/datasources/name/Logs", None)["uid"], "logs");
    assert_eq!(good(&server, "GET", "/api/org", None)["id"], 1);
    assert!(good(&server, "GET", "/api/user", None)["login"].is_string());
    assert_eq!(good(&server, "GET", "/api/frontend/settings", None)["defaultDatasource"], "Metrics");
}

/// Asks until an answer is as it should be; fails with the last one after two minutes.
fn await_answer(server: &Server, path: &str, found: impl Fn(u16, &Value) -> bool) {
    let mut last = (0, Value::Null);
    for _ in 0..1200 {
        last = ask(server, "GET", path, None);
        if found(last.0, &last.1) {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    panic!("{path} never came to what was awaited: {last:?}");
}

#[test]
fn a_folder_of_files_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("team").join("web.json");
    std::fs::create_dir(folder.path().join("team")).unwrap();
    let write = |title: &str| std::fs::write(&file, json!({"uid": "web", "title": title, "panels": []}).to_string()).unwrap();
    write("One");
    let path = format!("--boards.folder={}", folder.path().display());
    let server = Server::start(&["--host-metrics=false", "--own-metrics=false", &path]);
    await_answer(&server, "/api/dashboards/uid/web", |status, answer| status == 200 && answer["meta"]["folderTitle"] == "team");
    write("Two");
    await_answer(&server, "/api/dashboards/uid/web", |_, answer| answer["dashboard"]["title"] == "Two");
    std::fs::remove_file(&file).unwrap();
    await_answer(&server, "/api/dashboards/uid/web", |status, _| status == 404);
}
