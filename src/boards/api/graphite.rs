//! Marking something as programs do it with Graphite's events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde_json::{Value, json};

use super::ApiState;
use super::answer::{Refusal, good};
use super::wire::{self, Event};
use crate::boards::model::{Annotation, tags};

const NOT_SAVED: &str = "Failed to save Graphite annotation";

/// `POST /api/annotations/graphite`.
pub(super) async fn add(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (user_id, made_by) = wire::made_by(&request);
    let event: Event = wire::body(request).await?;
    let what = event.what.filter(|what| !what.is_empty()).ok_or_else(|| Refusal::bad(NOT_SAVED, "what field should not be empty"))?;
    let text = match event.data.filter(|data| !data.is_empty()) {
        Some(data) => format!("{what}\n{data}"),
        None => what,
    };
    let now = state.clock.now_ms();
    let at = event.when.unwrap_or(0).saturating_mul(1_000);
    let annotation = Annotation {
        at,
        text,
        tags: read_tags(&event.tags)?,
        user_id,
        made_by,
        made_at: now,
        changed_at: now,
        data: "{}".to_owned(),
        ..Annotation::default()
    };
    let annotation = annotation.checked(now).map_err(|mistake| Refusal::bad(NOT_SAVED, mistake.to_string()))?;
    let id = state.kept.add(annotation).await.map_err(|cause| Refusal::failed(NOT_SAVED, &cause))?;
    Ok(good(&json!({ "message": "Graphite annotation added", "id": id })))
}

fn read_tags(given: &Value) -> Result<Vec<String>, Refusal> {
    match given {
        Value::String(words) => Ok(tags(words.split(' '))),
        Value::Array(all) => {
            let all: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
            Ok(tags(all.ok_or_else(|| Refusal::bad(NOT_SAVED, "tag should be a string"))?))
        }
        _ => Err(Refusal::bad(NOT_SAVED, "unsupported tags format: write a list, or words with spaces between them")),
    }
}
