//! The page of one incident.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use super::{PageState, SELDOM, shell_at, work};
use crate::base::time::TimeRange;
use crate::platform::http::problem::Problem;
use crate::ui::asked::Asked;
use crate::ui::{links, problem};
use crate::uptime::facade::past;
use crate::uptime::model::window::Window;
use crate::uptime::pages::incident::{self, IncidentInput, LEAD_MS};

/// Other incidents and marks around one.
const AROUND_MAX: usize = 20;

/// `GET /uptime/incidents/{check}/{from}`.
pub(super) async fn page(
    State(state): State<Arc<PageState>>,
    Path((check, from)): Path<(i64, i64)>,
    asked: Asked,
) -> Result<Response, Problem> {
    work(&state, move |state, _| {
        let name = state.desk.views().get(&check).map_or_else(|| format!("#{check}"), |view| view.check.name.clone());
        let shell = shell_at(&asked, state, &name, &links::incident(check, from)).with_refresh(SELDOM);
        let unread = |why: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after_s(5);
        let found = state.desk.incidents(Some(check), Window::new(from, from.saturating_add(1)), i64::from(u8::MAX));
        let found = found.map_err(|error| unread(error.to_string()))?;
        let Some(of) = found.into_iter().find(|of| of.incident.from == from) else {
            let (headline, text) = (shell.t("There is no such incident"), shell.t("It is too old to be kept, or never was."));
            return Ok(asked.page(StatusCode::NOT_FOUND, problem::problem(&shell, 404, headline, text, shell.path())));
        };
        let path = links::incident(check, from);
        let range = TimeRange::new(from, of.incident.until.unwrap_or(shell.now_ms).max(from.saturating_add(1)));
        let before = TimeRange::new(from.saturating_sub(LEAD_MS), range.end);
        let mut others = past::within(&state.desk, range, AROUND_MAX).map_err(unread)?;
        others.retain(|one| one.path != path);
        let marks = match state.happenings.get() {
            Some(happenings) => happenings.within(before, AROUND_MAX).map_err(unread)?,
            None => Vec::new(),
        };
        let input = IncidentInput {
            check,
            name,
            overlap: state.desk.in_maintenance(check, &of.incident),
            incident: of.incident,
            costs: state.costs.get().map_or(Ok(Vec::new()), |costs| costs.within(range)),
            others,
            marks,
        };
        Ok(asked.page(StatusCode::OK, incident::render(&input, &shell)))
    })
    .await?
}
