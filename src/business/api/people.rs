//! Funnels and retentions: made, changed, asked about.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::kpis::kind_word;
use super::{ApiState, BODY_BYTES_MAX, blocking};
use crate::access::Change;
use crate::base::period::{Grain, Period};
use crate::business::ask::AskError;
use crate::business::config::file::{Funnel, Retention};
use crate::business::model::cohort::{Cohort, mean};
use crate::business::model::funnel::worst;
use crate::business::outlook;
use crate::business::store::Kind;
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::platform::http::extract::{Params, read_text};

fn missing(kind: Kind, name: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("there is no {} {name:?}", kind.as_str()))
}

fn funnel_json(funnel: &Funnel, file: &str) -> Json {
    json!({ "name": funnel.name, "description": funnel.description, "steps": funnel.steps, "file": file })
}

fn retention_json(retention: &Retention, file: &str) -> Json {
    json!({
        "name": retention.name,
        "description": retention.description,
        "promql": retention.promql,
        "databaseOf": retention.database_of,
        "sql": retention.sql,
        "kpi": retention.kpi,
        "file": file,
    })
}

async fn put(state: &Arc<ApiState>, kind: Kind, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let name = state.desk.put_other(kind, &text).await?;
    Ok(Change::new(kind_word(kind), &name).after(json!({ "definition": text })).in_answer(success(&json!({ "name": name }))))
}

async fn delete(state: &Arc<ApiState>, kind: Kind, name: String) -> Result<Response, ApiError> {
    if !state.desk.delete_other(kind, &name).await? {
        return Err(missing(kind, &name));
    }
    let word = match kind {
        Kind::Funnel => "funnels.delete",
        Kind::Retention => "retentions.delete",
        Kind::Digest => "digests.delete",
    };
    Ok(Change::new(word, name).in_answer(success(&json!({}))))
}

/// `GET /api/v1/funnels`: every funnel.
pub(super) async fn funnels(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    let desk = Arc::clone(&state.desk);
    let all = blocking(move || desk.funnels()).await?;
    Ok(success(&all.iter().map(|(funnel, file)| funnel_json(funnel, file)).collect::<Vec<_>>()))
}

/// `POST /api/v1/funnels`: makes a funnel, instead of the one of its name.
pub(super) async fn put_funnel(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    put(&state, Kind::Funnel, request).await
}

/// `DELETE /api/v1/funnels/{name}`: deletes one.
pub(super) async fn delete_funnel(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    delete(&state, Kind::Funnel, name).await
}

/// `GET /api/v1/funnels/{name}?period=2026-11`: how many go on from step to step, in this month unless told.
pub(super) async fn funnel(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let now = state.desk.calendar().period(Grain::Month, state.clock.now_ms());
    let period = match params.get("period") {
        None => now,
        Some(text) => Some(Period::parse(text).ok_or_else(|| ApiError::bad("period: expected such as 2026-11-22, 2026-11 or 2026-Q4"))?),
    };
    let period = period.ok_or_else(|| ApiError::bad("period: the calendar ends before"))?;
    let (desk, store, wanted) = (Arc::clone(&state.desk), state.store.clone(), name.to_lowercase());
    let found = blocking(move || {
        let Some((funnel, file)) = desk.funnels()?.into_iter().find(|(funnel, _)| funnel.name.to_lowercase() == wanted) else {
            return Ok(None);
        };
        let of = outlook::funnel(&store, &desk, &funnel, period)?;
        Ok(Some((funnel_json(&funnel, &file), of)))
    });
    let (mut answer, of) = found.await?.ok_or_else(|| missing(Kind::Funnel, &name))?;
    let steps: Vec<Json> = of
        .steps
        .iter()
        .map(|(kpi, step)| json!({ "kpi": kpi, "value": step.value, "ofBefore": step.of_before, "ofFirst": step.of_first }))
        .collect();
    let lost = worst(&of.steps.iter().map(|(_, step)| *step).collect::<Vec<_>>());
    answer["period"] = json!(of.period.to_string());
    answer["values"] = json!(steps);
    answer["mostLostAt"] = json!(lost.and_then(|place| of.steps.get(place)).map(|(kpi, _)| kpi));
    Ok(success(&answer))
}

/// `GET /api/v1/retentions`: every retention.
pub(super) async fn retentions(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    let desk = Arc::clone(&state.desk);
    let all = blocking(move || desk.retentions()).await?;
    Ok(success(&all.iter().map(|(retention, file)| retention_json(retention, file)).collect::<Vec<_>>()))
}

/// `POST /api/v1/retentions`: makes a retention, instead of the one of its name.
pub(super) async fn put_retention(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    put(&state, Kind::Retention, request).await
}

/// `DELETE /api/v1/retentions/{name}`: deletes one.
pub(super) async fn delete_retention(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    delete(&state, Kind::Retention, name).await
}

fn cohort_json(cohort: &Cohort) -> Json {
    let shares: Vec<Option<f64>> = (0..cohort.values.len()).map(|age| cohort.share(age)).collect();
    json!({ "cohort": cohort.period.to_string(), "values": cohort.values, "shares": shares })
}

/// `GET /api/v1/retentions/{name}`: who comes back, as a table of cohorts.
pub(super) async fn retention(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let (desk, wanted) = (Arc::clone(&state.desk), name.to_lowercase());
    let all = blocking(move || desk.retentions()).await?;
    let found = all.into_iter().find(|(retention, _)| retention.name.to_lowercase() == wanted);
    let (retention, file) = found.ok_or_else(|| missing(Kind::Retention, &name))?;
    let table = outlook::cohorts(&state.desk, state.collector.ask().as_ref(), &retention, state.clock.now_ms()).await;
    let table = table.map_err(|error| match error {
        AskError::Wrong(why) => ApiError::new(ErrorKind::Execution, why),
        AskError::Failed(why) => ApiError::new(ErrorKind::Unavailable, why),
    })?;
    let mut answer = retention_json(&retention, &file);
    answer["cohorts"] = json!(table.iter().map(cohort_json).collect::<Vec<_>>());
    answer["mean"] = json!(mean(&table));
    Ok(success(&answer))
}
