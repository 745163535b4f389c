//! Deleting lines: asked for, listed, cancelled, as by Loki's compactor.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};

use super::ApiState;
use super::answer::{ApiError, json};
use super::json_text::{put_float, put_text};
use super::params;
use super::selector;
use crate::access::Change;
use crate::base::cancel::Cancel;
use crate::logs::model::deletions::{DeleteLinesError, DeletedLines};
use crate::logs::model::read::Span;
use crate::platform::http::extract::Params;

/// Longest query of a deletion.
const QUERY_BYTES_MAX: usize = 16 * 1024;

impl From<DeleteLinesError> for ApiError {
    fn from(error: DeleteLinesError) -> Self {
        let status = match error {
            DeleteLinesError::Refused(_) => StatusCode::BAD_REQUEST,
            DeleteLinesError::Unknown(_) => StatusCode::NOT_FOUND,
            DeleteLinesError::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

/// `POST|PUT /loki/api/v1/delete`.
pub(super) async fn add(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let query = params.get("query").ok_or_else(|| ApiError::bad("query not set"))?.to_owned();
    if query.len() > QUERY_BYTES_MAX {
        return Err(ApiError::bad(format!("query is longer than {QUERY_BYTES_MAX} bytes")));
    }
    if params.get("start").is_none() {
        return Err(ApiError::bad("start time not set"));
    }
    let now = state.now_ns();
    let span = Span { start: params::time(&params, "start", 0)?, end: params::time(&params, "end", now)? };
    if span.end > now {
        return Err(ApiError::bad("deletes in future not allowed"));
    }
    if span.start >= span.end {
        return Err(ApiError::bad("start time can't be greater than end time"));
    }
    let (matchers, is_whole) = selector::of_deletion(&query)?;
    let rest = (!is_whole).then(|| query.clone());
    let deletions = Arc::clone(&state.deletions);
    let id = state
        .work
        .run(state.limits.timeout, &Cancel::new(), move || deletions.delete(matchers, span, rest))
        .await??;
    let after = serde_json::json!({"id": id, "query": query, "start_ns": span.start, "end_ns": span.end});
    Ok(Change::new("logs.delete", query).after(after).in_answer(StatusCode::NO_CONTENT.into_response()))
}

/// `GET /loki/api/v1/delete`.
pub(super) async fn list(State(state): State<Arc<ApiState>>) -> Response {
    let mut out = b"[".to_vec();
    for (at, one) in state.deletions.list().iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put(&mut out, one);
    }
    out.push(b']');
    json(out)
}

fn put(out: &mut Vec<u8>, one: &DeletedLines) {
    let seconds = |ns: i64| ns as f64 / 1e9;
    out.extend_from_slice(b"{\"request_id\":");
    put_text(out, &one.id.to_string());
    for (name, value) in [
        (",\"start_time\":", seconds(one.span.start)),
        (",\"end_time\":", seconds(one.span.end)),
        (",\"created_at\":", one.created_ms as f64 / 1e3),
    ] {
        out.extend_from_slice(name.as_bytes());
        put_float(out, value);
    }
    out.extend_from_slice(b",\"query\":");
    let query = one.query.clone().unwrap_or_else(|| {
        let matchers: Vec<String> = one.matchers.iter().map(ToString::to_string).collect();
        format!("{{{}}}", matchers.join(", "))
    });
    put_text(out, &query);
    out.extend_from_slice(b",\"status\":");
    put_text(out, if one.is_done { "processed" } else { "received" });
    out.push(b'}');
}

/// `DELETE /loki/api/v1/delete`.
pub(super) async fn cancel(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let text = params.get("request_id").ok_or_else(|| ApiError::bad("request_id not set"))?.to_owned();
    let id: u64 = text.parse().map_err(|_| ApiError::new(StatusCode::NOT_FOUND, "could not find delete request with given id"))?;
    let deletions = Arc::clone(&state.deletions);
    state.work.run(state.limits.timeout, &Cancel::new(), move || deletions.cancel(id)).await??;
    Ok(Change::new("logs.delete.cancel", text).in_answer(StatusCode::NO_CONTENT.into_response()))
}
