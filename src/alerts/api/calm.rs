//! Calm rules and who is on call. These endpoints are ours; the envelope is Prometheus'.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::ApiState;
use crate::access::{Caller, Change};
use crate::alerts::calm::rota::Turn;
use crate::alerts::calm::{CalmKind, Named, Rota, wire};
use crate::alerts::dispatch::{DispatchError, InForce};
use crate::base::time::{format_rfc3339, parse_timestamp};
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::platform::http::extract::{Params, decompress, read_body};

/// How far ahead the next turn is looked for while it is nobody's.
const LOOK_AHEAD: i64 = 366 * 86_400_000;

impl From<DispatchError> for ApiError {
    fn from(error: DispatchError) -> Self {
        let kind = match &error {
            DispatchError::NoSilence(_) | DispatchError::NoRule(_) | DispatchError::NoAlert(_) => ErrorKind::NotFound,
            DispatchError::Silence(_) | DispatchError::Calm(_) | DispatchError::TooMany(_) => ErrorKind::BadData,
            DispatchError::Store(cause) => {
                tracing::error!(%cause, "calm rules or what people do about alerts");
                return Self::new(ErrorKind::Unavailable, "it could not be stored or read; the server's log says why");
            }
        };
        Self::new(kind, error.to_string())
    }
}

/// The body of a request as text.
pub(super) async fn text_of(request: Request<Body>, max: usize) -> Result<(String, String), ApiError> {
    let (parts, body) = request.into_parts();
    let by = parts.extensions.get::<Caller>().map_or_else(String::new, Caller::actor);
    let body = decompress(&parts.headers, read_body(body, max).await?, max)?;
    let text = String::from_utf8(body.to_vec()).map_err(|_| ApiError::bad("the body is not UTF-8"))?;
    Ok((text, by))
}

fn kind_of(text: &str) -> Result<CalmKind, ApiError> {
    CalmKind::parse(text).ok_or_else(|| {
        let known: Vec<&str> = CalmKind::ALL.into_iter().map(CalmKind::as_str).collect();
        let shown: String = text.chars().take(60).collect();
        ApiError::new(ErrorKind::NotFound, format!("there is no kind {shown:?} of calm rules; there are {}", known.join(", ")))
    })
}

fn rule_json(named: &Named, in_force: &InForce) -> Json {
    let mut shown = json!({
        "id": named.id,
        "kind": named.rule.kind().as_str(),
        "changedBy": named.changed_by,
        "changedAt": format_rfc3339(named.changed_at),
        "rule": wire::write(&named.rule),
    });
    let missing = in_force.missing_receivers(&named.rule);
    if !missing.is_empty() {
        shown["missingReceivers"] = json!(missing);
    }
    shown
}

fn find(state: &ApiState, kind: CalmKind, id: &str) -> Result<Named, ApiError> {
    let calm = state.routing.calm();
    let found = calm.rules.iter().find(|named| named.id == id && named.rule.kind() == kind).cloned();
    found.ok_or_else(|| DispatchError::NoRule(id.chars().take(100).collect()).into())
}

/// `GET /api/v1/calm`: every calm rule.
pub async fn all(State(state): State<Arc<ApiState>>) -> Response {
    let (calm, in_force) = (state.routing.calm(), state.routing.in_force());
    success(&calm.rules.iter().map(|named| rule_json(named, &in_force)).collect::<Vec<_>>())
}

/// `GET /api/v1/calm/{kind}`: those of a kind.
pub async fn of_kind(State(state): State<Arc<ApiState>>, Path(kind): Path<String>) -> Result<Response, ApiError> {
    let kind = kind_of(&kind)?;
    let (calm, in_force) = (state.routing.calm(), state.routing.in_force());
    let those = calm.rules.iter().filter(|named| named.rule.kind() == kind);
    Ok(success(&those.map(|named| rule_json(named, &in_force)).collect::<Vec<_>>()))
}

/// `GET /api/v1/calm/{kind}/{id}`: one of them.
pub async fn one(State(state): State<Arc<ApiState>>, Path((kind, id)): Path<(String, String)>) -> Result<Response, ApiError> {
    let named = find(&state, kind_of(&kind)?, &id)?;
    Ok(success(&rule_json(&named, &state.routing.in_force())))
}

/// `POST /api/v1/calm/{kind}`: makes one (the body).
pub async fn make(State(state): State<Arc<ApiState>>, Path(kind): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    put(&state, &kind, None, request).await
}

/// `PUT /api/v1/calm/{kind}/{id}`: says something else (the body) under the same name.
pub async fn change(
    State(state): State<Arc<ApiState>>,
    Path((kind, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    put(&state, &kind, Some(&id), request).await
}

async fn put(state: &ApiState, kind: &str, id: Option<&str>, request: Request<Body>) -> Result<Response, ApiError> {
    let kind = kind_of(kind)?;
    let (text, by) = text_of(request, wire::RULE_BYTES_MAX).await?;
    let rule = wire::read(kind, &text).map_err(|error| ApiError::bad(error.to_string()))?;
    if let Some(id) = id {
        find(state, kind, id)?;
    }
    let (named, before) = state.routing.put_calm(id, rule, &by).await?;
    let answer = success(&rule_json(&named, &state.routing.in_force()));
    Ok(saved_calm(&named, before.as_ref()).in_answer(answer))
}

/// What the audit log has of a calm rule that was made or changed.
pub fn saved_calm(named: &Named, before: Option<&Named>) -> Change {
    let subject = format!("{}/{}", named.rule.kind().as_str(), named.id);
    let change = match before {
        Some(before) => Change::new("calm.change", subject).before(wire::write(&before.rule)),
        None => Change::new("calm.create", subject),
    };
    change.after(wire::write(&named.rule))
}

/// What the audit log has of a calm rule that was forgotten.
pub fn deleted_calm(gone: &Named) -> Change {
    Change::new("calm.delete", format!("{}/{}", gone.rule.kind().as_str(), gone.id)).before(wire::write(&gone.rule))
}

/// `DELETE /api/v1/calm/{kind}/{id}`: forgets it.
pub async fn delete(State(state): State<Arc<ApiState>>, Path((kind, id)): Path<(String, String)>) -> Result<Response, ApiError> {
    find(&state, kind_of(&kind)?, &id)?;
    let gone = state.routing.delete_calm(&id).await?;
    Ok(deleted_calm(&gone).in_answer(success(&json!({}))))
}

/// `GET /api/v1/oncall`: who is on call in every rota at `at` (now unless given), and who is next.
pub async fn oncall(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let at = match params.get("at") {
        None => state.clock.now_ms(),
        Some(text) => {
            parse_timestamp(text).ok_or_else(|| ApiError::parameter("at", format_args!("cannot parse {text:?} to a valid timestamp")))?
        }
    };
    let (calm, in_force) = (state.routing.calm(), state.routing.in_force());
    let shown = |(named, rota): (&Named, &Rota)| {
        let now = rota.turn_at(at);
        let next = match &now {
            Some(turn) => rota.turn_at(turn.ends_at),
            None => rota.turns(at, at.saturating_add(LOOK_AHEAD)).into_iter().next(),
        };
        let mut shown = json!({
            "id": named.id,
            "title": rota.title,
            "receiver": rota.receiver,
            "timezone": rota.location.as_str(),
            "now": now.as_ref().map(turn_json),
            "next": next.as_ref().map(turn_json),
        });
        let missing = in_force.missing_receivers(&named.rule);
        if !missing.is_empty() {
            shown["missingReceivers"] = json!(missing);
        }
        shown
    };
    Ok(success(&json!({ "at": format_rfc3339(at), "rotas": calm.rotas().map(shown).collect::<Vec<_>>() })))
}

fn turn_json(turn: &Turn<'_>) -> Json {
    json!({
        "person": turn.member.person,
        "receiver": turn.member.receiver,
        "startsAt": format_rfc3339(turn.starts_at),
        "endsAt": format_rfc3339(turn.ends_at),
        "override": turn.is_override,
    })
}
