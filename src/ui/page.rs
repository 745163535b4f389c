//! From template to HTML, and from HTML to a response.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::ui::security::{self, Nonce};

/// Renders a page. A template fails only when a value's own formatting fails, which none of ours does; should it
/// happen, the reader gets a plain sentence and the log the cause.
pub fn html(page: &impl askama::Template) -> String {
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        "<!doctype html><title>pharos</title><p>This page could not be made. The cause is in the server's log.".to_owned()
    })
}

/// A page as a response: with the content security policy for the nonce it was rendered with, and never cached
/// without asking.
pub fn respond(status: StatusCode, html: String, nonce: &Nonce) -> Response {
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    for (name, value) in security::PAGE_HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&security::content_security_policy(nonce)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// On answers that pages elsewhere may embed: their policy names whose.
#[derive(Debug, Clone, Copy)]
pub struct MayBeFramed;

/// A page for people without an account, who may have its address from anywhere: it is kept nowhere, no search engine
/// lists it, and whoever it leads to does not learn its address. `ancestors` are the origins that may embed it, as the
/// policy writes them.
pub fn respond_shared(status: StatusCode, html: String, nonce: &Nonce, ancestors: &str) -> Response {
    let mut response = respond(status, html, nonce);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    if let Ok(policy) = HeaderValue::from_str(&security::content_security_policy_in(nonce, ancestors)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if ancestors != "'none'" {
        headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
        response.extensions_mut().insert(MayBeFramed);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_carry_the_policy_of_their_nonce() {
        let nonce = Nonce::from_bits(7);
        let response = respond(StatusCode::NOT_FOUND, String::new(), &nonce);
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.contains(&nonce.to_string()));
        assert_eq!(response.headers()[header::CACHE_CONTROL], "private, no-cache");
    }

    #[test]
    fn only_a_share_with_origins_is_marked_as_embedded() {
        let marked = |ancestors: &str| {
            let response = respond_shared(StatusCode::OK, String::new(), &Nonce::from_bits(7), ancestors);
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
            assert!(policy.contains(&format!("frame-ancestors {ancestors}")), "{policy}");
            response.extensions().get::<MayBeFramed>().is_some()
        };
        assert!(marked("https://a.example") && marked("*") && !marked("'none'"));
        assert!(respond(StatusCode::OK, String::new(), &Nonce::from_bits(7)).extensions().get::<MayBeFramed>().is_none());
    }
}
