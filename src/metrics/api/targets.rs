//! `targets`, `targets/metadata` and `scrape_pools`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde_json::{Value as Json, json};

use super::ApiState;
use super::answer::{ApiError, success};
use super::params;
use crate::base::time::format_rfc3339;
use crate::metrics::ingest::scrape::target::global_url;
use crate::metrics::ingest::scrape::{ActiveTarget, DroppedTarget};
use crate::metrics::query::parse::parse_selector;
use crate::platform::http::extract::Params;
use crate::series::labels::Labels;

/// A label set as an object.
fn object(labels: &Labels) -> BTreeMap<&str, &str> {
    labels.iter().collect()
}

/// `GET /api/v1/targets`.
pub(super) async fn targets(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let which = params.get("state").unwrap_or("").to_ascii_lowercase();
    let pool = params.get("scrapePool");
    let found = state.scrape.targets();
    let wanted = |name: &str| pool.is_none_or(|pool| pool == name);
    let mut data = json!({ "activeTargets": [], "droppedTargets": [], "droppedTargetCounts": null });
    let shows = |one: &str| matches!(which.as_str(), "" | "any") || which == one;
    if shows("active") {
        let active: Vec<Json> =
            found.active.iter().filter(|target| wanted(&target.scrape_pool)).map(|target| active(&state, target)).collect();
        data["activeTargets"] = Json::Array(active);
    }
    if shows("dropped") {
        let dropped: Vec<Json> = found.dropped.iter().filter(|target| wanted(&target.scrape_pool)).map(dropped).collect();
        data["droppedTargets"] = Json::Array(dropped);
        data["droppedTargetCounts"] = json!(found.dropped_counts);
    }
    Ok(success(&data))
}

fn active(state: &ApiState, target: &ActiveTarget) -> Json {
    let port = state.external.port_or_known_default().unwrap_or(80);
    // With the port unless it is the scheme's own, as upstream.
    let host = &state.external[url::Position::BeforeHost..url::Position::AfterPort];
    let global = global_url(&target.scrape_url, state.external.scheme(), host, port);
    json!({
        "discoveredLabels": object(&target.discovered_labels),
        "labels": object(&target.labels),
        "scrapePool": target.scrape_pool,
        "scrapeUrl": target.scrape_url,
        "globalUrl": global,
        "lastError": target.state.last_error,
        "lastScrape": target.state.last_scrape.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), format_rfc3339),
        "lastScrapeDuration": target.state.last_duration,
        "health": target.state.health.as_str(),
        "scrapeInterval": target.scrape_interval.to_string(),
        "scrapeTimeout": target.scrape_timeout.to_string(),
    })
}

fn dropped(target: &DroppedTarget) -> Json {
    json!({ "discoveredLabels": object(&target.discovered_labels), "scrapePool": target.scrape_pool })
}

/// `GET /api/v1/targets/metadata`.
pub(super) async fn metadata(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let limit = params::limit_or_all(&params, "limit")?;
    let matchers = match params.get("match_target") {
        Some(text) => parse_selector(text).map_err(|errors| ApiError::parameter("match_target", errors))?,
        None => Vec::new(),
    };
    let wanted = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches_labels(labels));
    let metric = params.get("metric");
    let list: Vec<Json> = state
        .scrape
        .target_metadata(metric, wanted, limit.unwrap_or(0))
        .iter()
        .take(limit.unwrap_or(usize::MAX))
        .map(|one| {
            let mut entry = json!({
                "target": object(&one.target),
                "type": one.metadata.kind.as_str(),
                "help": one.metadata.help,
                "unit": one.metadata.unit,
            });
            // As upstream: the name stands there only when all were asked for.
            if metric.is_none() {
                entry["metric"] = Json::String(one.metric.clone());
            }
            entry
        })
        .collect();
    Ok(success(&list))
}

/// `GET /api/v1/scrape_pools`.
pub(super) async fn pools(State(state): State<Arc<ApiState>>) -> Response {
    success(&json!({ "scrapePools": state.scrape.pools() }))
}
