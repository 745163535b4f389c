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
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::csrf::CsrfLayer;

use super::edge::Edge;
use super::own_hosts::ByOwnHost;
use super::present::presented;
use super::vouch::FOR_ANYONE;
use crate::base::clock::SharedClock;
use crate::platform::http::cors::{Cors, cross_origin};
use crate::platform::http::problem::Problem;
use crate::platform::telemetry::metrics::{Durations, Page, Report};
use crate::ui::page::MayBeFramed;

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

/// Puts everything around the routes. `cors` says whose pages may read the API.
pub(super) fn around(routes: Router, counts: Arc<RequestCounts>, hosts: KnownHosts, cors: Cors, edge: Arc<Edge>) -> Router {
    let compressible = SizeAbove::new(1024)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(NotForContentType::GRPC)
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::const_new("application/zstd"))
        .and(NotForContentType::const_new("application/x-protobuf"))
        .and(NotForContentType::const_new("application/x-streamed-protobuf"));
    let clock = Arc::clone(&counts.clock);
    let csrf = CsrfLayer::new()
        .with_insecure_bypass(|method, uri| Cors::only_reads(method, uri.path()))
        .with_rejection_response(|_| Problem::new(StatusCode::FORBIDDEN, "other web pages may not change anything here").into_response());
    routes
        .layer(middleware::from_fn(matched))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressible))
        .layer(csrf)
        .layer(middleware::from_fn_with_state(Arc::new(hosts), known_host))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something failed inside the server; its log says what").into_response()
        }))
        .layer(middleware::from_fn_with_state(clock, presented))
        .layer(middleware::from_fn_with_state(Arc::new(cors), cross_origin))
        .layer(middleware::from_fn(sane))
        .layer(middleware::from_fn_with_state(edge, safe_headers))
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

/// Keeps the route's pattern for the layers around, which count by it.
async fn matched(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(path) = matched {
        response.extensions_mut().insert(path);
    }
    response
}

/// Headers of every answer that does not set them itself: what a browser must not do with it. What is no page says
/// that nothing of it is to be run, framed, guessed at or sent on.
const SAFE_HEADERS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Makes every answer safe to show. What the web config file sets wins.
async fn safe_headers(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let shows_who = shows_who(request.headers());
    let mut response = next.run(request).await;
    let may_be_framed = response.extensions().get::<MayBeFramed>().is_some();
    let headers = response.headers_mut();
    for (name, value) in SAFE_HEADERS {
        // The policy names who may embed the page; the older header cannot, and would say nobody.
        if may_be_framed && name == header::X_FRAME_OPTIONS {
            continue;
        }
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    keep_private(headers, shows_who);
    for (name, value) in &edge.web().config.headers {
        headers.insert(name, value.clone());
    }
    response
}

/// Whether a request carries a token, a password or the cookie of a session; how somebody likes pages to look is none.
fn shows_who(headers: &HeaderMap) -> bool {
    let is_session = |value: &HeaderValue| value.to_str().is_ok_and(|cookies| cookies.contains("pharos="));
    headers.contains_key(header::AUTHORIZATION) || headers.get_all(header::COOKIE).iter().any(is_session)
}

/// What somebody got who said who they are, or with a new cookie, stays out of every store of copies.
fn keep_private(headers: &mut HeaderMap, shows_who: bool) {
    let is_public = headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"public"));
    if headers.contains_key(header::SET_COOKIE) || (shows_who && !is_public) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Methods that make a server repeat what it was sent, or reach through it.
const REFUSED_METHODS: [&str; 3] = ["TRACE", "TRACK", "CONNECT"];

/// Refuses requests that no honest client sends and that mean different things to different readers.
async fn sane(request: Request, next: Next) -> Response {
    match oddity(&request) {
        Some((status, why)) => Problem::new(status, why).into_response(),
        None => next.run(request).await,
    }
}

fn oddity(request: &Request<Body>) -> Option<(StatusCode, &'static str)> {
    if REFUSED_METHODS.iter().any(|method| request.method().as_str().eq_ignore_ascii_case(method)) {
        return Some((StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"));
    }
    if request.headers().get_all(header::HOST).iter().count() > 1 {
        return Some((StatusCode::BAD_REQUEST, "the request names more than one host"));
    }
    let path = request.uri().path();
    let steps_up = |path: &[u8]| path.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..");
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
    if steps_up(&decoded) || decoded.iter().any(|byte| byte.is_ascii_control()) {
        return Some((StatusCode::BAD_REQUEST, "the path has parts that lead upwards, or characters that no path has"));
    }
    None
}

/// Names under which the server may be asked.
///
/// A page elsewhere can point a name of its own at this machine and then read what a browser fetches ("DNS
/// rebinding"). To the browser such a request is one of the page's own server, so only the name gives it away.
pub(super) struct KnownHosts {
    /// Names, besides `localhost` and addresses.
    names: Vec<String>,
    /// Whether only this machine reaches the server. Then whoever asks by a strange name was led here.
    is_local: bool,
}

impl KnownHosts {
    pub(super) fn new(names: Vec<String>, is_local: bool) -> Self {
        Self { names, is_local }
    }

    /// Whether a request may come in.
    fn admit(&self, request: &Request<Body>) -> bool {
        let named = named(request);
        // Whoever asks by the name of a status page was led to that page, and is refused everything else already.
        if request.extensions().get::<ByOwnHost>().is_some() {
            return true;
        }
        // Whoever watches the server may know it by any name, and there is nothing in the answer to be read.
        FOR_ANYONE.contains(&request.uri().path())
            || named.is_empty()
            || self.is_known(named)
            || !(self.is_local || is_from_browser(request.headers()))
    }

    fn is_known(&self, named: &str) -> bool {
        let name = match named.strip_prefix('[') {
            Some(v6) => match v6.split_once(']') {
                Some((address, rest)) if rest.is_empty() || rest.starts_with(':') => address,
                _ => return false,
            },
            None => named.rsplit_once(':').map_or(named, |(name, _)| name),
        };
        // Nobody can register a name without a dot; inside a network of containers services have such names.
        name == "localhost"
            || name.ends_with(".localhost")
            || (!name.is_empty() && !name.contains('.'))
            || name.parse::<IpAddr>().is_ok()
            || self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Host and port that the request names; HTTP/2 has them in the address.
pub(super) fn named(request: &Request<Body>) -> &str {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str)).unwrap_or("")
}

/// Browsers send the first two only at times, but always say who they are.
fn is_from_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
    headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN) || agent.starts_with(b"Mozilla/")
}

async fn known_host(State(hosts): State<Arc<KnownHosts>>, request: Request<Body>, next: Next) -> Response {
    if hosts.admit(&request) {
        return next.run(request).await;
    }
    let said = format!(
        "this server does not know the name {:?}; set pharos.server.external_url (--external-url) to the address you use",
        named(&request)
    );
    Problem::new(StatusCode::FORBIDDEN, said).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_honest_client_sends_is_refused() {
        let asked = |method: &str, path: &str| {
            oddity(&Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).map(|(status, _)| status.as_u16())
        };
        for (method, path, refused) in [
            ("GET", "/explore?q=..%2f&x=/../", None),
            ("GET", "/metrics/job/a%2Fb/..c/d..", None),
            ("POST", "/", None),
            ("TRACE", "/", Some(405)),
            ("track", "/", Some(405)),
            ("GET", "/assets/../x", Some(400)),
            ("GET", "/assets/%2e%2e/x", Some(400)),
            ("GET", "/assets/..%2Fx", Some(400)),
            ("GET", "/assets/..%5cx", Some(400)),
            ("GET", "/a%00b", Some(400)),
            ("GET", "/a%0d%0ab", Some(400)),
        ] {
            assert_eq!(asked(method, path), refused, "{method} {path}");
        }
        let twice = Request::builder().uri("/").header("host", "a").header("host", "b").body(Body::empty()).unwrap();
        assert_eq!(oddity(&twice).map(|(status, _)| status), Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn what_belongs_to_somebody_is_not_stored() {
        let kept = |cache: Option<&'static str>, cookie: bool, shows_who: bool| {
            let mut headers = HeaderMap::new();
            headers.extend(cache.map(|value| (header::CACHE_CONTROL, HeaderValue::from_static(value))));
            headers.extend(cookie.then(|| (header::SET_COOKIE, HeaderValue::from_static("a=b"))));
            keep_private(&mut headers, shows_who);
            headers.get(header::CACHE_CONTROL).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(kept(None, false, false), None);
        assert_eq!(kept(Some("private, no-cache"), false, false).as_deref(), Some("private, no-cache"));
        assert_eq!(kept(Some("private, no-cache"), false, true).as_deref(), Some("no-store"));
        assert_eq!(kept(None, false, true).as_deref(), Some("no-store"));
        assert_eq!(kept(Some("public, max-age=31536000"), false, true).as_deref(), Some("public, max-age=31536000"));
        assert_eq!(kept(None, true, false).as_deref(), Some("no-store"));
        let shown = |name: HeaderName, value: &'static str| shows_who(&HeaderMap::from_iter([(name, HeaderValue::from_static(value))]));
        assert!(shown(header::COOKIE, "theme=dark; __Host-pharos=x") && shown(header::COOKIE, "pharos=x"));
        assert!(shown(header::AUTHORIZATION, "Bearer x") && !shown(header::COOKIE, "theme=dark; lang=ar"));
    }

    #[test]
    fn addresses_and_own_names_are_known() {
        let hosts = KnownHosts::new(vec!["metrics.example".to_owned()], true);
        for good in ["localhost:9090", "127.0.0.1:9090", "[::1]:9090", "METRICS.example", "10.0.0.5", "a.localhost:1", "pharos:9090"] {
            assert!(hosts.is_known(good), "{good}");
        }
        for bad in ["evil.example:9090", "", ":9090", "localhost.evil.example", "127.0.0.1.evil.example"] {
            assert!(!hosts.is_known(bad), "{bad}");
        }
    }

    #[test]
    fn strange_names_are_refused_where_they_can_only_be_a_trick() {
        let asked = |named: &str, agent: &str| {
            Request::builder().uri("/").header("host", named).header("user-agent", agent).body(Body::empty()).expect("a request")
        };
        let (browser, program) = ("Mozilla/5.0 (X11; Linux x86_64)", "Grafana/12.0");
        for (named, agent, local, open) in [
            ("localhost:9090", browser, true, true),
            ("evil.example:9090", browser, false, false),
            ("evil.example:9090", program, false, true),
            ("pharos.monitoring.svc:9090", program, false, true),
            ("pharos:9090", program, true, true),
            ("", program, true, true),
        ] {
            let request = asked(named, agent);
            let admitted = [true, false].map(|is_local| KnownHosts::new(Vec::new(), is_local).admit(&request));
            assert_eq!(admitted, [local, open], "{named} {agent}");
        }
        let local = KnownHosts::new(Vec::new(), true);
        for (path, admitted) in
            [("/-/healthy", true), ("/-/ready", true), ("/-/reload", false), ("/-/healthy/", false), ("/metrics", false)]
        {
            let request = Request::builder().uri(path).header("host", "evil.example").body(Body::empty()).expect("a request");
            assert_eq!(local.admit(&request), admitted, "{path}");
        }
        let mut led = asked("status.example", browser);
        assert!(!local.admit(&led), "a name that is no page's");
        led.extensions_mut().insert(ByOwnHost);
        assert!(local.admit(&led), "the name of a status page");
        let second = Request::builder().uri("http://evil.example:9090/").body(Body::empty()).expect("a request");
        assert!(!KnownHosts::new(Vec::new(), true).admit(&second), "HTTP/2 names it in the address");
    }
}
