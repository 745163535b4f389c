//! Pages of what was down and of what is planned: incidents, maintenance, reports.

mod incident;
pub(super) mod plans;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::StatusCode;

use super::{PageState, shell_at, work};
use crate::access::{Policy, Routes};
use crate::base::time::TimeRange;
use crate::platform::http::download::file;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::shell::Shell;
use crate::uptime::config::Check;
use crate::uptime::model::incident::IncidentOf;
use crate::uptime::model::window::Window;
use crate::uptime::pages::incidents::{self, Filter, INCIDENTS_MAX, IncidentsInput};

pub(in crate::uptime::facade) use report::sending;

/// How often lists refresh.
const SELDOM: &str = "30s";

/// Every page with who may look at it.
pub(super) fn routes(state: &Arc<PageState>) -> Routes {
    let (read, edit) = (Policy::READ, Policy::EDIT);
    let with = |handler: MethodRouter<Arc<PageState>>| handler.with_state(Arc::clone(state));
    Routes::new()
        .route("GET", links::UPTIME_INCIDENTS, read, with(get(incidents_route)))
        .route("GET", links::UPTIME_INCIDENT, read, with(get(incident::page)))
        .route("GET", links::UPTIME_MAINTENANCE, read, with(get(plans::list)))
        .route("GET", links::UPTIME_MAINTENANCE_EDIT, read, with(get(plans::edit)))
        .route("POST", links::UPTIME_MAINTENANCE_SAVE, edit, with(post(plans::save)))
        .route("POST", links::UPTIME_MAINTENANCE_END, edit, with(post(plans::end)))
        .route("GET", links::UPTIME_REPORT, read, with(get(report::page)))
        .route("GET", links::UPTIME_REPORT_CSV, read, with(get(report::csv)))
        .route("GET", links::UPTIME_REPORT_PDF, read, with(get(report::pdf)))
        .route("POST", links::UPTIME_REPORT_READERS, edit, with(post(report::readers)))
}

/// Checks of now, by number.
fn checks(state: &PageState) -> BTreeMap<i64, Arc<Check>> {
    state.desk.views().into_iter().map(|(id, view)| (id, view.check)).collect()
}

fn status_of(problem: &str) -> StatusCode {
    if problem.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST }
}

/// The range of a page, or a month if it cannot be read; and what is wrong with it.
fn range_of(shell: &Shell) -> (TimeRange, String) {
    let month = TimeRange::new(shell.now_ms.saturating_sub(30 * 86_400_000), shell.now_ms);
    match shell.range.as_ref().map(|control| control.range.resolve(shell.now_ms)) {
        Some(Ok(range)) => (range, String::new()),
        Some(Err(why)) => (month, why),
        None => (month, String::new()),
    }
}

/// `GET /uptime/incidents`: `check`, `label`, `kind`, `state`, `format=csv`, and the range.
async fn incidents_route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let shell = shell_at(&asked, state, key("Incidents"), links::UPTIME_INCIDENTS).with_range("now-30d").with_refresh(SELDOM);
        let (range, mut problem) = range_of(&shell);
        let incidents = state.desk.incidents(None, Window::new(range.start, range.end), INCIDENTS_MAX).unwrap_or_else(|error| {
            problem = error.to_string();
            Vec::new()
        });
        let input = IncidentsInput { range, incidents, checks: checks(state), problem };
        let overlap = |of: &IncidentOf| state.desk.in_maintenance(of.check, &of.incident);
        if asked.param("format") == "csv" {
            return file(incidents::table(&input, &overlap, &Filter::of(&shell)), "text/csv; charset=utf-8", "incidents.csv");
        }
        asked.page(status_of(&input.problem), incidents::render(&input, &overlap, &shell))
    })
    .await
}
