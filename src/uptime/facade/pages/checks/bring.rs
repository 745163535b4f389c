//! Bringing checks in: a file is looked at, then what works of it is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{StatusCode, header};
use serde_json::json;

use super::Checks;
use crate::access::{Change, Role};
use crate::platform::config::yaml::{self, Key, Kind, Node, Position};
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::uptime::bring::Brought;
use crate::uptime::config::file::{self, Defined};
use crate::uptime::facade::bringing;
use crate::uptime::facade::pages::{PageState, shell_at, work};
use crate::uptime::pages::import::{self, Fate, ImportInput, Looked};
use crate::uptime::watch::desk::Desk;

/// Checks that a line of the audit log names.
const NAMED_MAX: usize = 20;

/// `GET /uptime/import`.
pub(super) async fn page(State(state): State<Arc<Checks>>, asked: Asked) -> Result<Response, Problem> {
    show(&state.pages, asked, StatusCode::OK, ImportInput::default()).await
}

async fn show(state: &Arc<PageState>, asked: Asked, status: StatusCode, mut input: ImportInput) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Import checks"), links::UPTIME_IMPORT);
        input.may_change = shell.has_role(Role::Editor);
        asked.page(status, import::render(&input, &shell))
    })
    .await
}

/// `POST /uptime/import`: a form with `text` and `step` (`look` or `save`), or a file as it is, which is looked at.
pub(super) async fn route(State(state): State<Arc<Checks>>, asked: Asked, body: Body) -> Result<Response, Problem> {
    let body = read_body(body, bringing::FILE_BYTES_MAX).await?;
    let is_file = asked.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/octet-stream");
    let field = |name: &str| {
        form_urlencoded::parse(&body).find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let is_sure = !is_file && field("step") == "save";
    let given = if is_file { body.to_vec() } else { field("text").into_bytes() };
    let (read, text) = work(&state.pages, move |_, _| {
        let read = bringing::read(&given);
        let text = String::from_utf8(given).unwrap_or_else(|_| read.as_ref().map_or_else(|_| String::new(), |read| file_of(&read.checks)));
        (read, text)
    })
    .await?;
    let read = match read {
        Ok(read) => read,
        Err(problem) => {
            return show(&state.pages, asked, StatusCode::BAD_REQUEST, ImportInput { text, problem, ..ImportInput::default() }).await;
        }
    };
    let mut looked = looked_at(&state.pages.desk, &read.checks);
    if !is_sure {
        return show(&state.pages, asked, StatusCode::OK, input(read, looked, text)).await;
    }
    let kept = keep(&state.pages.desk, &mut looked).await;
    let named: Vec<&String> = kept.iter().take(NAMED_MAX).collect();
    let change = Change::new("checks.import", read.source).after(json!({ "checks": named, "count": kept.len() }));
    let is_whole = !looked.iter().any(|(looked, _)| matches!(looked.fate, Fate::Wrong(_)));
    let answer = if is_whole && !kept.is_empty() {
        Redirect::to(&import::done(kept.len())).into_response()
    } else {
        show(&state.pages, asked, StatusCode::OK, input(read, looked, text)).await?
    };
    Ok(if kept.is_empty() { answer } else { change.in_answer(answer) })
}

/// Keeps those that are new, one after the other; gives their names.
async fn keep(desk: &Desk, looked: &mut [(Looked, Option<Defined>)]) -> Vec<String> {
    let mut kept = Vec::new();
    for (looked, defined) in looked {
        let Some(defined) = defined.as_ref().filter(|_| looked.fate == Fate::New) else { continue };
        match desk.put(None, &defined.definition()).await {
            Ok(_) => {
                kept.push(looked.name.clone());
                looked.fate = Fate::There;
            }
            Err(error) => looked.fate = Fate::Wrong(error.to_string()),
        }
    }
    kept
}

fn input(read: Brought, looked: Vec<(Looked, Option<Defined>)>, text: String) -> ImportInput {
    let checks = looked.into_iter().map(|(looked, _)| looked).collect();
    ImportInput { text, source: read.source, notes: read.notes, checks, ..ImportInput::default() }
}

/// Checks as one file, secrets included: what the page holds of a file that is no text.
fn file_of(checks: &[String]) -> String {
    let items = checks.iter().filter_map(|text| yaml::parse(text).ok()).map(|document| document.root).collect();
    let key = Key { at: Position::default(), text: "checks".into() };
    yaml::print(&Node::new(Kind::Map(vec![(key, Node::new(Kind::List(items)))])))
}

/// What is to become of each.
fn looked_at(desk: &Desk, texts: &[String]) -> Vec<(Looked, Option<Defined>)> {
    let views = desk.views();
    let there: BTreeSet<&str> = views.values().map(|view| view.check.name.as_str()).collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut one = |text: &String| match file::read_one(text, None) {
        Ok(defined) => {
            let check = &defined.check;
            let fate = if there.contains(check.name.as_str()) {
                Fate::There
            } else if seen.insert(check.name.clone()) {
                Fate::New
            } else {
                Fate::Wrong(format!("there are two named {:?}", check.name))
            };
            (Looked { name: check.name.clone(), kind: check.kind(), target: check.target(), fate }, Some(defined))
        }
        Err(told) => {
            let why = told.first().map_or_else(String::new, |first| first.message.clone());
            let name = text.lines().next().unwrap_or_default().chars().take(80).collect();
            (Looked { name, kind: "", target: String::new(), fate: Fate::Wrong(why) }, None)
        }
    };
    texts.iter().map(&mut one).collect()
}
