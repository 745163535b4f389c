//! Bringing a dashboard in: looked at first, then kept.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Form, PageState, beside, failed, shell_of};
use crate::access::Change;
use crate::boards::model::{BOARD_BYTES_MAX, Board, Input, Report, Saving, with_inputs};
use crate::boards::pages::import::{ImportInput, Looked, Wanted, render};
use crate::boards::ready::FOLDER_UID;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;

/// Most sources and constants that are asked for; the others have their own values.
const WANTED_MAX: usize = 50;

/// What was read of a text.
struct Read {
    json: Value,
    board: Board,
    report: Report,
}

/// `GET /d/import`.
pub(super) async fn page(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show(&state, &asked, StatusCode::OK, ImportInput::default()).await
}

async fn show(state: &PageState, asked: &Asked, status: StatusCode, mut input: ImportInput) -> Result<Response, Problem> {
    let folders = state.library.folders().await.map_err(failed)?;
    let own = folders.into_iter().filter(|folder| folder.uid != FOLDER_UID);
    input.folders = own.map(|folder| (folder.uid, folder.title)).collect();
    let shell = shell_of(asked, state, key("Import a dashboard"));
    Ok(asked.page(status, render(&input, &shell)))
}

/// `POST /d/import`: `json`, `folder`, `step` (`look` or `save`), and `input-…` for what the dashboard wants to be told.
pub(super) async fn take(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Form::read(&body);
    let mut input = ImportInput { json: form.text("json").to_owned(), folder: form.text("folder").to_owned(), ..ImportInput::default() };
    let text = input.json.clone();
    let read = match beside(move || read(&text)).await? {
        Ok(read) => read,
        Err(problem) => {
            input.problem = Some(problem);
            return show(&state, &asked, StatusCode::BAD_REQUEST, input).await;
        }
    };
    input.wanted = wanted(&read.board, &form);
    let replaces = match read.board.uid.as_str() {
        "" => None,
        uid => state.library.board(uid.to_owned()).await.map_err(failed)?.map(|kept| kept.about.title),
    };
    let looked = Looked { title: read.board.title.clone(), uid: read.board.uid.clone(), report: read.report, replaces };
    if form.text("step") != "save" {
        input.looked = Some(looked);
        return show(&state, &asked, StatusCode::OK, input).await;
    }
    let mut json = read.json;
    with_inputs(&mut json, &input.wanted.iter().map(|one| (one.name.clone(), one.value.clone())).collect::<Vec<_>>());
    let saving = Saving {
        json,
        folder_uid: (!input.folder.is_empty()).then(|| input.folder.clone()),
        message: "imported".to_owned(),
        by: asked.caller.actor(),
        at: state.clock.now_ms(),
        // Whoever imports has been told of the one that it goes over; its versions stay.
        overwrite: true,
        ..Saving::default()
    };
    match state.library.save(saving).await.map_err(failed)? {
        Ok(about) => {
            let told = json!({"uid": about.uid, "title": about.title, "version": about.version, "folder": about.folder_uid});
            let to = links::board(&about.uid, &about.slug());
            Ok(Change::new("board.import", about.uid.clone()).after(told).in_answer(Redirect::to(&to).into_response()))
        }
        Err(refused) => {
            input.looked = Some(looked);
            input.problem = Some(refused.to_string());
            show(&state, &asked, StatusCode::BAD_REQUEST, input).await
        }
    }
}

/// What a dashboard wants to be told, with what was chosen.
fn wanted(board: &Board, form: &Form) -> Vec<Wanted> {
    let one = |input: &Input| {
        let plugin = if input.kind == "datasource" { input.plugin.clone() } else { String::new() };
        let mut wanted = Wanted { name: input.name.clone(), label: input.label.clone(), plugin, value: input.value.clone() };
        let given = form.text(&wanted.field());
        if !given.is_empty() {
            wanted.value = given.to_owned();
        }
        wanted
    };
    board.inputs.iter().filter(|input| !input.name.is_empty()).take(WANTED_MAX).map(one).collect()
}

/// Reads what was pasted; says in words why it is no dashboard.
fn read(text: &str) -> Result<Read, String> {
    if text.len() > BOARD_BYTES_MAX {
        return Err(format!("this JSON has {} bytes, at most {BOARD_BYTES_MAX} are allowed", text.len()));
    }
    if text.trim().is_empty() {
        return Err("paste the JSON of a dashboard, or choose a file".to_owned());
    }
    let json: Value = serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?;
    let (board, report) = Board::read(&json)?;
    // What the interface of Grafana answers holds the dashboard.
    let json = match json.get("dashboard") {
        Some(inner) if inner.is_object() && json.get("panels").is_none() => inner.clone(),
        _ => json,
    };
    Ok(Read { json, board, report })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_dashboard_is_told_in_words() {
        let told = |text: &str| read(text).err().unwrap_or_default();
        assert!(told(" ").contains("paste the JSON"));
        assert!(told("{\"title\":").contains("no JSON: EOF"));
        assert!(told("[]").contains("JSON object"));
        assert!(told("{\"a\":1}").contains("neither title nor panels"));
        assert!(told(&"x".repeat(BOARD_BYTES_MAX + 1)).contains("bytes, at most"));
        let wrapped = read("{\"dashboard\":{\"title\":\"A\",\"panels\":[]},\"meta\":{}}").ok().unwrap();
        let board = json!({"title": "A", "panels": [], "__inputs": [
            {"name": "DS_A", "type": "datasource", "pluginId": "loki", "label": "Loki"}, {"name": "DS_B", "type": "datasource", "pluginId": "prometheus"},
            {"name": "VAR", "type": "constant", "value": "x"}, {"type": "constant"}]});
        let board = read(&board.to_string()).ok().unwrap().board;
        let told = wanted(&board, &Form::read(b"input-DS_B=logs&input-VAR=&x=1"));
        let told: Vec<(&str, &str)> = told.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        assert_eq!(told, [("DS_A", "logs"), ("DS_B", "logs"), ("VAR", "x")]);
        assert_eq!((wrapped.board.title.as_str(), wrapped.json["title"].as_str()), ("A", Some("A")));
    }
}
