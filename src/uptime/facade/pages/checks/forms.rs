//! What forms about checks change. Each leaves a line in the audit log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::json;

use super::{Checks, Told, known, missing, show_check, show_form, show_list};
use crate::access::Change;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::Words;
use crate::ui::links;
use crate::ui::look::Look;
use crate::uptime::config::Check;
use crate::uptime::pages::check::NOTE_CHARS_MAX;
use crate::uptime::pages::draft::{Draft, mistake};
use crate::uptime::pages::edit::Tried;
use crate::uptime::pages::list::{Order, Wish};
use crate::uptime::watch::desk::{Amend, NotStored, PutError};

/// Checks that a line of the audit log names.
const NAMED_MAX: usize = 20;

pub(super) const fn status_of(error: &PutError) -> StatusCode {
    match error {
        PutError::Wrong(_) | PutError::Unfit(_) | PutError::NotStored(NotStored::Taken(_) | NotStored::Full) => StatusCode::BAD_REQUEST,
        PutError::InFile(_) => StatusCode::CONFLICT,
        PutError::NotStored(NotStored::Unknown) => StatusCode::NOT_FOUND,
        PutError::NotStored(NotStored::Db(_)) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What is wrong, in words: the first that is, without its place.
fn words_of(error: &PutError) -> String {
    match error {
        PutError::Wrong(told) => told.first().map_or_else(String::new, |first| first.message.clone()),
        PutError::Unfit(_) | PutError::InFile(_) | PutError::NotStored(_) => error.to_string(),
    }
}

fn field(body: &[u8], name: &str) -> String {
    form_urlencoded::parse(body).find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn shown(check: &Check) -> serde_json::Value {
    json!({ "kind": check.kind(), "target": check.target(), "interval": check.interval.to_string() })
}

fn in_words(asked: &Asked, words: &Words) -> String {
    let text = |name| asked.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).unwrap_or("");
    words.text(Look::new(text(http::header::COOKIE), text(http::header::ACCEPT_LANGUAGE)).lang)
}

/// `POST /uptime/save`: the fields of [`Draft`].
pub(super) async fn save(State(state): State<Arc<Checks>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let desk = Arc::clone(&state.pages.desk);
    let draft = Draft::from_form(&body);
    let like = draft.from.or(draft.id);
    let before = like.and_then(|id| desk.view(id));
    let mut named = draft.clone();
    named.name_it(|name| desk.find(name).is_some_and(|id| desk.view(id).is_some_and(|view| view.check.name == name)));
    let written = named.text(before.as_ref().map(|view| &*view.check));
    // A copy has the secrets of what it is a copy of.
    let text = match draft.from.map(|from| desk.look(None, Some(from), &written.text)) {
        Some(Ok(defined)) => defined.definition(),
        Some(Err(_)) | None => written.text.clone(),
    };
    match desk.put(draft.id, &text).await {
        Ok(id) => {
            let Some(now) = desk.view(id) else { return Ok(missing(&asked, &state.pages, &id.to_string())) };
            let change = Change::new("checks.save", &now.check.name).after(shown(&now.check));
            let change = before.filter(|_| draft.id.is_some()).iter().fold(change, |change, before| change.before(shown(&before.check)));
            let done = if draft.id.is_some() { "saved" } else { "made" };
            Ok(change.in_answer(Redirect::to(&links::with(&links::check(id), &[("done", done)])).into_response()))
        }
        Err(error) if !field(&body, "quick").is_empty() => {
            let told = Told { status: status_of(&error), problem: words_of(&error), url: field(&body, "http.url"), ..Told::default() };
            show_list(&state, asked, told).await
        }
        Err(error) => {
            let status = status_of(&error);
            let (tried, problem) = match &error {
                PutError::Wrong(told) => (Tried::Wrong(written.mistakes(told, &draft.kind)), String::new()),
                PutError::NotStored(NotStored::Taken(_)) => (Tried::Wrong(vec![("name".to_owned(), error.to_string())]), String::new()),
                PutError::Unfit(why) => (Tried::Wrong(vec![mistake(why, &draft.kind)]), String::new()),
                PutError::InFile(_) | PutError::NotStored(_) => (Tried::Nothing, error.to_string()),
            };
            show_form(&state, asked, draft, tried, status, problem).await
        }
    }
}

/// `POST /uptime/{id}/note`: `note`.
pub(super) async fn note(State(state): State<Arc<Checks>>, Path(id): Path<String>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let desk = &state.pages.desk;
    let found = known(desk, &id).and_then(|id| Some((id, desk.view(id)?)));
    let Some((number, before)) = found else { return Ok(missing(&asked, &state.pages, &id)) };
    let text = field(&body, "note").trim().replace("\r\n", "\n");
    let text: String = text.chars().take(NOTE_CHARS_MAX).collect();
    match desk.amend(&[number], &Amend::Note(text.clone())).await {
        Ok(()) => {
            let change = Change::new("checks.note", &before.check.name).before(json!({ "note": before.check.note }));
            let answer = Redirect::to(&links::with(&links::check(number), &[("done", "noted")])).into_response();
            Ok(change.after(json!({ "note": text })).in_answer(answer))
        }
        Err(error) => show_check(&state, id, asked, status_of(&error), words_of(&error)).await,
    }
}

/// `POST /uptime`: the fields of [`Order`].
pub(super) async fn act(State(state): State<Arc<Checks>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut order = match Order::from_form(&body) {
        Ok(order) => order,
        Err((words, back)) => {
            let problem = in_words(&asked, &words);
            return refused(&state, asked, &back, StatusCode::BAD_REQUEST, problem).await;
        }
    };
    let desk = &state.pages.desk;
    let names: Vec<(i64, String)> = order.checks.iter().filter_map(|id| Some((*id, desk.view(*id)?.check.name.clone()))).collect();
    order.checks.retain(|id| names.iter().any(|(known, _)| known == id));
    let Some((_, first)) = names.first() else {
        let problem = in_words(&asked, &Words::from(crate::ui::lang::key("None of these checks is there any more.")));
        return refused(&state, asked, &order.back, StatusCode::NOT_FOUND, problem).await;
    };
    if order.wish == (Wish::Delete { is_sure: false }) {
        let told = Told { doomed: order.checks, ..Told::default() };
        return show_list(&state, asked, told).await;
    }
    let done = match done(&state, &order).await {
        Ok(done) => done,
        Err(error) => return refused(&state, asked, &order.back, status_of(&error), words_of(&error)).await,
    };
    let named: Vec<&String> = names.iter().take(NAMED_MAX).map(|(_, name)| name).collect();
    let mut after = json!({ "checks": named, "count": names.len() });
    match &order.wish {
        Wish::Label(name, value) => after["label"] = json!({ name.as_str(): value }),
        Wish::Interval(text) => after["interval"] = json!(text),
        Wish::Pause(_) | Wish::Probe | Wish::Delete { .. } => {}
    }
    let back = if matches!(order.wish, Wish::Delete { .. }) && !order.back.contains('?') { links::UPTIME } else { &order.back };
    let answer = Redirect::to(&links::with(back, &[("done", &format!("{}-{}", done.0, names.len()))])).into_response();
    Ok(Change::new(done.1, first.as_str()).after(after).in_answer(answer))
}

/// Does it; the word for what was done, for the page and for the audit log.
async fn done(state: &Checks, order: &Order) -> Result<(&'static str, &'static str), PutError> {
    let desk = &state.pages.desk;
    let ids = &order.checks;
    match &order.wish {
        Wish::Pause(is_paused) => {
            desk.amend(ids, &Amend::Pause(*is_paused)).await?;
            Ok(if *is_paused { ("paused", "checks.pause") } else { ("resumed", "checks.resume") })
        }
        Wish::Probe => {
            ids.iter().for_each(|id| desk.probe_now(*id));
            Ok(("probed", "checks.probe"))
        }
        Wish::Delete { .. } => {
            for id in ids {
                desk.delete(*id).await?;
            }
            Ok(("deleted", "checks.delete"))
        }
        Wish::Label(name, value) => {
            desk.amend(ids, &Amend::Label(name.clone(), value.clone())).await?;
            Ok(("changed", "checks.label"))
        }
        Wish::Interval(text) => {
            desk.amend(ids, &Amend::Interval(text.clone())).await?;
            Ok(("changed", "checks.interval"))
        }
    }
}

/// The page they came from, with what is wrong.
async fn refused(state: &Arc<Checks>, mut asked: Asked, back: &str, status: StatusCode, problem: String) -> Result<Response, Problem> {
    let id = back.strip_prefix("/uptime/").map(|rest| rest.split('?').next().unwrap_or_default().to_owned());
    asked.uri = back.parse().unwrap_or_else(|_| http::Uri::from_static(links::UPTIME));
    match id {
        Some(id) => show_check(state, id, asked, status, problem).await,
        None => show_list(state, asked, Told { status, problem, ..Told::default() }).await,
    }
}
