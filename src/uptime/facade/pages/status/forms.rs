//! What forms about status pages change. Each leaves a line in the audit log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::lists::{LOST, show_edit, show_list};
use super::lock::hashed;
use super::own_hosts::host_of;
use super::public::POLICY;
use super::{PageState, work};
use crate::access::Change;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::links;
use crate::uptime::pages::maintenance::edit::Draft;
use crate::uptime::pages::status::edit;
use crate::uptime::status::host::asked_by;
use crate::uptime::status::keeper::KeepError;
use crate::uptime::status::page::StatusPage;

pub(super) const fn status_of(error: &KeepError) -> StatusCode {
    match error {
        KeepError::Unknown => StatusCode::NOT_FOUND,
        KeepError::Full(_) | KeepError::Taken(_) | KeepError::HostTaken(..) => StatusCode::CONFLICT,
        KeepError::Db(_) => StatusCode::SERVICE_UNAVAILABLE,
        KeepError::Wrong(_) | KeepError::Field(..) | KeepError::NoCheck(_) | KeepError::OwnHost(_) => StatusCode::BAD_REQUEST,
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
    if let Some(host) = asked_by(&page.hosts, host_of(&asked.headers, &asked.uri).as_deref()) {
        let problem = words_of(&KeepError::OwnHost(host.clone()));
        return show_edit(&state, asked, draft, existing, (StatusCode::BAD_REQUEST, problem)).await;
    }
    let hash = match hashed(&state.passwords, &page).await {
        Ok(hash) => hash,
        Err(error) => return show_edit(&state, asked, draft, existing, (StatusCode::SERVICE_UNAVAILABLE, error.to_string())).await,
    };
    match state.keeper.put(before.as_ref().map(|known| known.id), &page.text(), hash).await {
        Ok(id) => {
            let saved = state.keeper.pages().into_iter().find(|known| known.id == id);
            let page = saved.map_or(page, |known| state.keeper.written(&known));
            let was = before.map(|before| told(&state.keeper.written(&before)));
            let change = Change::new("status_pages.save", &page.slug).before(was).after(told(&page));
            Ok(change.in_answer(Redirect::to(&links::with(links::UPTIME_STATUS, &[("done", "saved")])).into_response()))
        }
        Err(error) => show_edit(&state, asked, draft, existing, (status_of(&error), words_of(&error))).await,
    }
}

/// `POST /uptime/status-pages/preview`: the fields of the form; how the page would look. Nothing is kept. A script that asks
/// while somebody types is told what is wrong without a failure.
pub(super) async fn preview(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let draft = Draft::from_form(&body);
    let existing = draft.get("id").to_owned();
    let id = state.keeper.page(&existing).map(|known| known.id);
    let status = |status| if asked.headers.contains_key("x-requested-with") { StatusCode::OK } else { status };
    let page = match written(&state, &draft) {
        Ok(page) => page,
        Err(problem) => {
            let status = status(StatusCode::BAD_REQUEST);
            return show_edit(&state, asked, draft, existing, (status, problem)).await;
        }
    };
    match work(&state, move |state, _| state.keeper.look(id, &page.text())).await? {
        Ok(drawn) => {
            let mut response = asked.page(StatusCode::OK, drawn.html);
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            Ok(response)
        }
        Err(error) => {
            let status = status(status_of(&error));
            show_edit(&state, asked, draft, existing, (status, words_of(&error))).await
        }
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
