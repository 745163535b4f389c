//! Bringing checks in: a file is looked at, then what works of it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::json;

use super::Checks;
use crate::access::{Change, Role};
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::uptime::config::file::{self, Defined};
use crate::uptime::facade::pages::{PageState, shell_at, work};
use crate::uptime::pages::import::{self, Brought, FILE_BYTES_MAX, Fate, ImportInput};
use crate::uptime::watch::desk::Desk;

/// A file that was read: what program it is of, its checks as texts, what else there is to say.
struct Read {
    source: &'static str,
    checks: Vec<String>,
    notes: Vec<String>,
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

/// `POST /uptime/import`: `text`, and `step`: `look` or `save`.
pub(super) async fn route(State(state): State<Arc<Checks>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let field = |name: &str| {
        form_urlencoded::parse(&body).find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let (text, is_sure) = (field("text"), field("step") == "save");
    let given = text.clone();
    let read = work(&state.pages, move |_, _| read(given.as_bytes())).await?;
    let read = match read {
        Ok(read) => read,
        Err(problem) => {
            return show(&state.pages, asked, StatusCode::BAD_REQUEST, ImportInput { text, problem, ..ImportInput::default() }).await;
        }
    };
    let mut looked: Vec<(Brought, Option<Defined>)> = looked_at(&state.pages.desk, &read.checks);
    if is_sure {
        let mut kept = Vec::new();
        for (brought, defined) in &mut looked {
            let Some(defined) = defined.as_ref().filter(|_| brought.fate == Fate::New) else { continue };
            match state.pages.desk.put(None, &defined.definition()).await {
                Ok(_) => kept.push(brought.name.clone()),
                Err(error) => brought.fate = Fate::Wrong(error.to_string()),
            }
        }
        let change = (!kept.is_empty()).then(|| {
            let first: Vec<&String> = kept.iter().take(20).collect();
            Change::new("checks.import", read.source).after(json!({ "checks": first, "count": kept.len() }))
        });
        let is_whole = looked.iter().all(|(brought, _)| !matches!(brought.fate, Fate::Wrong(_)));
        let answer = if is_whole && !kept.is_empty() {
            Redirect::to(&import::done(kept.len())).into_response()
        } else {
            for (brought, _) in &mut looked {
                if kept.contains(&brought.name) {
                    brought.fate = Fate::There;
                }
            }
            show(&state.pages, asked, StatusCode::OK, input(read, looked, text)).await?
        };
        return Ok(change.into_iter().fold(answer, |answer, change| change.in_answer(answer)));
    }
    show(&state.pages, asked, StatusCode::OK, input(read, looked, text)).await
}

fn input(read: Read, looked: Vec<(Brought, Option<Defined>)>, text: String) -> ImportInput {
    let checks = looked.into_iter().map(|(brought, _)| brought).collect();
    ImportInput { text, source: read.source, notes: read.notes, checks, ..ImportInput::default() }
}

/// Reads a file, whatever it is of.
fn read(bytes: &[u8]) -> Result<Read, String> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(format!("the file has more than {} MiB", FILE_BYTES_MAX / 1024 / 1024));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "the file is not text".to_owned())?;
    let (all, _) = file::read(text, std::path::Path::new("checks"))
        .map_err(|told| told.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let checks: Vec<String> = all.checks.iter().map(Defined::definition).collect();
    let hidden = checks.iter().filter(|text| text.contains("<secret>")).count();
    let notes = if hidden == 0 {
        Vec::new()
    } else {
        vec![format!("{hidden} of them had secrets, which are not in the file: set them afterwards.")]
    };
    Ok(Read { source: "YAML", checks, notes })
}

/// What is to become of each, parents before their children.
fn looked_at(desk: &Desk, texts: &[String]) -> Vec<(Brought, Option<Defined>)> {
    let views = desk.views();
    let there: BTreeSet<&str> = views.values().map(|view| view.check.name.as_str()).collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        match file::read_one(text, None) {
            Ok(defined) => {
                let check = &defined.check;
                let fate = if there.contains(check.name.as_str()) {
                    Fate::There
                } else if seen.insert(check.name.clone()) {
                    Fate::New
                } else {
                    Fate::Wrong(format!("there are two named {:?}", check.name))
                };
                all.push((Brought { name: check.name.clone(), kind: check.kind(), target: check.target(), fate }, Some(defined)));
            }
            Err(told) => {
                let why = told.first().map_or_else(String::new, |first| first.message.clone());
                let name = text.lines().next().unwrap_or_default().chars().take(80).collect();
                all.push((Brought { name, kind: "", target: String::new(), fate: Fate::Wrong(why) }, None));
            }
        }
    }
    let parents: BTreeMap<String, String> = all
        .iter()
        .filter_map(|(_, defined)| defined.as_ref())
        .map(|defined| (defined.check.name.clone(), defined.check.parent.clone()))
        .collect();
    all.sort_by_key(|(brought, _)| depth(&parents, &brought.name));
    all
}

/// How many stand above a check.
fn depth(parents: &BTreeMap<String, String>, name: &str) -> usize {
    let mut at = name;
    for depth in 0..100 {
        match parents.get(at).filter(|parent| !parent.is_empty()) {
            Some(parent) => at = parent,
            None => return depth,
        }
    }
    100
}
