//! Bringing checks in: a file is looked at, then what works of it is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{StatusCode, header};
use serde_json::json;

use super::Checks;
use crate::access::{Change, Role};
use crate::platform::config::yaml::{self, Key, Kind, Node, Position};
use crate::platform::http::extract::{field, read_body};
use crate::platform::http::multipart;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::bringing::Fate;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::nav::Page;
use crate::ui::shell::Shell;
use crate::uptime::bring::Brought;
use crate::uptime::config::file::{self, Defined};
use crate::uptime::facade::bringing;
use crate::uptime::facade::pages::{PageState, shell_at, work};
use crate::uptime::pages::import::{self, ImportInput, Looked};
use crate::uptime::watch::desk::Desk;

/// Checks that a line of the audit log names.
const NAMED_MAX: usize = 20;

/// Bytes of a form around a file at most.
const FORM_BYTES_MAX: usize = 64 * 1024;

fn too_large(asked: &Asked) -> String {
    let shell = Shell::new(Page::Uptime, "", asked.visit(0));
    shell.f1("The file is larger than {} MiB.", bringing::FILE_BYTES_MAX / 1024 / 1024)
}

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

/// What somebody sent: a form with a `file` or a `text`, and a `step`; or a file as it is.
struct Sent {
    given: Vec<u8>,
    /// Whether they have seen what becomes of it. A file is looked at first, whatever button was pressed.
    is_sure: bool,
}

fn sent(kind: &str, body: &Bytes) -> Sent {
    if kind == "application/octet-stream" {
        return Sent { given: body.to_vec(), is_sure: false };
    }
    if multipart::is_form(kind) {
        let parts = multipart::parts(kind, body);
        if let Some(file) = parts.iter().find(|part| part.is_file && !part.bytes.is_empty()) {
            return Sent { given: file.bytes.to_vec(), is_sure: false };
        }
        let field = |name: &str| parts.iter().find(|part| part.name == name && !part.is_file).map(|part| part.bytes.to_vec());
        return Sent { given: field("text").unwrap_or_default(), is_sure: field("step").is_some_and(|step| step == b"save") };
    }
    Sent { given: field(body, "text").into_bytes(), is_sure: field(body, "step") == "save" }
}

/// `POST /uptime/import`: what is in it is looked at, or (with `step=save`) kept.
pub(super) async fn route(State(state): State<Arc<Checks>>, asked: Asked, body: Body) -> Result<Response, Problem> {
    let body = match read_body(body, bringing::FILE_BYTES_MAX + FORM_BYTES_MAX).await {
        Ok(body) => body,
        Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let input = ImportInput { problem: too_large(&asked), ..ImportInput::default() };
            return show(&state.pages, asked, StatusCode::PAYLOAD_TOO_LARGE, input).await;
        }
        Err(problem) => return Err(problem),
    };
    let kind = asked.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Sent { given, is_sure } = sent(kind, &body);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_looked_at_before_anything_is_kept() {
        let form = |file: &str, text: &str, step: &str| {
            let field = |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            let file = format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n{file}\r\n");
            let body = format!("{}{file}{}--x--", field("text", text), field("step", step));
            let Sent { given, is_sure } = sent("multipart/form-data; boundary=x", &Bytes::from(body));
            (String::from_utf8(given).unwrap(), is_sure)
        };
        assert_eq!(form("checks: []", "", "look"), ("checks: []".to_owned(), false));
        assert_eq!(form("checks: []", "other", "save"), ("checks: []".to_owned(), false));
        assert_eq!(form("", "checks: []", "save"), ("checks: []".to_owned(), true));
        let Sent { given, is_sure } = sent("application/x-www-form-urlencoded", &Bytes::from_static(b"text=a+b&step=save"));
        assert_eq!((&given[..], is_sure), (&b"a b"[..], true));
        assert!(!sent("application/octet-stream", &Bytes::from_static(b"step=save")).is_sure);
    }
}
