//! How calls fail: a status and one line of plain text, as Loki says it, where Prometheus answers with JSON.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::base::cancel::Stop;
use crate::logs::ingest::receive::NotTaken;
use crate::logs::model::read::SelectLinesError;
use crate::logs::model::write::AppendLinesError;
use crate::platform::http::problem::Problem;
use crate::platform::work::WorkError;

/// What a query that took too long is told.
const TIMED_OUT: &str = "Request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex \
                         match) to reduce the amount of data processed.";
/// Not in the list of the standard: the client closed the request.
const CLIENT_CLOSED: u16 = 499;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
    retry_after_s: Option<u32>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after_s: None }
    }

    /// 400.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Come again later.
    pub(super) fn later(status: StatusCode, message: impl Into<String>, seconds: u32) -> Self {
        Self { status, message: message.into(), retry_after_s: Some(seconds) }
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Its sentence.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// When to come again.
    pub(super) fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s
    }

    /// Work that was stopped.
    pub(super) fn stopped(stop: Stop) -> Self {
        match stop {
            Stop::TimedOut => Self::new(StatusCode::GATEWAY_TIMEOUT, TIMED_OUT),
            Stop::Cancelled => Self::new(
                StatusCode::from_u16(CLIENT_CLOSED).unwrap_or(StatusCode::BAD_REQUEST),
                "The request was cancelled by the client.",
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut problem = Problem::new(self.status, self.message);
        if let Some(seconds) = self.retry_after_s {
            problem = problem.retry_after_s(seconds);
        }
        problem.into_response()
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::new(problem.status(), problem.public())
    }
}

impl From<WorkError> for ApiError {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Busy | WorkError::Shed => Self::later(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), 5),
            WorkError::Panicked => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

impl From<SelectLinesError> for ApiError {
    fn from(error: SelectLinesError) -> Self {
        match error {
            SelectLinesError::Stopped(stop) => Self::stopped(stop),
            SelectLinesError::Storage(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            SelectLinesError::Overloaded => Self::later(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), 5),
        }
    }
}

impl From<NotTaken> for ApiError {
    fn from(error: NotTaken) -> Self {
        let message = error.to_string();
        match error {
            NotTaken::Rate { .. } | NotTaken::Store(AppendLinesError::Busy) => Self::later(StatusCode::TOO_MANY_REQUESTS, message, 1),
            NotTaken::ShortOfMemory | NotTaken::DiskFull | NotTaken::Store(AppendLinesError::Unavailable(_) | AppendLinesError::Closed) => {
                Self::later(StatusCode::SERVICE_UNAVAILABLE, message, 5)
            }
        }
    }
}

/// A JSON answer, finished.
pub(super) fn json(body: Vec<u8>) -> Response {
    json_body(Body::from(body))
}

/// A JSON answer from a body that may still be written.
pub(super) fn json_body(body: Body) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"))], body).into_response()
}
