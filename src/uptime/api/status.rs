//! Status pages and what is told on them. These endpoints are ours; the envelope is Prometheus'.
//!
//! Pages, posts and updates are sent as JSON or YAML, and answered as JSON. Times are RFC 3339.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::ApiState;
use super::checks::text_of;
use crate::access::{Caller, Change, PasswordError};
use crate::base::secret::Secret;
use crate::base::time::format_rfc3339;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::keys::{Keys, keys};
use crate::platform::config::section::Section;
use crate::platform::config::yaml;
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::uptime::status::keeper::{KeepError, Known};
use crate::uptime::status::page::{Named, Part, StatusPage, read_one};
use crate::uptime::status::post::{NewPost, Post, Severity, Stage, Update};

keys! {
    /// A post as it is sent.
    PostKeys, "a post";
    /// What it is about, in a few words.
    title: String,
    /// notice, degraded, outage or maintenance.
    severity: String = "notice",
    /// Names of the checks that it is about.
    checks: Vec<String>,
    /// investigating, identified, monitoring or resolved.
    stage: String = "investigating",
    /// What people should know.
    text: String,
}

keys! {
    /// An update as it is sent.
    UpdateKeys, "an update";
    /// investigating, identified, monitoring or resolved.
    stage: String = "investigating",
    /// What people should know.
    text: String,
}

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

fn found(state: &ApiState, slug: &str) -> Result<Known, ApiError> {
    state.keeper.page(slug).ok_or_else(|| KeepError::Unknown.into())
}

fn found_post(state: &ApiState, slug: &str, id: &str) -> Result<Post, ApiError> {
    let page = found(state, slug)?;
    let post = id.parse().ok().and_then(|id| state.keeper.post(id)).filter(|post| post.page == page.id);
    post.ok_or_else(|| KeepError::Unknown.into())
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
        "auto_after": if page.auto_after.ms() > 0 { page.auto_after.to_string() } else { String::new() },
        "madeAt": format_rfc3339(known.made_at),
        "changedAt": format_rfc3339(known.changed_at),
    })
}

fn update_json(update: &Update) -> Json {
    json!({ "id": update.id, "at": format_rfc3339(update.at), "stage": update.stage.as_str(), "text": update.text, "madeBy": update.made_by })
}

fn post_json(state: &ApiState, post: &Post) -> Json {
    let names: Vec<String> = post.checks.iter().filter_map(|id| Some(state.desk.view(*id)?.check.name.clone())).collect();
    json!({
        "id": post.id,
        "title": post.title,
        "severity": post.severity.as_str(),
        "checks": names,
        "stage": post.stage().as_str(),
        "automatic": post.of.is_some(),
        "madeAt": format_rfc3339(post.made_at),
        "resolvedAt": post.resolved_at().map(format_rfc3339),
        "madeBy": post.made_by,
        "updates": post.updates.iter().rev().map(update_json).collect::<Vec<_>>(),
    })
}

/// What of a page the audit log has.
fn told(state: &ApiState, known: &Known) -> Json {
    json!({ "definition": state.keeper.written(known).text() })
}

fn made_by(request: &Request<Body>) -> String {
    request.extensions().get::<Caller>().map(Caller::actor).unwrap_or_default()
}

async fn body_of(request: Request<Body>) -> Result<String, ApiError> {
    let (parts, body) = request.into_parts();
    text_of(&parts.headers, body).await
}

fn read<T: Keys>(text: &str) -> Result<T, ApiError> {
    let mut report = Report::new(FilePath::new(T::NAME));
    let mut found = None;
    match yaml::parse(text) {
        Ok(document) => {
            if let Some(mut section) = Section::open(&document.root, T::NAME, &mut report) {
                let mut keys = T::read_keys(&mut section);
                keys.check(&mut section);
                section.finish_exactly();
                found = Some(keys);
            }
        }
        Err(error) => report.error(error.at, error.message),
    }
    match report.finish() {
        Ok(_) => found.ok_or_else(|| ApiError::bad("the body says nothing")),
        Err(told) => Err(ApiError::bad(told.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))),
    }
}

fn stage_of(word: &str) -> Result<Stage, ApiError> {
    Stage::parse(word).ok_or_else(|| ApiError::bad("stage: expected investigating, identified, monitoring or resolved"))
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
    let text = body_of(request).await?;
    let was = before.as_ref().map(|known| told(state, known));
    // What is wrong with the page is said below.
    let password = read_one(&text).map(|page| page.password).unwrap_or_default();
    let hash = if password.is_empty() { None } else { Some(state.passwords.hash(Secret::new(password)).await.map_err(unhashed)?) };
    let id = state.keeper.put(before.map(|known| known.id), &text, hash).await?;
    let known = state.keeper.pages().into_iter().find(|known| known.id == id).ok_or(KeepError::Unknown)?;
    let change = Change::new("status_pages.save", &known.page.slug).after(told(state, &known));
    let change = was.into_iter().fold(change, Change::before);
    Ok(change.in_answer(success(&page_json(state, &known))))
}

/// `DELETE /api/v1/status-pages/{slug}`: forgets it and everything told on it.
pub(super) async fn delete(State(state): State<Arc<ApiState>>, Path(slug): Path<String>) -> Result<Response, ApiError> {
    let known = found(&state, &slug)?;
    let before = told(&state, &known);
    state.keeper.delete(known.id).await?;
    Ok(Change::new("status_pages.delete", slug).before(before).in_answer(success(&json!({ "deleted": true }))))
}

/// `GET /api/v1/status-pages/{slug}/posts`: what was told, the newest first.
pub(super) async fn posts(State(state): State<Arc<ApiState>>, Path(slug): Path<String>) -> Result<Response, ApiError> {
    let known = found(&state, &slug)?;
    Ok(success(&state.keeper.posts(known.id).iter().map(|post| post_json(&state, post)).collect::<Vec<_>>()))
}

/// `GET /api/v1/status-pages/{slug}/posts/{id}`: one post.
pub(super) async fn post(State(state): State<Arc<ApiState>>, Path((slug, id)): Path<(String, String)>) -> Result<Response, ApiError> {
    Ok(success(&post_json(&state, &found_post(&state, &slug, &id)?)))
}

/// `POST /api/v1/status-pages/{slug}/posts`: tells something.
pub(super) async fn tell(
    State(state): State<Arc<ApiState>>,
    Path(slug): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let known = found(&state, &slug)?;
    let made_by = made_by(&request);
    let PostKeys { title, severity, checks, stage, text } = read(&body_of(request).await?)?;
    let severity = Severity::parse(&severity).ok_or_else(|| ApiError::bad("severity: expected notice, degraded, outage or maintenance"))?;
    let new = NewPost { title, severity, checks, stage: stage_of(&stage)?, text };
    let id = state.keeper.tell(known.id, new, &made_by).await?;
    let after = post_json(&state, &found_post(&state, &slug, &id.to_string())?);
    Ok(Change::new("status_pages.tell", format!("{slug}/{id}")).after(after.clone()).in_answer(success(&after)))
}

/// `POST /api/v1/status-pages/{slug}/posts/{id}/updates`: tells more of it.
pub(super) async fn tell_more(
    State(state): State<Arc<ApiState>>,
    Path((slug, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let post = found_post(&state, &slug, &id)?;
    let made_by = made_by(&request);
    let UpdateKeys { stage, text } = read(&body_of(request).await?)?;
    state.keeper.tell_more(post.id, stage_of(&stage)?, &text, &made_by).await?;
    let after = post_json(&state, &found_post(&state, &slug, &id)?);
    let change = Change::new("status_pages.update", format!("{slug}/{id}")).after(json!({ "stage": stage, "text": text }));
    Ok(change.in_answer(success(&after)))
}

/// `DELETE /api/v1/status-pages/{slug}/posts/{id}`: forgets it.
pub(super) async fn forget_post(
    State(state): State<Arc<ApiState>>,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let post = found_post(&state, &slug, &id)?;
    let before = post_json(&state, &post);
    state.keeper.forget_post(post.id).await?;
    Ok(Change::new("status_pages.forget", format!("{slug}/{id}")).before(before).in_answer(success(&json!({ "deleted": true }))))
}
