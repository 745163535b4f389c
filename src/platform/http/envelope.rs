//! The envelope of every answer under `/api/v1`: `{"status":"success","data":…}` or `{"status":"error",…}`.
//!
//! Error types and status codes as Prometheus' `web/api/v1`.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::go_json::write_json;
use super::problem::Problem;
use crate::platform::work::WorkError;

/// What kind of failure; decides the status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A parameter or query is wrong.
    BadData,
    /// The body is larger than is read, or unpacks to more.
    TooLarge,
    /// What was asked for is not there.
    NotFound,
    /// The body did not arrive in time.
    TooSlow,
    /// It is at odds with what was taken before.
    Unprocessable,
    /// The query cannot be executed on the data.
    Execution,
    /// The client went away.
    Canceled,
    /// Too slow.
    Timeout,
    /// Something broke.
    Internal,
    /// Not now.
    Unavailable,
}

impl ErrorKind {
    const fn word(self) -> &'static str {
        match self {
            Self::BadData | Self::TooLarge | Self::TooSlow | Self::Unprocessable => "bad_data",
            Self::NotFound => "not_found",
            Self::Execution => "execution",
            Self::Canceled => "canceled",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Execution | Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            // 499, "client closed connection", as upstream; nobody is there to read it.
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A failed call.
#[derive(Debug)]
pub struct ApiError {
    pub kind: ErrorKind,
    pub message: String,
    /// Bytes from and to in the query, where the failure has a place there. An addition of ours.
    pub span: Option<(usize, usize)>,
}

impl ApiError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), span: None }
    }

    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadData, message)
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// `invalid parameter "x": reason`, as upstream words it.
    pub fn parameter(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::bad(format!("invalid parameter {name:?}: {reason}"))
    }
}

#[derive(Serialize)]
struct ErrorEnvelope<'a> {
    status: &'static str,
    #[serde(rename = "errorType")]
    kind: &'static str,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
}

#[derive(Serialize)]
struct Position {
    start: usize,
    end: usize,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let envelope = ErrorEnvelope {
            status: "error",
            kind: self.kind.word(),
            error: &self.message,
            position: self.span.map(|(start, end)| Position { start, end }),
        };
        let mut response = json(self.kind.status(), &envelope);
        if self.kind == ErrorKind::Unavailable {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(5));
        }
        response
    }
}

impl From<WorkError> for ApiError {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Busy | WorkError::Shed => Self::new(ErrorKind::Unavailable, error.to_string()),
            WorkError::Panicked => Self::new(ErrorKind::Internal, error.to_string()),
        }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let kind = match problem.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
            StatusCode::REQUEST_TIMEOUT => ErrorKind::TooSlow,
            status if status.is_server_error() => ErrorKind::Internal,
            _ => ErrorKind::BadData,
        };
        Self::new(kind, problem.public())
    }
}

#[derive(Serialize)]
struct Success<'a, T> {
    status: &'static str,
    data: &'a T,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

/// A success with `data`.
pub fn success<T: Serialize>(data: &T) -> Response {
    success_with_warnings(data, &[])
}

/// A success with `data` and warnings.
pub fn success_with_warnings<T: Serialize>(data: &T, warnings: &[String]) -> Response {
    json(StatusCode::OK, &Success { status: "success", data, warnings })
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let mut bytes = Vec::new();
    match write_json(&mut bytes, value) {
        Ok(()) => json_body(status, Body::from(bytes)),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// A JSON answer from a finished or streaming body.
pub fn json_body(status: StatusCode, body: Body) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
/// Does what blocks on a thread of its own.
///
/// # Errors
/// It panicked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::new(ErrorKind::Internal, "the work failed unexpectedly"))
}
