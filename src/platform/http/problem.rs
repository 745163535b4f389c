//! How requests fail outside of the Prometheus API: a status, a public sentence, and a cause for the log.
//!
//! The public sentence says what was wrong and what is allowed; causes that may show internals stay in the log.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// A failed request. Its answer carries it along as an extension, for layers that give it another look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    public: String,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A failure with its public sentence.
    pub fn new(status: StatusCode, public: impl Into<String>) -> Self {
        Self { status, public: public.into(), retry_after_s: None }
    }

    /// 400.
    pub fn bad_request(public: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, public)
    }

    /// 500; the cause goes to the log.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "something failed inside the server; its log says what")
    }

    /// Tells the client when to come again.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The public sentence.
    pub fn public(&self) -> &str {
        &self.public
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{}\n", self.public)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}
