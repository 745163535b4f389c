//! Elasticsearch's doors: bulk requests at `/_bulk` and below `/elasticsearch/`, and there also what senders ask first.
//!
//! Senders check version, licence, templates and policies before they send. They are told that all is well; nothing of it
//! is kept, as documents need none of it here.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use serde_json::{Value as Json, json};

use super::ApiState;
use super::answer::ApiError;
use super::push;
use crate::access::SamplesTaken;
use crate::logs::ingest::document::Mapping;
use crate::logs::ingest::elastic::{self, BulkError};
use crate::logs::ingest::receive::{Door, Receiver};
use crate::platform::http::extract::Params;

/// The version that senders are told: the newest of them take any of this major one.
const VERSION: &str = "8.17.0";
/// Any identifier will do, as long as it stays.
const CLUSTER: &str = "cGhhcm9zLXNlcnZlci0wMQ";

/// `POST|PUT /_bulk`.
pub(super) async fn bulk(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    marked(bulk_into(&state, None, request).await)
}

/// `POST|PUT /{index}/_bulk`.
pub(super) async fn bulk_of(State(state): State<Arc<ApiState>>, Path(index): Path<String>, request: Request<Body>) -> Response {
    marked(bulk_into(&state, Some(index), request).await)
}

/// Everything else below `/elasticsearch/`.
pub(super) async fn other(State(state): State<Arc<ApiState>>, path: Option<Path<String>>, request: Request<Body>) -> Response {
    let path = path.map(|Path(path)| path).unwrap_or_default();
    let path = path.trim_matches('/');
    let is_sending = matches!(*request.method(), Method::POST | Method::PUT);
    if is_sending && (path == "_bulk" || path.ends_with("/_bulk")) {
        let index = path.strip_suffix("/_bulk").map(str::to_owned);
        return marked(bulk_into(&state, index, request).await);
    }
    marked(about(path, request.method()))
}

fn about(path: &str, method: &Method) -> Response {
    let first = path.split('/').next().unwrap_or_default();
    let told = match (method, first) {
        (&Method::GET | &Method::HEAD, "") => banner(),
        (&Method::GET | &Method::HEAD, "_license") => {
            json!({"license": {"status": "active", "uid": CLUSTER, "type": "basic", "issue_date": "2024-01-01T00:00:00.000Z",
                "issue_date_in_millis": 1_704_067_200_000_i64, "max_nodes": 1000, "issued_to": "pharos", "issuer": "pharos"}})
        }
        (&Method::GET | &Method::HEAD, "_xpack") => {
            json!({"build": {"hash": "pharos", "date": "2024-01-01T00:00:00.000Z"},
                "license": {"uid": CLUSTER, "type": "basic", "mode": "basic", "status": "active"},
                "features": {"ilm": {"available": true, "enabled": true}, "data_streams": {"available": true, "enabled": true}},
                "tagline": "You know, for X"})
        }
        (&Method::GET | &Method::HEAD, "_cluster") => {
            json!({"cluster_name": "pharos", "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1})
        }
        (&Method::GET | &Method::HEAD, "_nodes") => json!({"cluster_name": "pharos", "nodes": {}}),
        // Templates, policies, pipelines: whatever a sender asks for is there, and whatever it sets is acknowledged.
        (&Method::HEAD, _) => return StatusCode::OK.into_response(),
        (&Method::GET, _) => json!({}),
        (&Method::PUT | &Method::POST, name) if name.starts_with('_') || !path.contains('/') => json!({"acknowledged": true}),
        _ => return refused(StatusCode::METHOD_NOT_ALLOWED, "illegal_argument_exception", "only bulk requests add documents here"),
    };
    answer(StatusCode::OK, &told)
}

fn banner() -> Json {
    json!({"name": "pharos", "cluster_name": "pharos", "cluster_uuid": CLUSTER,
        "version": {"number": VERSION, "build_flavor": "default", "build_type": "docker", "build_hash": "pharos",
            "build_date": "2024-01-01T00:00:00.000Z", "build_snapshot": false, "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"},
        "tagline": "You Know, for Search"})
}

async fn bulk_into(state: &Arc<ApiState>, index: Option<String>, request: Request<Body>) -> Response {
    let began = state.clock.monotonic();
    let params = Params::from_pairs(form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()).into_owned().collect());
    let mapping = mapping(&params);
    let (parts, body) = match push::read(state, Door::Elastic, request).await {
        Ok(read) => read,
        Err(error) => return refusal(&error),
    };
    let clock = Arc::clone(&state.clock);
    let work = move |receiver: &Receiver| {
        let encoding = push::text(&parts.headers, header::CONTENT_ENCODING).trim().to_ascii_lowercase();
        let id = push::identity(&parts, &body);
        let refused = |error: ApiError| push::turned_down(receiver, Door::Elastic, error);
        let body = push::unwrapped(&parts.headers, &encoding, body, receiver.limits.request_bytes_max).map_err(refused)?;
        let mut gather = receiver.gather();
        match elastic::decode(&body, index.as_deref(), &mapping, receiver, &mut gather) {
            Ok(bulk) => {
                let took_ms = clock.monotonic().saturating_sub(began).as_millis();
                Ok(bulk.store(receiver, id, gather, took_ms)?)
            }
            Err(error) => {
                receiver.give_back(gather);
                Err(refused(match error {
                    BulkError::Malformed { .. } => ApiError::bad(error.to_string()),
                    BulkError::TooMuch(error) => push::too_much(error),
                }))
            }
        }
    };
    match push::run(state, work).await {
        Err(error) => refusal(&error),
        Ok((body, lines)) => {
            let mut response = (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response();
            response.extensions_mut().insert(SamplesTaken(lines));
            response
        }
    }
}

/// Where to find what in documents, from `_msg_field`, `_time_field` and `_stream_fields`.
fn mapping(params: &Params) -> Mapping {
    let list = |name: &str, default: &str| -> Vec<String> {
        params.get(name).unwrap_or(default).split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    Mapping {
        message: list("_msg_field", elastic::MESSAGE_FIELDS),
        time: list("_time_field", elastic::TIME_FIELDS),
        stream: list("_stream_fields", elastic::STREAM_FIELDS),
        fixed: Vec::new(),
    }
}

fn refusal(error: &ApiError) -> Response {
    let kind = match error.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "es_rejected_execution_exception",
        _ => "illegal_argument_exception",
    };
    let mut response = refused(error.status(), kind, error.message());
    if let Some(seconds) = error.retry_after_s() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn refused(status: StatusCode, kind: &str, why: &str) -> Response {
    let cause = json!({"type": kind, "reason": why});
    answer(status, &json!({"error": {"root_cause": [cause], "type": kind, "reason": why}, "status": status.as_u16()}))
}

fn answer(status: StatusCode, told: &Json) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], told.to_string()).into_response()
}

/// Official clients go away from what does not say that it is the product.
fn marked(mut response: Response) -> Response {
    response.headers_mut().insert(HeaderName::from_static("x-elastic-product"), HeaderValue::from_static("Elasticsearch"));
    response
}
