//! What forms about checks change. Each leaves a line in the audit log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::json;

use super::{Checks, Told, known, missing, show_check, show_form, show_list};
use crate::access::Change;
use crate::platform::http::extract::field;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::Words;
use crate::ui::links;
use crate::ui::look::Look;
use crate::uptime::config::Check;
use crate::uptime::facade::pages::maintenance::plans;
use crate::uptime::pages::check::NOTE_CHARS_MAX;
use crate::uptime::pages::draft::{Draft, mistake};
use crate::uptime::pages::edit::Tried;
use crate::uptime::pages::list::{self, CHOSEN_MAX, Order, Wish};
use crate::uptime::watch::desk::{Amend, Desk, NotStored, PutError};

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
    let text = match draft.from {
        Some(from) => desk.look(None, Some(from), &written.text).map(|defined| defined.definition()),
        None => Ok(written.text.clone()),
    };
    let saved = match text {
        Ok(text) => desk.put(draft.id, &text).await,
        Err(why) => Err(why),
    };
    match saved {
        Ok(id) => {
            let Some(now) = desk.view(id) else { return Ok(missing(&asked, &state.pages, &id.to_string())) };
            let was = before.filter(|_| draft.id.is_some()).map(|before| shown(&before.check));
            let change = Change::new("checks.save", &now.check.name).before(was).after(shown(&now.check));
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

/// The checks that are meant, and how many more stay as they are, since they stand in a file.
fn meant(desk: &Desk, order: &Order) -> Result<(Vec<(i64, String)>, usize), PutError> {
    let named = |id: &i64| Some((*id, desk.view(*id)?.check.name.clone()));
    if order.every.is_none() {
        return Ok((order.checks.iter().filter_map(named).collect(), 0));
    }
    let all = list::matching(&desk.views(), &order.filter());
    if matches!(order.wish, Wish::Probe | Wish::Maintain) {
        return Ok((all.iter().filter_map(named).collect(), 0));
    }
    let free: Vec<(i64, String)> = all.iter().filter(|id| desk.file_of(**id).is_none()).filter_map(named).collect();
    let left = all.len() - free.len();
    match all.first().and_then(|id| desk.file_of(*id)) {
        Some(file) if free.is_empty() => Err(PutError::InFile(file)),
        _ => Ok((free, left)),
    }
}

/// `POST /uptime`: the fields of [`Order`].
pub(super) async fn act(State(state): State<Arc<Checks>>, mut asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut order = match Order::from_form(&body) {
        Ok(order) => order,
        Err((words, back)) => {
            let problem = in_words(&asked, &words);
            return refused(&state, asked, &back, StatusCode::BAD_REQUEST, problem).await;
        }
    };
    let (names, left) = match meant(&state.pages.desk, &order) {
        Ok(meant) => meant,
        Err(error) => return refused(&state, asked, &order.back, status_of(&error), words_of(&error)).await,
    };
    order.checks = names.iter().map(|(id, _)| *id).collect();
    let Some((_, first)) = names.first() else {
        let problem = in_words(&asked, &Words::from(crate::ui::lang::key("None of these checks is there any more.")));
        return refused(&state, asked, &order.back, StatusCode::NOT_FOUND, problem).await;
    };
    // What was asked about is what is deleted: if others match by now, it is asked again.
    let is_other = order.every.is_some_and(|seen| seen != names.len());
    if matches!(order.wish, Wish::Delete { is_sure } if !is_sure || is_other) {
        asked.uri = order.back.parse().unwrap_or_else(|_| http::Uri::from_static(links::UPTIME));
        let told = Told { is_every: order.every.is_some(), doomed: order.checks, ..Told::default() };
        return show_list(&state, asked, told).await;
    }
    if order.wish == Wish::Maintain {
        return maintain(&state, asked, &order, names).await;
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
        Wish::Retries(text) => after["retries"] = json!(text),
        Wish::Severity(word) => after["severity"] = json!(word),
        Wish::Pause(_) | Wish::Probe | Wish::Maintain | Wish::Delete { .. } => {}
    }
    let back = if matches!(order.wish, Wish::Delete { .. }) && !order.back.contains('?') { links::UPTIME } else { &order.back };
    let mut said = format!("{}-{}", done.0, names.len());
    if left > 0 {
        said += &format!("-{left}");
    }
    let answer = Redirect::to(&links::with(back, &[("done", &said)])).into_response();
    Ok(Change::new(done.1, first.as_str()).after(after).in_answer(answer))
}

/// The form of maintenance with these checks in it; nothing is changed yet.
async fn maintain(state: &Arc<Checks>, asked: Asked, order: &Order, names: Vec<(i64, String)>) -> Result<Response, Problem> {
    if names.len() > CHOSEN_MAX {
        let words = Words::new("One form is about at most {} checks.", [CHOSEN_MAX.to_string()]);
        let problem = in_words(&asked, &words);
        return refused(state, asked, &order.back, StatusCode::BAD_REQUEST, problem).await;
    }
    plans::begin(&state.pages, asked, names.into_iter().map(|(_, name)| name)).await
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
            desk.delete_all(ids).await?;
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
        Wish::Retries(text) => {
            desk.amend(ids, &Amend::Retries(text.clone())).await?;
            Ok(("changed", "checks.retries"))
        }
        Wish::Severity(word) => {
            desk.amend(ids, &Amend::Severity(word.clone())).await?;
            Ok(("changed", "checks.severity"))
        }
        // It is planned where its form is saved.
        Wish::Maintain => Ok(("", "maintenance.save")),
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
