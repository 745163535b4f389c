//! `/api/v1/metrics/…`: metrics as JSON, one by one or in batches, and what is known of them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode, header};
use serde::Serialize;

use super::ApiState;
use super::doors::{Door, answered};
use super::refusals::no_room;
use crate::base::cancel::Cancel;
use crate::base::limits::BODY_BYTES_MAX;
use crate::metrics::ingest::custom::{CustomError, CustomMetrics, Outcome};
use crate::platform::http::extract::{decompress, read_body};
use crate::platform::http::problem::Problem;

/// A request waits this long for a place at most.
const PLACE_WITHIN: Duration = Duration::from_secs(30);

/// Reads one body, whichever shape the endpoint takes.
type Record = fn(&CustomMetrics, &[u8]) -> Result<Outcome, CustomError>;

#[derive(Serialize)]
struct Failure<'a> {
    status: &'static str,
    error: &'a str,
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

fn failure(status: StatusCode, error: &str) -> Response {
    let mut response = json(status, &Failure { status: "error", error });
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, http::HeaderValue::from(5));
    }
    response
}

/// `POST /api/v1/metrics/custom`: one metric.
pub(in crate::metrics) async fn one(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    record(state, request, CustomMetrics::record_one).await
}

/// `POST /api/v1/metrics/batch`: up to 25,000 metrics.
pub(super) async fn batch(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    record(state, request, CustomMetrics::record_batch).await
}

async fn record(state: Arc<ApiState>, request: Request<Body>, record: Record) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(problem) = no_room(&state) {
        return answered(&state, Door::Custom, 0, 0, failure(problem.status(), problem.public()));
    }
    let body = match read_body(body, BODY_BYTES_MAX).await.and_then(|body| decompress(&parts.headers, body, BODY_BYTES_MAX)) {
        Ok(body) => body,
        Err(problem) => return failure(problem.status(), problem.public()),
    };
    let (inner, cancel, bytes) = (Arc::clone(&state), Cancel::new(), body.len());
    let recorded =
        state.writes.run(PLACE_WITHIN, &cancel, move || record(&inner.custom, &body).map_err(|error| (error.status(), error.to_string())));
    let status = |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (samples, response) = match recorded.await {
        Ok(Ok(outcome)) => (outcome.accepted as u64, json(status(outcome.status()), &outcome)),
        Ok(Err((code, why))) => (0, failure(status(code), &why)),
        Err(error) => (0, failure(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())),
    };
    answered(&state, Door::Custom, bytes, samples, response)
}

/// `GET /api/v1/metrics/health`.
pub(super) async fn health(State(state): State<Arc<ApiState>>) -> Response {
    json(StatusCode::OK, &state.custom.health())
}

/// `GET /api/v1/metrics/summary`.
pub(super) async fn summary(State(state): State<Arc<ApiState>>) -> Response {
    json(StatusCode::OK, &state.custom.summary())
}

/// `GET /api/v1/metrics/dashboard`.
pub(super) async fn dashboard(State(state): State<Arc<ApiState>>) -> Response {
    json(StatusCode::OK, &state.custom.dashboard())
}
