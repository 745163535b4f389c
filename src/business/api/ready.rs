//! Ready KPIs: which there are, and made by name.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::{ApiState, BODY_BYTES_MAX};
use crate::access::Change;
use crate::business::collect::desk::PutError;
use crate::business::ready::{Ready, all, with_parts};
use crate::platform::http::envelope::{ApiError, success};
use crate::platform::http::extract::read_text;

fn ready_json(ready: &Ready) -> Json {
    let kpi = &ready.kpi;
    json!({
        "name": kpi.name,
        "group": kpi.group,
        "description": kpi.description,
        "unit": kpi.unit.as_str(),
        "segments": kpi.segments,
        "source": kpi.source().map(|source| source.key()),
        "needs": ready.needs,
        "send": ready.send,
        "definition": kpi.text(),
    })
}

/// `GET /api/v1/kpis/templates`: every ready KPI, with what it needs and how to send that.
pub(super) async fn list() -> Result<Response, ApiError> {
    let ready = all().map_err(PutError::Wrong)?;
    Ok(success(&ready.iter().map(ready_json).collect::<Vec<_>>()))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    names: Vec<String>,
}

/// `POST /api/v1/kpis/templates`: makes ready KPIs by name, with those of which they are made; what is there already stays.
pub(super) async fn make(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let named: Named = serde_json::from_str(&text).map_err(|_| ApiError::bad("expected {\"names\": [\"Monthly revenue\"]}"))?;
    let ready = all().map_err(PutError::Wrong)?;
    let wanted = with_parts(&ready, &named.names).map_err(ApiError::bad)?;
    let mut made = Vec::new();
    for one in wanted.into_iter().filter(|one| state.desk.find(&one.kpi.name).is_none()) {
        state.desk.put(None, &one.kpi.text()).await?;
        made.push(one.kpi.name.clone());
    }
    let change = Change::new("kpis.templates", made.join(", ")).after(json!({ "names": made }));
    let answer = success(&json!({ "made": made }));
    Ok(if made.is_empty() { answer } else { change.in_answer(answer) })
}
