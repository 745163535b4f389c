//! KPIs: made, changed, asked about; and all of them as a file.
//!
//! A KPI is sent as JSON or YAML with the keys of a file of the business, and answered as JSON. Times are RFC 3339.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{Request, header};
use serde_json::{Value as Json, json};

use super::{ApiState, BODY_BYTES_MAX, FILE_BYTES_MAX, blocking, found, missing};
use crate::access::Change;
use crate::base::location::Location;
use crate::base::period::Calendar;
use crate::base::time::format_rfc3339;
use crate::business::collect::desk::{Known, PutError};
use crate::business::collect::plan::is_asked;
use crate::business::config::file::{WeekBegins, read};
use crate::business::model::comparison::Change as Changed;
use crate::business::model::value::Value;
use crate::business::outlook::{Shown, home};
use crate::business::store::Kind;
use crate::platform::http::envelope::{ApiError, success};
use crate::platform::http::extract::{Params, read_text};

/// Names in the audit log at most.
const NAMES_LOGGED_MAX: usize = 20;

/// A KPI as it is written, passwords hidden.
pub(super) fn kpi_json(known: &Known) -> Json {
    let kpi = &known.kpi;
    let targets: Vec<Json> =
        kpi.targets.iter().map(|target| json!({ "by": target.by.as_str(), "value": target.value, "from": target.from })).collect();
    json!({
        "id": known.id,
        "name": kpi.name,
        "description": kpi.description,
        "owner": kpi.owner,
        "group": kpi.group,
        "unit": kpi.unit.as_str(),
        "currency": kpi.currency,
        "decimals": kpi.decimals,
        "better": kpi.better.as_str(),
        "collected": kpi.collected.as_str(),
        "longer": kpi.longer.as_str(),
        "segments": kpi.segments,
        "targets": targets,
        "paused": kpi.paused,
        "source": kpi.source().map(|source| source.key()),
        "file": known.file,
        "definition": kpi.text(),
        "madeAt": format_rfc3339(known.made_at),
        "changedAt": format_rfc3339(known.changed_at),
    })
}

/// A value as it is kept.
pub(super) fn value_json(value: &Value) -> Json {
    let mut found = json!({
        "period": value.period.to_string(),
        "value": value.value,
        "standing": value.standing.as_str(),
        "origin": value.origin.as_str(),
        "at": format_rfc3339(value.at),
        "complete": value.complete,
    });
    if let Some(first) = value.first {
        found["first"] = json!(first);
    }
    found
}

fn change_json(change: &Changed) -> Json {
    json!({ "from": change.from, "to": change.to, "by": change.by, "share": change.share, "isGood": change.is_good })
}

fn shown_json(state: &ApiState, shown: &Shown) -> Json {
    let mut answer = kpi_json(&shown.known);
    answer["period"] = json!(shown.period.to_string());
    answer["elapsed"] = json!(shown.elapsed);
    answer["value"] = json!(shown.value.as_ref().map(value_json));
    answer["before"] = json!(shown.before.as_ref().map(change_json));
    answer["yearBefore"] = json!(shown.year_before.as_ref().map(change_json));
    answer["line"] = json!(shown.line.iter().map(|value| json!([value.period.to_string(), value.value])).collect::<Vec<_>>());
    answer["target"] = json!(shown.progress.map(|progress| json!({
        "value": progress.target,
        "share": progress.share,
        "isMet": progress.is_met,
        "pace": progress.pace,
        "isOnPace": progress.is_on_pace,
    })));
    answer["why"] = json!(shown.why.as_ref().map(|why| json!({
        "label": why.segment.label,
        "segment": why.segment.value,
        "from": why.from,
        "to": why.to,
        "by": why.by,
        "share": why.share,
    })));
    answer["trouble"] = json!(state.collector.trouble(shown.known.id).map(|trouble| json!({
        "why": trouble.why,
        "since": format_rfc3339(trouble.since),
        "tries": trouble.tries,
    })));
    answer
}

async fn shown(state: &Arc<ApiState>) -> Result<Vec<Shown>, ApiError> {
    let (store, desk, now) = (state.store.clone(), Arc::clone(&state.desk), state.clock.now_ms());
    blocking(move || home(&store, &desk, now)).await
}

/// `GET /api/v1/kpis`: every KPI and how it stands.
pub(super) async fn list(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    let all = shown(&state).await?;
    Ok(success(&all.iter().map(|shown| shown_json(&state, shown)).collect::<Vec<_>>()))
}

/// `GET /api/v1/kpis/{name}`: a KPI by its name or number.
pub(super) async fn one(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let known = found(&state.desk, &name)?;
    let all = shown(&state).await?;
    let shown = all.iter().find(|shown| shown.known.id == known.id).ok_or_else(|| missing(&name))?;
    Ok(success(&shown_json(&state, shown)))
}

/// `POST /api/v1/kpis`: makes a KPI of the body.
pub(super) async fn make(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    put(&state, None, &read_text(&parts.headers, body, BODY_BYTES_MAX).await?).await
}

/// `PUT /api/v1/kpis/{name}`: changes a KPI into the body. Where that says `<secret>`, what is there stays.
pub(super) async fn change(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let known = found(&state.desk, &name)?;
    let (parts, body) = request.into_parts();
    put(&state, Some(&known), &read_text(&parts.headers, body, BODY_BYTES_MAX).await?).await
}

/// What the audit log says of a KPI.
pub(in crate::business) fn logged(known: &Known) -> Json {
    json!({ "source": known.kpi.source().map(|source| source.key()), "definition": known.kpi.text() })
}

pub(super) async fn put(state: &Arc<ApiState>, before: Option<&Arc<Known>>, text: &str) -> Result<Response, ApiError> {
    let id = state.collector.put(before.map(|known| known.id), text).await?;
    let known = state.desk.get(id).ok_or_else(|| missing(&id.to_string()))?;
    let change = Change::new("kpis.save", &known.kpi.name).before(before.map(|before| logged(before))).after(logged(&known));
    Ok(change.in_answer(success(&json!({ "id": id, "name": known.kpi.name }))))
}

/// `DELETE /api/v1/kpis/{name}`: forgets a KPI and everything that is known of it.
pub(super) async fn delete(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let known = found(&state.desk, &name)?;
    state.desk.delete(known.id).await?;
    state.collector.cancel_backfill(known.id);
    Ok(Change::new("kpis.delete", &known.kpi.name).before(logged(&known)).in_answer(success(&json!({}))))
}

/// `POST /api/v1/kpis/validate?like=name`: what is wrong with the body, and what it counts now; nothing is kept.
pub(super) async fn validate(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let params = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let like = Params::from_pairs(params).get("like").map(|name| found(&state.desk, name)).transpose()?;
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let kpi = state.desk.look(like.map(|known| known.id), &text)?;
    let mut answer = json!({ "name": kpi.name, "definition": kpi.text() });
    if is_asked(&kpi) {
        match state.collector.try_out(&kpi).await {
            Ok((period, numbers)) => {
                let numbers: Vec<Json> = numbers
                    .iter()
                    .map(|(segment, value)| json!({ "label": segment.label, "segment": segment.value, "value": value }))
                    .collect();
                answer["found"] = json!({ "period": period.to_string(), "values": numbers });
            }
            Err(why) => answer["trouble"] = json!(why.to_string()),
        }
    }
    Ok(success(&answer))
}

/// `GET /api/v1/kpis/export`: everything as a file.
pub(super) async fn export(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    let desk = Arc::clone(&state.desk);
    let text = blocking(move || desk.export()).await?;
    Ok(([(header::CONTENT_TYPE, "application/yaml; charset=utf-8")], text).into_response())
}

/// `POST /api/v1/kpis/import`: makes what stands in a file; what is there already is left out. `?dry_run=true` only says
/// what there would be.
pub(super) async fn import(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let is_dry = form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "dry_run" && matches!(&*value, "true" | "1"));
    let text = read_text(&parts.headers, body, FILE_BYTES_MAX).await?;
    let (file, _) = read(&text, FilePath::new("body")).map_err(PutError::Wrong)?;
    if file.kpis.is_empty() && file.funnels.is_empty() && file.retentions.is_empty() && file.digests.is_empty() {
        return Err(ApiError::bad("there is nothing in the file: expected kpis, funnels, retentions or digests"));
    }
    let (mut made, mut left_out) = (Vec::new(), Vec::new());
    for index in crate::business::config::file::in_order(&file.kpis) {
        let kpi = &file.kpis[index];
        if state.desk.find(&kpi.name).is_some_and(|known| known.kpi.name.eq_ignore_ascii_case(&kpi.name)) {
            left_out.push(json!({ "name": kpi.name, "why": "a KPI of this name is there already" }));
        } else if is_dry {
            made.push(kpi.name.clone());
        } else {
            // A file has no passwords: who imports it sets them.
            match state.collector.put(None, &kpi.text()).await {
                Ok(_) => made.push(kpi.name.clone()),
                Err(error) => left_out.push(json!({ "name": kpi.name, "why": error.to_string() })),
            }
        }
    }
    for digest in file.digests.iter().filter(|_| !is_dry) {
        match state.sender.put(None, &digest.text()).await {
            Ok(digest) => made.push(digest.name),
            Err(error) => left_out.push(json!({ "name": digest.name, "why": error.to_string() })),
        }
    }
    if !is_dry {
        let funnels = file.funnels.iter().map(|funnel| (Kind::Funnel, &funnel.name, funnel.text()));
        let retentions = file.retentions.iter().map(|one| (Kind::Retention, &one.name, one.text()));
        for (kind, name, text) in funnels.chain(retentions) {
            match state.desk.put_other(kind, &text).await {
                Ok(name) => made.push(name),
                Err(error) => left_out.push(json!({ "name": name, "why": error.to_string() })),
            }
        }
    }
    let first: Vec<&String> = made.iter().take(NAMES_LOGGED_MAX).collect();
    let change = Change::new("kpis.import", "file").after(json!({ "names": first, "count": made.len() }));
    let answer = success(&json!({ "dryRun": is_dry, "made": made, "leftOut": left_out }));
    Ok(if is_dry || made.is_empty() { answer } else { change.in_answer(answer) })
}

fn calendar_json(calendar: Calendar) -> Json {
    json!({ "timeZone": calendar.location.as_str(), "weekBegins": WeekBegins::of(calendar.week_start).as_str() })
}

/// `GET /api/v1/kpis/calendar`: by whose clock days begin, and with which day weeks do.
pub(super) async fn calendar(State(state): State<Arc<ApiState>>) -> Response {
    success(&calendar_json(state.desk.calendar()))
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CalendarSent {
    time_zone: String,
    week_begins: Option<String>,
}

/// `PUT /api/v1/kpis/calendar`: chooses it.
pub(super) async fn set_calendar(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = read_text(&parts.headers, body, BODY_BYTES_MAX).await?;
    let sent: CalendarSent = serde_json::from_str(&text).map_err(|error| ApiError::bad(error.to_string()))?;
    let place = || ApiError::bad(format!("timeZone: there is no place {:?}", sent.time_zone));
    let location = Location::parse(&sent.time_zone).ok_or_else(place)?;
    let word = sent.week_begins.as_deref().unwrap_or("monday");
    let begins = WeekBegins::parse(word).ok_or_else(|| ApiError::bad("weekBegins: expected monday, sunday or saturday"))?;
    let (before, calendar) = (state.desk.calendar(), Calendar { location, week_start: begins.week_start() });
    state.desk.set_calendar(calendar).await?;
    let change = Change::new("kpis.calendar", "calendar").before(calendar_json(before)).after(calendar_json(calendar));
    Ok(change.in_answer(success(&calendar_json(calendar))))
}

/// The kinds of what is no KPI.
pub(super) const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Funnel => "funnels.save",
        Kind::Retention => "retentions.save",
        Kind::Digest => "digests.save",
    }
}
