//! Objectives: made, changed, asked about. One is sent as JSON or YAML with the keys of a file of objectives.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{Request, header};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::ApiState;
use crate::access::{Caller, Change};
use crate::base::time::format_rfc3339;
use crate::platform::http::envelope::{ApiError, ErrorKind, blocking, success};
use crate::platform::http::extract::{Params, read_text};
use crate::series::ports::EvaluateError;
use crate::slo::config::Slo;
use crate::slo::model::burn::State as Burning;
use crate::slo::model::period::{DAY, window};
use crate::slo::watch::desk::{Day, Kept, NotStored, PutError};
use crate::slo::watch::standing::Standing;
use crate::ui::badge;

/// Bytes of an objective at most.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Days of history of one answer at most.
const DAYS_MAX: i64 = 5 * 366;

/// Ratios of 0 to 1; none where nothing was counted.
#[derive(Serialize)]
struct StandingJson<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    state: &'static str,
    sli: Option<f64>,
    #[serde(rename = "budgetLeft")]
    left: Option<f64>,
    #[serde(rename = "budgetLeftEvents")]
    events_left: Option<f64>,
    #[serde(rename = "budgetLeftSeconds")]
    time_left: Option<f64>,
    events: f64,
    #[serde(rename = "badEvents")]
    bad: f64,
    #[serde(rename = "burnRates")]
    rates: BTreeMap<String, f64>,
    /// When the budget is gone at the pace of the last 6 hours; none if it lasts.
    #[serde(rename = "goneInSeconds")]
    gone_in: Option<f64>,
}

fn standing_json(standing: &Standing) -> StandingJson<'_> {
    let budget = &standing.budget;
    StandingJson {
        labels: standing.labels.iter().collect(),
        state: standing.state.as_str(),
        sli: budget.counted.good_ratio(),
        left: budget.left(),
        events_left: budget.events_left(),
        time_left: budget.time_left().map(|left| left.secs_f64()),
        events: budget.counted.events,
        bad: budget.counted.bad,
        rates: standing.rates.iter().map(|(length, rate)| (window(*length), *rate)).collect(),
        gone_in: standing.pace().and_then(|pace| budget.lasts(pace)).map(|lasts| lasts.secs_f64()),
    }
}

fn slo_json(kept: &Kept, standings: &[Standing]) -> Json {
    let slo = &kept.slo;
    json!({
        "name": slo.name,
        "description": slo.description,
        "labels": slo.labels,
        "objective": slo.objective.0,
        "window": slo.period().to_string(),
        "indicator": slo.indicator().map(|indicator| indicator.kind()),
        "state": standings.iter().map(|standing| standing.state).min().unwrap_or(Burning::Unknown).as_str(),
        "groups": standings.iter().map(standing_json).collect::<Vec<_>>(),
        "changedAt": format_rfc3339(kept.stored.changed_at),
        "changedBy": kept.stored.changed_by,
    })
}

impl From<PutError> for ApiError {
    fn from(error: PutError) -> Self {
        let kind = match &error {
            PutError::Wrong(_) | PutError::Unfit(_) | PutError::InFile(_) | PutError::NotStored(NotStored::Taken(_) | NotStored::Full) => {
                ErrorKind::BadData
            }
            PutError::NotStored(NotStored::Missing(_)) => ErrorKind::NotFound,
            PutError::NotStored(NotStored::Db(_)) => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

fn unanswered(error: &EvaluateError) -> ApiError {
    ApiError::new(ErrorKind::Unavailable, format!("the figures cannot be read: {error}"))
}

fn found(state: &ApiState, name: &str) -> Result<Arc<Kept>, ApiError> {
    state.desk.find(name).ok_or_else(|| ApiError::new(ErrorKind::NotFound, format!("there is no SLO {name:?}")))
}

/// `GET /api/v1/slos`: every objective and how it stands.
pub(super) async fn list(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    let desk = Arc::clone(&state.desk);
    let all = blocking(move || desk.all_standings()).await?.map_err(|error| unanswered(&error))?;
    Ok(success(&all.iter().map(|(kept, standings)| slo_json(kept, standings)).collect::<Vec<_>>()))
}

/// `GET /api/v1/slos/{name}`: an objective, how it stands, and what spent its budget.
pub(super) async fn one(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let kept = found(&state, &name)?;
    let (desk, asked) = (Arc::clone(&state.desk), Arc::clone(&kept));
    let known = blocking(move || {
        let standings = desk.standings(&asked.slo)?;
        let spent = desk.spent(&asked.slo, &standings)?;
        Ok((standings, spent))
    });
    let (standings, spent) = known.await?.map_err(|error| unanswered(&error))?;
    let spent: Vec<Json> = spent
        .iter()
        .map(|(stretch, marked)| {
            json!({
                "labels": stretch.labels.iter().collect::<BTreeMap<_, _>>(),
                "from": format_rfc3339(stretch.from),
                "until": format_rfc3339(stretch.until),
                "badEvents": stretch.counted.bad,
                "budgetSpent": stretch.spent,
                "burnRateMax": stretch.worst,
                "marked": marked.iter().map(|one| json!({ "at": format_rfc3339(one.at), "text": one.text, "tags": one.tags })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut answer = slo_json(&kept, &standings);
    answer["definition"] = json!(kept.stored.definition);
    answer["file"] = json!(kept.stored.file);
    answer["spentBy"] = json!(spent);
    Ok(success(&answer))
}

/// `POST /api/v1/slos`: makes an objective of the body.
pub(super) async fn make(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    put(&state, None, request).await
}

/// `PUT /api/v1/slos/{name}`: changes an objective into the body.
pub(super) async fn change(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    found(&state, &name)?;
    put(&state, Some(&name), request).await
}

/// What the audit log says of an objective.
pub(in crate::slo) fn shown(slo: &Slo) -> Json {
    json!({ "objective": slo.objective.0, "window": slo.period().to_string(), "indicator": slo.indicator().map(|indicator| indicator.kind()) })
}

async fn put(state: &ApiState, before: Option<&str>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let by = parts.extensions.get::<Caller>().map_or_else(String::new, Caller::actor);
    let was = before.and_then(|name| state.desk.find(name));
    let kept = state.desk.put(before, &text, &by).await?;
    let change = Change::new("slos.save", &kept.slo.name).before(was.map(|was| shown(&was.slo))).after(shown(&kept.slo));
    let deaf: Vec<String> = kept.slo.deaf().iter().map(|pair| format!("{} times over {}", pair.rate, window(pair.long))).collect();
    Ok(change.in_answer(success(&json!({ "name": kept.slo.name, "neverTold": deaf }))))
}

/// `DELETE /api/v1/slos/{name}`: forgets an objective and its history.
pub(super) async fn delete(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let was = found(&state, &name)?;
    state.desk.delete(&name).await?;
    Ok(Change::new("slos.delete", name).before(shown(&was.slo)).in_answer(success(&json!({}))))
}

fn yaml(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/yaml")], text).into_response()
}

/// `GET /api/v1/slos/export`: all objectives as a file.
pub(super) async fn export(State(state): State<Arc<ApiState>>) -> Response {
    yaml(state.desk.export())
}

/// `GET /api/v1/slos/{name}/rules`: the rules of an objective as a rule file.
pub(super) async fn rules(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let kept = found(&state, &name)?;
    Ok(yaml(state.desk.rules(&kept.slo)))
}

/// `GET /api/v1/slos/{name}/history?days=`: what was left of the budget at the ends of days, 90 unless told.
pub(super) async fn history(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let kept = found(&state, &name)?;
    let params = Params::from_request(request).await?;
    let days = params.get("days").map_or(Ok(90), str::parse::<i64>);
    let days = days.ok().filter(|days| (1..=DAYS_MAX).contains(days));
    let days = days.ok_or_else(|| ApiError::bad(format!("days: expected 1 to {DAYS_MAX}")))?;
    let desk = Arc::clone(&state.desk);
    let all = blocking(move || desk.days(&kept.slo.name, days)).await?;
    let all = all.map_err(|error| ApiError::new(ErrorKind::Unavailable, error.to_string()))?;
    let one = |day: &Day| json!({ "labels": day.labels, "day": format_rfc3339(day.day * DAY), "budgetLeft": day.left, "events": day.events, "badEvents": day.bad });
    Ok(success(&all.iter().map(one).collect::<Vec<_>>()))
}

/// `GET /api/v1/slos/{name}/badge.svg`: what is left of the budget, as a picture; of several label sets the worst.
pub(super) async fn badge(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let kept = found(&state, &name)?;
    let (desk, asked) = (Arc::clone(&state.desk), Arc::clone(&kept));
    let standings = blocking(move || desk.standings(&asked.slo)).await?.map_err(|error| unanswered(&error))?;
    let worst = standings.first();
    let value =
        worst.and_then(|worst| worst.budget.left()).map_or_else(|| "no data".to_owned(), |left| format!("{:.0} % left", left * 100.0));
    let level = match worst.map_or(Burning::Unknown, |worst| worst.state) {
        Burning::Critical => "crit",
        Burning::Rising => "warn",
        Burning::Recovering => "info",
        Burning::Fine => "ok",
        Burning::Unknown => "none",
    };
    let svg = badge::svg(&kept.slo.name, &value, level);
    Ok(([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "private, max-age=30")], svg).into_response())
}
