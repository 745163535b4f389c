//! Gets the body of one scrape: over HTTP, or from a function of this process.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use url::Url;

use super::intake::Failure;
use crate::base::masked;
use crate::base::time::Duration;
use crate::platform::http::client::{BodyError, ContentEncoding, HttpClient, Request};

/// Writes metrics in the text format; the number is the time in milliseconds. Runs on the blocking pool.
pub type Collect = dyn Fn(i64, &mut String) -> Result<(), String> + Send + Sync;

/// Where a target's bodies come from.
#[derive(Clone)]
pub(super) enum Source {
    /// A server.
    Http { client: Arc<HttpClient>, headers: HeaderMap },
    /// This process.
    InProcess(Arc<Collect>),
    /// Nowhere: the job cannot connect, and this is why.
    Unusable(String),
}

/// What is known of a body besides its bytes.
#[derive(Debug)]
pub(super) struct Head {
    pub content_type: String,
    pub encoding: ContentEncoding,
}

/// Asks a server; the body as sent ends up in `out`, at most `bytes_max` of it.
pub(super) async fn fetch(
    client: &HttpClient,
    headers: HeaderMap,
    url: &str,
    timeout: Duration,
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<Head, Failure> {
    let other = |error: &dyn std::fmt::Display| Failure::Other(error.to_string());
    let url = Url::parse(url).map_err(|error| Failure::Other(format!("parse {:?}: {error}", masked::url(url))))?;
    let mut request = Request::get(url, timeout.to_std());
    request.headers = headers;
    let response = client.send(request).await.map_err(|error| other(&error))?;
    if response.status() != StatusCode::OK {
        return Err(Failure::Other(format!("server returned HTTP status {}", response.status_line())));
    }
    let head = Head { content_type: response.header("content-type").to_owned(), encoding: response.encoding() };
    match response.read_body(bytes_max, out).await {
        Ok(()) => Ok(head),
        Err(BodyError::TooLarge) => Err(Failure::BodyTooLarge),
        Err(error) => Err(other(&error)),
    }
}
