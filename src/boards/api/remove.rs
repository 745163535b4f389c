//! Forgetting what was marked.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::json;

use super::ApiState;
use super::answer::{Refusal, said};
use super::wire::{self, Mass};
use super::write::told;
use crate::access::Change;

/// `DELETE /api/annotations/{id}`.
pub(super) async fn one(State(state): State<Arc<ApiState>>, path: Path<String>) -> Result<Response, Refusal> {
    let id = wire::id(path)?;
    let change = forget(&state, id, "Failed to delete annotation").await?;
    Ok(change.in_answer(said("Annotation deleted")))
}

async fn forget(state: &ApiState, id: i64, message: &'static str) -> Result<Change, Refusal> {
    let failed = |cause: String| Refusal::failed(message, &cause);
    let before = state.kept.one(id).await.map_err(failed)?.ok_or_else(|| Refusal::not_found(id))?;
    if !state.kept.delete(id).await.map_err(failed)? {
        return Err(Refusal::not_found(id));
    }
    Ok(Change::new("annotation.delete", id.to_string()).before(told(&before)))
}

/// `POST /api/annotations/mass-delete`: one by its number, or all of a panel of a dashboard.
pub(super) async fn of_panel(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    const FAILED: &str = "Failed to delete annotations";
    let Mass { annotation_id, dashboard_uid, dashboard_id, panel_id } = wire::body(request).await?;
    let (uid, number, panel) = (dashboard_uid.unwrap_or_default(), dashboard_id.unwrap_or(0), panel_id.unwrap_or(0));
    if let Some(id) = annotation_id.filter(|id| *id != 0) {
        return Ok(forget(&state, id, FAILED).await?.in_answer(said("Annotations deleted")));
    }
    if panel == 0 || (uid.is_empty() && number == 0) {
        return Err(Refusal::unreadable("DashboardId and PanelId are both required for mass delete, or AnnotationId"));
    }
    let subject = format!("dashboard {} panel {panel}", if uid.is_empty() { number.to_string() } else { uid.clone() });
    let gone = state.kept.delete_of_panel(uid, number, panel).await.map_err(|cause| Refusal::failed(FAILED, &cause))?;
    Ok(Change::new("annotation.delete", subject).before(json!({ "count": gone })).in_answer(said("Annotations deleted")))
}
