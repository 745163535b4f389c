//! Shapes of requests and answers, as Grafana 11 has them.

use axum::body::Body;
use axum::extract::Path;
use http::Request;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::BODY_BYTES_MAX;
use super::answer::Refusal;
use crate::access::Caller;
use crate::boards::model::Annotation;
use crate::platform::http::extract::read_body;

/// An annotation as it is answered. What belongs to alerts is always empty: alerts have a history of their own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    id: i64,
    alert_id: i64,
    alert_name: &'static str,
    dashboard_id: i64,
    #[serde(rename = "dashboardUID")]
    dashboard_uid: Option<String>,
    panel_id: i64,
    user_id: i64,
    new_state: &'static str,
    prev_state: &'static str,
    created: i64,
    updated: i64,
    time: i64,
    time_end: i64,
    text: String,
    tags: Vec<String>,
    login: String,
    email: &'static str,
    avatar_url: &'static str,
    data: Box<RawValue>,
}

impl Item {
    /// From an annotation.
    pub(super) fn of(one: Annotation) -> Self {
        Self {
            id: one.id,
            alert_id: 0,
            alert_name: "",
            dashboard_id: one.board_id,
            dashboard_uid: (!one.board_uid.is_empty()).then_some(one.board_uid),
            panel_id: one.panel_id,
            user_id: one.user_id,
            new_state: "",
            prev_state: "",
            created: one.made_at,
            updated: one.changed_at,
            time: one.at,
            time_end: one.until,
            text: one.text,
            tags: one.tags,
            login: one.made_by,
            email: "",
            avatar_url: "",
            data: RawValue::from_string(one.data).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }
}

/// A new annotation.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct New {
    #[serde(rename = "dashboardUID")]
    pub(super) dashboard_uid: Option<String>,
    pub(super) dashboard_id: Option<i64>,
    pub(super) panel_id: Option<i64>,
    pub(super) time: Option<i64>,
    pub(super) time_end: Option<i64>,
    pub(super) text: Option<String>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) data: Option<Value>,
}

/// What an annotation is to be.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Changed {
    pub(super) time: Option<i64>,
    pub(super) time_end: Option<i64>,
    pub(super) text: Option<String>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) data: Option<Value>,
}

/// An event as programs send it to Graphite.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    pub(super) what: Option<String>,
    pub(super) data: Option<String>,
    /// In seconds since the Unix epoch.
    pub(super) when: Option<i64>,
    /// A list, or words with spaces between them as before Graphite 0.10.
    pub(super) tags: Value,
}

/// Whose annotations are to go.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Mass {
    pub(super) annotation_id: Option<i64>,
    #[serde(rename = "dashboardUID")]
    pub(super) dashboard_uid: Option<String>,
    pub(super) dashboard_id: Option<i64>,
    pub(super) panel_id: Option<i64>,
}

/// Reads a body as JSON.
pub(super) async fn body<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Refusal> {
    body_within(request, BODY_BYTES_MAX).await
}

/// Reads a body of at most so many bytes as JSON.
pub(super) async fn body_within<T: DeserializeOwned>(request: Request<Body>, max: usize) -> Result<T, Refusal> {
    let bytes = read_body(request.into_body(), max).await?;
    serde_json::from_slice(&bytes).map_err(|error| Refusal::unreadable(format!("the body is not the JSON that is expected here: {error}")))
}

/// The number in the address.
pub(super) fn id(Path(text): Path<String>) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::bad("annotationId is invalid", format!("{text:?} is no number of an annotation")))
}

/// What a program keeps with an annotation, as text.
pub(super) fn data_text(data: Option<Value>) -> Option<String> {
    data.filter(|data| !data.is_null()).map(|data| data.to_string())
}

/// Who asks: the number of a person, else 0, and a name.
pub(super) fn made_by(request: &Request<Body>) -> (i64, String) {
    match request.extensions().get::<Caller>() {
        Some(Caller::Person(person)) => (person.user_id, person.name.clone()),
        Some(Caller::Token(token)) => (0, token.name.clone()),
        Some(Caller::Open | Caller::Local | Caller::Nobody(_)) | None => (0, String::new()),
    }
}
