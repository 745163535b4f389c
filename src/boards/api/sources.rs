//! The sources that are built in, as Grafana's clients ask for them. They cannot be changed.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Refusal, good};
use crate::boards::model::{LOGS_UID, METRICS_UID};

/// The uid of the built-in alerts, a source of the type `alertmanager`.
const ALERTS_UID: &str = "alerts";

/// Number, uid, name, type and the type's name of each source.
const SOURCES: &[(i64, &str, &str, &str, &str)] = &[
    (1, METRICS_UID, "Metrics", "prometheus", "Prometheus"),
    (2, LOGS_UID, "Logs", "loki", "Loki"),
    (3, ALERTS_UID, "Alerts", "alertmanager", "Alertmanager"),
];

/// A source as the list has it.
fn item(one: &(i64, &'static str, &'static str, &'static str, &'static str)) -> Value {
    let (id, uid, name, kind, kind_name) = *one;
    let data = match kind {
        "prometheus" => json!({"httpMethod": "POST", "prometheusType": "Prometheus"}),
        "alertmanager" => json!({"implementation": "prometheus"}),
        _ => json!({}),
    };
    json!({
        "id": id, "uid": uid, "orgId": 1, "name": name, "type": kind, "typeName": kind_name, "typeLogoUrl": "", "access": "proxy",
        "url": "", "user": "", "database": "", "basicAuth": false, "isDefault": id == 1, "jsonData": data, "readOnly": true,
    })
}

/// A source alone, with what the list does not have.
fn whole(one: &(i64, &'static str, &'static str, &'static str, &'static str)) -> Value {
    let mut found = item(one);
    for (name, value) in [
        ("basicAuthUser", json!("")),
        ("withCredentials", json!(false)),
        ("secureJsonFields", json!({})),
        ("version", json!(1)),
        ("apiVersion", json!("")),
    ] {
        found[name] = value;
    }
    found
}

/// All sources by name, as the page's settings have them.
pub(super) fn by_name_all() -> Value {
    SOURCES.iter().map(|one| (one.2.to_owned(), item(one))).collect::<serde_json::Map<_, _>>().into()
}

/// The name of the source that is meant where none is named.
pub(super) const DEFAULT_NAME: &str = "Metrics";

fn not_there(what: &str, given: &str) -> Refusal {
    let known: Vec<&str> = SOURCES.iter().map(|one| if what == "uid" { one.1 } else { one.2 }).collect();
    let said = format!("there is no source with the {what} {given:?}; there are {}", known.join(", "));
    Refusal::new(StatusCode::NOT_FOUND, "Data source not found", said)
}

/// `GET /api/datasources`.
pub(super) async fn all() -> Response {
    let mut all: Vec<_> = SOURCES.iter().collect();
    all.sort_by_key(|one| one.2);
    good(&all.into_iter().map(item).collect::<Vec<_>>())
}

/// `GET /api/datasources/uid/{uid}`.
pub(super) async fn by_uid(Path(uid): Path<String>) -> Result<Response, Refusal> {
    SOURCES.iter().find(|one| one.1 == uid).map(|one| good(&whole(one))).ok_or_else(|| not_there("uid", &uid))
}

/// `GET /api/datasources/name/{name}`.
pub(super) async fn by_name(Path(name): Path<String>) -> Result<Response, Refusal> {
    SOURCES.iter().find(|one| one.2 == name).map(|one| good(&whole(one))).ok_or_else(|| not_there("name", &name))
}

/// `GET /api/datasources/id/{name}`.
pub(super) async fn id_of(Path(name): Path<String>) -> Result<Response, Refusal> {
    SOURCES.iter().find(|one| one.2 == name).map(|one| good(&json!({"id": one.0}))).ok_or_else(|| not_there("name", &name))
}

/// `GET /api/datasources/uid/{uid}/health`.
pub(super) async fn health(Path(uid): Path<String>) -> Result<Response, Refusal> {
    let found = SOURCES.iter().find(|one| one.1 == uid).ok_or_else(|| not_there("uid", &uid))?;
    Ok(good(&json!({"status": "OK", "message": format!("{} is built in.", found.2)})))
}

/// Anything that would change a source.
pub(super) async fn refuse() -> Refusal {
    let said = "the sources metrics, logs and alerts are part of pharos; sources are neither added, changed nor removed";
    Refusal::new(StatusCode::FORBIDDEN, "Data sources are built in and read-only", said)
}
