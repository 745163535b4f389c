//! How the endpoints answer: JSON as Go writes it; what is refused is a message, and what was wrong in words.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use crate::platform::http::go_json::write_json;
use crate::platform::http::problem::Problem;

/// A request that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    message: &'static str,
    error: String,
}

impl Refusal {
    /// 400, with Grafana's message and what was wrong.
    pub(super) fn bad(message: &'static str, error: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message, error: error.into() }
    }

    /// A request that cannot be read.
    pub(super) fn unreadable(error: impl Into<String>) -> Self {
        Self::bad("bad request data", error)
    }

    /// There is no such annotation.
    pub(super) fn not_found(id: i64) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: "Annotation not found", error: format!("there is no annotation {id}") }
    }

    /// The server failed; why is in its log.
    pub(super) fn failed(message: &'static str, cause: &str) -> Self {
        tracing::error!(%cause, "annotations: {message}");
        let error = "the database failed; the server's log says why".to_owned();
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, message, error }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { status: problem.status(), message: "bad request data", error: problem.public().to_owned() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        json(self.status, &json!({ "message": self.message, "error": self.error }))
    }
}

/// A good answer.
pub(super) fn good<T: Serialize + ?Sized>(value: &T) -> Response {
    json(StatusCode::OK, value)
}

/// A good answer that is a message.
pub(super) fn said(message: &str) -> Response {
    good(&json!({ "message": message }))
}

fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    let mut bytes = Vec::new();
    if let Err(error) = write_json(&mut bytes, value) {
        return Problem::internal(&error).into_response();
    }
    let mut answer = (status, [(header::CONTENT_TYPE, "application/json")], Body::from(bytes)).into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
