//! Marking something, and changing what was marked.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::{Value, json};

use super::ApiState;
use super::answer::{Refusal, good, said};
use super::wire::{self, Changed, New, data_text};
use crate::access;
use crate::boards::model::{Annotation, Change, tags};

const NOT_SAVED: &str = "Failed to save annotation";
const NOT_UPDATED: &str = "Failed to update annotation";

/// What of an annotation the audit log has.
pub(super) fn told(one: &Annotation) -> Value {
    json!({ "time": one.at, "timeEnd": one.until, "text": one.text, "tags": one.tags })
}

/// `POST /api/annotations`.
pub(super) async fn add(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (user_id, made_by) = wire::made_by(&request);
    let new: New = wire::body(request).await?;
    let now = state.clock.now_ms();
    let annotation = Annotation {
        id: 0,
        at: new.time.unwrap_or(0),
        until: new.time_end.unwrap_or(0),
        text: new.text.unwrap_or_default(),
        tags: tags(new.tags.iter().flatten().map(String::as_str)),
        board_uid: new.dashboard_uid.unwrap_or_default(),
        board_id: new.dashboard_id.unwrap_or(0),
        panel_id: new.panel_id.unwrap_or(0),
        user_id,
        made_by,
        made_at: now,
        changed_at: now,
        data: data_text(new.data).unwrap_or_else(|| "{}".to_owned()),
    };
    let annotation = annotation.checked(now).map_err(|mistake| Refusal::bad(NOT_SAVED, mistake.to_string()))?;
    let id = state.kept.add(annotation).await.map_err(|cause| Refusal::failed(NOT_SAVED, &cause))?;
    Ok(good(&json!({ "message": "Annotation added", "id": id })))
}

/// `PUT /api/annotations/{id}`: the text is replaced; times and tags that are absent stay, as in Grafana.
pub(super) async fn replace(State(state): State<Arc<ApiState>>, path: Path<String>, request: Request<Body>) -> Result<Response, Refusal> {
    let id = wire::id(path)?;
    let mut changed: Changed = wire::body(request).await?;
    changed.text.get_or_insert_default();
    apply(&state, id, changed, "Annotation updated").await
}

/// `PATCH /api/annotations/{id}`: what is absent or empty stays.
pub(super) async fn change(State(state): State<Arc<ApiState>>, path: Path<String>, request: Request<Body>) -> Result<Response, Refusal> {
    let id = wire::id(path)?;
    let mut changed: Changed = wire::body(request).await?;
    changed.text = changed.text.filter(|text| !text.is_empty());
    apply(&state, id, changed, "Annotation patched").await
}

async fn apply(state: &ApiState, id: i64, changed: Changed, message: &str) -> Result<Response, Refusal> {
    let failed = |cause: String| Refusal::failed(NOT_UPDATED, &cause);
    let before = state.kept.one(id).await.map_err(failed)?.ok_or_else(|| Refusal::not_found(id))?;
    let change = Change {
        at: changed.time.unwrap_or(0),
        until: changed.time_end.unwrap_or(0),
        text: changed.text,
        tags: changed.tags.map(|given| tags(given.iter().map(String::as_str))),
        data: data_text(changed.data),
    };
    let now = state.clock.now_ms();
    let after = change.applied_to(before.clone(), now).map_err(|mistake| Refusal::bad(NOT_UPDATED, mistake.to_string()))?;
    if !state.kept.replace(after.clone()).await.map_err(failed)? {
        return Err(Refusal::not_found(id));
    }
    let line = access::Change::new("annotation.change", id.to_string()).before(told(&before)).after(told(&after));
    Ok(line.in_answer(said(message)))
}
