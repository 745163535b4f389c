//! Which web pages of others may read the API ("CORS"), in the headers that upstream answers with.
//!
//! Allowed origins are a setting; by default there are none, because a server without sign-in on this machine would
//! otherwise hand its data to every page that its owner's browser shows. `Access-Control-Allow-Credentials` is sent only
//! where an answer says nothing: no page elsewhere reads anything by a cookie or a login that the browser adds by itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use regex::Regex;

/// Where the APIs begin.
const APIS: [&str; 3] = ["/api/v1/", "/api/v2/", "/alertmanager/api/v2/"];

/// Requests that only read, though they may come as `POST`: pages of others may send them, since nothing changes and
/// the answer is theirs only where their origin is allowed.
const READING: [&str; 8] = [
    "/api/v1/query",
    "/api/v1/query_range",
    "/api/v1/query_exemplars",
    "/api/v1/format_query",
    "/api/v1/parse_query",
    "/api/v1/series",
    "/api/v1/labels",
    "/api/v1/read",
];

/// What pages of others send of themselves, with nothing in the answer that anybody could want to read.
const FROM_PAGES: [&str; 1] = ["/api/metrics/web-vitals"];

/// The origins that may read.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    allowed: Option<Regex>,
    is_any: bool,
}

impl Cors {
    /// From a regular expression of whole origins such as `https://grafana\.example`; none if empty.
    pub fn new(origins: &str) -> Result<Self, regex::Error> {
        let allowed = if origins.is_empty() { None } else { Some(Regex::new(&format!("^(?:{origins})$"))?) };
        Ok(Self { allowed, is_any: origins == ".*" })
    }

    /// Whether a cross-site request of this kind can change nothing that is somebody's.
    pub fn only_reads(method: &Method, path: &str) -> bool {
        *method == Method::POST && (READING.contains(&path) || FROM_PAGES.contains(&path))
    }

    fn add_headers(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else { return };
        let fixed = [
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.is_any {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else if let Some(allowed) = &self.allowed
            && origin.to_str().is_ok_and(|origin| allowed.is_match(origin))
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
    }
}

/// Answers the browser's question before a request (`OPTIONS`), and says on every answer of the API who may read it.
pub async fn cross_origin(State(cors): State<Arc<Cors>>, request: Request<Body>, next: Next) -> Response {
    if FROM_PAGES.contains(&request.uri().path()) {
        return from_pages(request, next).await;
    }
    if !APIS.iter().any(|start| request.uri().path().starts_with(start)) {
        return next.run(request).await;
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    cors.add_headers(origin.as_ref(), response.headers_mut());
    response
}

/// Any page may send: who it is and what it may is not asked. A browser hands a beacon of JSON over only where its cookies
/// would be welcome too, though nobody looks at them.
async fn from_pages(request: Request<Body>, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    // A beacon asks without CORS, and its page's console would say that the answer is kept from it.
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(setting: &str, origin: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        Cors::new(setting).unwrap().add_headers(Some(&HeaderValue::from_static(origin)), &mut headers);
        assert!(!headers.contains_key("access-control-allow-credentials"));
        assert_eq!(headers["vary"], "Origin");
        headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_setting_is_of_whole_origins() {
        let one = "https://grafana\\.example|http://localhost(:\\d+)?";
        for (setting, origin, answer) in [
            ("", "https://grafana.example", None),
            (".*", "https://evil.example", Some("*")),
            (one, "https://grafana.example", Some("https://grafana.example")),
            (one, "http://localhost:3000", Some("http://localhost:3000")),
            (one, "https://grafana.example.evil.example", None),
            (one, "https://evil.example?https://grafana.example", None),
            (one, "null", None),
        ] {
            assert_eq!(allowed(setting, origin).as_deref(), answer, "{setting} {origin}");
        }
        assert!(Cors::new("(").is_err());
    }

    #[test]
    fn only_questions_may_be_posted_from_elsewhere() {
        assert!(Cors::only_reads(&Method::POST, "/api/v1/query"));
        for path in ["/api/v1/write", "/api/v1/admin/tsdb/delete_series", "/-/quit", "/api/v1/query/", "/metrics/job/x"] {
            assert!(!Cors::only_reads(&Method::POST, path), "{path}");
        }
        assert!(!Cors::only_reads(&Method::PUT, "/api/v1/query"));
    }
}
