//! Rules and alerts over logs as Loki's ruler answers: Grafana asks a Loki data source for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode, header};
use serde_json::{Map, Value, json};

use super::ApiState;
use super::rules;
use crate::alerts::evaluate::{Running, RunningRule};
use crate::alerts::model::{Alerting, Kind, Language};
use crate::platform::http::envelope::ApiError;

/// `GET /prometheus/api/v1/rules`.
pub async fn rules(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    rules::answer_rules(&state, request, Some(Language::LogQl)).await
}

/// `GET /prometheus/api/v1/alerts`.
pub async fn alerts(State(state): State<Arc<ApiState>>) -> Response {
    rules::answer_alerts(&state, Some(Language::LogQl))
}

/// `GET /loki/api/v1/rules`: groups by file, as files declare them. It is JSON, which is YAML.
pub async fn files(State(state): State<Arc<ApiState>>) -> Response {
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for group in state.groups.groups().iter().filter(|group| group.group.language == Language::LogQl) {
        files.entry(group.group.file.to_string()).or_default().push(declared(group));
    }
    let body = format!("{}\n", json!(files));
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/yaml")], body).into_response()
}

fn declared(group: &Running) -> Value {
    let rules: Vec<Value> = group.rules.iter().map(declared_rule).collect();
    json!({ "name": group.group.name, "interval": group.interval().to_string(), "limit": group.group.limit, "rules": rules })
}

fn declared_rule(rule: &RunningRule) -> Value {
    let declared = &rule.prepared.rule;
    let pairs =
        |pairs: &[(String, String)]| -> Map<String, Value> { pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect() };
    let mut shown = Map::from_iter([("expr".to_owned(), json!(declared.expr))]);
    match &declared.kind {
        Kind::Recording => _ = shown.insert("record".to_owned(), json!(declared.name)),
        Kind::Alerting(Alerting { hold, keep_firing, annotations }) => {
            shown.insert("alert".to_owned(), json!(declared.name));
            shown.insert("for".to_owned(), json!(hold.to_string()));
            shown.insert("keep_firing_for".to_owned(), json!(keep_firing.to_string()));
            shown.insert("annotations".to_owned(), pairs(annotations).into());
        }
    }
    shown.insert("labels".to_owned(), pairs(&declared.labels).into());
    Value::Object(shown)
}
