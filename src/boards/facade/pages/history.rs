//! What a dashboard was: `GET` and `POST /d/{uid}/{slug}/versions`, and the way home to the file it came from, or to what
//! came with pharos.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::board::{Named, attached, unknown};
use super::{Form, PageState, beside, failed, may_edit, shell_of};
use crate::access::Change;
use crate::boards::model::{About, BOARD_BYTES_MAX, NotSaved, Saving, Stored, compare, diff, patch, restyle};
use crate::boards::pages::history::{Before, Compared, HistoryInput, OfFile, render};
use crate::boards::ready::{self, Ready};
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;

/// Versions of a page.
const VERSIONS: usize = 25;
/// Stands for what the file held.
const FILE: &str = "file";
/// Stands for the one that comes with pharos.
const READY: &str = "ready";

async fn stored(state: &PageState, uid: &str) -> Result<Stored, Problem> {
    state.library.board(uid.to_owned()).await.map_err(failed)?.ok_or_else(|| unknown(uid))
}

/// `GET /d/{uid}/{slug}/versions`.
pub(super) async fn page(State(state): State<Arc<PageState>>, Path(named): Path<Named>, asked: Asked) -> Result<Response, Problem> {
    show(&state, &asked, &named.uid, StatusCode::OK, None).await
}

async fn show(state: &PageState, asked: &Asked, uid: &str, status: StatusCode, problem: Option<String>) -> Result<Response, Problem> {
    let board = stored(state, uid).await?;
    let about = &board.about;
    let before = asked.param("before").parse().ok().filter(|before| *before > 0).unwrap_or(0);
    let mut versions = state.library.versions(uid.to_owned(), before, VERSIONS + 1).await.map_err(failed)?;
    let has_older = versions.len() > VERSIONS;
    versions.truncate(VERSIONS);
    let older = versions.last().map(|last| last.version).filter(|_| has_older);
    let (compared, wrong) = match compared(state, asked, &board).await? {
        Ok(compared) => (compared, None),
        Err(wrong) => (None, Some(wrong)),
    };
    let input = HistoryInput {
        uid: about.uid.clone(),
        slug: about.slug(),
        title: about.title.clone(),
        version: about.version,
        versions,
        older,
        compared,
        file: about.file.as_ref().map(|file| OfFile {
            path: file.path.clone(),
            name: file_name(&file.path),
            version: file.version,
            is_changed: about.is_changed_here(),
        }),
        is_unlike_ready: ready_made(about).map(|ready| bare(&ready.json) != bare(&board.json)),
        may_edit: may_edit(asked),
        problem: problem.or(wrong),
    };
    let mut shell = shell_of(asked, state, key("History"));
    shell.title = format!("{} · {}", about.title, shell.t("History"));
    Ok(asked.page(status, render(&input, &shell)))
}

/// What the URL compares: the newest with the one before, unless it says. An error says what is not there.
async fn compared(state: &PageState, asked: &Asked, board: &Stored) -> Result<Result<Option<Compared>, String>, Problem> {
    let about = &board.about;
    let (from, to) = (asked.param("from"), asked.param("to"));
    if from == FILE {
        let Some(home) = home(state, about).await? else { return Ok(Ok(None)) };
        return beside_now(home, board.json.clone(), about.version).await.map(|compared| Ok(Some(compared)));
    }
    if from == READY {
        let Some(ready) = ready_made(about) else { return Ok(Ok(None)) };
        let (now, to) = (board.json.clone(), about.version);
        let work = move || Compared {
            from: Before::Ready,
            to,
            differences: compare(&ready.json, &now),
            diff: diff(&pretty(&ready.json), &pretty(&now)),
        };
        return beside(work).await.map(|compared| Ok(Some(compared)));
    }
    let number = |text: &str| text.parse::<i64>().map_err(|_| format!("{text:?} is no number of a version"));
    let to = match if to.is_empty() { Ok(about.version) } else { number(&to) } {
        Ok(to) => to,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let from = if from.is_empty() {
        let before = state.library.versions(about.uid.clone(), to, 1).await.map_err(failed)?;
        match before.first() {
            Some(before) => before.version,
            None => return Ok(Ok(None)),
        }
    } else {
        match number(&from) {
            Ok(from) => from,
            Err(wrong) => return Ok(Err(wrong)),
        }
    };
    let (from, to) = (from.min(to), from.max(to));
    let mut found = Vec::new();
    for version in [from, to] {
        match state.library.version(about.uid.clone(), version).await.map_err(failed)? {
            Some((_, json)) => found.push(json),
            None => return Ok(Err(format!("there is no version {version} of this dashboard, or it is older than those that are kept"))),
        }
    }
    let (new, old) = (found.pop().unwrap_or_default(), found.pop().unwrap_or_default());
    let work =
        move || Compared { from: Before::Version(from), to, differences: compare(&old, &new), diff: diff(&pretty(&old), &pretty(&new)) };
    beside(work).await.map(|compared| Ok(Some(compared)))
}

/// A version without what the keeper adds.
fn bare(json: &Value) -> Value {
    let mut json = json.clone();
    if let Some(object) = json.as_object_mut() {
        ["id", "uid", "version"].iter().for_each(|name| drop(object.remove(*name)));
    }
    json
}

/// The same as text.
fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(&bare(json)).unwrap_or_default() + "\n"
}

/// The one with its uid that comes with pharos, where it is kept changed and not of a file.
fn ready_made(about: &About) -> Option<&'static Ready> {
    if about.version == 0 || about.file.is_some() { None } else { ready::named(&about.uid) }
}

/// What the file of a dashboard held.
struct Home {
    /// Its text, where it can be read and is what the dashboard's JSON is.
    text: Option<String>,
    /// The version that it became, where that is kept.
    json: Option<Value>,
}

async fn home(state: &PageState, about: &About) -> Result<Option<Home>, Problem> {
    let Some(file) = about.file.clone() else { return Ok(None) };
    let json = state.library.version(about.uid.clone(), file.version).await.map_err(failed)?.map(|(_, json)| json);
    let text = beside(move || read(&file.path)).await?;
    Ok((text.is_some() || json.is_some()).then_some(Home { text, json }))
}

/// The text of a file with a dashboard in the classic form.
fn read(path: &str) -> Option<String> {
    use std::io::Read as _;

    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(BOARD_BYTES_MAX as u64 + 1).read_to_string(&mut text).ok()?;
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let is_classic = json.is_object() && json.get("apiVersion").is_none();
    (text.len() <= BOARD_BYTES_MAX && is_classic).then_some(text)
}

impl Home {
    /// Its text, and that of the dashboard as it is now in the same way of writing.
    fn beside(&self, now: &Value) -> (String, String) {
        match (&self.text, &self.json) {
            (Some(text), _) => (text.clone(), restyle(text, now).unwrap_or_else(|_| pretty(now))),
            (None, json) => (json.as_ref().map(pretty).unwrap_or_default(), pretty(now)),
        }
    }
}

async fn beside_now(home: Home, now: Value, version: i64) -> Result<Compared, Problem> {
    beside(move || {
        let (before, after) = home.beside(&now);
        let was = home.json.clone().or_else(|| serde_json::from_str(&before).ok()).unwrap_or_default();
        Compared { from: Before::File, to: version, differences: compare(&was, &now), diff: diff(&before, &after) }
    })
    .await
}

fn file_name(path: &str) -> String {
    FilePath::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// `GET /d/{uid}/{slug}/versions/home.diff`: what was changed here, for `patch` and the file.
pub(super) async fn home_patch(State(state): State<Arc<PageState>>, Path(named): Path<Named>) -> Result<Response, Problem> {
    let board = stored(&state, &named.uid).await?;
    let none = |why: &str| Problem::new(StatusCode::NOT_FOUND, why.to_owned());
    let file = board.about.file.clone().ok_or_else(|| none("this dashboard does not come from a file"))?;
    let home = home(&state, &board.about).await?.ok_or_else(|| none("what the file held is not kept, and the file cannot be read"))?;
    let now = board.json;
    let text = beside(move || {
        let (before, after) = home.beside(&now);
        patch(&before, &after, &file_name(&file.path))
    });
    let mut response = ([(header::CONTENT_TYPE, "text/x-diff; charset=utf-8")], text.await?).into_response();
    attached(&mut response, &board.about.title, "patch");
    Ok(response)
}

/// `POST /d/{uid}/{slug}/versions`: `version` (a number, `file` or `ready`) becomes the newest, if `had` is that still.
pub(super) async fn restore(
    State(state): State<Arc<PageState>>,
    Path(named): Path<Named>,
    asked: Asked,
    body: Bytes,
) -> Result<Response, Problem> {
    let form = Form::read(&body);
    let board = stored(&state, &named.uid).await?;
    let about = board.about;
    let had: i64 = form.text("had").parse().map_err(|_| Problem::bad_request("\"had\" is the version that is there now"))?;
    let (mut json, wanted, message) = match (form.text("version"), &about.file, ready_made(&about)) {
        (READY, _, Some(ready)) => ((*ready.json).clone(), 0, "As it comes with pharos".to_owned()),
        (text, file, _) => {
            let wanted = match file {
                Some(file) if text == FILE => file.version,
                _ => text.parse().map_err(|_| Problem::bad_request(format!("{text:?} is no number of a version")))?,
            };
            let Some((_, json)) = state.library.version(about.uid.clone(), wanted).await.map_err(failed)? else {
                let words = format!("there is no version {wanted} of this dashboard, or it is older than those that are kept");
                return show(&state, &asked, &named.uid, StatusCode::NOT_FOUND, Some(words)).await;
            };
            (json, wanted, format!("Restored from version {wanted}"))
        }
    };
    if let Some(json) = json.as_object_mut() {
        json.insert("uid".to_owned(), about.uid.clone().into());
        json.insert("version".to_owned(), had.into());
    }
    let saving = Saving { json, message, by: asked.caller.actor(), at: state.clock.now_ms(), restored: wanted, ..Saving::default() };
    match state.library.save(saving).await.map_err(failed)? {
        Ok(saved) => {
            let to = links::with(&links::board_versions(&saved.uid, &saved.slug()), &[("done", "restored")]);
            let told = json!({ "title": saved.title, "version": saved.version, "restored": wanted });
            Ok(Change::new("dashboard.restore", saved.uid).after(told).in_answer(Redirect::to(&to).into_response()))
        }
        Err(why) => {
            let status = if matches!(why, NotSaved::Newer { .. }) { StatusCode::PRECONDITION_FAILED } else { StatusCode::BAD_REQUEST };
            show(&state, &asked, &named.uid, status, Some(format!("nothing was restored: {why}"))).await
        }
    }
}
