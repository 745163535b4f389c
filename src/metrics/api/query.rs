//! `query` and `query_range`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};

use super::ApiState;
use super::answer::{ApiError, ErrorKind, json_body};
use super::params;
use super::status::in_query;
use super::value_json::{StatsJson, write_answer};
use crate::base::cancel::Cancel;
use crate::base::limits::QUERY_POINTS_MAX;
use crate::metrics::query::engine::Reuse;
use crate::metrics::query::parse::parse;
use crate::platform::http::extract::Params;
use crate::platform::http::stream::PieceWriter;
use crate::series::ports::{Answer, Question, When};
use crate::series::value::Value;

/// `GET|POST /api/v1/query`.
pub(super) async fn instant(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let limit = params::limit(&params)?;
    let at = params::time(&params, "time", Some(state.clock.now_ms()))?;
    run(&state, &params, When::Instant(at), limit).await
}

/// `GET|POST /api/v1/query_range`.
pub(super) async fn range(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let limit = params::limit(&params)?;
    let start = params::time(&params, "start", None)?;
    let end = params::time(&params, "end", None)?;
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let step_text = params.get("step").unwrap_or("");
    let step = params::duration_ms("step", step_text)?;
    if step <= 0 {
        return Err(ApiError::parameter("step", "zero or negative query resolution step widths are not accepted. Try a positive integer"));
    }
    if (end.saturating_sub(start)) / step > QUERY_POINTS_MAX {
        return Err(ApiError::bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    run(&state, &params, When::Range { start, end, step }, limit).await
}

async fn run(state: &Arc<ApiState>, params: &Params, when: When, limit: usize) -> Result<Response, ApiError> {
    let query = params.get("query").unwrap_or("").to_owned();
    let timeout = params::timeout(params, state.query_timeout)?;
    let lookback_ms = match params.get("lookback_delta") {
        Some(text) => params::lookback_ms(text)?,
        None => None,
    };
    if timeout.is_zero() {
        // A wrong query is told before that.
        parse(&query, &state.engine.options().parse).map_err(|errors| in_query(&errors))?;
        return Err(ApiError::new(ErrorKind::Timeout, "query timed out in query execution"));
    }
    let stats_wanted = params.get("stats").map(str::to_owned);
    // Steps of other windows cost nothing, so they would make the statistics of this one wrong.
    let reuse = match (params.get("nocache"), &stats_wanted) {
        (Some(text), _) if !matches!(text, "" | "0" | "false") => Reuse::Nothing,
        (_, Some(_)) => Reuse::Windows,
        _ => Reuse::Steps,
    };
    let cancel = Cancel::new();
    let (clock, engine, queued) = (Arc::clone(&state.clock), Arc::clone(&state.engine), state.clock.monotonic());
    let inner = cancel.clone();
    let per_step = stats_wanted.as_deref() == Some("all");
    let evaluated = state
        .work
        .run(timeout, &cancel, move || {
            let started = clock.monotonic();
            let mut options = engine.options().clone();
            options.per_step_stats = per_step;
            options.lookback_ms = lookback_ms.unwrap_or(options.lookback_ms);
            options.reuse = reuse;
            let answer = engine.evaluate_with(&Question { query: &query, when, cancel: inner }, &options);
            (answer, started.saturating_sub(queued), clock.monotonic().saturating_sub(started))
        })
        .await?;
    let (answer, waited, took) = evaluated;
    state.counters.queries.observe(took);
    let mut answer = answer?;
    if limit > 0 {
        truncate(&mut answer, limit);
    }
    if let Some(odd) = stats_wanted.as_deref().filter(|word| !matches!(*word, "true" | "all")) {
        answer.warnings.push(format!(
            "value {odd:?} for parameter \"stats\" is deprecated and will be rejected in the next major release, use \"true\" or \"all\""
        ));
    }
    let stats = stats_wanted.map(|_| StatsJson { eval_ms: as_ms(took), queue_ms: as_ms(waited), stats: answer.stats.clone(), per_step });
    Ok(respond(answer, stats).await)
}

fn as_ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Small answers are written at once; large ones leave in pieces while they are being written.
async fn respond(answer: Answer, stats: Option<StatsJson>) -> Response {
    const SMALL_POINTS: usize = 2_000;
    if points(&answer.value) <= SMALL_POINTS {
        let mut out = Vec::new();
        return match write_answer(&mut out, &answer, stats.as_ref()) {
            Ok(()) => json_body(StatusCode::OK, Body::from(out)),
            Err(error) => axum::response::IntoResponse::into_response(ApiError::new(ErrorKind::Internal, error.to_string())),
        };
    }
    let (mut writer, body) = PieceWriter::new();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write_answer(&mut writer, &answer, stats.as_ref()).and_then(|()| writer.finish()) {
            tracing::debug!(%error, "the client went away while an answer was being sent");
        }
    });
    json_body(StatusCode::OK, body)
}

fn points(value: &Value) -> usize {
    match value {
        Value::Scalar(..) | Value::String(..) => 1,
        Value::Vector(samples) => samples.len(),
        Value::Matrix(series) => series.iter().map(|one| one.floats.len() + one.histograms.len() * 20).sum(),
    }
}

fn truncate(answer: &mut Answer, limit: usize) {
    let cut = match &mut answer.value {
        Value::Vector(samples) if samples.len() > limit => {
            samples.truncate(limit);
            true
        }
        Value::Matrix(series) if series.len() > limit => {
            series.truncate(limit);
            true
        }
        _ => false,
    };
    if cut {
        answer.warnings.push("results truncated due to limit".to_owned());
    }
}
