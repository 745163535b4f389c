//! Plain HTTP is led to HTTPS, and browsers are told to stay there.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::edge::Edge;
use crate::platform::config::settings::ServerSettings;
use crate::platform::http::problem::Problem;
use crate::platform::http::tls::Connection;

/// Where HTTPS is, and for how long browsers are to remember that.
#[derive(Debug, Clone, Default)]
pub(super) struct ToHttps {
    /// Whether HTTPS is spoken at all.
    is_on: bool,
    /// The address that people use, where it is set.
    external: Option<String>,
    /// The port of HTTPS, where requests come by another one.
    port: Option<u16>,
    hsts: Option<HeaderValue>,
}

impl ToHttps {
    /// For requests that come by the port of HTTPS itself.
    pub(super) fn new(settings: &ServerSettings, edge: &Edge) -> Self {
        let external = url::Url::parse(&settings.external_url).ok().filter(|url| url.scheme() == "https");
        let external = external.and_then(|url| {
            let host = url.host_str()?.to_owned();
            Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
        });
        let seconds = edge.hsts_s();
        let hsts = (seconds > 0).then(|| HeaderValue::from_str(&format!("max-age={seconds}")).ok()).flatten();
        Self { is_on: edge.speaks_tls(), external, port: None, hsts }
    }

    /// For requests that come by another port than `port`, where HTTPS is.
    pub(super) fn on_port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// Answers every request with where HTTPS is.
    pub(super) fn into_router(self) -> Router {
        Router::new().fallback(move |request: Request| std::future::ready(self.redirect(&request)))
    }

    /// The same address by HTTPS. Only what the client asked for itself stands in it, or what is set.
    fn target(&self, request: &Request<Body>) -> Option<HeaderValue> {
        let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
        let named = named.or_else(|| request.uri().authority().map(Authority::as_str));
        let authority = match &self.external {
            Some(external) => external.clone(),
            None => {
                let asked: Authority = named?.parse().ok()?;
                let port = self.port.or_else(|| asked.port_u16());
                match port {
                    Some(443) | None => asked.host().to_owned(),
                    Some(port) => format!("{}:{port}", asked.host()),
                }
            }
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        HeaderValue::from_str(&format!("https://{authority}{}{path}", if path.starts_with('/') { "" } else { "/" })).ok()
    }

    /// The answer to a request by plain HTTP.
    pub(super) fn redirect(&self, request: &Request<Body>) -> Response {
        match self.target(request) {
            Some(to) => {
                let words = "this server speaks HTTPS; come again by https://\n";
                let headers = [(header::LOCATION, to), (header::CONNECTION, HeaderValue::from_static("close"))];
                (StatusCode::PERMANENT_REDIRECT, headers, words).into_response()
            }
            None => Problem::bad_request("this server speaks HTTPS, and the request names no host to be led to").into_response(),
        }
    }
}

/// Leads plain HTTP to HTTPS; on HTTPS, makes cookies stay there and tells browsers to do so themselves.
pub(super) async fn https_only(State(to): State<Arc<ToHttps>>, request: Request, next: Next) -> Response {
    let is_tls = request.extensions().get::<Connection>().is_some_and(|connection| connection.is_tls);
    if !is_tls {
        return if to.is_on { to.redirect(&request) } else { next.run(request).await };
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(hsts) = &to.hsts {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert_with(|| hsts.clone());
    }
    secure_cookies(headers);
    response
}

/// Cookies that were set over HTTPS are never sent without.
fn secure_cookies(headers: &mut HeaderMap) {
    if !headers.contains_key(header::SET_COOKIE) {
        return;
    }
    let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let is_secure = cookie.to_str().is_ok_and(|text| text.split(';').skip(1).any(|part| part.trim().eq_ignore_ascii_case("secure")));
        let secured = if is_secure { None } else { HeaderValue::from_bytes(&[cookie.as_bytes(), b"; Secure"].concat()).ok() };
        headers.append(header::SET_COOKIE, secured.unwrap_or(cookie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &str, path: &str) -> Request<Body> {
        let request = Request::builder().uri(path);
        let request = if host.is_empty() { request } else { request.header("host", host) };
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn the_same_address_is_given_by_https() {
        let same = ToHttps { is_on: true, ..ToHttps::default() };
        let other = same.clone().on_port(9443);
        let well_known = same.clone().on_port(443);
        let external = ToHttps { external: Some("metrics.example".to_owned()), ..other.clone() };
        for (to, host, path, target) in [
            (&same, "a.example:9090", "/x?y=1", Some("https://a.example:9090/x?y=1")),
            (&same, "a.example", "/", Some("https://a.example/")),
            (&same, "[::1]:9090", "/", Some("https://[::1]:9090/")),
            (&other, "a.example:8080", "/x", Some("https://a.example:9443/x")),
            (&well_known, "a.example:80", "/x", Some("https://a.example/x")),
            (&external, "10.0.0.1:8080", "/x", Some("https://metrics.example/x")),
            (&same, "a.example", "//evil.example/x", Some("https://a.example//evil.example/x")),
            (&same, "user@evil.example", "/", Some("https://evil.example/")),
            (&same, "", "/", None),
            (&same, "a b", "/", None),
        ] {
            let found = to.target(&asked(host, path));
            assert_eq!(found.as_ref().map(|value| value.to_str().unwrap()), target, "{host} {path}");
        }
        let answer = same.redirect(&asked("a.example", "/x"));
        assert_eq!(
            (answer.status(), answer.headers()["location"].to_str().unwrap()),
            (StatusCode::PERMANENT_REDIRECT, "https://a.example/x")
        );
        assert_eq!(same.redirect(&asked("", "/x")).status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn cookies_stay_on_https() {
        let mut headers = HeaderMap::new();
        for cookie in ["a=1; Path=/", "b=secure; Secure; HttpOnly", "c=secure"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        secure_cookies(&mut headers);
        let cookies: Vec<&str> = headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(cookies, ["a=1; Path=/; Secure", "b=secure; Secure; HttpOnly", "c=secure; Secure"]);
    }
}
