//! Silences: asked for, made, changed and ended.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, Request};
use serde::Serialize;

use super::V2State;
use super::answer::{FORMAT, REQUIRED, Refusal, TOO_FEW, done, good};
use super::read::{body, filter, takes_json};
use super::wire::{PostedMatcher, PostedSilence, SilenceJson, silence_order};
use crate::access::Change;
use crate::alerts::dispatch::DispatchError;
use crate::alerts::model::matcher::{MatchOp, Matcher, Matchers};
use crate::alerts::model::silence::Silence;
use crate::platform::http::extract::Params;
use crate::series::labels::quote;

/// Most bytes of a silence in a request.
const SILENCE_BYTES_MAX: usize = 128 * 1024;

/// `GET /api/v2/silences`.
pub async fn silences(State(state): State<Arc<V2State>>, request: Request<Body>) -> Result<Response, Refusal> {
    takes_json(request.headers())?;
    let wanted = filter(&Params::from_request(request).await?)?;
    let now = state.clock.now_ms();
    let mut found = state.routing.silences();
    found.retain(|silence| wanted.iter().all(|matcher| silence.matchers.iter().any(|own| own == matcher)));
    found.sort_by_cached_key(|silence| silence_order(silence, now));
    let shown: Vec<SilenceJson<'_>> = found.iter().map(|silence| SilenceJson::new(silence, now)).collect();
    Ok(good(&shown))
}

/// `GET /api/v2/silence/{id}`.
pub async fn silence(State(state): State<Arc<V2State>>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    takes_json(&headers)?;
    check_id(&id)?;
    match known(&state, &id) {
        Some(silence) => Ok(good(&SilenceJson::new(&silence, state.clock.now_ms()))),
        None => Err(Refusal::NotFound),
    }
}

/// `DELETE /api/v2/silence/{id}`: the silence ends now, and is kept for a while.
pub async fn expire(State(state): State<Arc<V2State>>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    takes_json(&headers)?;
    check_id(&id)?;
    let before = known(&state, &id).map(|silence| json(&silence, state.clock.now_ms()));
    match state.routing.expire_silence(&id).await {
        Ok(()) => Ok(Change::new("silence.expire", id).before(before.unwrap_or_default()).in_answer(done())),
        Err(DispatchError::NoSilence(_)) => Err(Refusal::NotFound),
        Err(error) => Err(error.into()),
    }
}

#[derive(Serialize)]
struct Made {
    #[serde(rename = "silenceID")]
    id: String,
}

/// `POST /api/v2/silences`: makes one, or changes one that is named.
pub async fn post(State(state): State<Arc<V2State>>, request: Request<Body>) -> Result<Response, Refusal> {
    let posted: Option<PostedSilence> = body(request, SILENCE_BYTES_MAX, "silence").await?;
    let Some(posted) = posted else { return Err(Refusal::invalid(REQUIRED, "silence in body is required")) };
    let now = state.clock.now_ms();
    let silence = asked_for(posted, now)?;
    let before = if silence.id.is_empty() { None } else { known(&state, &silence.id) };
    let after = json(&silence, now);
    let id = state.routing.put_silence(silence).await?;
    let change = match before {
        Some(before) => Change::new("silence.change", id.as_str()).before(json(&before, now)),
        None => Change::new("silence.create", id.as_str()),
    };
    Ok(change.after(after).in_answer(good(&Made { id })))
}

fn known(state: &V2State, id: &str) -> Option<Silence> {
    state.routing.silences().into_iter().find(|silence| silence.id == id)
}

fn json(silence: &Silence, now: i64) -> serde_json::Value {
    serde_json::to_value(SilenceJson::new(silence, now)).unwrap_or_default()
}

/// Names of silences are UUIDs.
fn check_id(id: &str) -> Result<(), Refusal> {
    let is_good = id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    if is_good {
        return Ok(());
    }
    let shown: String = id.chars().take(100).collect();
    Err(Refusal::invalid(FORMAT, format!("silenceID in path must be of type uuid: {}", quote(&shown))))
}

/// The silence of a request; what is missing is told in upstream's order.
fn asked_for(posted: PostedSilence, now: i64) -> Result<Silence, Refusal> {
    let missing = |what: &str| Refusal::invalid(REQUIRED, format!("{what} in body is required"));
    let comment = posted.comment.ok_or_else(|| missing("comment"))?;
    let created_by = posted.created_by.ok_or_else(|| missing("createdBy"))?;
    let ends_at = posted.ends_at.ok_or_else(|| missing("endsAt"))?.0;
    let conditions = posted.matchers.ok_or_else(|| missing("matchers"))?;
    if conditions.is_empty() {
        return Err(Refusal::invalid(TOO_FEW, "matchers in body should have at least 1 items"));
    }
    for (index, condition) in conditions.iter().enumerate() {
        let is_there =
            [("isRegex", condition.is_regex.is_some()), ("name", condition.name.is_some()), ("value", condition.value.is_some())];
        if let Some((key, _)) = is_there.into_iter().find(|(_, is_there)| !is_there) {
            return Err(missing(&format!("matchers.{index}.{key}")));
        }
    }
    let starts_at = posted.starts_at.ok_or_else(|| missing("startsAt"))?.0;
    if starts_at >= ends_at {
        return Err(Refusal::bad("Failed to create silence: start time must be before end time"));
    }
    if ends_at < now {
        return Err(Refusal::bad("Failed to create silence: end time can't be in the past"));
    }
    let matchers = conditions.into_iter().enumerate().map(|(index, condition)| matcher(index, condition)).collect::<Result<_, _>>()?;
    let annotations = posted.annotations.unwrap_or_default();
    let silence = Silence {
        id: posted.id.unwrap_or_default(),
        matchers: Matchers::in_order(matchers),
        starts_at,
        ends_at,
        updated_at: now,
        created_by,
        comment,
        annotations: annotations.into_iter().map(|(name, text)| (name, text.unwrap_or_default())).collect(),
    };
    silence.check(now).map_err(|error| Refusal::bad(format!("invalid silence: {error}")))?;
    Ok(silence)
}

fn matcher(index: usize, posted: PostedMatcher) -> Result<Matcher, Refusal> {
    let op = match (posted.is_equal.unwrap_or(true), posted.is_regex.unwrap_or(false)) {
        (true, false) => MatchOp::Equal,
        (true, true) => MatchOp::Regex,
        (false, false) => MatchOp::NotEqual,
        (false, true) => MatchOp::NotRegex,
    };
    let invalid = |why: String| Refusal::bad(format!("invalid silence: invalid label matcher {index}: {why}"));
    let (name, value) = (posted.name.unwrap_or_default(), posted.value.unwrap_or_default());
    if name.is_empty() {
        return Err(invalid("invalid label name \"\"".to_owned()));
    }
    Matcher::new(&name, op, &value).map_err(|error| invalid(error.to_string()))
}
