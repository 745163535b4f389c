//! `POST /api/v1/write`: remote write 1.0 and 2.0.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Request, StatusCode, header};

use super::ApiState;
use super::doors::{Door, answered};
use crate::base::cancel::Cancel;
use crate::base::pressure::Shed;
use crate::metrics::ingest::remote_write::WriteResponse;
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;

/// A sender waits this long for a place at most; then it is told to come again.
const PLACE_WITHIN: Duration = Duration::from_secs(30);

/// As long as bodies of Prometheus are, with two thousand samples.
const ORDINARY_BYTES: usize = 96 * 1024;

/// `POST /api/v1/write`.
pub(super) async fn remote_write(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    if !state.remote_write_receiver {
        let why = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver";
        return Problem::new(StatusCode::NOT_FOUND, why).into_response();
    }
    let (parts, body) = request.into_parts();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let kind = text(header::CONTENT_TYPE);
    let encoding = text(header::CONTENT_ENCODING);
    let version = text(HeaderName::from_static("x-prometheus-remote-write-version"));
    let bytes_max = allowed_now(&state);
    let body = match read_body(body, bytes_max).await {
        Ok(body) => body,
        Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE && bytes_max < state.write_bytes_max => {
            state.pressure.count(Shed::Write);
            let why = format!("memory is nearly used up: writes of more than {bytes_max} bytes are refused for now");
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after_s(5).into_response();
        }
        Err(problem) => return problem.into_response(),
    };
    let (remote_write, bytes) = (Arc::clone(&state.remote_write), body.len());
    let written = state.writes.run(PLACE_WITHIN, &Cancel::new(), move || remote_write.write(&kind, &encoding, &version, &body)).await;
    match written {
        Ok(response) => {
            let samples = response.samples;
            answered(&state, Door::RemoteWrite, bytes, samples, answer(response))
        }
        Err(error) => {
            let busy = Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5);
            answered(&state, Door::RemoteWrite, bytes, 0, busy.into_response())
        }
    }
}

/// Longest body that is taken now; the ordinary ones of most senders always are.
pub(super) fn allowed_now(state: &ApiState) -> usize {
    state.pressure.body_max(state.write_bytes_max, ORDINARY_BYTES)
}

fn answer(written: WriteResponse) -> Response {
    let status = StatusCode::from_u16(written.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        if written.body.is_empty() { status.into_response() } else { (status, format!("{}\n", written.body)).into_response() };
    for (name, value) in written.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
