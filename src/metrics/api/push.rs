//! `/metrics/job/…`: pushes as to a Pushgateway; and the groups as its `GET /api/v1/metrics` shows them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use serde_json::json;

use super::ApiState;
use super::answer::ApiError;
use super::doors::{Door, answered};
use super::refusals::no_room;
use crate::access::Change;
use crate::base::cancel::Cancel;
use crate::base::limits::WRITE_BODY_BYTES_MAX;
use crate::metrics::ingest::push::{PushHeaders, PushResponse, view};
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;

/// A push waits this long for a place at most.
const PLACE_WITHIN: Duration = Duration::from_secs(30);
/// Seconds after which a push that cannot be kept now may come again.
const RETRY_AFTER_S: u32 = 5;

/// `PUT|POST|DELETE /metrics/job/<job>{/<label>/<value>}`.
pub(super) async fn job(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method != Method::DELETE
        && let Some(problem) = no_room(&state)
    {
        return answered(&state, Door::Push, 0, 0, problem.into_response());
    }
    let body = match read_body(body, WRITE_BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let (inner, bytes) = (Arc::clone(&state), body.len());
    let cancel = Cancel::new();
    let handled = state.writes.run(PLACE_WITHIN, &cancel, move || {
        let headers = &parts.headers;
        let (kind, encoding, ttl) = (
            text(headers, header::CONTENT_TYPE),
            text(headers, header::CONTENT_ENCODING),
            text(headers, HeaderName::from_static("x-pharos-ttl")),
        );
        let path = parts.uri.path();
        let path = path.strip_prefix("/metrics").unwrap_or(path);
        let deleted = if parts.method == Method::DELETE { inner.push.size_of(path) } else { None };
        let handled =
            inner.push.handle(parts.method.as_str(), path, PushHeaders { content_type: kind, content_encoding: encoding, ttl }, &body);
        (handled, deleted)
    });
    match handled.await {
        Ok((response, deleted)) => {
            let samples = response.samples;
            let response = match deleted {
                None => answer(response),
                Some((group, series)) => Change::new("push.delete", group).before(json!({ "series": series })).in_answer(answer(response)),
            };
            answered(&state, Door::Push, bytes, samples, response)
        }
        Err(error) => {
            let busy = Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(RETRY_AFTER_S);
            answered(&state, Door::Push, bytes, 0, busy.into_response())
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn answer(response: PushResponse) -> Response {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return Problem::new(status, response.body).retry_after_s(RETRY_AFTER_S).into_response();
    }
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], response.body).into_response()
}

/// `GET /api/v1/metrics`, also `/api/v1/pushed`: what a Pushgateway shows at its own `/api/v1/metrics`.
pub(super) async fn groups(State(state): State<Arc<ApiState>>) -> Response {
    axum::Json(view::metrics_json(&state.push.groups())).into_response()
}

/// `PUT /api/v1/admin/wipe`: deletes all groups, where the admin API is on.
pub(super) async fn wipe(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    super::admin::check_enabled(&state)?;
    let inner = Arc::clone(&state);
    let cancel = Cancel::new();
    let wiped = state.writes.run(PLACE_WITHIN, &cancel, move || {
        let groups = inner.push.groups().len();
        (inner.push.wipe(), groups)
    });
    let (wiped, groups) = wiped.await?;
    Ok(Change::new("push.wipe", "all groups").before(json!({ "groups": groups })).in_answer(answer(wiped)))
}

impl ApiState {
    /// States again what is pushed, and the totals of custom metrics. Blocking.
    fn restate_pushed(&self) {
        self.push.restate();
        self.custom.restate();
    }

    /// Does so for ever.
    pub(in crate::metrics) async fn restate_pushed_every(self: Arc<Self>, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        loop {
            ticks.tick().await;
            let state = Arc::clone(&self);
            if tokio::task::spawn_blocking(move || state.restate_pushed()).await.is_err() {
                tracing::error!("stating pushed metrics again panicked");
            }
        }
    }
}
