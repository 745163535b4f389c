//! Values of a KPI: read, sent by programs, filled in from the past; and what an incident cost.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, header};
use serde_json::{Value as Json, json};

use super::kpis::value_json;
use super::once::{REPLAYED, once};
use super::{ApiState, FILE_BYTES_MAX, blocking, found};
use crate::access::Change;
use crate::base::csv;
use crate::base::period::{Grain, Period};
use crate::base::time::{format_rfc3339, parse_timestamp};
use crate::business::collect::backfill::{Ended, Progress};
use crate::business::collect::desk::Known;
use crate::business::collect::plan::grains;
use crate::business::collect::push::{At, PushError, Sent};
use crate::business::model::value::Value;
use crate::business::outlook::{Page, PageWanted, cost_of, page, shown_grain};
use crate::platform::http::envelope::{ApiError, ErrorKind, success};
use crate::platform::http::extract::{Params, read_text};

/// Values of one answer at most.
const VALUES_MAX: i64 = 5_000;
/// Values of one answer where nothing is said.
const VALUES_USUAL: i64 = 90;
/// Periods that are foretold at most.
const AHEAD_MAX: usize = 100;
const DAY_MS: i64 = 86_400_000;

/// Which values are wanted.
struct Wanted {
    from: Period,
    until: Period,
    label: Option<String>,
    ahead: usize,
}

fn wanted(state: &ApiState, known: &Known, params: &Params) -> Result<Wanted, ApiError> {
    let calendar = state.desk.calendar_of(&known.kpi);
    let grain = match params.get("grain") {
        None => shown_grain(&known.kpi),
        Some(word) => Grain::parse(word).ok_or_else(|| ApiError::bad("grain: expected hour, day, week, month, quarter or year"))?,
    };
    if !grains(&known.kpi).contains(&grain) {
        return Err(ApiError::bad(format!(
            "grain: this KPI is collected {}, and has no {}s",
            known.kpi.collected.as_str(),
            grain.as_str()
        )));
    }
    let period = |name: &str| {
        let read = |text: &str| {
            let of_instant = || parse_timestamp(text).and_then(|at| calendar.period(grain, at));
            let named =
                Period::parse(text).and_then(|found| if found.grain() == grain { Some(found) } else { calendar.holding(grain, found) });
            named
                .or_else(of_instant)
                .ok_or_else(|| ApiError::bad(format!("{name}: expected a {} such as 2026-11, or a time", grain.as_str())))
        };
        params.get(name).map(read).transpose()
    };
    let current = calendar.period(grain, state.clock.now_ms());
    let until = period("until")?.or(current).ok_or_else(|| ApiError::bad("until: the calendar ends before"))?;
    let from = period("from")?.unwrap_or(until.shifted(1 - VALUES_USUAL));
    if until < from || until.number() - from.number() >= VALUES_MAX {
        return Err(ApiError::bad(format!("from: expected 1 to {VALUES_MAX} periods until {until}")));
    }
    let label = params.get("segment").map(str::to_owned);
    let ahead = params.get("forecast").map(|text| text.parse().ok().filter(|ahead| *ahead <= AHEAD_MAX));
    let ahead =
        ahead.unwrap_or(Some(0)).ok_or_else(|| ApiError::bad(format!("forecast: expected a number of periods up to {AHEAD_MAX}")))?;
    Ok(Wanted { from, until, label, ahead })
}

/// `GET /api/v1/kpis/{name}/values?grain=&from=&until=&segment=label&forecast=periods&format=csv`.
pub(super) async fn list(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let known = found(&state.desk, &name)?;
    let Wanted { from, until, label, ahead } = wanted(&state, &known, &params)?;
    let (store, desk, now) = (state.store.clone(), Arc::clone(&state.desk), state.clock.now_ms());
    let of = Arc::clone(&known);
    let answer =
        blocking(move || page(&store, &desk, &PageWanted { known: &of, from, until, label: label.as_deref(), ahead }, now)).await?;
    if params.get("format") == Some("csv") {
        return Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], table(&answer)).into_response());
    }
    let segments: Vec<Json> = answer
        .segments
        .iter()
        .map(|(segment, values)| {
            json!({ "label": segment.label, "segment": segment.value, "values": values.iter().map(value_json).collect::<Vec<_>>() })
        })
        .collect();
    let foretold: Vec<Json> = answer
        .foretold
        .iter()
        .map(|(period, told)| json!({ "period": period.to_string(), "value": told.value, "low": told.low, "high": told.high }))
        .collect();
    Ok(success(&json!({
        "id": known.id,
        "name": known.kpi.name,
        "grain": from.grain().as_str(),
        "values": answer.values.iter().map(value_json).collect::<Vec<_>>(),
        "segments": segments,
        "forecast": foretold,
        "pace": answer.pace,
    })))
}

fn table(page: &Page) -> String {
    let head = ["period", "label", "segment", "value", "standing", "origin", "at", "complete", "first"];
    let row = |label: &str, segment: &str, value: &Value| {
        vec![
            value.period.to_string(),
            label.to_owned(),
            segment.to_owned(),
            value.value.to_string(),
            value.standing.as_str().to_owned(),
            value.origin.as_str().to_owned(),
            format_rfc3339(value.at),
            value.complete.to_string(),
            value.first.map(|first| first.to_string()).unwrap_or_default(),
        ]
    };
    let whole = page.values.iter().map(|value| row("", "", value));
    let split = page
        .segments
        .iter()
        .flat_map(|(segment, values)| values.iter().map(|value| row(&segment.label, &segment.value, value)).collect::<Vec<_>>());
    csv::table(std::iter::once(head.map(str::to_owned).to_vec()).chain(whole).chain(split))
}

/// A number as programs write it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SentJson {
    value: f64,
    /// RFC 3339, or seconds since 1970.
    at: Option<Json>,
    period: Option<String>,
    /// By label, such as `{"plan": "pro"}`.
    segment: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Body1 {
    One(SentJson),
    Many(Vec<SentJson>),
}

fn sent(place: usize, read: SentJson) -> Result<Sent, ApiError> {
    let bad = |why: &str| ApiError::bad(format!("number {}: {why}", place + 1));
    let instant = |at: &Json| match at {
        Json::String(text) => parse_timestamp(text),
        Json::Number(number) => parse_timestamp(&number.to_string()),
        _ => None,
    };
    let at = match (&read.at, &read.period) {
        (Some(_), Some(_)) => return Err(bad("either at or period")),
        (Some(at), None) => At::Instant(instant(at).ok_or_else(|| bad("at: expected RFC 3339 or seconds since 1970"))?),
        (None, Some(text)) => At::In(Period::parse(text).ok_or_else(|| bad("period: expected such as 2026-11-22 or 2026-11"))?),
        (None, None) => At::Now,
    };
    let mut segments = read.segment.unwrap_or_default().into_iter();
    let segment = segments.next();
    if segments.next().is_some() {
        return Err(bad("segment: expected one label with its value"));
    }
    Ok(Sent { value: read.value, at, segment })
}

impl From<PushError> for ApiError {
    fn from(error: PushError) -> Self {
        let kind = match &error {
            PushError::Wrong(_) => ErrorKind::BadData,
            PushError::OtherBody(_) => ErrorKind::Unprocessable,
            PushError::Gone => ErrorKind::NotFound,
            PushError::TooManyKeys | PushError::Db(_) => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

/// `POST /api/v1/kpis/{name}/values`: takes a number, or a list of them, all or none; with a key once only.
pub(super) async fn push(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let known = found(&state.desk, &name)?;
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, FILE_BYTES_MAX).await?;
    let expected = "expected {\"value\": 1.5, \"at\": \"2026-11-22T10:00:00Z\", \"segment\": {\"plan\": \"pro\"}} or a list of such";
    let read: Body1 = serde_json::from_str(&text).map_err(|_| ApiError::bad(expected))?;
    let all = match read {
        Body1::One(one) => vec![one],
        Body1::Many(many) => many,
    };
    let all = all.into_iter().enumerate().map(|(place, one)| sent(place, one)).collect::<Result<Vec<_>, _>>()?;
    let taken = state.collector.push(&known, &all, once(&parts.headers, &text)?).await?;
    let mut answer = success(&json!({ "taken": taken.count }));
    if taken.is_repeated {
        answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(answer)
}

/// `GET /api/v1/kpis/{name}/cost?from=&until=`: what was missed below what is usual.
pub(super) async fn cost(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let known = found(&state.desk, &name)?;
    let (from, until) = between(&params, state.clock.now_ms(), DAY_MS)?;
    if until - from > 31 * DAY_MS {
        return Err(ApiError::bad("from: 31 days at most"));
    }
    let (store, desk) = (state.store.clone(), Arc::clone(&state.desk));
    let of = Arc::clone(&known);
    let cost = blocking(move || cost_of(&store, &desk, &of, from..until)).await?;
    let cost = cost.ok_or_else(|| ApiError::bad("only KPIs that are collected hourly or in real time know what an hour usually has"))?;
    Ok(success(&json!({
        "from": format_rfc3339(from),
        "until": format_rfc3339(until),
        "lost": cost.lost,
        "expected": cost.expected,
        "actual": cost.actual,
        "hours": cost.hours,
        "unknownHours": cost.unknown,
    })))
}

fn between(params: &Params, now: i64, usual: i64) -> Result<(i64, i64), ApiError> {
    let instant = |name: &str| {
        let read =
            |text: &str| parse_timestamp(text).ok_or_else(|| ApiError::bad(format!("{name}: expected RFC 3339 or seconds since 1970")));
        params.get(name).map(read).transpose()
    };
    let until = instant("until")?.unwrap_or(now).min(now);
    let from = instant("from")?.unwrap_or(until.saturating_sub(usual));
    if from >= until { Err(ApiError::bad("until: it ends before it begins")) } else { Ok((from, until)) }
}

fn progress_json(progress: &Progress) -> Json {
    let (ended, why) = match &progress.ended {
        None => (None, None),
        Some(Ended::Whole) => (Some("whole"), None),
        Some(Ended::Cancelled) => (Some("cancelled"), None),
        Some(Ended::Failed(why)) => (Some("failed"), Some(why)),
    };
    json!({
        "periods": progress.all,
        "done": progress.done,
        "written": progress.written,
        "began": format_rfc3339(progress.began),
        "isWaiting": progress.is_waiting,
        "ended": ended,
        "why": why,
    })
}

/// `GET /api/v1/kpis/{name}/backfill`: how far the newest run is.
pub(super) async fn backfilled(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let known = found(&state.desk, &name)?;
    Ok(success(&state.collector.backfilled(known.id).as_ref().map(progress_json)))
}

/// `POST /api/v1/kpis/{name}/backfill?from=&until=&again=true`: fills in the past, a year unless told.
pub(super) async fn backfill(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let known = found(&state.desk, &name)?;
    let (from, until) = between(&params, state.clock.now_ms(), 365 * DAY_MS)?;
    let again = matches!(params.get("again"), Some("true" | "1"));
    let progress = state.collector.backfill(&known, from, until, again).await.map_err(|error| ApiError::bad(error.to_string()))?;
    let told = json!({ "from": format_rfc3339(from), "until": format_rfc3339(until), "again": again });
    Ok(Change::new("kpis.backfill", &known.kpi.name).after(told).in_answer(success(&progress_json(&progress))))
}

/// `DELETE /api/v1/kpis/{name}/backfill`: ends the run; what is filled in stays.
pub(super) async fn cancel(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let known = found(&state.desk, &name)?;
    if !state.collector.cancel_backfill(known.id) {
        return Err(ApiError::new(ErrorKind::NotFound, "nothing is being filled in"));
    }
    Ok(Change::new("kpis.backfill.cancel", &known.kpi.name).in_answer(success(&json!({}))))
}
