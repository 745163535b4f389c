//! Host names of status pages: a request by such a name sees that page and nothing else of the server.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::{Uri, header};

use super::guard::named;
use super::present::wants_page;
use crate::platform::http::problem::Problem;
use crate::uptime::OwnHosts;

/// On requests by the name of a status page; their path is one of that page.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByOwnHost;

/// Puts a router behind the names of status pages. Paths are changed before the router looks at them.
pub(super) fn before(router: Router, hosts: OwnHosts) -> Router {
    Router::new().fallback_service(router).layer(from_fn_with_state(Arc::new(hosts), led))
}

async fn led(State(hosts): State<Arc<OwnHosts>>, mut request: Request, next: Next) -> Response {
    let Some(path) = hosts.lead(named(&request), request.uri().path()) else { return next.run(request).await };
    let (host, accept) = (named(&request).to_owned(), request.headers().get(header::ACCEPT).cloned());
    *request.uri_mut() = at(request.uri(), &path);
    request.extensions_mut().insert(ByOwnHost);
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if wants_page(accept.as_ref()) => {
            let shown = hosts.refused(&host, problem);
            in_place(response, shown)
        }
        // In plain text; what is no page of ours says nothing about the rest either.
        _ => response,
    }
}

/// The same address with another path.
fn at(uri: &Uri, path: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    let whole = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    parts.path_and_query = whole.parse::<PathAndQuery>().ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| Uri::from_static("/"))
}

/// One answer in place of another, with the other's headers as far as they are not about what it showed.
fn in_place(from: Response, shown: Response) -> Response {
    let (mut head, _) = from.into_parts();
    for about in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRANSFER_ENCODING, header::ETAG, header::ALLOW] {
        head.headers.remove(about);
    }
    let (new, body) = shown.into_parts();
    head.status = new.status;
    for name in new.headers.keys() {
        head.headers.remove(name);
    }
    head.headers.extend(new.headers);
    Response::from_parts(head, Body::new(body))
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};

    use super::*;

    #[test]
    fn an_address_keeps_what_is_beside_its_path() {
        for (from, path, to) in [
            ("/feed.xml", "/status/a/feed.xml", "/status/a/feed.xml"),
            ("/history?month=2026-10", "/status/a/history", "/status/a/history?month=2026-10"),
            ("https://s.example:8443/?x", "/status/a", "https://s.example:8443/status/a?x"),
        ] {
            assert_eq!(at(&from.parse().unwrap(), path).to_string(), to);
        }
    }

    #[test]
    fn an_answer_in_place_of_another_keeps_what_goes_for_both() {
        let mut from = Response::new(Body::from("a long page about the server"));
        for (name, value) in [("x-frame-options", "DENY"), ("content-encoding", "br"), ("retry-after", "5"), ("cache-control", "public")] {
            from.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let mut shown = Response::new(Body::from("short"));
        *shown.status_mut() = StatusCode::NOT_FOUND;
        shown.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
        let answer = in_place(from, shown);
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!((answer.status(), header("content-encoding"), header("retry-after")), (StatusCode::NOT_FOUND, None, Some("5")));
        assert_eq!((header("x-frame-options"), header("cache-control")), (Some("DENY"), Some("no-store")));
    }
}
