//! What forms about status pages change. Each leaves a line in the audit log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::lists::{LOST, show_edit, show_list, show_posts};
use super::lock::hashed;
use super::public::POLICY;
use super::{PageState, work};
use crate::access::Change;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::Lang;
use crate::ui::links;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::pages::status::{edit, posts as posts_page};
use crate::uptime::status::keeper::{KeepError, Known};
use crate::uptime::status::page::StatusPage;
use crate::uptime::status::post::{NewPost, Post, Severity, Stage};

pub(super) const fn status_of(error: &KeepError) -> StatusCode {
    match error {
        KeepError::Unknown => StatusCode::NOT_FOUND,
        KeepError::Full(_) | KeepError::Taken(_) => StatusCode::CONFLICT,
        KeepError::Db(_) => StatusCode::SERVICE_UNAVAILABLE,
        KeepError::Wrong(_) | KeepError::Field(..) | KeepError::NoCheck(_) => StatusCode::BAD_REQUEST,
    }
}

/// What is wrong, in words: the first that is, without its place in a text that nobody wrote.
pub(super) fn words_of(error: &KeepError) -> String {
    match error {
        KeepError::Wrong(told) => told.first().map_or_else(String::new, |first| first.message.clone()),
        other => other.to_string(),
    }
}

/// The page as it is written in the form.
fn written(state: &PageState, draft: &Draft) -> Result<StatusPage, String> {
    edit::read(draft, |name| state.desk.find(name).is_some())
}

fn told(page: &StatusPage) -> serde_json::Value {
    let page = StatusPage { password: String::new(), password_hash: String::new(), ..page.clone() };
    json!({ "definition": page.text() })
}

/// `POST /uptime/status-pages/save`: the fields of the form, `id` the slug of the page that is changed.
pub(super) async fn save(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let draft = Draft::from_form(&body);
    let existing = draft.get("id").to_owned();
    let before = state.keeper.page(&existing);
    if before.is_none() && !existing.is_empty() {
        return show_list(&state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await;
    }
    let page = match written(&state, &draft) {
        Ok(page) => page,
        Err(problem) => return show_edit(&state, asked, draft, existing, (StatusCode::BAD_REQUEST, problem)).await,
    };
    let hash = match hashed(&state.passwords, &page).await {
        Ok(hash) => hash,
        Err(error) => return show_edit(&state, asked, draft, existing, (StatusCode::SERVICE_UNAVAILABLE, error.to_string())).await,
    };
    match state.keeper.put(before.as_ref().map(|known| known.id), &page.text(), hash).await {
        Ok(id) => {
            let saved = state.keeper.pages().into_iter().find(|known| known.id == id);
            let page = saved.map_or(page, |known| state.keeper.written(&known));
            let change = Change::new("status_pages.save", &page.slug).after(told(&page));
            let change = before.iter().fold(change, |change, before| change.before(told(&state.keeper.written(before))));
            Ok(change.in_answer(Redirect::to(&links::with(links::UPTIME_STATUS, &[("done", "saved")])).into_response()))
        }
        Err(error) => show_edit(&state, asked, draft, existing, (status_of(&error), words_of(&error))).await,
    }
}

/// `POST /uptime/status-pages/preview`: the fields of the form; how the page would look. Nothing is kept.
pub(super) async fn preview(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let draft = Draft::from_form(&body);
    let existing = draft.get("id").to_owned();
    let id = state.keeper.page(&existing).map(|known| known.id);
    let page = match written(&state, &draft) {
        Ok(page) => page,
        Err(problem) => return show_edit(&state, asked, draft, existing, (StatusCode::BAD_REQUEST, problem)).await,
    };
    match work(&state, move |state, _| state.keeper.look(id, &page.text())).await? {
        Ok(drawn) => {
            let mut response = asked.page(StatusCode::OK, drawn.html);
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            Ok(response)
        }
        Err(error) => show_edit(&state, asked, draft, existing, (status_of(&error), words_of(&error))).await,
    }
}

/// `POST /uptime/status-pages/delete`: `id`, the slug.
pub(super) async fn delete(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Draft::from_form(&body);
    let Some(known) = state.keeper.page(form.get("id")) else {
        return show_list(&state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await;
    };
    let before = told(&state.keeper.written(&known));
    match state.keeper.delete(known.id).await {
        Ok(()) => {
            let answer = Redirect::to(&links::with(links::UPTIME_STATUS, &[("done", "deleted")])).into_response();
            Ok(Change::new("status_pages.delete", &known.page.slug).before(before).in_answer(answer))
        }
        Err(error) => show_list(&state, asked, status_of(&error), words_of(&error)).await,
    }
}

/// `POST /uptime/status-pages/posts`: `slug`, and `do`: `tell` (a post: `title`, `severity`, `stage`, `check`, `text`, `words`),
/// `more` (an update of `post`: `stage`, `text`, `words`) or `forget` (`post`).
pub(super) async fn posts(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let draft = Draft::from_form(&body);
    let slug = draft.get("slug").to_owned();
    let Some(known) = state.keeper.page(&slug) else {
        return show_list(&state, asked, StatusCode::NOT_FOUND, LOST.to_owned()).await;
    };
    let found = draft.get("post").parse().ok().and_then(|id| state.keeper.post(id)).filter(|post| post.page == known.id);
    let done = match (draft.get("do"), found) {
        ("tell", _) => tell(&state, &asked, &known, &draft).await,
        ("more", Some(post)) => more(&state, &asked, &known, &post, &draft).await,
        ("forget", Some(post)) => forget(&state, &known, &post).await,
        _ => Err(KeepError::Unknown),
    };
    match done {
        Ok((word, change)) => {
            let to = links::with(links::UPTIME_STATUS_POSTS, &[("slug", &slug), ("done", word)]);
            Ok(change.in_answer(Redirect::to(&to).into_response()))
        }
        Err(error) => show_posts(&state, asked, slug, draft, (status_of(&error), words_of(&error))).await,
    }
}

type Done = Result<(&'static str, Change), KeepError>;

fn stage_of(draft: &Draft) -> Result<Stage, KeepError> {
    Stage::parse(draft.get("stage")).ok_or_else(|| KeepError::Field("stage", "an update says how far you are".to_owned()))
}

/// What was written, or what was chosen, or the usual words of the stage; both in the language of the page.
fn text_of(draft: &Draft, stage: Stage, page: &StatusPage) -> String {
    let lang = Lang::parse(&page.language).unwrap_or_default();
    match draft.get("text") {
        "" => posts_page::chosen(draft.get("words"), lang).unwrap_or_else(|| posts_page::usual(stage, lang)).to_owned(),
        text => text.to_owned(),
    }
}

async fn tell(state: &PageState, asked: &Asked, known: &Known, draft: &Draft) -> Done {
    let severity = Severity::parse(draft.get("severity"));
    let severity = severity.ok_or_else(|| KeepError::Field("severity", "a post says how bad it is".to_owned()))?;
    let stage = stage_of(draft)?;
    let checks: Vec<String> = draft.all("check").map(str::to_owned).collect();
    let after = json!({ "title": draft.get("title"), "severity": severity.as_str(), "checks": checks });
    let new = NewPost { title: draft.get("title").to_owned(), severity, checks, stage, text: text_of(draft, stage, &known.page) };
    let id = state.keeper.tell(known.id, new, &asked.caller.actor()).await?;
    Ok(("told", Change::new("status_pages.tell", format!("{}/{id}", known.page.slug)).after(after)))
}

async fn more(state: &PageState, asked: &Asked, known: &Known, post: &Post, draft: &Draft) -> Done {
    let stage = stage_of(draft)?;
    let text = text_of(draft, stage, &known.page);
    state.keeper.tell_more(post.id, stage, &text, &asked.caller.actor()).await?;
    let after = json!({ "stage": stage.as_str(), "text": text });
    Ok(("updated", Change::new("status_pages.update", format!("{}/{}", known.page.slug, post.id)).after(after)))
}

async fn forget(state: &PageState, known: &Known, post: &Post) -> Done {
    state.keeper.forget_post(post.id).await?;
    let before = json!({ "title": post.title, "severity": post.severity.as_str() });
    Ok(("forgotten", Change::new("status_pages.forget", format!("{}/{}", known.page.slug, post.id)).before(before)))
}
