//! What lines are about, found out by looking at a sample of them: fields, values of a field, patterns.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;

use super::ApiState;
use super::answer::{ApiError, json};
use super::json_text::{put_int, put_text, put_texts};
use super::params::{self, Bounds, HOUR, NS_PER_S};
use super::query::{LineQuestion, query_of};
use crate::logs::query::ast::{LogExpr, Query};
use crate::logs::query::detect::fields::{detected_fields, detected_values};
use crate::logs::query::engine::LogStream;
use crate::platform::http::extract::Params;

/// Lines looked at for fields unless the request says otherwise, and at most.
const LINES: usize = 1000;
const LINES_MAX: usize = 5000;
/// Fields, or values, of an answer unless the request says otherwise.
const FIELDS: usize = 1000;
/// Patterns are looked for in about so many lines, from all of the time.
const PATTERN_LINES: usize = 20_000;
/// Patterns of an answer.
const PATTERNS_MAX: usize = 300;

fn log_query(params: &Params) -> Result<LogExpr, ApiError> {
    match query_of(params)? {
        Query::Log(log) => Ok(log),
        Query::Metric(_) => Err(ApiError::bad("a query for lines is expected, and this is a metric query")),
    }
}

/// The newest lines of a query, labels told apart by where they come from.
async fn sample(state: &Arc<ApiState>, params: &Params, bounds: Bounds) -> Result<Vec<LogStream>, ApiError> {
    let log = log_query(params)?;
    let lines = params.get("line_limit").map_or(Ok(LINES), |text| {
        text.parse::<usize>().map_err(|_| ApiError::bad(format!("strconv.Atoi: parsing {text:?}: invalid syntax")))
    })?;
    state.streams(LineQuestion::newest(log, bounds, lines.clamp(1, LINES_MAX))).await
}

/// `GET|POST /loki/api/v1/detected_fields`.
pub(super) async fn fields(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let limit = params::limit(&params, FIELDS)?;
    let streams = sample(&state, &params, bounds).await?;
    let mut out = b"{\"fields\":[".to_vec();
    for (at, field) in detected_fields(&streams, limit).iter().enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"label\":" } else { b"{\"label\":" });
        put_text(&mut out, &field.label);
        out.extend_from_slice(b",\"type\":");
        put_text(&mut out, field.kind.as_str());
        out.extend_from_slice(b",\"cardinality\":");
        put_int(&mut out, field.cardinality);
        out.extend_from_slice(b",\"parsers\":");
        if field.parsers.is_empty() {
            // As upstream: what no parser has to find has none.
            out.extend_from_slice(b"null");
        } else {
            put_texts(&mut out, field.parsers.iter().copied());
        }
        if let Some(path) = &field.json_path {
            out.extend_from_slice(b",\"jsonPath\":");
            put_texts(&mut out, path.iter().map(String::as_str));
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"limit\":");
    put_int(&mut out, limit);
    out.push(b'}');
    Ok(json(out))
}

/// `GET|POST /loki/api/v1/detected_field/{name}/values`.
pub(super) async fn values(
    State(state): State<Arc<ApiState>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let limit = params::limit(&params, FIELDS)?;
    let streams = sample(&state, &params, bounds).await?;
    let mut out = b"{\"values\":".to_vec();
    let values = detected_values(&streams, &name, limit);
    put_texts(&mut out, values.iter().map(String::as_str));
    out.extend_from_slice(b",\"limit\":");
    put_int(&mut out, limit);
    out.push(b'}');
    Ok(json(out))
}

/// `GET|POST /loki/api/v1/patterns`.
pub(super) async fn patterns(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let step = params::step(&params, bounds)?;
    let log = log_query(&params)?;
    let found = state.patterns(LineQuestion::newest(log, bounds, PATTERN_LINES), step, PATTERNS_MAX).await?;
    let mut out = b"{\"status\":\"success\",\"data\":[".to_vec();
    for (at, one) in found.iter().enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"pattern\":" } else { b"{\"pattern\":" });
        put_text(&mut out, &one.pattern);
        out.extend_from_slice(b",\"level\":");
        put_text(&mut out, one.level);
        out.extend_from_slice(b",\"samples\":[");
        for (at, (ts, count)) in one.counts.iter().enumerate() {
            out.extend_from_slice(if at > 0 { b",[" } else { b"[" });
            put_int(&mut out, ts.div_euclid(NS_PER_S));
            out.push(b',');
            put_int(&mut out, *count);
            out.push(b']');
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"]}");
    Ok(json(out))
}
