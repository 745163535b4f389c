//! What stands around every route: forged and rebound browser requests refused, panics caught, failures made
//! readable, answers compressed, requests counted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::csrf::CsrfLayer;

use super::present::presented;
use crate::base::clock::SharedClock;
use crate::platform::http::cors::{Cors, cross_origin};
use crate::platform::http::problem::Problem;
use crate::platform::telemetry::metrics::{Durations, Page, Report};

/// Bounds of request durations in seconds, as upstream's.
const BOUNDS: [f64; 10] = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];

/// Counts requests by handler and status code.
pub(super) struct RequestCounts {
    clock: SharedClock,
    by_handler: Mutex<BTreeMap<String, Handler>>,
}

struct Handler {
    by_code: BTreeMap<u16, u64>,
    took: Durations,
}

impl RequestCounts {
    pub(super) fn new(clock: SharedClock) -> Arc<Self> {
        Arc::new(Self { clock, by_handler: Mutex::default() })
    }

    fn count(&self, handler: &str, code: u16, took: std::time::Duration) {
        let mut all = self.by_handler.lock();
        if !all.contains_key(handler) {
            all.insert(handler.to_owned(), Handler { by_code: BTreeMap::new(), took: Durations::new(&BOUNDS) });
        }
        if let Some(counts) = all.get_mut(handler) {
            *counts.by_code.entry(code).or_default() += 1;
            counts.took.observe(took);
        }
    }
}

impl Report for RequestCounts {
    fn report(&self, page: &mut Page) {
        let all = self.by_handler.lock();
        page.family("prometheus_http_requests_total", "counter", "HTTP requests answered, by handler and status.");
        for (handler, counts) in all.iter() {
            for (code, count) in &counts.by_code {
                page.sample("prometheus_http_requests_total", &[("code", &code.to_string()), ("handler", handler)], *count as f64);
            }
        }
        page.family("prometheus_http_request_duration_seconds", "histogram", "Time to the start of an answer, by handler.");
        for (handler, counts) in all.iter() {
            counts.took.write(page, "prometheus_http_request_duration_seconds", &[("handler", handler)]);
        }
    }
}

/// Puts everything around the routes. `hosts` are names, besides `localhost` and addresses, under which browsers may
/// come; `cors` says whose pages may read the API.
pub(super) fn around(routes: Router, counts: Arc<RequestCounts>, hosts: Vec<String>, cors: Cors) -> Router {
    let compressible = SizeAbove::new(1024)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::const_new("application/x-protobuf"))
        .and(NotForContentType::const_new("application/x-streamed-protobuf"));
    let clock = Arc::clone(&counts.clock);
    let csrf = CsrfLayer::new()
        .with_insecure_bypass(|method, uri| Cors::only_reads(method, uri.path()))
        .with_rejection_response(|_| Problem::new(StatusCode::FORBIDDEN, "other web pages may not change anything here").into_response());
    routes
        .layer(middleware::from_fn(plain_headers))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressible))
        .layer(csrf)
        .layer(middleware::from_fn_with_state(Arc::new(hosts), known_host))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something failed inside the server; its log says what").into_response()
        }))
        .layer(middleware::from_fn_with_state(clock, presented))
        .layer(middleware::from_fn_with_state(Arc::new(cors), cross_origin))
        .layer(middleware::from_fn_with_state(counts, counted))
}

async fn counted(State(counts): State<Arc<RequestCounts>>, request: Request, next: Next) -> Response {
    let started = counts.clock.monotonic();
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    // Paths that no route has are one handler, so that scanners cannot make series.
    let handler = path.or_else(|| response.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()));
    let took = counts.clock.monotonic().saturating_sub(started);
    counts.count(handler.as_deref().unwrap_or("other"), response.status().as_u16(), took);
    response
}

/// Headers for answers that have none of their own.
async fn plain_headers(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(path) = matched {
        response.extensions_mut().insert(path);
    }
    let headers = response.headers_mut();
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// A page elsewhere can point a name of its own at this machine and then read what a browser fetches ("DNS
/// rebinding"). Browsers say so by their `Sec-Fetch-Site` header; for those the name must be known.
async fn known_host(State(hosts): State<Arc<Vec<String>>>, request: Request<Body>, next: Next) -> Response {
    let from_browser = request.headers().contains_key("sec-fetch-site") || request.headers().contains_key(header::ORIGIN);
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("");
    if from_browser && !is_known(named, &hosts) {
        return Problem::new(
            StatusCode::FORBIDDEN,
            format!("this server does not know the name {named:?}; set pharos.server.external_url (--external-url) to the address you use"),
        )
        .into_response();
    }
    next.run(request).await
}

fn is_known(named: &str, hosts: &[String]) -> bool {
    let name = match named.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => named.rsplit_once(':').map_or(named, |(name, _)| name),
    };
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok()
        || hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_own_names_are_known() {
        let hosts = vec!["metrics.example".to_owned()];
        for good in ["localhost:9090", "127.0.0.1:9090", "[::1]:9090", "METRICS.example", "10.0.0.5", "a.localhost:1"] {
            assert!(is_known(good, &hosts), "{good}");
        }
        for bad in ["evil.example:9090", "", "localhost.evil.example"] {
            assert!(!is_known(bad, &hosts), "{bad}");
        }
    }
}
