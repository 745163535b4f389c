//! The server itself, and its receivers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;

use super::V2State;
use super::answer::{Refusal, good};
use super::read::takes_json;
use super::wire::{Instant, ReceiverJson};

/// The Alertmanager whose interface this is, for clients that look at its version.
const COMPATIBLE_WITH: &str = "0.28.1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusJson<'a> {
    cluster: Cluster,
    config: Config<'a>,
    uptime: Instant,
    version_info: Version,
}

/// One server is no cluster.
#[derive(Serialize)]
struct Cluster {
    peers: [(); 0],
    status: &'static str,
}

#[derive(Serialize)]
struct Config<'a> {
    original: &'a str,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Version {
    branch: &'static str,
    build_date: &'static str,
    build_user: &'static str,
    go_version: &'static str,
    revision: &'static str,
    version: &'static str,
}

/// `GET /api/v2/status`.
pub async fn status(State(state): State<Arc<V2State>>, headers: HeaderMap) -> Result<Response, Refusal> {
    takes_json(&headers)?;
    let in_force = state.routing.in_force();
    Ok(good(&StatusJson {
        cluster: Cluster { peers: [], status: "disabled" },
        config: Config { original: &in_force.printed },
        uptime: Instant(state.started_at),
        version_info: Version { version: COMPATIBLE_WITH, ..Version::default() },
    }))
}

/// `GET /api/v2/receivers`.
pub async fn receivers(State(state): State<Arc<V2State>>, headers: HeaderMap) -> Result<Response, Refusal> {
    takes_json(&headers)?;
    let in_force = state.routing.in_force();
    let all: Vec<ReceiverJson<'_>> = in_force.config.receivers.iter().map(|receiver| ReceiverJson { name: &receiver.name }).collect();
    Ok(good(&all))
}
