//! What jobs are configured to do: `scrape_pools/config` and `targets/relabel_steps`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde::Serialize;
use serde_json::json;

use super::ApiState;
use super::answer::{ApiError, success};
use crate::metrics::model::config::{Config, RelabelConfig, ScrapeConfig};
use crate::platform::http::extract::Params;
use crate::series::labels::Labels;
use crate::series::relabel::explain;

/// The job that `scrapePool` names.
fn job<'a>(config: &'a Config, params: &Params) -> Result<&'a ScrapeConfig, ApiError> {
    let name = params.get("scrapePool").ok_or_else(|| ApiError::bad("no scrapePool parameter provided"))?;
    let found = config.scrape_configs.iter().find(|job| job.job_name == name);
    found.ok_or_else(|| ApiError::bad(format!("error retrieving scrape config: scrape pool {name:?} not found")))
}

/// `GET /api/v1/scrape_pools/config`: one job as YAML, secrets hidden.
pub(super) async fn config(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let config = state.config.load();
    Ok(success(&json!({ "yaml": job(&config, &params)?.to_yaml() })))
}

/// A rule under upstream's names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    source_labels: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    separator: &'a str,
    regex: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    modulus: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    target_label: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    replacement: &'a str,
    action: &'a str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl<'a> From<&'a RelabelConfig> for Rule<'a> {
    fn from(rule: &'a RelabelConfig) -> Self {
        Self {
            source_labels: &rule.source_labels,
            separator: &rule.separator,
            regex: rule.regex.as_str(),
            modulus: rule.modulus,
            target_label: &rule.target_label,
            replacement: &rule.replacement,
            action: rule.action.as_str(),
        }
    }
}

/// `GET /api/v1/targets/relabel_steps`: what each rule of a job makes of some labels.
pub(super) async fn relabel_steps(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    if params.get("scrapePool").is_none() {
        return Err(ApiError::bad("no scrapePool parameter provided"));
    }
    let text = params.get("labels").ok_or_else(|| ApiError::bad("no labels parameter provided"))?;
    let given: BTreeMap<String, String> =
        serde_json::from_str(text).map_err(|error| ApiError::bad(format!("error parsing labels: {error}")))?;
    let config = state.config.load();
    let rules = &job(&config, &params)?.relabel_configs;
    let steps = explain(&Labels::from_pairs(given), rules);
    let shown: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            // Rules behind the one that drops see nothing.
            let step = steps.get(at).filter(|step| step.keep);
            let output: BTreeMap<&str, &str> = step.iter().flat_map(|step| step.labels.iter()).collect();
            json!({ "rule": Rule::from(rule), "output": output, "keep": step.is_some() })
        })
        .collect();
    Ok(success(&json!({ "steps": shown })))
}
