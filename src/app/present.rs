//! How failures look to who asked: a page for browsers, the API's envelope for its callers, plain text for the rest.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, Uri, header};
use serde_json::json;

use crate::access::Caller;
use crate::base::clock::SharedClock;
use crate::platform::http::problem::Problem;
use crate::ui::lang::key;
use crate::ui::nav::Page;
use crate::ui::shell::{Shell, Visit};
use crate::ui::{page, problem};

/// Where the API begins.
const API: &str = "/api/v1/";
/// Endpoints of the API whose failures are plain text upstream too.
const TEXT: [&str; 3] = ["/api/v1/write", "/api/v1/read", "/api/v1/otlp/v1/metrics"];

/// Gives a failure the look that suits its reader. What has a look of its own stays as it is.
pub(super) async fn presented(State(clock): State<SharedClock>, request: Request<Body>, next: Next) -> Response {
    let uri = request.uri().clone();
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let Some(failure) = response.extensions().get::<Problem>().cloned() else { return response };
    let caller = response.extensions().get::<Caller>().cloned();
    let path = uri.path();
    let shown = if path.starts_with(API) && !TEXT.contains(&path) {
        envelope(&failure)
    } else if !path.starts_with(API) && wants_page(headers.get(header::ACCEPT)) {
        let mut visit = Visit::new(&uri, &headers, clock.now_ms());
        visit.caller = caller.unwrap_or(Caller::Nobody(None));
        failure_page(&failure, &uri, visit)
    } else {
        return response;
    };
    carried_over(response, shown)
}

/// Whether the reader is a browser that shows pages.
pub(super) fn wants_page(accept: Option<&HeaderValue>) -> bool {
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.split(',').any(|range| range.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html")))
}

fn envelope(failure: &Problem) -> Response {
    let kind = match failure.status() {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
        status if status.is_server_error() => "internal",
        _ => "bad_data",
    };
    let body = json!({ "status": "error", "errorType": kind, "error": failure.public() }).to_string();
    (failure.status(), [(header::CONTENT_TYPE, "application/json"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], body).into_response()
}

fn failure_page(failure: &Problem, uri: &Uri, visit: Visit<'_>) -> Response {
    let status = failure.status();
    let nonce = visit.nonce.clone();
    let headline = match status {
        StatusCode::NOT_FOUND => key("There is no such page"),
        StatusCode::METHOD_NOT_ALLOWED => key("This address does not take that"),
        StatusCode::FORBIDDEN => key("This is not allowed"),
        StatusCode::UNAUTHORIZED => key("Sign in first"),
        StatusCode::SERVICE_UNAVAILABLE => key("Not now"),
        StatusCode::TOO_MANY_REQUESTS => key("Too many requests"),
        status if status.is_server_error() => key("This page could not be made"),
        _ => key("This cannot be understood"),
    };
    let shell = Shell::new(Page::Elsewhere, headline, visit);
    let html = match status {
        StatusCode::NOT_FOUND => problem::not_found(&shell),
        StatusCode::METHOD_NOT_ALLOWED => {
            problem::problem(&shell, status.as_u16(), shell.t(headline), shell.t("Go there by a link or a form."), uri.path())
        }
        _ => problem::problem(&shell, status.as_u16(), shell.t(headline), failure.public(), ""),
    };
    page::respond(status, html, &nonce)
}

/// Keeps what layers around want to know, and what tells the client when to come again.
fn carried_over(from: Response, mut to: Response) -> Response {
    let (parts, _) = from.into_parts();
    for name in [header::RETRY_AFTER, header::ALLOW, header::WWW_AUTHENTICATE, header::SET_COOKIE] {
        if let Some(value) = parts.headers.get(&name) {
            to.headers_mut().insert(name, value.clone());
        }
    }
    *to.extensions_mut() = parts.extensions;
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_ask_for_pages() {
        let wants = |accept: &'static str| wants_page(Some(&HeaderValue::from_static(accept)));
        assert!(wants("text/html,application/xhtml+xml,*/*;q=0.8") && wants("image/png, text/HTML;q=0.5"));
        assert!(!wants("*/*") && !wants("") && !wants("text/htmlx") && !wants_page(None));
    }

    #[test]
    fn a_page_never_repeats_what_could_be_markup() {
        let uri: Uri = "/%3Cimg%20src=x%3E?a=%22%3E%3Cscript%3E".parse().unwrap();
        let headers = http::HeaderMap::new();
        let failure = Problem::bad_request("no <b>such</b> thing");
        let response = failure_page(&failure, &uri, Visit::new(&uri, &headers, 0));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        let bytes = futures_util::FutureExt::now_or_never(http_body_util::BodyExt::collect(response.into_body())).unwrap().unwrap();
        let html = String::from_utf8(bytes.to_bytes().to_vec()).unwrap();
        assert!(html.contains("no &#60;b&#62;such") && !html.contains("<b>such") && !html.contains("<script>\""), "{html}");
    }
}
