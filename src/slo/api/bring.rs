//! Objectives of other programs, taken over from one file: `POST /api/v1/slos/import`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::ApiState;
use crate::access::{Caller, Change};
use crate::platform::http::envelope::{ApiError, blocking, success};
use crate::platform::http::extract::read_text;
use crate::slo::bring::{self, FILE_BYTES_MAX};

/// Names in the audit log at most.
const NAMES_LOGGED_MAX: usize = 20;

/// Makes objectives of the body, a file of another program. `?dry_run=true` only says which there would be.
pub(super) async fn route(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let is_dry = form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "dry_run" && matches!(&*value, "true" | "1"));
    let text = read_text(&parts.headers, body, FILE_BYTES_MAX).await?;
    let brought = blocking(move || bring::read(&text)).await?.map_err(ApiError::bad)?;
    let by = parts.extensions.get::<Caller>().map_or_else(String::new, Caller::actor);
    let (mut made, mut left_out): (Vec<&str>, Vec<Json>) = (Vec::new(), Vec::new());
    for slo in &brought.slos {
        let outcome = if state.desk.find(&slo.name).is_some() {
            Err("an SLO of this name is there already".to_owned())
        } else if is_dry {
            let (desk, text) = (Arc::clone(&state.desk), slo.definition());
            blocking(move || desk.look(&text)).await?.map(|_| ()).map_err(|error| error.to_string())
        } else {
            state.desk.put(None, &slo.definition(), &by).await.map(|_| ()).map_err(|error| error.to_string())
        };
        match outcome {
            Ok(()) => made.push(&slo.name),
            Err(why) => left_out.push(json!({ "name": slo.name, "why": why })),
        }
    }
    let source = brought.sources.join(", ");
    let answer = success(&json!({ "source": source, "dryRun": is_dry, "slos": made, "leftOut": left_out, "notes": brought.notes }));
    let first: Vec<&&str> = made.iter().take(NAMES_LOGGED_MAX).collect();
    let change = Change::new("slos.import", source).after(json!({ "slos": first, "count": made.len() }));
    Ok(if is_dry || made.is_empty() { answer } else { change.in_answer(answer) })
}
