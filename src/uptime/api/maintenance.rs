//! Maintenance: announced, changed, ended, asked about. These endpoints are ours; the envelope is Prometheus'.
//!
//! Maintenance is sent as JSON or YAML with the keys of a file of checks, and answered as JSON. Times are RFC 3339.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::ApiState;
use super::checks::BODY_BYTES_MAX;
use crate::access::{Caller, Change};
use crate::base::time::format_rfc3339;
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::platform::http::extract::read_text;
use crate::uptime::config::maintenance::Described;
use crate::uptime::model::maintenance::When;
use crate::uptime::model::planned::Planned;
use crate::uptime::model::window::Window;
use crate::uptime::watch::desk::Desk;
use crate::uptime::watch::planner::{PlanError, over_at};

#[derive(Serialize)]
struct WindowJson {
    from: String,
    until: String,
}

impl From<Window> for WindowJson {
    fn from(window: Window) -> Self {
        Self { from: format_rfc3339(window.from), until: format_rfc3339(window.until) }
    }
}

#[derive(Serialize)]
struct MaintenanceJson {
    id: i64,
    title: String,
    note: String,
    checks: Vec<String>,
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    until: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    starts: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    lasts: String,
    time_zone: String,
    #[serde(rename = "madeBy")]
    made_by: String,
    /// Whether it is of every check.
    everything: bool,
    /// How many checks of today it is of.
    covers: usize,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<WindowJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<WindowJson>,
    #[serde(skip_serializing_if = "String::is_empty")]
    file: String,
}

fn shown(desk: &Desk, planned: &Planned, now: i64) -> MaintenanceJson {
    let Described { title, note, checks, labels, from, until, starts, lasts, time_zone } = desk.described(planned.id).unwrap_or_default();
    let (at, next) = (planned.maintenance.at(now), planned.maintenance.next_after(now));
    let is_over = over_at(&planned.maintenance).is_some_and(|over| over <= now);
    MaintenanceJson {
        id: planned.id,
        title,
        note,
        checks,
        labels,
        from,
        until,
        starts,
        lasts: if matches!(planned.maintenance.when, When::Again { .. }) { lasts.to_string() } else { String::new() },
        time_zone,
        made_by: planned.made_by.clone(),
        everything: planned.covers.checks.is_empty() && planned.covers.labels.is_empty(),
        covers: desk.views().iter().filter(|(id, view)| planned.covers.holds(**id, &view.check.labels)).count(),
        state: if is_over {
            "over"
        } else if at.is_some() {
            "now"
        } else {
            "planned"
        },
        now: at.map(WindowJson::from),
        next: next.map(WindowJson::from),
        file: desk.file_of_maintenance(planned.id),
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        let kind = match &error {
            PlanError::Unknown => ErrorKind::NotFound,
            PlanError::Db(_) => ErrorKind::Unavailable,
            _ => ErrorKind::BadData,
        };
        Self::new(kind, error.to_string())
    }
}

fn found(desk: &Desk, id: &str) -> Result<Planned, ApiError> {
    let number: Option<i64> = id.parse().ok();
    let all = desk.planned();
    all.iter().find(|planned| Some(planned.id) == number).cloned().ok_or_else(|| PlanError::Unknown.into())
}

/// What of maintenance the audit log has.
fn told(described: Option<Described>) -> Json {
    described.map_or(Json::Null, |described| json!({ "definition": described.text() }))
}

/// `GET /api/v1/maintenance`: what is, will be and was, in order of its making.
pub(super) async fn list(State(state): State<Arc<ApiState>>) -> Response {
    let now = state.clock.now_ms();
    success(&state.desk.planned().iter().map(|planned| shown(&state.desk, planned, now)).collect::<Vec<_>>())
}

/// `GET /api/v1/maintenance/{id}`: one of it.
pub(super) async fn one(State(state): State<Arc<ApiState>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    Ok(success(&shown(&state.desk, &found(&state.desk, &id)?, state.clock.now_ms())))
}

/// `POST /api/v1/maintenance`: announces that of the body.
pub(super) async fn make(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    put(&state, None, request).await
}

/// `PUT /api/v1/maintenance/{id}`: changes it into the body. What is over stays as it was: the answer has the number under
/// which it goes on.
pub(super) async fn change(
    State(state): State<Arc<ApiState>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let id = found(&state.desk, &id)?.id;
    put(&state, Some(id), request).await
}

async fn put(state: &ApiState, id: Option<i64>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let made_by = parts.extensions.get::<Caller>().map(Caller::actor).unwrap_or_default();
    let before = id.map(|id| told(state.desk.described(id)));
    let id = state.desk.plan(id, &text, &made_by).await?;
    let mut change = Change::new("maintenance.save", id.to_string()).after(told(state.desk.described(id)));
    if let Some(before) = before {
        change = change.before(before);
    }
    let planned = found(&state.desk, &id.to_string())?;
    Ok(change.in_answer(success(&shown(&state.desk, &planned, state.clock.now_ms()))))
}

/// `DELETE /api/v1/maintenance/{id}`: ends it now, or takes it back before it begins.
pub(super) async fn delete(State(state): State<Arc<ApiState>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = found(&state.desk, &id)?.id;
    let before = told(state.desk.described(id));
    let stays = state.desk.end_maintenance(id).await?;
    let change = Change::new("maintenance.end", id.to_string()).before(before);
    Ok(change.in_answer(success(&json!({ "ended": stays }))))
}
