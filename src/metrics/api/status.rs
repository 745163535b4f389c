//! `status/*`, `metadata`, `format_query`, `parse_query`, `notifications`, and the server's own metrics.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Request};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::ApiState;
use super::answer::{ApiError, ErrorKind, success};
use super::exposition::{Wanted, families, family_json};
use super::params;
use crate::base::limits::QUERY_DEPTH_MAX;
use crate::base::time::format_rfc3339;
use crate::metrics::model::storage::Counted;
use crate::metrics::query::parse::parse;
use crate::metrics::query::print::pretty;
use crate::platform::http::extract::Params;
use crate::platform::http::problem::Problem;
use crate::series::matcher::{MatchOp, Matcher};

/// The version of Prometheus whose behaviour and API this is; clients decide by it what they may ask.
pub(super) const COMPATIBLE_WITH: &str = "3.14.0";

/// `GET /api/v1/status/config`.
pub(super) async fn config(State(state): State<Arc<ApiState>>) -> Response {
    success(&json!({ "yaml": state.server.config_yaml() }))
}

/// `GET /api/v1/status/flags`.
pub(super) async fn flags(State(state): State<Arc<ApiState>>) -> Response {
    let flags: Map<String, Json> = state.server.flags().into_iter().map(|(name, value)| (name, Json::String(value))).collect();
    success(&flags)
}

/// `GET /api/v1/status/buildinfo`.
pub(super) async fn build_info() -> Response {
    let mut version = version_json();
    version["application"] = json!("pharos");
    version["pharosVersion"] = json!(env!("CARGO_PKG_VERSION"));
    success(&version)
}

/// `GET /api/v1/status/runtimeinfo`.
pub(super) async fn runtime_info(State(state): State<Arc<ApiState>>) -> Response {
    let runtime = state.server.runtime();
    let storage = state.storage.status();
    let mut retention = Vec::new();
    retention.extend(storage.retention_ms.map(|ms| crate::base::time::Duration::from_ms(ms).to_string()));
    retention.extend(storage.retention_bytes.map(|bytes| crate::base::human::bytes(bytes as f64)));
    success(&json!({
        "startTime": format_rfc3339(runtime.started_ms),
        "CWD": runtime.working_dir,
        "hostname": runtime.hostname,
        "serverTime": format_rfc3339(state.clock.now_ms()),
        "reloadConfigSuccess": runtime.reload.error.is_none(),
        "lastConfigTime": format_rfc3339(runtime.reload.loaded_ms),
        "corruptionCount": storage.quarantined.len(),
        "goroutineCount": runtime.threads,
        "GOMAXPROCS": runtime.threads,
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": retention.join(" or "),
        "reloadConfigError": runtime.reload.error,
        "configWarnings": runtime.reload.warnings,
        "writeRefusal": storage.write_refusal,
        "refusedNow": super::refusals::json_of(&state),
    }))
}

#[derive(Serialize)]
struct Stat<'a> {
    name: &'a str,
    value: u64,
}

fn stats(list: &[Counted]) -> Vec<Stat<'_>> {
    list.iter().map(|counted| Stat { name: &counted.name, value: counted.count }).collect()
}

/// `GET /api/v1/status/tsdb`.
pub(super) async fn tsdb(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    const LIMIT_MAX: usize = 10_000;
    let params = Params::from_request(request).await?;
    let limit = match params.get("limit") {
        None => 10,
        Some(_) => match params::limit(&params).unwrap_or(0) {
            0 => return Err(ApiError::bad("limit must be a positive number")),
            limit if limit > LIMIT_MAX => return Err(ApiError::bad(format!("limit must not exceed {LIMIT_MAX}"))),
            limit => limit,
        },
    };
    let found = state.storage.cardinality(limit);
    let range = found.range;
    Ok(success(&json!({
        "headStats": {
            "numSeries": found.series,
            "numLabelPairs": found.label_pairs,
            "chunkCount": found.chunks,
            "minTime": range.map_or(i64::MAX, |range| range.start),
            "maxTime": range.map_or(i64::MIN, |range| range.end),
        },
        "seriesCountByMetricName": stats(&found.series_by_metric),
        "labelValueCountByLabelName": stats(&found.values_by_label),
        "memoryInBytesByLabelName": stats(&found.bytes_by_label),
        "seriesCountByLabelValuePair": stats(&found.series_by_pair),
    })))
}

/// `GET /api/v1/status/tsdb/blocks`.
pub(super) async fn blocks(State(state): State<Arc<ApiState>>) -> Response {
    let storage = state.storage.status();
    let blocks: Vec<Json> = storage
        .blocks
        .iter()
        .map(|block| {
            json!({
                "ulid": block.id,
                "minTime": block.range.start,
                "maxTime": block.range.end.saturating_add(1),
                "stats": { "numSamples": block.samples, "numSeries": block.series, "numBytes": block.bytes },
                "compaction": { "level": block.level },
                "version": 1,
            })
        })
        .collect();
    let quarantined: Vec<Json> = storage.quarantined.iter().map(|(name, reason)| json!({ "name": name, "reason": reason })).collect();
    success(&json!({ "blocks": blocks, "quarantined": quarantined }))
}

/// `GET /api/v1/status/walreplay`. The port opens when replay is done, so it is always done.
pub(super) async fn wal_replay(State(state): State<Arc<ApiState>>) -> Response {
    let (min, max) = state.storage.status().wal_segments;
    success(&json!({ "min": min, "max": max, "current": max, "state": "done" }))
}

/// `GET /api/v1/metadata`.
pub(super) async fn metadata(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let limit = params::limit_or_all(&params, "limit")?;
    let per_metric = params::limit_or_all(&params, "limit_per_metric")?.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let families: Map<String, Json> = state
        .storage
        .metadata(params.get("metric"), limit.unwrap_or(0))
        .into_iter()
        .take(limit.unwrap_or(usize::MAX))
        .map(|(name, all)| {
            let list: Vec<Json> =
                all.iter().take(per_metric).map(|one| json!({ "type": one.kind.as_str(), "help": one.help, "unit": one.unit })).collect();
            (name, Json::Array(list))
        })
        .collect();
    Ok(success(&families))
}

/// `GET|POST /api/v1/format_query`.
pub(super) async fn format_query(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let expr = parse(params.get("query").unwrap_or(""), &state.engine.options().parse).map_err(|errors| in_query(&errors))?;
    Ok(success(&pretty(&expr)))
}

/// `GET|POST /api/v1/parse_query`.
pub(super) async fn parse_query(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let expr = parse(params.get("query").unwrap_or(""), &state.engine.options().parse).map_err(|errors| in_query(&errors))?;
    // Chains of operators may be longer, but readers of JSON do not follow for ever.
    if expr.depth() > QUERY_DEPTH_MAX {
        return Err(ApiError::bad(format!("the tree of the expression is deeper than {QUERY_DEPTH_MAX} levels")));
    }
    Ok(success(&super::parse_tree::tree(&expr, false)))
}

/// An error of the `query` parameter, with its place.
pub(super) fn in_query(errors: &crate::metrics::query::parse::ParseErrors) -> ApiError {
    let first = errors.first();
    let span = Some((first.span.start as usize, first.span.end as usize));
    ApiError { span, ..ApiError::parameter("query", first) }
}

/// `GET /metrics`: the server's own metrics.
pub(super) async fn own_metrics(State(state): State<Arc<ApiState>>, headers: HeaderMap) -> Response {
    let wanted = Wanted::of(&headers);
    let page = state.registry.page();
    // The page is text already, and its names need no escaping.
    if !wanted.is_protobuf() {
        return wanted.answer(page);
    }
    match families(&page) {
        Ok(families) => wanted.answer(wanted.write(families)),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// `GET /api/v1/status/self_metrics`: the server's own metrics in protobuf's JSON form.
pub(super) async fn self_metrics(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let name = Matcher::new("name", MatchOp::Regex, params.get("metric_name_pattern").unwrap_or(".*"));
    let name = name.map_err(|error| ApiError::bad(format!("invalid metric_name_pattern: {error}")))?;
    let found = families(&state.registry.page()).map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))?;
    let shown: Vec<Json> = found.iter().filter(|family| name.matches(&family.name)).map(family_json).collect();
    Ok(success(&shown))
}

/// `GET /api/v1/status`: what a Pushgateway says of itself there.
pub(super) async fn pushgateway(State(state): State<Arc<ApiState>>) -> Response {
    let flags: Map<String, Json> = state.server.flags().into_iter().map(|(name, value)| (name, Json::String(value))).collect();
    success(&json!({
        "build_information": version_json(),
        "flags": flags,
        "start_time": format_rfc3339(state.server.runtime().started_ms),
    }))
}

/// `GET /version`.
pub(super) async fn version() -> Response {
    axum::Json(version_json()).into_response()
}

fn version_json() -> Json {
    json!({ "version": COMPATIBLE_WITH, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": "" })
}

/// `GET /api/v1/notifications`.
pub(super) async fn notifications(State(state): State<Arc<ApiState>>) -> Response {
    let runtime = state.server.runtime();
    let list: Vec<Json> = runtime
        .reload
        .error
        .iter()
        .map(|_| json!({ "text": "Configuration reload has failed.", "date": format_rfc3339(runtime.reload.loaded_ms), "active": true }))
        .collect();
    success(&list)
}
