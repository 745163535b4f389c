//! Letters about KPIs: made, changed, sent.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::kpis::kind_word;
use super::{ApiState, BODY_BYTES_MAX, blocking};
use crate::access::Change;
use crate::base::addresses::{ADDRESSES_MAX, is_address};
use crate::base::time::format_rfc3339;
use crate::business::config::digest::Digest;
use crate::business::digest::sender::Kept;
use crate::business::digest::when::next;
use crate::business::store::Kind;
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::platform::http::extract::read_text;

/// A digest as it is shown.
pub(in crate::business) fn digest_json(digest: &Digest) -> Json {
    json!({
        "name": digest.name,
        "every": digest.every.as_str(),
        "weekday": digest.weekday.as_str(),
        "day": digest.day,
        "hour": digest.hour,
        "to": digest.to,
        "groups": digest.groups,
        "kpis": digest.kpis,
        "language": digest.language.as_str(),
        "paused": digest.paused,
    })
}

fn kept_json(state: &ApiState, kept: &Kept) -> Json {
    let (mut json, sending) = (digest_json(&kept.digest), &kept.sending);
    let next = next(&kept.digest, state.desk.calendar(), state.clock.now_ms()).filter(|_| !kept.digest.paused);
    json["file"] = json!(kept.file);
    json["next"] = json!(next.map(|slot| format_rfc3339(slot.at)));
    json["sent"] = json!(Some(&sending.sent).filter(|period| !period.is_empty()));
    json["sentAt"] = json!((!sending.sent.is_empty()).then(|| format_rfc3339(sending.sent_at)));
    json["problem"] = json!(Some(&sending.problem).filter(|problem| !problem.is_empty()));
    json
}

async fn found(state: &Arc<ApiState>, name: &str) -> Result<Kept, ApiError> {
    let (sender, wanted) = (Arc::clone(&state.sender), name.to_owned());
    let kept = blocking(move || sender.find(&wanted)).await?;
    kept.ok_or_else(|| ApiError::new(ErrorKind::NotFound, format!("there is no digest {name:?}")))
}

/// `GET /api/v1/digests`: every digest.
pub(super) async fn list(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    let sender = Arc::clone(&state.sender);
    let all = blocking(move || sender.all()).await?;
    Ok(success(&all.iter().map(|kept| kept_json(&state, kept)).collect::<Vec<_>>()))
}

/// `GET /api/v1/digests/{name}`: one.
pub(super) async fn one(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let kept = found(&state, &name).await?;
    Ok(success(&kept_json(&state, &kept)))
}

async fn put(state: &Arc<ApiState>, before: Option<&Kept>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let digest = state.sender.put(before.map(|kept| kept.digest.name.as_str()), &text).await?;
    let was = before.map(|kept| digest_json(&kept.digest));
    let change = Change::new(kind_word(Kind::Digest), &digest.name).before(was).after(digest_json(&digest));
    Ok(change.in_answer(success(&json!({ "name": digest.name }))))
}

/// `POST /api/v1/digests`: makes one.
pub(super) async fn make(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    put(&state, None, request).await
}

/// `PUT /api/v1/digests/{name}`: changes one.
pub(super) async fn change(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let before = found(&state, &name).await?;
    put(&state, Some(&before), request).await
}

/// `DELETE /api/v1/digests/{name}`: deletes one.
pub(super) async fn delete(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let before = found(&state, &name).await?;
    state.sender.delete(&before.digest.name).await?;
    Ok(Change::new("digests.delete", &before.digest.name).before(digest_json(&before.digest)).in_answer(success(&json!({}))))
}

/// `POST /api/v1/digests/{name}/send`: sends a letter now, to its readers or to those in `to`.
pub(super) async fn send(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let kept = found(&state, &name).await?;
    let told: Json =
        if text.trim().is_empty() { json!({}) } else { serde_json::from_str(&text).map_err(|error| ApiError::bad(error.to_string()))? };
    let to: Vec<String> = match told.get("to") {
        None => kept.digest.to.clone(),
        Some(list) => serde_json::from_value(list.clone()).map_err(|_| ApiError::bad("to: expected a list of addresses"))?,
    };
    if to.is_empty() || to.len() > ADDRESSES_MAX || !to.iter().all(|one| is_address(one)) {
        return Err(ApiError::bad(format!("to: expected 1 to {ADDRESSES_MAX} addresses such as ann@example.org")));
    }
    state.sender.send_now(&kept.digest, to.clone()).await.map_err(|why| ApiError::new(ErrorKind::Unavailable, why))?;
    Ok(Change::new("digests.send", &kept.digest.name).after(json!({ "to": to })).in_answer(success(&json!({ "to": to }))))
}
