//! How the endpoints answer: JSON as Go writes it; what is refused is a message, and what was wrong in words.

use std::borrow::Cow;

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
    /// Grafana's word for it, by which programs tell refusals apart; empty for none.
    word: &'static str,
    message: Cow<'static, str>,
    error: String,
}

impl Refusal {
    /// A refusal with Grafana's message, and what was wrong.
    pub(super) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>, error: impl Into<String>) -> Self {
        Self { status, word: "", message: message.into(), error: error.into() }
    }

    /// With Grafana's word.
    pub(super) fn with_word(mut self, word: &'static str) -> Self {
        self.word = word;
        self
    }

    /// 400, with Grafana's message and what was wrong.
    pub(super) fn bad(message: &'static str, error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message, error)
    }

    /// A request that cannot be read.
    pub(super) fn unreadable(error: impl Into<String>) -> Self {
        Self::bad("bad request data", error)
    }

    /// There is no such annotation.
    pub(super) fn not_found(id: i64) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Annotation not found", format!("there is no annotation {id}"))
    }

    /// The server failed; why is in its log.
    pub(super) fn failed(message: &'static str, cause: &str) -> Self {
        tracing::error!(%cause, "dashboards: {message}");
        let error = "the database failed; the server's log says why".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message, error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::new(problem.status(), "bad request data", problem.public())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "message": self.message, "error": self.error });
        if !self.word.is_empty() {
            body["status"] = self.word.into();
        }
        json(self.status, &body)
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
