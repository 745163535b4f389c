//! What dashboards were: their versions, and bringing one back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ApiState;
use super::answer::{Refusal, good};
use super::boards::{keep, not_found, url};
use super::find::Params;
use super::wire;
use crate::base::time::format_rfc3339;
use crate::boards::model::{About, Saving, Search, Version};

/// Versions of an answer where nothing is said.
const LIMIT: usize = 1_000;
const FAILED: &str = "No versions found for dashboardId";

fn item(about: &About, one: &Version) -> Value {
    json!({
        "id": one.id, "dashboardId": about.id, "dashboardUID": about.uid, "uid": about.uid, "parentVersion": one.parent,
        "restoredFrom": one.restored, "version": one.version, "created": format_rfc3339(one.made_at), "createdBy": one.made_by,
        "message": one.message,
    })
}

async fn about(state: &ApiState, uid: &str) -> Result<About, Refusal> {
    let search = Search { uids: vec![uid.to_owned()], ..Search::default() };
    let found = state.library.find_boards(search).await.map_err(|cause| Refusal::failed(FAILED, &cause))?;
    found.into_iter().next().ok_or_else(|| not_found(uid))
}

/// `GET /api/dashboards/uid/{uid}/versions`, the newest first.
pub(super) async fn all(State(state): State<Arc<ApiState>>, Path(uid): Path<String>, request: Request<Body>) -> Result<Response, Refusal> {
    let params = Params::of(&request);
    let about = about(&state, &uid).await?;
    let found = state.library.versions(uid, 0, LIMIT).await.map_err(|cause| Refusal::failed(FAILED, &cause))?;
    let limit = params.count("limit").filter(|limit| *limit > 0).unwrap_or(LIMIT);
    let some = found.iter().skip(params.count("start").unwrap_or(0)).take(limit);
    Ok(good(&json!({"continueToken": "", "versions": some.map(|one| item(&about, one)).collect::<Vec<_>>()})))
}

async fn version(state: &ApiState, uid: &str, text: &str) -> Result<(Version, Value), Refusal> {
    let number: i64 = text.parse().map_err(|_| Refusal::unreadable(format!("{text:?} is no number of a version")))?;
    let found = state.library.version(uid.to_owned(), number).await.map_err(|cause| Refusal::failed(FAILED, &cause))?;
    let said = format!("the dashboard {uid:?} has no version {number}, or it is older than those that are kept");
    found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Dashboard version not found", said))
}

/// `GET /api/dashboards/uid/{uid}/versions/{version}`.
pub(super) async fn one(State(state): State<Arc<ApiState>>, Path((uid, number)): Path<(String, String)>) -> Result<Response, Refusal> {
    let about = about(&state, &uid).await?;
    let (found, json) = version(&state, &uid, &number).await?;
    let mut answer = item(&about, &found);
    answer["data"] = json;
    Ok(good(&answer))
}

/// What [`restore`] is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Restore {
    version: i64,
}

/// `POST /api/dashboards/uid/{uid}/restore`: an old version becomes the newest.
pub(super) async fn restore(
    State(state): State<Arc<ApiState>>,
    Path(uid): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let (_, by) = wire::made_by(&request);
    let sent: Restore = wire::body(request).await?;
    let before = about(&state, &uid).await?;
    if before.version == sent.version {
        let said = format!("version {} is the newest one already", sent.version);
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "Current version cannot be restored, select an older version", said));
    }
    let (_, mut json) = version(&state, &uid, &sent.version.to_string()).await?;
    if let Some(json) = json.as_object_mut() {
        json.insert("uid".to_owned(), uid.into());
        json.insert("version".to_owned(), before.version.into());
    }
    let saving = Saving {
        json,
        message: format!("Restored from version {}", sent.version),
        by,
        at: state.clock.now_ms(),
        restored: sent.version,
        ..Saving::default()
    };
    let (about, change) = keep(&state, saving).await?;
    let answer = json!({
        "id": about.id, "slug": about.slug(), "status": "success", "uid": about.uid, "url": url(&about), "version": about.version,
        "folderUid": about.folder_uid,
    });
    Ok(change.in_answer(good(&answer)))
}
