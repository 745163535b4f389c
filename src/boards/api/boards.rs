//! Dashboards: keeping, asking for, importing and forgetting them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ApiState;
use super::answer::{Refusal, good};
use super::wire;
use crate::access::Change;
use crate::base::time::format_rfc3339;
use crate::boards::model::{About, BOARD_BYTES_MAX, Board, Finding, Folder, Level, NotSaved, Report, Saving, classic, slug, with_inputs};

/// Largest body: a dashboard, and what stands around it.
const SAVE_BYTES_MAX: usize = BOARD_BYTES_MAX + 64 * 1024;
/// Findings of a report in an answer.
const FINDINGS_MAX: usize = 500;
/// What Grafana says where it fails.
const NOT_SAVED: &str = "Failed to save dashboard";
const NOT_READ: &str = "Failed to get dashboard";

/// What `POST /api/dashboards/db` sends.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Save {
    dashboard: Value,
    folder_uid: Option<String>,
    overwrite: Option<bool>,
    message: Option<String>,
}

/// What `POST /api/dashboards/import` sends.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Import {
    dashboard: Value,
    folder_uid: Option<String>,
    overwrite: Option<bool>,
    inputs: Option<Vec<Given>>,
}

/// A value for an input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    name: String,
    value: Value,
}

/// There is no such dashboard.
pub(super) fn not_found(uid: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "Dashboard not found", format!("there is no dashboard with the uid {uid:?}"))
}

/// A refusal of the library as Grafana words it.
pub(super) fn refused(why: &NotSaved) -> Refusal {
    let said = why.to_string();
    match why {
        NotSaved::Newer { .. } => {
            let message = "The dashboard has been changed by someone else";
            Refusal::new(StatusCode::PRECONDITION_FAILED, message, said).with_word("version-mismatch")
        }
        NotSaved::NotFound(_) => Refusal::new(StatusCode::NOT_FOUND, "Dashboard not found", said).with_word("not-found"),
        NotSaved::NoFolder(_) => Refusal::new(StatusCode::BAD_REQUEST, "folder not found", said),
        NotSaved::Taken(_) => Refusal::new(StatusCode::CONFLICT, "a dashboard or folder with the same uid already exists", said),
        NotSaved::NotEmpty { .. } => Refusal::new(StatusCode::CONFLICT, "folder is not empty", said),
        NotSaved::Wrong(words) => {
            let refusal = Refusal::new(StatusCode::BAD_REQUEST, words.clone(), said);
            if words == "Dashboard title cannot be empty" { refusal.with_word("empty-name") } else { refusal }
        }
    }
}

/// Where a dashboard is seen.
pub(super) fn url(about: &About) -> String {
    format!("/d/{}/{}", about.uid, about.slug())
}

/// Where a folder is seen.
pub(super) fn folder_url(folder: &Folder) -> String {
    format!("/dashboards/f/{}/{}", folder.uid, slug(&folder.title))
}

/// The folder as the library names it: Grafana's word for none is `general`.
fn folder_of(given: Option<String>) -> String {
    given.filter(|uid| uid != "general").unwrap_or_default()
}

fn saved(about: &About) -> Value {
    json!({
        "folderUid": about.folder_uid, "id": about.id, "slug": about.slug(), "status": "success", "uid": about.uid,
        "url": url(about), "version": about.version,
    })
}

/// What the audit log has of a dashboard.
pub(super) fn told(about: &About) -> Value {
    json!({ "title": about.title, "folder": about.folder_uid, "version": about.version })
}

/// Keeps a dashboard, and leaves a line for the audit log.
pub(super) async fn keep(state: &ApiState, saving: Saving) -> Result<(About, Change), Refusal> {
    let kept = state.library.save(saving).await.map_err(|cause| Refusal::failed(NOT_SAVED, &cause))?;
    let about = kept.map_err(|why| refused(&why))?;
    let change = Change::new("dashboard.save", about.uid.clone()).after(told(&about));
    Ok((about, change))
}

/// The classic form of what was sent, and how it was understood.
fn understood(json: Value) -> Result<(Value, Report), Refusal> {
    let wrong = |error: String| Refusal::bad("bad request data", error);
    // The second schema is kept as classic JSON; its report is of what it was.
    let (_, report) = Board::read(&json).map_err(wrong)?;
    Ok((classic(json).map_err(wrong)?, report))
}

/// A report of how a dashboard was understood, for answers.
pub(in crate::boards) fn report_of(report: &Report) -> Value {
    let level = |one: &Finding| match one.level {
        Level::Adapted => "adapted",
        Level::Ignored => "ignored",
        Level::Broken => "broken",
    };
    let findings: Vec<Value> = report
        .findings
        .iter()
        .take(FINDINGS_MAX)
        .map(|one| {
            let (id, title) = one.panel.clone().unwrap_or_default();
            json!({"panelId": id, "panelTitle": title, "level": level(one), "path": one.path, "text": one.text})
        })
        .collect();
    json!({"panels": report.panels, "whole": report.whole, "findings": findings})
}

/// `POST /api/dashboards/db`.
pub(super) async fn save(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (_, by) = wire::made_by(&request);
    let sent: Save = wire::body_within(request, SAVE_BYTES_MAX).await?;
    if !sent.dashboard.is_object() {
        return Err(Refusal::unreadable("dashboard is missing: send {\"dashboard\": {…}, \"folderUid\": \"…\", \"overwrite\": false}"));
    }
    // Grafana keeps a dashboard that has nothing but a title.
    let json = match understood(sent.dashboard.clone()) {
        Ok((json, _)) => json,
        Err(refusal) if sent.dashboard.get("title").is_some() => return Err(refusal),
        Err(_) => return Err(refused(&NotSaved::Wrong("Dashboard title cannot be empty".to_owned()))),
    };
    let saving = Saving {
        json,
        folder_uid: Some(folder_of(sent.folder_uid)),
        message: sent.message.unwrap_or_default(),
        by,
        at: state.clock.now_ms(),
        overwrite: sent.overwrite.unwrap_or(false),
        ..Saving::default()
    };
    let (about, change) = keep(&state, saving).await?;
    Ok(change.in_answer(good(&saved(&about))))
}

/// `POST /api/dashboards/import`: as [`save`], with values for inputs, and with a report of how it was understood.
pub(super) async fn import(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (_, by) = wire::made_by(&request);
    let sent: Import = wire::body_within(request, SAVE_BYTES_MAX).await?;
    let mut json = sent.dashboard;
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let inputs: Vec<(String, String)> = sent.inputs.unwrap_or_default().into_iter().map(|given| (given.name, text(given.value))).collect();
    with_inputs(&mut json, &inputs);
    let (json, report) = understood(json)?;
    let saving = Saving {
        json,
        folder_uid: Some(folder_of(sent.folder_uid)),
        by,
        at: state.clock.now_ms(),
        overwrite: sent.overwrite.unwrap_or(false),
        ..Saving::default()
    };
    let (about, change) = keep(&state, saving).await?;
    let answer = json!({
        "uid": about.uid, "pluginId": "", "title": about.title, "imported": true, "importedUri": format!("db/{}", about.slug()),
        "importedUrl": url(&about), "slug": about.slug(), "dashboardId": about.id, "folderId": 0, "folderUid": about.folder_uid,
        "importedRevision": about.version, "revision": about.version, "description": about.description, "path": "", "removed": false,
        "report": report_of(&report),
    });
    Ok(change.in_answer(good(&answer)))
}

/// `GET /api/dashboards/uid/{uid}`.
pub(super) async fn one(State(state): State<Arc<ApiState>>, Path(uid): Path<String>, request: Request<Body>) -> Result<Response, Refusal> {
    let failed = |cause: String| Refusal::failed(NOT_READ, &cause);
    let found = state.library.board(uid.clone()).await.map_err(failed)?.ok_or_else(|| not_found(&uid))?;
    let folders = state.library.folders().await.map_err(failed)?;
    let stars = state.library.stars(wire::made_by(&request).0).await.map_err(failed)?;
    let folder = folders.iter().find(|folder| folder.uid == found.about.folder_uid);
    Ok(good(&json!({ "meta": meta(&found.about, folder, stars.contains(&uid)), "dashboard": found.json })))
}

fn meta(about: &About, folder: Option<&Folder>, is_starred: bool) -> Value {
    let all = json!({"canAdd": true, "canEdit": true, "canDelete": true});
    json!({
        "type": "db", "canSave": true, "canEdit": true, "canAdmin": true, "canStar": true, "canDelete": true, "isStarred": is_starred,
        "slug": about.slug(), "url": url(about), "expires": "0001-01-01T00:00:00Z", "created": format_rfc3339(about.made_at),
        "updated": format_rfc3339(about.changed_at), "updatedBy": about.changed_by, "createdBy": about.made_by, "version": about.version,
        "hasAcl": false, "isFolder": false, "apiVersion": "v1", "folderId": folder.map_or(0, |folder| folder.id),
        "folderUid": about.folder_uid, "folderTitle": folder.map_or("General", |folder| &folder.title),
        "folderUrl": folder.map(folder_url).unwrap_or_default(), "provisioned": about.file.is_some(),
        "provisionedExternalId": about.file.as_ref().map_or("", |file| &file.path),
        "annotationsPermissions": {"dashboard": all, "organization": all},
    })
}

/// `DELETE /api/dashboards/uid/{uid}`.
pub(super) async fn remove(State(state): State<Arc<ApiState>>, Path(uid): Path<String>) -> Result<Response, Refusal> {
    let gone = state.library.delete_board(uid.clone()).await.map_err(|cause| Refusal::failed("Failed to delete dashboard", &cause))?;
    let gone = gone.ok_or_else(|| not_found(&uid))?;
    let answer = json!({"title": gone.title, "message": format!("Dashboard {} deleted", gone.title), "id": gone.id, "uid": gone.uid});
    Ok(Change::new("dashboard.delete", uid).before(told(&gone)).in_answer(good(&answer)))
}

/// `GET /api/dashboards/tags`.
pub(super) async fn tags(State(state): State<Arc<ApiState>>) -> Result<Response, Refusal> {
    let found = state.library.board_tags().await.map_err(|cause| Refusal::failed("Failed to get tags from database", &cause))?;
    Ok(good(&found.into_iter().map(|(term, count)| json!({"term": term, "count": count})).collect::<Vec<_>>()))
}

/// `GET /api/dashboards/home`: the first page, which is no dashboard.
pub(super) async fn home() -> Response {
    good(&json!({"redirectUri": "/"}))
}
