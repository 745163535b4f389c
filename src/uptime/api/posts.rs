//! What is told on status pages: posts and their updates, drafts that only editors see, texts to choose from. These
//! endpoints are ours; the envelope is Prometheus'.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::ApiState;
use super::status::{body_of, found};
use crate::access::{Caller, Change};
use crate::base::time::format_rfc3339;
use crate::platform::config::diagnostic::{Report, lines};
use crate::platform::config::keys::{Keys, keys};
use crate::platform::config::section::Section;
use crate::platform::config::yaml;
use crate::platform::http::envelope::{ApiError, success};
use crate::ui::lang::Lang;
use crate::uptime::status::keeper::KeepError;
use crate::uptime::status::post::{NewPost, Post, PostDraft, Severity, Stage, Update};
use crate::uptime::status::template::Template;

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

keys! {
    /// A text to choose from as it is sent.
    TemplateKeys, "a template";
    /// Of pages in this language: en or ar.
    language: String = "en",
    /// The built-in text that it stands in place of; empty for one more.
    ready: String,
    /// What people choose it by.
    name: String,
    /// investigating, identified, monitoring or resolved; empty where it fits any.
    stage: String,
    /// What people should know.
    text: String,
}

fn found_post(state: &ApiState, slug: &str, id: &str) -> Result<Post, ApiError> {
    let page = found(state, slug)?;
    let post = id.parse().ok().and_then(|id| state.keeper.post(id)).filter(|post| post.page == page.id);
    post.ok_or_else(|| KeepError::Unknown.into())
}

fn update_json(update: &Update) -> Json {
    json!({ "id": update.id, "at": format_rfc3339(update.at), "stage": update.stage.as_str(), "text": update.text, "madeBy": update.made_by, "editedAt": update.edited_at.map(format_rfc3339) })
}

fn post_json(state: &ApiState, post: &Post) -> Json {
    json!({
        "id": post.id,
        "title": post.title,
        "severity": post.severity.as_str(),
        "checks": names(state, &post.checks),
        "stage": post.stage().as_str(),
        "automatic": post.of.is_some(),
        "madeAt": format_rfc3339(post.made_at),
        "resolvedAt": post.resolved_at().map(format_rfc3339),
        "madeBy": post.made_by,
        "updates": post.updates.iter().rev().map(update_json).collect::<Vec<_>>(),
    })
}

fn names(state: &ApiState, checks: &[i64]) -> Vec<String> {
    checks.iter().filter_map(|id| Some(state.desk.view(*id)?.check.name.clone())).collect()
}

fn draft_json(state: &ApiState, draft: &PostDraft) -> Json {
    json!({
        "id": draft.id,
        "title": draft.title,
        "severity": draft.severity.as_str(),
        "checks": names(state, &draft.checks),
        "stage": draft.stage.as_str(),
        "text": draft.text,
        "changedAt": format_rfc3339(draft.changed_at),
        "changedBy": draft.changed_by,
    })
}

fn template_json(template: &Template) -> Json {
    json!({
        "id": template.id,
        "language": template.language,
        "ready": template.ready,
        "name": template.name,
        "stage": template.stage.map(Stage::as_str),
        "text": template.text,
    })
}

fn made_by(request: &Request<Body>) -> String {
    request.extensions().get::<Caller>().map(Caller::actor).unwrap_or_default()
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
        Err(told) => Err(ApiError::bad(lines(&told))),
    }
}

fn stage_of(word: &str) -> Result<Stage, ApiError> {
    Stage::parse(word).ok_or_else(|| ApiError::bad("stage: expected investigating, identified, monitoring or resolved"))
}

fn post_of(text: &str) -> Result<NewPost, ApiError> {
    let PostKeys { title, severity, checks, stage, text } = read(text)?;
    let severity = Severity::parse(&severity).ok_or_else(|| ApiError::bad("severity: expected notice, degraded, outage or maintenance"))?;
    Ok(NewPost { title, severity, checks, stage: stage_of(&stage)?, text })
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
    let id = state.keeper.tell(known.id, post_of(&body_of(request).await?)?, &made_by).await?;
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

fn found_update(post: &Post, id: &str) -> Result<Update, ApiError> {
    let id: Option<i64> = id.parse().ok();
    post.updates.iter().find(|update| Some(update.id) == id).cloned().ok_or_else(|| KeepError::Unknown.into())
}

fn said(update: &Update) -> Json {
    json!({ "stage": update.stage.as_str(), "text": update.text })
}

/// `PUT /api/v1/status-pages/{slug}/posts/{id}/updates/{update}`: puts it in other words; nobody is told again.
pub(super) async fn edit_update(
    State(state): State<Arc<ApiState>>,
    Path((slug, id, update)): Path<(String, String, String)>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let post = found_post(&state, &slug, &id)?;
    let before = found_update(&post, &update)?;
    let UpdateKeys { stage, text } = read(&body_of(request).await?)?;
    state.keeper.edit_update(post.id, before.id, stage_of(&stage)?, &text).await?;
    let change = Change::new("status_pages.edit", format!("{slug}/{id}/{update}")).before(said(&before));
    let answer = success(&post_json(&state, &found_post(&state, &slug, &id)?));
    Ok(change.after(json!({ "stage": stage, "text": text })).in_answer(answer))
}

/// `DELETE /api/v1/status-pages/{slug}/posts/{id}/updates/{update}`: takes it back.
pub(super) async fn forget_update(
    State(state): State<Arc<ApiState>>,
    Path((slug, id, update)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let post = found_post(&state, &slug, &id)?;
    let before = found_update(&post, &update)?;
    state.keeper.forget_update(post.id, before.id).await?;
    let change = Change::new("status_pages.unsay", format!("{slug}/{id}/{update}")).before(said(&before));
    Ok(change.in_answer(success(&post_json(&state, &found_post(&state, &slug, &id)?))))
}

fn found_draft(state: &ApiState, slug: &str, id: &str) -> Result<PostDraft, ApiError> {
    let (page, id) = (found(state, slug)?.id, id.parse().ok());
    let draft = state.keeper.drafts(page).into_iter().find(|draft| Some(draft.id) == id);
    draft.ok_or_else(|| KeepError::Unknown.into())
}

/// `GET /api/v1/status-pages/{slug}/drafts`: posts that nobody sees yet, the newest first.
pub(super) async fn drafts(State(state): State<Arc<ApiState>>, Path(slug): Path<String>) -> Result<Response, ApiError> {
    let page = found(&state, &slug)?.id;
    Ok(success(&state.keeper.drafts(page).iter().map(|draft| draft_json(&state, draft)).collect::<Vec<_>>()))
}

/// `POST /api/v1/status-pages/{slug}/drafts`: keeps one.
pub(super) async fn make_draft(
    State(state): State<Arc<ApiState>>,
    Path(slug): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    put_draft(&state, &slug, None, request).await
}

/// `PUT /api/v1/status-pages/{slug}/drafts/{id}`: changes it into the body.
pub(super) async fn change_draft(
    State(state): State<Arc<ApiState>>,
    Path((slug, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let before = found_draft(&state, &slug, &id)?;
    put_draft(&state, &slug, Some(before), request).await
}

async fn put_draft(state: &ApiState, slug: &str, before: Option<PostDraft>, request: Request<Body>) -> Result<Response, ApiError> {
    let (page, made_by) = (found(state, slug)?.id, made_by(&request));
    let new = post_of(&body_of(request).await?)?;
    let was = before.as_ref().map(|draft| draft_json(state, draft));
    let id = state.keeper.put_draft(page, before.map(|draft| draft.id), new, &made_by).await?;
    let after = draft_json(state, &found_draft(state, slug, &id.to_string())?);
    let change = Change::new("status_pages.draft", format!("{slug}/{id}")).before(was).after(after.clone());
    Ok(change.in_answer(success(&after)))
}

/// `DELETE /api/v1/status-pages/{slug}/drafts/{id}`: forgets it.
pub(super) async fn forget_draft(
    State(state): State<Arc<ApiState>>,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let draft = found_draft(&state, &slug, &id)?;
    state.keeper.forget_draft(draft.page, draft.id).await?;
    let change = Change::new("status_pages.discard", format!("{slug}/{id}")).before(draft_json(&state, &draft));
    Ok(change.in_answer(success(&json!({ "deleted": true }))))
}

/// `POST /api/v1/status-pages/{slug}/drafts/{id}/publish`: tells it, once.
pub(super) async fn publish(
    State(state): State<Arc<ApiState>>,
    Path((slug, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let draft = found_draft(&state, &slug, &id)?;
    let (title, text) = (draft.title.clone(), draft.text.clone());
    let new = NewPost { title, severity: draft.severity, checks: names(&state, &draft.checks), stage: draft.stage, text };
    let post = state.keeper.tell_draft(&draft, new, &made_by(&request)).await?;
    let after = post_json(&state, &found_post(&state, &slug, &post.to_string())?);
    Ok(Change::new("status_pages.tell", format!("{slug}/{post}")).after(after.clone()).in_answer(success(&after)))
}

/// `GET /api/v1/status-templates`: texts to choose from that somebody wrote.
pub(super) async fn templates(State(state): State<Arc<ApiState>>) -> Response {
    success(&state.keeper.templates().iter().map(template_json).collect::<Vec<_>>())
}

/// `POST /api/v1/status-templates`: keeps one.
pub(super) async fn make_template(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    put_template(&state, None, request).await
}

fn found_template(state: &ApiState, id: &str) -> Result<Template, ApiError> {
    let id: Option<i64> = id.parse().ok();
    state.keeper.templates().into_iter().find(|known| Some(known.id) == id).ok_or_else(|| KeepError::Unknown.into())
}

/// `PUT /api/v1/status-templates/{id}`: changes its name, stage and text.
pub(super) async fn change_template(
    State(state): State<Arc<ApiState>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let before = found_template(&state, &id)?;
    put_template(&state, Some(before), request).await
}

async fn put_template(state: &ApiState, before: Option<Template>, request: Request<Body>) -> Result<Response, ApiError> {
    let TemplateKeys { language, ready, name, stage, text } = read(&body_of(request).await?)?;
    let language = Lang::parse(&language).ok_or_else(|| ApiError::bad("language: expected en or ar"))?.as_str().to_owned();
    let stage = if stage.is_empty() { None } else { Some(stage_of(&stage)?) };
    let id = before.as_ref().map_or(0, |before| before.id);
    let [name, text] = [name, text].map(|text| text.trim().to_owned());
    let id = state
        .keeper
        .put_template(Template { id, language, ready: Some(ready).filter(|ready| !ready.is_empty()), name, stage, text })
        .await?;
    let now = found_template(state, &id.to_string())?;
    let was = before.as_ref().map(template_json);
    let change = Change::new("status_pages.template", &now.name).before(was).after(template_json(&now));
    Ok(change.in_answer(success(&template_json(&now))))
}

/// `DELETE /api/v1/status-templates/{id}`: forgets it; where it stood in place of a built-in text, that is back.
pub(super) async fn forget_template(State(state): State<Arc<ApiState>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let before = found_template(&state, &id)?;
    state.keeper.forget_template(before.id).await?;
    let change = Change::new("status_pages.template_delete", &before.name).before(template_json(&before));
    Ok(change.in_answer(success(&json!({ "deleted": true }))))
}
