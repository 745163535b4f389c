//! Rules that people write: the files that the server keeps, checking a draft, and what a draft would have done.
//! These endpoints are ours; the envelope is Prometheus'.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Request};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::ApiState;
use super::rules::LabelPairs;
use crate::access::{Caller, Change};
use crate::alerts::model::{Group, Kind, Rule};
use crate::alerts::replay::{DeskError, Episode, Replay};
use crate::alerts::rules::own::{OwnError, OwnFile};
use crate::base::time::{format_rfc3339, parse_timestamp};
use crate::platform::config::diagnostic::Diagnostic;
use crate::platform::http::envelope::{ApiError, ErrorKind, blocking, success};
use crate::platform::http::extract::{Params, decompress, read_body};

/// Bytes of a rule file sent here at most.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How far back a replay looks unless it is told.
const REPLAY_RANGE: i64 = 30 * 86_400_000;

#[derive(Serialize)]
struct FileJson<'a> {
    name: &'a str,
    text: &'a str,
    #[serde(rename = "changedBy")]
    changed_by: &'a str,
    #[serde(rename = "changedAt")]
    changed_at: String,
    problems: Vec<ProblemJson<'a>>,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    line: u32,
    column: u32,
    message: &'a str,
}

fn problem_json(problem: &Diagnostic) -> ProblemJson<'_> {
    ProblemJson { line: problem.line, column: problem.column, message: &problem.message }
}

fn file_json(file: &OwnFile) -> FileJson<'_> {
    FileJson {
        name: &file.name,
        text: &file.text,
        changed_by: &file.changed_by,
        changed_at: format_rfc3339(file.changed_at),
        problems: file.problems.iter().map(problem_json).collect(),
    }
}

impl From<OwnError> for ApiError {
    fn from(error: OwnError) -> Self {
        let kind = match &error {
            OwnError::Name(_) | OwnError::Wrong(_) | OwnError::TooMuch(_) => ErrorKind::BadData,
            OwnError::Missing(_) => ErrorKind::NotFound,
            OwnError::Store(_) => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Execution };
        Self::new(kind, error.to_string())
    }
}

/// The text of a rule file from a body.
async fn text_of(headers: &HeaderMap, body: Body) -> Result<String, ApiError> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let body = decompress(headers, body, BODY_BYTES_MAX)?;
    String::from_utf8(body.to_vec()).map_err(|_| ApiError::bad("the rule file is not UTF-8"))
}

/// `GET /api/v1/rules/files`: the files that the server keeps.
pub async fn files(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    let own = Arc::clone(&state.own);
    let files = blocking(move || own.files()).await??;
    Ok(success(&files.iter().map(file_json).collect::<Vec<_>>()))
}

/// `GET /api/v1/rules/files/{name}`: one of them, as YAML.
pub async fn file(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let own = Arc::clone(&state.own);
    let files = blocking(move || own.files()).await??;
    let file = files.into_iter().find(|file| file.name.eq_ignore_ascii_case(&name)).ok_or(OwnError::Missing(name))?;
    Ok(([(http::header::CONTENT_TYPE, "application/yaml")], file.text).into_response())
}

/// `PUT /api/v1/rules/files/{name}`: keeps a rule file (the body) and evaluates its rules from now on.
pub async fn save(State(state): State<Arc<ApiState>>, Path(name): Path<String>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let by = parts.extensions.get::<Caller>().map_or_else(String::new, Caller::actor);
    let text = text_of(&parts.headers, body).await?;
    let before = state.own.save(&name, &text, &by).await?;
    Ok(saved_change(&name, before.as_ref(), &text).in_answer(success(&json!({ "replaced": before.is_some() }))))
}

/// What the audit log has of a file that was kept.
pub fn saved_change(name: &str, before: Option<&OwnFile>, text: &str) -> Change {
    Change::new("rules.save", name).before(before.map(|before| json!({ "text": before.text }))).after(json!({ "text": text }))
}

/// `DELETE /api/v1/rules/files/{name}`: forgets a file and ends its rules.
pub async fn delete(State(state): State<Arc<ApiState>>, Path(name): Path<String>) -> Result<Response, ApiError> {
    let before = state.own.delete(&name).await?;
    let change = Change::new("rules.delete", name).before(before.map(|before| json!({ "text": before.text })));
    Ok(change.in_answer(success(&json!({}))))
}

/// `POST /api/v1/rules/check`: what is wrong or odd about a rule file (the body).
pub async fn check(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let text = text_of(&parts.headers, body).await?;
    let own = Arc::clone(&state.own);
    let checked = blocking(move || own.check("draft", &text)).await?;
    let shown = |problems: &[Diagnostic]| problems.iter().map(problem_json).map(|problem| json!(problem)).collect::<Vec<Json>>();
    Ok(success(&match &checked {
        Ok((groups, odd)) => {
            let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
            json!({ "valid": true, "rules": rules, "errors": [], "warnings": shown(odd) })
        }
        Err(errors) => json!({ "valid": false, "rules": 0, "errors": shown(errors), "warnings": [] }),
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EpisodeJson<'a> {
    labels: LabelPairs<'a>,
    active_at: String,
    fired_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    value: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplayJson<'a> {
    group: &'a str,
    alert: &'a str,
    query: &'a str,
    start: String,
    end: String,
    evaluations: i64,
    fired: u64,
    averted: u64,
    flaps: u64,
    firing_seconds: f64,
    at_once_max: usize,
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
    days: Vec<(String, u64)>,
    episodes: Vec<EpisodeJson<'a>>,
}

fn replay_json<'a>(group: &'a Group, rule: &'a Rule, replay: &'a Replay) -> ReplayJson<'a> {
    let episode = |episode: &'a Episode| EpisodeJson {
        labels: LabelPairs(&episode.labels),
        active_at: format_rfc3339(episode.active_at),
        fired_at: format_rfc3339(episode.fired_at),
        ended_at: episode.ended_at.map(format_rfc3339),
        value: episode.value,
    };
    ReplayJson {
        group: &group.name,
        alert: &rule.name,
        query: &rule.expr,
        start: format_rfc3339(replay.range.0),
        end: format_rfc3339(replay.range.1),
        evaluations: replay.steps,
        fired: replay.fired,
        averted: replay.averted,
        flaps: replay.flaps,
        firing_seconds: replay.firing_ms as f64 / 1e3,
        at_once_max: replay.at_once_max,
        failed: replay.failed,
        failure: replay.failure.as_deref(),
        days: replay.days.iter().map(|(day, count)| (format_rfc3339(*day), *count)).collect(),
        episodes: replay.episodes.iter().map(episode).collect(),
    }
}

/// `POST /api/v1/rules/replay`: form fields `rules` (a rule file), `start` and `end` (the last thirty days unless given), and
/// `alert` (only this rule). For each alerting rule: when it would have fired.
pub async fn replay(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let time = |name: &str| match params.get(name) {
        Some(text) => parse_timestamp(text)
            .map(Some)
            .ok_or_else(|| ApiError::parameter(name, format_args!("cannot parse {text:?} to a valid timestamp"))),
        None => Ok(None),
    };
    let end = time("end")?.unwrap_or_else(|| state.desk.now());
    let start = time("start")?.unwrap_or(end - REPLAY_RANGE);
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let (own, text) = (Arc::clone(&state.own), params.get("rules").unwrap_or("").to_owned());
    let (groups, _) = blocking(move || own.check("draft", &text)).await?.map_err(OwnError::Wrong)?;
    let wanted = params.get("alert");
    let mut replays = Vec::new();
    for group in &groups {
        for rule in &group.rules {
            if matches!(rule.kind, Kind::Alerting(_)) && wanted.is_none_or(|wanted| wanted == rule.name) {
                replays.push((group, rule, state.desk.replay(group, rule, start, end).await?));
            }
        }
    }
    Ok(success(&replays.iter().map(|(group, rule, replay)| replay_json(group, rule, replay)).collect::<Vec<_>>()))
}
