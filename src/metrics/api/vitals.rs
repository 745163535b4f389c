//! `POST /api/metrics/web-vitals`: how fast a page was for somebody who looked at it, sent by their browser.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::json;

use super::ApiState;
use super::doors::{Door, answered};
use super::refusals::no_room;
use crate::access::Origin;
use crate::base::cancel::Cancel;
use crate::base::clock::SharedClock;
use crate::metrics::ingest::vitals::{Sender, VitalsError, WebVitals};
use crate::platform::http::extract::read_body;
use crate::platform::http::limits::{Class, ClassLimits, Limits};
use crate::platform::http::problem::Problem;

/// Bytes of a body at most.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Requests a second of one network: a page sends six measurements at once, an office has many readers.
const RATE_MAX: u64 = 10;
/// Requests under way.
const IN_FLIGHT_MAX: u64 = 64;
/// A request waits this long for a place at most.
const PLACE_WITHIN: Duration = Duration::from_secs(5);

/// What takes measurements, and how many of them.
pub(in crate::metrics) struct Taker {
    pub(in crate::metrics) vitals: WebVitals,
    limits: Arc<Limits>,
}

impl Taker {
    pub(in crate::metrics) fn new(vitals: WebVitals, clock: SharedClock) -> Self {
        let limits = ClassLimits { rate: RATE_MAX, in_flight_max: IN_FLIGHT_MAX };
        Self { vitals, limits: Arc::new(Limits::new([limits; 4], Vec::new(), clock)) }
    }
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// `POST /api/metrics/web-vitals`.
pub(super) async fn take(State(state): State<Arc<ApiState>>, origin: Option<Extension<Origin>>, request: Request<Body>) -> Response {
    let Some(taker) = &state.vitals else {
        return Problem::new(StatusCode::NOT_FOUND, "web vitals are not taken here: pharos.server.vitals is off").into_response();
    };
    let from = origin.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(origin)| origin.address);
    let permit = match taker.limits.admit(Class::Write, from, None) {
        Ok(permit) => permit,
        Err(refusal) => return refusal.problem().into_response(),
    };
    if let Some(problem) = no_room(&state) {
        return answered(&state, Door::Vitals, 0, 0, problem.into_response());
    }
    let (parts, body) = request.into_parts();
    let body = match read_body(body, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let (inner, cancel, bytes) = (Arc::clone(&state), Cancel::new(), body.len());
    let taken = state.writes.run(PLACE_WITHIN, &cancel, move || {
        let headers = &parts.headers;
        let sender = Sender {
            origin: text(headers, header::ORIGIN),
            referer: text(headers, header::REFERER),
            agent: text(headers, header::USER_AGENT),
            mobile_hint: headers.get("sec-ch-ua-mobile").and_then(|value| value.to_str().ok()),
        };
        inner.vitals.as_ref().map_or(Ok(0), |taker| taker.vitals.take(&body, &sender))
    });
    let (samples, response) = match taken.await {
        Ok(Ok(counted)) => (counted as u64, axum::Json(json!({ "status": "success" })).into_response()),
        Ok(Err(error)) => (0, refused(&error).into_response()),
        Err(error) => (0, Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response()),
    };
    drop(permit);
    answered(&state, Door::Vitals, bytes, samples, response)
}

fn refused(error: &VitalsError) -> Problem {
    let status = match error {
        VitalsError::Malformed(_) => StatusCode::BAD_REQUEST,
        VitalsError::Site => StatusCode::FORBIDDEN,
        VitalsError::NotStored(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
    };
    Problem::new(status, error.to_string())
}
