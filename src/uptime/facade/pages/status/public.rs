//! What customers ask for. It lies ready: a request asks neither the database nor a template.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::platform::http::problem::Problem;
use crate::ui::assets::accepts;
use crate::uptime::facade::pages::PageState;
use crate::uptime::status::copies::Copies;

/// What a status page may do in a browser: show itself. No script runs.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; font-src 'self'; img-src 'self' data:; \
                                 base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// How long copies are good: shorter than anybody waits for news.
const KEPT: &str = "public, max-age=10";

fn lost() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no status page at this address")
}

/// The bytes as an answer, packed as the reader takes it; without them where the reader has them.
fn packed(copies: &Copies, headers: &HeaderMap, kind: &'static str) -> Response {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or("");
    let takes = text(header::ACCEPT_ENCODING);
    let (bytes, coding) = copies.best(|name| accepts(takes, name));
    let etag = copies.etag(coding);
    let is_known = text(header::IF_NONE_MATCH).split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    let to = response.headers_mut();
    to.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    to.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    to.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    to.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if let Some(coding) = coding.as_str() {
        to.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        to.insert(header::ETAG, etag);
    }
    response
}

/// `GET /status/{slug}`.
pub(super) async fn page(State(state): State<Arc<PageState>>, Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let ready = state.keeper.ready(&slug).ok_or_else(lost)?;
    Ok(packed(&ready.html, &headers, "text/html; charset=utf-8"))
}
