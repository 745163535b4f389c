//! How the endpoints answer: JSON as Go writes it, mistakes of requests as upstream's generated server words them, and
//! everything else that goes wrong as a JSON string.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::alerts::dispatch::DispatchError;
use crate::platform::http::go_json::write_json;
use crate::platform::http::problem::Problem;

/// A value that is missing (upstream's code for it).
pub const REQUIRED: u32 = 602;
/// A text that is not of its format.
pub const FORMAT: u32 = 601;
/// A list with too few items.
pub const TOO_FEW: u32 = 612;

/// A request that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The request breaks the interface: a code of upstream's and a sentence.
    Interface(StatusCode, u32, String),
    /// What it asks for cannot be: a sentence.
    Words(StatusCode, String),
    /// There is no such thing.
    NotFound,
}

impl Refusal {
    /// A body that is read but not right.
    pub fn invalid(code: u32, message: impl Into<String>) -> Self {
        Self::Interface(StatusCode::UNPROCESSABLE_ENTITY, code, message.into())
    }

    /// A sentence with 400.
    pub fn bad(words: impl Into<String>) -> Self {
        Self::Words(StatusCode::BAD_REQUEST, words.into())
    }

    /// A status whose code is its own number.
    pub fn plain(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Interface(status, u32::from(status.as_u16()), message.into())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::plain(problem.status(), problem.public())
    }
}

/// Silences that cannot be are the request's fault, the rest is the server's.
impl From<DispatchError> for Refusal {
    fn from(error: DispatchError) -> Self {
        match error {
            DispatchError::NoSilence(_) => Self::Words(StatusCode::NOT_FOUND, "silence not found".to_owned()),
            DispatchError::Silence(error) => Self::bad(format!("invalid silence: {error}")),
            DispatchError::TooMany(words) => Self::Words(StatusCode::SERVICE_UNAVAILABLE, words),
            // Nothing of API v2 can mean them.
            DispatchError::Calm(words) => Self::bad(words),
            error @ (DispatchError::NoRule(_) | DispatchError::NoAlert(_)) => Self::Words(StatusCode::NOT_FOUND, error.to_string()),
            DispatchError::Store(cause) => {
                tracing::error!(%cause, "alerts or silences were not stored");
                Self::Words(StatusCode::INTERNAL_SERVER_ERROR, "it could not be stored; the server's log says why".to_owned())
            }
        }
    }
}

#[derive(Serialize)]
struct Interface<'a> {
    code: u32,
    message: &'a str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Interface(status, code, message) => json(status, &Interface { code, message: &message }, false),
            Self::Words(status, words) => {
                let mut answer = json(status, &words, true);
                if status == StatusCode::SERVICE_UNAVAILABLE {
                    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(5));
                }
                answer
            }
            Self::NotFound => with_headers(StatusCode::NOT_FOUND.into_response()),
        }
    }
}

/// A good answer.
pub fn good<T: Serialize + ?Sized>(value: &T) -> Response {
    json(StatusCode::OK, value, true)
}

/// A good answer that says nothing.
pub fn done() -> Response {
    with_headers(StatusCode::OK.into_response())
}

fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T, ends_line: bool) -> Response {
    let mut bytes = Vec::new();
    if let Err(error) = write_json(&mut bytes, value) {
        return Problem::internal(&error).into_response();
    }
    if ends_line {
        bytes.push(b'\n');
    }
    with_headers((status, [(header::CONTENT_TYPE, "application/json")], Body::from(bytes)).into_response())
}

fn with_headers(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
