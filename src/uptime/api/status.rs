//! Status pages. These endpoints are ours; the envelope is Prometheus'.
//!
//! Pages are sent as JSON or YAML, and answered as JSON. Times are RFC 3339.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use http::header::HOST;
use http::uri::Authority;
use serde_json::{Value as Json, json};

use super::ApiState;
use super::checks::BODY_BYTES_MAX;
use crate::access::{Change, PasswordError};
use crate::base::secret::Secret;
use crate::base::time::format_rfc3339;
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::platform::http::extract::read_text;
use crate::uptime::status::host::{asked_by, named};
use crate::uptime::status::keeper::{KeepError, Known};
use crate::uptime::status::page::{Named, Part, StatusPage, read_one};

impl From<KeepError> for ApiError {
    fn from(error: KeepError) -> Self {
        let kind = match &error {
            KeepError::Unknown => ErrorKind::NotFound,
            KeepError::Db(_) => ErrorKind::Unavailable,
            _ => ErrorKind::BadData,
        };
        Self::new(kind, error.to_string())
    }
}

pub(super) fn found(state: &ApiState, slug: &str) -> Result<Known, ApiError> {
    state.keeper.page(slug).ok_or_else(|| KeepError::Unknown.into())
}

fn named_json(named: &Named) -> Json {
    json!({ "check": named.check, "name": named.name, "description": named.description })
}

fn part_json(part: &Part) -> Json {
    let components: Vec<Json> = part.components.iter().map(named_json).collect();
    json!({ "title": part.title, "checks": part.checks, "labels": part.labels, "components": components })
}

fn page_json(state: &ApiState, known: &Known) -> Json {
    let page: StatusPage = state.keeper.written(known);
    json!({
        "title": page.title,
        "slug": page.slug,
        "hosts": page.hosts,
        "description": page.description,
        "sections": page.sections.iter().map(part_json).collect::<Vec<_>>(),
        "language": page.language,
        "time_zone": page.time_zone,
        "theme": page.theme,
        "accent": page.accent,
        "published": page.published,
        "protected": page.protected,
        "listed": page.listed,
        "show_latency": page.show_latency,
        "show_values": page.show_values,
        "links": page.links.iter().map(|link| json!({ "name": link.name, "url": link.url })).collect::<Vec<_>>(),
        "footer": page.footer,
        "auto_after": if page.auto_after.ms() > 0 { page.auto_after.to_string() } else { String::new() },
        "madeAt": format_rfc3339(known.made_at),
        "changedAt": format_rfc3339(known.changed_at),
    })
}

/// What of a page the audit log has.
fn told(state: &ApiState, known: &Known) -> Json {
    json!({ "definition": state.keeper.written(known).text() })
}

pub(super) async fn body_of(request: Request<Body>) -> Result<String, ApiError> {
    let (parts, body) = request.into_parts();
    read_text(&parts.headers, body, BODY_BYTES_MAX).await
}

/// `GET /api/v1/status-pages`: every one.
pub(super) async fn list(State(state): State<Arc<ApiState>>) -> Response {
    success(&state.keeper.pages().iter().map(|known| page_json(&state, known)).collect::<Vec<_>>())
}

/// `GET /api/v1/status-pages/{slug}`: one.
pub(super) async fn one(State(state): State<Arc<ApiState>>, Path(slug): Path<String>) -> Result<Response, ApiError> {
    Ok(success(&page_json(&state, &found(&state, &slug)?)))
}

/// `POST /api/v1/status-pages`: makes that of the body.
pub(super) async fn make(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    put(&state, None, request).await
}

/// `PUT /api/v1/status-pages/{slug}`: changes it into the body.
pub(super) async fn change(
    State(state): State<Arc<ApiState>>,
    Path(slug): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let known = found(&state, &slug)?;
    put(&state, Some(known), request).await
}

fn unhashed(error: PasswordError) -> ApiError {
    ApiError::new(ErrorKind::Unavailable, error.to_string())
}

async fn put(state: &ApiState, before: Option<Known>, request: Request<Body>) -> Result<Response, ApiError> {
    let said = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let named = said.or_else(|| request.uri().authority().map(Authority::as_str)).and_then(named);
    let text = body_of(request).await?;
    let was = before.as_ref().map(|known| told(state, known));
    // What is wrong with the page is said below.
    let StatusPage { password, hosts, .. } = read_one(&text).unwrap_or_default();
    if let Some(host) = asked_by(&hosts, named.as_deref()) {
        return Err(KeepError::OwnHost(host.clone()).into());
    }
    let hash = if password.is_empty() { None } else { Some(state.passwords.hash(Secret::new(password)).await.map_err(unhashed)?) };
    let id = state.keeper.put(before.map(|known| known.id), &text, hash).await?;
    let known = state.keeper.pages().into_iter().find(|known| known.id == id).ok_or(KeepError::Unknown)?;
    let change = Change::new("status_pages.save", &known.page.slug).before(was).after(told(state, &known));
    Ok(change.in_answer(success(&page_json(state, &known))))
}

/// `DELETE /api/v1/status-pages/{slug}`: forgets it and everything told on it.
pub(super) async fn delete(State(state): State<Arc<ApiState>>, Path(slug): Path<String>) -> Result<Response, ApiError> {
    let known = found(&state, &slug)?;
    let before = told(&state, &known);
    state.keeper.delete(known.id).await?;
    Ok(Change::new("status_pages.delete", slug).before(before).in_answer(success(&json!({ "deleted": true }))))
}
