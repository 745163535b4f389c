//! Checks: made, changed, asked about; and heartbeats, which jobs send. These endpoints are ours; the envelope is
//! Prometheus'.
//!
//! A check is sent as JSON or YAML with the keys of a file of checks, and answered as JSON. Times are RFC 3339.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::ApiState;
use crate::access::{Caller, Change};
use crate::base::time::format_rfc3339;
use crate::platform::db::DbError;
use crate::platform::http::envelope::{ApiError, ErrorKind, blocking, success};
use crate::platform::http::extract::{Params, read_body, read_text};
use crate::uptime::config::file::print;
use crate::uptime::model::incident::{Incident, IncidentOf, Overlap};
use crate::uptime::model::window::Window;
use crate::uptime::watch::desk::{Desk, Figures, NotStored, PutError};
use crate::uptime::watch::watcher::View;

/// Bytes of a check at most.
pub(super) const BODY_BYTES_MAX: usize = 256 * 1024;
/// Bytes that a job may send with a heartbeat.
const BEAT_BYTES_MAX: usize = 10 * 1024;
/// Characters of a file's name.
const FILE_NAME_CHARS_MAX: usize = 80;
/// Incidents of one answer at most.
const INCIDENTS_MAX: i64 = 1_000;
const DAY: i64 = 86_400_000;
/// Lengths of time for which figures are given, in days.
const RANGES: [(&str, i64); 5] = [("24h", 1), ("7d", 7), ("30d", 30), ("90d", 90), ("1y", 365)];

#[derive(Serialize)]
struct CheckJson<'a> {
    id: i64,
    name: &'a str,
    kind: &'static str,
    target: String,
    labels: &'a BTreeMap<String, String>,
    interval: String,
    /// The share of a month in which it is to be up, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<f64>,
    state: &'static str,
    since: String,
    #[serde(rename = "inDoubtSince", skip_serializing_if = "Option::is_none")]
    in_doubt_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<IncidentJson<'a>>,
    /// Where it stands, and is to be changed; none where it was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(rename = "lastDurationSeconds", skip_serializing_if = "Option::is_none")]
    last_duration_s: Option<f64>,
}

#[derive(Serialize)]
struct IncidentJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<i64>,
    from: String,
    #[serde(rename = "confirmedAt")]
    confirmed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    kind: &'static str,
    cause: &'a str,
    excerpt: &'a str,
    /// How much of it lies in maintenance.
    maintenance: &'static str,
}

/// Milliseconds, and ratios of 0 to 1; none where nothing is known.
#[derive(Serialize)]
pub(super) struct FiguresJson {
    availability: Option<f64>,
    #[serde(rename = "upMs")]
    up: i64,
    #[serde(rename = "downMs")]
    down: i64,
    #[serde(rename = "unknownMs")]
    unknown: i64,
    #[serde(rename = "pausedMs")]
    paused: i64,
    #[serde(rename = "maintenanceMs")]
    maintenance: i64,
    outages: u32,
    #[serde(rename = "meanTimeToRecoveryMs")]
    mttr: Option<i64>,
    #[serde(rename = "meanTimeBetweenFailuresMs")]
    mtbf: Option<i64>,
    results: u64,
    failed: u32,
    #[serde(rename = "meanSeconds")]
    mean: Option<f64>,
    #[serde(rename = "p50Seconds")]
    p50: Option<f64>,
    #[serde(rename = "p95Seconds")]
    p95: Option<f64>,
}

fn check_json<'v>(id: i64, view: &'v View, desk: &Desk) -> CheckJson<'v> {
    CheckJson {
        id,
        name: &view.check.name,
        kind: view.check.kind(),
        target: view.check.target(),
        labels: &view.check.labels,
        interval: view.check.interval.to_string(),
        goal: view.check.goal.percent(),
        state: view.span.state.as_str(),
        since: format_rfc3339(view.span.from),
        in_doubt_since: view.in_doubt_since.map(format_rfc3339),
        incident: view.incident.as_ref().map(|incident| incident_json(None, incident, desk.in_maintenance(id, incident))),
        file: desk.file_of(id),
        last_duration_s: view.newest.as_ref().map(|outcome| outcome.took.as_secs_f64()),
    }
}

fn incident_json(check: Option<i64>, incident: &Incident, overlap: Overlap) -> IncidentJson<'_> {
    IncidentJson {
        check,
        from: format_rfc3339(incident.from),
        confirmed_at: format_rfc3339(incident.confirmed_at),
        until: incident.until.map(format_rfc3339),
        kind: incident.kind.as_str(),
        cause: &incident.cause,
        excerpt: &incident.excerpt,
        maintenance: overlap.as_str(),
    }
}

pub(super) fn figures_json(figures: &Figures) -> FiguresJson {
    let Figures { tally, results } = figures;
    let secs = |took: Option<Duration>| took.map(|took| took.as_secs_f64());
    FiguresJson {
        availability: tally.availability(),
        up: tally.up,
        down: tally.down,
        unknown: tally.unknown,
        paused: tally.paused,
        maintenance: tally.maintenance,
        outages: tally.outages,
        mttr: tally.mean_time_to_recovery(),
        mtbf: tally.mean_time_between_failures(),
        results: results.count(),
        failed: results.failed,
        mean: secs(results.latencies.mean()),
        p50: secs(results.latencies.quantile(0.5)),
        p95: secs(results.latencies.quantile(0.95)),
    }
}

impl From<PutError> for ApiError {
    fn from(error: PutError) -> Self {
        let kind = match &error {
            PutError::Wrong(_) | PutError::Unfit(_) | PutError::InFile(_) | PutError::NotStored(NotStored::Taken(_) | NotStored::Full) => {
                ErrorKind::BadData
            }
            PutError::NotStored(NotStored::Unknown) => ErrorKind::NotFound,
            PutError::NotStored(NotStored::Db(_)) => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorKind::Unavailable, error.to_string())
}

fn missing(name: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("there is no check {name:?}"))
}

pub(super) fn found(desk: &Desk, name: &str) -> Result<i64, ApiError> {
    desk.find(name).ok_or_else(|| missing(name))
}

/// `GET /api/v1/checks`: every check and its state.
pub(super) async fn list(State(state): State<Arc<ApiState>>) -> Response {
    let views = state.desk.views();
    success(&views.iter().map(|(id, view)| check_json(*id, view, &state.desk)).collect::<Vec<_>>())
}

/// What an address ends in that wants a check as a file.
const YAML: &str = ".yaml";

/// `GET /api/v1/checks/{name}`: a check by its name or number, with its figures; `{name}.yaml` or `?format=yaml` gives it as
/// a file that can be brought in again, secrets hidden.
pub(super) async fn one(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let format = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()).find(|(key, _)| key == "format");
    match format.as_ref().map_or("", |(_, format)| format) {
        "yaml" => return file(&state.desk, found(&state.desk, &name)?).ok_or_else(|| missing(&name)),
        "" | "json" => {}
        other => return Err(ApiError::bad(format!("format: read {}, expected json or yaml", crate::base::quote::quote(other)))),
    }
    // A check may be named so.
    if let (None, Some(plain)) = (state.desk.find(&name), name.strip_suffix(YAML)) {
        return file(&state.desk, found(&state.desk, plain)?).ok_or_else(|| missing(plain));
    }
    let id = found(&state.desk, &name)?;
    let view = state.desk.view(id).ok_or_else(|| missing(&name))?;
    let (desk, now) = (Arc::clone(&state.desk), state.clock.now_ms());
    let figures = blocking(move || {
        let of = |(name, days): (&'static str, i64)| Ok((name, desk.figures(id, Window::new(now - days * DAY, now))?));
        RANGES.into_iter().map(of).collect::<Result<Vec<_>, DbError>>()
    });
    let figures = figures.await?.map_err(unavailable)?;
    let figures: BTreeMap<&str, FiguresJson> = figures.iter().map(|(name, figures)| (*name, figures_json(figures))).collect();
    Ok(success(&json!({ "check": check_json(id, &view, &state.desk), "figures": figures })))
}

/// A check as a file of its own.
fn file(desk: &Desk, id: i64) -> Option<Response> {
    let check = desk.view(id)?.check;
    // A name may have letters in it that have another meaning where it is named.
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = check.name.chars().take(FILE_NAME_CHARS_MAX).map(plain).collect();
    let named = format!("attachment; filename=\"{name}{YAML}\"");
    let kind = (http::header::CONTENT_TYPE, "application/yaml".to_owned());
    Some(([kind, (http::header::CONTENT_DISPOSITION, named)], print([&*check])).into_response())
}

/// `POST /api/v1/checks`: makes a check of the body.
pub(super) async fn make(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    put(&state, None, request).await
}

/// `PUT /api/v1/checks/{name}`: changes a check into the body. Where that says `<secret>`, what is there stays.
pub(super) async fn change(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let id = found(&state.desk, &name)?;
    put(&state, Some(id), request).await
}

async fn put(state: &ApiState, id: Option<i64>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let before = id.and_then(|id| state.desk.view(id));
    let id = state.desk.put(id, &text).await?;
    let view = state.desk.view(id).ok_or_else(|| missing(&id.to_string()))?;
    let shown =
        |view: &View| json!({ "kind": view.check.kind(), "target": view.check.target(), "interval": view.check.interval.to_string() });
    let change = Change::new("checks.save", &view.check.name).before(before.as_ref().map(shown)).after(shown(&view));
    let token = view.check.heartbeat.as_ref().map(|heartbeat| heartbeat.token.expose().to_owned());
    let mut answer = json!({ "id": id, "name": view.check.name });
    if let (Some(token), true) = (token, parts.extensions.get::<Caller>().is_some()) {
        answer["heartbeatPath"] = json!(format!("/api/v1/heartbeats/{token}"));
    }
    Ok(change.in_answer(success(&answer)))
}

/// `DELETE /api/v1/checks/{name}`: forgets a check and everything that is known of it.
pub(super) async fn delete(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let id = found(&state.desk, &name)?;
    state.desk.delete(id).await?;
    Ok(Change::new("checks.delete", name).in_answer(success(&json!({}))))
}

/// `POST /api/v1/checks/{name}/probe`: probes a check as soon as may be.
pub(super) async fn probe_now(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    state.desk.probe_now(found(&state.desk, &name)?);
    Ok(Change::new("checks.probe", name).in_answer(success(&json!({}))))
}

/// `GET /api/v1/checks/export`: all checks as a file, secrets hidden.
pub(super) async fn export(State(state): State<Arc<ApiState>>) -> Response {
    ([(http::header::CONTENT_TYPE, "application/yaml")], state.desk.export()).into_response()
}

/// `GET /api/v1/incidents?check=&days=`: incidents of the last days (30 unless told), the newest first.
pub(super) async fn incidents(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let check = match params.get("check") {
        Some(name) => Some(found(&state.desk, name)?),
        None => None,
    };
    let days = params.get("days").map_or(Ok(30), str::parse::<i64>);
    let days = days.ok().filter(|days| (1..=5 * 366).contains(days)).ok_or_else(|| ApiError::bad("days: expected 1 to 1830"))?;
    let (desk, now) = (Arc::clone(&state.desk), state.clock.now_ms());
    let found = blocking(move || {
        let all = desk.incidents(check, Window::new(now - days * DAY, now + 1), INCIDENTS_MAX)?;
        Ok::<_, DbError>(all.into_iter().map(|of| (desk.in_maintenance(of.check, &of.incident), of)).collect::<Vec<_>>())
    });
    let all = found.await?.map_err(unavailable)?;
    let json = all.iter().map(|(overlap, IncidentOf { check, incident })| incident_json(Some(*check), incident, *overlap));
    Ok(success(&json.collect::<Vec<_>>()))
}

/// `/api/v1/heartbeats/{token}` and `/api/v1/heartbeats/{token}/{said}`, by any method: a job went well, or failed (`fail`,
/// or an exit code other than 0). `?took=` says for how many seconds it ran. What the body says is kept of failures.
async fn beat(state: &ApiState, token: &str, said: &str, query: &str, body: Body) -> Result<Response, ApiError> {
    let text = read_body(body, BEAT_BYTES_MAX).await?;
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    let failure = match said {
        "" | "0" => None,
        "fail" => Some("the job says that it failed".to_owned()),
        code => {
            let code: u8 = code.parse().map_err(|_| ApiError::bad(format!("expected fail or an exit code from 0 to 255, not {code:?}")))?;
            Some(format!("the job ended with exit code {code}"))
        }
    };
    let failure = failure.map(|words| if text.is_empty() { words } else { format!("{words}: {text}") });
    let took = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "took").map_or(Ok(0.0), |(_, text)| text.parse::<f64>());
    let took = took.ok().and_then(|secs| Duration::try_from_secs_f64(secs).ok()).ok_or_else(|| ApiError::bad("took: expected seconds"))?;
    if !state.desk.beat(token, failure, took) {
        return Err(ApiError::new(ErrorKind::NotFound, "no check has this heartbeat"));
    }
    Ok((StatusCode::OK, "OK\n").into_response())
}

/// A heartbeat that says nothing but that it is there.
pub(super) async fn plain_beat(
    State(state): State<Arc<ApiState>>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, ApiError> {
    beat(&state, &token, "", query.as_deref().unwrap_or_default(), body).await
}

/// A heartbeat with a word or an exit code.
pub(super) async fn told_beat(
    State(state): State<Arc<ApiState>>,
    Path((token, said)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, ApiError> {
    beat(&state, &token, &said, query.as_deref().unwrap_or_default(), body).await
}

/// `/api/push/{token}`, by any method: the address that jobs called at Uptime Kuma. `?status=` other than `up` is a failure
/// with the words of `msg`; `ping` says for how many milliseconds it ran. Answers as jobs expect it there.
pub(super) async fn kuma_beat(State(state): State<Arc<ApiState>>, Path(token): Path<String>, RawQuery(query): RawQuery) -> Response {
    let (mut status, mut said, mut ping) = (String::new(), String::new(), 0.0_f64);
    for (name, value) in form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()) {
        match &*name {
            "status" => status = value.into_owned(),
            "msg" => said = value.chars().take(BEAT_BYTES_MAX).collect(),
            "ping" => ping = value.parse().unwrap_or(0.0),
            _ => {}
        }
    }
    let is_up = matches!(status.as_str(), "" | "up");
    let failure = (!is_up).then(|| match said.trim() {
        "" | "OK" => "the job says that it failed".to_owned(),
        words => format!("the job says that it failed: {words}"),
    });
    let took = Duration::try_from_secs_f64((ping / 1000.0).clamp(0.0, 1e8)).unwrap_or_default();
    if state.desk.beat(&token, failure, took) {
        return axum::Json(json!({ "ok": true })).into_response();
    }
    (StatusCode::NOT_FOUND, axum::Json(json!({ "ok": false, "msg": "Monitor not found or not active." }))).into_response()
}
