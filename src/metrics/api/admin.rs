//! What changes the server: `admin/tsdb/*`, `/-/reload`, `/-/quit`; and the health checks.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use serde_json::json;

use super::answer::{ApiError, ErrorKind, success};
use super::index::matchers_of;
use super::params;
use super::{ApiState, refusals};
use crate::access::Change;
use crate::base::cancel::Cancel;
use crate::metrics::model::storage::{Storage, StorageError};
use crate::platform::http::extract::Params;
use crate::platform::http::problem::Problem;

pub(super) fn check_enabled(state: &ApiState) -> Result<(), ApiError> {
    if state.server.runtime().admin_api {
        return Ok(());
    }
    Err(ApiError::new(ErrorKind::Unavailable, "admin APIs disabled; start with --enable-admin-api to use them"))
}

/// Runs a change of storage on the pool.
async fn change<T: Send + 'static>(
    state: &Arc<ApiState>,
    work: impl FnOnce(&dyn Storage) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, ApiError> {
    let storage = Arc::clone(&state.storage);
    let done = state.work.run(std::time::Duration::from_secs(3600), &Cancel::new(), move || work(&*storage)).await?;
    done.map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))
}

/// `POST|PUT /api/v1/admin/tsdb/delete_series`.
pub(super) async fn delete_series(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    check_enabled(&state)?;
    let params = Params::from_request(request).await?;
    if params.all("match[]").next().is_none() {
        return Err(ApiError::bad("no match[] parameter provided"));
    }
    let range = params::range(&params)?;
    let subject = params.all("match[]").collect::<Vec<_>>().join(" ");
    let asked = json!({ "start": params.get("start"), "end": params.get("end") });
    let lists = params.all("match[]").map(matchers_of).collect::<Result<Vec<_>, _>>();
    let lists = lists.map_err(|why| ApiError::parameter("match[]", why))?;
    change(&state, move |storage| lists.iter().try_for_each(|matchers| storage.delete(matchers, range).map(|_| ()))).await?;
    Ok(Change::new("tsdb.delete_series", subject).after(asked).in_answer(StatusCode::NO_CONTENT.into_response()))
}

/// `POST|PUT /api/v1/admin/tsdb/clean_tombstones`.
pub(super) async fn clean_tombstones(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    check_enabled(&state)?;
    change(&state, |storage| storage.clean_tombstones()).await?;
    Ok(Change::new("tsdb.clean_tombstones", "storage").in_answer(StatusCode::NO_CONTENT.into_response()))
}

/// `POST /api/v1/admin/tsdb/compact`: writes the head out and merges what can be merged. An addition of ours.
pub(super) async fn compact(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    check_enabled(&state)?;
    change(&state, |storage| storage.compact()).await?;
    Ok(Change::new("tsdb.compact", "storage").in_answer(StatusCode::NO_CONTENT.into_response()))
}

/// `POST|PUT /api/v1/admin/tsdb/snapshot`.
pub(super) async fn snapshot(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    check_enabled(&state)?;
    let params = Params::from_request(request).await?;
    let with_head = match params.get("skip_head") {
        None => true,
        Some(text) => !truth(text).ok_or_else(|| {
            ApiError::parameter("skip_head", format_args!("unable to parse boolean: strconv.ParseBool: parsing {text:?}: invalid syntax"))
        })?,
    };
    let name = change(&state, move |storage| storage.snapshot(with_head)).await?;
    let answer = success(&json!({ "name": name }));
    Ok(Change::new("tsdb.snapshot", name).in_answer(answer))
}

/// `GET|HEAD /-/healthy`.
pub(super) async fn healthy() -> &'static str {
    "Prometheus Server is Healthy.\n"
}

/// `GET|HEAD /-/ready`, with what is refused now. While storage is being opened, something else answers on the port.
pub(super) async fn ready(State(state): State<Arc<ApiState>>) -> Response {
    match state.server.unready() {
        None => refusals::ready(&state),
        Some(why) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("Service Unavailable: {why}")).retry_after_s(5).into_response(),
    }
}

/// `GET /-/reload` and `GET /-/quit`, which a link or a preview must not set off.
pub(super) async fn only_changes() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Only POST or PUT requests allowed.")
}

/// `POST|PUT /-/reload`.
pub(super) async fn reload(State(state): State<Arc<ApiState>>) -> Response {
    let server = Arc::clone(&state.server);
    match tokio::task::spawn_blocking(move || server.reload()).await {
        Ok(Ok(())) => Change::new("config.reload", "configuration").in_answer(StatusCode::OK.into_response()),
        Ok(Err(why)) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {why}")).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// `POST|PUT /-/quit`.
pub(super) async fn quit(State(state): State<Arc<ApiState>>) -> Response {
    if !state.server.runtime().lifecycle {
        return Problem::new(StatusCode::FORBIDDEN, "Lifecycle API is not enabled.").into_response();
    }
    state.server.quit();
    Change::new("server.quit", "server").in_answer("Requesting termination... Goodbye!".into_response())
}

/// A truth value as Go reads it.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
