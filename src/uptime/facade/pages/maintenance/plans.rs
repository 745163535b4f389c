//! Pages of maintenance, and what their forms change. Each change leaves a line in the audit log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::json;

use super::{PageState, SELDOM, checks, shell_at, work};
use crate::access::{Change, Role};
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::uptime::config::maintenance::Described;
use crate::uptime::model::planned::Planned;
use crate::uptime::pages::maintenance::edit::{self, Draft, EditInput};
use crate::uptime::pages::maintenance::{self, KnownPlan, MaintenanceInput};
use crate::uptime::watch::planner::PlanError;

const fn status_of(error: &PlanError) -> StatusCode {
    match error {
        PlanError::Unknown => StatusCode::NOT_FOUND,
        PlanError::Over | PlanError::InFile(_) | PlanError::Full => StatusCode::CONFLICT,
        PlanError::Db(_) => StatusCode::SERVICE_UNAVAILABLE,
        PlanError::Wrong(_) | PlanError::NoCheck(_) | PlanError::Past => StatusCode::BAD_REQUEST,
    }
}

/// What went wrong, in the words of pages where there are some.
fn words(error: &PlanError) -> String {
    match error {
        PlanError::Past => key("That is in the past already.").to_owned(),
        PlanError::Over => key("This maintenance is over, and stays as it was.").to_owned(),
        PlanError::Unknown => key("There is no such maintenance.").to_owned(),
        other => other.to_string(),
    }
}

fn known(state: &PageState, planned: &Planned) -> KnownPlan {
    KnownPlan {
        described: state.desk.described(planned.id).unwrap_or_default(),
        file: state.desk.file_of_maintenance(planned.id),
        planned: planned.clone(),
    }
}

fn find(state: &PageState, id: &str) -> Option<KnownPlan> {
    let id: i64 = id.parse().ok()?;
    state.desk.planned().iter().find(|planned| planned.id == id).map(|planned| known(state, planned))
}

/// `GET /uptime/maintenance`: `state` (`past`), `page`.
pub(super) async fn list(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    show_list(&state, asked, StatusCode::OK, String::new()).await
}

async fn show_list(state: &Arc<PageState>, asked: Asked, status: StatusCode, problem: String) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Maintenance"), links::UPTIME_MAINTENANCE).with_refresh(SELDOM);
        let plans = state.desk.planned().iter().map(|planned| known(state, planned)).collect();
        let problem = shell.t(&problem).to_owned();
        let may_change = shell.has_role(Role::Editor);
        let input = MaintenanceInput { plans, checks: checks(state), done: asked.param("done"), problem, may_change };
        asked.page(status, maintenance::render(&input, &shell))
    })
    .await
}

/// `GET /uptime/maintenance/edit`: `id` of one that is changed, `from_id` of one that is planned again, `check` for a new
/// one; with `draft` every field of the form as well.
pub(super) async fn edit(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let draft = Draft::from_form(asked.query().as_bytes());
    show_edit(&state, asked, draft, StatusCode::OK, String::new()).await
}

/// The form of a new one of these checks.
pub(in crate::uptime::facade::pages) async fn begin(
    state: &Arc<PageState>,
    asked: Asked,
    names: impl Iterator<Item = String>,
) -> Result<Response, Problem> {
    let draft = Draft::of_checks(names, state.clock.now_ms());
    show_edit(state, asked, draft, StatusCode::OK, String::new()).await
}

async fn show_edit(
    state: &Arc<PageState>,
    asked: Asked,
    mut draft: Draft,
    status: StatusCode,
    problem: String,
) -> Result<Response, Problem> {
    work(state, move |state, _| {
        let shell = shell_at(&asked, state, key("Maintenance"), links::UPTIME_MAINTENANCE_EDIT);
        let existing = find(state, draft.get("id"));
        if !draft.is_filled() {
            let other = existing.clone().or_else(|| find(state, draft.get("from_id")));
            draft = match other {
                Some(known) => Draft::of(&known.described, &known.planned.covers),
                None => {
                    let view = state.desk.find(draft.get("check")).and_then(|id| state.desk.view(id));
                    Draft::fresh(view.as_ref().map_or("", |view| view.check.name.as_str()))
                }
            };
        }
        let problem = shell.t(&problem).to_owned();
        let input = EditInput { draft, existing, checks: checks(state), problem, may_change: shell.has_role(Role::Editor) };
        asked.page(status, edit::render(&input, &shell))
    })
    .await
}

fn told(described: &Described) -> serde_json::Value {
    json!({ "definition": described.text() })
}

/// `POST /uptime/maintenance/save`: the fields of the form.
pub(super) async fn save(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let mut draft = Draft::from_form(&body);
    draft.set("draft", "1");
    let Ok(described) = draft.read() else {
        return show_edit(&state, asked, draft, StatusCode::BAD_REQUEST, String::new()).await;
    };
    let before = find(&state, draft.get("id"));
    let id = before.as_ref().map(|known| known.planned.id);
    match state.desk.plan(id, &described.text(), &asked.caller.actor()).await {
        Ok(id) => {
            let mut change = Change::new("maintenance.save", id.to_string()).after(told(&described));
            if let Some(before) = before {
                change = change.before(told(&before.described));
            }
            Ok(change.in_answer(Redirect::to(&links::with(links::UPTIME_MAINTENANCE, &[("done", "saved")])).into_response()))
        }
        Err(error) => show_edit(&state, asked, draft, status_of(&error), words(&error)).await,
    }
}

/// `POST /uptime/maintenance/end`: `id`.
pub(super) async fn end(State(state): State<Arc<PageState>>, asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let form = Draft::from_form(&body);
    let Some(before) = find(&state, form.get("id")) else {
        return show_list(&state, asked, StatusCode::NOT_FOUND, words(&PlanError::Unknown)).await;
    };
    let id = before.planned.id;
    match state.desk.end_maintenance(id).await {
        Ok(stays) => {
            let change = Change::new("maintenance.end", id.to_string()).before(told(&before.described));
            let done = if stays { "ended" } else { "taken-back" };
            Ok(change.in_answer(Redirect::to(&links::with(links::UPTIME_MAINTENANCE, &[("done", done)])).into_response()))
        }
        Err(error) => show_list(&state, asked, status_of(&error), words(&error)).await,
    }
}
