//! Folders of dashboards.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ApiState;
use super::answer::{Refusal, good};
use super::boards::{folder_url, refused};
use super::find::Params;
use super::wire;
use crate::access::Change;
use crate::base::time::format_rfc3339;
use crate::boards::model::{Folder, FolderSaving, NotSaved, Search};

/// Folders of an answer where nothing is said.
const LIMIT: usize = 1_000;
/// Folders inside of each other that an answer names.
const PARENTS_MAX: usize = 8;
const FAILED: &str = "Failed to get folders";
/// Grafana's name of no folder.
const GENERAL: &str = "general";

/// What a folder is to be.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Sent {
    uid: Option<String>,
    title: Option<String>,
    description: Option<String>,
    parent_uid: Option<String>,
    version: Option<i64>,
    overwrite: Option<bool>,
}

/// A folder as it is answered, with those it lies in.
fn answer(folder: &Folder, all: &[Folder]) -> Value {
    let mut found = own(folder);
    let mut parents = Vec::new();
    let mut at = folder.parent_uid.as_str();
    while let Some(parent) = all.iter().find(|one| one.uid == at).filter(|_| parents.len() < PARENTS_MAX) {
        parents.insert(0, own(parent));
        at = &parent.parent_uid;
    }
    if !parents.is_empty() {
        found["parents"] = parents.into();
    }
    found
}

fn own(folder: &Folder) -> Value {
    let mut found = json!({
        "id": folder.id, "uid": folder.uid, "orgId": 1, "title": folder.title, "url": folder_url(folder), "hasAcl": false,
        "canSave": true, "canEdit": true, "canAdmin": true, "canDelete": true, "createdBy": folder.made_by,
        "created": format_rfc3339(folder.made_at), "updatedBy": folder.changed_by, "updated": format_rfc3339(folder.changed_at),
        "version": folder.version,
    });
    for (name, value) in [("description", &folder.description), ("parentUid", &folder.parent_uid)] {
        if !value.is_empty() {
            found[name] = value.clone().into();
        }
    }
    found
}

fn not_there(uid: &str) -> Refusal {
    let said = format!("there is no folder with the uid {uid:?}");
    Refusal::new(StatusCode::NOT_FOUND, "folder not found", said).with_word("not-found")
}

/// A refusal of the library as Grafana words it for folders.
fn refused_folder(why: &NotSaved) -> Refusal {
    match why {
        NotSaved::Newer { .. } => {
            let message = "The folder has been changed by someone else";
            Refusal::new(StatusCode::PRECONDITION_FAILED, message, why.to_string()).with_word("version-mismatch")
        }
        NotSaved::NotFound(_) => Refusal::new(StatusCode::NOT_FOUND, "folder not found", why.to_string()).with_word("not-found"),
        NotSaved::Taken(_) => Refusal::new(StatusCode::CONFLICT, "a folder with the same uid already exists", why.to_string()),
        _ => refused(why),
    }
}

async fn folders(state: &ApiState) -> Result<Vec<Folder>, Refusal> {
    state.library.folders().await.map_err(|cause| Refusal::failed(FAILED, &cause))
}

/// `GET /api/folders`: those in a folder, or in none.
pub(super) async fn all(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let params = Params::of(&request);
    let parent = params.text("parentUid");
    let all = folders(&state).await?;
    if !parent.is_empty() && !all.iter().any(|folder| folder.uid == parent) {
        return Err(not_there(parent));
    }
    let limit = params.count("limit").filter(|limit| *limit > 0).unwrap_or(LIMIT);
    let page = params.count("page").unwrap_or(1).max(1);
    let inside = all.iter().filter(|folder| folder.parent_uid == parent);
    let item = |folder: &Folder| {
        let mut item = json!({"id": folder.id, "uid": folder.uid, "title": folder.title});
        if !folder.parent_uid.is_empty() {
            item["parentUid"] = folder.parent_uid.clone().into();
        }
        item
    };
    Ok(good(&inside.skip(limit.saturating_mul(page - 1)).take(limit).map(item).collect::<Vec<_>>()))
}

/// `GET /api/folders/{uid}`.
pub(super) async fn one(State(state): State<Arc<ApiState>>, Path(uid): Path<String>) -> Result<Response, Refusal> {
    let all = folders(&state).await?;
    if uid == GENERAL {
        return Ok(good(&own(&Folder { uid, title: "General".to_owned(), ..Folder::default() })));
    }
    let folder = all.iter().find(|folder| folder.uid == uid).ok_or_else(|| not_there(&uid))?;
    Ok(good(&answer(folder, &all)))
}

async fn keep(state: &ApiState, saving: FolderSaving) -> Result<Response, Refusal> {
    let kept = state.library.save_folder(saving).await.map_err(|cause| Refusal::failed("Failed to save folder", &cause))?;
    let folder = kept.map_err(|why| refused_folder(&why))?;
    let told = json!({ "title": folder.title, "parent": folder.parent_uid, "version": folder.version });
    let answer = answer(&folder, &folders(state).await?);
    Ok(Change::new("folder.save", folder.uid).after(told).in_answer(good(&answer)))
}

/// `POST /api/folders`.
pub(super) async fn create(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (_, by) = wire::made_by(&request);
    let sent: Sent = wire::body(request).await?;
    let saving = FolderSaving {
        uid: sent.uid.unwrap_or_default(),
        title: Some(sent.title.unwrap_or_default()),
        parent_uid: sent.parent_uid,
        description: sent.description,
        version: None,
        is_new: true,
        by,
        at: state.clock.now_ms(),
    };
    keep(&state, saving).await
}

/// `PUT /api/folders/{uid}`.
pub(super) async fn change(
    State(state): State<Arc<ApiState>>,
    Path(uid): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let (_, by) = wire::made_by(&request);
    let sent: Sent = wire::body(request).await?;
    let saving = FolderSaving {
        uid,
        title: sent.title,
        description: sent.description,
        // Where nothing is said, it is a change of the first version, as in Grafana.
        version: (sent.overwrite != Some(true)).then_some(sent.version.unwrap_or(0)),
        by,
        at: state.clock.now_ms(),
        ..FolderSaving::default()
    };
    keep(&state, saving).await
}

/// `POST /api/folders/{uid}/move`.
pub(super) async fn put_into(
    State(state): State<Arc<ApiState>>,
    Path(uid): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let (_, by) = wire::made_by(&request);
    let sent: Sent = wire::body(request).await?;
    let parent_uid = Some(sent.parent_uid.unwrap_or_default());
    keep(&state, FolderSaving { uid, parent_uid, by, at: state.clock.now_ms(), ..FolderSaving::default() }).await
}

/// `DELETE /api/folders/{uid}`: with everything in it.
pub(super) async fn remove(State(state): State<Arc<ApiState>>, Path(uid): Path<String>) -> Result<Response, Refusal> {
    let gone = state.library.delete_folder(uid.clone(), true).await.map_err(|cause| Refusal::failed("Failed to delete folder", &cause))?;
    let gone = gone.map_err(|why| refused_folder(&why))?;
    let answer = json!({"id": gone.id, "title": gone.title, "message": format!("Folder {} deleted", gone.title)});
    Ok(Change::new("folder.delete", uid).before(json!({ "title": gone.title })).in_answer(good(&answer)))
}

/// `GET /api/folders/{uid}/counts`.
pub(super) async fn counts(State(state): State<Arc<ApiState>>, Path(uid): Path<String>) -> Result<Response, Refusal> {
    let all = folders(&state).await?;
    if !all.iter().any(|folder| folder.uid == uid) {
        return Err(not_there(&uid));
    }
    let inside = all.iter().filter(|folder| folder.parent_uid == uid).count();
    let search = Search { folder_uids: vec![uid], ..Search::default() };
    let boards = state.library.find_boards(search).await.map_err(|cause| Refusal::failed(FAILED, &cause))?.len();
    Ok(good(&json!({"folder": inside, "dashboard": boards, "alertrule": 0, "librarypanel": 0})))
}
