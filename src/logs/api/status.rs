//! What clients ask before they query: version, readiness, limits.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use super::ApiState;
use super::answer::{ApiError, json};

/// The version of Loki whose API this is; Grafana decides by it what it asks for.
const API_VERSION: &str = "3.5.0";

/// `GET /loki/api/v1/status/buildinfo`.
pub(super) async fn build_info() -> Response {
    let info = json!({"version": API_VERSION, "revision": concat!("pharos-", env!("CARGO_PKG_VERSION")), "branch": "HEAD", "buildUser": "",
        "buildDate": "", "goVersion": ""});
    json(info.to_string().into_bytes())
}

/// `GET /ready`, for those who take the server for Loki.
pub(super) async fn ready(State(state): State<Arc<ApiState>>) -> Result<Response, ApiError> {
    match (state.unready)() {
        None => Ok((StatusCode::OK, "ready\n").into_response()),
        Some(why) => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, why)),
    }
}

/// `GET /loki/api/v1/drilldown-limits`: what Grafana's Logs Drilldown asks for first.
pub(super) async fn drilldown_limits(State(state): State<Arc<ApiState>>) -> Response {
    let own = &state.receiver.limits;
    let limits = json!({"limits": {
        "discover_log_levels": own.finds_levels, "discover_service_name": own.service_labels,
        "log_level_fields": ["level", "LEVEL", "Level", "severity", "lvl"],
        "max_entries_limit_per_query": state.limits.lines_max, "max_line_size_truncate": own.truncates, "max_query_bytes_read": "0B",
        "max_query_length": "0s", "max_query_lookback": "0s", "max_query_range": "0s", "max_query_series": 0, "query_timeout":
        format!("{}s", state.limits.timeout.as_secs()), "retention_period": "0s", "volume_enabled": true, "volume_max_series": 1000,
    }, "pattern_ingester_enabled": true, "version": API_VERSION, "maxDetectedFields": 1000, "maxDetectedValues": 1000, "maxLabelValues": 1000,
        "maxLinesPerQuery": 1000});
    json(limits.to_string().into_bytes())
}
