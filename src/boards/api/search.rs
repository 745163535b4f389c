//! Looking for dashboards and folders, and the stars of whoever asks.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::{Value, json};

use super::ApiState;
use super::answer::{Refusal, good, said};
use super::boards::{folder_url, not_found, url};
use super::find::Params;
use super::wire;
use crate::boards::model::{About, Folder, Search, slug};

/// Hits of an answer where nothing is said, and at most.
const LIMIT: usize = 1_000;
const LIMIT_MAX: usize = 5_000;
const FAILED: &str = "Search failed";

/// `GET /api/search`.
pub(super) async fn all(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let failed = |cause: String| Refusal::failed(FAILED, &cause);
    let params = Params::of(&request);
    let texts = |names: &[&str]| names.iter().flat_map(|name| params.all(name)).map(str::to_owned).collect::<Vec<_>>();
    let (user, _) = wire::made_by(&request);
    let is_starred = params.text("starred") == "true";
    let wanted = Search {
        query: params.text("query").to_owned(),
        tags: texts(&["tag"]),
        folder_uids: texts(&["folderUIDs", "folderUids"]),
        uids: texts(&["dashboardUIDs", "dashboardUIDs[]", "dashboardUids"]),
        starred_by: is_starred.then_some(user),
    };
    let kind = params.text("type");
    let folders = state.library.folders().await.map_err(failed)?;
    let stars = state.library.stars(user).await.map_err(failed)?;
    let mut hits: Vec<(String, Value)> = Vec::new();
    // Folders have neither tags nor stars.
    if kind != "dash-db" && wanted.tags.is_empty() && !is_starred {
        hits.extend(folders.iter().filter(|folder| fits(folder, &wanted)).map(|folder| (folder.title.to_lowercase(), folder_hit(folder))));
    }
    if kind != "dash-folder" {
        let by_uid: HashMap<&str, &Folder> = folders.iter().map(|folder| (folder.uid.as_str(), folder)).collect();
        for one in state.library.find_boards(wanted).await.map_err(failed)? {
            let hit = board_hit(&one, by_uid.get(one.folder_uid.as_str()).copied(), stars.contains(&one.uid));
            hits.push((one.title.to_lowercase(), hit));
        }
    }
    hits.sort_by(|(a, _), (b, _)| a.cmp(b));
    if params.text("sort") == "alpha-desc" {
        hits.reverse();
    }
    let limit = params.count("limit").filter(|limit| *limit > 0).unwrap_or(LIMIT).min(LIMIT_MAX);
    let page = params.count("page").unwrap_or(1).max(1);
    let some: Vec<Value> = hits.into_iter().skip(limit.saturating_mul(page - 1)).take(limit).map(|(_, hit)| hit).collect();
    Ok(good(&some))
}

fn fits(folder: &Folder, wanted: &Search) -> bool {
    let title = folder.title.to_lowercase();
    wanted.query.split_whitespace().all(|word| title.contains(&word.to_lowercase()))
        && (wanted.uids.is_empty() || wanted.uids.contains(&folder.uid))
        && (wanted.folder_uids.is_empty()
            || wanted.folder_uids.iter().any(|uid| *uid == folder.parent_uid || (folder.parent_uid.is_empty() && uid == "general")))
}

fn folder_hit(folder: &Folder) -> Value {
    let mut hit = json!({
        "id": folder.id, "orgId": 1, "uid": folder.uid, "title": folder.title, "uri": format!("db/{}", slug(&folder.title)),
        "url": folder_url(folder), "slug": "", "type": "dash-folder", "tags": [], "isStarred": false, "sortMeta": 0, "isDeleted": false,
    });
    if !folder.parent_uid.is_empty() {
        hit["folderUid"] = folder.parent_uid.clone().into();
    }
    hit
}

fn board_hit(one: &About, folder: Option<&Folder>, is_starred: bool) -> Value {
    let mut hit = json!({
        "id": one.id, "orgId": 1, "uid": one.uid, "title": one.title, "uri": format!("db/{}", one.slug()), "url": url(one), "slug": "",
        "type": "dash-db", "tags": one.tags, "isStarred": is_starred, "sortMeta": 0, "isDeleted": false,
    });
    if let Some(folder) = folder {
        hit["folderId"] = folder.id.into();
        hit["folderUid"] = folder.uid.clone().into();
        hit["folderTitle"] = folder.title.clone().into();
        hit["folderUrl"] = folder_url(folder).into();
    }
    hit
}

/// `GET /api/user/stars`.
pub(super) async fn stars(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (user, _) = wire::made_by(&request);
    Ok(good(&state.library.stars(user).await.map_err(|cause| Refusal::failed("Failed to get starred dashboards", &cause))?))
}

/// `POST /api/user/stars/dashboard/uid/{uid}`.
pub(super) async fn star(State(state): State<Arc<ApiState>>, Path(uid): Path<String>, request: Request<Body>) -> Result<Response, Refusal> {
    mark(&state, uid, wire::made_by(&request).0, true).await?;
    Ok(said("Dashboard starred!"))
}

/// `DELETE /api/user/stars/dashboard/uid/{uid}`.
pub(super) async fn unstar(
    State(state): State<Arc<ApiState>>,
    Path(uid): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    mark(&state, uid, wire::made_by(&request).0, false).await?;
    Ok(said("Dashboard unstarred"))
}

async fn mark(state: &ApiState, uid: String, user: i64, is_on: bool) -> Result<(), Refusal> {
    let is_there = state.library.star(user, uid.clone(), is_on).await;
    if is_there.map_err(|cause| Refusal::failed("Failed to star dashboard", &cause))? { Ok(()) } else { Err(not_found(&uid)) }
}
