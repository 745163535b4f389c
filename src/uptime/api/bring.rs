//! Checks of other programs, taken over from one file: `POST /api/v1/checks/import`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::ApiState;
use crate::access::Change;
use crate::platform::http::envelope::{ApiError, blocking, success};
use crate::platform::http::extract::{decompress, read_body};
use crate::uptime::bring::Brought;
use crate::uptime::config::file::read_one;

/// Names in the audit log at most.
const NAMES_LOGGED_MAX: usize = 20;

/// What became of the checks of a file.
#[derive(Default)]
struct Outcome {
    made: Vec<String>,
    left_out: Vec<Json>,
}

/// Makes checks of the body, a file of another program. `?dry_run=true` only says which there would be.
pub(super) async fn route(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let is_dry = form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "dry_run" && matches!(&*value, "true" | "1"));
    let body = read_body(body, state.bring.bytes_max).await?;
    let body = decompress(&parts.headers, body, state.bring.bytes_max)?;
    let read = state.bring.read;
    let brought = blocking(move || read(&body)).await?.map_err(ApiError::bad)?;
    let outcome = take(&state, &brought, is_dry).await;
    let answer = json!({
        "source": brought.source,
        "dryRun": is_dry,
        "checks": outcome.made,
        "leftOut": outcome.left_out,
        "notes": brought.notes,
    });
    let first: Vec<&String> = outcome.made.iter().take(NAMES_LOGGED_MAX).collect();
    let change = Change::new("checks.import", brought.source).after(json!({ "checks": first, "count": outcome.made.len() }));
    let answer = success(&answer);
    Ok(if is_dry || outcome.made.is_empty() { answer } else { change.in_answer(answer) })
}

/// One after the other: who is needed by another comes before it.
async fn take(state: &ApiState, brought: &Brought, is_dry: bool) -> Outcome {
    let mut outcome = Outcome::default();
    for text in &brought.checks {
        // It was vetted when it was read.
        let Ok(name) = read_one(text, None).map(|defined| defined.check.name) else { continue };
        // A number names a check too, but is no name.
        let is_there = state.desk.find(&name).and_then(|id| state.desk.view(id)).is_some_and(|view| view.check.name == name);
        if is_there {
            outcome.left_out.push(json!({ "name": name, "why": "a check of this name is there already" }));
        } else if is_dry {
            outcome.made.push(name);
        } else {
            match state.desk.put(None, text).await {
                Ok(_) => outcome.made.push(name),
                Err(error) => outcome.left_out.push(json!({ "name": name, "why": error.to_string() })),
            }
        }
    }
    outcome
}
